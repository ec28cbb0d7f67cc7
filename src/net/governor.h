/* SPDX-License-Identifier: Apache-2.0 */
/*
 * governor.h - budgets of a service that limits what it takes: requests
 * and octets in a window of time, requests at once; per mailbox and per
 * application. m365.md C.10 and B.7.
 *
 * The first half is pure: time is an argument, nothing waits. A budget is
 * an exact sliding window, so that no window of the service ever sees more
 * than the limit, plus an adaptive share of at_once and of the
 * pace: halved by a refusal, creeping up with every quiet minute. Where
 * the service names no window the pace is learnt: none until the first
 * refusal, then half of what was achieved in the seconds before it. A
 * refusal with a wait blocks the budget for exactly that time.
 *
 * The second half is one governor for the process: all threads that work
 * for a mailbox share its budgets, first come, first served.
 * governor_enter() waits; waiting is told by account->waiting and is never
 * an error.
 */
#ifndef MAILHAUL_NET_GOVERNOR_H
#define MAILHAUL_NET_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

#include "mailhaul/account.h"

#define GOV_SLOTS 128

struct gov_limits {
	uint64_t requests, requests_ms; /* so many in so long; 0: no limit */
	uint64_t octets, octets_ms;
	unsigned at_once;  /* 0: no limit */
	uint64_t quiet_ms; /* a quiet minute; 0: 60,000 */
};

struct gov_window {
	uint64_t limit, span_ms; /* limit 0: none */
	uint64_t slot[GOV_SLOTS + 1], total;
	uint64_t at;   /* number of the newest slot */
	uint64_t held; /* of requests that are on their way */
};

struct gov_budget {
	struct gov_window requests, octets;
	struct gov_window recent; /* requests of the last seconds, counted */
	unsigned most_at_once, running;
	double at_once;         /* adaptive, 1 .. most_at_once */
	double pace;            /* adaptive share of the windows, 0.05 .. 1 */
	double rate;            /* learnt, requests a second; 0: none */
	double next_at;         /* with a rate: nothing before */
	uint64_t first;         /* the first request of this run of them */
	uint64_t last;          /* the last one */
	uint64_t blocked_until; /* refused: nothing before */
	uint64_t quiet_ms, quiet_since; /* last refusal's end, or growth */
	unsigned streak;                /* refusals without a wait, in a row */
};

/* What a request takes. */
struct gov_need {
	uint64_t octets;
	unsigned requests; /* of the window: a batch counts its parts */
	unsigned at_once;  /* places; 0: not counted */
};

void gov_init(struct gov_budget *b, const struct gov_limits *l);
/* 0: go (and it is booked); else the milliseconds after which to ask
 * again (UINT64_MAX: when somebody left). What is
 * larger than a whole window goes when the window is empty. */
uint64_t gov_ask(struct gov_budget *b, uint64_t now, const struct gov_need *n);
/* How long gov_ask would have to wait, without booking. */
uint64_t gov_peek(struct gov_budget *b, uint64_t now, const struct gov_need *n);
/* Its answer came; well: it was no refusal. When the service counted it,
 * between gov_ask and now, is not known: it counts for all that time. */
void gov_left(struct gov_budget *b, uint64_t now, const struct gov_need *n,
              bool well);
/* A refusal; wait_ms 0: the service said nothing: 1, 2, 4 .. 60 s. Those
 * that come while it is blocked already only prolong the wait. */
void gov_refused(struct gov_budget *b, uint64_t now, uint64_t wait_ms);
/* Nothing in it that a new budget would not have. */
bool gov_idle(const struct gov_budget *b, uint64_t now);

/* --- shared by the process ------------------------------------------------ */

/* GOV_UPLOAD: Graph's budget, but at_once is not counted. */
enum gov_door { GOV_GRAPH, GOV_IMAP, GOV_UPLOAD };

struct gov_lease; /* what one request holds */

/*
 * Waits until a request with so many octets may leave for a's mailbox
 * through door (at_once is not counted for GOV_IMAP: its connections are).
 * EC_INTERRUPTED when a->cancel is set. a must outlive the lease.
 *
 * a->waiting is called for a wait of more than two seconds, with words to
 * follow "waiting 4:51, ": "as Microsoft asked", or "to stay within
 * Microsoft's limits".
 */
int governor_enter(struct gov_lease **out, const struct account *a,
                   enum gov_door door, uint64_t octets, struct err *e);
/* As above for a call that counts as several, so many of them at once. */
int governor_enter_many(struct gov_lease **out, const struct account *a,
                        enum gov_door door, const struct gov_need *n,
                        struct err *e);
/* Ends the lease, after governor_refused() if it was refused. */
void governor_leave(struct gov_lease **l);
/* The mailbox was refused, for so long; 0: the service did not say. */
void governor_refused(struct gov_lease *l, uint64_t wait_ms);
/* The whole application was: all its mailboxes in this tenant wait. */
void governor_refused_all(struct gov_lease *l, uint64_t wait_ms);
/* As governor_refused(), of a request whose lease has ended. */
void governor_refused_late(const struct account *a, enum gov_door door,
                           uint64_t wait_ms);

#endif

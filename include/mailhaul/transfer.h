/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - the engine: claim, fetch, intend, put, settle, for any
 * number of mailboxes at once, until everything is settled or can't be.
 */
#ifndef MAILHAUL_TRANSFER_H
#define MAILHAUL_TRANSFER_H

#include <stdatomic.h>

#include "mailhaul/account.h"
#include "mailhaul/event.h"
#include "mailhaul/others.h"
#include "mailhaul/plan.h"
#include "mailhaul/store.h"

/* Exit codes of cli.md, also per mailbox. */
enum exit_code {
	EXIT_ALL_MOVED = 0,
	EXIT_PROBLEMS = 1,
	EXIT_UNFINISHED = 2,
	EXIT_PERSON = 3,
	EXIT_USAGE = 64,
	EXIT_INPUT = 65,
	EXIT_FAULT = 70,
	EXIT_STORE = 73,
	EXIT_BUSY = 75
};

/* One mailbox as the caller has prepared it: accounts parsed, secrets
 * wired, options read. Borrowed during the run. */
struct job {
	const struct mailbox *mailbox;
	struct account from, to;
	const struct options *options;
	bool items_saved;    /* what is no mail needs no word */
	int exit_code;       /* out */
	struct err err;      /* out: why, if exit_code is 2 or 3 */
	struct progress progress; /* out */
};

struct run_options {
	unsigned mailboxes;     /* at once, 0: default */
	uint64_t memory;        /* octets of bodies in flight, 0: default */
	bool dry_run;
	event_fn *event;
	void *event_arg;
	/* 1: stop claiming, finish what is in flight (10 s at most). */
	const atomic_int *stop;
};
#define RUN_DEFAULT_LANES 3
#define RUN_DEFAULT_MAILBOXES 4
#define RUN_DEFAULT_MEMORY (20u << 20)

/* Runs all jobs; each job's exit_code is set. Returns the exit code of the
 * whole (the highest of 3, 2, 1, 0; 73, 75 if that is all there was). */
int transfer_run(struct store *s, struct job *jobs, size_t n,
                 const struct run_options *o);

/* The exit code an error means for its mailbox or run. */
int transfer_exit_code(const struct err *e);

/*
 * Decides by which way a destination of KIND_M365 is reached: job->to.kind
 * becomes KIND_M365_IMAP or KIND_M365_GRAPH. A mailbox keeps its way;
 * remember: a new decision goes into the store. *why (malloc'd) is a
 * sentence about a new decision, or NULL. Other kinds are left alone.
 */
int transfer_door(struct store *s, struct job *job, bool remember, char **why,
                  struct err *e);

/* --- plan: both ends are asked, nothing is changed ---------------------- */

struct plan_row {
	const char *from;        /* paths */
	const char *to;          /* NULL if left out */
	const char *left_out;    /* why the whole folder is left out */
	uint64_t messages, bytes; /* of the source folder */
	uint64_t settled;        /* moved before */
	uint64_t left_out_messages;
	bool exists;             /* at the destination */
	bool renamed;
	/* compared: the messages not settled yet were held against what is
	 * at the destination, whoever brought it there: settled + already +
	 * fresh + unsure + left_out_messages are all of the folder. Unsure
	 * ones are sent. */
	bool compared;
	uint64_t already, fresh, unsure;
	uint64_t unreadable; /* of fresh: can't be read at the source */
};
typedef void plan_fn(const struct plan_row *r, void *arg);
/* others: what an archive holds besides is added; NULL: it is not asked. */
int transfer_plan(struct store *s, struct job *job, plan_fn *each,
                  void *arg, struct others *others, struct err *e);

#endif

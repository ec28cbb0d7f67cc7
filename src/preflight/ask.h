/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - what the files of preflight share. */
#ifndef MAILHAUL_PREFLIGHT_ASK_H
#define MAILHAUL_PREFLIGHT_ASK_H

#include "mailhaul/preflight.h"
#include "net/graph.h"

struct ask {
	struct job *job;
	preflight_fn *each;
	void *arg;
	struct preflight_sum *sum;
	struct graph *g;    /* open, or NULL */
	bool mailbox_there; /* Graph has seen its inbox */
	bool begun;         /* and stays with the way it began by */
};

/* Tells a row; VERDICT_FAIL raises the exit code. text is a printf format. */
void ask_tell(struct ask *q, const char *what, enum verdict v, const char *text,
              ...) __attribute__((format(printf, 4, 5)));
/* A failure: its own sentence. A missing right is VERDICT_UNKNOWN when
 * optional. */
void ask_failed(struct ask *q, const char *what, const struct err *why,
                bool optional);

/* How long the rest takes, by Graph or by IMAP. */
void ask_estimate(struct ask *q, bool graph);

/* m365.c: sign-in, rights, tenant, domain, user, licence, doors. */
void ask_m365(struct ask *q, struct store *s);
/* m365_mailbox.c: mailbox, kind, language, archive, size, quota. */
void ask_mailbox(struct ask *q);

#endif

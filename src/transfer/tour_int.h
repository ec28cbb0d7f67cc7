/* SPDX-License-Identifier: Apache-2.0 */
/* tour_int.h - what the parts of tour.c share. */
#ifndef MAILHAUL_TRANSFER_TOUR_INT_H
#define MAILHAUL_TRANSFER_TOUR_INT_H

#include "mailhaul/others.h"
#include "transfer/branch.h"
#include "transfer/tour.h"
#include "util/buf.h"

/* What this run knows of a destination folder. */
struct mark {
	char *path;
	uint32_t uidvalidity, uidnext;
	uint64_t messages, appended;
	bool doubted;
};

enum stage { STAGE_BEGIN, STAGE_LISTED, STAGE_LATE, STAGE_REST };

struct tour {
	struct branch *v;
	size_t n;
	size_t last; /* branch of the message before */
	enum stage stage;
	bool walking;
	bool bodies;    /* of this walk */
	bool late;      /* this walk is of the views of everything */
	bool no_resume; /* what stood there has moved on */
	bool walked;    /* in this call of tour_run() */
	bool met_folder;
	size_t renumbered; /* how often it began anew for that */
	uint64_t left;     /* when the round before began */
	unsigned idle;     /* rounds in a row that settled nothing */
	struct mark *marks;
	size_t marks_n;
	/* The open batches, together. */
	size_t messages;
	uint64_t octets, reserved;
	size_t portion;       /* messages in the next of them */
	struct queue ready;   /* read; guarded by the move's lock */
	bool ended;           /* nothing more comes: the same */
	struct others others; /* what is no mail */
	bool others_told;
};

/* --- tour_meet.c --------------------------------------------------------- */

/* A message of b that the walk has come upon; msg may be moved from. */
int tour_meet(struct move *m, struct branch *b, struct message *msg,
              struct err *e);

/* --- tour_batch.c -------------------------------------------------------- */

/* The run is to end. */
bool tour_ending(const struct move *m);
/* Room for what is being read; false: the run ends. */
bool tour_reserve(struct move *m);
void tour_unreserve(struct move *m);
/* What a body takes of that room. */
uint64_t tour_weight(const struct body *b);
/* A new message of b's open batch; NULL: memory. */
struct message *tour_place(struct branch *b);
/* The open batches hold as much as they may. */
bool tour_full(const struct move *m);
/* Adds the rows of the open batches, and hands these to the lanes. */
int tour_flush(struct move *m, struct err *e);
/* The same in a walk without octets: rows, and nothing to send. */
int tour_flush_rows(struct move *m, struct err *e);

/* --- tour_remake.c ------------------------------------------------------- */

void tour_forget_marks(struct tour *s);
void tour_forget(struct tour *s); /* the branches */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * move.h - one mailbox being moved: what its threads share.
 *
 * Threads: the mailbox's own (move.c: prepares, starts lanes, ends the
 * pass), and per lane a reader and a writer thread (lane_read.c,
 * lane_write.c). All shared members below are guarded by lock; changed is
 * signalled whenever one of them changes in a way somebody may wait for.
 * The first lane's connections are the mailbox thread's own, lent.
 */
#ifndef MAILHAUL_TRANSFER_MOVE_H
#define MAILHAUL_TRANSFER_MOVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "mailhaul/reader.h"
#include "mailhaul/transfer.h"
#include "mailhaul/writer.h"
#include "transfer/budget.h"
#include "transfer/journal.h"

#define LANES_MOST 32
#define BATCH_MESSAGES 500
#define BATCH_OCTETS (4u << 20)
#define BATCH_OCTETS_MOST (32u << 20) /* with --memory */
#define BATCH_ONE_BY_ONE 8
#define ASK_AHEAD 3
#define TRIES_ALONE 3    /* a message that breaks the connection so often */
#define FAILURES_MOST 10 /* connections lost in a row without any progress */

/* What all mailboxes of a run share. */
struct run {
	struct store *store;
	struct journal *journal;
	const struct run_options *options;
	struct memory_budget memory;
	uint64_t memory_octets;
	pthread_mutex_t event_lock;
};

/* A folder of the source. */
struct from {
	struct folder f;    /* f.id: store row */
	struct window seen; /* what the store knows (uidvalidity, modseq) */
	bool listed_before;
	bool skip;            /* left out, holds nothing, or failed */
	const char *left_out; /* why the plan leaves it out; static words */
	bool unchanged;
	bool listed; /* in this run, or unchanged */
	size_t to;   /* index into tos */
	uint64_t cursor;
	uint64_t pending; /* rows that wait and are not claimed */
	unsigned claimed; /* batches claimed and not yet intended */
};

/* A folder of the destination. */
struct to {
	struct folder f;
	uint32_t mark_uidvalidity, mark_uidnext; /* as this run began */
	uint64_t messages_before;
	uint64_t appended; /* by this run */
	unsigned out;      /* batches sent and unanswered, all lanes */
	unsigned doubt;    /* lanes whose doubt must be settled first */
	bool looking;      /* one of them is at it */
	bool doubted;      /* a message was sent again after doubt */
	bool scanned;
	bool absent;       /* in the store, no longer at the destination */
	struct err failed; /* code != 0: can't be made */
};

/* A message whose answer was lost and that was not there (yet). */
struct deferred {
	int64_t row;
	size_t to;
	unsigned batch_max; /* how it may be sent again */
	bool alone;         /* it was alone in its batch */
};

struct lane;
struct tour;

struct move {
	struct run *run;
	struct job *job;
	struct store *store;
	struct journal *journal;
	const struct reader_ops *reader_ops;
	const struct writer_ops *writer_ops;
	struct reader *reader; /* the first lane's; an archive's: tour.c's */
	struct tour *tour;     /* of archives, else NULL */
	struct writer *writer;
	unsigned writer_traits;
	struct account from_account, to_account;
	pthread_mutex_t secret_lock;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct from *froms;
	size_t froms_n;
	struct to *tos;
	size_t tos_n;
	struct folder_list there; /* the destination's, as this run began */
	bool case_blind;   /* the destination can't tell Work from work */
	bool orphans;      /* copied messages that left their place */
	bool adopting;     /* copies that stood there before us */
	bool joining;      /* the destination has other sources, too */
	bool looking_anew; /* what they saw there has been put aside */
	bool may_claim;    /* what is known has been listed again */
	bool listing;      /* more may be found */
	bool finished;     /* lanes: nothing will come any more */
	struct lane *lanes[LANES_MOST];
	size_t lanes_most, lanes_busy;
	size_t outstanding; /* batches claimed, their fate not on disk */
	size_t batch_messages;
	uint64_t batch_octets;
	struct deferred *deferred;
	size_t deferred_n, deferred_cap;
	uint64_t lost_ms;      /* clock_ms() of the last lost answer */
	unsigned failures;     /* in a row */
	bool from_met, to_met; /* a connection has succeeded */
	struct rate rate;
	struct progress progress;
	struct err fatal; /* code != 0: the mailbox stops */
	bool limited;     /* reach ERR_FOLDER failures were met */
	struct err note;  /* the last of those */
	uint64_t wait_until_ms;

	atomic_int cancel; /* read by the network layer */
	atomic_bool in_lanes;
	atomic_bool started; /* progress may be told */
	bool done;           /* the mailbox thread has ended */
};

/* --- move.c --------------------------------------------------------------- */

bool move_stopping(const struct move *m);
/* Ends the mailbox with this error; the first one counts. Takes the lock. */
void move_fail(struct move *m, const struct err *e);
bool move_failed(struct move *m);
/* Waits, but not beyond a stop; false if stopped. */
bool move_sleep(struct move *m, uint64_t ms);
/* Connections, tried again as long as that may help. -1: the error is the
 * mailbox's end (or, for a lane beyond the first, the lane's). */
int move_open_reader(struct move *m, struct reader **out, bool first,
                     struct err *e);
int move_open_writer(struct move *m, struct writer **out, bool first,
                     struct err *e);
/* After a lost connection: counts, tells, waits. -1: enough. */
int move_lost(struct move *m, const struct err *why, struct err *e);
void move_progressed(struct move *m);
void move_settled(struct move *m, const struct batch *b); /* counts */
void move_run(struct move *m);

/* --- tell.c: events ------------------------------------------------------- */

void tell(struct move *m, enum event_kind kind, const char *folder,
          const char *text, const struct err *e);
void tell_progress(struct move *m);
void tell_wait(struct move *m, const char *what, uint64_t until_ms);

/* --- folders.c ------------------------------------------------------------ */

int folders_prepare(struct move *m, struct err *e);
void folders_free(struct move *m);
/* The destination's state at the end, for the next pass to compare. */
int folders_remember(struct move *m, struct err *e);

/* --- listing.c ------------------------------------------------------------ */

/* Lists what is known again (first), or what was never listed. */
int listing_known(struct move *m, struct reader **r, struct err *e);
int listing_new(struct move *m, struct reader **r, struct err *e);

/* --- claim.c -------------------------------------------------------------- */

/* With the lock held: until something has changed, or a tenth of a second. */
void move_wait(struct move *m);
/* The next batch; wait: until there is one, or NULL when nothing will come
 * or the run stops. */
struct batch *claim_next(struct move *m, const struct lane *l, bool wait,
                         struct err *e);
/* Its messages are known to the store as what they are; the claim ends. */
void claim_done(struct move *m, struct batch *b);
/* Unread: the rows wait again. Frees b. */
void claim_return(struct move *m, struct batch **b);
void claim_found(struct move *m, size_t from, uint64_t n);

/* --- lanes.c, lane_read.c, lane_write.c ----------------------------------- */

struct queue {
	struct batch *first, **last;
	size_t n;
};

struct lane {
	struct move *m;
	size_t index;
	pthread_t read_thread, write_thread;
	struct reader *reader;
	struct writer *writer;
	/* Guarded by the move's lock. */
	struct queue fetched; /* read, not yet intended */
	struct queue ready;   /* intended, not yet sent */
	size_t intending;
	bool read_done;
	bool quit;        /* this lane ends early; others go on */
	bool worked;      /* has had a batch */
	bool writer_open; /* writer may be woken */
	/* The writer thread's own. */
	struct queue out; /* sent, not all answered */
	bool alone;       /* a suspect batch is out by itself */
};

int lanes_run(struct move *m, struct err *e);
void lane_push(struct lane *l, struct queue *q, struct batch *b);
void queue_add(struct queue *q, struct batch *b);
struct batch *queue_take(struct queue *q);
bool queue_drop(struct queue *q, struct batch *b);
/* Waits for all answers that are out on this lane. */
int lane_drain(struct lane *l, struct err *e);
/* What was read or intended and not sent waits for another time. */
void lane_put_back(struct lane *l);
void *lane_read_main(void *arg);
void *lane_write_main(void *arg);
/* The octets have left or are not wanted any more. */
void batch_give_memory(struct move *m, struct batch *b);

/* --- doubt.c -------------------------------------------------------------- */

/* Looks for the messages of b (state MSG_SENDING) in tos[to], from the mark
 * since on; those that are there become MSG_MOVED with their uid, the
 * others stay. Copies without a name get theirs first. */
int doubt_look(struct move *m, struct writer *w, size_t to, struct batch *b,
               uint32_t since, struct err *e);
/* What an earlier run left behind. */
int doubt_leftovers(struct move *m, struct err *e);
/* The deferred ones, once more and for good. *again: some are sent again. */
int doubt_deferred(struct move *m, bool *again, struct err *e);
int doubt_defer(struct move *m, const struct message *msg, size_t to,
                size_t batch_n, struct err *e);
/* Copies that a server committed late, after we had sent them again. */
int doubt_doubled(struct move *m, struct err *e);
/* Copies whose uid the server has not told. */
int doubt_unnamed(struct move *m, struct err *e);

/* --- adopt.c -------------------------------------------------------------- */

int adopt_scan(struct move *m, struct err *e);
/* Messages of b that are at the destination already: MSG_ADOPTED. */
int adopt_batch(struct move *m, struct lane *l, struct batch *b, struct err *e);

/* --- pass.c --------------------------------------------------------------- */

int pass_gone(struct move *m, struct err *e);       /* deleted at destination */
int pass_flags(struct move *m, struct err *e);      /* changed at the source */
int pass_reconsider(struct move *m, struct err *e); /* holes, options */

#endif

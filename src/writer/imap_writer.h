/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_writer.h - the state that the files of the IMAP writer share:
 * imap.c (the driver), imap_append.c (APPEND and its answers), imap_make.c
 * (folders), imap_change.c (flags of our own copies, taking back),
 * imap_words.c (keywords), imap_exchange.c (what Microsoft Exchange needs
 * besides), imap_late.c (its flags and dates, after the APPEND), imap_side.c
 * (what only Graph can set).
 */
#ifndef MAILHAUL_WRITER_IMAP_WRITER_H
#define MAILHAUL_WRITER_IMAP_WRITER_H

#include "mailhaul/writer.h"
#include "net/governor.h"
#include "net/imap_mail.h"
#include "util/buf.h"

/* One APPEND command that is out: messages first .. first+count-1 of b. */
struct flight {
	imap_tag tag;
	struct batch *b;
	size_t first, count;
	uint64_t octets;
};

/* A message that is stored and whose verdict waits for its flag. */
struct late {
	struct message *m;
	struct batch *b;
};

struct side; /* imap_side.c */

struct writer {
	struct imap *im;
	const struct account *a;
	struct imap_bodies bodies;
	struct imap_namespace ns;
	struct folder_list have; /* as folders() saw them */
	char delim;
	bool selected; /* some mailbox */
	/* Out and unanswered, oldest first. */
	struct flight *flights;
	size_t flights_n, flights_cap;
	uint64_t octets;
	/* Answered, not yet told to the caller. */
	struct settled *done;
	struct batch **done_batch; /* set with the last message of a batch */
	size_t done_n, done_cap;
	size_t next; /* submit: the first message that has not been sent */
	/* The connection ended after an answer that must be told first. */
	bool broken;
	struct err broken_why;
	/* Exchange. */
	bool exchange;
	struct gov_lease *lease; /* of the APPEND that is out */
	const char **reserved;   /* of rules(), borrowed names */
	unsigned unavailable;    /* such answers in a row */
	struct late *late;       /* all of folder late_raw */
	size_t late_n, late_cap, late_batches;
	char *late_raw;
	char *open_raw; /* selected for changing, or NULL */
	uint32_t open_uidvalidity;
	bool exists; /* told since the last APPEND began */
	bool stale;  /* what is selected may not show the last copies */
	struct side *side;
};

/* imap_append.c */
int append_prepare(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e);
int append_submit(struct writer *w, const struct folder *f, struct batch *b,
                  struct err *e);
int append_collect(struct writer *w, bool wait, settled_fn *each, void *arg,
                   struct err *e);
bool append_ready(struct writer *w);
bool append_one_by_one(const struct writer *w);
/* One message has its verdict. */
int append_tell(struct writer *w, const struct settled *s, struct batch *b,
                struct err *e);

/* imap_make.c */
int make_folders(struct writer *w, struct folder *v, size_t n, struct err *why,
                 struct err *e);

/* imap_change.c */
int change_flags(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e);
int change_take_back(struct writer *w, const struct folder *f, struct batch *b,
                     struct err *e);

/* imap_words.c */

/* Fills set_keywords, and note with those that f can't keep. */
int imap_words_prepare(const struct writer *w, const struct folder *f,
                       struct message *m, struct err *e);
/* *out: what f keeps of list, as it is written there (malloc'd, or NULL);
 * lost, unless NULL: the others, for people. */
int imap_words_kept(const struct writer *w, const struct folder *f,
                    const char *list, char **out, struct buf *lost,
                    struct err *e);

/* imap_exchange.c */

/* After imap_words_prepare(). What it must not get: the repaired body. */
int exchange_prepare(struct writer *w, struct message *m, struct err *e);
/* Before an APPEND of octets: the governor's leave, on a connection that
 * will last. Else w->broken is set. */
int exchange_enter(struct writer *w, uint64_t octets, struct err *e);
/* A BAD that says plainly that the message was not stored. */
bool exchange_plain(const struct writer *w, const struct imap_reply *r);
/* What a refusal means here; s->why is what it means elsewhere. */
void exchange_refused(struct writer *w, const struct imap_reply *r,
                      struct settled *s);
/* The reserved names, w->reserved: after w->have has been filled. */
int exchange_names(struct writer *w, struct err *e);
bool exchange_drops(const char *word, size_t len); /* $MDNSent */

/* imap_late.c */

/* Whether m, just stored in f, waits for its flag; then it is kept. */
int late_stored(struct writer *w, struct message *m, struct batch *b,
                bool *waits, struct err *e);
/* The folder of the next APPENDs: flags of another are set first. */
int late_folder(struct writer *w, const char *raw, struct err *e);
/* Sets the flags that wait, if it is time, or idle. */
int late_flush(struct writer *w, bool now, struct err *e);
/* After the first batch of a mailbox: are the dates there what we sent?
 * If not, w->broken is set. */
int late_canary(struct writer *w, const struct folder *f, struct batch *b,
                struct err *e);
/* Something else gets selected. */
void late_deselected(struct writer *w);

/* imap_side.c: all of it may fail without harm. */

/* m has keywords that IMAP can't keep, and its body: kept until side_set. */
void side_remember(struct writer *w, const struct message *m);
/* Categories of those of b that were stored in f; their note goes. */
void side_set(struct writer *w, const struct folder *f, struct batch *b);
/* Special uses that LIST has not told. */
void side_uses(struct writer *w);
void side_close(struct writer *w);

/* imap.c: opens f for reading (or changing) and checks its UIDVALIDITY. */
int writer_select(struct writer *w, const struct folder *f, bool read_only,
                  struct folder *now, struct err *e);

#endif

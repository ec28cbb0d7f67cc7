/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_writer.h - the state that the files of the IMAP writer share:
 * imap.c (the driver), imap_append.c (APPEND and its answers), imap_make.c
 * (folders), imap_change.c (flags of our own copies, taking back).
 */
#ifndef MAILHAUL_WRITER_IMAP_WRITER_H
#define MAILHAUL_WRITER_IMAP_WRITER_H

#include "mailhaul/writer.h"
#include "net/imap_mail.h"

/* One APPEND command that is out: messages first .. first+count-1 of b. */
struct flight {
	imap_tag tag;
	struct batch *b;
	size_t first, count;
	uint64_t octets;
};

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

/* imap_make.c */
int make_folders(struct writer *w, struct folder *v, size_t n, struct err *why,
                 struct err *e);

/* imap_change.c */
int change_flags(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e);
int change_take_back(struct writer *w, const struct folder *f, struct batch *b,
                     struct err *e);

/* imap.c: opens f for reading (or changing) and checks its UIDVALIDITY. */
int writer_select(struct writer *w, const struct folder *f, bool read_only,
                  struct folder *now, struct err *e);

#endif

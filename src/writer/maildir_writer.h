/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir_writer.h - the parts of the Maildir writer, for each other.
 *
 *   maildir.c          the driver: open, queue, list, read
 *   maildir_folder.c   folders: names, creating, keywords
 *   maildir_put.c      messages: names, files, flag changes
 */
#ifndef MAILHAUL_WRITER_MAILDIR_WRITER_H
#define MAILHAUL_WRITER_MAILDIR_WRITER_H

#include "mailhaul/maildir.h"
#include "mailhaul/writer.h"
#include "util/buf.h"

/* A folder that this handle has used. */
struct maildir_dest {
	struct maildir_dest *next;
	char *raw; /* "." or ".Name.Sub" */
	struct maildir_index index;
	bool indexed;
	struct maildir_keywords keywords;
	bool keywords_read;
	bool keywords_new; /* some are not in the file yet */
};

struct writer {
	const struct account *a;
	int root;
	struct maildir_dest *dests;
	struct maildir_dest *at; /* whose directory is open */
	int fd;
	bool rescanned; /* in this call: once is enough */
	struct maildir_done {
		struct batch *b; /* stored, not collected yet */
	} * done;
	size_t done_n, done_cap;
};

/* What errnum means for the backup's owner. Returns -1. */
int maildir_dest_error(const struct writer *w, struct err *e,
                       enum err_reach reach, const char *what, int errnum);
/* Opens the folder's directory (w->at, w->fd). */
int maildir_enter(struct writer *w, const char *raw, struct err *e);
/* Next time it is opened and read anew. */
void maildir_forget(struct writer *w, const char *raw);
/* The same, with its index. */
int maildir_enter_indexed(struct writer *w, const char *raw, struct err *e);

/* Where base is in w->at now ("cur/..."), malloc'd, the directory read
 * again at most once a call; NULL: not there. */
int maildir_locate(struct writer *w, const char *base, char **path,
                   struct err *e);

/* The directory's name for a folder's parts: malloc'd, NULL with e. */
char *maildir_raw(const struct folder *f, struct err *e);
int maildir_make(struct writer *w, struct folder *f, struct err *e);

/* Reads dovecot-keywords of w->at once. */
int maildir_keywords_load(struct writer *w, struct err *e);
/* What can be kept of list, as it is written, in *kept (malloc'd or NULL);
 * lost, unless NULL: the others, for people. New ones get letters that
 * maildir_keywords_save() makes durable. */
int maildir_keywords_plan(struct writer *w, const char *list, char **kept,
                          struct buf *lost, struct err *e);
int maildir_keywords_save(struct writer *w, struct err *e);
/* Bit i for letter 'a' + i. */
uint32_t maildir_keyword_bits(const struct maildir_keywords *k,
                              const char *list);

int maildir_prepare(struct writer *w, const struct folder *f, struct batch *b,
                    struct err *e);
int maildir_submit(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e);
int maildir_finish(struct writer *w, const struct folder *f, struct batch *b,
                   struct err *e);

#endif

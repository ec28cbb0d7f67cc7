/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_writer.h - the parts of the Microsoft Graph writer, for each other.
 *
 *   graph.c           the driver: open, folders, rules
 *   graph_pool.c      submit and collect: a queue and four workers
 *   graph_send.c      one message from begin to end, by JSON
 *   graph_attach.c    attachments that go apart
 *   graph_octets.c    bodies as sources of requests
 *   graph_import.c    one message by importMime
 *   graph_fallback.c  one message by IMAP, where Graph can't take it
 *   graph_read.c      listing, reading back
 *   graph_change.c    flags of our own copies, taking back
 *   graph_state.c     flags, keywords and dates as Graph has them
 *   graph_make.c      folders
 *   graph_id.c        the property by which a copy is known
 */
#ifndef MAILHAUL_WRITER_GRAPH_WRITER_H
#define MAILHAUL_WRITER_GRAPH_WRITER_H

#include <pthread.h>

#include "mailhaul/writer.h"
#include "mime/graph_mail.h"
#include "net/graph.h"
#include "util/buf.h"
#include "writer/graph_id.h"

#define GRAPH_WORKERS 4     /* m365.md C.10: four requests at once */
#define GRAPH_MARK_BACK 120 /* seconds that clocks may differ */
#define GRAPH_UIDVALIDITY 1
#define GRAPH_PARTS 20 /* calls in one $batch */

/* --- one message on its way ----------------------------------------------- */

/* Where a batch goes; shared by its messages. */
struct graph_target {
	struct folder f;
	size_t refs;
};

struct graph_job {
	struct graph_job *next;
	struct batch *b;
	struct message *m;
	struct graph_target *to;
};

struct graph_worker {
	struct writer *w;
	struct graph *g; /* NULL: not opened yet */
};

/*
 * What became of it. CARRY_DOUBT: it may be there, whole or half; only a
 * listing knows. CARRY_OTHER: this way is not open to it, another one may
 * be; nothing of it is there.
 */
enum carry {
	CARRY_STORED,
	CARRY_REFUSED,
	CARRY_AGAIN,
	CARRY_DOUBT,
	CARRY_OTHER
};

/* Whether importMime is used. One worker at a time tries it out. */
enum import_state { IMPORT_NO, IMPORT_UNTRIED, IMPORT_TRYING, IMPORT_YES };

struct graph_told {
	struct settled s;
	struct batch *b; /* with its last message */
};

struct writer {
	const struct account *a;
	struct graph *g;         /* the caller's thread's own */
	struct folder_list have; /* as folders() saw them, and what we made */
	bool have_now;           /* read since the last make */
	const char **reserved;   /* of rules(); names are have's */

	pthread_mutex_t lock; /* everything below */
	pthread_cond_t work;  /* for workers */
	pthread_cond_t told;  /* for collect */
	struct graph_worker worker[GRAPH_WORKERS];
	pthread_t thread[GRAPH_WORKERS];
	size_t threads;
	struct graph_job *first, **last; /* waiting, oldest first */
	size_t waiting, running;
	size_t batches;  /* out */
	size_t messages; /* submitted and not yet told */
	uint64_t octets; /* of those */
	struct graph_told *done;
	size_t done_n, done_cap;
	bool woken, closing;
	/* Nothing more is begun; collect says why when all else is told. */
	bool broken;
	struct err broken_why;
	enum import_state import;
	unsigned canaries, astray; /* came to no end; had a wrong date */

	pthread_mutex_t imap_lock; /* what follows: one worker at a time */
	struct account imap_account;
	struct writer *imap;
	struct folder_list imap_have;
	unsigned imap_failures;
};

/* --- graph.c -------------------------------------------------------------- */

int graph_folders_read(struct writer *w, struct err *e);
/* The folder's time mark: uidnext. */
uint32_t graph_mark(const struct writer *w);
/* Everything that makes f ready to be written to. */
int graph_folder_ready(struct writer *w, struct folder *f,
                       const struct folder *have, struct err *e);
/* One element of a listing of folders, below parent (NULL: topmost), added
 * to l. *children: how many are below it. */
int graph_folder_add(struct folder_list *l, const struct folder *parent,
                     const json_t *item, uint64_t *children, struct err *e);

/* --- graph_pool.c --------------------------------------------------------- */

void graph_pool_init(struct writer *w);
/* Waits for what is being sent. */
void graph_pool_end(struct writer *w);
int graph_prepare(struct writer *w, const struct folder *f, struct batch *b,
                  struct err *e);
int graph_submit(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e);
int graph_collect(struct writer *w, bool wait, settled_fn *each, void *arg,
                  struct err *e);
size_t graph_in_flight(struct writer *w, uint64_t *bytes);
bool graph_ready(struct writer *w);
void graph_wake(struct writer *w);
bool graph_cancelled(const struct account *a);
/* Waits; false: there is no time left for anything. */
bool graph_rest(const struct graph_worker *k, uint64_t ms);

/* --- graph_send.c --------------------------------------------------------- */

/* Carries the job's message all the way. */
enum carry graph_carry(struct graph_worker *k, struct graph_job *j,
                       struct err *why);
/* What a failed call means for its message, which is surely not there. */
enum carry graph_judge(const struct err *why);
/* Nothing helps: neither this message nor the next one will get through. */
bool graph_spent(const struct err *why);
/* Nothing but this message is spoilt. */
bool graph_is_its_own(const struct err *why);
/* The SourceId of a new sending of m; m->attempt is set. */
void graph_id_new(struct message *m, struct graph_id *id);
/* The copy with this SourceId: *copy (malloc'd), NULL: none is seen;
 * *draft its isDraft. */
int graph_search(struct graph *g, const char *source_id, char **copy,
                 int *draft, struct err *e);
/* Other messages than copy with this SourceId, in the whole mailbox: a
 * person's copies of ours keep it. *older: one of them was created no later
 * than copy, which was so at created (as told, or NULL). */
int graph_kin(struct graph *g, const struct graph_id *id, const char *copy,
              const char *created, size_t *n, bool *older, struct err *e);
/* m is there as copy, which becomes m's. */
void graph_stored(struct message *m, char *copy);

/* --- graph_octets.c ------------------------------------------------------- */

/* The octets of a struct body for graph_call; as base64 (size: (n + 2) / 3
 * * 4); and behind another body. */
ssize_t graph_body_source(void *arg, uint64_t offset, void *buf, size_t n,
                          struct err *e);
ssize_t graph_base64_source(void *arg, uint64_t offset, void *buf, size_t n,
                            struct err *e);
int graph_add_base64(struct body *out, const struct body *in, struct err *e);

/* --- graph_attach.c ------------------------------------------------------- */

/* Adds the i-th attachment that goes apart to the copy, which has had
 * before of them. step("attachment") follows it. */
int graph_attach(struct graph_worker *k, const char *copy,
                 struct graph_mail *mail, size_t i, size_t before,
                 struct err *e);
/* How many attachments the copy has. */
int graph_attachments(struct graph *g, const char *copy, size_t *n,
                      struct err *e);

/* --- graph_import.c ------------------------------------------------------- */

/* By importMime, if that is known to be good here. CARRY_OTHER: by JSON. */
enum carry graph_import(struct graph_worker *k, struct graph_job *j,
                        struct err *why);
/* Before workers start: whether the token lets us try. */
void graph_import_init(struct writer *w);

/* --- graph_fallback.c ----------------------------------------------------- */

/*
 * The message's own octets by IMAP, into the folder of the same name. why:
 * why Graph could not take it; it stays the reason when IMAP is not open.
 * message_id (or NULL) is what the copy is then found by.
 */
enum carry graph_fallback(struct graph_worker *k, struct graph_job *j,
                          const char *message_id, struct err *why);
void graph_fallback_end(struct writer *w);

/* --- graph_read.c --------------------------------------------------------- */

int graph_list_copies(struct writer *w, struct folder *f, uint32_t since,
                      message_fn *each, void *arg, struct err *e);
int graph_read(struct writer *w, const struct folder *f, struct batch *b,
               bool headers_only, message_fn *each, void *arg, struct err *e);

/* --- graph_change.c ------------------------------------------------------- */

int graph_finish(struct writer *w, const struct folder *f, struct batch *b,
                 struct err *e);
int graph_take_back(struct writer *w, const struct folder *f, struct batch *b,
                    struct err *e);
/* Deletes a copy of ours for good; also fine if it is not there. */
int graph_delete(struct graph *g, const char *copy, struct err *e);
/* PATCH of a copy with body (which it takes), again after lost answers: to
 * set a state twice is to set it once. answer (or NULL) is filled in any
 * case, and the caller's to release. */
int graph_patch(struct graph_worker *k, const char *copy, json_t *body,
                struct graph_reply *answer, struct err *e);

/* --- graph_state.c -------------------------------------------------------- */

/* Query parts that read a copy's state. */
#define GRAPH_SELECT_STATE "id,isRead,isDraft,flag,categories"
/* The same with what our properties say. */
int graph_add_expand(struct buf *b);

/* "/users/ann/messages/ID" + rest, malloc'd; NULL: memory. */
char *graph_copy_path(const struct graph *g, const char *copy,
                      const char *rest);
/* The call that reads a copy's state, and more ("" or ",NAME") besides. */
char *graph_state_path(const struct graph *g, const char *copy,
                       const char *more);
/* "/users/ann/mailFolders/ID" + rest. */
char *graph_folder_path(const struct graph *g, const char *folder,
                        const char *rest);
/* The text of a member, NULL if it is none. */
const char *graph_text(const json_t *item, const char *name);
/* The value of an extended property of item, or NULL. */
const char *graph_property(const json_t *item, const char *id);
/* "2024-05-15T12:00:00Z", with or without a fraction. */
bool graph_time_of(const char *text, int64_t *sec);
/* The keywords of list that a copy can hold beside flags, in *out (malloc'd
 * or NULL). */
int graph_keywords(const char *list, unsigned flags, char **out, struct err *e);
/* Fills flags and keywords of m from an answer. */
int graph_state_of(const json_t *item, struct message *m, struct err *e);
/* Our SourceId in an answer. */
bool graph_id_of(const json_t *item, struct graph_id *out);
/* A body for PATCH that sets flags and keywords; verb: 0x1081 too. NULL:
 * memory. */
json_t *graph_state_body(unsigned flags, const char *keywords, bool verb);
/* Adds an extended property to a body for PATCH or POST. */
int graph_add_property(json_t *body, const char *id, const char *value);

/* --- graph_make.c --------------------------------------------------------- */

int graph_make(struct writer *w, struct folder *v, size_t n, struct err *why,
               struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - the job store: mailboxes, folders and every message's state,
 * in one SQLite file (WAL, synchronous=FULL). The only module that knows
 * SQL. docs/store.md is its manual for people.
 *
 * One struct store serves all threads of a process; its functions lock for
 * themselves. Several changes become one commit between store_begin() and
 * store_commit() (the calling thread holds the write lock in between;
 * reading functions use a second connection and see committed state only,
 * except from within begin/commit). Every failure is EC_STORE,
 * EC_DISK_FULL, or as said, with ERR_RUN.
 */
#ifndef MAILHAUL_STORE_H
#define MAILHAUL_STORE_H

#include "mailhaul/event.h"
#include "mailhaul/mail.h"

struct store;

/*
 * create: make the file (0600) if it is not there, else a missing file is
 * EC_STORE. Refuses, with its own sentence each: a newer schema
 * (EC_STORE_NEWER), a database that is not ours or no database
 * (EC_STORE_FOREIGN), a damaged one (EC_STORE_DAMAGED, by quick_check), a
 * network file system (EC_STORE). Upgrades an older schema in one
 * transaction.
 */
int store_open(struct store **out, const char *path, bool create,
               struct err *e);
void store_close(struct store **s);

int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e); /* on -1: rolled back */
void store_rollback(struct store *s);

/* --- Mailboxes -------------------------------------------------------- */

struct mailbox {
	int64_t id;
	char *name;      /* unique */
	char *from, *to; /* locators */
	char *to_key;    /* same for locators of the same destination */
	char *options;   /* JSON */
	int pass;        /* finished passes */
	int last_exit;   /* -1: never ended */
	char *last_text; /* why, or NULL */
	int64_t started, ended; /* seconds since the epoch, 0: never */
};
void mailbox_release(struct mailbox *m);
void mailboxes_free(struct mailbox **v, size_t n);

/* All or none, sets id. A name that is taken: EC_INPUT. name NULL: one is
 * made from base, with a number if it is taken. */
int store_mailbox_add(struct store *s, struct mailbox *v, size_t n,
                      struct err *e);
/* Mailboxes whose name equals or matches (fnmatch) any of the patterns;
 * n == 0: all. A pattern without match is EC_INPUT and names it. */
int store_mailboxes(struct store *s, const char *const *patterns, size_t n,
                    struct mailbox **out, size_t *out_n, struct err *e);
/* The mailbox with this from and to (to_key), *id = 0 if none. */
int store_mailbox_find(struct store *s, const char *from,
                       const char *to_key, int64_t *id, struct err *e);
int store_mailbox_options(struct store *s, int64_t id, const char *json,
                          struct err *e);
int store_mailbox_started(struct store *s, int64_t id, struct err *e);
/* finished: a whole pass is done; pass counts up. text may be NULL. */
int store_mailbox_ended(struct store *s, int64_t id, int exit_code,
                        bool finished, const char *text, struct err *e);

/* One run at a time for a mailbox and for its destination, over all
 * processes: EC_BUSY if another holds it. Freed by the kernel when the
 * process dies. running: is anybody's. */
int store_lock_mailbox(struct store *s, int64_t id, struct err *e);
void store_unlock_mailbox(struct store *s, int64_t id);
bool store_mailbox_running(struct store *s, int64_t id);

/* Counts from the message rows (left = pending + sending + unfinished +
 * hole). */
int store_progress(struct store *s, int64_t mailbox, struct progress *out,
                   struct err *e);

/* The rows of a mailbox in one state, or of one of its folders. */
struct tally {
	int64_t source_folder; /* 0: folders are not told apart */
	enum msg_state state;
	bool orphan;           /* not at the source any more */
	uint64_t messages, bytes;
};
typedef int tally_fn(const struct tally *t, void *arg);
/* All of one moment. folders: for each folder, which looks at every row;
 * else it costs next to nothing. Non-zero from each stops and is given
 * back. */
int store_tally(struct store *s, int64_t mailbox, bool folders,
                tally_fn *each, void *arg, struct err *e);

/* --- Folders ---------------------------------------------------------- */

struct source_folder {
	struct folder f;   /* f.id is the row; uidvalidity, uidnext, modseq,
	                    * messages as of its last complete listing */
	int64_t dest;      /* dest_folder row, 0: none */
	char *left_out;    /* why, or NULL */
	bool listed;       /* completely, at least once */
};
void source_folders_free(struct source_folder **v, size_t n);
/* Inserts or updates by (mailbox, raw); sets f->id. */
int store_source_folder_put(struct store *s, int64_t mailbox,
                            struct folder *f, int64_t dest,
                            const char *left_out, struct err *e);
int store_source_folders(struct store *s, int64_t mailbox,
                         struct source_folder **out, size_t *n,
                         struct err *e);
/* A complete listing: remembers the folder's state. */
int store_source_listed(struct store *s, int64_t folder,
                        uint32_t uidvalidity, uint32_t uidnext,
                        uint64_t modseq, uint64_t messages, struct err *e);

struct dest_folder {
	struct folder f;   /* f.id is the row; state as last recorded */
	bool scanned;      /* what was there before us is in dest_copy */
	bool doubted;      /* a message was sent again after doubt */
};
void dest_folders_free(struct dest_folder **v, size_t n);
/* By (to_key, raw); sets f->id. If uidvalidity differs from the recorded
 * one, *changed = true and the old one is kept until
 * store_dest_renumbered(). */
int store_dest_folder_put(struct store *s, const char *to_key,
                          struct folder *f, bool *changed, struct err *e);
int store_dest_folders(struct store *s, const char *to_key,
                       struct dest_folder **out, size_t *n, struct err *e);
int store_dest_state(struct store *s, int64_t folder, uint32_t uidvalidity,
                     uint32_t uidnext, uint64_t modseq, uint64_t messages,
                     struct err *e);
int store_dest_flags(struct store *s, int64_t folder, bool scanned,
                     bool doubted, struct err *e);
/* UIDVALIDITY changed: rows of folder lose their uid (dest_uid NULL, to be
 * named again), the scan is forgotten, the new one recorded. */
int store_dest_renumbered(struct store *s, int64_t folder,
                          uint32_t uidvalidity, struct err *e);

/* --- Messages --------------------------------------------------------- */

/* Sorted uids of all rows of folder under uidvalidity that still stand at
 * the source; malloc'd. */
int store_known_uids(struct store *s, int64_t source_folder,
                     uint32_t uidvalidity, uint64_t **out, size_t *n,
                     struct err *e);
/* New rows (existing ones are left alone), m.state says as what
 * (MSG_PENDING, or MSG_LEFT_OUT with m.why.text); sets m.row. One commit,
 * unless within begin/commit. */
int store_messages_add(struct store *s, int64_t source_folder,
                       uint32_t uidvalidity, struct message *v, size_t n,
                       struct err *e);
/* Flags as the source has them now, by (uid, key). */
int store_source_flags(struct store *s, int64_t source_folder,
                       uint32_t uidvalidity, const struct message *m,
                       struct err *e);
/* Rows of folder that are not in now[] (ascending), or of another
 * uidvalidity: their place at the source is gone. Never-copied ones become
 * MSG_GONE_SOURCE, copied ones become orphans that store_orphan_find finds.
 * *vanished: how many. */
int store_vanished(struct store *s, int64_t source_folder,
                   uint32_t uidvalidity, const uint64_t *now, size_t n,
                   uint64_t *vanished, struct err *e);
/* Copied rows of folder of which the source had a part only become orphans:
 * a file that has changed may have the whole. *n: how many. */
int store_parts_again(struct store *s, int64_t source_folder, uint64_t *n,
                      struct err *e);

/*
 * The next pending (or hole, with holes) messages of folder beyond *cursor
 * (uid; start 0 with oldest, UINT64_MAX with newest) into b: at most max
 * messages and max_bytes by announced size (one message at least), all with
 * the same batch_max class: a batch with a suspect row holds at most that
 * many. Fills row, uid, key, size, flags, keywords, date, tries, batch_max,
 * want_repair, state. b->n == 0: none beyond the cursor.
 */
int store_claim(struct store *s, int64_t source_folder, bool oldest,
                bool holes, uint64_t *cursor, size_t max,
                uint64_t max_bytes, struct batch *b, struct err *e);

/* Before the first octet leaves: MSG_SENDING, with destination folder,
 * mark (uidvalidity, uidnext), sha256, fp, set_flags, set_keywords,
 * dest_name, repair. Durable when the commit returns. */
int store_intend(struct store *s, const struct batch *b,
                 uint32_t mark_uidvalidity, uint32_t mark_uidnext,
                 struct err *e);
/* MSG_MOVED or MSG_ADOPTED (with dest_uid 0: to be named), or
 * MSG_UNFINISHED. tolerates a uid that another row claims: then the row
 * keeps dest_uid NULL and *clash is set. */
int store_settle(struct store *s, const struct message *m,
                 enum msg_state state, int64_t dest_folder, bool *clash,
                 struct err *e);
/* Back to pending, after it is known not to be there; tries and batch_max
 * and want_repair of m are kept. */
int store_again(struct store *s, const struct message *m, struct err *e);
/* MSG_PROBLEM or MSG_HOLE with m->why: code, text (reason and remedy),
 * detail. */
int store_problem(struct store *s, const struct message *m,
                  enum msg_state state, struct err *e);
int store_state(struct store *s, int64_t row, enum msg_state state,
                const char *note, struct err *e);
/* Adds a sentence to the row's note. */
int store_note(struct store *s, int64_t row, const char *note,
               struct err *e);
int store_set_flags(struct store *s, const struct message *m,
                    struct err *e); /* set_flags, set_keywords */

/* Rows matched by where; each is called for every row, in row order, with
 * folders' rows; it may call writing functions only within store_begin.
 * Non-zero from each stops. */
struct row_where {
	int64_t mailbox;       /* 0: any */
	int64_t source_folder; /* 0: any */
	int64_t dest_folder;   /* 0: any */
	unsigned states;       /* 1 << state | ..., 0: any */
	bool unnamed;          /* moved or adopted, dest_uid NULL, no name */
	bool flags_differ;     /* moved/adopted, flags differ from set_flags */
	bool noted;            /* moved or adopted, with something to tell */
	bool not_orphan;       /* still stands at the source */
	int64_t after_row;     /* only rows beyond, for paging */
	size_t limit;          /* 0: all */
};
struct row {
	struct message m;      /* released by the store after each */
	int64_t mailbox, source_folder, dest_folder;
	int64_t same_as;       /* joined to that row's copy, 0: has its own */
	uint32_t source_uidvalidity;
	uint32_t mark_uidvalidity, mark_uidnext;
	int64_t intended;      /* seconds since the epoch of the intent */
	bool orphan;
	char *note;            /* or NULL */
};
typedef int row_fn(struct row *r, void *arg);
int store_rows(struct store *s, const struct row_where *w, row_fn *each,
               void *arg, struct err *e);
int store_count(struct store *s, const struct row_where *w, uint64_t *n,
                struct err *e);

/* Sorted dest_uids that any row (of any mailbox) claims in folder. */
int store_claimed(struct store *s, int64_t dest_folder,
                  uint32_t uidvalidity, uint32_t since, uint32_t **out,
                  size_t *n, struct err *e);

/* True if a row (of any mailbox) claims the copy of this name in any folder
 * of dest_folder's destination: people move copies. For destinations that
 * know copies by name. */
bool store_claimed_name(struct store *s, int64_t dest_folder,
                        const char *name);

/* A copied message of mailbox whose source place is gone and whose octets
 * (or, failing that, fingerprint) are m's: *row, 0 if none. */
int store_orphan_find(struct store *s, int64_t mailbox,
                      const struct message *m, int64_t *row,
                      struct err *e);
/* Orphan takes the source place of the pending row m->row, which ends. */
int store_orphan_take(struct store *s, int64_t orphan, struct message *m,
                      const char *note, struct err *e);
/* True if a row of mailbox with these octets has a copy or is on its way. */
bool store_has_octets(struct store *s, int64_t mailbox,
                      const unsigned char sha256[32], int64_t not_row);

/* --- Joining: several mailboxes that fill one destination --------------- */

/*
 * A message of one source may have come by another already. Each row of
 * another mailbox of the destination that has (had, may have) a copy of its
 * own stands for at most one message of mailbox: so two sources together
 * are the larger of the two, not the sum.
 */
struct joined {
	int64_t row;            /* whose copy it is, 0: none */
	enum fp_match how;      /* FP_SAME, FP_UNSURE */
	enum msg_state state;   /* the row's: MSG_GONE_DEST: deleted there */
	char *mailbox, *folder; /* its mailbox's name, its path at its source */
};
void joined_release(struct joined *j);

/* *partners: other mailboxes of this destination have rows. Then it also
 * makes the indexes that store_join_find() needs. */
int store_join_begin(struct store *s, int64_t mailbox, bool *partners,
                     struct err *e);
/*
 * The row that stands for m (m->row, or 0 if it has none; sha256 and fp
 * known) of mailbox: identical octets first, then FP_SAME, those in
 * dest_folder (0: any) first; failing that, one that is FP_UNSURE. taken
 * (may be NULL) says which rows the caller has given away already.
 */
typedef bool joined_fn(int64_t row, void *arg);
int store_join_find(struct store *s, int64_t mailbox, const struct message *m,
                    int64_t dest_folder, joined_fn *taken, void *arg,
                    struct joined *out, struct err *e);
/* The pending row m is settled by j (FP_SAME): m->state becomes MSG_ADOPTED,
 * or MSG_GONE_DEST with a note if that copy was deleted there. */
int store_join_take(struct store *s, struct message *m, const struct joined *j,
                    struct err *e);
/* Joined rows of the whole destination follow what they are joined to:
 * gone, there again, or, if there is no copy after all, pending (*again:
 * how many). */
int store_join_follow(struct store *s, int64_t mailbox, uint64_t *again,
                      struct err *e);
/* Every joined row of mailbox that is MSG_ADOPTED. */
struct joined_row {
	int64_t row;
	uint64_t uid;
	int64_t of;             /* the row that it is joined to, 0: lost */
	enum msg_state of_state;
	int64_t dest_folder;    /* of that one */
};
typedef int joined_row_fn(const struct joined_row *r, void *arg);
int store_joins(struct store *s, int64_t mailbox, joined_row_fn *each,
                void *arg, struct err *e);

/* --- Copies that were at the destination before us -------------------- */

struct dest_copy {
	int64_t id;
	int64_t dest_folder;
	uint32_t uidvalidity, uid;
	char *key;            /* Maildir: file name; or NULL */
	struct fingerprint fp; /* headers only: text = 0 */
	uint64_t size;
};
int store_copies_clear(struct store *s, int64_t dest_folder, struct err *e);
int store_copy_add(struct store *s, const struct dest_copy *c,
                   struct err *e);
/* Unclaimed copies of to_key whose Message-ID (or, without one, date and
 * from) are fp's; malloc'd array, each key malloc'd. */
int store_copies_find(struct store *s, const char *to_key,
                      const struct fingerprint *fp, struct dest_copy **out,
                      size_t *n, struct err *e);
int store_copy_claim(struct store *s, int64_t id, struct err *e);

/* --- What was learnt of servers ---------------------------------------- */

/* e.g. what = "connections", 0 if unknown. */
int store_learnt(struct store *s, const char *host_and_user,
                 const char *what, int64_t *value, struct err *e);
int store_learn(struct store *s, const char *host_and_user,
                const char *what, int64_t value, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.h - the parts of the reader of archives: archive.c is the driver,
 * archive_walk.c goes through the child's records, archive_folders.c knows
 * the folders, archive_list.c serves list, ask and fetch from walks.
 */
#ifndef MAILHAUL_READER_ARCHIVE_H
#define MAILHAUL_READER_ARCHIVE_H

#include "mailhaul/others.h"
#include "mailhaul/reader.h"
#include "reader/archive_child.h"
#include "reader/local.h"

/* What a listing keeps of a message until it is told. */
struct listed {
	uint64_t uid, size;
	int64_t sec;
	uint32_t keywords; /* position in reader.words + 1, 0: none */
	uint32_t key;      /* position in reader.keys + 1, 0: none */
	int16_t zone_min;
	uint8_t flags;
	bool dated;
};

/* A folder of the archive. */
struct known {
	struct folder f; /* first: by raw */
	char *whole;     /* its path before common directories are cut */
	bool told;       /* to the engine */
	/* uids that this walk has told; sorted of them are in order. */
	uint64_t *uids;
	size_t n, cap, sorted;
	struct listed *v; /* of the listing */
	size_t v_n, v_cap;
};

/* A message that could not be parsed, still to be told. */
struct hole {
	struct known *at; /* NULL: there is none */
	struct message m;
};

struct walking {
	bool on, over;
	bool idle;         /* the child has said W_DONE */
	unsigned flags;    /* of W_WALK */
	struct buf asked;  /* W_FOLDER_WANTED and W_WANT records */
	struct buf poison; /* W_POISON records */
	struct known *at;  /* folder of the records that come */
	bool open;         /* an item is begun and not ended */
	bool skip;         /* it was told before the child died */
	bool held;         /* it is in it, and not told yet */
	uint64_t uid;
	struct wire_item it;
	struct wire data; /* its first octets */
	enum { AHEAD_NOTHING, AHEAD_BODY, AHEAD_END } ahead;
	char *try_raw; /* about to be parsed, or NULL */
	uint64_t try_uid;
	struct known *seek; /* the folder of the item to go on with */
	uint64_t seek_uid;
	unsigned crashes, nowhere;
	struct hole hole;     /* of a crash */
	uint64_t others;      /* told so far */
	uint64_t others_seen; /* since the child was started */
	char *name, *what;    /* of the last that was told */
};

struct reader {
	const struct account *a;
	int root;
	bool is_folder;
	struct child child;
	/* Folders, in the order in which they were told. */
	struct known **v;
	size_t n, cap;
	void *by_raw; /* tsearch() over v */
	bool named;   /* folders() has been through */
	char *prefix; /* what is cut from paths, or NULL */
	struct walking w;
	/* The listing. */
	bool looked;
	struct buf words, keys;
	struct others others; /* met with them */
	uint32_t last_keywords;
	struct local_queue asked;
};

/* --- archive_folders.c --------------------------------------------------- */

/* The folder that f tells of, new or changed. NULL: e. */
struct known *folders_told(struct reader *r, const struct wire_folder *f,
                           struct err *e);
struct known *folders_find(const struct reader *r, const char *raw);
/* Cuts the directories that all folders have in common. */
int folders_cut(struct reader *r, struct err *e);
int folders_out(const struct reader *r, struct folder_list *out, struct err *e);
void folders_release(struct reader *r);

/* --- archive_walk.c ------------------------------------------------------ */

/* As reader_ops.walk; flags as of W_WALK. */
int walk_begin(struct reader *r, unsigned flags, const struct walk *w,
               struct err *e);
int walk_next(struct reader *r, struct walk_found *f, struct err *e);
int walk_take(struct reader *r, struct message *m, struct err *e);
void walk_release(struct reader *r);
/* Moves what is known of an item into m, which is all zero. */
void walk_fill(struct message *m, struct wire_item *it);

/* --- archive_crash.c ----------------------------------------------------- */

/* The child has died: notes where, and starts another that passes over it.
 * What is to be told of it is in w.hole. -1: e, the walk can't go on. */
int crash(struct reader *r, struct err *e);
/* True if uid of this folder was told before the child died. */
bool crash_told(const struct known *k, uint64_t uid);
int crash_remember(struct known *k, uint64_t uid, struct err *e);
/* Starts a child if there is none, and asks it for the walk. */
int walk_send(struct reader *r, struct err *e);

/* --- archive_list.c ------------------------------------------------------ */

/* Looks the whole archive through, once. */
int list_look(struct reader *r, struct err *e);
int archive_list(struct reader *r, const struct folder *f, struct window *w,
                 struct err *e);
int archive_ask(struct reader *r, const struct folder *f, struct batch *b,
                struct err *e);
int archive_fetch(struct reader *r, struct batch **out, struct err *e);
void list_release(struct reader *r);

/* --- archive.c ----------------------------------------------------------- */

/* Learns the folders that can be known soon, if not done yet; EC_INPUT if
 * the archive is none. */
int archive_names(struct reader *r, struct err *e);
/* The account's kind as the child is told it: enum want_kind. */
unsigned archive_kind(const struct reader *r);
/* What no reading of this archive could give: EC_INPUT, or 0. */
int archive_no_kind(struct reader *r, bool has_folders, struct err *e);

#endif

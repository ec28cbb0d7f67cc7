/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - where mail comes from: IMAP, archives.
 *
 * A handle belongs to one thread; calls block; nothing handed in is kept
 * after a call returns, except a batch between ask and fetch. A source is
 * never changed. Order of calls: open, folders, then per folder list and
 * any number of ask/fetch, close.
 *
 * An archive has READER_STREAM: its messages come in the order of the file,
 * whatever their folder, and are listed and read in one go:
 *
 *   walk(r, &w, e);
 *   while ((got = next(r, &found, e)) > 0)
 *           ... take(r, &found.m, e) if its octets are wanted ...
 *
 * list, ask and fetch work on archives too, at the price of another look
 * through the file.
 */
#ifndef MAILHAUL_READER_H
#define MAILHAUL_READER_H

#include "mailhaul/account.h"
#include "mailhaul/mail.h"

struct others; /* others.h */
struct reader;

enum reader_trait {
	READER_LANES = 1 << 0, /* several handles at once are of use */
	READER_STREAM = 1 << 1 /* walk, next, take, survey are there */
};

/*
 * What is asked of a folder in a walk. Folders that are not named are asked
 * for whole. uids are sorted and of the folder's uidvalidity.
 */
struct walk_folder {
	const char *raw;
	uint32_t uidvalidity;
	bool omit;            /* nothing of it */
	bool only_want;       /* these and no others: want */
	const uint64_t *want;
	size_t want_n;
	/* Not 0: the largest uid that an earlier walk told. What stands
	 * behind it is asked for, and want. If another message stands in its
	 * place now, next() fails with EC_MOVED_ON. */
	uint64_t resume;
};

struct walk {
	bool bodies;          /* octets may be taken; else only told */
	const struct walk_folder *v;
	size_t n;
	bool only_named;      /* nothing of folders that are not in v */
	/* What is no mail (contacts, appointments: of a PST), each as a
	 * message with the path of a file as its key and its kind ("a
	 * contact") as its keywords, and no mail. */
	bool items;
};

/* What next() came upon. */
struct walk_found {
	enum { FOUND_MESSAGE, FOUND_FOLDER, FOUND_OTHER } what;
	/* The folder of a message; a folder that folders() and this handle
	 * have not told yet comes as FOUND_FOLDER before its first message.
	 * Borrowed until the handle is closed. */
	const struct folder *folder;
	/* FOUND_MESSAGE: uid, key, size (0: not known before it is taken),
	 * flags, keywords, date; or a hole with why. The caller releases. */
	struct message m;
	/* FOUND_OTHER: something that is no mail and stays where it is.
	 * Borrowed until the next call. */
	const char *name;     /* its path in the archive, UTF-8 */
	const char *what_else; /* "a calendar", "not mail" */
};

/* Each message of a listing: uid, key, size, flags, keywords, date. The
 * callee may take the strings out of m. Non-zero stops the listing. */
typedef int message_fn(struct message *m, void *arg);

/*
 * What the caller knows of a folder from an earlier pass, and what the
 * listing finds out. In: known (sorted uids of rows under uidvalidity),
 * uidvalidity, modseq (0: nothing known). Out: the folder's state now.
 */
struct window {
	bool newest_first;
	uint32_t uidvalidity;
	uint64_t modseq;
	const uint64_t *known;
	size_t known_n;
	/* Called once with all uids there are now, ascending, before the
	 * first message: gives back 0, or non-zero to stop. May be NULL. */
	int (*uids)(const uint64_t *uids, size_t n, void *arg);
	/* Called for a known message whose flags may differ. May be NULL. */
	message_fn *changed;
	/* Called for each message that is not in known. */
	message_fn *found;
	void *arg;
	/* Out. */
	uint32_t now_uidvalidity;
	uint32_t now_uidnext;
	uint64_t now_modseq;
	uint64_t now_messages;
};

struct reader_ops {
	const char *name;
	unsigned traits; /* enum reader_trait */
	/* By locator, no network. */
	bool (*accepts)(const struct account *a);
	int (*open)(struct reader **out, const struct account *a,
	            struct err *e);
	/* All folders, parents first, with their state where it is cheap
	 * (have_status). The list is the caller's. */
	int (*folders)(struct reader *r, struct folder_list *out,
	               struct err *e);
	/* Lists f by w. ERR_FOLDER spoils only this folder. If uidvalidity
	 * differs from w's, everything is told as found. */
	int (*list)(struct reader *r, const struct folder *f,
	            struct window *w, struct err *e);
	/* Queues b: its messages (uid, key) are of f. The reader may send
	 * the request at once. */
	int (*ask)(struct reader *r, const struct folder *f, struct batch *b,
	           struct err *e);
	/* Completes the batch asked first: every message has its body in wire
	 * form, sha256 and fingerprint (fetched), or is a hole. On -1 the
	 * handle is spent: the asked batches are the caller's again,
	 * unfetched or partly fetched. */
	int (*fetch)(struct reader *r, struct batch **out, struct err *e);
	void (*close)(struct reader **r);
	/*
	 * READER_STREAM only. walk() begins anew, from the start. next():
	 * 1 found, 0 the end, -1. A message that cost the parser its life is
	 * a hole. take() reads the octets of the message that next() has just
	 * told (body initialised by the caller): fetched, or a hole; a message
	 * that is not taken is passed over.
	 */
	int (*walk)(struct reader *r, const struct walk *w, struct err *e);
	int (*next)(struct reader *r, struct walk_found *f, struct err *e);
	int (*take)(struct reader *r, struct message *m, struct err *e);
	/* folders(), but all of them, however long that takes: folders()
	 * tells those that can be known soon. *others: what is there besides
	 * mail, the reader's until the next call. */
	int (*survey)(struct reader *r, struct folder_list *out,
	              const struct others **others, struct err *e);
};

/* The driver for an account, or NULL with EC_INPUT. */
const struct reader_ops *reader_find(const struct account *a, struct err *e);

extern const struct reader_ops reader_imap;
extern const struct reader_ops reader_archive;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - where mail comes from: IMAP, mbox, Maildir.
 *
 * A handle belongs to one thread; calls block; nothing handed in is kept
 * after a call returns, except a batch between ask and fetch. A source is
 * never changed. Order of calls: open, folders, then per folder list and
 * any number of ask/fetch, close.
 */
#ifndef MAILHAUL_READER_H
#define MAILHAUL_READER_H

#include "mailhaul/account.h"
#include "mailhaul/mail.h"

struct reader;

enum reader_trait {
	READER_RANDOM = 1 << 0,   /* any order at no cost; else file order */
	READER_FLAGS = 1 << 1,    /* flags may change between passes */
	READER_LANES = 1 << 2     /* several handles at once are of use */
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
};

/* The driver for an account, or NULL with EC_INPUT. */
const struct reader_ops *reader_find(const struct account *a, struct err *e);

extern const struct reader_ops reader_imap;
extern const struct reader_ops reader_mbox;
extern const struct reader_ops reader_maildir;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - where mail goes to: IMAP, Microsoft Graph, Maildir.
 *
 * A handle belongs to one thread. Every message handed to submit comes
 * back from collect exactly once: stored, refused with a reason, or in
 * doubt. After -1 from any call the handle is spent, and everything that
 * was submitted and has not come back is in doubt.
 */
#ifndef MAILHAUL_WRITER_H
#define MAILHAUL_WRITER_H

#include "mailhaul/account.h"
#include "mailhaul/mail.h"
#include "mailhaul/reader.h"

struct writer;

enum writer_trait {
	WRITER_KEEPS_OCTETS = 1 << 0,
	WRITER_NAMES_FIRST = 1 << 1, /* dest_name is chosen at intend time */
	WRITER_LANES = 1 << 2,
	WRITER_FLAG_CHANGES = 1 << 3, /* finish can change flags */
	WRITER_ONE_BY_ONE = 1 << 4,   /* each message waits for an answer */
	/* Servers that store lines give CR LF back for CR CR LF: octets that
	 * differ in white space alone are the same message. */
	WRITER_FOLDS_SPACE = 1 << 5,
	/* A copy is known by dest_name (key in listings), not by a number;
	 * NAMES_FIRST has it too. A listed uid is then when it was created,
	 * on the scale of the folder's mark (uidnext). */
	WRITER_BY_NAME = 1 << 6
};

enum outcome {
	OUT_STORED,  /* dest_uidvalidity, dest_uid (0: not told) are set */
	OUT_REFUSED, /* why says how; with batch: not this one alone */
	OUT_AGAIN    /* not stored, for a reason that has passed */
};

struct settled {
	struct message *m;  /* still the batch's */
	enum outcome outcome;
	bool batch;         /* refused as one of several: halve and retry */
	size_t of;          /* how many those were */
	struct err why;
};
/* Called once a message; b is set with its last message: b is the
 * caller's again. */
typedef void settled_fn(const struct settled *s, struct batch *b, void *arg);

/* How a destination names folders; plan/folder_map.c applies it. */
struct name_rules {
	char delim;           /* 0: flat */
	const char *prefix;   /* personal namespace, "" or "INBOX." */
	const char *forbidden; /* characters replaced by '_' */
	bool case_blind;
	bool trims;           /* outer blanks are cut */
	size_t max_component; /* octets, 0: any */
	/* Names that no folder of mail may have at the top, in any case:
	 * NULL-terminated, or NULL. "Files" becomes "Files (mail)". The
	 * writer's, until its next folders(). */
	const char *const *reserved;
};

struct writer_ops {
	const char *name;
	bool (*accepts)(const struct account *a);
	int (*open)(struct writer **out, const struct account *a,
	            struct err *e);
	unsigned (*traits)(struct writer *w);
	/* Folders there are, with delimiter, special use and, where cheap,
	 * state. */
	int (*folders)(struct writer *w, struct folder_list *out,
	               struct err *e);
	/* The characters and rules of names here. */
	struct name_rules (*rules)(struct writer *w);
	/* Finds or creates folders with these parts (comp; parents too) and
	 * subscribes those that it made; fills raw, uidvalidity, uidnext
	 * (the mark), messages, keywords. use: create with this special use
	 * where the server lets us. A folder that can't be has why[i].code
	 * set; -1 only when the handle is spent. */
	int (*make)(struct writer *w, struct folder *v, size_t n,
	            struct err *why, struct err *e);
	/* Fills set_flags, set_keywords, dest_name of each message: what
	 * submit will write. Pure; called before the intent is recorded. */
	int (*prepare)(struct writer *w, const struct folder *f,
	               struct batch *b, struct err *e);
	/* Sends b without waiting for its answer. Bodies are released as
	 * they leave. */
	int (*submit)(struct writer *w, const struct folder *f,
	              struct batch *b, struct err *e);
	/* Batches and octets that are out and unanswered. */
	size_t (*in_flight)(struct writer *w, uint64_t *bytes);
	/* True while one more submit would not have to wait. */
	bool (*ready)(struct writer *w);
	/* From any thread: a waiting collect returns soon. */
	void (*wake)(struct writer *w);
	/* Reads answers; with wait, until at least one batch came back
	 * or wake was called. */
	int (*collect)(struct writer *w, bool wait, settled_fn *each,
	               void *arg, struct err *e);
	/* Messages of f with uid >= since: uid, key (Maildir), size, flags,
	 * keywords, date. Sets f's state. */
	int (*list)(struct writer *w, struct folder *f, uint32_t since,
	            message_fn *each, void *arg, struct err *e);
	/* Reads the octets of these copies (dest_uid or dest_name): body,
	 * sha256, fp. headers_only: no body, fp.text = 0, sha256 zero. A
	 * missing one is a hole. each is called as they come. A copy with
	 * attempt set that a person made of ours has sha256 and text 0. */
	int (*read)(struct writer *w, const struct folder *f,
	            struct batch *b, bool headers_only, message_fn *each,
	            void *arg, struct err *e);
	/* Flag changes: for each message of b (dest_uid/dest_name) whose
	 * flags there still equal set_flags/set_keywords, sets
	 * flags/keywords and then set_flags/set_keywords to them. state
	 * becomes MSG_GONE_DEST if the copy is gone; a copy that somebody
	 * changed is left, tries = 1. */
	int (*finish)(struct writer *w, const struct folder *f,
	              struct batch *b, struct err *e);
	/* Takes back exactly these copies (our own, doubled by a late
	 * commit); NULL or -1: can't. */
	int (*take_back)(struct writer *w, const struct folder *f,
	                 struct batch *b, struct err *e);
	void (*close)(struct writer **w);
};

const struct writer_ops *writer_find(const struct account *a, struct err *e);

extern const struct writer_ops writer_graph;
extern const struct writer_ops writer_imap;
extern const struct writer_ops writer_maildir;

#endif

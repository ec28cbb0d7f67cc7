/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail.h - folders, messages and batches: what travels.
 *
 * Plain data that every station shares. A struct message owns its strings
 * and its body; message_release() frees them. Nothing here is locked: an
 * object belongs to one thread at a time, and is handed over whole.
 */
#ifndef MAILHAUL_MAIL_H
#define MAILHAUL_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailhaul/body.h"
#include "mailhaul/err.h"

/* System flags, RFC 3501 2.3.2. \Recent is never represented. */
enum mail_flag {
	MAIL_SEEN = 1 << 0,
	MAIL_ANSWERED = 1 << 1,
	MAIL_FLAGGED = 1 << 2,
	MAIL_DRAFT = 1 << 3,
	MAIL_DELETED = 1 << 4, /* read, never written */
	/* No message but a hole that tells of the archive as a whole, whatever
	 * folder it is told in: no option leaves it out. */
	MAIL_WHOLE = 1 << 5
};
#define MAIL_FLAGS_KEPT \
	(MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED | MAIL_DRAFT)

/* RFC 6154 special-use, and INBOX, which has no attribute. */
enum mail_use {
	USE_NONE,
	USE_INBOX,
	USE_SENT,
	USE_DRAFTS,
	USE_TRASH,
	USE_JUNK,
	USE_ARCHIVE,
	USE_ALL,     /* a view of everything (Gmail) */
	USE_FLAGGED, /* a view */
	USE_COUNT
};

/* What became of a message's octets before they were read. */
enum mail_made {
	MADE_AS_IT_WAS, /* the octets of whoever wrote it */
	MADE_ANEW,      /* written from properties (PST): its text is as good
	                 * as the original's, and no octet need be */
	MADE_IN_PART    /* the same, and something of it is missing */
};

/* An INTERNALDATE: seconds since the epoch and the zone it was told in. */
struct mail_date {
	int64_t sec;
	int zone_min; /* minutes east of UTC */
	bool known;
};

/*
 * A folder of a source or a destination. comp[] are the name's parts in
 * UTF-8, without a namespace prefix; path is the same joined by '/' for
 * people and globs. raw is the name as the server or the archive has it,
 * and is the folder's identity.
 */
struct folder {
	int64_t id;      /* store row, 0: none yet */
	char *raw;
	char *path;
	char **comp;
	size_t depth;
	char delim;      /* 0: none */
	enum mail_use use;
	bool noselect;   /* holds no messages */
	bool shared;     /* not in the personal namespace */
	/* State, where the kind has it; 0 otherwise. */
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t modseq; /* HIGHESTMODSEQ, RFC 7162 */
	uint64_t messages;
	uint64_t bytes;  /* STATUS=SIZE, RFC 8438 */
	bool have_status;
	/* A destination's PERMANENTFLAGS: keywords it keeps, space-separated;
	 * any: new ones may be made. */
	char *keywords;
	bool any_keyword;
};

struct folder_list {
	struct folder *v;
	size_t n, cap;
};

/*
 * Components that recognise a message again, never its size. Each is a
 * 64-bit hash (mime/fingerprint.h), 0 when the message has none. Pure in
 * the octets;
 * version is FINGERPRINT_VERSION of mime/fingerprint.h when made. files is
 * no component, and stores don't keep it: octets of attached files as they
 * stand there, encoded.
 */
struct fingerprint {
	uint32_t version;
	uint64_t message_id;
	uint64_t date;
	uint64_t from;
	uint64_t subject;
	uint64_t text;
	uint64_t files;
};

enum fp_match { FP_DIFFERENT, FP_UNSURE, FP_SAME };

/* What became of a message. The names are in the store and in docs. */
#define MSG_STATES(X)                        \
	X(MSG_PENDING, "pending")            \
	X(MSG_SENDING, "sending")            \
	X(MSG_UNFINISHED, "unfinished")      \
	X(MSG_MOVED, "moved")                \
	X(MSG_ADOPTED, "already-there")      \
	X(MSG_LEFT_OUT, "left-out")          \
	X(MSG_HOLE, "hole")                  \
	X(MSG_PROBLEM, "problem")            \
	X(MSG_IGNORED, "ignored")            \
	X(MSG_GONE_DEST, "gone-at-destination") \
	X(MSG_GONE_SOURCE, "gone-at-source")
enum msg_state {
#define X(state, name) state,
	MSG_STATES(X)
#undef X
	MSG_STATE_COUNT
};
const char *msg_state_name(enum msg_state state);

struct message {
	/* Source: identity and what its listing says. */
	int64_t row;          /* store row, 0: none yet */
	uint64_t uid;         /* IMAP UID, or the offset in an mbox */
	char *key;            /* unique name where uid is not enough, or NULL */
	uint64_t size;        /* octets as announced; advisory */
	unsigned flags;       /* enum mail_flag */
	char *keywords;       /* space-separated, sorted, or NULL */
	struct mail_date date;
	/* After fetch. */
	struct body body;     /* wire form: octets with CRLF line ends */
	bool fetched;
	bool described;       /* flags and date came only with the octets */
	char *made_note;      /* what the reader could not keep, or NULL */
	bool hole;            /* listed, can't be read: why says so */
	struct err why;
	size_t refused_of;    /* answered BAD in a command of so many, 0: no */
	unsigned char sha256[32];
	struct fingerprint fp;
	/* Destination. */
	unsigned set_flags;   /* as sent */
	char *set_keywords;   /* as sent, or NULL */
	char *dest_name;      /* Maildir: final file name, chosen at intend */
	uint32_t dest_uidvalidity;
	uint32_t dest_uid;    /* 0: not known */
	uint64_t dest_size;   /* verify: octets there */
	/* Listings of a destination that tells (Graph). */
	bool half;            /* ours, begun and never completed */
	uint64_t attempt;     /* which sending made this copy; 0: not told */
	char *note;           /* what could not be kept exactly, or NULL */
	/* Life so far. */
	enum msg_state state;
	unsigned tries;       /* times it was alone in a failing batch */
	unsigned batch_max;   /* most messages in a batch with it, 0: any */
	bool repaired;        /* body is a repaired copy */
	char *repair_note;    /* what was changed, or NULL */
	unsigned char orig_sha256[32]; /* with repaired */
	bool want_repair;     /* the original was refused: repair it */
};

/* Messages of one source folder that go to one destination folder. */
struct batch {
	int64_t mailbox;
	int64_t source_folder; /* store rows */
	int64_t dest_folder;
	struct message *v;
	size_t n, cap;
	uint64_t bytes;        /* sum of size (advisory) */
	uint64_t budget;       /* bytes taken from the memory budget */
	size_t waiting;        /* a writer's: messages without a verdict */
	struct batch *next;    /* in a queue */
	size_t from, to;       /* the engine's: indices of the folders */
};

void folder_release(struct folder *f);
void folder_list_release(struct folder_list *l);
/* The new, zeroed element, or NULL (memory). */
struct folder *folder_list_add(struct folder_list *l);
/* Splits raw (UTF-8 already) by delim into comp[], depth and path. */
int folder_set_path(struct folder *f, const char *utf8, char delim);
/* A deep copy; -1 on memory. */
int folder_copy(struct folder *to, const struct folder *from);

void message_release(struct message *m);
/* Moves *from into *to (released first) and zeroes *from. */
void message_move(struct message *to, struct message *from);

struct batch *batch_new(void);
/* The new, zeroed element (pointers into v move), or NULL. */
struct message *batch_add(struct batch *b);
/* Releases the messages that drop() is true of, and closes the gaps. */
void batch_drop(struct batch *b,
                bool (*drop)(const struct message *m, void *arg), void *arg);
void batch_free(struct batch **b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the records between mailhaul and the child that parses archives
 * (archive/child.h), over a pipe and a socket. Both sides write and read
 * them with what is here; the parent takes the child for hostile: each
 * length, number and text is checked when it is taken out.
 *
 * A record is one octet of type, a length (32 bits) and so many octets:
 * numbers of 64 bits, least octet first, and texts, a length (32 bits) and
 * UTF-8 without NUL. The length NO_TEXT is a text that is not there.
 *
 *   at = wire_begin(&b, W_END);          writing
 *   wire_u64(&b, size);
 *   wire_text(&b, hole);
 *   wire_end(&b, at);                    b.full or -1: memory
 *
 *   while ((n = wire_next(p, n, &rec)))  reading
 */
#ifndef MAILHAUL_READER_WIRE_H
#define MAILHAUL_READER_WIRE_H

#include "mailhaul/mail.h"
#include "util/buf.h"

enum wire_type {
	/* To the child; a walk is begun by W_GO. */
	W_WALK = 1,      /* flags, kind of archive, name */
	W_FOLDER_WANTED, /* raw, flags, resume */
	W_WANT,          /* uids of that folder, ascending; any number */
	W_POISON,        /* raw, uid: the parser died here */
	W_GO,
	/* To the parent. */
	W_HELLO = 65, /* what the sandbox is made of, what the root is */
	W_FOLDER,
	W_BEGIN,
	W_DATA, /* in wire form */
	W_END,
	W_OTHER,
	W_TRY, /* raw, uid: about to be parsed (W_CAREFUL) */
	W_BEAT,
	W_MOVED_ON,
	W_ABOUT, /* of the item that is begun: made, note */
	W_DONE
};
/* Flags of W_WALK. */
#define W_NAMES_ONLY 1u
#define W_BODIES 2u
#define W_ONLY_NAMED 4u
#define W_ITEMS 16u  /* what is no mail, as files, and no mail */
#define W_UNPACK 32u /* winmail.dat of a PST is taken apart */
#define W_CAREFUL 8u /* each record leaves at once, W_TRY before an item */
/* Flags of W_FOLDER_WANTED. */
#define W_OMIT 1u
#define W_ONLY_WANT 2u

#define WIRE_HEAD 5u
#define WIRE_MOST (256u << 10) /* octets of one record, without its head */
#define WIRE_TEXT_MOST (16u << 10)
#define WIRE_WANT_MOST 4096u /* uids in one W_WANT */

/* Begins a record at the end of b: what wire_end() needs. */
size_t wire_begin(struct buf *b, enum wire_type type);
int wire_u64(struct buf *b, uint64_t v);
int wire_text(struct buf *b, const char *s); /* NULL: not there */
/* -1: one of the calls since wire_begin() had no memory. */
int wire_end(struct buf *b, size_t at);

/* A record, and how far it has been taken out. bad: it is none. */
struct wire {
	unsigned char type;
	const unsigned char *p;
	size_t n;
	bool bad;
};
/* The first record of n octets: how many it takes, 0: it isn't there whole
 * yet (or never will: bad). */
size_t wire_next(const void *p, size_t n, struct wire *rec);
uint64_t wire_take_u64(struct wire *rec);
/* malloc'd, NULL: not there, or bad, or memory (then bad, too). */
char *wire_take_text(struct wire *rec);
/* Everything has been taken out, and it was good. */
bool wire_done(const struct wire *rec);

/* --- The child's records ------------------------------------------------ */

struct wire_hello {
	unsigned landlock; /* ABI, 0: the kernel has none */
	bool seccomp;
	bool folder;   /* the root is a directory */
	unsigned kind; /* enum file_kind of archive/kind.h */
};
struct wire_folder {
	char *raw, *path;
	enum mail_use use;
	bool shared;
	uint32_t uidvalidity;
	uint64_t state;
};
struct wire_item {
	uint64_t uid, size;
	char *key, *keywords;
	unsigned flags;
	struct mail_date date;
};
/* Written. A date that no calendar has goes as not known. -1: memory. */
int wire_put_folder(struct buf *b, const struct wire_folder *f);
int wire_put_item(struct buf *b, const struct wire_item *it);
/* 0, or -1: not such a record; nothing is left to be released then. */
int wire_hello(struct wire *rec, struct wire_hello *out);
int wire_folder(struct wire *rec, struct wire_folder *out);
int wire_item(struct wire *rec, struct wire_item *out);
int wire_item_end(struct wire *rec, uint64_t *size, char **hole);
int wire_other(struct wire *rec, char **name, char **what);
int wire_about(struct wire *rec, enum mail_made *made, char **note);
int wire_try(struct wire *rec, char **raw, uint64_t *uid);
void wire_folder_release(struct wire_folder *f);
void wire_item_release(struct wire_item *it);

/* A uid is not 0 and below 2^63. */
bool wire_uid(uint64_t uid);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* packed_int.h - what the parts of packed.h share. */
#ifndef MAILHAUL_ARCHIVE_PACKED_INT_H
#define MAILHAUL_ARCHIVE_PACKED_INT_H

#include "archive/packed.h"
#include "archive/packed_feed.h"
#include "archive/packed_kind.h"
#include "archive/packed_name.h"

struct archive;
struct archive_entry;

/* One packed archive that is being walked. */
struct packed {
	struct sink *s;
	const struct where *at;
	enum want_kind want;
	struct packed_limits most;

	struct input *in;
	struct feed file;  /* what is packed */
	struct feed *feed; /* what libarchive reads: file, or unpacked gzip */
	enum pack kind;    /* of feed */
	struct archive *a;
	uint64_t base;    /* the octet of feed where a's reading began */
	uint64_t passed;  /* where the search for the last header began */
	uint64_t behind;  /* the beginning of the entry, in feed */
	bool inner;       /* it is an archive itself */
	bool opened;      /* a knows its format */
	bool list;        /* a goes by the zip's own list of entries */
	bool fatal;       /* a broke down within an entry */
	bool hurt;        /* a is looking for the next header since */
	bool bomb;        /* it unpacks to too much */
	bool behind_lock; /* the last entry had a password */
	bool scout;       /* only looks for dovecot-keywords ... */
	uint64_t ahead;   /* ... behind this entry; 0: nobody did yet */

	uint64_t dir;  /* of the last .eml, by its hash ... */
	unsigned emls; /* ... and how many in a row were in it */

	struct packed_names names;
	uint64_t out;     /* octets unpacked */
	uint64_t beat;    /* of them when the sink was last told */
	uint64_t entries; /* begun, in all readings */
	uint64_t locked;  /* entries with a password */
	unsigned damages;
};

/* The octet of the packed file that is being read, about. */
uint64_t packed_position(const struct packed *p);
/* Counts n octets unpacked: 0, or -1 with *why if they are too many, or the
 * sink ends it (p->file.left). */
int packed_count(struct packed *p, size_t n, const char **why);

/* True if enough was looked at to know names, and no more is asked. */
bool packed_enough(const struct packed *p);

/* packed_tell.c: holes, in whole sentences. 0, or -1 when the sink ends it.
 * None are told while only names are looked for. */
int packed_tell_cut(struct packed *p);
int packed_tell_damage(struct packed *p, uint64_t octet, const char *why);
int packed_tell_locked(struct packed *p);
int packed_tell_bomb(struct packed *p);
int packed_tell_many(struct packed *p);
int packed_tell_deep(struct packed *p);
int packed_tell_memory(struct packed *p);
int packed_tell_entry(struct packed *p, const char *raw, const char *why);
int packed_tell_link(struct packed *p, const char *raw);

/* packed_entry.c: the entry that libarchive stands at. */
int packed_entry(struct packed *p, struct archive_entry *e);

#endif

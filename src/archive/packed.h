/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed.h - zip, tar, gz, bz2, xz, lzma, zstd and 7z, read as a stream by
 * libarchive, and the entries handed on to tree_file(). Nothing is written
 * anywhere.
 *
 * A cut or damaged archive gives what can be read of it, and a hole with a
 * sentence for each damaged place (source_trouble). Of a zip, entries behind
 * a damaged one are found again; of tar too. Zip, tar and gz give the octets
 * of an entry up to the cut; bz2, xz, zstd all but the last 128 KB of what
 * is unpacked; a cut 7z gives nothing, for its list of entries is its end.
 */
#ifndef MAILHAUL_ARCHIVE_PACKED_H
#define MAILHAUL_ARCHIVE_PACKED_H

#include "archive/source.h"

/*
 * What is refused, of each archive. Mail packs ten to one, and a mailbox full
 * of the same attachment some hundred to one; a bomb 1,000 to one and more.
 * The first octets are free, so that a small archive of whatever kind goes.
 */
struct packed_limits {
	uint64_t ratio;   /* octets unpacked for each packed one ... */
	uint64_t free;    /* ... once so many have been unpacked */
	uint64_t entries; /* each costs 24 octets of memory */
	uint64_t memory;  /* a 7z in an archive is held there */
	unsigned damages; /* places from which a reading begins anew */
};
#define PACKED_LIMITS                                                      \
	{                                                                  \
		500, UINT64_C(1) << 30, 5000000, UINT64_C(128) << 20, 1000 \
	}

#define PACKED_HEAD 512 /* octets that packed_looks_like() wants to see */

/* True if packed_walk() would open this: no document that is a zip inside
 * (OOXML, OpenDocument, a program). */
bool packed_looks_like(const unsigned char *head, size_t n);
/* 0 at the end, -1 when the sink ends it. setlocale(LC_CTYPE) to a UTF-8
 * locale before: libarchive makes names by it. */
int packed_walk(struct input *in, const struct where *at, enum want_kind want,
                struct sink *s);

#endif

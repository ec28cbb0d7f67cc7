/* SPDX-License-Identifier: Apache-2.0 */
/* packed_kind.h - which packed archive it is, by its first octets. */
#ifndef MAILHAUL_ARCHIVE_PACKED_KIND_H
#define MAILHAUL_ARCHIVE_PACKED_KIND_H

#include <stdbool.h>
#include <stddef.h>

enum pack {
	PACK_NONE,
	PACK_ZIP, /* APPNOTE 4.3 */
	PACK_7Z,
	PACK_TAR,  /* POSIX.1 ustar, pax, GNU, V7: the header's sum is right */
	PACK_GZIP, /* RFC 1952 */
	PACK_FILTER, /* bzip2, xz, lzma, zstd (RFC 8878) */
};
enum pack pack_of(const unsigned char *head, size_t n);

#define TAR_BLOCK 512
#define TAR_MAGIC 257 /* where "ustar" stands in a header */
/* True if the TAR_BLOCK octets at p are the header of an entry. */
bool tar_header(const unsigned char *p);

#endif

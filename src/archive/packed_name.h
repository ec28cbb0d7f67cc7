/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_name.h - names of entries of packed archives, made safe to be told
 * and kept apart.
 *
 * A name becomes a relative path in UTF-8: no drive letter, no empty part,
 * no "." or "..", '_' for each control character, at most PACKED_NAME
 * octets (a longer one keeps its ends and gets its hash in between). '\'
 * parts it if it has no '/', as some Windows programs pack.
 *
 * What is not UTF-8 is read in one of the two code pages that archives of
 * the west use: code page 437 (the rule of the zip format, APPNOTE D.1) or
 * Windows-1252 (also Latin-1). More octets that are letters in one of them
 * decide; if there are as many, zip means 437 and every other format 1252.
 */
#ifndef MAILHAUL_ARCHIVE_PACKED_NAME_H
#define MAILHAUL_ARCHIVE_PACKED_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACKED_NAME 1024

/* malloc'd, never empty; NULL: memory. */
char *packed_name(const char *name, bool zip);

/* The names met so far, by their hashes; starts as all zero. Who makes two
 * hashes equal only has a number put into his second name. */
struct packed_names {
	struct packed_seen *seen;
	size_t n, cap;
};
/* name if it is new; else freed, and the same with " (2)", " (3)", ... in
 * front of its suffix or its Maildir flags. NULL: memory, name is freed. */
char *packed_names_add(struct packed_names *t, char *name);
void packed_names_release(struct packed_names *t);

#endif

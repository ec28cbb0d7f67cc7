/* SPDX-License-Identifier: Apache-2.0 */
/*
 * others.h - what an archive holds besides mail, counted by kind, and said
 * in words. Pure.
 *
 *   struct others o = { 0 };
 *   others_add(&o, f.name, f.what_else);     of each FOUND_OTHER
 *   others_sentence(&o, OTHERS_ITEMS, &b);   b stays empty: nothing to say
 *   others_release(&o);
 */
#ifndef MAILHAUL_OTHERS_H
#define MAILHAUL_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

struct other_kind {
	char *what;     /* "a contact", "a search folder", "a calendar" */
	uint64_t count; /* of these */
	uint64_t items; /* in them, where they are folders that say so */
};

struct others {
	struct other_kind *v; /* in the order in which they were met */
	size_t n;
	uint64_t files; /* those that are nothing of Outlook's */
	char *named;    /* the first of these: "a.ics (a calendar), ..." */
};

/* One more. what is as walk_found.what_else: ", 12 items" at its end is what
 * a folder holds, and a number in front counts for so many. -1: memory. */
int others_add(struct others *o, const char *name, const char *what);

enum others_part {
	OTHERS_ITEMS,  /* contacts and the like: --items writes them */
	OTHERS_OWN,    /* folders that Outlook keeps for itself */
	OTHERS_HIDDEN, /* items that it keeps for itself */
	OTHERS_LOST,   /* counted by the file and not in it */
	OTHERS_FILES,  /* files beside the mail */
	OTHERS_PARTS
};
enum others_part others_part(const struct other_kind *k);
/* A sentence about one part, into b; nothing if there is none. */
int others_sentence(const struct others *o, enum others_part part,
                    struct buf *b);
/* "12 contacts, 3 appointments and 1 task": those whose bit is set. */
#define OTHERS_ALL (~0u)
int others_list(const struct others *o, unsigned parts, struct buf *b);
/* True if the name told with what is that of the folder itself. */
bool others_of_folder(const char *what);
/* How many of the parts whose bit is set. */
uint64_t others_count(const struct others *o, unsigned parts);
void others_release(struct others *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.h - what the parts of pst_walk() share: pst.c goes through the
 * folders, members.c knows what is in one, walk_item.c tells one item.
 */
#ifndef MAILHAUL_ARCHIVE_PST_WALK_H
#define MAILHAUL_ARCHIVE_PST_WALK_H

#include "archive/mapi/mail.h"
#include "archive/pst/folders.h"
#include "archive/source.h"
#include "util/buf.h"

#define PST_SENTENCE 384

/* The identity of an item: nid << 31 | 31 bits of its hash. What is told of
 * an item besides, its missing attachments, has the nid of an attachment. A
 * tag of 0 stands for a hash that nobody can know. */
#define PST_TAG_BITS 31
#define PST_TAG ((UINT64_C(1) << PST_TAG_BITS) - 1)
#define PST_UID(nid) ((uint64_t)(nid) << PST_TAG_BITS)
/* Another one when the hash is made otherwise: all is to be listed again. */
#define PST_UID_RULES 2
/* Trouble with a part of the file, before all items. */
#define PST_TROUBLE_NID 1u

/* What stands in a folder, ascending: nid << 32, and the row of its table
 * + 1 where only that knows the item. */
struct pst_members {
	uint64_t *v;
	size_t n;
	struct pst_tc table; /* of those rows */
	bool have_table;
	/* nid << 32 | row + 1 of all rows, once one is asked for. */
	uint64_t *rows;
	size_t rows_n, rows_cap;
	bool rows_known;
};

struct pst_walk {
	struct sink *s;
	const struct where *at;
	struct pst_file file;
	struct pst_folders l;
	uint64_t state;
	/* Of the folder that is walked: */
	const struct pst_folder *f;
	char *raw, *path;
	bool entered;    /* told to the sink */
	uint64_t unread; /* items that can't be, where they are no mail */
	const struct wanted *want;
	struct pst_members m;
	uint64_t *names; /* hashes of names of files (sink.items), a table */
	size_t names_n, names_cap;
	/* In all: */
	uint64_t octets; /* made so far */
	bool bomb;       /* too many for a file of this size */
	bool any;        /* a folder was told */
	uint64_t looked; /* items */
	/* Of the item that is told: */
	enum pst_origin origin;
};

/* --- pst.c --- */

/* The folder becomes the one told last. */
int pst_enter(struct pst_walk *w);

/* --- members.c --- */

int pst_members_load(struct pst_walk *w);
void pst_members_release(struct pst_walk *w);
/* The index of the first one not below nid. */
size_t pst_members_from(const struct pst_members *m, uint32_t nid);
/* The row + 1 of an item in the folder's table, 0: it has none. The first
 * call reads the table. */
uint32_t pst_members_row(struct pst_walk *w, uint32_t nid);
/* How many the file counts in the folder and does not hold. */
uint64_t pst_members_short(const struct pst_folder *f, size_t n);

/* --- walk_item.c --- */

/* Tells member i: mail, something else, or a hole. */
int pst_item_tell(struct pst_walk *w, size_t i);
/* The nid of the message that a uid is of. */
uint32_t pst_item_nid(uint64_t uid);

/* --- walk_missing.c --- */

/* It says of itself that it has attachments, and there is not one. */
bool pst_missing_all(struct mapi *o);
/* After the end of a message: a problem of its own if attachments of it are
 * not in the file. The one for a message that was written, the other for one
 * that was listed. */
int pst_missing_tell(struct pst_walk *w, const struct mapi_mail *m,
                     uint64_t uid);
int pst_missing_look(struct pst_walk *w, const struct mapi_mail *m,
                     uint64_t uid);
/* That problem is asked for by itself: it was told before. */
bool pst_missing_asked(const struct pst_walk *w, uint64_t uid);

/* --- walk_name.c --- */

/* A text of at most n octets, for %.*s. */
#define PST_SHOWN(s, n) (int)utf8_cut((s), (n)), (s)
/* "Lunch", for people. Not where it is: the key is a part of what knows the
 * message again, and folders get other names. */
int pst_key(const char *subject, const char *more, struct buf *out);
const char *pst_subject(const char *subject); /* never NULL */
/* "Contacts/Ann Example.vcf", a path that no other item of the folder has;
 * malloc'd, NULL: memory. */
char *pst_file_path(struct pst_walk *w, const char *name, const char *suffix,
                    uint32_t nid);
void pst_file_paths_forget(struct pst_walk *w);

#endif

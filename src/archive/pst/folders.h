/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders.h - the folders of a PST or OST ([MS-PST] 2.4.4), and which
 * messages are in each: one pass over all nodes, eight octets a message.
 *
 *   struct pst_folders l;
 *   if (!pst_folders_load(&l, &file, &limit)) ...   -1: memory
 *   for (size_t i = 0; i < l.n; i++)
 *           l.v[l.order[i]] ...                     parents first
 *   pst_folders_release(&l);
 *
 * v[PST_RECOVERED] is none of the file's: messages whose folder is gone stand
 * in it ("Recovered"). It comes last.
 */
#ifndef MAILHAUL_ARCHIVE_PST_FOLDERS_H
#define MAILHAUL_ARCHIVE_PST_FOLDERS_H

#include "archive/pst/object.h"

#define PST_NOWHERE UINT32_MAX
#define PST_RECOVERED 0 /* the index in v */
#define PST_DEPTH_MOST 64
#define PST_NAME_MOST 255 /* octets of a folder's name */

enum pst_sort {
	PST_MAIL,  /* below the IPM subtree, or nobody knows where */
	PST_OWN,   /* Outlook's own, and others that people never see */
	PST_SEARCH /* a search folder: its messages are elsewhere */
};

struct pst_folder {
	uint32_t nid, parent; /* as the node says, or a table */
	uint32_t up;          /* index of the folder around it; PST_NOWHERE */
	unsigned depth;
	char *name; /* UTF-8, no '/', never empty */
	enum pst_sort sort;
	enum mail_use use;
	bool quiet;    /* told only when there is mail in it */
	bool foreign;  /* made for what is no mail */
	bool beyond;   /* the IPM subtree: cached of another mailbox, say */
	bool outbox;   /* what is in it was never sent */
	bool settings; /* has entry ids of others: the inbox, or the root */
	bool counted;  /* the file counts its messages: */
	uint32_t declared;
	uint32_t hidden;  /* settings of programs in it */
	size_t first, n;  /* of its messages in mail */
	uint64_t counter; /* of its number at the server, 0: it has none */
};

struct pst_folders {
	const struct pst_file *file;
	struct pst_folder *v; /* ascending by nid */
	size_t n;
	uint32_t *order;
	uint64_t *mail; /* parent << 32 | nid, ascending */
	size_t mail_n;
	uint32_t subtree;      /* the IPM subtree's nid, 0: not known */
	unsigned char key[16]; /* the store's record key */
	size_t key_n;
	/* Rows of tables that may be looked at, so that a file made to do
	 * harm does not have the same ones read a thousand times. */
	uint64_t rows_left;
};

int pst_folders_load(struct pst_folders *l, const struct pst_file *file);
void pst_folders_release(struct pst_folders *l);
/* The index, or PST_NOWHERE. */
uint32_t pst_folders_find(const struct pst_folders *l, uint32_t nid);

/* folders_place.c: up, depth, sort, and order. -1: memory. */
int pst_folders_place(struct pst_folders *l);
/* The names from the top, joined by '/'; malloc'd, NULL: memory. */
char *pst_folders_path(const struct pst_folders *l, uint32_t i);

/* folders_use.c: use, quiet and sort by entry ids ([MS-OXOSFLD] 2.2). */
void pst_folders_use(struct pst_folders *l, struct mapi *store);
/* The folder that an entry id is of: its nid, 0: none of this file. */
uint32_t pst_folders_entry(const struct pst_folders *l, const unsigned char *p,
                           size_t n);

/* Each row of a folder's table (type: NID_CONTENTS, NID_HIERARCHY), as far
 * as it can be read; non-zero from each stops. */
int pst_folders_rows(struct pst_folders *l, uint32_t nid, enum nid_type type,
                     int (*each)(uint32_t id, size_t row, void *arg),
                     void *arg);

#endif

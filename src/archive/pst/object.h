/* SPDX-License-Identifier: Apache-2.0 */
/* object.h - messages and attachments of a PST as MAPI objects (mapi.h). */
#ifndef MAILHAUL_ARCHIVE_PST_OBJECT_H
#define MAILHAUL_ARCHIVE_PST_OBJECT_H

#include "archive/mapi/mapi.h"
#include "archive/pst/ltp.h"

/* What all objects of one file share; must outlive them. */
struct pst_file {
	struct pst *p;
	struct pst_names *names;
	unsigned codepage; /* of 8-bit strings without another, 0: 1252 */
};

/* The message of a node (or sub-node). NULL: f->p->why, or memory. */
struct mapi *pst_message(const struct pst_file *f, const struct pst_node *n);
/* Folder or store: properties only. */
struct mapi *pst_properties(const struct pst_file *f, const struct pst_node *n);

#endif

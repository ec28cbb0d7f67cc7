/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_parts.h - what contacts, appointments, tasks and notes have alike:
 * subject, categories, attachments, names of their properties.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_PARTS_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_PARTS_H

#include "archive/mapi/item_note.h"
#include "util/buf.h"

/* Without the mark that a PST has before it; malloc'd, NULL: none. */
char *item_subject(struct mapi *o);
/* "NAME:one,two"; nothing without categories. */
void item_categories(struct lines *l, const char *name, struct mapi *o);
/* A number, date or text of a named property. */
int64_t item_number(struct mapi *o, const unsigned char set[16], uint32_t lid,
                    int64_t fallback);
struct mail_date item_date(struct mapi *o, const unsigned char set[16],
                           uint32_t lid);
char *item_text(struct mapi *o, const unsigned char set[16], uint32_t lid);
/* "2026-01-31 12:00 UTC", malloc'd; NULL: not known, or memory. */
char *item_when(struct mail_date d);
/* The values of a multiple text, each as a note's line. */
void item_each_said(struct note *n, const char *what, struct mapi *o,
                    uint16_t id);
/* What no form has a place for: its flag, mileage, billing, companies and
 * contacts that it is linked to, and fields that people made themselves
 * (those of PS_PUBLIC_STRINGS), "NAME: value" each. */
void item_fields(struct note *n, struct mapi *o);
/* The octets of a binary property of at most max octets, malloc'd; NULL:
 * none. */
unsigned char *item_octets(struct mapi *o, uint16_t id, size_t max, size_t *n);
/* Hexadecimal of the search key, which stays with an item for life, or of a
 * hash of what it says; malloc'd, NULL: memory. */
char *item_key(struct mapi *o);

/* s as a part of a file's name, appended to out. -1: memory. */
int item_clean(struct buf *out, const char *s);

/*
 * Attachments: as octets in the file up to ITEM_ATTACH_MOST, else their
 * names in the text (item.h makes files of them beside it). item_attached()
 * tells the second kind (or all), and item_attach() writes the first as
 * values of put. skip: one that is told elsewhere, or ITEM_NONE.
 */
#define ITEM_ATTACH_MOST (10u << 20)
#define ITEM_NONE SIZE_MAX
enum item_place {
	ITEM_WITHIN,  /* octets that can stand in the file */
	ITEM_BESIDE,  /* what can be a file of its own */
	ITEM_MESSAGE, /* the same, and a message or item */
	ITEM_NOWHERE, /* a link, or not there */
	ITEM_CHANGED  /* a changed one of a recurrence: told as that */
};
enum item_place item_place(struct mapi *attachment);
/* Its name as it stands, malloc'd, NULL: none. */
char *item_attach_name(struct mapi *attachment);
#define ITEM_PID_DATA 0x3701
void item_attached(struct note *n, struct mapi *o, bool all, size_t skip);
void item_attach(struct lines *l, struct mapi *o, const char *put, size_t skip);
/* Which attachment is the picture of a contact, or ITEM_NONE. */
size_t item_photo(struct mapi *o);
void item_photo_write(struct lines *l, struct mapi *o, size_t photo);

#endif

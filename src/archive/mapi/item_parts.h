/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_parts.h - what contacts, appointments, tasks and notes have alike:
 * subject, categories, attachments, names of their properties.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_ITEM_PARTS_H
#define MAILHAUL_ARCHIVE_MAPI_ITEM_PARTS_H

#include "archive/mapi/item_note.h"

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
/* Mileage, billing, companies and contacts that an item is linked to. */
void item_billing(struct note *n, struct mapi *o);
/* The octets of a binary property of at most max octets, malloc'd; NULL:
 * none. */
unsigned char *item_octets(struct mapi *o, uint16_t id, size_t max, size_t *n);
/* Hexadecimal of the search key, which stays with an item for life, or of a
 * hash of what it says; malloc'd, NULL: memory. */
char *item_key(struct mapi *o);

/*
 * Attachments: as octets in the file up to ITEM_ATTACH_MOST, else their
 * names in the text. item_attached() tells the second kind (or all), and
 * item_attach() writes the first as values of put. skip: one that is told
 * elsewhere, or ITEM_NONE.
 */
#define ITEM_ATTACH_MOST (10u << 20)
#define ITEM_NONE SIZE_MAX
void item_attached(struct note *n, struct mapi *o, bool all, size_t skip);
void item_attach(struct lines *l, struct mapi *o, const char *put, size_t skip);
/* Which attachment is the picture of a contact, or ITEM_NONE. */
size_t item_photo(struct mapi *o);
void item_photo_write(struct lines *l, struct mapi *o, size_t photo);

#endif

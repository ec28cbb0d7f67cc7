/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcard.h - contacts and distribution lists as vCard 3.0 (RFC 2426), from
 * [MS-OXOCNTC]. -1: out wants no more, or memory.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_VCARD_H
#define MAILHAUL_ARCHIVE_MAPI_VCARD_H

#include "archive/mapi/item_parts.h"

int vcard_contact(struct mapi *o, struct mapi_out *out);
/* A card of the group first, which names its members in its note as well,
 * then a card for each of them, with the list's name as its category: what
 * knows groups has one, what knows only people has those. */
int vcard_group(struct mapi *o, struct mapi_out *out);

#endif

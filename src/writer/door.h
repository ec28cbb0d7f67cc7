/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.h - which way into a Microsoft 365 mailbox: IMAP keeps every octet,
 * Graph is there where IMAP is closed.
 */
#ifndef MAILHAUL_WRITER_DOOR_H
#define MAILHAUL_WRITER_DOOR_H

#include "mailhaul/account.h"

/*
 * Tries IMAP (sign-in and a SELECT of INBOX), then Graph (its inbox), for
 * an account of KIND_M365. *kind becomes KIND_M365_IMAP or
 * KIND_M365_GRAPH; why (malloc'd, the caller frees it) says it in a
 * sentence. -1: neither is open; e is what helps most.
 */
int door_choose(const struct account *a, enum account_kind *kind, char **why,
                struct err *e);

/*
 * Whether the sign-in of a (KIND_M365_IMAP, KIND_M365_GRAPH; others pass)
 * carries the right that this way needs, before work starts. EC_CONSENT.
 */
int door_rights(const struct account *a, struct err *e);
/* Sign-in by IMAP and a SELECT of INBOX; a of any KIND_M365*. */
int door_try_imap(const struct account *a, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.h - the tables, as numbered upgrades. docs/store.md describes
 * them for people.
 */
#ifndef MAILHAUL_STORE_SCHEMA_H
#define MAILHAUL_STORE_SCHEMA_H

#include <stddef.h>

#include "store/db.h"

/* "mhul": PRAGMA application_id tells our files from others. */
#define STORE_APPLICATION_ID 0x6d68756c

struct upgrade {
	int version; /* PRAGMA user_version after it */
	const char *sql;
};
extern const struct upgrade schema_upgrades[];
extern const size_t schema_upgrades_n;

int schema_version(void);
/* The indexes by which messages of one mailbox are found in another's. */
extern const char schema_join[];
/* Applies all of v[] beyond the file's version, in one transaction. */
int schema_upgrade(sqlite3 *db, const struct upgrade *v, size_t n,
                   struct err *e);

#endif

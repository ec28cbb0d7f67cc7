/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schema.c - the tables as a table of upgrades. A published upgrade is
 * never edited: a change is a new one with the next number.
 */
#include "store/schema.h"

#include <stdio.h>

/* The numbers are in everybody's stores. */
_Static_assert(MSG_PENDING == 0 && MSG_SENDING == 1 && MSG_UNFINISHED == 2 &&
                       MSG_MOVED == 3 && MSG_ADOPTED == 4 &&
                       MSG_LEFT_OUT == 5 && MSG_HOLE == 6 && MSG_PROBLEM == 7 &&
                       MSG_IGNORED == 8 && MSG_GONE_DEST == 9 &&
                       MSG_GONE_SOURCE == 10 && MSG_STATE_COUNT == 11,
               "a new state needs an upgrade of the schema");

/* clang-format off */
static const char version_1[] =
"CREATE TABLE state("
" id INTEGER PRIMARY KEY,"
" name TEXT NOT NULL UNIQUE,"
" settled INTEGER NOT NULL"
") STRICT;"
"INSERT INTO state(id,name,settled) VALUES"
" (0,'pending',0),(1,'sending',0),(2,'unfinished',0),(3,'moved',1),"
" (4,'already-there',1),(5,'left-out',1),(6,'hole',0),(7,'problem',1),"
" (8,'ignored',1),(9,'gone-at-destination',1),(10,'gone-at-source',1);"

"CREATE TABLE mailbox("
" id INTEGER PRIMARY KEY,"
" name TEXT NOT NULL UNIQUE,"
" from_locator TEXT NOT NULL,"
" to_locator TEXT NOT NULL,"
" to_key TEXT NOT NULL,"
" options TEXT NOT NULL DEFAULT '{}',"
" pass INTEGER NOT NULL DEFAULT 0,"
" last_exit INTEGER NOT NULL DEFAULT -1,"
" last_text TEXT,"
" started INTEGER NOT NULL DEFAULT 0,"
" ended INTEGER NOT NULL DEFAULT 0"
") STRICT;"
"CREATE INDEX mailbox_to ON mailbox(to_key);"

"CREATE TABLE dest_folder("
" id INTEGER PRIMARY KEY,"
" to_key TEXT NOT NULL,"
" raw TEXT NOT NULL,"
" path TEXT NOT NULL,"
" parts BLOB NOT NULL,"
" delim TEXT NOT NULL,"
" special_use TEXT NOT NULL,"
" noselect INTEGER NOT NULL DEFAULT 0,"
" shared INTEGER NOT NULL DEFAULT 0,"
" uidvalidity INTEGER NOT NULL DEFAULT 0,"
" uidnext INTEGER NOT NULL DEFAULT 0,"
" modseq INTEGER NOT NULL DEFAULT 0,"
" messages INTEGER NOT NULL DEFAULT 0,"
" bytes INTEGER NOT NULL DEFAULT 0,"
" scanned INTEGER NOT NULL DEFAULT 0,"
" doubted INTEGER NOT NULL DEFAULT 0,"
" UNIQUE(to_key,raw)"
") STRICT;"

"CREATE TABLE source_folder("
" id INTEGER PRIMARY KEY,"
" mailbox INTEGER NOT NULL REFERENCES mailbox(id),"
" raw TEXT NOT NULL,"
" path TEXT NOT NULL,"
" parts BLOB NOT NULL,"
" delim TEXT NOT NULL,"
" special_use TEXT NOT NULL,"
" noselect INTEGER NOT NULL DEFAULT 0,"
" shared INTEGER NOT NULL DEFAULT 0,"
" uidvalidity INTEGER NOT NULL DEFAULT 0,"
" uidnext INTEGER NOT NULL DEFAULT 0,"
" modseq INTEGER NOT NULL DEFAULT 0,"
" messages INTEGER NOT NULL DEFAULT 0,"
" bytes INTEGER NOT NULL DEFAULT 0,"
" dest_folder INTEGER REFERENCES dest_folder(id),"
" left_out TEXT,"
" listed INTEGER NOT NULL DEFAULT 0,"
" UNIQUE(mailbox,raw)"
") STRICT;"

/* orphan: the place at the source (folder, UIDVALIDITY, uid, key) is gone
 * and free for another row. */
"CREATE TABLE message("
" id INTEGER PRIMARY KEY,"
" mailbox INTEGER NOT NULL REFERENCES mailbox(id),"
" source_folder INTEGER NOT NULL REFERENCES source_folder(id),"
" uidvalidity INTEGER NOT NULL,"
" uid INTEGER NOT NULL,"
" key TEXT NOT NULL DEFAULT '',"
" orphan INTEGER NOT NULL DEFAULT 0,"
" state INTEGER NOT NULL DEFAULT 0 REFERENCES state(id),"
" size INTEGER NOT NULL DEFAULT 0,"
" internaldate INTEGER,"
" zone INTEGER NOT NULL DEFAULT 0,"
" flags INTEGER NOT NULL DEFAULT 0,"
" keywords TEXT,"
" tries INTEGER NOT NULL DEFAULT 0,"
" batch_max INTEGER NOT NULL DEFAULT 0,"
" want_repair INTEGER NOT NULL DEFAULT 0,"
" sha256 BLOB,"
" orig_sha256 BLOB,"
" fp_version INTEGER,"
" fp_message_id INTEGER,"
" fp_date INTEGER,"
" fp_from INTEGER,"
" fp_subject INTEGER,"
" fp_text INTEGER,"
" set_flags INTEGER NOT NULL DEFAULT 0,"
" set_keywords TEXT,"
" dest_folder INTEGER REFERENCES dest_folder(id),"
" dest_uidvalidity INTEGER,"
" dest_uid INTEGER,"
" dest_name TEXT,"
" mark_uidvalidity INTEGER,"
" mark_uidnext INTEGER,"
" intended INTEGER,"
" repair_note TEXT,"
" why_code TEXT,"
" why TEXT,"
" why_detail TEXT,"
" note TEXT"
") STRICT;"

"CREATE UNIQUE INDEX message_place"
" ON message(source_folder,uidvalidity,uid,key) WHERE orphan=0;"
"CREATE INDEX message_key"
" ON message(source_folder,key) WHERE key<>'' AND orphan=0;"
"CREATE INDEX message_mailbox ON message(mailbox);"
"CREATE INDEX message_source ON message(source_folder);"
"CREATE INDEX message_dest"
" ON message(dest_folder) WHERE dest_folder IS NOT NULL;"
/* What store_claim() walks, so that a claim costs its batch only. */
"CREATE INDEX message_pending"
" ON message(source_folder,uid) WHERE state IN (0,6) AND key='';"
"CREATE INDEX message_pending_key"
" ON message(source_folder) WHERE state IN (0,6) AND key<>'';"
"CREATE INDEX message_doubt"
" ON message(dest_folder) WHERE state IN (1,2);"
"CREATE INDEX message_unnamed ON message(dest_folder)"
" WHERE state IN (3,4) AND dest_uid IS NULL AND dest_name IS NULL;"
"CREATE INDEX message_differs ON message(source_folder)"
" WHERE state IN (3,4) AND"
" ((flags&15)<>set_flags OR keywords IS NOT set_keywords);"
"CREATE INDEX message_trouble"
" ON message(mailbox) WHERE state IN (6,7);"
/* One copy, one row: over all sources of a destination mailbox. */
"CREATE UNIQUE INDEX message_copy"
" ON message(dest_folder,dest_uidvalidity,dest_uid)"
" WHERE dest_uid IS NOT NULL;"
"CREATE UNIQUE INDEX message_copy_name"
" ON message(dest_folder,dest_name) WHERE dest_name IS NOT NULL;"
/* Hashes go to random places of an index: only their heads, so that it
 * stays small. */
"CREATE INDEX message_octets"
" ON message(mailbox,substr(ifnull(orig_sha256,sha256),1,4))"
" WHERE sha256 IS NOT NULL;"
"CREATE INDEX message_orphan"
" ON message(mailbox,fp_text,fp_message_id) WHERE orphan=1;"

"CREATE TABLE tally("
" mailbox INTEGER NOT NULL REFERENCES mailbox(id),"
" state INTEGER NOT NULL REFERENCES state(id),"
" messages INTEGER NOT NULL,"
" bytes INTEGER NOT NULL,"
" PRIMARY KEY(mailbox,state)"
") STRICT, WITHOUT ROWID;"
"CREATE TRIGGER tally_mailbox AFTER INSERT ON mailbox BEGIN"
" INSERT INTO tally SELECT new.id,id,0,0 FROM state;"
" END;"
"CREATE TRIGGER tally_insert AFTER INSERT ON message BEGIN"
" UPDATE tally SET messages=messages+1,bytes=bytes+new.size"
"  WHERE mailbox=new.mailbox AND state=new.state;"
" END;"
"CREATE TRIGGER tally_delete AFTER DELETE ON message BEGIN"
" UPDATE tally SET messages=messages-1,bytes=bytes-old.size"
"  WHERE mailbox=old.mailbox AND state=old.state;"
" END;"
"CREATE TRIGGER tally_update AFTER UPDATE OF state,size ON message"
" WHEN old.state<>new.state OR old.size<>new.size BEGIN"
" UPDATE tally SET messages=messages-1,bytes=bytes-old.size"
"  WHERE mailbox=old.mailbox AND state=old.state;"
" UPDATE tally SET messages=messages+1,bytes=bytes+new.size"
"  WHERE mailbox=new.mailbox AND state=new.state;"
" END;"

"CREATE TABLE dest_copy("
" id INTEGER PRIMARY KEY,"
" dest_folder INTEGER NOT NULL REFERENCES dest_folder(id),"
" uidvalidity INTEGER NOT NULL,"
" uid INTEGER NOT NULL,"
" key TEXT NOT NULL DEFAULT '',"
" size INTEGER NOT NULL DEFAULT 0,"
" fp_version INTEGER NOT NULL,"
" fp_message_id INTEGER NOT NULL,"
" fp_date INTEGER NOT NULL,"
" fp_from INTEGER NOT NULL,"
" fp_subject INTEGER NOT NULL,"
" fp_text INTEGER NOT NULL,"
" claimed INTEGER NOT NULL DEFAULT 0,"
" UNIQUE(dest_folder,uidvalidity,uid,key)"
") STRICT;"
"CREATE INDEX dest_copy_id ON dest_copy(fp_message_id)"
" WHERE fp_message_id<>0;"
"CREATE INDEX dest_copy_head ON dest_copy(fp_date,fp_from,fp_subject)"
" WHERE fp_message_id=0;"

"CREATE TABLE learnt("
" who TEXT NOT NULL,"
" what TEXT NOT NULL,"
" value INTEGER NOT NULL,"
" PRIMARY KEY(who,what)"
") STRICT, WITHOUT ROWID;"

"CREATE VIEW messages AS SELECT"
" m.id AS id, b.name AS mailbox, f.path AS folder,"
" m.uidvalidity AS uidvalidity, m.uid AS uid, m.key AS key,"
" t.name AS state, t.settled AS settled, m.size AS size,"
" datetime(m.internaldate,'unixepoch') AS received,"
" trim(iif(m.flags&1,'\\Seen ','')||iif(m.flags&2,'\\Answered ','')||"
"  iif(m.flags&4,'\\Flagged ','')||iif(m.flags&8,'\\Draft ','')||"
"  iif(m.flags&16,'\\Deleted ','')) AS flags,"
" m.keywords AS keywords, d.path AS dest_folder,"
" m.dest_uidvalidity AS dest_uidvalidity, m.dest_uid AS dest_uid,"
" m.dest_name AS dest_name, lower(hex(m.sha256)) AS sha256,"
" lower(hex(m.orig_sha256)) AS orig_sha256,"
" datetime(m.intended,'unixepoch') AS intended, m.why_code AS why_code,"
" m.why AS why, m.why_detail AS why_detail,"
" m.repair_note AS repair_note, m.note AS note, m.orphan AS orphan"
" FROM message m JOIN mailbox b ON b.id=m.mailbox"
" JOIN source_folder f ON f.id=m.source_folder"
" JOIN state t ON t.id=m.state"
" LEFT JOIN dest_folder d ON d.id=m.dest_folder;"
"CREATE VIEW progress AS SELECT"
" b.name AS mailbox, t.name AS state, t.settled AS settled,"
" y.messages AS messages, y.bytes AS bytes"
" FROM tally y JOIN mailbox b ON b.id=y.mailbox"
" JOIN state t ON t.id=y.state WHERE y.messages>0;";

/* same_as: the row of another mailbox whose copy stands for this message
 * too; 0: a person asked for it again after it had been deleted there.
 * No reference: a check of it would cost every row that is deleted. */
static const char version_2[] =
"ALTER TABLE message ADD COLUMN same_as INTEGER;"
/* A copy stands for one message of each mailbox. */
"CREATE UNIQUE INDEX message_joined ON message(same_as,mailbox)"
" WHERE same_as>0;"
/* One side's subject may say nothing: it is compared, not looked up. What
 * has a key is found by its uid, too. */
"DROP INDEX dest_copy_head;"
"DROP INDEX message_key;"
"DROP INDEX message_pending_key;"
"CREATE INDEX dest_copy_head ON dest_copy(fp_date,fp_from)"
" WHERE fp_message_id=0;"
"DROP VIEW messages;"
"CREATE VIEW messages AS SELECT"
" m.id AS id, b.name AS mailbox, f.path AS folder,"
" m.uidvalidity AS uidvalidity, m.uid AS uid, m.key AS key,"
" t.name AS state, t.settled AS settled, m.size AS size,"
" datetime(m.internaldate,'unixepoch') AS received,"
" trim(iif(m.flags&1,'\\Seen ','')||iif(m.flags&2,'\\Answered ','')||"
"  iif(m.flags&4,'\\Flagged ','')||iif(m.flags&8,'\\Draft ','')||"
"  iif(m.flags&16,'\\Deleted ','')) AS flags,"
" m.keywords AS keywords, d.path AS dest_folder,"
" m.dest_uidvalidity AS dest_uidvalidity, m.dest_uid AS dest_uid,"
" m.dest_name AS dest_name, lower(hex(m.sha256)) AS sha256,"
" lower(hex(m.orig_sha256)) AS orig_sha256,"
" datetime(m.intended,'unixepoch') AS intended, m.why_code AS why_code,"
" m.why AS why, m.why_detail AS why_detail,"
" m.repair_note AS repair_note, m.note AS note, m.orphan AS orphan,"
" nullif(m.same_as,0) AS same_as"
" FROM message m JOIN mailbox b ON b.id=m.mailbox"
" JOIN source_folder f ON f.id=m.source_folder"
" JOIN state t ON t.id=m.state"
" LEFT JOIN dest_folder d ON d.id=m.dest_folder;";

/* A million hashes in random places are dear: only a store in which several
 * mailboxes fill one destination has these. */
const char schema_join[] =
"CREATE INDEX IF NOT EXISTS message_alike_id"
" ON message(mailbox,fp_message_id,fp_text) WHERE fp_message_id<>0;"
"CREATE INDEX IF NOT EXISTS message_alike_date"
" ON message(mailbox,fp_date,fp_text) WHERE fp_date IS NOT NULL;";
/* clang-format on */

const struct upgrade schema_upgrades[] = {
	{ .version = 1, .sql = version_1 },
	{ .version = 2, .sql = version_2 },
};
const size_t schema_upgrades_n =
        sizeof(schema_upgrades) / sizeof(schema_upgrades[0]);

int schema_version(void)
{
	return schema_upgrades[schema_upgrades_n - 1].version;
}

/* The version is read again within: another process may have been first. */
static int upgrade_within(struct conn *c, const struct upgrade *v, size_t n,
                          struct err *e)
{
	int64_t version;

	if (conn_number(c, "PRAGMA user_version", &version, e))
		return -1;
	for (size_t i = 0; i < n; i++) {
		char mark[96];

		if (v[i].version <= version)
			continue;
		snprintf(mark, sizeof(mark),
		         "PRAGMA application_id=%d;PRAGMA user_version=%d",
		         STORE_APPLICATION_ID, v[i].version);
		if (conn_exec(c, v[i].sql, e) || conn_exec(c, mark, e))
			return -1;
	}
	return 0;
}

int schema_upgrade(sqlite3 *db, const struct upgrade *v, size_t n,
                   struct err *e)
{
	struct conn c = { .db = db };

	if (conn_exec(&c, "BEGIN IMMEDIATE", e))
		return -1;
	if (upgrade_within(&c, v, n, e) || conn_exec(&c, "COMMIT", e)) {
		if (!sqlite3_get_autocommit(db))
			conn_exec(&c, "ROLLBACK", NULL);
		return -1;
	}
	return 0;
}

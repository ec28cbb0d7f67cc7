/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.c - connections, transactions and statements of SQLite, and its
 * errors in plain words.
 */
#include "store/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "util/step.h"

#define BUSY_WAIT_MS 30000

/* --- Errors --- */

struct words {
	int rc; /* primary result code */
	enum err_code code;
	enum err_next next;
	const char *text;
};

static const char full[] = "The disk that holds the job store is full. "
                           "Nothing is lost: make room and run again.";

static const struct words words[] = {
	{ SQLITE_FULL, EC_DISK_FULL, NEXT_ASK_PERSON, full },
	{ SQLITE_CORRUPT, EC_STORE_DAMAGED, NEXT_ASK_PERSON,
	  "The job store is damaged: a fault of the disk, or another program "
	  "wrote into it. It is kept as it is. Run again with a new store "
	  "(--store NEWFILE): copies that are already at the destination are "
	  "recognised." },
	{ SQLITE_NOTADB, EC_STORE_FOREIGN, NEXT_ASK_PERSON,
	  "The file given as job store is not a job store of mailhaul. It was "
	  "not touched. Name another file with --store." },
	{ SQLITE_BUSY, EC_STORE, NEXT_RETRY,
	  "Another program has kept the job store locked for too long. "
	  "Nothing is lost: close what has it open and run again." },
	{ SQLITE_READONLY, EC_STORE, NEXT_ASK_PERSON,
	  "The job store may not be written. Make the file and its folder "
	  "writable for you, or name another file with --store." },
	{ SQLITE_PERM, EC_STORE, NEXT_ASK_PERSON,
	  "The job store may not be opened. Make the file and its folder "
	  "yours, or name another file with --store." },
	{ SQLITE_CANTOPEN, EC_STORE, NEXT_ASK_PERSON,
	  "The job store can't be opened. Make sure that its folder is there "
	  "and writable for you, or name another file with --store." },
	{ SQLITE_IOERR, EC_STORE, NEXT_ASK_PERSON,
	  "The disk that holds the job store could not be read or written. "
	  "What was saved before is safe; look after the disk and run "
	  "again." },
};

/* A quota or a limit of the process is no SQLITE_FULL. The errno of a
 * failed write is often lost on SQLite's way back (0). */
static bool no_room(sqlite3 *db, int rc)
{
	int no = db ? sqlite3_system_errno(db) : 0;

	if ((rc & 0xff) != SQLITE_IOERR)
		return false;
	if (no == 0)
		return rc == SQLITE_IOERR_WRITE || rc == SQLITE_IOERR_SHMSIZE;
	return no == ENOSPC || no == EDQUOT || no == EFBIG;
}

int db_error(sqlite3 *db, int rc, struct err *e)
{
	const char *said = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int no = db ? sqlite3_system_errno(db) : 0;

	if ((rc & 0xff) == SQLITE_NOMEM)
		return err_memory(e);
	if (no_room(db, rc))
		rc = SQLITE_FULL;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i].rc == (rc & 0xff))
			return err_set(e, ERR_RUN, words[i].next, words[i].code,
			               words[i].text, "sqlite %d: %s, errno %d",
			               rc, said, no);
	return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_STORE,
	               "The job store could not be used. What was saved "
	               "before is safe: run again, and if it happens again "
	               "report it with the details.",
	               "sqlite %d: %s", rc, said);
}

static int spoilt(struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_RETRY, EC_STORE,
	               "A change of the job store could not be finished and "
	               "was taken back whole. Nothing is lost: run again.",
	               "transaction ended by an earlier error");
}

/* --- Connections --- */

int conn_exec(struct conn *c, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : db_error(c->db, rc, e);
}

int conn_number(struct conn *c, const char *sql, int64_t *out, struct err *e)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(c->db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		db_error(c->db, rc, e);
	sqlite3_finalize(st);
	if (rc == SQLITE_DONE)
		return db_error(NULL, SQLITE_ERROR, e);
	return rc == SQLITE_ROW ? 0 : -1;
}

int conn_open(struct conn *c, const char *path, struct err *e)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	            SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE;
	int rc = sqlite3_open_v2(path, &c->db, flags, NULL);
	long wait = step_number("MAILHAUL_TEST_STORE_WAIT_MS", BUSY_WAIT_MS);

	if (rc != SQLITE_OK)
		return db_error(c->db, rc, e);
	sqlite3_busy_timeout(c->db, (int)wait);
	/* A store may have passed through other hands. */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	/* Until it is known to be ours nothing in the file is moved. */
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return 0;
}

void conn_close(struct conn *c)
{
	for (size_t i = 0; i < ST_COUNT; i++) {
		sqlite3_finalize(c->st[i]);
		c->st[i] = NULL;
	}
	sqlite3_close(c->db);
	c->db = NULL;
}

/* --- Statements --- */

static int bind_one(sqlite3_stmt *st, int i, const struct val *v)
{
	switch (v->kind) {
	case VAL_NULL:
		return sqlite3_bind_null(st, i);
	case VAL_INT:
		return sqlite3_bind_int64(st, i, v->i);
	case VAL_TEXT:
		return sqlite3_bind_text(st, i, v->p, -1, SQLITE_STATIC);
	case VAL_BLOB:
		return sqlite3_bind_blob64(st, i, v->p, (uint64_t)v->i,
		                           SQLITE_STATIC);
	}
	return SQLITE_MISUSE;
}

static int bind_all(struct conn *c, sqlite3_stmt *st, const struct val *v,
                    size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++) {
		int rc = bind_one(st, (int)i + 1, &v[i]);

		if (rc != SQLITE_OK)
			return db_error(c->db, rc, e);
	}
	return 0;
}

static int conn_stmt(struct conn *c, enum statement id, sqlite3_stmt **out,
                     struct err *e)
{
	int rc;

	if (!c->st[id]) {
		rc = sqlite3_prepare_v3(c->db, statements[id], -1,
		                        SQLITE_PREPARE_PERSISTENT, &c->st[id],
		                        NULL);
		if (rc != SQLITE_OK)
			return db_error(c->db, rc, e);
	}
	*out = c->st[id];
	return 0;
}

static int run(struct conn *c, enum statement id, bool *unique, struct err *e,
               const struct val *v, size_t n)
{
	sqlite3_stmt *st = NULL;
	int rc;

	if (conn_stmt(c, id, &st, e))
		return -1;
	if (bind_all(c, st, v, n, e)) {
		sqlite3_reset(st);
		return -1;
	}
	do
		rc = sqlite3_step(st);
	while (rc == SQLITE_ROW);
	if (unique)
		*unique = rc == SQLITE_CONSTRAINT_UNIQUE;
	if (rc != SQLITE_DONE && !(unique && *unique))
		db_error(c->db, rc, e);
	/* Its code is that of the step. */
	sqlite3_reset(st);
	return rc == SQLITE_DONE || (unique && *unique) ? 0 : -1;
}

int db_try(struct store *s, enum statement id, bool *unique, struct err *e,
           const struct val *v, size_t n)
{
	/* A full disk ends SQLite's transaction by itself: what follows must
	 * not be committed one by one. */
	if (s->doomed || sqlite3_get_autocommit(s->writer.db))
		return spoilt(e);
	return run(&s->writer, id, unique, e, v, n);
}

int db_run(struct store *s, enum statement id, struct err *e,
           const struct val *v, size_t n)
{
	return db_try(s, id, NULL, e, v, n);
}

int db_changes(const struct store *s)
{
	return sqlite3_changes(s->writer.db);
}

int db_run_met(struct store *s, enum statement id, struct err *e,
               const struct val *v, size_t n)
{
	if (db_run(s, id, e, v, n))
		return -1;
	if (db_changes(s) > 0)
		return 0;
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_STORE,
	               "Another command changed a message's entry in the job "
	               "store at the same moment. Nothing is lost: it is "
	               "looked at again.",
	               "no row for statement %d, row %lld", (int)id,
	               n > 0 ? (long long)v[0].i : 0LL);
}

/* --- Queries --- */

static void query_on(struct query *q, struct store *s)
{
	q->s = s;
	q->locked = !db_within(s);
	if (q->locked)
		pthread_mutex_lock(&s->read_lock);
	q->c = q->locked ? &s->reader : &s->writer;
}

int query_begin(struct query *q, struct store *s, enum statement id,
                struct err *e, const struct val *v, size_t n)
{
	query_on(q, s);
	if (!q->locked && (s->doomed || sqlite3_get_autocommit(q->c->db)))
		return spoilt(e);
	if (conn_stmt(q->c, id, &q->st, e))
		return -1;
	return bind_all(q->c, q->st, v, n, e);
}

int query_text(struct query *q, struct store *s, const char *sql, struct err *e,
               const struct val *v, size_t n)
{
	int rc;

	query_on(q, s);
	q->own = true;
	rc = sqlite3_prepare_v2(q->c->db, sql, -1, &q->st, NULL);
	if (rc != SQLITE_OK)
		return db_error(q->c->db, rc, e);
	return bind_all(q->c, q->st, v, n, e);
}

int query_next(struct query *q, struct err *e)
{
	int rc = sqlite3_step(q->st);

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : db_error(q->c->db, rc, e);
}

void query_end(struct query *q)
{
	if (q->own)
		sqlite3_finalize(q->st);
	else if (q->st)
		sqlite3_reset(q->st);
	q->st = NULL;
	if (q->locked)
		pthread_mutex_unlock(&q->s->read_lock);
	q->locked = false;
}

int column_text(sqlite3_stmt *st, int i, char **out)
{
	const unsigned char *t = sqlite3_column_text(st, i);

	*out = NULL;
	if (!t)
		return sqlite3_column_type(st, i) == SQLITE_NULL ? 0 : -1;
	*out = strdup((const char *)t);
	return *out ? 0 : -1;
}

/* --- Transactions --- */

static _Thread_local char this_thread;

bool db_within(struct store *s)
{
	return atomic_load(&s->owner) == (uintptr_t)&this_thread;
}

int write_begin(struct store *s, struct err *e)
{
	if (db_within(s)) {
		s->depth++;
		return 0;
	}
	pthread_mutex_lock(&s->write_lock);
	if (run(&s->writer, ST_BEGIN, NULL, e, V_NONE)) {
		pthread_mutex_unlock(&s->write_lock);
		return -1;
	}
	s->depth = 1;
	s->doomed = false;
	s->changes = sqlite3_total_changes(s->writer.db);
	atomic_store(&s->owner, (uintptr_t)&this_thread);
	return 0;
}

static void leave(struct store *s)
{
	s->depth = 0;
	atomic_store(&s->owner, 0);
	pthread_mutex_unlock(&s->write_lock);
}

static void undo(struct store *s)
{
	if (!sqlite3_get_autocommit(s->writer.db))
		run(&s->writer, ST_ROLLBACK, NULL, NULL, V_NONE);
}

static int commit(struct store *s, struct err *e)
{
	if (s->doomed || sqlite3_get_autocommit(s->writer.db))
		return spoilt(e);
	if (run(&s->writer, ST_COMMIT, NULL, e, V_NONE))
		return -1;
	if (sqlite3_total_changes(s->writer.db) != s->changes)
		step("transaction");
	return 0;
}

int write_end(struct store *s, int rc, struct err *e)
{
	if (s->depth > 1) {
		s->depth--;
		return rc;
	}
	if (rc == 0)
		rc = commit(s, e);
	if (rc != 0)
		undo(s);
	leave(s);
	return rc;
}

int store_begin(struct store *s, struct err *e)
{
	return write_begin(s, e);
}

int store_commit(struct store *s, struct err *e)
{
	if (!db_within(s))
		return spoilt(e);
	return write_end(s, 0, e);
}

void store_rollback(struct store *s)
{
	if (!db_within(s))
		return;
	if (s->depth > 1) {
		s->doomed = true;
		s->depth--;
		return;
	}
	undo(s);
	leave(s);
}

/* --- Small things --- */

int64_t now_seconds(void)
{
	return (int64_t)(clock_wall_ms() / 1000);
}

int grow(void *vp, size_t *cap, size_t n, size_t size, struct err *e)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *v;

	if (n < *cap)
		return 0;
	memcpy(&v, vp, sizeof(v));
	v = reallocarray(v, more, size);
	if (!v)
		return err_memory(e);
	memcpy(vp, &v, sizeof(v));
	*cap = more;
	return 0;
}

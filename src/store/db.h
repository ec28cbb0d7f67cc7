/* SPDX-License-Identifier: Apache-2.0 */
/*
 * db.h - connections, statements and transactions under the store.
 *
 * A writing function of the store is
 *	if (write_begin(s, e))
 *		return -1;
 *	return write_end(s, work(s, ..., e), e);
 * where work() uses db_run(). A reading one is
 *	CLEANUP(query_end) struct query q = { 0 };
 *	if (query_begin(&q, s, ST_..., e, V(vi(id))))
 *		return -1;
 *	while ((rc = query_next(&q, e)) > 0)
 *		... sqlite3_column_*(q.st, ...)
 * query_begin() takes the reader's lock, or uses the writer's connection
 * when this thread is within a transaction; query_end() gives it back.
 */
#ifndef MAILHAUL_STORE_DB_H
#define MAILHAUL_STORE_DB_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "mailhaul/store.h"
#include "store/statements.h"
#include "util/buf.h"

/* STRICT tables; RETURNING and UPSERT are older. */
_Static_assert(SQLITE_VERSION_NUMBER >= 3037000, "sqlite 3.37 or newer");

struct conn {
	sqlite3 *db;
	sqlite3_stmt *st[ST_COUNT]; /* prepared when first used */
};

struct held; /* rows.c: the question that where asks, malloc'd, NULL: memory. */
char *rows_sql(const struct row_where *w, bool count);

/* lock.c */

struct store {
	char *path; /* absolute */
	struct conn writer, reader;
	pthread_mutex_t write_lock; /* from begin to commit */
	pthread_mutex_t read_lock;  /* reader */
	/* Who is within a transaction: the address of a thread's own
	 * variable, 0 for nobody. Only the owner compares equal, so it needs
	 * no lock. */
	atomic_uintptr_t owner;
	unsigned depth;
	bool doomed; /* an inner store_rollback() spoilt the whole */
	int changes; /* sqlite3_total_changes() at begin */

	pthread_mutex_t held_lock;
	int lock_fd;
	struct held *held;
	size_t held_n;
};

/* --- Values to bind --------------------------------------------------- */

struct val {
	enum { VAL_NULL, VAL_INT, VAL_TEXT, VAL_BLOB } kind;
	int64_t i; /* or the size of a blob */
	const void *p;
};
static inline struct val vi(int64_t i)
{
	return (struct val){ .kind = VAL_INT, .i = i };
}
/* 0 is NULL. */
static inline struct val vz(int64_t i)
{
	return (struct val){ .kind = i ? VAL_INT : VAL_NULL, .i = i };
}
static inline struct val vt(const char *t)
{
	return (struct val){ .kind = t ? VAL_TEXT : VAL_NULL, .p = t };
}
static inline struct val vb(const void *p, size_t n)
{
	return (struct val){ .kind = p ? VAL_BLOB : VAL_NULL,
		             .i = (int64_t)n,
		             .p = p };
}
#define V(...)                                                \
	(const struct val[]){ __VA_ARGS__ },                  \
	        sizeof((const struct val[]){ __VA_ARGS__ }) / \
	                sizeof(struct val)
#define V_NONE NULL, 0

/* --- Connections ------------------------------------------------------ */

int conn_open(struct conn *c, const char *path, struct err *e);
void conn_close(struct conn *c);
/* SQL without answers that matter; -1 by db_error(). */
int conn_exec(struct conn *c, const char *sql, struct err *e);
/* The first column of the first row, or -1. */
int conn_number(struct conn *c, const char *sql, int64_t *out, struct err *e);

/* The error of db's last call as a sentence for its owner; -1. */
int db_error(sqlite3 *db, int rc, struct err *e);

/* --- Transactions ----------------------------------------------------- */

int write_begin(struct store *s, struct err *e);
/* Commits if rc is 0 and this is the outermost; else passes rc on. */
int write_end(struct store *s, int rc, struct err *e);
bool db_within(struct store *s); /* this thread is in a transaction */

/* --- Statements ------------------------------------------------------- */

/* One statement within a transaction. Values are borrowed. */
int db_run(struct store *s, enum statement id, struct err *e,
           const struct val *v, size_t n);
/* The same; a broken UNIQUE is not an error but *unique. */
int db_try(struct store *s, enum statement id, bool *unique, struct err *e,
           const struct val *v, size_t n);
int db_changes(const struct store *s);
/* db_run() that must have met a row, else the ERR_FOLDER that says that
 * something else changed it. */
int db_run_met(struct store *s, enum statement id, struct err *e,
               const struct val *v, size_t n);

struct query {
	struct store *s;
	struct conn *c;
	sqlite3_stmt *st;
	bool locked; /* we hold read_lock */
	bool own;    /* st is finalised, not kept */
};
int query_begin(struct query *q, struct store *s, enum statement id,
                struct err *e, const struct val *v, size_t n);
/* With text made at run time. */
int query_text(struct query *q, struct store *s, const char *sql, struct err *e,
               const struct val *v, size_t n);
int query_next(struct query *q, struct err *e); /* 1: a row, 0: end, -1 */
void query_end(struct query *q);

/* Columns. text: malloc'd, NULL for NULL; -1 only for memory. */
int column_text(sqlite3_stmt *st, int i, char **out);
static inline int64_t column_int(sqlite3_stmt *st, int i)
{
	return sqlite3_column_int64(st, i);
}

/* --- Shared between the files of the store ----------------------------- */

/* MESSAGE_COLUMNS and ROW_COLUMNS; -1: memory. */
int message_load(sqlite3_stmt *st, struct message *m);
int row_load(sqlite3_stmt *st, struct row *r);
void row_release(struct row *r);
int64_t now_seconds(void);
/* Puts a sentence behind the row's note, once. */
int note_add(struct store *s, int64_t row, const char *note, struct err *e);
/* Octets of the source: the original's hash, or NULL if not known. */
const unsigned char *source_octets(const struct message *m);
/* NULL where there is none, or it is not wanted. */
struct val hash_val(const unsigned char hash[32], bool wanted);
/* Six columns from i on. */
struct fingerprint fp_at(sqlite3_stmt *st, int i);
/* What goes over a growing array's end; -1: memory. */
int grow(void *vp, size_t *cap, size_t n, size_t size, struct err *e);

/* rows.c: the question that where asks, malloc'd, NULL: memory. */
char *rows_sql(const struct row_where *w, bool count);

/* lock.c */
void locks_release(struct store *s);

/* open.c: why a file system is refused, or NULL. */
const char *network_fs(long f_type);

#endif

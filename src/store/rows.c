/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.c - message rows as the rest of the program sees them, and the
 * questions that pick them.
 *
 * Rows are read page by page into memory: no lock is held while the caller
 * works on one, and what it changes can't disturb the walk.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

#define PAGE 128

/* --- Loading --- */

enum column {
	C_ID,
	C_UID,
	C_KEY,
	C_SIZE,
	C_FLAGS,
	C_KEYWORDS,
	C_INTERNALDATE,
	C_ZONE,
	C_TRIES,
	C_BATCH_MAX,
	C_WANT_REPAIR,
	C_STATE,
	C_SHA256,
	C_ORIG_SHA256,
	C_FP,
	C_SET_FLAGS = C_FP + 6,
	C_SET_KEYWORDS,
	C_DEST_NAME,
	C_DEST_UIDVALIDITY,
	C_DEST_UID,
	C_REPAIR_NOTE,
	C_WHY_CODE,
	C_WHY,
	C_WHY_DETAIL,
	C_MAILBOX,
	C_SOURCE_FOLDER,
	C_DEST_FOLDER,
	C_UIDVALIDITY,
	C_MARK_UIDVALIDITY,
	C_MARK_UIDNEXT,
	C_INTENDED,
	C_ORPHAN,
	C_NOTE,
	C_SAME_AS
};

int message_load(sqlite3_stmt *st, struct message *m)
{
	m->row = column_int(st, C_ID);
	m->uid = (uint64_t)column_int(st, C_UID);
	m->size = (uint64_t)column_int(st, C_SIZE);
	m->flags = (unsigned)column_int(st, C_FLAGS);
	m->date.known = sqlite3_column_type(st, C_INTERNALDATE) != SQLITE_NULL;
	m->date.sec = column_int(st, C_INTERNALDATE);
	m->date.zone_min = (int)column_int(st, C_ZONE);
	m->tries = (unsigned)column_int(st, C_TRIES);
	m->batch_max = (unsigned)column_int(st, C_BATCH_MAX);
	m->want_repair = column_int(st, C_WANT_REPAIR) != 0;
	m->state = (enum msg_state)column_int(st, C_STATE);
	if (sqlite3_column_bytes(st, C_KEY) > 0 &&
	    column_text(st, C_KEY, &m->key))
		return -1;
	return column_text(st, C_KEYWORDS, &m->keywords);
}

static bool hash_load(sqlite3_stmt *st, int i, unsigned char out[32])
{
	const void *p = sqlite3_column_blob(st, i);

	if (!p || sqlite3_column_bytes(st, i) != 32)
		return false;
	memcpy(out, p, 32);
	return true;
}

static void fp_load(sqlite3_stmt *st, int i, struct fingerprint *fp)
{
	fp->version = (uint32_t)column_int(st, i);
	fp->message_id = (uint64_t)column_int(st, i + 1);
	fp->date = (uint64_t)column_int(st, i + 2);
	fp->from = (uint64_t)column_int(st, i + 3);
	fp->subject = (uint64_t)column_int(st, i + 4);
	fp->text = (uint64_t)column_int(st, i + 5);
}

static const char *column_str(sqlite3_stmt *st, int i)
{
	const unsigned char *t = sqlite3_column_text(st, i);

	return t ? (const char *)t : "";
}

static void why_load(sqlite3_stmt *st, struct err *why)
{
	int code = err_code_find(column_str(st, C_WHY_CODE));

	if (sqlite3_column_type(st, C_WHY) == SQLITE_NULL &&
	    sqlite3_column_type(st, C_WHY_CODE) == SQLITE_NULL)
		return;
	err_set(why, ERR_MESSAGE, NEXT_GIVE_UP,
	        code < 0 ? EC_NONE : (enum err_code)code, column_str(st, C_WHY),
	        "%s", column_str(st, C_WHY_DETAIL));
}

int row_load(sqlite3_stmt *st, struct row *r)
{
	struct message *m = &r->m;

	if (message_load(st, m))
		return -1;
	hash_load(st, C_SHA256, m->sha256);
	m->repaired = hash_load(st, C_ORIG_SHA256, m->orig_sha256);
	fp_load(st, C_FP, &m->fp);
	m->set_flags = (unsigned)column_int(st, C_SET_FLAGS);
	m->dest_uidvalidity = (uint32_t)column_int(st, C_DEST_UIDVALIDITY);
	m->dest_uid = (uint32_t)column_int(st, C_DEST_UID);
	why_load(st, &m->why);
	m->hole = m->state == MSG_HOLE;
	r->mailbox = column_int(st, C_MAILBOX);
	r->source_folder = column_int(st, C_SOURCE_FOLDER);
	r->dest_folder = column_int(st, C_DEST_FOLDER);
	r->source_uidvalidity = (uint32_t)column_int(st, C_UIDVALIDITY);
	r->mark_uidvalidity = (uint32_t)column_int(st, C_MARK_UIDVALIDITY);
	r->mark_uidnext = (uint32_t)column_int(st, C_MARK_UIDNEXT);
	r->intended = column_int(st, C_INTENDED);
	r->orphan = column_int(st, C_ORPHAN) != 0;
	r->same_as = column_int(st, C_SAME_AS);
	return column_text(st, C_SET_KEYWORDS, &m->set_keywords) ||
	                       column_text(st, C_DEST_NAME, &m->dest_name) ||
	                       column_text(st, C_REPAIR_NOTE,
	                                   &m->repair_note) ||
	                       column_text(st, C_NOTE, &r->note)
	               ? -1
	               : 0;
}

void row_release(struct row *r)
{
	message_release(&r->m);
	free(r->note);
	*r = (struct row){ 0 };
}

/* --- Where --- */

#define STATES(a, b) (1u << (a) | 1u << (b))

/* The index that answers with the fewest rows, and the term by which
 * SQLite sees that a partial index holds all that are asked for. */
struct way {
	const char *index, *term;
};
#define UNNAMED "state IN (3,4) AND dest_uid IS NULL AND dest_name IS NULL"
#define DIFFERS                            \
	"state IN (3,4) AND ((flags&15)<>" \
	"set_flags OR keywords IS NOT set_keywords)"

#define NOTED                  \
	"state IN (3,4) AND (" \
	"note IS NOT NULL OR repair_note IS NOT NULL)"

static struct way choose(const struct row_where *w)
{
	unsigned states = w->states;

	if (w->unnamed && w->dest_folder)
		return (struct way){ "message_unnamed", "" };
	if (w->flags_differ && w->source_folder)
		return (struct way){ "message_differs", "" };
	if (states && !(states & ~STATES(MSG_SENDING, MSG_UNFINISHED)))
		return (struct way){ "message_doubt", " AND state IN (1,2)" };
	if (states && !(states & ~STATES(MSG_HOLE, MSG_PROBLEM)))
		return (struct way){ "message_trouble", " AND state IN (6,7)" };
	if (w->dest_folder)
		return (struct way){ "message_dest", "" };
	if (w->source_folder)
		return (struct way){ "message_source", "" };
	if (w->mailbox)
		return (struct way){ "message_mailbox", "" };
	return (struct way){ NULL, "" };
}

static int add_states(struct buf *sql, unsigned states)
{
	const char *comma = "";

	if (!states)
		return 0;
	if (buf_str(sql, " AND state IN ("))
		return -1;
	for (int i = 0; i < MSG_STATE_COUNT; i++) {
		if (!(states & 1u << i))
			continue;
		if (buf_fmt(sql, "%s%d", comma, i))
			return -1;
		comma = ",";
	}
	return buf_str(sql, ")");
}

static int add_where(struct buf *sql, const struct row_where *w)
{
	struct way way = choose(w);

	return buf_fmt(sql, " FROM message %s%s WHERE id>?4%s",
	               way.index ? "INDEXED BY " : "NOT INDEXED",
	               way.index ? way.index : "", way.term) ||
	       add_states(sql, w->states) ||
	       (w->mailbox && buf_str(sql, " AND mailbox=?1")) ||
	       (w->source_folder && buf_str(sql, " AND source_folder=?2")) ||
	       (w->dest_folder && buf_str(sql, " AND dest_folder=?3")) ||
	       (w->unnamed && buf_str(sql, " AND " UNNAMED)) ||
	       (w->flags_differ && buf_str(sql, " AND " DIFFERS)) ||
	       (w->noted && buf_str(sql, " AND " NOTED)) ||
	       (w->not_orphan && buf_str(sql, " AND orphan=0"));
}

char *rows_sql(const struct row_where *w, bool count)
{
	struct buf sql = BUF_INIT(0);
	int rc = buf_str(&sql,
	                 count ? "SELECT count(*)" : "SELECT " ROW_COLUMNS) ||
	         add_where(&sql, w) ||
	         (!count && buf_str(&sql, " ORDER BY id LIMIT ?5"));

	if (!rc)
		return buf_take(&sql);
	buf_release(&sql);
	return NULL;
}

/* --- Walking --- */

struct page {
	struct row v[PAGE];
	size_t n;
};

static void page_release(struct page *p)
{
	for (size_t i = 0; i < p->n; i++)
		row_release(&p->v[i]);
	p->n = 0;
}

static void page_free(struct page **p)
{
	if (*p)
		page_release(*p);
	free(*p);
}

static int page_load(struct store *s, const char *sql,
                     const struct row_where *w, int64_t after, size_t max,
                     struct page *p, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_text(&q, s, sql, e,
	               V(vi(w->mailbox), vi(w->source_folder),
	                 vi(w->dest_folder), vi(after), vi((int64_t)max))))
		return -1;
	while (p->n < max && (rc = query_next(&q, e)) != 0) {
		if (rc < 0)
			return -1;
		if (row_load(q.st, &p->v[p->n++]))
			return err_memory(e);
	}
	return 0;
}

/* The row is freed before the next: it may have taken a body. */
static int page_tell(struct page *p, row_fn *each, void *arg)
{
	for (size_t i = 0; i < p->n; i++) {
		int rc = each(&p->v[i], arg);

		row_release(&p->v[i]);
		if (rc)
			return rc;
	}
	return 0;
}

int store_rows(struct store *s, const struct row_where *w, row_fn *each,
               void *arg, struct err *e)
{
	CLEANUP(page_free) struct page *p = calloc(1, sizeof(*p));
	CLEANUP(free_p) char *sql = rows_sql(w, false);
	size_t left = w->limit ? w->limit : SIZE_MAX;
	int64_t after = w->after_row;

	if (!p || !sql)
		return err_memory(e);
	while (left) {
		size_t max = left < PAGE ? left : PAGE;
		size_t got;
		int rc;

		if (page_load(s, sql, w, after, max, p, e))
			return -1;
		got = p->n;
		if (got)
			after = p->v[got - 1].m.row;
		rc = page_tell(p, each, arg);
		page_release(p);
		if (rc)
			return rc < 0 ? -1 : 0;
		if (got < max)
			return 0;
		left -= got;
	}
	return 0;
}

int store_count(struct store *s, const struct row_where *w, uint64_t *n,
                struct err *e)
{
	CLEANUP(free_p) char *sql = rows_sql(w, true);
	CLEANUP(query_end) struct query q = { 0 };

	if (!sql)
		return err_memory(e);
	if (query_text(&q, s, sql, e,
	               V(vi(w->mailbox), vi(w->source_folder),
	                 vi(w->dest_folder), vi(w->after_row))))
		return -1;
	if (query_next(&q, e) < 0)
		return -1;
	*n = (uint64_t)column_int(q.st, 0);
	if (w->limit && *n > w->limit)
		*n = w->limit;
	return 0;
}

/* --- Claimed copies --- */

struct copies {
	uint32_t *v;
	size_t n, cap;
};

static int load_claimed(struct store *s, int64_t dest, uint32_t uidvalidity,
                        uint32_t since, struct copies *c, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_CLAIMED, e,
	                V(vi(dest), vi(uidvalidity), vi(since))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(&c->v, &c->cap, c->n, sizeof(*c->v), e))
			return -1;
		c->v[c->n++] = (uint32_t)column_int(q.st, 0);
	}
	return rc;
}

int store_claimed(struct store *s, int64_t dest_folder, uint32_t uidvalidity,
                  uint32_t since, uint32_t **out, size_t *n, struct err *e)
{
	struct copies c = { 0 };
	int rc = load_claimed(s, dest_folder, uidvalidity, since, &c, e);

	if (rc) {
		free(c.v);
		c = (struct copies){ 0 };
	}
	*out = c.v;
	*n = c.n;
	return rc;
}

bool store_claimed_name(struct store *s, int64_t dest_folder, const char *name)
{
	CLEANUP(query_end) struct query q = { 0 };
	struct err ignored;

	return !query_begin(&q, s, ST_CLAIMED_NAME, &ignored,
	                    V(vi(dest_folder), vt(name))) &&
	       query_next(&q, &ignored) > 0;
}

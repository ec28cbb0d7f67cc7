/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.c - messages that came to the destination by another of its sources.
 */
#include <stdlib.h>

#include "mime/fingerprint.h"
#include "store/schema.h"

void joined_release(struct joined *j)
{
	free(j->mailbox);
	free(j->folder);
	*j = (struct joined){ 0 };
}

/* --- Beginning --- */

static int has_partners(struct store *s, int64_t mailbox, bool *out,
                        struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	*out = false;
	if (query_begin(&q, s, ST_JOIN_PARTNERS, e, V(vi(mailbox))))
		return -1;
	rc = query_next(&q, e);
	*out = rc > 0;
	return rc < 0 ? -1 : 0;
}

static int indexes_exist(struct store *s, bool *out, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_text(&q, s,
	               "SELECT count(*)=2 FROM sqlite_schema"
	               " WHERE name GLOB 'message_alike_*'",
	               e, V_NONE))
		return -1;
	rc = query_next(&q, e);
	*out = rc > 0 && column_int(q.st, 0);
	return rc < 0 ? -1 : 0;
}

int store_join_begin(struct store *s, int64_t mailbox, bool *partners,
                     struct err *e)
{
	bool exist = false;

	if (has_partners(s, mailbox, partners, e))
		return -1;
	if (!*partners || indexes_exist(s, &exist, e))
		return *partners ? -1 : 0;
	if (exist)
		return 0;
	if (write_begin(s, e))
		return -1;
	return write_end(s, conn_exec(&s->writer, schema_join, e), e);
}

/* --- Finding --- */

/* One question after rows that may stand for a message. */
struct asking {
	const struct message *m;
	bool octets; /* they have its octets: no doubt */
	joined_fn *taken;
	void *arg;
	struct joined *best;
};

static bool better(const struct joined *best, enum fp_match how,
                   enum msg_state state)
{
	if (!best->row || how > best->how)
		return how != FP_DIFFERENT;
	return how == best->how && best->state == MSG_GONE_DEST &&
	       state != MSG_GONE_DEST;
}

static enum fp_match compare(const struct asking *a, sqlite3_stmt *st)
{
	struct fingerprint fp = fp_at(st, 4);
	enum fp_match how = fp_join(&a->m->fp, &fp);

	if (how == FP_SAME &&
	    !fp_has_files(&a->m->fp, &fp, (uint64_t)column_int(st, 10)))
		return FP_UNSURE;
	return how;
}

static int consider(const struct asking *a, sqlite3_stmt *st, struct err *e)
{
	int64_t row = column_int(st, 0);
	enum msg_state state = (enum msg_state)column_int(st, 1);
	enum fp_match how = a->octets ? FP_SAME : compare(a, st);

	if (!better(a->best, how, state) || (a->taken && a->taken(row, a->arg)))
		return 0;
	joined_release(a->best);
	a->best->row = row;
	a->best->how = how;
	a->best->state = state;
	return column_text(st, 2, &a->best->mailbox) ||
	                       column_text(st, 3, &a->best->folder)
	               ? err_memory(e)
	               : 0;
}

static bool is_found(const struct joined *j)
{
	return j->row && j->how == FP_SAME && j->state != MSG_GONE_DEST;
}

static int ask(struct store *s, enum statement id, const struct val *v,
               size_t n, const struct asking *a, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (is_found(a->best))
		return 0;
	if (query_begin(&q, s, id, e, v, n))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (consider(a, q.st, e))
			return -1;
		if (is_found(a->best))
			return 0;
	}
	return rc;
}

static int ask_octets(struct store *s, int64_t mailbox, int64_t dest,
                      struct asking *a, struct err *e)
{
	const unsigned char *hash = source_octets(a->m);
	int rc;

	if (!hash)
		return 0;
	a->octets = true;
	rc = ask(s, ST_JOIN_OCTETS,
	         V(vi(mailbox), vi(a->m->row), vz(dest), vb(hash, 32)), a, e);
	a->octets = false;
	return rc;
}

static int ask_alike(struct store *s, int64_t mailbox, int64_t dest,
                     struct asking *a, struct err *e)
{
	const struct fingerprint *fp = &a->m->fp;
	struct val id = vi((int64_t)fp->message_id);
	struct val date = vi((int64_t)fp->date);
	struct val text = vi((int64_t)fp->text);
	struct val box = vi(mailbox), row = vi(a->m->row), to = vz(dest);

	if (!fp->version)
		return 0;
	if (ask(s, ST_JOIN_SAME_ID, V(box, row, to, id, text), a, e) ||
	    ask(s, ST_JOIN_SAME_DATE, V(box, row, to, date, text), a, e))
		return -1;
	if (a->best->row)
		return 0;
	return ask(s, ST_JOIN_LIKE_ID, V(box, row, to, id), a,
	           e) || ask(s, ST_JOIN_LIKE_DATE, V(box, row, to, date), a, e)
	               ? -1
	               : 0;
}

int store_join_find(struct store *s, int64_t mailbox, const struct message *m,
                    int64_t dest_folder, joined_fn *taken, void *arg,
                    struct joined *out, struct err *e)
{
	struct asking a = { .m = m, .taken = taken, .arg = arg, .best = out };

	*out = (struct joined){ 0 };
	if (ask_octets(s, mailbox, dest_folder, &a, e) == 0 &&
	    ask_alike(s, mailbox, dest_folder, &a, e) == 0)
		return 0;
	joined_release(out);
	return -1;
}

/* --- Taking --- */

#define GONE_NOTE "its copy was deleted at the destination after it had arrived"

static int take(struct store *s, struct message *m, const struct joined *j,
                struct err *e)
{
	const struct fingerprint *fp = &m->fp;
	bool gone = j->state == MSG_GONE_DEST;
	enum msg_state state = gone ? MSG_GONE_DEST : MSG_ADOPTED;

	if (db_run_met(s, ST_JOIN_TAKE, e,
	               V(vi(m->row), vi(state), vi(j->row),
	                 hash_val(m->sha256, true),
	                 hash_val(m->orig_sha256, m->repaired), vi(fp->version),
	                 vi((int64_t)fp->message_id), vi((int64_t)fp->date),
	                 vi((int64_t)fp->from), vi((int64_t)fp->subject),
	                 vi((int64_t)fp->text))) ||
	    (gone && note_add(s, m->row, GONE_NOTE, e)))
		return -1;
	m->state = state;
	return 0;
}

int store_join_take(struct store *s, struct message *m, const struct joined *j,
                    struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, take(s, m, j, e), e);
}

static int follow(struct store *s, int64_t mailbox, uint64_t *again,
                  struct err *e)
{
	*again = 0;
	if (db_run(s, ST_JOIN_LOST, e, V(vi(mailbox))))
		return -1;
	*again = (uint64_t)db_changes(s);
	return db_run(s, ST_JOIN_GONE, e, V(vi(mailbox), vt(GONE_NOTE))) ||
	                       db_run(s, ST_JOIN_BACK, e, V(vi(mailbox)))
	               ? -1
	               : 0;
}

int store_join_follow(struct store *s, int64_t mailbox, uint64_t *again,
                      struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, follow(s, mailbox, again, e), e);
}

/* --- Telling --- */

int store_joins(struct store *s, int64_t mailbox, joined_row_fn *each,
                void *arg, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_JOINS, e, V(vi(mailbox))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		struct joined_row r = {
			.row = column_int(q.st, 0),
			.uid = (uint64_t)column_int(q.st, 1),
			.of = column_int(q.st, 2),
			.of_state = (enum msg_state)column_int(q.st, 3),
			.dest_folder = column_int(q.st, 4),
		};

		if (each(&r, arg))
			return 0;
	}
	return rc;
}

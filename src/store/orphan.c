/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphan.c - copied messages whose place at the source is gone: they are
 * found again under a new place (moved, or a new UIDVALIDITY) by their
 * octets or their fingerprint.
 */
#include <stdlib.h>

#include "mime/fingerprint.h"
#include "store/db.h"

static int by_octets(struct store *s, int64_t mailbox, const struct message *m,
                     int64_t *row, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	const unsigned char *hash = source_octets(m);
	int rc;

	if (!hash)
		return 0;
	if (query_begin(&q, s, ST_ORPHAN_OCTETS, e,
	                V(vi(mailbox), vb(hash, 32))))
		return -1;
	rc = query_next(&q, e);
	if (rc > 0)
		*row = column_int(q.st, 0);
	return rc < 0 ? -1 : 0;
}

struct fingerprint fp_at(sqlite3_stmt *st, int i)
{
	return (struct fingerprint){
		.version = (uint32_t)column_int(st, i),
		.message_id = (uint64_t)column_int(st, i + 1),
		.date = (uint64_t)column_int(st, i + 2),
		.from = (uint64_t)column_int(st, i + 3),
		.subject = (uint64_t)column_int(st, i + 4),
		.text = (uint64_t)column_int(st, i + 5),
	};
}

/* Sameness always needs the same text: the index leads with it. */
static int by_fingerprint(struct store *s, int64_t mailbox,
                          const struct fingerprint *fp, int64_t *row,
                          struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (!fp->text)
		return 0;
	if (query_begin(&q, s, ST_ORPHAN_ALIKE, e,
	                V(vi(mailbox), vi((int64_t)fp->text),
	                  vi((int64_t)fp->message_id))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		struct fingerprint other = fp_at(q.st, 1);

		if (fp_compare(fp, &other) != FP_SAME)
			continue;
		*row = column_int(q.st, 0);
		return 0;
	}
	return rc;
}

int store_orphan_find(struct store *s, int64_t mailbox, const struct message *m,
                      int64_t *row, struct err *e)
{
	*row = 0;
	if (by_octets(s, mailbox, m, row, e))
		return -1;
	return *row ? 0 : by_fingerprint(s, mailbox, &m->fp, row, e);
}

/* --- Taking --- */

/* The pending row's place, kept while the row itself is removed. */
struct place {
	int64_t folder, uidvalidity, uid, size, date, zone, flags;
	bool dated;
	char *key, *keywords;
};

static void place_release(struct place *p)
{
	free(p->key);
	free(p->keywords);
}

static int gone(int64_t row, struct err *e)
{
	return err_set(e, ERR_FOLDER, NEXT_RETRY, EC_STORE,
	               "Another command changed a message's entry in the job "
	               "store at the same moment. Nothing is lost: it is "
	               "looked at again.",
	               "orphan_take: row %lld", (long long)row);
}

static int place_load(struct store *s, int64_t row, struct place *p,
                      struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_MESSAGE_PLACE, e, V(vi(row))))
		return -1;
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? -1 : gone(row, e);
	p->folder = column_int(q.st, 0);
	p->uidvalidity = column_int(q.st, 1);
	p->uid = column_int(q.st, 2);
	p->size = column_int(q.st, 4);
	p->dated = sqlite3_column_type(q.st, 5) != SQLITE_NULL;
	p->date = column_int(q.st, 5);
	p->zone = column_int(q.st, 6);
	p->flags = column_int(q.st, 7);
	return column_text(q.st, 3, &p->key) ||
	                       column_text(q.st, 8, &p->keywords)
	               ? err_memory(e)
	               : 0;
}

/* It was only looked at again (store_parts_again). */
static bool same_place(const struct place *a, const struct place *b)
{
	return a->folder == b->folder && a->uidvalidity == b->uidvalidity &&
	       a->uid == b->uid;
}

static int place_put(struct store *s, int64_t orphan, const struct place *p,
                     enum msg_state *state, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_ORPHAN_TAKE, e,
	                V(vi(orphan), vi(p->folder), vi(p->uidvalidity),
	                  vi(p->uid), vt(p->key), vi(p->size),
	                  p->dated ? vi(p->date) : vt(NULL), vi(p->zone),
	                  vi(p->flags), vt(p->keywords))))
		return -1;
	rc = query_next(&q, e);
	if (rc <= 0)
		return rc < 0 ? -1 : gone(orphan, e);
	*state = (enum msg_state)column_int(q.st, 0);
	return 0;
}

static int take(struct store *s, int64_t orphan, struct message *m,
                const char *note, struct err *e)
{
	CLEANUP(place_release) struct place p = { 0 }, was = { 0 };
	enum msg_state state = MSG_MOVED;

	if (place_load(s, m->row, &p, e) || place_load(s, orphan, &was, e) ||
	    db_run_met(s, ST_MESSAGE_END, e, V(vi(m->row))) ||
	    place_put(s, orphan, &p, &state, e))
		return -1;
	if (!same_place(&p, &was) && note_add(s, orphan, note, e))
		return -1;
	m->row = orphan;
	m->state = state;
	return 0;
}

int store_orphan_take(struct store *s, int64_t orphan, struct message *m,
                      const char *note, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, take(s, orphan, m, note, e), e);
}

bool store_has_octets(struct store *s, int64_t mailbox,
                      const unsigned char sha256[32], int64_t not_row)
{
	CLEANUP(query_end) struct query q = { 0 };

	if (query_begin(&q, s, ST_HAS_OCTETS, NULL,
	                V(vi(mailbox), vb(sha256, 32), vi(not_row))))
		return false;
	return query_next(&q, NULL) > 0;
}

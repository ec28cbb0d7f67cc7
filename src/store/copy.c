/* SPDX-License-Identifier: Apache-2.0 */
/*
 * copy.c - copies that were at the destination before us, and what was
 * learnt of servers.
 */
#include <stdlib.h>

#include "store/db.h"

int store_copies_clear(struct store *s, int64_t dest_folder, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, db_run(s, ST_COPIES_CLEAR, e, V(vi(dest_folder))),
	                 e);
}

static int add(struct store *s, const struct dest_copy *c, struct err *e)
{
	const struct fingerprint *fp = &c->fp;

	return db_run(s, ST_COPY_ADD, e,
	              V(vi(c->dest_folder), vi(c->uidvalidity), vi(c->uid),
	                vt(c->key), vi((int64_t)c->size), vi(fp->version),
	                vi((int64_t)fp->message_id), vi((int64_t)fp->date),
	                vi((int64_t)fp->from), vi((int64_t)fp->subject),
	                vi((int64_t)fp->text)));
}

int store_copy_add(struct store *s, const struct dest_copy *c, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, add(s, c, e), e);
}

static int load(sqlite3_stmt *st, struct dest_copy *c)
{
	c->id = column_int(st, 0);
	c->dest_folder = column_int(st, 1);
	c->uidvalidity = (uint32_t)column_int(st, 2);
	c->uid = (uint32_t)column_int(st, 3);
	c->size = (uint64_t)column_int(st, 5);
	c->fp = (struct fingerprint){
		.version = (uint32_t)column_int(st, 6),
		.message_id = (uint64_t)column_int(st, 7),
		.date = (uint64_t)column_int(st, 8),
		.from = (uint64_t)column_int(st, 9),
		.subject = (uint64_t)column_int(st, 10),
		.text = (uint64_t)column_int(st, 11),
	};
	if (sqlite3_column_bytes(st, 4) == 0)
		return 0;
	return column_text(st, 4, &c->key);
}

static int load_all(struct store *s, const char *to_key,
                    const struct fingerprint *fp, struct dest_copy **v,
                    size_t *n, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	size_t cap = 0;
	int rc;

	if (fp->message_id
	            ? query_begin(&q, s, ST_COPIES_BY_ID, e,
	                          V(vt(to_key), vi((int64_t)fp->message_id)))
	            : query_begin(&q, s, ST_COPIES_BY_HEAD, e,
	                          V(vt(to_key), vi((int64_t)fp->date),
	                            vi((int64_t)fp->from))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(v, &cap, *n, sizeof(**v), e))
			return -1;
		(*v)[*n] = (struct dest_copy){ 0 };
		if (load(q.st, &(*v)[(*n)++]))
			return err_memory(e);
	}
	return rc;
}

int store_copies_find(struct store *s, const char *to_key,
                      const struct fingerprint *fp, struct dest_copy **out,
                      size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	if (load_all(s, to_key, fp, out, n, e) == 0)
		return 0;
	for (size_t i = 0; i < *n; i++)
		free((*out)[i].key);
	free(*out);
	*out = NULL;
	*n = 0;
	return -1;
}

static int claim(struct store *s, int64_t id, struct err *e)
{
	if (db_run(s, ST_COPY_CLAIM, e, V(vi(id))))
		return -1;
	if (db_changes(s) > 0)
		return 0;
	return err_set(e, ERR_MESSAGE, NEXT_RETRY, EC_STORE,
	               "Another message has been given this copy meanwhile. "
	               "Nothing is lost: it is looked for again.",
	               "dest_copy %lld", (long long)id);
}

int store_copy_claim(struct store *s, int64_t id, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, claim(s, id, e), e);
}

/* --- Learnt --- */

int store_learnt(struct store *s, const char *host_and_user, const char *what,
                 int64_t *value, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	*value = 0;
	if (query_begin(&q, s, ST_LEARNT, e, V(vt(host_and_user), vt(what))))
		return -1;
	rc = query_next(&q, e);
	if (rc > 0)
		*value = column_int(q.st, 0);
	return rc < 0 ? -1 : 0;
}

int store_learn(struct store *s, const char *host_and_user, const char *what,
                int64_t value, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s,
	                 db_run(s, ST_LEARN, e,
	                        V(vt(host_and_user), vt(what), vi(value))),
	                 e);
}

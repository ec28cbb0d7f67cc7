/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.c - what a listing of the source puts into the store: new rows,
 * changed flags, and rows whose place is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "store/db.h"

/* A server may announce any number; sums must stay numbers. */
#define SIZE_CEILING ((uint64_t)1 << 40)

static int64_t size_of(const struct message *m)
{
	return (int64_t)(m->size < SIZE_CEILING ? m->size : SIZE_CEILING);
}

static const char *words_of(const char *keywords)
{
	return keywords && *keywords ? keywords : NULL;
}

/* --- Known --- */

struct uids {
	uint64_t *v;
	size_t n, cap;
};

static int load_uids(struct store *s, int64_t folder, uint32_t uidvalidity,
                     struct uids *u, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_KNOWN_UIDS, e,
	                V(vi(folder), vi(uidvalidity))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(&u->v, &u->cap, u->n, sizeof(*u->v), e))
			return -1;
		u->v[u->n++] = (uint64_t)column_int(q.st, 0);
	}
	return rc;
}

int store_known_uids(struct store *s, int64_t source_folder,
                     uint32_t uidvalidity, uint64_t **out, size_t *n,
                     struct err *e)
{
	struct uids u = { 0 };
	int rc = load_uids(s, source_folder, uidvalidity, &u, e);

	if (rc) {
		free(u.v);
		u = (struct uids){ 0 };
	}
	*out = u.v;
	*n = u.n;
	return rc;
}

/* --- New rows --- */

static int folder_mailbox(struct store *s, int64_t folder, int64_t *mailbox,
                          struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_SOURCE_ONE, e, V(vi(folder))))
		return -1;
	rc = query_next(&q, e);
	if (rc == 0)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_STORE,
		               "The job store has no such folder.",
		               "source folder %lld", (long long)folder);
	if (rc > 0)
		*mailbox = column_int(q.st, 0);
	return rc < 0 ? -1 : 0;
}

static int find_place(struct store *s, int64_t folder, uint32_t uidvalidity,
                      struct message *m, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };

	if (query_begin(&q, s, ST_PLACE, e,
	                V(vi(folder), vi(uidvalidity), vi((int64_t)m->uid),
	                  vt(m->key))))
		return -1;
	if (query_next(&q, e) < 0)
		return -1;
	m->row = column_int(q.st, 0);
	return 0;
}

static int add_one(struct store *s, int64_t mailbox, int64_t folder,
                   uint32_t uidvalidity, struct message *m, struct err *e)
{
	const struct mail_date *d = &m->date;
	const char *why = m->why.text[0] ? m->why.text : NULL;

	if (db_run(s, ST_ADD, e,
	           V(vi(mailbox), vi(folder), vi(uidvalidity),
	             vi((int64_t)m->uid), vt(m->key), vi(m->state),
	             vi(size_of(m)), d->known ? vi(d->sec) : vt(NULL),
	             vi(d->zone_min), vi(m->flags), vt(words_of(m->keywords)),
	             vt(m->state == MSG_LEFT_OUT ? why : NULL))))
		return -1;
	if (db_changes(s) == 0)
		return find_place(s, folder, uidvalidity, m, e);
	m->row = sqlite3_last_insert_rowid(s->writer.db);
	return 0;
}

static int add_all(struct store *s, int64_t folder, uint32_t uidvalidity,
                   struct message *v, size_t n, struct err *e)
{
	int64_t mailbox = 0;

	if (folder_mailbox(s, folder, &mailbox, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_one(s, mailbox, folder, uidvalidity, &v[i], e))
			return -1;
	return 0;
}

int store_messages_add(struct store *s, int64_t source_folder,
                       uint32_t uidvalidity, struct message *v, size_t n,
                       struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, add_all(s, source_folder, uidvalidity, v, n, e), e);
}

static int put_flags(struct store *s, int64_t folder, uint32_t uidvalidity,
                     const struct message *m, struct err *e)
{
	return db_run(s, ST_FLAGS_BY_PLACE, e,
	              V(vi(folder), vi(uidvalidity), vi((int64_t)m->uid),
	                vi(m->flags), vt(words_of(m->keywords)), vt(m->key)));
}

int store_source_flags(struct store *s, int64_t source_folder,
                       uint32_t uidvalidity, const struct message *m,
                       struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, put_flags(s, source_folder, uidvalidity, m, e), e);
}

/* --- Vanished --- */

static int gone_by_uid(struct store *s, int64_t folder, uint32_t uidvalidity,
                       const uint64_t *now, size_t n, struct uids *gone,
                       struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	size_t i = 0;
	int rc;

	if (query_begin(&q, s, ST_STANDING_UIDS, e,
	                V(vi(folder), vi(uidvalidity))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		uint64_t uid = (uint64_t)column_int(q.st, 0);

		while (i < n && now[i] < uid)
			i++;
		if (i < n && now[i] == uid)
			continue;
		if (grow(&gone->v, &gone->cap, gone->n, sizeof(*gone->v), e))
			return -1;
		gone->v[gone->n++] = (uint64_t)column_int(q.st, 1);
	}
	return rc;
}

static int vanish(struct store *s, const struct uids *gone, uint64_t *vanished,
                  struct err *e)
{
	for (size_t i = 0; i < gone->n; i++)
		if (db_run(s, ST_VANISH, e, V(vi((int64_t)gone->v[i]))))
			return -1;
	*vanished = gone->n;
	return 0;
}

static int vanish_others(struct store *s, int64_t folder, uint32_t uidvalidity,
                         uint64_t *vanished, struct err *e)
{
	if (db_run(s, ST_VANISH_OTHERS, e, V(vi(folder), vi(uidvalidity))))
		return -1;
	*vanished += (uint64_t)db_changes(s);
	return 0;
}

int store_vanished(struct store *s, int64_t source_folder, uint32_t uidvalidity,
                   const uint64_t *now, size_t n, uint64_t *vanished,
                   struct err *e)
{
	struct uids gone = { 0 };
	uint64_t count = 0;
	int rc;

	if (write_begin(s, e))
		return -1;
	rc = gone_by_uid(s, source_folder, uidvalidity, now, n, &gone, e) ||
	     vanish(s, &gone, &count, e) ||
	     vanish_others(s, source_folder, uidvalidity, &count, e);
	free(gone.v);
	if (vanished)
		*vanished = count;
	return write_end(s, rc ? -1 : 0, e);
}

static int parts_again(struct store *s, int64_t source_folder, uint64_t *n,
                       struct err *e)
{
	if (db_run(s, ST_PARTS_AGAIN, e, V(vi(source_folder))))
		return -1;
	*n = (uint64_t)db_changes(s);
	return 0;
}

int store_parts_again(struct store *s, int64_t source_folder, uint64_t *n,
                      struct err *e)
{
	_Static_assert(FINGERPRINT_IN_PART == 4, "statements.c has it");

	*n = 0;
	if (write_begin(s, e))
		return -1;
	return write_end(s, parts_again(s, source_folder, n, e), e);
}

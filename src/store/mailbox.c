/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.c - mailboxes, their passes and how far they are.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "mailhaul/account.h"
#include "store/db.h"

void mailbox_release(struct mailbox *m)
{
	free(m->name);
	free(m->from);
	free(m->to);
	free(m->to_key);
	free(m->options);
	free(m->last_text);
	*m = (struct mailbox){ 0 };
}

void mailboxes_free(struct mailbox **v, size_t n)
{
	for (size_t i = 0; *v && i < n; i++)
		mailbox_release(&(*v)[i]);
	free(*v);
	*v = NULL;
}

/* --- Adding --- */

/* 1: the name is in the store. */
static int name_taken(struct store *s, const char *name, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };

	if (query_begin(&q, s, ST_MAILBOX_NAMED, e, V(vt(name))))
		return -1;
	return query_next(&q, e);
}

static char *base_name(const struct mailbox *m)
{
	struct account a = { 0 };
	char *name = NULL;

	if (account_parse(&a, m->from, true, NULL) == 0)
		name = account_name(&a);
	account_release(&a);
	return name ? name : strdup("mailbox");
}

static int make_name(struct store *s, struct mailbox *m, struct err *e)
{
	CLEANUP(free_p) char *base = base_name(m);
	int taken;

	if (!base)
		return err_memory(e);
	for (unsigned i = 1;; i++) {
		struct buf name = BUF_INIT(0);

		if (i == 1 ? buf_str(&name, base)
		           : buf_fmt(&name, "%s-%u", base, i)) {
			buf_release(&name);
			return err_memory(e);
		}
		taken = name_taken(s, name.p, e);
		if (taken == 0)
			m->name = buf_take(&name);
		buf_release(&name);
		if (taken <= 0)
			return taken;
	}
}

static int insert(struct store *s, struct mailbox *m, struct err *e)
{
	bool unique;

	if (db_try(s, ST_MAILBOX_ADD, &unique, e,
	           V(vt(m->name), vt(m->from), vt(m->to), vt(m->to_key),
	             vt(m->options))))
		return -1;
	if (unique)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
		                "There is a mailbox named '%s' in the job "
		                "store already. Give this one another name.",
		                m->name);
	m->id = sqlite3_last_insert_rowid(s->writer.db);
	return 0;
}

/* Given names first, so that a made one takes none of those. */
static int add_all(struct store *s, struct mailbox *v, size_t n, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		v[i].id = 0;
	for (size_t i = 0; i < n; i++)
		if (v[i].name && insert(s, &v[i], e))
			return -1;
	for (size_t i = 0; i < n; i++) {
		if (v[i].id)
			continue;
		if (make_name(s, &v[i], e) || insert(s, &v[i], e))
			return -1;
	}
	return 0;
}

int store_mailbox_add(struct store *s, struct mailbox *v, size_t n,
                      struct err *e)
{
	int rc;

	if (write_begin(s, e))
		return -1;
	if (db_run(s, ST_SAVE, e, V_NONE))
		return write_end(s, -1, e);
	rc = add_all(s, v, n, e);
	if (rc)
		db_run(s, ST_SAVE_UNDO, NULL, V_NONE);
	return write_end(s, rc, e);
}

/* --- Finding --- */

static int load(sqlite3_stmt *st, struct mailbox *m)
{
	m->id = column_int(st, 0);
	m->pass = (int)column_int(st, 6);
	m->last_exit = (int)column_int(st, 7);
	m->started = column_int(st, 9);
	m->ended = column_int(st, 10);
	return column_text(st, 1, &m->name) || column_text(st, 2, &m->from) ||
	       column_text(st, 3, &m->to) || column_text(st, 4, &m->to_key) ||
	       column_text(st, 5, &m->options) ||
	       column_text(st, 8, &m->last_text);
}

struct found {
	struct mailbox *v;
	size_t n, cap;
};

static int load_all(struct store *s, struct found *f, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_MAILBOX_ALL, e, V_NONE))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(&f->v, &f->cap, f->n, sizeof(*f->v), e))
			return -1;
		f->v[f->n] = (struct mailbox){ 0 };
		if (load(q.st, &f->v[f->n++]))
			return err_memory(e);
	}
	return rc;
}

static bool matches(const char *pattern, const char *name)
{
	return strcmp(pattern, name) == 0 || fnmatch(pattern, name, 0) == 0;
}

static int check_pattern(const char *pattern, const struct found *f,
                         struct err *e)
{
	for (size_t i = 0; i < f->n; i++)
		if (matches(pattern, f->v[i].name))
			return 0;
	return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
	                "No mailbox in the job store is named '%s'. "
	                "'mailhaul status' shows their names.",
	                pattern);
}

static bool wanted(const char *const *patterns, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (matches(patterns[i], name))
			return true;
	return n == 0;
}

static void keep_wanted(struct found *f, const char *const *patterns, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->n; i++) {
		if (wanted(patterns, n, f->v[i].name))
			f->v[kept++] = f->v[i];
		else
			mailbox_release(&f->v[i]);
	}
	f->n = kept;
}

int store_mailboxes(struct store *s, const char *const *patterns, size_t n,
                    struct mailbox **out, size_t *out_n, struct err *e)
{
	struct found f = { 0 };
	int rc = load_all(s, &f, e);

	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = check_pattern(patterns[i], &f, e);
	if (rc) {
		mailboxes_free(&f.v, f.n);
		f.n = 0;
	}
	keep_wanted(&f, patterns, n);
	*out = f.v;
	*out_n = f.n;
	return rc;
}

int store_mailbox_find(struct store *s, const char *from, const char *to_key,
                       int64_t *id, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	*id = 0;
	if (query_begin(&q, s, ST_MAILBOX_FIND, e, V(vt(from), vt(to_key))))
		return -1;
	rc = query_next(&q, e);
	if (rc > 0)
		*id = column_int(q.st, 0);
	return rc < 0 ? -1 : 0;
}

/* --- Life --- */

int store_mailbox_options(struct store *s, int64_t id, const char *json,
                          struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(
	        s, db_run_met(s, ST_MAILBOX_OPTIONS, e, V(vi(id), vt(json))),
	        e);
}

int store_mailbox_started(struct store *s, int64_t id, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s,
	                 db_run_met(s, ST_MAILBOX_STARTED, e,
	                            V(vi(id), vi(now_seconds()))),
	                 e);
}

int store_mailbox_ended(struct store *s, int64_t id, int exit_code,
                        bool finished, const char *text, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s,
	                 db_run_met(s, ST_MAILBOX_ENDED, e,
	                            V(vi(id), vi(exit_code), vi(finished),
	                              vt(text), vi(now_seconds()))),
	                 e);
}

/* --- Progress --- */

static uint64_t *counter(struct progress *p, enum msg_state state)
{
	switch (state) {
	case MSG_MOVED:
		return &p->moved;
	case MSG_ADOPTED:
		return &p->adopted;
	case MSG_LEFT_OUT:
		return &p->left_out;
	case MSG_PROBLEM:
		return &p->problems;
	case MSG_IGNORED:
		return &p->ignored;
	case MSG_GONE_DEST:
		return &p->gone;
	default:
		return &p->left;
	}
}

/* Messages that left the source before they were copied are no part of the
 * whole: there is nothing to move. */
static void count_state(struct progress *p, enum msg_state state,
                        uint64_t messages, uint64_t bytes)
{
	uint64_t *n = counter(p, state);

	if (state == MSG_GONE_SOURCE)
		return;
	*n += messages;
	if (state == MSG_HOLE)
		p->holes += messages;
	if (n != &p->left)
		p->bytes_settled += bytes;
	p->listed += messages;
	p->bytes_listed += bytes;
}

static int listing(struct store *s, int64_t mailbox, bool *out, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };

	if (query_begin(&q, s, ST_LISTING, e, V(vi(mailbox))) ||
	    query_next(&q, e) < 0)
		return -1;
	*out = column_int(q.st, 0) != 0;
	return 0;
}

int store_progress(struct store *s, int64_t mailbox, struct progress *out,
                   struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	struct progress p = { 0 };
	int rc;

	if (listing(s, mailbox, &p.listing, e))
		return -1;
	if (query_begin(&q, s, ST_PROGRESS, e, V(vi(mailbox))))
		return -1;
	while ((rc = query_next(&q, e)) > 0)
		count_state(&p, (enum msg_state)column_int(q.st, 0),
		            (uint64_t)column_int(q.st, 1),
		            (uint64_t)column_int(q.st, 2));
	if (rc == 0)
		*out = p;
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_fixture.h - a store in a directory of its own, with one mailbox
 * that has a folder at each end; for the tests of src/store.
 */
#ifndef MAILHAUL_TEST_STORE_FIXTURE_H
#define MAILHAUL_TEST_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "mailhaul/store.h"

struct fixture {
	char dir[64];
	char path[96];
	struct store *s;
	int64_t mailbox, source, dest;
	struct err e;
};

#define UIDVALIDITY 5u
#define DEST_UIDVALIDITY 7u

#define OK(f, call)                                                 \
	do {                                                        \
		if ((call) != 0)                                    \
			fail_msg("%s: %s (%s)", #call, (f)->e.text, \
			         (f)->e.detail);                    \
	} while (0)

static inline void fixture_remove(struct fixture *f)
{
	static const char *const tails[] = { "", "-wal", "-shm", ".lock" };

	for (size_t i = 0; i < 4; i++) {
		char name[128];

		snprintf(name, sizeof(name), "%s%s", f->path, tails[i]);
		unlink(name);
	}
	rmdir(f->dir);
}

static inline int64_t fixture_mailbox(struct fixture *f, const char *name,
                                      const char *to_key)
{
	char n[32], from[] = "imaps://a@s", to[] = "imaps://b@d";
	char key[32], options[] = "{}";
	struct mailbox m = { .name = n,
		             .from = from,
		             .to = to,
		             .to_key = key,
		             .options = options };

	snprintf(n, sizeof(n), "%s", name);
	snprintf(key, sizeof(key), "%s", to_key);
	OK(f, store_mailbox_add(f->s, &m, 1, &f->e));
	return m.id;
}

static inline int64_t fixture_source(struct fixture *f, int64_t mailbox,
                                     const char *raw, int64_t dest)
{
	char name[32];
	struct folder sf = { .raw = name, .path = name, .delim = '/' };

	snprintf(name, sizeof(name), "%s", raw);
	OK(f, store_source_folder_put(f->s, mailbox, &sf, dest, NULL, &f->e));
	return sf.id;
}

static inline int64_t fixture_dest(struct fixture *f, const char *to_key,
                                   const char *raw)
{
	char name[32];
	struct folder df = { .raw = name,
		             .path = name,
		             .uidvalidity = DEST_UIDVALIDITY };
	bool changed;

	snprintf(name, sizeof(name), "%s", raw);
	OK(f, store_dest_folder_put(f->s, to_key, &df, &changed, &f->e));
	return df.id;
}

static inline int fixture_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->dir, sizeof(f->dir), "/tmp/mailhaul-store-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->dir);
	if (store_open(&f->s, f->path, true, &f->e))
		return -1;
	f->mailbox = fixture_mailbox(f, "anna", "dest-anna");
	f->dest = fixture_dest(f, "dest-anna", "INBOX");
	f->source = fixture_source(f, f->mailbox, "INBOX", f->dest);
	*state = f;
	return 0;
}

static inline int fixture_down(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	fixture_remove(f);
	free(f);
	return 0;
}

static inline void fixture_reopen(struct fixture *f)
{
	store_close(&f->s);
	OK(f, store_open(&f->s, f->path, false, &f->e));
}

/* Adds a pending message; its row. */
static inline int64_t fixture_add(struct fixture *f, uint64_t uid,
                                  uint64_t size)
{
	struct message m = { .uid = uid, .size = size, .flags = MAIL_SEEN };

	OK(f, store_messages_add(f->s, f->source, UIDVALIDITY, &m, 1, &f->e));
	assert_true(m.row > 0);
	return m.row;
}

/* As if fetched: octets known by one number. */
static inline void fixture_fetched(struct message *m, unsigned octets)
{
	m->fetched = true;
	memset(m->sha256, (int)octets, sizeof(m->sha256));
	m->fp = (struct fingerprint){ .version = 1,
		                      .message_id = 1000 + octets,
		                      .date = 1,
		                      .from = 2,
		                      .subject = 3,
		                      .text = 2000 + octets };
}

static inline void fixture_intend(struct fixture *f, int64_t row,
                                  unsigned octets)
{
	struct message m = { .row = row, .set_flags = MAIL_SEEN };
	struct batch b = { .dest_folder = f->dest, .v = &m, .n = 1 };

	fixture_fetched(&m, octets);
	OK(f, store_intend(f->s, &b, DEST_UIDVALIDITY, 100, &f->e));
}

static inline bool fixture_settle(struct fixture *f, int64_t row,
                                  enum msg_state state, uint32_t dest_uid)
{
	struct message m = { .row = row,
		             .dest_uid = dest_uid,
		             .dest_uidvalidity = DEST_UIDVALIDITY };
	bool clash = false;

	OK(f, store_settle(f->s, &m, state, f->dest, &clash, &f->e));
	return clash;
}

/* A message that was copied whole. */
static inline int64_t fixture_moved(struct fixture *f, uint64_t uid,
                                    unsigned octets, uint32_t dest_uid)
{
	int64_t row = fixture_add(f, uid, 10);

	fixture_intend(f, row, octets);
	assert_false(fixture_settle(f, row, MSG_MOVED, dest_uid));
	return row;
}

struct fixture_row {
	struct row r; /* plain members only are valid */
	char *note, *dest_name, *keywords, *set_keywords, *repair_note;
	unsigned seen;
	int64_t want;
};

static inline int fixture_row_seen(struct row *r, void *arg)
{
	struct fixture_row *to = arg;

	if (r->m.row != to->want)
		return 0;
	to->seen++;
	to->r = *r;
	to->note = r->note ? strdup(r->note) : NULL;
	to->dest_name = r->m.dest_name ? strdup(r->m.dest_name) : NULL;
	to->keywords = r->m.keywords ? strdup(r->m.keywords) : NULL;
	to->set_keywords = r->m.set_keywords ? strdup(r->m.set_keywords) : NULL;
	to->repair_note = r->m.repair_note ? strdup(r->m.repair_note) : NULL;
	return 0;
}

static inline bool fixture_find(struct fixture *f, int64_t row,
                                struct fixture_row *out)
{
	struct row_where w = { .after_row = row - 1, .limit = 1 };

	memset(out, 0, sizeof(*out));
	out->want = row;
	OK(f, store_rows(f->s, &w, fixture_row_seen, out, &f->e));
	return out->seen == 1;
}

static inline void fixture_row_free(struct fixture_row *r)
{
	free(r->note);
	free(r->dest_name);
	free(r->keywords);
	free(r->set_keywords);
	free(r->repair_note);
}

static inline enum msg_state fixture_state(struct fixture *f, int64_t row)
{
	struct fixture_row r;

	assert_true(fixture_find(f, row, &r));
	fixture_row_free(&r);
	return r.r.m.state;
}

/* SQL from outside, as another program would. */
static inline void fixture_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static inline int64_t fixture_number(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

#define STORE_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, fixture_up, fixture_down)

#endif

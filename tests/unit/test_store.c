/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, refusing, transactions, and what is left after a crash, a full
 * disk and a busy neighbour.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include "store/schema.h"
#include "store_fixture.h"

static uint64_t count(struct fixture *f, unsigned states)
{
	struct row_where w = { .mailbox = f->mailbox, .states = states };
	uint64_t n = 0;

	OK(f, store_count(f->s, &w, &n, &f->e));
	return n;
}

static int open_code(struct fixture *f)
{
	struct store *s = NULL;

	err_clear(&f->e);
	if (store_open(&s, f->path, false, &f->e) == 0) {
		store_close(&s);
		return EC_NONE;
	}
	assert_null(s);
	assert_int_equal(f->e.reach, ERR_RUN);
	assert_true(f->e.text[0] != '\0');
	return f->e.code;
}

static void write_file(const char *path, const char *text, off_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at),
	                 (ssize_t)strlen(text));
	close(fd);
}

/* --- Opening --- */

static void made_for_owner_only(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char wal[128];

	fixture_add(f, 1, 1);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void marked_as_ours(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(fixture_number(f->path, "PRAGMA application_id"),
	                 STORE_APPLICATION_ID);
	assert_int_equal(fixture_number(f->path, "PRAGMA user_version"),
	                 schema_version());
	assert_int_equal(
	        fixture_number(f->path,
	                       "SELECT count(*) FROM pragma_foreign_key_check"),
	        0);
}

static void missing_is_not_made_unasked(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	unlink(f->path);
	assert_int_equal(open_code(f), EC_STORE);
	assert_int_equal(access(f->path, F_OK), -1);
}

static void missing_folder(void **state)
{
	struct fixture *f = *state;
	struct store *s;

	assert_int_equal(
	        store_open(&s, "/tmp/no/such/folder/x.db", true, &f->e), -1);
	assert_int_equal(f->e.code, EC_STORE);
	assert_int_equal(store_open(&s, "/tmp", true, &f->e), -1);
	assert_int_equal(f->e.code, EC_STORE_FOREIGN);
}

static void empty_file_is_new(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	unlink(f->path);
	write_file(f->path, "", 0);
	assert_int_equal(open_code(f), EC_NONE);
	assert_int_equal(fixture_number(f->path, "PRAGMA user_version"),
	                 schema_version());
}

/* The sentence names the file. */
static bool named(const struct fixture *f)
{
	return strstr(f->e.text, strrchr(f->path, '/')) != NULL;
}

static void text_file_is_foreign(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	unlink(f->path);
	write_file(f->path, "Dear diary,\n", 0);
	assert_int_equal(open_code(f), EC_STORE_FOREIGN);
	assert_true(named(f));
}

static void other_database_is_foreign(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	unlink(f->path);
	fixture_sql(f->path, "CREATE TABLE recipes(name TEXT)");
	assert_int_equal(open_code(f), EC_STORE_FOREIGN);
	assert_true(named(f));
	assert_int_equal(
	        fixture_number(f->path, "SELECT count(*) FROM sqlite_schema"),
	        1);
}

static void newer_is_refused(void **state)
{
	struct fixture *f = *state;

	store_close(&f->s);
	fixture_sql(f->path, "PRAGMA user_version=9999");
	assert_int_equal(open_code(f), EC_STORE_NEWER);
}

static void damaged_is_refused_and_kept(void **state)
{
	struct fixture *f = *state;
	struct stat before, after;

	for (uint64_t uid = 1; uid < 500; uid++)
		fixture_add(f, uid, 1);
	store_close(&f->s);
	/* The head of every page but the first. */
	assert_int_equal(stat(f->path, &before), 0);
	for (off_t at = 4096; at < before.st_size; at += 4096)
		write_file(f->path, "\xff\xff\xff\xff\xff\xff\xff\xff", at);
	assert_int_equal(open_code(f), EC_STORE_DAMAGED);
	assert_non_null(strstr(f->e.text, "recognised"));
	assert_int_equal(stat(f->path, &after), 0);
	assert_int_equal(before.st_size, after.st_size);
}

static void truncated_is_damaged(void **state)
{
	struct fixture *f = *state;

	for (uint64_t uid = 1; uid < 500; uid++)
		fixture_add(f, uid, 1);
	store_close(&f->s);
	assert_int_equal(truncate(f->path, 8192), 0);
	assert_int_equal(open_code(f), EC_STORE_DAMAGED);
}

static void damage_in_large_store(void **state)
{
	struct fixture *f = *state;
	int64_t page;
	off_t at;

	store_close(&f->s);
	page = fixture_number(f->path, "SELECT rootpage FROM sqlite_schema"
	                               " WHERE name='mailbox'");
	at = (off_t)(page - 1) * 4096;
	write_file(f->path, "\xff\xff\xff\xff\xff\xff\xff\xff", at);
	setenv("MAILHAUL_TEST_STORE_CHECK_MB", "0", 1);
	assert_int_equal(open_code(f), EC_STORE_DAMAGED);
	unsetenv("MAILHAUL_TEST_STORE_CHECK_MB");
}

static int wait_child(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* As somebody who is not root. */
static void read_only_child(struct fixture *f)
{
	struct store *s;

	if (geteuid() == 0 && setuid(65534))
		_exit(1);
	if (store_open(&s, f->path, false, &f->e) == 0)
		_exit(2);
	_exit(f->e.code == EC_STORE && strstr(f->e.text, "writable") ? 40 : 3);
}

static void read_only_is_told(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	store_close(&f->s);
	assert_int_equal(chmod(f->path, 0444), 0);
	assert_int_equal(chmod(f->dir, 0555), 0);
	pid = fork();
	if (pid == 0)
		read_only_child(f);
	assert_int_equal(wait_child(pid), 40);
	assert_int_equal(chmod(f->dir, 0755), 0);
}

static void network_disks(void **state)
{
	(void)state;
	assert_string_equal(network_fs(0x6969), "NFS");
	assert_string_equal(network_fs(0x517B), "SMB");
	assert_string_equal(network_fs((long)0xFF534D42L), "SMB");
	assert_string_equal(network_fs((int)0xFE534D42), "SMB");
	assert_string_equal(network_fs(0x5346414F), "AFS");
	assert_string_equal(network_fs(0x73757245), "Coda");
	assert_null(network_fs(0xEF53));     /* ext4 */
	assert_null(network_fs(0x01021994)); /* tmpfs */
	assert_null(network_fs(0x01021997)); /* 9p */
}

/* --- Schema --- */

static void every_statement_prepares(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < ST_COUNT; i++) {
		sqlite3_stmt *st = NULL;
		int rc;

		assert_non_null(statements[i]);
		rc = sqlite3_prepare_v2(f->s->writer.db, statements[i], -1, &st,
		                        NULL);
		if (rc != SQLITE_OK)
			fail_msg("%s: %s", statements[i],
			         sqlite3_errmsg(f->s->writer.db));
		sqlite3_finalize(st);
	}
}

static void states_are_named_alike(void **state)
{
	struct fixture *f = *state;
	char sql[128];

	for (int i = 0; i < MSG_STATE_COUNT; i++) {
		snprintf(sql, sizeof(sql),
		         "SELECT count(*) FROM state WHERE id=%d AND name='%s'",
		         i, msg_state_name((enum msg_state)i));
		assert_int_equal(fixture_number(f->path, sql), 1);
	}
	assert_int_equal(fixture_number(f->path, "SELECT count(*) FROM state"),
	                 MSG_STATE_COUNT);
}

static const struct upgrade two_upgrades[] = {
	{ .version = 101, .sql = "CREATE TABLE extra(n INTEGER) STRICT" },
	{ .version = 102, .sql = "INSERT INTO extra VALUES(1)" },
};
static const struct upgrade bad_upgrades[] = {
	{ .version = 101, .sql = "CREATE TABLE extra(n INTEGER) STRICT" },
	{ .version = 102, .sql = "INSERT INTO nowhere VALUES(1)" },
};

static void upgrades_once_and_in_order(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = f->s->writer.db;

	OK(f, schema_upgrade(db, two_upgrades, 1, &f->e));
	OK(f, schema_upgrade(db, two_upgrades, 2, &f->e));
	OK(f, schema_upgrade(db, two_upgrades, 2, &f->e));
	assert_int_equal(fixture_number(f->path, "SELECT count(*) FROM extra"),
	                 1);
	assert_int_equal(fixture_number(f->path, "PRAGMA user_version"), 102);
}

static void failed_upgrade_leaves_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
	        schema_upgrade(f->s->writer.db, bad_upgrades, 2, &f->e), -1);
	assert_int_equal(fixture_number(f->path, "PRAGMA user_version"),
	                 schema_version());
	assert_int_equal(fixture_number(f->path,
	                                "SELECT count(*) FROM sqlite_schema"
	                                " WHERE name='extra'"),
	                 0);
	fixture_add(f, 1, 1);
}

static void views_speak_names(void **state)
{
	struct fixture *f = *state;

	fixture_moved(f, 4, 1, 9);
	assert_int_equal(
	        fixture_number(f->path,
	                       "SELECT count(*) FROM messages WHERE"
	                       " mailbox='anna' AND folder='INBOX' AND"
	                       " state='moved' AND dest_folder='INBOX' AND"
	                       " dest_uid=9 AND flags='\\Seen'"),
	        1);
	assert_int_equal(fixture_number(f->path, "SELECT messages FROM progress"
	                                         " WHERE state='moved'"),
	                 1);
}

/* --- Transactions --- */

static void rollback_takes_all_back(void **state)
{
	struct fixture *f = *state;

	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 1, 1);
	fixture_add(f, 2, 1);
	store_rollback(f->s);
	assert_int_equal(count(f, 0), 0);
}

static void inner_rollback_spoils_the_whole(void **state)
{
	struct fixture *f = *state;

	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 1, 1);
	OK(f, store_begin(f->s, &f->e));
	store_rollback(f->s);
	assert_int_equal(store_commit(f->s, &f->e), -1);
	assert_int_equal(count(f, 0), 0);
	fixture_add(f, 1, 1);
	assert_int_equal(count(f, 0), 1);
}

static void commit_without_begin(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(store_commit(f->s, &f->e), -1);
	assert_int_equal(f->e.code, EC_STORE);
	store_rollback(f->s);
	fixture_add(f, 1, 1);
}

static void *count_elsewhere(void *arg)
{
	struct fixture *f = arg;
	struct row_where w = { .mailbox = f->mailbox };
	uint64_t n = 99;
	struct err e;

	store_count(f->s, &w, &n, &e);
	return (void *)(uintptr_t)n;
}

static void others_see_committed_state(void **state)
{
	struct fixture *f = *state;
	pthread_t t;
	void *seen;

	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 1, 1);
	assert_int_equal(count(f, 0), 1);
	pthread_create(&t, NULL, count_elsewhere, f);
	pthread_join(t, &seen);
	assert_int_equal((uintptr_t)seen, 0);
	OK(f, store_commit(f->s, &f->e));
	pthread_create(&t, NULL, count_elsewhere, f);
	pthread_join(t, &seen);
	assert_int_equal((uintptr_t)seen, 1);
}

static void *add_many(void *arg)
{
	struct fixture *f = ((void **)arg)[0];
	uint64_t from = (uintptr_t)((void **)arg)[1];
	struct err e;

	for (uint64_t i = 0; i < 50; i++) {
		struct message m = { .uid = from + i };

		if (store_messages_add(f->s, f->source, UIDVALIDITY, &m, 1, &e))
			return arg;
	}
	return NULL;
}

static void threads_take_turns(void **state)
{
	struct fixture *f = *state;
	pthread_t t[3];
	void *arg[3][2], *bad;

	for (uintptr_t i = 0; i < 3; i++) {
		arg[i][0] = f;
		arg[i][1] = (void *)(1 + i * 1000);
		pthread_create(&t[i], NULL, add_many, arg[i]);
	}
	for (int i = 0; i < 3; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(count(f, 0), 150);
}

/* --- Neighbours, crashes, full disks --- */

static void busy_is_waited_for_then_told(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = NULL;
	struct message m = { .uid = 1 };

	setenv("MAILHAUL_TEST_STORE_WAIT_MS", "20", 1);
	fixture_reopen(f);
	unsetenv("MAILHAUL_TEST_STORE_WAIT_MS");
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", 0, 0, 0), 0);
	assert_int_equal(store_messages_add(f->s, f->source, 1, &m, 1, &f->e),
	                 -1);
	assert_int_equal(f->e.code, EC_STORE);
	assert_int_equal(f->e.next, NEXT_RETRY);
	assert_int_equal(count(f, 0), 0);
	sqlite3_exec(db, "ROLLBACK", 0, 0, 0);
	sqlite3_close(db);
	fixture_add(f, 1, 1);
}

static void intend_all(struct fixture *f, uint64_t from, uint64_t to)
{
	struct batch *b = batch_new();
	uint64_t cursor = from;

	OK(f, store_claim(f->s, f->source, true, false, &cursor,
	                  (size_t)(to - from), UINT64_MAX, b, &f->e));
	assert_int_equal(b->n, to - from);
	b->dest_folder = f->dest;
	OK(f, store_intend(f->s, b, DEST_UIDVALIDITY, 1, &f->e));
	batch_free(&b);
}

/* Dies after one committed intent, in the middle of a second. */
static void crash_child(struct fixture *f)
{
	if (store_open(&f->s, f->path, false, &f->e))
		_exit(1);
	intend_all(f, 1, 11);
	if (store_begin(f->s, &f->e))
		_exit(2);
	intend_all(f, 11, 21);
	_exit(86);
}

static void crash_keeps_what_was_committed(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	for (uint64_t uid = 1; uid <= 40; uid++)
		fixture_add(f, uid, 1);
	store_close(&f->s);
	pid = fork();
	if (pid == 0)
		crash_child(f);
	assert_int_equal(wait_child(pid), 86);
	OK(f, store_open(&f->s, f->path, false, &f->e));
	assert_int_equal(count(f, 1u << MSG_SENDING), 10);
	assert_int_equal(count(f, 1u << MSG_PENDING), 30);
	assert_int_equal(fixture_number(f->path, "SELECT max(uid) FROM message"
	                                         " WHERE state=1"),
	                 10);
}

static int fill_until_refused(struct fixture *f, uint64_t *added)
{
	struct message v[50];

	for (uint64_t uid = 1; uid < 100000; uid += 50) {
		memset(v, 0, sizeof(v));
		for (size_t i = 0; i < 50; i++)
			v[i].uid = uid + i;
		if (store_messages_add(f->s, f->source, 1, v, 50, &f->e))
			return -1;
		*added += 50;
	}
	return 0;
}

static void full_disk(void **state)
{
	struct fixture *f = *state;
	uint64_t added = 0;

	setenv("MAILHAUL_TEST_STORE_PAGES", "120", 1);
	fixture_reopen(f);
	unsetenv("MAILHAUL_TEST_STORE_PAGES");
	assert_int_equal(fill_until_refused(f, &added), -1);
	assert_int_equal(f->e.code, EC_DISK_FULL);
	assert_non_null(strstr(f->e.text, "Nothing is lost"));
	assert_int_equal(count(f, 0), added);
	/* Room again. */
	fixture_reopen(f);
	assert_int_equal(count(f, 0), added);
	fixture_add(f, 1000000, 1);
}

/* After SQLite ended a transaction by itself, nothing may be committed one
 * by one, and the commit fails. */
static void full_disk_within_transaction(void **state)
{
	struct fixture *f = *state;
	uint64_t added = 0;
	struct message m = { .uid = 7777777 };

	setenv("MAILHAUL_TEST_STORE_PAGES", "120", 1);
	fixture_reopen(f);
	unsetenv("MAILHAUL_TEST_STORE_PAGES");
	OK(f, store_begin(f->s, &f->e));
	assert_int_equal(fill_until_refused(f, &added), -1);
	assert_true(added > 0);
	if (store_messages_add(f->s, f->source, 1, &m, 1, &f->e) == 0 ||
	    store_commit(f->s, &f->e) == 0)
		store_rollback(f->s);
	else
		assert_int_equal(count(f, 0), 0);
	fixture_reopen(f);
	assert_int_equal(fixture_number(f->path, "SELECT count(*) FROM message"
	                                         " WHERE uid=7777777"),
	                 0);
}

/* The limit stands for a disk that refuses the octets themselves. */
static void full_child(struct fixture *f)
{
	struct rlimit r = { 400000, 400000 };
	uint64_t added = 0;

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &r) ||
	    store_open(&f->s, f->path, false, &f->e))
		_exit(1);
	if (fill_until_refused(f, &added) == 0)
		_exit(2);
	_exit(f->e.code == EC_DISK_FULL && added > 0 ? 40 : 3);
}

static void refused_write_is_a_full_disk(void **state)
{
	struct fixture *f = *state;
	pid_t pid;

	store_close(&f->s);
	pid = fork();
	if (pid == 0)
		full_child(f);
	assert_int_equal(wait_child(pid), 40);
	OK(f, store_open(&f->s, f->path, false, &f->e));
	assert_int_equal(count(f, 0) % 50, 0);
	assert_true(count(f, 0) > 0);
	fixture_add(f, 1000000, 1);
}

/* --- The journal's steps --- */

static char steps[64]; /* the file that main() named before all else */

static off_t steps_size(void)
{
	struct stat st;

	return stat(steps, &st) ? 0 : st.st_size;
}

static void each_commit_is_a_step(void **state)
{
	struct fixture *f = *state;
	off_t one = (off_t)strlen("transaction\n");
	off_t before = steps_size();

	fixture_add(f, 1, 1);
	assert_int_equal(steps_size() - before, one);
	fixture_add(f, 1, 1); /* is there: writes nothing */
	assert_int_equal(count(f, 0), 1);
	assert_int_equal(steps_size() - before, one);
	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 2, 1);
	fixture_add(f, 3, 1);
	assert_int_equal(steps_size() - before, one);
	OK(f, store_commit(f->s, &f->e));
	assert_int_equal(steps_size() - before, 2 * one);
	OK(f, store_begin(f->s, &f->e));
	fixture_add(f, 4, 1);
	store_rollback(f->s);
	assert_int_equal(steps_size() - before, 2 * one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(made_for_owner_only),
		STORE_TEST(marked_as_ours),
		STORE_TEST(missing_is_not_made_unasked),
		STORE_TEST(missing_folder),
		STORE_TEST(empty_file_is_new),
		STORE_TEST(text_file_is_foreign),
		STORE_TEST(other_database_is_foreign),
		STORE_TEST(newer_is_refused),
		STORE_TEST(damaged_is_refused_and_kept),
		STORE_TEST(truncated_is_damaged),
		STORE_TEST(damage_in_large_store),
		STORE_TEST(read_only_is_told),
		STORE_TEST(network_disks),
		STORE_TEST(every_statement_prepares),
		STORE_TEST(states_are_named_alike),
		STORE_TEST(upgrades_once_and_in_order),
		STORE_TEST(failed_upgrade_leaves_nothing),
		STORE_TEST(views_speak_names),
		STORE_TEST(rollback_takes_all_back),
		STORE_TEST(inner_rollback_spoils_the_whole),
		STORE_TEST(commit_without_begin),
		STORE_TEST(others_see_committed_state),
		STORE_TEST(threads_take_turns),
		STORE_TEST(busy_is_waited_for_then_told),
		STORE_TEST(crash_keeps_what_was_committed),
		STORE_TEST(full_disk),
		STORE_TEST(full_disk_within_transaction),
		STORE_TEST(refused_write_is_a_full_disk),
		STORE_TEST(each_commit_is_a_step),
	};

	int rc;

	snprintf(steps, sizeof(steps), "/tmp/mailhaul-steps-%ld",
	         (long)getpid());
	setenv("MAILHAUL_TEST_STEPS", steps, 1);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(steps);
	return rc;
}

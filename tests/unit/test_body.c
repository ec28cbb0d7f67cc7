/* SPDX-License-Identifier: Apache-2.0 */
/* test_body.c - octets in memory to the limit, beyond it in a spool file. */
#include "mail_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "mailhaul/body.h"

#define LIMIT 1000

static char pattern(size_t i)
{
	return (char)(i * 7 + i / 251);
}

/* Appends octets of the pattern in steps. */
static void fill(struct body *b, size_t n, size_t step)
{
	char p[4096];
	struct err e;

	while (n > 0) {
		size_t part = n < step ? n : step;

		assert_true(part <= sizeof(p));
		for (size_t i = 0; i < part; i++)
			p[i] = pattern((size_t)b->size + i);
		assert_int_equal(body_append(b, p, part, &e), 0);
		n -= part;
	}
}

/* All octets are there, however they are asked for. */
static void check(const struct body *b, size_t size)
{
	static const size_t steps[] = { 1, 13, 4096 };
	char p[4096];
	struct err e;

	assert_int_equal(b->size, size);
	for (size_t s = 0; s < 3; s++)
		for (size_t at = 0; at < size;) {
			ssize_t n = body_read(b, at, p, steps[s], &e);

			assert_in_range(n, 1, steps[s]);
			for (size_t i = 0; i < (size_t)n; i++)
				assert_int_equal(p[i], pattern(at + i));
			at += (size_t)n;
		}
	assert_int_equal(body_read(b, size, p, 10, &e), 0);
	assert_int_equal(body_read(b, (uint64_t)size + 1, p, 10, &e), 0);
	assert_int_equal(body_read(b, UINT64_MAX, p, 10, &e), 0);
}

static void border_between_memory_and_spool(void **state)
{
	static const size_t sizes[] = { 0,     1,         LIMIT - 1,
		                        LIMIT, LIMIT + 1, 5 * LIMIT };
	static const size_t steps[] = { 1, 7, LIMIT, 4096 };

	for (size_t i = 0; i < 6; i++)
		for (size_t s = 0; s < 4; s++) {
			struct body b;

			body_init(&b, LIMIT, *state);
			fill(&b, sizes[i], steps[s]);
			check(&b, sizes[i]);
			assert_int_equal(b.spool > 0, sizes[i] > LIMIT);
			assert_int_equal(b.mem != NULL,
			                 sizes[i] > 0 && sizes[i] <= LIMIT);
			assert_true(b.cap <= LIMIT);
			body_release(&b);
		}
}

static void no_memory_at_all(void **state)
{
	struct body b;

	body_init(&b, 0, *state);
	fill(&b, 300, 7);
	assert_null(b.mem);
	check(&b, 300);
	body_release(&b);
}

static void what_is_announced_is_prepared(void **state)
{
	struct body b;
	struct err e;

	body_init(&b, LIMIT, *state);
	assert_int_equal(body_expect(&b, LIMIT, &e), 0);
	assert_int_equal(b.spool, 0);
	assert_int_equal(b.cap, LIMIT);
	fill(&b, LIMIT, 10);
	check(&b, LIMIT);
	body_release(&b);
	assert_int_equal(body_expect(&b, LIMIT + 1, &e), 0);
	assert_true(b.spool > 0);
	assert_null(b.mem);
	fill(&b, 10, 10);
	check(&b, 10);
	body_release(&b);
	/* Announcements may be lies in both directions. */
	assert_int_equal(body_expect(&b, 1, &e), 0);
	fill(&b, 3 * LIMIT, 99);
	check(&b, 3 * LIMIT);
	body_release(&b);
	assert_int_equal(body_expect(&b, UINT64_MAX, &e), 0);
	fill(&b, 5, 5);
	check(&b, 5);
	body_release(&b);
}

/* What is in memory when the announcement comes is not lost. */
static void announced_too_late(void **state)
{
	struct body b;
	struct err e;

	body_init(&b, LIMIT, *state);
	fill(&b, 600, 100);
	assert_int_equal(body_expect(&b, 20, &e), 0);
	assert_int_equal(body_expect(&b, 5000, &e), 0);
	assert_int_equal(body_expect(&b, 6000, &e), 0);
	assert_true(b.spool > 0);
	fill(&b, 4400, 100);
	check(&b, 5000);
	body_release(&b);
}

/* Nobody else can find the spool, nor does a killed run leave it. */
static void spool_has_no_name(void **state)
{
	struct body b;
	struct stat st;
	DIR *dir = opendir(*state);
	struct dirent *entry;

	assert_non_null(dir);
	body_init(&b, LIMIT, *state);
	fill(&b, 2 * LIMIT, 100);
	assert_int_equal(fstat(b.spool - 1, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fcntl(b.spool - 1, F_GETFD), FD_CLOEXEC);
	while ((entry = readdir(dir)))
		assert_int_equal(entry->d_name[0], '.');
	closedir(dir);
	body_release(&b);
}

static void released_and_used_again(void **state)
{
	struct body b;
	int fd;

	body_init(&b, LIMIT, *state);
	fill(&b, 2 * LIMIT, 100);
	fd = b.spool - 1;
	body_release(&b);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	assert_int_equal(b.size, 0);
	fill(&b, 10, 3);
	check(&b, 10);
	assert_int_equal(b.spool, 0);
	body_release(&b);
	body_release(&b);
}

static void a_folder_that_is_not_there(void **state)
{
	char *none = in_dir(*state, "none");
	struct body b;
	struct err e = { 0 };

	body_init(&b, LIMIT, none);
	fill(&b, LIMIT, 100);
	assert_int_equal(body_append(&b, "x", 1, &e), -1);
	assert_int_equal(e.code, EC_SPOOL);
	assert_int_equal(e.reach, ERR_RUN);
	assert_non_null(strstr(e.text, "TMPDIR"));
	assert_int_equal(b.spool, 0);
	/* What was there before still is. */
	check(&b, LIMIT);
	body_release(&b);
	free(none);
}

static void spool_goes_where_tmpdir_says(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *had = tmp ? strdup(tmp) : NULL;
	char *none = in_dir(*state, "none");
	struct body b;
	struct err e = { 0 };

	body_init(&b, 0, NULL);
	setenv("TMPDIR", none, 1);
	assert_int_equal(body_append(&b, "x", 1, &e), -1);
	setenv("TMPDIR", *state, 1);
	assert_int_equal(body_append(&b, "x", 1, &e), 0);
	body_release(&b);
	if (had)
		setenv("TMPDIR", had, 1);
	else
		unsetenv("TMPDIR");
	free(had);
	free(none);
}

static struct stat stat_of(const struct body *b)
{
	struct stat st;

	assert_true(b->spool > 0);
	assert_int_equal(fstat(b->spool - 1, &st), 0);
	return st;
}

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* The default folder's: nothing of one message gets into the next, and what
 * is kept open has bounds. */
static void spools_are_used_again(void **state)
{
	enum { MANY = 20, MB = 1 << 20, LARGE = 40 };
	char *p = calloc(1, MB);
	struct body v[MANY];
	struct stat st;
	struct err e;
	ino_t ino;
	size_t before = open_files();

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < MANY; i++) {
		body_init(&v[i], LIMIT, NULL);
		fill(&v[i], 2 * LIMIT + i, 100);
	}
	for (size_t i = 0; i < MANY; i++) {
		check(&v[i], 2 * LIMIT + i);
		body_release(&v[i]);
	}
	assert_in_range(open_files(), before, before + 4);
	for (size_t i = 0; i < LARGE; i++)
		assert_int_equal(body_append(&v[0], p, MB, &e), 0);
	ino = stat_of(&v[0]).st_ino;
	body_release(&v[0]);
	fill(&v[0], 2 * LIMIT, 100);
	check(&v[0], 2 * LIMIT);
	st = stat_of(&v[0]);
	assert_int_equal(st.st_ino, ino);
	assert_int_equal(st.st_size, 32 * MB);
	body_release(&v[0]);
	free(p);
}

/* In a process of its own, which sees a disk of 1 MB: spools that are kept
 * open for later don't fill it. */
static int on_a_small_disk(const char *dir)
{
	static char p[500 << 10];
	struct body a, b;
	struct err e;

	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", dir, "tmpfs", 0, "size=1m") ||
	    setenv("TMPDIR", dir, 1))
		return 2;
	body_init(&a, LIMIT, NULL);
	body_init(&b, LIMIT, NULL);
	if (body_append(&a, p, sizeof(p), &e) ||
	    body_append(&b, p, sizeof(p), &e))
		return 1;
	body_release(&a);
	body_release(&b);
	return body_append(&a, p, sizeof(p), &e) ||
	       body_append(&a, p, sizeof(p) / 2, &e);
}

static void spools_leave_room(void **state)
{
	char dir[] = "/tmp/mailhaul-body-XXXXXX";
	int status = -1;
	pid_t pid;

	(void)state;
	assert_non_null(mkdtemp(dir));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(on_a_small_disk(dir));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(rmdir(dir), 0);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 2)
		skip(); /* no right to mount one */
	assert_int_equal(WEXITSTATUS(status), 0);
}

enum { AS_EXPECTED = 0, NO_LIMIT, WRONG_ERROR, NEVER_FULL };

/* In a process of its own, whose files end at 64 KiB. */
static int fill_the_disk(const char *dir)
{
	const struct rlimit most = { 65536, 65536 };
	char p[1000] = { 0 };
	struct body b;
	struct err e = { 0 };

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &most))
		return NO_LIMIT;
	body_init(&b, LIMIT, dir);
	for (int i = 0; i < 100; i++)
		if (body_append(&b, p, sizeof(p), &e))
			return e.code == EC_DISK_FULL && e.reach == ERR_RUN &&
			                       b.size <= 65536
			               ? AS_EXPECTED
			               : WRONG_ERROR;
	return NEVER_FULL;
}

static void a_full_disk_is_told_as_such(void **state)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(fill_the_disk(*state));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), AS_EXPECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* The first: before spools of another disk are kept. */
		cmocka_unit_test(spools_leave_room),
		cmocka_unit_test(border_between_memory_and_spool),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(what_is_announced_is_prepared),
		cmocka_unit_test(announced_too_late),
		cmocka_unit_test(spool_has_no_name),
		cmocka_unit_test(released_and_used_again),
		cmocka_unit_test(a_folder_that_is_not_there),
		cmocka_unit_test(spool_goes_where_tmpdir_says),
		cmocka_unit_test(spools_are_used_again),
		cmocka_unit_test(a_full_disk_is_told_as_such),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens between runs: whole or not at all, and for their owner only. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "net/oauth_int.h"

#define FOLDER "mailhaul/tokens/contoso.com/app-1"

static char state_home[64];
static const struct oauth_who who = { .login = "https://login.example",
	                              .tenant = "Contoso.com",
	                              .client_id = "app-1" };

static int set_up(void **state)
{
	(void)state;
	snprintf(state_home, sizeof(state_home), "/tmp/mh-cache-XXXXXX");
	assert_non_null(mkdtemp(state_home));
	setenv("XDG_STATE_HOME", state_home, 1);
	setenv("MAILHAUL_KEYRING", "no", 1);
	return 0;
}

static int tear_down(void **state)
{
	char line[128];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf '%s'", state_home);
	return system(line);
}

static char *at(const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/" FOLDER "/%s", state_home, name) > 0);
	return path;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static struct oauth_tokens example(void)
{
	struct oauth_tokens t = { 0 };

	t.account = strdup("ann@contoso.com");
	t.refresh = strdup("refresh-1");
	assert_int_equal(tokens_set(&t, OAUTH_IMAP, "access-1", 100, 3700), 0);
	return t;
}

static void save(const char *name)
{
	struct oauth_tokens t = example();
	struct err e = { 0 };

	if (cache_save(&who, name, &t, &e))
		fail_msg("%s (%s)", e.text, e.detail);
	tokens_release(&t);
}

static void put(const char *name, const char *content, int mode)
{
	char *path = at(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(content, f);
	fclose(f);
	assert_int_equal(chmod(path, (mode_t)mode), 0);
	free(path);
}

static void there_and_back(void **state)
{
	struct oauth_tokens t;
	struct err e;

	(void)state;
	assert_int_equal(cache_load(&who, "ann@contoso.com", &t, &e), 0);
	save("ann@contoso.com");
	assert_int_equal(cache_load(&who, "ANN@contoso.com", &t, &e), 1);
	assert_string_equal(t.account, "ann@contoso.com");
	assert_string_equal(t.refresh, "refresh-1");
	assert_string_equal(t.access[OAUTH_IMAP].token, "access-1");
	assert_int_equal(t.access[OAUTH_IMAP].got, 100);
	assert_int_equal(t.access[OAUTH_IMAP].ends, 3700);
	assert_null(t.access[OAUTH_GRAPH].token);
	tokens_release(&t);
	assert_int_equal(cache_drop(&who, "ann@contoso.com", &e), 0);
	assert_int_equal(cache_load(&who, "ann@contoso.com", &t, &e), 0);
	assert_int_equal(cache_drop(&who, "ann@contoso.com", &e), 0);
}

static void closed_to_others(void **state)
{
	char *file = at("ann@contoso.com.json"), *folder = at("");
	struct oauth_tokens t;
	struct err e;

	(void)state;
	umask(0);
	save("ann@contoso.com");
	assert_int_equal(mode_of(file), 0600);
	assert_int_equal(mode_of(folder), 0700);
	/* What somebody has opened is closed again. */
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(cache_load(&who, "ann@contoso.com", &t, &e), 1);
	tokens_release(&t);
	assert_int_equal(mode_of(file), 0600);
	save("ann@contoso.com");
	assert_int_equal(mode_of(folder), 0700);
	free(file);
	free(folder);
}

static unsigned files(void)
{
	char *folder = at("");
	DIR *d = opendir(folder);
	unsigned n = 0;

	assert_non_null(d);
	for (struct dirent *x; (x = readdir(d)) != NULL;)
		n += x->d_name[0] != '.';
	closedir(d);
	free(folder);
	return n;
}

static void nothing_left_over(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		save("ann@contoso.com");
	assert_int_equal(files(), 1);
}

static void damaged(void **state)
{
	char *aside = at("ann@contoso.com.json.damaged");
	char *file = at("ann@contoso.com.json");
	struct oauth_tokens t;
	struct err e;

	(void)state;
	save("ann@contoso.com");
	put("ann@contoso.com.json", "{\"v\":1,\"refresh_to", 0600);
	assert_int_equal(cache_load(&who, "ann@contoso.com", &t, &e), 0);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(access(file, F_OK), -1);
	save("ann@contoso.com");
	assert_int_equal(cache_load(&who, "ann@contoso.com", &t, &e), 1);
	tokens_release(&t);
	free(aside);
	free(file);
}

/* A token must never go to another service than the one it came from. */
static void of_another(void **state)
{
	struct oauth_who other = who;
	struct oauth_tokens t;
	struct err e;

	(void)state;
	save("app");
	other.login = "https://elsewhere.example";
	assert_int_equal(cache_load(&other, "app", &t, &e), 0);
	assert_int_equal(cache_load(&who, "app", &t, &e), 1);
	tokens_release(&t);
}

static void names_stay_inside(void **state)
{
	static const char *const all[] = { "../../x", "..", ".", "a/b", "" };
	struct oauth_who evil = who;
	char *outside;
	struct err e;

	(void)state;
	evil.tenant = "../..";
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct oauth_tokens t = example(), back;

		evil.client_id = all[i];
		assert_int_equal(cache_save(&evil, all[i], &t, &e), 0);
		assert_int_equal(cache_load(&evil, all[i], &back, &e), 1);
		tokens_release(&back);
		tokens_release(&t);
	}
	assert_true(asprintf(&outside,
	                     "%s/mailhaul/tokens/%%2E.%%2F../a%%2Fb/"
	                     "a%%2Fb.json",
	                     state_home) > 0);
	assert_int_equal(access(outside, F_OK), 0);
	free(outside);
	/* Nothing beside the one folder. */
	DIR *d = opendir(state_home);
	unsigned n = 0;

	for (struct dirent *x; (x = readdir(d)) != NULL;)
		n += x->d_name[0] != '.';
	closedir(d);
	assert_int_equal(n, 1);
}

static void last_one(void **state)
{
	struct err e;
	char *last = cache_last(&who);

	(void)state;
	assert_null(last);
	assert_int_equal(cache_set_last(&who, "admin@contoso.com", &e), 0);
	last = cache_last(&who);
	assert_string_equal(last, "admin@contoso.com");
	free(last);
	assert_int_equal(cache_set_last(&who, NULL, &e), 0);
	assert_null(cache_last(&who));
}

static void one_at_a_time(void **state)
{
	atomic_int cancel = 1;
	int first, second;
	struct err e;

	(void)state;
	assert_int_equal(cache_lock(&who, "app", NULL, &first, &e), 0);
	assert_true(first >= 0);
	assert_int_equal(cache_lock(&who, "app", &cancel, &second, &e), -1);
	assert_int_equal(e.code, EC_INTERRUPTED);
	assert_int_equal(second, -1);
	assert_int_equal(cache_lock(&who, "ann@x", &cancel, &second, &e), 0);
	close(second);
	close(first);
	assert_int_equal(cache_lock(&who, "app", &cancel, &second, &e), 0);
	close(second);
}

static void nowhere(void **state)
{
	struct oauth_tokens t = example();
	struct err e = { 0 };
	int fd;

	(void)state;
	setenv("XDG_STATE_HOME", "/proc/nowhere", 1);
	assert_int_equal(cache_save(&who, "app", &t, &e), -1);
	assert_int_equal(e.code, EC_PERMISSION);
	assert_int_equal(cache_lock(&who, "app", NULL, &fd, &e), 0);
	assert_int_equal(fd, -1);
	tokens_release(&t);
	assert_int_equal(cache_load(&who, "app", &t, &e), 0);
	setenv("XDG_STATE_HOME", state_home, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),    TEST(closed_to_others),
		TEST(nothing_left_over), TEST(damaged),
		TEST(of_another),        TEST(names_stay_inside),
		TEST(last_one),          TEST(one_at_a_time),
		TEST(nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

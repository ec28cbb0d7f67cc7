/* SPDX-License-Identifier: Apache-2.0 */
/* Microsoft's clouds, and the practice tenant in their place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/oauth.h"

static int clean(void **state)
{
	(void)state;
	unsetenv("MAILHAUL_LOGIN_URL");
	unsetenv("MAILHAUL_GRAPH_URL");
	unsetenv("MAILHAUL_M365_IMAP");
	return 0;
}

static void each(void **state)
{
	static const char *const names[] = { "global", "usgov", "dod",
		                             "china" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct cloud c;

		assert_int_equal(cloud_get(&c, names[i], NULL), 0);
		assert_string_equal(c.name, names[i]);
		assert_memory_equal(c.login, "https://login.", 14);
		assert_string_equal(c.graph, c.graph_app);
		assert_memory_equal(c.imap, "imaps://", 8);
		assert_memory_equal(c.outlook, "https://", 8);
		/* Scopes are made of them: no slash at the end. */
		assert_null(strchr(c.graph + 8, '/'));
		assert_null(strchr(c.outlook_app + 8, '/'));
	}
}

static void global_is_the_rule(void **state)
{
	struct cloud c;

	(void)state;
	assert_int_equal(cloud_get(&c, NULL, NULL), 0);
	assert_string_equal(c.name, "global");
	assert_string_equal(c.graph, "https://graph.microsoft.com");
	assert_string_equal(c.outlook, "https://outlook.office.com");
	assert_string_equal(c.outlook_app, "https://outlook.office365.com");
}

static void environment(void **state)
{
	struct cloud c;

	(void)state;
	setenv("MAILHAUL_LOGIN_URL", "https://127.0.0.1:1", 1);
	setenv("MAILHAUL_GRAPH_URL", "https://127.0.0.1:2", 1);
	setenv("MAILHAUL_M365_IMAP", "imaps://127.0.0.1:3", 1);
	assert_int_equal(cloud_get(&c, "usgov", NULL), 0);
	assert_string_equal(c.login, "https://127.0.0.1:1");
	assert_string_equal(c.graph, "https://127.0.0.1:2");
	assert_string_equal(c.imap, "imaps://127.0.0.1:3");
	/* A token is asked for the service that it stands for. */
	assert_string_equal(c.graph_app, "https://graph.microsoft.us");
	setenv("MAILHAUL_LOGIN_URL", "", 1);
	assert_int_equal(cloud_get(&c, "usgov", NULL), 0);
	assert_string_equal(c.login, "https://login.microsoftonline.us");
}

static void unknown(void **state)
{
	struct cloud c;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(cloud_get(&c, "germany", &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	assert_non_null(strstr(e.text, "germany"));
	assert_null(cloud_find("Global "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each, clean),
		cmocka_unit_test_setup(global_is_the_rule, clean),
		cmocka_unit_test_setup(environment, clean),
		cmocka_unit_test_setup(unknown, clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

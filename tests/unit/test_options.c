/* SPDX-License-Identifier: Apache-2.0 */
/* test_options.c - each option, its mistakes, merging and the JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plan/options.h"

static void set(struct options *o, const char *name, const char *value)
{
	struct err e;

	if (options_set(o, name, value, &e)) {
		print_error("%s=%s: %s\n", name, value, e.text);
		fail();
	}
}

static const char pin[] = "AB:cd:000102030405060708090a0b0c0d0e0f"
                          "101112131415161718191a1b1c1d";
static const char plain_pin[] = "abcd000102030405060708090a0b0c0d0e0f"
                                "101112131415161718191a1b1c1d";

static void set_all(struct options *o)
{
	set(o, "include", "INBOX");
	set(o, "include", "Work/**");
	set(o, "exclude", "Spam");
	set(o, "map", "Sent Items=Sent");
	set(o, "into", "Old mail/\u00c4lteres");
	set(o, "since", "2020-02-29");
	set(o, "before", "2024-01-01");
	set(o, "max-size", "25M");
	set(o, "order", "oldest");
	set(o, "lanes", "4");
	set(o, "rate", "2M/s");
	set(o, "ca-file", "/etc/ca.pem");
	set(o, "pin", pin);
	set(o, "allow-cleartext", "");
	set(o, "compress", "yes");
	set(o, "no-repair", "");
	set(o, "from-password-file", "f{user}");
	set(o, "to-password-command", "pass show \"x\"");
	set(o, "tenant", "contoso.onmicrosoft.com");
	set(o, "client-id", "22222222-2222-4222-8222-22222222ABCD");
	set(o, "client-certificate", "/etc/mailhaul.pem");
	set(o, "cloud", "USgov");
	set(o, "unpack-winmail", "");
}

static void check_all(const struct options *o)
{
	assert_int_equal(o->include.n, 2);
	assert_string_equal(o->include.v[0], "INBOX");
	assert_string_equal(o->include.v[1], "Work/**");
	assert_int_equal(o->exclude.n, 1);
	assert_string_equal(o->map.v[0], "Sent Items=Sent");
	assert_string_equal(o->into, "Old mail/\u00c4lteres");
	assert_int_equal(o->before - o->since, 1402 * 86400);
	assert_string_equal(o->since_text, "2020-02-29");
	assert_int_equal(o->max_size, 25 << 20);
	assert_true(o->oldest_first);
	assert_int_equal(o->lanes, 4);
	assert_int_equal(o->rate, 2 << 20);
	assert_string_equal(o->ca_file, "/etc/ca.pem");
	assert_string_equal(o->pin, plain_pin);
	assert_true(o->allow_cleartext);
	assert_true(o->compress);
	assert_int_equal(o->repair, REPAIR_NEVER);
	assert_string_equal(o->from_password_file, "f{user}");
	assert_string_equal(o->to_password_command, "pass show \"x\"");
	assert_null(o->from_password_command);
	assert_string_equal(o->tenant, "contoso.onmicrosoft.com");
	assert_string_equal(o->client_id,
	                    "22222222-2222-4222-8222-22222222ABCD");
	assert_string_equal(o->client_certificate, "/etc/mailhaul.pem");
	assert_null(o->client_secret_file);
	assert_string_equal(o->cloud, "usgov");
	assert_true(o->unpack_winmail);
}

static void all_options(void **state)
{
	struct options o;

	setenv("TZ", "UTC", 1);
	options_init(&o);
	set_all(&o);
	check_all(&o);
	assert_int_equal(options_check(&o, NULL), 0);
	options_release(&o);
	assert_int_equal(o.since, OPT_NO_DATE);
}

static void bad(const char *name, const char *value, const char *words)
{
	struct options o;
	struct err e = { 0 };

	options_init(&o);
	assert_int_equal(options_set(&o, name, value, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	if (!strstr(e.text, words) || !strstr(e.text, name)) {
		print_error("%s=%s: %s\n", name, value, e.text);
		fail();
	}
	assert_int_equal(o.given, 0);
	options_release(&o);
}

static void mistakes(void **state)
{
	char *longest = calloc(1, 20001);

	memset(longest, 'x', 20000);
	bad("include", longest, "too long");
	longest[1001] = '\0';
	bad("include", longest, "longer than 1000");
	free(longest);
	bad("include", "", "empty");
	bad("exclude", "a\nb", "control character");
	bad("exclude", "\xff", "UTF-8");
	bad("map", "Sent", "OLD=NEW");
	bad("map", "=Sent", "OLD");
	bad("map", "Sent=", "OLD=NEW");
	bad("map", "a=b//c", "OLD=NEW");
	bad("map", "/a=b", "OLD");
	bad("into", "/x", "\"/x\"");
	bad("into", "", "empty");
	bad("since", "yesterday", "YYYY-MM-DD");
	bad("since", "2023-02-29", "YYYY-MM-DD");
	bad("before", "2023-1-1", "\"2023-1-1\"");
	bad("max-size", "0", "above 0");
	bad("max-size", "10X", "\"10X\"");
	bad("max-size", "-1", "\"-1\"");
	bad("order", "random", "newest or oldest");
	bad("lanes", "0", "1 to 64");
	bad("lanes", "65", "1 to 64");
	bad("lanes", "4294967297", "1 to 64");
	bad("lanes", "2x", "1 to 64");
	bad("rate", "fast", "bytes a second");
	bad("rate", "/s", "bytes a second");
	bad("ca-file", "", "empty");
	bad("pin", "abcd", "64 hexadecimal");
	bad("compress", "maybe", "yes or no");
	bad("repair", "maybe", "yes or no");
	bad("tenant", "", "domain");
	bad("tenant", "contoso.com/x", "\"contoso.com/x\"");
	bad("tenant", "..", "domain");
	bad("tenant", "Common", "no organisation");
	bad("tenant", "organizations", "no organisation");
	bad("client-id", "mailhaul", "Application (client) ID");
	bad("client-id", "22222222-2222-4222-8222-22222222222g", "ID");
	bad("client-id", "22222222-2222-4222-8222-2222222222222", "ID");
	bad("client-certificate", "", "empty");
	bad("cloud", "germany", "global, usgov, dod or china");
}

static void unknown(void **state)
{
	struct options o;
	struct err e = { 0 };
	bool flag;

	options_init(&o);
	assert_int_equal(options_set(&o, "speed", "1", &e), -1);
	assert_int_equal(e.code, EC_USAGE);
	assert_non_null(strstr(e.text, "--speed"));
	assert_int_equal(options_set(&o, "csv", "x", &e), -1);
	assert_false(options_known("csv", &flag));
	assert_true(options_known("compress", &flag) && flag);
	assert_true(options_known("no-repair", &flag) && flag);
	assert_true(options_known("max-size", &flag) && !flag);
}

static void repair_words(void **state)
{
	struct options o;

	options_init(&o);
	set(&o, "repair", "no");
	assert_int_equal(o.repair, REPAIR_NEVER);
	set(&o, "repair", "");
	assert_int_equal(o.repair, REPAIR_REFUSED);
	set(&o, "no-repair", "no");
	assert_int_equal(o.repair, REPAIR_REFUSED);
	set(&o, "no-repair", "yes");
	assert_int_equal(o.repair, REPAIR_NEVER);
	options_release(&o);
}

static void contradictions(void **state)
{
	struct options o;
	struct err e;

	options_init(&o);
	set(&o, "since", "2024-01-01");
	set(&o, "before", "2024-01-01");
	assert_int_equal(options_check(&o, &e), -1);
	assert_non_null(strstr(e.text, "2024-01-01"));
	options_release(&o);
	set(&o, "to-password-file", "a");
	set(&o, "to-password-command", "b");
	assert_int_equal(options_check(&o, &e), -1);
	assert_non_null(strstr(e.text, "--to-password-command"));
	options_release(&o);
	set(&o, "client-secret-file", "a");
	set(&o, "client-certificate", "b");
	assert_int_equal(options_check(&o, &e), -1);
	assert_non_null(strstr(e.text, "--client-certificate"));
	options_release(&o);
}

static void json_and_back(void **state)
{
	struct options o, back;
	char *json, *again;

	setenv("TZ", "UTC", 1);
	options_init(&o);
	options_init(&back);
	set_all(&o);
	o.csv = strdup("/home/ann/fleet.csv");
	json = options_json(&o);
	assert_non_null(strstr(json, "\"max-size\":\"25M\""));
	/* Read in another time zone, the days still begin where they did. */
	setenv("TZ", "Pacific/Auckland", 1);
	assert_int_equal(options_from_json(&back, json, NULL), 0);
	setenv("TZ", "UTC", 1);
	check_all(&back);
	assert_int_equal(back.since, o.since);
	assert_string_equal(back.csv, o.csv);
	again = options_json(&back);
	assert_string_equal(again, json);
	free(json);
	free(again);
	options_release(&o);
	options_release(&back);
}

static void json_of_nothing(void **state)
{
	struct options o;
	char *json;

	options_init(&o);
	json = options_json(&o);
	assert_string_equal(json, "{}");
	assert_int_equal(options_from_json(&o, json, NULL), 0);
	assert_int_equal(options_from_json(&o, "", NULL), 0);
	assert_int_equal(options_from_json(&o, NULL, NULL), 0);
	free(json);
	o.compress = true; /* not by options_set */
	json = options_json(&o);
	assert_string_equal(json, "{\"compress\":true}");
	free(json);
	options_release(&o);
}

static void damaged_json(void **state)
{
	static const char *const all[] = {
		"[]",
		"{",
		"{\"a\":1}",
		"{\"include\":\"x\"}",
		"{\"lanes\":[]}",
		"{\"lanes\":1,\"lanes\":2}",
		"{\"since-seconds\":\"x\"}",
		"{\"include\":[[]]}",
		"{\"max-size\":null}",
		"{\"csv\":3}",
		"{\"lanes\":2.5}",
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct options o;
		struct err e = { 0 };

		options_init(&o);
		set(&o, "lanes", "7");
		assert_int_equal(options_from_json(&o, all[i], &e), -1);
		assert_int_equal(e.code, EC_STORE_DAMAGED);
		assert_int_equal(o.lanes, 7);
		options_release(&o);
	}
}

static void merges(void **state)
{
	struct options o, over;

	setenv("TZ", "UTC", 1);
	options_init(&o);
	options_init(&over);
	set_all(&o);
	assert_int_equal(options_merge(&o, &over), 0);
	check_all(&o);
	set(&over, "include", "Only this");
	set(&over, "order", "newest");
	set(&over, "compress", "no");
	set(&over, "repair", "yes");
	set(&over, "lanes", "1");
	set(&over, "since", "2021-01-01");
	set(&over, "from-password-command", "cmd");
	set(&over, "client-secret-file", "secret.txt");
	assert_int_equal(options_merge(&o, &over), 0);
	assert_int_equal(o.include.n, 1);
	assert_string_equal(o.include.v[0], "Only this");
	assert_false(o.oldest_first);
	assert_false(o.compress);
	assert_int_equal(o.repair, REPAIR_REFUSED);
	assert_int_equal(o.lanes, 1);
	assert_string_equal(o.since_text, "2021-01-01");
	/* One place for a password: the new one. */
	assert_string_equal(o.from_password_command, "cmd");
	assert_null(o.from_password_file);
	assert_string_equal(o.client_secret_file, "secret.txt");
	assert_null(o.client_certificate);
	assert_string_equal(o.to_password_command, "pass show \"x\"");
	assert_int_equal(o.max_size, 25 << 20);
	assert_int_equal(options_check(&o, NULL), 0);
	options_release(&o);
	options_release(&over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_options),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(unknown),
		cmocka_unit_test(repair_words),
		cmocka_unit_test(contradictions),
		cmocka_unit_test(json_and_back),
		cmocka_unit_test(json_of_nothing),
		cmocka_unit_test(damaged_json),
		cmocka_unit_test(merges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

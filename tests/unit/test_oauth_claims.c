/* SPDX-License-Identifier: Apache-2.0 */
/* What is read out of a token, and out of what is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/oauth_int.h"

static char *token_of(const char *payload)
{
	char *head = base64url("{\"alg\":\"RS256\"}", 15);
	char *body = base64url(payload, strlen(payload));
	char *out = NULL;

	assert_true(asprintf(&out, "%s.%s.c2ln", head, body) > 0);
	free(head);
	free(body);
	return out;
}

static int read_claims(const char *payload, struct claims *c)
{
	char *token = token_of(payload);
	struct err e = { 0 };
	int rc = oauth_claims(token, c, &e);

	free(token);
	return rc;
}

static void app_token(void **state)
{
	struct claims c;

	(void)state;
	assert_int_equal(
	        read_claims("{\"tid\":\"t-1\",\"aud\":\"https://g\",\"roles\":"
	                    "[\"Mail.ReadWrite\",\"User.Read.All\"],"
	                    "\"appid\":\"a-1\",\"exp\":1700000000}",
	                    &c),
	        0);
	assert_string_equal(c.tenant, "t-1");
	assert_string_equal(c.audience, "https://g");
	assert_string_equal(c.roles, "Mail.ReadWrite User.Read.All");
	assert_string_equal(c.scopes, "");
	assert_string_equal(c.user, "");
	assert_string_equal(c.app, "a-1");
	assert_int_equal(c.expires, 1700000000);
	assert_true(claims_has(&c, "Mail.ReadWrite"));
	assert_true(claims_has(&c, "User.Read.All"));
	assert_false(claims_has(&c, "Mail.Read"));
	assert_false(claims_has(&c, "User.Read"));
	claims_release(&c);
}

static void person_token(void **state)
{
	struct claims c;

	(void)state;
	assert_int_equal(
	        read_claims("{\"scp\":\"openid Mail.ReadWrite "
	                    "https://outlook.office.com/IMAP.AccessAsUser.All\""
	                    ",\"preferred_username\":\"ann@x\",\"azp\":\"b\"}",
	                    &c),
	        0);
	assert_true(claims_has(&c, "Mail.ReadWrite"));
	assert_true(claims_has(&c, "IMAP.AccessAsUser.All"));
	assert_false(claims_has(&c, "IMAP"));
	assert_string_equal(c.user, "ann@x");
	assert_string_equal(c.app, "b");
	claims_release(&c);
}

static void without_rights(void **state)
{
	struct claims c;

	(void)state;
	assert_int_equal(read_claims("{\"roles\":[],\"scp\":null}", &c), 0);
	assert_false(claims_has(&c, "Mail.ReadWrite"));
	claims_release(&c);
}

static void no_token(void **state)
{
	static const char *const all[] = {
		"",        ".",       "..",
		"a.b",     "a.!!!.c", "opaque",
		"a.e30",   "a..c",    "x.bm90IGpzb24.y",
		"x.W10.y", "x.A.y"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct claims c = { 0 };
		struct err e = { 0 };

		assert_int_equal(oauth_claims(all[i], &c, &e), -1);
		assert_int_equal(e.code, EC_PROTOCOL);
	}
}

static void base64(void **state)
{
	static const struct {
		const char *plain, *coded;
	} rows64[] = {
		{ "", "" },        { "f", "Zg" },        { "fo", "Zm8" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "\xfb\xff", "-_8" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows64) / sizeof(rows64[0]); i++) {
		char *coded =
		        base64url(rows64[i].plain, strlen(rows64[i].plain));
		struct buf b = BUF_INIT(0);

		assert_string_equal(coded, rows64[i].coded);
		assert_int_equal(base64url_decode(&b, coded, strlen(coded)), 0);
		assert_int_equal(b.n, strlen(rows64[i].plain));
		if (b.n)
			assert_memory_equal(b.p, rows64[i].plain, b.n);
		buf_release(&b);
		free(coded);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(app_token),
		cmocka_unit_test(person_token),
		cmocka_unit_test(without_rights),
		cmocka_unit_test(no_token),
		cmocka_unit_test(base64),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

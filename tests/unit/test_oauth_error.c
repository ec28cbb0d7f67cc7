/* SPDX-License-Identifier: Apache-2.0 */
/* Each family of the sign-in service's refusals: code, next step, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/oauth.h"

#define APP "22222222-2222-4222-8222-222222222222"
#define CORRELATION "0f0e0d0c-1111-4222-8333-444455556666"

static const struct oauth_who who = {
	.login = "https://login.microsoftonline.com",
	.tenant = "a-rather-long-name-of-an-organisation.example.com",
	.client_id = APP,
	.account = "ann.with.a.long.name@organisation.example.com",
};

static const struct {
	int number, status;
	const char *error;
	enum err_code code;
	enum err_next next;
	const char *says; /* somewhere in the sentence */
} rows[] = {
	{ 50034, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "does not belong" },
	{ 50020, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "does not belong" },
	{ 90072, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "does not belong" },
	{ 50053, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "locked" },
	{ 50055, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "password of this account has expired" },
	{ 50144, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "password of this account has expired" },
	{ 50057, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "switched off" },
	{ 50126, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "user name or the password" },
	{ 50072, 400, "interaction_required", EC_SIGN_IN, NEXT_SIGN_IN,
	  "multi-factor" },
	{ 50074, 400, "interaction_required", EC_SIGN_IN, NEXT_SIGN_IN,
	  "multi-factor" },
	{ 50076, 400, "interaction_required", EC_SIGN_IN, NEXT_SIGN_IN,
	  "multi-factor" },
	{ 50078, 400, "interaction_required", EC_SIGN_IN, NEXT_SIGN_IN,
	  "multi-factor" },
	{ 50079, 400, "interaction_required", EC_SIGN_IN, NEXT_SIGN_IN,
	  "multi-factor" },
	{ 50105, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Users and groups" },
	{ 50194, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "one organisation only" },
	{ 90124, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "one organisation only" },
	{ 90130, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "one organisation only" },
	{ 9001023, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "one organisation only" },
	{ 500011, 400, "invalid_resource", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "does not have the service" },
	{ 50001, 400, "invalid_resource", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "does not have the service" },
	{ 650052, 400, "invalid_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "has not subscribed" },
	{ 650057, 400, "invalid_resource", EC_CONSENT, NEXT_ASK_PERSON,
	  "does not list the right" },
	{ 53000, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 53001, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 53002, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 53003, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 530032, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 530035, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 50131, 400, "invalid_grant", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Conditional Access" },
	{ 65001, 400, "invalid_grant", EC_CONSENT, NEXT_ASK_PERSON,
	  "/adminconsent?client_id=" APP },
	{ 650056, 400, "invalid_grant", EC_CONSENT, NEXT_ASK_PERSON,
	  "/adminconsent?client_id=" APP },
	{ 90094, 400, "invalid_grant", EC_CONSENT, NEXT_ASK_PERSON,
	  "/adminconsent?client_id=" APP },
	{ 90095, 400, "invalid_grant", EC_CONSENT, NEXT_ASK_PERSON,
	  "/adminconsent?client_id=" APP },
	{ 65004, 400, "access_denied", EC_SIGN_IN, NEXT_SIGN_IN, "declined" },
	{ 65002, 400, "invalid_grant", EC_CONSENT, NEXT_ASK_PERSON,
	  "belongs to Microsoft itself" },
	{ 70000, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 70008, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 700082, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN,
	  "'mailhaul run' goes on" },
	{ 50173, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 70043, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 50132, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 50133, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 700016, 400, "unauthorized_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "knows no registration" },
	{ 70001, 400, "unauthorized_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "knows no registration" },
	{ 700011, 400, "unauthorized_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "knows no registration" },
	{ 7000112, 400, "unauthorized_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "switched off" },
	{ 70011, 400, "invalid_scope", EC_SIGN_IN, NEXT_ASK_PERSON, "--cloud" },
	{ 28002, 400, "invalid_scope", EC_SIGN_IN, NEXT_ASK_PERSON, "--cloud" },
	{ 700022, 400, "invalid_scope", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "--cloud" },
	{ 7000215, 401, "invalid_client", EC_SIGN_IN, NEXT_SIGN_IN,
	  "the secret's ID" },
	{ 7000222, 401, "invalid_client", EC_SIGN_IN, NEXT_SIGN_IN,
	  "has expired" },
	{ 700027, 401, "invalid_client", EC_SIGN_IN, NEXT_SIGN_IN,
	  "certificate" },
	{ 50012, 401, "invalid_client", EC_SIGN_IN, NEXT_SIGN_IN,
	  "certificate" },
	{ 50013, 401, "invalid_client", EC_SIGN_IN, NEXT_SIGN_IN,
	  "certificate" },
	{ 500133, 401, "invalid_client", EC_SIGN_IN, NEXT_ASK_PERSON, "clock" },
	{ 700025, 401, "invalid_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "public client" },
	{ 7000218, 401, "invalid_client", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "Allow public client flows" },
	{ 90002, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "does not know an organisation" },
	{ 90038, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "another of Microsoft's clouds" },
	{ 900432, 400, "invalid_request", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "another of Microsoft's clouds" },
	{ 50196, 400, "invalid_grant", EC_THROTTLED, NEXT_WAIT, "pause" },
	{ 90055, 429, "temporarily_unavailable", EC_SERVER_NO, NEXT_RETRY,
	  "passes" },
	{ 90024, 503, "temporarily_unavailable", EC_SERVER_NO, NEXT_RETRY,
	  "passes" },
	{ 50033, 500, "temporarily_unavailable", EC_SERVER_NO, NEXT_RETRY,
	  "passes" },
	{ 70019, 400, "expired_token", EC_SIGN_IN, NEXT_SIGN_IN, "in time" },
	{ 70018, 400, "bad_verification_code", EC_SIGN_IN, NEXT_SIGN_IN,
	  "does not know the code" },
	/* Numbers that are new, or missing: the word counts. */
	{ 77777, 400, "authorization_declined", EC_SIGN_IN, NEXT_SIGN_IN,
	  "declined" },
	{ 77777, 400, "invalid_grant", EC_SIGN_IN, NEXT_SIGN_IN, "has ended" },
	{ 0, 400, "expired_token", EC_SIGN_IN, NEXT_SIGN_IN, "in time" },
	{ 77777, 400, "what_is_this", EC_SIGN_IN, NEXT_ASK_PERSON,
	  "does not know" },
	{ 0, 503, "", EC_SERVER_NO, NEXT_RETRY, "passes" },
	{ 0, 429, "", EC_THROTTLED, NEXT_WAIT, "pause" },
};

static int tell(size_t i, struct err *e)
{
	char json[1024];

	snprintf(json, sizeof(json),
	         "{\"error\":\"%s\",\"error_description\":\"AADSTS%d: words "
	         "that change\\r\\nTrace ID: x\",\"error_codes\":[%d],"
	         "\"correlation_id\":\"" CORRELATION "\"}",
	         rows[i].error, rows[i].number, rows[i].number);
	memset(e, 0, sizeof(*e));
	return oauth_error(rows[i].status, json, strlen(json), &who, e);
}

static void families(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e;

		if (tell(i, &e) != -1 || e.code != (int)rows[i].code ||
		    e.next != rows[i].next || !strstr(e.text, rows[i].says))
			fail_msg("AADSTS%d %s: %s, next %d: %s", rows[i].number,
			         rows[i].error, err_code_name(e.code), e.next,
			         e.text);
	}
}

/* Names of a usual length must leave room for the remedy. */
static void whole_sentences(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e;
		size_t n;

		tell(i, &e);
		n = strlen(e.text);
		if (n + 1 >= sizeof(e.text) || !n)
			fail_msg("AADSTS%d is cut: %s", rows[i].number, e.text);
		assert_null(strpbrk(e.text, "{}"));
	}
}

static void details(void **state)
{
	struct err e;

	(void)state;
	tell(0, &e);
	assert_non_null(strstr(e.detail, "AADSTS50034"));
	assert_non_null(strstr(e.detail, "correlation_id " CORRELATION));
	/* The service's words only where ours say nothing. */
	assert_null(strstr(e.detail, "words that change"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].error, "what_is_this")) {
			tell(i, &e);
			assert_non_null(strstr(e.detail, "words that change"));
			assert_null(strstr(e.detail, "Trace ID"));
		}
}

static void strange_answers(void **state)
{
	static const char *const all[] = {
		"",
		"<html>",
		"[]",
		"{\"error\":7}",
		"{\"error_codes\":\"x\"}",
		"{\"correlation_id\":\"\\u001b[31m\",\"error\":\"\\u001b[2J\"}"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(
		        oauth_error(400, all[i], strlen(all[i]), &who, &e), -1);
		assert_int_equal(e.code, EC_SIGN_IN);
		assert_null(strchr(e.detail, '\033'));
	}
	assert_int_equal(oauth_error(200, "", 0, &who, NULL), 0);
}

static void command_lines(void **state)
{
	const struct oauth_who gov = { .login = "https://l.example",
		                       .cloud = "usgov",
		                       .tenant = "x.onmicrosoft.us",
		                       .client_id = APP };
	const struct oauth_who evil = { .login = "https://l.example",
		                        .tenant = "x; rm -rf ~",
		                        .client_id = "$(id)" };
	char *line = oauth_login_line(&gov);

	(void)state;
	assert_string_equal(line, "mailhaul login x.onmicrosoft.us "
	                          "--client-id " APP " --cloud usgov");
	free(line);
	line = oauth_login_line(&evil);
	assert_string_equal(line, "mailhaul login ? --client-id ?");
	free(line);
	line = oauth_consent_url(&gov);
	assert_string_equal(line, "https://l.example/x.onmicrosoft.us/"
	                          "adminconsent?client_id=" APP);
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families),
		cmocka_unit_test(whole_sentences),
		cmocka_unit_test(details),
		cmocka_unit_test(strange_answers),
		cmocka_unit_test(command_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_error.c - answers of Graph, as m365.md C.11 lists them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/graph.h"

static struct err classify(int status, const char *code)
{
	struct err e = { 0 };
	json_t *j =
	        json_pack("{s{ss ss s{ss}}}", "error", "code", code, "message",
	                  "Words.", "innerError", "request-id", "guid-1");

	assert_int_equal(graph_error(status, j, 7000, "ann@contoso.com", &e),
	                 -1);
	json_decref(j);
	return e;
}

struct expected {
	int status;
	const char *code;
	int is;
	enum err_next next;
	enum err_reach reach;
};

static const struct expected table[] = {
	{ 400, "ErrorInvalidRequest", EC_CONTENT, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 400, "ErrorInvalidProperty", EC_CONTENT, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 400, "UnableToDeserializePostBody", EC_CONTENT, NEXT_GIVE_UP,
	  ERR_MESSAGE },
	{ 400, "ErrorMimeContentInvalidBase64String", EC_CONTENT, NEXT_GIVE_UP,
	  ERR_MESSAGE },
	{ 400, "SomethingNew", EC_CONTENT, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 400, "ErrorMessageSizeExceeded", EC_TOO_BIG, NEXT_GIVE_UP,
	  ERR_MESSAGE },
	{ 413, "RequestEntityTooLarge", EC_TOO_BIG, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 413, "", EC_TOO_BIG, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 400, "ErrorFolderExists", EC_EXISTS, NEXT_GIVE_UP, ERR_FOLDER },
	{ 409, "ErrorFolderExists", EC_EXISTS, NEXT_GIVE_UP, ERR_FOLDER },
	{ 401, "InvalidAuthenticationToken", EC_SIGN_IN, NEXT_SIGN_IN,
	  ERR_ACCOUNT },
	{ 403, "ErrorAccessDenied", EC_PERMISSION, NEXT_ASK_PERSON,
	  ERR_ACCOUNT },
	{ 403, "Authorization_RequestDenied", EC_PERMISSION, NEXT_ASK_PERSON,
	  ERR_ACCOUNT },
	{ 404, "ErrorItemNotFound", EC_NOT_FOUND, NEXT_GIVE_UP, ERR_MESSAGE },
	{ 404, "ErrorInvalidUser", EC_NO_MAILBOX, NEXT_ASK_PERSON,
	  ERR_ACCOUNT },
	{ 404, "Request_ResourceNotFound", EC_NO_MAILBOX, NEXT_ASK_PERSON,
	  ERR_ACCOUNT },
	{ 404, "MailboxNotEnabledForRESTAPI", EC_NO_MAILBOX, NEXT_ASK_PERSON,
	  ERR_ACCOUNT },
	{ 404, "MailboxNotHostedInExchangeOnline", EC_NO_MAILBOX,
	  NEXT_ASK_PERSON, ERR_ACCOUNT },
	{ 410, "syncStateNotFound", EC_SERVER_NO, NEXT_RETRY, ERR_FOLDER },
	{ 412, "ErrorIrresolvableConflict", EC_SERVER_NO, NEXT_RETRY,
	  ERR_MESSAGE },
	{ 429, "ApplicationThrottled", EC_THROTTLED, NEXT_WAIT, ERR_ACCOUNT },
	{ 503, "TooManyRequests", EC_THROTTLED, NEXT_WAIT, ERR_ACCOUNT },
	{ 509, "", EC_THROTTLED, NEXT_WAIT, ERR_ACCOUNT },
	{ 500, "generalException", EC_SERVER_NO, NEXT_RETRY, ERR_ACCOUNT },
	{ 503, "ServiceNotAvailable", EC_SERVER_NO, NEXT_RETRY, ERR_ACCOUNT },
	{ 502, "", EC_SERVER_NO, NEXT_RETRY, ERR_ACCOUNT },
	{ 504, "", EC_TIMEOUT, NEXT_RETRY, ERR_ACCOUNT },
	{ 507, "ErrorQuotaExceeded", EC_QUOTA, NEXT_ASK_PERSON, ERR_ACCOUNT },
	/* The status of a full mailbox varies: the code counts. */
	{ 403, "ErrorQuotaExceeded", EC_QUOTA, NEXT_ASK_PERSON, ERR_ACCOUNT },
	{ 507, "", EC_QUOTA, NEXT_ASK_PERSON, ERR_ACCOUNT },
	{ 418, "", EC_SERVER_NO, NEXT_GIVE_UP, ERR_MESSAGE },
};

static void every_row(void **state)
{
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct expected *x = table + i;
		struct err e = classify(x->status, x->code);

		if (e.code != x->is || e.next != x->next || e.reach != x->reach)
			fail_msg("%d %s: %s, next %d, reach %d", x->status,
			         x->code, err_code_name(e.code), e.next,
			         e.reach);
		assert_non_null(strstr(e.text, "Microsoft")
		                        ?: strstr(e.text, "ann@contoso.com"));
		assert_true(strlen(e.text) < sizeof e.text - 1);
		assert_non_null(strstr(e.detail, "guid-1"));
		assert_non_null(strstr(e.detail, "Words."));
	}
}

static void waits_are_told(void **state)
{
	struct err e = classify(429, "ApplicationThrottled");

	assert_int_equal(e.wait_ms, 7000);
	graph_error(429, NULL, 0, "ann", &e);
	assert_int_equal(e.wait_ms, 10000);
}

static void an_answer_that_is_no_error_object(void **state)
{
	json_t *j = json_pack("[s]", "error");
	struct err e = { 0 };

	graph_error(404, j, 0, "ann", &e);
	assert_int_equal(e.code, EC_NOT_FOUND);
	json_decref(j);
	j = json_pack("{ss}", "error", "just words");
	graph_error(507, j, 0, "ann", &e);
	assert_int_equal(e.code, EC_QUOTA);
	json_decref(j);
}

/* --- Places ------------------------------------------------------------- */

static int gone(const char *path)
{
	struct err e = classify(404, "ErrorItemNotFound");

	graph_error_place(path, NULL, "ann", &e);
	assert_non_null(strstr(e.detail, "guid-1"));
	if (e.code == EC_FOLDER_GONE)
		assert_non_null(strstr(e.text, "The folder"));
	assert_int_equal(e.reach,
	                 e.code == EC_FOLDER_GONE ? ERR_FOLDER : ERR_MESSAGE);
	return e.code;
}

static void what_is_gone(void **state)
{
	assert_int_equal(gone("/users/a/mailFolders/X"), EC_NOT_FOUND);
	assert_int_equal(gone("/users/a/mailFolders/archive?$select=id"),
	                 EC_NOT_FOUND);
	assert_int_equal(gone("/users/a/mailFolders/X/messages"),
	                 EC_FOLDER_GONE);
	assert_int_equal(gone("/users/a/mailFolders/X/messages?$top=5"),
	                 EC_FOLDER_GONE);
	assert_int_equal(gone("/users/a/mailFolders/X/importMime"),
	                 EC_FOLDER_GONE);
	assert_int_equal(gone("/users/a/mailFolders/X/childFolders"),
	                 EC_FOLDER_GONE);
	assert_int_equal(gone("/users/a/mailFolders/X/messages/Y"),
	                 EC_NOT_FOUND);
	assert_int_equal(gone("/users/a/messages/Y/attachments"), EC_NOT_FOUND);
	assert_int_equal(gone("/users/a/messages?$filter=/mailFolders/X/y"),
	                 EC_NOT_FOUND);
}

static struct err denied(const char *path, char *roles, char *scopes)
{
	struct claims c = { .roles = roles, .scopes = scopes };
	struct err e = classify(403, "ErrorAccessDenied");

	graph_error_place(path, &c, "ann@contoso.com", &e);
	assert_non_null(strstr(e.detail, "guid-1"));
	return e;
}

static void the_missing_right_is_named(void **state)
{
	char none[] = "", mail[] = "User.Read.All Mail.ReadWrite",
	     user[] = "User.Read.All", shared[] = "Mail.ReadWrite.Shared";
	struct err e = denied("/users/a/messages", user, none);

	assert_int_equal(e.code, EC_CONSENT);
	assert_int_equal(e.next, NEXT_ASK_PERSON);
	assert_non_null(strstr(e.text, "Mail.ReadWrite,"));
	e = denied("/users/a/mailFolders/x/importMime", mail, none);
	assert_non_null(strstr(e.text, "Mail-Advanced.ReadWrite.All,"));
	e = denied("/users/a/mailFolders/x/importMime", none, mail);
	assert_non_null(strstr(e.text, "Mail-Advanced.ReadWrite,"));
	e = denied("/organization?$select=id", mail, none);
	assert_non_null(strstr(e.text, "Organization.Read.All,"));
	e = denied("/users/a/messages", none, shared);
	assert_int_equal(e.code, EC_PERMISSION);
}

static void a_policy_stands_against_it(void **state)
{
	char none[] = "", mail[] = "Mail.ReadWrite";
	struct err e = denied("/users/a/messages", mail, none);

	assert_int_equal(e.code, EC_PERMISSION);
	assert_int_equal(e.next, NEXT_ASK_PERSON);
	assert_int_equal(e.reach, ERR_ACCOUNT);
	assert_non_null(strstr(e.text, "policy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(waits_are_told),
		cmocka_unit_test(an_answer_that_is_no_error_object),
		cmocka_unit_test(what_is_gone),
		cmocka_unit_test(the_missing_right_is_named),
		cmocka_unit_test(a_policy_stands_against_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

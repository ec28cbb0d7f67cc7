/* SPDX-License-Identifier: Apache-2.0 */
/* What a refusal means: codes, and the words of known servers. */
#include "imap_fake.h"

static const struct {
	enum imap_status status;
	const char *code, *text;
	enum err_reach given, reach;
	enum err_code ec;
	enum err_next next;
	uint64_t wait_ms;
} rows[] = {
	{ IMAP_NO, "OVERQUOTA", "x", ERR_MESSAGE, ERR_ACCOUNT, EC_QUOTA,
	  NEXT_ASK_PERSON, 0 },
	{ IMAP_NO, "overquota", "Quota exceeded", ERR_MESSAGE, ERR_ACCOUNT,
	  EC_QUOTA, NEXT_ASK_PERSON, 0 },
	{ IMAP_NO, "", "Server Unavailable. 15", ERR_MESSAGE, ERR_ACCOUNT,
	  EC_QUOTA, NEXT_ASK_PERSON, 0 },
	{ IMAP_NO, "TOOBIG", "", ERR_MESSAGE, ERR_MESSAGE, EC_TOO_BIG,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "APPENDLIMIT", "", ERR_MESSAGE, ERR_MESSAGE, EC_TOO_BIG,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Maximum size of appendable message has been exceeded",
	  ERR_MESSAGE, ERR_MESSAGE, EC_TOO_BIG, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "LIMIT", "Too many simultaneous connections", ERR_FOLDER,
	  ERR_ACCOUNT, EC_TOO_MANY, NEXT_WAIT, 5000 },
	{ IMAP_NO, "ALERT", "Too many simultaneous connections. (Failure)",
	  ERR_ACCOUNT, ERR_ACCOUNT, EC_TOO_MANY, NEXT_WAIT, 5000 },
	{ IMAP_NO, "LIMIT", "no more", ERR_FOLDER, ERR_FOLDER, EC_SERVER_NO,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_BYE, "", "Too many connections", ERR_ACCOUNT, ERR_ACCOUNT,
	  EC_TOO_MANY, NEXT_WAIT, 5000 },
	{ IMAP_BAD, "",
	  "Request is throttled. Suggested Backoff Time: 299961 milliseconds",
	  ERR_MESSAGE, ERR_ACCOUNT, EC_THROTTLED, NEXT_WAIT, 299961 },
	{ IMAP_NO, "THROTTLED", "Try again in 5 minutes", ERR_MESSAGE,
	  ERR_ACCOUNT, EC_THROTTLED, NEXT_WAIT, 300000 },
	{ IMAP_NO, "THROTTLED", "", ERR_MESSAGE, ERR_ACCOUNT, EC_THROTTLED,
	  NEXT_WAIT, 60000 },
	{ IMAP_NO, "", "throttled for 99999999999999 hours", ERR_MESSAGE,
	  ERR_ACCOUNT, EC_THROTTLED, NEXT_WAIT, 86400000 },
	{ IMAP_NO, "", "throttled for 99999999999999999999999 ms", ERR_MESSAGE,
	  ERR_ACCOUNT, EC_THROTTLED, NEXT_WAIT, 60000 },
	{ IMAP_NO, "UNAVAILABLE", "", ERR_FOLDER, ERR_ACCOUNT, EC_SERVER_NO,
	  NEXT_WAIT, 30000 },
	{ IMAP_NO, "INUSE", "", ERR_FOLDER, ERR_FOLDER, EC_SERVER_NO, NEXT_WAIT,
	  10000 },
	{ IMAP_NO, "SERVERBUG", "", ERR_FOLDER, ERR_FOLDER, EC_SERVER_NO,
	  NEXT_RETRY, 0 },
	{ IMAP_NO, "TRYCREATE", "", ERR_MESSAGE, ERR_FOLDER, EC_FOLDER_GONE,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "NONEXISTENT", "", ERR_FOLDER, ERR_FOLDER, EC_FOLDER_GONE,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "NOPERM", "", ERR_FOLDER, ERR_FOLDER, EC_PERMISSION,
	  NEXT_ASK_PERSON, 0 },
	{ IMAP_BAD, "", "User is authenticated but not connected.", ERR_FOLDER,
	  ERR_ACCOUNT, EC_PERMISSION, NEXT_WAIT, 60000 },
	{ IMAP_BYE, "", "Session invalidated - AccessTokenExpired", ERR_ACCOUNT,
	  ERR_ACCOUNT, EC_BYE, NEXT_RETRY, 1 },
	{ IMAP_NO, "", "Server Unavailable. 15", ERR_FOLDER, ERR_ACCOUNT,
	  EC_SERVER_NO, NEXT_WAIT, 30000 },
	{ IMAP_BAD, "", "Command Error. 10", ERR_MESSAGE, ERR_MESSAGE,
	  EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_BAD, "", "Command Argument Error. 11", ERR_FOLDER, ERR_FOLDER,
	  EC_SERVER_BAD, NEXT_GIVE_UP, 0 },
	{ IMAP_BYE, "", "Connection closed. 14", ERR_ACCOUNT, ERR_ACCOUNT,
	  EC_BYE, NEXT_RETRY, 0 },
	{ IMAP_NO, "CANNOT", "Folder contains excess whitespace", ERR_FOLDER,
	  ERR_FOLDER, EC_FOLDER_NAME, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "CANNOT", "x", ERR_FOLDER, ERR_FOLDER, EC_FOLDER_NAME,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "CANNOT", "x", ERR_MESSAGE, ERR_MESSAGE, EC_SERVER_NO,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Folder name is reserved", ERR_FOLDER, ERR_FOLDER,
	  EC_FOLDER_NAME, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "ALREADYEXISTS", "", ERR_FOLDER, ERR_FOLDER, EC_SERVER_NO,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Message contains NUL characters", ERR_MESSAGE,
	  ERR_MESSAGE, EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Message contains invalid header", ERR_MESSAGE,
	  ERR_MESSAGE, EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Message contains bare newlines", ERR_MESSAGE,
	  ERR_MESSAGE, EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "", "Line too long", ERR_MESSAGE, ERR_MESSAGE, EC_CONTENT,
	  NEXT_GIVE_UP, 0 },
	{ IMAP_BAD, "", "Command Argument Error. 11", ERR_MESSAGE, ERR_MESSAGE,
	  EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "CLIENTBUG", "no final newline", ERR_MESSAGE, ERR_MESSAGE,
	  EC_CONTENT, NEXT_GIVE_UP, 0 },
	{ IMAP_BAD, "CLIENTBUG", "bad sequence", ERR_FOLDER, ERR_FOLDER,
	  EC_SERVER_BAD, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "AUTHENTICATIONFAILED", "", ERR_FOLDER, ERR_ACCOUNT,
	  EC_SIGN_IN, NEXT_SIGN_IN, 0 },
	{ IMAP_NO, "EXPIRED", "", ERR_FOLDER, ERR_ACCOUNT, EC_SIGN_IN,
	  NEXT_SIGN_IN, 0 },
	{ IMAP_NO, "AUTHORIZATIONFAILED", "", ERR_ACCOUNT, ERR_ACCOUNT,
	  EC_PERMISSION, NEXT_ASK_PERSON, 0 },
	{ IMAP_NO, "PRIVACYREQUIRED", "", ERR_ACCOUNT, ERR_ACCOUNT,
	  EC_CLEARTEXT, NEXT_GIVE_UP, 0 },
	{ IMAP_NO, "CONTACTADMIN", "", ERR_ACCOUNT, ERR_ACCOUNT, EC_PERMISSION,
	  NEXT_ASK_PERSON, 0 },
	{ IMAP_BYE, "", "Session expired, please login again.", ERR_ACCOUNT,
	  ERR_ACCOUNT, EC_BYE, NEXT_RETRY, 0 },
	{ IMAP_BYE, "", "Mailbox does not exist", ERR_ACCOUNT, ERR_ACCOUNT,
	  EC_BYE, NEXT_RETRY, 0 },
	{ IMAP_BYE, "", "", ERR_ACCOUNT, ERR_ACCOUNT, EC_BYE, NEXT_RETRY, 0 },
	{ IMAP_NO, "", "", ERR_FOLDER, ERR_FOLDER, EC_SERVER_NO, NEXT_GIVE_UP,
	  0 },
	{ IMAP_BAD, "", "", ERR_FOLDER, ERR_FOLDER, EC_SERVER_BAD, NEXT_GIVE_UP,
	  0 },
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap_reply r = fake_reply("");
		struct err e;

		r.status = rows[i].status;
		r.code = rows[i].code;
		r.text = rows[i].text;
		assert_int_equal(
		        imap_classify("mail.example", &r, rows[i].given, &e),
		        -1);
		if (e.code != (int)rows[i].ec || e.next != rows[i].next ||
		    e.reach != rows[i].reach || e.wait_ms != rows[i].wait_ms)
			fail_msg("[%s] %s: %s next %d reach %d wait %llu",
			         rows[i].code, rows[i].text,
			         err_code_name(e.code), e.next, e.reach,
			         (unsigned long long)e.wait_ms);
		assert_non_null(strstr(e.text, "mail.example"));
		assert_true(e.text[strlen(e.text) - 1] == '.' ||
		            strstr(e.text, "(--"));
		assert_non_null(strstr(e.detail, rows[i].text));
	}
}

static void test_sign_in(void **state)
{
	static const struct {
		const char *code, *text;
		enum err_code ec;
	} says[] = {
		{ "AUTHENTICATIONFAILED", "", EC_SIGN_IN },
		{ "", "LOGIN failed", EC_SIGN_IN },
		{ "", "Access denied", EC_SIGN_IN },
		{ "CANNOT", "x", EC_SIGN_IN },
		{ "UNAVAILABLE", "x", EC_SERVER_NO },
		{ "LIMIT", "x", EC_TOO_MANY },
		{ "", "Account temporarily unavailable", EC_SERVER_NO },
		{ "ALERT", "Application-specific password required",
		  EC_SIGN_IN },
		{ "AUTHORIZATIONFAILED", "", EC_PERMISSION },
	};

	(void)state;
	for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
		struct imap_reply r = fake_reply("");
		struct err e;

		r.status = IMAP_NO;
		r.code = says[i].code;
		r.text = says[i].text;
		assert_int_equal(imap_bad_password("h.example", "ann", &r, &e),
		                 -1);
		if (e.code != (int)says[i].ec)
			fail_msg("[%s] %s: %s", says[i].code, says[i].text,
			         err_code_name(e.code));
		assert_int_equal(e.reach, ERR_ACCOUNT);
	}
	struct imap_reply r = fake_reply("");
	struct err e;

	r.status = IMAP_NO;
	imap_bad_password("h.example", "ann", &r, &e);
	assert_non_null(strstr(e.text, "h.example"));
	assert_non_null(strstr(e.text, "ann"));
}

/* A server's words must not steer a terminal. */
static void test_words_are_cleaned(void **state)
{
	struct imap_reply r = fake_reply("");
	struct err e;

	(void)state;
	r.status = IMAP_NO;
	r.text = "a\033[2Jb\rc%s%n";
	imap_classify("h", &r, ERR_FOLDER, &e);
	assert_null(strpbrk(e.detail, "\033\r"));
	assert_non_null(strstr(e.detail, "%s%n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_sign_in),
		cmocka_unit_test(test_words_are_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

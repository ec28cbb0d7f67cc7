/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in, against written dialogues.
 */
#include "imap_play.h"

static int secret(void *arg, bool again, char **out, struct err *e)
{
	const char *const *words = arg;

	(void)e;
	*out = strdup(again && words[1] ? words[1] : words[0]);
	return 0;
}

struct play {
	enum account_kind kind;
	const char *user, *password, *second;
	unsigned connections;
	int code; /* EC_NONE: signed in */
	struct turn turns[TURNS];
};

static void one(const struct play *p, unsigned *caps)
{
	struct server s = { .connections = p->connections,
		            .accepts = p->second };
	const char *words[2] = { p->password, p->second };
	char user[1200], host[] = "127.0.0.1";
	struct imap *im;
	struct err e = { 0 };

	memcpy(s.turns, p->turns, sizeof s.turns);
	snprintf(user, sizeof user, "%s", p->user);
	play_start(&s);
	struct account a = { .kind = p->kind,
		             .host = host,
		             .port = s.port,
		             .user = user,
		             .secret = secret,
		             .secret_arg = words };

	int rc = imap_open(&im, &a, &e);

	if (rc == 0) {
		*caps = imap_caps(im);
		imap_close(&im);
	}
	play_end(&s);
	if (e.code != p->code || (rc == 0) != (p->code == EC_NONE))
		fail_msg("%s (%s), heard %s", err_code_name(e.code), e.detail,
		         s.heard);
	if (s.failed)
		fail_msg("heard %s", s.heard);
	assert_true(rc == 0 || *e.text);
	/* No secret in any word for people or for the log. */
	assert_null(strstr(e.text, p->password));
	assert_null(strstr(e.detail, p->password));
}

static void all(const struct play *p, size_t n)
{
	unsigned caps;

	for (size_t i = 0; i < n; i++)
		one(p + i, &caps);
}

#define CLEAR KIND_IMAP_CLEARTEXT
#define HELLO                                              \
	{                                                  \
		NULL, "* OK [CAPABILITY IMAP4rev1] hi\r\n" \
	}

static void test_ways_in(void **state)
{
	static const struct play plays[] = {
		/* Capabilities with greeting and sign-in: one command. */
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_NONE,
		  { { NULL, "* OK [CAPABILITY SASL-IR AUTH=PLAIN] hi\r\n" },
		    { "AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=",
		      "%t OK [CAPABILITY UIDPLUS] in\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_NONE,
		  { { NULL, "* OK hi\r\n" },
		    { "CAPABILITY", "* CAPABILITY AUTH=PLAIN LOGINDISABLED\r\n"
		                    "%t OK\r\n" },
		    { "AUTHENTICATE PLAIN", "+ \r\n" },
		    { "~AGFubgBzZWNyZXQ=", "%t OK in\r\n" },
		    { "CAPABILITY", "* CAPABILITY UIDPLUS\r\n%t OK\r\n" } } },
		{ CLEAR,
		  "ann",
		  "sec ret",
		  NULL,
		  1,
		  EC_NONE,
		  { HELLO,
		    { "LOGIN \"ann\" \"sec ret\"",
		      "* CAPABILITY UIDPLUS\r\n%t OK in\r\n" } } },
		{ CLEAR,
		  "a\"n",
		  "\\x\"y{3}",
		  NULL,
		  1,
		  EC_NONE,
		  { HELLO,
		    { "LOGIN \"a\\\"n\" \"\\\\x\\\"y{3}\"",
		      "%t OK [CAPABILITY UIDPLUS] in\r\n" } } },
		/* 8-bit and line ends only as literals, and only on "+". */
		{ CLEAR,
		  "\xc3\xa4",
		  "p\r\nx LOGOUT",
		  NULL,
		  1,
		  EC_NONE,
		  { HELLO,
		    { "LOGIN {2}", "+ go\r\n" },
		    { "~\xc3\xa4 {11}", "* 1 EXISTS\r\n+ go\r\n" },
		    { "~p", "" },
		    { "~x LOGOUT", "%t OK [CAPABILITY UIDPLUS] in\r\n" } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
		unsigned caps = 0;

		one(plays + i, &caps);
		assert_int_equal(caps, CAP_UIDPLUS);
	}
}

static void test_refusals(void **state)
{
	static const struct play plays[] = {
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_SIGN_IN,
		  { HELLO, { "LOGIN \"ann\" \"secret\"", "%t NO no\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_SIGN_IN,
		  { HELLO,
		    { "LOGIN \"ann\" \"secret\"",
		      "%t NO [AUTHENTICATIONFAILED] no\r\n* BYE x\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_SERVER_NO,
		  { HELLO,
		    { "LOGIN \"ann\" \"secret\"",
		      "%t NO [UNAVAILABLE] later\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_TOO_MANY,
		  { { NULL, "* BYE Too many connections\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PREAUTH,
		  { { NULL, "* PREAUTH you are in\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PROTOCOL,
		  { { NULL, "220 mail.example ESMTP\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PROTOCOL,
		  { { NULL, "* 1 EXISTS\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_CLEARTEXT,
		  { { NULL, "* OK [CAPABILITY LOGINDISABLED] hi\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PROTOCOL,
		  { HELLO, { "LOGIN \"ann\" \"secret\"", "+ why\r\n" } } },
		{ CLEAR,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PROTOCOL,
		  { HELLO, { "LOGIN \"ann\" \"secret\"", "x1 OK in\r\n" } } },
		/* STARTTLS stripped: not offered, refused, not known. */
		{ KIND_IMAP_STARTTLS,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_NO_STARTTLS,
		  { HELLO } },
		{ KIND_IMAP_STARTTLS,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_NO_STARTTLS,
		  { { NULL, "* OK hi\r\n" }, { "STARTTLS", "%t BAD\r\n" } } },
		{ KIND_IMAP_STARTTLS,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_PREAUTH,
		  { { NULL, "* PREAUTH [CAPABILITY STARTTLS] in\r\n" } } },
		/* Octets between the OK and the handshake. */
		{ KIND_IMAP_STARTTLS,
		  "ann",
		  "secret",
		  NULL,
		  1,
		  EC_TLS,
		  { { NULL, "* OK [CAPABILITY STARTTLS] hi\r\n" },
		    { "STARTTLS", "%t OK go\r\n* OK [CAPABILITY X] y\r\n" } } },
		{ KIND_IMAPS, "ann", "secret", NULL, 1, EC_TLS, { HELLO } },
	};

	(void)state;
	all(plays, sizeof plays / sizeof *plays);
}

/* A second password is asked for once, on a new connection. */
static void test_second_password(void **state)
{
	static const struct play same = {
		CLEAR,
		"ann",
		"wrong",
		NULL,
		1,
		EC_SIGN_IN,
		{ HELLO, { "LOGIN \"ann\" \"wrong\"", "%t NO no\r\n" } }
	};
	static const struct play other = {
		CLEAR,
		"ann",
		"wrong",
		"right",
		2,
		EC_NONE,
		{ HELLO, { "LOGIN \"ann\" \"wrong\"", "%t NO no\r\n" } }
	};
	unsigned caps = 0;

	(void)state;
	one(&same, &caps);
	assert_int_equal(caps, 0);
	one(&other, &caps);
	assert_int_equal(caps, CAP_UIDPLUS);
}

static void test_endless_talk(void **state)
{
	struct buf b = BUF_INIT(0);
	struct play p = {
		CLEAR, "ann", "secret", NULL, 1, EC_LIMIT, { HELLO }
	};
	unsigned caps;

	(void)state;
	for (int i = 0; i < 2000; i++)
		assert_int_equal(buf_str(&b, "* 1 EXISTS\r\n"), 0);
	p.turns[1].want = "LOGIN \"ann\" \"secret\"";
	p.turns[1].say = b.p;
	one(&p, &caps);
	buf_release(&b);
}

static void test_cancelled(void **state)
{
	atomic_int cancel = 1;
	char host[] = "127.0.0.1", user[] = "ann";
	const char *words[2] = { "x", NULL };
	struct account a = { .kind = CLEAR,
		             .host = host,
		             .port = 1,
		             .user = user,
		             .secret = secret,
		             .secret_arg = words,
		             .cancel = &cancel };
	struct imap *im;
	struct err e;

	(void)state;
	assert_int_equal(imap_open(&im, &a, &e), -1);
	assert_int_equal(e.code, EC_INTERRUPTED);
	assert_null(im);
	cancel = 0;
	a.secret = NULL;
	assert_int_equal(imap_open(&im, &a, &e), -1);
	assert_int_equal(e.code, EC_PASSWORD_MISSING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways_in),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_second_password),
		cmocka_unit_test(test_endless_talk),
		cmocka_unit_test(test_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

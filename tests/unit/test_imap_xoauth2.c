/* SPDX-License-Identifier: Apache-2.0 */
/* Signing in with a token, and sessions that signed in and are nowhere. */
#include "imap_play.h"

#include "net/oauth.h"

/* --- a place where tokens come from --------------------------------------- */

struct oauth {
	const char *tokens[2]; /* the first, and after its refusal */
	bool app_only;
	const char *rights; /* "": unknown */
	const char *user;
	unsigned asked, refused;
};

int oauth_token(struct oauth *o, enum oauth_resource r, const char *refused,
                char **out, uint64_t *ends_ms, struct err *e)
{
	(void)e;
	assert_int_equal(r, OAUTH_IMAP);
	o->asked++;
	if (refused) {
		assert_string_equal(refused, o->tokens[0]);
		o->refused++;
	}
	*out = strdup(o->tokens[refused != NULL]);
	if (ends_ms)
		*ends_ms = UINT64_MAX / 2;
	return 0;
}

bool oauth_app_only(const struct oauth *o)
{
	return o->app_only;
}

static const struct oauth *claimant;

int oauth_claims(const char *token, struct claims *out, struct err *e)
{
	(void)token;
	(void)e;
	memset(out, 0, sizeof *out);
	if (!*claimant->rights)
		return -1;
	out->roles = strdup(claimant->app_only ? claimant->rights : "");
	out->scopes = strdup(claimant->app_only ? "" : claimant->rights);
	out->user = strdup(claimant->user);
	out->audience = strdup("aud");
	return 0;
}

void claims_release(struct claims *c)
{
	free(c->roles);
	free(c->scopes);
	free(c->user);
	free(c->audience);
}

bool claims_has(const struct claims *c, const char *right)
{
	return strcmp(c->roles, right) == 0 || strcmp(c->scopes, right) == 0;
}

/* --- dialogues ------------------------------------------------------------ */

/* user=ann@x ^A auth=Bearer tok1 ^A ^A, and the same with tok2. */
#define FIRST "dXNlcj1hbm5AeAFhdXRoPUJlYXJlciB0b2sxAQE="
#define SECOND "dXNlcj1hbm5AeAFhdXRoPUJlYXJlciB0b2syAQE="
#define EXCHANGE \
	"* OK The Microsoft Exchange IMAP4 service is ready. [QQ==]\r\n"
#define CAPS                                                       \
	"* CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED " \
	"SASL-IR UIDPLUS NAMESPACE LITERAL+\r\n%t OK completed.\r\n"
#define NAMESPACE "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n%t OK done.\r\n"
#define SHUT                                                  \
	"%t BAD User is authenticated but not connected.\r\n" \
	"* BYE Connection closed. 14\r\n"

struct scene {
	const char *user, *tenant;
	unsigned connections;
	struct turn turns[TURNS];
	const struct turn *later;
};

static int act(const struct scene *c, struct oauth *o, unsigned *caps,
               struct err *e)
{
	struct server s = { .connections = c->connections, .later = c->later };
	char user[100], host[] = "127.0.0.1";
	struct imap *im;

	memcpy(s.turns, c->turns, sizeof s.turns);
	snprintf(user, sizeof user, "%s", c->user);
	play_start(&s);
	struct account a = { .kind = KIND_M365_IMAP,
		             .imap_kind = KIND_IMAP_CLEARTEXT,
		             .host = host,
		             .port = s.port,
		             .user = user,
		             .tenant = c->tenant,
		             .oauth = o };

	claimant = o;
	memset(e, 0, sizeof *e);
	int rc = imap_open(&im, &a, e);

	if (rc == 0) {
		assert_true(imap_exchange(im));
		*caps = imap_caps(im);
		imap_close(&im);
	}
	play_end(&s);
	if (s.failed)
		fail_msg("heard %s (%s)", s.heard, e->detail);
	assert_null(strstr(e->text, "tok1"));
	assert_null(strstr(e->detail, "tok1"));
	assert_null(strstr(e->detail, "dXNl"));
	if (rc) {
		/* A sentence that was cut has no end. */
		assert_int_equal(e->text[strlen(e->text) - 1], '.');
	}
	return rc;
}

static struct oauth tokens(const char *rights)
{
	return (struct oauth){ .tokens = { "tok1", "tok2" },
		               .rights = rights,
		               .user = "ann@x" };
}

static void test_ways_in(void **state)
{
	static const struct scene scenes[] = {
		{ "ann@x",
		  "t",
		  1,
		  { { NULL, EXCHANGE },
		    { "CAPABILITY", CAPS },
		    { "AUTHENTICATE XOAUTH2 " FIRST, "%t OK done.\r\n" },
		    { "CAPABILITY", CAPS },
		    { "NAMESPACE", NAMESPACE } },
		  NULL },
		/* Without SASL-IR. */
		{ "ann@x",
		  "t",
		  1,
		  { { NULL, "* OK [CAPABILITY AUTH=XOAUTH2 UIDPLUS] hi\r\n" },
		    { "AUTHENTICATE XOAUTH2", "+ \r\n" },
		    { "~" FIRST, "%t OK [CAPABILITY UIDPLUS] done.\r\n" },
		    { "NAMESPACE", NAMESPACE } },
		  NULL },
	};
	unsigned caps = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct oauth o = tokens("IMAP.AccessAsUser.All");

		if (act(scenes + i, &o, &caps, &e))
			fail_msg("%s: %s", e.text, e.detail);
		assert_true(caps & CAP_UIDPLUS);
		assert_int_equal(o.asked, 1);
	}
}

/* {"status":"400","schemes":"Bearer"} */
#define CHALLENGE "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0="

static const struct turn refuse_second[] = {
	{ NULL, EXCHANGE },
	{ "CAPABILITY", CAPS },
	{ "AUTHENTICATE XOAUTH2 " SECOND, "+ " CHALLENGE "\r\n" },
	{ "~", "%t NO AUTHENTICATE failed.\r\n" },
	{ NULL, NULL },
};
static const struct turn take_second[TURNS] = {
	{ NULL, EXCHANGE },
	{ "CAPABILITY", CAPS },
	{ "AUTHENTICATE XOAUTH2 " SECOND, "%t OK done.\r\n" },
	{ "CAPABILITY", CAPS },
	{ "NAMESPACE", NAMESPACE },
};
#define REFUSED_FIRST                                            \
	{                                                        \
		{ NULL, EXCHANGE }, { "CAPABILITY", CAPS },      \
		{                                                \
			"AUTHENTICATE XOAUTH2 " FIRST,           \
			        "%t NO AUTHENTICATE failed.\r\n" \
		}                                                \
	}

/* A refused token is replaced once, on a new connection. */
static void test_second_token(void **state)
{
	static const struct scene good = { "ann@x", "t", 2, REFUSED_FIRST,
		                           take_second };
	static const struct scene bad = { "ann@x", "contoso.com", 2,
		                          REFUSED_FIRST, refuse_second };
	struct oauth o = tokens("IMAP.AccessAsUser.All");
	unsigned caps = 0;
	struct err e;

	(void)state;
	assert_int_equal(act(&good, &o, &caps, &e), 0);
	assert_int_equal(o.refused, 1);
	o = tokens("IMAP.AccessAsUser.All");
	assert_int_equal(act(&bad, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_SIGN_IN);
	assert_int_equal(e.next, NEXT_SIGN_IN);
	assert_int_equal(o.asked, 2);
	assert_non_null(strstr(e.text, "mailhaul login contoso.com"));
	assert_non_null(strstr(e.text, "mailhaul check"));
	assert_non_null(strstr(e.detail, "status 400"));
}

static void test_why_refused(void **state)
{
	static const struct scene bad = { "ann@x", "t", 2, REFUSED_FIRST,
		                          refuse_second };
	struct oauth o = tokens("Mail.Read");
	unsigned caps = 0;
	struct err e;

	(void)state;
	assert_int_equal(act(&bad, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_CONSENT);
	assert_int_equal(e.next, NEXT_ASK_PERSON);
	assert_non_null(strstr(e.text, "IMAP.AccessAsUser.All"));
	/* The right may have been given since the token was. */
	assert_int_equal(o.asked, 2);
	o = tokens("Mail.ReadWrite");
	o.app_only = true;
	assert_int_equal(act(&bad, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_CONSENT);
	assert_non_null(strstr(e.text, "IMAP.AccessAsApp"));
	o = tokens("IMAP.AccessAsApp");
	o.app_only = true;
	assert_int_equal(act(&bad, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_SIGN_IN);
	assert_non_null(strstr(e.text, "New-ServicePrincipal"));
	assert_non_null(strstr(e.text, "enterprise application"));
	/* A token that says nothing of itself. */
	o = tokens("");
	assert_int_equal(act(&bad, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_SIGN_IN);
}

/* Not the token's fault: no second one is asked for. */
static void test_other_refusals(void **state)
{
	static const struct scene throttled = {
		"ann@x",
		"t",
		1,
		{ { NULL, EXCHANGE },
		  { "CAPABILITY", CAPS },
		  { "AUTHENTICATE XOAUTH2 " FIRST,
		    "%t BAD Request is throttled. Suggested Backoff Time: "
		    "299961 milliseconds\r\n" } },
		NULL
	};
	static const struct scene none = {
		"ann@x",
		"t",
		1,
		{ { NULL, "* OK [CAPABILITY AUTH=PLAIN] hi\r\n" } },
		NULL
	};
	struct oauth o = tokens("IMAP.AccessAsUser.All");
	unsigned caps = 0;
	struct err e;

	(void)state;
	assert_int_equal(act(&throttled, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_THROTTLED);
	assert_int_equal(e.wait_ms, 299961);
	assert_int_equal(o.asked, 1);
	assert_int_equal(act(&none, &o, &caps, &e), -1);
	assert_int_equal(e.code, EC_SIGN_IN);
	assert_int_equal(e.next, NEXT_ASK_PERSON);
}

/* First it may pass, then it is told what to look at; a success between
 * them begins anew. */
static void test_not_connected(void **state)
{
	struct oauth o = tokens("IMAP.AccessAsUser.All");
	char user[] = "bob@x", host[] = "mx";
	struct account a = {
		.kind = KIND_M365_IMAP, .host = host, .user = user, .oauth = &o
	};
	struct err e;

	(void)state;
	claimant = &o;
	setenv("MAILHAUL_TEST_BACKOFF_MS", "0", 1);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
		assert_int_equal(e.next, NEXT_WAIT);
		imap_connected(&a);
	}
	assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
	assert_int_equal(e.next, NEXT_WAIT);
	/* Somebody else's mailbox. */
	assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
	assert_int_equal(e.next, NEXT_ASK_PERSON);
	assert_int_equal(e.code, EC_PERMISSION);
	assert_non_null(strstr(e.text, "Add-MailboxPermission"));
	/* One's own. */
	o.user = "Bob@x";
	assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
	assert_int_equal(e.code, EC_IMAP_OFF);
	assert_non_null(strstr(e.text, "Set-CASMailbox"));
	/* An app. */
	o.app_only = true;
	assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
	assert_int_equal(e.code, EC_PERMISSION);
	assert_non_null(strstr(e.text, "New-ServicePrincipal"));
	assert_non_null(strstr(e.text, "object id"));
	assert_int_equal(e.text[strlen(e.text) - 1], '.');
	/* The wait is not over: the other lanes say the same. */
	imap_connected(&a);
	setenv("MAILHAUL_TEST_BACKOFF_MS", "60000", 1);
	for (int lane = 0; lane < 3; lane++) {
		assert_int_equal(imap_not_connected(&a, "tok", &e), -1);
		assert_int_equal(e.next, NEXT_WAIT);
		assert_int_equal(e.wait_ms, 60000);
	}
	imap_connected(&a);
	unsetenv("MAILHAUL_TEST_BACKOFF_MS");
}

/* It is met at the first command that reaches the mailbox. */
static void test_shut_session(void **state)
{
	static const struct scene scenes[] = {
		{ "ann@x",
		  "t",
		  1,
		  { { NULL, EXCHANGE },
		    { "CAPABILITY", CAPS },
		    { "AUTHENTICATE XOAUTH2 " FIRST, "%t OK done.\r\n" },
		    { "CAPABILITY", CAPS },
		    { "NAMESPACE", SHUT } },
		  NULL },
		{ "ann@x",
		  "t",
		  1,
		  { { NULL, EXCHANGE },
		    { "CAPABILITY", CAPS },
		    { "AUTHENTICATE XOAUTH2 " FIRST, "%t OK done.\r\n" },
		    { "CAPABILITY", SHUT } },
		  NULL },
	};
	unsigned caps = 0;
	struct err e;

	(void)state;
	setenv("MAILHAUL_TEST_BACKOFF_MS", "0", 1);
	for (size_t i = 0; i < 2; i++) {
		struct oauth o = tokens("IMAP.AccessAsUser.All");

		assert_int_equal(act(scenes + i, &o, &caps, &e), -1);
		assert_int_equal(e.next, i ? NEXT_ASK_PERSON : NEXT_WAIT);
		assert_int_equal(o.asked, 1);
	}
	unsetenv("MAILHAUL_TEST_BACKOFF_MS");
}

/* The connection lives as long as its token, less a little. */
static void test_worn(void **state)
{
	struct imap *im = fake("");
	struct err e = { 0 };

	(void)state;
	assert_false(imap_worn(im, 1u << 30, &e));
	imap_token_until(im, 3600000, 0);
	assert_false(imap_worn(im, 3600000 - 120001, &e));
	assert_true(imap_worn(im, 3600000 - 120000, &e));
	assert_int_equal(e.code, EC_BYE);
	assert_int_equal(e.next, NEXT_RETRY);
	assert_int_equal(e.wait_ms, 1);
	/* A short life: a tenth of it. */
	imap_token_until(im, 11000, 1000);
	assert_false(imap_worn(im, 9999, &e));
	assert_true(imap_worn(im, 10000, &e));
	imap_abort(im);
	imap_close(&im);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways_in),
		cmocka_unit_test(test_second_token),
		cmocka_unit_test(test_why_refused),
		cmocka_unit_test(test_other_refusals),
		cmocka_unit_test(test_not_connected),
		cmocka_unit_test(test_shut_session),
		cmocka_unit_test(test_worn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

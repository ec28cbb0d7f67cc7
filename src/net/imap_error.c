/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_error.c - what a NO, a BAD or a BYE means, and what helps.
 *
 * Response codes: RFC 3501, 5530, 4469, 7889, 9208. Most servers say it in
 * words only; the words here were seen at known ones. Data first: to teach
 * mailhaul a new refusal is to add a row.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"

enum meaning {
	IS_THROTTLED,
	IS_TOO_MANY,
	IS_QUOTA,
	IS_TOO_BIG,
	IS_CONTENT,
	IS_PERMISSION,
	IS_SIGN_IN,
	IS_APP_PASSWORD,
	IS_EXPIRED,
	IS_PRIVACY,
	IS_CONTACT,
	IS_GONE,
	IS_NAME,
	IS_EXISTS,
	IS_CANNOT,
	IS_LIMIT,
	IS_IN_USE,
	IS_UNAVAILABLE,
	IS_BUG,
	IS_SESSION,
	IS_TOKEN,
	IS_NOT_CONNECTED,
	IS_FULL_OR_BUSY,
	IS_NO,
	IS_BAD,
	IS_BYE
};

/* Reach: the caller's, or wider where the cause is. */
enum { REACH_GIVEN = -1 };

struct sense {
	enum err_code code;
	enum err_next next;
	int reach;
	unsigned wait_s;  /* with NEXT_WAIT, if the server does not say */
	const char *text; /* %s: host */
};

static const struct sense senses[] = {
	[IS_THROTTLED] = { EC_THROTTLED, NEXT_WAIT, ERR_ACCOUNT, 60,
	                   "The server %s asks us to go slower. mailhaul waits "
	                   "and then goes on by itself." },
	[IS_TOO_MANY] = { EC_TOO_MANY, NEXT_WAIT, ERR_ACCOUNT, 5,
	                  "The server %s takes no more connections for this "
	                  "mailbox. mailhaul waits and goes on with fewer; "
	                  "closing other mail programs helps." },
	[IS_QUOTA] = { EC_QUOTA, NEXT_ASK_PERSON, ERR_ACCOUNT, 0,
	               "The mailbox at %s is full. Nothing that is there was "
	               "changed. Make room or get more of it, then run the "
	               "same command again." },
	[IS_TOO_BIG] = { EC_TOO_BIG, NEXT_GIVE_UP, REACH_GIVEN, 0,
	                 "The message is larger than %s takes. It stays at the "
	                 "source. Its provider may raise the limit; then "
	                 "retry it." },
	[IS_CONTENT] = { EC_CONTENT, NEXT_GIVE_UP, REACH_GIVEN, 0,
	                 "The server %s does not take the message because of "
	                 "how it is written. It stays at the source; a "
	                 "repaired copy may be taken (--repair)." },
	[IS_PERMISSION] = { EC_PERMISSION, NEXT_ASK_PERSON, REACH_GIVEN, 0,
	                    "The server %s does not allow this for this user. "
	                    "Nothing was changed. Ask its administrator for "
	                    "the right to read and write the mailbox." },
	[IS_APP_PASSWORD] = { EC_SIGN_IN, NEXT_SIGN_IN, ERR_ACCOUNT, 0,
	                      "The server %s wants an app password, not the "
	                      "usual one. Nothing was changed. Make one in the "
	                      "account's security settings and give that." },
	[IS_EXPIRED] = { EC_SIGN_IN, NEXT_SIGN_IN, ERR_ACCOUNT, 0,
	                 "The password for %s has expired. Nothing was "
	                 "changed. Set a new one there and give that." },
	[IS_PRIVACY] = { EC_CLEARTEXT, NEXT_GIVE_UP, ERR_ACCOUNT, 0,
	                 "The server %s wants encryption first. Nothing was "
	                 "changed. Use imaps:// or imap:// instead." },
	[IS_CONTACT] = { EC_PERMISSION, NEXT_ASK_PERSON, ERR_ACCOUNT, 0,
	                 "The server %s asks that its administrator be called "
	                 "about this mailbox. Nothing was changed." },
	[IS_SIGN_IN] = { EC_SIGN_IN, NEXT_SIGN_IN, ERR_ACCOUNT, 0,
	                 "The server %s did not accept the sign-in. Nothing "
	                 "was "
	                 "changed. Check user name and password." },
	[IS_GONE] = { EC_FOLDER_GONE, NEXT_GIVE_UP, ERR_FOLDER, 0,
	              "The folder is not there at %s any more. Somebody may "
	              "have removed or renamed it; run the same command "
	              "again." },
	[IS_NAME] = { EC_FOLDER_NAME, NEXT_GIVE_UP, ERR_FOLDER, 0,
	              "The server %s does not take this folder name. Give the "
	              "folder another one with --map." },
	[IS_EXISTS] = { EC_SERVER_NO, NEXT_GIVE_UP, REACH_GIVEN, 0,
	                "The server %s says that it is there already." },
	[IS_CANNOT] = { EC_SERVER_NO, NEXT_GIVE_UP, REACH_GIVEN, 0,
	                "The server %s says that it can never do this." },
	[IS_LIMIT] = { EC_SERVER_NO, NEXT_GIVE_UP, REACH_GIVEN, 0,
	               "The server %s says that a limit of it is reached. Ask "
	               "its provider which one." },
	[IS_IN_USE] = { EC_SERVER_NO, NEXT_WAIT, REACH_GIVEN, 10,
	                "The folder at %s is in use by another program. "
	                "mailhaul waits and tries again." },
	[IS_UNAVAILABLE] = { EC_SERVER_NO, NEXT_WAIT, ERR_ACCOUNT, 30,
	                     "The server %s cannot do this at the moment. "
	                     "mailhaul waits and tries again." },
	[IS_BUG] = { EC_SERVER_NO, NEXT_RETRY, REACH_GIVEN, 0,
	             "The server %s had an error inside. mailhaul tries "
	             "again." },
	[IS_SESSION] = { EC_BYE, NEXT_RETRY, ERR_ACCOUNT, 0,
	                 "The server %s ended the session. Nothing is lost: "
	                 "mailhaul signs in again and goes on." },
	[IS_TOKEN] = { EC_BYE, NEXT_RETRY, ERR_ACCOUNT, 0,
	               "The sign-in at %s has ended, as it does after an hour. "
	               "mailhaul signs in anew and goes on." },
	[IS_NOT_CONNECTED] = { EC_PERMISSION, NEXT_WAIT, ERR_ACCOUNT, 60,
	                       "The server %s signed us in and does not reach "
	                       "the mailbox. That may pass: mailhaul waits "
	                       "and tries again." },
	[IS_NO] = { EC_SERVER_NO, NEXT_GIVE_UP, REACH_GIVEN, 0,
	            "The server %s refused this. Its own words are in the "
	            "details (--verbose)." },
	[IS_BAD] = { EC_SERVER_BAD, NEXT_GIVE_UP, REACH_GIVEN, 0,
	             "The server %s did not understand what was asked. Its own "
	             "words are in the details (--verbose)." },
	[IS_BYE] = { EC_BYE, NEXT_RETRY, ERR_ACCOUNT, 0,
	             "The server %s hung up. Nothing is lost: mailhaul "
	             "connects "
	             "again and goes on." },
};

struct row {
	const char *word; /* lower case */
	enum meaning meaning;
};

/* Words that say more than the code they come with. */
static const struct row strong_words[] = {
	{ "too many simultaneous", IS_TOO_MANY },
	{ "too many connections", IS_TOO_MANY },
	{ "too many open connections", IS_TOO_MANY },
	{ "maximum number of connections", IS_TOO_MANY },
	{ "connection limit", IS_TOO_MANY },
	{ "too many logins", IS_TOO_MANY },
	{ "too many sessions", IS_TOO_MANY },
	{ "suggested backoff", IS_THROTTLED },
	{ "throttl", IS_THROTTLED },
	{ "rate limit", IS_THROTTLED },
	{ "bandwidth limit", IS_THROTTLED },
	{ "exceeded command or bandwidth", IS_THROTTLED },
	{ "too many requests", IS_THROTTLED },
	{ "too many commands", IS_THROTTLED },
	{ "maximum size of appendable message", IS_TOO_BIG },
	{ "larger than the maximum", IS_TOO_BIG },
	{ "message too large", IS_TOO_BIG },
	{ "message too big", IS_TOO_BIG },
	{ "message size exceeds", IS_TOO_BIG },
	{ "exceeds maximum message size", IS_TOO_BIG },
	{ "message exceeds", IS_TOO_BIG },
	{ "application-specific password", IS_APP_PASSWORD },
	{ "app password", IS_APP_PASSWORD },
	{ "authenticated but not connected", IS_NOT_CONNECTED },
	{ "accesstokenexpired", IS_TOKEN },
	{ "contains nul", IS_CONTENT },
	{ "nul character", IS_CONTENT },
	{ "invalid header", IS_CONTENT },
	{ "bare newline", IS_CONTENT },
	{ "bare lf", IS_CONTENT },
	{ "bare cr", IS_CONTENT },
	{ "line too long", IS_CONTENT },
	{ "lines too long", IS_CONTENT },
	{ "non-ascii", IS_CONTENT },
	{ "8bit character", IS_CONTENT },
	{ "8-bit character", IS_CONTENT },
	{ "command argument error. 11", IS_CONTENT },
	{ "command error. 10", IS_CONTENT },
	{ "excess whitespace", IS_NAME },
	{ "name is reserved", IS_NAME },
	{ "invalid mailbox name", IS_NAME },
};

static const struct row codes[] = {
	{ "alreadyexists", IS_EXISTS },
	{ "appendlimit", IS_TOO_BIG },
	{ "authenticationfailed", IS_SIGN_IN },
	{ "authorizationfailed", IS_PERMISSION },
	{ "badcomparator", IS_BAD },
	{ "cannot", IS_CANNOT },
	{ "clientbug", IS_CONTENT },
	{ "contactadmin", IS_CONTACT },
	{ "corruption", IS_BUG },
	{ "expired", IS_EXPIRED },
	{ "inuse", IS_IN_USE },
	{ "limit", IS_LIMIT },
	{ "nonexistent", IS_GONE },
	{ "noperm", IS_PERMISSION },
	{ "overquota", IS_QUOTA },
	{ "privacyrequired", IS_PRIVACY },
	{ "serverbug", IS_BUG },
	{ "throttled", IS_THROTTLED },
	{ "toobig", IS_TOO_BIG },
	{ "trycreate", IS_GONE },
	{ "unavailable", IS_UNAVAILABLE },
};

/* Words without a code that says it. */
static const struct row weak_words[] = {
	{ "server unavailable. 15", IS_FULL_OR_BUSY },
	{ "over quota", IS_QUOTA },
	{ "overquota", IS_QUOTA },
	{ "quota exceeded", IS_QUOTA },
	{ "exceeds quota", IS_QUOTA },
	{ "exceeded quota", IS_QUOTA },
	{ "exceeded the quota", IS_QUOTA },
	{ "mailbox is full", IS_QUOTA },
	{ "mailbox full", IS_QUOTA },
	{ "not enough disk", IS_QUOTA },
	{ "permission denied", IS_PERMISSION },
	{ "access denied", IS_PERMISSION },
	{ "session expired", IS_SESSION },
	{ "try again later", IS_UNAVAILABLE },
	{ "server unavailable", IS_UNAVAILABLE },
	{ "service unavailable", IS_UNAVAILABLE },
	{ "temporarily unavailable", IS_UNAVAILABLE },
	{ "temporary", IS_UNAVAILABLE },
	{ "system error", IS_UNAVAILABLE },
	{ "internal error", IS_BUG },
	{ "server error", IS_BUG },
	{ "doesn't exist", IS_GONE },
	{ "does not exist", IS_GONE },
	{ "no such mailbox", IS_GONE },
	{ "unknown mailbox", IS_GONE },
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static bool by_words(const char *text, const struct row *rows, size_t n,
                     enum meaning *out)
{
	for (size_t i = 0; i < n; i++)
		if (strcasestr(text, rows[i].word)) {
			*out = rows[i].meaning;
			return true;
		}
	return false;
}

static bool by_code(const char *code, enum meaning *out)
{
	size_t len = strcspn(code, " ");

	for (size_t i = 0; i < COUNT(codes); i++)
		if (scan_is(code, len, codes[i].word, strlen(codes[i].word))) {
			*out = codes[i].meaning;
			return true;
		}
	return false;
}

/* Some servers put the reason into the code's place: "[Error=..."; such a
 * code is read as words too. */
static enum meaning meaning_of(const struct imap_reply *r)
{
	enum meaning m;

	if (by_words(r->text, strong_words, COUNT(strong_words), &m) ||
	    by_words(r->code, strong_words, COUNT(strong_words), &m) ||
	    by_code(r->code, &m) ||
	    by_words(r->text, weak_words, COUNT(weak_words), &m) ||
	    by_words(r->code, weak_words, COUNT(weak_words), &m))
		return m;
	if (r->status == IMAP_BYE)
		return IS_BYE;
	return r->status == IMAP_BAD ? IS_BAD : IS_NO;
}

/* --- How long ----------------------------------------------------------- */

static uint64_t unit_ms(const char *p)
{
	static const struct {
		const char *word;
		uint64_t ms;
	} units[] = { { "ms", 1 },
		      { "milli", 1 },
		      { "sec", 1000 },
		      { "min", 60000 },
		      { "hour", 3600000 } };

	while (*p == ' ')
		p++;
	for (size_t i = 0; i < COUNT(units); i++)
		if (strncasecmp(p, units[i].word, strlen(units[i].word)) == 0)
			return units[i].ms;
	return 0;
}

/* "Suggested Backoff Time: 299961 milliseconds", "try again in 5 min". */
static uint64_t told_wait(const char *text)
{
	static const uint64_t day_ms = 86400000;

	for (const char *p = text; *p; p++) {
		struct scan s = { p, p + strlen(p) };
		uint64_t n;

		if (!isdigit((unsigned char)*p))
			continue;
		if (scan_u64(&s, &n))
			return 0;
		uint64_t unit = unit_ms(s.p);

		if (unit)
			return n > day_ms / unit ? day_ms : n * unit;
		p = s.p - 1;
	}
	return 0;
}

/* --- Together ----------------------------------------------------------- */

static int wider(int reach, enum err_reach given)
{
	return reach > (int)given ? reach : (int)given;
}

/* A BYE is about the connection; what else it says is not relied on. */
static enum meaning of_bye(enum meaning m)
{
	switch (m) {
	case IS_THROTTLED:
	case IS_TOO_MANY:
	case IS_UNAVAILABLE:
	case IS_SESSION:
	case IS_TOKEN:
	case IS_NOT_CONNECTED:
	case IS_SIGN_IN:
	case IS_APP_PASSWORD:
	case IS_EXPIRED:
	case IS_PRIVACY:
	case IS_CONTACT:
		return m;
	default:
		return m == IS_LIMIT ? IS_TOO_MANY : IS_BYE;
	}
}

/* The same code means another thing of a name, a message, a sign-in. */
static enum meaning in_context(enum meaning m, const struct imap_reply *r,
                               enum err_reach reach)
{
	/* To an APPEND Exchange says so of a full mailbox. */
	if (m == IS_FULL_OR_BUSY)
		m = reach == ERR_MESSAGE ? IS_QUOTA : IS_UNAVAILABLE;
	if (r->status == IMAP_BYE)
		return of_bye(m);
	if (m == IS_CANNOT && reach == ERR_FOLDER)
		return IS_NAME;
	if (m == IS_CONTENT && reach > ERR_MESSAGE)
		return IS_BAD;
	if (m == IS_LIMIT && reach == ERR_ACCOUNT)
		return IS_TOO_MANY;
	return m;
}

static void detail(const struct imap_reply *r, struct err *e)
{
	static const char *const names[] = { "OK", "NO", "BAD", "BYE", "?" };

	err_detail(e, "%s %s%.200s%s%.250s", names[r->status],
	           *r->code ? "[" : "", r->code, *r->code ? "] " : "", r->text);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int fill(const char *host, enum meaning m, const struct imap_reply *r,
                enum err_reach reach, struct err *e)
{
	const struct sense *s = senses + m;
	uint64_t wait = told_wait(r->text);

	if (!e)
		return -1;
	err_setf(e, (enum err_reach)wider(s->reach, reach), s->next, s->code,
	         s->text, host);
	if (s->next == NEXT_WAIT)
		e->wait_ms = wait ? wait : s->wait_s * 1000u;
	/* No failure: again at once. */
	if (m == IS_TOKEN)
		e->wait_ms = 1;
	detail(r, e);
	return -1;
}
#pragma GCC diagnostic pop

int imap_classify(const char *host, const struct imap_reply *r,
                  enum err_reach reach, struct err *e)
{
	return fill(host, in_context(meaning_of(r), r, reach), r, reach, e);
}

int imap_error(const struct imap *im, const struct imap_reply *r,
               enum err_reach reach, struct err *e)
{
	return imap_classify(im->host, r, reach, e);
}

/* What at a sign-in is not the password's fault. */
static bool not_the_password(enum meaning m)
{
	switch (m) {
	case IS_NO:
	case IS_BAD:
	case IS_SIGN_IN:
	case IS_GONE:
	case IS_CANNOT:
	case IS_EXISTS:
	case IS_CONTENT:
	case IS_NAME:
	case IS_TOO_BIG:
		return false;
	default:
		return true;
	}
}

int imap_bad_password(const char *host, const char *user,
                      const struct imap_reply *r, struct err *e)
{
	enum meaning m = in_context(meaning_of(r), r, ERR_ACCOUNT);
	/* "Access denied" is how some say that the password is wrong. */
	bool denied = m == IS_PERMISSION && !*r->code &&
	              strcasestr(r->text, "denied");

	if (not_the_password(m) && !denied)
		return fill(host, m, r, ERR_ACCOUNT, e);
	err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	         "The server %.100s did not accept the password for %.100s. "
	         "Nothing was changed. Check user name and password; some "
	         "providers want IMAP switched on or an app password.",
	         host, user);
	detail(r, e);
	return -1;
}

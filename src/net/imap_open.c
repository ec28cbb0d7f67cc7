/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_open.c - connect, secure, sign in: RFC 3501, 8314, 4616 (PLAIN),
 * 4959 (SASL-IR), 4978 (COMPRESS).
 *
 * Capabilities that come with the greeting or the sign-in are used, so
 * that an IMAPS sign-in costs one command. What was learnt before
 * encryption is forgotten.
 */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"
#include "net/oauth.h"
#include "util/clock.h"

enum { UNTAGGED_MAX = 1000 };

static void wipe_p(char **p)
{
	if (*p) {
		explicit_bzero(*p, strlen(*p));
		free(*p);
	}
}

/* --- Capabilities ------------------------------------------------------- */

static void learn_from(struct imap *im, const char *words, size_t n)
{
	unsigned caps;
	uint64_t limit;

	if (imap_parse_caps(words, n, &caps, &limit))
		return;
	im->caps = caps;
	im->append_limit = limit;
	im->caps_told = true;
}

static void learn(struct imap *im, const struct imap_reply *r)
{
	static const char word[] = "CAPABILITY ";

	if (strncasecmp(r->code, word, sizeof word - 1) == 0)
		learn_from(im, r->code + sizeof word - 1,
		           strlen(r->code) - (sizeof word - 1));
	else if (strcmp(r->name, "CAPABILITY") == 0 &&
	         r->len >= sizeof word - 1)
		learn_from(im, r->line + sizeof word - 1,
		           r->len - (sizeof word - 1));
}

struct patience {
	struct imap *im;
	unsigned left;
};

/* A server that talks without end before it lets us in is none. */
static int on_untagged(const struct imap_reply *r, void *arg, struct err *e)
{
	struct patience *p = arg;

	if (!p->left--)
		return imap_broken(p->im, EC_LIMIT, e, "too many answers");
	learn(p->im, r);
	return 0;
}

static int wait_for(struct imap *im, imap_tag tag, struct imap_reply *r,
                    struct err *e)
{
	struct patience p = { im, UNTAGGED_MAX };

	if (imap_wait(im, tag, on_untagged, &p, r, e))
		return -1;
	learn(im, r);
	return 0;
}

static void forget(struct imap *im)
{
	im->caps = 0;
	im->append_limit = 0;
	im->caps_told = false;
}

static int need_caps(struct imap *im, struct err *e)
{
	struct imap_reply r;
	imap_tag tag;

	if (im->caps_told)
		return 0;
	if (imap_cmd(im, &tag, e, "CAPABILITY") || wait_for(im, tag, &r, e))
		return -1;
	if (r.status != IMAP_OK)
		return imap_error(im, &r, ERR_ACCOUNT, e);
	return 0;
}

/* --- Greeting ----------------------------------------------------------- */

static int preauth(const struct imap *im, struct err *e)
{
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_PREAUTH,
	        "The server %s says that we are signed in already, before any "
	        "password was sent. It cannot be known whose mailbox that "
	        "is, so nothing was done. Ask its administrator.",
	        im->host);
}

static int greet(struct imap *im, struct err *e)
{
	struct imap_reply r;

	if (imap_next(im, &r, e))
		return -1;
	if (r.kind != IMAP_UNTAGGED ||
	    (r.status != IMAP_OK && strcmp(r.name, "PREAUTH") != 0))
		return imap_broken(im, EC_PROTOCOL, e, "no IMAP greeting");
	if (r.status != IMAP_OK)
		return preauth(im, e);
	learn(im, &r);
	im->greeting = strdup(r.text);
	return im->greeting ? 0 : err_memory(e);
}

/* --- Encryption --------------------------------------------------------- */

static int no_starttls(const struct imap *im, const struct imap_reply *r,
                       struct err *e)
{
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_NO_STARTTLS,
	         "The server %s offers no encryption on this port (STARTTLS), "
	         "so no password was sent. Use imaps:// (port 993); if it "
	         "offered it before, somebody may be listening.",
	         im->host);
	if (r)
		err_detail(e, "STARTTLS: %.200s", r->text);
	return -1;
}

/* STARTTLS is sent without asking whether it is offered: it is needed. */
static int starttls(struct imap *im, const struct account *a, struct err *e)
{
	struct imap_reply r;
	imap_tag tag;

	if (im->caps_told && !(im->caps & CAP_STARTTLS))
		return no_starttls(im, NULL, e);
	if (imap_cmd(im, &tag, e, "STARTTLS") || wait_for(im, tag, &r, e))
		return -1;
	if (r.status != IMAP_OK)
		return no_starttls(im, &r, e);
	if (stream_tls(im->stream, a, e))
		return -1;
	forget(im);
	return 0;
}

/* --- Sign-in ------------------------------------------------------------ */

/* base64 of NUL user NUL password, malloc'd. */
static char *plain_response(const char *user, const char *password)
{
	size_t user_n = strlen(user);
	size_t password_n = strlen(password);
	size_t n = user_n + password_n + 2;
	unsigned char *raw = malloc(n);
	char *out = malloc(4 * (n / 3 + 1) + 1);

	if (raw && out) {
		raw[0] = '\0';
		memcpy(raw + 1, user, user_n + 1);
		memcpy(raw + 2 + user_n, password, password_n);
		EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
		explicit_bzero(raw, n);
	} else {
		free(out);
		out = NULL;
	}
	free(raw);
	return out;
}

int imap_wait_plus(struct imap *im, imap_tag tag, struct imap_reply *r,
                   struct err *e)
{
	struct patience p = { im, UNTAGGED_MAX };

	int go = imap_wait_go(im, tag, on_untagged, &p, r, e);

	if (go == 0)
		learn(im, r);
	return go;
}

static int sign_in_plain(struct imap *im, const struct account *a,
                         const char *password, struct imap_reply *r,
                         struct err *e)
{
	CLEANUP(wipe_p) char *response = plain_response(a->user, password);
	bool at_once = im->caps & CAP_SASL_IR;
	imap_tag tag;

	if (!response)
		return err_memory(e);
	if (imap_cmd_start(im, &tag, e, "AUTHENTICATE PLAIN%s",
	                   at_once ? " " : ""))
		return -1;
	if (!at_once) {
		if (imap_out(im, "\r\n", 2, e))
			return -1;
		int go = imap_wait_plus(im, tag, r, e);

		if (go <= 0)
			return go;
	}
	im->caps_told = false;
	if (imap_secret(im, response, strlen(response), e) ||
	    imap_out(im, "\r\n", 2, e))
		return -1;
	return wait_for(im, tag, r, e);
}

/* What a quoted string may hold, of a length that servers bear. */
static bool quotable(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] == 0x7f)
			return false;
	return n <= 900;
}

static int put_quoted(struct imap *im, const char *s, struct err *e)
{
	size_t n = strlen(s);
	char *out = malloc(2 * n + 3);
	size_t k = 0;

	if (!out)
		return err_memory(e);
	out[k++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '"' || s[i] == '\\')
			out[k++] = '\\';
		out[k++] = s[i];
	}
	out[k++] = '"';
	int rc = imap_out(im, out, k, e);

	explicit_bzero(out, k);
	free(out);
	return rc;
}

/* One argument of LOGIN: 1 sent, 0 refused (in r), -1. */
static int put_argument(struct imap *im, imap_tag tag, const char *s,
                        struct imap_reply *r, struct err *e)
{
	char head[32];

	if (quotable(s))
		return put_quoted(im, s, e) ? -1 : 1;
	int n = snprintf(head, sizeof head, "{%zu}\r\n", strlen(s));

	if (imap_out(im, head, (size_t)n, e))
		return -1;
	int go = imap_wait_plus(im, tag, r, e);

	if (go > 0 && imap_out(im, s, strlen(s), e))
		return -1;
	return go;
}

static int sign_in_login(struct imap *im, const struct account *a,
                         const char *password, struct imap_reply *r,
                         struct err *e)
{
	imap_tag tag;

	im->caps_told = false;
	if (imap_cmd_start(im, &tag, e, "LOGIN "))
		return -1;
	int go = put_argument(im, tag, a->user, r, e);

	if (go <= 0)
		return go;
	if (imap_out(im, " ", 1, e))
		return -1;
	go = put_argument(im, tag, password, r, e);
	if (go <= 0) {
		stream_wipe(im->stream);
		return go;
	}
	if (imap_secret(im, "\r\n", 2, e))
		return -1;
	return wait_for(im, tag, r, e);
}

static int no_passwords(const struct imap *im, const struct account *a,
                        struct err *e)
{
	if (stream_kind(a) == KIND_IMAP_CLEARTEXT)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_CLEARTEXT,
		        "The server %s takes no password without encryption "
		        "(LOGINDISABLED), so none was sent. Use imaps:// or "
		        "imap:// instead.",
		        im->host);
	if (im->exchange)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
		        "Microsoft 365 (%.100s) takes no passwords any more "
		        "(LOGINDISABLED), so none was sent for %.100s. Write "
		        "m365: instead of imaps:, and sign in with "
		        "'mailhaul login TENANT'.",
		        im->host, a->user);
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	        "The server %s takes no passwords (LOGINDISABLED), so none "
	        "was sent for %s. Ask its provider how programs may sign in; "
	        "often IMAP must be switched on first.",
	        im->host, a->user);
}

/* 0: the answer is in r. */
static int sign_in_once(struct imap *im, const struct account *a,
                        const char *password, struct imap_reply *r,
                        struct err *e)
{
	bool plain = im->caps & CAP_AUTH_PLAIN;
	bool login = !(im->caps & CAP_LOGINDISABLED);

	if (plain && (im->caps & CAP_SASL_IR || !login))
		return sign_in_plain(im, a, password, r, e);
	if (login)
		return sign_in_login(im, a, password, r, e);
	return no_passwords(im, a, e);
}

/* secret: the password, or with a->oauth the token. */
static int sign_in(struct imap *im, const struct account *a, const char *secret,
                   struct err *e)
{
	struct imap_reply r = { .status = IMAP_OTHER };

	if (need_caps(im, e))
		return -1;
	if (a->oauth)
		return imap_xoauth2(im, a, secret, e);
	if (sign_in_once(im, a, secret, &r, e))
		return -1;
	return r.status == IMAP_OK
	               ? 0
	               : imap_bad_password(im->host, a->user, &r, e);
}

static void know_exchange(struct imap *im, const struct account *a)
{
	im->exchange = im->exchange || a->kind >= KIND_M365 ||
	               im->caps & CAP_EXCHANGE ||
	               strstr(imap_greeting(im), "Microsoft Exchange");
}

/* The first command says whether the mailbox is reached. */
static int look_inside(struct imap *im, const struct account *a,
                       const char *secret, struct err *e)
{
	const char *words[] = { im->caps_told ? NULL : "CAPABILITY",
		                im->exchange ? "NAMESPACE" : NULL };
	struct imap_reply r;
	imap_tag tag;

	for (size_t i = 0; i < 2; i++) {
		if (!words[i])
			continue;
		if (imap_cmd(im, &tag, e, "%s", words[i]) ||
		    wait_for(im, tag, &r, e))
			return -1;
		if (r.status == IMAP_OK)
			continue;
		if (im->exchange && imap_says_not_connected(&r))
			return imap_not_connected(a, a->oauth ? secret : NULL,
			                          e);
		return imap_error(im, &r, ERR_ACCOUNT, e);
	}
	if (im->exchange)
		imap_connected(a);
	return 0;
}

/* --- COMPRESS ----------------------------------------------------------- */

static int compress(struct imap *im, struct err *e)
{
	struct imap_reply r;
	imap_tag tag;

	if (imap_cmd(im, &tag, e, "COMPRESS DEFLATE") ||
	    wait_for(im, tag, &r, e))
		return -1;
	/* NO: it goes without. */
	return r.status == IMAP_OK ? stream_deflate(im->stream, e) : 0;
}

/* --- All of it ---------------------------------------------------------- */

static int secure(struct imap *im, const struct account *a, struct err *e)
{
	if (stream_kind(a) == KIND_IMAPS && stream_tls(im->stream, a, e))
		return -1;
	if (greet(im, e))
		return -1;
	return stream_kind(a) == KIND_IMAP_STARTTLS ? starttls(im, a, e) : 0;
}

static int enter(struct imap *im, const struct account *a, const char *secret,
                 struct err *e)
{
	im->user = strdup(a->user);
	if (!im->user)
		return err_memory(e);
	if (secure(im, a, e))
		return -1;
	know_exchange(im, a);
	if (sign_in(im, a, secret, e))
		return -1;
	/* A BAD on the way here was answered; what follows is a new life. */
	im->distrust = false;
	im->refusals = 0;
	know_exchange(im, a);
	if (look_inside(im, a, secret, e))
		return -1;
	know_exchange(im, a);
	return a->compress && im->caps & CAP_COMPRESS ? compress(im, e) : 0;
}

static int open_with(struct imap **out, const struct account *a,
                     const char *secret, struct err *e)
{
	struct stream *s;
	struct imap *im;

	if (stream_connect(&s, a, e) || imap_new(&im, s, a->host, e))
		return -1;
	if (enter(im, a, secret, e) == 0) {
		*out = im;
		return 0;
	}
	imap_abort(im);
	imap_close(&im);
	return -1;
}

static int password_of(const struct account *a, bool again, char **out,
                       struct err *e)
{
	*out = NULL;
	if (a->secret)
		return a->secret(a->secret_arg, again, out, e);
	return err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_PASSWORD_MISSING,
	                "There is no password for %s at %s. Say where it is "
	                "found, for example with a password file.",
	                a->user ? a->user : "the mailbox", a->host);
}

/* The new password, if asking again gives a different one. */
static char *other_password(const struct account *a, const char *old)
{
	char *again;
	struct err ignored;

	if (password_of(a, true, &again, &ignored))
		return NULL;
	if (again && strcmp(again, old) == 0)
		wipe_p(&again), again = NULL;
	return again;
}

/* A right that the token lacks may have been given meanwhile. */
static bool token_refused(const struct err *e)
{
	return (e->code == EC_SIGN_IN && e->next == NEXT_SIGN_IN) ||
	       e->code == EC_CONSENT;
}

/* One token, and another one if it is refused. */
static int open_with_token(struct imap **out, const struct account *a,
                           struct err *e)
{
	CLEANUP(wipe_p) char *token = NULL;
	CLEANUP(wipe_p) char *second = NULL;
	uint64_t ends = 0;
	struct err first;

	if (oauth_token(a->oauth, OAUTH_IMAP, NULL, &token, &ends, e))
		return -1;
	if (open_with(out, a, token, &first) == 0) {
		imap_token_until(*out, ends, clock_ms());
		return 0;
	}
	if (token_refused(&first)) {
		if (oauth_token(a->oauth, OAUTH_IMAP, token, &second, &ends, e))
			return -1;
		if (strcmp(token, second) != 0) {
			if (open_with(out, a, second, e))
				return -1;
			imap_token_until(*out, ends, clock_ms());
			return 0;
		}
	}
	if (e)
		*e = first;
	return -1;
}

int imap_open(struct imap **out, const struct account *a, struct err *e)
{
	CLEANUP(wipe_p) char *password = NULL;
	CLEANUP(wipe_p) char *second = NULL;
	struct err first;

	*out = NULL;
	if (!a->user || !a->host)
		return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		               "The address of the mailbox has no user or no "
		               "server in it.",
		               "%s", "");
	if (a->oauth)
		return open_with_token(out, a, e);
	if (password_of(a, false, &password, e))
		return -1;
	if (open_with(out, a, password, &first) == 0)
		return 0;
	/* On a new connection: many servers hang up after a refusal. */
	if (first.code == EC_SIGN_IN && first.next == NEXT_SIGN_IN)
		second = other_password(a, password);
	if (second)
		return open_with(out, a, second, e);
	if (e)
		*e = first;
	return -1;
}

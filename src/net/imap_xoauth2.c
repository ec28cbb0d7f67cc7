/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_xoauth2.c - sign-in with a token of Microsoft Entra ID (SASL
 * XOAUTH2, with or without RFC 4959), and why a mailbox stays closed all
 * the same. m365.md B.2.
 */
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"
#include "net/oauth.h"
#include "util/clock.h"
#include "util/step.h"

#define MARGIN_MS 120000u       /* before a token's end nothing is begun */
#define NOT_CONNECTED_MS 60000u /* after which it may have passed */
#define CHALLENGE_MAX 4096

/* --- Sign-in ------------------------------------------------------------ */

static void wipe_p(char **p)
{
	if (*p) {
		explicit_bzero(*p, strlen(*p));
		free(*p);
	}
}

/* base64 of "user=" user ^A "auth=Bearer " token ^A ^A, malloc'd. */
static char *response(const char *user, const char *token)
{
	size_t most = strlen(user) + strlen(token) + 32;
	/* Made at its full size, so that no copy of it is left behind. */
	CLEANUP(wipe_p) char *raw = malloc(most);
	char *out = malloc(4 * (most / 3 + 1) + 1);

	if (!raw || !out) {
		free(out);
		if (raw)
			*raw = '\0';
		return NULL;
	}
	int n = snprintf(raw, most, "user=%s\001auth=Bearer %s\001\001", user,
	                 token);

	EVP_EncodeBlock((unsigned char *)out, (unsigned char *)raw, n);
	return out;
}

/* "status" of the JSON in a challenge: digits, or "". */
static void challenge_status(const char *text, char out[8])
{
	static const char key[] = "\"status\"";
	char raw[CHALLENGE_MAX + 4] = "";
	size_t n = strlen(text);

	*out = '\0';
	if (!n || n % 4 || n / 4 * 3 > CHALLENGE_MAX ||
	    EVP_DecodeBlock((unsigned char *)raw, (const unsigned char *)text,
	                    (int)n) < 0)
		return;
	const char *p = strstr(raw, key);

	if (!p)
		return;
	p += sizeof key - 1;
	p += strspn(p, " :\"");
	n = strspn(p, "0123456789");
	if (n && n < 8) {
		memcpy(out, p, n);
		out[n] = '\0';
	}
}

/* Some servers say why in a "+" that wants an empty line. */
static int take_answer(struct imap *im, imap_tag tag, char status[8],
                       struct imap_reply *r, struct err *e)
{
	int go = imap_wait_plus(im, tag, r, e);

	if (go <= 0)
		return go;
	challenge_status(r->text, status);
	if (imap_out(im, "\r\n", 2, e))
		return -1;
	go = imap_wait_plus(im, tag, r, e);
	if (go <= 0)
		return go;
	imap_broken(im, EC_PROTOCOL, e, "a second challenge");
	return imap_dies(im);
}

static int no_xoauth2(const struct imap *im, struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_SIGN_IN,
	                "The server %.100s does not offer to sign in with a "
	                "token (XOAUTH2), so none was sent. Check that its "
	                "address is right.",
	                im->host);
}

int imap_xoauth2(struct imap *im, const struct account *a, const char *token,
                 struct err *e)
{
	CLEANUP(wipe_p) char *words = NULL;
	bool at_once = im->caps & CAP_SASL_IR;
	struct imap_reply r;
	char status[8] = "";
	imap_tag tag;

	if (!(im->caps & CAP_AUTH_XOAUTH2))
		return no_xoauth2(im, e);
	words = response(a->user, token);
	if (!words)
		return err_memory(e);
	if (imap_cmd_start(im, &tag, e, "AUTHENTICATE XOAUTH2%s",
	                   at_once ? " " : ""))
		return -1;
	if (!at_once) {
		if (imap_out(im, "\r\n", 2, e))
			return -1;
		int go = imap_wait_plus(im, tag, &r, e);

		if (go <= 0)
			return go ? -1 : imap_bad_token(im, a, token, &r, e);
	}
	im->caps_told = false;
	if (imap_secret(im, words, strlen(words), e) ||
	    imap_out(im, "\r\n", 2, e) || take_answer(im, tag, status, &r, e))
		return -1;
	if (r.status == IMAP_OK)
		return 0;
	imap_bad_token(im, a, token, &r, e);
	if (*status && e)
		err_detail(e, "; challenge: status %s", status);
	return -1;
}

void imap_token_until(struct imap *im, uint64_t ends_ms, uint64_t now_ms)
{
	uint64_t life = ends_ms > now_ms ? ends_ms - now_ms : 0;

	im->token_ends_ms = ends_ms;
	im->token_margin_ms = life / 10 < MARGIN_MS ? life / 10 : MARGIN_MS;
}

/* --- A token that is refused -------------------------------------------- */

/* What is known of who signs in. */
struct who {
	struct claims claims;
	bool known, app_only;
};

static void who_release(struct who *w)
{
	if (w->known)
		claims_release(&w->claims);
}

static struct who who_is(const struct account *a, const char *token)
{
	struct who w = { 0 };
	struct err ignored;

	w.app_only = a->oauth && oauth_app_only(a->oauth);
	w.known = token && oauth_claims(token, &w.claims, &ignored) == 0;
	return w;
}

static const char *right_of(const struct who *w)
{
	return w->app_only ? "IMAP.AccessAsApp" : "IMAP.AccessAsUser.All";
}

static int lacks_right(const struct who *w, const struct account *a,
                       struct err *e)
{
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONSENT,
	        "Microsoft 365 refused the sign-in to %.80s, because the app "
	        "lacks the %s permission %s of Office 365 Exchange Online. "
	        "Nothing was changed. Give it in the app registration, with "
	        "admin consent; then 'mailhaul check' says whether it works.",
	        a->user, w->app_only ? "application" : "delegated",
	        right_of(w));
}

static int refused_at_microsoft(const struct who *w, const struct account *a,
                                struct err *e)
{
	if (w->known && !claims_has(&w->claims, right_of(w)))
		return lacks_right(w, a, e);
	if (w->app_only)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
		        "Microsoft 365 refused the app's sign-in to %.80s. "
		        "Nothing was changed. Check, in this order, that "
		        "New-ServicePrincipal was run in Exchange; with the "
		        "object id of the enterprise application, not of the "
		        "app registration; Conditional Access does not block "
		        "IMAP. 'mailhaul check' tells more.",
		        a->user);
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
	        "Microsoft 365 refused the sign-in to %.80s. Nothing was "
	        "changed. Check, in this order, that the sign-in was not "
	        "withdrawn ('mailhaul login %.60s' signs in anew); Conditional "
	        "Access "
	        "does not block IMAP. 'mailhaul check' tells more.",
	        a->user, a->tenant ? a->tenant : "TENANT");
}

int imap_bad_token(const struct imap *im, const struct account *a,
                   const char *token, const struct imap_reply *r, struct err *e)
{
	struct err said;

	imap_bad_password(im->host, a->user, r, &said);
	if (said.code != EC_SIGN_IN) {
		if (e)
			*e = said;
		return -1;
	}
	CLEANUP(who_release) struct who w = who_is(a, token);

	if (im->exchange)
		(void)refused_at_microsoft(&w, a, e);
	else
		(void)err_setf(e, ERR_ACCOUNT, NEXT_SIGN_IN, EC_SIGN_IN,
		               "The server %.100s did not accept the token "
		               "for %.100s. Nothing was changed. Sign in "
		               "anew with 'mailhaul login'.",
		               im->host, a->user);
	if (e)
		err_detail(e, "%.300s%s%.100s", said.detail,
		           w.known ? "; token for " : "",
		           w.known ? w.claims.audience : "");
	return -1;
}

/* --- Signed in and not there -------------------------------------------- */

/* Mailboxes that were not reached, and since when. */
struct shut {
	struct shut *next;
	char *key;
	uint64_t since_ms;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shut *all_shut;

bool imap_says_not_connected(const struct imap_reply *r)
{
	return strcasestr(r->text, "authenticated but not connected");
}

static char *key_of(const struct account *a)
{
	struct buf b = BUF_INIT(0);

	if (buf_fmt(&b, "%s\n%s", a->host, a->user)) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static struct shut **find(const char *key)
{
	struct shut **at = &all_shut;

	while (*at && strcmp((*at)->key, key) != 0)
		at = &(*at)->next;
	return at;
}

static void shut_free(struct shut **at)
{
	struct shut *s = *at;

	*at = s->next;
	free(s->key);
	free(s);
}

void imap_connected(const struct account *a)
{
	CLEANUP(free_p) char *key = key_of(a);

	pthread_mutex_lock(&lock);
	if (key && *find(key))
		shut_free(find(key));
	pthread_mutex_unlock(&lock);
}

/* With the lock held. True: so it was before, and the wait is over. Short
 * of memory it is said at once. */
static bool still_shut(const char *key, uint64_t now, uint64_t wait)
{
	struct shut **at = find(key);

	if (*at)
		return now >= (*at)->since_ms + wait;
	struct shut *s = calloc(1, sizeof *s);

	if (!s)
		return true;
	s->key = strdup(key);
	s->since_ms = now;
	*at = s;
	if (!s->key)
		shut_free(at);
	return false;
}

static int may_pass(const struct account *a, uint64_t wait, struct err *e)
{
	(void)err_setf(e, ERR_ACCOUNT, NEXT_WAIT, EC_PERMISSION,
	               "The server %.100s signed us in and does not open the "
	               "mailbox %.100s. That may pass, for example when it "
	               "had too many sessions: mailhaul waits a minute and "
	               "tries once more.",
	               a->host, a->user);
	if (e)
		e->wait_ms = wait;
	return -1;
}

/* An app, or a person for somebody else's mailbox: rights come first. */
static int shut_to_others(const struct who *w, const struct account *a,
                          struct err *e)
{
	if (w->app_only)
		return err_setf(
		        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_PERMISSION,
		        "Microsoft 365 signed the app in but does not open "
		        "%.64s by IMAP. Needed are, in this order: "
		        "Set-CASMailbox -ImapEnabled $true; a licence with "
		        "Exchange; New-ServicePrincipal with the enterprise "
		        "application's object id; Add-MailboxPermission "
		        "-AccessRights FullAccess for it. 'mailhaul check' "
		        "asks further.",
		        a->user);
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_PERMISSION,
	        "Microsoft 365 signed %.50s in but does not open %.50s by "
	        "IMAP. Needed are, in this order: the right address; "
	        "Set-CASMailbox -ImapEnabled $true; a licence with Exchange; "
	        "Add-MailboxPermission -AccessRights FullAccess for who signs "
	        "in. 'mailhaul check' asks further.",
	        w->claims.user, a->user);
}

static int shut_to_owner(const struct account *a, struct err *e)
{
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_IMAP_OFF,
	        "Microsoft 365 signed %.80s in but does not open the mailbox "
	        "by IMAP. Check, in this order, that IMAP is switched on "
	        "(Set-CASMailbox -Identity %.80s -ImapEnabled $true); it has "
	        "a licence with Exchange. 'mailhaul check' asks further.",
	        a->user, a->user);
}

static int shut_for_good(const struct account *a, const char *token,
                         struct err *e)
{
	CLEANUP(who_release) struct who w = who_is(a, token);
	bool other = w.known && *w.claims.user &&
	             strcasecmp(w.claims.user, a->user) != 0;

	if (w.app_only || other)
		return shut_to_others(&w, a, e);
	return shut_to_owner(a, e);
}

int imap_not_connected(const struct account *a, const char *token,
                       struct err *e)
{
	uint64_t wait = (uint64_t)step_number("MAILHAUL_TEST_BACKOFF_MS",
	                                      NOT_CONNECTED_MS);
	CLEANUP(free_p) char *key = key_of(a);

	pthread_mutex_lock(&lock);
	bool again = !key || still_shut(key, clock_ms(), wait);

	pthread_mutex_unlock(&lock);
	if (again)
		(void)shut_for_good(a, token, e);
	else
		(void)may_pass(a, wait, e);
	if (e)
		err_detail(e, "BAD User is authenticated but not connected.");
	return -1;
}

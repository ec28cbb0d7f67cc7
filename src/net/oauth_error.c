/* SPDX-License-Identifier: Apache-2.0 */
/* oauth_error.c - what the sign-in service's refusals mean for a person. */
#include "net/oauth_int.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define JSON_MOST (256u << 10)
#define LOOP_WAIT_MS 60000

/*
 * In the sentences {T} is the tenant, {C} the client id, {U} the address
 * for consent and {L} the command line that signs in.
 */
#define AGAIN \
	" Sign in again: {L} - then 'mailhaul run' goes on; nothing is lost."

struct family {
	enum err_code code;
	enum err_next next;
	const char *text;
};
enum family_name {
	F_NONE,
	F_STRANGER,
	F_LOCKED,
	F_PASSWORD_OLD,
	F_DISABLED,
	F_PASSWORD,
	F_SECOND,
	F_NOT_ASSIGNED,
	F_ENDPOINT,
	F_NO_RESOURCE,
	F_NOT_BOUGHT,
	F_NOT_LISTED,
	F_BLOCKED,
	F_CONSENT,
	F_DECLINED,
	F_FOREIGN_APP,
	F_ENDED,
	F_APP,
	F_APP_OFF,
	F_SCOPE,
	F_SECRET,
	F_SECRET_OLD,
	F_CERTIFICATE,
	F_CLOCK,
	F_PUBLIC,
	F_CONFIDENTIAL,
	F_TENANT,
	F_CLOUD,
	F_LOOP,
	F_AGAIN,
	F_LATE,
	F_CODE
};

static const struct family families[] = {
	[F_NONE] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	             "Microsoft refused the sign-in to '{T}' for a reason "
	             "that mailhaul does not know. An administrator finds it "
	             "in the sign-in log of the tenant; then run again." },
	[F_STRANGER] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                 "The account that signed in does not belong to the "
	                 "organisation '{T}'. Sign in with one that does: {L} "
	                 "- "
	                 "or name its own organisation: mailhaul login TENANT, "
	                 "or --tenant." },
	[F_LOCKED] = { EC_SIGN_IN, NEXT_SIGN_IN,
	               "Microsoft has locked this account for a while, or "
	               "blocks this network address, because of too many "
	               "wrong sign-ins. Wait half an hour and sign in again: "
	               "{L}" },
	[F_PASSWORD_OLD] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                     "The password of this account has expired. Change "
	                     "it at Microsoft's sign-in page." AGAIN },
	[F_DISABLED] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                 "This account is switched off in '{T}'. Have an "
	                 "administrator switch it on, or sign in with "
	                 "another one: {L}" },
	[F_PASSWORD] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                 "Microsoft did not accept the user name or the "
	                 "password." AGAIN },
	[F_SECOND] = { EC_SIGN_IN, NEXT_SIGN_IN,
	               "Microsoft asks for a second proof of who you are "
	               "(multi-factor sign-in)." AGAIN },
	[F_NOT_ASSIGNED] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                     "This account may not use the registration {C}: "
	                     "it asks for assigned users. An administrator "
	                     "adds the account under Enterprise applications, "
	                     "Users and groups, or turns 'Assignment "
	                     "required' off." },
	[F_ENDPOINT] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                 "The registration {C} works for one organisation "
	                 "only, and '{T}' does not name it. Give its domain "
	                 "or id with --tenant." },
	[F_NO_RESOURCE] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                    "The organisation '{T}' does not have the service "
	                    "that was asked for (Exchange Online or Graph). "
	                    "Check --tenant and --cloud, and that it has a "
	                    "licence with mailboxes." },
	[F_NOT_BOUGHT] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                   "The organisation '{T}' has not subscribed to a "
	                   "service that the registration {C} asks for, or "
	                   "nobody has switched it on. An administrator must "
	                   "look after the licences." },
	[F_NOT_LISTED] = { EC_CONSENT, NEXT_ASK_PERSON,
	                   "The registration {C} does not list the right that "
	                   "mailhaul needs. Add it under API permissions and "
	                   "consent to it ('mailhaul login {T} --print-setup' "
	                   "prints how), then sign in again." },
	[F_BLOCKED] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                "A rule of the organisation '{T}' (Conditional Access "
	                "or security defaults) blocks this sign-in. An "
	                "administrator makes an exception for the "
	                "registration {C}, or lets it sign in by itself with "
	                "--client-certificate." },
	[F_CONSENT] = { EC_CONSENT, NEXT_ASK_PERSON,
	                "An administrator of '{T}' must allow it first. Open "
	                "this page as one, and accept: {U} - then sign in "
	                "again." },
	[F_DECLINED] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                 "The sign-in was declined on Microsoft's page. "
	                 "Nothing was changed. To sign in after all: {L}" },
	[F_FOREIGN_APP] = { EC_CONSENT, NEXT_ASK_PERSON,
	                    "The client id {C} belongs to Microsoft itself and "
	                    "may not ask for mail. Make a registration of "
	                    "your own: 'mailhaul login {T} --print-setup' "
	                    "prints how." },
	[F_ENDED] = { EC_SIGN_IN, NEXT_SIGN_IN,
	              "The sign-in has ended: it is too old, or the password "
	              "was changed, or somebody revoked it." AGAIN },
	[F_APP] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	            "'{T}' knows no registration with this client id. Check "
	            "the organisation and --client-id ('Application (client) "
	            "ID'). One of another organisation must be allowed "
	            "first: {U}" },
	[F_APP_OFF] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                "The registration {C} is switched off. An "
	                "administrator switches it on under Enterprise "
	                "applications, Properties, 'Enabled for users to sign "
	                "in'." },
	[F_SCOPE] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	              "Microsoft does not know the right that was asked for "
	              "in this cloud. Check --cloud; if it is right, report "
	              "this with the log (--verbose)." },
	[F_SECRET] = { EC_SIGN_IN, NEXT_SIGN_IN,
	               "Microsoft did not accept the client secret of {C}. "
	               "Often the secret's ID was copied in place of its "
	               "Value, which is shown only once. Make a new secret, "
	               "put its Value where mailhaul finds it (the file, or "
	               "MAILHAUL_CLIENT_SECRET), and run again." },
	[F_SECRET_OLD] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                   "The client secret of {C} has expired. Make a new "
	                   "one under 'Certificates & secrets', put its Value "
	                   "into the file, and run again: nothing is lost." },
	[F_CERTIFICATE] = { EC_SIGN_IN, NEXT_SIGN_IN,
	                    "Microsoft did not accept the certificate of {C}. "
	                    "Check that this very certificate is uploaded "
	                    "under 'Certificates & secrets' and has not "
	                    "expired, then run again." },
	[F_CLOCK] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	              "Microsoft takes what the certificate signed as out of "
	              "date. The clock of this computer is wrong: set it, "
	              "then run again." },
	[F_PUBLIC] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	               "The registration {C} is for people who sign in "
	               "('public client') and takes no secret or certificate. "
	               "Leave the secret away, or use a registration that has "
	               "one." },
	[F_CONFIDENTIAL] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	                     "The registration {C} lets nobody sign in by "
	                     "code. Set 'Allow public client flows' to Yes on "
	                     "its Authentication page, or use its secret or "
	                     "certificate: --client-secret-file, "
	                     "--client-certificate." },
	[F_TENANT] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	               "Microsoft does not know an organisation '{T}' in this "
	               "cloud. Check how it is spelt (else --tenant names it); "
	               "a government or Chinese organisation needs --cloud "
	               "usgov, dod or china." },
	[F_CLOUD] = { EC_SIGN_IN, NEXT_ASK_PERSON,
	              "The organisation '{T}' lives in another of Microsoft's "
	              "clouds. Name it: --cloud global, usgov, dod or "
	              "china." },
	[F_LOOP] = { EC_THROTTLED, NEXT_WAIT,
	             "Microsoft was asked for sign-ins too often and wants a "
	             "pause. mailhaul waits a minute and goes on." },
	[F_AGAIN] = { EC_SERVER_NO, NEXT_RETRY,
	              "Microsoft's sign-in service has a difficulty of its "
	              "own. It mostly passes: run again in some minutes; "
	              "nothing is lost." },
	[F_LATE] = { EC_SIGN_IN, NEXT_SIGN_IN,
	             "Nobody entered the code in time, so it is no longer "
	             "good. Begin anew: {L}" },
	[F_CODE] = { EC_SIGN_IN, NEXT_SIGN_IN,
	             "Microsoft does not know the code of this sign-in any "
	             "more. Begin anew: {L}" },
};

static const struct {
	int64_t code;
	enum family_name family;
} codes[] = {
	{ 50034, F_STRANGER },       { 50020, F_STRANGER },
	{ 90072, F_STRANGER },       { 50053, F_LOCKED },
	{ 50055, F_PASSWORD_OLD },   { 50144, F_PASSWORD_OLD },
	{ 50057, F_DISABLED },       { 50126, F_PASSWORD },
	{ 50072, F_SECOND },         { 50074, F_SECOND },
	{ 50076, F_SECOND },         { 50078, F_SECOND },
	{ 50079, F_SECOND },         { 50105, F_NOT_ASSIGNED },
	{ 50194, F_ENDPOINT },       { 90124, F_ENDPOINT },
	{ 90130, F_ENDPOINT },       { 9001023, F_ENDPOINT },
	{ 500011, F_NO_RESOURCE },   { 50001, F_NO_RESOURCE },
	{ 650052, F_NOT_BOUGHT },    { 650057, F_NOT_LISTED },
	{ 53000, F_BLOCKED },        { 53001, F_BLOCKED },
	{ 53002, F_BLOCKED },        { 53003, F_BLOCKED },
	{ 530032, F_BLOCKED },       { 530035, F_BLOCKED },
	{ 50131, F_BLOCKED },        { 65001, F_CONSENT },
	{ 650056, F_CONSENT },       { 90094, F_CONSENT },
	{ 90095, F_CONSENT },        { 65004, F_DECLINED },
	{ 65002, F_FOREIGN_APP },    { 70000, F_ENDED },
	{ 70008, F_ENDED },          { 700082, F_ENDED },
	{ 50173, F_ENDED },          { 70043, F_ENDED },
	{ 50132, F_ENDED },          { 50133, F_ENDED },
	{ 700016, F_APP },           { 70001, F_APP },
	{ 700011, F_APP },           { 7000112, F_APP_OFF },
	{ 70011, F_SCOPE },          { 28002, F_SCOPE },
	{ 700022, F_SCOPE },         { 7000215, F_SECRET },
	{ 7000222, F_SECRET_OLD },   { 700027, F_CERTIFICATE },
	{ 50012, F_CERTIFICATE },    { 50013, F_CERTIFICATE },
	{ 500133, F_CLOCK },         { 700025, F_PUBLIC },
	{ 7000218, F_CONFIDENTIAL }, { 90002, F_TENANT },
	{ 90038, F_CLOUD },          { 900432, F_CLOUD },
	{ 50196, F_LOOP },           { 90055, F_AGAIN },
	{ 90024, F_AGAIN },          { 50033, F_AGAIN },
	{ 70019, F_LATE },           { 70018, F_CODE },
};

/* For codes that are new, and for services that send none. */
static const struct {
	const char *error;
	enum family_name family;
} words[] = {
	{ "authorization_declined", F_DECLINED },
	{ "access_denied", F_DECLINED },
	{ "expired_token", F_LATE },
	{ "bad_verification_code", F_CODE },
	{ "interaction_required", F_SECOND },
	{ "login_required", F_ENDED },
	{ "consent_required", F_CONSENT },
	{ "invalid_grant", F_ENDED },
	{ "invalid_scope", F_SCOPE },
	{ "invalid_resource", F_NO_RESOURCE },
	{ "unauthorized_client", F_APP },
	{ "temporarily_unavailable", F_AGAIN },
	{ "server_error", F_AGAIN },
};

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

static json_t *load(const char *json, size_t n)
{
	json_t *all =
	        n > 0 && n <= JSON_MOST
	                ? json_loadb(json, n, JSON_DISABLE_EOF_CHECK, NULL)
	                : NULL;

	if (json_is_object(all))
		return all;
	json_decref(all);
	return NULL;
}

static const char *text_of(const json_t *all, const char *name)
{
	const char *s = json_string_value(json_object_get(all, name));

	return s ? s : "";
}

static int64_t code_of(const json_t *all)
{
	const json_t *list = json_object_get(all, "error_codes");
	int64_t first = json_integer_value(json_array_get(list, 0));

	/* Of several, the one that we can explain. */
	for (size_t i = 0; i < json_array_size(list); i++) {
		int64_t c = json_integer_value(json_array_get(list, i));

		for (size_t k = 0; k < sizeof(codes) / sizeof(codes[0]); k++)
			if (codes[k].code == c)
				return c;
	}
	return first;
}

int64_t oauth_error_code(const char *json, size_t n)
{
	CLEANUP(json_decref_p) json_t *all = load(json, n);

	return code_of(all);
}

void oauth_error_name(const char *json, size_t n, char *out, size_t size)
{
	CLEANUP(json_decref_p) json_t *all = load(json, n);
	const char *s = text_of(all, "error");
	size_t i = 0;

	for (; s[i] && i + 1 < size; i++)
		out[i] = s[i];
	out[i] = '\0';
}

static enum family_name family_of(int64_t code, const char *error, int status)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].family;
	if (status == 429)
		return F_LOOP;
	if (status >= 500)
		return F_AGAIN;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].error, error))
			return words[i].family;
	return F_NONE;
}

/* --- sentences ---------------------------------------------------------- */

/* What goes into an address or a shell's line as it is. */
static bool is_plain(const char *s)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("@.-_+", *s))
			return false;
	return true;
}

static int add_plain(struct buf *b, const char *s)
{
	return buf_str(b, s && is_plain(s) ? s : "?");
}

char *oauth_consent_url(const struct oauth_who *w)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (buf_str(&b, w->login) || buf_chr(&b, '/') ||
	    add_plain(&b, w->tenant) ||
	    buf_str(&b, "/adminconsent?client_id=") ||
	    add_plain(&b, w->client_id))
		return NULL;
	return buf_take(&b);
}

char *oauth_login_line(const struct oauth_who *w)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (buf_str(&b, "mailhaul login ") || add_plain(&b, w->tenant) ||
	    buf_str(&b, " --client-id ") || add_plain(&b, w->client_id))
		return NULL;
	if (w->account &&
	    (buf_str(&b, " --account ") || add_plain(&b, w->account)))
		return NULL;
	if (w->cloud && strcmp(w->cloud, "global") != 0 &&
	    (buf_str(&b, " --cloud ") || add_plain(&b, w->cloud)))
		return NULL;
	return buf_take(&b);
}

static int add_token(struct buf *b, char token, const struct oauth_who *w)
{
	CLEANUP(free_p) char *made = NULL;

	if (token == 'T')
		return add_plain(b, w->tenant);
	if (token == 'C')
		return add_plain(b, w->client_id);
	made = token == 'U' ? oauth_consent_url(w) : oauth_login_line(w);
	return made ? buf_str(b, made) : -1;
}

static int sentence(struct buf *b, const char *text, const struct oauth_who *w)
{
	const char *at;

	while ((at = strchr(text, '{')) != NULL) {
		if (buf_add(b, text, (size_t)(at - text)) ||
		    add_token(b, at[1], w))
			return -1;
		text = at + 3;
	}
	return buf_str(b, text);
}

/* An identifier of the service's, for its support. */
static int add_id(struct buf *b, const json_t *all, const char *name)
{
	const char *s = text_of(all, name);
	size_t n = strspn(s, "0123456789abcdefABCDEF-");

	if (n == 0 || n > 64 || s[n])
		return 0;
	return buf_fmt(b, ", %s %s", name, s);
}

static int detail(struct buf *b, const json_t *all, int status, int64_t code,
                  bool known)
{
	const char *error = text_of(all, "error");
	const char *words_of_it = text_of(all, "error_description");

	if (buf_fmt(b, "status %d", status))
		return -1;
	if (code && buf_fmt(b, ", AADSTS%" PRId64, code))
		return -1;
	if (*error && is_plain(error) && buf_fmt(b, ", %.60s", error))
		return -1;
	if (add_id(b, all, "correlation_id") || add_id(b, all, "trace_id"))
		return -1;
	if (known || !*words_of_it)
		return 0;
	return buf_fmt(b, ": %.*s", (int)strcspn(words_of_it, "\r\n"),
	               words_of_it);
}

int oauth_error(int status, const char *json, size_t n,
                const struct oauth_who *w, struct err *e)
{
	CLEANUP(json_decref_p) json_t *all = NULL;
	CLEANUP(buf_release_p) struct buf text = BUF_INIT(0);
	CLEANUP(buf_release_p) struct buf more = BUF_INIT(0);
	const struct family *f;
	enum family_name name;
	int64_t code;

	if (status >= 200 && status < 300)
		return 0;
	all = load(json, n);
	code = code_of(all);
	name = family_of(code, text_of(all, "error"), status);
	f = &families[name];
	if (sentence(&text, f->text, w) ||
	    detail(&more, all, status, code, name != F_NONE))
		return err_memory(e);
	err_set(e, ERR_ACCOUNT, f->next, f->code, text.p, "%s", more.p);
	if (e && f->next == NEXT_WAIT)
		e->wait_ms = LOOP_WAIT_MS;
	return -1;
}

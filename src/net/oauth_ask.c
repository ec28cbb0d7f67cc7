/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_ask.c - the questions to the sign-in service: a device code and its
 * polling (RFC 8628), a refresh, an app's own token. m365.md A.2 to A.5.
 */
#include "net/oauth_int.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/http.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/step.h"

#define TRIES 4
#define TICK_MS 250
#define INTERVAL_S 5
#define INTERVAL_MOST_S 300
#define EXPIRES_S 900
#define LIFE_S 3599
#define LIFE_MOST_S (7 * 86400)
#define PAIRS 16

#define DEVICE_GRANT "urn:ietf:params:oauth:grant-type:device_code"
#define JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

void oauth_who_of(const struct oauth_config *c, struct oauth_who *w)
{
	*w = (struct oauth_who){ .login = c->cloud.login,
		                 .cloud = c->cloud.name,
		                 .tenant = c->tenant,
		                 .client_id = c->client_id,
		                 .account = c->account };
}

/* --- one request -------------------------------------------------------- */

struct answer {
	int status;
	uint64_t retry_after_ms;
	bool reached; /* false: no answer; the error says why */
	struct buf body;
};

static void answer_release(struct answer *a)
{
	wipe_buf(&a->body);
	memset(a, 0, sizeof(*a));
}

static char *endpoint(const struct oauth_talk *k, const char *what)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	CLEANUP(free_p) char *tenant = http_escape(k->config->tenant);

	if (!tenant || buf_fmt(&b, "%s/%s/oauth2/v2.0/%s",
	                       k->config->cloud.login, tenant, what))
		return NULL;
	return buf_take(&b);
}

static int send_form(const struct oauth_talk *k, const char *url,
                     const char *form, struct answer *out, struct err *e)
{
	const struct account a = { .ca_file = k->config->ca_file,
		                   .pin = k->config->pin,
		                   .cancel = k->cancel };
	const char *const headers[] = { "Accept: application/json", NULL };
	struct http_request q = {
		.method = "POST",
		.url = url,
		.type = "application/x-www-form-urlencoded",
		.headers = headers,
		.body = form,
		.size = strlen(form),
		.timeout_s = 60,
	};
	struct http_reply r = { 0 };
	struct http *h = NULL;
	int rc;

	if (http_open(&h, &a, e))
		return -1;
	rc = http_do(h, &q, &r, e);
	if (!rc) {
		out->status = r.status;
		out->retry_after_ms = r.retry_after_ms;
		out->reached = true;
		out->body = r.body;
		r.body = (struct buf){ 0 };
	}
	http_reply_release(&r);
	http_close(&h);
	return rc;
}

static int stopped(struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_RETRY, EC_INTERRUPTED,
	                "Stopped while signing in. Nothing was changed.");
}

static bool is_cancelled(const struct oauth_talk *k)
{
	return k->cancel && atomic_load(k->cancel);
}

/* -1: cancelled. */
static int rest(const struct oauth_talk *k, uint64_t ms)
{
	uint64_t end = clock_ms() + ms, now;

	while ((now = clock_ms()) < end) {
		uint64_t left = end - now < TICK_MS ? end - now : TICK_MS;
		struct timespec t = { 0, (long)left * 1000000L };

		if (is_cancelled(k))
			return -1;
		nanosleep(&t, NULL);
	}
	return is_cancelled(k) ? -1 : 0;
}

/* What a token request asked may be asked again: nothing is used up. */
static bool is_passing(const struct answer *a, int rc, const struct err *e)
{
	struct oauth_who none = { "", NULL, "", "", NULL };
	struct err what = { 0 };

	if (rc)
		return e->next == NEXT_RETRY || e->next == NEXT_ASK;
	if (a->status == 429 || a->status >= 500)
		return true;
	return oauth_error(a->status, a->body.p, a->body.n, &none, &what) &&
	       what.next == NEXT_RETRY;
}

/* Asks until there is an answer that would not be another one soon. */
static int ask(const struct oauth_talk *k, const char *what, const char *form,
               struct answer *out, struct err *e)
{
	CLEANUP(free_p) char *url = endpoint(k, what);
	uint64_t pause =
	        (uint64_t)step_number("MAILHAUL_TEST_BACKOFF_MS", 1000);

	if (!url)
		return err_memory(e);
	for (int i = 1;; i++, pause *= 2) {
		struct err why = { 0 };
		int rc;

		answer_release(out);
		if (is_cancelled(k))
			return stopped(e);
		rc = send_form(k, url, form, out, &why);
		if (why.code == EC_INTERRUPTED)
			return stopped(e);
		if (i == TRIES || !is_passing(out, rc, &why)) {
			if (rc && e) {
				*e = why;
				/* A question may always be asked again. */
				if (e->next == NEXT_ASK)
					e->next = NEXT_RETRY;
			}
			return rc;
		}
		log_msg("sign-in: %s, again",
		        rc ? err_code_name(why.code) : "a passing refusal");
		if (rest(k, out->retry_after_ms > pause ? out->retry_after_ms
		                                        : pause))
			return stopped(e);
	}
}

/* --- answers ------------------------------------------------------------ */

static json_t *object_of(const struct answer *a)
{
	json_t *all =
	        a->body.n ? json_loadb(a->body.p, a->body.n, 0, NULL) : NULL;

	if (json_is_object(all))
		return all;
	json_decref(all);
	return NULL;
}

static const char *text_of(const json_t *all, const char *name)
{
	return json_string_value(json_object_get(all, name));
}

/* A whole number, also where it stands in quotes. */
static int64_t number_of(const json_t *all, const char *name, int64_t fallback,
                         int64_t most)
{
	const json_t *v = json_object_get(all, name);
	const char *s = json_string_value(v);
	int64_t n = s ? strtoll(s, NULL, 10) : json_integer_value(v);

	return n < 1 ? fallback : n > most ? most : n;
}

static int strange(struct err *e, const char *what)
{
	return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_PROTOCOL,
	               "The sign-in service answered with something that is "
	               "no answer of Microsoft's. A proxy or a sign-in page "
	               "of your network may stand in between: try from "
	               "another network, then run again.",
	               "%s", what);
}

static int refused(const struct oauth_talk *k, const struct answer *a,
                   struct err *e)
{
	struct oauth_who w;

	oauth_who_of(k->config, &w);
	oauth_error(a->status, a->body.p, a->body.n, &w, e);
	if (e && e->next == NEXT_WAIT && a->retry_after_ms)
		e->wait_ms = a->retry_after_ms;
	return -1;
}

/* Who signed in, as the tokens say. */
static int take_account(const json_t *all, struct oauth_tokens *t)
{
	const char *names[] = { "id_token", "access_token" };

	for (size_t i = 0; i < 2 && !t->account; i++) {
		const char *token = text_of(all, names[i]);
		struct claims c = { 0 };

		if (!token || oauth_claims(token, &c, NULL))
			continue;
		if (*c.user)
			t->account = strdup(c.user);
		claims_release(&c);
	}
	if (!t->account)
		t->account = strdup("somebody");
	return t->account ? 0 : -1;
}

static int take_tokens(const json_t *all, enum oauth_resource r, int64_t asked,
                       struct oauth_tokens *t, struct err *e)
{
	const char *access = text_of(all, "access_token");
	const char *refresh = text_of(all, "refresh_token");
	int64_t life = number_of(all, "expires_in", LIFE_S, LIFE_MOST_S);
	char *copy;

	if (!access || !*access)
		return strange(e, "no access_token");
	if (tokens_set(t, r, access, asked, asked + life))
		return err_memory(e);
	if (!refresh)
		return 0;
	copy = strdup(refresh);
	if (!copy)
		return err_memory(e);
	wipe_text(&t->refresh);
	t->refresh = copy;
	return 0;
}

static int ask_token(const struct oauth_talk *k, const char *form,
                     enum oauth_resource r, struct oauth_tokens *t,
                     struct answer *a, struct err *e)
{
	CLEANUP(json_decref_p) json_t *all = NULL;
	int64_t asked = (int64_t)(clock_wall_ms() / 1000);

	if (ask(k, "token", form, a, e))
		return -1;
	if (a->status < 200 || a->status >= 300)
		return refused(k, a, e);
	all = object_of(a);
	if (!all)
		return strange(e, "the answer is no JSON");
	return take_tokens(all, r, asked, t, e);
}

/* --- what is asked for -------------------------------------------------- */

static char *delegated_scope(const struct cloud *c, enum oauth_resource r)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	int failed;

	if (r == OAUTH_GRAPH)
		failed = buf_fmt(&b,
		                 "%s/Mail.ReadWrite %s/MailboxSettings.Read "
		                 "%s/User.Read offline_access openid profile",
		                 c->graph_app, c->graph_app, c->graph_app);
	else
		failed = buf_fmt(&b, "%s/IMAP.AccessAsUser.All offline_access",
		                 c->outlook);
	return failed ? NULL : buf_take(&b);
}

static char *app_scope(const struct cloud *c, enum oauth_resource r)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (buf_fmt(&b, "%s/.default",
	            r == OAUTH_GRAPH ? c->graph_app : c->outlook_app))
		return NULL;
	return buf_take(&b);
}

/* --- app-only ----------------------------------------------------------- */

static int ask_secret(const struct oauth_talk *k, const char *scope,
                      enum oauth_resource r, struct oauth_tokens *t,
                      struct answer *a, struct err *e)
{
	CLEANUP(wipe_text_p) char *secret = NULL;
	CLEANUP(wipe_text_p) char *form = NULL;
	const struct oauth_config *c = k->config;

	if (c->secret(c->secret_arg, false, &secret, e))
		return -1;
	const char *const pairs[PAIRS] = {
		"grant_type",    "client_credentials",
		"client_id",     c->client_id,
		"scope",         scope,
		"client_secret", secret
	};
	form = http_form(pairs);
	if (!form)
		return err_memory(e);
	return ask_token(k, form, r, t, a, e);
}

static int ask_signed(const struct oauth_talk *k, const char *scope,
                      enum oauth_resource r, enum signer_alg alg,
                      struct oauth_tokens *t, struct answer *a, struct err *e)
{
	CLEANUP(free_p) char *audience = endpoint(k, "token");
	CLEANUP(wipe_text_p) char *form = NULL;
	CLEANUP(wipe_text_p) char *jwt = NULL;
	const struct oauth_config *c = k->config;
	char id[37];

	uuid_make(id);
	if (!audience)
		return err_memory(e);
	if (signer_assertion(*k->signer, alg, audience, c->client_id, id,
	                     (int64_t)(clock_wall_ms() / 1000), &jwt, e))
		return -1;
	const char *const pairs[PAIRS] = { "grant_type",
		                           "client_credentials",
		                           "client_id",
		                           c->client_id,
		                           "scope",
		                           scope,
		                           "client_assertion_type",
		                           JWT_BEARER,
		                           "client_assertion",
		                           jwt };
	form = http_form(pairs);
	if (!form)
		return err_memory(e);
	return ask_token(k, form, r, t, a, e);
}

/* The service did not like the signature as such: not the registration,
 * the clock or the tenant. */
static bool may_be_alg(const struct answer *a)
{
	static const int64_t codes[] = { 700027, 50012, 50013, 50027, 5002730 };
	int64_t code = oauth_error_code(a->body.p, a->body.n);

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i] == code)
			return true;
	return false;
}

static int ask_certificate(const struct oauth_talk *k, const char *scope,
                           enum oauth_resource r, struct oauth_tokens *t,
                           struct answer *a, struct err *e)
{
	const struct oauth_config *c = k->config;
	const char *only = getenv("MAILHAUL_ASSERTION");

	if (only && !strcmp(only, "RS256"))
		*k->alg = SIGN_RS256;
	if (!*k->signer &&
	    signer_open(k->signer, c->certificate_file, c->secret,
	                c->secret_arg, (int64_t)(clock_wall_ms() / 1000), e))
		return -1;
	if (!ask_signed(k, scope, r, *k->alg, t, a, e))
		return 0;
	if (*k->alg != SIGN_PS256 || (only && *only) || !may_be_alg(a))
		return -1;
	log_msg("sign-in: PS256 was refused, trying RS256");
	struct err other = { 0 };
	if (ask_signed(k, scope, r, SIGN_RS256, t, a, &other))
		return -1; /* what was said first is what counts */
	*k->alg = SIGN_RS256;
	return 0;
}

int ask_app(const struct oauth_talk *k, enum oauth_resource r,
            struct oauth_tokens *t, struct err *e)
{
	CLEANUP(free_p) char *scope = app_scope(&k->config->cloud, r);
	CLEANUP(answer_release) struct answer a = { 0 };

	if (!scope)
		return err_memory(e);
	if (k->config->way == OAUTH_CERTIFICATE)
		return ask_certificate(k, scope, r, t, &a, e);
	return ask_secret(k, scope, r, t, &a, e);
}

/* --- refresh ------------------------------------------------------------ */

int ask_refresh(const struct oauth_talk *k, enum oauth_resource r,
                struct oauth_tokens *t, struct err *e)
{
	CLEANUP(free_p) char *scope = delegated_scope(&k->config->cloud, r);
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP(wipe_text_p) char *form = NULL;

	if (!scope)
		return err_memory(e);
	const char *const pairs[PAIRS] = {
		"grant_type",         "refresh_token", "client_id",
		k->config->client_id, "scope",         scope,
		"refresh_token",      t->refresh
	};
	form = http_form(pairs);
	if (!form)
		return err_memory(e);
	return ask_token(k, form, r, t, &a, e);
}

/* --- device code -------------------------------------------------------- */

struct device {
	char *url, *code, *message, *secret;
	unsigned interval_s;
	uint64_t ends_ms;
};

static void device_release(struct device *d)
{
	free(d->url);
	free(d->code);
	free(d->message);
	wipe_text(&d->secret);
}

static char *dup_of(const json_t *all, const char *name)
{
	const char *s = text_of(all, name);

	return s ? strdup(s) : NULL;
}

/* It is shown to a person who then types a password there. */
static bool is_page(const char *url)
{
	return url && (!strncmp(url, "https://", 8) ||
	               !strncmp(url, "http://127.0.0.1", 16));
}

static int take_device(const struct answer *a, struct device *d,
                       unsigned *expires_s, struct err *e)
{
	CLEANUP(json_decref_p) json_t *all = object_of(a);

	d->url = dup_of(all, "verification_uri");
	if (!d->url)
		d->url = dup_of(all, "verification_url");
	d->code = dup_of(all, "user_code");
	d->message = dup_of(all, "message");
	d->secret = dup_of(all, "device_code");
	d->interval_s = (unsigned)number_of(all, "interval", INTERVAL_S,
	                                    INTERVAL_MOST_S);
	*expires_s = (unsigned)number_of(all, "expires_in", EXPIRES_S, 86400);
	d->ends_ms = clock_ms() + (uint64_t)*expires_s * 1000;
	if (!is_page(d->url) || !d->code || !*d->code || !d->secret)
		return strange(e, "no device code");
	return 0;
}

static int begin_device(const struct oauth_talk *k, struct device *d,
                        struct err *e)
{
	CLEANUP(free_p)
	char *scope = delegated_scope(&k->config->cloud, OAUTH_GRAPH);
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP(wipe_text_p) char *form = NULL;
	const char *const pairs[PAIRS] = { "client_id", k->config->client_id,
		                           "scope", scope };
	struct device_code shown = { 0 };

	form = scope ? http_form(pairs) : NULL;
	if (!form)
		return err_memory(e);
	if (ask(k, "devicecode", form, &a, e))
		return -1;
	if (a.status < 200 || a.status >= 300)
		return refused(k, &a, e);
	if (take_device(&a, d, &shown.expires_s, e))
		return -1;
	shown.url = d->url;
	shown.code = d->code;
	shown.message = d->message;
	k->config->show(&shown, k->config->show_arg);
	return 0;
}

static void tick(const struct oauth_talk *k, const struct device *d)
{
	uint64_t now = clock_ms();

	if (k->config->tick)
		k->config->tick(now < d->ends_ms
		                        ? (unsigned)((d->ends_ms - now) / 1000)
		                        : 0,
		                k->config->show_arg);
}

/* The pause between two polls, told second by second. -1: cancelled. */
static int wait_for_person(const struct oauth_talk *k, const struct device *d)
{
	for (unsigned i = 0; i < d->interval_s; i++) {
		tick(k, d);
		if (rest(k, 1000))
			return -1;
	}
	return 0;
}

static int too_late(const struct oauth_talk *k, struct err *e)
{
	static const char late[] = "{\"error\":\"expired_token\"}";
	const struct answer a = { .status = 400,
		                  .body = { .p = (char *)late,
		                            .n = sizeof(late) - 1 } };

	return refused(k, &a, e);
}

/* One poll. 1: signed in, 0: not yet, -1: over. */
static int poll_once(const struct oauth_talk *k, const char *url,
                     const char *form, struct device *d, struct oauth_tokens *t,
                     struct err *e)
{
	CLEANUP(answer_release) struct answer a = { 0 };
	CLEANUP(json_decref_p) json_t *all = NULL;
	int64_t asked = (int64_t)(clock_wall_ms() / 1000);
	struct err why = { 0 };
	char error[64];
	int rc = send_form(k, url, form, &a, &why);

	if (is_passing(&a, rc, &why)) /* the person has more patience */
		return 0;
	if (rc) {
		if (e)
			*e = why;
		return -1;
	}
	if (a.status >= 200 && a.status < 300) {
		all = object_of(&a);
		if (take_tokens(all, OAUTH_GRAPH, asked, t, e))
			return -1;
		return take_account(all, t) ? err_memory(e) : 1;
	}
	oauth_error_name(a.body.p, a.body.n, error, sizeof(error));
	if (!strcmp(error, "authorization_pending"))
		return 0;
	if (strcmp(error, "slow_down") != 0)
		return refused(k, &a, e);
	d->interval_s += 5;
	return 0;
}

static int poll_device(const struct oauth_talk *k, struct device *d,
                       bool (*enough)(void *arg), void *arg,
                       struct oauth_tokens *t, struct err *e)
{
	CLEANUP(free_p) char *url = endpoint(k, "token");
	CLEANUP(wipe_text_p) char *form = NULL;
	const char *const pairs[PAIRS] = { "grant_type",  DEVICE_GRANT,
		                           "client_id",   k->config->client_id,
		                           "device_code", d->secret };

	form = http_form(pairs);
	if (!url || !form)
		return err_memory(e);
	while (clock_ms() < d->ends_ms) {
		int rc;

		if (wait_for_person(k, d))
			return stopped(e);
		rc = poll_once(k, url, form, d, t, e);
		if (rc)
			return rc < 0 ? -1 : 0;
		if (enough && enough(arg))
			return 0;
	}
	return too_late(k, e);
}

int ask_device(const struct oauth_talk *k, bool (*enough)(void *arg), void *arg,
               struct oauth_tokens *t, struct err *e)
{
	CLEANUP(device_release) struct device d = { 0 };
	int rc = begin_device(k, &d, e);

	if (!rc)
		rc = poll_device(k, &d, enough, arg, t, e);
	if (!rc && t->access[OAUTH_GRAPH].token && !t->refresh)
		rc = err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_SIGN_IN,
		              "Microsoft signed you in, but only for an hour: "
		              "a rule of the organisation forbids longer "
		              "sign-ins (no refresh token). Use a registration "
		              "with --client-certificate.");
	if (d.url && k->config->tick)
		k->config->tick(0, k->config->show_arg);
	return rc;
}

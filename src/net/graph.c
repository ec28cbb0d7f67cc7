/* SPDX-License-Identifier: Apache-2.0 */
/* graph.c - see graph.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "net/graph_int.h"
#include "net/stream_int.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/step.h"

enum { REPEATS = 5, HEADERS_MOST = 16, GUID_LEN = 37 };

/* What became of one sending. */
enum outcome { DONE, AGAIN, FAILED };

/* --- Handles ------------------------------------------------------------ */

static int our_fault(const char *what, struct err *e)
{
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
	               "mailhaul asked Microsoft 365 in a wrong way. Nothing "
	               "was changed. Please report it with the log.",
	               "%s", what);
}

static char *user_path(const char *user)
{
	CLEANUP(free_p) char *escaped = http_escape(user);
	struct buf b = BUF_INIT(0);

	if (!escaped || buf_fmt(&b, "/users/%s", escaped))
		return NULL;
	return buf_take(&b);
}

int graph_open(struct graph **out, const struct account *a, struct err *e)
{
	struct graph *g;

	*out = NULL;
	if (!a->graph_url || !a->oauth || !a->user)
		return our_fault("graph_url, oauth or user missing", e);
	g = calloc(1, sizeof *g);
	if (!g)
		return err_memory(e);
	g->a = a;
	g->user = user_path(a->user);
	if (g->user && http_open(&g->http, a, e) == 0) {
		*out = g;
		return 0;
	}
	bool memory = !g->user;

	graph_close(&g);
	return memory ? err_memory(e) : -1;
}

static void forget_token(struct graph *g)
{
	if (g->token)
		explicit_bzero(g->token, strlen(g->token));
	free(g->token);
	g->token = NULL;
	if (g->has_claims)
		claims_release(&g->claims);
	g->has_claims = false;
}

void graph_close(struct graph **gp)
{
	struct graph *g = *gp;

	*gp = NULL;
	if (!g)
		return;
	forget_token(g);
	http_close(&g->http);
	free(g->user);
	free(g);
}

const char *graph_user(const struct graph *g)
{
	return g->user;
}

int64_t graph_time(const struct graph *g)
{
	return g->time;
}

const struct claims *graph_claims(const struct graph *g)
{
	return g->has_claims ? &g->claims : NULL;
}

void graph_reply_release(struct graph_reply *r)
{
	json_decref(r->json);
	memset(r, 0, sizeof *r);
}

/* refused: g->token was; another is asked for. */
static int fetch_token(struct graph *g, bool refused, struct err *e)
{
	char *token = NULL;

	if (oauth_token(g->a->oauth, OAUTH_GRAPH, refused ? g->token : NULL,
	                &token, NULL, e))
		return -1;
	if (g->token && strcmp(g->token, token) == 0) {
		explicit_bzero(token, strlen(token));
		free(token);
		return 0;
	}
	forget_token(g);
	g->token = token;
	g->has_claims = oauth_claims(token, &g->claims, NULL) == 0;
	return 0;
}

/* --- One sending -------------------------------------------------------- */

/* What stays the same when a call is sent again. */
struct task {
	struct graph *g;
	const struct graph_call *c;
	char *url;
	bool repeat;
	unsigned requests;
	char request[sizeof "client-request-id: " + GUID_LEN];
	const char *headers[HEADERS_MOST + 3];
	unsigned tries; /* that may be counted */
	bool token_refused;
};

static void task_release(struct task *t)
{
	if (t->url && t->c->preauthenticated)
		explicit_bzero(t->url, strlen(t->url));
	free(t->url);
}

static void new_request_id(struct task *t)
{
	unsigned char o[16] = { 0 };

	if (getrandom(o, sizeof o, 0) != (ssize_t)sizeof o)
		o[0] = (unsigned char)clock_ms();
	o[6] = (unsigned char)((o[6] & 0x0f) | 0x40);
	o[8] = (unsigned char)((o[8] & 0x3f) | 0x80);
	snprintf(t->request, sizeof t->request,
	         "client-request-id: %02x%02x%02x%02x-%02x%02x-%02x%02x-"
	         "%02x%02x-%02x%02x%02x%02x%02x%02x",
	         o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7], o[8], o[9],
	         o[10], o[11], o[12], o[13], o[14], o[15]);
}

static const char *request_id(const struct task *t)
{
	return t->request + strlen("client-request-id: ");
}

static int fill_headers(struct task *t, struct err *e)
{
	size_t n = 0;

	if (!t->c->preauthenticated) {
		t->headers[n++] = "Prefer: IdType=\"ImmutableId\"";
		t->headers[n++] = t->request;
	}
	for (size_t i = 0; t->c->headers && t->c->headers[i]; i++) {
		if (i == HEADERS_MOST)
			return our_fault("too many header fields", e);
		t->headers[n++] = t->c->headers[i];
	}
	t->headers[n] = NULL;
	return 0;
}

static int foreign(const char *what, struct err *e)
{
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_PROTOCOL,
	               "Microsoft 365 named an address at another server. The "
	               "sign-in must not go there, so nothing was sent. Try "
	               "again later, or from another network.",
	               "%s", what);
}

static int fill_url(struct task *t, struct err *e)
{
	const struct graph_call *c = t->c;
	struct buf b = BUF_INIT(0);

	if (*c->path == '/') {
		if (buf_fmt(&b, "%s/%s%s", t->g->a->graph_url,
		            c->beta ? "beta" : "v1.0", c->path))
			return err_memory(e);
		t->url = b.p;
		return 0;
	}
	if (!c->preauthenticated &&
	    !http_same_origin(c->path, t->g->a->graph_url))
		return foreign("nextLink of another origin", e);
	t->url = strdup(c->path);
	return t->url ? 0 : err_memory(e);
}

static bool sends(const struct graph_call *c)
{
	return strcmp(c->method, "GET") != 0 && strcmp(c->method, "HEAD") != 0;
}

static struct http_request request_of(const struct task *t)
{
	const struct graph_call *c = t->c;
	struct http_request q = {
		.method = c->method,
		.url = t->url,
		.bearer = c->preauthenticated ? NULL : t->g->token,
		.type = c->type,
		.headers = t->headers,
		.body = c->body,
		.source = c->source,
		.source_arg = c->source_arg,
		.size = c->size,
		.sink = c->sink,
		.sink_arg = c->sink_arg,
		.secret_url = c->preauthenticated,
	};

	if (!q.type && (c->body || c->source))
		q.type = "application/json";
	return q;
}

/* A limit of the application, not of this mailbox: directory calls only. */
static bool of_application(const struct http_reply *h)
{
	return strncmp(h->scope, "Tenant", 6) == 0 ||
	       strncmp(h->scope, "Application", 11) == 0;
}

static void tell_refusal(struct gov_lease *l, const struct http_reply *h)
{
	if (of_application(h))
		governor_refused_all(l, h->retry_after_ms);
	else
		governor_refused(l, h->retry_after_ms);
}

static bool is_refusal(const struct http_reply *h)
{
	return h->status == 429 || h->status == 503 || h->status == 509;
}

static int send_once(struct task *t, struct http_reply *h, struct err *e)
{
	struct http_request q = request_of(t);
	struct gov_need need = { .octets = sends(t->c) ? t->c->size : 0,
		                 .requests = t->requests,
		                 .at_once = t->requests < 4 ? t->requests : 4 };
	struct gov_lease *lease = NULL;

	if (governor_enter_many(&lease, t->g->a,
	                        t->c->preauthenticated ? GOV_UPLOAD : GOV_GRAPH,
	                        &need, e))
		return -1;
	int rc = http_do(t->g->http, &q, h, e);

	if (rc == 0 && is_refusal(h))
		tell_refusal(lease, h);
	governor_leave(&lease);
	if (rc == 0 && h->date)
		t->g->time = h->date;
	return rc;
}

/* --- What an answer means ----------------------------------------------- */

int graph_pause(struct graph *g, unsigned tries, struct err *e)
{
	long scale = step_number("MAILHAUL_TEST_GOV_SCALE", 1);
	uint64_t ms = (1000u << tries) / (scale > 0 ? (uint64_t)scale : 1);
	uint64_t until = clock_ms() + ms;

	while (clock_ms() < until) {
		struct timespec ts = { 0, 100000000 };

		if (g->a->cancel && atomic_load(g->a->cancel))
			return stream_interrupted(e);
		nanosleep(&ts, NULL);
	}
	return 0;
}

static enum outcome wait_and_repeat(struct task *t, struct err *e)
{
	return graph_pause(t->g, t->tries++, e) ? FAILED : AGAIN;
}

/* No answer: again if that can't make two of one thing. */
static enum outcome no_answer(struct task *t, const struct http_reply *h,
                              struct err *e)
{
	bool passing = e->code == EC_CONN_LOST || e->code == EC_TIMEOUT ||
	               e->code == EC_CONNECT || e->code == EC_HOST_UNKNOWN;

	/* What a sink has taken can't be taken back. */
	bool safe = !h->sent || (t->repeat && !t->c->sink);

	err_detail(e, "client-request-id %s", request_id(t));
	if (passing && safe && t->tries < REPEATS) {
		log_msg("Graph: %s; again", e->detail);
		return wait_and_repeat(t, e);
	}
	if (passing)
		e->next = h->sent && !t->repeat ? NEXT_ASK : NEXT_RETRY;
	return FAILED;
}

/* The URL was all the permission there was, and it ends by itself. */
static void url_ended(const char *mailbox, struct err *e)
{
	char kept[sizeof e->detail];

	memcpy(kept, e->detail, sizeof kept);
	(void)err_setf(e, ERR_MESSAGE, NEXT_RETRY, EC_NOT_FOUND,
	               "Microsoft 365 has closed the way for a large upload to "
	               "%.100s. Nothing is lost: mailhaul begins it anew.",
	               mailbox);
	err_detail(e, "%s", kept);
}

static void why_not(struct task *t, const struct http_reply *h,
                    const struct graph_reply *r, struct err *e)
{
	const char *mailbox = t->g->a->user;

	graph_error(h->status, r->json, h->retry_after_ms, mailbox, e);
	if (!t->c->preauthenticated)
		graph_error_place(t->c->path, graph_claims(t->g), mailbox, e);
	else if (e->code == EC_SIGN_IN || e->code == EC_PERMISSION ||
	         e->code == EC_NOT_FOUND)
		url_ended(mailbox, e);
	/* The error's own JSON may have named it. */
	if (*h->request_id && !strstr(e->detail, h->request_id))
		err_detail(e, "request-id %s", h->request_id);
	err_detail(e, "client-request-id %s", request_id(t));
}

/* 500 and the like may come after the thing was done. */
static enum outcome unsure(struct task *t, const struct http_reply *h,
                           const struct graph_reply *r, struct err *e)
{
	if (t->repeat && t->tries < REPEATS)
		return wait_and_repeat(t, e);
	why_not(t, h, r, e);
	if (!t->repeat && (e->next == NEXT_RETRY || e->next == NEXT_WAIT))
		e->next = NEXT_ASK;
	return FAILED;
}

static enum outcome refused_token(struct task *t, const struct http_reply *h,
                                  const struct graph_reply *r, struct err *e)
{
	if (t->c->preauthenticated || t->token_refused) {
		why_not(t, h, r, e);
		return FAILED;
	}
	t->token_refused = true;
	return fetch_token(t->g, true, e) ? FAILED : AGAIN;
}

static enum outcome of_status(struct task *t, const struct http_reply *h,
                              const struct graph_reply *r, struct err *e)
{
	switch (h->status) {
	case 401:
		return refused_token(t, h, r, e);
	case 429:
	case 509:
		return AGAIN;
	case 503:
		/* No limit that was kept us out: what is behind the door may
		 * have done it. The wait that it names is obeyed anyhow. */
		return t->repeat ? AGAIN : unsure(t, h, r, e);
	default:
		if (h->status == 408 || (h->status >= 500 && h->status != 507))
			return unsure(t, h, r, e);
		why_not(t, h, r, e);
		return FAILED;
	}
}

static enum outcome not_json(struct task *t, const struct http_reply *h,
                             struct err *e)
{
	err_setf(e, ERR_ACCOUNT, t->repeat ? NEXT_RETRY : NEXT_ASK, EC_PROTOCOL,
	         "Microsoft 365 gave an answer for %.100s that cannot be read. "
	         "Nothing is lost; run the same command again.",
	         t->g->a->user);
	err_detail(e, "HTTP %d, no JSON; request-id %s, client-request-id %s",
	           h->status, h->request_id, request_id(t));
	return FAILED;
}

static enum outcome sort_out(struct task *t, const struct http_reply *h,
                             struct graph_reply *r, struct err *e)
{
	int hundreds = h->status / 100;

	json_decref(r->json);
	r->json = h->body.n ? json_loadb(h->body.p, h->body.n, JSON_ALLOW_NUL,
	                                 NULL)
	                    : NULL;
	r->status = h->status;
	r->date = h->date;
	memcpy(r->location, h->location, sizeof r->location);
	if (hundreds == 3 && *r->location)
		return DONE;
	if (hundreds != 2)
		return of_status(t, h, r, e);
	if (h->body.n && !r->json)
		return not_json(t, h, e);
	return DONE;
}

static enum outcome attempt(struct task *t, struct graph_reply *r,
                            struct err *e)
{
	struct http_reply h = { 0 };
	enum outcome o;

	new_request_id(t);
	if (!t->c->preauthenticated && fetch_token(t->g, false, e))
		return FAILED;
	if (send_once(t, &h, e) == 0)
		o = sort_out(t, &h, r, e);
	else
		o = no_answer(t, &h, e);
	http_reply_release(&h);
	return o;
}

int graph_call_as(struct graph *g, const struct graph_call *c, bool repeat,
                  unsigned n, struct graph_reply *r, struct err *e)
{
	CLEANUP(task_release)
	struct task t = { .g = g, .c = c, .repeat = repeat, .requests = n };
	struct err why = { 0 };
	enum outcome o;

	memset(r, 0, sizeof *r);
	if (fill_headers(&t, e) || fill_url(&t, e))
		return -1;
	do {
		err_clear(&why);
		o = attempt(&t, r, &why);
	} while (o == AGAIN);
	if (o == FAILED && e)
		*e = why;
	return o == DONE ? 0 : -1;
}

int graph_call(struct graph *g, const struct graph_call *c,
               struct graph_reply *r, struct err *e)
{
	return graph_call_as(g, c, !sends(c), 1, r, e);
}

/* --- Reading ------------------------------------------------------------ */

static int get(struct graph *g, const char *path, const char *const *headers,
               json_t **out, struct err *e)
{
	struct graph_call c = { .method = "GET",
		                .path = path,
		                .headers = headers };
	struct graph_reply r;

	*out = NULL;
	int rc = graph_call(g, &c, &r, e);

	if (rc == 0 && r.json)
		*out = json_incref(r.json);
	graph_reply_release(&r);
	if (rc == 0 && !*out)
		return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_PROTOCOL,
		               "Microsoft 365 gave an empty answer. Nothing is "
		               "lost; run the same command again.",
		               "GET %.200s", path);
	return rc;
}

int graph_get(struct graph *g, json_t **out, struct err *e, const char *fmt,
              ...)
{
	CLEANUP(free_p) char *path = NULL;
	va_list ap;

	*out = NULL;
	va_start(ap, fmt);
	int n = vasprintf(&path, fmt, ap);

	va_end(ap);
	if (n < 0) {
		path = NULL;
		return err_memory(e);
	}
	return get(g, path, NULL, out, e);
}

static void json_free(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

/* 0: *next is the following page, or NULL. */
static int page(struct graph *g, const char *path, const char *const *headers,
                graph_each_fn *each, void *arg, char **next, struct err *e)
{
	CLEANUP(json_free) json_t *json = NULL;
	json_t *item;
	size_t i;

	*next = NULL;
	if (get(g, path, headers, &json, e))
		return -1;
	json_array_foreach(json_object_get(json, "value"), i, item)
	{
		int rc = each(item, arg, e);

		if (rc)
			return rc;
	}
	const char *link =
	        json_string_value(json_object_get(json, "@odata.nextLink"));

	*next = link ? strdup(link) : NULL;
	return link && !*next ? err_memory(e) : 0;
}

/* $top is for listings; a delta takes its size from a header field. */
static char *first_page(const char *path, unsigned size)
{
	struct buf b = BUF_INIT(0);
	bool none = !size || strstr(path, "$top=") || strstr(path, "/delta");

	if (buf_str(&b, path) ||
	    (!none &&
	     buf_fmt(&b, "%c$top=%u", strchr(path, '?') ? '&' : '?', size)))
		return NULL;
	return b.p;
}

int graph_list(struct graph *g, const char *path, unsigned size,
               graph_each_fn *each, void *arg, struct err *e)
{
	bool delta = strstr(path, "/delta") != NULL;
	char prefer[48];
	const char *headers[] = { size && delta ? prefer : NULL, NULL };
	char *at = first_page(path, size);
	int rc = at ? 0 : err_memory(e);

	snprintf(prefer, sizeof prefer, "Prefer: odata.maxpagesize=%u", size);
	while (rc == 0 && at) {
		char *next = NULL;

		rc = page(g, at, headers, each, arg, &next, e);
		if (rc == 0 && next && strcmp(next, at) == 0)
			rc = foreign("nextLink that leads nowhere", e);
		free(at);
		at = next;
	}
	free(at);
	return rc;
}

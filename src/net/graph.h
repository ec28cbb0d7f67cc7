/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph.h - Microsoft Graph: one call with token, governor, retries of what
 * is safe to retry, and errors in our words. m365.md C.
 *
 *   graph_open(&g, account, &err);
 *   graph_get(g, "/users/%s/mailFolders/inbox", &json, &err, user)
 *   graph_call(g, &call, &reply, &err);
 *
 * Every request carries Prefer: IdType="ImmutableId" and a
 * client-request-id of its own; request-id and client-request-id stand in
 * the detail of every error. 401 gets a fresh token once. 429 is waited for
 * (told by account->waiting, obeyed exactly, by all who work for this
 * mailbox) and sent again: a refused call did nothing. So is a 503 of a GET.
 * 500, 502, 504 and lost answers: a GET is sent again (at most 5 times);
 * anything else is NEXT_ASK, because it may have happened, and so is a 503,
 * with Retry-After or without. What never left is sent again too.
 * One thread uses a handle at a time.
 */
#ifndef MAILHAUL_NET_GRAPH_H
#define MAILHAUL_NET_GRAPH_H

#include <jansson.h>

#include "net/http.h"
#include "net/oauth.h"

struct graph;

struct graph_call {
	const char *method;
	const char *path; /* from "/users/..." on, or a whole nextLink */
	bool beta;
	const char *type; /* NULL: application/json when there is a body */
	const char *const *headers;
	const char *body;
	http_source_fn *source;
	void *source_arg;
	uint64_t size;
	http_sink_fn *sink;
	void *sink_arg;
	/* An upload session's or import URL: whole, without our token and
	 * our header fields, and never logged. Not counted by the governor's
	 * at_once. */
	bool preauthenticated;
};

struct graph_reply {
	int status;
	json_t *json; /* of the answer, or NULL; the caller decrefs it */
	int64_t date; /* the server's Date, seconds */
	char location[2048];
};

int graph_open(struct graph **out, const struct account *a, struct err *e);
void graph_close(struct graph **g);
/* 0: status 2xx, or 3xx with location (not followed). -1: e says what,
 * reply->status as it was; reply->json then holds the error. Codes:
 * EC_QUOTA, EC_TOO_BIG, EC_PERMISSION, EC_CONSENT, EC_SIGN_IN,
 * EC_NO_MAILBOX, EC_FOLDER_GONE, EC_NOT_FOUND, EC_EXISTS, EC_CONTENT,
 * EC_THROTTLED, EC_TIMEOUT, EC_CONN_LOST, EC_INTERRUPTED,
 * EC_SERVER_NO, EC_PROTOCOL, and those of http.h and oauth.h. A
 * preauthenticated URL that is refused is EC_NOT_FOUND with NEXT_RETRY:
 * begin that upload anew. */
int graph_call(struct graph *g, const struct graph_call *c,
               struct graph_reply *r, struct err *e);
void graph_reply_release(struct graph_reply *r);
/* GET of a path made by a printf format; *out is the caller's. */
int graph_get(struct graph *g, json_t **out, struct err *e, const char *fmt,
              ...) __attribute__((format(printf, 4, 5)));
/* All pages of a listing: each element of "value" to each (borrowed);
 * non-zero from it stops and is returned. Follows @odata.nextLink verbatim,
 * but not to another server. page: elements of one page, 0: the server's
 * own choice. */
typedef int graph_each_fn(json_t *item, void *arg, struct err *e);
int graph_list(struct graph *g, const char *path, unsigned page,
               graph_each_fn *each, void *arg, struct err *e);
/* Up to 20 calls in one $batch; answers in the order of the calls, each
 * with status and body; 429 inside is waited for and sent again. GET and
 * PATCH only (what may be repeated). A part's own failure is in its status
 * (graph_error() puts it into words), not in the result. */
#define GRAPH_BATCH_MOST 20u
struct graph_part {
	const char *method;
	char *url;      /* from "/users/" on; malloc'd */
	json_t *body;   /* or NULL */
	int status;     /* out */
	json_t *answer; /* out, or NULL */
};
int graph_batch(struct graph *g, struct graph_part *v, size_t n, struct err *e);
void graph_parts_release(struct graph_part *v, size_t n);

/* "/users/ann%40contoso.com" of the account; borrowed. */
const char *graph_user(const struct graph *g);
/* The server's time (Date of its last answer), seconds; 0: none yet. */
int64_t graph_time(const struct graph *g);
/* What its token may; borrowed, NULL before the first call. */
const struct claims *graph_claims(const struct graph *g);

/* Classifies an answer that is none of 2xx; pure but for e. json may be
 * NULL. mailbox: whose, for the sentence. */
int graph_error(int status, const json_t *json, uint64_t retry_after_ms,
                const char *mailbox, struct err *e);

/*
 * After graph_error(), what the call itself adds: 404 of something within a
 * folder means that the folder is gone (EC_FOLDER_GONE), and 403 names the
 * right that is missing in the token (EC_CONSENT) or says that a policy of
 * the tenant stands against it. c may be NULL. Pure but for e.
 */
void graph_error_place(const char *path, const struct claims *c,
                       const char *mailbox, struct err *e);
/* The right that a path needs: "Mail.ReadWrite". Static. */
const char *graph_right(const char *path, bool app_only);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_attach.c - attachments that go apart from their message: small ones
 * by one POST, others by an upload session, m365.md C.6.
 *
 * The session's address is a secret: whoever has it may write.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/buf.h"
#include "util/log.h"
#include "util/step.h"
#include "writer/graph_writer.h"

#define TRIES 5
#define CHUNK ((uint64_t)11 * 320 * 1024) /* below 4 MB, as they ask */
#define PAUSE_MS 1000

struct attaching {
	struct graph_worker *k;
	const char *copy;
	struct graph_attachment a;
	struct body octets;
	size_t before; /* attachments that the copy has without it */
	unsigned tries;
};

/* --- is it there? --------------------------------------------------------- */

static int count_one(json_t *item, void *arg, struct err *e)
{
	(void)item;
	(void)e;
	++*(size_t *)arg;
	return 0;
}

int graph_attachments(struct graph *g, const char *copy, size_t *n,
                      struct err *e)
{
	char *path CLEANUP(free_p) =
	        graph_copy_path(g, copy, "/attachments?$select=id");

	*n = 0;
	if (!path)
		return err_memory(e);
	return graph_list(g, path, 100, count_one, n, e);
}

/* 1: it is there, 0: it is not, -1. */
static int is_there(struct attaching *t, struct err *e)
{
	struct err why = *e;
	size_t n;

	if (graph_attachments(t->k->g, t->copy, &n, e))
		return -1;
	*e = why;
	if (n == t->before)
		return 0;
	if (n == t->before + 1)
		return 1;
	return err_set(e, ERR_MESSAGE, NEXT_RETRY, EC_PROTOCOL,
	               "Microsoft 365 lost count of a message's attachments. "
	               "mailhaul sends the message again.",
	               "%zu attachments, %zu before", n, t->before);
}

/* Whether what failed may be tried again; waits a little. */
static bool once_more(struct attaching *t, int status, const struct err *e)
{
	long unit = step_number("MAILHAUL_TEST_SEARCH_MS", PAUSE_MS);
	bool may = status == 409 || status == 412 || e->next == NEXT_ASK ||
	           e->next == NEXT_RETRY || e->next == NEXT_WAIT;

	if (!may || e->code == EC_INTERRUPTED || ++t->tries >= TRIES)
		return false;
	log_msg("graph: attachment: %s (%s); again", e->text, e->detail);
	return graph_rest(t->k, (uint64_t)unit << (t->tries - 1));
}

/* --- one POST ------------------------------------------------------------- */

static json_t *describe(const struct graph_attachment *a)
{
	json_t *json = json_pack("{s:s, s:s, s:s, s:b}", "@odata.type",
	                         "#microsoft.graph.fileAttachment", "name",
	                         a->name, "contentType", a->type, "isInline",
	                         (int)a->is_inline);

	if (json && a->content_id)
		json_object_set_new(json, "contentId",
		                    json_string(a->content_id));
	return json;
}

/* The description with the octets as its last member. */
static int make_post(const struct attaching *t, struct body *out, struct err *e)
{
	json_t *json = describe(&t->a);
	char *text CLEANUP(free_p) =
	        json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (!text)
		return err_memory(e);
	if (body_append(out, text, strlen(text) - 1, e) ||
	    body_append(out, ",\"contentBytes\":\"", 17, e) ||
	    graph_add_base64(out, &t->octets, e))
		return -1;
	return body_append(out, "\"}", 2, e);
}

static int post(struct attaching *t, struct body *json, struct err *e)
{
	char *path CLEANUP(free_p) =
	        graph_copy_path(t->k->g, t->copy, "/attachments");
	struct graph_call c = { .method = "POST",
		                .path = path,
		                .source = graph_body_source,
		                .source_arg = json,
		                .size = json->size };
	struct graph_reply r = { 0 };
	int failed = path ? graph_call(t->k->g, &c, &r, e) : err_memory(e);

	while (failed && once_more(t, r.status, e)) {
		int there = e->next == NEXT_ASK ? is_there(t, e) : 0;

		if (there)
			failed = there < 0 ? -1 : 0;
		if (there)
			break;
		graph_reply_release(&r);
		memset(&r, 0, sizeof(r));
		failed = graph_call(t->k->g, &c, &r, e);
	}
	graph_reply_release(&r);
	return failed;
}

static int attach_small(struct attaching *t, struct err *e)
{
	const struct account *a = t->k->w->a;
	struct body json;
	int failed;

	body_init(&json, a->body_limit, a->spool_dir);
	failed = make_post(t, &json, e) || post(t, &json, e);
	body_release(&json);
	return failed ? -1 : 0;
}

/* --- upload session ------------------------------------------------------- */

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

/* The members of a session are written in different cases. */
static json_t *member(const json_t *json, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return value;
	}
	return NULL;
}

/* Where the next octet goes. False: none is expected, all is there. */
static bool expected(const json_t *json, uint64_t *at)
{
	const char *range = json_string_value(
	        json_array_get(member(json, "nextExpectedRanges"), 0));
	char *end;
	unsigned long long n;

	if (!range)
		return false;
	errno = 0;
	n = strtoull(range, &end, 10);
	if (end == range || errno)
		return false;
	*at = n;
	return true;
}

static int open_session(struct attaching *t, char **url, struct err *e)
{
	char *path CLEANUP(free_p) = graph_copy_path(
	        t->k->g, t->copy, "/attachments/createUploadSession");
	json_t *item = json_pack("{s:s, s:s, s:I, s:b, s:s}", "attachmentType",
	                         "file", "name", t->a.name, "size",
	                         (json_int_t)t->octets.size, "isInline",
	                         (int)t->a.is_inline, "contentType", t->a.type);
	json_t *json;
	char *text CLEANUP(free_p) = NULL;
	struct graph_reply r = { 0 };
	struct graph_call c = { .method = "POST", .path = path };
	const char *told;
	int failed;

	if (item && t->a.content_id)
		json_object_set_new(item, "contentId",
		                    json_string(t->a.content_id));
	json = json_pack("{s:o}", "AttachmentItem", item);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text || !path)
		return err_memory(e);
	c.body = text;
	c.size = strlen(text);
	failed = graph_call(t->k->g, &c, &r, e);
	/* A session that nobody uses ends by itself. */
	while (failed && once_more(t, r.status, e)) {
		graph_reply_release(&r);
		memset(&r, 0, sizeof(r));
		failed = graph_call(t->k->g, &c, &r, e);
	}
	told = failed ? NULL : json_string_value(member(r.json, "uploadUrl"));
	*url = told ? strdup(told) : NULL;
	if (told)
		explicit_bzero((char *)(uintptr_t)told, strlen(told));
	graph_reply_release(&r);
	if (failed || *url)
		return failed;
	return err_set(e, ERR_MESSAGE, NEXT_RETRY, EC_PROTOCOL,
	               "Microsoft 365 did not say where to put a large "
	               "attachment. mailhaul sends the message again.",
	               "%s", "no uploadUrl");
}

struct piece {
	const struct body *b;
	uint64_t from;
};

static ssize_t piece_source(void *arg, uint64_t offset, void *buf, size_t n,
                            struct err *e)
{
	const struct piece *p = arg;

	return body_read(p->b, p->from + offset, buf, n, e);
}

/* Octets from *at on; *at moves to where the service wants the next. 1: it
 * has all of them. */
static int put_piece(struct attaching *t, const char *url, uint64_t *at,
                     int *status, struct err *e)
{
	uint64_t total = t->octets.size;
	uint64_t n = total - *at < CHUNK ? total - *at : CHUNK;
	struct piece p = { &t->octets, *at };
	struct graph_reply r = { 0 };
	char range[96];
	const char *const headers[] = { range, NULL };
	struct graph_call c = { .method = "PUT",
		                .path = url,
		                .type = "application/octet-stream",
		                .headers = headers,
		                .source = piece_source,
		                .source_arg = &p,
		                .size = n,
		                .preauthenticated = true };
	uint64_t next = *at + n;
	int failed;

	snprintf(range, sizeof(range),
	         "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, *at,
	         *at + n - 1, total);
	failed = graph_call(t->k->g, &c, &r, e);
	*status = r.status;
	if (!failed && r.status != 201 && expected(r.json, &next))
		*at = next < total ? next : total - 1;
	else if (!failed && *at + n == total)
		failed = 1;
	else if (!failed)
		failed = err_set(e, ERR_MESSAGE, NEXT_RETRY, EC_PROTOCOL,
		                 "Microsoft 365 did not say how much of a "
		                 "large attachment it has. mailhaul sends it "
		                 "again.",
		                 "%s", "no nextExpectedRanges");
	graph_reply_release(&r);
	return failed;
}

/* What the service has got so far. 1: the session is no more. */
static int ask_session(struct attaching *t, const char *url, uint64_t *at,
                       struct err *e)
{
	struct graph_call c = { .method = "GET",
		                .path = url,
		                .preauthenticated = true };
	struct graph_reply r = { 0 };
	uint64_t next = 0;
	int failed = graph_call(t->k->g, &c, &r, e);
	bool ended = failed ? r.status >= 400 && r.status < 500
	                    : !expected(r.json, &next);

	if (ended)
		failed = 1;
	else if (!failed)
		*at = next < t->octets.size ? next : t->octets.size - 1;
	graph_reply_release(&r);
	return failed;
}

static int lost_its_way(struct err *e)
{
	return err_set(e, ERR_MESSAGE, NEXT_RETRY, EC_PROTOCOL,
	               "Microsoft 365 asks for the same part of a large "
	               "attachment again and again. mailhaul sends the "
	               "message again later.",
	               "%s", "no progress in an upload session");
}

/* 1: all is there; 0: the session has ended without it. */
static int upload(struct attaching *t, const char *url, struct err *e)
{
	uint64_t at = 0, most = 0;
	int status, done;

	while ((done = put_piece(t, url, &at, &status, e)) <= 0) {
		int ended;

		if (done == 0) {
			if (at > most)
				t->tries = 0;
			else if (++t->tries >= TRIES)
				return lost_its_way(e);
			most = at > most ? at : most;
			continue;
		}
		if (!once_more(t, status, e))
			return status == 404 || status == 410 ? 0 : -1;
		ended = ask_session(t, url, &at, e);
		if (ended < 0 && !once_more(t, 0, e))
			return -1;
		if (ended > 0)
			return is_there(t, e);
	}
	return 1;
}

static int attach_large(struct attaching *t, struct err *e)
{
	char *url CLEANUP(wipe) = NULL;
	int done = 0;

	while (!done) {
		wipe(&url);
		if (open_session(t, &url, e))
			return -1;
		done = upload(t, url, e);
		if (!done && ++t->tries >= TRIES)
			return -1;
	}
	return done < 0 ? -1 : 0;
}

int graph_attach(struct graph_worker *k, const char *copy,
                 struct graph_mail *mail, size_t i, size_t before,
                 struct err *e)
{
	const struct account *a = k->w->a;
	struct attaching t = { .k = k, .copy = copy, .before = before };
	int failed;

	graph_mail_attachment(mail, i, &t.a);
	body_init(&t.octets, a->body_limit, a->spool_dir);
	failed = graph_mail_octets(mail, i, &t.octets, e);
	if (!failed)
		failed = t.octets.size < GRAPH_INLINE_MOST
		                 ? attach_small(&t, e)
		                 : attach_large(&t, e);
	body_release(&t.octets);
	return failed;
}

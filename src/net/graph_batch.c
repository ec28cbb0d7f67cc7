/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_batch.c - several small calls in one request. m365.md C.9.
 *
 * A batch saves round trips and nothing else: each part counts, and up to
 * four of them reach the mailbox at once, so a batch takes as many places.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/graph_int.h"

enum { REPEATS = 5 };

static void json_free(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}

static json_t *part_json(const struct graph_part *p, size_t i)
{
	char id[24];

	snprintf(id, sizeof id, "%zu", i);
	json_t *o = json_pack("{ss ss ss s{ss}}", "id", id, "method", p->method,
	                      "url", p->url, "headers", "Prefer",
	                      "IdType=\"ImmutableId\"");

	if (!o || !p->body)
		return o;
	if (json_object_set(o, "body", p->body) ||
	    json_object_set_new(json_object_get(o, "headers"), "Content-Type",
	                        json_string("application/json")))
		json_free(&o);
	return o;
}

/* What has no status yet; *count of them. malloc'd. */
static char *batch_text(const struct graph_part *v, size_t n, unsigned *count)
{
	CLEANUP(json_free) json_t *all = json_object();
	json_t *list = json_array();

	*count = 0;
	if (json_object_set_new(all, "requests", list))
		return NULL;
	for (size_t i = 0; i < n; i++) {
		if (v[i].status)
			continue;
		if (json_array_append_new(list, part_json(v + i, i)))
			return NULL;
		++*count;
	}
	return json_dumps(all, JSON_COMPACT);
}

/* --- Answers ------------------------------------------------------------ */

static uint64_t retry_after_ms(const json_t *response)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(response, "headers"), name, value)
	{
		const char *s = json_string_value(value);

		if (strcasecmp(name, "Retry-After") == 0 && s)
			return strtoul(s, NULL, 10) % 86400 * 1000;
	}
	return 0;
}

static struct graph_part *part_of(struct graph_part *v, size_t n,
                                  const json_t *response)
{
	const char *id = json_string_value(json_object_get(response, "id"));
	char *end = NULL;
	unsigned long i = id ? strtoul(id, &end, 10) : n;

	return id && *id && !*end && i < n ? v + i : NULL;
}

static bool is_refusal(int status)
{
	return status == 429 || status == 503 || status == 509;
}

static bool passes(int status)
{
	return status == 408 || (status >= 500 && status != 507);
}

struct round {
	unsigned answered; /* for good */
	bool refused;
	uint64_t wait_ms;
};

static void take(struct graph_part *p, const json_t *response, bool last,
                 struct round *r)
{
	json_t *status = json_object_get(response, "status");
	int code = (int)json_integer_value(status);

	if (is_refusal(code)) {
		uint64_t wait = retry_after_ms(response);

		r->refused = true;
		r->wait_ms = wait > r->wait_ms ? wait : r->wait_ms;
		return;
	}
	if (code < 100 || code > 599 || (passes(code) && !last))
		return;
	p->status = code;
	p->answer = json_incref(json_object_get(response, "body"));
	r->answered++;
}

static void take_all(struct graph_part *v, size_t n, const json_t *answer,
                     bool last, struct round *r)
{
	json_t *response;
	size_t i;

	json_array_foreach(json_object_get(answer, "responses"), i, response)
	{
		struct graph_part *p = part_of(v, n, response);

		if (p && !p->status)
			take(p, response, last, r);
	}
}

/* --- Rounds ------------------------------------------------------------- */

static int send_round(struct graph *g, struct graph_part *v, size_t n,
                      bool last, struct round *r, struct err *e)
{
	unsigned count;
	CLEANUP(free_p) char *text = batch_text(v, n, &count);
	struct graph_call c = { .method = "POST",
		                .path = "/$batch",
		                .body = text,
		                .size = text ? strlen(text) : 0 };
	struct graph_reply reply;

	if (!text)
		return err_memory(e);
	int rc = graph_call_as(g, &c, true, count, &reply, e);

	if (rc == 0)
		take_all(v, n, reply.json, last, r);
	graph_reply_release(&reply);
	if (rc == 0 && r->refused)
		governor_refused_late(g->a, GOV_GRAPH, r->wait_ms);
	return rc;
}

static bool all_answered(const struct graph_part *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!v[i].status)
			return false;
	return true;
}

int graph_batch(struct graph *g, struct graph_part *v, size_t n, struct err *e)
{
	unsigned vain = 0;

	if (n > GRAPH_BATCH_MOST)
		return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		               "mailhaul asked Microsoft 365 in a wrong way. "
		               "Nothing was changed. Please report it with the "
		               "log.",
		               "%s", "a batch of more than 20");
	for (size_t i = 0; i < n; i++) {
		v[i].status = 0;
		v[i].answer = NULL;
	}
	while (!all_answered(v, n)) {
		struct round r = { 0 };

		if (send_round(g, v, n, vain == REPEATS, &r, e))
			return -1;
		if (r.refused || r.answered)
			continue;
		if (vain == REPEATS)
			return err_set(e, ERR_ACCOUNT, NEXT_RETRY, EC_PROTOCOL,
			               "Microsoft 365 did not answer all that "
			               "it was asked. Nothing is lost; run the "
			               "same command again.",
			               "%s", "parts missing in $batch");
		if (graph_pause(g, vain++, e))
			return -1;
	}
	return 0;
}

void graph_parts_release(struct graph_part *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].url);
		json_decref(v[i].body);
		json_decref(v[i].answer);
		v[i].url = NULL;
		v[i].body = v[i].answer = NULL;
	}
}

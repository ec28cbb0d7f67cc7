/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_graph.c - what is sent again and what is not, against a web server
 * in a thread. The sign-in is played here: tokens "t1", "t2", ...
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "http_fake.h"
#include "net/graph.h"

static unsigned tokens;

int oauth_token(struct oauth *o, enum oauth_resource r, const char *refused,
                char **out, uint64_t *ends_ms, struct err *e)
{
	char text[16];

	assert_int_equal(r, OAUTH_GRAPH);
	if (refused) {
		snprintf(text, sizeof text, "t%u", tokens);
		assert_string_equal(refused, text);
		tokens++;
	}
	snprintf(text, sizeof text, "t%u", tokens);
	*out = strdup(text);
	return *out ? 0 : err_memory(e);
}

struct world {
	struct fake fake;
	struct account account;
	struct graph *graph;
	struct graph_reply reply;
	struct err err;
	char url[64], user[32];
	unsigned told;
};

static void on_waiting(void *arg, const char *what, uint64_t until_ms)
{
	((struct world *)arg)->told++;
}

/* Each world has a mailbox, and so a budget, of its own. */
static void world_begin(struct world *w, const struct fake_step *steps)
{
	static unsigned n;

	tokens = 1;
	fake_start(&w->fake, steps);
	snprintf(w->url, sizeof w->url, "http://127.0.0.1:%u", w->fake.port);
	snprintf(w->user, sizeof w->user, "u%u@contoso.com", n++);
	w->account.user = w->user;
	w->account.graph_url = w->url;
	w->account.oauth = (struct oauth *)&tokens;
	w->account.waiting = on_waiting;
	w->account.waiting_arg = w;
	assert_int_equal(graph_open(&w->graph, &w->account, &w->err), 0);
}

static int call(struct world *w, const char *method, const char *path)
{
	bool get = strcmp(method, "GET") == 0;
	struct graph_call c = { .method = method,
		                .path = path,
		                .body = get ? NULL : "{}",
		                .size = get ? 0 : 2 };

	graph_reply_release(&w->reply);
	err_clear(&w->err);
	return graph_call(w->graph, &c, &w->reply, &w->err);
}

static void world_end(struct world *w)
{
	graph_reply_release(&w->reply);
	graph_close(&w->graph);
	fake_stop(&w->fake);
}

#define LENGTH "Content-Length: *\r\n\r\n"
#define JSON(status, more, body) "HTTP/1.1 " status "\r\n" more LENGTH body
#define OK JSON("200 OK", "", "{\"a\":1}")
#define EMPTY(status, more) JSON(status, more, "")

static bool was_sent(const struct world *w, const char *words)
{
	return strstr(w->fake.request, words) != NULL;
}

static void a_call_as_it_leaves(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK },
		                                  { FAKE_KEEP, OK },
		                                  { FAKE_KEEP, OK } };
	static const char *const more[] = { "Prefer: other", NULL };
	struct world w = { 0 };
	struct graph_call c = { .method = "POST",
		                .path = "/x",
		                .beta = true,
		                .type = "text/plain",
		                .headers = more,
		                .body = "b",
		                .size = 1 };

	world_begin(&w, steps);
	assert_string_equal(graph_user(w.graph) + 9, "%40contoso.com");
	assert_int_equal(call(&w, "POST", "/users/x"), 0);
	assert_true(was_sent(&w, "POST /v1.0/users/x HTTP"));
	assert_true(was_sent(&w, "Authorization: Bearer t1\r\n"));
	assert_true(was_sent(&w, "Prefer: IdType=\"ImmutableId\"\r\n"));
	assert_true(was_sent(&w, "client-request-id: "));
	assert_true(was_sent(&w, "Content-Type: application/json\r\n"));
	assert_int_equal(json_integer_value(json_object_get(w.reply.json, "a")),
	                 1);
	graph_reply_release(&w.reply);
	assert_int_equal(graph_call(w.graph, &c, &w.reply, &w.err), 0);
	assert_true(was_sent(&w, "POST /beta/x HTTP"));
	assert_true(was_sent(&w, "Content-Type: text/plain\r\n"));
	assert_true(was_sent(&w, "Prefer: other\r\n"));
	/* A URL that is its own permission gets nothing of ours. */
	char url[96];

	snprintf(url, sizeof url, "http://127.0.0.1:%u/up?authtoken=s",
	         w.fake.port);
	c = (struct graph_call){ .method = "PUT",
		                 .path = url,
		                 .body = "b",
		                 .size = 1,
		                 .preauthenticated = true };
	graph_reply_release(&w.reply);
	assert_int_equal(graph_call(w.graph, &c, &w.reply, &w.err), 0);
	assert_true(was_sent(&w, "PUT /up?authtoken=s HTTP"));
	assert_false(was_sent(&w, "Authorization"));
	assert_false(was_sent(&w, "Prefer"));
	world_end(&w);
}

static void a_refused_token_is_replaced_once(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP, EMPTY("401 No", "") },
		{ FAKE_KEEP, OK },
		{ FAKE_KEEP, EMPTY("401 No", "") },
		{ FAKE_KEEP, EMPTY("401 No", "request-id: r-9\r\n") },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(call(&w, "POST", "/x"), 0);
	assert_true(was_sent(&w, "Bearer t2\r\n"));
	assert_int_equal(call(&w, "POST", "/x"), -1);
	assert_int_equal(w.err.code, EC_SIGN_IN);
	assert_non_null(strstr(w.err.detail, "r-9"));
	assert_non_null(strstr(w.err.detail, "client-request-id "));
	assert_int_equal(atomic_load(&w.fake.at), 4);
	world_end(&w);
}

static void a_refusal_is_waited_for(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP, EMPTY("429 Slow", "Retry-After: 1\r\n") },
		{ FAKE_KEEP, OK },
		{ FAKE_KEEP, EMPTY("503 Slow", "Retry-After: 1\r\n") },
		{ FAKE_KEEP, OK },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(call(&w, "POST", "/x"), 0);
	assert_int_equal(atomic_load(&w.fake.at), 2);
	assert_int_equal(call(&w, "GET", "/x"), 0);
	assert_int_equal(atomic_load(&w.fake.at), 4);
	/* A second is not worth telling. */
	assert_int_equal(w.told, 0);
	world_end(&w);
}

static void a_get_is_sent_again(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("504 No", "") },
		{ FAKE_DROP, NULL },
		{ FAKE_KEEP, EMPTY("502 No", "") },
		{ FAKE_KEEP, OK },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(call(&w, "GET", "/x"), 0);
	assert_int_equal(atomic_load(&w.fake.at), 5);
	assert_int_equal(call(&w, "GET", "/x"), -1);
	assert_int_equal(atomic_load(&w.fake.at), 11);
	assert_int_equal(w.err.code, EC_SERVER_NO);
	assert_int_equal(w.err.next, NEXT_RETRY);
	world_end(&w);
}

static void a_post_is_asked_about(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP, EMPTY("504 No", "") },
		{ FAKE_KEEP, EMPTY("500 No", "") },
		{ FAKE_KEEP, EMPTY("503 No", "") },
		{ FAKE_KEEP, EMPTY("503 No", "Retry-After: 1\r\n") },
		{ FAKE_DROP, NULL },
		{ FAKE_KEEP, JSON("201 Made", "", "<html") },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(call(&w, "POST", "/x"), -1);
		assert_int_equal(w.err.next, NEXT_ASK);
		assert_int_equal(atomic_load(&w.fake.at), i + 1);
	}
	world_end(&w);
}

static void errors_come_with_their_json(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP,
		  JSON("400 No", "",
		       "{\"error\":{\"code\":\"ErrorFolderExists\"}}") },
		{ FAKE_KEEP, EMPTY("404 No", "") },
		{ FAKE_KEEP, EMPTY("302 No", "Location: https://x/y\r\n") },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(call(&w, "POST", "/x"), -1);
	assert_int_equal(w.err.code, EC_EXISTS);
	assert_int_equal(w.reply.status, 400);
	assert_non_null(w.reply.json);
	assert_int_equal(call(&w, "POST", "/users/x/mailFolders/y/messages"),
	                 -1);
	assert_int_equal(w.err.code, EC_FOLDER_GONE);
	assert_int_equal(call(&w, "GET", "/reports/x"), 0);
	assert_string_equal(w.reply.location, "https://x/y");
	world_end(&w);
}

/* --- Listings ----------------------------------------------------------- */

static int add(json_t *item, void *arg, struct err *e)
{
	unsigned *sum = arg;

	*sum = *sum * 10 + (unsigned)json_integer_value(item);
	return *sum > 100 ? 7 : 0;
}

static char *page(const struct world *w, const char *host, const char *list)
{
	struct buf b = BUF_INIT(0), body = BUF_INIT(0);

	buf_fmt(&body,
	        "{\"value\":[%s],\"@odata.nextLink\":"
	        "\"http://%s:%u/v1.0/x?$skip=%%2B1\"}",
	        list, host, w->fake.port);
	buf_fmt(&b, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", body.n,
	        body.p);
	buf_release(&body);
	return b.p;
}

static void pages_are_followed_verbatim(void **state)
{
	struct fake_step steps[] = {
		{ FAKE_KEEP, NULL },
		{ FAKE_KEEP, JSON("200 OK", "", "{\"value\":[3]}") },
	};
	struct world w = { 0 };
	unsigned sum = 0;

	world_begin(&w, steps);
	char *first = page(&w, "127.0.0.1", "1,2");

	steps[0].answer = first;
	assert_int_equal(
	        graph_list(w.graph, "/x?$select=id", 500, add, &sum, &w.err),
	        7); /* its own result stops it */
	assert_int_equal(sum, 123);
	assert_true(was_sent(&w, "GET /v1.0/x?$skip=%2B1 HTTP"));
	world_end(&w);
	free(first);
}

static void no_token_goes_to_another_server(void **state)
{
	struct fake_step steps[] = { { FAKE_KEEP, NULL }, { FAKE_KEEP, OK } };
	struct world w = { 0 };
	unsigned sum = 0;

	world_begin(&w, steps);
	char *first = page(&w, "localhost", "1");

	steps[0].answer = first;
	assert_int_equal(graph_list(w.graph, "/x", 0, add, &sum, &w.err), -1);
	assert_int_equal(w.err.code, EC_PROTOCOL);
	assert_int_equal(atomic_load(&w.fake.at), 1);
	assert_true(was_sent(&w, "GET /v1.0/x HTTP"));
	world_end(&w);
	free(first);
}

/* --- Batches ------------------------------------------------------------ */

static void parts_come_back_in_order(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP,
		  JSON("200 OK", "",
		       "{\"responses\":[{\"id\":\"2\",\"status\":404,\"body\":"
		       "{\"x\":2}},{\"id\":\"1\",\"status\":429,\"headers\":"
		       "{\"retry-after\":\"1\"}},{\"id\":\"0\",\"status\":204},"
		       "{\"id\":\"9\",\"status\":200}]}") },
		{ FAKE_KEEP,
		  JSON("200 OK", "",
		       "{\"responses\":[{\"id\":\"1\",\"status\":200,"
		       "\"body\":{\"x\":1}}]}   ") },
	};
	struct world w = { 0 };
	struct graph_part v[3] = { 0 };

	for (size_t i = 0; i < 3; i++) {
		v[i].method = "PATCH";
		v[i].url = strdup("/users/x/messages/y");
		v[i].body = json_pack("{sb}", "isRead", 1);
	}
	world_begin(&w, steps);
	assert_int_equal(graph_batch(w.graph, v, 3, &w.err), 0);
	assert_int_equal(v[0].status, 204);
	assert_int_equal(v[1].status, 200);
	assert_int_equal(v[2].status, 404);
	assert_int_equal(json_integer_value(json_object_get(v[1].answer, "x")),
	                 1);
	assert_int_equal(json_integer_value(json_object_get(v[2].answer, "x")),
	                 2);
	/* Only the refused one went again. */
	assert_int_equal(atomic_load(&w.fake.at), 2);
	assert_true(was_sent(&w, "\"id\":\"1\""));
	assert_false(was_sent(&w, "\"id\":\"2\""));
	graph_parts_release(v, 3);
	world_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_as_it_leaves),
		cmocka_unit_test(a_refused_token_is_replaced_once),
		cmocka_unit_test(a_refusal_is_waited_for),
		cmocka_unit_test(a_get_is_sent_again),
		cmocka_unit_test(a_post_is_asked_about),
		cmocka_unit_test(errors_come_with_their_json),
		cmocka_unit_test(pages_are_followed_verbatim),
		cmocka_unit_test(no_token_goes_to_another_server),
		cmocka_unit_test(parts_come_back_in_order),
	};

	/* So that pauses between attempts are short. */
	setenv("MAILHAUL_TEST_GOV_SCALE", "1000", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

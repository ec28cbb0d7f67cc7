/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_http.c - what leaves, what comes back, who is trusted, and above
 * all: nothing is sent twice, and no secret to a stranger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "http_fake.h"
#include "net/http.h"

static X509 *ca, *stranger;
static char ca_file[] = "/tmp/mailhaul-test-ca-XXXXXX";

static int setup(void **state)
{
	fake_key = EVP_EC_gen("P-256");
	ca = fake_cert("Test authority", NULL, NULL, 10);
	stranger = fake_cert("Strange authority", NULL, NULL, 10);
	int fd = mkstemp(ca_file);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f || !PEM_write_X509(f, ca))
		return -1;
	return fclose(f);
}

static int teardown(void **state)
{
	unlink(ca_file);
	X509_free(ca);
	X509_free(stranger);
	EVP_PKEY_free(fake_key);
	return 0;
}

/* A server, a client, and one request after the other. */
struct world {
	struct fake fake;
	struct account account;
	struct http *http;
	struct http_reply reply;
	struct err err;
	char url[128];
};

static void world_begin(struct world *w, const struct fake_step *steps)
{
	fake_start(&w->fake, steps);
	snprintf(w->url, sizeof w->url, "%s://localhost:%u/a/b?secret=x",
	         w->fake.tls ? "https" : "http", w->fake.port);
	assert_int_equal(http_open(&w->http, &w->account, &w->err), 0);
}

static int world_do(struct world *w, struct http_request q)
{
	if (!q.url)
		q.url = w->url;
	http_reply_release(&w->reply);
	return http_do(w->http, &q, &w->reply, &w->err);
}

static int world_get(struct world *w)
{
	return world_do(w, (struct http_request){ .method = "GET" });
}

static void world_end(struct world *w)
{
	http_reply_release(&w->reply);
	http_close(&w->http);
	fake_stop(&w->fake);
}

#define OK_EMPTY "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static bool was_sent(const struct world *w, const char *words)
{
	return strstr(w->fake.request, words) != NULL;
}

/* --- Addresses ---------------------------------------------------------- */

static void escaped(void **state)
{
	static const char *const pairs[] = { "a b", "c&d=e", "x", "", NULL };
	char *s = http_escape("ann+b@contoso.com/\xc3\xa4~-._");

	assert_string_equal(s, "ann%2Bb%40contoso.com%2F%C3%A4~-._");
	free(s);
	s = http_form(pairs);
	assert_string_equal(s, "a%20b=c%26d%3De&x=");
	free(s);
}

static void one_origin(void **state)
{
	static const char a[] = "https://graph.microsoft.com";

	assert_true(http_same_origin(a, "https://graph.microsoft.com/x?y"));
	assert_true(http_same_origin(a, "https://GRAPH.microsoft.com:443/"));
	assert_false(http_same_origin(a, "https://graph.microsoft.com:444/"));
	assert_false(http_same_origin(a, "http://graph.microsoft.com/"));
	assert_false(http_same_origin(a, "https://graph.microsoft.com.x/"));
	assert_false(http_same_origin(a, "https://graph.microsoft.com@x/"));
	assert_false(http_same_origin(a, "/v1.0/users"));
	assert_false(http_same_origin(a, ""));
}

static void only_https_leaves_this_machine(void **state)
{
	static const char *const bad[] = { "http://example.com/",
		                           "http://127.0.0.1.example.com/",
		                           "http://localhost@example.com/",
		                           "file:///etc/passwd",
		                           "ftp://localhost/",
		                           "example.com",
		                           "",
		                           "https://exa\nmple.com/",
		                           "imap://localhost/" };
	struct account a = { 0 };
	struct http *h;
	struct err e;

	assert_int_equal(http_open(&h, &a, &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct http_request q = { .method = "GET", .url = bad[i] };
		struct http_reply r;

		assert_int_equal(http_do(h, &q, &r, &e), -1);
		assert_int_equal(e.code, EC_INPUT);
		assert_false(r.sent);
		http_reply_release(&r);
	}
	http_close(&h);
}

/* --- Answers ------------------------------------------------------------ */

static void fields_of_an_answer(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP,
		  "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
		  "HTTP/1.1 429 Too Many\r\nDate: Sun, 06 Nov 1994 08:49:37 "
		  "GMT\r\nretry-after: 17\r\nrequest-id: abc-1\r\n"
		  "Location: https://x/y\r\nx-ms-throttle-scope: Tenant_A/b\r\n"
		  "Content-Length: 4\r\n\r\nslow" },
		{ FAKE_KEEP, "HTTP/1.1 503 Later\r\nRetry-After: Sun, 06 Nov "
		             "1994 08:50:00 "
		             "GMT\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		             "Content-Length: 0\r\n\r\n" },
		{ FAKE_KEEP, "HTTP/1.1 302 Found\r\nLocation: /other\r\n"
		             "Content-Length: 0\r\n\r\n" },
	};
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(w.reply.status, 429);
	assert_int_equal(w.reply.retry_after_ms, 17000);
	assert_int_equal(w.reply.date, 784111777);
	assert_string_equal(w.reply.request_id, "abc-1");
	assert_string_equal(w.reply.location, "https://x/y");
	assert_string_equal(w.reply.scope, "Tenant_A/b");
	assert_string_equal(w.reply.body.p, "slow");
	assert_true(w.reply.sent);
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(w.reply.retry_after_ms, 23000);
	assert_string_equal(w.reply.request_id, "");
	/* Redirections are told, not followed. */
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(w.reply.status, 302);
	assert_string_equal(w.reply.location, "/other");
	assert_int_equal(atomic_load(&w.fake.at), 3);
	assert_int_equal(atomic_load(&w.fake.connections), 1);
	world_end(&w);
}

static void an_endless_answer_ends(void **state)
{
	static const struct fake_step steps[] = { { FAKE_FLOOD, NULL } };
	struct world w = { 0 };

	world_begin(&w, steps);
	assert_int_equal(world_get(&w), -1);
	assert_int_equal(w.err.code, EC_LIMIT);
	assert_true(w.reply.body.n <= HTTP_ANSWER_MOST);
	world_end(&w);
}

struct taken {
	struct buf octets;
	int rc;
};

static int take(void *arg, const char *p, size_t n, struct err *e)
{
	struct taken *t = arg;

	if (t->rc)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_DISK_FULL, "Full.",
		               "%s", "");
	return buf_add(&t->octets, p, n);
}

static void a_sink_takes_what_was_asked_for(void **state)
{
	static const struct fake_step steps[] = {
		{ FAKE_KEEP,
		  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmail" },
		{ FAKE_KEEP,
		  "HTTP/1.1 404 No\r\nContent-Length: 5\r\n\r\nerror" },
		{ FAKE_KEEP,
		  "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmail" },
	};
	struct world w = { 0 };
	struct taken t = { 0 };
	struct http_request q = { .method = "GET",
		                  .sink = take,
		                  .sink_arg = &t };

	world_begin(&w, steps);
	assert_int_equal(world_do(&w, q), 0);
	assert_string_equal(t.octets.p, "mail");
	assert_int_equal(w.reply.body.n, 0);
	assert_int_equal(world_do(&w, q), 0);
	assert_string_equal(t.octets.p, "mail");
	assert_string_equal(w.reply.body.p, "error");
	t.rc = -1;
	assert_int_equal(world_do(&w, q), -1);
	assert_int_equal(w.err.code, EC_DISK_FULL);
	world_end(&w);
	buf_release(&t.octets);
}

/* --- Requests ----------------------------------------------------------- */

static void a_post_from_memory(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK_EMPTY },
		                                  { FAKE_KEEP, OK_EMPTY },
		                                  { FAKE_KEEP, OK_EMPTY } };
	static const char *const headers[] = { "Prefer: one", "Prefer: two",
		                               NULL };
	struct world w = { 0 };

	world_begin(&w, steps);
	struct http_request q = { .method = "PATCH",
		                  .bearer = "tok.en",
		                  .type = "application/json",
		                  .headers = headers,
		                  .body = "{\"a\":1}",
		                  .size = 7 };

	assert_int_equal(world_do(&w, q), 0);
	assert_true(was_sent(&w, "PATCH /a/b?secret=x HTTP/1.1\r\n"));
	assert_true(was_sent(&w, "Authorization: Bearer tok.en\r\n"));
	assert_true(was_sent(&w, "Content-Type: application/json\r\n"));
	assert_true(was_sent(&w, "Prefer: one\r\nPrefer: two\r\n"));
	assert_true(was_sent(&w, "\r\n\r\n{\"a\":1}"));
	assert_false(was_sent(&w, "Expect:"));
	/* Nothing of it stays for the next one. */
	assert_int_equal(world_get(&w), 0);
	assert_true(was_sent(&w, "GET /a/b"));
	assert_false(was_sent(&w, "Authorization"));
	assert_false(was_sent(&w, "Content-"));
	/* A POST of nothing says so. */
	assert_int_equal(
	        world_do(&w, (struct http_request){ .method = "POST" }), 0);
	assert_true(was_sent(&w, "Content-Length: 0\r\n"));
	assert_false(was_sent(&w, "urlencoded"));
	world_end(&w);
}

enum { LARGE = 3000000 };

static ssize_t give(void *arg, uint64_t offset, void *buf, size_t n,
                    struct err *e)
{
	const uint64_t *stop = arg;

	if (offset >= *stop)
		return *stop == 7 ? err_set(e, ERR_MESSAGE, NEXT_GIVE_UP,
		                            EC_SPOOL, "Gone.", "%s", "")
		                  : 0;
	for (size_t i = 0; i < n; i++)
		((char *)buf)[i] = (char)('a' + (offset + i) % 23);
	return (ssize_t)n;
}

static void a_put_from_a_source(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK_EMPTY } };
	uint64_t stop = UINT64_MAX;
	struct world w = { 0 };

	world_begin(&w, steps);
	struct http_request q = { .method = "PUT",
		                  .source = give,
		                  .source_arg = &stop,
		                  .size = LARGE };

	assert_int_equal(world_do(&w, q), 0);
	const char *body = strstr(w.fake.request, "\r\n\r\n") + 4;

	assert_int_equal(w.fake.request + w.fake.n - body, LARGE);
	for (size_t i = 0; i < LARGE; i++)
		if (body[i] != (char)('a' + i % 23))
			fail_msg("octet %zu", i);
	world_end(&w);
}

static void a_source_that_fails(void **state)
{
	static const struct fake_step steps[] = { { FAKE_DROP, NULL } };
	uint64_t stop = 7;
	struct world w = { 0 };

	world_begin(&w, steps);
	struct http_request q = { .method = "PUT",
		                  .source = give,
		                  .source_arg = &stop,
		                  .size = LARGE };

	assert_int_equal(world_do(&w, q), -1);
	assert_int_equal(w.err.code, EC_SPOOL);
	stop = 100; /* ends too soon */
	assert_int_equal(world_do(&w, q), -1);
	assert_int_equal(w.err.code, EC_INTERNAL);
	assert_int_equal(atomic_load(&w.fake.at), 0);
	world_end(&w);
}

static void a_line_end_does_not_begin_a_field(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK_EMPTY } };
	struct world w = { 0 };

	world_begin(&w, steps);
	struct http_request q = { .method = "GET", .bearer = "a\r\nX: y" };

	assert_int_equal(world_do(&w, q), -1);
	assert_int_equal(atomic_load(&w.fake.at), 0);
	world_end(&w);
}

/* --- Failures ----------------------------------------------------------- */

static void a_lost_post_is_not_sent_twice(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK_EMPTY },
		                                  { FAKE_DROP, NULL },
		                                  { FAKE_KEEP, OK_EMPTY },
		                                  { FAKE_DROP, NULL },
		                                  { FAKE_KEEP, OK_EMPTY } };
	struct world w = { 0 };
	struct http_request post = { .method = "POST", .body = "x", .size = 1 };

	world_begin(&w, steps);
	assert_int_equal(world_do(&w, post), 0);
	/* On the kept connection: libcurl would send it once more. */
	assert_int_equal(world_do(&w, post), -1);
	assert_int_equal(w.err.code, EC_CONN_LOST);
	assert_int_equal(w.err.next, NEXT_ASK);
	assert_true(w.reply.sent);
	assert_int_equal(atomic_load(&w.fake.at), 2);
	/* A GET may be. */
	assert_int_equal(world_do(&w, post), 0);
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(atomic_load(&w.fake.at), 5);
	world_end(&w);
}

static void nobody_listens(void **state)
{
	static const struct fake_step steps[] = { { FAKE_KEEP, OK_EMPTY } };
	struct world w = { 0 };
	unsigned port;

	world_begin(&w, steps);
	port = w.fake.port;
	world_end(&w);
	assert_int_equal(http_open(&w.http, &w.account, &w.err), 0);
	snprintf(w.url, sizeof w.url, "http://127.0.0.1:%u/", port);
	assert_int_equal(world_get(&w), -1);
	assert_int_equal(w.err.code, EC_CONNECT);
	assert_int_equal(w.err.next, NEXT_RETRY);
	assert_false(w.reply.sent);
	http_reply_release(&w.reply);
	http_close(&w.http);
}

static void cancelled_while_it_waits(void **state)
{
	static const struct fake_step steps[] = { { FAKE_HANG, NULL } };
	atomic_int cancel = 0;
	struct world w = { .account.cancel = &cancel,
		           .fake.cancel_at_request = &cancel };

	world_begin(&w, steps);
	assert_int_equal(world_get(&w), -1);
	assert_int_equal(w.err.code, EC_INTERRUPTED);
	assert_true(w.reply.sent);
	/* And before it began. */
	assert_int_equal(world_get(&w), -1);
	assert_int_equal(w.err.code, EC_INTERRUPTED);
	assert_false(w.reply.sent);
	world_end(&w);
}

/* --- Trust -------------------------------------------------------------- */

static const struct fake_step twice[] = { { FAKE_KEEP, OK_EMPTY },
	                                  { FAKE_KEEP, OK_EMPTY } };

/* What comes of a server with this certificate; the request has a token. */
static int meet(struct world *w, X509 *cert)
{
	struct http_request q = { .method = "GET", .bearer = "secret-token" };

	w->fake.tls = fake_tls(cert);
	X509_free(cert);
	world_begin(w, twice);
	return world_do(w, q);
}

static void refused(X509 *cert, int code)
{
	struct world w = { .account.ca_file = ca_file };

	assert_int_equal(meet(&w, cert), -1);
	assert_string_equal(err_code_name(w.err.code), err_code_name(code));
	assert_int_equal(w.err.next, NEXT_GIVE_UP);
	assert_false(w.reply.sent);
	assert_int_equal(atomic_load(&w.fake.at), 0);
	world_end(&w);
}

static void strangers_are_told_apart(void **state)
{
	static const char here[] = "DNS:localhost";

	refused(fake_cert("localhost", here, stranger, 10), EC_CERT_UNTRUSTED);
	refused(fake_cert("localhost", here, NULL, 10), EC_CERT_SELF_SIGNED);
	refused(fake_cert("localhost", here, ca, -1), EC_CERT_EXPIRED);
	refused(fake_cert("other", "DNS:other", ca, 10), EC_CERT_NAME);
}

static void the_given_authority_is_trusted(void **state)
{
	struct world w = { .account.ca_file = ca_file };

	assert_int_equal(
	        meet(&w, fake_cert("localhost", "DNS:localhost", ca, 10)), 0);
	assert_true(was_sent(&w, "secret-token"));
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(atomic_load(&w.fake.connections), 1);
	world_end(&w);
}

static void not_without_being_given(void **state)
{
	struct world w = { 0 };

	assert_int_equal(
	        meet(&w, fake_cert("localhost", "DNS:localhost", ca, 10)), -1);
	assert_int_equal(w.err.code, EC_CERT_UNTRUSTED);
	world_end(&w);
}

static void hex_of(X509 *cert, char *out)
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	X509_digest(cert, EVP_sha256(), md, &n);
	for (unsigned i = 0; i < n; i++)
		snprintf(out + (size_t)3 * i, 4, "%02X:", md[i]);
	out[3 * n - 1] = '\0';
}

static void a_pin_is_all_that_counts(void **state)
{
	X509 *cert = fake_cert("other", "DNS:other", stranger, -1);
	char hex[3 * EVP_MAX_MD_SIZE + 1];

	hex_of(cert, hex);
	struct world w = { .account.pin = hex };

	assert_int_equal(meet(&w, cert), 0);
	assert_true(was_sent(&w, "secret-token"));
	assert_int_equal(world_get(&w), 0);
	assert_int_equal(atomic_load(&w.fake.at), 2);
	assert_int_equal(atomic_load(&w.fake.connections), 1);
	world_end(&w);
}

static void another_pin_gets_nothing(void **state)
{
	struct world w = { .account.ca_file = ca_file, .account.pin = NULL };
	char hex[3 * EVP_MAX_MD_SIZE + 1];

	hex_of(stranger, hex);
	w.account.pin = hex;
	/* Trusted otherwise: the pin is the only thing that counts. */
	assert_int_equal(
	        meet(&w, fake_cert("localhost", "DNS:localhost", ca, 10)), -1);
	assert_int_equal(w.err.code, EC_CERT_PIN);
	assert_false(w.reply.sent);
	assert_int_equal(world_get(&w), -1);
	assert_int_equal(w.err.code, EC_CERT_PIN);
	assert_int_equal(atomic_load(&w.fake.at), 0);
	world_end(&w);
}

static void a_file_without_a_certificate(void **state)
{
	struct account a = { .ca_file = "/etc/hostname" };
	struct http *h;
	struct err e;

	assert_int_equal(http_open(&h, &a, &e), -1);
	assert_int_equal(e.code, EC_TLS);
	assert_null(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaped),
		cmocka_unit_test(one_origin),
		cmocka_unit_test(only_https_leaves_this_machine),
		cmocka_unit_test(fields_of_an_answer),
		cmocka_unit_test(an_endless_answer_ends),
		cmocka_unit_test(a_sink_takes_what_was_asked_for),
		cmocka_unit_test(a_post_from_memory),
		cmocka_unit_test(a_put_from_a_source),
		cmocka_unit_test(a_source_that_fails),
		cmocka_unit_test(a_line_end_does_not_begin_a_field),
		cmocka_unit_test(a_lost_post_is_not_sent_twice),
		cmocka_unit_test(nobody_listens),
		cmocka_unit_test(cancelled_while_it_waits),
		cmocka_unit_test(strangers_are_told_apart),
		cmocka_unit_test(the_given_authority_is_trusted),
		cmocka_unit_test(not_without_being_given),
		cmocka_unit_test(a_pin_is_all_that_counts),
		cmocka_unit_test(another_pin_gets_nothing),
		cmocka_unit_test(a_file_without_a_certificate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Framing: what is cut where, and what ends the connection. */
#include "imap_fake.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"

/* --- Whole answers ------------------------------------------------------ */

static void test_kinds(void **state)
{
	struct imap *im = fake("* 12 FETCH (UID 3)\r\n"
	                       "* OK [UIDNEXT 9] Predicted\r\n"
	                       "* XFOO \"open\r\n"
	                       "\r\n"
	                       "* list () NIL x\r\n"
	                       "+ idling\r\n"
	                       "+\r\n"
	                       "* 99999999999 EXISTS\r\n"
	                       "T1 OK\r\n"
	                       "T2 no [TryCreate] no such\n");
	struct imap_reply r;
	struct err e;
	imap_tag a, b;

	(void)state;
	assert_int_equal(imap_cmd(im, &a, &e, "NOOP"), 0);
	assert_int_equal(imap_cmd(im, &b, &e, "NOOP"), 0);
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.kind, IMAP_UNTAGGED);
	assert_int_equal(r.num, 12);
	assert_string_equal(r.name, "FETCH");
	assert_string_equal(r.line, "12 FETCH (UID 3)");
	assert_int_equal(r.len, strlen(r.line));
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.status, IMAP_OK);
	assert_string_equal(r.code, "UIDNEXT 9");
	assert_string_equal(r.text, "Predicted");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.name, "XFOO");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.name, "LIST");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.kind, IMAP_CONTINUE);
	assert_string_equal(r.text, "idling");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.kind, IMAP_CONTINUE);
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.status, IMAP_OTHER);
	assert_int_equal(r.num, 0);
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.kind, IMAP_TAGGED);
	assert_int_equal(r.tag, a);
	assert_int_equal(r.status, IMAP_OK);
	assert_string_equal(r.text, "");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_int_equal(r.tag, b);
	assert_int_equal(r.status, IMAP_NO);
	assert_string_equal(r.code, "TryCreate");
	assert_string_equal(r.text, "no such");
	assert_int_equal(imap_next(im, &r, &e), -1);
	assert_int_equal(e.code, EC_CONN_LOST);
	assert_true(imap_dead(im));
	imap_close(&im);
}

static void test_code_with_bracket(void **state)
{
	struct imap *im = fake("* OK [BADCHARSET (\"a]b\" {3}\r\n]x])] hi\r\n");
	struct imap_reply r;
	struct err e;

	(void)state;
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.text, "hi");
	imap_close(&im);
}

static void test_text_is_no_literal(void **state)
{
	struct imap *im = fake("* OK see section {5}\r\n* 1 EXISTS\r\n");
	struct imap_reply r;
	struct err e;

	(void)state;
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.text, "see section {5}");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.name, "EXISTS");
	imap_close(&im);
}

static void test_small_literal(void **state)
{
	struct imap *im = fake("* LIST () \"/\" {4}\r\na\r\n\"\r\n"
	                       "* 1 FETCH (X {0}\r\n Y {2}\r\n)( UID 5)\r\n"
	                       "* LIST () \"/\" {2}\r\na\r\n"
	                       "* 1 EXISTS\r\n");
	struct imap_reply r;
	struct err e;

	(void)state;
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.line, "LIST () \"/\" {4}\r\na\r\n\"");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.line, "1 FETCH (X {0}\r\n Y {2}\r\n)( UID 5)");
	/* A literal that ends in CR keeps it, before a bare LF too. */
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.line, "LIST () \"/\" {2}\r\na\r");
	assert_int_equal(imap_next(im, &r, &e), 0);
	assert_string_equal(r.name, "EXISTS");
	imap_close(&im);
}

/* --- Bodies ------------------------------------------------------------- */

struct kept {
	struct buf b;
	uint64_t size;
	unsigned begins;
};

static int kept_begin(void *arg, uint64_t size, struct err *e)
{
	struct kept *k = arg;

	(void)e;
	k->size = size;
	k->begins++;
	return 0;
}

static int kept_data(void *arg, const char *p, size_t n, struct err *e)
{
	struct kept *k = arg;

	(void)e;
	return buf_add(&k->b, p, n);
}

static void test_bodies_go_to_sink(void **state)
{
	static const struct {
		const char *answer, *body, *line;
	} rows[] = {
		{ "* 1 FETCH (UID 5 BODY[] {6}\r\na)\r\n\r\n FLAGS ())\r\n",
		  "a)\r\n\r\n", "1 FETCH (UID 5 BODY[] {6}\r\n FLAGS ())" },
		{ "* 1 FETCH (RFC822 {2}\r\nhi UID 5)\r\n", "hi",
		  "1 FETCH (RFC822 {2}\r\n UID 5)" },
		{ "* 1 fetch (body[HEADER.FIELDS (\"A\" B)]<0> {2}\r\nhi)\r\n",
		  "hi", "1 fetch (body[HEADER.FIELDS (\"A\" B)]<0> {2}\r\n)" },
		{ "* 1 FETCH (BINARY[] ~{2}\r\nhi)\r\n", "hi",
		  "1 FETCH (BINARY[] ~{2}\r\n)" },
		{ "* 1 FETCH (BODY[] {0}\r\n)\r\n", "",
		  "1 FETCH (BODY[] {0}\r\n)" },
		{ "* 1 FETCH (BODY[]{2}\r\nhi)\r\n", NULL, NULL },
		{ "* 1 FETCH (ENVELOPE ((BODY[] {2}\r\nhi)))\r\n", NULL, NULL },
		{ "* 1 FETCH (XBODY[] {2}\r\nhi)\r\n", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap *im = fake(rows[i].answer);
		struct kept k = { 0 };
		struct imap_sink sink = { kept_begin, kept_data, &k };
		struct imap_reply r;
		struct err e;

		imap_set_sink(im, &sink);
		assert_int_equal(imap_next(im, &r, &e), 0);
		assert_int_equal(k.begins, rows[i].body ? 1 : 0);
		assert_int_equal(r.sunk, rows[i].body != NULL);
		if (rows[i].body) {
			assert_int_equal(k.size, strlen(rows[i].body));
			assert_int_equal(k.b.n, strlen(rows[i].body));
			assert_string_equal(k.b.n ? k.b.p : "", rows[i].body);
			assert_string_equal(r.line, rows[i].line);
		}
		buf_release(&k.b);
		imap_close(&im);
	}
}

/* --- Broken streams ----------------------------------------------------- */

static void test_ends_connection(void **state)
{
	static const struct {
		const char *answer;
		int code;
	} rows[] = {
		{ "x1 OK not ours\r\n", EC_PROTOCOL },
		{ "T2 OK not owed\r\n", EC_PROTOCOL },
		{ "T01 OK not exact\r\n", EC_PROTOCOL },
		{ "t1 OK not exact\r\n", EC_PROTOCOL },
		{ "T1x OK not exact\r\n", EC_PROTOCOL },
		{ "T1\r\n", EC_PROTOCOL },
		{ "T1 FINE\r\n", EC_PROTOCOL },
		{ "T1 BYE\r\n", EC_PROTOCOL },
		{ "garbage\r\n", EC_PROTOCOL },
		{ "*\r\n", EC_PROTOCOL },
		{ "HTTP/1.1 400 Bad Request\r\n", EC_PROTOCOL },
		{ "* 1 FETCH (BODY[] {-1}\r\n", EC_PROTOCOL },
		{ "* 1 FETCH (BODY[] {99999999999999999999}\r\n", EC_PROTOCOL },
		{ "* 1 FETCH (BODY[] {18446744073709551615}\r\n", EC_PROTOCOL },
		{ "* 1 FETCH (BODY[] {1099511627776}\r\n", EC_LIMIT },
		{ "* 1 FETCH (ENVELOPE {4294967297}\r\nx", EC_LIMIT },
		{ "* 1 FETCH (ENVELOPE {1048577}\r\nx", EC_LIMIT },
		{ "* 1 FETCH (ENVELOPE (\"a\r\nb\"))\r\n", EC_PROTOCOL },
		{ "* LIST () \"/\" \"a\r\n* 1 EXISTS\"\r\n", EC_PROTOCOL },
		{ "* 1 FETCH (BODY[] {10}\r\nabc", EC_CONN_LOST },
		{ "* 1 FETCH (X {10}\r\nabc", EC_CONN_LOST },
		{ "* 1 FETCH (FLA", EC_CONN_LOST },
		{ "", EC_CONN_LOST },
		{ "* BYE shutting down\r\n", EC_BYE },
		{ "* BYE Too many connections\r\n", EC_TOO_MANY },
		{ "* BYE Request is throttled. Suggested Backoff Time: 9 "
		  "milliseconds\r\n",
		  EC_THROTTLED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct imap *im = fake(rows[i].answer);
		struct kept k = { 0 };
		struct imap_sink sink = { kept_begin, kept_data, &k };
		struct imap_reply r;
		struct err e = { 0 };
		imap_tag tag;

		imap_set_sink(im, &sink);
		assert_int_equal(imap_cmd(im, &tag, &e, "NOOP"), 0);
		if (imap_next(im, &r, &e) == 0)
			fail_msg("taken: %s", rows[i].answer);
		if (e.code != rows[i].code)
			fail_msg("%s for %s", err_code_name(e.code),
			         rows[i].answer);
		assert_true(imap_dead(im));
		assert_true(*e.text);
		assert_int_equal(imap_next(im, &r, &e), -1);
		buf_release(&k.b);
		imap_close(&im);
	}
}

static void expect_limit(const char *head, char c, size_t n, const char *tail,
                         int code)
{
	struct buf b = BUF_INIT(0);
	struct imap_reply r;
	struct err e = { 0 };

	assert_int_equal(buf_str(&b, head), 0);
	char *fill = malloc(n);

	assert_non_null(fill);
	memset(fill, c, n);
	assert_int_equal(buf_add(&b, fill, n), 0);
	assert_int_equal(buf_str(&b, tail), 0);
	struct imap *im = fake_octets(b.p, b.n);

	assert_int_equal(imap_next(im, &r, &e), code ? -1 : 0);
	assert_int_equal(e.code, code);
	free(fill);
	buf_release(&b);
	imap_close(&im);
}

static void test_ceilings(void **state)
{
	(void)state;
	expect_limit("* 1 FETCH (X ", 'a', 3 << 20, ")\r\n", EC_NONE);
	expect_limit("* 1 FETCH (X ", 'a', 5 << 20, ")\r\n", EC_LIMIT);
	expect_limit("* 1 FETCH (X ", 'a', 5 << 20, "", EC_LIMIT);
	expect_limit("* SEARCH 1", '1', 15 << 20, "\r\n", EC_NONE);
	expect_limit("* ESEARCH (T", '1', 15 << 20, ")\r\n", EC_NONE);
	expect_limit("* SEARCH 1", '1', 17 << 20, "\r\n", EC_LIMIT);
	expect_limit("* 1 FETCH (BODYSTRUCTURE ", '(', 50000, "\r\n", EC_LIMIT);
	expect_limit("* 1 FETCH (X ", '(', 98, "\r\n", EC_NONE);
	expect_limit("* OK ", '(', 50000, "\r\n", EC_NONE);
	expect_limit("", '\n', 5000, "", EC_PROTOCOL);
}

static void test_body_max(void **state)
{
	struct imap *im = fake("* 1 FETCH (BODY[] {11}\r\n");
	struct kept k = { 0 };
	struct imap_sink sink = { kept_begin, kept_data, &k };
	struct imap_reply r;
	struct err e;

	(void)state;
	imap_set_sink(im, &sink);
	imap_set_body_max(im, 10);
	assert_int_equal(imap_next(im, &r, &e), -1);
	assert_int_equal(e.code, EC_LIMIT);
	assert_int_equal(k.begins, 0);
	imap_close(&im);
}

/* --- Waiting ------------------------------------------------------------ */

static int count(const struct imap_reply *r, void *arg, struct err *e)
{
	(void)r;
	(void)e;
	++*(int *)arg;
	return 0;
}

static void test_answers_out_of_order(void **state)
{
	struct imap *im = fake("T3 OK c\r\n* 1 EXISTS\r\nT1 NO [LIMIT] a\r\n"
	                       "+ go\r\nT2 OK b\r\nT4 OK\r\n");
	struct imap_reply r;
	struct err e;
	imap_tag t[4];
	int n = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(imap_cmd(im, t + i, &e, "NOOP"), 0);
	assert_int_equal(imap_wait(im, t[0], count, &n, &r, &e), 0);
	assert_int_equal(r.status, IMAP_NO);
	assert_string_equal(r.code, "LIMIT");
	assert_int_equal(n, 1);
	assert_int_equal(imap_wait_go(im, t[1], NULL, NULL, &r, &e), 1);
	assert_int_equal(imap_wait_go(im, t[1], NULL, NULL, &r, &e), 0);
	assert_string_equal(r.text, "b");
	assert_int_equal(imap_wait(im, t[2], NULL, NULL, &r, &e), 0);
	assert_string_equal(r.text, "c");
	assert_int_equal(imap_do(im, t[3], NULL, NULL, &e), 0);
	/* Nobody owes it any more. */
	assert_int_equal(imap_do(im, t[3], NULL, NULL, &e), -1);
	assert_int_equal(e.code, EC_INTERNAL);
	imap_close(&im);
}

static void test_one_call_one_command(void **state)
{
	struct imap *im = fake("");
	struct err e;
	char *name;

	(void)state;
	assert_int_equal(imap_cmd(im, NULL, &e, "CREATE %s", "a\r\nx NOOP"),
	                 -1);
	assert_int_equal(e.code, EC_INTERNAL);
	assert_int_equal(imap_cmd(im, NULL, &e, "CREATE %s", "a\nb"), -1);
	assert_int_equal(imap_quoted("a\r\nb", &name, &e), -1);
	assert_int_equal(e.code, EC_FOLDER_NAME);
	assert_null(name);
	assert_int_equal(imap_quoted("a\"\\b", &name, &e), 0);
	assert_string_equal(name, "\"a\\\"\\\\b\"");
	free(name);
	imap_close(&im);
}

/* --- A real socket ------------------------------------------------------ */

enum { BLOCK = 1 << 16, BLOCKS = 256 };

/* Talks a lot before it listens: two sides that both write. */
static void *chatter(void *arg)
{
	int fd = *(int *)arg;
	static char p[BLOCK];
	size_t heard = 0;
	char line[] = "* 1 EXISTS\r\n";

	for (size_t i = 0; i + sizeof line < BLOCK; i += sizeof line - 1)
		memcpy(p + i, line, sizeof line - 1);
	size_t whole = BLOCK / (sizeof line - 1) * (sizeof line - 1);

	whole -= whole + sizeof line > BLOCK ? sizeof line - 1 : 0;
	for (int i = 0; i < BLOCKS; i++)
		for (size_t at = 0; at < whole;) {
			ssize_t n = write(fd, p + at, whole - at);

			if (n <= 0)
				return NULL;
			at += (size_t)n;
		}
	while (heard < (size_t)BLOCK * BLOCKS) {
		ssize_t n = read(fd, p, BLOCK);

		if (n <= 0)
			return NULL;
		heard += (size_t)n;
	}
	(void)!write(fd, "T1 OK done\r\n", 12);
	return NULL;
}

static void test_both_write(void **state)
{
	static char block[BLOCK];
	struct stream *s;
	struct imap *im;
	struct imap_reply r;
	struct err e;
	imap_tag tag;
	pthread_t thread;
	int fd[2], n = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(stream_from_fd(&s, fd[0], &e), 0);
	assert_int_equal(imap_new(&im, s, "server", &e), 0);
	memcpy(im->prefix, "T", 2);
	assert_int_equal(pthread_create(&thread, NULL, chatter, fd + 1), 0);
	assert_int_equal(imap_cmd_start(im, &tag, &e, "X"), 0);
	for (int i = 0; i < BLOCKS; i++)
		assert_int_equal(imap_out(im, block, BLOCK, &e), 0);
	assert_int_equal(imap_wait(im, tag, count, &n, &r, &e), 0);
	assert_string_equal(r.text, "done");
	assert_true(n > BLOCKS * 5000);
	pthread_join(thread, NULL);
	close(fd[1]);
	imap_close(&im);
}

static void test_deadline_and_wake(void **state)
{
	struct stream *s;
	struct imap *im;
	struct imap_reply r;
	struct err e;
	atomic_int cancel = 0;
	int fd[2];

	(void)state;
	(void)cancel;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(stream_from_fd(&s, fd[0], &e), 0);
	assert_int_equal(imap_new(&im, s, "server", &e), 0);
	imap_wake(im);
	assert_int_equal(imap_poll(im, &e), 0);
	assert_false(imap_pending(im));
	assert_int_equal(write(fd[1], "* ", 2), 2);
	assert_int_equal(imap_poll(im, &e), 1);
	stream_set_deadline(s, 20);
	assert_int_equal(imap_next(im, &r, &e), -1);
	assert_int_equal(e.code, EC_TIMEOUT);
	close(fd[1]);
	imap_close(&im);
}

/* A server that says why and hangs up while we are still sending. */
static void test_bye_while_writing(void **state)
{
	static char block[BLOCK];
	struct stream *s;
	struct imap *im;
	struct err e = { 0 };
	imap_tag tag;
	int fd[2], rc = 0;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	assert_int_equal(stream_from_fd(&s, fd[0], &e), 0);
	assert_int_equal(imap_new(&im, s, "server", &e), 0);
	assert_int_equal(write(fd[1], "* BYE Too many connections\r\n", 28),
	                 28);
	close(fd[1]);
	assert_int_equal(imap_cmd_start(im, &tag, &e, "X"), 0);
	for (int i = 0; i < BLOCKS && rc == 0; i++)
		rc = imap_out(im, block, BLOCK, &e);
	assert_int_equal(rc, -1);
	assert_int_equal(e.code, EC_TOO_MANY);
	imap_close(&im);
}

/* Not one octet after a BAD, nor while an answer is owed. */
static void test_silent_close(void **state)
{
	char p[200];

	(void)state;
	for (int bad = 0; bad < 3; bad++) {
		struct stream *s;
		struct imap *im;
		struct imap_reply r;
		struct err e;
		imap_tag tag;
		int fd[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		assert_int_equal(stream_from_fd(&s, fd[0], &e), 0);
		assert_int_equal(imap_new(&im, s, "server", &e), 0);
		memcpy(im->prefix, "T", 2);
		assert_int_equal(imap_cmd(im, &tag, &e, "NOOP"), 0);
		assert_int_equal(imap_flush(im, &e), 0);
		const char *answer = bad ? "T1 BAD what\r\n" : "T1 OK\r\n";

		assert_true(write(fd[1], answer, strlen(answer)) > 0);
		if (bad < 2)
			assert_int_equal(imap_wait(im, tag, NULL, NULL, &r, &e),
			                 0);
		imap_close(&im);
		ssize_t n = recv(fd[1], p, sizeof p - 1, MSG_WAITALL);

		p[n > 0 ? n : 0] = '\0';
		assert_int_equal(strstr(p, "LOGOUT") != NULL, bad == 0);
		close(fd[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_code_with_bracket),
		cmocka_unit_test(test_text_is_no_literal),
		cmocka_unit_test(test_small_literal),
		cmocka_unit_test(test_bodies_go_to_sink),
		cmocka_unit_test(test_ends_connection),
		cmocka_unit_test(test_ceilings),
		cmocka_unit_test(test_body_max),
		cmocka_unit_test(test_answers_out_of_order),
		cmocka_unit_test(test_one_call_one_command),
		cmocka_unit_test(test_both_write),
		cmocka_unit_test(test_deadline_and_wake),
		cmocka_unit_test(test_bye_while_writing),
		cmocka_unit_test(test_silent_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

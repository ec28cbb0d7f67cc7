/* SPDX-License-Identifier: Apache-2.0 */
/* Exchange's manners on a connection, and its folders that hold no mail. */
#include "imap_fake.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection and its other end. */
struct pair {
	struct imap *im;
	int fd;
};

static struct pair pair(bool exchange)
{
	struct pair p;
	struct stream *s;
	struct err e;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(stream_from_fd(&s, fds[0], &e), 0);
	assert_int_equal(imap_new(&p.im, s, "server", &e), 0);
	memcpy(p.im->prefix, "T", 2);
	p.im->exchange = exchange;
	p.fd = fds[1];
	return p;
}

static void end(struct pair *p)
{
	imap_abort(p->im);
	imap_close(&p->im);
	close(p->fd);
}

/* What has arrived at the other end. */
static void arrived(const struct pair *p, const char *want)
{
	char got[500] = "";
	struct pollfd in = { .fd = p->fd, .events = POLLIN };
	ssize_t n = poll(&in, 1, 0) > 0 ? read(p->fd, got, sizeof got - 1) : 0;

	got[n < 0 ? 0 : n] = '\0';
	assert_string_equal(got, want);
}

static void say(const struct pair *p, const char *text)
{
	assert_int_equal(write(p->fd, text, strlen(text)), strlen(text));
}

static void test_one_at_a_time(void **state)
{
	struct pair p = pair(true);
	imap_tag a, b, c;
	struct imap_reply r;
	struct err e;

	(void)state;
	assert_int_equal(imap_cmd(p.im, &a, &e, "SELECT a"), 0);
	assert_int_equal(imap_cmd(p.im, &b, &e, "UID SEARCH ALL"), 0);
	assert_int_equal(imap_cmd(p.im, &c, &e, "NOOP"), 0);
	assert_int_equal(imap_flush(p.im, &e), 0);
	arrived(&p, "T1 SELECT a\r\n");
	say(&p, "* 3 EXISTS\r\nT1 OK\r\n");
	assert_int_equal(imap_wait(p.im, a, NULL, NULL, &r, &e), 0);
	assert_int_equal(imap_flush(p.im, &e), 0);
	arrived(&p, "T2 UID SEARCH ALL\r\n");
	/* The second is answered while the third is waited for. */
	say(&p, "* SEARCH\r\nT2 NO no\r\nT3 OK\r\n");
	assert_int_equal(imap_wait(p.im, c, NULL, NULL, &r, &e), 0);
	assert_int_equal(r.status, IMAP_OK);
	assert_int_equal(imap_flush(p.im, &e), 0);
	arrived(&p, "T3 NOOP\r\n");
	assert_int_equal(imap_wait(p.im, b, NULL, NULL, &r, &e), 0);
	assert_int_equal(r.status, IMAP_NO);
	end(&p);
}

/* Everybody else gets them all at once. */
static void test_many_at_a_time(void **state)
{
	struct pair p = pair(false);
	struct err e;

	(void)state;
	assert_int_equal(imap_cmd(p.im, NULL, &e, "SELECT a"), 0);
	assert_int_equal(imap_cmd(p.im, NULL, &e, "NOOP"), 0);
	assert_int_equal(imap_flush(p.im, &e), 0);
	arrived(&p, "T1 SELECT a\r\nT2 NOOP\r\n");
	end(&p);
}

/* An APPEND begins when all the rest is answered. */
static void test_start_waits(void **state)
{
	struct pair p = pair(true);
	imap_tag a, b, append;
	struct imap_reply r;
	struct err e;

	(void)state;
	assert_int_equal(imap_cmd(p.im, &a, &e, "SELECT a"), 0);
	assert_int_equal(imap_cmd(p.im, &b, &e, "NOOP"), 0);
	say(&p, "T1 OK\r\nT2 NO no\r\n");
	assert_int_equal(imap_cmd_start(p.im, &append, &e, "APPEND b "), 0);
	assert_int_equal(imap_out(p.im, "{1+}\r\nx\r\n", 9, &e), 0);
	assert_int_equal(imap_flush(p.im, &e), 0);
	arrived(&p, "T1 SELECT a\r\nT2 NOOP\r\nT3 APPEND b {1+}\r\nx\r\n");
	assert_int_equal(imap_wait(p.im, b, NULL, NULL, &r, &e), 0);
	assert_int_equal(r.status, IMAP_NO);
	assert_int_equal(imap_wait(p.im, a, NULL, NULL, &r, &e), 0);
	assert_int_equal(r.status, IMAP_OK);
	end(&p);
}

/* Exchange hangs up at the tenth refusal. */
static void test_refusals(void **state)
{
	struct pair p = pair(true);
	struct imap_reply r;
	struct err e;

	(void)state;
	for (int i = 1; i <= 9; i++) {
		char text[40];
		imap_tag tag;

		assert_false(imap_worn(p.im, 0, &e));
		snprintf(text, sizeof text, "T%d %s x\r\n", i,
		         i % 2 ? "NO" : "BAD");
		assert_int_equal(imap_cmd(p.im, &tag, &e, "X"), 0);
		say(&p, text);
		assert_int_equal(imap_wait(p.im, tag, NULL, NULL, &r, &e), 0);
	}
	assert_true(imap_worn(p.im, 0, &e));
	assert_int_equal(e.next, NEXT_RETRY);
	assert_int_equal(e.wait_ms, 1);
	p.im->exchange = false;
	assert_false(imap_worn(p.im, 0, &e));
	end(&p);
}

/* --- folders -------------------------------------------------------------- */

static void fill(struct folder_list *l, const char *const *names)
{
	for (; *names; names++) {
		struct folder *f = folder_list_add(l);

		f->raw = strdup(*names);
		assert_int_equal(folder_set_path(f, *names, '/'), 0);
	}
}

static const struct {
	const char *names[8];
	unsigned no_mail; /* bits */
} boxes[] = {
	{ { "INBOX", "calendar", "Contacts", "Contacts/Companies", "Tasks",
	    "Work/Tasks", "Notizen", NULL },
	  0x1e },
	{ { "INBOX", "Kalender", "Kontakte", "Tasks", "Notizen", "Outbox",
	    "Postausgang", NULL },
	  0x56 },
	/* No mailbox of Exchange in any language: names of mail. */
	{ { "INBOX", "Calendar", "Tasks", "Notes", "Journal", NULL }, 0 },
	{ { "INBOX", "予定表", "連絡先", "タスク", "Calendar", NULL }, 0x0e },
	{ { NULL }, 0 },
};

static void test_no_mail(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
		struct folder_list l = { 0 };
		unsigned got = 0;

		fill(&l, boxes[i].names);
		imap_mark_no_mail(&l);
		for (size_t k = 0; k < l.n; k++)
			got |= (unsigned)l.v[k].noselect << k;
		assert_int_equal(got, boxes[i].no_mail);
		folder_list_release(&l);
	}
	assert_true(imap_names_no_mail("NOTIZEN"));
	assert_true(imap_names_no_mail("Sync Issues"));
	assert_false(imap_names_no_mail("Sent Items"));
	assert_false(imap_names_no_mail("Work"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_at_a_time),
		cmocka_unit_test(test_many_at_a_time),
		cmocka_unit_test(test_start_waits),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_no_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

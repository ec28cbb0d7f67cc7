/* SPDX-License-Identifier: Apache-2.0 */
/* test_writer_maildir.c - the backup: names, durability, second attempts. */
#include "archive_sink.h"

#include <sys/wait.h>

#include "archive/tree.h"
#include "mailhaul/maildir.h"
#include "mailhaul/writer.h"
#include "mime/sha256.h"
#include "reader/local.h"

struct world {
	char *dir, *path;
	struct account a;
	struct writer *w;
};

static int setup(void **state)
{
	struct world *x = calloc(1, sizeof(*x));
	struct err e = { 0 };
	void *dir;

	if (!x || fixture_setup(&dir))
		return -1;
	x->dir = dir;
	x->path = in_dir(dir, "a/backup");
	x->a = (struct account){ .kind = KIND_MAILDIR,
		                 .path = x->path,
		                 .body_limit = 4096 };
	*state = x;
	return writer_maildir.open(&x->w, &x->a, &e);
}

static int teardown(void **state)
{
	struct world *x = *state;
	void *dir = x->dir;

	writer_maildir.close(&x->w);
	free(x->path);
	free(x);
	return fixture_teardown(&dir);
}

static void reopen(struct world *x)
{
	struct err e;

	writer_maildir.close(&x->w);
	assert_null(x->w);
	assert_int_equal(writer_maildir.open(&x->w, &x->a, &e), 0);
}

static void folder_named(struct folder *f, const char *path)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(folder_set_path(f, path, '/'), 0);
}

static void make_folder(struct world *x, struct folder *f, const char *path)
{
	struct err why, e;

	folder_named(f, path);
	assert_int_equal(writer_maildir.make(x->w, f, 1, &why, &e), 0);
	assert_int_equal(why.code, EC_NONE);
	assert_non_null(f->raw);
}

static void add(struct batch *b, int64_t row, const char *text, size_t n,
                unsigned flags, const char *keywords)
{
	struct message *m = batch_add(b);

	message_fill(m, text, n);
	m->row = row;
	m->flags = flags;
	m->keywords = keywords ? strdup(keywords) : NULL;
	m->date = (struct mail_date){ 1659348000, 120, true };
}

static size_t stored;

static void count(const struct settled *s, struct batch *b, void *arg)
{
	assert_int_equal(s->outcome, OUT_STORED);
	assert_int_equal(s->m->dest_uidvalidity, 1);
	stored++;
	if (b)
		*(struct batch **)arg = b;
}

static void send(struct world *x, const struct folder *f, struct batch *b)
{
	struct batch *back = NULL;
	struct err e = { 0 };
	uint64_t bytes;

	stored = 0;
	if (writer_maildir.prepare(x->w, f, b, &e) ||
	    writer_maildir.submit(x->w, f, b, &e))
		fail_msg("submit: %s (%s)", e.text, e.detail);
	assert_int_equal(writer_maildir.in_flight(x->w, &bytes), 1);
	assert_false(writer_maildir.ready(x->w));
	assert_int_equal(writer_maildir.collect(x->w, true, count, &back, &e),
	                 0);
	assert_ptr_equal(back, b);
	assert_int_equal(stored, b->n);
	assert_true(writer_maildir.ready(x->w));
}

static void list_there(struct world *x, struct folder *f, struct told *t)
{
	struct err e = { 0 };

	told_release(t);
	assert_int_equal(writer_maildir.list(x->w, f, 0, told_found, t, &e), 0);
}

static const char one[] = "A: 1\r\n\r\nwith a bare\nand a \0\r\n";

/* In a process of its own, which may stop dead at a step. */
static int attempt(struct world *x, const char *stop)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct folder f;
		struct batch *b = batch_new();

		if (stop)
			setenv("MAILHAUL_TEST_STOP", stop, 1);
		make_folder(x, &f, "Sent");
		for (int i = 0; i < 5; i++)
			add(b, i + 1, one, sizeof(one) - 1, MAIL_SEEN, "a");
		send(x, &f, b);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* First of the tests: nothing has taken a step in this process yet. */
static void killed_at_every_step(void **state)
{
	struct world *x = *state;
	struct told t = { 0 };
	struct folder f;
	char stop[20];
	int r = 86;

	for (int n = 1; r == 86; n++) {
		snprintf(stop, sizeof(stop), "%d", n);
		r = attempt(x, stop);
		assert_int_equal(r, n <= 10 ? 86 : 0);
		assert_int_equal(attempt(x, NULL), 0);
		reopen(x);
		make_folder(x, &f, "Sent");
		list_there(x, &f, &t);
		assert_int_equal(t.n, 5);
		for (size_t i = 0; i < 5; i++) {
			assert_int_equal(t.v[i].size, sizeof(one) - 1);
			assert_int_equal(t.v[i].flags, MAIL_SEEN);
			assert_string_equal(t.v[i].keywords, "a");
		}
		folder_release(&f);
		/* Anew for the next n. */
		if (r == 86) {
			char *sent = in_dir(x->path, ".Sent");

			nftw(sent, fixture_drop, 16, FTW_DEPTH | FTW_PHYS);
			free(sent);
		}
	}
	told_release(&t);
}

static void what_is_sent_is_what_is_there(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new(), *back = batch_new();
	struct told t = { 0 };
	struct err e;
	char *text, *big = malloc(100000);

	memset(big, 'x', 100000);
	make_folder(x, &f, "INBOX");
	add(b, 1, one, sizeof(one) - 1, MAIL_SEEN | MAIL_DELETED, NULL);
	add(b, 2, one, sizeof(one) - 1, MAIL_SEEN, NULL);
	add(b, 3, big, 100000, 0, NULL);
	send(x, &f, b);
	assert_int_equal(b->v[0].set_flags, MAIL_SEEN);
	list_there(x, &f, &t);
	assert_int_equal(t.n, 3);
	assert_int_equal(f.messages, 3);
	for (size_t i = 0; i < 3; i++) {
		struct message *m = batch_add(back);

		assert_int_equal(t.v[i].date.sec, 1659348000);
		m->dest_name = strdup(b->v[i].dest_name);
	}
	assert_int_equal(
	        writer_maildir.read(x->w, &f, back, false, NULL, NULL, &e), 0);
	for (size_t i = 0; i < 3; i++) {
		assert_true(back->v[i].fetched);
		assert_memory_equal(back->v[i].sha256, b->v[i].sha256, 32);
		assert_memory_equal(&back->v[i].fp, &b->v[i].fp,
		                    sizeof(struct fingerprint));
	}
	assert_int_equal(back->v[0].dest_size, sizeof(one) - 1);
	text = body_text(&back->v[0].body);
	assert_memory_equal(text, one, sizeof(one) - 1);
	free(text);
	free(big);
	told_release(&t);
	batch_free(&b);
	batch_free(&back);
	folder_release(&f);
}

static void a_second_attempt_does_not_double(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct told t = { 0 };

	make_folder(x, &f, "Sent");
	for (int i = 0; i < 3; i++) {
		struct batch *b = batch_new();

		add(b, 1, one, sizeof(one) - 1, 0, NULL);
		add(b, 2, one, sizeof(one) - 1, 0, NULL);
		send(x, &f, b);
		list_there(x, &f, &t);
		assert_int_equal(t.n, 2);
		/* Somebody reads it meanwhile, and we start anew. */
		if (i == 0) {
			char *name, *from, *to;

			print_to(&name, "%s/cur/%s:2,", f.raw,
			         b->v[0].dest_name);
			from = in_dir(x->path, name);
			print_to(&to, "%sFS", from);
			assert_int_equal(rename(from, to), 0);
			free(name);
			free(from);
			free(to);
		}
		if (i < 2)
			reopen(x);
		batch_free(&b);
	}
	told_release(&t);
	folder_release(&f);
}

static void stale_files_of_a_killed_run_are_replaced(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new(), *back = batch_new();
	struct err e;
	char *name;

	make_folder(x, &f, "INBOX");
	add(b, 9, one, sizeof(one) - 1, 0, NULL);
	assert_int_equal(writer_maildir.prepare(x->w, &f, b, &e), 0);
	print_to(&name, "tmp/%s", b->v[0].dest_name);
	write_text(x->path, name, "half");
	send(x, &f, b);
	batch_add(back)->dest_name = strdup(b->v[0].dest_name);
	assert_int_equal(
	        writer_maildir.read(x->w, &f, back, false, NULL, NULL, &e), 0);
	assert_memory_equal(back->v[0].sha256, b->v[0].sha256, 32);
	free(name);
	batch_free(&b);
	batch_free(&back);
	folder_release(&f);
}

static void names_are_decided_early_and_alone(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new();
	char *first;
	struct err e;

	make_folder(x, &f, "INBOX");
	add(b, 5, one, sizeof(one) - 1, MAIL_SEEN, NULL);
	add(b, 6, one, sizeof(one) - 1, MAIL_SEEN, NULL);
	assert_int_equal(writer_maildir.prepare(x->w, &f, b, &e), 0);
	first = strdup(b->v[0].dest_name);
	assert_string_not_equal(first, b->v[1].dest_name);
	assert_ptr_equal(strstr(first, "1659348000.M5Q"), first);
	assert_true(maildir_told(first).wire);
	b->v[0].flags = 0;
	assert_int_equal(writer_maildir.prepare(x->w, &f, b, &e), 0);
	assert_string_equal(first, b->v[0].dest_name);
	free(first);
	batch_free(&b);
	folder_release(&f);
}

static void folder_names(void **state)
{
	struct world *x = *state;
	static const struct {
		const char *path, *raw;
	} v[] = {
		{ "INBOX", "." },
		{ "Sent/2019", ".Sent.2019" },
		{ "Gr\xc3\xb6\xc3\x9f"
		  "e/a&b",
		  ".Gr&APYA3w-e.a&-b" },
		{ "INBOX/Sub", ".INBOX.Sub" },
		{ "a.b", ".a_b" },
	};
	struct folder_list l = { 0 };
	struct buf deep = BUF_INIT(0);
	struct folder f, other;
	struct err e;
	char *subs, *path;
	size_t n;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		make_folder(x, &f, v[i].path);
		assert_string_equal(f.raw, v[i].raw);
		folder_release(&f);
	}
	/* Again: nothing changes, nothing is subscribed twice. */
	make_folder(x, &f, "Sent/2019");
	folder_release(&f);
	path = in_dir(x->path, "subscriptions");
	subs = read_file(path, &n);
	assert_string_equal(subs, "Sent.2019\nGr&APYA3w-e.a&-b\nINBOX.Sub\n"
	                          "a_b\n");
	free(subs);
	free(path);
	/* 300 levels, and another of 300. */
	for (int i = 0; i < 300; i++)
		buf_str(&deep, i ? "/\xc3\xa4" : "x");
	make_folder(x, &f, deep.p);
	assert_true(strlen(f.raw) <= 255);
	buf_str(&deep, "b");
	make_folder(x, &other, deep.p);
	assert_string_not_equal(f.raw, other.raw);
	folder_release(&f);
	folder_release(&other);
	buf_release(&deep);
	assert_int_equal(writer_maildir.folders(x->w, &l, &e), 0);
	assert_int_equal(l.n, 7);
	assert_non_null(folder_at(&l, "Sent/2019"));
	assert_non_null(folder_at(&l, "Gr\xc3\xb6\xc3\x9f"
	                              "e/a&b"));
	folder_list_release(&l);
}

static void a_bad_name_is_its_folder_s_trouble(void **state)
{
	struct world *x = *state;
	struct folder v[2];
	struct err why[2], e;

	folder_named(&v[0], "bad\xff");
	folder_named(&v[1], "good");
	assert_int_equal(writer_maildir.make(x->w, v, 2, why, &e), 0);
	assert_int_equal(why[0].code, EC_FOLDER_NAME);
	assert_int_equal(why[1].code, EC_NONE);
	folder_release(&v[0]);
	folder_release(&v[1]);
}

static void keywords_get_letters(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new();
	struct buf many = BUF_INIT(0);
	struct told t = { 0 };
	char *file, *path = in_dir(x->path, ".K/dovecot-keywords");
	size_t n;

	make_folder(x, &f, "K");
	for (int i = 0; i < 30; i++)
		buf_fmt(&many, "%sk%02d", i ? " " : "", i);
	add(b, 1, one, sizeof(one) - 1, MAIL_FLAGGED, "$Label1 Work");
	add(b, 2, one, sizeof(one) - 1, 0, many.p);
	send(x, &f, b);
	assert_string_equal(b->v[0].set_keywords, "$Label1 Work");
	/* Twenty-six letters, two of them taken. */
	assert_int_equal(strlen(b->v[1].set_keywords), 24 * 4 - 1);
	file = read_file(path, &n);
	assert_ptr_equal(strstr(file, "0 $Label1\n1 Work\n2 k00\n"), file);
	list_there(x, &f, &t);
	assert_int_equal(t.n, 2);
	for (size_t i = 0; i < 2; i++) {
		size_t is = strcmp(t.v[i].key, b->v[0].dest_name) != 0;

		assert_string_equal(t.v[i].keywords, b->v[is].set_keywords);
	}
	free(file);
	free(path);
	buf_release(&many);
	told_release(&t);
	batch_free(&b);
	folder_release(&f);
}

static void finish_one(struct world *x, struct folder *f, struct message *m)
{
	struct batch b = { .v = m, .n = 1, .cap = 1 };
	struct err e = { 0 };

	if (writer_maildir.finish(x->w, f, &b, &e))
		fail_msg("finish: %s (%s)", e.text, e.detail);
}

static void only(struct told *t, unsigned flags, const char *keywords)
{
	assert_int_equal(t->n, 1);
	assert_int_equal(t->v[0].flags, flags);
	assert_string_equal(t->v[0].keywords ? t->v[0].keywords : "", keywords);
}

static void flag_changes(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new();
	struct told t = { 0 };
	struct message *m;
	char *from, *to, *name;

	make_folder(x, &f, "F");
	add(b, 1, one, sizeof(one) - 1, 0, NULL);
	send(x, &f, b);
	m = &b->v[0];
	m->flags = MAIL_SEEN | MAIL_ANSWERED | MAIL_DELETED;
	m->keywords = strdup("Work");
	finish_one(x, &f, m);
	assert_int_equal(m->set_flags, MAIL_SEEN | MAIL_ANSWERED);
	assert_string_equal(m->set_keywords, "Work");
	assert_int_equal(m->tries, 0);
	list_there(x, &f, &t);
	only(&t, MAIL_SEEN | MAIL_ANSWERED, "Work");
	/* Told twice is done once. */
	m->set_flags = 0;
	finish_one(x, &f, m);
	assert_int_equal(m->set_flags, MAIL_SEEN | MAIL_ANSWERED);
	/* A person flagged it, and P is nobody's of ours: theirs stays. */
	print_to(&name, ".F/cur/%s:2,RSa", m->dest_name);
	from = in_dir(x->path, name);
	free(name);
	print_to(&name, ".F/cur/%s:2,FPRSa", m->dest_name);
	to = in_dir(x->path, name);
	free(name);
	assert_int_equal(rename(from, to), 0);
	m->flags = MAIL_SEEN;
	finish_one(x, &f, m);
	assert_int_equal(m->tries, 1);
	assert_int_equal(m->set_flags, MAIL_SEEN | MAIL_ANSWERED);
	m->tries = 0;
	m->set_flags = MAIL_SEEN | MAIL_ANSWERED | MAIL_FLAGGED;
	finish_one(x, &f, m);
	list_there(x, &f, &t);
	only(&t, MAIL_SEEN, "Work");
	free(to);
	print_to(&name, ".F/cur/%s:2,PSa", m->dest_name);
	to = in_dir(x->path, name);
	assert_int_equal(access(to, F_OK), 0);
	/* A person deleted it. */
	assert_int_equal(unlink(to), 0);
	finish_one(x, &f, m);
	assert_int_equal(m->state, MSG_GONE_DEST);
	free(from);
	free(to);
	free(name);
	told_release(&t);
	batch_free(&b);
	folder_release(&f);
}

static int count_each(struct message *m, void *arg)
{
	(*(int *)arg)++;
	return 0;
}

static void reads_headers_of_foreign_mail(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new();
	static const char wire[] = "Message-ID: <1>\r\n\r\nbody\r\n";
	struct message want;
	struct err e;
	int n = 0;

	make_folder(x, &f, "INBOX");
	write_text(x->path, "new/1.foreign", "Message-ID: <1>\n\nbody\n");
	batch_add(b)->key = strdup("1.foreign");
	batch_add(b)->dest_name = strdup("2.gone");
	assert_int_equal(
	        writer_maildir.read(x->w, &f, b, true, count_each, &n, &e), 0);
	message_fill(&want, wire, sizeof(wire) - 1);
	assert_int_equal(n, 2);
	assert_true(b->v[0].fetched && !b->v[0].hole);
	assert_true(b->v[0].fp.message_id == want.fp.message_id);
	assert_true(b->v[0].fp.text == 0);
	assert_int_equal(b->v[0].body.size, 0);
	assert_true(b->v[1].hole);
	assert_int_equal(
	        writer_maildir.read(x->w, &f, b, false, NULL, NULL, &e), 0);
	assert_memory_equal(b->v[0].sha256, want.sha256, 32);
	message_release(&want);
	batch_free(&b);
	folder_release(&f);
}

static void a_place_full_of_other_things_is_refused(void **state)
{
	struct world *x = *state;
	struct account a = x->a;
	struct writer *w = NULL;
	struct err e;

	a.path = x->dir;
	write_text(x->dir, "letter.odt", "x");
	assert_int_equal(writer_maildir.open(&w, &a, &e), -1);
	assert_int_equal(e.code, EC_INPUT);
	assert_null(w);
}

/* Our backup as a source: the octets come back. */
static void the_backup_can_be_read(void **state)
{
	struct world *x = *state;
	struct batch *b = batch_new();
	unsigned char hash[32];
	struct kept_item *i;
	struct folder f;
	struct kept k;
	int fd;

	make_folder(x, &f, "Old/Mail");
	add(b, 1, one, sizeof(one) - 1, MAIL_FLAGGED, "a b");
	send(x, &f, b);
	fd = open(x->a.path, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	kept_init(&k);
	assert_int_equal(tree_walk(fd, "x", WANT_MAILDIR, &k.sink), 0);
	close(fd);
	assert_int_equal(k.items_n, 1);
	i = &k.items[0];
	assert_int_equal(i->it.flags, MAIL_FLAGGED);
	assert_string_equal(i->keywords, "a b");
	assert_true(i->it.wire);
	sha256_of(i->octets.p, i->octets.n, hash);
	assert_memory_equal(hash, b->v[0].sha256, 32);
	assert_non_null(kept_at(&k, "Old/Mail"));
	kept_release(&k);
	batch_free(&b);
	folder_release(&f);
}

static void many_at_once(void **state)
{
	struct world *x = *state;
	struct folder f;
	struct batch *b = batch_new();
	struct told t = { 0 };

	make_folder(x, &f, "Many");
	for (int i = 0; i < 150; i++)
		add(b, i + 1, one, sizeof(one) - 1, 0, NULL);
	send(x, &f, b);
	for (size_t i = 0; i < b->n; i++)
		assert_int_equal(b->v[i].body.size, 0);
	list_there(x, &f, &t);
	assert_int_equal(t.n, 150);
	told_release(&t);
	batch_free(&b);
	folder_release(&f);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_WORLD(killed_at_every_step),
		WITH_WORLD(what_is_sent_is_what_is_there),
		WITH_WORLD(a_second_attempt_does_not_double),
		WITH_WORLD(stale_files_of_a_killed_run_are_replaced),
		WITH_WORLD(names_are_decided_early_and_alone),
		WITH_WORLD(folder_names),
		WITH_WORLD(a_bad_name_is_its_folder_s_trouble),
		WITH_WORLD(keywords_get_letters),
		WITH_WORLD(flag_changes),
		WITH_WORLD(reads_headers_of_foreign_mail),
		WITH_WORLD(a_place_full_of_other_things_is_refused),
		WITH_WORLD(the_backup_can_be_read),
		WITH_WORLD(many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

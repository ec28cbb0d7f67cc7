/* SPDX-License-Identifier: Apache-2.0 */
/* test_verify.c - verify: the store against the destination. */
#include "verify_world.h"

static void all_is_well(void **state)
{
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.seen_n, 0);
	assert_true(t.sum.source_asked);
	assert_int_equal(t.sum.source, 6);
	assert_int_equal(t.sum.settled, 6);
	assert_int_equal(t.sum.destination, 6);
	assert_int_equal(t.sum.others, 0);
	assert_int_equal(t.sum.bytes_read, 0);
}

static void all_is_well_deep(void **state)
{
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.bytes_read, 6 * strlen(mail(1)));
	assert_int_equal(dst.whole, 6);
}

static void one_removed(void **state)
{
	int64_t id = moved(0, 9);

	take_away(&dst.box[0], copy(0, 9));
	only(false, DIFF_MISSING, id, "INBOX");
	assert_int_equal(t.seen[0].uid, 9);
	only(true, DIFF_MISSING, id, "INBOX");
}

static void header_altered(void **state)
{
	int64_t id = moved(0, 9);

	memcpy(strstr(copy(0, 9)->text, "number"), "NUMBER", 6);
	only(false, DIFF_ALTERED, id, "INBOX");
	only(true, DIFF_ALTERED, id, "INBOX");
}

static void size_altered(void **state)
{
	int64_t id = moved(0, 9);
	struct thing *k = copy(0, 9);

	memcpy(k->text + k->len, "P.S.\r\n", 6);
	k->len += 6;
	only(false, DIFF_ALTERED, id, "INBOX");
	assert_int_equal(dst.whole, 1); /* no other was read whole */
}

static void one_octet_altered(void **state)
{
	int64_t id = moved(1, 9);
	struct thing *k = copy(1, 9);

	k->text[k->len - 4]++;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	only(true, DIFF_ALTERED, id, "Work");
}

/* A header that no fingerprint has: only the octets tell. */
static void another_header_altered(void **state)
{
	const char *text = "Message-ID: <x@test>\r\nX-A: 1\r\n\r\nBody.\r\n";
	int64_t id = row(0, 50, text, MSG_MOVED, 150);
	struct thing *k = put(&dst.box[0], 150, text);

	put(&src.box[0], 50, text);
	strstr(k->text, "X-A: 1")[5] = '2';
	only(true, DIFF_ALTERED, id, "INBOX");
	/* where the destination is known to rewrite, that is no difference */
	dst.traits = 0;
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.rewritten, 1);
}

static void announced_size_is_a_hint(void **state)
{
	const char *text = mail(50);
	struct thing *k = put(&dst.box[0], 150, text);

	put(&src.box[0], 50, text);
	row(0, 50, text, MSG_MOVED, 150);
	k->len--; /* as listed; the octets are complete */
	ok(verify(false));
	expect(0, 0, 1, 0, 0);
	k->len++;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
}

/* The listing says what the name says. */
static void cut_short(void **state)
{
	int64_t id = moved(0, 9);
	struct thing *k = copy(0, 9);

	k->there = k->len;
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(dst.whole, 0);
	k->text[k->len - 3] = ' ';
	k->there--;
	only(false, DIFF_ALTERED, id, "INBOX");
}

/* An archive with LF line ends announces less than it delivers. */
static void sizes_that_say_nothing(void **state)
{
	t.misled = 3;
	for (int i = 10; i < 40; i++)
		moved(1, i);
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(dst.whole, 0);
}

/* More than one page of rows, and more than one request. */
static void many(void **state)
{
	ok(store_begin(t.s, &t.err));
	for (int i = 10; i < 1400; i++)
		moved(0, i);
	ok(store_commit(t.s, &t.err));
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.settled, 1396);
	copy(0, 1399)->text[12] = 'x'; /* its Message-ID */
	copy(0, 10)->uid = 5000;
	copy(0, 1100)->uid = 1;
	take_away(&dst.box[0], copy(0, 1398));
	for (int deep = 0; deep < 2; deep++) {
		ok(verify(deep));
		expect(0, 1, 1, 0, 0);
	}
}

static void nul_became_0x80(void **state)
{
	char text[] = "Message-ID: <n@test>\r\n\r\na~~b \xe2\x82\x80 c~\r\n";
	size_t n = strlen(text);
	struct batch *b = batch_new();
	struct message *m = batch_add(b);
	struct thing *k = put(&dst.box[0], 150, text);
	bool clash;

	put(&src.box[0], 50, "");
	m->uid = 50;
	m->size = n;
	ok(store_messages_add(t.s, t.from[0], 7, m, 1, &t.err));
	for (size_t i = 0; i < n; i++) {
		if (text[i] != '~')
			continue;
		text[i] = '\0';
		k->text[i] = (char)0x80;
	}
	take_in(m, text, n);
	b->dest_folder = t.to[0];
	ok(store_intend(t.s, b, 70, 1, &t.err));
	m->dest_uid = 150;
	m->dest_uidvalidity = 70;
	ok(store_settle(t.s, m, MSG_MOVED, t.to[0], &clash, &t.err));
	batch_free(&b);
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.rewritten, 1);
	k->text[n - 4] = 'x'; /* the last c */
	ok(verify(true));
	expect(0, 0, 1, 0, 0);
}

static void destination_stays_away(void **state)
{
	dst.refuse = (struct err){ .reach = ERR_ACCOUNT,
		                   .next = NEXT_RETRY,
		                   .code = EC_CONNECT };
	assert_int_equal(verify(false), -1);
	assert_int_equal(t.err.code, EC_CONNECT);
	assert_int_equal(dst.opens, 3);
	assert_int_equal(src.opens, 0);
	dst.refuse = (struct err){ 0 };
	dst.failing = 3;
	assert_int_equal(verify(false), -1);
	assert_int_equal(t.err.code, EC_CONN_LOST);
}

static void destination_renumbered(void **state)
{
	dst.box[0].uidvalidity = 71;
	ok(verify(false));
	expect(0, 5, 0, 0, 0);
	assert_int_equal(t.seen_n, 1);
	assert_string_equal(t.where[0], "INBOX");
	assert_int_equal(t.sum.destination, 6);
}

static void destination_folder_gone(void **state)
{
	dst.n = 1;
	ok(verify(false));
	expect(0, 1, 0, 0, 0);
	assert_string_equal(t.where[0], "Work");
	assert_non_null(strstr(t.words[0], "No such folder."));
}

static void refused_in_company(void **state)
{
	moved(0, 9);
	copy(0, 9)->shy = true;
	copy(0, 2)->shy = true;
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	copy(0, 2)->lost = true;
	ok(verify(true));
	expect(0, 1, 0, 0, 0);
	assert_non_null(strstr(t.words[0], "hand it out"));
}

static void adopted_copy_with_other_headers(void **state)
{
	const char *there = "Received: by another tool\r\n"
	                    "Message-ID: <20@test>\r\n"
	                    "Subject: number 020\r\nFrom: a@example\r\n\r\n"
	                    "Body of number 020.\r\n";

	put(&src.box[0], 20, mail(20));
	put(&dst.box[0], 120, there);
	row(0, 20, mail(20), MSG_ADOPTED, 120);
	ok(verify(false));
	expect(0, 0, 0, 0, 0);
	ok(verify(true));
	expect(0, 0, 0, 0, 0);
	assert_int_equal(t.sum.rewritten, 1);
	copy(0, 20)->text[strlen(there) - 4]++;
	ok(verify(true));
	expect(0, 0, 1, 0, 0);
}

static void stopped(void **state)
{
	t.stop = 1;
	assert_int_equal(verify(false), -1);
	assert_int_equal(t.err.code, EC_INTERRUPTED);
	assert_int_equal(t.err.next, NEXT_RETRY);
}

/* One message spoils every request for it: the others are read all the
 * same, and it is named. */
static void refused_for_one(void **state)
{
	int64_t id = moved(0, 9);

	moved(0, 10);
	copy(0, 9)->poison = true;
	only(true, DIFF_MISSING, id, "INBOX");
	only(false, DIFF_MISSING, id, "INBOX");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_is_well),
		TEST(all_is_well_deep),
		TEST(one_removed),
		TEST(header_altered),
		TEST(size_altered),
		TEST(one_octet_altered),
		TEST(another_header_altered),
		TEST(announced_size_is_a_hint),
		TEST(cut_short),
		TEST(sizes_that_say_nothing),
		TEST(many),
		TEST(nul_became_0x80),
		TEST(destination_stays_away),
		TEST(destination_renumbered),
		TEST(destination_folder_gone),
		TEST(refused_in_company),
		TEST(adopted_copy_with_other_headers),
		TEST(stopped),
		TEST(refused_for_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

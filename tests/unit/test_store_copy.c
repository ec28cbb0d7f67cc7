/* SPDX-License-Identifier: Apache-2.0 */
/* Copies that were at the destination before us; what was learnt. */
#include "store_fixture.h"

static void add(struct fixture *f, int64_t folder, uint32_t uid, char *key,
                struct fingerprint fp)
{
	struct dest_copy c = { .dest_folder = folder,
		               .uidvalidity = DEST_UIDVALIDITY,
		               .uid = uid,
		               .key = key,
		               .fp = fp,
		               .size = 44 };

	OK(f, store_copy_add(f->s, &c, &f->e));
}

/* How many are found; the first one's id and uid. */
static size_t find(struct fixture *f, struct fingerprint fp, int64_t *id,
                   uint32_t *uid)
{
	struct dest_copy *v;
	size_t n;

	OK(f, store_copies_find(f->s, "dest-anna", &fp, &v, &n, &f->e));
	*id = n ? v[0].id : 0;
	*uid = n ? v[0].uid : 0;
	for (size_t i = 0; i < n; i++)
		free(v[i].key);
	free(v);
	return n;
}

static const struct fingerprint named = { .version = 1,
	                                  .message_id = UINT64_MAX - 5,
	                                  .date = 1,
	                                  .from = 2,
	                                  .subject = 3 };
static const struct fingerprint bare = {
	.version = 1, .date = 1, .from = 2, .subject = 3
};

static void round_trip(void **state)
{
	struct fixture *f = *state;
	char key[] = "file:2,S";
	struct dest_copy *v;
	size_t n;

	add(f, f->dest, 8, key, named);
	OK(f, store_copies_find(f->s, "dest-anna", &named, &v, &n, &f->e));
	assert_int_equal(n, 1);
	assert_int_equal(v[0].dest_folder, f->dest);
	assert_int_equal(v[0].uidvalidity, DEST_UIDVALIDITY);
	assert_int_equal(v[0].uid, 8);
	assert_string_equal(v[0].key, key);
	assert_int_equal(v[0].size, 44);
	assert_memory_equal(&v[0].fp, &named, sizeof(named));
	free(v[0].key);
	free(v);
}

static void by_id_or_by_head(void **state)
{
	struct fixture *f = *state;
	int64_t other = fixture_dest(f, "elsewhere", "INBOX"), id;
	struct fingerprint fp;
	uint32_t uid;

	add(f, f->dest, 1, NULL, named);
	add(f, f->dest, 2, NULL, bare);
	add(f, other, 3, NULL, named);
	assert_int_equal(find(f, named, &id, &uid), 1);
	assert_int_equal(uid, 1);
	assert_int_equal(find(f, bare, &id, &uid), 1);
	assert_int_equal(uid, 2);
	fp = bare;
	fp.subject++;
	assert_int_equal(find(f, fp, &id, &uid), 1);
	fp.from++;
	assert_int_equal(find(f, fp, &id, &uid), 0);
	fp = named;
	fp.message_id++;
	assert_int_equal(find(f, fp, &id, &uid), 0);
}

static void in_the_whole_mailbox_and_once(void **state)
{
	struct fixture *f = *state;
	int64_t sent = fixture_dest(f, "dest-anna", "Sent"), id;
	uint32_t uid;

	add(f, f->dest, 1, NULL, named);
	add(f, f->dest, 1, NULL, named); /* the scan began anew */
	add(f, sent, 1, NULL, named);
	assert_int_equal(find(f, named, &id, &uid), 2);
	OK(f, store_copy_claim(f->s, id, &f->e));
	assert_int_equal(store_copy_claim(f->s, id, &f->e), -1);
	assert_int_equal(f->e.reach, ERR_MESSAGE);
	assert_int_equal(find(f, named, &id, &uid), 1);
	OK(f, store_copies_clear(f->s, sent, &f->e));
	assert_int_equal(find(f, named, &id, &uid), 0);
}

/* A folder that was scanned again holds what we copied, too. */
static void our_own_copies_are_taken(void **state)
{
	struct fixture *f = *state;
	char key[] = "ours";
	struct message m = { .row = fixture_add(f, 2, 1), .dest_name = key };
	int64_t id;
	uint32_t uid;

	fixture_moved(f, 1, 1, 21);
	OK(f, store_settle(f->s, &m, MSG_MOVED, f->dest, NULL, &f->e));
	add(f, f->dest, 21, NULL, named);
	add(f, f->dest, 0, key, named);
	add(f, f->dest, 22, NULL, named);
	assert_int_equal(find(f, named, &id, &uid), 1);
	assert_int_equal(uid, 22);
}

static void learnt(void **state)
{
	struct fixture *f = *state;
	int64_t v = -1;

	OK(f, store_learnt(f->s, "a@h", "connections", &v, &f->e));
	assert_int_equal(v, 0);
	OK(f, store_learn(f->s, "a@h", "connections", 4, &f->e));
	OK(f, store_learn(f->s, "b@h", "connections", 5, &f->e));
	OK(f, store_learn(f->s, "a@h", "connections", 3, &f->e));
	fixture_reopen(f);
	OK(f, store_learnt(f->s, "a@h", "connections", &v, &f->e));
	assert_int_equal(v, 3);
	OK(f, store_learnt(f->s, "a@h", "requests", &v, &f->e));
	assert_int_equal(v, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE_TEST(round_trip),
		STORE_TEST(by_id_or_by_head),
		STORE_TEST(in_the_whole_mailbox_and_once),
		STORE_TEST(our_own_copies_are_taken),
		STORE_TEST(learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk through an Outlook file: folders, identity, what is a hole. What
 * is below it (nodes, tables, properties) is made of tables here.
 */
#include "archive_sink.h"
#include "fake_mapi.h"

#include "archive/pst/ltp.h"
#include "archive/pst/object.h"
#include "archive/pst/orphans.h"
#include "archive/pst/pst.h"

/* --- a file out of tables ------------------------------------------------- */

struct node {
	uint32_t nid, parent;
	const struct fake_prop *v; /* NULL: it can't be read */
	struct fake *attached;
};
struct row {
	uint32_t table, id; /* the folder's nid */
	const char *subject;
};
static struct {
	const struct node *nodes;
	size_t n;
	const struct row *rows;
	size_t rows_n;
	enum pst_open open;
	struct pst p;
} file;
static struct fake made[64];

static const struct node *find(uint32_t nid)
{
	for (size_t i = 0; i < file.n; i++)
		if (file.nodes[i].nid == nid)
			return &file.nodes[i];
	return NULL;
}

enum pst_open pst_open(struct pst **out, int fd,
                       int (*working)(void *arg, uint64_t octets), void *arg,
                       const char **why)
{
	*why = "it is torn";
	*out = &file.p;
	return file.open;
}

void pst_close(struct pst **p)
{
	*p = NULL;
}

int pst_nodes(struct pst *p, int (*each)(const struct pst_node *n, void *arg),
              void *arg)
{
	for (size_t i = 0; i < file.n; i++) {
		struct pst_node n = { .nid = file.nodes[i].nid,
			              .parent = file.nodes[i].parent };
		int r = each(&n, arg);

		if (r)
			return r;
	}
	return 0;
}

static uint32_t table_of(uint32_t nid)
{
	for (size_t i = 0; i < file.rows_n; i++)
		if (NID_OF(file.rows[i].table, NID_CONTENTS) == nid)
			return file.rows[i].table;
	return 0;
}

int pst_node(struct pst *p, uint32_t nid, struct pst_node *out)
{
	const struct node *n = find(nid);

	*out = (struct pst_node){ .nid = nid, .data = nid };
	return n || table_of(nid);
}

void pst_orphans_adopt(struct pst_folders *l)
{
}

struct pst_names *pst_names_open(struct pst *p)
{
	return (struct pst_names *)&file;
}

void pst_names_close(struct pst_names **n)
{
	*n = NULL;
}

struct mapi *pst_properties(const struct pst_file *f, const struct pst_node *at)
{
	const struct node *n = find(at->nid);
	struct fake *m = &made[n - file.nodes];

	if (!n->v)
		return NULL;
	*m = (struct fake)FAKE(n->v);
	m->attached = n->attached;
	m->attached_n = n->attached ? 1 : 0;
	return &m->m;
}

struct mapi *pst_message(const struct pst_file *f, const struct pst_node *n)
{
	f->p->why = "it is torn";
	return pst_properties(f, n);
}

static const struct row *row_of(const struct pst_tc *t, size_t row)
{
	for (size_t i = 0; i < file.rows_n; i++)
		if (file.rows[i].table == t->data && row-- == 0)
			return &file.rows[i];
	return NULL;
}

int pst_tc_open(struct pst_tc *t, struct pst *p, uint64_t data, uint64_t sub)
{
	*t = (struct pst_tc){ .data = table_of((uint32_t)data) };
	while (t->data && row_of(t, t->rows))
		t->rows++;
	return 0;
}

void pst_tc_close(struct pst_tc *t)
{
	t->rows = 0;
}

int pst_tc_id(struct pst_tc *t, size_t row, uint32_t *id)
{
	*id = row_of(t, row)->id;
	return 0;
}

int pst_tc_get(struct pst_tc *t, size_t row, uint16_t id, struct mapi_value *v)
{
	const struct row *r = row_of(t, row);

	if (id != 0x37 || !r->subject)
		return 0;
	*v = (struct mapi_value){ .id = id,
		                  .type = MAPI_STRING8,
		                  .p = (const unsigned char *)r->subject,
		                  .n = strlen(r->subject) };
	return 1;
}

/* --- what is in it -------------------------------------------------------- */

#define ROOT 0x122
#define SUBTREE 0x8022
#define TRASH 0x8042
#define INBOX 0x8062
#define SENT 0x8082
#define CONTACTS 0x80a2
#define TWIN 0x80c2
#define OTHER_TWIN 0x80e2
#define LOST 0x8102
#define FOLDER(i) (0x8000u + (i)*0x20u + 2)
#define MAIL(i) (0x200000u + (i)*0x20u + 4)

#define ENTRY(name, lo)                                                       \
	static const char name[24] = { 0,  0,  0,          0,         1,  2,  \
		                       3,  4,  5,          6,         7,  8,  \
		                       9,  10, 11,         12,        13, 14, \
		                       15, 16, (char)(lo), (char)0x80 }
ENTRY(subtree_id, 0x22);
ENTRY(trash_id, 0x42);
ENTRY(sent_id, 0x82);

static const struct fake_prop store[] = { OCTETS(0x0ff9, "0123456789abcdef",
	                                         16),
	                                  OCTETS(0x35e0, subtree_id, 24),
	                                  OCTETS(0x35e3, trash_id, 24),
	                                  { 0 } };
#define FOLDER_OF(var, name, count)                                      \
	static const struct fake_prop var[] = { TEXT(0x3001, name),      \
		                                NUMBER(0x3602, (count)), \
		                                { 0 } }
FOLDER_OF(root, "", 0);
FOLDER_OF(subtree, "Top of Personal Folders", 0);
FOLDER_OF(trash, "Papierkorb", 0);
FOLDER_OF(plain, "Work/2024 ", 1);
FOLDER_OF(nameless, "", 0);
FOLDER_OF(views, "IPM_VIEWS", 1);
FOLDER_OF(search, "Unread", 9);
static const struct fake_prop inbox[] = { TEXT(0x3001, "Posteingang"),
	                                  NUMBER(0x3602, 3),
	                                  OCTETS(0x36d7, sent_id, 24),
	                                  { 0 } };
static const struct fake_prop contacts[] = { TEXT(0x3001, "Contacts"),
	                                     NUMBER(0x3602, 5),
	                                     TEXT(0x3613, "IPF.Contact"),
	                                     { 0 } };
static const struct fake_prop drafts[] = { TEXT(0x3001, "Sent"),
	                                   NUMBER(0x3602, 0),
	                                   { 0 } };
#define MESSAGE(var, subject, key)                                \
	static const struct fake_prop var[] = {                   \
		TEXT(0x001a, "IPM.Note"), TEXT(0x0037, subject),  \
		NUMBER(0x0e07, 1),        TEXT(0x1000, "Hello."), \
		OCTETS(0x300b, key, 4),   { 0 }                   \
	}
MESSAGE(lunch, "Lunch", "aaaa");
MESSAGE(dinner, "Dinner", "bbbb");
static const struct fake_prop lunch_read[] = {
	TEXT(0x001a, "IPM.Note"), TEXT(0x0037, "Lunch"),     NUMBER(0x0e07, 0),
	TEXT(0x1000, "Hello."),   OCTETS(0x300b, "aaaa", 4), { 0 }
};
static const struct fake_prop ann[] = { TEXT(0x001a, "IPM.Contact"),
	                                TEXT(0x3001, "Ann Example"),
	                                { 0 } };

static struct node nodes[] = {
	{ NID_STORE, 0, store, NULL },
	{ ROOT, ROOT, root, NULL },
	{ 0x2223, ROOT, search, NULL },
	{ SUBTREE, ROOT, subtree, NULL },
	{ TRASH, SUBTREE, trash, NULL },
	{ INBOX, SUBTREE, inbox, NULL },
	{ SENT, SUBTREE, drafts, NULL },
	{ CONTACTS, SUBTREE, contacts, NULL },
	{ TWIN, INBOX, plain, NULL },
	{ OTHER_TWIN, INBOX, plain, NULL },
	{ LOST, 0x9992, nameless, NULL },
	{ FOLDER(20), FOLDER(21), nameless, NULL }, /* a ring */
	{ FOLDER(21), FOLDER(20), nameless, NULL },
	{ FOLDER(30), ROOT, views, NULL },
	{ MAIL(1), INBOX, lunch, NULL },
	{ MAIL(2), TWIN, lunch, NULL },
	{ MAIL(3), INBOX, dinner, NULL },
	{ MAIL(4), OTHER_TWIN, lunch, NULL },
	{ MAIL(5), INBOX, NULL, NULL },
	{ MAIL(6), CONTACTS, ann, NULL },
	{ MAIL(7), CONTACTS, ann, NULL },
	{ MAIL(8), CONTACTS, NULL, NULL },
	{ MAIL(9), FOLDER(30), lunch, NULL },
	{ MAIL(10), 0x7772, dinner, NULL },   /* of no folder */
	{ MAIL(10) + 4, INBOX, lunch, NULL }, /* settings */
};
#define NODES (sizeof(nodes) / sizeof(nodes[0]))
/* Of the inbox: one that is there, one that is gone. */
static const struct row rows[] = { { INBOX, MAIL(1), "Lunch" },
	                           { INBOX, MAIL(40), "Breakfast" } };
static struct node now[NODES];

static int setup(void **state)
{
	memset(&file, 0, sizeof(file));
	memcpy(now, nodes, sizeof(nodes));
	file.nodes = now;
	file.n = NODES;
	file.p.size = 1 << 20;
	return 0;
}

static struct node *node(uint32_t nid)
{
	return (struct node *)(uintptr_t)find(nid);
}

static void walk_as(struct kept *k, const char *raw)
{
	struct input in = { .fd = -1 };
	const struct where at = { .raw = raw, .path = "mail" };

	assert_int_equal(pst_walk(&in, &at, &k->sink), 0);
}

static void walk(struct kept *k)
{
	walk_as(k, "");
}

/* The i-th item told of that folder; NULL. */
static struct kept_item *item(struct kept *k, const char *raw, size_t at)
{
	for (size_t i = 0; i < k->items_n; i++)
		if (strcmp(k->items[i].folder, raw) == 0 && at-- == 0)
			return &k->items[i];
	return NULL;
}

static bool has_other(const struct kept *k, const char *name, const char *what)
{
	for (size_t i = 0; i < k->others_n; i++)
		if (strcmp(k->others[i].name, name) == 0 &&
		    strcmp(k->others[i].what, what) == 0)
			return true;
	return false;
}

#define IN_INBOX "#8062"

/* --- tests ---------------------------------------------------------------- */

static void folders_go_by_entry_ids(void **state)
{
	struct kept k;

	kept_init(&k);
	k.sink.names_only = true;
	walk(&k);
	assert_int_equal(kept_at(&k, "Papierkorb")->use, USE_TRASH);
	assert_int_equal(kept_at(&k, "Posteingang")->use, USE_INBOX);
	/* Whatever it is called. */
	assert_int_equal(kept_at(&k, "Sent")->use, USE_DRAFTS);
	/* A '/' is no level, and twins stay two. */
	assert_non_null(kept_at(&k, "Posteingang/Work_2024"));
	/* Something is in it. */
	assert_non_null(kept_at(&k, "Recovered"));
	assert_int_equal(k.folders_n, 9);
	assert_int_equal(k.items_n, 0);
	assert_int_equal(k.others_n, 0);
	/* No parent, and a ring: at the top, under a name. */
	assert_string_equal(kept_at(&k, "Folder 33026")->raw, "#8102");
	assert_non_null(kept_at(&k, "Folder 33410"));
	assert_non_null(kept_at(&k, "Folder 33410/Folder 33442"));
	kept_release(&k);
}

static void a_file_among_others_has_its_name_in_front(void **state)
{
	struct kept k;

	kept_init(&k);
	k.sink.names_only = true;
	walk_as(&k, "dir/mail.pst");
	assert_string_equal(kept_at(&k, "mail/Posteingang")->raw,
	                    "dir/mail.pst#8062");
	kept_release(&k);
}

static void what_is_no_mail_is_named(void **state)
{
	struct kept k;

	kept_init(&k);
	walk(&k);
	assert_string_equal(kept_what(&k, "Contacts/Ann Example"), "a contact");
	assert_string_equal(kept_what(&k, "Unread"), "a search folder");
	assert_string_equal(kept_what(&k, "IPM_VIEWS"),
	                    "a folder of Outlook's own, 1 item");
	assert_string_equal(kept_what(&k, "Posteingang"), "a hidden item");
	/* Five are counted, three are there, one of them unreadable. */
	assert_string_equal(kept_what(&k, "Contacts"),
	                    "2 items that the file counts and does not hold");
	assert_true(has_other(&k, "Contacts", "1 item that can't be read"));
	assert_null(kept_at(&k, "Contacts"));
	kept_release(&k);
}

static void mail_in_a_folder_of_contacts_is_mail(void **state)
{
	struct kept k;

	node(MAIL(7))->v = lunch;
	kept_init(&k);
	walk(&k);
	assert_non_null(kept_at(&k, "Contacts"));
	assert_non_null(
	        strstr(kept_text(item(&k, "#80a2", 0)), "Subject: Lunch\r\n"));
	kept_release(&k);
}

static void messages_come_by_their_nid(void **state)
{
	struct kept k;

	kept_init(&k);
	walk(&k);
	assert_int_equal(item(&k, IN_INBOX, 0)->it.uid >> 31, MAIL(1));
	assert_int_equal(item(&k, IN_INBOX, 1)->it.uid >> 31, MAIL(3));
	assert_true(item(&k, IN_INBOX, 0)->it.wire);
	assert_int_equal(item(&k, IN_INBOX, 0)->made, MADE_ANEW);
	assert_string_equal(item(&k, IN_INBOX, 0)->key, "Lunch");
	/* Unreadable, and said so. */
	assert_int_equal(item(&k, IN_INBOX, 2)->it.uid, (uint64_t)MAIL(5)
	                                                        << 31);
	assert_non_null(strstr(item(&k, IN_INBOX, 2)->hole, "it is torn"));
	/* Of a folder that is gone. */
	assert_non_null(strstr(kept_text(item(&k, "#0", 0)), "Dinner"));
	kept_release(&k);
}

static void reading_a_message_does_not_change_who_it_is(void **state)
{
	struct kept a, b;

	kept_init(&a);
	kept_init(&b);
	walk(&a);
	node(MAIL(1))->v = lunch_read;
	node(MAIL(3))->v = lunch;
	walk(&b);
	assert_int_equal(item(&a, IN_INBOX, 0)->it.flags, MAIL_SEEN);
	assert_int_equal(item(&b, IN_INBOX, 0)->it.flags, 0);
	assert_true(item(&a, IN_INBOX, 0)->it.uid ==
	            item(&b, IN_INBOX, 0)->it.uid);
	assert_true(item(&a, IN_INBOX, 1)->it.uid !=
	            item(&b, IN_INBOX, 1)->it.uid);
	kept_release(&a);
	kept_release(&b);
}

static void a_row_without_a_node_is_a_hole(void **state)
{
	struct kept k;
	struct kept_item *i;

	file.rows = rows;
	file.rows_n = 2;
	file.p.rescued = true;
	kept_init(&k);
	walk(&k);
	/* Behind what is said of the file. */
	i = item(&k, IN_INBOX, 4);
	assert_int_equal(i->it.uid, (uint64_t)MAIL(40) << 31);
	assert_non_null(strstr(i->hole, "\"Breakfast\""));
	assert_null(item(&k, IN_INBOX, 5));
	kept_release(&k);
}

static void a_table_knows_whose_a_message_is(void **state)
{
	static const struct row row = { TRASH, MAIL(10), "Dinner" };
	struct kept k;

	file.rows = &row;
	file.rows_n = 1;
	kept_init(&k);
	walk(&k);
	assert_non_null(item(&k, "#8042", 0));
	assert_null(item(&k, "#0", 0));
	kept_release(&k);
}

static void damage_is_told_once_before_all_items(void **state)
{
	struct kept k;

	file.p.declared = 4 << 20;
	kept_init(&k);
	walk(&k);
	assert_string_equal(k.items[0].folder, IN_INBOX);
	assert_non_null(strstr(k.items[0].hole, "1024 of its 4096 KB"));
	for (size_t i = 1; i < k.items_n; i++)
		assert_true(k.items[i].it.uid > k.items[0].it.uid);
	kept_release(&k);
}

/* Of the inbox what the test says, of others nothing. */
static const struct wanted *of_inbox(struct sink *s, const char *raw)
{
	static const struct wanted none = { .omit = true };

	return strcmp(raw, IN_INBOX) == 0 ? &((struct kept *)s->arg)->want
	                                  : &none;
}

static uint64_t uid_of(const char *raw, size_t at)
{
	struct kept k;
	uint64_t uid;

	kept_init(&k);
	walk(&k);
	uid = item(&k, raw, at)->it.uid;
	kept_release(&k);
	return uid;
}

static void only_what_is_wanted_is_read(void **state)
{
	uint64_t want = uid_of(IN_INBOX, 1);
	struct kept k;

	kept_init(&k);
	k.sink.wanted = of_inbox;
	k.want.only_want = true;
	k.want.want = &want;
	k.want.want_n = 1;
	walk(&k);
	assert_int_equal(k.items_n, 1);
	assert_non_null(strstr(kept_text(&k.items[0]), "Dinner"));
	kept_release(&k);
}

static void poison_is_passed_by(void **state)
{
	uint64_t uid = uid_of(IN_INBOX, 0);
	struct kept k;

	kept_init(&k);
	k.poison_raw = IN_INBOX;
	k.poison = uid;
	walk(&k);
	assert_true(item(&k, IN_INBOX, 0)->it.uid != uid);
	kept_release(&k);
	/* It broke down before more than its place was known. */
	kept_init(&k);
	k.poison_raw = IN_INBOX;
	k.poison = (uint64_t)MAIL(1) << 31;
	walk(&k);
	assert_true(item(&k, IN_INBOX, 0)->it.uid != uid);
	kept_release(&k);
}

static void missing_attachments_are_a_problem_beside_the_message(void **state)
{
	static const struct fake_prop gone[] = { TEXT(0x3707, "plan.pdf"),
		                                 NUMBER(0x3705, 1),
		                                 NUMBER(0x0e20, 9000),
		                                 { 0 } };
	static struct fake attached = FAKE(gone);

	node(MAIL(1))->attached = &attached;
	for (int bodies = 0; bodies < 2; bodies++) {
		struct kept_item *i;
		struct kept k;

		kept_init(&k);
		k.sink.bodies = bodies;
		walk(&k);
		assert_null(item(&k, IN_INBOX, 0)->hole);
		i = item(&k, IN_INBOX, 1);
		assert_non_null(strstr(i->hole, "plan.pdf"));
		/* After its message, before the next: also to go on. */
		assert_int_equal(i->it.uid >> 31, MAIL(1) + 1);
		assert_int_equal(item(&k, IN_INBOX, 2)->it.uid >> 31, MAIL(3));
		kept_release(&k);
	}
}

static void items_are_files_with_names_of_their_own(void **state)
{
	struct kept k;

	kept_init(&k);
	k.sink.items = true;
	walk(&k);
	assert_int_equal(k.items_n, 2);
	assert_non_null(kept_key(&k, "Contacts/Ann Example.vcf"));
	assert_non_null(kept_key(&k, "Contacts/Ann Example (2097380).vcf"));
	assert_non_null(strstr(kept_text(&k.items[0]), "BEGIN:VCARD"));
	assert_int_equal(k.others_n, 0);
	kept_release(&k);
}

static void a_file_that_cannot_be_opened_is_a_problem(void **state)
{
	struct kept k;

	file.open = PST_LOCKED;
	kept_init(&k);
	walk_as(&k, "dir/mail.pst");
	assert_int_equal(k.items_n, 1);
	assert_non_null(
	        strstr(k.items[0].hole, "Windows Information Protection"));
	kept_release(&k);
	file.open = PST_FAILED;
	kept_init(&k);
	walk_as(&k, "dir/mail.pst");
	assert_non_null(strstr(k.items[0].hole, "it is torn"));
	kept_release(&k);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(folders_go_by_entry_ids),
		TEST(a_file_among_others_has_its_name_in_front),
		TEST(what_is_no_mail_is_named),
		TEST(mail_in_a_folder_of_contacts_is_mail),
		TEST(messages_come_by_their_nid),
		TEST(reading_a_message_does_not_change_who_it_is),
		TEST(a_row_without_a_node_is_a_hole),
		TEST(a_table_knows_whose_a_message_is),
		TEST(damage_is_told_once_before_all_items),
		TEST(only_what_is_wanted_is_read),
		TEST(poison_is_passed_by),
		TEST(missing_attachments_are_a_problem_beside_the_message),
		TEST(items_are_files_with_names_of_their_own),
		TEST(a_file_that_cannot_be_opened_is_a_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

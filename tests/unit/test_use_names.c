/* SPDX-License-Identifier: Apache-2.0 */
/* test_use_names.c - folders of a special use by attribute and by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "mailhaul/plan.h"

static enum mail_use use_at(const char *path, enum mail_use attribute)
{
	struct folder f = { .use = attribute };
	enum mail_use use;

	assert_int_equal(folder_set_path(&f, path, '/'), 0);
	use = plan_use(&f);
	folder_release(&f);
	return use;
}

static const struct {
	const char *name;
	enum mail_use use;
} names[] = {
	{ "Sent", USE_SENT },
	{ "SENT", USE_SENT },
	{ "Sent Items", USE_SENT },
	{ "sent-mail", USE_SENT },
	{ "Sent Messages", USE_SENT },
	{ "Gesendete Elemente", USE_SENT },
	{ "\u00c9l\u00e9ments envoy\u00e9s", USE_SENT },
	{ "Objets envoyes", USE_SENT },
	{ "Posta inviata", USE_SENT },
	{ "Wys\u0142ane", USE_SENT },
	{ "\u041e\u0422\u041f\u0420\u0410\u0412\u041b\u0415\u041d\u041d"
	  "\u042b\u0415",
	  USE_SENT },
	{ "\u9001\u4fe1\u6e08\u307f\u30a2\u30a4\u30c6\u30e0", USE_SENT },
	/* What Exchange calls them. */
	{ "Junk-E-Mail", USE_JUNK },
	{ "Junk Email", USE_JUNK },
	{ "Archiv", USE_ARCHIVE },
	{ "\u00c9l\u00e9ments supprim\u00e9s", USE_TRASH },
	{ "Courrier ind\u00e9sirable", USE_JUNK },
	{ "Archive", USE_ARCHIVE },
	{ "\u4e0b\u66f8\u304d", USE_DRAFTS },
	{ "\u524a\u9664\u6e08\u307f\u30a2\u30a4\u30c6\u30e0", USE_TRASH },
	{ "\u8ff7\u60d1\u30e1\u30fc\u30eb", USE_JUNK },
	{ "\u30a2\u30fc\u30ab\u30a4\u30d6", USE_ARCHIVE },
	{ "Elementos enviados", USE_SENT },
	{ "Correo no deseado", USE_JUNK },
	{ "Elementy wys\u0142ane", USE_SENT },
	{ "Ongewenste e-mail", USE_JUNK },
	/* No mail. */
	{ "Calendar", USE_NONE },
	{ "Outbox", USE_NONE },
	{ "Postausgang", USE_NONE },
	{ "Conversation History", USE_NONE },
	{ "Entw\u00fcrfe", USE_DRAFTS },
	{ "Entwu\u0308rfe", USE_DRAFTS }, /* decomposed */
	{ "Brouillons", USE_DRAFTS },
	{ "\u0391\u03a0\u0395\u03a3\u03a4\u0391\u039b\u039c\u0395\u039d"
	  "\u0391",
	  USE_SENT },
	{ "Gel\u00f6schte Elemente", USE_TRASH },
	{ "Deleted Items", USE_TRASH },
	{ "Deleted Messages", USE_TRASH },
	{ "Ko\u0161", USE_TRASH },
	{ "\u0423\u0434\u0430\u043b\u0435\u043d\u043d\u044b\u0435", USE_TRASH },
	{ "\u00c7\u00d6P Kutusu", USE_TRASH },
	{ "Junk E-mail", USE_JUNK },
	{ "JunkEmail", USE_JUNK },
	{ "\u0130stenmeyen", USE_JUNK },
	{ "Spam", USE_JUNK },
	{ "Archiv", USE_ARCHIVE },
	{ "Ar\u0219iv\u0103", USE_NONE },
	{ "Archives", USE_ARCHIVE },
	{ "inbox", USE_INBOX },
	/* Folders of people, not ours to move into a bin. */
	{ "Kos", USE_NONE },
	{ "COP", USE_NONE },
	{ "Sent2", USE_NONE },
	{ "Sentinel", USE_NONE },
	{ "Work", USE_NONE },
	{ "---", USE_NONE },
	{ "Trash\xff", USE_NONE },
	{ "Outbox", USE_NONE },
};

static void by_name(void **state)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (use_at(names[i].name, USE_NONE) != names[i].use) {
			print_error("%s\n", names[i].name);
			fail();
		}
}

static void only_at_the_top(void **state)
{
	assert_int_equal(use_at("INBOX/Sent", USE_NONE), USE_SENT);
	assert_int_equal(use_at("Inbox/Trash", USE_NONE), USE_TRASH);
	assert_int_equal(use_at("Work/Sent", USE_NONE), USE_NONE);
	assert_int_equal(use_at("INBOX/Work/Sent", USE_NONE), USE_NONE);
	assert_int_equal(use_at("INBOX/INBOX", USE_NONE), USE_NONE);
}

static void attribute_first(void **state)
{
	assert_int_equal(use_at("[Gmail]/Gesendet", USE_SENT), USE_SENT);
	assert_int_equal(use_at("Sent", USE_TRASH), USE_TRASH);
	assert_int_equal(use_at("All", USE_ALL), USE_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_name),
		cmocka_unit_test(only_at_the_top),
		cmocka_unit_test(attribute_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

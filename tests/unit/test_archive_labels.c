/* SPDX-License-Identifier: Apache-2.0 */
/* test_archive_labels.c - what X-Gmail-Labels says of a message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "archive/labels.h"

#define READ MAIL_SEEN

static void each_list(void **state)
{
	static const struct {
		const char *value, *folder, *keywords;
		enum mail_use use;
		unsigned flags;
	} v[] = {
		{ "", "Archive", NULL, USE_ARCHIVE, READ },
		{ NULL, "Archive", NULL, USE_ARCHIVE, READ },
		{ "Inbox,Unread", "INBOX", NULL, USE_INBOX, 0 },
		{ "Archived,Opened,Important", "Archive", "$Important",
		  USE_ARCHIVE, READ },
		{ "Work/Clients,Starred,Zeta,Inbox", "INBOX",
		  "Work/Clients Zeta", USE_INBOX, READ | MAIL_FLAGGED },
		{ "Zeta,Alpha,Opened", "Zeta", "Alpha", USE_NONE, READ },
		/* One place: the first of the rule, the rest as keywords. */
		{ "Inbox,Sent,Trash", "Trash", "INBOX Sent", USE_TRASH, READ },
		{ "Own,Spam,Inbox", "Junk", "INBOX Own", USE_JUNK, READ },
		{ "Drafts", "Drafts", NULL, USE_DRAFTS, READ | MAIL_DRAFT },
		/* Commas, quotes and blanks in labels. */
		{ "\"a, b\",c d", "a, b",
		  "c\xc2\xa0"
		  "d",
		  USE_NONE, READ },
		{ "\"a \"\"b\"\" c\", x ,,", "a \"b\" c", "x", USE_NONE, READ },
		{ "\"a \\\"b\\\"\",5\" disk", "a \"b\"",
		  "5\"\xc2\xa0"
		  "disk",
		  USE_NONE, READ },
		{ "\"never closed, Inbox", "never closed, Inbox", NULL,
		  USE_NONE, READ },
		{ "//a// b /,/", "a/b", "/", USE_NONE, READ },
		/* What IMAP forbids in keywords. */
		{ "Inbox,(x)*%{\\", "INBOX", "(x)*%{\\", USE_INBOX, READ },
		{ "Inbox,Gr\xc3\xbc\xc3\x9f"
		  "e & so",
		  "INBOX",
		  "Gr\xc3\xbc\xc3\x9f"
		  "e\xc2\xa0&\xc2\xa0so",
		  USE_INBOX, READ },
		{ "Inbox,IMAP_$Forwarded,IMAP_NotJunk", "INBOX",
		  "$Forwarded NotJunk", USE_INBOX, READ },
		{ "IMAP_$Forwarded,IMAP_", "IMAP_", "$Forwarded", USE_NONE,
		  READ },
		/* Encoded words: of the whole, of a part, cut in a letter. */
		{ "=?UTF-8?Q?1._Organiza=C4=8Dn=C3=AD,\"3._a,_Hle?=\r\n"
		  " =?UTF-8?Q?d=C3=A1n=C3=AD\",Important?=",
		  "1. Organiza\xc4\x8dn\xc3\xad",
		  "$Important 3.\xc2\xa0"
		  "a,\xc2\xa0Hled\xc3\xa1n\xc3\xad",
		  USE_NONE, READ },
		{ "Archived,=?UTF-8?B?R3LDvMOf?= =?UTF-8?B?ZQ==?=",
		  "Gr\xc3\xbc\xc3\x9f"
		  "e",
		  NULL, USE_NONE, READ },
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9", NULL, USE_NONE,
		  READ },
		{ "=?ISO-8859-1?Q?caf=E9?=,=?x?=", "caf\xc3\xa9",
		  "=?x?=", USE_NONE, READ },
		{ "Inbox,\r\n Unread,\r\n\tStarred", "INBOX", NULL, USE_INBOX,
		  MAIL_FLAGGED },
		/* Not UTF-8, control characters. */
		{ "a\xff\x01z", "a\xef\xbf\xbd z", NULL, USE_NONE, READ },
		/* In other languages. */
		{ "Posteingang,Ungelesen,Wichtig,Kategorie: Werbung", "INBOX",
		  "$Important", USE_INBOX, 0 },
		{ "=?UTF-8?Q?Messages_archiv=C3=A9s,Ouvert,"
		  "Cat=C3=A9gorie=C2=A0:_E-mails_?=\r\n"
		  " =?UTF-8?Q?personnels,\"Culture,_arts\"?=",
		  "Culture, arts", NULL, USE_NONE, READ },
		{ "=?UTF-8?Q?Bo=C3=AEte_de_r=C3=A9ception,Non_lus?=", "INBOX",
		  NULL, USE_INBOX, 0 },
		{ "Recibidos,Destacados,Abierto", "INBOX", NULL, USE_INBOX,
		  READ | MAIL_FLAGGED },
		{ "Posta inviata,Importanti", "Sent", "$Important", USE_SENT,
		  READ },
		{ "Lixeira,N\xc3\xa3o lidas", "Trash", NULL, USE_TRASH, 0 },
		{ "PRULLENBAK,Met ster", "Trash", NULL, USE_TRASH,
		  READ | MAIL_FLAGGED },
		{ "Wys\xc5\x82"
		  "ane,Nieprzeczytane",
		  "Sent", NULL, USE_SENT, 0 },
		{ "Indbakke,Ul\xc3\xa6st", "INBOX", NULL, USE_INBOX, 0 },
		{ "Inkorgen,Ol\xc3\xa4sta", "INBOX", NULL, USE_INBOX, 0 },
		{ "Innboks,Uleste", "INBOX", NULL, USE_INBOX, 0 },
		{ "Luonnokset,Lukemattomat", "Drafts", NULL, USE_DRAFTS,
		  MAIL_DRAFT },
		{ "Ko\xc5\xa1,Nep\xc5\x99"
		  "e\xc4\x8dten\xc3\xa9",
		  "Trash", NULL, USE_TRASH, 0 },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		struct labels l;

		assert_int_equal(labels_read(v[i].value, &l), 0);
		assert_string_equal(l.folder, v[i].folder);
		assert_string_equal(l.keywords ? l.keywords : "",
		                    v[i].keywords ? v[i].keywords : "");
		assert_int_equal(l.use, v[i].use);
		assert_int_equal(l.flags, v[i].flags);
		labels_release(&l);
		assert_null(l.folder);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - which driver reads an account; see mailhaul/reader.h. */
#include "mailhaul/reader.h"

static const struct reader_ops *const drivers[] = {
	&reader_imap,
	&reader_archive,
};

const struct reader_ops *reader_find(const struct account *a, struct err *e)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (drivers[i]->accepts(a))
			return drivers[i];
	if (account_is_m365(a))
		err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		         "This version of mailhaul does not read Microsoft 365 "
		         "mailboxes yet. Name its IMAP server with imaps:// "
		         "where it allows sign-in by password.");
	else
		err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		        "mailhaul has no reader for this kind of mailbox. "
		        "This is a fault of mailhaul: please report it.",
		        "kind %d", (int)a->kind);
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* writer.c - which driver writes to an account; see mailhaul/writer.h. */
#include "mailhaul/writer.h"

static const struct writer_ops *const drivers[] = {
	&writer_graph,
	&writer_imap,
	&writer_maildir,
};

static const char *advice(const struct account *a)
{
	switch (a->kind) {
	case KIND_MBOX:
	case KIND_EML:
	case KIND_PST:
		return "mailhaul does not write archives of this kind. For a "
		       "backup on disk name a Maildir: maildir:FOLDER.";
	case KIND_PATH:
		return "A file or folder as destination needs its kind: write "
		       "maildir:FOLDER for a backup on disk.";
	default:
		return "mailhaul has no writer for this kind of mailbox.";
	}
}

const struct writer_ops *writer_find(const struct account *a, struct err *e)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (drivers[i]->accepts(a))
			return drivers[i];
	err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT, advice(a), "kind %d",
	        (int)a->kind);
	return NULL;
}

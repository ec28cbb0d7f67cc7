/* SPDX-License-Identifier: Apache-2.0 */
/* tally.c - how many messages of a mailbox are in which state. */
#include "store/db.h"

int store_tally(struct store *s, int64_t mailbox, bool folders, tally_fn *each,
                void *arg, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, folders ? ST_TALLY_FOLDERS : ST_TALLY, e,
	                V(vi(mailbox))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		struct tally t = {
			.source_folder = column_int(q.st, 0),
			.state = (enum msg_state)column_int(q.st, 1),
			.orphan = column_int(q.st, 2) != 0,
			.messages = (uint64_t)column_int(q.st, 3),
			.bytes = (uint64_t)column_int(q.st, 4),
		};

		if (t.messages == 0)
			continue;
		rc = each(&t, arg);
		if (rc)
			return rc;
	}
	return rc;
}

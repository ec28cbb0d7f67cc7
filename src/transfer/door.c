/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door.c - "m365:" becomes the way by which this mailbox goes. A mailbox
 * keeps the way it began with: the copies are known by what that way calls
 * them.
 */
#include "writer/door.h"

#include <stdlib.h>

#include "mailhaul/transfer.h"
#include "util/buf.h"

#define LEARNT "door" /* 1: IMAP, 2: Graph */

int transfer_door(struct store *s, struct job *job, bool remember, char **why,
                  struct err *e)
{
	struct account *to = &job->to;
	const char *key = job->mailbox->to_key;
	int64_t learnt = 0;
	enum account_kind kind;

	*why = NULL;
	if (door_rights(&job->from, e) || door_rights(to, e))
		return -1;
	if (to->kind != KIND_M365)
		return 0;
	if (store_learnt(s, key, LEARNT, &learnt, e))
		return -1;
	if (learnt) {
		to->kind = learnt == 1 ? KIND_M365_IMAP : KIND_M365_GRAPH;
		return 0;
	}
	if (door_choose(to, &kind, why, e))
		return -1;
	to->kind = kind;
	if (!remember)
		return 0;
	return store_learn(s, key, LEARNT, kind == KIND_M365_IMAP ? 1 : 2, e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* plan_known.c - see plan_known.h. */
#include "transfer/plan_known.h"

#include <stdlib.h>
#include <string.h>

#include "mime/mix.h"

static uint64_t id_of(const struct message *m)
{
	if (!m->key || !*m->key)
		return m->uid;
	return mix_of(m->key, strlen(m->key)) ^ m->uid;
}

static bool room(void **v, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 256;
	void *p;

	if (n < *cap)
		return true;
	p = reallocarray(*v, more, size);
	if (!p)
		return false;
	*v = p;
	*cap = more;
	return true;
}

/* What a run does not touch. */
static bool is_settled(enum msg_state state)
{
	switch (state) {
	case MSG_MOVED:
	case MSG_ADOPTED:
	case MSG_PROBLEM:
	case MSG_IGNORED:
	case MSG_GONE_DEST:
		return true;
	case MSG_PENDING:
	case MSG_SENDING:
	case MSG_UNFINISHED:
	case MSG_LEFT_OUT:
	case MSG_HOLE:
	case MSG_GONE_SOURCE:
	case MSG_STATE_COUNT:
		break;
	}
	return false;
}

static int keep_row(struct row *r, void *arg)
{
	struct plan_known *k = arg;

	k->failed |= !room((void **)&k->v, k->n, &k->cap, sizeof(*k->v));
	if (k->failed)
		return -1;
	k->v[k->n++] = (struct plan_row_known){
		.id = id_of(&r->m),
		.row = r->m.row,
		.uidvalidity = r->source_uidvalidity,
		.settled = is_settled(r->m.state),
	};
	return 0;
}

static int id_order(const void *a, const void *b)
{
	const struct plan_row_known *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int plan_known_load(struct plan_known *k, struct store *s,
                    int64_t source_folder, struct err *e)
{
	struct row_where w = { .source_folder = source_folder,
		               .not_orphan = true };

	if (store_rows(s, &w, keep_row, k, e))
		return k->failed ? err_memory(e) : -1;
	if (k->n)
		qsort(k->v, k->n, sizeof(*k->v), id_order);
	return 0;
}

bool plan_known_settled(const struct plan_known *k, struct message *msg,
                        uint32_t uidvalidity)
{
	struct plan_row_known key = { .id = id_of(msg) };
	const struct plan_row_known *found =
	        k->n ? bsearch(&key, k->v, k->n, sizeof(*k->v), id_order)
	             : NULL;

	if (!found || found->uidvalidity != uidvalidity)
		return false;
	msg->row = found->row;
	return found->settled;
}

int plan_known_want(struct plan_known *k, struct message *msg)
{
	k->failed |= !room((void **)&k->want, k->want_n, &k->want_cap,
	                   sizeof(*k->want));
	if (k->failed)
		return -1;
	k->want[k->want_n++] = (struct plan_want){
		.uid = msg->uid,
		.size = msg->size,
		.row = msg->row,
		.key = msg->key,
	};
	msg->key = NULL;
	return 0;
}

int plan_known_batch(struct plan_known *k, size_t *at, size_t messages,
                     uint64_t octets, struct batch *b, struct err *e)
{
	uint64_t sum = 0;

	while (*at < k->want_n && b->n < messages &&
	       (b->n == 0 || sum + k->want[*at].size <= octets)) {
		struct plan_want *want = &k->want[(*at)++];
		struct message *msg = batch_add(b);

		if (!msg)
			return err_memory(e);
		msg->uid = want->uid;
		msg->size = want->size;
		msg->row = want->row;
		msg->key = want->key;
		want->key = NULL;
		sum += want->size;
	}
	return 0;
}

void plan_known_release(struct plan_known *k)
{
	for (size_t i = 0; i < k->want_n; i++)
		free(k->want[i].key);
	free(k->want);
	free(k->v);
}

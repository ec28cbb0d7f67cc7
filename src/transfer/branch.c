/* SPDX-License-Identifier: Apache-2.0 */
/* branch.c - see branch.h. */
#include "transfer/branch.h"

#include <stdlib.h>
#include <string.h>

struct loading {
	struct branch *b;
	bool failed; /* memory */
};

static int keep_waiting(struct row *r, void *arg)
{
	struct loading *l = arg;
	struct branch *b = l->b;
	struct waiting *v;

	if (r->source_uidvalidity != b->uidvalidity)
		return 0;
	if ((b->waiting_n & (b->waiting_n - 1)) == 0) {
		size_t cap = b->waiting_n ? b->waiting_n * 2 : 1;

		v = realloc(b->waiting, cap * sizeof(*v));
		l->failed = !v;
		if (!v)
			return -1;
		b->waiting = v;
	}
	v = &b->waiting[b->waiting_n++];
	*v = (struct waiting){ .uid = r->m.uid,
		               .row = r->m.row,
		               .tries = r->m.tries,
		               .batch_max = r->m.batch_max,
		               .want_repair = r->m.want_repair };
	return 0;
}

static int waiting_order(const void *a, const void *b)
{
	const struct waiting *x = a, *y = b;

	return (x->uid > y->uid) - (x->uid < y->uid);
}

static int id_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int load_waiting(struct branch *b, struct move *m, struct err *e)
{
	struct row_where w = { .source_folder = m->froms[b->from].f.id,
		               .states = 1u << MSG_PENDING,
		               .not_orphan = true };
	struct loading l = { .b = b };

	if (store_rows(m->store, &w, keep_waiting, &l, e))
		return -1;
	if (l.failed)
		return err_memory(e);
	if (b->waiting_n == 0)
		return 0;
	qsort(b->waiting, b->waiting_n, sizeof(*b->waiting), waiting_order);
	b->want = calloc(b->waiting_n, sizeof(*b->want));
	if (!b->want)
		return err_memory(e);
	for (size_t i = 0; i < b->waiting_n; i++)
		b->want[i] = b->waiting[i].uid;
	return 0;
}

static int load_known(struct branch *b, struct move *m, struct err *e)
{
	int64_t folder = m->froms[b->from].f.id;
	struct row_where w = { .source_folder = folder, .not_orphan = true };
	uint64_t rows = 0;

	if (store_known_uids(m->store, folder, b->uidvalidity, &b->known,
	                     &b->known_n, e) ||
	    store_count(m->store, &w, &rows, e))
		return -1;
	b->others = rows > b->known_n;
	return 0;
}

int branch_load(struct branch *b, struct move *m, size_t from, struct err *e)
{
	const struct from *f = &m->froms[from];

	memset(b, 0, sizeof(*b));
	b->from = from;
	b->uidvalidity = f->f.uidvalidity;
	b->listed = f->listed;
	b->raw = strdup(f->f.raw);
	if (!b->raw)
		return err_memory(e);
	if (f->skip && !f->left_out)
		return 0;
	return load_known(b, m, e) || load_waiting(b, m, e) ? -1 : 0;
}

void branch_release(struct branch *b)
{
	free(b->raw);
	free(b->known);
	free(b->waiting);
	free(b->want);
	free(b->now);
	batch_free(&b->open);
	memset(b, 0, sizeof(*b));
}

/*
 * An mbox's messages are known by where they stand: while the last one
 * stands where it stood, so do all before it. Elsewhere a file may have got
 * another name meanwhile: what is known is told again first, so that a
 * message that has moved is recognised before anything is sent.
 */
static bool by_place(const struct branch *b)
{
	return b->uidvalidity > 1;
}

enum branch_ask branch_first_ask(const struct branch *b, const struct from *f,
                                 bool resume)
{
	if (f->skip && !f->left_out)
		return ASK_NOTHING;
	if (f->unchanged)
		return b->waiting_n ? ASK_WAITING : ASK_NOTHING;
	/* Another file stood there: what came of it must be known to have left
	 * its place before any of it is met again. */
	if (b->others)
		return ASK_LIST;
	if (!f->listed_before && !b->known_n &&
	    (!f->seen.uidvalidity || f->seen.uidvalidity == b->uidvalidity))
		return ASK_WHOLE;
	if (resume && by_place(b) && !f->listed_before && b->known_n)
		return ASK_RESUME;
	return ASK_LIST;
}

int branch_parts_again(struct branch *b, struct move *m, bool *any,
                       struct err *e)
{
	uint64_t n = 0;

	if (store_parts_again(m->store, m->froms[b->from].f.id, &n, e))
		return -1;
	*any |= n > 0;
	if (!n)
		return 0;
	free(b->known);
	b->known = NULL;
	b->known_n = 0;
	return load_known(b, m, e);
}

bool branch_knows(const struct branch *b, uint64_t uid)
{
	return b->known_n &&
	       bsearch(&uid, b->known, b->known_n, sizeof(uid), id_order);
}

struct waiting *branch_waits(const struct branch *b, uint64_t uid)
{
	struct waiting key = { .uid = uid };

	return b->waiting_n ? bsearch(&key, b->waiting, b->waiting_n,
	                              sizeof(key), waiting_order)
	                    : NULL;
}

int branch_now(struct branch *b, uint64_t uid)
{
	if (b->now_n == b->now_cap) {
		size_t cap = b->now_cap ? b->now_cap * 2 : 256;
		uint64_t *v = realloc(b->now, cap * sizeof(*v));

		if (!v)
			return -1;
		b->now = v;
		b->now_cap = cap;
	}
	b->now[b->now_n++] = uid;
	return 0;
}

void branch_sort_now(struct branch *b)
{
	if (b->now_n)
		qsort(b->now, b->now_n, sizeof(*b->now), id_order);
}

struct walk_folder branch_walk(const struct branch *b, bool bodies)
{
	struct walk_folder w = { .raw = b->raw, .uidvalidity = b->uidvalidity };

	switch (b->ask) {
	case ASK_NOTHING:
		w.omit = true;
		break;
	case ASK_LIST:
		w.omit = bodies;
		break;
	case ASK_WHOLE:
		w.omit = !bodies;
		break;
	case ASK_RESUME:
		w.resume = b->known[b->known_n - 1];
		w.omit = !bodies;
		break;
	case ASK_WAITING:
		w.omit = !bodies || !b->waiting_n;
		w.only_want = true;
		break;
	}
	/* Of what is listed: places that only a whole look finds damaged, and
	 * which would seem to be gone. */
	if (b->ask == ASK_RESUME || b->ask == ASK_WAITING ||
	    (b->ask == ASK_LIST && !bodies)) {
		w.want = b->want;
		w.want_n = b->waiting_n;
	}
	return w;
}

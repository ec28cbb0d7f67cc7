/* SPDX-License-Identifier: Apache-2.0 */
/* joins.c - see joins.h. */
#include "verify/joins.h"

#include <stdlib.h>

static int add(const struct joined_row *r, void *arg)
{
	struct joins *j = arg;

	if (j->n == j->cap) {
		size_t cap = j->cap + j->cap / 2 + 64;
		struct join *v = reallocarray(j->v, cap, sizeof(*v));

		if (!v) {
			j->cap = 0;
			return -1;
		}
		j->v = v;
		j->cap = cap;
	}
	j->v[j->n++] = (struct join){
		.of = r->of,
		.row = r->row,
		.uid = r->uid,
		.dest_folder = r->dest_folder,
	};
	return 0;
}

static int of_order(const void *a, const void *b)
{
	const struct join *x = a, *y = b;

	return (x->of > y->of) - (x->of < y->of);
}

static void mark_places(struct check *c, const struct joins *j)
{
	for (size_t i = 0; i < c->dests_n; i++)
		for (size_t k = 0; k < j->n && !c->places[i].ours; k++)
			c->places[i].ours =
			        j->v[k].dest_folder == c->dests[i].f.id;
}

int joins_load(struct check *c, struct joins *out, struct err *e)
{
	if (store_joins(c->s, c->job->mailbox->id, add, out, e))
		return -1;
	if (out->n && !out->cap)
		return err_memory(e);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), of_order);
	mark_places(c, out);
	return 0;
}

struct join *joins_find(const struct joins *j, int64_t of)
{
	struct join key = { .of = of };

	if (!j->n)
		return NULL;
	return bsearch(&key, j->v, j->n, sizeof(*j->v), of_order);
}

uint64_t joins_see(struct joins *j, int64_t dest_folder)
{
	uint64_t n = 0;

	for (size_t i = 0; i < j->n; i++) {
		if (j->v[i].dest_folder != dest_folder)
			continue;
		j->v[i].seen = true;
		n++;
	}
	return n;
}

void joins_report(struct check *c, const struct joins *j)
{
	for (size_t i = 0; i < j->n; i++) {
		struct verify_row r = {
			.what = DIFF_MISSING,
			.folder = "",
			.row = j->v[i].row,
			.uid = j->v[i].uid,
		};

		if (!j->v[i].seen)
			check_report(c, &r, 1,
			             "This message had come by another source "
			             "of the same mailbox, and that one's copy "
			             "is no longer known. To send this one "
			             "instead: mailhaul run %s",
			             c->job->mailbox->name);
	}
}

void joins_release(struct joins *j)
{
	free(j->v);
	*j = (struct joins){ 0 };
}

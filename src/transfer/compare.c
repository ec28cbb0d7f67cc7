/* SPDX-License-Identifier: Apache-2.0 */
/* compare.c - see compare.h. */
#include "transfer/compare.h"

#include <stdlib.h>
#include <string.h>

#include "transfer/adopt.h"
#include "util/buf.h"

/* Numbers that were met; 0 is none. */
struct number_set {
	uint64_t *v;
	size_t n, cap; /* cap: a power of two */
};

/* A copy at the destination that the store does not know. */
struct copy {
	uint64_t head; /* what it is looked for by */
	struct dest_copy c;
	size_t to;
	bool taken;
};

struct compare {
	struct move m; /* as much of one as adopt.h needs */
	struct to *to;
	size_t to_n;
	struct copy *copies;
	size_t copies_n, copies_cap;
	struct number_set rows;    /* joined to, or found again */
	struct number_set claimed; /* ids of dest_copy */
	struct number_set octets;  /* heads of hashes of all messages */
	bool joining;
};

/* --- sets --------------------------------------------------------------- */

static size_t slot_of(const struct number_set *s, uint64_t number)
{
	size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20);

	for (at &= s->cap - 1; s->v[at] && s->v[at] != number;)
		at = (at + 1) & (s->cap - 1);
	return at;
}

static bool set_has(const struct number_set *s, uint64_t number)
{
	return s->cap && s->v[slot_of(s, number)] == number;
}

static int set_grow(struct number_set *s)
{
	struct number_set more = { .cap = s->cap ? s->cap * 2 : 1024 };

	more.v = calloc(more.cap, sizeof(*more.v));
	if (!more.v)
		return -1;
	for (size_t i = 0; i < s->cap; i++)
		if (s->v[i])
			more.v[slot_of(&more, s->v[i])] = s->v[i];
	more.n = s->n;
	free(s->v);
	*s = more;
	return 0;
}

static int set_add(struct number_set *s, uint64_t number, struct err *e)
{
	size_t at;

	if (s->n * 2 >= s->cap && set_grow(s))
		return err_memory(e);
	at = slot_of(s, number);
	s->n += s->v[at] != number;
	s->v[at] = number;
	return 0;
}

/* --- what stands at the destination ------------------------------------- */

static uint64_t head_of(const struct fingerprint *fp)
{
	if (fp->message_id)
		return fp->message_id;
	return fp->date * 31 ^ fp->from * 17 ^ fp->subject;
}

static int keep_copies(struct move *m, const struct to *t,
                       const struct batch *part, void *arg, struct err *e)
{
	struct compare *x = arg;

	(void)m;
	for (size_t i = 0; i < part->n; i++) {
		const struct message *msg = &part->v[i];
		struct copy *k;

		if (!msg->fetched)
			continue;
		if (x->copies_n == x->copies_cap) {
			size_t cap = x->copies_cap ? x->copies_cap * 2 : 256;
			struct copy *v =
			        reallocarray(x->copies, cap, sizeof(*v));

			if (!v)
				return err_memory(e);
			x->copies = v;
			x->copies_cap = cap;
		}
		k = &x->copies[x->copies_n++];
		*k = (struct copy){ .head = head_of(&msg->fp),
			            .to = (size_t)(t - x->to) };
		k->c.uidvalidity = t->mark_uidvalidity;
		k->c.uid = msg->dest_uid;
		k->c.key = msg->key ? strdup(msg->key) : NULL;
		k->c.fp = msg->fp;
		if (msg->key && !k->c.key)
			return err_memory(e);
	}
	return 0;
}

static int head_order(const void *a, const void *b)
{
	const struct copy *x = a, *y = b;

	return (x->head > y->head) - (x->head < y->head);
}

static const struct dest_folder *known_as(const struct dest_folder *v, size_t n,
                                          const char *raw)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].f.raw, raw) == 0)
			return &v[i];
	return NULL;
}

/* anew: as a run would before its first message. */
static void take_folder(struct compare *x, const struct folder *f,
                        const struct dest_folder *k, bool anew)
{
	struct to *t = &x->to[x->to_n++];

	t->f = *f; /* borrowed */
	t->f.id = k ? k->f.id : 0;
	t->mark_uidvalidity = f->uidvalidity;
	t->messages_before = f->messages;
	t->scanned = !anew && k && k->scanned &&
	             (!k->f.uidvalidity || !f->uidvalidity ||
	              k->f.uidvalidity == f->uidvalidity);
}

static int look_around(struct compare *x, struct err *e)
{
	for (size_t i = 0; i < x->to_n; i++) {
		const struct to *t = &x->to[i];

		if (t->messages_before && !t->scanned &&
		    adopt_look(&x->m, t, keep_copies, x, e))
			return -1;
	}
	if (x->copies_n)
		qsort(x->copies, x->copies_n, sizeof(*x->copies), head_order);
	return 0;
}

static int load(struct compare *x, const struct folder_list *there,
                struct err *e)
{
	const struct mailbox *mb = x->m.job->mailbox;
	struct progress sofar = { 0 };
	struct dest_folder *v = NULL;
	size_t n = 0;

	x->to = calloc(there->n + 1, sizeof(*x->to));
	if (!x->to)
		return err_memory(e);
	if (store_progress(x->m.store, mb->id, &sofar, e) ||
	    store_dest_folders(x->m.store, mb->to_key, &v, &n, e))
		return -1;
	for (size_t i = 0; i < there->n; i++)
		if (!there->v[i].noselect && !there->v[i].shared)
			take_folder(x, &there->v[i],
			            known_as(v, n, there->v[i].raw),
			            !sofar.listed);
	dest_folders_free(&v, n);
	if (store_join_begin(x->m.store, mb->id, &x->joining, e))
		return -1;
	return look_around(x, e);
}

int compare_open(struct compare **out, struct store *s, struct job *job,
                 const struct writer_ops *ops, struct writer *w,
                 const struct folder_list *there, struct err *e)
{
	struct compare *x = calloc(1, sizeof(*x));

	*out = x;
	if (!x)
		return err_memory(e);
	x->m.store = s;
	x->m.job = job;
	x->m.writer_ops = ops;
	x->m.writer = w;
	x->m.writer_traits = ops->traits(w);
	if (load(x, there, e) == 0)
		return 0;
	compare_close(out);
	return -1;
}

void compare_close(struct compare **cp)
{
	struct compare *x = *cp;

	*cp = NULL;
	if (!x)
		return;
	for (size_t i = 0; i < x->copies_n; i++)
		free(x->copies[i].c.key);
	free(x->copies);
	free(x->to);
	free(x->rows.v);
	free(x->claimed.v);
	free(x->octets.v);
	free(x);
}

/* --- one message -------------------------------------------------------- */

static bool is_taken(int64_t row, void *arg)
{
	const struct compare *x = arg;

	return set_has(&x->rows, (uint64_t)row);
}

static int ask_join(struct compare *x, const struct message *m, int64_t dest,
                    enum compared *out, struct err *e)
{
	CLEANUP(joined_release) struct joined j = { 0 };

	if (!x->joining)
		return 0;
	if (store_join_find(x->m.store, x->m.job->mailbox->id, m, dest,
	                    is_taken, x, &j, e))
		return -1;
	if (!j.row)
		return 0;
	*out = j.how == FP_SAME ? COMPARED_THERE : COMPARED_UNSURE;
	return j.how == FP_SAME ? set_add(&x->rows, (uint64_t)j.row, e) : 0;
}

static const struct to *folder_of(const struct compare *x, int64_t id)
{
	for (size_t i = 0; id && i < x->to_n; i++)
		if (x->to[i].f.id == id)
			return &x->to[i];
	return NULL;
}

static int ask_recorded(struct compare *x, const struct message *m,
                        enum compared *out, struct err *e)
{
	struct dest_copy *v = NULL;
	size_t n = 0;
	int failed = store_copies_find(x->m.store, x->m.job->mailbox->to_key,
	                               &m->fp, &v, &n, e);

	for (size_t i = 0; i < n && !failed && *out != COMPARED_THERE; i++) {
		const struct to *t = folder_of(x, v[i].dest_folder);
		bool same = false;

		/* Else it was listed anew. */
		if (!t || !t->scanned ||
		    t->mark_uidvalidity != v[i].uidvalidity ||
		    set_has(&x->claimed, (uint64_t)v[i].id))
			continue;
		failed = adopt_is_same(&x->m, x->m.writer, t, &v[i], m, NULL,
		                       &same, e);
		if (!failed && same) {
			*out = COMPARED_THERE;
			failed = set_add(&x->claimed, (uint64_t)v[i].id, e);
		}
	}
	for (size_t i = 0; i < n; i++)
		free(v[i].key);
	free(v);
	return failed;
}

static size_t first_with(const struct compare *x, uint64_t head)
{
	size_t lo = 0, hi = x->copies_n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->copies[mid].head < head)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int ask_listed(struct compare *x, const struct message *m,
                      enum compared *out, struct err *e)
{
	uint64_t head = head_of(&m->fp);

	for (size_t i = first_with(x, head);
	     i < x->copies_n && x->copies[i].head == head &&
	     *out != COMPARED_THERE;
	     i++) {
		struct copy *k = &x->copies[i];
		bool same = false;

		if (k->taken)
			continue;
		if (adopt_is_same(&x->m, x->m.writer, &x->to[k->to], &k->c, m,
		                  NULL, &same, e))
			return -1;
		k->taken = same;
		if (same)
			*out = COMPARED_THERE;
	}
	return 0;
}

static int ask_orphans(struct compare *x, const struct message *m,
                       enum compared *out, struct err *e)
{
	int64_t row = 0;

	if (store_orphan_find(x->m.store, x->m.job->mailbox->id, m, &row, e))
		return -1;
	if (!row || is_taken(row, x))
		return 0;
	*out = COMPARED_KNOWN;
	return set_add(&x->rows, (uint64_t)row, e);
}

static int ask_view(struct compare *x, const struct message *m, bool view,
                    enum compared *out, struct err *e)
{
	uint64_t head = 1; /* never 0 */

	for (int i = 0; i < 8; i++)
		head = head << 8 | m->sha256[i];
	if (view && (set_has(&x->octets, head) ||
	             store_has_octets(x->m.store, x->m.job->mailbox->id,
	                              m->sha256, m->row)))
		*out = COMPARED_TWICE;
	return head ? set_add(&x->octets, head, e) : 0;
}

int compare_message(struct compare *x, const struct message *m,
                    int64_t dest_folder, bool view, enum compared *out,
                    struct err *e)
{
	*out = COMPARED_NEW;
	if (ask_view(x, m, view, out, e))
		return -1;
	if (*out == COMPARED_NEW && ask_orphans(x, m, out, e))
		return -1;
	if (*out == COMPARED_NEW && ask_join(x, m, dest_folder, out, e))
		return -1;
	if (*out != COMPARED_NEW && *out != COMPARED_UNSURE)
		return 0;
	return ask_recorded(x, m, out, e) || (*out != COMPARED_THERE &&
	                                      ask_listed(x, m, out, e))
	               ? -1
	               : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folders.c - the folders of both ends: asked for at the same time, mapped,
 * made, and recorded.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "transfer/move.h"
#include "transfer/tour.h"
#include "transfer/prior.h"
#include "util/buf.h"

/* --- asking both ends at once --------------------------------------------- */

struct source_asking {
	struct move *m;
	struct folder_list list;
	struct err e;
	int failed;
};

static void *ask_source(void *arg)
{
	struct source_asking *s = arg;
	struct move *m = s->m;

	s->failed = !m->reader && move_open_reader(m, &m->reader, true, &s->e);
	if (!s->failed)
		s->failed = m->reader_ops->folders(m->reader, &s->list, &s->e);
	return NULL;
}

static int ask_both(struct move *m, struct folder_list *src,
                    struct folder_list *dst, struct err *e)
{
	struct source_asking s = { .m = m };
	pthread_t thread;
	int failed;

	if (pthread_create(&thread, NULL, ask_source, &s))
		return err_memory(e);
	failed = !m->writer && move_open_writer(m, &m->writer, true, e);
	if (!failed)
		failed = m->writer_ops->folders(m->writer, dst, e);
	pthread_join(thread, NULL);
	*src = s.list;
	if (s.failed) {
		*e = s.e;
		m->reader_ops->close(&m->reader);
		return -1;
	}
	return failed;
}

/* --- destination folders -------------------------------------------------- */

static struct to *add_to(struct move *m)
{
	struct to *v = realloc(m->tos, (m->tos_n + 1) * sizeof(*v));

	if (!v)
		return NULL;
	m->tos = v;
	memset(&v[m->tos_n], 0, sizeof(*v));
	return &v[m->tos_n++];
}

static int target(struct move *m, const struct folder *f, size_t *at,
                  struct err *e)
{
	struct to *t;

	for (*at = 0; *at < m->tos_n; (*at)++)
		if (strcmp(m->tos[*at].f.path, f->path) == 0)
			return 0;
	t = add_to(m);
	return !t || folder_copy(&t->f, f) ? err_memory(e) : 0;
}

static int make_all(struct move *m, struct err *e)
{
	struct folder *v CLEANUP(free_p) = calloc(m->tos_n + 1, sizeof(*v));
	struct err *why CLEANUP(free_p) = calloc(m->tos_n + 1, sizeof(*why));
	int failed;

	if (!v || !why)
		return err_memory(e);
	for (size_t i = 0; i < m->tos_n; i++)
		v[i] = m->tos[i].f;
	failed = m->writer_ops->make(m->writer, v, m->tos_n, why, e);
	for (size_t i = 0; i < m->tos_n; i++) {
		m->tos[i].f = v[i];
		m->tos[i].failed = why[i];
	}
	return failed;
}

static const struct folder *by_raw(const struct folder_list *l, const char *raw)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].raw, raw) == 0)
			return &l->v[i];
	return NULL;
}

/*
 * Names that differ in case alone have been made: a server that is blind
 * for case has only one of them. Nothing but making them tells.
 */
static int look_for_case(struct move *m, bool *blind, struct err *e)
{
	struct folder_list now = { 0 };
	bool alike = false;
	int failed = 0;

	*blind = false;
	for (size_t i = 0; i < m->tos_n && !alike; i++)
		for (size_t k = 0; k < i && !alike; k++)
			alike = strcasecmp(m->tos[i].f.path,
			                   m->tos[k].f.path) == 0;
	if (!alike || m->case_blind)
		return 0;
	failed = m->writer_ops->folders(m->writer, &now, e);
	for (size_t i = 0; i < m->tos_n && !failed; i++)
		*blind |= !m->tos[i].failed.code &&
		          strcasecmp(m->tos[i].f.raw, "INBOX") != 0 &&
		          !by_raw(&now, m->tos[i].f.raw);
	folder_list_release(&now);
	return failed;
}

static int record_to(struct move *m, struct to *t, struct err *e)
{
	bool changed = false;

	if (t->failed.code)
		return 0;
	t->mark_uidvalidity = t->f.uidvalidity;
	t->mark_uidnext = t->f.uidnext;
	t->messages_before = t->f.messages;
	if (store_dest_folder_put(m->store, m->job->mailbox->to_key, &t->f,
	                          &changed, e))
		return -1;
	if (!changed)
		return 0;
	tell(m, EVENT_NOTE, t->f.path,
	     "the new server renumbered this folder; the messages there are "
	     "looked up again",
	     NULL);
	return store_dest_renumbered(m->store, t->f.id, t->f.uidvalidity, e);
}

static struct to *find_to(struct move *m, int64_t id)
{
	for (size_t i = 0; i < m->tos_n; i++)
		if (m->tos[i].f.id == id)
			return &m->tos[i];
	return NULL;
}

/* Folders that only the store knows: rows of earlier passes are there. */
static int add_known(struct move *m, const struct folder_list *dst,
                     struct err *e)
{
	struct dest_folder *v = NULL;
	size_t n = 0;
	int failed = 0;

	if (store_dest_folders(m->store, m->job->mailbox->to_key, &v, &n, e))
		return -1;
	for (size_t i = 0; i < n && !failed; i++) {
		struct to *t = find_to(m, v[i].f.id);
		const struct folder *now;

		if (!t) {
			t = add_to(m);
			if (!t || folder_copy(&t->f, &v[i].f)) {
				failed = err_memory(e);
				break;
			}
			now = by_raw(dst, t->f.raw);
			t->absent = !now;
			t->mark_uidvalidity = now ? now->uidvalidity : 0;
			t->mark_uidnext = now ? now->uidnext : 0;
			t->messages_before = now ? now->messages : 0;
			t->f.modseq = now ? now->modseq : 0;
		}
		t->scanned = v[i].scanned;
		t->doubted = v[i].doubted;
	}
	dest_folders_free(&v, n);
	return failed;
}

/* --- source folders ------------------------------------------------------- */

static const struct source_folder *known_from(const struct source_folder *v,
                                              size_t n, const char *raw)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i].f.raw, raw) == 0)
			return &v[i];
	return NULL;
}

struct mapping {
	struct folder_list src, dst;
	struct folder_target *to;
	struct source_folder *known;
	size_t known_n;
};

static bool is_unchanged(const struct from *f, const struct source_folder *k)
{
	const struct folder *now = &f->f, *then = &k->f;

	/* An archive has a modseq without having been counted. */
	return k->listed && (now->have_status || now->uidnext == 0) &&
	       now->modseq && now->uidvalidity == then->uidvalidity &&
	       now->uidnext == then->uidnext && now->modseq == then->modseq &&
	       (now->messages == then->messages || now->uidnext == 0);
}

static void remember_from(struct from *f, const struct source_folder *k)
{
	if (!k)
		return;
	f->listed_before = k->listed;
	f->seen.uidvalidity = k->f.uidvalidity;
	f->seen.modseq = k->f.modseq;
	f->unchanged = is_unchanged(f, k);
}

static int record_from(struct move *m, struct from *f,
                       const struct folder_target *t, struct err *e)
{
	const struct to *to = t->left_out ? NULL : &m->tos[f->to];
	/* What the store keeps as the folder's state is that of its last
	 * complete listing, not today's. */
	struct folder row = f->f;
	int failed;

	row.uidvalidity = f->seen.uidvalidity;
	row.modseq = f->seen.modseq;
	failed = store_source_folder_put(m->store, m->job->mailbox->id, &row,
	                                 to && !to->failed.code ? to->f.id : 0,
	                                 t->left_out, e);
	f->f.id = row.id;
	if (to && to->failed.code) {
		f->skip = true;
		m->limited = true;
		m->note = to->failed;
		tell(m, EVENT_PROBLEM, f->f.path, to->failed.text, &to->failed);
	}
	return failed;
}

static int rank(const struct from *f)
{
	switch (f->f.use) {
	case USE_INBOX:
		return 0;
	case USE_SENT:
		return 1;
	case USE_TRASH:
		return 3;
	case USE_JUNK:
		return 4;
	case USE_ALL:
		return 5;
	default:
		return 2;
	}
}

static int from_order(const void *a, const void *b)
{
	const struct from *x = a, *y = b;
	int d = rank(x) - rank(y);

	return d ? d : strcmp(x->f.raw, y->f.raw);
}

/* --- all together --------------------------------------------------------- */

/* What was decided; what was asked stays. */
static void mapping_forget(struct mapping *p)
{
	for (size_t i = 0; p->to && i < p->src.n; i++)
		folder_target_release(&p->to[i]);
	free(p->to);
	p->to = NULL;
	source_folders_free(&p->known, p->known_n);
	p->known = NULL;
	p->known_n = 0;
}

static void mapping_release(struct mapping *p)
{
	mapping_forget(p);
	folder_list_release(&p->src);
	folder_list_release(&p->dst);
}

static int map_with(struct move *m, struct mapping *p,
                    const struct dest_folder *v, size_t n, struct err *e)
{
	const char **prior CLEANUP(free_p) =
	        calloc(p->src.n + 1, sizeof(*prior));
	struct name_rules rules = m->writer_ops->rules(m->writer);

	rules.case_blind |= m->case_blind;
	p->to = calloc(p->src.n + 1, sizeof(*p->to));
	if (!prior || !p->to)
		return err_memory(e);
	if (prior_paths(m->store, m->job->mailbox, &p->src, p->known,
	                p->known_n, v, n, prior, e))
		return -1;
	return plan_folders_again(&p->src, &p->dst, &rules, m->job->options,
	                          prior, p->to, e);
}

static int map(struct move *m, struct mapping *p, struct err *e)
{
	struct dest_folder *v = NULL;
	size_t n = 0;
	int failed;

	if (store_source_folders(m->store, m->job->mailbox->id, &p->known,
	                         &p->known_n, e) ||
	    store_dest_folders(m->store, m->job->mailbox->to_key, &v, &n, e))
		return -1;
	failed = map_with(m, p, v, n, e);
	dest_folders_free(&v, n);
	return failed;
}

static int take_folders(struct move *m, struct mapping *p, struct err *e)
{
	m->froms = calloc(p->src.n + 1, sizeof(*m->froms));
	if (!m->froms)
		return err_memory(e);
	for (size_t i = 0; i < p->src.n; i++) {
		struct from *f = &m->froms[m->froms_n];
		struct folder_target *t = &p->to[i];

		if (p->src.v[i].noselect)
			continue;
		if (folder_copy(&f->f, &p->src.v[i]))
			return err_memory(e);
		m->froms_n++;
		f->f.use = plan_use(&f->f);
		f->left_out = t->left_out;
		f->skip = t->left_out != NULL;
		remember_from(f, known_from(p->known, p->known_n, f->f.raw));
		if (f->skip)
			continue;
		if (t->to.use == USE_NONE)
			t->to.use = f->f.use;
		if (target(m, &t->to, &f->to, e))
			return -1;
	}
	return 0;
}

static int record(struct move *m, struct mapping *p, struct err *e)
{
	for (size_t i = 0; i < m->tos_n; i++)
		if (record_to(m, &m->tos[i], e))
			return -1;
	for (size_t i = 0, k = 0; i < p->src.n; i++)
		if (!p->src.v[i].noselect &&
		    record_from(m, &m->froms[k++], &p->to[i], e))
			return -1;
	return add_known(m, &p->dst, e);
}

static int record_at_once(struct move *m, struct mapping *p, struct err *e)
{
	if (store_begin(m->store, e))
		return -1;
	if (record(m, p, e)) {
		store_rollback(m->store);
		return -1;
	}
	return store_commit(m->store, e);
}

static void count_rows(struct move *m, struct err *e)
{
	for (size_t i = 0; i < m->froms_n; i++) {
		struct from *f = &m->froms[i];
		struct row_where w = { .source_folder = f->f.id,
			               .states = 1u << MSG_PENDING };

		f->cursor = m->job->options->oldest_first ? 0 : UINT64_MAX;
		/* What is left out of an archive is counted all the same. */
		f->listed =
		        f->unchanged || (f->skip && !(m->tour && f->left_out));
		if (!f->skip)
			store_count(m->store, &w, &f->pending, e);
	}
}

void folders_free(struct move *m)
{
	for (size_t i = 0; i < m->froms_n; i++)
		folder_release(&m->froms[i].f);
	for (size_t i = 0; i < m->tos_n; i++)
		folder_release(&m->tos[i].f);
	free(m->froms);
	free(m->tos);
	folder_list_release(&m->there);
	m->froms = NULL;
	m->tos = NULL;
	m->froms_n = m->tos_n = 0;
}

static int map_and_make(struct move *m, struct mapping *p, bool *blind,
                        struct err *e)
{
	return map(m, p, e) || take_folders(m, p, e) || make_all(m, e) ||
	                       look_for_case(m, blind, e)
	               ? -1
	               : 0;
}

static int prepare(struct move *m, struct mapping *p, struct err *e)
{
	bool blind;

	if (ask_both(m, &p->src, &p->dst, e) ||
	    tour_known_folders(m, &p->src, e))
		return -1;
	m->writer_traits = m->writer_ops->traits(m->writer);
	if (map_and_make(m, p, &blind, e))
		return -1;
	if (blind) {
		m->case_blind = true;
		folders_free(m);
		mapping_forget(p);
		if (map_and_make(m, p, &blind, e))
			return -1;
	}
	return record_at_once(m, p, e);
}

int folders_prepare(struct move *m, struct err *e)
{
	struct mapping p = { 0 };
	int failed;

	folders_free(m);
	failed = prepare(m, &p, e);
	if (!failed) {
		m->there = p.dst;
		p.dst = (struct folder_list){ 0 };
	}
	mapping_release(&p);
	if (failed)
		return -1;
	qsort(m->froms, m->froms_n, sizeof(*m->froms), from_order);
	count_rows(m, e);
	return 0;
}

/* --- at the end ----------------------------------------------------------- */

/*
 * The state counts as "nothing changed since" only if it is what our own
 * messages explain: else somebody was there, and the next pass looks.
 */
static int remember_to(struct move *m, struct to *t, const struct folder *now,
                       struct err *e)
{
	bool ours = now->messages == t->messages_before + t->appended &&
	            now->have_status;

	return store_dest_state(m->store, t->f.id, now->uidvalidity,
	                        now->uidnext, ours ? now->modseq : 0,
	                        now->messages, e);
}

/* Without a modseq nothing says "unchanged" to the next pass. */
static bool has_modseq(const struct move *m)
{
	for (size_t i = 0; i < m->tos_n; i++)
		if (m->tos[i].f.modseq)
			return true;
	return false;
}

int folders_remember(struct move *m, struct err *e)
{
	struct folder_list dst = { 0 };
	int failed;

	if (!has_modseq(m))
		return 0;
	failed = m->writer_ops->folders(m->writer, &dst, e) ||
	         store_begin(m->store, e);
	for (size_t i = 0; i < m->tos_n && !failed; i++) {
		struct to *t = &m->tos[i];
		const struct folder *now = t->f.raw && !t->failed.code
		                                   ? by_raw(&dst, t->f.raw)
		                                   : NULL;

		if (now)
			failed = remember_to(m, t, now, e);
		if (failed)
			store_rollback(m->store);
	}
	folder_list_release(&dst);
	return failed || store_commit(m->store, e) ? -1 : 0;
}

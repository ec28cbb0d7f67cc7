/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_ask.c - the plan of a mailbox: both ends asked, nothing changed.
 *
 * Of an archive, and where the destination has another source as well, the
 * messages are read and held against what is at the destination already.
 */
#include <stdlib.h>
#include <string.h>

#include "transfer/compare.h"
#include "transfer/plan_known.h"
#include "transfer/prior.h"
#include "util/buf.h"

#define READ_MESSAGES 100
#define READ_OCTETS (4u << 20)
#define BODY_LIMIT (64u << 10)

struct ends {
	struct store *s;
	struct job *job;
	const struct reader_ops *reader_ops;
	const struct writer_ops *writer_ops;
	struct reader *reader;
	struct writer *writer;
	struct folder_list src, dst;
	struct folder_target *to;
	struct source_folder *known;
	size_t known_n;
	struct dest_folder *dests;
	size_t dests_n;
	struct compare *compare; /* NULL: counted only */
	struct plan_row *rows;   /* one for each of src */
	struct plan_known *of;   /* what the store has of each, if compared */
	struct others *others;   /* the caller's, or NULL */
};

static void ends_release(struct ends *x)
{
	compare_close(&x->compare);
	for (size_t i = 0; i < x->src.n; i++) {
		if (x->to)
			folder_target_release(&x->to[i]);
		if (x->of)
			plan_known_release(&x->of[i]);
	}
	free(x->to);
	free(x->of);
	free(x->rows);
	if (x->reader)
		x->reader_ops->close(&x->reader);
	if (x->writer_ops && x->writer)
		x->writer_ops->close(&x->writer);
	folder_list_release(&x->src);
	folder_list_release(&x->dst);
	source_folders_free(&x->known, x->known_n);
	dest_folders_free(&x->dests, x->dests_n);
}

/* --- both ends ---------------------------------------------------------- */

static bool is_stream(const struct ends *x)
{
	return x->reader_ops->traits & READER_STREAM;
}

static int ask_source(struct ends *x, struct err *e)
{
	const struct reader_ops *ops = x->reader_ops;
	const struct others *others;

	if (ops->open(&x->reader, &x->job->from, e))
		return -1;
	return is_stream(x) ? ops->survey(x->reader, &x->src, &others, e)
	                    : ops->folders(x->reader, &x->src, e);
}

static int open_ends(struct ends *x, struct err *e)
{
	CLEANUP(free_p) char *why = NULL;

	x->reader_ops = reader_find(&x->job->from, e);
	if (!x->reader_ops || transfer_door(x->s, x->job, false, &why, e))
		return -1;
	x->writer_ops = writer_find(&x->job->to, e);
	if (!x->writer_ops || ask_source(x, e) ||
	    x->writer_ops->open(&x->writer, &x->job->to, e))
		return -1;
	return x->writer_ops->folders(x->writer, &x->dst, e);
}

static int map(struct ends *x, struct err *e)
{
	const char **prior CLEANUP(free_p) =
	        calloc(x->src.n + 1, sizeof(*prior));
	struct name_rules rules = x->writer_ops->rules(x->writer);

	x->to = calloc(x->src.n + 1, sizeof(*x->to));
	x->rows = calloc(x->src.n + 1, sizeof(*x->rows));
	if (!x->to || !x->rows || !prior)
		return err_memory(e);
	if (prior_paths(x->s, x->job->mailbox, &x->src, x->known, x->known_n,
	                x->dests, x->dests_n, prior, e))
		return -1;
	return plan_folders_again(&x->src, &x->dst, &rules, x->job->options,
	                          prior, x->to, e);
}

static bool exists(const struct ends *x, const struct folder *to)
{
	for (size_t i = 0; i < x->dst.n; i++)
		if (x->dst.v[i].path && to->path &&
		    strcmp(x->dst.v[i].path, to->path) == 0)
			return !x->dst.v[i].noselect;
	return false;
}

static void begin_rows(struct ends *x)
{
	for (size_t i = 0; i < x->src.n; i++) {
		struct plan_row *r = &x->rows[i];
		const struct folder_target *t = &x->to[i];

		r->from = x->src.v[i].path;
		r->left_out = t->left_out;
		r->to = t->left_out ? NULL : t->to.path;
		r->renamed = t->renamed;
		r->exists = !t->left_out && exists(x, &t->to);
		if (!t->left_out)
			continue;
		r->messages = x->src.v[i].messages;
		r->left_out_messages = x->src.v[i].messages;
	}
}

static const struct source_folder *known(const struct ends *x, const char *raw)
{
	for (size_t i = 0; i < x->known_n; i++)
		if (strcmp(x->known[i].f.raw, raw) == 0)
			return &x->known[i];
	return NULL;
}

static bool is_asked(const struct ends *x, size_t i)
{
	return !x->src.v[i].noselect && !x->to[i].left_out;
}

/* --- counting only ------------------------------------------------------ */

static int count(struct message *msg, void *arg)
{
	struct ends *x = ((struct plan_known *)arg)->owner;
	struct plan_row *r = &x->rows[((struct plan_known *)arg)->at];

	r->messages++;
	r->bytes += msg->size;
	r->left_out_messages += plan_message(x->job->options, msg) != NULL;
	return 0;
}

static int count_settled(struct ends *x, size_t i, struct err *e)
{
	const struct source_folder *k = known(x, x->src.v[i].raw);
	struct row_where w = { .states = 1u << MSG_MOVED | 1u << MSG_ADOPTED };

	if (!k)
		return 0;
	w.source_folder = k->f.id;
	return store_count(x->s, &w, &x->rows[i].settled, e);
}

static int count_all(struct ends *x, struct err *e)
{
	for (size_t i = 0; i < x->src.n; i++) {
		struct plan_known at = { .owner = x, .at = i };
		struct window w = { .found = count, .arg = &at };

		if (is_asked(x, i) &&
		    (x->reader_ops->list(x->reader, &x->src.v[i], &w, e) ||
		     count_settled(x, i, e)))
			return -1;
	}
	return 0;
}

/* --- comparing ---------------------------------------------------------- */

static int64_t dest_row(const struct ends *x, size_t i)
{
	for (size_t k = 0; k < x->dests_n; k++)
		if (strcmp(x->dests[k].f.path, x->to[i].to.path) == 0)
			return x->dests[k].f.id;
	return 0;
}

/* A message that a run would read: with octets, or a hole. */
static int compare(struct ends *x, size_t i, const struct message *msg,
                   struct err *e)
{
	struct plan_row *r = &x->rows[i];
	enum compared how = COMPARED_NEW;

	if (msg->fetched &&
	    compare_message(x->compare, msg, dest_row(x, i),
	                    plan_use(&x->src.v[i]) == USE_ALL, &how, e))
		return -1;
	r->settled += how == COMPARED_KNOWN;
	r->left_out_messages += how == COMPARED_TWICE;
	r->already += how == COMPARED_THERE;
	r->unsure += how == COMPARED_UNSURE;
	r->fresh += how == COMPARED_NEW;
	r->unreadable += how == COMPARED_NEW && msg->hole;
	return 0;
}

/* True if its octets decide; else it is counted as what it is. */
static bool is_open(struct ends *x, size_t i, struct message *msg,
                    uint32_t uidvalidity)
{
	struct plan_row *r = &x->rows[i];
	bool settled = plan_known_settled(&x->of[i], msg, uidvalidity);
	bool left_out = !settled && plan_message(x->job->options, msg);

	r->messages++;
	r->bytes += msg->size;
	r->settled += settled;
	r->left_out_messages += left_out;
	return !settled && !left_out;
}

static size_t folder_at(const struct ends *x, const char *raw)
{
	size_t i = 0;

	while (i < x->src.n && strcmp(x->src.v[i].raw, raw) != 0)
		i++;
	return i;
}

static size_t body_limit(const struct ends *x)
{
	return x->job->from.body_limit ? x->job->from.body_limit : BODY_LIMIT;
}

/* Sizes and dates may come with the octets only. */
static int take(struct ends *x, size_t i, struct message *msg, struct err *e)
{
	struct plan_row *r = &x->rows[i];
	uint64_t told = msg->size;

	body_init(&msg->body, body_limit(x), x->job->from.spool_dir);
	if (!msg->hole && x->reader_ops->take(x->reader, msg, e))
		return -1;
	if (!told)
		r->bytes += msg->size ? msg->size : msg->body.size;
	if (!plan_message(x->job->options, msg))
		return compare(x, i, msg, e);
	r->left_out_messages++;
	return 0;
}

static int meet(struct ends *x, struct walk_found *f, struct err *e)
{
	size_t i = folder_at(x, f->folder->raw);

	if (i < x->src.n && !is_asked(x, i) && f->m.flags & MAIL_WHOLE) {
		x->rows[i].fresh++;
		x->rows[i].unreadable++;
		return 0;
	}
	if (i == x->src.n || !is_asked(x, i) ||
	    !is_open(x, i, &f->m, f->folder->uidvalidity))
		return 0;
	return take(x, i, &f->m, e);
}

static int other(struct ends *x, const struct walk_found *f, struct err *e)
{
	if (!x->others || !others_add(x->others, f->name, f->what_else))
		return 0;
	return err_memory(e);
}

static int walk_all(struct ends *x, struct err *e)
{
	struct walk_folder *v CLEANUP(free_p) =
	        calloc(x->src.n + 1, sizeof(*v));
	struct walk w = { .bodies = true, .v = v };
	int got;

	if (!v)
		return err_memory(e);
	for (size_t i = 0; i < x->src.n; i++)
		if (!is_asked(x, i))
			v[w.n++] = (struct walk_folder){
				.raw = x->src.v[i].raw,
				.uidvalidity = x->src.v[i].uidvalidity,
				.omit = true,
			};
	if (x->reader_ops->walk(x->reader, &w, e))
		return -1;
	for (;;) {
		struct walk_found f = { .what = FOUND_OTHER };
		int failed;

		got = x->reader_ops->next(x->reader, &f, e);
		if (got <= 0)
			return got;
		failed = f.what == FOUND_MESSAGE ? meet(x, &f, e)
		         : f.what == FOUND_OTHER ? other(x, &f, e)
		                                 : 0;
		message_release(&f.m);
		if (failed)
			return -1;
	}
}

/* --- a source that is asked folder by folder ---------------------------- */

static int found(struct message *msg, void *arg)
{
	struct plan_known *k = arg;
	struct ends *x = k->owner;

	if (!is_open(x, k->at, msg, k->w->now_uidvalidity))
		return 0;
	return plan_known_want(k, msg);
}

static int read_batch(struct ends *x, size_t i, struct batch *b, struct err *e)
{
	struct batch *got = NULL;

	for (size_t k = 0; k < b->n; k++)
		body_init(&b->v[k].body, body_limit(x), x->job->from.spool_dir);
	if (x->reader_ops->ask(x->reader, &x->src.v[i], b, e) ||
	    x->reader_ops->fetch(x->reader, &got, e))
		return -1;
	for (size_t k = 0; k < b->n; k++)
		if (compare(x, i, &b->v[k], e))
			return -1;
	return 0;
}

static int read_wanted(struct ends *x, size_t i, struct err *e)
{
	struct plan_known *k = &x->of[i];
	size_t at = 0;

	while (at < k->want_n) {
		struct batch *b = batch_new();
		int failed = !b ? err_memory(e)
		                : plan_known_batch(k, &at, READ_MESSAGES,
		                                   READ_OCTETS, b, e);

		if (!failed)
			failed = read_batch(x, i, b, e);
		if (failed && x->reader)
			x->reader_ops->close(&x->reader); /* lets go of b */
		batch_free(&b);
		if (failed)
			return -1;
	}
	return 0;
}

static int list_and_read(struct ends *x, size_t i, struct err *e)
{
	struct folder *f = &x->src.v[i];
	struct plan_known *k = &x->of[i];
	struct window w = { .found = found, .arg = k };

	k->w = &w;
	if (x->reader_ops->list(x->reader, f, &w, e))
		return -1;
	f->uidvalidity = w.now_uidvalidity;
	return k->failed ? err_memory(e) : read_wanted(x, i, e);
}

/* A view of everything last, as in a run. */
static int list_all(struct ends *x, struct err *e)
{
	for (int view = 0; view < 2; view++)
		for (size_t i = 0; i < x->src.n; i++)
			if (is_asked(x, i) &&
			    (plan_use(&x->src.v[i]) == USE_ALL) == view &&
			    list_and_read(x, i, e))
				return -1;
	return 0;
}

static int compare_all(struct ends *x, struct err *e)
{
	x->of = calloc(x->src.n + 1, sizeof(*x->of));
	if (!x->of)
		return err_memory(e);
	for (size_t i = 0; i < x->src.n; i++) {
		const struct source_folder *k = known(x, x->src.v[i].raw);

		x->of[i].owner = x;
		x->of[i].at = i;
		x->rows[i].compared = true;
		if (k && is_asked(x, i) &&
		    plan_known_load(&x->of[i], x->s, k->f.id, e))
			return -1;
	}
	return is_stream(x) ? walk_all(x, e) : list_all(x, e);
}

/* --- the plan ----------------------------------------------------------- */

static int ask(struct ends *x, struct err *e)
{
	bool joins = false;

	if (store_source_folders(x->s, x->job->mailbox->id, &x->known,
	                         &x->known_n, e) ||
	    store_dest_folders(x->s, x->job->mailbox->to_key, &x->dests,
	                       &x->dests_n, e) ||
	    open_ends(x, e) || map(x, e) ||
	    store_join_begin(x->s, x->job->mailbox->id, &joins, e))
		return -1;
	begin_rows(x);
	if (!joins && account_is_imap(&x->job->from))
		return count_all(x, e);
	if (compare_open(&x->compare, x->s, x->job, x->writer_ops, x->writer,
	                 &x->dst, e))
		return -1;
	return compare_all(x, e);
}

int transfer_plan(struct store *s, struct job *job, plan_fn *each, void *arg,
                  struct others *others, struct err *e)
{
	struct ends x = { .s = s, .job = job, .others = others };
	int failed = ask(&x, e);

	for (size_t i = 0; i < x.src.n && !failed; i++)
		if (!x.src.v[i].noselect)
			each(&x.rows[i], arg);
	ends_release(&x);
	return failed ? -1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* plan_ask.c - the plan of a mailbox: both ends asked, nothing changed. */
#include <stdlib.h>
#include <string.h>

#include "mailhaul/transfer.h"
#include "util/buf.h"

struct ends {
	const struct reader_ops *reader_ops;
	const struct writer_ops *writer_ops;
	struct reader *reader;
	struct writer *writer;
	struct folder_list src, dst;
	struct folder_target *to;
	struct source_folder *known;
	size_t known_n;
};

struct counting {
	const struct options *options;
	struct plan_row row;
};

static int count(struct message *msg, void *arg)
{
	struct counting *c = arg;

	c->row.messages++;
	c->row.bytes += msg->size;
	c->row.left_out_messages += plan_message(c->options, msg) != NULL;
	return 0;
}

static void ends_release(struct ends *x)
{
	for (size_t i = 0; x->to && i < x->src.n; i++)
		folder_target_release(&x->to[i]);
	free(x->to);
	if (x->reader)
		x->reader_ops->close(&x->reader);
	if (x->writer_ops && x->writer)
		x->writer_ops->close(&x->writer);
	folder_list_release(&x->src);
	folder_list_release(&x->dst);
	source_folders_free(&x->known, x->known_n);
}

static int open_ends(struct ends *x, struct store *s, struct job *job,
                     struct err *e)
{
	CLEANUP(free_p) char *why = NULL;
	struct name_rules rules;

	x->reader_ops = reader_find(&job->from, e);
	if (!x->reader_ops || transfer_door(s, job, false, &why, e))
		return -1;
	x->writer_ops = writer_find(&job->to, e);
	if (!x->writer_ops || x->reader_ops->open(&x->reader, &job->from, e) ||
	    x->reader_ops->folders(x->reader, &x->src, e) ||
	    x->writer_ops->open(&x->writer, &job->to, e) ||
	    x->writer_ops->folders(x->writer, &x->dst, e))
		return -1;
	x->to = calloc(x->src.n + 1, sizeof(*x->to));
	if (!x->to)
		return err_memory(e);
	rules = x->writer_ops->rules(x->writer);
	return plan_folders(&x->src, &x->dst, &rules, job->options, x->to, e);
}

static const struct source_folder *known(const struct ends *x, const char *raw)
{
	for (size_t i = 0; i < x->known_n; i++)
		if (strcmp(x->known[i].f.raw, raw) == 0)
			return &x->known[i];
	return NULL;
}

static int count_settled(struct store *s, const struct ends *x,
                         const struct folder *f, struct plan_row *r,
                         struct err *e)
{
	const struct source_folder *k = known(x, f->raw);
	struct row_where w = { .states = 1u << MSG_MOVED | 1u << MSG_ADOPTED };

	if (!k)
		return 0;
	w.source_folder = k->f.id;
	return store_count(s, &w, &r->settled, e);
}

static bool exists(const struct ends *x, const struct folder *to)
{
	for (size_t i = 0; i < x->dst.n; i++)
		if (x->dst.v[i].path && to->path &&
		    strcmp(x->dst.v[i].path, to->path) == 0)
			return !x->dst.v[i].noselect;
	return false;
}

static int plan_one(struct store *s, struct ends *x, struct job *job, size_t i,
                    plan_fn *each, void *arg, struct err *e)
{
	const struct folder *f = &x->src.v[i];
	const struct folder_target *t = &x->to[i];
	struct counting c = { .options = job->options };
	struct window w = { .found = count, .arg = &c };

	if (f->noselect)
		return 0;
	c.row.from = f->path;
	c.row.left_out = t->left_out;
	c.row.to = t->left_out ? NULL : t->to.path;
	c.row.renamed = t->renamed;
	c.row.exists = !t->left_out && exists(x, &t->to);
	if (t->left_out) {
		c.row.messages = f->messages;
		c.row.left_out_messages = f->messages;
	} else if (x->reader_ops->list(x->reader, f, &w, e) ||
	           count_settled(s, x, f, &c.row, e)) {
		return -1;
	}
	each(&c.row, arg);
	return 0;
}

int transfer_plan(struct store *s, struct job *job, plan_fn *each, void *arg,
                  struct err *e)
{
	struct ends x = { 0 };
	int failed = store_source_folders(s, job->mailbox->id, &x.known,
	                                  &x.known_n, e) ||
	             open_ends(&x, s, job, e);

	for (size_t i = 0; i < x.src.n && !failed; i++)
		failed = plan_one(s, &x, job, i, each, arg, e);
	ends_release(&x);
	return failed ? -1 : 0;
}

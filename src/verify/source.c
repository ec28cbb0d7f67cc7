/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.c - what stands at the source against the rows of the store. If
 * the source can't be asked, the rows speak for themselves.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mailhaul/others.h"
#include "mailhaul/plan.h"
#include "util/buf.h"
#include "verify/check.h"

/* --- asking -------------------------------------------------------------- */

struct listing {
	const struct check *c;
	struct id_list ids;
	uint64_t told; /* messages; ids has each identity once */
	uint32_t uidvalidity;
	bool failed; /* memory */
};

static int take_uids(const uint64_t *uids, size_t n, void *arg)
{
	struct listing *l = arg;

	for (size_t i = 0; i < n && !l->failed; i++)
		l->failed = id_list_add(&l->ids, uids[i]);
	return 1; /* of no use: flags, sizes, dates */
}

static int take_found(struct message *m, void *arg)
{
	struct listing *l = arg;
	uint64_t id = m->uid;

	l->failed |= id_list_add(&l->ids, id) != 0;
	return l->failed || (l->c->stop && atomic_load(l->c->stop));
}

/* 1: the source can't be asked (sum.source_err says why). */
static int source_gone(struct check *c, const struct err *why, struct err *e)
{
	if (why->code == EC_INTERRUPTED || why->code == EC_MEMORY) {
		*e = *why;
		return -1;
	}
	c->sum->source_asked = false;
	c->sum->source_err = *why;
	if (c->r)
		c->ends->reader->close(&c->r);
	return 1;
}

static int list_once(struct check *c, const struct folder *f, struct listing *l,
                     struct err *why)
{
	struct window w = { .found = take_found, .arg = l };

	/* Where messages have names, the numbers say nothing. */
	if (account_is_imap(&c->from)) {
		w.uids = take_uids;
		w.newest_first = true;
	}
	id_list_release(&l->ids);
	l->c = c;
	if (c->ends->reader->list(c->r, f, &w, why))
		return -1;
	if (check_stop(c, why))
		return -1;
	l->uidvalidity = w.now_uidvalidity;
	return l->failed ? err_memory(why) : 0;
}

static int open_reader(struct check *c, unsigned *tries, struct err *why)
{
	if (c->r)
		return 0;
	while (c->ends->reader->open(&c->r, &c->from, why)) {
		c->r = NULL;
		if (!check_again(c, tries, why))
			return -1;
	}
	return 0;
}

/* 0: listed. 1: not, *why says why; with ERR_FOLDER others can be. */
static int list_folder(struct check *c, const struct folder *f,
                       struct listing *l, struct err *why)
{
	unsigned tries = 0;

	for (;;) {
		if (open_reader(c, &tries, why))
			return 1;
		if (!list_once(c, f, l, why)) {
			l->told = l->ids.n;
			id_list_sort(&l->ids);
			/* A server may name a message twice. */
			if (account_is_imap(&c->from))
				l->told = l->ids.n;
			return 0;
		}
		if (why->reach > ERR_FOLDER)
			c->ends->reader->close(&c->r);
		if (!check_again(c, &tries, why))
			return 1;
	}
}

/* All of them: an archive has some that only a look through it finds. */
static int folders_of(struct check *c, struct folder_list *out, struct err *why)
{
	const struct reader_ops *ops = c->ends->reader;
	const struct others *others;

	if (!ops->survey)
		return ops->folders(c->r, out, why);
	if (ops->survey(c->r, out, &others, why))
		return -1;
	c->sum->not_held = others_count(others, 1u << OTHERS_LOST);
	return 0;
}

static int ask_folders(struct check *c, struct folder_list *out,
                       struct err *why)
{
	unsigned tries = 0;

	for (;;) {
		if (open_reader(c, &tries, why))
			return -1;
		if (!folders_of(c, out, why))
			return 0;
		folder_list_release(out);
		c->ends->reader->close(&c->r);
		if (!check_again(c, &tries, why))
			return -1;
	}
}

/* --- comparing ----------------------------------------------------------- */

struct rows {
	struct id_set set;
	bool by_uidvalidity;
	uint32_t uidvalidity;
	bool failed;
};

static int take_row(struct row *r, void *arg)
{
	struct rows *p = arg;
	uint64_t id = r->m.uid;

	if (p->by_uidvalidity && r->source_uidvalidity != p->uidvalidity)
		return 0;
	p->failed = id_set_add(&p->set, id, r->m.row, r->m.state) != 0;
	return p->failed;
}

static int load_rows(struct check *c, int64_t folder, struct rows *out,
                     struct err *e)
{
	struct row_where w = { .mailbox = c->job->mailbox->id,
		               .source_folder = folder,
		               .not_orphan = true };

	if (store_rows(c->s, &w, take_row, out, e))
		return -1;
	if (out->failed)
		return err_memory(e);
	id_set_sort(&out->set);
	return 0;
}

static void not_copied(struct check *c, const struct source_folder *sf,
                       uint64_t uid, const struct id_state *row)
{
	const char *name = c->job->mailbox->name;
	struct verify_row r = {
		.what = DIFF_NOT_COPIED,
		.folder = sf->f.path,
		.row = row ? row->row : 0,
		.uid = uid,
	};

	if (!row || row->state == MSG_GONE_SOURCE)
		check_report(c, &r, 1,
		             "This message is at the source and was not there "
		             "when mailhaul last looked. To move it: mailhaul "
		             "run %s",
		             name);
	else if (row->state == MSG_PENDING)
		check_report(c, &r, 1,
		             "This message still waits to be moved. To go on: "
		             "mailhaul run %s",
		             name);
	else
		check_report(c, &r, 1,
		             "This message was on its way when the last run "
		             "ended. The next run finds out whether it arrived "
		             "and sends it only if it did not: mailhaul run %s",
		             name);
}

static void judge(struct check *c, const struct source_folder *sf, uint64_t uid,
                  struct id_state *row)
{
	if (row)
		row->seen = true;
	if (row && verify_settled((enum msg_state)row->state))
		c->sum->settled++;
	else if (!row || (row->state != MSG_PROBLEM && row->state != MSG_HOLE))
		not_copied(c, sf, uid, row);
}

/* A part of an archive of which only reading it whole shows that it is
 * damaged: a listing does not tell it. */
static void count_unlisted(struct check *c, const struct id_state *row)
{
	if (account_is_imap(&c->from) ||
	    (row->state != MSG_HOLE && row->state != MSG_IGNORED))
		return;
	c->sum->source++;
	sums_add(&c->sum->sums, (enum msg_state)row->state, 1);
}

/* Rows whose message was not seen at the source. Gone before it was copied:
 * nothing is owed. Gone while it was on its way: that must be settled. */
static void judge_unseen(struct check *c, const struct source_folder *sf,
                         const struct id_set *rows, bool asked)
{
	for (size_t i = 0; i < rows->n; i++) {
		struct id_state *row = &rows->v[i];

		if (row->seen || row->state == MSG_GONE_SOURCE)
			continue;
		if (!asked || row->state == MSG_SENDING ||
		    row->state == MSG_UNFINISHED)
			judge(c, sf, 0, row);
		else
			count_unlisted(c, row);
	}
}

/* A message of the source under its term of the sum. Two that share an
 * identity have one row, and make a sum that does not add up. */
static void count(struct check *c, const struct id_state *row)
{
	if (!row)
		c->sum->sums.waiting++;
	else if (!row->seen)
		sums_add(&c->sum->sums, (enum msg_state)row->state, 1);
}

static int compare(struct check *c, const struct source_folder *sf,
                   const struct listing *l, struct err *e)
{
	struct rows rows = { .by_uidvalidity = l != NULL,
		             .uidvalidity = l ? l->uidvalidity : 0 };
	int failed = load_rows(c, sf->f.id, &rows, e);

	for (size_t i = 0; !failed && l && i < l->ids.n; i++) {
		struct id_state *row = id_set_find(&rows.set, l->ids.v[i]);

		count(c, row);
		judge(c, sf, l->ids.v[i], row);
	}
	if (!failed)
		judge_unseen(c, sf, &rows.set, l != NULL);
	id_set_release(&rows.set);
	return failed;
}

static void renumbered(struct check *c, const struct source_folder *sf,
                       uint64_t n)
{
	struct verify_row r = { .what = DIFF_NOT_COPIED, .folder = sf->f.path };

	check_report(c, &r, n,
	             "The source has renumbered this folder since the last "
	             "run, so its %" PRIu64 " messages can't be told from "
	             "those that were moved. Run mailhaul run %s: it "
	             "recognises what is already there and doubles nothing.",
	             n, c->job->mailbox->name);
}

static void unlistable(struct check *c, const struct folder *f,
                       const struct err *why)
{
	struct verify_row r = { .what = DIFF_NOT_COPIED, .folder = f->path };

	check_report(c, &r, 1,
	             "This folder could not be listed at the source, so "
	             "nothing is proven about it. %s",
	             why->text);
}

static int check_folder(struct check *c, struct source_folder *sf,
                        struct err *e)
{
	struct listing l = { .c = c };
	struct err why = { 0 };
	int failed;

	if (!c->sum->source_asked)
		return compare(c, sf, NULL, e);
	if (list_folder(c, &sf->f, &l, &why)) {
		id_list_release(&l.ids);
		if (why.reach <= ERR_FOLDER) {
			unlistable(c, &sf->f, &why);
			return compare(c, sf, NULL, e);
		}
		if (source_gone(c, &why, e) < 0)
			return -1;
		return compare(c, sf, NULL, e);
	}
	c->sum->source += l.told;
	if (sf->f.uidvalidity && l.uidvalidity &&
	    sf->f.uidvalidity != l.uidvalidity) {
		c->sum->sums.waiting += l.told;
		if (l.ids.n)
			renumbered(c, sf, l.ids.n);
		failed = 0;
	} else {
		failed = compare(c, sf, &l, e);
	}
	id_list_release(&l.ids);
	return failed;
}

/* --- folders that are new at the source ---------------------------------- */

static const struct folder *folder_named(const struct folder_list *l,
                                         const char *raw)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->v[i].raw, raw) == 0)
			return &l->v[i];
	return NULL;
}

static bool known_folder(const struct check *c, const struct folder *f)
{
	for (size_t i = 0; i < c->sources_n; i++)
		if (strcmp(c->sources[i].f.raw, f->raw) == 0)
			return true;
	return false;
}

static void targets_release(struct folder_target *to, size_t n)
{
	for (size_t i = 0; to && i < n; i++)
		folder_target_release(&to[i]);
	free(to);
}

/*
 * Which of the folders an owner's options leave out. Without an answer of
 * the destination (or of the plan) none is.
 */
static int find_left_out(struct check *c, const struct folder_list *src,
                         bool *left_out, struct err *e)
{
	struct folder_target *to = calloc(src->n + 1, sizeof(*to));
	struct folder_list dst = { 0 };
	struct name_rules rules;
	unsigned tries = 0;
	int failed = 0;

	if (!to)
		return err_memory(e);
	if (check_open_writer(c, &tries, e)) {
		failed = -1;
	} else if (c->ends->writer->folders(c->w, &dst, e)) {
		c->ends->writer->close(&c->w);
	} else {
		rules = c->ends->writer->rules(c->w);
		if (!plan_folders(src, &dst, &rules, c->job->options, to, e))
			for (size_t i = 0; i < src->n; i++)
				left_out[i] = to[i].left_out != NULL;
	}
	folder_list_release(&dst);
	targets_release(to, src->n);
	return failed;
}

static int check_new_folder(struct check *c, const struct folder *f,
                            struct err *e)
{
	struct verify_row r = { .what = DIFF_NOT_COPIED, .folder = f->path };
	struct listing l = { .c = c };
	struct err why = { 0 };
	uint64_t n;

	if (list_folder(c, f, &l, &why)) {
		id_list_release(&l.ids);
		if (why.reach > ERR_FOLDER)
			return source_gone(c, &why, e) < 0 ? -1 : 0;
		unlistable(c, f, &why);
		return 0;
	}
	n = l.told;
	id_list_release(&l.ids);
	c->sum->source += n;
	c->sum->sums.waiting += n;
	if (n)
		check_report(c, &r, n,
		             "This folder is new at the source: its %" PRIu64
		             " messages have not been moved yet. To move them: "
		             "mailhaul run %s",
		             n, c->job->mailbox->name);
	return 0;
}

static int check_new_folders(struct check *c, const struct folder_list *src,
                             struct err *e)
{
	bool *left_out CLEANUP(free_p) = calloc(src->n + 1, sizeof(*left_out));
	size_t strangers = 0;

	if (!left_out)
		return err_memory(e);
	for (size_t i = 0; i < src->n; i++)
		strangers +=
		        !src->v[i].noselect && !known_folder(c, &src->v[i]);
	if (!strangers)
		return 0;
	if (find_left_out(c, src, left_out, e))
		return -1;
	for (size_t i = 0; i < src->n && c->sum->source_asked; i++) {
		const struct folder *f = &src->v[i];

		if (f->noselect || left_out[i] || known_folder(c, f))
			continue;
		if (check_stop(c, e) || check_new_folder(c, f, e))
			return -1;
	}
	return 0;
}

static int check_known_folder(struct check *c, struct source_folder *sf,
                              const struct folder_list *src, struct err *e)
{
	struct listing none = { .c = c, .uidvalidity = sf->f.uidvalidity };
	const struct folder *now = folder_named(src, sf->f.raw);

	if (sf->left_out && !sf->listed)
		return 0;
	/* A folder that is no longer there owes nothing but what was on its
	 * way. */
	if (c->sum->source_asked && (!now || now->noselect))
		return compare(c, sf, &none, e);
	return check_folder(c, sf, e);
}

int check_source(struct check *c, struct err *e)
{
	struct folder_list src CLEANUP(folder_list_release) = { 0 };
	struct err why = { 0 };

	c->sum->source_asked = true;
	if (ask_folders(c, &src, &why) && source_gone(c, &why, e) < 0)
		return -1;
	for (size_t i = 0; i < c->sources_n; i++)
		if (check_stop(c, e) ||
		    check_known_folder(c, &c->sources[i], &src, e))
			return -1;
	return c->sum->source_asked ? check_new_folders(c, &src, e) : 0;
}

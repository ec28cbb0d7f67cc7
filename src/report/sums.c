/* SPDX-License-Identifier: Apache-2.0 */
/* sums.c - every message of a source under exactly one term. */
#include "mailhaul/report.h"

#include <stdlib.h>

#include "mailhaul/transfer.h"
#include "util/buf.h"

void sums_add(struct sums *s, enum msg_state state, uint64_t n)
{
	switch (state) {
	case MSG_PENDING:
	case MSG_SENDING:
	case MSG_UNFINISHED:
		s->waiting += n;
		break;
	case MSG_MOVED:
		s->moved += n;
		break;
	case MSG_ADOPTED:
		s->already_there += n;
		break;
	case MSG_LEFT_OUT:
		s->left_out += n;
		break;
	case MSG_IGNORED:
		s->ignored += n;
		s->problems += n;
		break;
	case MSG_HOLE:
	case MSG_PROBLEM:
		s->problems += n;
		break;
	case MSG_GONE_DEST:
		s->gone += n;
		break;
	case MSG_GONE_SOURCE: /* owed nothing */
	case MSG_STATE_COUNT:
		break;
	}
}

uint64_t sums_accounted(const struct sums *s)
{
	return s->moved + s->already_there + s->left_out + s->problems +
	       s->gone + s->waiting;
}

void sums_join(struct sums *into, const struct sums *s)
{
	into->items += s->items;
	into->moved += s->moved;
	into->already_there += s->already_there;
	into->left_out += s->left_out;
	into->problems += s->problems;
	into->gone += s->gone;
	into->waiting += s->waiting;
	into->ignored += s->ignored;
	into->bytes += s->bytes;
	into->departed += s->departed;
	into->folders_left_out += s->folders_left_out;
	into->complete &= s->complete;
}

static void add_tally(struct sums *s, const struct tally *t)
{
	if (!t->orphan) {
		sums_add(s, t->state, t->messages);
		s->bytes += t->bytes;
	} else if (t->state != MSG_GONE_SOURCE) {
		s->departed += t->messages;
	}
}

/* Only then do listings and rows speak of the same moment. */
static bool came_to_its_end(struct store *s, const struct mailbox *m)
{
	return m->started != 0 && m->ended >= m->started &&
	       (m->last_exit == EXIT_ALL_MOVED ||
	        m->last_exit == EXIT_PROBLEMS) &&
	       !store_mailbox_running(s, m->id);
}

/* A folder that is left out as a whole may have rows of an earlier pass. */
static void add_listing(struct sums *s, const struct source_folder *f)
{
	if (f->listed)
		s->items += f->f.messages;
	else if (!f->left_out && !f->f.noselect)
		s->complete = false;
	s->folders_left_out += f->left_out && !f->listed;
}

static int take_whole(const struct tally *t, void *arg)
{
	add_tally(arg, t);
	return 0;
}

int report_sums(struct store *s, const struct mailbox *m, struct sums *out,
                struct err *e)
{
	struct source_folder *v = NULL;
	size_t n = 0;
	int rc;

	*out = (struct sums){ .complete = came_to_its_end(s, m) };
	if (store_source_folders(s, m->id, &v, &n, e))
		return -1;
	for (size_t i = 0; i < n; i++)
		add_listing(out, &v[i]);
	source_folders_free(&v, n);
	rc = store_tally(s, m->id, false, take_whole, out, e);
	if (!out->complete)
		out->items = sums_accounted(out);
	return rc;
}

/* --- Folder by folder --- */

struct folders {
	struct source_folder *v;
	struct sums *sums; /* as many */
	size_t n;
	struct dest_folder *dest;
	size_t dest_n;
};

static void folders_release(struct folders *f)
{
	source_folders_free(&f->v, f->n);
	dest_folders_free(&f->dest, f->dest_n);
	free(f->sums);
}

static int take_folder(const struct tally *t, void *arg)
{
	struct folders *f = arg;

	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].f.id == t->source_folder)
			add_tally(&f->sums[i], t);
	return 0;
}

static const char *path_of(const struct folders *f, int64_t dest)
{
	for (size_t i = 0; i < f->dest_n; i++)
		if (f->dest[i].f.id == dest)
			return f->dest[i].f.path;
	return NULL;
}

static int load(struct folders *f, struct store *s, const struct mailbox *m,
                struct err *e)
{
	if (store_source_folders(s, m->id, &f->v, &f->n, e) ||
	    store_dest_folders(s, m->to_key, &f->dest, &f->dest_n, e))
		return -1;
	f->sums = calloc(f->n + 1, sizeof(*f->sums));
	if (!f->sums)
		return err_memory(e);
	return store_tally(s, m->id, true, take_folder, f, e);
}

int report_folders(struct store *s, const struct mailbox *m,
                   folder_sums_fn *each, void *arg, struct sums *whole,
                   struct err *e)
{
	struct folders f CLEANUP(folders_release) = { 0 };
	bool ended = came_to_its_end(s, m);
	int rc = load(&f, s, m, e);

	*whole = (struct sums){ .complete = ended };
	for (size_t i = 0; rc == 0 && i < f.n; i++) {
		const struct source_folder *sf = &f.v[i];
		struct sums *sums = &f.sums[i];

		if (sf->f.noselect && sums_accounted(sums) == 0)
			continue;
		sums->complete = ended;
		add_listing(sums, sf);
		if (!sums->complete || !sf->listed)
			sums->items = sums_accounted(sums);
		sums_join(whole, sums);
		rc = each(&(struct folder_sums){ .from = sf->f.path,
		                                 .to = path_of(&f, sf->dest),
		                                 .left_out = sf->left_out,
		                                 .sums = *sums },
		          arg);
	}
	if (!whole->complete)
		whole->items = sums_accounted(whole);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.c - the proof: source, store and destination compared as sets.
 * Changes nothing anywhere, the store included.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/buf.h"
#include "util/log.h"
#include "verify/check.h"

static const char *const names[] = {
	[DIFF_NOT_COPIED] = "not-copied", [DIFF_MISSING] = "missing",
	[DIFF_ALTERED] = "altered",       [DIFF_DOUBLED] = "doubled",
	[DIFF_PROBLEM] = "problem",       [DIFF_UNACCOUNTED] = "unaccounted",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == DIFF_COUNT,
               "every difference has a name");

const char *difference_name(enum difference d)
{
	return (unsigned)d < DIFF_COUNT ? names[d] : "unknown";
}

/* --- stopping and trying again ------------------------------------------- */

int check_stop(const struct check *c, struct err *e)
{
	if (!c->stop || !atomic_load(c->stop))
		return 0;
	return err_set(e, ERR_RUN, NEXT_RETRY, EC_INTERRUPTED,
	               "The comparison was interrupted and proves nothing yet. "
	               "Run mailhaul verify again.",
	               "%s", "");
}

int64_t verify_backoff(const struct err *e, unsigned tries, unsigned first)
{
	if (tries >= VERIFY_TRIES || e->code == EC_INTERRUPTED)
		return -1;
	if (e->next == NEXT_RETRY)
		return (int64_t)first << (2 * (tries - 1));
	if (e->next == NEXT_WAIT && e->wait_ms <= VERIFY_WAIT_MOST_MS)
		return e->wait_ms ? (int64_t)e->wait_ms : (int64_t)first;
	return -1;
}

bool check_again(const struct check *c, unsigned *tries, struct err *e)
{
	int64_t left;

	if (check_stop(c, e))
		return false;
	left = verify_backoff(e, ++*tries, c->ends->backoff_ms);
	if (left < 0)
		return false;
	log_msg("verify: %s (%s), again in %lld ms", err_code_name(e->code),
	        e->detail, (long long)left);
	for (; left > 0; left -= 250) {
		int64_t slice = left < 250 ? left : 250;
		struct timespec t = { 0, (long)slice * 1000000 };

		if (check_stop(c, e))
			return false;
		nanosleep(&t, NULL);
	}
	return !check_stop(c, e);
}

int check_open_writer(struct check *c, unsigned *tries, struct err *e)
{
	if (c->w)
		return 0;
	while (c->ends->writer->open(&c->w, &c->to, e)) {
		c->w = NULL;
		if (!check_again(c, tries, e))
			return -1;
	}
	c->keeps_octets = c->ends->writer->traits(c->w) & WRITER_KEEPS_OCTETS;
	c->folds_space = c->ends->writer->traits(c->w) & WRITER_FOLDS_SPACE;
	return 0;
}

/* --- reporting ----------------------------------------------------------- */

void check_report(struct check *c, const struct verify_row *row, uint64_t n,
                  const char *fmt, ...)
{
	struct verify_row told = *row;
	char *text CLEANUP(free_p) = NULL;
	va_list ap;

	c->sum->differences[row->what] += n;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	told.text = text ? text : "There is a difference.";
	if (c->each)
		c->each(&told, c->arg);
}

const char *check_source_path(const struct check *c, int64_t folder)
{
	for (size_t i = 0; i < c->sources_n; i++)
		if (c->sources[i].f.id == folder)
			return c->sources[i].f.path;
	return "";
}

/* A row's reason, kept until the store's listing is over: whoever is told
 * may want to ask the store. */
struct reason {
	int64_t row, folder;
	uint64_t uid;
	char *text;
};

struct reasons {
	struct reason v[500];
	size_t n;
};

static int take_reason(struct row *r, void *arg)
{
	struct reasons *p = arg;
	const char *text = r->m.why.text[0] ? r->m.why.text : r->note;

	if (!text)
		text = r->m.state == MSG_HOLE
		               ? "The source lists this message but does not "
		                 "hand it over."
		               : "This message could not be moved.";
	p->v[p->n].row = r->m.row;
	p->v[p->n].folder = r->source_folder;
	p->v[p->n].uid = r->m.uid;
	p->v[p->n].text = strdup(text);
	p->n++;
	return 0;
}

static void reasons_release(struct reasons *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->v[i].text);
	p->n = 0;
}

int check_problems(struct check *c, struct err *e)
{
	struct reasons page CLEANUP(reasons_release) = { .n = 0 };
	struct row_where w = {
		.mailbox = c->job->mailbox->id,
		.states = 1u << MSG_PROBLEM | 1u << MSG_HOLE,
		.limit = sizeof(page.v) / sizeof(page.v[0]),
	};

	do {
		reasons_release(&page);
		if (check_stop(c, e) ||
		    store_rows(c->s, &w, take_reason, &page, e))
			return -1;
		for (size_t i = 0; i < page.n; i++) {
			const struct reason *p = &page.v[i];
			struct verify_row row = {
				.what = DIFF_PROBLEM,
				.folder = check_source_path(c, p->folder),
				.row = p->row,
				.uid = p->uid,
			};

			w.after_row = p->row;
			check_report(c, &row, 1, "%s",
			             p->text ? p->text
			                     : "This message could not be "
			                       "moved.");
		}
	} while (page.n == w.limit);
	return 0;
}

/* --- the sum ------------------------------------------------------------- */

static int load_sums(struct check *c, struct err *e)
{
	struct sums *s = &c->sum->sums, store = { 0 };

	if (report_sums(c->s, c->job->mailbox, &store, e))
		return -1;
	if (!c->sum->source_asked) {
		*s = store;
		return 0;
	}
	s->items = c->sum->source;
	s->complete = true;
	s->departed = store.departed;
	s->folders_left_out = store.folders_left_out;
	return 0;
}

/*
 * Every message of the source has its own row, and each row one term. What
 * a server said last time how many there are may have been out of date when
 * it listed them: only an archive is held to that.
 */
int check_sums(struct check *c, struct err *e)
{
	struct verify_row row = { .what = DIFF_UNACCOUNTED };
	const struct sums *s = &c->sum->sums;
	uint64_t accounted;

	if (load_sums(c, e))
		return -1;
	if (!c->sum->source_asked && account_is_imap(&c->from))
		return 0;
	accounted = sums_accounted(s);
	if (s->items > accounted)
		check_report(c, &row, s->items - accounted,
		             "The source holds %" PRIu64 " messages, and the "
		             "job store can account for %" PRIu64 " of them. "
		             "To look for the others: mailhaul run %s",
		             s->items, accounted, c->job->mailbox->name);
	else if (s->items < accounted)
		check_report(c, &row, accounted - s->items,
		             "The source holds %" PRIu64 " messages, and the "
		             "job store accounts for %" PRIu64 ", which is "
		             "more. The source may have changed since the "
		             "last run. To look again: mailhaul run %s",
		             s->items, accounted, c->job->mailbox->name);
	return 0;
}

/* --- the whole ----------------------------------------------------------- */

static void check_release(struct check *c)
{
	if (c->r)
		c->ends->reader->close(&c->r);
	if (c->w)
		c->ends->writer->close(&c->w);
	for (size_t i = 0; c->places && i < c->dests_n; i++) {
		folder_release(&c->places[i].now);
		copy_set_release(&c->places[i].copies);
	}
	free(c->places);
	lack_list_release(&c->lacks);
	source_folders_free(&c->sources, c->sources_n);
	dest_folders_free(&c->dests, c->dests_n);
}

static int has_rows(struct check *c, int64_t dest_folder, bool *out,
                    struct err *e)
{
	struct row_where w = { .mailbox = c->job->mailbox->id,
		               .dest_folder = dest_folder };
	uint64_t n = 0;

	if (store_count(c->s, &w, &n, e))
		return -1;
	*out = n > 0;
	return 0;
}

static int load(struct check *c, struct err *e)
{
	const struct mailbox *mb = c->job->mailbox;

	if (store_source_folders(c->s, mb->id, &c->sources, &c->sources_n, e) ||
	    store_dest_folders(c->s, mb->to_key, &c->dests, &c->dests_n, e))
		return -1;
	c->places = calloc(c->dests_n + 1, sizeof(*c->places));
	if (!c->places)
		return err_memory(e);
	for (size_t i = 0; i < c->dests_n; i++) {
		struct place *p = &c->places[i];

		p->d = &c->dests[i];
		copy_set_init(&p->copies);
		if (has_rows(c, p->d->f.id, &p->ours, e))
			return -1;
		for (size_t k = 0; k < c->sources_n; k++)
			p->ours |= c->sources[k].dest == p->d->f.id &&
			           !c->sources[k].left_out;
	}
	return 0;
}

static int check_all(struct check *c, struct err *e)
{
	unsigned tries = 0;

	if (check_stop(c, e) || load(c, e) || check_open_writer(c, &tries, e) ||
	    check_source(c, e))
		return -1;
	if (c->r)
		c->ends->reader->close(&c->r);
	if (check_sums(c, e) || check_problems(c, e) || check_dest(c, e) ||
	    check_strays(c, e))
		return -1;
	return check_lacks(c, e);
}

int verify_with(struct store *s, struct job *job,
                const struct verify_ends *ends, bool deep,
                const atomic_int *stop, verify_fn *each, void *arg,
                struct verify_sum *sum, struct err *e)
{
	struct check c CLEANUP(check_release) = {
		.s = s,
		.job = job,
		.ends = ends,
		.deep = deep,
		.stop = stop,
		.each = each,
		.arg = arg,
		.sum = sum,
		.from = job->from,
		.to = job->to,
	};

	memset(sum, 0, sizeof(*sum));
	if (stop)
		c.from.cancel = c.to.cancel = stop;
	if (!check_all(&c, e))
		return 0;
	check_stop(&c, e); /* a driver that was woken says it less well */
	return -1;
}

int verify_mailbox(struct store *s, struct job *job, bool deep,
                   const atomic_int *stop, verify_fn *each, void *arg,
                   struct verify_sum *sum, struct err *e)
{
	struct verify_ends ends = { .backoff_ms = VERIFY_BACKOFF_MS };
	CLEANUP(free_p) char *why = NULL;

	memset(sum, 0, sizeof(*sum));
	ends.reader = reader_find(&job->from, e);
	if (!ends.reader)
		return -1;
	if (transfer_door(s, job, false, &why, e))
		return -1;
	ends.writer = writer_find(&job->to, e);
	if (!ends.writer)
		return -1;
	return verify_with(s, job, &ends, deep, stop, each, arg, sum, e);
}

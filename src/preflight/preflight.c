/* SPDX-License-Identifier: Apache-2.0 */
/* preflight.c - both ends are asked; see mailhaul/preflight.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailhaul/reader.h"
#include "preflight/ask.h"
#include "util/buf.h"

#define MEAN_OCTETS 75000u /* Microsoft's own planning size of a message */

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = { "ok", "note", "unknown", "fail" };

	return names[v];
}

/* --- telling -------------------------------------------------------------- */

static void raise_exit(struct ask *q, int code)
{
	if (q->sum->exit_code < code)
		q->sum->exit_code = code;
}

void ask_tell(struct ask *q, const char *what, enum verdict v, const char *text,
              ...)
{
	struct preflight_row r = { .what = what, .verdict = v };
	char *words = NULL;
	va_list ap;
	int n;

	va_start(ap, text);
	n = vasprintf(&words, text, ap);
	va_end(ap);
	r.text = n < 0 ? text : words;
	if (v == VERDICT_FAIL)
		raise_exit(q, EXIT_PERSON);
	q->each(&r, q->arg);
	if (n >= 0)
		free(words);
}

static bool is_missing_right(const struct err *e)
{
	return e->code == EC_PERMISSION || e->code == EC_CONSENT;
}

/* What is nice to know and not needed, and the right that shows it. */
static const struct {
	const char *what, *subject, *right;
} extras[] = {
	{ "tenant", "The tenant's name", "Organization.Read.All" },
	{ "domain", "Whether the domain is verified", "Domain.Read.All" },
	{ "user", "The user and the licence", "User.Read.All" },
	{ "language", "The mailbox's language and kind",
	  "MailboxSettings.Read" },
	{ "size", "What the mailbox holds", "Mail.Read" },
	{ "quota", "How much the mailbox may hold", "Reports.Read.All" },
};

static bool tell_unseen(struct ask *q, const char *what, const struct err *why)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(4096);
	struct preflight_row r = { .what = what,
		                   .verdict = VERDICT_UNKNOWN,
		                   .err = why };

	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		if (strcmp(extras[i].what, what) != 0 ||
		    buf_fmt(&b,
		            "%s can't be seen: that takes the right %s. Moving "
		            "mail does not need it.",
		            extras[i].subject, extras[i].right))
			continue;
		r.text = b.p;
		q->each(&r, q->arg);
		return true;
	}
	return false;
}

void ask_failed(struct ask *q, const char *what, const struct err *why,
                bool optional)
{
	struct preflight_row r = { .what = what,
		                   .verdict = VERDICT_FAIL,
		                   .text = why->text,
		                   .err = why };

	if (optional && is_missing_right(why) && tell_unseen(q, what, why))
		return;
	/* What was not reached is not for a person to do. */
	if (optional || transfer_exit_code(why) == EXIT_UNFINISHED)
		r.verdict = VERDICT_UNKNOWN;
	if (!optional)
		raise_exit(q, transfer_exit_code(why));
	q->each(&r, q->arg);
}

/* --- the source ----------------------------------------------------------- */

static int count_one(struct message *m, void *arg)
{
	struct preflight_sum *sum = arg;

	sum->messages++;
	sum->bytes += m->size;
	return 0;
}

/* An archive tells no numbers: it is listed. */
static int add_folder(struct reader *r, const struct reader_ops *ops,
                      const struct folder *f, struct preflight_sum *sum,
                      struct err *e)
{
	struct window w = { .found = count_one, .arg = sum };

	sum->folders++;
	if (!f->have_status)
		return ops->list(r, f, &w, e);
	sum->messages += f->messages;
	sum->bytes += f->bytes;
	return 0;
}

static int add_folders(struct reader *r, const struct reader_ops *ops,
                       struct preflight_sum *sum, struct err *e)
{
	struct folder_list l = { 0 };
	int failed = ops->folders(r, &l, e);

	for (size_t i = 0; i < l.n && !failed; i++)
		if (!l.v[i].noselect)
			failed = add_folder(r, ops, &l.v[i], sum, e);
	folder_list_release(&l);
	if (sum->bytes == 0 && sum->messages) {
		sum->bytes = sum->messages * MEAN_OCTETS;
		sum->bytes_guessed = true;
	}
	return failed;
}

static int count_source(struct ask *q, struct err *e)
{
	const struct reader_ops *ops = reader_find(&q->job->from, e);
	struct reader *r = NULL;
	int failed;

	if (!ops || ops->open(&r, &q->job->from, e))
		return -1;
	failed = add_folders(r, ops, q->sum, e);
	ops->close(&r);
	return failed;
}

static void ask_source(struct ask *q)
{
	struct preflight_sum *sum = q->sum;
	struct err why = { 0 };

	if (count_source(q, &why)) {
		ask_failed(q, "source", &why, false);
		return;
	}
	ask_tell(q, "source", VERDICT_OK,
	         "The source is open: %" PRIu64 " folder%s, %" PRIu64
	         " messages, %s%.1f MB.",
	         sum->folders, sum->folders == 1 ? "" : "s", sum->messages,
	         sum->bytes_guessed ? "perhaps " : "",
	         (double)sum->bytes / 1048576.0);
}

/* --- the destination ------------------------------------------------------ */

static int list_destination(struct ask *q, size_t *n, struct err *e)
{
	const struct writer_ops *ops = writer_find(&q->job->to, e);
	struct folder_list l = { 0 };
	struct writer *w = NULL;
	int failed;

	if (!ops || ops->open(&w, &q->job->to, e))
		return -1;
	failed = ops->folders(w, &l, e);
	*n = l.n;
	ops->close(&w);
	folder_list_release(&l);
	return failed;
}

static void ask_destination(struct ask *q)
{
	struct err why = { 0 };
	size_t n = 0;

	if (list_destination(q, &n, &why))
		ask_failed(q, "destination", &why, false);
	else
		ask_tell(q, "destination", VERDICT_OK,
		         "The destination is open: %zu %s.", n,
		         n == 1 ? "folder" : "folders");
}

/* --- how long ------------------------------------------------------------- */

void ask_estimate(struct ask *q, bool graph)
{
	struct preflight_sum *s = q->sum;
	uint64_t bytes = s->messages ? s->bytes / s->messages * s->left : 0;

	s->least_s = preflight_seconds(graph, s->left, bytes, &s->limited_by);
	/* Refusals, waits and large messages: twice that is a fair upper
	 * end. */
	s->most_s = s->least_s * 2;
}

static void count_left(struct ask *q, struct store *store)
{
	struct preflight_sum *s = q->sum;
	struct progress p = { 0 };
	struct err ignored;

	s->left = s->messages;
	if (store_progress(store, q->job->mailbox->id, &p, &ignored))
		return;
	if (p.listed > p.left && s->left >= p.listed - p.left)
		s->left -= p.listed - p.left;
}

int preflight_mailbox(struct store *s, struct job *job, preflight_fn *each,
                      void *arg, struct preflight_sum *sum, struct err *e)
{
	struct ask q = { .job = job, .each = each, .arg = arg, .sum = sum };

	(void)e;
	memset(sum, 0, sizeof(*sum));
	ask_source(&q);
	count_left(&q, s);
	if (account_is_m365(&job->to))
		ask_m365(&q, s);
	else
		ask_destination(&q);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* view.c - a mailbox under way, in one line. */
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "cli/view.h"

uint64_t view_settled(const struct progress *p)
{
	return p->listed > p->left ? p->listed - p->left : 0;
}

unsigned view_percent(const struct progress *p)
{
	uint64_t all = p->bytes_listed, done = p->bytes_settled;
	unsigned percent;

	if (all == 0) {
		all = p->listed;
		done = view_settled(p);
	}
	percent = all == 0     ? 0
	          : done > all ? 100
	                       : (unsigned)((double)done / (double)all * 100);
	if (p->left == 0 && !p->listing && p->listed > 0)
		return 100;
	return percent > 99 ? 99 : percent;
}

static int add_speed(struct buf *b, const struct view *v, uint64_t now_ms)
{
	const struct progress *p = &v->p;
	uint64_t rate = rate_get(&v->rate, now_ms);
	uint64_t todo = p->bytes_listed > p->bytes_settled
	                        ? p->bytes_listed - p->bytes_settled
	                        : 0;
	uint64_t sec = rate_left(todo, rate);

	if (rate > 0 && buf_fmt(b, "  %s/s", text_size(rate).s) != 0)
		return -1;
	if (p->listing)
		return p->listed > 0 ? buf_str(b, "  still counting") : 0;
	if (rate == 0 || p->left == 0 || sec == UINT64_MAX)
		return 0;
	return buf_fmt(b, "  about %s left", text_duration(sec).s);
}

int view_wait(struct buf *b, uint64_t until_ms, const char *text,
              uint64_t now_ms)
{
	uint64_t s = until_ms > now_ms ? (until_ms - now_ms + 999) / 1000 : 0;
	bool reason = text != NULL && (strncmp(text, "as ", 3) == 0 ||
	                               strncmp(text, "to ", 3) == 0);

	if (buf_fmt(b, "waiting %llu:%02u", (unsigned long long)(s / 60),
	            (unsigned)(s % 60)) != 0)
		return -1;
	return text == NULL || *text == '\0'
	               ? 0
	               : buf_fmt(b, "%s%s", reason ? ", " : ": ", text);
}

static int add_wait(struct buf *b, const struct view *v, uint64_t now_ms)
{
	if (v->wait_until_ms <= now_ms)
		return 0;
	return buf_str(b, "  ") != 0 || view_wait(b, v->wait_until_ms,
	                                          v->wait_text, now_ms) != 0
	               ? -1
	               : 0;
}

static int add_counts(struct buf *b, const struct view *v)
{
	const struct progress *p = &v->p;
	uint64_t problems = p->problems + p->holes;

	if (p->listed == 0)
		return buf_str(b, p->listing ? "  looking at the mailbox"
		                             : "  connecting");
	if (buf_fmt(b, "  %s of %s%s messages", text_count(view_settled(p)).s,
	            text_count(p->listed).s, p->listing ? "+" : "") != 0)
		return -1;
	if (buf_fmt(b, "  %s of %s", text_size(p->bytes_settled).s,
	            text_size(p->bytes_listed).s) != 0)
		return -1;
	/* A share of what is not known yet would say too much. */
	if (!p->listing && buf_fmt(b, "  %u %%", view_percent(p)) != 0)
		return -1;
	if (problems == 0)
		return 0;
	return buf_str(b, "  ") != 0 || text_plural(b, problems, "problem",
	                                            "problems") != 0
	               ? -1
	               : 0;
}

static int add_name(struct buf *b, const char *name, size_t width)
{
	size_t used = text_width(name);

	if (text_cut(b, name, width) != 0)
		return -1;
	return used < width ? buf_fmt(b, "%*s", (int)(width - used), "") : 0;
}

/* Why it stands still says more than how many messages that are. */
static int waiting_line(struct buf *b, const struct view *v, uint64_t now_ms,
                        size_t name_width)
{
	if (add_name(b, v->name, name_width) != 0)
		return -1;
	if (v->p.listed > 0 && !v->p.listing &&
	    buf_fmt(b, "  %u %%", view_percent(&v->p)) != 0)
		return -1;
	return add_wait(b, v, now_ms);
}

int view_line(struct buf *b, const struct view *v, uint64_t now_ms,
              size_t name_width, size_t width)
{
	CLEANUP(buf_release_p) struct buf line = BUF_INIT(1 << 16);
	CLEANUP(buf_release_p) struct buf brief = BUF_INIT(1 << 16);
	bool waiting = v->wait_until_ms > now_ms;

	if (add_name(&line, v->name, name_width) != 0 ||
	    add_counts(&line, v) != 0)
		return -1;
	if ((waiting ? add_wait(&line, v, now_ms)
	             : add_speed(&line, v, now_ms)) != 0)
		return -1;
	if (width == 0)
		return text_clean(b, line.p);
	if (!waiting || text_width(line.p) <= width)
		return text_cut(b, line.p, width);
	return waiting_line(&brief, v, now_ms, name_width) != 0
	               ? -1
	               : text_cut(b, brief.p, width);
}

void view_total(struct view *sum, const struct view *v, size_t n)
{
	struct progress *t = &sum->p;

	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < n; i++) {
		const struct progress *p = &v[i].p;

		t->listed += p->listed;
		t->left += p->left;
		t->moved += p->moved;
		t->adopted += p->adopted;
		t->left_out += p->left_out;
		t->problems += p->problems;
		t->holes += p->holes;
		t->bytes_listed += p->bytes_listed;
		t->bytes_settled += p->bytes_settled;
		t->bytes_moved += p->bytes_moved;
		t->messages_moved += p->messages_moved;
		t->listing |= p->listing;
	}
}

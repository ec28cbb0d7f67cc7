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

static int add_wait(struct buf *b, const struct view *v, uint64_t now_ms)
{
	if (v->wait_until_ms <= now_ms)
		return 0;
	if (buf_fmt(b, "  waits until %s (%s)",
	            text_time((int64_t)(v->wait_until_ms / 1000),
	                      (int64_t)(now_ms / 1000))
	                    .s,
	            text_duration((v->wait_until_ms - now_ms + 999) / 1000)
	                    .s) != 0)
		return -1;
	return v->wait_text == NULL ? 0 : buf_fmt(b, ": %s", v->wait_text);
}

static int add_counts(struct buf *b, const struct view *v)
{
	const struct progress *p = &v->p;

	if (p->listed == 0)
		return buf_str(b, p->listing ? "  looking at the mailbox"
		                             : "  connecting");
	if (buf_fmt(b, "  %s of %s messages", text_count(view_settled(p)).s,
	            text_count(p->listed).s) != 0)
		return -1;
	if (buf_fmt(b, "  %s of %s", text_size(p->bytes_settled).s,
	            text_size(p->bytes_listed).s) != 0)
		return -1;
	if (buf_fmt(b, "  %u %%", view_percent(p)) != 0)
		return -1;
	if (p->problems == 0)
		return 0;
	return buf_str(b, "  ") != 0 || text_plural(b, p->problems, "problem",
	                                            "problems") != 0
	               ? -1
	               : 0;
}

int view_line(struct buf *b, const struct view *v, uint64_t now_ms,
              size_t name_width, size_t width)
{
	CLEANUP(buf_release_p) struct buf line = BUF_INIT(1 << 16);
	size_t used = text_width(v->name);

	if (text_cut(&line, v->name, name_width) != 0)
		return -1;
	if (used < name_width &&
	    buf_fmt(&line, "%*s", (int)(name_width - used), "") != 0)
		return -1;
	if (add_counts(&line, v) != 0)
		return -1;
	if ((v->wait_until_ms > now_ms ? add_wait(&line, v, now_ms)
	                               : add_speed(&line, v, now_ms)) != 0)
		return -1;
	return width == 0 ? text_clean(b, line.p) : text_cut(b, line.p, width);
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

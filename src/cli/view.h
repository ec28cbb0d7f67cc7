/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.h - one mailbox under way, as a line for people. Pure.
 */
#ifndef MAILHAUL_CLI_VIEW_H
#define MAILHAUL_CLI_VIEW_H

#include <stdbool.h>

#include "cli/rate.h"
#include "mailhaul/event.h"
#include "util/buf.h"

struct view {
	int64_t mailbox;
	char *name;
	struct progress p;
	struct rate rate;
	uint64_t wait_until_ms;
	char *wait_text; /* what it waits for, or NULL */
	bool done;
	unsigned problems_said;
	char *said_text;       /* last reason for a pause that was said */
	uint64_t said_at;      /* what was settled then */
	uint64_t said_ms;      /* last line without a terminal, last JSON */
	uint64_t said_settled; /* what that line said */
};

/* Messages that need nothing more, and those there are at all. */
uint64_t view_settled(const struct progress *p);
/* 0 to 100; 100 only if nothing is left and nothing is being listed. */
unsigned view_percent(const struct progress *p);
/* "ann  1,204 of 2,000 messages  41 MB of 70 MB  58 %  3.2 MB/s  about 10 s
 * left", the name in name_width columns, cut to width (0: never); while it
 * waits, shortened so that the reason fits. */
int view_line(struct buf *b, const struct view *v, uint64_t now_ms,
              size_t name_width, size_t width);
/* "waiting 4:51, as Microsoft asked; other mailboxes go on". */
int view_wait(struct buf *b, uint64_t until_ms, const char *text,
              uint64_t now_ms);
/* The sum of several, as one more view named "all". */
void view_total(struct view *sum, const struct view *v, size_t n);

#endif

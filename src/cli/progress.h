/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - shows a run under way: a block that is redrawn on a
 * terminal, a line every few seconds without one, events with --json.
 */
#ifndef MAILHAUL_CLI_PROGRESS_H
#define MAILHAUL_CLI_PROGRESS_H

#include "cli/talk.h"
#include "cli/view.h"
#include "mailhaul/event.h"

enum progress_mode {
	PROGRESS_NONE, /* --quiet */
	PROGRESS_BLOCK,
	PROGRESS_LINES,
	PROGRESS_JSON
};

struct progress_view {
	enum progress_mode mode;
	struct talk *talk;
	struct view *v;
	size_t n;
	struct view total;
	uint64_t drawn_ms;
};

void progress_init(struct progress_view *p, struct talk *t, bool json);
void progress_release(struct progress_view *p);
event_fn progress_event; /* arg: the struct progress_view */

#endif

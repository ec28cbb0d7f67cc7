/* SPDX-License-Identifier: Apache-2.0 */
/* tell.c - events of a mailbox, one at a time. */
#include "transfer/move.h"
#include "util/clock.h"

static void emit(struct move *m, struct event *ev)
{
	const struct run_options *o = m->run->options;

	if (!o->event)
		return;
	ev->mailbox = m->job->mailbox->id;
	ev->name = m->job->mailbox->name;
	ev->now_ms = clock_wall_ms();
	pthread_mutex_lock(&m->run->event_lock);
	o->event(ev, o->event_arg);
	pthread_mutex_unlock(&m->run->event_lock);
}

void tell(struct move *m, enum event_kind kind, const char *folder,
          const char *text, const struct err *e)
{
	struct event ev = {
		.kind = kind, .folder = folder, .text = text, .err = e
	};

	pthread_mutex_lock(&m->lock);
	ev.progress = m->progress;
	pthread_mutex_unlock(&m->lock);
	if (kind == EVENT_DONE)
		ev.exit_code = m->job->exit_code;
	emit(m, &ev);
}

void tell_progress(struct move *m)
{
	struct event ev = { .kind = EVENT_PROGRESS };

	pthread_mutex_lock(&m->lock);
	ev.progress = m->progress;
	ev.progress.listing = m->listing;
	ev.wait_until_ms = m->wait_until_ms;
	pthread_mutex_unlock(&m->lock);
	emit(m, &ev);
}

void tell_wait(struct move *m, const char *what, uint64_t until_ms)
{
	struct event ev = { .kind = EVENT_WAIT,
		            .text = what,
		            .wait_until_ms = until_ms };

	pthread_mutex_lock(&m->lock);
	ev.progress = m->progress;
	m->wait_until_ms = until_ms;
	pthread_mutex_unlock(&m->lock);
	emit(m, &ev);
}

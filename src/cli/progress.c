/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - what a person or a script sees of a run under way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "mailhaul/transfer.h"
#include "util/log.h"

#define DRAW_MS 250
#define LINE_MS 5000
#define JSON_MS 1000
#define NAME_MAX_COLUMNS 32
#define OTHERS "; other mailboxes go on"
#define PROBLEMS_SAID 20 /* of a mailbox; 'problems' lists them all */

void progress_init(struct progress_view *p, struct talk *t, bool json)
{
	*p = (struct progress_view){ .talk = t };
	p->mode = json          ? PROGRESS_JSON
	          : t->quiet    ? PROGRESS_NONE
	          : t->terminal ? PROGRESS_BLOCK
	                        : PROGRESS_LINES;
	p->total.name = strdup("all");
}

void progress_release(struct progress_view *p)
{
	if (p->mode == PROGRESS_BLOCK)
		talk_block(p->talk, NULL);
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].wait_text);
		free(p->v[i].said_text);
	}
	free(p->v);
	free(p->total.name);
	*p = (struct progress_view){ 0 };
}

/* The view of the event's mailbox; NULL: memory, then nothing is shown. */
static struct view *view_of(struct progress_view *p, const struct event *ev)
{
	struct view *v;

	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].mailbox == ev->mailbox)
			return &p->v[i];
	v = reallocarray(p->v, p->n + 1, sizeof(*v));
	if (v == NULL)
		return NULL;
	p->v = v;
	v += p->n;
	*v = (struct view){ .mailbox = ev->mailbox };
	v->name = strdup(ev->name != NULL ? ev->name : "?");
	if (v->name == NULL)
		return NULL;
	p->n++;
	return v;
}

/* --- terminal ----------------------------------------------------------- */

static size_t name_columns(const struct progress_view *p)
{
	size_t widest = 3;

	for (size_t i = 0; i < p->n; i++) {
		size_t w = text_width(p->v[i].name);

		if (!p->v[i].done && w > widest)
			widest = w;
	}
	return widest < NAME_MAX_COLUMNS ? widest : NAME_MAX_COLUMNS;
}

static int block_lines(struct progress_view *p, struct buf *b, uint64_t now)
{
	size_t columns, rows, names = name_columns(p), shown = 0, more = 0;

	talk_screen(STDERR_FILENO, &columns, &rows);
	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].done)
			continue;
		if (shown + 4 > rows) {
			more++;
			continue;
		}
		shown++;
		if (view_line(b, &p->v[i], now, names, columns - 1) != 0 ||
		    buf_chr(b, '\n') != 0)
			return -1;
	}
	if (more > 0 && buf_fmt(b, "and %zu more\n", more) != 0)
		return -1;
	if (p->n < 2)
		return 0;
	return view_line(b, &p->total, now, names, columns - 1) != 0 ||
	                       buf_chr(b, '\n') != 0
	               ? -1
	               : 0;
}

static void redraw(struct progress_view *p, uint64_t now, bool at_once)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 20);

	if (!at_once && now >= p->drawn_ms && now - p->drawn_ms < DRAW_MS)
		return;
	p->drawn_ms = now;
	view_total(&p->total, p->v, p->n);
	rate_add(&p->total.rate, now, p->total.p.bytes_moved);
	if (block_lines(p, &b, now) == 0)
		talk_block(p->talk, b.p);
}

/* --- lines -------------------------------------------------------------- */

static void say_line(struct progress_view *p, struct view *v, uint64_t now)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);
	uint64_t settled = view_settled(&v->p);

	if (v->said_ms == 0)
		v->said_ms = now; /* a short run needs no line */
	if (now - v->said_ms < LINE_MS || settled == v->said_settled)
		return;
	v->said_ms = now;
	v->said_settled = settled;
	if (view_line(&b, v, now, text_width(v->name), 0) == 0)
		talk_say(p->talk, "%s", b.p);
}

static void say_about(struct progress_view *p, const struct view *v,
                      const char *folder, const char *text)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (text_clean(&b, v->name) != 0 || buf_str(&b, ": ") != 0)
		return;
	if (folder != NULL &&
	    (text_clean(&b, folder) != 0 || buf_str(&b, ": ") != 0))
		return;
	if (text_clean(&b, text) == 0)
		talk_say(p->talk, "%s", b.p);
}

static void say_problem(struct progress_view *p, struct view *v,
                        const struct event *ev)
{
	const char *text = ev->err != NULL    ? ev->err->text
	                   : ev->text != NULL ? ev->text
	                                      : "";

	v->problems_said++;
	if (v->problems_said < PROBLEMS_SAID)
		say_about(p, v, ev->folder, text);
	else if (v->problems_said == PROBLEMS_SAID)
		say_about(p, v, NULL,
		          "more problems follow; 'mailhaul problems' will list "
		          "them all.");
}

/* While nothing moves, the same reason is said once, not with each try of
 * each lane. */
static bool is_news(struct view *v, const char *text)
{
	uint64_t settled = view_settled(&v->p);

	if (v->said_text != NULL && v->said_at == settled &&
	    strcmp(v->said_text, text) == 0)
		return false;
	free(v->said_text);
	v->said_text = strdup(text);
	v->said_at = settled;
	return true;
}

/* A single mailbox has no others that go on. */
static void note_wait(const struct progress_view *p, struct view *v,
                      const struct event *ev)
{
	const size_t tail = sizeof(OTHERS) - 1;
	size_t n = ev->text != NULL ? strlen(ev->text) : 0;

	if (p->n < 2 && n > tail && strcmp(ev->text + n - tail, OTHERS) == 0)
		n -= tail;
	v->wait_until_ms = ev->wait_until_ms;
	free(v->wait_text);
	v->wait_text = ev->text != NULL ? strndup(ev->text, n) : NULL;
}

static void say_wait(struct progress_view *p, struct view *v,
                     const struct event *ev)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 16);

	if (ev->wait_until_ms > ev->now_ms && v->wait_text != NULL &&
	    is_news(v, v->wait_text) &&
	    view_wait(&b, ev->wait_until_ms, v->wait_text, ev->now_ms) == 0)
		say_about(p, v, ev->folder, b.p);
}

/* Of several, one that stops before the others is told at once. */
static void say_stopped(struct progress_view *p, const struct view *v,
                        const struct event *ev)
{
	if (p->n > 1 && ev->exit_code > EXIT_PROBLEMS && ev->err != NULL)
		say_about(p, v, NULL, ev->err->text);
}

/* Without a terminal, and above the block of one. */
static void say_event(struct progress_view *p, struct view *v,
                      const struct event *ev)
{
	switch (ev->kind) {
	case EVENT_START:
	case EVENT_NOTE:
		if (ev->text != NULL)
			say_about(p, v, ev->folder, ev->text);
		break;
	case EVENT_FOLDER:
		if (log_on() && ev->text != NULL)
			say_about(p, v, ev->folder, ev->text);
		break;
	case EVENT_WAIT:
		if (p->mode == PROGRESS_LINES)
			say_wait(p, v, ev);
		break;
	case EVENT_PROBLEM:
		say_problem(p, v, ev);
		break;
	case EVENT_RETRY:
		if (ev->err != NULL && is_news(v, ev->err->text))
			say_about(p, v, ev->folder, ev->err->text);
		break;
	case EVENT_DONE:
		say_stopped(p, v, ev);
		break;
	case EVENT_PROGRESS:
		break;
	}
}

/* --- JSON --------------------------------------------------------------- */

static const char *const kind_name[] = {
	[EVENT_START] = "start",     [EVENT_PROGRESS] = "progress",
	[EVENT_FOLDER] = "folder",   [EVENT_WAIT] = "wait",
	[EVENT_PROBLEM] = "problem", [EVENT_NOTE] = "note",
	[EVENT_RETRY] = "retry",     [EVENT_DONE] = "done",
};
_Static_assert(sizeof(kind_name) / sizeof(kind_name[0]) == EVENT_DONE + 1,
               "every kind has a name");

static void print_json(const struct event *ev)
{
	json_t *o = json_head("event", kind_name[ev->kind]);

	json_object_set_new(o, "time", json_when((int64_t)(ev->now_ms / 1000)));
	json_object_set_new(o, "mailbox", json_text(ev->name));
	if (ev->folder != NULL)
		json_object_set_new(o, "folder", json_text(ev->folder));
	if (ev->text != NULL)
		json_object_set_new(o, "text", json_text(ev->text));
	if (ev->err != NULL && ev->err->code != EC_NONE)
		json_object_set_new(o, "error", json_err(ev->err));
	if (ev->kind == EVENT_WAIT)
		json_object_set_new(
		        o, "until",
		        json_when((int64_t)(ev->wait_until_ms / 1000)));
	if (ev->kind == EVENT_PROGRESS || ev->kind == EVENT_DONE)
		json_object_set_new(o, "progress",
		                    json_progress(&ev->progress));
	if (ev->kind == EVENT_DONE)
		json_object_set_new(o, "exit", json_integer(ev->exit_code));
	json_line(o);
}

static void json_event(struct view *v, const struct event *ev)
{
	if (ev->kind == EVENT_PROGRESS) {
		if (ev->now_ms - v->said_ms < JSON_MS)
			return;
		v->said_ms = ev->now_ms;
	}
	print_json(ev);
}

void progress_event(const struct event *ev, void *arg)
{
	struct progress_view *p = arg;
	struct view *v;

	if (p->mode == PROGRESS_NONE)
		return;
	v = view_of(p, ev);
	if (v == NULL)
		return;
	if (p->mode == PROGRESS_JSON) {
		json_event(v, ev);
		return;
	}
	if (ev->kind == EVENT_PROGRESS || ev->kind == EVENT_DONE) {
		v->p = ev->progress;
		rate_add(&v->rate, ev->now_ms, v->p.bytes_moved);
	}
	if (ev->kind == EVENT_WAIT)
		note_wait(p, v, ev);
	if (ev->kind == EVENT_DONE)
		v->done = true;
	say_event(p, v, ev);
	if (p->mode == PROGRESS_BLOCK)
		redraw(p, ev->now_ms, ev->kind == EVENT_DONE);
	else if (ev->kind == EVENT_PROGRESS)
		say_line(p, v, ev->now_ms);
}

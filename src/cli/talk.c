/* SPDX-License-Identifier: Apache-2.0 */
/* talk.c - what is said on stderr. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/talk.h"
#include "cli/text.h"
#include "util/buf.h"
#include "util/log.h"

void talk_init(struct talk *t)
{
	const char *term = getenv("TERM");

	*t = (struct talk){ .lock = PTHREAD_MUTEX_INITIALIZER };
	t->terminal = isatty(STDERR_FILENO) && term != NULL &&
	              strcmp(term, "dumb") != 0;
}

static void erase(struct talk *t)
{
	if (t->lines > 0)
		fprintf(stderr, "\r\033[%zuA\033[J", t->lines);
	t->lines = 0;
}

static void draw(struct talk *t)
{
	if (t->block == NULL || t->held)
		return;
	fputs(t->block, stderr);
	for (const char *p = t->block; (p = strchr(p, '\n')) != NULL; p++)
		t->lines++;
}

void talk_release(struct talk *t)
{
	talk_block(t, NULL);
	pthread_mutex_destroy(&t->lock);
}

__attribute__((format(printf, 2, 0))) static void
line(struct talk *t, const char *fmt, va_list ap)
{
	pthread_mutex_lock(&t->lock);
	erase(t);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	draw(t);
	fflush(stderr);
	pthread_mutex_unlock(&t->lock);
}

void talk_say(struct talk *t, const char *fmt, ...)
{
	va_list ap;

	if (t->quiet)
		return;
	va_start(ap, fmt);
	line(t, fmt, ap);
	va_end(ap);
}

void talk_warn(struct talk *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(t, fmt, ap);
	va_end(ap);
}

void talk_err(struct talk *t, const struct err *e)
{
	talk_warn(t, "mailhaul: %s", e->text);
	if (e->detail[0] != '\0' && log_on())
		talk_warn(t, "  (%s: %s)", err_code_name(e->code), e->detail);
}

void talk_block(struct talk *t, const char *block)
{
	char *copy = NULL;

	if (block != NULL && *block != '\0')
		copy = strdup(block);
	pthread_mutex_lock(&t->lock);
	erase(t);
	free(t->block);
	t->block = copy;
	draw(t);
	fflush(stderr);
	pthread_mutex_unlock(&t->lock);
}

void talk_hold(struct talk *t)
{
	pthread_mutex_lock(&t->lock);
	erase(t);
	t->held = true;
	fflush(stderr);
	pthread_mutex_unlock(&t->lock);
}

void talk_go_on(struct talk *t)
{
	pthread_mutex_lock(&t->lock);
	t->held = false;
	draw(t);
	fflush(stderr);
	pthread_mutex_unlock(&t->lock);
}

static size_t number_from(const char *variable, size_t fallback)
{
	const char *s = getenv(variable);
	long n = s != NULL ? strtol(s, NULL, 10) : 0;

	return n >= 20 && n <= 10000 ? (size_t)n : fallback;
}

void talk_screen(int fd, size_t *columns, size_t *rows)
{
	struct winsize w;

	*columns = number_from("COLUMNS", 80);
	*rows = number_from("LINES", 24);
	if (ioctl(fd, TIOCGWINSZ, &w) != 0)
		return;
	if (w.ws_col >= 20)
		*columns = w.ws_col;
	if (w.ws_row >= 4)
		*rows = w.ws_row;
}

void talk_log(const char *text, void *arg)
{
	talk_warn(arg, "  %s", text);
}

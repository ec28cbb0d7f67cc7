/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - stderr: lines that scroll, above a block that is redrawn. Every
 * function may be called from any thread.
 */
#ifndef MAILHAUL_CLI_TALK_H
#define MAILHAUL_CLI_TALK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "mailhaul/err.h"

struct talk {
	pthread_mutex_t lock;
	bool quiet;
	bool terminal; /* stderr can be redrawn */
	bool held;     /* somebody is being asked: no block */
	char *block;
	size_t lines; /* of the block, on the screen now */
};

void talk_init(struct talk *t);
void talk_release(struct talk *t);
/* A line of its own; not with --quiet. */
void talk_say(struct talk *t, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* A line that must be seen. */
void talk_warn(struct talk *t, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));
/* "mailhaul: text"; with detail if the log is on. */
void talk_err(struct talk *t, const struct err *e);
/* Replaces the block; lines end with a newline; "" or NULL: none. */
void talk_block(struct talk *t, const char *block);
/* The terminal belongs to a question until talk_go_on(). */
void talk_hold(struct talk *t);
void talk_go_on(struct talk *t);
/* Columns and rows of the terminal fd is, else $COLUMNS, else 80 and 24. */
void talk_screen(int fd, size_t *columns, size_t *rows);
/* A log_fn; arg is the struct talk. */
void talk_log(const char *line, void *arg);

#endif

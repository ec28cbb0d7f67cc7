/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_play.h - a server on loopback that plays a written dialogue. Each
 * turn waits for a line that holds want (the tag cut off; "~" in front: a
 * line without a tag) and answers say, with %t for the tag.
 *
 *   struct server s = { .connections = 1, .turns = {...} };
 *   play_start(&s);            s.port listens
 *   play_end(&s);              s.failed, s.heard
 */
#ifndef MAILHAUL_TESTS_IMAP_PLAY_H
#define MAILHAUL_TESTS_IMAP_PLAY_H

#include "imap_fake.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "util/buf.h"

struct turn {
	const char *want; /* NULL: say at once */
	const char *say;
};

enum { TURNS = 12, LINE = 2000 };

struct server {
	int fd;
	uint16_t port;
	unsigned connections; /* to serve, one after the other */
	struct turn turns[TURNS];
	unsigned failed;     /* lines that were not as wanted */
	char heard[LINE];    /* the last line */
	const char *accepts; /* this LOGIN is answered OK whatever want says */
	/* The turns of the connections after the first, or NULL. */
	const struct turn *later;
	pthread_t thread;
};

/* One line without CRLF; false at the end. */
static bool hear(int fd, char *line)
{
	size_t n = 0;

	while (n < LINE - 1) {
		if (read(fd, line + n, 1) != 1)
			return false;
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
	return true;
}

static void say(int fd, const char *text, const char *tag, size_t tag_n)
{
	struct buf b = BUF_INIT(0);

	for (; *text; text++) {
		if (text[0] == '%' && text[1] == 't') {
			(void)buf_add(&b, tag, tag_n);
			text++;
		} else {
			(void)buf_chr(&b, *text);
		}
	}
	(void)!send(fd, b.p, b.n, MSG_NOSIGNAL);
	buf_release(&b);
}

static void play(struct server *s, int fd, const struct turn *turns)
{
	char tag[32] = "";
	size_t tag_n = 0;

	for (int i = 0; i < TURNS && turns[i].say; i++) {
		const struct turn *t = turns + i;

		if (t->want) {
			if (!hear(fd, s->heard))
				return;
			char *space = strchr(s->heard, ' ');

			/* A continuation has no tag of its own. */
			if (*t->want == '~'
			            ? strcmp(s->heard, t->want + 1)
			            : !space || strcmp(space + 1, t->want))
				s->failed++;
			if (*t->want != '~' && space) {
				tag_n = (size_t)(space - s->heard);
				memcpy(tag, s->heard, tag_n);
			}
		}
		if (s->accepts && strstr(s->heard, s->accepts)) {
			s->failed = 0;
			say(fd, "%t OK [CAPABILITY UIDPLUS] in\r\n", tag,
			    tag_n);
			continue;
		}
		say(fd, t->say, tag, tag_n);
	}
	/* Until the client hangs up. */
	while (hear(fd, s->heard))
		continue;
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (unsigned i = 0; i < s->connections; i++) {
		int fd = accept(s->fd, NULL, NULL);

		if (fd < 0)
			break;
		play(s, fd, i && s->later ? s->later : s->turns);
		close(fd);
	}
	return NULL;
}

static void play_start(struct server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(s->fd, 5), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void play_end(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	close(s->fd);
	pthread_join(s->thread, NULL);
}

#endif

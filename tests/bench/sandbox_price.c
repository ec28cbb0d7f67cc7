/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_price.c - the parsers of archives as they run in the child, and
 * the same in this process with nothing between them and a sink that keeps
 * nothing.
 *
 *   sandbox_price inside|behind PATH
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/child.h"
#include "archive/tree.h"
#include "reader/wire.h"

/* --- inside -------------------------------------------------------------- */

static int folder(struct sink *s, const struct place *p)
{
	return 0;
}

static int begin(struct sink *s, const struct item *it)
{
	return 1;
}

static int data(struct sink *s, const void *p, size_t n)
{
	return 0;
}

static int about(struct sink *s, enum mail_made made, const char *note)
{
	return 0;
}

static int end(struct sink *s, uint64_t size, const char *hole)
{
	return 0;
}

static int other(struct sink *s, const char *name, const char *what)
{
	return 0;
}

static const struct wanted *wanted(struct sink *s, const char *raw)
{
	static const struct wanted all;

	return &all;
}

static int nothing(struct sink *s)
{
	return 0;
}

static bool is_poison(struct sink *s, const char *raw, uint64_t uid)
{
	return false;
}

static int inside(int fd)
{
	struct sink s = { .bodies = true,
		          .folder = folder,
		          .begin = begin,
		          .data = data,
		          .about = about,
		          .end = end,
		          .other = other,
		          .wanted = wanted,
		          .wanted_file = wanted,
		          .moved_on = nothing,
		          .working = nothing,
		          .is_poison = is_poison };

	return tree_walk(fd, "x", WANT_ANY, &s) ? 1 : 0;
}

/* --- behind -------------------------------------------------------------- */

static int start(int fd, int *ask, int *answers)
{
	char *argv[] = { (char *)"x", (char *)ARCHIVE_CHILD, NULL };
	const int room = 1 << 20;
	int to[2], from[2];
	pid_t pid;

	if (pipe(to) || socketpair(AF_UNIX, SOCK_STREAM, 0, from))
		return -1;
	(void)setsockopt(from[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	pid = fork();
	if (pid == 0) {
		fd = dup2(fd, 20);
		dup2(to[0], 0);
		dup2(from[1], 1);
		dup2(fd, 3);
		for (int i = 4; i <= 20; i++)
			close(i);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	*ask = to[1];
	*answers = from[0];
	return pid < 0 ? -1 : 0;
}

static int ask_all(int fd)
{
	struct buf b = BUF_INIT(0);
	size_t at = wire_begin(&b, W_WALK);
	int r;

	wire_u64(&b, W_BODIES);
	wire_u64(&b, WANT_ANY);
	wire_text(&b, "x");
	wire_end(&b, at);
	wire_end(&b, wire_begin(&b, W_GO));
	r = write(fd, b.p, b.n) == (ssize_t)b.n ? 0 : -1;
	buf_release(&b);
	return r;
}

static int hear(int fd)
{
	static char room[2 * WIRE_MOST];
	size_t n = 0, at, step;
	struct wire rec;
	ssize_t r;

	while ((r = read(fd, room + n, sizeof(room) - n)) > 0) {
		n += (size_t)r;
		for (at = 0; (step = wire_next(room + at, n - at, &rec));
		     at += step)
			if (rec.type == W_DONE)
				return 0;
		n -= at;
		memmove(room, room + at, n);
	}
	return -1;
}

static int behind(int fd)
{
	int ask = -1, answers = -1, r;

	if (start(fd, &ask, &answers) || ask_all(ask))
		return 1;
	r = hear(answers);
	close(ask);
	wait(NULL);
	return r ? 1 : 0;
}

int main(int argc, char **argv)
{
	int fd;

	if (argc > 1 && strcmp(argv[1], ARCHIVE_CHILD) == 0)
		return archive_child(argc - 2, argv + 2);
	if (argc != 3)
		return 64;
	fd = open(argv[2], O_RDONLY);
	if (fd < 0)
		return 66;
	return strcmp(argv[1], "inside") == 0 ? inside(fd) : behind(fd);
}

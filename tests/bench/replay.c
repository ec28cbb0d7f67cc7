/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: writes recorded command streams into a server as fast as it
 * takes them, one connection for each stream, and reads the answers.
 *
 *	replay PORT STREAM...
 *
 * The first line of a stream signs in and is answered before the rest goes,
 * because a login process need not pass on what follows; the last command is
 * LOGOUT. Says {"seconds":..,"ok":..,"refused":..} on stdout; exits 1 when
 * anything was refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { MAX_STREAMS = 16, LINE_KEPT = 256 };

/* GREETING and LOGIN: wait for a line; FLOOD: everything; DONE: closed. */
enum phase { GREETING, LOGIN, FLOOD, DONE };

struct stream {
	enum phase phase;
	int fd;
	const char *data;
	size_t len;
	size_t at;
	size_t limit;
	char line[LINE_KEPT];
	size_t line_len;
};

static unsigned long ok_count;
static unsigned long refused;

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(70);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void map_stream(struct stream *s, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *nl;

	if (fd < 0 || fstat(fd, &st) != 0)
		die(path);
	s->len = (size_t)st.st_size;
	s->data = mmap(NULL, s->len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd,
	               0);
	if (s->data == MAP_FAILED)
		die(path);
	close(fd);
	nl = memchr(s->data, '\n', s->len);
	if (nl == NULL)
		die("no line in the stream");
	s->limit = (size_t)(nl - s->data) + 1;
}

static void connect_stream(struct stream *s, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)port) };
	int one = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&a, sizeof a) != 0)
		die("connect");
	setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	fcntl(s->fd, F_SETFL, fcntl(s->fd, F_GETFL) | O_NONBLOCK);
}

static void take_line(struct stream *s)
{
	const char *word;

	s->line[s->line_len] = '\0';
	if (s->phase == GREETING) {
		s->phase = LOGIN;
		return;
	}
	if (s->line[0] == '*' || s->line[0] == '+')
		return;
	word = strchr(s->line, ' ');
	if (word != NULL && strncmp(word, " OK", 3) == 0) {
		ok_count++;
	} else {
		refused++;
		fprintf(stderr, "replay: %s\n", s->line);
	}
	if (s->phase == LOGIN) {
		s->phase = FLOOD;
		s->limit = s->len;
	}
}

static void read_answers(struct stream *s)
{
	char buf[65536];
	ssize_t n = read(s->fd, buf, sizeof buf);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (s->phase != FLOOD || s->at < s->len)
			die("the server closed the connection");
		s->phase = DONE;
		close(s->fd);
		return;
	}
	for (ssize_t i = 0; i < n; i++) {
		if (buf[i] == '\n') {
			take_line(s);
			s->line_len = 0;
		} else if (buf[i] != '\r' && s->line_len < LINE_KEPT - 1) {
			s->line[s->line_len++] = buf[i];
		}
	}
}

static bool may_write(const struct stream *s)
{
	return s->phase != GREETING && s->phase != DONE && s->at < s->limit;
}

static void write_some(struct stream *s)
{
	size_t left = s->limit - s->at;
	ssize_t n =
	        write(s->fd, s->data + s->at, left < 1048576 ? left : 1048576);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		die("write");
	if (n > 0)
		s->at += (size_t)n;
}

static size_t step(struct stream *streams, size_t count)
{
	struct pollfd fds[MAX_STREAMS];
	size_t open = 0;

	for (size_t i = 0; i < count; i++) {
		fds[i].fd = streams[i].phase == DONE ? -1 : streams[i].fd;
		fds[i].events = POLLIN;
		fds[i].revents = 0;
		if (may_write(&streams[i]))
			fds[i].events |= POLLOUT;
	}
	if (poll(fds, count, -1) < 0 && errno != EINTR)
		die("poll");
	for (size_t i = 0; i < count; i++) {
		if ((fds[i].revents & POLLOUT) != 0)
			write_some(&streams[i]);
		if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			read_answers(&streams[i]);
		open += streams[i].phase != DONE;
	}
	return open;
}

int main(int argc, char **argv)
{
	static struct stream streams[MAX_STREAMS];
	size_t count = (size_t)argc - 2;
	double start;

	if (argc < 3 || count > MAX_STREAMS) {
		fprintf(stderr, "usage: replay PORT STREAM...\n");
		return 64;
	}
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < count; i++)
		map_stream(&streams[i], argv[i + 2]);
	start = now();
	for (size_t i = 0; i < count; i++)
		connect_stream(&streams[i], (int)strtol(argv[1], NULL, 10));
	while (step(streams, count) > 0)
		;
	printf("{\"seconds\":%.6f,\"ok\":%lu,\"refused\":%lu}\n", now() - start,
	       ok_count, refused);
	return refused == 0 ? 0 : 1;
}

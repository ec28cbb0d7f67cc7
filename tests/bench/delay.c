/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A userland delay: carries TCP connections to loopback servers and holds
 * every octet back for a fixed time in each direction, without limiting the
 * rate. Counts what the table needs: octets, connections and waits.
 *
 *	delay MILLISECONDS LABEL:LISTEN:TARGET...
 *
 * Ports are on 127.0.0.1. Says one JSON object a line on stdout: "ready",
 * "first-append" and "first-stored" as they happen, "end" on SIGTERM.
 *
 * Two ways of counting a wait, because lanes overlap:
 *	turnarounds	times that the client spoke on a connection after the
 *			server had, summed over the connections;
 *	chain		the longest chain of question and answer over all
 *			connections: a Lamport clock, so nobody can hide a
 *			wait by asking on another connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MAX_LINKS = 8, MAX_EVENTS = 64, READ_SIZE = 256 * 1024, CARRY = 16 };
/* Beyond 500 MB/s times 25 ms, so that the queue is never the brake. */
static const size_t QUEUE_MAX = 64u << 20;

struct chunk {
	struct chunk *next;
	uint64_t due;
	size_t at;
	size_t len;
	unsigned depth;
	char data[];
};

struct half {
	int from;
	int to;
	struct chunk *head;
	struct chunk *tail;
	size_t queued;
	uint64_t octets;
	uint64_t eof_due;
	bool eof;
	bool shut;
	bool blocked;
	char carry[CARRY];
	size_t carried;
};

struct link {
	char label[32];
	int listener;
	int target;
	unsigned connections;
	uint64_t up;
	uint64_t down;
	uint64_t turnarounds;
};

struct conn {
	struct conn *next;
	struct link *link;
	struct half up;
	struct half down;
	uint64_t connect_due;
	unsigned server_depth;
	bool connected;
	bool heard;
	bool appends;
	bool dead;
};

static struct link links[MAX_LINKS];
static size_t n_links;
static struct conn *conns;
static int epoll_fd;
static uint64_t delay_ns;
static uint64_t origin;
static unsigned client_depth;
static uint64_t first_append;
static uint64_t first_stored;
static uint64_t last_stored;

static void die(const char *what)
{
	fprintf(stderr, "delay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double since_origin(uint64_t t)
{
	return t == 0 ? -1 : (double)(t - origin) / 1e9;
}

static uint64_t sum_turnarounds(void)
{
	uint64_t n = 0;

	for (size_t i = 0; i < n_links; i++)
		n += links[i].turnarounds;
	return n;
}

static void say_event(const char *event, uint64_t when)
{
	printf("{\"event\":\"%s\",\"seconds\":%.6f,\"chain\":%u,"
	       "\"turnarounds\":%" PRIu64 "}\n",
	       event, since_origin(when), client_depth, sum_turnarounds());
	fflush(stdout);
}

static void say_end(void)
{
	printf("{\"event\":\"end\",\"chain\":%u,\"first_append\":%.6f,"
	       "\"first_stored\":%.6f,\"last_stored\":%.6f,\"links\":{",
	       client_depth, since_origin(first_append),
	       since_origin(first_stored), since_origin(last_stored));
	for (size_t i = 0; i < n_links; i++)
		printf("%s\"%s\":{\"connections\":%u,\"up\":%" PRIu64
		       ",\"down\":%" PRIu64 ",\"turnarounds\":%" PRIu64 "}",
		       i == 0 ? "" : ",", links[i].label, links[i].connections,
		       links[i].up, links[i].down, links[i].turnarounds);
	printf("}}\n");
	fflush(stdout);
}

static void watch(int fd, uint32_t events, void *ptr, int op)
{
	struct epoll_event e = { .events = events, .data.ptr = ptr };

	if (epoll_ctl(epoll_fd, op, fd, &e) != 0)
		die("epoll_ctl");
}

static void prepare_socket(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static struct sockaddr_in loopback(int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		                 .sin_port = htons((uint16_t)port) };

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

/* What each side is watched for, worked out anew after every change. */
static void rewatch(struct conn *c)
{
	bool up_in = !c->up.eof && c->up.queued < QUEUE_MAX;
	bool down_in = !c->down.eof && c->down.queued < QUEUE_MAX;
	uint32_t client =
	        (up_in ? EPOLLIN : 0) | (c->down.blocked ? EPOLLOUT : 0);
	uint32_t server =
	        (down_in ? EPOLLIN : 0) | (c->up.blocked ? EPOLLOUT : 0);

	watch(c->up.from, client, c, EPOLL_CTL_MOD);
	if (c->connected)
		watch(c->up.to, server, c, EPOLL_CTL_MOD);
}

/* A TCP handshake is not an answer, but it takes its time: the greeting
 * comes after two round trips, as on a real line. */
static void accept_client(struct link *link)
{
	int fd = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC);
	struct conn *c;

	if (fd < 0)
		return;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		die("calloc");
	prepare_socket(fd);
	if (origin == 0)
		origin = now_ns();
	c->link = link;
	c->up.from = fd;
	c->down.to = fd;
	c->up.to = -1;
	c->down.from = -1;
	c->connect_due = now_ns() + 3 * delay_ns;
	c->next = conns;
	conns = c;
	link->connections++;
	watch(fd, 0, c, EPOLL_CTL_ADD);
}

static void connect_target(struct conn *c)
{
	struct sockaddr_in a = loopback(c->link->target);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	c->connected = true;
	c->up.to = fd;
	c->down.from = fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0)
		c->dead = true;
	prepare_socket(fd);
	watch(fd, 0, c, EPOLL_CTL_ADD);
	rewatch(c);
}

/* Does data, with the end of what came before, hold the words? */
static bool holds(struct half *h, const char *data, size_t len,
                  const char *words)
{
	size_t n = strlen(words);
	char seam[2 * CARRY];
	size_t head = len < CARRY ? len : CARRY;
	bool found;

	memcpy(seam, h->carry, h->carried);
	memcpy(seam + h->carried, data, head);
	found = memmem(seam, h->carried + head, words, n) != NULL ||
	        memmem(data, len, words, n) != NULL;
	h->carried = len < n - 1 ? len : n - 1;
	memcpy(h->carry, data + len - h->carried, h->carried);
	return found;
}

static void heed_client(struct conn *c, struct chunk *k, uint64_t now)
{
	k->depth = client_depth;
	c->link->up += k->len;
	if (c->heard)
		c->link->turnarounds++;
	c->heard = false;
	if (c->appends || !holds(&c->up, k->data, k->len, " APPEND "))
		return;
	c->appends = true;
	c->down.carried = 0;
	if (first_append != 0)
		return;
	first_append = now;
	say_event("first-append", now);
}

static void deliver_to_client(struct conn *c, struct chunk *k, uint64_t now)
{
	c->heard = true;
	if (k->depth > client_depth)
		client_depth = k->depth;
	if (!c->appends || !holds(&c->down, k->data, k->len, "APPENDUID"))
		return;
	last_stored = now;
	if (first_stored != 0)
		return;
	first_stored = now;
	say_event("first-stored", now);
}

static void enqueue(struct half *h, struct chunk *k)
{
	if (h->tail != NULL)
		h->tail->next = k;
	else
		h->head = k;
	h->tail = k;
	h->queued += k->len;
	h->octets += k->len;
}

static void read_half(struct conn *c, struct half *h)
{
	static char buf[READ_SIZE];
	ssize_t n;
	uint64_t now;
	struct chunk *k;

	if (h->eof || h->queued >= QUEUE_MAX)
		return;
	n = read(h->from, buf, sizeof buf);
	now = now_ns();
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		h->eof = true;
		h->eof_due = now + delay_ns;
		return;
	}
	k = malloc(sizeof *k + (size_t)n);
	if (k == NULL)
		die("malloc");
	*k = (struct chunk){ .due = now + delay_ns, .len = (size_t)n };
	memcpy(k->data, buf, (size_t)n);
	if (h == &c->up) {
		heed_client(c, k, now);
	} else {
		k->depth = c->server_depth + 1;
		c->link->down += k->len;
	}
	enqueue(h, k);
}

static void drop_head(struct half *h)
{
	struct chunk *k = h->head;

	h->head = k->next;
	if (h->head == NULL)
		h->tail = NULL;
	h->queued -= k->len;
	free(k);
}

static void write_half(struct conn *c, struct half *h, uint64_t now)
{
	h->blocked = false;
	while (h->head != NULL && h->head->due <= now) {
		struct chunk *k = h->head;
		ssize_t n = write(h->to, k->data + k->at, k->len - k->at);

		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			c->dead = true;
			return;
		}
		if (n < 0) {
			h->blocked = true;
			return;
		}
		k->at += (size_t)n;
		if (k->at < k->len)
			continue;
		if (h == &c->down)
			deliver_to_client(c, k, now);
		else if (k->depth > c->server_depth)
			c->server_depth = k->depth;
		drop_head(h);
	}
	if (h->eof && !h->shut && h->head == NULL && h->eof_due <= now) {
		shutdown(h->to, SHUT_WR);
		h->shut = true;
	}
}

static void free_conn(struct conn *c)
{
	while (c->up.head != NULL)
		drop_head(&c->up);
	while (c->down.head != NULL)
		drop_head(&c->down);
	close(c->up.from);
	if (c->connected)
		close(c->up.to);
	free(c);
}

static void flush_all(uint64_t now)
{
	struct conn **at = &conns;

	while (*at != NULL) {
		struct conn *c = *at;

		if (!c->connected && c->connect_due <= now)
			connect_target(c);
		if (c->connected && !c->dead) {
			write_half(c, &c->up, now);
			write_half(c, &c->down, now);
		}
		if (c->dead || (c->up.shut && c->down.shut)) {
			*at = c->next;
			free_conn(c);
			continue;
		}
		if (c->connected)
			rewatch(c);
		at = &c->next;
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return b != 0 && (a == 0 || b < a) ? b : a;
}

static uint64_t half_due(const struct half *h)
{
	if (h->blocked || h->shut)
		return 0;
	if (h->head != NULL)
		return h->head->due;
	return h->eof ? h->eof_due : 0;
}

static void arm_timer(int timer)
{
	struct itimerspec t = { 0 };
	uint64_t due = 0;

	for (const struct conn *c = conns; c != NULL; c = c->next) {
		if (!c->connected) {
			due = earlier(due, c->connect_due);
			continue;
		}
		due = earlier(due, half_due(&c->up));
		due = earlier(due, half_due(&c->down));
	}
	t.it_value.tv_sec = (time_t)(due / 1000000000u);
	t.it_value.tv_nsec = (long)(due % 1000000000u);
	if (timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL) != 0)
		die("timerfd_settime");
}

static void open_link(const char *arg)
{
	struct link *link = &links[n_links];
	struct sockaddr_in a;
	int port = 0;
	int one = 1;

	if (n_links == MAX_LINKS || sscanf(arg, "%31[^:]:%d:%d", link->label,
	                                   &port, &link->target) != 3) {
		fprintf(stderr, "delay: not LABEL:LISTEN:TARGET: %s\n", arg);
		exit(64);
	}
	a = loopback(port);
	link->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(link->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(link->listener, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(link->listener, 64) != 0)
		die("listen");
	watch(link->listener, EPOLLIN, link, EPOLL_CTL_ADD);
	n_links++;
}

static bool is_link(const void *ptr)
{
	return (const char *)ptr >= (const char *)links &&
	       (const char *)ptr < (const char *)(links + MAX_LINKS);
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Both sides are tried: an idle one answers EAGAIN, which is cheap. */
static void serve(struct epoll_event *e)
{
	struct conn *c = e->data.ptr;

	if (is_link(e->data.ptr)) {
		accept_client(e->data.ptr);
		return;
	}
	if (!c->connected) {
		c->dead = (e->events & (EPOLLERR | EPOLLHUP)) != 0;
		return;
	}
	read_half(c, &c->up);
	read_half(c, &c->down);
}

static void run(const int *signals, const int *timer)
{
	struct epoll_event events[MAX_EVENTS];

	for (;;) {
		int n = epoll_wait(epoll_fd, events, MAX_EVENTS, -1);

		for (int i = 0; i < n; i++) {
			uint64_t ticks;

			if (events[i].data.ptr == signals)
				return;
			if (events[i].data.ptr == timer)
				(void)!read(*timer, &ticks, sizeof ticks);
			else
				serve(&events[i]);
		}
		flush_all(now_ns());
		arm_timer(*timer);
	}
}

int main(int argc, char **argv)
{
	int signals = open_signals();
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (argc < 3) {
		fprintf(stderr, "usage: delay MS LABEL:LISTEN:TARGET...\n");
		return 64;
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0 || timer < 0 || signals < 0)
		die("epoll");
	delay_ns = strtoull(argv[1], NULL, 10) * 1000000u;
	for (int i = 2; i < argc; i++)
		open_link(argv[i]);
	watch(signals, EPOLLIN, &signals, EPOLL_CTL_ADD);
	watch(timer, EPOLLIN, &timer, EPOLL_CTL_ADD);
	printf("{\"event\":\"ready\"}\n");
	fflush(stdout);
	run(&signals, &timer);
	say_end();
	return 0;
}

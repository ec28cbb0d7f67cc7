/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connect.c - from a host name to a connected socket.
 *
 * Every address is tried in the resolver's order (RFC 6724); a dead one
 * gets only its share of the time, because providers announce IPv6 that
 * leads nowhere from many offices.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream_int.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/step.h"

enum { CONNECT_MS = 20000, SHARE_MS = 4000 };

static void addresses_free(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

static int resolve(struct addrinfo **out, const struct account *a,
                   struct err *e)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		                  .ai_socktype = SOCK_STREAM,
		                  .ai_flags = AI_ADDRCONFIG };
	char port[8];

	snprintf(port, sizeof port, "%u", (unsigned)a->port);
	int fault = getaddrinfo(a->host, port, &hints, out);

	/* AI_ADDRCONFIG hides 127.0.0.1 and ::1 on a machine without net. */
	if (fault) {
		hints.ai_flags = 0;
		fault = getaddrinfo(a->host, port, &hints, out);
	}
	if (!fault)
		return 0;
	*out = NULL;
	bool passing = fault == EAI_AGAIN || fault == EAI_SYSTEM;

	err_setf(e, ERR_ACCOUNT, passing ? NEXT_RETRY : NEXT_GIVE_UP,
	         EC_HOST_UNKNOWN,
	         "There is no server with the name %s, or the name service "
	         "cannot be reached. Nothing was changed. Check the spelling "
	         "and the network connection.",
	         a->host);
	err_detail(e, "getaddrinfo: %s", gai_strerror(fault));
	return -1;
}

static bool is_loopback(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;

		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	}
	if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		const uint8_t *o = in6->sin6_addr.s6_addr;

		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
		       (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) && o[12] == 127);
	}
	return false;
}

static void tune(int fd)
{
	int on = 1;

	/* Commands are gathered by us; waiting for more only costs time. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

/* 0 and fd connected, 1: this address failed (errno), -1: cancelled. */
static int try_one(struct stream *s, const struct addrinfo *ai, uint64_t until,
                   struct err *e)
{
	int fault = 0;
	socklen_t len = sizeof fault;

	s->fd = socket(ai->ai_family,
	               ai->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return 1;
	tune(s->fd);
	if (connect(s->fd, ai->ai_addr, ai->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return 1;
	struct err why = { 0 };

	if (stream_wait(s, POLLOUT, false, until, &why) < 0) {
		errno = ETIMEDOUT;
		if (why.code != EC_INTERRUPTED)
			return 1;
		if (e)
			*e = why;
		return -1;
	}
	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &fault, &len);
	errno = fault;
	return fault ? 1 : 0;
}

static int no_address(const struct account *a, int fault, struct err *e)
{
	bool slow = fault == ETIMEDOUT;

	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, slow ? EC_TIMEOUT : EC_CONNECT,
	         "The server %s does not %s on port %u. Nothing was changed. "
	         "Check host and port, and whether a firewall is in the way.",
	         a->host, slow ? "answer" : "accept connections",
	         (unsigned)a->port);
	err_detail(e, "connect: %s", strerror(fault));
	return -1;
}

static unsigned count_addresses(const struct addrinfo *ai)
{
	unsigned n = 0;

	for (; ai; ai = ai->ai_next)
		n++;
	return n;
}

static int try_all(struct stream *s, const struct account *a,
                   const struct addrinfo *list, struct err *e)
{
	uint64_t end =
	        clock_ms() +
	        (uint64_t)step_number("MAILHAUL_TEST_CONNECT_MS", CONNECT_MS);
	unsigned left = count_addresses(list);
	int fault = ETIMEDOUT;

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next, left--) {
		uint64_t now = clock_ms();

		if (now >= end)
			break;
		uint64_t share = (end - now) / left;

		if (share < SHARE_MS)
			share = SHARE_MS;
		uint64_t until = now + share < end ? now + share : end;
		int n = try_one(s, ai, until, e);

		if (n == 0) {
			s->loopback = is_loopback(ai->ai_addr);
			return 0;
		}
		fault = errno;
		close_p(&s->fd);
		s->fd = -1;
		if (n < 0)
			return -1;
	}
	return no_address(a, fault, e);
}

static int cleartext_refused(const struct account *a, struct err *e)
{
	return err_setf(
	        e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_CLEARTEXT,
	        "Without encryption the password and all mail to %s could be "
	        "read on the way, so nothing was sent. Use imaps:// instead; "
	        "if you know this network to be safe, add --allow-cleartext.",
	        a->host);
}

int stream_connect(struct stream **out, const struct account *a, struct err *e)
{
	CLEANUP(addresses_free) struct addrinfo *list = NULL;

	*out = NULL;
	if (a->cancel && atomic_load(a->cancel))
		return stream_interrupted(e);
	if (resolve(&list, a, e) || stream_new(out, -1, a->host, e))
		return -1;
	(*out)->cancel = a->cancel;
	if (try_all(*out, a, list, e) == 0) {
		if (stream_kind(a) != KIND_IMAP_CLEARTEXT ||
		    a->allow_cleartext || (*out)->loopback)
			return 0;
		cleartext_refused(a, e);
	}
	stream_close(out);
	return -1;
}

int stream_from_fd(struct stream **out, int fd, struct err *e)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		               "A socket could not be used.", "fcntl: %s",
		               strerror(errno));
	return stream_new(out, fd, "test", e);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.c - buffers, waiting and counting over a socket that never blocks.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream_int.h"
#include "util/clock.h"
#include "util/step.h"

enum { SLICE_MS = 250, DEADLINE_MS = 60000, MARK_OCTETS = 1024 };

static _Atomic uint64_t all_in, all_out, all_waits;

int stream_new(struct stream **out, int fd, const char *host, struct err *e)
{
	struct stream *s = calloc(1, sizeof *s);

	if (!s)
		return err_memory(e);
	s->fd = fd;
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	s->host = strdup(host ? host : "");
	s->in_cap = STREAM_READ;
	s->in = malloc(s->in_cap);
	s->out = malloc(STREAM_OUT);
	s->deadline_ms =
	        (uint64_t)step_number("MAILHAUL_TEST_DEADLINE_MS", DEADLINE_MS);
	s->want_in = POLLIN;
	s->want_out = POLLOUT;
	*out = s;
	if (s->wake >= 0 && s->host && s->in && s->out)
		return 0;
	s->fd = -1;
	stream_close(out);
	return err_memory(e);
}

int stream_from_memory(struct stream **out, const void *p, size_t n,
                       struct err *e)
{
	if (stream_new(out, -1, "memory", e))
		return -1;
	struct stream *s = *out;
	char *copy = n > s->in_cap ? realloc(s->in, n) : s->in;

	if (!copy) {
		stream_close(out);
		return err_memory(e);
	}
	s->in = copy;
	s->in_cap = n > s->in_cap ? n : s->in_cap;
	if (n)
		memcpy(s->in, p, n);
	s->in_end = n;
	s->memory = true;
	return 0;
}

void stream_abort(struct stream *s)
{
	tls_close(s, false);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->ended = true;
}

void stream_close(struct stream **sp)
{
	struct stream *s = *sp;

	*sp = NULL;
	if (!s)
		return;
	tls_close(s, !s->ended);
	stream_abort(s);
	deflate_free(&s->zip);
	if (s->wake >= 0)
		close(s->wake);
	free(s->host);
	free(s->in);
	free(s->out);
	free(s);
}

void stream_mark(struct stream *s)
{
	s->mark = 0;
	s->taken = 0;
}

void stream_set_deadline(struct stream *s, uint64_t ms)
{
	s->deadline_ms = ms;
}

struct stream_counts stream_counts(const struct stream *s)
{
	return s->counts;
}

struct stream_counts stream_counts_all(void)
{
	return (struct stream_counts){ atomic_load(&all_in),
		                       atomic_load(&all_out),
		                       atomic_load(&all_waits) };
}

/* --- The socket --------------------------------------------------------- */

static ssize_t failed(struct stream *s, int fault, short want, short *where)
{
	if (fault == EAGAIN || fault == EWOULDBLOCK || fault == EINTR) {
		*where = want;
		return IO_AGAIN;
	}
	s->fault = fault;
	return IO_FAIL;
}

ssize_t stream_raw_read(struct stream *s, void *p, size_t n)
{
	if (s->fd < 0)
		return 0;
	ssize_t got = recv(s->fd, p, n, 0);

	if (got < 0)
		return failed(s, errno, POLLIN, &s->want_in);
	s->counts.in += (uint64_t)got;
	atomic_fetch_add_explicit(&all_in, (uint64_t)got, memory_order_relaxed);
	return got;
}

ssize_t stream_raw_write(struct stream *s, const void *p, size_t n)
{
	if (s->memory)
		return (ssize_t)n;
	ssize_t put = send(s->fd, p, n, MSG_NOSIGNAL);

	if (put < 0)
		return failed(s, errno, POLLOUT, &s->want_out);
	s->counts.out += (uint64_t)put;
	atomic_fetch_add_explicit(&all_out, (uint64_t)put,
	                          memory_order_relaxed);
	return put;
}

ssize_t stream_io_read(struct stream *s, void *p, size_t n)
{
	return s->ssl ? tls_read(s, p, n) : stream_raw_read(s, p, n);
}

ssize_t stream_io_write(struct stream *s, const void *p, size_t n)
{
	return s->ssl ? tls_write(s, p, n) : stream_raw_write(s, p, n);
}

/* --- Sentences ---------------------------------------------------------- */

int stream_interrupted(struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_RETRY, EC_INTERRUPTED,
	               "Stopped as asked. Running the same command again goes "
	               "on from here.",
	               "%s", "");
}

int stream_timeout(struct stream *s, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, EC_TIMEOUT,
	         "The server %s stopped answering. Nothing is lost: mailhaul "
	         "connects again and goes on.",
	         s->host);
	err_detail(e, "no progress for %llu ms",
	           (unsigned long long)s->deadline_ms);
	return -1;
}

int stream_lost(struct stream *s, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, EC_CONN_LOST,
	         "The connection to %s was lost. Nothing is lost: mailhaul "
	         "connects again and goes on.",
	         s->host);
	if (s->fault)
		err_detail(e, "%s", strerror(s->fault));
	else
		err_detail(e, "%s",
		           s->why[0] ? s->why : "closed by the other side");
	return -1;
}

/* --- Waiting ------------------------------------------------------------ */

static bool woken(struct stream *s)
{
	uint64_t count;

	return read(s->wake, &count, sizeof count) == sizeof count;
}

void stream_wake(struct stream *s)
{
	uint64_t one = 1;
	ssize_t put = write(s->wake, &one, sizeof one);

	/* A full counter is a wake that was not seen yet. */
	(void)put;
}

static int slice(uint64_t now, uint64_t until)
{
	uint64_t left = until - now;

	return left < SLICE_MS ? (int)left : SLICE_MS;
}

int stream_wait(struct stream *s, short events, bool wake, uint64_t until,
                struct err *e)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = s->fd, .events = events },
			               { .fd = s->wake, .events = POLLIN } };
		uint64_t now = clock_ms();

		if (s->cancel && atomic_load(s->cancel))
			return stream_interrupted(e);
		if (now >= until)
			return stream_timeout(s, e);
		int n = poll(p, wake ? 2 : 1, slice(now, until));

		if (n < 0 && errno != EINTR) {
			s->fault = errno;
			return stream_lost(s, e);
		}
		if (n > 0 && p[0].revents)
			return 1;
		if (n > 0 && wake && woken(s))
			return 0;
	}
}

static uint64_t deadline(struct stream *s)
{
	if (!s->mark)
		s->mark = clock_ms();
	return s->mark + s->deadline_ms;
}

/* --- Input -------------------------------------------------------------- */

const char *stream_peek(struct stream *s, size_t *n)
{
	*n = s->in_end - s->in_at;
	return s->in + s->in_at;
}

void stream_take(struct stream *s, size_t n)
{
	s->in_at += n;
	s->taken += n;
	if (s->taken >= MARK_OCTETS)
		stream_mark(s);
}

/* What a long write made us take in is given back when it has been read. */
static void shrink(struct stream *s)
{
	s->in_at = s->in_end = 0;
	if (s->in_cap <= 16 * STREAM_READ || s->memory)
		return;
	char *small = realloc(s->in, STREAM_READ);

	if (!small)
		return;
	s->in = small;
	s->in_cap = STREAM_READ;
}

static int make_room(struct stream *s)
{
	size_t have = s->in_end - s->in_at;

	if (!have)
		shrink(s);
	if (s->in_cap - s->in_end >= STREAM_READ / 2)
		return 0;
	if (s->in_at >= have && s->in_at >= STREAM_READ / 2) {
		memmove(s->in, s->in + s->in_at, have);
		s->in_at = 0;
		s->in_end = have;
		return 0;
	}
	if (s->in_cap >= STREAM_ABSORB)
		return IO_FULL;
	char *more = realloc(s->in, s->in_cap * 2);

	if (!more)
		return IO_FULL;
	s->in = more;
	s->in_cap *= 2;
	return 0;
}

/* Takes in what is there: octets, 0 (end), IO_AGAIN, IO_FAIL, IO_FULL. */
static ssize_t pull(struct stream *s)
{
	if (s->ended || s->memory)
		return 0;
	if (make_room(s))
		return IO_FULL;
	char *p = s->in + s->in_end;
	size_t room = s->in_cap - s->in_end;
	ssize_t got =
	        s->zip ? deflate_read(s, p, room) : stream_io_read(s, p, room);

	if (got > 0)
		s->in_end += (size_t)got;
	else if (got != IO_AGAIN)
		s->ended = true;
	return got;
}

void stream_count_wait(struct stream *s)
{
	s->counts.waits++;
	atomic_fetch_add_explicit(&all_waits, 1, memory_order_relaxed);
}

int stream_fill(struct stream *s, struct err *e)
{
	ssize_t got;

	if (s->out_n && stream_flush(s, e))
		return -1;
	if (s->cancel && atomic_load(s->cancel))
		return stream_interrupted(e);
	got = pull(s);
	if (got == IO_AGAIN)
		stream_count_wait(s);
	while (got == IO_AGAIN) {
		if (stream_wait(s, s->want_in, false, deadline(s), e) < 0)
			return -1;
		got = pull(s);
	}
	return got > 0 ? 0 : stream_lost(s, e);
}

bool stream_pending(struct stream *s)
{
	return s->in_at < s->in_end || pull(s) != IO_AGAIN;
}

int stream_poll(struct stream *s, bool limited, struct err *e)
{
	if (stream_flush(s, e))
		return -1;
	while (!stream_pending(s)) {
		uint64_t until = limited ? deadline(s) : UINT64_MAX;
		int n = stream_wait(s, s->want_in, true, until, e);

		if (n <= 0)
			return n;
	}
	return 1;
}

/* --- Output ------------------------------------------------------------- */

/* Takes input in while output waits; a full buffer only stops that. */
static int absorb(struct stream *s, struct err *e)
{
	ssize_t got = pull(s);

	/* An end while writing: what came before it may tell why. */
	if (got == 0 || got == IO_FAIL)
		return stream_lost(s, e);
	if (got > 0)
		stream_mark(s);
	return 0;
}

static int write_wait(struct stream *s, struct err *e)
{
	short events = s->want_out;

	if (s->in_cap < STREAM_ABSORB)
		events |= s->want_in;
	if (stream_wait(s, events, false, deadline(s), e) < 0)
		return -1;
	return absorb(s, e);
}

/* What the server said before it closed may tell why. */
static int broken_pipe(struct stream *s, struct err *e)
{
	int fault = s->fault;

	while (pull(s) > 0)
		continue;
	s->fault = fault;
	return stream_lost(s, e);
}

int stream_push(struct stream *s, const void *p, size_t n, struct err *e)
{
	const char *at = p;

	while (n) {
		ssize_t put = stream_io_write(s, at, n);

		if (put == IO_AGAIN) {
			if (write_wait(s, e))
				return -1;
			continue;
		}
		if (put <= 0)
			return broken_pipe(s, e);
		at += put;
		n -= (size_t)put;
		stream_mark(s);
	}
	return 0;
}

static int drain(struct stream *s, bool flush, struct err *e)
{
	size_t n = s->out_n;

	s->out_n = 0;
	if (s->fd < 0 && !s->memory)
		return stream_lost(s, e);
	if (s->zip)
		return deflate_write(s, s->out, n, flush, e);
	return stream_push(s, s->out, n, e);
}

int stream_write(struct stream *s, const void *p, size_t n, struct err *e)
{
	const char *at = p;

	while (n) {
		size_t room = STREAM_OUT - s->out_n;
		size_t part = n < room ? n : room;

		memcpy(s->out + s->out_n, at, part);
		s->out_n += part;
		at += part;
		n -= part;
		if (s->out_n == STREAM_OUT && drain(s, false, e))
			return -1;
	}
	return 0;
}

int stream_flush(struct stream *s, struct err *e)
{
	return s->out_n || s->zip ? drain(s, true, e) : 0;
}

int stream_flush_within(struct stream *s, unsigned ms, struct err *e)
{
	s->deadline_ms = ms;
	stream_mark(s);
	return stream_flush(s, e);
}

bool stream_unsent(const struct stream *s)
{
	return s->out_n > 0;
}

void stream_wipe(struct stream *s)
{
	explicit_bzero(s->out, STREAM_OUT);
}

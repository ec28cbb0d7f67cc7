/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - octets to and from one server: TCP, TLS, DEFLATE, deadlines.
 *
 *   stream_connect(&s, account, &err);
 *   stream_tls(s, account, &err);           verified, or it fails
 *   stream_write(s, p, n, &err); stream_flush(s, &err);
 *   p = stream_peek(s, &n); ... stream_take(s, used);
 *   stream_fill(s, &err);                   waits for more input
 *   stream_close(&s);
 *
 * The socket never blocks: every wait is a poll in slices, so that a
 * cancelled account is noticed within a quarter of a second. While a write
 * has to wait, incoming octets are taken in (up to STREAM_ABSORB), so that
 * two sides that both write never wait for each other.
 *
 * A wait ends with EC_TIMEOUT when the mark (set by stream_mark(), and by
 * itself with every kB taken or written) is older than the deadline: a
 * server that drips one octet at a time does not hold us for ever.
 *
 * One thread, except stream_wake(). After -1 the stream is only fit for
 * stream_close().
 */
#ifndef MAILHAUL_NET_STREAM_H
#define MAILHAUL_NET_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mailhaul/account.h"
#include "mailhaul/err.h"

#define STREAM_READ ((size_t)64 << 10)
#define STREAM_OUT ((size_t)256 << 10)
#define STREAM_ABSORB ((size_t)64 << 20)

struct stream;

/* Every address of a->host in turn, within the connect deadline. Refuses a
 * cleartext account whose peer is not on this machine. */
int stream_connect(struct stream **out, const struct account *a, struct err *e);
/* How a is spoken to: KIND_IMAPS, KIND_IMAP_STARTTLS, KIND_IMAP_CLEARTEXT. */
static inline enum account_kind stream_kind(const struct account *a)
{
	return a->kind <= KIND_IMAP_CLEARTEXT ? a->kind : a->imap_kind;
}
/* Takes over a connected socket; for tests. */
int stream_from_fd(struct stream **out, int fd, struct err *e);
/* These octets and then the end; writes vanish. For tests and fuzzing. */
int stream_from_memory(struct stream **out, const void *p, size_t n,
                       struct err *e);
void stream_close(struct stream **s);
/* Closes the socket at once; the buffers stay until stream_close(). */
void stream_abort(struct stream *s);

/* tls.c: secures the connection in place. Input that came before the
 * handshake is refused: somebody on the way may have put it there. */
int stream_tls(struct stream *s, const struct account *a, struct err *e);
/* deflate.c: RFC 4978, from the next octet on in both directions. */
int stream_deflate(struct stream *s, struct err *e);

/* Octets that have arrived, valid until the next call but stream_take(). */
const char *stream_peek(struct stream *s, size_t *n);
void stream_take(struct stream *s, size_t n);
/* Flushes, then waits until there is more than before. */
int stream_fill(struct stream *s, struct err *e);
/* True if there is input, or an end of it, without waiting. */
bool stream_pending(struct stream *s);
/* Flushes, then waits for input (1) or stream_wake() (0). limited: the
 * deadline applies, because an answer is owed. */
int stream_poll(struct stream *s, bool limited, struct err *e);
void stream_wake(struct stream *s);

int stream_write(struct stream *s, const void *p, size_t n, struct err *e);
int stream_flush(struct stream *s, struct err *e);
/* Octets wait for a flush. */
bool stream_unsent(const struct stream *s);
/* After a flush: overwrites what the output buffer held. */
void stream_wipe(struct stream *s);
/* As stream_flush(), but gives up after ms. */
int stream_flush_within(struct stream *s, unsigned ms, struct err *e);

/* The other side did something useful: the deadline starts anew. */
void stream_mark(struct stream *s);
void stream_set_deadline(struct stream *s, uint64_t ms);

struct stream_counts {
	uint64_t in, out, waits;
};
struct stream_counts stream_counts(const struct stream *s);
struct stream_counts stream_counts_all(void);

#endif

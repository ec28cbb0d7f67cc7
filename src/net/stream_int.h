/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_int.h - the inside of a stream, for stream.c, connect.c, tls.c and
 * deflate.c only.
 *
 * Layers, from the socket up: raw_* counts octets; io_* adds TLS; the input
 * and output buffers sit on io_*, with DEFLATE between if it is on.
 */
#ifndef MAILHAUL_NET_STREAM_INT_H
#define MAILHAUL_NET_STREAM_INT_H

#include <poll.h>
#include <sys/types.h>

#include "net/stream.h"

/* Besides octet counts and 0 for the end. */
enum { IO_AGAIN = -1, IO_FAIL = -2, IO_FULL = -3 };

struct ssl_st;
struct deflate;

struct stream {
	int fd;
	int wake;
	bool memory;   /* no socket: all input is there already */
	bool ended;    /* the other side closed; read what is buffered */
	bool loopback; /* the peer is on this machine */
	char *host;
	const atomic_int *cancel;
	struct ssl_st *ssl;
	struct deflate *zip;
	short want_in, want_out; /* poll events after IO_AGAIN */
	int fault;     /* errno of the last IO_FAIL, 0: TLS or DEFLATE */
	char why[160]; /* its words */
	char *in;
	size_t in_at, in_end, in_cap;
	char *out;
	size_t out_n;
	uint64_t deadline_ms;
	uint64_t mark; /* clock_ms() of the first wait since, 0: none */
	size_t taken;  /* since the mark */
	struct stream_counts counts;
};

int stream_new(struct stream **out, int fd, const char *host, struct err *e);
/* Plain socket; errno in fault. */
ssize_t stream_raw_read(struct stream *s, void *p, size_t n);
ssize_t stream_raw_write(struct stream *s, const void *p, size_t n);
/* Socket or TLS. */
ssize_t stream_io_read(struct stream *s, void *p, size_t n);
ssize_t stream_io_write(struct stream *s, const void *p, size_t n);
/* Writes all, absorbing input meanwhile. */
int stream_push(struct stream *s, const void *p, size_t n, struct err *e);
/* Polls for events until the deadline: 1, 0 (woken), -1. */
int stream_wait(struct stream *s, short events, bool wake, uint64_t until,
                struct err *e);
/* A read had nothing to take: one more round trip. */
void stream_count_wait(struct stream *s);
/* The sentences. */
int stream_lost(struct stream *s, struct err *e);
int stream_timeout(struct stream *s, struct err *e);
int stream_interrupted(struct err *e);

/* tls.c */
ssize_t tls_read(struct stream *s, void *p, size_t n);
ssize_t tls_write(struct stream *s, const void *p, size_t n);
void tls_close(struct stream *s, bool politely);

/* deflate.c */
ssize_t deflate_read(struct stream *s, void *p, size_t n);
int deflate_write(struct stream *s, const void *p, size_t n, bool flush,
                  struct err *e);
void deflate_free(struct deflate **z);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * out.h - the sink that writes records to the parent (reader/wire.h), in
 * large pieces: what stands in the buffer is lost if the parser dies. With
 * W_CAREFUL each record leaves at once, and the parent knows where it was.
 *
 * Messages leave in wire form: each bare LF becomes CRLF on the way, and
 * nothing else changes.
 */
#ifndef MAILHAUL_ARCHIVE_OUT_H
#define MAILHAUL_ARCHIVE_OUT_H

#include "archive/request.h"
#include "util/buf.h"

struct out {
	struct sink s; /* first: what parsers are given is this */
	const struct request *q;
	int fd;
	struct buf b;
	size_t data;      /* where b's last record, of W_DATA, begins + 1 */
	uint64_t left_ms; /* when octets left last */
	char *raw;        /* of the folder told last */
	const struct wanted *folder;
	struct wanted file; /* what wanted_file() gave last */
	uint64_t *file_want;
	bool wanted;        /* the item that was begun last */
	bool told;          /* the parent hears of the item that is begun, */
	bool wire;          /* and its lines end in CRLF already; */
	bool cr;            /* its last octet was a CR */
	bool over;          /* the parent wants no more */
	const char *needle; /* MAILHAUL_TEST_ARCHIVE_CRASH, or NULL */
	struct buf tail;    /* octets before, to find it across pieces */
};

/* q is borrowed. fd: where to write. */
void out_begin(struct out *o, const struct request *q, int fd);
/* W_DONE, and everything leaves. -1: the parent is gone. */
int out_done(struct out *o);
void out_release(struct out *o);

#endif

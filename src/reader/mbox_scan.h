/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox_scan.h - one message of an mbox file at a time, in bounded memory.
 *
 *   mbox_open(&mb, fd, path, &err);
 *   at = mb.first;
 *   while ((r = mbox_message(&mb, at, &item, sink, arg, &err)) > 0)
 *           at = item.next;
 *   mbox_release(&mb);
 *
 * A From_ line is one only at the start of the file or after an empty line,
 * and with a date. Its message ends before the empty line in front of the
 * next one. In bodies one '>' is taken from lines that are ">From " or
 * ">>From " (mboxrd; mboxo's are the same but for what it can't tell).
 * Where the first message's Content-Length leads exactly to the second,
 * the file is taken for mboxcl2: lengths count, nothing is unquoted.
 */
#ifndef MAILHAUL_READER_MBOX_SCAN_H
#define MAILHAUL_READER_MBOX_SCAN_H

#include <sys/types.h>

#include "mailhaul/mail.h"

struct mbox {
	int fd;           /* borrowed */
	const char *path; /* borrowed, for sentences */
	uint64_t first;   /* offset of the first From_ line */
	bool lengths;     /* Content-Length is to be believed */
	bool empty;       /* nothing but empty lines */
	char *buf;        /* octets base ... base + n of the file */
	uint64_t base;
	size_t n;
};

struct mbox_item {
	uint64_t offset, next; /* From_ line, and the one after it */
	uint64_t wire;         /* octets with CRLF line ends */
	uint64_t tag;          /* hash of the header, never 0 */
	unsigned flags;
	char *keywords; /* sorted, or NULL; the caller's */
	struct mail_date date;
	/* While it is read. */
	struct mail_date header_date;
	int64_t length; /* Content-Length, -1: none */
	bool by_length; /* and it told where the message ends */
};

/* Octets of the message as they stand in the file, unquoted. */
typedef int mbox_sink_fn(const char *p, size_t n, void *arg, struct err *e);

/* EC_ARCHIVE if it does not begin with a From_ line. */
int mbox_open(struct mbox *mb, int fd, const char *path, struct err *e);
/* 1, 0 (no From_ line at offset), -1. sink may be NULL. */
int mbox_message(struct mbox *mb, uint64_t offset, struct mbox_item *item,
                 mbox_sink_fn *sink, void *arg, struct err *e);
void mbox_release(struct mbox *mb);

/* True if the line is a From_ line; date (UTC if it names no zone). */
bool mbox_from_line(const char *p, size_t n, struct mail_date *date);

/* Flags and keywords of Status, X-Status, X-Mozilla-Status and their kin,
 * Date, Content-Length, and the tag, from one header field. */
int mbox_field(struct mbox_item *item, const char *field, size_t n);

#endif

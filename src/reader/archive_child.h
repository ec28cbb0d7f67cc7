/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_child.h - the child that parses an archive, seen from outside: it
 * is started, asked, watched and killed here. It gets a pipe (asked), a
 * socket (answers) and the archive, and nothing else of ours: no other
 * descriptor, and of the environment only locale, time zone and test
 * switches.
 *
 * A child that is silent for 30 s of its own processor time has lost its
 * way, and is killed; one that waits for a slow disk is not.
 */
#ifndef MAILHAUL_READER_ARCHIVE_CHILD_H
#define MAILHAUL_READER_ARCHIVE_CHILD_H

#include "mailhaul/account.h"
#include "reader/archive_feed.h"

struct child {
	pid_t pid;        /* 0: there is none */
	int ask, answers; /* our ends */
	struct feed *feed;
	const unsigned char *sha256; /* of feed_record() */
	uint64_t cpu_ms; /* its processor time when it told something */
	uint64_t cpu_most;
	struct wire_hello hello;
	char why[96]; /* how it ended, for the log */
};
#define CHILD_NONE                       \
	{                                \
		.ask = -1, .answers = -1 \
	}

/* Starts it and waits for its first record. root is borrowed. */
int child_start(struct child *c, int root, const struct account *a,
                struct err *e);
/* 1: asked, 0: it has died (why), -1: e. */
int child_ask(struct child *c, const struct buf *b, const struct account *a,
              struct err *e);
/* 1 with the next record, good until the next call; 0: it has died; -1: e
 * (the account's run is to end). */
int child_record(struct child *c, struct wire *rec, const struct account *a,
                 struct err *e);
/* Stops it and says that it can't be had: EC_INTERNAL. */
int child_fault(struct child *c, const char *detail, struct err *e);
/* Kills it, if there is one. */
void child_stop(struct child *c);

#endif

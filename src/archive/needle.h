/* SPDX-License-Identifier: Apache-2.0 */
/*
 * needle.h - the hidden test switch that makes the parser of archives fail
 * at a place of the test's choice: MAILHAUL_TEST_ARCHIVE_CRASH=NEEDLE ends
 * it by abort() as soon as octets of a message hold NEEDLE, "hang:NEEDLE"
 * makes it turn without end, "memory:NEEDLE" take memory without end.
 */
#ifndef MAILHAUL_ARCHIVE_NEEDLE_H
#define MAILHAUL_ARCHIVE_NEEDLE_H

#include "util/buf.h"

/* NULL: not set. */
const char *needle_of_environment(void);
/* tail: the caller's, cleared with each message. */
void needle_look(const char *needle, struct buf *tail, const void *p, size_t n);

#endif

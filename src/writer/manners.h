/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manners.h - what a destination server has shown it accepts in an APPEND,
 * shared by all connections of the process.
 *
 * A server that answers BAD to APPEND's arguments may take the octets of a
 * non-synchronising literal for commands. So each flag and keyword goes out
 * the first time with a synchronising literal, and after a BAD everything
 * does.
 */
#ifndef MAILHAUL_WRITER_MANNERS_H
#define MAILHAUL_WRITER_MANNERS_H

#include <stdbool.h>

/* True if an APPEND with these may use a non-synchronising literal. */
bool manners_trusts(const char *host, unsigned flags, const char *keywords);
/* The server asked for the literal: it has accepted these arguments. */
void manners_accepted(const char *host, unsigned flags, const char *keywords);
/* The server answered BAD to an APPEND. */
void manners_refused(const char *host);

#endif

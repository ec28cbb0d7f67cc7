/* SPDX-License-Identifier: Apache-2.0 */
/*
 * match.h - which copy is which message: a multiset matched, pure.
 *
 * want[] are our messages (sha256, fp), in order of preference; have[] the
 * copies (sha256, fp as read back). Each copy serves one message at most,
 * identical octets first, then equal fingerprints. of[i] becomes the index
 * of want[i]'s copy, or MATCH_NONE.
 */
#ifndef MAILHAUL_TRANSFER_MATCH_H
#define MAILHAUL_TRANSFER_MATCH_H

#include "mailhaul/mail.h"

#define MATCH_NONE ((size_t)-1)

/* -1: memory. */
int match_copies(const struct message *want, size_t want_n,
                 const struct message *have, size_t have_n, size_t *of);
/* True if have, of which only the header is known, may be want. */
bool match_header(const struct fingerprint *want,
                  const struct fingerprint *have);

#endif

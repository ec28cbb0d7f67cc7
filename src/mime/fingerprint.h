/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.h - recognises a message again after other hands had it.
 *
 * The components are taken from the octets alone: Message-ID, Date, From,
 * Subject (unfolded, white space folded, case of addresses ignored; a field
 * with 8-bit octets or NUL counts as absent, because servers rewrite those)
 * and the body without white space (NUL counted as 0x80, as Dovecot stores
 * it). Streaming: scan_new, scan_data, scan_end.
 */
#ifndef MAILHAUL_MIME_FINGERPRINT_H
#define MAILHAUL_MIME_FINGERPRINT_H

#include "mailhaul/mail.h"

#define FINGERPRINT_VERSION 1

struct fp_scan;
struct fp_scan *fp_scan_new(void);
int fp_scan_data(struct fp_scan *s, const char *p, size_t n);
/* True once the header has ended: its components will not change. */
bool fp_scan_in_text(const struct fp_scan *s);
void fp_scan_end(struct fp_scan *s, struct fingerprint *out);
void fp_scan_free(struct fp_scan **s);

/* Same Message-ID and text: same. Without a Message-ID on both sides date,
 * from, subject and text must be equal. Same Message-ID, other text:
 * unsure. Versions differ: unsure. text 0 on a side (headers only): at most
 * unsure. */
enum fp_match fp_compare(const struct fingerprint *a,
                         const struct fingerprint *b);

#endif

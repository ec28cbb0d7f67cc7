/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64.h - what a hash wants of base64 (RFC 2045 6.8): all that was
 * meant, piece by piece, and never a refusal. What is not of the alphabet
 * is skipped; padding ends a group wherever it stands.
 *
 *   struct base64 b = { 0 };
 *   n = base64_data(&b, p, n, out);   any number
 *   n = base64_end(&b, out);          a group that was cut: 0 to 2 octets
 */
#ifndef MAILHAUL_MIME_BASE64_H
#define MAILHAUL_MIME_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Octets that out must have room for, n being read. */
#define BASE64_ROOM(n) ((n) / 4 * 3 + 16)

struct base64 {
	uint32_t bits;
	unsigned n; /* characters of the group so far, 0 to 3 */
};

size_t base64_data(struct base64 *b, const char *p, size_t n,
                   unsigned char *out);
size_t base64_end(struct base64 *b, unsigned char *out);

#endif

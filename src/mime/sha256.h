/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sha256.h - the hash that messages are proven by.
 *
 *   sha256_begin(&h);
 *   sha256_data(&h, p, n);   any number
 *   sha256_end(&h, digest);
 *   sha256_release(&h);      in any case; also of a struct that is all zero
 *
 * Functions return 0, or -1: memory.
 */
#ifndef MAILHAUL_MIME_SHA256_H
#define MAILHAUL_MIME_SHA256_H

#include <stddef.h>

#define SHA256_OCTETS 32

struct sha256 {
	void *ctx; /* EVP_MD_CTX */
};
int sha256_begin(struct sha256 *h);
int sha256_data(struct sha256 *h, const void *p, size_t n);
int sha256_end(struct sha256 *h, unsigned char digest[SHA256_OCTETS]);
void sha256_release(struct sha256 *h);

/* Of what is all in memory. */
void sha256_of(const void *p, size_t n, unsigned char digest[SHA256_OCTETS]);

#endif

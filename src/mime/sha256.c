/* SPDX-License-Identifier: Apache-2.0 */
/* sha256.c - see sha256.h. */
#include "mime/sha256.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <pthread.h>

_Static_assert(SHA256_OCTETS == SHA256_DIGEST_LENGTH, "octets of SHA-256");

static EVP_MD *md;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Fetched once: EVP_sha256() would be looked up anew for each message. */
static void fetch(void)
{
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
}

int sha256_begin(struct sha256 *h)
{
	pthread_once(&once, fetch);
	h->ctx = EVP_MD_CTX_new();
	if (h->ctx && md && EVP_DigestInit_ex2(h->ctx, md, NULL) == 1)
		return 0;
	sha256_release(h);
	return -1;
}

int sha256_data(struct sha256 *h, const void *p, size_t n)
{
	return EVP_DigestUpdate(h->ctx, p, n) == 1 ? 0 : -1;
}

int sha256_end(struct sha256 *h, unsigned char digest[SHA256_OCTETS])
{
	return EVP_DigestFinal_ex(h->ctx, digest, NULL) == 1 ? 0 : -1;
}

void sha256_release(struct sha256 *h)
{
	EVP_MD_CTX_free(h->ctx);
	h->ctx = NULL;
}

void sha256_of(const void *p, size_t n, unsigned char digest[SHA256_OCTETS])
{
	SHA256(p, n, digest);
}

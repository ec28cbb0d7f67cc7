/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_fingerprint.c - the fingerprint does not depend on how the octets
 * came, and the fast hash of the text is the plain one.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "mime/mix.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct fingerprint scan(const char *p, size_t n, size_t step)
{
	struct fp_scan *s = fp_scan_new();
	struct fingerprint fp;

	if (!s)
		abort();
	for (size_t at = 0; at < n; at += step)
		if (fp_scan_data(s, p + at, n - at < step ? n - at : step))
			abort();
	if (fp_scan_end(s, &fp))
		abort();
	fp_scan_free(&s);
	return fp;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct fingerprint a = scan(p, n, n + 1), b = scan(p, n, 1),
	                   c = scan(p, n, 13);
	struct mix fast, plain;

	if (memcmp(&a, &b, sizeof(a)) != 0 || memcmp(&a, &c, sizeof(a)) != 0)
		abort();
	if (fp_compare(&a, &b) == FP_DIFFERENT)
		abort();
	mix_init(&fast);
	mix_init(&plain);
	mix_text(&fast, p, n);
	mix_text_plain(&plain, p, n);
	if (mix_end(&fast) != mix_end(&plain))
		abort();
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fp_field.h - what a header says of a message, for its fingerprint.
 *
 *   struct fp_heads h = { 0 };
 *   fp_heads_take(&h, field, n);   each field, as header.h splits them
 *   fp_heads_end(&h);              h.hash[] is whole; once
 *
 * Each is mix.h's hash of a value in the one form that all ways of writing
 * it have; 0: the header has none (but no From is one of its own). Of
 * fields of one name the first counts.
 */
#ifndef MAILHAUL_MIME_FP_FIELD_H
#define MAILHAUL_MIME_FP_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Set in a value that had octets which other hands replace, each its own
 * way (8-bit, NUL), or that could not be understood: that another has not
 * the same number says nothing. */
#define FP_DOUBT UINT64_C(1)

enum fp_head { FP_ID, FP_DATE, FP_FROM, FP_SUBJECT, FP_LIST, FP_HEADS };

struct fp_heads {
	bool seen[FP_HEADS];
	uint64_t hash[FP_HEADS];
};

int fp_heads_take(struct fp_heads *h, const char *field, size_t n);
void fp_heads_end(struct fp_heads *h);

#endif

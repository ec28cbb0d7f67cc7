/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mix.h - the 64-bit hash of fingerprints: XXH64 with seed 0, the same on
 * every machine. Not a secret and not against forgers: SHA-256 is the proof,
 * this only finds what looks alike.
 *
 *   struct mix m;
 *   mix_init(&m);
 *   mix_data(&m, p, n);     as they are
 *   mix_text(&m, p, n);     without SP TAB CR LF and '>', NUL as 0x80
 *   mix_keep(&m, &then);    as far as it is now ...
 *   mix_back(&m, &then);    ... and what came since is forgotten
 *   h = mix_end(&m);        never 0
 */
#ifndef MAILHAUL_MIME_MIX_H
#define MAILHAUL_MIME_MIX_H

#include <stddef.h>
#include <stdint.h>

#define MIX_BLOCK 32
#define MIX_ROOM 4096

struct mix {
	uint64_t lane[4];
	uint64_t total;
	size_t n; /* octets in buf, not yet mixed */
	unsigned char buf[MIX_ROOM + 2 * MIX_BLOCK];
};

struct mix_then {
	uint64_t lane[4];
	uint64_t total;
	size_t n;
	unsigned char buf[MIX_BLOCK];
};

void mix_init(struct mix *m);
void mix_data(struct mix *m, const void *p, size_t n);
void mix_text(struct mix *m, const char *p, size_t n);
/* mix_text as every machine can do it; for the test of the fast one. */
void mix_text_plain(struct mix *m, const char *p, size_t n);
void mix_keep(struct mix *m, struct mix_then *then);
void mix_back(struct mix *m, const struct mix_then *then);
uint64_t mix_end(struct mix *m);
uint64_t mix_of(const void *p, size_t n);

#endif

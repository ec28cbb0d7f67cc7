/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_repair.c - a repaired copy has nothing left to repair, by a check of
 * its own, and mending it again changes nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Lines of at most 998 octets that end with CRLF, no NUL, and no 8-bit
 * octet before the first empty line. */
static void check(const char *p, size_t n)
{
	bool header = true;
	size_t line = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\0' || p[i] == '\n')
			abort();
		if (p[i] != '\r') {
			if (header && (unsigned char)p[i] >= 0x80)
				abort();
			if (++line > 998)
				abort();
			continue;
		}
		if (i + 1 == n || p[i + 1] != '\n')
			abort();
		i++;
		header &= line > 0;
		line = 0;
	}
	if (line)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct message m = { 0 };
	bool changed;
	struct err e;

	body_init(&m.body, 1u << 26, NULL);
	if (body_append(&m.body, data, n, &e) ||
	    repair_message(&m, &changed, &e))
		abort();
	if (!changed &&
	    (m.body.size != n || (n && memcmp(m.body.mem, data, n) != 0)))
		abort();
	if (changed && !m.repair_note)
		abort();
	check(m.body.mem ? m.body.mem : "", (size_t)m.body.size);
	if (repair_message(&m, &changed, &e) || changed)
		abort();
	message_release(&m);
	return 0;
}

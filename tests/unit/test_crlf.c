/* SPDX-License-Identifier: Apache-2.0 */
/* test_crlf.c - blocks at a time give what an octet at a time gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mime/crlf.h"

#define MOST 700

static uint32_t seed = 1;

static unsigned any(unsigned below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

/* Lines of all lengths, with each kind of end, and with lone CRs. */
static size_t text(char *p)
{
	static const char letters[] = "abF> .\r\n\n\r";
	unsigned rare = 1 + any(60);
	size_t n = any(MOST);

	for (size_t i = 0; i < n; i++)
		p[i] = any(rare) ? 'x' : letters[any(sizeof(letters) - 1)];
	return n;
}

static size_t slow_copy(const char *p, size_t n, char *out)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			out[to++] = '\r';
		out[to++] = p[i];
	}
	return to;
}

/* In pieces, into little room: exact allocations, so that a step beyond is
 * seen under a sanitizer. */
static size_t copy(const char *p, size_t n, char *out)
{
	size_t to = 0, at = 0;
	bool cr = false;

	while (at < n) {
		size_t part = 1 + any((unsigned)(n - at)), room = 2 + any(500);
		char *in = malloc(part), *made = malloc(room);
		const char *from = in;

		memcpy(in, p + at, part);
		while (from < in + part) {
			size_t got =
			        crlf_copy(&from, in + part, &cr, made, room);

			assert_true(got > 0 && got <= room);
			memcpy(out + to, made, got);
			to += got;
		}
		free(in);
		free(made);
		at += part;
	}
	return to;
}

static void each_bare_lf_becomes_crlf(void **state)
{
	char p[MOST], want[2 * MOST], got[2 * MOST];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t n = text(p), to = slow_copy(p, n, want);

		assert_int_equal(copy(p, n, got), to);
		assert_memory_equal(got, want, to);
	}
}

static size_t slow_lines(const char *p, size_t n, uint64_t *bare)
{
	size_t at = 1;

	for (size_t i = 1; i < n && (at != i || (p[i] != 'F' && p[i] != '>'));
	     i++) {
		if (p[i] != '\n')
			continue;
		at = i + 1;
	}
	for (size_t i = 1; i < at; i++)
		*bare += p[i] == '\n' && p[i - 1] != '\r';
	return at;
}

static void lines_are_passed_up_to_the_first_to_stop_at(void **state)
{
	char p[MOST];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t n = text(p), at;
		uint64_t want = 0, got = 0;
		char *own;

		if (n < 2)
			continue;
		own = malloc(n);
		memcpy(own, p, n);
		at = slow_lines(p, n, &want);
		assert_ptr_equal(crlf_lines(own + 1, own + n, 'F', '>', &got),
		                 own + at);
		assert_int_equal(got, want);
		free(own);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bare_lf_becomes_crlf),
		cmocka_unit_test(lines_are_passed_up_to_the_first_to_stop_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

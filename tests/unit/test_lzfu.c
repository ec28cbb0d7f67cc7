/* SPDX-License-Identifier: Apache-2.0 */
/* LZFu: the examples of [MS-OXRTFCP] 3.1, and what is wrong in files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "archive/input.h"
#include "archive/mapi/rtf.h"
#include "util/buf.h"

static const unsigned char hello[] = {
	0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a,
	0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00,
	0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a,
	0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77,
	0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0
};
#define HELLO "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
/* References into what they write. */
static const unsigned char wxyz[] = { 0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00,
	                              0x00, 0x00, 0x4c, 0x5a, 0x46, 0x75,
	                              0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00,
	                              0x04, 0x20, 0x57, 0x58, 0x59, 0x5a,
	                              0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0 };
#define WXYZ "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"

/* Read in pieces of so many octets. */
static void check_by(const unsigned char *p, size_t n, size_t piece,
                     const char *want, bool doubt)
{
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	struct in_memory m;
	struct lzfu l;
	char got[64];
	ssize_t r;

	input_memory(&m, p, n);
	assert_int_equal(lzfu_begin(&l, &m.in), 0);
	while ((r = l.in.read(&l.in, got, piece)) > 0)
		buf_add(&out, got, (size_t)r);
	assert_int_equal(r, 0);
	assert_string_equal(out.p ? out.p : "", want);
	assert_int_equal(l.doubt, doubt);
	lzfu_end(&l);
}

static void check(const unsigned char *p, size_t n, const char *want,
                  bool doubt)
{
	check_by(p, n, 1, want, doubt);
	check_by(p, n, 64, want, doubt);
}

static void examples(void **state)
{
	(void)state;
	check(hello, sizeof(hello), HELLO, false);
	check(wxyz, sizeof(wxyz), WXYZ, false);
}

/* A checksum of 0 is none; a wrong one, or a length that lies, changes
 * nothing of what is read. */
static void checksums(void **state)
{
	unsigned char p[sizeof(hello)];

	(void)state;
	memcpy(p, hello, sizeof(p));
	memset(p + 12, 0, 4);
	check(p, sizeof(p), HELLO, false);
	p[12] = 1;
	check(p, sizeof(p), HELLO, true);
	memcpy(p, hello, sizeof(p));
	p[4] = 3;
	check(p, sizeof(p), HELLO, false);
	p[7] = 0x7f;
	check(p, sizeof(p), HELLO, false);
	/* Octets behind the end count, those behind the length don't. */
	p[0]--;
	check(p, sizeof(p), HELLO, true);
}

static void cut(void **state)
{
	struct in_memory m;
	struct lzfu l;

	(void)state;
	check(wxyz, sizeof(wxyz) - 2, WXYZ, true);
	check(wxyz, 24, "{\\rtf1 WXYZ", true);
	check(wxyz, 16, "", true);
	for (size_t n = 0; n < 16; n++) {
		input_memory(&m, wxyz, n);
		assert_int_equal(lzfu_begin(&l, &m.in), -1);
	}
	input_memory(&m, "{\\rtf1 this is not packed}", 26);
	assert_int_equal(lzfu_begin(&l, &m.in), -1);
}

static void unpacked(void **state)
{
	unsigned char p[] = "\x1a\0\0\0\x0e\0\0\0MELA\0\0\0\0{\\rtf1 plain}xx";

	(void)state;
	check(p, sizeof(p) - 2, "{\\rtf1 plain}x", false);
	check(p, sizeof(p) - 1, "{\\rtf1 plain}x", false);
	check(p, 24, "{\\rtf1 p", true);
	/* The length that is packed, written twice. */
	p[4] = 0x1a;
	check(p, sizeof(p) - 2, "{\\rtf1 plain}x", false);
}

static ssize_t broken(struct input *in, void *p, size_t n)
{
	struct in_memory *m = in->arg;
	ssize_t r = m->in.read(&m->in, p, n);

	if (r == 0) {
		in->why = "it broke";
		return -1;
	}
	return r;
}

static void damaged(void **state)
{
	struct input in = { .read = broken };
	struct in_memory m;
	struct lzfu l;
	char got[64];

	(void)state;
	input_memory(&m, wxyz, 24);
	in.arg = &m;
	assert_int_equal(lzfu_begin(&l, &in), 0);
	assert_int_equal(l.in.read(&l.in, got, sizeof(got)), 11);
	assert_memory_equal(got, "{\\rtf1 WXYZ", 11);
	assert_int_equal(l.in.read(&l.in, got, sizeof(got)), -1);
	assert_string_equal(l.in.why, "it broke");
	assert_true(l.doubt);
	lzfu_end(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples), cmocka_unit_test(checksums),
		cmocka_unit_test(cut),      cmocka_unit_test(unpacked),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

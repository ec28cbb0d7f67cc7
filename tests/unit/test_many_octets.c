/* SPDX-License-Identifier: Apache-2.0 */
/* What is done with many octets at a time is what one by one gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "archive/mapi/mime_out.h"
#include "archive/mapi/text.h"
#include "archive/pst/ndb_int.h"
#include "mime/base64.h"
#include "util/buf.h"

#define MOST 400

static unsigned next(void)
{
	static uint32_t seed = 5;

	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

static void checksums(void **state)
{
	unsigned char p[MOST + 8];

	for (size_t i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)next();
	for (size_t n = 0; n < MOST; n++) {
		const unsigned char *at = p + n % 8;

		assert_int_equal(ndb_crc(at, n),
		                 ~(uint32_t)crc32(0xffffffff, at, (uInt)n));
	}
	/* That of [MS-PST] is zlib's without its inversions. */
	assert_int_equal(ndb_crc((const unsigned char *)"\x80", 1), 0xedb88320);
}

static int keep(struct mapi_out *out, const void *p, size_t n)
{
	return buf_add(out->arg, p, n);
}

static void encode(struct buf *to, enum mime_coding coding, const char *p,
                   size_t n, size_t piece)
{
	struct mapi_out out = { .data = keep, .arg = to };
	struct mime_out *o = malloc(sizeof(*o));
	struct mime_code c;

	assert_non_null(o);
	buf_clear(to);
	mime_out_begin(o, &out);
	mime_code_begin(&c, o, coding, coding == MIME_QP);
	for (size_t i = 0; i < n; i += piece)
		c.in.data(&c.in, p + i, n - i < piece ? n - i : piece);
	mime_code_end(&c);
	assert_int_equal(mime_out_end(o), 0);
	free(o);
}

static void quoted_printable(void **state)
{
	static const char few[] = "\xe9=\t\r\n\x7f  ", many[] = "abcdefgh";
	struct buf all CLEANUP(buf_release_p) = BUF_INIT(0);
	struct buf ones CLEANUP(buf_release_p) = BUF_INIT(0);
	char text[MOST];

	for (unsigned round = 0; round < 2000; round++) {
		size_t n = next() % MOST;

		for (size_t i = 0; i < n; i++)
			text[i] = next() % (2 + round % 30) ? many[next() % 8]
			                                    : few[next() % 8];
		encode(&all, MIME_QP, text, n, MOST);
		encode(&ones, MIME_QP, text, n, 1);
		assert_int_equal(all.n, ones.n);
		assert_memory_equal(all.n ? all.p : "", ones.n ? ones.p : "",
		                    all.n);
	}
}

/* In lines of each length, and without lines. */
static void base64(void **state)
{
	struct buf text CLEANUP(buf_release_p) = BUF_INIT(0);
	unsigned char raw[MOST], out[BASE64_ROOM(3 * MOST)];

	for (size_t n = 0; n < sizeof(raw); n++) {
		struct buf lines CLEANUP(buf_release_p) = BUF_INIT(0);
		size_t made, width = 1 + n % 90;
		struct base64 b = { 0 };

		raw[n] = (unsigned char)next();
		encode(&text, MIME_BASE64, (char *)raw, n + 1, MOST);
		assert_true(text.n <= 76 || text.p[76] == '\r');
		made = base64_data(&b, text.p, text.n, out);
		made += base64_end(&b, out + made);
		assert_int_equal(made, n + 1);
		assert_memory_equal(out, raw, made);
		for (size_t i = 0, col = 0; i < text.n; i++) {
			if (strchr("\r\n", text.p[i]))
				continue;
			assert_int_equal(buf_chr(&lines, text.p[i]), 0);
			if (++col % width == 0)
				assert_int_equal(buf_str(&lines, "\r\n"), 0);
		}
		made = base64_data(&b, lines.p, lines.n, out);
		made += base64_end(&b, out + made);
		assert_int_equal(made, n + 1);
		assert_memory_equal(out, raw, made);
	}
}

static void check_strangers(const char *p, size_t n)
{
	unsigned char *all = malloc(BASE64_ROOM(n)), ones[BASE64_ROOM(MOST)];
	struct base64 a = { 0 }, b = { 0 };
	size_t made, by_one = 0;

	assert_non_null(all);
	made = base64_data(&a, p, n, all);
	made += base64_end(&a, all + made);
	for (size_t i = 0; i < n; i++)
		by_one += base64_data(&b, p + i, 1, ones + by_one);
	by_one += base64_end(&b, ones + by_one);
	assert_int_equal(made, by_one);
	assert_memory_equal(all, ones, made);
	free(all);
}

/* What is no base64, wherever it stands: as if it came one by one. Nothing
 * is read behind the end, or written. */
static void base64_with_strangers(void **state)
{
	static const char set[] = "AZaz09+/MNmn+/58";
	char *text = malloc(MOST);

	assert_non_null(text);
	for (unsigned round = 0; round < 20000; round++) {
		unsigned width = 40 + next() % 40, rare = 1 + next() % MOST;
		size_t n = next() % MOST;
		char *p = text + MOST - n;

		for (size_t i = 0; i < n; i++) {
			size_t col = i % (width + 2);

			p[i] = set[next() % 16];
			if (col >= width)
				p[i] = col == width ? '\r' : '\n';
			if (next() % rare == 0)
				p[i] = (char)next();
		}
		check_strangers(p, n);
	}
	free(text);
}

static void utf16(void **state)
{
	static const uint16_t rare[] = { 0x80, 0xff,   0x100,  0x141, 0x7fff,
		                         0xff, 0x8041, 0xff41, 0x20ac };
	unsigned char p[2 * MOST];

	for (unsigned round = 0; round < 500; round++) {
		struct buf all CLEANUP(buf_release_p) = BUF_INIT(0);
		struct buf ones CLEANUP(buf_release_p) = BUF_INIT(0);

		for (size_t i = 0; i < MOST; i++) {
			unsigned u = next() % (2 + round % 30)
			                     ? 1 + next() % 0x7f
			                     : rare[next() % 9];

			p[2 * i] = u & 0xff;
			p[2 * i + 1] = (unsigned char)(u >> 8);
			assert_int_equal(
			        text_add(&ones, CODEPAGE_UTF16, p + 2 * i, 2),
			        0);
		}
		assert_int_equal(text_add(&all, CODEPAGE_UTF16, p, sizeof(p)),
		                 0);
		assert_string_equal(all.p, ones.p);
	}
}

static void kinds_of_octets(void **state)
{
	char p[40];

	memset(p, 'x', sizeof(p));
	for (size_t i = 0; i < sizeof(p); i++) {
		for (int c = 0; c < 256; c++) {
			p[i] = (char)c;
			assert_int_equal(mime_ascii(p, sizeof(p)), c < 0x80);
			assert_int_equal(mime_printable(p, sizeof(p)),
			                 c == '\t' || (c >= ' ' && c < 0x7f));
		}
		p[i] = 'x';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(checksums),
		cmocka_unit_test(quoted_printable),
		cmocka_unit_test(base64),
		cmocka_unit_test(base64_with_strangers),
		cmocka_unit_test(utf16),
		cmocka_unit_test(kinds_of_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* packed_kind.c - see packed_kind.h. */
#include "archive/packed_kind.h"

#include <string.h>

#include "archive/packed.h"

/* Where the sum stands in a tar header, and what it is counted with. */
#define TAR_SUM 148
#define TAR_SUM_END 156

static bool begins(const unsigned char *head, size_t n, const char *with,
                   size_t len)
{
	return n >= len && memcmp(head, with, len) == 0;
}

/* An octal number with spaces in front; -1: none. */
static long octal(const unsigned char *p, size_t n)
{
	size_t i = 0;
	long v = 0;

	while (i < n && p[i] == ' ')
		i++;
	if (i == n || p[i] < '0' || p[i] > '7')
		return -1;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (p[i] - '0');
	return i == n || p[i] == ' ' || !p[i] ? v : -1;
}

bool tar_header(const unsigned char *p)
{
	long told = octal(p + TAR_SUM, TAR_SUM_END - TAR_SUM);
	long sum = 0, as_signed = 0;

	/* V7 had signed characters on some machines. */
	for (int i = 0; i < TAR_BLOCK; i++) {
		unsigned char c = i < TAR_SUM || i >= TAR_SUM_END ? p[i] : ' ';

		sum += c;
		as_signed += (signed char)c;
	}
	return told > 0 && (told == sum || told == as_signed);
}

/* LZMA alone has no magic: properties 5d, a dictionary of at least 4 KB that
 * is a power of two or the sum of two, and a size below 2^40 or unknown. */
static bool lzma_alone(const unsigned char *p, size_t n)
{
	static const unsigned char unknown[8] = { 255, 255, 255, 255,
		                                  255, 255, 255, 255 };
	unsigned long dict;

	if (n < 14 || p[0] != 0x5d || p[13] != 0)
		return false;
	dict = p[1] | p[2] << 8 | p[3] << 16 | (unsigned long)p[4] << 24;
	if (dict < 4096 || __builtin_popcountl(dict) > 2)
		return false;
	return memcmp(p + 5, unknown, 8) == 0 ||
	       (p[10] == 0 && p[11] == 0 && p[12] == 0);
}

static bool filtered(const unsigned char *head, size_t n)
{
	return (begins(head, n, "BZh", 3) && n > 9 && head[3] >= '1' &&
	        head[3] <= '9' &&
	        (memcmp(head + 4, "\x31\x41\x59\x26\x53\x59", 6) == 0 ||
	         memcmp(head + 4, "\x17\x72\x45\x38\x50\x90", 6) == 0)) ||
	       begins(head, n, "\xfd\x37zXZ\0", 6) ||
	       begins(head, n, "\x28\xb5\x2f\xfd", 4) || lzma_alone(head, n);
}

enum pack pack_of(const unsigned char *head, size_t n)
{
	if (begins(head, n, "PK\3\4", 4) || begins(head, n, "PK\5\6", 4) ||
	    begins(head, n, "PK\7\bPK", 6) || begins(head, n, "PK\60\60PK", 6))
		return PACK_ZIP;
	if (begins(head, n, "7z\xbc\xaf\x27\x1c", 6))
		return PACK_7Z;
	if (begins(head, n, "\x1f\x8b\b", 3))
		return PACK_GZIP;
	/* One of which the first header is damaged is known by its magic. */
	if (n >= TAR_BLOCK &&
	    (tar_header(head) || memcmp(head + TAR_MAGIC, "ustar", 5) == 0))
		return PACK_TAR;
	return filtered(head, n) ? PACK_FILTER : PACK_NONE;
}

/* A document or a program that is a zip inside, by its first entry. */
static bool document(const unsigned char *head, size_t n)
{
	static const char *const first[] = { "[Content_Types].xml", "mimetype",
		                             "META-INF/", "_rels/",
		                             "docProps/" };

	if (!begins(head, n, "PK\3\4", 4) || n < 30)
		return false;
	for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
		if (begins(head + 30, n - 30, first[i], strlen(first[i])))
			return true;
	return false;
}

bool packed_looks_like(const unsigned char *head, size_t n)
{
	return pack_of(head, n) != PACK_NONE && !document(head, n);
}

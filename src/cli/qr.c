/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qr.c - a QR code in characters: two modules, one above the other, are one
 * half block. Light modules are drawn and dark ones left out, as on a dark
 * terminal paper would look; readers take the inverse too.
 */
#include "cli/device.h"

#ifdef MAILHAUL_QRENCODE

#include <qrencode.h>

#define QUIET 2 /* modules around it; phones do with less than four */

static bool is_light(const QRcode *q, int x, int y)
{
	if (x < 0 || y < 0 || x >= q->width || y >= q->width)
		return true;
	return (q->data[y * q->width + x] & 1) == 0;
}

static int draw(struct buf *b, const QRcode *q, size_t indent)
{
	static const char *const blocks[] = { " ", "\u2584", "\u2580",
		                              "\u2588" };

	for (int y = -QUIET; y < q->width + QUIET; y += 2) {
		if (buf_fmt(b, "%*s", (int)indent, "") != 0)
			return -1;
		for (int x = -QUIET; x < q->width + QUIET; x++) {
			bool low = y + 1 < q->width + QUIET &&
			           is_light(q, x, y + 1);

			if (buf_str(b, blocks[2 * is_light(q, x, y) + low]) !=
			    0)
				return -1;
		}
		if (buf_chr(b, '\n') != 0)
			return -1;
	}
	return 0;
}

int qr_text(struct buf *b, const char *text, size_t indent, size_t columns)
{
	QRcode *q = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_L);
	int rc = 0;

	if (q == NULL)
		return 0;
	if ((size_t)q->width + 2 * QUIET + indent <= columns)
		rc = draw(b, q, indent) != 0 ? -1 : 1;
	QRcode_free(q);
	return rc;
}

#else

int qr_text(struct buf *b, const char *text, size_t indent, size_t columns)
{
	(void)b;
	(void)text;
	(void)indent;
	(void)columns;
	return 0;
}

#endif

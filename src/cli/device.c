/* SPDX-License-Identifier: Apache-2.0 */
/* device.c - shows a person where to sign in, and with which code. */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/device.h"
#include "cli/text.h"

#define INDENT 4
#define WIDTH 78
#define ROWS_LEFT 14 /* of the words around the QR code */

static bool can_show_qr(size_t *columns, size_t *rows)
{
	const char *term = getenv("TERM");

	if (!isatty(STDERR_FILENO) || term == NULL ||
	    strcmp(term, "dumb") == 0 ||
	    strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return false;
	talk_screen(STDERR_FILENO, columns, rows);
	return true;
}

static int add_qr(struct buf *b, const char *url)
{
	CLEANUP(buf_release_p) struct buf qr = BUF_INIT(1 << 16);
	size_t columns, rows, lines = 0;

	if (!can_show_qr(&columns, &rows))
		return 0;
	if (qr_text(&qr, url, INDENT, columns) < 0)
		return -1;
	for (size_t i = 0; i < qr.n; i++)
		lines += qr.p[i] == '\n';
	if (lines == 0 || lines + ROWS_LEFT > rows)
		return 0;
	return buf_add(b, qr.p, qr.n) != 0 ? -1 : buf_chr(b, '\n');
}

/* "A B C D  E F G H": read from one screen and typed at another. */
static int add_code(struct buf *b, const char *code)
{
	CLEANUP(buf_release_p) struct buf clean = BUF_INIT(256);

	if (text_clean(&clean, code) != 0)
		return -1;
	if (buf_fmt(b, "%*s", INDENT + 4, "") != 0)
		return -1;
	for (size_t i = 0; i < clean.n; i++)
		if (buf_chr(b, clean.p[i]) != 0 ||
		    (i + 1 < clean.n && buf_chr(b, ' ') != 0))
			return -1;
	return 0;
}

static int add_head(struct buf *b, const char *account)
{
	CLEANUP(buf_release_p) struct buf t = BUF_INIT(1 << 12);

	if (buf_str(&t, "To sign in to Microsoft 365") != 0 ||
	    (account != NULL &&
	     (buf_str(&t, " for ") != 0 || text_clean(&t, account) != 0)) ||
	    buf_str(&t, ", open this page on any computer or phone:") != 0)
		return -1;
	if (buf_chr(b, '\n') != 0 || text_wrap(b, t.p, 0, WIDTH) != 0)
		return -1;
	return buf_str(b, "\n\n");
}

static int make(struct buf *b, const struct device_code *d, const char *account,
                bool qr)
{
	bool bold = isatty(STDERR_FILENO) && getenv("NO_COLOR") == NULL;

	if (add_head(b, account) != 0 || buf_fmt(b, "%*s", INDENT, "") != 0 ||
	    text_clean(b, d->url) != 0 || buf_str(b, "\n\n") != 0)
		return -1;
	if (qr && add_qr(b, d->url) != 0)
		return -1;
	if (buf_str(b, "and enter this code (without the blanks):\n\n") != 0 ||
	    (bold && buf_str(b, "\033[1m") != 0) || add_code(b, d->code) != 0 ||
	    (bold && buf_str(b, "\033[0m") != 0))
		return -1;
	return buf_fmt(b,
	               "\n\nThe code is good for %s. mailhaul waits for you "
	               "here and goes on by itself.\nCtrl-C stops; nothing is "
	               "changed then.\n",
	               text_duration(d->expires_s).s);
}

void device_show(struct talk *t, const struct device_code *d,
                 const char *account, bool qr)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(1 << 17);

	if (make(&b, d, account, qr) == 0)
		talk_warn(t, "%s", b.p);
	else
		talk_warn(t, "Open %s and enter the code %s", d->url, d->code);
}

void device_left(struct talk *t, unsigned left_s)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(256);

	if (!t->terminal || t->quiet)
		return;
	if (left_s == 0)
		talk_block(t, NULL);
	else if (buf_fmt(&b,
	                 "Waiting for the sign-in; the code is good for "
	                 "%u:%02u "
	                 "more.\n",
	                 left_s / 60, left_s % 60) == 0)
		talk_block(t, b.p);
}

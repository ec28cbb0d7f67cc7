/* SPDX-License-Identifier: Apache-2.0 */
/* table.c - columns for people. */
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

#define GAP 2
#define NARROWEST 12 /* a cut column stays at least so wide */

void table_init(struct table *t, size_t columns, unsigned right)
{
	*t = (struct table){ .columns = columns, .right = right };
}

void table_add(struct table *t, const char *cell)
{
	struct buf b = BUF_INIT(1 << 16);

	if (t->n == t->cap) {
		size_t cap = t->cap == 0 ? 64 : t->cap * 2;
		char **v = reallocarray(t->cell, cap, sizeof(*v));

		if (v == NULL) {
			t->failed = true;
			return;
		}
		t->cell = v;
		t->cap = cap;
	}
	if (text_clean(&b, cell != NULL ? cell : "") != 0) {
		buf_release(&b);
		t->failed = true;
		return;
	}
	t->cell[t->n] = buf_take(&b);
	if (t->cell[t->n] == NULL)
		t->failed = true;
	else
		t->n++;
}

static void measure(const struct table *t, size_t *w, size_t width)
{
	size_t sum = 0, widest = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = text_width(t->cell[i]), c = i % t->columns;

		if (n > w[c])
			w[c] = n;
	}
	for (size_t c = 0; c < t->columns; c++)
		sum += w[c] + (c > 0 ? GAP : 0);
	while (width > 0 && sum > width) {
		for (size_t c = 0; c < t->columns; c++)
			if (w[c] > w[widest])
				widest = c;
		if (w[widest] <= NARROWEST)
			return;
		w[widest]--;
		sum--;
	}
}

static int blanks(struct buf *b, size_t n)
{
	return n == 0 ? 0 : buf_fmt(b, "%*s", (int)n, "");
}

static int put(struct buf *b, const char *cell, size_t width, bool right,
               bool last)
{
	size_t n = text_width(cell), room = n < width ? width - n : 0;

	if (right && blanks(b, room) != 0)
		return -1;
	if (text_cut(b, cell, width) != 0)
		return -1;
	return right || last ? 0 : blanks(b, room);
}

int table_print(struct buf *b, const struct table *t, size_t width)
{
	size_t w[TABLE_COLUMNS] = { 0 };

	if (t->failed || t->columns > TABLE_COLUMNS)
		return -1;
	measure(t, w, width);
	for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
		for (size_t c = 0; c < t->columns; c++) {
			bool last = c + 1 == t->columns ||
			            (c + 2 == t->columns &&
			             t->cell[i + c + 1][0] == '\0');

			if (c > 0 && t->cell[i + c][0] == '\0' &&
			    c + 1 == t->columns)
				break;
			if ((c > 0 && blanks(b, GAP) != 0) ||
			    put(b, t->cell[i + c], w[c], t->right >> c & 1,
			        last) != 0)
				return -1;
		}
		if (buf_chr(b, '\n') != 0)
			return -1;
	}
	return 0;
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	*t = (struct table){ 0 };
}

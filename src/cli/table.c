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

static bool hides(const struct table *t, size_t column)
{
	return t->hidden >> column & 1;
}

static void measure(const struct table *t, size_t *w, size_t width)
{
	size_t sum = 0, widest = 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t n = text_width(t->cell[i]), c = i % t->columns;

		if (n > w[c] && !hides(t, c))
			w[c] = n;
	}
	for (size_t c = 0; c < t->columns; c++)
		sum += hides(t, c) ? 0 : w[c] + (c > 0 ? GAP : 0);
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

static bool nothing_behind(const struct table *t, size_t row, size_t column)
{
	for (size_t c = column + 1; c < t->columns; c++)
		if (!hides(t, c) && t->cell[row + c][0] != '\0')
			return false;
	return true;
}

static int print_row(struct buf *b, const struct table *t, const size_t *w,
                     size_t row)
{
	for (size_t c = 0; c < t->columns; c++) {
		const char *cell = t->cell[row + c];
		bool last = nothing_behind(t, row, c);

		if (hides(t, c))
			continue;
		if (c > 0 && last && cell[0] == '\0')
			break;
		if ((c > 0 && blanks(b, GAP) != 0) ||
		    put(b, cell, w[c], t->right >> c & 1, last) != 0)
			return -1;
	}
	return buf_chr(b, '\n');
}

int table_print(struct buf *b, const struct table *t, size_t width)
{
	size_t w[TABLE_COLUMNS] = { 0 };

	if (t->failed || t->columns > TABLE_COLUMNS)
		return -1;
	measure(t, w, width);
	for (size_t i = 0; i + t->columns <= t->n; i += t->columns)
		if (print_row(b, t, w, i) != 0)
			return -1;
	return 0;
}

void table_release(struct table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cell[i]);
	free(t->cell);
	*t = (struct table){ 0 };
}

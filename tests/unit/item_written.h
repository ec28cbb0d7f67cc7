/* SPDX-License-Identifier: Apache-2.0 */
/* item_written.h - the file that is made of an item, for tests. */
#ifndef MAILHAUL_TESTS_ITEM_WRITTEN_H
#define MAILHAUL_TESTS_ITEM_WRITTEN_H

#include <stdlib.h>
#include <string.h>

#include "archive/mapi/item.h"
#include "tnef_make.h"

static inline int put(struct mapi_out *out, const void *p, size_t n)
{
	return buf_add(out->arg, p, n);
}

static inline char *raw(struct make *m, enum mapi_kind k)
{
	struct buf b = BUF_INIT(0);
	struct mapi_out out = { put, &b };
	struct mapi *o = make_open(m);

	assert_int_equal(item_write(o, k, &out), 0);
	mapi_close(&o);
	return buf_take(&b);
}

/* Long lines joined again, no CR. */
static inline char *unfolded(char *s)
{
	char *to = s;

	for (const char *p = s; *p; p++) {
		if (strncmp(p, "\r\n ", 3) == 0)
			p += 2;
		else if (*p != '\r')
			*to++ = *p;
	}
	*to = '\0';
	return s;
}

static inline char *written(struct make *m, enum mapi_kind k)
{
	return unfolded(raw(m, k));
}

static inline void has(const char *all, const char *want)
{
	if (!strstr(all, want))
		print_message("%s\nis not in\n%s\n", want, all);
	assert_non_null(strstr(all, want));
}

static inline void hasnt(const char *all, const char *what)
{
	if (strstr(all, what))
		print_message("%s\nis in\n%s\n", what, all);
	assert_null(strstr(all, what));
}

#endif

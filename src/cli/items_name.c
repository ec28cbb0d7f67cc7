/* SPDX-License-Identifier: Apache-2.0 */
/* items_name.c - see items_name.h. */
#include "cli/items_name.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "util/utf8.h"

#define NAME_OCTETS 180 /* of one part of a path */
#define SUFFIX_OCTETS 10
#define PARTS_MOST 16

/* A part of a path as it may stand on a disk, also on one of Windows. */
static int add_fit(struct buf *b, const char *s, size_t n)
{
	CLEANUP(free_p) char *part = strndup(s, n);
	CLEANUP(buf_release_p) struct buf clean = BUF_INIT(1 << 20);
	size_t end;

	if (part == NULL || text_clean(&clean, part) != 0)
		return -1;
	end = utf8_cut(clean.p, NAME_OCTETS);
	for (size_t i = 0; i < end; i++) {
		char c = clean.p[i];
		bool bad = strchr("\\/:*?\"<>|", c) != NULL ||
		           (i == 0 && c == '.') ||
		           (i + 1 == end && (c == '.' || c == ' '));

		if (buf_chr(b, bad ? '_' : c) != 0)
			return -1;
	}
	return end == 0 ? buf_chr(b, '_') : 0;
}

size_t items_suffix(const char *name)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	                           "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *dot = strrchr(name, '.');
	size_t n = dot != NULL ? strspn(dot + 1, good) : 0;

	return n > 0 && n <= SUFFIX_OCTETS && dot > name && dot[1 + n] == '\0'
	               ? (size_t)(dot - name)
	               : strlen(name);
}

int items_file_name(struct buf *b, const char *name, unsigned number)
{
	size_t stem = items_suffix(name);
	const char *suffix = name[stem] != '\0' ? name + stem : ".txt";

	buf_clear(b);
	if (add_fit(b, name, stem) != 0 ||
	    (number > 1 && buf_fmt(b, " (%u)", number) != 0))
		return -1;
	return buf_str(b, suffix);
}

int items_folder(struct buf *b, const char *key, const char **name)
{
	const char *slash;

	for (size_t i = 0; i < PARTS_MOST && (slash = strchr(key, '/')); i++) {
		size_t n = (size_t)(slash - key);

		if (n > 0 && (add_fit(b, key, n) != 0 || buf_chr(b, '/') != 0))
			return -1;
		key = slash + 1;
	}
	*name = key;
	return buf_add(b, "", 0);
}

char *items_below(const char *dir, const char *name)
{
	struct buf b = BUF_INIT(1 << 20);

	if (buf_str(&b, dir) == 0 && buf_chr(&b, '/') == 0 &&
	    add_fit(&b, name, strlen(name)) == 0)
		return buf_take(&b);
	buf_release(&b);
	return NULL;
}

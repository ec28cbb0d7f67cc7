/* SPDX-License-Identifier: Apache-2.0 */
/* fit_name.c - see fit_name.h. */
#include "plan/fit_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"
#include "util/utf8.h"

static bool is_fit(const struct name_rules *r, uint32_t cp)
{
	if (utf8_control(cp))
		return false;
	if (cp >= 0x80)
		return true;
	return !(r->delim && cp == (unsigned char)r->delim) &&
	       !(r->forbidden && strchr(r->forbidden, (int)cp));
}

static int replace_unfit(const struct name_rules *r, struct buf *out,
                         const char *name)
{
	while (*name) {
		uint32_t cp = 0;
		size_t n = utf8_next(name, &cp);
		bool fit = n && is_fit(r, cp);

		if (fit ? buf_add(out, name, n) : buf_chr(out, '_'))
			return -1;
		name += n ? n : 1;
	}
	return 0;
}

static void trim(char *s)
{
	size_t n = strlen(s);
	size_t front = strspn(s, " ");

	while (n > front && s[n - 1] == ' ')
		n--;
	memmove(s, s + front, n - front);
	s[n - front] = '\0';
}

static void cut(const struct name_rules *r, char *s, size_t max)
{
	s[utf8_cut(s, max)] = '\0';
	if (r->trims)
		trim(s);
}

/* "." and ".." are no names where folders are directories. */
static void undot(char *s)
{
	if (!strcmp(s, ".") || !strcmp(s, ".."))
		memset(s, '_', strlen(s));
}

char *fit_name(const struct name_rules *r, const char *name)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (replace_unfit(r, &b, name) || buf_str(&b, ""))
		return NULL;
	CLEANUP(free_p) char *s = buf_take(&b);
	if (!s)
		return NULL;
	if (r->trims)
		trim(s);
	if (r->max_component)
		cut(r, s, r->max_component);
	undot(s);
	return strdup(*s ? s : "_");
}

static bool is_reserved(const struct name_rules *r, const char *name)
{
	CLEANUP(free_p) char *folded = utf8_folded(name);

	for (size_t i = 0; folded && r->reserved && r->reserved[i]; i++) {
		CLEANUP(free_p) char *other = utf8_folded(r->reserved[i]);

		if (other && strcmp(other, folded) == 0)
			return true;
	}
	return false;
}

char *fit_top_name(const struct name_rules *r, const char *name)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	char *fit = fit_name(r, name);

	if (!fit || !is_reserved(r, fit))
		return fit;
	CLEANUP(free_p) char *reserved = fit;

	return buf_fmt(&b, "%s (mail)", reserved) ? NULL : buf_take(&b);
}

char *fit_numbered(const struct name_rules *r, const char *name,
                   unsigned number)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	CLEANUP(free_p) char *base = strdup(name);
	char suffix[24];
	size_t n = (size_t)snprintf(suffix, sizeof(suffix), " (%u)", number);

	if (!base)
		return NULL;
	if (r->max_component)
		cut(r, base, r->max_component > n ? r->max_component - n : 1);
	if (buf_str(&b, base) || buf_str(&b, suffix))
		return NULL;
	return buf_take(&b);
}

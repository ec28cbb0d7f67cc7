/* SPDX-License-Identifier: Apache-2.0 */
/* err.c - see err.h. */
#include "mailhaul/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#undef err_set
#undef err_setf
#undef err_memory

static const char *const names[] = {
#define X(code, name) [code] = name,
	ERR_CODES(X)
#undef X
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* A server's words may hold escape sequences: terminals obey those. */
static void clean(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = ' ';
}

/* n: what snprintf said. A sentence that was cut shows that it was, and not
 * in the middle of a character. */
static void mark_cut(char *s, size_t size, int n)
{
	size_t at = size - sizeof("...");

	if (n < 0 || (size_t)n < size)
		return;
	while (at > 0 && ((unsigned char)s[at] & 0xc0) == 0x80)
		at--;
	memcpy(s + at, "...", sizeof("..."));
}

static void head(struct err *e, enum err_reach reach, enum err_next next,
                 enum err_code code)
{
	memset(e, 0, sizeof(*e));
	e->reach = reach;
	e->next = next;
	e->code = code;
}

int err_set(struct err *e, enum err_reach reach, enum err_next next,
            enum err_code code, const char *text, const char *detail, ...)
{
	va_list ap;

	if (!e)
		return -1;
	head(e, reach, next, code);
	mark_cut(e->text, sizeof(e->text),
	         snprintf(e->text, sizeof(e->text), "%s", text));
	va_start(ap, detail);
	vsnprintf(e->detail, sizeof(e->detail), detail, ap);
	va_end(ap);
	clean(e->text);
	clean(e->detail);
	return -1;
}

int err_setf(struct err *e, enum err_reach reach, enum err_next next,
             enum err_code code, const char *text, ...)
{
	va_list ap;

	if (!e)
		return -1;
	head(e, reach, next, code);
	va_start(ap, text);
	mark_cut(e->text, sizeof(e->text),
	         vsnprintf(e->text, sizeof(e->text), text, ap));
	va_end(ap);
	clean(e->text);
	return -1;
}

void err_detail(struct err *e, const char *detail, ...)
{
	va_list ap;
	size_t n;

	if (!e)
		return;
	n = strlen(e->detail);
	if (n && n + 2 < sizeof(e->detail)) {
		memcpy(e->detail + n, "; ", 3);
		n += 2;
	}
	va_start(ap, detail);
	vsnprintf(e->detail + n, sizeof(e->detail) - n, detail, ap);
	va_end(ap);
	clean(e->detail);
}

int err_memory(struct err *e)
{
	return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_MEMORY,
	               "This computer has no memory left. Nothing is lost: "
	               "close other programs and run mailhaul again.",
	               "%s", "");
}

void err_clear(struct err *e)
{
	if (e)
		memset(e, 0, sizeof(*e));
}

const char *err_code_name(int code)
{
	if (code < 0 || (size_t)code >= NAMES || !names[code])
		return "unknown";
	return names[code];
}

int err_code_find(const char *name)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strcmp(names[i], name) == 0)
			return (int)i;
	return -1;
}

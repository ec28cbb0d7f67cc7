/* SPDX-License-Identifier: Apache-2.0 */
/* needle.c - see needle.h. */
#include "archive/needle.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SWITCH "MAILHAUL_TEST_ARCHIVE_CRASH"
#define HANG "hang:"
#define MEMORY "memory:"

const char *needle_of_environment(void)
{
	const char *s = getenv(SWITCH);

	return s && *s ? s : NULL;
}

static bool begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static const char *without_manner(const char *needle)
{
	if (begins(needle, HANG))
		return needle + strlen(HANG);
	if (begins(needle, MEMORY))
		return needle + strlen(MEMORY);
	return needle;
}

static void fail(const char *needle)
{
	volatile bool hang = begins(needle, HANG);
	size_t n = 1 << 20;

	while (hang)
		;
	if (begins(needle, MEMORY))
		for (void *p; (p = malloc(n)) != NULL;)
			memset(p, 1, n);
	raise(SIGABRT);
}

void needle_look(const char *needle, struct buf *tail, const void *p, size_t n)
{
	const char *what = needle ? without_manner(needle) : NULL;
	size_t len = what ? strlen(what) : 0;
	size_t keep = n < len ? n : len;

	if (!what || n == 0)
		return;
	/* The end of what came before, and as much of what comes. */
	buf_add(tail, p, keep);
	if (memmem(tail->p, tail->n, what, len) || memmem(p, n, what, len))
		fail(needle);
	if (n > keep) {
		buf_clear(tail);
		buf_add(tail, (const char *)p + n - keep, keep);
	}
	if (tail->n > len)
		buf_cut(tail, tail->n - len);
}

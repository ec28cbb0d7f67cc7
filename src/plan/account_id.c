/* SPDX-License-Identifier: Apache-2.0 */
/* account_id.c - which mailbox an account is, for comparing and for people. */
#include "mailhaul/account.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

static int add_lower(struct buf *b, const char *s)
{
	for (; *s; s++)
		if (buf_chr(b, *s >= 'A' && *s <= 'Z' ? (char)(*s | 0x20) : *s))
			return -1;
	return 0;
}

/* A user is told apart by case, the domain of an address is not. */
static int add_user(struct buf *b, const char *user)
{
	const char *at = strrchr(user, '@');

	if (!at)
		return buf_str(b, user);
	return buf_add(b, user, (size_t)(at - user)) || add_lower(b, at);
}

static int add_server(struct buf *b, const struct account *a)
{
	size_t n;

	if (buf_chr(b, '@') || add_lower(b, a->host))
		return -1;
	n = strlen(b->p);
	if (b->p[n - 1] == '.')
		b->p[--b->n] = '\0';
	/* The usual ports lead to the same mailboxes, another one may be
	 * another server. */
	if (a->port == 993 || a->port == 143)
		return 0;
	return buf_fmt(b, ":%u", a->port);
}

static int add_parent_real(struct buf *b, const char *path)
{
	CLEANUP(free_p) char *copy = strdup(path);
	size_t n = copy ? strlen(copy) : 0;

	if (!copy)
		return -1;
	while (n > 1 && copy[n - 1] == '/')
		copy[--n] = '\0';
	char *slash = strrchr(copy, '/');
	const char *last = slash ? slash + 1 : copy;
	const char *parent = slash == copy ? "/" : slash ? copy : ".";

	if (slash && slash != copy)
		*slash = '\0';
	CLEANUP(free_p) char *real = realpath(parent, NULL);
	if (!real)
		return buf_str(b, path);
	return buf_fmt(b, "%s/%s", strcmp(real, "/") ? real : "", last);
}

/* A Maildir to be made is not there yet: its parent's real path counts. */
static int add_path(struct buf *b, const char *path)
{
	CLEANUP(free_p) char *real = realpath(path, NULL);

	return real ? buf_str(b, real) : add_parent_real(b, path);
}

char *account_key(const struct account *a)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	int failed;

	if (account_is_m365(a))
		failed = buf_str(&b, "m365:") || add_lower(&b, a->user);
	else if (a->host)
		failed = buf_str(&b, "imap:") || add_user(&b, a->user) ||
		         add_server(&b, a);
	else
		failed = buf_str(&b, "path:") || add_path(&b, a->path);
	return failed ? NULL : buf_take(&b);
}

bool account_same(const struct account *a, const struct account *b)
{
	CLEANUP(free_p) char *one = account_key(a);
	CLEANUP(free_p) char *other = account_key(b);

	return one && other && !strcmp(one, other);
}

static char *path_name(const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	size_t from = n;
	while (from > 0 && path[from - 1] != '/')
		from--;
	if (from == n)
		return strdup(path);
	return strndup(path + from, n - from);
}

char *account_name(const struct account *a)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	if (!a->user)
		return path_name(a->path);
	if (account_is_m365(a) || strchr(a->user, '@'))
		return strdup(a->user);
	if (buf_fmt(&b, "%s@%s", a->user, a->host))
		return NULL;
	return buf_take(&b);
}

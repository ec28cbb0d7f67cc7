/* SPDX-License-Identifier: Apache-2.0 */
/* tree_name.c - see tree_name.h. */
#include "archive/tree_name.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "archive/kind.h"
#include "archive/tree.h"
#include "util/buf.h"
#include "util/utf7.h"
#include "util/utf8.h"

#define ODD_OCTET 0xf700u

char *raw_name(const char *name)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	while (*name) {
		size_t good = utf8_good(name);
		char odd[4];

		if (good && buf_add(&b, name, good))
			return NULL;
		name += good;
		if (!*name)
			break;
		good = utf8_put(odd, ODD_OCTET + (unsigned char)*name++);
		if (buf_add(&b, odd, good))
			return NULL;
	}
	return buf_take(&b);
}

const char *raw_base(const char *raw)
{
	const char *slash = strrchr(raw, '/');

	return slash ? slash + 1 : raw;
}

char *raw_join(const char *dir, const char *name)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	if ((*dir && (buf_str(&b, dir) || buf_chr(&b, '/'))) ||
	    buf_str(&b, name))
		return NULL;
	return buf_take(&b);
}

/* Odd octets as ISO 8859-1, which they mostly are, and no controls. */
static int add_shown(struct buf *b, const char *p)
{
	uint32_t cp;
	size_t n;

	for (; (n = utf8_next(p, &cp)) > 0; p += n) {
		char out[4];

		if (cp >= ODD_OCTET + 0x80 && cp <= ODD_OCTET + 0xff)
			cp -= ODD_OCTET;
		if (utf8_control(cp))
			cp = '_';
		if (buf_add(b, out, utf8_put(out, cp)))
			return -1;
	}
	return 0;
}

static bool ends(const char *p, size_t n, const char *suffix)
{
	size_t m = strlen(suffix);

	return n > m && strncasecmp(p + n - m, suffix, m) == 0;
}

/* name without the suffixes that say what kind of thing it is. */
static size_t stem(const char *p, size_t n)
{
	static const char *const suffixes[] = {
		".mbox", ".mbx",  ".sbd", ".zip", ".tar", ".tgz",
		".tbz2", ".txz",  ".gz",  ".bz2", ".xz",  ".zst",
		".7z",   ".lzma", ".pst", ".ost"
	};
	bool cut = true;

	while (cut) {
		cut = false;
		for (size_t i = 0;
		     i < sizeof(suffixes) / sizeof(suffixes[0]) && !cut; i++) {
			cut = ends(p, n, suffixes[i]);
			n -= cut ? strlen(suffixes[i]) : 0;
		}
	}
	return n;
}

static bool is(const char *p, size_t n, const char *name)
{
	return strlen(name) == n && strncasecmp(p, name, n) == 0;
}

static bool is_uuid(const char *p, size_t n)
{
	if (n != 36)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? p[i] != '-'
		         : !strchr("0123456789abcdefABCDEF", p[i]))
			return false;
	}
	return true;
}

/* What Apple Mail has between X.mbox and a message. */
static bool inner(const char *p, size_t n)
{
	return is_uuid(p, n) || is(p, n, "Data") || is(p, n, "Messages") ||
	       (n == 1 && *p >= '0' && *p <= '9');
}

static char *decoded(const char *p, size_t n)
{
	char *part CLEANUP(free_p) = strndup(p, n);
	char *s = part ? utf7_to_utf8(part) : NULL;

	return s ? s : part ? strdup(part) : NULL;
}

/* Maildir++: the levels of a folder are joined by '.'. */
static int add_plusplus(struct buf *b, const char *p, size_t n)
{
	char *s CLEANUP(free_p) = decoded(p, n);

	if (!s)
		return -1;
	for (char *c = s; *c; c++)
		if (*c == '.')
			*c = '/';
	return add_shown(b, s);
}

static int add_part(struct buf *b, const char *p, size_t n, bool plusplus)
{
	char *part CLEANUP(free_p) = NULL;

	if (b->n && b->p[b->n - 1] != '/' && buf_chr(b, '/'))
		return -1;
	if (plusplus)
		return add_plusplus(b, p + 1, n - 1);
	/* Thunderbird's folders of an IMAP server, and a server's mboxes. */
	part = decoded(p, n);
	return part ? add_shown(b, part) : -1;
}

struct walk {
	struct buf path;
	size_t kept;  /* octets of raw up to the last part that names */
	bool in_mbox; /* below a directory X.mbox of Apple Mail */
};

/* One part of raw, at p; last: there is none behind it. */
static int step(struct walk *w, const char *raw, const char *p, size_t n,
                bool last, enum naming how)
{
	size_t named = stem(p, n);

	if (w->in_mbox && (inner(p, n) || (last && is(p, n, "mbox"))))
		return 0;
	w->in_mbox = ends(p, n, ".mbox");
	w->kept = (size_t)(p - raw) + n;
	if (how == NAME_MAILDIR)
		named = n;
	return add_part(&w->path, p, named,
	                how == NAME_MAILDIR && last && *p == '.');
}

static int shown(struct walk *w, const char *raw, enum naming how)
{
	const char *end = raw + strlen(raw);

	if (how == NAME_MESSAGE)
		end = raw_base(raw);
	/* The archive may be X.mbox itself. */
	w->in_mbox = how == NAME_MESSAGE && ends(raw, strlen(raw), ".emlx");
	for (const char *p = raw; p < end;) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		const char *to = slash ? slash : end;
		bool last = to + 1 >= end;

		if (to > p && step(w, raw, p, (size_t)(to - p), last, how))
			return -1;
		p = to + 1;
	}
	return 0;
}

/* No empty parts, and INBOX as everybody calls it. */
static char *tidy(const struct buf *path)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);

	for (size_t i = 0; i < path->n; i++)
		if ((path->p[i] != '/' || (b.n && b.p[b.n - 1] != '/')) &&
		    buf_chr(&b, path->p[i]))
			return NULL;
	while (b.n && b.p[b.n - 1] == '/')
		b.p[--b.n] = '\0';
	if (b.n == 0 || strcasecmp(b.p, "inbox") == 0)
		return strdup("INBOX");
	return buf_take(&b);
}

int spot_of(struct spot *o, const char *raw, enum naming how)
{
	struct walk w = { .path = BUF_INIT(0) };
	int r = shown(&w, raw, how);

	o->path = r ? NULL : tidy(&w.path);
	o->raw = strndup(raw, how == NAME_MESSAGE ? w.kept : strlen(raw));
	/* "" is the mbox that is the archive itself, and no other folder. */
	if (o->raw && how != NAME_FILE && !*o->raw) {
		free(o->raw);
		o->raw = strdup(how == NAME_MAILDIR ? "." : "./");
	}
	buf_release(&w.path);
	return o->path && o->raw ? 0 : -1;
}

void spot_release(struct spot *o)
{
	free(o->raw);
	free(o->path);
	memset(o, 0, sizeof(*o));
}

int spot_tell(const struct spot *o, uint64_t state, struct sink *s)
{
	struct place p = { .raw = o->raw,
		           .path = o->path,
		           .use = strcmp(o->path, "INBOX") == 0 ? USE_INBOX
		                                                : USE_NONE,
		           .uidvalidity = 1,
		           .state = state };

	return s->folder(s, &p);
}

char *tree_folder_path(const char *raw)
{
	struct spot o CLEANUP(spot_release) = { 0 };
	char *path;

	if (spot_of(&o, raw, NAME_FILE))
		return NULL;
	path = o.path;
	o.path = NULL;
	return path;
}

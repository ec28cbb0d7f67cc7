/* SPDX-License-Identifier: Apache-2.0 */
/* others.c - see mailhaul/others.h. */
#include "mailhaul/others.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/buf.h"

#define KINDS_MOST 64
#define NAMED 3
#define OTHER_FILE "not mail"

static const struct known {
	const char *what, *one, *many;
	enum others_part part;
} known[] = {
	{ "a contact", "contact", "contacts", OTHERS_ITEMS },
	{ "a distribution list", "distribution list", "distribution lists",
	  OTHERS_ITEMS },
	{ "an appointment", "appointment", "appointments", OTHERS_ITEMS },
	{ "a task", "task", "tasks", OTHERS_ITEMS },
	{ "a note", "note", "notes", OTHERS_ITEMS },
	{ "a journal entry", "journal entry", "journal entries", OTHERS_ITEMS },
	{ "an attachment", "attachment", "attachments", OTHERS_ITEMS },
	{ "a search folder", "search folder", "search folders", OTHERS_OWN },
	{ "a folder of Outlook's own", "folder of Outlook's own",
	  "folders of Outlook's own", OTHERS_OWN },
	{ "a hidden item", "hidden item", "hidden items", OTHERS_HIDDEN },
};

static const struct known *known_of(const char *what)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].what, what) == 0)
			return &known[i];
	return NULL;
}

enum others_part others_part(const struct other_kind *k)
{
	const struct known *w = known_of(k->what);

	if (w)
		return w->part;
	return strncmp(k->what, "items", 5) == 0 ? OTHERS_LOST : OTHERS_FILES;
}

/* --- counting ------------------------------------------------------------ */

/* The number at s, behind which must stand " item"; 0: there is none. */
static uint64_t number(const char *s, const char **end)
{
	uint64_t n = 0;

	while (*s >= '0' && *s <= '9' && n < UINT64_MAX / 100)
		n = n * 10 + (uint64_t)(*s++ - '0');
	*end = s + (*s == ' ');
	return strncmp(s, " item", 5) == 0 ? n : 0;
}

static struct other_kind *kind(struct others *o, const char *what)
{
	struct other_kind *v;

	for (size_t i = 0; i < o->n; i++)
		if (strcmp(o->v[i].what, what) == 0)
			return &o->v[i];
	/* The child that reads the archive is not trusted. */
	if (o->n >= KINDS_MOST && strcmp(what, OTHER_FILE) != 0)
		return kind(o, OTHER_FILE);
	v = reallocarray(o->v, o->n + 1, sizeof(*v));
	if (!v)
		return NULL;
	o->v = v;
	v += o->n;
	*v = (struct other_kind){ .what = strdup(what) };
	if (!v->what)
		return NULL;
	o->n++;
	return v;
}

static int name_file(struct others *o, const char *name, const char *what)
{
	struct buf b = BUF_INIT(0);

	if (o->files > NAMED)
		return 0;
	if (buf_fmt(&b, "%s%s%.200s (%.100s)", o->named ? o->named : "",
	            o->named ? ", " : "", name, what)) {
		buf_release(&b);
		return -1;
	}
	free(o->named);
	o->named = buf_take(&b);
	return o->named ? 0 : -1;
}

/* What is told, taken apart: text is malloc'd, NULL: memory. */
struct told {
	char *text;
	uint64_t count, items;
};

/* "items that ...", also of one. malloc'd. */
static char *items_text(const char *text)
{
	struct buf b = BUF_INIT(0);
	const char *rest = text + 4 + (text[4] == 's');

	if (buf_str(&b, "items") || buf_str(&b, rest)) {
		buf_release(&b);
		return NULL;
	}
	return buf_take(&b);
}

static struct told told_of(const char *what)
{
	const char *rest, *comma = strrchr(what, ',');
	uint64_t many = number(what, &rest);
	struct told t = { .count = many ? many : 1 };

	if (comma && comma[1] == ' ')
		t.items = number(comma + 2, &rest);
	if (t.items)
		t.text = strndup(what, (size_t)(comma - what));
	else
		t.text = many ? items_text(strstr(what, " item") + 1)
		              : strdup(what);
	return t;
}

bool others_of_folder(const char *what)
{
	struct told t = told_of(what);
	struct other_kind k = { .what = t.text };
	enum others_part part = t.text ? others_part(&k) : OTHERS_FILES;

	free(t.text);
	return part == OTHERS_OWN || part == OTHERS_HIDDEN ||
	       part == OTHERS_LOST;
}

int others_add(struct others *o, const char *name, const char *what)
{
	struct told t = told_of(what);
	char *text CLEANUP(free_p) = t.text;
	struct other_kind *k = text ? kind(o, text) : NULL;

	if (!k)
		return -1;
	k->count += t.count;
	k->items += t.items;
	if (others_part(k) != OTHERS_FILES)
		return 0;
	o->files++;
	return name_file(o, name, what);
}

void others_release(struct others *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->v[i].what);
	free(o->v);
	free(o->named);
	*o = (struct others){ 0 };
}

static bool in_parts(const struct others *o, size_t i, unsigned parts)
{
	return parts >> others_part(&o->v[i]) & 1;
}

uint64_t others_count(const struct others *o, unsigned parts)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->n; i++)
		n += in_parts(o, i, parts) ? o->v[i].count : 0;
	return n;
}

/* --- words --------------------------------------------------------------- */

static int grouped(struct buf *b, uint64_t n)
{
	if (n < 1000)
		return buf_fmt(b, "%" PRIu64, n);
	return grouped(b, n / 1000) || buf_fmt(b, ",%03u", (unsigned)(n % 1000))
	               ? -1
	               : 0;
}

static int inner(struct buf *b, uint64_t items)
{
	if (!items)
		return 0;
	return buf_str(b, " (") || grouped(b, items) ||
	                       buf_str(b, items == 1 ? " item)" : " items)")
	               ? -1
	               : 0;
}

static int term(struct buf *b, const struct other_kind *k)
{
	const struct known *w = known_of(k->what);

	if (!w && others_part(k) == OTHERS_FILES) {
		if (buf_str(b, k->what))
			return -1;
		return k->count > 1 && (buf_str(b, " (") ||
		                        grouped(b, k->count) || buf_chr(b, ')'))
		               ? -1
		               : 0;
	}
	if (grouped(b, k->count) || buf_chr(b, ' '))
		return -1;
	if (!w && k->count == 1)
		return buf_str(b, "item") || buf_str(b, k->what + 5) ? -1 : 0;
	if (!w)
		return buf_str(b, k->what);
	return buf_str(b, k->count == 1 ? w->one : w->many) ||
	                       inner(b, k->items)
	               ? -1
	               : 0;
}

int others_list(const struct others *o, unsigned parts, struct buf *b)
{
	size_t n = 0, told = 0;

	for (size_t i = 0; i < o->n; i++)
		n += in_parts(o, i, parts);
	for (size_t i = 0; i < o->n; i++) {
		if (!in_parts(o, i, parts))
			continue;
		told++;
		if ((told > 1 && buf_str(b, told < n ? ", " : " and ")) ||
		    term(b, &o->v[i]))
			return -1;
	}
	return 0;
}

static int say_files(const struct others *o, struct buf *b)
{
	bool one = o->files == 1;

	return grouped(b, o->files) ||
	                       buf_fmt(b,
	                               " %s in the archive %s no mail and %s "
	                               "left there: %s%s",
	                               one ? "file" : "files",
	                               one ? "is" : "are", one ? "was" : "were",
	                               o->named ? o->named : "",
	                               o->files > NAMED ? ", ..." : "")
	               ? -1
	               : 0;
}

int others_sentence(const struct others *o, enum others_part part,
                    struct buf *b)
{
	uint64_t n = others_count(o, 1u << part);
	const char *are = n == 1 ? "is" : "are";

	if (!n)
		return 0;
	if (part == OTHERS_FILES)
		return say_files(o, b);
	if (part == OTHERS_OWN && buf_str(b, "Left out, as they hold no mail "
	                                     "of their own: "))
		return -1;
	if (others_list(o, 1u << part, b))
		return -1;
	if (part == OTHERS_ITEMS)
		return buf_fmt(b,
		               " %s no mail and %s in the file; --items DIR "
		               "writes %s as files (.vcf, .ics, .txt).",
		               are, n == 1 ? "stays" : "stay",
		               n == 1 ? "it" : "them");
	if (part == OTHERS_LOST)
		return buf_str(b, ". Another copy or a backup of the file may "
		                  "have more.");
	if (part == OTHERS_HIDDEN)
		return buf_fmt(b,
		               " (Outlook's views, rules and settings) %s "
		               "left out.",
		               are);
	return buf_chr(b, '.');
}

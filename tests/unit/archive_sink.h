/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_sink.h - a sink that keeps what it is told, for tests of the
 * parsers of archives.
 *
 *   struct kept k;
 *   kept_init(&k);            k.sink.bodies and k.want can be changed
 *   ... a parser with &k.sink ...
 *   kept_release(&k);
 */
#ifndef MAILHAUL_TEST_ARCHIVE_SINK_H
#define MAILHAUL_TEST_ARCHIVE_SINK_H

#include "mail_fixture.h"

#include "archive/source.h"

struct kept_item {
	char *folder, *key, *keywords, *hole, *note;
	enum mail_made made;
	struct buf octets;
	struct item it;
	uint64_t size;
};
struct kept_folder {
	char *raw, *path;
	enum mail_use use;
	uint64_t state;
};
struct kept_other {
	char *name, *what;
};
struct kept {
	struct sink sink;
	struct wanted want; /* of every folder */
	const char *poison_raw;
	uint64_t poison;
	bool open; /* between begin() and end() */
	char *at;  /* the folder told last */
	struct kept_folder *folders;
	struct kept_item *items;
	struct kept_other *others;
	size_t folders_n, items_n, others_n;
};

static inline char *kept_copy(const char *s)
{
	char *copy = s ? strdup(s) : NULL;

	assert_true(!s || copy);
	return copy;
}

/* The new, zeroed element of an array. */
static inline void *kept_more(void **v, size_t *n, size_t one)
{
	char *p = realloc(*v, (*n + 1) * one);

	assert_non_null(p);
	*v = p;
	memset(p + *n * one, 0, one);
	return p + (*n)++ * one;
}

static inline int kept_folder(struct sink *s, const struct place *p)
{
	struct kept *k = s->arg;
	struct kept_folder *f;

	assert_false(k->open);
	assert_non_null(p->raw);
	assert_true(p->path && *p->path);
	assert_int_not_equal(p->uidvalidity, 0);
	free(k->at);
	k->at = kept_copy(p->raw);
	for (size_t i = 0; i < k->folders_n; i++)
		if (strcmp(k->folders[i].raw, p->raw) == 0)
			return 0;
	f = kept_more((void **)&k->folders, &k->folders_n, sizeof(*f));
	f->raw = kept_copy(p->raw);
	f->path = kept_copy(p->path);
	f->use = p->use;
	f->state = p->state;
	return 0;
}

static inline int kept_begin(struct sink *s, const struct item *it)
{
	struct kept *k = s->arg;
	struct kept_item *i;

	assert_false(k->open);
	assert_true(it->uid != 0 && it->uid >> 63 == 0);
	k->open = true;
	i = kept_more((void **)&k->items, &k->items_n, sizeof(*i));
	i->it = *it;
	i->folder = kept_copy(k->at);
	i->key = kept_copy(it->key);
	i->keywords = kept_copy(it->keywords);
	return s->bodies;
}

static inline int kept_data(struct sink *s, const void *p, size_t n)
{
	struct kept *k = s->arg;

	assert_true(k->open && s->bodies);
	assert_int_equal(buf_add(&k->items[k->items_n - 1].octets, p, n), 0);
	return 0;
}

static inline int kept_about(struct sink *s, enum mail_made made,
                             const char *note)
{
	struct kept *k = s->arg;

	assert_true(k->open);
	k->items[k->items_n - 1].made = made;
	k->items[k->items_n - 1].note = kept_copy(note);
	return 0;
}

static inline int kept_end(struct sink *s, uint64_t size, const char *hole)
{
	struct kept *k = s->arg;
	struct kept_item *i = &k->items[k->items_n - 1];

	assert_true(k->open);
	k->open = false;
	i->size = size;
	i->hole = kept_copy(hole);
	/* Some count the line ends as they will be sent. */
	if (!hole && s->bodies)
		assert_true(i->octets.n <= size);
	return 0;
}

static inline int kept_other(struct sink *s, const char *name, const char *what)
{
	struct kept *k = s->arg;
	struct kept_other *o;

	assert_false(k->open);
	o = kept_more((void **)&k->others, &k->others_n, sizeof(*o));
	o->name = kept_copy(name);
	o->what = kept_copy(what);
	return 0;
}

static inline const struct wanted *kept_wanted(struct sink *s, const char *raw)
{
	return &((struct kept *)s->arg)->want;
}

static inline int kept_nothing(struct sink *s)
{
	return 0;
}

static inline bool kept_poison(struct sink *s, const char *raw, uint64_t uid)
{
	struct kept *k = s->arg;

	return k->poison_raw && strcmp(k->poison_raw, raw) == 0 &&
	       k->poison == uid;
}

static inline void kept_init(struct kept *k)
{
	memset(k, 0, sizeof(*k));
	k->sink = (struct sink){ .bodies = true,
		                 .folder = kept_folder,
		                 .begin = kept_begin,
		                 .data = kept_data,
		                 .about = kept_about,
		                 .end = kept_end,
		                 .other = kept_other,
		                 .wanted = kept_wanted,
		                 .wanted_file = kept_wanted,
		                 .moved_on = kept_nothing,
		                 .working = kept_nothing,
		                 .is_poison = kept_poison,
		                 .arg = k };
}

static inline void kept_release(struct kept *k)
{
	for (size_t i = 0; i < k->items_n; i++) {
		free(k->items[i].folder);
		free(k->items[i].key);
		free(k->items[i].keywords);
		free(k->items[i].hole);
		free(k->items[i].note);
		buf_release(&k->items[i].octets);
	}
	for (size_t i = 0; i < k->folders_n; i++) {
		free(k->folders[i].raw);
		free(k->folders[i].path);
	}
	for (size_t i = 0; i < k->others_n; i++) {
		free(k->others[i].name);
		free(k->others[i].what);
	}
	free(k->items);
	free(k->folders);
	free(k->others);
	free(k->at);
	memset(k, 0, sizeof(*k));
}

/* NULL if it was not told. */
static inline struct kept_folder *kept_at(struct kept *k, const char *path)
{
	for (size_t i = 0; i < k->folders_n; i++)
		if (strcmp(k->folders[i].path, path) == 0)
			return &k->folders[i];
	return NULL;
}

static inline struct kept_item *kept_key(struct kept *k, const char *key)
{
	for (size_t i = 0; i < k->items_n; i++)
		if (k->items[i].key && strcmp(k->items[i].key, key) == 0)
			return &k->items[i];
	return NULL;
}

static inline const char *kept_what(struct kept *k, const char *name)
{
	for (size_t i = 0; i < k->others_n; i++)
		if (strcmp(k->others[i].name, name) == 0)
			return k->others[i].what;
	return NULL;
}

/* What the item's octets are, as a string. */
static inline const char *kept_text(const struct kept_item *i)
{
	return i->octets.p ? i->octets.p : "";
}

#endif

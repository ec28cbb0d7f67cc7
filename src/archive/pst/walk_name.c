/* SPDX-License-Identifier: Apache-2.0 */
/* walk_name.c - how items of a PST are called: for people, and as files. */
#include <stdlib.h>
#include <string.h>

#include "archive/pst/walk.h"
#include "mime/mix.h"
#include "util/utf8.h"

#define SUBJECT_SHOWN 120

const char *pst_subject(const char *subject)
{
	return subject ? subject : "(no subject)";
}

int pst_key(const char *subject, const char *more, struct buf *out)
{
	subject = pst_subject(subject);
	return buf_add(out, subject, utf8_cut(subject, SUBJECT_SHOWN)) ||
	                       buf_str(out, more)
	               ? -1
	               : 0;
}

/* --- paths of files ------------------------------------------------------ */

static size_t slot(const struct pst_walk *w, uint64_t hash)
{
	size_t at = hash % w->names_cap;

	while (w->names[at] && w->names[at] != hash)
		at = (at + 1) % w->names_cap;
	return at;
}

static int widen(struct pst_walk *w)
{
	size_t n = w->names_cap, cap = n ? n * 2 : 256;
	uint64_t *old = w->names, *v = calloc(cap, sizeof(*v));

	if (!v)
		return -1;
	w->names = v;
	w->names_cap = cap;
	for (size_t i = 0; i < n; i++)
		if (old[i])
			w->names[slot(w, old[i])] = old[i];
	free(old);
	return 0;
}

/* 1: no other has it, 0, -1. Case tells nothing apart on some disks. */
static int is_new(struct pst_walk *w, const char *path)
{
	char *folded CLEANUP(free_p) = utf8_folded(path);
	uint64_t hash;
	size_t at;

	if (!folded || (w->names_n * 2 >= w->names_cap && widen(w)))
		return -1;
	hash = mix_of(folded, strlen(folded));
	at = slot(w, hash);
	if (w->names[at] == hash)
		return 0;
	w->names[at] = hash;
	w->names_n++;
	return 1;
}

char *pst_file_path(struct pst_walk *w, const char *name, const char *suffix,
                    uint32_t nid)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	int got;

	if (buf_fmt(&b, "%s/%s.%s", w->path, name, suffix))
		return NULL;
	got = is_new(w, b.p);
	if (got > 0)
		return buf_take(&b);
	buf_clear(&b);
	if (got < 0 || buf_fmt(&b, "%s/%s (%lu).%s", w->path, name,
	                       (unsigned long)nid, suffix))
		return NULL;
	return buf_take(&b);
}

void pst_file_paths_forget(struct pst_walk *w)
{
	free(w->names);
	w->names = NULL;
	w->names_n = w->names_cap = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder.c - folders of sources and destinations.
 *
 * The parts of a name may hold any octet but NUL, also the '/' that joins
 * them in path: the column parts keeps them apart, each ended by a NUL.
 */
#include <stdlib.h>
#include <string.h>

#include "store/db.h"

static const char *const uses[] = {
	[USE_NONE] = "",           [USE_INBOX] = "inbox",
	[USE_SENT] = "sent",       [USE_DRAFTS] = "drafts",
	[USE_TRASH] = "trash",     [USE_JUNK] = "junk",
	[USE_ARCHIVE] = "archive", [USE_ALL] = "all",
	[USE_FLAGGED] = "flagged",
};
_Static_assert(sizeof(uses) / sizeof(uses[0]) == USE_COUNT,
               "a name for each special use");

/* --- Writing --- */

static int pack_parts(const struct folder *f, struct buf *b, struct err *e)
{
	if (buf_str(b, ""))
		return err_memory(e);
	for (size_t i = 0; i < f->depth; i++)
		if (buf_add(b, f->comp[i], strlen(f->comp[i]) + 1))
			return err_memory(e);
	return 0;
}

static const char *use_name(enum mail_use use)
{
	return (unsigned)use < USE_COUNT ? uses[use] : "";
}

static const char *path_of(const struct folder *f)
{
	return f->path ? f->path : f->raw;
}

static int put_source(struct store *s, int64_t mailbox, struct folder *f,
                      int64_t dest, const char *left_out, struct err *e)
{
	CLEANUP(buf_release_p) struct buf parts = BUF_INIT(0);
	CLEANUP(query_end) struct query q = { 0 };
	char delim[2] = { f->delim, '\0' };

	if (pack_parts(f, &parts, e))
		return -1;
	if (query_begin(&q, s, ST_SOURCE_PUT, e,
	                V(vi(mailbox), vt(f->raw), vt(path_of(f)),
	                  vb(parts.p, parts.n), vt(delim), vt(use_name(f->use)),
	                  vi(f->noselect), vi(f->shared), vi((int64_t)f->bytes),
	                  vz(dest), vt(left_out))))
		return -1;
	if (query_next(&q, e) < 0)
		return -1;
	f->id = column_int(q.st, 0);
	return 0;
}

int store_source_folder_put(struct store *s, int64_t mailbox, struct folder *f,
                            int64_t dest, const char *left_out, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, put_source(s, mailbox, f, dest, left_out, e), e);
}

int store_source_listed(struct store *s, int64_t folder, uint32_t uidvalidity,
                        uint32_t uidnext, uint64_t modseq, uint64_t messages,
                        struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(
	        s,
	        db_run_met(s, ST_SOURCE_LISTED, e,
	                   V(vi(folder), vi(uidvalidity), vi(uidnext),
	                     vi((int64_t)modseq), vi((int64_t)messages))),
	        e);
}

static int find_dest(struct store *s, const char *to_key, struct folder *f,
                     uint32_t *recorded, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	int rc;

	if (query_begin(&q, s, ST_DEST_FIND, e, V(vt(to_key), vt(f->raw))))
		return -1;
	rc = query_next(&q, e);
	f->id = rc > 0 ? column_int(q.st, 0) : 0;
	*recorded = rc > 0 ? (uint32_t)column_int(q.st, 1) : 0;
	return rc < 0 ? -1 : 0;
}

static int add_dest(struct store *s, const char *to_key, struct folder *f,
                    const struct buf *parts, struct err *e)
{
	char delim[2] = { f->delim, '\0' };

	if (db_run(s, ST_DEST_ADD, e,
	           V(vt(to_key), vt(f->raw), vt(path_of(f)),
	             vb(parts->p, parts->n), vt(delim), vt(use_name(f->use)),
	             vi(f->noselect), vi(f->shared), vi(f->uidvalidity),
	             vi(f->uidnext), vi((int64_t)f->modseq),
	             vi((int64_t)f->messages), vi((int64_t)f->bytes))))
		return -1;
	f->id = sqlite3_last_insert_rowid(s->writer.db);
	return 0;
}

static int put_dest(struct store *s, const char *to_key, struct folder *f,
                    bool *changed, struct err *e)
{
	CLEANUP(buf_release_p) struct buf parts = BUF_INIT(0);
	char delim[2] = { f->delim, '\0' };
	uint32_t recorded;

	if (pack_parts(f, &parts, e) || find_dest(s, to_key, f, &recorded, e))
		return -1;
	if (changed)
		*changed = recorded && f->uidvalidity &&
		           recorded != f->uidvalidity;
	if (!f->id)
		return add_dest(s, to_key, f, &parts, e);
	return db_run(s, ST_DEST_NAMES, e,
	              V(vi(f->id), vt(path_of(f)), vb(parts.p, parts.n),
	                vt(delim), vt(use_name(f->use)), vi(f->noselect),
	                vi(f->shared), vi(f->uidvalidity)));
}

int store_dest_folder_put(struct store *s, const char *to_key, struct folder *f,
                          bool *changed, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, put_dest(s, to_key, f, changed, e), e);
}

int store_dest_state(struct store *s, int64_t folder, uint32_t uidvalidity,
                     uint32_t uidnext, uint64_t modseq, uint64_t messages,
                     struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(
	        s,
	        db_run_met(s, ST_DEST_STATE, e,
	                   V(vi(folder), vi(uidvalidity), vi(uidnext),
	                     vi((int64_t)modseq), vi((int64_t)messages))),
	        e);
}

int store_dest_flags(struct store *s, int64_t folder, bool scanned,
                     bool doubted, struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s,
	                 db_run_met(s, ST_DEST_FLAGS, e,
	                            V(vi(folder), vi(scanned), vi(doubted))),
	                 e);
}

static int renumber(struct store *s, int64_t folder, uint32_t uidvalidity,
                    struct err *e)
{
	if (db_run(s, ST_DEST_UNNAME, e, V(vi(folder))) ||
	    db_run(s, ST_COPIES_CLEAR, e, V(vi(folder))))
		return -1;
	return db_run_met(s, ST_DEST_RENUMBER, e,
	                  V(vi(folder), vi(uidvalidity)));
}

int store_dest_renumbered(struct store *s, int64_t folder, uint32_t uidvalidity,
                          struct err *e)
{
	if (write_begin(s, e))
		return -1;
	return write_end(s, renumber(s, folder, uidvalidity, e), e);
}

/* --- Reading --- */

static enum mail_use use_find(const unsigned char *name)
{
	for (size_t i = 0; name && i < USE_COUNT; i++)
		if (strcmp((const char *)name, uses[i]) == 0)
			return (enum mail_use)i;
	return USE_NONE;
}

static int unpack_parts(struct folder *f, const char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += p[i] == '\0';
	f->comp = calloc(count + 1, sizeof(*f->comp));
	if (!f->comp)
		return -1;
	while (f->depth < count) {
		size_t len = strlen(p);

		f->comp[f->depth] = strdup(p);
		if (!f->comp[f->depth])
			return -1;
		f->depth++;
		p += len + 1;
	}
	return 0;
}

/* The first columns of both folder lists, FOLDER_COLUMNS. */
static int load_folder(sqlite3_stmt *st, struct folder *f)
{
	const unsigned char *delim = sqlite3_column_text(st, 4);

	f->id = column_int(st, 0);
	f->delim = delim ? (char)delim[0] : '\0';
	f->use = use_find(sqlite3_column_text(st, 5));
	f->noselect = column_int(st, 6) != 0;
	f->shared = column_int(st, 7) != 0;
	f->uidvalidity = (uint32_t)column_int(st, 8);
	f->uidnext = (uint32_t)column_int(st, 9);
	f->modseq = (uint64_t)column_int(st, 10);
	f->messages = (uint64_t)column_int(st, 11);
	f->bytes = (uint64_t)column_int(st, 12);
	f->have_status = f->uidvalidity != 0;
	return column_text(st, 1, &f->raw) || column_text(st, 2, &f->path) ||
	       unpack_parts(f, sqlite3_column_blob(st, 3),
	                    (size_t)sqlite3_column_bytes(st, 3));
}

void source_folders_free(struct source_folder **v, size_t n)
{
	for (size_t i = 0; *v && i < n; i++) {
		folder_release(&(*v)[i].f);
		free((*v)[i].left_out);
	}
	free(*v);
	*v = NULL;
}

static int load_source(sqlite3_stmt *st, struct source_folder *f)
{
	f->dest = column_int(st, 13);
	f->listed = column_int(st, 15) != 0;
	return load_folder(st, &f->f) || column_text(st, 14, &f->left_out);
}

static int load_sources(struct store *s, int64_t mailbox,
                        struct source_folder **v, size_t *n, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	size_t cap = 0;
	int rc;

	if (query_begin(&q, s, ST_SOURCE_ALL, e, V(vi(mailbox))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(v, &cap, *n, sizeof(**v), e))
			return -1;
		(*v)[*n] = (struct source_folder){ 0 };
		if (load_source(q.st, &(*v)[(*n)++]))
			return err_memory(e);
	}
	return rc;
}

int store_source_folders(struct store *s, int64_t mailbox,
                         struct source_folder **out, size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	if (load_sources(s, mailbox, out, n, e) == 0)
		return 0;
	source_folders_free(out, *n);
	*n = 0;
	return -1;
}

void dest_folders_free(struct dest_folder **v, size_t n)
{
	for (size_t i = 0; *v && i < n; i++)
		folder_release(&(*v)[i].f);
	free(*v);
	*v = NULL;
}

static int load_dests(struct store *s, const char *to_key,
                      struct dest_folder **v, size_t *n, struct err *e)
{
	CLEANUP(query_end) struct query q = { 0 };
	struct dest_folder *d;
	size_t cap = 0;
	int rc;

	if (query_begin(&q, s, ST_DEST_ALL, e, V(vt(to_key))))
		return -1;
	while ((rc = query_next(&q, e)) > 0) {
		if (grow(v, &cap, *n, sizeof(**v), e))
			return -1;
		d = &(*v)[(*n)++];
		*d = (struct dest_folder){ 0 };
		d->scanned = column_int(q.st, 13) != 0;
		d->doubted = column_int(q.st, 14) != 0;
		if (load_folder(q.st, &d->f))
			return err_memory(e);
	}
	return rc;
}

int store_dest_folders(struct store *s, const char *to_key,
                       struct dest_folder **out, size_t *n, struct err *e)
{
	*out = NULL;
	*n = 0;
	if (load_dests(s, to_key, out, n, e) == 0)
		return 0;
	dest_folders_free(out, *n);
	*n = 0;
	return -1;
}

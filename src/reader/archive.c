/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive.c - the reader of archives of every kind. They are strangers'
 * files: a child that is shut in parses them (archive/child.h), and this
 * side takes from it what a message is, and nothing on trust.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/kind.h"
#include "reader/archive.h"
#include "util/buf.h"

unsigned archive_kind(const struct reader *r)
{
	switch (r->a->kind) {
	case KIND_MBOX:
		return WANT_MBOX;
	case KIND_MAILDIR:
		return WANT_MAILDIR;
	case KIND_EML:
		return WANT_EML;
	case KIND_PST:
		return WANT_PST;
	default:
		return WANT_ANY;
	}
}

static bool archive_accepts(const struct account *a)
{
	return a->kind == KIND_MBOX || a->kind == KIND_MAILDIR ||
	       a->kind == KIND_EML || a->kind == KIND_PST ||
	       a->kind == KIND_PATH;
}

/* --- no mail in it ------------------------------------------------------- */

static int locked_pst(const struct reader *r, struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "%.100s " KIND_PST_LOCKED, r->a->path);
}

static int empty_pst(const struct reader *r, struct err *e)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "%.100s is an Outlook file, but not one folder or "
	                "message of it can be found: what there is of it is "
	                "cut off, damaged or empty. Look for another copy.",
	                r->a->path);
}

static const char *wanted_name(const struct reader *r)
{
	switch (archive_kind(r)) {
	case WANT_MBOX:
		return "an mbox file, which begins with a line \"From ... "
		       "date\"";
	case WANT_MAILDIR:
		return "a Maildir, a folder with a folder \"cur\" in it";
	case WANT_EML:
		return "a message file (.eml)";
	case WANT_PST:
		return "an Outlook file (PST or OST)";
	default:
		return "an archive that mailhaul knows (mbox, Maildir, .eml, "
		       "PST, OST, or a .zip, .tar, .gz or .7z of these)";
	}
}

static bool named_outlook(const struct reader *r)
{
	return (r->a->kind == KIND_PATH || r->a->kind == KIND_PST) &&
	       (name_ends(r->a->path, ".pst") || name_ends(r->a->path, ".ost"));
}

static int no_file(const struct reader *r, struct err *e)
{
	const char *also = "";

	if (r->child.hello.kind == FILE_EMPTY)
		also = " The file is empty.";
	else if (name_ends(r->a->path, ".msg"))
		also = " Messages that Outlook saved as .msg are not read by "
		       "this version: save them as .eml.";
	else if (r->child.hello.kind == FILE_OTHER && named_outlook(r))
		also = " It is named like an Outlook file, but nothing in it "
		       "is as in one: look for another copy or a backup.";
	else if (r->a->kind != KIND_PATH && r->child.hello.kind != FILE_OTHER)
		also = " It is of another kind: name its path alone, and "
		       "mailhaul finds out which.";
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "%.100s is not %s.%s", r->a->path, wanted_name(r),
	                also);
}

int archive_no_kind(struct reader *r, bool has_folders, struct err *e)
{
	const char *also = r->a->kind == KIND_PATH
	                           ? ""
	                           : " If it holds mail of another kind, name "
	                             "its path alone.";
	unsigned kind = r->child.hello.kind;
	bool pst = !r->is_folder &&
	           (r->a->kind == KIND_PATH || r->a->kind == KIND_PST);

	if (pst && kind == FILE_PST_LOCKED)
		return locked_pst(r, e);
	if (has_folders)
		return 0;
	if (pst && kind == FILE_PST)
		return empty_pst(r, e);
	if (r->is_folder)
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		                "No mail was found in the folder %.100s: it "
		                "is not, and does not hold, %s.%s",
		                r->a->path, wanted_name(r), also);
	if (kind == FILE_PACKED)
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		                "No mail was found in the packed archive "
		                "%.100s: it does not hold %s.%s",
		                r->a->path, wanted_name(r), also);
	return no_file(r, e);
}

/* --- the driver ---------------------------------------------------------- */

static void archive_close(struct reader **r)
{
	if (!*r)
		return;
	child_stop(&(*r)->child);
	walk_release(*r);
	list_release(*r);
	folders_release(*r);
	local_queue_release(&(*r)->asked);
	close_p(&(*r)->root);
	free(*r);
	*r = NULL;
}

static int open_root(struct reader *r, struct err *e)
{
	const char *path = r->a->path;
	struct stat st;

	r->root = local_open(AT_FDCWD, path, 0, true);
	if (r->root < 0 || fstat(r->root, &st))
		return local_error(e, ERR_ACCOUNT, path, errno);
	r->is_folder = S_ISDIR(st.st_mode);
	if (!r->is_folder && !S_ISREG(st.st_mode))
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		                "%.200s is neither a file nor a folder, so "
		                "there can't be an archive in it.",
		                path);
	return 0;
}

static int archive_open(struct reader **out, const struct account *a,
                        struct err *e)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return err_memory(e);
	r->a = a;
	r->root = -1;
	r->child = (struct child)CHILD_NONE;
	if (open_root(r, e)) {
		archive_close(&r);
		return -1;
	}
	*out = r;
	return 0;
}

static int learn_names(struct reader *r, struct err *e)
{
	const struct walk all = { 0 };
	struct walk_found f;
	int got;

	if (walk_begin(r, W_NAMES_ONLY, &all, e))
		return -1;
	while ((got = walk_next(r, &f, e)) > 0)
		if (f.what == FOUND_MESSAGE) /* where the child broke down */
			message_release(&f.m);
	return got;
}

/* True if more than the names has to be looked at for the first mail. */
static bool may_hold_mail(const struct reader *r)
{
	return r->is_folder || r->child.hello.kind == FILE_PACKED;
}

int archive_names(struct reader *r, struct err *e)
{
	if (r->named)
		return 0;
	if (learn_names(r, e) || archive_no_kind(r, true, e) ||
	    (!r->n && may_hold_mail(r) && list_look(r, e)) ||
	    archive_no_kind(r, r->n > 0, e) || folders_cut(r, e))
		return -1;
	r->named = true;
	return 0;
}

static int archive_folders(struct reader *r, struct folder_list *out,
                           struct err *e)
{
	/* In the middle of a walk: what has been told so far. Else things may
	 * have changed since. */
	if (r->named && (!r->w.on || (r->w.over && !r->w.hole.at))) {
		list_release(r);
		if (learn_names(r, e))
			return -1;
	}
	return archive_names(r, e) || folders_out(r, out, e) ? -1 : 0;
}

static int archive_survey(struct reader *r, struct folder_list *out,
                          const struct others **others, struct err *e)
{
	if (archive_names(r, e) || list_look(r, e))
		return -1;
	*others = &r->others;
	return folders_out(r, out, e);
}

static int archive_walk(struct reader *r, const struct walk *w, struct err *e)
{
	return archive_names(r, e) || walk_begin(r, 0, w, e) ? -1 : 0;
}

const struct reader_ops reader_archive = {
	.name = "archive",
	.traits = READER_STREAM,
	.accepts = archive_accepts,
	.open = archive_open,
	.folders = archive_folders,
	.list = archive_list,
	.ask = archive_ask,
	.fetch = archive_fetch,
	.close = archive_close,
	.walk = archive_walk,
	.next = walk_next,
	.take = walk_take,
	.survey = archive_survey,
};

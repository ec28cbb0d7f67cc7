/* SPDX-License-Identifier: Apache-2.0 */
/* reader.c - which driver reads an account; see mailhaul/reader.h. */
#include "mailhaul/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reader/local.h"
#include "util/buf.h"

static const struct reader_ops *const drivers[] = {
	&reader_imap,
	&reader_maildir,
	&reader_mbox,
};

static int not_built(struct err *e, const char *what, const char *instead)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "This version of mailhaul does not read %s yet. %s",
	                what, instead);
}

static int packed(struct err *e, const char *kind)
{
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "This is a %s archive, and this version of mailhaul "
	                "does not open those yet. Unpack it into a folder and "
	                "name that folder.",
	                kind);
}

static int pst(struct err *e)
{
	return not_built(e, "Outlook's PST and OST files",
	                 "Export the mail from Outlook to an IMAP mailbox, or "
	                 "convert it to mbox with readpst.");
}

static int eml(struct err *e)
{
	return not_built(e, "single .eml messages",
	                 "Put the mail into a Maildir or an mbox file, and "
	                 "name that.");
}

/* Files that are known by their first octets, but not read yet. */
static int known_content(const char *head, size_t n, struct err *e)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *kind;
	} kinds[] = { { "PK\003\004", 4, ".zip" },
		      { "\037\213", 2, ".gz" },
		      { "7z\274\257", 4, ".7z" } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (n >= kinds[i].n &&
		    memcmp(head, kinds[i].magic, kinds[i].n) == 0)
			return packed(e, kinds[i].kind);
	if (n >= 262 && memcmp(head + 257, "ustar", 5) == 0)
		return packed(e, ".tar");
	if (n >= 4 && memcmp(head, "!BDN", 4) == 0)
		return pst(e);
	return 0;
}

static int no_kind(const char *path, struct err *e)
{
	int fd CLEANUP(close_p) = local_open(AT_FDCWD, path, 0, true);
	char head[512];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st))
		return local_error(e, ERR_ACCOUNT, path, errno);
	if (S_ISDIR(st.st_mode))
		return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
		                "No mail was found in the folder %.200s: it "
		                "is neither a Maildir (with a folder \"cur\" "
		                "in it) nor holds mbox files.",
		                path);
	n = pread(fd, head, sizeof(head), 0);
	if (n > 0 && known_content(head, (size_t)n, e))
		return -1;
	return err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	                "%.200s is not an archive that mailhaul knows: not an "
	                "mbox file, which begins with a line \"From ... "
	                "date\", and not a Maildir.%s",
	                path, n == 0 ? " The file is empty." : "");
}

const struct reader_ops *reader_find(const struct account *a, struct err *e)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (drivers[i]->accepts(a))
			return drivers[i];
	switch (a->kind) {
	case KIND_EML:
		eml(e);
		break;
	case KIND_PST:
		pst(e);
		break;
	case KIND_M365:
	case KIND_M365_IMAP:
	case KIND_M365_GRAPH:
		not_built(e, "Microsoft 365 mailboxes",
		          "Name its IMAP server with imaps:// where it allows "
		          "sign-in by password.");
		break;
	case KIND_PATH:
		no_kind(a->path, e);
		break;
	default:
		err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INTERNAL,
		        "mailhaul has no reader for this kind of mailbox. "
		        "This is a fault of mailhaul: please report it.",
		        "kind %d", (int)a->kind);
	}
	return NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - how archives are read: what the parsers are given and what
 * they tell. Everything in src/archive runs in the sandboxed child
 * (sandbox.h): no network, no file but those below the root it was handed,
 * bounded memory. It is single-threaded, and may crash on a hostile file:
 * the parent records that and goes on behind the item that was begun last.
 *
 *   input  octets of one file, in order (input.h)
 *   kind   what they are, by content (kind.h)
 *   a parser (mbox.h, eml.h, maildir.h, packed.h, pst/pst.h, tree.h) tells
 *          a sink
 *   sink   folders, items, octets; writes them to the parent (out.h)
 *
 * A parser works on a stream: it never needs an item or a file in memory.
 * Only a PST is read here and there (input.fd, or spool.h).
 */
#ifndef MAILHAUL_ARCHIVE_SOURCE_H
#define MAILHAUL_ARCHIVE_SOURCE_H

#include <sys/types.h>

#include "mailhaul/mail.h"

/* Octets of one file: of the disk, or of an entry of a packed archive. */
struct input {
	/* Up to n octets in order, 0 at the end, -1: damaged or unreadable
	 * from here on, why says how (static or the input's, a part of a
	 * sentence: "the archive ends in the middle"). */
	ssize_t (*read)(struct input *in, void *p, size_t n);
	/* A regular file that can be read at any offset with pread(), or -1:
	 * then only read() works. */
	int fd;
	uint64_t size; /* octets, 0: not known */
	int64_t mtime; /* seconds since the epoch, 0: not known */
	const char *why;
	void *arg;
};

/* A folder. raw is its identity in this archive (UTF-8, no NUL, stable over
 * runs); path is for people: parts joined by '/', UTF-8. */
struct place {
	const char *raw;
	const char *path;
	enum mail_use use;
	bool shared; /* of a mailbox that this one may look into */
	/* Changes when what stands in it can't be the same any more; never
	 * 0. mbox: from its first message; others: 1. */
	uint32_t uidvalidity;
	/* A number that differs whenever the folder may differ (size, time,
	 * inode mixed), 0: not known. A folder with the same one is not
	 * looked at again in a later pass. */
	uint64_t state;
};

/* A message that stands in the archive. */
struct item {
	/* Identity in its folder: not 0, below 2^63. mbox: (offset + 1) <<
	 * 16 | 16 bits of the header's hash; others: item_uid(path or base
	 * name). */
	uint64_t uid;
	const char *key; /* for people: where it is; NULL: nothing to add */
	uint64_t size;   /* octets, about; 0: not known yet */
	unsigned flags;  /* enum mail_flag */
	const char *keywords;  /* space-separated, sorted, or NULL */
	struct mail_date date; /* as INTERNALDATE */
	bool wire; /* lines end in CRLF already: a bare LF is content */
	/* A problem with the item before this: wanted if that was, whether
	 * it is asked for or not. */
	bool beside;
};

/* 63 bits of SHA-256 of name, never 0. */
uint64_t item_uid(const char *name);

/* What the parent wants of a folder; the sink looks it up by raw. */
struct wanted {
	bool omit;      /* pass over the whole folder if that saves work */
	bool only_want; /* items in want and no others */
	const uint64_t *want; /* uids, ascending */
	size_t want_n;
	uint64_t resume; /* 0, or the uid behind which to go on (mbox) */
	/* wanted_file() only: the folders of the file were not read equally
	 * far. If resume stands where it stood, go on behind least, 0: from
	 * the start; the sink knows what is wanted of each folder. */
	bool apart;
	uint64_t least;
};

/*
 * Where everything goes. All return -1 when the parent wants no more (or is
 * gone): the parser returns -1 at once. Strings are borrowed for the call.
 */
struct sink {
	/* Names only: tell folders that can be known soon, no items. Packed
	 * archives and mboxes with labels look up to SOON octets ahead. */
	bool names_only;
	bool bodies; /* else begin() never wants octets */
	/* What is no mail, each as a file whose path is its key, and no mail
	 * (pst/pst.h). */
	bool items;
	bool unpack; /* a winmail.dat in a PST is taken apart */

	/* The folder of the items that follow. May be told again. */
	int (*folder)(struct sink *s, const struct place *p);
	/* An item of that folder. 1: its octets are wanted, 0: they are not.
	 * Call it once the header has been read (flags, date, labels). */
	int (*begin)(struct sink *s, const struct item *it);
	/* Octets as they stand in the archive, without what belongs to the
	 * archive (From_ lines, quoting, emlx's count). After 1 only. */
	int (*data)(struct sink *s, const void *p, size_t n);
	/* Of the item that is begun, before its end: made if it is not
	 * MADE_AS_IT_WAS; note NULL, or sentences for people on what could
	 * not be kept exactly. */
	int (*about)(struct sink *s, enum mail_made made, const char *note);
	/* Ends every begun item, also after 0. size: its octets, 0: not
	 * counted. hole: NULL, or one plain sentence why it can't be read
	 * whole; what was sent of it is thrown away then. */
	int (*end)(struct sink *s, uint64_t size, const char *hole);
	/* Not mail, left where it is: path and "a calendar", "not mail". */
	int (*other)(struct sink *s, const char *name, const char *what);
	/* What is wanted of a folder (never NULL), and of an item in it. */
	const struct wanted *(*wanted)(struct sink *s, const char *raw);
	/* The same of all folders of one file together, which are called
	 * raw#..., until the next call: omit and only_want if that is true
	 * of each, want of all of them, the largest resume. */
	const struct wanted *(*wanted_file)(struct sink *s, const char *raw);
	/* The message at w->resume is not there any more: the walk ends. */
	int (*moved_on)(struct sink *s);
	/* A sign of life in long work without items; octets: looked through
	 * so far. Cheap: call it each megabyte or so. */
	int (*working)(struct sink *s);
	/* The parser died on this uid or path before: pass over it. */
	bool (*is_poison)(struct sink *s, const char *raw, uint64_t uid);
	void *arg;
};
/* MAILHAUL_TEST_ARCHIVE_SOON is for tests. */
uint64_t source_soon(void);
#define SOON source_soon()

/*
 * A part of an archive from which nothing more can be read (cut, damaged, a
 * bomb): told as an item that is a hole, so that problems lists it. name
 * tells where; uid comes from it. The folder is the one told last, or place.
 */
int source_trouble(struct sink *s, const char *name, const char *sentence);
/* The same of an archive, any folder of which may have lost something. */
int source_trouble_all(struct sink *s, const char *name, const char *sentence);

/*
 * Where a file stands, for the names of folders. path "" with a name: the
 * archive is this one file.
 */
struct where {
	const char *raw;  /* path below the root, '/' joined, as on disk */
	const char *path; /* the same for people: UTF-8, without suffixes */
	unsigned nested;  /* packed archives around it */
	/* What tree_file() remembers from file to file (dovecot-keywords of
	 * packed Maildirs): hand the same one on. NULL: nothing. */
	struct tree_notes *notes;
};
#define NESTED_MOST 2 /* an archive in an archive, and no deeper */

enum want_kind { WANT_ANY, WANT_MBOX, WANT_MAILDIR, WANT_EML, WANT_PST };

#endif

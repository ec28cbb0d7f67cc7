/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir.h - what the names in a Maildir mean, for its reader and its
 * writer: "unique base" ":2," "flag letters".
 *
 *   maildir_index_scan(&idx, fd);            all names of cur/ and new/
 *   path = maildir_index_path(&idx, base);   where it was seen last
 *   maildir_index_release(&idx);
 *
 * An index keeps no names, only the hash of each base and what follows it:
 * 16 octets a message.
 */
#ifndef MAILHAUL_MAILDIR_H
#define MAILHAUL_MAILDIR_H

#include "mailhaul/account.h"
#include "mailhaul/mail.h"

#define MAILDIR_KEYWORDS 26
#define MAILDIR_KEYWORDS_MAX 4096 /* octets of a list */
#define MAILDIR_KEYWORD_FILE (64u << 10) /* of dovecot-keywords, at most */

enum maildir_sub { MAILDIR_CUR, MAILDIR_NEW };
const char *maildir_sub_name(enum maildir_sub sub); /* "cur", "new" */

/* Octets of name before ":2," (or what stands for it), its base. */
size_t maildir_base(const char *name);
/* The letters after ":2,", or "". */
const char *maildir_letters(const char *name);
/* True for names of messages (not hidden ones). */
bool maildir_is_message(const char *name);

/* dovecot-keywords: what the letters a to z stand for. */
struct maildir_keywords {
	char *v[MAILDIR_KEYWORDS];
};
/* Reads the file in the directory fd; none is no error. */
int maildir_keywords_read(struct maildir_keywords *k, int fd);
/* Its text; later lines win. -1: memory. */
int maildir_keywords_text(struct maildir_keywords *k, const char *p,
                          size_t n);
void maildir_keywords_release(struct maildir_keywords *k);

/* The folders below root: raw is the directory below root, "." for root
 * itself, which is INBOX. */
int maildir_tree(const char *root, struct folder_list *out, struct err *e);

unsigned maildir_flags(const char *letters);
/* Of the letters a to z; malloc'd in *out, or NULL. -1: memory. */
int maildir_keywords_of(const struct maildir_keywords *k,
                        const char *letters, char **out);

/*
 * What a base name tells: seconds and a number below them (uid grows with
 * both), S= and W= (0: not told). wire: the file is in wire form, not with
 * LF line ends, because both are told and equal.
 */
struct maildir_told {
	bool have_time;
	uint64_t uid;
	uint64_t size, wire_size;
	bool wire;
};
struct maildir_told maildir_told(const char *name);
/* The uid of a name that tells no time. */
uint64_t maildir_uid(int64_t sec, const char *name);

struct maildir_index {
	struct maildir_slot *slots;
	size_t n, cap;
	char **odd; /* suffixes that are not as they should be */
	size_t odd_n, odd_cap;
};
/* The names of messages in cur/ and new/ below the folder's directory fd,
 * some of them more than once when others rename them meanwhile; non-zero
 * from each stops: 1. -1 with errno. */
typedef int maildir_name_fn(enum maildir_sub sub, const char *name,
                            void *arg);
int maildir_scan(int fd, maildir_name_fn *each, void *arg);
int maildir_index_scan(struct maildir_index *idx, int fd);
/* Remembers or replaces where base is now. -1: memory. */
int maildir_index_put(struct maildir_index *idx, enum maildir_sub sub,
                      const char *name);
/* "cur/BASE:2,S" of a base as it was at the last look, malloc'd; NULL: not
 * there, or memory. */
char *maildir_index_path(const struct maildir_index *idx, const char *base);
void maildir_index_release(struct maildir_index *idx);

/* The file fd, whose base name is base, into m as its wire form (body,
 * sha256, fp, fetched). 0; 1 if its disk can't read it; -1. */
int maildir_take(int fd, const char *base, const struct account *a,
                 struct message *m, struct err *e);
/* What a listing says of a file: key, size, flags, keywords, date. -1:
 * memory. */
int maildir_describe(const char *name, uint64_t size, int64_t mtime,
                     const struct maildir_keywords *k, struct message *m);

#endif

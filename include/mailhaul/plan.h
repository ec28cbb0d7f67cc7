/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - decisions before a byte moves: options, filters, where each
 * folder goes, the CSV of a fleet. Pure, but for plan_mailbox().
 */
#ifndef MAILHAUL_PLAN_H
#define MAILHAUL_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "mailhaul/err.h"
#include "mailhaul/mail.h"
#include "mailhaul/writer.h"

enum repair { REPAIR_REFUSED, REPAIR_NEVER };

struct string_list {
	char **v;
	size_t n;
};
int string_list_add(struct string_list *l, const char *s); /* -1: memory */
void string_list_release(struct string_list *l);

/*
 * The settings of one mailbox, kept in the store as JSON. 0, NULL and
 * OPT_NO_DATE mean "not set".
 */
#define OPT_NO_DATE INT64_MIN
struct options {
	struct string_list include, exclude; /* globs over folder paths */
	struct string_list map;              /* OLD=NEW */
	char *into;
	int64_t since, before;  /* seconds since the epoch */
	char *since_text, *before_text; /* as given */
	uint64_t max_size;
	bool oldest_first;
	unsigned lanes;         /* 0: default */
	uint64_t rate;          /* octets a second */
	char *ca_file, *pin;
	bool allow_cleartext;
	bool compress;
	bool unpack_winmail;    /* the files in a winmail.dat of a PST */
	enum repair repair;
	/* Where passwords are found, never a password. */
	char *from_password_file, *from_password_command;
	char *to_password_file, *to_password_command;
	/* Microsoft 365: the organisation and the registration in it. */
	char *tenant, *client_id, *cloud;
	char *client_secret_file, *client_certificate;
	char *csv;              /* CSV whose row of this name is read again */
	uint32_t given;         /* which ones options_set was asked for */
};
void options_init(struct options *o);
void options_release(struct options *o);
/*
 * Sets one option by its long name without dashes ("max-size"); repeatable
 * ones add. A flag takes "" (or yes/no, true/false, 1/0). EC_INPUT with a
 * sentence that names option and value. EC_USAGE: no such option.
 */
int options_set(struct options *o, const char *name, const char *value,
                struct err *e);
/* True if name is an option of options_set; *flag: it takes no value. */
bool options_known(const char *name, bool *flag);
char *options_json(const struct options *o); /* malloc'd, NULL: memory */
int options_from_json(struct options *o, const char *json, struct err *e);
/* Replaces in o what over sets (lists as a whole). */
int options_merge(struct options *o, const struct options *over);
/* EC_INPUT if two options contradict each other (since after before; a
 * password's file and its command): once all are set. */
int options_check(const struct options *o, struct err *e);

/* "10M" -> octets; YYYY-MM-DD in local time -> seconds. */
int plan_size(const char *text, uint64_t *out);
int plan_date(const char *text, int64_t *out);

/* '*' and '?' stay within a level, '**' crosses; case matters, except
 * that INBOX is INBOX. */
bool plan_glob(const char *pattern, const char *path);

/*
 * NULL if the message is to be moved, else why not, in plain words
 * ("larger than --max-size 10M"). Borrowed, static.
 */
const char *plan_message(const struct options *o, const struct message *m);

/* The special use of a folder: its attribute, else the table of localised
 * names (only for top-level folders, or direct children of INBOX). */
enum mail_use plan_use(const struct folder *f);

/*
 * Where each source folder goes: to[i] for src->v[i]. comp/path filled
 * for the destination (INBOX is "INBOX"), or left_out says why not. Rules:
 * include/exclude, map (longest OLD wins; sub-folders follow), into, special
 * use (the destination's folder of that use, found by plan_use), INBOX to
 * INBOX, names made fit for r, clashes told apart by a suffix " (2)".
 * Deterministic: the same input gives the same output, and a folder that
 * an earlier pass mapped (prior[i], UTF-8 path or NULL) stays where it is
 * unless an option changed it.
 */
struct folder_target {
	struct folder to;
	const char *left_out; /* static words, or NULL */
	bool renamed;         /* not the same path as the source's */
	bool merged;          /* shares its target with another on purpose */
};
int plan_folders(const struct folder_list *src,
                 const struct folder_list *dst, const struct name_rules *r,
                 const struct options *o, struct folder_target *to,
                 struct err *e);
/* The same with what an earlier pass decided: prior[i] is src->v[i]'s
 * target then (path), or NULL. prior itself may be NULL. */
int plan_folders_again(const struct folder_list *src,
                       const struct folder_list *dst,
                       const struct name_rules *r, const struct options *o,
                       const char *const *prior, struct folder_target *to,
                       struct err *e);
void folder_target_release(struct folder_target *t);

/* One row of a fleet's CSV. */
struct csv_row {
	unsigned line;
	char *name, *from, *to;
	char *from_password, *to_password; /* wiped by csv_release */
	struct options options;
};
struct csv_mistake {
	unsigned line; /* 0: the file */
	char *text;
};
struct csv {
	struct csv_row *rows;
	size_t n;
	struct csv_mistake *mistakes;
	size_t mistakes_n;
};
/*
 * Reads and checks the whole file. Returns -1 (EC_INPUT) if it can't be
 * read at all or has mistakes: all of them are in out. from_template and
 * to_template may be NULL; {user} is the column "user", percent-encoded
 * where the locator needs it. A file with a password column that others
 * may read is a mistake.
 */
int csv_read(struct csv *out, const char *path, const char *from_template,
             const char *to_template, struct err *e);
void csv_release(struct csv *c);

#endif

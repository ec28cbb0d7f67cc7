/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv.h - for src/plan/ only: the steps from a file to checked rows.
 *
 *   csv_read.c    the file: who may read it, its size, its encoding
 *   csv_parse.c   octets to records, RFC 4180
 *   csv_header.c  the header line: what each column means
 *   csv_rows.c    records to mailboxes, and the mistakes of one row
 *   csv_check.c   the whole: header, rows, and what rows have in common
 */
#ifndef MAILHAUL_PLAN_CSV_H
#define MAILHAUL_PLAN_CSV_H

#include "mailhaul/account.h"
#include "mailhaul/plan.h"
#include "plan/options.h"

#define CSV_SIZE_MAX ((size_t)64 << 20)

/* Empty, with room for mistakes. -1: memory. */
int csv_init(struct csv *c);
/* A mistake of line (0: the whole file). Beyond a ceiling they are only
 * counted as "and more". */
void csv_mistake(struct csv *c, unsigned line, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* Mistakes in the order of their lines: once all are told. */
void csv_sort(struct csv *c);

/* --- records ------------------------------------------------------------ */

struct csv_record {
	unsigned line; /* where it begins */
	char **v;      /* fields, in the text itself */
	size_t n, cap;
	const char *mistake; /* static words, or NULL */
};
struct csv_parser {
	char *p, *end; /* *end is '\0' */
	unsigned line;
	char separator;
};
/* text is NUL-terminated at text + n, and is changed as records are read. */
void csv_parser_init(struct csv_parser *p, char *text, size_t n);
/* 1: a record (or its mistake), 0: the end, -1: memory. Empty lines are
 * skipped. */
int csv_next(struct csv_parser *p, struct csv_record *r);
void csv_record_release(struct csv_record *r);

/* --- columns ------------------------------------------------------------ */

enum column_kind {
	COL_NONE, /* no name, or not known */
	COL_FROM,
	COL_TO,
	COL_NAME,
	COL_USER,
	COL_FROM_PASSWORD,
	COL_TO_PASSWORD,
	COL_OPTION
};
struct column {
	enum column_kind kind;
	const struct option_def *option;
	bool unknown;
};
struct csv_job {
	struct csv *out;
	const char *from_template, *to_template;
	const char *path; /* for rows that hold passwords, or NULL */
	struct column *columns;
	size_t columns_n;
	bool has[COL_OPTION + 1];
	char **pairs; /* of each row: its two mailboxes, or NULL */
	size_t rows_cap;
};
/* -1: memory. */
int csv_header(struct csv_job *j, const struct csv_record *r);

/* --- rows and the whole ------------------------------------------------- */

int csv_row_add(struct csv_job *j, const struct csv_record *r);
/* Reads a whole text, without the file's checks; has_passwords: there is a
 * password column. -1: memory. */
int csv_check_text(struct csv *out, char *text, size_t n, const char *path,
                   const char *from_template, const char *to_template,
                   bool *has_passwords);

#endif

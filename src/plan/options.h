/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - for src/plan/ only: the one table of a mailbox's options, from
 * which the command line, the CSV and the JSON of the store are read.
 */
#ifndef MAILHAUL_PLAN_OPTIONS_H
#define MAILHAUL_PLAN_OPTIONS_H

#include <stddef.h>

#include "mailhaul/plan.h"

enum option_kind {
	OPT_GLOBS,  /* struct string_list */
	OPT_MAPS,   /* struct string_list of OLD=NEW */
	OPT_FOLDER, /* char *, a folder's path */
	OPT_TEXT,   /* char * */
	OPT_PIN,    /* char *, 64 hexadecimal digits */
	OPT_TENANT, /* char *, a domain or a GUID */
	OPT_GUID,   /* char * */
	OPT_CLOUD,  /* char *, one of Microsoft's clouds */
	OPT_DATE,   /* int64_t; the text goes to text_at */
	OPT_SIZE,   /* uint64_t */
	OPT_RATE,   /* uint64_t */
	OPT_LANES,  /* unsigned */
	OPT_ORDER,  /* bool oldest_first */
	OPT_FLAG,   /* bool */
	OPT_REPAIR, /* enum repair */
	OPT_NO_REPAIR
};

struct option_def {
	const char *name;
	enum option_kind kind;
	size_t at;      /* in struct options */
	size_t text_at; /* with OPT_DATE */
	unsigned bit;   /* of struct options.given */
};
extern const struct option_def option_defs[];
extern const size_t option_defs_n;

const struct option_def *option_find(const char *name);
#define OPTION_AT(o, offset, type) ((type *)(void *)((char *)(o) + (offset)))
#define OPTION_IN(o, offset, type) \
	((const type *)(const void *)((const char *)(o) + (offset)))

bool option_is_set(const struct options *o, const struct option_def *d);
/* 1 yes, 0 no, -1 neither. "" is yes. */
int option_yes_no(const char *value);
/* "10M" for 10485760; static to the thread until the next call. */
const char *plan_size_text(uint64_t size);
bool string_list_copy(struct string_list *to, const struct string_list *from);

#endif

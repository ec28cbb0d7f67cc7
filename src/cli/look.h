/* SPDX-License-Identifier: Apache-2.0 */
/*
 * look.h - mailhaul plan PATH: what is in an archive, without a store and
 * without a destination. look.c reads it, look_tell.c says it.
 */
#ifndef MAILHAUL_CLI_LOOK_H
#define MAILHAUL_CLI_LOOK_H

#include "cli/cli.h"
#include "cli/json.h"
#include "mailhaul/mail.h"
#include "mailhaul/others.h"

/* What stands in one folder, or in all of them. */
struct look_sum {
	uint64_t messages, bytes;
	uint64_t unreadable; /* places from which nothing can be read */
	uint64_t noted;      /* messages that can't be had exactly */
	int64_t oldest, newest;
	bool dated;
};

struct look_folder {
	char *raw, *path; /* raw first: they are found by it */
	struct look_sum sum;
	bool shared; /* of another mailbox */
};

/* What is no mail, by the folder that it lies in. */
struct look_other {
	char *folder; /* "" at the top */
	struct others others;
};

/* The first of them, as text. */
struct look_named {
	struct buf text;
	uint64_t n;
};

struct look {
	struct cli *c;
	const char *locator;
	struct account from;
	bool deep; /* read every message whole */
	struct look_folder **v;
	size_t n, cap;
	void *by_raw; /* tsearch() over v */
	struct look_folder *last;
	struct look_sum all;
	struct look_other *others;
	size_t others_n;
	struct others kinds; /* of the whole */
	struct err err;
	uint64_t told_ms; /* when it was last told how far it is */
	/* A message that can't be read (why), or not exactly (note). */
	void (*problem)(struct look *l, const char *folder,
	                const struct message *m);
	/* look_tell.c's: */
	struct look_named unreadable, noted;
	struct json_list *json;
};

/* True if operand is the path or locator of an archive, and not the name of
 * a mailbox. Loads the store's names, if there is one, at the first call. */
struct look_names {
	bool loaded;
	struct mailbox *v;
	size_t n;
};
bool look_is_archive(struct look_names *names, const char *store,
                     const char *operand);
void look_names_release(struct look_names *names);

/* Reads the archive through. -1: l->err. */
int look_read(struct look *l);
void look_release(struct look *l);

/* The operands as archives: reads and tells them. An exit code. */
int look_all(struct cli *c);

#endif

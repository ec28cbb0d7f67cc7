/* SPDX-License-Identifier: Apache-2.0 */
/* problems.h - the messages that did not arrive: what listing, settling
 * and exporting them share. */
#ifndef MAILHAUL_CLI_PROBLEMS_H
#define MAILHAUL_CLI_PROBLEMS_H

#include "cli/cli.h"
#include "cli/json.h"

#define STATE_BIT(s) (1u << (s))
/* Could not be moved. */
#define PROBLEM_STATES (STATE_BIT(MSG_PROBLEM) | STATE_BIT(MSG_HOLE))
/* Those and what a person settled; --retry takes all of them back. */
#define LISTED_STATES \
	(PROBLEM_STATES | STATE_BIT(MSG_IGNORED) | STATE_BIT(MSG_GONE_DEST))

/* The folders of a mailbox, for their paths. */
struct paths {
	struct source_folder *v;
	size_t n;
};
int paths_load(struct paths *p, struct store *s, int64_t mailbox,
               struct err *e);
const struct source_folder *paths_find(const struct paths *p, int64_t id);
void paths_release(struct paths *p);

/* problems_list.c: the folder, and which message in it. */
int problems_place(struct buf *b, const char *path, const struct row *r);
/* Grouped by reason, or as JSON. An exit code. */
int problems_list(struct cli *c, struct store *s, const struct mailbox *v,
                  size_t n);
/* Every one of them as an item of a list. */
int problems_rows_json(struct json_list *l, struct store *s,
                       const struct mailbox *v, struct err *e);
/* problems_notes.c: messages that have arrived, and what is not exactly as
 * it was. The number of them, or -1. */
int64_t problems_notes_text(struct store *s, const struct mailbox *v, size_t n,
                            struct err *e);
/* The same as items of a list. */
int64_t problems_notes_json(struct json_list *l, struct store *s,
                            const struct mailbox *v, size_t n, struct err *e);
/* export.c: every problem of the jobs as DIR/<mailbox>-<folder>-<uid>.eml.
 * An exit code: 1 if some could not be fetched. */
int problems_export(struct cli *c, struct store *s, struct jobs *j,
                    const char *dir);

#endif

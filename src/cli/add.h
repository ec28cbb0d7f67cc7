/* SPDX-License-Identifier: Apache-2.0 */
/* add.h - puts mailboxes into the store: what add and copy share. */
#ifndef MAILHAUL_CLI_ADD_H
#define MAILHAUL_CLI_ADD_H

#include "mailhaul/plan.h"
#include "mailhaul/store.h"
#include "util/buf.h"

/*
 * Adds m, filled by mailbox_fill, or finds the one with its ends (*known)
 * and merges o into it. m->name, if any, must be free or that mailbox's.
 * *name (malloc'd) is what it is called.
 */
int add_one(struct store *s, struct mailbox *m, const struct options *o,
            bool *known, char **name, struct err *e);
/* store_mailbox_find with its name: *i in all[], or n if it is not there. */
int add_find(struct store *s, const struct mailbox *m,
             const struct mailbox *all, size_t n, size_t *i, struct err *e);
/* Merges over into the options of a stored mailbox. */
int add_merge(struct store *s, const struct mailbox *m,
              const struct options *over, struct err *e);
/* The other mailboxes of the store that fill the destination of the one
 * called name; out gets their names. */
int add_partners(struct store *s, const char *name, struct string_list *out,
                 struct err *e);
/* "'ann.mbox' joins 'ann': ..." for people; "" if there are no others. */
int add_joins_words(struct buf *b, const char *name,
                    const struct string_list *partners);

#endif

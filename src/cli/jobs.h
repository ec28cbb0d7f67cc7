/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.h - mailboxes of the store made ready: accounts parsed, options
 * read, secrets wired.
 *
 *   jobs_load(&j, store, &vault, names, n, over, &err);
 *   transfer_run(store, j.job, j.n, ...);
 *   jobs_release(&j);                       passwords are wiped
 */
#ifndef MAILHAUL_CLI_JOBS_H
#define MAILHAUL_CLI_JOBS_H

#include "cli/m365.h"
#include "cli/secret.h"
#include "mailhaul/store.h"
#include "mailhaul/transfer.h"

struct jobs {
	struct job *job;
	size_t n;
	struct mailbox *mailbox; /* as many */
	struct options *options;
	struct secret *secret; /* two for each: from, to */
	struct m365 *m365;     /* likewise; used where an end is one */
};

/* over: options of the command line, merged into the stored ones and kept
 * there; NULL: none. */
int jobs_load(struct jobs *j, struct store *s, struct vault *v,
              const char *const *names, size_t n, const struct options *over,
              struct err *e);
void jobs_release(struct jobs *j);

/*
 * A new mailbox's row from locators: paths made absolute (a later run may
 * start elsewhere), to_key set. name may be NULL: the store makes one.
 */
int mailbox_fill(struct mailbox *m, const char *from, const char *to,
                 const char *name, const struct options *o, struct err *e);
/* Paths in o made absolute. */
int options_absolute(struct options *o, struct err *e);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - where passwords come from: a file, a command or a column of
 * the mailbox's CSV; else the environment; else the terminal. They are
 * never arguments, never in the store, never printed, and are wiped.
 *
 *   secret_harden();                  first thing in main: no core dumps
 *   vault_init(&v, &talk);            takes the environment's away
 *   secret_init(&s, &v, &account, &options, name);
 *   account.secret = secret_find; account.secret_arg = &s;
 *   secret_release(&s); vault_release(&v);
 */
#ifndef MAILHAUL_CLI_SECRET_H
#define MAILHAUL_CLI_SECRET_H

#include <pthread.h>

#include "cli/talk.h"
#include "mailhaul/account.h"
#include "mailhaul/plan.h"

/* One for the process; its lock lets one password be looked for at a time,
 * so that two questions never meet on the terminal. */
struct vault {
	pthread_mutex_t lock;
	struct talk *talk;
	char *from, *to;     /* MAILHAUL_FROM_PASSWORD, MAILHAUL_TO_PASSWORD */
	char *client_secret; /* MAILHAUL_CLIENT_SECRET */
	char *passphrase;    /* MAILHAUL_CERTIFICATE_PASSPHRASE */
	bool nobody;         /* no person reads along: --json, --quiet */
	const atomic_int *stop;
	struct csv csv; /* the CSV last read, and which it is */
	char *csv_source;
};

struct secret {
	struct vault *vault;
	const struct account *account;
	const struct options *options;
	const char *mailbox; /* its name: the row of the CSV */
	char *kept;          /* the last one, locked in memory */
	uint64_t fresh_ms;   /* when a refused one was replaced, 0: never */
	bool asked;          /* a person knows it */
};

void secret_harden(void);
void vault_init(struct vault *v, struct talk *t, const atomic_int *stop);
void vault_release(struct vault *v);

void secret_init(struct secret *s, struct vault *v, const struct account *a,
                 const struct options *o, const char *mailbox);
void secret_release(struct secret *s);
secret_fn secret_find;
/* True if only the terminal can tell it: ask before the run begins. */
bool secret_must_ask(const struct secret *s);
/* What options.csv holds: the file, and the templates it was added with.
 * malloc'd; NULL: memory. */
char *secret_csv_source(const char *path, const char *from_template,
                        const char *to_template);
/* Overwrites and frees. */
void secret_wipe(char **p);

/* secret_source.c: where they are. NULL-terminated, malloc'd; -1: e. */
int secret_from_file(const char *path, const char *user, char **out,
                     struct err *e);
int secret_from_command(const char *command, const char *user,
                        const atomic_int *stop, char **out, struct err *e);
/* *out NULL: the CSV has none. again: read the file anew. */
int secret_from_csv(struct vault *v, const struct secret *s, bool again,
                    char **out, struct err *e);
int secret_from_terminal(struct vault *v, const struct account *a, bool again,
                         char **out, struct err *e);
bool secret_terminal(void); /* there is one to ask on */
/* Asks on the terminal without echo; *out NULL: there is none. */
int secret_ask(struct vault *v, const char *prompt, char **out, struct err *e);
/* A copy kept out of swap as far as the limits let us. malloc'd. */
char *secret_locked(const char *value);

#endif

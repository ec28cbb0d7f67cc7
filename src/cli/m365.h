/* SPDX-License-Identifier: Apache-2.0 */
/*
 * m365.h - one end of a mailbox that is in Microsoft 365: from the options
 * and the environment to what the engine needs in struct account.
 *
 *   m365_wire(&m, &account, &options, &vault, &err);
 *   m365_ready(&account, &err);            before work starts
 *   oauth_put(&m.oauth) of all, then m365_release(&m) of all
 */
#ifndef MAILHAUL_CLI_M365_H
#define MAILHAUL_CLI_M365_H

#include "cli/secret.h"
#include "net/oauth.h"

struct m365 {
	struct oauth *oauth; /* NULL: the end is no Microsoft 365 */
	struct cloud cloud;
	char *tenant;
	const char *client_id;
	const char *user; /* for {user} in the secret's file */
	const struct options *options;
	struct vault *vault;
	char *passphrase; /* as it was typed, locked in memory */
};

/* Does nothing to an end of another kind. Fails for what concerns all
 * mailboxes: EC_INPUT (a variable of the environment), EC_MEMORY. */
int m365_wire(struct m365 *m, struct account *a, const struct options *o,
              struct vault *v, struct err *e);
/* Only what *c says, without a handle; *c borrows from *m and *o. */
int m365_config(struct m365 *m, struct oauth_config *c, const char *account,
                const struct options *o, struct vault *v, struct err *e);
void m365_release(struct m365 *m); /* oauth is put before */

/* How this end signs in: certificate, secret or device code. */
enum oauth_way m365_way(const struct options *o, const struct vault *v);
/* Whether a person can be shown a device code. */
bool m365_person(const struct vault *v);
/* The secret_fn of all this; arg is the struct m365. */
secret_fn m365_secret;
/* Shows a device code in lines; arg is the struct m365. */
void m365_show(const struct device_code *d, void *arg);

/*
 * Signs in, and looks whether the token carries what is needed: for m365:
 * by one of the two doors. 0 also for ends of another kind.
 */
int m365_ready(const struct account *a, struct err *e);

#endif

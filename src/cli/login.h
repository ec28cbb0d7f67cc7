/* SPDX-License-Identifier: Apache-2.0 */
/* login.h - what a sign-in may do, and what it lacks: for people and JSON. */
#ifndef MAILHAUL_CLI_LOGIN_H
#define MAILHAUL_CLI_LOGIN_H

#include <jansson.h>

#include "net/oauth.h"
#include "util/buf.h"

/* One of the two ways into a mailbox. */
struct door {
	enum oauth_resource resource;
	bool token;    /* there is one; else err says why not */
	bool readable; /* claims are filled */
	struct claims claims;
	struct err err;
};

struct login {
	struct oauth_who who;
	enum oauth_way way;
	char *account; /* who signed in, NULL: app-only */
	struct door door[OAUTH_RESOURCES];
};

/* A right and what it is for. */
struct right {
	const char *name;
	bool needed; /* for moving mail; else only good to have */
	const char *what;
};
/* Ends with a NULL name. */
const struct right *login_rights(enum oauth_resource r, bool app_only);
/* The door is open: a token with what is needed, as far as it tells. */
bool login_open(const struct login *l, enum oauth_resource r);

int login_print(struct buf *b, const struct login *l);
/* "doors" of the answer; docs/json.md. */
json_t *login_doors(const struct login *l);
const char *login_way(enum oauth_way way);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_int.h - for oauth*.c only: tokens as they are kept, the certificate
 * that signs, and the questions to the sign-in service.
 */
#ifndef MAILHAUL_NET_OAUTH_INT_H
#define MAILHAUL_NET_OAUTH_INT_H

#include <pthread.h>

#include "net/oauth.h"
#include "util/buf.h"

/* Overwrites and frees; *p is NULL then. */
void wipe_text(char **p);
void wipe_text_p(char **p); /* CLEANUP(wipe_text_p) char *secret */
void wipe_buf(struct buf *b);
/* All of a file, with no copy of it left behind. */
int secret_read(int fd, struct buf *b);

/* --- what is kept: oauth_cache.c, oauth_keyring.c ----------------------- */

struct oauth_access {
	char *token;       /* NULL: none */
	int64_t got, ends; /* seconds since the epoch */
};
struct oauth_tokens {
	char *account; /* who signed in; NULL: app-only */
	char *refresh; /* NULL: none, as for app-only */
	struct oauth_access access[OAUTH_RESOURCES];
};
void tokens_release(struct oauth_tokens *t);
/* Replaces r's token. -1: memory. */
int tokens_set(struct oauth_tokens *t, enum oauth_resource r, const char *token,
               int64_t got, int64_t ends);
char *tokens_json(const struct oauth_tokens *t, const struct oauth_who *w);
/* 0, or -1: damaged, or another's. */
int tokens_parse(struct oauth_tokens *t, const char *json, size_t n,
                 const struct oauth_who *w);

/*
 * name: an address, or "app". load: 1 found, 0 none (a damaged file is
 * moved aside), -1 memory. save fails with EC_DISK_FULL or EC_PERMISSION.
 */
int cache_load(const struct oauth_who *w, const char *name,
               struct oauth_tokens *out, struct err *e);
int cache_save(const struct oauth_who *w, const char *name,
               const struct oauth_tokens *t, struct err *e);
int cache_drop(const struct oauth_who *w, const char *name, struct err *e);
/* Of every account of the tenant and registration. */
int cache_drop_all(const struct oauth_who *w, struct err *e);
/* Who signed in last with this tenant and app; malloc'd, NULL: nobody.
 * cache_set_last(NULL) forgets. */
char *cache_last(const struct oauth_who *w);
int cache_set_last(const struct oauth_who *w, const char *name, struct err *e);
/* Only one process reads, refreshes and writes a file at a time. *fd is
 * closed to let the next one in; -1 without an error where no file can be
 * made. -1: EC_INTERRUPTED. */
int cache_lock(const struct oauth_who *w, const char *name,
               const atomic_int *cancel, int *fd, struct err *e);

/* The desktop's keyring: 1 done or found, 0 there is none. Built without
 * libsecret they do nothing. */
int keyring_load(const struct oauth_who *w, const char *name, char **json);
int keyring_save(const struct oauth_who *w, const char *name, const char *json);
/* name NULL: of every account. */
int keyring_drop(const struct oauth_who *w, const char *name);

/* --- a certificate's signature: oauth_assert.c -------------------------- */

struct signer;
enum signer_alg { SIGN_PS256, SIGN_RS256 };

/* From a PEM file with key and certificate in any order. The passphrase is
 * asked of secret, when the key has one. EC_INPUT, EC_SIGN_IN,
 * EC_PASSWORD_MISSING. */
int signer_open(struct signer **out, const char *file, secret_fn *secret,
                void *secret_arg, int64_t now, struct err *e);
void signer_close(struct signer **s);
/* A JWT of RFC 7523 for audience, good for ten minutes from now on.
 * malloc'd; jti is any text that was never used before. */
int signer_assertion(const struct signer *s, enum signer_alg alg,
                     const char *audience, const char *client_id,
                     const char *jti, int64_t now, char **out, struct err *e);
/* 36 characters and a NUL. */
void uuid_make(char out[37]);

/* Base64url without padding: encode is malloc'd; decode appends, -1: none,
 * or memory. */
char *base64url(const void *p, size_t n);
int base64url_decode(struct buf *out, const char *s, size_t n);

/* --- questions to the service: oauth_ask.c ------------------------------ */

struct http;

/* One conversation: config and what is needed to speak. */
struct oauth_talk {
	const struct oauth_config *config;
	struct signer **signer; /* opened when first needed */
	enum signer_alg *alg;   /* the one that was accepted last */
	const atomic_int *cancel;
};
/* Borrowed from the handle. */
struct oauth_who oauth_who_is(const struct oauth *o);
void oauth_who_of(const struct oauth_config *c, struct oauth_who *w);
/* The number of AADSTS in an error's JSON, 0: none. */
int64_t oauth_error_code(const char *json, size_t n);
/* "error" of it into out, "" if there is none. */
void oauth_error_name(const char *json, size_t n, char *out, size_t size);

/* Each puts what it got into *t. now is asked for after the answer. */
int ask_app(const struct oauth_talk *k, enum oauth_resource r,
            struct oauth_tokens *t, struct err *e);
int ask_refresh(const struct oauth_talk *k, enum oauth_resource r,
                struct oauth_tokens *t, struct err *e);
/* Device code: shows, polls. enough(arg) true ends it without an answer
 * (t->refresh stays NULL): somebody has signed in elsewhere. */
int ask_device(const struct oauth_talk *k, bool (*enough)(void *arg), void *arg,
               struct oauth_tokens *t, struct err *e);

/* --- a handle: oauth.c, oauth_config.c, oauth_fetch.c ------------------- */

#define OAUTH_APP "app"       /* the cache's name, app-only */
#define OAUTH_MARGIN_MS 60000 /* no token is given out so near its end */

struct life {
	uint64_t got_ms, ends_ms, refresh_ms; /* clock_ms() */
};

struct oauth {
	struct oauth *next;
	unsigned users;
	bool pinned;           /* the refresher works on it */
	atomic_int closing;    /* what cancels the refresher's questions */
	struct oauth_config c; /* strings are ours */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool busy;
	struct oauth_tokens t;
	struct life life[OAUTH_RESOURCES];
	char *name; /* of the cache in use; NULL: not known yet */
	struct signer *signer;
	enum signer_alg alg;
	char *dead; /* a refresh token that was refused, and why */
	struct err dead_why;
	struct err why[OAUTH_RESOURCES]; /* the last refusal, and when */
	uint64_t why_ms[OAUTH_RESOURCES];
	unsigned refusals;
	uint64_t refusals_ms;
};

int config_copy(struct oauth_config *to, const struct oauth_config *c);
void config_release(struct oauth_config *c);
bool config_same(const struct oauth_config *a, const struct oauth_config *b);
int config_check(const struct oauth_config *c, struct err *e);
bool oauth_same(const char *a, const char *b); /* NULL is NULL */

/* The rest is only for the thread for which o->busy is set. */
struct oauth_talk oauth_talk_of(struct oauth *o, const atomic_int *cancel);
/* Whatever helps: cache, refresh, device code. */
int oauth_fetch(struct oauth *o, enum oauth_resource r, const char *refused,
                const atomic_int *cancel, struct oauth_tokens *t,
                struct err *e);
/* Cache and refresh only. 0: *t has a good token for r, good beyond 80 % of
 * its life if ahead; 1: there is no sign-in to use. */
int oauth_renew(struct oauth *o, enum oauth_resource r, const char *refused,
                bool ahead, const atomic_int *cancel, struct oauth_tokens *t,
                struct err *e);
/* Keeps what a device code brought, and remembers whose it is. */
int oauth_keep(struct oauth *o, const struct oauth_tokens *t, struct err *e);
/* "Nobody has signed in yet." -1 */
int oauth_nobody(const struct oauth *o, struct err *e);

#endif

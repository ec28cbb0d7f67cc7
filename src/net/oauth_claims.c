/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oauth_claims.c - what a token says of itself. It is read, not verified:
 * that is the business of the service that takes it.
 */
#include "net/oauth_int.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_MOST (64u << 10)

static void json_decref_p(json_t **j)
{
	json_decref(*j);
}

static void wipe_buf_p(struct buf *b)
{
	wipe_buf(b);
}

static int digit(char c)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                          "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *at = c ? strchr(all, c) : NULL;

	return at ? (int)(at - all) : -1;
}

int base64url_decode(struct buf *out, const char *s, size_t n)
{
	unsigned bits = 0, held = 0;

	while (n > 0 && s[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int d = digit(s[i]);

		if (d < 0)
			return -1;
		bits = (bits << 6 | (unsigned)d) & 0xffffff;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		if (buf_chr(out, (char)(bits >> held & 0xff)))
			return -1;
	}
	return 0;
}

static int unreadable(struct err *e, const char *why)
{
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_PROTOCOL,
	               "The token that Microsoft gave out can't be read, so "
	               "what it permits is not known before it is tried.",
	               "%s", why);
}

static json_t *payload(const char *token)
{
	CLEANUP(wipe_buf_p) struct buf b = BUF_INIT(TOKEN_MOST);
	const char *from = strchr(token, '.'), *to;

	if (strlen(token) > TOKEN_MOST || !from)
		return NULL;
	to = strchr(++from, '.');
	if (!to || base64url_decode(&b, from, (size_t)(to - from)) || !b.n)
		return NULL;
	return json_loadb(b.p, b.n, 0, NULL);
}

static char *copy_of(const json_t *all, const char *name)
{
	const char *s = json_string_value(json_object_get(all, name));

	return strdup(s ? s : "");
}

/* The first of the names that is there. */
static char *one_of(const json_t *all, const char *name, const char *other)
{
	const char *s = json_string_value(json_object_get(all, name));

	return s ? strdup(s) : copy_of(all, other);
}

static char *join(const json_t *list)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(TOKEN_MOST);

	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s && ((b.n && buf_chr(&b, ' ')) || buf_str(&b, s)))
			return NULL;
	}
	return buf_take(&b);
}

static int fill(struct claims *out, const json_t *all)
{
	out->tenant = copy_of(all, "tid");
	out->audience = copy_of(all, "aud");
	out->roles = join(json_object_get(all, "roles"));
	out->scopes = copy_of(all, "scp");
	out->user = one_of(all, "upn", "preferred_username");
	out->app = one_of(all, "appid", "azp");
	out->expires = json_integer_value(json_object_get(all, "exp"));
	return out->tenant && out->audience && out->roles && out->scopes &&
	                       out->user && out->app
	               ? 0
	               : -1;
}

int oauth_claims(const char *token, struct claims *out, struct err *e)
{
	CLEANUP(json_decref_p) json_t *all = payload(token);

	memset(out, 0, sizeof(*out));
	if (!json_is_object(all))
		return unreadable(e, "the token is no JWT");
	if (fill(out, all)) {
		claims_release(out);
		return err_memory(e);
	}
	return 0;
}

void claims_release(struct claims *c)
{
	free(c->tenant);
	free(c->audience);
	free(c->roles);
	free(c->scopes);
	free(c->user);
	free(c->app);
	memset(c, 0, sizeof(*c));
}

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, " ");
		const char *slash = memrchr(p, '/', len);
		const char *name = slash ? slash + 1 : p;
		size_t name_n = len - (size_t)(name - p);

		if (name_n == n && !memcmp(name, word, n))
			return true;
		p += len;
		p += strspn(p, " ");
	}
	return false;
}

bool claims_has(const struct claims *c, const char *right)
{
	return in_list(c->roles, right) || in_list(c->scopes, right);
}

const char *oauth_right(enum oauth_resource r, bool app_only)
{
	if (r == OAUTH_GRAPH)
		return "Mail.ReadWrite";
	return app_only ? "IMAP.AccessAsApp" : "IMAP.AccessAsUser.All";
}

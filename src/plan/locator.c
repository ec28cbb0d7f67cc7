/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locator.c - reads a locator of the command line into a struct account.
 *
 * Every mistake has its own sentence. A sentence never repeats what stands
 * where people put passwords (behind a ':' in the user's part).
 */
#include "mailhaul/account.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/locator.h"
#include "util/buf.h"
#include "util/utf8.h"

#define HOST_MAX 253
#define LOCATOR_MAX 8192

static const struct scheme {
	const char *name;
	enum account_kind kind;
	uint16_t port; /* 0: no IMAP */
	bool from, to;
} schemes[] = {
	{ "imaps", KIND_IMAPS, 993, true, true },
	{ "imap", KIND_IMAP_STARTTLS, 143, true, true },
	{ "imap+cleartext", KIND_IMAP_CLEARTEXT, 143, true, true },
	{ "mbox", KIND_MBOX, 0, true, false },
	{ "maildir", KIND_MAILDIR, 0, true, true },
	{ "eml", KIND_EML, 0, true, false },
	{ "pst", KIND_PST, 0, true, false },
	{ "m365", KIND_M365, 0, false, true },
	{ "m365+imap", KIND_M365_IMAP, 0, true, true },
	{ "m365+graph", KIND_M365_GRAPH, 0, false, true },
};

#define bad(e, ...) \
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT, __VA_ARGS__)

static const struct scheme *scheme_find(const char *s, size_t n)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i].name) == n &&
		    !strncasecmp(schemes[i].name, s, n))
			return &schemes[i];
	return NULL;
}

static const char *side(const struct account *a)
{
	return a->is_from ? "FROM" : "TO";
}

static bool is_m365(enum account_kind kind)
{
	return kind == KIND_M365 || kind == KIND_M365_IMAP ||
	       kind == KIND_M365_GRAPH;
}

/* --- the parts of an IMAP locator -------------------------------------- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int decode_user(struct account *a, const char *s, size_t n,
                       struct err *e)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int high = i + 1 < n ? hex_value(s[i + 1]) : -1;
			int low = i + 2 < n ? hex_value(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return bad(e,
				           "The user name in %s has a %% "
				           "that two hexadecimal digits "
				           "must follow. Write a %% of the "
				           "name itself as %%25.",
				           side(a));
			c = (char)(high << 4 | low);
			i += 2;
			if (!c)
				return bad(e,
				           "The user name in %s holds %%00, "
				           "which no user name can hold.",
				           side(a));
		}
		if (buf_chr(&b, c))
			return err_memory(e);
	}
	a->user = buf_take(&b);
	return a->user ? 0 : err_memory(e);
}

static int check_user(const struct account *a, struct err *e)
{
	if (!utf8_valid(a->user))
		return bad(e, "The user name in %s is not UTF-8 text.",
		           side(a));
	if (utf8_has_control(a->user))
		return bad(e,
		           "The user name in %s holds a control "
		           "character, such as a line end. Take it out.",
		           side(a));
	return 0;
}

/* The sentence shows the locator as it should have been. */
static int unencoded_at(const struct account *a, const char *scheme,
                        const char *user, size_t n, const char *host,
                        struct err *e)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(0);
	bool failed = false;

	for (size_t i = 0; i < n; i++)
		failed |= user[i] == '@' ? buf_str(&b, "%40")
		                         : buf_chr(&b, user[i]);
	if (failed)
		return err_memory(e);
	return bad(e,
	           "The user name in %s holds an @, which is written as "
	           "%%40 there. Write: %s://%.200s@%.100s",
	           side(a), scheme, b.p, host);
}

static int parse_user(struct account *a, const char *scheme, const char *user,
                      size_t n, const char *host, struct err *e)
{
	if (memchr(user, ':', n))
		return bad(e,
		           "%s holds a password (a : in the user's part). "
		           "Passwords never go into a locator, where other "
		           "programs and the shell's history show them: "
		           "leave it out, and use --%s-password-file or "
		           "wait to be asked. A : of the user name itself "
		           "is written as %%3A.",
		           side(a), a->is_from ? "from" : "to");
	if (n == 0)
		return bad(e, "%s names no user. Write: %s://USER@%.100s",
		           side(a), scheme, *host ? host : "HOST");
	if (memchr(user, '@', n))
		return unencoded_at(a, scheme, user, n, host, e);
	if (memchr(user, '/', n))
		return bad(e,
		           "The user name in %s holds a /, which is "
		           "written as %%2F there.",
		           side(a));
	if (decode_user(a, user, n, e))
		return -1;
	return check_user(a, e);
}

static int parse_port(struct account *a, const char *text, struct err *e)
{
	unsigned long port = 0;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && port <= 65535; p++)
		port = port * 10 + (unsigned long)(*p - '0');
	/* What is no number may be a secret in the wrong place: not shown. */
	if (p == text || *p || port < 1 || port > 65535)
		return bad(e,
		           "What stands behind the host's colon in %s is no "
		           "port. A port is a number from 1 to 65535; "
		           "without one, %u is taken.",
		           side(a), a->port);
	a->port = (uint16_t)port;
	return 0;
}

static int check_host(const struct account *a, struct err *e)
{
	const char *h = a->host;
	size_t n = strlen(h);

	for (const char *p = h; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return bad(e,
			           "The host name in %s has letters "
			           "beyond ASCII. Write the name in its "
			           "xn-- form.",
			           side(a));
	if (n > HOST_MAX || h[0] == '.' || h[0] == '-' || strstr(h, "..") ||
	    h[strspn(h, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                "0123456789-._")])
		return bad(e,
		           "\"%.100s\" in %s is not a host name. Write only "
		           "the name of the server, such as "
		           "imap.example.com, and nothing behind it but "
		           ":PORT.",
		           h, side(a));
	return 0;
}

static int parse_ipv6(struct account *a, const char *text, struct err *e)
{
	const char *end = strchr(text, ']');
	struct in6_addr address;

	if (!end || (end[1] && end[1] != ':'))
		return bad(e,
		           "The address in %s begins with [ and must end "
		           "with ], with nothing behind it but :PORT.",
		           side(a));
	a->host = strndup(text + 1, (size_t)(end - text - 1));
	if (!a->host)
		return err_memory(e);
	if (inet_pton(AF_INET6, a->host, &address) != 1)
		return bad(e, "[%.60s] in %s is not an IPv6 address.", a->host,
		           side(a));
	return end[1] ? parse_port(a, end + 2, e) : 0;
}

static int parse_host(struct account *a, const char *scheme, const char *text,
                      struct err *e)
{
	const char *colon = strchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (*text == '[')
		return parse_ipv6(a, text, e);
	if (colon && strchr(colon + 1, ':'))
		return bad(e,
		           "An IPv6 address goes into brackets in %s: "
		           "%s://USER@[%.60s]",
		           side(a), scheme, text);
	if (n == 0)
		return bad(e, "%s names no host. Write: %s://USER@HOST",
		           side(a), scheme);
	a->host = strndup(text, n);
	if (!a->host)
		return err_memory(e);
	if (check_host(a, e))
		return -1;
	return colon ? parse_port(a, colon + 1, e) : 0;
}

static int parse_imap(struct account *a, const struct scheme *s,
                      const char *rest, struct err *e)
{
	if (strncmp(rest, "//", 2) != 0)
		return bad(e,
		           "%s lacks the // behind %s:. Write: "
		           "%s://USER@HOST",
		           side(a), s->name, s->name);
	rest += 2;
	const char *at = strrchr(rest, '@');
	if (!at)
		return bad(e,
		           "%s names no user. Write: %s://USER@HOST, with "
		           "an @ of the user name itself as %%40.",
		           side(a), s->name);
	a->port = s->port;
	if (parse_user(a, s->name, rest, (size_t)(at - rest), at + 1, e))
		return -1;
	return parse_host(a, s->name, at + 1, e);
}

/* --- the other kinds --------------------------------------------------- */

static int parse_m365(struct account *a, const struct scheme *s,
                      const char *rest, struct err *e)
{
	const char *at = strchr(rest, '@');

	if (!at || at == rest || !at[1] || strchr(at + 1, '@') ||
	    strpbrk(rest, " /:"))
		return bad(e,
		           "%s must name the address of a mailbox. Write: "
		           "%s:ann@example.com",
		           side(a), s->name);
	a->user = strdup(rest);
	return a->user ? 0 : err_memory(e);
}

static int parse_path(struct account *a, const char *path, struct err *e)
{
	if (!*path)
		return bad(e,
		           "%s names no file or folder: there is nothing "
		           "behind the colon.",
		           side(a));
	a->path = strdup(path);
	return a->path ? 0 : err_memory(e);
}

static int check_side(const struct account *a, const struct scheme *s,
                      struct err *e)
{
	if (a->is_from ? s->from : s->to)
		return 0;
	if (a->is_from)
		return bad(e, "Mail is read from Microsoft 365 by IMAP only. "
		              "Write FROM as m365+imap:ADDRESS.");
	return bad(e,
	           "Mail cannot be written to %s:. TO is an IMAP mailbox "
	           "(imaps://USER@HOST), a Microsoft 365 mailbox "
	           "(m365:ADDRESS) or a Maildir (maildir:PATH).",
	           s->name);
}

static int parse_known(struct account *a, const struct scheme *s,
                       const char *rest, struct err *e)
{
	a->kind = a->imap_kind = s->kind;
	if (check_side(a, s, e))
		return -1;
	if (s->port)
		return parse_imap(a, s, rest, e);
	if (is_m365(s->kind))
		return parse_m365(a, s, rest, e);
	return parse_path(a, rest, e);
}

static int unknown_scheme(const struct account *a, const char *s, size_t n,
                          struct err *e)
{
	return bad(e,
	           "mailhaul does not know \"%.*s:\" in %s. It knows "
	           "imaps, imap, imap+cleartext, mbox, maildir, eml, pst, "
	           "m365, m365+imap and m365+graph.",
	           (int)(n < 40 ? n : 40), s, side(a));
}

static int parse_bare(struct account *a, const char *locator, struct err *e)
{
	a->kind = KIND_PATH;
	if (!a->is_from)
		return bad(e, "TO must say of what kind it is. Write "
		              "maildir:PATH for a backup into a folder, or "
		              "imaps://USER@HOST for a mailbox.");
	return parse_path(a, locator, e);
}

static int parse(struct account *a, const char *locator, struct err *e)
{
	const char *colon = strchr(locator, ':');
	size_t n = colon ? (size_t)(colon - locator) : 0;
	const struct scheme *s = colon ? scheme_find(locator, n) : NULL;

	if (!*locator)
		return bad(e, "%s is empty.", side(a));
	if (strlen(locator) > LOCATOR_MAX)
		return bad(e, "%s is longer than any mailbox's name.", side(a));
	if (!utf8_valid(locator) && (s ? s->port != 0 : false))
		return bad(e, "%s is not UTF-8 text.", side(a));
	if (utf8_has_control(locator))
		return bad(e,
		           "%s holds a control character, such as a line "
		           "end. Take it out.",
		           side(a));
	if (s)
		return parse_known(a, s, colon + 1, e);
	/* A colon is a fine character of a path; "://" is not meant as one. */
	if (colon && n && !memchr(locator, '/', n) &&
	    (!strncmp(colon, "://", 3) || !strncasecmp(locator, "imap+", 5) ||
	     !strncasecmp(locator, "m365+", 5)))
		return unknown_scheme(a, locator, n, e);
	return parse_bare(a, locator, e);
}

int account_parse(struct account *a, const char *locator, bool is_from,
                  struct err *e)
{
	memset(a, 0, sizeof(*a));
	a->is_from = is_from;
	if (parse(a, locator, e)) {
		account_release(a);
		return -1;
	}
	a->locator = strdup(locator);
	if (!a->locator) {
		account_release(a);
		return err_memory(e);
	}
	return 0;
}

void account_release(struct account *a)
{
	free(a->locator);
	free(a->user);
	free(a->host);
	free(a->path);
	memset(a, 0, sizeof(*a));
}

bool account_is_imap(const struct account *a)
{
	return a->kind == KIND_IMAPS || a->kind == KIND_IMAP_STARTTLS ||
	       a->kind == KIND_IMAP_CLEARTEXT || a->kind == KIND_M365_IMAP;
}

bool account_is_m365(const struct account *a)
{
	return is_m365(a->kind);
}

int account_cloud(struct account *a, const char *imap_locator, struct err *e)
{
	CLEANUP(free_p) char *whole = NULL;
	const char *rest = strstr(imap_locator, "://");
	struct buf b = BUF_INIT(LOCATOR_MAX);
	struct account imap = { 0 };

	if (!rest || strchr(rest, '@'))
		return bad(e,
		           "The IMAP server of Microsoft 365 is given as "
		           "\"%.100s\". Write it without a user, as in "
		           "imaps://outlook.office365.com:993.",
		           imap_locator);
	if (buf_fmt(&b, "%.*s://user@%s", (int)(rest - imap_locator),
	            imap_locator, rest + 3)) {
		buf_release(&b);
		return err_memory(e);
	}
	whole = buf_take(&b);
	if (!whole)
		return err_memory(e);
	if (account_parse(&imap, whole, a->is_from, e))
		return -1;
	free(a->host);
	a->host = imap.host;
	imap.host = NULL;
	a->port = imap.port;
	a->imap_kind = imap.kind;
	account_release(&imap);
	return 0;
}

int locator_encode(const char *template, struct buf *out, const char *user)
{
	static const char plain[] =
	        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	        "0123456789-._~";
	const char *colon = strchr(template, ':');
	const struct scheme *s =
	        colon ? scheme_find(template, (size_t)(colon - template))
	              : NULL;

	if (!s || !s->port)
		return buf_str(out, user);
	for (; *user; user++)
		if (strchr(plain, *user)
		            ? buf_chr(out, *user)
		            : buf_fmt(out, "%%%02X", (unsigned char)*user))
			return -1;
	return 0;
}

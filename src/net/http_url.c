/* SPDX-License-Identifier: Apache-2.0 */
/* http_url.c - addresses: which may be called, which are the same place. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/http_int.h"

static void url_free(CURLU **u)
{
	curl_url_cleanup(*u);
}

/* False: there is none, or it is longer than any honest one. */
static bool part(CURLU *u, CURLUPart which, unsigned flags, char *out,
                 size_t cap)
{
	char *s = NULL;
	size_t n;

	out[0] = '\0';
	if (curl_url_get(u, which, &s, flags) || !s)
		return false;
	n = strlen(s);
	if (n >= cap && which != CURLUPART_PATH) {
		curl_free(s);
		return false;
	}
	n = n < cap ? n : cap - 1;
	memcpy(out, s, n);
	out[n] = '\0';
	curl_free(s);
	return true;
}

static bool is_loopback(const char *host)
{
	struct in_addr in;

	if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &in) == 1 &&
	       ntohl(in.s_addr) >> 24 == 127;
}

static int bad_address(const struct http_place *p, struct err *e)
{
	return err_set(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT,
	               "The address of a service is not one that mailhaul "
	               "would send to: it has to begin with https:// and the "
	               "name of a server. Nothing was sent.",
	               "%s://%s", p->scheme, p->host);
}

int http_place(struct http_place *p, const char *url, struct err *e)
{
	CLEANUP(url_free) CURLU *u = curl_url();

	memset(p, 0, sizeof *p);
	if (!u)
		return err_memory(e);
	if (curl_url_set(u, CURLUPART_URL, url, CURLU_PATH_AS_IS) ||
	    !part(u, CURLUPART_SCHEME, 0, p->scheme, sizeof p->scheme) ||
	    !part(u, CURLUPART_HOST, 0, p->host, sizeof p->host) ||
	    !part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, p->port,
	          sizeof p->port) ||
	    !part(u, CURLUPART_PATH, 0, p->path, sizeof p->path))
		return bad_address(p, e);
	p->loopback = is_loopback(p->host);
	if (strcmp(p->scheme, "https") == 0 ||
	    (strcmp(p->scheme, "http") == 0 && p->loopback))
		return 0;
	return bad_address(p, e);
}

bool http_same_origin(const char *a, const char *b)
{
	struct http_place p, q;

	return http_place(&p, a, NULL) == 0 && http_place(&q, b, NULL) == 0 &&
	       strcmp(p.scheme, q.scheme) == 0 && strcmp(p.port, q.port) == 0 &&
	       strcasecmp(p.host, q.host) == 0;
}

/* --- Escaping ----------------------------------------------------------- */

static bool unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

/* to has room for three octets for each of s. */
static char *escape(char *to, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (unreserved(*s)) {
			*to++ = *s;
			continue;
		}
		*to++ = '%';
		*to++ = hex[c >> 4];
		*to++ = hex[c & 15];
	}
	*to = '\0';
	return to;
}

char *http_escape(const char *s)
{
	char *out = malloc(3 * strlen(s) + 1);

	if (out)
		escape(out, s);
	return out;
}

/* Room for all first: growing would leave copies of a secret behind. */
char *http_form(const char *const *name_value)
{
	size_t n = 1;

	for (size_t i = 0; name_value[i]; i++)
		n += 3 * strlen(name_value[i]) + 1;
	char *out = malloc(n);
	char *to = out;

	if (!out)
		return NULL;
	*to = '\0';
	for (size_t i = 0; name_value[i]; i++) {
		if (i)
			*to++ = i % 2 ? '=' : '&';
		to = escape(to, name_value[i]);
	}
	return out;
}

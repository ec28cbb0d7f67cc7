/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_imap_reply - a server that says anything: framing, then every
 * reader on every response.
 */
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int begin(void *arg, uint64_t size, struct err *e)
{
	(void)arg;
	(void)e;
	return size > (1 << 20) ? -1 : 0;
}

static int data(void *arg, const char *p, size_t n, struct err *e)
{
	(void)p;
	(void)e;
	*(size_t *)arg += n;
	return 0;
}

static void lists(const struct imap_reply *r)
{
	struct imap_namespace ns;
	struct folder f;
	char *raw;

	if (imap_parse_list(r, &f, NULL) == 0) {
		if (!f.raw)
			abort();
		folder_release(&f);
	}
	memset(&f, 0, sizeof f);
	if (imap_parse_status(r, &raw, &f) == 0)
		free(raw);
	if (imap_parse_namespace(r, &ns) == 0)
		imap_namespace_release(&ns);
}

static void sets(const struct imap_reply *r)
{
	uint32_t *v = NULL, uidvalidity;
	size_t n = 0, cap = 0;

	(void)imap_parse_search(r, &v, &n, &cap);
	free(v);
	(void)imap_parse_vanished(r, &v, &n);
	free(v);
	(void)imap_parse_appenduid(r->code, &uidvalidity, &v, &n);
	free(v);
}

static void codes(const struct imap_reply *r)
{
	struct imap_permanent p;
	struct err e;
	unsigned caps;
	uint64_t limit;

	(void)imap_code_number(r->code, "UIDNEXT", &limit);
	(void)imap_parse_permanent(r->code, &p);
	free(p.keywords);
	(void)imap_parse_caps(r->code, strlen(r->code), &caps, &limit);
	(void)imap_parse_caps(r->line, r->len, &caps, &limit);
	imap_classify("host", r, ERR_MESSAGE, &e);
	imap_bad_password("host", "user", r, &e);
}

static void use(const struct imap_reply *r)
{
	struct imap_fetch f;
	char date[27], *name;

	if (strlen(r->code) > r->len || r->line[r->len] != '\0')
		abort();
	if (imap_parse_fetch(r, &f) == 0) {
		(void)imap_date(&f.date, date);
		imap_fetch_release(&f);
	}
	lists(r);
	sets(r);
	codes(r);
	if (imap_quoted(r->line, &name, NULL) == 0)
		free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	size_t poured = 0;
	struct imap_sink sink = { begin, data, &poured };
	struct imap_reply r;
	struct stream *s;
	struct imap *im;
	struct err e;

	if (!n || stream_from_memory(&s, p + 1, n - 1, &e) ||
	    imap_new(&im, s, "host", &e))
		return 0;
	memcpy(im->prefix, "T", 2);
	if (*p & 1)
		imap_set_sink(im, &sink);
	for (int i = 0; i < 3; i++)
		(void)imap_cmd(im, NULL, &e, "NOOP");
	while (imap_next_any(im, &r, &e) == 0)
		use(&r);
	if (poured > n)
		abort();
	imap_close(&im);
	return 0;
}

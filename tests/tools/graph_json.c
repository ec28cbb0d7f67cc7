/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_json.c - messages as the JSON that goes to Microsoft Graph, for
 * tests: paths come on standard input, one a line, and for each a line of
 * JSON goes out: {"path","obstacle","note","json","apart","files"}. What
 * goes apart has its octets' SHA-256. Octets are taken as they are.
 *
 *   graph_json [REQUEST_MOST [FLAGS [DATE [KEYWORDS]]]] <PATHS >LINES
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mime/graph_mail.h"
#include "mime/sha256.h"
#include "util/buf.h"

#define STEP 65536

static int load(const char *path, struct body *b, struct err *e)
{
	FILE *f = fopen(path, "rb");
	char *p CLEANUP(free_p) = malloc(STEP);
	size_t n;
	int r = 0;

	body_init(b, 1u << 20, NULL);
	if (!f || !p) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(1);
	}
	while (r == 0 && (n = fread(p, 1, STEP, f)) > 0)
		r = body_append(b, p, n, e);
	fclose(f);
	return r;
}

static void string(const char *name, const char *s)
{
	printf("\"%s\":", name);
	if (!s) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

static int each_piece(const struct body *b,
                      void (*take)(void *, void *, size_t), void *arg,
                      struct err *e)
{
	char *p CLEANUP(free_p) = malloc(STEP);
	uint64_t at = 0;
	ssize_t n;

	while ((n = p ? body_read(b, at, p, STEP, e) : -1) > 0) {
		take(arg, p, (size_t)n);
		at += (uint64_t)n;
	}
	return n < 0 ? -1 : 0;
}

static void to_stdout(void *arg, void *p, size_t n)
{
	fwrite(p, 1, n, stdout);
}

static void to_hash(void *arg, void *p, size_t n)
{
	sha256_data(arg, p, n);
}

static int apart(struct graph_mail *g, size_t i, struct err *e)
{
	struct graph_attachment a;
	unsigned char sum[SHA256_OCTETS];
	struct body b;
	struct sha256 h = { 0 };
	int r;

	graph_mail_attachment(g, i, &a);
	body_init(&b, 1u << 20, NULL);
	r = graph_mail_octets(g, i, &b, e);
	if (r == 0 && sha256_begin(&h))
		r = err_memory(e);
	if (r == 0)
		r = each_piece(&b, to_hash, &h, e);
	if (r || sha256_end(&h, sum))
		memset(sum, 0, sizeof(sum));
	sha256_release(&h);
	printf("%s{", i ? "," : "");
	string("name", a.name);
	putchar(',');
	string("type", a.type);
	putchar(',');
	string("content_id", a.content_id);
	printf(",\"is_inline\":%s,\"said\":%llu,\"size\":%llu,\"sha256\":\"",
	       a.is_inline ? "true" : "false", (unsigned long long)a.size,
	       (unsigned long long)b.size);
	for (size_t k = 0; k < sizeof(sum); k++)
		printf("%02x", sum[k]);
	printf("\"}");
	body_release(&b);
	return r;
}

static int one(const char *path, uint64_t most, const struct graph_facts *f,
               struct err *e)
{
	struct graph_mail *g = NULL;
	struct body b, out;
	int r;

	body_init(&out, 1u << 20, NULL);
	r = load(path, &b, e);
	if (r == 0)
		r = graph_mail_open(&g, &b, e);
	if (r == 0) {
		printf("{\"obstacle\":%d,", (int)graph_mail_plan(g, most));
		string("path", path);
		putchar(',');
		string("note", graph_mail_note(g));
		printf(",\"files\":%zu,\"json\":", graph_mail_attachments(g));
		r = graph_mail_json(g, f, &out, e);
	}
	if (r == 0)
		r = each_piece(&out, to_stdout, NULL, e);
	if (r == 0)
		printf(",\"octets\":%llu,\"apart\":[",
		       (unsigned long long)out.size);
	for (size_t i = 0; r == 0 && i < graph_mail_apart(g); i++)
		r = apart(g, i, e);
	printf("]}\n");
	graph_mail_close(&g);
	body_release(&b);
	body_release(&out);
	return r;
}

int main(int argc, char **argv)
{
	uint64_t most = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	struct graph_facts f = { .source_id = "source-1" };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	f.flags = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	f.date.sec = argc > 3 ? strtoll(argv[3], NULL, 10) : 0;
	f.date.known = f.date.sec != 0;
	f.categories = argc > 4 ? argv[4] : NULL;
	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct err e = { 0 };

		line[n - 1] = '\0';
		if (one(line, most ? most : GRAPH_REQUEST_MOST, &f, &e)) {
			fprintf(stderr, "%s: %s (%s)\n", line, e.text,
			        e.detail);
			return 1;
		}
	}
	free(line);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * archive_dump.c - what an archive gives, for tests and measurements: a
 * line of JSON for each thing found, in the order of the file.
 *
 *   archive_dump [--list | --null] LOCATOR >LINES
 *   archive_dump [--list | --null] --each <LOCATORS >LINES
 *   archive_dump [--items] [--unpack] --save DIR LOCATOR >LINES
 *
 * {"folder","path","use"} a folder; {"folder","uid","key","size","flags",
 * "keywords","date","zone","sha256","version","note"} a message, or with
 * "hole" why not; version: of its fingerprint; note: what was not kept;
 * {"other","what"} what is no mail. --list: without octets. --null: octets
 * are read and hashed as in a run, and only the last line is told:
 * {"messages","octets","holes","others","folders"}. Exit 65 with
 * {"error","code"} when the archive can't be read. --each: a locator a line;
 * each ends with {"done":LOCATOR,"code":0 or 65,"ms"}, and all with
 * {"peak","peak_child"}, the most memory in kB of it and of a child. --save:
 * the octets of the n-th message go to DIR/n.eml, and "saved" is n. --items:
 * what is no mail instead of mail. --unpack: winmail.dat of a PST, too.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "archive/child.h"
#include "mailhaul/reader.h"
#include "util/buf.h"

#define BODY_LIMIT (2u << 20) /* as in a run without --memory */

struct dump {
	bool bodies, quiet, items, unpack;
	const char *save; /* a directory, or NULL */
	uint64_t messages, octets, holes, others, folders;
};

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

static void tell_folder(const struct folder *f)
{
	printf("{");
	string("folder", f->raw);
	printf(",");
	string("path", f->path);
	printf(",\"use\":%d,\"uidvalidity\":%" PRIu32 "}\n", (int)f->use,
	       f->uidvalidity);
}

/* Into DIR/n.eml. */
static int save(const struct dump *d, struct message *m)
{
	struct buf path CLEANUP(buf_release_p) = BUF_INIT(4096);
	char piece[16384];
	struct err e = { 0 };
	uint64_t at = 0;
	FILE *f;

	if (buf_fmt(&path, "%s/%" PRIu64 ".eml", d->save, d->messages))
		return -1;
	f = fopen(path.p, "we");
	while (f && at < m->body.size) {
		size_t n = m->body.size - at < sizeof(piece)
		                   ? (size_t)(m->body.size - at)
		                   : sizeof(piece);

		if (body_read(&m->body, at, piece, n, &e) != (ssize_t)n ||
		    fwrite(piece, 1, n, f) != n)
			break;
		at += n;
	}
	return f && fclose(f) == 0 && at == m->body.size ? 0 : -1;
}

static void tell_message(const struct dump *d, const struct walk_found *w)
{
	const struct message *m = &w->m;

	printf("{");
	string("folder", w->folder->raw);
	printf(",\"uid\":%" PRIu64 ",", m->uid);
	string("key", m->key);
	printf(",\"size\":%" PRIu64 ",\"flags\":%u,", m->size, m->flags);
	string("keywords", m->keywords);
	printf(",\"date\":");
	if (m->date.known)
		printf("%" PRId64 ",\"zone\":%d", m->date.sec,
		       m->date.zone_min);
	else
		printf("null");
	if (m->hole) {
		printf(",");
		string("hole", m->why.text);
	} else if (m->fetched) {
		printf(",\"sha256\":\"");
		for (size_t i = 0; i < sizeof(m->sha256); i++)
			printf("%02x", m->sha256[i]);
		printf("\",\"version\":%" PRIu32 ",", m->fp.version);
		string("note", m->made_note);
		if (d->save)
			printf(",\"saved\":%" PRIu64, d->messages);
	}
	printf("}\n");
}

static int message(struct reader *r, struct dump *d, struct walk_found *w,
                   struct err *e)
{
	int failed = 0;

	if (d->bodies && !w->m.hole) {
		body_init(&w->m.body, BODY_LIMIT, NULL);
		failed = reader_archive.take(r, &w->m, e);
	}
	d->messages++;
	d->holes += w->m.hole;
	d->octets += w->m.size;
	if (!failed && d->save && w->m.fetched)
		failed = save(d, &w->m);
	if (!failed && !d->quiet)
		tell_message(d, w);
	return failed;
}

static int deal(struct reader *r, struct dump *d, struct walk_found *w,
                struct err *e)
{
	switch (w->what) {
	case FOUND_MESSAGE:
		return message(r, d, w, e);
	case FOUND_FOLDER:
		d->folders++;
		if (!d->quiet)
			tell_folder(w->folder);
		return 0;
	case FOUND_OTHER:
		d->others++;
		if (d->quiet)
			return 0;
		printf("{");
		string("other", w->name);
		printf(",");
		string("what", w->what_else);
		printf("}\n");
		return 0;
	}
	return 0;
}

static int dump(struct reader *r, struct dump *d, struct err *e)
{
	struct folder_list l CLEANUP(folder_list_release) = { 0 };
	struct walk w = { .bodies = d->bodies, .items = d->items };
	int got;

	if (reader_archive.folders(r, &l, e))
		return -1;
	for (size_t i = 0; i < l.n; i++) {
		d->folders++;
		if (!d->quiet)
			tell_folder(&l.v[i]);
	}
	if (reader_archive.walk(r, &w, e))
		return -1;
	for (;;) {
		struct walk_found f = { 0 };

		got = reader_archive.next(r, &f, e);
		if (got <= 0)
			return got;
		got = deal(r, d, &f, e);
		message_release(&f.m);
		if (got)
			return got;
	}
}

/* Back to as it was: 0, or 65. */
static int locator(const char *name, struct dump *d)
{
	struct account a = { 0 };
	struct reader *r = NULL;
	struct err e = { 0 };
	int failed = account_parse(&a, name, true, &e);

	a.body_limit = BODY_LIMIT;
	a.unpack_winmail = d->unpack;
	if (!failed)
		failed = reader_find(&a, &e) != &reader_archive ||
		         reader_archive.open(&r, &a, &e) || dump(r, d, &e);
	if (r)
		reader_archive.close(&r);
	account_release(&a);
	if (failed) {
		printf("{");
		string("error", e.text);
		printf(",\"code\":\"%s\"}\n", err_code_name(e.code));
		return 65;
	}
	if (d->quiet)
		printf("{\"messages\":%" PRIu64 ",\"octets\":%" PRIu64
		       ",\"holes\":%" PRIu64 ",\"others\":%" PRIu64
		       ",\"folders\":%" PRIu64 "}\n",
		       d->messages, d->octets, d->holes, d->others, d->folders);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ru_maxrss of a process tells of what it was before exec, too. */
static long peak_kb(void)
{
	char *line CLEANUP(free_p) = NULL;
	FILE *f = fopen("/proc/self/status", "re");
	size_t cap = 0;
	long kb = 0;

	while (f && kb == 0 && getline(&line, &cap, f) > 0)
		if (strncmp(line, "VmHWM:", 6) == 0)
			kb = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kb;
}

static int each(const struct dump *with)
{
	char *line CLEANUP(free_p) = NULL;
	struct rusage child;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		struct dump d = *with;
		uint64_t from = now_ms();
		int code;

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		code = locator(line, &d);
		printf("{");
		string("done", line);
		printf(",\"code\":%d,\"ms\":%" PRIu64 "}\n", code,
		       now_ms() - from);
	}
	getrusage(RUSAGE_CHILDREN, &child);
	printf("{\"peak\":%ld,\"peak_child\":%ld}\n", peak_kb(),
	       child.ru_maxrss);
	return 0;
}

int main(int argc, char **argv)
{
	struct dump d = { .bodies = true };

	if (argc > 1 && strcmp(argv[1], ARCHIVE_CHILD) == 0)
		return archive_child(argc - 2, argv + 2);
	for (int i = 1; i < argc - 1; i++) {
		d.bodies &= strcmp(argv[i], "--list") != 0;
		d.quiet |= strcmp(argv[i], "--null") == 0;
		d.items |= strcmp(argv[i], "--items") == 0;
		d.unpack |= strcmp(argv[i], "--unpack") == 0;
		if (strcmp(argv[i], "--save") == 0)
			d.save = argv[i + 1];
	}
	if (argc < 2)
		return 64;
	return strcmp(argv[argc - 1], "--each") == 0
	               ? each(&d)
	               : locator(argv[argc - 1], &d);
}

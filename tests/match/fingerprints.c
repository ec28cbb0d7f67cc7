/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprints.c - fingerprints and their comparison, for match.py. Orders
 * come on standard input, an answer a line goes out:
 *
 *   m SIZE\n OCTETS   a message, as an archive's reader takes it:
 *                     VERSION ID DATE FROM SUBJECT TEXT in hex; the first
 *                     is message 0
 *   c A B\n           messages A and B: same, unsure or different
 *
 *   fingerprints --speed FILE...   nanoseconds an octet of taking each file
 *                                  in, and of its fingerprint alone
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mime/fingerprint.h"
#include "mime/intake.h"
#include "util/buf.h"

#define SPEED_OCTETS (UINT64_C(400) << 20)

static const char *const verdicts[] = {
	[FP_DIFFERENT] = "different",
	[FP_UNSURE] = "unsure",
	[FP_SAME] = "same",
};

static void fail(const char *what)
{
	fprintf(stderr, "fingerprints: %s\n", what);
	exit(1);
}

static void take_in(struct message *m, const char *p, size_t n, bool lf)
{
	struct intake in = { 0 };
	struct err e = { 0 };

	body_init(&m->body, SIZE_MAX, NULL);
	if (intake_begin(&in, m, n, lf, &e) || intake_data(&in, p, n, &e) ||
	    intake_end(&in, &e))
		fail(e.text);
}

static struct fingerprint fingerprint(const char *p, size_t n)
{
	struct message m = { 0 };
	struct fingerprint fp;

	take_in(&m, p, n, true);
	fp = m.fp;
	message_release(&m);
	return fp;
}

static void message(struct fingerprint **all, size_t *n, size_t size)
{
	char *p CLEANUP(free_p) = malloc(size + 1);
	struct fingerprint *v = realloc(*all, (*n + 1) * sizeof(*v));
	struct fingerprint *f = v ? v + *n : NULL;

	if (!p || !v || fread(p, 1, size, stdin) != size)
		fail("a message was not whole");
	*all = v;
	*f = fingerprint(p, size);
	(*n)++;
	printf("%x %llx %llx %llx %llx %llx\n", f->version,
	       (unsigned long long)f->message_id, (unsigned long long)f->date,
	       (unsigned long long)f->from, (unsigned long long)f->subject,
	       (unsigned long long)f->text);
}

static int orders(void)
{
	struct fingerprint *all CLEANUP(free_p) = NULL;
	char line[100];
	size_t n = 0, a, b;

	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "m %zu", &a) == 1)
			message(&all, &n, a);
		else if (sscanf(line, "c %zu %zu", &a, &b) == 2 && a < n &&
		         b < n)
			puts(verdicts[fp_compare(&all[a], &all[b])]);
		else
			fail("no such order");
	}
	return ferror(stdin) || fflush(stdout) ? 1 : 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void scan_alone(const char *p, size_t n)
{
	struct fp_scan *s CLEANUP(fp_scan_free) = fp_scan_new();
	struct fingerprint fp;

	for (size_t at = 0; s && at < n; at += 16384)
		if (fp_scan_data(s, p + at, n - at < 16384 ? n - at : 16384))
			fail("memory");
	if (!s || fp_scan_end(s, &fp))
		fail("memory");
}

static void speed(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t n = 0, times;
	double from, whole;
	char *p CLEANUP(free_p) = NULL;

	if (!f || fseek(f, 0, SEEK_END) || (n = (size_t)ftell(f)) == 0 ||
	    fseek(f, 0, SEEK_SET) || !(p = malloc(n)) || fread(p, 1, n, f) != n)
		fail("a file cannot be read");
	fclose(f);
	times = SPEED_OCTETS / n + 1;
	from = now();
	for (size_t i = 0; i < times; i++) {
		struct message m = { 0 };

		take_in(&m, p, n, false);
		message_release(&m);
	}
	whole = now() - from;
	from = now();
	for (size_t i = 0; i < times; i++)
		scan_alone(p, n);
	printf("%-28.28s %9zu octets  intake %.3f  fingerprint %.3f\n",
	       strrchr(path, '/') ? strrchr(path, '/') + 1 : path, n,
	       whole / (double)(times * n),
	       (now() - from) / (double)(times * n));
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return orders();
	if (strcmp(argv[1], "--speed") != 0)
		fail("--speed FILE..., or nothing");
	for (int i = 2; i < argc; i++)
		speed(argv[i]);
	return 0;
}

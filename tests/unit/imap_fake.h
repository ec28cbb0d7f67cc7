/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_fake.h - a connection whose server is a string.
 *
 * What is written vanishes; the tags that imap_cmd() gives out are the
 * prefix "T" and 1, 2, ... so that the string can answer them.
 */
#ifndef MAILHAUL_TESTS_IMAP_FAKE_H
#define MAILHAUL_TESTS_IMAP_FAKE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "net/imap_int.h"

static inline struct imap *fake_octets(const void *p, size_t n)
{
	struct stream *s;
	struct imap *im;
	struct err e;

	assert_int_equal(stream_from_memory(&s, p, n, &e), 0);
	assert_int_equal(imap_new(&im, s, "server", &e), 0);
	memcpy(im->prefix, "T", 2);
	return im;
}

static inline struct imap *fake(const char *answers)
{
	return fake_octets(answers, strlen(answers));
}

/* A reply as the framing would give it, for the readers alone. */
static inline struct imap_reply fake_reply(const char *line)
{
	return (struct imap_reply){ .kind = IMAP_UNTAGGED,
		                    .status = IMAP_OTHER,
		                    .code = "",
		                    .text = "",
		                    .name = "",
		                    .line = line,
		                    .len = strlen(line) };
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * body.h - the octets of one message: in memory up to a limit, beyond it
 * in an unlinked spool file, so that memory does not grow with a message.
 *
 *   body_init(&b, limit, spool_dir);      limit: octets kept in memory
 *   body_append(&b, p, n, &err);          as they arrive
 *   body_read(&b, offset, buf, n, &err);  any number of times
 *   body_release(&b);                     frees memory, closes the spool
 *
 * spool_dir must outlive the body; NULL: $TMPDIR, else /var/tmp. A full
 * disk gives EC_DISK_FULL with ERR_RUN. The spool is created with O_TMPFILE
 * or unlinked at once, mode 0600. A few of the default folder stay open for
 * the next bodies, of any thread, until the disk is full: they vanish with
 * the process.
 */
#ifndef MAILHAUL_BODY_H
#define MAILHAUL_BODY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "mailhaul/err.h"

struct body {
	uint64_t size;
	char *mem;      /* the octets while size <= limit, else NULL */
	size_t cap;
	size_t limit;
	int spool;      /* file descriptor + 1; 0: none */
	const char *dir;
};

void body_init(struct body *b, size_t limit, const char *dir);
/* Makes room for size octets in memory, or opens the spool at once. */
int body_expect(struct body *b, uint64_t size, struct err *e);
int body_append(struct body *b, const void *p, size_t n, struct err *e);
/* Octets read (0 at the end) or -1. */
ssize_t body_read(const struct body *b, uint64_t offset, void *buf, size_t n,
                  struct err *e);
/* An open file without a name in dir (as spool_dir), or -1 with errno. */
int body_spool(const char *dir);
void body_release(struct body *b);

#endif

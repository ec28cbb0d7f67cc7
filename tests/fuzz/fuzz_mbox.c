/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_mbox.c - a walk over an mbox file ends, sizes are told as they come,
 * and every message can be found again at its offset.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mime/intake.h"
#include "reader/mbox_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int take(const char *p, size_t n, void *arg, struct err *e)
{
	return intake_data(arg, p, n, e);
}

static void one(struct mbox *mb, const struct mbox_item *want)
{
	struct message m = { 0 };
	struct intake in = { 0 };
	struct mbox_item item;
	struct err e;

	body_init(&m.body, 1u << 26, NULL);
	if (intake_begin(&in, &m, want->wire, true, &e) ||
	    mbox_message(mb, want->offset, &item, take, &in, &e) != 1 ||
	    intake_end(&in, &e))
		abort();
	if (m.body.size != want->wire || item.next != want->next ||
	    item.tag != want->tag)
		abort();
	free(item.keywords);
	message_release(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int fd = memfd_create("mbox", MFD_CLOEXEC);
	struct mbox_item item;
	struct mbox mb;
	struct err e;
	uint64_t at;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n)
		abort();
	if (mbox_open(&mb, fd, "fuzz", &e) == 0 && !mb.empty) {
		for (at = mb.first;
		     mbox_message(&mb, at, &item, NULL, NULL, &e) > 0;
		     at = item.next) {
			if (item.next <= at || item.next > n)
				abort();
			one(&mb, &item);
			free(item.keywords);
		}
		if (at != n)
			abort();
	}
	mbox_release(&mb);
	close(fd);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_wire.c - what a child that has been taken over may send: records are
 * refused, or what comes out is in range and goes in again as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reader/wire.h"
#include "util/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
	if (!so)
		abort();
}

static void text(char *s)
{
	must(!s || (utf8_valid(s) && strlen(s) <= WIRE_TEXT_MOST));
	free(s);
}

static void item(struct wire rec, const uint8_t *head, size_t n)
{
	struct buf b = BUF_INIT(0);
	struct wire_item it;

	if (wire_item(&rec, &it))
		return;
	must(wire_uid(it.uid));
	/* An unknown date has more than one spelling. */
	if (it.date.known) {
		must(wire_put_item(&b, &it) == 0);
		must(b.n == n && memcmp(b.p, head, n) == 0);
	}
	buf_release(&b);
	wire_item_release(&it);
}

static void folder(struct wire rec, const uint8_t *head, size_t n)
{
	struct buf b = BUF_INIT(0);
	struct wire_folder f;

	if (wire_folder(&rec, &f))
		return;
	must(f.use < USE_COUNT && f.uidvalidity);
	must(wire_put_folder(&b, &f) == 0);
	must(b.n == n && memcmp(b.p, head, n) == 0);
	buf_release(&b);
	wire_folder_release(&f);
}

static void others(struct wire rec)
{
	struct wire again = rec, twice = rec, hello = rec, about = rec;
	struct wire_hello h;
	enum mail_made made;
	char *a, *b;
	uint64_t v;

	if (wire_item_end(&rec, &v, &a) == 0)
		text(a);
	if (wire_other(&again, &a, &b) == 0) {
		text(a);
		text(b);
	}
	if (wire_try(&twice, &a, &v) == 0)
		text(a);
	if (wire_about(&about, &made, &a) == 0) {
		must(made <= MADE_IN_PART);
		text(a);
	}
	(void)wire_hello(&hello, &h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire rec;
	size_t n;

	for (; (n = wire_next(data, size, &rec)) > 0; data += n, size -= n) {
		item(rec, data, n);
		folder(rec, data, n);
		others(rec);
	}
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* match.c - see match.h. */
#include "transfer/match.h"

#include <stdlib.h>
#include <string.h>

#include "mime/fingerprint.h"
#include "util/buf.h"

static bool same_octets(const struct message *a, const struct message *b)
{
	return memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

static bool same_fingerprint(const struct message *a, const struct message *b)
{
	return fp_compare(&a->fp, &b->fp) == FP_SAME;
}

typedef bool same_fn(const struct message *a, const struct message *b);

static void round_of(const struct message *want, size_t want_n,
                     const struct message *have, size_t have_n, size_t *of,
                     bool *used, same_fn *same)
{
	for (size_t i = 0; i < want_n; i++)
		for (size_t k = 0; of[i] == MATCH_NONE && k < have_n; k++)
			if (!used[k] && have[k].fetched &&
			    same(&want[i], &have[k])) {
				of[i] = k;
				used[k] = true;
			}
}

int match_copies(const struct message *want, size_t want_n,
                 const struct message *have, size_t have_n, size_t *of)
{
	bool *used CLEANUP(free_p) = calloc(have_n + 1, sizeof(*used));

	if (!used)
		return -1;
	for (size_t i = 0; i < want_n; i++)
		of[i] = MATCH_NONE;
	round_of(want, want_n, have, have_n, of, used, same_octets);
	round_of(want, want_n, have, have_n, of, used, same_fingerprint);
	return 0;
}

bool match_header(const struct fingerprint *want,
                  const struct fingerprint *have)
{
	if (want->message_id && have->message_id)
		return want->message_id == have->message_id;
	return fp_may_equal(want->date, have->date) &&
	       fp_may_equal(want->from, have->from) &&
	       fp_may_equal(want->subject, have->subject);
}

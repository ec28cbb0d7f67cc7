/* SPDX-License-Identifier: Apache-2.0 */
/* sum.c - the sum of a mailbox in words. */
#include "cli/sum.h"

#include "cli/text.h"

static int add_term(struct buf *b, uint64_t n, const char *what,
                    unsigned *terms)
{
	if (n == 0)
		return 0;
	return buf_fmt(b, "%s%s %s", (*terms)++ > 0 ? " + " : ": ",
	               text_count(n).s, what);
}

static int add_problems(struct buf *b, const struct sums *s, unsigned *terms)
{
	if (add_term(b, s->problems, s->problems == 1 ? "problem" : "problems",
	             terms) != 0)
		return -1;
	return s->ignored == 0 ? 0
	                       : buf_fmt(b, " (%s ignored by your choice)",
	                                 text_count(s->ignored).s);
}

static int add_terms(struct buf *b, const struct sums *s, unsigned *terms)
{
	if (add_term(b, s->moved, "moved", terms) != 0 ||
	    add_term(b, s->already_there, "already there", terms) != 0 ||
	    add_term(b, s->left_out, "left out by your choice", terms) != 0 ||
	    add_problems(b, s, terms) != 0 ||
	    add_term(b, s->gone, "deleted at the destination since", terms) !=
	            0)
		return -1;
	return add_term(b, s->waiting, "not moved yet", terms);
}

/* With one term there is nothing to add up, unless it is wrong. */
static int add_result(struct buf *b, const struct sums *s, unsigned terms)
{
	uint64_t sum = sums_accounted(s);

	if (sum != s->items)
		return buf_fmt(b, "%s %s, which does not add up",
		               terms == 0 ? ":" : " =", text_count(sum).s);
	return terms < 2 ? 0 : buf_fmt(b, " = %s", text_count(sum).s);
}

/* What is none of the items. */
static int add_others(struct buf *b, const struct sums *s)
{
	if (s->departed > 0 &&
	    (buf_str(b, ". ") != 0 ||
	     text_plural(b, s->departed, "more was", "more were") != 0 ||
	     buf_fmt(b, " moved before and %s no longer in the source",
	             s->departed == 1 ? "is" : "are") != 0))
		return -1;
	if (s->folders_left_out == 0)
		return 0;
	return buf_str(b, ". ") != 0 ||
	                       text_plural(b, s->folders_left_out,
	                                   "folder is left out whole and its",
	                                   "folders are left out whole and "
	                                   "their") != 0
	               ? -1
	               : buf_str(b, " messages are not counted");
}

int sum_words(struct buf *b, const struct sums *s)
{
	unsigned terms = 0;

	if (s->items == 0 && sums_accounted(s) == 0) {
		if (buf_fmt(b, "no message %s",
		            s->complete ? "in the source" : "found so far") !=
		    0)
			return -1;
		return add_others(b, s);
	}
	if (text_plural(b, s->items, "message", "messages") != 0 ||
	    buf_str(b, s->complete ? " in the source" : " found so far") != 0 ||
	    add_terms(b, s, &terms) != 0 || add_result(b, s, terms) != 0)
		return -1;
	return add_others(b, s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fingerprint.h - recognises a message again after other hands had it.
 *
 * The components are taken from the octets alone, each in the one form that
 * all ways of writing it have (docs/matching.md):
 *
 *   message_id  between its brackets; odd octets in it: none
 *   date        the instant, whatever zone it is told in
 *   from        the address; with it the List-Ids
 *   subject     the words, decoded
 *   text        the content of all parts (fp_text.h)
 *
 * Streaming: scan_new, scan_data, scan_end.
 */
#ifndef MAILHAUL_MIME_FINGERPRINT_H
#define MAILHAUL_MIME_FINGERPRINT_H

#include "mailhaul/mail.h"

#define FINGERPRINT_VERSION 2
/* The same rules, of a message that its reader wrote from properties
 * (MADE_ANEW, MADE_IN_PART of mail.h). */
#define FINGERPRINT_ANEW 3
#define FINGERPRINT_IN_PART 4
#define FINGERPRINT_LAST FINGERPRINT_IN_PART

struct fp_scan;
struct fp_scan *fp_scan_new(void);
int fp_scan_data(struct fp_scan *s, const char *p, size_t n);
/* True once the header has ended: its components will not change. */
bool fp_scan_in_text(const struct fp_scan *s);
/* -1: memory. */
int fp_scan_end(struct fp_scan *s, struct fingerprint *out);
void fp_scan_free(struct fp_scan **s);

/*
 * Same: Message-ID and text are, and date, from and subject may be. Without
 * a Message-ID on both sides all four must be equal, and there must be a
 * date; where only one side lacks it, any text, too.
 * Different: the Message-IDs are; or one is missing and any other component
 * differs.
 * Unsure: all else; other versions; text 0 on a side (headers only).
 */
enum fp_match fp_compare(const struct fingerprint *a,
                         const struct fingerprint *b);
/*
 * The same for messages of two sources, that came different ways: where one
 * of them was written anew, nobody's text is the other's letter by letter.
 * Same, then, if the Message-IDs, dates and senders are, for certain, and
 * the subjects may be. Not of one that is there in part only.
 */
enum fp_match fp_join(const struct fingerprint *a, const struct fingerprint *b);
/*
 * After fp_join(m, there) == FP_SAME: whether there, which has so many octets
 * (0: not known), can have all that is attached to m.
 * Somebody may have taken files out of his mailbox that an Outlook file still
 * has. True where the texts are the same.
 */
bool fp_has_files(const struct fingerprint *m, const struct fingerprint *there,
                  uint64_t octets);
/* Made by the same rules: numbers can be compared. */
bool fp_comparable(const struct fingerprint *a, const struct fingerprint *b);
/* Whether two values of date, from or subject may be of one message: equal,
 * or one is missing or in doubt (fp_field.h). */
bool fp_may_equal(uint64_t a, uint64_t b);

#endif

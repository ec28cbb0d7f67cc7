/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intake.h - what every reader does with the octets of a message: keep
 * them, hash them, fingerprint them, in one go while they are in cache.
 *
 *   intake_begin(&in, m, expected, lf, &err);
 *   intake_data(&in, p, n, &err);   any number
 *   intake_end(&in, &err);          m->fetched, sha256, fp, size
 *
 * m->body must be initialised (body_init). lf: the octets come from an
 * archive: each bare LF becomes CRLF, nothing else changes.
 */
#ifndef MAILHAUL_MIME_INTAKE_H
#define MAILHAUL_MIME_INTAKE_H

#include "mailhaul/mail.h"
#include "mime/sha256.h"

struct intake {
	struct message *m;  /* borrowed; NULL: not begun */
	struct sha256 hash; /* NULL: not ours to do */
	struct fp_scan *scan;
	bool lf, last_cr;
};
int intake_begin(struct intake *in, struct message *m, uint64_t expected,
                 bool lf, struct err *e);
/* The same where somebody else hashes: of octets in wire form, whose SHA-256
 * the caller puts into m. */
int intake_begin_hashed(struct intake *in, struct message *m, uint64_t expected,
                        struct err *e);
int intake_data(struct intake *in, const char *p, size_t n, struct err *e);
int intake_end(struct intake *in, struct err *e);
void intake_release(struct intake *in); /* also after a half message */

#endif

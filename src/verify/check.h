/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - one verification while it is going on; private to verify.
 *
 *   check_source()   the source's messages against the store's rows
 *   check_sums()     the source's messages against the sum of the rows
 *   check_problems() what the store says did not arrive
 *   check_dest()     the store's rows against the copies
 *   check_strays()   copies that no row claims
 *   check_lacks()    what is missing after all that
 *
 * Each returns -1 only if the verification can't go on.
 */
#ifndef MAILHAUL_VERIFY_CHECK_H
#define MAILHAUL_VERIFY_CHECK_H

#include "mailhaul/reader.h"
#include "mailhaul/verify.h"
#include "mailhaul/writer.h"
#include "verify/sets.h"

#define VERIFY_TRIES 3
#define VERIFY_BACKOFF_MS 1000u
#define VERIFY_WAIT_MOST_MS 60000u
#define VERIFY_HEADERS 1000u /* messages asked for at once */
#define VERIFY_BODIES 200u
#define VERIFY_REFUSALS 100u         /* requests refused for what they ask */
#define VERIFY_BODY_BYTES (8u << 20) /* of announced size */

/* The drivers and the first pause, so that a test can bring its own. */
struct verify_ends {
	const struct reader_ops *reader;
	const struct writer_ops *writer;
	unsigned backoff_ms;
};

/* A destination folder of this mailbox. */
struct place {
	struct dest_folder *d;  /* the check's */
	struct folder now;      /* its state at this listing */
	struct copy_set copies; /* after check_dest(): strays only */
	bool ours;              /* rows or source folders of ours go there */
	bool gone;              /* can't be listed: why says so */
	struct err why;
	bool renumbered;
};

struct check {
	struct store *s;
	struct job *job;
	const struct verify_ends *ends;
	bool deep;
	const atomic_int *stop;
	verify_fn *each;
	void *arg;
	struct verify_sum *sum;
	struct account from, to; /* shallow copies that stop with us */
	struct reader *r;
	struct writer *w;
	bool keeps_octets;
	bool folds_space;
	struct source_folder *sources;
	size_t sources_n;
	struct dest_folder *dests;
	size_t dests_n;
	struct place *places; /* one for each of dests */
	struct lack_list lacks;
	unsigned refusals;
};

int verify_with(struct store *s, struct job *job,
                const struct verify_ends *ends, bool deep,
                const atomic_int *stop, verify_fn *each, void *arg,
                struct verify_sum *sum, struct err *e);

int check_source(struct check *c, struct err *e);
int check_sums(struct check *c, struct err *e);
int check_problems(struct check *c, struct err *e);
int check_dest(struct check *c, struct err *e);
int check_strays(struct check *c, struct err *e);
int check_lacks(struct check *c, struct err *e);

/* --- verify.c: for all of them ------------------------------------------- */

/* -1 with EC_INTERRUPTED if somebody asked us to stop. */
int check_stop(const struct check *c, struct err *e);
/*
 * After a failure of a driver: true if the call may be made again (it has
 * waited); false: e says why not. tries counts from 0.
 */
bool check_again(const struct check *c, unsigned *tries, struct err *e);
/* Pure: how long to wait before try number tries, -1: do not try again. */
int64_t verify_backoff(const struct err *e, unsigned tries, unsigned first);
/* Opens what is not open; with the tries that are left. */
int check_open_writer(struct check *c, unsigned *tries, struct err *e);

/* One difference that stands for n messages. */
void check_report(struct check *c, const struct verify_row *row, uint64_t n,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
const char *check_source_path(const struct check *c, int64_t folder);

/* --- read.c: reading copies back ----------------------------------------- */

/* A copy to read, and what was found. */
struct want {
	/* In; the rest zeroed. */
	const char *name; /* Maildir, else NULL */
	uint32_t uid;
	uint64_t size;
	const unsigned char *sent; /* SHA-256 to compare with, or NULL */
	/* Out. */
	bool fetched;
	bool hole;     /* the destination says that it has no such copy */
	bool nul_only; /* sent, but for NUL octets stored as 0x80 */
	uint64_t octets;
	uint64_t there; /* size of the copy, 0: not told */
	unsigned char sha256[32];
	struct fingerprint fp;
};
/* Reads all of v in batches. What can't be had stays unfetched. */
int check_read(struct check *c, const struct folder *f, struct want *v,
               size_t n, bool headers_only, struct err *e);

#endif

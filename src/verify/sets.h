/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sets.h - the pure part of verify: sorted arrays of what is where.
 *
 * A message is known by a 64-bit identity: its UID, or the head of a hash
 * of its name where a folder has names. A set is filled, sorted once, and
 * then asked; 200,000 messages take about 6 MB.
 */
#ifndef MAILHAUL_VERIFY_SETS_H
#define MAILHAUL_VERIFY_SETS_H

#include "mailhaul/mail.h"
#include "util/buf.h"

/* Identity of a name. What a Maildir says of flags (from ":2,") does not
 * count: other programs change it. */
uint64_t verify_name_id(const char *name);

/* --- The store's rows of one source folder ------------------------------- */

struct id_state {
	uint64_t id;
	int64_t row;
	uint8_t state; /* enum msg_state */
	bool seen;     /* stands at the source */
};
struct id_set {
	struct id_state *v;
	size_t n, cap;
};
int id_set_add(struct id_set *s, uint64_t id, int64_t row,
               enum msg_state state); /* -1: memory */
void id_set_sort(struct id_set *s);
struct id_state *id_set_find(const struct id_set *s, uint64_t id);
void id_set_release(struct id_set *s);

struct id_list {
	uint64_t *v;
	size_t n, cap;
};
int id_list_add(struct id_list *l, uint64_t id); /* -1: memory */
void id_list_sort(struct id_list *l);            /* each once */
bool id_list_has(const struct id_list *l, uint64_t id);
void id_list_release(struct id_list *l);

/* True if nothing is left to do for a message in this state. */
bool verify_settled(enum msg_state state);

/* --- The copies of one destination folder -------------------------------- */

struct copy {
	uint64_t id;
	uint64_t size; /* as listed, 0: not told */
	uint64_t head; /* see verify_head(), for copies that no row claims */
	/* Head of the hash that the listing told of it, 0: it told none. */
	uint64_t told;
	uint32_t name; /* place in names + 1, 0: it has a uid */
	bool claimed;
	bool ours; /* a stray that may be a copy of ours */
};
struct copy_set {
	struct copy *v;
	size_t n, cap;
	struct buf names;
};
#define COPY_NAMES_MOST (512u << 20)
void copy_set_init(struct copy_set *s);
/* name NULL: uid is the identity. -1: memory or too many names. */
int copy_set_add(struct copy_set *s, uint64_t uid, const char *name,
                 uint64_t size);
void copy_set_sort(struct copy_set *s);
struct copy *copy_set_find(const struct copy_set *s, uint64_t id);
const char *copy_set_name(const struct copy_set *s, const struct copy *c);
/* Forgets the claimed ones and gives their memory back. */
void copy_set_strays(struct copy_set *s);
void copy_set_release(struct copy_set *s);

/* --- Recognising copies -------------------------------------------------- */

/* What a copy is looked for by: its Message-ID, else date, from and
 * subject. */
uint64_t verify_head(const struct fingerprint *fp);
/* A component that both have and that is not the same. */
bool verify_heads_differ(const struct fingerprint *a,
                         const struct fingerprint *b);
uint64_t verify_sha_head(const unsigned char sha256[32]);

/*
 * Rows that a stray copy may be a copy of. owed: the row's own copy is not
 * known to be there, so one stray may be it. Filled, sorted, then asked.
 */
struct known {
	uint64_t head, text, sha;
	int64_t row;
	uint32_t place; /* where the row's copy should be, if owed */
	bool owed;
};
struct known_set {
	struct known *v;
	size_t n, cap;
};
int known_set_add(struct known_set *s, const struct known *k);
void known_set_sort(struct known_set *s);
bool known_set_has(const struct known_set *s, uint64_t head);
/*
 * The row that this copy is a copy of, NULL if of none: the same octets, or
 * the same fingerprint; one that is owed before one that is not, one that is
 * owed at this place before others. The caller clears owed.
 */
struct known *known_set_match(const struct known_set *s, uint64_t head,
                              uint64_t sha, uint64_t text, uint32_t place);
/* A row that is owed at this place and only looks like it. */
struct known *known_set_replaced(const struct known_set *s, uint64_t head,
                                 uint32_t place);
void known_set_release(struct known_set *s);

/* --- What the destination lacks ------------------------------------------ */

struct lack {
	int64_t row;
	uint64_t uid;   /* at the source */
	uint32_t place; /* which destination folder */
	uint32_t found; /* 1 + the folder that has it instead, 0: none */
	bool unnamed;   /* nobody told us the copy's uid */
	bool answered;  /* it is there after all */
	bool replaced;  /* another one with its Message-ID is there */
};
struct lack_list {
	struct lack *v;
	size_t n, cap;
};
int lack_list_add(struct lack_list *l, const struct lack *k);
void lack_list_sort(struct lack_list *l); /* by row */
struct lack *lack_list_find(const struct lack_list *l, int64_t row);
void lack_list_release(struct lack_list *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - named properties ([MS-PST] 2.4.7); see ltp.h. */
#include <stdlib.h>
#include <string.h>

#include "archive/mapi/text.h"
#include "archive/pst/ltp.h"
#include "archive/pst/ltp_int.h"
#include "util/buf.h"

#define PID_SETS 0x0002
#define PID_ENTRIES 0x0003
#define PID_NAMES 0x0004
#define ENTRY 8
#define FIRST_ID 0x8000u
/* There are less than 0x8000 of them; names have up to 254 characters. */
#define STREAM_MOST (UINT32_C(16) << 20)
#define NAME_MOST 254

struct named {
	uint64_t hash; /* of set, lid, name */
	uint32_t lid;  /* or where the name stands */
	uint16_t set, id;
	bool by_name;
};

struct pst_names {
	unsigned char *sets, *texts;
	size_t sets_n, texts_n;
	struct named *v;
	size_t n;
	uint32_t *by_id; /* id - FIRST_ID: which of v + 1, if it has a name */
};

static const unsigned char ps_mapi[16] = { 0x28, 0x03, 0x02, 0, 0, 0, 0, 0,
	                                   0xc0, 0,    0,    0, 0, 0, 0, 0x46 };

/* --- hashes -------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint32_t v)
{
	h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t hash_set(const unsigned char set[16])
{
	uint64_t h = 1;

	for (size_t i = 0; i < 16; i += 4)
		h = mix(h, ltp_32(set + i));
	return h;
}

/* Header fields are the same in any case. */
static bool any_case(const unsigned char set[16])
{
	return memcmp(set, MAPI_PS_INTERNET_HEADERS, 16) == 0;
}

static unsigned fold(unsigned c, bool any)
{
	return any && c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c;
}

static uint64_t hash_name(uint64_t h, const struct ltp_span *utf16, bool any)
{
	for (size_t i = 0; i + 2 <= utf16->n; i += 2)
		h = mix(h, fold(ltp_16(utf16->p + i), any));
	return h ^ 1;
}

static uint64_t hash_ascii(uint64_t h, const char *name, bool any)
{
	for (; *name; name++)
		h = mix(h, fold((unsigned char)*name, any));
	return h ^ 1;
}

/* --- the map ------------------------------------------------------------- */

/* 2.4.7.1: 1 and 2 are sets that everybody knows. NULL: there is no such. */
static const unsigned char *set_of(const struct pst_names *n, uint16_t set)
{
	static const unsigned char none[16];

	switch (set) {
	case 0:
		return none;
	case 1:
		return ps_mapi;
	case 2:
		return MAPI_PS_PUBLIC_STRINGS;
	default:
		return (size_t)(set - 2) * 16 <= n->sets_n
		               ? n->sets + (size_t)(set - 3) * 16
		               : NULL;
	}
}

static int name_of(const struct pst_names *n, uint32_t at, struct ltp_span *out)
{
	size_t len;

	if (n->texts_n < 4 || at > n->texts_n - 4)
		return -1;
	len = ltp_32(n->texts + at);
	if (len > n->texts_n - 4 - at)
		return -1;
	out->p = n->texts + at + 4;
	out->n = len;
	return 0;
}

static int add(struct pst_names *n, const unsigned char *entry)
{
	uint16_t set = ltp_16(entry + 4), id = ltp_16(entry + 6);
	struct named v = { .lid = ltp_32(entry),
		           .set = set >> 1,
		           .id = (uint16_t)(FIRST_ID + id),
		           .by_name = set & 1 };
	const unsigned char *guid = set_of(n, v.set);
	struct ltp_span name;

	if (!guid || id >= FIRST_ID)
		return -1;
	v.hash = hash_set(guid);
	if (!v.by_name) {
		v.hash = mix(v.hash, v.lid);
	} else {
		if (name_of(n, v.lid, &name))
			return -1;
		v.hash = hash_name(v.hash, &name, any_case(guid));
	}
	n->v[n->n++] = v;
	return 0;
}

static int by_hash(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash > y->hash ? 1 : -1;
	return (x->id > y->id) - (x->id < y->id);
}

/* A whole value in memory; what can't be read is as empty. -1: memory. */
static int whole(struct pst_pc *c, uint16_t id, unsigned char **out, size_t *n)
{
	struct mapi_value v;
	struct pst_data d;
	ssize_t r;

	*n = 0;
	*out = NULL;
	if (pst_pc_get(c, id, &v) != 1 || v.n == 0 || v.n > STREAM_MOST)
		return 0;
	*out = malloc(v.n);
	if (!*out)
		return -1;
	if (v.p) {
		memcpy(*out, v.p, v.n);
	} else {
		if (pst_pc_stream(c, id, &d))
			return 0;
		r = pst_data_read(&d, 0, *out, v.n);
		pst_data_close(&d);
		v.n = r < 0 ? 0 : (size_t)r;
	}
	*n = v.n;
	return 0;
}

static int read_map(struct pst_names *n, struct pst_pc *c)
{
	unsigned char *entries CLEANUP(free_p) = NULL;
	size_t size;

	if (whole(c, PID_SETS, &n->sets, &n->sets_n) ||
	    whole(c, PID_NAMES, &n->texts, &n->texts_n) ||
	    whole(c, PID_ENTRIES, &entries, &size))
		return -1;
	n->v = calloc(size / ENTRY + 1, sizeof(*n->v));
	n->by_id = calloc(0x10000 - FIRST_ID, sizeof(*n->by_id));
	if (!n->v || !n->by_id)
		return -1;
	for (size_t i = 0; i + ENTRY <= size; i += ENTRY)
		add(n, entries + i);
	if (n->n)
		qsort(n->v, n->n, sizeof(*n->v), by_hash);
	for (size_t i = 0; i < n->n; i++)
		if (n->v[i].by_name)
			n->by_id[n->v[i].id - FIRST_ID] = (uint32_t)i + 1;
	return 0;
}

struct pst_names *pst_names_open(struct pst *p)
{
	struct pst_names *n = calloc(1, sizeof(*n));
	struct pst_node node;
	struct pst_pc c;
	int r;

	if (!n || pst_node(p, NID_NAMES, &node) != 1 ||
	    pst_pc_open(&c, p, node.data, node.sub))
		return n;
	r = read_map(n, &c);
	pst_pc_close(&c);
	if (r)
		pst_names_close(&n);
	return n;
}

void pst_names_close(struct pst_names **n)
{
	if (*n) {
		free((*n)->sets);
		free((*n)->texts);
		free((*n)->v);
		free((*n)->by_id);
		free(*n);
	}
	*n = NULL;
}

/* --- look-ups ------------------------------------------------------------ */

static bool same_name(const struct pst_names *n, uint32_t at, const char *name,
                      bool any)
{
	struct ltp_span s;
	size_t i = 0;

	if (name_of(n, at, &s))
		return false;
	for (; i + 2 <= s.n && *name; i += 2, name++)
		if (fold(ltp_16(s.p + i), any) !=
		    fold((unsigned char)*name, any))
			return false;
	return *name == '\0' && i + 2 > s.n;
}

static bool is_it(const struct pst_names *n, const struct named *v,
                  const unsigned char set[16], uint32_t lid, const char *name)
{
	const unsigned char *guid = set_of(n, v->set);

	if (!guid || memcmp(guid, set, 16) != 0 || v->by_name != !!name)
		return false;
	return name ? same_name(n, v->lid, name, any_case(set)) : v->lid == lid;
}

uint16_t pst_names_find(const struct pst_names *n, const unsigned char set[16],
                        uint32_t lid, const char *name)
{
	uint64_t hash = hash_set(set);
	size_t from = 0, to;

	if (!n)
		return 0;
	hash = name ? hash_ascii(hash, name, any_case(set)) : mix(hash, lid);
	for (to = n->n; from < to;) {
		size_t mid = from + (to - from) / 2;

		if (n->v[mid].hash < hash)
			from = mid + 1;
		else
			to = mid;
	}
	for (; from < n->n && n->v[from].hash == hash; from++)
		if (is_it(n, &n->v[from], set, lid, name))
			return n->v[from].id;
	return 0;
}

char *pst_names_public(const struct pst_names *n, uint16_t id)
{
	uint32_t at =
	        n && n->by_id && id >= FIRST_ID ? n->by_id[id - FIRST_ID] : 0;
	struct buf out CLEANUP(buf_release_p) = BUF_INIT(0);
	const unsigned char *set = at ? set_of(n, n->v[at - 1].set) : NULL;
	struct ltp_span s;

	if (!set || memcmp(set, MAPI_PS_PUBLIC_STRINGS, 16) != 0 ||
	    name_of(n, n->v[at - 1].lid, &s) || s.n > 2 * NAME_MOST ||
	    text_add(&out, CODEPAGE_UTF16, s.p, s.n) || out.n == 0)
		return NULL;
	return buf_take(&out);
}

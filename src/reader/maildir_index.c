/* SPDX-License-Identifier: Apache-2.0 */
/*
 * maildir_index.c - where each message of a Maildir folder is at the
 * moment; see maildir.h. Flags are in the names, so a name is good only
 * until somebody reads the message; its base stays.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "mailhaul/maildir.h"
#include "mime/mix.h"
#include "reader/local.h"
#include "util/buf.h"

#define WHERE_ODD (UINT64_C(1) << 63)
#define WHERE_NEW (UINT64_C(1) << 62)
#define WHERE_INFO (UINT64_C(1) << 61) /* has ":2," */
#define LETTERS 52

#define TICK_MS 20
#define SCANS_MAX 3

/* where: bits 0 to 51 are the letters A-Za-z of a well-formed suffix. */
struct maildir_slot {
	uint64_t hash; /* of the base, 0: free */
	uint64_t where;
};

static char letter(int bit)
{
	return (char)(bit < 26 ? 'A' + bit : 'a' + bit - 26);
}

static int bit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	return c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

/* The letters in their order, each once, or WHERE_ODD. */
static uint64_t suffix_bits(const char *suffix)
{
	uint64_t bits = WHERE_INFO;
	int last = -1;

	if (*suffix == '\0')
		return 0;
	if (strncmp(suffix, ":2,", 3) != 0)
		return WHERE_ODD;
	for (suffix += 3; *suffix; suffix++) {
		int bit = bit_of(*suffix);

		if (bit <= last)
			return WHERE_ODD;
		bits |= UINT64_C(1) << bit;
		last = bit;
	}
	return bits;
}

static int keep_odd(struct maildir_index *idx, const char *suffix,
                    uint64_t *where)
{
	if (idx->odd_n == idx->odd_cap) {
		size_t cap = idx->odd_cap ? idx->odd_cap * 2 : 16;
		char **v = realloc(idx->odd, cap * sizeof(*v));

		if (!v)
			return -1;
		idx->odd = v;
		idx->odd_cap = cap;
	}
	idx->odd[idx->odd_n] = strdup(suffix);
	if (!idx->odd[idx->odd_n])
		return -1;
	*where = WHERE_ODD | idx->odd_n++;
	return 0;
}

static struct maildir_slot *slot_of(const struct maildir_index *idx,
                                    uint64_t hash)
{
	size_t i = hash & (idx->cap - 1);

	while (idx->slots[i].hash && idx->slots[i].hash != hash)
		i = (i + 1) & (idx->cap - 1);
	return &idx->slots[i];
}

static int grow(struct maildir_index *idx)
{
	struct maildir_index old = *idx;

	if (idx->cap && (idx->n + 1) * 4 <= idx->cap * 3)
		return 0;
	idx->cap = old.cap ? old.cap * 2 : 256;
	idx->slots = calloc(idx->cap, sizeof(*idx->slots));
	if (!idx->slots) {
		*idx = old;
		return -1;
	}
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].hash)
			*slot_of(idx, old.slots[i].hash) = old.slots[i];
	free(old.slots);
	return 0;
}

int maildir_index_put(struct maildir_index *idx, enum maildir_sub sub,
                      const char *name)
{
	size_t base = maildir_base(name);
	uint64_t where = suffix_bits(name + base);
	struct maildir_slot *slot;

	if (grow(idx) ||
	    (where == WHERE_ODD && keep_odd(idx, name + base, &where)))
		return -1;
	slot = slot_of(idx, mix_of(name, base));
	if (!slot->hash)
		idx->n++;
	slot->hash = mix_of(name, base);
	slot->where = where | (sub == MAILDIR_NEW ? WHERE_NEW : 0);
	return 0;
}

static int add_suffix(const struct maildir_index *idx, struct buf *b,
                      uint64_t where)
{
	if (where & WHERE_ODD)
		return buf_str(b, idx->odd[where & 0xffffffff]);
	if (where & WHERE_INFO && buf_str(b, ":2,"))
		return -1;
	for (int i = 0; i < LETTERS; i++)
		if (where >> i & 1 && buf_chr(b, letter(i)))
			return -1;
	return 0;
}

char *maildir_index_path(const struct maildir_index *idx, const char *base)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(4096);
	const struct maildir_slot *slot;

	if (!idx->cap)
		return NULL;
	slot = slot_of(idx, mix_of(base, strlen(base)));
	if (!slot->hash)
		return NULL;
	if (buf_str(&b, slot->where & WHERE_NEW ? "new/" : "cur/") ||
	    buf_str(&b, base) || add_suffix(idx, &b, slot->where))
		return NULL;
	return buf_take(&b);
}

void maildir_index_release(struct maildir_index *idx)
{
	for (size_t i = 0; i < idx->odd_n; i++)
		free(idx->odd[i]);
	free(idx->odd);
	free(idx->slots);
	memset(idx, 0, sizeof(*idx));
}

static void closedir_p(DIR **d)
{
	if (*d)
		closedir(*d);
}

static int scan_sub(int fd, enum maildir_sub sub, maildir_name_fn *each,
                    void *arg)
{
	int at = local_open(fd, maildir_sub_name(sub), O_DIRECTORY, false);
	DIR *d CLEANUP(closedir_p) = at < 0 ? NULL : fdopendir(at);
	struct dirent *de;

	/* A folder without new/ (or cur/) has nothing in it. */
	if (at < 0)
		return errno == ENOENT ? 0 : -1;
	if (!d) {
		close_p(&at);
		return -1;
	}
	for (errno = 0; (de = readdir(d)); errno = 0)
		if (maildir_is_message(de->d_name) &&
		    (de->d_type == DT_REG || de->d_type == DT_UNKNOWN) &&
		    each(sub, de->d_name, arg))
			return 1;
	return errno ? -1 : 0;
}

/* When the directories were changed last, and not just now: a change in
 * the same tick of the clock would not show. */
static bool quiet(int fd, struct timespec t[2])
{
	static const char *const subs[] = { "cur", "new" };
	struct timespec now;
	bool still = true;

	clock_gettime(CLOCK_REALTIME, &now);
	for (int i = 0; i < 2; i++) {
		struct stat st;

		memset(&t[i], 0, sizeof(t[i]));
		if (fstatat(fd, subs[i], &st, AT_SYMLINK_NOFOLLOW))
			continue;
		t[i] = st.st_mtim;
		still &= (now.tv_sec - t[i].tv_sec) * INT64_C(1000) +
		                 (now.tv_nsec - t[i].tv_nsec) / 1000000 >
		         TICK_MS;
	}
	return still;
}

static bool same_times(const struct timespec a[2], const struct timespec b[2])
{
	for (int i = 0; i < 2; i++)
		if (a[i].tv_sec != b[i].tv_sec || a[i].tv_nsec != b[i].tv_nsec)
			return false;
	return true;
}

/*
 * Somebody who reads a message renames it, and readdir() may then show it
 * neither under the old name nor the new one. So it is read again until
 * nothing changed meanwhile, or often enough.
 */
int maildir_scan(int fd, maildir_name_fn *each, void *arg)
{
	for (int i = 0; i < SCANS_MAX; i++) {
		struct timespec before[2], after[2];
		bool still = quiet(fd, before);
		int r = scan_sub(fd, MAILDIR_NEW, each, arg);

		if (!r)
			r = scan_sub(fd, MAILDIR_CUR, each, arg);
		if (r)
			return r;
		quiet(fd, after);
		if (still && same_times(before, after))
			return 0;
	}
	return 0;
}

static int put(enum maildir_sub sub, const char *name, void *arg)
{
	return maildir_index_put(arg, sub, name);
}

int maildir_index_scan(struct maildir_index *idx, int fd)
{
	int r;

	maildir_index_release(idx);
	r = maildir_scan(fd, put, idx);
	if (r > 0)
		errno = ENOMEM;
	return r ? -1 : 0;
}

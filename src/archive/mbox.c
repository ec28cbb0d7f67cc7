/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mbox.c - see mbox.h. mbox_scan.h says how messages are told apart.
 *
 * The octets are the archive's: Status fields and their like stay in, only
 * From_ lines, the empty line before them and '>' before "From " go.
 *
 * uid = (offset of the From_ line + 1) << 16 | 16 bits of the header's
 * hash: a file that was compacted has another message at an old offset, and
 * must not pass for the one that was there. UIDVALIDITY is a hash of the
 * first message's header, so that another file under this name is another
 * folder, and one that only grew is the same.
 *
 * If the first message has X-Gmail-Labels, so have the others: each goes to
 * the folder that labels.h tells, raw#folder, and one without to Archive.
 * Else the file is one folder, whatever a later message says.
 */
#include "archive/mbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/labels.h"
#include "archive/mbox_scan.h"
#include "mime/keywords.h"
#include "mime/mix.h"
#include "util/buf.h"

#define TAG_BITS 16
#define KEYWORDS_MAX 4096

struct walk {
	struct mbox mb;
	const struct where *at;
	struct sink *s;
	bool labels;
	uint32_t uidvalidity;
	uint64_t state;
	char *raw;          /* of the folder told last, or NULL */
	char *value;        /* the labels read last, or NULL, */
	struct labels read; /* and what they say */
};

static uint64_t uid_of(const struct mbox_mail *m)
{
	return (m->offset + 1) << TAG_BITS | (m->tag & ((1u << TAG_BITS) - 1));
}

/* UINT64_MAX if it is no uid of ours. */
static uint64_t offset_of(uint64_t uid)
{
	return (uid >> TAG_BITS) - 1;
}

static uint64_t state_of(const struct input *in)
{
	struct stat st;
	uint64_t v[5];

	if (in->fd < 0 || fstat(in->fd, &st))
		return 0;
	v[0] = (uint64_t)st.st_size;
	v[1] = (uint64_t)st.st_mtim.tv_sec;
	v[2] = (uint64_t)st.st_mtim.tv_nsec;
	v[3] = (uint64_t)st.st_ino;
	v[4] = (uint64_t)st.st_dev;
	return mix_of(v, sizeof(v));
}

static int tell_folder(struct walk *w, const char *raw, const char *path,
                       enum mail_use use)
{
	const struct place p = { .raw = raw,
		                 .path = path,
		                 .use = use,
		                 .uidvalidity = w->uidvalidity,
		                 .state = w->state };
	char *own;

	if (w->raw && strcmp(w->raw, raw) == 0)
		return 0;
	own = strdup(raw);
	if (!own)
		return -1;
	free(w->raw);
	w->raw = own;
	return w->s->folder(w->s, &p);
}

/* Most messages have the same labels as the one before. */
static int read_labels(struct walk *w, const char *value)
{
	value = value ? value : "";
	if (w->value && strcmp(w->value, value) == 0)
		return 0;
	free(w->value);
	labels_release(&w->read);
	w->value = strdup(value);
	return w->value ? labels_read(value, &w->read) : -1;
}

/* The folder of a message becomes the one told last. */
static int enter(struct walk *w, const struct mbox_mail *m)
{
	struct buf raw CLEANUP(buf_release_p) = BUF_INIT(0);

	if (!w->labels)
		return tell_folder(w, w->at->raw, w->at->path, USE_NONE);
	if (read_labels(w, m->labels) || buf_str(&raw, w->at->raw) ||
	    buf_chr(&raw, '#') || buf_str(&raw, w->read.folder))
		return -1;
	return tell_folder(w, raw.p, w->read.folder, w->read.use);
}

static int add_keywords(struct mbox_mail *m, const char *list)
{
	const char *word;
	size_t n;

	while ((word = keywords_next(&list, &n)))
		if (keywords_add(&m->status.keywords, word, n, KEYWORDS_MAX))
			return -1;
	return 0;
}

static int tell_empty(struct walk *w, struct mbox_mail *m)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *path = *w->at->raw ? w->at->raw : w->at->path;

	if (mbox_rest(&w->mb, m, false) ||
	    buf_fmt(&name, "%s, octet %llu", path,
	            (unsigned long long)m->offset))
		return -1;
	return w->s->other(w->s, name.p, "an empty message");
}

/* The message whose header has been read. */
static int tell(struct walk *w, struct mbox_mail *m)
{
	struct sink *s = w->s;
	struct item it = { .uid = uid_of(m), .date = m->date };
	int octets;

	if (enter(w, m))
		return -1;
	if (s->names_only || s->is_poison(s, w->raw, it.uid))
		return mbox_rest(&w->mb, m, false);
	if (m->empty)
		return tell_empty(w, m);
	if (w->labels && add_keywords(m, w->read.keywords))
		return -1;
	it.flags = m->status.flags | (w->labels ? w->read.flags : 0);
	it.keywords = m->status.keywords;
	octets = s->begin(s, &it);
	if (octets < 0 || mbox_rest(&w->mb, m, octets > 0))
		return -1;
	return s->end(s, m->wire, m->trouble);
}

static bool soon(const struct walk *w)
{
	return !w->s->names_only || w->mb.next - w->mb.first < SOON;
}

static int tell_from(struct walk *w, uint64_t offset)
{
	struct mbox_mail m;
	int got;

	w->mb.next = offset;
	do {
		got = mbox_at(&w->mb, w->mb.next, &m);
		if (got > 0 && tell(w, &m))
			got = -1;
		mbox_mail_release(&m);
	} while (got > 0 && soon(w));
	return got;
}

/* The message with this uid is read, and told. 1, 0: it is not there, -1. */
static int at_uid(struct walk *w, uint64_t uid)
{
	struct mbox_mail m = { 0 };
	int got = 0;

	if (offset_of(uid) >= w->mb.first && offset_of(uid) != UINT64_MAX)
		got = mbox_at(&w->mb, offset_of(uid), &m);
	if (got > 0 && uid_of(&m) != uid)
		got = 0;
	if (got > 0 && tell(w, &m))
		got = -1;
	mbox_mail_release(&m);
	return got;
}

/* True if the message with this uid stands there. */
static int stands(struct walk *w, uint64_t uid)
{
	struct mbox_mail m = { 0 };
	int got = mbox_at(&w->mb, offset_of(uid), &m);

	if (got > 0)
		got = uid_of(&m) == uid;
	mbox_mail_release(&m);
	return got;
}

/* Where the descriptor allows to go to what is wanted. */
static int tell_wanted(struct walk *w, const struct wanted *wanted)
{
	uint64_t from = wanted->apart ? wanted->least : wanted->resume;
	int got = 1;

	if (offset_of(from) < w->mb.first)
		from = 0;
	for (size_t i = 0; i < wanted->want_n && got >= 0; i++)
		if (wanted->only_want || wanted->want[i] < from)
			got = at_uid(w, wanted->want[i]);
	if (got < 0 || wanted->only_want)
		return got < 0 ? -1 : 0;
	got = stands(w, wanted->resume);
	/* The sink knows whether it is one of those in want. */
	if (got > 0 && from)
		got = at_uid(w, from);
	if (got == 0)
		return w->s->moved_on(w->s);
	return got < 0 ? -1 : tell_from(w, from ? w->mb.next : w->mb.first);
}

/* A stream is read from its beginning; what is not wanted is told, too. */
static int stream_to(struct walk *w, uint64_t resume)
{
	uint64_t offset = offset_of(resume);
	struct mbox_mail m = { 0 };
	int got = 1;

	while (got > 0 && w->mb.next < offset) {
		got = mbox_at(&w->mb, w->mb.next, &m);
		if (got > 0 && tell(w, &m))
			got = -1;
		mbox_mail_release(&m);
	}
	if (got < 0)
		return -1;
	if (got > 0 && w->mb.next == offset)
		got = mbox_at(&w->mb, offset, &m);
	else
		got = 0;
	if (got > 0)
		got = uid_of(&m) == resume ? tell(w, &m) ? -1 : 1 : 0;
	mbox_mail_release(&m);
	if (got == 0)
		return w->s->moved_on(w->s);
	return got < 0 ? -1 : tell_from(w, w->mb.next);
}

static int go(struct walk *w)
{
	const struct wanted *wanted;

	if (w->s->names_only)
		return w->labels ? tell_from(w, w->mb.first) : 0;
	wanted = w->labels ? w->s->wanted_file(w->s, w->at->raw)
	                   : w->s->wanted(w->s, w->at->raw);
	if (wanted->omit)
		return 0;
	/* Nothing but what stands before the first message was told yet. */
	if (offset_of(wanted->resume) < w->mb.first)
		return tell_from(w, w->mb.first);
	if (w->mb.in->fd >= 0 && (wanted->only_want || wanted->resume))
		return tell_wanted(w, wanted);
	return wanted->resume ? stream_to(w, wanted->resume)
	                      : tell_from(w, w->mb.first);
}

/* A part of the file that is no message; its uid is as those are. */
static int tell_trouble(struct walk *w, const char *part, const char *sentence)
{
	struct buf name CLEANUP(buf_release_p) = BUF_INIT(0);
	struct item it = { .uid = UINT64_C(1) << TAG_BITS };
	const char *path = *w->at->raw ? w->at->raw : w->at->path;

	if (buf_str(&name, path) || buf_str(&name, part))
		return -1;
	it.key = name.p;
	it.uid |= item_uid(it.key) & ((1u << TAG_BITS) - 1);
	return w->s->begin(w->s, &it) < 0 || w->s->end(w->s, 0, sentence) ? -1
	                                                                  : 0;
}

static int tell_junk(struct walk *w)
{
	return tell_trouble(w, ", what stands before its first message",
	                    "This part of the file, before its first "
	                    "message, is no mail, or it is damaged. If there "
	                    "is another copy of the file, move that one, too.");
}

/* There is no message whose header could be read. */
static int tell_failure(struct walk *w)
{
	struct buf text CLEANUP(buf_release_p) = BUF_INIT(0);

	if (buf_fmt(&text,
	            "This file can't be read: %s. If there is another copy of "
	            "it, or it can be fetched again, move that one.",
	            w->mb.in->why ? w->mb.in->why : "it is damaged"))
		return -1;
	return tell_trouble(w, "", text.p);
}

/* The first message says which folders there are. */
static int first_look(struct walk *w)
{
	struct mbox_mail m = { 0 };
	int got = w->mb.none ? 0 : mbox_at(&w->mb, w->mb.first, &m);

	w->uidvalidity = got > 0 ? (uint32_t)(m.tag >> 32) | 1u : 1u;
	w->labels = got > 0 && m.labels;
	if (got >= 0)
		got = enter(w, &m);
	mbox_mail_release(&m);
	return got;
}

int mbox_walk(struct input *in, const struct where *at, struct sink *s)
{
	struct walk w = { .at = at, .s = s, .state = state_of(in) };
	int r = mbox_open(&w.mb, in, s);

	if (!r)
		r = first_look(&w);
	if (!r && !s->names_only && w.mb.junk)
		r = tell_junk(&w);
	if (!r && !s->names_only && w.mb.none && w.mb.failed)
		r = tell_failure(&w);
	if (!r && !w.mb.none)
		r = go(&w);
	mbox_release(&w.mb);
	labels_release(&w.read);
	free(w.value);
	free(w.raw);
	return r;
}

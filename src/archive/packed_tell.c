/* SPDX-License-Identifier: Apache-2.0 */
/* packed_tell.c - what the owner is told of an archive; see packed_int.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "archive/packed_int.h"
#include "archive/tree_name.h"
#include "util/buf.h"

#define SENTENCE 384
#define NAME_SHOWN 100

/* The archive's name for a sentence, its end if it is long. */
struct shown {
	char text[NAME_SHOWN + 8];
};

static struct shown shown(const char *name)
{
	struct shown o;
	size_t n = strlen(name);
	const char *p = name + (n > NAME_SHOWN ? n - NAME_SHOWN : 0);

	while (((unsigned char)*p & 0xc0) == 0x80)
		p++;
	snprintf(o.text, sizeof(o.text), "%s%s", p > name ? "..." : "", p);
	return o;
}

static const char *name_of(const struct packed *p)
{
	return *p->at->raw ? p->at->raw : "The archive";
}

/* The folder that a hole belongs to: always the same one, so that it is the
 * same problem at each run. */
static int folder_of(struct spot *o, const char *raw)
{
	const char *base = raw_base(raw);
	size_t n = (size_t)(base - raw);
	CLEANUP(free_p) char *dir = NULL;

	if (n < 4 ||
	    (memcmp(base - 4, "cur/", 4) != 0 &&
	     memcmp(base - 4, "new/", 4) != 0) ||
	    (n > 4 && base[-5] != '/'))
		return spot_of(o, raw, NAME_MESSAGE);
	dir = strndup(raw, n > 4 ? n - 5 : 0);
	return dir ? spot_of(o, dir, NAME_MAILDIR) : -1;
}

/* A hole called name in the folder of raw; all: it tells of the whole
 * archive. */
static int hole(struct packed *p, const char *raw, const char *name,
                const char *sentence, bool all)
{
	struct spot spot CLEANUP(spot_release) = { 0 };

	if (p->s->names_only || p->scout)
		return 0;
	if (folder_of(&spot, raw) || spot_tell(&spot, 0, p->s))
		return -1;
	return all ? source_trouble_all(p->s, name, sentence)
	           : source_trouble(p->s, name, sentence);
}

/* A hole at a spot of the archive. */
static int tell(struct packed *p, const char *spot, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

static int tell(struct packed *p, const char *spot, const char *fmt, ...)
{
	CLEANUP(buf_release_p) struct buf name = BUF_INIT(0);
	char sentence[SENTENCE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if (buf_fmt(&name, "%s%s%s", p->at->raw, *p->at->raw ? ", " : "", spot))
		return -1;
	return hole(p, p->at->raw, name.p, sentence, true);
}

int packed_tell_cut(struct packed *p)
{
	return tell(p, "end",
	            "%s is cut off: it ends in the middle, and what stood "
	            "behind is missing. All in front of the cut was read. "
	            "Copy or download the file again, and run once more.",
	            shown(name_of(p)).text);
}

int packed_tell_damage(struct packed *p, uint64_t octet, const char *why)
{
	char spot[64];

	snprintf(spot, sizeof(spot), "octet %" PRIu64, octet);
	return tell(
	        p, spot,
	        "%s can't be read in one place, near octet %" PRIu64
	        ": %s. Messages may be missing there; what else can be "
	        "reached was read. Copy or download the file again, and run "
	        "once more.",
	        shown(name_of(p)).text, octet, why);
}

int packed_tell_locked(struct packed *p)
{
	if (!p->locked)
		return tell(p, "password",
		            "%s is protected by a password, so nothing of it "
		            "could be read. Unpack it with its password "
		            "first, and give mailhaul the folder.",
		            shown(name_of(p)).text);
	return tell(p, "password",
	            "%s has %" PRIu64
	            " %s protected by a password, which could "
	            "not be read. Unpack it with its password first, and give "
	            "mailhaul the folder.",
	            shown(name_of(p)).text, p->locked,
	            p->locked == 1 ? "file" : "files");
}

int packed_tell_bomb(struct packed *p)
{
	return tell(p, "size",
	            "%s unpacks to more than %" PRIu64 " times its size, "
	            "which mail never does and harmful files do. Reading "
	            "stopped there. If you trust the file, unpack it yourself "
	            "and give mailhaul the folder.",
	            shown(name_of(p)).text, p->most.ratio);
}

int packed_tell_many(struct packed *p)
{
	return tell(p, "number of files",
	            "%s has more than %" PRIu64 " files. Those behind were "
	            "not read. Unpack it yourself, and give mailhaul the "
	            "folder.",
	            shown(name_of(p)).text, p->most.entries);
}

int packed_tell_deep(struct packed *p)
{
	return tell(p, "packed",
	            "%s is an archive in an archive in an archive, and was "
	            "not opened. Unpack the outermost one, and give mailhaul "
	            "the folder.",
	            shown(name_of(p)).text);
}

int packed_tell_memory(struct packed *p)
{
	return tell(p, "memory",
	            "%s needs more memory to unpack than mailhaul allows, and "
	            "could not be read to its end. Unpack it yourself, and "
	            "give mailhaul the folder.",
	            shown(name_of(p)).text);
}

/* These name the entry, whose raw begins with the archive's. */
int packed_tell_entry(struct packed *p, const char *raw, const char *why)
{
	char sentence[SENTENCE];

	snprintf(sentence, sizeof(sentence),
	         "%s can't be unpacked: %s. Copy or download the archive "
	         "again, or unpack it yourself and give mailhaul the folder.",
	         shown(raw).text, why);
	return hole(p, raw, raw, sentence, false);
}

int packed_tell_link(struct packed *p, const char *raw)
{
	char sentence[SENTENCE];

	snprintf(sentence, sizeof(sentence),
	         "%s is stored as a second name of another file, which "
	         "mailhaul does not follow. If it is a message, unpack the "
	         "archive yourself and give mailhaul the folder.",
	         shown(raw).text);
	return hole(p, raw, raw, sentence, false);
}

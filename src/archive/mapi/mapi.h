/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapi.h - a message, recipient or attachment as Outlook has it: a set of
 * properties ([MS-OXPROPS], [MS-OXCMSG]). What is behind it is a PST
 * (pst/object.h) or a winmail.dat (tnef.h); what is made of it is mail
 * (mail.h) or a file (item.h).
 *
 * A property that can't be read is as one that isn't there, and counted in
 * spoilt. One thread; objects of an object are closed before it.
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_MAPI_H
#define MAILHAUL_ARCHIVE_MAPI_MAPI_H

#include "archive/source.h"

/* [MS-OXCDATA] 2.11.1 */
enum mapi_type {
	MAPI_SHORT = 0x02,
	MAPI_LONG = 0x03,
	MAPI_FLOAT = 0x04,
	MAPI_DOUBLE = 0x05,
	MAPI_CURRENCY = 0x06,
	MAPI_APPTIME = 0x07,
	MAPI_ERROR = 0x0a,
	MAPI_BOOLEAN = 0x0b,
	MAPI_OBJECT = 0x0d,
	MAPI_I8 = 0x14,
	MAPI_STRING8 = 0x1e,
	MAPI_UNICODE = 0x1f,
	MAPI_TIME = 0x40,
	MAPI_GUID = 0x48,
	MAPI_BINARY = 0x102,
	MAPI_MULTIPLE = 0x1000 /* with one of the others */
};

struct mapi_value {
	uint16_t id, type;
	int64_t number; /* SHORT to I8, BOOLEAN; TIME: 100 ns since 1601 UTC */
	double real;    /* FLOAT, DOUBLE, APPTIME */
	/* Texts, BINARY, GUID: borrowed, as they stand (UTF-16LE for UNICODE,
	 * the object's codepage for STRING8), without a NUL to count on.
	 * MULTIPLE: n values, which one() gives. */
	const unsigned char *p;
	size_t n;
	/* The value is long and p is NULL: open() reads it. n counts. */
	bool stream;
};
/* A value no longer than this always comes with its octets. */
#define MAPI_SHORT_MOST 3580u

struct mapi;
struct mapi_ops {
	/* 1, 0: it has none, -1: unreadable. Octets stay until close. */
	int (*get)(struct mapi *o, uint16_t id, struct mapi_value *v);
	/* All properties, ascending; non-zero stops. */
	int (*each)(struct mapi *o,
	            int (*fn)(const struct mapi_value *v, void *arg),
	            void *arg);
	/* A value's octets as they stand, however many, also of MAPI_OBJECT
	 * (an OLE object's storage). in->arg is the object's; shut()
	 * ends it. in->size counts. 0 or -1. */
	int (*open)(struct mapi *o, uint16_t id, struct input *in);
	void (*shut)(struct mapi *o, struct input *in);
	/* One value of a MAPI_MULTIPLE, with the type of a single one: 1, 0: no
	 * such i, or no such property, -1. Octets stay until close. */
	int (*one)(struct mapi *o, uint16_t id, size_t i, struct mapi_value *v);
	/* The id that a named property has here, 0: none. name NULL: lid. */
	uint16_t (*named)(struct mapi *o, const unsigned char set[16],
	                  uint32_t lid, const char *name);
	/* Of messages. A NULL child: it can't be read, why says it. */
	size_t (*recipients)(struct mapi *o);
	struct mapi *(*recipient)(struct mapi *o, size_t i);
	size_t (*attachments)(struct mapi *o);
	struct mapi *(*attachment)(struct mapi *o, size_t i);
	/* Of an attachment by method 5: the message in it. */
	struct mapi *(*embedded)(struct mapi *o);
	void (*close)(struct mapi *o);
	/* The name that an id has in PS_PUBLIC_STRINGS, where people's own
	 * fields are; malloc'd, NULL: none there. May be NULL itself. */
	char *(*called)(struct mapi *o, uint16_t id);
};
struct mapi {
	const struct mapi_ops *ops;
	unsigned codepage; /* of its STRING8 */
	unsigned spoilt;   /* properties that could not be read */
	const char *why;   /* the last one: part of a sentence, static */
};

void mapi_close(struct mapi **o);

/* --- comfort, mapi.c ------------------------------------------------------ */

int mapi_get(struct mapi *o, uint16_t id, struct mapi_value *v);
bool mapi_has(struct mapi *o, uint16_t id);
/* The number or fallback. */
int64_t mapi_number(struct mapi *o, uint16_t id, int64_t fallback);
bool mapi_bool(struct mapi *o, uint16_t id);
/* A FILETIME as a date in UTC; known is false without one, or without one
 * that a calendar has. */
struct mail_date mapi_date(struct mapi *o, uint16_t id);
struct mail_date mapi_filetime(int64_t v);
/* A text property as UTF-8 without NUL at its end, malloc'd, at most max
 * octets (cut between characters; 0: 64 kB); NULL: none, empty, or memory. */
char *mapi_text(struct mapi *o, uint16_t id, size_t max);
/* Value i of multiple texts, the same way. */
char *mapi_text_at(struct mapi *o, uint16_t id, size_t i);
/* v as UTF-8, of any object; NULL also if it is no text, or a stream. */
char *mapi_text_of(const struct mapi *o, const struct mapi_value *v,
                   size_t max);

/* Property sets ([MS-OXPROPS] 1.3.2). */
extern const unsigned char MAPI_PS_PUBLIC_STRINGS[16], MAPI_PS_COMMON[16],
        MAPI_PS_ADDRESS[16], MAPI_PS_APPOINTMENT[16], MAPI_PS_MEETING[16],
        MAPI_PS_TASK[16], MAPI_PS_NOTE[16], MAPI_PS_LOG[16],
        MAPI_PS_INTERNET_HEADERS[16];
/* By a named property: 0 or its id. */
uint16_t mapi_lid(struct mapi *o, const unsigned char set[16], uint32_t lid);
uint16_t mapi_name(struct mapi *o, const unsigned char set[16],
                   const char *name);

/* What an item is, by its message class (0x001A), in any case. */
enum mapi_kind {
	MAPI_MAIL, /* also reports, meeting requests, posts, the unknown */
	MAPI_CONTACT,
	MAPI_APPOINTMENT,
	MAPI_TASK,
	MAPI_STICKY,
	MAPI_JOURNAL,
	MAPI_DISTLIST,
	MAPI_SETTINGS /* IPM.Configuration.* and their like */
};
enum mapi_kind mapi_kind(struct mapi *o);
enum mapi_kind mapi_kind_of(const char *message_class);
/* "a contact", ... for sink.other; NULL for mail. */
const char *mapi_kind_words(enum mapi_kind k);

/* Where octets go that are made of an object. */
struct mapi_out {
	int (*data)(struct mapi_out *o, const void *p, size_t n); /* -1: end */
	void *arg;
};

#endif

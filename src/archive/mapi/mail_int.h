/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mail_int.h - what the files of mail.h share.
 *
 *   mail.c         what is known before the octets; begin and end
 *   mail_value.c   a property's octets, however many, as an input
 *   mail_head.c    the header: transport headers mended, or built
 *   mail_address.c addresses, also those that only Exchange knows
 *   mail_people.c  who wrote, and to whom
 *   mail_body.c    text, HTML, RTF: which, and as a part
 *   mail_part.c    attachments as parts
 *   mail_tree.c    how bodies and attachments stand in each other
 *   mail_report.c  REPORT.*: delivery reports and receipts
 */
#ifndef MAILHAUL_ARCHIVE_MAPI_MAIL_INT_H
#define MAILHAUL_ARCHIVE_MAPI_MAIL_INT_H

#include "archive/mapi/mail.h"
#include "archive/mapi/mime_field.h"
#include "archive/mapi/mime_out.h"
#include "archive/mapi/rtf.h"

/* [MS-OXPROPS] */
enum pid {
	PID_CLASS = 0x001a,
	PID_IMPORTANCE = 0x0017,
	PID_REPORT_TIME = 0x0032,
	PID_SENSITIVITY = 0x0036,
	PID_SUBJECT = 0x0037,
	PID_SUBMIT_TIME = 0x0039,
	PID_SUBJECT_PREFIX = 0x003d,
	PID_REPRESENTING_ENTRY = 0x0041,
	PID_RECEIVED_ENTRY = 0x003f,
	PID_RECEIVED_NAME = 0x0040,
	PID_REPRESENTING_NAME = 0x0042,
	PID_ORIGINAL_SUBJECT = 0x0049,
	PID_REPLY_ENTRIES = 0x004f,
	PID_REPRESENTING_TYPE = 0x0064,
	PID_REPRESENTING_ADDRESS = 0x0065,
	PID_TOPIC = 0x0070,
	PID_CONVERSATION = 0x0071,
	PID_RECEIVED_TYPE = 0x0075,
	PID_RECEIVED_ADDRESS = 0x0076,
	PID_TRANSPORT_HEADERS = 0x007d,
	PID_NDR_REASON = 0x0c04,
	PID_NDR_DIAGNOSTIC = 0x0c05,
	PID_RECIPIENT_TYPE = 0x0c15,
	PID_SENDER_ENTRY = 0x0c19,
	PID_SENDER_NAME = 0x0c1a,
	PID_SUPPLEMENTARY = 0x0c1b,
	PID_SENDER_TYPE = 0x0c1e,
	PID_SENDER_ADDRESS = 0x0c1f,
	PID_NDR_STATUS = 0x0c20,
	PID_REMOTE_MTA = 0x0c21,
	PID_DISPLAY_BCC = 0x0e02,
	PID_DELIVERY_TIME = 0x0e06,
	PID_FLAGS = 0x0e07,
	PID_SIZE = 0x0e08,
	PID_NORMALIZED_SUBJECT = 0x0e1d,
	PID_ATTACH_SIZE = 0x0e20,
	PID_ENTRY = 0x0fff,
	PID_BODY = 0x1000,
	PID_REPORT_TEXT = 0x1001,
	PID_RTF_IN_SYNC = 0x0e1f,
	PID_RTF = 0x1009,
	PID_HTML = 0x1013,
	PID_NATIVE_BODY = 0x1016,
	PID_MESSAGE_ID = 0x1035,
	PID_SEARCH_KEY = 0x300b,
	PID_REFERENCES = 0x1039,
	PID_IN_REPLY_TO = 0x1042,
	PID_ORIGINAL_ID = 0x1046,
	PID_ICON = 0x1080,
	PID_LAST_VERB = 0x1081,
	PID_FLAG_STATUS = 0x1090,
	PID_NAME = 0x3001,
	PID_ADDRESS_TYPE = 0x3002,
	PID_ADDRESS = 0x3003,
	PID_CREATED = 0x3007,
	PID_ATTACH_DATA = 0x3701,
	PID_ATTACH_ENCODING = 0x3702,
	PID_ATTACH_FILE = 0x3704,
	PID_ATTACH_METHOD = 0x3705,
	PID_ATTACH_LONG_FILE = 0x3707,
	PID_ATTACH_PATH = 0x3708,
	PID_ATTACH_RENDERING = 0x3709,
	PID_ATTACH_LONG_PATH = 0x370d,
	PID_ATTACH_MIME = 0x370e,
	PID_CONTENT_ID = 0x3712,
	PID_CONTENT_LOCATION = 0x3713,
	PID_ATTACH_FLAGS = 0x3714,
	PID_SMTP = 0x39fe,
	PID_PREVIEW = 0x3fd9,
	PID_CODEPAGE = 0x3fde,
	PID_CREATOR_ADDRESS = 0x4023,
	PID_MODIFIER_ADDRESS = 0x4025,
	PID_SENDER_SMTP = 0x5d01,
	PID_REPRESENTING_SMTP = 0x5d02,
	PID_RECEIVED_SMTP = 0x5d07,
	PID_CREATOR_SMTP = 0x5d0a,
	PID_MODIFIER_SMTP = 0x5d0b,
	PID_REPORTING_MTA = 0x6820,
	PID_HIDDEN = 0x7ffe
};

#define DEPTH_MOST 16
/* What one mail may cost, whatever its file says of it: attachments of all
 * messages in it, recipients, octets written. */
#define PARTS_MOST 20000u
#define PEOPLE_MOST 50000u
#define OCTETS_MOST (UINT64_C(4) << 30)
#define PIECE 16384
#define LOOK_MOST (64u << 10) /* a first look at a body */

/* One mail with all that is in it. */
struct mail_all {
	struct mapi_mail *m;
	struct field field;
	struct buf look;
	unsigned boundaries;
	unsigned tnefs;         /* taken apart and open */
	unsigned parts, people; /* so far */
	unsigned looked;        /* rows, for the address of another */
	size_t searched;        /* octets of HTML, for what it shows */
	struct mime_out out;    /* large: the last */
};

enum body_kind { BODY_NONE, BODY_TEXT, BODY_HTML };
struct mail_body {
	enum body_kind kind;
	struct mapi *o;
	uint16_t id; /* PID_BODY, PID_HTML, PID_RTF */
	enum rtf_kind rtf;
};

struct mail_part {
	struct mapi *o; /* whose attachment */
	size_t i;
	bool inside; /* shown in the HTML */
};

/* One message of it: itself, or one that is attached. */
struct mail_msg {
	struct mail_all *a;
	struct mapi *o;
	unsigned depth;
	uint64_t path; /* of attachments to it: another for each message */
	char *class;
	char *type; /* Content-Type of the transport headers, or NULL */
	struct mail_body text, html;
	struct mapi *rtf; /* whose RTF is attached too, or NULL */
	bool unreadable;  /* it has a text that can't be read */
	struct mail_part *part;
	size_t parts, parts_cap;
	size_t inside; /* of them */
	struct mapi **tnef;
	size_t tnefs;
	struct buf calendar;
	const char *method;
};

/* mail.c */
int mail_msg_write(struct mail_all *a, struct mapi *o, unsigned depth,
                   uint64_t path);
/* Adds a sentence to m->note unless it stands there. */
void mail_note(struct mail_all *a, const char *sentence);
/* Something is missing: m->made. */
void mail_in_part(struct mail_all *a, const char *sentence);
/* An attachment is; name may be NULL, size 0. */
void mail_missing(struct mail_all *a, const char *name, uint64_t size);
/* Subject without the two octets before it ([MS-OXCMSG] 2.2.1.46); malloc'd
 * or NULL. */
char *mail_subject(struct mapi *o);
/* The same at each run: of the message, its path and a salt. */
uint64_t mail_hash(const struct mail_msg *g, uint64_t salt);
bool mail_class_is(const struct mail_msg *g, const char *prefix);

/* mail_value.c */
#define VALUE_HEAD 128
struct mail_value {
	struct input in; /* what it holds, from the start */
	struct mapi *o;
	struct mapi_value v;
	struct input real;
	bool opened;
	size_t at;
	unsigned char head[VALUE_HEAD]; /* looked at, and read again after */
	size_t head_n, head_at;
	uint64_t left; /* of what is to be read */
};
/* 1; 0: there is none; -1: it can't be read. Close it only after 1. */
int mail_value_open(struct mail_value *x, struct mapi *o, uint16_t id);
/* Before all else: its first octets, n of them, VALUE_HEAD at most. */
const unsigned char *mail_value_head(struct mail_value *x, size_t *n);
/* Before all else: of a file in MacBinary, only the file itself. True: there
 * is more, which only a Macintosh had a use for. */
bool mail_value_mac(struct mail_value *x);
void mail_value_shut(struct mail_value *x);
/* All of in to out. 0; -1: out wants no more; -2: in failed. */
int mail_copy(struct input *in, struct mapi_out *out);

/* mail_head.c */
void mail_head(struct mail_msg *g);

/* mail_address.c: texts are malloc'd, or NULL. */
#define PLACEHOLDER "@exchange.invalid"
#define ADDRESS_MOST 320u
/* s as RFC 5322 has it, perhaps with its local part quoted; NULL: it is no
 * address. s is changed. */
char *mail_address_of(char *s);
char *mail_smtp_of(struct mapi *of, uint16_t id);
/* Name, type and address out of an entry id. */
void mail_entry_read(const unsigned char *p, size_t n, unsigned codepage,
                     char *out[3]);
/* What stands beside the distinguished name dn in another place of the
 * message itself, or in the row of a recipient. */
char *mail_address_beside(struct mail_msg *g, const char *dn);
char *mail_address_in_rows(struct mail_msg *g, const char *dn);
/* An address that leads nowhere and tells who it was. */
char *mail_placeholder(const char *dn, const char *name);

/* mail_people.c */
struct person {
	char *name;
	char *address;
};
struct person_ids {
	uint16_t name, type, address, smtp, entry;
};
/* True if there is one. */
bool mail_person(struct mail_msg *g, struct mapi *of,
                 const struct person_ids *ids, struct person *out);
void person_release(struct person *p);
void person_add(struct field *f, const struct person *p, bool first);
bool mail_from(struct mail_msg *g, struct person *out);
bool mail_sender(struct mail_msg *g, struct person *out);
/* In whose mailbox it arrived. */
bool mail_receiver(struct mail_msg *g, struct person *out);
bool mail_recipient(struct mail_msg *g, struct mapi *row, struct person *out);
/* Writes To, Cc and Bcc, of them those of which want is true. */
void mail_recipients(struct mail_msg *g, const bool want[3]);
void mail_reply_to(struct mail_msg *g);
/* A field of addresses with 8-bit text in it, unfolded, is added to f. */
void mail_people_text(struct field *f, const char *p, size_t n);

/* mail_body.c */
void mail_bodies(struct mail_msg *g, struct mapi *o);
/* The HTML has text in it, of LOOK_MOST / 2 octets at most. */
bool mail_html_has(struct mail_msg *g, const char *text);
/* As a part: its fields, an empty line, its text. */
void mail_body_part(struct mail_msg *g, const struct mail_body *b);
/* A part of what is in memory; params may be NULL: "; method=REQUEST". */
void mail_text_part(struct mail_msg *g, const char *type, const char *params,
                    const char *p, size_t n);

/* mail_part.c */
/* Lists the attachments of o: -1: memory. */
int mail_parts(struct mail_msg *g, struct mapi *o);
struct mail_nest;
/* One attachment as a part of n, or more. */
void mail_attachment(struct mail_msg *g, struct mail_nest *n,
                     const struct mail_part *p);
void mail_rtf_file(struct mail_msg *g, struct mail_nest *n);

/* mail_tree.c */
struct mail_nest {
	char boundary[32];
	bool any;
};
/* type with its parameters but the boundary. */
void mail_nest_begin(struct mail_msg *g, struct mail_nest *n, const char *type);
void mail_nest_next(struct mail_msg *g, struct mail_nest *n);
void mail_nest_end(struct mail_msg *g, struct mail_nest *n);
/* All behind the header, from MIME-Version on. */
void mail_tree(struct mail_msg *g);
/* Its bodies, as one part or more. */
void mail_tree_bodies(struct mail_msg *g);

/* mail_report.c */
bool mail_report(struct mail_msg *g); /* true: it was one */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* test_graph_mail.c - messages as Microsoft Graph's JSON. */
#include "mail_fixture.h"

#include <jansson.h>

#include "mime/graph_ids.h"
#include "mime/graph_mail.h"
#include "mime/graph_words.h"

struct made {
	struct body in;
	struct graph_mail *g;
	json_t *j;
	enum graph_obstacle obstacle;
	uint64_t octets;
};

static void make(struct made *m, const char *text, size_t n, uint64_t most,
                 const struct graph_facts *f)
{
	static const struct graph_facts none;
	struct body out;
	struct err e = { 0 };
	char *p;

	body_init(&m->in, 1u << 20, NULL);
	body_init(&out, 4096, NULL);
	assert_int_equal(body_append(&m->in, text, n, &e), 0);
	assert_int_equal(graph_mail_open(&m->g, &m->in, &e), 0);
	m->obstacle = graph_mail_plan(m->g, most);
	assert_int_equal(graph_mail_json(m->g, f ? f : &none, &out, &e), 0);
	p = body_text(&out);
	m->octets = out.size;
	m->j = json_loads(p, JSON_REJECT_DUPLICATES, NULL);
	if (!m->j)
		fail_msg("no JSON: %s", p);
	free(p);
	body_release(&out);
}

static void make_text(struct made *m, const char *text)
{
	make(m, text, strlen(text), GRAPH_REQUEST_MOST, NULL);
	assert_int_equal(m->obstacle, GRAPH_FITS);
}

static void done(struct made *m)
{
	json_decref(m->j);
	graph_mail_close(&m->g);
	assert_null(m->g);
	body_release(&m->in);
}

/* "body.content", "attachments.0.name"; NULL: not there. */
static json_t *at(const json_t *j, const char *path)
{
	char *copy = strdup(path), *rest = copy, *key;

	while (j && (key = strsep(&rest, ".")))
		j = json_is_array(j) ? json_array_get(j, strtoul(key, NULL, 10))
		                     : json_object_get(j, key);
	free(copy);
	return (json_t *)(uintptr_t)j;
}

static const char *str(const struct made *m, const char *path)
{
	return json_string_value(at(m->j, path));
}

static const char *prop(const struct made *m, const char *id)
{
	json_t *all = at(m->j, "singleValueExtendedProperties"), *one;
	size_t i;

	json_array_foreach(
	        all, i,
	        one) if (strcmp(json_string_value(json_object_get(one, "id")),
	                        id) ==
	                 0) return json_string_value(json_object_get(one,
	                                                             "value"));
	return NULL;
}

static size_t files(const struct made *m)
{
	return json_array_size(at(m->j, "attachments"));
}

#define assert_str(m, path, want) assert_string_equal(str(m, path), want)
#define assert_prop(m, id, want) assert_string_equal(prop(m, id), want)

static void a_plain_message(void **state)
{
	static const char text[] =
	        "Received: by x; Tue, 1 Mar 2016 12:00:00 +0100\r\n"
	        "From: Ann <ann@a.example>\r\n"
	        "To: bob@b.example, \"C, D\" <cd@c.example>\r\n"
	        "Cc: Team: x@y.example, z@y.example;, undisclosed-recipients:;"
	        "\r\n"
	        "Subject: =?utf-8?Q?Gr=C3=BC=C3?= =?utf-8?B?n2U=?=\r\n"
	        "Date: Tue, 1 Mar 2016 10:59:58 +0000\r\n"
	        "Message-ID: <1@a>\r\nIn-Reply-To: <0@a>\r\n"
	        "References: <9@a>\r\n\t<0@a>\r\nX-Priority: 1 (Highest)\r\n"
	        "\r\nhello \"there\"\\\r\n\001\r\n";
	struct made m;

	make_text(&m, text);
	assert_str(&m, "subject", "Gr\303\274\303\237e");
	assert_str(&m, "from.emailAddress.name", "Ann");
	assert_str(&m, "from.emailAddress.address", "ann@a.example");
	assert_str(&m, "sender.emailAddress.address", "ann@a.example");
	assert_str(&m, "toRecipients.0.emailAddress.address", "bob@b.example");
	assert_str(&m, "toRecipients.1.emailAddress.name", "C, D");
	assert_int_equal(json_array_size(at(m.j, "ccRecipients")), 2);
	assert_null(at(m.j, "bccRecipients"));
	assert_str(&m, "internetMessageId", "<1@a>");
	assert_string_equal(graph_mail_message_id(m.g), "<1@a>");
	assert_str(&m, "importance", "high");
	assert_str(&m, "body.contentType", "text");
	assert_str(&m, "body.content", "hello \"there\"\\\r\n\001\r\n");
	assert_prop(&m, GRAPH_ID_FLAGS, "0");
	assert_prop(&m, GRAPH_ID_RECEIVED, "2016-03-01T11:00:00Z");
	assert_prop(&m, GRAPH_ID_SENT, "2016-03-01T10:59:58Z");
	assert_prop(&m, GRAPH_ID_MESSAGE_ID, "<1@a>");
	assert_prop(&m, GRAPH_ID_REFERENCES, "<9@a> <0@a>");
	assert_prop(&m, GRAPH_ID_IN_REPLY_TO, "<0@a>");
	assert_null(prop(&m, GRAPH_ID_SOURCE));
	assert_null(prop(&m, GRAPH_ID_CLASS));
	assert_int_equal(strncmp(prop(&m, GRAPH_ID_HEADER), text, 200), 0);
	assert_int_equal(files(&m), 0);
	assert_null(graph_mail_note(m.g));
	done(&m);
}

static void facts_are_told(void **state)
{
	static const char text[] = "Subject: s\r\nDate: nonsense\r\n\r\n";
	struct graph_facts f = { .flags = MAIL_SEEN | MAIL_DRAFT | MAIL_FLAGGED,
		                 .categories = "$Forwarded \\Foo red w\303\266",
		                 .date = { 1700000000, 60, true },
		                 .source_id = "m:1" };
	struct made m;

	make(&m, text, sizeof(text) - 1, GRAPH_REQUEST_MOST, &f);
	assert_prop(&m, GRAPH_ID_FLAGS, "9");
	assert_true(json_is_true(at(m.j, "isRead")));
	assert_str(&m, "flag.flagStatus", "flagged");
	assert_int_equal(json_array_size(at(m.j, "categories")), 2);
	assert_str(&m, "categories.1", "w\303\266");
	assert_prop(&m, GRAPH_ID_RECEIVED, "2023-11-14T22:13:20Z");
	assert_prop(&m, GRAPH_ID_SENT, "2023-11-14T22:13:20Z");
	assert_prop(&m, GRAPH_ID_VERB, "104");
	assert_prop(&m, GRAPH_ID_ICON, "262");
	assert_prop(&m, GRAPH_ID_SOURCE, "m:1");
	done(&m);
	f.flags = MAIL_ANSWERED;
	f.categories = NULL;
	make(&m, text, sizeof(text) - 1, GRAPH_REQUEST_MOST, &f);
	assert_prop(&m, GRAPH_ID_VERB, "102");
	assert_prop(&m, GRAPH_ID_ICON, "261");
	assert_prop(&m, GRAPH_ID_FLAGS, "0");
	assert_true(json_is_false(at(m.j, "isRead")));
	assert_null(at(m.j, "categories"));
	assert_null(at(m.j, "flag"));
	done(&m);
}

static void html_is_taken_and_images_stay_within(void **state)
{
	static const char text[] =
	        "Content-Type: multipart/mixed; boundary=\"m\"\r\n\r\n"
	        "seen by nobody\r\n--m\r\n"
	        "Content-Type: multipart/alternative; boundary=a\r\n\r\n"
	        "--a\r\n\r\nplain\r\n--a\r\n"
	        "Content-Type: multipart/related; boundary=r\r\n\r\n"
	        "--r\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
	        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
	        "<b>=E4=80</b><img src=3D\"cid:one%40x\">\r\n"
	        "--r\r\nContent-Type: image/png\r\nContent-ID: <one@x>\r\n"
	        "Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n"
	        "--r\r\nContent-Type: image/gif\r\nContent-ID: <two@x>\r\n"
	        "\r\nxyz\r\n--r--\r\n--a--\r\n"
	        "--m\r\nContent-Type: text/calendar\r\n\r\nBEGIN:\r\n"
	        "--m\r\nContent-Disposition: attachment;\r\n"
	        " filename*0*=utf-8''%C3%A4%20; filename*1=b.txt\r\n\r\nt\r\n"
	        "--m\r\n\r\nfooter & <more>\r\n--m--\r\nepilogue\r\n";
	struct made m;

	make_text(&m, text);
	assert_str(&m, "body.contentType", "html");
	assert_str(&m, "body.content",
	           "<b>\303\244\342\202\254</b><img src=\"cid:one%40x\">"
	           "<pre style=\"white-space:pre-wrap\">footer &amp; "
	           "&lt;more&gt;</pre>");
	assert_int_equal(files(&m), 4);
	assert_str(&m, "attachments.0.name", "attachment-1.png");
	assert_str(&m, "attachments.0.contentBytes", "QUJD");
	assert_str(&m, "attachments.0.contentId", "one@x");
	assert_string_equal(json_string_value(json_object_get(
	                            at(m.j, "attachments.0"), "@odata.type")),
	                    "#microsoft.graph.fileAttachment");
	assert_true(json_is_true(at(m.j, "attachments.0.isInline")));
	assert_true(json_is_false(at(m.j, "attachments.1.isInline")));
	assert_str(&m, "attachments.1.contentBytes", "eHl6");
	assert_str(&m, "attachments.2.name", "invite.ics");
	assert_str(&m, "attachments.3.name", "\303\244 b.txt");
	assert_str(&m, "attachments.3.contentType", "text/plain");
	assert_null(graph_mail_note(m.g));
	done(&m);
}

static void attached_messages_keep_their_octets(void **state)
{
	static const char inner[] =
	        "Subject: =?utf-8?Q?a/b=3A?= c\r\nContent-Type: "
	        "multipart/mixed;"
	        " boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n";
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	char *bytes;
	struct made m;

	assert_int_equal(
	        buf_fmt(&b,
	                "Content-Type: multipart/digest; boundary=d\r\n\r\n"
	                "--d\r\n\r\n%s\r\n--d\r\nContent-Type: message/rfc822;"
	                " name=\"=?utf-8?Q?b?= =?utf-8?B?dw==?=\"\r\n\r\n\r\n"
	                "--d--\r\n",
	                inner),
	        0);
	make_text(&m, b.p);
	assert_int_equal(files(&m), 2);
	assert_str(&m, "attachments.0.name", "a_b_ c.eml");
	assert_str(&m, "attachments.0.contentType", "message/rfc822");
	bytes = strdup(str(&m, "attachments.0.contentBytes"));
	assert_int_equal(strlen(bytes), (sizeof(inner) - 1 + 2) / 3 * 4);
	free(bytes);
	assert_str(&m, "attachments.1.name", "bw.eml");
	assert_str(&m, "attachments.1.contentBytes", "");
	assert_str(&m, "body.content", "");
	done(&m);
}

static void signed_and_encrypted_are_told(void **state)
{
	struct made m;

	make_text(&m, "Content-Type: multipart/signed; boundary=s\r\n\r\n"
	              "--s\r\n\r\nreadable\r\n--s\r\n"
	              "Content-Type: application/pgp-signature\r\n\r\nxx\r\n"
	              "--s--\r\n");
	assert_str(&m, "body.content", "readable");
	assert_str(&m, "attachments.0.name", "signature.asc");
	assert_non_null(strstr(graph_mail_note(m.g), "no longer be verified"));
	assert_null(prop(&m, GRAPH_ID_CLASS));
	done(&m);
	make_text(&m, "Content-Type: application/pkcs7-mime; name=x.p7m\r\n"
	              "Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n");
	assert_str(&m, "attachments.0.name", "x.p7m");
	assert_str(&m, "attachments.0.contentBytes", "QUJD");
	assert_prop(&m, GRAPH_ID_CLASS, "IPM.Note.SMIME");
	assert_non_null(strstr(graph_mail_note(m.g), "S/MIME"));
	done(&m);
	make_text(&m, "Content-Type: multipart/encrypted; boundary=s\r\n\r\n"
	              "--s\r\nContent-Type: application/pgp-encrypted\r\n\r\n"
	              "Version: 1\r\n--s\r\nContent-Type: text/plain\r\n\r\n"
	              "secret\r\n--s--\r\n");
	assert_int_equal(files(&m), 2);
	assert_str(&m, "body.content", "");
	assert_non_null(strstr(graph_mail_note(m.g), "encrypted"));
	done(&m);
}

static void report_parts_are_files(void **state)
{
	struct made m;

	make_text(&m, "Content-Type: multipart/report; boundary=s\r\n\r\n"
	              "--s\r\n\r\nfailed\r\n--s\r\n"
	              "Content-Type: message/delivery-status\r\n\r\nA: b\r\n"
	              "--s\r\nContent-Type: text/rfc822-headers\r\n\r\nC: d\r\n"
	              "--s\r\nContent-Type: message/external-body\r\n\r\n\r\n"
	              "--s\r\nContent-Type: application/ms-tnef\r\n\r\nx\r\n");
	assert_str(&m, "body.content", "failed");
	assert_int_equal(files(&m), 4);
	assert_str(&m, "attachments.0.name", "delivery-status.txt");
	assert_str(&m, "attachments.1.name", "headers.txt");
	assert_str(&m, "attachments.2.contentType", "message/external-body");
	assert_str(&m, "attachments.3.name", "winmail.dat");
	assert_null(graph_mail_note(m.g));
	done(&m);
}

static void texts_are_joined_or_kept(void **state)
{
	struct made m;

	make_text(&m, "Content-Type: multipart/mixed; boundary=s\r\n\r\n"
	              "--s\r\n\r\none\r\n--s\r\n\r\ntwo\r\n--s\r\n"
	              "Content-Type: text/plain; name=note.txt\r\n\r\nx\r\n"
	              "--s--");
	assert_str(&m, "body.content", "one\r\ntwo");
	assert_int_equal(files(&m), 1);
	assert_str(&m, "attachments.0.name", "note.txt");
	done(&m);
	make_text(&m, "Content-Type: multipart/alternative; boundary=s\r\n\r\n"
	              "--s\r\n\r\none\r\n--s\r\n\r\ntwo\r\n--s\r\n"
	              "Content-Type: text/enriched\r\n\r\nx\r\n--s--");
	assert_str(&m, "body.content", "two");
	assert_int_equal(files(&m), 1);
	assert_str(&m, "attachments.0.contentBytes", "b25l");
	done(&m);
	make_text(&m, "Content-Type: multipart/mixed; boundary=s\r\n\r\n"
	              "--s\r\nContent-Type: text/html\r\n\r\n<p>\r\n"
	              "--s\r\nContent-Type: text/html\r\n\r\n<i>\r\n--s--");
	assert_str(&m, "body.content", "<p><i>");
	assert_non_null(strstr(graph_mail_note(m.g), "joined"));
	done(&m);
}

static void broken_structures_lose_nothing(void **state)
{
	struct made m;

	/* No boundary, one that never comes, a header without its end. */
	make_text(&m, "Content-Type: multipart/mixed\r\n\r\nall\r\n");
	assert_str(&m, "body.content", "all\r\n");
	done(&m);
	make_text(&m, "Content-Type: multipart/mixed; boundary=x\r\n\r\nall");
	assert_str(&m, "body.content", "all");
	done(&m);
	make_text(&m, "From x Mon\r\nSubject: s\r\nthis is text\r\nmore");
	assert_str(&m, "subject", "s");
	assert_str(&m, "body.content", "this is text\r\nmore");
	assert_prop(&m, GRAPH_ID_HEADER, "Subject: s\r\n");
	done(&m);
	make_text(&m, "");
	assert_str(&m, "subject", "");
	assert_str(&m, "body.content", "");
	assert_null(prop(&m, GRAPH_ID_HEADER));
	done(&m);
	/* Boundaries within headers, nested ones that are prefixes. */
	make_text(&m, "Content-Type: multipart/mixed; boundary=a:b\n\n--a:b\n"
	              "Content-Type: text/plain\n--a:b\n"
	              "Content-Type: multipart/mixed; boundary=a\n\n--a\n\none"
	              "\n--a  \n\ntwo\n--a--x\n--a:b--\nepilogue\n");
	assert_str(&m, "body.content", "one\r\ntwo\n--a--x");
	done(&m);
	/* base64 without its padding; a word that is none. */
	make_text(&m, "Content-Type: image/png\r\n"
	              "Content-Transfer-Encoding: BASE64 (x)\r\n\r\nQUJDRA");
	assert_str(&m, "attachments.0.contentBytes", "QUJDRA==");
	done(&m);
	make_text(&m, "Content-Type: application/x; name=\"C:\\a\\b.x\"\r\n"
	              "Content-Transfer-Encoding: x-uuencode\r\n\r\n"
	              "begin 644 b.x\r\n#0V%T\r\n`\r\nend\r\n");
	assert_str(&m, "attachments.0.name", "b.x");
	assert_str(&m, "attachments.0.contentBytes", "Q2F0");
	done(&m);
}

static void charsets(void **state)
{
	static const struct {
		const char *head, *body, *want;
	} all[] = {
		{ "", "\xe4\xc3\xa4\x93", "\303\244\303\244\342\200\234" },
		{ "us-ascii", "a\x80", "a\342\202\254" },
		{ "no-such", "\xe4", "\303\244" },
		{ "utf-8", "a\xe4z\xf0\x9f", "a\357\277\275z\357\277\275" },
		{ "utf-8", "\xf8\x88\x80\x80\x80\xed\xa0\x80",
		  "\357\277\275\357\277\275\357\277\275\357\277\275\357\277\275"
		  "\357\277\275\357\277\275\357\277\275" },
		{ "iso-8859-1", "\xe4\x93", "\303\244\342\200\234" },
		{ "iso-2022-jp", "\x1b$B$3\x1b(B.", "\343\201\223." },
		{ "gb2312", "\xd6\xd0\xff", "\344\270\255\357\277\275" },
		{ "koi8-r", "\xc1", "\320\260" },
		{ "utf-16le", "a\0b", "a\357\277\275" },
		{ "utf-8//IGNORE", "\xe4", "\303\244" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
		size_t n = strlen(all[i].body);
		struct made m;

		buf_fmt(&b, "Content-Type: text/plain; charset=\"%s\"\r\n\r\n",
		        all[i].head);
		buf_add(&b, all[i].body, i == 9 ? 3 : n);
		make(&m, b.p, b.n, GRAPH_REQUEST_MOST, NULL);
		assert_str(&m, "body.content", all[i].want);
		done(&m);
	}
}

/* Characters that are cut at every place between two reads. */
static void charsets_in_pieces(void **state)
{
	static const char piece[] = "=1B$B$3=1B(B=";
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *got;
	size_t n = 0;
	struct made m;

	buf_str(&b, "Content-Type: text/plain; charset=iso-2022-jp\r\n"
	            "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
	while (b.n < 200000) {
		buf_fmt(&b, "%s\r\n", piece);
		n++;
	}
	make(&m, b.p, b.n, GRAPH_REQUEST_MOST, NULL);
	got = str(&m, "body.content");
	assert_int_equal(strlen(got), 3 * n);
	for (size_t i = 0; i < n; i++)
		assert_memory_equal(got + 3 * i, "\343\201\223", 3);
	done(&m);
}

static void nul_and_raw_octets_in_headers(void **state)
{
	static const char text[] = "Subject: a\0b \xfc\r\nFrom: J\xfcrgen "
	                           "<j@x>\r\n\r\na\0b";
	struct made m;

	make(&m, text, sizeof(text) - 1, GRAPH_REQUEST_MOST, NULL);
	assert_str(&m, "subject", "a b \303\274");
	assert_str(&m, "from.emailAddress.name", "J\303\274rgen");
	assert_str(&m, "body.content", "a\357\277\275b");
	done(&m);
}

struct seen {
	struct buf b;
};

static int see(const char *name, const char *address, void *arg)
{
	struct seen *s = arg;

	return buf_fmt(&s->b, "[%s|%s]", name ? name : "",
	               address ? address : "");
}

static void people_of_all_kinds(void **state)
{
	static const struct {
		const char *raw, *want;
	} all[] = {
		{ "a@b.c", "[|a@b.c]" },
		{ "Amazon.de <x@y.de>", "[Amazon.de|x@y.de]" },
		{ "A & B [c] <a@b.c>", "[A & B [c]|a@b.c]" },
		{ "Big Bug bb@bug.com", "[Big Bug|bb@bug.com]" },
		{ "MAILER DAEMON", "[MAILER DAEMON|]" },
		{ "a@b.c (Full \\(Name)", "[Full (Name|a@b.c]" },
		{ "Me (work) <a@b.c>", "[Me (work)|a@b.c]" },
		{ "(just me) <a@b.c>", "[just me|a@b.c]" },
		{ "a@b.c; d@e.f,,g@h.i", "[|a@b.c][|d@e.f][|g@h.i]" },
		{ "T: A <a@b.c>, d@e.f;, z@z", "[A|a@b.c][|d@e.f][|z@z]" },
		{ "eBay: Member <a@b.c>", "[eBay: Member|a@b.c]" },
		{ "undisclosed-recipients:;", "" },
		{ "Undisclosed Recipients", "" },
		{ "\"=?utf-8?Q?=C3=A4?=\" <a@b.c>", "[\303\244|a@b.c]" },
		{ "=?utf-8?Q?x=2C?= <a@b.c>, b@c.d", "[x,|a@b.c][|b@c.d]" },
		{ "\"un <a@b.c>, d@e.f", "[un|a@b.c][|d@e.f]" },
		{ "(un <a@b.c>", "[(un|a@b.c]" },
		{ "x <a@b.c, d@e.f", "[x|a@b.c][|d@e.f]" },
		{ "<<a@b.c>>", "[|a@b.c]" },
		{ "x <mailto:a@b.c>", "[x|a@b.c]" },
		{ "mailto:a@b.c", "[|a@b.c]" },
		{ "<@r.x,@s.x:a@b.c>", "[|a@b.c]" },
		{ "\"a b\"@c.d", "[|\"a b\"@c.d]" },
		{ "a (x)@ (y) b . c", "[x y|a@b.c]" },
		{ "a@[127.0.0.1]", "[|a@[127.0.0.1]]" },
		{ "a@b@c.d", "[a@b@c.d|]" },
		{ "x <a b@c.d>", "[x|]" },
		{ "Foo <>", "[Foo|]" },
		{ "", "" },
		{ " , ;", "" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct seen s = { BUF_INIT(0) };

		assert_int_equal(graph_people(all[i].raw, see, &s), 0);
		assert_string_equal(s.b.n ? s.b.p : "", all[i].want);
		buf_release(&s.b);
	}
}

static void words_of_all_kinds(void **state)
{
	static const char *const all[][2] = {
		{ "=?utf-8?B?w6Q=?= =?utf-8?B?w7Y=?=", "\303\244\303\266" },
		{ "=?utf-8?Q?=C3?=\t =?UTF-8?Q?=A4?= x", "\303\244 x" },
		{ "a=?utf-8?q?b_c?=d", "ab cd" },
		{ "=?utf-8*en?Q?a?= =?iso-8859-1?Q?=E4?=", "a\303\244" },
		{ "=?utf-8?Q?a", "=?utf-8?Q?a" },
		{ "=?utf-8?X?a?= = =?", "=?utf-8?X?a?= = =?" },
		{ "=?iso-2022-jp?B?GyRCJDMbKEI=?= =?iso-2022-jp?B?eA==?=",
		  "\343\201\223x" },
		{ "=?iso-8859-1?Q?raw \xe4?=", "raw \303\244" },
		{ "=?x-none?Q?=E4?=", "\303\244" },
		{ "  a \t b\001c  ", "a  b c" },
		{ "=?utf-8?Q?"
		  "?=",
		  "" },

	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char *got = graph_words(all[i][0]);

		assert_string_equal(got, all[i][1]);
		free(got);
	}
}

static void nameless_people_and_long_subjects_are_told(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct made m;

	buf_str(&b, "To: nobody at all\r\nCc: a@b.c\r\nSubject: ");
	for (int i = 0; i < 256; i++)
		buf_str(&b, "\303\244");
	buf_str(&b, "\r\n\r\n");
	make_text(&m, b.p);
	assert_str(&m, "toRecipients.0.emailAddress.name", "nobody at all");
	assert_null(at(m.j, "toRecipients.0.emailAddress.address"));
	assert_int_equal(strlen(str(&m, "subject")), 512);
	assert_non_null(strstr(graph_mail_note(m.g), "255 characters"));
	assert_non_null(strstr(graph_mail_note(m.g), "One sender or"));
	done(&m);
}

static void long_headers_are_cut_between_fields(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	const char *kept;
	struct made m;

	while (b.n < 70000)
		buf_str(&b, "X-Field: 0123456789\r\n with a fold\r\n");
	buf_str(&b, "Subject: last\r\n\r\nbody");
	make_text(&m, b.p);
	kept = prop(&m, GRAPH_ID_HEADER);
	assert_in_range(strlen(kept), 59900, 60000);
	assert_string_equal(kept + strlen(kept) - 13, "with a fold\r\n");
	assert_str(&m, "subject", "last");
	assert_non_null(strstr(graph_mail_note(m.g), "60,000"));
	done(&m);
}

static void too_many_parts_are_kept_whole(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct made m;

	buf_str(&b, "Subject: all of it\r\n"
	            "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < 2001; i++)
		buf_str(&b, "--x\r\n\r\n");
	make_text(&m, b.p);
	assert_str(&m, "subject", "all of it");
	assert_str(&m, "body.content", "");
	assert_int_equal(files(&m), 1);
	assert_str(&m, "attachments.0.name", "all of it.eml");
	assert_str(&m, "attachments.0.contentType", "message/rfc822");
	assert_int_equal(strlen(str(&m, "attachments.0.contentBytes")),
	                 (b.n + 2) / 3 * 4);
	assert_non_null(strstr(graph_mail_note(m.g), "kept whole"));
	done(&m);
}

static void nesting_has_an_end(void **state)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct made m;

	for (int i = 0; i < 150; i++)
		buf_fmt(&b,
		        "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
		        "--b%d\r\n",
		        i, i);
	make_text(&m, b.p);
	assert_int_equal(files(&m), 1);
	assert_non_null(strstr(graph_mail_note(m.g), "kept whole"));
	done(&m);
}

/* A message with files of these many octets. */
static void with_files(struct buf *b, const size_t *sizes, size_t n)
{
	buf_str(b, "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
	           "--x\r\n\r\ntext\r\n");
	for (size_t i = 0; i < n; i++) {
		buf_fmt(b,
		        "--x\r\nContent-Type: application/x; name=f%zu\r\n"
		        "\r\n",
		        i);
		for (size_t k = 0; k < sizes[i]; k++)
			buf_chr(b, (char)('a' + k % 26));
		buf_str(b, "\r\n");
	}
	buf_str(b, "--x--\r\n");
}

static void large_ones_go_apart(void **state)
{
	static const size_t sizes[] = { 50000, 100, 3000000, 20000, 1 };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct graph_attachment a;
	struct body out;
	struct err e;
	struct made m;

	with_files(&b, sizes, 5);
	make(&m, b.p, b.n, 60000, NULL);
	assert_int_equal(m.obstacle, GRAPH_FITS);
	assert_int_equal(graph_mail_attachments(m.g), 5);
	assert_int_equal(files(&m), 3);
	assert_true(m.octets <= 60000);
	assert_int_equal(graph_mail_apart(m.g), 2);
	graph_mail_attachment(m.g, 1, &a);
	assert_string_equal(a.name, "f2");
	assert_string_equal(a.type, "application/x");
	assert_int_equal(a.size, 3000000);
	assert_null(a.content_id);
	body_init(&out, 1000, NULL);
	assert_int_equal(graph_mail_octets(m.g, 0, &out, &e), 0);
	assert_int_equal(out.size, 50000);
	body_release(&out);
	/* With more room only what is too large for any request. */
	assert_int_equal(graph_mail_plan(m.g, GRAPH_REQUEST_MOST), GRAPH_FITS);
	assert_int_equal(graph_mail_apart(m.g), 1);
	done(&m);
	make(&m, b.p, b.n, 10000, NULL);
	assert_int_equal(m.obstacle, GRAPH_BODY_TOO_BIG);
	done(&m);
}

/* Each limit from what is needed on leaves out nothing, and one octet less
 * puts one file apart. */
static void sizes_are_exact(void **state)
{
	static const size_t sizes[] = { 1000, 1001, 1002 };
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(0);
	struct made m;
	uint64_t all, facts = 20000;

	with_files(&b, sizes, 3);
	make(&m, b.p, b.n, GRAPH_REQUEST_MOST, NULL);
	all = m.octets;
	assert_int_equal(files(&m), 3);
	done(&m);
	for (uint64_t most = all + facts - 200; most < all + facts + 200;
	     most++) {
		make(&m, b.p, b.n, most, NULL);
		assert_int_equal(m.obstacle, GRAPH_FITS);
		assert_in_range(files(&m), 2, 3);
		assert_true(m.octets <= most);
		if (most == all + facts - 200)
			assert_int_equal(files(&m), 2);
		if (most == all + facts + 199)
			assert_int_equal(files(&m), 3);
		done(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_message),
		cmocka_unit_test(facts_are_told),
		cmocka_unit_test(html_is_taken_and_images_stay_within),
		cmocka_unit_test(attached_messages_keep_their_octets),
		cmocka_unit_test(signed_and_encrypted_are_told),
		cmocka_unit_test(report_parts_are_files),
		cmocka_unit_test(texts_are_joined_or_kept),
		cmocka_unit_test(broken_structures_lose_nothing),
		cmocka_unit_test(charsets),
		cmocka_unit_test(charsets_in_pieces),
		cmocka_unit_test(nul_and_raw_octets_in_headers),
		cmocka_unit_test(people_of_all_kinds),
		cmocka_unit_test(words_of_all_kinds),
		cmocka_unit_test(nameless_people_and_long_subjects_are_told),
		cmocka_unit_test(long_headers_are_cut_between_fields),
		cmocka_unit_test(too_many_parts_are_kept_whole),
		cmocka_unit_test(nesting_has_an_end),
		cmocka_unit_test(large_ones_go_apart),
		cmocka_unit_test(sizes_are_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * m365_mailbox.c - the mailbox itself, by Graph: whether it is there, its
 * kind and language, how much it holds and may hold.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "preflight/ask.h"
#include "util/buf.h"

#define CSV_MOST (64u << 20)
#define SIZE_EXTENDED "Long 0x0E08" /* PidTagMessageSizeExtended */

static const char *text_of(json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

/* --- language, kind, archive ---------------------------------------------- */

static void ask_settings(struct ask *q)
{
	struct err why = { 0 };
	json_t *o = NULL;
	const char *kind, *language;

	if (graph_get(q->g, &o, &why, "%s/mailboxSettings", graph_user(q->g))) {
		ask_failed(q, "language", &why, true);
		return;
	}
	kind = text_of(o, "userPurpose");
	language = text_of(json_object_get(o, "language"), "locale");
	ask_tell(q, "language", VERDICT_OK,
	         "It is the mailbox of a %s; its language is %s.",
	         *kind ? kind : "user", *language ? language : "not set yet");
	if (*text_of(o, "archiveFolder"))
		ask_tell(q, "archive", VERDICT_OK,
		         "It has an Archive folder, to which archived mail "
		         "goes.");
	else
		ask_tell(q, "archive", VERDICT_NOTE,
		         "It has no Archive folder yet; one is made if mail "
		         "needs it.");
	json_decref(o);
}

/* --- size ----------------------------------------------------------------- */

struct size {
	uint64_t messages, octets;
	bool told;
	struct buf parents; /* ids of folders to look into, each with its NUL */
};

static void size_release(struct size *s)
{
	buf_release(&s->parents);
}

static int add_size(json_t *folder, void *arg, struct err *e)
{
	struct size *s = arg;
	const char *id = text_of(folder, "id");
	json_t *props =
	        json_object_get(folder, "singleValueExtendedProperties");
	json_int_t n =
	        json_integer_value(json_object_get(folder, "totalItemCount"));
	size_t i;
	json_t *v;

	s->messages += n > 0 ? (uint64_t)n : 0;
	json_array_foreach(props, i, v)
	{
		if (strcasecmp(text_of(v, "id"), SIZE_EXTENDED) != 0)
			continue;
		s->octets += strtoull(text_of(v, "value"), NULL, 10);
		s->told = true;
	}
	if (*id &&
	    json_integer_value(json_object_get(folder, "childFolderCount")) >
	            0 &&
	    buf_add(&s->parents, id, strlen(id) + 1))
		return err_memory(e);
	return 0;
}

/* The folders within the one of this id, or the topmost ones. */
static int add_folders(struct ask *q, const char *id, struct size *s,
                       struct err *e)
{
	CLEANUP(buf_release_p) struct buf path = BUF_INIT(4096);
	CLEANUP(free_p) char *in = id ? http_escape(id) : NULL;

	if ((id && !in) ||
	    buf_fmt(&path,
	            "%s/mailFolders%s%s%s?$select=id,totalItemCount,"
	            "childFolderCount&$expand="
	            "singleValueExtendedProperties($filter=id%%20eq%%20'"
	            "Long%%200x0E08')",
	            graph_user(q->g), in ? "/" : "", in ? in : "",
	            in ? "/childFolders" : ""))
		return err_memory(e);
	return graph_list(q->g, path.p, 100, add_size, s, e);
}

static int add_tree(struct ask *q, struct size *s, struct err *e)
{
	if (add_folders(q, NULL, s, e))
		return -1;
	for (size_t at = 0; at < s->parents.n;) {
		CLEANUP(free_p) char *id = strdup(s->parents.p + at);

		if (!id)
			return err_memory(e);
		at += strlen(id) + 1;
		if (add_folders(q, id, s, e))
			return -1;
	}
	return 0;
}

static void ask_size(struct ask *q)
{
	CLEANUP(size_release) struct size s = { .parents = BUF_INIT(16 << 20) };
	struct err why = { 0 };

	if (add_tree(q, &s, &why)) {
		ask_failed(q, "size", &why, true);
		return;
	}
	if (s.told)
		ask_tell(q, "size", VERDICT_OK,
		         "It holds %" PRIu64 " items now, %.1f MB.", s.messages,
		         (double)s.octets / 1048576.0);
	else
		ask_tell(q, "size", VERDICT_OK,
		         "It holds %" PRIu64 " items now.", s.messages);
}

/* --- quota ---------------------------------------------------------------- */

struct report {
	struct buf csv;
};

static int take_csv(void *arg, const char *p, size_t n, struct err *e)
{
	struct report *r = arg;

	return buf_add(&r->csv, p, n) ? err_memory(e) : 0;
}

/* The n-th field of a line; the reports of Graph quote nothing. */
static const char *field(const char *line, const char *end, size_t n,
                         size_t *len)
{
	const char *comma;

	for (; n > 0; n--) {
		line = memchr(line, ',', (size_t)(end - line));
		if (!line)
			return NULL;
		line++;
	}
	comma = memchr(line, ',', (size_t)(end - line));
	*len = (size_t)((comma ? comma : end) - line);
	return line;
}

static bool field_is(const char *line, const char *end, size_t n,
                     const char *want)
{
	size_t len = 0;
	const char *p = field(line, end, n, &len);

	return p && len == strlen(want) && strncasecmp(p, want, len) == 0;
}

static const char *line_end(const char *p)
{
	return p + strcspn(p, "\r\n");
}

/* Column of this title, or -1. */
static int column(const char *csv, const char *title)
{
	const char *end = line_end(csv);
	size_t len = 0;

	for (int i = 0; field(csv, end, (size_t)i, &len); i++)
		if (field_is(csv, end, (size_t)i, title))
			return i;
	return -1;
}

static uint64_t number_at(const char *line, int n)
{
	size_t len = 0;
	const char *p =
	        n < 0 ? NULL : field(line, line_end(line), (size_t)n, &len);

	return p && len ? strtoull(p, NULL, 10) : 0;
}

static void tell_quota(struct ask *q, const char *csv)
{
	const char *title =
	        strncmp(csv, "\xef\xbb\xbf", 3) == 0 ? csv + 3 : csv;
	int user = column(title, "User Principal Name");
	int used = column(title, "Storage Used (Byte)");
	int most = column(title, "Prohibit Send/Receive Quota (Byte)");
	const char *line = title;
	uint64_t room, quota;

	while (user >= 0 && *line &&
	       !field_is(line, line_end(line), (size_t)user, q->job->to.user))
		line = line_end(line) + strspn(line_end(line), "\r\n");
	quota = user >= 0 && *line ? number_at(line, most) : 0;
	if (!quota) {
		ask_tell(q, "quota", VERDICT_UNKNOWN,
		         "Microsoft's usage report does not name this mailbox "
		         "(it is a day or two old, and names may be hidden by "
		         "a setting of the tenant).");
		return;
	}
	room = number_at(line, used) < quota ? quota - number_at(line, used)
	                                     : 0;
	ask_tell(q, "quota", room < q->sum->bytes ? VERDICT_FAIL : VERDICT_OK,
	         "It may hold %.1f GB, of which %.1f GB were free a day or "
	         "two ago%s",
	         (double)quota / 1073741824.0, (double)room / 1073741824.0,
	         room < q->sum->bytes
	                 ? ": less than the source holds. A larger licence "
	                   "or an archive makes room."
	                 : ".");
}

/* The report stands behind an address that needs no token. */
static int fetch_report(struct ask *q, struct report *r, struct err *e)
{
	struct graph_call ask = {
		.method = "GET",
		.path = "/reports/getMailboxUsageDetail(period='D7')",
		.sink = take_csv,
		.sink_arg = r,
	};
	struct graph_call get = { .method = "GET",
		                  .preauthenticated = true,
		                  .sink = take_csv,
		                  .sink_arg = r };
	struct graph_reply answer = { 0 }, file = { 0 };
	int failed = graph_call(q->g, &ask, &answer, e);

	if (answer.status == 302 && answer.location[0]) {
		err_clear(e);
		get.path = answer.location;
		failed = graph_call(q->g, &get, &file, e);
	}
	graph_reply_release(&answer);
	graph_reply_release(&file);
	return failed;
}

static void ask_quota(struct ask *q)
{
	struct report r = { .csv = BUF_INIT(CSV_MOST) };
	struct err why = { 0 };

	if (fetch_report(q, &r, &why))
		ask_failed(q, "quota", &why, true);
	else
		tell_quota(q, r.csv.p ? r.csv.p : "");
	buf_release(&r.csv);
}

/* --- importMime ----------------------------------------------------------- */

/* An empty one is refused, and how says whether there is such a thing. */
static void ask_import(struct ask *q)
{
	CLEANUP(buf_release_p) struct buf path = BUF_INIT(4096);
	struct graph_call call = {
		.method = "POST", .beta = true, .type = "text/plain", .body = ""
	};
	struct graph_reply r = { 0 };
	struct err why = { 0 };

	if (buf_fmt(&path, "%s/mailFolders/inbox/importMime", graph_user(q->g)))
		return;
	call.path = path.p;
	if (graph_call(q->g, &call, &r, &why) && r.status == 400)
		ask_tell(q, "import", VERDICT_OK,
		         "Graph's importMime is offered and permitted: tried "
		         "first, and used if dates and read state come out "
		         "right.");
	else
		ask_tell(q, "import", VERDICT_NOTE,
		         "Graph's importMime is not %s; by Graph, mail is "
		         "rebuilt from its parts.",
		         r.status == 403 ? "permitted" : "offered");
	graph_reply_release(&r);
}

/* --- all of it ------------------------------------------------------------ */

/* What Graph can't see, IMAP may still open. */
static bool imap_may_do(const struct ask *q, const struct err *why)
{
	enum account_kind kind = q->job->to.kind;

	if (why->code == EC_NO_MAILBOX || kind == KIND_M365_GRAPH)
		return false;
	return kind == KIND_M365_IMAP || why->code == EC_CONSENT ||
	       why->code == EC_PERMISSION;
}

void ask_mailbox(struct ask *q)
{
	struct err why = { 0 };
	json_t *o = NULL;

	if (graph_get(q->g, &o, &why,
	              "%s/mailFolders/inbox?$select=id,totalItemCount",
	              graph_user(q->g))) {
		ask_failed(q, "mailbox", &why, imap_may_do(q, &why));
		return;
	}
	json_decref(o);
	q->mailbox_there = true;
	ask_tell(q, "mailbox", VERDICT_OK, "The mailbox is there.");
	ask_settings(q);
	ask_size(q);
	ask_quota(q);
	if (q->job->to.kind != KIND_M365_IMAP)
		ask_import(q);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap_control.c - LIST, STATUS, NAMESPACE and CAPABILITY by libetpan's
 * grammar; the one place that knows libetpan.
 *
 * libetpan 1.9.4 runs off its stack on deep nesting, reads through NULL
 * where data is missing, wraps numbers at 32 bits and gives up a whole
 * answer for one extension that it does not know. So it never sees a
 * stranger's octets: each answer is taken apart by our scanner first, which
 * drops what libetpan cannot read, and put together anew in one plain form
 * (no literals, no extensions, sizes in bounds).
 */
#include <libetpan/libetpan.h>
#include <libetpan/namespace_types.h>
#include <libetpan/condstore_types.h>
#include <stdlib.h>
#include <string.h>

#include "net/imap_int.h"

/* Exported by the library, declared nowhere. */
int mailimap_response_data_parse(mailstream *fd, MMAPString *buffer,
                                 struct mailimap_parser_context *ctx,
                                 size_t *indx,
                                 struct mailimap_response_data **result,
                                 size_t progr_rate,
                                 progress_function *progr_fun);

enum { FORM_MAX = 4 << 20, WORDS_MAX = 1000 };

static void data_free(struct mailimap_response_data **d)
{
	if (*d)
		mailimap_response_data_free(*d);
}

/* b holds "* NAME ..." without the line end. */
static int parse(struct buf *b, struct mailimap_response_data **out)
{
	/* A zeroed context: the library's own constructor wants a session. */
	struct mailimap_parser_context ctx = { 0 };
	size_t at = 0;

	*out = NULL;
	if (buf_add(b, "\r\n", 2))
		return -1;
	MMAPString *text = mmap_string_new_len(b->p, b->n);

	if (!text)
		return -1;
	int rc = mailimap_response_data_parse(NULL, text, &ctx, &at, out, 0,
	                                      NULL);

	mmap_string_free(text);
	if (rc == MAILIMAP_NO_ERROR && *out)
		return 0;
	*out = NULL;
	return -1;
}

/* --- Putting together --------------------------------------------------- */

static int add_quoted(struct buf *b, const char *s)
{
	int rc = buf_chr(b, '"');

	for (; rc == 0 && *s; s++) {
		if (*s == '"' || *s == '\\')
			rc = buf_chr(b, '\\');
		rc = rc ? rc : buf_chr(b, *s);
	}
	return rc ? rc : buf_chr(b, '"');
}

/* A mailbox name: a string in any form, malloc'd. CR and LF in it (a
 * literal may hold them) cannot be said in our plain form. */
static char *take_name(struct scan *s)
{
	struct scan_value v;

	if (scan_string(s, &v))
		return NULL;
	char *name = scan_copy(&v);

	if (name && strpbrk(name, "\r\n")) {
		free(name);
		return NULL;
	}
	return name;
}

static bool is_atom(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c))
			return false;
	}
	return n > 0;
}

/* "\Flag" or "Flag". */
static bool is_flag(const char *p, size_t n)
{
	if (n && *p == '\\')
		return is_atom(p + 1, n - 1);
	return is_atom(p, n);
}

/* The name at the cursor, as "* name". */
static int begin(struct buf *b, struct scan *s, const char *want)
{
	const char *p;
	size_t n;

	if (scan_word(s, &p, &n) || !scan_is(p, n, want, strlen(want)))
		return -1;
	scan_spaces(s);
	return buf_fmt(b, "* %s ", want);
}

/* --- CAPABILITY --------------------------------------------------------- */

static const struct {
	const char *word;
	unsigned cap;
} words[] = {
	{ "LITERAL+", CAP_LITERAL_PLUS },
	{ "LITERAL-", CAP_LITERAL_MINUS },
	{ "MULTIAPPEND", CAP_MULTIAPPEND },
	{ "UIDPLUS", CAP_UIDPLUS },
	{ "ESEARCH", CAP_ESEARCH },
	{ "CONDSTORE", CAP_CONDSTORE },
	{ "QRESYNC", CAP_QRESYNC | CAP_CONDSTORE },
	{ "LIST-EXTENDED", CAP_LIST_EXTENDED },
	{ "LIST-STATUS", CAP_LIST_STATUS },
	{ "SPECIAL-USE", CAP_SPECIAL_USE },
	{ "CREATE-SPECIAL-USE", CAP_CREATE_SPECIAL_USE },
	{ "NAMESPACE", CAP_NAMESPACE },
	{ "SASL-IR", CAP_SASL_IR },
	{ "LOGINDISABLED", CAP_LOGINDISABLED },
	{ "COMPRESS=DEFLATE", CAP_COMPRESS },
	{ "APPENDLIMIT", CAP_APPENDLIMIT },
	{ "ENABLE", CAP_ENABLE },
	{ "ID", CAP_ID },
	{ "UNSELECT", CAP_UNSELECT },
	{ "STARTTLS", CAP_STARTTLS },
	{ "STATUS=SIZE", CAP_STATUS_SIZE },
	{ "MOVE", CAP_MOVE },
	{ "BACKENDAUTHENTICATE", CAP_EXCHANGE },
};

static void one_name(const char *name, unsigned *caps, uint64_t *limit)
{
	static const char append[] = "APPENDLIMIT=";

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcasecmp(name, words[i].word) == 0)
			*caps |= words[i].cap;
	if (strncasecmp(name, append, sizeof append - 1) == 0) {
		const char *p = name + sizeof append - 1;
		struct scan s = { p, p + strlen(p) };

		*caps |= CAP_APPENDLIMIT;
		if (scan_u64(&s, limit) || s.p != s.end)
			*limit = 0;
	}
}

static void one_auth(const char *type, unsigned *caps)
{
	if (strcasecmp(type, "PLAIN") == 0)
		*caps |= CAP_AUTH_PLAIN;
	else if (strcasecmp(type, "XOAUTH2") == 0)
		*caps |= CAP_AUTH_XOAUTH2;
}

static void read_caps(const struct mailimap_capability_data *d, unsigned *caps,
                      uint64_t *limit)
{
	for (clistiter *i = clist_begin(d->cap_list); i; i = clist_next(i)) {
		const struct mailimap_capability *c = clist_content(i);

		if (c->cap_type == MAILIMAP_CAPABILITY_NAME &&
		    c->cap_data.cap_name)
			one_name(c->cap_data.cap_name, caps, limit);
		else if (c->cap_type == MAILIMAP_CAPABILITY_AUTH_TYPE &&
		         c->cap_data.cap_auth_type)
			one_auth(c->cap_data.cap_auth_type, caps);
	}
}

int imap_parse_caps(const char *p, size_t n, unsigned *caps,
                    uint64_t *append_limit)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(FORM_MAX);
	CLEANUP(data_free) struct mailimap_response_data *d = NULL;
	struct scan s = { p, p + n };
	struct scan_value v;
	unsigned count = 0;

	*caps = 0;
	*append_limit = 0;
	if (buf_str(&b, "* CAPABILITY"))
		return -1;
	for (scan_spaces(&s); s.p < s.end; scan_spaces(&s)) {
		if (scan_string(&s, &v))
			return -1;
		if (v.kind != SCAN_ATOM || !is_atom(v.p, v.n) ||
		    ++count > WORDS_MAX)
			continue;
		if (buf_chr(&b, ' ') || buf_add(&b, v.p, v.n))
			return -1;
	}
	if (!count || parse(&b, &d) ||
	    d->rsp_type != MAILIMAP_RESP_DATA_TYPE_CAPABILITY_DATA ||
	    !d->rsp_data.rsp_capability_data)
		return -1;
	read_caps(d->rsp_data.rsp_capability_data, caps, append_limit);
	return 0;
}

/* --- LIST --------------------------------------------------------------- */

static int list_flags(struct buf *b, struct scan *s)
{
	struct scan_value v;
	unsigned count = 0;

	if (!scan_take(s, '(') || buf_chr(b, '('))
		return -1;
	for (;;) {
		scan_spaces(s);
		if (scan_take(s, ')'))
			return buf_str(b, ") ");
		if (scan_at(s, '(')) {
			if (scan_skip(s))
				return -1;
			continue;
		}
		if (scan_string(s, &v))
			return -1;
		if (v.kind != SCAN_ATOM || !is_flag(v.p, v.n) ||
		    count == WORDS_MAX)
			continue;
		if ((count++ && buf_chr(b, ' ')) || buf_add(b, v.p, v.n))
			return -1;
	}
}

static int list_delimiter(struct buf *b, struct scan *s)
{
	struct scan_value v;

	scan_spaces(s);
	if (scan_at(s, '(') || scan_string(s, &v))
		return -1;
	CLEANUP(free_p) char *text = scan_copy(&v);

	if (!text)
		return -1;
	unsigned char c = (unsigned char)*text;

	/* Anything but one visible character is no delimiter. */
	if (v.kind == SCAN_NIL || c < 0x20 || c >= 0x7f || text[1])
		return buf_str(b, "NIL ");
	return add_quoted(b, text) || buf_chr(b, ' ') ? -1 : 0;
}

static enum mail_use use_of(const char *flag)
{
	static const struct {
		const char *flag;
		enum mail_use use;
	} uses[] = { { "Sent", USE_SENT },        { "Drafts", USE_DRAFTS },
		     { "Trash", USE_TRASH },      { "Junk", USE_JUNK },
		     { "Spam", USE_JUNK },        { "Archive", USE_ARCHIVE },
		     { "All", USE_ALL },          { "AllMail", USE_ALL },
		     { "Flagged", USE_FLAGGED },  { "Starred", USE_FLAGGED },
		     { "Important", USE_FLAGGED } };

	flag += *flag == '\\';
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (strcasecmp(flag, uses[i].flag) == 0)
			return uses[i].use;
	return USE_NONE;
}

static void read_list_flags(const struct mailimap_mbx_list_flags *flags,
                            struct folder *out)
{
	if (flags->mbf_type == MAILIMAP_MBX_LIST_FLAGS_SFLAG &&
	    flags->mbf_sflag == MAILIMAP_MBX_LIST_SFLAG_NOSELECT)
		out->noselect = true;
	if (!flags->mbf_oflags)
		return;
	for (clistiter *i = clist_begin(flags->mbf_oflags); i;
	     i = clist_next(i)) {
		const struct mailimap_mbx_list_oflag *o = clist_content(i);
		const char *name = o->of_flag_ext;

		if (!name)
			continue;
		if (out->use == USE_NONE)
			out->use = use_of(name);
		name += *name == '\\';
		if (strcasecmp(name, "NonExistent") == 0 ||
		    strcasecmp(name, "Noselect") == 0)
			out->noselect = true;
	}
}

static int read_list(const struct mailimap_mailbox_list *l, const char *name,
                     struct folder *out, struct err *e)
{
	bool inbox = strcasecmp(name, "INBOX") == 0;

	memset(out, 0, sizeof *out);
	out->raw = strdup(inbox ? "INBOX" : name);
	if (!out->raw)
		return err_memory(e);
	out->delim = l->mb_delimiter;
	if (l->mb_flag)
		read_list_flags(l->mb_flag, out);
	if (inbox)
		out->use = USE_INBOX;
	return 0;
}

int imap_parse_list(const struct imap_reply *r, struct folder *out,
                    struct err *e)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(FORM_MAX);
	CLEANUP(data_free) struct mailimap_response_data *d = NULL;
	CLEANUP(free_p) char *name = NULL;
	struct scan s = { r->line, r->line + r->len };
	struct scan_value v;

	memset(out, 0, sizeof *out);
	/* What follows the name (CHILDINFO, OLDNAME) is left away. */
	if (begin(&b, &s, "LIST") || list_flags(&b, &s) ||
	    list_delimiter(&b, &s))
		return -1;
	scan_spaces(&s);
	/* The name may hold line ends, which are not for libetpan. */
	name = scan_string(&s, &v) ? NULL : scan_copy(&v);
	if (!name || buf_str(&b, "\"-\"") || parse(&b, &d) ||
	    d->rsp_type != MAILIMAP_RESP_DATA_TYPE_MAILBOX_DATA)
		return -1;
	const struct mailimap_mailbox_data *m = d->rsp_data.rsp_mailbox_data;

	if (!m || m->mbd_type != MAILIMAP_MAILBOX_DATA_LIST ||
	    !m->mbd_data.mbd_list || !m->mbd_data.mbd_list->mb_name)
		return -1;
	return read_list(m->mbd_data.mbd_list, name, out, e);
}

/* --- STATUS ------------------------------------------------------------- */

/* Copies "NAME number" if libetpan knows it and it fits; SIZE (RFC 8438)
 * is read here. */
static int status_item(struct buf *b, struct scan *s, struct folder *out)
{
	static const char *const known[] = { "MESSAGES", "UIDNEXT",
		                             "UIDVALIDITY" };
	const char *p;
	size_t n;
	uint64_t value;

	if (scan_word(s, &p, &n))
		return -1;
	scan_spaces(s);
	struct scan after = *s;

	if (scan_u64(&after, &value))
		return scan_skip(s);
	*s = after;
	if (SCAN_IS(p, n, "SIZE"))
		out->bytes = value;
	if (SCAN_IS(p, n, "HIGHESTMODSEQ"))
		return buf_fmt(b, "HIGHESTMODSEQ %llu ",
		               (unsigned long long)value);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (scan_is(p, n, known[i], strlen(known[i])) &&
		    value <= UINT32_MAX)
			return buf_fmt(b, "%s %llu ", known[i],
			               (unsigned long long)value);
	return 0;
}

static int status_items(struct buf *b, struct scan *s, struct folder *out)
{
	scan_spaces(s);
	if (!scan_take(s, '(') || buf_str(b, " ("))
		return -1;
	for (;;) {
		scan_spaces(s);
		if (scan_take(s, ')'))
			break;
		if (status_item(b, s, out))
			return -1;
	}
	if (b->p[b->n - 1] == '(')
		return -1;
	b->p[b->n - 1] = ')';
	return 0;
}

static void read_extended(const struct mailimap_extension_data *ext,
                          struct folder *out)
{
	const struct mailimap_condstore_status_info *c = ext->ext_data;

	if (c && ext->ext_extension &&
	    ext->ext_extension->ext_id == MAILIMAP_EXTENSION_CONDSTORE &&
	    ext->ext_type == MAILIMAP_CONDSTORE_TYPE_STATUS_INFO)
		out->modseq = c->cs_highestmodseq_value;
}

static void read_status(const struct mailimap_mailbox_data_status *st,
                        struct folder *out)
{
	for (clistiter *i = clist_begin(st->st_info_list); i;
	     i = clist_next(i)) {
		const struct mailimap_status_info *info = clist_content(i);

		switch (info->st_att) {
		case MAILIMAP_STATUS_ATT_MESSAGES:
			out->messages = info->st_value;
			break;
		case MAILIMAP_STATUS_ATT_UIDNEXT:
			out->uidnext = info->st_value;
			break;
		case MAILIMAP_STATUS_ATT_UIDVALIDITY:
			out->uidvalidity = info->st_value;
			break;
		default:
			if (info->st_ext_data)
				read_extended(info->st_ext_data, out);
			break;
		}
	}
}

int imap_parse_status(const struct imap_reply *r, char **raw,
                      struct folder *out)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(FORM_MAX);
	CLEANUP(data_free) struct mailimap_response_data *d = NULL;
	CLEANUP(free_p) char *name = NULL;
	struct scan s = { r->line, r->line + r->len };

	*raw = NULL;
	if (begin(&b, &s, "STATUS"))
		return -1;
	name = take_name(&s);
	if (!name || add_quoted(&b, name))
		return -1;
	struct folder found = { 0 };

	if (status_items(&b, &s, &found) || parse(&b, &d) ||
	    d->rsp_type != MAILIMAP_RESP_DATA_TYPE_MAILBOX_DATA)
		return -1;
	const struct mailimap_mailbox_data *m = d->rsp_data.rsp_mailbox_data;

	if (!m || m->mbd_type != MAILIMAP_MAILBOX_DATA_STATUS ||
	    !m->mbd_data.mbd_status || !m->mbd_data.mbd_status->st_info_list)
		return -1;
	read_status(m->mbd_data.mbd_status, &found);
	*raw = strdup(strcasecmp(name, "INBOX") == 0 ? "INBOX" : name);
	if (!*raw)
		return -1;
	out->uidvalidity = found.uidvalidity;
	out->uidnext = found.uidnext;
	out->modseq = found.modseq;
	out->messages = found.messages;
	out->bytes = found.bytes;
	out->have_status = found.uidvalidity && found.uidnext;
	return 0;
}

/* --- NAMESPACE ---------------------------------------------------------- */

/* One ("prefix" "/" extensions...). */
static int namespace_one(struct buf *b, struct scan *s)
{
	if (!scan_take(s, '(') || buf_chr(b, '('))
		return -1;
	scan_spaces(s);
	CLEANUP(free_p) char *prefix = take_name(s);

	if (!prefix || add_quoted(b, prefix) || buf_chr(b, ' ') ||
	    list_delimiter(b, s))
		return -1;
	for (scan_spaces(s); !scan_at(s, ')'); scan_spaces(s))
		if (scan_skip(s))
			return -1;
	s->p++;
	b->p[b->n - 1] = ')';
	return 0;
}

static int namespace_list(struct buf *b, struct scan *s)
{
	size_t from = b->n;

	scan_spaces(s);
	if (!scan_take(s, '('))
		return scan_skip(s) || buf_str(b, "NIL ") ? -1 : 0;
	if (buf_chr(b, '('))
		return -1;
	for (scan_spaces(s); !scan_take(s, ')'); scan_spaces(s))
		if (b->n - from > FORM_MAX / 8 || namespace_one(b, s))
			return -1;
	if (b->n > from + 1)
		return buf_str(b, ") ");
	/* "()" is none. */
	b->n = from;
	return buf_str(b, "NIL ");
}

static int read_others(const struct mailimap_namespace_item *item,
                       struct imap_namespace *out)
{
	if (!item || !item->ns_data_list)
		return 0;
	for (clistiter *i = clist_begin(item->ns_data_list); i;
	     i = clist_next(i)) {
		const struct mailimap_namespace_info *info = clist_content(i);
		char **more =
		        realloc(out->other, (out->other_n + 1) * sizeof *more);

		if (!more)
			return -1;
		out->other = more;
		more[out->other_n] = strdup(info->ns_prefix);
		if (!more[out->other_n])
			return -1;
		out->other_n++;
	}
	return 0;
}

static int read_namespace(const struct mailimap_namespace_data *ns,
                          struct imap_namespace *out)
{
	const clist *list =
	        ns->ns_personal ? ns->ns_personal->ns_data_list : NULL;
	const clistiter *first = list ? clist_begin(list) : NULL;

	if (first) {
		const struct mailimap_namespace_info *info =
		        clist_content(first);

		out->prefix = strdup(info->ns_prefix);
		out->delim = info->ns_delimiter;
	} else {
		out->prefix = strdup("");
	}
	if (!out->prefix)
		return -1;
	return read_others(ns->ns_other, out) || read_others(ns->ns_shared, out)
	               ? -1
	               : 0;
}

int imap_parse_namespace(const struct imap_reply *r, struct imap_namespace *out)
{
	CLEANUP(buf_release_p) struct buf b = BUF_INIT(FORM_MAX);
	CLEANUP(data_free) struct mailimap_response_data *d = NULL;
	struct scan s = { r->line, r->line + r->len };

	memset(out, 0, sizeof *out);
	if (begin(&b, &s, "NAMESPACE") || namespace_list(&b, &s) ||
	    namespace_list(&b, &s) || namespace_list(&b, &s))
		return -1;
	b.n--; /* the last blank */
	if (parse(&b, &d) ||
	    d->rsp_type != MAILIMAP_RESP_DATA_TYPE_EXTENSION_DATA)
		return -1;
	const struct mailimap_extension_data *ext =
	        d->rsp_data.rsp_extension_data;

	if (!ext || !ext->ext_data || !ext->ext_extension ||
	    ext->ext_extension->ext_id != MAILIMAP_EXTENSION_NAMESPACE)
		return -1;
	if (read_namespace(ext->ext_data, out) == 0)
		return 0;
	imap_namespace_release(out);
	return -1;
}

void imap_namespace_release(struct imap_namespace *ns)
{
	free(ns->prefix);
	for (size_t i = 0; i < ns->other_n; i++)
		free(ns->other[i]);
	free(ns->other);
	memset(ns, 0, sizeof *ns);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_send.c - one message from begin to end, by JSON: m365.md C.4 (a).
 *
 *   read and planned (mime/graph_mail.h)
 *   POST            it is there; whole, or with parts still to come: half
 *   attachments     those that go apart, one after the other
 *   PATCH           its SourceId says: whole
 *
 * What is refused on the way is taken back, so that nothing half-made
 * stays; where that fails the message is in doubt. A lost answer is looked
 * for by the SourceId, which no other sending has.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "mime/graph_ids.h"
#include "util/buf.h"
#include "util/log.h"
#include "util/step.h"
#include "writer/graph_writer.h"

#define SEARCHES 3

struct sending {
	struct graph_worker *k;
	struct graph_job *j;
	struct message *m;
	struct graph_mail *mail;
	struct graph_id id;
	char source_id[GRAPH_ID_MOST];
	struct body json;
	size_t apart, attachments;
	bool bare;  /* json is without what some tenants refuse */
	char *copy; /* its id, once it is there */
	int draft;  /* isDraft as told, -1: not told */
	char *note, *message_id;
	bool other; /* refused for what another way may take */
};

static void sending_release(struct sending *s)
{
	graph_mail_close(&s->mail);
	body_release(&s->json);
	free(s->copy);
	free(s->note);
	free(s->message_id);
}

/* --- what a failure means ------------------------------------------------- */

bool graph_spent(const struct err *why)
{
	return why->reach >= ERR_ACCOUNT && why->next == NEXT_GIVE_UP;
}

bool graph_is_its_own(const struct err *why)
{
	return why->reach == ERR_MESSAGE && why->code != EC_INTERRUPTED;
}

enum carry graph_judge(const struct err *why)
{
	if (why->code == EC_FOLDER_GONE)
		return CARRY_REFUSED;
	if (why->code == EC_INTERRUPTED || graph_spent(why) ||
	    why->next == NEXT_WAIT || why->next == NEXT_RETRY)
		return CARRY_AGAIN;
	return why->next == NEXT_ASK ? CARRY_DOUBT : CARRY_REFUSED;
}

void graph_id_new(struct message *m, struct graph_id *id)
{
	memset(id, 0, sizeof(*id));
	memcpy(id->sha256, m->repaired ? m->orig_sha256 : m->sha256,
	       sizeof(id->sha256));
	id->fp = m->fp;
	id->draft = m->set_flags & MAIL_DRAFT;
	while (!id->attempt)
		if (getrandom(&id->attempt, sizeof(id->attempt), 0) < 0)
			id->attempt = (uint64_t)m->row;
	m->attempt = id->attempt;
}

void graph_stored(struct message *m, char *copy)
{
	free(m->dest_name);
	m->dest_name = copy;
	m->dest_uidvalidity = GRAPH_UIDVALIDITY;
	m->dest_uid = 0;
}

/* --- making the JSON ------------------------------------------------------ */

static bool over_limit(struct sending *s, enum graph_obstacle o,
                       struct err *why)
{
	static const char *const what[] = {
		[GRAPH_BODY_TOO_BIG] = "text that is longer",
		[GRAPH_ATTACHMENT_TOO_BIG] = "an attachment that is larger",
		[GRAPH_TOO_MANY_PARTS] = "more parts",
	};

	if (o == GRAPH_FITS)
		return false;
	s->other = true;
	err_setf(why, ERR_MESSAGE, NEXT_GIVE_UP, EC_TOO_BIG,
	         "This message of %.1f MB has %s than Microsoft Graph takes, "
	         "and IMAP, which could take it, is not open for this "
	         "mailbox. Open it and run 'mailhaul problems --retry', or "
	         "save the message with 'mailhaul problems --export'.",
	         (double)s->m->body.size / 1048576.0, what[o]);
	err_detail(why, "obstacle %d", (int)o);
	return true;
}

static int make_json(struct sending *s, struct err *e)
{
	struct graph_facts f = { .flags = s->m->set_flags,
		                 .categories = s->m->set_keywords,
		                 .date = s->m->date,
		                 .source_id = s->source_id };
	const char *note = graph_mail_note(s->mail);

	s->apart = graph_mail_apart(s->mail);
	s->attachments = graph_mail_attachments(s->mail);
	graph_id_new(s->m, &s->id);
	s->id.attachments = (uint32_t)s->attachments;
	s->id.half = s->apart > 0;
	graph_id_put(&s->id, s->source_id);
	s->note = note ? strdup(note) : NULL;
	if (note && !s->note)
		return err_memory(e);
	return graph_mail_json(s->mail, &f, &s->json, e);
}

static int read_mail(struct sending *s, struct err *why)
{
	const struct account *a = s->k->w->a;

	const char *message_id;

	body_init(&s->json, a->body_limit, a->spool_dir);
	if (graph_mail_open(&s->mail, &s->m->body, why))
		return -1;
	message_id = graph_mail_message_id(s->mail);
	s->message_id = message_id ? strdup(message_id) : NULL;
	if (over_limit(s, graph_mail_plan(s->mail, GRAPH_REQUEST_MOST), why) ||
	    make_json(s, why))
		return -1;
	if (!s->apart)
		graph_mail_close(&s->mail);
	return 0;
}

static void drop_header_block(json_t *json)
{
	json_t *list = json_object_get(json, "singleValueExtendedProperties");
	size_t i = json_array_size(list);

	while (i-- > 0) {
		const char *id = graph_text(json_array_get(list, i), "id");

		if (id && strcmp(id, GRAPH_ID_HEADER) == 0)
			json_array_remove(list, i);
	}
}

/*
 * Some tenants refuse a message that names its sender or its Message-ID:
 * without them it is still the message, with its dates, and no draft.
 * m365.md C.4.
 */
static int make_bare(struct sending *s, struct err *e)
{
	char *text CLEANUP(free_p) = malloc(s->json.size + 1);
	ssize_t n = text ? body_read(&s->json, 0, text, s->json.size, e)
	                 : err_memory(e);
	json_t *json;
	char *bare CLEANUP(free_p) = NULL;

	if (n < 0)
		return -1;
	json = json_loadb(text, (size_t)n, JSON_ALLOW_NUL, NULL);
	json_object_del(json, "from");
	json_object_del(json, "sender");
	json_object_del(json, "internetMessageId");
	drop_header_block(json);
	bare = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (!bare)
		return err_memory(e);
	body_release(&s->json);
	body_init(&s->json, s->k->w->a->body_limit, s->k->w->a->spool_dir);
	s->bare = true;
	return body_append(&s->json, bare, strlen(bare), e);
}

/* --- looking for it ------------------------------------------------------- */

static char *search_path(const struct graph *g, const char *source_id,
                         const char *select)
{
	struct buf filter CLEANUP(buf_release_p) = BUF_INIT(4096);
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 16);
	char *escaped CLEANUP(free_p) = NULL;

	if (buf_fmt(&filter,
	            "singleValueExtendedProperties/Any(ep: ep/id eq '%s' and "
	            "ep/value eq '%s')",
	            GRAPH_ID_SOURCE, source_id))
		return NULL;
	escaped = http_escape(filter.p);
	if (!escaped || buf_fmt(&b, "%s/messages?$filter=%s&$select=id,%s",
	                        graph_user(g), escaped, select))
		return NULL;
	return buf_take(&b);
}

static int draft_of(const json_t *item)
{
	const json_t *draft = json_object_get(item, "isDraft");

	return json_is_boolean(draft) ? json_is_true(draft) : -1;
}

int graph_search(struct graph *g, const char *source_id, char **copy,
                 int *draft, struct err *e)
{
	char *path CLEANUP(free_p) = search_path(g, source_id, "isDraft");
	json_t *found = NULL;
	const json_t *item;
	const char *id;
	int failed = 0;

	*copy = NULL;
	if (!path)
		return err_memory(e);
	if (graph_get(g, &found, e, "%s", path))
		return -1;
	item = json_array_get(json_object_get(found, "value"), 0);
	id = graph_text(item, "id");
	if (id) {
		*draft = draft_of(item);
		*copy = strdup(id);
		failed = *copy ? 0 : err_memory(e);
	}
	json_decref(found);
	return failed;
}

struct kin {
	const char *copy;
	const char *created; /* of copy, or NULL */
	size_t n;
	bool older;
};

static int is_kin(json_t *item, void *arg, struct err *e)
{
	struct kin *k = arg;
	const char *id = graph_text(item, "id");
	const char *created = graph_text(item, "createdDateTime");

	(void)e;
	if (!id || strcmp(id, k->copy) == 0)
		return 0;
	k->n++;
	k->older |= !k->created || !created || strcmp(created, k->created) <= 0;
	return 0;
}

int graph_kin(struct graph *g, const struct graph_id *id, const char *copy,
              const char *created, size_t *n, bool *older, struct err *e)
{
	struct kin k = { .copy = copy, .created = created };
	char source_id[GRAPH_ID_MOST];
	char *path CLEANUP(free_p) = NULL;

	graph_id_put(id, source_id);
	path = search_path(g, source_id, "createdDateTime");
	if (!path)
		return err_memory(e);
	if (graph_list(g, path, 0, is_kin, &k, e))
		return -1;
	*n = k.n;
	*older = k.older;
	return 0;
}

/* A search may say that it is there; that it is not, only a listing. */
static bool search(struct sending *s)
{
	static const unsigned waits[SEARCHES] = { 0, 1, 3 };
	long unit = step_number("MAILHAUL_TEST_SEARCH_MS", 1000);
	struct err ignored = { 0 };

	for (size_t i = 0; i < SEARCHES && !s->copy; i++) {
		if (!graph_rest(s->k, waits[i] * (uint64_t)unit))
			return false;
		if (graph_search(s->k->g, s->source_id, &s->copy, &s->draft,
		                 &ignored))
			log_msg("graph: search: %s (%s)", ignored.text,
			        ignored.detail);
	}
	return s->copy != NULL;
}

/* --- creating ------------------------------------------------------------- */

static int post(struct sending *s, struct graph_reply *r, struct err *e)
{
	char *path CLEANUP(free_p) =
	        graph_folder_path(s->k->g, s->j->to->f.raw, "/messages");
	struct graph_call c = { .method = "POST",
		                .path = path,
		                .source = graph_body_source,
		                .source_arg = &s->json,
		                .size = s->json.size };

	return path ? graph_call(s->k->g, &c, r, e) : err_memory(e);
}

/*
 * An answer of success. Once a tenant said 200 and had stored nothing
 * (m365.md C.2): only 201 with an id says that it is there.
 */
static enum carry created(struct sending *s, const struct graph_reply *r,
                          struct err *why)
{
	const char *id = graph_text(r->json, "id");

	if (r->status == 201 && id && *id) {
		s->draft = draft_of(r->json);
		s->copy = strdup(id);
		if (s->copy)
			return CARRY_STORED;
		err_memory(why);
		return CARRY_DOUBT;
	}
	if (search(s))
		return CARRY_STORED;
	if (r->status == 201) {
		err_set(why, ERR_ACCOUNT, NEXT_ASK, EC_PROTOCOL,
		        "Microsoft 365 took a message and did not say under "
		        "what name. mailhaul looks for it.",
		        "%s", "201 without id");
		return CARRY_DOUBT;
	}
	s->other = true;
	err_set(why, ERR_MESSAGE, NEXT_GIVE_UP, EC_TOO_BIG,
	        "Microsoft 365 answered that all is well, but did not store "
	        "this message, as it does with some large ones. Save it with "
	        "'mailhaul problems --export', or open IMAP for this mailbox "
	        "and run 'mailhaul problems --retry'.",
	        "status %d without id", r->status);
	return CARRY_REFUSED;
}

static enum carry create_once(struct sending *s, bool *again, struct err *why)
{
	struct graph_reply r = { 0 };
	enum carry how;

	*again = false;
	if (post(s, &r, why) == 0) {
		how = created(s, &r, why);
	} else if (why->next == NEXT_ASK) {
		how = search(s) ? CARRY_STORED : CARRY_DOUBT;
	} else {
		/* What is not found by a POST is what it was sent to. */
		if (why->code == EC_NOT_FOUND)
			why->code = EC_FOLDER_GONE;
		how = graph_judge(why);
		*again = how == CARRY_REFUSED && r.status == 400 &&
		         why->code == EC_CONTENT && !s->bare;
		s->other = why->code == EC_TOO_BIG;
	}
	graph_reply_release(&r);
	return how;
}

static int note_bare(struct sending *s, struct err *e)
{
	struct buf b CLEANUP(buf_release_p) = BUF_INIT(1 << 16);

	if (buf_fmt(&b,
	            "%s%sMicrosoft 365 refused this message's sender, "
	            "Message-ID or header; it was stored without them.",
	            s->note ? s->note : "", s->note ? " " : ""))
		return err_memory(e);
	free(s->note);
	s->note = buf_take(&b);
	return s->note ? 0 : err_memory(e);
}

static enum carry create(struct sending *s, struct err *why)
{
	bool again;
	enum carry how = create_once(s, &again, why);

	if (!again)
		return how;
	log_msg("graph: refused: %s; again without sender and header",
	        why->detail);
	if (make_bare(s, why) || note_bare(s, why))
		return graph_judge(why);
	return create_once(s, &again, why);
}

/* --- what comes after it -------------------------------------------------- */

/* It is there, and must not stay. */
static enum carry undo(struct sending *s, struct err *why)
{
	struct err more = { 0 };

	if (graph_delete(s->k->g, s->copy, &more) == 0) {
		enum carry how = graph_judge(why);

		/* What has been tried long enough will not get better. */
		if (how == CARRY_AGAIN && graph_is_its_own(why)) {
			s->other = true;
			return CARRY_REFUSED;
		}
		return how == CARRY_DOUBT ? CARRY_AGAIN : how;
	}
	log_msg("graph: not taken back: %s (%s)", more.text, more.detail);
	/* What was refused for good has left something behind. */
	if (why->next == NEXT_GIVE_UP || why->next == NEXT_ASK_PERSON)
		*why = more;
	return CARRY_DOUBT;
}

static int ask_draft(struct sending *s, struct err *e)
{
	char *path CLEANUP(free_p) =
	        graph_copy_path(s->k->g, s->copy, "?$select=id,isDraft");
	json_t *item = NULL;

	if (!path)
		return err_memory(e);
	if (graph_get(s->k->g, &item, e, "%s", path))
		return -1;
	s->draft = draft_of(item);
	json_decref(item);
	return 0;
}

static int check_draft(struct sending *s, struct err *e)
{
	bool wanted = s->id.draft;

	if (s->draft < 0 && ask_draft(s, e))
		return -1;
	if (s->draft == wanted)
		return 0;
	if (wanted)
		return err_set(e, ERR_MESSAGE, NEXT_GIVE_UP, EC_CONTENT,
		               "This message is a draft, and Microsoft 365 "
		               "would have stored it as one that was sent. "
		               "Save it with 'mailhaul problems --export'.",
		               "isDraft %d", s->draft);
	return err_set(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONTENT,
	               "This tenant of Microsoft 365 turns each message that "
	               "is stored by Graph into a draft. Nothing was left "
	               "there. Use IMAP (m365+imap:), or ask Microsoft's "
	               "support why PidTagMessageFlags is not honoured.",
	               "isDraft %d", s->draft);
}

static int add_attachments(struct sending *s, struct err *e)
{
	size_t within = s->attachments - s->apart;

	for (size_t i = 0; i < s->apart; i++) {
		if (graph_attach(s->k, s->copy, s->mail, i, within + i, e)) {
			s->other = graph_judge(e) == CARRY_REFUSED &&
			           e->code != EC_QUOTA;
			return -1;
		}
		step("attachment");
	}
	return 0;
}

static int make_whole(struct sending *s, struct err *e)
{
	json_t *body = json_object();

	s->id.half = false;
	graph_id_put(&s->id, s->source_id);
	if (!body || graph_add_property(body, GRAPH_ID_SOURCE, s->source_id)) {
		json_decref(body);
		return err_memory(e);
	}
	if (graph_patch(s->k, s->copy, body, NULL, e))
		return -1;
	step("whole");
	return 0;
}

static enum carry complete(struct sending *s, struct err *why)
{
	body_release(&s->json);
	step("post");
	if (check_draft(s, why))
		return undo(s, why);
	if (s->apart && (add_attachments(s, why) || make_whole(s, why)))
		return undo(s, why);
	graph_stored(s->m, s->copy);
	s->copy = NULL;
	free(s->m->note);
	s->m->note = s->note;
	s->note = NULL;
	return CARRY_STORED;
}

static enum carry by_json(struct graph_worker *k, struct graph_job *j,
                          struct err *why)
{
	struct sending s = { .k = k, .j = j, .m = j->m, .draft = -1 };
	enum carry how;

	if (read_mail(&s, why))
		how = graph_judge(why);
	else
		how = create(&s, why);
	if (how == CARRY_STORED)
		how = complete(&s, why);
	if (how == CARRY_REFUSED && s.other)
		how = graph_fallback(k, j, s.message_id, why);
	sending_release(&s);
	return how;
}

enum carry graph_carry(struct graph_worker *k, struct graph_job *j,
                       struct err *why)
{
	enum carry how;

	if (graph_cancelled(k->w->a)) {
		err_set(why, ERR_RUN, NEXT_RETRY, EC_INTERRUPTED,
		        "Stopped. Nothing is lost: run mailhaul again and it "
		        "goes on.",
		        "%s", "not begun");
		return CARRY_AGAIN;
	}
	if (!k->g && graph_open(&k->g, k->w->a, why))
		return graph_judge(why);
	how = graph_import(k, j, why);
	if (how == CARRY_OTHER) {
		err_clear(why);
		how = by_json(k, j, why);
	}
	step("reply");
	return how;
}

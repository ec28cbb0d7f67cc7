/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.c - see http.h: options of libcurl, and waiting in slices.
 *
 * libcurl sends a request again by itself when a kept connection dies
 * before an answer. Of a POST that may make two of one message, so the
 * callback that stands before each sending stops the second.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "net/cert.h"
#include "net/http_int.h"
#include "net/stream_int.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/step.h"

enum { SLICE_MS = 200, CONNECT_MS = 20000, TIMEOUT_S = 100, CHUNK = 65536 };

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void global(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

void http_global(void)
{
	pthread_once(&once, global);
}

/* --- Handles ------------------------------------------------------------ */

static int handles_new(struct http *h, struct err *e)
{
	h->easy = curl_easy_init();
	h->multi = curl_multi_init();
	if (!h->easy || !h->multi)
		return err_memory(e);
	h->unproven = false;
	return 0;
}

static void handles_free(struct http *h)
{
	curl_easy_cleanup(h->easy);
	curl_multi_cleanup(h->multi);
	h->easy = NULL;
	h->multi = NULL;
}

int http_open(struct http **out, const struct account *a, struct err *e)
{
	struct http *h = calloc(1, sizeof *h);

	*out = NULL;
	if (!h)
		return err_memory(e);
	http_global();
	h->a = a;
	if (handles_new(h, e) == 0 && cert_prepare(a, e) == 0) {
		*out = h;
		return 0;
	}
	http_close(&h);
	return -1;
}

void http_close(struct http **hp)
{
	struct http *h = *hp;

	*hp = NULL;
	if (!h)
		return;
	handles_free(h);
	free(h);
}

void http_reply_release(struct http_reply *r)
{
	if (r->body.p)
		explicit_bzero(r->body.p, r->body.cap);
	buf_release(&r->body);
	memset(r, 0, sizeof *r);
}

/* --- Header fields ------------------------------------------------------ */

static void op_release(struct op *op)
{
	for (struct curl_slist *s = op->headers; s; s = s->next)
		explicit_bzero(s->data, strlen(s->data));
	curl_slist_free_all(op->headers);
}

/* A line end in a value would begin a field, or a request, of its own. */
static int add_header(struct op *op, const char *line)
{
	struct curl_slist *s = NULL;

	if (!strpbrk(line, "\r\n"))
		s = curl_slist_append(op->headers, line);
	if (!s)
		return -1;
	op->headers = s;
	return 0;
}

static int add_secret(struct op *op, const char *name, const char *value)
{
	size_t n = strlen(name) + strlen(value) + 1;
	char *line = malloc(n);

	if (!line)
		return -1;
	snprintf(line, n, "%s%s", name, value);
	int rc = add_header(op, line);

	explicit_bzero(line, n);
	free(line);
	return rc;
}

static bool has_body(const struct http_request *q)
{
	return q->body || q->source || strcmp(q->method, "POST") == 0 ||
	       strcmp(q->method, "PUT") == 0 || strcmp(q->method, "PATCH") == 0;
}

static int headers(struct op *op, struct err *e)
{
	const struct http_request *q = op->q;
	/* libcurl would ask first for large bodies: a round trip lost. */
	int rc = add_header(op, "Expect:");

	if (rc == 0 && q->bearer)
		rc = add_secret(op, "Authorization: Bearer ", q->bearer);
	if (rc == 0 && q->type)
		rc = add_secret(op, "Content-Type: ", q->type);
	else if (rc == 0 && has_body(q))
		rc = add_header(op, "Content-Type:");
	for (size_t i = 0; rc == 0 && q->headers && q->headers[i]; i++)
		rc = add_header(op, q->headers[i]);
	if (rc)
		return err_set(e, ERR_RUN, NEXT_GIVE_UP, EC_INTERNAL,
		               "A request could not be put together. Nothing "
		               "was sent.",
		               "%s", "header fields");
	return 0;
}

/* --- Octets out --------------------------------------------------------- */

static size_t on_read(char *p, size_t size, size_t n, void *arg)
{
	struct op *op = arg;
	uint64_t left = op->q->size - op->at;

	n *= size;
	if (n > left)
		n = (size_t)left;
	if (!n)
		return 0;
	ssize_t got = op->q->source(op->q->source_arg, op->at, p, n, &op->err);

	if (got <= 0 || (size_t)got > n) {
		if (!op->err.code)
			err_set(&op->err, ERR_MESSAGE, NEXT_GIVE_UP,
			        EC_INTERNAL,
			        "A message ended sooner than its size said. "
			        "It was not sent.",
			        "%s", "source of a request");
		return CURL_READFUNC_ABORT;
	}
	op->at += (uint64_t)got;
	return (size_t)got;
}

static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct op *op = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > op->q->size)
		return CURL_SEEKFUNC_FAIL;
	op->at = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	struct op *op = arg;

	(void)fd;
	(void)purpose;
	op->h->unproven = true;
	return CURL_SOCKOPT_OK;
}

static bool may_repeat(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

/* Connected and secured, nothing of the request has left. */
static int on_ready(void *arg, char *ip, char *own_ip, int port, int own_port)
{
	struct op *op = arg;

	(void)ip;
	(void)own_ip;
	(void)port;
	(void)own_port;
	if (op->starts && !may_repeat(op->q->method))
		return CURL_PREREQFUNC_ABORT;
	if (op->tls && op->h->unproven && http_check_peer(op))
		return CURL_PREREQFUNC_ABORT;
	op->h->unproven = false;
	op->starts++;
	return CURL_PREREQFUNC_OK;
}

/* --- Options ------------------------------------------------------------ */

/* libcurl's results are or'ed together: zero means that all was taken. */
#define SET(op, option, value) \
	((unsigned)curl_easy_setopt((op)->h->easy, option, value))

/* The older forms of two options, for libcurl before 7.87. */
static unsigned set_by_version(struct op *op, bool http_too)
{
#if LIBCURL_VERSION_NUM >= 0x075500
	unsigned rc = SET(op, CURLOPT_PROTOCOLS_STR,
	                  http_too ? "https,http" : "https");
#else
	unsigned rc = SET(op, CURLOPT_PROTOCOLS,
	                  CURLPROTO_HTTPS | (http_too ? CURLPROTO_HTTP : 0L));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Not to wait for a name server when cancelled. */
	rc |= SET(op, CURLOPT_QUICK_EXIT, 1L);
#endif
	return rc;
}

static unsigned set_transport(struct op *op, const struct http_place *p)
{
	long ms = step_number("MAILHAUL_TEST_CONNECT_MS", CONNECT_MS);
	unsigned rc = SET(op, CURLOPT_URL, op->q->url);

	rc |= SET(op, CURLOPT_PATH_AS_IS, 1L);
	rc |= set_by_version(op, p->loopback);
	rc |= SET(op, CURLOPT_FOLLOWLOCATION, 0L);
	rc |= SET(op, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	rc |= SET(op, CURLOPT_NOSIGNAL, 1L);
	rc |= SET(op, CURLOPT_TCP_NODELAY, 1L);
	rc |= SET(op, CURLOPT_TCP_KEEPALIVE, 1L);
	rc |= SET(op, CURLOPT_CONNECTTIMEOUT_MS, ms);
	rc |= SET(op, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	rc |= SET(op, CURLOPT_USERAGENT, "mailhaul/" MAILHAUL_VERSION);
	rc |= SET(op, CURLOPT_ERRORBUFFER, op->h->why);
	rc |= SET(op, CURLOPT_UPLOAD_BUFFERSIZE, (long)CHUNK);
	rc |= SET(op, CURLOPT_BUFFERSIZE, (long)CHUNK);
	if (p->loopback)
		rc |= SET(op, CURLOPT_PROXY, "");
	return rc | (unsigned)http_trust(op);
}

static unsigned set_callbacks(struct op *op)
{
	unsigned rc = SET(op, CURLOPT_WRITEFUNCTION, http_on_body);

	rc |= SET(op, CURLOPT_WRITEDATA, op);
	rc |= SET(op, CURLOPT_HEADERFUNCTION, http_on_header);
	rc |= SET(op, CURLOPT_HEADERDATA, op);
	rc |= SET(op, CURLOPT_READFUNCTION, on_read);
	rc |= SET(op, CURLOPT_READDATA, op);
	rc |= SET(op, CURLOPT_SEEKFUNCTION, on_seek);
	rc |= SET(op, CURLOPT_SEEKDATA, op);
	rc |= SET(op, CURLOPT_SOCKOPTFUNCTION, on_socket);
	rc |= SET(op, CURLOPT_SOCKOPTDATA, op);
	rc |= SET(op, CURLOPT_PREREQFUNCTION, on_ready);
	rc |= SET(op, CURLOPT_PREREQDATA, op);
	return rc;
}

static unsigned set_method(struct op *op)
{
	const struct http_request *q = op->q;
	curl_off_t size = (curl_off_t)q->size;
	unsigned rc = SET(op, CURLOPT_HTTPHEADER, op->headers);

	if (q->source) {
		rc |= SET(op, CURLOPT_UPLOAD, 1L);
		rc |= SET(op, CURLOPT_INFILESIZE_LARGE, size);
	} else if (has_body(q)) {
		rc |= SET(op, CURLOPT_POST, 1L);
		rc |= SET(op, CURLOPT_POSTFIELDS, q->body ? q->body : "");
		rc |= SET(op, CURLOPT_POSTFIELDSIZE_LARGE, size);
	} else if (strcmp(q->method, "HEAD") == 0) {
		rc |= SET(op, CURLOPT_NOBODY, 1L);
	}
	return rc | SET(op, CURLOPT_CUSTOMREQUEST, q->method);
}

/* --- Waiting ------------------------------------------------------------ */

static uint64_t octets(struct op *op)
{
	curl_off_t up = 0, down = 0;

	curl_easy_getinfo(op->h->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(op->h->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	return (uint64_t)up + (uint64_t)down + op->header_octets + op->starts;
}

static int finished(struct op *op, struct err *e)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(op->h->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		return m->data.result ? http_failed(op, m->data.result, e) : 0;
	}
	return http_failed(op, CURLE_FAILED_INIT, e);
}

/* Not xferinfo: curl_easy_perform() may sleep a second between two. */
static int wait_for(struct op *op, struct err *e)
{
	const struct account *a = op->h->a;
	unsigned seconds = op->q->timeout_s ? op->q->timeout_s : TIMEOUT_S;
	uint64_t seen = 0, mark = clock_ms();
	int running = 1;

	for (;;) {
		CURLMcode rc = curl_multi_perform(op->h->multi, &running);

		if (rc)
			return http_failed(op, CURLE_FAILED_INIT, e);
		if (!running)
			return finished(op, e);
		if (a->cancel && atomic_load(a->cancel))
			return stream_interrupted(e);
		if (octets(op) != seen) {
			seen = octets(op);
			mark = clock_ms();
		} else if (op->starts && clock_ms() - mark > seconds * 1000u) {
			return http_timeout(op, seconds, e);
		}
		curl_multi_poll(op->h->multi, NULL, 0, SLICE_MS, NULL);
	}
}

static int perform(struct op *op, const struct http_place *p, struct err *e)
{
	struct http *h = op->h;

	curl_easy_reset(h->easy);
	h->why[0] = '\0';
	if (set_transport(op, p) || set_callbacks(op) || set_method(op))
		return err_set(
		        e, ERR_RUN, NEXT_GIVE_UP, EC_INTERNAL,
		        "This computer's libcurl cannot do what mailhaul "
		        "needs. Nothing was sent. Update libcurl.",
		        "%s", curl_version());
	if (curl_multi_add_handle(h->multi, h->easy))
		return err_memory(e);
	int rc = wait_for(op, e);

	op->r->sent = op->starts > 0;
	if (rc == 0)
		http_answer_end(op);
	curl_multi_remove_handle(h->multi, h->easy);
	return rc;
}

/* --- Together ----------------------------------------------------------- */

static void log_op(const struct op *op)
{
	if (log_on())
		log_msg("%s %s%.200s: %d%s%s, %llu ms", op->q->method, op->host,
		        op->q->secret_url ? " (rest withheld)" : op->path,
		        op->r->status, *op->r->request_id ? " " : "",
		        op->r->request_id,
		        (unsigned long long)(clock_ms() - op->begun));
}

int http_do(struct http *h, const struct http_request *q, struct http_reply *r,
            struct err *e)
{
	CLEANUP(op_release)
	struct op op = { .h = h, .q = q, .r = r, .begun = clock_ms() };
	struct http_place p;

	memset(r, 0, sizeof *r);
	r->body.max = HTTP_ANSWER_MOST;
	if (http_place(&p, q->url, e))
		return -1;
	memcpy(op.host, p.host, sizeof op.host);
	op.tls = strcmp(p.scheme, "https") == 0;
	memcpy(op.path, p.path, sizeof op.path);
	if (h->a->cancel && atomic_load(h->a->cancel))
		return stream_interrupted(e);
	if ((!h->easy && handles_new(h, e)) || headers(&op, e))
		return -1;
	int rc = perform(&op, &p, e);

	/* What is left of a broken exchange is not built upon. */
	if (rc)
		handles_free(h);
	else
		curl_easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
	log_op(&op);
	return rc;
}

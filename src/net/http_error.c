/* SPDX-License-Identifier: Apache-2.0 */
/* http_error.c - libcurl's results in words for the owner. */
#include <string.h>

#include "net/http_int.h"

static const char *why(const struct op *op, CURLcode code)
{
	return op->h->why[0] ? op->h->why : curl_easy_strerror(code);
}

static enum err_next next(const struct op *op)
{
	return op->starts ? NEXT_ASK : NEXT_RETRY;
}

static int lost(const struct op *op, CURLcode code, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, next(op), EC_CONN_LOST,
	         "The connection to %s was lost. Nothing is lost: mailhaul "
	         "connects again and goes on.",
	         op->host);
	err_detail(e, "%s", why(op, code));
	return -1;
}

static int no_name(const struct op *op, CURLcode code, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, EC_HOST_UNKNOWN,
	         "There is no server with the name %s, or the name service "
	         "cannot be reached. Nothing was changed. Check the spelling "
	         "and the network connection.",
	         op->host);
	err_detail(e, "%s", why(op, code));
	return -1;
}

static int no_connection(const struct op *op, CURLcode code, struct err *e)
{
	bool slow = code == CURLE_OPERATION_TIMEDOUT;

	err_setf(e, ERR_ACCOUNT, NEXT_RETRY, slow ? EC_TIMEOUT : EC_CONNECT,
	         "The server %s does not %s. Nothing was changed. Check the "
	         "network connection, and whether a firewall is in the way.",
	         op->host, slow ? "answer" : "accept connections");
	err_detail(e, "%s", why(op, code));
	return -1;
}

/* A connection that breaks in the handshake is not a server without TLS. */
static bool broke(const char *words)
{
	static const char *const broken[] = { "non-properly terminated",
		                              "pull function",
		                              "push function",
		                              "SYSCALL",
		                              "unexpected eof",
		                              "onnection reset",
		                              "Broken pipe" };

	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
		if (strstr(words, broken[i]))
			return true;
	return false;
}

static int no_tls(const struct op *op, CURLcode code, struct err *e)
{
	if (broke(why(op, code)))
		return lost(op, code, e);
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_TLS,
	         "No safe encryption could be agreed with %s, so nothing was "
	         "sent. TLS 1.2 or later is needed; something on the way may "
	         "be too old, or listening.",
	         op->host);
	err_detail(e, "%s", why(op, code));
	return -1;
}

int http_timeout(struct op *op, unsigned seconds, struct err *e)
{
	err_setf(e, ERR_ACCOUNT, next(op), EC_TIMEOUT,
	         "The server %s stopped answering. Nothing is lost: mailhaul "
	         "connects again and goes on.",
	         op->host);
	err_detail(e, "no progress for %u s", seconds);
	return -1;
}

static int own_error(const struct op *op, struct err *e)
{
	if (e)
		*e = op->err;
	return -1;
}

int http_failed(struct op *op, CURLcode code, struct err *e)
{
	if (op->err.code)
		return own_error(op, e);
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return err_memory(e);
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return no_name(op, code, e);
	case CURLE_COULDNT_CONNECT:
		return no_connection(op, code, e);
	case CURLE_OPERATION_TIMEDOUT:
		return op->starts ? lost(op, code, e)
		                  : no_connection(op, code, e);
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION: /* of a proxy */
		return op->starts ? lost(op, code, e) : no_tls(op, code, e);
	default:
		return lost(op, code, e);
	}
}

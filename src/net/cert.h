/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert.h - whom to trust, and the sentence for who is not: chains and names
 * (RFC 6125, RFC 9525) against the system's roots plus --ca-file, or
 * exactly one pinned certificate.
 */
#ifndef MAILHAUL_NET_CERT_H
#define MAILHAUL_NET_CERT_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "mailhaul/account.h"
#include "mailhaul/err.h"

#define CERT_HEX ((size_t)2 * EVP_MAX_MD_SIZE + 1)

/*
 * chain: what a server showed, its own certificate first. 0: it is host's,
 * as a->ca_file and the system say, or it is the one of a->pin. Else
 * EC_CERT_*, ERR_ACCOUNT, NEXT_GIVE_UP. Any thread.
 */
int cert_check(STACK_OF(X509) * chain, const char *host,
               const struct account *a, struct err *e);
/* Reads a->ca_file, so that a mistake is found at once: EC_TLS, ERR_RUN. */
int cert_prepare(const struct account *a, struct err *e);

/* What tls.c shares, which verifies during OpenSSL's own handshake. */

/* SHA-256 in hex; false, and "", if there is none. */
bool cert_fingerprint(const X509 *cert, char hex[CERT_HEX]);
/* Whether leaf is the pinned one: 0, else EC_CERT_PIN. */
int cert_check_pin(const X509 *leaf, const char *host, const char *pin,
                   struct err *e);
/* The name or address that the certificate must be for. */
bool cert_set_name(X509_VERIFY_PARAM *p, const char *host);
/* From OpenSSL's last error: EC_TLS, ERR_RUN, -1. */
int cert_bad_file(const char *file, struct err *e);

#endif

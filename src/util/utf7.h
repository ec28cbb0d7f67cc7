/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf7.h - modified UTF-7 of IMAP mailbox names, RFC 3501 5.1.3.
 */
#ifndef MAILHAUL_UTIL_UTF7_H
#define MAILHAUL_UTIL_UTF7_H

/* malloc'd UTF-8, or NULL if raw is not modified UTF-7 (8-bit octets,
 * bad base64, lone surrogates, printable ASCII in base64). */
char *utf7_to_utf8(const char *raw);
/* malloc'd modified UTF-7, or NULL if utf8 is not UTF-8 or memory. */
char *utf8_to_utf7(const char *utf8);

#endif

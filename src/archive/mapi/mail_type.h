/* SPDX-License-Identifier: Apache-2.0 */
/* mail_type.h - media types and names of attached files. */
#ifndef MAILHAUL_ARCHIVE_MAPI_MAIL_TYPE_H
#define MAILHAUL_ARCHIVE_MAPI_MAIL_TYPE_H

#include "archive/mapi/mapi.h"

/* "type/subtype" of an attachment's octets: what its MIME tag says, else
 * what its name says, else application/octet-stream. Never of the kinds
 * that may not be in base64 (RFC 2046 5.2.1); malloc'd, NULL: memory. */
char *mail_type_of(struct mapi *attachment, const char *name);
/* Its file name, no control characters; malloc'd, NULL: it has none. */
char *mail_file_name(struct mapi *attachment);
/* A file name of free text: nothing that a disk forbids, at most 80 octets
 * and suffix; malloc'd, NULL: memory. */
char *mail_name_for(const char *text, const char *otherwise,
                    const char *suffix);
bool mail_is_tnef(struct mapi *attachment);
/* It is in MacBinary ([MS-OXCMAIL] 2.1.3.4.4). */
bool mail_is_mac(struct mapi *attachment);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_ids.h - extended properties as Microsoft Graph calls them: a type
 * and a MAPI property tag, or a type, a GUID and a name. m365.md C.4, C.7
 * and D.3.
 */
#ifndef MAILHAUL_MIME_GRAPH_IDS_H
#define MAILHAUL_MIME_GRAPH_IDS_H

#define GRAPH_ID_CLASS "String 0x001A"        /* message class */
#define GRAPH_ID_SENT "SystemTime 0x0039"     /* the Date field */
#define GRAPH_ID_HEADER "String 0x007D"       /* transport headers */
#define GRAPH_ID_RECEIVED "SystemTime 0x0E06" /* delivery time */
#define GRAPH_ID_FLAGS "Integer 0x0E07"       /* only before the first save */
#define GRAPH_ID_MESSAGE_ID "String 0x1035"
#define GRAPH_ID_REFERENCES "String 0x1039"
#define GRAPH_ID_IN_REPLY_TO "String 0x1042"
#define GRAPH_ID_ICON "Integer 0x1080"
#define GRAPH_ID_VERB "Integer 0x1081" /* last verb executed */

/* Our own: which message of the source this is. Never changes, because a
 * mailbox holds only so many distinct named properties. */
#define GRAPH_ID_SOURCE                                       \
	"String {c0ae8a53-5d8a-4f6e-9c1f-6d61696c6861} Name " \
	"SourceId"

/* Bits of GRAPH_ID_FLAGS. */
#define GRAPH_FLAG_READ 1
#define GRAPH_FLAG_UNSENT 8

/* Values of GRAPH_ID_VERB and the icon that goes with each. */
#define GRAPH_VERB_REPLIED "102"
#define GRAPH_ICON_REPLIED "261"
#define GRAPH_VERB_FORWARDED "104"
#define GRAPH_ICON_FORWARDED "262"

#define GRAPH_CLASS_SMIME "IPM.Note.SMIME"

#endif

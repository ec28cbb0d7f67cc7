/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statements.h - every SQL statement of the program by name; their text is
 * in statements.c. Only the WHERE of store_rows() is put together at run
 * time (rows.c).
 */
#ifndef MAILHAUL_STORE_STATEMENTS_H
#define MAILHAUL_STORE_STATEMENTS_H

enum statement {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_SAVE,
	ST_SAVE_UNDO,

	ST_MAILBOX_ADD,
	ST_MAILBOX_NAMED,
	ST_MAILBOX_ALL,
	ST_MAILBOX_FIND,
	ST_MAILBOX_OPTIONS,
	ST_MAILBOX_STARTED,
	ST_MAILBOX_ENDED,
	ST_MAILBOX_LOCKS,
	ST_PROGRESS,
	ST_LISTING,
	ST_TALLY,
	ST_TALLY_FOLDERS,

	ST_SOURCE_PUT,
	ST_SOURCE_ALL,
	ST_SOURCE_ONE,
	ST_SOURCE_LISTED,
	ST_DEST_FIND,
	ST_DEST_ADD,
	ST_DEST_NAMES,
	ST_DEST_ALL,
	ST_DEST_STATE,
	ST_DEST_FLAGS,
	ST_DEST_UNNAME,
	ST_DEST_RENUMBER,

	ST_KNOWN_UIDS,
	ST_ADD,
	ST_PLACE,
	ST_FLAGS_BY_PLACE,
	ST_STANDING_UIDS,
	ST_VANISH,
	ST_VANISH_OTHERS,
	ST_PARTS_AGAIN,

	ST_CLAIM_OLDEST,
	ST_CLAIM_NEWEST,
	ST_INTEND,
	ST_SETTLE,
	ST_SETTLE_ELSEWHERE,
	ST_REMEMBER,
	ST_AGAIN,
	ST_PROBLEM,
	ST_STATE,
	ST_RETRY,
	ST_NOTE,
	ST_SET_FLAGS,

	ST_CLAIMED,
	ST_CLAIMED_NAME,
	ST_ORPHAN_OCTETS,
	ST_ORPHAN_ALIKE,
	ST_MESSAGE_END,
	ST_MESSAGE_PLACE,
	ST_ORPHAN_TAKE,
	ST_HAS_OCTETS,

	ST_JOIN_PARTNERS,
	ST_JOIN_OCTETS,
	ST_JOIN_SAME_ID,
	ST_JOIN_SAME_DATE,
	ST_JOIN_LIKE_ID,
	ST_JOIN_LIKE_DATE,
	ST_JOIN_TAKE,
	ST_JOIN_LOST,
	ST_JOIN_GONE,
	ST_JOIN_BACK,
	ST_JOINS,

	ST_COPIES_CLEAR,
	ST_COPY_ADD,
	ST_COPIES_BY_ID,
	ST_COPIES_BY_HEAD,
	ST_COPY_CLAIM,

	ST_LEARNT,
	ST_LEARN,
	ST_COUNT
};

extern const char *const statements[ST_COUNT];

/* The columns that message_load() and row_load() of rows.c read, in their
 * order. */
#define MESSAGE_COLUMNS                                     \
	"id,uid,key,size,flags,keywords,internaldate,zone," \
	"tries,batch_max,want_repair,state"
#define ROW_COLUMNS                                              \
	MESSAGE_COLUMNS                                          \
	",sha256,orig_sha256,fp_version,fp_message_id,fp_date,"  \
	"fp_from,fp_subject,fp_text,set_flags,set_keywords,"     \
	"dest_name,dest_uidvalidity,dest_uid,repair_note,"       \
	"why_code,why,why_detail,mailbox,source_folder,"         \
	"dest_folder,uidvalidity,mark_uidvalidity,mark_uidnext," \
	"intended,orphan,note,same_as"

#endif

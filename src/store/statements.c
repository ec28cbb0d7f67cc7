/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statements.c - the text of every statement. State numbers are those of
 * enum msg_state: 0 pending, 1 sending, 2 unfinished, 3 moved, 4 already
 * there, 5 left out, 6 hole, 7 problem, 8 ignored, 9 gone at destination,
 * 10 gone at source (schema.c asserts them).
 */
#include "store/statements.h"

#define FOLDER_COLUMNS                                         \
	"id,raw,path,parts,delim,special_use,noselect,shared," \
	"uidvalidity,uidnext,modseq,messages,bytes,"
#define MAILBOX_COLUMNS                                                  \
	"id,name,from_locator,to_locator,to_key,options,pass,last_exit," \
	"last_text,started,ended"
#define COPY_COLUMNS                                                     \
	"c.id,c.dest_folder,c.uidvalidity,c.uid,c.key,c.size,"           \
	"c.fp_version,c.fp_message_id,c.fp_date,c.fp_from,c.fp_subject," \
	"c.fp_text"
/* A copy that a row has as its own is taken, whether or not it was claimed
 * here: a folder may have been scanned again after we copied into it. */
#define COPY_FREE                                                     \
	" FROM dest_copy c JOIN dest_folder d ON d.id=c.dest_folder"  \
	" WHERE d.to_key=?1 AND c.claimed=0 AND NOT EXISTS"           \
	"(SELECT 1 FROM message m WHERE m.dest_folder=c.dest_folder"  \
	" AND m.dest_uidvalidity=c.uidvalidity AND m.dest_uid=c.uid)" \
	" AND (c.key='' OR NOT EXISTS(SELECT 1 FROM message m"        \
	" WHERE m.dest_folder=c.dest_folder AND m.dest_name=c.key))"
#define ORPHAN                                        \
	" FROM message WHERE mailbox=?1 AND orphan=1" \
	" AND state IN (2,3,4,9)"
/* By the index of heads, then the whole hash. */
#define OCTETS                                                       \
	" AND sha256 IS NOT NULL"                                    \
	" AND substr(ifnull(orig_sha256,sha256),1,4)=substr(?2,1,4)" \
	" AND ifnull(orig_sha256,sha256)=?2"
/* What never was copied ends with its place; the rest waits to be found. */
#define VANISHED                       \
	"UPDATE message SET orphan=1," \
	"state=CASE WHEN state IN (0,5,6,7,8) THEN 10 ELSE state END"
/* Nothing left to read when the place at the source is gone. */
#define BACK "state=CASE WHEN orphan THEN 10 ELSE 0 END"
#define NOT_COPIED                                                \
	",dest_folder=NULL,dest_uidvalidity=NULL,dest_uid=NULL,"  \
	"dest_name=NULL,mark_uidvalidity=NULL,mark_uidnext=NULL," \
	"intended=NULL"
/* The mailboxes that fill the destination of mailbox ?1. */
#define DESTINATION                                             \
	"(SELECT o.id FROM mailbox o JOIN mailbox b ON b.id=?1" \
	" WHERE o.to_key=b.to_key)"
/* A row of another mailbox that has, had or may have a copy of its own,
 * which stands for none of ours yet. One that was deleted there is none for
 * a message (?2) that a person asked for again. */
#define PRIMARY                                                              \
	"SELECT p.id,p.state,o.name,f.path,p.fp_version,p.fp_message_id,"    \
	"p.fp_date,p.fp_from,p.fp_subject,p.fp_text,p.size"                  \
	" FROM mailbox b JOIN mailbox o ON o.to_key=b.to_key AND o.id<>b.id" \
	" CROSS JOIN message p ON p.mailbox=o.id"                            \
	" JOIN source_folder f ON f.id=p.source_folder"                      \
	" WHERE b.id=?1 AND p.state IN (1,2,3,4,9)"                          \
	" AND ifnull(p.same_as,0)=0 AND p.sha256 IS NOT NULL"                \
	" AND NOT EXISTS(SELECT 1 FROM message t WHERE t.same_as>0"          \
	" AND t.same_as=p.id AND t.mailbox=?1)"                              \
	" AND (p.state<>9 OR NOT EXISTS(SELECT 1 FROM message r"             \
	" WHERE r.id=?2 AND r.same_as=0))"
/* Those that are there first, the one in the same folder first. */
#define PRIMARY_ORDER " ORDER BY p.state=9,p.dest_folder IS NOT ?3,p.id"
/* The state of the row whose copy stands for this one: 0, lost. */
#define OF_PRIMARY                                                    \
	"(SELECT iif(ifnull(p.same_as,0)=0,p.state,0) FROM message p" \
	" WHERE p.id=message.same_as)"
#define JOINED " WHERE same_as>0 AND mailbox IN " DESTINATION
#define NO_REASON ",why_code=NULL,why=NULL,why_detail=NULL"

const char *const statements[ST_COUNT] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_SAVE] = "SAVEPOINT whole",
	[ST_SAVE_UNDO] = "ROLLBACK TO whole",

	[ST_MAILBOX_ADD] = "INSERT INTO mailbox"
	                   "(name,from_locator,to_locator,to_key,options)"
	                   " VALUES(?1,?2,?3,?4,ifnull(?5,'{}'))"
	                   " RETURNING id",
	[ST_MAILBOX_NAMED] = "SELECT 1 FROM mailbox WHERE name=?1",
	[ST_MAILBOX_ALL] =
	        "SELECT " MAILBOX_COLUMNS " FROM mailbox ORDER BY id",
	[ST_MAILBOX_FIND] = "SELECT id FROM mailbox"
	                    " WHERE to_key=?2 AND from_locator=?1"
	                    " ORDER BY id LIMIT 1",
	[ST_MAILBOX_OPTIONS] = "UPDATE mailbox SET options=ifnull(?2,'{}')"
	                       " WHERE id=?1",
	[ST_MAILBOX_STARTED] = "UPDATE mailbox SET started=?2 WHERE id=?1",
	[ST_MAILBOX_ENDED] = "UPDATE mailbox SET last_exit=?2,"
	                     "pass=pass+?3,last_text=?4,ended=?5"
	                     " WHERE id=?1",
	[ST_MAILBOX_LOCKS] = "SELECT name,(SELECT min(id) FROM mailbox d"
	                     " WHERE d.to_key=m.to_key)"
	                     " FROM mailbox m WHERE id=?1",
	[ST_PROGRESS] = "SELECT state,messages,bytes FROM tally"
	                " WHERE mailbox=?1",
	[ST_LISTING] = "SELECT count(*)=0 OR sum(listed=0 AND left_out IS"
	               " NULL AND noselect=0)>0"
	               " FROM source_folder WHERE mailbox=?1",
	/* The tally counts every row; what stands at the source no longer is
	 * told apart by the index of those few. */
	[ST_TALLY] = "WITH gone AS (SELECT state,count(*) AS n,"
	             "total(size) AS b FROM message INDEXED BY message_orphan"
	             " WHERE mailbox=?1 AND orphan=1 GROUP BY state)"
	             " SELECT 0,t.state,0,t.messages-ifnull(g.n,0),"
	             "t.bytes-cast(ifnull(g.b,0) AS INTEGER) FROM tally t"
	             " LEFT JOIN gone g ON g.state=t.state"
	             " WHERE t.mailbox=?1 UNION ALL"
	             " SELECT 0,state,1,n,cast(b AS INTEGER) FROM gone",
	[ST_TALLY_FOLDERS] = "SELECT source_folder,state,orphan,count(*),"
	                     "cast(total(size) AS INTEGER) FROM message"
	                     " WHERE mailbox=?1 GROUP BY 1,2,3",

	[ST_SOURCE_PUT] = "INSERT INTO source_folder(mailbox,raw,path,parts,"
	                  "delim,special_use,noselect,shared,bytes,"
	                  "dest_folder,left_out)"
	                  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11)"
	                  " ON CONFLICT(mailbox,raw) DO UPDATE SET"
	                  " path=excluded.path,parts=excluded.parts,"
	                  "delim=excluded.delim,"
	                  "special_use=excluded.special_use,"
	                  "noselect=excluded.noselect,"
	                  "shared=excluded.shared,bytes=excluded.bytes,"
	                  "dest_folder=excluded.dest_folder,"
	                  "left_out=excluded.left_out"
	                  " RETURNING id",
	[ST_SOURCE_ALL] = "SELECT " FOLDER_COLUMNS
	                  "dest_folder,left_out,listed FROM source_folder"
	                  " WHERE mailbox=?1 ORDER BY id",
	[ST_SOURCE_ONE] = "SELECT mailbox,dest_folder FROM source_folder"
	                  " WHERE id=?1",
	[ST_SOURCE_LISTED] = "UPDATE source_folder SET uidvalidity=?2,"
	                     "uidnext=?3,modseq=?4,messages=?5,listed=1"
	                     " WHERE id=?1",
	[ST_DEST_FIND] = "SELECT id,uidvalidity FROM dest_folder"
	                 " WHERE to_key=?1 AND raw=?2",
	[ST_DEST_ADD] = "INSERT INTO dest_folder(to_key,raw,path,parts,"
	                "delim,special_use,noselect,shared,uidvalidity,"
	                "uidnext,modseq,messages,bytes)"
	                " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)"
	                " RETURNING id",
	[ST_DEST_NAMES] = "UPDATE dest_folder SET path=?2,parts=?3,delim=?4,"
	                  "special_use=?5,noselect=?6,shared=?7,"
	                  "uidvalidity=CASE uidvalidity WHEN 0 THEN ?8"
	                  " ELSE uidvalidity END WHERE id=?1",
	[ST_DEST_ALL] =
	        "SELECT " FOLDER_COLUMNS "scanned,doubted FROM dest_folder"
	        " WHERE to_key=?1 ORDER BY id",
	[ST_DEST_STATE] = "UPDATE dest_folder SET uidvalidity=?2,uidnext=?3,"
	                  "modseq=?4,messages=?5 WHERE id=?1",
	[ST_DEST_FLAGS] = "UPDATE dest_folder SET scanned=?2,doubted=?3"
	                  " WHERE id=?1",
	[ST_DEST_UNNAME] = "UPDATE message SET dest_uid=NULL,"
	                   "dest_uidvalidity=NULL"
	                   " WHERE dest_folder=?1 AND dest_uid IS NOT NULL",
	[ST_DEST_RENUMBER] = "UPDATE dest_folder SET uidvalidity=?2,"
	                     "uidnext=0,modseq=0,messages=0,scanned=0"
	                     " WHERE id=?1",

	[ST_KNOWN_UIDS] = "SELECT uid FROM message WHERE source_folder=?1"
	                  " AND uidvalidity=?2 AND orphan=0 ORDER BY uid",
	[ST_ADD] = "INSERT INTO message(mailbox,source_folder,uidvalidity,"
	           "uid,key,state,size,internaldate,zone,flags,keywords,why)"
	           " VALUES(?1,?2,?3,?4,ifnull(?5,''),?6,?7,?8,?9,?10,?11,"
	           "?12) ON CONFLICT(source_folder,uidvalidity,uid,key)"
	           " WHERE orphan=0 DO NOTHING",
	[ST_PLACE] = "SELECT id FROM message WHERE source_folder=?1"
	             " AND uidvalidity=?2 AND uid=?3 AND key=ifnull(?4,'')"
	             " AND orphan=0",
	[ST_FLAGS_BY_PLACE] = "UPDATE message SET flags=?4,keywords=?5"
	                      " WHERE source_folder=?1 AND uidvalidity=?2"
	                      " AND uid=?3 AND key=ifnull(?6,'') AND orphan=0"
	                      " AND (flags<>?4 OR keywords IS NOT ?5)",
	[ST_STANDING_UIDS] = "SELECT uid,id FROM message"
	                     " WHERE source_folder=?1 AND uidvalidity=?2"
	                     " AND orphan=0 ORDER BY uid",
	[ST_VANISH] = VANISHED " WHERE id=?1",
	[ST_VANISH_OTHERS] = VANISHED
	" WHERE source_folder=?1 AND uidvalidity<>?2 AND orphan=0",
	/* 4: FINGERPRINT_IN_PART. */
	[ST_PARTS_AGAIN] = "UPDATE message SET orphan=1"
	                   " WHERE source_folder=?1 AND orphan=0"
	                   " AND fp_version=4 AND state IN (3,4,9)",

	/* The cursor is a border, not a row. */
	[ST_CLAIM_OLDEST] = "SELECT " MESSAGE_COLUMNS " FROM message"
	                    " WHERE source_folder=?1 AND state IN (0,6)"
	                    " AND key='' AND uid>=?2 AND (?3 OR state=0)"
	                    " ORDER BY uid LIMIT ?4",
	[ST_CLAIM_NEWEST] = "SELECT " MESSAGE_COLUMNS " FROM message"
	                    " WHERE source_folder=?1 AND state IN (0,6)"
	                    " AND key='' AND uid<?2 AND (?3 OR state=0)"
	                    " ORDER BY uid DESC LIMIT ?4",
	/* A row that was settled meanwhile is not sent again. */
	[ST_INTEND] = "UPDATE message SET state=1,dest_folder=?2,"
	              "mark_uidvalidity=?3,mark_uidnext=?4,intended=?5,"
	              "sha256=?6,orig_sha256=?7,fp_version=?8,"
	              "fp_message_id=?9,fp_date=?10,fp_from=?11,"
	              "fp_subject=?12,fp_text=?13,set_flags=?14,"
	              "set_keywords=?15,dest_name=?16,repair_note=?17,"
	              "dest_uidvalidity=NULL,dest_uid=NULL"
	              " WHERE id=?1 AND state IN (0,1,6,10)",
	/* Folder unchanged since the intent, as nearly always: naming it in
	 * SET would write its index entries again. */
	[ST_SETTLE] = "UPDATE message SET state=?2,dest_uidvalidity=?4,"
	              "dest_uid=?5,dest_name=ifnull(?6,dest_name)" NO_REASON
	              " WHERE id=?1 AND dest_folder=?3",
	[ST_SETTLE_ELSEWHERE] =
	        "UPDATE message SET state=?2,"
	        "dest_folder=ifnull(?3,dest_folder),"
	        "dest_uidvalidity=?4,dest_uid=?5,"
	        "dest_name=ifnull(?6,dest_name)" NO_REASON " WHERE id=?1",
	[ST_REMEMBER] = "UPDATE message SET sha256=?2,orig_sha256=?3,"
	                "fp_version=?4,fp_message_id=?5,fp_date=?6,"
	                "fp_from=?7,fp_subject=?8,fp_text=?9,set_flags=?10,"
	                "set_keywords=?11 WHERE id=?1",
	[ST_AGAIN] = "UPDATE message SET " BACK NOT_COPIED
	             ",same_as=CASE WHEN same_as=0 THEN 0 END"
	             ",tries=?2,batch_max=?3,want_repair=?4 WHERE id=?1",
	[ST_PROBLEM] = "UPDATE message SET state=?2,why_code=?3,why=?4,"
	               "why_detail=?5,tries=?6,batch_max=?7,want_repair=?8,"
	               "dest_uidvalidity=?9,dest_uid=?10 WHERE id=?1",
	[ST_STATE] = "UPDATE message SET state=?2 WHERE id=?1",
	[ST_RETRY] = "UPDATE message SET " BACK NOT_COPIED NO_REASON
	             ",same_as=CASE WHEN state=9 OR same_as IS NOT NULL THEN 0"
	             " END,tries=0 WHERE id=?1",
	[ST_NOTE] = "UPDATE message SET note=CASE WHEN note IS NULL THEN ?2"
	            " WHEN instr(note,?2) THEN note"
	            " ELSE note||' '||?2 END WHERE id=?1",
	[ST_SET_FLAGS] = "UPDATE message SET set_flags=?2,set_keywords=?3"
	                 " WHERE id=?1",

	[ST_CLAIMED] = "SELECT dest_uid FROM message WHERE dest_folder=?1"
	               " AND dest_uidvalidity=?2 AND dest_uid>=?3"
	               " ORDER BY dest_uid",
	/* People move copies: it is claimed wherever it was put. */
	[ST_CLAIMED_NAME] = "SELECT 1 FROM dest_folder o CROSS JOIN"
	                    " dest_folder d ON d.to_key=o.to_key"
	                    " CROSS JOIN message m ON m.dest_folder=d.id"
	                    " AND m.dest_name=?2"
	                    " WHERE o.id=?1 LIMIT 1",
	[ST_ORPHAN_OCTETS] =
	        "SELECT id" ORPHAN OCTETS " ORDER BY state=9,id LIMIT 1",
	[ST_ORPHAN_ALIKE] = "SELECT id,fp_version,fp_message_id,fp_date,"
	                    "fp_from,fp_subject,fp_text" ORPHAN
	                    " AND fp_text=?2 AND fp_message_id=?3"
	                    " ORDER BY state=9,id",
	[ST_MESSAGE_END] = "DELETE FROM message WHERE id=?1 AND state=0",
	[ST_MESSAGE_PLACE] = "SELECT source_folder,uidvalidity,uid,key,size,"
	                     "internaldate,zone,flags,keywords"
	                     " FROM message WHERE id=?1",
	[ST_ORPHAN_TAKE] = "UPDATE message SET orphan=0,source_folder=?2,"
	                   "uidvalidity=?3,uid=?4,key=?5,size=?6,"
	                   "internaldate=?7,zone=?8,flags=?9,keywords=?10"
	                   " WHERE id=?1 AND orphan=1 RETURNING state",
	[ST_HAS_OCTETS] =
	        "SELECT 1 FROM message WHERE mailbox=?1" OCTETS " AND id<>?3"
	        " AND state IN (1,2,3,4) LIMIT 1",

	[ST_JOIN_PARTNERS] =
	        "SELECT 1 FROM mailbox b JOIN mailbox o"
	        " ON o.to_key=b.to_key AND o.id<>b.id WHERE b.id=?1"
	        " AND EXISTS(SELECT 1 FROM message m WHERE m.mailbox=o.id)"
	        " LIMIT 1",
	[ST_JOIN_OCTETS] =
	        PRIMARY " AND substr(ifnull(p.orig_sha256,p.sha256),1,4)"
	                "=substr(?4,1,4)"
	                " AND ifnull(p.orig_sha256,p.sha256)=?4" PRIMARY_ORDER,
	[ST_JOIN_SAME_ID] = PRIMARY " AND p.fp_message_id<>0"
	                            " AND p.fp_message_id=?4"
	                            " AND p.fp_text=?5" PRIMARY_ORDER,
	[ST_JOIN_SAME_DATE] = PRIMARY " AND p.fp_date=?4"
	                              " AND p.fp_text=?5" PRIMARY_ORDER,
	/* Only to say that they are alike: a few are enough. */
	[ST_JOIN_LIKE_ID] = PRIMARY " AND p.fp_message_id<>0"
	                            " AND p.fp_message_id=?4 LIMIT 20",
	[ST_JOIN_LIKE_DATE] = PRIMARY " AND p.fp_date=?4 LIMIT 20",
	[ST_JOIN_TAKE] =
	        "UPDATE message SET state=?2,same_as=?3,sha256=?4,"
	        "orig_sha256=?5,fp_version=?6,fp_message_id=?7,fp_date=?8,"
	        "fp_from=?9,fp_subject=?10,fp_text=?11,set_flags=flags&15,"
	        "set_keywords=keywords" NOT_COPIED NO_REASON
	        " WHERE id=?1 AND state IN (0,6)",
	[ST_JOIN_LOST] = "UPDATE message SET " BACK ",same_as=NULL" JOINED
	                 " AND ifnull(" OF_PRIMARY ",0) NOT IN (1,2,3,4,9)",
	[ST_JOIN_GONE] = "UPDATE message SET state=9,note=ifnull(note||' ','')"
	                 "||?2" JOINED " AND state=4 AND " OF_PRIMARY "=9",
	[ST_JOIN_BACK] = "UPDATE message SET state=4" JOINED
	                 " AND state=9 AND " OF_PRIMARY " IN (1,2,3,4)",
	[ST_JOINS] = "SELECT m.id,m.uid,p.id,p.state,p.dest_folder"
	             " FROM message m LEFT JOIN message p ON p.id=m.same_as"
	             " WHERE m.mailbox=?1 AND m.same_as>0 AND m.state=4",

	[ST_COPIES_CLEAR] = "DELETE FROM dest_copy WHERE dest_folder=?1",
	[ST_COPY_ADD] = "INSERT INTO dest_copy(dest_folder,uidvalidity,uid,"
	                "key,size,fp_version,fp_message_id,fp_date,fp_from,"
	                "fp_subject,fp_text)"
	                " VALUES(?1,?2,?3,ifnull(?4,''),?5,?6,?7,?8,?9,?10,"
	                "?11) ON CONFLICT DO NOTHING",
	[ST_COPIES_BY_ID] = "SELECT " COPY_COLUMNS COPY_FREE
	                    " AND c.fp_message_id=?2 AND c.fp_message_id<>0"
	                    " ORDER BY c.id",
	[ST_COPIES_BY_HEAD] = "SELECT " COPY_COLUMNS COPY_FREE
	                      " AND c.fp_message_id=0 AND c.fp_date=?2"
	                      " AND c.fp_from=?3 ORDER BY c.id",
	[ST_COPY_CLAIM] = "UPDATE dest_copy SET claimed=1"
	                  " WHERE id=?1 AND claimed=0",

	[ST_LEARNT] = "SELECT value FROM learnt WHERE who=?1 AND what=?2",
	[ST_LEARN] = "INSERT INTO learnt(who,what,value) VALUES(?1,?2,?3)"
	             " ON CONFLICT(who,what) DO UPDATE SET value=?3",
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * graph_error.c - what an answer of Graph means, and what helps.
 *
 * By code first, then by status, never by the message: its words change.
 * To teach mailhaul a new refusal is to add a row.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/graph.h"

enum meaning {
	IS_CONTENT,
	IS_TOO_BIG,
	IS_EXISTS,
	IS_SIGN_IN,
	IS_PERMISSION,
	IS_NOT_FOUND,
	IS_FOLDER_GONE,
	IS_NO_USER,
	IS_NO_MAILBOX,
	IS_START_AGAIN,
	IS_CONFLICT,
	IS_THROTTLED,
	IS_SLOW,
	IS_BUSY,
	IS_QUOTA,
	IS_REFUSED
};

struct sense {
	enum err_code code;
	enum err_next next;
	enum err_reach reach;
	const char *text; /* %s: mailbox */
};

static const struct sense senses[] = {
	[IS_CONTENT] = { EC_CONTENT, NEXT_GIVE_UP, ERR_MESSAGE,
	                 "Microsoft 365 does not take this for %.100s because "
	                 "of how it is written. It stays at the source. What "
	                 "was said is in the details (--verbose)." },
	[IS_TOO_BIG] = { EC_TOO_BIG, NEXT_GIVE_UP, ERR_MESSAGE,
	                 "The message is larger than Microsoft 365 takes for "
	                 "%.100s. It stays at the source. An administrator "
	                 "may raise the mailbox's limit; then retry it." },
	[IS_EXISTS] = { EC_EXISTS, NEXT_GIVE_UP, ERR_FOLDER,
	                "Microsoft 365 says that this is in %.100s already. "
	                "Nothing was changed." },
	[IS_SIGN_IN] = { EC_SIGN_IN, NEXT_SIGN_IN, ERR_ACCOUNT,
	                 "Microsoft 365 did not accept the sign-in for "
	                 "%.100s. Nothing is lost. Sign in again with "
	                 "\"mailhaul login\", then run the same command "
	                 "again." },
	[IS_PERMISSION] = { EC_PERMISSION, NEXT_ASK_PERSON, ERR_ACCOUNT,
	                    "Microsoft 365 does not let mailhaul use the "
	                    "mailbox %.100s. Nothing was changed. Ask the "
	                    "tenant's administrator for the right; a new one "
	                    "may take two hours to work." },
	[IS_NOT_FOUND] = { EC_NOT_FOUND, NEXT_GIVE_UP, ERR_MESSAGE,
	                   "What mailhaul looked for in %.100s is not there "
	                   "any more. Somebody may have moved or deleted it; "
	                   "run the same command again." },
	[IS_FOLDER_GONE] = { EC_FOLDER_GONE, NEXT_GIVE_UP, ERR_FOLDER,
	                     "The folder is not there in %.100s any more. "
	                     "Somebody may have removed it; run the same "
	                     "command again." },
	[IS_NO_USER] = { EC_NO_MAILBOX, NEXT_ASK_PERSON, ERR_ACCOUNT,
	                 "There is no user %.100s in this tenant. Nothing was "
	                 "changed. Check the spelling, or have the user made, "
	                 "then run the same command again." },
	[IS_NO_MAILBOX] = { EC_NO_MAILBOX, NEXT_ASK_PERSON, ERR_ACCOUNT,
	                    "%.100s has no mailbox in Microsoft 365 yet. "
	                    "Nothing was changed. Give the user a licence "
	                    "with Exchange; a new mailbox needs minutes to "
	                    "hours. Then run the same command again." },
	[IS_START_AGAIN] = { EC_SERVER_NO, NEXT_RETRY, ERR_FOLDER,
	                     "Microsoft 365 has forgotten how far the listing "
	                     "of %.100s had come. mailhaul begins it anew." },
	[IS_CONFLICT] = { EC_SERVER_NO, NEXT_RETRY, ERR_MESSAGE,
	                  "Something in %.100s was changed at the same moment "
	                  "by somebody else. mailhaul tries again." },
	[IS_THROTTLED] = { EC_THROTTLED, NEXT_WAIT, ERR_ACCOUNT,
	                   "Microsoft asks us to go slower with %.100s. "
	                   "mailhaul waits and then goes on by itself." },
	[IS_SLOW] = { EC_TIMEOUT, NEXT_RETRY, ERR_ACCOUNT,
	              "Microsoft 365 took too long to answer for %.100s. "
	              "Nothing is lost: mailhaul looks what was done and goes "
	              "on." },
	[IS_BUSY] = { EC_SERVER_NO, NEXT_RETRY, ERR_ACCOUNT,
	              "Microsoft 365 cannot do this for %.100s at the moment. "
	              "Nothing is lost: mailhaul tries again." },
	[IS_QUOTA] = { EC_QUOTA, NEXT_ASK_PERSON, ERR_ACCOUNT,
	               "The mailbox %.100s is full. Nothing that is there was "
	               "changed. Make room or get more of it, then run the "
	               "same command again." },
	[IS_REFUSED] = { EC_SERVER_NO, NEXT_GIVE_UP, ERR_MESSAGE,
	                 "Microsoft 365 refused this for %.100s. Its own words "
	                 "are in the details (--verbose)." },
};

struct row {
	const char *code;
	enum meaning meaning;
};

static const struct row codes[] = {
	{ "ErrorInvalidRequest", IS_CONTENT },
	{ "ErrorInvalidProperty", IS_CONTENT },
	{ "UnableToDeserializePostBody", IS_CONTENT },
	{ "ErrorMimeContentInvalidBase64String", IS_CONTENT },
	{ "ErrorInvalidIdMalformed", IS_CONTENT },
	{ "ErrorMessageSizeExceeded", IS_TOO_BIG },
	{ "RequestEntityTooLarge", IS_TOO_BIG },
	{ "ErrorFolderExists", IS_EXISTS },
	{ "InvalidAuthenticationToken", IS_SIGN_IN },
	{ "ErrorAccessDenied", IS_PERMISSION },
	{ "Authorization_RequestDenied", IS_PERMISSION },
	{ "ErrorItemNotFound", IS_NOT_FOUND },
	{ "ErrorFolderNotFound", IS_FOLDER_GONE },
	{ "ErrorInvalidUser", IS_NO_USER },
	{ "Request_ResourceNotFound", IS_NO_USER },
	{ "MailboxNotEnabledForRESTAPI", IS_NO_MAILBOX },
	{ "MailboxNotHostedInExchangeOnline", IS_NO_MAILBOX },
	{ "syncStateNotFound", IS_START_AGAIN },
	{ "resyncRequired", IS_START_AGAIN },
	{ "ErrorIrresolvableConflict", IS_CONFLICT },
	{ "ApplicationThrottled", IS_THROTTLED },
	{ "TooManyRequests", IS_THROTTLED },
	{ "activityLimitReached", IS_THROTTLED },
	{ "ErrorQuotaExceeded", IS_QUOTA },
	{ "quotaLimitReached", IS_QUOTA },
	{ "generalException", IS_BUSY },
	{ "ServiceNotAvailable", IS_BUSY },
};

static const struct {
	int status;
	enum meaning meaning;
} statuses[] = {
	{ 400, IS_CONTENT },     { 401, IS_SIGN_IN },  { 403, IS_PERMISSION },
	{ 404, IS_NOT_FOUND },   { 408, IS_SLOW },     { 409, IS_EXISTS },
	{ 410, IS_START_AGAIN }, { 412, IS_CONFLICT }, { 413, IS_TOO_BIG },
	{ 423, IS_CONFLICT },    { 424, IS_CONFLICT }, { 429, IS_THROTTLED },
	{ 504, IS_SLOW },        { 507, IS_QUOTA },    { 509, IS_THROTTLED },
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *string(const json_t *o, const char *name)
{
	const char *s = json_string_value(json_object_get(o, name));

	return s ? s : "";
}

static enum meaning by_status(int status)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].meaning;
	return status >= 500 ? IS_BUSY : IS_REFUSED;
}

static enum meaning meaning_of(int status, const char *code)
{
	for (size_t i = 0; i < COUNT(codes); i++)
		if (strcasecmp(codes[i].code, code) == 0)
			return codes[i].meaning;
	return by_status(status);
}

static void detail(int status, const json_t *error, struct err *e)
{
	const json_t *inner = json_object_get(error, "innerError");

	if (!inner)
		inner = json_object_get(error, "innererror");
	err_detail(e, "HTTP %d %.80s: %.200s", status, string(error, "code"),
	           string(error, "message"));
	if (*string(inner, "request-id"))
		err_detail(e, "request-id %.60s", string(inner, "request-id"));
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void fill(enum meaning m, const char *mailbox, struct err *e)
{
	const struct sense *s = senses + m;

	(void)err_setf(e, s->reach, s->next, s->code, s->text, mailbox);
}
#pragma GCC diagnostic pop

int graph_error(int status, const json_t *json, uint64_t retry_after_ms,
                const char *mailbox, struct err *e)
{
	const json_t *error = json_object_get(json, "error");

	fill(meaning_of(status, string(error, "code")), mailbox, e);
	if (e && e->next == NEXT_WAIT)
		e->wait_ms = retry_after_ms ? retry_after_ms : 10000;
	detail(status, error, e);
	return -1;
}

/* --- What the path adds ------------------------------------------------- */

/* The first whose words are in the path counts. */
static const struct {
	const char *in_path, *application, *delegated;
} rights[] = {
	{ "/importMime", "Mail-Advanced.ReadWrite.All",
	  "Mail-Advanced.ReadWrite" },
	{ "/admin/exchange", "MailboxItem.ImportExport.All",
	  "MailboxItem.ImportExport" },
	{ "/settings/exchange", "MailboxSettings.Read",
	  "MailboxSettings.Read" },
	{ "/mailboxSettings", "MailboxSettings.Read", "MailboxSettings.Read" },
	{ "/mailFolders", "Mail.ReadWrite", "Mail.ReadWrite" },
	{ "/messages", "Mail.ReadWrite", "Mail.ReadWrite" },
	{ "/organization", "Organization.Read.All", "Organization.Read.All" },
	{ "/subscribedSkus", "Organization.Read.All", "Organization.Read.All" },
	{ "/domains", "Domain.Read.All", "Domain.Read.All" },
	{ "/reports", "Reports.Read.All", "Reports.Read.All" },
	{ "/users", "User.Read.All", "User.Read.All" },
};

const char *graph_right(const char *path, bool app_only)
{
	for (size_t i = 0; i < COUNT(rights); i++)
		if (strstr(path, rights[i].in_path))
			return app_only ? rights[i].application
			                : rights[i].delegated;
	return "Mail.ReadWrite";
}

/* Somebody else's mailbox is reached by the right with .Shared. */
static bool has_right(const struct claims *c, const char *right)
{
	char shared[64];

	snprintf(shared, sizeof shared, "%s.Shared", right);
	return claims_has(c, right) || claims_has(c, shared);
}

static void missing_right(const char *right, struct err *e)
{
	char kept[sizeof e->detail];

	memcpy(kept, e->detail, sizeof kept);
	(void)err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_CONSENT,
	               "The sign-in lacks the right %s, so Microsoft 365 "
	               "refused. Nothing was changed. An administrator can add "
	               "it to the app registration and consent to it "
	               "(mailhaul login TENANT --print-setup); then run again.",
	               right);
	err_detail(e, "%s", kept);
}

static void against_policy(const char *mailbox, const char *right,
                           struct err *e)
{
	char kept[sizeof e->detail];

	memcpy(kept, e->detail, sizeof kept);
	(void)err_setf(e, ERR_ACCOUNT, NEXT_ASK_PERSON, EC_PERMISSION,
	               "The sign-in has the right %s, but the tenant does not "
	               "let it into %.100s. Nothing was changed. Its "
	               "administrator should look for an application access "
	               "policy; a new right may take two hours to work.",
	               right, mailbox);
	err_detail(e, "%s", kept);
}

/* "/users/x/mailFolders/id/" and more: it is the folder that is missing,
 * unless a message is named behind it. */
static bool within_folder(const char *path)
{
	const char *p = strstr(path, "/mailFolders/");
	const char *query = strchr(path, '?');

	if (!p || (query && p > query))
		return false;
	p = strchr(p + strlen("/mailFolders/"), '/');
	if (!p || (query && p > query))
		return false;
	return strncmp(p, "/messages/", 10) != 0;
}

/* The same failure in other words; what was said stays. */
static void say_again(enum meaning m, const char *mailbox, struct err *e)
{
	char kept[sizeof e->detail];

	memcpy(kept, e->detail, sizeof kept);
	fill(m, mailbox, e);
	err_detail(e, "%s", kept);
}

void graph_error_place(const char *path, const struct claims *c,
                       const char *mailbox, struct err *e)
{
	if (!e)
		return;
	if (e->code == EC_NOT_FOUND && within_folder(path))
		say_again(IS_FOLDER_GONE, mailbox, e);
	if (e->code != EC_PERMISSION || !c)
		return;
	const char *right = graph_right(path, *c->roles);

	if (has_right(c, right))
		against_policy(mailbox, right, e);
	else
		missing_right(right, e);
}

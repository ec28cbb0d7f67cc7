/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the settings of one mailbox: one table, set one by one. */
#include "plan/options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/glob.h"
#include "util/buf.h"
#include "util/utf8.h"

#define LANES_MAX 64
#define TEXT_MAX 16384

#define AT(field) offsetof(struct options, field)
#define DEF(name, kind, field, bit)                   \
	{                                             \
		name, kind, AT(field), 0, 1u << (bit) \
	}
const struct option_def option_defs[] = {
	DEF("include", OPT_GLOBS, include, 0),
	DEF("exclude", OPT_GLOBS, exclude, 1),
	DEF("map", OPT_MAPS, map, 2),
	DEF("into", OPT_FOLDER, into, 3),
	{ "since", OPT_DATE, AT(since), AT(since_text), 1u << 4 },
	{ "before", OPT_DATE, AT(before), AT(before_text), 1u << 5 },
	DEF("max-size", OPT_SIZE, max_size, 6),
	DEF("order", OPT_ORDER, oldest_first, 7),
	DEF("lanes", OPT_LANES, lanes, 8),
	DEF("rate", OPT_RATE, rate, 9),
	DEF("ca-file", OPT_TEXT, ca_file, 10),
	DEF("pin", OPT_PIN, pin, 11),
	DEF("allow-cleartext", OPT_FLAG, allow_cleartext, 12),
	DEF("compress", OPT_FLAG, compress, 13),
	DEF("repair", OPT_REPAIR, repair, 14),
	DEF("no-repair", OPT_NO_REPAIR, repair, 14),
	DEF("from-password-file", OPT_TEXT, from_password_file, 15),
	DEF("from-password-command", OPT_TEXT, from_password_command, 16),
	DEF("to-password-file", OPT_TEXT, to_password_file, 17),
	DEF("to-password-command", OPT_TEXT, to_password_command, 18),
	DEF("tenant", OPT_TENANT, tenant, 19),
	DEF("client-id", OPT_GUID, client_id, 20),
	DEF("client-secret-file", OPT_TEXT, client_secret_file, 21),
	DEF("client-certificate", OPT_TEXT, client_certificate, 22),
	DEF("cloud", OPT_CLOUD, cloud, 23),
	DEF("unpack-winmail", OPT_FLAG, unpack_winmail, 24),
};
const size_t option_defs_n = sizeof(option_defs) / sizeof(option_defs[0]);

#define bad(e, ...) \
	err_setf(e, ERR_ACCOUNT, NEXT_GIVE_UP, EC_INPUT, __VA_ARGS__)

const struct option_def *option_find(const char *name)
{
	for (size_t i = 0; i < option_defs_n; i++)
		if (!strcmp(option_defs[i].name, name))
			return &option_defs[i];
	return NULL;
}

bool options_known(const char *name, bool *flag)
{
	const struct option_def *d = option_find(name);

	if (d && flag)
		*flag = d->kind == OPT_FLAG || d->kind == OPT_REPAIR ||
		        d->kind == OPT_NO_REPAIR;
	return d != NULL;
}

void options_init(struct options *o)
{
	memset(o, 0, sizeof(*o));
	o->since = OPT_NO_DATE;
	o->before = OPT_NO_DATE;
}

static void release_one(struct options *o, const struct option_def *d)
{
	switch (d->kind) {
	case OPT_GLOBS:
	case OPT_MAPS:
		string_list_release(OPTION_AT(o, d->at, struct string_list));
		break;
	case OPT_FOLDER:
	case OPT_TEXT:
	case OPT_PIN:
	case OPT_TENANT:
	case OPT_GUID:
	case OPT_CLOUD:
		free(*OPTION_AT(o, d->at, char *));
		*OPTION_AT(o, d->at, char *) = NULL;
		break;
	case OPT_DATE:
		free(*OPTION_AT(o, d->text_at, char *));
		*OPTION_AT(o, d->text_at, char *) = NULL;
		break;
	default:
		break;
	}
}

void options_release(struct options *o)
{
	for (size_t i = 0; i < option_defs_n; i++)
		release_one(o, &option_defs[i]);
	free(o->csv);
	options_init(o);
}

/* --- values ------------------------------------------------------------ */

int option_yes_no(const char *value)
{
	static const char *const yes[] = { "", "yes", "true", "1", "on" };
	static const char *const no[] = { "no", "false", "0", "off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!strcasecmp(value, yes[i]))
			return 1;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (!strcasecmp(value, no[i]))
			return 0;
	return -1;
}

static int set_text(char **to, const char *value, struct err *e)
{
	char *copy = strdup(value);

	if (!copy)
		return err_memory(e);
	free(*to);
	*to = copy;
	return 0;
}

static int set_list(struct string_list *l, const char *value, struct err *e)
{
	return string_list_add(l, value) ? err_memory(e) : 0;
}

/* A folder's path as people write it: parts between '/', none empty. */
static bool is_path(const char *s)
{
	size_t n = strlen(s);

	return n && s[0] != '/' && s[n - 1] != '/' && !strstr(s, "//");
}

static int set_glob(struct options *o, const struct option_def *d,
                    const char *value, struct err *e)
{
	if (strlen(value) > GLOB_MAX)
		return bad(e,
		           "The pattern of --%s is longer than %d "
		           "characters.",
		           d->name, GLOB_MAX);
	return set_list(OPTION_AT(o, d->at, struct string_list), value, e);
}

static int set_map(struct options *o, const struct option_def *d,
                   const char *value, struct err *e)
{
	const char *equals = strchr(value, '=');

	if (!equals || !is_path(equals + 1))
		return bad(e,
		           "--%s is \"%.100s\". Write OLD=NEW, two folders "
		           "with / between their levels and none at the "
		           "ends, such as \"Sent Items=Sent\".",
		           d->name, value);
	CLEANUP(free_p) char *old = strndup(value, (size_t)(equals - value));
	if (!old)
		return err_memory(e);
	if (!is_path(old))
		return bad(e,
		           "--%s is \"%.100s\". OLD, in front of the =, "
		           "must be a folder with / between its levels and "
		           "none at the ends.",
		           d->name, value);
	return set_list(OPTION_AT(o, d->at, struct string_list), value, e);
}

static int set_folder(struct options *o, const struct option_def *d,
                      const char *value, struct err *e)
{
	if (!is_path(value))
		return bad(e,
		           "--%s is \"%.100s\". Write a folder with / "
		           "between its levels and none at the ends.",
		           d->name, value);
	return set_text(OPTION_AT(o, d->at, char *), value, e);
}

static int set_pin(struct options *o, const struct option_def *d,
                   const char *value, struct err *e)
{
	char hex[65];
	size_t n = 0;

	for (const char *p = value; *p; p++) {
		char c = *p;

		if (c == ':' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'F')
			c = (char)(c | 0x20);
		if (n == 64 || !strchr("0123456789abcdef", c))
			n = 65;
		if (n > 64)
			break;
		hex[n++] = c;
	}
	if (n != 64)
		return bad(e,
		           "--%s is \"%.100s\". Write the SHA-256 of the "
		           "certificate as 64 hexadecimal digits, with or "
		           "without colons.",
		           d->name, value);
	hex[64] = '\0';
	return set_text(OPTION_AT(o, d->at, char *), hex, e);
}

static int set_date(struct options *o, const struct option_def *d,
                    const char *value, struct err *e)
{
	int64_t when;

	if (plan_date(value, &when))
		return bad(e,
		           "--%s is \"%.40s\". Write a day of the calendar "
		           "as YYYY-MM-DD, such as 2024-01-31.",
		           d->name, value);
	if (set_text(OPTION_AT(o, d->text_at, char *), value, e))
		return -1;
	*OPTION_AT(o, d->at, int64_t) = when;
	return 0;
}

static int set_size(struct options *o, const struct option_def *d,
                    const char *value, struct err *e)
{
	uint64_t size;

	if (plan_size(value, &size) || size == 0)
		return bad(e,
		           "--%s is \"%.40s\". Write a number of bytes "
		           "above 0, or one with K, M or G, such as 25M.",
		           d->name, value);
	*OPTION_AT(o, d->at, uint64_t) = size;
	return 0;
}

static int set_rate(struct options *o, const struct option_def *d,
                    const char *value, struct err *e)
{
	size_t n = strlen(value);
	CLEANUP(free_p) char *number = strdup(value);

	if (!number)
		return err_memory(e);
	if (n > 2 && !strcmp(number + n - 2, "/s"))
		number[n - 2] = '\0';
	uint64_t rate;
	if (plan_size(number, &rate) || rate == 0)
		return bad(e,
		           "--%s is \"%.40s\". Write bytes a second as a "
		           "number above 0, or one with K, M or G, such as "
		           "2M.",
		           d->name, value);
	*OPTION_AT(o, d->at, uint64_t) = rate;
	return 0;
}

static int set_lanes(struct options *o, const struct option_def *d,
                     const char *value, struct err *e)
{
	unsigned n = 0;
	const char *p = value;

	for (; *p >= '0' && *p <= '9' && n <= LANES_MAX; p++)
		n = n * 10 + (unsigned)(*p - '0');
	if (p == value || *p || n < 1 || n > LANES_MAX)
		return bad(e,
		           "--%s is \"%.40s\". Write a number of "
		           "connections from 1 to %d.",
		           d->name, value, LANES_MAX);
	*OPTION_AT(o, d->at, unsigned) = n;
	return 0;
}

static int set_order(struct options *o, const struct option_def *d,
                     const char *value, struct err *e)
{
	bool oldest = !strcasecmp(value, "oldest");

	if (!oldest && strcasecmp(value, "newest") != 0)
		return bad(e, "--%s is \"%.40s\". It is newest or oldest.",
		           d->name, value);
	*OPTION_AT(o, d->at, bool) = oldest;
	return 0;
}

static int set_yes_no(struct options *o, const struct option_def *d,
                      const char *value, struct err *e)
{
	int yes = option_yes_no(value);

	if (yes < 0)
		return bad(e, "--%s is \"%.40s\". It is yes or no.", d->name,
		           value);
	if (d->kind == OPT_FLAG)
		*OPTION_AT(o, d->at, bool) = yes;
	else
		o->repair = (d->kind == OPT_REPAIR) == (yes == 1)
		                    ? REPAIR_REFUSED
		                    : REPAIR_NEVER;
	return 0;
}

static int set_plain(struct options *o, const struct option_def *d,
                     const char *value, struct err *e)
{
	if (!*value)
		return bad(e, "--%s is empty.", d->name);
	return set_text(OPTION_AT(o, d->at, char *), value, e);
}

/* It becomes a part of an address. */
static int set_tenant(struct options *o, const struct option_def *d,
                      const char *value, struct err *e)
{
	static const char *const all[] = { "common", "organizations",
		                           "consumers" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcasecmp(value, all[i]))
			return bad(e,
			           "--%s is \"%s\", which names no "
			           "organisation. Write its domain, such as "
			           "contoso.com, or its tenant id.",
			           d->name, all[i]);
	if (!*value || value[0] == '.' || strlen(value) > 253 ||
	    value[strspn(value, "abcdefghijklmnopqrstuvwxyz"
	                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-")])
		return bad(e,
		           "--%s is \"%.100s\". Write the organisation's "
		           "domain, such as contoso.com, or its tenant id.",
		           d->name, value);
	return set_text(OPTION_AT(o, d->at, char *), value, e);
}

static int set_guid(struct options *o, const struct option_def *d,
                    const char *value, struct err *e)
{
	static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
	bool good = strlen(value) == sizeof(form) - 1;

	for (size_t i = 0; good && form[i]; i++)
		good = form[i] == '-' ? value[i] == '-'
		                      : strchr("0123456789abcdefABCDEF",
		                               value[i]) != NULL;
	if (!good)
		return bad(e,
		           "--%s is \"%.60s\". Write the 'Application "
		           "(client) ID' of the registration's overview page: "
		           "%s, with hexadecimal digits.",
		           d->name, value, form);
	return set_text(OPTION_AT(o, d->at, char *), value, e);
}

static int set_cloud(struct options *o, const struct option_def *d,
                     const char *value, struct err *e)
{
	static const char *const all[] = { "global", "usgov", "dod", "china" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcasecmp(value, all[i]))
			return set_text(OPTION_AT(o, d->at, char *), all[i], e);
	return bad(e, "--%s is \"%.40s\". It is global, usgov, dod or china.",
	           d->name, value);
}

static int set_value(struct options *o, const struct option_def *d,
                     const char *value, struct err *e)
{
	switch (d->kind) {
	case OPT_GLOBS:
		return set_glob(o, d, value, e);
	case OPT_MAPS:
		return set_map(o, d, value, e);
	case OPT_FOLDER:
		return set_folder(o, d, value, e);
	case OPT_TEXT:
		return set_plain(o, d, value, e);
	case OPT_PIN:
		return set_pin(o, d, value, e);
	case OPT_TENANT:
		return set_tenant(o, d, value, e);
	case OPT_GUID:
		return set_guid(o, d, value, e);
	case OPT_CLOUD:
		return set_cloud(o, d, value, e);
	case OPT_DATE:
		return set_date(o, d, value, e);
	case OPT_SIZE:
		return set_size(o, d, value, e);
	case OPT_RATE:
		return set_rate(o, d, value, e);
	case OPT_LANES:
		return set_lanes(o, d, value, e);
	case OPT_ORDER:
		return set_order(o, d, value, e);
	case OPT_FLAG:
	case OPT_REPAIR:
	case OPT_NO_REPAIR:
		return set_yes_no(o, d, value, e);
	}
	return -1;
}

/* What goes to servers as a folder's name, or into the store as JSON. */
static int check_text(const struct option_def *d, const char *value,
                      struct err *e)
{
	if (strlen(value) > TEXT_MAX)
		return bad(e, "The value of --%s is too long.", d->name);
	if (!utf8_valid(value))
		return bad(e, "The value of --%s is not UTF-8 text.", d->name);
	if (utf8_has_control(value))
		return bad(e,
		           "The value of --%s holds a control character, "
		           "such as a line end. Take it out.",
		           d->name);
	if (!*value && (d->kind == OPT_GLOBS || d->kind == OPT_FOLDER))
		return bad(e, "--%s is empty.", d->name);
	return 0;
}

int options_set(struct options *o, const char *name, const char *value,
                struct err *e)
{
	const struct option_def *d = option_find(name);

	if (!d)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_USAGE,
		                "There is no option --%.60s.", name);
	if (check_text(d, value, e) || set_value(o, d, value, e))
		return -1;
	o->given |= d->bit;
	return 0;
}

static int check_secret(const char *end, const char *file, const char *command,
                        struct err *e)
{
	if (!file || !command)
		return 0;
	return bad(e,
	           "Both --%s-password-file and --%s-password-command are "
	           "set. The password is found in one place: leave one of "
	           "them out.",
	           end, end);
}

int options_check(const struct options *o, struct err *e)
{
	if (o->since != OPT_NO_DATE && o->before != OPT_NO_DATE &&
	    o->since >= o->before)
		return bad(e,
		           "--since %.20s and --before %.20s leave no day "
		           "between them: nothing would be moved.",
		           o->since_text, o->before_text);
	if (o->client_secret_file && o->client_certificate)
		return bad(e,
		           "Both --client-secret-file and "
		           "--client-certificate are set. The registration "
		           "signs in with one of them: leave the other out.");
	if (check_secret("from", o->from_password_file,
	                 o->from_password_command, e))
		return -1;
	return check_secret("to", o->to_password_file, o->to_password_command,
	                    e);
}

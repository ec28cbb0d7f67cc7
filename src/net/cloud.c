/* SPDX-License-Identifier: Apache-2.0 */
/* cloud.c - where each of Microsoft's clouds is. */
#include "net/oauth.h"

#include <stdlib.h>
#include <string.h>

static const struct cloud clouds[] = {
	{ "global", "https://login.microsoftonline.com",
	  "https://graph.microsoft.com", "https://graph.microsoft.com",
	  "imaps://outlook.office365.com:993", "https://outlook.office.com",
	  "https://outlook.office365.com" },
	{ "usgov", "https://login.microsoftonline.us",
	  "https://graph.microsoft.us", "https://graph.microsoft.us",
	  "imaps://outlook.office365.us:993", "https://outlook.office365.us",
	  "https://outlook.office365.us" },
	{ "dod", "https://login.microsoftonline.us",
	  "https://dod-graph.microsoft.us", "https://dod-graph.microsoft.us",
	  "imaps://webmail.apps.mil:993", "https://webmail.apps.mil",
	  "https://webmail.apps.mil" },
	{ "china", "https://login.partner.microsoftonline.cn",
	  "https://microsoftgraph.chinacloudapi.cn",
	  "https://microsoftgraph.chinacloudapi.cn",
	  "imaps://partner.outlook.cn:993", "https://partner.outlook.cn",
	  "https://partner.outlook.cn" },
};

const struct cloud *cloud_find(const char *name)
{
	for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
		if (!strcmp(clouds[i].name, name))
			return &clouds[i];
	return NULL;
}

static void replace(const char **part, const char *variable)
{
	const char *value = getenv(variable);

	if (value && *value)
		*part = value;
}

int cloud_get(struct cloud *out, const char *name, struct err *e)
{
	const struct cloud *c = cloud_find(name ? name : "global");

	if (!c)
		return err_setf(e, ERR_RUN, NEXT_GIVE_UP, EC_INPUT,
		                "There is no cloud '%.40s'. It is global, "
		                "usgov, dod or china.",
		                name);
	*out = *c;
	replace(&out->login, "MAILHAUL_LOGIN_URL");
	replace(&out->graph, "MAILHAUL_GRAPH_URL");
	replace(&out->imap, "MAILHAUL_M365_IMAP");
	return 0;
}

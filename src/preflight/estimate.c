/* SPDX-License-Identifier: Apache-2.0 */
/* estimate.c - how long it takes at the least; m365.md I. */
#include "mailhaul/preflight.h"

#define GRAPH_REQUESTS 10000u
#define GRAPH_REQUESTS_S 600u
#define GRAPH_OCTETS 150000000u
#define GRAPH_OCTETS_S 300u
#define IMAP_A_SECOND 4u

uint64_t preflight_seconds(bool graph, uint64_t messages, uint64_t bytes,
                           const char **limited_by)
{
	uint64_t requests, octets;

	if (!graph) {
		*limited_by = "messages a second";
		return messages / IMAP_A_SECOND;
	}
	requests = messages * GRAPH_REQUESTS_S / GRAPH_REQUESTS;
	octets = bytes / 3 * 4 * GRAPH_OCTETS_S / GRAPH_OCTETS;
	*limited_by = octets > requests ? "octets in five minutes"
	                                : "requests in ten minutes";
	return octets > requests ? octets : requests;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_graph_mail.c - whatever a message holds, its JSON is JSON, of the
 * planned size, and all attachments are in it or apart with the size that
 * was told.
 */
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/graph_mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t check_json(const struct body *out)
{
	json_t *j = json_loadb(out->mem, (size_t)out->size,
	                       JSON_REJECT_DUPLICATES, NULL);
	size_t files;

	if (!j || !json_is_string(json_object_get(j, "subject")) ||
	    !json_is_string(
	            json_object_get(json_object_get(j, "body"), "content")) ||
	    !json_is_array(json_object_get(j, "singleValueExtendedProperties")))
		abort();
	files = json_array_size(json_object_get(j, "attachments"));
	json_decref(j);
	return files;
}

static void check_apart(struct graph_mail *g)
{
	struct err e;

	for (size_t i = 0; i < graph_mail_apart(g); i++) {
		struct graph_attachment a;
		struct body out;

		body_init(&out, 1u << 26, NULL);
		graph_mail_attachment(g, i, &a);
		if (!a.name || !*a.name || !a.type ||
		    graph_mail_octets(g, i, &out, &e) || out.size != a.size)
			abort();
		body_release(&out);
	}
}

static void check(struct graph_mail *g, uint64_t most)
{
	struct graph_facts f = { .flags = MAIL_SEEN | MAIL_FLAGGED,
		                 .categories = "$Forwarded work",
		                 .source_id = "1" };
	enum graph_obstacle o = graph_mail_plan(g, most);
	struct body out;
	struct err e;

	body_init(&out, 1u << 26, NULL);
	if (graph_mail_json(g, &f, &out, &e))
		abort();
	if (o == GRAPH_FITS &&
	    (out.size > most || check_json(&out) + graph_mail_apart(g) !=
	                                graph_mail_attachments(g)))
		abort();
	if (o == GRAPH_FITS)
		check_apart(g);
	body_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct graph_mail *g;
	struct body b;
	struct err e;

	body_init(&b, 1u << 26, NULL);
	if (body_append(&b, data, n, &e) || graph_mail_open(&g, &b, &e))
		abort();
	check(g, GRAPH_REQUEST_MOST);
	check(g, 25000);
	graph_mail_close(&g);
	body_release(&b);
	return 0;
}

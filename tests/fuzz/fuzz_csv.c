/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_csv.c - a CSV of any octets: rows that parse, or mistakes. The first
 * octet says whether there are templates. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mailhaul/account.h"
#include "plan/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Rows of a file without mistakes can be relied on. */
static void check_rows(const struct csv *c)
{
	for (size_t i = 0; i < c->n && !c->mistakes_n; i++) {
		struct account a;

		if (account_parse(&a, c->rows[i].from, true, NULL))
			abort();
		account_release(&a);
		char *json = options_json(&c->rows[i].options);
		struct options o;
		options_init(&o);
		if (!json || options_from_json(&o, json, NULL))
			abort();
		options_release(&o);
		free(json);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct csv c;
	bool passwords;
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	if (!text || csv_init(&c)) {
		free(text);
		return 0;
	}
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	csv_check_text(&c, text, size - 1, "fleet.csv",
	               data[0] & 1 ? "imaps://{user}@h" : NULL,
	               data[0] & 2 ? "maildir:{user}" : NULL, &passwords);
	check_rows(&c);
	csv_release(&c);
	free(text);
	return 0;
}

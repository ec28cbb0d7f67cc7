/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - what --json prints; docs/json.md is its schema for people.
 *
 * Every line of stdout is one JSON object. A small one is built whole and
 * printed by json_line(); one that holds a long list is written in parts,
 * so that memory does not grow with it:
 *
 *   json_open(&j, head, "problems");   {"v":1,...,"problems":[
 *   json_item(&j, object);             any number of times
 *   json_also(&j, "notes");            ],"notes":[   and more items
 *   json_close(&j, tail);              ],...}
 *
 * An item may itself be such a list: json_open_in() within the outer one.
 * Every function takes the object away from the caller.
 */
#ifndef MAILHAUL_CLI_JSON_H
#define MAILHAUL_CLI_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "mailhaul/event.h"
#include "mailhaul/others.h"
#include "mailhaul/report.h"

#define JSON_VERSION 1

/* {"v":1, kind:name}; kind is "event" or "command". */
json_t *json_head(const char *kind, const char *name);
/* A string as it is, or with '?' where it is not UTF-8; NULL: null. */
json_t *json_text(const char *s);
/* Seconds since the epoch as "2024-05-01T12:00:00Z"; 0: null. */
json_t *json_when(int64_t sec);
json_t *json_progress(const struct progress *p);
/* The terms of the sum, into o. */
void json_sums(json_t *o, const struct sums *s);
/* {"what", "count", "items"}; an array of them. */
json_t *json_other(const struct other_kind *k);
json_t *json_others(const struct others *o);
/* {"code", "text", "detail"}, or null. */
json_t *json_err(const struct err *e);
void json_line(json_t *object);
/* Where everything goes from now on; NULL: stdout. */
void json_to(FILE *f);

struct json_list {
	struct json_list *outer; /* NULL: a line of its own */
	bool first;
};
void json_open(struct json_list *l, json_t *head, const char *name);
void json_open_in(struct json_list *outer, struct json_list *l, json_t *head,
                  const char *name);
void json_item(struct json_list *l, json_t *object);
void json_also(struct json_list *l, const char *name);
void json_close(struct json_list *l, json_t *tail);

#endif

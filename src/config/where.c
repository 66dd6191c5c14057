/* SPDX-License-Identifier: MIT */
/* Conditions, such as `where` of a feed: what is wanted of values. */
#include "src/config/where.h"

#include "sio/json.h"
#include "src/config/values.h"
#include "src/config/variables.h"
#include "src/where/where.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From here on neighbouring integers are the same double, so one that is not known by its digits is not known exactly.
 * */
#define EXACT_BELOW 9007199254740992.0

/* The digits as they stand in the file; of a number that does not come from there, those that it has as a double. */
static void
read_where_number(struct config_loader *l, const cJSON *v, struct where_scalar *out)
{
	struct eio_bytes source = config__source(l, v);
	char digits[40], *text;

	out->kind = WHERE_SCALAR_NUMBER;
	if (!source.n && fabs(v->valuedouble) >= EXACT_BELOW) {
		config__error(l, v, "a number from 2^53 on keeps its digits only in the file");
		return;
	}
	snprintf(digits, sizeof digits, "%.17g", v->valuedouble);
	text = source.n ? strndup(source.p, source.n) : config__copy(l, digits);
	if (text)
		out->text = eio_cstr(text);
	else
		config__error_memory(l);
}

static void
read_where_value(struct config_loader *l, const cJSON *v, struct where_scalar *out)
{
	char *text;

	if (cJSON_IsString(v)) {
		out->kind = WHERE_SCALAR_STRING;
		text = config__copy(l, v->valuestring);
		if (text) out->text = eio_cstr(text);
	} else if (cJSON_IsNumber(v)) {
		read_where_number(l, v, out);
	} else if (cJSON_IsBool(v)) {
		out->kind = cJSON_IsTrue(v) ? WHERE_SCALAR_TRUE : WHERE_SCALAR_FALSE;
	} else if (!cJSON_IsNull(v)) {
		config__error(l, v, "expected a string, a number, true, false or null, not %s", config__type_name(v));
	}
}

static void
read_where_values(struct config_loader *l, const cJSON *item, struct where_match *m)
{
	bool list = cJSON_IsArray(item);
	const cJSON *v = list ? item->child : item;
	size_t n = list ? (size_t)cJSON_GetArraySize(item) : 1;

	if (!n) config__error(l, item, "an empty list matches nothing");
	m->values = calloc(n + 1, sizeof *m->values);
	if (!m->values) config__error_memory(l);
	for (; m->values && m->n < n; v = v->next) read_where_value(l, v, &m->values[m->n++]);
}

static void read_where_match(struct config_loader *l, const cJSON *item, struct where_match *m);

static void
read_where_not(struct config_loader *l, const cJSON *item, struct where_operator *o)
{
	o->not = calloc(1, sizeof *o->not );
	if (o->not )
		read_where_match(l, item, o->not );
	else
		config__error_memory(l);
}

static void
read_where_operator(struct config_loader *l, const cJSON *item, struct where_operator *o)
{
	static const struct {
		const char *name;
		enum where_operator_kind kind;
	} operators[] = { { "exists", WHERE_EXISTS }, { "not", WHERE_NOT }, { "<", WHERE_LESS },
		{ "<=", WHERE_AT_MOST }, { ">", WHERE_GREATER }, { ">=", WHERE_AT_LEAST } };
	size_t i = 0, n = sizeof operators / sizeof operators[0];

	while (i < n && strcmp(operators[i].name, item->string) != 0) i++;
	if (i == n) {
		config__error_key(l, item, "unknown operator; there are exists, not, <, <=, > and >=");
		return;
	}
	o->kind = operators[i].kind;
	if (o->kind == WHERE_NOT) {
		read_where_not(l, item, o);
	} else if (o->kind == WHERE_EXISTS) {
		o->exists = cJSON_IsTrue(item);
		if (!cJSON_IsBool(item))
			config__error(l, item, "expected true or false, not %s", config__type_name(item));
	} else if (cJSON_IsNumber(item) || cJSON_IsString(item)) {
		read_where_value(l, item, &o->bound);
	} else {
		config__error(l, item, "expected a number or a string, not %s", config__type_name(item));
	}
}

static void
read_where_operators(struct config_loader *l, const cJSON *object, struct where_match *m)
{
	size_t n = (size_t)cJSON_GetArraySize(object), mark;

	if (!n) config__error(l, object, "expected operators, such as {\"exists\": true} or {\">\": 5}");
	m->operators = calloc(n + 1, sizeof *m->operators);
	if (!m->operators) config__error_memory(l);
	for (const cJSON *item = object->child; m->operators && item; item = item->next) {
		mark = config__push(l, item->string);
		if (cJSON_GetObjectItemCaseSensitive(object, item->string) != item)
			config__error_key(l, item, "the key stands twice");
		read_where_operator(l, item, &m->operators[m->n_operators++]);
		config__pop(l, mark);
	}
}

/* Calls itself through "not"; how deep is bounded by CONFIG_MAX_DEPTH. */
static void
read_where_match(struct config_loader *l, const cJSON *item, struct where_match *m)
{
	if (cJSON_IsObject(item))
		read_where_operators(l, item, m);
	else
		read_where_values(l, item, m);
}

void
config__where(struct config_loader *l, const cJSON *item, void *target)
{
	struct where *where = target;
	size_t mark, n;

	where_deinit(where);
	if (!cJSON_IsObject(item)) {
		config__error(
			l, item, "expected an object such as {\"/type\": \"trade\"}, not %s", config__type_name(item));
		return;
	}
	n = (size_t)cJSON_GetArraySize(item);
	where->v = calloc(n + 1, sizeof *where->v);
	if (!where->v) {
		config__error_memory(l);
		return;
	}
	for (item = item->child; where->n < n; item = item->next) {
		struct where_pair *p = &where->v[where->n++];

		mark = config__push(l, item->string);
		p->pointer = config__copy(l, item->string);
		if (!sio_json_pointer_valid(eio_cstr(item->string)))
			config__error_key(l, item, "not a JSON pointer; it starts with '/' as in \"/type\"");
		read_where_match(l, item, &p->match);
		config__pop(l, mark);
	}
}

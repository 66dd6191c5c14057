/* SPDX-License-Identifier: MIT */
/* What the forms of actions have in common. */
#include "src/handlers/handlers_int.h"
#include "src/handlers/mistake.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

bool
handlers__alloc_parts(struct handlers_compiler *c, struct handlers_action *a, size_t n)
{
	a->parts = calloc(n ? n : 1, sizeof *a->parts);
	if (!a->parts) return handlers__fail_nomem(c);
	a->n = n;
	return true;
}

bool
handlers__keep_source(struct handlers_compiler *c, struct handlers_part *part, const char *text)
{
	part->source = strdup(text);
	return part->source || handlers__fail_nomem(c);
}

static const cJSON **
find_key(const struct handlers_key *keys, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(keys[i].name, name) == 0) return keys[i].value;
	return NULL;
}

bool
handlers__read_keys(
	struct handlers_compiler *c, const cJSON *v, const struct handlers_key *keys, size_t n, const char *all)
{
	size_t mark = c->path_n;
	const cJSON *m;

	cJSON_ArrayForEach(m, v)
	{
		const cJSON **value = find_key(keys, n, m->string);

		handlers__path_key(c, m->string);
		if (!value) return handlers__fail(c, m, "unknown key: there are %s", all);
		if (*value) return handlers__fail(c, m, "given twice");
		*value = m;
		handlers__path_up(c, mark);
	}
	return true;
}

bool
handlers__read_number(
	struct handlers_compiler *c, const cJSON *v, const char *key, unsigned min, unsigned max, unsigned *out)
{
	size_t mark = c->path_n;

	handlers__path_key(c, key);
	if (!cJSON_IsNumber(v) || !(v->valuedouble >= min && v->valuedouble <= max) ||
		v->valuedouble != (unsigned)v->valuedouble)
		return handlers__fail(c, v, "must be a whole number from %u to %u", min, max);
	*out = (unsigned)v->valuedouble;
	handlers__path_up(c, mark);
	return true;
}

bool
handlers__compile_members(struct handlers_compiler *c, const char *const *names, size_t first, const cJSON *headers,
	const struct template_context *where, struct handlers_action *a)
{
	const cJSON *h = headers ? headers->child : NULL;
	struct template_error err;
	char text[200];

	for (size_t i = first; i < a->n; i++) {
		struct handlers_part *part = &a->parts[i];
		bool header = i >= a->n_rooms;
		int n = header ? snprintf(text, sizeof text, "{header.%s}", h->valuestring)
			       : snprintf(text, sizeof text, "{%s}", names[i - first]);

		if (n >= (int)sizeof text) return handlers__fail(c, h, "a name that long is not kept");
		if (!handlers__keep_source(c, part, header ? h->valuestring : names[i - first])) return false;
		part->template = template_new_json();
		if (!part->template) return handlers__fail_nomem(c);
		if (template_add_string(part->template, eio_cstr(text), where, &err))
			return handlers__template_failed(c, h, &err);
		if (!template_is_value(part->template)) return handlers__fail(c, h, "is no name of a header");
		if (header) h = h->next;
	}
	return true;
}

bool
handlers__check_headers(struct handlers_compiler *c, const cJSON *headers)
{
	size_t mark = c->path_n;
	const cJSON *h;

	if (!headers) return true;
	handlers__path_key(c, headers->string);
	if (!cJSON_IsArray(headers)) return handlers__fail(c, headers, "must be an array of names");
	cJSON_ArrayForEach(h, headers) if (!cJSON_IsString(h) || !*h->valuestring) return handlers__fail(
		c, h, "must be the name of a header");
	handlers__path_up(c, mark);
	return true;
}

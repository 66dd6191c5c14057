/* SPDX-License-Identifier: MIT */
/* Any JSON of the configuration as a template: the arguments of events, the payload of a feed. */
#include "src/handlers/mistake.h"

#include "sio/json.h"
#include "src/template/template.h"

#include <cjson/cJSON.h>

/* Integers beyond this are not what the configuration says any more once cJSON has read them as doubles. */
#define MAX_EXACT 9007199254740992.0

bool
handlers__template_failed(struct handlers_compiler *c, const cJSON *item, const struct template_error *err)
{
	return handlers__fail(c, err->nomem ? NULL : item, "%s", err->text);
}

struct tree {
	struct handlers_compiler *c;
	const struct template_context *where;
	struct template *t;
	unsigned depth;
};

static bool add_value(struct tree *tree, const cJSON *v);

static bool
add_json(struct tree *tree, const cJSON *item, struct eio_bytes json)
{
	struct template_error err;

	return template_add_text(tree->t, json, &err) == 0 || handlers__template_failed(tree->c, item, &err);
}

static bool
add_element(struct tree *tree, const cJSON *v, bool first)
{
	struct template_error err;
	int rc = 0;

	if (cJSON_IsString(v) && template_is_spread(eio_cstr(v->valuestring)))
		rc = template_add_spread(tree->t, tree->where, &err);
	else if (cJSON_IsString(v) && template_is_optional(eio_cstr(v->valuestring)))
		rc = template_add_optional(tree->t, eio_cstr(v->valuestring), tree->where, &err);
	else if (first || (rc = template_add_separator(tree->t, &err)) == 0)
		return add_value(tree, v);
	return rc == 0 || handlers__template_failed(tree->c, v, &err);
}

/* first: nothing stands before them. */
static bool
add_elements(struct tree *tree, const cJSON *v, bool first)
{
	size_t mark = tree->c->path_n, i = 0;
	const cJSON *e;

	cJSON_ArrayForEach(e, v)
	{
		handlers__path_index(tree->c, i);
		if (!add_element(tree, e, first && i == 0)) return false;
		handlers__path_up(tree->c, mark);
		i++;
	}
	return true;
}

static bool
add_array(struct tree *tree, const cJSON *v)
{
	return add_json(tree, v, EIO_LIT("[")) && add_elements(tree, v, true) && add_json(tree, v, EIO_LIT("]"));
}

static bool
add_object(struct tree *tree, const cJSON *v)
{
	size_t mark = tree->c->path_n;
	struct template_error err;
	const cJSON *m;

	if (!add_json(tree, v, EIO_LIT("{"))) return false;
	cJSON_ArrayForEach(m, v)
	{
		handlers__path_key(tree->c, m->string);
		if (m != v->child && !add_json(tree, m, EIO_LIT(","))) return false;
		if (template_add_key(tree->t, eio_cstr(m->string), &err) < 0)
			return handlers__template_failed(tree->c, m, &err);
		if (!add_json(tree, m, EIO_LIT(":")) || !add_value(tree, m)) return false;
		handlers__path_up(tree->c, mark);
	}
	return add_json(tree, v, EIO_LIT("}"));
}

static bool
add_scalar(struct tree *tree, const cJSON *v)
{
	char *text;
	bool ok;

	if (cJSON_IsNumber(v) && !(v->valuedouble >= -MAX_EXACT && v->valuedouble <= MAX_EXACT))
		return handlers__fail(tree->c, v, "a number beyond 2^53 cannot be kept exactly: write it as a string");
	text = cJSON_PrintUnformatted(v);
	if (!text) return handlers__fail_nomem(tree->c);
	ok = add_json(tree, v, eio_cstr(text));
	cJSON_free(text);
	return ok;
}

/* Calls itself for what is inside, as deep as clients would accept it. */
static bool
add_value(struct tree *tree, const cJSON *v)
{
	struct template_error err;
	bool ok;

	if (cJSON_IsString(v))
		return template_add_string(tree->t, eio_cstr(v->valuestring), tree->where, &err) == 0 ||
		       handlers__template_failed(tree->c, v, &err);
	if (!cJSON_IsArray(v) && !cJSON_IsObject(v)) return add_scalar(tree, v);
	if (tree->depth == SIO_JSON_MAX_DEPTH)
		return handlers__fail(tree->c, v, "nested deeper than %d levels", SIO_JSON_MAX_DEPTH);
	tree->depth++;
	ok = cJSON_IsArray(v) ? add_array(tree, v) : add_object(tree, v);
	tree->depth--;
	return ok;
}

bool
handlers__add_json(
	struct handlers_compiler *c, struct template *t, const cJSON *v, const struct template_context *where)
{
	struct tree tree = { c, where, t, 0 };

	return add_value(&tree, v);
}

bool
handlers__add_event(struct handlers_compiler *c, struct template *t, const cJSON *name, const cJSON *args,
	const struct template_context *where)
{
	struct tree tree = { c, where, t, 0 };
	size_t mark = c->path_n;

	if (!add_json(&tree, name, EIO_LIT("[")) || !add_value(&tree, name)) return false;
	if (args) {
		handlers__path_key(c, args->string);
		if (!add_elements(&tree, args, false)) return false;
		handlers__path_up(c, mark);
	}
	return add_json(&tree, name, EIO_LIT("]"));
}

struct template *
handlers_compile_json(const cJSON *v, const struct template_context *where, handlers_error_fn error, void *user)
{
	struct handlers_compiler c = { .error = error, .user = user };
	struct template *t = template_new_json();

	if (!t) handlers__fail_nomem(&c);
	if (t && handlers__add_json(&c, t, v, where)) return t;
	handlers__go_on(&c, 0);
	template_free(t);
	return NULL;
}

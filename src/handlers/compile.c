/* SPDX-License-Identifier: MIT */
/* From the "on" object of the configuration to struct handlers. What strings with variables become is in
 * handlers_template.c. */
#include "src/handlers/handlers.h"
#include "src/handlers/template.h"

#include "sio/packet.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
	const char *name;
	enum handlers_action_type type;
} actions[] = { { "emit", HANDLERS_EMIT }, { "leave", HANDLERS_LEAVE }, { "join", HANDLERS_JOIN },
	{ "ack", HANDLERS_ACK }, { "publish", HANDLERS_PUBLISH }, { "disconnect", HANDLERS_DISCONNECT } };

#define ACTIONS "emit, leave, join, ack, publish and disconnect"

static void
action_free(struct handlers_action *a)
{
	size_t i;

	for (i = 0; i < a->n; i++) handlers_template_free(&a->templates[i]);
	free(a->templates);
}

void
handlers_free(struct handlers *h)
{
	size_t i, k;

	if (!h) return;
	for (i = 0; i < h->n; i++) {
		for (k = 0; k < h->entries[i].n; k++) action_free(&h->entries[i].actions[k]);
		free(h->entries[i].actions);
		free(h->entries[i].event);
	}
	free(h->entries);
	free(h);
}

bool
handlers_use_query(const struct handlers *h)
{
	return h->use_query;
}

static bool
fail_nomem(struct handlers_compiler *c)
{
	return handlers_fail(c, NULL, "out of memory");
}

static bool
alloc_templates(struct handlers_compiler *c, struct handlers_action *a, size_t n)
{
	a->templates = calloc(n ? n : 1, sizeof(*a->templates));
	if (!a->templates) return fail_nomem(c);
	a->n = n;
	return true;
}

static bool
compile_arguments(struct handlers_compiler *c, const cJSON *v, struct handlers_action *a)
{
	bool emit = a->type == HANDLERS_EMIT;
	const cJSON *name = cJSON_IsArray(v) ? v->child : NULL;

	if (!cJSON_IsArray(v))
		return handlers_fail(
			c, v, "must be an array of %s", emit ? "an event name and its arguments" : "arguments");
	if (emit && !name) return handlers_fail(c, v, "needs an event name");
	if (emit && !cJSON_IsString(name)) return handlers_fail(c, name, "an event name must be a string");
	if (emit && sio_packet_event_reserved(eio_cstr(name->valuestring)))
		return handlers_fail(c, name, "clients refuse events called \"%s\"", name->valuestring);
	return alloc_templates(c, a, 1) && handlers_template_arguments(c, v, &a->templates[0]);
}

static bool
compile_targets(struct handlers_compiler *c, const cJSON *v, struct handlers_action *a)
{
	bool many = a->type != HANDLERS_PUBLISH;
	size_t mark = c->path_n, i = 0;
	const cJSON *e;

	if (cJSON_IsString(v))
		return alloc_templates(c, a, 1) && handlers_template_target(c, v, many, &a->templates[0]);
	if (!many || !cJSON_IsArray(v))
		return handlers_fail(c, v,
			a->type == HANDLERS_PUBLISH ? "must be a string" : "must be a string or an array of strings");
	if (!alloc_templates(c, a, (size_t)cJSON_GetArraySize(v))) return false;
	cJSON_ArrayForEach(e, v)
	{
		handlers_path_index(c, i);
		if (!cJSON_IsString(e)) return handlers_fail(c, e, "must be a string");
		if (!handlers_template_target(c, e, many, &a->templates[i])) return false;
		handlers_path_up(c, mark);
		i++;
	}
	return true;
}

static bool
compile_action(struct handlers_compiler *c, const cJSON *v, struct handlers_action *a)
{
	switch (a->type) {
	case HANDLERS_EMIT:
	case HANDLERS_ACK: return compile_arguments(c, v, a);
	case HANDLERS_JOIN:
	case HANDLERS_LEAVE:
	case HANDLERS_PUBLISH: return compile_targets(c, v, a);
	case HANDLERS_DISCONNECT:
		a->whole = cJSON_IsTrue(v);
		return cJSON_IsBool(v) ||
		       handlers_fail(c, v, "must be true (the whole connection) or false (this namespace)");
	}
	return false;
}

/* Finds the action's type by its name, and whether it makes sense for this event. */
static bool
action_type(struct handlers_compiler *c, const char *event, const cJSON *v, enum handlers_action_type *type)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(v->string, actions[i].name) == 0) break;
	if (i == sizeof(actions) / sizeof(actions[0]))
		return handlers_fail(c, v, "unknown action \"%.60s\": there are " ACTIONS, v->string);
	*type = actions[i].type;
	if (strcmp(event, "disconnect") == 0 && *type != HANDLERS_PUBLISH)
		return handlers_fail(c, v, "only publish is possible when the client has left");
	if (strcmp(event, "connection") == 0 && *type == HANDLERS_ACK)
		return handlers_fail(c, v, "a connection asks for no ack");
	return true;
}

static bool
compile_step(struct handlers_compiler *c, const char *event, const cJSON *step, struct handlers_action *a)
{
	if (!cJSON_IsObject(step) || cJSON_GetArraySize(step) != 1)
		return handlers_fail(c, step, "must be an object with one action, such as {\"join\": \"$1\"}");
	handlers_path_key(c, step->child->string);
	return action_type(c, event, step->child, &a->type) && compile_action(c, step->child, a);
}

static bool
compile_entry(struct handlers_compiler *c, const cJSON *v, struct handlers_entry *entry)
{
	size_t mark = c->path_n;
	const cJSON *step;

	entry->event = strdup(v->string);
	if (!entry->event) return fail_nomem(c);
	if (!cJSON_IsArray(v)) return handlers_fail(c, v, "must be an array of actions");
	if (strcmp(v->string, "disconnect") != 0 && sio_packet_event_reserved(eio_cstr(v->string)))
		return handlers_fail(c, v, "clients cannot send an event called \"%s\"", v->string);
	entry->actions = calloc((size_t)cJSON_GetArraySize(v) + 1, sizeof(*entry->actions));
	if (!entry->actions) return fail_nomem(c);
	cJSON_ArrayForEach(step, v)
	{
		handlers_path_index(c, entry->n);
		if (!compile_step(c, v->string, step, &entry->actions[entry->n++])) return false;
		handlers_path_up(c, mark);
	}
	return true;
}

/* Remembers the entries that are not found by their name. */
static bool
note_entry(struct handlers_compiler *c, struct handlers *h, const cJSON *v)
{
	const struct handlers_entry *entry = &h->entries[h->n - 1];
	size_t i;

	for (i = 0; i + 1 < h->n; i++)
		if (strcmp(h->entries[i].event, entry->event) == 0) return handlers_fail(c, v, "given twice");
	if (strcmp(entry->event, "connection") == 0) h->connection = entry;
	if (strcmp(entry->event, "disconnect") == 0) h->disconnect = entry;
	if (strcmp(entry->event, "*") == 0) h->any = entry;
	return true;
}

static bool
compile_all(struct handlers_compiler *c, const cJSON *on, struct handlers *h)
{
	const cJSON *v;

	if (!cJSON_IsObject(on)) return handlers_fail(c, on, "must be an object of event names");
	h->entries = calloc((size_t)cJSON_GetArraySize(on) + 1, sizeof(*h->entries));
	if (!h->entries) return fail_nomem(c);
	cJSON_ArrayForEach(v, on)
	{
		handlers_path_key(c, v->string);
		if (!compile_entry(c, v, &h->entries[h->n++]) || !note_entry(c, h, v)) return false;
		handlers_path_up(c, 0);
	}
	h->use_query = c->use_query;
	return true;
}

struct handlers *
handlers_compile(const cJSON *on, struct handlers_error *err)
{
	struct handlers_compiler c = { .err = err };
	struct handlers *h = calloc(1, sizeof(*h));

	*err = (struct handlers_error){ .item = NULL };
	if (!h) {
		fail_nomem(&c);
		return NULL;
	}
	if (on && !compile_all(&c, on, h)) {
		handlers_free(h);
		return NULL;
	}
	return h;
}

/* SPDX-License-Identifier: MIT */
/* From the "on" object of the configuration to struct handlers. What strings become is in src/template/. */
#include "src/handlers/handlers_int.h"
#include "src/handlers/mistake.h"

#include "eio/check.h"
#include "sio/packet.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static const char *const actions[] = { [HANDLERS_EMIT] = "emit",
	[HANDLERS_LEAVE] = "leave",
	[HANDLERS_JOIN] = "join",
	[HANDLERS_ACK] = "ack",
	[HANDLERS_BROADCAST] = "broadcast",
	[HANDLERS_PUBLISH] = "publish",
	[HANDLERS_DISCONNECT] = "disconnect",
	[HANDLERS_RATE] = "rate",
	[HANDLERS_CALL] = "call",
	[HANDLERS_PACE] = "pace" };

#define ACTIONS "emit, leave, join, ack, broadcast, publish, call, disconnect, pace and rate"

const char *
handlers__action_name(enum handlers_action_type type)
{
	return actions[type];
}

static void
action_free(struct handlers_action *a)
{
	for (size_t i = 0; i < a->n; i++) {
		template_free(a->parts[i].template);
		free(a->parts[i].source);
	}
	free(a->parts);
	where_deinit(&a->where);
}

void
handlers_free(struct handlers *h)
{
	if (!h) return;
	for (size_t i = 0; i < h->n; i++) {
		for (size_t k = 0; k < h->entries[i].n; k++) action_free(&h->entries[i].actions[k]);
		free(h->entries[i].actions);
		free(h->entries[i].event);
	}
	for (size_t i = 0; i < h->n_calls; i++) hook_spec_deinit(&h->calls[i]);
	free(h->calls);
	free(h->entries);
	free(h);
}

size_t
handlers_calls(const struct handlers *h)
{
	return h->n_calls;
}

const struct hook_spec *
handlers_call_to(const struct handlers *h, size_t i)
{
	CHECK(i < h->n_calls);
	return &h->calls[i];
}

/* Actions and entries */

/* Finds the action's type by its name, and whether it makes sense in this place. */
static bool
action_type(struct handlers_compiler *c, enum template_place place, const cJSON *v, enum handlers_action_type *type)
{
	size_t i = 0, n = sizeof actions / sizeof actions[0];

	while (i < n && strcmp(v->string, actions[i]) != 0) i++;
	if (i == n) return handlers__fail(c, v, "unknown action \"%.60s\": there are " ACTIONS, v->string);
	*type = (enum handlers_action_type)i;
	if (place == TEMPLATE_IN_DISCONNECT && *type != HANDLERS_RATE && *type != HANDLERS_PUBLISH &&
		*type != HANDLERS_BROADCAST && *type != HANDLERS_CALL)
		return handlers__fail(c, v, "only broadcast, call and publish are possible when the client has left");
	if (place != TEMPLATE_IN_EVENT && *type == HANDLERS_RATE)
		return handlers__fail(c, v, "only events have a rate");
	if (place == TEMPLATE_IN_CONNECTION && *type == HANDLERS_ACK)
		return handlers__fail(c, v, "a connection asks for no ack");
	return true;
}

static enum template_place
place_of_entry(const char *event)
{
	if (strcmp(event, "connection") == 0) return TEMPLATE_IN_CONNECTION;
	return strcmp(event, "disconnect") == 0 ? TEMPLATE_IN_DISCONNECT : TEMPLATE_IN_EVENT;
}

/* A new action at the end, or NULL. Those before may lie elsewhere then. */
static struct handlers_action *
add_action(struct handlers_compiler *c, struct handlers_entry *entry)
{
	size_t cap = entry->cap ? 2 * entry->cap : 4;
	struct handlers_action *all = entry->actions;

	if (entry->n == entry->cap) {
		all = realloc(entry->actions, cap * sizeof *all);
		if (!all) {
			handlers__fail_nomem(c);
			return NULL;
		}
		entry->actions = all;
		entry->cap = cap;
	}
	all[entry->n] = (struct handlers_action){ .type = HANDLERS_GO };
	return &all[entry->n++];
}

static bool compile_steps(struct handlers_compiler *c, const cJSON *v, struct handlers_entry *entry);

/* What is done: one action, or with `then` a list of them. */
static bool
compile_deed(struct handlers_compiler *c, const cJSON *v, struct handlers_entry *entry)
{
	struct template_context where = { .place = place_of_entry(entry->event), .nsp_stars = c->nsp_stars };
	enum handlers_action_type type = HANDLERS_GO;
	size_t mark = c->path_n;
	struct handlers_action *a;
	bool ok;

	handlers__path_key(c, v->string);
	if (strcmp(v->string, "then") == 0) {
		ok = compile_steps(c, v, entry);
	} else {
		ok = action_type(c, where.place, v, &type) && (a = add_action(c, entry));
		if (ok) a->type = type;
		ok = ok && handlers__compile_action(c, v, &where, a);
	}
	handlers__path_up(c, mark);
	return ok;
}

/* The condition, what is done, and what is done else: IF, the former, GO, the latter. */
static bool
compile_if(struct handlers_compiler *c, const cJSON *condition, const cJSON *deed, const cJSON *otherwise,
	struct handlers_entry *entry)
{
	struct template_context where = { .place = place_of_entry(entry->event), .nsp_stars = c->nsp_stars };
	struct handlers_action *a = add_action(c, entry);
	size_t at = entry->n - 1, mark = c->path_n, skip;

	if (!a) return false;
	a->type = HANDLERS_IF;
	handlers__path_key(c, condition->string);
	if (!handlers__compile_condition(c, condition, &where, a)) return false;
	handlers__path_up(c, mark);
	if (!compile_deed(c, deed, entry)) return false;
	if (!otherwise) {
		entry->actions[at].to = entry->n;
		return true;
	}
	skip = entry->n;
	if (!add_action(c, entry)) return false;
	entry->actions[at].to = entry->n;
	handlers__path_key(c, otherwise->string);
	if (!compile_steps(c, otherwise, entry)) return false;
	handlers__path_up(c, mark);
	entry->actions[skip].to = entry->n;
	return true;
}

#define STEP "must be an object with one action, such as {\"join\": \"{1}\"}"

/* Looks for the members of a step: one deed, and about it maybe a condition. */
static bool
compile_step(struct handlers_compiler *c, const cJSON *step, struct handlers_entry *entry)
{
	const cJSON *condition = NULL, *deed = NULL, *otherwise = NULL, *m;

	if (!cJSON_IsObject(step)) return handlers__fail(c, step, STEP);
	cJSON_ArrayForEach(m, step)
	{
		const cJSON **to = strcmp(m->string, "if") == 0	    ? &condition
				   : strcmp(m->string, "else") == 0 ? &otherwise
								    : &deed;

		if (*to) return handlers__fail(c, step, STEP);
		*to = m;
	}
	if (!deed) return handlers__fail(c, step, STEP "%s", condition ? ", or \"then\", a list of them" : "");
	if (condition) return compile_if(c, condition, deed, otherwise, entry);
	if (otherwise) return handlers__fail(c, otherwise, "there is no \"if\" beside this \"else\"");
	if (strcmp(deed->string, "then") == 0)
		return handlers__fail(c, deed, "there is no \"if\" beside this \"then\"");
	return compile_deed(c, deed, entry);
}

/* Calls itself for what stands in conditions, no deeper than the configuration. */
static bool
compile_steps(struct handlers_compiler *c, const cJSON *v, struct handlers_entry *entry)
{
	size_t mark = c->path_n, i = 0;
	const cJSON *step;

	if (!cJSON_IsArray(v)) return handlers__fail(c, v, "must be an array of actions");
	cJSON_ArrayForEach(step, v)
	{
		handlers__path_index(c, i++);
		if (compile_step(c, step, entry))
			handlers__path_up(c, mark);
		else if (!handlers__go_on(c, mark))
			return false;
	}
	return true;
}

static bool
compile_entry(struct handlers_compiler *c, const cJSON *v, struct handlers_entry *entry)
{
	entry->event = strdup(v->string);
	if (!entry->event) return handlers__fail_nomem(c);
	if (!cJSON_IsArray(v)) return handlers__fail(c, v, "must be an array of actions");
	if (strcmp(v->string, "disconnect") != 0 && sio_packet_event_reserved(eio_cstr(v->string)))
		return handlers__fail(c, v, "clients cannot send an event called \"%s\"%s", v->string,
			strcmp(v->string, "connect") == 0
				? "; what is done when one connects stands under \"connection\""
				: "");
	return compile_steps(c, v, entry);
}

/* Remembers the entries that are not found by their name. */
static bool
note_entry(struct handlers_compiler *c, struct handlers *h, const cJSON *v)
{
	const struct handlers_entry *entry = &h->entries[h->n - 1];

	for (size_t i = 0; i + 1 < h->n; i++)
		if (strcmp(h->entries[i].event, entry->event) == 0) return handlers__fail(c, v, "given twice");
	if (strcmp(entry->event, "connection") == 0) h->connection = entry;
	if (strcmp(entry->event, "disconnect") == 0) h->disconnect = entry;
	if (strcmp(entry->event, "*") == 0) h->any = entry;
	return true;
}

/* All entries, those behind a mistake as well. */
static void
compile_entries(struct handlers_compiler *c, const cJSON *on, struct handlers *h)
{
	const cJSON *v;

	h->entries = calloc((size_t)cJSON_GetArraySize(on) + 1, sizeof *h->entries);
	if (!h->entries) {
		handlers__fail_nomem(c);
		handlers__go_on(c, 0);
		return;
	}
	cJSON_ArrayForEach(v, on)
	{
		handlers__path_key(c, v->string);
		if (compile_entry(c, v, &h->entries[h->n++]) && note_entry(c, h, v))
			handlers__path_up(c, 0);
		else if (!handlers__go_on(c, 0))
			return;
	}
}

/* Each has a number of its own in every socket. */
static void
number_rates(struct handlers *h)
{
	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < h->entries[i].n; k++)
			if (h->entries[i].actions[k].type == HANDLERS_RATE) h->entries[i].actions[k].to = h->n_rates++;
}

bool
handlers_compile_rate(const cJSON *v, struct handlers_rate *out, handlers_error_fn error, void *user)
{
	struct handlers_compiler c = { .error = error, .user = user };

	if (handlers__compile_rate(&c, v, out)) return true;
	handlers__go_on(&c, 0);
	return false;
}

struct handlers *
handlers_compile(const cJSON *on, unsigned nsp_stars, handlers_error_fn error, handlers_where_fn where, void *user)
{
	struct handlers_compiler c = { .error = error, .where = where, .user = user, .nsp_stars = nsp_stars };
	struct handlers *h = calloc(1, sizeof *h);

	if (!h) {
		handlers__fail_nomem(&c);
		handlers__go_on(&c, 0);
		return NULL;
	}
	c.handlers = h;
	if (on && !cJSON_IsObject(on)) {
		handlers__fail(&c, on, "must be an object of event names");
		handlers__go_on(&c, 0);
	} else if (on) {
		compile_entries(&c, on, h);
	}
	if (!c.told) {
		number_rates(h);
		return h;
	}
	handlers_free(h);
	return NULL;
}

/* Whether fits() is true for a part of some action of a type: of broadcasts those that name rooms. */
static bool
any_part(const struct handlers *h, enum handlers_action_type type, bool (*fits)(void *ctx, const struct template *room),
	void *ctx)
{
	size_t first = type == HANDLERS_BROADCAST;

	for (size_t i = 0; i < h->n; i++)
		for (size_t k = 0; k < h->entries[i].n; k++) {
			const struct handlers_action *a = &h->entries[i].actions[k];
			size_t end = first ? first + a->n_rooms : a->n;

			for (size_t p = first; a->type == type && p < end; p++)
				if (fits(ctx, a->parts[p].template)) return true;
		}
	return false;
}

bool
handlers_any_join(const struct handlers *h, bool (*fits)(void *ctx, const struct template *room), void *ctx)
{
	return any_part(h, HANDLERS_JOIN, fits, ctx);
}

bool
handlers_any_broadcast(const struct handlers *h, bool (*fits)(void *ctx, const struct template *room), void *ctx)
{
	return any_part(h, HANDLERS_BROADCAST, fits, ctx);
}

static bool
is_any_template(void *ctx, const struct template *t)
{
	(void)ctx;
	(void)t;
	return true;
}

bool
handlers_any_publish(const struct handlers *h)
{
	return any_part(h, HANDLERS_PUBLISH, is_any_template, NULL);
}

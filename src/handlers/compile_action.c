/* SPDX-License-Identifier: MIT */
/* What actions are compiled from, each in its own form. */
#include "src/handlers/handlers_int.h"
#include "src/handlers/mistake.h"

#include "sio/packet.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

/* Arguments */

/* The name of an event to emit: it follows the rules of all names, though it is written among the arguments. */
static bool
check_name(struct handlers_compiler *c, const cJSON *name, const struct template_context *where)
{
	struct template_error err;
	struct template *t;
	bool ok;

	if (!cJSON_IsString(name)) return handlers__fail(c, name, "an event name must be a string");
	if (sio_packet_event_reserved(eio_cstr(name->valuestring)))
		return handlers__fail(c, name, "clients refuse events called \"%s\"", name->valuestring);
	t = template_new(eio_cstr(name->valuestring), TEMPLATE_AS_NAME, where, &err);
	ok = t || handlers__template_failed(c, name, &err);
	template_free(t);
	return ok;
}

static bool
compile_arguments(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	bool emit = a->type == HANDLERS_EMIT;

	if (!cJSON_IsArray(v))
		return handlers__fail(
			c, v, "must be an array of %s", emit ? "an event name and its arguments" : "arguments");
	if (emit && !v->child) return handlers__fail(c, v, "needs an event name");
	if (!handlers__alloc_parts(c, a, 1)) return false;
	if (emit) {
		size_t mark = c->path_n;

		handlers__path_index(c, 0);
		if (!check_name(c, v->child, where) || !handlers__keep_source(c, &a->parts[0], v->child->valuestring))
			return false;
		handlers__path_up(c, mark);
	}
	a->parts[0].template = template_new_json();
	return a->parts[0].template ? handlers__add_json(c, a->parts[0].template, v, where) : handlers__fail_nomem(c);
}

/* Rooms and channels */

static bool
compile_target(struct handlers_compiler *c, const cJSON *v, const struct template_context *where, enum template_use use,
	struct handlers_part *part)
{
	struct template_error err;

	if (!*v->valuestring) return handlers__fail(c, v, "an empty name");
	part->template = template_new(eio_cstr(v->valuestring), use, where, &err);
	if (!part->template) return handlers__template_failed(c, v, &err);
	return handlers__keep_source(c, part, v->valuestring);
}

/* Templates for a string or a list of strings, into parts. */
static bool
compile_list(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_part *parts)
{
	size_t mark = c->path_n, i = 0;
	const cJSON *e;

	if (cJSON_IsString(v)) return compile_target(c, v, where, TEMPLATE_AS_NAMES, parts);
	cJSON_ArrayForEach(e, v)
	{
		handlers__path_index(c, i);
		if (!cJSON_IsString(e)) return handlers__fail(c, e, "must be a string");
		if (!compile_target(c, e, where, TEMPLATE_AS_NAMES, &parts[i])) return false;
		handlers__path_up(c, mark);
		i++;
	}
	return true;
}

/* How many templates that are; false when it is neither. */
static bool
count_list(struct handlers_compiler *c, const cJSON *v, size_t *n)
{
	if (!cJSON_IsString(v) && !cJSON_IsArray(v))
		return handlers__fail(c, v, "must be a string or an array of strings");
	*n = cJSON_IsString(v) ? 1 : (size_t)cJSON_GetArraySize(v);
	return true;
}

static bool
compile_targets(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	size_t n = 0;

	return count_list(c, v, &n) && handlers__alloc_parts(c, a, n) && compile_list(c, v, where, a->parts);
}

/* Actions that are objects */

/* Adds the templates of a member that is a target, or NULL, at a place among the parts. */
static bool
compile_member_list(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_part *parts)
{
	size_t mark = c->path_n;

	if (!v) return true;
	handlers__path_key(c, v->string);
	if (!compile_list(c, v, where, parts)) return false;
	handlers__path_up(c, mark);
	return true;
}

static bool
count_member_list(struct handlers_compiler *c, const cJSON *v, size_t *n)
{
	size_t mark = c->path_n;

	*n = 0;
	if (!v) return true;
	handlers__path_key(c, v->string);
	if (!count_list(c, v, n)) return false;
	if (*n == 0) return handlers__fail(c, v, "an empty list; everyone in the namespace is meant without this key");
	handlers__path_up(c, mark);
	return true;
}

/* The event of a broadcast with its arguments. */
static bool
compile_event(struct handlers_compiler *c, const cJSON *event, const cJSON *args, const struct template_context *where,
	struct handlers_part *part)
{
	size_t mark = c->path_n;

	handlers__path_key(c, "event");
	if (!check_name(c, event, where) || !handlers__keep_source(c, part, event->valuestring)) return false;
	handlers__path_up(c, mark);
	if (args && !cJSON_IsArray(args)) {
		handlers__path_key(c, "args");
		return handlers__fail(c, args, "must be an array of arguments");
	}
	part->template = template_new_json();
	return part->template ? handlers__add_event(c, part->template, event, args, where) : handlers__fail_nomem(c);
}

/* true or false, which is also what is not given. */
static bool
read_flag(struct handlers_compiler *c, const cJSON *v, bool *out)
{
	*out = cJSON_IsTrue(v);
	if (!v || cJSON_IsBool(v)) return true;
	handlers__path_key(c, v->string);
	return handlers__fail(c, v, "must be true or false");
}

static bool
compile_broadcast(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	const cJSON *room = NULL, *except = NULL, *event = NULL, *args = NULL, *self = NULL, *joined = NULL;
	const struct handlers_key keys[] = { { "room", &room }, { "except", &except }, { "event", &event },
		{ "args", &args }, { "self", &self }, { "joined", &joined } };
	size_t n_except;

	if (!cJSON_IsObject(v))
		return handlers__fail(c, v,
			"must be an object such as {\"room\": \"{1}\", \"event\": \"news\", \"args\": "
			"[\"{2}\"]}");
	if (!handlers__read_keys(
		    c, v, keys, sizeof keys / sizeof keys[0], "room, except, event, args, self and joined"))
		return false;
	if (!event) return handlers__fail(c, v, "needs an \"event\"");
	if (!read_flag(c, self, &a->self) || !read_flag(c, joined, &a->joined)) return false;
	if (a->joined && !room) return handlers__fail(c, joined, "is about the rooms of \"room\", which is not given");
	if (!count_member_list(c, room, &a->n_rooms) || !count_member_list(c, except, &n_except)) return false;
	return handlers__alloc_parts(c, a, 1 + a->n_rooms + n_except) &&
	       compile_event(c, event, args, where, &a->parts[0]) &&
	       compile_member_list(c, room, where, a->parts + 1) &&
	       compile_member_list(c, except, where, a->parts + 1 + a->n_rooms);
}

static bool
check_envelope(struct handlers_compiler *c, const cJSON *headers, const cJSON *message, enum template_place place)
{
	size_t mark = c->path_n;

	if (!headers) return true;
	handlers__path_key(c, "headers");
	if (message) return handlers__fail(c, headers, "they are part of the envelope, which a \"message\" replaces");
	if (place != TEMPLATE_IN_CONNECTION)
		return handlers__fail(c, headers, "only the envelope of \"connection\" has them");
	handlers__path_up(c, mark);
	return handlers__check_headers(c, headers);
}

static bool
compile_channel(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_part *part)
{
	if (!cJSON_IsString(v)) return handlers__fail(c, v, "must be a string");
	return compile_target(c, v, where, TEMPLATE_AS_NAME, part);
}

static bool
compile_message(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	handlers__path_key(c, "message");
	a->form = cJSON_IsString(v) ? HANDLERS_AS_TEXT : HANDLERS_AS_JSON;
	a->parts[1].template = template_new_json();
	return a->parts[1].template ? handlers__add_json(c, a->parts[1].template, v, where) : handlers__fail_nomem(c);
}

static bool
compile_publish(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	/* The members of an envelope beside the event: what the client gave with its CONNECT and in its URL, and where
	 * it came from. The channel stands before them, and behind them its headers. */
	static const char *const members[] = { "auth", "claims", "query", "address" };
	enum { ENVELOPE_PARTS = 1 + sizeof members / sizeof members[0] };
	const cJSON *channel = NULL, *message = NULL, *headers = NULL;
	const struct handlers_key keys[] = { { "channel", &channel }, { "message", &message },
		{ "headers", &headers } };
	size_t mark = c->path_n, n = 1;

	if (!cJSON_IsObject(v)) {
		if (!cJSON_IsString(v)) return handlers__fail(c, v, "must be a string or an object with a \"channel\"");
		return handlers__alloc_parts(c, a, 1) && compile_channel(c, v, where, a->parts);
	}
	if (!handlers__read_keys(c, v, keys, sizeof keys / sizeof keys[0], "channel, message and headers"))
		return false;
	if (!channel) return handlers__fail(c, v, "needs a \"channel\"");
	if (!check_envelope(c, headers, message, where->place)) return false;
	if (message)
		n = 2;
	else if (where->place == TEMPLATE_IN_CONNECTION)
		n = ENVELOPE_PARTS + (size_t)cJSON_GetArraySize(headers);
	if (!handlers__alloc_parts(c, a, n)) return false;
	handlers__path_key(c, "channel");
	if (!compile_channel(c, channel, where, a->parts)) return false;
	handlers__path_up(c, mark);
	if (message) return compile_message(c, message, where, a);
	if (n == 1) return true;
	a->n_rooms = ENVELOPE_PARTS;
	return handlers__compile_members(c, members, 1, headers, where, a);
}

static const char rate_wanted[] = "must be an object such as {\"events\": 20, \"per\": 1000, \"then\": \"drop\"}";

bool
handlers__compile_rate(struct handlers_compiler *c, const cJSON *v, struct handlers_rate *rate)
{
	static const char *const names[] = { "drop", "count", "disconnect" };
	const cJSON *events = NULL, *per = NULL, *then = NULL;
	const struct handlers_key keys[] = { { "events", &events }, { "per", &per }, { "then", &then } };
	unsigned i = 0;

	if (!cJSON_IsObject(v)) return handlers__fail(c, v, "%s", rate_wanted);
	if (!handlers__read_keys(c, v, keys, sizeof keys / sizeof keys[0], "events, per and then")) return false;
	if (!events || !per) return handlers__fail(c, v, "%s", rate_wanted);
	if (!handlers__read_number(c, events, "events", 1, HANDLERS_RATE_EVENTS, &rate->events)) return false;
	if (!handlers__read_number(c, per, "per", 1, HANDLERS_RATE_MS, &rate->per_ms)) return false;
	handlers__path_key(c, "then");
	while (then && i < 3 && !(cJSON_IsString(then) && strcmp(then->valuestring, names[i]) == 0)) i++;
	if (i == 3) return handlers__fail(c, then, "must be \"drop\", \"count\" or \"disconnect\"");
	rate->then = (enum handlers_over)i;
	return true;
}

/* A number, or a name that is one. */
static bool
compile_pace(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	double n = cJSON_IsNumber(v) ? v->valuedouble : -1;

	if (cJSON_IsString(v)) return handlers__alloc_parts(c, a, 1) && compile_channel(c, v, where, a->parts);
	if (!(n >= 0 && n <= HANDLERS_PACE_MAX && n == (unsigned)n))
		return handlers__fail(c, v,
			"must be how often in a second, a whole number from 0 to %d, or a string such as \"{1}\"",
			HANDLERS_PACE_MAX);
	a->pace = (unsigned)n;
	return true;
}

bool
handlers__compile_action(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	switch (a->type) {
	case HANDLERS_EMIT:
	case HANDLERS_ACK: return compile_arguments(c, v, where, a);
	case HANDLERS_BROADCAST: return compile_broadcast(c, v, where, a);
	case HANDLERS_JOIN:
	case HANDLERS_LEAVE: return compile_targets(c, v, where, a);
	case HANDLERS_PUBLISH: return compile_publish(c, v, where, a);
	case HANDLERS_DISCONNECT:
		a->whole = cJSON_IsTrue(v);
		return cJSON_IsBool(v) ||
		       handlers__fail(c, v, "must be true (the whole connection) or false (this namespace)");
	case HANDLERS_RATE: return handlers__compile_rate(c, v, &a->rate);
	case HANDLERS_CALL: return handlers__compile_call(c, v, where, a);
	case HANDLERS_PACE: return compile_pace(c, v, where, a);
	case HANDLERS_IF:
	case HANDLERS_GO: break; /* they are no actions of the configuration */
	}
	return false;
}

/* SPDX-License-Identifier: MIT */
/* Calls: where they go to, and what the question says beside the event. */
#include "src/handlers/answer.h"
#include "src/handlers/handlers_int.h"
#include "src/handlers/mistake.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* The same bounds as those of the hook that is asked about clients, see src/config/auth.c. */
enum { TIMEOUT_MS = 5000, CONCURRENT = 32, QUEUE = 1000 };

static bool
same_place(const struct hook_spec *a, const struct hook_spec *b)
{
	if (!a->socket_path != !b->socket_path || (a->socket_path && strcmp(a->socket_path, b->socket_path) != 0))
		return false;
	return strcmp(a->url, b->url) == 0 && a->timeout_ms == b->timeout_ms && a->concurrent == b->concurrent &&
	       a->queue == b->queue;
}

/* Finds the number of a place, or adds it. Takes over what *spec points to. */
static bool
number_of_place(struct handlers_compiler *c, struct hook_spec *spec, size_t *number)
{
	struct handlers *h = c->handlers;
	struct hook_spec *all;

	for (size_t i = 0; i < h->n_calls; i++)
		if (same_place(&h->calls[i], spec)) {
			hook_spec_deinit(spec);
			*number = i;
			return true;
		}
	all = realloc(h->calls, (h->n_calls + 1) * sizeof *all);
	if (!all) {
		hook_spec_deinit(spec);
		return handlers__fail_nomem(c);
	}
	h->calls = all;
	all[h->n_calls] = *spec;
	*number = h->n_calls++;
	return true;
}

static bool
set_url(struct handlers_compiler *c, const cJSON *v, struct hook_spec *spec)
{
	const char *why = "must be a URL";

	if (cJSON_IsString(v) && hook_spec_set_url(spec, v->valuestring, &why) == 0) return true;
	return why ? handlers__fail(c, v, "%s", why) : handlers__fail_nomem(c);
}

struct call_keys {
	const cJSON *url, *timeout, *headers, *concurrent, *queue;
	bool alone; /* the URL stands for the object */
};

static bool
read_place(struct handlers_compiler *c, const struct call_keys *k, struct hook_spec *spec)
{
	size_t mark = c->path_n;

	if (k->timeout && !handlers__read_number(c, k->timeout, "timeout", 10, 600000, &spec->timeout_ms)) return false;
	if (k->concurrent && !handlers__read_number(c, k->concurrent, "concurrent", 1, 1000, &spec->concurrent))
		return false;
	if (k->queue && !handlers__read_number(c, k->queue, "queue", 0, 100000, &spec->queue)) return false;
	if (!k->alone) handlers__path_key(c, "url");
	if (!set_url(c, k->url, spec)) return false;
	handlers__path_up(c, mark);
	return true;
}

/* The members of the question, and behind them the headers that are told. */
static bool
compile_question(struct handlers_compiler *c, const cJSON *headers, const struct template_context *where,
	struct handlers_action *a)
{
	static const char *const members[] = { "claims", "rooms", "address", "auth", "query" };

	a->n_rooms = where->place == TEMPLATE_IN_CONNECTION ? 5 : 3;
	return handlers__alloc_parts(c, a, a->n_rooms + (size_t)cJSON_GetArraySize(headers)) &&
	       handlers__compile_members(c, members, 0, headers, where, a);
}

static bool
read_call(struct handlers_compiler *c, const cJSON *v, struct call_keys *k)
{
	const struct handlers_key keys[] = { { "url", &k->url }, { "timeout", &k->timeout }, { "headers", &k->headers },
		{ "concurrent", &k->concurrent }, { "queue", &k->queue } };

	if (cJSON_IsString(v)) {
		k->url = v;
		k->alone = true;
		return true;
	}
	if (!cJSON_IsObject(v)) return handlers__fail(c, v, "must be a URL or an object with a \"url\"");
	if (!handlers__read_keys(
		    c, v, keys, sizeof keys / sizeof keys[0], "url, timeout, headers, concurrent and queue"))
		return false;
	if (!k->url) return handlers__fail(c, v, "needs a \"url\"");
	return handlers__check_headers(c, k->headers);
}

bool
handlers__compile_call(
	struct handlers_compiler *c, const cJSON *v, const struct template_context *where, struct handlers_action *a)
{
	static const char *const usual[] = { "cookie", "authorization" };
	struct hook_spec spec = { .timeout_ms = TIMEOUT_MS,
		.concurrent = CONCURRENT,
		.queue = QUEUE,
		.answer_bytes = HANDLERS_ANSWER_BYTES };
	struct call_keys k = { .url = NULL };
	cJSON *headers = NULL;
	bool ok;

	if (!read_call(c, v, &k)) return false;
	if (!read_place(c, &k, &spec)) {
		hook_spec_deinit(&spec);
		return false;
	}
	if (!number_of_place(c, &spec, &a->to)) return false;
	if (!k.headers && !(headers = cJSON_CreateStringArray(usual, 2))) return handlers__fail_nomem(c);
	ok = compile_question(c, k.headers ? k.headers : headers, where, a);
	cJSON_Delete(headers);
	return ok;
}

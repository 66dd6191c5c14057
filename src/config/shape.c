/* SPDX-License-Identifier: MIT */
/* From the items of a feed to what it makes of its messages. */
#include "src/config/shape.h"

#include "sio/json.h"
#include "src/config/namespaces.h"
#include "src/config/values.h"
#include "src/handlers/handlers.h"

#include <string.h>

void
config__keep_json(struct config_loader *l, const cJSON *item, void *target)
{
	const cJSON **out = target;

	(void)l;
	*out = item;
}

void
config__keep_bool(struct config_loader *l, const cJSON *item, void *target)
{
	const cJSON **out = target;

	if (cJSON_IsBool(item))
		*out = item;
	else
		config__error(l, item, "expected true or false, not %s", config__type_name(item));
}

/* Text that was meant to be a placeholder. */
static void
warn_of_pointer(struct config_loader *l, const cJSON *item)
{
	if (cJSON_IsString(item) && item->valuestring[0] == '/' && sio_json_pointer_valid(eio_cstr(item->valuestring)))
		config__warn(l, item, "the text \"%s\" itself; what stands there in a message is \"{%s}\"",
			item->valuestring, item->valuestring);
}

static struct template *
compile_payload(struct config_loader *l, const char *key, const cJSON *item, const struct template_context *where)
{
	size_t mark = config__push(l, key);
	struct template *t = handlers_compile_json(item, where, config__handlers_error, l);

	if (t) warn_of_pointer(l, item);
	config__pop(l, mark);
	return t;
}

/* Whether one of the pointers before the i-th is the same. */
static bool
is_omitted_before(const struct config_strings *pointers, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(pointers->v[k], pointers->v[i]) == 0) return true;
	return false;
}

static bool
check_pointers(struct config_loader *l, const cJSON *item, const struct config_strings *pointers)
{
	bool good = true;

	for (size_t i = 0; i < pointers->n; i++) {
		const cJSON *e = config__element(item, i);
		size_t mark = config__push_element(l, item, i);

		if (pointers->v[i][0] != '/' || !sio_json_pointer_valid(eio_cstr(pointers->v[i]))) {
			config__error(l, e, "not a JSON pointer; it starts with '/' as in \"/user/email\"");
			good = false;
		} else if (is_omitted_before(pointers, i)) {
			config__error(l, e, "\"%s\" stands twice", pointers->v[i]);
			good = false;
		}
		config__pop(l, mark);
	}
	return good;
}

static void
read_omit(struct config_loader *l, struct feed_spec *f, const cJSON *item)
{
	struct eio_bytes pointers[SIO_JSON_MAX_CUTS];
	struct config_strings names = { 0 };
	size_t mark = config__push(l, "omit");

	if (!config__strings(l, item, &names)) {
		/* It was told. */
	} else if (names.n > SIO_JSON_MAX_CUTS) {
		config__error(l, item, "more than %d pointers", SIO_JSON_MAX_CUTS);
	} else if (check_pointers(l, item, &names) && names.n > 0) {
		for (size_t i = 0; i < names.n; i++) pointers[i] = eio_cstr(names.v[i]);
		f->omit = sio_json_cuts_new(pointers, names.n);
		if (!f->omit) config__error_memory(l);
	}
	config__pop(l, mark);
}

/* Whether a payload can be a list: it is one, or one placeholder that may stand for one. */
static bool
may_be_list(const struct config_shape *items, const struct feed_spec *f)
{
	struct template_input in = { .message = EIO_LIT("[]") };
	struct template_value v;

	if (!items->payload || cJSON_IsNull(items->payload) || cJSON_IsArray(items->payload)) return true;
	return !f->payload || (template_value_alone(f->payload, &in, &v) && v.type != TEMPLATE_PLAIN);
}

static void
check_spread(struct config_loader *l, const struct feed_spec *f, const struct config_shape *items)
{
	size_t mark = config__push(l, "spread");

	if (f->interval_ms)
		config__error(
			l, items->spread, "needs \"batch\": {\"interval\": 0}: each message has arguments of its own");
	else if (f->encode == FEED_ENCODE_BINARY)
		config__error(l, items->spread, "needs \"encode\": \"json\" or \"text\": binary is one argument");
	else if (!may_be_list(items, f))
		config__error(
			l, items->spread, "needs a \"payload\" that is a list, such as [\"{channel}\", \"{/data}\"]");
	config__pop(l, mark);
}

void
config__shape(struct config_loader *l, struct feed_spec *f, const struct config_shape *items,
	const struct template_context *where)
{
	bool whole = !items->payload || cJSON_IsNull(items->payload);
	size_t mark;

	if (!whole) f->payload = compile_payload(l, "payload", items->payload, where);
	if (items->payload_default && !whole) {
		f->payload_default = compile_payload(l, "payloadDefault", items->payload_default, where);
	} else if (items->payload_default) {
		mark = config__push(l, "payloadDefault");
		config__error(l, items->payload_default, "needs a \"payload\" that a message may not have");
		config__pop(l, mark);
	}
	if (items->omit && !cJSON_IsNull(items->omit)) read_omit(l, f, items->omit);
	f->spread = items->spread && cJSON_IsTrue(items->spread);
	if (f->spread) check_spread(l, f, items);
}

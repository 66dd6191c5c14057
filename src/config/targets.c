/* SPDX-License-Identifier: MIT */
/* From the items of a feed to the templates of its targets. */
#include "src/config/targets.h"

#include "src/config/parts.h"
#include "src/config/values.h"
#include "src/handlers/handlers.h"

#include <stdlib.h>
#include <string.h>

void
config__keep_names(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_strings names = { 0 };
	const cJSON **out = target;

	if (config__strings(l, item, &names)) *out = item;
}

static struct template *
compile_feed_target(
	struct config_loader *l, const cJSON *item, enum template_use use, const struct template_context *where)
{
	struct template_error err;
	struct template *t = template_new(eio_cstr(item->valuestring), use, where, &err);

	if (!t) config__error(l, item, "%s", err.text);
	return t;
}

/* Returns how many there are. */
static size_t
compile_feed_targets(struct config_loader *l, const char *key, const cJSON *item, const struct template_context *where,
	struct template ***out)
{
	size_t outer = config__push(l, key), n = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 1, good = 0;

	*out = calloc(n, sizeof **out);
	if (!*out) config__error_memory(l);
	for (size_t i = 0; *out && i < n; i++) {
		size_t mark = config__push_element(l, item, i);
		struct template *t = compile_feed_target(l, config__element(item, i), TEMPLATE_AS_NAMES, where);

		if (t) (*out)[good++] = t;
		config__pop(l, mark);
	}
	config__pop(l, outer);
	return good;
}

/* What a template without placeholders says. */
static char *
constant_text(struct config_loader *l, const struct template *t)
{
	struct template_input in = { .channel = EIO_LIT("") };
	struct eio_buf text = { 0 };

	template_render(t, &in, &text);
	eio_buf_addc(&text, '\0');
	if (!eio_buf_failed(&text)) return text.p;
	eio_buf_deinit(&text);
	config__error_memory(l);
	return NULL;
}

/* Fills either of both; none after a mistake. */
static void
read_namespace_of_feed(
	struct config_loader *l, struct feed_spec *f, const cJSON *item, const struct template_context *where)
{
	struct template_placeholder p;
	struct template *t = compile_feed_target(l, item, TEMPLATE_AS_NAME, where);
	char *name;
	size_t i = 0;

	if (!t) return;
	if (template_next_placeholder(t, &i, &p)) {
		if (strchr("/{", item->valuestring[0])) {
			f->nsp_template = t;
			return;
		}
		config__error(l, item, CONFIG_NAMESPACE_WANTED);
	} else if ((name = constant_text(l, t))) {
		if (config__namespace_valid(name)) {
			f->nsp = name;
		} else {
			config__error(l, item, CONFIG_NAMESPACE_WANTED);
			free(name);
		}
	}
	template_free(t);
}

void
config__targets(struct config_loader *l, struct feed_spec *f, const struct config_targets *items,
	const struct template_context *where)
{
	size_t mark;

	if (items->nsp) {
		mark = config__push(l, "namespace");
		read_namespace_of_feed(l, f, items->nsp, where);
		config__pop(l, mark);
	} else {
		f->nsp = config__copy(l, "/");
	}
	if (items->room) f->n_rooms = compile_feed_targets(l, "room", items->room, where, &f->rooms);
	if (items->except) f->n_except = compile_feed_targets(l, "except", items->except, where, &f->except);
}

/* An id is random: a template with text in it makes none. */
static bool
may_be_id(void *ctx, const struct template *room)
{
	(void)ctx;
	return template_is_placeholder(room);
}

static bool
any_may_be_id(struct template *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (may_be_id(NULL, v[i])) return true;
	return false;
}

bool
config__targets_sockets(const struct config_parts *p)
{
	for (size_t i = 0; i < p->feeds->n; i++) {
		const struct feed_spec *f = &p->feeds->v[i];

		if (any_may_be_id(f->rooms, f->n_rooms) || any_may_be_id(f->except, f->n_except)) return true;
	}
	for (size_t i = 0; i < p->namespaces->n; i++) {
		const struct handlers *h = p->namespaces->v[i].handlers;

		if (h && (handlers_any_broadcast(h, may_be_id, NULL) || handlers_calls(h))) return true;
	}
	/* Who publishes over HTTP names any room, as the answer to a call does, and other servers; and the
	 * Admin UI single sockets. */
	return p->config.publish.token_file || p->adapter.mode != ADAPTER_OFF ||
	       (p->config.has_ui && (p->config.ui.mode == CONFIG_UI_DEVELOPMENT || !p->config.ui.readonly));
}

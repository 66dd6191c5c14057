/* SPDX-License-Identifier: MIT */
/* What must be right about feeds together with one another and with the namespaces. */
#include "src/config/feeds.h"

#include "src/config/parts.h"
#include "src/handlers/handlers.h"

#include <string.h>

const cJSON *
config__feeds_item(const struct config_loader *l, size_t i, const char *key)
{
	/* Those of flags stand behind its own. */
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(list, (int)i), key);

	if (item) return item;
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults"), key);
}

static size_t
push_feed(struct config_loader *l, size_t i, const char *key)
{
	size_t mark = config__push(l, "feeds");

	config__push_index(l, i);
	config__push(l, key);
	return mark;
}

/* A namespace's name as a template, in which a placeholder stands for each star. NULL when out of memory. */
static struct template *
name_as_template(const struct namespace_spec *nsp)
{
	struct template_context nowhere = { .place = TEMPLATE_IN_FEED };
	struct template *t = NULL;
	struct template_error err;
	struct eio_buf b = { 0 };

	for (const char *p = nsp->name; *p; p++) {
		if (*p == '{' || *p == '}') eio_buf_addc(&b, *p);
		if (*p == '*' && nsp->is_pattern)
			EIO_BUF_ADD_LIT(&b, "{channel}");
		else
			eio_buf_addc(&b, *p);
	}
	if (!eio_buf_failed(&b)) t = template_new(eio_buf_bytes(&b), TEMPLATE_AS_NAME, &nowhere, &err);
	eio_buf_deinit(&b);
	return t;
}

/* Whether messages of a feed may go to a namespace. */
static bool
may_go_to(const struct feed_spec *f, const struct namespace_specs *all, const struct namespace_spec *nsp)
{
	struct template *name;
	bool may;

	if (f->nsp) return namespace_specs_match(all, eio_cstr(f->nsp)) == nsp;
	name = name_as_template(nsp);
	may = !name || template_may_equal(f->nsp_template, name);
	template_free(name);
	return may;
}

static bool
has_stream(const struct feed_spec *f, const char *name)
{
	for (size_t i = 0; f->is_stream && i < f->n_channels; i++)
		if (f->channels[i] && strcmp(f->channels[i], name) == 0) return true;
	return false;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* A stream is read once, for all its feeds. */
static void
check_stream(struct config_loader *l, size_t i, const char *name)
{
	const struct feed_spec *v = l->parts->feeds->v;
	const char *key;
	size_t mark;

	for (size_t k = 0; k < i; k++) {
		if (!has_stream(&v[k], name)) continue;
		key = is_same_text(v[k].from, v[i].from) ? "position" : "from";
		if (key[0] == 'p' && is_same_text(v[k].position, v[i].position)) continue;
		mark = push_feed(l, i, key);
		config__error(l, config__feeds_item(l, i, key),
			"feeds[%zu] has another \"%s\" for the stream \"%s\", which is read once", k, key, name);
		config__pop(l, mark);
		return;
	}
}

static void
check_streams(struct config_loader *l)
{
	const struct feed_specs *s = l->parts->feeds;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; s->v[i].is_stream && k < s->v[i].n_channels; k++)
			if (s->v[i].channels[k]) check_stream(l, i, s->v[i].channels[k]);
}

/* Clients are told of a gap where no message is that could say in which namespace they are. */
static void
check_gap_event(struct config_loader *l, size_t i)
{
	const struct feed_spec *f = &l->parts->feeds->v[i];
	size_t mark;

	if (!f->gap_event || f->nsp) return;
	mark = push_feed(l, i, "gapEvent");
	config__error(l, config__feeds_item(l, i, "gapEvent"), "needs a \"namespace\" without placeholders");
	config__pop(l, mark);
}

/* A feed into a namespace that is refused to clients would never reach anybody. */
void
config__feeds_check(struct config_loader *l)
{
	const struct feed_specs *s = l->parts->feeds;
	const struct namespace_specs *all = l->parts->namespaces;
	size_t mark, k;

	check_streams(l);
	for (size_t i = 0; i < s->n; i++) {
		if (!s->v[i].nsp && !s->v[i].nsp_template) continue;
		check_gap_event(l, i);
		for (k = 0; k < all->n && !may_go_to(&s->v[i], all, &all->v[k]);) k++;
		if (k < all->n) continue;
		mark = push_feed(l, i, "namespace");
		if (s->v[i].nsp)
			config__error(l, config__feeds_item(l, i, "namespace"),
				"namespace \"%s\" is not among \"namespaces\"", s->v[i].nsp);
		else
			config__error(l, config__feeds_item(l, i, "namespace"), "this can be none of \"namespaces\"");
		config__pop(l, mark);
	}
}

static bool
may_be_room(void *ctx, const struct template *join)
{
	return template_may_equal(join, ctx);
}

/* Whether the application says which rooms the clients of a namespace are in. */
static bool
application_gives_rooms(const struct namespace_spec *ns)
{
	return (ns->auth && ns->auth->has_hook && ns->auth->hook.on_connect) ||
	       (ns->handlers && handlers_calls(ns->handlers));
}

static bool
may_be_joined(const struct namespace_spec *ns, struct template *room)
{
	return application_gives_rooms(ns) || (ns->handlers && handlers_any_join(ns->handlers, may_be_room, room));
}

/* Whether a client can be in one of the feed's rooms: in that of its socket's id each is. */
static bool
may_be_heard(const struct feed_spec *f, const struct namespace_specs *all)
{
	for (size_t k = 0; k < f->n_rooms; k++) {
		if (template_is_placeholder(f->rooms[k])) return true;
		for (size_t i = 0; i < all->n; i++)
			if (may_go_to(f, all, &all->v[i]) && may_be_joined(&all->v[i], f->rooms[k])) return true;
	}
	return false;
}

/* Whether somebody who may hear the feed may come back to what he missed. */
static bool
may_be_recovered(const struct feed_spec *f, const struct namespace_specs *all)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].recovers && may_go_to(f, all, &all->v[i])) return true;
	return false;
}

/* What a feed says for itself, and not feedDefaults, which is there for all. */
static void
warn_of_history(struct config_loader *l, size_t i)
{
	const cJSON *feeds = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	const cJSON *own = cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(feeds, (int)i), "history");
	const struct feed_spec *f = &l->parts->feeds->v[i];
	size_t mark;

	if (!own || (!f->nsp && !f->nsp_template) || may_be_recovered(f, l->parts->namespaces)) return;
	mark = push_feed(l, i, "history");
	config__warn(l, own, "it has no effect: no namespace that the feed goes to has \"connectionStateRecovery\"");
	config__pop(l, mark);
}

void
config__feeds_warn(struct config_loader *l)
{
	const struct feed_specs *s = l->parts->feeds;
	const cJSON *feeds = cJSON_GetObjectItemCaseSensitive(l->root, "feeds");
	const cJSON *namespaces = cJSON_GetObjectItemCaseSensitive(l->root, "namespaces");
	size_t mark;

	if (!s->n && !l->notes.errors && !l->parts->relay.host) {
		mark = config__push(l, "feeds");
		config__warn(l, feeds, "no feeds: nothing that is published would reach anybody");
		config__pop(l, mark);
	}
	/* Without the key it may be the one that was misspelt. */
	if (namespaces ? config__is_wrong(l, namespaces) : l->notes.errors > 0) return;
	if (config__is_wrong(l, cJSON_GetObjectItemCaseSensitive(l->root, "feedDefaults"))) return;
	config__feeds_warn_twins(l);
	for (size_t i = 0; i < s->n; i++) {
		const struct feed_spec *f = &s->v[i];

		warn_of_history(l, i);
		if (!f->n_rooms || config__is_wrong(l, cJSON_GetArrayItem(feeds, (int)i))) continue;
		if (may_be_heard(f, l->parts->namespaces)) continue;
		mark = push_feed(l, i, "room");
		config__warn(l, config__feeds_item(l, i, "room"),
			"no handler of \"%s\" joins such a room, so nobody would hear it; a \"join\" under "
			"\"namespaces\" does that",
			f->nsp ? f->nsp : config__feeds_item(l, i, "namespace")->valuestring);
		config__pop(l, mark);
	}
}

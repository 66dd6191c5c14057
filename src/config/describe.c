/* SPDX-License-Identifier: MIT */
/* Walks the main table and the tables below it beside the tree that was read. */
#include "src/config/describe.h"

#include "sio/json.h"
#include "src/config/compat.h"
#include "src/config/compression.h"
#include "src/config/cookie.h"
#include "src/config/feeds.h"
#include "src/config/flags.h"
#include "src/config/load.h"
#include "src/config/options.h"
#include "src/config/parts.h"
#include "src/config/variables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORM_DEFAULTS = CONFIG_DESCRIBE_JSON + 1, LINE_BYTES = 80 };

/* Options that are objects of a table of their own, once there is an object; of feedDefaults there always is. */
static const struct {
	const char *path;
	const struct config_table *table;
	bool always;
} objects[] = {
	{ "engine.cookie", &config__cookie_table, false },
	{ "engine.perMessageDeflate", &config__websocket_table, false },
	{ "engine.httpCompression", &config__http_table, false },
	{ "feedDefaults", &config__feed_table, true },
};

/* Who has said a value. One of these; none: it is the default. */
struct describe_origin {
	size_t line; /* of the file, from 1 */
	const char *variable, *flag, *compat;
	bool computed; /* from the default, or from 0 */
};

struct describe {
	const struct config_loader *l;
	int form;
	struct eio_buf *out;
	unsigned depth; /* of objects that are open, in a file */
	bool some; /* the innermost one has a member */
	char comment[320]; /* of the line that is not ended yet, since a comma may follow */
	bool failed;
};

/* An object at hand: its table, the section in it, and where its path begins. */
struct describe_level {
	const struct config_table *table;
	const struct config_option *section; /* NULL: the rows without a dot */
	const char *path; /* "" or "engine.cookie." */
	const cJSON *object; /* or NULL: nothing of it is given */
	const char *variable; /* which has said all of the object, or NULL */
};

/* Writing */

static void
end_line(struct describe *d, bool comma)
{
	if (comma) eio_buf_addc(d->out, ',');
	if (*d->comment) eio_buf_printf(d->out, " // %s", d->comment);
	eio_buf_addc(d->out, '\n');
	*d->comment = '\0';
}

static void
begin_described(struct describe *d, const char *key)
{
	if (d->form == CONFIG_DESCRIBE_JSON)
		eio_buf_add(d->out, d->some ? EIO_LIT(",\n\t") : EIO_LIT("\n\t"));
	else
		end_line(d, d->some);
	d->some = true;
	for (unsigned i = 0; d->form != CONFIG_DESCRIBE_JSON && i < d->depth; i++) eio_buf_addc(d->out, '\t');
	sio_json_escape(d->out, eio_cstr(key));
	EIO_BUF_ADD_LIT(d->out, ": ");
}

static void
open_section(struct describe *d, const char *key)
{
	if (d->form == CONFIG_DESCRIBE_JSON) return;
	begin_described(d, key);
	eio_buf_addc(d->out, '{');
	d->depth++;
	d->some = false;
}

static void
close_section(struct describe *d)
{
	if (d->form == CONFIG_DESCRIBE_JSON) return;
	end_line(d, false);
	d->depth--;
	for (unsigned i = 0; i < d->depth; i++) eio_buf_addc(d->out, '\t');
	eio_buf_addc(d->out, '}');
	d->some = true;
}

/* In place: what stands before the '@' of an address becomes stars, not more than there were bytes. */
static void
hide_secrets(cJSON *item)
{
	char *s = cJSON_IsString(item) ? strstr(item->valuestring, "://") : NULL, *at = s ? strrchr(s, '@') : NULL;

	for (cJSON *child = item->child; child; child = child->next) hide_secrets(child);
	if (!at) return;
	s += strlen("://");
	for (unsigned i = 0; i < 3 && s < at; i++) *s++ = '*';
	memmove(s, at, strlen(at) + 1);
}

/* As JSON: on one line when it is short. */
static void
write_item(struct describe *d, const cJSON *item)
{
	cJSON *copy = cJSON_Duplicate(item, true);
	char *text;

	if (copy) hide_secrets(copy);
	text = copy ? cJSON_PrintUnformatted(copy) : NULL;
	if (text && d->form != CONFIG_DESCRIBE_JSON && strlen(text) > LINE_BYTES) {
		cJSON_free(text);
		text = cJSON_Print(copy);
	}
	d->failed |= !text;
	for (const char *p = text; p && *p; p++) {
		eio_buf_addc(d->out, *p);
		for (unsigned i = 0; *p == '\n' && i < d->depth; i++) eio_buf_addc(d->out, '\t');
	}
	cJSON_free(text);
	cJSON_Delete(copy);
}

static void
write_origin(struct describe *d, const struct describe_origin *o)
{
	const char *computed = o->computed ? ", computed" : "";
	size_t size = sizeof d->comment;

	if (o->flag)
		snprintf(d->comment, size, "%s%s", o->flag, computed);
	else if (o->variable)
		snprintf(d->comment, size, "%s%s", o->variable, computed);
	else if (o->line)
		snprintf(d->comment, size, "%s:%zu%s", d->l->name, o->line, computed);
	else if (o->compat)
		snprintf(d->comment, size, "compat %s", o->compat);
	else
		snprintf(d->comment, size, "default%s", computed);
	for (char *p = d->comment; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
}

static void
write_origin_json(struct describe *d, const struct describe_origin *o)
{
	if (o->flag || o->variable) {
		eio_buf_add(d->out, o->flag ? EIO_LIT(",\"option\":") : EIO_LIT(",\"environment\":"));
		sio_json_escape(d->out, eio_cstr(o->flag ? o->flag : o->variable));
	} else if (o->line) {
		EIO_BUF_ADD_LIT(d->out, ",\"file\":");
		sio_json_escape(d->out, eio_cstr(d->l->name));
		eio_buf_printf(d->out, ",\"line\":%zu", o->line);
	} else if (o->compat) {
		eio_buf_printf(d->out, ",\"compat\":\"%s\"", o->compat);
	} else {
		EIO_BUF_ADD_LIT(d->out, ",\"default\":true");
	}
	if (o->computed) EIO_BUF_ADD_LIT(d->out, ",\"computed\":true");
	eio_buf_addc(d->out, '}');
}

static void
write_value(struct describe *d, const char *path, const cJSON *item, const struct describe_origin *origin)
{
	const char *dot = strrchr(path, '.');

	begin_described(d, dot && d->form != CONFIG_DESCRIBE_JSON ? dot + 1 : path);
	if (d->form == CONFIG_DESCRIBE_JSON) EIO_BUF_ADD_LIT(d->out, "{\"value\":");
	write_item(d, item);
	if (d->form == CONFIG_DESCRIBE_JSON) write_origin_json(d, origin);
	if (d->form == CONFIG_DESCRIBE_FILE) write_origin(d, origin);
}

/* Finding */

static size_t
line_of(const struct config_loader *l, const cJSON *item)
{
	const struct config_place *place = l->document ? config_document_place(l->document, item) : NULL;
	size_t line = 1;

	if (!place) return 0;
	for (size_t i = 0; i < place->key && i < l->text.n; i++) line += l->text.p[i] == '\n';
	return line;
}

/* Whether an option is something else than what was said, because that asks for it. */
static bool
is_computed(const struct config_loader *l, const char *path, const cJSON *item)
{
	bool zero = cJSON_IsNumber(item) && item->valuedouble == 0;

	if (strcmp(path, "jsonp") == 0)
		return !cJSON_GetObjectItemCaseSensitive(l->root, path) && l->parts->server.no_jsonp;
	return zero && (strcmp(path, "workers") == 0 || strcmp(path, "limits.maxSessions") == 0);
}

/* What it is then. For cJSON_Delete(); NULL when out of memory. */
static cJSON *
computed_item(const struct config *c, const char *path)
{
	if (strcmp(path, "jsonp") == 0) return cJSON_CreateFalse();
	return cJSON_CreateNumber(strcmp(path, "workers") == 0 ? c->workers : c->limits.max_sessions);
}

static void
describe_found(struct describe *d, const char *path, const cJSON *item, struct describe_origin *origin)
{
	cJSON *computed = NULL;

	origin->computed = d->form != FORM_DEFAULTS && is_computed(d->l, path, item);
	if (origin->computed) computed = computed_item(&d->l->parts->config, path);
	if (origin->computed && !computed)
		d->failed = true;
	else
		write_value(d, path, computed ? computed : item, origin);
	cJSON_Delete(computed);
}

/* One that nothing in the tree has said. */
static void
describe_unsaid(struct describe *d, const struct config_option *o, const char *path)
{
	struct describe_origin origin = { .line = 0 };
	const char *text = config__compat_default(d->l->parts->config.compat, path);
	cJSON *item;

	if (text) origin.compat = config__compat_names[d->l->parts->config.compat];
	if (!text) text = o->fallback;
	if (!text) return;
	item = cJSON_Parse(text);
	d->failed |= !item;
	if (item) describe_found(d, path, item, &origin);
	cJSON_Delete(item);
}

static void describe_level(struct describe *d, const struct describe_level *level);

/* An option that is an object of a table, as that. Whether it is one. */
static bool
describe_object(struct describe *d, const char *path, const cJSON *item, const char *variable)
{
	struct describe_level level = { .object = item, .variable = variable };
	char prefix[168];
	size_t i = 0;

	while (i < sizeof objects / sizeof objects[0] && strcmp(objects[i].path, path) != 0) i++;
	if (i == sizeof objects / sizeof objects[0] || (!cJSON_IsObject(item) && !objects[i].always)) return false;
	snprintf(prefix, sizeof prefix, "%s.", path);
	level.table = objects[i].table;
	level.path = prefix;
	open_section(d, strrchr(path, '.') ? strrchr(path, '.') + 1 : path);
	describe_level(d, &level);
	close_section(d);
	return true;
}

static void
describe_option(
	struct describe *d, const struct describe_level *level, const struct config_option *o, const cJSON *item)
{
	const char *variable = item ? config__variable_of(d->l, item) : NULL;
	struct describe_origin origin = { .variable = variable ? variable : level->variable };
	cJSON *flag;
	char path[160];

	snprintf(path, sizeof path, "%s%s", level->path, o->path);
	flag = config__flag_item(d->l->flags, path, &origin.flag, &d->failed);
	if (flag) {
		describe_found(d, path, flag, &origin);
	} else if (!describe_object(d, path, item, origin.variable)) {
		if (item && !origin.variable) origin.line = line_of(d->l, item);
		if (item)
			describe_found(d, path, item, &origin);
		else
			describe_unsaid(d, o, path);
	}
	cJSON_Delete(flag);
}

static void
describe_section(
	struct describe *d, const struct describe_level *level, const struct config_option *o, const cJSON *item)
{
	struct describe_level inner = *level;

	inner.section = o;
	inner.object = item;
	open_section(d, o->path);
	describe_level(d, &inner);
	close_section(d);
}

static void
describe_level(struct describe *d, const struct describe_level *level)
{
	size_t skip = level->section ? strlen(level->section->path) : 0;

	for (size_t i = 0; i < level->table->n; i++) {
		const struct config_option *o = &level->table->rows[i];
		bool within = skip ? strncmp(o->path, level->section->path, skip) == 0 && o->path[skip] == '.'
				   : !strchr(o->path, '.');
		const cJSON *item;

		if (!within) continue;
		item = cJSON_GetObjectItemCaseSensitive(level->object, o->path + (skip ? skip + 1 : 0));
		if (o->alias && !item) continue;
		if (o->type == CONFIG_TYPE_SECTION)
			describe_section(d, level, o, item);
		else
			describe_option(d, level, o, item);
	}
}

static void
describe_all(void *user, const struct config_loader *l)
{
	struct describe *d = user;
	const struct describe_level top = { .table = &config__main_table, .path = "", .object = l->root };

	d->l = l;
	d->depth = 1;
	eio_buf_addc(d->out, '{');
	describe_level(d, &top);
	if (d->form != CONFIG_DESCRIBE_JSON)
		end_line(d, false);
	else
		eio_buf_addc(d->out, '\n');
	EIO_BUF_ADD_LIT(d->out, "}\n");
}

static int
describe_with(struct describe *d, const struct config_flags *flags, config_report_fn report, void *user)
{
	const struct config_witness witness = { describe_all, d };
	struct config *c = config__load(flags, report, user, &witness);

	if (!c) return -1;
	config_free(c);
	return d->failed || eio_buf_failed(d->out) ? -1 : 0;
}

int
config_describe(const struct config_flags *flags, enum config_describe_form form, struct eio_buf *out,
	config_report_fn report, void *user)
{
	struct describe d = { .form = (int)form, .out = out };

	return describe_with(&d, flags, report, user);
}

static void
ignore_report(void *user, const struct config_report *r)
{
	(void)user;
	(void)r;
}

int
config_describe_defaults(struct eio_buf *out)
{
	static const struct config_flags flags = { .look = false };
	struct describe d = { .form = FORM_DEFAULTS, .out = out };

	return describe_with(&d, &flags, ignore_report, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Who may use the Admin UI, and where it is. */
#include "src/config/adminui.h"

#include "src/config/parts.h"
#include "src/config/values.h"

#include <stdlib.h>
#include <string.h>

enum { SERVER_ID_MAX = 255 };

const char *const config__ui_modes[] = { "production", "development", NULL };

void
config__ui_hash(struct config_loader *l, const cJSON *item, void *target)
{
	unsigned errors = l->notes.errors;
	const char *hash = target, *why;

	config__secret(l, item, target);
	if (cJSON_IsNull(item) || l->notes.errors != errors || !*hash) return;
	why = auth_login_hash_error(hash);
	if (why) config__error(l, item, "%s: it has %s", item->valuestring, why);
}

void
config__ui_auth(struct config_loader *l, const cJSON *item, void *target)
{
	bool *anonymous = target;

	*anonymous = cJSON_IsFalse(item);
	if (*anonymous || cJSON_IsNull(item)) return;
	config__error(l, item,
		"expected false, by which anybody may use it, not %s; who may is said by \"username\" and \"passwordFile\" "
		"beside it",
		config__type_name(item));
}

void
config__ui_page(struct config_loader *l, const cJSON *item, void *target)
{
	const char **out = target, *path = cJSON_IsString(item) ? item->valuestring : "";
	size_t n = strlen(path);
	char *whole;

	*out = NULL;
	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsString(item)) {
		config__error(
			l, item, "expected a path such as \"/admin-ui/\", or false, not %s", config__type_name(item));
		return;
	}
	while (n && path[n - 1] == '/') n--;
	if (path[0] != '/' || !n || strpbrk(path, "?#% \"\\") || strstr(path, "//") || strstr(path, "/.") ||
		!config__header_safe(path)) {
		config__error(l, item, "\"%s\" is no path such as \"/admin-ui/\"", path);
		return;
	}
	whole = config__alloc(l, n + 2);
	if (!whole) return;
	memcpy(whole, path, n);
	whole[n] = '/';
	*out = whole;
}

/* The whole */

/* A member of it, and where it stands. */
static const cJSON *
enter_ui(struct config_loader *l, const char *key, size_t *mark)
{
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(l->root, "adminUI");
	const cJSON *item = *key ? cJSON_GetObjectItemCaseSensitive(object, key) : object;

	*mark = config__push(l, "adminUI");
	config__push(l, key);
	return item;
}

static void
ui_error(struct config_loader *l, const char *key, const char *why)
{
	size_t mark;
	const cJSON *item = enter_ui(l, key, &mark);

	if (!config__is_wrong(l, item)) config__error(l, item, "%s", why);
	config__pop(l, mark);
}

/* Whether it is wanted: then somebody has to be let in, which is said in so many words. */
static bool
is_ui_wanted(struct config_loader *l)
{
	const struct config_parts *p = l->parts;
	const struct config_adminui *ui = &p->config.ui;
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(l->root, "adminUI");
	bool somebody = ui->username || *p->ui_hash;

	if (somebody && ui->anonymous) {
		ui_error(l, "auth", "false lets anybody in, and \"username\" and \"passwordFile\" only one");
	} else if (ui->username && !*p->ui_hash) {
		ui_error(l, "passwordFile", "it is missing: a file with the bcrypt hash of the password");
	} else if (*p->ui_hash && !ui->username) {
		ui_error(l, "username", "it is missing: the name that the password belongs to");
	} else if (!somebody && !ui->anonymous) {
		if (object && object->child && !config__is_wrong(l, object) &&
			!cJSON_GetObjectItemCaseSensitive(object, "username") &&
			!cJSON_GetObjectItemCaseSensitive(object, "passwordFile") &&
			!cJSON_GetObjectItemCaseSensitive(object, "auth"))
			ui_error(l, "",
				"it needs \"username\" and \"passwordFile\", or \"auth\": false, by which anybody may use it");
		return false;
	}
	return true;
}

static void
check_ui_namespace(struct config_loader *l)
{
	const char *nsp = l->parts->config.ui.nsp;

	if (!nsp || !config__namespace_valid(nsp) || strchr(nsp, '*') || strcmp(nsp, "/") == 0)
		ui_error(l, "namespaceName",
			"it needs a namespace of its own, such as \"/admin\": " CONFIG_NAMESPACE_WANTED);
	else if (namespace_specs_find(l->parts->namespaces, eio_cstr(nsp)))
		ui_error(l, "namespaceName", "that namespace stands in \"namespaces\"; it needs one of its own");
}

/* Files are looked for before Engine.IO is, so they must not be in its way. */
static void
check_ui_page(struct config_loader *l)
{
	const char *page = l->parts->config.ui.page, *path = l->parts->config.path;
	size_t n = page ? strlen(page) : 0, m = strlen(path);

	while (m && path[m - 1] == '/') m--;
	if (page && strncmp(page, path, m) == 0 && (m == n - 1 || path[m - 1] == '/'))
		ui_error(l, "page", "that is where \"path\" is: clients connect there");
}

static void
check_ui(struct config_loader *l)
{
	const struct config_adminui *ui = &l->parts->config.ui;

	check_ui_namespace(l);
	check_ui_page(l);
	if (ui->server_id && strlen(ui->server_id) > SERVER_ID_MAX) ui_error(l, "serverId", "more than 255 bytes");
}

static void
warn_of_open_ui(struct config_loader *l)
{
	const struct config *c = &l->parts->config;
	size_t mark;
	const cJSON *item = enter_ui(l, "auth", &mark);

	for (size_t i = 0; c->ui.anonymous && i < c->n_listen; i++) {
		if (config_listens_here_only(&c->listen[i])) continue;
		config__warn(l, item, "whoever reaches \"%s\" sees what is on this server", c->listen[i].text);
		break;
	}
	config__pop(l, mark);
}

void
config__ui_finish(struct config_loader *l)
{
	struct config_parts *p = l->parts;
	struct namespace_spec ns = { .is_ui = true,
		.is_watching = p->config.ui.mode == CONFIG_UI_DEVELOPMENT,
		.auth_given = true,
		.recovers_given = true };
	unsigned errors = l->notes.errors;

	p->config.has_ui = is_ui_wanted(l);
	if (!p->config.has_ui || !p->namespaces) return;
	check_ui(l);
	warn_of_open_ui(l);
	if (l->notes.errors != errors) return;
	ns.name = config__copy(l, p->config.ui.nsp);
	if (!ns.name || namespace_specs_add(p->namespaces, &ns) == 0) return;
	config__error_memory(l);
	free(ns.name);
}

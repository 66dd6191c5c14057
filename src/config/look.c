/* SPDX-License-Identifier: MIT */
/* Whether what the configuration names is there: so that a start does not fail one by one on what a check can tell at
 * once. */
#include "src/config/look.h"

#include "eio/buf.h"
#include "src/base/account.h"
#include "src/config/parts.h"
#include "src/config/tls.h"
#include "src/web/install.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

static void
look_at_folder(struct config_loader *l, const cJSON *item, const char *folder)
{
	int fd = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (folder && fd < 0) config__error(l, item, "%s: %s", folder, uv_strerror(-errno));
	if (fd >= 0) close(fd);
}

/* It need not be there, but the folder that it is in. */
static void
look_at_state_file(struct config_loader *l, const char *file)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(l->root, "stateFile");
	size_t mark = config__push(l, "stateFile");
	char folder[PATH_MAX];
	struct stat st;

	snprintf(folder, sizeof folder, "%s", file);
	look_at_folder(l, item, dirname(folder));
	if (lstat(file, &st) == 0 && !S_ISREG(st.st_mode)) config__error(l, item, "%s: it is no file", file);
	config__pop(l, mark);
}

static void
look_at_version(struct config_loader *l, const cJSON *item, const char *version)
{
	struct eio_buf there;

	eio_buf_init(&there);
	if (!install_has_version(version, &there)) {
		eio_buf_addc(&there, '\0');
		if (eio_buf_failed(&there))
			config__error_memory(l);
		else
			config__error(l, item, "version %s is not installed; %s%s", version,
				there.n > 1 ? "there are " : "none is", there.p);
	}
	eio_buf_deinit(&there);
}

static void
look_at_account(struct config_loader *l, const struct config *c)
{
	struct account a;
	enum account_fault fault = account_find(&a, c->user, c->group);
	const char *key = fault == ACCOUNT_NO_GROUP ? "group" : "user";
	size_t mark = config__push(l, key);

	if (fault == ACCOUNT_NOMEM)
		config__error_memory(l);
	else if (fault)
		config__error(l, cJSON_GetObjectItemCaseSensitive(l->root, key), "\"%s\": %s",
			fault == ACCOUNT_NO_GROUP ? c->group : c->user, account_fault_text(fault));
	config__pop(l, mark);
	account_deinit(&a);
}

void
config__look(struct config_loader *l)
{
	const struct config *c = &l->parts->config;
	const cJSON *client = cJSON_GetObjectItemCaseSensitive(l->root, "client");
	size_t mark;

	if (c->user) look_at_account(l, c);

	if (c->state_file) look_at_state_file(l, c->state_file);
	config__tls_look(l);
	mark = config__push(l, "www");
	look_at_folder(l, cJSON_GetObjectItemCaseSensitive(l->root, "www"), c->www);
	config__pop(l, mark);
	if (!c->serve_client) return;
	mark = config__push(l, "client.dir");
	look_at_folder(l, cJSON_GetObjectItemCaseSensitive(client, "dir"), c->client.dir);
	config__pop(l, mark);
	if (!c->client.version_given || !c->client.version) return;
	mark = config__push(l, "client.version");
	look_at_version(l, cJSON_GetObjectItemCaseSensitive(client, "version"), c->client.version);
	config__pop(l, mark);
}

/* SPDX-License-Identifier: MIT */
/* From the place of the program to that of the client files. */
#include "src/web/install.h"

#include "src/base/log.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Paths of what is installed. */
struct install_paths {
	char base[PATH_MAX + 64]; /* one folder below it for each version of the official client */
	char decoder[PATH_MAX + 64]; /* the folder of siocast.js */
	char page[PATH_MAX + 128]; /* that of the Admin UI's page */
};

static void
program_folder(char *out, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	out[len > 0 ? len : 0] = '\0';
	slash = strrchr(out, '/');
	if (slash) *slash = '\0';
}

static void
find_paths(struct install_paths *p)
{
	char folder[PATH_MAX], script[PATH_MAX + 64];

	program_folder(folder, sizeof folder);
	snprintf(script, sizeof script, "%s/client-js/siocast.js", folder);
	if (access(script, R_OK) == 0) {
		snprintf(p->base, sizeof p->base, "%s/client-js/official/node_modules", folder);
		snprintf(p->decoder, sizeof p->decoder, "%s/client-js", folder);
		snprintf(p->page, sizeof p->page, "%s/@socket.io/admin-ui/ui/dist", p->base);
	} else {
		snprintf(p->base, sizeof p->base, "%s", SIOCAST_CLIENT_DIR);
		snprintf(p->decoder, sizeof p->decoder, "%s", SIOCAST_CLIENT_DIR);
		snprintf(p->page, sizeof p->page, "%s/admin-ui", SIOCAST_CLIENT_DIR);
	}
}

static int
open_logged(struct files **out, const struct files_config *c)
{
	char err[256] = "";
	int e = files_open(out, c, err, sizeof err);

	if (e) log_error("event=files-failed error=\"%s\"", LOG_ESCAPE(eio_cstr(err)));
	return e ? -1 : 0;
}

/* The page is served if it is there: then the configuration has it. */
static void
add_page(struct files_config *c, const struct install_options *o, const struct install_paths *p)
{
	if (!o->page) return;
	c->page_path = o->page;
	if (access(p->page, R_OK) == 0)
		c->page_dir = p->page;
	else
		log_warn("event=no-admin-ui-page dir=\"%s\" hint=\"%s is not served\"", p->page, o->page);
}

/* The official client is served if it is there. */
static int
open_with_client(struct files **out, const struct install_options *o, const struct install_paths *p,
	const struct files_versions *installed)
{
	struct files_config c = {
		.client_path = o->path,
		.versions = installed->v,
		.versions_n = installed->n,
		.version = files_versions_choose(installed, o->version),
		.client_dir = o->dir,
		.legacy = o->legacy,
		.decoder_dir = p->decoder,
		.www_dir = o->www,
	};

	add_page(&c, o, p);
	if (open_logged(out, &c)) return -1;
	if (files_official_count(*out) == 0)
		log_warn("event=no-client-files dir=\"%s\" version=%s hint=\"socket.io.js is not served\"",
			o->dir ? o->dir : p->base, o->version);
	return 0;
}

int
install_open_files(struct files **out, const struct install_options *o)
{
	struct files_versions installed;
	struct install_paths paths;
	int e;

	find_paths(&paths);
	if (!o->serve_client) {
		struct files_config c = { .client_path = o->path, .www_dir = o->www };

		add_page(&c, o, &paths);
		return open_logged(out, &c);
	}
	e = files_versions_find(&installed, paths.base);
	if (e == 0)
		e = open_with_client(out, o, &paths, &installed);
	else
		log_error_errno(e, "event=files-failed");
	files_versions_deinit(&installed);
	return e ? -1 : 0;
}

bool
install_has_version(const char *version, struct eio_buf *there)
{
	struct files_versions installed;
	struct install_paths paths;
	bool has = false;

	find_paths(&paths);
	if (files_versions_find(&installed, paths.base))
		there->failed = true;
	else
		has = files_versions_choose(&installed, version) != NULL;
	if (!has) files_versions_list(&installed, there);
	files_versions_deinit(&installed);
	return has;
}

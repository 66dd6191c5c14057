/* SPDX-License-Identifier: MIT */
/* Log, files, and how many may be open. */
#include "src/opening.h"

#include "src/base/file_limit.h"
#include "src/base/log.h"
#include "src/web/install.h"

#include <inttypes.h>
#include <stdio.h>

int
opening_files(const struct config *c, struct files **out)
{
	const struct install_options o = {
		.www = c->www,
		.path = c->path,
		.serve_client = c->serve_client,
		.legacy = c->compat != CONFIG_COMPAT_4,
		.version = c->client.version,
		.dir = c->client.dir,
		.page = c->has_ui ? c->ui.page : NULL,
	};

	return install_open_files(out, &o);
}

int
opening_test(const struct config *c, const char *file)
{
	struct files *files;

	log_set_level((enum log_level)c->log_level);
	if (opening_files(c, &files)) return 1;
	files_close(files);
	printf("%s: ok", file ? file : "siocast");
	if (c->warnings) printf(", with %u warning%s", c->warnings, c->warnings > 1 ? "s" : "");
	printf("\n");
	return 0;
}

void
opening_limit(const struct config *c)
{
	uint64_t clients = c->limits.max_connections;

	file_limit_set(clients ? clients + c->intake_clients : 0);
}

/* What is kept free for who publishes: not all there is, where that is little. */
static uint64_t
share_of_intake(const struct config *c, uint64_t limit)
{
	return c->intake_clients < limit / 4 ? c->intake_clients : limit / 4;
}

uint64_t
opening_share(const struct config *c)
{
	uint64_t limit = file_limit_now(), wanted = c->limits.max_connections;
	uint64_t used = file_limit_used() + share_of_intake(c, limit);
	uint64_t got = limit ? file_limit_connections(limit, used, wanted) : wanted;

	log_info("event=files limit=%" PRIu64 " connections=%" PRIu64, limit, got);
	if (got < wanted)
		log_warn("event=few-files limits.maxConnections=%" PRIu64 " connections=%" PRIu64
			 " hint=\"the hard limit on open files is %" PRIu64 "\"",
			wanted, got, limit);
	return got;
}

int
opening_log(const struct config *c)
{
	int err;

	log_open();
	log_set_level((enum log_level)c->log_level);
	log_set_format((enum log_format)c->log_format);
	err = c->log_file ? log_set_file(c->log_file) : 0;
	if (err) log_error_errno(err, "event=log-failed file=\"%s\"", LOG_ESCAPE(eio_cstr(c->log_file)));
	if (err || !c->access_log || !*c->access_log) return err;
	err = log_set_access_file(c->access_log);
	if (err) log_error_errno(err, "event=log-failed file=\"%s\"", LOG_ESCAPE(eio_cstr(c->access_log)));
	return err;
}

void
opening_warn(const struct config *c)
{
	if (c->warnings) log_warn("event=configuration-warnings count=%u hint=\"siocast -t tells them\"", c->warnings);
}

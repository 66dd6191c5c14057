/* SPDX-License-Identifier: MIT */
/* From a file into the feed, and back. */
#include "src/state_file.h"

#include "src/base/archive_file.h"
#include "src/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

enum { SAVE_MS = 20000 }; /* the unit for systemd has 30 s for the whole end */

/* What could not be written at the end is better known at the start. */
static void
check_folder(const char *file)
{
	char folder[PATH_MAX];

	snprintf(folder, sizeof folder, "%s", file);
	if (access(dirname(folder), W_OK | X_OK))
		log_warn("event=state-not-writable file=\"%s\" error=\"%s\" hint=\"it needs to make a file in that "
			 "folder\"",
			LOG_ESCAPE(eio_cstr(file)), uv_strerror(-errno));
}

static const char in_memory[] = "(memory)";

static void
tell_not_loaded(const char *file, const char *why)
{
	log_warn("event=state-not-loaded file=\"%s\" reason=\"%s\" hint=\"all clients begin anew\"",
		LOG_ESCAPE(eio_cstr(file)), why);
}

static void
load_archive(const char *path, struct feed *feed, const struct archive_file *file)
{
	enum archive_fault fault = archive_check(file->all);
	uint64_t begun = uv_hrtime();
	struct feed_tally n;
	struct archive_in in;
	const char *why;

	if (fault) {
		tell_not_loaded(path, archive_fault_text(fault));
		return;
	}
	in = archive_open(file->all);
	why = feed_restore(feed, &in, &n);
	if (why)
		tell_not_loaded(path, why);
	else
		log_info("event=state-loaded file=\"%s\" bytes=%zu sessions=%zu broadcasts=%zu retained=%zu "
			 "positions=%zu ms=%" PRIu64,
			LOG_ESCAPE(eio_cstr(path)), file->all.n, n.sessions, n.broadcasts, n.retained, n.places,
			(uv_hrtime() - begun) / 1000000);
}

void
state_memory_take(int fd, struct feed *feed)
{
	struct archive_file file;
	int err = archive_memory_take(fd, &file);

	if (err) {
		tell_not_loaded(in_memory, uv_strerror(err));
	} else {
		load_archive(in_memory, feed, &file);
		archive_file_free(&file);
	}
}

void
state_file_load(const char *path, struct feed *feed)
{
	struct archive_file file;
	int err;

	if (!path) return;
	check_folder(path);
	err = archive_file_take(path, &file);
	if (err == -ENOENT) {
		log_info("event=no-state file=\"%s\"", LOG_ESCAPE(eio_cstr(path)));
	} else if (err) {
		tell_not_loaded(path, uv_strerror(err));
	} else {
		load_archive(path, feed, &file);
		archive_file_free(&file);
	}
}

struct saving {
	struct feed *feed;
	struct feed_tally tally;
};

static void
fill_state(void *user, struct archive_out *out)
{
	struct saving *s = user;

	feed_save(s->feed, out, &s->tally);
}

static void
tell_saved(const char *path, int err, const struct saving *s, uint64_t bytes, uint64_t begun)
{
	if (err)
		log_error_errno(err, "event=state-not-saved file=\"%s\" hint=\"all clients will begin anew\"",
			LOG_ESCAPE(eio_cstr(path)));
	else
		log_info("event=state-saved file=\"%s\" bytes=%" PRIu64
			 " sessions=%zu broadcasts=%zu retained=%zu positions=%zu ms=%" PRIu64,
			LOG_ESCAPE(eio_cstr(path)), bytes, s->tally.sessions, s->tally.broadcasts, s->tally.retained,
			s->tally.places, (uv_hrtime() - begun) / 1000000);
}

void
state_file_save(const char *path, struct feed *feed)
{
	struct saving s = { .feed = feed };
	uint64_t begun = uv_hrtime(), bytes = 0;
	int err;

	if (!path) return;
	err = archive_file_write(path, SAVE_MS, fill_state, &s, &bytes);
	tell_saved(path, err, &s, bytes, begun);
}

int
state_memory_give(struct feed *feed)
{
	struct saving s = { .feed = feed };
	uint64_t begun = uv_hrtime(), bytes = 0;
	int fd = archive_memory_write(SAVE_MS, fill_state, &s, &bytes);

	tell_saved(in_memory, fd < 0 ? fd : 0, &s, bytes, begun);
	return fd < 0 ? -1 : fd;
}

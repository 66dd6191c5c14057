/* SPDX-License-Identifier: MIT */
/* The names of options in the log, and in an answer. */
#include "src/reload_changes.h"

#include "sio/json.h"
#include "src/base/log.h"

enum { KEYS_MAX = 3500 }; /* bytes of names in one line of the log */

/* The paths of the live ones, or of the others, each behind a comma but the first. quoted: as JSON. */
static size_t
write_paths(const struct config_change *all, size_t n, bool live, bool quoted, struct eio_buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < n; i++) {
		if ((all[i].group != CONFIG_GROUP_NONE) != live) continue;
		if (told++) eio_buf_addc(out, ',');
		if (quoted)
			sio_json_escape(out, eio_cstr(all[i].path));
		else
			eio_buf_add(out, eio_cstr(all[i].path));
	}
	return told;
}

void
reload_log_changes(const struct config_change *all, size_t n, bool live)
{
	struct eio_buf b;
	size_t told;

	eio_buf_init(&b);
	told = write_paths(all, n, live, false, &b);
	eio_buf_addc(&b, '\0');
	if (!eio_buf_failed(&b) && live)
		log_info("event=reloaded options=%zu changed=\"%.*s\"", told, KEYS_MAX, b.p);
	else if (!eio_buf_failed(&b) && told)
		log_warn(
			"event=restart-needed options=%zu unchanged=\"%.*s\" hint=\"they stay as they were at the start\"",
			told, KEYS_MAX, b.p);
	eio_buf_deinit(&b);
}

void
reload_answer_changes(const struct config_change *all, size_t n, struct eio_buf *answer)
{
	EIO_BUF_ADD_LIT(answer, "{\"changed\":[");
	write_paths(all, n, true, true, answer);
	EIO_BUF_ADD_LIT(answer, "],\"needsRestart\":[");
	write_paths(all, n, false, true, answer);
	EIO_BUF_ADD_LIT(answer, "]}\n");
}

/* SPDX-License-Identifier: MIT */
/* What is not counted but looked up when somebody asks: the program, its process, and how much is left of it. */
#ifndef SRC_ADMIN_ABOUT_H
#define SRC_ADMIN_ABOUT_H

#include "eio/buf.h"
#include "src/base/process.h"

struct about {
	const char *version, *libuv; /* of the program and of the library */
	uint64_t started_ms; /* since 1970 */
	unsigned busy_permille; /* of the busiest thread */
	struct process_figures process;
};

/* Appends families in the text format of Prometheus: build_info and capacity_ratio with the prefix "siocast_", and
 * process_* under the names that Prometheus' own clients use. */
void about_write_prometheus(const struct about *a, struct eio_buf *out);

/* Appends members of a JSON object, without a comma around them. */
void about_write_json(const struct about *a, struct eio_buf *out);

#endif

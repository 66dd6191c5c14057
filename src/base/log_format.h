/* SPDX-License-Identifier: MIT */
/*
 * A line of the log as JSON. Lines are made of key=value, where a value is a word or stands between double quotes; so
 * they can be taken apart again, and whoever logs need not know how it is written.
 *
 * Pure functions.
 */
#ifndef SRC_BASE_LOG_FORMAT_H
#define SRC_BASE_LOG_FORMAT_H

#include "eio/bytes.h"

#include <stddef.h>

/* Writes {"time":…,"level":…,KEY:VALUE,…} without a line feed, time left out when it is NULL. All values are strings,
 * with what stood between the quotes as it stood there; what is not a pair is the value of "text". Returns the length,
 * which is at most size: what does not fit is cut or left out, and the rest is valid JSON still. size: at least
 * LOG_FORMAT_MIN. */
enum { LOG_FORMAT_MIN = 128 };
size_t log_format_json(char *out, size_t size, const char *time, const char *level, struct eio_bytes line);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per event, on stderr or in a file,
 *     2026-11-23T04:45:11.123Z info  redis=127.0.0.1:6379 event=connected
 * written whole, so lines of several threads never mix. A line that nobody would take in is dropped instead of waited
 * for: how many were is a line of its own, event=log-lines-dropped, as soon as there is room. Level by who must act:
 * error = the operator now, warn = the operator soon, info = lifecycle, debug = who wonders why nothing arrives. What a
 * peer can cause at will is counted in metrics and logged at debug only, and its rate is bounded.
 *
 * Threads: everything may be called from any thread, except log_limit (see there).
 */
#ifndef SRC_BASE_LOG_H
#define SRC_BASE_LOG_H

#include "eio/bytes.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Has lines written without waiting for whoever reads stderr, also when another process writes there. Where that is
 * systemd's journal, which has a time of its own, lines begin with their priority, as <6>, and have no time. Call it
 * before there are threads. */
void log_open(void);

/* How lines are written from now on. */
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
void log_set_format(enum log_format format);

/* Has lines written to the end of a file from now on, which is made if it is not there (mode 0640); the path is
 * borrowed for good. Before there are threads, and not once there are. 0 or an errno value. */
int log_set_file(const char *path);

/* The same for the access log, which has no level: without a file its lines go into the log, as info. */
int log_set_access_file(const char *path);

/* Gives these files to a user, who will have to open them again. 0 or an errno value, and then *file is the one;
 * without files 0. */
int log_give_files(uid_t uid, gid_t gid, const char **file);

/* Opens these files again, since the old ones were given other names. When that fails lines go on into the old ones.
 * Any thread. 0 or the last errno value, and then *file is the one; without files 0. */
int log_reopen(const char **file);

/* How many lines were dropped since the start. */
uint64_t log_dropped(void);

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Whether lines that come again and again are bounded from now on, told apart by where they are written:
 * LOG_REPEATS_BURST in LOG_REPEATS_MS (base/log_repeats.h), and then one, event=repeated, that says how many more there
 * were. Lines of the access log are not, and neither are those of log_limited. At start they are not; see
 * base/log_watch.h. */
void log_bound_repeats(bool on);

/* Writes how many more there were of those whose time is over, or of all. */
void log_tell_repeats(bool all);

/* Lines above this level are not written. At start it is info. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A line of the access log. */
void log_access(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The same with ` error="<text of err>"` at the end; err is an errno value, positive or negative, or a libuv error. */
void log_error_errno(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Bytes of a peer, made fit to stand between double quotes in a line: printable ASCII stays, the rest, quotes and
 * backslashes become \xHH; what does not fit ends in "...". Returns out, which always ends in NUL; out_size >= 4. */
const char *log_escape(struct eio_bytes s, char *out, size_t out_size);

#define LOG_ESCAPE_MAX 128
/* As an argument of a log call: the text lives until the end of the enclosing block. */
#define LOG_ESCAPE(s) log_escape((s), (char[LOG_ESCAPE_MAX]){ 0 }, LOG_ESCAPE_MAX)

/* Bounds the rate of one kind of line: at most LOG_LIMIT_BURST lines in LOG_LIMIT_MS. All zero is its start.
 * One thread owns it. */
#define LOG_LIMIT_BURST 5
#define LOG_LIMIT_MS 10000
struct log_limit {
	uint64_t since_ms;
	unsigned written;
	uint64_t suppressed;
};

/* Whether a line may be written now. When true, *suppressed is how many were left out before it. */
bool log_limit_pass(struct log_limit *l, uint64_t now_ms, uint64_t *suppressed);

/* A line of a kind whose rate is bounded, with ` suppressed=<lines left out before it>` at the end. */
void log_limited(enum log_level level, struct log_limit *limit, uint64_t now_ms, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The same at debug: the way to tell of what a peer can cause at will. While debug is off, which is nearly always,
 * none of the arguments is evaluated, so they may cost something. */
#define LOG_DEBUG_LIMITED(limit, now_ms, ...) \
	do { \
		if (log_enabled(LOG_LEVEL_DEBUG)) log_limited(LOG_LEVEL_DEBUG, (limit), (now_ms), __VA_ARGS__); \
	} while (0)

#endif

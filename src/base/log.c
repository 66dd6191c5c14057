/* SPDX-License-Identifier: MIT */
/* The log: formats one line in stack buffers. How it leaves is log_output.c's. */
#include "src/base/log.h"

#include "src/base/log_format.h"
#include "src/base/log_output.h"
#include "src/base/log_repeats.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <uv.h>

enum {
	LINE_MAX_BYTES = LOG_OUTPUT_MAX,
	TIME_MAX = 32,
};

static const char *const names[] = { "error", "warn", "info", "debug" };
/* As syslog numbers them: err, warning, info, debug. */
static const char priorities[] = { '3', '4', '6', '7' };
static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_int line_format = LOG_FORMAT_TEXT;
static bool to_journal; /* set before there are threads */
static atomic_bool bounded; /* lines that come again and again */

void
log_open(void)
{
	log_output_open();
	to_journal = log_output_is_journal();
}

void
log_set_format(enum log_format format)
{
	atomic_store_explicit(&line_format, (int)format, memory_order_relaxed);
}

int
log_set_file(const char *path)
{
	int err = log_output_file(LOG_OUTPUT_LOG, path);

	if (!err) to_journal = false;
	return err;
}

int
log_set_access_file(const char *path)
{
	return log_output_file(LOG_OUTPUT_ACCESS, path);
}

int
log_give_files(uid_t uid, gid_t gid, const char **file)
{
	int err = 0;

	for (enum log_output o = 0; o < LOG_OUTPUTS && !err; o++) {
		*file = log_output_path(o);
		err = log_output_give(o, uid, gid);
	}
	return err;
}

int
log_reopen(const char **file)
{
	int err = 0;

	for (enum log_output o = 0; o < LOG_OUTPUTS; o++) {
		int failed = log_output_reopen(o);

		if (!failed) continue;
		*file = log_output_path(o);
		err = failed;
	}
	return err;
}

uint64_t
log_dropped(void)
{
	return log_output_dropped();
}

void
log_set_level(enum log_level level)
{
	atomic_store_explicit(&threshold, (int)level, memory_order_relaxed);
}

bool
log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&threshold, memory_order_relaxed);
}

/* Writes "2026-11-23T04:45:11.123Z". */
static void
write_time(char out[TIME_MAX])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + n, TIME_MAX - n, ".%03dZ", (int)(ts.tv_nsec / 1000000 % 1000));
}

/* What is said, in the form that was chosen, with its line feed. Returns the length. */
static size_t
compose_line(char line[LINE_MAX_BYTES], enum log_output to, enum log_level level, struct eio_bytes text)
{
	bool journal = to == LOG_OUTPUT_LOG && to_journal;
	char time[TIME_MAX];
	size_t n = 0;

	if (journal) n = (size_t)snprintf(line, LINE_MAX_BYTES, "<%c>", priorities[level]);
	if (!journal) write_time(time);
	if (atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_FORMAT_JSON) {
		n += log_format_json(line + n, LINE_MAX_BYTES - n - 1, journal ? NULL : time, names[level], text);
	} else {
		if (!journal) n += (size_t)snprintf(line + n, LINE_MAX_BYTES - n, "%s ", time);
		n += (size_t)snprintf(line + n, LINE_MAX_BYTES - n, "%-5s ", names[level]);
		if (text.n > LINE_MAX_BYTES - 1 - n) text.n = LINE_MAX_BYTES - 1 - n;
		memcpy(line + n, text.p, text.n);
		n += text.n;
	}
	line[n++] = '\n';
	return n;
}

/* A line feed inside a line would forge a second one. Everything else is the caller's duty (log_escape). */
static void
flatten_line(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\n' || p[i] == '\r') p[i] = ' ';
}

/* The errno value or libuv code as text; libuv's names are errno values negated, and its own beyond them. Those of the
 * system that it does not know it would put into memory that nobody frees. */
static const char *
error_text(int err)
{
	static _Thread_local char text[128];
	int code = err > 0 ? -err : err;

	uv_err_name_r(code, text, sizeof text);
	if (strncmp(text, "Unknown ", 8) == 0) return strerror_r(-code, text, sizeof text);
	return uv_strerror(code);
}

/* What stands behind the caller's text. */
struct log_tail {
	enum log_output to;
	int err; /* 0: none */
	bool always; /* however often it comes: nobody counts lines of the access log */
	bool limited;
	uint64_t suppressed; /* of a limited line */
};

/* Lets what snprintf wrote, or would have written, behind n bytes count as far as there is room. */
static size_t
line_grown(size_t n, int written)
{
	if (written > 0) n += (size_t)written;
	return n < LINE_MAX_BYTES - 1 ? n : LINE_MAX_BYTES - 1;
}

/* What was dropped is told as soon as something can be. */
static void
tell_dropped(enum log_output to)
{
	uint64_t dropped = log_output_untold(to);
	char text[64], line[LINE_MAX_BYTES];
	size_t n;

	if (!dropped) return;
	snprintf(text, sizeof text, "event=log-lines-dropped lines=%" PRIu64, dropped);
	n = compose_line(line, to, LOG_LEVEL_WARN, eio_cstr(text));
	if (log_output_write(to, line, n)) log_output_told(to);
}

static void
send_line(enum log_output to, enum log_level level, struct eio_bytes text)
{
	char line[LINE_MAX_BYTES];
	size_t n = compose_line(line, to, level, text);

	log_output_lock(to);
	tell_dropped(to);
	log_output_write(to, line, n);
	log_output_unlock(to);
}

/* What a kind of line is called: its event, or how it begins. */
static struct eio_bytes
name_of_repeated(const char *format)
{
	const char *event = strstr(format, "event=");
	const char *name = event ? event + strlen("event=") : format;

	return eio_bytes(name, strcspn(name, " %"));
}

static uint64_t
log_now_ms(void)
{
	return uv_hrtime() / 1000000;
}

static void
tell_repeated(uint64_t now, bool all)
{
	struct log_repeated r;
	char text[160];

	while (log_repeats_take(now, all, &r)) {
		int n = snprintf(text, sizeof text, "event=repeated line=\"%s\" times=%" PRIu64,
			LOG_ESCAPE(name_of_repeated(r.format)), r.lines);

		send_line(LOG_OUTPUT_LOG, (enum log_level)r.level, eio_bytes(text, (size_t)n));
	}
}

void
log_bound_repeats(bool on)
{
	atomic_store_explicit(&bounded, on, memory_order_relaxed);
}

void
log_tell_repeats(bool all)
{
	tell_repeated(log_now_ms(), all);
}

/* Whether this line is one too many of its kind. */
static bool
is_repeated(enum log_level level, const struct log_tail *tail, const char *fmt)
{
	uint64_t now;

	if (tail->always || tail->limited || !atomic_load_explicit(&bounded, memory_order_relaxed)) return false;
	now = log_now_ms();
	tell_repeated(now, false);
	return !log_repeats_pass(fmt, (int)level, now);
}

static void write_line(enum log_level level, const struct log_tail *tail, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void
write_line(enum log_level level, const struct log_tail *tail, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];
	int saved = errno;
	size_t n;

	if (tail->to == LOG_OUTPUT_LOG && !log_enabled(level)) return;
	if (is_repeated(level, tail, fmt)) {
		errno = saved;
		return;
	}
	n = line_grown(0, vsnprintf(text, sizeof text, fmt, ap));
	if (tail->err) n = line_grown(n, snprintf(text + n, sizeof text - n, " error=\"%s\"", error_text(tail->err)));
	if (tail->limited)
		n = line_grown(n, snprintf(text + n, sizeof text - n, " suppressed=%" PRIu64, tail->suppressed));
	flatten_line(text, n);
	send_line(tail->to, level, eio_bytes(text, n));
	errno = saved;
}

#define LOG_BODY(level, ...) \
	do { \
		const struct log_tail tail = { __VA_ARGS__ }; \
		va_list ap; \
		va_start(ap, fmt); \
		write_line((level), &tail, fmt, ap); \
		va_end(ap); \
	} while (0)

void
log_error(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR, .err = 0);
}

void
log_warn(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_WARN, .err = 0);
}

void
log_info(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO, .err = 0);
}

void
log_access(const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_INFO, .to = log_output_path(LOG_OUTPUT_ACCESS) ? LOG_OUTPUT_ACCESS : LOG_OUTPUT_LOG,
		.always = true);
}

void
log_error_errno(int err, const char *fmt, ...)
{
	LOG_BODY(LOG_LEVEL_ERROR, .err = err);
}

static bool
stays_plain(char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

/* Whether all of s, escaped, and its NUL fit into size bytes. */
static bool
fits_escaped(struct eio_bytes s, size_t size)
{
	size_t n = 1;

	for (size_t i = 0; i < s.n && n <= size; i++) n += stays_plain(s.p[i]) ? 1 : 4;
	return n <= size;
}

const char *
log_escape(struct eio_bytes s, char *out, size_t out_size)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = 0, end = fits_escaped(s, out_size) ? out_size - 1 : out_size - sizeof "...";

	for (size_t i = 0; i < s.n && n + (stays_plain(s.p[i]) ? 1 : 4) <= end; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (stays_plain(s.p[i])) {
			out[n++] = s.p[i];
			continue;
		}
		out[n++] = '\\';
		out[n++] = 'x';
		out[n++] = hex[c >> 4];
		out[n++] = hex[c & 15];
	}
	if (end < out_size - 1) {
		memcpy(out + n, "...", 3);
		n += 3;
	}
	out[n] = '\0';
	return out;
}

bool
log_limit_pass(struct log_limit *l, uint64_t now_ms, uint64_t *suppressed)
{
	if (l->written == 0 || now_ms - l->since_ms >= LOG_LIMIT_MS) {
		l->since_ms = now_ms;
		l->written = 0;
	}
	if (l->written == LOG_LIMIT_BURST) {
		l->suppressed++;
		return false;
	}
	l->written++;
	*suppressed = l->suppressed;
	l->suppressed = 0;
	return true;
}

void
log_limited(enum log_level level, struct log_limit *limit, uint64_t now_ms, const char *fmt, ...)
{
	uint64_t suppressed;

	if (!log_enabled(level) || !log_limit_pass(limit, now_ms, &suppressed)) return;
	LOG_BODY(level, .limited = true, .suppressed = suppressed);
}

/* SPDX-License-Identifier: MIT */
/* Values become text one after the other; what is open lies in a list, not on the stack of calls. */
#include "src/msgpack/json.h"

#include "sio/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* An array or a map that is not complete. */
struct json_level {
	size_t left; /* elements, or keys with their values */
	bool is_map, any;
};

struct json_writer {
	struct msgpack_reader reader;
	struct msgpack_json *out;
	struct json_level levels[MSGPACK_MAX_DEPTH];
	size_t depth;
};

/* Scalars */

static void
write_int(struct eio_buf *out, const struct msgpack_value *v)
{
	if (v->kind == MSGPACK_UINT)
		eio_buf_append_u64(out, v->u);
	else
		eio_buf_printf(out, "%" PRId64, v->i);
}

/* The shortest text that is the same number. */
static void
write_float(struct eio_buf *out, double f)
{
	char text[40] = "null";

	if (f > -1e15 && f < 1e15 && (double)(int64_t)f == f) {
		snprintf(text, sizeof text, "%" PRId64, (int64_t)f);
	} else if (isfinite(f)) {
		for (int digits = 15; digits <= 17; digits++) {
			snprintf(text, sizeof text, "%.*g", digits, f);
			if (strtod(text, NULL) == f) break;
		}
	}
	eio_buf_add(out, eio_cstr(text));
}

/* The days since 1970 of the first of January of a year, in the calendar that goes on forever both ways. */
static int64_t
days_before(int64_t year)
{
	int64_t y = year - 1;
	int64_t fourth = y >= 0 ? y / 4 : -((3 - y) / 4), century = y >= 0 ? y / 100 : -((99 - y) / 100);
	int64_t fourth_century = y >= 0 ? y / 400 : -((399 - y) / 400);

	return 365 * y + fourth - century + fourth_century - 719162;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* As toISOString() has it: years that have not four digits have a sign and six. */
static void
write_date(struct eio_buf *out, int64_t ms)
{
	static const unsigned char months[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t day_ms = 86400000, days = ms / day_ms, rest = ms % day_ms, year;
	unsigned month = 0, length, second;

	if (rest < 0) {
		rest += day_ms;
		days--;
	}
	second = (unsigned)(rest / 1000);
	year = 1970 + days / 366;
	if (days < 0) year = 1970 + days / 365 - 1;
	while (days_before(year + 1) <= days) year++;
	days -= days_before(year);
	while (days >= (length = months[month] + (month == 1 && is_leap(year)))) {
		days -= length;
		month++;
	}
	eio_buf_printf(out, year < 0 || year > 9999 ? "\"%+07" PRId64 : "\"%04" PRId64, year);
	eio_buf_printf(out, "-%02u-%02uT%02u:%02u:%02u.%03uZ\"", month + 1, (unsigned)days + 1, second / 3600,
		second / 60 % 60, second % 60, (unsigned)(rest % 1000));
}

static enum msgpack_result
write_attachment(struct msgpack_json *out, struct eio_bytes bytes)
{
	if (out->n_attachments == SIO_MAX_ATTACHMENTS) return MSGPACK_MANY;
	EIO_BUF_ADD_LIT(&out->text, "{\"_placeholder\":true,\"num\":");
	eio_buf_append_u64(&out->text, out->n_attachments);
	eio_buf_addc(&out->text, '}');
	out->attachments[out->n_attachments++] = bytes;
	return MSGPACK_OK;
}

static enum msgpack_result
write_scalar(struct msgpack_json *out, const struct msgpack_value *v)
{
	struct eio_buf *text = &out->text;

	switch (v->kind) {
	case MSGPACK_FALSE: EIO_BUF_ADD_LIT(text, "false"); break;
	case MSGPACK_TRUE: EIO_BUF_ADD_LIT(text, "true"); break;
	case MSGPACK_UINT:
	case MSGPACK_INT: write_int(text, v); break;
	case MSGPACK_FLOAT: write_float(text, v->f); break;
	case MSGPACK_STRING: sio_json_escape(text, v->bytes); break;
	case MSGPACK_DATE: write_date(text, v->i); break;
	case MSGPACK_BINARY: return write_attachment(out, v->bytes);
	default: EIO_BUF_ADD_LIT(text, "null"); break;
	}
	return MSGPACK_OK;
}

/* Structure */

static enum msgpack_result
open_level(struct json_writer *w, const struct msgpack_value *v)
{
	bool is_map = v->kind == MSGPACK_MAP;

	if (w->depth == MSGPACK_MAX_DEPTH) return MSGPACK_DEEP;
	w->levels[w->depth++] = (struct json_level){ .left = v->n, .is_map = is_map };
	eio_buf_addc(&w->out->text, is_map ? '{' : '[');
	return MSGPACK_OK;
}

static void
close_levels(struct json_writer *w)
{
	while (w->depth && w->levels[w->depth - 1].left == 0)
		eio_buf_addc(&w->out->text, w->levels[--w->depth].is_map ? '}' : ']');
}

/* Numbers are names, too, as everything is that a property of an object has. */
static bool
write_name(struct json_writer *w)
{
	struct eio_buf *text = &w->out->text;
	struct msgpack_value key;

	if (!msgpack_read(&w->reader, &key)) return false;
	if (key.kind == MSGPACK_STRING) {
		sio_json_escape(text, key.bytes);
	} else if (key.kind == MSGPACK_UINT || key.kind == MSGPACK_INT) {
		eio_buf_addc(text, '"');
		write_int(text, &key);
		eio_buf_addc(text, '"');
	} else {
		return false;
	}
	eio_buf_addc(text, ':');
	return true;
}

/* The next value, with what stands before it. */
static enum msgpack_result
write_next(struct json_writer *w)
{
	struct json_level *in = w->depth ? &w->levels[w->depth - 1] : NULL;
	struct eio_buf *text = &w->out->text;
	struct msgpack_value v;
	size_t mark = text->n;

	if (in) {
		in->left--;
		if (in->any) eio_buf_addc(text, ',');
		if (in->is_map && !write_name(w)) return MSGPACK_BAD;
	}
	if (!msgpack_read(&w->reader, &v)) return MSGPACK_BAD;
	if (v.kind == MSGPACK_UNDEFINED && in && in->is_map) {
		if (!eio_buf_failed(text)) text->n = mark;
		return MSGPACK_OK;
	}
	if (in) in->any = true;
	if (v.kind == MSGPACK_ARRAY || v.kind == MSGPACK_MAP) return open_level(w, &v);
	return write_scalar(w->out, &v);
}

enum msgpack_result
msgpack_to_json(struct eio_bytes bytes, enum msgpack_dialect dialect, struct msgpack_json *out)
{
	struct json_writer w;
	enum msgpack_result r;

	w.reader = (struct msgpack_reader){ bytes, dialect };
	w.out = out;
	w.depth = 0;
	do {
		r = write_next(&w);
		if (r != MSGPACK_OK) return r;
		close_levels(&w);
	} while (w.depth);
	if (eio_buf_failed(&out->text)) return MSGPACK_NOMEM;
	return w.reader.rest.n ? MSGPACK_BAD : MSGPACK_OK;
}

/* SPDX-License-Identifier: MIT */
/* Lines of a recording. */
#include "src/tools/tape.h"

#include "eio/base64.h"
#include "eio/utf8.h"
#include "sio/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
tape_write(struct eio_buf *out, const struct tape_line *line)
{
	eio_buf_printf(out, "{\"ms\":%llu.%03u,\"channel\":", (unsigned long long)(line->us / 1000),
		(unsigned)(line->us % 1000));
	sio_json_escape(out, line->channel);
	if (eio_utf8_valid(line->message)) {
		EIO_BUF_ADD_LIT(out, ",\"message\":");
		sio_json_escape(out, line->message);
	} else {
		size_t n = eio_base64_encoded_len(line->message.n);
		char *to;

		EIO_BUF_ADD_LIT(out, ",\"base64\":\"");
		to = eio_buf_reserve(out, n);
		if (to) out->n += eio_base64_encode(to, line->message);
		eio_buf_addc(out, '"');
	}
	EIO_BUF_ADD_LIT(out, "}\n");
}

static bool
find_string(struct eio_bytes json, const char *pointer, struct eio_bytes *out)
{
	return sio_json_find(json, eio_cstr(pointer), out) && sio_json_kind(*out) == SIO_JSON_STRING;
}

static bool
read_ms(struct eio_bytes json, uint64_t *us)
{
	struct eio_bytes value;
	char digits[32];
	double ms;

	if (!sio_json_find(json, EIO_LIT("/ms"), &value) || sio_json_kind(value) != SIO_JSON_NUMBER) return false;
	if (value.n >= sizeof digits) return false;
	memcpy(digits, value.p, value.n);
	digits[value.n] = '\0';
	ms = strtod(digits, NULL);
	if (!(ms >= 0 && ms < 1e13)) return false;
	*us = (uint64_t)llround(ms * 1000);
	return true;
}

/* In place: what scratch holds from `from` on is base64, and becomes what that stands for. */
static bool
decode_tail(struct eio_buf *scratch, size_t from)
{
	ssize_t n = eio_base64_decode(scratch->p + from, eio_bytes(scratch->p + from, scratch->n - from));

	if (n >= 0) scratch->n = from + (size_t)n;
	return n >= 0;
}

const char *
tape_read(struct eio_bytes text, struct eio_buf *scratch, struct tape_line *out)
{
	struct eio_bytes channel, message;
	bool plain;
	size_t n;

	eio_buf_clear(scratch);
	if (sio_json_check(text)) return "not one JSON value";
	if (!read_ms(text, &out->us)) return "\"ms\" is missing, or no number from 0 on";
	if (!find_string(text, "/channel", &channel)) return "\"channel\" is missing, or no string";
	plain = find_string(text, "/message", &message);
	if (!plain && !find_string(text, "/base64", &message)) return "neither \"message\" nor \"base64\" is a string";
	sio_json_unescape(scratch, channel);
	n = scratch->n;
	sio_json_unescape(scratch, message);
	if (eio_buf_failed(scratch)) return "out of memory";
	if (!plain && !decode_tail(scratch, n)) return "\"base64\" is not base64";
	out->channel = eio_bytes(scratch->p, n);
	out->message = eio_bytes(scratch->p + n, scratch->n - n);
	return NULL;
}

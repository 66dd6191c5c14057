/* SPDX-License-Identifier: MIT */
/*
 * JSONP both ways. Any bytes as the body of a POST; and any payload escaped as
 * the official clients do it, which must come back. An answer must be a
 * JavaScript string that means the payload; since JSON is JavaScript, the JSON
 * reader of sio/ judges it.
 */
#include "eio/jsonp.h"
#include "eio/query.h"
#include "eio/utf8.h"
#include "sio/json.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
decode_any(struct eio_bytes in)
{
	char *body = malloc(in.n ? in.n : 1);
	ssize_t n;

	if (!body) return;
	if (in.n) memcpy(body, in.p, in.n);
	n = eio_jsonp_decode(body, in.n);
	if (n > 0 && (size_t)n > in.n) abort();
	free(body);
}

/* A newline becomes a backslash and an n; what was that already gets a backslash more. */
static void
append_escaped(struct eio_buf *form, struct eio_bytes s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			EIO_BUF_ADD_LIT(form, "%5Cn");
		else if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == 'n')
			EIO_BUF_ADD_LIT(form, "%5C%5C");
		else
			eio_buf_printf(form, "%%%02X", (unsigned char)s.p[i]);
	}
}

/* Clients never have a backslash right before a newline: JSON does not. */
static bool
ambiguous(struct eio_bytes s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '\\' && s.p[i + 1] == '\n') return true;
	return false;
}

static void
post(struct eio_bytes payload)
{
	struct eio_buf form;
	ssize_t n;

	if (ambiguous(payload)) return;
	eio_buf_init(&form);
	EIO_BUF_ADD_LIT(&form, "a=1&d=");
	append_escaped(&form, payload);
	EIO_BUF_ADD_LIT(&form, "&e");
	n = eio_jsonp_decode(form.p, form.n);
	if (n < 0 || !eio_bytes_eq(eio_bytes(form.p, (size_t)n), payload)) abort();
	eio_buf_deinit(&form);
}

static void
answer(struct eio_bytes payload)
{
	static const char head[] = "___eio[17](", tail[] = ");";
	struct eio_buf out, back;
	struct eio_bytes string;

	if (!eio_utf8_valid(payload)) return;
	eio_buf_init(&out);
	eio_buf_init(&back);
	eio_jsonp_append(&out, EIO_LIT("1;alert()7"), payload);
	if (!eio_bytes_starts(eio_buf_bytes(&out), EIO_LIT(head))) abort();
	string = eio_bytes(out.p + sizeof(head) - 1, out.n - (sizeof(head) - 1) - (sizeof(tail) - 1));
	if (sio_json_check(string)) abort();
	sio_json_unescape(&back, string);
	if (!eio_bytes_eq(eio_buf_bytes(&back), payload)) abort();
	eio_buf_deinit(&back);
	eio_buf_deinit(&out);
}

static void
query(struct eio_bytes any)
{
	struct eio_buf out;

	eio_buf_init(&out);
	if (eio_query_get(any, EIO_LIT("sid"), &out)) {
		if (out.n > any.n || !eio_query_is(any, EIO_LIT("sid"), eio_buf_bytes(&out))) abort();
	} else if (eio_query_is(any, EIO_LIT("sid"), EIO_LIT(""))) {
		abort();
	}
	eio_buf_deinit(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes in = eio_bytes(data, size);

	decode_any(in);
	post(in);
	answer(in);
	query(in);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Any message through omit, payload and spread of a feed. The first byte chooses encode, format and what else there is;
 * then a line with pointers to omit, with blanks between them, a line with a payload, and the message. What leaves must
 * be what is said of it: JSON, arguments, UTF-8; and what was cut out must be gone.
 */
#include "eio/utf8.h"
#include "sio/error.h"
#include "sio/json.h"
#include "src/feed/shape.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct eio_bytes
cut_off(struct eio_bytes *rest, char at)
{
	const char *end = rest->n ? memchr(rest->p, at, rest->n) : NULL;
	struct eio_bytes part = eio_bytes(rest->p, end ? (size_t)(end - rest->p) : rest->n);

	*rest = end ? eio_bytes(end + 1, rest->n - part.n - 1) : eio_bytes(rest->p + rest->n, 0);
	return part;
}

/* Nothing of an object is left where a pointer without indexes leads. */
static void
check_gone(struct eio_bytes pointer, struct eio_bytes json)
{
	struct eio_bytes v;

	for (size_t i = 0; i < pointer.n; i++)
		if (pointer.p[i] >= '0' && pointer.p[i] <= '9') return;
	if (sio_json_find(json, pointer, &v)) abort();
}

static struct sio_json_cuts *
read_cuts(struct eio_bytes line, struct eio_bytes message)
{
	struct eio_bytes pointers[SIO_JSON_MAX_CUTS];
	struct sio_json_cuts *cuts;
	struct eio_buf out = { 0 };
	size_t n = 0;

	while (line.n && n < SIO_JSON_MAX_CUTS) {
		pointers[n] = cut_off(&line, ' ');
		if (pointers[n].n && sio_json_pointer_valid(pointers[n])) n++;
	}
	cuts = n ? sio_json_cuts_new(pointers, n) : NULL;
	if (!cuts || sio_json_check(message)) return cuts;
	if (sio_json_cut(cuts, message, &out)) {
		if (out.n >= message.n || sio_json_check(eio_buf_bytes(&out))) abort();
		for (size_t i = 0; i < n; i++) check_gone(pointers[i], eio_buf_bytes(&out));
	} else if (out.n) {
		abort();
	}
	eio_buf_deinit(&out);
	return cuts;
}

/* The text alone, or in a list behind the channel. */
static struct template *
read_payload(struct eio_bytes text, bool list)
{
	struct template_context where = { .place = TEMPLATE_IN_FEED, .stars = 1 };
	struct template *t = template_new_json();
	struct template_error err;
	int rc = t ? 0 : -1;

	if (rc == 0 && list) rc = template_add_text(t, EIO_LIT("[\"<\""), &err);
	if (rc == 0 && list && template_is_optional(text)) {
		rc = template_add_optional(t, text, &where, &err);
	} else if (rc == 0) {
		rc = list ? template_add_separator(t, &err) : 0;
		if (rc == 0) rc = template_add_string(t, text, &where, &err);
	}
	if (rc == 0 && list) rc = template_add_text(t, EIO_LIT("]"), &err);
	if (rc == 0) return t;
	template_free(t);
	return NULL;
}

/* One level more than a message may have is fine. */
static void
check_json(struct eio_bytes json)
{
	int rc = sio_json_check(json);

	if (rc != 0 && rc != SIO_ERR_DEPTH) abort();
}

static void
check_payload(const struct feed_spec *f, const struct message *m)
{
	struct eio_buf list = { 0 };

	if (m->utf8 == MESSAGE_FACT_YES && !eio_utf8_valid(m->payload)) abort();
	if (f->encode == FEED_ENCODE_JSON && f->payload && m->json != MESSAGE_FACT_YES) abort();
	if (m->json != MESSAGE_FACT_YES) return;
	if (f->spread) eio_buf_addc(&list, '[');
	eio_buf_add(&list, m->payload);
	if (f->spread) eio_buf_addc(&list, ']');
	check_json(eio_buf_bytes(&list));
	eio_buf_deinit(&list);
}

static void
shape_once(const struct feed_spec *f, struct eio_bytes message)
{
	struct template_captures captures = { .n = 1, .v = { EIO_LIT("1") } };
	struct template_input in = { .channel = EIO_LIT("c\"\\"), .captures = &captures, .message = message };
	struct feed_shaper shaper = { 0 };
	struct message m = { .payload = message };
	bool json = f->omit || (f->spread && !f->payload) || (f->payload && template_uses_message(f->payload));

	if ((json && !message_is_json(&m)) ||
		(f->payload && template_uses_message_text(f->payload) && !message_is_utf8(&m)))
		return;
	if (feed_shapes(f) && feed_shape(&shaper, f, &in, &m) == FEED_FATE_TAKEN) check_payload(f, &m);
	feed_shaper_deinit(&shaper);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest, omit, text;
	struct feed_spec f = { .max_messages = 1 };
	char *copy;

	if (size < 1 || !(copy = malloc(size))) return 0;
	memcpy(copy, data, size);
	rest = eio_bytes(copy + 1, size - 1);
	omit = cut_off(&rest, '\n');
	text = cut_off(&rest, '\n');
	f.encode = (enum feed_encode)(data[0] % 3);
	f.format = (enum feed_format)(data[0] / 3 % 3);
	f.spread = data[0] & 64 && f.encode != FEED_ENCODE_BINARY;
	f.interval_ms = data[0] & 32 && !f.spread ? 200 : 0;
	f.omit = read_cuts(omit, rest);
	f.payload = text.n ? read_payload(text, data[0] & 128) : NULL;
	shape_once(&f, rest);
	template_free(f.payload);
	sio_json_cuts_free(f.omit);
	free(copy);
	return 0;
}

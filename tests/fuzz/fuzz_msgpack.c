/* SPDX-License-Identifier: MIT */
/*
 * Both ways. What can be read is JSON; what is written of any JSON can be read, and is the same value: written once
 * more it is the same text.
 */
#include "eio/buf.h"
#include "sio/json.h"
#include "src/msgpack/json.h"
#include "src/msgpack/writer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The JSON of what is written, whose attachments lie in bytes. */
static void
write_and_read(struct eio_bytes json, const struct msgpack_json *from, struct eio_buf *bytes, struct msgpack_json *to)
{
	enum msgpack_result r;

	msgpack_write_json(bytes, json, from->attachments, from->n_attachments);
	if (eio_buf_failed(bytes)) abort();
	r = msgpack_to_json(eio_buf_bytes(bytes), MSGPACK_STANDARD, to);
	if (r == MSGPACK_DEEP) return; /* JSON may be deeper */
	if (r != MSGPACK_OK || sio_json_check(eio_buf_bytes(&to->text)) != 0) abort();
}

static void
check_json(struct eio_bytes json, const struct msgpack_json *from)
{
	struct msgpack_json once = { .n_attachments = 0 }, twice = { .n_attachments = 0 };
	struct eio_buf first = { 0 }, second = { 0 };

	write_and_read(json, from, &first, &once);
	if (once.text.n && sio_json_check(eio_buf_bytes(&once.text)) == 0) {
		write_and_read(eio_buf_bytes(&once.text), &once, &second, &twice);
		if (!eio_bytes_eq(eio_buf_bytes(&once.text), eio_buf_bytes(&twice.text))) abort();
		if (once.n_attachments != twice.n_attachments) abort();
		for (size_t i = 0; i < once.n_attachments; i++)
			if (!eio_bytes_eq(once.attachments[i], twice.attachments[i])) abort();
	}
	eio_buf_deinit(&once.text);
	eio_buf_deinit(&twice.text);
	eio_buf_deinit(&first);
	eio_buf_deinit(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct msgpack_json none = { .n_attachments = 0 };
	struct eio_bytes in = eio_bytes(data, size);

	if (sio_json_check(in) == 0) check_json(in, &none);
	for (int dialect = MSGPACK_STANDARD; dialect <= MSGPACK_JS; dialect++) {
		struct msgpack_json j = { .n_attachments = 0 };

		if (msgpack_to_json(in, (enum msgpack_dialect)dialect, &j) == MSGPACK_OK) {
			if (sio_json_check(eio_buf_bytes(&j.text)) != 0) abort();
			check_json(eio_buf_bytes(&j.text), &j);
		}
		eio_buf_deinit(&j.text);
	}
	return 0;
}

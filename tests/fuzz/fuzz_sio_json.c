/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as JSON, and any bytes as a string. All ways to check say the same. Every value inside of valid
 * JSON must be valid itself; a string must survive being escaped and unescaped,
 * as far as it is UTF-8.
 */
#include "eio/utf8.h"
#include "sio/json.h"
#include "sio/json_int.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* No deeper than SIO_JSON_MAX_DEPTH, which sio_json_check has seen to. */
static void
walk(struct eio_bytes json)
{
	struct sio_json_iter it = sio_json_iter(json);
	struct eio_bytes key, value;

	while (sio_json_next(&it, &key, &value)) {
		if (sio_json_check(value)) abort();
		if (sio_json_kind(json) == SIO_JSON_OBJECT && sio_json_kind(key) != SIO_JSON_STRING) abort();
		walk(value);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes bytes = { (const char *)data, size };
	struct eio_buf string = { 0 }, plain = { 0 };

	if (sio_json_check(bytes) != sio__json_check_bytes(bytes)) abort();
#ifdef EIO_VECTOR_HAVE
	if (sio__json_check_blocks(bytes) && sio__json_check_bytes(bytes)) abort();
#endif
#ifdef EIO_VECTOR_HAVE_AVX2
	if (eio_vector_can_avx2() && sio__json_check_blocks(bytes) != sio__json_check_blocks_avx2(bytes)) abort();
#endif
	if (sio_json_check(bytes) == 0) walk(sio_json_trim(bytes));
	sio_json_escape(&string, bytes);
	if (sio_json_check(eio_buf_bytes(&string))) abort();
	sio_json_unescape(&plain, eio_buf_bytes(&string));
	if (eio_utf8_valid(bytes)) {
		if (!eio_bytes_eq(eio_buf_bytes(&plain), bytes)) abort();
		if (!sio_json_string_eq(eio_buf_bytes(&string), bytes)) abort();
	}
	eio_buf_deinit(&plain);
	eio_buf_deinit(&string);
	return 0;
}

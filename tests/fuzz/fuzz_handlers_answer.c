/* SPDX-License-Identifier: MIT */
/* What the application answers to a call: whatever is taken can be carried out, within its bounds. */
#include "eio/check.h"
#include "src/handlers/answer.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t
count_rooms(struct eio_bytes rooms)
{
	struct handlers_answer_rooms it = handlers_answer_rooms(rooms);
	struct eio_buf name = { 0 };
	size_t count = 0;

	while (handlers_answer_next_room(&it, &name)) {
		count++;
		CHECK(name.n <= 4 * rooms.n);
		eio_buf_clear(&name);
	}
	eio_buf_deinit(&name);
	return count;
}

static void
check_broadcasts(struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct handlers_answer_broadcast b;
	struct eio_bytes v, arg;
	size_t n = 0;

	while (sio_json_next(&it, NULL, &v)) {
		struct eio_buf args = { 0 };

		CHECK(++n <= HANDLERS_ANSWER_BROADCASTS);
		handlers_answer_broadcast(v, &b);
		CHECK(b.event.n > 0);
		CHECK(count_rooms(b.room) <= HANDLERS_ANSWER_ROOMS && count_rooms(b.except) <= HANDLERS_ANSWER_ROOMS);
		eio_buf_addc(&args, '[');
		eio_buf_add(&args, b.args);
		eio_buf_addc(&args, ']');
		CHECK(sio_json_check(eio_buf_bytes(&args)) == 0);
		arg = eio_buf_bytes(&args);
		CHECK(sio_json_kind(arg) == SIO_JSON_ARRAY);
		eio_buf_deinit(&args);
	}
}

static size_t
count_elements(struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes v;
	size_t n = 0;

	while (sio_json_next(&it, NULL, &v)) n++;
	return n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct eio_bytes body = { (const char *)data, n }, message, given;
	struct handlers_answer a;

	handlers_answer_refusal(body, &message, &given);
	CHECK(message.n == 0 || sio_json_kind(message) == SIO_JSON_STRING);
	CHECK(given.n == 0 || sio_json_check(given) == 0);
	if (handlers_answer_read(body, &a)) return 0;
	CHECK(count_rooms(a.join) <= HANDLERS_ANSWER_ROOMS && count_rooms(a.leave) <= HANDLERS_ANSWER_ROOMS);
	CHECK(count_elements(a.emit) <= HANDLERS_ANSWER_EMITS);
	check_broadcasts(a.broadcast);
	return 0;
}

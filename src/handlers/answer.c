/* SPDX-License-Identifier: MIT */
/* Reading answers: their members, and what may be in those. */
#include "src/handlers/answer.h"

#include "sio/packet.h"

/* A member that is there and not null. */
static bool
answer_member(struct eio_bytes object, const char *pointer, struct eio_bytes *v)
{
	struct eio_bytes found;

	if (!sio_json_find(object, eio_cstr(pointer), &found) || sio_json_kind(found) == SIO_JSON_NULL) return false;
	*v = found;
	return true;
}

static bool
is_room(struct eio_bytes v)
{
	return sio_json_kind(v) == SIO_JSON_STRING || sio_json_kind(v) == SIO_JSON_NUMBER;
}

static bool
are_rooms(struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes v;
	size_t n = 0;

	if (sio_json_kind(list) != SIO_JSON_ARRAY) return false;
	while (sio_json_next(&it, NULL, &v))
		if (!is_room(v) || ++n > HANDLERS_ANSWER_ROOMS) return false;
	return true;
}

static bool
are_events(struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes v;
	size_t n = 0;

	if (sio_json_kind(list) != SIO_JSON_ARRAY) return false;
	while (sio_json_next(&it, NULL, &v))
		if (!sio_packet_event_data_valid(v) || ++n > HANDLERS_ANSWER_EMITS) return false;
	return true;
}

static bool
is_broadcast(struct eio_bytes object)
{
	struct eio_bytes v;

	if (sio_json_kind(object) != SIO_JSON_OBJECT) return false;
	if (answer_member(object, "/room", &v) && !is_room(v) && !are_rooms(v)) return false;
	if (answer_member(object, "/except", &v) && !is_room(v) && !are_rooms(v)) return false;
	if (answer_member(object, "/args", &v) && sio_json_kind(v) != SIO_JSON_ARRAY) return false;
	if (answer_member(object, "/self", &v) && sio_json_kind(v) != SIO_JSON_TRUE &&
		sio_json_kind(v) != SIO_JSON_FALSE)
		return false;
	return answer_member(object, "/event", &v) && sio_packet_event_name_valid(v);
}

static bool
are_broadcasts(struct eio_bytes list)
{
	struct sio_json_iter it = sio_json_iter(list);
	struct eio_bytes v;
	size_t n = 0;

	if (sio_json_kind(list) != SIO_JSON_ARRAY) return false;
	while (sio_json_next(&it, NULL, &v))
		if (!is_broadcast(v) || ++n > HANDLERS_ANSWER_BROADCASTS) return false;
	return true;
}

const char *
handlers_answer_read(struct eio_bytes body, struct handlers_answer *a)
{
	struct eio_bytes v;

	*a = (struct handlers_answer){ .disconnect = false };
	body = sio_json_trim(body);
	if (!body.n) return NULL;
	if (sio_json_check(body) || sio_json_kind(body) != SIO_JSON_OBJECT) return "the body is no JSON object";
	if (answer_member(body, "/leave", &a->leave) && !are_rooms(a->leave))
		return "\"leave\" is no list of at most 1000 rooms";
	if (answer_member(body, "/join", &a->join) && !are_rooms(a->join))
		return "\"join\" is no list of at most 1000 rooms";
	if (answer_member(body, "/emit", &a->emit) && !are_events(a->emit))
		return "\"emit\" is no list of at most 1000 events, each a list of a name and its arguments";
	if (answer_member(body, "/broadcast", &a->broadcast) && !are_broadcasts(a->broadcast))
		return "\"broadcast\" is no list of at most 100 objects with an \"event\"";
	if (answer_member(body, "/ack", &a->ack) && sio_json_kind(a->ack) != SIO_JSON_ARRAY)
		return "\"ack\" is no list of arguments";
	if (!answer_member(body, "/disconnect", &v)) return NULL;
	a->disconnect = sio_json_kind(v) == SIO_JSON_TRUE;
	return a->disconnect || sio_json_kind(v) == SIO_JSON_FALSE ? NULL : "\"disconnect\" is neither true nor false";
}

void
handlers_answer_broadcast(struct eio_bytes element, struct handlers_answer_broadcast *b)
{
	struct eio_bytes v;

	*b = (struct handlers_answer_broadcast){ .self = false };
	answer_member(element, "/room", &b->room);
	answer_member(element, "/except", &b->except);
	answer_member(element, "/event", &b->event);
	if (answer_member(element, "/args", &v)) b->args = sio_json_trim(eio_bytes(v.p + 1, v.n - 2));
	if (answer_member(element, "/self", &v)) b->self = sio_json_kind(v) == SIO_JSON_TRUE;
}

struct handlers_answer_rooms
handlers_answer_rooms(struct eio_bytes rooms)
{
	struct handlers_answer_rooms it = { .one = rooms };

	if (rooms.n && sio_json_kind(rooms) == SIO_JSON_ARRAY)
		it = (struct handlers_answer_rooms){ .it = sio_json_iter(rooms) };
	return it;
}

bool
handlers_answer_next_room(struct handlers_answer_rooms *it, struct eio_buf *out)
{
	struct eio_bytes v = it->one;

	it->one.n = 0;
	if (!v.n && !(it->it.p && sio_json_next(&it->it, NULL, &v))) return false;
	if (sio_json_kind(v) == SIO_JSON_STRING)
		sio_json_unescape(out, v);
	else
		eio_buf_add(out, v);
	return true;
}

void
handlers_answer_refusal(struct eio_bytes body, struct eio_bytes *message, struct eio_bytes *data)
{
	*message = *data = eio_bytes("", 0);
	body = sio_json_trim(body);
	if (!body.n || sio_json_check(body) || sio_json_kind(body) != SIO_JSON_OBJECT) return;
	if (answer_member(body, "/message", message) && sio_json_kind(*message) != SIO_JSON_STRING)
		*message = eio_bytes("", 0);
	answer_member(body, "/data", data);
}

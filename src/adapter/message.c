/* SPDX-License-Identifier: MIT */
/* Parts of messages that all dialects have. */
#include "src/adapter/message_int.h"

#include "sio/event.h"
#include "sio/json.h"
#include "src/feed/posting.h"
#include "src/feed/targets.h"

void
adapter_message_init(struct adapter_message *m)
{
	*m = (struct adapter_message){ .kind = ADAPTER_NOTHING };
}

void
adapter_message_deinit(struct adapter_message *m)
{
	eio_buf_deinit(&m->rooms);
	eio_buf_deinit(&m->except);
	eio_buf_deinit(&m->names);
	eio_buf_deinit(&m->json.text);
	eio_buf_deinit(&m->scratch);
}

const char *
adapter_refusal_name(enum adapter_result r)
{
	static const char *const names[ADAPTER_RESULT_COUNT] = { [ADAPTER_UNDERSTOOD] = "",
#define X(name, label) [ADAPTER_REFUSED_##name] = label,
		ADAPTER_REFUSALS(X)
#undef X
	};

	return names[r];
}

void
adapter__begin(struct adapter_message *m)
{
	m->kind = ADAPTER_NOTHING;
	m->nsp = m->data = m->uid = m->request = (struct eio_bytes){ 0 };
	m->has_placeholders = m->fleeting = m->close = m->old = m->owned = false;
	m->timeout_ms = ADAPTER_TIMEOUT_MS;
	eio_buf_clear(&m->rooms);
	eio_buf_clear(&m->except);
	eio_buf_clear(&m->names);
	eio_buf_clear(&m->json.text);
	eio_buf_clear(&m->scratch);
	m->json.n_attachments = 0;
}

enum adapter_result
adapter__unpack(struct adapter_message *m, struct eio_bytes payload, enum msgpack_dialect dialect)
{
	eio_buf_clear(&m->json.text);
	m->json.n_attachments = 0;
	switch (msgpack_to_json(payload, dialect, &m->json)) {
	case MSGPACK_OK: return ADAPTER_UNDERSTOOD;
	case MSGPACK_DEEP: return ADAPTER_REFUSED_DEEP;
	case MSGPACK_MANY: return ADAPTER_REFUSED_BINARY;
	case MSGPACK_NOMEM: return ADAPTER_REFUSED_MEMORY;
	case MSGPACK_BAD: break;
	}
	return ADAPTER_REFUSED_UNREADABLE;
}

bool
adapter__is(struct eio_bytes json, enum sio_json_kind kind)
{
	return json.p && sio_json_kind(json) == kind;
}

struct eio_bytes
adapter__member(struct eio_bytes object, struct eio_bytes name)
{
	struct eio_bytes key, value, found = { 0 };
	struct sio_json_iter it;

	if (!adapter__is(object, SIO_JSON_OBJECT)) return found;
	for (it = sio_json_iter(object); sio_json_next(&it, &key, &value);)
		if (sio_json_string_eq(key, name)) found = value;
	return found;
}

bool
adapter__number(struct eio_bytes json, uint64_t *out)
{
	if (!adapter__is(json, SIO_JSON_NUMBER) || json.n > 18) return false;
	*out = 0;
	for (size_t i = 0; i < json.n; i++) {
		if (json.p[i] < '0' || json.p[i] > '9') return false;
		*out = *out * 10 + (uint64_t)(json.p[i] - '0');
	}
	return true;
}

/* A number is the name of its digits, as everywhere where rooms are properties of an object. */
enum adapter_result
adapter__name(struct eio_bytes json, struct eio_buf *out)
{
	size_t begun;

	if (!adapter__is(json, SIO_JSON_STRING) && !adapter__is(json, SIO_JSON_NUMBER)) return ADAPTER_REFUSED_UNKNOWN;
	begun = feed_names_begin(out);
	if (*json.p == '"')
		sio_json_unescape(out, json);
	else
		eio_buf_add(out, json);
	feed_names_end(out, begun);
	return eio_buf_failed(out) ? ADAPTER_REFUSED_MEMORY : ADAPTER_UNDERSTOOD;
}

enum adapter_result
adapter__names(struct eio_bytes json, struct eio_buf *out)
{
	enum adapter_result r = ADAPTER_UNDERSTOOD;
	struct sio_json_iter it;
	struct eio_bytes name;

	if (!json.p) return ADAPTER_UNDERSTOOD;
	if (sio_json_kind(json) != SIO_JSON_ARRAY) return ADAPTER_REFUSED_UNKNOWN;
	it = sio_json_iter(json);
	for (size_t n = 0; r == ADAPTER_UNDERSTOOD && sio_json_next(&it, NULL, &name); n++)
		r = n == FEED_MAX_ROOMS ? ADAPTER_REFUSED_ROOMS : adapter__name(name, out);
	return r;
}

enum adapter_result
adapter__audience(struct adapter_message *m, struct eio_bytes opts)
{
	enum adapter_result r;

	if (!adapter__is(opts, SIO_JSON_OBJECT)) return ADAPTER_REFUSED_UNKNOWN;
	r = adapter__names(adapter__member(opts, EIO_LIT("rooms")), &m->rooms);
	if (r != ADAPTER_UNDERSTOOD) return r;
	return adapter__names(adapter__member(opts, EIO_LIT("except")), &m->except);
}

struct eio_bytes
adapter__text(struct adapter_message *m, struct eio_bytes json)
{
	eio_buf_clear(&m->scratch);
	sio_json_unescape(&m->scratch, json);
	return eio_buf_failed(&m->scratch) ? (struct eio_bytes){ 0 } : eio_buf_bytes(&m->scratch);
}

/* Flags are an object; of PHP's emitter, where there are none, a list. */
static enum adapter_result
read_event_flags(struct adapter_message *m, struct eio_bytes flags)
{
	uint64_t ms;

	m->fleeting = adapter__is(adapter__member(flags, EIO_LIT("volatile")), SIO_JSON_TRUE);
	if (adapter__number(adapter__member(flags, EIO_LIT("timeout")), &ms))
		m->timeout_ms = (unsigned)(ms < ADAPTER_TIMEOUT_MS_MAX ? ms : ADAPTER_TIMEOUT_MS_MAX);
	return ADAPTER_UNDERSTOOD;
}

/* Of the types of packets it has to be that of an event. Some senders call it binary, some do not. */
static bool
is_event_packet(struct eio_bytes packet)
{
	uint64_t type;

	return adapter__number(adapter__member(packet, EIO_LIT("type")), &type) &&
	       (type == SIO_PACKET_EVENT || type == SIO_PACKET_BINARY_EVENT);
}

bool
adapter__is_of(const struct adapter_message *m, struct eio_bytes packet)
{
	struct eio_bytes said = adapter__member(packet, EIO_LIT("nsp"));

	if (!said.p || *said.p == 'n') return eio_bytes_eq(m->nsp, EIO_LIT("/"));
	return adapter__is(said, SIO_JSON_STRING) && sio_json_string_eq(said, m->nsp);
}

enum adapter_result
adapter__event(struct adapter_message *m, struct eio_bytes packet, struct eio_bytes opts)
{
	enum adapter_result r;

	if (!is_event_packet(packet)) return ADAPTER_REFUSED_UNKNOWN;
	m->data = adapter__member(packet, EIO_LIT("data"));
	if (!adapter__is(m->data, SIO_JSON_ARRAY)) return ADAPTER_REFUSED_UNKNOWN;
	if (!sio_packet_event_data_valid(m->data)) return ADAPTER_REFUSED_EVENT;
	r = adapter__audience(m, opts);
	if (r != ADAPTER_UNDERSTOOD) return r;
	m->has_placeholders = m->json.n_attachments > 0;
	if (m->has_placeholders && sio_placeholders_check(m->data, m->json.n_attachments))
		return ADAPTER_REFUSED_BINARY;
	m->kind = ADAPTER_EVENT;
	return read_event_flags(m, adapter__member(opts, EIO_LIT("flags")));
}

enum adapter_result
adapter__call(struct adapter_message *m, struct eio_bytes packet, struct eio_bytes opts)
{
	enum adapter_result r = adapter__event(m, packet, opts);

	if (r == ADAPTER_UNDERSTOOD && m->request.p) m->kind = ADAPTER_CALL;
	return r;
}

enum adapter_result
adapter__order(struct adapter_message *m, enum adapter_kind kind, struct eio_bytes opts, struct eio_bytes rooms)
{
	enum adapter_result r = adapter__audience(m, opts);

	if (r == ADAPTER_UNDERSTOOD && kind != ADAPTER_DISCONNECT)
		r = rooms.p ? adapter__names(rooms, &m->names) : ADAPTER_REFUSED_UNKNOWN;
	if (r == ADAPTER_UNDERSTOOD) m->kind = kind;
	return r;
}

enum adapter_result
adapter__server_event(struct adapter_message *m, struct eio_bytes data)
{
	struct sio_json_iter it = sio_json_iter(data);
	struct eio_bytes name;

	if (!adapter__is(data, SIO_JSON_ARRAY) || !sio_json_next(&it, NULL, &name) ||
		sio_json_kind(name) != SIO_JSON_STRING)
		return ADAPTER_REFUSED_UNKNOWN;
	m->has_placeholders = m->json.n_attachments > 0;
	m->data = data;
	m->kind = ADAPTER_SERVER_EVENT;
	return ADAPTER_UNDERSTOOD;
}

enum adapter_result
adapter__asks(struct adapter_message *m, struct eio_bytes request)
{
	if (!request.p) return ADAPTER_UNDERSTOOD;
	if (sio_json_kind(request) != SIO_JSON_STRING || request.n > ADAPTER_REQUEST_MAX)
		return ADAPTER_REFUSED_UNKNOWN;
	m->request = request;
	return ADAPTER_UNDERSTOOD;
}

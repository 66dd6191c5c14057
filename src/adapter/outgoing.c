/* SPDX-License-Identifier: MIT */
/* All that is said is written as JSON first, and becomes MessagePack where the dialect wants that. */
#include "src/adapter/outgoing.h"

#include "eio/base64.h"
#include "eio/utf8.h"
#include "sio/json.h"
#include "src/msgpack/writer.h"

/* An answer: the number of its type, and how its one member is called that is no number of a request. */
struct reply_words {
	unsigned classic, cluster; /* 0: the answer has none */
	const char *member, *old; /* old: before version 6; NULL: the same, or there is none */
	bool is_list;
};

static const struct reply_words kinds_words[ADAPTER_KINDS] = {
	[ADAPTER_IDS] = { 0, 0, "sockets", "clients", true },
	[ADAPTER_SOCKETS] = { 0, 8, "sockets", NULL, true },
	[ADAPTER_ROOMS] = { 0, 0, "rooms", NULL, true },
	[ADAPTER_ROOMS_OF] = { 0, 0, "rooms", NULL, true },
	[ADAPTER_CALL] = { 8, 11, "clientCount", NULL, false },
	[ADAPTER_CUSTOM] = { 0, 0, "data", NULL, false },
};

static const struct reply_words ack_words = { 9, 12, "packet", NULL, false };
/* The one answer whose member is called another way in each. */
static const struct reply_words server_words = { 6, 0, "data", NULL, false };
static const struct reply_words cluster_server_words = { 0, 10, "packet", NULL, false };

static const struct reply_words *
words_of(const struct adapter_asker *who, bool classic)
{
	if (who->acked) return &ack_words;
	if (who->kind == ADAPTER_SERVER_EVENT) return classic ? &server_words : &cluster_server_words;
	return &kinds_words[who->kind];
}

static void
begin_outgoing(struct adapter_outgoing *o)
{
	eio_buf_clear(&o->channel);
	eio_buf_clear(&o->payload);
	eio_buf_clear(&o->text);
}

bool
adapter_outgoing_failed(const struct adapter_outgoing *o)
{
	return eio_buf_failed(&o->channel) || eio_buf_failed(&o->payload) || eio_buf_failed(&o->text);
}

void
adapter_outgoing_deinit(struct adapter_outgoing *o)
{
	eio_buf_deinit(&o->channel);
	eio_buf_deinit(&o->payload);
	eio_buf_deinit(&o->text);
}

/* Answers */

/* The member, with a comma in front. */
static void
add_reply_member(struct eio_buf *out, const struct adapter_asker *who, const struct reply_words *w,
	const struct adapter_reply *reply)
{
	if (!w->member) return;
	eio_buf_printf(out, ",\"%s\":", who->old && w->old ? w->old : w->member);
	if (w->is_list) eio_buf_addc(out, '[');
	if (who->kind == ADAPTER_CALL && !who->acked)
		eio_buf_append_u64(out, reply->n);
	else if (reply->json.n || w->is_list)
		eio_buf_add(out, reply->json);
	else
		EIO_BUF_ADD_LIT(out, "null");
	if (w->is_list) eio_buf_addc(out, ']');
}

static void
classic_reply(struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_asker *who,
	const struct adapter_reply *reply)
{
	const struct reply_words *w = words_of(who, true);
	struct eio_buf *out = &o->text;

	eio_buf_add(&o->channel, v->key);
	EIO_BUF_ADD_LIT(&o->channel, "-response#");
	eio_buf_add(&o->channel, who->nsp);
	eio_buf_addc(&o->channel, '#');
	eio_buf_addc(out, '{');
	if (w->classic) eio_buf_printf(out, "\"type\":%u,", w->classic);
	eio_buf_add(out, who->old ? EIO_LIT("\"requestid\":") : EIO_LIT("\"requestId\":"));
	eio_buf_add(out, who->request);
	add_reply_member(out, who, w, reply);
	eio_buf_addc(out, '}');
}

static void
cluster_reply(struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_asker *who,
	const struct adapter_reply *reply)
{
	const struct reply_words *w = words_of(who, false);
	struct eio_buf *out = &o->text;

	eio_buf_add(&o->channel, v->key);
	eio_buf_addc(&o->channel, '#');
	eio_buf_add(&o->channel, who->nsp);
	eio_buf_addc(&o->channel, '#');
	if (who->uid.p) sio_json_unescape(&o->channel, who->uid);
	eio_buf_addc(&o->channel, '#');
	eio_buf_printf(out, "{\"type\":%u,\"data\":{\"requestId\":", w->cluster);
	eio_buf_add(out, who->request);
	add_reply_member(out, who, w, reply);
	EIO_BUF_ADD_LIT(out, "},\"uid\":\"");
	eio_buf_add(out, v->uid);
	EIO_BUF_ADD_LIT(out, "\",\"nsp\":");
	sio_json_escape(out, who->nsp);
	eio_buf_addc(out, '}');
}

/* What is in the text, as JSON or as MessagePack. */
static void
put_outgoing(struct adapter_outgoing *o, bool packed, const struct eio_bytes *attachments, size_t n)
{
	if (eio_buf_failed(&o->text)) return;
	if (packed)
		msgpack_write_json(&o->payload, eio_buf_bytes(&o->text), attachments, n);
	else
		eio_buf_add(&o->payload, eio_buf_bytes(&o->text));
}

void
adapter_outgoing_reply(struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_asker *who,
	const struct adapter_reply *reply)
{
	bool packed = reply->n_attachments > 0;

	begin_outgoing(o);
	switch (v->dialect) {
	case ADAPTER_CLASSIC:
		classic_reply(o, v, who, reply);
		packed = who->acked;
		break;
	case ADAPTER_STREAMS: packed = true; /* fall through */
	default: cluster_reply(o, v, who, reply); break;
	}
	put_outgoing(o, packed, reply->attachments, reply->n_attachments);
}

/* Events */

static void
add_name_list(struct eio_buf *out, const struct eio_bytes *v, size_t n)
{
	eio_buf_addc(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i) eio_buf_addc(out, ',');
		sio_json_escape(out, v[i]);
	}
	eio_buf_addc(out, ']');
}

static void
add_options(struct eio_buf *out, const struct adapter_event *e)
{
	EIO_BUF_ADD_LIT(out, "{\"rooms\":");
	add_name_list(out, e->rooms, e->n_rooms);
	EIO_BUF_ADD_LIT(out, ",\"except\":");
	add_name_list(out, e->except, e->n_except);
	EIO_BUF_ADD_LIT(out, ",\"flags\":{}}");
}

/* [uid, packet, opts] */
static void
classic_event(struct eio_buf *out, const struct adapter_voice *v, const struct adapter_event *e)
{
	EIO_BUF_ADD_LIT(out, "[\"");
	eio_buf_add(out, v->uid);
	EIO_BUF_ADD_LIT(out, "\",{\"type\":2,\"data\":");
	eio_buf_add(out, e->data);
	EIO_BUF_ADD_LIT(out, ",\"nsp\":");
	sio_json_escape(out, e->nsp);
	EIO_BUF_ADD_LIT(out, "},");
	add_options(out, e);
	eio_buf_addc(out, ']');
}

/* {packet, opts} */
static void
cluster_event(struct eio_buf *out, const struct adapter_event *e)
{
	EIO_BUF_ADD_LIT(out, "{\"packet\":{\"type\":2,\"data\":");
	eio_buf_add(out, e->data);
	EIO_BUF_ADD_LIT(out, "},\"opts\":");
	add_options(out, e);
	eio_buf_addc(out, '}');
}

static void
sharded_event(struct eio_buf *out, const struct adapter_voice *v, const struct adapter_event *e)
{
	EIO_BUF_ADD_LIT(out, "{\"type\":3,\"data\":");
	cluster_event(out, e);
	EIO_BUF_ADD_LIT(out, ",\"uid\":\"");
	eio_buf_add(out, v->uid);
	EIO_BUF_ADD_LIT(out, "\",\"nsp\":");
	sio_json_escape(out, e->nsp);
	eio_buf_addc(out, '}');
}

/* How long a string of JavaScript is: what is beyond the first plane counts twice. */
static size_t
utf16_length(struct eio_bytes s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		n += (c & 0xc0) == 0x80 ? 0 : c >= 0xf0 ? 2 : 1;
	}
	return n;
}

/* A room of 20 characters may be the id of a socket. */
bool
adapter_room_is_apart(enum adapter_rooms_mode mode, struct eio_bytes room)
{
	enum { ID_LENGTH = 20 };

	if (mode == ADAPTER_ROOMS_DYNAMIC) return utf16_length(room) != ID_LENGTH;
	return mode == ADAPTER_ROOMS_DYNAMIC_PRIVATE;
}

static void
add_channel_of(struct eio_buf *out, const struct adapter_voice *v, const struct adapter_event *e)
{
	bool apart = e->n_rooms == 1 && (v->dialect == ADAPTER_CLASSIC || adapter_room_is_apart(v->rooms, e->rooms[0]));

	eio_buf_add(out, v->key);
	eio_buf_addc(out, '#');
	eio_buf_add(out, e->nsp);
	eio_buf_addc(out, '#');
	if (!apart) return;
	eio_buf_add(out, e->rooms[0]);
	eio_buf_addc(out, '#');
}

/* The hash of its characters as JavaScript computes it, in 32 bits that may be negative, and the remainder, too. */
void
adapter_stream_name(struct eio_buf *out, struct eio_bytes key, struct eio_bytes nsp, unsigned streams)
{
	uint32_t hash = 0, c;
	int32_t number;

	eio_buf_add(out, key);
	if (streams == 1) return;
	for (size_t i = 0, width; i < nsp.n; i += width) {
		width = eio_utf8_next(eio_bytes(nsp.p + i, nsp.n - i), &c);
		if (!width) break; /* names of namespaces are UTF-8 */
		if (c > 0xffff) {
			hash = hash * 31 + (0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		hash = hash * 31 + c;
	}
	memcpy(&number, &hash, sizeof number);
	eio_buf_printf(out, "-%d", (int)(number % (int32_t)streams));
}

static void
put_event_base64(struct adapter_outgoing *o)
{
	struct eio_buf packed = o->payload;
	char *to;

	if (eio_buf_failed(&packed)) return;
	o->payload = (struct eio_buf){ 0 };
	to = eio_buf_reserve(&o->payload, eio_base64_encoded_len(packed.n));
	if (to) o->payload.n = eio_base64_encode(to, eio_buf_bytes(&packed));
	eio_buf_deinit(&packed);
}

void
adapter_outgoing_event(
	struct adapter_outgoing *o, const struct adapter_voice *v, const struct adapter_event *e, unsigned streams)
{
	begin_outgoing(o);
	switch (v->dialect) {
	case ADAPTER_CLASSIC:
		classic_event(&o->text, v, e);
		add_channel_of(&o->channel, v, e);
		put_outgoing(o, true, e->attachments, e->n_attachments);
		break;
	case ADAPTER_STREAMS:
		cluster_event(&o->text, e);
		adapter_stream_name(&o->channel, v->key, e->nsp, streams);
		put_outgoing(o, e->n_attachments > 0, e->attachments, e->n_attachments);
		if (e->n_attachments) put_event_base64(o);
		break;
	default:
		sharded_event(&o->text, v, e);
		add_channel_of(&o->channel, v, e);
		put_outgoing(o, e->n_attachments > 0, e->attachments, e->n_attachments);
		break;
	}
}

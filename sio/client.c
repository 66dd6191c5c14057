/* SPDX-License-Identifier: MIT */
/*
 * One client: messages in, events out, and the answers to CONNECT. See
 * client.h. A packet with attachments is kept here, text and all, until its
 * last attachment has come; only then is it looked at, as in the reference.
 */
#include "sio/client.h"

#include "eio/base64.h"
#include "eio/buf.h"
#include "eio/check.h"
#include "sio/event.h"
#include "sio/json.h"

#include <limits.h>
#include <stdlib.h>

_Static_assert(SIO_ID_RANDOM % 3 == 0 && SIO_ID_RANDOM / 3 * 4 == SIO_ID_LEN, "an id is base64 without padding");

struct sio_client_pending {
	struct sio_packet packet; /* points into text */
	bool delivered; /* complete, and kept only for the event that points into it */
	size_t n, bytes;
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS]; /* owned, n of them */
	char text[];
};

void
sio_client_init(struct sio_client *c, const struct sio_client_config *config, uint64_t now_ms)
{
	*c = (struct sio_client){ .config = config };
	eio_list_init(&c->sockets);
	if (config->connect_timeout_ms) c->deadline_ms = now_ms + config->connect_timeout_ms;
}

void
sio_client_init_protocol_4(struct sio_client *c, const struct sio_client_config *config, const char *engine_sid)
{
	CHECK(engine_sid);
	*c = (struct sio_client){ .config = config, .engine_sid = engine_sid };
	eio_list_init(&c->sockets);
}

static int
decode_text(const struct sio_client *c, struct eio_bytes text, struct sio_packet *p)
{
	return sio_client_protocol(c) == 5 ? sio_packet_decode(text, p) : sio_packet_decode_protocol_4(text, p);
}

static void
pending_free(struct sio_client_pending *p)
{
	if (!p) return;
	for (size_t i = 0; i < p->n; i++) free((void *)p->attachments[i].p);
	free(p);
}

void
sio_client_deinit(struct sio_client *c)
{
	struct eio_list *it, *tmp;

	EIO_LIST_FOREACH_SAFE(it, tmp, &c->sockets) sio_socket_free(EIO_CONTAINER(it, struct sio_socket, link));
	pending_free(c->pending);
	c->pending = NULL;
}

void
sio_client_release(struct sio_client *c)
{
	if (!c->pending || !c->pending->delivered) return;
	pending_free(c->pending);
	c->pending = NULL;
}

struct sio_socket *
sio_client_find(const struct sio_client *c, struct eio_bytes nsp)
{
	struct eio_list *it;
	struct sio_socket *s;

	for (it = c->sockets.next; it != &c->sockets; it = it->next) {
		s = EIO_CONTAINER(it, struct sio_socket, link);
		if (eio_bytes_eq(sio_socket_nsp(s), nsp)) return s;
	}
	return NULL;
}

/* Keeps a binary packet until its attachments are there. */
static int
pending_start(struct sio_client *c, struct eio_bytes text)
{
	struct sio_client_pending *p = malloc(sizeof *p + text.n);
	int rc;

	if (!p) return SIO_ERR_NOMEM;
	*p = (struct sio_client_pending){ 0 };
	memcpy(p->text, text.p, text.n);
	/* Decoding again gives spans of our copy; it cannot fail where the original did not. */
	rc = decode_text(c, (struct eio_bytes){ p->text, text.n }, &p->packet);
	CHECK(rc == 0);
	c->pending = p;
	return 0;
}

static int
pending_add(struct sio_client *c, struct eio_bytes data)
{
	struct sio_client_pending *p = c->pending;
	char *copy;

	CHECK(!p->delivered && p->n < p->packet.attachments);
	if (data.n > c->config->max_attachment_bytes - p->bytes) return SIO_ERR_ATTACHMENT_BYTES;
	copy = malloc(data.n ? data.n : 1);
	if (!copy) return SIO_ERR_NOMEM;
	if (data.n) memcpy(copy, data.p, data.n);
	p->attachments[p->n++] = (struct eio_bytes){ copy, data.n };
	p->bytes += data.n;
	return 0;
}

static int
message_event(const struct sio_packet *p, struct sio_socket *s, struct sio_event *ev)
{
	bool ack = p->type == SIO_PACKET_ACK || p->type == SIO_PACKET_BINARY_ACK;

	/* Without data there is no name to dispatch by, and without an id nothing was asked for: both are ignored. */
	if (!p->data.p || (ack && !p->has_id)) return 0;
	if (!ack && sio_client_protocol(s->client) == 4 && !sio_packet_event_data_valid(p->data))
		return 0; /* a reserved name */
	ev->type = ack ? SIO_EVENT_ACK : SIO_EVENT_MESSAGE;
	ev->socket = s;
	ev->nsp = sio_socket_nsp(s);
	ev->data = p->data;
	ev->has_id = p->has_id;
	ev->id = p->id;
	return 1;
}

static int
connect_event(const struct sio_packet *p, struct sio_socket *s, struct sio_event *ev)
{
	*ev = (struct sio_event){ .type = SIO_EVENT_CONNECT, .socket = s, .nsp = p->nsp, .auth = p->data };
	return 1;
}

/* Protocol 4: the namespace may carry a query. "/" is joined without asking, so asking says nothing. */
static int
dispatch_connect_protocol_4(struct sio_client *c, const struct sio_packet *p, struct sio_event *ev)
{
	const char *mark = memchr(p->nsp.p, '?', p->nsp.n);
	struct sio_packet plain = { .nsp = p->nsp };
	struct sio_socket *s;

	if (mark) plain.nsp.n = (size_t)(mark - p->nsp.p);
	s = sio_client_find(c, plain.nsp);
	if (s && eio_bytes_eq(plain.nsp, EIO_LIT("/"))) return 0;
	connect_event(&plain, s, ev);
	if (mark) ev->query = (struct eio_bytes){ mark + 1, p->nsp.n - plain.nsp.n - 1 };
	return 1;
}

/* What a complete packet means in this client's state. */
static int
dispatch_packet(struct sio_client *c, const struct sio_packet *p, struct sio_event *ev)
{
	struct sio_socket *s = sio_client_find(c, p->nsp);

	if (p->type == SIO_PACKET_CONNECT_ERROR) return sio_client_protocol(c) == 4 ? 0 : SIO_ERR_CONNECT_ERROR;
	if (p->type == SIO_PACKET_CONNECT && sio_client_protocol(c) == 4) return dispatch_connect_protocol_4(c, p, ev);
	if (p->type == SIO_PACKET_CONNECT) return s ? SIO_ERR_ALREADY_JOINED : connect_event(p, NULL, ev);
	/* Clients of protocol 4 do send late packets after they were put out of a namespace. */
	if (!s) return sio_client_protocol(c) == 4 ? 0 : SIO_ERR_NOT_JOINED;
	if (p->type == SIO_PACKET_DISCONNECT) {
		*ev = (struct sio_event){ .type = SIO_EVENT_DISCONNECT, .socket = s, .nsp = sio_socket_nsp(s) };
		return 1;
	}
	return message_event(p, s, ev);
}

static int
recv_text(struct sio_client *c, struct eio_bytes data, struct sio_event *ev)
{
	struct sio_packet p;
	int rc;

	if (c->pending) return SIO_ERR_TEXT_IN_BINARY;
	if (data.n == 0) return SIO_ERR_EMPTY;
	rc = decode_text(c, data, &p);
	/* Servers of the time reported an unknown type and went on. */
	if (rc == SIO_ERR_TYPE && sio_client_protocol(c) == 4) return 0;
	if (rc) return rc;
	return p.attachments ? pending_start(c, data) : dispatch_packet(c, &p, ev);
}

static int
recv_binary(struct sio_client *c, struct eio_bytes data, struct sio_event *ev)
{
	struct sio_client_pending *p = c->pending;
	int rc;

	if (!p) return SIO_ERR_STRAY_BINARY;
	rc = pending_add(c, data);
	if (rc || p->n < p->packet.attachments) return rc;
	p->delivered = true;
	if (p->packet.data.p) {
		rc = sio_placeholders_check(p->packet.data, p->n);
		if (rc) return rc;
	}
	rc = dispatch_packet(c, &p->packet, ev);
	if (rc == 1) {
		ev->attachments = p->attachments;
		ev->n_attachments = p->n;
	}
	return rc;
}

int
sio_client_recv(struct sio_client *c, bool binary, struct eio_bytes data, struct sio_event *ev)
{
	*ev = (struct sio_event){ .type = SIO_EVENT_NONE };
	sio_client_release(c);
	return binary ? recv_binary(c, data, ev) : recv_text(c, data, ev);
}

/* A packet of some type with a payload, which may be empty and is emptied. */
static struct eio_bundle *
packet_bundle(enum sio_packet_type type, struct eio_bytes nsp, struct eio_buf *payload)
{
	struct sio_packet p = { .type = type, .nsp = nsp, .data = eio_buf_bytes(payload) };
	struct eio_bundle *bundle = NULL;
	struct eio_buf b;

	eio_buf_init(&b);
	sio_packet_encode(&b, &p);
	if (!eio_buf_failed(&b) && !eio_buf_failed(payload))
		bundle = eio_bundle_packet(EIO_PACKET_MESSAGE, eio_buf_bytes(&b));
	eio_buf_deinit(&b);
	eio_buf_deinit(payload);
	return bundle;
}

struct eio_bundle *
sio_client_connected_as(const struct sio_socket *s, struct eio_bytes pid)
{
	struct eio_buf payload;

	eio_buf_init(&payload);
	if (sio_client_protocol(s->client) == 5) {
		EIO_BUF_ADD_LIT(&payload, "{\"sid\":");
		sio_json_escape(&payload, sio_socket_id(s));
		if (pid.n) {
			EIO_BUF_ADD_LIT(&payload, ",\"pid\":");
			sio_json_escape(&payload, pid);
		}
		eio_buf_addc(&payload, '}');
	}
	return packet_bundle(SIO_PACKET_CONNECT, sio_socket_nsp(s), &payload);
}

struct eio_bundle *
sio_client_connected(const struct sio_socket *s)
{
	return sio_client_connected_as(s, eio_bytes("", 0));
}

/* 15 bytes are 20 characters without padding, in the alphabet that URLs take as it is. */
void
sio_id_write(char id[SIO_ID_LEN], const unsigned char random[SIO_ID_RANDOM])
{
	eio_base64_encode(id, eio_bytes(random, SIO_ID_RANDOM));
	for (size_t i = 0; i < SIO_ID_LEN; i++) {
		if (id[i] == '+') id[i] = '-';
		if (id[i] == '/') id[i] = '_';
	}
}

void
sio_client_socket_id(const struct sio_client *c, struct eio_bytes nsp, const unsigned char random[SIO_ID_RANDOM],
	struct eio_buf *out)
{
	char text[SIO_ID_LEN];

	if (sio_client_protocol(c) == 5) {
		sio_id_write(text, random);
		eio_buf_append(out, text, sizeof text);
		return;
	}
	if (!eio_bytes_eq(nsp, EIO_LIT("/"))) {
		eio_buf_add(out, nsp);
		eio_buf_addc(out, '#');
	}
	eio_buf_add(out, eio_cstr(c->engine_sid));
}

/* Appends to *mem, which moves on. Returns how long it is. */
static unsigned
append_text(char **mem, struct eio_bytes s)
{
	if (s.n) memcpy(*mem, s.p, s.n);
	*mem += s.n;
	return (unsigned)s.n;
}

static struct sio_socket *
socket_new(struct sio_client *c, struct eio_bytes nsp, struct eio_bytes auth, struct eio_bytes id)
{
	size_t n = nsp.n + id.n + auth.n;
	struct sio_socket *s = n <= UINT_MAX ? malloc(offsetof(struct sio_socket, texts) + n) : NULL;
	char *mem;

	if (!s) return NULL;
	eio_list_init(&s->link);
	s->client = c;
	sio_member_init(&s->member, c->user);
	s->user = NULL;
	mem = s->texts;
	s->nsp_n = append_text(&mem, nsp);
	s->id_n = append_text(&mem, id);
	s->auth_n = append_text(&mem, auth);
	return s;
}

int
sio_client_accept(struct sio_client *c, struct eio_bytes nsp, struct eio_bytes auth,
	const unsigned char random[SIO_ID_RANDOM], struct sio_socket **socket, struct eio_bundle **answer)
{
	struct eio_buf id = { 0 };
	struct sio_socket *s = NULL;
	struct eio_bundle *b;

	if (sio_client_find(c, nsp)) return SIO_ERR_ALREADY_JOINED;
	sio_client_socket_id(c, nsp, random, &id);
	if (!eio_buf_failed(&id)) s = socket_new(c, nsp, auth, eio_buf_bytes(&id));
	eio_buf_deinit(&id);
	if (!s) return SIO_ERR_NOMEM;
	b = sio_client_connected(s);
	if (!b) {
		free(s);
		return SIO_ERR_NOMEM;
	}
	eio_list_add_tail(&c->sockets, &s->link);
	c->deadline_ms = 0;
	*socket = s;
	*answer = b;
	return 0;
}

struct eio_bundle *
sio_client_refuse(const struct sio_client *c, struct eio_bytes nsp, struct eio_bytes message, struct eio_bytes data)
{
	struct eio_buf payload;

	eio_buf_init(&payload);
	if (sio_client_protocol(c) == 4 && data.p) {
		/* The clients of the time get the data in the place of the message. */
		eio_buf_add(&payload, data);
		return packet_bundle(SIO_PACKET_CONNECT_ERROR, nsp, &payload);
	}
	if (sio_client_protocol(c) == 5) EIO_BUF_ADD_LIT(&payload, "{\"message\":");
	sio_json_escape(&payload, message);
	if (sio_client_protocol(c) == 5 && data.p) {
		EIO_BUF_ADD_LIT(&payload, ",\"data\":");
		eio_buf_add(&payload, data);
	}
	if (sio_client_protocol(c) == 5) eio_buf_addc(&payload, '}');
	return packet_bundle(SIO_PACKET_CONNECT_ERROR, nsp, &payload);
}

struct eio_bundle *
sio_client_disconnect(struct eio_bytes nsp)
{
	struct eio_buf none;

	eio_buf_init(&none);
	return packet_bundle(SIO_PACKET_DISCONNECT, nsp, &none);
}

void
sio_socket_free(struct sio_socket *s)
{
	CHECK(eio_list_empty(&s->member.links));
	eio_list_remove(&s->link);
	free(s);
}

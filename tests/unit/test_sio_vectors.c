/* SPDX-License-Identifier: MIT */
/*
 * Every recorded vector of the Socket.IO layer, revision 5:
 *
 *  - decoding: what the packet means, with its attachments, or that it is refused;
 *  - encoding, where servers send such packets: the same bytes come out again;
 *  - live reactions of socket.io 4.8.4 ("srv-…-ws-…"): the recorded frames go
 *    into a client whose application is the one the recording server ran, and
 *    the same frames must come out, and the same connections end.
 *
 * Vectors of other layers and revisions belong to other tests and are counted.
 */
#define _GNU_SOURCE /* memmem */
#include "eio/base64.h"
#include "sio/client.h"
#include "sio/event.h"
#include "sio/json.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct eio_buf file;
static const struct sio_client_config config = { 45000, 10000000 };
static const struct eio_bytes none = { NULL, 0 };
static const unsigned char noise[SIO_ID_RANDOM] = "fifteen bytes..";
static char where[100]; /* the vector at hand, for failure messages */

#define CHECK(cond) \
	do { \
		if (!(cond)) fail_msg("%s: %s", where, #cond); \
	} while (0)

/* ---- reading the file ---- */

static struct eio_bytes
get(struct eio_bytes object, const char *pointer)
{
	struct eio_bytes v = none;

	sio_json_find(object, eio_cstr(pointer), &v);
	return v;
}

/* A string member's meaning. */
static void
get_string(struct eio_buf *out, struct eio_bytes object, const char *pointer)
{
	struct eio_bytes v = get(object, pointer);

	CHECK(v.p && v.p[0] == '"');
	eio_buf_addc(out, 0); /* makes sure there is memory to point at */
	out->n = 0;
	sio_json_unescape(out, v);
	CHECK(!eio_buf_failed(out));
}

static bool
is_true(struct eio_bytes object, const char *pointer)
{
	return eio_bytes_eq(get(object, pointer), EIO_LIT("true"));
}

/* A message of a vector; freed with message_free(). */
struct message {
	bool binary;
	struct eio_buf data;
};

static struct message
message_hex(struct eio_bytes json)
{
	struct message m = { .binary = true };

	eio_buf_addc(&m.data, 0);
	m.data.n = 0;
	canon_unhex(&m.data, (struct eio_bytes){ json.p + 1, json.n - 2 });
	return m;
}

static struct message
message_text(struct eio_bytes object, const char *pointer)
{
	struct message m = { .binary = false };

	get_string(&m.data, object, pointer);
	return m;
}

enum { MAX_MESSAGES = 16 };

struct script {
	struct message m[MAX_MESSAGES];
	size_t n;
};

static void
script_free(struct script *s)
{
	while (s->n > 0) eio_buf_deinit(&s->m[--s->n].data);
}

/* {"text":…} and {"binary":hex} of an array. */
static void
script_frames(struct script *s, struct eio_bytes frames)
{
	struct sio_json_iter it = sio_json_iter(frames);
	struct eio_bytes v;

	while (sio_json_next(&it, NULL, &v)) {
		CHECK(s->n < MAX_MESSAGES);
		s->m[s->n++] = get(v, "/text").p ? message_text(v, "/text") : message_hex(get(v, "/binary"));
	}
}

/* What a vector feeds in: its frames, or its wire text and attachments. */
static void
script_load(struct script *s, struct eio_bytes vector)
{
	struct eio_bytes frames = get(vector, "/frames"), v;
	struct sio_json_iter it;

	*s = (struct script){ .n = 0 };
	if (frames.p) {
		script_frames(s, frames);
		return;
	}
	s->m[s->n++] = message_text(vector, "/wire/utf8");
	it = sio_json_iter(get(vector, "/wire/attachments"));
	while (sio_json_next(&it, NULL, &v)) {
		CHECK(s->n < MAX_MESSAGES);
		s->m[s->n++] = message_hex(v);
	}
}

/* ---- decoding ---- */

static void
join(struct sio_client *c, struct eio_bytes nsp)
{
	struct sio_socket *s;
	struct eio_bundle *b;

	CHECK(sio_client_accept(c, nsp, none, noise, &s, &b) == 0);
	eio_bundle_unref(b);
}

static void
expect_same_value(struct eio_bytes got, const struct eio_bytes *attachments, size_t n, struct eio_bytes want)
{
	struct eio_buf a, b;

	CHECK((got.p != NULL) == (want.p != NULL));
	if (!got.p) return;
	eio_buf_init(&a);
	eio_buf_init(&b);
	canon_value(&a, got, attachments, n);
	canon_value(&b, want, NULL, 0);
	if (!eio_bytes_eq(eio_buf_bytes(&a), eio_buf_bytes(&b)))
		fail_msg("%s: got %.*s, want %.*s", where, (int)a.n, a.p, (int)b.n, b.p);
	eio_buf_deinit(&a);
	eio_buf_deinit(&b);
}

/* The recorded type: binary packets are told by their plain type there. */
static int
plain_type(enum sio_packet_type type)
{
	if (type == SIO_PACKET_BINARY_EVENT) return SIO_PACKET_EVENT;
	if (type == SIO_PACKET_BINARY_ACK) return SIO_PACKET_ACK;
	return (int)type;
}

static void
expect_header(const struct sio_packet *p, struct eio_bytes want)
{
	struct eio_bytes id = get(want, "/id");
	struct eio_buf nsp;
	char digits[64];

	eio_buf_init(&nsp);
	get_string(&nsp, want, "/nsp");
	CHECK(plain_type(p->type) == atoi(get(want, "/type").p));
	CHECK(eio_bytes_eq(p->nsp, eio_buf_bytes(&nsp)));
	CHECK(p->has_id == (id.p != NULL));
	if (id.p) {
		CHECK(p->id.n < sizeof(digits));
		memcpy(digits, p->id.p, p->id.n);
		digits[p->id.n] = 0;
		CHECK(strtod(digits, NULL) == strtod(id.p, NULL));
	}
	eio_buf_deinit(&nsp);
}

/* The parser alone, for a vector whose one packet is all in its first message or was refused there. */
static void
run_decode(struct eio_bytes vector, const struct script *s)
{
	struct eio_bytes want = get(vector, "/packets/0"), attachments[SIO_MAX_ATTACHMENTS];
	struct sio_packet p;
	size_t i;
	int rc;

	if (s->m[0].binary) return;
	rc = sio_packet_decode(eio_buf_bytes(&s->m[0].data), &p);
	if (rc) {
		CHECK(!is_true(vector, "/valid"));
		return;
	}
	if (!want.p) return; /* waits for attachments, or fails over them: run_client() */
	expect_header(&p, want);
	for (i = 0; i < p.attachments; i++) attachments[i] = eio_buf_bytes(&s->m[1 + i].data);
	expect_same_value(p.data, attachments, p.attachments, get(want, "/data"));
}

/* Whether a client may send this packet type; the parser of vectors is the same for both sides. */
static bool
from_client(const struct sio_packet *p)
{
	return p->type != SIO_PACKET_CONNECT_ERROR;
}

static void
expect_event(const struct sio_event *ev, struct eio_bytes want)
{
	static const enum sio_event_type types[] = { SIO_EVENT_CONNECT, SIO_EVENT_DISCONNECT, SIO_EVENT_MESSAGE,
		SIO_EVENT_ACK };
	int type = atoi(get(want, "/type").p);

	CHECK(type < 4 && ev->type == types[type]);
	if (ev->type == SIO_EVENT_CONNECT)
		expect_same_value(ev->auth, NULL, 0, get(want, "/data"));
	else
		expect_same_value(ev->data, ev->attachments, ev->n_attachments, get(want, "/data"));
}

/* All messages of the vector through a client that has joined what they are about. */
static void
run_client(struct eio_bytes vector, const struct script *s)
{
	struct eio_bytes packets = get(vector, "/packets"), want = none;
	struct sio_json_iter it = sio_json_iter(packets);
	struct sio_packet p = { .nsp = EIO_LIT("/") };
	struct sio_client c;
	struct sio_event ev;
	bool known, more;
	size_t i;
	int rc = 0;

	known = !s->m[0].binary && sio_packet_decode(eio_buf_bytes(&s->m[0].data), &p) == 0;
	if (known && !from_client(&p)) return;
	sio_client_init(&c, &config, 0);
	if (!known || p.type != SIO_PACKET_CONNECT) join(&c, known ? p.nsp : EIO_LIT("/"));
	more = sio_json_next(&it, NULL, &want);
	for (i = 0; i < s->n && rc >= 0; i++) {
		rc = sio_client_recv(&c, s->m[i].binary, eio_buf_bytes(&s->m[i].data), &ev);
		if (rc != 1) continue;
		CHECK(more);
		expect_event(&ev, want);
		more = sio_json_next(&it, NULL, &want);
	}
	/* The parser reports a packet without data, and takes nothing for a CONNECT; a client makes nothing of both. */
	if (known && !p.data.p && (p.type == SIO_PACKET_EVENT || p.type == SIO_PACKET_ACK)) more = false;
	if (s->n == 1 && s->m[0].data.n == 0) {
		CHECK(rc == SIO_ERR_EMPTY);
	} else {
		CHECK(!more);
		CHECK((rc >= 0) == is_true(vector, "/valid"));
	}
	sio_client_deinit(&c);
}

/* ---- encoding ---- */

static struct eio_bundle *
bundle_of(const struct script *s)
{
	struct eio_message m[MAX_MESSAGES];
	size_t i;

	for (i = 0; i < s->n; i++)
		m[i] = (struct eio_message){ .binary = s->m[i].binary, .data = eio_buf_bytes(&s->m[i].data) };
	return eio_bundle_new(m, s->n);
}

static void
expect_bundle(struct eio_bundle *got, const struct script *s)
{
	struct eio_bundle *want = bundle_of(s);

	CHECK(canon_bundle_eq(got, want));
	eio_bundle_unref(got);
	eio_bundle_unref(want);
}

static void
encode_message(const struct sio_packet *p, const struct script *s)
{
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS];
	struct sio_piece piece = { p->data, true };
	struct sio_emit e = { .nsp = p->nsp,
		.ack = plain_type(p->type) == SIO_PACKET_ACK,
		.id = p->id,
		.pieces = &piece,
		.n_pieces = 1,
		.attachments = attachments,
		.n_attachments = p->attachments };
	struct eio_bundle *b;
	size_t i;

	for (i = 0; i < p->attachments; i++) attachments[i] = eio_buf_bytes(&s->m[1 + i].data);
	CHECK(sio_emit_bundle(&e, &b) == 0);
	expect_bundle(b, s);
}

/* The random bytes that give a recorded id. */
static void
unmake_id(struct eio_bytes id, unsigned char random[SIO_ID_RANDOM])
{
	CHECK(id.n == SIO_ID_LEN + 2);
	CHECK(eio_base64_decode((char *)random, (struct eio_bytes){ id.p + 1, SIO_ID_LEN }) == SIO_ID_RANDOM);
}

static void
encode_connect(const struct sio_packet *p, const struct script *s)
{
	unsigned char random[SIO_ID_RANDOM];
	struct sio_client c;
	struct sio_socket *socket;
	struct eio_bundle *b;

	if (!get(p->data, "/sid").p || get(p->data, "/pid").p) return; /* a client's own, or with connection recovery */
	unmake_id(get(p->data, "/sid"), random);
	sio_client_init(&c, &config, 0);
	CHECK(sio_client_accept(&c, p->nsp, none, random, &socket, &b) == 0);
	expect_bundle(b, s);
	sio_client_deinit(&c);
}

static void
encode_refuse(const struct sio_packet *p, const struct script *s)
{
	const struct sio_client c = { .revision = 5 };
	struct eio_buf message;

	eio_buf_init(&message);
	get_string(&message, p->data, "/message");
	expect_bundle(sio_client_refuse(&c, p->nsp, eio_buf_bytes(&message), get(p->data, "/data")), s);
	eio_buf_deinit(&message);
}

static void
run_encode(const struct script *s)
{
	struct eio_bytes wire = eio_buf_bytes(&s->m[0].data);
	struct sio_packet p;
	struct eio_buf out;

	CHECK(sio_packet_decode(wire, &p) == 0);
	eio_buf_init(&out);
	sio_packet_encode(&out, &p);
	CHECK(eio_bytes_eq(eio_buf_bytes(&out), wire));
	eio_buf_deinit(&out);
	switch (plain_type(p.type)) {
	case SIO_PACKET_CONNECT: encode_connect(&p, s); break;
	case SIO_PACKET_DISCONNECT: expect_bundle(sio_client_disconnect(p.nsp), s); break;
	case SIO_PACKET_CONNECT_ERROR: encode_refuse(&p, s); break;
	default: encode_message(&p, s);
	}
}

/* ---- the recording server's application ---- */

struct replay {
	struct sio_client c;
	struct eio_bundle *out[MAX_MESSAGES];
	size_t n;
};

static void
replay_send(struct replay *r, struct eio_bundle *b)
{
	CHECK(b && r->n < MAX_MESSAGES);
	r->out[r->n++] = b;
}

static void
replay_connect(struct replay *r, const struct sio_event *ev)
{
	struct sio_socket *s;
	struct eio_bundle *b;

	if (eio_bytes_eq(ev->nsp, EIO_LIT("/deny"))) {
		replay_send(r, sio_client_refuse(&r->c, ev->nsp, EIO_LIT("nope"), none));
	} else if (!eio_bytes_eq(ev->nsp, EIO_LIT("/")) && !eio_bytes_eq(ev->nsp, EIO_LIT("/admin"))) {
		replay_send(r, sio_client_refuse(&r->c, ev->nsp, EIO_LIT("Invalid namespace"), none));
	} else {
		CHECK(sio_client_accept(&r->c, ev->nsp, ev->auth, noise, &s, &b) == 0);
		replay_send(r, b);
	}
}

/* on("echo", (...args, ack)): the arguments come back, as the ack when one was asked for. */
static void
replay_message(struct replay *r, const struct sio_event *ev)
{
	struct sio_piece pieces[3] = { { EIO_LIT("["), false }, { ev->data, true }, { EIO_LIT("]"), false } };
	struct sio_emit e = { .nsp = ev->nsp,
		.ack = ev->has_id,
		.pieces = pieces,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
	struct sio_json_iter it = sio_json_iter(ev->data);
	struct eio_bytes name, arg;
	struct eio_bundle *b;

	CHECK(sio_json_next(&it, NULL, &name));
	if (!eio_bytes_eq(name, EIO_LIT("\"echo\""))) return;
	if (ev->has_id) {
		CHECK(sio_json_next(&it, NULL, &arg)); /* all recorded ones have exactly one argument */
		pieces[1].json = arg;
		e.id = ev->id;
		e.n_pieces = 3;
	} else {
		e.pieces = pieces + 1;
		e.n_pieces = 1;
	}
	CHECK(sio_emit_bundle(&e, &b) == 0);
	replay_send(r, b);
}

static void
replay_event(struct replay *r, const struct sio_event *ev)
{
	switch (ev->type) {
	case SIO_EVENT_CONNECT: replay_connect(r, ev); break;
	case SIO_EVENT_MESSAGE: replay_message(r, ev); break;
	case SIO_EVENT_DISCONNECT: sio_socket_free(ev->socket); break;
	default: break;
	}
}

/* Appends a message the recording shows, with our id where it says <sid>, as the polling payload spells it. */
static void
add_recorded(struct eio_buf *out, const struct message *m)
{
	static const char mark[] = "<sid>";
	struct eio_bytes b = eio_buf_bytes(&m->data);
	const char *sid = b.n ? memmem(b.p, b.n, mark, sizeof(mark) - 1) : NULL;
	char id[SIO_ID_LEN];

	if (out->n) eio_buf_addc(out, 0x1e);
	if (m->binary) {
		eio_buf_addc(out, 'b');
		CHECK(eio_buf_reserve(out, eio_base64_encoded_len(b.n)));
		out->n += eio_base64_encode(out->p + out->n, b);
		return;
	}
	if (!sid) {
		eio_buf_add(out, b);
		return;
	}
	eio_base64_encode(id, eio_bytes(noise, SIO_ID_RANDOM));
	eio_buf_append(out, b.p, (size_t)(sid - b.p));
	eio_buf_append(out, id, SIO_ID_LEN);
	eio_buf_append(out, sid + sizeof(mark) - 1, b.n - (size_t)(sid - b.p) - (sizeof(mark) - 1));
}

static void
expect_received(const struct replay *r, struct eio_bytes received)
{
	struct script want = { .n = 0 };
	struct eio_buf a, b;
	struct eio_block *w;
	size_t i;

	eio_buf_init(&a);
	eio_buf_init(&b);
	for (i = 0; i < r->n; i++) {
		if (a.n) eio_buf_addc(&a, 0x1e);
		w = eio_bundle_wire(r->out[i], EIO_WIRE_POLLING);
		eio_buf_append(&a, w->data, w->n);
	}
	script_frames(&want, received);
	for (i = 0; i < want.n; i++) add_recorded(&b, &want.m[i]);
	if (!eio_bytes_eq(eio_buf_bytes(&a), eio_buf_bytes(&b)))
		fail_msg("%s: sent %.*s, recorded %.*s", where, (int)a.n, a.p, (int)b.n, b.p);
	script_free(&want);
	eio_buf_deinit(&a);
	eio_buf_deinit(&b);
}

static void
run_replay(struct eio_bytes vector, const struct script *s)
{
	struct replay r = { .n = 0 };
	struct eio_bytes data;
	struct sio_event ev;
	size_t i;
	int rc = 0;

	sio_client_init(&r.c, &config, 0);
	join(&r.c, EIO_LIT("/"));
	for (i = 0; i < s->n && rc >= 0; i++) {
		data = eio_buf_bytes(&s->m[i].data);
		if (!s->m[i].binary) {
			CHECK(data.n > 0 && data.p[0] == '4'); /* the Engine.IO type, which is not ours */
			data.p++;
			data.n--;
		}
		rc = sio_client_recv(&r.c, s->m[i].binary, data, &ev);
		if (rc == 1) replay_event(&r, &ev);
	}
	CHECK((rc < 0) == is_true(vector, "/expect/closed"));
	expect_received(&r, get(vector, "/expect/received"));
	for (i = 0; i < r.n; i++) eio_bundle_unref(r.out[i]);
	sio_client_deinit(&r.c);
}

/* ---- all of them ---- */

struct counts {
	int decoded, encoded, replayed, other_layer, other_revision;
};

static void
run_vector(struct eio_bytes vector, struct counts *n)
{
	struct eio_bytes direction = get(vector, "/direction");
	struct script s;

	script_load(&s, vector);
	if (get(vector, "/expect").p) {
		run_replay(vector, &s);
		n->replayed++;
	} else {
		run_decode(vector, &s);
		run_client(vector, &s);
		n->decoded++;
		if (!eio_bytes_eq(direction, EIO_LIT("\"client->server\""))) {
			run_encode(&s);
			n->encoded++;
		}
	}
	script_free(&s);
}

static void
test_vectors(void **state)
{
	struct counts n = { 0 };
	struct sio_json_iter it;
	struct eio_buf id;
	struct eio_bytes v;

	(void)state;
	eio_buf_init(&id);
	assert_int_equal(sio_json_check(eio_buf_bytes(&file)), 0);
	it = sio_json_iter(get(eio_buf_bytes(&file), "/vectors"));
	while (sio_json_next(&it, NULL, &v)) {
		id.n = 0;
		get_string(&id, v, "/id");
		snprintf(where, sizeof(where), "%.*s", (int)id.n, id.p);
		if (!eio_bytes_eq(get(v, "/layer"), EIO_LIT("\"sio\"")))
			n.other_layer++; /* Engine.IO's own test */
		else if (!eio_bytes_eq(get(v, "/revision"), EIO_LIT("5")))
			n.other_revision++; /* not served yet */
		else
			run_vector(v, &n);
	}
	eio_buf_deinit(&id);
	print_message(
		"%d decoded, %d of them encoded, %d replayed; %d of layer eio and %d of revisions 3 and 4 not run here\n",
		n.decoded, n.encoded, n.replayed, n.other_layer, n.other_revision);
	assert_int_equal(n.decoded, 97);
	assert_int_equal(n.encoded, 34);
	assert_int_equal(n.replayed, 74);
	assert_int_equal(n.decoded + n.replayed + n.other_layer + n.other_revision, 831);
}

/* Every text of the file cut at every place: whatever it means then, it must not read beyond its end. */
static void
test_truncated(void **state)
{
	struct sio_json_iter it = sio_json_iter(get(eio_buf_bytes(&file), "/vectors"));
	struct sio_packet p;
	struct eio_buf text;
	struct eio_bytes v;
	size_t n;

	(void)state;
	eio_buf_init(&text);
	while (sio_json_next(&it, NULL, &v)) {
		if (!eio_bytes_eq(get(v, "/layer"), EIO_LIT("\"sio\"")) || !get(v, "/wire/utf8").p) continue;
		text.n = 0;
		get_string(&text, v, "/wire/utf8");
		for (n = 0; n < text.n; n++) {
			char *copy = malloc(n + 1);

			assert_non_null(copy);
			memcpy(copy + 1, text.p, n);
			sio_packet_decode(eio_bytes(copy + 1, n), &p);
			free(copy);
		}
	}
	eio_buf_deinit(&text);
}

static int
load(void **state)
{
	(void)state;
	canon_read_vectors(&file);
	return 0;
}

static int
unload(void **state)
{
	(void)state;
	eio_buf_deinit(&file);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_truncated),
	};

	return cmocka_run_group_tests(tests, load, unload);
}

/* SPDX-License-Identifier: MIT */
/*
 * Every vector of the Socket.IO parsers, revisions 5, 4 and 3:
 *
 *  - decoding: what the packet means, with its attachments, or that it is refused;
 *  - encoding, where servers send such packets: the same bytes come out again.
 *
 * The vectors were made by parser 4.2.7 (ids sio5-), 3.4.5 (sio4-), 2.3.1
 * (sio4b-) and 2.1.2 (sio3-). siocast follows 3.4.5 for revisions 4 and 3; where
 * the older ones differ is said below. What live servers did is run by
 * test_sio_replay.c.
 */
#include "eio/base64.h"
#include "sio/client.h"
#include "sio/event.h"
#include "sio/json.h"
#include "tests/unit/canon.h"
#include "tests/unit/vector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct eio_buf file;
static const struct sio_client_config config = { 45000, 10000000 };
static const struct eio_bytes none = { NULL, 0 };
static const struct eio_bytes root = { "/", 1 };
static const unsigned char noise[SIO_ID_RANDOM] = "fifteen bytes..";

/* Taken by the parser of the vector, refused here. */
static struct vector_difference refused[] = {
	{ "sio4b-dec-", "empty-array object null-name bool-name ack-object connect-string disconnect-payload",
		"2.3.1 takes any JSON in any packet; from 2.5 on such a packet ends the session", 0 },
	{ "sio4b-dec-", "attach-float attach-11",
		"2.3.1 does not look at the count: it may wait forever, or for any number of attachments", 0 },
	{ "sio4b-seq-", "num-oob num-neg num-string num-missing",
		"2.3.1 looks attachments up by whatever stands in num, and puts null where there is none", 0 },
	{ "sio4b-seq-", "text-while-waiting", "2.3.1 forgets the packet that waits for its attachments", 0 },
	{ "sio4b-seq-", "ph-as-event-name", "2.3.1 takes bytes for the name of an event", 0 },
};

/* Refused by the parser of the vector, taken here. */
static struct vector_difference taken[] = {
	{ "sio5-dec-", "attach-0", "a packet that needs no attachment is complete, as for parser 2.3.1", 0 },
	{ "sio4-dec-", "attach-0", "as above", 0 },
};

/* Understood, but nobody is told. */
static struct vector_difference ignored[] = {
	{ "sio4-dec-", "reserved-connect reserved-disconnect reserved-newListener reserved-connect_error",
		"no handler of siocast can have such a name; servers of the time called their own listeners", 0 },
	{ "sio4b-dec-", "reserved-connect reserved-disconnect reserved-newListener reserved-connect_error", "as above",
		0 },
};

/* Read, but written with a comma. */
static struct vector_difference comma[] = {
	{ "sio4b-", "connect-admin disconnect-admin",
		"servers 1.x leave the comma behind the namespace out, and their clients read both", 0 },
};

/* Read, never written. */
static struct vector_difference unwritten[] = {
	{ "sio3-", "ack ack-admin ack-binary",
		"clients 1.0.0 to 1.0.2 look like 1.0.3, which does not understand an ACK with a count", 0 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool
differs(struct vector_difference *d, size_t n)
{
	while (n > 0)
		if (vector_differs(&d[--n])) return true;
	return false;
}

static void
expect_used(const struct vector_difference *d, size_t n)
{
	while (n > 0) vector_difference_used(&d[--n]);
}

/* ---- decoding ---- */

static int
decode(int revision, struct eio_bytes text, struct sio_packet *p)
{
	return revision == 5 ? sio_packet_decode(text, p) : sio_packet_decode_protocol_4(text, p);
}

static void
client_init(struct sio_client *c, int revision)
{
	if (revision == 5)
		sio_client_init(c, &config, 0);
	else
		sio_client_init_protocol_4(c, &config, "engine");
}

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
		fail_msg("%s: got %.*s, want %.*s", vector_id, (int)a.n, a.p, (int)b.n, b.p);
	eio_buf_deinit(&a);
	eio_buf_deinit(&b);
}

static int
plain_type(int type)
{
	if (type == SIO_PACKET_BINARY_EVENT) return SIO_PACKET_EVENT;
	if (type == SIO_PACKET_BINARY_ACK) return SIO_PACKET_ACK;
	return type;
}

static int
recorded_type(struct eio_bytes packet)
{
	return atoi(vector_get(packet, "/type").p);
}

/* What the older parsers report instead of failing: a packet of type ERROR without a namespace. */
static bool
is_parser_error(struct eio_bytes packet)
{
	return packet.p && recorded_type(packet) == SIO_PACKET_CONNECT_ERROR && !vector_get(packet, "/nsp").p;
}

static void
expect_header(const struct sio_packet *p, int revision, struct eio_bytes want)
{
	struct eio_bytes id = vector_get(want, "/id");
	struct eio_buf nsp;
	char digits[64];

	eio_buf_init(&nsp);
	vector_get_string(&nsp, want, "/nsp");
	/* Parser 4.2.7 reports a binary packet, once complete, by its plain type. */
	CHECK((revision == 5 ? plain_type((int)p->type) : (int)p->type) == recorded_type(want));
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
run_decode(struct eio_bytes vector, int revision, const struct vector_script *s, bool refuse)
{
	struct eio_bytes want = vector_get(vector, "/packets/0"), attachments[SIO_MAX_ATTACHMENTS];
	struct sio_packet p;
	size_t i;
	int rc;

	if (s->m[0].binary) return;
	rc = decode(revision, eio_buf_bytes(&s->m[0].data), &p);
	if (rc) {
		CHECK(refuse || !vector_is_true(vector, "/valid"));
		return;
	}
	if (!want.p || refuse) return; /* waits for attachments, or fails over them: run_client() */
	expect_header(&p, revision, want);
	for (i = 0; i < p.attachments; i++) attachments[i] = eio_buf_bytes(&s->m[1 + i].data);
	expect_same_value(p.data, attachments, p.attachments, vector_get(want, "/data"));
}

/* Revision 4: the query is cut off the namespace. */
static void
expect_connect_4(const struct sio_event *ev, struct eio_bytes want)
{
	struct eio_buf nsp, got;

	eio_buf_init(&nsp);
	eio_buf_init(&got);
	vector_get_string(&nsp, want, "/nsp");
	eio_buf_add(&got, ev->nsp);
	if (ev->query.p) eio_buf_addc(&got, '?');
	eio_buf_add(&got, ev->query);
	CHECK(eio_bytes_eq(eio_buf_bytes(&got), eio_buf_bytes(&nsp)));
	CHECK(!memchr(ev->nsp.p, '?', ev->nsp.n) && !ev->auth.p);
	eio_buf_deinit(&nsp);
	eio_buf_deinit(&got);
}

static void
expect_event(const struct sio_event *ev, int revision, struct eio_bytes want)
{
	static const enum sio_event_type types[] = { SIO_EVENT_CONNECT, SIO_EVENT_DISCONNECT, SIO_EVENT_MESSAGE,
		SIO_EVENT_ACK };
	int type = plain_type(recorded_type(want));

	CHECK(type < 4 && ev->type == types[type]);
	if (ev->type == SIO_EVENT_CONNECT && revision == 4)
		expect_connect_4(ev, want);
	else if (ev->type == SIO_EVENT_CONNECT)
		expect_same_value(ev->auth, NULL, 0, vector_get(want, "/data"));
	else
		expect_same_value(ev->data, ev->attachments, ev->n_attachments, vector_get(want, "/data"));
}

/* Whether a packet that the parser takes is nothing that a client of siocast tells. */
static bool
is_silent(const struct sio_packet *p, int revision)
{
	if (!p->data.p && (p->type == SIO_PACKET_EVENT || p->type == SIO_PACKET_ACK)) return true;
	if (revision == 5) return false;
	return p->type == SIO_PACKET_CONNECT_ERROR || (p->type == SIO_PACKET_CONNECT && eio_bytes_eq(p->nsp, root)) ||
	       differs(ignored, COUNT(ignored));
}

/* Joins what the vector is about. Clients of revision 4 are in "/" in any case. */
static void
join_for(struct sio_client *c, const struct sio_packet *p)
{
	if (sio_client_protocol(c) == 4) join(c, root);
	if (p->type != SIO_PACKET_CONNECT && !sio_client_find(c, p->nsp)) join(c, p->nsp);
}

/* All messages of the vector through a client. Returns what the last one gave. */
static int
feed(struct sio_client *c, const struct vector_script *s, struct eio_bytes packets, bool silent)
{
	struct sio_json_iter it = sio_json_iter(packets);
	struct eio_bytes want = none;
	bool more = sio_json_next(&it, NULL, &want) && !silent;
	struct sio_event ev;
	size_t i;
	int rc = 0;

	for (i = 0; i < s->n && rc >= 0; i++) {
		rc = sio_client_recv(c, s->m[i].binary, eio_buf_bytes(&s->m[i].data), &ev);
		if (rc != 1) continue;
		CHECK(more);
		expect_event(&ev, sio_client_protocol(c), want);
		more = sio_json_next(&it, NULL, &want);
	}
	CHECK(!more);
	return rc;
}

static void
run_client(struct eio_bytes vector, int revision, const struct vector_script *s, bool refuse)
{
	struct eio_bytes packets = vector_get(vector, "/packets");
	struct sio_packet p = { .type = SIO_PACKET_EVENT, .nsp = EIO_LIT("/") };
	struct sio_client c;
	int known, rc;
	bool silent;

	known = s->m[0].binary ? SIO_ERR_STRAY_BINARY : decode(revision, eio_buf_bytes(&s->m[0].data), &p);
	if (known == 0 && p.type == SIO_PACKET_CONNECT_ERROR && revision == 5) return; /* only servers send it */
	silent = refuse || s->m[0].data.n == 0 || is_parser_error(vector_get(packets, "/0")) ||
		 (known == 0 && is_silent(&p, revision));
	client_init(&c, revision);
	join_for(&c, &p);
	rc = feed(&c, s, packets, silent);
	if (refuse)
		CHECK(rc < 0 && vector_is_true(vector, "/valid"));
	else if (s->m[0].data.n == 0 && !s->m[0].binary)
		CHECK(rc == SIO_ERR_EMPTY); /* a CONNECT to parsers; a message without data never gets to them */
	else if (known == SIO_ERR_TYPE && revision == 4)
		CHECK(rc == 0); /* the error is reported, and nothing else happens */
	else
		CHECK((rc >= 0) == vector_is_true(vector, "/valid"));
	sio_client_deinit(&c);
}

/* What is taken means an event with the one argument that these vectors have. */
static void
run_taken(int revision, const struct vector_script *s)
{
	struct sio_event ev;
	struct sio_client c;

	client_init(&c, revision);
	join(&c, root);
	CHECK(sio_client_recv(&c, false, eio_buf_bytes(&s->m[0].data), &ev) == 1);
	CHECK(ev.type == SIO_EVENT_MESSAGE && eio_bytes_eq(ev.data, EIO_LIT("[\"a\"]")) && ev.n_attachments == 0);
	CHECK(sio_client_recv(&c, false, EIO_LIT("2[\"next\"]"), &ev) == 1);
	CHECK(sio_client_recv(&c, false, EIO_LIT("60-7[1]"), &ev) == 1);
	CHECK(ev.type == SIO_EVENT_ACK && eio_bytes_eq(ev.data, EIO_LIT("[1]")) && ev.n_attachments == 0);
	CHECK(sio_client_recv(&c, false, EIO_LIT("50-[\"a\",{\"_placeholder\":true,\"num\":0}]"), &ev) == 1);
	CHECK(ev.n_attachments == 0);
	sio_client_deinit(&c);
}

/* ---- encoding ---- */

static struct eio_bundle *
bundle_of(const struct vector_script *s)
{
	struct eio_message m[VECTOR_MAX_MESSAGES];
	size_t i;

	for (i = 0; i < s->n; i++)
		m[i] = (struct eio_message){ .binary = s->m[i].binary, .data = eio_buf_bytes(&s->m[i].data) };
	return eio_bundle_new(m, s->n);
}

static void
expect_bundle(struct eio_bundle *got, const struct vector_script *s)
{
	struct eio_bundle *want = bundle_of(s);

	CHECK(canon_bundle_eq(got, want));
	eio_bundle_unref(got);
	eio_bundle_unref(want);
}

static void
encode_message(const struct sio_packet *p, const struct vector_script *s)
{
	struct eio_bytes attachments[SIO_MAX_ATTACHMENTS];
	struct sio_piece piece = { p->data, true };
	struct sio_emit e = { .nsp = p->nsp,
		.ack = plain_type((int)p->type) == SIO_PACKET_ACK,
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
encode_connect(const struct sio_packet *p, int revision, const struct vector_script *s)
{
	unsigned char random[SIO_ID_RANDOM] = { 0 };
	struct sio_client c;
	struct sio_socket *socket;
	struct eio_bundle *b;

	if (revision == 5) {
		/* The rest are a client's own, or with connection recovery. */
		if (!vector_get(p->data, "/sid").p || vector_get(p->data, "/pid").p) return;
		unmake_id(vector_get(p->data, "/sid"), random);
	}
	client_init(&c, revision);
	CHECK(sio_client_accept(&c, p->nsp, none, random, &socket, &b) == 0);
	expect_bundle(b, s);
	sio_client_deinit(&c);
}

/* Revision 5: an object with message and data; revision 4: the one or the other. */
static void
encode_refuse(const struct sio_packet *p, int revision, const struct vector_script *s)
{
	struct eio_bytes data = revision == 5 ? vector_get(p->data, "/data") : none;
	struct eio_buf message;
	struct sio_client c;

	client_init(&c, revision);
	eio_buf_init(&message);
	if (revision == 4 && p->data.p[0] != '"')
		data = p->data;
	else
		vector_get_string(&message, p->data, revision == 5 ? "/message" : "");
	expect_bundle(sio_client_refuse(&c, p->nsp, eio_buf_bytes(&message), data), s);
	eio_buf_deinit(&message);
	sio_client_deinit(&c);
}

static void
run_encode(int revision, struct vector_script *s)
{
	struct sio_packet p;
	struct eio_buf out;

	if (differs(comma, COUNT(comma))) eio_buf_addc(&s->m[0].data, ',');
	CHECK(decode(revision, eio_buf_bytes(&s->m[0].data), &p) == 0);
	eio_buf_init(&out);
	sio_packet_encode(&out, &p);
	CHECK(eio_bytes_eq(eio_buf_bytes(&out), eio_buf_bytes(&s->m[0].data)));
	eio_buf_deinit(&out);
	switch (plain_type((int)p.type)) {
	case SIO_PACKET_CONNECT: encode_connect(&p, revision, s); break;
	case SIO_PACKET_DISCONNECT: expect_bundle(sio_client_disconnect(p.nsp), s); break;
	case SIO_PACKET_CONNECT_ERROR: encode_refuse(&p, revision, s); break;
	default: encode_message(&p, s);
	}
}

/* ---- all of them ---- */

struct counts {
	int decoded, encoded, live;
};

static void
run_vector(struct eio_bytes vector, void *arg)
{
	struct counts *n = arg;
	int revision = vector_get(vector, "/revision").p[0] == '5' ? 5 : 4;
	struct vector_script s;
	bool refuse;

	if (vector_get(vector, "/expect").p) {
		n->live++;
		return;
	}
	vector_script_load(&s, vector);
	refuse = differs(refused, COUNT(refused));
	if (differs(taken, COUNT(taken))) {
		run_taken(revision, &s);
	} else {
		run_decode(vector, revision, &s, refuse);
		run_client(vector, revision, &s, refuse);
	}
	n->decoded++;
	if (!eio_bytes_eq(vector_get(vector, "/direction"), EIO_LIT("\"client->server\"")) &&
		!differs(unwritten, COUNT(unwritten))) {
		run_encode(revision, &s);
		n->encoded++;
	}
	vector_script_free(&s);
}

static void
test_vectors(void **state)
{
	struct counts n = { 0 };
	int others;

	(void)state;
	others = vector_each(eio_buf_bytes(&file), run_vector, &n);
	print_message("%d decoded, %d of them encoded; %d live reactions and %d of layer eio not run here\n", n.decoded,
		n.encoded, n.live, others);
	assert_int_equal(n.decoded, 277);
	assert_int_equal(n.encoded, 98);
	assert_int_equal(n.decoded + n.live + others, 831);
	expect_used(refused, COUNT(refused));
	expect_used(taken, COUNT(taken));
	expect_used(ignored, COUNT(ignored));
	expect_used(comma, COUNT(comma));
	expect_used(unwritten, COUNT(unwritten));
}

/* Every text of the file cut at every place: whatever it means then, it must not be read beyond its end. */
static void
cut(struct eio_bytes vector, void *arg)
{
	struct sio_packet p;
	struct eio_buf text;
	size_t n;

	(void)arg;
	if (!vector_get(vector, "/wire/utf8").p) return;
	eio_buf_init(&text);
	vector_get_string(&text, vector, "/wire/utf8");
	for (n = 0; n < text.n; n++) {
		char *copy = malloc(n + 1);

		assert_non_null(copy);
		memcpy(copy + 1, text.p, n);
		sio_packet_decode(eio_bytes(copy + 1, n), &p);
		sio_packet_decode_protocol_4(eio_bytes(copy + 1, n), &p);
		free(copy);
	}
	eio_buf_deinit(&text);
}

static void
test_truncated(void **state)
{
	(void)state;
	vector_each(eio_buf_bytes(&file), cut, NULL);
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

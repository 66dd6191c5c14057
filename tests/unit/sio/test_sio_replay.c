/* SPDX-License-Identifier: MIT */
/*
 * What live servers did with odd frames (vectors srv-…-ws-…): the recorded
 * frames go into a client whose application is the one the recording server
 * ran, and the same frames must come out, byte for byte, and the same
 * connections end.
 *
 * Clients of revision 5 are treated as socket.io 4.8.4 does, those of revision 4
 * as 2.5.1. Where that server, or 1.7.4 and 4.8.4 with such clients, did
 * something else, it is said below, together with what siocast does.
 */
#define _GNU_SOURCE /* memmem */
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

enum { MAX_SENT = 4 };

struct difference {
	struct vector_difference where;
	/* What siocast does instead. */
	bool closed;
	const char *sent[MAX_SENT]; /* up to the first NULL */
};

#define V2 "srv-2.5.1-eio3-ws-"
#define V1 "srv-1.7.4-eio3-ws-"
#define V4 "srv-4.8.4-eio3-ws-"
#define V5 "srv-4.8.4-eio4-ws-"

static struct difference differences[] = {
	{ { V2, "echo-unicode",
		  "revision 3 of Engine.IO is sent nothing but ASCII: its clients read all else differently", 0 },
		false, { "42[\"echo\",\"h\\u00e9\\u20ac\\ud83d\\ude00\"]" } },
	{ { V1, "echo-unicode", "as above", 0 }, false, { "42[\"echo\",\"h\\u00e9\\u20ac\\ud83d\\ude00\"]" } },
	{ { V4, "echo-unicode", "as above", 0 }, false, { "42[\"echo\",\"h\\u00e9\\u20ac\\ud83d\\ude00\"]" } },
	{ { V2, "disconnect-then-connect", "a join is always answered, as 1.7.4 and 4.8.4 do", 0 }, false, { "40" } },

	{ { V1, "empty-array object null-name bool-name ack-object disconnect-payload",
		  "1.7.4 takes any JSON in any packet; from 2.5 on such a packet ends the session", 0 },
		true, { NULL } },
	{ { V1, "bad-json trailing neg-id float-id event-with-count nsp-noslash dup",
		  "1.7.4 reports JSON that cannot be parsed as an error packet and goes on", 0 },
		true, { NULL } },
	{ { V1, "empty", "1.7.4 takes a message without data for a CONNECT without effect", 0 }, true, { NULL } },
	{ { V1, "attach-neg attach-none attach-nodash attach-float attach-11",
		  "1.7.4 does not look at the count of attachments, or reports it and goes on", 0 },
		true, { NULL } },
	{ { V2, "attach-0", "a packet that needs no attachment is complete, as for 1.7.4", 0 }, false, { NULL } },
	{ { V4, "attach-0", "as above", 0 }, false, { NULL } },
	{ { V5, "attach-0", "as above", 0 }, false, { NULL } },
	{ { V1, "num-oob num-neg num-string num-missing ph-as-event-name",
		  "1.7.4 looks attachments up by whatever stands in num", 0 },
		true, { NULL } },
	{ { V1, "text-while-waiting", "1.7.4 forgets the packet that waits for its attachments", 0 }, true, { NULL } },
	{ { V1, "stray-binary extra-binary", "1.7.4 reports bytes that belong to no packet and goes on", 0 }, true,
		{ NULL } },
	{ { V1, "connect-null connect-array double-connect",
		  "1.7.4 joins \"/\" twice and says so; the client is in it anyway", 0 },
		false, { NULL } },
	{ { V1, "connect-string", "1.7.4 joins \"/\" twice; from 2.5 on such a packet ends the session", 0 }, true,
		{ NULL } },
	{ { V1, "nsp-nocomma connect-admin connect-admin-query",
		  "1.7.4 leaves the comma behind the namespace out; its clients read both", 0 },
		false, { "40/admin," } },
	{ { V1, "double-admin", "as above", 0 }, false, { "40/admin,", "40/admin," } },

	{ { V4, "disc-nocomma nsp-id event-unjoined disconnect-then-event",
		  "clients of revision 4 do send packets to namespaces they were put out of", 0 },
		false, { NULL } },
	{ { V4, "reserved-connect reserved-disconnect reserved-newListener reserved-connect_error",
		  "clients of revision 4 may emit these names, and 2.5.1 lives on", 0 },
		false, { NULL } },
	{ { V4, "type7 type9 letter connect-error-array client-error",
		  "2.5.1 reports the error to the application and lives on", 0 },
		false, { NULL } },
	{ { V4, "connect-null connect-array double-connect", "2.5.1 takes no notice: the client is in \"/\" anyway",
		  0 },
		false, { NULL } },
	{ { V4, "connect-unknown", "clients of revision 4 expect a string there", 0 }, false,
		{ "44/nope,\"Invalid namespace\"" } },
	{ { V4, "double-admin", "2.5.1 answers again", 0 }, false, { "40/admin,", "40/admin," } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct eio_buf file;
static const struct sio_client_config config = { 45000, 10000000 };
static const struct eio_bytes none = { NULL, 0 };
static const unsigned char noise[SIO_ID_RANDOM] = "fifteen bytes..";

static struct difference *
find_difference(void)
{
	for (size_t i = 0; i < COUNT(differences); i++)
		if (vector_differs(&differences[i].where)) return &differences[i];
	return NULL;
}

/* ---- the recording server's application ---- */

struct replay {
	struct sio_client c;
	struct eio_bundle *out[MAX_SENT];
	size_t n;
	bool closed;
};

static void
replay_send(struct replay *r, struct eio_bundle *b)
{
	CHECK(b && r->n < MAX_SENT);
	r->out[r->n++] = b;
}

static void
replay_connect(struct replay *r, const struct sio_event *ev)
{
	struct sio_socket *s;
	struct eio_bundle *b;

	if (ev->socket) {
		replay_send(r, sio_client_connected(ev->socket));
	} else if (eio_bytes_eq(ev->nsp, EIO_LIT("/deny"))) {
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

/* The recordings begin when the client is in "/". */
static void
replay_start(struct replay *r, int revision)
{
	struct sio_socket *s;
	struct eio_bundle *b;

	*r = (struct replay){ .n = 0 };
	if (revision == 5)
		sio_client_init(&r->c, &config, 0);
	else
		sio_client_init_protocol_4(&r->c, &config, "engine");
	CHECK(sio_client_accept(&r->c, EIO_LIT("/"), none, noise, &s, &b) == 0);
	eio_bundle_unref(b);
}

static void
replay_end(struct replay *r)
{
	while (r->n > 0) eio_bundle_unref(r->out[--r->n]);
	sio_client_deinit(&r->c);
}

/* A recorded message as the Engine.IO session would hand it on: without the type, which binary ones of revision 3
 * have too. */
static struct eio_bytes
without_type(const struct vector_message *m, int revision)
{
	struct eio_bytes data = eio_buf_bytes(&m->data);

	if (m->binary && revision == 5) return data;
	CHECK(data.n > 0 && data.p[0] == (m->binary ? 4 : '4'));
	return eio_bytes(data.p + 1, data.n - 1);
}

static void
replay_run(struct replay *r, const struct vector_script *s, int revision)
{
	struct sio_event ev;
	size_t i;
	int rc;

	for (i = 0; i < s->n && !r->closed; i++) {
		rc = sio_client_recv(&r->c, s->m[i].binary, without_type(&s->m[i], revision), &ev);
		if (rc == 1) replay_event(r, &ev);
		r->closed = rc < 0;
	}
}

/* ---- comparing ---- */

static void
append_frame(struct eio_buf *out, bool binary, struct eio_bytes data)
{
	CHECK(data.n < 126);
	eio_buf_addc(out, (char)(binary ? 0x82 : 0x81));
	eio_buf_addc(out, (char)data.n);
	eio_buf_add(out, data);
}

/* A recorded message as a WebSocket frame, with our id where it says <sid>. */
static void
append_recorded(struct eio_buf *out, const struct vector_message *m)
{
	static const char mark[] = "<sid>";
	struct eio_bytes b = eio_buf_bytes(&m->data);
	const char *sid = b.n ? memmem(b.p, b.n, mark, sizeof(mark) - 1) : NULL;
	char id[SIO_ID_LEN];
	struct eio_buf text;

	if (!sid) {
		append_frame(out, m->binary, b);
		return;
	}
	eio_buf_init(&text);
	eio_base64_encode(id, eio_bytes(noise, SIO_ID_RANDOM));
	eio_buf_append(&text, b.p, (size_t)(sid - b.p));
	eio_buf_append(&text, id, SIO_ID_LEN);
	eio_buf_append(&text, sid + sizeof(mark) - 1, b.n - (size_t)(sid - b.p) - (sizeof(mark) - 1));
	append_frame(out, false, eio_buf_bytes(&text));
	eio_buf_deinit(&text);
}

static void
append_sent(struct eio_buf *out, const struct replay *r, int revision)
{
	struct eio_block *w;

	for (size_t i = 0; i < r->n; i++) {
		w = eio_bundle_wire(r->out[i], revision == 5 ? EIO_WIRE_WS : EIO_WIRE_WS_3);
		CHECK(w);
		eio_buf_append(out, w->data, w->n);
	}
}

/* What the recording has, or, for a difference, what stands there. */
static void
append_wanted(struct eio_buf *out, struct eio_bytes vector, const struct difference *d)
{
	struct vector_script want = { .n = 0 };

	if (d) {
		for (size_t i = 0; i < MAX_SENT && d->sent[i]; i++) append_frame(out, false, eio_cstr(d->sent[i]));
		return;
	}
	vector_script_frames(&want, vector_get(vector, "/expect/received"));
	for (size_t i = 0; i < want.n; i++) append_recorded(out, &want.m[i]);
	vector_script_free(&want);
}

static bool
same_sent(const struct replay *r, int revision, struct eio_bytes vector, const struct difference *d)
{
	struct eio_buf sent, want;
	bool same;

	eio_buf_init(&sent);
	eio_buf_init(&want);
	append_sent(&sent, r, revision);
	append_wanted(&want, vector, d);
	CHECK(!eio_buf_failed(&sent) && !eio_buf_failed(&want));
	same = eio_bytes_eq(eio_buf_bytes(&sent), eio_buf_bytes(&want));
	eio_buf_deinit(&sent);
	eio_buf_deinit(&want);
	return same;
}

/* ---- all of them ---- */

struct counts {
	int replayed, different;
};

static void
run_vector(struct eio_bytes vector, void *arg)
{
	struct counts *n = arg;
	int revision = vector_get(vector, "/revision").p[0] == '5' ? 5 : 4;
	bool closed = vector_is_true(vector, "/expect/closed");
	const struct difference *d;
	struct vector_script s;
	struct replay r;

	if (!vector_get(vector, "/expect").p) return; /* test_sio_vectors.c */
	d = find_difference();
	vector_script_load(&s, vector);
	replay_start(&r, revision);
	replay_run(&r, &s, revision);
	CHECK(r.closed == (d ? d->closed : closed));
	CHECK(same_sent(&r, revision, vector, d));
	CHECK(!d || r.closed != closed || !same_sent(&r, revision, vector, NULL)); /* else it is none */
	replay_end(&r);
	vector_script_free(&s);
	n->replayed++;
	n->different += d != NULL;
}

static void
test_replay(void **state)
{
	struct counts n = { 0 };
	size_t i;

	(void)state;
	vector_each(eio_buf_bytes(&file), run_vector, &n);
	for (i = 0; i < COUNT(differences); i++) vector_difference_used(&differences[i].where);
	print_message("%d replayed, %d of them with another outcome\n", n.replayed, n.different);
	assert_int_equal(n.replayed, 287);
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
		cmocka_unit_test(test_replay),
	};

	return cmocka_run_group_tests(tests, load, unload);
}

/* SPDX-License-Identifier: MIT */
/* Out of memory at every single allocation in turn: the Socket.IO core must say so and stay whole. */
#include "sio/client.h"
#include "sio/event.h"
#include "tests/unit/failmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct eio_bytes root = { "/", 1 };

static int
echo(const struct sio_event *ev)
{
	struct sio_piece pieces[] = { { ev->data, true }, { ev->data, true } };
	struct sio_emit e = { .nsp = ev->nsp,
		.ack = ev->has_id,
		.id = ev->id,
		.pieces = pieces,
		.n_pieces = 1,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
	struct eio_bundle *b;
	int rc = sio_emit_bundle(&e, &b);

	for (int wire = 0; rc == 0 && wire < EIO_WIRE_COUNT; wire++)
		if (!eio_bundle_wire(b, (enum eio_wire)wire)) rc = SIO_ERR_NOMEM;
	eio_bundle_unref(b);
	return rc;
}

static int
answer(struct sio_client *c, const struct sio_event *ev)
{
	static const unsigned char random[SIO_ID_RANDOM];
	struct sio_socket *s;
	struct eio_bundle *b = NULL;
	int rc;

	if (ev->type == SIO_EVENT_MESSAGE) return echo(ev);
	if (ev->type == SIO_EVENT_ACK) return 0;
	if (ev->socket) {
		b = sio_client_connected(ev->socket);
		rc = b ? 0 : SIO_ERR_NOMEM;
	} else if (!eio_bytes_eq(ev->nsp, EIO_LIT("/x"))) {
		rc = sio_client_accept(c, ev->nsp, ev->auth, random, &s, &b);
	} else {
		b = sio_client_refuse(c, ev->nsp, EIO_LIT("Invalid namespace"), (struct eio_bytes){ NULL, 0 });
		rc = b ? 0 : SIO_ERR_NOMEM;
	}
	eio_bundle_unref(b);
	return rc;
}

#define MESSAGE(is_binary, s) \
	{ \
		.binary = (is_binary), .data = {(s), sizeof(s) - 1 } \
	}
#define TEXT(s) MESSAGE(false, s)
#define BINARY(s) MESSAGE(true, s)

static const struct sio_client_config client_config = { 1, 1000 };

/* What the client sends, with all answers; ends the client. */
static int
client_run(struct sio_client *c, const struct eio_message *in, size_t n)
{
	struct sio_event ev;
	struct eio_bundle *b;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++) {
		rc = sio_client_recv(c, in[i].binary, in[i].data, &ev);
		if (rc == 1) rc = answer(c, &ev);
	}
	b = rc ? NULL : sio_client_disconnect(EIO_LIT("/x"));
	if (rc == 0 && !b) rc = SIO_ERR_NOMEM;
	eio_bundle_unref(b);
	sio_client_deinit(c);
	return rc;
}

static int
client_life(void)
{
	static const struct eio_message in[] = { TEXT("0{\"a\":1}"), TEXT("0/x,"), TEXT("21[\"e\",1]"),
		TEXT("52-[\"e\",{\"_placeholder\":true,\"num\":1}]"), BINARY("ab"), BINARY("cd"), TEXT("2[\"f\"]") };
	struct sio_client c;

	sio_client_init(&c, &client_config, 0);
	return client_run(&c, in, sizeof(in) / sizeof(in[0]));
}

static int
client_life_4(void)
{
	static const struct eio_message in[] = { TEXT("0/x"), TEXT("0/b?token=1,"), TEXT("0/b,"),
		TEXT("2/b,1[\"\xc3\xa9\",1]"), TEXT("51-[\"e\",{\"_placeholder\":true,\"num\":0}]"), BINARY("ab"),
		TEXT("31-7[{\"_placeholder\":true,\"num\":0}]"), BINARY("cd"), TEXT("2[\"connect\"]") };
	static const struct sio_event implied = { .type = SIO_EVENT_CONNECT, .nsp = { "/", 1 } };
	struct sio_client c;
	int rc;

	sio_client_init_protocol_4(&c, &client_config, "engine");
	rc = answer(&c, &implied);
	if (rc == 0) return client_run(&c, in, sizeof(in) / sizeof(in[0]));
	sio_client_deinit(&c);
	return rc;
}

static int
broadcasts(void)
{
	static const enum sio_encode all[] = { SIO_ENCODE_BINARY, SIO_ENCODE_JSON, SIO_ENCODE_TEXT };
	struct sio_broadcast c = {
		.nsp = root, .event = EIO_LIT("ticks"), .payload = EIO_LIT("[1]"), .offset = EIO_LIT("Q8")
	};
	struct eio_bundle *b;
	size_t i;
	int rc = 0;

	for (i = 0; i < 3 && rc == 0; i++) {
		c.encode = all[i];
		rc = sio_broadcast_bundle(&c, &b);
		if (rc == 0 && !eio_bundle_bare(b)) rc = SIO_ERR_NOMEM;
		eio_bundle_unref(b);
	}
	return rc;
}

/* Few enough that no hash table grows: that may fail without anybody noticing but the clock. */
static int
rooms(void)
{
	struct sio_rooms_config config = { .hash_key = { 1, 2 }, .max_per_member = 100, .max_name = 10 };
	struct sio_member m[2];
	struct sio_rooms t;
	char name = 'a';
	int rc = sio_rooms_init(&t, &config);

	if (rc) return rc;
	sio_member_init(&m[0], &m[0]);
	sio_member_init(&m[1], &m[1]);
	for (; rc >= 0 && name < 'k'; name++) {
		rc = sio_rooms_join(&t, &m[name & 1], sio_room_named(root, eio_bytes(&name, 1)));
		if (rc >= 0) rc = sio_rooms_join(&t, &m[name & 1], sio_room_everyone(root));
	}
	sio_rooms_leave_all(&t, &m[0]);
	sio_rooms_leave_all(&t, &m[1]);
	assert_int_equal(t.rooms.count, 0);
	sio_rooms_deinit(&t);
	return rc < 0 ? rc : 0;
}

static void
test_client(void **state)
{
	(void)state;
	failmalloc_every(client_life, SIO_ERR_NOMEM, 20);
}

static void
test_client_4(void **state)
{
	(void)state;
	failmalloc_every(client_life_4, SIO_ERR_NOMEM, 20);
}

static void
test_broadcast(void **state)
{
	(void)state;
	failmalloc_every(broadcasts, SIO_ERR_NOMEM, 6);
}

static void
test_rooms(void **state)
{
	(void)state;
	failmalloc_every(rooms, SIO_ERR_NOMEM, 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client),
		cmocka_unit_test(test_client_4),
		cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_rooms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

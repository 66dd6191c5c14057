/* SPDX-License-Identifier: MIT */
/* One client: joining, refusing, leaving, time, attachments, and what it survives of broken input. */
#include "sio/client.h"
#include "sio/event.h"
#include "tests/unit/canon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct sio_client_config config = { 45000, 100 };
static const unsigned char noise[SIO_ID_RANDOM] = { 0xff, 0xef, 0xbe, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14 };
#define NOISE_ID "_---AwQFBgcICQoLDA0O"
static const struct eio_bytes none = { NULL, 0 };

static int
text(struct sio_client *c, const char *s, struct sio_event *ev)
{
	return sio_client_recv(c, false, eio_cstr(s), ev);
}

static int
binary(struct sio_client *c, const char *s, struct sio_event *ev)
{
	return sio_client_recv(c, true, eio_cstr(s), ev);
}

static struct sio_socket *
join(struct sio_client *c, const char *nsp)
{
	struct sio_socket *s = NULL;
	struct eio_bundle *b = NULL;

	assert_int_equal(sio_client_accept(c, eio_cstr(nsp), none, noise, &s, &b), 0);
	eio_bundle_unref(b);
	return s;
}

static void
test_connect(void **state)
{
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *s, *t;
	struct eio_bundle *b;

	(void)state;
	sio_client_init(&c, &config, 1000);
	assert_int_equal(sio_client_deadline(&c), 46000);
	assert_int_equal(text(&c, "0", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_CONNECT);
	assert_true(eio_bytes_eq(ev.nsp, EIO_LIT("/")));
	assert_null(ev.auth.p);
	canon_expect(sio_client_refuse(&c, ev.nsp, EIO_LIT("no \"way\""), EIO_LIT("{\"code\":7}")),
		"44{\"message\":\"no \\\"way\\\"\",\"data\":{\"code\":7}}");
	assert_int_equal(sio_client_deadline(&c), 46000); /* a refused join does not count */
	assert_int_equal(text(&c, "0/admin,{\"token\":\"t\"}", &ev), 1);
	assert_true(eio_bytes_eq(ev.auth, EIO_LIT("{\"token\":\"t\"}")));
	assert_int_equal(sio_client_accept(&c, ev.nsp, ev.auth, noise, &s, &b), 0);
	canon_expect(b, "40/admin,{\"sid\":\"" NOISE_ID "\"}");
	assert_int_equal(sio_client_deadline(&c), 0);
	assert_true(eio_bytes_eq(sio_socket_id(s), EIO_LIT(NOISE_ID)));
	assert_true(eio_bytes_eq(sio_socket_auth(s), EIO_LIT("{\"token\":\"t\"}")));
	assert_ptr_equal(sio_client_find(&c, EIO_LIT("/admin")), s);
	assert_null(sio_client_find(&c, EIO_LIT("/")));
	assert_int_equal(sio_client_accept(&c, EIO_LIT("/admin"), none, noise, &t, &b), SIO_ERR_ALREADY_JOINED);
	assert_int_equal(text(&c, "0/admin,", &ev), SIO_ERR_ALREADY_JOINED);
	sio_client_deinit(&c);

	struct sio_client_config endless = { 0, 0 };

	sio_client_init(&c, &endless, 5);
	assert_int_equal(sio_client_deadline(&c), 0);
	sio_client_deinit(&c);
}

static void
test_disconnect(void **state)
{
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *s;

	(void)state;
	sio_client_init(&c, &config, 0);
	s = join(&c, "/");
	join(&c, "/b");
	assert_int_equal(text(&c, "1", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_DISCONNECT);
	assert_ptr_equal(ev.socket, s);
	sio_socket_free(s);
	canon_expect(sio_client_disconnect(EIO_LIT("/b")), "41/b,");
	canon_expect(sio_client_disconnect(EIO_LIT("/")), "41");
	assert_int_equal(text(&c, "2[\"a\"]", &ev), SIO_ERR_NOT_JOINED);
	assert_int_equal(text(&c, "0", &ev), 1);
	join(&c, "/");
	assert_int_equal(text(&c, "2[\"a\"]", &ev), 1);
	sio_client_deinit(&c);
}

static void
test_messages(void **state)
{
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *s;

	(void)state;
	sio_client_init(&c, &config, 0);
	s = join(&c, "/b");
	assert_int_equal(text(&c, "2/b,007[\"a\",1]", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_MESSAGE);
	assert_ptr_equal(ev.socket, s);
	assert_true(ev.has_id && eio_bytes_eq(ev.id, EIO_LIT("7")));
	assert_true(eio_bytes_eq(ev.data, EIO_LIT("[\"a\",1]")));
	assert_int_equal(ev.n_attachments, 0);
	assert_int_equal(text(&c, "3/b,1[]", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_ACK);
	assert_int_equal(text(&c, "3/b,[]", &ev), 0);
	assert_int_equal(ev.type, SIO_EVENT_NONE);
	assert_int_equal(text(&c, "2/b,5", &ev), 0);
	assert_int_equal(text(&c, "3/b,5", &ev), 0);
	assert_int_equal(text(&c, "4/b,\"x\"", &ev), SIO_ERR_CONNECT_ERROR);
	assert_int_equal(text(&c, "", &ev), SIO_ERR_EMPTY);
	sio_client_deinit(&c);
}

static void
test_attachments(void **state)
{
	struct sio_client c;
	struct sio_event ev;

	(void)state;
	sio_client_init(&c, &config, 0);
	join(&c, "/");
	assert_int_equal(text(&c, "52-[\"a\",{\"_placeholder\":true,\"num\":1}]", &ev), 0);
	assert_int_equal(binary(&c, "", &ev), 0);
	assert_int_equal(binary(&c, "two", &ev), 1);
	assert_int_equal(ev.n_attachments, 2);
	assert_int_equal(ev.attachments[0].n, 0);
	assert_true(eio_bytes_eq(ev.attachments[1], EIO_LIT("two")));
	assert_true(eio_bytes_eq(ev.data, EIO_LIT("[\"a\",{\"_placeholder\":true,\"num\":1}]")));
	sio_client_release(&c);
	assert_null(c.pending);
	assert_int_equal(binary(&c, "x", &ev), SIO_ERR_STRAY_BINARY);
	/* An event without JSON waits for its attachments too, and is then ignored. */
	assert_int_equal(text(&c, "51-", &ev), 0);
	sio_client_release(&c); /* frees only what was delivered */
	assert_int_equal(binary(&c, "x", &ev), 0);
	assert_int_equal(text(&c, "61-3[{\"_placeholder\":true,\"num\":0}]", &ev), 0);
	assert_int_equal(binary(&c, "x", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_ACK);
	assert_int_equal(text(&c, "51-[\"a\"]", &ev), 0);
	assert_int_equal(text(&c, "2[\"a\"]", &ev), SIO_ERR_TEXT_IN_BINARY);
	sio_client_deinit(&c);
}

static void
test_attachment_bytes(void **state)
{
	struct sio_client_config small = { 0, 4 };
	struct sio_client c;
	struct sio_event ev;

	(void)state;
	sio_client_init(&c, &small, 0);
	join(&c, "/");
	assert_int_equal(text(&c, "52-[\"a\"]", &ev), 0);
	assert_int_equal(binary(&c, "123", &ev), 0);
	assert_int_equal(binary(&c, "4", &ev), 1);
	assert_int_equal(text(&c, "52-[\"a\"]", &ev), 0);
	assert_int_equal(binary(&c, "123", &ev), 0);
	assert_int_equal(binary(&c, "45", &ev), SIO_ERR_ATTACHMENT_BYTES);
	sio_client_deinit(&c);
}

/* Sends an event back as it came, which walks all of it. */
static void
echo(const struct sio_event *ev)
{
	struct sio_piece piece = { ev->data, true };
	struct sio_emit e = { .nsp = ev->nsp,
		.ack = ev->has_id,
		.pieces = &piece,
		.n_pieces = 1,
		.attachments = ev->attachments,
		.n_attachments = ev->n_attachments };
	struct eio_bundle *b;

	if (ev->has_id) e.id = ev->id;
	assert_int_equal(sio_emit_bundle(&e, &b), 0);
	eio_bundle_unref(b);
}

/* What the server would answer a CONNECT with. */
static void
let_in(struct sio_client *c, const struct sio_event *ev)
{
	struct eio_bundle *b = NULL;
	struct sio_socket *s;

	if (ev->socket)
		b = sio_client_connected(ev->socket);
	else
		assert_int_equal(sio_client_accept(c, ev->nsp, ev->auth, noise, &s, &b), 0);
	assert_non_null(b);
	eio_bundle_unref(b);
}

/* One message in an allocation of its exact size, followed by attachments as long as they are asked for. */
static void
feed(int revision, const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct sio_client c;
	struct sio_event ev;
	int rc, i;

	memcpy(copy, p, n);
	if (revision == 5)
		sio_client_init(&c, &config, 0);
	else
		sio_client_init_protocol_4(&c, &config, "engine");
	join(&c, "/");
	join(&c, "/adm");
	rc = sio_client_recv(&c, false, eio_bytes(copy, n), &ev);
	for (i = 0; rc == 0 && c.pending && i < SIO_MAX_ATTACHMENTS; i++) rc = binary(&c, "x", &ev);
	assert_true(rc >= -(int)SIO_ERROR_INDEX_LAST_FAULT);
	if (rc == 1 && ev.type == SIO_EVENT_MESSAGE) echo(&ev);
	if (rc == 1 && ev.type == SIO_EVENT_CONNECT) let_in(&c, &ev);
	sio_client_deinit(&c);
	free(copy);
}

/* The message cut at every place, and with every byte changed to everything. */
static void
feed_broken(int revision, const char *message)
{
	char copy[160];
	size_t n = strlen(message), at;
	unsigned byte;

	for (at = 0; at <= n; at++) feed(revision, message, at);
	for (at = 0; at < n; at++) {
		memcpy(copy, message, n);
		for (byte = 0; byte < 256; byte++) {
			copy[at] = (char)byte;
			feed(revision, copy, n);
		}
	}
}

static void
test_broken_input(void **state)
{
	static const char *const messages[] = {
		("52-/adm,12[\"e\",{\"_placeholder\":true,\"num\":0},{\"a\":[1.5,{\"num\":1,"
		 "\"_placeholder\":true}]},\"\\u00e9\xc3\xa9\"]"),
		"0/new,{\"token\":\"x\"}", "2/adm, 7 [\"e\",null,true]", "61-15[{\"_placeholder\":true,\"num\":0}]",
		"0/adm?a=1,", "32-/adm,4[{\"_placeholder\":true,\"num\":1}]"
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		feed_broken(5, messages[i]);
		feed_broken(4, messages[i]);
	}
}

/* ---- revision 4: clients 1.x and 2.x ---- */

/* Text that must be an event of a type. */
static struct sio_event
expect_text(struct sio_client *c, const char *s, enum sio_event_type type)
{
	struct sio_event ev;
	int rc = text(c, s, &ev);

	if (rc != 1 || ev.type != type) fail_msg("%s: %d, event %d", s, rc, (int)ev.type);
	return ev;
}

/* Text that must mean nothing. */
static void
expect_nothing(struct sio_client *c, const char *s)
{
	struct sio_event ev;
	int rc = text(c, s, &ev);

	if (rc != 0 || ev.type != SIO_EVENT_NONE) fail_msg("%s: %d, event %d", s, rc, (int)ev.type);
}

static void
test_connect_4(void **state)
{
	char sid[] = "engine-sid";
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *s;
	struct eio_bundle *b;

	(void)state;
	sio_client_init_protocol_4(&c, &config, sid);
	assert_int_equal(sio_client_deadline(&c), 0); /* there is nothing to wait for */
	/* "/" may be refused: then the client is nowhere, and may still ask for others. */
	canon_expect(sio_client_refuse(&c, EIO_LIT("/"), EIO_LIT("no \"way\""), none), "44\"no \\\"way\\\"\"");
	expect_nothing(&c, "2[\"a\"]");
	assert_int_equal(sio_client_accept(&c, EIO_LIT("/"), none, noise, &s, &b), 0);
	canon_expect(b, "40");
	assert_true(eio_bytes_eq(sio_socket_id(s), EIO_LIT("engine-sid")));
	ev = expect_text(&c, "0/admin", SIO_EVENT_CONNECT);
	assert_true(eio_bytes_eq(ev.nsp, EIO_LIT("/admin")));
	assert_null(ev.socket);
	assert_null(ev.query.p);
	assert_int_equal(sio_client_accept(&c, ev.nsp, none, noise, &s, &b), 0);
	canon_expect(b, "40/admin,");
	/* The session's sid may go before the socket's id is read. */
	memset(sid, 'x', sizeof(sid) - 1);
	assert_true(eio_bytes_eq(sio_socket_id(s), EIO_LIT("/admin#engine-sid")));
	sio_client_deinit(&c);
}

static void
test_query_4(void **state)
{
	static const struct {
		const char *text, *nsp, *query; /* query: NULL for none */
	} cases[] = {
		{ "0/b?token=x&y=1,", "/b", "token=x&y=1" },
		{ "0/b?token=x", "/b", "token=x" },
		{ "0/b?,", "/b", "" },
		{ "0/b??a=1?b,", "/b", "?a=1?b" },
		{ "0/b/c?d=/e,", "/b/c", "d=/e" },
		{ "0/b,", "/b", NULL },
		{ "0/b,{\"not\":\"auth\"}", "/b", NULL },
		{ "0/b,[]", "/b", NULL },
	};
	struct sio_client c;
	struct sio_event ev;
	size_t i;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	join(&c, "/");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ev = expect_text(&c, cases[i].text, SIO_EVENT_CONNECT);
		assert_true(eio_bytes_eq(ev.nsp, eio_cstr(cases[i].nsp)));
		assert_null(ev.auth.p); /* what these clients send there goes nowhere in the servers of their time */
		assert_int_equal(ev.query.p != NULL, cases[i].query != NULL);
		if (cases[i].query) assert_true(eio_bytes_eq(ev.query, eio_cstr(cases[i].query)));
	}
	/* Only a CONNECT has a query; elsewhere it is part of the name. */
	join(&c, "/b");
	expect_nothing(&c, "2/b?token=x,[\"a\"]");
	expect_nothing(&c, "1/b?token=x,");
	expect_text(&c, "2/b,[\"a\"]", SIO_EVENT_MESSAGE);
	sio_client_deinit(&c);
}

static void
test_connect_again_4(void **state)
{
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *b;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	join(&c, "/");
	b = join(&c, "/b");
	expect_nothing(&c, "0");
	expect_nothing(&c, "0/");
	expect_nothing(&c, "0/?a=1,");
	expect_nothing(&c, "0[]");
	ev = expect_text(&c, "0/b,", SIO_EVENT_CONNECT);
	assert_ptr_equal(ev.socket, b);
	canon_expect(sio_client_connected(ev.socket), "40/b,");
	ev = expect_text(&c, "0/b?a=1", SIO_EVENT_CONNECT);
	assert_ptr_equal(ev.socket, b);
	assert_true(eio_bytes_eq(ev.query, EIO_LIT("a=1")));
	sio_client_deinit(&c);
}

static void
test_leave_4(void **state)
{
	struct sio_client c;
	struct sio_event ev;
	struct sio_socket *s;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	s = join(&c, "/");
	join(&c, "/b");
	ev = expect_text(&c, "1", SIO_EVENT_DISCONNECT);
	assert_ptr_equal(ev.socket, s);
	sio_socket_free(s);
	/* Late packets of what was left, and packets of what was never joined. */
	expect_nothing(&c, "1");
	expect_nothing(&c, "2[\"a\"]");
	expect_nothing(&c, "21[\"a\"]");
	expect_nothing(&c, "31[]");
	expect_nothing(&c, "2/nope,[\"a\"]");
	expect_nothing(&c, "1/nope");
	/* Their attachments are taken all the same: they belong to the connection. */
	expect_nothing(&c, "51-[\"a\",{\"_placeholder\":true,\"num\":0}]");
	assert_int_equal(binary(&c, "x", &ev), 0);
	/* The other membership lives on, and the one that was left can be had again. */
	expect_text(&c, "2/b,[\"a\"]", SIO_EVENT_MESSAGE);
	ev = expect_text(&c, "0", SIO_EVENT_CONNECT);
	assert_null(ev.socket);
	assert_true(eio_bytes_eq(ev.nsp, EIO_LIT("/")));
	assert_true(eio_bytes_eq(sio_socket_id(join(&c, "/")), EIO_LIT("e")));
	expect_text(&c, "2[\"a\"]", SIO_EVENT_MESSAGE);
	sio_client_deinit(&c);
}

static void
test_refuse_4(void **state)
{
	struct sio_client c;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	canon_expect(
		sio_client_refuse(&c, EIO_LIT("/x"), EIO_LIT("Invalid namespace"), none), "44/x,\"Invalid namespace\"");
	/* Data takes the place of the message. */
	canon_expect(
		sio_client_refuse(&c, EIO_LIT("/x"), EIO_LIT("nope"), EIO_LIT("{\"code\":7}")), "44/x,{\"code\":7}");
	canon_expect(sio_client_disconnect(EIO_LIT("/x")), "41/x,");
	sio_client_deinit(&c);
}

static void
test_messages_4(void **state)
{
	static const char *const reserved[] = { "2[\"connect\"]", "2[\"connect_error\",1]", "2[\"disconnect\"]",
		"27[\"disconnecting\"]", "2[\"newListener\"]", "2[\"remove\\u004cistener\"]" };
	struct sio_client c;
	struct sio_event ev;
	size_t i;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	join(&c, "/");
	ev = expect_text(&c, "2007[\"a\",1]", SIO_EVENT_MESSAGE);
	assert_true(ev.has_id && eio_bytes_eq(ev.id, EIO_LIT("7")));
	assert_true(eio_bytes_eq(ev.data, EIO_LIT("[\"a\",1]")));
	expect_text(&c, "2[\"error\"]", SIO_EVENT_MESSAGE);
	for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) expect_nothing(&c, reserved[i]);
	expect_nothing(&c, "51-[\"connect\"]");
	assert_int_equal(binary(&c, "x", &ev), 0);
	assert_int_equal(ev.type, SIO_EVENT_NONE);
	/* What servers of the time report to the application, or not at all. */
	expect_nothing(&c, "2");
	expect_nothing(&c, "35");
	expect_nothing(&c, "3[1]");
	expect_nothing(&c, "7");
	expect_nothing(&c, "9[\"a\"]");
	expect_nothing(&c, "x");
	expect_nothing(&c, "4\"x\"");
	expect_nothing(&c, "4[]");
	/* What ends the session with them as well. */
	assert_int_equal(text(&c, "", &ev), SIO_ERR_EMPTY);
	assert_int_equal(text(&c, "2[]", &ev), SIO_ERR_PAYLOAD);
	assert_int_equal(text(&c, "2[\"a\"", &ev), SIO_ERR_PAYLOAD);
	assert_int_equal(text(&c, "0\"x\"", &ev), SIO_ERR_PAYLOAD);
	assert_int_equal(text(&c, "5-1-[\"a\"]", &ev), SIO_ERR_ATTACHMENTS);
	assert_int_equal(binary(&c, "x", &ev), SIO_ERR_STRAY_BINARY);
	sio_client_deinit(&c);
}

static void
test_attachments_4(void **state)
{
	struct sio_client c;
	struct sio_event ev;

	(void)state;
	sio_client_init_protocol_4(&c, &config, "e");
	join(&c, "/");
	expect_nothing(&c, "51-3[\"a\",{\"_placeholder\":true,\"num\":0}]");
	assert_int_equal(binary(&c, "one", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_MESSAGE);
	assert_int_equal(ev.n_attachments, 1);
	assert_true(eio_bytes_eq(ev.attachments[0], EIO_LIT("one")));
	/* Nothing to wait for. */
	ev = expect_text(&c, "50-4[\"a\"]", SIO_EVENT_MESSAGE);
	assert_true(eio_bytes_eq(ev.id, EIO_LIT("4")) && ev.n_attachments == 0);
	expect_text(&c, "60-4[1]", SIO_EVENT_ACK);
	/* ACKs of revision 3 carry a count, which may be 0. */
	ev = expect_text(&c, "30-12[\"bar\"]", SIO_EVENT_ACK);
	assert_true(eio_bytes_eq(ev.id, EIO_LIT("12")) && eio_bytes_eq(ev.data, EIO_LIT("[\"bar\"]")));
	expect_nothing(&c, "32-4[{\"_placeholder\":true,\"num\":1}]");
	assert_int_equal(binary(&c, "one", &ev), 0);
	assert_int_equal(binary(&c, "two", &ev), 1);
	assert_int_equal(ev.type, SIO_EVENT_ACK);
	assert_int_equal(ev.n_attachments, 2);
	assert_true(eio_bytes_eq(ev.attachments[1], EIO_LIT("two")));
	expect_nothing(&c, "31-4[{\"_placeholder\":true,\"num\":1}]");
	assert_int_equal(binary(&c, "one", &ev), SIO_ERR_PLACEHOLDER);
	/* While attachments are outstanding even an unknown type is fatal. */
	expect_nothing(&c, "31-4[]");
	assert_int_equal(text(&c, "7", &ev), SIO_ERR_TEXT_IN_BINARY);
	sio_client_deinit(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect),
		cmocka_unit_test(test_disconnect),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_attachments),
		cmocka_unit_test(test_attachment_bytes),
		cmocka_unit_test(test_broken_input),
		cmocka_unit_test(test_connect_4),
		cmocka_unit_test(test_query_4),
		cmocka_unit_test(test_connect_again_4),
		cmocka_unit_test(test_leave_4),
		cmocka_unit_test(test_refuse_4),
		cmocka_unit_test(test_messages_4),
		cmocka_unit_test(test_attachments_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
	assert_true(eio_bytes_eq(s->auth, EIO_LIT("{\"token\":\"t\"}")));
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

/* One message in an allocation of its exact size, followed by attachments as long as they are asked for. */
static void
feed(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct sio_client c;
	struct sio_event ev;
	int rc, i;

	memcpy(copy, p, n);
	sio_client_init(&c, &config, 0);
	join(&c, "/");
	join(&c, "/adm");
	rc = sio_client_recv(&c, false, eio_bytes(copy, n), &ev);
	for (i = 0; rc == 0 && c.pending && i < SIO_MAX_ATTACHMENTS; i++) rc = binary(&c, "x", &ev);
	assert_true(rc >= 0 || rc > SIO_ERR_LAST_FATAL);
	if (rc == 1 && ev.type == SIO_EVENT_MESSAGE) echo(&ev);
	sio_client_deinit(&c);
	free(copy);
}

static void
test_broken_input(void **state)
{
	static const char *const messages[] = {
		"52-/adm,12[\"e\",{\"_placeholder\":true,\"num\":0},{\"a\":[1.5,{\"num\":1,"
		"\"_placeholder\":true}]},\"\\u00e9\xc3\xa9\"]",
		"0/new,{\"token\":\"x\"}", "2/adm, 7 [\"e\",null,true]", "61-15[{\"_placeholder\":true,\"num\":0}]"
	};
	char copy[160];
	size_t i, n, at;
	unsigned byte;

	(void)state;
	for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		n = strlen(messages[i]);
		for (at = 0; at <= n; at++) feed(messages[i], at);
		for (at = 0; at < n; at++) {
			memcpy(copy, messages[i], n);
			for (byte = 0; byte < 256; byte++) {
				copy[at] = (char)byte;
				feed(copy, n);
			}
		}
	}
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

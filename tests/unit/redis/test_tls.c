/* SPDX-License-Identifier: MIT */
/* TLS towards Redis, against a server of OpenSSL's in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/redis/tls.h"
#include "tests/unit/certificate.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { DAY = 86400 };

static struct certificate *ca, *other_ca, *good, *ours;

/* A server and a client that are connected by two pieces of memory. */
struct pair {
	SSL_CTX *context;
	SSL *server;
	BIO *in, *out; /* of the server: borrowed */
	struct redis_tls_context *trust;
	struct redis_tls *t;
	struct eio_buf fed; /* what the client was fed last */
	size_t step; /* so many bytes at a time reach the client; 0: all */
};

static struct pair *
pair_new(const char *name, const struct certificate *trusted, const struct certificate *server)
{
	struct pair *p = calloc(1, sizeof *p);

	assert_non_null(p);
	p->context = SSL_CTX_new(TLS_server_method());
	assert_int_equal(SSL_CTX_use_certificate(p->context, server->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(p->context, server->key), 1);
	p->trust = redis_tls_context_new(name, NULL);
	assert_non_null(p->trust);
	assert_null(redis_tls_trust(p->trust, eio_cstr(trusted->cert_pem)));
	return p;
}

static void
pair_connect(struct pair *p)
{
	p->server = SSL_new(p->context);
	p->in = BIO_new(BIO_s_mem());
	p->out = BIO_new(BIO_s_mem());
	SSL_set_bio(p->server, p->in, p->out);
	SSL_set_accept_state(p->server);
	p->t = redis_tls_new(p->trust);
	assert_non_null(p->t);
}

static void
pair_free(struct pair *p)
{
	redis_tls_free(p->t);
	redis_tls_context_free(p->trust);
	SSL_free(p->server);
	SSL_CTX_free(p->context);
	eio_buf_deinit(&p->fed);
	ERR_clear_error();
	free(p);
}

/* What the client has to send goes to the server. How many bytes that was. */
static size_t
to_server(struct pair *p)
{
	struct eio_buf *out = redis_tls_out(p->t);
	size_t n = out->n;

	if (n) assert_int_equal(BIO_write(p->in, out->p, (int)n), (int)n);
	eio_buf_clear(out);
	return n;
}

/* The next piece of what the server has to send. Whether there was any. */
static bool
to_client(struct pair *p)
{
	size_t n = BIO_pending(p->out) > 0 ? (size_t)BIO_pending(p->out) : 0;

	if (p->step && n > p->step) n = p->step;
	if (!n) return false;
	eio_buf_clear(&p->fed);
	assert_non_null(eio_buf_reserve(&p->fed, n));
	p->fed.n = n;
	assert_int_equal(BIO_read(p->out, p->fed.p, (int)n), (int)n);
	redis_tls_feed(p->t, eio_buf_bytes(&p->fed));
	return true;
}

/* Both shake hands until nothing moves. Whether the client is content. */
static bool
shake(struct pair *p)
{
	bool open = redis_tls_shake_hands(p->t), moved;

	do {
		moved = to_server(p) > 0;
		SSL_do_handshake(p->server);
		ERR_clear_error();
		while (!open && !redis_tls_failure(p->t) && to_client(p)) {
			moved = true;
			open = redis_tls_shake_hands(p->t);
		}
	} while (moved && !open && !redis_tls_failure(p->t));
	to_server(p);
	SSL_do_handshake(p->server);
	ERR_clear_error();
	return open;
}

/* All that comes to the client, up to so many bytes at a time, into out. */
static void
read_all(struct pair *p, struct eio_buf *out, size_t at_once)
{
	size_t n;

	do {
		do {
			char *room = eio_buf_reserve(out, at_once);

			n = redis_tls_read(p->t, room, at_once);
			out->n += n;
		} while (n == at_once);
	} while (!redis_tls_failure(p->t) && to_client(p));
}

/* Both say the text, n times over, and hear it. */
static void
converse(struct pair *p, struct eio_bytes text, size_t at_once)
{
	struct eio_buf got;
	char *back = malloc(text.n);
	size_t n, at = 0;

	eio_buf_init(&got);
	redis_tls_write(p->t, text);
	assert_true(to_server(p) > text.n);
	while (at < text.n && SSL_read_ex(p->server, back + at, text.n - at, &n) == 1) at += n;
	assert_int_equal(at, text.n);
	assert_memory_equal(back, text.p, text.n);
	assert_int_equal(SSL_write(p->server, text.p, (int)text.n), (int)text.n);
	read_all(p, &got, at_once);
	assert_null(redis_tls_failure(p->t));
	assert_int_equal(got.n, text.n);
	assert_memory_equal(got.p, text.p, text.n);
	eio_buf_deinit(&got);
	free(back);
}

static void
bytes_arrive(void **state)
{
	static const size_t steps[] = { 0, 1, 3, 16384, 65536 };
	char *large = malloc(3000000);

	(void)state;
	for (size_t i = 0; i < 3000000; i++) large[i] = (char)(i * 31 ^ i >> 9);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
			struct pair *p = pair_new("redis.example", ca, good);

			SSL_CTX_set_max_proto_version(p->context, version);
			p->step = steps[i];
			pair_connect(p);
			assert_true(shake(p));
			assert_string_equal(redis_tls_version(p->t), version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
			assert_string_equal(SSL_get_servername(p->server, TLSEXT_NAMETYPE_host_name), "redis.example");
			converse(p, EIO_LIT("PING"), 1);
			converse(p, eio_bytes(large, 40000), 7);
			if (!p->step || p->step > 3) converse(p, eio_bytes(large, 3000000), 65536);
			pair_free(p);
		}
	}
	free(large);
}

static const struct {
	int line;
	const char *name, *names;
	long from, to;
	bool other;
	const char *failure; /* a part of it; NULL: none */
} servers[] = {
	{ __LINE__, "redis.example", "DNS:redis.example", -DAY, DAY, false, NULL },
	{ __LINE__, "a.redis.example", "DNS:*.redis.example", -DAY, DAY, false, NULL },
	{ __LINE__, "10.0.0.5", "DNS:x,IP:10.0.0.5", -DAY, DAY, false, NULL },
	{ __LINE__, "::1", "IP:0:0:0:0:0:0:0:1", -DAY, DAY, false, NULL },
	{ __LINE__, "redis.example", "DNS:other.example,IP:10.0.0.5,IP:::1", -DAY, DAY, false,
		"TLS: the server's certificate is not for redis.example, but for other.example, 10.0.0.5, ::1" },
	{ __LINE__, "redis.example", "DNS:r*.example", -DAY, DAY, false,
		"is not for redis.example, but for r*.example" },
	{ __LINE__, "10.0.0.5", "DNS:10.0.0.5", -DAY, DAY, false, "is not for 10.0.0.5, but for 10.0.0.5" },
	{ __LINE__, "redis.example", "email:x@y", -DAY, DAY, false, "is not for redis.example, but for nobody" },
	{ __LINE__, "redis.example", "DNS:redis.example", -2 * DAY, -DAY, false,
		"TLS: the server's certificate is refused: certificate has expired, of 'CN=server'" },
	{ __LINE__, "redis.example", "DNS:redis.example", DAY, 2 * DAY, false, "certificate is not yet valid" },
	{ __LINE__, "redis.example", "DNS:redis.example", -DAY, DAY, true,
		"refused: unable to get local issuer certificate, of 'CN=server'" },
};

static void
certificates_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++) {
		struct certificate *c = certificate_new("server", servers[i].names, servers[i].from, servers[i].to, ca);
		struct pair *p = pair_new(servers[i].name, servers[i].other ? other_ca : ca, c);
		const char *failure;
		bool open;

		pair_connect(p);
		open = shake(p);
		failure = redis_tls_failure(p->t);
		if (open != !servers[i].failure || !failure != !servers[i].failure ||
			(failure && !strstr(failure, servers[i].failure)))
			fail_msg("line %d: %s", servers[i].line, failure ? failure : "no failure");
		pair_free(p);
		certificate_free(c);
	}
}

/* What a certificate says is somebody else's words. */
static void
subjects_are_escaped(void **state)
{
	struct certificate *c = certificate_new("a\"b\nc", "DNS:x", -2 * DAY, -DAY, ca);
	struct pair *p = pair_new("x", ca, c);

	(void)state;
	pair_connect(p);
	assert_false(shake(p));
	assert_null(strpbrk(redis_tls_failure(p->t), "\"\n"));
	pair_free(p);
	certificate_free(c);
}

/* A server's own certificate can be trusted, and nothing else then. */
static void
one_server_is_trusted(void **state)
{
	struct pair *p = pair_new("redis.example", good, good);

	(void)state;
	pair_connect(p);
	assert_true(shake(p));
	pair_free(p);
	p = pair_new("redis.example", good, ours);
	pair_connect(p);
	assert_false(shake(p));
	pair_free(p);
}

static void
clients_have_certificates(void **state)
{
	(void)state;
	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		for (int certified = 0; certified < 2; certified++) {
			struct pair *p = pair_new("redis.example", ca, good);
			struct eio_buf got;

			eio_buf_init(&got);
			SSL_CTX_set_max_proto_version(p->context, version);
			SSL_CTX_set_verify(p->context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
			X509_STORE_add_cert(SSL_CTX_get_cert_store(p->context), ca->cert);
			if (certified) {
				assert_null(redis_tls_certificate(p->trust, eio_cstr(ours->cert_pem)));
				assert_null(redis_tls_key(p->trust, eio_cstr(ours->key_pem)));
				assert_true(redis_tls_certificate_is_valid(p->trust));
			}
			pair_connect(p);
			/* Since 1.3 a client has shaken hands before it is refused. */
			assert_int_equal(shake(p), certified || version == TLS1_3_VERSION);
			if (certified) converse(p, EIO_LIT("PING"), 100);
			while (!certified && !redis_tls_failure(p->t)) read_all(p, &got, 100);
			if (!certified) assert_non_null(strstr(redis_tls_failure(p->t), "ask"));
			eio_buf_deinit(&got);
			pair_free(p);
		}
	}
}

/* Feeds a client that has shaken hands what p->fed holds; why it failed. */
static const char *
failure_of(struct pair *p)
{
	char out[100];

	redis_tls_feed(p->t, eio_buf_bytes(&p->fed));
	assert_int_equal(redis_tls_read(p->t, out, sizeof out), 0);
	assert_non_null(redis_tls_failure(p->t));
	/* And that is its end. */
	assert_int_equal(redis_tls_read(p->t, out, sizeof out), 0);
	redis_tls_write(p->t, EIO_LIT("x"));
	redis_tls_end(p->t);
	return redis_tls_failure(p->t);
}

static void
spoilt_bytes_are_its_end(void **state)
{
	struct pair *p = pair_new("redis.example", ca, good);

	(void)state;
	pair_connect(p);
	redis_tls_shake_hands(p->t);
	redis_tls_feed(p->t, EIO_LIT("-ERR Protocol error\r\n"));
	assert_false(redis_tls_shake_hands(p->t));
	assert_string_equal(redis_tls_failure(p->t), "TLS: the server does not speak it on this port");
	assert_false(redis_tls_shake_hands(p->t));
	redis_tls_free(p->t);
	SSL_free(p->server);

	pair_connect(p);
	assert_true(shake(p));
	while (BIO_pending(p->out) > 0) { /* tickets */
		char out[1];

		to_client(p);
		assert_int_equal(redis_tls_read(p->t, out, sizeof out), 0);
	}
	SSL_write(p->server, "secret", 6);
	eio_buf_clear(&p->fed);
	p->fed.n = (size_t)BIO_read(p->out, eio_buf_reserve(&p->fed, 1000), 1000);
	p->fed.p[p->fed.n - 1] ^= 1;
	assert_non_null(strstr(failure_of(p), "TLS: decryption failed or bad record mac"));
	pair_free(p);
}

static void
ends_are_told(void **state)
{
	struct pair *p = pair_new("redis.example", ca, good);
	struct eio_buf got;
	char c;

	(void)state;
	eio_buf_init(&got);
	pair_connect(p);
	assert_true(shake(p));
	SSL_key_update(p->server, SSL_KEY_UPDATE_REQUESTED); /* which wants an answer */
	converse(p, EIO_LIT("PING"), 100);
	converse(p, EIO_LIT("PING"), 100);
	SSL_write(p->server, "bye", 3);
	SSL_shutdown(p->server);
	read_all(p, &got, 100);
	assert_true(eio_bytes_eq(eio_buf_bytes(&got), EIO_LIT("bye")));
	assert_string_equal(redis_tls_failure(p->t), "closed by the server");
	redis_tls_free(p->t);
	SSL_free(p->server);

	pair_connect(p);
	assert_true(shake(p));
	redis_tls_end(p->t);
	assert_true(to_server(p) > 0);
	assert_int_equal(SSL_read(p->server, &c, 1), 0);
	assert_int_equal(SSL_get_shutdown(p->server) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
	eio_buf_deinit(&got);
	pair_free(p);
}

static void
texts_are_checked(void **state)
{
	struct redis_tls_context *c = redis_tls_context_new("x", NULL);
	char *locked = certificate_encrypted_key(ours, "hunter2");
	struct certificate *old = certificate_new("old", NULL, -2 * DAY, -DAY, ca);
	struct eio_buf b;

	(void)state;
	eio_buf_init(&b);
	assert_string_equal(redis_tls_trust(c, EIO_LIT("")), "holds no certificate in PEM form");
	assert_string_equal(redis_tls_trust(c, eio_cstr(ours->key_pem)), "holds no certificate in PEM form");
	assert_string_equal(
		redis_tls_trust(c, EIO_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
		"holds a certificate that cannot be read");
	eio_buf_printf(&b, "# ours\n%s\n%s%s", ca->cert_pem, other_ca->cert_pem, ca->cert_pem);
	assert_null(redis_tls_trust(c, eio_buf_bytes(&b)));
	assert_null(redis_tls_trust_system(c));
	eio_buf_clear(&b);
	eio_buf_printf(&b, "%s%s", ours->cert_pem, ca->cert_pem);
	assert_null(redis_tls_certificate(c, eio_buf_bytes(&b)));
	assert_string_equal(redis_tls_key(c, eio_cstr(good->key_pem)), "the key is not the certificate's");
	assert_string_equal(redis_tls_key(c, eio_cstr(locked)), "the key has a passphrase, which nobody is asked for");
	assert_string_equal(redis_tls_key(c, eio_cstr(ours->cert_pem)), "holds no private key in PEM form");
	assert_null(redis_tls_key(c, eio_cstr(ours->key_pem)));
	assert_true(redis_tls_certificate_is_valid(c));
	assert_null(redis_tls_certificate(c, eio_cstr(old->cert_pem)));
	assert_false(redis_tls_certificate_is_valid(c));
	assert_int_equal(ERR_peek_error(), 0);
	eio_buf_deinit(&b);
	free(locked);
	certificate_free(old);
	redis_tls_context_free(c);
}

static int
make_certificates(void **state)
{
	(void)state;
	ca = certificate_new("ca", NULL, -DAY, DAY, NULL);
	other_ca = certificate_new("other ca", NULL, -DAY, DAY, NULL);
	good = certificate_new("good", "DNS:redis.example", -DAY, DAY, ca);
	ours = certificate_new("ours", NULL, -DAY, DAY, ca);
	return 0;
}

static int
free_certificates(void **state)
{
	(void)state;
	certificate_free(ca);
	certificate_free(other_ca);
	certificate_free(good);
	certificate_free(ours);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_arrive),
		cmocka_unit_test(certificates_are_checked),
		cmocka_unit_test(subjects_are_escaped),
		cmocka_unit_test(one_server_is_trusted),
		cmocka_unit_test(clients_have_certificates),
		cmocka_unit_test(spoilt_bytes_are_its_end),
		cmocka_unit_test(ends_are_told),
		cmocka_unit_test(texts_are_checked),
	};

	return cmocka_run_group_tests(tests, make_certificates, free_certificates);
}

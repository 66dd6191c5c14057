/* SPDX-License-Identifier: MIT */
/*
 * TLS over a pair of sockets, with OpenSSL at the other end: bytes in both directions through sockets that take little,
 * sealed bursts, changes of keys, the end, tickets, certificates that change.
 */
#include "eio/buf.h"
#include "eio/net/tls.h"
#include "tests/unit/dice.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { YEAR_S = 365 * 86400, LARGE = 300000, BURST = 50000 };

static char dir[] = "/tmp/siocast-test-tls-XXXXXX";
static char names[4][64]; /* a.pem, a.key, b.pem, b.key */
static struct eio_tls_certificate certificates[2];
static SSL_CTX *client_context;

/* Files */

static void
add_extension(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* Writes a certificate that signs itself, and its key. */
static void
write_certificate(const char *cert, const char *key_file, const char *name, const char *alternatives)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);
	FILE *f;

	assert_non_null(key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), YEAR_S);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(x, subject);
	add_extension(x, NID_subject_alt_name, alternatives);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	f = fopen(cert, "we");
	assert_int_equal(PEM_write_X509(f, x), 1);
	fclose(f);
	f = fopen(key_file, "we");
	assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

static int
set_up(void **state)
{
	static const char *const files[] = { "a.pem", "a.key", "b.pem", "b.key" };

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < 4; i++) snprintf(names[i], sizeof names[i], "%s/%s", dir, files[i]);
	write_certificate(names[0], names[1], "a", "DNS:a.test,DNS:*.b.test");
	write_certificate(names[2], names[3], "b", "DNS:x.b.test");
	certificates[0] = (struct eio_tls_certificate){ names[0], names[1] };
	certificates[1] = (struct eio_tls_certificate){ names[2], names[3] };
	client_context = SSL_CTX_new(TLS_client_method());
	return client_context ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	SSL_CTX_free(client_context);
	for (size_t i = 0; i < 4; i++) unlink(names[i]);
	return rmdir(dir);
}

static struct eio_tls_server *
new_server(const struct eio_tls_spec *spec)
{
	struct eio_tls_fault fault;
	struct eio_tls_server *s = eio_tls_server_new(spec, &fault);

	if (!s) print_error("%s\n", fault.text);
	assert_non_null(s);
	return s;
}

/* Two ends */

struct pair {
	int fds[2];
	struct eio_tls *t; /* ours, at fds[0] */
	SSL *client; /* at fds[1] */
};

static void
open_pair(struct pair *p, struct eio_tls_server *s, const char *name)
{
	/* Small, so that everything has to wait now and then. */
	int bytes = 8192;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
	for (int i = 0; i < 2; i++) setsockopt(p->fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	p->t = eio_tls_new(s, p->fds[0]);
	assert_non_null(p->t);
	p->client = SSL_new(client_context);
	SSL_set_fd(p->client, p->fds[1]);
	SSL_set_connect_state(p->client);
	if (name) SSL_set_tlsext_host_name(p->client, name);
}

static enum eio_tls_step
shake(struct pair *p)
{
	enum eio_tls_step step = EIO_TLS_MORE;

	for (int i = 0; i < 100 && (step == EIO_TLS_MORE || SSL_in_init(p->client)); i++) {
		SSL_do_handshake(p->client);
		eio_tls_flush(p->t);
		if (step == EIO_TLS_MORE) step = eio_tls_handshake(p->t);
		if (step == EIO_TLS_FAILED || step == EIO_TLS_PLAIN) break;
	}
	return step;
}

static void
close_pair(struct pair *p)
{
	eio_tls_free(p->t);
	SSL_free(p->client);
	close(p->fds[0]);
	close(p->fds[1]);
}

static void
connect_pair(struct pair *p, struct eio_tls_server *s, const char *name)
{
	open_pair(p, s, name);
	assert_int_equal(shake(p), EIO_TLS_DONE);
}

/* What the client can read now goes behind what it has. */
static void
read_client(struct pair *p, struct eio_buf *got)
{
	char some[4096];
	size_t n;

	while (SSL_read_ex(p->client, some, sizeof some, &n)) eio_buf_append(got, some, n);
}

static ssize_t
send_text(struct eio_tls *t, const char *text)
{
	const struct iovec all = { .iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text) };

	return eio_tls_send(t, &all, 1);
}

static void
fill(char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) p[i] = (char)dice(256);
}

/* Tests */

static const struct eio_tls_spec two = { .certificates = certificates, .n = 2, .min_version = 12 };
static const struct eio_tls_spec old = {
	.certificates = certificates, .n = 1, .min_version = 12, .ciphers = "ECDHE-ECDSA-AES128-SHA256"
}; /* without an AEAD, its records grow most */

/* By whatever parts and whatever the socket takes: all arrives, in order, once. */
static void
test_all_that_is_sent_arrives(void **state)
{
	static char sent[LARGE];
	struct eio_tls_server *s = new_server(*state ? &old : &two);
	struct eio_buf got = { 0 };
	struct pair p;
	size_t at = 0;

	dice_state = 1;
	fill(sent, sizeof sent);
	if (*state) SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	connect_pair(&p, s, NULL);
	SSL_CTX_set_max_proto_version(client_context, 0);
	while (got.n < LARGE) {
		struct iovec parts[3];
		unsigned n = 1 + dice(3);
		size_t from = at;

		for (unsigned i = 0; i < n; i++) {
			size_t some = dice(3) ? dice(2000) : dice(40000);

			if (some > LARGE - from) some = LARGE - from;
			parts[i] = (struct iovec){ sent + from, some };
			from += some;
		}
		at += (size_t)eio_tls_send(p.t, parts, n);
		assert_true(at <= from);
		assert_true(at == from || eio_tls_waits(p.t));
		if (dice(3) == 0) read_client(&p, &got);
		assert_true(eio_tls_flush(p.t) >= 0);
	}
	assert_int_equal(at, LARGE);
	assert_memory_equal(got.p, sent, LARGE);
	assert_false(eio_tls_waits(p.t));
	eio_buf_deinit(&got);
	close_pair(&p);
	eio_tls_server_unref(s);
}

static void
test_all_that_comes_is_read(void **state)
{
	static char sent[LARGE], buf[EIO_TLS_RECORD];
	struct eio_tls_server *s = new_server(&two);
	struct eio_buf got = { 0 };
	struct pair p;
	size_t at = 0, n;
	ssize_t rc;

	(void)state;
	dice_state = 2;
	fill(sent, sizeof sent);
	connect_pair(&p, s, NULL);
	while (got.n < LARGE) {
		if (at < LARGE && SSL_write_ex(p.client, sent + at, LARGE - at < 9000 ? LARGE - at : 9000, &n)) at += n;
		rc = eio_tls_recv(p.t, buf, sizeof buf);
		if (rc < 0) assert_int_equal(errno, EAGAIN);
		if (rc > 0) eio_buf_append(&got, buf, (size_t)rc);
	}
	assert_memory_equal(got.p, sent, LARGE);
	rc = eio_tls_recv(p.t, buf, sizeof buf);
	assert_int_equal(rc, -1);
	assert_int_equal(errno, EAGAIN);
	/* Half of the connection ends; the other goes on. */
	SSL_shutdown(p.client);
	assert_int_equal(eio_tls_recv(p.t, buf, sizeof buf), 0);
	assert_int_equal(eio_tls_send(p.t, &(struct iovec){ buf, 5 }, 1), 5);
	eio_buf_deinit(&got);
	close_pair(&p);
	eio_tls_server_unref(s);
}

/* A peer that is gone without a word has ended, too. */
static void
test_an_end_without_close_notify(void **state)
{
	struct eio_tls_server *s = new_server(&two);
	char buf[EIO_TLS_RECORD];
	struct pair p;

	(void)state;
	connect_pair(&p, s, NULL);
	shutdown(p.fds[1], SHUT_WR);
	assert_int_equal(eio_tls_recv(p.t, buf, sizeof buf), 0);
	close_pair(&p);
	eio_tls_server_unref(s);
}

static void
test_close_notify(void **state)
{
	struct eio_tls_server *s = new_server(&two);
	struct eio_buf got = { 0 };
	struct pair p;

	(void)state;
	connect_pair(&p, s, NULL);
	assert_int_equal(send_text(p.t, "last"), 4);
	eio_tls_end(p.t);
	eio_tls_end(p.t);
	assert_int_equal(send_text(p.t, "more"), -1);
	assert_int_equal(errno, EPIPE);
	read_client(&p, &got);
	assert_true(eio_bytes_eq(eio_buf_bytes(&got), EIO_LIT("last")));
	assert_int_equal(SSL_get_shutdown(p.client), SSL_RECEIVED_SHUTDOWN);
	eio_buf_deinit(&got);
	close_pair(&p);
	eio_tls_server_unref(s);
}

/* Sealed bursts between other sends, of which the socket takes a part: the rest waits, and all is in order. */
static void
test_sealed(void **state)
{
	static char sent[LARGE], sealed[2 * BURST];
	struct eio_tls_server *s = new_server(*state ? &old : &two);
	struct eio_buf got = { 0 };
	struct pair p;
	size_t at = 0;

	dice_state = 3;
	fill(sent, sizeof sent);
	if (*state) SSL_CTX_set_max_proto_version(client_context, TLS1_2_VERSION);
	connect_pair(&p, s, NULL);
	SSL_CTX_set_max_proto_version(client_context, 0);
	while (got.n < LARGE) {
		size_t n = dice(BURST), room;
		ssize_t bytes, taken;
		struct iovec parts[2];

		if (n > LARGE - at) n = LARGE - at;
		room = eio_tls_seal_room(n);
		assert_true(room <= sizeof sealed);
		parts[0] = (struct iovec){ sent + at, n / 3 };
		parts[1] = (struct iovec){ sent + at + n / 3, n - n / 3 };
		if (n && dice(2) && !eio_tls_waits(p.t)) {
			bytes = eio_tls_seal(p.t, parts, 2, sealed, room);
			assert_true(bytes > (ssize_t)n && bytes <= (ssize_t)room);
			taken = send(p.fds[0], sealed, (size_t)bytes, MSG_DONTWAIT);
			if (taken < 0) taken = 0;
			if (taken < bytes) eio_tls_left(p.t, sealed + taken, (size_t)(bytes - taken));
			at += n;
		} else if (n) {
			at += (size_t)eio_tls_send(p.t, parts, 2);
		}
		read_client(&p, &got);
		assert_true(eio_tls_flush(p.t) >= 0);
	}
	assert_memory_equal(got.p, sent, LARGE);
	eio_buf_deinit(&got);
	close_pair(&p);
	eio_tls_server_unref(s);
}

static void
test_keys_change(void **state)
{
	struct eio_tls_server *s = new_server(&two);
	struct eio_buf got = { 0 };
	char buf[EIO_TLS_RECORD];
	struct pair p;

	(void)state;
	connect_pair(&p, s, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_write(p.client, "new", 3), 3);
		assert_int_equal(eio_tls_recv(p.t, buf, sizeof buf), -1); /* a turn is one record */
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(eio_tls_recv(p.t, buf, sizeof buf), 3);
		assert_int_equal(send_text(p.t, "answer"), 6);
		read_client(&p, &got);
	}
	assert_true(eio_bytes_eq(eio_buf_bytes(&got), EIO_LIT("answeransweranswer")));
	eio_buf_deinit(&got);
	close_pair(&p);
	eio_tls_server_unref(s);
}

/* Who has keys changed for ever and reads nothing cannot pile up answers. */
static void
test_a_flood_of_changes_ends(void **state)
{
	enum { FLOOD = 100000 };
	struct eio_tls_server *s = new_server(&two);
	char buf[EIO_TLS_RECORD];
	struct pair p;
	int last = EAGAIN;

	(void)state;
	connect_pair(&p, s, NULL);
	for (int i = 0; i < FLOOD && last == EAGAIN; i++) {
		SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED);
		assert_int_equal(SSL_write(p.client, "x", 1), 1);
		while (last == EAGAIN && eio_tls_recv(p.t, buf, sizeof buf) != 1) last = errno;
		if (last == EAGAIN && send_text(p.t, "y") < 0) last = EPIPE;
	}
	assert_int_not_equal(last, EAGAIN);
	close_pair(&p);
	eio_tls_server_unref(s);
}

static void
check_name(struct eio_tls_server *s, const char *asked, const char *wanted)
{
	char line[80] = "";
	struct pair p;
	X509 *x;

	connect_pair(&p, s, asked);
	x = SSL_get1_peer_certificate(p.client);
	X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, line, sizeof line);
	assert_string_equal(line, wanted);
	X509_free(x);
	close_pair(&p);
}

/* The name itself comes before a pattern, whatever their order. */
static void
test_certificate_by_name(void **state)
{
	struct eio_tls_server *s = new_server(&two);

	(void)state;
	check_name(s, NULL, "a");
	check_name(s, "a.test", "a");
	check_name(s, "y.b.test", "a");
	check_name(s, "x.b.test", "b");
	check_name(s, "X.B.TEST", "b");
	check_name(s, "unknown.test", "a");
	check_name(s, "z.y.b.test", "a");
	eio_tls_server_unref(s);
}

static void
test_certificates_change(void **state)
{
	struct eio_tls_server *s = new_server(&two);
	struct eio_tls_fault fault;
	struct pair before;
	FILE *f;

	(void)state;
	connect_pair(&before, s, NULL);
	assert_false(eio_tls_server_changed(s));
	write_certificate(names[0], names[1], "fresh", "DNS:a.test");
	assert_true(eio_tls_server_changed(s));
	check_name(s, NULL, "a");
	assert_int_equal(eio_tls_server_reread(s, &fault), 0);
	assert_false(eio_tls_server_changed(s));
	check_name(s, NULL, "fresh");
	f = fopen(names[1], "we");
	fputs("nothing", f);
	fclose(f);
	assert_true(eio_tls_server_changed(s));
	assert_int_equal(eio_tls_server_reread(s, &fault), -1);
	assert_int_equal(fault.part, EIO_TLS_KEY);
	assert_int_equal(fault.certificate, 0);
	assert_false(eio_tls_server_changed(s)); /* it is not tried again until there is something else */
	check_name(s, NULL, "fresh");
	/* Who came before them all goes on. */
	assert_int_equal(send_text(before.t, "on"), 2);
	close_pair(&before);
	write_certificate(names[0], names[1], "a", "DNS:a.test,DNS:*.b.test");
	eio_tls_server_unref(s);
}

/* Gives what the server has sent by the end of the handshake to be taken up again. */
static SSL_SESSION *
session_of(struct eio_tls_server *s, bool *resumed, SSL_SESSION *from)
{
	SSL_SESSION *session;
	struct pair p;
	char byte;

	open_pair(&p, s, NULL);
	if (from) SSL_set_session(p.client, from);
	assert_int_equal(shake(&p), EIO_TLS_DONE);
	*resumed = eio_tls_resumed(p.t);
	assert_int_equal(send_text(p.t, "x"), 1);
	while (SSL_read(p.client, &byte, 1) <= 0) continue;
	session = SSL_get1_session(p.client);
	SSL_set_shutdown(p.client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or the session would be a bad one */
	close_pair(&p);
	return session;
}

static void
test_tickets(void **state)
{
	const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
	struct eio_tls_server *s = new_server(&two), *other = new_server(&two);
	struct eio_tls_fault fault;
	bool resumed;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *first, *next;

		SSL_CTX_set_max_proto_version(client_context, versions[i]);
		first = session_of(s, &resumed, NULL);
		assert_false(resumed);
		assert_int_equal(eio_tls_server_reread(s, &fault), 0);
		next = session_of(s, &resumed, first);
		assert_true(resumed);
		SSL_SESSION_free(next);
		/* Another server has other keys. */
		next = session_of(other, &resumed, first);
		assert_false(resumed);
		SSL_SESSION_free(next);
		SSL_SESSION_free(first);
	}
	SSL_CTX_set_max_proto_version(client_context, 0);
	eio_tls_server_unref(s);
	eio_tls_server_unref(other);
}

/* A session that began without a certificate of the client's is none where one is required. */
static void
test_tickets_under_other_rules(void **state)
{
	struct eio_tls_spec spec = two;
	struct eio_tls_server *s, *strict;
	SSL_SESSION *session;
	struct pair p;
	bool resumed;

	(void)state;
	spec.client_ca = names[2];
	spec.client_optional = true;
	s = new_server(&spec);
	assert_true(eio_tls_server_is_of(s, &spec));
	session = session_of(s, &resumed, NULL);
	spec.client_optional = false;
	assert_false(eio_tls_server_is_of(s, &spec));
	strict = new_server(&spec);
	open_pair(&p, strict, NULL);
	SSL_set_session(p.client, session);
	assert_int_equal(shake(&p), EIO_TLS_FAILED);
	close_pair(&p);
	SSL_SESSION_free(session);
	eio_tls_server_unref(strict);
	eio_tls_server_unref(s);
}

static void
test_what_is_no_tls(void **state)
{
	struct eio_tls_server *s = new_server(&two);
	static const struct {
		const char *bytes;
		enum eio_tls_step step;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", EIO_TLS_PLAIN },
		{ "\x16\x03\x01\xff\xff\xff\xff", EIO_TLS_FAILED },
		{ "anything else", EIO_TLS_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pair p;

		open_pair(&p, s, NULL);
		assert_int_equal(eio_tls_handshake(p.t), EIO_TLS_MORE);
		assert_int_equal(write(p.fds[1], cases[i].bytes, strlen(cases[i].bytes)), strlen(cases[i].bytes));
		assert_int_equal(eio_tls_handshake(p.t), cases[i].step);
		close_pair(&p);
	}
	eio_tls_server_unref(s);
}

int
main(void)
{
	static char tls_1_2[] = "by TLS 1.2";
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_is_sent_arrives),
		cmocka_unit_test_prestate(test_all_that_is_sent_arrives, tls_1_2),
		cmocka_unit_test(test_all_that_comes_is_read),
		cmocka_unit_test(test_an_end_without_close_notify),
		cmocka_unit_test(test_close_notify),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test_prestate(test_sealed, tls_1_2),
		cmocka_unit_test(test_keys_change),
		cmocka_unit_test(test_a_flood_of_changes_ends),
		cmocka_unit_test(test_certificate_by_name),
		cmocka_unit_test(test_certificates_change),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_tickets_under_other_rules),
		cmocka_unit_test(test_what_is_no_tls),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

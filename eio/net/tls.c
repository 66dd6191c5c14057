/* SPDX-License-Identifier: MIT */
/*
 * A connection. OpenSSL reads and writes by functions of ours: records go straight to
 * the kernel, and what that does not take is kept here, or they go where eio_tls_seal
 * says. So OpenSSL never has to be asked twice for the same, and what it was given
 * may change or go.
 */
#include "eio/buf.h"
#include "eio/check.h"
#include "eio/net/tls_int.h"
#include "eio/utf8.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	TLS_MAGIC = 0x746c7363,
	/* What a record is more than its bytes: header, type, tag; of TLS 1.2 an explicit nonce, too; what CBC adds. */
	RECORD_OVERHEAD = 5 + 256,
	/* Waiting for a peer that does not read: a record of ours, and answers to what it sends meanwhile. */
	WAITING_MOST = 65536,
};

/* Where records go instead of to the kernel. */
struct sink {
	char *p;
	size_t n, room;
};

struct eio_tls {
	unsigned magic; /* TLS_MAGIC */
	int fd;
	bool broken, ended, done, eof;
	SSL *ssl;
	struct eio_tls_server *server; /* a reference */
	struct eio__tls_set *set; /* the same */
	struct sink *sink; /* during eio_tls_seal */
	char *waiting; /* owned; from waiting_at on it has not left; NULL: nothing waits */
	size_t waiting_n, waiting_at;
};

/* Bytes out */

/* Sends what the kernel takes: how much, or -1 when it is broken. */
static ssize_t
send_bytes(struct eio_tls *t, const char *p, size_t n)
{
	ssize_t sent = send(t->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent >= 0) return sent;
	if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS || errno == ENOMEM) return 0;
	t->broken = true;
	return -1;
}

static bool
wait_with(struct eio_tls *t, const char *p, size_t n)
{
	size_t left = t->waiting_n - t->waiting_at;
	char *more;

	if (n == 0) return true;
	more = left + n <= WAITING_MOST + EIO_TLS_RECORD + RECORD_OVERHEAD ? malloc(left + n) : NULL;
	if (!more) {
		t->broken = true;
		return false;
	}
	if (left) memcpy(more, t->waiting + t->waiting_at, left);
	memcpy(more + left, p, n);
	free(t->waiting);
	t->waiting = more;
	t->waiting_n = left + n;
	t->waiting_at = 0;
	return true;
}

static bool
put_in_sink(struct sink *s, const char *p, size_t n)
{
	CHECK(n <= s->room - s->n);
	memcpy(s->p + s->n, p, n);
	s->n += n;
	return true;
}

static bool
put_out(struct eio_tls *t, const char *p, size_t n)
{
	ssize_t sent = 0;

	if (t->sink) return put_in_sink(t->sink, p, n);
	if (!t->waiting) sent = send_bytes(t, p, n);
	return sent >= 0 && wait_with(t, p + sent, n - (size_t)sent);
}

bool
eio_tls_waits(const struct eio_tls *t)
{
	return t->waiting != NULL;
}

int
eio_tls_flush(struct eio_tls *t)
{
	ssize_t sent;

	CHECK_MAGIC(t, TLS_MAGIC);
	if (t->broken) return -1;
	if (!t->waiting) return 1;
	sent = send_bytes(t, t->waiting + t->waiting_at, t->waiting_n - t->waiting_at);
	if (sent < 0) return -1;
	t->waiting_at += (size_t)sent;
	if (t->waiting_at < t->waiting_n) return 0;
	free(t->waiting);
	t->waiting = NULL;
	t->waiting_n = t->waiting_at = 0;
	return 1;
}

/* What OpenSSL calls */

static struct eio_tls *
tls_under(BIO *b)
{
	struct eio_tls *t = BIO_get_data(b);

	CHECK_MAGIC(t, TLS_MAGIC);
	return t;
}

static int
bio_write(BIO *b, const char *p, size_t n, size_t *written)
{
	struct eio_tls *t = tls_under(b);

	BIO_clear_retry_flags(b);
	if (t->broken || !put_out(t, p, n)) return 0;
	*written = n;
	return 1;
}

static int
bio_read(BIO *b, char *p, size_t n, size_t *got)
{
	struct eio_tls *t = tls_under(b);
	ssize_t rc = recv(t->fd, p, n, MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (rc > 0) {
		*got = (size_t)rc;
		return 1;
	}
	if (rc < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(b);
	if (rc == 0) t->eof = true;
	return 0;
}

static long
bio_control(BIO *b, int what, long num, void *p)
{
	(void)num;
	(void)p;
	if (what == BIO_CTRL_EOF) return tls_under(b)->eof;
	return what == BIO_CTRL_FLUSH;
}

/* Made once; the same for all. */
static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static void
make_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "connection");

	if (m && BIO_meth_set_write_ex(m, bio_write) && BIO_meth_set_read_ex(m, bio_read) &&
		BIO_meth_set_ctrl(m, bio_control))
		method = m;
	else
		BIO_meth_free(m);
}

/* Beginning and end */

struct eio_tls *
eio_tls_new(struct eio_tls_server *s, int fd)
{
	struct eio_tls *t = calloc(1, sizeof *t);
	BIO *bio;

	if (!t) return NULL;
	t->magic = TLS_MAGIC;
	t->fd = fd;
	t->server = eio_tls_server_ref(s);
	t->set = eio__tls_set_now(s);
	t->ssl = SSL_new(t->set->contexts[0]);
	pthread_once(&method_once, make_method);
	bio = t->ssl && method ? BIO_new(method) : NULL;
	if (!bio) {
		ERR_clear_error();
		eio_tls_free(t);
		return NULL;
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t->set);
	SSL_set_accept_state(t->ssl);
	return t;
}

void
eio_tls_free(struct eio_tls *t)
{
	if (!t) return;
	CHECK_MAGIC(t, TLS_MAGIC);
	SSL_free(t->ssl);
	eio__tls_set_unref(t->set);
	eio_tls_server_unref(t->server);
	free(t->waiting);
	t->magic = 0;
	free(t);
}

void
eio_tls_end(struct eio_tls *t)
{
	CHECK_MAGIC(t, TLS_MAGIC);
	if (t->ended || t->broken || !t->done) return;
	t->ended = true;
	ERR_clear_error();
	SSL_shutdown(t->ssl);
	ERR_clear_error();
}

/* The handshake */

enum eio_tls_step
eio_tls_handshake(struct eio_tls *t)
{
	bool plain;
	int rc;

	CHECK_MAGIC(t, TLS_MAGIC);
	ERR_clear_error();
	rc = SSL_do_handshake(t->ssl);
	t->done = rc == 1;
	if (t->done && !t->broken) return EIO_TLS_DONE;
	if (!t->broken && SSL_get_error(t->ssl, rc) == SSL_ERROR_WANT_READ) return EIO_TLS_MORE;
	plain = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
	t->broken = true;
	ERR_clear_error();
	return plain ? EIO_TLS_PLAIN : EIO_TLS_FAILED;
}

bool
eio_tls_resumed(const struct eio_tls *t)
{
	return SSL_session_reused(t->ssl) == 1;
}

bool
eio_tls_subject(const struct eio_tls *t, struct eio_buf *out)
{
	const X509 *cert = SSL_get0_peer_certificate(t->ssl);
	BIO *b = cert ? BIO_new(BIO_s_mem()) : NULL;
	/* Characters beyond ASCII as they are, not as \\C3\\A9. */
	unsigned long how = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	bool good = b && X509_NAME_print_ex(b, X509_get_subject_name(cert), 0, how) >= 0;
	char *text;
	long n;

	if (good) {
		n = BIO_get_mem_data(b, &text);
		good = eio_utf8_valid(eio_bytes(text, (size_t)n));
		if (good) eio_buf_append(out, text, (size_t)n);
	}
	BIO_free(b);
	ERR_clear_error();
	return good;
}

/* Bytes */

ssize_t
eio_tls_recv(struct eio_tls *t, char *p, size_t n)
{
	size_t got = 0;
	int rc;

	CHECK_MAGIC(t, TLS_MAGIC);
	if (t->broken) {
		errno = EPROTO;
		return -1;
	}
	ERR_clear_error();
	rc = SSL_read_ex(t->ssl, p, n, &got);
	if (rc == 1) return (ssize_t)got;
	rc = SSL_get_error(t->ssl, rc);
	ERR_clear_error();
	if (rc == SSL_ERROR_ZERO_RETURN) return 0;
	t->broken |= rc != SSL_ERROR_WANT_READ;
	errno = rc == SSL_ERROR_WANT_READ ? EAGAIN : EPROTO;
	return -1;
}

/* Encrypts the next record. */
static bool
write_record(struct eio_tls *t, const char *p, size_t n)
{
	size_t written = 0;

	ERR_clear_error();
	if (!t->broken && SSL_write_ex(t->ssl, p, n, &written) == 1 && !t->broken) {
		CHECK(written == n);
		return true;
	}
	t->broken = true;
	ERR_clear_error();
	return false;
}

/* How far a list of parts was taken. */
struct position {
	const struct iovec *parts;
	unsigned n;
	size_t at; /* in the first */
};

/* The bytes of the next record: those of a part where they lie, or in `joined` what is in several. */
static struct eio_bytes
next_record(struct position *at, char joined[EIO_TLS_RECORD])
{
	size_t n = 0;

	while (at->n && n < EIO_TLS_RECORD) {
		const char *from = (const char *)at->parts->iov_base + at->at;
		size_t left = at->parts->iov_len - at->at, take = left < EIO_TLS_RECORD - n ? left : EIO_TLS_RECORD - n;
		bool alone = n == 0 && (at->n == 1 || take == EIO_TLS_RECORD);

		at->at += take;
		if (take == left) {
			at->parts++;
			at->n--;
			at->at = 0;
		}
		if (alone) return eio_bytes(from, take);
		memcpy(joined + n, from, take);
		n += take;
	}
	return eio_bytes(joined, n);
}

/* Until all is taken or, unless it is sealed, something waits. */
static ssize_t
write_records(struct eio_tls *t, const struct iovec *parts, unsigned n)
{
	struct position at = { parts, n, 0 };
	char joined[EIO_TLS_RECORD];
	size_t taken = 0;

	while (at.n && !t->waiting) {
		struct eio_bytes record = next_record(&at, joined);

		if (record.n && !write_record(t, record.p, record.n)) return -1;
		taken += record.n;
	}
	return (ssize_t)taken;
}

ssize_t
eio_tls_send(struct eio_tls *t, const struct iovec *parts, unsigned n)
{
	ssize_t sent = -1;

	CHECK_MAGIC(t, TLS_MAGIC);
	if (!t->ended && eio_tls_flush(t) >= 0) sent = write_records(t, parts, n);
	if (sent < 0) errno = EPIPE;
	return sent;
}

ssize_t
eio_tls_send_bytes(struct eio_tls *t, const char *p, size_t n)
{
	const struct iovec all = { .iov_base = (void *)(uintptr_t)p, .iov_len = n };

	return eio_tls_send(t, &all, 1);
}

size_t
eio_tls_seal_room(size_t bytes)
{
	/* And what may have to be said before: an answer to a change of keys. */
	return bytes + (bytes / EIO_TLS_RECORD + 2) * RECORD_OVERHEAD;
}

ssize_t
eio_tls_seal(struct eio_tls *t, const struct iovec *parts, unsigned n, char *out, size_t room)
{
	struct sink sink = { .p = out, .room = room };
	ssize_t taken;

	CHECK_MAGIC(t, TLS_MAGIC);
	CHECK(!t->waiting);
	if (t->ended || t->broken) return -1;
	t->sink = &sink;
	taken = write_records(t, parts, n);
	t->sink = NULL;
	return taken < 0 ? -1 : (ssize_t)sink.n;
}

void
eio_tls_left(struct eio_tls *t, const char *p, size_t n)
{
	CHECK_MAGIC(t, TLS_MAGIC);
	if (!t->broken) wait_with(t, p, n);
}

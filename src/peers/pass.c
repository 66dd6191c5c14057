/* SPDX-License-Identifier: MIT */
/* Texts and proofs. What a proof is made of is written so that no two requests come to the same. */
#include "src/peers/pass.h"

#include "eio/base64.h"

#include <inttypes.h>

enum { TEXT_MAX = 64 }; /* of nonces and proofs in base64 */

/* Words */

/* The next one of a value, which moves on; empty behind the last, and where nothing follows a space. */
static struct eio_bytes
peer_word(struct eio_bytes *rest)
{
	const char *space = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
	struct eio_bytes word = eio_bytes(rest->p, space ? (size_t)(space - rest->p) : rest->n);

	if (space && word.n + 1 == rest->n) return eio_bytes("", 0);
	*rest = eio_bytes(rest->p + word.n + (space != NULL), rest->n - word.n - (space != NULL));
	return word;
}

static bool
peer_word_is(struct eio_bytes *rest, const char *word)
{
	return eio_bytes_eq(peer_word(rest), eio_cstr(word));
}

static bool
take_secret_bytes(struct eio_bytes *rest, void *out, size_t n)
{
	struct eio_bytes word = peer_word(rest);
	char bytes[TEXT_MAX];

	if (word.n != eio_base64_encoded_len(n) || word.n > sizeof bytes) return false;
	if (eio_base64_decode(bytes, word) != (ssize_t)n) return false;
	memcpy(out, bytes, n);
	return true;
}

static void
put_base64(struct eio_buf *out, const void *p, size_t n)
{
	char text[TEXT_MAX];

	eio_buf_append(out, text, eio_base64_encode(text, eio_bytes(p, n)));
}

static bool
take_node(struct eio_bytes *rest, char node[EIO_NODE_MAX + 1])
{
	struct eio_bytes word = peer_word(rest);

	if (!eio_node_valid(word)) return false;
	memcpy(node, word.p, word.n);
	node[word.n] = '\0';
	return true;
}

static bool
take_seconds(struct eio_bytes *rest, unsigned *out)
{
	struct eio_bytes word = peer_word(rest);

	*out = 0;
	if (word.n == 0 || word.n > 6) return false;
	for (size_t i = 0; i < word.n; i++) {
		if (word.p[i] < '0' || word.p[i] > '9') return false;
		*out = *out * 10 + (unsigned)(word.p[i] - '0');
	}
	return true;
}

/* Saying hello */

void
peers_hello_write(const struct peers_hello *ask, struct eio_buf *out)
{
	eio_buf_printf(out, "hello 1 %s ", ask->node);
	put_base64(out, ask->nonce, sizeof ask->nonce);
}

static bool
read_hello(struct eio_bytes *rest, struct peers_hello *out)
{
	return peer_word_is(rest, "hello") && peer_word_is(rest, "1") && take_node(rest, out->node) &&
	       take_secret_bytes(rest, out->nonce, sizeof out->nonce);
}

bool
peers_hello_read(struct eio_bytes value, struct peers_hello *ask)
{
	*ask = (struct peers_hello){ .idle_s = 0 };
	return read_hello(&value, ask) && value.n == 0;
}

/* What comes of secret and both hellos, for one use. */
static bool
agree(struct eio_bytes secret, const char *use, const struct peers_hello *ask, const struct peers_hello *answer,
	unsigned char out[AUTH_MAC])
{
	struct eio_buf text = { 0 };
	bool good;

	eio_buf_printf(&text, "siocast peer 1 %s\n%s %s %u\n", use, ask->node, answer->node, answer->idle_s);
	eio_buf_append(&text, ask->nonce, sizeof ask->nonce);
	eio_buf_append(&text, answer->nonce, sizeof answer->nonce);
	good = !eio_buf_failed(&text) && auth_mac(secret, eio_buf_bytes(&text), out);
	eio_buf_deinit(&text);
	return good;
}

static bool
make_pass(struct eio_bytes secret, const struct peers_hello *ask, const struct peers_hello *answer,
	struct peers_pass *pass)
{
	pass->n = 0;
	return agree(secret, "key", ask, answer, pass->key);
}

bool
peers_answer_write(struct eio_bytes secret, const struct peers_hello *ask, const struct peers_hello *own,
	struct peers_pass *pass, struct eio_buf *out)
{
	unsigned char proof[AUTH_MAC];

	if (!agree(secret, "answer", ask, own, proof) || !make_pass(secret, ask, own, pass)) return false;
	peers_hello_write(own, out);
	eio_buf_printf(out, " %u ", own->idle_s);
	put_base64(out, proof, sizeof proof);
	return !eio_buf_failed(out);
}

bool
peers_answer_read(struct eio_bytes secret, const struct peers_hello *ask, struct eio_bytes value,
	struct peers_hello *other, struct peers_pass *pass)
{
	unsigned char proof[AUTH_MAC], right[AUTH_MAC];

	*other = (struct peers_hello){ .idle_s = 0 };
	if (!read_hello(&value, other) || !take_seconds(&value, &other->idle_s) ||
		!take_secret_bytes(&value, proof, sizeof proof) || value.n)
		return false;
	return agree(secret, "answer", ask, other, right) && auth_same(proof, right, sizeof right) &&
	       make_pass(secret, ask, other, pass);
}

/* Requests */

static const char *
method_text(enum eio_http_method m)
{
	switch (m) {
	case EIO_HTTP_GET: return "GET";
	case EIO_HTTP_HEAD: return "HEAD";
	case EIO_HTTP_POST: return "POST";
	case EIO_HTTP_OPTIONS: return "OPTIONS";
	case EIO_HTTP_OTHER: break;
	}
	return "PUT"; /* whatever it was, the answer is the same */
}

/* Whether a header travels on: not what is about the connection that it came on. */
static bool
is_carried(struct eio_bytes name)
{
	static const struct eio_bytes own[] = { { "connection", 10 }, { "keep-alive", 10 }, { "proxy-connection", 16 },
		{ "te", 2 }, { "trailer", 7 }, { "transfer-encoding", 17 }, { "content-length", 14 }, { "upgrade", 7 },
		{ "expect", 6 }, { PEERS_HEADER, sizeof PEERS_HEADER - 1 } };

	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		if (eio_bytes_eq(name, own[i])) return false;
	return true;
}

static void
put_counted(struct eio_buf *out, struct eio_bytes s)
{
	eio_buf_append_u64(out, s.n);
	eio_buf_addc(out, ':');
	eio_buf_add(out, s);
}

/* What of a request is proved: claim is what the header says before the proof. */
static bool
prove(const struct peers_pass *pass, const struct eio_request *req, bool too_large, struct eio_bytes claim,
	unsigned char out[AUTH_MAC])
{
	struct eio_bytes key = eio_bytes(pass->key, sizeof pass->key), name, value;
	struct eio_bytes body = too_large ? eio_bytes("", 0) : eio_bytes(req->body.p, req->body.n);
	unsigned char digest[AUTH_MAC];
	struct eio_buf text = { 0 };
	bool good;

	eio_buf_printf(&text, "%" PRIu64 " %s %d\n", pass->n, method_text(req->method), req->websocket);
	put_counted(&text, claim);
	put_counted(&text, req->target);
	for (unsigned i = 0; eio_request_header_at(req, i, &name, &value); i++) {
		if (!is_carried(name)) continue;
		put_counted(&text, name);
		put_counted(&text, value);
	}
	good = auth_mac(key, body, digest);
	eio_buf_append(&text, digest, sizeof digest);
	good = good && !eio_buf_failed(&text) && auth_mac(key, eio_buf_bytes(&text), out);
	eio_buf_deinit(&text);
	return good;
}

static void
write_carried(const struct eio_request *req, struct eio_buf *out)
{
	struct eio_bytes name, value;

	eio_buf_printf(out, "%s ", method_text(req->method));
	eio_buf_add(out, req->target);
	EIO_BUF_ADD_LIT(out, " HTTP/1.1\r\n");
	for (unsigned i = 0; eio_request_header_at(req, i, &name, &value); i++) {
		if (!is_carried(name)) continue;
		eio_buf_add(out, name);
		EIO_BUF_ADD_LIT(out, ": ");
		eio_buf_add(out, value);
		EIO_BUF_ADD_LIT(out, "\r\n");
	}
	if (req->websocket) EIO_BUF_ADD_LIT(out, "Connection: Upgrade\r\nUpgrade: websocket\r\n");
}

void
peers_request_write(struct peers_pass *pass, const struct eio_request *req, bool too_large, struct eio_buf *out)
{
	char address[EIO_PEER_TEXT], claim[EIO_PEER_TEXT + 32];
	const char *from = eio_peer_text(&req->peer, address);
	unsigned char proof[AUTH_MAC];

	snprintf(claim, sizeof claim, "for 1 %s %s", from ? from : "-", too_large ? "large" : "whole");
	if (!prove(pass, req, too_large, eio_cstr(claim), proof)) out->failed = true;
	pass->n++;
	write_carried(req, out);
	eio_buf_printf(out, "Siocast-Peer: %s ", claim);
	put_base64(out, proof, sizeof proof);
	if (!req->websocket) {
		EIO_BUF_ADD_LIT(out, "\r\nContent-Length: ");
		eio_buf_append_u64(out, too_large ? 0 : req->body.n);
	}
	EIO_BUF_ADD_LIT(out, "\r\n\r\n");
}

static bool
read_claim(struct eio_bytes *rest, struct eio_peer *peer, bool *too_large)
{
	struct eio_bytes address, size;

	if (!peer_word_is(rest, "for") || !peer_word_is(rest, "1")) return false;
	address = peer_word(rest);
	size = peer_word(rest);
	*peer = (struct eio_peer){ .kind = EIO_PEER_NONE };
	if (!eio_bytes_eq(address, EIO_LIT("-")) && !eio_peer_parse(address, peer)) return false;
	*too_large = eio_bytes_eq(size, EIO_LIT("large"));
	return *too_large || eio_bytes_eq(size, EIO_LIT("whole"));
}

bool
peers_request_check(struct peers_pass *pass, const struct eio_request *req, struct eio_peer *peer, bool *too_large)
{
	struct eio_bytes value = eio_request_header(req, EIO_LIT(PEERS_HEADER)), rest = value, claim;
	unsigned char proof[AUTH_MAC], right[AUTH_MAC];

	if (!read_claim(&rest, peer, too_large)) return false;
	claim = eio_bytes(value.p, value.n - rest.n - 1);
	if (!take_secret_bytes(&rest, proof, sizeof proof) || rest.n) return false;
	if (!prove(pass, req, *too_large, claim, right) || !auth_same(proof, right, sizeof right)) return false;
	pass->n++;
	return true;
}

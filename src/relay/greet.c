/* SPDX-License-Identifier: MIT */
/* Greetings, and what proves them. */
#include "src/relay/greet.h"

static const struct eio_bytes relay_magic = { "siocast-relay", 13 };

void
relay_hello_write(const struct relay_hello *hello, struct eio_buf *out)
{
	eio_buf_add(out, relay_magic);
	relay_put_number(out, hello->version);
	relay_put_bytes(out, eio_cstr(hello->node));
	eio_buf_append(out, hello->nonce, sizeof hello->nonce);
}

bool
relay_hello_take(struct eio_bytes *s, struct relay_hello *out)
{
	char magic[16];
	struct eio_bytes node;

	*out = (struct relay_hello){ .version = 0 };
	if (!relay_take_fixed(s, magic, relay_magic.n) || memcmp(magic, relay_magic.p, relay_magic.n) != 0)
		return false;
	if (!relay_take_number(s, &out->version)) return false;
	if (out->version != RELAY_VERSION) return true;
	if (!relay_take_bytes(s, &node) || (node.n && !eio_node_valid(node))) return false;
	memcpy(out->node, node.p, node.n);
	return relay_take_fixed(s, out->nonce, sizeof out->nonce);
}

void
relay_place_write(const struct relay_place *place, struct eio_buf *out)
{
	eio_buf_append(out, place->epoch, sizeof place->epoch);
	relay_put_number(out, place->session);
	relay_put_number(out, place->received);
}

bool
relay_place_take(struct eio_bytes *s, struct relay_place *out)
{
	return relay_take_fixed(s, out->epoch, sizeof out->epoch) && relay_take_number(s, &out->session) &&
	       relay_take_number(s, &out->received);
}

/* Nobody's words can be taken for another's: each begins with who says it. */
static bool
prove_relay(struct eio_bytes secret, struct eio_bytes who, const struct relay_hello *edge,
	const struct relay_hello *hub, const struct relay_place *place, unsigned char out[AUTH_MAC])
{
	struct eio_buf text = { 0 };
	bool good;

	relay_put_bytes(&text, who);
	relay_hello_write(edge, &text);
	relay_hello_write(hub, &text);
	if (place) relay_place_write(place, &text);
	good = !eio_buf_failed(&text) && auth_mac(secret, eio_buf_bytes(&text), out);
	eio_buf_deinit(&text);
	return good;
}

bool
relay_prove_hub(struct eio_bytes secret, const struct relay_hello *edge, const struct relay_hello *hub,
	unsigned char out[AUTH_MAC])
{
	return prove_relay(secret, EIO_LIT("siocast relay hub"), edge, hub, NULL, out);
}

bool
relay_prove_edge(struct eio_bytes secret, const struct relay_hello *edge, const struct relay_hello *hub,
	const struct relay_place *place, unsigned char out[AUTH_MAC])
{
	return prove_relay(secret, EIO_LIT("siocast relay edge"), edge, hub, place, out);
}

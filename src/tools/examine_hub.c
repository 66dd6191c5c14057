/* SPDX-License-Identifier: MIT */
/* Facts of the hub of an edge: it is greeted as by an edge, and proves its key before this one would have to prove its
 * own. So nothing is joined there, and the hub counts no edge more. */
#include "src/tools/examine.h"

#include "eio/base64.h"
#include "eio/net/random.h"
#include "src/relay/greet.h"
#include "src/tools/fetch.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

enum { HUB_TIMEOUT_MS = 5000 };

/* A greeting on its way. */
struct greeting {
	const struct relay_spec *spec;
	struct hub_facts *out;
	struct examine_memory *memory;
	struct wire *wire;
	uint64_t end_ns;
	struct eio_random random;
	struct eio_buf in; /* what came and was not taken */
	struct relay_reader reader;
	struct relay_hello own;
};

/* What is there is no hub. */
static bool
note_odd(struct greeting *g, const char *what)
{
	snprintf(g->memory->two, sizeof g->memory->two, "%s", what);
	g->out->odd = g->memory->two;
	return false;
}

/* Waits for more of what it says. */
static bool
await_more(struct greeting *g)
{
	uint64_t now_ns = uv_hrtime();
	int got = 0;

	if (now_ns < g->end_ns) got = wire_receive(g->wire, &g->in, (unsigned)((g->end_ns - now_ns) / 1000000) + 1);
	if (got < 0) return note_odd(g, "it hangs up");
	if (eio_buf_failed(&g->in)) return note_odd(g, "out of memory");
	if (got == 0 && uv_hrtime() >= g->end_ns) return note_odd(g, "it does not answer in time");
	return true;
}

static void
drop_taken(struct greeting *g, size_t n)
{
	g->in.n -= n;
	memmove(g->in.p, g->in.p + n, g->in.n);
}

/* The WebSocket */

static bool
ask_for_relay(struct greeting *g)
{
	const struct relay_spec *s = g->spec;
	struct eio_buf b = { 0 };
	char key[32];
	size_t n = eio_base64_encode(key, eio_bytes((const char *)eio_random_take(&g->random, 16), 16));
	bool sent;

	eio_buf_printf(&b,
		"GET " RELAY_PATH " HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: " RELAY_PROTOCOL
		"\r\nSec-WebSocket-Key: %.*s\r\n\r\n",
		s->text, (int)n, key);
	sent = !eio_buf_failed(&b) && wire_send(g->wire, eio_buf_bytes(&b)) == 0;
	eio_buf_deinit(&b);
	return sent || note_odd(g, "it cannot be written to");
}

static bool
read_relay_answer(struct greeting *g)
{
	const char *end;
	char line[100];

	while (!(end = g->in.n ? memmem(g->in.p, g->in.n, "\r\n\r\n", 4) : NULL))
		if (!await_more(g)) return false;
	snprintf(line, sizeof line, "it answers \"%.*s\"", (int)strcspn(g->in.p, "\r\n"), g->in.p);
	if (g->in.n < 12 || memcmp(g->in.p, "HTTP/1.1 101", 12) != 0) return note_odd(g, line);
	drop_taken(g, (size_t)(end - g->in.p) + 4);
	return true;
}

/* One message, as a client has to: masked, by nothing. */
static bool
write_greeting(struct greeting *g, struct eio_bytes frame)
{
	const char head[] = { (char)0x82, (char)(0x80 | frame.n), 0, 0, 0, 0 };
	struct eio_buf b = { 0 };
	bool sent;

	eio_buf_append(&b, head, sizeof head);
	eio_buf_add(&b, frame);
	sent = frame.n < 126 && !eio_buf_failed(&b) && wire_send(g->wire, eio_buf_bytes(&b)) == 0;
	eio_buf_deinit(&b);
	return sent || note_odd(g, "it cannot be written to");
}

/* How long the binary message at the front of what came is, with its header; 0: it is cut. Greetings are short. */
static size_t
greeting_length(const struct eio_buf *in, size_t *head)
{
	const unsigned char *p = (const unsigned char *)in->p;
	size_t n;

	if (in->n < 2) return 0;
	n = p[1];
	*head = 2;
	if (n == 126) {
		if (in->n < 4) return 0;
		n = (size_t)p[2] << 8 | p[3];
		*head = 4;
	}
	return in->n < *head + n ? 0 : *head + n;
}

/* Greeting */

static bool
say_hello_to_hub(struct greeting *g)
{
	struct eio_buf body = { 0 }, frame = { 0 };
	bool said;

	g->own = (struct relay_hello){ .version = RELAY_VERSION };
	memcpy(g->own.nonce, eio_random_take(&g->random, RELAY_NONCE), RELAY_NONCE);
	if (g->spec->node) snprintf(g->own.node, sizeof g->own.node, "%s", g->spec->node);
	relay_hello_write(&g->own, &body);
	relay_put_frame(&frame, RELAY_HELLO, eio_buf_bytes(&body));
	said = !eio_buf_failed(&body) && !eio_buf_failed(&frame) && write_greeting(g, eio_buf_bytes(&frame));
	eio_buf_deinit(&body);
	eio_buf_deinit(&frame);
	return said;
}

static bool
judge_hello(struct greeting *g, struct eio_bytes s)
{
	struct hub_facts *f = g->out;
	unsigned char proof[AUTH_MAC], right[AUTH_MAC];
	struct relay_hello hub;

	if (!relay_hello_take(&s, &hub)) return note_odd(g, "what it says is no greeting");
	f->other_version = hub.version != RELAY_VERSION;
	if (f->other_version) return false;
	if (!relay_take_fixed(&s, proof, sizeof proof)) return note_odd(g, "what it says is no greeting");
	snprintf(g->memory->one, sizeof g->memory->one, "%s", hub.node);
	f->node = g->memory->one;
	f->other_key = !relay_prove_hub(g->spec->secret, &g->own, &hub, right) ||
		       !auth_same(proof, right, sizeof right);
	return !f->other_key;
}

static bool
judge_frame(struct greeting *g, const struct relay_frame *f)
{
	if (f->type == RELAY_HELLO) return judge_hello(g, f->body);
	if (f->type != RELAY_REFUSED) return note_odd(g, "what it says is no greeting");
	snprintf(g->memory->two, sizeof g->memory->two, "%.*s", (int)f->body.n, f->body.p);
	g->out->refusal = g->memory->two;
	return false;
}

/* The first frame that it says. */
static bool
hear_hub(struct greeting *g)
{
	enum relay_read what = RELAY_READ_MORE;
	struct relay_frame f;
	size_t n, head = 0;
	bool good = true;

	while (good && what == RELAY_READ_MORE) {
		while (!(n = greeting_length(&g->in, &head)))
			if (!await_more(g)) return false;
		if ((unsigned char)g->in.p[0] != 0x82) return note_odd(g, "what it says is no greeting");
		relay_reader_feed(&g->reader, eio_bytes(g->in.p + head, n - head));
		what = relay_reader_next(&g->reader, &f);
		if (what == RELAY_READ_FRAME)
			good = judge_frame(g, &f);
		else if (what != RELAY_READ_MORE)
			good = note_odd(g, "what it says is no greeting");
		drop_taken(g, n);
	}
	return good;
}

static void
write_hub_url(const struct relay_spec *s, struct eio_buf *out)
{
	eio_buf_printf(
		out, strchr(s->host, ':') ? "http://[%s]:%u" RELAY_PATH : "http://%s:%u" RELAY_PATH, s->host, s->port);
	eio_buf_addc(out, '\0');
}

void
examine_hub(const struct config *c, struct hub_facts *out, struct examine_memory *m)
{
	struct relay_edge_options o = { .thread = NULL };
	struct greeting g = { .out = out, .memory = m, .reader.most = RELAY_GREETING_MAX };
	struct eio_buf url = { 0 };

	*out = (struct hub_facts){ .name = c->hub };
	config_fill_edge(c, &o);
	g.spec = o.spec;
	g.end_ns = uv_hrtime() + HUB_TIMEOUT_MS * UINT64_C(1000000);
	write_hub_url(g.spec, &url);
	if (!eio_buf_failed(&url)) {
		const struct fetch f = { .url = url.p, .timeout_ms = HUB_TIMEOUT_MS };

		g.wire = wire_open(&f, m->three, sizeof m->three);
	}
	if (!g.wire)
		out->away = eio_buf_failed(&url) ? "out of memory" : m->three;
	else if (ask_for_relay(&g) && read_relay_answer(&g) && say_hello_to_hub(&g))
		(void)hear_hub(&g);
	wire_close(g.wire);
	relay_reader_deinit(&g.reader);
	eio_buf_deinit(&g.in);
	eio_buf_deinit(&url);
}

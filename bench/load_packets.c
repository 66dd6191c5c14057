/* SPDX-License-Identifier: MIT */
/*
 * Engine.IO and Socket.IO as a client that listens: the steps until it gets events, and of every client the counts of
 * packets, events and messages, taken as their bytes stream by; nothing is kept, but for base64 and for what comes
 * before the client has joined.
 */
#include "bench/load.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include "eio/base64.h"

#include <stdlib.h>

enum { MESSAGE_BYTE = 4 };

/* How many messages begin in these bytes. The mark's first character is nowhere else in it, so a mismatch starts
 * anew. */
static unsigned
count_marks(uint8_t *matched, const char *p, size_t n)
{
	static const char mark[] = PAYLOAD_MARK;
	const char *end = p + n;
	unsigned count = 0;

	while (p < end) {
		if (*matched == 0) {
			p = memchr(p, mark[0], (size_t)(end - p));
			if (!p) break;
		}
		if (*p != mark[*matched]) {
			*matched = 0;
			continue;
		}
		p++;
		if (++*matched < sizeof mark - 1) continue;
		*matched = 0;
		count++;
	}
	return count;
}

/* The steps */

void
packets_emit_room(struct client *c, const char *event, unsigned i, bool with_ack)
{
	char packet[128];
	unsigned room = (load.first + c->index + i * (load.rooms / load.joins)) % load.rooms;
	int n = snprintf(packet, sizeof packet, "42%s[\"%s\",\"r%u\"]", with_ack ? "0" : "", event, room);

	c->transport->send(c, eio_bytes(packet, (size_t)n));
}

void
packets_step(struct client *c)
{
	if (c->state != CLIENT_OPENING || !c->in_namespace || (load.join && c->in_rooms < load.joins)) return;
	if (load.upgrade && c->transport->next) return;
	load_joined(c);
	eio_buf_deinit(&c->packet);
}

/* "{"sid":"…","pingInterval":25000,…}" */
static void
take_open(struct client *c, struct eio_bytes s)
{
	static const char sid[] = "\"sid\":\"", interval[] = "\"pingInterval\":";
	const char *p = memmem(s.p, s.n, sid, sizeof sid - 1), *end, *q;

	if (p) p += sizeof sid - 1;
	end = p ? memchr(p, '"', s.n - (size_t)(p - s.p)) : NULL;
	q = memmem(s.p, s.n, interval, sizeof interval - 1);
	if (!end || (size_t)(end - p) >= sizeof c->sid || !q) {
		load_fail(c, "an open packet without sid or pingInterval came");
		return;
	}
	memcpy(c->sid, p, (size_t)(end - p));
	/* The packet ends with a brace at the latest, which ends the number. */
	load.ping_interval_ns = strtoul(q + sizeof interval - 1, NULL, 10) * 1000000;
	if (load.eio == 3)
		c->ping_ns = bench_now_ns() + load.ping_interval_ns;
	else
		c->transport->send(c, EIO_LIT("40"));
	if (load.upgrade && c->transport->next) load_connect(c, LINK_SIDE, c->transport->next);
}

void
packets_enter(struct client *c)
{
	if (c->in_namespace) return;
	c->in_namespace = true;
	check_choose(c);
	if (load.join) packets_emit_room(c, load.join, 0, true);
	packets_step(c);
}

/* Packets */

void
packet_begin(struct client *c, bool binary)
{
	c->binary = binary;
	c->typed = binary && load.eio == 3 && !load.raw;
	c->base64 = false;
	c->head_n = c->mark = 0;
	c->packet_n = 0;
	eio_buf_clear(&c->packet);
	if (c->checked) check_packet_begin(c);
}

void
packet_piece(struct client *c, const char *p, size_t n)
{
	if (n > 0 && c->typed) {
		if (*p != MESSAGE_BYTE) load_fail(c, "a binary packet does not begin with its type");
		c->typed = false;
		p++;
		n--;
	}
	if (n == 0) return;
	if (c->head_n == 0 && !c->binary && *p == 'b') c->base64 = true;
	for (size_t i = 0; i < n && c->head_n < sizeof c->head; i++) c->head[c->head_n++] = p[i];
	c->packet_n += n;
	if (c->base64 || c->state == CLIENT_OPENING) eio_buf_append(&c->packet, p, n);
	if (c->base64) return;
	c->counts.messages += count_marks(&c->mark, p, n);
	if (c->checked) check_packet_piece(c, p, n);
}

/* "b" (revision 4) or "b4", and base64. */
static void
end_base64(struct client *c)
{
	struct eio_buf text = c->packet;
	size_t skip = load.eio == 3 ? 2 : 1;
	ssize_t n;

	eio_buf_init(&c->packet);
	if (eio_buf_failed(&text)) bench_die("out of memory");
	n = text.n < skip ? -1 : eio_base64_decode(text.p, eio_bytes(text.p + skip, text.n - skip));
	if (n < 0 || (load.eio == 3 && c->head[1] != '4')) {
		load_fail(c, "a packet is not base64");
	} else {
		packet_begin(c, true);
		c->typed = false;
		packet_piece(c, text.p, (size_t)n);
		packet_end(c);
	}
	if (c->packet.p)
		eio_buf_deinit(&text);
	else
		c->packet = text; /* its memory is for the next one */
}

static void
end_event(struct client *c)
{
	c->counts.bytes += c->packet_n;
	if (c->checked) check_packet_end(c);
}

static void
end_message(struct client *c)
{
	char type = c->head_n > 1 ? c->head[1] : '\0';

	switch (type) {
	case '0': packets_enter(c); return;
	case '2': c->counts.events++; break;
	case '3':
		c->in_rooms++;
		if (c->in_rooms < load.joins) packets_emit_room(c, load.join, c->in_rooms, true);
		packets_step(c);
		return;
	case '5':
		if (c->head_n < 4 || c->head[2] < '1' || c->head[2] > '9' || c->head[3] != '-') {
			load_fail(c, "a binary event with an unusual count of attachments");
			return;
		}
		c->attachments = (unsigned)(c->head[2] - '0');
		break;
	default: load_fail(c, "a Socket.IO packet of type '%c' came", type); return;
	}
	end_event(c);
}

static void
end_binary(struct client *c)
{
	if (c->attachments == 0) {
		load_fail(c, "a binary packet came that nothing had announced");
		return;
	}
	if (--c->attachments == 0) c->counts.events++;
	end_event(c);
}

static void
end_pong(struct client *c)
{
	if (c->packet_n == 1)
		load.pongs++;
	else if (c->transport->probed)
		c->transport->probed(c); /* "3probe" */
}

static void
end_text(struct client *c)
{
	switch (c->head_n > 0 ? c->head[0] : '\0') {
	case '0':
		if (c->state == CLIENT_OPENING) take_open(c, eio_buf_bytes(&c->packet));
		break;
	case '2':
		load.pings++;
		c->transport->send(c, EIO_LIT("3"));
		break;
	case '3': end_pong(c); break;
	case '4': end_message(c); break;
	case '6': break;
	default: load_fail(c, "an Engine.IO packet of type '%c' came", c->head[0]); break;
	}
}

void
packet_end(struct client *c)
{
	if (c->state == CLIENT_CLOSED) return;
	if (load.raw) {
		c->counts.events++;
		end_event(c);
	} else if (c->base64) {
		end_base64(c);
	} else if (c->binary) {
		end_binary(c);
	} else {
		end_text(c);
	}
}

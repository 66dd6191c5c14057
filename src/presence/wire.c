/* SPDX-License-Identifier: MIT */
/* Reading and writing what nodes tell each other. */
#include "src/presence/wire.h"

#include "sio/json.h"

static const char *const words[] = {
	[PRESENCE_HELLO] = "hello",
	[PRESENCE_ALL] = "all",
	[PRESENCE_BYE] = "bye",
};

bool
presence_number(struct eio_bytes s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.n == 0 || s.n > 18) return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return false;
		n = n * 10 + (uint64_t)(s.p[i] - '0');
	}
	*out = n;
	return true;
}

/* Messages */

static bool
read_word(struct eio_bytes json, struct presence_message *m)
{
	if (sio_json_kind(json) == SIO_JSON_ARRAY) {
		m->word = PRESENCE_CHANGES;
		m->changes = json;
		return true;
	}
	for (unsigned i = PRESENCE_HELLO; i <= PRESENCE_BYE; i++) {
		m->word = (enum presence_word)i;
		if (sio_json_kind(json) == SIO_JSON_STRING && sio_json_string_eq(json, eio_cstr(words[i]))) return true;
	}
	return false;
}

bool
presence_message_read(struct eio_bytes text, struct presence_message *m)
{
	struct eio_bytes json = sio_json_trim(text), node, seq, rest;
	struct sio_json_iter it;

	*m = (struct presence_message){ .word = PRESENCE_ALIVE };
	if (sio_json_check(text) || sio_json_kind(json) != SIO_JSON_ARRAY) return false;
	it = sio_json_iter(json);
	if (!sio_json_next(&it, NULL, &node) || sio_json_kind(node) != SIO_JSON_STRING || node.n < 3) return false;
	m->node = eio_bytes(node.p + 1, node.n - 2);
	if (!sio_json_next(&it, NULL, &seq) || !presence_number(seq, &m->seq)) return false;
	return !sio_json_next(&it, NULL, &rest) || read_word(rest, m);
}

void
presence_message_write(struct eio_buf *out, const char *node, uint64_t seq, enum presence_word word)
{
	EIO_BUF_ADD_LIT(out, "[\"");
	eio_buf_add(out, eio_cstr(node));
	EIO_BUF_ADD_LIT(out, "\",");
	eio_buf_append_u64(out, seq);
	if (word == PRESENCE_CHANGES) {
		EIO_BUF_ADD_LIT(out, ",[");
		return;
	}
	if (word != PRESENCE_ALIVE) {
		EIO_BUF_ADD_LIT(out, ",\"");
		eio_buf_add(out, eio_cstr(words[word]));
		eio_buf_addc(out, '"');
	}
	eio_buf_addc(out, ']');
}

/* Changes and fields */

bool
presence_identity(struct eio_bytes member, struct eio_buf *out)
{
	switch (sio_json_kind(member)) {
	case SIO_JSON_STRING: sio_json_unescape(out, member); return true;
	case SIO_JSON_NUMBER: eio_buf_add(out, member); return true;
	default: return false;
	}
}

/* What is read: spans of the scratch buffer as offsets, because that may move. */
struct reading {
	struct sio_json_iter it;
	struct eio_buf *scratch;
	size_t nsp_n, room_n;
};

/* The namespace and the room that a list begins with. */
static bool
read_key(struct reading *r, struct presence_change *c)
{
	struct eio_bytes nsp, room;

	eio_buf_clear(r->scratch);
	if (!sio_json_next(&r->it, NULL, &nsp) || sio_json_kind(nsp) != SIO_JSON_STRING) return false;
	if (!sio_json_next(&r->it, NULL, &room)) return false;
	c->key.everyone = sio_json_kind(room) == SIO_JSON_NULL;
	if (!c->key.everyone && sio_json_kind(room) != SIO_JSON_STRING) return false;
	sio_json_unescape(r->scratch, nsp);
	r->nsp_n = r->scratch->n;
	if (!c->key.everyone) sio_json_unescape(r->scratch, room);
	r->room_n = r->scratch->n - r->nsp_n;
	return true;
}

/* The spans of what was read, and the identity behind them. */
static bool
take_spans(struct reading *r, struct presence_change *c)
{
	const char *p = r->scratch->n ? r->scratch->p : "";
	size_t n = r->nsp_n + r->room_n;

	if (eio_buf_failed(r->scratch)) return false;
	c->key.nsp = eio_bytes(p, r->nsp_n);
	c->key.name = eio_bytes(p + r->nsp_n, r->room_n);
	c->identity = eio_bytes(p + n, r->scratch->n - n);
	return true;
}

/* A member, and what he is called. */
static bool
read_member_pair(struct reading *r, struct presence_change *c)
{
	return sio_json_next(&r->it, NULL, &c->member) && sio_json_next(&r->it, NULL, &c->info) &&
	       presence_identity(c->member, r->scratch);
}

bool
presence_change_read(struct eio_bytes json, struct eio_buf *scratch, struct presence_change *c)
{
	struct reading r = { .it = sio_json_iter(json), .scratch = scratch };
	struct eio_bytes kind, last;

	if (sio_json_kind(json) != SIO_JSON_ARRAY || !sio_json_next(&r.it, NULL, &kind) || kind.n != 3) return false;
	*c = (struct presence_change){ .kind = kind.p[1] };
	if (!read_key(&r, c)) return false;
	switch (c->kind) {
	case '+': return read_member_pair(&r, c) && take_spans(&r, c);
	case '-': return sio_json_next(&r.it, NULL, &last) && presence_identity(last, scratch) && take_spans(&r, c);
	case '#': return sio_json_next(&r.it, NULL, &last) && presence_number(last, &c->n) && take_spans(&r, c);
	default: return false;
	}
}

bool
presence_field_read(struct eio_bytes field, struct eio_bytes value, struct eio_buf *scratch, struct presence_change *c)
{
	struct reading r = { .scratch = scratch };
	struct eio_bytes identity;

	*c = (struct presence_change){ .kind = '#' };
	if (sio_json_check(field) || sio_json_kind(field) != SIO_JSON_ARRAY || sio_json_check(value)) return false;
	r.it = sio_json_iter(field);
	if (!read_key(&r, c)) return false;
	if (!sio_json_next(&r.it, NULL, &identity)) return presence_number(value, &c->n) && take_spans(&r, c);
	c->kind = '+';
	if (sio_json_kind(value) != SIO_JSON_ARRAY) return false;
	r.it = sio_json_iter(value);
	return read_member_pair(&r, c) && take_spans(&r, c);
}

static void
write_key(struct eio_buf *out, struct sio_room_key key)
{
	sio_json_escape(out, key.nsp);
	eio_buf_addc(out, ',');
	if (key.everyone)
		EIO_BUF_ADD_LIT(out, "null");
	else
		sio_json_escape(out, key.name);
}

static void
write_called(struct eio_buf *out, const struct presence_change *c)
{
	eio_buf_add(out, c->member);
	eio_buf_addc(out, ',');
	eio_buf_add(out, c->info);
}

void
presence_change_write(struct eio_buf *out, const struct presence_change *c)
{
	EIO_BUF_ADD_LIT(out, "[\"");
	eio_buf_addc(out, c->kind);
	EIO_BUF_ADD_LIT(out, "\",");
	write_key(out, c->key);
	eio_buf_addc(out, ',');
	if (c->kind == '+') write_called(out, c);
	if (c->kind == '-') sio_json_escape(out, c->identity);
	if (c->kind == '#') eio_buf_append_u64(out, c->n);
	eio_buf_addc(out, ']');
}

void
presence_field_write(struct eio_buf *out, const struct presence_change *c)
{
	eio_buf_addc(out, '[');
	write_key(out, c->key);
	if (c->kind != '#') {
		eio_buf_addc(out, ',');
		sio_json_escape(out, c->identity);
	}
	eio_buf_addc(out, ']');
}

void
presence_value_write(struct eio_buf *out, const struct presence_change *c)
{
	if (c->kind == '#') {
		eio_buf_append_u64(out, c->n);
		return;
	}
	eio_buf_addc(out, '[');
	write_called(out, c);
	eio_buf_addc(out, ']');
}

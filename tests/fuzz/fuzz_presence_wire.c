/* SPDX-License-Identifier: MIT */
/*
 * What a node may find in Redis, from whoever writes there: a message, and a field of a
 * hash with its value, each in a line. What was understood, and is written again, is
 * JSON and means the same.
 */
#include "sio/json.h"
#include "src/presence/wire.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct eio_bytes
cut_line(struct eio_bytes *rest)
{
	const char *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct eio_bytes line = end ? eio_bytes(rest->p, (size_t)(end - rest->p)) : *rest;

	*rest = end ? eio_bytes(end + 1, rest->n - line.n - 1) : eio_bytes("", 0);
	return line;
}

static void
check_same(const struct presence_change *a, const struct presence_change *b)
{
	if (a->kind != b->kind || a->n != b->n || a->key.everyone != b->key.everyone) abort();
	if (!eio_bytes_eq(a->key.nsp, b->key.nsp) || !eio_bytes_eq(a->key.name, b->key.name)) abort();
	if (!eio_bytes_eq(a->identity, b->identity)) abort();
	if (a->kind == '+' && (!eio_bytes_eq(a->member, b->member) || !eio_bytes_eq(a->info, b->info))) abort();
}

static void
check_change(const struct presence_change *c)
{
	struct eio_buf text = { 0 }, field = { 0 }, value = { 0 }, scratch = { 0 };
	struct presence_change again;

	presence_change_write(&text, c);
	if (sio_json_check(eio_buf_bytes(&text)) != 0) abort();
	if (!presence_change_read(eio_buf_bytes(&text), &scratch, &again)) abort();
	check_same(c, &again);
	if (c->kind != '-') {
		presence_field_write(&field, c);
		presence_value_write(&value, c);
		if (!presence_field_read(eio_buf_bytes(&field), eio_buf_bytes(&value), &scratch, &again)) abort();
		check_same(c, &again);
	}
	eio_buf_deinit(&text);
	eio_buf_deinit(&field);
	eio_buf_deinit(&value);
	eio_buf_deinit(&scratch);
}

static void
check_message(struct eio_bytes text, struct eio_buf *scratch)
{
	struct presence_message m;
	struct presence_change c;
	struct sio_json_iter it;
	struct eio_bytes change;

	if (!presence_message_read(text, &m)) return;
	if (m.node.n == 0 || m.node.p < text.p || m.node.p + m.node.n > text.p + text.n) abort();
	if (m.word != PRESENCE_CHANGES) return;
	for (it = sio_json_iter(m.changes); sio_json_next(&it, NULL, &change);)
		if (presence_change_read(change, scratch, &c)) check_change(&c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest = eio_bytes((const char *)data, size), text = cut_line(&rest), field = cut_line(&rest);
	struct eio_buf scratch = { 0 };
	struct presence_change c;

	check_message(text, &scratch);
	if (presence_field_read(field, rest, &scratch, &c)) check_change(&c);
	eio_buf_deinit(&scratch);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Messages into columns and back: what the decoder gives must be the array, byte for byte. The first byte says what the
 * rest is: a JSON text; a program that writes one, of messages that are alike as those of feeds are; or a batch from
 * whoever, which must be refused or be one, whatever it is.
 */
#include "sio/json.h"
#include "src/columns/columns_int.h"
#include "tests/unit/rebuild.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	JSON_MAX = 1 << 12, /* bytes of a text that a program writes */
	DEEPEST = 12, /* of its lists and objects, more than there are tables */
};

/* Kept for the next input: what an execution takes is mostly malloc(), else. */
static struct columns *encoder;
static struct eio_buf written, rebuilt;

static void
check_array(struct eio_bytes array)
{
	struct eio_bytes batch;

	if (!encoder && !(encoder = columns_new())) return;
	if (!columns__encode(encoder, array, &batch)) return;
	eio_buf_clear(&rebuilt);
	if (!rebuild_columns(batch, &rebuilt) || !eio_bytes_eq(eio_buf_bytes(&rebuilt), array)) abort();
}

/* A program: each byte says what comes next; without any left all is 0. */
struct program {
	const uint8_t *p, *end;
	struct eio_buf out;
};

static unsigned
next_byte(struct program *g)
{
	return g->p < g->end ? *g->p++ : 0;
}

static void
write_number(struct program *g, unsigned how)
{
	unsigned digits = how >> 4, point = next_byte(g) % 20;

	if (how & 4) eio_buf_addc(&g->out, '-');
	eio_buf_addc(&g->out, (char)(digits ? '1' + next_byte(g) % 9 : '0'));
	for (unsigned i = 0; i < digits; i++) eio_buf_addc(&g->out, (char)('0' + next_byte(g) % 10));
	for (unsigned i = 0; i < point && i < 18; i++) {
		if (i == 0) eio_buf_addc(&g->out, '.');
		eio_buf_addc(&g->out, (char)('0' + next_byte(g) % 10));
	}
	if ((how & 11) == 11) eio_buf_printf(&g->out, "e%d", (int)next_byte(g) - 128);
}

static void
write_string(struct program *g)
{
	static const char *const parts[] = { "a", "\\\"", "\\\\", "\\u00e9", "ż", "𝄞", ",", "]", "abc-0123456789-xyz",
		"[", ":", "}", " ", "n" };

	eio_buf_addc(&g->out, '"');
	for (unsigned n = next_byte(g) % 9; n; n--)
		eio_buf_add(&g->out, eio_cstr(parts[next_byte(g) % (sizeof parts / sizeof parts[0])]));
	eio_buf_addc(&g->out, '"');
}

static void write_json(struct program *g, unsigned depth);

static void
write_blank(struct program *g, unsigned how)
{
	if (how % 16 == 0) eio_buf_addc(&g->out, " \t\n\r"[how / 16 % 4]);
}

static void
write_key(struct program *g, char name)
{
	const char key[] = { '"', name, '"', ':' };

	eio_buf_add(&g->out, eio_bytes(key, sizeof key));
}

static void
write_container(struct program *g, bool object, unsigned how, unsigned depth)
{
	unsigned n = how / 4 % 12;

	eio_buf_addc(&g->out, object ? '{' : '[');
	write_blank(g, how + 1);
	for (unsigned i = 0; i < n; i++) {
		if (i) eio_buf_addc(&g->out, ',');
		write_blank(g, how + i);
		if (object) write_key(g, (char)('a' + (int)(i % 3 ? i : how % 5)));
		write_json(g, depth + 1);
		write_blank(g, how + i + 3);
	}
	eio_buf_addc(&g->out, object ? '}' : ']');
}

static void
write_json(struct program *g, unsigned depth)
{
	static const char *const words[] = { "null", "true", "false", "0" };
	unsigned how = next_byte(g);
	bool deep = depth >= DEEPEST || g->out.n > JSON_MAX;

	switch (how % 8) {
	case 0: eio_buf_add(&g->out, eio_cstr(words[how / 8 % 4])); break;
	case 1:
	case 2: write_string(g); break;
	case 3:
	case 4: write_number(g, next_byte(g)); break;
	default:
		if (deep)
			eio_buf_addc(&g->out, '1');
		else
			write_container(g, how % 8 < 7, how / 8, depth);
	}
}

/* One message several times, each as a run of the same part of the program with one byte of it changed. */
static void
write_alike(struct program *g)
{
	unsigned times = next_byte(g) % 32, length = 4 + next_byte(g) % 60, step = next_byte(g), at = next_byte(g);
	uint8_t part[64];

	for (unsigned i = 0; i < length; i++) part[i] = (uint8_t)next_byte(g);
	for (unsigned i = 0; i <= times; i++) {
		struct program one = { part, part + length, g->out };

		write_json(&one, 0);
		g->out = one.out;
		if (i < times) eio_buf_addc(&g->out, ',');
		part[at % length] = (uint8_t)(part[at % length] + step);
	}
}

static void
run_program(const uint8_t *data, size_t size)
{
	struct program g = { data, data + size, written };

	eio_buf_clear(&g.out);
	eio_buf_addc(&g.out, '[');
	do {
		if (g.out.n > 1) eio_buf_addc(&g.out, ',');
		if (next_byte(&g) % 2)
			write_alike(&g);
		else
			write_json(&g, 0);
	} while (g.p < g.end && g.out.n < JSON_MAX);
	eio_buf_addc(&g.out, ']');
	if (!eio_buf_failed(&g.out)) {
		if (sio_json_check(eio_buf_bytes(&g.out))) abort();
		check_array(eio_buf_bytes(&g.out));
	}
	written = g.out;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest;

	if (size < 2) return 0;
	rest = eio_bytes(data + 1, size - 1);
	switch (data[0] % 4) {
	case 0:
		eio_buf_clear(&rebuilt);
		(void)rebuild_columns(rest, &rebuilt);
		break;
	case 1:
		if (rest.p[0] == '[' && rest.p[rest.n - 1] == ']' && sio_json_check(rest) == 0) check_array(rest);
		break;
	default: run_program(data + 1, size - 1);
	}
	return 0;
}

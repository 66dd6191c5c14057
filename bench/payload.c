/* SPDX-License-Identifier: MIT */
/*
 * See payload.h. The ticks are cut out of one long text that repeats itself, from a record that depends on seq.
 * Messages of one length whose numbers have as many digits differ in nothing else than these digits, so that a message
 * is written by copying one that was made before and patching its numbers: a program that sends a million in a second
 * can afford that.
 */
#include "bench/payload.h"

#include "bench/bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORDS = 61, RECORD_MAX = 32, CHANNEL_DIGITS = 5, SIZES = 4 };
enum { STORY_SMALL = 3000, STORY_BIG = 30000, STORY_EVERY = 50 };

#define TAIL_START "],\"pad\":\""
#define TAIL_END "\"}"

static char text[PAYLOAD_MAX + RECORDS * RECORD_MAX + RECORD_MAX];
static unsigned start_of[RECORDS]; /* where each record of the first round starts */
static unsigned end_before[sizeof text]; /* the end of the last record that ends at or before a place; 0: none does */

unsigned
payload_story_size(uint64_t i)
{
	return i % STORY_EVERY == STORY_EVERY - 1 ? STORY_BIG : STORY_SMALL;
}

void
payload_init(void)
{
	static const char symbols[][6] = { "AAPL", "AMZN", "BA", "CSCO", "GOOG", "IBM", "MSFT", "NVDA", "ORCL",
		"TSLA" };
	unsigned at = 0, last = 0, filled = 0;

	for (unsigned i = 0; at + RECORD_MAX < sizeof text; i++) {
		unsigned k = i % RECORDS, cents = 1 + k * 37 % 99;

		if (i < RECORDS) start_of[i] = at;
		/* A price never ends in 0, which JavaScript would not write. */
		if (cents % 10 == 0) cents++;
		at += (unsigned)sprintf(text + at, "[\"%s\",%u.%02u,%u]", symbols[k % 10], 20 + k * 53 % 900, cents,
			100 * (1 + k * 7 % 40));
		for (; filled < at; filled++) end_before[filled] = last;
		last = at;
		text[at++] = ',';
	}
	for (; filled < sizeof text; filled++) end_before[filled] = last;
}

/* A message that was made before. */
struct model {
	char *bytes;
	unsigned n;
	unsigned seq_digits, t_digits;
	unsigned seq_end, t_end, channel_end; /* where its numbers end */
};

static void
write_whole(char *out, const struct payload *p)
{
	unsigned from = start_of[p->seq % RECORDS], end, n, room, pad;

	n = (unsigned)sprintf(out, PAYLOAD_MARK "%" PRIu64 ",\"t\":%" PRIu64 ",\"ch\":%u,\"n\":%u,\"ticks\":[", p->seq,
		p->t_ns, p->channel, p->n);
	room = p->n - n - (sizeof TAIL_START - 1) - (sizeof TAIL_END - 1);
	end = end_before[from + room];
	if (end > from) {
		memcpy(out + n, text + from, end - from);
		n += end - from;
	}
	memcpy(out + n, TAIL_START, sizeof TAIL_START - 1);
	n += sizeof TAIL_START - 1;
	pad = p->n - n - (sizeof TAIL_END - 1);
	memset(out + n, '-', pad);
	memcpy(out + n + pad, TAIL_END, sizeof TAIL_END - 1);
}

static unsigned
count_digits(uint64_t v)
{
	uint64_t limit = 10;
	unsigned n = 1;

	for (; n < 20 && v >= limit; n++) limit *= 10;
	return n;
}

/* Writes v so that its last digit is before end. */
static void
patch_digits(char *end, uint64_t v)
{
	do {
		*--end = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
}

static void
make_model(struct model *m, const struct payload *p, unsigned seq_digits, unsigned t_digits)
{
	if (m->n != p->n) m->bytes = realloc(m->bytes, p->n);
	if (!m->bytes) bench_die("out of memory");
	write_whole(m->bytes, p);
	m->n = p->n;
	m->seq_digits = seq_digits;
	m->t_digits = t_digits;
	m->seq_end = (unsigned)strlen(PAYLOAD_MARK) + seq_digits;
	m->t_end = m->seq_end + (unsigned)strlen(",\"t\":") + t_digits;
	m->channel_end = m->t_end + (unsigned)strlen(",\"ch\":") + count_digits(p->channel);
}

/* The digits of the time, which many messages have in common. */
static unsigned
time_text(uint64_t t_ns, const char **text)
{
	static char last[20];
	static uint64_t last_ns;
	static unsigned n;

	if (n == 0 || t_ns != last_ns) {
		n = count_digits(t_ns);
		patch_digits(last + n, t_ns);
		last_ns = t_ns;
	}
	*text = last;
	return n;
}

void
payload_write(char *out, const struct payload *p)
{
	static struct model models[RECORDS][CHANNEL_DIGITS][SIZES];
	struct model *m = &models[p->seq % RECORDS][count_digits(p->channel) - 1][p->n / 1000 % SIZES];
	const char *t;
	unsigned seq_digits = count_digits(p->seq), t_digits = time_text(p->t_ns, &t);

	if (m->n != p->n || m->seq_digits != seq_digits || m->t_digits != t_digits)
		make_model(m, p, seq_digits, t_digits);
	memcpy(out, m->bytes, p->n);
	patch_digits(out + m->seq_end, p->seq);
	memcpy(out + m->t_end - t_digits, t, t_digits);
	patch_digits(out + m->channel_end, p->channel);
}

/* Reads a name and the decimal number after it. */
static bool
payload_read_number(struct eio_bytes *s, const char *name, uint64_t *v)
{
	size_t n = strlen(name), i;

	if (s->n < n || memcmp(s->p, name, n) != 0) return false;
	*v = 0;
	for (i = n; i < s->n && i < n + 18 && s->p[i] >= '0' && s->p[i] <= '9'; i++)
		*v = *v * 10 + (uint64_t)(s->p[i] - '0');
	*s = eio_bytes(s->p + i, s->n - i);
	return i > n;
}

size_t
payload_read(struct eio_bytes s, struct payload *p)
{
	static char expected[PAYLOAD_MAX];
	struct eio_bytes rest = s;
	uint64_t channel, n;

	if (!payload_read_number(&rest, PAYLOAD_MARK, &p->seq) || !payload_read_number(&rest, ",\"t\":", &p->t_ns) ||
		!payload_read_number(&rest, ",\"ch\":", &channel) || !payload_read_number(&rest, ",\"n\":", &n))
		return 0;
	if (n < PAYLOAD_MIN || n > PAYLOAD_MAX || n > s.n || channel > UINT16_MAX) return 0;
	p->channel = (unsigned)channel;
	p->n = (unsigned)n;
	write_whole(expected, p); /* not as the writer does it: a check of both */
	return memcmp(s.p, expected, n) == 0 ? n : 0;
}

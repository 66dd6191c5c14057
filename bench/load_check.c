/* SPDX-License-Identifier: MIT */
/*
 * A sampled client keeps a packet until it is complete, and then every byte of the event is checked: its name, the
 * messages in it (one, or a batch of any format), that their numbers go up by one in each channel; their stamps give
 * the latency.
 */
#include "bench/load.h"

#include "bench/bench.h"
#include "bench/payload.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SPREAD_SLOTS = 4096, FRAME_HEAD = 4 };

/* Of one sampled client. */
struct check {
	struct eio_buf packet; /* what has come of it */
	uint64_t *next; /* by channel: the number expected next, plus one; 0 when there was none yet */
	unsigned n_channels;
};

/* The first and the last arrival of one message among the sampled clients. */
struct spread {
	uint64_t seq, first_ns, last_ns;
	unsigned channel;
	bool used;
};

static struct {
	struct check *checks;
	unsigned n_checks, n_given;
	struct eio_buf text_head, text_binary; /* how an event's text packet begins; one with an attachment, whole */
	struct hist latency, spread;
	struct spread spreads[SPREAD_SLOTS];
	uint64_t messages, gaps, disorder, bad; /* numbers left out; numbers that went back; packets with wrong bytes */
	char sample_of_bad[120];
} at;

void
check_init(const char *event, unsigned clients)
{
	eio_buf_printf(&at.text_head, "42[\"%s\",", event);
	eio_buf_printf(&at.text_binary, "451-[\"%s\",{\"_placeholder\":true,\"num\":0}]", event);
	at.n_checks = clients;
	at.checks = calloc(clients ? clients : 1, sizeof *at.checks);
	if (!at.checks || eio_buf_failed(&at.text_head) || eio_buf_failed(&at.text_binary)) bench_die("out of memory");
}

void
check_begin(void)
{
	for (unsigned i = 0; i < at.n_checks; i++)
		for (unsigned j = 0; j < at.checks[i].n_channels; j++) at.checks[i].next[j] = 0;
	memset(at.spreads, 0, sizeof at.spreads);
	hist_clear(&at.latency);
	hist_clear(&at.spread);
	at.messages = at.gaps = at.disorder = at.bad = 0;
	at.sample_of_bad[0] = '\0';
}

void
check_choose(struct client *c)
{
	if (c->checked == 0 && c->index % load.sample == 0 && at.n_given < at.n_checks) c->checked = ++at.n_given;
}

void
check_packet_begin(struct client *c)
{
	eio_buf_clear(&at.checks[c->checked - 1].packet);
}

void
check_packet_piece(struct client *c, const char *p, size_t n)
{
	eio_buf_append(&at.checks[c->checked - 1].packet, p, n);
}

static void
note_bad(struct client *c, struct eio_bytes s)
{
	if (at.bad++ > 0) return;
	snprintf(at.sample_of_bad, sizeof at.sample_of_bad, "client %u: %.*s", load.first + c->index,
		(int)(s.n < 60 ? s.n : 60), s.p);
	/* It goes into a JSON string. */
	for (char *p = at.sample_of_bad; *p; p++)
		if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ' || (unsigned char)*p > '~') *p = '\'';
}

static void
flush_spread(struct spread *s)
{
	if (s->used) hist_add(&at.spread, s->last_ns - s->first_ns);
	s->used = false;
}

static void
note_spread(const struct payload *p, uint64_t now)
{
	struct spread *s = &at.spreads[(p->seq * 31 + p->channel * 131) % SPREAD_SLOTS];

	if (s->used && s->seq == p->seq && s->channel == p->channel) {
		s->last_ns = now;
		return;
	}
	flush_spread(s);
	*s = (struct spread){ .seq = p->seq, .first_ns = now, .last_ns = now, .channel = p->channel, .used = true };
}

static uint64_t *
next_of(struct check *k, unsigned channel)
{
	unsigned n = k->n_channels ? k->n_channels : 1;
	uint64_t *next;

	if (channel < k->n_channels) return &k->next[channel];
	while (n <= channel) n *= 2;
	next = realloc(k->next, n * sizeof *next);
	if (!next) bench_die("out of memory");
	memset(next + k->n_channels, 0, (n - k->n_channels) * sizeof *next);
	k->next = next;
	k->n_channels = n;
	return &k->next[channel];
}

static void
check_message(struct check *k, const struct payload *p, uint64_t now)
{
	uint64_t *next = next_of(k, p->channel), seq = p->seq + 1;

	if (seq <= *next)
		at.disorder++;
	else if (!load.any)
		at.gaps += seq - *next - 1; /* a publisher counts from 0 */
	if (seq > *next) *next = seq;
	at.messages++;
	hist_add(&at.latency, now > p->t_ns ? now - p->t_ns : 0);
	note_spread(p, now);
}

/* The length of what stands between messages: an array's brackets and commas, the ends of lines, or the length before
 * each message, which the message must have. 0: a message stands here. */
static size_t
between_messages(struct eio_bytes s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	struct payload message;
	size_t n;

	if (memchr("[],\n", s.p[0], 4)) return 1;
	if (p[0] != 0 || s.n < FRAME_HEAD) return 0;
	n = (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	return payload_read(eio_bytes(s.p + FRAME_HEAD, s.n - FRAME_HEAD), &message) == n ? FRAME_HEAD : 0;
}

static void
check_content(struct client *c, struct check *k, struct eio_bytes s)
{
	uint64_t now = bench_now_ns();
	struct payload p;
	size_t n;

	while (s.n > 0) {
		n = between_messages(s);
		if (n == 0) {
			n = payload_read(s, &p);
			if (n == 0) {
				note_bad(c, s);
				return;
			}
			check_message(k, &p, now);
		}
		s = eio_bytes(s.p + n, s.n - n);
	}
}

void
check_packet_end(struct client *c)
{
	struct check *k = &at.checks[c->checked - 1];
	struct eio_bytes s = eio_buf_bytes(&k->packet), head = eio_buf_bytes(&at.text_head);

	if (eio_buf_failed(&k->packet)) bench_die("out of memory");
	if (c->binary || load.raw)
		check_content(c, k, s);
	else if (s.n > head.n && eio_bytes_starts(s, head) && s.p[s.n - 1] == ']')
		check_content(c, k, eio_bytes(s.p + head.n, s.n - head.n - 1));
	else if (!eio_bytes_eq(s, eio_buf_bytes(&at.text_binary)))
		note_bad(c, s);
}

void
check_report(FILE *out)
{
	uint64_t min = 0, max = 0, last;
	bool any = false;

	/* The last number a client got, over all channels it got anything of. */
	for (unsigned i = 0; i < at.n_given; i++) {
		for (unsigned j = 0; j < at.checks[i].n_channels; j++) {
			if (at.checks[i].next[j] == 0) continue;
			last = at.checks[i].next[j] - 1;
			if (!any || last < min) min = last;
			if (!any || last > max) max = last;
			any = true;
		}
	}
	for (unsigned i = 0; i < SPREAD_SLOTS; i++) flush_spread(&at.spreads[i]);
	fprintf(out,
		"\"sample\":{\"clients\":%u,\"messages\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"disorder\":%" PRIu64
		",\"bad\":%" PRIu64 ",\"first_bad\":\"%s\",\"last_seq_min\":%" PRIu64 ",\"last_seq_max\":%" PRIu64 "}",
		at.n_given, at.messages, at.gaps, at.disorder, at.bad, at.sample_of_bad, min, max);
	fprintf(out, ",\"latency_us\":");
	hist_print(&at.latency, out);
	fprintf(out, ",\"spread_us\":");
	hist_print(&at.spread, out);
	if (!load.cells) return;
	fprintf(out, ",\"latency_cells\":");
	hist_print_cells(&at.latency, out);
}

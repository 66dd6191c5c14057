/* SPDX-License-Identifier: MIT */
/* Counting by name. */
#include "src/tools/tally.h"

#include "src/tools/visible.h"

#include <stdlib.h>
#include <string.h>

static const char others[] = "(others)";

static struct tally_line *
find_line_of(const struct tally *t, struct eio_bytes name)
{
	for (size_t i = 0; i < t->n; i++)
		if (eio_bytes_eq(eio_bytes(t->lines[i].name, t->lines[i].name_n), name)) return &t->lines[i];
	return NULL;
}

static struct tally_line *
add_line(struct tally *t, struct eio_bytes name)
{
	struct tally_line *lines = realloc(t->lines, (t->n + 1) * sizeof *lines);
	char *copy;

	if (!lines) return NULL;
	t->lines = lines;
	copy = malloc(name.n + 1);
	if (!copy) return NULL;
	if (name.n) memcpy(copy, name.p, name.n);
	lines[t->n] = (struct tally_line){ .name = copy, .name_n = name.n };
	return &lines[t->n++];
}

int
tally_add(struct tally *t, struct eio_bytes name, size_t bytes)
{
	struct tally_line *l = find_line_of(t, name);

	if (!l && t->n >= TALLY_NAMES) {
		name = eio_cstr(others);
		l = find_line_of(t, name);
	}
	if (!l) l = add_line(t, name);
	if (!l) return -1;
	l->messages++;
	l->bytes += bytes;
	return 0;
}

static void
write_rate(struct eio_buf *out, struct eio_bytes name, uint64_t messages, uint64_t bytes, double seconds)
{
	double per = seconds > 0 ? seconds : 1;

	eio_buf_printf(out, "%10llu messages %12.1f/s %14.0f bytes/s  ", (unsigned long long)messages,
		(double)messages / per, (double)bytes / per);
	write_visible(out, name);
	eio_buf_addc(out, '\n');
}

void
tally_write_rates(struct tally *t, double seconds, struct eio_buf *out)
{
	uint64_t messages = 0, bytes = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct tally_line *l = &t->lines[i];

		if (l->messages == l->seen_messages) continue;
		write_rate(out, eio_bytes(l->name, l->name_n), l->messages - l->seen_messages, l->bytes - l->seen_bytes,
			seconds);
		messages += l->messages - l->seen_messages;
		bytes += l->bytes - l->seen_bytes;
		l->seen_messages = l->messages;
		l->seen_bytes = l->bytes;
	}
	write_rate(out, EIO_LIT("in all"), messages, bytes, seconds);
}

void
tally_write_total(const struct tally *t, double seconds, struct eio_buf *out)
{
	uint64_t messages = 0, bytes = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct tally_line *l = &t->lines[i];

		write_rate(out, eio_bytes(l->name, l->name_n), l->messages, l->bytes, seconds);
		messages += l->messages;
		bytes += l->bytes;
	}
	write_rate(out, EIO_LIT("in all"), messages, bytes, seconds);
}

void
tally_deinit(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) free(t->lines[i].name);
	free(t->lines);
	*t = (struct tally){ 0 };
}

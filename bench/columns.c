/* SPDX-License-Identifier: MIT */
/*
 * What a batch in columns costs and how long it is: reads messages, one in each line, puts so many together, encodes
 * each batch some times, and tells. Called by columns.mjs.
 *
 *	columns MESSAGES FILE <LINES        FILE gets the batches, each behind its length (u32, little-endian)
 */
#include "src/columns/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TIMES = 20 }; /* of which the fastest counts, by turns: the machine may have other work for a while */

struct batch {
	size_t at, end; /* its array, among all */
	double best;
};

struct sums {
	size_t messages, json, bytes, arrays;
	double seconds;
};

static struct eio_buf arrays;
static struct batch *batches;
static size_t n_batches, n_messages;

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct eio_bytes
array_of(const struct batch *b)
{
	return eio_bytes(arrays.p + b->at, b->end - b->at);
}

/* What is left over at the end is no batch. */
static bool
read_batches(size_t per)
{
	char *line = NULL;
	size_t cap = 0, n = 0, at = 0;
	ssize_t length;

	while ((length = getline(&line, &cap, stdin)) > 0) {
		eio_buf_addc(&arrays, n++ ? ',' : '[');
		eio_buf_append(&arrays, line, (size_t)length - (line[length - 1] == '\n'));
		if (n < per) continue;
		eio_buf_addc(&arrays, ']');
		batches = realloc(batches, (n_batches + 1) * sizeof *batches);
		if (!batches) break;
		batches[n_batches++] = (struct batch){ .at = at, .end = arrays.n };
		at = arrays.n;
		n_messages += n;
		n = 0;
	}
	free(line);
	return batches && !eio_buf_failed(&arrays);
}

static void
encode_all(struct columns *c, bool first)
{
	for (size_t i = 0; i < n_batches; i++) {
		struct batch *b = &batches[i];
		struct eio_bytes out;
		double from = cpu_seconds(), took;

		columns_encode(c, array_of(b), &out);
		took = cpu_seconds() - from;
		if (first || took < b->best) b->best = took;
	}
}

static void
write_batch(FILE *out, struct eio_bytes batch)
{
	unsigned char size[4];

	for (int i = 0; i < 4; i++) size[i] = (unsigned char)(batch.n >> 8 * i);
	fwrite(size, 1, sizeof size, out);
	fwrite(batch.p, 1, batch.n, out);
}

static void
write_batches(struct columns *c, FILE *out, struct sums *sums)
{
	for (size_t i = 0; i < n_batches; i++) {
		struct eio_bytes array = array_of(&batches[i]), batch = array;

		if (!columns_encode(c, array, &batch)) {
			batch = array;
			sums->arrays++;
		}
		sums->json += array.n;
		sums->bytes += batch.n;
		sums->seconds += batches[i].best;
		write_batch(out, batch);
	}
}

int
main(int argc, char **argv)
{
	struct columns *c = columns_new();
	struct sums sums = { 0 };
	size_t per = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	FILE *out = argc == 3 ? fopen(argv[2], "w") : NULL;

	if (!c || !out || per == 0 || !read_batches(per)) return 2;
	for (int i = 0; i < TIMES; i++) encode_all(c, i == 0);
	write_batches(c, out, &sums);
	printf("{\"messages\":%zu,\"json\":%zu,\"bytes\":%zu,\"arrays\":%zu,\"seconds\":%.9f}\n", n_messages, sums.json,
		sums.bytes, sums.arrays, sums.seconds);
	free(batches);
	eio_buf_deinit(&arrays);
	columns_free(c);
	return fclose(out) ? 2 : 0;
}

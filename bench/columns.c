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

enum { TIMES = 15 }; /* of which the fastest counts: the machine may have other work */

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct sums {
	size_t messages, json, bytes, arrays;
	double seconds;
};

static void
write_batch(FILE *out, struct eio_bytes batch)
{
	unsigned char size[4];

	for (int i = 0; i < 4; i++) size[i] = (unsigned char)(batch.n >> 8 * i);
	fwrite(size, 1, sizeof size, out);
	fwrite(batch.p, 1, batch.n, out);
}

static void
measure_batch(struct columns *c, struct eio_bytes array, FILE *out, struct sums *sums)
{
	struct eio_bytes batch = array;
	double best = 0;
	bool encoded = false;

	for (int i = 0; i < TIMES; i++) {
		double from = cpu_seconds(), took;

		encoded = columns_encode(c, array, &batch);
		took = cpu_seconds() - from;
		if (i == 0 || took < best) best = took;
	}
	if (!encoded) batch = array;
	sums->arrays += !encoded;
	sums->json += array.n;
	sums->bytes += batch.n;
	sums->seconds += best;
	write_batch(out, batch);
}

int
main(int argc, char **argv)
{
	struct columns *c = columns_new();
	struct eio_buf array = { 0 };
	struct sums sums = { 0 };
	size_t per = argc == 3 ? strtoul(argv[1], NULL, 10) : 0, cap = 0, n = 0;
	FILE *out = argc == 3 ? fopen(argv[2], "w") : NULL;
	char *line = NULL;
	ssize_t length;

	if (!c || !out || per == 0) return 2;
	while ((length = getline(&line, &cap, stdin)) > 0) {
		eio_buf_addc(&array, n++ ? ',' : '[');
		eio_buf_append(&array, line, (size_t)length - (line[length - 1] == '\n'));
		if (n < per) continue;
		eio_buf_addc(&array, ']');
		if (eio_buf_failed(&array)) return 2;
		measure_batch(c, eio_buf_bytes(&array), out, &sums);
		sums.messages += n;
		eio_buf_clear(&array);
		n = 0;
	}
	printf("{\"messages\":%zu,\"json\":%zu,\"bytes\":%zu,\"arrays\":%zu,\"seconds\":%.9f}\n", sums.messages,
		sums.json, sums.bytes, sums.arrays, sums.seconds);
	free(line);
	eio_buf_deinit(&array);
	columns_free(c);
	return fclose(out) ? 2 : 0;
}

/* SPDX-License-Identifier: MIT */
/*
 * Compressed bodies and messages. Thousands of clients get the same compressed bytes, so the last few results are kept:
 * the load generator then compares bytes instead of inflating them again, which is several times faster.
 */
#include "bench/load.h"

#include "bench/bench.h"

#include <zlib.h>

enum { KEPT = 64, PIECE = 64 * 1024, RAW_WINDOW = -15, GZIP_WINDOW = 15 + 16 };

struct kept {
	struct eio_buf in, out;
};

/* Appends what s inflates to. The end of the stream must be reached, or (message) the end of the bytes. */
static bool
inflate_to(z_stream *z, struct eio_bytes s, bool message, struct eio_buf *out)
{
	static const unsigned char flush[] = { 0, 0, 0xff, 0xff };
	bool tail = !message;
	int r;

	if (inflateReset(z) != Z_OK) return false;
	z->next_in = (unsigned char *)s.p;
	z->avail_in = (unsigned)s.n;
	for (;;) {
		z->next_out = (unsigned char *)eio_buf_reserve(out, PIECE);
		if (!z->next_out) bench_die("out of memory");
		z->avail_out = PIECE;
		r = inflate(z, Z_SYNC_FLUSH);
		out->n += PIECE - z->avail_out;
		if (r == Z_STREAM_END) return true;
		if (r != Z_OK && r != Z_BUF_ERROR) return false;
		if (z->avail_out == 0) continue;
		if (z->avail_in > 0) return false;
		if (tail) return message;
		tail = true;
		z->next_in = (unsigned char *)flush;
		z->avail_in = sizeof flush;
	}
}

static unsigned
place_of(struct eio_bytes s)
{
	unsigned h = (unsigned)s.n;

	for (size_t i = 0; i < s.n; i += 1 + s.n / 16) h = h * 31 + (unsigned char)s.p[i];
	return h % KEPT;
}

static bool
inflate_kept(struct kept *kept, z_stream *z, struct eio_bytes s, bool message, struct eio_bytes *out)
{
	struct kept *k = &kept[place_of(s)];

	if (k->in.n == 0 || !eio_bytes_eq(eio_buf_bytes(&k->in), s)) {
		eio_buf_clear(&k->in);
		eio_buf_clear(&k->out);
		if (!inflate_to(z, s, message, &k->out)) return false;
		eio_buf_add(&k->in, s);
		if (eio_buf_failed(&k->in)) bench_die("out of memory");
	}
	*out = eio_buf_bytes(&k->out);
	return true;
}

bool
inflate_gzip(struct eio_bytes s, struct eio_bytes *out)
{
	static struct kept kept[KEPT];
	static z_stream z;
	static bool ready;

	if (!ready && inflateInit2(&z, GZIP_WINDOW) != Z_OK) bench_die("zlib");
	ready = true;
	return inflate_kept(kept, &z, s, false, out);
}

bool
inflate_message(struct eio_bytes s, struct eio_bytes *out)
{
	static struct kept kept[KEPT];
	static z_stream z;
	static bool ready;

	if (!ready && inflateInit2(&z, RAW_WINDOW) != Z_OK) bench_die("zlib");
	ready = true;
	return inflate_kept(kept, &z, s, true, out);
}

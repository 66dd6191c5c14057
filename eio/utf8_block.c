/* SPDX-License-Identifier: MIT */
/* UTF-8 checked 64 bytes at a time. Blocks that are ASCII are passed over. */
#include "eio/utf8_block.h"
#include "eio/utf8_int.h"

#ifdef EIO_VECTOR_HAVE

/* The same source makes two functions on x86-64; see utf8_block_avx2.c. */
#ifdef EIO_VECTOR_AVX2
#define VALID eio__utf8_valid_avx2
#else
#define VALID eio__utf8_valid_blocks
#endif

static inline bool
all_ascii(const eio_vector v[EIO_VECTORS])
{
	eio_vector all = EIO_VECTOR_OR(v[0], v[1]);

	if (EIO_VECTORS == 4) all = EIO_VECTOR_OR(all, EIO_VECTOR_OR(v[EIO_VECTORS - 2], v[EIO_VECTORS - 1]));
	return !eio_vector_high(all);
}

/* What may be left open at the end of a block. */
struct utf8_scan {
	eio_vector before; /* the last vector that was looked at closely, or zeros */
	bool more; /* it is the one right before this block, and may want more */
};

static inline bool
check_next_block(struct utf8_scan *s, const char *p)
{
	eio_vector v[EIO_VECTORS];
	bool ascii;

	eio_vector_load(v, p);
	ascii = all_ascii(v);
	if (ascii && !s->more) return true;
	if (!eio__utf8_block_valid(v, s->before)) return false;
	s->before = v[EIO_VECTORS - 1];
	s->more = !ascii;
	return true;
}

bool
VALID(struct eio_bytes text)
{
	struct utf8_scan s = { .before = EIO_VECTOR_EACH(0) };
	char buf[2 * EIO_VECTOR_BLOCK];
	size_t at = 0;

	for (; text.n - at >= EIO_VECTOR_BLOCK; at += EIO_VECTOR_BLOCK)
		if (!check_next_block(&s, text.p + at)) return false;
	/* What is wanted behind the end is no zero. */
	return (at == text.n && !s.more) || check_next_block(&s, eio_vector_last_block(buf, text, 0));
}

#endif

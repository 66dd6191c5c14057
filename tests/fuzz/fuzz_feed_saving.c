/* SPDX-License-Identifier: MIT */
/*
 * Any records as what a feed was when it was written down, and any file as an archive. What is taken can be written
 * down again, and comes back as that; what is refused leaves nothing.
 */
#include "tests/unit/feed_alone.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
save_again(struct feed_alone *from)
{
	struct eio_buf first = { 0 };
	struct feed_tally a, b;
	struct feed_alone to;

	if (!feed_alone_save(from, &first, &a) || archive_check(eio_buf_bytes(&first))) abort();
	feed_alone_open(&to, from->out.ledger != NULL);
	if (feed_alone_restore(&to, archive_open(eio_buf_bytes(&first)), &b)) abort();
	if (a.sessions < b.sessions || a.retained < b.retained) abort();
	feed_alone_close(&to);
	eio_buf_deinit(&first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct eio_bytes rest = eio_bytes((const char *)data + 1, size - 1);
	struct feed_tally tally;
	struct feed_alone a;

	if (size < 1) return 0;
	if (archive_check(rest) == ARCHIVE_GOOD && !archive_open(rest).rest.n) abort();
	feed_alone_open(&a, data[0] & 1);
	if (!feed_alone_restore(&a, archive_open_block(rest), &tally))
		save_again(&a);
	else if (interest_count(a.options.interest))
		abort();
	feed_alone_close(&a);
	return 0;
}

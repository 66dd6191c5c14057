/* SPDX-License-Identifier: MIT */
/* Records in blocks, and blocks with checksums. */
#include "src/base/archive.h"

#include "eio/check.h"
#include "eio/hash.h"

enum {
	HEAD = 28, /* the name, the version, the key */
	BLOCK_HEAD = 16, /* the length of the records, the checksum */
	BLOCK_BYTES = 1 << 20, /* a block is put when it has so many */
};

static const char name[8] = "siocast";

/* Numbers that do not vary in length, the lowest byte first. */
static void
write_fixed(char *to, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++, v >>= 8) to[i] = (char)(v & 0xff);
}

static uint64_t
read_fixed(const char *from, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0) v = v << 8 | (unsigned char)from[n];
	return v;
}

/* Blocks that change places have other checksums. */
static uint64_t
checksum_of(const uint64_t key[2], uint64_t number, struct eio_bytes records)
{
	uint64_t k[2] = { key[0] ^ number, key[1] };

	return eio_hash_bytes(k, records);
}

/* That of the end. */
static uint64_t
checksum_of_end(const uint64_t key[2], uint64_t blocks, uint64_t bytes)
{
	char text[16];

	write_fixed(text, blocks, 8);
	write_fixed(text + 8, bytes, 8);
	return checksum_of(key, ~blocks, eio_bytes(text, sizeof text));
}

/* Writing */

static void
put_archived(struct archive_out *a, struct eio_bytes bytes)
{
	if (!a->failed) a->failed = !a->put(a->user, bytes);
	a->bytes += bytes.n;
}

static void
begin_block(struct archive_out *a)
{
	static const char room[BLOCK_HEAD];

	eio_buf_clear(&a->block);
	eio_buf_append(&a->block, room, sizeof room);
	if (eio_buf_failed(&a->block)) a->failed = true;
}

static void
put_block(struct archive_out *a, uint64_t checksum)
{
	if (eio_buf_failed(&a->block)) a->failed = true;
	if (a->failed) return;
	write_fixed(a->block.p, a->block.n - BLOCK_HEAD, 8);
	write_fixed(a->block.p + 8, checksum, 8);
	put_archived(a, eio_buf_bytes(&a->block));
	a->blocks++;
	begin_block(a);
}

static void
put_records(struct archive_out *a)
{
	if (!eio_buf_failed(&a->block))
		put_block(
			a, checksum_of(a->key, a->blocks, eio_bytes(a->block.p + BLOCK_HEAD, a->block.n - BLOCK_HEAD)));
	a->failed |= eio_buf_failed(&a->block);
}

void
archive_begin(struct archive_out *a, const uint64_t key[2], bool (*put)(void *user, struct eio_bytes bytes), void *user)
{
	char head[HEAD];

	*a = (struct archive_out){ .put = put, .user = user, .key = { key[0], key[1] } };
	memcpy(head, name, sizeof name);
	write_fixed(head + 8, ARCHIVE_VERSION, 4);
	write_fixed(head + 12, key[0], 8);
	write_fixed(head + 20, key[1], 8);
	put_archived(a, eio_bytes(head, sizeof head));
	begin_block(a);
}

void
archive_number(struct archive_out *a, uint64_t v)
{
	char text[10];
	size_t n = 0;

	for (; v > 0x7f; v >>= 7) text[n++] = (char)(0x80 | (v & 0x7f));
	text[n++] = (char)v;
	eio_buf_append(&a->block, text, n);
}

void
archive_text(struct archive_out *a, struct eio_bytes s)
{
	archive_number(a, s.n);
	eio_buf_add(&a->block, s);
}

void
archive_end_record(struct archive_out *a)
{
	if (a->failed)
		eio_buf_clear(&a->block);
	else if (a->block.n - BLOCK_HEAD >= BLOCK_BYTES || eio_buf_failed(&a->block))
		put_records(a);
}

void
archive_fail(struct archive_out *a)
{
	a->failed = true;
}

bool
archive_end(struct archive_out *a)
{
	if (!a->failed && a->block.n > BLOCK_HEAD) put_records(a);
	if (!a->failed) put_block(a, checksum_of_end(a->key, a->blocks, a->bytes));
	eio_buf_deinit(&a->block);
	return !a->failed;
}

/* Reading */

const char *
archive_fault_text(enum archive_fault fault)
{
	switch (fault) {
	case ARCHIVE_GOOD: return "good";
	case ARCHIVE_FOREIGN: return "it is something else";
	case ARCHIVE_VERSION_DIFFERS: return "it is of another version";
	case ARCHIVE_CUT: return "its end is missing";
	case ARCHIVE_DAMAGED: break;
	}
	return "it is damaged";
}

/* Takes the next block off *rest. False when it is cut. */
static bool
take_block(struct eio_bytes *rest, struct eio_bytes *records, uint64_t *checksum)
{
	uint64_t n;

	if (rest->n < BLOCK_HEAD) return false;
	n = read_fixed(rest->p, 8);
	if (n > rest->n - BLOCK_HEAD) return false;
	*checksum = read_fixed(rest->p + 8, 8);
	*records = eio_bytes(rest->p + BLOCK_HEAD, (size_t)n);
	*rest = eio_bytes(records->p + n, rest->n - BLOCK_HEAD - (size_t)n);
	return true;
}

enum archive_fault
archive_check(struct eio_bytes all)
{
	struct eio_bytes rest, records;
	uint64_t key[2], checksum, blocks = 0, before;

	if (all.n < sizeof name || memcmp(all.p, name, sizeof name)) return ARCHIVE_FOREIGN;
	if (all.n < HEAD) return ARCHIVE_CUT;
	if (read_fixed(all.p + 8, 4) != ARCHIVE_VERSION) return ARCHIVE_VERSION_DIFFERS;
	key[0] = read_fixed(all.p + 12, 8);
	key[1] = read_fixed(all.p + 20, 8);
	rest = eio_bytes(all.p + HEAD, all.n - HEAD);
	for (;; blocks++) {
		before = all.n - rest.n;
		if (!take_block(&rest, &records, &checksum)) return ARCHIVE_CUT;
		if (records.n == 0) break;
		if (checksum != checksum_of(key, blocks, records)) return ARCHIVE_DAMAGED;
	}
	return rest.n == 0 && checksum == checksum_of_end(key, blocks, before) ? ARCHIVE_GOOD : ARCHIVE_DAMAGED;
}

struct archive_in
archive_open(struct eio_bytes all)
{
	CHECK(all.n >= HEAD);
	return (struct archive_in){ .rest = eio_bytes(all.p + HEAD, all.n - HEAD) };
}

struct archive_in
archive_open_block(struct eio_bytes records)
{
	return (struct archive_in){ .block = records };
}

bool
archive_next(struct archive_in *a)
{
	uint64_t checksum;

	if (a->bad) return false;
	if (a->block.n) return true;
	return a->rest.n && take_block(&a->rest, &a->block, &checksum) && a->block.n;
}

uint64_t
archive_take_number(struct archive_in *a)
{
	uint64_t v = 0, bits;

	for (unsigned i = 0; i < 10 && i < a->block.n && !a->bad; i++) {
		bits = (unsigned char)a->block.p[i];
		if (i == 9 && bits > 1) break;
		v |= (bits & 0x7f) << 7 * i;
		if (bits & 0x80) continue;
		a->block = eio_bytes(a->block.p + i + 1, a->block.n - i - 1);
		return v;
	}
	a->bad = true;
	return 0;
}

struct eio_bytes
archive_take_text(struct archive_in *a)
{
	uint64_t n = archive_take_number(a);
	struct eio_bytes text = eio_bytes(NULL, 0);

	if (n > a->block.n) a->bad = true;
	if (a->bad) return text;
	text = eio_bytes(a->block.p, (size_t)n);
	a->block = eio_bytes(a->block.p + n, a->block.n - (size_t)n);
	return text;
}

/* SPDX-License-Identifier: MIT */
/*
 * What outlives a process: records, one behind the other, in a form that tells whether it is whole. No I/O.
 *
 *     head   "siocast", the version, a key of random bytes
 *     block  length and checksum, and so many bytes of records; each checksum is under the key and the block's number
 *     …
 *     end    a block of no records, whose checksum is of how much there was
 *
 * A record is numbers (7 bits in a byte, the lowest first) and texts (a length, and the bytes). It lies within one
 * block, and says itself where it ends: whoever reads it has to know what was written.
 *
 * Threads: one at a time.
 */
#ifndef SRC_BASE_ARCHIVE_H
#define SRC_BASE_ARCHIVE_H

#include "eio/buf.h"

#define ARCHIVE_VERSION 1 /* of the form above, and of all records in it */

/* Writing. The fields are private, but for bytes. */
struct archive_out {
	bool (*put)(void *user, struct eio_bytes bytes); /* false: it failed, and is not called any more */
	void *user;
	uint64_t key[2];
	struct eio_buf block; /* that is being filled, behind room for its head */
	uint64_t blocks, bytes; /* put so far */
	bool failed;
};

/* Begins; put gets what is written, in pieces of a megabyte or of a record. key: 16 random bytes. */
void archive_begin(
	struct archive_out *a, const uint64_t key[2], bool (*put)(void *user, struct eio_bytes bytes), void *user);

/* Appends to the record at hand. */
void archive_number(struct archive_out *a, uint64_t v);
void archive_text(struct archive_out *a, struct eio_bytes s);

/* The record is complete. */
void archive_end_record(struct archive_out *a);

/* What is written cannot be completed: archive_end() will say so. */
void archive_fail(struct archive_out *a);

/* Ends it and frees what it has. False when something has failed, as put or memory: what was put is no archive. */
bool archive_end(struct archive_out *a);

enum archive_fault {
	ARCHIVE_GOOD,
	ARCHIVE_FOREIGN, /* it is something else */
	ARCHIVE_VERSION_DIFFERS,
	ARCHIVE_CUT, /* the end is missing */
	ARCHIVE_DAMAGED,
};

/* A few words. */
const char *archive_fault_text(enum archive_fault fault);

/* Whether all of it is there, as it was written. */
enum archive_fault archive_check(struct eio_bytes all);

/* Reading. */
struct archive_in {
	struct eio_bytes rest; /* blocks that are not looked at yet */
	struct eio_bytes block; /* what is left of the one at hand */
	bool bad; /* something was not there that was asked for: all later numbers are 0, texts empty */
};

/* Begins to read one that was checked; all is borrowed. */
struct archive_in archive_open(struct eio_bytes all);

/* The same for the records of one block. */
struct archive_in archive_open_block(struct eio_bytes records);

/* Whether there is another record, which begins there. */
bool archive_next(struct archive_in *a);

/* What is next in the record. */
uint64_t archive_take_number(struct archive_in *a);
struct eio_bytes archive_take_text(struct archive_in *a);

#endif

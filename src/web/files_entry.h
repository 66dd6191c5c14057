/* SPDX-License-Identifier: MIT */
/*
 * One file's content with its compressed forms and ready-made header lines, so
 * that an answer is two reference counts and no formatting. A form is made for
 * the first request that wants it, by the thread that has the request. For
 * src/files*.c.
 */
#ifndef SRC_WEB_FILES_ENTRY_H
#define SRC_WEB_FILES_ENTRY_H

#include "src/web/files.h"
#include "src/web/files_http.h"

#include <stdatomic.h>

enum { FILES_ETAG_MAX = 48 }; /* two quotes, 32 hex digits, "-gzip" */

/* How hard to compress: the level for gzip and the quality for brotli. Measured on the files of four client versions
 * (4.4 MB): good takes 50 ms per MB for both codings together, fast 21 ms for 8 % more bytes. One quality more than
 * good doubles its time for 1 %; brotli 11 would take twenty times as long for 10 %. */
enum { FILES_LEVEL_FAST = 4, FILES_LEVEL_GOOD = 6 };

/* What is to be said about some content. */
struct files_entry_kind {
	const char *type; /* a constant */
	const char *cache_control; /* a constant */
	/* What its entity tags are made of, at most 32 characters, copied; NULL: a hash of the content. */
	const char *tag;
	bool compressible;
	int level; /* how hard to compress it; unused where it is not compressible */
};

enum files_form { FILES_FORM_UNTRIED, FILES_FORM_BEING_MADE, FILES_FORM_USELESS, FILES_FORM_MADE };

struct files_variant {
	_Atomic enum files_form form; /* what follows is whose who makes it, and everybody's when it is made */
	struct eio_block *body;
	struct eio_block *headers; /* of the 200 */
	struct eio_block *headers_304;
	char etag[FILES_ETAG_MAX]; /* with quotes */
};

struct files_entry {
	const char *type; /* a constant */
	const char *cache_control; /* a constant */
	bool compressible;
	int level;
	char tag[33]; /* what the entity tags begin with */
	struct files_variant variants[FILES_CODING_COUNT];
};

/* Makes an entry of some content. It takes the caller's reference to body, also when it fails. 0 or -ENOMEM; after a
 * failure there is nothing to deinit. */
int files_entry_init(struct files_entry *e, struct eio_block *body, const struct files_entry_kind *kind);

void files_entry_deinit(struct files_entry *e);

/* Makes the form that a request with this Accept-Encoding likes best, if that was never tried; where it is not smaller,
 * that which it likes next. Any thread: what another one is making is not waited for. Blocks for the compression. */
void files_entry_prepare(struct files_entry *e, struct eio_bytes accept_encoding);

/* Answers a GET or HEAD with this content, in the form it likes best of those that are made: 200 or 304. Any thread. */
void files_entry_answer(const struct files_entry *e, const struct files_request *req, struct files_answer *out);

/* Bytes of all forms, for a cache's limit; while nobody prepares it. */
size_t files_entry_size(const struct files_entry *e);

/* Reads a file that is open, of a known size, into a block; when the file turns out shorter the block is, too.
 * NULL with errno set on failure. */
struct eio_block *files_read(int fd, size_t size);

#endif

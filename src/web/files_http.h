/* SPDX-License-Identifier: MIT */
/*
 * The pieces of HTTP that files need: what a path names, which content coding a
 * client prefers, whether it already has the content. Pure functions over a
 * peer's bytes; used by src/files*.c and their test.
 */
#ifndef SRC_WEB_FILES_HTTP_H
#define SRC_WEB_FILES_HTTP_H

#include "eio/bytes.h"

#include <stdbool.h>

/* Content codings, in the order they are preferred when the client likes them equally: the last one first. */
enum files_coding { FILES_IDENTITY, FILES_GZIP, FILES_BROTLI, FILES_CODING_COUNT };

enum {
	FILES_PATH_MAX = 1024, /* a decoded path; PATH_MAX is 4096, and nobody's page needs this much */
	FILES_NAME_MAX = 255, /* a part of it, as in every Linux filesystem */
};

/* A path that is safe to open below a folder. */
struct files_path {
	/* Decoded parts joined by single slashes, none at the ends, NUL at the end; may be empty. */
	char text[FILES_PATH_MAX + 1];
	size_t n;
	bool folder; /* the request ended with a slash */
};

/* Decodes the path of a request, without its query. False when it can name nothing of ours: no leading slash, bad or
 * double-meaning escapes (a slash, a backslash, control bytes), a part that starts with a dot, too long. */
bool files_path_parse(struct files_path *out, struct eio_bytes path);

/* Splits a request's path at the first '?'; *query begins with it, or is empty. */
struct eio_bytes files_path_split(struct eio_bytes path, struct eio_bytes *query);

/* The media type of a file by its name's extension, a constant; and whether that type is worth compressing. */
const char *files_type_of(struct eio_bytes name, bool *compressible);

/* How much the client wants each coding, in thousandths (RFC 9110 section 12.5.3); 0 is "not at all". */
void files_accept_parse(struct eio_bytes accept_encoding, int weight[FILES_CODING_COUNT]);

/* Whether an If-None-Match value names this entity tag, quotes included, by weak comparison (RFC 9110 section
 * 13.1.2). */
bool files_etag_listed(struct eio_bytes if_none_match, struct eio_bytes etag);

#endif

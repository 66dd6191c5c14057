/* SPDX-License-Identifier: MIT */
/* Asking the siocast that runs with a configuration, by its admin port. */
#ifndef SRC_TOOLS_ASK_H
#define SRC_TOOLS_ASK_H

#include "src/config/config.h"
#include "src/feed/audience.h"
#include "src/tools/fetch.h"

enum { ASK_TIMEOUT_MS = 5000 };

/* GET of a path of the admin port. 0, or -1 when there is no answer: out->why says it. For fetched_free(). */
int ask_admin(const struct config *c, const char *path, unsigned timeout_ms, struct fetched *out);

/* The number at a pointer of an answer in JSON; 0 when there is none. */
uint64_t ask_number(struct eio_bytes json, const char *pointer);

/* Who is there now. */
struct asked {
	size_t clients; /* of that siocast itself */
	/* It is a hub, and edges are there as well. Whether they have clients it does not know: where everyone in a
	 * namespace is meant they are there in any case. */
	bool edges;
};

/* Behind the number, for people. */
#define ASKED_EDGES " here, and those of edges"

/* The same for programs: appends ,"clients":N and, when that is so, ,"edges":true. */
void write_asked_json(const struct asked *there, struct eio_buf *out);

/* Asks about an audience; clients in several of its rooms are counted in each. NULL, or a constant sentence why that is
 * not known. */
const char *ask_rooms(const struct config *c, const struct audience *a, struct asked *out);

/* Writes the path of a question about a namespace, and about as many of n rooms in it as fit into `most` bytes, but at
 * least one where there are any. Returns how many. */
size_t ask_rooms_path(struct eio_bytes nsp, const struct eio_bytes *rooms, size_t n, size_t most, struct eio_buf *out);

#endif

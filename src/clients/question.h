/* SPDX-License-Identifier: MIT */
/* What a client says of itself: the token in its CONNECT or its request, and all of it as JSON for the application. */
#ifndef SRC_CLIENTS_QUESTION_H
#define SRC_CLIENTS_QUESTION_H

#include "src/auth/asks.h"
#include "src/clients/client.h"

/* Adds what is to be kept of a client's request for it. 0, or -1 when out of memory. */
int question_needs(struct handlers_needs *needs, const struct auth_spec *spec);

/* A client that asks for a namespace. */
struct question_of {
	const struct client *client;
	struct eio_bytes nsp, auth, query; /* of its CONNECT */
};

/* Appends the token from the first of the places where there is one. Whether out ran out of memory is for the caller to
 * check. */
void question_token(const struct question_of *q, const struct auth_jwt_spec *spec, struct eio_buf *out);

/* Appends {"type":"connect","nsp":…,"auth":{…},"query":{…},"headers":{…},"address":… without a closing brace: what
 * clients that send the same have in common. Of the query without the parameters of Engine.IO. As above. */
void question_connect(const struct question_of *q, const struct auth_hook_spec *spec, struct eio_buf *out);

/* A socket that asks for a room. */
struct question_of_join {
	struct question_of of;
	struct eio_bytes room;
	struct eio_bytes args; /* of its event: raw JSON with commas between them */
	struct eio_bytes claims; /* a JSON object, or empty */
	struct eio_bytes sid;
};

/* Whether the application is asked about that room. */
bool question_covers(const struct auth_hook_spec *spec, struct eio_bytes room);

/* Makes the question of it, in out, which it points to. As above. */
void question_join(const struct question_of_join *q, const struct auth_hook_spec *spec, struct eio_buf *out,
	struct auth_question *question);

#endif

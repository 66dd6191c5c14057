/* SPDX-License-Identifier: MIT */
/*
 * Asking the application while a handler runs: about an event, or whether a socket may be in a room. What is asked lies
 * in the socket's hold; when the answer is there, go_on() of struct clients is called with the socket.
 */
#ifndef SRC_CLIENTS_ASKING_H
#define SRC_CLIENTS_ASKING_H

#include "src/clients/client.h"

/* Call number i of the handlers of the socket's namespace. Takes over the text. Whether there will be an answer: then
 * asking_outcome() has it. */
bool asking_call(struct sio_socket *s, size_t i, struct eio_buf *json);

/* The same where nobody waits. */
void asking_tell(struct sio_socket *s, size_t i, struct eio_buf *json);

/* Whether a join that the client has a say in is the application's to allow. */
bool asking_is_about(const struct sio_socket *s, struct eio_bytes room);

/* Asks about such a join, and does it when the answer is known already. OUT: as in struct handlers_ops. */
enum handlers_joined asking_join(struct sio_socket *s, const struct handlers_join *join, struct handlers_refusal *why);

/* What was answered: valid during go_on(), and only until something else is asked. */
struct handlers_outcome asking_outcome(const struct sio_socket *s);

/* The socket goes, or is not to be told: what it asked is forgotten, and all that it holds. */
void asking_forget(struct sio_socket *s);

#endif

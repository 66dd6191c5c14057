/* SPDX-License-Identifier: MIT */
/*
 * The dialect of classic Pub/Sub: adapters 0.1 to 8, emitters 0.x to 5, and PHP's. With the key K and a namespace N:
 *
 *     K#emitter, K#<uid>          [packet, opts]          version 0, and PHP's emitter
 *     K#N#                        [uid, packet, opts]     for none or several rooms
 *     K#N#<room>#                 the same for one room; of version 1 and some of 2 one for each of several
 *     K-request#N#                requests between servers, JSON or MessagePack
 *
 * Pure functions.
 */
#ifndef SRC_ADAPTER_CLASSIC_H
#define SRC_ADAPTER_CLASSIC_H

#include "src/adapter/message.h"

/* Reads what was published on a channel, one of the above. Bytes of m->nsp may lie in the channel. */
enum adapter_result adapter_classic_read(
	struct eio_bytes key, struct eio_bytes channel, struct eio_bytes payload, struct adapter_message *m);

/* Appends the patterns by which Redis finds these channels: the glob characters of a key stand for themselves. */
void adapter_classic_pattern(const char *key, bool requests, struct eio_buf *out);

#endif

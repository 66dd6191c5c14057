/* SPDX-License-Identifier: MIT */
/*
 * The messages of socket.io-adapter's ClusterAdapter, in which two dialects speak. With the key K and a namespace N:
 *
 *     sharded   SPUBLISH K#N#, or K#N#<room>#       {type, data, uid, nsp}, JSON, or MessagePack with binary
 *     streams   XADD K * uid … nsp N type … data …  data: JSON, or base64 of MessagePack with binary
 *               PUBLISH K#N#                        what asks for an answer, MessagePack
 *
 * Answers go to K#N#<uid>#. Pure functions.
 */
#ifndef SRC_ADAPTER_CLUSTER_H
#define SRC_ADAPTER_CLUSTER_H

#include "src/adapter/message.h"

/* Reads what was published on a channel. Bytes of m->nsp may lie in the channel. */
enum adapter_result adapter_cluster_read(
	struct eio_bytes key, struct eio_bytes channel, struct eio_bytes payload, struct adapter_message *m);

/* The fields of an entry that matter; p NULL: it has none of that. */
struct adapter_entry {
	struct eio_bytes uid, nsp, type, data;
};

/* Reads an entry. One that is of something else is nothing. */
enum adapter_result adapter_entry_read(const struct adapter_entry *e, struct adapter_message *m);

#endif

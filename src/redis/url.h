/* SPDX-License-Identifier: MIT */
/*
 * Where a Redis server is:
 *     redis://[[user][:password]@]host[:port][/db]      also [v6::addr]
 *     rediss://…    the same with TLS
 *     unix:///path/to.sock[?db=N]   or   redis+unix://[[user][:password]@]/path/to.sock[?db=N]
 *     host[:port]
 * User and password are percent-decoded.
 */
#ifndef SRC_REDIS_URL_H
#define SRC_REDIS_URL_H

#include "src/redis/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct redis_url {
	char *host; /* without brackets; NULL when path is set */
	char *path; /* of a unix socket, or NULL */
	char *user; /* or NULL */
	char *password; /* or NULL: no AUTH */
	unsigned port; /* 0: of a master that sentinels know, or of a Cluster */
	bool has_port; /* it was said, and not the usual one taken */
	unsigned db; /* 0: no SELECT */
	bool is_tls; /* rediss:// */
	struct redis_tls_context *tls; /* owned: it is set by whoever knows whom to trust, for such a server only */
	uint64_t trust; /* a hash of what the context was made of: of files and names; 0 without TLS */
	char *name; /* the address without secrets, for logs and /stats */
	bool is_named; /* its certificate is for a name that was given, and not for its host */
	struct redis_url *guides; /* owned: who knows where it is: sentinels, by the name that is its host; or NULL */
	size_t n_guides;
	bool is_cluster; /* a Redis Cluster, whose guides are nodes of it; without guides, one of its nodes */
};

/* Reads text into *u, which then owns its strings. 0, or -1 with the reason in err; *u is then empty. The
 * reason never quotes the text, which may hold a password. */
int redis_url_parse(struct redis_url *u, const char *text, char *err, size_t err_size);

/* The same with a password that is known from elsewhere, of which it keeps a copy: the text has none then, and may name
 * a user alone. NULL: none. */
int redis_url_parse_with(struct redis_url *u, const char *text, const char *password, char *err, size_t err_size);

/* It is where these say, each of them an address: its host is the name of a master then. Their ports are 26379 where
 * there is none. 0, or -1 with the reason in err; then *which is the number of the one that is wrong, or n where it is
 * the address of the master. */
int redis_url_add_sentinels(struct redis_url *u, const char *const *texts, size_t n, const char *password,
	size_t *which, char *err, size_t err_size);

/* A Redis Cluster, of which these are nodes: any of them leads to all the others. They have the same user and password,
 * which may be known from elsewhere, and all of them TLS or none. 0, or -1 with the reason in err, for the one of
 * number *which; *u is then empty. */
int redis_url_cluster(struct redis_url *u, const char *const *texts, size_t n, const char *password, size_t *which,
	char *err, size_t err_size);

/* Another node of a Cluster, at an address that it says itself; host is copied. 0, or -1 when out of memory. */
int redis_url_node(const struct redis_url *cluster, const char *host, unsigned port, struct redis_url *out);

/* Whether both lead to the same database at the same address, in the same way; and whether who connects says and
 * believes the same there: user, password, certificates. */
bool redis_url_is_same_place(const struct redis_url *a, const struct redis_url *b);
bool redis_url_has_same_secrets(const struct redis_url *a, const struct redis_url *b);

/* A copy of all of it, for redis_url_deinit(); the context as a reference. 0, or -1 when out of memory: *out is empty
 * then. */
int redis_url_copy(const struct redis_url *u, struct redis_url *out);

/* Exchanges between both what belongs to connecting: user, password, the context and trust, and the guides. */
void redis_url_swap_secrets(struct redis_url *a, struct redis_url *b);

/* Frees the strings and the context; the password is wiped first. */
void redis_url_deinit(struct redis_url *u);

#endif

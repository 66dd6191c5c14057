/* SPDX-License-Identifier: MIT */
/* Reading the address of a Redis server. */
#include "src/redis/url.h"

#include "eio/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_PORT = 6379, SENTINEL_PORT = 26379, MAX_DB = 65535 };

static int
url_fail(char *err, size_t err_size, const char *why)
{
	snprintf(err, err_size, "%s", why);
	return -1;
}

/* A copy of p[0 … n-1] with %HH decoded. Returns -1 for a bad or a NUL escape, -2 when out of memory. */
static int
url_decode(const char *p, size_t n, char **out)
{
	char *s = malloc(n + 1);
	size_t k = 0;

	if (!s) return -2;
	for (size_t i = 0; i < n; i++) {
		int high, low;

		if (p[i] != '%') {
			s[k++] = p[i];
			continue;
		}
		high = i + 2 < n ? eio_hex_value(p[i + 1]) : -1;
		low = high >= 0 ? eio_hex_value(p[i + 2]) : -1;
		if (low < 0 || high * 16 + low == 0) {
			free(s);
			return -1;
		}
		s[k++] = (char)(high * 16 + low);
		i += 2;
	}
	s[k] = '\0';
	*out = s;
	return 0;
}

/* Digits only, min … max, the whole text. */
static int
parse_number(const char *p, size_t n, unsigned min, unsigned max, unsigned *out)
{
	unsigned v = 0;

	if (n == 0 || n > 6) return -1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9') return -1;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	if (v < min || v > max) return -1;
	*out = v;
	return 0;
}

/* "user:password", ":password", "user" or "". A lone word is a user in the URL standard, and so it is here. */
static int
parse_userinfo(struct redis_url *u, const char *p, size_t n, char *err, size_t err_size)
{
	const char *colon = memchr(p, ':', n);
	size_t user_n = colon ? (size_t)(colon - p) : n;
	int e = 0;

	if (user_n) e = url_decode(p, user_n, &u->user);
	if (!e && colon && user_n + 1 < n) e = url_decode(colon + 1, n - user_n - 1, &u->password);
	if (e) return url_fail(err, err_size, e == -2 ? "out of memory" : "a bad % escape in user or password");
	return 0;
}

static int
set_password(struct redis_url *u, const char *password, char *err, size_t err_size)
{
	if (u->password && password) return url_fail(err, err_size, "a password here, and another one in a file");
	if (password) {
		u->password = strdup(password);
		if (!u->password) return url_fail(err, err_size, "out of memory");
	}
	if (u->user && !u->password)
		return url_fail(err, err_size, "a user without a password; write user:password@ or :password@");
	return 0;
}

/* "host", "host:6379", "[::1]", "[::1]:6379". */
static int
parse_host(struct redis_url *u, const char *p, size_t n, char *err, size_t err_size)
{
	const char *host = p, *end = p + n, *rest;
	size_t host_n;

	if (n && *p == '[') {
		rest = memchr(p, ']', n);
		if (!rest) return url_fail(err, err_size, "a '[' without ']'");
		host++;
		host_n = (size_t)(rest - host);
		rest++;
	} else {
		rest = memchr(p, ':', n);
		if (!rest) rest = end;
		host_n = (size_t)(rest - p);
	}
	if (host_n == 0) return url_fail(err, err_size, "no host");
	u->has_port = rest < end;
	if (rest < end && (*rest != ':' || parse_number(rest + 1, (size_t)(end - rest) - 1, 1, 65535, &u->port) < 0))
		return url_fail(err, err_size, "the port is not a number from 1 to 65535");
	u->host = strndup(host, host_n);
	return u->host ? 0 : url_fail(err, err_size, "out of memory");
}

static int
parse_db(struct redis_url *u, const char *p, size_t n, char *err, size_t err_size)
{
	if (n && parse_number(p, n, 0, MAX_DB, &u->db) < 0)
		return url_fail(err, err_size, "the database is not a number from 0 to 65535");
	return 0;
}

/* redis://[userinfo@]host[:port][/db]; text is what follows the scheme. */
static int
parse_tcp(struct redis_url *u, const char *text, char *err, size_t err_size)
{
	size_t authority_n = strcspn(text, "/?#");
	const char *path = text + authority_n, *at = memrchr(text, '@', authority_n);

	if (*path == '?' || *path == '#' || strpbrk(path, "?#"))
		return url_fail(err, err_size, "a '?' or '#' has no meaning here");
	if (at) {
		if (parse_userinfo(u, text, (size_t)(at - text), err, err_size) < 0) return -1;
		authority_n -= (size_t)(at - text) + 1;
		text = at + 1;
	}
	if (parse_host(u, text, authority_n, err, err_size) < 0) return -1;
	return *path ? parse_db(u, path + 1, strlen(path + 1), err, err_size) : 0;
}

/* unix://[userinfo@]/path[?db=N]; text is what follows the scheme. */
static int
parse_unix(struct redis_url *u, const char *text, char *err, size_t err_size)
{
	const char *slash = strchr(text, '/'), *query;
	int e;

	if (!slash) return url_fail(err, err_size, "the path of a unix socket starts with '/'");
	if (slash > text) {
		if (slash[-1] != '@') return url_fail(err, err_size, "a unix socket has no host; write unix:///path");
		if (parse_userinfo(u, text, (size_t)(slash - text) - 1, err, err_size) < 0) return -1;
	}
	query = strchr(slash, '?');
	if (query && strncmp(query, "?db=", 4) != 0) return url_fail(err, err_size, "only ?db=N may follow the path");
	e = url_decode(slash, query ? (size_t)(query - slash) : strlen(slash), &u->path);
	if (e) return url_fail(err, err_size, e == -2 ? "out of memory" : "a bad % escape in the path");
	return query ? parse_db(u, query + 4, strlen(query + 4), err, err_size) : 0;
}

/* "host:port/db" as people know it, with brackets when the host needs them. */
static int
set_name(struct redis_url *u, char *err, size_t err_size)
{
	char db[16] = "";
	bool v6 = u->host && strchr(u->host, ':');
	char port[16] = "";
	int n;

	if (u->db) snprintf(db, sizeof db, "/%u", u->db);
	if (u->port) snprintf(port, sizeof port, ":%u", u->port);
	if (u->path)
		n = asprintf(&u->name, "unix:%s%s%s", u->path, u->db ? "#" : "", db + (u->db ? 1 : 0));
	else
		n = asprintf(&u->name, "%s%s%s%s%s", v6 ? "[" : "", u->host, v6 ? "]" : "", port, db);
	if (n >= 0) return 0;
	u->name = NULL; /* asprintf leaves it undefined */
	return url_fail(err, err_size, "out of memory");
}

int
redis_url_parse(struct redis_url *u, const char *text, char *err, size_t err_size)
{
	return redis_url_parse_with(u, text, NULL, err, err_size);
}

static int
parse_with_port(struct redis_url *u, const char *text, const char *password, unsigned port, char *err, size_t err_size)
{
	int e;

	*u = (struct redis_url){ 0 };
	if (strncmp(text, "redis://", 8) == 0)
		e = parse_tcp(u, text + 8, err, err_size);
	else if (strncmp(text, "unix://", 7) == 0)
		e = parse_unix(u, text + 7, err, err_size);
	else if (strncmp(text, "redis+unix://", 13) == 0)
		e = parse_unix(u, text + 13, err, err_size);
	else if (strncmp(text, "rediss://", 9) == 0)
		u->is_tls = true, e = parse_tcp(u, text + 9, err, err_size);
	else if (strstr(text, "://"))
		e = url_fail(err, err_size, "unknown scheme; there are redis://, rediss:// and unix://");
	else
		e = parse_tcp(u, text, err, err_size);
	if (!e) e = set_password(u, password, err, err_size);
	if (u->host && !u->has_port) u->port = port;
	if (!e) e = set_name(u, err, err_size);
	if (e) redis_url_deinit(u);
	return e;
}

int
redis_url_parse_with(struct redis_url *u, const char *text, const char *password, char *err, size_t err_size)
{
	return parse_with_port(u, text, password, DEFAULT_PORT, err, err_size);
}

/* Its host is a name from now on. */
static int
become_master_name(struct redis_url *u, char *err, size_t err_size)
{
	if (u->path || u->has_port)
		return url_fail(
			err, err_size, "with sentinels it is redis://NAME, the name of a master, without a port");
	u->port = 0;
	free(u->name);
	return set_name(u, err, err_size);
}

int
redis_url_add_sentinels(struct redis_url *u, const char *const *texts, size_t n, const char *password, size_t *which,
	char *err, size_t err_size)
{
	*which = n;
	if (become_master_name(u, err, err_size) < 0) return -1;
	u->guides = calloc(n, sizeof *u->guides);
	if (!u->guides) return url_fail(err, err_size, "out of memory");
	for (; u->n_guides < n; u->n_guides++) {
		struct redis_url *s = &u->guides[u->n_guides];

		*which = u->n_guides;
		if (parse_with_port(s, texts[*which], password, SENTINEL_PORT, err, err_size) < 0) return -1;
		if (s->db) {
			redis_url_deinit(s);
			return url_fail(err, err_size, "a sentinel has no databases");
		}
	}
	return 0;
}

/* Clusters */

static bool
is_same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int
copy_server_secrets(const struct redis_url *u, struct redis_url *out)
{
	*out = (struct redis_url){
		.user = u->user ? strdup(u->user) : NULL,
		.password = u->password ? strdup(u->password) : NULL,
		.tls = u->tls ? redis_tls_context_ref(u->tls) : NULL,
		.trust = u->trust,
	};
	if (!out->user == !u->user && !out->password == !u->password) return 0;
	redis_url_deinit(out);
	return -1;
}

/* False when out of memory. */
static bool
copy_string(const char *text, char **out)
{
	*out = text ? strdup(text) : NULL;
	return !text || *out;
}

/* A node that was named, behind others. NULL, or what is wrong with it. */
static const char *
check_node(const struct redis_url *u, const struct redis_url *node)
{
	const struct redis_url *first = &u->guides[0];

	if (node->path) return "the nodes of a Cluster know each other by TCP, not by unix sockets";
	if (node->db) return "a Redis Cluster has database 0 only";
	if (node->is_tls != first->is_tls) return "all nodes have TLS (rediss://), or none has";
	if (!is_same_string(node->user, first->user) || !is_same_string(node->password, first->password))
		return "another user or password than the first node has: they are the same at all nodes";
	return NULL;
}

static int
add_nodes(struct redis_url *u, const char *const *texts, size_t n, const char *password, size_t *which, char *err,
	size_t err_size)
{
	const char *why;

	u->guides = calloc(n, sizeof *u->guides);
	if (!u->guides) return url_fail(err, err_size, "out of memory");
	for (*which = 0; *which < n; ++*which) {
		if (parse_with_port(&u->guides[*which], texts[*which], password, DEFAULT_PORT, err, err_size) < 0)
			return -1;
		u->n_guides++;
		u->guides[*which].is_cluster = true;
		why = check_node(u, &u->guides[*which]);
		if (why) return url_fail(err, err_size, why);
	}
	return 0;
}

int
redis_url_cluster(struct redis_url *u, const char *const *texts, size_t n, const char *password, size_t *which,
	char *err, size_t err_size)
{
	const struct redis_url *first;

	*u = (struct redis_url){ .is_cluster = true };
	if (add_nodes(u, texts, n, password, which, err, err_size) < 0) goto fail;
	first = &u->guides[0];
	u->host = strdup("cluster");
	if (asprintf(&u->name, "cluster@%s", first->name) < 0) u->name = NULL; /* asprintf leaves it undefined */
	if (u->host && u->name && copy_string(first->user, &u->user) && copy_string(first->password, &u->password))
		return 0;
	url_fail(err, err_size, "out of memory");
fail:
	redis_url_deinit(u);
	return -1;
}

int
redis_url_node(const struct redis_url *cluster, const char *host, unsigned port, struct redis_url *out)
{
	const struct redis_url *like = &cluster->guides[0];
	char err[32];

	if (copy_server_secrets(like, out) < 0) return -1;
	out->host = strdup(host);
	out->port = port;
	out->has_port = out->is_cluster = true;
	out->is_tls = like->is_tls;
	out->is_named = like->is_named;
	if (like->tls && !like->is_named) {
		redis_tls_context_free(out->tls);
		out->tls = redis_tls_context_new(host, like->tls);
	}
	if (out->host && (out->tls || !like->tls) && set_name(out, err, sizeof err) == 0) return 0;
	redis_url_deinit(out);
	return -1;
}

/* Another one */

static bool
is_same_server_place(const struct redis_url *a, const struct redis_url *b)
{
	return is_same_string(a->host, b->host) && is_same_string(a->path, b->path) && a->port == b->port &&
	       a->db == b->db && a->is_tls == b->is_tls;
}

static bool
has_same_server_secrets(const struct redis_url *a, const struct redis_url *b)
{
	return is_same_string(a->user, b->user) && is_same_string(a->password, b->password) && a->trust == b->trust;
}

bool
redis_url_is_same_place(const struct redis_url *a, const struct redis_url *b)
{
	if (!is_same_server_place(a, b) || a->is_cluster != b->is_cluster || a->n_guides != b->n_guides) return false;
	for (size_t i = 0; i < a->n_guides; i++)
		if (!is_same_server_place(&a->guides[i], &b->guides[i])) return false;
	return true;
}

bool
redis_url_has_same_secrets(const struct redis_url *a, const struct redis_url *b)
{
	if (!has_same_server_secrets(a, b) || a->n_guides != b->n_guides) return false;
	for (size_t i = 0; i < a->n_guides; i++)
		if (!has_same_server_secrets(&a->guides[i], &b->guides[i])) return false;
	return true;
}

static int
copy_server(const struct redis_url *u, struct redis_url *out)
{
	if (copy_server_secrets(u, out) < 0) return -1;
	out->port = u->port;
	out->db = u->db;
	out->is_tls = u->is_tls;
	out->is_named = u->is_named;
	out->is_cluster = u->is_cluster;
	if (copy_string(u->host, &out->host) && copy_string(u->path, &out->path) && copy_string(u->name, &out->name))
		return 0;
	redis_url_deinit(out);
	return -1;
}

int
redis_url_copy(const struct redis_url *u, struct redis_url *out)
{
	if (copy_server(u, out) < 0) return -1;
	if (!u->n_guides) return 0;
	out->guides = calloc(u->n_guides, sizeof *out->guides);
	for (; out->guides && out->n_guides < u->n_guides; out->n_guides++)
		if (copy_server(&u->guides[out->n_guides], &out->guides[out->n_guides]) < 0) break;
	if (out->n_guides == u->n_guides) return 0;
	redis_url_deinit(out);
	return -1;
}

void
redis_url_swap_secrets(struct redis_url *a, struct redis_url *b)
{
	const struct redis_url kept = *a;

	a->user = b->user, b->user = kept.user;
	a->password = b->password, b->password = kept.password;
	a->tls = b->tls, b->tls = kept.tls;
	a->trust = b->trust, b->trust = kept.trust;
	a->guides = b->guides, b->guides = kept.guides; /* at the same addresses */
}

static void
deinit_server(struct redis_url *u)
{
	if (u->password) explicit_bzero(u->password, strlen(u->password));
	free(u->password);
	free(u->user);
	free(u->host);
	free(u->path);
	free(u->name);
	redis_tls_context_free(u->tls);
}

void
redis_url_deinit(struct redis_url *u)
{
	deinit_server(u);
	for (size_t i = 0; i < u->n_guides; i++) deinit_server(&u->guides[i]);
	free(u->guides);
	*u = (struct redis_url){ 0 };
}

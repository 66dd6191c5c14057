/* SPDX-License-Identifier: MIT */
/* Listening sockets from addresses as the configuration writes them. */
#include "eio/net/httpd.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 }; /* the kernel cuts it to net.core.somaxconn */

static int
bind_and_listen(int fd, const struct sockaddr *sa, socklen_t len)
{
	int err = 0;

	if (bind(fd, sa, len) || listen(fd, BACKLOG)) err = -errno;
	if (!err) return fd;
	close(fd);
	return err;
}

/* A socket file that nobody listens on any more is left from a crash and is in the way. */
static void
remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd;

	if (lstat(sa->sun_path, &st) || !S_ISSOCK(st.st_mode)) return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return;
	if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) && errno == ECONNREFUSED) unlink(sa->sun_path);
	close(fd);
}

static int
listen_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (!*path || strlen(path) >= sizeof sa.sun_path) return -EINVAL;
	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", path);
	remove_stale(&sa);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? -errno : bind_and_listen(fd, (const struct sockaddr *)&sa, sizeof sa);
}

/* Cuts "host:port" or "[host]:port"; host may be empty for every address. */
static int
split_listen_address(const char *address, char *host, size_t host_n, const char **port)
{
	const char *colon = strrchr(address, ':'), *from = address;
	size_t n;

	if (!colon || !colon[1]) return -EINVAL;
	n = (size_t)(colon - address);
	if (n >= 2 && from[0] == '[' && from[n - 1] == ']') {
		from++;
		n -= 2;
	}
	if (n >= host_n) return -EINVAL;
	memcpy(host, from, n);
	host[n] = '\0';
	*port = colon + 1;
	return 0;
}

static int
listen_tcp(const struct addrinfo *ai, bool shared)
{
	int on = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0) return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (shared) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (ai->ai_family == AF_INET6) {
		/* "[::]:3000" serves IPv4 as well, as it does in Node. */
		int off = 0;

		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	}
	return bind_and_listen(fd, ai->ai_addr, ai->ai_addrlen);
}

static int
listen_any(const char *address, bool shared)
{
	static const char unix_prefix[] = "unix:";
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	char host[256];
	const char *port;
	int fd;

	if (strncmp(address, unix_prefix, sizeof unix_prefix - 1) == 0)
		return listen_unix(address + sizeof unix_prefix - 1);
	if (split_listen_address(address, host, sizeof host, &port)) return -EINVAL;
	if (getaddrinfo(*host ? host : NULL, port, &hints, &ai)) return -EINVAL;
	fd = listen_tcp(ai, shared);
	freeaddrinfo(ai);
	return fd;
}

int
eio_listen(const char *address)
{
	return listen_any(address, true);
}

int
eio_listen_check(const char *address)
{
	int fd = strncmp(address, "unix:", 5) == 0 ? 0 : listen_any(address, false);

	if (fd > 0) close(fd);
	return fd < 0 ? fd : 0;
}

bool
eio_listen_is_open(int fd)
{
	int listens = 0, type = 0;
	socklen_t n = sizeof listens;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) || !listens) return false;
	n = sizeof type;
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

static bool
is_same_sockaddr(const struct sockaddr_storage *a, const struct sockaddr *b)
{
	const struct sockaddr_in *a4 = (const struct sockaddr_in *)a, *b4 = (const struct sockaddr_in *)b;
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a, *b6 = (const struct sockaddr_in6 *)b;

	if (a->ss_family != b->sa_family) return false;
	if (b->sa_family == AF_INET) return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return b->sa_family == AF_INET6 && a6->sin6_port == b6->sin6_port &&
	       memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof a6->sin6_addr) == 0;
}

bool
eio_listen_is_at(int fd, const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	socklen_t n = sizeof ss;
	char host[256];
	const char *port;
	bool same;

	if (!eio_listen_is_open(fd) || getsockname(fd, (struct sockaddr *)&ss, &n)) return false;
	if (strncmp(address, "unix:", 5) == 0)
		return ss.ss_family == AF_UNIX && strncmp(((struct sockaddr_un *)&ss)->sun_path, address + 5,
							  sizeof(((struct sockaddr_un *)&ss)->sun_path)) == 0;
	if (split_listen_address(address, host, sizeof host, &port)) return false;
	if (getaddrinfo(*host ? host : NULL, port, &hints, &ai)) return false;
	same = is_same_sockaddr(&ss, ai->ai_addr);
	freeaddrinfo(ai);
	return same;
}

/* A port, with an address as IPv6 has it: IPv4's is mapped, and every address is all zero in either. */
static struct sockaddr_in6
as_ipv6(const struct sockaddr *a)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_UNSPEC };

	if (a->sa_family == AF_INET6) memcpy(&v6, a, sizeof v6);
	if (a->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;

		v6.sin6_family = AF_INET6;
		v6.sin6_port = v4->sin_port;
		if (!v4->sin_addr.s_addr) return v6;
		memset(v6.sin6_addr.s6_addr + 10, 0xff, 2);
		memcpy(v6.sin6_addr.s6_addr + 12, &v4->sin_addr, 4);
	}
	return v6;
}

bool
eio_listen_overlaps(int fd, const char *address)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };
	struct sockaddr_in6 a, b;
	socklen_t n = sizeof ss;
	char host[256];
	const char *port;

	if (strncmp(address, "unix:", 5) == 0 || getsockname(fd, (struct sockaddr *)&ss, &n)) return false;
	if (split_listen_address(address, host, sizeof host, &port)) return false;
	if (getaddrinfo(*host ? host : NULL, port, &hints, &ai)) return false;
	a = as_ipv6((const struct sockaddr *)&ss);
	b = as_ipv6(ai->ai_addr);
	freeaddrinfo(ai);
	if (a.sin6_family != AF_INET6 || b.sin6_family != AF_INET6 || a.sin6_port != b.sin6_port) return false;
	return IN6_IS_ADDR_UNSPECIFIED(&a.sin6_addr) || IN6_IS_ADDR_UNSPECIFIED(&b.sin6_addr) ||
	       IN6_ARE_ADDR_EQUAL(&a.sin6_addr, &b.sin6_addr);
}

unsigned
eio_listen_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t n = sizeof ss;

	if (getsockname(fd, (struct sockaddr *)&ss, &n)) return 0;
	if (ss.ss_family == AF_INET) return ntohs(((struct sockaddr_in *)&ss)->sin_port);
	if (ss.ss_family == AF_INET6) return ntohs(((struct sockaddr_in6 *)&ss)->sin6_port);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* The names of the admin port. */
#include "src/admin/hosts.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool
is_name(struct eio_bytes host, const char *name)
{
	return host.n == strlen(name) && strncasecmp(host.p, name, host.n) == 0;
}

static bool
ends_in_name(struct eio_bytes host, struct eio_bytes end)
{
	return host.n > end.n && strncasecmp(host.p + host.n - end.n, end.p, end.n) == 0;
}

/* Cuts a port off, and the brackets of an IPv6 address. */
static struct eio_bytes
bare_host(struct eio_bytes host)
{
	const char *end;

	if (host.n && host.p[0] == '[') {
		end = memchr(host.p, ']', host.n);
		return end ? eio_bytes(host.p + 1, (size_t)(end - host.p) - 1) : eio_bytes("", 0);
	}
	end = memchr(host.p, ':', host.n);
	return end ? eio_bytes(host.p, (size_t)(end - host.p)) : host;
}

static bool
is_address(struct eio_bytes host)
{
	unsigned char address[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];

	if (host.n >= sizeof text) return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool
is_own_name(struct eio_bytes host)
{
	char name[HOST_NAME_MAX + 1] = "";

	return gethostname(name, sizeof name - 1) == 0 && *name && is_name(host, name);
}

bool
admin_host_known(struct eio_bytes host, const char *const *names, size_t n)
{
	if (host.n == 0) return true;
	host = bare_host(host);
	if (host.n == 0) return false;
	if (!memchr(host.p, '.', host.n) || is_address(host) || ends_in_name(host, EIO_LIT(".localhost"))) return true;
	for (size_t i = 0; i < n; i++)
		if (is_name(host, names[i])) return true;
	return is_own_name(host);
}

/* SPDX-License-Identifier: MIT */
/* URLs of questions. What a host, a port and a path may look like is for the HTTP client to say. */
#include "src/hook/spec.h"

#include "eio/bytes.h"
#include "src/hook/transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define HOOK_UNIX "http+unix://"

/* The bytes that %XX stand for, to out. False when it is none, or stands for NUL. */
static bool
decode_percent(struct eio_bytes in, char *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int value = (unsigned char)in.p[i];

		if (value == '%') {
			if (in.n - i < 3 || eio_hex_value(in.p[i + 1]) < 0 || eio_hex_value(in.p[i + 2]) < 0)
				return false;
			value = eio_hex_value(in.p[i + 1]) * 16 + eio_hex_value(in.p[i + 2]);
			i += 2;
		}
		if (value == 0) return false;
		*out++ = (char)value;
	}
	*out = '\0';
	return true;
}

/* http+unix://PATH/…: sets the path and the URL behind it. */
static int
set_unix(struct hook_spec *s, const char *url, const char **why)
{
	const char *path = url + sizeof HOOK_UNIX - 1;
	size_t n = strcspn(path, "/?");
	struct sockaddr_un sa;

	if (n == 0 || memchr(path, '%', n) != path) {
		*why = "the path of the socket must be absolute, with %2F for each slash: http+unix://%2Frun%2Fapp.sock/path";
		return -1;
	}
	s->socket_path = malloc(n + 1);
	if (!s->socket_path) return -1;
	if (!decode_percent(eio_bytes(path, n), s->socket_path) || s->socket_path[0] != '/') {
		*why = "the path of the socket is not a percent-encoded absolute path";
		return -1;
	}
	if (strlen(s->socket_path) >= sizeof sa.sun_path) {
		*why = "the path of the socket is too long for the system";
		return -1;
	}
	return asprintf(&s->url, "http://localhost%s%s", path[n] == '/' ? "" : "/", path + n) < 0 ? -1 : 0;
}

/* The URL without what only the peer may see. */
static char *
without_password(const char *url)
{
	const char *from = strstr(url, "://"), *at;
	size_t scheme, host;
	char *text = strdup(url);

	if (!text || !from) return text;
	from += 3;
	scheme = (size_t)(from - url);
	host = strcspn(from, "/?");
	at = memrchr(from, '@', host);
	if (at) memmove(text + scheme, text + (at + 1 - url), strlen(at + 1) + 1);
	return text;
}

int
hook_spec_set_url(struct hook_spec *s, const char *url, const char **why)
{
	bool is_unix = !strncmp(url, HOOK_UNIX, sizeof HOOK_UNIX - 1);

	*why = NULL;
	if (!is_unix && strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
		*why = "expected http://…, https://… or http+unix://%2Fpath%2Fof%2Fsocket/…";
		return -1;
	}
	s->text = without_password(url);
	if (!s->text) return -1;
	if (is_unix) {
		if (set_unix(s, url, why)) return -1;
	} else if (!(s->url = strdup(url))) {
		return -1;
	}
	*why = hook_transfer_refuses(s->url);
	return *why ? -1 : 0;
}

void
hook_spec_deinit(struct hook_spec *s)
{
	free(s->text);
	free(s->url);
	free(s->socket_path);
	s->text = s->url = s->socket_path = NULL;
}

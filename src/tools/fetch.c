/* SPDX-License-Identifier: MIT */
/* libcurl's easy interface. */
#include "src/tools/fetch.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct fetching {
	const struct fetch *f;
	struct fetched *out;
	bool stopped, too_large;
};

static size_t
on_fetched_head(char *p, size_t size, size_t n, void *user)
{
	struct fetching *x = user;

	/* The heads of interim answers are followed by others. */
	if (n * size > 5 && memcmp(p, "HTTP/", 5) == 0) eio_buf_clear(&x->out->head);
	eio_buf_append(&x->out->head, p, size * n);
	return size * n;
}

static size_t
on_fetched_body(char *p, size_t size, size_t n, void *user)
{
	struct fetching *x = user;

	if (x->f->piece) {
		x->stopped = !x->f->piece(x->f->user, eio_bytes(p, size * n));
		return x->stopped ? 0 : size * n;
	}
	x->too_large = x->out->body.n + size * n > FETCH_BYTES;
	if (x->too_large) return 0;
	eio_buf_append(&x->out->body, p, size * n);
	return size * n;
}

/* What requests and connections have in common. NULL when out of memory. */
static CURL *
new_easy(const struct fetch *f, char *why)
{
	CURL *easy;

	if (curl_global_init(CURL_GLOBAL_DEFAULT)) return NULL;
	easy = curl_easy_init();
	if (!easy) return NULL;
	curl_easy_setopt(easy, CURLOPT_URL, f->url);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (f->socket) curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, f->socket);
	if (f->ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, f->ca_file);
	return easy;
}

static int64_t
read_expiry(const char *line)
{
	static const char key[] = "Expire date:";

	if (strncasecmp(line, key, sizeof key - 1) != 0) return 0;
	return (int64_t)curl_getdate(line + sizeof key - 1, NULL);
}

/* Of the first certificate, which is the server's own. */
static int64_t
find_expiry(CURL *easy)
{
	struct curl_certinfo *info = NULL;
	int64_t at = 0;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) || !info || info->num_of_certs < 1) return 0;
	for (const struct curl_slist *s = info->certinfo[0]; s && at <= 0; s = s->next) at = read_expiry(s->data);
	return at > 0 ? at : 0;
}

static int
fail_fetch(const struct fetching *x, CURLcode rc)
{
	char *why = x->out->why;

	if (x->too_large)
		snprintf(why, sizeof x->out->why, "the answer is too large");
	else if (!*why)
		snprintf(why, sizeof x->out->why, "%s", curl_easy_strerror(rc));
	return -1;
}

int
fetch(const struct fetch *f, struct fetched *out)
{
	char why[CURL_ERROR_SIZE] = "";
	struct fetching x = { .f = f, .out = out };
	CURL *easy = new_easy(f, why);
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (easy) {
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_fetched_head);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, &x);
		curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_fetched_body);
		curl_easy_setopt(easy, CURLOPT_WRITEDATA, &x);
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)f->timeout_ms);
		curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
		if (f->post) curl_easy_setopt(easy, CURLOPT_POSTFIELDS, f->post);
		rc = curl_easy_perform(easy);
		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		out->expires_s = find_expiry(easy);
		curl_easy_cleanup(easy);
	}
	out->status = (unsigned)status;
	snprintf(out->why, sizeof out->why, "%s", why);
	if (rc == CURLE_OK && (eio_buf_failed(&out->head) || eio_buf_failed(&out->body))) rc = CURLE_OUT_OF_MEMORY;
	return rc == CURLE_OK || x.stopped ? 0 : fail_fetch(&x, rc);
}

void
fetched_free(struct fetched *f)
{
	eio_buf_deinit(&f->head);
	eio_buf_deinit(&f->body);
	*f = (struct fetched){ .status = 0 };
}

struct eio_bytes
fetched_header(const struct fetched *f, const char *name)
{
	size_t n = strlen(name), skip;
	struct eio_bytes rest = eio_buf_bytes(&f->head), value;

	while (rest.n) {
		const char *end = memchr(rest.p, '\n', rest.n);
		size_t line = end ? (size_t)(end - rest.p) + 1 : rest.n;

		if (line > n && rest.p[n] == ':' && strncasecmp(rest.p, name, n) == 0) {
			value = eio_bytes(rest.p + n + 1, line - n - 1);
			for (skip = 0; skip < value.n && value.p[skip] == ' ';) skip++;
			value = eio_bytes(value.p + skip, value.n - skip);
			while (value.n && strchr("\r\n \t", value.p[value.n - 1])) value.n--;
			return value;
		}
		rest = eio_bytes(rest.p + line, rest.n - line);
	}
	return (struct eio_bytes){ NULL, 0 };
}

/* Connections */

struct wire {
	CURL *easy;
	curl_socket_t fd;
	char why[CURL_ERROR_SIZE];
};

struct wire *
wire_open(const struct fetch *f, char *why, size_t why_size)
{
	struct wire *w = calloc(1, sizeof *w);
	CURLcode rc = CURLE_OUT_OF_MEMORY;

	if (w) w->easy = new_easy(f, w->why);
	if (w && w->easy) {
		curl_easy_setopt(w->easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(w->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)f->timeout_ms);
		rc = curl_easy_perform(w->easy);
	}
	if (rc == CURLE_OK) rc = curl_easy_getinfo(w->easy, CURLINFO_ACTIVESOCKET, &w->fd);
	if (rc == CURLE_OK) return w;
	snprintf(why, why_size, "%s", w && *w->why ? w->why : curl_easy_strerror(rc));
	wire_close(w);
	return NULL;
}

void
wire_close(struct wire *w)
{
	if (!w) return;
	if (w->easy) curl_easy_cleanup(w->easy);
	free(w);
}

static bool
wire_wait(const struct wire *w, short events, int timeout_ms)
{
	struct pollfd p = { .fd = w->fd, .events = events };

	return poll(&p, 1, timeout_ms) > 0;
}

int
wire_send(struct wire *w, struct eio_bytes bytes)
{
	CURLcode rc;
	size_t n;

	while (bytes.n) {
		rc = curl_easy_send(w->easy, bytes.p, bytes.n, &n);
		if (rc == CURLE_AGAIN)
			wire_wait(w, POLLOUT, -1);
		else if (rc != CURLE_OK)
			return -1;
		else
			bytes = eio_bytes(bytes.p + n, bytes.n - n);
	}
	return 0;
}

int
wire_receive(struct wire *w, struct eio_buf *out, unsigned timeout_ms)
{
	char piece[16384];
	CURLcode rc;
	size_t n = 0;

	/* What TLS has decrypted already does not show on the socket. */
	rc = curl_easy_recv(w->easy, piece, sizeof piece, &n);
	if (rc == CURLE_AGAIN && wire_wait(w, POLLIN, (int)timeout_ms))
		rc = curl_easy_recv(w->easy, piece, sizeof piece, &n);
	if (rc == CURLE_AGAIN) return 0;
	if (rc != CURLE_OK || n == 0) return -1;
	eio_buf_append(out, piece, n);
	return (int)n;
}

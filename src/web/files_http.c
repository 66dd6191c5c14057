/* SPDX-License-Identifier: MIT */
/* Paths, media types, Accept-Encoding and If-None-Match, as RFC 3986 and RFC 9110 have them. */
#include "src/web/files_http.h"

#include "eio/header.h"

#include <strings.h>

/* Takes one decoded byte from s at *i, or -1 for an escape that is broken or hides a separator. Decoding happens
 * exactly once, so "%252e" is a file name with a percent sign in it and never becomes a dot. */
static int
path_byte(struct eio_bytes s, size_t *i)
{
	int c = (unsigned char)s.p[*i], hi, lo;

	if (c == '%') {
		if (s.n - *i < 3) return -1;
		hi = eio_hex_value(s.p[*i + 1]);
		lo = eio_hex_value(s.p[*i + 2]);
		if (hi < 0 || lo < 0) return -1;
		c = hi << 4 | lo;
		*i += 2;
		if (c == '/') return -1;
	}
	*i += 1;
	return c < 0x20 || c == 0x7f || c == '\\' ? -1 : c;
}

struct eio_bytes
files_path_split(struct eio_bytes path, struct eio_bytes *query)
{
	const char *mark = path.n ? memchr(path.p, '?', path.n) : NULL;

	*query = mark ? eio_bytes(mark, path.n - (size_t)(mark - path.p)) : eio_bytes(NULL, 0);
	path.n -= query->n;
	return path;
}

bool
files_path_parse(struct files_path *out, struct eio_bytes path)
{
	struct eio_bytes query, s = files_path_split(path, &query);
	size_t i = 0, part = 0; /* part: bytes of the current part so far */
	int c;

	out->n = 0;
	if (s.n == 0 || s.p[0] != '/') return false;
	while (i < s.n) {
		if (s.p[i] == '/') { /* a real one; runs of them count as one */
			i++;
			part = 0;
			continue;
		}
		c = path_byte(s, &i);
		if (c < 0) return false;
		/* This refuses ".", ".." and dotfiles at once. */
		if (part == 0 && c == '.') return false;
		if (part == 0 && out->n > 0) {
			if (out->n >= FILES_PATH_MAX) return false;
			out->text[out->n++] = '/';
		}
		if (++part > FILES_NAME_MAX || out->n >= FILES_PATH_MAX) return false;
		out->text[out->n++] = (char)c;
	}
	out->text[out->n] = '\0';
	out->folder = s.p[s.n - 1] == '/';
	return true;
}

static const struct {
	const char *extension, *type;
	bool compressible;
} media_types[] = {
	{ "html", "text/html; charset=utf-8", true },
	{ "htm", "text/html; charset=utf-8", true },
	{ "css", "text/css; charset=utf-8", true },
	{ "js", "application/javascript; charset=utf-8", true },
	{ "mjs", "application/javascript; charset=utf-8", true },
	{ "map", "application/json", true },
	{ "json", "application/json", true },
	{ "webmanifest", "application/manifest+json", true },
	{ "svg", "image/svg+xml", true },
	{ "txt", "text/plain; charset=utf-8", true },
	{ "md", "text/markdown; charset=utf-8", true },
	{ "csv", "text/csv; charset=utf-8", true },
	{ "xml", "application/xml", true },
	{ "wasm", "application/wasm", true },
	{ "ttf", "font/ttf", true },
	{ "otf", "font/otf", true },
	{ "ico", "image/x-icon", true },
	{ "woff", "font/woff", false },
	{ "woff2", "font/woff2", false },
	{ "png", "image/png", false },
	{ "jpg", "image/jpeg", false },
	{ "jpeg", "image/jpeg", false },
	{ "gif", "image/gif", false },
	{ "webp", "image/webp", false },
	{ "avif", "image/avif", false },
	{ "mp3", "audio/mpeg", false },
	{ "ogg", "audio/ogg", false },
	{ "mp4", "video/mp4", false },
	{ "webm", "video/webm", false },
	{ "pdf", "application/pdf", false },
};

const char *
files_type_of(struct eio_bytes name, bool *compressible)
{
	size_t dot = name.n;

	while (dot > 0 && name.p[dot - 1] != '.' && name.p[dot - 1] != '/') dot--;
	if (dot > 0 && name.p[dot - 1] == '.') {
		for (size_t i = 0; i < sizeof media_types / sizeof media_types[0]; i++) {
			const char *ext = media_types[i].extension;

			if (strlen(ext) == name.n - dot && strncasecmp(ext, name.p + dot, name.n - dot) == 0) {
				*compressible = media_types[i].compressible;
				return media_types[i].type;
			}
		}
	}
	*compressible = false;
	return "application/octet-stream";
}

void
files_accept_parse(struct eio_bytes accept_encoding, int weight[FILES_CODING_COUNT])
{
	enum { UNSAID = -1 };
	struct eio_accepted a;
	int any = UNSAID;

	for (int i = 0; i < FILES_CODING_COUNT; i++) weight[i] = UNSAID;
	while (eio_header_accepted(&accept_encoding, &a)) {
		if (eio_header_is(a.coding, EIO_LIT("br")))
			weight[FILES_BROTLI] = a.weight;
		else if (eio_header_is(a.coding, EIO_LIT("gzip")) || eio_header_is(a.coding, EIO_LIT("x-gzip")))
			weight[FILES_GZIP] = a.weight;
		else if (eio_header_is(a.coding, EIO_LIT("identity")))
			weight[FILES_IDENTITY] = a.weight;
		else if (eio_bytes_eq(a.coding, EIO_LIT("*")))
			any = a.weight;
	}
	for (int i = 0; i < FILES_CODING_COUNT; i++)
		if (weight[i] == UNSAID && any != UNSAID) weight[i] = any;
	/* Not named: a coding is not wanted, but no coding at all is always acceptable, though least. */
	if (weight[FILES_IDENTITY] == UNSAID) weight[FILES_IDENTITY] = 1;
	for (int i = FILES_GZIP; i < FILES_CODING_COUNT; i++)
		if (weight[i] == UNSAID) weight[i] = 0;
}

bool
files_etag_listed(struct eio_bytes if_none_match, struct eio_bytes etag)
{
	struct eio_bytes s = eio_header_trim(if_none_match);
	const char *end;
	size_t n;

	if (s.n == 1 && s.p[0] == '*') return true;
	/* A tag may hold commas, so this walks from quote to quote. */
	while (s.n) {
		if (s.p[0] == ',' || s.p[0] == ' ' || s.p[0] == '\t') {
			s = eio_bytes(s.p + 1, s.n - 1);
			continue;
		}
		if (eio_bytes_starts(s, EIO_LIT("W/"))) s = eio_bytes(s.p + 2, s.n - 2);
		if (s.n < 2 || s.p[0] != '"') return false;
		end = memchr(s.p + 1, '"', s.n - 1);
		if (!end) return false;
		n = (size_t)(end - s.p) + 1;
		if (eio_bytes_eq(eio_bytes(s.p, n), etag)) return true;
		s = eio_bytes(s.p + n, s.n - n);
	}
	return false;
}

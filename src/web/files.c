/* SPDX-License-Identifier: MIT */
/*
 * The front of the static files: opens the parts, tells which of them a request
 * is for, and makes the answers that are not a file.
 */
#include "src/web/files.h"

#include "eio/buf.h"
#include "src/web/files_client.h"
#include "src/web/files_page.h"
#include "src/web/files_www.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Answers that say only that there is no file; one X-macro so that status, lines and text stay together. */
#define REFUSALS(X) \
	X(REFUSAL_FORBIDDEN, 403, "", "This file is too large to be served here.\n") \
	X(REFUSAL_NOT_FOUND, 404, "", "Not found.\n") \
	X(REFUSAL_METHOD, 405, "Allow: GET, HEAD\r\n", "Method not allowed.\n") \
	X(REFUSAL_UNAVAILABLE, 503, "Retry-After: 1\r\n", "Try again in a moment.\n")

#define REFUSAL_NAME(name, status, lines, text) name,
enum refusal { REFUSALS(REFUSAL_NAME) REFUSAL_COUNT };

#define REFUSAL_ROW(name, status, lines, text) \
	{ status, lines "Content-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n", text },
static const struct {
	int status;
	const char *headers, *text;
} refusals[REFUSAL_COUNT] = { REFUSALS(REFUSAL_ROW) };

struct files {
	struct files_clients clients;
	struct files_page page;
	int www; /* -1: none */
	struct eio_block *refusal_headers[REFUSAL_COUNT], *refusal_bodies[REFUSAL_COUNT];
};

static int
refusals_make(struct files *f)
{
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		f->refusal_headers[i] = eio_block_of(eio_cstr(refusals[i].headers));
		f->refusal_bodies[i] = eio_block_of(eio_cstr(refusals[i].text));
		if (!f->refusal_headers[i] || !f->refusal_bodies[i]) return -ENOMEM;
	}
	return 0;
}

int
files_open(struct files **out, const struct files_config *cfg, char *err, size_t err_size)
{
	struct files *f = calloc(1, sizeof *f);
	int e;

	*out = NULL;
	snprintf(err, err_size, "out of memory"); /* what the steps below leave unsaid */
	if (!f) return -ENOMEM;
	f->www = -1;
	e = refusals_make(f);
	if (e == 0 && cfg->client_path) e = files_clients_load(&f->clients, cfg, err, err_size);
	if (e == 0 && cfg->page_dir) e = files_page_load(&f->page, cfg->page_path, cfg->page_dir, err, err_size);
	if (e == 0 && cfg->www_dir) {
		f->www = files_www_open(cfg->www_dir, err, err_size);
		if (f->www < 0) e = f->www;
	}
	if (e != 0) {
		files_close(f);
		return e;
	}
	err[0] = '\0';
	*out = f;
	return 0;
}

void
files_close(struct files *f)
{
	if (!f) return;
	files_clients_deinit(&f->clients);
	files_page_deinit(&f->page);
	for (int i = 0; i < REFUSAL_COUNT; i++) {
		eio_block_unref(f->refusal_headers[i]);
		eio_block_unref(f->refusal_bodies[i]);
	}
	if (f->www >= 0) close(f->www);
	free(f);
}

int
files_check_rights(const struct files *f)
{
	return f->www < 0 ? 0 : files_www_check_rights(f->www);
}

unsigned
files_official_count(const struct files *f)
{
	return f->clients.official;
}

bool
files_has_client(const struct files *f, struct eio_bytes path)
{
	return files_clients_find(&f->clients, path) || files_clients_missed(&f->clients, path) ||
	       files_page_find(&f->page, path) || files_page_is_folder(&f->page, path);
}

static int
refuse_file_with(const struct files *f, enum refusal r, struct eio_block *body, bool head, struct files_answer *out)
{
	out->status = refusals[r].status;
	out->headers = eio_block_ref(f->refusal_headers[r]);
	out->body = head ? NULL : eio_block_ref(body);
	out->content_length = (int64_t)body->n;
	return 0;
}

static int
refuse_file(const struct files *f, enum refusal r, bool head, struct files_answer *out)
{
	return refuse_file_with(f, r, f->refusal_bodies[r], head, out);
}

/* Whether a query can stand in a header line as it is. */
static bool
query_is_plain(struct eio_bytes query)
{
	for (size_t i = 0; i < query.n; i++)
		if (query.p[i] <= ' ' || query.p[i] >= 0x7f) return false;
	return true;
}

/* "/dir" to "/dir/". The target is built from the decoded parts, not echoed: it begins with one slash, so it cannot
 * lead to another host, and every odd byte is escaped, so it cannot break the line. */
static int
redirect_to_folder(const struct files_path *path, struct eio_bytes query, struct files_answer *out)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
	struct eio_buf b;

	eio_buf_init(&b);
	EIO_BUF_ADD_LIT(&b, "Location: /");
	for (size_t i = 0; i < path->n; i++) {
		if (memchr(plain, path->text[i], sizeof plain - 1))
			eio_buf_addc(&b, path->text[i]);
		else
			eio_buf_printf(&b, "%%%02X", (unsigned char)path->text[i]);
	}
	eio_buf_addc(&b, '/');
	if (query_is_plain(query)) eio_buf_add(&b, query);
	EIO_BUF_ADD_LIT(&b, "\r\nCache-Control: no-cache\r\n");
	out->headers = eio_block_of_buf(&b);
	out->status = 301;
	return out->headers ? 0 : -ENOMEM;
}

/* The page's files name each other as what is in its folder. */
static int
redirect_to_page(const struct files *f, struct eio_bytes target, bool head, struct files_answer *out)
{
	struct eio_bytes query;
	struct files_path path;

	if (!files_path_parse(&path, target)) return refuse_file(f, REFUSAL_NOT_FOUND, head, out);
	files_path_split(target, &query);
	return redirect_to_folder(&path, query, out);
}

static int
www_get(const struct files *f, struct files_cache *c, const struct files_request *req, bool head,
	struct files_answer *out)
{
	const struct files_entry *entry = NULL;
	struct eio_bytes query;
	struct files_path path;

	if (!files_path_parse(&path, req->path)) return refuse_file(f, REFUSAL_NOT_FOUND, head, out);
	switch (files_www_find(f->www, c, &path, req->accept_encoding, &entry)) {
	case FILES_FOUND: files_entry_answer(entry, req, out); return 0;
	case FILES_FOUND_FOLDER: files_path_split(req->path, &query); return redirect_to_folder(&path, query, out);
	case FILES_TOO_LARGE: return refuse_file(f, REFUSAL_FORBIDDEN, head, out);
	case FILES_UNAVAILABLE: return refuse_file(f, REFUSAL_UNAVAILABLE, head, out);
	case FILES_NOT_FOUND: break;
	}
	return refuse_file(f, REFUSAL_NOT_FOUND, head, out);
}

int
files_get(const struct files *f, struct files_cache *c, const struct files_request *req, struct files_answer *out)
{
	bool head = eio_bytes_eq(req->method, EIO_LIT("HEAD"));
	struct files_entry *client = files_clients_find(&f->clients, req->path);
	bool folder = files_page_is_folder(&f->page, req->path);

	*out = (struct files_answer){ 0 };
	if (!client) client = files_page_find(&f->page, req->path);
	if (!client && files_clients_missed(&f->clients, req->path))
		return refuse_file_with(f, REFUSAL_NOT_FOUND, f->clients.missing, head, out);
	if (!client && !folder && (f->www < 0 || !c)) return refuse_file(f, REFUSAL_NOT_FOUND, head, out);
	if (!head && !eio_bytes_eq(req->method, EIO_LIT("GET"))) return refuse_file(f, REFUSAL_METHOD, false, out);
	if (folder) return redirect_to_page(f, req->path, head, out);
	if (!client) return www_get(f, c, req, head, out);
	files_entry_prepare(client, req->accept_encoding);
	files_entry_answer(client, req, out);
	return 0;
}

void
files_answer_deinit(struct files_answer *a)
{
	eio_block_unref(a->headers);
	eio_block_unref(a->body);
	*a = (struct files_answer){ 0 };
}

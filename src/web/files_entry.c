/* SPDX-License-Identifier: MIT */
/*
 * Content, its forms and its header lines. Each form has an entity tag of its
 * own (RFC 9110 section 8.8.3.3), derived from the tag of the plain content,
 * so a cache in between can never mix up a gzip body with a brotli one.
 */
#include "src/web/files_entry.h"

#include "eio/buf.h"
#include "eio/hash.h"
#include "src/web/compress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static const char *const coding_names[FILES_CODING_COUNT] = { "identity", "gzip", "br" };

/* 128 bits of SipHash with fixed keys: an entity tag must be the same on every start and on every machine. */
static void
hash_content(char hex[33], struct eio_bytes s)
{
	static const uint64_t keys[2][2] = {
		{ 0x736f6d6574657374u, 0x63617374626c6f63u },
		{ 0x9e3779b97f4a7c15u, 0xc2b2ae3d27d4eb4fu },
	};

	snprintf(hex, 33, "%016" PRIx64 "%016" PRIx64, eio_hash_bytes(keys[0], s), eio_hash_bytes(keys[1], s));
}

/* The lines of both statuses; a 304 repeats those that tell a cache what it holds (RFC 9110 section 15.4.5). */
static int
variant_headers(struct files_entry *e, enum files_coding coding)
{
	struct files_variant *v = &e->variants[coding];
	struct eio_buf b;

	snprintf(v->etag, sizeof v->etag, "\"%s%s%s\"", e->tag, coding == FILES_IDENTITY ? "" : "-",
		coding == FILES_IDENTITY ? "" : coding_names[coding]);
	eio_buf_init(&b);
	eio_buf_printf(&b, "ETag: %s\r\nCache-Control: %s\r\n%s", v->etag, e->cache_control,
		e->compressible ? "Vary: Accept-Encoding\r\n" : "");
	v->headers_304 = eio_block_of_buf(&b);
	if (!v->headers_304) return -ENOMEM;

	eio_buf_append(&b, v->headers_304->data, v->headers_304->n);
	eio_buf_printf(&b, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", e->type);
	if (coding != FILES_IDENTITY) eio_buf_printf(&b, "Content-Encoding: %s\r\n", coding_names[coding]);
	v->headers = eio_block_of_buf(&b);
	return v->headers ? 0 : -ENOMEM;
}

static void
variant_deinit(struct files_variant *v)
{
	eio_block_unref(v->body);
	eio_block_unref(v->headers);
	eio_block_unref(v->headers_304);
	v->body = v->headers = v->headers_304 = NULL;
}

int
files_entry_init(struct files_entry *e, struct eio_block *body, const struct files_entry_kind *kind)
{
	*e = (struct files_entry){
		.type = kind->type,
		.cache_control = kind->cache_control,
		.compressible = kind->compressible,
		.level = kind->level,
	};
	if (kind->tag)
		snprintf(e->tag, sizeof e->tag, "%s", kind->tag);
	else
		hash_content(e->tag, eio_bytes(body->data, body->n));
	e->variants[FILES_IDENTITY].body = body;
	if (variant_headers(e, FILES_IDENTITY) == 0) {
		atomic_store(&e->variants[FILES_IDENTITY].form, FILES_FORM_MADE);
		return 0;
	}
	files_entry_deinit(e);
	return -ENOMEM;
}

static void
make_coding(struct files_entry *e, enum files_coding coding)
{
	struct files_variant *v = &e->variants[coding];
	struct eio_block *plain = e->variants[FILES_IDENTITY].body;
	struct eio_bytes content = eio_bytes(plain->data, plain->n);
	enum files_form form = FILES_FORM_UNTRIED;

	if (!atomic_compare_exchange_strong(&v->form, &form, FILES_FORM_BEING_MADE)) return;
	v->body = coding == FILES_GZIP ? compress_gzip(content, e->level) : compress_brotli(content, e->level);
	if (v->body && variant_headers(e, coding) != 0) variant_deinit(v);
	atomic_store(&v->form, v->body ? FILES_FORM_MADE : FILES_FORM_USELESS);
}

void
files_entry_deinit(struct files_entry *e)
{
	for (int i = 0; i < FILES_CODING_COUNT; i++) variant_deinit(&e->variants[i]);
}

static bool
can_be_had(const struct files_entry *e, enum files_coding coding, bool may_make)
{
	enum files_form form = atomic_load(&e->variants[coding].form);

	return form == FILES_FORM_MADE || (may_make && e->compressible && form == FILES_FORM_UNTRIED);
}

static enum files_coding
choose_coding(const struct files_entry *e, struct eio_bytes accept_encoding, bool may_make)
{
	int weight[FILES_CODING_COUNT], best = FILES_IDENTITY;

	files_accept_parse(accept_encoding, weight);
	/* A client that refuses even the plain form still gets it: RFC 9110 section 12.5.3 allows that, and an
	 * unreadable answer helps nobody. */
	for (int i = FILES_GZIP; i < FILES_CODING_COUNT; i++)
		if (weight[i] > 0 && weight[i] >= weight[best] && can_be_had(e, i, may_make)) best = i;
	return best;
}

void
files_entry_prepare(struct files_entry *e, struct eio_bytes accept_encoding)
{
	enum files_coding coding;

	while (coding = choose_coding(e, accept_encoding, true),
		atomic_load(&e->variants[coding].form) == FILES_FORM_UNTRIED)
		make_coding(e, coding);
}

void
files_entry_answer(const struct files_entry *e, const struct files_request *req, struct files_answer *out)
{
	const struct files_variant *v = &e->variants[choose_coding(e, req->accept_encoding, false)];

	if (files_etag_listed(req->if_none_match, eio_cstr(v->etag))) {
		*out = (struct files_answer){
			.status = 304, .headers = eio_block_ref(v->headers_304), .content_length = -1
		};
		return;
	}
	*out = (struct files_answer){
		.status = 200, .headers = eio_block_ref(v->headers), .content_length = (int64_t)v->body->n
	};
	if (v->body->n > 0 && !eio_bytes_eq(req->method, EIO_LIT("HEAD"))) out->body = eio_block_ref(v->body);
}

size_t
files_entry_size(const struct files_entry *e)
{
	size_t n = 0;

	for (int i = 0; i < FILES_CODING_COUNT; i++) {
		const struct files_variant *v = &e->variants[i];

		if (v->body) n += v->body->n + v->headers->n + v->headers_304->n;
	}
	return n;
}

struct eio_block *
files_read(int fd, size_t size)
{
	struct eio_block *b = eio_block_new(size);
	size_t got = 0;

	if (!b) {
		errno = ENOMEM;
		return NULL;
	}
	while (got < size) {
		ssize_t n = read(fd, b->data + got, size - got);

		if (n < 0 && errno == EINTR) continue;
		if (n < 0) {
			int saved = errno;

			eio_block_unref(b);
			errno = saved;
			return NULL;
		}
		if (n == 0) break;
		got += (size_t)n;
	}
	b->n = got;
	return b;
}

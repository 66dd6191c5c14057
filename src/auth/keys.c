/* SPDX-License-Identifier: MIT */
/* Key files: what is in them, and whether that is still so. */
#include "src/auth/keys.h"

#include "eio/buf.h"
#include "sio/json.h"
#include "src/auth/jwk.h"
#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct named_key {
	struct auth_key *key; /* owned */
	char *kid; /* owned: the bytes of the name, with a NUL behind them; NULL without a name */
	size_t kid_n;
};

/* What was made of one file. */
struct key_file {
	struct named_key *keys; /* owned */
	size_t n;
	struct stat seen; /* as it was when it was read */
};

struct auth_keys {
	const struct auth_jwt_spec *spec;
	uint64_t looked_ms;
	struct key_file files[]; /* as many as in the spec */
};

/* Reading */

/* Appends a file's bytes. NULL, or why it failed. */
static const char *
read_key_file(const char *path, struct eio_buf *out, struct stat *seen)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = errno;
	ssize_t n = 0;

	if (fd < 0) return strerror(err);
	if (fstat(fd, seen) || !S_ISREG(seen->st_mode)) {
		close(fd);
		return "not a file";
	}
	while (out->n <= AUTH_KEY_FILE_BYTES && eio_buf_reserve(out, 4096) && (n = read(fd, out->p + out->n, 4096)) > 0)
		out->n += (size_t)n;
	err = errno;
	close(fd);
	if (n < 0) return strerror(err);
	if (eio_buf_failed(out)) return "out of memory";
	return out->n > AUTH_KEY_FILE_BYTES ? "larger than 64 KB" : NULL;
}

struct key_reading {
	struct key_file *file;
	const char *why;
};

/* Takes over the key. */
static void
keep_key(void *ctx, struct auth_key *key, struct eio_bytes kid)
{
	struct key_reading *r = ctx;
	struct key_file *f = r->file;
	struct named_key *v = f->n < AUTH_KEYS_MAX ? realloc(f->keys, (f->n + 1) * sizeof *v) : NULL;
	struct eio_buf name = { 0 };

	if (v) f->keys = v;
	if (kid.n) {
		sio_json_unescape(&name, kid);
		eio_buf_addc(&name, '\0');
	}
	if (!v || eio_buf_failed(&name)) {
		r->why = f->n < AUTH_KEYS_MAX ? "out of memory" : "more than 64 keys";
		auth_key_free(key);
		eio_buf_deinit(&name);
		return;
	}
	v[f->n++] = (struct named_key){ key, name.p, name.n ? name.n - 1 : 0 };
}

/* Of a text file, the line end that editors put there is no part of the secret. */
static struct eio_bytes
secret_in(struct eio_bytes text)
{
	if (text.n && text.p[text.n - 1] == '\n') text.n--;
	if (text.n && text.p[text.n - 1] == '\r') text.n--;
	return text;
}

static void
key_file_deinit(struct key_file *f)
{
	for (size_t i = 0; i < f->n; i++) {
		auth_key_free(f->keys[i].key);
		free(f->keys[i].kid);
	}
	free(f->keys);
	*f = (struct key_file){ 0 };
}

static const char *
keys_in(const struct auth_key_file *spec, struct eio_bytes text, struct key_file *out)
{
	struct key_reading r = { .file = out };
	struct auth_key *key = NULL;
	const char *why;

	if (spec->type == AUTH_FILE_JWKS) {
		why = auth_jwks_read(text, keep_key, &r);
		if (!why && !r.why && out->n == 0) why = "no key of the set can verify tokens";
		return why ? why : r.why;
	}
	if (spec->type == AUTH_FILE_SECRET)
		key = auth_key_of_secret(spec->alg, secret_in(text), &why);
	else
		key = auth_key_of_pem(spec->alg, text, &why);
	if (!key) return why;
	keep_key(&r, key, eio_bytes("", 0));
	return r.why;
}

/* Reads a file anew; what was there stays when that fails. NULL, or why it did. */
static const char *
renew_key_file(const struct auth_key_file *spec, struct key_file *f)
{
	struct key_file fresh = { 0 };
	struct eio_buf text = { 0 };
	const char *why = read_key_file(spec->path, &text, &fresh.seen);

	f->seen = fresh.seen;
	if (!why) why = keys_in(spec, eio_buf_bytes(&text), &fresh);
	if (text.p) explicit_bzero(text.p, text.n);
	eio_buf_deinit(&text);
	if (why) {
		key_file_deinit(&fresh);
		return why;
	}
	key_file_deinit(f);
	*f = fresh;
	return NULL;
}

struct auth_keys *
auth_keys_new(const struct auth_jwt_spec *spec, size_t *file, const char **why)
{
	struct auth_keys *k = calloc(1, sizeof *k + spec->n_files * sizeof *k->files);

	*why = NULL;
	if (!k) return NULL;
	k->spec = spec;
	for (*file = 0; *file < spec->n_files; ++*file) {
		*why = renew_key_file(&spec->files[*file], &k->files[*file]);
		if (!*why) continue;
		auth_keys_free(k);
		return NULL;
	}
	return k;
}

void
auth_keys_free(struct auth_keys *k)
{
	if (!k) return;
	for (size_t i = 0; i < k->spec->n_files; i++) key_file_deinit(&k->files[i]);
	free(k);
}

/* Changes */

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void
auth_keys_look(struct auth_keys *k, uint64_t now_ms)
{
	if (k->looked_ms && now_ms - k->looked_ms < AUTH_KEYS_LOOK_MS) return;
	k->looked_ms = now_ms;
	for (size_t i = 0; i < k->spec->n_files; i++) {
		const struct auth_key_file *spec = &k->spec->files[i];
		struct stat now = { 0 };
		const char *why;

		if (stat(spec->path, &now)) now = (struct stat){ 0 };
		if (same_file(&now, &k->files[i].seen)) continue;
		why = renew_key_file(spec, &k->files[i]);
		if (why)
			log_warn("event=keys-not-read file=\"%s\" error=\"%s\"", LOG_ESCAPE(eio_cstr(spec->path)), why);
		else
			log_info("event=keys-read file=\"%s\"", LOG_ESCAPE(eio_cstr(spec->path)));
	}
}

/* Use */

static bool
any_named(const struct auth_keys *k, struct eio_bytes kid)
{
	for (size_t i = 0; i < k->spec->n_files; i++)
		for (size_t j = 0; j < k->files[i].n; j++) {
			const struct named_key *key = &k->files[i].keys[j];

			if (key->kid && sio_json_string_eq(kid, eio_bytes(key->kid, key->kid_n))) return true;
		}
	return false;
}

static bool
is_meant(const struct named_key *key, struct eio_bytes kid, bool named)
{
	if (!kid.n) return true;
	return named ? key->kid && sio_json_string_eq(kid, eio_bytes(key->kid, key->kid_n)) : !key->kid;
}

bool
auth_keys_verify(const struct auth_keys *k, enum auth_algorithm alg, struct eio_bytes kid, struct eio_bytes text,
	struct eio_bytes signature)
{
	bool named = kid.n && any_named(k, kid);

	for (size_t i = 0; i < k->spec->n_files; i++)
		for (size_t j = 0; j < k->files[i].n; j++) {
			const struct named_key *key = &k->files[i].keys[j];

			if (auth_key_algorithm(key->key) == alg && is_meant(key, kid, named) &&
				auth_key_verifies(key->key, text, signature))
				return true;
		}
	return false;
}

/* SPDX-License-Identifier: MIT */
/*
 * From one process to the next: "1" or "0", whether an answer to PING is to come; what has come of a message; and what is
 * confirmed, each channel as its kind, its name in hexadecimal digits, and a space.
 */
#include "src/redis/channels_int.h"
#include "src/redis/hex.h"

#include <string.h>

static const char kind_letters[] = "cps";

static void
write_confirmed(const struct redis_channels *c, struct eio_buf *out)
{
	EIO_HASH_FOREACH(n, &c->all) {
		const struct redis_channel *one = EIO_CONTAINER(n, struct redis_channel, node);

		if (!one->confirmed) continue;
		eio_buf_addc(out, kind_letters[one->kind]);
		redis_hex_write(eio_bytes(one->name, one->n), out);
		eio_buf_addc(out, ' ');
	}
}

int
redis_channels_hand(const struct redis_channels *c, struct eio_buf *text)
{
	struct redis_handed handed;

	if (!redis_link_hand(c->link, &handed)) return -1;
	eio_buf_addc(text, handed.pinged ? '1' : '0');
	eio_buf_addc(text, ' ');
	redis_hex_write(handed.begun, text);
	eio_buf_addc(text, ' ');
	write_confirmed(c, text);
	return handed.fd;
}

/* What stands behind the second space. NULL: there is none. */
static const char *
confirmed_part(const char *text, const char **begun)
{
	const char *end;

	*begun = strchr(text, ' ');
	end = *begun ? strchr(*begun + 1, ' ') : NULL;
	return end ? end + 1 : NULL;
}

bool
redis_channels__read_handed(struct redis_channels *c, const char *text, struct redis_handed *out)
{
	const char *begun, *rest = confirmed_part(text, &begun);

	if (!rest || !redis_hex_read(eio_bytes(begun + 1, (size_t)(rest - begun - 2)), &c->begun)) return false;
	out->pinged = *text == '1';
	out->begun = eio_buf_bytes(&c->begun);
	c->handed = eio_cstr(rest);
	return true;
}

/* Takes the next channel of a list; *name is in b. False behind the last. What none of the above wrote is left out. */
static bool
next_confirmed(struct eio_bytes *text, enum redis_channel_kind *kind, struct eio_buf *b)
{
	while (text->n) {
		const char *end = memchr(text->p, ' ', text->n), *letter;
		size_t n = end ? (size_t)(end - text->p) : text->n;
		struct eio_bytes word = eio_bytes(text->p, n);

		n += end != NULL;
		*text = eio_bytes(text->p + n, text->n - n);
		eio_buf_clear(b);
		letter = word.n && *word.p ? strchr(kind_letters, *word.p) : NULL;
		if (!letter || !redis_hex_read(eio_bytes(word.p + 1, word.n - 1), b) || eio_buf_failed(b)) continue;
		*kind = (enum redis_channel_kind)(letter - kind_letters);
		return true;
	}
	return false;
}

/* One that nobody wants is left as soon as the server is told something. Without memory it just comes, which harms
 * nobody. */
void
redis_channels__adopt(struct redis_channels *c)
{
	enum redis_channel_kind kind;
	struct eio_buf b = { 0 };

	while (next_confirmed(&c->handed, &kind, &b)) {
		struct eio_bytes name = b.n ? eio_buf_bytes(&b) : eio_bytes("", 0);
		uint64_t hash = eio_hash_bytes(c->hash_key, name);
		struct redis_channel *one = redis_channels__find(c, kind, name, hash);

		if (!one) one = redis_channels__add(c, kind, name, hash);
		if (!one) continue;
		one->sent = one->confirmed = true;
		redis_channels__note_change(c, one);
	}
	eio_buf_deinit(&b);
	c->handed = eio_bytes("", 0);
}

void
redis_channels_handed(
	const char *text, void (*tell)(void *user, enum redis_channel_kind kind, struct eio_bytes name), void *user)
{
	const char *begun, *confirmed = confirmed_part(text, &begun);
	struct eio_bytes rest = confirmed ? eio_cstr(confirmed) : eio_bytes("", 0);
	enum redis_channel_kind kind;
	struct eio_buf b = { 0 };

	while (next_confirmed(&rest, &kind, &b)) tell(user, kind, b.n ? eio_buf_bytes(&b) : eio_bytes("", 0));
	eio_buf_deinit(&b);
}

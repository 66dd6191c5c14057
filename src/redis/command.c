/* SPDX-License-Identifier: MIT */
/* Writing RESP. */
#include "src/redis/command.h"

void
redis_command(struct eio_buf *b, size_t n)
{
	eio_buf_addc(b, '*');
	eio_buf_append_u64(b, n);
	EIO_BUF_ADD_LIT(b, "\r\n");
}

void
redis_argument(struct eio_buf *b, struct eio_bytes s)
{
	eio_buf_addc(b, '$');
	eio_buf_append_u64(b, s.n);
	EIO_BUF_ADD_LIT(b, "\r\n");
	eio_buf_add(b, s);
	EIO_BUF_ADD_LIT(b, "\r\n");
}

void
redis_command_subscribe(struct eio_buf *b, bool is_pattern, struct eio_bytes name)
{
	redis_command(b, 2);
	redis_argument(b, is_pattern ? EIO_LIT("PSUBSCRIBE") : EIO_LIT("SUBSCRIBE"));
	redis_argument(b, name);
}

void
redis_command_unsubscribe(struct eio_buf *b, bool is_pattern, struct eio_bytes name)
{
	redis_command(b, 2);
	redis_argument(b, is_pattern ? EIO_LIT("PUNSUBSCRIBE") : EIO_LIT("UNSUBSCRIBE"));
	redis_argument(b, name);
}

unsigned
redis_command_greet(struct eio_buf *b, const struct redis_url *u)
{
	unsigned replies = 1;
	struct eio_buf db;

	if (u->password) {
		redis_command(b, u->user ? 3 : 2);
		redis_argument(b, EIO_LIT("AUTH"));
		if (u->user) redis_argument(b, eio_cstr(u->user));
		redis_argument(b, eio_cstr(u->password));
		replies++;
	}
	if (u->db) {
		eio_buf_init(&db);
		eio_buf_append_u64(&db, u->db);
		if (eio_buf_failed(&db)) b->failed = true;
		redis_command(b, 2);
		redis_argument(b, EIO_LIT("SELECT"));
		redis_argument(b, eio_buf_bytes(&db));
		eio_buf_deinit(&db);
		replies++;
	}
	redis_command(b, 3);
	redis_argument(b, EIO_LIT("CLIENT"));
	redis_argument(b, EIO_LIT("SETNAME"));
	redis_argument(b, EIO_LIT("siocast"));
	return replies;
}

const char *
redis_command_greeting(const struct redis_url *u, unsigned left)
{
	if (left == 1) return "CLIENT SETNAME";
	return left == 2 && u->db ? "SELECT" : "AUTH";
}

/* SPDX-License-Identifier: MIT */
/* What the server says of itself: COMMAND and INFO. */
#include "src/resp/command.h"

/* As Redis 7 writes it: name, arity, flags, keys, categories, tips, specifications of keys, parts. */
static void
reply_command(struct resp_session *s, const struct resp_command *c)
{
	struct eio_buf *out = &s->out;

	resp_reply_list(out, 10);
	resp_reply_bulk(out, eio_cstr(c->name));
	if (c->arity < 0)
		eio_buf_printf(out, ":%d\r\n", c->arity);
	else
		resp_reply_integer(out, (uint64_t)c->arity);
	resp_reply_list(out, 1);
	resp_reply_status(out, EIO_LIT("fast"));
	for (int i = 0; i < 3; i++) resp_reply_integer(out, 0);
	for (int i = 0; i < 4; i++) resp_reply_list(out, 0);
}

static void
command_count(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	resp_reply_integer(&s->out, all->n);
}

/* Texts of help there are none. */
static void
command_docs(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	(void)all;
	resp_reply_map(&s->out, s->protocol, 0);
}

static void
command_info(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	size_t n = q->n < RESP_WORDS ? q->n : RESP_WORDS;

	if (q->n == 2) {
		resp__command(s, q, all);
		return;
	}
	resp_reply_list(&s->out, q->n - 2);
	for (size_t i = 2; i < q->n; i++) {
		const struct resp_command *c = i < n ? resp_command_find(all, q->words[i]) : NULL;

		if (c)
			reply_command(s, c);
		else
			resp_reply_nil_list(&s->out, s->protocol);
	}
}

static void
command_list(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	resp_reply_list(&s->out, all->n);
	for (size_t i = 0; i < all->n; i++) resp_reply_bulk(&s->out, eio_cstr(all->v[i].name));
}

static void
command_help(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	static const char *const lines[] = { "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"(no subcommand)", "COUNT", "DOCS [<command-name> ...]", "INFO [<command-name> ...]", "LIST", "HELP" };

	(void)q;
	(void)all;
	resp_reply_list(&s->out, sizeof lines / sizeof lines[0]);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) resp_reply_status(&s->out, eio_cstr(lines[i]));
}

static const struct resp_command command_parts[] = {
	{ .name = "count", .arity = 2, .run = command_count },
	{ .name = "docs", .arity = -2, .run = command_docs },
	{ .name = "help", .arity = 2, .run = command_help },
	{ .name = "info", .arity = -2, .run = command_info },
	{ .name = "list", .arity = -2, .run = command_list },
};

const struct resp_commands resp__command_parts = { command_parts, sizeof command_parts / sizeof command_parts[0] };

void
resp__command(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	resp_reply_list(&s->out, all->n);
	for (size_t i = 0; i < all->n; i++) reply_command(s, &all->v[i]);
}

/* What libraries look for before they use a server: that it is one, alone, and has loaded its data. */
void
resp__info(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	struct eio_buf text;

	(void)q;
	(void)all;
	eio_buf_init(&text);
	eio_buf_printf(&text,
		"# Server\r\nredis_version:" RESP_REDIS_VERSION "\r\nredis_mode:standalone\r\nserver_name:siocast\r\n"
		"siocast_version:%s\r\n\r\n# Persistence\r\nloading:0\r\n\r\n# Replication\r\nrole:master\r\n"
		"connected_slaves:0\r\n",
		s->version);
	if (eio_buf_failed(&text))
		resp_session_refuse(s, RESP_ERROR_MEMORY, EIO_LIT("OOM out of memory"));
	else
		resp_reply_bulk(&s->out, eio_buf_bytes(&text));
	eio_buf_deinit(&text);
}

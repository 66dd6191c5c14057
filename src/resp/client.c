/* SPDX-License-Identifier: MIT */
/* CLIENT: what libraries say of themselves when they connect, and ask. */
#include "src/resp/command.h"

static void
reply_ok(struct resp_session *s)
{
	resp_reply_status(&s->out, EIO_LIT("OK"));
}

static void
refuse_syntax(struct resp_session *s)
{
	resp_session_refuse(s, RESP_ERROR_ARGUMENTS, EIO_LIT("ERR syntax error"));
}

static void
client_id(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	(void)all;
	resp_reply_integer(&s->out, s->id);
}

static void
client_getname(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)q;
	(void)all;
	if (s->name.n)
		resp_reply_bulk(&s->out, eio_bytes(s->name.p, s->name.n));
	else
		resp_reply_nil(&s->out, s->protocol);
}

static void
client_setname(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	if (!resp_text_is_plain(q->words[2])) {
		resp_session_refuse(s, RESP_ERROR_ARGUMENTS,
			EIO_LIT("ERR Client names cannot contain spaces, newlines or special characters."));
		return;
	}
	resp_text_set(&s->name, q->words[2]);
	reply_ok(s);
}

/* As Redis has it since 7.2; those before answer with an error, which libraries expect as well. */
static void
client_setinfo(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	bool name = resp_word_is(q->words[2], "lib-name");

	(void)all;
	if (!name && !resp_word_is(q->words[2], "lib-ver")) {
		resp_session_err(s, RESP_ERROR_ARGUMENTS);
		resp_reply_errorf(&s->out, "ERR Unrecognized option '%.*s'",
			(int)(q->words[2].n < 300 ? q->words[2].n : 300), q->words[2].p);
		return;
	}
	if (!resp_text_is_plain(q->words[3])) {
		resp_session_err(s, RESP_ERROR_ARGUMENTS);
		resp_reply_errorf(&s->out, "ERR %s cannot contain spaces, newlines or special characters.",
			name ? "lib-name" : "lib-ver");
		return;
	}
	resp_text_set(name ? &s->library : &s->library_version, q->words[3]);
	reply_ok(s);
}

static void
client_info(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	struct eio_buf line;

	(void)q;
	(void)all;
	eio_buf_init(&line);
	eio_buf_printf(&line, "id=%llu name=%.*s db=%u resp=%u user=%s lib-name=%.*s lib-ver=%.*s\n",
		(unsigned long long)s->id, (int)s->name.n, s->name.p, s->database, s->protocol, s->spec->user,
		(int)s->library.n, s->library.p, (int)s->library_version.n, s->library_version.p);
	if (eio_buf_failed(&line))
		resp_session_refuse(s, RESP_ERROR_MEMORY, EIO_LIT("OOM out of memory"));
	else
		resp_reply_bulk(&s->out, eio_buf_bytes(&line));
	eio_buf_deinit(&line);
}

static void
client_reply(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	if (resp_word_is(q->words[2], "on")) {
		s->replies = RESP_REPLIES_ON;
		reply_ok(s);
	} else if (resp_word_is(q->words[2], "off")) {
		s->replies = RESP_REPLIES_OFF;
	} else if (resp_word_is(q->words[2], "skip")) {
		if (s->replies != RESP_REPLIES_OFF) s->replies = RESP_REPLIES_SKIP_NEXT;
	} else {
		refuse_syntax(s);
	}
}

/* What there is nothing to be done for. */
static void
client_switch(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	(void)all;
	if (resp_word_is(q->words[2], "on") || resp_word_is(q->words[2], "off"))
		reply_ok(s);
	else
		refuse_syntax(s);
}

static void
client_help(struct resp_session *s, const struct resp_request *q, const struct resp_commands *all)
{
	static const char *const lines[] = {
		"CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
		"GETNAME",
		"ID",
		"INFO",
		"NO-EVICT (ON|OFF)",
		"NO-TOUCH (ON|OFF)",
		"REPLY (ON|OFF|SKIP)",
		"SETINFO (LIB-NAME|LIB-VER) <value>",
		"SETNAME <name>",
		"HELP",
	};

	(void)q;
	(void)all;
	resp_reply_list(&s->out, sizeof lines / sizeof lines[0]);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) resp_reply_status(&s->out, eio_cstr(lines[i]));
}

static const struct resp_command client_parts[] = {
	{ .name = "getname", .arity = 2, .run = client_getname },
	{ .name = "help", .arity = 2, .run = client_help },
	{ .name = "id", .arity = 2, .run = client_id },
	{ .name = "info", .arity = 2, .run = client_info },
	{ .name = "no-evict", .arity = 3, .run = client_switch },
	{ .name = "no-touch", .arity = 3, .run = client_switch },
	{ .name = "reply", .arity = 3, .run = client_reply },
	{ .name = "setinfo", .arity = 4, .run = client_setinfo },
	{ .name = "setname", .arity = 3, .run = client_setname },
};

const struct resp_commands resp__client_parts = { client_parts, sizeof client_parts / sizeof client_parts[0] };

/* SPDX-License-Identifier: MIT */
/* What the placeholders of handlers stand for. Values of the event are spans of it; others are made in the scratch
 * buffer. */
#include "src/handlers/handlers_int.h"

#include "eio/check.h"
#include "eio/query.h"
#include "sio/json.h"
#include "src/handlers/request.h"

static const struct template_value nothing = { .type = TEMPLATE_NOTHING };

static struct template_value
plain_value(struct eio_bytes text)
{
	return (struct template_value){ TEMPLATE_PLAIN, text, false };
}

static struct template_value
raw_value(struct eio_bytes json)
{
	return (struct template_value){ TEMPLATE_RAW, json, false };
}

/* What was written to the scratch buffer. */
static struct template_value
scratch_value(const struct handlers_run *r, struct template_value v)
{
	return eio_buf_failed(&r->scratch) ? (struct template_value){ .type = TEMPLATE_FAILED } : v;
}

/* Arguments may hold placeholders of attachments, which are numbered anew when they are sent. */
static struct template_value
argument_value(const struct handlers_run *r, unsigned number)
{
	struct sio_json_iter it = sio_json_iter(r->data);
	struct eio_bytes v;

	sio_json_next(&it, NULL, &v); /* the name */
	while (sio_json_next(&it, NULL, &v))
		if (number-- == 0) return (struct template_value){ TEMPLATE_RAW, v, r->n_attachments > 0 };
	return nothing;
}

static struct template_value
query_value(struct handlers_run *r, struct eio_bytes name)
{
	bool found = true;

	eio_buf_clear(&r->scratch);
	if (name.n)
		found = eio_query_get(r->call->query, name, &r->scratch);
	else
		handlers_query_object(r->call->query, &r->scratch);
	if (!found) return nothing;
	return scratch_value(
		r, name.n ? plain_value(eio_buf_bytes(&r->scratch)) : raw_value(eio_buf_bytes(&r->scratch)));
}

/* A member of what was kept of the request. */
static struct template_value
request_value(const struct handlers_run *r, struct eio_bytes pointer)
{
	struct eio_bytes v;

	return r->call->headers.n && sio_json_find(r->call->headers, pointer, &v) ? raw_value(v) : nothing;
}

/* A room that has its id for a name, as each socket has one in Node, is the way to it and nothing it is in. */
static struct template_value
rooms_value(struct handlers_run *r)
{
	const struct sio_room_key *key;
	const struct eio_list *at = NULL;
	struct eio_bytes own = sio_socket_id(r->call->socket);

	eio_buf_clear(&r->scratch);
	eio_buf_addc(&r->scratch, '[');
	while ((key = sio_member_next_room(&r->call->socket->member, &at))) {
		if (key->everyone || eio_bytes_eq(key->name, own)) continue;
		if (r->scratch.n > 1) eio_buf_addc(&r->scratch, ',');
		sio_json_escape(&r->scratch, key->name);
	}
	eio_buf_addc(&r->scratch, ']');
	return scratch_value(r, raw_value(eio_buf_bytes(&r->scratch)));
}

static struct template_value
star_value(const struct handlers_run *r, unsigned number)
{
	struct template_captures c;

	if (!template_match(r->call->pattern, sio_socket_nsp(r->call->socket), &c) || number >= c.n) return nothing;
	return plain_value(c.v[number]);
}

struct template_value
handlers__find(void *ctx, const struct template_placeholder *p)
{
	struct handlers_run *r = ctx;
	const struct sio_socket *s = r->call->socket;

	switch (p->what) {
	case TEMPLATE_ARGUMENT: return argument_value(r, p->number);
	case TEMPLATE_ARGUMENTS: return (struct template_value){ TEMPLATE_ELEMENTS, r->args, r->n_attachments > 0 };
	case TEMPLATE_EVENT: return raw_value(r->event);
	case TEMPLATE_AUTH:
		return raw_value(sio_socket_auth(s).p ? sio_socket_auth(s) : EIO_LIT("{}")); /* as in Node */
	case TEMPLATE_CLAIMS: return r->call->claims.n ? raw_value(r->call->claims) : nothing;
	case TEMPLATE_QUERY: return query_value(r, p->name);
	case TEMPLATE_HEADER: return request_value(r, EIO_LIT("/header"));
	case TEMPLATE_COOKIE: return request_value(r, EIO_LIT("/cookie"));
	case TEMPLATE_ADDRESS: return r->call->address.n ? raw_value(r->call->address) : nothing;
	case TEMPLATE_SUBJECT: return request_value(r, EIO_LIT("/subject"));
	case TEMPLATE_SID: return plain_value(sio_socket_id(s));
	case TEMPLATE_NSP: return plain_value(sio_socket_nsp(s));
	case TEMPLATE_NSP_STAR: return star_value(r, p->number);
	case TEMPLATE_ROOMS: return rooms_value(r);
	case TEMPLATE_REASON: return plain_value(eio_cstr(r->reason));
	case TEMPLATE_TEXT:
	case TEMPLATE_CHANNEL:
	case TEMPLATE_ID:
	case TEMPLATE_STAR:
	case TEMPLATE_MESSAGE:
	case TEMPLATE_ROOM:
	case TEMPLATE_MEMBERS:
	case TEMPLATE_IDS:
	case TEMPLATE_INFO:
	case TEMPLATE_MEMBER:
	case TEMPLATE_NUMBER:
	case TEMPLATE_KEY:
	case TEMPLATE_FIELD:
	case TEMPLATE_MESSAGE_TEXT: break;
	}
	CHECK(!"a placeholder of another place in a handler");
	return nothing;
}

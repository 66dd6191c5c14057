/* SPDX-License-Identifier: MIT */
/*
 * Whether a request is in order, and what its query says about the session it
 * is for or begins. The order of the checks is that of the reference (protocol
 * section "Errors before a session exists").
 */
#include "eio/net/verify.h"

#include "eio/net/sid.h"
#include "eio/query.h"

bool
eio_server_owns_path(const struct eio_server *s, struct eio_bytes path)
{
	return eio_bytes_starts(path, eio_cstr(s->prefix));
}

/* What every request is looked at for, found in one go. */
enum { Q_TRANSPORT, Q_SID, Q_EIO, Q_T, Q_COUNT };

static void
find_parameters(struct eio_bytes query, struct eio_bytes found[Q_COUNT])
{
	static const struct eio_bytes names[Q_COUNT] = { { "transport", 9 }, { "sid", 3 }, { "EIO", 3 }, { "t", 1 } };

	eio_query_find(query, names, found, Q_COUNT);
}

/* The transport that a request names: 0 for polling, 1 for websocket, -1 for one that is unknown or disabled. */
static int
named_transport(const struct eio_server *s, struct eio_bytes v)
{
	if (s->options->polling && eio_query_value_is(v, EIO_LIT("polling"))) return EIO_TRANSPORT_POLLING;
	if (s->options->websocket && eio_query_value_is(v, EIO_LIT("websocket"))) return EIO_TRANSPORT_WEBSOCKET;
	return -1;
}

/* The revision that a request asks for: 4, 3 (also for the "2" of the oldest browser clients, and for nothing, which is
 * what many embedded clients say), or 0 for one that is not served. */
static int
named_revision(const struct eio_server_options *o, struct eio_bytes v)
{
	if (eio_query_value_is(v, EIO_LIT("4"))) return 4;
	if (!o->allow_eio3) return 0;
	return v.n == 0 || eio_query_value_is(v, EIO_LIT("3")) || eio_query_value_is(v, EIO_LIT("2")) ? 3 : 0;
}

/* What the cache buster `t` says about a client of revision 3. */
enum buster {
	BUSTER_NONE, /* another name was chosen for it, or none; a WebSocket from the start has none either */
	BUSTER_TIME, /* <milliseconds>: WebSockets of 1.0 to 1.3, when asked for */
	BUSTER_COUNTED, /* <milliseconds>-<count>: 1.0 to 1.3 */
	BUSTER_LATER, /* anything else: since 1.4 */
};

static size_t
leading_digits(struct eio_bytes s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9') n++;
	return n;
}

static enum buster
buster_in(struct eio_bytes t)
{
	size_t time = leading_digits(t), count = 0;

	if (time < t.n && t.p[time] == '-') count = leading_digits(eio_bytes(t.p + time + 1, t.n - time - 1));
	if (time > 0 && time == t.n) return BUSTER_TIME;
	return time > 0 && count > 0 && time + 1 + count == t.n ? BUSTER_COUNTED : BUSTER_LATER;
}

static enum buster
buster_of(struct eio_bytes query)
{
	enum buster found;
	struct eio_buf t;

	eio_buf_init(&t);
	if (!eio_query_get(query, EIO_LIT("t"), &t)) return BUSTER_NONE;
	found = buster_in(eio_buf_bytes(&t));
	eio_buf_deinit(&t);
	return found;
}

/* Whether one of 1.0 to 1.3 stands in a query under a name that was chosen for it. */
static bool
has_counted_buster(struct eio_bytes query)
{
	struct eio_bytes name, value;

	while (eio_query_next(&query, &name, &value))
		if (buster_in(value) == BUSTER_COUNTED) return true;
	return false;
}

/* Whether nothing shows that a client of revision 3 which polls is a browser or an official client. Such clients, in
 * small machines for the most part, copy the first answer into a C string. Browsers always send Accept, and so do the
 * official clients in Node. */
static bool
is_nobody_known(const struct eio_request *req, enum buster buster)
{
	struct eio_bytes agent = eio_request_header(req, EIO_LIT("user-agent"));

	if (buster != BUSTER_NONE || eio_request_header(req, EIO_LIT("accept")).n > 0) return false;
	if (eio_bytes_starts(agent, EIO_LIT("Mozilla/")) || eio_bytes_starts(agent, EIO_LIT("Opera/"))) return false;
	return !eio_bytes_starts(agent, EIO_LIT("node-XMLHttpRequest")) && !has_counted_buster(req->query);
}

/* Whether a handshake of revision 3 that says EIO=3 may be one of client 1.0.x in Node, which encodes twice on
 * WebSockets, too. Its polling asks for b64 like that of all clients in Node, and its WebSocket names an Origin without
 * a scheme. */
static bool
may_be_oldest(const struct eio_request *req, enum eio_transport transport, enum buster buster, bool b64)
{
	struct eio_bytes origin = eio_request_header(req, EIO_LIT("origin"));
	/* A page; the files for pages say EIO=2 in 1.0.x. */
	bool page = eio_bytes_eq(origin, EIO_LIT("null")) || (origin.n && memmem(origin.p, origin.n, "://", 3));

	return buster != BUSTER_LATER && !page && (transport == EIO_TRANSPORT_WEBSOCKET || b64);
}

bool
eio__server_wants_b64(const struct eio_request *req)
{
	const struct eio_bytes name = EIO_LIT("b64");
	struct eio_bytes value;

	eio_query_find(req->query, &name, &value, 1);
	return value.n > 0;
}

/* How a client of revision 3 encodes text is told by its generation where the handshake shows that, else by what it
 * sends (protocol section 1.6, receiving). */
struct eio_session_kind
eio__server_kind(const struct eio_server_options *o, const struct eio_request *req, enum eio_transport transport)
{
	struct eio_session_kind k = { .transport = transport,
		.revision = eio_query_is(req->query, EIO_LIT("EIO"), EIO_LIT("4")) ? 4 : 3,
		.b64 = eio__server_wants_b64(req) };
	enum buster buster;

	if (k.revision == 4) return k;
	buster = buster_of(req->query);
	k.strings = transport == EIO_TRANSPORT_POLLING && !o->binary_form && is_nobody_known(req, buster);
	if (eio_query_is(req->query, EIO_LIT("EIO"), EIO_LIT("2"))) {
		k.text = k.ws_text = EIO_TEXT_TWICE;
		return k;
	}
	k.text = buster == BUSTER_COUNTED ? EIO_TEXT_TWICE : EIO_TEXT_UNKNOWN;
	k.ws_text = may_be_oldest(req, transport, buster, k.b64) ? EIO_TEXT_UNKNOWN : EIO_TEXT_ONCE;
	return k;
}

/* Of another node, whose sids are not looked at. */
static enum eio_error
verify_elsewhere(
	const struct eio_server *s, const struct eio_request *req, struct eio_bytes node, struct eio__owner *owner)
{
	if (!s->handler.elsewhere || req->relayed || node.n == 0) return EIO_ERROR_UNKNOWN_SID;
	memcpy(owner->node, node.p, node.n);
	owner->node[node.n] = '\0';
	return EIO_OK;
}

static enum eio_error
verify_session(struct eio_server *s, const struct eio_request *req, struct eio_bytes revision, struct eio_bytes sid,
	int transport, bool upgrade, struct eio_socket **socket, struct eio__owner *owner)
{
	int index = eio__sid_owner(sid);
	struct eio_bytes node = eio__sid_node(sid);

	if (s->options->node && !eio_bytes_eq(node, eio__server_node(s))) return verify_elsewhere(s, req, node, owner);
	if (index < 0 || (unsigned)index >= s->options->count) return EIO_ERROR_UNKNOWN_SID;
	owner->index = (unsigned)index;
	if (owner->index != s->options->index) return EIO_OK;
	*socket = eio__socket_find(s, sid);
	if (!*socket) return EIO_ERROR_UNKNOWN_SID;
	/* A WebSocket joins a polling session only as an upgrade, and a poll never joins a WebSocket; nor does the
	 * revision change. Who names none means that of the session. */
	if (revision.n > 0 && named_revision(s->options, revision) != (*socket)->session.kind.revision)
		return EIO_ERROR_BAD_REQUEST;
	if (!upgrade && transport != (int)eio_session_transport(&(*socket)->session)) return EIO_ERROR_BAD_REQUEST;
	return EIO_OK;
}

enum eio_error
eio__server_verify(struct eio_server *s, const struct eio_request *req, bool upgrade, struct eio_socket **socket,
	struct eio__owner *owner)
{
	struct eio_bytes found[Q_COUNT];
	enum eio_error err = EIO_OK;
	struct eio_buf sid;
	int transport;

	find_parameters(req->query, found);
	transport = named_transport(s, found[Q_TRANSPORT]);
	*socket = NULL;
	*owner = (struct eio__owner){ .index = s->options->index, .t = found[Q_T] };
	if (transport < 0) return EIO_ERROR_UNKNOWN_TRANSPORT;
	eio_buf_init(&sid);
	eio_query_value_decode(found[Q_SID], &sid);
	if (eio_buf_failed(&sid)) {
		err = EIO_ERROR_BAD_REQUEST; /* out of memory: not one without a sid */
	} else if (sid.n > 0) {
		err = verify_session(s, req, found[Q_EIO], eio_buf_bytes(&sid), transport, upgrade, socket, owner);
	} else if (req->method != EIO_HTTP_GET) {
		err = EIO_ERROR_BAD_HANDSHAKE_METHOD;
	} else if (transport == EIO_TRANSPORT_WEBSOCKET && !upgrade) {
		err = EIO_ERROR_BAD_REQUEST;
	} else if (!named_revision(s->options, found[Q_EIO])) {
		err = EIO_ERROR_UNSUPPORTED_PROTOCOL;
	}
	eio_buf_deinit(&sid);
	return err;
}

bool
eio__server_admits(const struct eio_server *s, const struct eio_request *req, bool upgrade)
{
	const struct eio_server_options *o = s->options;

	if (upgrade) return eio_cors_admits(&o->cors, req);
	/* Nearly always there is nothing to look for. */
	if (!o->no_jsonp && !eio_cors_restricts(o->cors.origin)) return true;
	if (!eio_query_has(req->query, EIO_LIT("j"))) return true;
	return !o->no_jsonp && eio_cors_admits(&o->cors, req);
}

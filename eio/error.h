/* SPDX-License-Identifier: MIT */
/*
 * Engine.IO's own error codes (what a refused request is answered) and close
 * reasons (why a session ended), each from one table.
 */
#ifndef EIO_ERROR_H
#define EIO_ERROR_H

/* id, code on the wire, message: the JSON body is {"code":N,"message":"…"}. */
#define EIO_ERROR_TABLE(X) \
	X(UNKNOWN_TRANSPORT, 0, "Transport unknown") \
	X(UNKNOWN_SID, 1, "Session ID unknown") \
	X(BAD_HANDSHAKE_METHOD, 2, "Bad handshake method") \
	X(BAD_REQUEST, 3, "Bad request") \
	X(FORBIDDEN, 4, "Forbidden") \
	X(UNSUPPORTED_PROTOCOL, 5, "Unsupported protocol version")

enum eio_error {
	EIO_OK = -1,
#define X(id, code, text) EIO_ERROR_##id = (code),
	EIO_ERROR_TABLE(X)
#undef X
};

/* id, text as Engine.IO and Socket.IO name it, what it means. */
#define EIO_REASON_TABLE(X) \
	X(TRANSPORT_CLOSE, "transport close", "the client closed the transport") \
	X(TRANSPORT_ERROR, "transport error", "a transport failed or broke the rules") \
	X(PING_TIMEOUT, "ping timeout", "no pong came within pingTimeout") \
	X(PARSE_ERROR, "parse error", "a packet could not be read") \
	X(FORCED_CLOSE, "forced close", "the application closed the session") \
	X(SHUTDOWN, "server shutting down", "the server is going away")

enum eio_reason {
#define X(id, text, help) EIO_REASON_##id,
	EIO_REASON_TABLE(X)
#undef X
		EIO_REASON_COUNT
};

/* The message of an error code; a static string. */
const char *eio_error_message(enum eio_error e);

/* The text of a close reason; a static string. */
const char *eio_reason_text(enum eio_reason r);

#endif

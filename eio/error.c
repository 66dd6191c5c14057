/* SPDX-License-Identifier: MIT */
/* Names of error codes and close reasons, from the tables in error.h. */
#include "eio/error.h"

const char *
eio_error_message(enum eio_error e)
{
	switch (e) {
#define X(id, code, text) \
	case EIO_ERROR_##id: return text;
		EIO_ERROR_TABLE(X)
#undef X
	case EIO_OK: break;
	}
	return "OK";
}

const char *
eio_reason_text(enum eio_reason r)
{
	static const char *const names[] = {
#define X(id, text, help) text,
		EIO_REASON_TABLE(X)
#undef X
	};

	return r < EIO_REASON_COUNT ? names[r] : "unknown";
}

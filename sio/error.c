/* SPDX-License-Identifier: MIT */
/* The texts of the Socket.IO core's errors. Nothing else belongs here. */
#include "sio/error.h"

#include "eio/check.h"

static const char *const error_texts[] = { "no error",
#define X(name, label, text) text,
	SIO_FAULT_TABLE(X)
#undef X
#define X(name, text) text,
		SIO_ERROR_TABLE(X)
#undef X
};

const char *
sio_strerror(int err)
{
	CHECK(err <= 0 && err > -(int)(sizeof error_texts / sizeof error_texts[0]));
	return error_texts[-err];
}

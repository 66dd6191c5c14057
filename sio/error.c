/* SPDX-License-Identifier: MIT */
/* The texts of the Socket.IO core's errors. Nothing else belongs here. */
#include "sio/error.h"

static const char *const texts[] = { "no error",
#define X(name, text) text,
	SIO_ERROR_TABLE(X)
#undef X
};

const char *
sio_strerror(int err)
{
	if (err > 0 || err <= -(int)SIO_ERROR_COUNT) return "unknown error";
	return texts[-err];
}

/* SPDX-License-Identifier: MIT */
/* A configuration for tests that want options filled by it. */
#ifndef TESTS_UNIT_CONFIGURED_H
#define TESTS_UNIT_CONFIGURED_H

#include "src/config/config.h"

/* What a file of that text says; a mistake in it fails the test. For config_free(). */
struct config *configured(const char *text);

#endif

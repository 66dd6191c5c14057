/* SPDX-License-Identifier: MIT */
/* What dialects are called. */
#include "src/adapter/spec.h"

const char *
adapter_dialect_name(size_t i)
{
	static const char *const names[ADAPTER_DIALECTS] = {
		[ADAPTER_CLASSIC] = "classic", [ADAPTER_SHARDED] = "sharded", [ADAPTER_STREAMS] = "streams"
	};

	return i < ADAPTER_DIALECTS ? names[i] : NULL;
}

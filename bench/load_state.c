/* SPDX-License-Identifier: MIT */
/* What all of the load generator looks at. */
#include "bench/load.h"

struct load load;

/* SPDX-License-Identifier: MIT */
/* What all modes of the floor look at. */
#include "bench/floor.h"

struct floor fl;

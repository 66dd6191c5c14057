/* SPDX-License-Identifier: MIT */
/* The time of day, for whoever has to tell it to others. What lasts so long is measured by the loop. */
#ifndef SRC_BASE_CLOCK_H
#define SRC_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970. */
uint64_t clock_wall_ms(void);

#endif

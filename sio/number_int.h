/* SPDX-License-Identifier: MIT */
/* Numbers as the reference parser reads them where only small integers matter. Not for others. */
#ifndef SIO_NUMBER_INT_H
#define SIO_NUMBER_INT_H

#include "eio/bytes.h"

/* Where one JavaScript number lies, told without floating point (strtod would obey the locale). */
enum sio__number {
	SIO__NUMBER_NONE, /* not a decimal number */
	SIO__NUMBER_SMALL, /* an integer 0 … 99 */
	SIO__NUMBER_LARGE, /* 100 or more */
	SIO__NUMBER_FRACTION, /* positive, below 100, not an integer */
	SIO__NUMBER_NEGATIVE /* below 0; -0 is small */
};

/* Reads digits with sign, point and exponent, such as "10", "1e1", "1.0" or "+1". *value is set for SIO__NUMBER_SMALL,
 * and to the integer below for SIO__NUMBER_FRACTION. */
enum sio__number sio__number_read(struct eio_bytes text, unsigned *value);

/* How many bytes a blank at s takes, 0 when it does not start with one: what JavaScript trims off a number, which is
 * why its Number(" ") is 0 and the reference parser takes a blank for a digit. */
size_t sio__blank_len(struct eio_bytes s);

#endif

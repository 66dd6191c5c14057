/* SPDX-License-Identifier: MIT */
/*
 * Words for the rows of tables, one for each type. A file that uses them defines
 * ROWS_OF, the struct that its table is about; a field of another type than the row's
 * does not compile. def: JSON, or NULL for a target that stays as it is.
 */
#ifndef SRC_CONFIG_ROWS_H
#define SRC_CONFIG_ROWS_H

#include "src/config/schema.h"
#include "src/config/table.h"

/* clang-format off */

/* The offset of a field. Types: associations of _Generic, "unsigned : 1". */
#define ROWS_AT(field, ...) \
	(offsetof(ROWS_OF, field) + 0 * sizeof(char[_Generic(((ROWS_OF *)NULL)->field, __VA_ARGS__)]))

#define SECTION(p) { .path = p, .type = CONFIG_TYPE_SECTION }
#define UINT(p, field, lo, hi, def) \
	{ .path = p, .type = CONFIG_TYPE_UINT, .offset = ROWS_AT(field, unsigned : 1, int : 1), .min = lo, .max = hi, \
	  .fallback = def }
#define WIDE(p, field, lo, hi, def) \
	{ .path = p, .type = CONFIG_TYPE_UINT64, .offset = ROWS_AT(field, uint64_t : 1), .min = lo, .max = hi, \
	  .fallback = def }
#define SIZE(p, field, lo, hi, def) \
	{ .path = p, .type = CONFIG_TYPE_SIZE, .offset = ROWS_AT(field, size_t : 1), .min = lo, .max = hi, \
	  .fallback = def }
#define BOOL(p, field, def) \
	{ .path = p, .type = CONFIG_TYPE_BOOL, .offset = ROWS_AT(field, bool : 1), .fallback = def }
#define STRING(p, field, def) \
	{ .path = p, .type = CONFIG_TYPE_STRING, .offset = ROWS_AT(field, const char * : 1), .fallback = def }
/* An enum without negative values is unsigned. */
#define ENUM(p, field, list, def) \
	{ .path = p, .type = CONFIG_TYPE_ENUM, .offset = ROWS_AT(field, unsigned : 1), .names = list, .fallback = def }
#define ENUM_ALIAS(p, field, list) \
	{ .path = p, .type = CONFIG_TYPE_ENUM, .offset = ROWS_AT(field, unsigned : 1), .names = list, .alias = true }
/* The function gets the field, or with STRUCT all of the struct. sch: see schema.h. */
#define CUSTOM(p, field, fn, def, sch) \
	{ .path = p, .type = CONFIG_TYPE_CUSTOM, .offset = offsetof(ROWS_OF, field), .custom = fn, .fallback = def, \
	  .schema = sch }
#define STRUCT(p, fn, sch) { .path = p, .type = CONFIG_TYPE_CUSTOM, .custom = fn, .schema = sch }
#define STRUCT_DEFAULT(p, fn, def, sch) \
	{ .path = p, .type = CONFIG_TYPE_CUSTOM, .custom = fn, .fallback = def, .schema = sch }

/* clang-format on */

#define TABLE_OF(rows) \
	{ \
		rows, sizeof rows / sizeof rows[0] \
	}

#endif

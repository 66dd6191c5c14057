/* SPDX-License-Identifier: MIT */
/*
 * The configuration as a JSON Schema (draft 2020-12), which editors complete and check by: made from the tables of
 * options. Types, ranges, names and defaults are in the rows; of what a function reads the row says itself what
 * that may be, in words of this file. A string may be ${NAME} wherever a number or a boolean stands.
 *
 * It takes nothing that siocast refuses for its shape, but knows no templates, addresses and files.
 */
#ifndef SRC_CONFIG_SCHEMA_H
#define SRC_CONFIG_SCHEMA_H

#include "eio/buf.h"

/* Schemas of values, as JSON. */
#define SCHEMA_ANYTHING "true"
#define SCHEMA_BOOL SCHEMA_REF("boolean")
#define SCHEMA_OBJECT "{\"type\":\"object\"}"
#define SCHEMA_STRING "{\"type\":\"string\",\"minLength\":1}"
#define SCHEMA_STRING_OR_EMPTY "{\"type\":\"string\"}"
#define SCHEMA_STRING_OR_NULL "{\"type\":[\"string\",\"null\"],\"minLength\":1}"
#define SCHEMA_STRING_OR_FALSE SCHEMA_ANY_OF(SCHEMA_STRING_OR_NULL, "{\"const\":false}")
#define SCHEMA_REDIS_SOURCE \
	SCHEMA_ANY_OF("{\"enum\":[\"subscribe\",\"psync\"]}", "{\"type\":\"string\",\"pattern\":\"^siocast://\"}")
#define SCHEMA_FALSE_OR_NULL "{\"enum\":[false,null]}"
#define SCHEMA_NODE "{\"type\":[\"string\",\"null\"],\"pattern\":\"^[A-Za-z0-9_-]{1,6}$\"}"
#define SCHEMA_PEERS \
	"{\"type\":[\"object\",\"null\"],\"minProperties\":1,\"propertyNames\":{\"pattern\":\"^[A-Za-z0-9_-]{1,6}$\"}," \
	"\"additionalProperties\":" SCHEMA_STRING "}"
#define SCHEMA_POINTER "{\"type\":\"string\",\"pattern\":\"^/\"}"
#define SCHEMA_STRINGS SCHEMA_REF("strings") /* a string or a list of them */
#define SCHEMA_STRINGS_OR_NONE SCHEMA_REF("stringsOrNone") /* it may be empty */
#define SCHEMA_STRINGS_OR_NULL SCHEMA_ANY_OF("{\"type\":\"null\"}", SCHEMA_STRINGS)
#define SCHEMA_SECONDS_OR_NULL SCHEMA_ANY_OF("{\"type\":[\"integer\",\"null\"],\"minimum\":0}", SCHEMA_REF("variable"))
/* An event that is told: a name, or a list of name and arguments. */
#define SCHEMA_TOLD SCHEMA_ANY_OF(SCHEMA_STRING, "{\"type\":\"array\",\"minItems\":1}")
#define SCHEMA_SWITCH_OR(name) SCHEMA_ANY_OF("{\"type\":[\"boolean\",\"null\"]}", SCHEMA_REF(name))

/* One of the definitions of schema.c: what a table takes, or several. */
#define SCHEMA_REF(name) "{\"$ref\":\"#/$defs/" name "\"}"
#define SCHEMA_ANY_OF(a, b) "{\"anyOf\":[" a "," b "]}"
#define SCHEMA_LIST(of) "{\"type\":\"array\",\"items\":" of "}"
#define SCHEMA_ONE_OR_MORE(of) SCHEMA_ANY_OF(of, "{\"type\":\"array\",\"minItems\":1,\"items\":" of "}")

/* Appends the schema, indented. 0, or -1 when out of memory. */
int config_schema(struct eio_buf *out);

#endif

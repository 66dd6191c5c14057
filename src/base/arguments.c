/* SPDX-License-Identifier: MIT */
/* From tables to getopt_long(3), and to help. */
#include "src/base/arguments.h"

#include "eio/check.h"

#include <getopt.h>
#include <string.h>

enum {
	FIRST_KEY = 256, /* what getopt returns for the first option; letters are below */
	HELP_COLUMN = 28, /* where what an option is for begins */
};

/* All tables as getopt wants them. */
struct arguments_index {
	struct option all[ARGUMENTS_MAX + 1];
	struct {
		const struct argument *table;
		size_t i;
	} where[ARGUMENTS_MAX];
	char letters[3 * ARGUMENTS_MAX + 1];
	size_t n;
};

static void
index_argument(struct arguments_index *x, const struct argument *table, size_t i)
{
	size_t end = strlen(x->letters);

	CHECK(x->n < ARGUMENTS_MAX);
	x->all[x->n] = (struct option){
		.name = table[i].name,
		.has_arg = table[i].value ? required_argument : no_argument,
		.val = FIRST_KEY + (int)x->n,
	};
	x->where[x->n].table = table;
	x->where[x->n].i = i;
	x->n++;
	if (!table[i].letter) return;
	x->letters[end++] = table[i].letter;
	if (table[i].value) x->letters[end++] = ':';
	x->letters[end] = '\0';
}

static void
index_arguments(struct arguments_index *x, const struct argument *const *tables)
{
	*x = (struct arguments_index){ .n = 0 };
	for (; *tables; tables++)
		for (size_t i = 0; (*tables)[i].name; i++) index_argument(x, *tables, i);
}

/* The place of what getopt has found; n where it is none. */
static size_t
index_of_key(const struct arguments_index *x, int key)
{
	size_t k = 0;

	if (key >= FIRST_KEY) return (size_t)(key - FIRST_KEY);
	while (k < x->n && x->where[k].table[x->where[k].i].letter != key) k++;
	return k;
}

int
arguments_read(int argc, char **argv, const struct argument *const *tables, argument_fn given, void *user)
{
	struct arguments_index x;
	size_t k;
	int key;

	index_arguments(&x, tables);
	optind = 1;
	while ((key = getopt_long(argc, argv, x.letters, x.all, NULL)) != -1) {
		k = index_of_key(&x, key);
		if (k == x.n) return -1;
		if (!given(user, x.where[k].table, x.where[k].i, optarg)) return 0;
	}
	return optind;
}

void
arguments_help(FILE *out, const struct argument *table)
{
	const char *line, *end;
	int n;

	for (; table->name; table++) {
		n = table->letter ? fprintf(out, "  -%c, ", table->letter) : fprintf(out, "      ");
		n += fprintf(out, "--%s%s%s", table->name, table->value ? " " : "", table->value ? table->value : "");
		for (line = table->help; line; line = end ? end + 1 : NULL) {
			end = strchr(line, '\n');
			fprintf(out, "%*s%.*s\n", n < HELP_COLUMN ? HELP_COLUMN - n : 1, "",
				end ? (int)(end - line) : (int)strlen(line), line);
			n = 0;
		}
	}
}

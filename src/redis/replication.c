/* SPDX-License-Identifier: MIT */
/* The stream of a replica. */
#include "src/redis/replication.h"

#include "eio/check.h"
#include "src/redis/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A buffer that was needed for a long message is not kept. */
enum { KEEP_BYTES = 65536 };

enum { NAME_MAX_BYTES = 16 }; /* of a command, so far as it matters which it is */

enum state {
	AT_REPLY, /* the answer to PSYNC */
	AT_SNAPSHOT, /* the line in front of the snapshot */
	IN_SNAPSHOT, /* `left` bytes */
	IN_SNAPSHOT_UNTIL, /* bytes until the 40 */
	AT_COMMAND, /* "*<n>" */
	AT_STRING, /* "$<n>" */
	IN_STRING,
	REFUSED,
	FAILED,
};

enum command { COMMAND_OTHER, COMMAND_PUBLISH, COMMAND_REPLCONF };

void
redis_replication_init(struct redis_replication *r, size_t max_string)
{
	*r = (struct redis_replication){ .max_string = max_string };
}

void
redis_replication_deinit(struct redis_replication *r)
{
	eio_buf_deinit(&r->name);
	eio_buf_deinit(&r->channel);
	eio_buf_deinit(&r->payload);
}

void
redis_replication_begin(struct redis_replication *r, struct eio_buf *out)
{
	char text[24] = "-1";

	r->rest = eio_bytes("", 0);
	r->state = AT_REPLY;
	r->line_n = r->tail_n = 0;
	if (*r->id) snprintf(text, sizeof text, "%" PRIu64, r->offset + 1);
	redis_command(out, 3);
	redis_argument(out, EIO_LIT("PSYNC"));
	redis_argument(out, *r->id ? eio_cstr(r->id) : EIO_LIT("?"));
	redis_argument(out, eio_cstr(text));
}

void
redis_replication_feed(struct redis_replication *r, struct eio_bytes bytes)
{
	CHECK(r->rest.n == 0);
	r->rest = bytes;
}

static enum redis_replicated
fail_replication(struct redis_replication *r)
{
	r->state = FAILED;
	*r->id = '\0';
	r->rest.n = 0;
	return REDIS_REPLICATED_ERROR;
}

static struct eio_bytes
take_replicated_bytes(struct redis_replication *r, uint64_t n)
{
	struct eio_bytes b = eio_bytes(r->rest.p, n < r->rest.n ? (size_t)n : r->rest.n);

	r->rest = eio_bytes(r->rest.p + b.n, r->rest.n - b.n);
	r->at += b.n;
	return b;
}

/* A line without its end, if all of it is there. One that was cut is put together; a longer one than any there is, is
 * cut off, so that whoever reads it fails. */
static bool
take_whole_line(struct redis_replication *r, struct eio_bytes *line)
{
	const char *end = memchr(r->rest.p, '\n', r->rest.n);
	struct eio_bytes b = take_replicated_bytes(r, end ? (uint64_t)(end + 1 - r->rest.p) : r->rest.n);
	size_t room = sizeof r->line - r->line_n;

	*line = eio_bytes(b.p, b.n < room ? b.n : room);
	if (!end || r->line_n) {
		memcpy(r->line + r->line_n, b.p, b.n < room ? b.n : room);
		r->line_n += b.n < room ? b.n : room;
		*line = eio_bytes(r->line, r->line_n);
	}
	if (!end) return false;
	r->line_n = 0;
	while (line->n && (line->p[line->n - 1] == '\n' || line->p[line->n - 1] == '\r')) line->n--;
	return true;
}

/* Digits, all of the text. */
static bool
whole_number(struct eio_bytes text, uint64_t *out)
{
	*out = 0;
	if (!text.n || text.n > 18) return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') return false;
		*out = *out * 10 + (uint64_t)(text.p[i] - '0');
	}
	return true;
}

static struct eio_bytes
behind(struct eio_bytes s, size_t n)
{
	return eio_bytes(s.p + n, s.n - n);
}

/* The answer to PSYNC */

static void
note_id(struct redis_replication *r, struct eio_bytes id)
{
	memcpy(r->id, id.p, REDIS_REPLICATION_ID);
	r->id[REDIS_REPLICATION_ID] = '\0';
}

/* "<id> <offset>": that of the snapshot. Who has the same stream, and less of it than was read, has lost nothing: what
 * comes behind the snapshot is passed over up to the position. */
static enum redis_replicated
take_full(struct redis_replication *r, struct eio_bytes rest)
{
	uint64_t offset;

	if (rest.n < REDIS_REPLICATION_ID + 2 || rest.p[REDIS_REPLICATION_ID] != ' ') return fail_replication(r);
	if (!whole_number(behind(rest, REDIS_REPLICATION_ID + 1), &offset)) return fail_replication(r);
	r->state = AT_SNAPSHOT;
	r->begin = offset;
	if (memcmp(r->id, rest.p, REDIS_REPLICATION_ID) == 0 && offset <= r->offset) return REDIS_REPLICATED_NONE;
	note_id(r, rest);
	r->offset = offset;
	return REDIS_REPLICATED_FULL;
}

static enum redis_replicated
go_online(struct redis_replication *r)
{
	r->at = r->begin;
	r->state = AT_COMMAND;
	return REDIS_REPLICATED_ONLINE;
}

/* A server that has another id now says it. */
static enum redis_replicated
take_continue(struct redis_replication *r, struct eio_bytes rest)
{
	if (!*r->id) return fail_replication(r);
	if (rest.n == REDIS_REPLICATION_ID + 1 && rest.p[0] == ' ')
		note_id(r, behind(rest, 1));
	else if (rest.n)
		return fail_replication(r);
	r->begin = r->offset;
	return go_online(r);
}

const char *
redis_replication_store(const struct redis_replication *r, char out[REDIS_REPLICATION_TEXT])
{
	if (!r->id[0]) return NULL;
	snprintf(out, REDIS_REPLICATION_TEXT, "%s %" PRIu64, r->id, r->offset);
	return out;
}

bool
redis_replication_resume(struct redis_replication *r, struct eio_bytes text)
{
	uint64_t offset;

	if (text.n <= REDIS_REPLICATION_ID || text.p[REDIS_REPLICATION_ID] != ' ') return false;
	for (size_t i = 0; i < REDIS_REPLICATION_ID; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~') return false;
	if (!whole_number(behind(text, REDIS_REPLICATION_ID + 1), &offset)) return false;
	note_id(r, eio_bytes(text.p, REDIS_REPLICATION_ID));
	r->offset = offset;
	return true;
}

/* Empty lines say that the server lives. */
static enum redis_replicated
read_psync_answer(struct redis_replication *r, struct redis_replicated_event *event)
{
	static const struct eio_bytes full = { "+FULLRESYNC ", 12 }, on = { "+CONTINUE", 9 };
	struct eio_bytes line;

	if (!take_whole_line(r, &line) || !line.n) return REDIS_REPLICATED_NONE;
	if (eio_bytes_starts(line, full)) return take_full(r, behind(line, full.n));
	if (eio_bytes_starts(line, on)) return take_continue(r, behind(line, on.n));
	if (line.p[0] != '-') return fail_replication(r);
	r->state = REFUSED;
	event->text = behind(line, 1);
	return REDIS_REPLICATED_REFUSED;
}

/* The snapshot */

static enum redis_replicated
read_snapshot_line(struct redis_replication *r)
{
	static const struct eio_bytes until = { "$EOF:", 5 };
	struct eio_bytes line;

	if (!take_whole_line(r, &line) || !line.n) return REDIS_REPLICATED_NONE;
	if (eio_bytes_starts(line, until) && line.n == until.n + REDIS_REPLICATION_ID) {
		memcpy(r->until, line.p + until.n, REDIS_REPLICATION_ID);
		r->state = IN_SNAPSHOT_UNTIL;
		return REDIS_REPLICATED_NONE;
	}
	if (line.p[0] != '$' || !whole_number(behind(line, 1), &r->left)) return fail_replication(r);
	r->state = IN_SNAPSHOT;
	return r->left ? REDIS_REPLICATED_NONE : go_online(r);
}

static enum redis_replicated
skip_snapshot(struct redis_replication *r)
{
	r->left -= take_replicated_bytes(r, r->left).n;
	return r->left ? REDIS_REPLICATED_NONE : go_online(r);
}

/* Where the 40 bytes end in what is kept of before and the first n bytes of what is there; 0: nowhere. */
static bool
ends_across(struct redis_replication *r, struct eio_bytes b, size_t *n)
{
	for (size_t k = 1; k < REDIS_REPLICATION_ID && k <= b.n; k++) {
		size_t before = REDIS_REPLICATION_ID - k;

		if (before > r->tail_n) continue;
		if (memcmp(r->tail + r->tail_n - before, r->until, before) != 0) continue;
		if (memcmp(b.p, r->until + before, k) != 0) continue;
		*n = k;
		return true;
	}
	return false;
}

static bool
ends_inside(const struct redis_replication *r, struct eio_bytes b, size_t *n)
{
	const char *found = memmem(b.p, b.n, r->until, REDIS_REPLICATION_ID);

	if (found) *n = (size_t)(found - b.p) + REDIS_REPLICATION_ID;
	return found != NULL;
}

/* Keeps the last bytes. */
static void
keep_tail(struct redis_replication *r, struct eio_bytes b)
{
	size_t keep;

	if (b.n > REDIS_REPLICATION_ID) b = behind(b, b.n - REDIS_REPLICATION_ID);
	keep = REDIS_REPLICATION_ID - b.n < r->tail_n ? REDIS_REPLICATION_ID - b.n : r->tail_n;
	memmove(r->tail, r->tail + r->tail_n - keep, keep);
	memcpy(r->tail + keep, b.p, b.n);
	r->tail_n = keep + b.n;
}

static enum redis_replicated
skip_snapshot_until(struct redis_replication *r)
{
	size_t n;

	if (ends_across(r, r->rest, &n) || ends_inside(r, r->rest, &n)) {
		take_replicated_bytes(r, n);
		r->tail_n = 0;
		return go_online(r);
	}
	keep_tail(r, r->rest);
	take_replicated_bytes(r, r->rest.n);
	return REDIS_REPLICATED_NONE;
}

/* Commands */

static void
begin_replicated(struct redis_replication *r, uint64_t elements)
{
	if (r->payload.cap > KEEP_BYTES) eio_buf_deinit(&r->payload);
	if (r->channel.cap > KEEP_BYTES) eio_buf_deinit(&r->channel);
	eio_buf_clear(&r->name);
	eio_buf_clear(&r->channel);
	eio_buf_clear(&r->payload);
	r->payload_there = eio_bytes("", 0);
	r->elements = elements;
	r->element = 0;
	r->command = COMMAND_OTHER;
	r->too_long = 0;
	r->state = AT_STRING;
}

static enum redis_replicated
read_command_line(struct redis_replication *r)
{
	struct eio_bytes line;
	uint64_t n;

	if (!take_whole_line(r, &line)) return REDIS_REPLICATED_NONE;
	if (line.n < 2 || line.p[0] != '*' || !whole_number(behind(line, 1), &n) || !n) return fail_replication(r);
	begin_replicated(r, n);
	return REDIS_REPLICATED_NONE;
}

/* Where the string at hand goes; NULL: nowhere. */
static struct eio_buf *
kept_in(struct redis_replication *r)
{
	if (r->element == 0) return &r->name;
	if (r->command == COMMAND_REPLCONF && r->element == 1) return &r->channel;
	if (r->command != COMMAND_PUBLISH || r->element > 2) return NULL;
	return r->element == 1 ? &r->channel : &r->payload;
}

static enum redis_replicated
read_string_head(struct redis_replication *r)
{
	size_t most = r->element ? r->max_string : NAME_MAX_BYTES;
	struct eio_bytes line;

	if (!take_whole_line(r, &line)) return REDIS_REPLICATED_NONE;
	if (line.n < 2 || line.p[0] != '$' || !whole_number(behind(line, 1), &r->string_n)) return fail_replication(r);
	r->left = r->string_n + 2;
	r->kept = kept_in(r) != NULL && r->string_n <= most;
	if (kept_in(r) && r->element && !r->kept && r->string_n > r->too_long) r->too_long = r->string_n;
	r->state = IN_STRING;
	return REDIS_REPLICATED_NONE;
}

static enum command
command_of(const struct eio_buf *name)
{
	if (name->n == 7 && strncasecmp(name->p, "publish", 7) == 0) return COMMAND_PUBLISH;
	if (name->n == 8 && strncasecmp(name->p, "replconf", 8) == 0) return COMMAND_REPLCONF;
	return COMMAND_OTHER;
}

/* Whether the server asks for the position: "REPLCONF GETACK *". */
static bool
asks_position(const struct redis_replication *r)
{
	return r->command == COMMAND_REPLCONF && r->channel.n == 6 && strncasecmp(r->channel.p, "getack", 6) == 0;
}

/* The last string of a command is there. */
static enum redis_replicated
end_command(struct redis_replication *r, struct redis_replicated_event *event)
{
	bool read = r->at <= r->offset;

	if (!read) r->offset = r->at;
	r->state = AT_COMMAND;
	if (asks_position(r)) return REDIS_REPLICATED_ASKED;
	if (read || r->command != COMMAND_PUBLISH || r->elements != 3) return REDIS_REPLICATED_NONE;
	event->channel = r->channel.n ? eio_buf_bytes(&r->channel) : EIO_LIT("");
	event->payload = r->payload_there;
	event->n = r->too_long;
	return r->too_long ? REDIS_REPLICATED_TOO_LONG : REDIS_REPLICATED_MESSAGE;
}

static enum redis_replicated
end_string(struct redis_replication *r, struct redis_replicated_event *event)
{
	if (r->element == 0) r->command = command_of(&r->name);
	r->state = AT_STRING;
	return ++r->element == r->elements ? end_command(r, event) : REDIS_REPLICATED_NONE;
}

/* What of a string is there, its line's end among it. A payload that is there as a whole stays where it is. */
static enum redis_replicated
read_replicated_string(struct redis_replication *r, struct redis_replicated_event *event)
{
	struct eio_buf *to = r->kept ? kept_in(r) : NULL;
	uint64_t seen = r->string_n + 2 - r->left;
	struct eio_bytes b = take_replicated_bytes(r, r->left), text = b;

	r->left -= b.n;
	if (seen + text.n > r->string_n) text.n = seen < r->string_n ? (size_t)(r->string_n - seen) : 0;
	if (to == &r->payload && text.n == r->string_n && !r->left)
		r->payload_there = text;
	else if (to)
		eio_buf_add(to, text);
	if (to && eio_buf_failed(to)) return fail_replication(r);
	if (r->left) return REDIS_REPLICATED_NONE;
	if (to == &r->payload && r->payload.n) r->payload_there = eio_buf_bytes(&r->payload);
	return end_string(r, event);
}

static enum redis_replicated
read_next(struct redis_replication *r, struct redis_replicated_event *event)
{
	switch ((enum state)r->state) {
	case AT_REPLY: return read_psync_answer(r, event);
	case AT_SNAPSHOT: return read_snapshot_line(r);
	case IN_SNAPSHOT: return skip_snapshot(r);
	case IN_SNAPSHOT_UNTIL: return skip_snapshot_until(r);
	case AT_COMMAND: return read_command_line(r);
	case AT_STRING: return read_string_head(r);
	case IN_STRING: return read_replicated_string(r, event);
	case REFUSED: take_replicated_bytes(r, r->rest.n); return REDIS_REPLICATED_NONE;
	case FAILED: break;
	}
	return fail_replication(r);
}

enum redis_replicated
redis_replication_next(struct redis_replication *r, struct redis_replicated_event *event)
{
	enum redis_replicated got = r->state == FAILED ? fail_replication(r) : REDIS_REPLICATED_NONE;

	while (got == REDIS_REPLICATED_NONE && r->rest.n) got = read_next(r, event);
	return got;
}

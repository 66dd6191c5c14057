/* SPDX-License-Identifier: MIT */
/* The rules about Redis. */
#include "src/tools/findings_int.h"

#include <stdio.h>
#include <string.h>

enum { STALL_SECONDS = 10 }; /* how long siocast may not read before Redis cuts it off, at the rate seen */

/* What helps when there is no connection, by a part of what is said then. The first that fits. */
static const struct {
	const char *part, *cure;
} away_cures[] = {
	{ "WRONGPASS",
		"the user and the password that \"redis\" has, or its \"passwordFile\", are not those of Redis: ACL LIST there" },
	{ "invalid password",
		"the password that \"redis\" has, or its \"passwordFile\", is not that of Redis: requirepass there" },
	{ "without any password configured", "leave user and password out of \"redis\", or set requirepass in Redis" },
	{ "NOAUTH", "this Redis wants a password: \"redis\": {\"url\": ..., \"passwordFile\": ...}" },
	{ "DENIED",
		"protected mode: give Redis a password, or protected-mode no where only its own network reaches it" },
	{ "max number of clients", "raise maxclients of Redis" },
	{ "does not speak it on this port", "that port is without TLS: redis:// in place of rediss://" },
	{ "TLS handshake", "that port is without TLS: redis:// in place of rediss://" },
	{ "is not for", "name the server as its certificate does, or give \"tls\": {\"serverName\": ...}" },
	{ "server's certificate", "\"tls\": {\"ca\": ...} of \"redis\": the authority that signed it" },
	{ "asks for a certificate", "\"tls\": {\"cert\": ..., \"key\": ...} of \"redis\"" },
	{ "our certificate", "a certificate whose authority Redis trusts: its tls-ca-cert-file" },
	{ "connection refused", "start Redis, or let \"redis\" say where it listens" },
	{ "no such file", "start Redis, or let \"redis\" name the socket that unixsocket of Redis names" },
	{ "permission denied", "let siocast's user write to the socket: unixsocketperm of Redis" },
	{ "temporary failure", "no name server answers for the host that \"redis\" names: an address does without" },
	{ "unknown node", "the host that \"redis\" names has no address: see that its name is right" },
	{ "closed by the server", "that port may want TLS: rediss:// in place of redis://" },
	{ "connection reset", "that port may want TLS: rediss:// in place of redis://" },
	{ "", "see that Redis works (redis-cli ping there), and that nothing between keeps connections back" },
};

static const char *
cure_of_away(const char *why)
{
	size_t i = 0;

	while (!strstr(why, away_cures[i].part)) i++;
	return away_cures[i].cure;
}

static void
find_version(const struct redis_facts *f, const struct doctor_wants *w, const struct findings_teller *t)
{
	if (!f->major)
		findings__tell(t, FINDING_WARN, "allow INFO: ACL SETUSER ... +info",
			"%s does not say which version it is", f->name);
	else if (f->major < 5 && w->streams)
		findings__tell(t, FINDING_FAIL, "Redis 5 or later", "%s is Redis %u.%u, which has no streams", f->name,
			f->major, f->minor);
	else if (f->major < 6)
		findings__tell(t, FINDING_WARN, "Redis 6 or later, or Valkey",
			"%s is Redis %u.%u: without ACLs, and not maintained any more", f->name, f->major, f->minor);
	else
		findings__tell(t, FINDING_OK, NULL, "%s answers: version %u.%u", f->name, f->major, f->minor);
}

static void
find_topology(const struct redis_facts *f, const struct doctor_wants *w, const struct findings_teller *t)
{
	if (f->cluster && w->psync)
		findings__tell(t, FINDING_FAIL, "\"source\": \"subscribe\"",
			"%s is part of a cluster, where \"psync\" misses what is published at other nodes", f->name);
	else if (f->cluster && w->streams)
		findings__tell(t, FINDING_WARN, "name the node that has the slot of each stream",
			"%s is part of a cluster: streams are read only where they lie", f->name);
	if (f->replica && w->publishes)
		findings__tell(t, FINDING_WARN, "let \"redis\" name the primary first",
			"%s is a replica: what handlers publish there does not reach the primary's subscribers",
			f->name);
}

/* Redis closes the connection of whoever listens and is behind by more than this. */
static void
find_output_limit(const struct redis_facts *f, const struct doctor_wants *w, const struct findings_teller *t)
{
	uint64_t hard = f->hard_bytes, soft = f->soft_bytes, rate = f->output_bytes_s;
	const char *who = f->replicates ? "replica" : "subscriber";
	char cure[160];

	snprintf(cure, sizeof cure,
		"CONFIG SET client-output-buffer-limit \"%s 256mb 64mb 60\", and the same in redis.conf",
		f->replicates ? "replica" : "pubsub");
	if (!f->limits_known)
		findings__tell(t, FINDING_WARN,
			"ACL SETUSER ... +config|get, or ask who runs it for client-output-buffer-limit",
			"%s does not say how far behind a %s may be", f->name, who);
	else if (hard && hard < w->message_bytes)
		findings__tell(t, FINDING_WARN, cure,
			"%s cuts a %s off at %llu bytes, and limits.messageBytes is %llu: one long message is enough",
			f->name, who, U(hard), U(w->message_bytes));
	else if (hard && rate && hard / rate < STALL_SECONDS)
		findings__tell(t, FINDING_WARN, cure,
			"%s sends %llu KB/s and cuts a %s off at %llu MB: after %llu s in which siocast does not read",
			f->name, U(rate >> 10), who, U(hard >> 20), U(hard / rate));
	else if (soft && rate && f->soft_seconds < STALL_SECONDS && soft / rate < STALL_SECONDS)
		findings__tell(t, FINDING_WARN, cure,
			"%s cuts a %s off that is behind by %llu MB for %llu s, and sends %llu KB/s", f->name, who,
			U(soft >> 20), U(f->soft_seconds), U(rate >> 10));
	else if (hard)
		findings__tell(t, FINDING_OK, NULL, "%s lets a %s be behind by %llu MB", f->name, who, U(hard >> 20));
	else
		findings__tell(t, FINDING_OK, NULL, "%s lets a %s be behind as far as it likes", f->name, who);
}

/* The command that allows it, for whoever may write one. */
static void
find_refusal(const struct redis_facts *f, const struct findings_teller *t)
{
	const char *user = f->user ? f->user : "default";
	char cure[700];

	/* Whoever reads as a replica does not subscribe; and what was not answered is not known. */
	if (!f->refused && !f->replicates && !f->lost)
		findings__tell(t, FINDING_OK, NULL, "%s allows the channels of the feeds", f->name);
	if (!f->refused) return;
	if (strstr(f->refusal, "WRONGTYPE"))
		snprintf(cure, sizeof cure, "another \"stream\": what is at that key is none");
	else if (strstr(f->refusal, "NOPERM"))
		snprintf(cure, sizeof cure, "ACL SETUSER %s %s%s, and ACL SAVE or the same in redis.conf", user,
			f->refused_right, f->refused);
	else
		snprintf(cure, sizeof cure, "redis-cli says the same there: look at what it is");
	findings__tell(t, FINDING_FAIL, cure, "%s refuses \"%s\" of the feeds: %s", f->name, f->refused, f->refusal);
}

void
redis_findings(const struct redis_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "redis" };
	char cure[300];

	if (f->away) {
		findings__tell(&t, FINDING_FAIL, cure_of_away(f->away), "%s: %s", f->name, f->away);
		return;
	}
	if (f->lost)
		findings__tell(&t, FINDING_WARN, "see in its log why, or what is between, and ask again",
			"%s did not answer to the end, so not all of it is known: %s", f->name, f->lost);
	if (f->major || !f->lost) find_version(f, w, &t);
	find_topology(f, w, &t);
	if (f->limits_known || !f->lost) find_output_limit(f, w, &t);
	find_refusal(f, &t);
	if (!f->publish_refusal || !w->publishes) return;
	snprintf(cure, sizeof cure,
		"ACL SETUSER %s +publish, and &CHANNEL for each that handlers publish to; siocast:doctor itself need not be",
		f->user ? f->user : "default");
	findings__tell(
		&t, FINDING_WARN, cure, "%s refuses to publish on siocast:doctor: %s", f->name, f->publish_refusal);
}

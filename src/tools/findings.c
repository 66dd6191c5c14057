/* SPDX-License-Identifier: MIT */
/* The rules. */
#include "src/tools/findings.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	CONNECTION_BYTES = 16384, /* of kernel memory: what a TCP connection takes when something is on its way to it */
	FILES_FEW = 4096, /* a soft limit that servers outgrow */
	SOON_DAYS = 14,
	STALL_SECONDS = 10, /* how long siocast may not read before Redis cuts it off, at the rate seen */
	LATE_MS = 2000,
};

/* Whoever hears of findings, and of what. */
struct teller {
	finding_fn emit;
	void *user;
	const char *topic;
};

static void tell_finding(const struct teller *t, enum finding_mark mark, const char *cure, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void
tell_finding(const struct teller *t, enum finding_mark mark, const char *cure, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	t->emit(t->user, &(struct finding){ mark, t->topic, text, mark == FINDING_OK ? NULL : cure });
}

#define U(n) ((unsigned long long)(n))

/* The kernel */

static void
find_files(const struct kernel_facts *f, const struct doctor_wants *w, const struct teller *t)
{
	if (w->connections && f->files_hard < w->connections)
		tell_finding(t, FINDING_FAIL, "raise the hard limit: LimitNOFILE= in the unit, or ulimit -Hn",
			"limits.maxConnections is %llu, and no more than %llu files may be open", U(w->connections),
			U(f->files_hard));
	else if (f->files_hard < FILES_FEW)
		tell_finding(t, FINDING_WARN, "raise the hard limit: LimitNOFILE= in the unit, or ulimit -Hn",
			"no more than %llu files may be open, so fewer clients can connect", U(f->files_hard));
	else
		tell_finding(t, FINDING_OK, NULL, "%llu files may be open", U(f->files_hard));
}

static void
find_backlog(const struct kernel_facts *f, const struct teller *t)
{
	if (!f->somaxconn) return;
	if (f->somaxconn < f->backlog)
		tell_finding(t, FINDING_WARN, "sysctl -w net.core.somaxconn=4096",
			"net.core.somaxconn is %llu: of many clients that connect at once some wait for seconds",
			U(f->somaxconn));
	else
		tell_finding(t, FINDING_OK, NULL, "net.core.somaxconn is %llu", U(f->somaxconn));
}

static void
find_tcp_memory(const struct kernel_facts *f, const struct doctor_wants *w, const struct teller *t)
{
	uint64_t most = w->connections ? w->connections : f->files_hard;

	if (!f->tcp_bytes) return;
	if (most > 65536 && !w->connections) most = 65536; /* as many as siocast takes without being asked for more */
	if (f->tcp_bytes / CONNECTION_BYTES < most)
		tell_finding(t, FINDING_WARN, "raise net.ipv4.tcp_mem, or lower limits.maxConnections",
			"TCP may hold %llu MB in all (net.ipv4.tcp_mem): enough for %llu busy clients of %llu",
			U(f->tcp_bytes >> 20), U(f->tcp_bytes / CONNECTION_BYTES), U(most));
	else
		tell_finding(t, FINDING_OK, NULL, "TCP may hold %llu MB", U(f->tcp_bytes >> 20));
}

void
kernel_findings(const struct kernel_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct teller t = { emit, user, "kernel" };

	if (w->io_uring && !f->io_uring)
		tell_finding(&t, FINDING_WARN,
			"Linux 5.19 or later, kernel.io_uring_disabled=0, and no filter of system calls that forbids it; or "
			"engine.ioUring false",
			"io_uring is not to be had: broadcasts cost a system call for each client");
	else
		tell_finding(&t, FINDING_OK, NULL, w->io_uring ? "io_uring works" : "io_uring is not wanted");
	find_files(f, w, &t);
	find_backlog(f, &t);
	find_tcp_memory(f, w, &t);
}

/* Redis */

static void
find_version(const struct redis_facts *f, const struct doctor_wants *w, const struct teller *t)
{
	if (!f->major)
		tell_finding(t, FINDING_WARN, "allow INFO: ACL SETUSER ... +info",
			"%s does not say which version it is", f->name);
	else if (f->major < 5 && w->streams)
		tell_finding(t, FINDING_FAIL, "Redis 5 or later", "%s is Redis %u.%u, which has no streams", f->name,
			f->major, f->minor);
	else if (f->major < 6)
		tell_finding(t, FINDING_WARN, "Redis 6 or later, or Valkey",
			"%s is Redis %u.%u: without ACLs, and not maintained any more", f->name, f->major, f->minor);
	else
		tell_finding(t, FINDING_OK, NULL, "%s answers: version %u.%u", f->name, f->major, f->minor);
}

static void
find_topology(const struct redis_facts *f, const struct doctor_wants *w, const struct teller *t)
{
	if (f->cluster && w->psync)
		tell_finding(t, FINDING_FAIL, "\"source\": \"subscribe\"",
			"%s is part of a cluster, where \"psync\" misses what is published at other nodes", f->name);
	else if (f->cluster && w->streams)
		tell_finding(t, FINDING_WARN, "name the node that has the slot of each stream",
			"%s is part of a cluster: streams are read only where they lie", f->name);
	if (f->replica && w->handlers)
		tell_finding(t, FINDING_WARN, "let \"redis\" name the primary first",
			"%s is a replica: what handlers publish there does not reach the primary's subscribers",
			f->name);
}

/* Redis closes the connection of a subscriber that is behind by more than this. */
static void
find_output_limit(const struct redis_facts *f, const struct doctor_wants *w, const struct teller *t)
{
	static const char cure[] =
		"CONFIG SET client-output-buffer-limit \"pubsub 256mb 64mb 60\", and the same in redis.conf";
	uint64_t hard = f->hard_bytes, soft = f->soft_bytes, rate = f->output_bytes_s;

	if (!f->limits_known) {
		tell_finding(t, FINDING_WARN, "allow CONFIG GET, or ask who runs it for client-output-buffer-limit",
			"%s does not say how far behind a subscriber may be", f->name);
		return;
	}
	if (hard && hard < w->message_bytes)
		tell_finding(t, FINDING_WARN, cure,
			"%s cuts a subscriber off at %llu bytes, and limits.messageBytes is %llu: one long message is enough",
			f->name, U(hard), U(w->message_bytes));
	else if (hard && rate && hard / rate < STALL_SECONDS)
		tell_finding(t, FINDING_WARN, cure,
			"%s sends %llu KB/s and cuts a subscriber off at %llu MB: after %llu s in which siocast does not read",
			f->name, U(rate >> 10), U(hard >> 20), U(hard / rate));
	else if (soft && rate && f->soft_seconds < STALL_SECONDS && soft / rate < STALL_SECONDS)
		tell_finding(t, FINDING_WARN, cure,
			"%s cuts a subscriber off that is behind by %llu MB for %llu s, and sends %llu KB/s", f->name,
			U(soft >> 20), U(f->soft_seconds), U(rate >> 10));
	else
		tell_finding(t, FINDING_OK, NULL, "%s lets a subscriber be behind by %llu MB", f->name, U(hard >> 20));
}

void
redis_findings(const struct redis_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct teller t = { emit, user, "redis" };

	if (f->away) {
		tell_finding(&t, FINDING_FAIL, "start it, or let \"redis\" say where and with which password", "%s: %s",
			f->name, f->away);
		return;
	}
	find_version(f, w, &t);
	find_topology(f, w, &t);
	find_output_limit(f, w, &t);
	if (f->refused)
		tell_finding(&t, FINDING_FAIL,
			"ACL SETUSER ... +subscribe +psubscribe and &CHANNEL; for a pattern the very pattern",
			"%s refuses \"%s\" of the feeds: %s", f->name, f->refused, f->refusal);
	else
		tell_finding(&t, FINDING_OK, NULL, "%s allows the channels of the feeds", f->name);
	if (f->publish_refusal && w->handlers)
		tell_finding(&t, FINDING_WARN, "where handlers publish: ACL SETUSER ... +publish, and their channels",
			"%s refuses to publish: %s", f->name, f->publish_refusal);
}

/* The intake */

void
intake_findings(const struct intake_facts *f, finding_fn emit, void *user)
{
	const struct teller t = { emit, user, "intake" };

	if (f->away)
		tell_finding(&t, FINDING_FAIL, "start siocast, or let \"intake\" say where it listens", "%s: %s",
			f->name, f->away);
	else if (!f->is_siocast)
		tell_finding(&t, FINDING_FAIL, "another port for \"intake\"",
			"%s is not siocast's: somebody else answers there", f->name);
	else
		tell_finding(
			&t, FINDING_OK, NULL, "%s answers%s", f->name, f->alone ? "; there is no Redis beside it" : "");
	if (f->open)
		tell_finding(&t, FINDING_WARN, "a \"passwordFile\", or an address of this machine only",
			"%s takes what anybody publishes who reaches it", f->name);
}

/* The proxy */

static void
find_websocket(const struct proxy_facts *f, const struct teller *t)
{
	if (f->no_websocket)
		tell_finding(t, FINDING_FAIL,
			"pass Upgrade on; nginx: proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header "
			"Connection $connection_upgrade; see siocast lb",
			"no WebSocket through %s: %s", f->url, f->no_websocket);
	else
		tell_finding(t, FINDING_OK, NULL, "WebSockets go through");
}

static void
find_buffering(const struct proxy_facts *f, const struct teller *t)
{
	if (f->cached)
		tell_finding(t, FINDING_FAIL, "no cache for the path of siocast; nginx: proxy_cache off",
			"two handshakes at %s gave one session: a cache answers in place of siocast", f->url);
	else if (f->answer_ms == UINT64_MAX)
		tell_finding(t, FINDING_FAIL,
			"requests of one session must reach the same siocast at the same time: no limit of one connection for each "
			"client, and with several siocasts those of a session together",
			"a poll at %s was not answered when it should have been", f->url);
	else if (f->answer_ms > LATE_MS)
		tell_finding(t, FINDING_WARN, "no buffering of what is small; nginx: proxy_buffering off",
			"a poll was answered after %llu ms: something between keeps answers back", U(f->answer_ms));
	else
		tell_finding(t, FINDING_OK, NULL, "a poll is answered after %llu ms", U(f->answer_ms));
}

static void
find_timeout(const struct proxy_facts *f, const struct teller *t)
{
	if (!f->waited) return;
	if (f->cut_ms)
		tell_finding(t, FINDING_FAIL,
			"a timeout longer than engine.pingInterval and pingTimeout together; nginx: proxy_read_timeout 60s",
			"an idle WebSocket was closed after %llu ms, before its first ping", U(f->cut_ms));
	else
		tell_finding(t, FINDING_OK, NULL, "an idle WebSocket lasts until its ping");
}

static void
find_certificate(const struct proxy_facts *f, const struct teller *t)
{
	int64_t days = (f->expires_s - f->now_s) / 86400;

	if (!f->is_tls || !f->expires_s) return;
	if (f->expires_s <= f->now_s)
		tell_finding(t, FINDING_FAIL, "renew it", "the certificate has expired");
	else if (days < SOON_DAYS)
		tell_finding(t, FINDING_WARN, "renew it, and see why that did not happen by itself",
			"the certificate expires in %lld days", (long long)days);
	else
		tell_finding(t, FINDING_OK, NULL, "the certificate is good for %lld days", (long long)days);
}

void
proxy_findings(const struct proxy_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct teller t = { emit, user, "proxy" }, certificate = { emit, user, "certificate" };

	find_certificate(f, &certificate);
	if (f->away) {
		tell_finding(&t, FINDING_FAIL, "see that name, address, port and certificate are right", "%s: %s",
			f->url, f->away);
		return;
	}
	if (!f->is_siocast) {
		tell_finding(&t, FINDING_FAIL, "let the proxy pass the path of siocast on to it",
			"%s answers with %u, and not as siocast", f->url, f->status);
		return;
	}
	if (f->ping_interval_ms && f->ping_interval_ms != w->ping_interval_ms)
		tell_finding(&t, FINDING_WARN,
			"give the configuration of the siocast that is behind it, or restart that",
			"pingInterval is %llu there and %llu in the configuration", U(f->ping_interval_ms),
			U(w->ping_interval_ms));
	else
		tell_finding(&t, FINDING_OK, NULL, "%s leads to siocast", f->url);
	find_buffering(f, &t);
	find_websocket(f, &t);
	find_timeout(f, &t);
}

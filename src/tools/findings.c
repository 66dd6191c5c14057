/* SPDX-License-Identifier: MIT */
/* The rules about the kernel, the hub, the intake and a proxy. */
#include "src/tools/findings_int.h"

#include "src/base/file_limit.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	CONNECTION_BYTES = 16384, /* of kernel memory: what a TCP connection takes when something is on its way to it */
	FILES_FEW = 4096, /* a soft limit that servers outgrow */
	SOON_DAYS = 14,
	LATE_MS = 2000,
};

void
findings__tell(const struct findings_teller *t, enum finding_mark mark, const char *cure, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	t->emit(t->user, &(struct finding){ mark, t->topic, text, mark == FINDING_OK ? NULL : cure });
}

/* The kernel */

/* Of the siocast that runs it is known; of one that is started later it is taken from here. */
static void
find_files(const struct kernel_facts *f, const struct doctor_wants *w, const struct findings_teller *t)
{
	static const char cure[] = "raise the hard limit: LimitNOFILE= in the unit, or ulimit -Hn where it is started";
	uint64_t files = f->files_running ? f->files_running : f->files_hard, got;
	const char *where = f->files_running ? "in the siocast that runs" : "here";

	got = w->connections ? file_limit_connections(files, 0, w->connections) : 0;
	if (got < w->connections)
		findings__tell(t, FINDING_FAIL, cure,
			"limits.maxConnections is %llu, and %llu files may be open %s: enough for %llu connections",
			U(w->connections), U(files), where, U(got));
	else if (!w->connections && files < FILES_FEW)
		findings__tell(t, FINDING_WARN, cure, "no more than %llu files may be open %s, and each client is one",
			U(files), where);
	else
		findings__tell(t, FINDING_OK, NULL, "%llu files may be open %s", U(files), where);
}

static void
find_backlog(const struct kernel_facts *f, const struct findings_teller *t)
{
	if (!f->somaxconn) return;
	if (f->somaxconn < f->backlog)
		findings__tell(t, FINDING_WARN, "sysctl -w net.core.somaxconn=4096",
			"net.core.somaxconn is %llu: of many clients that connect at once some wait for seconds",
			U(f->somaxconn));
	else
		findings__tell(t, FINDING_OK, NULL, "net.core.somaxconn is %llu", U(f->somaxconn));
}

static void
find_tcp_memory(const struct kernel_facts *f, const struct doctor_wants *w, const struct findings_teller *t)
{
	uint64_t most = w->connections ? w->connections : f->files_hard;

	if (!f->tcp_bytes) return;
	if (most > 65536 && !w->connections) most = 65536; /* as many as siocast takes without being asked for more */
	if (f->tcp_bytes / CONNECTION_BYTES < most)
		findings__tell(t, FINDING_WARN, "raise net.ipv4.tcp_mem, or lower limits.maxConnections",
			"TCP may hold %llu MB in all (net.ipv4.tcp_mem): enough for %llu busy clients of %llu",
			U(f->tcp_bytes >> 20), U(f->tcp_bytes / CONNECTION_BYTES), U(most));
	else
		findings__tell(t, FINDING_OK, NULL, "TCP may hold %llu MB", U(f->tcp_bytes >> 20));
}

void
kernel_findings(const struct kernel_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "kernel" };

	if (w->io_uring && !f->io_uring)
		findings__tell(&t, FINDING_WARN,
			"Linux 5.18 or later, kernel.io_uring_disabled=0, and no filter of system calls that forbids it; or "
			"engine.ioUring false",
			"io_uring is not to be had: broadcasts cost a system call for each client");
	else
		findings__tell(&t, FINDING_OK, NULL, w->io_uring ? "io_uring works" : "io_uring is not wanted");
	find_files(f, w, &t);
	find_backlog(f, &t);
	find_tcp_memory(f, w, &t);
}

/* The hub */

void
hub_findings(const struct hub_facts *f, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "hub" };

	if (f->away)
		findings__tell(
			&t, FINDING_FAIL, "start it, or let \"source\" say where it is", "%s: %s", f->name, f->away);
	else if (f->odd)
		findings__tell(&t, FINDING_FAIL,
			"\"relay\": {\"edges\": true} there, and of its addresses one without tls, redirect and proxyProtocol",
			"%s takes no edges: %s", f->name, f->odd);
	else if (f->other_version)
		findings__tell(&t, FINDING_FAIL, "the same version of siocast for both",
			"%s is of another version, which speaks another protocol", f->name);
	else if (f->refusal)
		findings__tell(&t, FINDING_FAIL, "its log says more: event=relay-edge-refused", "%s refuses: %s",
			f->name, f->refusal);
	else if (f->other_key)
		findings__tell(&t, FINDING_FAIL, "the same key in the \"peerKeyFile\" of both, and a restart",
			"%s has another key", f->name);
	else
		findings__tell(&t, FINDING_OK, NULL, "%s takes edges, and has the key%s%s", f->name,
			*f->node ? ": it is node " : "", f->node);
}

/* The intake */

void
intake_findings(const struct intake_facts *f, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "intake" };

	if (f->away)
		findings__tell(&t, FINDING_FAIL, "start siocast, or let \"intake\" say where it listens", "%s: %s",
			f->name, f->away);
	else if (!f->is_siocast)
		findings__tell(&t, FINDING_FAIL, "another port for \"intake\"",
			"%s is not siocast's: somebody else answers there", f->name);
	else
		findings__tell(
			&t, FINDING_OK, NULL, "%s answers%s", f->name, f->alone ? "; there is no Redis beside it" : "");
	if (f->open)
		findings__tell(&t, FINDING_WARN, "a \"passwordFile\", or an address of this machine only",
			"%s takes what anybody publishes who reaches it", f->name);
}

/* The proxy */

static void
find_websocket(const struct proxy_facts *f, const struct findings_teller *t)
{
	if (f->no_websocket)
		findings__tell(t, FINDING_FAIL,
			"have it pass Upgrade on: siocast lb prints the lines for nginx, HAProxy, Envoy, Traefik and Caddy; nginx "
			"wants proxy_http_version 1.1 and both headers, Upgrade and Connection",
			"no WebSocket through %s: %s", f->url, f->no_websocket);
	else
		findings__tell(t, FINDING_OK, NULL, "WebSockets go through");
}

static void
find_buffering(const struct proxy_facts *f, const struct findings_teller *t)
{
	if (f->cached)
		findings__tell(t, FINDING_FAIL, "no cache for the path of siocast; nginx: proxy_cache off",
			"two handshakes at %s gave one session: a cache answers in place of siocast", f->url);
	else if (f->answer_ms == UINT64_MAX)
		findings__tell(t, FINDING_FAIL,
			"requests of one session must reach the same siocast at the same time: no limit of one connection for each "
			"client, and with several siocasts those of a session together",
			"a poll at %s was not answered when it should have been", f->url);
	else if (f->answer_ms > LATE_MS)
		findings__tell(t, FINDING_WARN, "no buffering of what is small; nginx: proxy_buffering off",
			"a poll was answered after %llu ms: something between keeps answers back", U(f->answer_ms));
	else
		findings__tell(t, FINDING_OK, NULL, "a poll is answered after %llu ms", U(f->answer_ms));
}

static void
find_timeout(const struct proxy_facts *f, const struct findings_teller *t)
{
	if (!f->waited) return;
	if (f->cut_ms)
		findings__tell(t, FINDING_FAIL,
			"a timeout longer than engine.pingInterval and pingTimeout together; nginx: proxy_read_timeout 60s",
			"an idle WebSocket was closed after %llu ms, before its first ping", U(f->cut_ms));
	else
		findings__tell(t, FINDING_OK, NULL, "an idle WebSocket lasts until its ping");
}

static void
find_certificate(const struct proxy_facts *f, const struct findings_teller *t)
{
	int64_t days = (f->expires_s - f->now_s) / 86400;

	if (!f->is_tls || !f->expires_s) return;
	if (f->expires_s <= f->now_s)
		findings__tell(t, FINDING_FAIL,
			"renew it: siocast takes the new file by itself, a proxy is told to read it anew",
			"the certificate has expired");
	else if (days < SOON_DAYS)
		findings__tell(t, FINDING_WARN,
			"renew it: siocast takes the new file by itself, a proxy is told to read it anew",
			"the certificate expires in %lld days", (long long)days);
	else
		findings__tell(t, FINDING_OK, NULL, "the certificate is good for %lld days", (long long)days);
}

void
proxy_findings(const struct proxy_facts *f, const struct doctor_wants *w, finding_fn emit, void *user)
{
	const struct findings_teller t = { emit, user, "proxy" }, certificate = { emit, user, "certificate" };

	find_certificate(f, &certificate);
	if (f->away) {
		findings__tell(&t, FINDING_FAIL, "see that name, address, port and certificate are right", "%s: %s",
			f->url, f->away);
		return;
	}
	if (!f->is_siocast) {
		findings__tell(&t, FINDING_FAIL, "let the proxy pass the path of siocast on to it",
			"%s answers with %u, and not as siocast", f->url, f->status);
		return;
	}
	if (f->ping_interval_ms && f->ping_interval_ms != w->ping_interval_ms)
		findings__tell(&t, FINDING_WARN,
			"give the configuration of the siocast that is behind it, or restart that",
			"pingInterval is %llu there and %llu in the configuration", U(f->ping_interval_ms),
			U(w->ping_interval_ms));
	else
		findings__tell(&t, FINDING_OK, NULL, "%s leads to siocast", f->url);
	find_buffering(f, &t);
	find_websocket(f, &t);
	find_timeout(f, &t);
}

/* SPDX-License-Identifier: MIT */
/* `tls` and `redirect` of an address. */
#include "src/config/tls.h"

#include "src/config/parts.h"
#include "src/config/rows.h"
#include "src/config/schema.h"
#include "src/config/values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
	MAX_CERTIFICATES = 64, /* their names are compared with each client's */
	SOON_DAYS = 14,
	DAY_S = 86400,
};

/* tls as it is read. */
struct tls_parts {
	struct eio_tls_spec spec;
	struct eio_tls_certificate one; /* cert and key */
	unsigned min_version, verify; /* of the lists of names */
	unsigned hsts;
};

/* Reading */

#define ROWS_OF struct eio_tls_certificate

static const struct config_option certificate_rows[] = {
	CUSTOM("cert", cert, config__path, NULL, SCHEMA_STRING),
	CUSTOM("key", key, config__path, NULL, SCHEMA_STRING),
};

#undef ROWS_OF

const struct config_table config__certificate_table = TABLE_OF(certificate_rows);

static void
read_certificates(struct config_loader *l, const cJSON *item, void *target)
{
	struct tls_parts *p = target;
	size_t n = cJSON_IsArray(item) ? (size_t)cJSON_GetArraySize(item) : 0, mark;
	struct eio_tls_certificate *v;

	if (n == 0 || n > MAX_CERTIFICATES) {
		config__error(
			l, item, "expected a list of 1 to %d objects with \"cert\" and \"key\"", MAX_CERTIFICATES);
		return;
	}
	v = config__alloc(l, n * sizeof *v);
	if (!v) return;
	for (size_t i = 0; i < n; i++) {
		const cJSON *e = config__element(item, i);

		mark = config__push_index(l, i);
		if (cJSON_IsObject(e))
			config__object(l, &config__certificate_table, &v[i], "", e);
		else
			config__error(l, e, "expected an object, not %s", config__type_name(e));
		if (cJSON_IsObject(e) && (!v[i].cert || !v[i].key) && !config__is_wrong(l, e))
			config__error(l, e, "a certificate has \"cert\" and \"key\"");
		config__pop(l, mark);
	}
	p->spec.certificates = v;
	p->spec.n = n;
}

static const char *const min_versions[] = { "1.2", "1.3", NULL };
static const char *const verifications[] = { "on", "optional", NULL };

#define ROWS_OF struct tls_parts

static const struct config_option tls_rows[] = {
	CUSTOM("cert", one.cert, config__path, "null", SCHEMA_STRING_OR_NULL),
	CUSTOM("key", one.key, config__path, "null", SCHEMA_STRING_OR_NULL),
	STRUCT("certificates", read_certificates,
		"{\"minItems\":1,\"maxItems\":64,\"type\":\"array\",\"items\":" SCHEMA_REF("certificate") "}"),
	ENUM("minVersion", min_version, min_versions, "\"1.2\""),
	STRING("ciphers", spec.ciphers, "null"),
	CUSTOM("clientCA", spec.client_ca, config__path, "null", SCHEMA_STRING_OR_NULL),
	ENUM("verifyClient", verify, verifications, "\"on\""),
	UINT("hsts", hsts, 0, 4e9, "0"),
};

const struct config_table config__tls_table = TABLE_OF(tls_rows);

/* One certificate stands in tls itself, several in a list. */
static void
finish_tls(struct config_loader *l, const cJSON *item, struct tls_parts *p, struct eio_tls_spec *spec)
{
	bool one = p->one.cert || p->one.key;

	if (config__is_wrong(l, item)) return;
	if (one && p->spec.n)
		config__error(l, item, "either \"cert\" and \"key\", or \"certificates\"");
	else if (!p->spec.n && (!p->one.cert || !p->one.key))
		config__error(l, item, "it needs \"cert\" and \"key\", the names of files, or \"certificates\"");
	if (!p->spec.client_ca && p->verify) config__error(l, item, "\"verifyClient\" needs \"clientCA\"");
	*spec = p->spec;
	if (!spec->n) {
		struct eio_tls_certificate *v = config__alloc(l, sizeof *v);

		if (v) *v = p->one;
		spec->certificates = v;
		spec->n = 1;
	}
	spec->min_version = p->min_version ? 13 : 12;
	spec->client_optional = p->verify;
}

void
config__tls(struct config_loader *l, const cJSON *item, void *target)
{
	struct config_listen *out = target;
	struct tls_parts parts = { 0 };
	struct eio_tls_spec *spec;
	char line[80];

	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (!cJSON_IsObject(item)) {
		config__error(l, item, "expected an object with \"cert\" and \"key\", or false, not %s",
			config__type_name(item));
		return;
	}
	config__defaults(l, &config__tls_table, &parts);
	config__object(l, &config__tls_table, &parts, "", item);
	spec = config__alloc(l, sizeof *spec);
	if (!spec) return;
	finish_tls(l, item, &parts, spec);
	out->tls = spec;
	if (!parts.hsts) return;
	snprintf(line, sizeof line, "Strict-Transport-Security: max-age=%u\r\n", parts.hsts);
	out->headers = config__strdup(l, line);
}

void
config__redirect(struct config_loader *l, const cJSON *item, void *target)
{
	static const char usage[] = "expected \"https\", or where to, such as \"https://example.com\" or "
				    "\"https://example.com:8443\"";
	struct config_listen *out = target;
	const char *text = cJSON_IsString(item) ? item->valuestring : "";

	if (cJSON_IsNull(item) || cJSON_IsFalse(item)) return;
	if (strcmp(text, "https") == 0)
		out->redirect = "https:";
	else if (strncmp(text, "https://", 8) == 0 && text[8] && !strpbrk(text + 8, "/?#@ \"\\") &&
		 config__header_safe(text))
		out->redirect = config__strdup(l, text);
	else
		config__error(l, item, "%s", usage);
}

/* Looking */

/* The object that certificate i of tls stands in. The path goes there. */
static const cJSON *
go_to_certificate(struct config_loader *l, const cJSON *tls, size_t i)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(tls, "certificates");

	if (!list) return tls;
	config__push(l, "certificates");
	config__push_index(l, i);
	return config__element(list, i);
}

static void
tell_fault(struct config_loader *l, const cJSON *tls, const struct eio_tls_fault *f)
{
	static const char *const keys[] = {
		[EIO_TLS_CERT] = "cert",
		[EIO_TLS_KEY] = "key",
		[EIO_TLS_CLIENT_CA] = "clientCA",
		[EIO_TLS_CIPHERS] = "ciphers",
		[EIO_TLS_MEMORY] = "",
	};
	bool certificate = f->part == EIO_TLS_CERT || f->part == EIO_TLS_KEY;
	const cJSON *object = certificate ? go_to_certificate(l, tls, f->certificate) : tls;

	config__push(l, keys[f->part]);
	config__error(l, cJSON_GetObjectItemCaseSensitive(object, keys[f->part]), "%s", f->text);
}

static void
warn_of_dates(struct config_loader *l, const cJSON *item, const char *file, int64_t from, int64_t to)
{
	int64_t now = (int64_t)time(NULL), days = (to - now) / DAY_S;
	time_t when = (time_t)(now < from ? from : to);
	char date[16] = "";
	struct tm tm;

	if (gmtime_r(&when, &tm)) strftime(date, sizeof date, "%Y-%m-%d", &tm);
	if (now < from)
		config__warn(l, item, "%s: the certificate is not valid before %s", file, date);
	else if (now > to)
		config__warn(l, item, "%s: the certificate expired on %s", file, date);
	else if (days < SOON_DAYS)
		config__warn(l, item, "%s: the certificate expires in %" PRId64 " days, on %s", file, days, date);
}

static void
warn_of_certificate(struct config_loader *l, const cJSON *tls, const struct eio_tls_spec *spec,
	const struct eio_tls_server *server, size_t i)
{
	const struct eio_tls_certificate *c = &spec->certificates[i];
	size_t mark = config__push(l, "");
	const cJSON *object = go_to_certificate(l, tls, i);
	size_t inner = config__push(l, "cert");
	struct stat st;
	int64_t from, to;

	eio_tls_server_dates(server, i, &from, &to);
	warn_of_dates(l, cJSON_GetObjectItemCaseSensitive(object, "cert"), c->cert, from, to);
	config__pop(l, inner);
	config__push(l, "key");
	if (stat(c->key, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
		config__warn(l, cJSON_GetObjectItemCaseSensitive(object, "key"),
			"%s: others can read or write the key (mode %04o)", c->key, (unsigned)st.st_mode & 07777);
	config__pop(l, mark);
}

/* The path stands at tls. */
static void
look_at_tls(struct config_loader *l, const cJSON *item, const struct eio_tls_spec *spec)
{
	struct eio_tls_fault fault;
	struct eio_tls_server *server = eio_tls_server_new(spec, &fault);

	if (!server) {
		tell_fault(l, item, &fault);
		return;
	}
	for (size_t i = 0; i < spec->n; i++) warn_of_certificate(l, item, spec, server, i);
	eio_tls_server_unref(server);
}

void
config__tls_look(struct config_loader *l)
{
	const cJSON *listen = cJSON_GetObjectItemCaseSensitive(l->root, "listen");
	const struct config *c = &l->parts->config;
	size_t mark;

	for (size_t i = 0; i < c->n_listen; i++) {
		const cJSON *tls = cJSON_GetObjectItemCaseSensitive(config__element(listen, i), "tls");

		if (!c->listen[i].tls || config__is_wrong(l, tls)) continue;
		mark = config__push(l, "listen");
		config__push_element(l, listen, i);
		config__push(l, "tls");
		look_at_tls(l, tls, c->listen[i].tls);
		config__pop(l, mark);
	}
}

/* Certificates of clients */

static bool
takes_certificates(const struct config *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].tls && c->listen[i].tls->client_ca) return true;
	return false;
}

/* A brace behind another one is text. */
static bool
names_subject(const char *s)
{
	static const char name[] = "{tls.subject}";

	for (const char *at = s; (at = strstr(at, name)); at++)
		if (at == s || at[-1] != '{') return true;
	return false;
}

/* Recursion is bounded by CONFIG_MAX_DEPTH. */
static void
warn_of_subject(struct config_loader *l, const cJSON *item)
{
	size_t mark, i = 0;

	if (cJSON_IsString(item) && names_subject(item->valuestring))
		config__warn(l, item, "{tls.subject} stands for nothing: no address of \"listen\" has \"clientCA\"");
	for (const cJSON *child = item->child; child; child = child->next, i++) {
		mark = child->string ? config__push(l, child->string) : config__push_index(l, i);
		warn_of_subject(l, child);
		config__pop(l, mark);
	}
}

void
config__tls_warn(struct config_loader *l)
{
	const cJSON *namespaces = cJSON_GetObjectItemCaseSensitive(l->root, "namespaces");
	size_t mark;

	if (!namespaces || takes_certificates(&l->parts->config)) return;
	mark = config__push(l, "namespaces");
	warn_of_subject(l, namespaces);
	config__pop(l, mark);
}

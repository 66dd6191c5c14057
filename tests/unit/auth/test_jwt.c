/* SPDX-License-Identifier: MIT */
/* Tokens and keys. The tokens were signed by Node's crypto. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/auth/jwk.h"
#include "src/auth/jwt.h"
#include "src/base/log.h"
#include "tests/unit/failmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char secret[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
static const char rsa_pem[] =
	"-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA1GzebJyyYCTbG83ZqAb"
	"7\nbts79aCVixqqbrFJSuWyN7w+PYZzGIpQEH8GIcofGz+rY31GNkjr9v4weHBjteqe\nwbwkLXFar9hXvTJEL15rJYr"
	"C12gy2SG2mDzoZL4aXIwnGWkONrBgZOiEk65RzagR\nF4Ft9t43S+3mXvtmSpwEXLUGAU8SdjsrGcQUcLUEXP5Pcm3Q"
	"WHm05pKdgtjHbbQh\nXuLIoPOCdEyrHKAmqv840C8A/TJ7iNwaPLE2plemGtuxp8iWER9kZE8thPV6IfC6\nJ+ab625w"
	"/JAqDqWhzcTjzvsTbQbzBgVmAzOetIxyQjU6jGdTZkuWLDEQWOt8A0eB\nRQIDAQAB\n-----END PUBLIC KEY-----"
	"\n";
static const char ec_pem[] =
	"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE+gxX2N8lfC6bJtnxXStdsmuxPBP"
	"k\nBUrBATjtNYlVkN8YHh4LnvKDS/H8qmKqbopYItZL0dvK4Rm6CI+xNQZ7Eg==\n-----END PUBLIC KEY-----\n";
static const char ed_pem[] =
	"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAgIFAb6xKAYAscBafrRrJx26AYk0cPNQjaVnLF0JNops=\n--"
	"---END PUBLIC KEY-----\n";
static const char weak_pem[] =
	"-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIS3v1c+Xo3vuh9/9W3nwNB14"
	"P\n/RvD1bAPwcvOjGXqmIOJdFwDIq+KrufPn0BCmlip46p1D5HSvZTHAqqb7a7L5QVD\n2z38d3N756tEEqzXmls5Z1P"
	"rhL7YLm5F8v+LcdJEgFzzvfi4HXLEz5AJQ8B2RBwY\nUANDRH5KjEn7Zpc3ywIDAQAB\n-----END PUBLIC KEY----"
	"-\n";
static const char hs256[] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.7fI5k1BiKl53PGZEc5C8Jkyzw9xO-"
			    "omYhEMGgtbF_a4";
static const char hs384[] = "eyJhbGciOiJIUzM4NCJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.mg5bDw-KeFtyfUZslA68_vLr8Zk5n"
			    "yTTPa5towXQ8f39Yu7fwsIp-Ma6FH-guhFT";
static const char hs512[] = "eyJhbGciOiJIUzUxMiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.wZpti_xUT5dp3d4P7r-E-IGEyrAGF"
			    "F8yD70lc96QyGeBfSKEhxi_LuQ6IehmF-UwQb92rFzbnaUCCbUPRG2b0w";
static const char rs256[] = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.dLznzcxFcZqhep3GcG5_YiDSqjzgy"
			    "hUMLM8UGl_0p--F3PfJ8O4ikrkB7ZpxUgsQLBaIekL5n1Hiazrz5iUJpBSoLcBBzPblUJtdRbl8E_faICfH386cUMo"
			    "99PsGZ5PbbVA2BeqfNXB2wbnGGzR5f6C9fkmEPSYx919Ps2g-_WXGSVTAgseVSPXNyuBMiTZsUCaH0hz8Ow8T7iDuf"
			    "sBcQfwCPSUB3GUGi9DSqBhwrkz4IxkRJl5qBxjOJo_bQyvOUQzVe4LhOQQl77PXmqtYko-Di4FkY7R2YsG1bmWpWux"
			    "me9zmmTbrn25LE4gt1g8K3tt40JXYQ0GD--KsGOxlVA";
static const char es256[] = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.VmkazxDFqPtJ1W7EfR_T72B5S5ngM"
			    "ix35IYHZi3zbpsW6zcz7vjeXLS0Y05VdTD_v1yulMk9aJFPlUHvTjY01w";
static const char eddsa[] = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.y9Z_tio6XEwfsBNaC4sla5Yt0Ordh"
			    "nwAdzqq6FPAY5qnvH59F1qT1maPcboJlkrYa_NiVlNDL3AXT0rMRJkOAg";
static const char rs256_kid[] =
	"eyJhbGciOiJSUzI1NiIsImtpZCI6InIifQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.qO8TZpTPA8Zzu4i"
	"rgBYFS48tZkjDdHJie6_3uKk00uN3BisSbI8vfWrKWKNFNXy4lKMQae0JggJ3jUwWDlnL5o-W3hKy0_jrCEJTNKvdQ"
	"Sae6Pl_1XpDR_C4gLNytzoQzyfRW5HrkvdkVWUZEiQVxd0YGWXZYcaPEd-8_v7GV163--sB3SViup6xernxWlLViJJ"
	"9pmlYj80QFh4YSfITNWeK1fjdkwC6PcEDOLYsyqoXnO0SMA4tgCJ83j17y5p5wpwiJw1BzfPiKHLp6b9ItBMiDYL16"
	"1Pov0HiO6O6AulxGaxZbRnKWUsvnqqjX7zABNzdjH5pSjjMRkXgu9eeQQ";
static const char es256_kid[] =
	"eyJhbGciOiJFUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.2LXQLSmgV7OTjCY"
	"jfP6NHriI0p7X4Ty6o6bwtzi2KvuSyUUlYp0EosYlSjqtcFw2A6EjZ_q1S469whhztogYrQ";
static const char eddsa_kid[] =
	"eyJhbGciOiJFZERTQSIsImtpZCI6ImQifQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.4OZ7nQd3Ak8_gBi"
	"HFCkgjs6q4AHbpkYEytA-CFWNUePFZlHk4OV_gplzPaFqqU4rJyCgdDgpPF3vDz9s3BK7DQ";
static const char hs256_kid[] =
	"eyJhbGciOiJIUzI1NiIsImtpZCI6InMifQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.XsVmlcttwB-m219"
	"g9ix3UrCeYe5r4B1i3RYwSbKxapU";
static const char rs256_other_kid[] =
	"eyJhbGciOiJSUzI1NiIsImtpZCI6ImUifQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.O0MOa9ZnK68WxRj"
	"HTS8Fet8L1ft1Xk8kKZCrI1-QURLwu8kpJIwJYtKK2iDBq3BAGwWxqPzG3u67TXaz7qIGAMqg9YssFemmuKFacmFnB"
	"ll5w_AZNyQYTgLkzfprHGpXV26NANbXnmJr790BfKvg9vn8mDesjfj4Jxpg78iM9tJ0u936FsRT-29RIwmNIRCGWBw"
	"snu8p-uP_BM95H4daXO-HEG4pDHAvyJ5cUjQ6QPJ69Pd5UqxoLTJpd1srI_U9xEpQDxRR3bXjptlfPhGCtYGwCDkkw"
	"pSFhC5SBzYe9lsKQ0blgZC9OZaiHHuhC2EKVGnDwnqg5iRM9CwWkBtTaw";
static const char confused[] =
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.bGrJ7Duum1qsvJDm2sv0yOz7pSuKV"
	"fHqY-Wv1BoN7_4";
static const char none[] = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.";
static const char crit[] = "eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdLCJ4IjoxfQ.eyJzdWIiOiJ1MSIsImV4cCI6MjAwMDAwMDAwMH0.V2W"
			   "0gpmHqGEF2ot8GDpeQuHMv5phhgxmXjtgQ2TeCnc";
static const char hs_early[] =
	"eyJhbGciOiJIUzI1NiJ9.eyJuYmYiOjE1MDAwMDAwMDB9.YmUu5AW1JQHudDUusWvU4Jptercmhgh2B_4cHXH634o";
static const char hs_bad_exp[] = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOiJzb29uIn0.Eq-TZ2NPr3Htrfb0_TSRpCUnR0RjaEC_V9IWLNSNrCM";
static const char hs_no_exp[] = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1In0.jFrFyNDjhy66dsHMFb19mvjJ97O1m4ql4Yol3VE2ft0";
static const char hs_huge_exp[] = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjFlKzMwfQ.g0vD5SDwKlYX_1o6qdvP5BqNYlH7v0oPbSj5nA7qh7A";
static const char hs_aud[] = "eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOiJhIn0.2qOPHzBjqhMmr5kV_-RSKwo_jIFLOqkcoKHFB85QFCI";
static const char hs_auds[] =
	"eyJhbGciOiJIUzI1NiJ9.eyJhdWQiOlsieCIsImEiXX0.HIMTs_Td2bpGbGBwXD4dOwYXcNC_fIkkUchgYYs7vOw";
static const char hs_iss[] =
	"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJpIiwiYXVkIjoiYSJ9.jigBmKb8RjtoxlWDLVNy_dZRFKFb9S1oiapE32Kn"
	"Nzg";
static const char hs_not_object[] = "eyJhbGciOiJIUzI1NiJ9.WzFd.mjcM1JtbMgJUCcanuBQNEqIDjYpWFm0b3Bv8glUylJw";
static const char jwks[] = "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"1GzebJyyYCTbG83ZqAb7bts79aCVixqqbrFJSuWyN7w-PYZzGIpQEH"
			   "8GIcofGz-rY31GNkjr9v4weHBjteqewbwkLXFar9hXvTJEL15rJYrC12gy2SG2mDzoZL4aXIwnGWkONrBgZOiEk65R"
			   "zagRF4Ft9t43S-3mXvtmSpwEXLUGAU8SdjsrGcQUcLUEXP5Pcm3QWHm05pKdgtjHbbQhXuLIoPOCdEyrHKAmqv840C"
			   "8A_TJ7iNwaPLE2plemGtuxp8iWER9kZE8thPV6IfC6J-ab625w_JAqDqWhzcTjzvsTbQbzBgVmAzOetIxyQjU6jGdT"
			   "ZkuWLDEQWOt8A0eBRQ\",\"e\":\"AQAB\",\"kid\":\"r\",\"alg\":\"RS256\",\"use\":\"sig\"},{\"kt"
			   "y\":\"EC\",\"x\":\"-gxX2N8lfC6bJtnxXStdsmuxPBPkBUrBATjtNYlVkN8\",\"y\":\"GB4eC57yg0vx_Kpiq"
			   "m6KWCLWS9HbyuEZugiPsTUGexI\",\"crv\":\"P-256\",\"kid\":\"e\"},{\"crv\":\"Ed25519\",\"x\":"
			   "\"gIFAb6xKAYAscBafrRrJx26AYk0cPNQjaVnLF0JNops\",\"kty\":\"OKP\",\"kid\":\"d\"},{\"kty\":\"o"
			   "ct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4O"
			   "WFiY2RlZg\",\"kid\":\"s\",\"alg\":\"HS256\"},{\"kty\":\"RSA\",\"use\":\"enc\",\"n\":\"AQAB"
			   "\",\"e\":\"AQAB\"},{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\"},{\"kty\":"
			   "\"what\"}]}";

static const uint64_t now_s = 1600000000;

/* A spec with its files in a folder of its own */

static struct {
	char dir[40];
	struct auth_spec *spec;
	struct auth_keys *keys;
} f;

static void
begin(void)
{
	strcpy(f.dir, "/tmp/test_jwt.XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	f.spec = auth_spec_new();
	f.keys = NULL;
}

static const char *
path_of(size_t i)
{
	static char path[64];

	snprintf(path, sizeof path, "%s/%zu", f.dir, i);
	return path;
}

static void
write_file(size_t i, const char *text)
{
	FILE *out = fopen(path_of(i), "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void
add_file(int type, enum auth_algorithm alg, const char *text)
{
	struct auth_jwt_spec *j = &f.spec->jwt;

	j->files = realloc(j->files, (j->n_files + 1) * sizeof *j->files);
	assert_non_null(j->files);
	write_file(j->n_files, text);
	j->files[j->n_files] = (struct auth_key_file){ .path = strdup(path_of(j->n_files)), .alg = alg };
	if (type == AUTH_FILE_PUBLIC) j->files[j->n_files].type = AUTH_FILE_PUBLIC;
	if (type == AUTH_FILE_JWKS) j->files[j->n_files].type = AUTH_FILE_JWKS;
	j->n_files++;
}

static void
load_keys(void)
{
	const char *why;
	size_t i;

	f.keys = auth_keys_new(&f.spec->jwt, &i, &why);
	if (!f.keys) fail_msg("%s", why);
}

static void
finish(void)
{
	for (size_t i = 0; i < f.spec->jwt.n_files; i++) unlink(path_of(i));
	rmdir(f.dir);
	auth_keys_free(f.keys);
	auth_spec_unref(f.spec);
}

static enum auth_result
verify_at(const char *token, uint64_t at_s, const char *want)
{
	struct eio_buf claims = { 0 };
	uint64_t expires = 0;
	enum auth_result r = auth_jwt_verify(&f.spec->jwt, f.keys, eio_cstr(token), at_s, &claims, &expires);

	assert_int_equal(claims.n != 0, r == AUTH_GOOD);
	if (want) {
		eio_buf_addc(&claims, '\0');
		assert_string_equal(claims.p, want);
	}
	eio_buf_deinit(&claims);
	return r;
}

static enum auth_result
verify_now(const char *token)
{
	return verify_at(token, now_s, NULL);
}

/* Tests */

static const struct {
	int line;
	int type;
	enum auth_algorithm alg;
	const char *key, *token;
} good[] = {
	{ __LINE__, AUTH_FILE_SECRET, AUTH_HS256, secret, hs256 },
	{ __LINE__, AUTH_FILE_SECRET, AUTH_HS384, secret, hs384 },
	{ __LINE__, AUTH_FILE_SECRET, AUTH_HS512, secret, hs512 },
	{ __LINE__, AUTH_FILE_PUBLIC, AUTH_RS256, rsa_pem, rs256 },
	{ __LINE__, AUTH_FILE_PUBLIC, AUTH_ES256, ec_pem, es256 },
	{ __LINE__, AUTH_FILE_PUBLIC, AUTH_EDDSA, ed_pem, eddsa },
};

enum { GOOD = sizeof good / sizeof good[0] };

/* Each token by its own key alone, and with each byte changed by none. */
static void
test_algorithms(void **state)
{
	(void)state;
	for (size_t i = 0; i < GOOD; i++) {
		begin();
		add_file(good[i].type, good[i].alg, good[i].key);
		load_keys();
		assert_int_equal(verify_at(good[i].token, now_s, "{\"sub\":\"u1\",\"exp\":2000000000}"), AUTH_GOOD);
		for (size_t k = 0; k < GOOD; k++)
			if (k != i) assert_int_equal(verify_now(good[k].token), AUTH_INVALID);
		for (size_t n = strlen(good[i].token), at = 0; at < n; at += at < n - 8 ? 7 : 1) {
			char *copy = strdup(good[i].token);

			/* The last character of a part may have bits that stand for nothing. */
			copy[at] = copy[at] == 'Q' ? 'z' : 'Q';
			if (at != n - 1) assert_int_equal(verify_now(copy), AUTH_INVALID);
			copy[at] = '\0';
			assert_int_equal(verify_now(copy), at ? AUTH_INVALID : AUTH_MISSING);
			free(copy);
		}
		finish();
	}
}

/* What a token says of its algorithm never changes what is done with a key. */
static void
test_confusion(void **state)
{
	(void)state;
	begin();
	add_file(AUTH_FILE_PUBLIC, AUTH_RS256, rsa_pem);
	load_keys();
	assert_int_equal(verify_now(confused), AUTH_INVALID);
	assert_int_equal(verify_now(none), AUTH_INVALID);
	assert_int_equal(verify_now(hs256), AUTH_INVALID);
	assert_int_equal(verify_now(rs256), AUTH_GOOD);
	finish();
}

static void
test_not_tokens(void **state)
{
	static const char *const bad[] = { ".", "..", "a.b.c", "e30.e30.", "e30.e30.e30", "....",
		"eyJhbGciOiJIUzI1NiJ9.e30", "eyJhbGciOjF9.e30.AA", " ", "eyJhbGciOiJIUzI1NiJ9..", "e30=.e30.e30" };
	char *large = malloc(AUTH_TOKEN_BYTES + 2);

	(void)state;
	begin();
	add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
	load_keys();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) assert_int_equal(verify_now(bad[i]), AUTH_INVALID);
	assert_int_equal(verify_now(""), AUTH_MISSING);
	assert_int_equal(verify_now(crit), AUTH_INVALID);
	assert_int_equal(verify_now(hs_not_object), AUTH_INVALID);
	memset(large, 'a', AUTH_TOKEN_BYTES + 1);
	large[AUTH_TOKEN_BYTES + 1] = '\0';
	assert_int_equal(verify_now(large), AUTH_INVALID);
	free(large);
	finish();
}

static void
test_dates(void **state)
{
	(void)state;
	begin();
	add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
	load_keys();
	assert_int_equal(verify_at(hs256, 1999999999, NULL), AUTH_GOOD);
	assert_int_equal(verify_at(hs256, 2000000000, NULL), AUTH_EXPIRED);
	assert_int_equal(verify_at(hs_early, 1499999999, NULL), AUTH_EARLY);
	assert_int_equal(verify_at(hs_early, 1500000000, NULL), AUTH_GOOD);
	assert_int_equal(verify_now(hs_bad_exp), AUTH_INVALID);
	assert_int_equal(verify_now(hs_no_exp), AUTH_GOOD);
	assert_int_equal(verify_now(hs_huge_exp), AUTH_GOOD);
	f.spec->jwt.leeway_s = 30;
	assert_int_equal(verify_at(hs256, 2000000029, NULL), AUTH_GOOD);
	assert_int_equal(verify_at(hs256, 2000000030, NULL), AUTH_EXPIRED);
	assert_int_equal(verify_at(hs_early, 1499999970, NULL), AUTH_GOOD);
	assert_int_equal(verify_at(hs_early, 1499999969, NULL), AUTH_EARLY);
	finish();
}

static void
test_audience_and_issuer(void **state)
{
	(void)state;
	begin();
	add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
	load_keys();
	assert_int_equal(auth_strings_add(&f.spec->jwt.audience, "b"), 0);
	assert_int_equal(verify_now(hs_aud), AUTH_FOREIGN);
	assert_int_equal(auth_strings_add(&f.spec->jwt.audience, "a"), 0);
	assert_int_equal(verify_now(hs_aud), AUTH_GOOD);
	assert_int_equal(verify_now(hs_auds), AUTH_GOOD);
	assert_int_equal(verify_now(hs_no_exp), AUTH_FOREIGN);
	assert_int_equal(auth_strings_add(&f.spec->jwt.issuer, "i"), 0);
	assert_int_equal(verify_now(hs_aud), AUTH_FOREIGN);
	assert_int_equal(verify_now(hs_iss), AUTH_GOOD);
	assert_string_equal(auth_result_code(AUTH_FOREIGN), "token_invalid");
	finish();
}

static void
test_sets_of_keys(void **state)
{
	(void)state;
	begin();
	add_file(AUTH_FILE_JWKS, AUTH_ALGORITHM_COUNT, jwks);
	load_keys();
	assert_int_equal(verify_now(rs256_kid), AUTH_GOOD);
	assert_int_equal(verify_now(es256_kid), AUTH_GOOD);
	assert_int_equal(verify_now(eddsa_kid), AUTH_GOOD);
	assert_int_equal(verify_now(hs256_kid), AUTH_GOOD);
	assert_int_equal(verify_now(rs256), AUTH_GOOD); /* names no key */
	assert_int_equal(verify_now(rs256_other_kid), AUTH_INVALID);
	finish();
}

static void
count_key(void *ctx, struct auth_key *key, struct eio_bytes kid)
{
	(void)kid;
	++*(int *)ctx;
	auth_key_free(key);
}

static void
test_bad_sets(void **state)
{
	static const struct {
		const char *text;
		bool good;
		int n;
	} sets[] = {
		{ "", false, 0 },
		{ "[]", false, 0 },
		{ "{\"keys\":{}}", false, 0 },
		{ "{\"keys\":[]}", true, 0 },
		{ "{\"keys\":[1,{},{\"kty\":\"RSA\",\"alg\":\"RS512\"}]}", true, 0 },
		{ "{\"keys\":[{\"kty\":\"RSA\"}]}", false, 0 },
		{ "{\"keys\":[{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]}", false, 0 },
		{ "{\"keys\":[{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"AAAA\"}]}", false, 0 },
		{ "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}", true, 0 },
		{ "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}]}", false, 0 },
		{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}]}", false, 0 },
		{ "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"=\"}]}", false, 0 },
		{ jwks, true, 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		int n = 0;
		const char *why = auth_jwks_read(eio_cstr(sets[i].text), count_key, &n);

		if (!why != sets[i].good) fail_msg("%s: %s", sets[i].text, why ? why : "taken");
		assert_int_equal(n, sets[i].n);
	}
}

static void
test_bad_files(void **state)
{
	static const struct {
		int type;
		enum auth_algorithm alg;
		const char *text, *why;
	} files[] = {
		{ AUTH_FILE_SECRET, AUTH_HS256, "short\n", "shorter than its hash" },
		{ AUTH_FILE_PUBLIC, AUTH_RS256, "no key", "no public key in PEM" },
		{ AUTH_FILE_PUBLIC, AUTH_RS256, ec_pem, "not an RSA key" },
		{ AUTH_FILE_PUBLIC, AUTH_RS256, weak_pem, "less than 2048 bits" },
		{ AUTH_FILE_PUBLIC, AUTH_ES256, rsa_pem, "not a key of the curve P-256" },
		{ AUTH_FILE_PUBLIC, AUTH_EDDSA, ec_pem, "not an Ed25519 key" },
		{ AUTH_FILE_JWKS, AUTH_HS256, "{\"keys\":[]}", "no key of the set" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		const char *why = NULL;
		size_t which = 9;

		begin();
		add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
		add_file(files[i].type, files[i].alg, files[i].text);
		assert_null(auth_keys_new(&f.spec->jwt, &which, &why));
		assert_int_equal(which, 1);
		if (!strstr(why, files[i].why)) fail_msg("%s: %s", files[i].why, why);
		unlink(path_of(1));
		assert_null(auth_keys_new(&f.spec->jwt, &which, &why));
		assert_string_equal(why, "No such file or directory");
		finish();
	}
}

/* A file that changes counts from the next look on; one that is no good any more leaves what was there. */
static void
test_files_change(void **state)
{
	char other[80];

	(void)state;
	snprintf(other, sizeof other, "%s!", secret);
	begin();
	add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
	load_keys();
	auth_keys_look(f.keys, 1);
	write_file(0, other);
	auth_keys_look(f.keys, AUTH_KEYS_LOOK_MS); /* too soon */
	assert_int_equal(verify_now(hs256), AUTH_GOOD);
	auth_keys_look(f.keys, AUTH_KEYS_LOOK_MS + 1);
	assert_int_equal(verify_now(hs256), AUTH_INVALID);
	write_file(0, secret);
	auth_keys_look(f.keys, 2 * AUTH_KEYS_LOOK_MS + 1);
	assert_int_equal(verify_now(hs256), AUTH_GOOD);
	write_file(0, "short");
	auth_keys_look(f.keys, 3 * AUTH_KEYS_LOOK_MS + 1);
	assert_int_equal(verify_now(hs256), AUTH_GOOD);
	unlink(path_of(0));
	auth_keys_look(f.keys, 4 * AUTH_KEYS_LOOK_MS + 1);
	assert_int_equal(verify_now(hs256), AUTH_GOOD);
	finish();
}

static int
load_and_verify(void)
{
	const char *why = NULL;
	size_t i;
	struct auth_keys *keys = auth_keys_new(&f.spec->jwt, &i, &why);
	struct eio_buf claims = { 0 };
	uint64_t expires;
	enum auth_result r = AUTH_NOMEM;

	if (keys) r = auth_jwt_verify(&f.spec->jwt, keys, eio_cstr(rs256_kid), now_s, &claims, &expires);
	eio_buf_deinit(&claims);
	auth_keys_free(keys);
	return r == AUTH_GOOD ? 0 : 1;
}

static void
test_out_of_memory(void **state)
{
	(void)state;
	begin();
	add_file(AUTH_FILE_SECRET, AUTH_HS256, secret);
	add_file(AUTH_FILE_JWKS, AUTH_ALGORITHM_COUNT, jwks);
	failmalloc_every(load_and_verify, 1, 8);
	finish();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_algorithms),
		cmocka_unit_test(test_confusion),
		cmocka_unit_test(test_not_tokens),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_audience_and_issuer),
		cmocka_unit_test(test_sets_of_keys),
		cmocka_unit_test(test_bad_sets),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_files_change),
		cmocka_unit_test(test_out_of_memory),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

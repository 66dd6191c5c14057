/* SPDX-License-Identifier: MIT */
/* Signatures of names. */
#include "src/feed/signed.h"

#include "src/auth/crypto.h"

#include <string.h>

bool
feed_secret_make(struct feed_secret *s, struct eio_bytes text)
{
	unsigned char mac[AUTH_MAC];

	_Static_assert(sizeof s->pid == AUTH_MAC && sizeof s->who <= AUTH_MAC, "each is of one MAC");
	/* One key for each use. */
	if (!auth_mac(text, EIO_LIT("siocast session name"), s->pid)) return false;
	if (!auth_mac(text, EIO_LIT("siocast session user"), mac)) return false;
	memcpy(s->who, mac, sizeof s->who);
	return true;
}

bool
feed_pid_sign(const struct feed_secret *s, const char pid[FEED_PID_LEN], char out[FEED_SIGNED_LEN])
{
	unsigned char mac[AUTH_MAC];

	if (!auth_mac(eio_bytes((const char *)s->pid, sizeof s->pid), eio_bytes(pid, FEED_PID_LEN), mac)) return false;
	memcpy(out, pid, FEED_PID_LEN);
	sio_id_write(out + FEED_PID_LEN, mac);
	return true;
}

bool
feed_pid_is_signed(const struct feed_secret *s, struct eio_bytes text)
{
	char good[FEED_SIGNED_LEN];

	if (text.n != sizeof good || !feed_pid_sign(s, text.p, good)) return false;
	return auth_same(good, text.p, sizeof good);
}

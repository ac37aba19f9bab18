/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libkcapi for loop.c, by the kernel access that it chooses itself.
 */
#include "loop.h"

#include <kcapi.h>
#include <sys/types.h>

static struct kcapi_handle *handle;
static char kind;

static size_t open_aead(const char *name, size_t len)
{
	int error = kcapi_aead_init(&handle, name, 0);
	if (error)
		fail("init", error);
	kcapi_aead_setassoclen(handle, ASSOCIATED);
	if ((error = kcapi_aead_settaglen(handle, TAG)))
		fail("tag", error);
	return kcapi_aead_outbuflen_enc(handle, len, ASSOCIATED, TAG);
}

size_t peer_open(char of, const char *name, const uint8_t *key, size_t key_len, size_t len)
{
	int error = 0;

	kind = of;
	if (kind == 'h') {
		if ((error = kcapi_md_init(&handle, name, 0)))
			fail("init", error);
		return kcapi_md_digestsize(handle);
	}
	if (kind == 'c') {
		if ((error = kcapi_cipher_init(&handle, name, 0)))
			fail("init", error);
		error = kcapi_cipher_setkey(handle, key, (uint32_t)key_len);
	} else {
		len = open_aead(name, len);
		error = kcapi_aead_setkey(handle, key, (uint32_t)key_len);
	}
	if (error)
		fail("key", error);
	return len;
}

long peer_message(uint8_t *from, size_t len, uint8_t *to, size_t to_len, uint8_t *iv)
{
	ssize_t done;
	if (kind == 'h')
		done = kcapi_md_digest(handle, from, len, to, to_len);
	else if (kind == 'c')
		done = kcapi_cipher_encrypt(handle, from, len, iv, to, to_len, KCAPI_ACCESS_HEURISTIC);
	else
		done = kcapi_aead_encrypt(handle, from, len + ASSOCIATED, iv, to, to_len, KCAPI_ACCESS_HEURISTIC);
	return done < 0 || (size_t)done < (kind == 'h' ? to_len : len) ? (done < 0 ? done : -1) : 0;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * OpenSSL's EVP interface for loop.c: one context, the key set once, an initialisation vector and a tag for each message.
 */
#include "loop.h"

#include <openssl/evp.h>

static EVP_CIPHER_CTX *context;
static EVP_MD_CTX *digest;
static const EVP_MD *md;
static char kind;

size_t peer_open(char of, const char *name, const uint8_t *key, size_t key_len, size_t len)
{
	EVP_CIPHER *cipher;

	kind = of;
	if (kind == 'h') {
		digest = EVP_MD_CTX_new();
		md = EVP_MD_fetch(NULL, name, NULL);
		if (!digest || !md)
			fail("digest", 0);
		return (size_t)EVP_MD_get_size(md);
	}
	cipher = EVP_CIPHER_fetch(NULL, name, NULL);
	context = EVP_CIPHER_CTX_new();
	if (!cipher || !context || (size_t)EVP_CIPHER_get_key_length(cipher) != key_len)
		fail("cipher", 0);
	if (EVP_EncryptInit_ex2(context, cipher, key, NULL, NULL) != 1 || EVP_CIPHER_CTX_set_padding(context, 0) != 1)
		fail("key", 0);
	return kind == 'a' ? ASSOCIATED + len + TAG : len;
}

static long digested(uint8_t *from, size_t len, uint8_t *to)
{
	unsigned done;
	int right = EVP_DigestInit_ex2(digest, md, NULL) && EVP_DigestUpdate(digest, from, len) &&
		    EVP_DigestFinal_ex(digest, to, &done);
	return right ? 0 : -1;
}

long peer_message(uint8_t *from, size_t len, uint8_t *to, size_t to_len, uint8_t *iv)
{
	int n, last, right;
	(void)to_len;
	if (kind == 'h')
		return digested(from, len, to);
	right = EVP_EncryptInit_ex2(context, NULL, NULL, iv, NULL);
	if (kind == 'a') {
		right &= EVP_EncryptUpdate(context, NULL, &n, from, ASSOCIATED);
		from += ASSOCIATED;
		to += ASSOCIATED;
	}
	right &= EVP_EncryptUpdate(context, to, &n, from, (int)len);
	right &= EVP_EncryptFinal_ex(context, to + n, &last);
	if (kind == 'a')
		right &= EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, to + len);
	return right == 1 && (size_t)(n + last) == len ? 0 : -1;
}

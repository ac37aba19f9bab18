/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libkcapi at work on one buffer, for scripts/peers-crypt: Debian packages the library, but not its kcapi-speed.
 *
 * usage: kcapi_loop hash|cipher|aead NAME KEY_LEN LEN
 *
 * For each line read, a number of milliseconds, it processes messages for so long and prints the median over batches of
 * the time of one, in nanoseconds. Set up once; the kernel access is the one that libkcapi chooses by itself. An AEAD
 * message has 13 bytes of associated data and a tag of 16.
 *
 * build: cc -O2 -o kcapi_loop kcapi_loop.c -lkcapi
 */
#define _GNU_SOURCE
#include <kcapi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASSOCIATED = 13, TAG = 16, MOST = 100000 };

static struct kcapi_handle *handle;
static uint8_t iv[16], *in, *out;
static size_t len, out_len;
static char kind;

static void fail(const char *what, long code)
{
	fprintf(stderr, "kcapi_loop: %s: %ld\n", what, code);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void message(void)
{
	ssize_t done;
	if (kind == 'h')
		done = kcapi_md_digest(handle, in, len, out, out_len);
	else if (kind == 'c')
		done = kcapi_cipher_encrypt(handle, in, len, iv, out, out_len, KCAPI_ACCESS_HEURISTIC);
	else
		done = kcapi_aead_encrypt(handle, in, len + ASSOCIATED, iv, out, out_len, KCAPI_ACCESS_HEURISTIC);
	if (done < 0 || (size_t)done < (kind == 'h' ? out_len : len))
		fail("a message", done);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median time of a message; a batch lasts about half a millisecond, as in syskit. */
static double slice(uint64_t ms)
{
	static double samples[MOST];
	uint64_t end = now() + ms * 1000000u, start = now();
	unsigned batch = 1, i;
	size_t n = 0;

	message();
	for (uint64_t one = now() - start; batch < 4096 && one * batch < 500000;)
		batch *= 2;
	while ((now() < end || n == 0) && n < MOST) {
		start = now();
		for (i = 0; i < batch; i++)
			message();
		samples[n++] = (double)(now() - start) / batch;
	}
	qsort(samples, n, sizeof(samples[0]), ascending);
	return samples[n / 2];
}

int main(int argc, char **argv)
{
	uint8_t key[64];
	unsigned long ms, key_len;
	int error;

	if (argc != 5) {
		fprintf(stderr, "usage: kcapi_loop hash|cipher|aead NAME KEY_LEN LEN\n");
		return 2;
	}
	kind = argv[1][0];
	key_len = strtoul(argv[3], NULL, 10);
	len = strtoul(argv[4], NULL, 10);
	if (key_len > sizeof(key))
		fail("key too long", (long)key_len);
	memset(key, 7, sizeof(key));
	if (posix_memalign((void **)&in, 4096, len + 4096) || posix_memalign((void **)&out, 4096, len + 4096))
		fail("memory", 0);
	memset(in, 1, len + 4096);
	if (kind == 'h')
		error = kcapi_md_init(&handle, argv[2], 0);
	else if (kind == 'c')
		error = kcapi_cipher_init(&handle, argv[2], 0);
	else
		error = kcapi_aead_init(&handle, argv[2], 0);
	if (error)
		fail("init", error);
	if (kind == 'h') {
		out_len = kcapi_md_digestsize(handle);
	} else if (kind == 'c') {
		out_len = len;
		error = kcapi_cipher_setkey(handle, key, (uint32_t)key_len);
	} else {
		kcapi_aead_setassoclen(handle, ASSOCIATED);
		out_len = kcapi_aead_outbuflen_enc(handle, len, ASSOCIATED, TAG);
		error = kcapi_aead_settaglen(handle, TAG);
		if (!error)
			error = kcapi_aead_setkey(handle, key, (uint32_t)key_len);
	}
	if (error)
		fail("key", error);
	while (scanf("%lu", &ms) == 1) {
		printf("%.1f\n", slice(ms));
		fflush(stdout);
	}
	return 0;
}

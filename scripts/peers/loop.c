/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A library at work on one buffer, for scripts/peers-crypt. What the library does is in the file linked with this one:
 * kcapi_loop.c (Debian packages libkcapi, but not its kcapi-speed) or evp_loop.c (openssl speed goes on with one stream and
 * neither sets an initialisation vector nor makes a tag).
 *
 * usage: LOOP hash|cipher|aead NAME KEY_LEN LEN
 *
 * For each line read, a number of milliseconds, it processes messages for so long and prints the median over batches of
 * the time of one, in nanoseconds. Set up once. An AEAD message has 13 bytes of associated data and a tag of 16. As in
 * syskit's race every message of a batch has its own place for the result and its own initialisation vector, and between
 * batches, outside the clock, results are compared and overwritten.
 *
 * build: cc -O2 -o kcapi_loop loop.c kcapi_loop.c -lkcapi; cc -O2 -o evp_loop loop.c evp_loop.c -lcrypto
 */
#define _GNU_SOURCE
#include "loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 100000, ROOM = 256 << 10, PLAIN_ROOM = 128 << 10 };

static uint8_t ivs[4096][16], *in, *out, *expected;
static size_t len, out_len, in_stride, out_stride, ins, outs;

void fail(const char *what, long code)
{
	fprintf(stderr, "loop: %s: %ld\n", what, code);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static size_t clamped(size_t n, size_t low, size_t high)
{
	return n < low ? low : n > high ? high : n;
}

/* A page, or for what is shorter a cache line. */
static size_t stride(size_t n)
{
	size_t grain = n < 4096 ? 64 : 4096;
	return (n + grain - 1) / grain * grain;
}

static void message(size_t i)
{
	uint8_t *from = in + i % ins * in_stride, *to = out + i % outs * out_stride;
	long done = peer_message(from, len, to, out_len, ivs[i % 4096]);
	if (done < 0)
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
	size_t batch = 1, i, n = 0, differ = 0;

	message(0);
	start = now();
	message(0);
	for (uint64_t one = now() - start; batch < outs && one * batch < 1000000;)
		batch *= 2;
	while ((now() < end || n == 0) && n < MOST) {
		start = now();
		for (i = 0; i < batch; i++)
			message(i);
		samples[n++] = (double)(now() - start) / (double)batch;
		for (i = 0; i < batch; i++) {
			differ += memcmp(out + i % outs * out_stride, expected + i % outs * out_stride, out_len) != 0;
			memset(out + i % outs * out_stride, 0xa5, out_len);
		}
	}
	if (differ == 1)
		fprintf(stderr, "loop: one result differs\n");
	qsort(samples, n, sizeof(samples[0]), ascending);
	return samples[n / 2];
}

int main(int argc, char **argv)
{
	uint8_t key[64];
	unsigned long ms, key_len;

	if (argc != 5) {
		fprintf(stderr, "usage: LOOP hash|cipher|aead NAME KEY_LEN LEN\n");
		return 2;
	}
	key_len = strtoul(argv[3], NULL, 10);
	len = strtoul(argv[4], NULL, 10);
	if (key_len > sizeof(key))
		fail("key too long", (long)key_len);
	memset(key, 7, sizeof(key));
	out_len = peer_open(argv[1][0], argv[2], key, key_len, len);
	outs = clamped(ROOM / len, 2, 4096);
	ins = clamped(PLAIN_ROOM / len, 2, outs);
	in_stride = stride(len + ASSOCIATED);
	out_stride = stride(out_len);
	if (posix_memalign((void **)&in, 4096, ins * in_stride) || posix_memalign((void **)&out, 4096, outs * out_stride) ||
	    posix_memalign((void **)&expected, 4096, outs * out_stride))
		fail("memory", 0);
	memset(in, 1, ins * in_stride);
	memset(expected, 2, outs * out_stride);
	for (size_t i = 0; i < 4096; i++)
		memcpy(ivs[i], &i, sizeof(i));
	while (scanf("%lu", &ms) == 1) {
		printf("%.1f\n", slice(ms));
		fflush(stdout);
	}
	return 0;
}

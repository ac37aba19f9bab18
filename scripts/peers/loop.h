/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What loop.c asks of a library.
 */
#include <stddef.h>
#include <stdint.h>

enum { ASSOCIATED = 13, TAG = 16 };

/* Sets the library up for messages of len bytes; kind is 'h'ash, 'c'ipher or 'a'ead. Returns the length of a result. */
size_t peer_open(char kind, const char *name, const uint8_t *key, size_t key_len, size_t len);

/* Processes len bytes at from (of an AEAD: ASSOCIATED more, which come first) to to. Negative where that fails. */
long peer_message(uint8_t *from, size_t len, uint8_t *to, size_t to_len, uint8_t *iv);

/* Ends the program. */
void fail(const char *what, long code) __attribute__((noreturn));

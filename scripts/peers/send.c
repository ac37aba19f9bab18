/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Sends the frames of a classic capture file on an interface, over and over: send INTERFACE FILE SECONDS [FRAMES-A-SECOND]
 * Prints the number of frames sent and the nanoseconds that took. Ends with its parent.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum { BATCH = 32, HEADER = 24, RECORD = 16 };

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* The frames of the file: every record as an iovec. */
static size_t frames(const char *path, struct iovec **list)
{
    struct stat about;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about) < 0)
        fail(path);
    char *bytes = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
    if (bytes == MAP_FAILED)
        fail("mmap");
    size_t count = 0, room = 0;
    for (off_t at = HEADER; at + RECORD <= about.st_size;) {
        uint32_t length = *(uint32_t *)(bytes + at + 8);
        at += RECORD;
        if (at + (off_t)length > about.st_size)
            break;
        if (count == room && !(*list = realloc(*list, (room = room ? 2 * room : 1024) * sizeof **list)))
            fail("realloc");
        (*list)[count++] = (struct iovec){ bytes + at, length };
        at += length;
    }
    return count;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: send INTERFACE FILE SECONDS [FRAMES-A-SECOND]\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct iovec *list = NULL;
    size_t count = frames(argv[2], &list), next = 0;
    if (count < BATCH)
        fail("too few frames");
    /* Protocol 0: it only sends. */
    int packet = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(argv[1]) };
    if (packet < 0 || !to.sll_ifindex || bind(packet, (struct sockaddr *)&to, sizeof to) < 0)
        fail(argv[1]);
    struct mmsghdr messages[BATCH] = { 0 };
    double rate = argc > 4 ? atof(argv[4]) : 0;
    int64_t start = now(), end = start + (int64_t)(atof(argv[3]) * 1e9), time;
    uint64_t sent = 0;
    while ((time = now()) < end) {
        int64_t early = rate > 0 ? start + (int64_t)(sent * 1e9 / rate) - time : 0;
        if (early > 100000) {
            nanosleep(&(struct timespec){ early / 1000000000, early % 1000000000 }, NULL);
            continue;
        }
        if (next + BATCH > count)
            next = 0;
        for (int i = 0; i < BATCH; i++)
            messages[i].msg_hdr = (struct msghdr){ .msg_iov = &list[next + i], .msg_iovlen = 1 };
        int taken = sendmmsg(packet, messages, BATCH, 0);
        if (taken < 0 && errno != EINTR && errno != ENOBUFS)
            fail("sendmmsg");
        if (taken > 0)
            sent += taken, next += taken;
    }
    printf("%llu %lld\n", (unsigned long long)sent, (long long)(now() - start));
    return 0;
}

/* Preloaded into `openssl s_time`: its connects begin PACE_MICROSECONDS apart.
 *
 * s_time connects again as soon as it can. A service does not, and finds cold caches each time;
 * so every peer of the comparison is measured at the same rate, and s_time's handshakes stay its
 * own. Compiled by tests/bench/peers.py. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    static int (*next)(int, const struct sockaddr *, socklen_t);
    static struct timespec due;
    static long pace;

    if (next == NULL) {
        next = (int (*)(int, const struct sockaddr *, socklen_t))dlsym(RTLD_NEXT, "connect");
        pace = atol(getenv("PACE_MICROSECONDS")) * 1000;
        clock_gettime(CLOCK_MONOTONIC, &due);
    }
    due.tv_nsec += pace;
    due.tv_sec += due.tv_nsec / 1000000000;
    due.tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    return next(fd, address, length);
}

/* System calls for the load generator and the floor: the result, or -errno. It spares Swift the errno hazard, variadic
 * functions and the few calls that Swift marks unavailable (fork). Linux only: the measurements read /proc. */
#ifndef PERSEID_CBENCH_H
#define PERSEID_CBENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma clang assume_nonnull begin

static inline long bench_result(long outcome) { return outcome < 0 ? -errno : outcome; }

/* ---- time ---- */

static inline uint64_t bench_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void bench_sleep_nanoseconds(uint64_t nanoseconds) {
    struct timespec rest = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    nanosleep(&rest, NULL);
}

/* ---- sockets ---- */

/* A non-blocking listener on IPv4. TCP_NODELAY is set here because accepted sockets inherit it: one call, not one per
 * connection. */
int bench_listen(const char *host, uint16_t port, int backlog);

static inline int bench_accept(int listener) {
    return (int)bench_result(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

/* Starts a non-blocking IPv4 connect, from `source` when given. The source's port is chosen at connect time
 * (IP_BIND_ADDRESS_NO_PORT), so each source address has its own range of ephemeral ports per destination. */
int bench_connect(const char *_Nullable source, const char *host, uint16_t port);

/* What a non-blocking connect ended with: 0, or -errno. */
static inline int bench_socket_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}

static inline void bench_close(int descriptor) { close(descriptor); }

/* Closing will send RST: thousands of closed test connections must not linger in TIME_WAIT and eat ports. */
static inline void bench_set_abortive_close(int descriptor) {
    struct linger linger = {1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static inline long bench_receive(int descriptor, void *bytes, size_t count) {
    return bench_result(recv(descriptor, bytes, count, 0));
}

static inline long bench_send(int descriptor, const void *bytes, size_t count) {
    return bench_result(send(descriptor, bytes, count, MSG_NOSIGNAL));
}

/* ---- epoll ---- */

static inline int bench_epoll_create(void) { return (int)bench_result(epoll_create1(EPOLL_CLOEXEC)); }

static inline int bench_epoll_add(int poller, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return (int)bench_result(epoll_ctl(poller, EPOLL_CTL_ADD, descriptor, &event));
}

static inline int bench_epoll_modify(int poller, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return (int)bench_result(epoll_ctl(poller, EPOLL_CTL_MOD, descriptor, &event));
}

/* Waits with nanosecond resolution (a publish schedule of 2,000 a second does not fit into milliseconds); a negative
 * timeout waits for ever. Interruption is reported as no events. */
static inline int bench_epoll_wait(int poller, struct epoll_event *events, int capacity, int64_t timeout_nanoseconds) {
    struct timespec timeout = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    int outcome = epoll_pwait2(poller, events, capacity, timeout_nanoseconds < 0 ? NULL : &timeout, NULL);
    if (outcome < 0 && errno == EINTR) return 0;
    return (int)bench_result(outcome);
}

static inline uint64_t bench_event_data(const struct epoll_event *event) { return event->data.u64; }

/* ---- processes ---- */

static inline int bench_fork(void) { return (int)bench_result(fork()); }

/* A worker must not outlive a generator that was killed. */
static inline void bench_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

static inline void bench_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

static inline void bench_exit_now(int status) { _exit(status); }

/* Waits for one child; its exit status, or -1 when a signal ended it. */
static inline int bench_wait(int process) {
    int status = 0;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int bench_pipe(int *two_descriptors) { return (int)bench_result(pipe2(two_descriptors, O_CLOEXEC)); }

static inline long bench_read(int descriptor, void *bytes, size_t count) {
    return bench_result(read(descriptor, bytes, count));
}

static inline long bench_write(int descriptor, const void *bytes, size_t count) {
    return bench_result(write(descriptor, bytes, count));
}

/* Reads a small file of /proc whole; its size, or -errno. */
static inline long bench_read_file(const char *path, void *bytes, size_t capacity) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    long count = bench_result(read(descriptor, bytes, capacity));
    close(descriptor);
    return count;
}

/* The ids of a process's threads; how many there are, or -errno. */
int bench_threads(int process, int *threads, int capacity);

/* The descriptors this process may have; raised to the hard limit first. */
int bench_raise_descriptor_limit(void);

/* ---- memory shared between the generator's processes ---- */

/* Zeroed memory that stays shared across fork; exits with a message when there is none. */
void *bench_map_shared(size_t bytes);

/* One writer per word, so plain release and acquire suffice. */
static inline void bench_store(uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
static inline uint64_t bench_load(const uint64_t *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }

/* ---- the WebSocket handshake ---- */

/* Writes the 28 characters of Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2). */
void bench_websocket_accept(const char *key, size_t key_count, char *accept);

#pragma clang assume_nonnull end

#endif

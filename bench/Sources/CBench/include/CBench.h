/* System calls for the load generator and the floor: the result, or -errno. It spares Swift the errno hazard, variadic
 * functions and the few calls that Swift marks unavailable (fork). Linux only: the measurements read /proc.
 *
 * The bodies are in C files because what they include would be a second, different definition of what Swift's own C
 * library module holds. */
#ifndef PERSEID_CBENCH_H
#define PERSEID_CBENCH_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#pragma clang assume_nonnull begin

/* ---- time ---- */

uint64_t bench_monotonic_nanoseconds(void);
void bench_sleep_nanoseconds(uint64_t nanoseconds);

/* ---- bytes ---- */

/* Where `wanted` first occurs, or NULL. */
const void *_Nullable bench_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count);

/* Whether the bytes are a text, whatever the case of its letters. */
int bench_is_text(const void *bytes, const void *text, size_t count);

const char *bench_error_text(int code);

/* ---- sockets ---- */

/* A non-blocking listener on IPv4. TCP_NODELAY is set here because accepted sockets inherit it: one call, not one per
 * connection. */
int bench_listen(const char *host, uint16_t port, int backlog);

/* A non-blocking socket. */
int bench_accept(int listener);

/* Starts a non-blocking IPv4 connect, from `source` when given. The source's port is chosen at connect time
 * (IP_BIND_ADDRESS_NO_PORT), so each source address has its own range of ephemeral ports per destination. */
int bench_connect(const char *_Nullable source, const char *host, uint16_t port);

/* What a non-blocking connect ended with: 0, or -errno. */
int bench_socket_error(int descriptor);

void bench_close(int descriptor);

/* Closing will send RST: thousands of closed test connections must not linger in TIME_WAIT and eat ports. */
void bench_set_abortive_close(int descriptor);

long bench_receive(int descriptor, void *bytes, size_t count);
long bench_send(int descriptor, const void *bytes, size_t count);

/* ---- epoll ---- */

int bench_epoll_create(void);
int bench_epoll_add(int poller, int descriptor, uint32_t events, uint64_t data);
int bench_epoll_modify(int poller, int descriptor, uint32_t events, uint64_t data);

/* Waits with nanosecond resolution (a publish schedule of 2,000 a second does not fit into milliseconds); a negative
 * timeout waits for ever. Interruption is reported as no events. */
int bench_epoll_wait(int poller, struct epoll_event *events, int capacity, int64_t timeout_nanoseconds);

/* ---- processes ---- */

int bench_fork(void);
int bench_process_id(void);

/* A worker must not outlive a generator that was killed. */
void bench_die_with_parent(void);

void bench_ignore_broken_pipes(void);
_Noreturn void bench_exit_now(int status);

/* Waits for one child; its exit status, or -1 when a signal ended it. */
int bench_wait(int process);

int bench_pipe(int *two_descriptors);
long bench_read(int descriptor, void *bytes, size_t count);
long bench_write(int descriptor, const void *bytes, size_t count);

/* Reads a small file of /proc whole; its size, or -errno. */
long bench_read_file(const char *path, void *bytes, size_t capacity);

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

/* A file that processes share; NULL when it cannot be mapped. */
void *_Nullable bench_map_file(const char *path, size_t bytes);

/* Several writers a word. */
static inline int32_t bench_add32(int32_t *word, int32_t difference) {
    return __atomic_add_fetch(word, difference, __ATOMIC_RELAXED);
}
static inline void bench_raise64(uint64_t *word, uint64_t value) {
    uint64_t known = __atomic_load_n(word, __ATOMIC_RELAXED);
    while (known < value && !__atomic_compare_exchange_n(word, &known, value, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

/* ---- the WebSocket handshake ---- */

/* Writes the 28 characters of Sec-WebSocket-Accept for a key (RFC 6455 section 4.2.2). */
void bench_websocket_accept(const void *key, size_t key_count, void *accept);

#pragma clang assume_nonnull end

#endif

/* System calls with one convention: the result, or -errno. No logic lives here; it only spares Swift the errno hazard,
 * variadic functions and the macros that differ between Linux and the BSDs. */
#ifndef PERSEID_CREACTOR_H
#define PERSEID_CREACTOR_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#else
#include <sys/event.h>
#endif

#pragma clang assume_nonnull begin

static inline long creactor_result(long outcome) { return outcome < 0 ? -errno : outcome; }

/* ---- clocks ---- */

static inline uint64_t creactor_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline uint64_t creactor_realtime_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* ---- descriptors ---- */

/* close(2): on Linux the descriptor is gone even when EINTR is reported, so it is never retried. */
static inline void creactor_close(int descriptor) { close(descriptor); }

static inline long creactor_receive(int descriptor, void *bytes, size_t count) {
    long outcome;
    do outcome = recv(descriptor, bytes, count, 0);
    while (outcome < 0 && errno == EINTR);
    return creactor_result(outcome);
}

/* Looks at what waits, which stays there: recv(2) with MSG_PEEK. */
static inline long creactor_peek(int descriptor, void *bytes, size_t count) {
    long outcome;
    do outcome = recv(descriptor, bytes, count, MSG_PEEK);
    while (outcome < 0 && errno == EINTR);
    return creactor_result(outcome);
}

/* Whether the peer ended its direction, or broke the connection, and nothing it sent is left: recv(2) with MSG_PEEK. */
static inline bool creactor_is_ended(int descriptor) {
    char byte;
    ssize_t outcome;
    do outcome = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    while (outcome < 0 && errno == EINTR);
    return outcome == 0 || (outcome < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

#if defined(__linux__)
#define CREACTOR_NO_SIGNAL MSG_NOSIGNAL
#else
#define CREACTOR_NO_SIGNAL 0 /* SO_NOSIGPIPE is set on each socket instead */
#endif

static inline long creactor_send(int descriptor, const void *bytes, size_t count) {
    long outcome;
    do outcome = send(descriptor, bytes, count, CREACTOR_NO_SIGNAL);
    while (outcome < 0 && errno == EINTR);
    return creactor_result(outcome);
}

/* Gathering send; unlike writev(2) it cannot raise SIGPIPE. */
static inline long creactor_send_vector(int descriptor, struct iovec *parts, int parts_count) {
    struct msghdr message;
    long outcome;
    memset(&message, 0, sizeof message);
    message.msg_iov = parts;
    message.msg_iovlen = parts_count;
    do outcome = sendmsg(descriptor, &message, CREACTOR_NO_SIGNAL);
    while (outcome < 0 && errno == EINTR);
    return creactor_result(outcome);
}

/* Has Linux encrypt what is sent, with parameters as linux/tls.h has them. Documentation/networking/tls.rst. */
static inline int creactor_seal_in_kernel(int descriptor, const void *parameters, long count) {
#if defined(__linux__)
    int outcome = setsockopt(descriptor, IPPROTO_TCP, 31 /* TCP_ULP */, "tls", sizeof "tls");
    if (outcome == 0) outcome = setsockopt(descriptor, 282 /* SOL_TLS */, 1 /* TLS_TX */, parameters, (socklen_t)count);
    return outcome < 0 ? -errno : 0;
#else
    (void)descriptor, (void)parameters, (void)count;
    return -ENOSYS;
#endif
}

/* Sends what is no data through a Linux that encrypts: a record of another kind. */
static inline long creactor_send_record(int descriptor, unsigned char kind, const void *bytes, size_t count) {
    struct iovec part = {(void *)bytes, count};
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof kind)];
    } control;
    struct msghdr message;
    memset(&message, 0, sizeof message);
    memset(&control, 0, sizeof control);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof control;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = 282; /* SOL_TLS */
    head->cmsg_type = 1;    /* TLS_SET_RECORD_TYPE */
    head->cmsg_len = CMSG_LEN(sizeof kind);
    memcpy(CMSG_DATA(head), &kind, sizeof kind);
    return creactor_result(sendmsg(descriptor, &message, CREACTOR_NO_SIGNAL));
}

static inline long creactor_shutdown_write(int descriptor) { return creactor_result(shutdown(descriptor, SHUT_WR)); }

/* Bytes that the peer's kernel has not acknowledged. tcp(7), SIOCOUTQ; on Darwin SO_NWRITE. */
static inline int creactor_unacknowledged(int descriptor) {
    int count = 0;
#if defined(__linux__)
    int outcome = ioctl(descriptor, SIOCOUTQ, &count);
#else
    socklen_t length = sizeof(count);
    int outcome = getsockopt(descriptor, SOL_SOCKET, SO_NWRITE, &count, &length);
#endif
    return outcome < 0 ? -errno : count;
}

/* Milliseconds since anything was heard of the peer's system, data or acknowledgement; -errno where that is not told.
 * tcp(7), TCP_INFO: tcpi_last_ack_recv. */
static inline long creactor_silence_milliseconds(int descriptor) {
#if defined(__linux__)
    struct tcp_info info;
    socklen_t length = sizeof info;
    if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
    return (long)info.tcpi_last_ack_recv;
#else
    (void)descriptor;
    return -ENOSYS;
#endif
}

/* Has the kernel ask an idle peer for a sign of life, and break a connection whose peer acknowledges nothing of what was sent
 * (or keeps its window shut) for so long. Accepted sockets inherit both from their listener. tcp(7), TCP_KEEPIDLE,
 * TCP_USER_TIMEOUT. */
static inline void creactor_bound_silence(int descriptor, int probe_seconds, int unacknowledged_milliseconds) {
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
#if defined(__linux__)
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &probe_seconds, sizeof probe_seconds);
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &probe_seconds, sizeof probe_seconds);
    setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_milliseconds, sizeof unacknowledged_milliseconds);
#else
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPALIVE, &probe_seconds, sizeof probe_seconds);
    (void)unacknowledged_milliseconds;
#endif
}

/* Has the kernel ask no more, where it was to: socket(7), SO_KEEPALIVE. */
static inline void creactor_stop_probing(int descriptor) {
    int off = 0;
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof off);
}

static inline int creactor_set_flags(int descriptor) {
    if (fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL, 0) | O_NONBLOCK) < 0) return -errno;
    if (fcntl(descriptor, F_SETFD, FD_CLOEXEC) < 0) return -errno;
    return 0;
}

/* A descriptor held back so that a process out of descriptors can still accept and refuse one connection. */
static inline int creactor_open_reserve(void) { return (int)creactor_result(open("/dev/null", O_RDONLY | O_CLOEXEC)); }

static inline int creactor_set_no_delay(int descriptor) {
    int on = 1;
    return (int)creactor_result(setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

static inline int creactor_set_send_buffer(int descriptor, int bytes) {
    return (int)creactor_result(setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes));
}

/* close(2) will then send RST and drop what is unsent. */
static inline int creactor_set_abortive_close(int descriptor) {
    struct linger linger = {1, 0};
    return (int)creactor_result(setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

/* The error that a non-blocking connect ended with; 0 is success. */
static inline int creactor_socket_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}

/* ---- addresses ---- */

/* A peer's address as 16 bytes; IPv4 is mapped into IPv6. */
typedef struct creactor_address {
    uint8_t bytes[16];
    uint16_t port;
} creactor_address;

static inline creactor_address creactor_address_of(const struct sockaddr_storage *storage) {
    creactor_address address;
    memset(&address, 0, sizeof address);
    if (storage->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)storage;
        address.bytes[10] = address.bytes[11] = 0xff;
        memcpy(address.bytes + 12, &in->sin_addr, 4);
        address.port = ntohs(in->sin_port);
    } else if (storage->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)storage;
        memcpy(address.bytes, &in->sin6_addr, 16);
        address.port = ntohs(in->sin6_port);
    }
    return address;
}

/* Where a host listens: an address, its scope if it is link-local, and a port. */
typedef struct creactor_endpoint {
    creactor_address address;
    uint32_t scope;
} creactor_endpoint;

/* Finds the endpoints of a host, in the order in which they are to be tried (RFC 6724): returns how many, at most `count`, or
 * 0 with getaddrinfo(3)'s reason. Blocks for as long as name servers are silent, unless only a number is taken. */
static inline int creactor_resolve(const char *host, const char *port, int number_only, creactor_endpoint *endpoints,
                                   int count, int *reason) {
    struct addrinfo hints;
    struct addrinfo *_Nullable found = NULL;
    int used = 0;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV | (number_only ? AI_NUMERICHOST : 0);
    *reason = getaddrinfo(host, port, &hints, &found);
    if (*reason != 0) return 0;
    for (struct addrinfo *each = found; each != NULL && used < count; each = each->ai_next) {
        struct sockaddr_storage storage;
        if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
        memset(&storage, 0, sizeof storage);
        memcpy(&storage, each->ai_addr, each->ai_addrlen);
        endpoints[used].address = creactor_address_of(&storage);
        endpoints[used].scope =
            each->ai_family == AF_INET6 ? ((const struct sockaddr_in6 *)each->ai_addr)->sin6_scope_id : 0;
        used += 1;
    }
    freeaddrinfo(found);
    return used;
}

/* getaddrinfo(3)'s reason in words. */
static inline const char *creactor_resolve_text(int reason) {
    return reason == 0 ? "no address" : gai_strerror(reason);
}

/* Starts to connect a TCP socket without blocking; the descriptor or -errno. An IPv4 address is tried as such. */
static inline int creactor_connect(const creactor_endpoint *endpoint) {
    struct sockaddr_storage storage;
    socklen_t size;
    int on = 1, outcome, descriptor;
    memset(&storage, 0, sizeof storage);
    if (IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)endpoint->address.bytes)) {
        struct sockaddr_in *in = (struct sockaddr_in *)&storage;
        in->sin_family = AF_INET;
        memcpy(&in->sin_addr, endpoint->address.bytes + 12, 4);
        in->sin_port = htons(endpoint->address.port);
        size = sizeof *in;
    } else {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&storage;
        in->sin6_family = AF_INET6;
        memcpy(&in->sin6_addr, endpoint->address.bytes, 16);
        in->sin6_port = htons(endpoint->address.port);
        in->sin6_scope_id = endpoint->scope;
        size = sizeof *in;
    }
    descriptor = (int)creactor_result(socket(storage.ss_family, SOCK_STREAM, 0));
    if (descriptor < 0) return descriptor;
    outcome = creactor_set_flags(descriptor);
#if !defined(__linux__)
    setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    if (outcome == 0) {
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        outcome = (int)creactor_result(connect(descriptor, (const struct sockaddr *)&storage, size));
    }
    if (outcome == 0 || outcome == -EINPROGRESS) return descriptor;
    close(descriptor);
    return outcome;
}

/* Starts to connect to a socket in the file system without blocking; the descriptor or -errno. Source: unix(7). One whose listener's
 * queue is full is refused with EAGAIN, and tried again. */
static inline int creactor_connect_path(const char *path) {
    struct sockaddr_un storage;
    int outcome, descriptor;
    memset(&storage, 0, sizeof storage);
    storage.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof storage.sun_path) return -ENAMETOOLONG;
    strcpy(storage.sun_path, path);
    descriptor = (int)creactor_result(socket(AF_UNIX, SOCK_STREAM, 0));
    if (descriptor < 0) return descriptor;
    outcome = creactor_set_flags(descriptor);
    if (outcome == 0) outcome = (int)creactor_result(connect(descriptor, (const struct sockaddr *)&storage, sizeof storage));
    if (outcome == 0 || outcome == -EINPROGRESS) return descriptor;
    close(descriptor);
    return outcome;
}

/* Resolves and opens one TCP socket: listening if `backlog` > 0, else connecting without blocking (-EINPROGRESS is
 * reported as success). Name resolution blocks; numeric hosts do not. Returns the descriptor or -errno; a host that
 * cannot be resolved is -EADDRNOTAVAIL. */
static inline int creactor_open_tcp(const char *host, const char *port, int backlog, int reuse_port) {
    struct addrinfo hints;
    struct addrinfo *_Nullable found = NULL;
    int descriptor = -EADDRNOTAVAIL;
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = backlog > 0 ? AI_PASSIVE : 0;
    if (getaddrinfo(host, port, &hints, &found) != 0) return -EADDRNOTAVAIL;
    for (struct addrinfo *each = found; each != NULL; each = each->ai_next) {
        int on = 1, off = 0, outcome;
        descriptor = (int)creactor_result(socket(each->ai_family, SOCK_STREAM, 0));
        if (descriptor < 0) continue;
        outcome = creactor_set_flags(descriptor);
#if !defined(__linux__)
        setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
        if (outcome == 0 && backlog > 0) {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
            if (reuse_port) setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
            if (each->ai_family == AF_INET6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
            outcome = (int)creactor_result(bind(descriptor, each->ai_addr, each->ai_addrlen));
            if (outcome == 0) outcome = (int)creactor_result(listen(descriptor, backlog));
        } else if (outcome == 0) {
            setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            outcome = (int)creactor_result(connect(descriptor, each->ai_addr, each->ai_addrlen));
            if (outcome == -EINPROGRESS) outcome = 0;
        }
        if (outcome == 0) break;
        close(descriptor);
        descriptor = outcome;
    }
    freeaddrinfo(found);
    return descriptor;
}

/* Memory that this process has in use; 0 where the system does not say. Source: proc(5), /proc/self/statm. */
long creactor_resident_bytes(void);

/* Addresses that this process has; 0 where the system does not say. Source: the same. */
long creactor_virtual_bytes(void);

/* Processor time of all threads of this process. Source: clock_gettime(2), CLOCK_PROCESS_CPUTIME_ID. */
static inline uint64_t creactor_processor_nanoseconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Descriptors that this process has open; 0 where the system does not say without being walked through. Source: proc(5),
 * /proc/pid/fd: since Linux 6.2 the size of the directory is their number. */
static inline long creactor_open_descriptors(void) {
#if defined(__linux__)
    struct stat directory;
    return stat("/proc/self/fd", &directory) == 0 ? (long)directory.st_size : 0;
#else
    return 0;
#endif
}

/* Descriptors that this process may have. Source: getrlimit(2), RLIMIT_NOFILE. */
static inline long creactor_descriptor_limit(void) {
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (long)limit.rlim_cur : 0;
}

/* Accepts one connection, non-blocking and close-on-exec. In reactor.c, for accept4 is a GNU extension. */
int creactor_accept(int listener, creactor_address *peer);

/* The port a listener is bound to (for port 0), or -errno. */
static inline int creactor_local_port(int descriptor) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    if (getsockname(descriptor, (struct sockaddr *)&storage, &size) < 0) return -errno;
    return creactor_address_of(&storage).port;
}

/* ---- epoll, eventfd ---- */

#if defined(__linux__)

static inline int creactor_epoll_create(void) { return (int)creactor_result(epoll_create1(EPOLL_CLOEXEC)); }

static inline int creactor_epoll_control(int poller, int operation, int descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event;
    event.events = events;
    event.data.u64 = token;
    return (int)creactor_result(epoll_ctl(poller, operation, descriptor, &event));
}

static inline int creactor_epoll_wait(int poller, struct epoll_event *events, int events_count, int milliseconds) {
    int outcome = epoll_wait(poller, events, events_count, milliseconds);
    if (outcome < 0) return errno == EINTR ? 0 : -errno;
    return outcome;
}

/* epoll_event is packed on x86-64 only, so its fields are read here. */
static inline uint64_t creactor_epoll_token(const struct epoll_event *event) { return event->data.u64; }
static inline uint32_t creactor_epoll_events(const struct epoll_event *event) { return event->events; }

static const uint32_t creactor_epoll_in = EPOLLIN;
static const uint32_t creactor_epoll_out = EPOLLOUT;
static const uint32_t creactor_epoll_peer_closed = EPOLLRDHUP;
static const uint32_t creactor_epoll_shared = EPOLLEXCLUSIVE | EPOLLET;
static const uint32_t creactor_epoll_failed = EPOLLERR | EPOLLHUP;
static const int creactor_epoll_add = EPOLL_CTL_ADD;
static const int creactor_epoll_modify = EPOLL_CTL_MOD;
static const int creactor_epoll_delete = EPOLL_CTL_DEL;

static inline int creactor_wakeup_open(void) { return (int)creactor_result(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)); }

static inline void creactor_wakeup_signal(int descriptor) {
    uint64_t one = 1;
    while (write(descriptor, &one, sizeof one) < 0 && errno == EINTR) {}
}

static inline void creactor_wakeup_clear(int descriptor) {
    uint64_t count;
    while (read(descriptor, &count, sizeof count) < 0 && errno == EINTR) {}
}

#endif

/* ---- threads, limits, process ---- */

static inline int creactor_thread_start(void *_Nullable (*_Nonnull body)(void *_Nullable), void *_Nullable context) {
    pthread_t thread;
    int outcome = pthread_create(&thread, NULL, body, context);
    if (outcome == 0) pthread_detach(thread);
    return -outcome;
}

/* What debuggers show for the calling thread. In reactor.c, for the call is an extension everywhere. */
void creactor_thread_name(const char *name);

/* Has the calling thread wait for others where there are fewer processors than have work. setpriority(2): on Linux each thread has its
   own; elsewhere it would be the process's, so it is left alone. */
static inline void creactor_thread_niceness(int niceness) {
#if defined(__linux__)
    setpriority(PRIO_PROCESS, 0, niceness);
#else
    (void)niceness;
#endif
}

/* Raises the soft limit of open descriptors to the hard one; returns what is then allowed. */
static inline long creactor_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return (long)limit.rlim_cur;
}

/* Makes room for descriptors below `count` in the process's table, by using its last place once. Returns 0 or -errno. */
static inline int creactor_reserve_descriptors(int count) {
    int any = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (any < 0) return -errno;
    int last = fcntl(any, F_DUPFD_CLOEXEC, count - 1);
    int outcome = last < 0 ? -errno : 0;
    if (last >= 0) close(last);
    close(any);
    return outcome;
}

/* Writes what an errno means into `text`. In reactor.c, for the two kinds of strerror_r differ by feature macros. */
void creactor_error_text(int code, char *text, size_t count);

/* From here on SIGTERM, SIGINT and SIGHUP no longer end the process but are kept for creactor_wait_for_end. Returns 0 or -errno. */
int creactor_catch_end(void);

/* Waits for one of these, also one that came before; returns its number, or 0 if none came in a time. -1 is for ever. */
int creactor_wait_for_end(int milliseconds);

/* Has the allocator map blocks of 128 KiB and more for themselves, and give them back when they are freed. By itself it raises
 * that bound with each of them that is freed, up to 32 MiB, and keeps what came between smaller ones: a node that held 35 MB
 * of logs and histories at most had taken 92 MB, and 50 MB with this (mallopt(3), M_MMAP_THRESHOLD). */
void creactor_give_back_large_blocks(void);

static inline void creactor_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

/* ---- many sends in one system call ---- */

/* A ring belongs to the thread that opened it. Where there is none (an old kernel, a container that forbids it, another
 * system), opening says so with -errno. */
typedef struct creactor_ring creactor_ring;

int creactor_ring_open(unsigned entries, creactor_ring *_Nullable *_Nonnull opened);
void creactor_ring_close(creactor_ring *ring);

/* Notes a send for the next submit; `place` says where in `results` its outcome goes. At most `entries` between submits. */
void creactor_ring_add_send(creactor_ring *ring, int descriptor, const void *bytes, size_t count, unsigned place);

/* Makes the `count` noted sends and waits for their outcomes: bytes sent or -errno. */
int creactor_ring_submit(creactor_ring *ring, unsigned count, int *results);

#pragma clang assume_nonnull end

#endif

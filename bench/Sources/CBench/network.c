#include "internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int set_address(struct sockaddr_in *address, const char *host, uint16_t port) {
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_port = htons(port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1 ? 0 : -EINVAL;
}

static int closed_with(int descriptor, int error) {
    close(descriptor);
    return -error;
}

int bench_listen(const char *host, uint16_t port, int backlog) {
    struct sockaddr_in address;
    int on = 1;
    if (set_address(&address, host, port) < 0) return -EINVAL;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0) return closed_with(descriptor, errno);
    if (listen(descriptor, backlog) < 0) return closed_with(descriptor, errno);
    return descriptor;
}

int bench_accept(int listener) {
    return (int)bench_result(accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

int bench_connect(const char *source, const char *host, uint16_t port) {
    struct sockaddr_in from, to;
    int on = 1;
    if (set_address(&to, host, port) < 0) return -EINVAL;
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (source) {
        if (set_address(&from, source, 0) < 0) return closed_with(descriptor, EINVAL);
        setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        if (bind(descriptor, (struct sockaddr *)&from, sizeof from) < 0) return closed_with(descriptor, errno);
    }
    if (connect(descriptor, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)
        return closed_with(descriptor, errno);
    return descriptor;
}

int bench_socket_error(int descriptor) {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
    return -error;
}

void bench_close(int descriptor) { close(descriptor); }

void bench_set_abortive_close(int descriptor) {
    struct linger linger = {1, 0};
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

long bench_receive(int descriptor, void *bytes, size_t count) {
    return bench_result(recv(descriptor, bytes, count, 0));
}

long bench_send(int descriptor, const void *bytes, size_t count) {
    return bench_result(send(descriptor, bytes, count, MSG_NOSIGNAL));
}

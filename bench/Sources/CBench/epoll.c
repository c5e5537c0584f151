#include "internal.h"

int bench_epoll_create(void) { return (int)bench_result(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int poller, int operation, int descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return (int)bench_result(epoll_ctl(poller, operation, descriptor, &event));
}

int bench_epoll_add(int poller, int descriptor, uint32_t events, uint64_t data) {
    return control(poller, EPOLL_CTL_ADD, descriptor, events, data);
}

int bench_epoll_modify(int poller, int descriptor, uint32_t events, uint64_t data) {
    return control(poller, EPOLL_CTL_MOD, descriptor, events, data);
}

int bench_epoll_wait(int poller, struct epoll_event *events, int capacity, int64_t timeout_nanoseconds) {
    struct timespec timeout = {timeout_nanoseconds / 1000000000, timeout_nanoseconds % 1000000000};
    int outcome = epoll_pwait2(poller, events, capacity, timeout_nanoseconds < 0 ? NULL : &timeout, NULL);
    if (outcome < 0 && errno == EINTR) return 0;
    return (int)bench_result(outcome);
}

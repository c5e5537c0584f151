/* Many sends in one system call: io_uring(7) by way of liburing. */
#include "CReactor.h"

#if defined(__linux__)
#include <liburing.h>

struct creactor_ring {
    struct io_uring uring;
};

int creactor_ring_open(unsigned entries, creactor_ring **opened) {
    struct creactor_ring *ring = malloc(sizeof *ring);
    if (!ring) return -ENOMEM;
    /* One thread submits and reaps, so the kernel need neither lock nor interrupt it. Linux 6.1; older ones say EINVAL. */
    unsigned flags = 0;
#if defined(IORING_SETUP_SINGLE_ISSUER) && defined(IORING_SETUP_DEFER_TASKRUN)
    flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
#endif
    int outcome = io_uring_queue_init(entries, &ring->uring, flags);
    if (outcome == -EINVAL && flags) outcome = io_uring_queue_init(entries, &ring->uring, 0);
    if (outcome < 0) {
        free(ring);
        return outcome;
    }
    io_uring_ring_dontfork(&ring->uring);
    /* Spares each call a look-up of the ring's descriptor. Linux 5.18; without it the descriptor itself is used. */
    io_uring_register_ring_fd(&ring->uring);
    *opened = ring;
    return 0;
}

void creactor_ring_close(creactor_ring *ring) {
    io_uring_queue_exit(&ring->uring);
    free(ring);
}

void creactor_ring_add_send(creactor_ring *ring, int descriptor, const void *bytes, size_t count, unsigned place) {
    struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);
    if (!entry) abort(); /* The caller never adds more than it opened the ring for. */
    /* MSG_DONTWAIT: a full socket is an answer (EAGAIN), not something to wait for in the kernel. */
    io_uring_prep_send(entry, descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    entry->user_data = place;
}

int creactor_ring_submit(creactor_ring *ring, unsigned count, int *results) {
    unsigned seen = 0;
    while (seen < count) {
        int outcome = io_uring_submit_and_wait(&ring->uring, count - seen);
        if (outcome < 0 && outcome != -EINTR && outcome != -EAGAIN && outcome != -EBUSY) return outcome;
        struct io_uring_cqe *entry;
        unsigned head, reaped = 0;
        io_uring_for_each_cqe(&ring->uring, head, entry) {
            results[entry->user_data] = entry->res;
            reaped++;
        }
        io_uring_cq_advance(&ring->uring, reaped);
        seen += reaped;
    }
    return 0;
}
#else
int creactor_ring_open(unsigned entries, creactor_ring **opened) {
    (void)entries, (void)opened;
    return -ENOSYS;
}
void creactor_ring_close(creactor_ring *ring) { (void)ring; }
void creactor_ring_add_send(creactor_ring *ring, int descriptor, const void *bytes, size_t count, unsigned place) {
    (void)ring, (void)descriptor, (void)bytes, (void)count, (void)place;
}
int creactor_ring_submit(creactor_ring *ring, unsigned count, int *results) {
    (void)ring, (void)count, (void)results;
    return -ENOSYS;
}
#endif

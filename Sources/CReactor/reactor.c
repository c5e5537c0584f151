/* The calls that need the GNU extensions of the C library. They are kept out of the header, because a Swift module that
 * imports both this and Glibc must see the same declarations in both. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "CReactor.h"

#include <stdio.h>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void creactor_give_back_large_blocks(void) {
#if defined(__GLIBC__)
    mallopt(M_MMAP_THRESHOLD, 131072);
#endif
}

/* A field of /proc/self/statm, which counts pages: the whole size first, then what is resident. */
static long statm_bytes(int field) {
    long pages[2] = {0, 0};
#if defined(__linux__)
    char text[128];
    int descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return 0;
    ssize_t count = read(descriptor, text, sizeof text - 1);
    close(descriptor);
    if (count <= 0) return 0;
    text[count] = 0;
    if (sscanf(text, "%ld %ld", &pages[0], &pages[1]) != 2) return 0;
#endif
    return pages[field] * sysconf(_SC_PAGESIZE);
}

long creactor_virtual_bytes(void) { return statm_bytes(0); }

long creactor_resident_bytes(void) { return statm_bytes(1); }

int creactor_accept(int listener, creactor_address *peer) {
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    int descriptor;
#if defined(__linux__)
    do descriptor = accept4(listener, (struct sockaddr *)&storage, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
#else
    do descriptor = accept(listener, (struct sockaddr *)&storage, &size);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    creactor_set_flags(descriptor);
    int on = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    *peer = creactor_address_of(&storage);
    return descriptor;
}

void creactor_thread_name(const char *name) {
#if defined(__linux__)
    pthread_setname_np(pthread_self(), name);
#else
    pthread_setname_np(name);
#endif
}

void creactor_error_text(int code, char *text, size_t count) {
#if defined(__GLIBC__)
    char room[128];
    snprintf(text, count, "%s", strerror_r(code, room, sizeof room));
#else
    strerror_r(code, text, count);
#endif
}

/* Signals reach whichever thread; a pipe brings them to the one that waits. */
static int end_pipe[2] = {-1, -1};

static void note_end(int number) {
    const int saved = errno;
    const unsigned char byte = (unsigned char)number;
    if (write(end_pipe[1], &byte, 1) < 0) { /* A full pipe holds signals enough. */
    }
    errno = saved;
}

int creactor_catch_end(void) {
    struct sigaction action;
    if (pipe(end_pipe) < 0) return -errno;
    fcntl(end_pipe[0], F_SETFD, FD_CLOEXEC);
    fcntl(end_pipe[1], F_SETFD, FD_CLOEXEC);
    fcntl(end_pipe[1], F_SETFL, O_NONBLOCK);
    memset(&action, 0, sizeof action);
    action.sa_handler = note_end;
    action.sa_flags = SA_RESTART;
    if (sigaction(SIGTERM, &action, NULL) < 0) return -errno;
    if (sigaction(SIGINT, &action, NULL) < 0) return -errno;
    if (sigaction(SIGHUP, &action, NULL) < 0) return -errno;
    return 0;
}

int creactor_wait_for_end(int milliseconds) {
    unsigned char byte = 0;
    struct pollfd end = {.fd = end_pipe[0], .events = POLLIN};
    /* A signal that interrupts this has written its byte before it returns: the next look finds it. */
    for (;;) {
        const int ready = poll(&end, 1, milliseconds);
        if (ready == 0) return 0;
        if (ready > 0 && read(end_pipe[0], &byte, 1) == 1) return byte;
    }
}

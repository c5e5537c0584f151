#include "internal.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

uint64_t bench_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_sleep_nanoseconds(uint64_t nanoseconds) {
    struct timespec rest = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
    nanosleep(&rest, NULL);
}

const void *bench_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count) {
    return memmem(bytes, count, wanted, wanted_count);
}

int bench_is_text(const void *bytes, const void *text, size_t count) { return strncasecmp(bytes, text, count) == 0; }

const char *bench_error_text(int code) { return strerror(code); }

int bench_fork(void) { return (int)bench_result(fork()); }

int bench_process_id(void) { return getpid(); }

void bench_die_with_parent(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); }

void bench_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }

void bench_exit_now(int status) { _exit(status); }

int bench_wait(int process) {
    int status = 0;
    while (waitpid(process, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int bench_pipe(int *two_descriptors) { return (int)bench_result(pipe2(two_descriptors, O_CLOEXEC)); }

long bench_read(int descriptor, void *bytes, size_t count) { return bench_result(read(descriptor, bytes, count)); }

long bench_write(int descriptor, const void *bytes, size_t count) {
    return bench_result(write(descriptor, bytes, count));
}

long bench_read_file(const char *path, void *bytes, size_t capacity) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    long count = bench_read(descriptor, bytes, capacity);
    close(descriptor);
    return count;
}

int bench_threads(int process, int *threads, int capacity) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    DIR *directory = opendir(path);
    if (!directory) return -errno;
    int count = 0;
    struct dirent *entry;
    while (count < capacity && (entry = readdir(directory)))
        if (entry->d_name[0] != '.') threads[count++] = atoi(entry->d_name);
    closedir(directory);
    return count;
}

int bench_raise_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0) return -errno;
    return (int)limit.rlim_cur;
}

void *bench_map_shared(size_t bytes) {
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return memory;
}

void *bench_map_file(const char *path, size_t bytes) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    close(descriptor);
    return memory == MAP_FAILED ? NULL : memory;
}

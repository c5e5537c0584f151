#include "CBench.h"

#include <dirent.h>
#include <stdio.h>

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

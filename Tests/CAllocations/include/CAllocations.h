#ifndef CALLOCATIONS_H
#define CALLOCATIONS_H

#include <stdbool.h>
#include <stdint.h>

/// Whether allocations are counted in this build: on glibc, and where no sanitizer has an allocator of its own.
bool callocations_are_counted(void);

/// Allocations of memory that the calling thread has made so far.
uint64_t callocations_count(void);

/// What the allocator has given to an object, in bytes: what was asked for, rounded up. 0 where allocations are not counted.
uint64_t callocations_size(const void *object);

#endif

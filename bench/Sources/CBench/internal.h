#ifndef PERSEID_CBENCH_INTERNAL_H
#define PERSEID_CBENCH_INTERNAL_H

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "CBench.h"

static inline long bench_result(long outcome) { return outcome < 0 ? -errno : outcome; }

#endif

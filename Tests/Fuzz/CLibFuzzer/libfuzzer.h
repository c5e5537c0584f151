// What the compiler's own fuzzer offers to a program that has a `main` itself: https://llvm.org/docs/LibFuzzer.html,
// "Using libFuzzer as a library". There is no header of it in the toolchain.

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*body)(const uint8_t *bytes, size_t count));

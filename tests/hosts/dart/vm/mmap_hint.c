/* Rounds the address that a program asks for memory at, unless it insists on it: Linux does so itself,
 * valgrind refuses the call. Loaded before the C library (LD_PRELOAD). */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void *map(void *at, size_t length, int protection, int flags, int file, off64_t offset) {
    if (!(flags & MAP_FIXED)) at = (void *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));
#ifdef SYS_mmap2 /* a 32-bit system call, which counts the offset in pages */
    return (void *)syscall(SYS_mmap2, at, length, protection, flags, file, (long)(offset / PAGE));
#else
    return (void *)syscall(SYS_mmap, at, length, protection, flags, file, offset);
#endif
}

void *mmap(void *at, size_t length, int protection, int flags, int file, off_t offset) {
    return map(at, length, protection, flags, file, offset);
}

void *mmap64(void *at, size_t length, int protection, int flags, int file, off64_t offset) {
    return map(at, length, protection, flags, file, offset);
}

/* SPDX-License-Identifier: MIT */
/*
 * Settings of the kernel that tests need: swap, huge pages, KSM, memory limits,
 * tracing. Each system_need_*() puts one in place and returns NULL, or says why
 * that cannot be; system_restore() undoes them all.
 */
#ifndef TESTS_IGT_SVM_SYSTEM_H
#define TESTS_IGT_SVM_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *system_need_swap(void);
const char *system_need_thp(void);
const char *system_need_hugetlb(void);
const char *system_need_ksm(void);
const char *system_need_compaction(void);
const char *system_need_userfaultfd(void);
const char *system_need_fuse(void);
const char *system_need_memcg(void);
const char *system_need_disk(void);
/* The driver's tracepoints of SVM, in a buffer that nobody else has. */
const char *system_need_tracing(void);
void system_restore(void);

bool system_write(const char *path, const char *text);
bool system_compact(void);

/*
 * Accesses to the memory are @mode's, UFFDIO_REGISTER_MODE_*, and wait for whoever reads the
 * descriptor, which does not block. -1 on error.
 */
int system_userfaultfd(void *mem, size_t size, uint64_t mode);
/* Returns when an access waits. Takes it from the descriptor. */
bool system_userfault_waits(int fd);

/* Does a line of @event have both texts? With system_need_tracing() only. */
bool system_trace_has(const char *event, const char *a, const char *b);

/* The directory that system_need_disk() found. */
const char *system_disk(void);

/* The caller's process may from now on use @limit bytes more; @index tells limits apart. */
bool system_limit_memory(unsigned int index, size_t limit);
void system_unlimit_memory(unsigned int index);

/* A page's entry in pagemap(5). 0 if there is none. */
uint64_t system_pagemap(const void *page);
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_PFN ((1ull << 55) - 1)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A page of a file system in user space, which is slow to give it: reading takes until the
 * test says so. The kernel has no other page that is as slow and that it does not know to be
 * a program's. Some that are not slow follow it.
 *
 * Who makes the kernel read it holds mmap_lock until then. So the process must not change its
 * address space meanwhile, nor anything that it calls: no mmap(), no thread, no large malloc().
 */
#ifndef TESTS_IGT_SVM_FUSE_H
#define TESTS_IGT_SVM_FUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The page is a series, see put_series(), that starts with this; the others are the same. */
#define SLOW_FIRST 0x510e0000
/* Of the file. */
#define SLOW_PAGES 16

struct slow_page {
	char *mem;	/* read-only, SLOW_PAGES, the first one is slow */
	pid_t server;	/* a process of its own */
	int channel;	/* to the server */
};

/* Before the process has the GPU open, which the server would inherit. */
bool slow_page_open(struct slow_page *p);
/* Returns when somebody is waiting for the page. */
bool slow_page_wanted(struct slow_page *p);
/* From now on it is there. Also if nobody wants it. */
void slow_page_give(struct slow_page *p);
/* Of a page that is given, or was never wanted. */
void slow_page_close(struct slow_page *p);

#endif

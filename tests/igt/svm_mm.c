// SPDX-License-Identifier: MIT
/* What the kernel's memory management does to memory that the GPU has in use. */
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/mman.h>
#include <linux/userfaultfd.h>

#include "svm_modes.h"
#include "svm_system.h"

/* ---- paged out, merged, moved ---- */

static bool any_page(const struct area *a, bool (*is)(uint64_t before, uint64_t now),
		     const uint64_t *before)
{
	for (size_t i = 0; i < a->size / PAGE; i++)
		if (is(before ? before[i] : 0, system_pagemap(a->mem + i * PAGE)))
			return true;
	return false;
}

static bool is_swapped(uint64_t before, uint64_t now)
{
	(void)before;
	return now & PAGEMAP_SWAPPED;
}

static bool is_elsewhere(uint64_t before, uint64_t now)
{
	return (before & PAGEMAP_PFN) != (now & PAGEMAP_PFN);
}

/* The kernel may be looking at some page just now, which then stays. */
static bool page_out(struct area *a)
{
	for (int i = 0; i < 100; i++) {
		TRY(!madvise(a->mem, a->size, MADV_PAGEOUT));
		if (any_page(a, is_swapped, NULL))
			return true;
		usleep(10000);
	}
	TRY(!"nothing is paged out");
	return true;
}

bool check_pageout(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 61, a->size);
	TRY(gpu_reads_series(w, a->mem, 61, a->size));
	TRY(page_out(a));
	TRY(gpu_reads_series(w, a->mem, 61, a->size));
	TRY(gpu_fill(w, a->mem, 0x6a6a6a6a, a->size));
	TRY(page_out(a));
	TRY(has_value(a->mem, 0x6a6a6a6a, a->size));
	TRY(page_out(a));
	TRY(gpu_fill(w, a->mem, 0x6b6b6b6b, a->size));
	TRY(has_value(a->mem, 0x6b6b6b6b, a->size));
	return true;
}

/* One page for all of @a */
static bool is_merged(const struct area *a)
{
	uint64_t first = system_pagemap(a->mem) & PAGEMAP_PFN;

	for (size_t i = 1; i < a->size / PAGE; i++)
		if ((system_pagemap(a->mem + i * PAGE) & PAGEMAP_PFN) != first)
			return false;
	return first;
}

static bool wait_until_merged(const struct area *a)
{
	for (int i = 0; i < 3000; i++) {
		if (is_merged(a))
			return true;
		usleep(10000);
	}
	TRY(!"the pages are not merged");
	return true;
}

bool check_ksm(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(gpu_fill(w, a->mem, 0x53535353, a->size));
	TRY(!madvise(a->mem, a->size, MADV_MERGEABLE));
	TRY(wait_until_merged(a));
	TRY(gpu_reads_value(w, a->mem, 0x53535353, a->size));
	TRY(gpu_fill(w, a->mem + PAGE, 0x54545454, PAGE));
	TRY(has_value(a->mem, 0x53535353, PAGE));
	TRY(has_value(a->mem + PAGE, 0x54545454, PAGE));
	TRY(has_value(a->mem + 2 * PAGE, 0x53535353, a->size - 2 * PAGE));
	TRY(!madvise(a->mem, a->size, MADV_UNMERGEABLE));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* Which pages the kernel moves is up to it; that any moved is not asked for. */
bool check_compaction(struct worker *w, struct area *a)
{
	for (uint32_t i = 0; i < 4; i++) {
		put_series(a->mem, i, a->size);
		TRY(gpu_reads_series(w, a->mem, i, a->size));
		/* Room for the kernel to have something to do. */
		for (size_t at = 0; at < a->size / 2; at += 2 * PAGE)
			TRY(!madvise(a->mem + at, PAGE, MADV_DONTNEED));
		TRY(system_compact());
		TRY(gpu_reads_series(w, a->mem + a->size / 2, i + a->size / 8, a->size / 2));
		TRY(exchange(w, a->mem, a->size));
	}
	return true;
}

/* Moves every page to another frame, for certain. */
bool check_soft_offline(struct worker *w, struct area *a)
{
	uint64_t before[AREA_SIZE / PAGE];

	TRY(exchange(w, a->mem, a->size));
	put_series(a->mem, 71, a->size);
	TRY(gpu_reads_series(w, a->mem, 71, a->size));
	for (size_t i = 0; i < a->size / PAGE; i++)
		before[i] = system_pagemap(a->mem + i * PAGE);
	TRY(!madvise(a->mem + 2 * PAGE, PAGE, MADV_SOFT_OFFLINE));
	TRY(any_page(a, is_elsewhere, before));
	TRY(gpu_reads_series(w, a->mem, 71, a->size));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* ---- provided by another thread, page by page ---- */

struct provider {
	uint64_t mode;
	int fd;
	int stop[2];
	unsigned int provided;
};

static void provide(struct provider *p, uint64_t address)
{
	struct uffdio_writeprotect unprotect = {
		.range = { .start = address & ~(PAGE - 1), .len = PAGE },
	};
	static const uint32_t content[PAGE / 4] = { [0 ... PAGE / 4 - 1] = 0x7e7e7e7e };
	struct uffdio_copy copy = {
		.dst = address & ~(PAGE - 1), .src = (uintptr_t)content, .len = PAGE,
	};

	if (p->mode == UFFDIO_REGISTER_MODE_WP ? !ioctl(p->fd, UFFDIO_WRITEPROTECT, &unprotect) :
						 !ioctl(p->fd, UFFDIO_COPY, &copy))
		__atomic_add_fetch(&p->provided, 1, __ATOMIC_RELEASE);
}

static void *provide_pages(void *arg)
{
	struct provider *p = arg;
	struct pollfd fds[] = {
		{ .fd = p->fd, .events = POLLIN }, { .fd = p->stop[0], .events = POLLIN },
	};
	struct uffd_msg msg;

	while (poll(fds, 2, -1) > 0 && !fds[1].revents)
		if (read(p->fd, &msg, sizeof(msg)) == sizeof(msg) &&
		    msg.event == UFFD_EVENT_PAGEFAULT)
			provide(p, msg.arg.pagefault.address);
	return NULL;
}

static bool provider_start(struct provider *p, struct area *a, pthread_t *thread)
{
	struct uffdio_writeprotect protect = {
		.range = { .start = (uintptr_t)a->mem, .len = a->size },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};

	p->fd = system_userfaultfd(a->mem, a->size, p->mode);
	TRY(p->fd >= 0);
	if (p->mode == UFFDIO_REGISTER_MODE_WP)
		TRY(!ioctl(p->fd, UFFDIO_WRITEPROTECT, &protect));
	TRY(!pipe(p->stop));
	TRY(!pthread_create(thread, NULL, provide_pages, p));
	return true;
}

static bool provider_stop(struct provider *p, pthread_t thread)
{
	bool good = write(p->stop[1], "x", 1) == 1;

	pthread_join(thread, NULL);
	close(p->stop[0]);
	close(p->stop[1]);
	close(p->fd);
	return good;
}

bool check_userfaultfd(struct worker *w, struct area *a)
{
	struct provider p = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	pthread_t thread;
	bool good;

	TRY(exchange(w, a->mem, a->size));
	/* First, or a fault that is late brings pages that nobody has provided. */
	TRY(provider_start(&p, a, &thread));
	good = !madvise(a->mem, a->size, MADV_DONTNEED) &&
	       gpu_reads_value(w, a->mem, 0x7e7e7e7e, a->size);
	TRY(provider_stop(&p, thread));
	TRY(good);
	TRY(p.provided > 0);
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* A program hears of writes; reads are none of its business. */
bool check_userfaultfd_wp(struct worker *w, struct area *a)
{
	struct provider p = { .mode = UFFDIO_REGISTER_MODE_WP };
	unsigned int told;
	pthread_t thread;
	bool good;

	put_series(a->mem, 82, a->size);
	TRY(provider_start(&p, a, &thread));
	good = gpu_reads_series(w, a->mem, 82, a->size);
	told = __atomic_load_n(&p.provided, __ATOMIC_ACQUIRE);
	good = good && gpu_fill(w, a->mem, 0x8e8e8e8e, a->size);
	TRY(provider_stop(&p, thread));
	TRY(good);
	TRY_EQ(told, 0);
	TRY(p.provided > 0);
	TRY(has_value(a->mem, 0x8e8e8e8e, a->size));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

/* ---- free for the taking ---- */

/* Memory that was freed lazily, and that the GPU writes to again before it is taken. */
bool check_madv_free(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(!madvise(a->mem, a->size, MADV_FREE));
	TRY(gpu_fill(w, a->mem, 0x5f5f5f5f, a->size));
	/* Takes what is free and was not written to since. */
	TRY(!madvise(a->mem, a->size, MADV_PAGEOUT));
	TRY(has_value(a->mem, 0x5f5f5f5f, a->size));
	return true;
}

// SPDX-License-Identifier: MIT
/* Kinds of memory that a process can have. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "svm_modes.h"
#include "svm_system.h"

#define RW (PROT_READ | PROT_WRITE)

/*
 * Where nothing but an area is ever mapped, so that a hole in it stays one whatever
 * other threads map. Several windows share an MMU notifier of the driver.
 */
#define WINDOWS (1ull << 45)
#define WINDOW_SIZE (64 * MIB)

#define NUM_AREAS 16	/* more than any prefix has at a time */

/* In .data, which is a private mapping of the file. */
static char globals[NUM_AREAS][AREA_SIZE] __attribute__((aligned(4096))) = { { 1 } };

static char *window(const struct area *a)
{
	return (char *)WINDOWS + a->index * WINDOW_SIZE;
}

char *other_window(const struct area *a)
{
	return window(a) + WINDOW_SIZE / 2;
}

void clear_windows(void)
{
	munmap((char *)WINDOWS, NUM_AREAS * WINDOW_SIZE);
}

static bool map_flags(struct area *a, char *at, int flags)
{
	a->mem = mmap(at, a->size, RW, flags, a->fd, 0);
	TRY(a->mem != MAP_FAILED);
	TRY(!at || a->mem == at);
	return true;
}

bool make_malloc(struct area *a)
{
	a->mem = malloc(a->size);
	TRY(a->mem);
	return true;
}

void drop_malloc(struct area *a)
{
	free(a->mem);
}

bool make_mmap(struct area *a)
{
	return map_flags(a, NULL, MAP_PRIVATE | MAP_ANONYMOUS);
}

bool make_window(struct area *a)
{
	return map_flags(a, window(a), MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE);
}

bool make_shared(struct area *a)
{
	return map_flags(a, NULL, MAP_SHARED | MAP_ANONYMOUS);
}

bool make_mlock(struct area *a)
{
	TRY(make_window(a));
	TRY(!mlock(a->mem, a->size));
	return true;
}

bool make_stack(struct area *a)
{
	a->mem = a->frame;
	return true;
}

bool make_globals(struct area *a)
{
	TRY(a->index < NUM_AREAS);
	a->mem = globals[a->index];
	return true;
}

void drop_nothing(struct area *a)
{
	(void)a;
}

/* ---- files ---- */

static bool make_on_file(struct area *a, int flags)
{
	TRY(a->fd >= 0);
	TRY(!ftruncate(a->fd, a->size));
	return map_flags(a, NULL, flags);
}

bool make_file(struct area *a)
{
	a->fd = memfd_create("svm", MFD_CLOEXEC);
	return make_on_file(a, MAP_SHARED);
}

bool make_file_private(struct area *a)
{
	a->fd = memfd_create("svm", MFD_CLOEXEC);
	return make_on_file(a, MAP_PRIVATE);
}

bool make_file_disk(struct area *a)
{
	snprintf(a->path, sizeof(a->path), "%s/svm-%d-%u", system_disk(), getpid(), a->index);
	a->fd = open(a->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return make_on_file(a, MAP_SHARED);
}

void drop_file(struct area *a)
{
	munmap(a->mem, a->size);
	close(a->fd);
	if (a->path[0])
		unlink(a->path);
}

static bool file_has(struct area *a, uint32_t value)
{
	char *copy = malloc(a->size);
	bool good;

	TRY(copy);
	good = pread(a->fd, copy, a->size, 0) == (ssize_t)a->size &&
	       has_value(copy, value, a->size);
	free(copy);
	TRY(good);
	return true;
}

/*
 * What the GPU writes is in the file; also what it writes after the file was
 * written back, and when the kernel has let go of the pages.
 */
bool check_file(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(gpu_fill(w, a->mem, 0xf11ef11e, a->size));
	TRY(file_has(a, 0xf11ef11e));
	TRY(!msync(a->mem, a->size, MS_SYNC));
	TRY(gpu_fill(w, a->mem, 0xf22ef22e, a->size));
	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	TRY(!fsync(a->fd));
	TRY(!posix_fadvise(a->fd, 0, 0, POSIX_FADV_DONTNEED));
	TRY(file_has(a, 0xf22ef22e));
	TRY(gpu_reads_value(w, a->mem, 0xf22ef22e, a->size));
	return true;
}

/* The file keeps what it had. */
bool check_file_private(struct worker *w, struct area *a)
{
	uint32_t value = 0;

	TRY(exchange(w, a->mem, a->size));
	TRY(file_has(a, 0));
	TRY(!madvise(a->mem, a->size, MADV_DONTNEED));
	TRY(gpu_reads_value(w, a->mem, value, a->size));
	TRY(gpu_fill(w, a->mem, 0xf33ef33e, a->size));
	TRY(file_has(a, 0));
	return true;
}

/* ---- huge pages ---- */

bool make_huge(struct area *a)
{
	TRY(make_window(a));
	TRY(!madvise(a->mem, a->size, MADV_HUGEPAGE));
	return true;
}

/* Also while a huge page is split under a mapping. */
bool check_huge(struct worker *w, struct area *a)
{
	TRY(exchange(w, a->mem, a->size));
	TRY(gpu_fill(w, a->mem, 0x40e40e40, a->size));
	TRY(!mprotect(a->mem + MIB, PAGE, PROT_READ));
	TRY(gpu_reads_value(w, a->mem, 0x40e40e40, a->size));
	TRY(!mprotect(a->mem + MIB, PAGE, RW));
	TRY(!madvise(a->mem + 3 * MIB, PAGE, MADV_DONTNEED));
	TRY(gpu_reads_value(w, a->mem + 3 * MIB, 0, PAGE));
	TRY(gpu_reads_value(w, a->mem + 3 * MIB + PAGE, 0x40e40e40, MIB - PAGE));
	TRY(exchange(w, a->mem, a->size));
	return true;
}

bool make_hugetlb(struct area *a)
{
	return map_flags(a, NULL, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB);
}

/* ---- less memory than the area needs ---- */

bool make_limited(struct area *a)
{
	TRY(make_window(a));
	/* A huge page under way to swap would be a quarter of what there is. */
	TRY(!madvise(a->mem, a->size, MADV_NOHUGEPAGE));
	return system_limit_memory(a->index, a->size * 2 / 3);
}

void drop_limited(struct area *a)
{
	munmap(a->mem, a->size);
	system_unlimit_memory(a->index);
}

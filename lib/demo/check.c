// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "packets.h"

#define KIB 1024u
#define NUM_SPARSE 64

static int __attribute__((format(printf, 2, 3))) fail(struct demo *demo, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(demo->why, sizeof(demo->why), fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- data ---- */

/* Differs between neighbours, pages and seeds. */
static uint32_t pattern(uint32_t seed, size_t i)
{
	return (uint32_t)(i * 2654435761u) ^ (uint32_t)(i >> 10) ^ (seed << 24);
}

static void put_pattern(void *mem, size_t bytes, uint32_t seed)
{
	uint32_t *p = mem;

	for (size_t i = 0; i < bytes / 4; i++)
		p[i] = pattern(seed, i);
}

static int expect_pattern(struct demo *demo, const void *mem, size_t bytes, uint32_t seed)
{
	const uint32_t *p = mem;

	for (size_t i = 0; i < bytes / 4; i++)
		if (p[i] != pattern(seed, i))
			return fail(demo, "byte %zu of %zu: 0x%08x instead of 0x%08x", i * 4, bytes,
				    p[i], pattern(seed, i));
	return 0;
}

static int expect_value(struct demo *demo, const void *mem, size_t bytes, uint32_t value)
{
	const uint32_t *p = mem;

	for (size_t i = 0; i < bytes / 4; i++)
		if (p[i] != value)
			return fail(demo, "byte %zu of %zu: 0x%08x instead of 0x%08x", i * 4, bytes,
				    p[i], value);
	return 0;
}

/* ---- the GPU at work ---- */

static uint64_t address(const void *mem)
{
	return (uintptr_t)mem;
}

/*
 * All jobs share one buffer for their packets. A buffer per job would be mapped
 * each time, the driver would flush the TLB before each job for that reason
 * alone, and a missing flush after an invalidation would never show.
 */
static int begin(struct demo *demo)
{
	int err;

	if (demo->job.gpu) {
		gpu_job_reset(&demo->job);
		return 0;
	}
	err = gpu_job_init(&demo->gpu, &demo->job, AMDGPU_HW_IP_DMA);
	return err ? fail(demo, "cannot make a job: %s", strerror(-err)) : 0;
}

static int finish(struct demo *demo)
{
	int err = gpu_job_run(&demo->job, demo->seconds);

	if (err == -ETIME) {
		/* The GPU may still use the buffer and this process: leave it alone. */
		memset(&demo->job, 0, sizeof(demo->job));
		return fail(demo, "the GPU did not finish within %u s", demo->seconds);
	}
	return err ? fail(demo, "job: %s", strerror(-err)) : 0;
}

static int gpu_copy(struct demo *demo, void *dst, const void *src, uint32_t bytes)
{
	if (begin(demo))
		return -1;
	emit_copy(&demo->job, address(dst), address(src), bytes);
	return finish(demo);
}

static int gpu_fill(struct demo *demo, void *dst, uint32_t value, uint32_t bytes)
{
	if (begin(demo))
		return -1;
	emit_fill(&demo->job, address(dst), value, bytes);
	return finish(demo);
}

static int gpu_write(struct demo *demo, void *dst, const uint32_t *data, unsigned int dwords)
{
	if (begin(demo))
		return -1;
	emit_write(&demo->job, address(dst), data, dwords);
	return finish(demo);
}

/* ---- memory ---- */

static void *map(struct demo *demo, void *where, size_t bytes, int prot, int flags, int fd)
{
	void *mem = mmap(where, bytes, prot, flags, fd, 0);

	if (mem == MAP_FAILED) {
		fail(demo, "mmap: %s", strerror(errno));
		return NULL;
	}
	return mem;
}

static void *map_anonymous(struct demo *demo, size_t bytes)
{
	return map(demo, NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

/* A file in memory with pattern @seed. Returns its descriptor. */
static int make_file(struct demo *demo, size_t bytes, uint32_t seed)
{
	int fd = memfd_create("amdgpu-svm-demo", MFD_CLOEXEC);
	void *mem;

	if (fd < 0 || ftruncate(fd, (off_t)bytes)) {
		fail(demo, "memfd: %s", strerror(errno));
		return -1;
	}
	mem = map(demo, NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	if (!mem) {
		close(fd);
		return -1;
	}
	put_pattern(mem, bytes, seed);
	munmap(mem, bytes);
	return fd;
}

/* ---- checks ---- */

static int fill_untouched(struct demo *demo)
{
	const uint32_t bytes = 1024 * KIB;
	uint32_t *mem = malloc(bytes);
	int ret;

	if (!mem)
		return fail(demo, "malloc: %s", strerror(errno));
	ret = gpu_fill(demo, mem, 0x5afec0de, bytes);
	if (!ret)
		ret = expect_value(demo, mem, bytes, 0x5afec0de);
	free(mem);
	return ret;
}

static int copy_heap(struct demo *demo)
{
	const uint32_t bytes = 512 * KIB + 12;
	char *src = malloc(bytes + 4), *dst = calloc(1, bytes + 8);
	int ret = -1;

	if (!src || !dst) {
		fail(demo, "malloc: %s", strerror(errno));
		goto out;
	}
	/* Not at the start of a page, and differently so. */
	put_pattern(src + 4, bytes, 1);
	ret = gpu_copy(demo, dst + 8, src + 4, bytes);
	if (!ret)
		ret = expect_pattern(demo, dst + 8, bytes, 1);
out:
	free(src);
	free(dst);
	return ret;
}

static int write_stack(struct demo *demo)
{
	uint32_t data[64], local[64] = {};

	put_pattern(data, sizeof(data), 2);
	if (gpu_write(demo, local, data, 64))
		return -1;
	return expect_pattern(demo, local, sizeof(local), 2);
}

static int write_global(struct demo *demo)
{
	static uint32_t global[64];
	uint32_t data[64];

	put_pattern(data, sizeof(data), 3);
	if (gpu_write(demo, global, data, 64))
		return -1;
	return expect_pattern(demo, global, sizeof(global), 3);
}

/*
 * What the GPU had mapped is gone; it must neither read nor write the old pages.
 * The first copy builds page tables, which makes the driver flush the TLB before the
 * next job. The second one makes sure that this is over, so that nothing but the
 * flush after the madvise() can take the old translations out of the TLB.
 */
static int after_dontneed(struct demo *demo)
{
	const uint32_t bytes = 256 * KIB;
	char *src = map_anonymous(demo, bytes), *dst = map_anonymous(demo, bytes);

	if (!src || !dst)
		return -1;
	put_pattern(src, bytes, 4);
	for (int i = 0; i < 2; i++) {
		if (gpu_copy(demo, dst, src, bytes) || expect_pattern(demo, dst, bytes, 4))
			return -1;
	}
	if (madvise(src, bytes, MADV_DONTNEED))
		return fail(demo, "madvise: %s", strerror(errno));
	if (gpu_copy(demo, dst, src, bytes) || expect_value(demo, dst, bytes, 0))
		return -1;
	if (madvise(dst, bytes, MADV_DONTNEED))
		return fail(demo, "madvise: %s", strerror(errno));
	put_pattern(src, bytes, 5);
	if (gpu_copy(demo, dst, src, bytes) || expect_pattern(demo, dst, bytes, 5))
		return -1;
	munmap(src, bytes);
	munmap(dst, bytes);
	return 0;
}

static int after_remap(struct demo *demo)
{
	const uint32_t bytes = 256 * KIB;
	char *mem = map_anonymous(demo, bytes), *copy = map_anonymous(demo, bytes), *again;

	if (!mem || !copy)
		return -1;
	put_pattern(mem, bytes, 6);
	if (gpu_copy(demo, copy, mem, bytes) || expect_pattern(demo, copy, bytes, 6))
		return -1;
	munmap(mem, bytes);
	again = map(demo, mem, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1);
	if (!again)
		return -1;
	put_pattern(again, bytes, 7);
	if (gpu_copy(demo, copy, again, bytes) || expect_pattern(demo, copy, bytes, 7))
		return -1;
	if (gpu_fill(demo, again, 0x600d600d, bytes) || expect_value(demo, again, bytes, 0x600d600d))
		return -1;
	munmap(again, bytes);
	munmap(copy, bytes);
	return 0;
}

/* Mappings of one page with holes in between; page i is copied to page i + 1,
 * all by one job. */
static int sparse_mappings(struct demo *demo)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 2 * NUM_SPARSE * page;
	char *mem = map_anonymous(demo, bytes);

	if (!mem || begin(demo))
		return -1;
	for (size_t i = 0; i < NUM_SPARSE; i++)
		munmap(mem + (2 * i + 1) * page, page);
	put_pattern(mem, page, 8);
	for (size_t i = 1; i < NUM_SPARSE; i++)
		emit_copy(&demo->job, address(mem + 2 * i * page), address(mem + 2 * (i - 1) * page),
			  (uint32_t)page);
	if (finish(demo))
		return -1;
	for (size_t i = 0; i < NUM_SPARSE; i++)
		if (expect_pattern(demo, mem + 2 * i * page, page, 8))
			return -1;
	munmap(mem, bytes);
	return 0;
}

static int read_only_file(struct demo *demo)
{
	const uint32_t bytes = 64 * KIB;
	int fd = make_file(demo, bytes, 9);
	char *src, *dst = map_anonymous(demo, bytes);
	int ret;

	if (fd < 0 || !dst)
		return -1;
	src = map(demo, NULL, bytes, PROT_READ, MAP_SHARED, fd);
	close(fd);
	if (!src)
		return -1;
	ret = gpu_copy(demo, dst, src, bytes);
	if (!ret)
		ret = expect_pattern(demo, dst, bytes, 9);
	munmap(src, bytes);
	munmap(dst, bytes);
	return ret;
}

/* The GPU's write makes a private copy of the page, as the CPU's would. */
static int copy_on_write(struct demo *demo)
{
	const uint32_t bytes = 64 * KIB;
	int fd = make_file(demo, bytes, 10);
	char *private, *shared, *copy = map_anonymous(demo, bytes);

	if (fd < 0 || !copy)
		return -1;
	private = map(demo, NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	shared = map(demo, NULL, bytes, PROT_READ, MAP_SHARED, fd);
	close(fd);
	if (!private || !shared)
		return -1;
	/* Read first: the page is mapped without the right to write. */
	if (gpu_copy(demo, copy, private, bytes) || expect_pattern(demo, copy, bytes, 10))
		return -1;
	if (gpu_fill(demo, private, 0xc0c0c0c0, bytes) ||
	    expect_value(demo, private, bytes, 0xc0c0c0c0))
		return -1;
	if (expect_pattern(demo, shared, bytes, 10))
		return -1;
	munmap(private, bytes);
	munmap(shared, bytes);
	munmap(copy, bytes);
	return 0;
}

const struct check checks[] = {
	{ "fill malloc memory that nothing has touched", fill_untouched },
	{ "copy from malloc memory to malloc memory", copy_heap },
	{ "write to a variable on the stack", write_stack },
	{ "write to a global variable", write_global },
	{ "copy after madvise(MADV_DONTNEED)", after_dontneed },
	{ "copy after munmap and mmap at the same address", after_remap },
	{ "copy along 64 mappings with holes between", sparse_mappings },
	{ "read a file mapped read-only", read_only_file },
	{ "write to a private file mapping, not to the file", copy_on_write },
};
const unsigned int num_checks = sizeof(checks) / sizeof(checks[0]);

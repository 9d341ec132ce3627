// SPDX-License-Identifier: MIT
/* Buffer objects beside, over and under the process's memory. */
#include <errno.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "svm_rules.h"
#include "svm_system.h"

#define BO_SIZE (64 * KIB)
#define SLOW_MIBS 8
#define PARTS 8

static int bo_op(struct gpu_buffer *buf, size_t size, void *addr, uint32_t op)
{
	return amdgpu_bo_va_op(buf->bo, 0, size, (uintptr_t)addr, 0, op);
}

static int bo_alloc(struct worker *w, struct gpu_buffer *buf, size_t size)
{
	return gpu_buffer_alloc(w->gpu, buf, size, AMDGPU_GEM_DOMAIN_GTT);
}

/*
 * A buffer object in place of memory that the GPU does not want, but may have got all the
 * same, for the duplicate of a fault.
 */
static bool take_place_of_memory(struct gpu_buffer *buf, size_t size, char *mem)
{
	int r = bo_op(buf, size, mem, AMDGPU_VA_OP_MAP);

	for (int i = 0; i < 10 && r == -EADDRINUSE; i++) {
		TRY(!madvise(mem, size, MADV_DONTNEED));
		r = bo_op(buf, size, mem, AMDGPU_VA_OP_MAP);
	}
	TRY_EQ(r, 0);
	return true;
}

/* Memory that the GPU has in use keeps its place. */
bool rule_bo_over_svm(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	struct gpu_buffer buf;

	TRY_EQ(bo_alloc(w, &buf, BO_SIZE), 0);
	TRY(gpu_fill(w, mem, 0x61616161, BO_SIZE));
	TRY_EQ(bo_op(&buf, BO_SIZE, mem, AMDGPU_VA_OP_MAP), -EADDRINUSE);
	TRY_EQ(bo_op(&buf, BO_SIZE, mem, AMDGPU_VA_OP_REPLACE), -EADDRINUSE);
	TRY(gpu_reads_value(w, mem, 0x61616161, BO_SIZE));
	TRY(!madvise(mem, 2 * MIB, MADV_DONTNEED));
	TRY(take_place_of_memory(&buf, BO_SIZE, mem));
	TRY_EQ(bo_op(&buf, BO_SIZE, mem, AMDGPU_VA_OP_UNMAP), 0);
	TRY(exchange(w, mem, BO_SIZE));
	gpu_buffer_free(&buf);
	munmap(mem, 2 * MIB);
	return true;
}

/* Where a buffer object is, the GPU gets that, also by faults and prefetch. */
bool rule_svm_over_bo(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	struct gpu_buffer buf;

	TRY_EQ(bo_alloc(w, &buf, BO_SIZE), 0);
	TRY(take_place_of_memory(&buf, BO_SIZE, mem + BO_SIZE));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC, 0), -EADDRINUSE);
	TRY_EQ(svm_get(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC), -EADDRINUSE);
	TRY_EQ(svm_set(w->gpu, mem, BO_SIZE, AMDGPU_SVM_ATTR_PREFETCH_LOC, 0), 0);
	gpu_job_use(&w->sdma, &buf);
	TRY(gpu_fill(w, mem, 0x65656565, 3 * BO_SIZE));
	w->sdma.num_used--;
	TRY(has_value(mem, 0x65656565, BO_SIZE));
	TRY(has_value(buf.cpu, 0x65656565, BO_SIZE));
	TRY(has_value(mem + BO_SIZE, 0, BO_SIZE));
	TRY(has_value(mem + 2 * BO_SIZE, 0x65656565, BO_SIZE));
	TRY_EQ(bo_op(&buf, BO_SIZE, mem + BO_SIZE, AMDGPU_VA_OP_UNMAP), 0);
	TRY(exchange(w, mem, 2 * MIB));
	gpu_buffer_free(&buf);
	munmap(mem, 2 * MIB);
	return true;
}

/* Within what would be one range without it. */
bool rule_svm_beside_bo(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	struct gpu_buffer buf;

	TRY_EQ(bo_alloc(w, &buf, PAGE), 0);
	TRY(take_place_of_memory(&buf, PAGE, mem + MIB));
	TRY(exchange(w, mem + MIB - 4 * PAGE, 4 * PAGE));
	TRY(exchange(w, mem + MIB + PAGE, 4 * PAGE));
	TRY(exchange(w, mem, MIB));
	TRY(has_value(buf.cpu, 0, PAGE));
	TRY_EQ(bo_op(&buf, PAGE, mem + MIB, AMDGPU_VA_OP_UNMAP), 0);
	TRY(exchange(w, mem, 2 * MIB));
	gpu_buffer_free(&buf);
	munmap(mem, 2 * MIB);
	return true;
}

/* Unmapping waits for the job, which waits for its faults. */
bool rule_bo_while_faulting(struct worker *w)
{
	for (int i = 0; i < 4; i++) {
		char *mem = map_aligned(16 * MIB);
		struct gpu_buffer gtt, vram, more;
		struct gpu_job job;

		TRY_EQ(bo_alloc(w, &gtt, 256 * KIB), 0);
		TRY_EQ(gpu_buffer_alloc(w->gpu, &vram, 256 * KIB, AMDGPU_GEM_DOMAIN_VRAM), 0);
		TRY(gpu_submit_fills(w->gpu, &job, mem, 16));
		gpu_buffer_free(&gtt);
		gpu_buffer_free(&vram);
		TRY_EQ(gpu_buffer_alloc(w->gpu, &more, 2 * MIB, AMDGPU_GEM_DOMAIN_VRAM), 0);
		TRY_EQ(gpu_job_wait(&job, gpu_job_seconds()), 0);
		gpu_job_fini(&job);
		TRY(gpu_fills_are_there(mem, 16));
		gpu_buffer_free(&more);
		munmap(mem, 16 * MIB);
	}
	return true;
}

/* The entries of the buffer are cleared by a job that ends after this one. */
static bool take_place(struct worker *w, char *mem, char *other, size_t size)
{
	struct gpu_buffer buf;
	struct gpu_job job;

	TRY_EQ(bo_alloc(w, &buf, 2 * MIB), 0);
	TRY(take_place_of_memory(&buf, size, mem));
	TRY_EQ(gpu_job_init(w->gpu, &job, AMDGPU_HW_IP_DMA), 0);
	gpu_job_use(&job, &buf);
	for (unsigned int k = 0; k < 4; k++)
		emit_fill(&job, (uintptr_t)other + k * MIB, k, MIB);
	emit_fill(&job, (uintptr_t)mem, 0xc0c0c0c0, size);
	TRY_EQ(gpu_job_submit(&job), 0);
	TRY_EQ(bo_op(&buf, size, mem, AMDGPU_VA_OP_UNMAP), 0);
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC, 0), 0);
	TRY_EQ(gpu_job_wait(&job, gpu_job_seconds()), 0);
	TRY(has_value(buf.cpu, 0xc0c0c0c0, size));
	TRY(exchange(w, mem, 2 * MIB));
	gpu_job_fini(&job);
	gpu_buffer_free(&buf);
	return true;
}

bool rule_svm_takes_place_of_bo(struct worker *w)
{
	for (int i = 0; i < 4; i++) {
		char *mem = map_aligned(2 * MIB), *other = map_aligned(4 * MIB);

		TRY(take_place(w, mem, other, i & 1 ? 2 * MIB : BO_SIZE));
		munmap(mem, 2 * MIB);
		munmap(other, 4 * MIB);
	}
	return true;
}

/* ---- faults that come late ---- */

#define LATE_PAGES 16

/*
 * Duplicates of faults on memory that gave its place to a buffer object since, whether the
 * process still has something there or not. They come from a GPU that delivers them late and
 * twice (chaos late-fault of the emulator), while it is at work elsewhere.
 */
bool rule_late_faults_spare_bo(struct worker *w)
{
	struct gpu_buffer buf;

	TRY_EQ(bo_alloc(w, &buf, PAGE), 0);
	put_series(buf.cpu, 0x1a7e, PAGE);
	for (uint32_t round = 0; round < 4; round++) {
		char *mem = map_aligned(LATE_PAGES * PAGE);

		TRY_EQ(svm_set(w->gpu, mem, LATE_PAGES * PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
		TRY(gpu_fill(w, mem, round, LATE_PAGES * PAGE));
		TRY(!madvise(mem, LATE_PAGES * PAGE, MADV_DONTNEED));
		if (round & 1)
			TRY(!munmap(mem, LATE_PAGES * PAGE));
		for (int i = 0; i < LATE_PAGES; i++)
			TRY(take_place_of_memory(&buf, PAGE, mem + i * PAGE));
		for (int i = 0; i < 60; i++)
			TRY(gpu_draws(w));
		for (int i = 0; i < LATE_PAGES; i++)
			TRY(gpu_reads_series(w, mem + i * PAGE, 0x1a7e, PAGE));
		for (int i = 0; i < LATE_PAGES; i++)
			TRY_EQ(bo_op(&buf, PAGE, mem + i * PAGE, AMDGPU_VA_OP_UNMAP), 0);
		if (!(round & 1))
			munmap(mem, LATE_PAGES * PAGE);
	}
	gpu_buffer_free(&buf);
	return true;
}

/* ---- page tables that have to leave the VRAM ---- */

bool evict_vram(void)
{
	FILE *file = fopen("/sys/kernel/debug/dri/0/amdgpu_evict_vram", "r");
	char line[256];

	TRY(file);
	while (fgets(line, sizeof(line), file))
		;
	fclose(file);
	return true;
}

bool rule_evicted_tables(struct worker *w)
{
	char *mem = map_aligned(4 * MIB);

	for (uint32_t i = 0; i < 4; i++) {
		TRY(gpu_fill(w, mem, 0xa0a0a0a0 + i, 4 * MIB));
		TRY(evict_vram());
		TRY(has_value(mem, 0xa0a0a0a0 + i, 4 * MIB));
		TRY(!madvise(mem + i * MIB, MIB, MADV_DONTNEED));
		/* Also without a submission that brings them back. */
		if (i == 2)
			TRY_EQ(svm_set(w->gpu, mem, 4 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC, 0), 0);
	}
	TRY(exchange(w, mem, 4 * MIB));
	munmap(mem, 4 * MIB);
	return true;
}

/* A job that has to fault often enough for something to happen meanwhile. */
static bool submit_slow_fills(struct worker *w, struct gpu_job *job, char *mem)
{
	TRY(!madvise(mem, SLOW_MIBS * MIB, MADV_DONTNEED));
	TRY_EQ(svm_set(w->gpu, mem, SLOW_MIBS * MIB, AMDGPU_SVM_ATTR_GRANULARITY, 2), 0);
	return gpu_submit_fills(w->gpu, job, mem, SLOW_MIBS);
}

static bool finish_slow_fills(struct gpu_job *job, const char *mem)
{
	TRY_EQ(gpu_job_wait(job, gpu_job_seconds()), 0);
	gpu_job_fini(job);
	return gpu_fills_are_there(mem, SLOW_MIBS);
}

/* One of PARTS + 1, which VRAM has no room for. */
static bool take_vram(struct worker *w, struct gpu_buffer *buf)
{
	struct drm_amdgpu_memory_info info;

	TRY_EQ(amdgpu_query_info(w->gpu->dev, AMDGPU_INFO_MEMORY, sizeof(info), &info), 0);
	TRY_EQ(gpu_buffer_alloc(w->gpu, buf, info.vram.total_heap_size / PARTS & -MIB,
				AMDGPU_GEM_DOMAIN_VRAM), 0);
	return true;
}

static void free_vram(struct gpu_buffer bufs[PARTS + 1])
{
	for (int i = 0; i <= PARTS; i++)
		gpu_buffer_free(&bufs[i]);
}

/*
 * More buffers than VRAM has room for, while faults need page tables there. A lock
 * order that is wrong is one for the debug kernel to see.
 */
bool rule_pressure_while_faulting(struct worker *w)
{
	char *mem = map_aligned(SLOW_MIBS * MIB);
	struct gpu_buffer bufs[PARTS + 1];
	struct gpu_job job;

	TRY(submit_slow_fills(w, &job, mem));
	for (int i = 0; i <= PARTS; i++)
		TRY(take_vram(w, &bufs[i]));
	TRY(finish_slow_fills(&job, mem));
	TRY(submit_slow_fills(w, &job, mem));
	free_vram(bufs);
	TRY(finish_slow_fills(&job, mem));
	munmap(mem, SLOW_MIBS * MIB);
	return true;
}

/* Everything is evicted, whether somebody uses it or not. */
bool rule_evict_all_while_faulting(struct worker *w)
{
	char *mem = map_aligned(SLOW_MIBS * MIB);
	struct gpu_job job;

	for (int i = 0; i < 3; i++) {
		TRY(submit_slow_fills(w, &job, mem));
		for (int k = 0; k < 3; k++)
			TRY(evict_vram());
		TRY(finish_slow_fills(&job, mem));
	}
	munmap(mem, SLOW_MIBS * MIB);
	return true;
}

/* ---- a fault that waits, and the kernel's own use of the rings ---- */

/* A job that fills a page, on one of the context's two ways to SDMA. */
static bool submit_fill(struct worker *w, struct gpu_job *job, unsigned int ring, char *page)
{
	TRY_EQ(gpu_job_init(w->gpu, job, AMDGPU_HW_IP_DMA), 0);
	job->ring = ring;
	emit_fill(job, (uintptr_t)page, 0x70707070 + ring, PAGE);
	TRY_EQ(gpu_job_submit(job), 0);
	return true;
}

/* Returns when @buf's mappings are in the page tables. Uses its second page. */
static bool is_mapped(struct worker *w, struct gpu_buffer *buf, uint32_t value)
{
	struct gpu_job job;

	TRY_EQ(gpu_job_init(w->gpu, &job, AMDGPU_HW_IP_COMPUTE), 0);
	gpu_job_use(&job, buf);
	emit_write_data(&job, buf->va + PAGE, &value, 1);
	TRY_EQ(gpu_job_run(&job, gpu_job_seconds()), 0);
	gpu_job_fini(&job);
	TRY_EQ(buf->cpu[PAGE / sizeof(value)], value);
	return true;
}

/* The fault waits for a program that has other plans with the address. */
bool rule_bo_takes_place_of_waiting_fault(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	struct uffdio_range range = { .start = (uintptr_t)mem, .len = 2 * MIB };
	int fd = system_userfaultfd(mem, 2 * MIB, UFFDIO_REGISTER_MODE_MISSING);
	struct gpu_buffer buf;
	struct gpu_job job;

	TRY(fd >= 0);
	TRY_EQ(bo_alloc(w, &buf, 2 * PAGE), 0);
	TRY(submit_fill(w, &job, 0, mem));
	TRY(system_userfault_waits(fd));
	/* First: a duplicate would find nothing at all there, and be right. */
	TRY_EQ(bo_op(&buf, PAGE, mem, AMDGPU_VA_OP_MAP), 0);
	TRY(is_mapped(w, &buf, 0xb0b0));
	TRY(!munmap(mem, 2 * MIB));
	TRY(!ioctl(fd, UFFDIO_WAKE, &range));
	TRY_EQ(gpu_job_wait(&job, gpu_job_seconds()), 0);
	TRY(has_value(buf.cpu, 0x70707070, PAGE));
	/* By the other hub, which has no translation from before. */
	TRY(gpu_store(w, mem, 0xb0b1));
	TRY_EQ(buf.cpu[0], 0xb0b1);
	gpu_job_fini(&job);
	close(fd);
	TRY_EQ(bo_op(&buf, PAGE, mem, AMDGPU_VA_OP_UNMAP), 0);
	gpu_buffer_free(&buf);
	return true;
}

/*
 * Or everybody waits for who waits for a fault. Two jobs, for the driver gives them a ring
 * each if it can: with one XCC there are two, and the kernel's jobs would be behind them.
 */
bool rule_kernel_passes_waiting_faults(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	struct uffdio_range range = { .start = (uintptr_t)mem, .len = 2 * MIB };
	struct gpu_buffer bufs[PARTS + 1];
	struct gpu_job first, second;
	int fd = system_userfaultfd(mem, 2 * MIB, UFFDIO_REGISTER_MODE_MISSING);

	TRY(fd >= 0);
	for (int i = 0; i < PARTS; i++) {
		TRY(take_vram(w, &bufs[i]));
		TRY_EQ(bufs[i].cpu[0], 0);
	}
	TRY(submit_fill(w, &first, 0, mem));
	TRY(system_userfault_waits(fd));
	TRY(submit_fill(w, &second, 1, mem + PAGE));
	/* The kernel has to move something away for this, and to clear what it gets. */
	TRY(take_vram(w, &bufs[PARTS]));
	TRY_EQ(bufs[PARTS].cpu[0], 0);
	TRY_EQ(gpu_job_wait(&first, 0), -ETIME);
	TRY(!ioctl(fd, UFFDIO_UNREGISTER, &range));
	TRY_EQ(gpu_job_wait(&first, gpu_job_seconds()), 0);
	TRY_EQ(gpu_job_wait(&second, gpu_job_seconds()), 0);
	TRY(has_value((uint32_t *)mem, 0x70707070, PAGE));
	TRY(has_value((uint32_t *)(mem + PAGE), 0x70707071, PAGE));
	gpu_job_fini(&first);
	gpu_job_fini(&second);
	free_vram(bufs);
	close(fd);
	munmap(mem, 2 * MIB);
	return true;
}

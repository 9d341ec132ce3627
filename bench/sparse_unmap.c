// SPDX-License-Identifier: MIT
/*
 * How long a sparse (PRT) range takes to be unmapped and mapped again while the
 * VM has 0, 1 or 16 jobs in flight, with and without AMDGPU_VM_EXPLICIT_SYNC: from the
 * first GEM_VA ioctl until the out-fence of the second has signalled.
 *
 * Each job waits for a dword in memory that a thread counts up every JOB_NS, so
 * that jobs have a length, and yet cost the host nothing: an emulated GPU that
 * computes would compete for the processor with what is measured.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <amdgpu_drm.h>
#include <xf86drm.h>

#include "bench.h"
#include "demo/gpu.h"
#include "demo/packets.h"

#ifndef AMDGPU_VM_EXPLICIT_SYNC
#define AMDGPU_VM_EXPLICIT_SYNC (1 << 10)
#endif

#define ROUNDS 101
#define MAX_JOBS 16
#define SPARSE_BYTES (16u * 4096)
#define JOB_NS 10000000
#define SECONDS 30

#define PM4_WAIT_REG_MEM 0x3cu
#define WAIT_MEMORY_GE (1u << 4 | 5u)

static const unsigned int in_flight[] = { 0, 1, MAX_JOBS };
enum { NUM_LOADS = sizeof(in_flight) / sizeof(in_flight[0]) };

static struct gpu gpu;
static struct gpu_buffer ticks;		/* dword 0: how many jobs may be over; 1: one began */
static struct gpu_job jobs[MAX_JOBS];
static uint64_t sparse_va;
static uint32_t syncobj;
static uint64_t point;

/* ---- the length of the jobs ---------------------------------------------------- */

static sem_t start_ticking, stopped_ticking;
static unsigned int ticks_wanted;

static void let_go(unsigned int count)
{
	__atomic_store_n(&ticks.cpu[0], count, __ATOMIC_SEQ_CST);
}

static void *tick(void *arg)
{
	const struct timespec length = { .tv_nsec = JOB_NS };

	(void)arg;
	for (;;) {
		sem_wait(&start_ticking);
		for (unsigned int i = 1; i <= ticks_wanted; i++) {
			clock_nanosleep(CLOCK_MONOTONIC, 0, &length, NULL);
			let_go(i);
		}
		sem_post(&stopped_ticking);
	}
	return NULL;
}

static void job_create(struct gpu_job *job, unsigned int number)
{
	const uint32_t one = 1;
	uint32_t *p;

	BENCH_TRY(gpu_job_init(&gpu, job, AMDGPU_HW_IP_COMPUTE));
	gpu_job_use(job, &ticks);
	emit_write_data(job, ticks.va + 4, &one, 1);
	p = gpu_job_room(job, 7);
	*p++ = PM4_TYPE3(PM4_WAIT_REG_MEM, 6);
	*p++ = WAIT_MEMORY_GE;
	p = emit_address(p, ticks.va);
	*p++ = number + 1;
	*p++ = ~0u;
	*p++ = 4;
}

/* Returns when the first job runs, so that what it costs to start is not measured. */
static void submit(unsigned int count)
{
	let_go(0);
	__atomic_store_n(&ticks.cpu[1], 0, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < count; i++)
		BENCH_TRY(gpu_job_submit(&jobs[i]));
	while (count && !__atomic_load_n(&ticks.cpu[1], __ATOMIC_SEQ_CST))
		sched_yield();
}

/* ---- what is measured ------------------------------------------------------------ */

static void sparse_op(uint32_t operation, uint32_t flags, uint64_t out_point)
{
	struct drm_amdgpu_gem_va args = {
		.operation = operation, .flags = AMDGPU_VM_PAGE_PRT | flags,
		.va_address = sparse_va, .map_size = SPARSE_BYTES,
		.vm_timeline_point = out_point,
		.vm_timeline_syncobj_out = out_point ? syncobj : 0,
	};

	if (drmIoctl(gpu.fd, DRM_IOCTL_AMDGPU_GEM_VA, &args))
		bench_die("GEM_VA", errno);
}

/* Microseconds of one cycle with @count jobs in flight. */
static double cycle(uint32_t flags, unsigned int count)
{
	int64_t begin, end;

	submit(count);
	ticks_wanted = count;
	sem_post(&start_ticking);
	begin = bench_now();
	sparse_op(AMDGPU_VA_OP_UNMAP, flags, 0);
	sparse_op(AMDGPU_VA_OP_MAP, flags, ++point);
	BENCH_TRY(drmSyncobjTimelineWait(gpu.fd, &syncobj, &point, 1, INT64_MAX,
					 DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL, NULL));
	end = bench_now();

	sem_wait(&stopped_ticking);
	for (unsigned int i = 0; i < count; i++)
		BENCH_TRY(gpu_job_wait(&jobs[i], SECONDS));
	return (end - begin) / 1000.0;
}

static void prepare(void)
{
	amdgpu_va_handle range;
	pthread_t thread;

	BENCH_TRY(gpu_open(&gpu, NULL));
	BENCH_TRY(gpu_buffer_alloc(&gpu, &ticks, 4096, AMDGPU_GEM_DOMAIN_GTT));
	for (unsigned int i = 0; i < MAX_JOBS; i++)
		job_create(&jobs[i], i);
	BENCH_TRY(amdgpu_va_range_alloc(gpu.dev, amdgpu_gpu_va_range_general, SPARSE_BYTES, 0, 0,
					&sparse_va, &range, 0));
	BENCH_TRY(drmSyncobjCreate(gpu.fd, 0, &syncobj));
	sparse_op(AMDGPU_VA_OP_MAP, 0, 0);
	sem_init(&start_ticking, 0, 0);
	sem_init(&stopped_ticking, 0, 0);
	BENCH_TRY(pthread_create(&thread, NULL, tick, NULL));
}

static void report(double samples[2][NUM_LOADS][ROUNDS])
{
	static const char *const modes[] = { "implicit", "explicit" };
	double median[2][NUM_LOADS];
	char name[64];

	for (unsigned int flag = 0; flag < 2; flag++) {
		for (unsigned int load = 0; load < NUM_LOADS; load++) {
			median[flag][load] = bench_median(samples[flag][load], ROUNDS);
			snprintf(name, sizeof(name), "%s, %u in flight", modes[flag],
				 in_flight[load]);
			bench_value(name, median[flag][load], "us");
		}
	}
	bench_ratio("explicit, 1 in flight / none", median[1][1] / median[1][0], 0);
	bench_ratio("explicit, 16 in flight / none", median[1][2] / median[1][0], 1.5);
	bench_ratio("implicit, 1 in flight / none", median[0][1] / median[0][0], 0);
	bench_ratio("implicit, 16 in flight / none", median[0][2] / median[0][0], 0);
	bench_ratio("implicit / explicit, 16 in flight", median[0][2] / median[1][2], 0);
}

int main(void)
{
	static double samples[2][NUM_LOADS][ROUNDS];

	prepare();
	/* Not measured: the first of everything. */
	cycle(0, 1);
	cycle(AMDGPU_VM_EXPLICIT_SYNC, 1);
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int load = 0; load < NUM_LOADS; load++) {
			samples[0][load][round] = cycle(0, in_flight[load]);
			samples[1][load][round] =
				cycle(AMDGPU_VM_EXPLICIT_SYNC, in_flight[load]);
		}
	}
	report(samples);
	return 0;
}

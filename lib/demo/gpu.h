/* SPDX-License-Identifier: MIT */
/*
 * A GPU as a test sees it: opened device, buffers, jobs. Thin over libdrm_amdgpu
 * and without knowledge of SVM, so that tests of any kind share it.
 *
 * Functions that can fail return 0 or a negative error number.
 */
#ifndef DEMO_GPU_H
#define DEMO_GPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amdgpu.h>
#include <amdgpu_drm.h>

struct gpu {
	int fd;
	amdgpu_device_handle dev;
	amdgpu_context_handle ctx;
	char node[64];
};

/* @node: a render node, or NULL for the first one that amdgpu drives. */
int gpu_open(struct gpu *gpu, const char *node);
void gpu_close(struct gpu *gpu);
const char *gpu_name(const struct gpu *gpu);

/* A buffer object that CPU and GPU both see, at an address that no mapping of
 * the process can have. */
struct gpu_buffer {
	amdgpu_bo_handle bo;
	amdgpu_va_handle va_handle;
	uint64_t va;
	size_t size;
	uint32_t *cpu;
};

/* @domain: AMDGPU_GEM_DOMAIN_GTT or _VRAM. The content is zero. */
int gpu_buffer_alloc(struct gpu *gpu, struct gpu_buffer *buf, size_t size, uint32_t domain);
void gpu_buffer_free(struct gpu_buffer *buf);

/*
 * Packets for one engine and their execution. Buffers that the packets use are
 * listed with gpu_job_use(); the process's own memory needs no listing.
 */
#define GPU_JOB_DWORDS 4096
#define GPU_JOB_BUFFERS 8

struct gpu_job {
	struct gpu *gpu;
	struct gpu_buffer ib;
	unsigned int ip;	/* AMDGPU_HW_IP_DMA, _COMPUTE */
	unsigned int ring;
	unsigned int len;	/* dwords emitted */
	unsigned int num_used;
	amdgpu_bo_handle used[GPU_JOB_BUFFERS];
	amdgpu_bo_list_handle list;
	uint64_t seq;
};

int gpu_job_init(struct gpu *gpu, struct gpu_job *job, unsigned int ip);
void gpu_job_fini(struct gpu_job *job);
/* Empties a job that has ended, to fill it again. */
void gpu_job_reset(struct gpu_job *job);
/* Room for @count more dwords; aborts when the job is full: a bug of the caller. */
uint32_t *gpu_job_room(struct gpu_job *job, unsigned int count);
void gpu_job_use(struct gpu_job *job, const struct gpu_buffer *buf);
int gpu_job_submit(struct gpu_job *job);
/* -ETIME when the job has not ended within @seconds; it may still be running,
 * and its memory must not be freed before it is not. */
int gpu_job_wait(struct gpu_job *job, unsigned int seconds);
/* Submit and wait. */
int gpu_job_run(struct gpu_job *job, unsigned int seconds);
/* For how long tests wait: two thirds of the time that amdgpu was told to give a job
 * (lockup_timeout), after which it resets the GPU; 40 if it was not told. */
unsigned int gpu_job_seconds(void);

#endif

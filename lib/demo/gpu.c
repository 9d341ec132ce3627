// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "gpu.h"
#include "packets.h"

#define NSEC_PER_SEC 1000000000ull
#define IB_ALIGN_DWORDS 16	/* both engines want less */

static bool driven_by_amdgpu(int fd)
{
	drmVersionPtr version = drmGetVersion(fd);
	bool match = version && !strcmp(version->name, "amdgpu");

	drmFreeVersion(version);
	return match;
}

static int open_node(struct gpu *gpu, const char *node)
{
	snprintf(gpu->node, sizeof(gpu->node), "%s", node);
	gpu->fd = open(node, O_RDWR | O_CLOEXEC);
	if (gpu->fd < 0)
		return -errno;
	if (driven_by_amdgpu(gpu->fd))
		return 0;
	close(gpu->fd);
	return -ENODEV;
}

static int open_first(struct gpu *gpu)
{
	char node[32];

	for (int minor = 128; minor < 192; minor++) {
		snprintf(node, sizeof(node), "/dev/dri/renderD%d", minor);
		if (!open_node(gpu, node))
			return 0;
	}
	return -ENODEV;
}

int gpu_open(struct gpu *gpu, const char *node)
{
	uint32_t major, minor;
	int err;

	memset(gpu, 0, sizeof(*gpu));
	err = node ? open_node(gpu, node) : open_first(gpu);
	if (err)
		return err;
	/* Or libdrm hands out the file that the process, or its parent, has open already. */
	err = amdgpu_device_initialize2(gpu->fd, false, &major, &minor, &gpu->dev);
	if (err)
		goto close_fd;
	err = amdgpu_cs_ctx_create(gpu->dev, &gpu->ctx);
	if (err)
		goto deinit;
	return 0;

deinit:
	amdgpu_device_deinitialize(gpu->dev);
close_fd:
	close(gpu->fd);
	return err;
}

void gpu_close(struct gpu *gpu)
{
	amdgpu_cs_ctx_free(gpu->ctx);
	amdgpu_device_deinitialize(gpu->dev);
	close(gpu->fd);
}

const char *gpu_name(const struct gpu *gpu)
{
	const char *name = amdgpu_get_marketing_name(gpu->dev);

	return name ? name : "AMD GPU without a marketing name";
}

/* The upper half of the address space is the GPU's own. */
static int map_buffer(struct gpu *gpu, struct gpu_buffer *buf)
{
	int err = amdgpu_va_range_alloc(gpu->dev, amdgpu_gpu_va_range_general, buf->size, 0, 0,
					&buf->va, &buf->va_handle, AMDGPU_VA_RANGE_HIGH);

	if (err)
		return err;
	err = amdgpu_bo_va_op(buf->bo, 0, buf->size, buf->va, 0, AMDGPU_VA_OP_MAP);
	if (err)
		amdgpu_va_range_free(buf->va_handle);
	return err;
}

int gpu_buffer_alloc(struct gpu *gpu, struct gpu_buffer *buf, size_t size, uint32_t domain)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = size,
		.preferred_heap = domain,
		.flags = AMDGPU_GEM_CREATE_VRAM_CLEARED | AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED,
	};
	void *cpu;
	int err;

	memset(buf, 0, sizeof(*buf));
	buf->size = size;
	err = amdgpu_bo_alloc(gpu->dev, &request, &buf->bo);
	if (err)
		return err;
	err = amdgpu_bo_cpu_map(buf->bo, &cpu);
	if (err)
		goto free_bo;
	err = map_buffer(gpu, buf);
	if (err)
		goto unmap_cpu;
	buf->cpu = cpu;
	return 0;

unmap_cpu:
	amdgpu_bo_cpu_unmap(buf->bo);
free_bo:
	amdgpu_bo_free(buf->bo);
	return err;
}

void gpu_buffer_free(struct gpu_buffer *buf)
{
	if (!buf->cpu)
		return;
	amdgpu_bo_va_op(buf->bo, 0, buf->size, buf->va, 0, AMDGPU_VA_OP_UNMAP);
	amdgpu_va_range_free(buf->va_handle);
	amdgpu_bo_cpu_unmap(buf->bo);
	amdgpu_bo_free(buf->bo);
	buf->cpu = NULL;
}

int gpu_job_init(struct gpu *gpu, struct gpu_job *job, unsigned int ip)
{
	int err;

	memset(job, 0, sizeof(*job));
	job->gpu = gpu;
	job->ip = ip;
	err = gpu_buffer_alloc(gpu, &job->ib, GPU_JOB_DWORDS * sizeof(uint32_t),
			       AMDGPU_GEM_DOMAIN_GTT);
	if (!err)
		gpu_job_use(job, &job->ib);
	return err;
}

void gpu_job_fini(struct gpu_job *job)
{
	if (job->list)
		amdgpu_bo_list_destroy(job->list);
	job->list = NULL;
	gpu_buffer_free(&job->ib);
}

void gpu_job_reset(struct gpu_job *job)
{
	job->len = 0;
}

uint32_t *gpu_job_room(struct gpu_job *job, unsigned int count)
{
	uint32_t *room = job->ib.cpu + job->len;

	if (job->len + count + IB_ALIGN_DWORDS > GPU_JOB_DWORDS) {
		fprintf(stderr, "gpu_job_room: no room for %u dwords after %u\n", count, job->len);
		abort();
	}
	job->len += count;
	return room;
}

void gpu_job_use(struct gpu_job *job, const struct gpu_buffer *buf)
{
	if (job->num_used == GPU_JOB_BUFFERS) {
		fprintf(stderr, "gpu_job_use: more than %u buffers\n", GPU_JOB_BUFFERS);
		abort();
	}
	job->used[job->num_used++] = buf->bo;
}

static void pad(struct gpu_job *job)
{
	uint32_t nop = job->ip == AMDGPU_HW_IP_DMA ? SDMA_NOP : PM4_NOP;

	while (job->len % IB_ALIGN_DWORDS)
		job->ib.cpu[job->len++] = nop;
}

int gpu_job_submit(struct gpu_job *job)
{
	struct amdgpu_cs_ib_info ib = {};
	struct amdgpu_cs_request request = {
		.ip_type = job->ip,
		.ring = job->ring,
		.number_of_ibs = 1,
		.ibs = &ib,
	};
	int err;

	pad(job);
	ib.ib_mc_address = job->ib.va;
	ib.size = job->len;
	if (job->list)
		amdgpu_bo_list_destroy(job->list);
	job->list = NULL;
	err = amdgpu_bo_list_create(job->gpu->dev, job->num_used, job->used, NULL, &job->list);
	if (err)
		return err;
	request.resources = job->list;
	err = amdgpu_cs_submit(job->gpu->ctx, 0, &request, 1);
	if (!err)
		job->seq = request.seq_no;
	return err;
}

int gpu_job_wait(struct gpu_job *job, unsigned int seconds)
{
	struct amdgpu_cs_fence fence = {
		.context = job->gpu->ctx,
		.ip_type = job->ip,
		.ring = job->ring,
		.fence = job->seq,
	};
	uint32_t expired = 0;
	int err = amdgpu_cs_query_fence_status(&fence, seconds * NSEC_PER_SEC, 0, &expired);

	if (err)
		return err;
	return expired ? 0 : -ETIME;
}

int gpu_job_run(struct gpu_job *job, unsigned int seconds)
{
	int err = gpu_job_submit(job);

	return err ? err : gpu_job_wait(job, seconds);
}

unsigned int gpu_job_seconds(void)
{
	FILE *file = fopen("/sys/module/amdgpu/parameters/lockup_timeout", "re");
	long ms = 0;

	/* Of several the first: the tests are told one for all engines. */
	if (file) {
		if (fscanf(file, "%ld", &ms) != 1)
			ms = 0;
		fclose(file);
	}
	return ms > 0 ? (unsigned long)ms / 1000 * 2 / 3 : 40;
}

// SPDX-License-Identifier: MIT
/*
 * Jobs on buffer objects, no SVM: what any amdgpu must be able to do, whichever
 * driver is loaded. If these fail the emulator or the base driver is at fault.
 */
#include <errno.h>

#include "demo/gpu.h"
#include "demo/packets.h"
#include "tap.h"

#define BYTES (256u * 1024)
#define DWORDS (BYTES / 4)
#define SECONDS 60

static struct gpu gpu;

static uint32_t value_at(unsigned int i)
{
	return i * 2654435761u ^ 0x1234567u;
}

static void put_values(struct gpu_buffer *buf)
{
	for (unsigned int i = 0; i < DWORDS; i++)
		buf->cpu[i] = value_at(i);
}

/* Index of the first dword that is not as put_values() left it, DWORDS if none. */
static unsigned int first_wrong(const struct gpu_buffer *buf)
{
	unsigned int i;

	for (i = 0; i < DWORDS && buf->cpu[i] == value_at(i); i++)
		;
	return i;
}

static void copy_between(uint32_t from, uint32_t to)
{
	struct gpu_buffer src, dst;
	struct gpu_job job;

	CHECK_ERR(gpu_buffer_alloc(&gpu, &src, BYTES, from), 0);
	CHECK_ERR(gpu_buffer_alloc(&gpu, &dst, BYTES, to), 0);
	CHECK_ERR(gpu_job_init(&gpu, &job, AMDGPU_HW_IP_DMA), 0);
	put_values(&src);
	gpu_job_use(&job, &src);
	gpu_job_use(&job, &dst);
	emit_copy(&job, dst.va, src.va, BYTES);
	CHECK_ERR(gpu_job_run(&job, SECONDS), 0);
	CHECK_EQ(first_wrong(&dst), DWORDS);
	gpu_job_fini(&job);
	gpu_buffer_free(&src);
	gpu_buffer_free(&dst);
}

static void copy_gtt_gtt(void)
{
	copy_between(AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_DOMAIN_GTT);
}

static void copy_gtt_vram(void)
{
	copy_between(AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_DOMAIN_VRAM);
}

static void copy_vram_gtt(void)
{
	copy_between(AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_DOMAIN_GTT);
}

static void sdma_fill(void)
{
	struct gpu_buffer buf;
	struct gpu_job job;

	CHECK_ERR(gpu_buffer_alloc(&gpu, &buf, BYTES, AMDGPU_GEM_DOMAIN_GTT), 0);
	CHECK_ERR(gpu_job_init(&gpu, &job, AMDGPU_HW_IP_DMA), 0);
	gpu_job_use(&job, &buf);
	/* The dwords around the filled part must stay. */
	emit_fill(&job, buf.va + 4, 0xa5a5beef, BYTES - 8);
	CHECK_ERR(gpu_job_run(&job, SECONDS), 0);
	CHECK_EQ(buf.cpu[0], 0);
	for (unsigned int i = 1; i < DWORDS - 1; i++)
		CHECK_EQ(buf.cpu[i], 0xa5a5beef);
	CHECK_EQ(buf.cpu[DWORDS - 1], 0);
	gpu_job_fini(&job);
	gpu_buffer_free(&buf);
}

/* One dword by each ring of an engine. */
static void every_ring(unsigned int ip)
{
	struct drm_amdgpu_info_hw_ip info;
	struct gpu_buffer buf;
	struct gpu_job job;
	uint32_t data;

	CHECK_ERR(amdgpu_query_hw_ip_info(gpu.dev, ip, 0, &info), 0);
	CHECK(info.available_rings != 0);
	CHECK_ERR(gpu_buffer_alloc(&gpu, &buf, 4096, AMDGPU_GEM_DOMAIN_GTT), 0);
	for (unsigned int ring = 0; ring < 32; ring++) {
		if (!(info.available_rings & 1u << ring))
			continue;
		CHECK_ERR(gpu_job_init(&gpu, &job, ip), 0);
		job.ring = ring;
		gpu_job_use(&job, &buf);
		data = 0xbee0000 + ring;
		if (ip == AMDGPU_HW_IP_DMA)
			emit_write(&job, buf.va + 4 * ring, &data, 1);
		else
			emit_write_data(&job, buf.va + 4 * ring, &data, 1);
		CHECK_ERR(gpu_job_run(&job, SECONDS), 0);
		CHECK_EQ(buf.cpu[ring], data);
		gpu_job_fini(&job);
	}
	gpu_buffer_free(&buf);
}

static void every_sdma_ring(void)
{
	every_ring(AMDGPU_HW_IP_DMA);
}

static void every_compute_ring(void)
{
	every_ring(AMDGPU_HW_IP_COMPUTE);
}

static void compute_writes(uint32_t domain)
{
	struct gpu_buffer buf;
	struct gpu_job job;
	uint32_t data[256];

	for (unsigned int i = 0; i < 256; i++)
		data[i] = value_at(i);
	CHECK_ERR(gpu_buffer_alloc(&gpu, &buf, 8192, domain), 0);
	CHECK_ERR(gpu_job_init(&gpu, &job, AMDGPU_HW_IP_COMPUTE), 0);
	gpu_job_use(&job, &buf);
	/* Across a page boundary. */
	emit_write_data(&job, buf.va + 4096 - 512, data, 256);
	CHECK_ERR(gpu_job_run(&job, SECONDS), 0);
	CHECK_EQ(memcmp((char *)buf.cpu + 4096 - 512, data, sizeof(data)), 0);
	CHECK_EQ(buf.cpu[(4096 - 512) / 4 - 1], 0);
	CHECK_EQ(buf.cpu[(4096 + 512) / 4], 0);
	gpu_job_fini(&job);
	gpu_buffer_free(&buf);
}

static void compute_writes_gtt(void)
{
	compute_writes(AMDGPU_GEM_DOMAIN_GTT);
}

static void compute_writes_vram(void)
{
	compute_writes(AMDGPU_GEM_DOMAIN_VRAM);
}

/* Many jobs in flight, each reading what the one before it wrote. */
static void chain_of_jobs(void)
{
	enum { JOBS = 16 };
	struct gpu_buffer bufs[JOBS + 1];
	struct gpu_job jobs[JOBS];

	for (unsigned int i = 0; i <= JOBS; i++)
		CHECK_ERR(gpu_buffer_alloc(&gpu, &bufs[i], BYTES, AMDGPU_GEM_DOMAIN_GTT), 0);
	put_values(&bufs[0]);
	for (unsigned int i = 0; i < JOBS; i++) {
		CHECK_ERR(gpu_job_init(&gpu, &jobs[i], AMDGPU_HW_IP_DMA), 0);
		gpu_job_use(&jobs[i], &bufs[i]);
		gpu_job_use(&jobs[i], &bufs[i + 1]);
		emit_copy(&jobs[i], bufs[i + 1].va, bufs[i].va, BYTES);
		CHECK_ERR(gpu_job_submit(&jobs[i]), 0);
	}
	for (unsigned int i = 0; i < JOBS; i++) {
		CHECK_ERR(gpu_job_wait(&jobs[i], SECONDS), 0);
		gpu_job_fini(&jobs[i]);
	}
	CHECK_EQ(first_wrong(&bufs[JOBS]), DWORDS);
	for (unsigned int i = 0; i <= JOBS; i++)
		gpu_buffer_free(&bufs[i]);
}

static const struct tap_test tests[] = {
	{ "SDMA copies GTT to GTT", copy_gtt_gtt },
	{ "SDMA copies GTT to VRAM", copy_gtt_vram },
	{ "SDMA copies VRAM to GTT", copy_vram_gtt },
	{ "SDMA fills no more than asked", sdma_fill },
	{ "every SDMA ring writes", every_sdma_ring },
	{ "every compute ring writes", every_compute_ring },
	{ "compute writes to GTT across pages", compute_writes_gtt },
	{ "compute writes to VRAM across pages", compute_writes_vram },
	{ "jobs in flight see each other's results in order", chain_of_jobs },
};

int main(void)
{
	int err = gpu_open(&gpu, NULL);

	if (err) {
		printf("Bail out! no GPU: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	err = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	/* After a failure jobs may still run on memory that a close would wait for. */
	if (!err)
		gpu_close(&gpu);
	return err;
}

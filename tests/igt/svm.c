// SPDX-License-Identifier: MIT
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "svm.h"

/* As many as a context has */
#define SDMA_RINGS 2
#define COMPUTE_RINGS 4
#define COMPUTE_STEP (16 * PAGE)	/* one dword by compute in each */

bool svm_fail(const char *file, int line, const char *what, long long value, long long want)
{
	fprintf(stderr, "%s:%d: not so: %s (%lld, %lld)\n", file, line, what, value, want);
	return false;
}

/* ---- the GPU ---- */

bool worker_open(struct worker *w, struct gpu *gpu, unsigned int ring)
{
	memset(w, 0, sizeof(*w));
	w->gpu = gpu;
	w->ring = ring;
	TRY_EQ(gpu_job_init(gpu, &w->sdma, AMDGPU_HW_IP_DMA), 0);
	TRY_EQ(gpu_job_init(gpu, &w->compute, AMDGPU_HW_IP_COMPUTE), 0);
	TRY_EQ(gpu_buffer_alloc(gpu, &w->mirror, MIRROR_SIZE, AMDGPU_GEM_DOMAIN_GTT), 0);
	w->sdma.ring = ring % SDMA_RINGS;
	w->compute.ring = ring % COMPUTE_RINGS;
	gpu_job_use(&w->sdma, &w->mirror);
	return true;
}

void worker_close(struct worker *w)
{
	gpu_job_fini(&w->sdma);
	gpu_job_fini(&w->compute);
	gpu_buffer_free(&w->mirror);
}

static bool run(struct gpu_job *job)
{
	TRY_EQ(gpu_job_run(job, gpu_job_seconds()), 0);
	gpu_job_reset(job);
	return true;
}

static size_t piece(size_t left)
{
	return left < MIRROR_SIZE ? left : MIRROR_SIZE;
}

bool gpu_fill(struct worker *w, void *dst, uint32_t value, size_t size)
{
	for (size_t done = 0, n; done < size; done += n) {
		n = piece(size - done);
		emit_fill(&w->sdma, (uintptr_t)dst + done, value, n);
	}
	return run(&w->sdma);
}

bool gpu_copy(struct worker *w, void *dst, const void *src, size_t size)
{
	for (size_t done = 0, n; done < size; done += n) {
		n = piece(size - done);
		emit_copy(&w->sdma, (uintptr_t)dst + done, (uintptr_t)src + done, n);
	}
	return run(&w->sdma);
}

bool gpu_store(struct worker *w, void *dst, uint32_t value)
{
	emit_write_data(&w->compute, (uintptr_t)dst, &value, 1);
	return run(&w->compute);
}

bool gpu_draws(struct worker *w)
{
	TRY(gpu_fill(w, (void *)(uintptr_t)w->mirror.va, 0xd4d4d4d4, PAGE));
	TRY(has_value(w->mirror.cpu, 0xd4d4d4d4, PAGE));
	return true;
}

bool gpu_submit_fills(struct gpu *gpu, struct gpu_job *job, void *mem, unsigned int mibs)
{
	TRY_EQ(gpu_job_init(gpu, job, AMDGPU_HW_IP_DMA), 0);
	for (unsigned int i = 0; i < mibs; i++)
		emit_fill(job, (uintptr_t)mem + i * MIB, i, MIB);
	TRY_EQ(gpu_job_submit(job), 0);
	return true;
}

bool gpu_fills_are_there(const void *mem, unsigned int mibs)
{
	for (unsigned int i = 0; i < mibs; i++)
		TRY(has_value((const char *)mem + i * MIB, i, MIB));
	return true;
}

bool gpu_reads_series(struct worker *w, const void *mem, uint32_t first, size_t size)
{
	for (size_t done = 0, n; done < size; done += n) {
		n = piece(size - done);
		emit_copy(&w->sdma, w->mirror.va, (uintptr_t)mem + done, n);
		TRY(run(&w->sdma));
		TRY(has_series(w->mirror.cpu, first + done / 4, n));
	}
	return true;
}

bool gpu_reads_value(struct worker *w, const void *mem, uint32_t value, size_t size)
{
	for (size_t done = 0, n; done < size; done += n) {
		n = piece(size - done);
		emit_copy(&w->sdma, w->mirror.va, (uintptr_t)mem + done, n);
		TRY(run(&w->sdma));
		TRY(has_value(w->mirror.cpu, value, n));
	}
	return true;
}

void put_series(void *mem, uint32_t first, size_t size)
{
	uint32_t *p = mem;

	for (size_t i = 0; i < size / 4; i++)
		p[i] = first + i;
}

static bool wrong(size_t i, uint32_t found, uint32_t want)
{
	fprintf(stderr, "dword %zu is 0x%08x, not 0x%08x\n", i, found, want);
	return false;
}

bool has_series(const void *mem, uint32_t first, size_t size)
{
	const uint32_t *p = mem;

	for (size_t i = 0; i < size / 4; i++)
		if (p[i] != first + (uint32_t)i)
			return wrong(i, p[i], first + (uint32_t)i);
	return true;
}

bool has_value(const void *mem, uint32_t value, size_t size)
{
	const uint32_t *p = mem;

	for (size_t i = 0; i < size / 4; i++)
		if (p[i] != value)
			return wrong(i, p[i], value);
	return true;
}

/* Numbers that no earlier use of the same memory has left there. */
static uint32_t new_value(void)
{
	static uint32_t last;

	return __atomic_add_fetch(&last, 0x01000193, __ATOMIC_RELAXED);
}

bool exchange(struct worker *w, void *mem, size_t size)
{
	uint32_t first = new_value(), value = new_value(), other = new_value();
	char *p = mem;

	put_series(p, first, size);
	TRY(gpu_reads_series(w, p, first, size));
	TRY(gpu_fill(w, p, value, size));
	TRY(has_value(p, value, size));
	for (size_t at = 0; at < size; at += COMPUTE_STEP)
		emit_write_data(&w->compute, (uintptr_t)p + at, &other, 1);
	TRY(run(&w->compute));
	for (size_t at = 0; at < size; at += COMPUTE_STEP)
		TRY(has_value(p + at, other, 4));
	TRY(size <= 8 || has_value(p + 4, value, (size < COMPUTE_STEP ? size : COMPUTE_STEP) - 4));
	return true;
}

/* ---- attributes ---- */

int svm_set(struct gpu *gpu, const void *mem, size_t size, uint32_t type, uint32_t value)
{
	struct drm_amdgpu_svm_attribute attr = { .type = type, .value = value };

	return amdgpu_svm_set_attr(gpu->dev, (uintptr_t)mem, size, 1, &attr);
}

int64_t svm_get(struct gpu *gpu, const void *mem, size_t size, uint32_t type)
{
	struct drm_amdgpu_svm_attribute attr = { .type = type, .value = 0xdeadbeef };
	int err = amdgpu_svm_get_attr(gpu->dev, (uintptr_t)mem, size, 1, &attr);

	return err ? err : (int64_t)attr.value;
}

int svm_reset(struct gpu *gpu, const void *mem, size_t size)
{
	return amdgpu_svm_reset_attr(gpu->dev, (uintptr_t)mem, size);
}

uint32_t svm_merged(uint32_t type, uint32_t a, uint32_t b)
{
	switch (type) {
	case AMDGPU_SVM_ATTR_PREFERRED_LOC:
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
		return a == b ? a : AMDGPU_SVM_LOCATION_UNDEFINED;
	case AMDGPU_SVM_ATTR_ACCESS:
		return a == b ? a : AMDGPU_SVM_ACCESS_INACCESSIBLE;
	case AMDGPU_SVM_ATTR_GRANULARITY:
		return a < b ? a : b;
	default:
		return a & b;
	}
}

/* ---- what the driver knows ---- */

int64_t svm_fdinfo(struct gpu *gpu, const char *key)
{
	char path[64], line[256];
	size_t len = strlen(key);
	int64_t value = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", gpu->fd);
	file = fopen(path, "r");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, len) && line[len] == ':')
			value = atoll(line + len + 1);
	fclose(file);
	return value;
}

uint64_t svm_client(struct gpu *gpu)
{
	int64_t id = svm_fdinfo(gpu, "drm-client-id");

	return id < 0 ? 0 : id;
}

static FILE *open_debugfs(struct gpu *gpu, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/client-%" PRIu64 "/%s",
		 svm_client(gpu), name);
	return fopen(path, "r");
}

int64_t svm_counters(struct gpu *gpu, const char *prefix)
{
	FILE *file = open_debugfs(gpu, "svm_counters");
	size_t len = strlen(prefix);
	int64_t sum = -1;
	char line[256];

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, prefix, len) && strchr(line, ':'))
			sum = (sum < 0 ? 0 : sum) + atoll(strchr(line, ':') + 1);
	fclose(file);
	return sum;
}

int64_t svm_counter(struct gpu *gpu, const char *key)
{
	char line[128];

	snprintf(line, sizeof(line), "%s:", key);
	return svm_counters(gpu, line);
}

bool svm_counter_moves(struct gpu *gpu, const char *key, int64_t from)
{
	for (int i = 0; i < 3000 && svm_counter(gpu, key) == from; i++)
		usleep(10000);
	return svm_counter(gpu, key) != from;
}

int svm_lines(struct gpu *gpu, const char *name, const void *mem, size_t size)
{
	FILE *file = open_debugfs(gpu, name);
	uint64_t start, end;
	char line[256];
	int lines = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "0x%" SCNx64 "-0x%" SCNx64, &start, &end) == 2)
			lines += start < (uintptr_t)mem + size && end > (uintptr_t)mem;
	fclose(file);
	return lines;
}

bool svm_rights(struct gpu *gpu, const void *mem, char rights[4])
{
	FILE *file = open_debugfs(gpu, "svm_ranges");
	uint64_t start, end;
	bool found = false;
	char line[256];

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = sscanf(line, "0x%" SCNx64 "-0x%" SCNx64 " %3s", &start, &end,
			       rights) == 3 &&
			start <= (uintptr_t)mem && end > (uintptr_t)mem;
	fclose(file);
	return found;
}

/* ---- memory ---- */

void *map_at(void *addr, size_t size, int prot)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | (addr ? MAP_FIXED : 0);
	void *p = mmap(addr, size, prot, flags, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		abort();
	}
	return p;
}

char *map_aligned(size_t size)
{
	uintptr_t p = (uintptr_t)map_at(NULL, size + 2 * MIB, PROT_READ | PROT_WRITE);
	uintptr_t start = (p + 2 * MIB - 1) & ~(2 * MIB - 1);

	if (start > p)
		munmap((void *)p, start - p);
	munmap((void *)(start + size), p + 2 * MIB - start);
	return (char *)start;
}

/*
 * Of the page at the end of the lower half of 48 bits a process has nothing, unless the CPU
 * has 57 bits, of which it has much more than the GPU then.
 */
uint64_t svm_limit(struct gpu *gpu)
{
	uint64_t half = 1ull << 47, limit = half;
	struct drm_amdgpu_info_device info;
	char *last = (char *)(half - PAGE);
	void *p = mmap(last, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		       -1, 0);

	if (amdgpu_query_info(gpu->dev, AMDGPU_INFO_DEV_INFO, sizeof(info), &info))
		return 0;
	if (p == last)
		munmap(p, PAGE);
	else if (errno != EEXIST)
		limit -= PAGE;
	return limit < info.virtual_address_max ? limit : info.virtual_address_max;
}

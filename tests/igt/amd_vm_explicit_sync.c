// SPDX-License-Identifier: MIT
/*
 * AMDGPU_VM_EXPLICIT_SYNC in DRM_IOCTL_AMDGPU_GEM_VA: page-table updates that
 * wait for the caller's fences only, and those which must go on waiting for the
 * VM's submissions.
 *
 * The submission in flight is a compute IB that waits for a dword in memory, so
 * it runs exactly until the test lets it go on. "Signals early" is then a fact,
 * not a measurement: the out-fence signals while that job cannot have ended.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <amdgpu.h>
#include <amdgpu_drm.h>
#include <xf86drm.h>

#include "igt.h"

#ifdef TESTS_IGT_H
void igt_emit_ignore_dmesg_regex(const char *ignore_dmesg_regex);
#endif

IGT_TEST_DESCRIPTION("Explicitly synchronised unmaps in the GEM_VA ioctl");

#ifndef AMDGPU_VM_EXPLICIT_SYNC
#define AMDGPU_VM_EXPLICIT_SYNC (1 << 10)
#endif

#define PAGE 4096ull
#define SPAN (16 * PAGE)	/* size of the objects and sparse ranges here */
#define PATTERN 0x5a5a1234u
#define RW (AMDGPU_VM_PAGE_READABLE | AMDGPU_VM_PAGE_WRITEABLE)

/* How long an event may take that must come; and one that must not is watched. */
#define COMES_NS (20ll * 1000 * 1000 * 1000)
#define WATCH_NS (300ll * 1000 * 1000)

#define PM4(op, count) (3u << 30 | (count) << 16 | (op) << 8 | 2)
#define PM4_WRITE_DATA 0x37
#define PM4_WAIT_REG_MEM 0x3c
#define PM4_DMA_DATA 0x50

struct buffer {
	amdgpu_bo_handle bo;
	uint32_t handle;	/* GEM */
	uint32_t *map;		/* CPU view, NULL if there is none */
};

struct job {
	amdgpu_context_handle ctx;
	struct amdgpu_cs_fence fence;
	uint32_t syncobj;
};

static int fd;
static uint32_t drm_minor;
static amdgpu_device_handle dev;
static amdgpu_context_handle ctx;
static struct buffer ib, sem, out;	/* mapped at ib_va, sem_va, out_va for good */
static uint64_t ib_va, sem_va, out_va, sparse_va;
static unsigned int ib_used;
static int neighbour;		/* socket of somebody else, see neighbour_start() */

static int64_t deadline(int64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec + ns;
}

static struct buffer buffer_create(uint32_t domain, uint64_t flags)
{
	struct amdgpu_bo_alloc_request request = {
		.alloc_size = SPAN, .phys_alignment = PAGE,
		.preferred_heap = domain, .flags = flags,
	};
	struct buffer b = { 0 };

	igt_assert_eq(amdgpu_bo_alloc(dev, &request, &b.bo), 0);
	igt_assert_eq(amdgpu_bo_export(b.bo, amdgpu_bo_handle_type_kms, &b.handle), 0);
	igt_assert_eq(amdgpu_bo_cpu_map(b.bo, (void **)&b.map), 0);
	memset(b.map, 0, SPAN);
	return b;
}

static struct buffer buffer_normal(void)
{
	return buffer_create(AMDGPU_GEM_DOMAIN_GTT, 0);
}

static struct buffer buffer_always_valid(void)
{
	return buffer_create(AMDGPU_GEM_DOMAIN_VRAM, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID |
			     AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED);
}

static void buffer_destroy(struct buffer *b)
{
	igt_assert_eq(amdgpu_bo_cpu_unmap(b->bo), 0);
	igt_assert_eq(amdgpu_bo_free(b->bo), 0);
	memset(b, 0, sizeof(*b));
}

static void buffer_fill(struct buffer *b, uint32_t value)
{
	for (unsigned int i = 0; i < SPAN / 4; i++)
		b->map[i] = value;
}

static uint64_t va_alloc(uint64_t size)
{
	amdgpu_va_handle range;
	uint64_t va;

	igt_assert_eq(amdgpu_va_range_alloc(dev, amdgpu_gpu_va_range_general, size, PAGE, 0,
					    &va, &range, 0), 0);
	return va;
}

struct va_op {
	uint32_t operation, flags, handle;
	uint64_t va, size, offset;
	uint32_t out_syncobj;	/* timeline, signalled at point 1 */
	uint32_t in_syncobj;
};

static int gem_va(const struct va_op *op)
{
	struct drm_amdgpu_gem_va args = {
		.handle = op->handle, .operation = op->operation, .flags = op->flags,
		.va_address = op->va, .offset_in_bo = op->offset, .map_size = op->size,
		.vm_timeline_point = op->out_syncobj ? 1 : 0,
		.vm_timeline_syncobj_out = op->out_syncobj,
		.num_syncobj_handles = op->in_syncobj ? 1 : 0,
		.input_fence_syncobj_handles = (uintptr_t)&op->in_syncobj,
	};

	return drmIoctl(fd, DRM_IOCTL_AMDGPU_GEM_VA, &args) ? -errno : 0;
}

#define va(...) igt_assert_eq(gem_va(&(struct va_op){ __VA_ARGS__ }), 0)

static void map_prt(uint64_t at, uint64_t size)
{
	va(.operation = AMDGPU_VA_OP_MAP, .flags = AMDGPU_VM_PAGE_PRT, .va = at, .size = size);
}

static void clear_sparse(void)
{
	va(.operation = AMDGPU_VA_OP_CLEAR, .va = sparse_va, .size = 4 * SPAN);
}

static uint32_t syncobj_create(void)
{
	uint32_t handle;

	igt_assert_eq(drmSyncobjCreate(fd, 0, &handle), 0);
	return handle;
}

static bool point_signals(uint32_t syncobj, int64_t ns)
{
	uint64_t point = 1;

	return drmSyncobjTimelineWait(fd, &syncobj, &point, 1, deadline(ns),
				      DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, NULL) == 0;
}

/*
 * And wait for it: jobs here do not list what they use, so nothing else makes them wait
 * for the page tables.
 */
static void map_buffer(const struct buffer *b, uint64_t at)
{
	uint32_t mapped = syncobj_create();

	va(.operation = AMDGPU_VA_OP_MAP, .flags = RW, .handle = b->handle, .va = at, .size = SPAN,
	   .out_syncobj = mapped);
	igt_assert(point_signals(mapped, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, mapped), 0);
}

/* ---- submissions ---------------------------------------------------------- */

static uint32_t *ib_reserve(unsigned int dwords)
{
	uint32_t *at;

	if (ib_used + dwords > SPAN / 4)
		ib_used = 0;
	at = ib.map + ib_used;
	ib_used += (dwords + 15) & ~15u;
	return at;
}

static struct job submit_to(uint32_t ring, const uint32_t *start, unsigned int dwords)
{
	struct drm_amdgpu_cs_chunk_ib chunk_ib = {
		.va_start = ib_va + (uintptr_t)start - (uintptr_t)ib.map,
		.ib_bytes = dwords * 4, .ip_type = AMDGPU_HW_IP_COMPUTE, .ring = ring,
	};
	struct drm_amdgpu_bo_list_entry entries[] = {
		{ .bo_handle = ib.handle }, { .bo_handle = sem.handle },
		{ .bo_handle = out.handle },
	};
	struct drm_amdgpu_bo_list_in list = {
		.operation = ~0u, .list_handle = ~0u, .bo_number = 3,
		.bo_info_size = sizeof(entries[0]), .bo_info_ptr = (uintptr_t)entries,
	};
	struct job job = { .ctx = ctx, .syncobj = syncobj_create() };
	struct drm_amdgpu_cs_chunk_sem signal = { .handle = job.syncobj };
	struct drm_amdgpu_cs_chunk chunks[] = {
		{ AMDGPU_CHUNK_ID_IB, sizeof(chunk_ib) / 4, (uintptr_t)&chunk_ib },
		{ AMDGPU_CHUNK_ID_BO_HANDLES, sizeof(list) / 4, (uintptr_t)&list },
		{ AMDGPU_CHUNK_ID_SYNCOBJ_OUT, sizeof(signal) / 4, (uintptr_t)&signal },
	};

	job.fence.context = ctx;
	job.fence.ip_type = AMDGPU_HW_IP_COMPUTE;
	job.fence.ring = ring;
	igt_assert_eq(amdgpu_cs_submit_raw2(dev, ctx, 0, 3, chunks, &job.fence.fence), 0);
	return job;
}

static struct job submit(const uint32_t *start, unsigned int dwords)
{
	return submit_to(0, start, dwords);
}

static bool job_ends(const struct job *job, int64_t ns)
{
	uint32_t expired = 0;
	struct amdgpu_cs_fence fence = job->fence;

	igt_assert_eq(amdgpu_cs_query_fence_status(&fence, ns, 0, &expired), 0);
	return expired;
}

static void job_finish(struct job *job)
{
	__atomic_store_n(&sem.map[0], 1, __ATOMIC_SEQ_CST);
	igt_assert(job_ends(job, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, job->syncobj), 0);
	__atomic_store_n(&sem.map[0], 0, __ATOMIC_SEQ_CST);
}

static uint32_t *emit_wait(uint32_t *p)
{
	*p++ = PM4(PM4_WAIT_REG_MEM, 5);
	*p++ = 1 << 4 | 3;	/* memory, equal */
	*p++ = (uint32_t)sem_va;
	*p++ = sem_va >> 32;
	*p++ = 1;
	*p++ = ~0u;
	*p++ = 4;
	return p;
}

static uint32_t *emit_write(uint32_t *p, uint64_t at, uint32_t value)
{
	*p++ = PM4(PM4_WRITE_DATA, 3);
	*p++ = 5 << 8 | 1 << 20;	/* memory, write confirm */
	*p++ = (uint32_t)at;
	*p++ = at >> 32;
	*p++ = value;
	return p;
}

/* Memory to memory, in order with what follows. */
static uint32_t *emit_copy(uint32_t *p, uint64_t from, uint64_t to, uint32_t bytes)
{
	*p++ = PM4(PM4_DMA_DATA, 5);
	*p++ = 1u << 31;
	*p++ = (uint32_t)from;
	*p++ = from >> 32;
	*p++ = (uint32_t)to;
	*p++ = to >> 32;
	*p++ = bytes;
	return p;
}

/* A job that runs until job_finish(). */
static struct job job_blocked(void)
{
	uint32_t *start = ib_reserve(16), *p = emit_wait(start);

	return submit(start, p - start);
}

/* What the GPU reads at @at. */
static uint32_t gpu_read(uint64_t at)
{
	uint32_t *start = ib_reserve(16), *p;
	struct job job;

	out.map[0] = ~PATTERN;
	p = emit_copy(start, at, out_va, 4);
	job = submit(start, p - start);
	job_finish(&job);
	return out.map[0];
}

static void gpu_write(uint64_t at, uint32_t value)
{
	uint32_t *start = ib_reserve(16), *p = emit_write(start, at, value);
	struct job job = submit(start, p - start);

	job_finish(&job);
}

/* ---- the cases ------------------------------------------------------------ */

/* Runs one operation with a job in flight; when does its out-fence signal? */
static void check_signals(const struct va_op *operation, bool early)
{
	struct va_op op = *operation;
	struct job job = job_blocked();

	op.out_syncobj = syncobj_create();
	igt_assert_eq(gem_va(&op), 0);
	igt_assert_eq(point_signals(op.out_syncobj, early ? COMES_NS : WATCH_NS), early);
	igt_assert(!job_ends(&job, 0));
	job_finish(&job);
	igt_assert(point_signals(op.out_syncobj, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, op.out_syncobj), 0);
}

static void prt_unmap(uint32_t flags, bool early)
{
	map_prt(sparse_va, SPAN);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_PAGE_PRT | flags,
		.va = sparse_va, .size = SPAN }, early);
}

static void buffer_unmap(struct buffer b, uint32_t flags, bool early)
{
	map_buffer(&b, sparse_va);
	gpu_write(sparse_va, PATTERN);
	igt_assert_eq(b.map[0], PATTERN);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_UNMAP, .flags = flags, .handle = b.handle,
		.va = sparse_va, .size = SPAN }, early);
	buffer_destroy(&b);
}

static void clear_two(struct buffer second, bool early)
{
	map_prt(sparse_va, SPAN);
	map_buffer(&second, sparse_va + SPAN);
	gpu_write(sparse_va + SPAN, PATTERN);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_CLEAR, .flags = AMDGPU_VM_EXPLICIT_SYNC,
		.va = sparse_va, .size = 2 * SPAN }, early);
	buffer_destroy(&second);
}

/* Binding memory to part of a sparse range: what vkQueueBindSparse does. */
static void replace_prt(struct buffer b, uint32_t flags, bool early)
{
	map_prt(sparse_va, 3 * SPAN);
	gpu_write(sparse_va + SPAN, 1);	/* dropped */
	buffer_fill(&b, PATTERN);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_REPLACE, .flags = RW | flags, .handle = b.handle,
		.va = sparse_va + SPAN, .size = SPAN }, early);
	igt_assert_eq(gpu_read(sparse_va), 0);
	igt_assert_eq(gpu_read(sparse_va + SPAN - 4), 0);
	igt_assert_eq(gpu_read(sparse_va + SPAN), PATTERN);
	igt_assert_eq(gpu_read(sparse_va + 2 * SPAN - 4), PATTERN);
	igt_assert_eq(gpu_read(sparse_va + 2 * SPAN), 0);
	igt_assert_eq(gpu_read(sparse_va + 3 * SPAN - 4), 0);
	clear_sparse();
	buffer_destroy(&b);
}

static void clear_splits_prt(void)
{
	struct buffer b = buffer_always_valid();

	map_prt(sparse_va, 3 * SPAN);
	map_buffer(&b, sparse_va + 3 * SPAN);
	buffer_fill(&b, PATTERN);
	gpu_read(sparse_va);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_CLEAR, .flags = AMDGPU_VM_EXPLICIT_SYNC,
		.va = sparse_va + SPAN, .size = SPAN }, true);
	igt_assert_eq(gpu_read(sparse_va), 0);
	igt_assert_eq(gpu_read(sparse_va + 2 * SPAN), 0);
	igt_assert_eq(gpu_read(sparse_va + 3 * SPAN), PATTERN);
	clear_sparse();
	buffer_destroy(&b);
}

/* An unmap that waits for its turn is not made explicit by the next one. */
static void leftover_stays_implicit(void)
{
	struct buffer b = buffer_normal();
	uint32_t watch = syncobj_create();
	struct job job;

	map_buffer(&b, sparse_va + SPAN);
	map_prt(sparse_va, SPAN);
	gpu_write(sparse_va + SPAN, PATTERN);

	job = job_blocked();
	va(.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_DELAY_UPDATE, .handle = b.handle,
	   .va = sparse_va + SPAN, .size = SPAN);
	va(.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC,
	   .va = sparse_va, .size = SPAN, .out_syncobj = watch);
	igt_assert(point_signals(watch, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, watch), 0);

	/* The delayed one is still to be done, and waits for the job. */
	watch = syncobj_create();
	map_prt(sparse_va + 2 * SPAN, SPAN);
	va(.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_PAGE_PRT,
	   .va = sparse_va + 2 * SPAN, .size = SPAN, .out_syncobj = watch);
	igt_assert(!point_signals(watch, WATCH_NS));
	igt_assert(!job_ends(&job, 0));
	job_finish(&job);
	igt_assert(point_signals(watch, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, watch), 0);
	buffer_destroy(&b);
}

/* A left-over under a new mapping has to go first, or it would erase it. */
static void leftover_under_new_mapping(void)
{
	struct buffer old = buffer_normal(), new = buffer_always_valid();
	uint32_t watch = syncobj_create();
	struct job job;

	map_buffer(&old, sparse_va);
	gpu_write(sparse_va, 1);
	buffer_fill(&new, PATTERN);
	/* After the job, since a submission takes care of what was left over. */
	job = job_blocked();
	va(.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_DELAY_UPDATE, .handle = old.handle,
	   .va = sparse_va, .size = SPAN);
	va(.operation = AMDGPU_VA_OP_MAP, .flags = RW | AMDGPU_VM_EXPLICIT_SYNC,
	   .handle = new.handle, .va = sparse_va, .size = SPAN, .out_syncobj = watch);
	igt_assert(!point_signals(watch, WATCH_NS));
	igt_assert(!job_ends(&job, 0));
	job_finish(&job);
	igt_assert(point_signals(watch, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, watch), 0);
	igt_assert_eq(gpu_read(sparse_va), PATTERN);
	igt_assert_eq(gpu_read(sparse_va + SPAN - 4), PATTERN);
	igt_assert_eq(gpu_read(sparse_va), PATTERN);
	clear_sparse();
	buffer_destroy(&old);
	buffer_destroy(&new);
}

/* The ioctl returns at once; the update waits for the fence it was given. */
static void input_fence(void)
{
	uint32_t watch = syncobj_create();
	struct job job;

	map_prt(sparse_va, SPAN);
	gpu_read(out_va);
	job = job_blocked();
	va(.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC,
	   .va = sparse_va, .size = SPAN, .out_syncobj = watch, .in_syncobj = job.syncobj);
	igt_assert(!job_ends(&job, 0));
	igt_assert(!point_signals(watch, WATCH_NS));
	job_finish(&job);
	igt_assert(point_signals(watch, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, watch), 0);
}

/* An out-fence says that the input fences are over, also when nothing else was done. */
static void input_fence_of_nothing(void)
{
	uint32_t watch = syncobj_create();
	struct job job;

	clear_sparse();
	gpu_read(out_va);
	job = job_blocked();
	va(.operation = AMDGPU_VA_OP_CLEAR, .flags = AMDGPU_VM_EXPLICIT_SYNC, .va = sparse_va,
	   .size = SPAN, .out_syncobj = watch, .in_syncobj = job.syncobj);
	igt_assert(!point_signals(watch, WATCH_NS));
	igt_assert(!job_ends(&job, 0));
	job_finish(&job);
	igt_assert(point_signals(watch, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, watch), 0);
}

/* An ioctl on the way, and what it returned. */
struct caller {
	struct va_op op;
	int result;
	bool returned;
};

static void *call_gem_va(void *arg)
{
	struct caller *caller = arg;

	caller->result = gem_va(&caller->op);
	__atomic_store_n(&caller->returned, true, __ATOMIC_SEQ_CST);
	return NULL;
}

/* There is no update that could wait for the fence, so the ioctl does. */
static void input_fence_of_delayed_update(void)
{
	static struct caller caller;
	struct timespec watch = { .tv_nsec = WATCH_NS };
	pthread_t thread;
	struct job job;

	caller.op = (struct va_op){
		.operation = AMDGPU_VA_OP_UNMAP, .va = sparse_va, .size = SPAN,
		.flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC | AMDGPU_VM_DELAY_UPDATE };
	map_prt(sparse_va, SPAN);
	job = job_blocked();
	caller.op.in_syncobj = job.syncobj;
	igt_assert_eq(pthread_create(&thread, NULL, call_gem_va, &caller), 0);
	nanosleep(&watch, NULL);
	igt_assert(!__atomic_load_n(&caller.returned, __ATOMIC_SEQ_CST));
	job_finish(&job);
	igt_assert_eq(pthread_join(thread, NULL), 0);
	igt_assert_eq(caller.result, 0);
}

static void bad_input_fence(void)
{
	struct va_op op = {
		.operation = AMDGPU_VA_OP_MAP, .va = sparse_va, .size = SPAN,
		.flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC, .in_syncobj = 0x7fffffff,
	};
	uint32_t empty = syncobj_create();

	igt_assert_eq(gem_va(&op), -ENOENT);
	op.in_syncobj = empty;
	igt_assert_eq(gem_va(&op), -EINVAL);
	igt_assert_eq(drmSyncobjDestroy(fd, empty), 0);
	/* Nothing was mapped by the refused ones. */
	op.in_syncobj = 0;
	igt_assert_eq(gem_va(&op), 0);
	clear_sparse();
}

static void unknown_flags(void)
{
	struct va_op op = { .operation = AMDGPU_VA_OP_MAP, .va = sparse_va, .size = SPAN };

	for (unsigned int bit = 11; bit < 32; bit++) {
		op.flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC | 1u << bit;
		igt_assert_eq(gem_va(&op), -EINVAL);
	}
}

/* ---- userspace that lies ---------------------------------------------------- */

#define FOREIGN 0xf0e1d2c3u	/* the neighbour's memory */
#define LIE 0x11e11e11u		/* what the job writes where nothing is mapped any more */
#define REACHED 16		/* dword of sem that says how far the job is */
#define NEIGHBOUR_BUFFERS 128
#define NODE_BYTES 32
/* The kernel tells of the faults that are asked for here. */
#define FAULT_LINES "SVM: fatal GPU|page fault|Process amd_vm_explicit|in page starting|" \
	"cookie node_id|PROTECTION_FAULT|Faulty UTCL2|_FAULTS: |_ERROR: |RW: 0x"
/* So long an old translation may be in use; the emulator complains after a second. */
#define STALE_NS (500ll * 1000 * 1000)

struct neighbour_buffer {
	uint32_t handle;
	uint32_t *map;
};

static bool neighbour_alloc(int file, struct neighbour_buffer *b)
{
	union drm_amdgpu_gem_create create = {
		.in.bo_size = SPAN, .in.alignment = PAGE, .in.domains = AMDGPU_GEM_DOMAIN_GTT,
	};
	union drm_amdgpu_gem_mmap map = { 0 };

	if (drmIoctl(file, DRM_IOCTL_AMDGPU_GEM_CREATE, &create))
		return false;
	map.in.handle = b->handle = create.out.handle;
	if (drmIoctl(file, DRM_IOCTL_AMDGPU_GEM_MMAP, &map))
		return false;
	b->map = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_SHARED, file, map.out.addr_ptr);
	return b->map != MAP_FAILED;
}

static void neighbour_fill(int file, struct neighbour_buffer *buffers)
{
	for (unsigned int n = 0; n < NEIGHBOUR_BUFFERS; n++) {
		if (!neighbour_alloc(file, &buffers[n]))
			_exit(1);
		for (unsigned int i = 0; i < SPAN / 4; i++)
			buffers[n].map[i] = FOREIGN;
	}
}

/* Frees the buffers and returns how much in them was changed. */
static uint32_t neighbour_check(int file, struct neighbour_buffer *buffers)
{
	uint32_t changed = 0;

	for (unsigned int n = 0; n < NEIGHBOUR_BUFFERS; n++) {
		struct drm_gem_close close_bo = { .handle = buffers[n].handle };

		for (unsigned int i = 0; i < SPAN / 4; i++)
			changed += buffers[n].map[i] != FOREIGN;
		if (munmap(buffers[n].map, SPAN) || drmIoctl(file, DRM_IOCTL_GEM_CLOSE, &close_bo))
			_exit(1);
	}
	return changed;
}

/*
 * Opens the node that it is sent first. Takes memory and fills it at one request, looks
 * at it and frees it at the next. Ends when the test does, or at an error.
 */
static void neighbour_main(int socket)
{
	struct neighbour_buffer buffers[NEIGHBOUR_BUFFERS];
	char node[NODE_BYTES], request;
	uint32_t answer = 0;
	int file = -1;

	if (read(socket, node, sizeof(node)) == sizeof(node))
		file = open(node, O_RDWR | O_CLOEXEC);
	for (bool full = false; file >= 0 && read(socket, &request, 1) == 1; full = !full) {
		if (full)
			answer = neighbour_check(file, buffers);
		else
			neighbour_fill(file, buffers);
		if (write(socket, &answer, 4) != 4)
			break;
	}
	_exit(0);
}

/*
 * A process with a file, an address space and memory of its own. It must not inherit
 * the test's file: to close that, or to exit with it, waits for what the VM has
 * queued. And nobody's child, as libigt wants to see none at the end.
 */
static void neighbour_start(void)
{
	int sockets[2];
	pid_t pid;

	igt_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	pid = fork();
	igt_assert(pid >= 0);
	if (!pid) {
		close(sockets[0]);
		if (fork() == 0)
			neighbour_main(sockets[1]);
		_exit(0);
	}
	igt_assert_eq(waitpid(pid, NULL, 0), pid);
	close(sockets[1]);
	neighbour = sockets[0];
}

static void neighbour_meets(int file)
{
	char node[NODE_BYTES] = "";

	/* To open this is to open the device anew. */
	snprintf(node, sizeof(node), "/proc/%d/fd/%d", getpid(), file);
	igt_assert_eq(write(neighbour, node, sizeof(node)), sizeof(node));
}

static uint32_t neighbour_ask(void)
{
	uint32_t answer;

	igt_assert_eq(write(neighbour, "", 1), 1);
	igt_assert_eq(read(neighbour, &answer, 4), 4);
	return answer;
}

/* Reads all of @at, waits for job_finish(), reads it again and writes to it. */
static struct job job_that_goes_on(uint64_t at)
{
	uint32_t *start = ib_reserve(64), *p;

	__atomic_store_n(&sem.map[REACHED], 0, __ATOMIC_SEQ_CST);
	p = emit_copy(start, at, out_va, SPAN);
	p = emit_write(p, sem_va + REACHED * 4, 1);
	p = emit_wait(p);
	p = emit_copy(p, at, out_va, SPAN);
	p = emit_write(p, at, LIE);
	p = emit_write(p, at + SPAN / 2, LIE);
	p = emit_write(p, at + SPAN - 4, LIE);
	return submit(start, p - start);
}

static void job_reaches_the_wait(void)
{
	int64_t end = deadline(COMES_NS);

	while (!__atomic_load_n(&sem.map[REACHED], __ATOMIC_SEQ_CST)) {
		igt_assert_lt(deadline(0), end);
		sched_yield();
	}
}

/* Each submission drops the translations that the VM has lost since the last one. */
static void drop_old_translations(void)
{
	uint32_t *start = ib_reserve(16), *p = emit_write(start, out_va, 0);
	struct job job = submit_to(1, start, p - start);

	igt_assert(job_ends(&job, COMES_NS));
	igt_assert_eq(drmSyncobjDestroy(fd, job.syncobj), 0);
}

/*
 * Says that nobody uses sparse_va any more, while a job does. @b: what is mapped
 * there, NULL for PRT; it is freed. @drop: the job finds nothing there any more,
 * else it may go on with the translations that it has.
 */
static void lie(struct buffer *b, bool drop)
{
	struct va_op unmap = {
		.operation = AMDGPU_VA_OP_UNMAP, .va = sparse_va, .size = SPAN,
		.flags = AMDGPU_VM_EXPLICIT_SYNC | (b ? 0 : AMDGPU_VM_PAGE_PRT),
		.handle = b ? b->handle : 0, .out_syncobj = syncobj_create(),
	};
	struct job job;
	int64_t unmapped;

	igt_emit_ignore_dmesg_regex(FAULT_LINES);
	job = job_that_goes_on(sparse_va);
	job_reaches_the_wait();
	for (unsigned int i = 0; i < SPAN / 4; i++)
		igt_assert_eq(out.map[i], b ? PATTERN : 0);
	igt_assert_eq(gem_va(&unmap), 0);
	igt_assert(point_signals(unmap.out_syncobj, COMES_NS));
	unmapped = deadline(0);
	if (b)
		buffer_destroy(b);
	neighbour_ask();
	igt_assert(!job_ends(&job, 0));

	if (drop || deadline(0) - unmapped > STALE_NS)
		drop_old_translations();
	job_finish(&job);

	/* LIE: where faults are led to a dummy page, what was written is there. */
	for (unsigned int i = 0; i < SPAN / 4; i++)
		igt_assert_f(out.map[i] == 0 || out.map[i] == LIE || (b && out.map[i] == PATTERN),
			     "dword %u is %#x\n", i, out.map[i]);
	igt_assert_eq(neighbour_ask(), 0);
	igt_assert_eq(drmSyncobjDestroy(fd, unmap.out_syncobj), 0);
}

static void lie_about_prt(void)
{
	map_prt(sparse_va, SPAN);
	lie(NULL, true);
}

/*
 * In GTT: a BO in VRAM is wiped by the GPU when it is freed, after the job, and to
 * that other allocations of VRAM queue up.
 */
static void lie_about_buffer(bool drop)
{
	struct buffer b = buffer_create(AMDGPU_GEM_DOMAIN_GTT, AMDGPU_GEM_CREATE_VM_ALWAYS_VALID);

	buffer_fill(&b, PATTERN);
	map_buffer(&b, sparse_va);
	lie(&b, drop);
}

/*
 * The flag says how an operation is done; it is not a property of the mapping.
 * A mapping made with it and unmapped without waits.
 */
static void flag_does_not_stick(void)
{
	va(.operation = AMDGPU_VA_OP_MAP, .flags = AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC,
	   .va = sparse_va, .size = SPAN);
	gpu_read(out_va);
	check_signals(&(struct va_op){
		.operation = AMDGPU_VA_OP_UNMAP, .flags = AMDGPU_VM_PAGE_PRT,
		.va = sparse_va, .size = SPAN }, false);
}

igt_main()
{
	igt_fixture() {
		uint32_t major;

		neighbour_start();
		fd = drm_open_driver_render(DRIVER_AMDGPU);
		neighbour_meets(fd);
		igt_assert_eq(amdgpu_device_initialize(fd, &major, &drm_minor, &dev), 0);
		igt_assert_eq(amdgpu_cs_ctx_create(dev, &ctx), 0);
		ib = buffer_normal();
		sem = buffer_normal();
		out = buffer_normal();
		ib_va = va_alloc(SPAN);
		sem_va = va_alloc(SPAN);
		out_va = va_alloc(SPAN);
		sparse_va = va_alloc(4 * SPAN);
		va(.operation = AMDGPU_VA_OP_MAP, .flags = RW | AMDGPU_VM_PAGE_EXECUTABLE,
		   .handle = ib.handle, .va = ib_va, .size = SPAN);
		map_buffer(&sem, sem_va);
		map_buffer(&out, out_va);
	}

	igt_describe("Without the flag every unmap waits for the VM's submissions");
	igt_subtest("prt-unmap-implicit-waits")
		prt_unmap(0, false);

	igt_fixture()
		igt_require_f(drm_minor >= 65, "driver 3.%u has no explicit sync\n", drm_minor);

	igt_describe("A PRT unmap with the flag is done while a submission runs");
	igt_subtest("prt-unmap-explicit-signals-early")
		prt_unmap(AMDGPU_VM_EXPLICIT_SYNC, true);

	igt_describe("A BO that could hand its memory back is never unmapped early");
	igt_subtest("normal-bo-unmap-explicit-waits")
		buffer_unmap(buffer_normal(), AMDGPU_VM_EXPLICIT_SYNC, false);

	igt_subtest("always-valid-bo-unmap-explicit-signals-early")
		buffer_unmap(buffer_always_valid(), AMDGPU_VM_EXPLICIT_SYNC, true);

	igt_subtest("always-valid-bo-unmap-implicit-waits")
		buffer_unmap(buffer_always_valid(), 0, false);

	igt_subtest("clear-prt-and-always-valid-explicit-signals-early")
		clear_two(buffer_always_valid(), true);

	igt_describe("One other mapping among the freed ones and all of them wait");
	igt_subtest("clear-prt-and-normal-bo-explicit-waits")
		clear_two(buffer_normal(), false);

	igt_describe("Binding memory into a sparse range leaves its head and tail PRT");
	igt_subtest("replace-prt-by-always-valid-explicit-signals-early")
		replace_prt(buffer_always_valid(), AMDGPU_VM_EXPLICIT_SYNC, true);

	igt_subtest("replace-prt-by-normal-bo-explicit-signals-early")
		replace_prt(buffer_normal(), AMDGPU_VM_EXPLICIT_SYNC, true);

	igt_subtest("replace-prt-implicit-waits")
		replace_prt(buffer_always_valid(), 0, false);

	igt_subtest("clear-splits-prt-keeps-head-and-tail")
		clear_splits_prt();

	igt_subtest("delay-update-leftover-stays-implicit")
		leftover_stays_implicit();

	igt_subtest("leftover-under-new-mapping-goes-first")
		leftover_under_new_mapping();

	igt_subtest("input-fence-is-a-dependency")
		input_fence();

	igt_subtest("input-fence-of-nothing-to-update-is-waited-for")
		input_fence_of_nothing();

	igt_subtest("input-fence-of-delayed-update-is-waited-for")
		input_fence_of_delayed_update();

	igt_subtest("bad-input-fence-is-refused")
		bad_input_fence();

	igt_subtest("flag-does-not-stick-to-the-mapping")
		flag_does_not_stick();

	igt_subtest("unknown-flags-are-refused")
		unknown_flags();

	igt_describe("A job that goes on after the unmap meets nobody's memory");
	igt_subtest("lying-prt-unmap-is-harmless")
		lie_about_prt();

	igt_subtest("lying-always-valid-bo-unmap-is-harmless")
		lie_about_buffer(false);

	igt_subtest("lying-always-valid-bo-unmap-and-flush-is-harmless")
		lie_about_buffer(true);

	igt_fixture() {
		/* A subtest that failed left its job behind. */
		__atomic_store_n(&sem.map[0], 1, __ATOMIC_SEQ_CST);
		buffer_destroy(&ib);
		buffer_destroy(&sem);
		buffer_destroy(&out);
		amdgpu_cs_ctx_free(ctx);
		amdgpu_device_deinitialize(dev);
		close(fd);
	}
}

// SPDX-License-Identifier: MIT
/* What the ioctl refuses, in which order, and how attributes combine and go away. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "svm_rules.h"

#define NUM_ATTRS (AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED + 1)

/* ---- refusals ---- */

/*
 * Pages to make calls on. The longer a range from the first one on, the earlier
 * the check that refuses it: a buffer object, device memory, a hole.
 */
struct ground {
	char *mem;
	char *unreadable;
	struct gpu_buffer bo;
	uint64_t limit;		/* the first address that is none */
};

#define GROUND_BO 1
#define GROUND_DEVICE 2
#define GROUND_HOLE 3
#define GROUND_PAGES 4

struct call {
	struct drm_amdgpu_gem_svm args;
	struct drm_amdgpu_svm_attribute attr;
};

static int do_call(struct gpu *gpu, struct call *call)
{
	return drmIoctl(gpu->fd, DRM_IOCTL_AMDGPU_GEM_SVM, &call->args) ? errno : 0;
}

static struct call good_call(const struct ground *g, uint32_t operation)
{
	return (struct call){
		.args = { .start_addr = (uintptr_t)g->mem, .size = PAGE, .operation = operation,
			  .nattr = 1 },
		.attr = { .type = AMDGPU_SVM_ATTR_GPU_RO, .value = 1 },
	};
}

/* Ways to make a call wrong. One per check; those of a higher step are checked later. */
struct fault {
	int step;
	int error;
	uint32_t operations;	/* that see it */
	void (*make)(const struct ground *g, struct call *c);
};

#define SET (1u << AMDGPU_SVM_OP_SET_ATTR)
#define GET (1u << AMDGPU_SVM_OP_GET_ATTR)
#define RESET (1u << AMDGPU_SVM_OP_RESET_ATTR)

#define FAULT(name, ...) \
	static void name(const struct ground *g, struct call *c) \
	{ \
		(void)g; \
		__VA_ARGS__; \
	}

FAULT(start_zero, c->args.start_addr = 0)
FAULT(size_zero, c->args.size = 0)
FAULT(start_unaligned, c->args.start_addr++)
FAULT(size_unaligned, c->args.size++)
FAULT(end_overflows, c->args.size = -c->args.start_addr)
FAULT(end_wraps, c->args.size = -PAGE)
FAULT(above_the_cpu, c->args.start_addr = 1ull << 47)
FAULT(above_the_gpu, c->args.start_addr = 1ull << 62)
FAULT(end_above, c->args.size = 1ull << 57)
FAULT(start_at_limit, c->args.start_addr = g->limit)
FAULT(end_past_limit, c->args.start_addr = g->limit - PAGE, c->args.size = 2 * PAGE)
FAULT(end_past_limit_from_far, c->args.size = g->limit + PAGE - c->args.start_addr)
FAULT(unknown_operation, c->args.operation = 3)
FAULT(no_attributes, c->args.nattr = 0)
FAULT(too_many, c->args.nattr = AMDGPU_SVM_MAX_ATTRS + 1)
FAULT(null_pointer, c->args.attrs_ptr = 0)
FAULT(unreadable, c->args.attrs_ptr = (uintptr_t)g->unreadable)
FAULT(half_unreadable, c->args.attrs_ptr = (uintptr_t)g->unreadable - 4)
FAULT(unknown_type, c->attr.type = NUM_ATTRS)
FAULT(far_type, c->attr.type = ~0u)
FAULT(boolean_two, c->attr.value = 2)
FAULT(access_three, c->attr.type = AMDGPU_SVM_ATTR_ACCESS, c->attr.value = 3)
FAULT(location_two, c->attr.type = AMDGPU_SVM_ATTR_PREFERRED_LOC, c->attr.value = 2)
FAULT(prefetch_nowhere, c->attr.type = AMDGPU_SVM_ATTR_PREFETCH_LOC,
      c->attr.value = AMDGPU_SVM_LOCATION_UNDEFINED)
FAULT(over_hole, c->args.size = (GROUND_HOLE + 1) * PAGE)
FAULT(over_device, c->args.size = (GROUND_DEVICE + 1) * PAGE)
FAULT(over_bo, c->args.size = (GROUND_BO + 1) * PAGE)

#define STEP_MM 4

static const struct fault faults[] = {
	{ 2, EINVAL, SET | GET | RESET, start_zero },
	{ 2, EINVAL, SET | GET | RESET, size_zero },
	{ 2, EINVAL, SET | GET | RESET, start_unaligned },
	{ 2, EINVAL, SET | GET | RESET, size_unaligned },
	{ 2, EINVAL, SET | GET | RESET, end_overflows },
	{ 2, EINVAL, SET | GET | RESET, end_wraps },
	{ 2, EINVAL, SET | GET | RESET, above_the_cpu },
	{ 2, EINVAL, SET | GET | RESET, above_the_gpu },
	{ 2, EINVAL, SET | GET | RESET, end_above },
	{ 2, EINVAL, SET | GET | RESET, start_at_limit },
	{ 2, EINVAL, SET | GET | RESET, end_past_limit },
	{ 2, EINVAL, SET | GET | RESET, end_past_limit_from_far },
	{ 3, EINVAL, SET | GET | RESET, unknown_operation },
	{ 3, EINVAL, SET | GET, no_attributes },
	{ 3, EINVAL, SET | GET, too_many },
	{ 3, EINVAL, SET | GET, null_pointer },
	{ 3, EFAULT, SET | GET, unreadable },
	{ 3, EFAULT, SET | GET, half_unreadable },
	/* 4 is another address space */
	{ 5, EINVAL, SET | GET, unknown_type },
	{ 5, EINVAL, SET | GET, far_type },
	{ 5, EINVAL, SET, boolean_two },
	{ 5, EINVAL, SET, access_three },
	{ 5, EINVAL, SET, location_two },
	{ 5, EINVAL, SET, prefetch_nowhere },
	{ 6, EFAULT, SET | GET, over_hole },
	{ 7, EOPNOTSUPP, SET | GET, over_device },
	{ 8, EADDRINUSE, SET | GET, over_bo },
};

#define NUM_FAULTS (sizeof(faults) / sizeof(faults[0]))

/* A call with one fault or two gives the error of the check that comes first. */
static bool refused(struct gpu *gpu, const struct ground *g, uint32_t operation,
		    const struct fault *first, const struct fault *second, bool own_mm)
{
	struct call call = good_call(g, operation);
	int want = own_mm || first->step < STEP_MM ? first->error : EPERM, got;

	call.args.attrs_ptr = (uintptr_t)&call.attr;
	if (second)
		second->make(g, &call);
	first->make(g, &call);
	got = do_call(gpu, &call);
	if (got == want)
		return true;
	fprintf(stderr, "operation %u, fault %td and %td: %s, not %s\n", operation, first - faults,
		second ? second - faults : -1, strerror(got), strerror(want));
	return false;
}

static bool all_refused(struct gpu *gpu, const struct ground *g, bool own_mm)
{
	bool good = true;

	for (uint32_t op = 0; op <= AMDGPU_SVM_OP_RESET_ATTR; op++)
		for (size_t i = 0; i < NUM_FAULTS; i++) {
			if (!(faults[i].operations & 1u << op))
				continue;
			good &= refused(gpu, g, op, &faults[i], NULL, own_mm);
			for (size_t k = i + 1; k < NUM_FAULTS; k++)
				if (faults[k].step > faults[i].step &&
				    faults[k].operations & 1u << op)
					good &= refused(gpu, g, op, &faults[i], &faults[k], own_mm);
		}
	return good;
}

/* In a child of fork() the memory is there as well, and the descriptor. */
static bool all_refused_in_child(struct gpu *gpu, const struct ground *g)
{
	struct call call = good_call(g, AMDGPU_SVM_OP_SET_ATTR);
	pid_t pid = fork();
	int status;

	TRY(pid >= 0);
	if (!pid) {
		call.args.attrs_ptr = (uintptr_t)&call.attr;
		_exit(all_refused(gpu, g, false) && do_call(gpu, &call) == EPERM ? 0 : 1);
	}
	TRY_EQ(waitpid(pid, &status, 0), pid);
	TRY_EQ(status, 0);
	return true;
}

/* A view of the buffer object, which is device memory for the process. */
static bool map_device(struct gpu *gpu, struct gpu_buffer *bo, void *at)
{
	union drm_amdgpu_gem_mmap args = {};

	TRY_EQ(amdgpu_bo_export(bo->bo, amdgpu_bo_handle_type_kms, &args.in.handle), 0);
	TRY_EQ(drmCommandWriteRead(gpu->fd, DRM_AMDGPU_GEM_MMAP, &args, sizeof(args)), 0);
	TRY(mmap(at, PAGE, RW, MAP_SHARED | MAP_FIXED, gpu->fd, args.out.addr_ptr) == at);
	return true;
}

static bool make_ground(struct gpu *gpu, struct ground *g)
{
	g->mem = map_at(NULL, (GROUND_PAGES + 2) * PAGE, RW);
	/* Not a hole, which the next mapping could fill. */
	g->unreadable = (char *)map_at(NULL, 2 * PAGE, RW) + PAGE;
	TRY(!mprotect(g->unreadable, PAGE, PROT_NONE));
	TRY_EQ(gpu_buffer_alloc(gpu, &g->bo, PAGE, AMDGPU_GEM_DOMAIN_GTT), 0);
	TRY_EQ(amdgpu_bo_va_op(g->bo.bo, 0, PAGE, (uintptr_t)g->mem + GROUND_BO * PAGE, 0,
			       AMDGPU_VA_OP_MAP), 0);
	TRY(map_device(gpu, &g->bo, g->mem + GROUND_DEVICE * PAGE));
	TRY(!munmap(g->mem + GROUND_HOLE * PAGE, PAGE));
	g->limit = svm_limit(gpu);
	TRY(g->limit > 0);
	return true;
}

static bool drop_ground(struct ground *g)
{
	TRY_EQ(amdgpu_bo_va_op(g->bo.bo, 0, PAGE, (uintptr_t)g->mem + GROUND_BO * PAGE, 0,
			       AMDGPU_VA_OP_UNMAP), 0);
	munmap(g->mem, (GROUND_PAGES + 2) * PAGE);
	munmap(g->unreadable - PAGE, 2 * PAGE);
	gpu_buffer_free(&g->bo);
	return true;
}

bool rule_uapi_negative(struct worker *w)
{
	struct ground g;

	TRY(make_ground(w->gpu, &g));
	TRY(all_refused(w->gpu, &g, true));
	TRY(all_refused_in_child(w->gpu, &g));
	/* And RESET does not look at what it does not need. */
	TRY_EQ(svm_get(w->gpu, g.mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	TRY_EQ(svm_set(w->gpu, g.mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY_EQ(svm_reset(w->gpu, g.mem, GROUND_PAGES * PAGE), 0);
	TRY_EQ(svm_get(w->gpu, g.mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	return drop_ground(&g);
}

bool rule_overflow_and_limit(struct worker *w)
{
	struct ground g;
	bool good = true;

	TRY(make_ground(w->gpu, &g));
	for (uint32_t op = 0; op <= AMDGPU_SVM_OP_RESET_ATTR; op++)
		for (size_t i = 0; faults[i].step == 2; i++)
			good &= refused(w->gpu, &g, op, &faults[i], NULL, true);
	return drop_ground(&g) && good;
}

/* Up to the limit of addresses everything is as elsewhere. */
bool rule_last_page(struct worker *w)
{
	char *last = (char *)(uintptr_t)(svm_limit(w->gpu) - PAGE);

	TRY(mmap(last, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == last);
	TRY(exchange(w, last, PAGE));
	TRY_EQ(svm_set(w->gpu, last, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY_EQ(svm_get(w->gpu, last, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC), 1);
	TRY(exchange(w, last, PAGE));
	/* From the first page that RESET takes to the last one. */
	TRY_EQ(svm_reset(w->gpu, (void *)PAGE, (uintptr_t)last), 0);
	TRY_EQ(svm_get(w->gpu, last, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC), 0);
	TRY(exchange(w, last, PAGE));
	TRY_EQ(svm_set(w->gpu, last, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY(!munmap(last, PAGE));
	TRY_EQ(svm_set(w->gpu, last, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), -EFAULT);
	TRY_EQ(svm_lines(w->gpu, "svm_ranges", last, PAGE), 0);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", last, PAGE), 0);
	return true;
}

bool rule_refused_set_changes_nothing(struct worker *w)
{
	struct drm_amdgpu_svm_attribute attrs[] = {
		{ AMDGPU_SVM_ATTR_GPU_RO, 1 },
		{ AMDGPU_SVM_ATTR_GPU_EXEC, 2 },
		{ AMDGPU_SVM_ATTR_GRANULARITY, 1 },
	};
	char *mem = map_at(NULL, 3 * PAGE, RW);

	TRY_EQ(amdgpu_svm_set_attr(w->gpu->dev, (uintptr_t)mem, PAGE, 3, attrs), -EINVAL);
	TRY(!munmap(mem + 2 * PAGE, PAGE));
	attrs[1].value = 1;
	TRY_EQ(amdgpu_svm_set_attr(w->gpu->dev, (uintptr_t)mem, 3 * PAGE, 3, attrs), -EFAULT);
	TRY_EQ(svm_get(w->gpu, mem, 2 * PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	TRY_EQ(svm_get(w->gpu, mem, 2 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 3 * PAGE), 0);
	munmap(mem, 2 * PAGE);
	return true;
}

/* ---- values ---- */

static const uint32_t values[NUM_ATTRS][3] = {	/* the first is the default */
	[AMDGPU_SVM_ATTR_PREFERRED_LOC] = { AMDGPU_SVM_LOCATION_UNDEFINED,
		AMDGPU_SVM_LOCATION_SYSMEM, AMDGPU_SVM_LOCATION_LOCAL },
	[AMDGPU_SVM_ATTR_PREFETCH_LOC] = { AMDGPU_SVM_LOCATION_UNDEFINED,
		AMDGPU_SVM_LOCATION_SYSMEM, AMDGPU_SVM_LOCATION_LOCAL },
	[AMDGPU_SVM_ATTR_ACCESS] = { AMDGPU_SVM_ACCESS_ALLOW_MIGRATE,
		AMDGPU_SVM_ACCESS_IN_PLACE, AMDGPU_SVM_ACCESS_INACCESSIBLE },
	[AMDGPU_SVM_ATTR_GRANULARITY] = { 9, 3, 0x3f },
	[AMDGPU_SVM_ATTR_HOST_ACCESS] = { 1, 0, 1 },
	[AMDGPU_SVM_ATTR_COHERENT] = { 1, 0, 1 },
	[AMDGPU_SVM_ATTR_EXT_COHERENT] = { 0, 1, 0 },
	[AMDGPU_SVM_ATTR_HIVE_LOCAL] = { 0, 1, 0 },
	[AMDGPU_SVM_ATTR_GPU_RO] = { 0, 1, 0 },
	[AMDGPU_SVM_ATTR_GPU_EXEC] = { 0, 1, 0 },
	[AMDGPU_SVM_ATTR_GPU_READ_MOSTLY] = { 0, 1, 0 },
	[AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED] = { 0, 1, 0 },
};

/* The first value is what memory has that was never named. */
static bool give(struct gpu *gpu, char *mem, size_t size, uint32_t type, unsigned int value)
{
	TRY_EQ(svm_reset(gpu, mem, size), 0);
	if (value)
		TRY_EQ(svm_set(gpu, mem, size, type, values[type][value]), 0);
	return true;
}

/* All pairs of values of all attributes, in unequal parts. */
bool rule_get_merges(struct worker *w)
{
	char *mem = map_at(NULL, 5 * PAGE, RW);

	for (uint32_t type = 0; type < NUM_ATTRS; type++)
		for (unsigned int i = 0; i < 9; i++) {
			uint32_t a = values[type][i / 3], b = values[type][i % 3];

			TRY(give(w->gpu, mem, 2 * PAGE, type, i / 3));
			TRY(give(w->gpu, mem + 2 * PAGE, 3 * PAGE, type, i % 3));
			TRY_EQ(svm_get(w->gpu, mem, 2 * PAGE, type), a);
			TRY_EQ(svm_get(w->gpu, mem + 2 * PAGE, 3 * PAGE, type), b);
			TRY_EQ(svm_get(w->gpu, mem, 5 * PAGE, type), svm_merged(type, a, b));
			TRY_EQ(svm_get(w->gpu, mem + PAGE, 2 * PAGE, type), svm_merged(type, a, b));
		}
	munmap(mem, 5 * PAGE);
	return true;
}

bool rule_last_of_a_type_wins(struct worker *w)
{
	struct drm_amdgpu_svm_attribute attrs[] = {
		{ AMDGPU_SVM_ATTR_GRANULARITY, 3 }, { AMDGPU_SVM_ATTR_GPU_RO, 1 },
		{ AMDGPU_SVM_ATTR_GRANULARITY, 5 }, { AMDGPU_SVM_ATTR_GPU_RO, 0 },
	};
	char *mem = map_at(NULL, PAGE, RW);

	TRY_EQ(amdgpu_svm_set_attr(w->gpu->dev, (uintptr_t)mem, PAGE, 4, attrs), 0);
	TRY_EQ(svm_get(w->gpu, mem, PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 5);
	TRY_EQ(svm_get(w->gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	munmap(mem, PAGE);
	return true;
}

bool rule_parts_keep_theirs(struct worker *w)
{
	char *mem = map_at(NULL, 8 * PAGE, RW);

	TRY_EQ(svm_set(w->gpu, mem, 8 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 7), 0);
	TRY_EQ(svm_set(w->gpu, mem + 3 * PAGE, 2 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 2), 0);
	TRY_EQ(svm_reset(w->gpu, mem + 4 * PAGE, 2 * PAGE), 0);
	for (int i = 0; i < 8; i++)
		TRY_EQ(svm_get(w->gpu, mem + i * PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY),
		       i == 4 || i == 5 ? 9 : i == 3 ? 2 : 7);
	munmap(mem, 8 * PAGE);
	return true;
}

/* ---- one attribute ---- */

/* Does it make a difference to what is mapped? */
static bool matters_to_mapping(uint32_t type)
{
	switch (type) {
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
	case AMDGPU_SVM_ATTR_GRANULARITY:
	case AMDGPU_SVM_ATTR_HOST_ACCESS:
	case AMDGPU_SVM_ATTR_GPU_READ_MOSTLY:
	case AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED:
		return false;
	default:
		return true;
	}
}

static bool all_default_but(struct gpu *gpu, void *mem, size_t size, uint32_t but)
{
	for (uint32_t type = 0; type < NUM_ATTRS; type++)
		if (type != but)
			TRY_EQ(svm_get(gpu, mem, size, type), values[type][0]);
	return true;
}

static bool has_rights(struct gpu *gpu, void *mem, uint32_t type)
{
	char rights[4];

	TRY(svm_rights(gpu, mem, rights));
	TRY_EQ(rights[1] == '-', type == AMDGPU_SVM_ATTR_GPU_RO);
	TRY_EQ(rights[2] == 'x', type == AMDGPU_SVM_ATTR_GPU_EXEC);
	return true;
}

#define BLOCK (2 * MIB)

/* A block that an attribute is for, and those on both sides, which it is not for. */
struct blocks {
	char *left;
	char *mem;
	char *right;
	int lines_left;
	int lines_right;
	int64_t flushes;
};

/* No page becomes part of a huge one meanwhile, which would unmap it. */
static bool make_blocks(struct worker *w, struct blocks *b)
{
	b->left = map_aligned(3 * BLOCK);
	b->mem = b->left + BLOCK;
	b->right = b->mem + BLOCK;
	TRY(!madvise(b->left, 3 * BLOCK, MADV_NOHUGEPAGE));
	TRY(gpu_fill(w, b->left, 0xa11ca11c, 3 * BLOCK));
	b->lines_left = svm_lines(w->gpu, "svm_ranges", b->left, BLOCK);
	b->lines_right = svm_lines(w->gpu, "svm_ranges", b->right, BLOCK);
	TRY(b->lines_left > 0 && b->lines_right > 0);
	TRY(svm_lines(w->gpu, "svm_ranges", b->mem, BLOCK) > 0);
	b->flushes = svm_counter(w->gpu, "TLB flushes");
	return true;
}

/*
 * What is mapped went, if it had to; the duplicate of a fault may have mapped it again. What
 * is mapped beside it is there as it was.
 */
static bool mapping_went(struct gpu *gpu, struct blocks *b, uint32_t type)
{
	if (matters_to_mapping(type))
		TRY(svm_counter(gpu, "TLB flushes") > b->flushes);
	else
		TRY(svm_lines(gpu, "svm_ranges", b->mem, BLOCK) > 0);
	TRY_EQ(svm_lines(gpu, "svm_ranges", b->left, BLOCK), b->lines_left);
	TRY_EQ(svm_lines(gpu, "svm_ranges", b->right, BLOCK), b->lines_right);
	return true;
}

/*
 * Its default, its effect on what is mapped, on no other attribute, on nothing beside, and
 * RESET. HOST_ACCESS and READ_MOSTLY have no other effect as long as nothing migrates;
 * caching (COHERENT, EXT_COHERENT, HIVE_LOCAL) cannot be seen from here.
 */
bool rule_attribute(struct worker *w, uint32_t type)
{
	struct blocks b;

	TRY(make_blocks(w, &b));
	TRY(all_default_but(w->gpu, b.mem, BLOCK, NUM_ATTRS));
	TRY_EQ(svm_set(w->gpu, b.mem, BLOCK, type, values[type][1]), 0);
	TRY_EQ(svm_get(w->gpu, b.mem, BLOCK, type), values[type][1]);
	TRY(all_default_but(w->gpu, b.mem, BLOCK, type));
	TRY(all_default_but(w->gpu, b.left, BLOCK, NUM_ATTRS));
	TRY(all_default_but(w->gpu, b.right, BLOCK, NUM_ATTRS));
	TRY(mapping_went(w->gpu, &b, type));
	TRY(gpu_reads_value(w, b.left, 0xa11ca11c, 3 * BLOCK));
	TRY(has_rights(w->gpu, b.mem, type));
	b.flushes = svm_counter(w->gpu, "TLB flushes");
	TRY_EQ(svm_reset(w->gpu, b.mem, BLOCK), 0);
	TRY(all_default_but(w->gpu, b.mem, BLOCK, NUM_ATTRS));
	TRY(mapping_went(w->gpu, &b, type));
	TRY(exchange(w, b.mem, BLOCK));
	TRY(has_rights(w->gpu, b.mem, NUM_ATTRS));
	munmap(b.left, 3 * BLOCK);
	return true;
}

/* ---- attributes go with the memory ---- */

static bool name_it(struct worker *w, char *mem, size_t size, bool touch)
{
	TRY_EQ(svm_set(w->gpu, mem, size, AMDGPU_SVM_ATTR_GRANULARITY, 3), 0);
	if (touch)
		TRY(gpu_fill(w, mem, 1, size));
	return true;
}

static bool check_drop_munmap(struct worker *w, bool touch)
{
	char *mem = map_at(NULL, 16 * PAGE, RW);

	TRY(name_it(w, mem, 16 * PAGE, touch));
	TRY(!munmap(mem + 4 * PAGE, 8 * PAGE));
	map_at(mem + 4 * PAGE, 8 * PAGE, RW);
	TRY_EQ(svm_get(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	TRY_EQ(svm_get(w->gpu, mem + 4 * PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY_EQ(svm_get(w->gpu, mem + 11 * PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY_EQ(svm_get(w->gpu, mem + 12 * PAGE, 4 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	TRY(!munmap(mem, 16 * PAGE));
	map_at(mem, 16 * PAGE, RW);
	TRY_EQ(svm_get(w->gpu, mem, 16 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 16 * PAGE), 0);
	munmap(mem, 16 * PAGE);
	return true;
}

static bool check_drop_mremap(struct worker *w, bool touch)
{
	char *mem = map_at(NULL, 16 * PAGE, RW), *to = map_at(NULL, 16 * PAGE, RW);

	TRY(name_it(w, mem, 16 * PAGE, touch));
	TRY_EQ(svm_set(w->gpu, to, 16 * PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY(mremap(mem, 16 * PAGE, 16 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	TRY_EQ(svm_get(w->gpu, to, 16 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY_EQ(svm_get(w->gpu, to, 16 * PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	map_at(mem, 16 * PAGE, RW);
	TRY_EQ(svm_get(w->gpu, mem, 16 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	TRY(exchange(w, to, 16 * PAGE));
	munmap(mem, 16 * PAGE);
	munmap(to, 16 * PAGE);
	return true;
}

bool rule_drop_munmap(struct worker *w)
{
	return check_drop_munmap(w, true);
}

bool rule_drop_munmap_untouched(struct worker *w)
{
	return check_drop_munmap(w, false);
}

bool rule_drop_mremap(struct worker *w)
{
	return check_drop_mremap(w, true);
}

bool rule_drop_mremap_untouched(struct worker *w)
{
	return check_drop_mremap(w, false);
}

bool rule_keep_dontneed(struct worker *w)
{
	char *mem = map_at(NULL, 4 * PAGE, RW);

	TRY(name_it(w, mem, 4 * PAGE, true));
	TRY(!madvise(mem, 4 * PAGE, MADV_DONTNEED));
	TRY(!mprotect(mem, 4 * PAGE, PROT_READ));
	TRY_EQ(svm_get(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	munmap(mem, 4 * PAGE);
	return true;
}

/* ---- attributes come and go ---- */

#define ROUNDS 25000

struct namer {
	struct gpu *gpu;
	char *mem;
	bool stop;
	bool good;
};

/* From none to one, and back to none at all. */
static void *name_and_forget(void *arg)
{
	struct namer *n = arg;

	n->good = true;
	while (n->good && !__atomic_load_n(&n->stop, __ATOMIC_ACQUIRE))
		n->good = !svm_set(n->gpu, n->mem, PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 3) &&
			  !svm_reset(n->gpu, n->mem, PAGE);
	return NULL;
}

/*
 * Whenever memory goes the driver looks whether it had attributes, without a lock,
 * while another thread makes the first entry there is and removes the last.
 */
bool rule_attributes_while_memory_goes(struct worker *w)
{
	struct namer n = { .gpu = w->gpu, .mem = map_at(NULL, PAGE, RW) };
	char *mem = map_aligned(2 * MIB);
	pthread_t thread;

	TRY(!pthread_create(&thread, NULL, name_and_forget, &n));
	for (int i = 0; i < ROUNDS; i++)
		map_at(mem, 16 * PAGE, RW);
	__atomic_store_n(&n.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	TRY(n.good);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", NULL, SIZE_MAX), 0);
	munmap(n.mem, PAGE);
	munmap(mem, 2 * MIB);
	return true;
}

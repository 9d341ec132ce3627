// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types of system memory, GPU by GPU, as amdgpu's SVM writes them into page table
 * entries: what the hardware's coherence protocols ask for.
 */

#include <kunit/test.h>

#include <drm/amdgpu_drm.h>
#include <drm/amdgpu_drm_svm.h>

#include "amdgpu_svm_attr.h"
#include "amdgpu_svm_mtype.h"

#define APU	true
#define DGPU	false
#define NODE	false
#define NODES	true

struct gpu_case {
	const char *name;
	struct amdgpu_svm_mtype_gpu gpu;
	/* with neither attribute, with COHERENT, with EXT_COHERENT */
	u32 plain, coherent, ext_coherent;
};

#define GPU(_gc, _apu, _nodes, _local) \
	{ .gc = _gc, .apu = _apu, .nodes = _nodes, .local = _local }
#define MTYPES(_plain, _coherent, _ext_coherent) \
	.plain = AMDGPU_VM_MTYPE_##_plain, .coherent = AMDGPU_VM_MTYPE_##_coherent, \
	.ext_coherent = AMDGPU_VM_MTYPE_##_ext_coherent

static const struct gpu_case gpu_cases[] = {
	{ "9.0.1", GPU(AMDGPU_SVM_GC(9, 0, 1), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
	{ "9.4.0 (MI60)", GPU(AMDGPU_SVM_GC(9, 4, 0), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
	{ "9.4.1", GPU(AMDGPU_SVM_GC(9, 4, 1), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
	{ "9.4.2", GPU(AMDGPU_SVM_GC(9, 4, 2), DGPU, NODES, 1), MTYPES(NC, UC, UC) },
	{ "9.4.3 (MI300X)", GPU(AMDGPU_SVM_GC(9, 4, 3), DGPU, NODE, 0), MTYPES(UC, UC, UC) },
	{ "9.4.3, mtype_local=2", GPU(AMDGPU_SVM_GC(9, 4, 3), DGPU, NODES, 2), MTYPES(UC, UC, UC) },
	{ "9.4.3 APU (MI300A)", GPU(AMDGPU_SVM_GC(9, 4, 3), APU, NODE, 0), MTYPES(RW, RW, CC) },
	{ "9.4.3 APU, mtype_local=1", GPU(AMDGPU_SVM_GC(9, 4, 3), APU, NODE, 1), MTYPES(NC, NC, CC) },
	{ "9.4.3 APU, mtype_local=2", GPU(AMDGPU_SVM_GC(9, 4, 3), APU, NODE, 2), MTYPES(CC, CC, CC) },
	{ "9.4.3 APU, nodes", GPU(AMDGPU_SVM_GC(9, 4, 3), APU, NODES, 0), MTYPES(NC, NC, UC) },
	{ "9.4.4", GPU(AMDGPU_SVM_GC(9, 4, 4), DGPU, NODE, 0), MTYPES(UC, UC, UC) },
	{ "9.5.0 (MI350)", GPU(AMDGPU_SVM_GC(9, 5, 0), DGPU, NODE, 0), MTYPES(NC, NC, UC) },
	{ "9.5.0 APU", GPU(AMDGPU_SVM_GC(9, 5, 0), APU, NODE, 0), MTYPES(RW, RW, CC) },
	{ "10.3.0", GPU(AMDGPU_SVM_GC(10, 3, 0), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
	{ "11.0.0", GPU(AMDGPU_SVM_GC(11, 0, 0), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
	{ "12.0.0", GPU(AMDGPU_SVM_GC(12, 0, 0), DGPU, NODE, 0), MTYPES(NC, NC, NC) },
	{ "12.0.1", GPU(AMDGPU_SVM_GC(12, 0, 1), DGPU, NODE, 0), MTYPES(NC, NC, NC) },
	{ "12.1.0", GPU(AMDGPU_SVM_GC(12, 1, 0), DGPU, NODE, 0), MTYPES(NC, UC, UC) },
};

static void gpu_name(const struct gpu_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(gpu, gpu_cases, gpu_name);

static void add(struct kunit *test, struct amdgpu_svm_attr_change *change, u32 type, u32 value)
{
	KUNIT_EXPECT_EQ(test, amdgpu_svm_attr_change_add(change, type, value), 0);
}

/* @also: a boolean attribute, set as well. */
static u32 mtype_of(struct kunit *test, u32 coherent, u32 ext_coherent, u32 also)
{
	const struct gpu_case *c = test->param_value;
	struct amdgpu_svm_attr_change change = {};
	struct amdgpu_svm_attr_map map;
	u32 mtype;

	amdgpu_svm_attr_init(&map);
	add(test, &change, also, 1);
	add(test, &change, AMDGPU_SVM_ATTR_COHERENT, coherent);
	add(test, &change, AMDGPU_SVM_ATTR_EXT_COHERENT, ext_coherent);
	KUNIT_EXPECT_EQ(test, amdgpu_svm_attr_apply(&map, 0, 0, &change), 0);
	mtype = amdgpu_svm_mtype(&c->gpu, amdgpu_svm_attr_lookup(&map, 0).word);
	amdgpu_svm_attr_fini(&map);
	return mtype;
}

static void coherence_alone_decides_the_memory_type(struct kunit *test)
{
	static const u32 others[] = {
		AMDGPU_SVM_ATTR_HOST_ACCESS, AMDGPU_SVM_ATTR_HIVE_LOCAL, AMDGPU_SVM_ATTR_GPU_RO,
		AMDGPU_SVM_ATTR_GPU_EXEC, AMDGPU_SVM_ATTR_GPU_READ_MOSTLY,
		AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED,
	};
	const struct gpu_case *c = test->param_value;

	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		KUNIT_EXPECT_EQ(test, mtype_of(test, 0, 0, others[i]), c->plain);
		KUNIT_EXPECT_EQ(test, mtype_of(test, 1, 0, others[i]), c->coherent);
		KUNIT_EXPECT_EQ(test, mtype_of(test, 0, 1, others[i]), c->ext_coherent);
		KUNIT_EXPECT_EQ(test, mtype_of(test, 1, 1, others[i]), c->ext_coherent);
	}
}

static struct kunit_case mtype_cases[] = {
	KUNIT_CASE_PARAM(coherence_alone_decides_the_memory_type, gpu_gen_params),
	{}
};

static struct kunit_suite mtype_suite = {
	.name = "amdgpu_svm_mtype",
	.test_cases = mtype_cases,
};

kunit_test_suite(mtype_suite);

MODULE_DESCRIPTION("KUnit tests of the memory types of amdgpu's SVM");
MODULE_LICENSE("GPL");

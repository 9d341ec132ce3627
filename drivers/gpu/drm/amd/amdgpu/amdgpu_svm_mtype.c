// SPDX-License-Identifier: GPL-2.0-only

#include <drm/amdgpu_drm.h>
#include <drm/amdgpu_drm_svm.h>

#include "amdgpu_svm_attr.h"
#include "amdgpu_svm_mtype.h"

static bool is_coherent(u32 word)
{
	return amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_COHERENT) ||
	       amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_EXT_COHERENT);
}

static u32 mtype_by_coherence(const struct amdgpu_svm_mtype_gpu *gpu, u32 word)
{
	return is_coherent(word) ? AMDGPU_VM_MTYPE_UC : AMDGPU_VM_MTYPE_NC;
}

static u32 mtype_nc(const struct amdgpu_svm_mtype_gpu *gpu, u32 word)
{
	return AMDGPU_VM_MTYPE_NC;
}

static u32 mtype_local_choice(int local)
{
	switch (local) {
	case 1:
		return AMDGPU_VM_MTYPE_NC;
	case 2:
		return AMDGPU_VM_MTYPE_CC;
	default:
		return AMDGPU_VM_MTYPE_RW;
	}
}

static u32 mtype_gc_9_4_3(const struct amdgpu_svm_mtype_gpu *gpu, u32 word)
{
	bool ext = amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_EXT_COHERENT);

	if (gpu->apu) {
		/* With several nodes it is per page: amdgpu_gmc_override_vm_pte_flags() */
		if (gpu->nodes)
			return ext ? AMDGPU_VM_MTYPE_UC : AMDGPU_VM_MTYPE_NC;
		return ext ? AMDGPU_VM_MTYPE_CC : mtype_local_choice(gpu->local);
	}
	if (ext || gpu->gc < AMDGPU_SVM_GC(9, 5, 0))
		return AMDGPU_VM_MTYPE_UC;
	return AMDGPU_VM_MTYPE_NC;
}

/* By GC version; the last one is for all others. */
static const struct {
	u32 first, last;
	u32 (*mtype)(const struct amdgpu_svm_mtype_gpu *gpu, u32 word);
} mtypes[] = {
	{ AMDGPU_SVM_GC(9, 4, 3), AMDGPU_SVM_GC(9, 4, 4), mtype_gc_9_4_3 },
	{ AMDGPU_SVM_GC(9, 5, 0), AMDGPU_SVM_GC(9, 5, 0), mtype_gc_9_4_3 },
	{ AMDGPU_SVM_GC(12, 0, 0), AMDGPU_SVM_GC(12, 0, 1), mtype_nc },
	{ 0, ~0u, mtype_by_coherence },
};

/**
 * amdgpu_svm_mtype() - memory type of system memory
 * @gpu: whose page table entry it is for
 * @word: attributes of the memory
 *
 * Return: one of AMDGPU_VM_MTYPE_*.
 */
u32 amdgpu_svm_mtype(const struct amdgpu_svm_mtype_gpu *gpu, u32 word)
{
	unsigned int i = 0;

	while (gpu->gc < mtypes[i].first || gpu->gc > mtypes[i].last)
		i++;
	return mtypes[i].mtype(gpu, word);
}

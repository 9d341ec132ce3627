/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory types of system memory. Needs no device, so that tests/kunit can try GPUs
 * that nobody has.
 */
#ifndef __AMDGPU_SVM_MTYPE_H__
#define __AMDGPU_SVM_MTYPE_H__

#include <linux/types.h>

/* Versions of GC, the same as IP_VERSION(). */
#define AMDGPU_SVM_GC(major, minor, rev)	((major) << 24 | (minor) << 16 | (rev) << 8)

/**
 * struct amdgpu_svm_mtype_gpu - what of a GPU the memory type depends on
 */
struct amdgpu_svm_mtype_gpu {
	/** @gc: version of GC, see AMDGPU_SVM_GC() */
	u32 gc;
	/** @apu: system memory is its own */
	bool apu;
	/** @nodes: the system has several NUMA nodes */
	bool nodes;
	/** @local: parameter amdgpu.mtype_local */
	int local;
};

u32 amdgpu_svm_mtype(const struct amdgpu_svm_mtype_gpu *gpu, u32 word);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __AMDGPU_SVM_PT_H__
#define __AMDGPU_SVM_PT_H__

#include <linux/types.h>

struct amdgpu_device;
struct amdgpu_vm;

/**
 * struct amdgpu_svm_run - pages that are contiguous on both sides
 */
struct amdgpu_svm_run {
	/** @pfn: first GPU page number */
	u64 pfn;
	/** @count: number of GPU pages */
	u64 count;
	/** @addr: bus address of the first */
	u64 addr;
};

int amdgpu_svm_pt_init(struct amdgpu_device *adev, struct amdgpu_vm *vm);
int amdgpu_svm_pt_prepare(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			  const struct amdgpu_svm_run *run);
int amdgpu_svm_pt_end(struct amdgpu_device *adev, struct amdgpu_vm *vm);

int amdgpu_svm_pt_write(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			const struct amdgpu_svm_run *run, u64 flags);
void amdgpu_svm_pt_clear(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 first, u64 last);
void amdgpu_svm_pt_flush(struct amdgpu_device *adev);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __AMDGPU_VM_EXPLICIT_H__
#define __AMDGPU_VM_EXPLICIT_H__

#include <linux/list.h>
#include <linux/types.h>

#include "amdgpu_sync.h"

struct amdgpu_bo_va;
struct amdgpu_bo_va_mapping;
struct amdgpu_device;
struct amdgpu_vm;
struct dma_fence;
struct drm_amdgpu_gem_va;
struct drm_file;

/**
 * struct amdgpu_vm_explicit - one GEM_VA operation that asked for explicit sync
 *
 * Lives on the stack of the ioctl. Everything but @inputs is touched only under
 * the reservation of the VM's root page directory.
 */
struct amdgpu_vm_explicit {
	/** @vm: the VM while the operation runs, NULL before and after */
	struct amdgpu_vm *vm;
	/** @leftovers: mappings that others freed and nobody cleared yet */
	struct list_head leftovers;
	/** @inputs: fences that the caller passed */
	struct amdgpu_sync inputs;
	/** @requested: the ioctl carries AMDGPU_VM_EXPLICIT_SYNC */
	bool requested;
};

void amdgpu_vm_explicit_init(struct amdgpu_vm_explicit *op,
			     struct drm_amdgpu_gem_va *args);
int amdgpu_vm_explicit_add_inputs(struct amdgpu_vm_explicit *op,
				  struct drm_file *filp,
				  struct drm_amdgpu_gem_va *args);
void amdgpu_vm_explicit_begin(struct amdgpu_vm_explicit *op,
			      struct amdgpu_vm *vm, struct amdgpu_bo_va *bo_va,
			      const struct drm_amdgpu_gem_va *args);
void amdgpu_vm_explicit_end(struct amdgpu_vm_explicit *op);
struct dma_fence *amdgpu_vm_explicit_out_fence(struct amdgpu_vm_explicit *op,
					       struct dma_fence *fence);
void amdgpu_vm_explicit_fini(struct amdgpu_vm_explicit *op);

void amdgpu_vm_explicit_note_freed(struct amdgpu_vm *vm,
				   struct amdgpu_bo_va_mapping *mapping);
int amdgpu_vm_sync_inputs(struct amdgpu_vm *vm, struct amdgpu_sync *sync);
int amdgpu_vm_sync_freed(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			 struct amdgpu_sync *sync);

#endif

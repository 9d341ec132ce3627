/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A GPU's virtual address space as a VM_BIND driver keeps it: see
 * Documentation/gpu/drm_gpuvm_next.rst. The page table is an array, so that
 * there is something to look at without a GPU.
 */
#ifndef VM_BIND_H
#define VM_BIND_H

#include <linux/dma-fence.h>
#include <linux/workqueue.h>

#include <drm/drm_gpuvm_compat.h>

#define VM_BIND_PAGES	4096
#define VM_BIND_SIZE	((u64)VM_BIND_PAGES << PAGE_SHIFT)

/**
 * struct vm_bind_vm - an address space
 * @base: what drm_gpuvm keeps of it
 * @pte_of: the page table's entry for a page of an object; not 0
 * @pt: the page table; written by jobs only, one at a time
 * @queue: runs the jobs in order
 * @cleanup: frees what jobs left over
 * @context: of the fences
 * @seqno: of the last fence; under the VM's reservation
 */
struct vm_bind_vm {
	struct drm_gpuvm base;
	u64 (*pte_of)(struct drm_gem_object *obj, u64 offset);
	u64 *pt;
	struct workqueue_struct *queue;
	struct work_struct cleanup;
	u64 context;
	u64 seqno;
};

/**
 * struct vm_bind_op - one of the operations of a request
 * @map: map, or unmap
 * @addr: where
 * @range: how much
 * @obj: what to map; NULL sets the range aside
 * @offset: from where in @obj
 */
struct vm_bind_op {
	bool map;
	u64 addr;
	u64 range;
	struct drm_gem_object *obj;
	u64 offset;
};

struct vm_bind_vm *vm_bind_create(struct drm_device *drm,
				  u64 (*pte_of)(struct drm_gem_object *obj, u64 offset));
void vm_bind_destroy(struct vm_bind_vm *vm);
struct dma_fence *vm_bind(struct vm_bind_vm *vm, const struct vm_bind_op *ops, unsigned int count);

#endif

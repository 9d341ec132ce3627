// SPDX-License-Identifier: GPL-2.0-only
/**
 * DOC: Explicitly synchronised page-table updates
 *
 * Clearing the page tables of freed mappings normally waits for every
 * submission of the VM, because the memory behind them may be handed out again
 * as soon as the mapping is gone. Two kinds of mapping cannot hand out memory:
 * PRT has none, and a BO that is always valid shares the reservation of the
 * root page directory, so that it outlives every submission of the VM. For those
 * the wait may be left out when userspace asks (AMDGPU_VM_EXPLICIT_SYNC).
 *
 * What this owns: one &struct amdgpu_vm_explicit per GEM_VA ioctl, published in
 * amdgpu_vm.explicit_op between amdgpu_vm_explicit_begin() and
 * amdgpu_vm_explicit_end(). Both, and everything that looks at it, run under
 * the reservation of the root page directory, which is the only lock.
 *
 * Mappings freed by an operation belong to it. Those which another one left
 * behind (AMDGPU_VM_DELAY_UPDATE, an error half way, a closed GEM handle) are
 * set aside meanwhile and put back for the next command submission, which
 * waits for them implicitly. One case forbids that: when the operation is about
 * to write PTEs that such a left-over covers, clearing it later would destroy
 * the new mapping. Then all of them are handled here, and implicitly.
 *
 * What it does not do: reorder updates. Page-table updates of a VM run in
 * submission order, so an explicit one queues behind an implicit one that
 * still waits for a job. On hardware that cannot flush a TLB in use the flush
 * is left to the next submission, as for every other unmap.
 */

#include <linux/dma-fence.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>
#include <drm/amdgpu_drm.h>

#include "amdgpu.h"
#include "amdgpu_vm.h"
#include "amdgpu_vm_explicit.h"

/**
 * amdgpu_vm_explicit_init - look at the flags of a GEM_VA ioctl
 * @op: the operation to set up
 * @args: the ioctl's arguments
 *
 * Takes AMDGPU_VM_EXPLICIT_SYNC out of @args: it says how the operation is
 * done, and must not become an attribute of the mapping.
 */
void amdgpu_vm_explicit_init(struct amdgpu_vm_explicit *op,
			     struct drm_amdgpu_gem_va *args)
{
	op->vm = NULL;
	INIT_LIST_HEAD(&op->leftovers);
	amdgpu_sync_create(&op->inputs);
	op->requested = args->flags & AMDGPU_VM_EXPLICIT_SYNC;
	args->flags &= ~AMDGPU_VM_EXPLICIT_SYNC;
}

static int add_input(struct amdgpu_vm_explicit *op, struct drm_file *filp,
		     u32 handle)
{
	struct dma_fence *fence;
	int r;

	if (!handle)
		return -EINVAL;

	r = drm_syncobj_find_fence(filp, handle, 0, 0, &fence);
	if (r)
		return r;

	r = amdgpu_sync_fence(&op->inputs, fence, GFP_KERNEL);
	dma_fence_put(fence);
	return r;
}

/**
 * amdgpu_vm_explicit_add_inputs - take the caller's fences as dependencies
 * @op: the operation
 * @filp: the file that the syncobj handles belong to
 * @args: the ioctl's arguments
 *
 * Without the flag nothing happens. With it the fences are taken out of @args, so
 * that nobody waits for them; except with AMDGPU_VM_DELAY_UPDATE, when there is no
 * update yet that could depend on them.
 *
 * Return: 0, -EFAULT for an unreadable array, -EINVAL for a handle of 0 or a
 * syncobj without a fence, -ENOENT for an unknown one, -ENOMEM, -EINTR if the caller
 * was killed.
 */
int amdgpu_vm_explicit_add_inputs(struct amdgpu_vm_explicit *op,
				  struct drm_file *filp,
				  struct drm_amdgpu_gem_va *args)
{
	const u32 __user *handles =
		u64_to_user_ptr(args->input_fence_syncobj_handles);
	u32 handle, i;
	int r;

	if (!op->requested || args->flags & AMDGPU_VM_DELAY_UPDATE)
		return 0;

	for (i = 0; i < args->num_syncobj_handles; ++i) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (get_user(handle, handles + i))
			return -EFAULT;
		r = add_input(op, filp, handle);
		if (r)
			return r;
	}
	args->num_syncobj_handles = 0;
	return 0;
}

static bool overlaps_any(const struct list_head *list, u64 start, u64 last)
{
	const struct amdgpu_bo_va_mapping *mapping;

	list_for_each_entry(mapping, list, list) {
		if (mapping->start <= last && mapping->last >= start)
			return true;
	}
	return false;
}

static bool overlap(const struct list_head *a, const struct list_head *b)
{
	const struct amdgpu_bo_va_mapping *mapping;

	list_for_each_entry(mapping, b, list) {
		if (overlaps_any(a, mapping->start, mapping->last))
			return true;
	}
	return false;
}

/*
 * Would the update after the operation write PTEs of a left-over? It writes the
 * range of the operation itself and what else of @bo_va is out of date.
 */
static bool rewrites_leftovers(const struct list_head *leftovers,
			       const struct amdgpu_bo_va *bo_va,
			       const struct drm_amdgpu_gem_va *args)
{
	u64 start = args->va_address >> AMDGPU_GPU_PAGE_SHIFT;
	u64 last = (args->va_address + args->map_size - 1) >> AMDGPU_GPU_PAGE_SHIFT;

	if (args->operation != AMDGPU_VA_OP_MAP &&
	    args->operation != AMDGPU_VA_OP_REPLACE)
		return false;

	return overlaps_any(leftovers, start, last) ||
		overlap(leftovers, &bo_va->invalids) ||
		((bo_va->base.moved || bo_va->cleared) &&
		 overlap(leftovers, &bo_va->valids));
}

/**
 * amdgpu_vm_explicit_begin - start to tell this operation's mappings apart
 * @op: the operation; without the flag nothing happens
 * @vm: the VM, its root page directory reserved by the caller until
 *      amdgpu_vm_explicit_end()
 * @bo_va: what is mapped or unmapped, NULL for AMDGPU_VA_OP_CLEAR
 * @args: the ioctl's arguments
 */
void amdgpu_vm_explicit_begin(struct amdgpu_vm_explicit *op,
			      struct amdgpu_vm *vm, struct amdgpu_bo_va *bo_va,
			      const struct drm_amdgpu_gem_va *args)
{
	dma_resv_assert_held(vm->root.bo->tbo.base.resv);

	if (!op->requested)
		return;

	op->vm = vm;
	vm->explicit_op = op;
	if (!rewrites_leftovers(&vm->freed, bo_va, args))
		list_splice_init(&vm->freed, &op->leftovers);
}

/**
 * amdgpu_vm_explicit_end - give the left-overs back to the implicit path
 * @op: the operation; may not have begun
 */
void amdgpu_vm_explicit_end(struct amdgpu_vm_explicit *op)
{
	struct amdgpu_vm *vm = op->vm;

	if (!vm)
		return;

	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	list_splice_tail_init(&op->leftovers, &vm->freed);
	vm->explicit_op = NULL;
	op->vm = NULL;
}

/**
 * amdgpu_vm_explicit_out_fence - the fence that the caller gets
 * @op: the operation, its update is done
 * @fence: of the update; the reference is taken over
 *
 * If there was nothing to update, that fence knows nothing of the caller's.
 *
 * Return: a reference to a fence that signals after @fence and the caller's fences.
 */
struct dma_fence *amdgpu_vm_explicit_out_fence(struct amdgpu_vm_explicit *op,
					       struct dma_fence *fence)
{
	struct dma_fence *input, *all;

	while ((input = amdgpu_sync_get_fence(&op->inputs))) {
		all = dma_fence_unwrap_merge(fence, input);
		if (all) {
			dma_fence_put(fence);
			fence = all;
		} else {
			/* There is no memory to wait later. */
			dma_fence_wait(input, false);
		}
		dma_fence_put(input);
	}
	return fence;
}

/**
 * amdgpu_vm_explicit_fini - drop the caller's fences
 * @op: the operation, ended or never begun
 */
void amdgpu_vm_explicit_fini(struct amdgpu_vm_explicit *op)
{
	amdgpu_sync_free(&op->inputs);
}

/**
 * amdgpu_vm_explicit_note_freed - remember what kind of mapping is freed
 * @vm: the VM, its root page directory reserved
 * @mapping: the mapping, still with its bo_va
 *
 * Has to be asked before the mapping leaves its bo_va, since the BO may be gone
 * when the page tables are cleared.
 */
void amdgpu_vm_explicit_note_freed(struct amdgpu_vm *vm,
				   struct amdgpu_bo_va_mapping *mapping)
{
	struct amdgpu_bo *bo = mapping->bo_va->base.bo;

	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	mapping->frees_no_memory = !bo || amdgpu_vm_is_bo_always_valid(vm, bo);
}

/**
 * amdgpu_vm_sync_inputs - add the caller's fences to an update
 * @vm: the VM, its root page directory reserved
 * @sync: what the update waits for
 *
 * Return: 0 or -ENOMEM.
 */
int amdgpu_vm_sync_inputs(struct amdgpu_vm *vm, struct amdgpu_sync *sync)
{
	dma_resv_assert_held(vm->root.bo->tbo.base.resv);

	return vm->explicit_op ?
		amdgpu_sync_clone(&vm->explicit_op->inputs, sync) : 0;
}

/**
 * amdgpu_vm_sync_freed - what clearing the freed mappings has to wait for
 * @adev: the device
 * @vm: the VM, its root page directory reserved, amdgpu_vm.freed not empty
 * @sync: what the update waits for
 *
 * Return: 0 or -ENOMEM.
 */
int amdgpu_vm_sync_freed(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			 struct amdgpu_sync *sync)
{
	struct dma_resv *resv = vm->root.bo->tbo.base.resv;
	const struct amdgpu_bo_va_mapping *mapping;
	bool implicit = !vm->explicit_op;
	int r;

	dma_resv_assert_held(resv);

	list_for_each_entry(mapping, &vm->freed, list)
		implicit |= !mapping->frees_no_memory;

	r = amdgpu_vm_sync_inputs(vm, sync);
	if (r || !implicit)
		return r;

	return amdgpu_sync_resv(adev, sync, resv, AMDGPU_SYNC_EQ_OWNER, vm);
}

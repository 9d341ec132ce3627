// SPDX-License-Identifier: GPL-2.0-only

#include <drm/drm_drv.h>

#include "amdgpu.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_pt.h"
#include "amdgpu_vm.h"

/* Waits until accesses under way are done, which a page that goes away needs. */
#define FLUSH_HEAVYWEIGHT	2

/*
 * The VMIDs that translate with the tables of @vm on one hub. Owner and pasid are
 * looked at because after a reset the owner changes while old jobs may still run.
 * A VMID that is given to the VM later starts with a flush of its own.
 */
static unsigned long vmids_of(struct amdgpu_device *adev, struct amdgpu_vm *vm, int hub)
{
	struct amdgpu_vmid_mgr *mgr = &adev->vm_manager.id_mgr[hub];
	unsigned long vmids = 0;
	unsigned int i;

	mutex_lock(&mgr->lock);
	for (i = 1; i < mgr->num_ids; i++) {
		if (mgr->ids[i].owner == vm->immediate.fence_context ||
		    (vm->pasid && mgr->ids[i].pasid == vm->pasid))
			vmids |= BIT(i);
	}
	mutex_unlock(&mgr->lock);
	return vmids;
}

/* VMIDs of user queues are the scheduler firmware's; it finds them by pasid. */
static void flush_compute(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	unsigned int xcc;

	atomic64_inc(&vm->tlb_seq);
	for (xcc = 0; xcc < NUM_XCC(adev->gfx.xcc_mask); xcc++)
		amdgpu_gmc_flush_gpu_tlb_pasid(adev, vm->pasid, FLUSH_HEAVYWEIGHT, true, xcc);
}

/* One flush that gets no answer. A reset waits for one, not for all hubs and VMIDs. */
#define NO_ANSWER	(4 * HZ)

static void flush_gfx(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	unsigned long limit = jiffies + NO_ANSWER;
	unsigned long vmids;
	int hub, vmid;

	for_each_set_bit(hub, adev->vmhubs_mask, AMDGPU_MAX_VMHUBS) {
		vmids = vmids_of(adev, vm, hub);
		for_each_set_bit(vmid, &vmids, AMDGPU_NUM_VMID) {
			if (amdgpu_svm_in_reset(adev) && time_after(jiffies, limit))
				return;
			amdgpu_gmc_flush_gpu_tlb(adev, vmid, hub, FLUSH_HEAVYWEIGHT);
		}
	}
}

/**
 * amdgpu_svm_flush() - make the GPU forget translations of a VM
 * @svm: the VM's SVM
 *
 * And see what the CPU stored into its page tables before. Returns when no access with
 * an old translation is under way any more. Does not
 * allocate and takes no lock that is held over reclaim, so that a notifier can
 * call it. The driver's functions underneath report a flush that the hardware
 * does not confirm in the kernel log only; it takes a reset to get out of that.
 *
 * While somebody waits to reset the GPU, or does, they do nothing at all. Then
 * amdgpu_svm_reset_begin() has flushed, and nothing was mapped since.
 */
void amdgpu_svm_flush(struct amdgpu_svm *svm)
{
	amdgpu_svm_pt_flush(svm->adev);
	flush_gfx(svm->adev, svm->vm);
	if (svm->vm->is_compute_context)
		flush_compute(svm->adev, svm->vm);
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_FLUSHES);
}

/**
 * amdgpu_svm_flush_cleared() - make sure that cleared entries are forgotten
 * @svm: the VM's SVM
 *
 * Whoever gives up pages has to call this first, also if it found their entries
 * cleared already: who cleared them may not have come to flush yet. Does nothing if
 * nothing was cleared since the last flush. An unplugged GPU has nothing mapped.
 */
void amdgpu_svm_flush_cleared(struct amdgpu_svm *svm)
{
	u64 cleared, flushed;
	int idx;

	amdgpu_vm_eviction_lock(svm->vm);
	cleared = svm->cleared;
	flushed = svm->flushed;
	amdgpu_vm_eviction_unlock(svm->vm);
	if (cleared == flushed || !drm_dev_enter(adev_to_drm(svm->adev), &idx))
		return;

	amdgpu_svm_flush(svm);
	drm_dev_exit(idx);

	amdgpu_vm_eviction_lock(svm->vm);
	svm->flushed = max(svm->flushed, cleared);
	amdgpu_vm_eviction_unlock(svm->vm);
}

// SPDX-License-Identifier: GPL-2.0-only

#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/pm_runtime.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <drm/drm_managed.h>

#include "amdgpu.h"
#include "amdgpu_amdkfd.h"
#include "amdgpu_reset.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_pt.h"
#include "amdgpu_vm.h"
#include "kfd_priv.h"

/**
 * DOC: Shared virtual memory
 *
 * A GPU page fault on an address of the process's own memory is served by mapping
 * the process's pages into the GPU's page tables: no allocation call, no pinning,
 * no ioctl.
 *
 * Every VM of a file belongs to the address space that opened the file, and has a
 * &struct amdgpu_svm from the start, if the GPU can retry accesses and the CPU can
 * reach its page tables. VMs of KFD have one too, but KFD's own SVM serves them
 * until the process uses the ioctl on that VM.
 *
 * This part owns the life of that object. The VM has a reference and every fault
 * handler at work; the VM ends only after the last of them is gone. They find it
 * by the pasid, under the lock with which the driver finds VMs.
 *
 * The parts, from the outside in: the ioctl, faults (amdgpu_svm_fault.c), ranges,
 * mapping, page table entries (amdgpu_svm_pt.c); notifiers work the other way. The
 * attribute map stands beside them. Each has a DOC section; lock order is in that
 * of "Mapping".
 *
 * Limits: system memory only, no migration. Shaders of jobs that the kernel driver
 * submits retry only with amdgpu.noretry=0; SDMA and the packet processors always
 * do, and queues of KFD do when the process has XNACK on. Work that ends with a
 * dma_fence and waits for SVM makes that fence wait for memory allocation; if a
 * cycle results, the job's timeout ends it.
 */

static bool svm_enabled = true;
#ifndef __CHECKER__ /* sparse 0.6.4 knows no constant __builtin_strlen(). */
module_param_named(svm, svm_enabled, bool, 0444);
MODULE_PARM_DESC(svm, "Serve GPU page faults from process memory where the GPU can retry (default 1)");
#endif

/* For amdgpu_svm_unplug() and resets; others take the lock to open and close only. */
static DEFINE_MUTEX(all_svms_lock);
static LIST_HEAD(all_svms);

static const char *const reason_texts[AMDGPU_SVM_REASONS] = {
	[AMDGPU_SVM_OK] = "mapped",
	[AMDGPU_SVM_ALREADY] = "already mapped",
	[AMDGPU_SVM_STALE] = "stale",
	[AMDGPU_SVM_LATER] = "later",
	[AMDGPU_SVM_USER] = "a program has to provide the page",
	[AMDGPU_SVM_BO] = "buffer object",
	[AMDGPU_SVM_NO_MEMORY_THERE] = "no memory at this address",
	[AMDGPU_SVM_OUT_OF_RANGE] = "not an address of a process",
	[AMDGPU_SVM_NO_ACCESS] = "its attributes forbid the access",
	[AMDGPU_SVM_GPU_READ_ONLY] = "its attributes make it read-only for the GPU",
	[AMDGPU_SVM_READ_ONLY] = "the process may not write there",
	[AMDGPU_SVM_UNREADABLE] = "the process has no access either",
	[AMDGPU_SVM_DEVICE_MEMORY] = "it is memory of a device",
	[AMDGPU_SVM_NO_RIGHT] = "mapped without the right that is needed",
	[AMDGPU_SVM_PROCESS_GONE] = "the process or the device is going away",
	[AMDGPU_SVM_FOREIGN] = "the file was opened by another process",
	[AMDGPU_SVM_NO_MEMORY] = "out of memory",
	[AMDGPU_SVM_INTERNAL] = "internal error",
};

/**
 * amdgpu_svm_reason_text() - a reason in words
 * @reason: how a fault ended
 *
 * Return: a constant string.
 */
const char *amdgpu_svm_reason_text(enum amdgpu_svm_reason reason)
{
	return reason_texts[reason];
}

/*
 * Do contexts of this GPU retry? From GC 9.4.2 on they always can, and who retries
 * is decided per engine and process; noretry=1 on the command line still means no.
 */
static bool can_retry(struct amdgpu_device *adev)
{
	switch (amdgpu_ip_version(adev, GC_HWIP, 0)) {
	case IP_VERSION(9, 4, 1):
		return !adev->gmc.noretry;
	case IP_VERSION(9, 4, 2):
	case IP_VERSION(9, 4, 3):
	case IP_VERSION(9, 4, 4):
	case IP_VERSION(9, 5, 0):
		return amdgpu_noretry != 1 && amdgpu_sriov_xnack_support(adev);
	default:
		return false;
	}
}

/* The CPU has to reach page tables wherever they are. */
static bool can_write_tables(struct amdgpu_device *adev)
{
	return amdgpu_gmc_vram_full_visible(&adev->gmc) &&
	       !amdgpu_sriov_vf_mmio_access_protection(adev);
}

static void destroy_queue(struct drm_device *dev, void *wq)
{
	destroy_workqueue(wq);
}

/**
 * amdgpu_svm_device_init() - before a file of this device can be opened
 * @adev: the device
 *
 * Makes the queue of all that serves faults. Any number of works may be blocked on it and
 * keeps nobody else from being served. They come before other threads, as the GPU waits for
 * them, and as a thread that changes its memory must not be faster than they are. Without
 * memory for it the device has no SVM.
 */
void amdgpu_svm_device_init(struct amdgpu_device *adev)
{
	struct workqueue_struct *wq;

	if (!svm_enabled || !can_retry(adev))
		return;
	wq = alloc_workqueue("amdgpu-svm", WQ_UNBOUND | WQ_HIGHPRI, WQ_MAX_ACTIVE);
	if (wq && !drmm_add_action_or_reset(adev_to_drm(adev), destroy_queue, wq))
		adev->vm_manager.svm_wq = wq;
}

/**
 * amdgpu_svm_is_supported() - will files of this device have SVM?
 * @adev: the device, its VRAM and what it can address known
 *
 * Return: whether they will, if their processes want it.
 */
bool amdgpu_svm_is_supported(struct amdgpu_device *adev)
{
	/* With bounce buffers the GPU would not see the memory itself. */
	return adev->vm_manager.svm_wq && can_write_tables(adev) &&
	       !dma_addressing_limited(adev->dev) && PAGE_SIZE == AMDGPU_GPU_PAGE_SIZE;
}

/* First address that is none of the process or that the GPU cannot reach. */
static unsigned long address_limit(struct amdgpu_device *adev, struct mm_struct *mm)
{
	u64 gpu = min_t(u64, adev->vm_manager.max_pfn << AMDGPU_GPU_PAGE_SHIFT,
			AMDGPU_GMC_HOLE_START);

	return min_t(u64, gpu, mm->task_size);
}

/* Teach lockdep what a notifier takes before the first one does. */
static void annotate_locks(struct amdgpu_svm *svm)
{
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&svm->vm->eviction_lock);
	might_lock(&svm->adev->vm_manager.id_mgr[AMDGPU_GFXHUB(0)].lock);
	fs_reclaim_release(GFP_KERNEL);
}

static void svm_free(struct amdgpu_svm *svm)
{
	amdgpu_svm_free_lanes(svm);
	xa_destroy(&svm->refused);
	amdgpu_svm_attr_fini(&svm->attrs);
	mutex_destroy(&svm->drop_lock);
	mutex_destroy(&svm->lock);
	kfree(svm);
}

static struct amdgpu_svm *svm_alloc(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	struct amdgpu_svm *svm = kzalloc_obj(*svm);

	if (!svm)
		return NULL;
	svm->adev = adev;
	svm->vm = vm;
	svm->pid = task_tgid_nr(current);
	get_task_comm(svm->comm, current->group_leader);
	refcount_set(&svm->users, 1);
	init_completion(&svm->unused);
	amdgpu_svm_attr_init(&svm->attrs);
	mutex_init(&svm->lock);
	mutex_init(&svm->drop_lock);
	svm->mapped = RB_ROOT_CACHED;
	svm->frees = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&svm->free_list);
	xa_init(&svm->refused);
	spin_lock_init(&svm->queue_lock);
	INIT_LIST_HEAD(&svm->dead);
	INIT_LIST_HEAD(&svm->remap);
	INIT_LIST_HEAD(&svm->drops);
	INIT_LIST_HEAD(&svm->spares);
	INIT_LIST_HEAD(&svm->waiters);
	INIT_WORK(&svm->work, amdgpu_svm_work);
	annotate_locks(svm);
	if (amdgpu_svm_init_lanes(svm)) {
		svm_free(svm);
		return NULL;
	}
	return svm;
}

static void set_svm_of(struct amdgpu_vm *vm, struct amdgpu_device *adev, struct amdgpu_svm *svm)
{
	unsigned long flags;

	amdgpu_svm_compat_lock_pasids(adev, &flags);
	vm->svm = svm;
	amdgpu_svm_compat_unlock_pasids(adev, flags);
}

static void publish(struct amdgpu_svm *svm)
{
	set_svm_of(svm->vm, svm->adev, svm);
	mutex_lock(&all_svms_lock);
	list_add_tail(&svm->link, &all_svms);
	mutex_unlock(&all_svms_lock);
}

/* Nobody can find it by pasid any more. */
static void hide(struct amdgpu_svm *svm)
{
	unsigned long flags;

	amdgpu_svm_compat_lock_pasids(svm->adev, &flags);
	svm->ending = true;
	amdgpu_svm_compat_unlock_pasids(svm->adev, flags);
}

/* Who moves tables has them reserved, and may be with it. */
static void unpublish(struct amdgpu_svm *svm)
{
	struct dma_resv *resv = svm->vm->root.bo->tbo.base.resv;

	mutex_lock(&all_svms_lock);
	list_del(&svm->link);
	mutex_unlock(&all_svms_lock);
	dma_resv_lock(resv, NULL);
	set_svm_of(svm->vm, svm->adev, NULL);
	dma_resv_unlock(resv);
}

/**
 * amdgpu_svm_init() - let a VM have the opener's memory
 * @adev: the device
 * @vm: a VM of a file, being opened by the current process
 *
 * A GPU that cannot do it is not an error: the VM then is as without SVM.
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_init(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	struct amdgpu_svm *svm;
	int r;

	if (!amdgpu_svm_is_supported(adev) || !current->mm || !vm->pasid)
		return 0;
	r = amdgpu_svm_pt_init(adev, vm);
	if (r)
		return r;
	svm = svm_alloc(adev, vm);
	if (!svm)
		return -ENOMEM;
	r = amdgpu_svm_compat_init(&svm->gpusvm, adev_to_drm(adev), current->mm,
				   address_limit(adev, current->mm), AMDGPU_SVM_NOTIFIER_SIZE,
				   &amdgpu_svm_gpusvm_ops, amdgpu_svm_chunk_sizes,
				   amdgpu_svm_num_chunks);
	if (r) {
		svm_free(svm);
		return r;
	}
	drm_gpusvm_driver_set_lock(&svm->gpusvm, &svm->lock);
	publish(svm);
	return 0;
}

/**
 * amdgpu_svm_get_by_pasid() - find the SVM that a fault is for
 * @adev: the device
 * @pasid: from the interrupt
 *
 * Return: with a reference, or NULL.
 */
struct amdgpu_svm *amdgpu_svm_get_by_pasid(struct amdgpu_device *adev, u32 pasid)
{
	struct amdgpu_svm *svm = NULL;
	struct amdgpu_vm *vm;
	unsigned long flags;

	amdgpu_svm_compat_lock_pasids(adev, &flags);
	vm = amdgpu_svm_compat_vm_of(adev, pasid);
	if (vm && vm->svm && !vm->svm->ending)
		svm = vm->svm;
	if (svm)
		refcount_inc(&svm->users);
	amdgpu_svm_compat_unlock_pasids(adev, flags);
	return svm;
}

/**
 * amdgpu_svm_put() - give a reference back
 * @svm: what amdgpu_svm_get_by_pasid() gave
 */
void amdgpu_svm_put(struct amdgpu_svm *svm)
{
	if (refcount_dec_and_test(&svm->users))
		complete(&svm->unused);
}

/**
 * amdgpu_svm_xnack_on() - may the VM's accesses retry?
 * @svm: the VM's SVM
 *
 * Return: for VMs of KFD, whether the process has XNACK on; for others true, or
 * there would be no SVM.
 */
bool amdgpu_svm_xnack_on(struct amdgpu_svm *svm)
{
	struct kfd_process *p;
	bool on;

	if (!svm->vm->is_compute_context)
		return true;
	p = kfd_lookup_process_by_pasid(svm->vm->pasid, NULL);
	if (!p)
		return false;
	on = p->xnack_enabled;
	kfd_unref_process(p);
	return on;
}

/*
 * Nobody can serve faults once the VM is gone, and an engine that waits for one
 * holds up its ring, on which the end of the VM waits in turn. So faults become
 * fatal first, and jobs get the time to end that they have anyway. KFD has ended
 * its queues by now.
 */
static void end_jobs(struct amdgpu_svm *svm)
{
	struct amdgpu_device *adev = svm->adev;

	if (!svm->vm->is_compute_context)
		dma_resv_wait_timeout(svm->vm->root.bo->tbo.base.resv, DMA_RESV_USAGE_BOOKKEEP,
				      false, max(adev->sdma_timeout, adev->compute_timeout));
}

/* From now on faults are fatal, nothing is inserted, mapped or queued. */
static void close_locked(struct amdgpu_svm *svm)
{
	lockdep_assert_held(&svm->lock);
	spin_lock(&svm->queue_lock);
	WRITE_ONCE(svm->closing, true);
	spin_unlock(&svm->queue_lock);
}

static void close_svm(struct amdgpu_svm *svm)
{
	mutex_lock(&svm->lock);
	close_locked(svm);
	mutex_unlock(&svm->lock);
	amdgpu_svm_stop_waiting(svm);
}

/* And what is under way is done. */
static void close_and_wait(struct amdgpu_svm *svm)
{
	close_svm(svm);
	amdgpu_svm_end_lanes(svm);
	flush_work(&svm->work);
}

static void unmap_closed(struct amdgpu_svm *svm)
{
	amdgpu_svm_unmap_all(svm);
	amdgpu_svm_destroy_all(svm);
}

/* Has the GPU got anything of the process's, or was it told that it will? */
static bool in_use(struct amdgpu_svm *svm)
{
	lockdep_assert_held(&svm->lock);
	return READ_ONCE(svm->opted_in) || atomic64_read(&svm->counts[AMDGPU_SVM_COUNT_MAPS]);
}

/*
 * Without SVM from now on, if nobody has used it yet, or nobody can any more. A commit
 * that is under way sees that it is closing, or is undone here; only then it is
 * disabled, so that whoever sees that has nothing to wait for.
 */
static int disable(struct amdgpu_svm *svm)
{
	bool gone = !mmget_not_zero(svm->gpusvm.mm);
	bool used;

	mutex_lock(&svm->lock);
	used = !gone && !svm->closing && in_use(svm);
	if (!used)
		close_locked(svm);
	mutex_unlock(&svm->lock);
	if (!gone)
		mmput(svm->gpusvm.mm);
	if (used)
		return -EPERM;
	amdgpu_svm_stop_waiting(svm);
	unmap_closed(svm);
	WRITE_ONCE(svm->disabled, true);
	return 0;
}

/**
 * amdgpu_svm_check_user() - may the caller have the GPU work for a VM?
 * @vm: the VM
 *
 * Such work reaches all memory of the process that opened the file. A display server
 * opens files for its clients, and children inherit them: they get a VM without
 * SVM, in which every fault is fatal, or nothing if the opener uses SVM.
 *
 * Return: 0, or -EPERM.
 */
int amdgpu_svm_check_user(struct amdgpu_vm *vm)
{
	struct amdgpu_svm *svm = vm->svm;

	if (!svm || svm->gpusvm.mm == current->mm || READ_ONCE(svm->disabled))
		return 0;
	return disable(svm);
}

/**
 * amdgpu_svm_check_submit() - may the caller submit work for a file's VM?
 * @filp: the file
 *
 * Return: 0, or -EPERM.
 */
int amdgpu_svm_check_submit(struct drm_file *filp)
{
	struct amdgpu_fpriv *fpriv = filp->driver_priv;

	return amdgpu_svm_check_user(&fpriv->vm);
}

/**
 * amdgpu_svm_file_flush() - a process closes a file
 * @filp: the file
 *
 * If the process that opened it was killed, the scheduler takes no more jobs of the VM
 * after this, and says nothing: who pushes one waits for ever. So faults push none
 * from here on.
 */
void amdgpu_svm_file_flush(struct drm_file *filp)
{
	struct amdgpu_fpriv *fpriv = filp->driver_priv;
	struct amdgpu_svm *svm = fpriv->vm.svm;

	if (!svm || !(current->flags & PF_EXITING) || current->exit_code != SIGKILL ||
	    task_tgid_nr(current) != svm->pid)
		return;
	close_and_wait(svm);
}

/**
 * amdgpu_svm_reset_begin() - have nothing mapped while GPUs are reset
 * @domain: of the GPUs, not locked yet
 *
 * Engines run until they are stopped, the TLB cannot be flushed from here on, and what
 * the CPU stores into page tables may be lost. A notifier that waited for the reset would
 * have it wait for whatever memory reclaim holds up. So they find nothing to clear, and
 * faults end as "later".
 */
void amdgpu_svm_reset_begin(struct amdgpu_reset_domain *domain)
{
	struct amdgpu_svm *svm;

	/* Commits look at it under the eviction lock. */
	atomic_inc(&domain->svm_off);
	mutex_lock(&all_svms_lock);
	list_for_each_entry(svm, &all_svms, link) {
		if (svm->adev->reset_domain == domain)
			amdgpu_svm_unmap_all(svm);
	}
	mutex_unlock(&all_svms_lock);
}

/**
 * amdgpu_svm_reset_end() - after a reset
 * @domain: of the GPUs, not locked any more
 */
void amdgpu_svm_reset_end(struct amdgpu_reset_domain *domain)
{
	atomic_dec(&domain->svm_off);
}

/**
 * amdgpu_svm_in_reset() - is nothing to be mapped, because of a reset?
 * @adev: the device
 *
 * Return: the answer, which under a VM's eviction lock stays "no" as far as that VM is
 * concerned.
 */
bool amdgpu_svm_in_reset(struct amdgpu_device *adev)
{
	return atomic_read(&adev->reset_domain->svm_off);
}

static struct amdgpu_svm *find_plugged(struct amdgpu_device *adev)
{
	struct amdgpu_svm *svm;

	lockdep_assert_held(&all_svms_lock);
	list_for_each_entry(svm, &all_svms, link) {
		if (svm->adev == adev && !svm->unplugged)
			return svm;
	}
	return NULL;
}

/**
 * amdgpu_svm_unplug() - take all memory of processes from a GPU that goes away
 * @adev: the device, still working
 *
 * Afterwards notifiers can no longer reach it. Others may open and close files while
 * faults that are under way are waited for.
 */
void amdgpu_svm_unplug(struct amdgpu_device *adev)
{
	struct amdgpu_svm *svm;

	mutex_lock(&all_svms_lock);
	while ((svm = find_plugged(adev))) {
		svm->unplugged = true;
		/* One that is about to end has nothing under way, and stays while locked. */
		if (!refcount_inc_not_zero(&svm->users)) {
			unmap_closed(svm);
			continue;
		}
		mutex_unlock(&all_svms_lock);
		/* Lanes look at the device's rings, which go away. */
		close_and_wait(svm);
		unmap_closed(svm);
		amdgpu_svm_put(svm);
		mutex_lock(&all_svms_lock);
	}
	mutex_unlock(&all_svms_lock);
}

/**
 * amdgpu_svm_fini() - end the SVM of a VM that ends
 * @vm: the VM; nothing of it is reserved or locked
 */
void amdgpu_svm_fini(struct amdgpu_vm *vm)
{
	struct amdgpu_svm *svm = vm->svm;

	if (!svm)
		return;
	close_svm(svm);
	end_jobs(svm);
	hide(svm);
	amdgpu_svm_put(svm);
	wait_for_completion(&svm->unused);
	amdgpu_svm_end_lanes(svm);

	if (svm->unmaps_on)
		mmu_interval_notifier_remove(&svm->unmaps);
	cancel_work_sync(&svm->work);
	amdgpu_svm_forget_queues(svm);
	unmap_closed(svm);
	amdgpu_svm_forget_frees(svm);
	/* Until here tables may have to move, or the device may go. */
	unpublish(svm);
	drm_gpusvm_fini(&svm->gpusvm);
	if (svm->pm_held)
		pm_runtime_put_autosuspend(adev_to_drm(svm->adev)->dev);
	svm_free(svm);
}

// SPDX-License-Identifier: GPL-2.0-only

#include <linux/sched/mm.h>

#include "amdgpu.h"
#include "amdgpu_gmc.h"
#include "amdgpu_ih.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"

/**
 * DOC: Faults
 *
 * A retry fault comes from the interrupt ring's work item, the engine waiting.
 * Phases: find the VM's SVM and take a reference; drop attributes of memory that
 * went away; serve the request; judge what could not be served; account for it.
 *
 * Every fault ends in exactly one &enum amdgpu_svm_reason, which is counted and
 * traced, and whatever it is, the fault filter forgets the address so that a
 * later fault on it is seen. The entry of the retry CAM is released by the caller
 * when this returns.
 *
 * "Nothing is mapped there" is stale, not fatal, if the interrupt is older than
 * the last munmap(2) of memory that the GPU had mapped: a duplicate of a fault that
 * was served before. The GPU then retries, and if it is wrong after all a newer
 * fault says so.
 *
 * Fatal: the address gets a no-retry entry, the access ends with an error, and one
 * line in the kernel log says who, where and why.
 *
 * Locks: none of its own, see the DOC section "Mapping" for those below.
 *
 * Limits: faults are served one after the other by the interrupt work. Memory that
 * userfaultfd(2) has to provide is fatal.
 */

/**
 * amdgpu_svm_newest_ts() - time of the newest fault interrupt
 * @adev: the device
 *
 * Return: the timestamp; interrupts that are not newer may be of the past.
 */
u64 amdgpu_svm_newest_ts(struct amdgpu_device *adev)
{
	struct amdgpu_ih_ring *ih = adev->irq.ih1.ring_size ? &adev->irq.ih1 : &adev->irq.ih_soft;
	u32 wptr;

	if (!ih->ring_size)
		return 0;
	wptr = amdgpu_ih_get_wptr(adev, ih);
	/* Read the pointer before the ring. */
	rmb();
	return amdgpu_ih_decode_iv_ts(adev, ih, wptr, -1);
}

static bool is_stale(struct amdgpu_svm *svm, u64 ts)
{
	u64 unmap_ts = READ_ONCE(svm->unmap_ts);

	return unmap_ts && amdgpu_ih_ts_after_or_equal(ts, unmap_ts);
}

static enum amdgpu_svm_reason serve(struct amdgpu_svm *svm, struct amdgpu_svm_request *req)
{
	struct mm_struct *mm = svm->gpusvm.mm;
	enum amdgpu_svm_reason reason;
	int r = 0;

	if (READ_ONCE(svm->closing) || !mmget_not_zero(mm))
		return AMDGPU_SVM_PROCESS_GONE;
	if (READ_ONCE(svm->drops_pending)) {
		mmap_read_lock(mm);
		r = amdgpu_svm_drop_attrs(svm);
		mmap_read_unlock(mm);
	}
	reason = r ? AMDGPU_SVM_NO_MEMORY : amdgpu_svm_serve(svm, req);
	mmput(mm);
	if (reason == AMDGPU_SVM_NO_MEMORY_THERE && is_stale(svm, req->ts))
		return AMDGPU_SVM_STALE;
	return reason;
}

/* Tell the GPU to give up and the world why. */
static enum amdgpu_svm_reason give_up(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req,
				      enum amdgpu_svm_reason reason)
{
	int r = amdgpu_svm_refuse(svm, req->addr);

	if (r == -EADDRINUSE)
		return AMDGPU_SVM_BO;
	dev_err_ratelimited(svm->adev->dev,
			    "SVM: fatal GPU %s fault of pid %d, pasid %u at 0x%lx: %s%s\n",
			    req->write ? "write" : "read", svm->pid, svm->vm->pasid, req->addr,
			    amdgpu_svm_reason_text(reason),
			    r ? ", and it cannot be told" : "");
	return reason;
}

static bool serves(struct amdgpu_svm *svm)
{
	return !svm->vm->is_compute_context || (svm->opted_in && amdgpu_svm_xnack_on(svm));
}

/**
 * amdgpu_svm_handle_fault() - serve a retry fault
 * @adev: the device
 * @pasid: of the VM
 * @addr: page aligned
 * @ts: time of the interrupt
 * @write: it is a write
 * @handled: out: nobody else needs to look at it
 *
 * Return: whether it was ours. If not, the driver goes on as without SVM.
 */
bool amdgpu_svm_handle_fault(struct amdgpu_device *adev, u32 pasid, u64 addr, u64 ts,
			     bool write, bool *handled)
{
	struct amdgpu_svm_request req = {
		.addr = addr & PAGE_MASK, .write = write, .fault = true, .ts = ts,
	};
	struct amdgpu_svm *svm = amdgpu_svm_get_by_pasid(adev, pasid);
	enum amdgpu_svm_reason reason;

	if (!svm)
		return false;
	if (!serves(svm)) {
		amdgpu_svm_put(svm);
		return false;
	}

	reason = serve(svm, &req);
	if (reason >= AMDGPU_SVM_FATAL)
		reason = give_up(svm, &req, reason);

	atomic64_inc(&svm->reasons[reason]);
	trace_amdgpu_svm_fault(pasid, addr, write, ts, reason, amdgpu_svm_reason_text(reason));
	amdgpu_gmc_filter_faults_remove(adev, addr, pasid);
	/* KFD tells its processes about what is fatal. */
	*handled = reason < AMDGPU_SVM_FATAL || !svm->vm->is_compute_context;
	amdgpu_svm_put(svm);
	return reason != AMDGPU_SVM_BO;
}

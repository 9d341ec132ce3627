// SPDX-License-Identifier: GPL-2.0-only

#include <linux/hash.h>
#include <linux/log2.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>

#include "amdgpu.h"
#include "amdgpu_gmc.h"
#include "amdgpu_ids.h"
#include "amdgpu_ih.h"
#include "amdgpu_reset.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"
#include "soc15_ih_clientid.h"

/**
 * DOC: Faults
 *
 * A retry fault comes from the interrupt ring's work item, the engine waiting.
 * Phases: find the VM's SVM and take a reference; hand over to a lane of the VM;
 * there, drop attributes of memory that went away; serve the request; judge what
 * could not be served; account for it; let the GPU retry.
 *
 * Lanes are work items. Faults of one 2 MiB block are in one lane, so that neighbours do not
 * compete, and each block that has faults has a lane of its own, up to AMDGPU_SVM_LANES of
 * them per VM. That a fault takes long, because a page has to come from a disk or from a
 * file system in user space, is felt by its block only. A fault that there is no memory to
 * remember ends as "later", and so does one that could not be served FAULT_JIFFIES after it
 * came, because the process changes its memory all the time or other faults were before it.
 * What was learnt about the memory is kept, see the DOC section "Ranges".
 *
 * Every fault ends in exactly one &enum amdgpu_svm_reason, which is counted and
 * traced, and whatever it is, the entry of the retry CAM is released, so that a later
 * fault on the address is seen. On a GPU without a CAM the driver's fault filter would keep
 * duplicates away instead, and forgets the address.
 *
 * What the memory forbids, what a program has to provide, or what is a buffer object's, is
 * doubted at first: the fault may be a duplicate of one that was served before, delivered
 * after the process took the right away. It ends as "stale", the GPU retries, and only a
 * fault that is newer than the doubt counts, by 10 s at most, or the doubt starts again.
 * Doubts are kept until then, until the address is served, or until another one needs
 * the place after a second. Addresses for which there is no place share one doubt, but those in
 * buffer objects do not: they are stale until there is a place.
 *
 * Fatal: the address gets a no-retry entry, the access ends with an error, and one
 * line in the kernel log says who, where and why. While there is no memory for the entry
 * it is tried again, up to FAULT_JIFFIES after the fault came; then the GPU asks, and it
 * begins anew.
 *
 * Locks: &amdgpu_svm.lane_lock for lanes and what waits in them, &amdgpu_svm_doubt_set.lock
 * for doubts, both with nothing inside. See the DOC section "Mapping" for those that serving
 * takes.
 *
 * A fault on memory that userfaultfd(2) watches leaves its lane, waits elsewhere
 * (amdgpu_svm_user.c) and comes back.
 *
 * Limits: what ends as "later" is asked again by the GPU, without a bound but the job's
 * time. HMM has the mmap lock while a page comes slowly: if the process changes its address
 * space then, that waits, and all other faults of the process wait for it.
 */

struct svm_fault {
	struct list_head link;
	struct amdgpu_svm *svm;
	struct amdgpu_svm_request req;
	/* what the fault filter knows it by */
	u32 iv_pasid;
	u32 cam_index;
	u32 vmid;
	u32 node_id;
};

/* The GPU asks again at once: then a doubt may give its place to another. */
#define DOUBT_TIMEOUT	HZ

/* The later of two times of interrupts, 0 for none. */
static u64 later_ts(u64 a, u64 b)
{
	if (!a || !b)
		return a ?: b;
	return amdgpu_ih_ts_after(a, b) ? b : a;
}

#define IV_BYTES	32

/*
 * Of what was processed, and of all that was not: any of it may be the late duplicate of an
 * old fault. The vector before the read pointer may be about to be processed.
 */
static u64 newest_of(struct amdgpu_device *adev, struct amdgpu_ih_ring *ih, u32 wptr)
{
	u32 left = ((wptr - READ_ONCE(ih->rptr)) & ih->ptr_mask) / IV_BYTES + 1;
	u64 ts = READ_ONCE(ih->processed_timestamp);
	u32 i;

	/* Read the pointers before the ring. */
	rmb();
	for (i = 1; i <= left; i++)
		ts = later_ts(ts, amdgpu_ih_decode_iv_ts(adev, ih, wptr & ih->ptr_mask, -i));
	return ts;
}

/* Of the second ring, which the hardware fills with retry faults if the driver has one. */
static u64 newest_of_ring1(struct amdgpu_device *adev)
{
	struct amdgpu_ih_ring *ih1 = &adev->irq.ih1;
	u64 ts = 0;

	/* Its pointer is in the device only, which nobody may touch while it is reset. */
	if (ih1->ring_size && down_read_trylock(&adev->reset_domain->sem)) {
		ts = newest_of(adev, ih1, RREG32_NO_KIQ(ih1->ih_regs.ih_rb_wptr));
		up_read(&adev->reset_domain->sem);
	}
	return ts;
}

/* The clock of interrupts has 100 MHz. */
#define IH_SECONDS	100000000ULL
/* A fault is served or asked again by then. */
#define IH_TICKS_AHEAD	(60 * IH_SECONDS)
/* What comes later does not answer a doubt, even if many wait: it may be a duplicate, too. */
#define DOUBT_TICKS	(10 * IH_SECONDS)

/**
 * amdgpu_svm_ts_is_void() - a remembered time says nothing any more
 * @ts: of an interrupt
 * @now: of a new one
 *
 * Return: whether @ts is far ahead, as the clock started again with a reset.
 */
bool amdgpu_svm_ts_is_void(u64 ts, u64 now)
{
	return amdgpu_ih_ts_after(now + IH_TICKS_AHEAD, ts);
}

/**
 * amdgpu_svm_newest_ts() - time of the newest interrupt
 * @adev: the device
 * @taken: time of one that was taken
 *
 * The driver's own way to the pointers of the rings would handle an overflow. The
 * software ring holds copies out of the first one.
 *
 * Return: the timestamp; interrupts that are not newer may be of the past. 0 if the device
 * is gone, and the rings with it.
 */
u64 amdgpu_svm_newest_ts(struct amdgpu_device *adev, u64 taken)
{
	struct amdgpu_ih_ring *ih = &adev->irq.ih;
	u64 ts;
	int idx;

	if (!drm_dev_enter(adev_to_drm(adev), &idx))
		return 0;
	ts = newest_of(adev, ih, le32_to_cpu((__force __le32)READ_ONCE(*ih->wptr_cpu)));
	ts = later_ts(ts, newest_of_ring1(adev));
	drm_dev_exit(idx);
	if (amdgpu_svm_ts_is_void(ts, taken))
		ts = 0;
	return later_ts(ts, taken);
}

/* --- doubts ----------------------------------------------------------------------- */

/*
 * What a duplicate of a fault that was served before must not cause: an error, that a
 * program hears of an access, or that the rest of the driver puts its dummy page over a
 * buffer object that was mapped there since.
 */
static bool may_be_doubted(enum amdgpu_svm_reason reason)
{
	switch (reason) {
	case AMDGPU_SVM_USER:
	case AMDGPU_SVM_BO:
	case AMDGPU_SVM_NO_MEMORY_THERE:
	case AMDGPU_SVM_NO_ACCESS:
	case AMDGPU_SVM_GPU_READ_ONLY:
	case AMDGPU_SVM_READ_ONLY:
	case AMDGPU_SVM_UNREADABLE:
	case AMDGPU_SVM_DEVICE_MEMORY:
	case AMDGPU_SVM_PROCESS_GONE:
		return true;
	default:
		return false;
	}
}

static struct amdgpu_svm_doubt_set *doubts_of(struct amdgpu_svm *svm, unsigned long addr)
{
	return &svm->doubts[hash_64(addr / SZ_2M, ilog2(AMDGPU_SVM_DOUBT_SETS))];
}

/* The doubt about @addr, or NULL; @place: a slot that is free, or NULL. */
static struct amdgpu_svm_doubt *find_doubt(struct amdgpu_svm_doubt_set *set, unsigned long addr,
					   struct amdgpu_svm_doubt **place)
{
	struct amdgpu_svm_doubt *doubt;

	lockdep_assert_held(&set->lock);
	*place = NULL;
	for (doubt = set->doubts; doubt < set->doubts + AMDGPU_SVM_DOUBTS; doubt++) {
		if (doubt->ts && doubt->addr == addr)
			return doubt;
		/* An old one is good, as what is served ends it, but not worth a place. */
		if (!doubt->ts || time_after(jiffies, doubt->jiffies + DOUBT_TIMEOUT))
			*place = doubt;
	}
	return NULL;
}

static void start_doubt(struct amdgpu_svm_doubt *doubt, unsigned long addr, u64 ts)
{
	*doubt = (struct amdgpu_svm_doubt) { .addr = addr, .ts = ts, .jiffies = jiffies };
}

/* Is the request newer? If there is no telling it is doubted as the first one; @ts: newest. */
static bool ends_doubt(struct amdgpu_svm_doubt *doubt, const struct amdgpu_svm_request *req,
		       u64 ts)
{
	if (!doubt->ts || amdgpu_svm_ts_is_void(doubt->ts, ts) ||
	    amdgpu_ih_ts_after(doubt->ts + DOUBT_TICKS, req->ts))
		start_doubt(doubt, doubt->addr, ts);
	return amdgpu_ih_ts_after(doubt->ts, req->ts);
}

static bool have_doubts(struct amdgpu_svm_doubt_set *set)
{
	struct amdgpu_svm_doubt *doubts;

	if (READ_ONCE(set->doubts))
		return true;
	doubts = kvzalloc_objs(*doubts, AMDGPU_SVM_DOUBTS);
	if (!doubts)
		return false;
	spin_lock(&set->lock);
	if (!set->doubts) {
		WRITE_ONCE(set->doubts, doubts);
		doubts = NULL;
	}
	spin_unlock(&set->lock);
	kvfree(doubts);
	return true;
}

/*
 * Has the GPU asked for the address again, since something spoke against it for the first
 * time? If there are too many of them, @if_crowded, since something spoke against one of the
 * others. A GPU that is gone does not ask again.
 */
static bool is_confirmed(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req,
			 bool if_crowded)
{
	u64 ts = amdgpu_svm_newest_ts(svm->adev, req->ts);
	struct amdgpu_svm_doubt_set *set = doubts_of(svm, req->addr);
	struct amdgpu_svm_doubt *doubt, *place;
	bool confirmed = false;

	if (!ts)
		return true;
	if (!have_doubts(set))
		return false;
	spin_lock(&set->lock);
	doubt = find_doubt(set, req->addr, &place);
	if (doubt) {
		confirmed = ends_doubt(doubt, req, ts);
		if (confirmed)
			doubt->ts = 0;
	} else if (place) {
		start_doubt(place, req->addr, ts);
	} else if (if_crowded) {
		confirmed = ends_doubt(&set->common, req, ts);
	}
	spin_unlock(&set->lock);
	return confirmed;
}

/* It is fine now: what comes may be a duplicate of this one. */
static void forget_doubt(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req)
{
	struct amdgpu_svm_doubt_set *set = doubts_of(svm, req->addr);
	struct amdgpu_svm_doubt *doubt, *place;

	/* Nearly always: nothing was ever doubted. */
	if (!READ_ONCE(set->doubts))
		return;
	spin_lock(&set->lock);
	doubt = find_doubt(set, req->addr, &place);
	if (doubt)
		doubt->ts = 0;
	spin_unlock(&set->lock);
}

/* --- one fault ---------------------------------------------------------------------- */

static enum amdgpu_svm_reason try_serve(struct amdgpu_svm *svm, struct amdgpu_svm_request *req)
{
	struct mm_struct *mm = svm->gpusvm.mm;
	enum amdgpu_svm_reason reason;
	int r = 0;

	if (READ_ONCE(svm->disabled))
		return AMDGPU_SVM_FOREIGN;
	if (READ_ONCE(svm->closing) || !mmget_not_zero(mm))
		return AMDGPU_SVM_PROCESS_GONE;
	if (READ_ONCE(svm->drops_pending)) {
		mmap_read_lock(mm);
		r = amdgpu_svm_drop_attrs(svm);
		mmap_read_unlock(mm);
	}
	reason = r ? AMDGPU_SVM_LATER : amdgpu_svm_serve(svm, req);
	mmput(mm);
	return reason;
}

static enum amdgpu_svm_reason serve(struct amdgpu_svm *svm, struct amdgpu_svm_request *req)
{
	enum amdgpu_svm_reason reason = try_serve(svm, req);
	bool bo;

	if (reason == AMDGPU_SVM_OK || reason == AMDGPU_SVM_ALREADY) {
		forget_doubt(svm, req);
		return reason;
	}
	if (reason >= AMDGPU_SVM_FATAL && amdgpu_svm_in_bo(svm, req->addr))
		reason = AMDGPU_SVM_BO;
	/* Who waited for a program knows that the GPU waits, but not what is there by now. */
	bo = reason == AMDGPU_SVM_BO;
	if (may_be_doubted(reason) && (bo || !req->waits) && !is_confirmed(svm, req, !bo))
		return AMDGPU_SVM_STALE;
	return reason;
}

static void account(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req,
		    enum amdgpu_svm_reason reason)
{
	atomic64_inc(&svm->reasons[reason]);
	trace_amdgpu_svm_fault(svm->vm->pasid, req->addr, req->write, req->ts, reason,
			       amdgpu_svm_reason_text(reason));
	if (reason >= AMDGPU_SVM_FATAL)
		dev_err_ratelimited(svm->adev->dev,
				    "SVM: fatal GPU %s fault of pid %d (%s), pasid %u at 0x%lx: %s\n",
				    req->write ? "write" : "read", svm->pid, svm->comm,
				    svm->vm->pasid, req->addr, amdgpu_svm_reason_text(reason));
}

/* Between two attempts, in which memory may be had again. */
#define REFUSE_DELAY_US	1000

/*
 * While there is no memory for the entry the GPU need not ask: it would be fatal again, and
 * be told and counted again. Closing need not wait for that.
 */
static int refuse(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req)
{
	unsigned int attempt = 0;
	int r;

	while ((r = amdgpu_svm_refuse(svm, req->addr)) == -ENOMEM) {
		if (READ_ONCE(svm->closing) || time_after(jiffies, req->until))
			break;
		amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_RETRIES);
		trace_amdgpu_svm_retry(svm->vm->pasid, req->addr, ++attempt);
		usleep_range(REFUSE_DELAY_US, 2 * REFUSE_DELAY_US);
	}
	return r;
}

/*
 * Tell the GPU to give up. The world hears of it first, so that who sees the job
 * end finds the reason. Can it not be told now, it asks again.
 */
static void give_up(struct amdgpu_svm *svm, const struct amdgpu_svm_request *req)
{
	int r = refuse(svm, req);

	if (r)
		dev_dbg(svm->adev->dev, "SVM: no entry for 0x%lx: %pe\n", req->addr, ERR_PTR(r));
}

static bool serves(struct amdgpu_svm *svm)
{
	return !svm->vm->is_compute_context || (svm->opted_in && amdgpu_svm_xnack_on(svm));
}

/* As the driver decodes it to report faults. */
static int hub_of(struct amdgpu_device *adev, const struct amdgpu_iv_entry *entry, u32 node_id)
{
	int xcc = 0;

	if (entry->client_id == SOC15_IH_CLIENTID_VMC)
		return AMDGPU_MMHUB0(node_id / 4);
	if (entry->client_id == SOC15_IH_CLIENTID_VMC1)
		return AMDGPU_MMHUB1(0);
	if (adev->gfx.funcs->ih_node_to_logical_xcc)
		xcc = adev->gfx.funcs->ih_node_to_logical_xcc(adev, node_id);
	return AMDGPU_GFXHUB(max(xcc, 0));
}

/*
 * The pasid of an interrupt comes from one table for all hubs of a kind, while the
 * driver gives VMIDs to its jobs per hub: with several, the table may name the
 * wrong VM. For its own VMIDs the driver knows better, and a job that waits for this
 * fault keeps its VMID.
 */
static u32 pasid_of(struct amdgpu_device *adev, const struct amdgpu_iv_entry *entry, u32 node_id)
{
	int hub = hub_of(adev, entry, node_id);
	struct amdgpu_vmid_mgr *mgr;
	u32 pasid;

	if (entry->vmid >= adev->vm_manager.first_kfd_vmid || hub >= AMDGPU_MAX_VMHUBS)
		return entry->pasid;
	mgr = &adev->vm_manager.id_mgr[hub];
	mutex_lock(&mgr->lock);
	pasid = mgr->ids[entry->vmid].pasid;
	mutex_unlock(&mgr->lock);
	return pasid;
}

/* The SVM that serves faults of @pasid, with a reference, or NULL. */
static struct amdgpu_svm *server_of(struct amdgpu_device *adev, u32 pasid)
{
	struct amdgpu_svm *svm = amdgpu_svm_get_by_pasid(adev, pasid);

	if (!svm || serves(svm))
		return svm;
	amdgpu_svm_put(svm);
	return NULL;
}

/* --- lanes ------------------------------------------------------------------------ */

/*
 * Nobody may touch the device while it is reset, which empties the CAM: then this may
 * be the entry of another fault already, that is reported once more.
 */
static void release_cam(struct amdgpu_device *adev, u32 cam_index)
{
	int idx;

	if (!adev->irq.retry_cam_enabled || !drm_dev_enter(adev_to_drm(adev), &idx))
		return;
	down_read(&adev->reset_domain->sem);
	WDOORBELL32(adev->irq.retry_cam_doorbell_index, cam_index);
	up_read(&adev->reset_domain->sem);
	drm_dev_exit(idx);
}

/* The fault is over: let the GPU retry. */
static void end_fault(struct svm_fault *fault, enum amdgpu_svm_reason reason)
{
	struct amdgpu_svm *svm = fault->svm;
	struct amdgpu_device *adev = svm->adev;
	struct amdgpu_svm_request *req = &fault->req;

	account(svm, req, reason);
	if (reason >= AMDGPU_SVM_FATAL)
		give_up(svm, req);
	/* A buffer object's fault is the rest of the driver's. */
	if (reason == AMDGPU_SVM_BO)
		amdgpu_vm_handle_fault(adev, svm->vm->pasid, fault->vmid, fault->node_id,
				       req->addr, req->ts, req->write);
	amdgpu_gmc_filter_faults_remove(adev, req->addr, fault->iv_pasid);
	release_cam(adev, fault->cam_index);
	amdgpu_svm_put(svm);
}

static void lane_work(struct work_struct *work);

static struct amdgpu_svm_lane *add_lane(struct amdgpu_svm *svm, gfp_t gfp)
{
	struct amdgpu_svm_lane *lane = kzalloc_obj(*lane, gfp);

	if (!lane)
		return NULL;
	lane->svm = svm;
	INIT_LIST_HEAD(&lane->faults);
	INIT_WORK(&lane->work, lane_work);
	list_add_tail(&lane->link, &svm->lanes);
	svm->num_lanes++;
	return lane;
}

/*
 * The lane that has faults of @block, or else one that has none, or a new one. If there is
 * no memory for that, any: then the fault waits for others.
 */
static struct amdgpu_svm_lane *lane_for(struct amdgpu_svm *svm, unsigned long block)
{
	struct amdgpu_svm_lane *lane, *idle = NULL;

	lockdep_assert_held(&svm->lane_lock);
	list_for_each_entry(lane, &svm->lanes, link) {
		if (!lane->busy)
			idle = idle ?: lane;
		else if (lane->block == block)
			return lane;
	}
	if (!idle && svm->num_lanes < AMDGPU_SVM_LANES)
		idle = add_lane(svm, GFP_NOWAIT);
	if (!idle)
		return list_first_entry(&svm->lanes, struct amdgpu_svm_lane, link);
	idle->block = block;
	idle->busy = true;
	return idle;
}

/*
 * After this a fault has at most one attempt left, to serve it and to refuse it: it has kept
 * others from the CAM for long.
 */
#define FAULT_JIFFIES	(2 * HZ)

static void queue_fault(struct svm_fault *fault)
{
	struct amdgpu_svm *svm = fault->svm;
	struct amdgpu_svm_lane *lane;

	fault->req.until = jiffies + FAULT_JIFFIES;
	spin_lock(&svm->lane_lock);
	lane = lane_for(svm, fault->req.addr / SZ_2M);
	list_add_tail(&fault->link, &lane->faults);
	/* Still locked: who takes the fault may put the last reference of @svm. */
	queue_work(svm->adev->vm_manager.svm_wq, &lane->work);
	spin_unlock(&svm->lane_lock);
}

/* The program has provided the page, or something else came. */
static void user_is_done(void *data)
{
	queue_fault(data);
}

/* One fault, in its lane. */
static void handle(struct svm_fault *fault)
{
	struct amdgpu_svm_request *req = &fault->req;
	enum amdgpu_svm_reason reason = serve(fault->svm, req);

	if (reason == AMDGPU_SVM_USER) {
		req->waits++;
		if (!amdgpu_svm_wait_for_user(fault->svm, req->addr, req->write, user_is_done,
					      fault))
			return;
	}
	end_fault(fault, reason);
	kfree(fault);
}

/* What comes meanwhile queues the work again: who waits for it does not wait for that. */
static void lane_work(struct work_struct *work)
{
	struct amdgpu_svm_lane *lane = container_of(work, struct amdgpu_svm_lane, work);
	struct amdgpu_svm *svm = lane->svm;
	struct svm_fault *fault, *next;
	LIST_HEAD(faults);

	spin_lock(&svm->lane_lock);
	list_splice_init(&lane->faults, &faults);
	spin_unlock(&svm->lane_lock);
	list_for_each_entry_safe(fault, next, &faults, link)
		handle(fault);
	/* Whoever ends @svm waits for this to return first, see amdgpu_svm_end_lanes(). */
	spin_lock(&svm->lane_lock);
	lane->busy = !list_empty(&lane->faults);
	spin_unlock(&svm->lane_lock);
}

/**
 * amdgpu_svm_init_lanes() - before the first fault
 * @svm: a new SVM
 *
 * Return: 0 or -ENOMEM, and then amdgpu_svm_free_lanes() may be called as well.
 */
int amdgpu_svm_init_lanes(struct amdgpu_svm *svm)
{
	int i;

	for (i = 0; i < AMDGPU_SVM_DOUBT_SETS; i++)
		spin_lock_init(&svm->doubts[i].lock);
	spin_lock_init(&svm->lane_lock);
	INIT_LIST_HEAD(&svm->lanes);
	return add_lane(svm, GFP_KERNEL) ? 0 : -ENOMEM;
}

/**
 * amdgpu_svm_free_lanes() - after the last fault
 * @svm: nobody uses it any more
 */
void amdgpu_svm_free_lanes(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_lane *lane, *next;
	int i;

	list_for_each_entry_safe(lane, next, &svm->lanes, link)
		kfree(lane);
	for (i = 0; i < AMDGPU_SVM_DOUBT_SETS; i++)
		kvfree(svm->doubts[i].doubts);
}

/* The one after @lane, or the first one. */
static struct amdgpu_svm_lane *next_lane(struct amdgpu_svm *svm, struct amdgpu_svm_lane *lane)
{
	struct list_head *next;

	spin_lock(&svm->lane_lock);
	next = lane ? lane->link.next : svm->lanes.next;
	spin_unlock(&svm->lane_lock);
	return next == &svm->lanes ? NULL : list_entry(next, struct amdgpu_svm_lane, link);
}

/**
 * amdgpu_svm_end_lanes() - wait for faults that are being served
 * @svm: the SVM, closing
 */
void amdgpu_svm_end_lanes(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_lane *lane = NULL;

	/* They stay in the list until the end. */
	while ((lane = next_lane(svm, lane)))
		flush_work(&lane->work);
}

static bool vm_lives(struct amdgpu_device *adev, u32 pasid)
{
	unsigned long flags;
	bool lives;

	amdgpu_svm_compat_lock_pasids(adev, &flags);
	lives = amdgpu_svm_compat_vm_of(adev, pasid);
	amdgpu_svm_compat_unlock_pasids(adev, flags);
	return lives;
}

/*
 * A fault of a VM without SVM, or the late duplicate of one where the VMID had another owner
 * since. The rest of the driver believes the pasid of the interrupt, and would put its
 * dummy page into the tables of another process.
 */
static bool take_stray(struct amdgpu_device *adev, struct amdgpu_iv_entry *entry, u32 pasid,
		       u32 cam_index)
{
	if (pasid == entry->pasid || !amdgpu_svm_is_supported(adev))
		return false;
	if (vm_lives(adev, pasid)) {
		entry->pasid = pasid;
		return false;
	}
	release_cam(adev, cam_index);
	return true;
}

/**
 * amdgpu_svm_take_fault() - take a retry fault from the interrupt ring
 * @adev: the device
 * @entry: the interrupt; gets the pasid of the VMID's owner if it is not taken
 * @addr: page aligned
 * @cam_index: entry of the retry CAM, which is released when the fault is served
 * @node_id: of the interrupt
 * @write: it is a write
 *
 * Return: whether it was ours. If not, the driver goes on as without SVM.
 */
bool amdgpu_svm_take_fault(struct amdgpu_device *adev, struct amdgpu_iv_entry *entry,
			   u64 addr, u32 cam_index, u32 node_id, bool write)
{
	u32 pasid = pasid_of(adev, entry, node_id);
	struct amdgpu_svm *svm = server_of(adev, pasid);
	struct svm_fault now = {
		.svm = svm,
		.req = {
			.addr = addr & PAGE_MASK, .write = write, .fault = true,
			.ts = entry->timestamp,
		},
		.iv_pasid = entry->pasid, .cam_index = cam_index,
		.vmid = entry->vmid, .node_id = node_id,
	};
	struct svm_fault *fault;

	if (!svm)
		return take_stray(adev, entry, pasid, cam_index);
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_FAULTS);
	fault = kmemdup(&now, sizeof(now), GFP_NOWAIT);
	if (fault)
		queue_fault(fault);
	else
		end_fault(&now, AMDGPU_SVM_LATER);
	return true;
}

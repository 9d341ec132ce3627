// SPDX-License-Identifier: GPL-2.0-only

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "amdgpu.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"

/**
 * DOC: Notifiers and what they leave to do
 *
 * When the process's page tables change, the GPU has to be done with the pages
 * before the notifier returns. drm_gpusvm calls amdgpu_svm_invalidate() with its
 * notifier lock held for writing, so that no commit is under way. Phase one clears
 * the entries of all ranges concerned, those of other notifiers that will see the event
 * as well, and flushes the TLB once; phase two gives up the DMA mappings. Neither
 * allocates nor fails nor takes a dma_resv: entries are cleared by the CPU in tables
 * that are there, see amdgpu_svm_pt_clear().
 *
 * What needs other locks is left to a work item and to the next request, whichever
 * comes first, on queues that link the ranges themselves: destroying ranges whose
 * memory was unmapped, mapping again what is to be always mapped. The latter is
 * tried once per event, once more when mprotect(2) has changed rights there, and with
 * the next submission after page tables had to leave the VRAM or the GPU was reset; if
 * it fails the next fault does it.
 *
 * A second notifier of the whole address space, registered when attributes are
 * first set, sees the munmap(2) and mremap(2) of memory that the GPU never touched
 * and notes intervals that have attributes. They are dropped before anybody looks
 * at or changes attributes again, with the mmap lock, so that a new mapping
 * at the same address never loses what was set for it; what was mapped by somebody
 * who looked before is unmapped then. When the mm has no users any more all go, without
 * its lock (drop_all()). Noting one needs a few
 * bytes without reclaim; if there are none, one of MAX_SPARES notes that were made before is
 * taken. When these are used up the attributes of everything that is
 * not mapped are dropped instead, and those of an address that was unmapped and
 * mapped again just then stay.
 *
 * Locks: &amdgpu_svm.queue_lock for the queues, &amdgpu_svm.drop_lock for dropping.
 */

struct svm_drop {
	struct list_head link;
	unsigned long first;
	unsigned long last;
};

/* --- ranges ------------------------------------------------------------------------ */

/* Any part of it? */
static bool always_mapped(struct amdgpu_svm *svm, unsigned long page, unsigned long last)
{
	struct amdgpu_svm_attr_span span;

	while (page <= last && amdgpu_svm_attr_next(&svm->attrs, page, last, &span)) {
		if (amdgpu_svm_attr_is(span.word, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED))
			return true;
		page = span.last + 1;
	}
	return false;
}

/* Still locked: closing waits for what was queued before it. */
static void start_work(struct amdgpu_svm *svm)
{
	lockdep_assert_held(&svm->queue_lock);
	queue_work(svm->adev->vm_manager.svm_wq, &svm->work);
}

/* Each queue holds a reference of each range on it. */
static void queue_range(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			struct list_head *link, struct list_head *queue)
{
	spin_lock(&svm->queue_lock);
	if (!svm->closing && list_empty(link)) {
		drm_gpusvm_range_get(&range->base);
		list_add_tail(link, queue);
		start_work(svm);
	}
	spin_unlock(&svm->queue_lock);
}

/**
 * amdgpu_svm_remap_later() - map a range again if it is to be always mapped
 * @svm: the VM's SVM
 * @range: the range, unmapped
 *
 * Neither sleeps nor allocates.
 */
void amdgpu_svm_remap_later(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	if (always_mapped(svm, amdgpu_svm_range_start(range) >> PAGE_SHIFT,
			  (amdgpu_svm_range_end(range) - 1) >> PAGE_SHIFT))
		queue_range(svm, range, &range->remap_link, &svm->remap);
}

/**
 * amdgpu_svm_remap_all_later() - map again all that is to be always mapped
 * @svm: the VM's SVM
 *
 * Neither sleeps nor allocates.
 */
void amdgpu_svm_remap_all_later(struct amdgpu_svm *svm)
{
	spin_lock(&svm->queue_lock);
	if (!svm->closing) {
		WRITE_ONCE(svm->remap_all, true);
		start_work(svm);
	}
	spin_unlock(&svm->queue_lock);
}

static struct amdgpu_svm_range *unqueue_dead(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_range *range;

	spin_lock(&svm->queue_lock);
	range = list_first_entry_or_null(&svm->dead, struct amdgpu_svm_range, dead_link);
	if (range)
		list_del_init(&range->dead_link);
	spin_unlock(&svm->queue_lock);
	return range;
}

static struct amdgpu_svm_range *unqueue_remap(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_range *range;

	spin_lock(&svm->queue_lock);
	range = list_first_entry_or_null(&svm->remap, struct amdgpu_svm_range, remap_link);
	if (range)
		list_del_init(&range->remap_link);
	spin_unlock(&svm->queue_lock);
	return range;
}

/*
 * Phase one, for all of the event: an event costs one flush, however many notifiers see
 * it. Each of them looks again, as faults may have mapped something between two of them.
 */
static void unmap_ranges(struct amdgpu_svm *svm, const struct mmu_notifier_range *mmu_range)
{
	unsigned long zaps = amdgpu_svm_unmap(svm, mmu_range->start >> PAGE_SHIFT,
					      (mmu_range->end - 1) >> PAGE_SHIFT);

	if (!zaps)
		return;
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_INVALIDATIONS);
	amdgpu_svm_add(svm, AMDGPU_SVM_COUNT_ZAPS, zaps);
}

/**
 * amdgpu_svm_invalidate() - the process's page tables change
 * @gpusvm: of the VM
 * @notifier: whose part of the address space is concerned
 * @mmu_range: what happens where
 */
void amdgpu_svm_invalidate(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
			   const struct mmu_notifier_range *mmu_range)
{
	struct amdgpu_svm *svm = to_amdgpu_svm(gpusvm);
	unsigned long start = max(mmu_range->start, drm_gpusvm_notifier_start(notifier));
	unsigned long end = min(mmu_range->end, drm_gpusvm_notifier_end(notifier));
	bool gone = mmu_range->event == MMU_NOTIFY_UNMAP ||
		    mmu_range->event == MMU_NOTIFY_RELEASE;
	const struct drm_gpusvm_ctx ctx = { .in_notifier = true };
	struct drm_gpusvm_range *base = NULL;

	lockdep_assert_held_write(&gpusvm->notifier_lock);
	trace_amdgpu_svm_invalidate(svm->vm->pasid, start, end, mmu_range->event);
	unmap_ranges(svm, mmu_range);

	drm_gpusvm_for_each_range(base, notifier, start, end) {
		struct amdgpu_svm_range *range = to_amdgpu_svm_range(base);

		drm_gpusvm_unmap_pages(gpusvm, &range->pages, amdgpu_svm_range_pages(range), &ctx);
		if (gone) {
			amdgpu_svm_compat_set_unmapped(base, &range->pages, mmu_range);
			queue_range(svm, range, &range->dead_link, &svm->dead);
		}
		if (mmu_range->event != MMU_NOTIFY_RELEASE)
			amdgpu_svm_remap_later(svm, range);
	}
}

/**
 * amdgpu_svm_collect() - destroy ranges whose memory was unmapped
 * @svm: the VM's SVM
 * @wait: for ranges that somebody has locked, perhaps to get their pages from a disk;
 *	otherwise leave the rest to the work item
 */
void amdgpu_svm_collect(struct amdgpu_svm *svm, bool wait)
{
	struct amdgpu_svm_range *range;

	if (list_empty_careful(&svm->dead))
		return;
	while ((range = unqueue_dead(svm))) {
		if (wait) {
			mutex_lock(&range->lock);
		} else if (!mutex_trylock(&range->lock)) {
			queue_range(svm, range, &range->dead_link, &svm->dead);
			drm_gpusvm_range_put(&range->base);
			return;
		}
		amdgpu_svm_range_destroy_locked(svm, range);
		mutex_unlock(&range->lock);
		drm_gpusvm_range_put(&range->base);
	}
}

/**
 * amdgpu_svm_map_always() - map what is to be always mapped
 * @svm: the VM's SVM; the caller keeps the mm's users
 * @start: page aligned
 * @end: page aligned
 *
 * Return: 0, -EINTR on a fatal signal, -ENOMEM.
 */
int amdgpu_svm_map_always(struct amdgpu_svm *svm, unsigned long start, unsigned long end)
{
	struct amdgpu_svm_attr_span span;
	unsigned long stop;
	int r = 0;

	for (; !r && !READ_ONCE(svm->closing) && start < end; start = stop) {
		span = amdgpu_svm_attr_lookup(&svm->attrs, start >> PAGE_SHIFT);
		stop = span.last >= (end - 1) >> PAGE_SHIFT ? end : (span.last + 1) << PAGE_SHIFT;
		if (amdgpu_svm_attr_is(span.word, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED))
			r = amdgpu_svm_populate(svm, start, stop);
	}
	return r;
}

/* As far as it still is to be mapped; what fails is left to faults. */
static void remap(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_range *range;

	if (xchg(&svm->remap_all, false))
		amdgpu_svm_map_always(svm, 0, svm->gpusvm.mm_start + svm->gpusvm.mm_range);
	while ((range = unqueue_remap(svm))) {
		unsigned long start = amdgpu_svm_range_start(range);
		unsigned long end = amdgpu_svm_range_end(range);

		drm_gpusvm_range_put(&range->base);
		amdgpu_svm_map_always(svm, start, end);
	}
}

/* --- attributes of memory that goes away ----------------------------------------------- */

static bool has_attrs(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	struct amdgpu_svm_attr_span span;

	return amdgpu_svm_attr_next(&svm->attrs, first, last, &span);
}

/* As many unmaps in a row as shortage may meet before one of them counts as lost */
#define MAX_SPARES	16

/* Keep a note to write on, or free it. */
static void put_note(struct amdgpu_svm *svm, struct svm_drop *drop)
{
	spin_lock(&svm->queue_lock);
	if (svm->num_spares < MAX_SPARES) {
		list_add(&drop->link, &svm->spares);
		svm->num_spares++;
		drop = NULL;
	}
	spin_unlock(&svm->queue_lock);
	kfree(drop);
}

static int fill_spares(struct amdgpu_svm *svm)
{
	struct svm_drop *drop;

	while (READ_ONCE(svm->num_spares) < MAX_SPARES) {
		drop = kmalloc_obj(*drop);
		if (!drop)
			return -ENOMEM;
		put_note(svm, drop);
	}
	return 0;
}

static struct svm_drop *take_spare(struct amdgpu_svm *svm)
{
	struct svm_drop *drop = list_first_entry_or_null(&svm->spares, struct svm_drop, link);

	lockdep_assert_held(&svm->queue_lock);
	if (drop) {
		list_del(&drop->link);
		svm->num_spares--;
	}
	return drop;
}

static void note_drop(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	struct svm_drop *drop;

	/* Nobody looks at attributes any more, nor empties the list. */
	if (READ_ONCE(svm->closing))
		return;
	drop = kmalloc_obj(*drop, GFP_NOWAIT);
	spin_lock(&svm->queue_lock);
	if (!drop)
		drop = take_spare(svm);
	if (drop) {
		drop->first = first;
		drop->last = last;
		list_add_tail(&drop->link, &svm->drops);
	} else {
		svm->drops_lost = true;
	}
	WRITE_ONCE(svm->drops_pending, true);
	if (!svm->closing)
		start_work(svm);
	spin_unlock(&svm->queue_lock);
}

/* Never sleeps, so events that must not block are welcome too. */
static bool unmaps_invalidate(struct mmu_interval_notifier *mni,
			      const struct mmu_notifier_range *mmu_range, unsigned long seq)
{
	struct amdgpu_svm *svm = container_of(mni, struct amdgpu_svm, unmaps);
	unsigned long first = mmu_range->start >> PAGE_SHIFT;
	unsigned long last = (mmu_range->end - 1) >> PAGE_SHIFT;

	mmu_interval_set_seq(mni, seq);
	/* Perhaps the right comes back for lack of which it could not be mapped before. */
	if (mmu_range->event == MMU_NOTIFY_PROTECTION_VMA && always_mapped(svm, first, last))
		amdgpu_svm_remap_all_later(svm);
	if (mmu_range->event != MMU_NOTIFY_UNMAP && mmu_range->event != MMU_NOTIFY_RELEASE)
		return true;
	if (has_attrs(svm, first, last))
		note_drop(svm, first, last);
	return true;
}

static const struct mmu_interval_notifier_ops unmaps_ops = {
	.invalidate = unmaps_invalidate,
};

/**
 * amdgpu_svm_watch_unmaps() - see every munmap(2) of the process from now on
 * @svm: the VM's SVM; the caller is a thread of the process
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_watch_unmaps(struct amdgpu_svm *svm)
{
	int r = fill_spares(svm);

	if (r)
		return r;
	mutex_lock(&svm->lock);
	if (!svm->unmaps_on) {
		r = mmu_interval_notifier_insert(&svm->unmaps, svm->gpusvm.mm, 0,
						 svm->gpusvm.mm->task_size, &unmaps_ops);
		svm->unmaps_on = !r;
	}
	mutex_unlock(&svm->lock);
	/* Not in effect before events that are under way have ended. */
	if (!r)
		mmu_interval_read_begin(&svm->unmaps);
	return r;
}

static int drop_interval(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	struct amdgpu_svm_attr_change change;
	int r;

	amdgpu_svm_attr_change_reset(&change);
	r = amdgpu_svm_attr_apply(&svm->attrs, first, last, &change);
	/* Who began before the unmap may have mapped new memory there with the old ones. */
	amdgpu_svm_unmap_stale(svm, first, last);
	if (r)
		return r;
	trace_amdgpu_svm_drop(svm->vm->pasid, (u64)first << PAGE_SHIFT,
			      (u64)(last + 1) << PAGE_SHIFT, 0);
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_DROPS);
	return 0;
}

/* Drop the attributes of everything that is not mapped. */
static int drop_holes(struct amdgpu_svm *svm)
{
	struct mm_struct *mm = svm->gpusvm.mm;
	unsigned long end = svm->gpusvm.mm_start + svm->gpusvm.mm_range;
	struct vm_area_struct *vma;
	struct vma_iterator vmi;
	unsigned long addr = 0;
	int r = 0;

	vma_iter_init(&vmi, mm, 0);
	for_each_vma(vmi, vma) {
		if (vma->vm_start > addr && has_attrs(svm, addr >> PAGE_SHIFT,
						      (vma->vm_start - 1) >> PAGE_SHIFT))
			r = drop_interval(svm, addr >> PAGE_SHIFT,
					  (vma->vm_start - 1) >> PAGE_SHIFT);
		if (r)
			return r;
		addr = vma->vm_end;
	}
	if (addr < end && has_attrs(svm, addr >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT))
		r = drop_interval(svm, addr >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
	return r;
}

static int drop_noted(struct amdgpu_svm *svm)
{
	struct svm_drop *drop;
	int r;

	for (;;) {
		spin_lock(&svm->queue_lock);
		drop = list_first_entry_or_null(&svm->drops, struct svm_drop, link);
		if (drop)
			list_del(&drop->link);
		else
			WRITE_ONCE(svm->drops_pending, svm->drops_lost);
		spin_unlock(&svm->queue_lock);
		if (!drop)
			return 0;
		r = drop_interval(svm, drop->first, drop->last);
		if (r) {
			spin_lock(&svm->queue_lock);
			list_add(&drop->link, &svm->drops);
			spin_unlock(&svm->queue_lock);
			return r;
		}
		put_note(svm, drop);
	}
}

/**
 * amdgpu_svm_drop_attrs() - drop the attributes of memory that went away
 * @svm: the VM's SVM; the mmap lock is held
 *
 * Whoever looks at or changes attributes has to call this first.
 *
 * Return: 0 or a negative error: no memory, or a fatal signal.
 */
int amdgpu_svm_drop_attrs(struct amdgpu_svm *svm)
{
	int r = 0;

	mmap_assert_locked(svm->gpusvm.mm);
	if (!READ_ONCE(svm->drops_pending))
		return 0;
	mutex_lock(&svm->drop_lock);
	if (xchg(&svm->drops_lost, false))
		r = drop_holes(svm);
	if (r)
		WRITE_ONCE(svm->drops_lost, true);
	else
		r = drop_noted(svm);
	mutex_unlock(&svm->drop_lock);
	return r;
}

/*
 * The process has ended or executes another program: nobody can set attributes any
 * more. Without memory for it they stay until the file is closed.
 */
static void drop_all(struct amdgpu_svm *svm)
{
	unsigned long last = (svm->gpusvm.mm_start + svm->gpusvm.mm_range - 1) >> PAGE_SHIFT;

	mutex_lock(&svm->drop_lock);
	if (has_attrs(svm, 0, last))
		drop_interval(svm, 0, last);
	mutex_unlock(&svm->drop_lock);
}

/**
 * amdgpu_svm_work() - do what notifiers left to do
 * @work: &amdgpu_svm.work
 */
void amdgpu_svm_work(struct work_struct *work)
{
	struct amdgpu_svm *svm = container_of(work, struct amdgpu_svm, work);
	struct mm_struct *mm = svm->gpusvm.mm;

	amdgpu_svm_collect(svm, true);
	if (!mmget_not_zero(mm)) {
		drop_all(svm);
		return;
	}
	mmap_read_lock(mm);
	/* What fails for lack of memory is tried again by who needs it. */
	amdgpu_svm_drop_attrs(svm);
	mmap_read_unlock(mm);
	remap(svm);
	mmput(mm);
}

/**
 * amdgpu_svm_forget_queues() - empty the queues without doing what they say
 * @svm: the VM's SVM, closing, its notifiers removed, its work item idle
 */
void amdgpu_svm_forget_queues(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_range *range;
	struct svm_drop *drop, *next;

	while ((range = unqueue_dead(svm)) || (range = unqueue_remap(svm)))
		drm_gpusvm_range_put(&range->base);
	list_splice(&svm->spares, &svm->drops);
	list_for_each_entry_safe(drop, next, &svm->drops, link)
		kfree(drop);
}

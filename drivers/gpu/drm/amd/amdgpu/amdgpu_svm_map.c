// SPDX-License-Identifier: GPL-2.0-only

#include <linux/dma-fence.h>
#include <linux/interval_tree_generic.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_exec.h>
#include <drm/drm_pagemap.h>

#include "amdgpu.h"
#include "amdgpu_svm_mtype.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_pt.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"

/**
 * DOC: Mapping
 *
 * Decides what goes into page table entries, commits ranges to the page tables
 * and takes them out again. Owns &amdgpu_svm.mapped, the tree of what the GPU may
 * reach, and &amdgpu_svm.refused, the pages with a no-retry entry.
 *
 * A commit is the one place where everything has to be true at once: root page
 * directory reserved (no buffer object is there, and none can come), notifier
 * lock held for reading (the pages are still the process's), eviction lock held
 * (the tables stay; the attributes are compared once more, and whoever changes
 * them looks at the tree under this lock afterwards). Nothing is allocated under
 * the latter two.
 *
 * Lock order, outer to inner:
 *
 *	all_svms_lock			open, close, unplug, reset
 *	&amdgpu_svm_range.lock		get pages, map, destroy
 *	&amdgpu_svm.lock		find, insert, remove; each SET; closing
 *	mmap lock			of the process
 *	&amdgpu_svm.drop_lock, &amdgpu_svm_attr_map.lock
 *	root page directory reservation	prepare tables, commit
 *	drm_gpusvm notifier lock	commit (read), notifier (write)
 *	VM eviction lock		entries, &amdgpu_svm.mapped
 *	reset domain's semaphore (read, tried), locks of the TLB flush
 *	&amdgpu_svm.queue_lock
 *
 * Nobody holds &amdgpu_svm.lock or the mmap lock while committing.
 *
 * From the notifier lock on everything is reachable from memory reclaim: no
 * allocation that reclaims, no dma_resv. What a notifier waits for is the eviction
 * lock, whose holders wait for page table jobs at most, and the TLB flush. Not for a
 * reset: nothing is mapped during one, see amdgpu_svm_reset_begin().
 *
 * Limit: commits need the root page directory's reservation. Who holds it and
 * waits for a job that itself waits for SVM stops that job until its time is up;
 * the driver does so when it has to evict under memory pressure in a submission,
 * and when it evicts everything, tables in use included: to suspend, or for debugfs.
 */

#define START(mapping)	((mapping)->start)
#define LAST(mapping)	((mapping)->last)
/* The VM's own instance of these functions is static; lookups are all we need. */
INTERVAL_TREE_DEFINE(struct amdgpu_bo_va_mapping, rb, u64, __subtree_last, START, LAST,
		     static __maybe_unused, svm_bo_it)
#undef START
#undef LAST

static struct amdgpu_svm_range *range_of(struct interval_tree_node *node)
{
	return container_of(node, struct amdgpu_svm_range, node);
}

static u64 gpu_page(unsigned long addr)
{
	return addr / AMDGPU_GPU_PAGE_SIZE;
}

/**
 * amdgpu_svm_bo_overlaps() - is a buffer object mapped there?
 * @vm: its root page directory is reserved
 * @first: first GPU page number
 * @last: last GPU page number
 *
 * Return: whether any part of the range belongs to a buffer object.
 */
bool amdgpu_svm_bo_overlaps(struct amdgpu_vm *vm, u64 first, u64 last)
{
	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	return svm_bo_it_iter_first(&vm->va, first, last);
}

/**
 * amdgpu_svm_bo_clip() - leave buffer objects out of an interval
 * @svm: the VM's SVM; nothing is reserved
 * @addr: an address in it
 * @start: its start; moved up to the end of the nearest buffer object before @addr
 * @end: its end; moved down to the start of the nearest one after @addr
 *
 * The answer is true no longer than the reservation, so whoever acts on it asks
 * again when it commits.
 *
 * Return: 0, or -EADDRINUSE if @addr itself is in a buffer object.
 */
int amdgpu_svm_bo_clip(struct amdgpu_svm *svm, unsigned long addr, unsigned long *start,
		       unsigned long *end)
{
	u64 page = gpu_page(addr), first = gpu_page(*start), last = gpu_page(*end) - 1;
	struct amdgpu_bo_va_mapping *mapping;
	struct drm_exec exec;
	int r;

	r = amdgpu_svm_lock_vm(svm, &exec);
	if (r)
		goto out;
	mapping = svm_bo_it_iter_first(&svm->vm->va, page, last);
	if (mapping && mapping->start <= page)
		r = -EADDRINUSE;
	else if (mapping)
		last = mapping->start - 1;
	while (!r && page > first &&
	       (mapping = svm_bo_it_iter_first(&svm->vm->va, first, page - 1)))
		first = mapping->last + 1;
	*start = first * AMDGPU_GPU_PAGE_SIZE;
	*end = (last + 1) * AMDGPU_GPU_PAGE_SIZE;
out:
	drm_exec_fini(&exec);
	return r;
}

/**
 * amdgpu_svm_in_bo() - is an address in a buffer object?
 * @svm: the VM's SVM; nothing is reserved
 * @addr: the address
 *
 * Return: whether a buffer object is mapped there.
 */
bool amdgpu_svm_in_bo(struct amdgpu_svm *svm, unsigned long addr)
{
	unsigned long start = addr & PAGE_MASK, end = start + PAGE_SIZE;

	return amdgpu_svm_bo_clip(svm, addr, &start, &end) == -EADDRINUSE;
}

/**
 * amdgpu_svm_check_bo_map() - may a buffer object be mapped there?
 * @vm: its root page directory is reserved
 * @addr: first address
 * @size: in bytes
 *
 * Memory of the process that the GPU has in use there keeps its place. As commits
 * need the reservation too, the answer stays true until it is dropped. Addresses that
 * were refused end here: later that would destroy the entries of the buffer object.
 *
 * Return: 0, or -EADDRINUSE.
 */
int amdgpu_svm_check_bo_map(struct amdgpu_vm *vm, u64 addr, u64 size)
{
	struct amdgpu_svm *svm = vm->svm;
	bool taken;

	if (!svm)
		return 0;
	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	amdgpu_vm_eviction_lock(vm);
	taken = interval_tree_iter_first(&svm->mapped, addr >> PAGE_SHIFT,
					 (addr + size - 1) >> PAGE_SHIFT);
	amdgpu_vm_eviction_unlock(vm);
	if (taken)
		return -EADDRINUSE;
	amdgpu_svm_refuse_end(svm);
	return 0;
}

/* --- buffer objects that are being unmapped ----------------------------------------- */

/* Entries that a job will clear, which is why nothing else can be there yet. */
struct svm_free {
	struct interval_tree_node node;
	struct list_head link;
	struct dma_fence *fence;
};

/* A job that waits for the very access that faults here ends no sooner. */
#define FREE_TIMEOUT	msecs_to_jiffies(500)

/* A job may clear a block of this many bytes as one entry. */
#define FREE_BLOCK	SZ_2M

static void end_free(struct amdgpu_svm *svm, struct svm_free *free)
{
	interval_tree_remove(&free->node, &svm->frees);
	list_del(&free->link);
	dma_fence_put(free->fence);
	kfree(free);
}

/* Jobs of a VM end in the order in which they were noted. */
static void end_frees(struct amdgpu_svm *svm, bool all)
{
	struct svm_free *free, *next;

	list_for_each_entry_safe(free, next, &svm->free_list, link) {
		if (!all && !dma_fence_is_signaled(free->fence))
			return;
		end_free(svm, free);
	}
}

/**
 * amdgpu_svm_note_free() - a job will clear the entries of a buffer object
 * @vm: the VM, its root page directory is reserved
 * @first: first GPU page number
 * @last: last GPU page number
 * @fence: of the job, may be NULL
 *
 * The job may have to wait for all work of the VM. Memory of the process that is
 * mapped in the same place meanwhile must not be unmapped by it.
 */
void amdgpu_svm_note_free(struct amdgpu_vm *vm, u64 first, u64 last, struct dma_fence *fence)
{
	struct amdgpu_svm *svm = vm->svm;
	struct svm_free *free;

	if (!svm || !fence || dma_fence_is_signaled(fence))
		return;
	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	end_frees(svm, false);
	free = kmalloc_obj(*free);
	if (!free) {
		dma_fence_wait(fence, false);
		return;
	}
	free->node.start = ALIGN_DOWN(first * AMDGPU_GPU_PAGE_SIZE, FREE_BLOCK);
	free->node.last = ALIGN((last + 1) * AMDGPU_GPU_PAGE_SIZE, FREE_BLOCK) - 1;
	free->fence = dma_fence_get(fence);
	list_add_tail(&free->link, &svm->free_list);
	interval_tree_insert(&free->node, &svm->frees);
}

/**
 * amdgpu_svm_forget_frees() - before the VM ends
 * @svm: the VM's SVM, out of use
 */
void amdgpu_svm_forget_frees(struct amdgpu_svm *svm)
{
	end_frees(svm, true);
}

/* Wait until no job will clear entries in [@first, @last] any more. */
static int wait_for_frees(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	struct interval_tree_node *node;
	long left = FREE_TIMEOUT;

	dma_resv_assert_held(svm->vm->root.bo->tbo.base.resv);
	while ((node = interval_tree_iter_first(&svm->frees, first, last))) {
		struct svm_free *free = container_of(node, struct svm_free, node);

		left = dma_fence_wait_timeout(free->fence, false, left);
		if (left <= 0)
			return left ? left : -EBUSY;
		end_free(svm, free);
	}
	return 0;
}

/* --- page table entries ---------------------------------------------------------- */

/* Else the memory types are those of other GPUs. */
static_assert(AMDGPU_SVM_GC(9, 4, 3) == IP_VERSION(9, 4, 3));

static u64 entry_flags(struct amdgpu_svm *svm, u32 word, bool writable)
{
	struct amdgpu_device *adev = svm->adev;
	const struct amdgpu_svm_mtype_gpu gpu = {
		.gc = amdgpu_ip_version(adev, GC_HWIP, 0),
		.apu = adev->flags & AMD_IS_APU,
		.nodes = num_possible_nodes() > 1,
		.local = amdgpu_mtype_local,
	};
	u64 flags = AMDGPU_PTE_VALID | AMDGPU_PTE_SYSTEM | AMDGPU_PTE_SNOOPED;
	u32 vm_flags = amdgpu_svm_mtype(&gpu, word);

	if (amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_GPU_EXEC))
		vm_flags |= AMDGPU_VM_PAGE_EXECUTABLE;
	amdgpu_gmc_get_vm_pte(adev, svm->vm, NULL, vm_flags, &flags);
	flags |= AMDGPU_PTE_READABLE;
	if (writable)
		flags |= AMDGPU_PTE_WRITEABLE;
	return flags;
}

/* --- contiguous runs --------------------------------------------------------------- */

struct run_iter {
	const struct drm_pagemap_addr *dma;
	unsigned long page;
	unsigned long pages;
	unsigned long i;
	u64 pfn;
};

static void run_start(struct run_iter *it, struct amdgpu_svm_range *range)
{
	it->dma = range->pages.dma_addr;
	it->page = 0;
	it->pages = amdgpu_svm_range_pages(range);
	it->i = 0;
	it->pfn = gpu_page(amdgpu_svm_range_start(range));
}

/* The next pages of the range that lie one after the other on the bus. */
static bool run_next(struct run_iter *it, struct amdgpu_svm_run *run)
{
	if (it->page >= it->pages)
		return false;
	run->pfn = it->pfn + it->page * AMDGPU_GPU_PAGES_IN_CPU_PAGE;
	run->addr = it->dma[it->i].addr;
	run->count = 0;
	do {
		unsigned long n = 1UL << it->dma[it->i].order;

		run->count += n * AMDGPU_GPU_PAGES_IN_CPU_PAGE;
		it->page += n;
		it->i++;
	} while (it->page < it->pages &&
		 it->dma[it->i].addr == run->addr + run->count * AMDGPU_GPU_PAGE_SIZE);
	return true;
}

/* --- mapping ------------------------------------------------------------------------ */

static int validate_table(void *param, struct amdgpu_bo *bo)
{
	struct ttm_operation_ctx ctx = { .interruptible = false, .no_wait_gpu = false };

	return ttm_bo_validate(&bo->tbo, &bo->placement, &ctx);
}

/**
 * amdgpu_svm_lock_vm() - reserve the root page directory and make the VM ready
 * @svm: the VM's SVM
 * @exec: initialised here; the caller calls drm_exec_fini() in any case
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_lock_vm(struct amdgpu_svm *svm, struct drm_exec *exec)
{
	struct amdgpu_vm *vm = svm->vm;
	int r = 0;

	drm_exec_init(exec, 0, 1);
	drm_exec_until_all_locked(exec) {
		r = amdgpu_vm_lock_pd(vm, exec, 1);
		drm_exec_retry_on_contention(exec);
		if (r)
			return r;
	}
	if (!amdgpu_vm_ready(vm))
		r = amdgpu_vm_validate(svm->adev, vm, NULL, validate_table, NULL);
	/*
	 * Buffer objects that userspace has unmapped, and whose entries are still
	 * there: jobs will clear them, and amdgpu_svm_note_free() says where. But not if
	 * the scheduler takes no more jobs, because a process was killed that had the file
	 * too: one that is pushed never ends.
	 */
	if (r || READ_ONCE(svm->closing) || !amdgpu_vm_ready(vm))
		return r;
	return amdgpu_vm_clear_freed(svm->adev, vm, NULL);
}

static int prepare_tables(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	struct amdgpu_svm_run run;
	struct run_iter it;
	int r;

	r = wait_for_frees(svm, amdgpu_svm_range_start(range), amdgpu_svm_range_end(range) - 1);
	if (r)
		return r;
	run_start(&it, range);
	while (!r && run_next(&it, &run))
		r = amdgpu_svm_pt_prepare(svm->adev, svm->vm, &run);
	return r ?: amdgpu_svm_pt_end(svm->adev, svm->vm);
}

/* Do the attributes still say @word for the whole range? */
static bool attrs_hold(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word)
{
	unsigned long page = amdgpu_svm_range_start(range) >> PAGE_SHIFT;
	unsigned long last = (amdgpu_svm_range_end(range) - 1) >> PAGE_SHIFT;

	for (;;) {
		struct amdgpu_svm_attr_span span = amdgpu_svm_attr_lookup(&svm->attrs, page);

		if (!amdgpu_svm_attr_same_pte(span.word, word))
			return false;
		if (span.last >= last)
			return true;
		page = span.last + 1;
	}
}

/* Forget no-retry entries that the range replaces. They may be in the TLB. */
static bool replace_refused(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	unsigned long page;
	bool any = false;
	void *entry;

	xa_for_each_range(&svm->refused, page, entry, first, last) {
		xa_erase(&svm->refused, page);
		WRITE_ONCE(svm->num_refused, svm->num_refused - 1);
		any = true;
	}
	return any;
}

static int write_entries(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word,
			 bool writable)
{
	struct amdgpu_device *adev = svm->adev;
	u64 flags = entry_flags(svm, word, writable), run_flags;
	struct amdgpu_svm_run run;
	unsigned long huge = 0;
	struct run_iter it;
	int r = 0;

	run_start(&it, range);
	while (r >= 0 && run_next(&it, &run)) {
		run_flags = flags;
		if (adev->gmc.override_pte)
			amdgpu_gmc_override_vm_pte_flags(adev, svm->vm, run.addr, &run_flags);
		r = amdgpu_svm_pt_write(adev, svm->vm, &run, run_flags);
		huge += max(r, 0);
	}
	if (r < 0) {
		amdgpu_svm_pt_clear(adev, svm->vm, gpu_page(amdgpu_svm_range_start(range)),
				    gpu_page(amdgpu_svm_range_end(range)) - 1);
		/* The TLB may remember what was there for a moment. */
		svm->cleared++;
		return r;
	}
	amdgpu_svm_add(svm, AMDGPU_SVM_COUNT_HUGE, huge);
	return 0;
}

/*
 * The moment of truth, see above. Not present becomes present, which the TLBs of
 * these GPUs do not remember, so only a replaced no-retry entry needs a flush.
 */
static int commit(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word,
		  const unsigned long *pfns, bool *flush)
{
	bool writable = !range->read_only && !amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_GPU_RO);
	int r = -EAGAIN;

	lockdep_assert_held(&range->lock);
	drm_gpusvm_notifier_lock(&svm->gpusvm);
	amdgpu_vm_eviction_lock(svm->vm);
	if (READ_ONCE(svm->closing) || svm->vm->evicting || range->pages.flags.unmapped ||
	    !amdgpu_svm_compat_pages_valid(&svm->gpusvm, &range->pages) ||
	    !attrs_hold(svm, range, word))
		goto unlock;
	r = -EBUSY;
	/* Pairs with amdgpu_svm_reset_begin(), which takes the lock after it has set it. */
	if (amdgpu_svm_in_reset(svm->adev))
		goto unlock;
	if (writable)
		amdgpu_svm_mark_dirty(svm, range, pfns);
	r = write_entries(svm, range, word, writable);
	amdgpu_svm_pt_flush(svm->adev);
	if (r)
		goto unlock;
	range->node.start = amdgpu_svm_range_start(range) >> PAGE_SHIFT;
	range->node.last = (amdgpu_svm_range_end(range) - 1) >> PAGE_SHIFT;
	*flush = replace_refused(svm, range->node.start, range->node.last);
	range->word = word;
	range->writable = writable;
	range->mapped = true;
	interval_tree_insert(&range->node, &svm->mapped);
	svm->mapped_pages += amdgpu_svm_range_pages(range);
unlock:
	amdgpu_vm_eviction_unlock(svm->vm);
	drm_gpusvm_notifier_unlock(&svm->gpusvm);
	return r;
}

/**
 * amdgpu_svm_map() - let the GPU reach a range
 * @svm: the VM's SVM
 * @range: locked, not mapped, its pages got
 * @word: its attributes
 * @pfns: as amdgpu_svm_look_up_pages() has found them, if the GPU may write
 *
 * Return: 0, -EADDRINUSE if a buffer object is there, -EAGAIN if the pages or
 * the attributes changed meanwhile, -EBUSY while the GPU is reset or if jobs that have to
 * be waited for do not end soon, or another negative error.
 */
int amdgpu_svm_map(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word,
		   const unsigned long *pfns)
{
	u64 first = gpu_page(amdgpu_svm_range_start(range));
	u64 last = gpu_page(amdgpu_svm_range_end(range)) - 1;
	struct drm_exec exec;
	bool flush = false;
	int r, idx;

	if (!drm_dev_enter(adev_to_drm(svm->adev), &idx))
		return -ENODEV;
	r = amdgpu_svm_lock_vm(svm, &exec);
	if (!r && amdgpu_svm_bo_overlaps(svm->vm, first, last))
		r = -EADDRINUSE;
	if (!r)
		r = prepare_tables(svm, range);
	if (!r)
		r = commit(svm, range, word, pfns, &flush);
	drm_exec_fini(&exec);
	if (flush)
		amdgpu_svm_flush(svm);
	drm_dev_exit(idx);
	if (r)
		return r;

	range->seen_ts = 0;
	range->rounds = 0;
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_MAPS);
	amdgpu_svm_add(svm, AMDGPU_SVM_COUNT_PAGES, amdgpu_svm_range_pages(range));
	trace_amdgpu_svm_map(svm->vm->pasid, amdgpu_svm_range_start(range),
			     amdgpu_svm_range_end(range), word, range->read_only);
	return 0;
}

/* --- unmapping ------------------------------------------------------------------------ */

/**
 * amdgpu_svm_unmap_locked() - clear the entries of a range
 * @svm: the VM's SVM; the VM's eviction lock is held
 * @range: the range, mapped or not
 *
 * The caller calls amdgpu_svm_flush_cleared() before it gives up the pages. Does not
 * allocate.
 *
 * Return: whether there was anything to clear.
 */
bool amdgpu_svm_unmap_locked(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	int idx;

	lockdep_assert_held(&svm->vm->eviction_lock);
	if (!range->mapped)
		return false;
	/* After amdgpu_svm_unplug() there is nothing; a GPU that is torn out cannot. */
	if (drm_dev_enter(adev_to_drm(svm->adev), &idx)) {
		amdgpu_svm_pt_clear(svm->adev, svm->vm, gpu_page(amdgpu_svm_range_start(range)),
				    gpu_page(amdgpu_svm_range_end(range)) - 1);
		drm_dev_exit(idx);
	}
	interval_tree_remove(&range->node, &svm->mapped);
	svm->mapped_pages -= amdgpu_svm_range_pages(range);
	range->mapped = false;
	svm->cleared++;
	return true;
}

/*
 * Unmap what @stale says, or everything, of the mapped ranges in [@first, @last] and
 * flush once.
 */
static unsigned long unmap_if(struct amdgpu_svm *svm, unsigned long first, unsigned long last,
			      bool (*stale)(struct amdgpu_svm *svm,
					    struct amdgpu_svm_range *range))
{
	struct interval_tree_node *node, *next;
	unsigned long zaps = 0;

	amdgpu_vm_eviction_lock(svm->vm);
	for (node = interval_tree_iter_first(&svm->mapped, first, last); node; node = next) {
		struct amdgpu_svm_range *range = range_of(node);

		next = interval_tree_iter_next(node, first, last);
		if (stale && !stale(svm, range))
			continue;
		zaps += amdgpu_svm_unmap_locked(svm, range);
		if (stale)
			amdgpu_svm_remap_later(svm, range);
	}
	amdgpu_vm_eviction_unlock(svm->vm);
	amdgpu_svm_flush_cleared(svm);
	return zaps;
}

static bool attrs_changed(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	return !attrs_hold(svm, range, range->word);
}

/**
 * amdgpu_svm_unmap_stale() - unmap what was mapped under other attributes
 * @svm: the VM's SVM
 * @first: first page number of the change
 * @last: last page number
 *
 * Ranges whose entries would look the same stay. The pages of the others stay as
 * well; the next fault maps them again, or builds new ranges where one crosses
 * the edge of the change. Where memory is to be always mapped that happens without
 * a fault.
 */
void amdgpu_svm_unmap_stale(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	unmap_if(svm, first, last, attrs_changed);
}

/**
 * amdgpu_svm_unmap() - unmap whatever overlaps an interval
 * @svm: the VM's SVM
 * @first: first page number
 * @last: last page number
 *
 * Afterwards the GPU is done with what was mapped there. Does not allocate.
 *
 * Return: how many ranges were mapped.
 */
unsigned long amdgpu_svm_unmap(struct amdgpu_svm *svm, unsigned long first, unsigned long last)
{
	return unmap_if(svm, first, last, NULL);
}

/**
 * amdgpu_svm_unmap_all() - unmap everything
 * @svm: the VM's SVM
 *
 * What is to be always mapped comes back with the page tables: see
 * amdgpu_svm_tables_valid().
 */
void amdgpu_svm_unmap_all(struct amdgpu_svm *svm)
{
	if (amdgpu_svm_unmap(svm, 0, ULONG_MAX))
		WRITE_ONCE(svm->all_gone, true);
}

/**
 * amdgpu_svm_table_moves() - a buffer object of the VM is about to move
 * @vm: the VM
 * @bo: the buffer object, reserved
 *
 * If it is a page table nobody uses the VM just now, or the driver would not
 * move it. Nothing may stay mapped meanwhile, as a notifier could not take it
 * away; the next faults map it again, or the next submission what is to be always
 * mapped.
 */
void amdgpu_svm_table_moves(struct amdgpu_vm *vm, struct amdgpu_bo *bo)
{
	if (!vm->svm || bo->tbo.type != ttm_bo_type_kernel ||
	    !amdgpu_vm_is_bo_always_valid(vm, bo))
		return;
	amdgpu_svm_unmap_all(vm->svm);
	amdgpu_svm_refuse_end(vm->svm);
}

/**
 * amdgpu_svm_tables_lost() - the contents of page tables cannot be trusted
 * @vm: the VM, its root page directory is reserved
 *
 * After a reset that lost the VRAM.
 */
void amdgpu_svm_tables_lost(struct amdgpu_vm *vm)
{
	if (vm->svm)
		amdgpu_svm_unmap_all(vm->svm);
}

/* --- pages that the GPU is told to give up ------------------------------------------------ */

/* A user queue that runs wild submits nothing, and would have us note all it touches. */
#define MAX_REFUSED	512

/*
 * A range that is mapped there gives way: the access is more than it allows. Before
 * tables are prepared, as one may take the place of the range's leaf.
 */
static void make_way(struct amdgpu_svm *svm, unsigned long page)
{
	struct interval_tree_node *node;

	amdgpu_vm_eviction_lock(svm->vm);
	node = interval_tree_iter_first(&svm->mapped, page, page);
	if (node)
		amdgpu_svm_unmap_locked(svm, range_of(node));
	amdgpu_vm_eviction_unlock(svm->vm);
	amdgpu_svm_flush_cleared(svm);
}

static int prepare_refusal(struct amdgpu_svm *svm, const struct amdgpu_svm_run *run,
			   unsigned long page)
{
	int r;

	if (amdgpu_svm_bo_overlaps(svm->vm, run->pfn, run->pfn + run->count - 1))
		return -EADDRINUSE;
	r = wait_for_frees(svm, page << PAGE_SHIFT, ((page + 1) << PAGE_SHIFT) - 1);
	if (r)
		return r;
	make_way(svm, page);
	r = amdgpu_svm_pt_prepare(svm->adev, svm->vm, run);
	if (r)
		return r;
	r = amdgpu_svm_pt_end(svm->adev, svm->vm);
	return r ?: xa_reserve(&svm->refused, page, GFP_KERNEL);
}

/*
 * The entry and what amdgpu_svm_refuse_end() knows of it appear together, under the
 * lock that it takes.
 */
static int write_refusal(struct amdgpu_svm *svm, const struct amdgpu_svm_run *run,
			 unsigned long page)
{
	int r = -EBUSY;

	amdgpu_vm_eviction_lock(svm->vm);
	if (!svm->vm->evicting && !amdgpu_svm_in_reset(svm->adev))
		r = amdgpu_svm_pt_write(svm->adev, svm->vm, run, svm->adev->gmc.noretry_flags);
	if (!r)
		r = xa_err(xa_store(&svm->refused, page, xa_mk_value(1), GFP_NOWAIT));
	if (!r)
		WRITE_ONCE(svm->num_refused, svm->num_refused + 1);
	/* It was refused before, and is not any more, and nothing was reserved. */
	if (r == -ENOMEM)
		amdgpu_svm_pt_clear(svm->adev, svm->vm, run->pfn, run->pfn + run->count - 1);
	amdgpu_svm_pt_flush(svm->adev);
	amdgpu_vm_eviction_unlock(svm->vm);
	xa_release(&svm->refused, page);
	return r;
}

/**
 * amdgpu_svm_refuse() - make the GPU give up on an address
 * @svm: the VM's SVM
 * @addr: page aligned
 *
 * Writes an entry that turns the retried access into an error. It stays until
 * amdgpu_svm_refuse_end(), until something is mapped there, or until there are too
 * many: then all older ones go, and what still waits for one of them faults again.
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_refuse(struct amdgpu_svm *svm, unsigned long addr)
{
	struct amdgpu_svm_run run = {
		.pfn = gpu_page(addr), .count = AMDGPU_GPU_PAGES_IN_CPU_PAGE,
	};
	struct drm_exec exec;
	int r, idx;

	if (run.pfn >= svm->adev->vm_manager.max_pfn)
		return -EINVAL;
	if (!drm_dev_enter(adev_to_drm(svm->adev), &idx))
		return -ENODEV;
	r = amdgpu_svm_lock_vm(svm, &exec);
	if (!r && READ_ONCE(svm->num_refused) >= MAX_REFUSED)
		amdgpu_svm_refuse_end(svm);
	if (!r)
		r = prepare_refusal(svm, &run, addr >> PAGE_SHIFT);
	if (!r)
		r = write_refusal(svm, &run, addr >> PAGE_SHIFT);
	drm_exec_fini(&exec);
	drm_dev_exit(idx);
	return r;
}

/**
 * amdgpu_svm_refuse_end() - let refused addresses fault again
 * @svm: the VM's SVM
 *
 * Called when the process submits new work, changes attributes or maps a buffer object,
 * when tables move, and when there are too many: what was wrong then may be right now,
 * and nothing tells when a process maps memory.
 */
void amdgpu_svm_refuse_end(struct amdgpu_svm *svm)
{
	unsigned long page;
	bool any = false;
	void *entry;
	int idx;

	if (xa_empty(&svm->refused) || !drm_dev_enter(adev_to_drm(svm->adev), &idx))
		return;
	amdgpu_vm_eviction_lock(svm->vm);
	xa_for_each(&svm->refused, page, entry) {
		/* In this order, as who sees that none is left may move the tables. */
		amdgpu_svm_pt_clear(svm->adev, svm->vm, gpu_page(page << PAGE_SHIFT),
				    gpu_page((page + 1) << PAGE_SHIFT) - 1);
		xa_erase(&svm->refused, page);
		any = true;
	}
	WRITE_ONCE(svm->num_refused, 0);
	amdgpu_vm_eviction_unlock(svm->vm);
	if (any)
		amdgpu_svm_flush(svm);
	drm_dev_exit(idx);
}

/**
 * amdgpu_svm_tables_valid() - the page tables are where they belong
 * @vm: the VM, its root page directory is reserved
 *
 * A submission is being prepared.
 */
void amdgpu_svm_tables_valid(struct amdgpu_vm *vm)
{
	if (!vm->svm)
		return;
	amdgpu_svm_refuse_end(vm->svm);
	if (READ_ONCE(vm->svm->all_gone) && xchg(&vm->svm->all_gone, false))
		amdgpu_svm_remap_all_later(vm->svm);
}

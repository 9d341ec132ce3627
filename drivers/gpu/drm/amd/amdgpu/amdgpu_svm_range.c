// SPDX-License-Identifier: GPL-2.0-only

#include <linux/hmm.h>
#include <linux/mmap_lock.h>
#include <linux/pm_runtime.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "amdgpu.h"
#include "amdgpu_ih.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"

/**
 * DOC: Ranges
 *
 * Builds what faults and prefetches ask for: finds or inserts a range, gets the
 * pages, has them mapped. Owns the life of a range.
 *
 * &amdgpu_svm.lock, one per VM, covers only finding, inserting and removing. A range
 * leaves it with a reference; getting pages and mapping run under the range's own
 * lock, so that requests for different ranges do not wait for each other. Who gets
 * the lock of a range that was destroyed meanwhile sees &amdgpu_svm_range.dead and
 * starts again. Attempts are bounded by MAX_ATTEMPTS and counted. Those of a fault have
 * &amdgpu_svm_request.until as well: it ends as "later" then, and the GPU asks again.
 *
 * Nothing here looks at VMAs, except for whether a program watches them: drm_gpusvm sizes a
 * range by the VMA when it is inserted, and hmm_range_fault() says whether its pages can be
 * had. When they cannot, because the process changes part of it just then, or because a file
 * ends there, it is built anew, and narrower if that does not help either. Fatal is only what
 * HMM says of the very page, asked for it alone.
 *
 * Write permission is all or nothing: a range in memory that the process may write
 * is got for writing, which breaks copy on write, unless attributes say that the
 * GPU only reads, or a program watches the memory and the GPU just reads (heed_watch()).
 * A write to a range that was got for reading rebuilds it.
 *
 * Pages can only be had if nothing changes in the notifier's part of the address space
 * while they are got and mapped, which takes the longer the more they are. A process may
 * change its memory too fast for that. When drm_gpusvm has given up on a range, or when
 * MAX_LOSSES times its pages were lost before it was mapped, that part is busy for a
 * while, and there ranges are an eighth of what could not be had, and if need be an eighth of
 * an eighth, but not below BUSY_SIZE: what a request costs, however few the pages, decides then.
 * What was built so gives way to something wider after as long. Of several busy parts the
 * last one is known.
 *
 * It does not write page tables and does not decide about stale faults.
 */

#define MAX_ATTEMPTS	16
/* Of these, after how many that got pages for nothing fewer are wanted */
#define MAX_LOSSES	8
/* Of these, how many may fail for lack of memory */
#define MEMORY_ATTEMPTS	3
/* How often a program may provide a page and take it away before it is mapped */
#define MAX_WAITS	64
/*
 * How often a fault may come back to a range that is mapped, each time newer than
 * when it was looked at before, until it is taken for missing rights.
 */
#define MAX_ROUNDS	16
/* For how long that is busy, long compared with the second after which drm_gpusvm gives up */
#define BUSY_JIFFIES	(4 * HZ)
/* And what part of the range that could not be had is wanted there */
#define BUSY_SHARE	8
/* As long as that is no less than this */
#define BUSY_SIZE	SZ_64K

/* Above 2 MiB only if AMDGPU_SVM_ATTR_GRANULARITY asks for it. */
const unsigned long amdgpu_svm_chunk_sizes[] = {
	SZ_32M, SZ_16M, SZ_8M, SZ_4M, SZ_2M, SZ_1M, SZ_512K, SZ_256K, SZ_128K, SZ_64K,
	SZ_32K, SZ_16K, SZ_8K, SZ_4K,
};

const int amdgpu_svm_num_chunks = ARRAY_SIZE(amdgpu_svm_chunk_sizes);

static struct drm_gpusvm_range *range_alloc(struct drm_gpusvm *gpusvm)
{
	struct amdgpu_svm_range *range = kzalloc_obj(*range);

	if (!range)
		return NULL;
	amdgpu_svm_compat_init_pages(&range->pages, adev_to_drm(to_amdgpu_svm(gpusvm)->adev));
	mutex_init(&range->lock);
	INIT_LIST_HEAD(&range->dead_link);
	INIT_LIST_HEAD(&range->remap_link);
	return &range->base;
}

static void range_free(struct drm_gpusvm_range *base)
{
	struct amdgpu_svm_range *range = to_amdgpu_svm_range(base);

	WARN_ON_ONCE(range->mapped);
	mutex_destroy(&range->lock);
	kfree(range);
}

const struct drm_gpusvm_ops amdgpu_svm_gpusvm_ops = {
	.range_alloc = range_alloc,
	.range_free = range_free,
	.invalidate = amdgpu_svm_invalidate,
};

/* --- destroying --------------------------------------------------------------------- */

/**
 * amdgpu_svm_range_destroy_locked() - unmap a range and remove it
 * @svm: the VM's SVM
 * @range: locked; the caller has a reference
 */
void amdgpu_svm_range_destroy_locked(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	lockdep_assert_held(&range->lock);
	if (range->dead)
		return;

	amdgpu_vm_eviction_lock(svm->vm);
	amdgpu_svm_unmap_locked(svm, range);
	amdgpu_vm_eviction_unlock(svm->vm);
	amdgpu_svm_flush_cleared(svm);

	trace_amdgpu_svm_destroy(svm->vm->pasid, amdgpu_svm_range_start(range),
				 amdgpu_svm_range_end(range), range->pages.flags.unmapped);
	range->dead = true;
	mutex_lock(&svm->lock);
	drm_gpusvm_free_pages(&svm->gpusvm, &range->pages, amdgpu_svm_range_pages(range));
	drm_gpusvm_range_remove(&svm->gpusvm, &range->base);
	mutex_unlock(&svm->lock);
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_DESTROYS);
}

/**
 * amdgpu_svm_range_destroy() - unmap a range and remove it
 * @svm: the VM's SVM
 * @range: the caller has a reference and not the lock
 */
void amdgpu_svm_range_destroy(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	mutex_lock(&range->lock);
	amdgpu_svm_range_destroy_locked(svm, range);
	mutex_unlock(&range->lock);
}

static struct amdgpu_svm_range *first_range(struct amdgpu_svm *svm)
{
	struct drm_gpusvm_notifier *notifier;
	struct drm_gpusvm_range *base = NULL;

	mutex_lock(&svm->lock);
	notifier = drm_gpusvm_notifier_find(&svm->gpusvm, 0, ULONG_MAX);
	if (notifier)
		base = drm_gpusvm_range_find(notifier, 0, ULONG_MAX);
	if (base)
		drm_gpusvm_range_get(base);
	mutex_unlock(&svm->lock);
	return base ? to_amdgpu_svm_range(base) : NULL;
}

/**
 * amdgpu_svm_destroy_all() - remove all ranges
 * @svm: the VM's SVM, closing
 */
void amdgpu_svm_destroy_all(struct amdgpu_svm *svm)
{
	struct amdgpu_svm_range *range;

	while ((range = first_range(svm))) {
		amdgpu_svm_range_destroy(svm, range);
		drm_gpusvm_range_put(&range->base);
	}
}

/* --- finding -------------------------------------------------------------------------- */

/* A GPU that is asleep could not take a mapping away. */
static void keep_awake(struct amdgpu_svm *svm)
{
	lockdep_assert_held(&svm->lock);
	if (svm->pm_held)
		return;
	pm_runtime_get_noresume(adev_to_drm(svm->adev)->dev);
	svm->pm_held = true;
}

/* Want no more than the block of @size, a power of two, that the address is in. */
static void narrow(struct amdgpu_svm_request *req, unsigned long size)
{
	unsigned long start = ALIGN_DOWN(req->addr, size);

	req->lo = max(req->lo, start);
	req->hi = min(req->hi, start + size);
	req->narrow = true;
}

/* Where a range may lie: within its attributes, its granule and what @req says. */
static void bounds_of(const struct amdgpu_svm_attr_span *span,
		      const struct amdgpu_svm_request *req, unsigned long *start,
		      unsigned long *end)
{
	u32 shift = amdgpu_svm_attr_word_get(span->word, AMDGPU_SVM_ATTR_GRANULARITY);
	unsigned long first = req->addr >> PAGE_SHIFT, last = first;

	shift = min_t(u32, shift, BITS_PER_LONG - PAGE_SHIFT - 1);
	first &= ~((1UL << shift) - 1);
	last |= (1UL << shift) - 1;
	*start = max(max(first, span->first) << PAGE_SHIFT, req->lo);
	*end = min((min3(last, span->last, (ULONG_MAX >> PAGE_SHIFT) - 1) + 1) << PAGE_SHIFT,
		   req->hi);
}

static bool in_busy(struct amdgpu_svm *svm, unsigned long addr)
{
	lockdep_assert_held(&svm->lock);
	return addr >= svm->busy_start && addr < svm->busy_end &&
	       time_before(jiffies, svm->busy_until);
}

/* What is asked for is changing too fast to be had. */
static void note_busy(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	unsigned long size = amdgpu_svm_range_end(range) - amdgpu_svm_range_start(range);

	mutex_lock(&svm->lock);
	/* Any change in the notifier's part stands in the way. */
	svm->busy_start = drm_gpusvm_notifier_start(range->base.notifier);
	svm->busy_end = drm_gpusvm_notifier_end(range->base.notifier);
	svm->busy_size = max_t(unsigned long, size / BUSY_SHARE, BUSY_SIZE);
	svm->busy_until = jiffies + BUSY_JIFFIES;
	mutex_unlock(&svm->lock);
	amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_NARROWED);
}

static void narrow_if_busy(struct amdgpu_svm *svm, struct amdgpu_svm_request *req)
{
	mutex_lock(&svm->lock);
	if (in_busy(svm, req->addr))
		narrow(req, svm->busy_size);
	mutex_unlock(&svm->lock);
}

/* Find or insert a range and take a reference. */
static struct amdgpu_svm_range *find_or_insert(struct amdgpu_svm *svm, unsigned long addr,
					       unsigned long start, unsigned long end,
					       const struct drm_gpusvm_ctx *ctx)
{
	struct drm_gpusvm_range *base;

	mutex_lock(&svm->lock);
	if (svm->closing) {
		base = ERR_PTR(-EFAULT);
		goto unlock;
	}
	keep_awake(svm);
	base = drm_gpusvm_range_find_or_insert(&svm->gpusvm, addr, start, end, ctx);
	if (!IS_ERR(base))
		drm_gpusvm_range_get(base);
unlock:
	mutex_unlock(&svm->lock);
	return IS_ERR(base) ? ERR_CAST(base) : to_amdgpu_svm_range(base);
}

/* As above; memory that the process cannot write is had for reading. */
static struct amdgpu_svm_range *find_range(struct amdgpu_svm *svm,
					   struct amdgpu_svm_request *req,
					   const struct amdgpu_svm_attr_span *span,
					   struct drm_gpusvm_ctx *ctx)
{
	struct amdgpu_svm_range *range;
	unsigned long start, end;

	narrow_if_busy(svm, req);
	bounds_of(span, req, &start, &end);
	range = find_or_insert(svm, req->addr, start, end, ctx);
	if (range == ERR_PTR(-EPERM) && !req->write && !ctx->read_only) {
		ctx->read_only = true;
		range = find_or_insert(svm, req->addr, start, end, ctx);
	}
	return range;
}

/* --- serving ---------------------------------------------------------------------------- */

static enum amdgpu_svm_reason reason_of_find(int r)
{
	switch (r) {
	case -ENOENT:
		return AMDGPU_SVM_NO_MEMORY_THERE;
	case -EPERM:
		return AMDGPU_SVM_READ_ONLY;
	case -EIO:
		return AMDGPU_SVM_DEVICE_MEMORY;
	case -EFAULT:
		return AMDGPU_SVM_PROCESS_GONE;
	case -EINVAL:
		return AMDGPU_SVM_OUT_OF_RANGE;
	case -ENOMEM:
		return AMDGPU_SVM_NO_MEMORY;
	case -EINTR:
		return AMDGPU_SVM_LATER;
	default:
		return AMDGPU_SVM_INTERNAL;
	}
}

static enum amdgpu_svm_reason reason_of_map(int r)
{
	switch (r) {
	case 0:
		return AMDGPU_SVM_OK;
	case -EADDRINUSE:
		return AMDGPU_SVM_BO;
	case -EBUSY:
	case -EINTR:
	case -ERESTARTSYS:
	case -ENODEV:
		return AMDGPU_SVM_LATER;
	case -ENOMEM:
	case -ENOSPC:
		return AMDGPU_SVM_NO_MEMORY;
	default:
		return AMDGPU_SVM_INTERNAL;
	}
}

static enum amdgpu_svm_reason reason_of_pages(int r)
{
	switch (r) {
	case -EPERM:
		return AMDGPU_SVM_READ_ONLY;
	case -EFAULT:
		return AMDGPU_SVM_UNREADABLE;
	case -EOPNOTSUPP:
		return AMDGPU_SVM_DEVICE_MEMORY;
	default:
		return reason_of_map(r);
	}
}

/* Is the range, found by its address, what the request needs? */
static bool range_fits(struct amdgpu_svm_range *range, const struct amdgpu_svm_request *req,
		       const struct amdgpu_svm_attr_span *span, bool read_only)
{
	if (range->pages.flags.unmapped)
		return false;
	if (amdgpu_svm_range_start(range) < req->lo || amdgpu_svm_range_end(range) > req->hi)
		return false;
	if (amdgpu_svm_range_start(range) >> PAGE_SHIFT < span->first ||
	    (amdgpu_svm_range_end(range) - 1) >> PAGE_SHIFT > span->last)
		return false;
	/* The reason why it is no wider may have passed. */
	if (range->narrow && time_after(jiffies, range->built_jiffies + BUSY_JIFFIES))
		return false;
	/* Pages that were got for reading stay so while they are valid. */
	return !range->tried || !range->read_only || read_only;
}

/*
 * A fault on what is mapped is a duplicate that was under way when the mapping was
 * made, unless newer ones keep coming.
 */
static enum amdgpu_svm_reason already_mapped(struct amdgpu_svm *svm,
					     struct amdgpu_svm_range *range,
					     const struct amdgpu_svm_request *req)
{
	if (!req->fault)
		return AMDGPU_SVM_ALREADY;
	if (!range->seen_ts || amdgpu_ih_ts_after(range->seen_ts, req->ts) ||
	    amdgpu_svm_ts_is_void(range->seen_ts, req->ts)) {
		range->seen_ts = amdgpu_svm_newest_ts(svm->adev, req->ts);
		if (++range->rounds > MAX_ROUNDS)
			return AMDGPU_SVM_NO_RIGHT;
		/* In case that the TLB remembers that nothing was there. */
		if (range->rounds > 1)
			amdgpu_svm_flush(svm);
	}
	return AMDGPU_SVM_ALREADY;
}

/* A buffer object is in the way. -EAGAIN: start again, with less. */
static int make_room(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
		     struct amdgpu_svm_request *req)
{
	int r;

	req->lo = amdgpu_svm_range_start(range);
	req->hi = amdgpu_svm_range_end(range);
	r = amdgpu_svm_bo_clip(svm, req->addr, &req->lo, &req->hi);
	amdgpu_svm_range_destroy_locked(svm, range);
	return r ?: -EAGAIN;
}

/*
 * Can the process have the page for the access? While HMM has the mmap lock nothing changes,
 * so this is true of the page at one moment, whatever was found out about the range.
 */
static int ask_for_page(struct amdgpu_svm_range *range, const struct amdgpu_svm_request *req,
			struct mm_struct *mm)
{
	unsigned long pfn = 0;
	struct hmm_range ask = {
		.notifier = &range->base.notifier->notifier,
		.start = req->addr & PAGE_MASK,
		.end = (req->addr & PAGE_MASK) + PAGE_SIZE,
		.hmm_pfns = &pfn,
		.default_flags = HMM_PFN_REQ_FAULT | (req->write ? HMM_PFN_REQ_WRITE : 0),
	};
	int r;

	ask.notifier_seq = mmu_interval_read_begin(ask.notifier);
	mmap_read_lock(mm);
	r = hmm_range_fault(&ask);
	mmap_read_unlock(mm);
	return r == -EBUSY ? -EAGAIN : r;
}

/*
 * The pages of a locked range cannot be had, @err says why. Its memory changed under it, or
 * some of it is no good: then it has to do with the page that is asked for, and with the
 * right that is needed. -EAGAIN: start again.
 */
static int without_pages(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			 struct amdgpu_svm_request *req, int err, enum amdgpu_svm_reason *reason)
{
	unsigned long size = amdgpu_svm_range_pages(range) * PAGE_SIZE;
	int r = err;

	if (err != -EOPNOTSUPP)
		r = ask_for_page(range, req, svm->gpusvm.mm);
	else if (size > PAGE_SIZE)
		r = 0;
	amdgpu_svm_range_destroy_locked(svm, range);
	if (r && r != -EAGAIN) {
		*reason = reason_of_pages(r);
		return 0;
	}
	if (req->failed) {
		narrow(req, max(size / BUSY_SHARE, PAGE_SIZE));
		req->read_only = size == PAGE_SIZE && !req->write;
	}
	req->failed = true;
	return -EAGAIN;
}

/* A locked range of one page. 1: its page is there for the access, without a fault. */
static int page_is_there(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, bool write)
{
	unsigned long need = HMM_PFN_VALID | (write ? HMM_PFN_WRITE : 0), *pfns;
	bool there;
	int r;

	r = amdgpu_svm_look_up_pages(svm, range, &pfns);
	if (r)
		return r;
	there = (*pfns & need) == need;
	kvfree(pfns);
	return there;
}

/*
 * What a program watches is had a page at a time, when it is there: HMM cannot wait for a
 * program. It may watch writes only, so what is read is not had for writing. -EAGAIN: start
 * again. -EFAULT: @reason says why not.
 */
static int heed_watch(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
		      struct amdgpu_svm_request *req, bool read_only,
		      enum amdgpu_svm_reason *reason)
{
	unsigned int watch = amdgpu_svm_watch_of(svm, req->addr, req->write);
	bool hears = watch & AMDGPU_SVM_WATCH_HEARS;
	int r;

	if (!watch)
		return 0;
	if ((!req->write && !read_only) || (hears && amdgpu_svm_range_pages(range) > 1)) {
		req->read_only = !req->write;
		if (hears)
			narrow(req, PAGE_SIZE);
		amdgpu_svm_range_destroy_locked(svm, range);
		return -EAGAIN;
	}
	r = hears ? page_is_there(svm, range, req->write) : 1;
	if (r == -EAGAIN)
		return r;
	if (r < 0) {
		*reason = reason_of_pages(r);
		return -EFAULT;
	}
	if (r)
		return 0;
	amdgpu_svm_range_destroy_locked(svm, range);
	*reason = req->fault && req->waits < MAX_WAITS ? AMDGPU_SVM_USER : AMDGPU_SVM_UNREADABLE;
	return -EFAULT;
}

/* Its pages changed before they were mapped. */
static bool loses_too_often(struct amdgpu_svm_request *req)
{
	return !(++req->losses % MAX_LOSSES);
}

/* Could it be had more easily if it were narrower? */
static bool is_wide(struct amdgpu_svm_range *range)
{
	return amdgpu_svm_range_pages(range) > BUSY_SIZE / PAGE_SIZE;
}

/* Its memory changes too fast: start again, with less. */
static int give_up_range(struct amdgpu_svm *svm, struct amdgpu_svm_range *range)
{
	note_busy(svm, range);
	amdgpu_svm_range_destroy_locked(svm, range);
	return -EAGAIN;
}

/* -EAGAIN: start again. */
static int map_range(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word)
{
	unsigned long *pfns = NULL;
	int r = 0;

	if (!range->read_only)
		r = amdgpu_svm_look_up_pages(svm, range, &pfns);
	if (!r)
		r = amdgpu_svm_map(svm, range, word, pfns);
	kvfree(pfns);
	return r;
}

/* Get the pages of a locked range and map it. -EAGAIN: start again. */
static int get_and_map(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
		       struct amdgpu_svm_request *req, const struct amdgpu_svm_attr_span *span,
		       struct drm_gpusvm_ctx *ctx, enum amdgpu_svm_reason *reason)
{
	int r;

	if (!range->tried) {
		range->narrow = req->narrow;
		range->built_jiffies = jiffies;
	}
	range->read_only = ctx->read_only;
	r = heed_watch(svm, range, req, ctx->read_only, reason);
	if (r)
		return r == -EAGAIN ? r : 0;
	r = drm_gpusvm_get_pages(&svm->gpusvm, &range->pages, svm->gpusvm.mm,
				 &range->base.notifier->notifier, amdgpu_svm_range_start(range),
				 amdgpu_svm_range_end(range), ctx);
	if (r == -EFAULT || r == -EPERM || r == -EOPNOTSUPP)
		return without_pages(svm, range, req, r, reason);
	/* Something changed all the time. */
	if (r == -EBUSY && is_wide(range))
		return give_up_range(svm, range);
	if (r) {
		*reason = reason_of_pages(r);
		return 0;
	}
	range->tried = true;
	r = map_range(svm, range, span->word);
	if (r == -EAGAIN && loses_too_often(req) && is_wide(range))
		return give_up_range(svm, range);
	if (r == -EADDRINUSE)
		r = make_room(svm, range, req);
	*reason = reason_of_map(r);
	return r == -EAGAIN ? r : 0;
}

/* With the range found and locked. -EAGAIN: start again. */
static int serve_range(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
		       struct amdgpu_svm_request *req, const struct amdgpu_svm_attr_span *span,
		       struct drm_gpusvm_ctx *ctx, enum amdgpu_svm_reason *reason)
{
	bool mapped, good;

	if (range->dead)
		return -EAGAIN;
	req->end = amdgpu_svm_range_end(range);
	amdgpu_vm_eviction_lock(svm->vm);
	mapped = range->mapped;
	good = mapped && (range->writable || !req->write);
	amdgpu_vm_eviction_unlock(svm->vm);
	if (good) {
		*reason = already_mapped(svm, range, req);
		return 0;
	}
	if (mapped || !range_fits(range, req, span, ctx->read_only)) {
		amdgpu_svm_range_destroy_locked(svm, range);
		return -EAGAIN;
	}
	return get_and_map(svm, range, req, span, ctx, reason);
}

/* One attempt. -EAGAIN: start again. */
static int serve_once(struct amdgpu_svm *svm, struct amdgpu_svm_request *req,
		      enum amdgpu_svm_reason *reason)
{
	struct amdgpu_svm_attr_span span =
		amdgpu_svm_attr_lookup(&svm->attrs, req->addr >> PAGE_SHIFT);
	bool gpu_ro = amdgpu_svm_attr_is(span.word, AMDGPU_SVM_ATTR_GPU_RO);
	struct drm_gpusvm_ctx ctx = { .read_only = gpu_ro || req->read_only };
	struct amdgpu_svm_range *range;
	int r;

	if (amdgpu_svm_attr_word_get(span.word, AMDGPU_SVM_ATTR_ACCESS) ==
	    AMDGPU_SVM_ACCESS_INACCESSIBLE) {
		*reason = AMDGPU_SVM_NO_ACCESS;
		return 0;
	}
	if (req->write && gpu_ro) {
		*reason = AMDGPU_SVM_GPU_READ_ONLY;
		return 0;
	}
	range = find_range(svm, req, &span, &ctx);
	if (IS_ERR(range)) {
		*reason = reason_of_find(PTR_ERR(range));
		return 0;
	}
	mutex_lock(&range->lock);
	r = serve_range(svm, range, req, &span, &ctx, reason);
	mutex_unlock(&range->lock);
	drm_gpusvm_range_put(&range->base);
	return r;
}

/* The entry of the retry CAM that a fault occupies is one of few. */
static bool may_try_again(const struct amdgpu_svm_request *req, unsigned int attempt)
{
	return attempt < MAX_ATTEMPTS && !(req->fault && time_after(jiffies, req->until));
}

/**
 * amdgpu_svm_serve() - let the GPU reach an address
 * @svm: the VM's SVM; the caller keeps the mm's users
 * @req: what is wanted; req->end tells how far what was done reaches
 *
 * Return: how it ended.
 */
enum amdgpu_svm_reason amdgpu_svm_serve(struct amdgpu_svm *svm, struct amdgpu_svm_request *req)
{
	enum amdgpu_svm_reason reason = AMDGPU_SVM_LATER;
	unsigned int attempt = 0;

	req->end = req->addr + PAGE_SIZE;
	req->lo = 0;
	req->hi = ULONG_MAX;
	req->failed = false;
	req->losses = 0;
	req->narrow = false;
	req->read_only = false;
	if (req->addr >= svm->gpusvm.mm_start + svm->gpusvm.mm_range)
		return AMDGPU_SVM_OUT_OF_RANGE;
	do {
		amdgpu_svm_collect(svm, false);
		attempt++;
		if (serve_once(svm, req, &reason) != -EAGAIN &&
		    (reason != AMDGPU_SVM_NO_MEMORY || attempt >= MEMORY_ATTEMPTS))
			return reason;
		amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_RETRIES);
		trace_amdgpu_svm_retry(svm->vm->pasid, req->addr, attempt);
	} while (may_try_again(req, attempt));
	return AMDGPU_SVM_LATER;
}

/**
 * amdgpu_svm_populate() - let the GPU reach memory before it asks
 * @svm: the VM's SVM; the caller keeps the mm's users
 * @start: page aligned
 * @end: page aligned
 *
 * Leaves out what cannot be mapped: a fault there says why.
 *
 * Return: 0, -EINTR on a fatal signal, -ENOMEM.
 */
int amdgpu_svm_populate(struct amdgpu_svm *svm, unsigned long start, unsigned long end)
{
	struct amdgpu_svm_request req = { .addr = start };
	enum amdgpu_svm_reason reason;

	while (req.addr < end) {
		unsigned long vma = drm_gpusvm_find_vma_start(&svm->gpusvm, req.addr, end);

		if (vma == ULONG_MAX)
			return 0;
		req.addr = max(req.addr, vma);
		reason = amdgpu_svm_serve(svm, &req);
		if (reason == AMDGPU_SVM_OK)
			amdgpu_svm_inc(svm, AMDGPU_SVM_COUNT_PREMAPS);
		if (reason == AMDGPU_SVM_NO_MEMORY)
			return -ENOMEM;
		if (reason == AMDGPU_SVM_PROCESS_GONE)
			return 0;
		if (fatal_signal_pending(current))
			return -EINTR;
		req.addr = req.end;
		cond_resched();
	}
	return 0;
}

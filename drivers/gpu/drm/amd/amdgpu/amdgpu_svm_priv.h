/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the SVM layer share.
 */
#ifndef __AMDGPU_SVM_PRIV_H__
#define __AMDGPU_SVM_PRIV_H__

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/interval_tree.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "amdgpu.h"
#include "amdgpu_svm.h"
#include "amdgpu_svm_attr.h"
#include "amdgpu_svm_compat.h"

/**
 * enum amdgpu_svm_reason - how a request for a mapping ended
 *
 * What userspace sees of it is a counter, a trace event and, for the fatal
 * ones, a line in the kernel log.
 */
enum amdgpu_svm_reason {
	/** @AMDGPU_SVM_OK: mapped */
	AMDGPU_SVM_OK,
	/** @AMDGPU_SVM_ALREADY: another fault had mapped it */
	AMDGPU_SVM_ALREADY,
	/** @AMDGPU_SVM_STALE: perhaps a duplicate; the GPU asks again if it is not */
	AMDGPU_SVM_STALE,
	/** @AMDGPU_SVM_LATER: not now; the GPU asks again */
	AMDGPU_SVM_LATER,
	/** @AMDGPU_SVM_USER: a program has to provide the page first */
	AMDGPU_SVM_USER,
	/** @AMDGPU_SVM_BO: in a buffer object's mapping, so not ours */
	AMDGPU_SVM_BO,
	/** @AMDGPU_SVM_FATAL: from here on the GPU is told to give up */
	AMDGPU_SVM_FATAL,
	/** @AMDGPU_SVM_NO_MEMORY_THERE: nothing is mapped there */
	AMDGPU_SVM_NO_MEMORY_THERE = AMDGPU_SVM_FATAL,
	/** @AMDGPU_SVM_OUT_OF_RANGE: no address of a process */
	AMDGPU_SVM_OUT_OF_RANGE,
	/** @AMDGPU_SVM_NO_ACCESS: AMDGPU_SVM_ACCESS_INACCESSIBLE */
	AMDGPU_SVM_NO_ACCESS,
	/** @AMDGPU_SVM_GPU_READ_ONLY: AMDGPU_SVM_ATTR_GPU_RO */
	AMDGPU_SVM_GPU_READ_ONLY,
	/** @AMDGPU_SVM_READ_ONLY: the process may not write either */
	AMDGPU_SVM_READ_ONLY,
	/** @AMDGPU_SVM_UNREADABLE: the process has no access, or the fault fails */
	AMDGPU_SVM_UNREADABLE,
	/** @AMDGPU_SVM_DEVICE_MEMORY: memory of a device */
	AMDGPU_SVM_DEVICE_MEMORY,
	/** @AMDGPU_SVM_NO_RIGHT: mapped, and still the GPU faults: no right to execute */
	AMDGPU_SVM_NO_RIGHT,
	/** @AMDGPU_SVM_PROCESS_GONE: the address space or the device is being torn down */
	AMDGPU_SVM_PROCESS_GONE,
	/** @AMDGPU_SVM_FOREIGN: work of another process than the one that opened the file */
	AMDGPU_SVM_FOREIGN,
	/** @AMDGPU_SVM_NO_MEMORY: out of memory */
	AMDGPU_SVM_NO_MEMORY,
	/** @AMDGPU_SVM_INTERNAL: none of the above */
	AMDGPU_SVM_INTERNAL,
	/** @AMDGPU_SVM_REASONS: number of reasons */
	AMDGPU_SVM_REASONS,
};

/**
 * enum amdgpu_svm_count - what else is counted
 */
enum amdgpu_svm_count {
	/** @AMDGPU_SVM_COUNT_FAULTS: faults, including those that are being served */
	AMDGPU_SVM_COUNT_FAULTS,
	/** @AMDGPU_SVM_COUNT_MAPS: ranges mapped */
	AMDGPU_SVM_COUNT_MAPS,
	/** @AMDGPU_SVM_COUNT_PAGES: pages in them */
	AMDGPU_SVM_COUNT_PAGES,
	/** @AMDGPU_SVM_COUNT_HUGE: entries of 2 MiB and more among them */
	AMDGPU_SVM_COUNT_HUGE,
	/** @AMDGPU_SVM_COUNT_PREMAPS: of the maps, those that no fault asked for */
	AMDGPU_SVM_COUNT_PREMAPS,
	/** @AMDGPU_SVM_COUNT_RETRIES: attempts that lost a race, or found no memory */
	AMDGPU_SVM_COUNT_RETRIES,
	/** @AMDGPU_SVM_COUNT_NARROWED: ranges that changed too fast to be had as a whole */
	AMDGPU_SVM_COUNT_NARROWED,
	/** @AMDGPU_SVM_COUNT_INVALIDATIONS: events that took mappings away */
	AMDGPU_SVM_COUNT_INVALIDATIONS,
	/** @AMDGPU_SVM_COUNT_ZAPS: ranges that they took */
	AMDGPU_SVM_COUNT_ZAPS,
	/** @AMDGPU_SVM_COUNT_FLUSHES: TLB flushes */
	AMDGPU_SVM_COUNT_FLUSHES,
	/** @AMDGPU_SVM_COUNT_DESTROYS: ranges destroyed */
	AMDGPU_SVM_COUNT_DESTROYS,
	/** @AMDGPU_SVM_COUNT_DROPS: munmaps that dropped attributes */
	AMDGPU_SVM_COUNT_DROPS,
	/** @AMDGPU_SVM_COUNTS: number of counts */
	AMDGPU_SVM_COUNTS,
};

/* Faults of one VM that are served at the same time: as many as the retry CAM holds */
#define AMDGPU_SVM_LANES	512

/* Addresses that are doubted at the same time: in sets, a power of two, of as many each */
#define AMDGPU_SVM_DOUBT_SETS	4
#define AMDGPU_SVM_DOUBTS	512

/**
 * struct amdgpu_svm_doubt - an address that something spoke against
 */
struct amdgpu_svm_doubt {
	/** @addr: of the page */
	unsigned long addr;
	/** @ts: newest interrupt then, 0 if there is no doubt */
	u64 ts;
	/** @jiffies: when that was */
	unsigned long jiffies;
};

/**
 * struct amdgpu_svm_doubt_set - doubts about addresses of some 2 MiB blocks
 */
struct amdgpu_svm_doubt_set {
	/** @lock: protects the rest */
	spinlock_t lock;
	/** @doubts: AMDGPU_SVM_DOUBTS of faults that may be duplicates, once there was one */
	struct amdgpu_svm_doubt *doubts;
	/** @common: of those that found no place in @doubts; its address says nothing */
	struct amdgpu_svm_doubt common;
};

/**
 * struct amdgpu_svm_lane - faults that are served one after the other
 */
struct amdgpu_svm_lane {
	/** @link: in &amdgpu_svm.lanes */
	struct list_head link;
	/** @svm: whose */
	struct amdgpu_svm *svm;
	/** @block: the number of the 2 MiB block that its faults are in, while it is busy */
	unsigned long block;
	/** @busy: it has or serves faults */
	bool busy;
	/** @faults: waiting, each with a reference of @svm */
	struct list_head faults;
	/** @work: serves them */
	struct work_struct work;
};

/**
 * struct amdgpu_svm - shared virtual memory of one VM
 */
struct amdgpu_svm {
	/** @gpusvm: ranges and notifiers; knows the mm */
	struct drm_gpusvm gpusvm;
	/** @adev: the device */
	struct amdgpu_device *adev;
	/** @vm: the VM, valid as long as anybody holds a reference */
	struct amdgpu_vm *vm;
	/** @link: in the list of all, for unplugging and resets */
	struct list_head link;
	/** @pid: process that opened the file, for messages */
	pid_t pid;
	/** @comm: its name then, for messages */
	char comm[TASK_COMM_LEN];

	/** @users: the VM and every handler at work */
	refcount_t users;
	/** @unused: @users became 0 */
	struct completion unused;
	/** @ending: faults find it no more; under the lock of the table of pasids */
	bool ending;
	/** @unplugged: amdgpu_svm_unplug() takes care of it; under the lock of the list */
	bool unplugged;
	/**
	 * @closing: faults are fatal from now on, nothing is inserted, mapped or
	 * queued any more; written under @lock and @queue_lock
	 */
	bool closing;
	/**
	 * @opted_in: the ioctl has succeeded: nobody but the opener may submit work, and
	 * faults of a VM of KFD are ours
	 */
	bool opted_in;
	/** @disabled: closing while the VM goes on, as if there were no SVM */
	bool disabled;

	/** @lane_lock: protects @lanes and all of a lane but its work item */
	spinlock_t lane_lock;
	/** @lanes: of faults that wait; grows when all are busy, one there is always */
	struct list_head lanes;
	/** @num_lanes: in @lanes */
	unsigned int num_lanes;
	/** @doubts: what to be wary of */
	struct amdgpu_svm_doubt_set doubts[AMDGPU_SVM_DOUBT_SETS];

	/** @attrs: attributes by page */
	struct amdgpu_svm_attr_map attrs;

	/**
	 * @lock: finding, inserting and removing ranges, registering @unmaps, closing; for its
	 * place among others see the DOC section "Mapping"
	 */
	struct mutex lock;
	/** @busy_start: here is memory that changed too fast; under @lock */
	unsigned long busy_start;
	/** @busy_end: up to here; under @lock */
	unsigned long busy_end;
	/** @busy_size: ranges there have no more than this; under @lock */
	unsigned long busy_size;
	/** @busy_until: up to this time; under @lock */
	unsigned long busy_until;
	/** @pm_held: the device is kept awake because something is mapped; under @lock */
	bool pm_held;

	/** @mapped: ranges that the GPU may reach; under the VM's eviction lock */
	struct rb_root_cached mapped;
	/** @mapped_pages: pages in @mapped; under the VM's eviction lock */
	unsigned long mapped_pages;
	/** @cleared: how often entries were cleared; under the VM's eviction lock */
	u64 cleared;
	/** @flushed: the @cleared that the TLB knows of; under the VM's eviction lock */
	u64 flushed;
	/** @refused: pages that have a no-retry entry after a fatal fault */
	struct xarray refused;
	/** @num_refused: at least as many as there are entries in @refused */
	unsigned int num_refused;

	/** @frees: where jobs will clear entries, in bytes; under the reservation */
	struct rb_root_cached frees;
	/** @free_list: the same, oldest first; under the reservation */
	struct list_head free_list;

	/** @queue_lock: protects @dead, @remap, @waiters, @drops, @spares and @num_spares */
	spinlock_t queue_lock;
	/** @dead: ranges that lost their memory, to be destroyed */
	struct list_head dead;
	/** @remap: ranges to be mapped again without a fault */
	struct list_head remap;
	/** @remap_all: and so is all that is to be always mapped */
	bool remap_all;
	/** @all_gone: everything was unmapped because of the tables, which are not back yet */
	bool all_gone;
	/** @work: empties the queues */
	struct work_struct work;
	/** @waiters: threads that wait for user space */
	struct list_head waiters;

	/** @unmaps: sees every munmap(2) of the process once attributes were set */
	struct mmu_interval_notifier unmaps;
	/** @unmaps_on: it is registered; written under @lock */
	bool unmaps_on;
	/** @drops: intervals whose attributes have to go, struct svm_drop */
	struct list_head drops;
	/** @spares: for noting an interval without memory, under @queue_lock */
	struct list_head spares;
	/** @num_spares: in @spares */
	unsigned int num_spares;
	/** @drops_pending: something is in @drops or lost */
	bool drops_pending;
	/** @drops_lost: an interval could not be noted for lack of memory */
	bool drops_lost;
	/** @drop_lock: one thread empties @drops, others wait until it has */
	struct mutex drop_lock;

	/** @reasons: faults by how they ended */
	atomic64_t reasons[AMDGPU_SVM_REASONS];
	/** @counts: the rest */
	atomic64_t counts[AMDGPU_SVM_COUNTS];
};

/**
 * struct amdgpu_svm_range - memory that is mapped as one
 */
struct amdgpu_svm_range {
	/** @base: bounds and reference count */
	struct drm_gpusvm_range base;
	/** @pages: and their DMA mappings */
	struct drm_gpusvm_pages pages;
	/** @lock: one thread at a time gets pages, maps or destroys */
	struct mutex lock;
	/** @dead: removed from drm_gpusvm; under @lock */
	bool dead;
	/** @tried: getting pages has succeeded before; under @lock */
	bool tried;
	/** @read_only: the pages were got for reading; under @lock */
	bool read_only;
	/** @narrow: the first request for it was; under @lock */
	bool narrow;
	/** @built_jiffies: when its pages were asked for until they were had; under @lock */
	unsigned long built_jiffies;

	/** @node: in &amdgpu_svm.mapped, pages; under the VM's eviction lock */
	struct interval_tree_node node;
	/** @mapped: @node is in the tree; under the VM's eviction lock */
	bool mapped;
	/** @writable: mapped with write permission; under the VM's eviction lock */
	bool writable;
	/** @word: attributes it was mapped with; under the VM's eviction lock */
	u32 word;

	/** @seen_ts: newest interrupt when a fault found this mapped; under @lock */
	u64 seen_ts;
	/** @rounds: how often newer ones came again; under @lock */
	unsigned int rounds;

	/** @dead_link: in &amdgpu_svm.dead, with a reference */
	struct list_head dead_link;
	/** @remap_link: in &amdgpu_svm.remap, with a reference */
	struct list_head remap_link;
};

/**
 * struct amdgpu_svm_request - a range is wanted at an address
 */
struct amdgpu_svm_request {
	/** @addr: page aligned */
	unsigned long addr;
	/** @write: for writing */
	bool write;
	/** @fault: a fault asks, not userspace; its time is @ts */
	bool fault;
	/** @ts: time of the interrupt */
	u64 ts;
	/** @until: no attempt of a fault starts after this, but for the first, in jiffies */
	unsigned long until;
	/** @end: out: end of what was looked at */
	unsigned long end;
	/** @lo: @addr's range may not start before this */
	unsigned long lo;
	/** @hi: nor end after this */
	unsigned long hi;
	/** @failed: a range built for this could not have its pages */
	bool failed;
	/** @losses: how often its pages changed before they were mapped */
	unsigned int losses;
	/** @narrow: for the time being a wider range cannot be had */
	bool narrow;
	/** @read_only: what can be had for reading only will do */
	bool read_only;
	/** @waits: how often user space was waited for */
	unsigned int waits;
};

/*
 * One MMU notifier of drm_gpusvm covers this much of the address space. While anything in
 * there changes no fault there gets its pages, and threads tend to have their memory in
 * pieces of this size: that of the arenas of glibc's malloc().
 */
#define AMDGPU_SVM_NOTIFIER_SIZE	SZ_64M

static inline struct amdgpu_svm *to_amdgpu_svm(struct drm_gpusvm *gpusvm)
{
	return container_of(gpusvm, struct amdgpu_svm, gpusvm);
}

static inline struct amdgpu_svm_range *to_amdgpu_svm_range(struct drm_gpusvm_range *range)
{
	return container_of(range, struct amdgpu_svm_range, base);
}

static inline unsigned long amdgpu_svm_range_start(struct amdgpu_svm_range *range)
{
	return drm_gpusvm_range_start(&range->base);
}

static inline unsigned long amdgpu_svm_range_end(struct amdgpu_svm_range *range)
{
	return drm_gpusvm_range_end(&range->base);
}

static inline unsigned long amdgpu_svm_range_pages(struct amdgpu_svm_range *range)
{
	return drm_gpusvm_range_size(&range->base) >> PAGE_SHIFT;
}

static inline void amdgpu_svm_add(struct amdgpu_svm *svm, enum amdgpu_svm_count what, long n)
{
	atomic64_add(n, &svm->counts[what]);
}

static inline void amdgpu_svm_inc(struct amdgpu_svm *svm, enum amdgpu_svm_count what)
{
	atomic64_inc(&svm->counts[what]);
}

/* amdgpu_svm.c */
struct amdgpu_svm *amdgpu_svm_get_by_pasid(struct amdgpu_device *adev, u32 pasid);
void amdgpu_svm_put(struct amdgpu_svm *svm);
bool amdgpu_svm_xnack_on(struct amdgpu_svm *svm);
bool amdgpu_svm_is_supported(struct amdgpu_device *adev);
bool amdgpu_svm_in_reset(struct amdgpu_device *adev);
const char *amdgpu_svm_reason_text(enum amdgpu_svm_reason reason);

/* amdgpu_svm_range.c */
extern const struct drm_gpusvm_ops amdgpu_svm_gpusvm_ops;
extern const unsigned long amdgpu_svm_chunk_sizes[];
extern const int amdgpu_svm_num_chunks;
enum amdgpu_svm_reason amdgpu_svm_serve(struct amdgpu_svm *svm, struct amdgpu_svm_request *req);
int amdgpu_svm_populate(struct amdgpu_svm *svm, unsigned long start, unsigned long end);
void amdgpu_svm_range_destroy(struct amdgpu_svm *svm, struct amdgpu_svm_range *range);
void amdgpu_svm_destroy_all(struct amdgpu_svm *svm);
void amdgpu_svm_range_destroy_locked(struct amdgpu_svm *svm, struct amdgpu_svm_range *range);

/* amdgpu_svm_map.c */
int amdgpu_svm_lock_vm(struct amdgpu_svm *svm, struct drm_exec *exec);
int amdgpu_svm_map(struct amdgpu_svm *svm, struct amdgpu_svm_range *range, u32 word,
		   const unsigned long *pfns);
int amdgpu_svm_bo_clip(struct amdgpu_svm *svm, unsigned long addr, unsigned long *start,
		       unsigned long *end);
bool amdgpu_svm_in_bo(struct amdgpu_svm *svm, unsigned long addr);
bool amdgpu_svm_bo_overlaps(struct amdgpu_vm *vm, u64 first, u64 last);
bool amdgpu_svm_unmap_locked(struct amdgpu_svm *svm, struct amdgpu_svm_range *range);
void amdgpu_svm_unmap_stale(struct amdgpu_svm *svm, unsigned long first, unsigned long last);
unsigned long amdgpu_svm_unmap(struct amdgpu_svm *svm, unsigned long first, unsigned long last);
void amdgpu_svm_unmap_all(struct amdgpu_svm *svm);
void amdgpu_svm_forget_frees(struct amdgpu_svm *svm);
int amdgpu_svm_refuse(struct amdgpu_svm *svm, unsigned long addr);
void amdgpu_svm_refuse_end(struct amdgpu_svm *svm);

/* amdgpu_svm_dirty.c */
int amdgpu_svm_look_up_pages(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			     unsigned long **pfns);
void amdgpu_svm_mark_dirty(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			   const unsigned long *pfns);

/* amdgpu_svm_tlb.c */
void amdgpu_svm_flush(struct amdgpu_svm *svm);
void amdgpu_svm_flush_cleared(struct amdgpu_svm *svm);

/* amdgpu_svm_notifier.c */
void amdgpu_svm_invalidate(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
			   const struct mmu_notifier_range *mmu_range);
int amdgpu_svm_watch_unmaps(struct amdgpu_svm *svm);
int amdgpu_svm_drop_attrs(struct amdgpu_svm *svm);
void amdgpu_svm_work(struct work_struct *work);
void amdgpu_svm_collect(struct amdgpu_svm *svm, bool wait);
int amdgpu_svm_map_always(struct amdgpu_svm *svm, unsigned long start, unsigned long end);
void amdgpu_svm_remap_later(struct amdgpu_svm *svm, struct amdgpu_svm_range *range);
void amdgpu_svm_remap_all_later(struct amdgpu_svm *svm);
void amdgpu_svm_forget_queues(struct amdgpu_svm *svm);

/* amdgpu_svm_user.c */
#define AMDGPU_SVM_WATCHED	BIT(0)
#define AMDGPU_SVM_WATCH_HEARS	BIT(1)
unsigned int amdgpu_svm_watch_of(struct amdgpu_svm *svm, unsigned long addr, bool write);
int amdgpu_svm_wait_for_user(struct amdgpu_svm *svm, unsigned long addr, bool write,
			     void (*done)(void *data), void *data);
void amdgpu_svm_stop_waiting(struct amdgpu_svm *svm);

/* amdgpu_svm_fault.c */
bool amdgpu_svm_ts_is_void(u64 ts, u64 now);
u64 amdgpu_svm_newest_ts(struct amdgpu_device *adev, u64 taken);
int amdgpu_svm_init_lanes(struct amdgpu_svm *svm);
void amdgpu_svm_free_lanes(struct amdgpu_svm *svm);
void amdgpu_svm_end_lanes(struct amdgpu_svm *svm);

#endif

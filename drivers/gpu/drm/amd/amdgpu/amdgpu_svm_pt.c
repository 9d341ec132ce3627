// SPDX-License-Identifier: GPL-2.0-only

#include <linux/dma-resv.h>
#include <drm/gpu_scheduler.h>

#include "amdgpu.h"
#include "amdgpu_reset.h"
#include "amdgpu_svm.h"
#include "amdgpu_svm_pt.h"
#include "amdgpu_vm.h"

/**
 * DOC: Page table entries of SVM
 *
 * Writes page table entries by the CPU, in two steps, because the second one
 * happens where nothing may be allocated and nothing may fail: in an MMU notifier
 * and under the locks that a notifier takes.
 *
 * 1. amdgpu_svm_pt_prepare() and finally amdgpu_svm_pt_end() allocate tables, by the
 *    driver's own code, and map them for the CPU. They need the root page
 *    directory's reservation and may reclaim memory.
 * 2. amdgpu_svm_pt_write() and amdgpu_svm_pt_clear() only store to tables that are
 *    there. They need the VM's eviction lock, which keeps tables from being freed
 *    or moved: amdgpu_vm_update_range() frees tables under it, and before a table
 *    moves amdgpu_svm_table_moves() has cleared what SVM wrote.
 *
 * Why by the CPU even where the driver lets SDMA write: the engine that has to wait
 * for SVM may be that very SDMA ring, and a job needs memory and a wait that a
 * notifier must not have. Entries of buffer objects stay with whatever writes them
 * for the rest of the driver. Those jobs may end after the access that faults here,
 * since a job that unmaps a buffer object waits for all work of the VM. So they are not
 * waited for: the CPU clears a table when it is made (amdgpu_svm_clear_table()), and
 * stores the directory entries on its way once more, with the value that a job may
 * yet have to store. Waited for are moves of tables, and the jobs if a table was made
 * while something moved, so that a job had to clear it. Jobs that
 * unmap buffer objects close by are the business of amdgpu_svm_note_free(). The
 * VRAM has to be visible to the CPU as a whole (amdgpu_svm_init() checks).
 *
 * Leaves are page table entries or, for blocks that are contiguous as a whole
 * and have no table yet, page directory entries.
 */

/* A job takes milliseconds, unless a ring is stuck behind our fault. */
#define JOBS_TIMEOUT		msecs_to_jiffies(500)

/* Where a walk ended: entry @idx of @table, which covers 2^@shift pages. */
struct pt_pos {
	struct amdgpu_bo *table;
	unsigned int level;
	unsigned int shift;
	unsigned int idx;
};

static unsigned int level_shift(struct amdgpu_device *adev, unsigned int level)
{
	if (level == AMDGPU_VM_PTB)
		return 0;
	return adev->vm_manager.block_size + 9 * (AMDGPU_VM_PDB0 - level);
}

static unsigned int level_mask(struct amdgpu_device *adev, unsigned int level)
{
	if (level == adev->vm_manager.root_level)
		return ~0u;
	if (level == AMDGPU_VM_PTB)
		return AMDGPU_VM_PTE_COUNT(adev) - 1;
	return 511;
}

/* Go down to @level or, if that has no table for @pfn yet, as far as possible. */
static struct pt_pos pt_walk(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 pfn,
			     unsigned int level)
{
	struct amdgpu_vm_bo_base *entry = &vm->root;
	struct pt_pos pos = { .level = adev->vm_manager.root_level };

	for (;;) {
		pos.table = entry->bo;
		pos.shift = level_shift(adev, pos.level);
		pos.idx = (pfn >> pos.shift) & level_mask(adev, pos.level);
		if (pos.level >= level)
			return pos;
		entry = &to_amdgpu_bo_vm(entry->bo)->entries[pos.idx];
		if (!entry->bo)
			return pos;
		pos.level++;
	}
}

/* The last page that the table at @pos covers. */
static u64 pt_last(struct amdgpu_device *adev, const struct pt_pos *pos, u64 pfn)
{
	u64 entries = pos->level == AMDGPU_VM_PTB ? AMDGPU_VM_PTE_COUNT(adev) : 512;

	return pfn | ((entries << pos->shift) - 1);
}

/* --- step 1: tables ------------------------------------------------------------ */

/* Takes what it takes from @left jiffies. -EBUSY: that is not enough. */
static int wait_for(struct dma_fence *fence, long *left)
{
	*left = dma_fence_wait_timeout(fence, false, *left);
	return *left > 0 ? 0 : *left ?: -EBUSY;
}

/* Moves of tables, and if @pt_jobs the jobs that write page tables of this VM. */
static int wait_for_jobs(struct amdgpu_vm *vm, bool pt_jobs)
{
	struct dma_resv *resv = vm->root.bo->tbo.base.resv;
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	long left = JOBS_TIMEOUT;
	int r = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_BOOKKEEP, fence) {
		struct drm_sched_fence *s_fence = to_drm_sched_fence(fence);
		bool move = dma_resv_iter_usage(&cursor) == DMA_RESV_USAGE_KERNEL;

		if (!move && !(pt_jobs && s_fence && s_fence->owner == AMDGPU_FENCE_OWNER_VM))
			continue;
		r = wait_for(fence, &left);
		if (r)
			break;
	}
	return r;
}

/* The CPU has mapped the table before, so it was the CPU that cleared it. */
static bool cleared_by_cpu(struct amdgpu_bo *table)
{
	return table->flags & AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED;
}

/* Map a table for the CPU, not before it is where it belongs, and empty. */
static int kmap_table(struct amdgpu_vm *vm, struct amdgpu_bo *table)
{
	int r;

	if (amdgpu_bo_kptr(table))
		return 0;
	r = wait_for_jobs(vm, !cleared_by_cpu(table));
	if (r)
		return r;
	table->flags |= AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED;
	return amdgpu_bo_kmap(table, NULL);
}

/* Point the entry at @pos to @table, as a job may be about to. */
static void link_table(struct amdgpu_device *adev, const struct pt_pos *pos,
		       struct amdgpu_bo *table)
{
	u64 addr, flags;

	amdgpu_gmc_get_pde_for_bo(table, pos->level, &addr, &flags);
	amdgpu_gmc_set_pte_pde(adev, amdgpu_bo_kptr(pos->table), pos->idx, addr, flags);
}

/* Map the tables on the way to @pfn, down to @level, for the CPU, and link them. */
static int kmap_path(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 pfn,
		     struct pt_pos *end, unsigned int level)
{
	unsigned int root = adev->vm_manager.root_level, l;
	struct pt_pos pos;
	int r;

	for (l = root; l <= level; l++) {
		pos = pt_walk(adev, vm, pfn, l);
		if (pos.level < l)
			return 0;
		r = kmap_table(vm, pos.table);
		if (r)
			return r;
		if (l > root)
			link_table(adev, end, pos.table);
		*end = pos;
	}
	return 0;
}

/*
 * Until nothing is being moved out of VRAM any more: TTM has no memory for who does not
 * wait while something is, however much of it is free. An APU has no VRAM. -EBUSY: not
 * within @left jiffies.
 */
static int wait_for_room(struct amdgpu_device *adev, long left)
{
	struct ttm_resource_manager *vram = ttm_manager_type(&adev->mman.bdev, TTM_PL_VRAM);
	int i, r = 0;

	for (i = 0; vram && !r && i < TTM_NUM_MOVE_FENCES; i++) {
		struct dma_fence *move;

		spin_lock(&vram->eviction_lock);
		move = dma_fence_get(vram->eviction_fences[i]);
		spin_unlock(&vram->eviction_lock);
		if (!move)
			continue;
		r = wait_for(move, &left);
		dma_fence_put(move);
	}
	return r;
}

/*
 * Have the driver allocate the tables for @pfn down to @level. It does so when it
 * is to clear an entry, which nobody uses yet, on that level.
 */
static int alloc_tables_once(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 pfn,
			     unsigned int level)
{
	u64 last = pfn + (1ULL << level_shift(adev, level)) - 1;
	const struct amdgpu_vm_update_funcs *funcs = vm->update_funcs;
	int r;

	/* The CPU's functions wait for moves as long as it takes. */
	r = wait_for_jobs(vm, false);
	if (r)
		return r;
	/* Reserved, so nobody else looks at this. */
	vm->update_funcs = &amdgpu_vm_cpu_funcs;
	r = amdgpu_vm_update_range(adev, vm, true, false, false, false, NULL, pfn, last,
				   0, 0, 0, NULL, NULL, NULL);
	vm->update_funcs = funcs;
	return r;
}

static int alloc_tables(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 pfn,
			unsigned int level)
{
	int r = wait_for_room(adev, JOBS_TIMEOUT);

	if (!r)
		r = alloc_tables_once(adev, vm, pfn, level);
	/* Something has to be moved away first, or others were faster: there will be room. */
	if (r == -ENOMEM && wait_for_room(adev, 0))
		r = -EBUSY;
	return r;
}

static int prepare_block(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 pfn,
			 unsigned int level)
{
	struct pt_pos pos;
	int r;

	r = kmap_path(adev, vm, pfn, &pos, level);
	if (r || pos.level == level)
		return r;
	return alloc_tables(adev, vm, pfn, level);
}

/* How much of @run from @pfn on is one leaf block or lies in one table. */
static u64 block_step(struct amdgpu_device *adev, const struct amdgpu_svm_run *run, u64 pfn,
		      unsigned int *level)
{
	u64 left = run->pfn + run->count - pfn;
	u64 block = AMDGPU_VM_PTE_COUNT(adev);

	if (IS_ALIGNED(pfn, block) && left >= block) {
		*level = AMDGPU_VM_PDB0;
		return block;
	}
	*level = AMDGPU_VM_PTB;
	return min(left, block - (pfn & (block - 1)));
}

/**
 * amdgpu_svm_pt_prepare() - make sure that a run can be written
 * @adev: the device
 * @vm: its root page directory is reserved, and it is ready
 * @run: where; its bus address does not matter
 *
 * After one or several calls amdgpu_svm_pt_end() must follow.
 *
 * Return: 0, -EBUSY if jobs that have to be waited for do not end soon, or another
 * negative error.
 */
int amdgpu_svm_pt_prepare(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			  const struct amdgpu_svm_run *run)
{
	u64 pfn, step;
	int r;

	dma_resv_assert_held(vm->root.bo->tbo.base.resv);
	for (pfn = run->pfn; pfn < run->pfn + run->count; pfn += step) {
		unsigned int level;

		step = block_step(adev, run, pfn, &level);
		r = prepare_block(adev, vm, pfn, level);
		if (r)
			return r;
		/* A table that is already there is used instead of a leaf block. */
		if (level == AMDGPU_VM_PDB0 &&
		    pt_walk(adev, vm, pfn, AMDGPU_VM_PTB).level == AMDGPU_VM_PTB) {
			r = prepare_block(adev, vm, pfn, AMDGPU_VM_PTB);
			if (r)
				return r;
		}
	}
	return 0;
}

/**
 * amdgpu_svm_pt_end() - let the directories point to new tables
 * @adev: the device
 * @vm: after amdgpu_svm_pt_prepare()
 *
 * Where nothing is new nothing is waited for: the move of a buffer object, which gave its
 * place to a table of this VM, may be behind the job that faults.
 *
 * Return: 0, -EBUSY if jobs that have to be waited for do not end soon, or another
 * negative error.
 */
int amdgpu_svm_pt_end(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	const struct amdgpu_vm_update_funcs *funcs = vm->update_funcs;
	struct amdgpu_vm_bo_base *entry;
	int r;

	if (list_empty(&vm->kernel.needs_update))
		return 0;
	/* Some may be the rest of the driver's and never have seen the CPU. */
	list_for_each_entry(entry, &vm->kernel.needs_update, vm_status) {
		r = kmap_table(vm, entry->bo->parent);
		if (r)
			return r;
	}
	/* The CPU's functions wait for moves as long as it takes. */
	r = wait_for_jobs(vm, false);
	if (r)
		return r;
	vm->update_funcs = &amdgpu_vm_cpu_funcs;
	r = amdgpu_vm_update_pdes(adev, vm, true);
	vm->update_funcs = funcs;
	return r;
}

/**
 * amdgpu_svm_clear_table() - make a new table empty
 * @adev: the device
 * @vm: its root page directory is reserved
 * @table: the table, linked to its parent
 * @immediate: as for amdgpu_vm_pt_clear()
 *
 * By the CPU where there is SVM: a job would be behind others of the VM, and clear
 * what faults have mapped meanwhile. Unless the CPU had to wait for a move: who holds
 * the reservation must not wait for a ring, which may wait for a fault.
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_clear_table(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			   struct amdgpu_bo_vm *table, bool immediate)
{
	const struct amdgpu_vm_update_funcs *funcs = vm->update_funcs;
	int r;

	if (vm->svm &&
	    dma_resv_test_signaled(vm->root.bo->tbo.base.resv, DMA_RESV_USAGE_KERNEL))
		vm->update_funcs = &amdgpu_vm_cpu_funcs;
	r = amdgpu_vm_pt_clear(adev, vm, table, immediate);
	vm->update_funcs = funcs;
	return r;
}

/**
 * amdgpu_svm_keep_tables() - keep tables that an update is about to free
 * @entries: of their directories, by &amdgpu_vm_bo_base.vm_status
 * @tables: list for them, empty
 *
 * The update holds the eviction lock, for which notifiers wait, and the end of a buffer
 * object takes locks that others hold while they allocate memory and reclaim.
 * Uses a list head of GEM that is for drivers and that amdgpu has no use for.
 */
void amdgpu_svm_keep_tables(struct list_head *entries, struct list_head *tables)
{
	struct amdgpu_vm_bo_base *entry;

	list_for_each_entry(entry, entries, vm_status) {
		amdgpu_bo_ref(entry->bo);
		list_add(&entry->bo->tbo.base.lru_node, tables);
	}
}

/**
 * amdgpu_svm_put_tables() - let them go
 * @tables: what amdgpu_svm_keep_tables() has kept
 */
void amdgpu_svm_put_tables(struct list_head *tables)
{
	struct drm_gem_object *gem, *next;

	list_for_each_entry_safe(gem, next, tables, lru_node) {
		struct amdgpu_bo *table = gem_to_amdgpu_bo(gem);

		list_del_init(&gem->lru_node);
		amdgpu_bo_unref(&table);
	}
}

/**
 * amdgpu_svm_pt_init() - get to know the root page directory
 * @adev: the device
 * @vm: nothing of it is reserved
 *
 * It was made before there was SVM. When the VM is new, waiting for the jobs that
 * cleared it cannot block on a fault.
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_pt_init(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	struct amdgpu_bo *root = vm->root.bo;
	long left;
	int r;

	r = amdgpu_bo_reserve(root, true);
	if (r)
		return r;
	left = dma_resv_wait_timeout(root->tbo.base.resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
	r = left < 0 ? left : kmap_table(vm, root);
	amdgpu_bo_unreserve(root);
	return r;
}

/* --- step 2: entries ------------------------------------------------------------ */

/* What an entry without a page looks like on this level. */
static void empty_entry(struct amdgpu_device *adev, unsigned int level, u64 *addr, u64 *flags)
{
	*addr = 0;
	if (level == AMDGPU_VM_PTB) {
		/* As the driver leaves them: see amdgpu_vm_pt_clear(). */
		*flags = AMDGPU_PTE_EXECUTABLE | adev->gmc.init_pte_flags;
	} else {
		*flags = AMDGPU_PDE_PTE_FLAG(adev);
		amdgpu_gmc_get_vm_pde(adev, level, addr, flags);
	}
}

static void store_entries(struct amdgpu_device *adev, const struct pt_pos *pos,
			  unsigned int count, u64 addr, u64 incr, u64 flags)
{
	void *table = amdgpu_bo_kptr(pos->table);
	unsigned int i;

	for (i = 0; i < count; i++, addr += incr)
		amdgpu_gmc_set_pte_pde(adev, table, pos->idx + i, addr, flags);
}

/* The largest aligned block that starts at @pfn within @count pages. */
static unsigned int fragment_of(u64 pfn, u64 count)
{
	unsigned int align = pfn ? __ffs64(pfn) : 31;

	return min3(align, (unsigned int)fls64(count) - 1, 31u);
}

/* Entries of one page table. */
static void write_ptes(struct amdgpu_device *adev, struct pt_pos pos,
		       u64 pfn, u64 run_left, u64 count, u64 addr, u64 flags)
{
	while (count) {
		unsigned int frag = fragment_of(pfn, run_left);
		u64 n = min(1ULL << frag, count);

		store_entries(adev, &pos, n, addr, AMDGPU_GPU_PAGE_SIZE,
			      flags | AMDGPU_PTE_FRAG(frag));
		pos.idx += n;
		pfn += n;
		run_left -= n;
		count -= n;
		addr += n * AMDGPU_GPU_PAGE_SIZE;
	}
}

static void write_leaf_block(struct amdgpu_device *adev, const struct pt_pos *pos, u64 pfn,
			     u64 run_left, u64 addr, u64 flags)
{
	flags |= AMDGPU_PDE_PTE_FLAG(adev) | AMDGPU_PTE_FRAG(fragment_of(pfn, run_left));
	amdgpu_gmc_get_vm_pde(adev, pos->level, &addr, &flags);
	store_entries(adev, pos, 1, addr, 0, flags);
}

/**
 * amdgpu_svm_pt_write() - let the GPU reach a run
 * @adev: the device
 * @vm: its eviction lock is held
 * @run: prepared since the root page directory was reserved
 * @flags: of the entries, without fragment
 *
 * The caller has to call amdgpu_svm_pt_flush() afterwards. Takes no lock, does
 * not allocate.
 *
 * Return: how many entries stand for whole page tables, or -EAGAIN if a table is missing;
 * some entries may then be written.
 */
int amdgpu_svm_pt_write(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			const struct amdgpu_svm_run *run, u64 flags)
{
	u64 pfn = run->pfn, end = run->pfn + run->count, addr = run->addr;
	int huge = 0;

	lockdep_assert_held(&vm->eviction_lock);
	while (pfn < end) {
		struct pt_pos pos = pt_walk(adev, vm, pfn, AMDGPU_VM_PTB);
		unsigned int level;
		u64 n = block_step(adev, run, pfn, &level);

		if (!amdgpu_bo_kptr(pos.table) || pos.level < level)
			return -EAGAIN;
		if (pos.level == AMDGPU_VM_PTB) {
			write_ptes(adev, pos, pfn, end - pfn, n, addr, flags);
		} else {
			write_leaf_block(adev, &pos, pfn, end - pfn, addr, flags);
			huge++;
		}
		pfn += n;
		addr += n * AMDGPU_GPU_PAGE_SIZE;
	}
	return huge;
}

/**
 * amdgpu_svm_pt_clear() - take pages from the GPU
 * @adev: the device
 * @vm: its eviction lock is held
 * @first: first GPU page number
 * @last: last GPU page number
 *
 * The caller has to call amdgpu_svm_pt_flush() and flush the TLB. Takes no lock,
 * does not allocate and cannot fail: what has no table that the CPU can reach has
 * no entry of ours either.
 */
void amdgpu_svm_pt_clear(struct amdgpu_device *adev, struct amdgpu_vm *vm, u64 first, u64 last)
{
	u64 pfn, next, addr, flags;

	lockdep_assert_held(&vm->eviction_lock);
	for (pfn = first; pfn <= last; pfn = next) {
		struct pt_pos pos = pt_walk(adev, vm, pfn, AMDGPU_VM_PTB);
		u64 block = pfn & ~((1ULL << pos.shift) - 1);
		u64 n = 1;

		next = block + (1ULL << pos.shift);
		if (pos.level < AMDGPU_VM_PDB0 || !amdgpu_bo_kptr(pos.table))
			continue;
		/* Half of a leaf block cannot be ours: see block_step(). */
		if (pos.level == AMDGPU_VM_PDB0 && (block < first || next - 1 > last))
			continue;
		if (pos.level == AMDGPU_VM_PTB) {
			next = min(last, pt_last(adev, &pos, pfn)) + 1;
			n = next - pfn;
		}
		empty_entry(adev, pos.level, &addr, &flags);
		store_entries(adev, &pos, n, addr, 0, flags);
	}
}

/**
 * amdgpu_svm_pt_flush() - let the GPU see what the CPU stored
 * @adev: the device
 *
 * Not while somebody waits to reset it, see amdgpu_svm_flush().
 */
void amdgpu_svm_pt_flush(struct amdgpu_device *adev)
{
	/* Order the stores before the flush. */
	mb();
	if (!down_read_trylock(&adev->reset_domain->sem))
		return;
	amdgpu_device_flush_hdp(adev, NULL);
	up_read(&adev->reset_domain->sem);
}

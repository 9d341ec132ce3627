// SPDX-License-Identifier: GPL-2.0-only

#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <drm/drm_exec.h>

#include "vm_bind.h"

/**
 * DOC: who changes what
 *
 * The tree of mappings is changed by vm_bind(), under the VM's reservation. The
 * page table is changed by jobs, one after the other, where a fence is to be
 * signalled. A mapping that vm_bind() took out of the tree stays linked to its
 * object until the job has cleared the page table, so the object cannot go
 * before; then the job unlinks it. What that leaves over a work item frees.
 *
 * Not here: eviction, import, and what a GPU needs besides a page table.
 */

struct vm_bind_va {
	struct drm_gpuva base;
	struct list_head entry;
};

struct vm_bind_job {
	struct dma_fence fence;
	/* Of the fence, which can outlive the VM. */
	spinlock_t lock;
	struct work_struct work;
	struct vm_bind_vm *vm;
	/* Allocated before the first lock is taken. */
	struct list_head spare_vas;
	/* Out of the tree, to be unlinked by the job. */
	struct list_head dead_vas;
	/* Of the operation that is being carried out. */
	struct drm_gpuvm_bo *vm_bo;
	unsigned int count;
	struct {
		struct vm_bind_op op;
		struct drm_gpuvm_bo *vm_bo;
	} ops[] __counted_by(count);
};

/* The most that an operation adds: one, and the rests of two that it cuts. */
#define VAS_PER_OP	3

static struct vm_bind_va *to_vm_bind_va(struct drm_gpuva *va)
{
	return container_of(va, struct vm_bind_va, base);
}

static struct vm_bind_vm *to_vm_bind_vm(struct drm_gpuvm *gpuvm)
{
	return container_of(gpuvm, struct vm_bind_vm, base);
}

/* [steps] */
static struct drm_gpuva *take_va(struct vm_bind_job *job)
{
	struct vm_bind_va *va = list_first_entry(&job->spare_vas, struct vm_bind_va, entry);

	list_del_init(&va->entry);
	return &va->base;
}

static void link_va(struct drm_gpuva *va, struct drm_gpuvm_bo *vm_bo)
{
	if (!va->gem.obj)
		return;
	mutex_lock(drm_gem_gpuva_mutex(va->gem.obj));
	drm_gpuva_link(va, vm_bo);
	mutex_unlock(drm_gem_gpuva_mutex(va->gem.obj));
}

static int step_map(struct drm_gpuva_op *op, void *priv)
{
	struct vm_bind_job *job = priv;
	struct drm_gpuva *va = take_va(job);

	drm_gpuva_map(&job->vm->base, va, &op->map);
	link_va(va, job->vm_bo);
	return 0;
}

static int step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct vm_bind_job *job = priv;
	struct drm_gpuva *old = op->remap.unmap->va;
	struct drm_gpuva *prev = op->remap.prev ? take_va(job) : NULL;
	struct drm_gpuva *next = op->remap.next ? take_va(job) : NULL;

	drm_gpuva_remap(prev, next, &op->remap);
	if (prev)
		link_va(prev, old->vm_bo);
	if (next)
		link_va(next, old->vm_bo);
	list_add_tail(&to_vm_bind_va(old)->entry, &job->dead_vas);
	return 0;
}

static int step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct vm_bind_job *job = priv;

	drm_gpuva_unmap(&op->unmap);
	list_add_tail(&to_vm_bind_va(op->unmap.va)->entry, &job->dead_vas);
	return 0;
}

/* [steps end] */

static const char *fence_name(struct dma_fence *fence)
{
	return "vm_bind";
}

static void fence_release(struct dma_fence *fence)
{
	struct vm_bind_job *job = container_of(fence, struct vm_bind_job, fence);

	kfree_rcu(job, fence.rcu);
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
	.release = fence_release,
};

static void free_vas(struct list_head *vas)
{
	struct vm_bind_va *va, *next;

	list_for_each_entry_safe(va, next, vas, entry)
		kfree(va);
}

static void write_page_table(struct vm_bind_vm *vm, const struct vm_bind_op *op)
{
	u64 done, pte;

	for (done = 0; done < op->range; done += PAGE_SIZE) {
		pte = op->map && op->obj ? vm->pte_of(op->obj, op->offset + done) : 0;
		WRITE_ONCE(vm->pt[(op->addr + done) >> PAGE_SHIFT], pte);
	}
}

/* [job] */
static void job_run(struct work_struct *work)
{
	struct vm_bind_job *job = container_of(work, struct vm_bind_job, work);
	bool cookie = dma_fence_begin_signalling();
	struct vm_bind_va *va;
	unsigned int i;

	for (i = 0; i < job->count; i++)
		write_page_table(job->vm, &job->ops[i].op);

	/* After a GPU's TLB was flushed nobody uses the old mappings any more. */
	list_for_each_entry(va, &job->dead_vas, entry)
		drm_gpuva_unlink_defer(&va->base);

	dma_fence_signal(&job->fence);
	dma_fence_end_signalling(cookie);

	free_vas(&job->dead_vas);
	/* It takes reservations and frees objects, for which others may wait. */
	schedule_work(&job->vm->cleanup);
	dma_fence_put(&job->fence);
}

static void vm_cleanup(struct work_struct *work)
{
	struct vm_bind_vm *vm = container_of(work, struct vm_bind_vm, cleanup);

	drm_gpuvm_bo_deferred_cleanup(&vm->base);
}

/* [job end] */

/* The references that a job got for its operations; the mappings have their own. */
static void put_vm_bos(struct vm_bind_job *job)
{
	unsigned int i;

	for (i = 0; i < job->count; i++)
		drm_gpuvm_bo_put_deferred(job->ops[i].vm_bo);
	schedule_work(&job->vm->cleanup);
}

static void job_discard(struct vm_bind_job *job)
{
	put_vm_bos(job);
	free_vas(&job->spare_vas);
	kfree(job);
}

static bool op_is_valid(const struct vm_bind_op *op)
{
	u64 end;

	if (!op->range || !PAGE_ALIGNED(op->addr | op->range | op->offset))
		return false;
	if (!op->map || !op->obj)
		return true;
	return !check_add_overflow(op->offset, op->range, &end) && end <= op->obj->size;
}

/* [alloc] */
static int job_prepare_op(struct vm_bind_job *job, unsigned int n)
{
	const struct vm_bind_op *op = &job->ops[n].op;
	struct drm_gpuvm_bo *vm_bo;
	struct vm_bind_va *va;
	unsigned int i;

	for (i = 0; i < VAS_PER_OP; i++) {
		va = kzalloc(sizeof(*va), GFP_KERNEL);
		if (!va)
			return -ENOMEM;
		list_add(&va->entry, &job->spare_vas);
	}
	if (op->map && op->obj) {
		vm_bo = drm_gpuvm_bo_create(&job->vm->base, op->obj);
		if (!vm_bo)
			return -ENOMEM;
		/* The one that exists already, if there is one. */
		job->ops[n].vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
	}
	return 0;
}

/* [alloc end] */

static struct vm_bind_job *job_create(struct vm_bind_vm *vm, const struct vm_bind_op *ops,
				      unsigned int count)
{
	struct vm_bind_job *job = kzalloc(struct_size(job, ops, count), GFP_KERNEL);
	unsigned int i;
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	job->vm = vm;
	spin_lock_init(&job->lock);
	INIT_WORK(&job->work, job_run);
	INIT_LIST_HEAD(&job->spare_vas);
	INIT_LIST_HEAD(&job->dead_vas);
	job->count = count;
	for (i = 0; i < count; i++) {
		job->ops[i].op = ops[i];
		ret = op_is_valid(&ops[i]) ? job_prepare_op(job, i) : -EINVAL;
		if (ret) {
			job_discard(job);
			return ERR_PTR(ret);
		}
	}
	return job;
}

/* [lock] */
static int lock_op(struct drm_gpuvm *gpuvm, struct drm_exec *exec, const struct vm_bind_op *op)
{
	struct drm_gpuvm_map_req req = {
		.map.va.addr = op->addr,
		.map.va.range = op->range,
		.map.gem.obj = op->obj,
		.map.gem.offset = op->offset,
	};

	if (op->map)
		return drm_gpuvm_sm_map_exec_lock(gpuvm, exec, 1, &req);
	return drm_gpuvm_sm_unmap_exec_lock(gpuvm, exec, op->addr, op->range);
}

static int job_lock(struct vm_bind_job *job, struct drm_exec *exec)
{
	struct drm_gpuvm *gpuvm = &job->vm->base;
	unsigned int i;
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		/* First, because it protects the tree. */
		ret = drm_gpuvm_prepare_vm(gpuvm, exec, 1);
		drm_exec_retry_on_contention(exec);
		for (i = 0; i < job->count && !ret; i++) {
			ret = lock_op(gpuvm, exec, &job->ops[i].op);
			drm_exec_retry_on_contention(exec);
		}
		if (ret)
			break;
	}
	return ret;
}

/* [lock end] */

/* [commit] */
static void run_op(struct vm_bind_job *job, unsigned int i)
{
	const struct vm_bind_op *op = &job->ops[i].op;
	struct drm_gpuvm *gpuvm = &job->vm->base;
	struct drm_gpuvm_map_req req = {
		.map.va.addr = op->addr,
		.map.va.range = op->range,
		.map.gem.obj = op->obj,
		.map.gem.offset = op->offset,
	};
	int ret;

	job->vm_bo = job->ops[i].vm_bo;
	if (op->map)
		ret = drm_gpuvm_sm_map(gpuvm, job, &req);
	else
		ret = drm_gpuvm_sm_unmap(gpuvm, job, op->addr, op->range);
	/* The range was good enough to lock it, and the steps do not fail. */
	WARN_ON(ret);
	if (job->vm_bo) {
		drm_gpuvm_bo_extobj_add(job->vm_bo);
		dma_resv_add_fence(op->obj->resv, &job->fence, DMA_RESV_USAGE_BOOKKEEP);
	}
}

/**
 * vm_bind() - change the address space
 * @vm: the address space
 * @ops: the operations, carried out in this order
 * @count: how many
 *
 * The tree is changed on return, or nothing is; the page table when the fence
 * has signalled.
 *
 * Returns: a reference to the fence or an ERR_PTR
 */
struct dma_fence *vm_bind(struct vm_bind_vm *vm, const struct vm_bind_op *ops, unsigned int count)
{
	struct vm_bind_job *job = job_create(vm, ops, count);
	struct drm_exec exec;
	unsigned int i;
	int ret;

	if (IS_ERR(job))
		return ERR_CAST(job);
	ret = job_lock(job, &exec);
	if (ret) {
		drm_exec_fini(&exec);
		job_discard(job);
		return ERR_PTR(ret);
	}

	dma_fence_init(&job->fence, &fence_ops, &job->lock, vm->context, ++vm->seqno);
	for (i = 0; i < count; i++)
		run_op(job, i);
	dma_resv_add_fence(drm_gpuvm_resv(&vm->base), &job->fence, DMA_RESV_USAGE_BOOKKEEP);
	free_vas(&job->spare_vas);
	/* The job owns one reference, the caller gets the other one. */
	dma_fence_get(&job->fence);
	put_vm_bos(job);
	queue_work(vm->queue, &job->work);
	drm_exec_fini(&exec);
	return &job->fence;
}

/* [commit end] */

static void vm_free(struct drm_gpuvm *gpuvm)
{
	struct vm_bind_vm *vm = to_vm_bind_vm(gpuvm);

	vfree(vm->pt);
	kfree(vm);
}

static const struct drm_gpuvm_ops vm_ops = {
	.vm_free = vm_free,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
};

/**
 * vm_bind_create() - make an address space
 * @drm: the device
 * @pte_of: the page table's entry for a page of an object; not 0
 *
 * Returns: it or an ERR_PTR
 */
struct vm_bind_vm *vm_bind_create(struct drm_device *drm,
				  u64 (*pte_of)(struct drm_gem_object *obj, u64 offset))
{
	struct drm_gem_object *resv = drm_gpuvm_resv_object_alloc(drm);
	struct vm_bind_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL);

	if (!resv || !vm)
		goto err;
	vm->pt = vzalloc(VM_BIND_PAGES * sizeof(*vm->pt));
	if (!vm->pt)
		goto err;
	vm->queue = alloc_ordered_workqueue("vm_bind", WQ_MEM_RECLAIM);
	if (!vm->queue)
		goto err;

	vm->pte_of = pte_of;
	vm->context = dma_fence_context_alloc(1);
	INIT_WORK(&vm->cleanup, vm_cleanup);
	drm_gpuvm_init(&vm->base, "vm_bind", DRM_GPUVM_IMMEDIATE_MODE | DRM_GPUVM_RESV_PROTECTED,
		       drm, resv, 0, VM_BIND_SIZE, 0, 0, &vm_ops);
	drm_gem_object_put(resv);
	return vm;

err:
	if (vm)
		vfree(vm->pt);
	kfree(vm);
	if (resv)
		drm_gem_object_put(resv);
	return ERR_PTR(-ENOMEM);
}

/* [destroy] */
/**
 * vm_bind_destroy() - end an address space, with all that is mapped
 * @vm: the address space
 *
 * Waits for its jobs. Nobody may call vm_bind() any more.
 */
void vm_bind_destroy(struct vm_bind_vm *vm)
{
	struct drm_gpuva *va, *next;

	destroy_workqueue(vm->queue);
	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	drm_gpuvm_for_each_va_safe(va, next, &vm->base) {
		drm_gpuva_remove(va);
		drm_gpuva_unlink_defer(va);
		kfree(to_vm_bind_va(va));
	}
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
	flush_work(&vm->cleanup);
	/* Before the last reference to the VM goes. */
	drm_gpuvm_bo_deferred_cleanup(&vm->base);
	drm_gpuvm_put(&vm->base);
}

/* [destroy end] */

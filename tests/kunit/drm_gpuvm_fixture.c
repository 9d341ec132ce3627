// SPDX-License-Identifier: GPL-2.0-only

#include <linux/sched/mm.h>
#include <linux/slab.h>

#include <drm/drm_drv.h>
#include <drm/drm_kunit_helpers.h>

#include "drm_gpuvm_fixture.h"

/* vm_bo_alloc() gets no argument to reach the fixture by. */
atomic_t fix_live_vm_bos;
atomic_t fix_live_vas;

struct fix_device {
	struct drm_device drm;
};

struct fix_vm {
	struct drm_gpuvm base;
	struct fixture *fix;
};

struct fix_gem {
	struct drm_gem_object base;
	struct fixture *fix;
};

static struct fixture *vm_fixture(struct drm_gpuvm *vm)
{
	return container_of(vm, struct fix_vm, base)->fix;
}

/* --- the kernel log -------------------------------------------------------- */

void fix_log_mark(struct fixture *fix)
{
	size_t len;

	kmsg_dump_rewind(&fix->log);
	while (kmsg_dump_get_line(&fix->log, false, fix->line, sizeof(fix->line), &len))
		;
}

/* Warnings and bug reports since fix_log_mark(); lockdep and KASAN report thus too. */
unsigned int fix_warnings(struct fixture *fix)
{
	struct kmsg_dump_iter log = fix->log;
	unsigned int count = 0;
	size_t len;

	while (kmsg_dump_get_line(&log, false, fix->line, sizeof(fix->line) - 1, &len)) {
		fix->line[min(len, sizeof(fix->line) - 1)] = '\0';
		if (strstr(fix->line, "WARNING:") || strstr(fix->line, "BUG:"))
			count++;
	}
	return count;
}

/* What a case warns of between the two is meant to be. Where KUnit can it keeps that
 * out of the log, which others may judge; else it is looked for there.
 */
#ifdef KUNIT_SUPPRESSED_WARNING_COUNT
void fix_begin_warnings(struct fixture *fix)
{
	fix->suppressed = kunit_start_suppress_warning(fix->test);
	KUNIT_ASSERT_NOT_NULL(fix->test, fix->suppressed);
}

void fix_end_warnings(struct fixture *fix, unsigned int count)
{
	KUNIT_EXPECT_EQ(fix->test, kunit_suppressed_warning_count(fix->suppressed), count);
	kunit_end_suppress_warning(fix->test, fix->suppressed);
}
#else
void fix_begin_warnings(struct fixture *fix)
{
	fix->warnings_before = fix_warnings(fix);
}

void fix_end_warnings(struct fixture *fix, unsigned int count)
{
	KUNIT_EXPECT_EQ(fix->test, fix_warnings(fix) - fix->warnings_before, count);
	fix->warnings_expected += count;
}
#endif

/* --- GEM objects ----------------------------------------------------------- */

/* As freeing an object of a real driver does, this one allocates: so freeing it
 * where a fence is to be signalled is an error that lockdep sees.
 */
static void gem_free(struct drm_gem_object *obj)
{
	struct fix_gem *gem = container_of(obj, struct fix_gem, base);

	might_alloc(GFP_KERNEL);
	atomic_dec(&gem->fix->live_gems);
	drm_gem_object_release(obj);
	kfree(gem);
}

static const struct drm_gem_object_funcs gem_funcs = {
	.free = gem_free,
};

static int gem_create(struct fixture *fix, int which)
{
	struct fix_gem *gem = kzalloc(sizeof(*gem), GFP_KERNEL);

	if (!gem)
		return -ENOMEM;
	gem->fix = fix;
	gem->base.funcs = &gem_funcs;
	if (which >= P)
		gem->base.resv = drm_gpuvm_resv(fix->vm);
	drm_gem_private_object_init(fix->drm, &gem->base, PG(FIX_VM_PAGES));
	atomic_inc(&fix->live_gems);
	fix->gem[which] = &gem->base;
	return 0;
}

void fix_drop_gem(struct fixture *fix, int gem)
{
	drm_gem_object_put(fix->gem[gem]);
	fix->gem[gem] = NULL;
}

struct drm_gem_object *fix_obj(struct fixture *fix, int gem)
{
	return gem == SPARSE ? NULL : fix->gem[gem];
}

u32 fix_bit(struct fixture *fix, struct drm_gem_object *obj)
{
	int i;

	for (i = 0; obj && i < FIX_GEMS; i++)
		if (fix->gem[i] == obj)
			return BIT(i);
	return 0;
}

u32 fix_locked(struct fixture *fix)
{
	u32 locked = 0;
	int i;

	for (i = 0; i < FIX_GEMS; i++)
		if (fix->gem[i] && dma_resv_is_locked(fix->gem[i]->resv))
			locked |= BIT(i);
	return locked;
}

/* --- the steps of a VM_BIND driver ----------------------------------------- */

static void touch(struct fixture *fix, struct drm_gem_object *obj)
{
	if (!obj)
		return;
	fix->touched |= fix_bit(fix, obj);
	if (!dma_resv_is_locked(obj->resv))
		fix->touched_unlocked++;
}

static int link_va(struct drm_gpuvm *vm, struct drm_gpuva *va)
{
	struct drm_gem_object *obj = va->gem.obj;
	struct drm_gpuvm_bo *vm_bo;

	if (!obj)
		return 0;
	if (!drm_gpuvm_immediate_mode(vm)) {
		vm_bo = drm_gpuvm_bo_obtain_locked(vm, obj);
		if (IS_ERR(vm_bo))
			return PTR_ERR(vm_bo);
		drm_gpuva_link(va, vm_bo);
		drm_gpuvm_bo_put(vm_bo);
		return 0;
	}
	vm_bo = drm_gpuvm_bo_create(vm, obj);
	if (!vm_bo)
		return -ENOMEM;
	vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
	mutex_lock(drm_gem_gpuva_mutex(obj));
	drm_gpuva_link(va, vm_bo);
	mutex_unlock(drm_gem_gpuva_mutex(obj));
	drm_gpuvm_bo_put_deferred(vm_bo);
	return 0;
}

static void unlink_va(struct drm_gpuvm *vm, struct drm_gpuva *va)
{
	if (drm_gpuvm_immediate_mode(vm))
		drm_gpuva_unlink_defer(va);
	else
		drm_gpuva_unlink(va);
}

static struct drm_gpuva *va_alloc(void)
{
	struct drm_gpuva *va = kzalloc(sizeof(*va), GFP_KERNEL);

	if (va)
		atomic_inc(&fix_live_vas);
	return va;
}

static void va_free(struct drm_gpuva *va)
{
	atomic_dec(&fix_live_vas);
	kfree(va);
}

static int step_map(struct drm_gpuva_op *op, void *priv)
{
	struct fixture *fix = priv;
	struct drm_gpuva *va = va_alloc();

	if (!va)
		return -ENOMEM;
	touch(fix, op->map.gem.obj);
	drm_gpuva_map(fix->vm, va, &op->map);
	return link_va(fix->vm, va);
}

static int step_unmap(struct drm_gpuva_op *op, void *priv)
{
	struct fixture *fix = priv;
	struct drm_gpuva *va = op->unmap.va;

	touch(fix, va->gem.obj);
	drm_gpuva_unmap(&op->unmap);
	unlink_va(fix->vm, va);
	va_free(va);
	return 0;
}

static int step_remap(struct drm_gpuva_op *op, void *priv)
{
	struct fixture *fix = priv;
	struct drm_gpuva *old = op->remap.unmap->va;
	struct drm_gpuva *prev = op->remap.prev ? va_alloc() : NULL;
	struct drm_gpuva *next = op->remap.next ? va_alloc() : NULL;
	int ret = 0;

	if ((op->remap.prev && !prev) || (op->remap.next && !next))
		return -ENOMEM;
	touch(fix, old->gem.obj);
	drm_gpuva_remap(prev, next, &op->remap);
	if (prev)
		ret = link_va(fix->vm, prev);
	if (next && !ret)
		ret = link_va(fix->vm, next);
	unlink_va(fix->vm, old);
	va_free(old);
	return ret;
}

static struct drm_gpuvm_bo *vm_bo_alloc(void)
{
	struct drm_gpuvm_bo *vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL);

	if (vm_bo)
		atomic_inc(&fix_live_vm_bos);
	return vm_bo;
}

static void vm_bo_free(struct drm_gpuvm_bo *vm_bo)
{
	atomic_dec(&fix_live_vm_bos);
	kfree(vm_bo);
}

static int vm_bo_validate(struct drm_gpuvm_bo *vm_bo, struct drm_exec *exec)
{
	struct fixture *fix = vm_fixture(vm_bo->vm);

	fix->validated |= fix_bit(fix, vm_bo->obj);
	drm_gpuvm_bo_evict(vm_bo, false);
	if (vm_bo == fix->drop_in_validate) {
		fix->drop_in_validate = NULL;
		drm_gpuvm_bo_put_deferred(vm_bo);
	}
	return 0;
}

static void vm_free(struct drm_gpuvm *vm)
{
	struct fix_vm *fvm = container_of(vm, struct fix_vm, base);

	atomic_dec(&fvm->fix->live_vms);
	if (!fvm->fix->keep_dead_vm)
		kfree(fvm);
}

/* For a case that had a VM end under its hands and kept the memory. */
void fix_free_dead_vm(struct fixture *fix)
{
	int i;

	for (i = 0; i < FIX_GEMS; i++)
		if (fix->gem[i])
			fix_drop_gem(fix, i);
	kfree(container_of(fix->vm, struct fix_vm, base));
	fix->vm = NULL;
}

static const struct drm_gpuvm_ops vm_ops = {
	.vm_free = vm_free,
	.vm_bo_alloc = vm_bo_alloc,
	.vm_bo_free = vm_bo_free,
	.vm_bo_validate = vm_bo_validate,
	.sm_step_map = step_map,
	.sm_step_remap = step_remap,
	.sm_step_unmap = step_unmap,
};

/* --- what the cases call --------------------------------------------------- */

struct drm_gpuvm_map_req fix_req(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset)
{
	return (struct drm_gpuvm_map_req) {
		.map.va.addr = PG(page),
		.map.va.range = PG(pages),
		.map.gem.obj = fix_obj(fix, gem),
		.map.gem.offset = PG(offset),
	};
}

/* Lock every object there is, by nothing that is under test. */
void fix_lock_all(struct fixture *fix, struct drm_exec *exec)
{
	int i, ret = 0;

	drm_exec_init(exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = drm_exec_lock_obj(exec, drm_gpuvm_resv_obj(fix->vm));
		drm_exec_retry_on_contention(exec);
		for (i = 0; i < FIX_GEMS && !ret; i++) {
			if (!fix->gem[i])
				continue;
			ret = drm_exec_lock_obj(exec, fix->gem[i]);
			drm_exec_retry_on_contention(exec);
		}
	}
	KUNIT_EXPECT_EQ(fix->test, ret, 0);
}

void fix_bind(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset)
{
	struct drm_gpuvm_map_req req = fix_req(fix, page, pages, gem, offset);
	struct drm_exec exec;

	fix_lock_all(fix, &exec);
	KUNIT_EXPECT_EQ(fix->test, drm_gpuvm_sm_map(fix->vm, fix, &req), 0);
	drm_exec_fini(&exec);
	fix->touched = 0;
}

void fix_unbind(struct fixture *fix, u64 page, u64 pages)
{
	struct drm_exec exec;

	fix_lock_all(fix, &exec);
	KUNIT_EXPECT_EQ(fix->test, drm_gpuvm_sm_unmap(fix->vm, fix, PG(page), PG(pages)), 0);
	drm_exec_fini(&exec);
	fix->touched = 0;
}

/* A reference to the object's vm_bo in this VM, for immediate mode. */
struct drm_gpuvm_bo *fix_obtain(struct fixture *fix, int gem)
{
	struct drm_gpuvm_bo *vm_bo = drm_gpuvm_bo_create(fix->vm, fix->gem[gem]);

	KUNIT_ASSERT_NOT_NULL(fix->test, vm_bo);
	return drm_gpuvm_bo_obtain_prealloc(vm_bo);
}

struct drm_gpuvm_bo *fix_find(struct fixture *fix, int gem)
{
	struct drm_gem_object *obj = fix->gem[gem];
	struct drm_gpuvm_bo *vm_bo;

	mutex_lock(drm_gem_gpuva_mutex(obj));
	vm_bo = drm_gpuvm_bo_find(fix->vm, obj);
	mutex_unlock(drm_gem_gpuva_mutex(obj));
	return vm_bo;
}

void fix_make_extobj(struct fixture *fix, struct drm_gpuvm_bo *vm_bo)
{
	dma_resv_lock(drm_gpuvm_resv(fix->vm), NULL);
	drm_gpuvm_bo_extobj_add(vm_bo);
	dma_resv_unlock(drm_gpuvm_resv(fix->vm));
}

/* --- threads --------------------------------------------------------------- */

static int thread_main(void *data)
{
	struct fix_thread *thread = data;

	thread->fn(thread);
	complete(&thread->done);
	while (!kthread_should_stop()) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (!kthread_should_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	return 0;
}

void fix_start(struct fix_thread *thread)
{
	init_completion(&thread->reached);
	init_completion(&thread->go_on);
	init_completion(&thread->done);
	thread->task = kthread_run(thread_main, thread, "gpuvm-test/%u", thread->number);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(thread->fix->test, thread->task);
}

/* Until the thread sleeps past its point, or is done. */
void fix_wait_until_blocked(struct fix_thread *thread)
{
	/* The point is reached while the thread runs; not to be reordered. */
	while (!smp_load_acquire(&thread->at_the_point) || task_is_running(thread->task))
		schedule();
}

void fix_join(struct fix_thread *thread)
{
	wait_for_completion(&thread->done);
	kthread_stop(thread->task);
}

/* --- begin and end of a case ------------------------------------------------ */

static int vm_create(struct fixture *fix, unsigned int flags)
{
	struct drm_gem_object *resv = drm_gpuvm_resv_object_alloc(fix->drm);
	struct fix_vm *fvm;

	if (!resv)
		return -ENOMEM;
	fvm = kzalloc(sizeof(*fvm), GFP_KERNEL);
	if (fvm) {
		fvm->fix = fix;
		fix->vm = &fvm->base;
		atomic_inc(&fix->live_vms);
		drm_gpuvm_init(fix->vm, "test", flags, fix->drm, resv, 0, PG(FIX_VM_PAGES),
			       PG(FIX_KERNEL_PAGE), PG(FIX_KERNEL_PAGES), &vm_ops);
	}
	drm_gem_object_put(resv);
	return fvm ? 0 : -ENOMEM;
}

int fix_init_mode(struct kunit *test, unsigned int flags)
{
	struct fixture *fix = kunit_kzalloc(test, sizeof(*fix), GFP_KERNEL);
	struct fix_device *fdev;
	struct device *dev;
	int i, ret;

	KUNIT_ASSERT_NOT_NULL(test, fix);
	test->priv = fix;
	fix->test = test;
	dev = drm_kunit_helper_alloc_device(test);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	fdev = drm_kunit_helper_alloc_drm_device(test, dev, struct fix_device, drm,
						 DRIVER_GEM | DRIVER_GEM_GPUVA);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, fdev);
	fix->drm = &fdev->drm;

	atomic_set(&fix_live_vm_bos, 0);
	atomic_set(&fix_live_vas, 0);
	ret = vm_create(fix, flags);
	for (i = 0; i < FIX_GEMS && !ret; i++)
		ret = gem_create(fix, i);
	fix_log_mark(fix);
	return ret;
}

int fix_init(struct kunit *test)
{
	const struct fix_mode *mode = test->param_value;

	return fix_init_mode(test, mode ? mode->flags : 0);
}

static void unbind_all(struct fixture *fix)
{
	fix_unbind(fix, 0, FIX_KERNEL_PAGE);
	fix_unbind(fix, FIX_KERNEL_PAGE + FIX_KERNEL_PAGES,
		   FIX_VM_PAGES - FIX_KERNEL_PAGE - FIX_KERNEL_PAGES);
	if (drm_gpuvm_immediate_mode(fix->vm))
		drm_gpuvm_bo_deferred_cleanup(fix->vm);
}

void fix_exit(struct kunit *test)
{
	struct fixture *fix = test->priv;
	int i;

	/* A case that was aborted can hold locks: touch nothing then. */
	if (!fix || test->status == KUNIT_FAILURE)
		return;
	if (fix->vm) {
		unbind_all(fix);
		for (i = 0; i < FIX_GEMS; i++)
			if (fix->gem[i])
				fix_drop_gem(fix, i);
		drm_gpuvm_put(fix->vm);
	}
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&fix_live_vas), 0, "mappings leaked");
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&fix_live_vm_bos), 0, "vm_bos leaked");
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&fix->live_gems), 0, "GEM objects leaked");
	KUNIT_EXPECT_EQ_MSG(test, atomic_read(&fix->live_vms), 0, "the VM leaked");
	KUNIT_EXPECT_EQ_MSG(test, fix_warnings(fix), fix->warnings_expected,
			    "warnings in the kernel log");
}

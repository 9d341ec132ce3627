// SPDX-License-Identifier: GPL-2.0-only

#include <linux/dma-resv.h>
#include <linux/hash.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <drm/drm_print.h>

#include "drm_gpuvm_deferred.h"

/**
 * DOC: changing a VM where fences are signalled
 *
 * A driver in immediate mode changes its VM in the job that a fence stands for.
 * There it must neither take a reservation nor drop the last reference to a GEM
 * object, because somebody who holds that reservation, or allocates within,
 * may be waiting for the fence. So the last put of a vm_bo does only what can be
 * done there, and leaves the rest to drm_gpuvm_bo_deferred_cleanup(), which the
 * driver calls where it may sleep for anything.
 *
 * Between the two the vm_bo is a zombie: its count is zero, no lookup finds it,
 * prepare and validate pass it by, and it still holds the object and the VM. If
 * the object is mapped anew, it gets a new vm_bo.
 *
 * Locks: the mutex of the object's list of mappings, drm_gem_gpuva_mutex(), is a
 * leaf; nothing may be allocated under it. The count reaches zero only while it
 * is held, so whoever finds a vm_bo in the list finds one with a reference. The
 * zombie is queued after the mutex was released, because from then on a cleanup
 * elsewhere can free everything, on kernels of 7.2 the object with the mutex in
 * it. The queue is lock-free. Cleanup takes the VM's reservation if that protects
 * the VM's lists, else their spinlocks.
 *
 * It is the driver's business to clean up before it drops its own reference to
 * the VM; a VM that ends with zombies warns.
 */

#define MUTEX_BITS 6

/*
 * struct drm_gem_object of these kernels has no room for a mutex, and its layout
 * cannot be changed from outside. Sharing costs waiting, for short sections.
 */
static struct mutex gem_mutex[1 << MUTEX_BITS];

/**
 * drm_gem_gpuva_mutex() - the mutex of a GEM object's list of mappings
 * @obj: the &drm_gem_object
 *
 * Several objects can have the same one, so never hold two of them at once.
 *
 * Returns: the mutex
 */
struct mutex *drm_gem_gpuva_mutex(struct drm_gem_object *obj)
{
	return &gem_mutex[hash_ptr(obj, MUTEX_BITS)];
}
EXPORT_SYMBOL_GPL(drm_gem_gpuva_mutex);

/* With the mutex of the object held. */
static void become_zombie(struct kref *kref)
{
	struct drm_gpuvm_bo *vm_bo = container_of(kref, struct drm_gpuvm_bo, kref);

	lockdep_assert_held(drm_gem_gpuva_mutex(vm_bo->obj));
	list_del_init(&vm_bo->list.entry.gem);
}

/* With the mutex of the object free: as of now the vm_bo can be freed. */
static void queue_zombie(struct drm_gpuvm_bo *vm_bo)
{
	llist_add(&vm_bo->list.entry.bo_defer, &vm_bo->vm->bo_defer);
}

/**
 * drm_gpuvm_bo_put_deferred() - drop a reference where fences are signalled
 * @vm_bo: the &drm_gpuvm_bo, or NULL
 *
 * For VMs in immediate mode. Takes the mutex of the object's list of mappings if
 * the reference is the last one, so the caller must not hold it.
 * drm_gpuvm_bo_deferred_cleanup() has to follow at some time.
 *
 * Returns: true if it was the last reference
 */
bool drm_gpuvm_bo_put_deferred(struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj;

	if (!vm_bo)
		return false;

	drm_WARN_ON(vm_bo->vm->drm, !drm_gpuvm_immediate_mode(vm_bo->vm));

	obj = vm_bo->obj;
	if (!kref_put_mutex(&vm_bo->kref, become_zombie, drm_gem_gpuva_mutex(obj)))
		return false;
	mutex_unlock(drm_gem_gpuva_mutex(obj));
	queue_zombie(vm_bo);

	return true;
}
EXPORT_SYMBOL_GPL(drm_gpuvm_bo_put_deferred);

/**
 * drm_gpuva_unlink_defer() - drm_gpuva_unlink() where fences are signalled
 * @va: the &drm_gpuva
 *
 * For VMs in immediate mode. Takes the mutex of the object's list of mappings, so
 * the caller must not hold it, and drops the mapping's reference to its vm_bo as
 * drm_gpuvm_bo_put_deferred() does. Mappings without an object are left alone.
 */
void drm_gpuva_unlink_defer(struct drm_gpuva *va)
{
	struct drm_gem_object *obj = va->gem.obj;
	struct drm_gpuvm_bo *vm_bo = va->vm_bo;
	bool zombie;

	if (!obj)
		return;

	drm_WARN_ON(vm_bo->vm->drm, !drm_gpuvm_immediate_mode(vm_bo->vm));

	mutex_lock(drm_gem_gpuva_mutex(obj));
	list_del_init(&va->gem.entry);
	va->vm_bo = NULL;
	zombie = kref_put(&vm_bo->kref, become_zombie);
	mutex_unlock(drm_gem_gpuva_mutex(obj));

	if (zombie)
		queue_zombie(vm_bo);
}
EXPORT_SYMBOL_GPL(drm_gpuva_unlink_defer);

static void free_vm_bo(struct drm_gpuvm_bo *vm_bo)
{
	struct drm_gem_object *obj = vm_bo->obj;
	struct drm_gpuvm *gpuvm = vm_bo->vm;

	if (gpuvm->ops && gpuvm->ops->vm_bo_free)
		gpuvm->ops->vm_bo_free(vm_bo);
	else
		kfree(vm_bo);

	drm_gem_object_put(obj);
	drm_gpuvm_put(gpuvm);
}

static void leave_list(spinlock_t *lock, struct list_head *entry)
{
	spin_lock(lock);
	list_del_init(entry);
	spin_unlock(lock);
}

/*
 * Off the VM's lists. An entry can also be on the list of somebody who walks one
 * of them, which is under the same lock, or on none.
 */
static void leave_lists(struct drm_gpuvm *gpuvm, struct llist_node *zombies)
{
	struct drm_gpuvm_bo *vm_bo;

	if (drm_gpuvm_resv_protected(gpuvm)) {
		dma_resv_lock(drm_gpuvm_resv(gpuvm), NULL);
		llist_for_each_entry(vm_bo, zombies, list.entry.bo_defer) {
			list_del_init(&vm_bo->list.entry.extobj);
			list_del_init(&vm_bo->list.entry.evict);
		}
		dma_resv_unlock(drm_gpuvm_resv(gpuvm));
		return;
	}

	llist_for_each_entry(vm_bo, zombies, list.entry.bo_defer) {
		leave_list(&gpuvm->extobj.lock, &vm_bo->list.entry.extobj);
		leave_list(&gpuvm->evict.lock, &vm_bo->list.entry.evict);
	}
}

/**
 * drm_gpuvm_bo_deferred_cleanup() - free what deferred puts left over
 * @gpuvm: the &drm_gpuvm, to which the caller has a reference
 *
 * Takes the VM's reservation if that protects the VM's lists, and drops
 * references to GEM objects: not to be called with reservations held nor where
 * fences are signalled. Can be called by several threads at once.
 */
void drm_gpuvm_bo_deferred_cleanup(struct drm_gpuvm *gpuvm)
{
	struct llist_node *zombies = llist_del_all(&gpuvm->bo_defer);
	struct drm_gpuvm_bo *vm_bo, *next;

	if (!zombies)
		return;

	leave_lists(gpuvm, zombies);
	llist_for_each_entry_safe(vm_bo, next, zombies, list.entry.bo_defer)
		free_vm_bo(vm_bo);
}
EXPORT_SYMBOL_GPL(drm_gpuvm_bo_deferred_cleanup);

/* What the walks of drm_gpuvm.c put their own reference with: it can be the last. */
bool drm_gpuvm_walk_put(struct drm_gpuvm_bo *vm_bo)
{
	if (vm_bo && drm_gpuvm_immediate_mode(vm_bo->vm))
		return drm_gpuvm_bo_put_deferred(vm_bo);

	return drm_gpuvm_bo_put(vm_bo);
}

static void free_unlisted(struct kref *kref)
{
	free_vm_bo(container_of(kref, struct drm_gpuvm_bo, kref));
}

/* Drop a vm_bo that never was on a list, so no lock is needed. */
void drm_gpuvm_bo_discard(struct drm_gpuvm_bo *vm_bo)
{
	kref_put(&vm_bo->kref, free_unlisted);
}

/* drm_gpuvm_bo_obtain_prealloc() in immediate mode. */
struct drm_gpuvm_bo *drm_gpuvm_bo_obtain_immediate(struct drm_gpuvm_bo *fresh)
{
	struct mutex *mutex = drm_gem_gpuva_mutex(fresh->obj);
	struct drm_gpuvm_bo *vm_bo;

	mutex_lock(mutex);
	vm_bo = drm_gpuvm_bo_find(fresh->vm, fresh->obj);
	if (!vm_bo)
		list_add_tail(&fresh->list.entry.gem, &fresh->obj->gpuva.list);
	mutex_unlock(mutex);
	if (!vm_bo)
		return fresh;

	/* It drops references to object and VM, hence without the mutex. */
	drm_gpuvm_bo_discard(fresh);
	return vm_bo;
}

static int __init drm_gpuvm_next_module_init(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(gem_mutex); i++)
		mutex_init(&gem_mutex[i]);

	return 0;
}
subsys_initcall(drm_gpuvm_next_module_init); /* built in, before the drivers */

static void __exit drm_gpuvm_next_module_exit(void)
{
}
module_exit(drm_gpuvm_next_module_exit);

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes <drm/drm_gpuvm.h> that of drm_gpuvm_next.ko: every function that this
 * module exports has a name of its own for the linker, so that it loads beside
 * the kernel's drm_gpuvm.ko, whose layout of the same structures differs. Source
 * code writes the names of Linux 7.2.
 */
#ifndef DRM_GPUVM_NEXT_H
#define DRM_GPUVM_NEXT_H

#include <linux/llist.h>
#include <linux/mutex.h>

#include <drm/drm_gem.h>

#define DRM_GPUVM_NEXT 1

#define drm_gpuvm_range_valid		drm_gpuvm_next_range_valid
#define drm_gpuvm_interval_empty	drm_gpuvm_next_interval_empty
#define drm_gpuvm_resv_object_alloc	drm_gpuvm_next_resv_object_alloc
#define drm_gpuvm_init			drm_gpuvm_next_init
#define drm_gpuvm_put			drm_gpuvm_next_put
#define drm_gpuvm_prepare_vm		drm_gpuvm_next_prepare_vm
#define drm_gpuvm_prepare_objects	drm_gpuvm_next_prepare_objects
#define drm_gpuvm_prepare_range		drm_gpuvm_next_prepare_range
#define drm_gpuvm_exec_lock		drm_gpuvm_next_exec_lock
#define drm_gpuvm_exec_lock_array	drm_gpuvm_next_exec_lock_array
#define drm_gpuvm_exec_lock_range	drm_gpuvm_next_exec_lock_range
#define drm_gpuvm_validate		drm_gpuvm_next_validate
#define drm_gpuvm_resv_add_fence	drm_gpuvm_next_resv_add_fence
#define drm_gpuvm_bo_create		drm_gpuvm_next_bo_create
#define drm_gpuvm_bo_put		drm_gpuvm_next_bo_put
#define drm_gpuvm_bo_put_deferred	drm_gpuvm_next_bo_put_deferred
#define drm_gpuvm_bo_deferred_cleanup	drm_gpuvm_next_bo_deferred_cleanup
#define drm_gpuvm_bo_find		drm_gpuvm_next_bo_find
/* One function by its old and its new name. */
#define drm_gpuvm_bo_obtain		drm_gpuvm_next_bo_obtain_locked
#define drm_gpuvm_bo_obtain_locked	drm_gpuvm_next_bo_obtain_locked
#define drm_gpuvm_bo_obtain_prealloc	drm_gpuvm_next_bo_obtain_prealloc
#define drm_gpuvm_bo_extobj_add		drm_gpuvm_next_bo_extobj_add
#define drm_gpuvm_bo_evict		drm_gpuvm_next_bo_evict
#define drm_gpuvm_bo_unmap_ops_create	drm_gpuvm_next_bo_unmap_ops_create
#define drm_gpuvm_sm_map		drm_gpuvm_next_sm_map
#define drm_gpuvm_sm_unmap		drm_gpuvm_next_sm_unmap
#define drm_gpuvm_sm_map_exec_lock	drm_gpuvm_next_sm_map_exec_lock
#define drm_gpuvm_sm_unmap_exec_lock	drm_gpuvm_next_sm_unmap_exec_lock
#define drm_gpuvm_sm_map_ops_create	drm_gpuvm_next_sm_map_ops_create
#define drm_gpuvm_sm_unmap_ops_create	drm_gpuvm_next_sm_unmap_ops_create
#define drm_gpuvm_prefetch_ops_create	drm_gpuvm_next_prefetch_ops_create
#define drm_gpuva_insert		drm_gpuva_next_insert
#define drm_gpuva_remove		drm_gpuva_next_remove
#define drm_gpuva_link			drm_gpuva_next_link
#define drm_gpuva_unlink		drm_gpuva_next_unlink
#define drm_gpuva_unlink_defer		drm_gpuva_next_unlink_defer
#define drm_gpuva_find			drm_gpuva_next_find
#define drm_gpuva_find_first		drm_gpuva_next_find_first
#define drm_gpuva_find_prev		drm_gpuva_next_find_prev
#define drm_gpuva_find_next		drm_gpuva_next_find_next
#define drm_gpuva_map			drm_gpuva_next_map
#define drm_gpuva_remap			drm_gpuva_next_remap
#define drm_gpuva_unmap			drm_gpuva_next_unmap
#define drm_gpuva_ops_free		drm_gpuva_next_ops_free
#define drm_gem_gpuva_mutex		drm_gpuvm_next_gem_mutex

/* A macro, because the structure is declared only later. */
#define drm_gpuvm_immediate_mode(gpuvm) (!!((gpuvm)->flags & DRM_GPUVM_IMMEDIATE_MODE))

struct mutex *drm_gem_gpuva_mutex(struct drm_gem_object *obj);

/*
 * The kernel's form has no VM to ask for the mode. A lock of the driver's own,
 * drm_gem_gpuva_set_lock(), is not looked at: 7.2 does not have that.
 */
#undef drm_gem_gpuva_assert_lock_held
#ifdef CONFIG_LOCKDEP
static inline bool drm_gpuvm_next_list_is_locked(bool immediate, struct drm_gem_object *obj)
{
	return immediate ? lockdep_is_held(drm_gem_gpuva_mutex(obj)) : dma_resv_held(obj->resv);
}

#define drm_gem_gpuva_assert_lock_held(gpuvm, obj) \
	lockdep_assert(drm_gpuvm_next_list_is_locked(drm_gpuvm_immediate_mode(gpuvm), obj))
#else
#define drm_gem_gpuva_assert_lock_held(gpuvm, obj) \
	do { (void)(gpuvm); (void)(obj); } while (0)
#endif

#endif

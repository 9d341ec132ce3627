/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a VM_BIND driver needs in order to write one source for kernels that
 * have the drm_gpuvm helpers of Linux 7.2 and for those where drm_gpuvm_next
 * supplies them.
 */
#ifndef DRM_GPUVM_COMPAT_H
#define DRM_GPUVM_COMPAT_H

#include <drm/drm_gpuvm.h>

#ifndef DRM_GPUVM_NEXT
/**
 * drm_gem_gpuva_mutex() - the mutex of a GEM object's list of mappings
 * @obj: the &drm_gem_object
 *
 * In immediate mode this mutex protects the list. It is a member of the object
 * on kernels that have the helpers; on others drm_gpuvm_next supplies it, and
 * then several objects can share one. So never hold two of them at once.
 *
 * Returns: the mutex
 */
static inline struct mutex *drm_gem_gpuva_mutex(struct drm_gem_object *obj)
{
	return &obj->gpuva.lock;
}
#endif

/**
 * drm_gpuvm_map_exec_lock_at() - drm_gpuvm_sm_map_exec_lock() without a request
 * @gpuvm: the &drm_gpuvm
 * @exec: the &drm_exec, with DRM_EXEC_IGNORE_DUPLICATES
 * @num_fences: fences to reserve in the newly mapped object
 * @addr: start of the new mapping
 * @range: its length; neither the offset nor the end
 * @obj: the object to map, or NULL
 * @offset: where in @obj the mapping starts
 *
 * The call form in which the helper was first posted.
 *
 * Returns: 0 or a negative error code
 */
static inline int
drm_gpuvm_map_exec_lock_at(struct drm_gpuvm *gpuvm, struct drm_exec *exec,
			   unsigned int num_fences, u64 addr, u64 range,
			   struct drm_gem_object *obj, u64 offset)
{
	struct drm_gpuvm_map_req req = {
		.map.va.addr = addr,
		.map.va.range = range,
		.map.gem.obj = obj,
		.map.gem.offset = offset,
	};

	return drm_gpuvm_sm_map_exec_lock(gpuvm, exec, num_fences, &req);
}

#endif

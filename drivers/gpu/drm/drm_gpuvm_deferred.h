/* SPDX-License-Identifier: GPL-2.0-only */
/* Between drm_gpuvm.c and drm_gpuvm_deferred.c. */
#ifndef DRM_GPUVM_DEFERRED_H
#define DRM_GPUVM_DEFERRED_H

#include <drm/drm_gpuvm.h>

typedef bool drm_gpuvm_bo_put_fn(struct drm_gpuvm_bo *vm_bo);

/* No reference is left, only drm_gpuvm_bo_deferred_cleanup() is still to come. */
static inline bool drm_gpuvm_bo_is_zombie(struct drm_gpuvm_bo *vm_bo)
{
	return !kref_read(&vm_bo->kref);
}

drm_gpuvm_bo_put_fn drm_gpuvm_walk_put;
void drm_gpuvm_bo_discard(struct drm_gpuvm_bo *vm_bo);
struct drm_gpuvm_bo *drm_gpuvm_bo_obtain_immediate(struct drm_gpuvm_bo *vm_bo);

#endif

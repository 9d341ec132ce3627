// SPDX-License-Identifier: GPL-2.0-only

#include <drm/drm_exec.h>
#include <drm/drm_gpuvm.h>

/**
 * DOC: locking before a VM is changed
 *
 * drm_gpuvm_sm_map_exec_lock() and drm_gpuvm_sm_unmap_exec_lock() lock the
 * objects that drm_gpuvm_sm_map() and drm_gpuvm_sm_unmap() will call the driver
 * for, so that all locks of an ioctl are taken before it changes anything.
 *
 * Both operations unmap or remap each mapping that overlaps their range and no
 * other one, so the objects of those are the ones to lock; there is no need to
 * generate the steps. A mapping that an earlier operation of the same ioctl
 * will put there belongs to an object which that operation locked.
 *
 * Nothing here protects the tree of mappings: that is up to the driver, as with
 * the operations themselves. The exec keeps what was locked before an error.
 *
 * If there is nothing to lock the exec is not looked at. Hence contention that
 * an earlier pass met is still noted after a helper that returned 0, and
 * drm_exec_retry_on_contention() is for those that failed.
 */

static int lock_overlapping(struct drm_gpuvm *gpuvm, struct drm_exec *exec, u64 addr, u64 range)
{
	struct drm_gpuva *va;
	int ret;

	if (!drm_gpuvm_range_valid(gpuvm, addr, range))
		return -EINVAL;

	drm_gpuvm_for_each_va_range(va, gpuvm, addr, addr + range) {
		if (!va->gem.obj)
			continue;
		ret = drm_exec_lock_obj(exec, va->gem.obj);
		if (ret)
			return ret;
	}

	return 0;
}

/**
 * drm_gpuvm_sm_map_exec_lock() - lock what a drm_gpuvm_sm_map() will touch
 * @gpuvm: the &drm_gpuvm
 * @exec: the &drm_exec, with DRM_EXEC_IGNORE_DUPLICATES
 * @num_fences: how many fences to reserve in the object that is to be mapped
 * @req: the mapping to come
 *
 * Returns: 0 on success, -EINVAL for a range that the VM does not have, or what
 * drm_exec returned
 */
int drm_gpuvm_sm_map_exec_lock(struct drm_gpuvm *gpuvm, struct drm_exec *exec,
			       unsigned int num_fences, struct drm_gpuvm_map_req *req)
{
	int ret;

	ret = lock_overlapping(gpuvm, exec, req->map.va.addr, req->map.va.range);
	if (ret || !req->map.gem.obj)
		return ret;

	return drm_exec_prepare_obj(exec, req->map.gem.obj, num_fences);
}
EXPORT_SYMBOL_GPL(drm_gpuvm_sm_map_exec_lock);

/**
 * drm_gpuvm_sm_unmap_exec_lock() - lock what a drm_gpuvm_sm_unmap() will touch
 * @gpuvm: the &drm_gpuvm
 * @exec: the &drm_exec, with DRM_EXEC_IGNORE_DUPLICATES
 * @req_addr: start of the range to unmap
 * @req_range: its length
 *
 * Returns: 0 on success, -EINVAL for a range that the VM does not have, or what
 * drm_exec returned
 */
int drm_gpuvm_sm_unmap_exec_lock(struct drm_gpuvm *gpuvm, struct drm_exec *exec, u64 req_addr,
				 u64 req_range)
{
	return lock_overlapping(gpuvm, exec, req_addr, req_range);
}
EXPORT_SYMBOL_GPL(drm_gpuvm_sm_unmap_exec_lock);

// SPDX-License-Identifier: MIT
/*
 * The ioctl behind amdgpu_svm.h. Arguments go to the kernel as they are: it
 * checks them all, and one judge is better than two that may disagree.
 */
#include <errno.h>

#include <xf86drm.h>

#include "amdgpu_svm.h"

static int svm_ioctl(amdgpu_device_handle dev, struct drm_amdgpu_gem_svm *args)
{
	/* Restarts when a signal interrupts, which the calls here allow. */
	if (drmIoctl(amdgpu_device_get_fd(dev), DRM_IOCTL_AMDGPU_GEM_SVM, args))
		return -errno;
	return 0;
}

int amdgpu_svm_set_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size,
			uint32_t nattr, struct drm_amdgpu_svm_attribute *attrs)
{
	struct drm_amdgpu_gem_svm args = {
		.start_addr = start,
		.size = size,
		.operation = AMDGPU_SVM_OP_SET_ATTR,
		.nattr = nattr,
		.attrs_ptr = (uintptr_t)attrs,
	};

	return svm_ioctl(dev, &args);
}

int amdgpu_svm_get_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size,
			uint32_t nattr, struct drm_amdgpu_svm_attribute *attrs)
{
	struct drm_amdgpu_gem_svm args = {
		.start_addr = start,
		.size = size,
		.operation = AMDGPU_SVM_OP_GET_ATTR,
		.nattr = nattr,
		.attrs_ptr = (uintptr_t)attrs,
	};

	return svm_ioctl(dev, &args);
}

int amdgpu_svm_reset_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size)
{
	struct drm_amdgpu_gem_svm args = {
		.start_addr = start,
		.size = size,
		.operation = AMDGPU_SVM_OP_RESET_ATTR,
	};

	return svm_ioctl(dev, &args);
}

/* SPDX-License-Identifier: MIT */
/*
 * Attributes of shared virtual memory: how this GPU treats an address range of
 * the calling process. Nothing has to be called for the GPU to use the process's
 * memory; a range without attributes has the defaults.
 *
 * All functions return 0, or a negative error number with errno set as well:
 *
 *   -EOPNOTSUPP  no SVM for this process on this GPU (kernel, XNACK off), or the
 *                range holds memory that a GPU cannot be given (device memory)
 *   -EINVAL      range, count, type or value
 *   -EFAULT      part of the range is not mapped
 *   -EADDRINUSE  a buffer object is mapped in the range
 *   -EPERM       the device was opened by another process
 *
 * See amdgpu_drm_svm.h for types and values.
 */
#ifndef AMDGPU_SVM_H
#define AMDGPU_SVM_H

#include <stdint.h>

#include <amdgpu.h>

#include "amdgpu_drm_svm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* @start and @size: bytes, multiples of the page size, not 0. @nattr: 1 to 64. */
int amdgpu_svm_set_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size,
			uint32_t nattr, struct drm_amdgpu_svm_attribute *attrs);

/* Fills in the value of each of @attrs, whose types the caller has set. */
int amdgpu_svm_get_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size,
			uint32_t nattr, struct drm_amdgpu_svm_attribute *attrs);

/* Back to the defaults, also for what the GPU has mapped already. */
int amdgpu_svm_reset_attr(amdgpu_device_handle dev, uint64_t start, uint64_t size);

#ifdef __cplusplus
}
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where Linux 7.2 and 7.3 differ. In drm_gpusvm the driver has to own the pages of a
 * range from 7.3 on; earlier it may, which is what this driver does. In amdgpu,
 * VMs are found by pasid in another place.
 */
#ifndef __AMDGPU_SVM_COMPAT_H__
#define __AMDGPU_SVM_COMPAT_H__

#include <linux/version.h>

#include <drm/drm_gpusvm.h>

#include "amdgpu.h"

#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 3, 0)

static inline int amdgpu_svm_compat_init(struct drm_gpusvm *gpusvm, struct drm_device *drm,
					 struct mm_struct *mm, unsigned long mm_range,
					 unsigned long notifier_size,
					 const struct drm_gpusvm_ops *ops,
					 const unsigned long *chunk_sizes, int num_chunks)
{
	return drm_gpusvm_init(gpusvm, "amdgpu_svm", mm, 0, mm_range, notifier_size, ops,
			       chunk_sizes, num_chunks);
}

static inline void amdgpu_svm_compat_init_pages(struct drm_gpusvm_pages *pages,
						struct drm_device *drm)
{
	drm_gpusvm_init_pages(pages, drm);
}

static inline bool amdgpu_svm_compat_pages_valid(struct drm_gpusvm *gpusvm,
						 struct drm_gpusvm_pages *pages)
{
	return drm_gpusvm_pages_valid(gpusvm, pages);
}

static inline void amdgpu_svm_compat_set_unmapped(struct drm_gpusvm_range *range,
						  struct drm_gpusvm_pages *pages,
						  const struct mmu_notifier_range *mmu_range)
{
	drm_gpusvm_range_set_unmapped(range, pages, 1, mmu_range);
}

static inline void amdgpu_svm_compat_lock_pasids(struct amdgpu_device *adev,
						 unsigned long *flags)
{
	amdgpu_pasid_lock(flags);
}

static inline void amdgpu_svm_compat_unlock_pasids(struct amdgpu_device *adev,
						   unsigned long flags)
{
	amdgpu_pasid_unlock(flags);
}

static inline struct amdgpu_vm *amdgpu_svm_compat_vm_of(struct amdgpu_device *adev, u32 pasid)
{
	struct amdgpu_fpriv *fpriv = amdgpu_pasid_get_fpriv_locked(pasid);

	return fpriv ? &fpriv->vm : NULL;
}

#else

static inline int amdgpu_svm_compat_init(struct drm_gpusvm *gpusvm, struct drm_device *drm,
					 struct mm_struct *mm, unsigned long mm_range,
					 unsigned long notifier_size,
					 const struct drm_gpusvm_ops *ops,
					 const unsigned long *chunk_sizes, int num_chunks)
{
	return drm_gpusvm_init(gpusvm, "amdgpu_svm", drm, mm, 0, mm_range, notifier_size, ops,
			       chunk_sizes, num_chunks);
}

static inline void amdgpu_svm_compat_init_pages(struct drm_gpusvm_pages *pages,
						struct drm_device *drm)
{
	pages->notifier_seq = LONG_MAX;
}

static inline bool amdgpu_svm_compat_pages_valid(struct drm_gpusvm *gpusvm,
						 struct drm_gpusvm_pages *pages)
{
	lockdep_assert_held(&gpusvm->notifier_lock);
	return pages->flags.has_devmem_pages || pages->flags.has_dma_mapping;
}

static inline void amdgpu_svm_compat_set_unmapped(struct drm_gpusvm_range *range,
						  struct drm_gpusvm_pages *pages,
						  const struct mmu_notifier_range *mmu_range)
{
	pages->flags.unmapped = true;
	drm_gpusvm_range_set_unmapped(range, mmu_range);
}

static inline void amdgpu_svm_compat_lock_pasids(struct amdgpu_device *adev,
						 unsigned long *flags)
{
	xa_lock_irqsave(&adev->vm_manager.pasids, *flags);
}

static inline void amdgpu_svm_compat_unlock_pasids(struct amdgpu_device *adev,
						   unsigned long flags)
{
	xa_unlock_irqrestore(&adev->vm_manager.pasids, flags);
}

static inline struct amdgpu_vm *amdgpu_svm_compat_vm_of(struct amdgpu_device *adev, u32 pasid)
{
	return xa_load(&adev->vm_manager.pasids, pasid);
}

#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rest of the driver calls. Without CONFIG_DRM_AMDGPU_SVM all of it
 * costs nothing and the driver behaves as if it were not there.
 */
#ifndef __AMDGPU_SVM_H__
#define __AMDGPU_SVM_H__

#include <linux/errno.h>
#include <linux/types.h>

#include <drm/amdgpu_drm_svm.h>

struct amdgpu_bo;
struct amdgpu_bo_vm;
struct amdgpu_device;
struct amdgpu_iv_entry;
struct amdgpu_reset_domain;
struct amdgpu_vm;
struct dma_fence;
struct drm_device;
struct drm_file;
struct drm_printer;

#ifdef CONFIG_DRM_AMDGPU_SVM

void amdgpu_svm_device_init(struct amdgpu_device *adev);
int amdgpu_svm_init(struct amdgpu_device *adev, struct amdgpu_vm *vm);
void amdgpu_svm_fini(struct amdgpu_vm *vm);
void amdgpu_svm_unplug(struct amdgpu_device *adev);
void amdgpu_svm_reset_begin(struct amdgpu_reset_domain *domain);
void amdgpu_svm_reset_end(struct amdgpu_reset_domain *domain);
void amdgpu_svm_split_rings(struct amdgpu_device *adev);

int amdgpu_svm_ioctl(struct drm_device *dev, void *data, struct drm_file *filp);
int amdgpu_svm_check_user(struct amdgpu_vm *vm);
int amdgpu_svm_check_submit(struct drm_file *filp);
void amdgpu_svm_file_flush(struct drm_file *filp);

bool amdgpu_svm_take_fault(struct amdgpu_device *adev, struct amdgpu_iv_entry *entry,
			   u64 addr, u32 cam_index, u32 node_id, bool write);

int amdgpu_svm_check_bo_map(struct amdgpu_vm *vm, u64 addr, u64 size);

void amdgpu_svm_note_free(struct amdgpu_vm *vm, u64 first, u64 last, struct dma_fence *fence);
int amdgpu_svm_clear_table(struct amdgpu_device *adev, struct amdgpu_vm *vm,
			   struct amdgpu_bo_vm *table, bool immediate);
void amdgpu_svm_keep_tables(struct list_head *entries, struct list_head *tables);
void amdgpu_svm_put_tables(struct list_head *tables);
void amdgpu_svm_table_moves(struct amdgpu_vm *vm, struct amdgpu_bo *bo);
void amdgpu_svm_tables_lost(struct amdgpu_vm *vm);
void amdgpu_svm_tables_valid(struct amdgpu_vm *vm);

void amdgpu_svm_debugfs_init(struct drm_file *file);
void amdgpu_svm_show_fdinfo(struct drm_printer *p, struct amdgpu_vm *vm);

#else

#include "amdgpu_vm.h"

static inline void amdgpu_svm_device_init(struct amdgpu_device *adev)
{
}

static inline int amdgpu_svm_init(struct amdgpu_device *adev, struct amdgpu_vm *vm)
{
	return 0;
}

static inline void amdgpu_svm_fini(struct amdgpu_vm *vm)
{
}

static inline void amdgpu_svm_unplug(struct amdgpu_device *adev)
{
}

static inline void amdgpu_svm_reset_begin(struct amdgpu_reset_domain *domain)
{
}

static inline void amdgpu_svm_reset_end(struct amdgpu_reset_domain *domain)
{
}

static inline void amdgpu_svm_split_rings(struct amdgpu_device *adev)
{
}

static inline int amdgpu_svm_ioctl(struct drm_device *dev, void *data, struct drm_file *filp)
{
	return -EOPNOTSUPP;
}

static inline int amdgpu_svm_check_user(struct amdgpu_vm *vm)
{
	return 0;
}

static inline int amdgpu_svm_check_submit(struct drm_file *filp)
{
	return 0;
}

static inline void amdgpu_svm_file_flush(struct drm_file *filp)
{
}

static inline bool amdgpu_svm_take_fault(struct amdgpu_device *adev,
					 struct amdgpu_iv_entry *entry, u64 addr,
					 u32 cam_index, u32 node_id, bool write)
{
	return false;
}

static inline int amdgpu_svm_check_bo_map(struct amdgpu_vm *vm, u64 addr, u64 size)
{
	return 0;
}

static inline void amdgpu_svm_note_free(struct amdgpu_vm *vm, u64 first, u64 last,
					struct dma_fence *fence)
{
}

static inline int amdgpu_svm_clear_table(struct amdgpu_device *adev, struct amdgpu_vm *vm,
					 struct amdgpu_bo_vm *table, bool immediate)
{
	return amdgpu_vm_pt_clear(adev, vm, table, immediate);
}

static inline void amdgpu_svm_keep_tables(struct list_head *entries, struct list_head *tables)
{
}

static inline void amdgpu_svm_put_tables(struct list_head *tables)
{
}

static inline void amdgpu_svm_table_moves(struct amdgpu_vm *vm, struct amdgpu_bo *bo)
{
}

static inline void amdgpu_svm_tables_lost(struct amdgpu_vm *vm)
{
}

static inline void amdgpu_svm_tables_valid(struct amdgpu_vm *vm)
{
}

static inline void amdgpu_svm_debugfs_init(struct drm_file *file)
{
}

static inline void amdgpu_svm_show_fdinfo(struct drm_printer *p, struct amdgpu_vm *vm)
{
}

#endif

#endif

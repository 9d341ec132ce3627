/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/*
 * Explicitly synchronised page-table updates in DRM_IOCTL_AMDGPU_GEM_VA.
 */
#ifndef AMDGPU_DRM_EXPLICIT_SYNC_H
#define AMDGPU_DRM_EXPLICIT_SYNC_H

/**
 * define AMDGPU_VM_EXPLICIT_SYNC - wait for the caller's fences only
 *
 * Flag of &struct drm_amdgpu_gem_va.flags, accepted with every operation and
 * together with AMDGPU_VM_PAGE_PRT, from driver version 3.65 on.
 *
 * The page-table update of this ioctl depends on the input syncobjs instead of
 * the ioctl waiting for them, and it does not wait for the VM's submissions,
 * provided that every mapping which the operation frees is PRT or belongs to a
 * BO created with AMDGPU_GEM_CREATE_VM_ALWAYS_VALID. If it frees any other
 * mapping the update waits for the VM's submissions as it does without the flag.
 *
 * Work that still uses the range when the update runs sees the old or the new
 * mapping of each page, or faults; it never sees memory given to somebody else.
 */
#define AMDGPU_VM_EXPLICIT_SYNC		(1 << 10)

#endif

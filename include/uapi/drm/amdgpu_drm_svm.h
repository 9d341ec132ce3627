/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/*
 * Shared virtual memory of amdgpu: a GPU page fault on an address of the
 * process's own memory is served from the process's own pages. The ioctl here
 * only tunes that; memory that was never named is served with the defaults.
 */
#ifndef _UAPI_AMDGPU_DRM_SVM_H_
#define _UAPI_AMDGPU_DRM_SVM_H_

#include <drm/drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* 0x1a is taken by another ioctl since Linux 7.3. */
#define DRM_AMDGPU_GEM_SVM	0x1b

#define DRM_IOCTL_AMDGPU_GEM_SVM \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_AMDGPU_GEM_SVM, struct drm_amdgpu_gem_svm)

/* struct drm_amdgpu_gem_svm.operation */

/*
 * Change the named attributes of the range, leave its others. Attributes later
 * in the array win over earlier ones of the same type.
 */
#define AMDGPU_SVM_OP_SET_ATTR		0
/* Read attributes: the caller fills the types in, the kernel the values. */
#define AMDGPU_SVM_OP_GET_ATTR		1
/* Give the range its defaults back; nattr and attrs_ptr are ignored. */
#define AMDGPU_SVM_OP_RESET_ATTR	2

/* Values of AMDGPU_SVM_ATTR_ACCESS */

/* A GPU access is a fatal fault. */
#define AMDGPU_SVM_ACCESS_INACCESSIBLE	0
/* The GPU reaches the memory where it is; it never migrates. */
#define AMDGPU_SVM_ACCESS_IN_PLACE	1
/* The GPU reaches the memory and may migrate it. Default. */
#define AMDGPU_SVM_ACCESS_ALLOW_MIGRATE	2

/* Values of AMDGPU_SVM_ATTR_PREFERRED_LOC and AMDGPU_SVM_ATTR_PREFETCH_LOC */

/* System memory */
#define AMDGPU_SVM_LOCATION_SYSMEM	0
/* Memory of the GPU whose file descriptor the ioctl is called on */
#define AMDGPU_SVM_LOCATION_LOCAL	1
/* No preference. Default; not a place to prefetch to. */
#define AMDGPU_SVM_LOCATION_UNDEFINED	0xffffffffu

/* struct drm_amdgpu_svm_attribute.type */

/* Where the memory should live: AMDGPU_SVM_LOCATION_*, default UNDEFINED. */
#define AMDGPU_SVM_ATTR_PREFERRED_LOC		0
/*
 * Bring the memory there now and map it: AMDGPU_SVM_LOCATION_* but not
 * UNDEFINED. Reading gives the last one set, default UNDEFINED.
 */
#define AMDGPU_SVM_ATTR_PREFETCH_LOC		1
/* AMDGPU_SVM_ACCESS_*, default ALLOW_MIGRATE. */
#define AMDGPU_SVM_ATTR_ACCESS			2
/*
 * At most 2^value pages are mapped or migrated for one fault. Values above 0x3f
 * mean 0x3f. Default 9.
 */
#define AMDGPU_SVM_ATTR_GRANULARITY		3
/* The rest are 0 or 1. The CPU may access the memory, default 1. */
#define AMDGPU_SVM_ATTR_HOST_ACCESS		4
/* CPU and GPU see each other's writes while both run, default 1. */
#define AMDGPU_SVM_ATTR_COHERENT		5
/* As COHERENT, for devices beyond this GPU too, default 0. */
#define AMDGPU_SVM_ATTR_EXT_COHERENT		6
/* Cached on the GPUs of one XGMI hive, default 0. */
#define AMDGPU_SVM_ATTR_HIVE_LOCAL		7
/* The GPU may not write, default 0. */
#define AMDGPU_SVM_ATTR_GPU_RO			8
/* The GPU may execute, default 0. */
#define AMDGPU_SVM_ATTR_GPU_EXEC		9
/* The GPU mostly reads, default 0. */
#define AMDGPU_SVM_ATTR_GPU_READ_MOSTLY		10
/*
 * Mapped when this is set, and mapped again after each invalidation without
 * waiting for a fault; default 0.
 */
#define AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED	11

/* The largest struct drm_amdgpu_gem_svm.nattr */
#define AMDGPU_SVM_MAX_ATTRS			64

/**
 * struct drm_amdgpu_svm_attribute - one attribute
 */
struct drm_amdgpu_svm_attribute {
	/** @type: one of AMDGPU_SVM_ATTR_* */
	__u32 type;
	/** @value: its value, see there */
	__u32 value;
};

/**
 * struct drm_amdgpu_gem_svm - argument of DRM_IOCTL_AMDGPU_GEM_SVM
 *
 * Reading attributes of a range whose parts differ gives for locations and
 * ACCESS the common value, else UNDEFINED or INACCESSIBLE; for GRANULARITY the
 * smallest; for the booleans 1 only if all parts have 1.
 *
 * Errors, in the order of the checks: EOPNOTSUPP if the kernel, the GPU or the
 * VM cannot do it; EINVAL for an address, size, operation or count that is out
 * of bounds; EFAULT if @attrs_ptr cannot be read; EPERM in another address space
 * than that which opened the file; EINVAL for an unknown type or value; EFAULT if
 * part of the range is not mapped in the process, EOPNOTSUPP if part of it is
 * device memory, EADDRINUSE if part of it overlaps a buffer object in the GPU's
 * address space; EFAULT if @attrs_ptr cannot be written. SET that fails with one
 * of these has changed nothing; ENOMEM or EINTR may leave the start of the range
 * changed.
 */
struct drm_amdgpu_gem_svm {
	/** @start_addr: first address, page aligned, not 0 */
	__u64 start_addr;
	/** @size: in bytes, page aligned, not 0 */
	__u64 size;
	/** @operation: one of AMDGPU_SVM_OP_* */
	__u32 operation;
	/** @nattr: entries at @attrs_ptr, 1 to AMDGPU_SVM_MAX_ATTRS */
	__u32 nattr;
	/** @attrs_ptr: address of struct drm_amdgpu_svm_attribute [@nattr] */
	__u64 attrs_ptr;
};

#if defined(__cplusplus)
}
#endif

#endif

/* SPDX-License-Identifier: ((GPL-2.0-only WITH Linux-syscall-note) OR MIT) */
/* What the vm_bind sample driver offers to userspace. */
#ifndef VM_BIND_DRM_H
#define VM_BIND_DRM_H

#include <linux/types.h>

/* Makes an object of size bytes, a multiple of the page size. */
struct vm_bind_drm_create {
	__u64 size;
	__u32 handle;
	__u32 pad;
};

#define VM_BIND_DRM_MAP		1
#define VM_BIND_DRM_UNMAP	2

struct vm_bind_drm_op {
	__u32 op;
	__u32 handle;		/* 0: reserve the range */
	__u64 addr;
	__u64 range;
	__u64 offset;
};

/* Carries out count operations, all or none, after those asked for before. */
struct vm_bind_drm_bind {
	__u64 ops;		/* pointer to struct vm_bind_drm_op */
	__u32 count;
	__u32 pad;
};

/* What the GPU would do: reads or writes size bytes at a GPU address. EFAULT where
 * nothing is mapped; what comes before that was done.
 */
struct vm_bind_drm_access {
	__u64 addr;
	__u64 data;		/* pointer */
	__u32 size;
	__u32 write;
};

#define VM_BIND_DRM_CREATE	0
#define VM_BIND_DRM_BIND	1
#define VM_BIND_DRM_ACCESS	2

/* From 'd' 0x40 on ioctls are the driver's. */
#define VM_BIND_IOCTL_CREATE	_IOWR('d', 0x40 + VM_BIND_DRM_CREATE, struct vm_bind_drm_create)
#define VM_BIND_IOCTL_BIND	_IOW('d', 0x40 + VM_BIND_DRM_BIND, struct vm_bind_drm_bind)
#define VM_BIND_IOCTL_ACCESS	_IOW('d', 0x40 + VM_BIND_DRM_ACCESS, struct vm_bind_drm_access)

#endif

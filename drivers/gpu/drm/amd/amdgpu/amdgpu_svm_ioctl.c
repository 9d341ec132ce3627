// SPDX-License-Identifier: GPL-2.0-only

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_file.h>

#include "amdgpu.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_svm_trace.h"
#include "amdgpu_vm.h"

/**
 * DOC: SVM ioctl
 *
 * Checks what userspace asks for, in the order that struct drm_amdgpu_gem_svm
 * documents, and changes or reads attributes. Owns nothing.
 *
 * A change holds the mmap lock for reading, so that the memory it was checked for
 * is there when it is stored; munmap(2) drops the attributes afterwards or came
 * before. What is mapped under other attributes is unmapped before the call
 * returns, and mapped anew by the next fault or, for prefetch and always-mapped
 * memory, right here.
 */

struct svm_args {
	struct amdgpu_svm *svm;
	unsigned long start, end;
	unsigned long first, last;
	struct drm_amdgpu_svm_attribute *attrs;
	u32 nattr;
};

/* --- checks ---------------------------------------------------------------------- */

static int check_interval(struct amdgpu_svm *svm, const struct drm_amdgpu_gem_svm *args)
{
	u64 limit = svm->gpusvm.mm_start + svm->gpusvm.mm_range;
	u64 end;

	if (!args->start_addr || !args->size)
		return -EINVAL;
	if (!PAGE_ALIGNED(args->start_addr) || !PAGE_ALIGNED(args->size))
		return -EINVAL;
	if (check_add_overflow(args->start_addr, args->size, &end) || end > limit)
		return -EINVAL;
	return 0;
}

/* Gives the attributes in svm_args; the caller frees them. */
static int copy_attrs(struct svm_args *a, const struct drm_amdgpu_gem_svm *args)
{
	switch (args->operation) {
	case AMDGPU_SVM_OP_RESET_ATTR:
		return 0;
	case AMDGPU_SVM_OP_SET_ATTR:
	case AMDGPU_SVM_OP_GET_ATTR:
		break;
	default:
		return -EINVAL;
	}
	if (!args->nattr || args->nattr > AMDGPU_SVM_MAX_ATTRS || !args->attrs_ptr)
		return -EINVAL;
	a->attrs = memdup_array_user(u64_to_user_ptr(args->attrs_ptr), args->nattr,
				     sizeof(*a->attrs));
	if (IS_ERR(a->attrs)) {
		int r = PTR_ERR(a->attrs);

		a->attrs = NULL;
		return r;
	}
	a->nattr = args->nattr;
	return 0;
}

/* The memory is all there and the process's own; the mmap lock is held. */
static int check_vmas(struct mm_struct *mm, unsigned long start, unsigned long end)
{
	struct vm_area_struct *vma;
	unsigned long addr = start;
	struct vma_iterator vmi;
	int r = 0;

	vma_iter_init(&vmi, mm, start);
	for_each_vma_range(vmi, vma, end) {
		if (vma->vm_start > addr)
			return -EFAULT;
		if (vma->vm_flags & (VM_IO | VM_PFNMAP | VM_MIXEDMAP))
			r = -EOPNOTSUPP;
		addr = vma->vm_end;
	}
	return addr < end ? -EFAULT : r;
}

static int check_bos(const struct svm_args *a)
{
	struct amdgpu_vm *vm = a->svm->vm;
	int r;

	r = amdgpu_bo_reserve(vm->root.bo, false);
	if (r)
		return r;
	if (amdgpu_svm_bo_overlaps(vm, a->start / AMDGPU_GPU_PAGE_SIZE,
				   a->end / AMDGPU_GPU_PAGE_SIZE - 1))
		r = -EADDRINUSE;
	amdgpu_bo_unreserve(vm->root.bo);
	return r;
}

static int check_memory(const struct svm_args *a)
{
	int r = check_vmas(current->mm, a->start, a->end);

	return r ?: check_bos(a);
}

/* --- operations -------------------------------------------------------------------- */

/* Take the mmap lock with no attributes of memory that went away. */
static int lock_mm(struct amdgpu_svm *svm)
{
	int r;

	if (mmap_read_lock_killable(current->mm))
		return -EINTR;
	r = amdgpu_svm_drop_attrs(svm);
	if (r)
		mmap_read_unlock(current->mm);
	return r;
}

/* Store a change and take back what was mapped without it. */
static int apply(const struct svm_args *a, const struct amdgpu_svm_attr_change *change,
		 bool check)
{
	int r;

	r = lock_mm(a->svm);
	if (r)
		return r;
	r = check ? check_memory(a) : 0;
	if (!r)
		r = amdgpu_svm_attr_apply(&a->svm->attrs, a->first, a->last, change);
	mmap_read_unlock(current->mm);
	/* Even if only a prefix was changed. */
	amdgpu_svm_unmap_stale(a->svm, a->first, a->last);
	amdgpu_svm_refuse_end(a->svm);
	return r;
}

static int set_attrs(const struct svm_args *a)
{
	struct amdgpu_svm_attr_change change = {};
	bool populate = false;
	u32 i;
	int r;

	for (i = 0; i < a->nattr; i++) {
		const struct drm_amdgpu_svm_attribute *attr = &a->attrs[i];

		r = amdgpu_svm_attr_change_add(&change, attr->type, attr->value);
		if (r)
			return r;
		populate |= attr->type == AMDGPU_SVM_ATTR_PREFETCH_LOC;
	}
	r = amdgpu_svm_watch_unmaps(a->svm);
	if (r)
		return r;
	r = apply(a, &change, true);
	if (r)
		return r;
	/* Whatever was set may be what it takes to map what is to be always mapped. */
	return populate ? amdgpu_svm_populate(a->svm, a->start, a->end) :
			  amdgpu_svm_map_always(a->svm, a->start, a->end);
}

static int get_attrs(const struct svm_args *a, const struct drm_amdgpu_gem_svm *args)
{
	u32 word, i;
	int r;

	for (i = 0; i < a->nattr; i++) {
		if (!amdgpu_svm_attr_type_valid(a->attrs[i].type))
			return -EINVAL;
	}
	r = lock_mm(a->svm);
	if (r)
		return r;
	r = check_memory(a);
	if (!r)
		word = amdgpu_svm_attr_query(&a->svm->attrs, a->first, a->last);
	mmap_read_unlock(current->mm);
	if (r)
		return r;
	for (i = 0; i < a->nattr; i++)
		a->attrs[i].value = amdgpu_svm_attr_word_get(word, a->attrs[i].type);
	if (copy_to_user(u64_to_user_ptr(args->attrs_ptr), a->attrs,
			 array_size(a->nattr, sizeof(*a->attrs))))
		return -EFAULT;
	return 0;
}

static int reset_attrs(const struct svm_args *a)
{
	struct amdgpu_svm_attr_change change;

	amdgpu_svm_attr_change_reset(&change);
	return apply(a, &change, false);
}

static int run(const struct svm_args *a, const struct drm_amdgpu_gem_svm *args)
{
	trace_amdgpu_svm_ioctl(a->svm->vm->pasid, a->start, a->end, args->operation);
	switch (args->operation) {
	case AMDGPU_SVM_OP_SET_ATTR:
		return set_attrs(a);
	case AMDGPU_SVM_OP_GET_ATTR:
		return get_attrs(a, args);
	default:
		return reset_attrs(a);
	}
}

/**
 * amdgpu_svm_ioctl() - DRM_IOCTL_AMDGPU_GEM_SVM
 * @dev: the device
 * @data: struct drm_amdgpu_gem_svm
 * @filp: the file
 *
 * Return: 0 or a negative error.
 */
int amdgpu_svm_ioctl(struct drm_device *dev, void *data, struct drm_file *filp)
{
	struct amdgpu_fpriv *fpriv = filp->driver_priv;
	const struct drm_amdgpu_gem_svm *args = data;
	struct svm_args a = { .svm = fpriv->vm.svm };
	int r;

	if (!a.svm || READ_ONCE(a.svm->disabled) || !amdgpu_svm_xnack_on(a.svm))
		return -EOPNOTSUPP;
	r = check_interval(a.svm, args);
	if (r)
		return r;
	a.start = args->start_addr;
	a.end = args->start_addr + args->size;
	a.first = a.start >> PAGE_SHIFT;
	a.last = (a.end - 1) >> PAGE_SHIFT;
	r = copy_attrs(&a, args);
	if (r)
		return r;
	if (a.svm->gpusvm.mm != current->mm)
		r = -EPERM;
	else
		r = run(&a, args);
	if (!r)
		WRITE_ONCE(a.svm->opted_in, true);
	kfree(a.attrs);
	return r;
}

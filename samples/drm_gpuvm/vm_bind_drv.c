// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver around vm_bind.c for a GPU that is not there: it binds objects made of
 * pages into an address space per open file, and the processor follows the page
 * table in the GPU's stead. One source for 7.2 and, with drm_gpuvm_next, 6.12.
 */

#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "vm_bind.h"
#include "vm_bind_drm.h"

#define MAX_OPS		256
#define MAX_SIZE	((u64)64 << 20)
#define PTE_PRESENT	1ULL

struct sample_bo {
	struct drm_gem_object base;
	struct page **pages;
};

struct sample_file {
	struct vm_bind_vm *vm;
	/* Protects last. */
	struct mutex lock;
	struct dma_fence *last;
};

static struct platform_device *sample_pdev;
static struct drm_device *sample_drm;

/* --- objects -------------------------------------------------------------------- */

static struct sample_bo *to_sample_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct sample_bo, base);
}

static void sample_bo_free(struct drm_gem_object *obj)
{
	struct sample_bo *bo = to_sample_bo(obj);

	if (bo->pages)
		drm_gem_put_pages(obj, bo->pages, true, true);
	drm_gem_object_release(obj);
	kfree(bo);
}

static const struct drm_gem_object_funcs sample_bo_funcs = {
	.free = sample_bo_free,
};

static u64 sample_pte_of(struct drm_gem_object *obj, u64 offset)
{
	return PFN_PHYS(page_to_pfn(to_sample_bo(obj)->pages[offset >> PAGE_SHIFT])) | PTE_PRESENT;
}

static int sample_create_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vm_bind_drm_create *args = data;
	struct sample_bo *bo;
	struct page **pages;
	int ret;

	if (!args->size || args->size > MAX_SIZE || !PAGE_ALIGNED(args->size) || args->pad)
		return -EINVAL;
	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return -ENOMEM;
	bo->base.funcs = &sample_bo_funcs;
	ret = drm_gem_object_init(drm, &bo->base, args->size);
	if (ret) {
		kfree(bo);
		return ret;
	}
	pages = drm_gem_get_pages(&bo->base);
	if (IS_ERR(pages)) {
		ret = PTR_ERR(pages);
	} else {
		bo->pages = pages;
		ret = drm_gem_handle_create(file, &bo->base, &args->handle);
	}
	drm_gem_object_put(&bo->base);
	return ret;
}

/* --- binding ---------------------------------------------------------------------- */

static int sample_get_op(struct drm_file *file, const struct vm_bind_drm_op *in,
			 struct vm_bind_op *out)
{
	if (in->op != VM_BIND_DRM_MAP && in->op != VM_BIND_DRM_UNMAP)
		return -EINVAL;
	out->map = in->op == VM_BIND_DRM_MAP;
	if (!out->map && (in->handle || in->offset))
		return -EINVAL;
	out->addr = in->addr;
	out->range = in->range;
	out->offset = in->offset;
	if (in->handle) {
		out->obj = drm_gem_object_lookup(file, in->handle);
		if (!out->obj)
			return -ENOENT;
	}
	return 0;
}

static int sample_bind(struct sample_file *priv, const struct vm_bind_op *ops, unsigned int count)
{
	struct dma_fence *fence;

	mutex_lock(&priv->lock);
	fence = vm_bind(priv->vm, ops, count);
	if (!IS_ERR(fence)) {
		dma_fence_put(priv->last);
		priv->last = fence;
	}
	mutex_unlock(&priv->lock);
	return PTR_ERR_OR_ZERO(fence);
}

static int sample_bind_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct vm_bind_drm_bind *args = data;
	struct vm_bind_drm_op *in;
	struct vm_bind_op *ops;
	unsigned int i;
	int ret = 0;

	if (!args->count || args->count > MAX_OPS || args->pad)
		return -EINVAL;
	in = memdup_array_user(u64_to_user_ptr(args->ops), args->count, sizeof(*in));
	if (IS_ERR(in))
		return PTR_ERR(in);
	ops = kcalloc(args->count, sizeof(*ops), GFP_KERNEL);
	if (!ops) {
		kfree(in);
		return -ENOMEM;
	}
	for (i = 0; i < args->count && !ret; i++)
		ret = sample_get_op(file, &in[i], &ops[i]);
	if (!ret)
		ret = sample_bind(file->driver_priv, ops, args->count);
	for (i = 0; i < args->count; i++)
		drm_gem_object_put(ops[i].obj);
	kfree(ops);
	kfree(in);
	return ret;
}

/* --- in the GPU's stead -------------------------------------------------------------- */

static int sample_wait(struct sample_file *priv)
{
	struct dma_fence *fence;
	long ret;

	mutex_lock(&priv->lock);
	fence = dma_fence_get(priv->last);
	mutex_unlock(&priv->lock);
	if (!fence)
		return 0;
	ret = dma_fence_wait(fence, true);
	dma_fence_put(fence);
	return ret;
}

/* Within one page. A page that the table shows has its object until the VM's
 * reservation is dropped: the job clears the table before it unlinks, and the cleanup
 * that follows takes the reservation before it frees.
 */
static int sample_access_page(struct vm_bind_vm *vm, u64 addr, void *buf, u32 size, bool write)
{
	int ret = -EFAULT;
	void *page;
	u64 pte;

	dma_resv_lock(drm_gpuvm_resv(&vm->base), NULL);
	pte = READ_ONCE(vm->pt[addr >> PAGE_SHIFT]);
	if (pte & PTE_PRESENT) {
		page = kmap_local_page(pfn_to_page(PHYS_PFN(pte)));
		if (write)
			memcpy(page + offset_in_page(addr), buf, size);
		else
			memcpy(buf, page + offset_in_page(addr), size);
		kunmap_local(page);
		ret = 0;
	}
	dma_resv_unlock(drm_gpuvm_resv(&vm->base));
	return ret;
}

static int sample_access_ioctl(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct sample_file *priv = file->driver_priv;
	struct vm_bind_drm_access *args = data;
	u8 __user *user = u64_to_user_ptr(args->data);
	u64 addr = args->addr;
	u32 left, n;
	void *buf;
	int ret;

	if (args->write > 1 || addr > VM_BIND_SIZE || args->size > VM_BIND_SIZE - addr)
		return -EINVAL;
	ret = sample_wait(priv);
	if (ret)
		return ret;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	for (left = args->size; left && !ret; left -= n, addr += n, user += n) {
		n = min_t(u32, left, PAGE_SIZE - offset_in_page(addr));
		if (args->write && copy_from_user(buf, user, n))
			ret = -EFAULT;
		if (!ret)
			ret = sample_access_page(priv->vm, addr, buf, n, args->write);
		if (!ret && !args->write && copy_to_user(user, buf, n))
			ret = -EFAULT;
	}
	kfree(buf);
	return ret;
}

/* --- the device -------------------------------------------------------------------------- */

static int sample_open(struct drm_device *drm, struct drm_file *file)
{
	struct sample_file *priv = kzalloc(sizeof(*priv), GFP_KERNEL);

	if (!priv)
		return -ENOMEM;
	priv->vm = vm_bind_create(drm, sample_pte_of);
	if (IS_ERR(priv->vm)) {
		int ret = PTR_ERR(priv->vm);

		kfree(priv);
		return ret;
	}
	mutex_init(&priv->lock);
	file->driver_priv = priv;
	return 0;
}

static void sample_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct sample_file *priv = file->driver_priv;

	vm_bind_destroy(priv->vm);
	dma_fence_put(priv->last);
	kfree(priv);
}

static const struct drm_ioctl_desc sample_ioctls[] = {
	[VM_BIND_DRM_CREATE] = { .cmd = VM_BIND_IOCTL_CREATE, .flags = DRM_RENDER_ALLOW,
				 .func = sample_create_ioctl, .name = "VM_BIND_CREATE" },
	[VM_BIND_DRM_BIND] = { .cmd = VM_BIND_IOCTL_BIND, .flags = DRM_RENDER_ALLOW,
			       .func = sample_bind_ioctl, .name = "VM_BIND_BIND" },
	[VM_BIND_DRM_ACCESS] = { .cmd = VM_BIND_IOCTL_ACCESS, .flags = DRM_RENDER_ALLOW,
				 .func = sample_access_ioctl, .name = "VM_BIND_ACCESS" },
};

DEFINE_DRM_GEM_FOPS(sample_fops);

static const struct drm_driver sample_driver = {
	.driver_features = DRIVER_GEM | DRIVER_GEM_GPUVA | DRIVER_RENDER,
	.open = sample_open,
	.postclose = sample_postclose,
	.ioctls = sample_ioctls,
	.num_ioctls = ARRAY_SIZE(sample_ioctls),
	.fops = &sample_fops,
	.name = "vm_bind_sample",
	.desc = "VM_BIND sample",
	.major = 1,
};

static int __init sample_init(void)
{
	int ret;

	sample_pdev = platform_device_register_simple("vm_bind_sample", -1, NULL, 0);
	if (IS_ERR(sample_pdev))
		return PTR_ERR(sample_pdev);
	sample_drm = drm_dev_alloc(&sample_driver, &sample_pdev->dev);
	if (IS_ERR(sample_drm)) {
		ret = PTR_ERR(sample_drm);
		goto err_pdev;
	}
	ret = drm_dev_register(sample_drm, 0);
	if (ret)
		goto err_drm;
	return 0;

err_drm:
	drm_dev_put(sample_drm);
err_pdev:
	platform_device_unregister(sample_pdev);
	return ret;
}
module_init(sample_init);

static void __exit sample_exit(void)
{
	drm_dev_unregister(sample_drm);
	drm_dev_put(sample_drm);
	platform_device_unregister(sample_pdev);
}
module_exit(sample_exit);

MODULE_DESCRIPTION("VM_BIND sample");
MODULE_LICENSE("GPL");

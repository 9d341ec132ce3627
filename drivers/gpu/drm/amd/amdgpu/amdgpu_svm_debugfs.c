// SPDX-License-Identifier: GPL-2.0-only

#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "amdgpu.h"
#include "amdgpu_svm_priv.h"
#include "amdgpu_vm.h"

/**
 * DOC: Looking at SVM
 *
 * Per file, in debugfs dri/client-N: svm_counters, svm_attributes (ranges that have
 * not all defaults), svm_ranges (what the GPU has mapped). In fdinfo:
 * amd-svm-mapped, amd-svm-faults and amd-svm-invalidations.
 * Tracepoints are those of the system amdgpu_svm.
 */

static const char *const count_names[AMDGPU_SVM_COUNTS] = {
	[AMDGPU_SVM_COUNT_FAULTS] = "faults",
	[AMDGPU_SVM_COUNT_MAPS] = "maps",
	[AMDGPU_SVM_COUNT_PAGES] = "mapped pages",
	[AMDGPU_SVM_COUNT_HUGE] = "mapped huge pages",
	[AMDGPU_SVM_COUNT_PREMAPS] = "maps without a fault",
	[AMDGPU_SVM_COUNT_RETRIES] = "retries",
	[AMDGPU_SVM_COUNT_NARROWED] = "narrowed ranges",
	[AMDGPU_SVM_COUNT_INVALIDATIONS] = "invalidations",
	[AMDGPU_SVM_COUNT_ZAPS] = "invalidated ranges",
	[AMDGPU_SVM_COUNT_FLUSHES] = "TLB flushes",
	[AMDGPU_SVM_COUNT_DESTROYS] = "destroyed ranges",
	[AMDGPU_SVM_COUNT_DROPS] = "dropped attributes",
};

static s64 count_of(struct amdgpu_svm *svm, enum amdgpu_svm_count what)
{
	return atomic64_read(&svm->counts[what]);
}

static unsigned long mapped_pages_of(struct amdgpu_svm *svm)
{
	unsigned long pages;

	amdgpu_vm_eviction_lock(svm->vm);
	pages = svm->mapped_pages;
	amdgpu_vm_eviction_unlock(svm->vm);
	return pages;
}

#ifdef CONFIG_DEBUG_FS

/* The files go before the VM does; the VM comes after them. */
static struct amdgpu_svm *svm_of(struct seq_file *m)
{
	struct drm_file *file = m->private;
	struct amdgpu_fpriv *fpriv = READ_ONCE(file->driver_priv);

	return fpriv ? fpriv->vm.svm : NULL;
}

static int svm_counters_show(struct seq_file *m, void *unused)
{
	struct amdgpu_svm *svm = svm_of(m);
	int i;

	if (!svm)
		return 0;
	for (i = 0; i < AMDGPU_SVM_COUNTS; i++)
		seq_printf(m, "%s: %lld\n", count_names[i], count_of(svm, i));
	for (i = 0; i < AMDGPU_SVM_REASONS; i++)
		seq_printf(m, "faults, %s%s: %lld\n", i >= AMDGPU_SVM_FATAL ? "fatal, " : "",
			   amdgpu_svm_reason_text(i), (s64)atomic64_read(&svm->reasons[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(svm_counters);

static int svm_attributes_show(struct seq_file *m, void *unused)
{
	struct amdgpu_svm *svm = svm_of(m);
	struct amdgpu_svm_attr_span span;
	unsigned long page = 0;
	u32 type;

	while (svm && amdgpu_svm_attr_next(&svm->attrs, page, ULONG_MAX, &span)) {
		seq_printf(m, "0x%lx-0x%lx", span.first << PAGE_SHIFT,
			   (span.last + 1) << PAGE_SHIFT);
		for (type = 0; amdgpu_svm_attr_type_valid(type); type++)
			seq_printf(m, " %d", (int)amdgpu_svm_attr_word_get(span.word, type));
		seq_putc(m, '\n');
		if (span.last == ULONG_MAX)
			break;
		page = span.last + 1;
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(svm_attributes);

static int svm_ranges_show(struct seq_file *m, void *unused)
{
	struct amdgpu_svm *svm = svm_of(m);
	struct interval_tree_node *node;

	if (!svm)
		return 0;
	amdgpu_vm_eviction_lock(svm->vm);
	for (node = interval_tree_iter_first(&svm->mapped, 0, ULONG_MAX); node;
	     node = interval_tree_iter_next(node, 0, ULONG_MAX)) {
		struct amdgpu_svm_range *range =
			container_of(node, struct amdgpu_svm_range, node);

		seq_printf(m, "0x%lx-0x%lx r%c%c\n", node->start << PAGE_SHIFT,
			   (node->last + 1) << PAGE_SHIFT, range->writable ? 'w' : '-',
			   amdgpu_svm_attr_is(range->word, AMDGPU_SVM_ATTR_GPU_EXEC) ? 'x' : '-');
	}
	amdgpu_vm_eviction_unlock(svm->vm);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(svm_ranges);

/**
 * amdgpu_svm_debugfs_init() - add the files of a client
 * @file: being opened; its VM does not exist yet
 */
void amdgpu_svm_debugfs_init(struct drm_file *file)
{
	debugfs_create_file("svm_counters", 0444, file->debugfs_client, file,
			    &svm_counters_fops);
	debugfs_create_file("svm_attributes", 0444, file->debugfs_client, file,
			    &svm_attributes_fops);
	debugfs_create_file("svm_ranges", 0444, file->debugfs_client, file, &svm_ranges_fops);
}

#else

void amdgpu_svm_debugfs_init(struct drm_file *file)
{
}

#endif

/**
 * amdgpu_svm_show_fdinfo() - SVM's lines of fdinfo
 * @p: where to
 * @vm: the file's VM
 */
void amdgpu_svm_show_fdinfo(struct drm_printer *p, struct amdgpu_vm *vm)
{
	if (!vm->svm)
		return;
	drm_printf(p, "amd-svm-mapped:\t%lu KiB\n", mapped_pages_of(vm->svm) * (PAGE_SIZE / SZ_1K));
	drm_printf(p, "amd-svm-faults:\t%lld\n", count_of(vm->svm, AMDGPU_SVM_COUNT_FAULTS));
	drm_printf(p, "amd-svm-invalidations:\t%lld\n",
		   count_of(vm->svm, AMDGPU_SVM_COUNT_INVALIDATIONS));
}

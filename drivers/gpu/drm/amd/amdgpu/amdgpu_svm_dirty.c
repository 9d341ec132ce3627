// SPDX-License-Identifier: GPL-2.0-only

#include <linux/hmm.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/slab.h>

#include "amdgpu_svm_priv.h"

/**
 * DOC: Dirty pages
 *
 * Memory reclaim drops a page that nobody wrote to since it was read from swap, or since
 * madvise(MADV_FREE). It looks at the CPU's page tables, of which the GPU's writes know
 * nothing, and a page can be writable there and clean. So whatever the GPU may write
 * is marked dirty when it is mapped. That is enough: who cleans a page takes it from the
 * page tables or makes it read-only first, which ends the GPU's mapping.
 *
 * drm_gpusvm does not tell which pages it has got, so the CPU's page tables are
 * looked at once more, without a fault. What was seen holds if the pages still are
 * valid when the mapping is committed.
 *
 * Limit: pages of ordinary files are left to their file system, which makes them
 * writable only when it knows that they will be dirty.
 */

/**
 * amdgpu_svm_look_up_pages() - find out what pages a range has
 * @svm: the VM's SVM; the caller keeps the mm's users
 * @range: locked
 * @pfns: set to an array of HMM's page frame numbers, for the caller to kvfree()
 *
 * Return: 0, -ENOMEM, or -EAGAIN if something changed meanwhile.
 */
int amdgpu_svm_look_up_pages(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			     unsigned long **pfns)
{
	struct mm_struct *mm = svm->gpusvm.mm;
	struct hmm_range look = {
		.notifier = &range->base.notifier->notifier,
		.start = amdgpu_svm_range_start(range),
		.end = amdgpu_svm_range_end(range),
	};
	int r;

	lockdep_assert_held(&range->lock);
	*pfns = kvcalloc(amdgpu_svm_range_pages(range), sizeof(**pfns), GFP_KERNEL);
	if (!*pfns)
		return -ENOMEM;
	look.hmm_pfns = *pfns;
	look.notifier_seq = mmu_interval_read_begin(look.notifier);
	mmap_read_lock(mm);
	r = hmm_range_fault(&look);
	mmap_read_unlock(mm);
	if (!r)
		return 0;
	kvfree(*pfns);
	*pfns = NULL;
	return r == -ENOMEM ? r : -EAGAIN;
}

/**
 * amdgpu_svm_mark_dirty() - the GPU is about to write to a range
 * @svm: the VM's SVM
 * @range: its pages are valid, and the notifier lock is held, so that they stay
 * @pfns: as amdgpu_svm_look_up_pages() has found them
 *
 * Neither sleeps nor allocates.
 */
void amdgpu_svm_mark_dirty(struct amdgpu_svm *svm, struct amdgpu_svm_range *range,
			   const unsigned long *pfns)
{
	unsigned long i, pages = amdgpu_svm_range_pages(range);
	struct folio *last = NULL;

	lockdep_assert_held(&svm->gpusvm.notifier_lock);
	for (i = 0; i < pages; i++) {
		struct folio *folio;

		if (!(pfns[i] & HMM_PFN_VALID))
			continue;
		folio = page_folio(hmm_pfn_to_page(pfns[i]));
		if (folio == last)
			continue;
		last = folio;
		/* Of shared memory and tmpfs as well. */
		if (folio_test_anon(folio) || folio_test_swapbacked(folio))
			folio_mark_dirty(folio);
	}
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What amdgpu's SVM relies on in drm_gpusvm: how a range lies in a mapping of the process, and
 * which events its notifier gets. On a real address space, with a driver that only counts.
 */

#include <kunit/test.h>
#include <linux/mman.h>
#include <linux/slab.h>

#include <drm/drm_gpusvm.h>
#include <drm/drm_kunit_helpers.h>

#define TEST_BYTES	SZ_256K
#define TEST_CHUNK	SZ_64K

struct counting_svm {
	struct drm_gpusvm base;
	/* The driver lock, for finding and inserting. */
	struct mutex lock;
	/* Of calls of invalidate, and of those for a munmap. */
	unsigned int events, unmaps;
	/* The last one's. */
	unsigned long start, end;
};

static const unsigned long chunks[] = { TEST_CHUNK, PAGE_SIZE };

static void count_event(struct drm_gpusvm *gpusvm, struct drm_gpusvm_notifier *notifier,
			const struct mmu_notifier_range *mmu_range)
{
	struct counting_svm *svm = container_of(gpusvm, struct counting_svm, base);
	struct drm_gpusvm_range *range = NULL;

	lockdep_assert_held_write(&gpusvm->notifier_lock);
	svm->events++;
	svm->start = mmu_range->start;
	svm->end = mmu_range->end;
	if (mmu_range->event != MMU_NOTIFY_UNMAP)
		return;
	svm->unmaps++;
	drm_gpusvm_for_each_range(range, notifier, mmu_range->start, mmu_range->end)
		drm_gpusvm_range_set_unmapped(range, mmu_range);
}

static const struct drm_gpusvm_ops counting_ops = {
	.invalidate = count_event,
};

/*
 * The address space goes away with the thread that runs the case, before ->exit is
 * called in another one: so a case ends what it has begun.
 */
static struct counting_svm *svm_begin(struct kunit *test)
{
	struct counting_svm *svm = kunit_kzalloc(test, sizeof(*svm), GFP_KERNEL);
	struct device *dev = drm_kunit_helper_alloc_device(test);
	struct drm_device *drm;

	KUNIT_ASSERT_NOT_NULL(test, svm);
	KUNIT_ASSERT_FALSE(test, IS_ERR(dev));
	drm = __drm_kunit_helper_alloc_drm_device(test, dev, sizeof(*drm), 0, DRIVER_GEM);
	KUNIT_ASSERT_FALSE(test, IS_ERR(drm));
	KUNIT_ASSERT_EQ(test, kunit_attach_mm(), 0);
	mutex_init(&svm->lock);
	KUNIT_ASSERT_EQ(test, drm_gpusvm_init(&svm->base, "kunit", drm, current->mm, 0, TASK_SIZE,
					      SZ_1M, &counting_ops, chunks, ARRAY_SIZE(chunks)), 0);
	drm_gpusvm_driver_set_lock(&svm->base, &svm->lock);
	return svm;
}

static void svm_end(struct counting_svm *svm)
{
	mutex_lock(&svm->lock);
	drm_gpusvm_fini(&svm->base);
	mutex_unlock(&svm->lock);
	mutex_destroy(&svm->lock);
}

/* Aligned to a chunk, so that where ranges lie is known. */
static unsigned long map_memory(struct kunit *test, unsigned long prot)
{
	unsigned long addr = kunit_vm_mmap(test, NULL, 0, TEST_BYTES + TEST_CHUNK, prot,
					   MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_FALSE(test, !addr || IS_ERR_VALUE(addr));
	return ALIGN(addr, TEST_CHUNK);
}

static struct drm_gpusvm_range *range_at(struct counting_svm *svm, unsigned long addr,
					 bool read_only)
{
	struct drm_gpusvm_ctx ctx = { .read_only = read_only };
	struct drm_gpusvm_range *range;

	mutex_lock(&svm->lock);
	range = drm_gpusvm_range_find_or_insert(&svm->base, addr, 0, TASK_SIZE, &ctx);
	mutex_unlock(&svm->lock);
	return range;
}

static void range_end(struct counting_svm *svm, struct drm_gpusvm_range *range)
{
	mutex_lock(&svm->lock);
	drm_gpusvm_range_remove(&svm->base, range);
	mutex_unlock(&svm->lock);
}

static void a_range_is_the_chunk_of_its_address(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);
	struct drm_gpusvm_range *range = range_at(svm, addr + TEST_CHUNK + PAGE_SIZE, false);

	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	KUNIT_EXPECT_EQ(test, drm_gpusvm_range_start(range), addr + TEST_CHUNK);
	KUNIT_EXPECT_EQ(test, drm_gpusvm_range_size(range), TEST_CHUNK);
	KUNIT_EXPECT_PTR_EQ(test, range_at(svm, addr + TEST_CHUNK, false), range);
	range_end(svm, range);
	svm_end(svm);
}

static void a_range_ends_where_its_mapping_ends(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);
	struct drm_gpusvm_range *range;

	KUNIT_ASSERT_EQ(test, vm_munmap(addr + 2 * PAGE_SIZE, PAGE_SIZE), 0);
	range = range_at(svm, addr + PAGE_SIZE, false);
	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	KUNIT_EXPECT_EQ(test, drm_gpusvm_range_start(range), addr + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, drm_gpusvm_range_size(range), PAGE_SIZE);
	range_end(svm, range);
	svm_end(svm);
}

static void a_hole_and_missing_rights_are_told_apart(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ);
	struct drm_gpusvm_range *range;

	KUNIT_EXPECT_PTR_EQ(test, range_at(svm, addr, false), ERR_PTR(-EPERM));
	range = range_at(svm, addr, true);
	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	range_end(svm, range);
	KUNIT_ASSERT_EQ(test, vm_munmap(addr, TEST_BYTES), 0);
	KUNIT_EXPECT_PTR_EQ(test, range_at(svm, addr, true), ERR_PTR(-ENOENT));
	svm_end(svm);
}

static void a_partial_munmap_marks_the_range(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);
	struct drm_gpusvm_range *range = range_at(svm, addr, false);

	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	KUNIT_ASSERT_EQ(test, vm_munmap(addr + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, svm->unmaps, 1);
	KUNIT_EXPECT_EQ(test, svm->start, addr + PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, svm->end, addr + 2 * PAGE_SIZE);
	KUNIT_EXPECT_TRUE(test, range->pages.flags.unmapped);
	KUNIT_EXPECT_TRUE(test, range->pages.flags.partial_unmap);
	range_end(svm, range);
	svm_end(svm);
}

/* A notifier covers more than the range: it has to look for itself. */
static void a_munmap_beside_the_range_leaves_it(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);
	struct drm_gpusvm_range *range = range_at(svm, addr, false);

	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	KUNIT_ASSERT_EQ(test, vm_munmap(addr + TEST_CHUNK, PAGE_SIZE), 0);
	KUNIT_EXPECT_FALSE(test, range->pages.flags.unmapped);
	range_end(svm, range);
	svm_end(svm);
}

/* Attributes of untouched memory need a notifier of their own: see amdgpu_svm_watch_unmaps(). */
static void memory_without_a_range_has_no_notifier(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);

	KUNIT_ASSERT_EQ(test, vm_munmap(addr, TEST_BYTES), 0);
	KUNIT_EXPECT_EQ(test, svm->events, 0);
	svm_end(svm);
}

static void a_range_whose_memory_went_away_is_found_until_removed(struct kunit *test)
{
	struct counting_svm *svm = svm_begin(test);
	unsigned long addr = map_memory(test, PROT_READ | PROT_WRITE);
	struct drm_gpusvm_range *range = range_at(svm, addr, false);
	struct drm_gpusvm_notifier *notifier;

	KUNIT_ASSERT_FALSE(test, IS_ERR(range));
	KUNIT_ASSERT_EQ(test, vm_munmap(addr, TEST_BYTES), 0);
	mutex_lock(&svm->lock);
	notifier = drm_gpusvm_notifier_find(&svm->base, addr, addr + 1);
	KUNIT_EXPECT_NOT_NULL(test, notifier);
	if (notifier)
		KUNIT_EXPECT_PTR_EQ(test, drm_gpusvm_range_find(notifier, addr, addr + 1), range);
	mutex_unlock(&svm->lock);
	range_end(svm, range);
	svm_end(svm);
}

static struct kunit_case notifier_cases[] = {
	KUNIT_CASE(a_range_is_the_chunk_of_its_address),
	KUNIT_CASE(a_range_ends_where_its_mapping_ends),
	KUNIT_CASE(a_hole_and_missing_rights_are_told_apart),
	KUNIT_CASE(a_partial_munmap_marks_the_range),
	KUNIT_CASE(a_munmap_beside_the_range_leaves_it),
	KUNIT_CASE(memory_without_a_range_has_no_notifier),
	KUNIT_CASE(a_range_whose_memory_went_away_is_found_until_removed),
	{}
};

static struct kunit_suite notifier_suite = {
	.name = "drm_gpusvm_notifier",
	.test_cases = notifier_cases,
};

kunit_test_suite(notifier_suite);

MODULE_DESCRIPTION("KUnit tests of drm_gpusvm on a real address space");
MODULE_LICENSE("GPL");

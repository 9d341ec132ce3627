// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worked example of Documentation/gpu/drm_gpuvm_next.rst does what the text
 * says: samples/drm_gpuvm/vm_bind.c is compiled into this suite as it is.
 */

#include <linux/prandom.h>
#include <linux/slab.h>

#include "drm_gpuvm_fixture.h"
#include "vm_bind.h"

#define TEST_PAGES 64

struct sample {
	struct vm_bind_vm *vm;
	/* What the page table has to be. */
	u64 expected[TEST_PAGES];
};

static u64 pte_of(struct drm_gem_object *obj, u64 offset)
{
	return (u64)(uintptr_t)obj + offset;
}

static struct sample *sample_create(struct kunit *test)
{
	struct sample *sample = kunit_kzalloc(test, sizeof(*sample), GFP_KERNEL);
	struct fixture *fix = test->priv;

	KUNIT_ASSERT_NOT_NULL(test, sample);
	sample->vm = vm_bind_create(fix->drm, pte_of);
	KUNIT_ASSERT_FALSE(test, IS_ERR(sample->vm));
	return sample;
}

static struct vm_bind_op map_op(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset)
{
	return (struct vm_bind_op){ true, PG(page), PG(pages), fix_obj(fix, gem), PG(offset) };
}

static struct vm_bind_op unmap_op(u64 page, u64 pages)
{
	return (struct vm_bind_op){ .addr = PG(page), .range = PG(pages) };
}

static void expect_ops(struct sample *sample, const struct vm_bind_op *ops, unsigned int count)
{
	unsigned int i;
	u64 done;

	for (i = 0; i < count; i++)
		for (done = 0; done < ops[i].range; done += PAGE_SIZE)
			sample->expected[(ops[i].addr + done) >> PAGE_SHIFT] = ops[i].obj ?
				pte_of(ops[i].obj, ops[i].offset + done) : 0;
}

/* Binds, waits, and compares the whole page table. */
static void bind_and_check(struct kunit *test, struct sample *sample,
			   const struct vm_bind_op *ops, unsigned int count)
{
	struct dma_fence *fence = vm_bind(sample->vm, ops, count);

	KUNIT_ASSERT_FALSE(test, IS_ERR(fence));
	KUNIT_EXPECT_EQ(test, dma_fence_wait(fence, false), 0);
	dma_fence_put(fence);
	expect_ops(sample, ops, count);
	KUNIT_EXPECT_MEMEQ(test, sample->vm->pt, sample->expected, sizeof(sample->expected));
}

static void bound_pages_are_in_the_page_table(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	const struct vm_bind_op ops[] = {
		map_op(fix, 0, 4, A, 0), map_op(fix, 4, 4, B, 2), map_op(fix, 16, 4, SPARSE, 0),
	};

	bind_and_check(test, sample, ops, ARRAY_SIZE(ops));
	vm_bind_destroy(sample->vm);
}

static void later_operations_of_a_request_win(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	const struct vm_bind_op ops[] = {
		map_op(fix, 8, 16, A, 0), map_op(fix, 12, 4, B, 0), unmap_op(14, 4),
		map_op(fix, 15, 1, C, 7),
	};

	bind_and_check(test, sample, ops, ARRAY_SIZE(ops));
	vm_bind_destroy(sample->vm);
}

static void objects_live_until_the_page_table_is_cleared(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	const struct vm_bind_op map = map_op(fix, 0, 4, A, 0);
	const struct vm_bind_op unmap = unmap_op(0, 4);

	bind_and_check(test, sample, &map, 1);
	fix_drop_gem(fix, A);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS);
	bind_and_check(test, sample, &unmap, 1);
	flush_workqueue(sample->vm->queue);
	flush_work(&sample->vm->cleanup);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS - 1);
	vm_bind_destroy(sample->vm);
}

static void destroying_drops_what_is_mapped(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	const struct vm_bind_op ops[] = { map_op(fix, 0, 4, A, 0), map_op(fix, 8, 4, B, 0) };

	bind_and_check(test, sample, ops, ARRAY_SIZE(ops));
	fix_drop_gem(fix, A);
	vm_bind_destroy(sample->vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS - 1);
}

static void bad_requests_change_nothing(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	const struct vm_bind_op good = map_op(fix, 0, 8, A, 0);
	struct vm_bind_op ops[] = { map_op(fix, 2, 2, B, 0), good };
	const struct vm_bind_op bad[] = {
		map_op(fix, VM_BIND_PAGES - 1, 2, B, 0),
		unmap_op(VM_BIND_PAGES - 1, 2),
		map_op(fix, 4, 0, B, 0),
		map_op(fix, 4, 4, B, FIX_VM_PAGES - 2),
		{ true, 0x800, 0x1000, fix->gem[B], 0 },
		{ true, 0, 0x1000, fix->gem[B], ~0ULL << 12 },
		{ false, ~0ULL << 12, 0x1000, NULL, 0 },
	};
	unsigned int i;

	bind_and_check(test, sample, &good, 1);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ops[1] = bad[i];
		KUNIT_EXPECT_EQ(test, PTR_ERR_OR_ZERO(vm_bind(sample->vm, ops, 2)), -EINVAL);
	}
	bind_and_check(test, sample, &good, 1);
	vm_bind_destroy(sample->vm);
}

static void many_requests_leave_what_their_order_says(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct sample *sample = sample_create(test);
	struct vm_bind_op ops[4];
	struct rnd_state rnd;
	unsigned int i, n, count, page;

	prandom_seed_state(&rnd, 3);
	for (i = 0; i < 300; i++) {
		count = 1 + prandom_u32_state(&rnd) % ARRAY_SIZE(ops);
		for (n = 0; n < count; n++) {
			page = prandom_u32_state(&rnd) % (TEST_PAGES - 8);
			ops[n] = map_op(fix, page, 1 + prandom_u32_state(&rnd) % 8,
					prandom_u32_state(&rnd) % P, i % 32);
			if (prandom_u32_state(&rnd) % 3 == 0)
				ops[n] = unmap_op(page, 1 + prandom_u32_state(&rnd) % 8);
		}
		bind_and_check(test, sample, ops, count);
	}
	vm_bind_destroy(sample->vm);
}

static struct kunit_case sample_cases[] = {
	KUNIT_CASE(bound_pages_are_in_the_page_table),
	KUNIT_CASE(later_operations_of_a_request_win),
	KUNIT_CASE(objects_live_until_the_page_table_is_cleared),
	KUNIT_CASE(destroying_drops_what_is_mapped),
	KUNIT_CASE(bad_requests_change_nothing),
	KUNIT_CASE(many_requests_leave_what_their_order_says),
	{}
};

static struct kunit_suite sample_suite = {
	.name = "drm_gpuvm_sample",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = sample_cases,
};

kunit_test_suite(sample_suite);

MODULE_DESCRIPTION("KUnit tests of the drm_gpuvm sample");
MODULE_LICENSE("GPL");

// SPDX-License-Identifier: GPL-2.0-only
/*
 * drm_gpuvm_sm_map_exec_lock() and drm_gpuvm_sm_unmap_exec_lock(): which objects
 * they lock, for which they reserve fences, how they fail and retry.
 */

#include <linux/dma-fence.h>
#include <linux/prandom.h>
#include <linux/slab.h>

#include "drm_gpuvm_fixture.h"

#define RESERVED_FENCES 37

struct bind_op {
	bool map;
	u64 page;
	u64 pages;
	int gem;
	u64 offset;
};

static int lock_op(struct fixture *fix, struct drm_exec *exec, const struct bind_op *op,
		   unsigned int num_fences)
{
	struct drm_gpuvm_map_req req = fix_req(fix, op->page, op->pages, op->gem, op->offset);

	if (op->map)
		return drm_gpuvm_sm_map_exec_lock(fix->vm, exec, num_fences, &req);
	return drm_gpuvm_sm_unmap_exec_lock(fix->vm, exec, PG(op->page), PG(op->pages));
}

/* A helper that finds nothing to lock does not look at the exec, so contention
 * that an earlier pass met still stands after it. To retry whenever the exec is
 * contended would begin anew there, for ever: retry only what failed.
 */
/* [retry] */
static int lock_ops(struct fixture *fix, struct drm_exec *exec, const struct bind_op *ops,
		    unsigned int count)
{
	unsigned int i;
	int ret = 0;

	drm_exec_init(exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(exec) {
		ret = 0;
		for (i = 0; i < count && !ret; i++) {
			ret = lock_op(fix, exec, &ops[i], 1);
			if (ret)
				drm_exec_retry_on_contention(exec);
		}
	}
	return ret;
}

/* [retry end] */

static int run_op(struct fixture *fix, const struct bind_op *op)
{
	struct drm_gpuvm_map_req req = fix_req(fix, op->page, op->pages, op->gem, op->offset);

	if (op->map)
		return drm_gpuvm_sm_map(fix->vm, fix, &req);
	return drm_gpuvm_sm_unmap(fix->vm, fix, PG(op->page), PG(op->pages));
}

static unsigned int objects_in(struct drm_exec *exec)
{
	struct drm_gem_object *obj;
	unsigned int count = 0;

	drm_exec_for_each_locked_object(exec, obj)
		count++;
	return count;
}

/* The objects that one operation locks; an error makes it none of the sets that
 * a case can expect.
 */
static u32 locked_by(struct fixture *fix, struct bind_op op)
{
	struct drm_exec exec;
	u32 locked;
	int ret;

	ret = lock_ops(fix, &exec, &op, 1);
	locked = fix_locked(fix);
	if (!(locked & (BIT(P) | BIT(Q))))
		KUNIT_EXPECT_EQ(fix->test, objects_in(&exec), hweight32(locked));
	drm_exec_fini(&exec);
	KUNIT_EXPECT_EQ(fix->test, fix_locked(fix), 0);
	KUNIT_EXPECT_EQ(fix->test, ret, 0);
	return ret ? ~0 : locked;
}

static u32 locked_by_map(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset)
{
	return locked_by(fix, (struct bind_op){ true, page, pages, gem, offset });
}

static u32 locked_by_unmap(struct fixture *fix, u64 page, u64 pages)
{
	return locked_by(fix, (struct bind_op){ false, page, pages, SPARSE, 0 });
}

/* Four mappings in a row, the third without an object; a hole; another one. */
static void bind_row(struct fixture *fix)
{
	fix_bind(fix, 8, 4, A, 0);
	fix_bind(fix, 12, 4, B, 0);
	fix_bind(fix, 16, 4, SPARSE, 0);
	fix_bind(fix, 20, 4, C, 0);
	fix_bind(fix, 32, 4, D, 0);
}

/* --- map --------------------------------------------------------------------- */

static void map_over_nothing_locks_the_new_object(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 64, 8, E, 0), BIT(E));
}

static void map_over_one_mapping_locks_both(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 31, 6, E, 0), BIT(D) | BIT(E));
}

static void map_over_many_mappings_locks_each(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 0, 64, E, 0),
			BIT(A) | BIT(B) | BIT(C) | BIT(D) | BIT(E));
}

static void map_over_the_exact_mapping_locks_both(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 12, 4, E, 0), BIT(B) | BIT(E));
}

static void map_over_the_front_of_a_mapping_locks_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 30, 3, E, 0), BIT(D) | BIT(E));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 32, 1, E, 0), BIT(D) | BIT(E));
}

static void map_over_the_end_of_a_mapping_locks_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 35, 4, E, 0), BIT(D) | BIT(E));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 35, 1, E, 0), BIT(D) | BIT(E));
}

static void map_into_the_middle_of_a_mapping_locks_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 33, 2, E, 0), BIT(D) | BIT(E));
}

static void map_between_mappings_leaves_them_unlocked(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 24, 8, E, 0), BIT(E));
}

static void map_that_continues_a_mapping_locks_its_object_once(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	/* The same object at the offset that it has there already. */
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 33, 7, D, 1), BIT(D));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 32, 4, D, 0), BIT(D));
}

static void map_over_a_mapping_without_object_skips_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 16, 4, E, 0), BIT(E));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 17, 2, E, 0), BIT(E));
}

static void map_without_object_locks_what_it_replaces(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 14, 8, SPARSE, 0), BIT(B) | BIT(C));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 64, 8, SPARSE, 0), 0);
}

static void map_goes_by_the_range_not_by_the_offset(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	/* As long as the offset, it would miss B; or reach it without need. */
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 8, 8, E, 0), BIT(A) | BIT(B) | BIT(E));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 8, 8, E, 2), BIT(A) | BIT(B) | BIT(E));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 8, 4, E, 64), BIT(A) | BIT(E));
}

static void map_at_takes_address_range_object_and_offset(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_exec exec;
	int ret = 0;

	bind_row(fix);
	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		ret = drm_gpuvm_map_exec_lock_at(fix->vm, &exec, 1, PG(14), PG(8), fix->gem[E],
						 PG(3));
		drm_exec_retry_on_contention(&exec);
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, fix_locked(fix), BIT(B) | BIT(C) | BIT(E));
	drm_exec_fini(&exec);
}

/* --- unmap ------------------------------------------------------------------- */

static void unmap_of_nothing_locks_nothing(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 24, 8), 0);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 64, 8), 0);
}

static void unmap_of_one_mapping_locks_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 12, 4), BIT(B));
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 30, 8), BIT(D));
}

static void unmap_of_many_mappings_locks_each(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 0, 64),
			BIT(A) | BIT(B) | BIT(C) | BIT(D));
}

static void unmap_of_part_of_a_mapping_locks_it(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 32, 1), BIT(D));
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 33, 2), BIT(D));
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 35, 1), BIT(D));
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 11, 2), BIT(A) | BIT(B));
}

static void unmap_of_a_mapping_without_object_locks_nothing(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 16, 4), 0);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 18, 1), 0);
}

/* --- objects met more than once ------------------------------------------------ */

static void object_mapped_several_times_is_locked_once(struct kunit *test)
{
	struct fixture *fix = test->priv;

	fix_bind(fix, 8, 4, A, 0);
	fix_bind(fix, 12, 4, B, 0);
	fix_bind(fix, 16, 4, A, 16);
	fix_bind(fix, 20, 4, A, 32);
	KUNIT_EXPECT_EQ(test, locked_by_unmap(fix, 8, 16), BIT(A) | BIT(B));
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 8, 16, A, 64), BIT(A) | BIT(B));
}

static void objects_sharing_a_reservation_are_locked_once(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct bind_op op = { true, 8, 8, E, 0 };
	struct drm_exec exec;

	fix_bind(fix, 8, 4, P, 0);
	fix_bind(fix, 12, 4, Q, 0);
	KUNIT_EXPECT_EQ(test, lock_ops(fix, &exec, &op, 1), 0);
	KUNIT_EXPECT_EQ(test, fix_locked(fix), BIT(P) | BIT(Q) | BIT(E));
	KUNIT_EXPECT_EQ(test, objects_in(&exec), 2);
	drm_exec_fini(&exec);
}

static void duplicates_are_an_error_unless_ignored(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_exec exec;
	int ret = 0;

	fix_bind(fix, 8, 4, A, 0);
	fix_bind(fix, 16, 4, A, 0);
	drm_exec_init(&exec, 0, 0);
	drm_exec_until_all_locked(&exec) {
		ret = drm_gpuvm_sm_unmap_exec_lock(fix->vm, &exec, PG(8), PG(16));
		drm_exec_retry_on_contention(&exec);
	}
	KUNIT_EXPECT_EQ(test, ret, -EALREADY);
	drm_exec_fini(&exec);
}

/* --- several operations in one exec --------------------------------------------- */

/* Locks all, then runs all, as an ioctl with an array of operations does. */
static void lock_then_run(struct fixture *fix, const struct bind_op *ops, unsigned int count)
{
	struct drm_exec exec;
	unsigned int i;
	u32 locked;

	fix->touched = 0;
	fix->touched_unlocked = 0;
	KUNIT_EXPECT_EQ(fix->test, lock_ops(fix, &exec, ops, count), 0);
	locked = fix_locked(fix);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ(fix->test, run_op(fix, &ops[i]), 0);
	drm_exec_fini(&exec);
	KUNIT_EXPECT_EQ(fix->test, fix->touched_unlocked, 0);
	KUNIT_EXPECT_EQ(fix->test, fix->touched & ~locked, 0);
}

static void earlier_unmap_spares_a_later_map_its_steps(struct kunit *test)
{
	struct fixture *fix = test->priv;
	const struct bind_op ops[] = {
		{ false, 8, 8, SPARSE, 0 },
		{ true, 10, 4, E, 0 },
	};

	bind_row(fix);
	lock_then_run(fix, ops, ARRAY_SIZE(ops));
	KUNIT_EXPECT_EQ(test, fix->touched, BIT(A) | BIT(B) | BIT(E));
}

static void earlier_map_gives_a_later_map_more_steps(struct kunit *test)
{
	struct fixture *fix = test->priv;
	const struct bind_op ops[] = {
		{ true, 64, 8, E, 0 },
		{ true, 66, 2, F, 0 },
		{ true, 60, 7, A, 0 },
	};

	lock_then_run(fix, ops, ARRAY_SIZE(ops));
	KUNIT_EXPECT_EQ(test, fix->touched, BIT(A) | BIT(E) | BIT(F));
}

static void earlier_map_gives_a_later_unmap_more_steps(struct kunit *test)
{
	struct fixture *fix = test->priv;
	const struct bind_op ops[] = {
		{ true, 64, 8, E, 0 },
		{ false, 66, 2, SPARSE, 0 },
	};

	lock_then_run(fix, ops, ARRAY_SIZE(ops));
	KUNIT_EXPECT_EQ(test, fix->touched, BIT(E));
	KUNIT_EXPECT_NOT_NULL(test, drm_gpuva_find(fix->vm, PG(64), PG(2)));
	KUNIT_EXPECT_NOT_NULL(test, drm_gpuva_find(fix->vm, PG(68), PG(4)));
}

static void random_op(struct rnd_state *rnd, struct bind_op *op)
{
	op->map = prandom_u32_state(rnd) & 1;
	op->page = prandom_u32_state(rnd) % 48;
	op->pages = 1 + prandom_u32_state(rnd) % 12;
	/* E and F stay out of the map at first; SPARSE is one of the choices. */
	op->gem = prandom_u32_state(rnd) % (FIX_GEMS + 1);
	op->offset = prandom_u32_state(rnd) % 16;
}

static void single_operations_lock_what_they_touch_and_no_more(struct kunit *test)
{
	struct fixture *fix = test->priv;
	const u32 vm_resv = BIT(P) | BIT(Q);
	struct rnd_state rnd;
	struct bind_op op;
	unsigned int i;
	u32 locked;

	prandom_seed_state(&rnd, 1);
	for (i = 0; i < 400; i++) {
		random_op(&rnd, &op);
		locked = locked_by(fix, op);
		lock_then_run(fix, &op, 1);
		/* P and Q have one lock: neither without the other. */
		if (fix->touched & vm_resv)
			fix->touched |= vm_resv;
		KUNIT_ASSERT_EQ(test, locked, fix->touched);
	}
}

static void operations_in_one_exec_touch_only_what_was_locked(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct bind_op ops[5];
	struct rnd_state rnd;
	unsigned int i, n, count;

	prandom_seed_state(&rnd, 2);
	for (i = 0; i < 200; i++) {
		count = 1 + prandom_u32_state(&rnd) % ARRAY_SIZE(ops);
		for (n = 0; n < count; n++)
			random_op(&rnd, &ops[n]);
		lock_then_run(fix, ops, count);
	}
}

/* --- fences ---------------------------------------------------------------------- */

static const char *fence_name(struct dma_fence *fence)
{
	return "gpuvm-test";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

static DEFINE_SPINLOCK(fence_lock);

static void add_fences(struct kunit *test, struct dma_resv *resv, unsigned int count)
{
	struct dma_fence *fence;
	unsigned int i;

	for (i = 0; i < count; i++) {
		fence = kzalloc(sizeof(*fence), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, fence);
		dma_fence_init(fence, &fence_ops, &fence_lock, dma_fence_context_alloc(1), 1);
		dma_resv_add_fence(resv, fence, DMA_RESV_USAGE_BOOKKEEP);
		dma_fence_signal(fence);
		dma_fence_put(fence);
	}
}

static void map_reserves_the_fences_for_the_new_object(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct bind_op op = { true, 8, 4, E, 0 };
	struct drm_exec exec;
	int ret = 0;
	void *list;

	bind_row(fix);
	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		ret = lock_op(fix, &exec, &op, RESERVED_FENCES);
		drm_exec_retry_on_contention(&exec);
	}
	KUNIT_ASSERT_EQ(test, ret, 0);
	/* The list of fences is private to dma-resv, its memory is not; to add
	 * fences without room for them is a BUG().
	 */
	list = rcu_dereference_protected(fix->gem[E]->resv->fences, true);
	KUNIT_EXPECT_NOT_NULL(test, list);
	KUNIT_EXPECT_GE(test, list ? ksize(list) : 0, RESERVED_FENCES * sizeof(void *));
	if (list && ksize(list) >= RESERVED_FENCES * sizeof(void *))
		add_fences(test, fix->gem[E]->resv, RESERVED_FENCES);
	drm_exec_fini(&exec);
}

static void replaced_objects_get_no_fences_reserved(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, locked_by_map(fix, 8, 8, E, 0), BIT(A) | BIT(B) | BIT(E));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(fix->gem[A]->resv->fences));
	KUNIT_EXPECT_NULL(test, rcu_access_pointer(fix->gem[B]->resv->fences));
}

/* --- errors and contention --------------------------------------------------------- */

static int result_of(struct fixture *fix, bool map, u64 page, u64 pages)
{
	struct bind_op op = { map, page, pages, map ? E : SPARSE, 0 };
	struct drm_exec exec;
	int ret = lock_ops(fix, &exec, &op, 1);

	drm_exec_fini(&exec);
	KUNIT_EXPECT_EQ(fix->test, fix_locked(fix), 0);
	return ret;
}

static void ranges_outside_the_vm_are_refused(struct kunit *test)
{
	struct fixture *fix = test->priv;

	bind_row(fix);
	KUNIT_EXPECT_EQ(test, result_of(fix, true, FIX_VM_PAGES - 1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, result_of(fix, false, FIX_VM_PAGES - 1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, result_of(fix, true, ~0ULL >> 12, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, result_of(fix, false, ~0ULL >> 12, 2), -EINVAL);
}

static void ranges_over_the_kernel_area_are_refused(struct kunit *test)
{
	struct fixture *fix = test->priv;

	KUNIT_EXPECT_EQ(test, result_of(fix, true, FIX_KERNEL_PAGE - 1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, result_of(fix, false, FIX_KERNEL_PAGE + 1, 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, result_of(fix, true, FIX_KERNEL_PAGE - 2, 2), 0);
}

/* Holds B, then wants A: the older of two contexts, so it is the one to wait. */
static void older_locker(struct fix_thread *thread)
{
	struct fixture *fix = thread->fix;
	struct drm_exec exec;
	bool first = true;
	int ret = 0;

	drm_exec_init(&exec, 0, 0);
	drm_exec_until_all_locked(&exec) {
		ret = drm_exec_lock_obj(&exec, fix->gem[B]);
		drm_exec_retry_on_contention(&exec);
		if (first) {
			first = false;
			complete(&thread->reached);
			wait_for_completion(&thread->go_on);
		}
		if (!ret)
			ret = drm_exec_lock_obj(&exec, fix->gem[A]);
		drm_exec_retry_on_contention(&exec);
	}
	thread->result = !ret;
	drm_exec_fini(&exec);
}

/* Locks the operations while an older context has B and then wants A: one helper at
 * least has to say so. Bounded, so that a livelock fails instead of hanging.
 */
static void lock_against_an_older_context(struct kunit *test, const struct bind_op *ops,
					  unsigned int count, u32 expected)
{
	struct fixture *fix = test->priv;
	struct fix_thread *older = kunit_kzalloc(test, sizeof(*older), GFP_KERNEL);
	unsigned int i, passes = 0, backed_off = 0;
	struct drm_exec exec;
	int ret = 0;

	KUNIT_ASSERT_NOT_NULL(test, older);
	bind_row(fix);
	older->fix = fix;
	older->fn = older_locker;
	fix_start(older);
	wait_for_completion(&older->reached);

	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		if (++passes > 100)
			break;
		for (i = 0; i < count; i++) {
			ret = lock_op(fix, &exec, &ops[i], 1);
			backed_off += ret == -EDEADLK;
			if (ret)
				drm_exec_retry_on_contention(&exec);
			if (fix_locked(fix) & BIT(A))
				complete(&older->go_on);
		}
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_GE(test, backed_off, 1);
	KUNIT_EXPECT_LE(test, passes, 100);
	KUNIT_EXPECT_EQ(test, fix_locked(fix), expected);
	complete(&older->go_on);
	drm_exec_fini(&exec);
	fix_join(older);
	KUNIT_EXPECT_TRUE(test, older->result);
}

static void contended_locks_are_dropped_and_taken_again(struct kunit *test)
{
	static const struct bind_op ops[] = {
		{ false, 8, 4, SPARSE, 0 },
		{ false, 12, 4, SPARSE, 0 },
	};

	lock_against_an_older_context(test, ops, ARRAY_SIZE(ops), BIT(A) | BIT(B));
}

static void an_operation_with_nothing_to_lock_survives_a_retry(struct kunit *test)
{
	static const struct bind_op ops[] = {
		{ false, 100, 4, SPARSE, 0 },
		{ false, 8, 4, SPARSE, 0 },
		{ true, 12, 4, E, 0 },
	};

	lock_against_an_older_context(test, ops, ARRAY_SIZE(ops), BIT(A) | BIT(B) | BIT(E));
}

/* drm_exec takes no object for a locked one, except right after contention. */
static void a_mapping_without_object_survives_a_retry(struct kunit *test)
{
	static const struct bind_op ops[] = {
		{ false, 16, 4, SPARSE, 0 },
		{ false, 8, 4, SPARSE, 0 },
		{ true, 12, 4, E, 0 },
	};

	lock_against_an_older_context(test, ops, ARRAY_SIZE(ops), BIT(A) | BIT(B) | BIT(E));
}

static struct kunit_case exec_lock_cases[] = {
	KUNIT_CASE(map_over_nothing_locks_the_new_object),
	KUNIT_CASE(map_over_one_mapping_locks_both),
	KUNIT_CASE(map_over_many_mappings_locks_each),
	KUNIT_CASE(map_over_the_exact_mapping_locks_both),
	KUNIT_CASE(map_over_the_front_of_a_mapping_locks_it),
	KUNIT_CASE(map_over_the_end_of_a_mapping_locks_it),
	KUNIT_CASE(map_into_the_middle_of_a_mapping_locks_it),
	KUNIT_CASE(map_between_mappings_leaves_them_unlocked),
	KUNIT_CASE(map_that_continues_a_mapping_locks_its_object_once),
	KUNIT_CASE(map_over_a_mapping_without_object_skips_it),
	KUNIT_CASE(map_without_object_locks_what_it_replaces),
	KUNIT_CASE(map_goes_by_the_range_not_by_the_offset),
	KUNIT_CASE(map_at_takes_address_range_object_and_offset),
	KUNIT_CASE(unmap_of_nothing_locks_nothing),
	KUNIT_CASE(unmap_of_one_mapping_locks_it),
	KUNIT_CASE(unmap_of_many_mappings_locks_each),
	KUNIT_CASE(unmap_of_part_of_a_mapping_locks_it),
	KUNIT_CASE(unmap_of_a_mapping_without_object_locks_nothing),
	KUNIT_CASE(object_mapped_several_times_is_locked_once),
	KUNIT_CASE(objects_sharing_a_reservation_are_locked_once),
	KUNIT_CASE(duplicates_are_an_error_unless_ignored),
	KUNIT_CASE(earlier_unmap_spares_a_later_map_its_steps),
	KUNIT_CASE(earlier_map_gives_a_later_map_more_steps),
	KUNIT_CASE(earlier_map_gives_a_later_unmap_more_steps),
	KUNIT_CASE(single_operations_lock_what_they_touch_and_no_more),
	KUNIT_CASE(operations_in_one_exec_touch_only_what_was_locked),
	KUNIT_CASE(map_reserves_the_fences_for_the_new_object),
	KUNIT_CASE(replaced_objects_get_no_fences_reserved),
	KUNIT_CASE(ranges_outside_the_vm_are_refused),
	KUNIT_CASE(ranges_over_the_kernel_area_are_refused),
	KUNIT_CASE(contended_locks_are_dropped_and_taken_again),
	KUNIT_CASE(an_operation_with_nothing_to_lock_survives_a_retry),
	KUNIT_CASE(a_mapping_without_object_survives_a_retry),
	{}
};

static struct kunit_suite exec_lock_suite = {
	.name = "drm_gpuvm_exec_lock",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = exec_lock_cases,
};

kunit_test_suite(exec_lock_suite);

MODULE_DESCRIPTION("KUnit tests of the exec-locking helpers of drm_gpuvm");
MODULE_LICENSE("GPL");

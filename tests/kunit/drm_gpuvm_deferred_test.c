// SPDX-License-Identifier: GPL-2.0-only
/*
 * drm_gpuvm_bo_put_deferred(), drm_gpuva_unlink_defer() and
 * drm_gpuvm_bo_deferred_cleanup(). A vm_bo whose last reference is gone but that
 * was not cleaned up is called a zombie here.
 */

#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <linux/tracepoint.h>

#include "drm_gpuvm_fixture.h"

static bool is_deferred(struct fixture *fix)
{
	return !llist_empty(&fix->vm->bo_defer);
}

static unsigned int refs(struct drm_gpuvm_bo *vm_bo)
{
	return kref_read(&vm_bo->kref);
}

static int live_vm_bos(void)
{
	return atomic_read(&fix_live_vm_bos);
}

/* --- putting ----------------------------------------------------------------- */

static void put_of_nothing_does_nothing(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, drm_gpuvm_bo_put_deferred(NULL));
}

static void put_of_one_reference_of_two_keeps_the_vm_bo(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, A);

	drm_gpuvm_bo_get(vm_bo);
	KUNIT_EXPECT_FALSE(test, drm_gpuvm_bo_put_deferred(vm_bo));
	KUNIT_EXPECT_EQ(test, refs(vm_bo), 1);
	KUNIT_EXPECT_FALSE(test, is_deferred(fix));
	KUNIT_EXPECT_PTR_EQ(test, fix_find(fix, A), vm_bo);
	drm_gpuvm_bo_put_deferred(vm_bo);
	KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(vm_bo));
}

static void put_of_the_last_reference_only_unlinks_from_the_object(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, A);

	KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(vm_bo));
	KUNIT_EXPECT_TRUE(test, is_deferred(fix));
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->gem[A]->gpuva.list));
	KUNIT_EXPECT_NULL(test, fix_find(fix, A));
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->gem[A]->refcount), 2);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->vm->kref), 2);
}

static void put_of_a_never_linked_vm_bo_is_cleaned_up_too(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = drm_gpuvm_bo_create(fix->vm, fix->gem[A]);

	KUNIT_ASSERT_NOT_NULL(test, vm_bo);
	KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(vm_bo));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
}

/* --- cleaning up --------------------------------------------------------------- */

static void cleanup_frees_and_drops_both_references(struct kunit *test)
{
	struct fixture *fix = test->priv;

	drm_gpuvm_bo_put_deferred(fix_obtain(fix, A));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_FALSE(test, is_deferred(fix));
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->gem[A]->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fix->vm->kref), 1);
}

static void cleanup_of_nothing_does_nothing(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, A);

	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, refs(vm_bo), 1);
	drm_gpuvm_bo_put_deferred(vm_bo);
}

static void cleanup_frees_an_object_that_nobody_else_holds(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, A);

	fix_drop_gem(fix, A);
	drm_gpuvm_bo_put_deferred(vm_bo);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS - 1);
}

static void cleanup_takes_all_zombies_and_nothing_else(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo[FIX_GEMS];
	int i;

	for (i = 0; i < FIX_GEMS; i++) {
		vm_bo[i] = fix_obtain(fix, i);
		fix_make_extobj(fix, vm_bo[i]);
	}
	for (i = 0; i < FIX_GEMS; i++)
		if (i != C)
			KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(vm_bo[i]));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 1);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&fix->vm->extobj.list));
	KUNIT_EXPECT_PTR_EQ(test, fix_find(fix, C), vm_bo[C]);
	drm_gpuvm_bo_put_deferred(vm_bo[C]);
	drm_gpuvm_bo_put_deferred(vm_bo[C]);
}

static void evict(struct fixture *fix, struct drm_gpuvm_bo *vm_bo)
{
	dma_resv_lock(vm_bo->obj->resv, NULL);
	drm_gpuvm_bo_evict(vm_bo, true);
	dma_resv_unlock(vm_bo->obj->resv);
}

static void cleanup_takes_zombies_off_the_lists_of_the_vm(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *external = fix_obtain(fix, A);
	struct drm_gpuvm_bo *private = fix_obtain(fix, P);

	fix_make_extobj(fix, external);
	evict(fix, private);
	KUNIT_EXPECT_FALSE(test, list_empty(&fix->vm->extobj.list));
	KUNIT_EXPECT_FALSE(test, list_empty(&fix->vm->evict.list));
	drm_gpuvm_bo_put_deferred(external);
	drm_gpuvm_bo_put_deferred(private);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->vm->extobj.list));
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->vm->evict.list));
}

/* --- zombies are invisible --------------------------------------------------------- */

/* What drm_gpuvm_prepare_objects() locks, besides the VM's own reservation. */
static u32 prepared(struct fixture *fix, bool validate)
{
	struct drm_exec exec;
	u32 locked;
	int ret = 0;

	fix->validated = 0;
	drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
	drm_exec_until_all_locked(&exec) {
		ret = drm_gpuvm_prepare_vm(fix->vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
		if (!ret)
			ret = drm_gpuvm_prepare_objects(fix->vm, &exec, 1);
		drm_exec_retry_on_contention(&exec);
	}
	KUNIT_EXPECT_EQ(fix->test, ret, 0);
	locked = fix_locked(fix) & ~(BIT(P) | BIT(Q));
	if (validate)
		KUNIT_EXPECT_EQ(fix->test, drm_gpuvm_validate(fix->vm, &exec), 0);
	drm_exec_fini(&exec);
	return locked;
}

static void prepare_skips_zombies(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *a = fix_obtain(fix, A);
	struct drm_gpuvm_bo *b = fix_obtain(fix, B);
	struct drm_gpuvm_bo *c = fix_obtain(fix, C);

	fix_make_extobj(fix, a);
	fix_make_extobj(fix, b);
	fix_make_extobj(fix, c);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), BIT(A) | BIT(B) | BIT(C));
	drm_gpuvm_bo_put_deferred(b);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), BIT(A) | BIT(C));
	drm_gpuvm_bo_put_deferred(a);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), BIT(C));
	drm_gpuvm_bo_put_deferred(c);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), 0);
}

static void validate_skips_zombies(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *p = fix_obtain(fix, P);
	struct drm_gpuvm_bo *q = fix_obtain(fix, Q);

	evict(fix, p);
	evict(fix, q);
	drm_gpuvm_bo_put_deferred(p);
	prepared(fix, true);
	KUNIT_EXPECT_EQ(test, fix->validated, BIT(Q));
	drm_gpuvm_bo_put_deferred(q);
}

static void evicted_external_zombies_are_not_validated(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *a = fix_obtain(fix, A);
	struct drm_gpuvm_bo *b = fix_obtain(fix, B);

	fix_make_extobj(fix, a);
	fix_make_extobj(fix, b);
	evict(fix, a);
	evict(fix, b);
	drm_gpuvm_bo_put_deferred(a);
	prepared(fix, true);
	KUNIT_EXPECT_EQ(test, fix->validated, BIT(B));
	drm_gpuvm_bo_put_deferred(b);
}

static void zombies_met_by_prepare_and_validate_are_still_cleaned_up(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *a = fix_obtain(fix, A);
	struct drm_gpuvm_bo *p = fix_obtain(fix, P);

	fix_make_extobj(fix, a);
	evict(fix, p);
	drm_gpuvm_bo_put_deferred(a);
	drm_gpuvm_bo_put_deferred(p);
	KUNIT_EXPECT_EQ(test, prepared(fix, true), 0);
	KUNIT_EXPECT_EQ(test, fix->validated, 0);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->vm->extobj.list));
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->vm->evict.list));
}

#ifdef DRM_GPUVM_NEXT
/* Validating holds a reference of its own, which is then the last to be put. */
static void vm_bo_that_dies_while_it_is_validated_is_cleaned_up(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *a = fix_obtain(fix, A);

	fix_make_extobj(fix, a);
	evict(fix, a);
	fix->drop_in_validate = a;
	prepared(fix, true);
	KUNIT_EXPECT_EQ(test, fix->validated, BIT(A));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
}
#endif

static void mapping_again_makes_a_new_vm_bo_beside_the_zombie(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *zombie = fix_obtain(fix, A);
	struct drm_gpuvm_bo *vm_bo;

	fix_make_extobj(fix, zombie);
	drm_gpuvm_bo_put_deferred(zombie);
	vm_bo = fix_obtain(fix, A);
	KUNIT_EXPECT_PTR_NE(test, vm_bo, zombie);
	fix_make_extobj(fix, vm_bo);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), BIT(A));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 1);
	KUNIT_EXPECT_EQ(test, prepared(fix, false), BIT(A));
	KUNIT_EXPECT_PTR_EQ(test, fix_find(fix, A), vm_bo);
	drm_gpuvm_bo_put_deferred(vm_bo);
	drm_gpuvm_bo_put_deferred(vm_bo);
}

static void obtaining_again_returns_the_live_vm_bo(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *first = fix_obtain(fix, A);
	struct drm_gpuvm_bo *second = fix_obtain(fix, A);

	KUNIT_EXPECT_PTR_EQ(test, first, second);
	KUNIT_EXPECT_EQ(test, refs(first), 2);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 1);
	drm_gpuvm_bo_put_deferred(first);
	drm_gpuvm_bo_put_deferred(second);
}

/* --- unlinking mappings ---------------------------------------------------------------- */

static void unlink_defer_of_one_mapping_of_two_keeps_the_vm_bo(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo;

	fix_bind(fix, 8, 4, A, 0);
	fix_bind(fix, 16, 4, A, 0);
	fix_unbind(fix, 8, 4);
	KUNIT_EXPECT_FALSE(test, is_deferred(fix));
	vm_bo = fix_find(fix, A);
	KUNIT_ASSERT_NOT_NULL(test, vm_bo);
	KUNIT_EXPECT_TRUE(test, list_is_singular(&vm_bo->list.gpuva));
	KUNIT_EXPECT_EQ(test, refs(vm_bo), 2);
	drm_gpuvm_bo_put_deferred(vm_bo);
}

static void unlink_defer_of_the_last_mapping_defers_the_vm_bo(struct kunit *test)
{
	struct fixture *fix = test->priv;

	fix_bind(fix, 8, 4, A, 0);
	fix_unbind(fix, 8, 4);
	KUNIT_EXPECT_TRUE(test, is_deferred(fix));
	KUNIT_EXPECT_NULL(test, fix_find(fix, A));
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 1);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
}

static void unlink_defer_forgets_the_vm_bo(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuva *va;

	fix_bind(fix, 8, 4, A, 0);
	va = drm_gpuva_find(fix->vm, PG(8), PG(4));
	KUNIT_ASSERT_NOT_NULL(test, va);
	drm_gpuva_unlink_defer(va);
	KUNIT_EXPECT_NULL(test, va->vm_bo);
	drm_gpuva_remove(va);
	atomic_dec(&fix_live_vas);
	kfree(va);
}

static void unlink_defer_of_a_mapping_without_object_does_nothing(struct kunit *test)
{
	struct fixture *fix = test->priv;

	fix_bind(fix, 8, 4, SPARSE, 0);
	drm_gpuva_unlink_defer(drm_gpuva_find(fix->vm, PG(8), PG(4)));
	KUNIT_EXPECT_FALSE(test, is_deferred(fix));
}

/* --- locks ------------------------------------------------------------------------------ */

static void put_in_thread(struct fix_thread *thread)
{
	wait_for_completion(&thread->go_on);
	/* Pairs with fix_wait_until_blocked(). */
	smp_store_release(&thread->at_the_point, true);
	thread->result = drm_gpuvm_bo_put_deferred(thread->vm_bo);
}

static void a_vm_bo_that_can_be_found_has_a_reference(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct fix_thread *putter = kunit_kzalloc(test, sizeof(*putter), GFP_KERNEL);
	struct drm_gem_object *obj = fix->gem[A];
	struct drm_gpuvm_bo *found;
	unsigned int count;

	KUNIT_ASSERT_NOT_NULL(test, putter);
	putter->fix = fix;
	putter->fn = put_in_thread;
	putter->vm_bo = fix_obtain(fix, A);

	/* The last put meets a lookup that has the lock of the list already. */
	fix_start(putter);
	mutex_lock(drm_gem_gpuva_mutex(obj));
	complete(&putter->go_on);
	fix_wait_until_blocked(putter);
	count = refs(putter->vm_bo);
	KUNIT_EXPECT_EQ(test, count, 1);
	found = count ? drm_gpuvm_bo_find(fix->vm, obj) : NULL;
	KUNIT_EXPECT_PTR_EQ(test, found, putter->vm_bo);
	mutex_unlock(drm_gem_gpuva_mutex(obj));
	fix_join(putter);

	KUNIT_EXPECT_FALSE(test, putter->result);
	if (found)
		KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(found));
}

static void clean_up_in_thread(struct fix_thread *thread)
{
	/* Pairs with fix_wait_until_blocked(). */
	smp_store_release(&thread->at_the_point, true);
	drm_gpuvm_bo_deferred_cleanup(thread->fix->vm);
}

static void cleanup_waits_for_the_reservation_if_that_protects_the_lists(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct fix_thread *cleaner = kunit_kzalloc(test, sizeof(*cleaner), GFP_KERNEL);
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, A);
	bool waits = drm_gpuvm_resv_protected(fix->vm);

	KUNIT_ASSERT_NOT_NULL(test, cleaner);
	cleaner->fix = fix;
	cleaner->fn = clean_up_in_thread;
	fix_make_extobj(fix, vm_bo);
	drm_gpuvm_bo_put_deferred(vm_bo);

	dma_resv_lock(drm_gpuvm_resv(fix->vm), NULL);
	fix_start(cleaner);
	fix_wait_until_blocked(cleaner);
	/* It is done by now, or it waits for us. */
	KUNIT_EXPECT_EQ(test, list_empty(&fix->vm->extobj.list), !waits);
	KUNIT_EXPECT_EQ(test, completion_done(&cleaner->done), !waits);
	dma_resv_unlock(drm_gpuvm_resv(fix->vm));
	fix_join(cleaner);
	KUNIT_EXPECT_TRUE(test, list_empty(&fix->vm->extobj.list));
	KUNIT_EXPECT_EQ(test, live_vm_bos(), 0);
}

#if IS_ENABLED(CONFIG_LOCKDEP) && IS_ENABLED(CONFIG_TRACEPOINTS)
struct release_watch {
	struct fixture *fix;
	struct lockdep_map *lock;
	struct tracepoint *tracepoint;
	unsigned int releases;
	unsigned int deferred_before;
};

/* lock_release is traced before the lock is free. */
static void on_release(void *data, struct lockdep_map *lock, unsigned long ip)
{
	struct release_watch *watch = data;

	if (lock != watch->lock)
		return;
	watch->releases++;
	if (is_deferred(watch->fix))
		watch->deferred_before++;
}

/* By name, since modules cannot refer to it. */
static void pick_lock_release(struct tracepoint *tracepoint, void *data)
{
	struct release_watch *watch = data;

	if (!strcmp(tracepoint->name, "lock_release"))
		watch->tracepoint = tracepoint;
}

static void a_zombie_is_queued_after_the_mutex_of_its_object_is_free(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct release_watch *watch = kunit_kzalloc(test, sizeof(*watch), GFP_KERNEL);
	struct drm_gpuva *va;

	KUNIT_ASSERT_NOT_NULL(test, watch);
	watch->fix = fix;
	watch->lock = &drm_gem_gpuva_mutex(fix->gem[A])->dep_map;
	for_each_kernel_tracepoint(pick_lock_release, watch);
	KUNIT_ASSERT_NOT_NULL(test, watch->tracepoint);
	fix_bind(fix, 8, 4, A, 0);
	va = drm_gpuva_find(fix->vm, PG(8), PG(4));
	KUNIT_ASSERT_NOT_NULL(test, va);
	drm_gpuva_remove(va);

	KUNIT_ASSERT_EQ(test, tracepoint_probe_register(watch->tracepoint, on_release, watch), 0);
	drm_gpuva_unlink_defer(va);
	KUNIT_EXPECT_TRUE(test, is_deferred(fix));
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	drm_gpuvm_bo_put_deferred(fix_obtain(fix, A));
	KUNIT_EXPECT_TRUE(test, is_deferred(fix));
	tracepoint_probe_unregister(watch->tracepoint, on_release, watch);
	tracepoint_synchronize_unregister();

	/* Unlinking, obtaining, putting. */
	KUNIT_EXPECT_GE(test, watch->releases, 3);
	KUNIT_EXPECT_EQ(test, watch->deferred_before, 0);
	atomic_dec(&fix_live_vas);
	kfree(va);
}
#else
static void a_zombie_is_queued_after_the_mutex_of_its_object_is_free(struct kunit *test)
{
	kunit_skip(test, "needs lockdep and its tracepoints");
}
#endif

/* Lockdep knows from boot on that reservations are taken around allocation and
 * waiting for fences, and freeing an object of ours allocates: either of it
 * in a section that has to signal a fence is a warning, at which the case fails.
 */
static void putting_and_unlinking_may_happen_where_fences_are_signalled(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo = fix_obtain(fix, B);
	struct drm_gpuva *va;
	bool cookie;

	fix_bind(fix, 8, 4, A, 0);
	fix_make_extobj(fix, vm_bo);
	va = drm_gpuva_find(fix->vm, PG(8), PG(4));
	/* Nobody else holds the objects. */
	fix_drop_gem(fix, A);
	fix_drop_gem(fix, B);

	cookie = dma_fence_begin_signalling();
	drm_gpuva_remove(va);
	drm_gpuva_unlink_defer(va);
	KUNIT_EXPECT_TRUE(test, drm_gpuvm_bo_put_deferred(vm_bo));
	dma_fence_end_signalling(cookie);

	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_gems), FIX_GEMS - 2);
	atomic_dec(&fix_live_vas);
	kfree(va);
}

/* --- misuse ------------------------------------------------------------------------------ */

static void fini_warns_when_zombies_are_left(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm *vm = fix->vm;
	struct drm_gpuvm_bo *zombie = fix_obtain(fix, A);

	drm_gpuvm_bo_put_deferred(zombie);
	/* The zombie holds a reference to the VM; one put too many ends it. */
	fix->keep_dead_vm = true;
	drm_gpuvm_put(vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_vms), 1);
	fix_begin_warnings(fix);
	drm_gpuvm_put(vm);
	fix_end_warnings(fix, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix->live_vms), 0);

	llist_del_all(&vm->bo_defer);
	drm_gem_object_put(zombie->obj);
	atomic_dec(&fix_live_vm_bos);
	kfree(zombie);
	fix_free_dead_vm(fix);
}

static void put_deferred_outside_immediate_mode_warns(struct kunit *test)
{
	struct fixture *fix = test->priv;
	struct drm_gpuvm_bo *vm_bo;
	struct drm_exec exec;

	fix_lock_all(fix, &exec);
	vm_bo = drm_gpuvm_bo_obtain_locked(fix->vm, fix->gem[A]);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm_bo));
	drm_gpuvm_bo_get(vm_bo);
	fix_begin_warnings(fix);
	KUNIT_EXPECT_FALSE(test, drm_gpuvm_bo_put_deferred(vm_bo));
	fix_end_warnings(fix, 1);
	drm_gpuvm_bo_put(vm_bo);
	drm_exec_fini(&exec);
}

static const struct fix_mode modes[] = {
	{ "own_locks", DRM_GPUVM_IMMEDIATE_MODE },
	{ "resv_protected", DRM_GPUVM_IMMEDIATE_MODE | DRM_GPUVM_RESV_PROTECTED },
};

static const struct fix_mode queued_modes[] = {
	{ "own_locks", 0 },
	{ "resv_protected", DRM_GPUVM_RESV_PROTECTED },
};

static void mode_name(const struct fix_mode *mode, char *desc)
{
	strscpy(desc, mode->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mode, modes, mode_name);
KUNIT_ARRAY_PARAM(queued_mode, queued_modes, mode_name);

#define MODE_CASE(name) KUNIT_CASE_PARAM(name, mode_gen_params)

static struct kunit_case deferred_cases[] = {
	MODE_CASE(put_of_nothing_does_nothing),
	MODE_CASE(put_of_one_reference_of_two_keeps_the_vm_bo),
	MODE_CASE(put_of_the_last_reference_only_unlinks_from_the_object),
	MODE_CASE(put_of_a_never_linked_vm_bo_is_cleaned_up_too),
	MODE_CASE(cleanup_frees_and_drops_both_references),
	MODE_CASE(cleanup_of_nothing_does_nothing),
	MODE_CASE(cleanup_frees_an_object_that_nobody_else_holds),
	MODE_CASE(cleanup_takes_all_zombies_and_nothing_else),
	MODE_CASE(cleanup_takes_zombies_off_the_lists_of_the_vm),
	MODE_CASE(prepare_skips_zombies),
	MODE_CASE(validate_skips_zombies),
	MODE_CASE(evicted_external_zombies_are_not_validated),
	MODE_CASE(zombies_met_by_prepare_and_validate_are_still_cleaned_up),
	MODE_CASE(mapping_again_makes_a_new_vm_bo_beside_the_zombie),
	MODE_CASE(obtaining_again_returns_the_live_vm_bo),
	MODE_CASE(unlink_defer_of_one_mapping_of_two_keeps_the_vm_bo),
	MODE_CASE(unlink_defer_of_the_last_mapping_defers_the_vm_bo),
	MODE_CASE(unlink_defer_forgets_the_vm_bo),
	MODE_CASE(unlink_defer_of_a_mapping_without_object_does_nothing),
	MODE_CASE(a_vm_bo_that_can_be_found_has_a_reference),
	MODE_CASE(cleanup_waits_for_the_reservation_if_that_protects_the_lists),
	MODE_CASE(a_zombie_is_queued_after_the_mutex_of_its_object_is_free),
	MODE_CASE(putting_and_unlinking_may_happen_where_fences_are_signalled),
	MODE_CASE(fini_warns_when_zombies_are_left),
	KUNIT_CASE_PARAM(put_deferred_outside_immediate_mode_warns, queued_mode_gen_params),
	{}
};

static struct kunit_suite deferred_suite = {
	.name = "drm_gpuvm_deferred",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = deferred_cases,
};

#ifdef DRM_GPUVM_NEXT
/* What only ours does. In a VM with locks of its own the kernel's walk puts that
 * reference without the object's mutex, and lockdep complains.
 */
static struct kunit_case next_cases[] = {
	MODE_CASE(vm_bo_that_dies_while_it_is_validated_is_cleaned_up),
	{}
};

static struct kunit_suite next_suite = {
	.name = "drm_gpuvm_next",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = next_cases,
};

kunit_test_suites(&deferred_suite, &next_suite);
#else
kunit_test_suite(deferred_suite);
#endif

MODULE_DESCRIPTION("KUnit tests of the deferred cleanup of drm_gpuvm");
MODULE_LICENSE("GPL");

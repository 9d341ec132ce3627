// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deferred cleanup while other threads put, find, obtain, bind and prepare. What
 * is checked is what fix_exit() checks for every case, that everything is gone
 * at the end and nothing was complained about, and that a lookup never
 * returns a vm_bo of another object or VM.
 */

#include <linux/dma-fence.h>
#include <linux/slab.h>

#include "drm_gpuvm_fixture.h"

#define THREADS		8
#define ROUNDS		1500
/* Few objects, so that threads meet. */
#define SHARED_GEMS	3

struct crowd {
	struct fix_thread thread[THREADS];
	atomic_t wrong;
};

static struct crowd *crowd_of(struct fix_thread *thread)
{
	return container_of(thread, struct crowd, thread[thread->number]);
}

static void defer_put(struct drm_gpuvm_bo *vm_bo)
{
	bool cookie = dma_fence_begin_signalling();

	drm_gpuvm_bo_put_deferred(vm_bo);
	dma_fence_end_signalling(cookie);
}

/* Obtains, becomes external and evicted at times, and puts again. */
static void obtain_and_put(struct fix_thread *thread)
{
	struct fixture *fix = thread->fix;
	struct drm_gem_object *obj;
	struct drm_gpuvm_bo *vm_bo;
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		obj = fix->gem[(i + thread->number) % SHARED_GEMS];
		vm_bo = drm_gpuvm_bo_create(fix->vm, obj);
		if (!vm_bo) {
			atomic_inc(&crowd_of(thread)->wrong);
			return;
		}
		vm_bo = drm_gpuvm_bo_obtain_prealloc(vm_bo);
		if (i % 2)
			fix_make_extobj(fix, vm_bo);
		if (i % 3 == 0) {
			dma_resv_lock(obj->resv, NULL);
			drm_gpuvm_bo_evict(vm_bo, true);
			dma_resv_unlock(obj->resv);
		}
		defer_put(vm_bo);
		if (i % 16 == 0)
			schedule();
	}
}

static void find_and_put(struct fix_thread *thread)
{
	struct fixture *fix = thread->fix;
	struct drm_gpuvm_bo *vm_bo;
	unsigned int i;

	for (i = 0; i < ROUNDS * 2; i++) {
		int gem = i % SHARED_GEMS;

		vm_bo = fix_find(fix, gem);
		if (!vm_bo) {
			schedule();
			continue;
		}
		if (vm_bo->obj != fix->gem[gem] || vm_bo->vm != fix->vm)
			atomic_inc(&crowd_of(thread)->wrong);
		defer_put(vm_bo);
	}
}

static void clean_up(struct fix_thread *thread)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		drm_gpuvm_bo_deferred_cleanup(thread->fix->vm);
		schedule();
	}
}

/* Prepares and validates as a submission does. */
static void submit(struct fix_thread *thread)
{
	struct fixture *fix = thread->fix;
	struct drm_exec exec;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ROUNDS / 4; i++) {
		drm_exec_init(&exec, DRM_EXEC_IGNORE_DUPLICATES, 0);
		drm_exec_until_all_locked(&exec) {
			ret = drm_gpuvm_prepare_vm(fix->vm, &exec, 1);
			drm_exec_retry_on_contention(&exec);
			if (!ret)
				ret = drm_gpuvm_prepare_objects(fix->vm, &exec, 1);
			drm_exec_retry_on_contention(&exec);
		}
		if (ret)
			atomic_inc(&crowd_of(thread)->wrong);
		drm_exec_fini(&exec);
		schedule();
	}
}

static void run_crowd(struct kunit *test, void (*const fns[])(struct fix_thread *))
{
	struct crowd *crowd = kunit_kzalloc(test, sizeof(*crowd), GFP_KERNEL);
	struct fixture *fix = test->priv;
	unsigned int i, count;

	KUNIT_ASSERT_NOT_NULL(test, crowd);
	for (count = 0; fns[count]; count++) {
		crowd->thread[count].fix = fix;
		crowd->thread[count].fn = fns[count];
		crowd->thread[count].number = count;
	}
	for (i = 0; i < count; i++)
		fix_start(&crowd->thread[i]);
	for (i = 0; i < count; i++)
		fix_join(&crowd->thread[i]);
	KUNIT_EXPECT_EQ(test, atomic_read(&crowd->wrong), 0);
	drm_gpuvm_bo_deferred_cleanup(fix->vm);
	KUNIT_EXPECT_EQ(test, atomic_read(&fix_live_vm_bos), 0);
}

static void cleanup_beside_put_and_find(struct kunit *test)
{
	static void (*const fns[])(struct fix_thread *) = {
		obtain_and_put, obtain_and_put, obtain_and_put,
		find_and_put, find_and_put, clean_up, clean_up, NULL
	};

	run_crowd(test, fns);
}

static void cleanup_beside_submissions(struct kunit *test)
{
	static void (*const fns[])(struct fix_thread *) = {
		obtain_and_put, obtain_and_put, find_and_put, clean_up, submit, NULL
	};

	run_crowd(test, fns);
}

static const struct fix_mode modes[] = {
	{ "own_locks", DRM_GPUVM_IMMEDIATE_MODE },
	{ "resv_protected", DRM_GPUVM_IMMEDIATE_MODE | DRM_GPUVM_RESV_PROTECTED },
};

/* Submissions in a VM with locks of its own meet the fault of the kernel's walks
 * that the suite drm_gpuvm_next is about, now and then.
 */
static const struct fix_mode resv_mode[] = {
	{ "resv_protected", DRM_GPUVM_IMMEDIATE_MODE | DRM_GPUVM_RESV_PROTECTED },
};

static void mode_name(const struct fix_mode *mode, char *desc)
{
	strscpy(desc, mode->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mode, modes, mode_name);
KUNIT_ARRAY_PARAM(resv, resv_mode, mode_name);

static struct kunit_case parallel_cases[] = {
	KUNIT_CASE_PARAM(cleanup_beside_put_and_find, mode_gen_params),
	KUNIT_CASE_PARAM(cleanup_beside_submissions, resv_gen_params),
	{}
};

static struct kunit_suite parallel_suite = {
	.name = "drm_gpuvm_parallel",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = parallel_cases,
};

#ifdef DRM_GPUVM_NEXT
static struct kunit_case next_parallel_cases[] = {
	KUNIT_CASE_PARAM(cleanup_beside_submissions, mode_gen_params),
	{}
};

static struct kunit_suite next_parallel_suite = {
	.name = "drm_gpuvm_next_parallel",
	.init = fix_init,
	.exit = fix_exit,
	.test_cases = next_parallel_cases,
};

kunit_test_suites(&parallel_suite, &next_parallel_suite);
#else
kunit_test_suite(parallel_suite);
#endif

MODULE_DESCRIPTION("KUnit tests of drm_gpuvm with many threads");
MODULE_LICENSE("GPL");

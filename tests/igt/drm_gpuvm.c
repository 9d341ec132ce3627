// SPDX-License-Identifier: MIT
/*
 * The KUnit suites of tests/kunit as IGT subtests, for kernels with KUNIT and
 * KUNIT_DEBUGFS (our debug kernel; Debian's have neither) for which
 * drm_gpuvm_test.ko was built. On others every subtest is a skip.
 */
#include "igt.h"

#ifdef TESTS_IGT_H
void igt_kunit(const char *module_name, const char *name, const char *opts);
#else
#include "igt_kmod.h"
#endif

IGT_TEST_DESCRIPTION("KUnit tests of the exec-locking and deferred-cleanup helpers of drm_gpuvm");

igt_main()
{
	igt_kunit("drm_gpuvm_test", "drm_gpuvm_exec_lock", NULL);
	igt_kunit("drm_gpuvm_test", "drm_gpuvm_deferred", NULL);
	igt_kunit("drm_gpuvm_test", "drm_gpuvm_parallel", NULL);
	igt_kunit("drm_gpuvm_test", "drm_gpuvm_sample", NULL);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attribute map of SVM in a kernel: against an array that says per page what has
 * to be there, and with readers beside a writer, under lockdep and KASAN.
 */

#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/prandom.h>

#include <drm/amdgpu_drm_svm.h>

#include "amdgpu_svm_attr.h"

#define TEST_PAGES	256
#define TEST_STEPS	4000
#define TEST_READS	20000

static int set(struct amdgpu_svm_attr_map *map, unsigned long first, unsigned long last,
	       u32 type, u32 value)
{
	struct amdgpu_svm_attr_change change = {};
	int r = amdgpu_svm_attr_change_add(&change, type, value);

	return r ?: amdgpu_svm_attr_apply(map, first, last, &change);
}

static int reset(struct amdgpu_svm_attr_map *map, unsigned long first, unsigned long last)
{
	struct amdgpu_svm_attr_change change;

	amdgpu_svm_attr_change_reset(&change);
	return amdgpu_svm_attr_apply(map, first, last, &change);
}

static unsigned int spans(struct amdgpu_svm_attr_map *map)
{
	struct amdgpu_svm_attr_span span;
	unsigned long page = 0;
	unsigned int n = 0;

	while (amdgpu_svm_attr_next(map, page, TEST_PAGES, &span)) {
		n++;
		page = span.last + 1;
	}
	return n;
}

static int map_init(struct kunit *test)
{
	struct amdgpu_svm_attr_map *map = kunit_kzalloc(test, sizeof(*map), GFP_KERNEL);

	if (!map)
		return -ENOMEM;
	amdgpu_svm_attr_init(map);
	test->priv = map;
	return 0;
}

static void map_exit(struct kunit *test)
{
	amdgpu_svm_attr_fini(test->priv);
}

static void what_was_never_set_is_default(struct kunit *test)
{
	struct amdgpu_svm_attr_span span = amdgpu_svm_attr_lookup(test->priv, 7);

	KUNIT_EXPECT_EQ(test, span.word, AMDGPU_SVM_ATTR_WORD_DEFAULT);
	KUNIT_EXPECT_EQ(test, span.first, 0);
	KUNIT_EXPECT_EQ(test, spans(test->priv), 0);
}

static void equal_neighbours_are_one_span(struct kunit *test)
{
	struct amdgpu_svm_attr_map *map = test->priv;

	KUNIT_ASSERT_EQ(test, set(map, 10, 19, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	KUNIT_ASSERT_EQ(test, set(map, 30, 39, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	KUNIT_EXPECT_EQ(test, spans(map), 2);
	KUNIT_ASSERT_EQ(test, set(map, 20, 29, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	KUNIT_EXPECT_EQ(test, spans(map), 1);
	KUNIT_EXPECT_EQ(test, amdgpu_svm_attr_lookup(map, 25).first, 10);
	KUNIT_EXPECT_EQ(test, amdgpu_svm_attr_lookup(map, 25).last, 39);
}

static void what_is_set_to_its_default_is_absent(struct kunit *test)
{
	struct amdgpu_svm_attr_map *map = test->priv;

	KUNIT_ASSERT_EQ(test, set(map, 0, 9, AMDGPU_SVM_ATTR_COHERENT, 0), 0);
	KUNIT_EXPECT_EQ(test, spans(map), 1);
	KUNIT_ASSERT_EQ(test, set(map, 0, 9, AMDGPU_SVM_ATTR_COHERENT, 1), 0);
	KUNIT_EXPECT_EQ(test, spans(map), 0);
}

static void random_step(struct kunit *test, struct rnd_state *rnd, u32 *pages)
{
	struct amdgpu_svm_attr_map *map = test->priv;
	unsigned long first = prandom_u32_state(rnd) % TEST_PAGES;
	unsigned long last = first + prandom_u32_state(rnd) % (TEST_PAGES - first);
	u32 type = prandom_u32_state(rnd) % (AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED + 1);
	struct amdgpu_svm_attr_change change = {};
	unsigned long page;

	if (prandom_u32_state(rnd) % 8)
		amdgpu_svm_attr_change_add(&change, type, prandom_u32_state(rnd) & 1);
	else
		amdgpu_svm_attr_change_reset(&change);
	KUNIT_ASSERT_EQ(test, amdgpu_svm_attr_apply(map, first, last, &change), 0);
	for (page = first; page <= last; page++)
		pages[page] = (pages[page] & ~change.mask) | change.value;
}

static void random_changes_match_an_array(struct kunit *test)
{
	u32 *pages = kunit_kcalloc(test, TEST_PAGES, sizeof(*pages), GFP_KERNEL);
	unsigned long page;
	struct rnd_state rnd;
	unsigned int step;

	KUNIT_ASSERT_NOT_NULL(test, pages);
	for (page = 0; page < TEST_PAGES; page++)
		pages[page] = AMDGPU_SVM_ATTR_WORD_DEFAULT;
	prandom_seed_state(&rnd, 1);
	for (step = 0; step < TEST_STEPS; step++) {
		random_step(test, &rnd, pages);
		page = prandom_u32_state(&rnd) % TEST_PAGES;
		KUNIT_ASSERT_EQ_MSG(test, amdgpu_svm_attr_lookup(test->priv, page).word,
				    pages[page], "page %lu, step %u", page, step);
	}
	KUNIT_ASSERT_EQ(test, reset(test->priv, 0, TEST_PAGES - 1), 0);
	KUNIT_EXPECT_EQ(test, spans(test->priv), 0);
}

static int writer(void *data)
{
	unsigned int i = 0;

	while (!kthread_should_stop()) {
		set(data, 16, 47, AMDGPU_SVM_ATTR_GPU_RO, ++i & 1);
		set(data, i % 64, i % 64 + 8, AMDGPU_SVM_ATTR_GRANULARITY, i % 20);
		cond_resched();
	}
	return 0;
}

/* A word is read as it was written, whatever happens to the tree meanwhile. */
static void readers_beside_a_writer_see_whole_words(struct kunit *test)
{
	struct amdgpu_svm_attr_map *map = test->priv;
	struct task_struct *task = kthread_run(writer, map, "attr-writer");
	unsigned int i, torn = 0;

	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	for (i = 0; i < TEST_READS; i++) {
		struct amdgpu_svm_attr_span span = amdgpu_svm_attr_lookup(map, i % 80);

		if (amdgpu_svm_attr_word_get(span.word, AMDGPU_SVM_ATTR_GRANULARITY) >= 20 ||
		    amdgpu_svm_attr_word_get(span.word, AMDGPU_SVM_ATTR_HOST_ACCESS) != 1 ||
		    span.first > i % 80 || span.last < i % 80)
			torn++;
		cond_resched();
	}
	kthread_stop(task);
	KUNIT_EXPECT_EQ(test, torn, 0);
}

static struct kunit_case attr_cases[] = {
	KUNIT_CASE(what_was_never_set_is_default),
	KUNIT_CASE(equal_neighbours_are_one_span),
	KUNIT_CASE(what_is_set_to_its_default_is_absent),
	KUNIT_CASE(random_changes_match_an_array),
	KUNIT_CASE(readers_beside_a_writer_see_whole_words),
	{}
};

static struct kunit_suite attr_suite = {
	.name = "amdgpu_svm_attr",
	.init = map_init,
	.exit = map_exit,
	.test_cases = attr_cases,
};

kunit_test_suite(attr_suite);

MODULE_DESCRIPTION("KUnit tests of the attribute map of amdgpu's SVM");
MODULE_LICENSE("GPL");

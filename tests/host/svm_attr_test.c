// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attribute map against an array that says per page what must be there.
 *
 *   svm_attr_test [--seed N] [--rounds N]
 */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <linux/rcupdate.h>
#include <drm/amdgpu_drm_svm.h>

#include "amdgpu_svm_attr.h"

#define TYPES	(AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED + 1)

static unsigned int test_no, failures;
static bool case_failed;

#define CHECK(cond) do {							\
	if (!(cond)) {								\
		printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond);		\
		case_failed = true;						\
	}									\
} while (0)

static void run(const char *name, void (*fn)(void))
{
	case_failed = false;
	fn();
	rcu_barrier();
	printf("%sok %u - %s\n", case_failed ? "not " : "", ++test_no, name);
	failures += case_failed;
}

static const __u32 defaults[TYPES] = {
	[AMDGPU_SVM_ATTR_PREFERRED_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_PREFETCH_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_ACCESS] = AMDGPU_SVM_ACCESS_ALLOW_MIGRATE,
	[AMDGPU_SVM_ATTR_GRANULARITY] = 9,
	[AMDGPU_SVM_ATTR_HOST_ACCESS] = 1,
	[AMDGPU_SVM_ATTR_COHERENT] = 1,
};

static int set(struct amdgpu_svm_attr_map *map, unsigned long first, unsigned long last,
	       __u32 type, __u32 value)
{
	struct amdgpu_svm_attr_change change = {};
	int r = amdgpu_svm_attr_change_add(&change, type, value);

	return r ? r : amdgpu_svm_attr_apply(map, first, last, &change);
}

static __u32 get(struct amdgpu_svm_attr_map *map, unsigned long first, unsigned long last,
		 __u32 type)
{
	return amdgpu_svm_attr_word_get(amdgpu_svm_attr_query(map, first, last), type);
}

static int reset(struct amdgpu_svm_attr_map *map, unsigned long first, unsigned long last)
{
	struct amdgpu_svm_attr_change change;

	amdgpu_svm_attr_change_reset(&change);
	return amdgpu_svm_attr_apply(map, first, last, &change);
}

static unsigned int count_spans(struct amdgpu_svm_attr_map *map)
{
	struct amdgpu_svm_attr_span span;
	unsigned long page = 0;
	unsigned int n = 0;

	while (amdgpu_svm_attr_next(map, page, ULONG_MAX, &span)) {
		n++;
		if (span.last == ULONG_MAX)
			break;
		page = span.last + 1;
	}
	return n;
}

static void untouched_memory_has_the_documented_defaults(void)
{
	struct amdgpu_svm_attr_map map;
	struct amdgpu_svm_attr_span span;
	__u32 type;

	amdgpu_svm_attr_init(&map);
	for (type = 0; type < TYPES; type++)
		CHECK(get(&map, 5, 500, type) == defaults[type]);
	span = amdgpu_svm_attr_lookup(&map, 1234);
	CHECK(span.first == 0 && span.last == ULONG_MAX);
	CHECK(count_spans(&map) == 0);
	amdgpu_svm_attr_fini(&map);
}

static void every_value_reads_back_as_it_was_set(void)
{
	static const struct { __u32 type, value; } good[] = {
		{ AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_SYSMEM },
		{ AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_LOCAL },
		{ AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_UNDEFINED },
		{ AMDGPU_SVM_ATTR_PREFETCH_LOC, AMDGPU_SVM_LOCATION_SYSMEM },
		{ AMDGPU_SVM_ATTR_PREFETCH_LOC, AMDGPU_SVM_LOCATION_LOCAL },
		{ AMDGPU_SVM_ATTR_ACCESS, 0 }, { AMDGPU_SVM_ATTR_ACCESS, 1 },
		{ AMDGPU_SVM_ATTR_ACCESS, 2 },
		{ AMDGPU_SVM_ATTR_GRANULARITY, 0 }, { AMDGPU_SVM_ATTR_GRANULARITY, 63 },
	};
	struct amdgpu_svm_attr_map map;
	__u32 type;
	size_t i;

	amdgpu_svm_attr_init(&map);
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(set(&map, 7, 7, good[i].type, good[i].value) == 0);
		CHECK(get(&map, 7, 7, good[i].type) == good[i].value);
	}
	for (type = AMDGPU_SVM_ATTR_HOST_ACCESS; type < TYPES; type++) {
		CHECK(set(&map, 7, 7, type, 0) == 0 && get(&map, 7, 7, type) == 0);
		CHECK(set(&map, 7, 7, type, 1) == 0 && get(&map, 7, 7, type) == 1);
	}
	amdgpu_svm_attr_fini(&map);
}

static void values_out_of_bounds_are_refused_and_change_nothing(void)
{
	struct amdgpu_svm_attr_map map;
	__u32 type;

	amdgpu_svm_attr_init(&map);
	CHECK(set(&map, 1, 2, TYPES, 0) == -EINVAL);
	CHECK(set(&map, 1, 2, ~0u, 0) == -EINVAL);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_PREFERRED_LOC, 2) == -EINVAL);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_PREFERRED_LOC, 3) == -EINVAL);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_PREFETCH_LOC, 2) == -EINVAL);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_PREFETCH_LOC,
		  AMDGPU_SVM_LOCATION_UNDEFINED) == -EINVAL);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_ACCESS, 3) == -EINVAL);
	for (type = AMDGPU_SVM_ATTR_HOST_ACCESS; type < TYPES; type++)
		CHECK(set(&map, 1, 2, type, 2) == -EINVAL);
	CHECK(count_spans(&map) == 0);
	amdgpu_svm_attr_fini(&map);
}

static void granularity_is_clamped(void)
{
	struct amdgpu_svm_attr_map map;

	amdgpu_svm_attr_init(&map);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_GRANULARITY, 0x40) == 0);
	CHECK(get(&map, 1, 2, AMDGPU_SVM_ATTR_GRANULARITY) == 0x3f);
	CHECK(set(&map, 1, 2, AMDGPU_SVM_ATTR_GRANULARITY, ~0u) == 0);
	CHECK(get(&map, 1, 2, AMDGPU_SVM_ATTR_GRANULARITY) == 0x3f);
	amdgpu_svm_attr_fini(&map);
}

static void a_range_of_different_parts_reads_as_documented(void)
{
	struct amdgpu_svm_attr_map map;

	amdgpu_svm_attr_init(&map);
	CHECK(!set(&map, 10, 19, AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_LOCAL));
	CHECK(!set(&map, 20, 29, AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_SYSMEM));
	CHECK(get(&map, 10, 29, AMDGPU_SVM_ATTR_PREFERRED_LOC) == AMDGPU_SVM_LOCATION_UNDEFINED);
	CHECK(get(&map, 10, 19, AMDGPU_SVM_ATTR_PREFERRED_LOC) == AMDGPU_SVM_LOCATION_LOCAL);
	CHECK(!set(&map, 10, 29, AMDGPU_SVM_ATTR_ACCESS, AMDGPU_SVM_ACCESS_IN_PLACE));
	CHECK(get(&map, 10, 29, AMDGPU_SVM_ATTR_ACCESS) == AMDGPU_SVM_ACCESS_IN_PLACE);
	CHECK(get(&map, 10, 30, AMDGPU_SVM_ATTR_ACCESS) == AMDGPU_SVM_ACCESS_INACCESSIBLE);
	CHECK(!set(&map, 15, 25, AMDGPU_SVM_ATTR_GRANULARITY, 3));
	CHECK(get(&map, 0, 40, AMDGPU_SVM_ATTR_GRANULARITY) == 3);
	CHECK(!set(&map, 10, 29, AMDGPU_SVM_ATTR_GPU_EXEC, 1));
	CHECK(get(&map, 10, 29, AMDGPU_SVM_ATTR_GPU_EXEC) == 1);
	CHECK(get(&map, 9, 29, AMDGPU_SVM_ATTR_GPU_EXEC) == 0);
	CHECK(!set(&map, 12, 12, AMDGPU_SVM_ATTR_COHERENT, 0));
	CHECK(get(&map, 0, 100, AMDGPU_SVM_ATTR_COHERENT) == 0);
	amdgpu_svm_attr_fini(&map);
}

static void equal_neighbours_become_one_entry(void)
{
	struct amdgpu_svm_attr_map map;
	unsigned long i;

	amdgpu_svm_attr_init(&map);
	for (i = 0; i < 1000; i++)
		CHECK(!set(&map, 100 + i, 100 + i, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(count_spans(&map) == 1);
	/* From the right, and closing a gap */
	CHECK(!set(&map, 50, 60, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(count_spans(&map) == 2);
	CHECK(!set(&map, 61, 99, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(count_spans(&map) == 1);
	amdgpu_svm_attr_fini(&map);
}

static void setting_defaults_frees_the_entries(void)
{
	struct amdgpu_svm_attr_map map;

	amdgpu_svm_attr_init(&map);
	CHECK(!set(&map, 10, 90, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(!set(&map, 10, 90, AMDGPU_SVM_ATTR_GPU_RO, 0));
	CHECK(count_spans(&map) == 0);
	CHECK(mtree_empty(&map.tree));
	amdgpu_svm_attr_fini(&map);
}

static void reset_in_the_middle_leaves_the_sides(void)
{
	struct amdgpu_svm_attr_map map;
	struct amdgpu_svm_attr_span span;

	amdgpu_svm_attr_init(&map);
	CHECK(!set(&map, 10, 90, AMDGPU_SVM_ATTR_GPU_EXEC, 1));
	CHECK(!reset(&map, 40, 60));
	CHECK(count_spans(&map) == 2);
	CHECK(amdgpu_svm_attr_next(&map, 0, ULONG_MAX, &span));
	CHECK(span.first == 10 && span.last == 39);
	CHECK(amdgpu_svm_attr_next(&map, 40, ULONG_MAX, &span));
	CHECK(span.first == 61 && span.last == 90);
	CHECK(!amdgpu_svm_attr_next(&map, 40, 60, &span));
	amdgpu_svm_attr_fini(&map);
}

static void the_ends_of_the_address_space_work(void)
{
	struct amdgpu_svm_attr_map map;

	amdgpu_svm_attr_init(&map);
	CHECK(!set(&map, 0, ULONG_MAX, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(count_spans(&map) == 1);
	CHECK(get(&map, 0, ULONG_MAX, AMDGPU_SVM_ATTR_GPU_RO) == 1);
	CHECK(!set(&map, ULONG_MAX, ULONG_MAX, AMDGPU_SVM_ATTR_GPU_RO, 0));
	CHECK(!set(&map, 0, 0, AMDGPU_SVM_ATTR_GPU_RO, 0));
	CHECK(get(&map, 1, ULONG_MAX - 1, AMDGPU_SVM_ATTR_GPU_RO) == 1);
	CHECK(get(&map, 0, 1, AMDGPU_SVM_ATTR_GPU_RO) == 0);
	CHECK(!reset(&map, 0, ULONG_MAX));
	CHECK(count_spans(&map) == 0);
	amdgpu_svm_attr_fini(&map);
}

static void only_what_ptes_are_made_of_counts_as_another_mapping(void)
{
	struct amdgpu_svm_attr_map map;
	__u32 word, before;
	__u32 type;

	amdgpu_svm_attr_init(&map);
	before = amdgpu_svm_attr_query(&map, 1, 1);
	for (type = 0; type < TYPES; type++) {
		bool other = type == AMDGPU_SVM_ATTR_PREFERRED_LOC ||
			     type == AMDGPU_SVM_ATTR_ACCESS ||
			     (type >= AMDGPU_SVM_ATTR_COHERENT && type <= AMDGPU_SVM_ATTR_GPU_EXEC);

		CHECK(!set(&map, 1, 1, type, !defaults[type]));
		word = amdgpu_svm_attr_query(&map, 1, 1);
		CHECK(word != before);
		CHECK(amdgpu_svm_attr_same_pte(word, before) == !other);
		CHECK(!reset(&map, 1, 1));
	}
	amdgpu_svm_attr_fini(&map);
}

static void a_change_of_several_attributes_is_one_change(void)
{
	struct amdgpu_svm_attr_change change = {};
	struct amdgpu_svm_attr_map map;

	amdgpu_svm_attr_init(&map);
	CHECK(!amdgpu_svm_attr_change_add(&change, AMDGPU_SVM_ATTR_ACCESS, 0));
	CHECK(!amdgpu_svm_attr_change_add(&change, AMDGPU_SVM_ATTR_GPU_RO, 1));
	/* The later one wins. */
	CHECK(!amdgpu_svm_attr_change_add(&change, AMDGPU_SVM_ATTR_ACCESS, 1));
	CHECK(!amdgpu_svm_attr_apply(&map, 3, 4, &change));
	CHECK(get(&map, 3, 4, AMDGPU_SVM_ATTR_ACCESS) == 1);
	CHECK(get(&map, 3, 4, AMDGPU_SVM_ATTR_GPU_RO) == 1);
	CHECK(get(&map, 3, 4, AMDGPU_SVM_ATTR_COHERENT) == 1);
	amdgpu_svm_attr_fini(&map);
}

/* --- fuzzing against an array ------------------------------------------------ */

#define PAGES	512

static unsigned long long seed, rounds = 20000;
static unsigned long long rng_state;

static __u32 rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state >> 16;
}

static __u32 random_value(__u32 type)
{
	switch (type) {
	case AMDGPU_SVM_ATTR_PREFERRED_LOC:
		return rnd() % 3 ? rnd() % 2 : AMDGPU_SVM_LOCATION_UNDEFINED;
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
		return rnd() % 2;
	case AMDGPU_SVM_ATTR_ACCESS:
		return rnd() % 3;
	case AMDGPU_SVM_ATTR_GRANULARITY:
		return rnd() % 64;
	default:
		return rnd() % 2;
	}
}

static __u32 oracle[PAGES][TYPES];

static __u32 oracle_query(unsigned long first, unsigned long last, __u32 type)
{
	__u32 value = oracle[first][type];
	unsigned long page;

	for (page = first + 1; page <= last; page++) {
		__u32 other = oracle[page][type];

		if (type == AMDGPU_SVM_ATTR_GRANULARITY)
			value = other < value ? other : value;
		else if (type >= AMDGPU_SVM_ATTR_HOST_ACCESS)
			value &= other;
		else if (other != value)
			return type == AMDGPU_SVM_ATTR_ACCESS ? 0 : AMDGPU_SVM_LOCATION_UNDEFINED;
	}
	return value;
}

/* The map says of every page what the array says, in as few entries as can be. */
static void compare_all(struct amdgpu_svm_attr_map *map)
{
	unsigned int runs = 0;
	unsigned long page;
	__u32 type;

	for (page = 0; page < PAGES; page++) {
		__u32 word = amdgpu_svm_attr_lookup(map, page).word;

		for (type = 0; type < TYPES; type++)
			CHECK(amdgpu_svm_attr_word_get(word, type) == oracle[page][type]);
		if (memcmp(oracle[page], defaults, sizeof(defaults)) &&
		    (page == 0 || memcmp(oracle[page], oracle[page - 1], sizeof(defaults))))
			runs++;
	}
	CHECK(count_spans(map) == runs);
}

static void fuzz_step(struct amdgpu_svm_attr_map *map)
{
	unsigned long first = rnd() % PAGES, last = rnd() % PAGES, page;
	struct amdgpu_svm_attr_change change = {};
	unsigned int i, n = 1 + rnd() % 3;

	if (first > last) {
		page = first;
		first = last;
		last = page;
	}
	if (rnd() % 8 == 0)
		last = first;
	if (rnd() % 6 == 0) {
		CHECK(!reset(map, first, last));
		for (page = first; page <= last; page++)
			memcpy(oracle[page], defaults, sizeof(defaults));
		return;
	}
	for (i = 0; i < n; i++) {
		__u32 type = rnd() % TYPES, value = random_value(type);

		CHECK(!amdgpu_svm_attr_change_add(&change, type, value));
		for (page = first; page <= last; page++)
			oracle[page][type] = value;
	}
	CHECK(!amdgpu_svm_attr_apply(map, first, last, &change));
}

static void random_changes_agree_with_an_array(void)
{
	struct amdgpu_svm_attr_map map;
	unsigned long long i;
	unsigned long page;
	__u32 type;

	printf("# seed %llu, %llu rounds\n", seed, rounds);
	rng_state = seed * 2654435769u + 88172645463325252ull;
	for (page = 0; page < PAGES; page++)
		memcpy(oracle[page], defaults, sizeof(defaults));
	amdgpu_svm_attr_init(&map);
	for (i = 0; i < rounds && !case_failed; i++) {
		unsigned long first, last;

		fuzz_step(&map);
		first = rnd() % PAGES;
		last = first + rnd() % (PAGES - first);
		for (type = 0; type < TYPES; type++)
			CHECK(get(&map, first, last, type) == oracle_query(first, last, type));
		if (i % 16 == 0) {
			rcu_barrier();
			compare_all(&map);
		}
		if (case_failed)
			printf("# in round %llu of seed %llu\n", i, seed);
	}
	amdgpu_svm_attr_fini(&map);
}

/* --- readers while a writer works --------------------------------------------- */

static struct amdgpu_svm_attr_map shared_map;
static bool writer_done;

/*
 * The writer only ever gives all pages of the range the same two attributes in
 * one change, so that a reader sees both or neither.
 */
static void *reader(void *arg)
{
	unsigned long torn = 0;

	while (!__atomic_load_n(&writer_done, __ATOMIC_ACQUIRE)) {
		__u32 word = amdgpu_svm_attr_lookup(&shared_map, 1000 + (torn + 7) % 64).word;

		torn += amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_GPU_RO) !=
			amdgpu_svm_attr_is(word, AMDGPU_SVM_ATTR_GPU_EXEC);
	}
	return (void *)torn;
}

static void readers_without_a_lock_see_whole_changes(void)
{
	struct amdgpu_svm_attr_change on = {}, off = {};
	pthread_t threads[3];
	void *torn;
	int i;

	CHECK(!amdgpu_svm_attr_change_add(&on, AMDGPU_SVM_ATTR_GPU_RO, 1));
	CHECK(!amdgpu_svm_attr_change_add(&on, AMDGPU_SVM_ATTR_GPU_EXEC, 1));
	CHECK(!amdgpu_svm_attr_change_add(&off, AMDGPU_SVM_ATTR_GPU_RO, 0));
	CHECK(!amdgpu_svm_attr_change_add(&off, AMDGPU_SVM_ATTR_GPU_EXEC, 0));
	amdgpu_svm_attr_init(&shared_map);
	writer_done = false;
	for (i = 0; i < 3; i++)
		CHECK(!pthread_create(&threads[i], NULL, reader, NULL));
	for (i = 0; i < 3000; i++) {
		unsigned long first = 1000 + rnd() % 64;

		CHECK(!amdgpu_svm_attr_apply(&shared_map, first, first + rnd() % 64,
					     i % 2 ? &off : &on));
		if (i % 32 == 0)
			rcu_barrier();
	}
	__atomic_store_n(&writer_done, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], &torn);
		CHECK(!torn);
	}
	amdgpu_svm_attr_fini(&shared_map);
}

/* --- size --------------------------------------------------------------------- */

static void a_hundred_thousand_ranges_cost_at_most_32_bytes_each(void)
{
	const unsigned long n = 100000;
	struct amdgpu_svm_attr_map map;
	unsigned long i;
	extern int nr_allocated;
	int before;

	rcu_barrier();
	before = nr_allocated;
	amdgpu_svm_attr_init(&map);
	for (i = 0; i < n; i++)
		CHECK(!set(&map, i * 2, i * 2 + 1, AMDGPU_SVM_ATTR_GRANULARITY, i % 2 + 1));
	CHECK(count_spans(&map) == n);
	rcu_barrier();
	/* A maple node is 256 bytes. */
	printf("# %.1f bytes per range\n", (nr_allocated - before) * 256.0 / n);
	CHECK((nr_allocated - before) * 256.0 / n <= 32);
	CHECK(!reset(&map, 0, ULONG_MAX));
	CHECK(count_spans(&map) == 0);
	amdgpu_svm_attr_fini(&map);
	rcu_barrier();
	/* The allocator may keep a few. */
	CHECK(nr_allocated - before <= 16);
}

static void parse_args(int argc, char **argv)
{
	int i;

	seed = time(NULL);
	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rounds"))
			rounds = strtoull(argv[i + 1], NULL, 0);
		else
			break;
	}
	if (i != argc) {
		fprintf(stderr, "usage: %s [--seed N] [--rounds N]\n", argv[0]);
		exit(2);
	}
}

#define RUN(fn) run(#fn, fn)

int main(int argc, char **argv)
{
	extern void maple_tree_init(void);

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_args(argc, argv);
	maple_tree_init();
	RUN(untouched_memory_has_the_documented_defaults);
	RUN(every_value_reads_back_as_it_was_set);
	RUN(values_out_of_bounds_are_refused_and_change_nothing);
	RUN(granularity_is_clamped);
	RUN(a_range_of_different_parts_reads_as_documented);
	RUN(equal_neighbours_become_one_entry);
	RUN(setting_defaults_frees_the_entries);
	RUN(reset_in_the_middle_leaves_the_sides);
	RUN(the_ends_of_the_address_space_work);
	RUN(only_what_ptes_are_made_of_counts_as_another_mapping);
	RUN(a_change_of_several_attributes_is_one_change);
	RUN(random_changes_agree_with_an_array);
	RUN(readers_without_a_lock_see_whole_changes);
	RUN(a_hundred_thousand_ranges_cost_at_most_32_bytes_each);
	printf("1..%u\n", test_no);
	return failures ? 1 : 0;
}

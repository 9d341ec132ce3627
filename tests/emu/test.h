/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named cases that print TAP. A case is "static void name(void)"; the first
 * CHECK that does not hold ends it.
 *
 *	int main(void)
 *	{
 *		CASE(what_it_does);
 *		return DONE();
 *	}
 */
#ifndef TESTS_EMU_TEST_H
#define TESTS_EMU_TEST_H

#include <stdio.h>

static int test_number, test_failures, test_broken;

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			printf("# %s:%d: %s: not %s\n", __FILE__, __LINE__, __func__, #cond); \
			test_broken = 1; \
			return; \
		} \
	} while (0)

/* Equality of integers, with both values in the message. */
#define CHECK_EQ(a, b) \
	do { \
		unsigned long long a_ = (unsigned long long)(a), b_ = (unsigned long long)(b); \
		if (a_ != b_) { \
			printf("# %s:%d: %s: %s is 0x%llx, not %s = 0x%llx\n", \
			       __FILE__, __LINE__, __func__, #a, a_, #b, b_); \
			test_broken = 1; \
			return; \
		} \
	} while (0)

/* For a case that checks within a helper: leave if the helper's check broke. */
#define CHECK_NO_BREAK() do { if (test_broken) return; } while (0)

static inline void test_run(void (*fn)(void), const char *name)
{
	test_broken = 0;
	fn();
	test_number++;
	test_failures += test_broken;
	printf("%sok %d - %s\n", test_broken ? "not " : "", test_number, name);
	fflush(stdout);
}

static inline int test_done(void)
{
	printf("1..%d\n", test_number);
	return test_failures ? 1 : 0;
}

#define CASE(fn) test_run(fn, #fn)
#define DONE() test_done()

#endif

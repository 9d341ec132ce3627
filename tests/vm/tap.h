/* SPDX-License-Identifier: MIT */
/*
 * Tests as a table, results as TAP. A test function returns after its first
 * failed CHECK, which says what was expected and what came.
 */
#ifndef TESTS_VM_TAP_H
#define TESTS_VM_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct tap_test {
	const char *name;
	void (*run)(void);
};

static char tap_failure[256];
static char tap_skip[128];

static inline void __attribute__((format(printf, 1, 2))) tap_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(tap_failure, sizeof(tap_failure), fmt, ap);
	va_end(ap);
}

/* Leaves the calling function if @value is not @want. */
#define CHECK_EQ(value, want)								\
	do {										\
		long long value_ = (long long)(value), want_ = (long long)(want);	\
		if (value_ != want_) {							\
			tap_fail("%s:%d: %s is %lld, not %lld", __FILE__, __LINE__,	\
				 #value, value_, want_);				\
			return;								\
		}									\
	} while (0)

/* A function that returns a negative error number returned @want (0: success). */
#define CHECK_ERR(call, want)								\
	do {										\
		int err_ = (call), want_ = (want);					\
		if (err_ != -want_) {							\
			tap_fail("%s:%d: %s gave %s, not %s", __FILE__, __LINE__, #call,\
				 err_ ? strerrorname_np(-err_) : "success",		\
				 want_ ? strerrorname_np(want_) : "success");		\
			return;								\
		}									\
	} while (0)

#define CHECK(condition)								\
	do {										\
		if (!(condition)) {							\
			tap_fail("%s:%d: not so: %s", __FILE__, __LINE__, #condition);	\
			return;								\
		}									\
	} while (0)

#define SKIP(...)									\
	do {										\
		snprintf(tap_skip, sizeof(tap_skip), __VA_ARGS__);			\
		return;									\
	} while (0)

/*
 * Runs a part of a test in a child, for what a process does not survive. What it says to
 * have failed is the caller's failure, and so is an end of another kind.
 */
static inline void tap_in_child(void (*run)(void))
{
	int ends[2], status;
	ssize_t len;
	pid_t pid;

	if (pipe(ends))
		abort();
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		run();
		_exit(write(ends[1], tap_failure, sizeof(tap_failure)) != sizeof(tap_failure));
	}
	close(ends[1]);
	len = read(ends[0], tap_failure, sizeof(tap_failure));
	close(ends[0]);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	if (len != sizeof(tap_failure))
		tap_fail("the child ended with status 0x%x", (unsigned int)status);
}

static inline int tap_run(const struct tap_test *tests, unsigned int count)
{
	unsigned int failed = 0;

	printf("1..%u\n", count);
	for (unsigned int i = 0; i < count; i++) {
		tap_failure[0] = '\0';
		tap_skip[0] = '\0';
		tests[i].run();
		failed += tap_failure[0] != '\0';
		printf("%sok %u - %s%s%s\n", tap_failure[0] ? "not " : "", i + 1, tests[i].name,
		       tap_skip[0] ? " # SKIP " : "", tap_skip);
		if (tap_failure[0])
			printf("# %s\n", tap_failure);
		fflush(stdout);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The part of libigt's interface that our tests use, for building them against
 * Debian's libigt.so (2.5), which comes without headers. Inside an IGT tree
 * the tests find IGT's own igt.h instead, and mean the same.
 *
 * A subtest is left by siglongjmp(): igt_assert() fails it, igt_require() skips
 * it. Variables that a fixture sets and later code reads are therefore static.
 */
#ifndef TESTS_IGT_H
#define TESTS_IGT_H

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIVER_AMDGPU (1 << 3)

typedef int (*igt_opt_handler_t)(int opt, int index, void *data);
enum igt_log_level { IGT_LOG_DEBUG, IGT_LOG_INFO, IGT_LOG_WARN, IGT_LOG_CRITICAL, IGT_LOG_NONE };

extern jmp_buf igt_subtest_jmpbuf;
extern jmp_buf igt_dynamic_jmpbuf;

void igt_subtest_init_parse_opts(int *argc, char **argv, const char *short_opts,
				 const struct option *long_opts, const char *help,
				 igt_opt_handler_t handler, void *data);
void igt_exit(void) __attribute__((noreturn));
void igt_success(void);
void igt_describe_f(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void igt_log(const char *domain, enum igt_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool __igt_run_subtest(const char *name, const char *file, int line);
bool __igt_fixture(void);
void __igt_fixture_complete(void);
void __igt_fail_assert(const char *domain, const char *file, int line, const char *func,
		       const char *assertion, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 6, 7)));
void __igt_skip_check(const char *file, int line, const char *func, const char *check,
		      const char *fmt, ...) __attribute__((noreturn, format(printf, 5, 6)));
void igt_skip(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
int drm_open_driver(int chipset);
int drm_open_driver_render(int chipset);
int drm_close_driver(int fd);

#define IGT_TEST_DESCRIPTION(text) static const char igt_test_text[] __attribute__((unused)) = text

#define igt_describe(text) igt_describe_f("%s", text)

#define igt_subtest(name) \
	for (; __igt_run_subtest((name), __FILE__, __LINE__) && \
	       sigsetjmp(igt_subtest_jmpbuf, 1) == 0; igt_success())

#define igt_subtest_f(...) \
	for (char igt_name[256]; \
	     snprintf(igt_name, sizeof(igt_name), __VA_ARGS__) > 0 && \
	     __igt_run_subtest(igt_name, __FILE__, __LINE__) && \
	     sigsetjmp(igt_subtest_jmpbuf, 1) == 0; igt_success())

#define igt_fixture() \
	for (volatile int igt_once = 0; \
	     igt_once < 1 && __igt_fixture() && sigsetjmp(igt_subtest_jmpbuf, 1) == 0; \
	     igt_once++, __igt_fixture_complete())

/* What an option handler returns */
#define IGT_OPT_HANDLER_SUCCESS 0
#define IGT_OPT_HANDLER_ERROR (-2)

#define igt_main_args(short_opts, long_opts, help, handler, data) \
	static void igt_test_body(void); \
	int main(int argc, char **argv) \
	{ \
		igt_subtest_init_parse_opts(&argc, argv, short_opts, long_opts, help, handler, \
					    data); \
		igt_test_body(); \
		igt_exit(); \
	} \
	static void igt_test_body(void)

#define igt_main() igt_main_args(NULL, NULL, NULL, NULL, NULL)

#define igt_info(...) igt_log(NULL, IGT_LOG_INFO, __VA_ARGS__)
#define igt_debug(...) igt_log(NULL, IGT_LOG_DEBUG, __VA_ARGS__)

#define igt_assert_f(expr, ...) \
	do { \
		if (!(expr)) \
			__igt_fail_assert(NULL, __FILE__, __LINE__, __func__, #expr, __VA_ARGS__); \
	} while (0)
#define igt_assert(expr) \
	do { \
		if (!(expr)) \
			__igt_fail_assert(NULL, __FILE__, __LINE__, __func__, #expr, NULL); \
	} while (0)
#define igt_assert_cmp(a, cmp, b) \
	do { \
		long long igt_a = (long long)(a), igt_b = (long long)(b); \
		igt_assert_f(igt_a cmp igt_b, "error: %lld != (%s) %lld\n", igt_a, #cmp, igt_b); \
	} while (0)
#define igt_assert_eq(a, b) igt_assert_cmp(a, ==, b)
#define igt_assert_neq(a, b) igt_assert_cmp(a, !=, b)
#define igt_assert_lt(a, b) igt_assert_cmp(a, <, b)
#define igt_assert_lte(a, b) igt_assert_cmp(a, <=, b)
#define igt_assert_eq_u64(a, b) \
	do { \
		uint64_t igt_a = (a), igt_b = (b); \
		igt_assert_f(igt_a == igt_b, "error: %#llx != %#llx\n", \
			     (unsigned long long)igt_a, (unsigned long long)igt_b); \
	} while (0)

#define igt_require_f(expr, ...) \
	do { \
		if (!(expr)) \
			__igt_skip_check(__FILE__, __LINE__, __func__, #expr, __VA_ARGS__); \
	} while (0)
#define igt_require(expr) \
	do { \
		if (!(expr)) \
			__igt_skip_check(__FILE__, __LINE__, __func__, #expr, NULL); \
	} while (0)

#endif

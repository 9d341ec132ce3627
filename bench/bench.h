/* SPDX-License-Identifier: MIT */
/*
 * What measurements share. A measurement prints what it found as lines of fields
 * separated by tabs, which scripts/bench makes a table and JSON of:
 *
 *   value NAME NUMBER UNIT	a median
 *   ratio NAME NUMBER		of two values of this run
 *   ratio NAME NUMBER LIMIT	one that is to be at most LIMIT
 *
 * Its exit status says whether it could measure, not whether the limit was kept.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

/* Monotonic, nanoseconds. */
int64_t bench_now(void);
/* Sorts @samples. */
double bench_median(double *samples, size_t count);
void bench_value(const char *name, double number, const char *unit);
/* @limit 0: none. */
void bench_ratio(const char *name, double number, double limit);
/* Prints what failed and ends. */
void bench_die(const char *what, int err) __attribute__((noreturn));

/* For calls that return 0 or a negative error code. */
#define BENCH_TRY(call) \
	do { \
		int bench_err = (call); \
		if (bench_err) \
			bench_die(#call, bench_err); \
	} while (0)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the SVM tests share: a GPU that reads and writes the process's memory by
 * address, attributes, what the driver counts.
 *
 * Everything here may be used in threads and in children of fork(), where
 * igt_assert() must not be: a function that finds something wrong says so on
 * stderr and returns false, for the subtest to igt_assert().
 */
#ifndef TESTS_IGT_SVM_H
#define TESTS_IGT_SVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amdgpu_svm.h"
#include "demo/gpu.h"
#include "demo/packets.h"

#define PAGE 4096ul
#define KIB 1024ul
#define MIB (1024ul * KIB)

/* Leaves the calling function with false, saying where and why. */
#define TRY(expr) \
	do { \
		if (!(expr)) \
			return svm_fail(__FILE__, __LINE__, #expr, 0, 0); \
	} while (0)
#define TRY_EQ(value, want) \
	do { \
		long long value_ = (long long)(value), want_ = (long long)(want); \
		if (value_ != want_) \
			return svm_fail(__FILE__, __LINE__, #value " == " #want, value_, want_); \
	} while (0)

bool svm_fail(const char *file, int line, const char *what, long long value, long long want);

/* One thread's way to the GPU. Workers of different @ring may use different engines. */
struct worker {
	struct gpu *gpu;
	unsigned int ring;
	struct gpu_job sdma;
	struct gpu_job compute;
	struct gpu_buffer mirror;	/* what the GPU read, for the CPU to look at */
};

#define MIRROR_SIZE (2 * MIB)

bool worker_open(struct worker *w, struct gpu *gpu, unsigned int ring);
void worker_close(struct worker *w);

/* The job ends; whether its accesses were served is seen in the memory. */
bool gpu_fill(struct worker *w, void *dst, uint32_t value, size_t size);
bool gpu_copy(struct worker *w, void *dst, const void *src, size_t size);
bool gpu_store(struct worker *w, void *dst, uint32_t value);	/* one dword, by compute */
bool gpu_draws(struct worker *w);	/* into a buffer, as who has no use for SVM */
/* A job that fills each MiB of @mem with its number and is not waited for. */
bool gpu_submit_fills(struct gpu *gpu, struct gpu_job *job, void *mem, unsigned int mibs);
bool gpu_fills_are_there(const void *mem, unsigned int mibs);

/* Does the GPU find @first, @first + 1... or @value in @mem? */
bool gpu_reads_series(struct worker *w, const void *mem, uint32_t first, size_t size);
bool gpu_reads_value(struct worker *w, const void *mem, uint32_t value, size_t size);

void put_series(void *mem, uint32_t first, size_t size);
bool has_series(const void *mem, uint32_t first, size_t size);
bool has_value(const void *mem, uint32_t value, size_t size);

/* Both see what the other writes, all over @mem and by both engines. */
bool exchange(struct worker *w, void *mem, size_t size);

/* ---- attributes ---- */

int svm_set(struct gpu *gpu, const void *mem, size_t size, uint32_t type, uint32_t value);
/* The value or a negative error number. */
int64_t svm_get(struct gpu *gpu, const void *mem, size_t size, uint32_t type);
int svm_reset(struct gpu *gpu, const void *mem, size_t size);
/* What GET says of a range whose parts have @a and @b. */
uint32_t svm_merged(uint32_t type, uint32_t a, uint32_t b);

/* ---- what the driver knows, for root ---- */

/* A line of svm_counters; -1 if there is none. */
int64_t svm_counter(struct gpu *gpu, const char *key);
/* All lines of it that start with @prefix, added up. */
int64_t svm_counters(struct gpu *gpu, const char *prefix);
/* Until a work item of the driver has counted, but not for ever. */
bool svm_counter_moves(struct gpu *gpu, const char *key, int64_t from);
/* The lines of svm_ranges or svm_attributes that lie in @mem; -1 on error. */
int svm_lines(struct gpu *gpu, const char *name, const void *mem, size_t size);
/* "rwx" or with dashes, as the GPU has @mem mapped; false if it has not. */
bool svm_rights(struct gpu *gpu, const void *mem, char rights[4]);
/* The number in a line of the file's fdinfo; -1 if there is none. */
int64_t svm_fdinfo(struct gpu *gpu, const char *key);
uint64_t svm_client(struct gpu *gpu);

#define FATAL_ANY "faults, fatal, "
#define FATAL_HOLE "faults, fatal, no memory at this address"
#define FATAL_NO_ACCESS "faults, fatal, the process has no access either"
#define FATAL_READ_ONLY "faults, fatal, the process may not write there"
#define FATAL_ATTRIBUTES "faults, fatal, its attributes forbid the access"
#define FATAL_NO_PROCESS "faults, fatal, not an address of a process"
#define FATAL_DEVICE "faults, fatal, it is memory of a device"
#define FATAL_GPU_RO "faults, fatal, its attributes make it read-only for the GPU"

/* ---- memory ---- */

/* mmap() at @addr exactly, which takes the place of what is there; NULL: anywhere. */
void *map_at(void *addr, size_t size, int prot);
/* The first address that no process has, or that the GPU has none for; 0 on error. */
uint64_t svm_limit(struct gpu *gpu);
/* Aligned to 2 MiB, as large ranges and tables are. */
char *map_aligned(size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The demo's checks. Each lets the SDMA engine use memory of the process that
 * nobody registered anywhere, and looks at the result with the CPU.
 */
#ifndef DEMO_CHECK_H
#define DEMO_CHECK_H

#include <stdint.h>

#include "gpu.h"

struct demo {
	struct gpu gpu;
	struct gpu_job job;	/* the one that all checks use; ->gpu is NULL before */
	unsigned int seconds;	/* to wait for a job */
	char why[160];		/* a check failed */
};

struct check {
	const char *name;
	int (*run)(struct demo *demo);	/* 0, or -1 with ->why set */
};

extern const struct check checks[];
extern const unsigned int num_checks;

#endif

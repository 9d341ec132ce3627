/* SPDX-License-Identifier: MIT */
/*
 * What the driver counts for an open file. Faults anybody may see, by fdinfo;
 * the rest is in debugfs, for root.
 */
#ifndef DEMO_COUNTERS_H
#define DEMO_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

struct counters {
	bool have_faults;
	bool have_details;
	uint64_t faults;	/* that reached SVM, however they ended */
	uint64_t pages;		/* mapped, in all */
	uint64_t invalidations;	/* events that took mappings away */
};

/* @fd: a render node. What cannot be read is left out. */
void counters_read(int fd, struct counters *counters);

#endif

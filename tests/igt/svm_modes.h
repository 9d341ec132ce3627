/* SPDX-License-Identifier: MIT */
/*
 * Kinds of memory, and what happens to memory, each as a mode: how to make some,
 * what to check, how to drop it. Modes know nothing of how many areas, threads
 * or processes there are.
 */
#ifndef TESTS_IGT_SVM_MODES_H
#define TESTS_IGT_SVM_MODES_H

#include <stdbool.h>
#include <stddef.h>

#include "svm.h"

#define AREA_SIZE (64 * KIB)
#define PART_SIZE MIB		/* of three */
#define HUGE_SIZE (4 * MIB)
#define FRAME_SIZE (16 * PAGE)

/* One piece of memory. Lives on the stack of who uses it. */
struct area {
	unsigned int index;	/* no two at a time have the same, in all processes */
	char *mem;
	size_t size;
	int fd;
	char path[256];
	char frame[FRAME_SIZE];
};

struct mode {
	const char *name;
	size_t size;			/* 0: AREA_SIZE */
	const char *(*lacks)(void);	/* what the kernel lacks for this, NULL: nothing */
	bool (*make)(struct area *a);
	/* One pass; NULL: exchange(). May be called again on the same memory. */
	bool (*check)(struct worker *w, struct area *a);
	void (*drop)(struct area *a);	/* NULL: munmap() */
};

extern const struct mode svm_modes[];
extern const unsigned int svm_num_modes;

/* svm_kinds.c */
bool make_malloc(struct area *a);
bool make_mmap(struct area *a);
bool make_window(struct area *a);
bool make_shared(struct area *a);
bool make_file(struct area *a);
bool make_file_private(struct area *a);
bool make_file_disk(struct area *a);
bool make_huge(struct area *a);
bool make_hugetlb(struct area *a);
bool make_stack(struct area *a);
bool make_globals(struct area *a);
bool make_mlock(struct area *a);
bool make_limited(struct area *a);
bool check_file(struct worker *w, struct area *a);
bool check_file_private(struct worker *w, struct area *a);
bool check_huge(struct worker *w, struct area *a);
void drop_malloc(struct area *a);
void drop_file(struct area *a);
void drop_limited(struct area *a);
void drop_nothing(struct area *a);
/* Where a moved area goes: as large as the window of make_window(). */
char *other_window(const struct area *a);
/* Whatever tests that failed left there. */
void clear_windows(void);

/* svm_events.c */
bool check_remap(struct worker *w, struct area *a);
bool check_dontunmap(struct worker *w, struct area *a);
bool check_ro(struct worker *w, struct area *a);
bool check_fork_read(struct worker *w, struct area *a);
bool check_fork_write(struct worker *w, struct area *a);
bool check_free(struct worker *w, struct area *a);
bool check_munmap_head(struct worker *w, struct area *a);
bool check_munmap_middle(struct worker *w, struct area *a);
bool check_munmap_tail(struct worker *w, struct area *a);
bool check_multi_fault(struct worker *w, struct area *a);
bool check_prot_none(struct worker *w, struct area *a);
bool check_dontneed(struct worker *w, struct area *a);
bool check_prefetch(struct worker *w, struct area *a);
bool check_always_mapped(struct worker *w, struct area *a);

/* svm_races.c */
bool check_race_munmap(struct worker *w, struct area *a);
bool check_race_madvise(struct worker *w, struct area *a);
bool check_race_mprotect(struct worker *w, struct area *a);

/* svm_mm.c */
bool check_pageout(struct worker *w, struct area *a);
bool check_ksm(struct worker *w, struct area *a);
bool check_compaction(struct worker *w, struct area *a);
bool check_soft_offline(struct worker *w, struct area *a);
bool check_userfaultfd(struct worker *w, struct area *a);
bool check_userfaultfd_wp(struct worker *w, struct area *a);
bool check_madv_free(struct worker *w, struct area *a);

#endif

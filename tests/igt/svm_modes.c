// SPDX-License-Identifier: MIT
#include "svm_modes.h"
#include "svm_system.h"

const struct mode svm_modes[] = {
	/* Kinds of memory */
	{ "malloc", .make = make_malloc, .drop = drop_malloc },
	{ "mmap", .make = make_mmap },
	{ "mmap-shared", .make = make_shared },
	{ "file", .make = make_file, .check = check_file, .drop = drop_file },
	{ "file-private",
	  .make = make_file_private, .check = check_file_private, .drop = drop_file },
	{ "file-disk", .lacks = system_need_disk, .make = make_file_disk, .check = check_file,
	  .drop = drop_file },
	{ "huge", .size = HUGE_SIZE, .lacks = system_need_thp,
	  .make = make_huge, .check = check_huge },
	{ "hugetlb", .size = 2 * MIB, .lacks = system_need_hugetlb, .make = make_hugetlb },
	{ "stack", .size = FRAME_SIZE, .make = make_stack, .drop = drop_nothing },
	{ "globals", .make = make_globals, .drop = drop_nothing },
	{ "mlock", .make = make_mlock },
	{ "memcg-limit", .size = 12 * MIB, .lacks = system_need_memcg,
	  .make = make_limited, .drop = drop_limited },

	/* What happens to it */
	{ "remap", .make = make_window, .check = check_remap },
	{ "dontunmap", .make = make_window, .check = check_dontunmap },
	{ "dontneed", .make = make_window, .check = check_dontneed },
	{ "ro", .make = make_window, .check = check_ro },
	{ "fork-read", .make = make_window, .check = check_fork_read },
	{ "fork-write", .make = make_window, .check = check_fork_write },
	{ "free", .make = make_window, .check = check_free },
	{ "partial-munmap-head", .size = 3 * PART_SIZE,
	  .make = make_window, .check = check_munmap_head },
	{ "partial-munmap-middle", .size = 3 * PART_SIZE,
	  .make = make_window, .check = check_munmap_middle },
	{ "partial-munmap-tail", .size = 3 * PART_SIZE,
	  .make = make_window, .check = check_munmap_tail },
	{ "multi-fault", .size = 16 * MIB, .make = make_window, .check = check_multi_fault },
	{ "prot-none", .make = make_window, .check = check_prot_none },
	{ "prefetch", .make = make_window, .check = check_prefetch },
	{ "always-mapped", .make = make_window, .check = check_always_mapped },
	{ "race-munmap", .size = 512 * KIB, .make = make_window, .check = check_race_munmap },
	{ "race-madvise", .size = 512 * KIB, .make = make_window, .check = check_race_madvise },
	{ "race-mprotect", .size = 512 * KIB, .make = make_window, .check = check_race_mprotect },
	{ "pageout", .size = MIB, .lacks = system_need_swap,
	  .make = make_window, .check = check_pageout },
	{ "ksm", .lacks = system_need_ksm, .make = make_window, .check = check_ksm },
	{ "compaction", .size = MIB, .lacks = system_need_compaction,
	  .make = make_window, .check = check_compaction },
	{ "soft-offline", .make = make_window, .check = check_soft_offline },
	{ "userfaultfd", .lacks = system_need_userfaultfd, .make = make_window,
	  .check = check_userfaultfd },
	{ "userfaultfd-wp", .lacks = system_need_userfaultfd, .make = make_window,
	  .check = check_userfaultfd_wp },
	{ "madv-free", .make = make_window, .check = check_madv_free },
};

const unsigned int svm_num_modes = sizeof(svm_modes) / sizeof(svm_modes[0]);

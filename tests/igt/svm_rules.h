/* SPDX-License-Identifier: MIT */
/*
 * The rules that amd_svm_rules checks, one function each. Those that get no worker
 * open and close the GPU themselves.
 */
#ifndef TESTS_IGT_SVM_RULES_H
#define TESTS_IGT_SVM_RULES_H

#include "svm.h"

#define RW (PROT_READ | PROT_WRITE)

/*
 * A page that userfaultfd holds back, and a job that waits for it, in svm_rules_fault.c. The
 * job stores HELD_BY_GPU at the start of the page, which is full of HELD_CONTENT.
 */
struct held_page {
	char *mem;
	int fd;
	struct gpu_job job;
};

#define HELD_BY_GPU 0x4e1d4e1d
#define HELD_CONTENT 0x7e7e7e7e

/* Returns when the driver waits; @ip: the engine that does. */
bool held_page_take(struct held_page *h, struct gpu *gpu, unsigned int ip);
bool held_page_give(struct held_page *h);
void held_page_end(struct held_page *h);

/* svm_rules_uapi.c */
bool rule_uapi_negative(struct worker *w);
bool rule_overflow_and_limit(struct worker *w);
bool rule_last_page(struct worker *w);
bool rule_refused_set_changes_nothing(struct worker *w);
bool rule_get_merges(struct worker *w);
bool rule_last_of_a_type_wins(struct worker *w);
bool rule_parts_keep_theirs(struct worker *w);
bool rule_drop_munmap(struct worker *w);
bool rule_drop_munmap_untouched(struct worker *w);
bool rule_drop_mremap(struct worker *w);
bool rule_drop_mremap_untouched(struct worker *w);
bool rule_keep_dontneed(struct worker *w);
bool rule_attributes_while_memory_goes(struct worker *w);
bool rule_attribute(struct worker *w, uint32_t type);

/* svm_rules_fault.c */
bool rule_access_is_enforced(struct worker *w);
bool rule_gpu_ro(struct worker *w);
bool rule_reset_takes_rights_back(struct worker *w);
bool rule_end_of_file(struct worker *w);
bool rule_hole_is_fatal(struct worker *w);
bool rule_hole_is_fatal_while_memory_changes(struct worker *w);
bool rule_memory_that_is_always_dropped_is_served(struct worker *w);
bool rule_hundreds_of_holes_are_fatal(struct worker *w);
bool rule_late_faults_are_not_fatal(struct worker *w);
bool rule_read_only_write_is_fatal(struct worker *w);
bool rule_read_only_page_in_the_middle(struct worker *w);
bool rule_fatal_says_why(struct worker *w);
bool rule_beyond_the_process_is_fatal(struct worker *w);
bool rule_device_memory_is_fatal(struct worker *w);
bool rule_no_fault_is_swallowed(struct worker *w);
bool rule_faults_leave_no_attributes(struct worker *w);
bool rule_no_migration_no_harm(struct worker *w);
bool rule_vram_registered_once(struct worker *w);
bool rule_granularity(struct worker *w);
bool rule_prefetch(struct worker *w);
/* The work item has mapped @mem since the counter of maps without a fault was @maps. */
bool comes_back(struct gpu *gpu, const void *mem, size_t size, int64_t maps);
bool rule_always_mapped(struct worker *w);
bool rule_rings(struct worker *w);
bool rule_huge_pages_are_one_entry(struct worker *w);
bool rule_one_event_one_flush(struct worker *w);
bool rule_counters(struct worker *w);
bool rule_tracepoints(struct worker *w);
bool rule_blocked_fault_stops_nobody(struct worker *w);
bool rule_slow_page_stops_nobody(void);
bool rule_slow_fault_comes_again(void);

/* svm_rules_bo.c */
bool rule_bo_over_svm(struct worker *w);
bool rule_svm_over_bo(struct worker *w);
bool rule_svm_beside_bo(struct worker *w);
bool rule_bo_while_faulting(struct worker *w);
bool rule_svm_takes_place_of_bo(struct worker *w);
bool rule_late_faults_spare_bo(struct worker *w);
bool evict_vram(void);
bool rule_evicted_tables(struct worker *w);
bool rule_pressure_while_faulting(struct worker *w);
bool rule_evict_all_while_faulting(struct worker *w);
bool rule_kernel_passes_waiting_faults(struct worker *w);
bool rule_bo_takes_place_of_waiting_fault(struct worker *w);

/* svm_rules_life.c */
bool rule_fd_in_other_mm(struct worker *w);
bool rule_kfd_in_other_mm(void);
bool rule_other_user_killed(void);
bool rule_late_faults_at_a_new_owners_vmid(struct worker *w);
bool rule_fd_given_away(void);
bool rule_lazy_creation(void);
bool rule_exec(void);
bool rule_exit_with_faults(void);
bool rule_kill_with_faults(void);
bool rule_munmap_with_faults(void);
bool rule_close_with_faults(void);
bool rule_exit_with_waiting_fault(void);
bool rule_close_with_waiting_fault(void);
bool rule_release(void);
bool rule_compute_vm_without_xnack(void);
bool rule_unload_refused(struct worker *w);
bool rule_memory_goes_while_the_gpu_is_reset(struct worker *w);
bool rule_reset_with_faults(void);
bool rule_always_mapped_comes_back(void);
bool rule_unplug_with_faults(void);

#endif

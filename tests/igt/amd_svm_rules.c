// SPDX-License-Identifier: MIT
/*
 * SVM's rules, one subtest each: what the ioctl refuses, each attribute, rights,
 * fatal faults, buffer objects, and whatever can end while the GPU faults. The
 * subtests defect-NN-* are the twelve things that an earlier, posted
 * implementation of this interface got wrong.
 */
#include <sys/mman.h>

#include "igt.h"
#include "svm_rules.h"
#include "svm_system.h"

IGT_TEST_DESCRIPTION("Rules of shared virtual memory");

struct rule {
	const char *name;
	const char *text;
	bool (*with_gpu)(struct worker *w);
	bool (*alone)(void);		/* opens the GPU itself */
	const char *(*lacks)(void);	/* why it cannot run, or NULL */
};

static const struct rule rules[] = {
	{ "uapi-negative", "Each check of the ioctl, and that they come in their order",
	  .with_gpu = rule_uapi_negative },
	{ "last-page-of-the-process", "has attributes and is served as any other",
	  .with_gpu = rule_last_page },
	{ "refused-set-changes-nothing", "A SET that fails a check has no effect",
	  .with_gpu = rule_refused_set_changes_nothing },
	{ "get-merges", "GET over parts that differ, all attributes",
	  .with_gpu = rule_get_merges },
	{ "last-of-a-type-wins", "Several values of one attribute in a SET",
	  .with_gpu = rule_last_of_a_type_wins },
	{ "parts-keep-theirs", "SET and RESET in the middle of a range leave the rest",
	  .with_gpu = rule_parts_keep_theirs },

	{ "drop-munmap", "munmap() drops attributes of memory that the GPU has",
	  .with_gpu = rule_drop_munmap },
	{ "drop-munmap-untouched", "and of memory that it never had",
	  .with_gpu = rule_drop_munmap_untouched },
	{ "drop-mremap", "mremap() leaves them behind, and drops those of the new place",
	  .with_gpu = rule_drop_mremap },
	{ "drop-mremap-untouched", "also of memory that the GPU never had",
	  .with_gpu = rule_drop_mremap_untouched },
	{ "keep-dontneed", "madvise() and mprotect() keep them",
	  .with_gpu = rule_keep_dontneed },

	{ "attributes-while-memory-goes",
	  "Attributes come and all go while others look at them without a lock",
	  .with_gpu = rule_attributes_while_memory_goes },

	{ "gpu-ro", "The GPU reads and does not write", .with_gpu = rule_gpu_ro },
	{ "granularity", "It bounds what one fault maps, and its largest value is harmless",
	  .with_gpu = rule_granularity },
	{ "prefetch", "SET maps, also when nothing changes", .with_gpu = rule_prefetch },
	{ "always-mapped", "Mapped at once and after each invalidation, without a fault",
	  .with_gpu = rule_always_mapped },
	{ "always-mapped-comes-back", "after mprotect(), moves of page tables and resets",
	  .alone = rule_always_mapped_comes_back },

	{ "end-of-file", "What is in front of it is there, what is behind is fatal",
	  .with_gpu = rule_end_of_file },
	{ "hole-is-fatal", "until memory is there", .with_gpu = rule_hole_is_fatal },
	{ "hole-is-fatal-while-memory-changes", "elsewhere in the process",
	  .with_gpu = rule_hole_is_fatal_while_memory_changes },
	{ "memory-that-is-always-dropped-is-served", "faster than a range's pages can be had",
	  .with_gpu = rule_memory_that_is_always_dropped_is_served },
	{ "hundreds-of-holes-are-fatal", "more than the driver keeps in mind",
	  .with_gpu = rule_hundreds_of_holes_are_fatal },
	{ "late-faults-are-not-fatal", "however many", .with_gpu = rule_late_faults_are_not_fatal },
	{ "read-only-write-is-fatal", "Read-only memory is read, not written",
	  .with_gpu = rule_read_only_write_is_fatal },
	{ "read-only-page-in-the-middle", "of a huge range stays read-only, the rest does not",
	  .with_gpu = rule_read_only_page_in_the_middle },
	{ "fatal-says-why", "in one line of the kernel log", .with_gpu = rule_fatal_says_why },
	{ "huge-pages-are-one-entry", "of the GPU's page tables",
	  .with_gpu = rule_huge_pages_are_one_entry },
	{ "beyond-the-process-is-fatal", "whether the GPU can address it or not",
	  .with_gpu = rule_beyond_the_process_is_fatal },
	{ "device-memory-is-fatal", "by the process's address of it",
	  .with_gpu = rule_device_memory_is_fatal },
	{ "one-event-one-flush", "An unmap that several MMU notifiers see flushes once",
	  .with_gpu = rule_one_event_one_flush },
	{ "counters", "Faults, pages and invalidations are counted", .with_gpu = rule_counters },
	{ "blocked-fault-stops-nobody", "but its own ring, until a program provides the page",
	  .with_gpu = rule_blocked_fault_stops_nobody },
	{ "slow-page-stops-nobody", "but its own ring, until a file system gives it",
	  .alone = rule_slow_page_stops_nobody, .lacks = system_need_fuse },
	{ "slow-fault-comes-again", "instead of being held while memory changes",
	  .alone = rule_slow_fault_comes_again, .lacks = system_need_fuse },
	{ "tracepoints", "Faults, maps, events, calls and drops are traced",
	  .with_gpu = rule_tracepoints, .lacks = system_need_tracing },
	{ "rings-at-the-same-time", "All rings of a context fault", .with_gpu = rule_rings },

	{ "bo-over-svm", "is refused while the GPU has the memory", .with_gpu = rule_bo_over_svm },
	{ "svm-over-bo", "never happens: the buffer object wins", .with_gpu = rule_svm_over_bo },
	{ "svm-beside-bo", "is served up to its edges", .with_gpu = rule_svm_beside_bo },
	{ "bo-while-faulting", "Buffer objects come and go", .with_gpu = rule_bo_while_faulting },
	{ "svm-takes-place-of-bo", "that is being unmapped by a job that is late",
	  .with_gpu = rule_svm_takes_place_of_bo },
	{ "late-faults-spare-bo", "that is there instead by now",
	  .with_gpu = rule_late_faults_spare_bo },
	{ "evicted-tables", "are filled again", .with_gpu = rule_evicted_tables },
	{ "evict-all-while-faulting", "as suspending does",
	  .with_gpu = rule_evict_all_while_faulting },
	{ "kernel-passes-waiting-faults", "The kernel's SDMA jobs are not behind those that fault",
	  .with_gpu = rule_kernel_passes_waiting_faults },
	{ "bo-takes-place-of-waiting-fault", "and is what the access finds",
	  .with_gpu = rule_bo_takes_place_of_waiting_fault },

	{ "fd-in-other-mm", "has no say over the memory of who opened it",
	  .with_gpu = rule_fd_in_other_mm },
	{ "fd-given-away", "before it is used has no SVM, and works",
	  .alone = rule_fd_given_away },
	{ "late-faults-at-a-new-owners-vmid", "who is gone: nobody gets a dummy page",
	  .with_gpu = rule_late_faults_at_a_new_owners_vmid },
	{ "exec", "leaves neither mappings nor attributes", .alone = rule_exec },
	{ "exit-with-faults", "outstanding", .alone = rule_exit_with_faults },
	{ "kill-with-faults", "outstanding", .alone = rule_kill_with_faults },
	{ "munmap-with-faults", "outstanding: the job ends", .alone = rule_munmap_with_faults },
	{ "exit-with-waiting-fault", "for a page that a program never gives; and killed",
	  .alone = rule_exit_with_waiting_fault, .lacks = system_need_userfaultfd },
	{ "close-with-waiting-fault", "nor does anything wait on for it",
	  .alone = rule_close_with_waiting_fault, .lacks = system_need_userfaultfd },
	{ "kfd-in-other-mm", "has no queues for the memory of who opened the file",
	  .alone = rule_kfd_in_other_mm },
	{ "other-user-killed", "and the scheduler takes no more jobs: nothing waits for one",
	  .alone = rule_other_user_killed },
	{ "unload-refused", "while a file is open", .with_gpu = rule_unload_refused },
	{ "memory-goes-while-the-gpu-is-reset", "and neither waits for the other",
	  .with_gpu = rule_memory_goes_while_the_gpu_is_reset },
	{ "reset-with-faults", "outstanding: the file goes on with a new context",
	  .alone = rule_reset_with_faults },

	{ "defect-01-access-not-tested", "INACCESSIBLE is fatal, the pages beside it are not",
	  .with_gpu = rule_access_is_enforced },
	{ "defect-02-compute-vm-without-xnack",
	  "KFD gives one, and the ioctl is refused on it. The VM suite loads with noretry=1.",
	  .alone = rule_compute_vm_without_xnack },
	{ "defect-03-lazy-creation", "A stranger or several threads call first",
	  .alone = rule_lazy_creation },
	{ "defect-04-overflow-and-limit", "Ranges that wrap, and beyond what CPU or GPU have",
	  .with_gpu = rule_overflow_and_limit },
	{ "defect-05-reset-leaves-old-rights", "RESET gives and takes rights of what is mapped",
	  .with_gpu = rule_reset_takes_rights_back },
	{ "defect-06-handler-races-teardown", "close() while the GPU faults, again and again",
	  .alone = rule_close_with_faults },
	{ "defect-07-fault-swallowed", "Mapped, taken away, needed again, without a pause",
	  .with_gpu = rule_no_fault_is_swallowed },
	{ "defect-08-eviction-inverts-locks",
	  "VRAM runs out while the GPU faults and needs page tables",
	  .with_gpu = rule_pressure_while_faulting },
	{ "defect-09-migration-failure-is-fatal",
	  "Nothing migrates yet: memory that is to be LOCAL is served where it is",
	  .with_gpu = rule_no_migration_no_harm },
	{ "defect-10-attributes-grow", "Neither faults nor SET and RESET leave any behind",
	  .with_gpu = rule_faults_leave_no_attributes },
	{ "defect-11-release-ignored", "The memory goes, the file stays with another process",
	  .alone = rule_release },
	{ "defect-12-vram-registered-twice",
	  "Nothing migrates yet: KFD's registration of the VRAM stays the only one",
	  .with_gpu = rule_vram_registered_once },
};

static const char *const attributes[] = {
	[AMDGPU_SVM_ATTR_PREFERRED_LOC] = "preferred-loc",
	[AMDGPU_SVM_ATTR_PREFETCH_LOC] = "prefetch-loc",
	[AMDGPU_SVM_ATTR_ACCESS] = "access",
	[AMDGPU_SVM_ATTR_GRANULARITY] = "granularity",
	[AMDGPU_SVM_ATTR_HOST_ACCESS] = "host-access",
	[AMDGPU_SVM_ATTR_COHERENT] = "coherent",
	[AMDGPU_SVM_ATTR_EXT_COHERENT] = "ext-coherent",
	[AMDGPU_SVM_ATTR_HIVE_LOCAL] = "hive-local",
	[AMDGPU_SVM_ATTR_GPU_RO] = "gpu-ro",
	[AMDGPU_SVM_ATTR_GPU_EXEC] = "gpu-exec",
	[AMDGPU_SVM_ATTR_GPU_READ_MOSTLY] = "gpu-read-mostly",
	[AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED] = "gpu-always-mapped",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Also by a test that failed */
static struct gpu gpu;
static bool gpu_is_open;

static void close_gpu(void)
{
	if (gpu_is_open)
		gpu_close(&gpu);
	gpu_is_open = false;
}

static struct worker open_worker(void)
{
	struct worker w;

	close_gpu();
	igt_assert_eq(gpu_open(&gpu, NULL), 0);
	gpu_is_open = true;
	igt_assert(worker_open(&w, &gpu, 0));
	return w;
}

static void run_rule(const struct rule *rule)
{
	const char *lacking = rule->lacks ? rule->lacks() : NULL;
	struct worker w;

	igt_require_f(!lacking, "%s\n", lacking);
	if (rule->alone) {
		close_gpu();
		igt_assert(rule->alone());
		return;
	}
	w = open_worker();
	igt_assert(rule->with_gpu(&w));
	worker_close(&w);
	close_gpu();
}

static void run_attribute(uint32_t type)
{
	struct worker w = open_worker();

	igt_assert(rule_attribute(&w, type));
	worker_close(&w);
	close_gpu();
}

static void require_svm(void)
{
	struct worker w = open_worker();
	void *page = map_at(NULL, PAGE, PROT_READ);

	igt_require_f(svm_get(&gpu, page, PAGE, AMDGPU_SVM_ATTR_ACCESS) >= 0,
		      "no SVM on this kernel and GPU\n");
	worker_close(&w);
	close_gpu();
}

igt_main()
{
	static unsigned int i;

	igt_fixture()
		require_svm();

	for (i = 0; i < COUNT(rules); i++) {
		igt_describe_f("%s", rules[i].text);
		igt_subtest(rules[i].name)
			run_rule(&rules[i]);
	}
	for (i = 0; i < COUNT(attributes); i++) {
		igt_describe("Its default, its effect on what is mapped, and RESET");
		igt_subtest_f("attr-%s", attributes[i])
			run_attribute(i);
	}

	igt_fixture() {
		close_gpu();
		system_restore();
	}

	/* Last: for everybody else it is the end of their GPU. */
	igt_describe("The device goes while the GPU faults, and comes back");
	igt_subtest("unplug-with-faults")
		igt_assert(rule_unplug_with_faults());
}

// SPDX-License-Identifier: MIT
/* What a fault may do, what it must not, and what it leaves behind. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "svm_fuse.h"
#include "svm_rules.h"
#include "svm_system.h"

/* ---- rights ---- */

bool rule_access_is_enforced(struct worker *w)
{
	char *mem = map_at(NULL, 4 * PAGE, RW);
	int64_t before;

	TRY(gpu_fill(w, mem, 0x77777777, 4 * PAGE));
	TRY_EQ(svm_set(w->gpu, mem + PAGE, PAGE, AMDGPU_SVM_ATTR_ACCESS,
		       AMDGPU_SVM_ACCESS_INACCESSIBLE), 0);
	before = svm_counter(w->gpu, FATAL_ATTRIBUTES);
	TRY(gpu_fill(w, mem, 0x78787878, PAGE));
	TRY(gpu_fill(w, mem + 2 * PAGE, 0x78787878, 2 * PAGE));
	TRY_EQ(svm_counter(w->gpu, FATAL_ATTRIBUTES), before);
	TRY(gpu_fill(w, mem + PAGE, 0x79797979, PAGE));
	TRY(svm_counter(w->gpu, FATAL_ATTRIBUTES) > before);
	TRY(has_value(mem + PAGE, 0x77777777, PAGE));
	TRY_EQ(svm_set(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_ACCESS,
		       AMDGPU_SVM_ACCESS_IN_PLACE), 0);
	TRY(exchange(w, mem, 4 * PAGE));
	munmap(mem, 4 * PAGE);
	return true;
}

bool rule_gpu_ro(struct worker *w)
{
	char *mem = map_at(NULL, 4 * PAGE, RW);
	int64_t before = svm_counter(w->gpu, FATAL_GPU_RO);

	TRY(gpu_fill(w, mem, 0x31313131, 4 * PAGE));
	TRY_EQ(svm_set(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY(gpu_reads_value(w, mem, 0x31313131, 4 * PAGE));
	TRY_EQ(svm_counter(w->gpu, FATAL_GPU_RO), before);
	TRY(gpu_fill(w, mem, 0x32323232, PAGE));
	TRY(svm_counter(w->gpu, FATAL_GPU_RO) > before);
	TRY(has_value(mem, 0x31313131, 4 * PAGE));
	TRY_EQ(svm_set(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GPU_RO, 0), 0);
	TRY(exchange(w, mem, 4 * PAGE));
	munmap(mem, 4 * PAGE);
	return true;
}

/* Both ways: rights that RESET gives back, and rights that it takes. */
bool rule_reset_takes_rights_back(struct worker *w)
{
	char *mem = map_at(NULL, 4 * PAGE, RW), rights[4];

	TRY_EQ(svm_set(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY(gpu_fill(w, mem, 1, 4 * PAGE));
	TRY(svm_rights(w->gpu, mem, rights) && rights[2] == 'x');
	TRY_EQ(svm_reset(w->gpu, mem, 4 * PAGE), 0);
	/* Unless a duplicate of the fault has mapped it again. */
	TRY(!svm_rights(w->gpu, mem, rights) || rights[2] == '-');
	TRY(gpu_fill(w, mem, 2, 4 * PAGE));
	TRY(svm_rights(w->gpu, mem, rights) && rights[2] == '-');

	TRY_EQ(svm_set(w->gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY(gpu_reads_value(w, mem, 2, 4 * PAGE));
	TRY_EQ(svm_reset(w->gpu, mem, 4 * PAGE), 0);
	TRY(exchange(w, mem, 4 * PAGE));
	munmap(mem, 4 * PAGE);
	return true;
}

bool rule_hole_is_fatal(struct worker *w)
{
	int64_t before = svm_counter(w->gpu, FATAL_HOLE);
	char *mem = map_at(NULL, PAGE, RW);

	munmap(mem, PAGE);
	TRY(gpu_fill(w, mem, 0x11111111, PAGE));
	TRY(svm_counter(w->gpu, FATAL_HOLE) > before);
	map_at(mem, PAGE, RW);
	TRY(has_value(mem, 0, PAGE));
	TRY(exchange(w, mem, PAGE));
	munmap(mem, PAGE);
	return true;
}

struct changes {
	char *mem;
	void (*change)(char *mem, unsigned int turn);
	bool stop;
	unsigned int count;
};

static void change_rights(char *mem, unsigned int turn)
{
	mprotect(mem, PAGE, turn & 1 ? RW : PROT_READ);
}

static void *change_all_the_time(void *data)
{
	struct changes *c = data;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		c->change(c->mem, c->count);
		__atomic_add_fetch(&c->count, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* What else happens to the process's memory excuses nothing. */
bool rule_hole_is_fatal_while_memory_changes(struct worker *w)
{
	char *mem = map_at(NULL, 9 * PAGE, RW);
	struct changes c = { .mem = mem, .change = change_rights };
	pthread_t thread;
	bool good = true;
	int64_t before;

	TRY(gpu_fill(w, mem, 0x12121212, PAGE));
	TRY(!munmap(mem + PAGE, 8 * PAGE));
	before = svm_counter(w->gpu, FATAL_HOLE);
	TRY(!pthread_create(&thread, NULL, change_all_the_time, &c));
	for (int i = 1; good && i <= 8; i++)
		good = gpu_fill(w, mem + i * PAGE, 0x13131313, PAGE);
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TRY(good);
	TRY(c.count > 0);
	TRY(svm_counter(w->gpu, FATAL_HOLE) >= before + 8);
	munmap(mem, PAGE);
	return true;
}

#define DROPPED_PAGES 128
#define SPAN_PAGES 8
/* A range is no narrower because of changes alone. */
#define BUSY_PAGES 16

/* Nobody else touches it, so that the changes follow each other as fast as they can. */
static void drop_span(char *mem, unsigned int turn)
{
	madvise(mem + turn % (DROPPED_PAGES / SPAN_PAGES) * SPAN_PAGES * PAGE,
		SPAN_PAGES * PAGE, MADV_DONTNEED);
}

bool rule_memory_that_is_always_dropped_is_served(struct worker *w)
{
	struct changes c = { .mem = map_aligned(DROPPED_PAGES * PAGE), .change = drop_span };
	int64_t maps = svm_counter(w->gpu, "maps"), pages = svm_counter(w->gpu, "mapped pages");
	pthread_t thread;
	bool good = true;

	TRY(!pthread_create(&thread, NULL, change_all_the_time, &c));
	for (int i = 0; good && i < 12; i++)
		good = gpu_fill(w, c.mem, 0x14141414, DROPPED_PAGES * PAGE);
	__atomic_store_n(&c.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	TRY(good);
	TRY(c.count > 0);
	maps = svm_counter(w->gpu, "maps") - maps;
	pages = svm_counter(w->gpu, "mapped pages") - pages;
	TRY(maps > 0);
	TRY(pages >= maps * BUSY_PAGES);
	TRY(exchange(w, c.mem, DROPPED_PAGES * PAGE));
	munmap(c.mem, DROPPED_PAGES * PAGE);
	return true;
}

/* More than the driver keeps in mind. */
bool rule_hundreds_of_holes_are_fatal(struct worker *w)
{
	const size_t pages = 600;
	int64_t before = svm_counter(w->gpu, FATAL_HOLE);
	char *mem = map_at(NULL, pages * PAGE, RW);

	munmap(mem, pages * PAGE);
	/* The GPU gives up a packet as a whole. */
	for (size_t i = 0; i < pages; i++)
		emit_fill(&w->sdma, (uintptr_t)mem + i * PAGE, 0x11111111, PAGE);
	TRY_EQ(gpu_job_run(&w->sdma, gpu_job_seconds()), 0);
	gpu_job_reset(&w->sdma);
	TRY(svm_counter(w->gpu, FATAL_HOLE) >= before + (int64_t)pages);
	map_at(mem, pages * PAGE, RW);
	TRY(has_value(mem, 0, pages * PAGE));
	TRY(exchange(w, mem, pages * PAGE));
	munmap(mem, pages * PAGE);
	return true;
}

#define GONE_PAGES 256

/*
 * Duplicates of faults on memory that is gone, more than the driver keeps in mind. As for
 * late-faults-spare-bo they take chaos late-fault.
 */
bool rule_late_faults_are_not_fatal(struct worker *w)
{
	for (uint32_t round = 0; round < 4; round++) {
		char *mem = map_aligned(GONE_PAGES * PAGE);

		TRY_EQ(svm_set(w->gpu, mem, GONE_PAGES * PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
		TRY(gpu_fill(w, mem, round, GONE_PAGES * PAGE));
		TRY(!munmap(mem, GONE_PAGES * PAGE));
		for (int i = 0; i < 60; i++)
			TRY(gpu_draws(w));
	}
	TRY_EQ(svm_counters(w->gpu, FATAL_ANY), 0);
	return true;
}

bool rule_read_only_write_is_fatal(struct worker *w)
{
	int64_t before = svm_counter(w->gpu, FATAL_READ_ONLY);
	char *mem = map_at(NULL, PAGE, PROT_READ);

	TRY(gpu_reads_value(w, mem, 0, PAGE));
	TRY_EQ(svm_counter(w->gpu, FATAL_READ_ONLY), before);
	TRY(gpu_fill(w, mem, 0x11111111, PAGE));
	TRY(svm_counter(w->gpu, FATAL_READ_ONLY) > before);
	TRY(has_value(mem, 0, PAGE));
	munmap(mem, PAGE);
	return true;
}

bool rule_read_only_page_in_the_middle(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);

	TRY(gpu_fill(w, mem, 0x33333333, 2 * MIB));
	TRY(!mprotect(mem + MIB, PAGE, PROT_READ));
	TRY(gpu_fill(w, mem, 0x44444444, MIB));
	TRY(gpu_fill(w, mem + MIB + PAGE, 0x44444444, PAGE));
	TRY(gpu_fill(w, mem + MIB, 0x44444444, PAGE));
	TRY(gpu_reads_value(w, mem + MIB, 0x33333333, PAGE));
	TRY(has_value(mem, 0x44444444, MIB));
	TRY(!mprotect(mem + MIB, PAGE, RW));
	TRY(exchange(w, mem, 2 * MIB));
	munmap(mem, 2 * MIB);
	return true;
}

/* What is in front of a file's end is there, whatever a range would have beyond it. */
bool rule_end_of_file(struct worker *w)
{
	int fd = memfd_create("svm-end-of-file", MFD_CLOEXEC);
	char *mem = map_aligned(2 * MIB);
	size_t size = 11 * PAGE;
	int64_t before;

	TRY(fd >= 0 && !ftruncate(fd, size));
	TRY(mmap(mem, 2 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == mem);
	TRY(gpu_fill(w, mem, 0xe0fe0f00, size));
	TRY(has_value(mem, 0xe0fe0f00, size));
	TRY(gpu_reads_value(w, mem, 0xe0fe0f00, size));
	before = svm_counter(w->gpu, FATAL_NO_ACCESS);
	TRY(gpu_fill(w, mem + size, 0x11111111, PAGE));
	TRY(svm_counter(w->gpu, FATAL_NO_ACCESS) > before);
	close(fd);
	munmap(mem, 2 * MIB);
	return true;
}

/* ---- what is said ---- */

/* Does a line that came since @kmsg was last read have all three texts? */
static bool log_has(int kmsg, const char *a, const char *b, const char *c)
{
	char record[1024];
	bool has = false;
	ssize_t len;

	while ((len = read(kmsg, record, sizeof(record) - 1)) > 0 || (len < 0 && errno == EPIPE)) {
		record[len > 0 ? len : 0] = '\0';
		has |= strstr(record, a) && strstr(record, b) && strstr(record, c);
	}
	return has;
}

/* Interrupts have 48 bits of an address. */
#define ADDRESS_OF_INTERRUPT ((UINT64_C(1) << 48) - 1)

/*
 * A write to @dst is fatal for the reason that the name of counter @fatal ends with. One line
 * has the process, the address and the reason. It is one of a limited number.
 */
static bool fill_says_why(struct worker *w, uint64_t dst, const char *fatal)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int64_t before = svm_counter(w->gpu, fatal);
	char name[16], who[96], where[64];
	bool said = false;

	TRY(kmsg >= 0);
	TRY(lseek(kmsg, 0, SEEK_END) >= 0);
	TRY(!prctl(PR_GET_NAME, name));
	snprintf(who, sizeof(who), "fatal GPU write fault of pid %d (%s), pasid ", getpid(), name);
	snprintf(where, sizeof(where), " at 0x%" PRIx64 ": ", dst & ADDRESS_OF_INTERRUPT);
	/* Others may have used up what the kernel lets through in five seconds. */
	for (int i = 0; i < 20 && !said; i++) {
		TRY(gpu_fill(w, (void *)(uintptr_t)dst, 0x11111111, PAGE));
		said = log_has(kmsg, who, where, fatal + strlen(FATAL_ANY));
		if (!said)
			usleep(500000);
	}
	close(kmsg);
	TRY(said);
	TRY(svm_counter(w->gpu, fatal) > before);
	return true;
}

bool rule_fatal_says_why(struct worker *w)
{
	char *mem = map_at(NULL, PAGE, PROT_READ);

	TRY(fill_says_why(w, (uintptr_t)mem, FATAL_READ_ONLY));
	munmap(mem, PAGE);
	return true;
}

/*
 * The page after the last one of a process, which the GPU could address, and one of the upper
 * half of what it can address, where a buffer object was.
 */
bool rule_beyond_the_process_is_fatal(struct worker *w)
{
	uint64_t limit = svm_limit(w->gpu);
	char *mem = map_at(NULL, PAGE, RW);
	struct gpu_buffer buf;
	uint64_t va;

	TRY(limit > 0);
	TRY_EQ(gpu_buffer_alloc(w->gpu, &buf, PAGE, AMDGPU_GEM_DOMAIN_GTT), 0);
	va = buf.va;
	gpu_buffer_free(&buf);
	TRY(fill_says_why(w, limit, FATAL_NO_PROCESS));
	TRY(exchange(w, mem, PAGE));
	TRY(va > limit);
	TRY(fill_says_why(w, va, FATAL_NO_PROCESS));
	TRY(exchange(w, mem, PAGE));
	munmap(mem, PAGE);
	return true;
}

/* The process's view of a buffer object is no memory of the process. */
bool rule_device_memory_is_fatal(struct worker *w)
{
	struct gpu_buffer buf;

	TRY_EQ(gpu_buffer_alloc(w->gpu, &buf, PAGE, AMDGPU_GEM_DOMAIN_VRAM), 0);
	put_series(buf.cpu, 0xde7, PAGE);
	TRY(fill_says_why(w, (uintptr_t)buf.cpu, FATAL_DEVICE));
	TRY(has_series(buf.cpu, 0xde7, PAGE));
	TRY_EQ(svm_lines(w->gpu, "svm_ranges", buf.cpu, PAGE), 0);
	/* By its own address it is the GPU's. */
	gpu_job_use(&w->sdma, &buf);
	TRY(gpu_fill(w, (void *)(uintptr_t)buf.va, 0xde71ce, PAGE));
	w->sdma.num_used--;
	TRY(has_value(buf.cpu, 0xde71ce, PAGE));
	gpu_buffer_free(&buf);
	return true;
}

/* fdinfo has the counter, which may move while both are looked at. */
static bool fdinfo_has(struct gpu *gpu, const char *key, const char *counter)
{
	int64_t before = svm_counter(gpu, counter), value = svm_fdinfo(gpu, key);

	TRY(before >= 0);
	TRY(value >= before);
	TRY(value <= svm_counter(gpu, counter));
	return true;
}

bool rule_counters(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	int64_t faults = svm_counter(w->gpu, "faults"), pages = svm_counter(w->gpu, "mapped pages");
	int64_t events = svm_counter(w->gpu, "invalidations");
	int64_t kib = svm_fdinfo(w->gpu, "amd-svm-mapped");

	TRY(faults >= 0 && pages >= 0 && events >= 0 && kib >= 0);
	/* No page becomes part of a huge one meanwhile, which would unmap it. */
	TRY(!madvise(mem, 2 * MIB, MADV_NOHUGEPAGE));
	TRY(gpu_fill(w, mem, 1, 2 * MIB));
	TRY(svm_counter(w->gpu, "faults") > faults);
	TRY(svm_fdinfo(w->gpu, "amd-svm-faults") > faults);
	TRY(svm_counter(w->gpu, "mapped pages") >= pages + 512);
	TRY_EQ(svm_fdinfo(w->gpu, "amd-svm-mapped") - kib, 2 * KIB);
	TRY(!madvise(mem, 2 * MIB, MADV_DONTNEED));
	TRY(svm_counter(w->gpu, "invalidations") > events);
	TRY(svm_fdinfo(w->gpu, "amd-svm-invalidations") > events);
	TRY(!munmap(mem, 2 * MIB));
	TRY_EQ(svm_fdinfo(w->gpu, "amd-svm-mapped"), kib);
	TRY(fdinfo_has(w->gpu, "amd-svm-faults", "faults"));
	TRY(fdinfo_has(w->gpu, "amd-svm-invalidations", "invalidations"));
	return true;
}

/* Where the CPU has one page table entry for 2 MiB the GPU has one as well. */
bool rule_huge_pages_are_one_entry(struct worker *w)
{
	char *mem = map_aligned(8 * MIB);
	int64_t huge = svm_counter(w->gpu, "mapped huge pages");

	TRY(!madvise(mem, 8 * MIB, MADV_HUGEPAGE));
	memset(mem, 1, 8 * MIB);
	TRY(gpu_fill(w, mem, 0x40e40e40, 8 * MIB));
	TRY_EQ(svm_counter(w->gpu, "mapped huge pages") - huge, 4);
	TRY(has_value(mem, 0x40e40e40, 8 * MIB));
	munmap(mem, 8 * MIB);
	return true;
}

/* Each line has the VM's pasid, as fdinfo has it, and says where. */
bool rule_tracepoints(struct worker *w)
{
	char *mem = map_aligned(2 * MIB), *other = map_at(NULL, PAGE, RW);
	char fault[64], where[96];

	snprintf(fault, sizeof(fault), "pasid=%" PRId64 " addr=0x%lx write ",
		 svm_fdinfo(w->gpu, "pasid"), (unsigned long)(uintptr_t)mem);
	snprintf(where, sizeof(where), "pasid=%" PRId64 " [0x%lx, 0x%lx) ",
		 svm_fdinfo(w->gpu, "pasid"), (unsigned long)(uintptr_t)mem,
		 (unsigned long)(uintptr_t)mem + 2 * MIB);
	TRY(!system_trace_has("amdgpu_svm_fault", fault, "(mapped)"));
	TRY(gpu_fill(w, mem, 1, PAGE));
	TRY(system_trace_has("amdgpu_svm_fault", fault, "(mapped)"));
	TRY(system_trace_has("amdgpu_svm_map", where, "attributes="));
	TRY(!madvise(mem, 2 * MIB, MADV_DONTNEED));
	TRY(system_trace_has("amdgpu_svm_invalidate", where, "detail="));
	TRY(!system_trace_has("amdgpu_svm_ioctl", where, "detail=0x0"));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY(system_trace_has("amdgpu_svm_ioctl", where, "detail=0x0"));
	TRY(!system_trace_has("amdgpu_svm_drop", where, "detail=0x0"));
	TRY(!munmap(mem, 2 * MIB));
	/* Dropped when next somebody looks, or before. */
	TRY_EQ(svm_get(w->gpu, other, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC), 0);
	TRY(system_trace_has("amdgpu_svm_drop", where, "detail=0x0"));
	munmap(other, PAGE);
	return true;
}

/* Several MMU notifiers see the unmap, and one flush is enough for all of it. */
bool rule_one_event_one_flush(struct worker *w)
{
	size_t block = 64 * MIB, size = 8 * block;
	char *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int64_t maps = svm_counter(w->gpu, "maps"), flushes, events;

	TRY(mem != MAP_FAILED);
	for (char *at = mem; at < mem + size; at += block) {
		*at = 1;
		TRY(!svm_set(w->gpu, at, PAGE, AMDGPU_SVM_ATTR_PREFETCH_LOC,
			     AMDGPU_SVM_LOCATION_SYSMEM));
	}
	TRY(svm_counter(w->gpu, "maps") - maps >= (int64_t)(size / block));
	/* Whoever drops attributes may find what is not flushed yet, and flush as well. */
	TRY(!svm_reset(w->gpu, mem, size));
	flushes = svm_counter(w->gpu, "TLB flushes");
	events = svm_counter(w->gpu, "invalidations");
	TRY(!munmap(mem, size));
	TRY_EQ(svm_counter(w->gpu, "invalidations") - events, 1);
	TRY_EQ(svm_counter(w->gpu, "TLB flushes") - flushes, 1);
	return true;
}

/* ---- faults and what comes between ---- */

/* As close as it gets: mapped, taken away in a way, needed again. */
bool rule_no_fault_is_swallowed(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);

	for (uint32_t i = 0; i < 60; i++) {
		TRY(gpu_fill(w, mem, i, 64 * KIB));
		if (i % 3 == 0)
			TRY(!madvise(mem, 64 * KIB, MADV_DONTNEED));
		else if (i % 3 == 1)
			TRY_EQ(svm_set(w->gpu, mem, PAGE, AMDGPU_SVM_ATTR_COHERENT, i / 3 % 2), 0);
		else
			TRY(map_at(mem, 64 * KIB, RW) == mem);
		TRY(gpu_fill(w, mem, ~i, 64 * KIB));
		TRY(has_value(mem, ~i, 64 * KIB));
	}
	munmap(mem, 2 * MIB);
	return true;
}

/* Neither faults nor what was set and reset; nor what is gone. */
bool rule_faults_leave_no_attributes(struct worker *w)
{
	char *mem = map_aligned(8 * MIB);

	for (size_t at = 0; at < 8 * MIB; at += 128 * KIB)
		TRY(gpu_fill(w, mem + at, 1, PAGE));
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 8 * MIB), 0);
	for (size_t at = 0; at < MIB; at += 2 * PAGE)
		TRY_EQ(svm_set(w->gpu, mem + at, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 8 * MIB), MIB / PAGE / 2);
	TRY_EQ(svm_set(w->gpu, mem, MIB, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 8 * MIB), 1);
	TRY_EQ(svm_set(w->gpu, mem, MIB, AMDGPU_SVM_ATTR_GPU_RO, 0), 0);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 8 * MIB), 0);
	TRY_EQ(svm_set(w->gpu, mem + MIB, MIB, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	munmap(mem, 8 * MIB);
	/* Dropped when next somebody looks, or before. */
	TRY(map_at(mem, PAGE, RW) == mem);
	TRY_EQ(svm_get(w->gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	TRY_EQ(svm_lines(w->gpu, "svm_attributes", mem, 8 * MIB), 0);
	munmap(mem, PAGE);
	return true;
}

/* ---- what stands in for migration ---- */

/* Memory that should be on the GPU and cannot be is served where it is. */
bool rule_no_migration_no_harm(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);

	TRY(!mlock(mem, 64 * KIB));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFERRED_LOC,
		       AMDGPU_SVM_LOCATION_LOCAL), 0);
	TRY(exchange(w, mem, 2 * MIB));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC,
		       AMDGPU_SVM_LOCATION_LOCAL), 0);
	TRY(exchange(w, mem, 2 * MIB));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_ACCESS,
		       AMDGPU_SVM_ACCESS_IN_PLACE), 0);
	TRY(exchange(w, mem, 2 * MIB));
	munmap(mem, 2 * MIB);
	return true;
}

/* The GPU's address on its bus, as the kernel names what belongs to it. */
static bool name_of(struct gpu *gpu, char *name, size_t size)
{
	char link[64], target[256];
	struct stat st;
	ssize_t len;

	TRY(!fstat(gpu->fd, &st));
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device", major(st.st_rdev),
		 minor(st.st_rdev));
	len = readlink(link, target, sizeof(target) - 1);
	TRY(len > 0);
	target[len] = '\0';
	TRY(strrchr(target, '/'));
	snprintf(name, size, "%s", strrchr(target, '/') + 1);
	return true;
}

/*
 * Memory that is registered gets addresses that nothing else has, in no bridge's window:
 * without an indent in the list.
 */
bool rule_vram_registered_once(struct worker *w)
{
	FILE *file = fopen("/proc/iomem", "r");
	char line[256], gpu[256], owner[256];
	int regions = 0;

	TRY(file);
	TRY(name_of(w->gpu, gpu, sizeof(gpu)));
	while (fgets(line, sizeof(line), file))
		if (line[0] != ' ' && sscanf(line, "%*x-%*x : %255s", owner) == 1)
			regions += !strcmp(owner, gpu);
	fclose(file);
	TRY_EQ(regions, !access("/dev/kfd", F_OK));
	return true;
}

/* ---- attributes that say when and how much to map ---- */

bool rule_granularity(struct worker *w)
{
	char *mem = map_aligned(4 * MIB);
	int64_t pages;

	TRY_EQ(svm_set(w->gpu, mem, 4 * MIB, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
	pages = svm_counter(w->gpu, "mapped pages");
	TRY(gpu_fill(w, mem + 5 * PAGE, 1, PAGE));
	TRY_EQ(svm_counter(w->gpu, "mapped pages") - pages, 1);
	/* Larger than any address space */
	TRY_EQ(svm_set(w->gpu, mem, 4 * MIB, AMDGPU_SVM_ATTR_GRANULARITY, 0xffffffff), 0);
	TRY_EQ(svm_get(w->gpu, mem, 4 * MIB, AMDGPU_SVM_ATTR_GRANULARITY), 0x3f);
	pages = svm_counter(w->gpu, "mapped pages");
	TRY(gpu_fill(w, mem + 2 * MIB, 1, PAGE));
	TRY(svm_counter(w->gpu, "mapped pages") - pages >= 512);
	TRY(exchange(w, mem, 4 * MIB));
	munmap(mem, 4 * MIB);
	return true;
}

/* Also when nothing changes by it. */
bool rule_prefetch(struct worker *w)
{
	char *mem = map_aligned(4 * MIB);
	int64_t faults = svm_counter(w->gpu, "faults");

	for (uint32_t i = 0; i < 2; i++) {
		TRY_EQ(svm_set(w->gpu, mem, 4 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC,
			       AMDGPU_SVM_LOCATION_SYSMEM), 0);
		TRY(gpu_fill(w, mem, 0x41414141 + i, 4 * MIB));
		TRY(has_value(mem, 0x41414141 + i, 4 * MIB));
		TRY_EQ(svm_counter(w->gpu, "faults"), faults);
		TRY(!madvise(mem, 4 * MIB, MADV_DONTNEED));
	}
	munmap(mem, 4 * MIB);
	return true;
}

bool comes_back(struct gpu *gpu, const void *mem, size_t size, int64_t maps)
{
	TRY(svm_counter_moves(gpu, "maps without a fault", maps));
	TRY(svm_lines(gpu, "svm_ranges", mem, size) > 0);
	return true;
}

/* At once, after an invalidation, and after another attribute changed. */
bool rule_always_mapped(struct worker *w)
{
	char *mem = map_aligned(2 * MIB);
	int64_t faults, maps;
	char rights[4];

	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED, 1), 0);
	TRY(svm_lines(w->gpu, "svm_ranges", mem, 2 * MIB) > 0);
	/* Other faults may be late ones, of who had the VMID before. */
	faults = svm_counter(w->gpu, "faults, mapped");
	maps = svm_counter(w->gpu, "maps without a fault");
	TRY(!madvise(mem, 2 * MIB, MADV_DONTNEED));
	TRY(comes_back(w->gpu, mem, 2 * MIB, maps));
	TRY(gpu_fill(w, mem, 0x51515151, 2 * MIB));
	TRY(has_value(mem, 0x51515151, 2 * MIB));
	TRY_EQ(svm_counter(w->gpu, "faults, mapped"), faults);
	maps = svm_counter(w->gpu, "maps without a fault");
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY(comes_back(w->gpu, mem, 2 * MIB, maps));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_ACCESS,
		       AMDGPU_SVM_ACCESS_INACCESSIBLE), 0);
	TRY(!svm_rights(w->gpu, mem, rights));
	TRY_EQ(svm_set(w->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_ACCESS,
		       AMDGPU_SVM_ACCESS_IN_PLACE), 0);
	TRY(svm_rights(w->gpu, mem, rights));
	munmap(mem, 2 * MIB);
	return true;
}

/* ---- several engines ---- */

struct ring_user {
	struct gpu *gpu;
	pthread_t thread;
	unsigned int index;
	char *mem;
	bool good;
};

static void *use_ring(void *arg)
{
	struct ring_user *user = arg;
	struct worker w;

	user->good = worker_open(&w, user->gpu, user->index) && exchange(&w, user->mem, 4 * MIB);
	worker_close(&w);
	return NULL;
}

/* Every ring of both engines that a context has, all at the same time. */
bool rule_rings(struct worker *w)
{
	struct ring_user users[4];
	bool good = true;

	for (unsigned int i = 0; i < 4; i++) {
		users[i] = (struct ring_user){ .gpu = w->gpu, .index = i,
					       .mem = map_aligned(4 * MIB) };
		TRY(!pthread_create(&users[i].thread, NULL, use_ring, &users[i]));
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(users[i].thread, NULL);
		good &= users[i].good;
		munmap(users[i].mem, 4 * MIB);
	}
	return good;
}

/* ---- a fault that waits ---- */

bool held_page_take(struct held_page *h, struct gpu *gpu, unsigned int ip)
{
	static const uint32_t value = HELD_BY_GPU;

	h->mem = map_at(NULL, PAGE, RW);
	h->fd = system_userfaultfd(h->mem, PAGE, UFFDIO_REGISTER_MODE_MISSING);
	TRY(h->fd >= 0);
	TRY_EQ(gpu_job_init(gpu, &h->job, ip), 0);
	if (ip == AMDGPU_HW_IP_DMA)
		emit_write(&h->job, (uintptr_t)h->mem, &value, 1);
	else
		emit_write_data(&h->job, (uintptr_t)h->mem, &value, 1);
	TRY_EQ(gpu_job_submit(&h->job), 0);
	TRY(system_userfault_waits(h->fd));
	return true;
}

bool held_page_give(struct held_page *h)
{
	static const uint32_t content[PAGE / 4] = { [0 ... PAGE / 4 - 1] = HELD_CONTENT };
	struct uffdio_copy copy = {
		.dst = (uintptr_t)h->mem, .src = (uintptr_t)content, .len = PAGE,
	};

	TRY(!ioctl(h->fd, UFFDIO_COPY, &copy));
	return true;
}

void held_page_end(struct held_page *h)
{
	gpu_job_fini(&h->job);
	close(h->fd);
	munmap(h->mem, PAGE);
}

#define BLOCKS 16

/* One in each of @blocks, by one job of compute. */
static bool blocks_are_served(struct worker *w, const char *mem, uint32_t blocks)
{
	for (uint32_t i = 0; i < blocks; i++) {
		uint32_t value = 0xb10c0000 + i;

		emit_write_data(&w->compute, (uintptr_t)mem + i * 2 * MIB, &value, 1);
	}
	TRY_EQ(gpu_job_run(&w->compute, gpu_job_seconds()), 0);
	gpu_job_reset(&w->compute);
	for (uint32_t i = 0; i < blocks; i++)
		TRY(has_value(mem + i * 2 * MIB, 0xb10c0000 + i, 4));
	return true;
}

static bool faults_are_served(struct worker *w)
{
	char *mem = map_aligned(BLOCKS * 2 * MIB);
	int64_t mapped = svm_counter(w->gpu, "faults, mapped");

	TRY(blocks_are_served(w, mem, BLOCKS));
	TRY(svm_counter(w->gpu, "faults, mapped") - mapped >= BLOCKS);
	munmap(mem, BLOCKS * 2 * MIB);
	return true;
}

/* By another VM's ways to the GPU. */
static bool others_are_served(void)
{
	struct gpu gpu;
	struct worker w;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(worker_open(&w, &gpu, 0));
	TRY(faults_are_served(&w));
	worker_close(&w);
	gpu_close(&gpu);
	return true;
}

/* The ring of the job that waits is blocked, and nothing else. */
bool rule_blocked_fault_stops_nobody(struct worker *w)
{
	struct held_page held;

	TRY(held_page_take(&held, w->gpu, AMDGPU_HW_IP_DMA));
	TRY(faults_are_served(w));
	TRY(others_are_served());
	TRY_EQ(gpu_job_wait(&held.job, 0), -ETIME);
	TRY(held_page_give(&held));
	TRY_EQ(gpu_job_wait(&held.job, gpu_job_seconds()), 0);
	TRY(has_value(held.mem, HELD_BY_GPU, 4));
	TRY(has_value(held.mem + 4, HELD_CONTENT, PAGE - 4));
	TRY(exchange(w, held.mem, PAGE));
	held_page_end(&held);
	return true;
}

/* ---- a page that a file system is slow to give ---- */

#define OWN_BLOCKS 64

/* A VM, and a page in each of @blocks that it has not. */
struct slow_vm {
	struct gpu gpu;
	struct worker w;
	char *mem;
	uint32_t blocks;
};

/* Each alone in its block: a fault on all of a block, 512 pages, would only take longer. */
static char *map_pages_apart(uint32_t blocks)
{
	char *mem = map_aligned(blocks * 2 * MIB);

	for (uint32_t i = 0; i < blocks; i++)
		munmap(mem + i * 2 * MIB + PAGE, 2 * MIB - PAGE);
	return mem;
}

/* The last block is for a rehearsal: what the libraries allocate is there then. */
static bool slow_vm_open(struct slow_vm *v, uint32_t blocks)
{
	v->blocks = blocks;
	v->mem = map_pages_apart(blocks + 1);
	TRY_EQ(gpu_open(&v->gpu, NULL), 0);
	TRY(worker_open(&v->w, &v->gpu, 0));
	TRY(gpu_draws(&v->w));
	TRY(blocks_are_served(&v->w, v->mem + blocks * 2 * MIB, 1));
	TRY_EQ(svm_lines(&v->gpu, "svm_ranges", v->mem, blocks * 2 * MIB), 0);
	return true;
}

static void slow_vm_close(struct slow_vm *v)
{
	worker_close(&v->w);
	gpu_close(&v->gpu);
	munmap(v->mem, (v->blocks + 1) * 2 * MIB);
}

static bool slow_vm_is_served(struct slow_vm *v)
{
	return blocks_are_served(&v->w, v->mem, v->blocks);
}

/* Nothing here may change the address space until the page is given. */
static bool nobody_waits(struct slow_page *page, struct slow_vm *own, struct slow_vm *other)
{
	struct gpu_job *waits = &own->w.sdma;

	emit_copy(waits, own->w.mirror.va, (uintptr_t)page->mem, PAGE);
	TRY_EQ(gpu_job_submit(waits), 0);
	TRY(slow_page_wanted(page));
	TRY(slow_vm_is_served(other));
	TRY(slow_vm_is_served(own));
	TRY_EQ(gpu_job_wait(waits, 0), -ETIME);
	return true;
}

/* The page comes in the end, also if others had to wait for it. */
static bool with_slow_page(struct slow_page *page, struct slow_vm *own, struct slow_vm *other)
{
	bool good = nobody_waits(page, own, other);

	slow_page_give(page);
	TRY_EQ(gpu_job_wait(&own->w.sdma, gpu_job_seconds()), 0);
	TRY_EQ(gpu_job_wait(&own->w.compute, gpu_job_seconds()), 0);
	TRY_EQ(gpu_job_wait(&other->w.compute, gpu_job_seconds()), 0);
	TRY(has_series(own->w.mirror.cpu, SLOW_FIRST, PAGE));
	return good;
}

/* Unlike userfaultfd's: the driver does not know that it waits for a program. */
static bool slow_page_stops_nobody(struct slow_page *page)
{
	static struct slow_vm own, other;
	bool good;

	TRY(slow_vm_open(&own, OWN_BLOCKS));
	TRY(slow_vm_open(&other, BLOCKS));
	good = with_slow_page(page, &own, &other);
	slow_vm_close(&other);
	slow_vm_close(&own);
	return good;
}

/* The first attempt to get the page takes longer than the driver tries, and is in vain. */
static bool fault_comes_again(struct slow_page *page, struct worker *w)
{
	int64_t before = svm_counter(w->gpu, "faults");

	emit_copy(&w->sdma, w->mirror.va, (uintptr_t)page->mem, PAGE);
	TRY_EQ(gpu_job_submit(&w->sdma), 0);
	TRY(slow_page_wanted(page));
	TRY(!madvise(page->mem + (SLOW_PAGES - 1) * PAGE, PAGE, MADV_DONTNEED));
	sleep(3);
	slow_page_give(page);
	TRY_EQ(gpu_job_wait(&w->sdma, gpu_job_seconds()), 0);
	TRY(has_series(w->mirror.cpu, SLOW_FIRST, PAGE));
	TRY(svm_counter(w->gpu, "faults") >= before + 2);
	return true;
}

static bool slow_fault_comes_again(struct slow_page *page)
{
	struct slow_vm vm;
	bool good;

	TRY(slow_vm_open(&vm, 0));
	good = fault_comes_again(page, &vm.w);
	slow_page_give(page);
	slow_vm_close(&vm);
	return good;
}

/*
 * To make one huge page of small ones the kernel wants mmap_lock for itself, and whoever wants
 * it next is behind: it would be the kernel that stops them.
 */
static bool with_page(bool (*test)(struct slow_page *page))
{
	struct slow_page page;
	bool good;

	TRY(!prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	good = slow_page_open(&page);
	if (good) {
		good = test(&page);
		slow_page_close(&page);
	}
	TRY(!prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	return good;
}

bool rule_slow_page_stops_nobody(void)
{
	return with_page(slow_page_stops_nobody);
}

bool rule_slow_fault_comes_again(void)
{
	return with_page(slow_fault_comes_again);
}

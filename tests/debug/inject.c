// SPDX-License-Identifier: MIT
/*
 * Memory that the kernel does not get while it works for SVM. Each allocation
 * below a function of SVM fails in turn: the first, the second, and so on until
 * an operation needs no more. Whatever fails, the caller hears of it or the GPU's
 * access is served by another attempt, and doing it again succeeds.
 *
 * For a kernel with FAULT_INJECTION_STACKTRACE_FILTER, as root. That nothing leaks
 * and nothing is used after it was freed is for kmemleak and KASAN to see.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "amdgpu_svm.h"
#include "demo/gpu.h"
#include "demo/packets.h"
#include "tap.h"

#define PAGE 4096ul
#define MIB (1ul << 20)
#define MAX_FAILURES 400	/* of one operation; it needs fewer allocations */

static struct gpu gpu;
static uint64_t svm_start, svm_end;	/* the functions of SVM */

/* ---- what fails ---- */

/* Copying from and to user space counts as well. */
static const char *const injectors[] = { "failslab", "fail_page_alloc", "fail_usercopy" };

static void put(const char *dir, const char *name, uint64_t value)
{
	char path[96], text[32];
	int fd, len = snprintf(text, sizeof(text), "%" PRIu64, value);

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	if (fd < 0 && errno == ENOENT)
		return;
	if (fd < 0 || write(fd, text, len) != len) {
		perror(path);
		exit(2);
	}
	close(fd);
}

static void put_all(const char *name, uint64_t value)
{
	for (size_t i = 0; i < sizeof(injectors) / sizeof(injectors[0]); i++)
		put(injectors[i], name, value);
}

static uint64_t get_text(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len <= 0) {
		perror(path);
		exit(2);
	}
	close(fd);
	return strtoull(text, NULL, 10);
}

/* A function in /proc/kallsyms, no part of one that the compiler has put elsewhere. */
struct function {
	uint64_t addr;
	char name[128], module[64];
};

static bool next_function(FILE *file, struct function *f)
{
	char line[256], type;

	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNx64 " %c %127s [%63[^]]", &f->addr, &type, f->name,
			   f->module) == 4 &&
		    (type == 't' || type == 'T') && !strchr(f->name, '.'))
			return true;
	rewind(file);
	return false;
}

/* From the first function of @want whose name begins with @prefix to the end of the last. */
static bool find_functions(const char *want, const char *prefix, uint64_t *start, uint64_t *end)
{
	FILE *file = fopen("/proc/kallsyms", "r");
	uint64_t last = 0;
	struct function f;

	*start = UINT64_MAX;
	*end = UINT64_MAX;
	if (!file)
		return false;
	while (next_function(file, &f))
		if (!strcmp(f.module, want) && !strncmp(f.name, prefix, strlen(prefix))) {
			*start = f.addr < *start ? f.addr : *start;
			last = f.addr > last ? f.addr : last;
		}
	while (next_function(file, &f))
		if (f.addr > last && f.addr < *end)
			*end = f.addr;
	fclose(file);
	return last > 0;
}

/*
 * What TTM asks for is left out, for two things that it and what it calls do without memory,
 * and that nothing above it can change: freeing a buffer whose fences cannot be copied waits
 * 30 s for all jobs of the VM, also for the one that waits for this very fault; and in Linux
 * 7.2 alloc_from_freetree() of the VRAM's allocator frees a block that is still in its tree.
 */
static bool leave_out_ttm(void)
{
	uint64_t start, end;

	if (!find_functions("ttm", "", &start, &end))
		return false;
	put_all("reject-start", start);
	put_all("reject-end", end);
	return true;
}

static int set_up(void)
{
	if (access("/sys/kernel/debug/failslab/require-start", W_OK)) {
		printf("1..0 # SKIP the kernel has no fault injection by caller\n");
		return 0;
	}
	if (!find_functions("amdgpu", "amdgpu_svm_", &svm_start, &svm_end) || !leave_out_ttm()) {
		printf("Bail out! no SVM or no TTM in /proc/kallsyms\n");
		return -1;
	}
	put_all("probability", 0);
	put_all("verbose", 0);
	put_all("require-start", svm_start);
	put_all("require-end", svm_end);
	put_all("ignore-gfp-wait", 0);
	put("fail_page_alloc", "ignore-gfp-highmem", 0);
	put("fail_page_alloc", "min-order", 0);
	return 1;
}

/* The @n-th allocation of this thread fails, 0: none. */
static void fail_nth(unsigned int n)
{
	char text[16];
	int fd = open("/proc/thread-self/fail-nth", O_WRONLY);
	int len = snprintf(text, sizeof(text), "%u", n);

	if (fd < 0 || write(fd, text, len) != len) {
		perror("fail-nth");
		exit(2);
	}
	close(fd);
}

/* Whether it came to that, after which nothing fails any more. */
static bool has_failed(void)
{
	bool failed = !get_text("/proc/thread-self/fail-nth");

	fail_nth(0);
	return failed;
}

/* Of the allocations by @injector, whoever makes them, one fails: every @n-th is asked. */
static void fail_one(const char *injector, unsigned int n)
{
	put(injector, "interval", n);
	put(injector, "times", 1);
	put(injector, "probability", 100);
}

static bool one_has_failed(const char *injector)
{
	char path[96];

	put(injector, "probability", 0);
	snprintf(path, sizeof(path), "/sys/kernel/debug/%s/times", injector);
	return !get_text(path);
}

/*
 * What is asked of the slab below functions whose names begin with @prefix, by whoever, fails
 * with a probability of @percent, until it has failed @times times.
 */
static void fail_below(const char *prefix, unsigned int percent, unsigned int times)
{
	uint64_t start, end;

	if (!find_functions("amdgpu", prefix, &start, &end)) {
		fprintf(stderr, "no function %s in /proc/kallsyms\n", prefix);
		exit(2);
	}
	put("failslab", "probability", 0);
	put("failslab", "require-start", start);
	put("failslab", "require-end", end);
	put("failslab", "interval", 1);
	put("failslab", "times", times);
	put("failslab", "probability", percent);
}

static void fail_no_more(void)
{
	put("failslab", "probability", 0);
	put("failslab", "require-start", svm_start);
	put("failslab", "require-end", svm_end);
}

/* ---- memory and jobs ---- */

static char *map(size_t size)
{
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("mmap");
		exit(2);
	}
	return p;
}

static bool all(const void *mem, size_t bytes, uint32_t value)
{
	const uint32_t *p = mem;

	for (size_t i = 0; i < bytes / 4; i++)
		if (p[i] != value)
			return false;
	return true;
}

static void emit_fills(struct gpu_job *job, char *mem, size_t size, uint32_t value)
{
	for (size_t done = 0; done < size; done += MIB / 4)
		emit_fill(job, (uintptr_t)mem + done, value,
			  size - done < MIB / 4 ? size - done : MIB / 4);
}

/* Memory in several ranges, tables and lanes. */
static int fill_by(struct gpu *own, char *mem, size_t size, uint32_t value)
{
	struct gpu_job job;
	int err = gpu_job_init(own, &job, AMDGPU_HW_IP_DMA);

	if (err)
		return err;
	emit_fills(&job, mem, size, value);
	err = gpu_job_run(&job, gpu_job_seconds());
	gpu_job_fini(&job);
	return err;
}

static int fill(char *mem, size_t size, uint32_t value)
{
	return fill_by(&gpu, mem, size, value);
}

/* ---- the ioctl ---- */

static int set(char *mem, size_t size, uint32_t type, uint32_t value)
{
	struct drm_amdgpu_svm_attribute attr = { .type = type, .value = value };

	return amdgpu_svm_set_attr(gpu.dev, (uintptr_t)mem, size, 1, &attr);
}

static int get(char *mem, size_t size, uint32_t type, uint32_t *value)
{
	struct drm_amdgpu_svm_attribute attr = { .type = type };
	int err = amdgpu_svm_get_attr(gpu.dev, (uintptr_t)mem, size, 1, &attr);

	*value = attr.value;
	return err;
}

/* Every other page, so that the map has to grow. */
static int set_stripes(char *mem, size_t size)
{
	int err = 0;

	for (size_t i = 0; !err && i < size / PAGE; i += 2)
		err = set(mem + i * PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY, i % 60);
	return err;
}

static int set_read_only(char *mem, size_t size)
{
	return set(mem, size, AMDGPU_SVM_ATTR_GPU_RO, 1);
}

static int set_always_mapped(char *mem, size_t size)
{
	return set(mem, size, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED, 1);
}

static int prefetch(char *mem, size_t size)
{
	return set(mem, size, AMDGPU_SVM_ATTR_PREFETCH_LOC, AMDGPU_SVM_LOCATION_SYSMEM);
}

static int query(char *mem, size_t size)
{
	uint32_t value;

	return get(mem, size, AMDGPU_SVM_ATTR_ACCESS, &value);
}

static int reset_stripes(char *mem, size_t size)
{
	int err = set_stripes(mem, size);

	return err ? err : amdgpu_svm_reset_attr(gpu.dev, (uintptr_t)mem, size);
}

/* What the n-th allocation's failure does to @op, for all n. */
static void fail_each(int (*op)(char *mem, size_t size))
{
	unsigned int n, refused = 0;
	size_t size = 64 * PAGE;
	bool failed = true;

	for (n = 1; failed && n < MAX_FAILURES; n++) {
		char *mem = map(size);
		int err;

		fail_nth(n);
		err = op(mem, size);
		failed = has_failed();
		if (err != -ENOMEM && err != -EFAULT)
			CHECK_ERR(err, 0);
		CHECK(failed || !err);
		refused += !!err;
		CHECK_ERR(op(mem, size), 0);
		CHECK_ERR(amdgpu_svm_reset_attr(gpu.dev, (uintptr_t)mem, size), 0);
		CHECK_ERR(fill(mem, size, n), 0);
		CHECK(all(mem, size, n));
		munmap(mem, size);
	}
	CHECK(!failed);
	CHECK(n > 2);
	printf("# %u allocations failed, %u times the call\n", n - 2, refused);
}

#define EACH(op) static void op##_survives_each_failure(void) { fail_each(op); }

EACH(set_stripes)
EACH(set_read_only)
EACH(set_always_mapped)
EACH(prefetch)
EACH(query)
EACH(reset_stripes)

/* A failed SET has changed a prefix: what madvise(2) leaves, too. */
static void a_failed_set_leaves_a_prefix(void)
{
	size_t size = 64 * PAGE, pages = size / PAGE;
	char *mem = map(size);
	bool failed = true;

	for (unsigned int n = 1; failed && n < MAX_FAILURES; n++) {
		bool end = false;

		CHECK_ERR(amdgpu_svm_reset_attr(gpu.dev, (uintptr_t)mem, size), 0);
		CHECK_ERR(set_stripes(mem, size), 0);
		fail_nth(n);
		set_read_only(mem, size);
		failed = has_failed();
		for (size_t i = 0; i < pages; i++) {
			uint32_t value;

			CHECK_ERR(get(mem + i * PAGE, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &value), 0);
			CHECK(!(end && value));
			end = !value;
		}
	}
	munmap(mem, size);
}

/* The note of it may be lost, the attributes may not stay. */
static void munmap_drops_attributes_without_memory_for_a_note(void)
{
	size_t size = 16 * PAGE;
	bool failed = true;

	for (unsigned int n = 1; failed && n < MAX_FAILURES; n++) {
		char *mem = map(size);
		uint32_t value;

		CHECK_ERR(set(mem, size, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
		fail_nth(n);
		munmap(mem, size);
		failed = has_failed();
		CHECK(mmap(mem, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == mem);
		CHECK_ERR(get(mem, size, AMDGPU_SVM_ATTR_GPU_RO, &value), 0);
		CHECK_EQ(value, 0);
		munmap(mem, size);
	}
}

#define AREAS 40	/* more than the driver can note without memory */
#define AREA (4 * PAGE)

/* Read-only for the GPU: three pages of each. */
static void set_areas(char *mem)
{
	for (char *at = mem; at < mem + AREAS * AREA; at += AREA)
		CHECK_ERR(set(at, 3 * PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
}

/* The second page of each goes: to forget it needs memory. */
static void unmap_in_areas(char *mem)
{
	for (char *at = mem; at < mem + AREAS * AREA; at += AREA)
		munmap(at + PAGE, PAGE);
}

static void check_areas(char *mem)
{
	uint32_t first, second, third;

	for (char *at = mem; at < mem + AREAS * AREA; at += AREA) {
		CHECK(mmap(at + PAGE, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at + PAGE);
		CHECK_ERR(get(at, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &first), 0);
		CHECK_ERR(get(at + PAGE, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &second), 0);
		CHECK_ERR(get(at + 2 * PAGE, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &third), 0);
		CHECK_EQ(first, 1);
		CHECK_EQ(second, 0);
		CHECK_EQ(third, 1);
	}
}

/*
 * Everything fails below @below while memory goes. Until its attributes are dropped nobody is
 * told what they are.
 */
static void unmap_areas_without_memory(const char *below)
{
	char *mem = map(AREAS * AREA);
	uint32_t value;

	set_areas(mem);
	fail_below(below, 100, INT32_MAX);
	unmap_in_areas(mem);
	fail_below("amdgpu_svm_attr_", 100, INT32_MAX);
	CHECK_ERR(get(mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &value), ENOMEM);
	fail_no_more();
	CHECK_ERR(get(mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, &value), 0);
	CHECK_EQ(value, 1);
	check_areas(mem);
	munmap(mem, AREAS * AREA);
}

static void munmap_drops_attributes_though_notes_are_lost(void)
{
	unmap_areas_without_memory("amdgpu_svm_");
}

/* What was noted is not lost when it cannot be done. */
static void munmap_drops_attributes_when_there_is_memory_again(void)
{
	unmap_areas_without_memory("amdgpu_svm_attr_");
}

static void opening_the_device_survives_each_failure(void)
{
	bool failed = true;
	unsigned int n;

	for (n = 1; failed && n < MAX_FAILURES; n++) {
		int fd, err;

		fail_nth(n);
		fd = open(gpu.node, O_RDWR | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
		failed = has_failed();
		if (fd >= 0)
			close(fd);
		if (failed && err != -ENOMEM)
			CHECK_ERR(err, 0);
		CHECK(failed || !err);
	}
	CHECK(!failed);
	printf("# %u allocations failed\n", n - 2);
}

/* ---- faults ---- */

/* Without failure after failure nothing more is to be had for a page. */
static void fail_in_faults(const char *injector)
{
	unsigned int n, count = 0;
	size_t size = 4 * MIB;

	for (n = 1; n <= 60; n++) {
		char *mem = map(size);
		int err;

		fail_one(injector, n);
		err = fill(mem, size, n);
		count += one_has_failed(injector);
		CHECK_ERR(err, 0);
		CHECK(all(mem, size, n));
		munmap(mem, size);
	}
	printf("# %u allocations failed in %u jobs\n", count, n - 1);
	CHECK(count > 0);
}

static void faults_survive_a_failure_of_slab(void)
{
	fail_in_faults("failslab");
}

static void faults_survive_a_failure_of_pages(void)
{
	fail_in_faults("fail_page_alloc");
}

/* By two engines at once, whose faults are on different blocks. */
static void fill_by_two(struct gpu *own, char *mem, size_t size, uint32_t value)
{
	struct gpu_job jobs[2];

	for (unsigned int i = 0; i < 2; i++) {
		CHECK_ERR(gpu_job_init(own, &jobs[i], AMDGPU_HW_IP_DMA), 0);
		jobs[i].ring = i;
		emit_fills(&jobs[i], mem + i * size / 2, size / 2, value);
	}
	for (unsigned int i = 0; i < 2; i++)
		CHECK_ERR(gpu_job_submit(&jobs[i]), 0);
	for (unsigned int i = 0; i < 2; i++) {
		CHECK_ERR(gpu_job_wait(&jobs[i], gpu_job_seconds()), 0);
		gpu_job_fini(&jobs[i]);
	}
	CHECK(all(mem, size, value));
}

/*
 * A fault is kept without a lane of its own, or else the GPU asks again. Each time by another
 * file: a lane stays.
 */
static void faults_survive_without_lanes(void)
{
	size_t size = 16 * MIB;

	for (unsigned int percent = 20; percent <= 80; percent += 10) {
		char *mem = map(size);
		struct gpu own;

		CHECK_ERR(gpu_open(&own, NULL), 0);
		fail_below("amdgpu_svm_take_fault", percent, INT32_MAX);
		fill_by_two(&own, mem, size, percent);
		CHECK(get_text("/sys/kernel/debug/failslab/times") < INT32_MAX);
		fail_no_more();
		gpu_close(&own);
		munmap(mem, size);
	}
}

static int watch_by_program(char *mem)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	struct uffdio_api api = { .api = UFFD_API };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg)) {
		perror("userfaultfd");
		exit(2);
	}
	return fd;
}

/* The program hears of the access only when there is memory for somebody to wait. */
static void fill_watched(char *mem, uint32_t value)
{
	static const uint32_t content[PAGE / 4];
	struct uffdio_copy copy = {
		.dst = (uintptr_t)mem, .src = (uintptr_t)content, .len = PAGE,
	};
	int fd = watch_by_program(mem);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct gpu_job job;

	CHECK_ERR(gpu_job_init(&gpu, &job, AMDGPU_HW_IP_DMA), 0);
	emit_fill(&job, (uintptr_t)mem, value, PAGE);
	CHECK_ERR(gpu_job_submit(&job), 0);
	CHECK_EQ(poll(&pfd, 1, gpu_job_seconds() * 1000), 1);
	CHECK(!ioctl(fd, UFFDIO_COPY, &copy));
	CHECK_ERR(gpu_job_wait(&job, gpu_job_seconds()), 0);
	CHECK(all(mem, PAGE, value));
	gpu_job_fini(&job);
	close(fd);
}

/* All that a wait needs fails some times in a row, or any of it now and then. */
static void a_fault_that_nobody_can_wait_for_comes_again(void)
{
	for (unsigned int n = 1; n <= 10; n++) {
		char *mem = map(PAGE);

		fail_below("amdgpu_svm_wait_for_user", n == 1 ? 100 : 50, 8);
		fill_watched(mem, n);
		if (n == 1)
			CHECK_EQ(get_text("/sys/kernel/debug/failslab/times"), 0);
		fail_no_more();
		munmap(mem, PAGE);
	}
}

/* What the lines of @path that begin with @prefix count, together. */
static uint64_t count_in(const char *path, const char *prefix)
{
	FILE *file = fopen(path, "r");
	uint64_t count = 0;
	char line[128];

	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file)) {
		const char *value = strchr(line, ':');

		if (value && !strncmp(line, prefix, strlen(prefix)))
			count += strtoull(value + 1, NULL, 10);
	}
	fclose(file);
	return count;
}

static uint64_t fatal_faults(const struct gpu *own)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", own->fd);
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/client-%" PRIu64 "/svm_counters",
		 count_in(path, "drm-client-id"));
	return count_in(path, "faults, fatal");
}

/* By a new file, whose tables are empty: then the entry that ends an access needs memory. */
static void a_fatal_fault_is_one_though_memory_to_end_it_comes_late(void)
{
	char *mem = map(PAGE);
	struct gpu own;

	CHECK_ERR(gpu_open(&own, NULL), 0);
	munmap(mem, PAGE);
	fail_below("amdgpu_svm_refuse", 100, 8);
	CHECK_ERR(fill_by(&own, mem, PAGE, 1), 0);
	CHECK_EQ(get_text("/sys/kernel/debug/failslab/times"), 0);
	CHECK_EQ(fatal_faults(&own), 1);
	fail_no_more();
	gpu_close(&own);
}

/* Now and then everything fails; the job ends, and says so if it must. */
static void faults_in_hard_times_end(void)
{
	char *mem = map(4 * MIB);
	unsigned int lost = 0;

	for (unsigned int round = 0; round < 8; round++) {
		int err;

		put_all("interval", 1);
		put_all("times", (uint64_t)INT32_MAX);
		put_all("probability", 10 + 10 * round);
		madvise(mem, 4 * MIB, MADV_DONTNEED);
		err = fill(mem, 4 * MIB, round);
		put_all("probability", 0);
		CHECK(err != -ETIME);
		lost += err || !all(mem, 4 * MIB, round);
	}
	CHECK_ERR(fill(mem, 4 * MIB, 99), 0);
	CHECK(all(mem, 4 * MIB, 99));
	munmap(mem, 4 * MIB);
	printf("# %u of 8 jobs lost data\n", lost);
}

static const struct tap_test tests[] = {
	{ "set_stripes_survives_each_failure", set_stripes_survives_each_failure },
	{ "set_read_only_survives_each_failure", set_read_only_survives_each_failure },
	{ "set_always_mapped_survives_each_failure", set_always_mapped_survives_each_failure },
	{ "prefetch_survives_each_failure", prefetch_survives_each_failure },
	{ "query_survives_each_failure", query_survives_each_failure },
	{ "reset_stripes_survives_each_failure", reset_stripes_survives_each_failure },
	{ "a_failed_set_leaves_a_prefix", a_failed_set_leaves_a_prefix },
	{ "munmap_drops_attributes_without_memory_for_a_note",
	  munmap_drops_attributes_without_memory_for_a_note },
	{ "munmap_drops_attributes_though_notes_are_lost",
	  munmap_drops_attributes_though_notes_are_lost },
	{ "munmap_drops_attributes_when_there_is_memory_again",
	  munmap_drops_attributes_when_there_is_memory_again },
	{ "opening_the_device_survives_each_failure", opening_the_device_survives_each_failure },
	{ "faults_survive_a_failure_of_slab", faults_survive_a_failure_of_slab },
	{ "faults_survive_a_failure_of_pages", faults_survive_a_failure_of_pages },
	{ "faults_survive_without_lanes", faults_survive_without_lanes },
	{ "a_fault_that_nobody_can_wait_for_comes_again",
	  a_fault_that_nobody_can_wait_for_comes_again },
	{ "a_fatal_fault_is_one_though_memory_to_end_it_comes_late",
	  a_fatal_fault_is_one_though_memory_to_end_it_comes_late },
	{ "faults_in_hard_times_end", faults_in_hard_times_end },
};

int main(void)
{
	int err = set_up();

	if (err <= 0)
		return err ? 2 : 0;
	err = gpu_open(&gpu, NULL);
	if (err) {
		printf("Bail out! no GPU: %s\n", strerror(-err));
		return 2;
	}
	err = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	gpu_close(&gpu);
	return err;
}

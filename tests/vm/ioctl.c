// SPDX-License-Identifier: MIT
/*
 * What DRM_IOCTL_AMDGPU_GEM_SVM accepts, refuses and answers. No GPU work. The
 * tests of refusals come in the order in which the kernel has to check.
 *
 *   ioctl_test [--unsupported]   with it: the VM has no SVM, every call is refused
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <xf86drm.h>

#include "amdgpu_svm.h"
#include "demo/gpu.h"
#include "tap.h"

#define NUM_ATTRS (AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED + 1)

static struct gpu gpu;
static uint64_t page;

/* ---- help ---- */

static struct drm_amdgpu_svm_attribute attr(uint32_t type, uint32_t value)
{
	return (struct drm_amdgpu_svm_attribute){ .type = type, .value = value };
}

static int set_one(uint64_t start, uint64_t size, uint32_t type, uint32_t value)
{
	struct drm_amdgpu_svm_attribute a = attr(type, value);

	return amdgpu_svm_set_attr(gpu.dev, start, size, 1, &a);
}

/* The value, or a negative error number. */
static int64_t get_one(uint64_t start, uint64_t size, uint32_t type)
{
	struct drm_amdgpu_svm_attribute a = attr(type, 0xdeadbeef);
	int err = amdgpu_svm_get_attr(gpu.dev, start, size, 1, &a);

	return err ? (int64_t)err : (int64_t)a.value;
}

/* Fresh memory that no other mapping touches, so that a test may punch holes. */
static uint64_t new_pages(unsigned int count)
{
	char *mem = mmap(NULL, (count + 2) * page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	munmap(mem, page);
	munmap(mem + (count + 1) * page, page);
	return (uintptr_t)mem + page;
}

static void free_pages(uint64_t start, unsigned int count)
{
	munmap((void *)(uintptr_t)start, count * page);
}

static int raw(uint64_t start, uint64_t size, uint32_t operation, uint32_t nattr, uint64_t attrs)
{
	struct drm_amdgpu_gem_svm args = {
		.start_addr = start,
		.size = size,
		.operation = operation,
		.nattr = nattr,
		.attrs_ptr = attrs,
	};

	return drmIoctl(gpu.fd, DRM_IOCTL_AMDGPU_GEM_SVM, &args) ? -errno : 0;
}

/* All three operations refuse the range. */
static void refuse_range(uint64_t start, uint64_t size, int error)
{
	CHECK_ERR(set_one(start, size, AMDGPU_SVM_ATTR_ACCESS, 2), error);
	CHECK_ERR((int)get_one(start, size, AMDGPU_SVM_ATTR_ACCESS), error);
	CHECK_ERR(amdgpu_svm_reset_attr(gpu.dev, start, size), error);
}

/* ---- 1: no SVM ---- */

static void unsupported(void)
{
	uint64_t mem = new_pages(1);

	refuse_range(mem, page, EOPNOTSUPP);
	free_pages(mem, 1);
}

static void unsupported_comes_first(void)
{
	/* Arguments that would be EINVAL, EFAULT or EPERM. */
	refuse_range(0, 0, EOPNOTSUPP);
	CHECK_ERR(raw(page, page, 77, 0, 0), EOPNOTSUPP);
	CHECK_ERR(raw(page, page, AMDGPU_SVM_OP_SET_ATTR, 1, 1), EOPNOTSUPP);
}

/* ---- 2: addresses ---- */

static void start_zero(void)
{
	refuse_range(0, page, EINVAL);
}

static void size_zero(void)
{
	uint64_t mem = new_pages(1);

	refuse_range(mem, 0, EINVAL);
	free_pages(mem, 1);
}

static void start_unaligned(void)
{
	uint64_t mem = new_pages(2);

	refuse_range(mem + 1, page, EINVAL);
	refuse_range(mem + page / 2, page, EINVAL);
	free_pages(mem, 2);
}

static void size_unaligned(void)
{
	uint64_t mem = new_pages(2);

	refuse_range(mem, 1, EINVAL);
	refuse_range(mem, page + 8, EINVAL);
	free_pages(mem, 2);
}

static void range_overflows(void)
{
	uint64_t mem = new_pages(1);

	refuse_range(mem, -mem, EINVAL);
	refuse_range(mem, -page, EINVAL);
	refuse_range(-page, page, EINVAL);
	refuse_range(-page, 2 * page, EINVAL);
	free_pages(mem, 1);
}

static void end_above_limit(void)
{
	uint64_t mem = new_pages(1);

	refuse_range(mem, 1ull << 57, EINVAL);
	refuse_range(mem, (1ull << 63) - mem, EINVAL);
	/* Above what a process can have. */
	refuse_range(0xffff800000000000ull, page, EINVAL);
	refuse_range(1ull << 62, page, EINVAL);
	free_pages(mem, 1);
}

/* ---- 3: operation, count, pointer ---- */

static void no_attributes(void)
{
	struct drm_amdgpu_svm_attribute a = attr(AMDGPU_SVM_ATTR_ACCESS, 2);
	uint64_t mem = new_pages(1);

	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 0, &a), EINVAL);
	CHECK_ERR(amdgpu_svm_get_attr(gpu.dev, mem, page, 0, &a), EINVAL);
	free_pages(mem, 1);
}

static void too_many_attributes(void)
{
	struct drm_amdgpu_svm_attribute a[AMDGPU_SVM_MAX_ATTRS + 1];
	uint64_t mem = new_pages(1);

	for (unsigned int i = 0; i <= AMDGPU_SVM_MAX_ATTRS; i++)
		a[i] = attr(AMDGPU_SVM_ATTR_ACCESS, 2);
	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, AMDGPU_SVM_MAX_ATTRS, a), 0);
	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, AMDGPU_SVM_MAX_ATTRS + 1, a), EINVAL);
	CHECK_ERR(amdgpu_svm_get_attr(gpu.dev, mem, page, AMDGPU_SVM_MAX_ATTRS + 1, a), EINVAL);
	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 0xffffffff, a), EINVAL);
	free_pages(mem, 1);
}

static void null_attributes(void)
{
	uint64_t mem = new_pages(1);

	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 1, NULL), EINVAL);
	CHECK_ERR(amdgpu_svm_get_attr(gpu.dev, mem, page, 1, NULL), EINVAL);
	free_pages(mem, 1);
}

static void unreadable_attributes(void)
{
	uint64_t mem = new_pages(1), gone = new_pages(2);

	munmap((void *)(uintptr_t)(gone + page), page);
	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_SET_ATTR, 1, gone + page), EFAULT);
	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_GET_ATTR, 1, gone + page), EFAULT);
	/* Half of the array lies in the hole. */
	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_SET_ATTR, 2,
		      gone + page - sizeof(struct drm_amdgpu_svm_attribute)), EFAULT);
	/* Kernel addresses */
	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_SET_ATTR, 1, 0xffff888000000000ull), EFAULT);
	free_pages(mem, 1);
	free_pages(gone, 1);
}

static void unwritable_attributes(void)
{
	struct drm_amdgpu_svm_attribute *a;
	uint64_t mem = new_pages(1), array = new_pages(1);

	a = (void *)(uintptr_t)array;
	*a = attr(AMDGPU_SVM_ATTR_ACCESS, 2);
	CHECK_EQ(mprotect(a, page, PROT_READ), 0);
	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 1, a), 0);
	CHECK_ERR(amdgpu_svm_get_attr(gpu.dev, mem, page, 1, a), EFAULT);
	free_pages(mem, 1);
	free_pages(array, 1);
}

static void unknown_operation(void)
{
	struct drm_amdgpu_svm_attribute a = attr(AMDGPU_SVM_ATTR_ACCESS, 2);
	uint64_t mem = new_pages(1);

	CHECK_ERR(raw(mem, page, 3, 1, (uintptr_t)&a), EINVAL);
	CHECK_ERR(raw(mem, page, 0xffffffff, 1, (uintptr_t)&a), EINVAL);
	free_pages(mem, 1);
}

static void reset_ignores_attributes(void)
{
	uint64_t mem = new_pages(1);

	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_RESET_ATTR, 0, 0), 0);
	CHECK_ERR(raw(mem, page, AMDGPU_SVM_OP_RESET_ATTR, 0xffffffff, 1), 0);
	free_pages(mem, 1);
}

/* ---- 4: another address space ---- */

static void other_process(void)
{
	uint64_t mem = new_pages(1);
	int status;
	pid_t pid;

	/* The child of a fork has the descriptor, and memory at that address. */
	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_ACCESS, 2), 0);
	fflush(stdout);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		refuse_range(mem, page, EPERM);
		if (tap_failure[0])
			fprintf(stderr, "# child: %s\n", tap_failure);
		_exit(tap_failure[0] ? 1 : 0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_ACCESS), 2);
	free_pages(mem, 1);
}

/* ---- 5: types and values; nothing of a refused call is applied ---- */

static void refuse_value(uint32_t type, uint32_t value)
{
	uint64_t mem = new_pages(1);
	struct drm_amdgpu_svm_attribute a[] = {
		attr(AMDGPU_SVM_ATTR_GPU_RO, 1),
		attr(type, value),
		attr(AMDGPU_SVM_ATTR_GPU_EXEC, 1),
	};

	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 3, a), EINVAL);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GPU_RO), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GPU_EXEC), 0);
	free_pages(mem, 1);
}

static void unknown_type(void)
{
	uint64_t mem = new_pages(1);

	refuse_value(NUM_ATTRS, 0);
	refuse_value(0xffffffff, 0);
	CHECK_ERR((int)get_one(mem, page, NUM_ATTRS), EINVAL);
	CHECK_ERR((int)get_one(mem, page, 0xffffffff), EINVAL);
	free_pages(mem, 1);
}

static void boolean_above_one(void)
{
	for (uint32_t type = AMDGPU_SVM_ATTR_HOST_ACCESS; type < NUM_ATTRS; type++) {
		refuse_value(type, 2);
		refuse_value(type, 0xffffffff);
		if (tap_failure[0])
			return;
	}
}

static void access_out_of_range(void)
{
	refuse_value(AMDGPU_SVM_ATTR_ACCESS, 3);
	refuse_value(AMDGPU_SVM_ATTR_ACCESS, 0xffffffff);
}

static void unknown_location(void)
{
	refuse_value(AMDGPU_SVM_ATTR_PREFERRED_LOC, 2);
	refuse_value(AMDGPU_SVM_ATTR_PREFERRED_LOC, 0xfffffffe);
	refuse_value(AMDGPU_SVM_ATTR_PREFETCH_LOC, 2);
}

static void prefetch_to_nowhere(void)
{
	refuse_value(AMDGPU_SVM_ATTR_PREFETCH_LOC, AMDGPU_SVM_LOCATION_UNDEFINED);
}

static void granularity_is_clamped(void)
{
	uint64_t mem = new_pages(1);

	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY, 0x3f), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY), 0x3f);
	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY), 0);
	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY, 0xffffffff), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY), 0x3f);
	free_pages(mem, 1);
}

/* ---- 6: what lies in the range ---- */

static void hole_in_range(void)
{
	uint64_t mem = new_pages(3);

	munmap((void *)(uintptr_t)(mem + page), page);
	CHECK_ERR(set_one(mem, 3 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), EFAULT);
	CHECK_ERR((int)get_one(mem, 3 * page, AMDGPU_SVM_ATTR_GPU_RO), EFAULT);
	CHECK_ERR(set_one(mem + page, page, AMDGPU_SVM_ATTR_GPU_RO, 1), EFAULT);
	CHECK_ERR(set_one(mem, 2 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), EFAULT);
	CHECK_ERR(set_one(mem + page, 2 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), EFAULT);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GPU_RO), 0);
	CHECK_EQ(get_one(mem + 2 * page, page, AMDGPU_SVM_ATTR_GPU_RO), 0);
	munmap((void *)(uintptr_t)mem, 3 * page);
}

/* A buffer object's CPU mapping is VM_PFNMAP and VM_IO. */
static void device_memory(void)
{
	struct gpu_buffer buf;

	CHECK_ERR(gpu_buffer_alloc(&gpu, &buf, 16 * page, AMDGPU_GEM_DOMAIN_VRAM), 0);
	CHECK_ERR(set_one((uintptr_t)buf.cpu, page, AMDGPU_SVM_ATTR_GPU_RO, 1), EOPNOTSUPP);
	CHECK_ERR((int)get_one((uintptr_t)buf.cpu, page, AMDGPU_SVM_ATTR_GPU_RO), EOPNOTSUPP);
	gpu_buffer_free(&buf);
}

static void buffer_object_in_range(void)
{
	uint64_t mem = new_pages(16), va = mem + 4 * page;
	struct gpu_buffer buf;

	CHECK_ERR(gpu_buffer_alloc(&gpu, &buf, 4 * page, AMDGPU_GEM_DOMAIN_GTT), 0);
	CHECK_ERR(amdgpu_bo_va_op(buf.bo, 0, 4 * page, va, 0, AMDGPU_VA_OP_MAP), 0);
	CHECK_ERR(set_one(mem, 16 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), EADDRINUSE);
	CHECK_ERR(set_one(mem, 5 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), EADDRINUSE);
	CHECK_ERR(set_one(va + 3 * page, page, AMDGPU_SVM_ATTR_GPU_RO, 1), EADDRINUSE);
	CHECK_ERR((int)get_one(mem, 16 * page, AMDGPU_SVM_ATTR_GPU_RO), EADDRINUSE);
	/* Its neighbours are free. */
	CHECK_ERR(set_one(mem, 4 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	CHECK_ERR(set_one(va + 4 * page, page, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	CHECK_ERR(amdgpu_bo_va_op(buf.bo, 0, 4 * page, va, 0, AMDGPU_VA_OP_UNMAP), 0);
	CHECK_ERR(set_one(mem, 16 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	gpu_buffer_free(&buf);
	free_pages(mem, 16);
}

/* ---- what is accepted ---- */

static const uint32_t defaults[NUM_ATTRS] = {
	[AMDGPU_SVM_ATTR_PREFERRED_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_PREFETCH_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_ACCESS] = AMDGPU_SVM_ACCESS_ALLOW_MIGRATE,
	[AMDGPU_SVM_ATTR_GRANULARITY] = 9,
	[AMDGPU_SVM_ATTR_HOST_ACCESS] = 1,
	[AMDGPU_SVM_ATTR_COHERENT] = 1,
};

/* All attributes at once. */
static void expect_all(uint64_t start, uint64_t size, const uint32_t *want)
{
	struct drm_amdgpu_svm_attribute a[NUM_ATTRS];

	for (uint32_t i = 0; i < NUM_ATTRS; i++)
		a[i] = attr(i, 0xdeadbeef);
	CHECK_ERR(amdgpu_svm_get_attr(gpu.dev, start, size, NUM_ATTRS, a), 0);
	for (uint32_t i = 0; i < NUM_ATTRS; i++) {
		if (a[i].type != i || a[i].value != want[i]) {
			tap_fail("attribute %u is 0x%x, not 0x%x", i, a[i].value, want[i]);
			return;
		}
	}
}

static void defaults_unless_set(void)
{
	uint64_t mem = new_pages(4);

	expect_all(mem, 4 * page, defaults);
	free_pages(mem, 4);
}

static void set_is_read_back(void)
{
	static const uint32_t other[NUM_ATTRS] = {
		AMDGPU_SVM_LOCATION_SYSMEM, AMDGPU_SVM_LOCATION_SYSMEM,
		AMDGPU_SVM_ACCESS_IN_PLACE, 3, 0, 0, 1, 1, 1, 1, 1, 1,
	};
	uint64_t mem = new_pages(4);

	for (uint32_t i = 0; i < NUM_ATTRS; i++) {
		uint32_t want[NUM_ATTRS];

		/* One alone leaves the others. */
		memcpy(want, defaults, sizeof(want));
		want[i] = other[i];
		CHECK_ERR(set_one(mem, 4 * page, i, other[i]), 0);
		expect_all(mem, 4 * page, want);
		if (tap_failure[0])
			return;
		CHECK_ERR(amdgpu_svm_reset_attr(gpu.dev, mem, 4 * page), 0);
	}
	expect_all(mem, 4 * page, defaults);
	free_pages(mem, 4);
}

static void last_of_a_type_wins(void)
{
	struct drm_amdgpu_svm_attribute a[] = {
		attr(AMDGPU_SVM_ATTR_GRANULARITY, 3),
		attr(AMDGPU_SVM_ATTR_GRANULARITY, 5),
	};
	uint64_t mem = new_pages(1);

	CHECK_ERR(amdgpu_svm_set_attr(gpu.dev, mem, page, 2, a), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY), 5);
	free_pages(mem, 1);
}

static void get_combines_the_parts(void)
{
	uint64_t mem = new_pages(4);

	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_PREFERRED_LOC, AMDGPU_SVM_LOCATION_LOCAL), 0);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_PREFERRED_LOC), AMDGPU_SVM_LOCATION_LOCAL);
	CHECK_EQ(get_one(mem, 4 * page, AMDGPU_SVM_ATTR_PREFERRED_LOC),
		 AMDGPU_SVM_LOCATION_UNDEFINED);
	CHECK_ERR(set_one(mem + page, page, AMDGPU_SVM_ATTR_ACCESS, AMDGPU_SVM_ACCESS_IN_PLACE), 0);
	CHECK_EQ(get_one(mem, 4 * page, AMDGPU_SVM_ATTR_ACCESS), AMDGPU_SVM_ACCESS_INACCESSIBLE);
	CHECK_ERR(set_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY, 12), 0);
	CHECK_EQ(get_one(mem, 4 * page, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	CHECK_ERR(set_one(mem + 3 * page, page, AMDGPU_SVM_ATTR_GRANULARITY, 4), 0);
	CHECK_EQ(get_one(mem, 4 * page, AMDGPU_SVM_ATTR_GRANULARITY), 4);
	CHECK_ERR(set_one(mem, 3 * page, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	CHECK_EQ(get_one(mem, 3 * page, AMDGPU_SVM_ATTR_GPU_RO), 1);
	CHECK_EQ(get_one(mem, 4 * page, AMDGPU_SVM_ATTR_GPU_RO), 0);
	free_pages(mem, 4);
}

static void set_in_the_middle(void)
{
	uint64_t mem = new_pages(8);

	CHECK_ERR(set_one(mem, 8 * page, AMDGPU_SVM_ATTR_GRANULARITY, 7), 0);
	CHECK_ERR(set_one(mem + 3 * page, 2 * page, AMDGPU_SVM_ATTR_GRANULARITY, 2), 0);
	for (unsigned int i = 0; i < 8; i++)
		CHECK_EQ(get_one(mem + i * page, page, AMDGPU_SVM_ATTR_GRANULARITY),
			 i == 3 || i == 4 ? 2 : 7);
	CHECK_ERR(amdgpu_svm_reset_attr(gpu.dev, mem + 4 * page, 2 * page), 0);
	for (unsigned int i = 0; i < 8; i++)
		CHECK_EQ(get_one(mem + i * page, page, AMDGPU_SVM_ATTR_GRANULARITY),
			 i == 4 || i == 5 ? 9 : i == 3 ? 2 : 7);
	free_pages(mem, 8);
}

/* The GPU never saw the range: its attributes still go with the memory. */
static void munmap_drops_attributes(void)
{
	uint64_t mem = new_pages(4);

	CHECK_ERR(set_one(mem, 4 * page, AMDGPU_SVM_ATTR_GRANULARITY, 3), 0);
	CHECK(mmap((void *)(uintptr_t)(mem + page), 2 * page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	CHECK_EQ(get_one(mem, page, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	CHECK_EQ(get_one(mem + page, page, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	CHECK_EQ(get_one(mem + 2 * page, page, AMDGPU_SVM_ATTR_GRANULARITY), 9);
	CHECK_EQ(get_one(mem + 3 * page, page, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	free_pages(mem, 4);
}

static void dontneed_keeps_attributes(void)
{
	uint64_t mem = new_pages(2);

	CHECK_ERR(set_one(mem, 2 * page, AMDGPU_SVM_ATTR_GRANULARITY, 3), 0);
	memset((void *)(uintptr_t)mem, 1, 2 * page);
	CHECK_EQ(madvise((void *)(uintptr_t)mem, 2 * page, MADV_DONTNEED), 0);
	CHECK_EQ(get_one(mem, 2 * page, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	free_pages(mem, 2);
}

/* ---- */

static const struct tap_test without_svm[] = {
	{ "1: without XNACK every operation is EOPNOTSUPP", unsupported },
	{ "1: and this comes before any other error", unsupported_comes_first },
};

static const struct tap_test tests[] = {
	{ "2: start 0 is EINVAL", start_zero },
	{ "2: size 0 is EINVAL", size_zero },
	{ "2: a start that is not page aligned is EINVAL", start_unaligned },
	{ "2: a size that is not page aligned is EINVAL", size_unaligned },
	{ "2: a range that overflows is EINVAL", range_overflows },
	{ "2: an end above the limit is EINVAL", end_above_limit },
	{ "3: no attributes is EINVAL", no_attributes },
	{ "3: more than 64 attributes is EINVAL, 64 are taken", too_many_attributes },
	{ "3: a null pointer is EINVAL", null_attributes },
	{ "3: an unreadable pointer is EFAULT", unreadable_attributes },
	{ "3: GET into memory that cannot be written is EFAULT", unwritable_attributes },
	{ "3: an unknown operation is EINVAL", unknown_operation },
	{ "3: RESET ignores count and pointer", reset_ignores_attributes },
	{ "4: a forked child is refused with EPERM", other_process },
	{ "5: an unknown type is EINVAL and nothing is applied", unknown_type },
	{ "5: a boolean above 1 is EINVAL and nothing is applied", boolean_above_one },
	{ "5: ACCESS above 2 is EINVAL and nothing is applied", access_out_of_range },
	{ "5: an unknown location is EINVAL and nothing is applied", unknown_location },
	{ "5: prefetch to no location is EINVAL and nothing is applied", prefetch_to_nowhere },
	{ "5: GRANULARITY is clamped to 0x3f", granularity_is_clamped },
	{ "6: a hole in the range is EFAULT", hole_in_range },
	{ "6: device memory in the range is EOPNOTSUPP", device_memory },
	{ "6: a buffer object in the range is EADDRINUSE", buffer_object_in_range },
	{ "memory has the defaults unless set", defaults_unless_set },
	{ "each attribute is read back as set, RESET undoes it", set_is_read_back },
	{ "the last of several attributes of one type wins", last_of_a_type_wins },
	{ "GET combines what the parts of a range have", get_combines_the_parts },
	{ "SET and RESET in the middle of a range leave the rest", set_in_the_middle },
	{ "mapping anew drops the attributes of exactly that part", munmap_drops_attributes },
	{ "MADV_DONTNEED keeps the attributes", dontneed_keeps_attributes },
};

int main(int argc, char **argv)
{
	bool supported = argc < 2 || strcmp(argv[1], "--unsupported");
	int err = gpu_open(&gpu, NULL);

	if (err) {
		printf("Bail out! no GPU: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	page = (uint64_t)sysconf(_SC_PAGESIZE);
	err = supported ? tap_run(tests, sizeof(tests) / sizeof(tests[0])) :
			  tap_run(without_svm, sizeof(without_svm) / sizeof(without_svm[0]));
	gpu_close(&gpu);
	return err;
}

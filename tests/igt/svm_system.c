// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/userfaultfd.h>

#include "svm.h"
#include "svm_system.h"

#define ZRAM "/sys/block/zram0/"
#define SWAP_DEVICE "/dev/zram0"
#define SWAP_SIZE (512 * MIB)
#define ZRAM_CONTROL "/sys/class/zram-control/"
#define DISK_SIZE (256 * MIB)
#define HUGETLB "/proc/sys/vm/nr_hugepages"
#define HUGETLB_PAGES 24
#define KSM "/sys/kernel/mm/ksm/"
#define THP "/sys/kernel/mm/transparent_hugepage/enabled"
#define CGROUPS "/sys/fs/cgroup/"

#define TRACEFS "/sys/kernel/tracing/"
#define TRACEFS_IN_DEBUGFS "/sys/kernel/debug/tracing/"

static bool swap_is_on, hugetlb_is_on, ksm_is_on;
static char trace_dir[64], disk[32];
static int disk_number;

bool system_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	close(fd);
	text[len > 0 ? len : 0] = '\0';
	return len > 0;
}

/* ---- swap ---- */

/* The first page of a swap area, version 1. */
static bool write_swap_header(void)
{
	static char header[PAGE];
	uint32_t *info = (uint32_t *)(header + 1024);
	int fd = open(SWAP_DEVICE, O_RDWR | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	info[0] = 1;				/* version */
	info[1] = SWAP_SIZE / PAGE - 1;		/* last page */
	memcpy(header + PAGE - 10, "SWAPSPACE2", 10);
	done = write(fd, header, PAGE) == PAGE && !fsync(fd);
	close(fd);
	return done;
}

const char *system_need_swap(void)
{
	char size[32];

	if (swap_is_on)
		return NULL;
	if (access(ZRAM, F_OK) && system("modprobe -q zram"))
		return "the kernel has no zram to swap to";
	snprintf(size, sizeof(size), "%lu", SWAP_SIZE);
	/* Both fail if a test before this one died with swap in place. */
	if (system_write(ZRAM "disksize", size) && !write_swap_header())
		return "zram cannot be written";
	if (swapon(SWAP_DEVICE, 0) && errno != EBUSY)
		return "zram cannot be swapped to";
	swap_is_on = true;
	return NULL;
}

static void swap_off(void)
{
	if (swap_is_on && !swapoff(SWAP_DEVICE))
		system_write(ZRAM "reset", "1");
	swap_is_on = false;
}

/* ---- huge pages ---- */

const char *system_need_thp(void)
{
	char *p, text[64];
	uint64_t first;
	bool huge;

	if (!read_text(THP, text, sizeof(text)) || strstr(text, "[never]"))
		return "the kernel gives no transparent huge pages";
	p = map_aligned(2 * MIB);
	madvise(p, 2 * MIB, MADV_HUGEPAGE);
	memset(p, 1, 2 * MIB);
	first = system_pagemap(p) & PAGEMAP_PFN;
	huge = !(first % 512) && (system_pagemap(p + 2 * MIB - PAGE) & PAGEMAP_PFN) == first + 511;
	munmap(p, 2 * MIB);
	return huge ? NULL : "no transparent huge page is to be had";
}

const char *system_need_hugetlb(void)
{
	char want[16], text[16];

	snprintf(want, sizeof(want), "%d", HUGETLB_PAGES);
	if (!system_write(HUGETLB, want))
		return "the kernel has no hugetlb pages";
	hugetlb_is_on = true;
	if (!read_text(HUGETLB, text, sizeof(text)) || atoi(text) < HUGETLB_PAGES)
		return "not enough hugetlb pages are to be had";
	return NULL;
}

/* ---- KSM, compaction, userfaultfd, FUSE ---- */

const char *system_need_ksm(void)
{
	if (!system_write(KSM "pages_to_scan", "20000") ||
	    !system_write(KSM "sleep_millisecs", "20") ||
	    !system_write(KSM "run", "1"))
		return "the kernel has no KSM";
	ksm_is_on = true;
	return NULL;
}

bool system_compact(void)
{
	return system_write("/proc/sys/vm/compact_memory", "1");
}

const char *system_need_compaction(void)
{
	return system_compact() ? NULL : "the kernel cannot compact memory";
}

const char *system_need_userfaultfd(void)
{
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return "the kernel has no userfaultfd";
	close(fd);
	return NULL;
}

int system_userfaultfd(void *mem, size_t size, uint64_t mode)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)mem, .len = size }, .mode = mode,
	};
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0 && (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &reg))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool system_userfault_waits(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct uffd_msg msg;

	TRY_EQ(poll(&pfd, 1, gpu_job_seconds() * 1000), 1);
	TRY_EQ(read(fd, &msg, sizeof(msg)), sizeof(msg));
	return true;
}

const char *system_need_fuse(void)
{
	if (access("/dev/fuse", F_OK) && system("modprobe -q fuse"))
		return "the kernel has no FUSE";
	return NULL;
}

/* ---- a limit of memory ---- */

const char *system_need_memcg(void)
{
	char text[256];

	if (!read_text(CGROUPS "cgroup.controllers", text, sizeof(text)) || !strstr(text, "memory"))
		return "there is no memory controller of cgroup v2";
	if (!system_write(CGROUPS "cgroup.subtree_control", "+memory"))
		return "the memory controller cannot be used";
	return system_need_swap();
}

static void cgroup_path(char *path, size_t size, unsigned int index, const char *file)
{
	snprintf(path, size, CGROUPS "svm-%d-%u/%s", getpid(), index, file);
}

static bool write_own_pid(const char *path)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	return system_write(path, pid);
}

bool system_limit_memory(unsigned int index, size_t limit)
{
	char path[128], max[32];

	cgroup_path(path, sizeof(path), index, "");
	TRY(!mkdir(path, 0755) || errno == EEXIST);
	snprintf(max, sizeof(max), "%zu", limit);
	cgroup_path(path, sizeof(path), index, "memory.max");
	TRY(system_write(path, max));
	cgroup_path(path, sizeof(path), index, "cgroup.procs");
	TRY(write_own_pid(path));
	return true;
}

void system_unlimit_memory(unsigned int index)
{
	char path[128];

	write_own_pid(CGROUPS "cgroup.procs");
	cgroup_path(path, sizeof(path), index, "");
	rmdir(path);
}

/* ---- tracing ---- */

/* An instance of our own leaves what others trace alone. */
const char *system_need_tracing(void)
{
	bool mounted = !access(TRACEFS "instances", F_OK);
	char path[128];

	snprintf(trace_dir, sizeof(trace_dir), "%sinstances/svm-%d",
		 mounted ? TRACEFS : TRACEFS_IN_DEBUGFS, getpid());
	if (mkdir(trace_dir, 0700)) {
		trace_dir[0] = '\0';
		return "the kernel has no tracefs";
	}
	snprintf(path, sizeof(path), "%s/events/amdgpu_svm/enable", trace_dir);
	return system_write(path, "1") ? NULL : "the driver has no tracepoints of SVM";
}

bool system_trace_has(const char *event, const char *a, const char *b)
{
	char path[128], name[64], line[512];
	bool has = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/trace", trace_dir);
	snprintf(name, sizeof(name), " %s: ", event);
	file = fopen(path, "r");
	if (!file)
		return false;
	while (!has && fgets(line, sizeof(line), file))
		has = strstr(line, name) && strstr(line, a) && strstr(line, b);
	fclose(file);
	return has;
}

static void tracing_off(void)
{
	if (trace_dir[0])
		rmdir(trace_dir);
	trace_dir[0] = '\0';
}

/* ---- a disk ---- */

/* A disk is a device of zram that is not the one to swap to, with ext4. */
static bool add_disk(void)
{
	char text[16];

	if (!read_text(ZRAM_CONTROL "hot_add", text, sizeof(text)))
		return false;
	disk_number = atoi(text);
	return disk_number > 0;
}

static bool format_disk(void)
{
	char path[64], size[32], command[64];

	snprintf(path, sizeof(path), "/sys/block/zram%d/disksize", disk_number);
	snprintf(size, sizeof(size), "%lu", DISK_SIZE);
	snprintf(command, sizeof(command), "mkfs.ext4 -q /dev/zram%d", disk_number);
	return system_write(path, size) && !system(command);
}

static bool mount_disk(void)
{
	char device[32];

	snprintf(device, sizeof(device), "/dev/zram%d", disk_number);
	strcpy(disk, "/tmp/svm-disk-XXXXXX");
	if (!mkdtemp(disk))
		disk[0] = '\0';
	else if (!mount(device, disk, "ext4", 0, NULL))
		return true;
	else
		rmdir(disk);
	disk[0] = '\0';
	return false;
}

static void drop_disk(void)
{
	char number[16];

	if (disk[0]) {
		umount(disk);
		rmdir(disk);
		disk[0] = '\0';
	}
	snprintf(number, sizeof(number), "%d", disk_number);
	if (disk_number)
		system_write(ZRAM_CONTROL "hot_remove", number);
	disk_number = 0;
}

const char *system_disk(void)
{
	return disk;
}

const char *system_need_disk(void)
{
	if (disk[0])
		return NULL;
	if ((access(ZRAM_CONTROL, F_OK) && system("modprobe -q zram")) || !add_disk())
		return "the kernel has no zram to be a disk";
	if (format_disk() && mount_disk())
		return NULL;
	drop_disk();
	return "there is no ext4, or no mkfs.ext4";
}

/* ---- */

uint64_t system_pagemap(const void *page)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry), (uintptr_t)page / PAGE * 8) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry;
}

void system_restore(void)
{
	drop_disk();
	swap_off();
	if (hugetlb_is_on)
		system_write(HUGETLB, "0");
	if (ksm_is_on)
		system_write(KSM "run", "2");
	tracing_off();
	hugetlb_is_on = ksm_is_on = false;
}

// SPDX-License-Identifier: MIT
/*
 * A process turns the VM of its render node into a compute VM, which is where
 * KFD and SVM meet. No queue is made.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>

#include "demo/gpu.h"
#include "tap.h"

#define TOPOLOGY "/sys/devices/virtual/kfd/kfd/topology/nodes"

static struct gpu gpu;
static int kfd;

/* Value of @key in a node's list of properties; 0 if it is not there. */
static unsigned int property(const char *node, const char *key)
{
	char path[512], name[64];
	unsigned long long value;
	unsigned int found = 0;
	FILE *file;

	snprintf(path, sizeof(path), TOPOLOGY "/%s/properties", node);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fscanf(file, "%63s %llu", name, &value) == 2)
		if (!strcmp(name, key))
			found = (unsigned int)value;
	fclose(file);
	return found;
}

static unsigned int read_gpu_id(const char *node)
{
	char path[512];
	unsigned int id = 0;
	FILE *file;

	snprintf(path, sizeof(path), TOPOLOGY "/%s/gpu_id", node);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%u", &id) != 1)
		id = 0;
	fclose(file);
	return id;
}

/* KFD's name for the GPU of render node @minor, 0 if it has none. */
static unsigned int find_gpu_id(unsigned int minor)
{
	DIR *dir = opendir(TOPOLOGY);
	unsigned int id = 0;
	struct dirent *entry;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		if (property(entry->d_name, "drm_render_minor") == minor)
			id = read_gpu_id(entry->d_name);
	closedir(dir);
	return id;
}

static void acquire_vm(void)
{
	struct kfd_ioctl_acquire_vm_args args = { .drm_fd = (uint32_t)gpu.fd };
	unsigned int minor;

	CHECK_EQ(sscanf(gpu.node, "/dev/dri/renderD%u", &minor), 1);
	args.gpu_id = find_gpu_id(minor);
	CHECK(args.gpu_id != 0);
	CHECK_ERR(ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &args) ? -errno : 0, 0);
}

static void again_is_harmless(void)
{
	acquire_vm();
}

static const struct tap_test tests[] = {
	{ "a process gets a compute VM", acquire_vm },
	{ "and keeps it when it asks again", again_is_harmless },
};

int main(void)
{
	int err = gpu_open(&gpu, NULL);

	kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	if (err || kfd < 0) {
		printf("Bail out! no GPU or no KFD\n");
		return EXIT_FAILURE;
	}
	err = tap_run(tests, sizeof(tests) / sizeof(tests[0]));
	close(kfd);
	gpu_close(&gpu);
	return err;
}

// SPDX-License-Identifier: MIT
/*
 * A process turns the VM of its render node into a compute VM, which is where
 * KFD and SVM meet. No queue is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>

#include "demo/gpu.h"
#include "kfd_queue.h"
#include "tap.h"

static struct gpu gpu;
static int kfd;

static void acquire_vm(void)
{
	struct kfd_ioctl_acquire_vm_args args = { .drm_fd = (uint32_t)gpu.fd };
	unsigned int minor;

	CHECK_EQ(sscanf(gpu.node, "/dev/dri/renderD%u", &minor), 1);
	args.gpu_id = kfd_gpu_id(minor);
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

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives the vm_bind sample driver and checks what comes out. TAP on stdout.
 *
 *   vm_bind_demo [/dev/dri/renderD128]
 */

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vm_bind_drm.h"

#define PAGE		4096u
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static int fd;
static unsigned int tests, failures;

static void check(bool good, const char *name)
{
	printf("%s %u - %s\n", good ? "ok" : "not ok", ++tests, name);
	failures += !good;
}

static uint32_t create(uint64_t pages)
{
	struct vm_bind_drm_create args = { .size = pages * PAGE };

	if (ioctl(fd, VM_BIND_IOCTL_CREATE, &args)) {
		perror("create");
		exit(2);
	}
	return args.handle;
}

static int bind_ops(const struct vm_bind_drm_op *ops, uint32_t count)
{
	struct vm_bind_drm_bind args = { .ops = (uintptr_t)ops, .count = count };

	return ioctl(fd, VM_BIND_IOCTL_BIND, &args) ? -errno : 0;
}

static struct vm_bind_drm_op map_op(uint64_t page, uint64_t pages, uint32_t handle, uint64_t offset)
{
	return (struct vm_bind_drm_op){ VM_BIND_DRM_MAP, handle, page * PAGE, pages * PAGE,
					offset * PAGE };
}

static struct vm_bind_drm_op unmap_op(uint64_t page, uint64_t pages)
{
	return (struct vm_bind_drm_op){ VM_BIND_DRM_UNMAP, 0, page * PAGE, pages * PAGE, 0 };
}

static int gpu(bool write, uint64_t addr, void *data, uint32_t size)
{
	struct vm_bind_drm_access args = { addr, (uintptr_t)data, size, write };

	return ioctl(fd, VM_BIND_IOCTL_ACCESS, &args) ? -errno : 0;
}

/* The word that the GPU sees in a page, or a negative error code. */
static int64_t word_at(uint64_t page)
{
	uint32_t word;
	int ret = gpu(false, page * PAGE + 8, &word, sizeof(word));

	return ret ? ret : (int64_t)word;
}

static int set_word(uint64_t page, uint32_t word)
{
	return gpu(true, page * PAGE + 8, &word, sizeof(word));
}

static void checks(void)
{
	uint32_t a = create(16), b = create(16), i;
	struct vm_bind_drm_op first[] = { map_op(0, 16, a, 0), map_op(100, 16, b, 0) };
	struct vm_bind_drm_op again[] = { map_op(200, 4, a, 4) };
	struct vm_bind_drm_op over[] = { map_op(2, 4, b, 8), unmap_op(4, 4) };
	struct vm_bind_drm_op bad[] = { unmap_op(0, 1), map_op(0, 32, a, 0) };
	struct vm_bind_drm_op all[] = { unmap_op(0, 4096) };

	check(word_at(0) == -EFAULT, "an address where nothing is mapped faults");
	check(bind_ops(first, 2) == 0, "two objects are bound in one request");
	for (i = 0; i < 16; i++) {
		set_word(i, 1000 + i);
		set_word(100 + i, 2000 + i);
	}
	check(word_at(5) == 1005 && word_at(115) == 2015, "what was written is read");
	check(bind_ops(again, 1) == 0 && word_at(201) == 1005, "a second mapping shows the object");
	check(set_word(200, 7) == 0 && word_at(4) == 7, "and writes it");
	check(bind_ops(over, 2) == 0, "a mapping is cut by a map and an unmap");
	check(word_at(1) == 1001 && word_at(2) == 2008 && word_at(3) == 2009 &&
	      word_at(4) == -EFAULT && word_at(7) == -EFAULT && word_at(8) == 1008,
	      "each page is what its last operation says");
	check(bind_ops(bad, 2) == -EINVAL && word_at(0) == 1000,
	      "a request with an error in it changes nothing");
	check(bind_ops(all, 1) == 0 && word_at(100) == -EFAULT && word_at(200) == -EFAULT,
	      "an unmap of everything leaves nothing");
	for (i = 0; i < 500; i++) {
		bind_ops(first, 2);
		bind_ops(over, 2);
	}
	check(word_at(2) == 2008, "a thousand requests on end");
	/* The rest is unbound when the file is closed. */
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/dev/dri/renderD128";

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		return 2;
	}
	checks();
	close(fd);
	printf("1..%u\n", tests);
	return failures ? 1 : 0;
}

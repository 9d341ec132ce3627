// SPDX-License-Identifier: MIT
/*
 * The file system has one file. Nobody sees it: it is mounted nowhere, and goes
 * with the last mapping of its file or with its server, whichever is first. A server that is
 * gone lets all that waits for it fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "svm.h"
#include "svm_fuse.h"

#define FILE_NAME "page"
#define FILE_NODE (FUSE_ROOT_ID + 1)
#define FOR_EVER 1000000	/* seconds that the kernel need not ask again */

/* ---- the server ---- */

struct server {
	int dev;
	int channel;
	char page[PAGE];
};

struct request {
	struct fuse_in_header head;
	union {
		struct fuse_init_in init;
		struct fuse_read_in read;
		char room[FUSE_MIN_READ_BUFFER - sizeof(struct fuse_in_header)];
	};
};

/* If it is for nobody any more, the next request tells. */
static void reply(struct server *s, const struct request *req, int err, const void *body,
		  size_t size)
{
	struct fuse_out_header head = {
		.len = sizeof(head) + size, .error = err, .unique = req->head.unique,
	};
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)body, size } };

	if (writev(s->dev, parts, 2) < 0 && errno != ENOENT)
		perror("/dev/fuse");
}

static struct fuse_attr attr_of(uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .blksize = PAGE, .nlink = 1 };

	if (node == FUSE_ROOT_ID) {
		attr.mode = S_IFDIR | 0555;
		return attr;
	}
	attr.mode = S_IFREG | 0444;
	attr.size = SLOW_PAGES * PAGE;
	return attr;
}

static void do_init(struct server *s, const struct request *req)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = PAGE, .max_write = PAGE,
	};

	reply(s, req, 0, &out, sizeof(out));
}

static void do_lookup(struct server *s, const struct request *req)
{
	struct fuse_entry_out out = {
		.nodeid = FILE_NODE, .entry_valid = FOR_EVER, .attr_valid = FOR_EVER,
		.attr = attr_of(FILE_NODE),
	};

	reply(s, req, 0, &out, sizeof(out));
}

static void do_getattr(struct server *s, const struct request *req)
{
	struct fuse_attr_out out = {
		.attr_valid = FOR_EVER, .attr = attr_of(req->head.nodeid),
	};

	reply(s, req, 0, &out, sizeof(out));
}

static void do_open(struct server *s, const struct request *req)
{
	struct fuse_open_out out = {};

	reply(s, req, 0, &out, sizeof(out));
}

/*
 * The test gives the page by ending its side of the channel, as it also does when it dies. A
 * test that hangs does not: then the job that waits has long been given up.
 */
static bool test_gives(struct server *s)
{
	struct pollfd end = { .fd = s->channel, .events = POLLIN };

	TRY_EQ(write(s->channel, "", 1), 1);
	TRY_EQ(poll(&end, 1, 2 * gpu_job_seconds() * 1000), 1);
	return true;
}

static bool do_read(struct server *s, const struct request *req)
{
	size_t size = req->read.size;

	if (!req->read.offset && !test_gives(s))
		return false;
	/* The kernel reads whole pages, with this readahead one at a time. */
	if (size > PAGE)
		size = PAGE;
	reply(s, req, 0, s->page, size);
	return true;
}

static bool answer(struct server *s, const struct request *req)
{
	switch (req->head.opcode) {
	case FUSE_INIT:
		do_init(s, req);
		return true;
	case FUSE_LOOKUP:
		do_lookup(s, req);
		return true;
	case FUSE_GETATTR:
		do_getattr(s, req);
		return true;
	case FUSE_OPEN:
		do_open(s, req);
		return true;
	case FUSE_READ:
		return do_read(s, req);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		/* want no answer */
		return true;
	default:
		reply(s, req, -ENOSYS, NULL, 0);
		return true;
	}
}

/* Until the file system is gone. */
static void serve(int dev, int channel)
{
	static struct server s;
	static struct request req;

	s.dev = dev;
	s.channel = channel;
	put_series(s.page, SLOW_FIRST, PAGE);
	while (read(dev, &req, sizeof(req)) > 0)
		if (!answer(&s, &req))
			return;
}

/* ---- the client ---- */

static bool set(int fs, const char *key, const char *value)
{
	return !fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

/* The root of a file system that has no name. */
static int new_file_system(int dev)
{
	int fs = fsopen("fuse", FSOPEN_CLOEXEC), root = -1;
	char fd[16];

	if (fs < 0)
		return -1;
	snprintf(fd, sizeof(fd), "%d", dev);
	if (set(fs, "source", "svm") && set(fs, "fd", fd) && set(fs, "rootmode", "40000") &&
	    set(fs, "user_id", "0") && set(fs, "group_id", "0") &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	return root;
}

static bool start_server(struct slow_page *p, int dev, int root)
{
	int ends[2];

	TRY(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends));
	p->channel = ends[0];
	p->server = fork();
	if (!p->server) {
		close(ends[0]);
		close(root);
		serve(dev, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	if (p->server < 0)
		close(ends[0]);
	TRY(p->server > 0);
	return true;
}

static void *map_page(int root)
{
	int file = openat(root, FILE_NAME, O_RDONLY | O_CLOEXEC);
	void *mem;

	if (file < 0)
		return MAP_FAILED;
	mem = mmap(NULL, SLOW_PAGES * PAGE, PROT_READ, MAP_SHARED, file, 0);
	close(file);
	return mem;
}

/* Closes @dev, of which the server has its own. */
static bool open_with(struct slow_page *p, int dev)
{
	int root = new_file_system(dev);
	bool started = root >= 0 && start_server(p, dev, root);

	close(dev);
	if (started)
		p->mem = map_page(root);
	if (root >= 0)
		close(root);
	TRY(started);
	if (p->mem == MAP_FAILED)
		slow_page_close(p);
	TRY(p->mem != MAP_FAILED);
	return true;
}

bool slow_page_open(struct slow_page *p)
{
	int dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	TRY(dev >= 0);
	return open_with(p, dev);
}

bool slow_page_wanted(struct slow_page *p)
{
	struct pollfd pfd = { .fd = p->channel, .events = POLLIN };
	char byte;

	TRY_EQ(poll(&pfd, 1, gpu_job_seconds() * 1000), 1);
	TRY_EQ(read(p->channel, &byte, 1), 1);
	return true;
}

void slow_page_give(struct slow_page *p)
{
	shutdown(p->channel, SHUT_WR);
}

void slow_page_close(struct slow_page *p)
{
	slow_page_give(p);
	if (p->mem != MAP_FAILED)
		munmap(p->mem, SLOW_PAGES * PAGE);
	/* It may also have seen the file system go. */
	kill(p->server, SIGKILL);
	waitpid(p->server, NULL, 0);
	close(p->channel);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The vfio-user server against a peer that is not QEMU: first as QEMU would
 * behave, then as it must not. The server runs on a thread of this program, so
 * that the sanitizers watch both sides and leaked descriptors can be counted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "asic.h"
#include "pci.h"
#include "test.h"
#include "nbio/nbio_7_9_0_offset.h"

#define VRAM (512ull << 20)
#define MANY_FDS 20
#define GIB(n) ((n) * (1ull << 30))

enum { VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, REGION_IO_FDS, IRQ_INFO, SET_IRQS,
       READ, WRITE, DMA_READ, DMA_WRITE, RESET, DIRTY, MULTI };

struct head {
	u16 id, command;
	u32 size, flags, error;
};

static char dir[] = "/tmp/transport_test.XXXXXX";
static char socket_path[64], report_path[64];
static struct gpu *gpu;
static pthread_t server;
static int server_status;
static int fds_at_start;
static bool serve_once;

static int peer = -1;
static u16 next_id;
static struct {
	struct head head;
	u32 len;
	int fd;
	_Alignas(8) u8 body[(1 << 20) + 64];
} reply;

/* ---- the server ---- */

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

static void *serve(void *arg)
{
	(void)arg;
	server_status = transport_run(gpu, socket_path, serve_once);
	return NULL;
}

static void hang_up(void)
{
	if (peer >= 0)
		close(peer);
	peer = -1;
}

static void start(void)
{
	const struct gpu_config config = {
		.asic = "mi300x", .vram_size = VRAM, .num_xcc = 1, .report = report_path,
	};

	if (gpu) {		/* a case before this one broke off */
		hang_up();
		kill(getpid(), SIGTERM);
		pthread_join(server, NULL);
		gpu_free(gpu);
	}
	gpu = gpu_new(&config);
	CHECK(gpu);
	CHECK_EQ(pthread_create(&server, NULL, serve, NULL), 0);
}

static void join(void)
{
	pthread_join(server, NULL);
	gpu_free(gpu);
	gpu = NULL;
	CHECK_EQ(server_status, 0);
	CHECK(access(socket_path, F_OK));
}

/* A case has closed what it opened by itself when it calls this. */
static void no_leaks(void)
{
	CHECK_EQ(count_fds(), fds_at_start);
}

static void stop(void)
{
	hang_up();
	kill(getpid(), SIGTERM);
	join();
	CHECK_NO_BREAK();
	no_leaks();
}

/* ---- the peer ---- */

/* The server's thread may not listen yet. */
static void dial(void)
{
	struct timeval patience = { .tv_sec = 60 };	/* a hang becomes a failure */
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	strcpy(addr.sun_path, socket_path);
	peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(peer >= 0);
	while (connect(peer, (struct sockaddr *)&addr, sizeof(addr))) {
		CHECK(errno == ENOENT || errno == ECONNREFUSED);
		sched_yield();
	}
	setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(peer, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

static bool send_bytes(const void *data, size_t len, const int *fds, unsigned int num_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MANY_FDS * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (num_fds) {
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(num_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(num_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, num_fds * sizeof(int));
	}
	while (iov.iov_len) {
		ssize_t n = sendmsg(peer, &mh, MSG_NOSIGNAL);

		if (n < 0)
			return false;
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
	}
	return true;
}

static bool receive_bytes(void *data, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	u8 *at = data;

	while (len) {
		struct iovec iov = { .iov_base = at, .iov_len = len };
		struct msghdr mh = {
			.msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(peer, &mh, MSG_CMSG_CLOEXEC);

		if (n <= 0)
			return false;
		if (CMSG_FIRSTHDR(&mh))
			memcpy(&reply.fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(reply.fd));
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_reply(void)
{
	reply.fd = -1;
	reply.len = 0;
	if (!receive_bytes(&reply.head, sizeof(reply.head)))
		return false;
	if (reply.head.size < sizeof(reply.head) ||
	    reply.head.size > sizeof(reply.head) + sizeof(reply.body))
		return false;
	reply.len = reply.head.size - (u32)sizeof(reply.head);
	return receive_bytes(reply.body, reply.len);
}

static bool send_message(u16 command, u32 flags, const void *body, u32 len, const int *fds,
			 unsigned int num_fds)
{
	static u8 message[sizeof(struct head) + sizeof(reply.body)];
	struct head head = {
		.id = ++next_id, .command = command, .size = (u32)sizeof(head) + len, .flags = flags,
	};

	memcpy(message, &head, sizeof(head));
	if (len)
		memcpy(message + sizeof(head), body, len);
	return send_bytes(message, sizeof(head) + len, fds, num_fds);
}

/* What the server answers: 0 (the reply is in @reply), its error, or -1 if the
 * connection ended. A reply that is not one to this request counts as the end. */
static int request_fds(u16 command, const void *body, u32 len, const int *fds, unsigned int num_fds)
{
	if (!send_message(command, 0, body, len, fds, num_fds) || !receive_reply())
		return -1;
	if (reply.head.id != next_id || reply.head.command != command)
		return -1;
	if (reply.head.flags == 0x21 && reply.head.error && !reply.len)
		return (int)reply.head.error;
	return reply.head.flags == 1 && !reply.head.error ? 0 : -1;
}

static int request(u16 command, const void *body, u32 len)
{
	return request_fds(command, body, len, NULL, 0);
}

static const char hello[] =
	"\0\0\0\0{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";

static void connect_peer(void)
{
	dial();
	CHECK_NO_BREAK();
	CHECK_EQ(request(VERSION, hello, sizeof(hello)), 0);
}

struct access {
	u64 offset;
	u32 region, count;
	u8 data[64];
};

static int read_region(u32 region, u64 offset, void *data, u32 count)
{
	struct access a = { .offset = offset, .region = region, .count = count };
	int err = request(READ, &a, 16);

	if (err)
		return err;
	if (reply.len != 16 + count || memcmp(reply.body, &a, 16))
		return -1;
	memcpy(data, reply.body + 16, count);
	return 0;
}

static int write_region(u32 region, u64 offset, const void *data, u32 count)
{
	struct access a = { .offset = offset, .region = region, .count = count };
	int err;

	memcpy(a.data, data, count);
	err = request(WRITE, &a, 16 + count);
	if (err)
		return err;
	return reply.len == 16 && !memcmp(reply.body, &a, 16) ? 0 : -1;
}

static u32 config32(u32 offset)
{
	u32 value = 0xdeadbeef;

	return read_region(7, offset, &value, 4) ? 0xdeadbeef : value;
}

static int set_config32(u32 offset, u32 value)
{
	return write_region(7, offset, &value, 4);
}

struct map {
	u32 argsz, flags;
	u64 offset, iova, size;
};

static int map_file(u64 iova, u64 size, int fd)
{
	struct map map = { .argsz = 32, .flags = 3, .iova = iova, .size = size };

	return request_fds(DMA_MAP, &map, sizeof(map), &fd, fd >= 0);
}

struct unmap {
	u32 argsz, flags;
	u64 iova, size;
};

static int unmap(u64 iova, u64 size, u32 flags)
{
	struct unmap unmap = { .argsz = 24, .flags = flags, .iova = iova, .size = size };
	int err = request(DMA_UNMAP, &unmap, sizeof(unmap));

	if (err)
		return err;
	return reply.len == sizeof(unmap) && !memcmp(reply.body, &unmap, sizeof(unmap)) ? 0 : -1;
}

struct irqs {
	u32 argsz, flags, index, start, count;
};

static int set_irqs(u32 flags, u32 index, u32 start, u32 count, const int *fds, unsigned int n)
{
	struct irqs irqs = { 20, flags, index, start, count };

	return request_fds(SET_IRQS, &irqs, sizeof(irqs), fds, n);
}

static int guest_file(u64 size)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);

	return fd >= 0 && ftruncate(fd, (off_t)size) ? -1 : fd;
}

/* ---- as QEMU does it ---- */

static void version_is_echoed_with_capabilities(void)
{
	start();
	CHECK_NO_BREAK();
	dial();
	CHECK_NO_BREAK();
	CHECK_EQ(request(VERSION, hello, sizeof(hello)), 0);
	CHECK(!memcmp(reply.body, "\0\0\0\0", 4));
	CHECK_EQ(reply.body[reply.len - 1], 0);
	CHECK(strstr((char *)reply.body + 4, "\"max_data_xfer_size\":1048576"));
	CHECK(!strstr((char *)reply.body + 4, "write_multiple"));
	stop();
}

static void device_regions_and_interrupts_are_described(void)
{
	static const u64 sizes[9] = { VRAM, 0, 2 << 20, 0, 0, 512 << 10, 2048, 4096, 0 };
	u32 words[8];

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	memcpy(words, (u32[]){ 16, 0, 0, 0 }, 16);
	CHECK_EQ(request(GET_INFO, words, 16), 0);
	CHECK_EQ(reply.len, 16);
	CHECK(!memcmp(reply.body, (u32[]){ 16, 3, 9, 5 }, 16));
	for (u32 i = 0; i < 9; i++) {
		u32 flags = i == 0 ? 7 : i == 6 ? 1 : sizes[i] ? 3 : 0;

		memset(words, 0, sizeof(words));
		words[0] = 32;
		words[2] = i;
		CHECK_EQ(request(REGION_INFO, words, 32), 0);
		CHECK_EQ(reply.len, 32);
		CHECK(!memcmp(reply.body, (u32[]){ 32, flags, i, 0 }, 16));
		CHECK(!memcmp(reply.body + 16, (u64[]){ sizes[i], 0 }, 16));
		CHECK_EQ(reply.fd >= 0, i == 0);
		if (reply.fd >= 0)
			close(reply.fd);
		words[0] = 16;
		CHECK_EQ(request(REGION_IO_FDS, words, 16), 0);
		CHECK(!memcmp(reply.body, (u32[]){ 16, 0, i, 0 }, 16));
	}
	for (u32 i = 0; i < 5; i++) {
		bool there = i == 1 || i == 3;	/* MSI and bus errors */

		memcpy(words, (u32[]){ 16, 0, i, 0 }, 16);
		CHECK_EQ(request(IRQ_INFO, words, 16), 0);
		CHECK(!memcmp(reply.body, (u32[]){ 16, there ? 9 : 0, i, there }, 16));
	}
	stop();
}

static void bar0_is_the_same_memory_mapped_and_accessed(void)
{
	u32 words[8] = { 32 }, value = 0xcafe;
	u8 *vram;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(request(REGION_INFO, words, 32), 0);
	vram = mmap(NULL, VRAM, PROT_READ | PROT_WRITE, MAP_SHARED, reply.fd, 0);
	CHECK(vram != MAP_FAILED);
	CHECK(ftruncate(reply.fd, 0));
	close(reply.fd);
	CHECK_EQ(write_region(0, 4096, &value, 4), 0);
	CHECK_EQ(*(u32 *)(vram + 4096), 0xcafe);
	*(u32 *)(vram + 8192) = 0xbeef;
	CHECK_EQ(read_region(0, 8192, &value, 4), 0);
	CHECK_EQ(value, 0xbeef);
	munmap(vram, VRAM);
	stop();
}

static void a_large_read_comes_in_one_reply(void)
{
	static u8 data[1 << 20];
	u8 mark = 0x77;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(write_region(0, sizeof(data) - 1, &mark, 1), 0);
	CHECK_EQ(read_region(0, 0, data, sizeof(data)), 0);
	CHECK_EQ(data[sizeof(data) - 1], 0x77);
	stop();
}

static void registers_are_reached_through_bar5(void)
{
	u32 value = 0, reg;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	reg = REG(gpu, HW_NBIO, 0, regRCC_DEV0_EPF0_RCC_CONFIG_MEMSIZE);
	CHECK_EQ(read_region(5, reg * 4ull, &value, 4), 0);
	CHECK_EQ(value, VRAM >> 20);
	stop();
}

static void config_space_says_what_the_device_is(void)
{
	u8 all[4096];

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(config32(0), 0x74a11002);
	CHECK_EQ(config32(8) >> 8, 0x120000);
	CHECK_EQ(config32(0x10), 0xc);
	CHECK_EQ(config32(0x18), 0xc);
	CHECK_EQ(config32(0x24), 0);
	CHECK_EQ(read_region(7, 0, all, sizeof(all)), 0);
	CHECK_EQ(all[all[0x34]], 0x10);			/* PCI Express */
	CHECK_EQ(all[all[all[0x34] + 1]], 0x05);	/* MSI */
	CHECK_EQ(all[all[all[0x34] + 1] + 1], 0);
	stop();
}

static void the_rom_holds_the_vbios_and_keeps_it(void)
{
	u8 want[VBIOS_SIZE], have[VBIOS_SIZE];
	const u32 mark = 0x12345678;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	vbios_build(gpu, want);
	CHECK_EQ(write_region(6, 0, &mark, 4), EINVAL);
	CHECK_EQ(read_region(6, 0, have, sizeof(have)), 0);
	CHECK(!memcmp(have, want, sizeof(want)));
	CHECK(read_region(6, sizeof(have) - 3, have, 4));
	stop();
}

static void only_writable_bits_of_config_space_change(void)
{
	static const struct { u32 at, ones; } table[] = {
		{ 0x00, 0x74a11002 }, { 0x04, 0x00100546 }, { 0x08, 0x12000000 },
		{ 0x10, (u32)~(VRAM - 1) | 0xc }, { 0x14, 0xffffffff },
		{ 0x18, 0xffe0000c }, { 0x1c, 0xffffffff }, { 0x20, 0 }, { 0x24, 0xfff80000 },
		{ 0x2c, 0x74a11002 }, { 0x30, 0xfffff801 }, { 0x34, 0x64 }, { 0x3c, 0xff },
		{ 0xa0, 0x00810005 }, { 0xa4, 0xfffffffc }, { 0xa8, 0xffffffff }, { 0xac, 0xffff },
		{ 0x100, 0x0001000b }, { 0xffc, 0 },
	};

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		CHECK_EQ(set_config32(table[i].at, ~0u), 0);
		CHECK_EQ(config32(table[i].at), table[i].ones);
	}
	CHECK_EQ(set_config32(0x18, 0xfe200000), 0);
	CHECK_EQ(config32(0x18), 0xfe20000c);
	stop();
}

static void dma_reaches_the_guests_file(void)
{
	int fd = guest_file(1 << 20), other = guest_file(4096);
	u64 value = 0;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(map_file(GIB(1), 1 << 20, fd), 0);
	CHECK_EQ(reply.len, 0);
	CHECK_EQ(map_file(0xc0000, 4096, -1), 0);	/* a ROM */
	CHECK(bus_write(gpu, GIB(1) + 8, &(u64){ 0x1234 }, 8));
	CHECK_EQ(pread(fd, &value, 8, 8), 8);
	CHECK_EQ(value, 0x1234);
	CHECK_EQ(map_file(GIB(1) + 4096, 4096, other), EEXIST);
	CHECK_EQ(unmap(GIB(1), 4096, 0), EINVAL);
	CHECK_EQ(unmap(GIB(1), 1 << 20, 0), 0);
	CHECK_EQ(unmap(GIB(1), 1 << 20, 0), ENOENT);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	CHECK(!bus_read(gpu, GIB(1) + 8, &value, 8));
	CHECK_EQ(map_file(GIB(1), 1 << 20, fd), 0);
	CHECK_EQ(unmap(0, 0, 2), 0);
	CHECK_EQ(unmap(0xc0000, 4096, 0), ENOENT);
	close(fd);
	close(other);
	stop();
}

static void msi_signals_the_eventfd_while_it_is_set(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_t n = 0;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	msi_raise(gpu);
	CHECK_EQ(counted(gpu, "msi.dropped"), 1);
	CHECK_EQ(set_irqs(0x24, 1, 0, 1, &event, 1), 0);
	CHECK_EQ(reply.len, 0);
	msi_raise(gpu);
	msi_raise(gpu);
	CHECK_EQ(eventfd_read(event, &n), 0);
	CHECK_EQ(n, 2);
	CHECK_EQ(set_irqs(0x21, 1, 0, 1, NULL, 0), 0);	/* loopback */
	CHECK_EQ(eventfd_read(event, &n), 0);
	CHECK_EQ(n, 1);
	CHECK_EQ(set_irqs(0x21, 1, 0, 0, NULL, 0), 0);	/* off */
	msi_raise(gpu);
	CHECK(eventfd_read(event, &n) && errno == EAGAIN);
	CHECK_EQ(set_irqs(0x24, 1, 0, 1, &event, 1), 0);
	CHECK_EQ(set_irqs(0x24, 1, 0, 1, NULL, 0), 0);	/* off, the other way */
	msi_raise(gpu);
	CHECK(eventfd_read(event, &n) && errno == EAGAIN);
	CHECK_EQ(counted(gpu, "msi.raised"), 3);
	CHECK_EQ(set_irqs(0x24, 3, 0, 1, &event, 1), 0);	/* bus errors */
	msi_raise(gpu);
	CHECK(eventfd_read(event, &n) && errno == EAGAIN);
	CHECK_EQ(set_irqs(0x21, 3, 0, 0, NULL, 0), 0);
	close(event);
	stop();
}

static void a_full_eventfd_blocks_nobody(void)
{
	int event = eventfd(0, EFD_CLOEXEC);
	eventfd_t n;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(set_irqs(0x24, 1, 0, 1, &event, 1), 0);
	CHECK_EQ(eventfd_write(event, 0xfffffffffffffffe), 0);
	msi_raise(gpu);
	CHECK_EQ(eventfd_read(event, &n), 0);
	CHECK_EQ(n, 0xfffffffffffffffe);
	close(event);
	stop();
}

static void reset_brings_power_on_state_and_keeps_vram(void)
{
	u32 value = 0x1234;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	for (int flr = 0; flr < 2; flr++) {
		u64 resets = counted(gpu, "gpu.resets");

		CHECK_EQ(set_config32(0x10, 0xe0000000), 0);
		CHECK_EQ(set_config32(0x04, 0x6), 0);
		CHECK_EQ(write_region(0, 4096, &value, 4), 0);
		if (flr)
			CHECK_EQ(set_config32(0x6c, 0xa810), 0);
		else
			CHECK_EQ(request(RESET, NULL, 0), 0);
		CHECK_EQ(counted(gpu, "gpu.resets"), resets + 1);
		CHECK_EQ(config32(0x10), 0xc);
		CHECK_EQ(config32(0x04), 0x00100000);
		CHECK_EQ(config32(0x6c) & 0x8000, 0);
		value = 0;
		CHECK_EQ(read_region(0, 4096, &value, 4), 0);
		CHECK_EQ(value, 0x1234);
	}
	stop();
}

static void no_reply_gets_none(void)
{
	struct access a = { .offset = 4096, .region = 0, .count = 4, .data = { 1, 2, 3, 4 } };
	u32 value;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK(send_message(WRITE, 0x10, &a, 20, NULL, 0));
	a.offset = ~0ull;
	CHECK(send_message(WRITE, 0x10, &a, 20, NULL, 0));	/* refused, as silently */
	CHECK_EQ(read_region(0, 4096, &value, 4), 0);		/* the next reply is to this */
	CHECK_EQ(value, 0x04030201);
	CHECK_EQ(counted(gpu, "vfio.refused"), 1);
	stop();
}

static void requests_in_flight_are_answered_in_order(void)
{
	u32 words[4] = { 16 };
	u16 first = next_id + 2;	/* after connecting */

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	for (int i = 0; i < 100; i++)
		CHECK(send_message(GET_INFO, 0, words, 16, NULL, 0));
	for (int i = 0; i < 100; i++) {
		CHECK(receive_reply());
		CHECK_EQ(reply.head.id, (u16)(first + i));
		CHECK_EQ(reply.head.flags, 1);
	}
	stop();
}

/* Descriptors belong to the message that they came with, however it is cut. */
static void a_message_in_single_bytes_is_understood(void)
{
	struct { struct head head; struct map map; } msg = {
		{ .id = 9, .command = DMA_MAP, .size = sizeof(msg) },
		{ .argsz = 32, .flags = 3, .iova = GIB(4), .size = 4096 },
	};
	int fd = guest_file(4096);
	u32 value;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	for (size_t i = 0; i < sizeof(msg); i++)
		CHECK(send_bytes((u8 *)&msg + i, 1, &fd, i == 20));
	CHECK(receive_reply());
	CHECK_EQ(reply.head.flags, 1);
	CHECK_EQ(reply.head.id, 9);
	CHECK(bus_read(gpu, GIB(4), &value, 4));
	close(fd);
	stop();
}

static void the_next_peer_finds_a_fresh_device(void)
{
	int fd = guest_file(4096), event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u32 value;

	start();
	CHECK_NO_BREAK();
	for (int i = 0; i < 3; i++) {
		connect_peer();
		CHECK_NO_BREAK();
		CHECK_EQ(config32(0x10), 0xc);
		CHECK_EQ(counted(gpu, "gpu.resets"), i);
		CHECK_EQ(map_file(GIB(1), 4096, fd), 0);
		CHECK_EQ(set_irqs(0x24, 1, 0, 1, &event, 1), 0);
		CHECK_EQ(set_config32(0x10, 0xe0000000), 0);
		hang_up();
	}
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(counted(gpu, "gpu.resets"), 3);
	CHECK_EQ(counted(gpu, "vfio.peers"), 4);
	msi_raise(gpu);
	CHECK_EQ(counted(gpu, "msi.dropped"), 1);
	CHECK(!bus_read(gpu, GIB(1), &value, 4));
	close(fd);
	close(event);
	stop();
}

static void once_ends_after_the_first_peer(void)
{
	serve_once = true;
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	hang_up();
	join();
	serve_once = false;
	no_leaks();
}

static void a_signal_ends_it_with_a_peer_connected_or_in_mid_message(void)
{
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	kill(getpid(), SIGINT);
	join();
	CHECK_NO_BREAK();
	CHECK(!receive_reply());
	hang_up();
	no_leaks();
	CHECK_NO_BREAK();

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK(send_bytes("\1\0\11\0\40\0\0\0", 8, NULL, 0));
	kill(getpid(), SIGTERM);
	join();
	hang_up();
	no_leaks();
}

static void a_peer_that_never_reads_does_not_keep_it_from_ending(void)
{
	struct access a = { .region = 0, .count = 1 << 20 };

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	for (int i = 0; i < 16; i++)
		CHECK(send_message(READ, 0, &a, 16, NULL, 0));
	kill(getpid(), SIGTERM);
	join();
	hang_up();
	no_leaks();
}

static void sigusr1_writes_the_report(void)
{
	struct stat st;

	unlink(report_path);
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	kill(getpid(), SIGUSR1);
	while (stat(report_path, &st))
		CHECK_EQ(config32(0), 0x74a11002);
	stop();
}

static void a_stale_socket_is_replaced_and_nothing_else_is(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int old = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), file;
	struct gpu_config config = { .asic = "mi300x", .vram_size = VRAM };
	char too_long[200];

	strcpy(addr.sun_path, socket_path);
	CHECK_EQ(bind(old, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CHECK_EQ(listen(old, 1), 0);
	gpu = gpu_new(&config);
	CHECK(gpu);
	CHECK_EQ(-transport_run(gpu, socket_path, true), EADDRINUSE);	/* in use */
	close(old);
	unlink(socket_path);
	file = open(socket_path, O_CREAT | O_CLOEXEC, 0600);
	CHECK_EQ(-transport_run(gpu, socket_path, true), EADDRINUSE);	/* not a socket */
	close(file);
	unlink(socket_path);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	CHECK_EQ(-transport_run(gpu, too_long, true), ENAMETOOLONG);
	gpu_free(gpu);
	gpu = NULL;

	old = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(old, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(old);							/* stale now */
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	stop();
}

/* ---- as it must not be done ---- */

#define CLOSED (-1)

/* Raw requests after a good start; the server refuses and goes on. */
struct refusal {
	const char *what;
	u16 command;
	u32 len;
	u32 words[10];
	unsigned int fds;
	int answer;
};

static const struct refusal refusals[] = {
	{ "no such command: 0", 0, 0, { 0 }, 0, EOPNOTSUPP },
	{ "no such command: 14", DIRTY, 16, { 16 }, 0, EOPNOTSUPP },
	{ "no such command: 16", 16, 16, { 16 }, 0, EOPNOTSUPP },
	{ "no such command: 65535", 65535, 0, { 0 }, 0, EOPNOTSUPP },
	{ "not for this direction: DMA_READ", DMA_READ, 16, { 0 }, 0, EOPNOTSUPP },
	{ "not for this direction: DMA_WRITE", DMA_WRITE, 16, { 0 }, 0, EOPNOTSUPP },
	{ "not announced: REGION_WRITE_MULTI", MULTI, 40, { 1 }, 0, EOPNOTSUPP },
	{ "second VERSION", VERSION, 4, { 0 }, 0, EINVAL },
	{ "info: no body", GET_INFO, 0, { 0 }, 0, EINVAL },
	{ "info: short", GET_INFO, 12, { 16 }, 0, EINVAL },
	{ "info: long", GET_INFO, 20, { 16 }, 0, EINVAL },
	{ "info: argsz", GET_INFO, 16, { 15 }, 0, EINVAL },
	{ "info: descriptor", GET_INFO, 16, { 16 }, 1, EINVAL },
	{ "region info: argsz", REGION_INFO, 32, { 16 }, 0, EINVAL },
	{ "region info: index", REGION_INFO, 32, { 32, 0, 9 }, 0, EINVAL },
	{ "region info: huge index", REGION_INFO, 32, { 32, 0, ~0u }, 0, EINVAL },
	{ "io fds: index", REGION_IO_FDS, 16, { 16, 0, 9 }, 0, EINVAL },
	{ "irq info: index", IRQ_INFO, 16, { 16, 0, 5 }, 0, EINVAL },
	{ "irq info: huge index", IRQ_INFO, 16, { 16, 0, ~0u }, 0, EINVAL },
	{ "irqs: short", SET_IRQS, 16, { 20, 0x21, 1 }, 0, EINVAL },
	{ "irqs: index", SET_IRQS, 20, { 20, 0x21, 5, 0, 0 }, 0, EINVAL },
	{ "irqs: huge index", SET_IRQS, 20, { 20, 0x21, ~0u, 0, 0 }, 0, EINVAL },
	{ "irqs: count", SET_IRQS, 20, { 20, 0x24, 1, 0, 2 }, 2, EINVAL },
	{ "irqs: huge count", SET_IRQS, 20, { 20, 0x24, 1, 0, ~0u }, 1, EINVAL },
	{ "irqs: start", SET_IRQS, 20, { 20, 0x24, 1, 1, 1 }, 1, EINVAL },
	{ "irqs: start + count wraps", SET_IRQS, 20, { 20, 0x24, 1, ~0u, 2 }, 1, EINVAL },
	{ "irqs: INTx, which is not there", SET_IRQS, 20, { 20, 0x24, 0, 0, 1 }, 1, EINVAL },
	{ "irqs: no action", SET_IRQS, 20, { 20, 0x04, 1, 0, 1 }, 1, EINVAL },
	{ "irqs: mask", SET_IRQS, 20, { 20, 0x09, 1, 0, 1 }, 0, EINVAL },
	{ "irqs: all flags", SET_IRQS, 20, { 20, ~0u, 1, 0, 1 }, 1, EINVAL },
	{ "irqs: two eventfds for one", SET_IRQS, 20, { 20, 0x24, 1, 0, 1 }, 2, EINVAL },
	{ "irqs: not an eventfd", SET_IRQS, 20, { 20, 0x24, 1, 0, 1 }, 1, EINVAL },
	{ "irqs: eventfd for nothing", SET_IRQS, 20, { 20, 0x24, 1, 0, 0 }, 1, EINVAL },
	{ "irqs: descriptor without use", SET_IRQS, 20, { 20, 0x21, 1, 0, 0 }, 1, EINVAL },
	{ "irqs: too many descriptors", SET_IRQS, 20, { 20, 0x24, 1, 0, 1 }, MANY_FDS, EINVAL },
	{ "read: short", READ, 12, { 0 }, 0, EINVAL },
	{ "read: long", READ, 20, { 0, 0, 7, 4 }, 0, EINVAL },
	{ "read: nothing", READ, 16, { 0, 0, 7, 0 }, 0, EINVAL },
	{ "read: region", READ, 16, { 0, 0, 9, 4 }, 0, EINVAL },
	{ "read: huge region", READ, 16, { 0, 0, ~0u, 4 }, 0, EINVAL },
	{ "read: region that is not there", READ, 16, { 0, 0, 4, 4 }, 0, EINVAL },
	{ "read: upper half of a BAR", READ, 16, { 0, 0, 1, 4 }, 0, EINVAL },
	{ "read: more than announced", READ, 16, { 0, 0, 0, (1 << 20) + 1 }, 0, EINVAL },
	{ "read: huge count", READ, 16, { 0, 0, 0, ~0u }, 0, EINVAL },
	{ "read: config end", READ, 16, { 4093, 0, 7, 4 }, 0, EINVAL },
	{ "read: behind config", READ, 16, { 4096, 0, 7, 1 }, 0, EINVAL },
	{ "read: offset wraps", READ, 16, { ~0u, ~0u, 7, 4 }, 0, EINVAL },
	{ "read: behind VRAM", READ, 16, { (u32)VRAM, 0, 0, 4 }, 0, EINVAL },
	{ "read: MMIO end", READ, 16, { 0x7fffc, 0, 5, 8 }, 0, EINVAL },
	{ "read: MMIO in bulk", READ, 16, { 0, 0, 5, 16 }, 0, EINVAL },
	{ "read: three bytes of MMIO", READ, 16, { 0, 0, 5, 3 }, 0, EINVAL },
	{ "read: doorbell end", READ, 16, { 0x200000, 0, 2, 4 }, 0, EINVAL },
	{ "read: descriptor", READ, 16, { 0, 0, 7, 4 }, 1, EINVAL },
	{ "write: no data", WRITE, 16, { 0, 0, 7, 4 }, 0, EINVAL },
	{ "write: less data", WRITE, 19, { 0, 0, 7, 4 }, 0, EINVAL },
	{ "write: more data", WRITE, 24, { 0, 0, 7, 4 }, 0, EINVAL },
	{ "write: huge count", WRITE, 20, { 0, 0, 0, ~0u }, 0, EINVAL },
	{ "write: short", WRITE, 8, { 0 }, 0, EINVAL },
	{ "write: region", WRITE, 20, { 0, 0, 8, 4 }, 0, EINVAL },
	{ "write: config end", WRITE, 20, { 4094, 0, 7, 4 }, 0, EINVAL },
	{ "write: offset wraps", WRITE, 20, { ~0u, ~0u, 0, 4 }, 0, EINVAL },
	{ "write: doorbells in bulk", WRITE, 32, { 0, 0, 2, 16 }, 0, EINVAL },
	{ "write: ROM", WRITE, 20, { 0, 0, 6, 4 }, 0, EINVAL },
	{ "read: ROM end", READ, 16, { VBIOS_SIZE - 3, 0, 6, 4 }, 0, EINVAL },
	{ "map: short", DMA_MAP, 24, { 32, 3 }, 1, EINVAL },
	{ "map: long", DMA_MAP, 40, { 32, 3, 0, 0, 0, 1, 4096 }, 1, EINVAL },
	{ "map: argsz", DMA_MAP, 32, { 31, 3, 0, 0, 0, 1, 4096 }, 1, EINVAL },
	{ "map: flags", DMA_MAP, 32, { 32, 7, 0, 0, 0, 1, 4096 }, 1, EINVAL },
	{ "map: nothing", DMA_MAP, 32, { 32, 3, 0, 0, 0, 1, 0 }, 1, EINVAL },
	{ "map: odd address", DMA_MAP, 32, { 32, 3, 0, 0, 1, 1, 4096 }, 1, EINVAL },
	{ "map: odd size", DMA_MAP, 32, { 32, 3, 0, 0, 0, 1, 4095 }, 1, EINVAL },
	{ "map: odd offset", DMA_MAP, 32, { 32, 3, 1, 0, 0, 1, 4096 }, 1, EINVAL },
	{ "map: longer than its file", DMA_MAP, 32, { 32, 3, 0, 0, 0, 1, 8192 }, 1, EINVAL },
	{ "map: behind its file", DMA_MAP, 32, { 32, 3, 4096, 0, 0, 1, 4096 }, 1, EINVAL },
	{ "map: offset wraps", DMA_MAP, 32, { 32, 3, 0xfffff000, ~0u, 0, 1, 8192 }, 1, EINVAL },
	{ "map: address wraps", DMA_MAP, 32, { 32, 3, 0, 0, 0xfffff000, ~0u, 8192 }, 1, EINVAL },
	{ "map: hole that wraps", DMA_MAP, 32, { 32, 3, 0, 0, 8192, 0, 0xfffff000, ~0u }, 0, EINVAL },
	{ "map: two files", DMA_MAP, 32, { 32, 3, 0, 0, 0, 1, 4096 }, 2, EINVAL },
	{ "map: too many files", DMA_MAP, 32, { 32, 3, 0, 0, 0, 1, 4096 }, MANY_FDS, EINVAL },
	{ "unmap: short", DMA_UNMAP, 16, { 24 }, 0, EINVAL },
	{ "unmap: argsz", DMA_UNMAP, 24, { 23, 0, 0, 1, 4096 }, 0, EINVAL },
	{ "unmap: dirty bitmap", DMA_UNMAP, 24, { 24, 1, 0, 1, 4096 }, 0, EINVAL },
	{ "unmap: nothing there", DMA_UNMAP, 24, { 24, 0, 0, 1, 4096 }, 0, ENOENT },
	{ "unmap: all of something", DMA_UNMAP, 24, { 24, 2, 0, 1, 4096 }, 0, EINVAL },
	{ "unmap: wraps", DMA_UNMAP, 24, { 24, 0, 0xfffff000, ~0u, 8192 }, 0, EINVAL },
	{ "unmap: descriptor", DMA_UNMAP, 24, { 24, 2 }, 1, EINVAL },
	{ "reset: with a body", RESET, 4, { 0 }, 0, EINVAL },
};

static void malformed_requests_are_refused_and_service_goes_on(void)
{
	int fds[MANY_FDS], file = guest_file(4096), open_fds;
	bool all = true;

	for (int i = 0; i < MANY_FDS; i++)
		fds[i] = file;
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	open_fds = count_fds();
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *r = &refusals[i];
		int answer = request_fds(r->command, r->words, r->len, fds, r->fds);

		if (answer != r->answer) {
			printf("# %s: answer %d instead of %d\n", r->what, answer, r->answer);
			all = false;
		}
		if (answer == CLOSED) {
			hang_up();
			connect_peer();
			CHECK_NO_BREAK();
		}
	}
	CHECK(all);
	CHECK_EQ(config32(0), 0x74a11002);
	CHECK_EQ(count_fds(), open_fds);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	close(file);
	stop();
}

/* A file that got lost on the way must not look like a window without one. */
static void descriptors_that_find_no_room_are_missed(void)
{
	int file = guest_file(4096);
	struct rlimit all, none;

	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = 3;	/* what is open stays open, nothing more can be */
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	CHECK_EQ(map_file(GIB(1), 4096, file), EINVAL);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &all), 0);
	CHECK_EQ(map_file(GIB(1), 4096, file), 0);
	close(file);
	stop();
}

/* Bytes after which the stream cannot be in step: the server hangs up. */
struct breach {
	const char *what;
	bool negotiate;
	struct head head;
	size_t len;		/* bytes of the header that are sent */
	u32 error;		/* what the server says before, 0: nothing */
};

static const struct breach breaches[] = {
	{ "hello is missing", false, { 1, GET_INFO, 16, 0, 0 }, 16, EPROTO },
	{ "reset before hello", false, { 1, RESET, 16, 0, 0 }, 16, EPROTO },
	{ "reply to nothing", true, { 1, DMA_READ, 16, 1, 0 }, 16, 0 },
	{ "type of message", true, { 1, GET_INFO, 16, 0xf, 0 }, 16, 0 },
	{ "size 0", true, { 1, GET_INFO, 0, 0, 0 }, 16, EMSGSIZE },
	{ "size 15", true, { 1, GET_INFO, 15, 0, 0 }, 16, EMSGSIZE },
	{ "size above the limit", true, { 1, WRITE, (1 << 20) + 4096, 0, 0 }, 16, EMSGSIZE },
	{ "size 4 GiB", true, { 1, WRITE, ~0u, 0, 0 }, 16, EMSGSIZE },
	{ "truncated header", true, { 1, GET_INFO, 16, 0, 0 }, 7, 0 },
	{ "truncated body", true, { 1, GET_INFO, 32, 0, 0 }, 16, 0 },
	{ "nothing at all", false, { 0 }, 0, 0 },
};

static void a_stream_out_of_step_is_closed_and_the_next_peer_served(void)
{
	int file = guest_file(4096);

	start();
	CHECK_NO_BREAK();
	for (size_t i = 0; i < ARRAY_SIZE(breaches); i++) {
		const struct breach *b = &breaches[i];
		u32 error = 0;

		dial();
		CHECK_NO_BREAK();
		if (b->negotiate)
			CHECK_EQ(request(VERSION, hello, sizeof(hello)), 0);
		if (b->len)
			CHECK(send_bytes(&b->head, b->len, &file, 1));
		shutdown(peer, SHUT_WR);
		if (receive_reply() && reply.head.flags == 0x21)
			error = reply.head.error;
		if (error != b->error)
			printf("# %s: error %u instead of %u\n", b->what, error, b->error);
		CHECK_EQ(error, b->error);
		CHECK(!receive_reply());
		hang_up();
	}
	connect_peer();
	CHECK_NO_BREAK();
	CHECK_EQ(config32(0), 0x74a11002);
	close(file);
	stop();
}

static void a_hello_that_is_none_is_refused(void)
{
	static const struct { const char *what; u32 len; const char *body; } bad[] = {
		{ "no body", 0, "" },
		{ "half a version", 2, "\0\0" },
		{ "another major version", 4, "\1\0\0\0" },
		{ "unterminated capabilities", 6, "\0\0\0\0{}" },
	};

	start();
	CHECK_NO_BREAK();
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		dial();
		CHECK_NO_BREAK();
		if (request(VERSION, bad[i].body, bad[i].len) != EINVAL || receive_reply()) {
			printf("# %s: accepted\n", bad[i].what);
			test_broken = 1;
		}
		hang_up();
	}
	CHECK_NO_BREAK();
	stop();
}

static u32 random_state;

static u32 random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state;
}

static u32 odd_number(void)
{
	static const u32 likely[] = { 0, 1, 2, 3, 4, 7, 8, 16, 20, 24, 32, 0x21, 0x24, 4096, 8192, ~0u };

	return random32() % 4 ? likely[random32() % ARRAY_SIZE(likely)] : random32();
}

/* Nonsense that is framed well. BAR5 and BAR2 writes are left out: what engines
 * do with random registers is for their own tests. */
static void nonsense_does_not_crash_or_leak(void)
{
	int file = guest_file(65536), fds[3] = { file, file, file }, open_fds;
	u32 words[16];

	random_state = 20240607;
	start();
	CHECK_NO_BREAK();
	connect_peer();
	CHECK_NO_BREAK();
	open_fds = count_fds();
	for (int i = 0; i < 20000; i++) {
		u16 command = 2 + random32() % 14;
		u32 len = random32() % 3 ? (u32[]){ 0, 32, 24, 16, 32, 16, 16, 20 }[command % 8]
					 : random32() % sizeof(words);

		for (size_t k = 0; k < ARRAY_SIZE(words); k++)
			words[k] = odd_number();
		if ((command == WRITE && (words[2] == 2 || words[2] == 5)) || command == RESET)
			continue;
		if (request_fds(command, words, len, fds, random32() % 4) == CLOSED) {
			hang_up();
			connect_peer();
			CHECK_NO_BREAK();
		}
		if (reply.fd >= 0)
			close(reply.fd);
	}
	CHECK_EQ(request(VERSION, hello, sizeof(hello)), EINVAL);	/* still in step */
	CHECK_EQ(set_irqs(0x21, 1, 0, 0, NULL, 0), 0);
	CHECK_EQ(count_fds(), open_fds);
	close(file);
	stop();
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int main(void)
{
	if (!mkdtemp(dir)) {
		printf("Bail out! cannot make %s\n", dir);
		return 1;
	}
	snprintf(socket_path, sizeof(socket_path), "%s/socket", dir);
	snprintf(report_path, sizeof(report_path), "%s/report", dir);
	fds_at_start = count_fds();
	block_signals();
	alarm(240);	/* SIGTERM does not end a hung test: it is blocked */

	CASE(version_is_echoed_with_capabilities);
	CASE(device_regions_and_interrupts_are_described);
	CASE(bar0_is_the_same_memory_mapped_and_accessed);
	CASE(a_large_read_comes_in_one_reply);
	CASE(registers_are_reached_through_bar5);
	CASE(config_space_says_what_the_device_is);
	CASE(the_rom_holds_the_vbios_and_keeps_it);
	CASE(only_writable_bits_of_config_space_change);
	CASE(dma_reaches_the_guests_file);
	CASE(msi_signals_the_eventfd_while_it_is_set);
	CASE(a_full_eventfd_blocks_nobody);
	CASE(reset_brings_power_on_state_and_keeps_vram);
	CASE(no_reply_gets_none);
	CASE(requests_in_flight_are_answered_in_order);
	CASE(a_message_in_single_bytes_is_understood);
	CASE(the_next_peer_finds_a_fresh_device);
	CASE(once_ends_after_the_first_peer);
	CASE(a_signal_ends_it_with_a_peer_connected_or_in_mid_message);
	CASE(a_peer_that_never_reads_does_not_keep_it_from_ending);
	CASE(sigusr1_writes_the_report);
	CASE(a_stale_socket_is_replaced_and_nothing_else_is);
	CASE(malformed_requests_are_refused_and_service_goes_on);
	CASE(descriptors_that_find_no_room_are_missed);
	CASE(a_stream_out_of_step_is_closed_and_the_next_peer_served);
	CASE(a_hello_that_is_none_is_refused);
	CASE(nonsense_does_not_crash_or_leak);

	unlink(report_path);
	rmdir(dir);
	return DONE();
}

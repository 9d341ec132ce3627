// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hostile peer: the vfio-user byte stream with descriptors.
 *
 * The server runs on a thread as it does in gpu-emu; each input is one connection
 * to it. Input: records of a command, a byte of flags and 16 bits of length, then so
 * many bytes of body. Without the flag RAW the header's size is made to fit; with it
 * the next four bytes are the size. The connection starts with a correct VERSION
 * unless the first byte of the input is odd.
 */
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fuzz.h"

#define RAW 1u
#define NO_REPLY 2u
#define BAD_TYPE 4u
#define WITH_RAM 8u		/* the RAM's memfd goes along */
#define WITH_EVENTFD 16u
#define WITH_PIPE 32u
#define MANY 64u		/* nine times */
#define HALF 128u		/* the message ends in its middle */

enum {
	VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION_INFO, GET_REGION_IO_FDS,
	GET_IRQ_INFO, SET_IRQS, REGION_READ, REGION_WRITE, CMD_RESET = 13
};

struct wire_header {
	u16 id, command;
	u32 size, flags, error;
};

static char path[100];
static int event_fd, pipe_fds[2];

static void *serve(void *arg)
{
	(void)arg;
	must(!transport_run(gpu, path, false), "transport_run");
	return NULL;
}

static int connect_peer(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	must(fd >= 0, "socket");
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void fuzz_start(void)
{
	const char *dir = getenv("TMPDIR");
	pthread_t thread;
	int fd = -1;

	snprintf(path, sizeof(path), "%s/vfio.%d", dir ? dir : "/tmp", getpid());
	event_fd = eventfd(0, EFD_CLOEXEC);
	must(event_fd >= 0 && !pipe(pipe_fds), "descriptors");
	must(!pthread_create(&thread, NULL, serve, NULL), "pthread_create");
	for (int i = 0; i < 10000 && fd < 0; i++) {
		fd = connect_peer();
		if (fd < 0)
			pause_us(1000);
	}
	must(fd >= 0, "connect");
	close(fd);
}

/* Takes in what the server has sent; false when it has hung up. */
static bool drain(int fd, int flags)
{
	static u8 buf[1 << 16];
	ssize_t n;

	do
		n = recv(fd, buf, sizeof(buf), flags);
	while (n > 0 && flags & MSG_DONTWAIT);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

static unsigned int pick_fds(int *fds, u32 flags)
{
	unsigned int n = 0, copies = flags & MANY ? 3 : 1;

	while (copies--) {
		if (flags & WITH_RAM)
			fds[n++] = ram_fd;
		if (flags & WITH_EVENTFD)
			fds[n++] = event_fd;
		if (flags & WITH_PIPE)
			fds[n++] = pipe_fds[1];
	}
	return n;
}

static bool send_bytes(int fd, const void *data, size_t len, const int *fds, unsigned int num)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (num) {
		struct cmsghdr *c = (void *)control;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(num * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(num * sizeof(int));
		memcpy(CMSG_DATA(c), fds, num * sizeof(int));
	}
	while (iov.iov_len) {
		ssize_t n = sendmsg(fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (!drain(fd, MSG_DONTWAIT))
			return false;
		if (n < 0)
			continue;
		mh.msg_control = NULL;
		mh.msg_controllen = 0;
		iov.iov_base = (u8 *)iov.iov_base + n;
		iov.iov_len -= (size_t)n;
	}
	return true;
}

static bool send_record(int fd, struct input *in)
{
	static u8 message[sizeof(struct wire_header) + 65536];
	struct wire_header header = { .command = (u16)take(in, 1) };
	u32 flags = (u32)take(in, 1);
	size_t len = take(in, 2);
	unsigned int num;
	int fds[16];

	header.id = (u16)left(in);
	header.flags = (flags & NO_REPLY ? 0x10 : 0) | (flags & BAD_TYPE ? 1 : 0);
	header.size = flags & RAW ? (u32)take(in, 4) : 0;
	len = len < left(in) ? len : left(in);
	if (!(flags & RAW))
		header.size = (u32)(sizeof(header) + len);
	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), in->at, len);
	in->at += len;
	num = pick_fds(fds, flags);
	len += sizeof(header);
	return send_bytes(fd, message, flags & HALF ? len / 2 : len, fds, num) && !(flags & HALF);
}

static void fuzz_one(const u8 *data, size_t size)
{
	static const u8 version[] = { 1, 0, 4, 0, 0, 0, 0, 0 };
	struct input first = { version, version + sizeof(version) };
	struct input in = { data, data + size };
	bool polite = !(take(&in, 1) & 1);
	int fd;

	/* The server resets the GPU for each peer; memory is the fuzzer's to clear. */
	punch(memory_vram_fd(gpu), VRAM_SIZE);
	fd = -1;
	for (int i = 0; i < 10000 && fd < 0; i++)
		fd = connect_peer();
	must(fd >= 0, "connect");
	if (!polite || send_record(fd, &first))
		while (left(&in) && send_record(fd, &in))
			;
	shutdown(fd, SHUT_WR);
	while (drain(fd, 0))
		;
	close(fd);
}

/* ---- seeds ---- */

static void add_record(struct bytes *b, u32 command, u32 flags, const void *body, u32 len)
{
	add_value(b, command, 1);
	add_value(b, flags, 1);
	add_value(b, len, 2);
	add(b, body, len);
}

#define RECORD(b, command, flags, ...) \
	add_record(b, command, flags, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }))

static void add_start(struct bytes *b)
{
	b->len = 0;
	add_value(b, 0, 1);
	RECORD(b, GET_INFO, 0, 16, 0, 0, 0);
	for (u32 i = 0; i < 9; i++)
		RECORD(b, GET_REGION_INFO, 0, 32, 0, i, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < 5; i++)
		RECORD(b, GET_IRQ_INFO, 0, 16, 0, i, 0);
	RECORD(b, GET_REGION_IO_FDS, 0, 16, 0, 0, 0);
	RECORD(b, DMA_MAP, WITH_RAM, 32, 3, 0, 0, 0, 1, 0x10000, 0);
	RECORD(b, DMA_MAP, 0, 32, 1, 0, 0, 0, 2, 0x10000, 0);
	RECORD(b, SET_IRQS, WITH_EVENTFD, 20, 0x24, 1, 0, 1);
}

static void fuzz_seeds(void)
{
	static struct bytes b;

	add_start(&b);
	RECORD(&b, DMA_UNMAP, 0, 24, 0, 0, 1, 0x10000, 0);
	RECORD(&b, DMA_UNMAP, 0, 24, 2, 0, 0, 0, 0);
	RECORD(&b, SET_IRQS, 0, 20, 0x21, 1, 0, 0);
	add_record(&b, CMD_RESET, 0, "", 0);
	seed("start", b.data, b.len);

	add_start(&b);
	for (u32 region = 0; region < 9; region++) {
		RECORD(&b, REGION_READ, 0, 0, 0, region, 4);
		RECORD(&b, REGION_WRITE, 0, 0x10, 0, region, 4, 0x12345678);
		RECORD(&b, REGION_WRITE, NO_REPLY, 4, 0, region, 4, 0xffffffff);
	}
	RECORD(&b, REGION_WRITE, 0, 0x3f0, 0, 0, 32, 1, 2, 3, 4, 5, 6, 7, 8);
	seed("regions", b.data, b.len);

	b.len = 0;
	add_value(&b, 1, 1);
	RECORD(&b, VERSION, RAW, 0xffffffff, 0);
	seed("size", b.data, b.len);
	b.len = 0;
	add_value(&b, 0, 1);
	RECORD(&b, DMA_MAP, WITH_RAM | WITH_PIPE | MANY, 32, 3, 0, 0, 0, 1, 0x10000, 0);
	RECORD(&b, SET_IRQS, WITH_PIPE, 20, 0x24, 1, 0, 1);
	RECORD(&b, GET_INFO, HALF, 16, 0, 0, 0);
	seed("bad", b.data, b.len);
}

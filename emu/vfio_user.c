// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server side of vfio-user 0.0: one peer at a time (QEMU), whose requests
 * the transport thread answers in order.
 *
 * The peer is not trusted. A message that can be understood and must be refused
 * gets an error reply; one after which the stream cannot be in step any more
 * (a size that is none, a reply to nothing, no VERSION at the start) ends the
 * connection. When a peer is gone its windows are unmapped and the GPU is reset,
 * so the next one finds a device at power-on, except for what is in VRAM.
 *
 * Requests of the server (DMA_READ, DMA_WRITE) are never made: RAM of the guest
 * that came without a file cannot be reached.
 *
 * Lock: irq_lock guards the interrupt's eventfd, which engines signal; it is
 * taken under any other lock and takes none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci.h"
#include "vfio_socket.h"

enum command {
	VERSION = 1,
	DMA_MAP = 2,
	DMA_UNMAP = 3,
	GET_INFO = 4,
	GET_REGION_INFO = 5,
	GET_REGION_IO_FDS = 6,
	GET_IRQ_INFO = 7,
	SET_IRQS = 8,
	REGION_READ = 9,
	REGION_WRITE = 10,
	RESET = 13,
	NUM_COMMANDS
};

/* Region and interrupt numbers of a PCI device. */
#define REGION_CONFIG 7
#define NUM_REGIONS 9
#define IRQ_MSI 1
#define IRQ_ERROR 3
#define NUM_IRQS 5

#define REGION_READABLE 1
#define REGION_WRITABLE 2
#define REGION_MMAP 4

#define DEVICE_RESETTABLE 1
#define DEVICE_PCI 2

#define IRQ_EVENTFD 1
#define IRQ_NORESIZE 8

#define SET_DATA_NONE 1
#define SET_DATA_EVENTFD 4
#define SET_ACTION_TRIGGER 32

#define DMA_READABLE 1
#define DMA_WRITABLE 2
#define UNMAP_ALL 2

struct dma_map {
	u32 argsz;
	u32 flags;
	u64 offset;
	u64 iova;
	u64 size;
};

struct dma_unmap {
	u32 argsz;
	u32 flags;
	u64 iova;
	u64 size;
};

struct device_info {
	u32 argsz;
	u32 flags;
	u32 num_regions;
	u32 num_irqs;
};

struct region_info {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 cap_offset;
	u64 size;
	u64 offset;
};

struct io_fds {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 count;
};

struct irq_info {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 count;
};

struct set_irqs {
	u32 argsz;
	u32 flags;
	u32 index;
	u32 start;
	u32 count;
};

struct region_access {
	u64 offset;
	u32 region;
	u32 count;
};

struct transport {
	struct gpu *gpu;
	struct channel channel;
	struct pci pci;
	bool negotiated;
	pthread_mutex_t irq_lock;
	int irq_fd;			/* -1: MSI is off */
	struct message msg;		/* the request in hand */
	u32 reply_len;
	int reply_fd;			/* not owned */
	_Alignas(8) u8 reply[MAX_BODY];
};

/* ---- interrupts ---- */

static void set_irq_fd(struct transport *t, int fd)
{
	int old;

	pthread_mutex_lock(&t->irq_lock);
	old = t->irq_fd;
	t->irq_fd = fd;
	pthread_mutex_unlock(&t->irq_lock);
	if (old >= 0)
		close(old);
}

/*
 * An eventfd that is full already says what this write would. A peer that made
 * the eventfd blocking again and filled it up would stall its own GPU.
 */
void msi_raise(struct gpu *gpu)
{
	struct transport *t = __atomic_load_n(&gpu->transport, __ATOMIC_ACQUIRE);
	const u64 one = 1;
	bool sent = false;

	if (!t)
		return;
	pthread_mutex_lock(&t->irq_lock);
	if (t->irq_fd >= 0)
		sent = write(t->irq_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN;
	pthread_mutex_unlock(&t->irq_lock);
	count(gpu, sent ? "msi.raised" : "msi.dropped", 1);
}

/* An eventfd has no file type; a pipe or socket could block the writer. */
static int check_eventfd(int fd)
{
	struct stat st;
	int flags;

	if (fstat(fd, &st) || st.st_mode & S_IFMT)
		return -EINVAL;
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
		return -errno;
	return 0;
}

/*
 * The eventfd that came along, or none: QEMU takes a vector away like that. The
 * one for bus errors is let go at once, since this device never has one.
 */
static int set_eventfd(struct transport *t, u32 index)
{
	struct message *msg = &t->msg;
	int err = 0;

	if (msg->num_fds > 1)
		return -EINVAL;
	if (msg->num_fds)
		err = check_eventfd(msg->fds[0]);
	if (err || index != IRQ_MSI)
		return err;
	set_irq_fd(t, msg->num_fds ? msg->fds[0] : -1);
	if (msg->num_fds)
		msg->fds[0] = -1;
	return 0;
}

/* QEMU warns about a device that has no interrupt for bus errors. */
static u32 num_vectors(u32 index)
{
	return index == IRQ_MSI || index == IRQ_ERROR;
}

static int cmd_set_irqs(struct transport *t, const void *body)
{
	const struct set_irqs *req = body;
	u32 vectors = num_vectors(req->index);

	if (req->index >= NUM_IRQS || req->start > vectors || req->count > vectors - req->start)
		return -EINVAL;
	trace(t->gpu, TRACE_VFIO, "irq %u: flags 0x%x start %u count %u fds %u", req->index,
	      req->flags, req->start, req->count, t->msg.num_fds);
	switch (req->flags) {
	case SET_ACTION_TRIGGER | SET_DATA_NONE:
		if (t->msg.num_fds)
			return -EINVAL;
		if (req->index == IRQ_MSI && req->count)
			msi_raise(t->gpu);
		else if (req->index == IRQ_MSI)
			set_irq_fd(t, -1);
		return 0;
	case SET_ACTION_TRIGGER | SET_DATA_EVENTFD:
		if (!req->count)
			return -EINVAL;
		return set_eventfd(t, req->index);
	default:
		return -EINVAL;
	}
}

static int cmd_irq_info(struct transport *t, const void *body)
{
	const struct irq_info *req = body;
	struct irq_info *reply = (void *)t->reply;

	if (req->argsz < sizeof(*req) || req->index >= NUM_IRQS)
		return -EINVAL;
	*reply = (struct irq_info){
		.argsz = sizeof(*reply),
		.index = req->index,
		.count = num_vectors(req->index),
	};
	if (reply->count)
		reply->flags = IRQ_EVENTFD | IRQ_NORESIZE;
	t->reply_len = sizeof(*reply);
	return 0;
}

/* ---- the device and its regions ---- */

static void device_reset(struct transport *t)
{
	gpu_reset(t->gpu);
	pci_init(&t->pci, t->gpu);
}

static int cmd_reset(struct transport *t, const void *body)
{
	(void)body;
	trace(t->gpu, TRACE_VFIO, "reset");
	device_reset(t);
	return 0;
}

static int cmd_info(struct transport *t, const void *body)
{
	const struct device_info *req = body;
	struct device_info *reply = (void *)t->reply;

	if (req->argsz < sizeof(*req))
		return -EINVAL;
	*reply = (struct device_info){
		.argsz = sizeof(*reply),
		.flags = DEVICE_RESETTABLE | DEVICE_PCI,
		.num_regions = NUM_REGIONS,
		.num_irqs = NUM_IRQS,
	};
	t->reply_len = sizeof(*reply);
	return 0;
}

static u64 region_size(const struct transport *t, u32 region)
{
	if (region < PCI_NUM_BARS)
		return t->pci.bar_size[region];
	return region == REGION_CONFIG ? PCI_CONFIG_SIZE : 0;
}

static int cmd_region_info(struct transport *t, const void *body)
{
	const struct region_info *req = body;
	struct region_info *reply = (void *)t->reply;

	if (req->argsz < sizeof(*req) || req->index >= NUM_REGIONS)
		return -EINVAL;
	*reply = (struct region_info){
		.argsz = sizeof(*reply),
		.index = req->index,
		.size = region_size(t, req->index),
	};
	if (reply->size)
		reply->flags = REGION_READABLE;
	if (reply->size && req->index != BAR_ROM)
		reply->flags |= REGION_WRITABLE;
	if (req->index == BAR_VRAM) {
		reply->flags |= REGION_MMAP;
		t->reply_fd = memory_vram_fd(t->gpu);
	}
	t->reply_len = sizeof(*reply);
	return 0;
}

/* There are none: doorbells and registers do something when they are written. */
static int cmd_region_io_fds(struct transport *t, const void *body)
{
	const struct io_fds *req = body;
	struct io_fds *reply = (void *)t->reply;

	if (req->argsz < sizeof(*req) || req->index >= NUM_REGIONS)
		return -EINVAL;
	*reply = (struct io_fds){ .argsz = sizeof(*reply), .index = req->index };
	t->reply_len = sizeof(*reply);
	return 0;
}

static int check_access(const struct transport *t, const struct region_access *req)
{
	u64 size = region_size(t, req->region);

	if (!req->count || req->count > MAX_DATA || req->count > size ||
	    req->offset > size - req->count)
		return -EINVAL;
	/* Registers have the accesses that a CPU has. */
	if ((req->region == BAR_DOORBELL || req->region == BAR_MMIO) &&
	    (req->count > 8 || req->count & (req->count - 1)))
		return -EINVAL;
	return 0;
}

static int cmd_region_read(struct transport *t, const void *body)
{
	const struct region_access *req = body;
	u8 *data = t->reply + sizeof(*req);
	int err = check_access(t, req);

	if (err)
		return err;
	memcpy(t->reply, req, sizeof(*req));
	switch (req->region) {
	case BAR_VRAM:
		vram_read(t->gpu, req->offset, data, req->count);
		break;
	case BAR_DOORBELL:
		doorbell_read(t->gpu, req->offset, data, req->count);
		break;
	case BAR_MMIO:
		mmio_read(t->gpu, req->offset, data, req->count);
		break;
	case BAR_ROM:
		memcpy(data, t->pci.rom + req->offset, req->count);
		break;
	case REGION_CONFIG:
		pci_config_read(&t->pci, req->offset, data, req->count);
		break;
	}
	t->reply_len = (u32)sizeof(*req) + req->count;
	return 0;
}

static void config_write(struct transport *t, const struct region_access *req, const void *data)
{
	bool reset;

	trace(t->gpu, TRACE_VFIO, "config write 0x%llx + %u", (unsigned long long)req->offset,
	      req->count);
	pci_config_write(&t->pci, req->offset, data, req->count, &reset);
	if (reset)
		device_reset(t);
}

static int cmd_region_write(struct transport *t, const void *body)
{
	const struct region_access *req = body;
	const void *data = (const u8 *)body + sizeof(*req);
	int err = check_access(t, req);

	if (err)
		return err;
	if (t->msg.len != sizeof(*req) + req->count || req->region == BAR_ROM)
		return -EINVAL;
	switch (req->region) {
	case BAR_VRAM:
		vram_write(t->gpu, req->offset, data, req->count);
		break;
	case BAR_DOORBELL:
		doorbell_write(t->gpu, req->offset, data, req->count);
		break;
	case BAR_MMIO:
		mmio_write(t->gpu, req->offset, data, req->count);
		break;
	case REGION_CONFIG:
		config_write(t, req, data);
		break;
	}
	memcpy(t->reply, req, sizeof(*req));
	t->reply_len = sizeof(*req);
	return 0;
}

/* ---- DMA windows ---- */

static int cmd_dma_map(struct transport *t, const void *body)
{
	const struct dma_map *req = body;

	if (req->argsz < sizeof(*req) || req->flags & ~(DMA_READABLE | DMA_WRITABLE) ||
	    t->msg.num_fds > 1)
		return -EINVAL;
	return memory_map_window(t->gpu, req->iova, req->size,
				 t->msg.num_fds ? t->msg.fds[0] : -1, req->offset,
				 req->flags & DMA_WRITABLE);
}

static int cmd_dma_unmap(struct transport *t, const void *body)
{
	const struct dma_unmap *req = body;
	int err = 0;

	if (req->argsz < sizeof(*req) || req->flags & ~UNMAP_ALL)
		return -EINVAL;
	if (!(req->flags & UNMAP_ALL))
		err = memory_unmap_window(t->gpu, req->iova, req->size);
	else if (req->iova || req->size)
		err = -EINVAL;
	else
		memory_unmap_all(t->gpu);
	if (err)
		return err;
	memcpy(t->reply, req, sizeof(*req));
	t->reply_len = sizeof(*req);
	return 0;
}

/* ---- the connection ---- */

/*
 * The peer's capabilities do not matter: no reply of ours is longer or carries
 * more descriptors than its request asked for. Not announcing write_multiple
 * keeps that command away.
 */
static int cmd_version(struct transport *t, const void *body)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,"
		"\"pgsizes\":4096,\"max_dma_maps\":65535}}";
	_Static_assert(MAX_MSG_FDS == 8 && MAX_DATA == 1048576, "as announced");
	const u32 numbers = 2 * sizeof(u16);
	u16 major;

	if (t->negotiated)
		return -EINVAL;
	memcpy(&major, body, sizeof(major));
	if (major != 0)
		return -EINVAL;
	if (t->msg.len > numbers && t->msg.body[t->msg.len - 1] != '\0')
		return -EINVAL;
	memcpy(t->reply, body, numbers);
	memcpy(t->reply + numbers, capabilities, sizeof(capabilities));
	t->reply_len = numbers + sizeof(capabilities);
	t->negotiated = true;
	return 0;
}

struct command_info {
	int (*run)(struct transport *t, const void *body);	/* 0 or -errno */
	u32 size;		/* of the body */
	bool longer;		/* may be longer than that */
	bool fds;		/* may carry descriptors */
};

static const struct command_info commands[NUM_COMMANDS] = {
	[VERSION] = { cmd_version, 4, .longer = true },
	[DMA_MAP] = { cmd_dma_map, sizeof(struct dma_map), .fds = true },
	[DMA_UNMAP] = { cmd_dma_unmap, sizeof(struct dma_unmap) },
	[GET_INFO] = { cmd_info, sizeof(struct device_info) },
	[GET_REGION_INFO] = { cmd_region_info, sizeof(struct region_info) },
	[GET_REGION_IO_FDS] = { cmd_region_io_fds, sizeof(struct io_fds) },
	[GET_IRQ_INFO] = { cmd_irq_info, sizeof(struct irq_info) },
	[SET_IRQS] = { cmd_set_irqs, sizeof(struct set_irqs), .fds = true },
	[REGION_READ] = { cmd_region_read, sizeof(struct region_access) },
	[REGION_WRITE] = { cmd_region_write, sizeof(struct region_access), .longer = true },
	[RESET] = { cmd_reset, 0 },
};

static int run_command(struct transport *t)
{
	struct message *msg = &t->msg;
	const struct command_info *info = NULL;

	if (msg->header.command < NUM_COMMANDS)
		info = &commands[msg->header.command];
	if (!info || !info->run)
		return -EOPNOTSUPP;
	if (msg->len < info->size || (msg->len > info->size && !info->longer))
		return -EINVAL;
	if (msg->too_many_fds || (msg->num_fds && !info->fds))
		return -EINVAL;
	return info->run(t, msg->body);
}

static int send_reply(struct transport *t, int err)
{
	struct header header = {
		.id = t->msg.header.id,
		.command = t->msg.header.command,
		.size = (u32)sizeof(header) + (err ? 0 : t->reply_len),
		.flags = FLAG_REPLY | (err ? FLAG_ERROR : 0),
		.error = (u32)-err,
	};

	if (t->msg.header.flags & FLAG_NO_REPLY)
		return 0;
	return message_send(&t->channel, &header, t->reply, err ? 0 : t->reply_len,
			    err ? -1 : t->reply_fd);
}

/* One request; anything but 0 ends the connection. */
static int serve_message(struct transport *t)
{
	struct header *header = &t->msg.header;
	int err;

	t->reply_len = 0;
	t->reply_fd = -1;
	err = message_receive(&t->channel, &t->msg);
	if (err == -EMSGSIZE)
		send_reply(t, err);
	if (err)
		return err;
	if (header->flags & FLAG_TYPE)
		return -EPROTO;

	if (!t->negotiated && header->command != VERSION)
		err = -EPROTO;
	else
		err = run_command(t);
	if (err) {
		trace(t->gpu, TRACE_VFIO, "command %u (%u bytes) refused: %s", header->command,
		      header->size, strerror(-err));
		count(t->gpu, "vfio.refused", 1);
	}
	err = send_reply(t, err);
	return err ? err : t->negotiated ? 0 : -EPROTO;
}

static void serve_peer(struct transport *t)
{
	int err;

	t->negotiated = false;
	count(t->gpu, "vfio.peers", 1);
	do {
		err = serve_message(t);
		message_end(&t->msg);
	} while (!err);
	trace(t->gpu, TRACE_VFIO, "peer ends: %s", strerror(-err));
	if (err != -ECONNRESET && err != -EPIPE && err != -EINTR)
		fprintf(stderr, "gpu-emu: disconnecting the peer: %s\n", strerror(-err));

	/* Engines stop before their memory goes, or they would be blamed for it. */
	set_irq_fd(t, -1);
	device_reset(t);
	memory_unmap_all(t->gpu);
	close(t->channel.peer);
	t->channel.peer = -1;
}

static int serve(struct transport *t, int listener, bool once)
{
	int err;

	do {
		err = channel_wait(&t->channel, listener, POLLIN);
		if (err)
			break;
		t->channel.peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (t->channel.peer >= 0)
			serve_peer(t);
		else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			err = -errno;
	} while (!err && !t->channel.stopped && !(once && counted(t->gpu, "vfio.peers")));
	return err == -EINTR ? 0 : err;
}

int transport_run(struct gpu *gpu, const char *path, bool once)
{
	struct transport *t = calloc(1, sizeof(*t));
	int listener, err;

	if (!t) {
		fprintf(stderr, "gpu-emu: no memory for the transport\n");
		return -ENOMEM;
	}
	t->gpu = gpu;
	t->irq_fd = -1;
	pci_init(&t->pci, gpu);
	pthread_mutex_init(&t->irq_lock, NULL);
	err = channel_open(&t->channel, gpu);
	if (err)
		goto out;
	listener = socket_listen(path);
	if (listener < 0) {
		err = listener;
		goto out;
	}
	__atomic_store_n(&gpu->transport, t, __ATOMIC_RELEASE);
	err = serve(t, listener, once);
	if (err)
		fprintf(stderr, "gpu-emu: cannot serve %s: %s\n", path, strerror(-err));
	/* Without a peer the engines are idle, so nobody raises an interrupt now. */
	__atomic_store_n(&gpu->transport, NULL, __ATOMIC_RELEASE);
	unlink(path);
	close(listener);
out:
	channel_close(&t->channel);
	pthread_mutex_destroy(&t->irq_lock);
	free(t);
	return err;
}

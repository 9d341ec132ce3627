/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the vfio-user protocol on a UNIX socket: framing, file
 * descriptors, waiting. What a message means is vfio_user.c's business.
 *
 * Nothing here blocks for good: every wait also ends when SIGTERM or SIGINT
 * arrives (-EINTR), and serves SIGUSR1 on the way.
 */
#ifndef EMU_VFIO_SOCKET_H
#define EMU_VFIO_SOCKET_H

#include "gpu.h"

#define MAX_DATA (1u << 20)		/* bytes that one region access moves */
#define MAX_BODY (MAX_DATA + 64)	/* the largest fixed part is smaller than 64 */
#define MAX_MSG_FDS 8

#define FLAG_TYPE 0xf			/* 0 is a request, 1 a reply */
#define FLAG_REPLY 0x1
#define FLAG_NO_REPLY 0x10
#define FLAG_ERROR 0x20

struct header {
	u16 id;
	u16 command;
	u32 size;			/* with this header */
	u32 flags;
	u32 error;
};

struct message {
	struct header header;
	u32 len;			/* of the body */
	unsigned int num_fds;
	bool too_many_fds;		/* and the rest is gone */
	int fds[MAX_MSG_FDS];		/* who keeps one puts -1 here */
	_Alignas(8) u8 body[MAX_BODY];
};

struct channel {
	struct gpu *gpu;
	int signals;			/* signalfd */
	int peer;
	bool stopped;
};

/* A listening socket at @path, or -errno after saying why. Takes the place of a
 * socket that nobody listens on any more, of nothing else. */
int socket_listen(const char *path);
/* Opens ->signals; the signals must be blocked in every thread. */
int channel_open(struct channel *channel, struct gpu *gpu);
void channel_close(struct channel *channel);
/* Waits until @fd is ready: 0, or -EINTR when told to stop. */
int channel_wait(struct channel *channel, int fd, short events);
/*
 * The next message: 0, -EINTR, or another error after which the peer is not to
 * be listened to any more (-ECONNRESET: it is gone). -EMSGSIZE leaves the header
 * filled in. The caller ends every message with message_end(), which closes what
 * nobody kept, also after an error.
 */
int message_receive(struct channel *channel, struct message *msg);
void message_end(struct message *msg);
/* @fd >= 0 goes along. */
int message_send(struct channel *channel, const struct header *header, const void *body,
		 size_t len, int fd);

#endif

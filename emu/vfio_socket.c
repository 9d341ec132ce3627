// SPDX-License-Identifier: GPL-2.0-only
/*
 * Framing and waiting. A message is read in exactly two steps, header and body:
 * reading further ahead would be faster by a system call, but then the kernel
 * could hand out one message's file descriptors with another's bytes.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vfio_socket.h"

/* ---- listening ---- */

static bool is_stale(const struct sockaddr_un *addr)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(addr->sun_path, &st) || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) && errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int say_errno(const char *what, const char *path)
{
	int err = -errno;

	fprintf(stderr, "gpu-emu: cannot %s %s: %s\n", what, path, strerror(-err));
	return err;
}

int socket_listen(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		fprintf(stderr, "gpu-emu: the socket's path is longer than %zu bytes: %s\n",
			sizeof(addr.sun_path) - 1, path);
		return -ENAMETOOLONG;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return say_errno("make a socket for", path);
	if (is_stale(&addr))
		unlink(path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1)) {
		err = say_errno("listen on", path);
		close(fd);
		return err;
	}
	return fd;
}

/* ---- waiting ---- */

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
}

int channel_open(struct channel *channel, struct gpu *gpu)
{
	sigset_t set;

	*channel = (struct channel){ .gpu = gpu, .signals = -1, .peer = -1 };
	handled_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	channel->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (channel->signals < 0)
		return say_errno("watch for signals with", "signalfd");
	return 0;
}

void channel_close(struct channel *channel)
{
	if (channel->signals >= 0)
		close(channel->signals);
	channel->signals = -1;
}

static void take_signals(struct channel *channel)
{
	struct signalfd_siginfo info;

	while (read(channel->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			report_write(channel->gpu);
		else
			channel->stopped = true;
	}
}

int channel_wait(struct channel *channel, int fd, short events)
{
	struct pollfd fds[] = {
		{ .fd = channel->signals, .events = POLLIN },
		{ .fd = fd, .events = events },
	};

	while (!channel->stopped) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return -errno;
		if (fds[0].revents)
			take_signals(channel);
		else if (fds[1].revents)
			return 0;
	}
	return -EINTR;
}

/* ---- receiving ---- */

static void keep_fds(struct message *msg, struct msghdr *mh)
{
	if (mh->msg_flags & MSG_CTRUNC)
		msg->too_many_fds = true;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (msg->num_fds < MAX_MSG_FDS) {
				msg->fds[msg->num_fds++] = fd;
			} else {
				msg->too_many_fds = true;
				close(fd);
			}
		}
	}
}

static ssize_t receive_some(struct channel *channel, struct message *msg, void *buf, size_t len)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(MAX_MSG_FDS * sizeof(int))];
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr mh = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(channel->peer, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	keep_fds(msg, &mh);
	return n;
}

static int receive_all(struct channel *channel, struct message *msg, void *buf, size_t len)
{
	u8 *at = buf;

	while (len) {
		ssize_t n = receive_some(channel, msg, at, len);

		if (n == 0)
			return -ECONNRESET;
		if (n == -EAGAIN || n == -EINTR)
			n = channel_wait(channel, channel->peer, POLLIN);
		if (n < 0)
			return (int)n;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int message_receive(struct channel *channel, struct message *msg)
{
	int err;

	msg->len = 0;
	msg->num_fds = 0;
	msg->too_many_fds = false;
	/* Waits even if there is something: signals are seen under a flood as well. */
	err = channel_wait(channel, channel->peer, POLLIN);
	if (!err)
		err = receive_all(channel, msg, &msg->header, sizeof(msg->header));
	if (err)
		return err;
	if (msg->header.size < sizeof(msg->header) ||
	    msg->header.size > sizeof(msg->header) + MAX_BODY)
		return -EMSGSIZE;
	msg->len = msg->header.size - (u32)sizeof(msg->header);
	return receive_all(channel, msg, msg->body, msg->len);
}

void message_end(struct message *msg)
{
	for (unsigned int i = 0; i < msg->num_fds; i++)
		if (msg->fds[i] >= 0)
			close(msg->fds[i]);
	msg->num_fds = 0;
}

/* ---- sending ---- */

static void attach_fd(struct msghdr *mh, void *control, size_t size, int fd)
{
	struct cmsghdr *c;

	memset(control, 0, size);
	mh->msg_control = control;
	mh->msg_controllen = size;
	c = CMSG_FIRSTHDR(mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
}

static void skip(struct iovec *iov, size_t n)
{
	for (; n; iov++) {
		size_t part = n < iov->iov_len ? n : iov->iov_len;

		iov->iov_base = (u8 *)iov->iov_base + part;
		iov->iov_len -= part;
		n -= part;
	}
}

int message_send(struct channel *channel, const struct header *header, const void *body,
		 size_t len, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov[2] = {
		{ .iov_base = (void *)header, .iov_len = sizeof(*header) },
		{ .iov_base = (void *)body, .iov_len = len },
	};
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };

	if (fd >= 0)
		attach_fd(&mh, control, sizeof(control), fd);
	while (iov[0].iov_len + iov[1].iov_len) {
		ssize_t n = sendmsg(channel->peer, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
		int err;

		if (n >= 0) {
			/* The descriptor went with the first byte. */
			mh.msg_control = NULL;
			mh.msg_controllen = 0;
			skip(iov, (size_t)n);
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = channel_wait(channel, channel->peer, POLLOUT);
		if (err)
			return err;
	}
	return 0;
}

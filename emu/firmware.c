// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stub firmware. The driver refuses to start without its files and loads them
 * into the engines; here nothing executes them, so the payload is zeros. Only
 * the headers count. The payload is short because with fw_load_type=0 the
 * driver writes it dword by dword through registers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asic.h"

#define COMMON_HEADER_SIZE 32
#define PAYLOAD_SIZE 256
#define JUMP_TABLE_AT 32		/* dwords into the payload */
#define JUMP_TABLE_SIZE 4		/* dwords */
#define RLC_HEADER_SIZE 104		/* version 2.0 */
#define MEC_HEADER_SIZE 44		/* version 1.0 */
#define SDMA_HEADER_SIZE 48		/* version 1.0 */
#define MAX_FILE_SIZE (RLC_HEADER_SIZE + PAYLOAD_SIZE)

static void set16(u8 *at, u16 value)
{
	at[0] = (u8)value;
	at[1] = (u8)(value >> 8);
}

static void set32(u8 *at, u32 value)
{
	set16(at, (u16)value);
	set16(at + 2, (u16)(value >> 16));
}

static size_t header_size(enum firmware_kind kind)
{
	switch (kind) {
	case FIRMWARE_RLC:
		return RLC_HEADER_SIZE;
	case FIRMWARE_MEC:
		return MEC_HEADER_SIZE;
	case FIRMWARE_SDMA:
		return SDMA_HEADER_SIZE;
	}
	return 0;
}

/* What follows the common header. RLC's many lists stay empty: offsets and
 * sizes of zero, so only the fields before them are set. */
static void set_specific(u8 *at, const struct asic_firmware *fw)
{
	bool sdma = fw->kind == FIRMWARE_SDMA;	/* has ucode_change_version in between */
	u8 *jump_table = at + (sdma ? 8 : 4);

	set32(at, fw->feature_version);
	set32(jump_table, JUMP_TABLE_AT);
	set32(jump_table + 4, JUMP_TABLE_SIZE);
}

static size_t build(u8 *buf, const struct asic_firmware *fw)
{
	size_t header = header_size(fw->kind);
	size_t size = header + PAYLOAD_SIZE;

	memset(buf, 0, MAX_FILE_SIZE);
	set32(buf, (u32)size);
	set32(buf + 4, (u32)header);
	set16(buf + 8, fw->kind == FIRMWARE_RLC ? 2 : 1);	/* header version */
	set32(buf + 16, fw->ucode_version);
	set32(buf + 20, PAYLOAD_SIZE);
	set32(buf + 24, (u32)header);				/* where the payload is */
	/* The CRC at 28 stays zero: the driver does not check it. */
	set_specific(buf + COMMON_HEADER_SIZE, fw);
	return size;
}

/* mkdir -p */
static int make_dirs(char *path)
{
	for (char *slash = path + 1;; slash++) {
		bool last = !*slash;

		if (!last && *slash != '/')
			continue;
		*slash = '\0';
		if (mkdir(path, 0755) && errno != EEXIST) {
			int err = errno;

			fprintf(stderr, "firmware: %s: %s\n", path, strerror(err));
			return -err;
		}
		if (last)
			return 0;
		*slash = '/';
	}
}

static int write_all(int fd, const u8 *buf, size_t size)
{
	while (size) {
		ssize_t n = write(fd, buf, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		size -= (size_t)n;
	}
	return 0;
}

/* A reader sees the old file, the new file or none, never half of one. */
static int write_file(const char *path, const u8 *buf, size_t size)
{
	char *tmp;
	int fd, ret;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		return -ENOMEM;
	fd = mkstemp(tmp);
	if (fd < 0) {
		ret = -errno;
		goto out;
	}
	ret = write_all(fd, buf, size);
	if (!ret && fchmod(fd, 0644))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret)
		unlink(tmp);
out:
	if (ret)
		fprintf(stderr, "firmware: %s: %s\n", path, strerror(-ret));
	free(tmp);
	return ret;
}

int firmware_write(const char *name, const char *dir)
{
	const struct asic *asic = asic_find(name);
	u8 buf[MAX_FILE_SIZE];
	char *sub, *path;
	int ret;

	if (!asic) {
		fprintf(stderr, "firmware: no such ASIC: %s\n", name);
		return -EINVAL;
	}
	if (!*dir) {
		fprintf(stderr, "firmware: empty directory name\n");
		return -EINVAL;
	}
	if (asprintf(&sub, "%s/amdgpu", dir) < 0)
		return -ENOMEM;
	ret = make_dirs(sub);
	for (u32 i = 0; !ret && i < asic->num_firmware; i++) {
		size_t size = build(buf, &asic->firmware[i]);

		if (asprintf(&path, "%s/%s", sub, asic->firmware[i].file) < 0) {
			ret = -ENOMEM;
			break;
		}
		ret = write_file(path, buf, size);
		free(path);
	}
	free(sub);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDMA packets. The first dword of a packet is op in bits 7:0 and sub-op in
 * bits 15:8; everything else depends on it.
 *
 * Tiled copies and fills, semaphores, PTE copies and the verifying polls are not
 * there: no driver of this GPU uses them, and they are refused.
 */
#include <errno.h>

#include "sdma.h"

enum {
	OP_NOP, OP_COPY, OP_WRITE, OP_INDIRECT = 4, OP_FENCE, OP_TRAP, OP_POLL_REGMEM = 8,
	OP_COND_EXE, OP_ATOMIC, OP_CONST_FILL, OP_PTEPDE, OP_TIMESTAMP, OP_SRBM_WRITE,
	OP_PRE_EXE, OP_DUMMY_TRAP, NUM_OPS,
};

enum { COPY_LINEAR = 0, COPY_LINEAR_SUBWIN = 4 };
enum { POLL_REGMEM = 0, POLL_REG_WRITE_MEM = 1 };

#define MAX_PACKET_DWORDS 13
#define BYTES_MASK 0x3fffffffu		/* byte counts of this generation have 30 bits */
#define POLL_FOREVER 0xfffu
#define POLL_MIN_US 10
#define POLL_MAX_US 500

static u64 addr_of(const u32 *dw)
{
	return dw[0] | (u64)dw[1] << 32;
}

/* The rest of a packet whose header has been read into dw[0]. */
static int read_body(struct stream *s, u32 *dw, unsigned int packet_dwords)
{
	return stream_read(s, dw + 1, packet_dwords - 1);
}

static int do_nop(struct stream *s, u32 *dw)
{
	int ret = stream_skip(s, dw[0] >> 16 & 0x3fff);

	if (!ret)
		stream_skip_filler(s, OP_NOP);
	return ret;
}

static int copy_twice(struct stream *s, const u32 *dw, u64 bytes)
{
	int ret = queue_copy(s, addr_of(dw + 5), addr_of(dw + 3), bytes);

	s->queue->resume.done = 0;	/* not enough to tell the two apart */
	if (!ret)
		ret = queue_copy(s, addr_of(dw + 7), addr_of(dw + 3), bytes);
	s->queue->resume.done = 0;
	return ret;
}

static int do_copy_linear(struct stream *s, u32 *dw)
{
	bool broadcast = dw[0] >> 27 & 1;
	int ret = read_body(s, dw, broadcast ? 9 : 7);
	u64 bytes;

	if (ret)
		return ret;
	bytes = (u64)(dw[1] & BYTES_MASK) + 1;
	count(s->queue->gpu, "sdma.copies", 1);
	count(s->queue->gpu, "sdma.copied_bytes", bytes);
	trace(s->queue->gpu, TRACE_SDMA, "%s: copy 0x%llx to 0x%llx, %llu bytes", s->queue->name,
	      (unsigned long long)addr_of(dw + 3), (unsigned long long)addr_of(dw + 5),
	      (unsigned long long)bytes);
	if (broadcast)
		return copy_twice(s, dw, bytes);
	return queue_copy(s, addr_of(dw + 5), addr_of(dw + 3), bytes);
}

/* A box out of linear surfaces; pitches and extents are given minus one. */
struct window {
	u64 addr;
	u64 x, y, z;
	u64 pitch, slice;
};

static struct window parse_window(const u32 *dw)
{
	return (struct window){
		.addr = addr_of(dw),
		.x = dw[2] & 0x3fff, .y = dw[2] >> 16 & 0x3fff, .z = dw[3] & 0x7ff,
		.pitch = (u64)(dw[3] >> 13 & 0x7ffff) + 1, .slice = (u64)(dw[4] & 0xfffffff) + 1,
	};
}

static u64 row_addr(const struct window *w, u64 y, u64 z, unsigned int shift)
{
	return w->addr + ((w->x + (w->y + y) * w->pitch + (w->z + z) * w->slice) << shift);
}

static int do_copy_window(struct stream *s, u32 *dw)
{
	int ret = read_body(s, dw, 13);
	struct window src, dst;
	unsigned int shift = dw[0] >> 29;
	u64 width, height, depth;

	if (ret)
		return ret;
	if (shift > 4)
		return queue_bad_packet(s, dw[0], "element size");
	src = parse_window(dw + 1);
	dst = parse_window(dw + 6);
	width = (u64)(dw[11] & 0x3fff) + 1;
	height = (u64)(dw[11] >> 16 & 0x3fff) + 1;
	depth = (u64)(dw[12] & 0x7ff) + 1;
	for (u64 row = 0; !ret && row < height * depth; row++) {
		u64 y = row % height;
		u64 z = row / height;

		ret = queue_copy(s, row_addr(&dst, y, z, shift), row_addr(&src, y, z, shift),
				 width << shift);
		s->queue->resume.done = 0;
	}
	return ret;
}

static int do_copy(struct stream *s, u32 *dw)
{
	switch (dw[0] >> 8 & 0xff) {
	case COPY_LINEAR:
		return do_copy_linear(s, dw);
	case COPY_LINEAR_SUBWIN:
		return do_copy_window(s, dw);
	}
	return queue_bad_packet(s, dw[0], "unsupported copy");
}

static int do_write(struct stream *s, u32 *dw)
{
	int ret;
	u64 dst;
	u64 left;

	if (dw[0] >> 8 & 0xff)
		return queue_bad_packet(s, dw[0], "unsupported write");
	ret = read_body(s, dw, 4);
	if (ret)
		return ret;
	dst = addr_of(dw + 1) & ~3ull;
	left = (u64)(dw[3] & 0xfffff) + 1;
	trace(s->queue->gpu, TRACE_SDMA, "%s: write to 0x%llx, %llu dwords", s->queue->name,
	      (unsigned long long)dst, (unsigned long long)left);
	while (!ret && left) {
		u32 data[STREAM_CACHE];
		u64 n = left < STREAM_CACHE ? left : STREAM_CACHE;

		ret = stream_read(s, data, n);
		if (!ret)
			ret = queue_write(s, dst, data, 4 * n);
		dst += 4 * n;
		left -= n;
	}
	return ret;
}

static int do_indirect(struct stream *s, u32 *dw)
{
	struct sdma_context *context = sdma_context(s->queue);
	int ret = read_body(s, dw, 6);
	unsigned int vmid = dw[0] >> 16 & 0xf;

	if (ret)
		return ret;
	if (s->depth)
		return queue_bad_packet(s, dw[0], "indirect buffers do not nest");
	if (s->pos & 7)
		return queue_bad_packet(s, dw[0], "does not end at 8 dwords");
	if (dw[1] & 0x1f)
		return queue_bad_packet(s, dw[0], "indirect buffer is not aligned to 32 bytes");
	if (!sdma_ib_enabled(context))
		return -EAGAIN;
	/* Only the kernel's ring may choose an address space. */
	if (s->vmid)
		vmid = s->vmid;
	return queue_run_ib(s, addr_of(dw + 1), dw[3] & 0xfffff, vmid, s->privileged && !vmid);
}

static int do_fence(struct stream *s, u32 *dw)
{
	int ret = read_body(s, dw, 4);

	if (ret)
		return ret;
	count(s->queue->gpu, "sdma.fences", 1);
	return queue_write(s, addr_of(dw + 1) & ~3ull, &dw[3], 4);
}

static int do_trap(struct stream *s, u32 *dw)
{
	int ret = read_body(s, dw, 2);

	if (!ret)
		sdma_interrupt(sdma_context(s->queue), SDMA_INT_TRAP, s->vmid, dw[1] & 0xfffffff);
	return ret;
}

static int do_dummy_trap(struct stream *s, u32 *dw)
{
	return read_body(s, dw, 2);
}

static int poll_value(struct stream *s, const u32 *dw, u32 *value)
{
	struct gpu *gpu = s->queue->gpu;

	*value = 0;
	if (dw[0] >> 31)
		return queue_read(s, addr_of(dw + 1) & ~3ull, value, 4);
	*value = reg_read(gpu, sdma_register(sdma_context(s->queue)->engine, dw[1] >> 2));
	return 0;
}

static int do_poll_regmem(struct stream *s, u32 *dw)
{
	struct sdma_context *context = sdma_context(s->queue);
	unsigned int retries;
	unsigned int us = POLL_MIN_US;
	int ret = read_body(s, dw, 6);

	if (ret)
		return ret;
	retries = dw[5] >> 16 & 0xfff;
	/* HDP flush: the request goes to the second register. */
	if (dw[0] >> 26 & 1) {
		if (!s->privileged)
			return queue_bad_packet(s, dw[0], "HDP flush outside the kernel's ring");
		reg_write(context->engine->gpu, sdma_register(context->engine, dw[2] >> 2), dw[3]);
	}
	for (unsigned int n = 0;; n++) {
		u32 value;

		ret = poll_value(s, dw, &value);
		if (ret || wait_satisfied(dw[0] >> 28 & 7, value, dw[4], dw[3]))
			return ret;
		if (retries != POLL_FOREVER && n >= retries) {
			sdma_interrupt(context, SDMA_INT_POLL_TIMEOUT, s->vmid, 0);
			return 0;
		}
		ret = queue_sleep(s->queue, us);
		if (ret)
			return ret;
		us = us < POLL_MAX_US ? us * 2 : us;
	}
}

static int do_poll(struct stream *s, u32 *dw)
{
	u32 value;
	int ret;

	switch (dw[0] >> 8 & 0xff) {
	case POLL_REGMEM:
		return do_poll_regmem(s, dw);
	case POLL_REG_WRITE_MEM:
		ret = read_body(s, dw, 4);
		if (ret)
			return ret;
		value = reg_read(s->queue->gpu,
				 sdma_register(sdma_context(s->queue)->engine, dw[1] >> 2));
		return queue_write(s, addr_of(dw + 2) & ~3ull, &value, 4);
	}
	return queue_bad_packet(s, dw[0], "unsupported poll");
}

static int do_cond_exe(struct stream *s, u32 *dw)
{
	u32 value = 0;
	int ret = read_body(s, dw, 5);

	if (!ret)
		ret = queue_read(s, addr_of(dw + 1) & ~3ull, &value, 4);
	if (ret || value == dw[3])
		return ret;
	return stream_skip(s, dw[4] & 0x3fff);
}

/* One device only: it is device 0. */
static int do_pre_exe(struct stream *s, u32 *dw)
{
	int ret = read_body(s, dw, 2);

	if (ret || dw[0] >> 16 & 1)
		return ret;
	return stream_skip(s, dw[1] & 0x3fff);
}

static int do_atomic(struct stream *s, u32 *dw)
{
	unsigned int op = dw[0] >> 25;
	bool loop = dw[0] >> 16 & 1;
	int ret = read_body(s, dw, 8);

	if (ret)
		return ret;
	if (!atomic_is_known(op))
		return queue_bad_packet(s, dw[0], "unsupported atomic");
	if (addr_of(dw + 1) & (atomic_is_64(op) ? 7 : 3))
		return queue_bad_packet(s, dw[0], "atomic is not aligned");
	for (;;) {
		u64 cmp = addr_of(dw + 5);
		u64 old;

		ret = queue_atomic(s, op, addr_of(dw + 1), addr_of(dw + 3), cmp, &old);
		if (ret || !loop || old == (atomic_is_64(op) ? cmp : (u32)cmp))
			return ret;
		ret = queue_sleep(s->queue, POLL_MAX_US);
		if (ret)
			return ret;
	}
}

static int do_const_fill(struct stream *s, u32 *dw)
{
	unsigned int size = 1u << (dw[0] >> 30);
	int ret = read_body(s, dw, 5);

	if (ret)
		return ret;
	if (dw[0] >> 8 & 0xff || size > 4)
		return queue_bad_packet(s, dw[0], "unsupported fill");
	count(s->queue->gpu, "sdma.fills", 1);
	trace(s->queue->gpu, TRACE_SDMA, "%s: fill 0x%llx with 0x%08x, %u bytes", s->queue->name,
	      (unsigned long long)addr_of(dw + 1), dw[3], (dw[4] & BYTES_MASK) + 1);
	return queue_fill(s, addr_of(dw + 1), dw[3], size, (u64)(dw[4] & BYTES_MASK) + 1);
}

/* GEN: entries that count up from a first value, all with the same flags. */
static int do_ptepde(struct stream *s, u32 *dw)
{
	int ret;
	u64 dst, flags, value, step, left;

	if (dw[0] >> 8 & 0xff)
		return queue_bad_packet(s, dw[0], "unsupported PTE update");
	ret = read_body(s, dw, 10);
	if (ret)
		return ret;
	dst = addr_of(dw + 1) & ~7ull;
	flags = addr_of(dw + 3);
	value = addr_of(dw + 5);
	step = addr_of(dw + 7);
	left = (u64)(dw[9] & 0x7ffff) + 1;
	count(s->queue->gpu, "sdma.ptes", left);
	while (!ret && left) {
		u64 entry[STREAM_CACHE];
		u64 n = left < STREAM_CACHE ? left : STREAM_CACHE;

		for (u64 i = 0; i < n; i++, value += step)
			entry[i] = value | flags;
		ret = queue_write(s, dst, entry, 8 * n);
		dst += 8 * n;
		left -= n;
	}
	return ret;
}

static int do_timestamp(struct stream *s, u32 *dw)
{
	struct sdma_engine *engine = sdma_context(s->queue)->engine;
	u64 now = gpu_clock();
	int ret = read_body(s, dw, 3);

	if (ret)
		return ret;
	switch (dw[0] >> 8 & 0xff) {
	case 0:
		atomic_store(&engine->clock_offset, addr_of(dw + 1) - now);
		return 0;
	case 1:
		now += atomic_load(&engine->clock_offset);
		return queue_write(s, addr_of(dw + 1) & ~7ull, &now, 8);
	case 2:
		return queue_write(s, addr_of(dw + 1) & ~7ull, &now, 8);
	}
	return queue_bad_packet(s, dw[0], "unsupported timestamp");
}

/* Outside the kernel's ring the write is dropped and the driver told. */
static int do_srbm_write(struct stream *s, u32 *dw)
{
	struct sdma_context *context = sdma_context(s->queue);
	struct gpu *gpu = s->queue->gpu;
	int ret = read_body(s, dw, 3);
	u32 mask = 0;
	u32 reg;

	if (ret)
		return ret;
	if (!s->privileged) {
		count(gpu, "sdma.register_writes_refused", 1);
		sdma_interrupt(context, SDMA_INT_SRBM_WRITE, s->vmid, 0);
		return 0;
	}
	for (unsigned int i = 0; i < 4; i++)
		if (dw[0] >> (28 + i) & 1)
			mask |= 0xffu << 8 * i;
	/* The header file gives the address 18 bits; other AIDs' hubs need more. */
	reg = sdma_register(context->engine, dw[1]);
	if (mask != 0xffffffff)
		dw[2] = (dw[2] & mask) | (reg_load(gpu, reg) & ~mask);
	reg_write(gpu, reg, dw[2]);
	return 0;
}

static int (*const handlers[NUM_OPS])(struct stream *s, u32 *dw) = {
	[OP_NOP] = do_nop,
	[OP_COPY] = do_copy,
	[OP_WRITE] = do_write,
	[OP_INDIRECT] = do_indirect,
	[OP_FENCE] = do_fence,
	[OP_TRAP] = do_trap,
	[OP_POLL_REGMEM] = do_poll,
	[OP_COND_EXE] = do_cond_exe,
	[OP_ATOMIC] = do_atomic,
	[OP_CONST_FILL] = do_const_fill,
	[OP_PTEPDE] = do_ptepde,
	[OP_TIMESTAMP] = do_timestamp,
	[OP_SRBM_WRITE] = do_srbm_write,
	[OP_PRE_EXE] = do_pre_exe,
	[OP_DUMMY_TRAP] = do_dummy_trap,
};

int sdma_packet(struct queue *queue, struct stream *stream)
{
	u32 dw[MAX_PACKET_DWORDS];
	unsigned int op;
	int ret = stream_read(stream, dw, 1);

	if (ret)
		return ret;
	op = dw[0] & 0xff;
	trace(queue->gpu, TRACE_SDMA, "%s: vmid %u %s 0x%08x", queue->name, stream->vmid,
	      stream->depth ? "ib" : "rb", dw[0]);
	if (op >= NUM_OPS || !handlers[op])
		return queue_bad_packet(stream, dw[0], "unknown packet");
	return handlers[op](stream, dw);
}

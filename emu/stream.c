// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all engines' packets have in common: being fetched from a ring or an
 * indirect buffer, and the transfers they ask for.
 */
#include <errno.h>
#include <string.h>

#include "queue.h"

static u64 stream_va(const struct stream *stream, u64 pos)
{
	return stream->base + 4 * (stream->depth ? pos : pos & (stream->size - 1));
}

/* Fetches from the position to the end of what is there, the page or the cache. */
static int fill_cache(struct stream *stream)
{
	struct queue *queue = stream->queue;
	u64 va = stream_va(stream, stream->pos);
	u64 n = stream->end - stream->pos;
	u64 page = (GPU_PAGE_SIZE - (va & (GPU_PAGE_SIZE - 1))) / 4;
	int ret;

	if (!stream->depth && n > stream->size - (stream->pos & (stream->size - 1)))
		n = stream->size - (stream->pos & (stream->size - 1));
	if (page && n > page)
		n = page;
	if (n > STREAM_CACHE)
		n = STREAM_CACHE;
	stream->cache_len = 0;
	ret = vm_read(&queue->port, stream->vmid, va, stream->cache, 4 * n);
	if (ret == -EFAULT) {
		count(queue->gpu, "queue.fetch_faults", 1);
		trace(queue->gpu, queue->trace, "%s: fault at packet 0x%llx", queue->name,
		      (unsigned long long)va);
	}
	if (ret)
		return ret;
	stream->cache_pos = stream->pos;
	stream->cache_len = (u32)n;
	return 0;
}

static int check_end(const struct stream *stream, u64 n)
{
	struct queue *queue = stream->queue;

	if (n <= stream->end - stream->pos)
		return 0;
	verdict(queue->gpu, "ring-overrun", "%s: packet at dword %llu of %s goes on behind dword %llu",
		queue->name, (unsigned long long)stream->pos, stream->depth ? "an IB" : "the ring",
		(unsigned long long)stream->end);
	return -ENODATA;
}

int stream_read(struct stream *stream, u32 *dw, u64 n)
{
	int ret = check_end(stream, n);

	while (!ret && n) {
		u64 offset = stream->pos - stream->cache_pos;
		u64 have;

		if (stream->pos < stream->cache_pos || offset >= stream->cache_len) {
			ret = fill_cache(stream);
			continue;
		}
		have = stream->cache_len - offset;
		if (have > n)
			have = n;
		memcpy(dw, stream->cache + offset, 4 * have);
		stream->pos += have;
		dw += have;
		n -= have;
	}
	return ret;
}

int stream_skip(struct stream *stream, u64 n)
{
	int ret = check_end(stream, n);

	if (!ret)
		stream->pos += n;
	return ret;
}

void stream_skip_filler(struct stream *stream, u32 filler)
{
	while (stream->pos < stream->end) {
		u64 offset = stream->pos - stream->cache_pos;

		if (stream->pos < stream->cache_pos || offset >= stream->cache_len) {
			/* A failure here will meet the next packet as well. */
			if (fill_cache(stream))
				return;
		} else if (stream->cache[offset] == filler) {
			stream->pos++;
		} else {
			return;
		}
	}
}

int queue_bad_packet(struct stream *stream, u32 header, const char *why)
{
	struct queue *queue = stream->queue;

	/* The report outlives the queue and its name. */
	unknown_packet(queue->gpu, queue->trace == TRACE_SDMA ? "sdma" : "cp", header);
	verdict(queue->gpu, "bad-packet", "%s: 0x%08x before dword %llu of %s: %s", queue->name,
		header, (unsigned long long)stream->pos, stream->depth ? "an IB" : "the ring", why);
	return -EPROTO;
}

int queue_run_ib(struct stream *parent, u64 addr, u64 size, unsigned int vmid, bool privileged)
{
	struct queue *queue = parent->queue;
	struct resume *resume = &queue->resume;
	struct stream ib = {
		.queue = queue, .vmid = vmid, .depth = parent->depth + 1,
		.privileged = privileged, .base = addr, .size = size, .end = size,
	};

	if (ib.depth > MAX_IB_DEPTH)
		return queue_bad_packet(parent, 0, "indirect buffers nest too deep");
	if (ib.depth == 1 && size && resume->ib_addr == addr && resume->ib_size == size)
		ib.pos = resume->ib_pos;
	while (ib.pos < ib.end) {
		u64 pos = ib.pos;
		int ret;

		queue_chaos(&ib);
		ret = queue_stopping(queue) ? -EINTR : queue->ops->packet(queue, &ib);

		/* A chained buffer replaces this one: it is started again as a whole. */
		if (ret == -EINTR && ib.depth == 1 && ib.base == addr) {
			resume->ib_addr = addr;
			resume->ib_size = (u32)size;
			resume->ib_pos = (u32)pos;
		}
		if (ret)
			return ret;
		resume->done = 0;
	}
	return 0;
}

/* What a final fault means to a transfer: its rest is lost, the queue goes on. */
static int transfer_result(struct stream *stream, u64 va, int ret)
{
	struct queue *queue = stream->queue;

	if (ret != -EFAULT)
		return ret;
	count(queue->gpu, "queue.faulted_transfers", 1);
	trace(queue->gpu, queue->trace, "%s: transfer ended by a fault, vmid %u, piece at 0x%llx",
	      queue->name, stream->vmid, (unsigned long long)va);
	return 0;
}

int queue_read(struct stream *stream, u64 va, void *buf, size_t len)
{
	return transfer_result(stream, va,
			       vm_read(&stream->queue->port, stream->vmid, va, buf, len));
}

int queue_write(struct stream *stream, u64 va, const void *buf, size_t len)
{
	return transfer_result(stream, va,
			       vm_write(&stream->queue->port, stream->vmid, va, buf, len));
}

int queue_copy(struct stream *stream, u64 dst, u64 src, u64 len)
{
	struct queue *queue = stream->queue;
	u64 done = queue->resume.done;

	while (done < len) {
		u64 n = len - done;
		u64 at = src + done;
		int ret = queue_stopping(queue) ? -EINTR : 0;

		if (n > QUEUE_SCRATCH)
			n = QUEUE_SCRATCH;
		if (!ret)
			ret = vm_read(&queue->port, stream->vmid, at, queue->scratch, n);
		if (!ret) {
			at = dst + done;
			ret = vm_write(&queue->port, stream->vmid, at, queue->scratch, n);
		}
		if (ret == -EINTR)
			queue->resume.done = done;
		if (ret)
			return transfer_result(stream, at, ret);
		done += n;
	}
	return 0;
}

int queue_fill(struct stream *stream, u64 dst, u32 pattern, unsigned int size, u64 len)
{
	struct queue *queue = stream->queue;
	u64 done = queue->resume.done;
	u64 block = len < QUEUE_SCRATCH ? len : QUEUE_SCRATCH;

	/* The scratch buffer is a multiple of every pattern size. */
	for (u64 i = 0; i < block; i++)
		queue->scratch[i] = (u8)(pattern >> 8 * (i % size));
	while (done < len) {
		u64 n = len - done < block ? len - done : block;
		int ret = queue_stopping(queue) ? -EINTR : 0;

		if (!ret)
			ret = vm_write(&queue->port, stream->vmid, dst + done, queue->scratch, n);
		if (ret == -EINTR)
			queue->resume.done = done;
		if (ret)
			return transfer_result(stream, dst + done, ret);
		done += n;
	}
	return 0;
}

/* Operation numbers of the texture cache: bit 5 is 64 bits, bit 6 no return. */
enum {
	TC_SWAP = 0x07, TC_CMPSWAP = 0x08, TC_ADD = 0x0f, TC_SUB, TC_SMIN, TC_UMIN, TC_SMAX,
	TC_UMAX, TC_AND, TC_OR, TC_XOR, TC_INC, TC_DEC,
	TC_OP_MASK = 0x1f, TC_64 = 0x20,
};

struct atomic_args {
	unsigned int op;
	u64 src;
	u64 cmp;
};

bool atomic_is_64(unsigned int op)
{
	return op & TC_64;
}

bool atomic_is_known(unsigned int op)
{
	op &= TC_OP_MASK;
	return op == TC_SWAP || op == TC_CMPSWAP || (op >= TC_ADD && op <= TC_DEC);
}

static s64 as_signed(u64 value, bool is_64)
{
	return is_64 ? (s64)value : (s64)(int32_t)value;
}

static u64 apply_atomic(u64 old, const void *arg)
{
	const struct atomic_args *a = arg;
	bool is_64 = atomic_is_64(a->op);

	switch (a->op & TC_OP_MASK) {
	case TC_SWAP:
		return a->src;
	case TC_CMPSWAP:
		return old == a->cmp ? a->src : old;
	case TC_ADD:
		return old + a->src;
	case TC_SUB:
		return old - a->src;
	case TC_SMIN:
		return as_signed(a->src, is_64) < as_signed(old, is_64) ? a->src : old;
	case TC_SMAX:
		return as_signed(a->src, is_64) > as_signed(old, is_64) ? a->src : old;
	case TC_UMIN:
		return a->src < old ? a->src : old;
	case TC_UMAX:
		return a->src > old ? a->src : old;
	case TC_AND:
		return old & a->src;
	case TC_OR:
		return old | a->src;
	case TC_XOR:
		return old ^ a->src;
	case TC_INC:
		return old >= a->src ? 0 : old + 1;
	case TC_DEC:
		return !old || old > a->src ? a->src : old - 1;
	}
	return old;
}

int queue_atomic(struct stream *stream, unsigned int op, u64 va, u64 src, u64 cmp, u64 *old)
{
	struct atomic_args args = { .op = op, .src = src, .cmp = cmp };

	if (!atomic_is_64(op)) {
		args.src = (u32)src;
		args.cmp = (u32)cmp;
	}
	*old = 0;
	return transfer_result(stream, va,
			       vm_atomic(&stream->queue->port, stream->vmid, va,
					 atomic_is_64(op) ? 8 : 4, apply_atomic, &args, old));
}

bool wait_satisfied(unsigned int function, u32 value, u32 mask, u32 ref)
{
	value &= mask;
	switch (function) {
	case 0:
		return true;
	case 1:
		return value < ref;
	case 2:
		return value <= ref;
	case 3:
		return value == ref;
	case 4:
		return value != ref;
	case 5:
		return value >= ref;
	case 6:
		return value > ref;
	}
	return false;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dispatches: what the compute units do.
 *
 * There is no instruction set here. The kernels of kernels.h are known by their
 * code, byte by byte, and by a descriptor that gives them the registers they rely on;
 * what else comes is the verdict "unknown-kernel" and hangs the queue.
 *
 * Work-items run in pieces within which no operand crosses a page. So a piece has
 * either been stored or it has not, and an interrupted dispatch goes on behind the
 * last piece: a[i] += b[i] adds once. Of a process without XNACK their page faults are
 * final.
 */
#include <errno.h>
#include <string.h>

#include "cp.h"
#include "kernels.h"

#define CID_TCP 8		/* the vector memory's client of the hub */
#define CID_SQC_INST 9
#define CID_SQC_DATA 10

#define WAVE 64
#define MAX_WORKGROUP 1024
#define INDEX_SPAN (1ull << 30)	/* work-items until a 32-bit byte offset wraps */
#define PIECE_BYTES GPU_PAGE_SIZE

struct dispatch {
	struct aql *a;
	enum kernel kernel;
	struct kernel_args args;
	u64 count;		/* work-items that do something */
};

static int refuse(struct aql *a, const char *why)
{
	cp_interrupt(a->hqd, CP_INT_BAD_OPCODE, a->s->vmid, 0);
	return queue_bad_packet(a->s, a->dw[0], why);
}

/* One dimension, and nothing of what compute units have besides memory. */
static const char *refusal(const u32 *dw)
{
	u32 workgroup = dw[1] & 0xffff;

	if ((dw[0] >> 16 & 3) != 1 || dw[1] >> 16 != 1 || (dw[2] & 0xffff) != 1 ||
	    dw[4] != 1 || dw[5] != 1)
		return "dispatch is not one-dimensional";
	if (!workgroup || workgroup > MAX_WORKGROUP || !dw[3])
		return "dispatch of a size that there is not";
	if (dw[6] || dw[7])
		return "dispatch wants scratch memory or LDS";
	if (dw[8] & (KERNEL_DESCRIPTOR_BYTES - 1))
		return "kernel descriptor is not aligned";
	return NULL;
}

static bool descriptor_fits(const u8 *descriptor)
{
	u32 rsrc1, rsrc2;
	u16 properties;

	memcpy(&rsrc1, descriptor + KERNEL_RSRC1, sizeof(rsrc1));
	memcpy(&rsrc2, descriptor + KERNEL_RSRC2, sizeof(rsrc2));
	memcpy(&properties, descriptor + KERNEL_PROPERTIES, sizeof(properties));
	return rsrc1 == KERNEL_RSRC1_VALUE && rsrc2 == KERNEL_RSRC2_VALUE &&
	       properties == KERNEL_PROPERTIES_VALUE;
}

static int unknown_kernel(struct aql *a, u64 object, u64 code)
{
	verdict(a->hqd->xcc->gpu, "unknown-kernel",
		"%s: vmid %u, kernel object 0x%llx with code at 0x%llx", a->s->queue->name,
		a->s->vmid, (unsigned long long)object, (unsigned long long)code);
	return -ENOEXEC;
}

/* Shorter ones first: nothing is fetched behind the end of a kernel that is known. */
static int find_kernel(struct aql *a, u64 object, u64 code, enum kernel *found)
{
	struct queue *queue = a->s->queue;

	for (unsigned int i = 0; i < NUM_KERNELS; i++) {
		u8 fetched[KERNEL_OBJECT_BYTES];
		int ret = vm_fetch(&queue->port, a->s->vmid, code, fetched, kernels[i].bytes);

		if (ret)
			return ret;
		if (!memcmp(fetched, kernels[i].code, kernels[i].bytes)) {
			*found = (enum kernel)i;
			return 0;
		}
	}
	return unknown_kernel(a, object, code);
}

static int identify(struct aql *a, enum kernel *kernel)
{
	struct queue *queue = a->s->queue;
	u64 object = a->dw[8] | (u64)a->dw[9] << 32;
	u8 descriptor[KERNEL_DESCRIPTOR_BYTES];
	u64 entry;
	int ret;

	queue->port.cid = CID_SQC_DATA;
	ret = vm_read(&queue->port, a->s->vmid, object, descriptor, sizeof(descriptor));
	if (ret)
		return ret;
	memcpy(&entry, descriptor + KERNEL_ENTRY_OFFSET, sizeof(entry));
	entry += object;
	if (entry & (KERNEL_CODE_ALIGN - 1) || !descriptor_fits(descriptor))
		return unknown_kernel(a, object, entry);
	queue->port.cid = CID_SQC_INST;
	return find_kernel(a, object, entry, kernel);
}

static int read_args(struct dispatch *d)
{
	struct aql *a = d->a;
	u64 addr = a->dw[10] | (u64)a->dw[11] << 32;
	u64 operands;
	int ret;

	a->s->queue->port.cid = CID_SQC_DATA;
	ret = vm_read(&a->s->queue->port, a->s->vmid, addr & ~3ull, &d->args, sizeof(d->args));
	if (ret)
		return ret;
	d->count = d->args.count < a->dw[3] ? d->args.count : a->dw[3];
	operands = d->args.dst;
	if (d->kernel != KERNEL_FILL)
		operands |= d->args.a;
	if (d->kernel == KERNEL_ADD)
		operands |= d->args.b;
	/* Hardware can; here a dword would be in two pieces. */
	return operands & 3 ? refuse(a, "operands are not aligned to dwords") : 0;
}

static u64 to_page_end(u64 va, u64 most)
{
	u64 left = (GPU_PAGE_SIZE - (va & (GPU_PAGE_SIZE - 1))) / 4;

	return left < most ? left : most;
}

/* Work-items from @first on, whose operands are on one page each. */
static u64 piece_length(const struct dispatch *d, u64 first)
{
	u64 index = first % INDEX_SPAN;
	u64 n = d->count - first;

	n = n < INDEX_SPAN - index ? n : INDEX_SPAN - index;
	n = to_page_end(d->args.dst + 4 * index, n);
	if (d->kernel != KERNEL_FILL)
		n = to_page_end(d->args.a + 4 * index, n);
	if (d->kernel == KERNEL_ADD)
		n = to_page_end(d->args.b + 4 * index, n);
	return n;
}

static int run_piece(const struct dispatch *d, u64 first, u64 n)
{
	struct stream *s = d->a->s;
	struct vm_port *port = &s->queue->port;
	u64 offset = 4 * (first % INDEX_SPAN);
	u32 *x = (u32 *)s->queue->scratch;
	u32 *y = x + PIECE_BYTES / 4;
	int ret = 0;

	if (d->kernel == KERNEL_FILL)
		for (u64 i = 0; i < n; i++)
			x[i] = d->args.value;
	else
		ret = vm_read(port, s->vmid, d->args.a + offset, x, 4 * n);
	if (!ret && d->kernel == KERNEL_ADD) {
		ret = vm_read(port, s->vmid, d->args.b + offset, y, 4 * n);
		for (u64 i = 0; !ret && i < n; i++)
			x[i] += y[i];
	}
	return ret ? ret : vm_write(port, s->vmid, d->args.dst + offset, x, 4 * n);
}

static int run_items(struct dispatch *d)
{
	struct queue *queue = d->a->s->queue;
	struct resume *resume = &queue->resume;

	queue->port.cid = CID_TCP;
	queue->port.retry = !d->a->hqd->no_retry;
	while (resume->done < d->count) {
		u64 n = piece_length(d, resume->done);
		int ret = queue_stopping(queue) ? -EINTR : run_piece(d, resume->done, n);

		if (ret)
			return ret;
		resume->done += n;
	}
	return 0;
}

int dispatch_run(struct aql *a)
{
	struct queue *queue = a->s->queue;
	struct dispatch d = { .a = a };
	const char *why = refusal(a->dw);
	u32 cid = queue->port.cid;
	int ret;

	if (why)
		return refuse(a, why);
	ret = identify(a, &d.kernel);
	if (!ret)
		ret = read_args(&d);
	if (!ret)
		ret = run_items(&d);
	queue->port.cid = cid;
	queue->port.retry = true;
	if (ret)
		return ret;
	count(queue->gpu, "cp.dispatches", 1);
	count(queue->gpu, "cp.waves", (a->dw[3] + WAVE - 1ull) / WAVE);
	return 0;
}

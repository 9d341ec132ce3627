// SPDX-License-Identifier: GPL-2.0-only
/*
 * PM4 packets as the compute command processor executes them.
 *
 * A packet from a user's queue or indirect buffer may write only the registers
 * that a job needs; any other write is dropped and raises the privileged-register
 * interrupt. A dispatch by PM4 is refused, and what follows it runs: AQL queues are
 * who dispatches.
 */
#include <errno.h>

#include "cp.h"

#define TYPE_2_FILLER 2u
#define NOP_ONE_DWORD 0x3fff
#define NOP_HEADER 0xffff1000u		/* a NOP of that length */

/* Register ranges of the SET_*_REG packets, within an XCC. */
#define CONFIG_START 0x2000
#define SH_START 0x2c00
#define SH_END 0x3000
#define CONTEXT_START 0xa000
#define CONTEXT_END 0xa400
#define UCONFIG_START 0xc000
#define UCONFIG_END 0xc400

#define DMA_BYTES_MASK 0x3ffffffu
#define POLL_MIN_US 10
#define POLL_MAX_US 500

/* ---- registers ---- */

/* Where @reg, as a packet calls it, is for this XCC. */
static u32 packet_reg(const struct hqd *hqd, u32 reg)
{
	struct gpu *gpu = hqd->xcc->gpu;
	u32 local = asic_xcc_reg(gpu, hqd->xcc->index, reg);
	u32 aid = cp_aid(hqd->xcc);

	if (local != reg || !aid || reg & SMN_DIE_MASK)
		return local;
	local = reg | aid << SMN_DIE_SHIFT;
	return reg_known(gpu, local) ? local : reg;
}

static bool user_may_write(u32 reg)
{
	return (reg >= SH_START && reg < SH_END) || (reg >= CONTEXT_START && reg < CONTEXT_END) ||
	       (reg >= UCONFIG_START && reg < UCONFIG_END);
}

/* The CP's own interrupts are raised by writing their status bits. */
static void raise_generic(struct hqd *hqd, u32 value)
{
	for (unsigned int i = 0; i < 3; i++)
		if (value & (CPC_INT_STATUS__GENERIC0_INT_STATUS_MASK >> i))
			cp_interrupt(hqd, CP_INT_GENERIC0 + i, 0, 0);
}

static void write_reg(struct pm4 *p, u32 reg, u32 value)
{
	struct hqd *hqd = p->hqd;
	u32 real = packet_reg(hqd, reg);

	if (!p->s->privileged && !user_may_write(reg)) {
		count(hqd->xcc->gpu, "cp.register_writes_refused", 1);
		cp_interrupt(hqd, CP_INT_PRIV_REG, p->s->vmid, 0);
	} else if (real == GC_REG(hqd->xcc, regCPC_INT_STATUS)) {
		raise_generic(hqd, value);
	} else {
		reg_write(hqd->xcc->gpu, real, value);
	}
}

static u32 read_reg(struct pm4 *p, u32 reg)
{
	return reg_read(p->hqd->xcc->gpu, packet_reg(p->hqd, reg));
}

/* ---- packets ---- */

static int bad(struct pm4 *p, const char *why)
{
	cp_interrupt(p->hqd, CP_INT_BAD_OPCODE, p->s->vmid, 0);
	return queue_bad_packet(p->s, p->header, why);
}

static int do_skip(struct pm4 *p)
{
	return stream_skip(p->s, p->n);
}

static int do_nop(struct pm4 *p)
{
	int ret = p->n == NOP_ONE_DWORD + 1 ? 0 : stream_skip(p->s, p->n);

	if (!ret)
		stream_skip_filler(p->s, NOP_HEADER);
	return ret;
}

static int set_regs(struct pm4 *p, u32 start)
{
	u32 offset;
	int ret = stream_read(p->s, &offset, 1);

	/* The upper bits select an index mode that only graphics state has. */
	offset &= 0xffff;
	for (u32 i = 1; !ret && i < p->n; i++) {
		u32 value;

		ret = stream_read(p->s, &value, 1);
		if (!ret)
			write_reg(p, start + offset + i - 1, value);
	}
	return ret;
}

static int do_set_config(struct pm4 *p)
{
	return set_regs(p, CONFIG_START);
}

static int do_set_sh(struct pm4 *p)
{
	return set_regs(p, SH_START);
}

static int do_set_context(struct pm4 *p)
{
	return set_regs(p, CONTEXT_START);
}

static int do_set_uconfig(struct pm4 *p)
{
	return set_regs(p, UCONFIG_START);
}

enum { SEL_REG = 0, SEL_MEM_SYNC = 1, SEL_L2 = 2, SEL_MEM = 5, SEL_IMMEDIATE = 5, SEL_CLOCK = 9 };

static bool is_memory(u32 sel)
{
	return sel == SEL_MEM_SYNC || sel == SEL_L2 || sel == SEL_MEM;
}

static int do_write_data(struct pm4 *p)
{
	u32 control[3];
	int ret = stream_read(p->s, control, 3);
	u32 sel = control[0] >> 8 & 0xf;
	bool same = control[0] >> 16 & 1;
	u64 addr = pm4_addr(control + 1);

	if (!ret && sel != SEL_REG && !is_memory(sel))
		return bad(p, "unsupported destination");
	for (u32 i = 3; !ret && i < p->n; i++) {
		u32 step = same ? 0 : i - 3;
		u32 value;

		ret = stream_read(p->s, &value, 1);
		if (ret)
			break;
		if (sel == SEL_REG)
			write_reg(p, (u32)addr + step, value);
		else
			ret = queue_write(p->s, (addr & ~3ull) + 4 * step, &value, 4);
	}
	return ret;
}

static int copy_data_source(struct pm4 *p, u32 sel, size_t len, u64 *value)
{
	u64 addr = pm4_addr(p->dw + 1);

	*value = 0;
	switch (sel) {
	case SEL_REG:
		*value = read_reg(p, (u32)addr);
		if (len == 8)
			*value |= (u64)read_reg(p, (u32)addr + 1) << 32;
		return 0;
	case SEL_MEM_SYNC:
	case SEL_L2:
		return queue_read(p->s, addr & ~(len - 1), value, len);
	case SEL_IMMEDIATE:
		*value = addr;
		return 0;
	case SEL_CLOCK:
		*value = gpu_clock();
		return 0;
	}
	return bad(p, "unsupported source");
}

static int do_copy_data(struct pm4 *p)
{
	u32 control = p->dw[0];
	size_t len = control >> 16 & 1 ? 8 : 4;
	u32 dst = control >> 8 & 0xf;
	u64 addr = pm4_addr(p->dw + 3);
	u64 value;
	int ret = copy_data_source(p, control & 0xf, len, &value);

	if (ret)
		return ret;
	if (is_memory(dst))
		return queue_write(p->s, addr & ~(len - 1), &value, len);
	if (dst != SEL_REG)
		return bad(p, "unsupported destination");
	write_reg(p, (u32)addr, (u32)value);
	if (len == 8)
		write_reg(p, (u32)addr + 1, (u32)(value >> 32));
	return 0;
}

static int do_dma_data(struct pm4 *p)
{
	enum { ADDR = 0, DATA = 2, ADDR_L2 = 3 };
	const u32 unsupported = 0xfu << 26;	/* registers; addresses that stand still */
	u32 src = p->dw[0] >> 29 & 3;
	u32 dst = p->dw[0] >> 20 & 3;
	u32 command = p->dw[5];
	u64 bytes = command & DMA_BYTES_MASK;

	if ((dst != ADDR && dst != ADDR_L2) || src == 1 || command & unsupported)
		return bad(p, "unsupported DMA");
	if (src == DATA)
		return queue_fill(p->s, pm4_addr(p->dw + 3), p->dw[1], 4, bytes);
	return queue_copy(p->s, pm4_addr(p->dw + 3), pm4_addr(p->dw + 1), bytes);
}

static int wait_until(struct pm4 *p, bool memory, u64 addr)
{
	unsigned int us = POLL_MIN_US;

	for (;;) {
		u32 value = 0;
		int ret = 0;

		if (memory)
			ret = queue_read(p->s, addr & ~3ull, &value, 4);
		else
			value = read_reg(p, (u32)addr);
		if (ret || wait_satisfied(p->dw[0] & 7, value, p->dw[4], p->dw[3]))
			return ret;
		ret = queue_sleep(p->s->queue, us);
		if (ret)
			return ret;
		us = us < POLL_MAX_US ? us * 2 : us;
	}
}

static int do_wait_reg_mem(struct pm4 *p)
{
	enum { WAIT = 0, WRITE_WAIT_WRITE = 1, WAIT_PREEMPTABLE = 3 };
	u32 space = p->dw[0] >> 4 & 3;
	u32 operation = p->dw[0] >> 6 & 3;

	if ((p->dw[0] & 7) == 7 || space > 1)
		return bad(p, "unsupported wait");
	switch (operation) {
	case WAIT:
	case WAIT_PREEMPTABLE:
		return wait_until(p, space, space ? pm4_addr(p->dw + 1) : p->dw[1]);
	case WRITE_WAIT_WRITE:
		if (space)
			break;
		write_reg(p, p->dw[1], p->dw[3]);
		return wait_until(p, false, p->dw[2]);
	}
	return bad(p, "unsupported wait");
}

static int release_mem_data(struct pm4 *p, u32 sel)
{
	enum { NONE, LOW_32, ALL_64, CLOCK, PERF_CLOCK };
	u64 addr = pm4_addr(p->dw + 2);
	u64 data = pm4_addr(p->dw + 4);

	switch (sel) {
	case NONE:
		return 0;
	case LOW_32:
		return queue_write(p->s, addr & ~3ull, &data, 4);
	case CLOCK:
	case PERF_CLOCK:
		data = gpu_clock();
		return queue_write(p->s, addr & ~7ull, &data, 8);
	case ALL_64:
		return queue_write(p->s, addr & ~7ull, &data, 8);
	}
	return bad(p, "unsupported data");
}

static int do_release_mem(struct pm4 *p)
{
	enum { INT_NONE, INT_ONLY, INT_AFTER_WRITE, INT_DATA_ONLY, INT_ALWAYS };
	u32 dst = p->dw[1] >> 16 & 3;
	u32 interrupt = p->dw[1] >> 24 & 7;
	int ret;

	if (dst > 1 || interrupt > INT_ALWAYS)
		return bad(p, "unsupported release");
	ret = release_mem_data(p, p->dw[1] >> 29);
	if (ret)
		return ret;
	count(p->hqd->xcc->gpu, "cp.fences", 1);
	if (interrupt != INT_NONE && interrupt != INT_DATA_ONLY)
		cp_interrupt(p->hqd, CP_INT_EOP, p->s->vmid, p->dw[6]);
	return 0;
}

/* Events without an address only order things that are ordered here anyway. */
static int do_event_write(struct pm4 *p)
{
	return p->n == 1 ? stream_skip(p->s, 1) : bad(p, "unsupported event");
}

static int do_atomic_mem(struct pm4 *p)
{
	unsigned int op = p->dw[0] & 0x7f;
	unsigned int command = p->dw[0] >> 8 & 0xf;
	u64 addr = pm4_addr(p->dw + 1);
	u64 cmp = pm4_addr(p->dw + 5);

	if (!atomic_is_known(op) || command > 1)
		return bad(p, "unsupported atomic");
	if (addr & (atomic_is_64(op) ? 7 : 3))
		return bad(p, "atomic is not aligned");
	for (;;) {
		u64 old;
		int ret = queue_atomic(p->s, op, addr, pm4_addr(p->dw + 3), cmp, &old);

		if (ret || !command || old == (atomic_is_64(op) ? cmp : (u32)cmp))
			return ret;
		ret = queue_sleep(p->s->queue, POLL_MAX_US);
		if (ret)
			return ret;
	}
}

static int do_cond_exec(struct pm4 *p)
{
	u32 value = 0;
	int ret = queue_read(p->s, pm4_addr(p->dw) & ~3ull, &value, 4);

	if (ret || value)
		return ret;
	return stream_skip(p->s, p->dw[3] & 0x3fff);
}

/* The next dwords are for some of the XCCs of the partition. */
static int do_pred_exec(struct pm4 *p)
{
	if (p->dw[0] >> 24 & 1u << cp_virtual_xcc(p->hqd->xcc))
		return 0;
	return stream_skip(p->s, p->dw[0] & 0x3fff);
}

static int do_indirect_buffer(struct pm4 *p)
{
	struct stream *s = p->s;
	u64 addr = pm4_addr(p->dw);
	u32 size = p->dw[2] & 0xfffff;
	bool chain = p->dw[2] >> 20 & 1;
	u32 vmid = p->dw[2] >> 24 & 0xf;

	if (addr & 3)
		return bad(p, "indirect buffer is not aligned");
	/* Only the kernel's ring may choose an address space. */
	if (s->vmid || s->depth)
		vmid = s->vmid;
	if (!chain || !s->depth)
		return queue_run_ib(s, addr, size, vmid, s->privileged && !vmid);
	if (queue_stopping(s->queue))
		return -EINTR;
	s->base = addr;
	s->size = size;
	s->end = size;
	s->pos = 0;
	s->cache_len = 0;
	return 0;
}

static int do_dispatch(struct pm4 *p)
{
	unknown_packet(p->hqd->xcc->gpu, "unsupported dispatch", p->header);
	return stream_skip(p->s, p->n);
}

/* ---- decoding ---- */

#define BODY_ANY 0xffffu	/* the handler consumes the body itself */

struct packet {
	int (*run)(struct pm4 *p);
	u32 body;		/* exact number of dwords, or BODY_ANY with a minimum */
	u32 min;
	bool scheduler;		/* privileged queues only, not indirect buffers */
};

static const struct packet packets[256] = {
	[0x10] = { do_nop, BODY_ANY, 0, false },
	[0x12] = { do_skip, BODY_ANY, 1, false },		/* CLEAR_STATE */
	[0x15] = { do_dispatch, BODY_ANY, 4, false },		/* DISPATCH_DIRECT */
	[0x16] = { do_dispatch, BODY_ANY, 2, false },		/* DISPATCH_INDIRECT */
	[0x1e] = { do_atomic_mem, 8, 0, false },
	[0x22] = { do_cond_exec, 4, 0, false },
	[0x23] = { do_pred_exec, 1, 0, false },
	[0x28] = { do_skip, BODY_ANY, 2, false },		/* CONTEXT_CONTROL */
	[0x33] = { do_indirect_buffer, 3, 0, false },		/* ..._CONST */
	[0x37] = { do_write_data, BODY_ANY, 4, false },
	[0x3c] = { do_wait_reg_mem, 6, 0, false },
	[0x3f] = { do_indirect_buffer, 3, 0, false },
	[0x40] = { do_copy_data, 5, 0, false },
	[0x42] = { do_skip, BODY_ANY, 1, false },		/* PFP_SYNC_ME */
	[0x46] = { do_event_write, BODY_ANY, 1, false },
	[0x49] = { do_release_mem, 7, 0, false },
	[0x50] = { do_dma_data, 6, 0, false },
	[0x58] = { do_skip, BODY_ANY, 6, false },		/* ACQUIRE_MEM */
	[0x68] = { do_set_config, BODY_ANY, 2, false },
	[0x69] = { do_set_context, BODY_ANY, 2, false },
	[0x76] = { do_set_sh, BODY_ANY, 2, false },
	[0x79] = { do_set_uconfig, BODY_ANY, 2, false },
	[0x7a] = { do_set_uconfig, BODY_ANY, 2, false },	/* ..._INDEX */
	[0x8b] = { do_skip, BODY_ANY, 1, false },		/* SWITCH_BUFFER */
	[0x90] = { do_skip, BODY_ANY, 1, false },		/* FRAME_CONTROL */
	[0x98] = { kiq_invalidate_tlbs, 1, 0, true },
	[0x9b] = { do_set_sh, BODY_ANY, 2, false },		/* SET_SH_REG_INDEX */
	[0xa0] = { kiq_set_resources, 7, 0, true },
	[0xa1] = { hiq_map_process, BODY_ANY, 15, true },
	[0xa2] = { kiq_map_queues, 6, 0, true },
	[0xa3] = { kiq_unmap_queues, 5, 0, true },
	[0xa4] = { kiq_query_status, 6, 0, true },
	[0xa5] = { hiq_run_list, 3, 0, true },
	/* Clears what no wave has left behind, as there are none. */
	[0xd2] = { do_skip, BODY_ANY, 1, false },		/* RUN_CLEANER_SHADER */
	[0xd7] = { do_skip, BODY_ANY, 1, false },		/* RUN_CLEANER_SHADER_9_0 */
};

static int run_packet(struct pm4 *p)
{
	const struct packet *packet = &packets[p->header >> 8 & 0xff];
	int ret;

	if (!packet->run)
		return bad(p, "unknown packet");
	if (packet->scheduler && !p->s->privileged)
		return bad(p, "scheduler's packet");
	if (packet->body == BODY_ANY) {
		if (p->n < packet->min)
			return bad(p, "too short");
	} else {
		if (p->n != packet->body)
			return bad(p, "wrong length");
		ret = stream_read(p->s, p->dw, p->n);
		if (ret)
			return ret;
	}
	return packet->run(p);
}

int pm4_packet(struct queue *queue, struct stream *stream)
{
	struct pm4 p = { .s = stream, .hqd = queue_hqd(queue) };
	int ret;

	if (p.hqd->follower && !stream->depth) {
		stream->pos = stream->end;
		return 0;
	}
	if (p.hqd->aql && !stream->depth)
		return aql_packet(queue, stream);
	ret = stream_read(stream, &p.header, 1);
	if (ret)
		return ret;
	trace(queue->gpu, TRACE_CP, "%s: vmid %u %s 0x%08x", queue->name, stream->vmid,
	      stream->depth ? "ib" : "rb", p.header);
	if (p.header >> 30 == TYPE_2_FILLER)
		return 0;
	if (p.header >> 30 != 3)
		return bad(&p, "packet type");
	p.n = (p.header >> 16 & 0x3fff) + 1;
	return run_packet(&p);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * PM4 packets: of the KIQ, which may map queues, of the HIQ with run lists, of a user's
 * queue; and AQL packets. Mapped queues run on threads of their own for a moment; in the seeds their
 * ring is what lies at IB.
 *
 * Input: a byte that chooses the stream, 16 bits of length of what lies at IB, 16 of
 * what lies at MQD, these two, and the packets.
 */
#include "../../emu/cp.h"
#include "../../emu/kernels.h"
#include "fuzz.h"

#define RING 0x20000u
#define IB 0x30000u
#define MQD 0x38000u
#define DATA 0x48000u
#define WPTR 0x60000u
#define RING_DWORDS 4096u
#define BELL 0x2000u
#define RUN_US 200

enum { KERNEL, USER_FATAL, USER_RETRY, AQL_FATAL, AQL_RETRY, NUM_STREAMS };

/*
 * A queue descriptor of the fuzzer's own, in no slot: a packet that maps a queue may
 * name any slot.
 */
static struct hqd hqd;

static void fuzz_start(void)
{
	must(!hqd_init(&gpu->cp->xcc[0], &hqd, 1, 0, 0), "hqd_init");
	watch_start();
}

static void place(struct input *in, u64 vram, u64 len)
{
	len = len < left(in) ? len : left(in);
	vram_write(gpu, vram, in->at, len);
	in->at += len;
}

static u64 queues_mapped(void)
{
	return counted(gpu, "cp.queues_mapped") + counted(gpu, "hiq.queues_mapped");
}

static void fuzz_one(const u8 *data, size_t size)
{
	struct input in = { data, data + size };
	unsigned int kind = (unsigned int)take(&in, 1) % NUM_STREAMS;
	u64 ib_len = take(&in, 2), mqd_len = take(&in, 2);
	u64 mapped = queues_mapped();
	struct stream ring = { .queue = &hqd.queue, .size = RING_DWORDS };

	fuzz_reset();
	start_ih();
	fuzz_spaces();
	reg_write(gpu, REG(gpu, HW_GC, 0, regCP_MEC_CNTL), 0);
	set64(WPTR, ib_len / 4);
	place(&in, IB, ib_len);
	place(&in, MQD, mqd_len);
	ring.end = left(&in) / 4 < RING_DWORDS ? left(&in) / 4 : RING_DWORDS;
	if (kind == KERNEL) {
		vram_write(gpu, RING, in.at, 4 * ring.end);
		ring.base = mc(RING);
		ring.privileged = true;
	} else {
		vram_write(gpu, 0x40000, in.at, 4 * ring.end);
		ring.vmid = kind == USER_FATAL || kind == AQL_FATAL ? VMID_FATAL : VMID_RETRY;
		ring.base = SPACE_VRAM;
	}
	hqd.aql = kind >= AQL_FATAL;
	if (hqd.aql)
		ring.end &= ~(AQL_DWORDS - 1ull);
	run_stream(&hqd.queue, &ring);
	if (kind == KERNEL && queues_mapped() != mapped) {
		ring_doorbell(BELL, ib_len / 4 + 1);
		pause_us(RUN_US);
	}
}

/* ---- seeds ---- */

#define PM4(op, body) (3u << 30 | ((u32)(body) - 1) << 16 | (u32)(op) << 8)

static void packets(struct bytes *b, u64 dst, u64 src)
{
	ADD_DWORDS(b, 2u << 30);
	ADD_DWORDS(b, PM4(0x10, 2), 0, 0);				/* NOP */
	ADD_DWORDS(b, 0xffff1000);
	ADD_DWORDS(b, PM4(0x79, 2), 0x40, 0x1234);			/* SET_UCONFIG_REG */
	ADD_DWORDS(b, PM4(0x76, 2), 0x10, 0x1234);			/* SET_SH_REG */
	ADD_DWORDS(b, PM4(0x37, 5), 5 << 8, ADDR(dst), 1, 2);		/* WRITE_DATA */
	ADD_DWORDS(b, PM4(0x37, 4), 0, 0xc040, 0, 7);
	ADD_DWORDS(b, PM4(0x40, 5), 1 | 2 << 8, ADDR(src), ADDR(dst));	/* COPY_DATA */
	ADD_DWORDS(b, PM4(0x40, 5), 9 | 2 << 8 | 1 << 16, 0, 0, ADDR(dst));
	ADD_DWORDS(b, PM4(0x50, 6), 0, ADDR(src), ADDR(dst), 300);	/* DMA_DATA */
	ADD_DWORDS(b, PM4(0x50, 6), 2u << 29, 0x55, 0, ADDR(dst), 300);
	ADD_DWORDS(b, PM4(0x3c, 6), 0x13, ADDR(src), 0, ~0u, 4);	/* WAIT_REG_MEM */
	ADD_DWORDS(b, PM4(0x49, 7), 0, 1u << 29 | 2 << 24, ADDR(dst), 5, 0, 0);
	ADD_DWORDS(b, PM4(0x1e, 8), 15, ADDR(dst), 1, 0, 0, 0, 0);	/* ATOMIC_MEM */
	ADD_DWORDS(b, PM4(0x22, 4), ADDR(src), 0, 1, 2u << 30);		/* COND_EXEC */
	ADD_DWORDS(b, PM4(0x23, 1), 1 << 24 | 1, 2u << 30);		/* PRED_EXEC */
	ADD_DWORDS(b, PM4(0x46, 1), 7);					/* EVENT_WRITE */
	ADD_DWORDS(b, PM4(0x58, 6), 0, 0, 0, 0, 0, 0);			/* ACQUIRE_MEM */
	ADD_DWORDS(b, PM4(0x15, 4), 1, 1, 1, 1);			/* DISPATCH_DIRECT */
}

static void user_mqd(u32 *mqd, u64 ring)
{
	u32 *regs = mqd + MQD_HQD_START - HQD(CP_MQD_BASE_ADDR);

	mqd[0] = MQD_HEADER;
	mqd[MQD_STRIDE] = MQD_DWORDS * 4;
	regs[HQD(CP_HQD_PQ_BASE)] = (u32)(ring >> 8);
	regs[HQD(CP_HQD_PQ_BASE_HI)] = (u32)(ring >> 40);
	regs[HQD(CP_HQD_PQ_CONTROL)] = 9;
}

static void begin_input(struct bytes *b, u32 kind, const struct bytes *ib, const u32 *mqd)
{
	b->len = 0;
	add_value(b, kind, 1);
	add_value(b, ib ? ib->len : 0, 2);
	add_value(b, mqd ? MQD_DWORDS * 4 : 0, 2);
	if (ib)
		add(b, ib->data, ib->len);
	if (mqd)
		add(b, mqd, MQD_DWORDS * 4);
}

static void seed_kiq(struct bytes *b, struct bytes *ib, u32 *mqd)
{
	user_mqd(mqd, mc(IB));
	ib->len = 0;
	packets(ib, mc(DATA), mc(DATA + 0x1000));
	begin_input(b, KERNEL, ib, mqd);
	ADD_DWORDS(b, PM4(0xa0, 7), 0, 0, 0, 0, 0, 0, 0);
	ADD_DWORDS(b, PM4(0xa2, 6), 1 << 29 | 1 << 13, BELL << 2, ADDR(mc(MQD)), ADDR(mc(WPTR)));
	ADD_DWORDS(b, PM4(0xa4, 6), 1u << 30, 0, ADDR(mc(DATA)), 1, 0);
	ADD_DWORDS(b, PM4(0x98, 1), 1 | 1 << 4 | 0x8001u << 5);
	ADD_DWORDS(b, PM4(0xa3, 5), 1 << 29, BELL << 2, 0, 0, 0);
	seed("kiq", b->data, b->len);

	user_mqd(mqd, SPACE_VRAM);
	ib->len = 0;
	ADD_DWORDS(ib, PM4(0xa1, 15), 0x8009, (u32)TABLES | 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		   0, 0);
	ADD_DWORDS(ib, PM4(0xa2, 6), 1 << 4 | 1 << 29, BELL << 2, ADDR(mc(MQD)), ADDR(SPACE_RAM));
	ADD_DWORDS(ib, PM4(0xa2, 6), 1 << 4 | 1 << 29 | 2 << 26, BELL << 2, ADDR(mc(MQD)),
		   ADDR(SPACE_RAM));
	for (u32 i = 0; i < 48; i++)		/* so that a packet may be longer */
		ADD_DWORDS(ib, 2u << 30);
	begin_input(b, KERNEL, ib, mqd);
	ADD_DWORDS(b, PM4(0xa0, 7), 1 << 29 | 0xfff8, ~0u, ~0u, 0, 0, 0, 0);
	ADD_DWORDS(b, PM4(0xa5, 3), ADDR(mc(IB)), (u32)ib->len / 4 | 1 << 23);
	ADD_DWORDS(b, PM4(0xa4, 6), 1u << 30, 0, ADDR(mc(DATA)), 1, 0);
	ADD_DWORDS(b, PM4(0xa3, 5), 2 << 4, 0, 0, 0, 0);
	seed("hiq", b->data, b->len);

	ib->len = 0;
	ADD_DWORDS(ib, PM4(0xa1, 40), 0x8009);	/* longer than any such packet is */
	for (u32 i = 0; i < 39; i++)
		ADD_DWORDS(ib, 2u << 30);
	begin_input(b, KERNEL, ib, NULL);
	ADD_DWORDS(b, PM4(0xa5, 3), ADDR(mc(IB)), (u32)ib->len / 4 | 1 << 23);
	seed("hiq-long", b->data, b->len);
}

/* Slots, then what they point to, all in the ring's memory. */
static void seed_aql(struct bytes *b, const char *name, u32 kind)
{
	const u64 object = SPACE_VRAM + 0x400, args = object + KERNEL_OBJECT_BYTES;
	const u64 signal = args + 64, ib = signal + 64;
	const struct kernel_args add_args = {
		.dst = SPACE_RAM + 0x800, .a = SPACE_RAM + 0x800, .b = SPACE_RAM, .count = 1000,
	};
	u8 code[KERNEL_OBJECT_BYTES];

	begin_input(b, kind, NULL, NULL);
	ADD_DWORDS(b, 2 | 1 << 16, 64 | 1 << 16, 1, 1024, 1, 1, 0, 0, ADDR(object), ADDR(args), 0, 0,
		   ADDR(signal));
	ADD_DWORDS(b, 3, 0, ADDR(0ull), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ADDR(signal));
	ADD_DWORDS(b, 5, 0, ADDR(signal + 128), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ADDR(signal));
	ADD_DWORDS(b, 2 << 16, 0, ADDR(signal), 5, 0, ~0u, ~0u, 2, 0, 0, 0, 0, 0, ADDR(signal));
	ADD_DWORDS(b, 1 << 16, PM4(0x3f, 3), ADDR(ib), 4, 10, 0, 0, 0, 0, 0, 0, 0, 0, ADDR(signal));
	while (b->len < 5 + 0x400)
		add_value(b, 1, 4);
	kernel_object_build(code, KERNEL_ADD);
	add(b, code, sizeof(code));
	add(b, &add_args, sizeof(add_args));
	while (b->len < 5 + 0x400 + KERNEL_OBJECT_BYTES + 64)
		add_value(b, 0, 4);
	ADD_DWORDS(b, 1, 0, 9, 0, ADDR(SPACE_RAM + 0x3000), 7, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	packets(b, SPACE_RAM, SPACE_RAM + PAGE);
	while (b->len % 64 != 5)
		add_value(b, 0, 1);
	seed(name, b->data, b->len);
}

static void fuzz_seeds(void)
{
	static struct bytes b, ib;
	static u32 mqd[MQD_DWORDS];
	char name[32];

	seed_aql(&b, "aql-fatal", AQL_FATAL);
	seed_aql(&b, "aql-retry", AQL_RETRY);
	for (u32 kind = 0; kind < AQL_FATAL; kind++) {
		begin_input(&b, kind, NULL, NULL);
		if (kind == KERNEL)
			packets(&b, mc(DATA), mc(DATA + 0x1000));
		else
			packets(&b, SPACE_RAM, SPACE_RAM + PAGE);
		snprintf(name, sizeof(name), "packets-%u", kind);
		seed(name, b.data, b.len);
	}
	ib.len = 0;
	packets(&ib, SPACE_RAM, SPACE_RAM + PAGE);
	begin_input(&b, KERNEL, &ib, NULL);
	ADD_DWORDS(&b, PM4(0x3f, 3), ADDR(mc(IB)), (u32)ib.len / 4);
	ADD_DWORDS(&b, PM4(0x3f, 3), ADDR(SPACE_VRAM), 16 | VMID_FATAL << 24);
	seed("indirect", b.data, b.len);
	seed_kiq(&b, &ib, mqd);
}

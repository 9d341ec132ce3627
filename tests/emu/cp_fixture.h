/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The command processors' queues as the driver sets them up: the KIQ by registers, a
 * kernel compute queue and the HIQ by the KIQ, user queues by the HIQ's run lists.
 */
#ifndef TESTS_EMU_CP_FIXTURE_H
#define TESTS_EMU_CP_FIXTURE_H

#include "../../emu/cp.h"
#include "../../emu/sdma.h"
#include "engine_fixture.h"

#define KIQ_RING 0x10000u	/* all in VRAM */
#define KIQ_MQD 0x12000u
#define RING 0x14000u
#define MQD 0x16000u
#define HIQ_RING 0x18000u
#define HIQ_MQD 0x1a000u
#define RUNLIST 0x1c000u
#define IB 0x20000u
#define WB 0x30000u		/* write-back page: pointers and fences */
#define DATA 0x40000u
#define OUT 0x60000u
#define USER_RING 0x70000u
#define USER_MQD 0x72000u
#define SDMA_MQD 0x74000u
#define SDMA_RING 0x76000u

#define RING_LOG2 8		/* dwords */
#define KIQ_BELL 0x0u
#define HIQ_BELL 0x2u
#define BELL 0x10u
#define USER_BELL 0x2000u
#define SDMA_BELL 0x2010u
#define VMID 8u
#define PASID 0x8008u

#define PACKET3(op, n) (3u << 30 | (op) << 8 | ((n) & 0x3fff) << 16)
#define NOP PACKET3(0x10, 0x3fff)
#define LO(va) ((u32)(va))
#define HI(va) ((u32)((u64)(va) >> 32))
#define ADDR(va) LO(va), HI(va)

/* A ring that the test writes to. */
struct ring {
	u64 vram;
	u32 bell;
	u64 wptr;
};

static bool running;
static unsigned int xcc;
static struct ring kiq, ring, hiq;

static inline struct cp_xcc *cp(void)
{
	return &gpu->cp->xcc[xcc];
}

static inline u32 gc(u32 segment, u32 offset)
{
	return reg_base(gpu, HW_GC, xcc, segment) + offset;
}

#define GC(name) gc(name##_BASE_IDX, name)

static inline void end(void)
{
	if (running)
		gpu_stop();
	running = false;
}

static inline void select_queue(unsigned int me, unsigned int pipe, unsigned int index)
{
	reg_write(gpu, GC(regGRBM_GFX_CNTL), me << GRBM_GFX_CNTL__MEID__SHIFT |
		  pipe << GRBM_GFX_CNTL__PIPEID__SHIFT | index << GRBM_GFX_CNTL__QUEUEID__SHIFT);
}

static inline u32 pq_control(void)
{
	return (RING_LOG2 - 1) | CP_HQD_PQ_CONTROL__PRIV_STATE_MASK | CP_HQD_PQ_CONTROL__KMD_QUEUE_MASK;
}

/* The KIQ goes on by registers, with the MEC still halted. */
static inline void start_kiq(void)
{
	kiq = (struct ring){ .vram = KIQ_RING, .bell = KIQ_BELL };
	select_queue(2, 1, 0);
	reg_write(gpu, GC(regCP_MQD_BASE_ADDR), LO(mc(KIQ_MQD)));
	reg_write(gpu, GC(regCP_MQD_BASE_ADDR_HI), HI(mc(KIQ_MQD)));
	reg_write(gpu, GC(regCP_HQD_PQ_BASE), (u32)(mc(KIQ_RING) >> 8));
	reg_write(gpu, GC(regCP_HQD_PQ_BASE_HI), (u32)(mc(KIQ_RING) >> 40));
	reg_write(gpu, GC(regCP_HQD_PQ_CONTROL), pq_control());
	reg_write(gpu, GC(regCP_HQD_PQ_RPTR_REPORT_ADDR), LO(mc(WB)));
	reg_write(gpu, GC(regCP_HQD_PQ_RPTR_REPORT_ADDR_HI), HI(mc(WB)));
	reg_write(gpu, GC(regCP_HQD_PQ_DOORBELL_CONTROL),
		  KIQ_BELL << CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_OFFSET__SHIFT |
		  CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_EN_MASK);
	reg_write(gpu, GC(regCP_HQD_PQ_WPTR_LO), 0);
	reg_write(gpu, GC(regCP_HQD_PQ_WPTR_HI), 0);
	reg_write(gpu, GC(regCP_HQD_ACTIVE), 1);
	select_queue(0, 0, 0);
	reg_write(gpu, GC(regCP_MEC_CNTL), 0);
}

static inline bool begin_on(unsigned int num_xcc, unsigned int index)
{
	end();
	running = true;
	xcc = index;
	if (!gpu_start(num_xcc))
		return false;
	start_kiq();
	return true;
}

static inline void emit(struct ring *r, const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++, r->wptr++)
		set32(r->vram + 4 * (r->wptr % (1u << RING_LOG2)), dw[i]);
}

#define EMIT(r, ...) \
	emit(r, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

static inline void commit(struct ring *r)
{
	ring_doorbell(r->bell, r->wptr);
}

static inline struct hqd *kiq_hqd(void)
{
	return cp_hqd(cp(), 2, 1, 0);
}

static inline struct hqd *ring_hqd(void)
{
	return cp_hqd(cp(), 1, 2, 3);
}

/* Everything in @r has been executed. */
static inline bool done(const struct ring *r, struct hqd *hqd)
{
	return atomic_load(&hqd->queue.rptr) == r->wptr;
}

/* An MQD as the driver makes it, of a kernel queue (or the HIQ). */
static inline void make_mqd(u64 mqd, u64 ring_va, u64 rptr_va)
{
	for (u32 i = 0; i < MQD_DWORDS; i++)
		set32(mqd + 4 * i, 0);
	set32(mqd, MQD_HEADER);
#define SET(name, value) set32(mqd + 4 * (MQD_HQD_START + reg##name - regCP_MQD_BASE_ADDR), value)
	SET(CP_HQD_PQ_BASE, (u32)(ring_va >> 8));
	SET(CP_HQD_PQ_BASE_HI, (u32)(ring_va >> 40));
	SET(CP_HQD_PQ_CONTROL, pq_control());
	SET(CP_HQD_PQ_RPTR_REPORT_ADDR, LO(rptr_va));
	SET(CP_HQD_PQ_RPTR_REPORT_ADDR_HI, HI(rptr_va));
}

/* Of a user's queue: no rights. */
static inline void make_user_mqd(u64 mqd, u64 ring_va, u64 rptr_va)
{
	make_mqd(mqd, ring_va, rptr_va);
	SET(CP_HQD_PQ_CONTROL, RING_LOG2 - 1);
#undef SET
}

static inline void emit_map(u64 mqd, u32 me, u32 pipe, u32 index, u32 bell, u32 engine, u64 wptr_va)
{
	EMIT(&kiq, PACKET3(0xa2, 5), index << 13 | pipe << 16 | (me - 1) << 18 | engine << 26 | 1u << 29,
	     bell << 2, ADDR(mc(mqd)), ADDR(wptr_va));
}

/* A kernel compute queue on ME 1, pipe 2, queue 3. */
static inline void start_ring(void)
{
	ring = (struct ring){ .vram = RING, .bell = BELL };
	make_mqd(MQD, mc(RING), mc(WB + 8));
	emit_map(MQD, 1, 2, 3, BELL, 0, mc(WB + 16));
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
}

static inline bool begin_ring_on(unsigned int num_xcc, unsigned int index)
{
	if (!begin_on(num_xcc, index))
		return false;
	start_ring();
	return !test_broken;
}

static inline bool begin(void)
{
	return begin_ring_on(1, 0);
}

/* Runs what has been emitted to the compute ring to its end. */
static inline void run(void)
{
	commit(&ring);
	WAIT_FOR(done(&ring, ring_hqd()));
}

#define RUN() do { run(); CHECK_NO_BREAK(); } while (0)

static inline void enable_interrupts(u32 mask)
{
	reg_write(gpu, GC(regCP_ME1_PIPE2_INT_CNTL), mask);
}

static inline void put(u64 vram, const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++)
		set32(vram + 4 * i, dw[i]);
}

#define PUT(vram, ...) put(vram, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

/* ---- user queues ---- */

#define USER_VA 0x600000ull	/* ring, then pointers, then data */

static u64 root;

static inline struct hqd *hiq_hqd(void)
{
	return cp_hqd(cp(), 2, 0, 0);
}

static inline struct hqd *user_hqd(void)
{
	return hqd_by_doorbell(cp(), USER_BELL);
}

/* The HIQ is mapped by the KIQ; one process has its pages, one queue its MQD. */
static inline bool begin_hiq_on(unsigned int num_xcc, unsigned int index)
{
	if (!begin_on(num_xcc, index))
		return false;
	hiq = (struct ring){ .vram = HIQ_RING, .bell = HIQ_BELL };
	make_mqd(HIQ_MQD, mc(HIQ_RING), mc(WB + 32));
	emit_map(HIQ_MQD, 2, 0, 0, HIQ_BELL, 1, mc(WB + 40));
	commit(&kiq);
	for (int n = 0; !done(&kiq, kiq_hqd()) && n < 100000; n++)
		pause_us(200);
	/* Contexts as the driver leaves them, with VMID 8's tables. */
	root = new_space(VMID, xcc, 0);
	map_page(root, USER_VA, PTE_VRAM(USER_RING));
	map_page(root, USER_VA + PAGE, PTE_VRAM(USER_RING + PAGE));
	map_page(root, USER_VA + 2 * PAGE, PTE_VRAM(DATA));
	map_page(root, USER_VA + 3 * PAGE, PTE_VRAM(SDMA_RING));
	make_user_mqd(USER_MQD, USER_VA, USER_VA + PAGE);
	EMIT(&hiq, PACKET3(0xa0, 6), 1u << 29 | 0xff00, 0xffffffff, 0, 0, 0, 0, 0);
	return true;
}

static inline u32 put_process(u64 at, u16 pasid, u64 page_table)
{
	u32 dw[21] = { PACKET3(0xa1, 19), pasid, LO(page_table | 1), HI(page_table) };

	put(at, dw, ARRAY_SIZE(dw));
	return ARRAY_SIZE(dw);
}

static inline u32 put_queue(u64 at, u64 mqd, u32 bell, u32 select, u64 wptr_va)
{
	PUT(at, PACKET3(0xa2, 5), 1 << 4 | 1u << 29 | select, bell << 2, ADDR(mc(mqd)), ADDR(wptr_va));
	return 7;
}

static inline void run_list(u32 size)
{
	EMIT(&hiq, PACKET3(0xa5, 2), ADDR(mc(RUNLIST)), size | 1 << 23 | 1 << 24);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
}

static inline void run_one_queue(void)
{
	u32 n = put_process(RUNLIST, PASID, root);

	n += put_queue(RUNLIST + 4 * n, USER_MQD, USER_BELL, 0, USER_VA + PAGE + 8);
	run_list(n);
}

static inline void unmap_all(void)
{
	EMIT(&hiq, PACKET3(0xa3, 4), 2 << 4, 0, 0, 0, 0);
	EMIT(&hiq, PACKET3(0xa4, 5), 2u << 30, 0, ADDR(mc(OUT)), 1, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK_EQ(get32(OUT), 1);
}

#endif

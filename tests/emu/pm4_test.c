// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command processors: queues set up as the driver sets them up, PM4 packets,
 * the kernel's scheduler interface and the user queue scheduler.
 */
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

static struct cp_xcc *cp(void)
{
	return &gpu->cp->xcc[xcc];
}

static u32 gc(u32 segment, u32 offset)
{
	return reg_base(gpu, HW_GC, xcc, segment) + offset;
}

#define GC(name) gc(name##_BASE_IDX, name)

static void end(void)
{
	if (running)
		gpu_stop();
	running = false;
}

static void select_queue(unsigned int me, unsigned int pipe, unsigned int index)
{
	reg_write(gpu, GC(regGRBM_GFX_CNTL), me << GRBM_GFX_CNTL__MEID__SHIFT |
		  pipe << GRBM_GFX_CNTL__PIPEID__SHIFT | index << GRBM_GFX_CNTL__QUEUEID__SHIFT);
}

static u32 pq_control(void)
{
	return (RING_LOG2 - 1) | CP_HQD_PQ_CONTROL__PRIV_STATE_MASK | CP_HQD_PQ_CONTROL__KMD_QUEUE_MASK;
}

/* The KIQ goes on by registers, with the MEC still halted. */
static void start_kiq(void)
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

static bool begin_on(unsigned int num_xcc, unsigned int index)
{
	end();
	running = true;
	xcc = index;
	if (!gpu_start(num_xcc))
		return false;
	start_kiq();
	return true;
}

static void emit(struct ring *r, const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++, r->wptr++)
		set32(r->vram + 4 * (r->wptr % (1u << RING_LOG2)), dw[i]);
}

#define EMIT(r, ...) \
	emit(r, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

static void commit(struct ring *r)
{
	ring_doorbell(r->bell, r->wptr);
}

static struct hqd *kiq_hqd(void)
{
	return cp_hqd(cp(), 2, 1, 0);
}

static struct hqd *ring_hqd(void)
{
	return cp_hqd(cp(), 1, 2, 3);
}

/* Everything in @r has been executed. */
static bool done(const struct ring *r, struct hqd *hqd)
{
	return atomic_load(&hqd->queue.rptr) == r->wptr;
}

/* An MQD as the driver makes it, of a kernel queue (or the HIQ). */
static void make_mqd(u64 mqd, u64 ring_va, u64 rptr_va)
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
static void make_user_mqd(u64 mqd, u64 ring_va, u64 rptr_va)
{
	make_mqd(mqd, ring_va, rptr_va);
	SET(CP_HQD_PQ_CONTROL, RING_LOG2 - 1);
#undef SET
}

static void emit_map(u64 mqd, u32 me, u32 pipe, u32 index, u32 bell, u32 engine, u64 wptr_va)
{
	EMIT(&kiq, PACKET3(0xa2, 5), index << 13 | pipe << 16 | (me - 1) << 18 | engine << 26 | 1u << 29,
	     bell << 2, ADDR(mc(mqd)), ADDR(wptr_va));
}

/* A kernel compute queue on ME 1, pipe 2, queue 3. */
static void start_ring(void)
{
	ring = (struct ring){ .vram = RING, .bell = BELL };
	make_mqd(MQD, mc(RING), mc(WB + 8));
	emit_map(MQD, 1, 2, 3, BELL, 0, mc(WB + 16));
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
}

static bool begin_ring_on(unsigned int num_xcc, unsigned int index)
{
	if (!begin_on(num_xcc, index))
		return false;
	start_ring();
	return !test_broken;
}

static bool begin(void)
{
	return begin_ring_on(1, 0);
}

/* Runs what has been emitted to the compute ring to its end. */
static void run(void)
{
	commit(&ring);
	WAIT_FOR(done(&ring, ring_hqd()));
}

#define RUN() do { run(); CHECK_NO_BREAK(); } while (0)

static void enable_interrupts(u32 mask)
{
	reg_write(gpu, GC(regCP_ME1_PIPE2_INT_CNTL), mask);
}

/* ---- queues ---- */

static void the_kiq_runs_when_it_is_set_up_by_registers(void)
{
	CHECK(begin_on(1, 0));
	reg_write(gpu, GC(regSCRATCH_REG0), 0xcafedead);
	EMIT(&kiq, PACKET3(0x79, 1), 0x40, 0xdeadbeef);
	commit(&kiq);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG0)) == 0xdeadbeef);
	WAIT_FOR(get32(WB) == 3);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_halted_mec_runs_nothing(void)
{
	CHECK(begin_on(1, 0));
	reg_write(gpu, GC(regCP_MEC_CNTL), CP_MEC_CNTL__MEC_ME2_HALT_MASK);
	EMIT(&kiq, PACKET3(0x79, 1), 0x40, 1);
	commit(&kiq);
	CHECK(!queue_is_idle(&kiq_hqd()->queue));
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 0);
	reg_write(gpu, GC(regCP_MEC_CNTL), 0);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG0)) == 1);
	end();
}

static void registers_are_banked_by_queue(void)
{
	CHECK(begin_on(2, 1));
	for (unsigned int me = 0; me < 4; me++) {
		select_queue(me, 3, 5);
		reg_write(gpu, GC(regCP_HQD_QUANTUM), 100 + me);
	}
	for (unsigned int me = 0; me < 4; me++) {
		select_queue(me, 3, 5);
		CHECK_EQ(reg_read(gpu, GC(regCP_HQD_QUANTUM)), 100 + me);
		select_queue(me, 2, 5);
		CHECK_EQ(reg_read(gpu, GC(regCP_HQD_QUANTUM)), 0);
	}
	xcc = 0;
	select_queue(1, 3, 5);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_QUANTUM)), 0);
	end();
}

static void mapping_loads_the_mqd_and_starts_the_queue(void)
{
	CHECK(begin());
	select_queue(1, 2, 3);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_ACTIVE)), 1);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_BASE)), (u32)(mc(RING) >> 8));
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 7);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 7);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_RPTR)), 3);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_WPTR_LO)), 3);
	WAIT_FOR(get32(WB + 8) == 3);
	end();
}

static void the_read_pointer_in_memory_is_that_in_the_ring(void)
{
	CHECK(begin());
	for (u32 i = 0; i < 100; i++) {
		EMIT(&ring, PACKET3(0x79, 1), 0x41, i);
		RUN();
	}
	WAIT_FOR(get32(WB + 8) == 300 % (1 << RING_LOG2));
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_takes_its_write_pointer_from_memory_when_mapped(void)
{
	CHECK(begin_on(1, 0));
	ring = (struct ring){ .vram = RING, .bell = BELL };
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 7);
	set64(WB + 16, ring.wptr);
	start_ring();
	CHECK_NO_BREAK();
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG1)) == 7);
	end();
}

static void dequeueing_turns_a_queue_off(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x3c, 5), 3 | 1 << 4, ADDR(mc(OUT)), 1, ~0u, 4);	/* for ever */
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	select_queue(1, 2, 3);
	reg_write(gpu, GC(regCP_HQD_DEQUEUE_REQUEST), 1);
	WAIT_FOR(!(reg_read(gpu, GC(regCP_HQD_ACTIVE)) & 1));
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_DEQUEUE_REQUEST)), 0);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_RPTR)), 0);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_WPTR_LO)), 7);
	end();
}

static void unmapping_saves_what_mapping_again_needs(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 7);
	RUN();
	EMIT(&kiq, PACKET3(0xa3, 4), 1u << 29, BELL << 2, 0, 0, 0);
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
	CHECK(!hqd_is_active(ring_hqd()));
	CHECK_EQ(get32(MQD + 4 * (MQD_HQD_START + regCP_HQD_PQ_RPTR - regCP_MQD_BASE_ADDR)), 3);
	CHECK_EQ(get32(MQD + 4 * (MQD_HQD_START + regCP_HQD_PQ_WPTR_LO - regCP_MQD_BASE_ADDR)), 3);
	CHECK_EQ(get32(MQD + 4 * (MQD_HQD_START + regCP_HQD_ACTIVE - regCP_MQD_BASE_ADDR)), 0);
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 8);
	set64(WB + 16, ring.wptr);
	emit_map(MQD, 1, 2, 3, BELL, 0, mc(WB + 16));
	commit(&kiq);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG1)) == 8);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_is_reset_by_its_pipe_or_by_itself(void)
{
	CHECK(begin());
	select_queue(1, 2, 3);
	reg_write(gpu, GC(regCP_MEC_CNTL), CP_MEC_CNTL__MEC_ME1_PIPE1_RESET_MASK);
	CHECK(hqd_is_active(ring_hqd()));
	reg_write(gpu, GC(regCP_MEC_CNTL), CP_MEC_CNTL__MEC_ME1_PIPE2_RESET_MASK);
	WAIT_FOR(!(reg_read(gpu, GC(regCP_HQD_ACTIVE)) & 1));
	reg_write(gpu, GC(regCP_MEC_CNTL), 0);
	start_ring();
	CHECK_NO_BREAK();
	reg_write(gpu, GC(regSPI_COMPUTE_QUEUE_RESET), 1);
	WAIT_FOR(!(reg_read(gpu, GC(regCP_HQD_ACTIVE)) & 1));
	end();
}

/* What the driver does before it loads firmware, also to recover from a hang. */
static void resetting_all_pipes_of_a_halted_mec_turns_its_queues_off(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0xff, 0), 0);
	commit(&ring);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	reg_write(gpu, GC(regCP_MEC_CNTL),
		  CP_MEC_CNTL__MEC_ME1_PIPE0_RESET_MASK | CP_MEC_CNTL__MEC_ME1_PIPE1_RESET_MASK |
		  CP_MEC_CNTL__MEC_ME1_PIPE2_RESET_MASK | CP_MEC_CNTL__MEC_ME1_PIPE3_RESET_MASK |
		  CP_MEC_CNTL__MEC_ME2_PIPE0_RESET_MASK | CP_MEC_CNTL__MEC_ME2_PIPE1_RESET_MASK |
		  CP_MEC_CNTL__MEC_ME1_HALT_MASK | CP_MEC_CNTL__MEC_ME2_HALT_MASK);
	WAIT_FOR(queue_is_off(&ring_hqd()->queue) && queue_is_off(&kiq_hqd()->queue));
	start_kiq();
	start_ring();
	CHECK_NO_BREAK();
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 9);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 9);
	end();
}

static void bad_mappings_are_refused(void)
{
	CHECK(begin());
	set32(MQD, 0);
	emit_map(MQD, 1, 0, 0, BELL + 2, 0, 0);
	commit(&kiq);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, "bad-mqd"), 1);
	CHECK(begin());
	emit_map(MQD, 1, 2, 3, BELL, 0, 0);
	commit(&kiq);
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, "queue-busy"), 1);
	end();
}

static void reset_turns_all_queues_off(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x3c, 5), 3 | 1 << 4, ADDR(mc(OUT)), 1, ~0u, 4);
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	cp_reset(gpu);
	sdma_reset(gpu);
	regs_reset(gpu);
	CHECK(queue_is_off(&ring_hqd()->queue));
	CHECK(queue_is_off(&kiq_hqd()->queue));
	select_queue(1, 2, 3);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_ACTIVE)), 0);
	CHECK_EQ(reg_read(gpu, GC(regCP_HQD_PQ_BASE)), 0);
	start_kiq();
	start_ring();
	CHECK_NO_BREAK();
	EMIT(&ring, PACKET3(0x79, 1), 0x41, 9);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 9);
	end();
}

/* ---- packets ---- */

static void fillers_and_nops_are_skipped(void)
{
	CHECK(begin());
	EMIT(&ring, NOP, 2u << 30, PACKET3(0x10, 2), 1, 2, 3, NOP, PACKET3(0x79, 1), 0x41, 5);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 5);
	end();
}

static void packets_without_effect_are_consumed_whole(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x58, 5), 0, ~0u, 0xffffff, 0, 0, 10);
	EMIT(&ring, PACKET3(0x46, 0), 7 | 4 << 8);
	EMIT(&ring, PACKET3(0x8b, 0), 0, PACKET3(0x90, 0), 0, PACKET3(0x28, 1), 0, 0);
	EMIT(&ring, PACKET3(0xd2, 0), 0, PACKET3(0x79, 1), 0x41, 5);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 5);
	end();
}

static void registers_are_set_in_their_ranges(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x79, 3), 0x40, 1, 2, 3);
	EMIT(&ring, PACKET3(0x76, 2), regCOMPUTE_NUM_THREAD_X + 0x2000 - 0x2c00, 64, 2);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 1);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG2)), 3);
	CHECK_EQ(reg_read(gpu, GC(regCOMPUTE_NUM_THREAD_X)), 64);
	CHECK_EQ(reg_read(gpu, GC(regCOMPUTE_NUM_THREAD_Y)), 2);
	end();
}

static void every_xcc_means_its_own_registers(void)
{
	for (unsigned int i = 0; i < 8; i += 3) {
		CHECK(begin_ring_on(8, i));
		EMIT(&ring, PACKET3(0x79, 1), 0x40, 0x100 + i);
		EMIT(&ring, PACKET3(0x37, 3), 0, 0xc041, 0, 0x200 + i);
		EMIT(&ring, PACKET3(0x40, 4), 5 << 8, 0xc041, 0, ADDR(mc(OUT)));
		RUN();
		CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 0x100 + i);
		CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 0x200 + i);
		CHECK_EQ(get32(OUT), 0x200 + i);
		xcc = (i + 1) % 8;
		CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 0);
	}
	end();
}

static void data_is_written_to_memory_and_registers(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x37, 4), 5 << 8 | 1 << 20, ADDR(mc(OUT)), 1, 2);
	EMIT(&ring, PACKET3(0x37, 4), 2 << 8 | 1 << 16, ADDR(mc(OUT + 16)), 3, 4);
	EMIT(&ring, PACKET3(0x37, 4), 0, 0xc040, 0, 5, 6);
	EMIT(&ring, PACKET3(0x37, 4), 1 << 16, 0xc042, 0, 7, 8);
	RUN();
	CHECK_EQ(get64(OUT), 0x200000001ull);
	CHECK_EQ(get64(OUT + 16), 4);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 5);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 6);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG2)), 8);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG3)), 0);
	end();
}

static void data_is_copied_from_and_to_everything(void)
{
	u64 before = gpu_clock();

	CHECK(begin());
	set64(DATA, 0x1122334455667788ull);
	EMIT(&ring, PACKET3(0x40, 4), 2 | 5 << 8, ADDR(mc(DATA)), ADDR(mc(OUT)));
	EMIT(&ring, PACKET3(0x40, 4), 1 | 2 << 8 | 1 << 16, ADDR(mc(DATA)), ADDR(mc(OUT + 8)));
	EMIT(&ring, PACKET3(0x40, 4), 5, 99, 0, 0xc040, 0);
	EMIT(&ring, PACKET3(0x40, 4), 5 << 8, 0xc040, 0, ADDR(mc(OUT + 16)));
	EMIT(&ring, PACKET3(0x40, 4), 9 | 5 << 8 | 1 << 16, 0, 0, ADDR(mc(OUT + 24)));
	RUN();
	CHECK_EQ(get64(OUT), 0x55667788);
	CHECK_EQ(get64(OUT + 8), 0x1122334455667788ull);
	CHECK_EQ(get32(OUT + 16), 99);
	CHECK(get64(OUT + 24) >= before && get64(OUT + 24) <= gpu_clock());
	end();
}

static void dma_copies_and_fills(void)
{
	CHECK(begin());
	for (u32 i = 0; i < 5000; i++)
		set32(DATA + 4 * i, i * 3);
	EMIT(&ring, PACKET3(0x50, 5), 3u << 29 | 3 << 20, ADDR(mc(DATA)), ADDR(mc(OUT)), 20000);
	EMIT(&ring, PACKET3(0x50, 5), 2u << 29, 0x5a5a1234, 0, ADDR(mc(OUT + 0x8000)), 64);
	RUN();
	for (u32 i = 0; i < 5000; i++)
		CHECK_EQ(get32(OUT + 4 * i), i * 3);
	CHECK_EQ(get32(OUT + 0x8000 + 60), 0x5a5a1234);
	CHECK_EQ(get32(OUT + 0x8000 + 64), 0);
	end();
}

static void waits_for_memory_and_registers(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x3c, 5), 3 | 1 << 4, ADDR(mc(OUT)), 0x20, 0xf0, 4);
	EMIT(&ring, PACKET3(0x3c, 5), 5, 0xc041, 0, 3, ~0u, 4);
	EMIT(&ring, PACKET3(0x79, 1), 0x40, 1);
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	set32(OUT, 0x2f);
	WAIT_FOR(atomic_load(&ring_hqd()->queue.rptr) == 7);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 0);
	reg_write(gpu, GC(regSCRATCH_REG1), 4);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG0)) == 1);
	end();
}

/* As the driver flushes a hub's TLB, or the HDP, with one packet. */
static void a_wait_may_write_first(void)
{
	u32 req, ack;

	CHECK(begin());
	req = gfxhub_layout.engine0_req + gc(gfxhub_layout.segment, 0);
	ack = gfxhub_layout.engine0_ack + gc(gfxhub_layout.segment, 0);
	EMIT(&ring, PACKET3(0x37, 3), 1 << 20, req, 0, 1u << 6 | 0x7f << 16);
	EMIT(&ring, PACKET3(0x3c, 5), 3, ack, 0, 1u << 6, 1u << 6, 0x20);
	EMIT(&ring, PACKET3(0x3c, 5), 3 | 1 << 6, 0xc040, 0xc040, 8, 8, 0x20);
	RUN();
	CHECK_EQ(counted(gpu, "vm.invalidations"), 1);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 8);
	end();
}

static void releases_write_data_and_interrupt(void)
{
	u64 before = gpu_clock();
	const u32 *v;

	CHECK(begin());
	enable_interrupts(CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK);
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 1u << 29, ADDR(mc(OUT)), 7, 9, 0);
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 2u << 29, ADDR(mc(OUT + 8)), 7, 9, 0);
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 3u << 29, ADDR(mc(OUT + 16)), 0, 0, 0);
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 3u << 24 | 1u << 29, ADDR(mc(OUT + 24)), 1, 0, 0);
	RUN();
	CHECK(!next_vector());
	CHECK_EQ(get64(OUT), 7);
	CHECK_EQ(get64(OUT + 8), 0x900000007ull);
	CHECK(get64(OUT + 16) >= before && get64(OUT + 16) <= gpu_clock());
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 2u << 24 | 1u << 29, ADDR(mc(OUT)), 8, 0, 0x77);
	RUN();
	CHECK_EQ(get32(OUT), 8);
	v = next_vector();
	CHECK(v);
	/* Client GRBM_CP, EOP, queue 3 of ME 1 pipe 2. */
	CHECK_EQ(v[0], 0x14 | 181 << 8 | (3 << 4 | 1 << 2 | 2) << 16);
	CHECK_EQ(v[3], 1 << 16);
	CHECK_EQ(v[4], 0x77);
	end();
}

static void interrupts_carry_the_node_of_their_xcc(void)
{
	static const u32 nodes[] = { 1, 2, 5, 6, 9, 10, 13, 14 };

	for (unsigned int i = 0; i < 8; i += 7) {
		const u32 *v;

		CHECK(begin_ring_on(8, i));
		enable_interrupts(CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK);
		EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 2u << 24, 0, 0, 0, 0, 0);
		RUN();
		v = next_vector();
		CHECK(v);
		CHECK_EQ(v[3] >> 16, nodes[i]);
	}
	end();
}

static void an_interrupt_that_is_not_enabled_is_silent(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 2u << 24, 0, 0, 0, 0, 0);
	RUN();
	CHECK(!next_vector());
	CHECK_EQ(counted(gpu, "cp.interrupts_disabled"), 1);
	/* CPC_INT_CNTL is the selected pipe's. */
	select_queue(1, 2, 0);
	reg_write(gpu, GC(regCPC_INT_CNTL), CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK);
	EMIT(&ring, PACKET3(0x49, 6), 20 | 5 << 8, 2u << 24, 0, 0, 0, 0, 0);
	RUN();
	CHECK(next_vector());
	end();
}

static void writing_an_interrupt_status_raises_it(void)
{
	const u32 *v;

	CHECK(begin());
	enable_interrupts(CPC_INT_CNTL__GENERIC2_INT_ENABLE_MASK);
	EMIT(&ring, PACKET3(0x37, 3), 1 << 20, regCPC_INT_STATUS + 0x2000, 0, 0x20000000);
	RUN();
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 8 & 0xff, 178);
	end();
}

static void atomics_change_memory(void)
{
	CHECK(begin());
	set32(OUT, 5);
	set64(OUT + 8, 1ull << 33);
	EMIT(&ring, PACKET3(0x1e, 7), 0x0f, ADDR(mc(OUT)), 3, 0, 0, 0, 0);
	EMIT(&ring, PACKET3(0x1e, 7), 0x2f, ADDR(mc(OUT + 8)), 1, 1, 0, 0, 0);
	RUN();
	CHECK_EQ(get32(OUT), 8);
	CHECK_EQ(get64(OUT + 8), (1ull << 33) + 0x100000001ull);
	EMIT(&ring, PACKET3(0x1e, 7), 0x08 | 1 << 8, ADDR(mc(OUT)), 1, 0, 9, 0, 0);
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	CHECK_EQ(get32(OUT), 8);
	set32(OUT, 9);
	WAIT_FOR(get32(OUT) == 1);
	end();
}

static void conditions_skip_what_follows(void)
{
	CHECK(begin());
	set32(DATA, 1);
	EMIT(&ring, PACKET3(0x22, 3), ADDR(mc(DATA)), 0, 3, PACKET3(0x79, 1), 0x40, 1);
	EMIT(&ring, PACKET3(0x22, 3), ADDR(mc(DATA + 4)), 0, 3, PACKET3(0x79, 1), 0x41, 1);
	EMIT(&ring, PACKET3(0x23, 0), 3 | 1u << 24, PACKET3(0x79, 1), 0x42, 1);
	EMIT(&ring, PACKET3(0x23, 0), 3 | 2u << 24, PACKET3(0x79, 1), 0x43, 1);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 1);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 0);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG2)), 1);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG3)), 0);
	end();
}

static void a_dispatch_is_refused_and_the_fence_follows(void)
{
	CHECK(begin());
	EMIT(&ring, PACKET3(0x15, 3), 1, 1, 1, 0x41);
	EMIT(&ring, PACKET3(0x79, 1), 0x40, 1);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void what_is_not_understood_halts_the_queue(void)
{
	static const u32 packets[][8] = {
		{ 0 }, { 1u << 30 }, { PACKET3(0xff, 0) }, { PACKET3(0x49, 2) },
		{ PACKET3(0x37, 3), 3 << 8 }, { PACKET3(0x40, 4), 3 }, { PACKET3(0x40, 4), 5 | 4 << 8 },
		{ PACKET3(0x50, 5), 1u << 29 }, { PACKET3(0x50, 5), 0, 0, 0, 0, 0, 1u << 27 },
		{ PACKET3(0x3c, 5), 7 }, { PACKET3(0x3c, 5), 3 | 2 << 6 },
		{ PACKET3(0x49, 6), 0, 5u << 24 }, { PACKET3(0x49, 6), 0, 5u << 29 },
		{ PACKET3(0x1e, 7), 0x3f }, { PACKET3(0x3f, 2), 1, 0, 8 },
		{ PACKET3(0xa1, 19) }, { PACKET3(0x98, 0), 2 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(packets); i++) {
		CHECK(begin());
		emit(&ring, packets[i], 8);
		EMIT(&ring, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
		commit(&ring);
		WAIT_FOR(counted(gpu, "queue.halts") == 1);
		CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	}
	end();
}

/* ---- indirect buffers and rights ---- */

static void put(u64 vram, const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++)
		set32(vram + 4 * i, dw[i]);
}

#define PUT(vram, ...) put(vram, (const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

static void an_indirect_buffer_runs_in_its_own_address_space(void)
{
	const u32 *v;
	u64 root;

	CHECK(begin());
	root = new_space(VMID, 0, PASID);
	map_page(root, 0x100000, PTE_VRAM(IB));
	map_page(root, 0x400000, PTE_VRAM(DATA));
	enable_interrupts(CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK);
	PUT(IB, PACKET3(0x37, 3), 5 << 8, 0x400010, 0, 0xabc,
	    PACKET3(0x49, 6), 20 | 5 << 8, 2u << 24, 0, 0, 0, 0, 5);
	EMIT(&ring, PACKET3(0x3f, 2), 0x100000, 0, 13 | 1 << 23 | VMID << 24);
	RUN();
	CHECK_EQ(get32(DATA + 0x10), 0xabc);
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 24, VMID);
	CHECK_EQ(v[3] & 0xffff, PASID);
	end();
}

static void indirect_buffers_nest_and_chain(void)
{
	CHECK(begin());
	/* IB calls a second, which chains to a third. */
	PUT(IB, PACKET3(0x3f, 2), ADDR(mc(IB + 0x100)), 4 | 1 << 23, PACKET3(0x79, 1), 0x40, 1);
	PUT(IB + 0x100, PACKET3(0x3f, 2), ADDR(mc(IB + 0x200)), 3 | 1 << 20 | 1 << 23);
	PUT(IB + 0x200, PACKET3(0x79, 1), 0x41, 2);
	EMIT(&ring, PACKET3(0x3f, 2), ADDR(mc(IB)), 7 | 1 << 23);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 1);
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG1)), 2);
	end();
}

static void an_endless_chain_can_be_dequeued(void)
{
	CHECK(begin());
	PUT(IB, PACKET3(0x3f, 2), ADDR(mc(IB)), 4 | 1 << 20 | 1 << 23);
	EMIT(&ring, PACKET3(0x3f, 2), ADDR(mc(IB)), 4 | 1 << 23);
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	select_queue(1, 2, 3);
	reg_write(gpu, GC(regCP_HQD_DEQUEUE_REQUEST), 1);
	WAIT_FOR(!(reg_read(gpu, GC(regCP_HQD_ACTIVE)) & 1));
	end();
}

static void a_users_buffer_may_write_job_registers_only(void)
{
	const u32 *v;
	u64 root;

	CHECK(begin());
	root = new_space(VMID, 0, PASID);
	map_page(root, 0x100000, PTE_VRAM(IB));
	enable_interrupts(CPC_INT_CNTL__PRIV_REG_INT_ENABLE_MASK);
	PUT(IB, PACKET3(0x76, 1), regCOMPUTE_NUM_THREAD_X + 0x2000 - 0x2c00, 64,
	    PACKET3(0x37, 3), 0, regGRBM_GFX_CNTL + 0x2000, 0, 0x123,
	    PACKET3(0x40, 4), 5, 0x123, 0, regCP_MEC_CNTL + 0x2000, 0);
	EMIT(&ring, PACKET3(0x3f, 2), 0x100000, 0, 14 | 1 << 23 | VMID << 24);
	select_queue(0, 0, 0);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regCOMPUTE_NUM_THREAD_X)), 64);
	CHECK_EQ(reg_read(gpu, GC(regGRBM_GFX_CNTL)), 0);
	CHECK_EQ(reg_read(gpu, GC(regCP_MEC_CNTL)), 0);
	CHECK_EQ(counted(gpu, "cp.register_writes_refused"), 2);
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 8 & 0xff, 184);
	end();
}

static void a_users_buffer_is_no_scheduler(void)
{
	u64 root;

	CHECK(begin());
	root = new_space(VMID, 0, PASID);
	map_page(root, 0x100000, PTE_VRAM(IB));
	PUT(IB, PACKET3(0xa3, 4), 1u << 29, KIQ_BELL << 2, 0, 0, 0);
	EMIT(&ring, PACKET3(0x3f, 2), 0x100000, 0, 6 | 1 << 23 | VMID << 24);
	commit(&ring);
	WAIT_FOR(verdicts(gpu, "bad-packet") == 1);
	CHECK(hqd_is_active(kiq_hqd()));
	end();
}

static void a_queue_waits_for_a_page_alone(void)
{
	const u32 *v = NULL;
	u64 root;

	CHECK(begin());
	root = new_space(VMID, 0, PASID);
	map_page(root, 0x100000, PTE_VRAM(IB));
	PUT(IB, PACKET3(0x37, 3), 5 << 8, 0x400010, 0, 0xabc);
	EMIT(&ring, PACKET3(0x3f, 2), 0x100000, 0, 5 | 1 << 23 | VMID << 24);
	commit(&ring);
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(v[0] & 0xff, 0x1b);
	CHECK_EQ(fault_address(v), 0x400000);
	CHECK_EQ(v[3], PASID | 1 << 16);
	EMIT(&kiq, PACKET3(0x79, 1), 0x40, 3);
	commit(&kiq);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG0)) == 3);
	CHECK(!done(&ring, ring_hqd()));
	map_page(root, 0x400000, PTE_VRAM(DATA));
	answer_fault(v);
	WAIT_FOR(done(&ring, ring_hqd()));
	CHECK_EQ(get32(DATA + 0x10), 0xabc);
	end();
}

/* ---- the kernel's scheduler interface ---- */

static void a_status_query_writes_its_fence(void)
{
	CHECK(begin_on(1, 0));
	EMIT(&kiq, PACKET3(0xa0, 6), 0, ~0u, ~0u, 0, 0, 0, 0);
	EMIT(&kiq, PACKET3(0xa4, 5), 2u << 30, BELL << 2, ADDR(mc(OUT)), 5, 6);
	commit(&kiq);
	WAIT_FOR(get64(OUT) == 0x600000005ull);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void tlbs_are_invalidated_by_pasid(void)
{
	CHECK(begin_on(1, 0));
	new_space(VMID, 0, PASID);
	new_space(VMID + 1, 0, PASID + 1);
	EMIT(&kiq, PACKET3(0x98, 0), 1 | PASID << 5);
	EMIT(&kiq, PACKET3(0x98, 0), 1 | 1 << 4 | PASID << 5);
	EMIT(&kiq, PACKET3(0x98, 0), 1 | 1 << 4 | 0x7777 << 5);
	EMIT(&kiq, PACKET3(0x79, 1), 0x40, 1);
	commit(&kiq);
	WAIT_FOR(reg_read(gpu, GC(regSCRATCH_REG0)) == 1);
	/* The XCC's hub, then that and the AID's, then none. */
	CHECK_EQ(counted(gpu, "vm.invalidations"), 3);
	end();
}

static void a_scheduler_may_take_itself_off(void)
{
	CHECK(begin_on(1, 0));
	EMIT(&kiq, PACKET3(0xa3, 4), 1u << 29, KIQ_BELL << 2, 0, 0, 0);
	commit(&kiq);
	WAIT_FOR(queue_is_off(&kiq_hqd()->queue));
	end();
}

/* ---- user queues ---- */

#define USER_VA 0x600000ull	/* ring, then pointers, then data */

static u64 root;

static struct hqd *hiq_hqd(void)
{
	return cp_hqd(cp(), 2, 0, 0);
}

static struct hqd *user_hqd(void)
{
	return hqd_by_doorbell(cp(), USER_BELL);
}

/* The HIQ is mapped by the KIQ; one process has its pages, one queue its MQD. */
static bool begin_hiq_on(unsigned int num_xcc, unsigned int index)
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

static u32 put_process(u64 at, u16 pasid, u64 page_table)
{
	u32 dw[21] = { PACKET3(0xa1, 19), pasid, LO(page_table | 1), HI(page_table) };

	put(at, dw, ARRAY_SIZE(dw));
	return ARRAY_SIZE(dw);
}

static u32 put_queue(u64 at, u64 mqd, u32 bell, u32 select, u64 wptr_va)
{
	PUT(at, PACKET3(0xa2, 5), 1 << 4 | 1u << 29 | select, bell << 2, ADDR(mc(mqd)), ADDR(wptr_va));
	return 7;
}

static void run_list(u32 size)
{
	EMIT(&hiq, PACKET3(0xa5, 2), ADDR(mc(RUNLIST)), size | 1 << 23 | 1 << 24);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
}

static void run_one_queue(void)
{
	u32 n = put_process(RUNLIST, PASID, root);

	n += put_queue(RUNLIST + 4 * n, USER_MQD, USER_BELL, 0, USER_VA + PAGE + 8);
	run_list(n);
}

static void unmap_all(void)
{
	EMIT(&hiq, PACKET3(0xa3, 4), 2 << 4, 0, 0, 0, 0);
	EMIT(&hiq, PACKET3(0xa4, 5), 2u << 30, 0, ADDR(mc(OUT)), 1, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK_EQ(get32(OUT), 1);
}

static void a_run_list_gives_processes_vmids_and_runs_their_queues(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	u64 vmid;

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 0x55);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(DATA) == 0x55);
	CHECK(user_hqd());
	vmid = user_hqd()->queue.config.vmid;
	CHECK_EQ(vmid, VMID);	/* the first of the mask */
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	CHECK_EQ(ih_pasid(gpu, MMHUB(0), VMID), PASID);
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 0x66);
	commit(&user);
	WAIT_FOR(get32(DATA) == 0x66);
	WAIT_FOR(get32(USER_RING + PAGE) == user.wptr);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_that_was_unmapped_goes_on_when_it_is_mapped_again(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), 1);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(DATA) == 1);
	unmap_all();
	CHECK_NO_BREAK();
	CHECK(!user_hqd());
	for (u32 i = 2; i < 60; i++) {
		EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(USER_VA + 2 * PAGE), i);
		set64(USER_RING + PAGE + 8, user.wptr);
		commit(&user);		/* nobody hears it */
		run_one_queue();
		CHECK_NO_BREAK();
		WAIT_FOR(get32(DATA) == i);
		unmap_all();
		CHECK_NO_BREAK();
	}
	CHECK_EQ(counted(gpu, "doorbell.unattached"), 58);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_queue_in_a_fault_can_be_unmapped_and_retries_later(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	const u32 *v = NULL;

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 5 << 8, ADDR(0x900000), 1);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(fault_address(v), 0x900000);
	unmap_all();
	CHECK_NO_BREAK();
	map_page(root, 0x900000, PTE_VRAM(OUT + PAGE));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(OUT + PAGE) == 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void an_interrupted_indirect_buffer_of_a_user_goes_on(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };
	const u32 *v = NULL;

	CHECK(begin_hiq_on(1, 0));
	map_page(root, 0x100000, PTE_VRAM(IB));
	PUT(IB, PACKET3(0x1e, 7), 0x0f, ADDR(USER_VA + 2 * PAGE), 1, 0, 0, 0, 0,
	    PACKET3(0x37, 3), 5 << 8, ADDR(0x900000), 1);
	EMIT(&user, PACKET3(0x3f, 2), 0x100000, 0, 14 | 1 << 23);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR((v = next_vector()));
	unmap_all();
	CHECK_NO_BREAK();
	map_page(root, 0x900000, PTE_VRAM(OUT + PAGE));
	answer_fault(v);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(get32(OUT + PAGE) == 1);
	CHECK_EQ(get32(DATA), 1);	/* the atomic before it ran once */
	end();
}

static void queues_of_one_pasid_can_be_unmapped(void)
{
	u32 n;

	CHECK(begin_hiq_on(1, 0));
	make_user_mqd(USER_MQD + PAGE, USER_VA, USER_VA + PAGE);
	n = put_process(RUNLIST, PASID, root);
	n += put_queue(RUNLIST + 4 * n, USER_MQD, USER_BELL, 0, 0);
	n += put_process(RUNLIST + 4 * n, PASID + 1, root);
	n += put_queue(RUNLIST + 4 * n, USER_MQD + PAGE, USER_BELL + 2, 0, 0);
	run_list(n);
	CHECK_NO_BREAK();
	EMIT(&hiq, PACKET3(0xa3, 4), 1 << 4, PASID, 0, 0, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK(!user_hqd());
	CHECK(hqd_by_doorbell(cp(), USER_BELL + 2));
	CHECK_EQ(ih_pasid(gpu, 0, VMID + 1), PASID + 1);
	end();
}

static void a_user_sdma_queue_is_mapped_too(void)
{
	u32 n;

	CHECK(begin_hiq_on(1, 0));
	reg_write(gpu, reg_base(gpu, HW_SDMA, 1, 0) + 2, 0);	/* unhalt SDMA 1 */
	put(SDMA_MQD, (u32[SDMA_MQD_DWORDS]){ 6 << 1 | 1 << 12, (u32)((USER_VA + 3 * PAGE) >> 8) },
	    SDMA_MQD_DWORDS);
	PUT(SDMA_RING, 5, ADDR(USER_VA + 2 * PAGE), 0x1234);
	n = put_process(RUNLIST, PASID, root);
	n += put_queue(RUNLIST + 4 * n, SDMA_MQD, SDMA_BELL, 3u << 26, 0);
	run_list(n);
	CHECK_NO_BREAK();
	ring_doorbell(SDMA_BELL, 16);
	WAIT_FOR(get32(DATA) == 0x1234);
	unmap_all();
	CHECK_NO_BREAK();
	CHECK_EQ(get32(SDMA_MQD + 12), 16);	/* its read pointer */
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_vmid_keeps_its_process_until_another_needs_it(void)
{
	CHECK(begin_hiq_on(1, 0));
	run_one_queue();
	CHECK_NO_BREAK();
	unmap_all();
	CHECK_NO_BREAK();
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	CHECK_EQ(counted(gpu, "vm.invalidations"), 2);
	run_one_queue();
	CHECK_NO_BREAK();
	CHECK_EQ(counted(gpu, "vm.invalidations"), 2);
	/* Another page table under the same PASID is another process. */
	run_list(put_process(RUNLIST, PASID, new_table(PAGE)));
	CHECK_NO_BREAK();
	CHECK_EQ(counted(gpu, "vm.invalidations"), 4);
	CHECK_EQ(ih_pasid(gpu, 0, VMID), PASID);
	end();
}

static void a_run_list_that_does_not_fit_is_a_verdict(void)
{
	u32 n = 0;

	CHECK(begin_hiq_on(1, 0));
	for (u32 i = 0; i < 9; i++)
		n += put_process(RUNLIST + 4 * n, PASID + i, root);
	run_list(n);
	CHECK_NO_BREAK();
	CHECK_EQ(verdicts(gpu, "runlist-too-long"), 1);
	end();
}

static void set_partition(unsigned int size)
{
	for (unsigned int i = 0; i < size; i++) {
		xcc = i;
		reg_write(gpu, GC(regCP_HYP_XCP_CTL),
			  i | size << CP_HYP_XCP_CTL__NUM_XCC_IN_XCP__SHIFT);
	}
	xcc = 0;
}

static void a_user_queue_runs_on_the_xcc_that_its_mqd_names(void)
{
	CHECK(begin_hiq_on(4, 0));
	set_partition(4);
	set32(USER_MQD + 4 * MQD_PM4_TARGET_XCC, 3);
	set32(USER_MQD + 4 * MQD_STRIDE, PAGE);
	make_user_mqd(USER_MQD + 3 * PAGE, USER_VA, USER_VA + PAGE);
	run_one_queue();
	CHECK_NO_BREAK();
	for (xcc = 0; xcc < 4; xcc++) {
		CHECK_EQ(user_hqd() != NULL, xcc == 3);
		CHECK_EQ(ih_pasid(gpu, xcc, VMID), PASID);
		CHECK_EQ(ih_pasid(gpu, MMHUB(xcc / 2), VMID), PASID);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_following_xccs_scheduler_leaves_the_work_to_the_first(void)
{
	CHECK(begin_on(2, 1));
	reg_write(gpu, GC(regCP_HYP_XCP_CTL), 1 | 2 << CP_HYP_XCP_CTL__NUM_XCC_IN_XCP__SHIFT);
	hiq = (struct ring){ .vram = HIQ_RING, .bell = HIQ_BELL };
	make_mqd(HIQ_MQD, mc(HIQ_RING), mc(WB + 32));
	emit_map(HIQ_MQD, 2, 0, 0, HIQ_BELL, 1, mc(WB + 40));
	commit(&kiq);
	WAIT_FOR(done(&kiq, kiq_hqd()));
	EMIT(&hiq, PACKET3(0xa4, 5), 2u << 30, 0, ADDR(mc(OUT)), 1, 0);
	commit(&hiq);
	WAIT_FOR(done(&hiq, hiq_hqd()));
	CHECK_EQ(get32(OUT), 0);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_users_queue_has_no_rights(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };

	CHECK(begin_hiq_on(1, 0));
	EMIT(&user, PACKET3(0x37, 3), 0, regGRBM_GFX_CNTL + 0x2000, 0, 0x123);
	EMIT(&user, PACKET3(0xa3, 4), 2 << 4, 0, 0, 0, 0);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, "bad-packet"), 1);
	CHECK_EQ(counted(gpu, "cp.register_writes_refused"), 1);
	CHECK(user_hqd());
	end();
}

static void an_aql_queue_is_refused_explicitly(void)
{
	struct ring user = { .vram = USER_RING, .bell = USER_BELL };

	CHECK(begin_hiq_on(1, 0));
	set32(USER_MQD + 4 * (MQD_HQD_START + regCP_HQD_AQL_CONTROL - regCP_MQD_BASE_ADDR), 1);
	EMIT(&user, 0);
	set64(USER_RING + PAGE + 8, user.wptr);
	run_one_queue();
	CHECK_NO_BREAK();
	WAIT_FOR(verdicts(gpu, "bad-packet") == 1);
	end();
}

int main(void)
{
	CASE(the_kiq_runs_when_it_is_set_up_by_registers);
	CASE(a_halted_mec_runs_nothing);
	CASE(registers_are_banked_by_queue);
	CASE(mapping_loads_the_mqd_and_starts_the_queue);
	CASE(the_read_pointer_in_memory_is_that_in_the_ring);
	CASE(a_queue_takes_its_write_pointer_from_memory_when_mapped);
	CASE(dequeueing_turns_a_queue_off);
	CASE(unmapping_saves_what_mapping_again_needs);
	CASE(a_queue_is_reset_by_its_pipe_or_by_itself);
	CASE(resetting_all_pipes_of_a_halted_mec_turns_its_queues_off);
	CASE(bad_mappings_are_refused);
	CASE(reset_turns_all_queues_off);
	CASE(fillers_and_nops_are_skipped);
	CASE(packets_without_effect_are_consumed_whole);
	CASE(registers_are_set_in_their_ranges);
	CASE(every_xcc_means_its_own_registers);
	CASE(data_is_written_to_memory_and_registers);
	CASE(data_is_copied_from_and_to_everything);
	CASE(dma_copies_and_fills);
	CASE(waits_for_memory_and_registers);
	CASE(a_wait_may_write_first);
	CASE(releases_write_data_and_interrupt);
	CASE(interrupts_carry_the_node_of_their_xcc);
	CASE(an_interrupt_that_is_not_enabled_is_silent);
	CASE(writing_an_interrupt_status_raises_it);
	CASE(atomics_change_memory);
	CASE(conditions_skip_what_follows);
	CASE(a_dispatch_is_refused_and_the_fence_follows);
	CASE(what_is_not_understood_halts_the_queue);
	CASE(an_indirect_buffer_runs_in_its_own_address_space);
	CASE(indirect_buffers_nest_and_chain);
	CASE(an_endless_chain_can_be_dequeued);
	CASE(a_users_buffer_may_write_job_registers_only);
	CASE(a_users_buffer_is_no_scheduler);
	CASE(a_queue_waits_for_a_page_alone);
	CASE(a_status_query_writes_its_fence);
	CASE(tlbs_are_invalidated_by_pasid);
	CASE(a_scheduler_may_take_itself_off);
	CASE(a_run_list_gives_processes_vmids_and_runs_their_queues);
	CASE(a_queue_that_was_unmapped_goes_on_when_it_is_mapped_again);
	CASE(a_queue_in_a_fault_can_be_unmapped_and_retries_later);
	CASE(an_interrupted_indirect_buffer_of_a_user_goes_on);
	CASE(queues_of_one_pasid_can_be_unmapped);
	CASE(a_user_sdma_queue_is_mapped_too);
	CASE(a_vmid_keeps_its_process_until_another_needs_it);
	CASE(a_run_list_that_does_not_fit_is_a_verdict);
	CASE(a_user_queue_runs_on_the_xcc_that_its_mqd_names);
	CASE(a_following_xccs_scheduler_leaves_the_work_to_the_first);
	CASE(a_users_queue_has_no_rights);
	CASE(an_aql_queue_is_refused_explicitly);
	return DONE();
}

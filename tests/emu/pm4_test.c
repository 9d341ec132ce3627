// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command processors: queues set up as the driver sets them up, PM4 packets and
 * the kernel's scheduler interface.
 */
#include "cp_fixture.h"
#include "atomics.h"

#define STORM 0x2000000u	/* a large buffer */

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
	for (u32 i = 0; i < NUM_ATOMIC_CASES; i++) {
		const struct atomic_case c = atomic_case(i);

		set64(OUT, c.before);
		EMIT(&ring, PACKET3(0x1e, 7), c.op, ADDR(mc(OUT)), ADDR(c.src), ADDR(c.cmp), 0);
		RUN();
		CHECK_EQ(get64(OUT), c.after);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_looping_compare_and_swap_waits_for_its_value(void)
{
	CHECK(begin());
	set32(OUT, 8);
	EMIT(&ring, PACKET3(0x1e, 7), 0x08 | 1 << 8, ADDR(mc(OUT)), 1, 0, 9, 0, 0);
	commit(&ring);
	WAIT_FOR(queue_is_executing(&ring_hqd()->queue));
	CHECK_EQ(get32(OUT), 8);
	set32(OUT, 9);
	WAIT_FOR(get32(OUT) == 1);
	end();
}

/* One dword, two, with a body; in the ring and in a buffer, more than the ring holds. */
static void nops_in_any_number_are_passed_over(void)
{
	const u32 size = 64u << 10;

	CHECK(begin());
	for (u32 round = 0; round < 8; round++) {
		for (u32 i = 0; i < 100; i++)
			EMIT(&ring, i & 1 ? NOP : 2u << 30);
		for (u32 n = 0; n < 8; n++) {
			EMIT(&ring, PACKET3(0x10, n));
			for (u32 i = 0; i <= n; i++)
				EMIT(&ring, 0xffffffff);	/* no packet if it were read as one */
		}
		RUN();
	}
	for (u32 i = 0; i < size / 2; i++)
		set32(STORM + 4 * i, NOP);
	for (u32 i = size / 2; i < size; i += 0x2000)
		set32(STORM + 4 * i, PACKET3(0x10, 0x1ffe));
	EMIT(&ring, PACKET3(0x3f, 2), ADDR(mc(STORM)), size | 1 << 23);
	EMIT(&ring, PACKET3(0x79, 1), 0x40, 1);
	RUN();
	CHECK_EQ(reg_read(gpu, GC(regSCRATCH_REG0)), 1);
	CHECK_EQ(verdicts(gpu, NULL), 0);
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
	CASE(a_looping_compare_and_swap_waits_for_its_value);
	CASE(nops_in_any_number_are_passed_over);
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
	return DONE();
}

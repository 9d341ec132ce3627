// SPDX-License-Identifier: GPL-2.0-only
/* SDMA: its registers as the driver uses them, and every packet. */
#include "sdma/sdma_4_4_2_offset.h"
#include "sdma/sdma_4_4_2_sh_mask.h"
#include "../../emu/sdma.h"
#include "engine_fixture.h"
#include "atomics.h"

#define RING 0x10000u		/* all in VRAM */
#define IB 0x20000u
#define DATA 0x40000u
#define OUT 0x80000u
#define RPTR 0xf0000u
#define POLL 0xf0100u
#define STORM 0x2000000u	/* a large buffer */
#define RING_LOG2 8		/* dwords */
#define BELL 0x200u
#define USER_BELL 0x2000u
#define NOP 0u
#define VMID 8u
#define PASID 0x8008u

static bool running;
static unsigned int inst;	/* engine under test */
static u64 wptr;		/* dwords */

static u32 reg(u32 offset)
{
	return reg_base(gpu, HW_SDMA, inst, 0) + offset;
}

static void end(void)
{
	if (running)
		gpu_stop();
	running = false;
}

static void enable_ring(void)
{
	reg_write(gpu, reg(regSDMA_GFX_RB_CNTL),
		  RING_LOG2 << SDMA_GFX_RB_CNTL__RB_SIZE__SHIFT |
		  SDMA_GFX_RB_CNTL__RPTR_WRITEBACK_ENABLE_MASK | SDMA_GFX_RB_CNTL__RB_ENABLE_MASK);
}

/* In the driver's order. */
static void start_ring(void)
{
	wptr = 0;
	reg_write(gpu, reg(regSDMA_F32_CNTL), 0);
	reg_write(gpu, reg(regSDMA_CNTL), SDMA_CNTL__TRAP_ENABLE_MASK);
	reg_write(gpu, reg(regSDMA_GFX_RB_RPTR_ADDR_HI), (u32)(mc(RPTR) >> 32));
	reg_write(gpu, reg(regSDMA_GFX_RB_RPTR_ADDR_LO), (u32)mc(RPTR));
	reg_write(gpu, reg(regSDMA_GFX_RB_BASE), (u32)(mc(RING) >> 8));
	reg_write(gpu, reg(regSDMA_GFX_RB_BASE_HI), (u32)(mc(RING) >> 40));
	reg_write(gpu, reg(regSDMA_GFX_RB_RPTR), 0);
	reg_write(gpu, reg(regSDMA_GFX_RB_RPTR_HI), 0);
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR), 0);
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_HI), 0);
	reg_write(gpu, reg(regSDMA_GFX_DOORBELL), SDMA_GFX_DOORBELL__ENABLE_MASK);
	reg_write(gpu, reg(regSDMA_GFX_DOORBELL_OFFSET),
		  BELL << SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT);
	enable_ring();
	reg_write(gpu, reg(regSDMA_GFX_IB_CNTL), SDMA_GFX_IB_CNTL__IB_ENABLE_MASK);
}

static bool begin_on(unsigned int num_xcc, unsigned int engine)
{
	end();
	running = true;
	inst = engine;
	if (!gpu_start(num_xcc))
		return false;
	start_ring();
	return true;
}

static bool begin(void)
{
	return begin_on(1, 0);
}

static void emit(const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++, wptr++)
		set32(RING + 4 * (wptr % (1u << RING_LOG2)), dw[i]);
}

#define EMIT(...) emit((const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)
#define LO(va) ((u32)(va))
#define HI(va) ((u32)((u64)(va) >> 32))
#define ADDR(va) LO(va), HI(va)

static void commit(void)
{
	ring_doorbell(BELL, wptr << 2);
}

static u64 rptr(void)
{
	return (reg_read(gpu, reg(regSDMA_GFX_RB_RPTR)) |
		(u64)reg_read(gpu, reg(regSDMA_GFX_RB_RPTR_HI)) << 32) >> 2;
}

static bool idle(void)
{
	return reg_read(gpu, reg(regSDMA_STATUS_REG)) & SDMA_STATUS_REG__IDLE_MASK;
}

/* An indirect buffer call, which must end at 8 dwords. */
static void emit_ib(unsigned int vmid, u64 va, u32 size)
{
	while (wptr % 8 != 2)
		EMIT(NOP);
	EMIT(4 | vmid << 16, ADDR(va), size, 0, 0);
}

static void fill_pattern(u64 vram, u32 dwords, u32 seed)
{
	for (u32 i = 0; i < dwords; i++)
		set32(vram + 4 * i, seed + i * 7);
}

static bool has_pattern(u64 vram, u32 dwords, u32 seed)
{
	for (u32 i = 0; i < dwords; i++)
		if (get32(vram + 4 * i) != seed + i * 7)
			return false;
	return true;
}

/* ---- the ring ---- */

static void the_ring_test_of_the_driver_passes(void)
{
	CHECK(begin());
	EMIT(2, ADDR(mc(OUT)), 0, 0xdeadbeef);
	commit();
	WAIT_FOR(get32(OUT) == 0xdeadbeef);
	WAIT_FOR(get64(RPTR) == wptr << 2);
	CHECK_EQ(rptr(), wptr);
	WAIT_FOR(idle());
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void the_write_pointer_may_be_set_by_register(void)
{
	CHECK(begin());
	EMIT(5, ADDR(mc(OUT)), 1);
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR), (u32)(wptr << 2));
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_HI), 0);
	WAIT_FOR(get32(OUT) == 1);
	CHECK_EQ(reg_read(gpu, reg(regSDMA_GFX_RB_WPTR)), wptr << 2);
	end();
}

static void the_write_pointer_may_be_polled(void)
{
	CHECK(begin());
	reg_write(gpu, reg(regSDMA_GFX_RB_CNTL), 0);
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_POLL_ADDR_LO), LO(mc(POLL)));
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_POLL_ADDR_HI), HI(mc(POLL)));
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_POLL_CNTL),
		  SDMA_GFX_RB_WPTR_POLL_CNTL__F32_POLL_ENABLE_MASK);
	set64(POLL, 0);
	enable_ring();
	EMIT(5, ADDR(mc(OUT)), 1);
	set64(POLL, wptr << 2);
	WAIT_FOR(get32(OUT) == 1);
	end();
}

static void a_ring_of_many_rounds_keeps_its_order(void)
{
	CHECK(begin());
	for (u32 i = 1; i <= 300; i++) {
		EMIT(5, ADDR(mc(OUT)), i);
		EMIT(0x20000, 0, 0);	/* a NOP of 3 dwords */
		commit();
		WAIT_FOR(get32(OUT) == i);
	}
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_halted_engine_does_nothing_until_it_runs_again(void)
{
	CHECK(begin());
	reg_write(gpu, reg(regSDMA_F32_CNTL), SDMA_F32_CNTL__HALT_MASK);
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	CHECK(!idle());
	CHECK_EQ(rptr(), 0);
	reg_write(gpu, reg(regSDMA_F32_CNTL), 0);
	WAIT_FOR(get32(OUT) == 1);
	reg_write(gpu, reg(regSDMA_FREEZE), SDMA_FREEZE__FREEZE_MASK);
	CHECK(reg_read(gpu, reg(regSDMA_FREEZE)) & SDMA_FREEZE__FROZEN_MASK);
	EMIT(5, ADDR(mc(OUT)), 2);
	commit();
	CHECK(!idle());
	reg_write(gpu, reg(regSDMA_FREEZE), 0);
	WAIT_FOR(get32(OUT) == 2);
	end();
}

static void a_disabled_ring_goes_on_where_it_was(void)
{
	CHECK(begin());
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(rptr() == wptr);
	reg_write(gpu, reg(regSDMA_GFX_RB_CNTL), 0);
	WAIT_FOR(reg_read(gpu, reg(regSDMA_GFX_CONTEXT_STATUS)) &
		 SDMA_GFX_CONTEXT_STATUS__IDLE_MASK);
	EMIT(5, ADDR(mc(OUT)), 2);
	commit();
	CHECK_EQ(rptr(), 4);
	enable_ring();
	WAIT_FOR(get32(OUT) == 2);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void a_ring_that_is_set_up_again_starts_from_its_new_position(void)
{
	CHECK(begin());
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	reg_write(gpu, reg(regSDMA_GFX_RB_CNTL), 0);
	start_ring();
	EMIT(5, ADDR(mc(OUT)), 2);
	commit();
	WAIT_FOR(get32(OUT) == 2);
	WAIT_FOR(rptr() == 4);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void an_indirect_buffer_waits_until_they_are_enabled(void)
{
	CHECK(begin());
	reg_write(gpu, reg(regSDMA_GFX_IB_CNTL), 0);
	set32(IB, 5);
	set32(IB + 4, LO(mc(OUT)));
	set32(IB + 8, HI(mc(OUT)));
	set32(IB + 12, 77);
	emit_ib(0, mc(IB), 4);
	commit();
	WAIT_FOR(rptr() == wptr - 6);
	CHECK_EQ(get32(OUT), 0);
	reg_write(gpu, reg(regSDMA_GFX_IB_CNTL), SDMA_GFX_IB_CNTL__IB_ENABLE_MASK);
	WAIT_FOR(get32(OUT) == 77);
	end();
}

static void reset_turns_everything_off(void)
{
	CHECK(begin());
	EMIT(8 | 3u << 28 | 1u << 31, ADDR(mc(OUT)), 1, ~0u, 0xfff0000);	/* never true */
	commit();
	WAIT_FOR(reg_read(gpu, reg(regSDMA_GFX_CONTEXT_STATUS)) &
		 SDMA_GFX_CONTEXT_STATUS__SELECTED_MASK);
	cp_reset(gpu);
	sdma_reset(gpu);
	regs_reset(gpu);
	CHECK(idle());
	CHECK_EQ(reg_read(gpu, reg(regSDMA_F32_CNTL)), SDMA_F32_CNTL__HALT_MASK);
	start_ring();
	EMIT(5, ADDR(mc(OUT)), 2);
	commit();
	WAIT_FOR(get32(OUT) == 2);
	end();
}

/* ---- packets ---- */

static void linear_copies_of_any_size_and_alignment(void)
{
	static const struct { u32 src, dst, len; } cases[] = {
		{ 0, 0, 4 }, { 0, 0, 4096 }, { 1, 3, 5000 }, { 4095, 1, 2 }, { 8, 4, 200000 },
	};

	CHECK(begin());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		static u8 in[200000], out[200000];
		u32 n = cases[i].len;

		for (u32 k = 0; k < n; k++)
			in[k] = (u8)(k * 31 + i);
		vram_write(gpu, DATA + cases[i].src, in, n);
		EMIT(1, n - 1, 0, ADDR(mc(DATA + cases[i].src)), ADDR(mc(0x100000 + cases[i].dst)));
		EMIT(5, ADDR(mc(OUT)), i + 1);
		commit();
		WAIT_FOR(get32(OUT) == i + 1);
		vram_read(gpu, 0x100000 + cases[i].dst, out, n);
		CHECK(!memcmp(in, out, n));
	}
	end();
}

static void a_broadcast_copy_has_two_destinations(void)
{
	CHECK(begin());
	fill_pattern(DATA, 64, 5);
	EMIT(1 | 1 << 27, 255, 0, ADDR(mc(DATA)), ADDR(mc(OUT)), ADDR(mc(OUT + 0x1000)));
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK(has_pattern(OUT, 64, 5));
	CHECK(has_pattern(OUT + 0x1000, 64, 5));
	end();
}

/* A 3 x 2 window at (1, 1) of a surface 8 wide to (0, 1) of one 4 wide. */
static void a_window_copy_respects_pitches(void)
{
	CHECK(begin());
	fill_pattern(DATA, 64, 0);
	EMIT(1 | 4 << 8 | 2u << 29, ADDR(mc(DATA)), 1 | 1 << 16, 7 << 13, 63,
	     ADDR(mc(OUT)), 0 | 1 << 16, 3 << 13, 63, 2 | 1 << 16, 0);
	commit();
	WAIT_FOR(rptr() == wptr);
	for (u32 y = 0; y < 2; y++)
		for (u32 x = 0; x < 3; x++)
			CHECK_EQ(get32(OUT + 4 * (x + 4 * (y + 1))), 7 * (x + 1 + 8 * (y + 1)));
	CHECK_EQ(get32(OUT), 0);
	end();
}

static void a_write_of_many_dwords(void)
{
	u32 dw[4 + 200] = { 2, 0, 0, 199 };

	CHECK(begin());
	dw[1] = LO(mc(OUT));
	dw[2] = HI(mc(OUT));
	for (u32 i = 0; i < 200; i++)
		dw[4 + i] = 9 + i * 7;
	emit(dw, ARRAY_SIZE(dw));
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK(has_pattern(OUT, 200, 9));
	CHECK_EQ(get32(OUT + 800), 0);
	end();
}

static void constant_fills_of_bytes_and_dwords(void)
{
	CHECK(begin());
	EMIT(11, ADDR(mc(OUT + 1)), 0x5a, 5);
	EMIT(11 | 2u << 30, ADDR(mc(OUT + 0x1000)), 0x12345678, 70000 * 4 - 1);
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK_EQ(get64(OUT), 0x005a5a5a5a5a5a00ull);
	for (u32 i = 0; i < 70000; i++)
		CHECK_EQ(get32(OUT + 0x1000 + 4 * i), 0x12345678);
	CHECK_EQ(get32(OUT + 0x1000 + 4 * 70000), 0);
	end();
}

static void pte_generation_counts_up_and_sets_flags(void)
{
	CHECK(begin());
	EMIT(12, ADDR(mc(OUT)), ADDR(0x71ull), ADDR(0x123456000ull), 0x1000, 0, 499);
	commit();
	WAIT_FOR(rptr() == wptr);
	for (u32 i = 0; i < 500; i++)
		CHECK_EQ(get64(OUT + 8 * i), (0x123456000ull + i * 0x1000ull) | 0x71);
	end();
}

static void a_poll_of_memory_waits_for_its_value(void)
{
	CHECK(begin());
	EMIT(8 | 3u << 28 | 1u << 31, ADDR(mc(POLL)), 0x20, 0xf0, 0xfff0004);
	EMIT(5, ADDR(mc(OUT)), 1);
	set32(POLL, 0x17);
	commit();
	WAIT_FOR(reg_read(gpu, reg(regSDMA_GFX_CONTEXT_STATUS)) &
		 SDMA_GFX_CONTEXT_STATUS__SELECTED_MASK);
	CHECK_EQ(get32(OUT), 0);
	set32(POLL, 0x2f);
	WAIT_FOR(get32(OUT) == 1);
	end();
}

static void a_poll_with_few_retries_gives_up_and_says_so(void)
{
	const u32 *v;

	CHECK(begin());
	EMIT(8 | 3u << 28 | 1u << 31, ADDR(mc(POLL)), 1, ~0u, 3 << 16);
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 8 & 0xff, 246);
	end();
}

/* The flush of a hub's TLB as the driver has the ring do it. */
static void registers_are_written_and_polled(void)
{
	u32 base, layout_req = mmhub_layout.engine0_req;

	CHECK(begin());
	base = reg_base(gpu, HW_MMHUB, 0, mmhub_layout.segment);
	EMIT(14 | 0xfu << 28, base + layout_req, 1u << 5 | 0x7f << 16);
	EMIT(8 | 3u << 28, (base + mmhub_layout.engine0_ack) << 2, 0, 1u << 5, 1u << 5, 0xfff000a);
	EMIT(8 | 1u << 8, (base + layout_req) << 2, ADDR(mc(OUT + 8)));
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	CHECK_EQ(get32(OUT + 8), 1u << 5 | 0x7f << 16);
	CHECK_EQ(counted(gpu, "vm.invalidations"), 1);
	end();
}

static void an_hdp_flush_writes_the_request_and_polls_the_answer(void)
{
	CHECK(begin());
	/* Two registers that only remember stand in for request and answer. */
	reg_write(gpu, reg(regSDMA_GFX_DUMMY_REG), 0x104);
	EMIT(8 | 1 << 26 | 3u << 28, reg(regSDMA_GFX_DUMMY_REG) << 2,
	     reg(regSDMA_UTCL1_TIMEOUT) << 2, 4, 4, 0xfff000a);
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	CHECK_EQ(reg_read(gpu, reg(regSDMA_UTCL1_TIMEOUT)), 4);
	end();
}

static void conditional_execution_skips_or_does_not(void)
{
	CHECK(begin());
	set32(POLL, 1);
	EMIT(9, ADDR(mc(POLL)), 1, 4);
	EMIT(5, ADDR(mc(OUT)), 1);
	EMIT(9, ADDR(mc(POLL)), 2, 4);
	EMIT(5, ADDR(mc(OUT + 4)), 1);
	EMIT(15 | 1 << 16, 4);		/* for device 0 */
	EMIT(5, ADDR(mc(OUT + 8)), 1);
	EMIT(15 | 2 << 16, 4);		/* for device 1 */
	EMIT(5, ADDR(mc(OUT + 12)), 1);
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK_EQ(get32(OUT), 1);
	CHECK_EQ(get32(OUT + 4), 0);
	CHECK_EQ(get32(OUT + 8), 1);
	CHECK_EQ(get32(OUT + 12), 0);
	end();
}

static void atomics_change_memory(void)
{
	CHECK(begin());
	for (u32 i = 0; i < NUM_ATOMIC_CASES; i++) {
		const struct atomic_case c = atomic_case(i);

		set64(OUT, c.before);
		EMIT(10 | c.op << 25, ADDR(mc(OUT)), ADDR(c.src), ADDR(c.cmp), 0);
		EMIT(5, ADDR(mc(OUT + 8)), i + 1);
		commit();
		WAIT_FOR(get32(OUT + 8) == i + 1);
		CHECK_EQ(get64(OUT), c.after);
	}
	end();
}

static void a_looping_compare_and_swap_waits_for_its_value(void)
{
	CHECK(begin());
	set32(OUT, 1);
	EMIT(10 | 1 << 16 | 0x08 << 25, ADDR(mc(OUT)), ADDR(9ull), ADDR(2ull), 0);
	commit();
	WAIT_FOR(reg_read(gpu, reg(regSDMA_GFX_CONTEXT_STATUS)) &
		 SDMA_GFX_CONTEXT_STATUS__SELECTED_MASK);
	CHECK_EQ(get32(OUT), 1);
	set32(OUT, 2);
	WAIT_FOR(get32(OUT) == 9);
	end();
}

/* Alone and with a body, in the ring and in a buffer, more of them than the ring holds. */
static void nops_in_any_number_are_passed_over(void)
{
	const u32 size = 64u << 10;

	CHECK(begin());
	for (u32 round = 0; round < 8; round++) {
		for (u32 i = 0; i < 100; i++)
			EMIT(NOP);
		for (u32 n = 1; n < 8; n++) {
			EMIT(NOP | n << 16);
			for (u32 i = 0; i < n; i++)
				EMIT(0xdeadbeef);	/* no packet if it were read as one */
		}
		EMIT(5, ADDR(mc(OUT)), round + 1);
		commit();
		WAIT_FOR(get32(OUT) == round + 1);
	}
	for (u32 i = 0; i < size; i += 1024)
		set32(STORM + 4 * i, NOP | 1023 << 16);
	emit_ib(0, mc(STORM), size);
	EMIT(5, ADDR(mc(OUT)), 99);
	commit();
	WAIT_FOR(get32(OUT) == 99);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void timestamps_go_forward(void)
{
	u64 before = gpu_clock();

	CHECK(begin());
	EMIT(13 | 2 << 8, ADDR(mc(OUT)));
	EMIT(13, ADDR(1000ull));
	EMIT(13 | 1 << 8, ADDR(mc(OUT + 8)));
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK(get64(OUT) >= before && get64(OUT) <= gpu_clock());
	CHECK(get64(OUT + 8) >= 1000 && get64(OUT + 8) < before);
	end();
}

/* ---- interrupts ---- */

static void a_trap_comes_from_the_engines_client_node_and_ring(void)
{
	static const struct { unsigned int inst; u32 client, node; } cases[] = {
		{ 0, 8, 0 }, { 1, 9, 0 }, { 2, 1, 0 }, { 3, 4, 0 }, { 5, 9, 4 }, { 15, 4, 12 },
	};

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const u32 *v;

		CHECK(begin_on(8, cases[i].inst));
		EMIT(6, 0x1234567);
		EMIT(5, ADDR(mc(OUT)), 1);
		commit();
		WAIT_FOR(get32(OUT) == 1);
		v = next_vector();
		CHECK(v);
		CHECK_EQ(v[0], cases[i].client | 224 << 8 | 1u << 31);
		CHECK_EQ(v[3], cases[i].node << 16);
		CHECK_EQ(v[4], 0x1234567);
		CHECK(!next_vector());
	}
	end();
}

static void a_trap_that_is_not_enabled_is_silent(void)
{
	CHECK(begin());
	reg_write(gpu, reg(regSDMA_CNTL), 0);
	EMIT(6, 1);
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	CHECK(!next_vector());
	end();
}

/* ---- refusals ---- */

static void halts_with(const char *kind)
{
	commit();
	WAIT_FOR(counted(gpu, "queue.halts") == 1);
	CHECK_EQ(verdicts(gpu, kind), 1);
	CHECK_EQ(verdicts(gpu, NULL), 1);
	CHECK(reg_read(gpu, reg(regSDMA_GFX_CONTEXT_STATUS)) &
	      SDMA_GFX_CONTEXT_STATUS__SELECTED_MASK);
}

static void what_is_not_understood_halts_the_ring(void)
{
	static const u32 headers[] = {
		3, 7, 17, 0xff, 1 | 1 << 8, 1 | 8 << 8, 2 | 1 << 8, 8 | 3 << 8, 11 | 1 << 8,
		11 | 3u << 30, 12 | 1 << 8, 13 | 3 << 8, 10 | 0x7fu << 25,
	};

	for (u32 i = 0; i < ARRAY_SIZE(headers); i++) {
		CHECK(begin());
		EMIT(headers[i], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
		halts_with("bad-packet");
		CHECK_NO_BREAK();
	}
	end();
}

static void a_misplaced_indirect_buffer_halts_the_ring(void)
{
	CHECK(begin());
	EMIT(4, ADDR(mc(IB)), 8, 0, 0);
	halts_with("bad-packet");
	CHECK_NO_BREAK();
	CHECK(begin());
	emit_ib(0, mc(IB) + 4, 8);
	halts_with("bad-packet");
	CHECK_NO_BREAK();
	CHECK(begin());
	set32(IB, 4);
	emit_ib(0, mc(IB), 8);
	halts_with("bad-packet");
	end();
}

static void a_packet_longer_than_its_indirect_buffer_is_an_overrun(void)
{
	CHECK(begin());
	set32(IB, 2);
	set32(IB + 12, 100);
	emit_ib(0, mc(IB), 8);
	halts_with("ring-overrun");
	end();
}

static void a_halted_ring_works_again_after_its_restart(void)
{
	CHECK(begin());
	EMIT(0xff);
	halts_with("bad-packet");
	CHECK_NO_BREAK();
	reg_write(gpu, reg(regSDMA_GFX_RB_CNTL), 0);
	start_ring();
	EMIT(5, ADDR(mc(OUT)), 2);
	commit();
	WAIT_FOR(get32(OUT) == 2);
	end();
}

/* ---- address spaces ---- */

/* A process with one page of code (IB) and some pages of data from VA 0x400000. */
static u64 make_process(u32 pages)
{
	u64 root = new_space(VMID, 0, PASID);

	map_page(root, 0x100000, PTE_VRAM(IB));
	for (u32 i = 0; i < pages; i++)
		map_page(root, 0x400000 + i * PAGE, PTE_VRAM(DATA + i * PAGE));
	return root;
}

static void put_ib(const u32 *dw, u32 n)
{
	for (u32 i = 0; i < n; i++)
		set32(IB + 4 * i, dw[i]);
}

#define PUT_IB(...) put_ib((const u32[]){ __VA_ARGS__ }, sizeof((u32[]){ __VA_ARGS__ }) / 4)

static void an_indirect_buffer_runs_in_its_own_address_space(void)
{
	const u32 *v;

	CHECK(begin());
	make_process(2);
	fill_pattern(DATA, 16, 3);
	PUT_IB(1, 63, 0, ADDR(0x400000), ADDR(0x401000), 6, 0x55, NOP, NOP, NOP, NOP, NOP, NOP, NOP);
	emit_ib(VMID, 0x100000, 16);
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK(has_pattern(DATA + PAGE, 16, 3));
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 24, VMID | 0x80);
	CHECK_EQ(v[3] & 0xffff, PASID);
	end();
}

static void a_users_register_write_is_dropped_and_reported(void)
{
	const u32 *v;

	CHECK(begin());
	make_process(0);
	reg_write(gpu, reg(regSDMA_CNTL), SDMA_CNTL__REG_WRITE_PROTECT_INT_ENABLE_MASK);
	PUT_IB(14 | 0xfu << 28, reg(regSDMA_UTCL1_TIMEOUT), 0xbad, NOP, NOP, NOP, NOP, NOP);
	emit_ib(VMID, 0x100000, 8);
	commit();
	WAIT_FOR(rptr() == wptr);
	CHECK_EQ(reg_read(gpu, reg(regSDMA_UTCL1_TIMEOUT)), 0);
	v = next_vector();
	CHECK(v);
	CHECK_EQ(v[0] >> 8 & 0xff, 247);
	end();
}

static void a_copy_waits_for_missing_pages_and_is_right_then(void)
{
	const u32 *v = NULL;
	u64 root;

	CHECK(begin());
	root = make_process(0);
	fill_pattern(DATA, 3 * 1024, 11);
	PUT_IB(1, 3 * 4096 - 1, 0, ADDR(0x400000), ADDR(0x500000), NOP);
	emit_ib(VMID, 0x100000, 8);
	commit();
	/* Three pages to read, then three to write: six faults, in this order. */
	for (u32 i = 0; i < 6; i++) {
		u64 va = i < 3 ? 0x400000 + i * PAGE : 0x500000 + (i - 3) * PAGE;

		WAIT_FOR((v = next_vector()));
		CHECK_EQ(fault_address(v), va);
		CHECK(v[5] & FAULT_RETRY);
		CHECK_EQ(rptr(), wptr - 6);
		map_page(root, va, PTE_VRAM((i < 3 ? DATA : OUT) + i % 3 * PAGE));
		answer_fault(v);
	}
	WAIT_FOR(rptr() == wptr);
	CHECK(has_pattern(OUT, 3 * 1024, 11));
	CHECK_EQ(counted(gpu, "vm.retry_faults"), 6);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void other_engines_run_while_one_waits_for_a_page(void)
{
	CHECK(begin());
	make_process(0);
	PUT_IB(5, ADDR(0x400000), 1, NOP, NOP, NOP, NOP);
	emit_ib(VMID, 0x100000, 8);
	commit();
	WAIT_FOR(counted(gpu, "vm.retry_faults") == 1);
	/* Engine 1 with a ring of its own, by register. */
	inst = 1;
	reg_write(gpu, reg(regSDMA_F32_CNTL), 0);
	reg_write(gpu, reg(regSDMA_GFX_RB_BASE), (u32)(mc(OUT + 0x10000) >> 8));
	reg_write(gpu, reg(regSDMA_GFX_RB_BASE_HI), (u32)(mc(OUT + 0x10000) >> 40));
	set32(OUT + 0x10000, 5);
	set32(OUT + 0x10004, LO(mc(OUT)));
	set32(OUT + 0x10008, HI(mc(OUT)));
	set32(OUT + 0x1000c, 4);
	enable_ring();
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR), 16);
	reg_write(gpu, reg(regSDMA_GFX_RB_WPTR_HI), 0);
	WAIT_FOR(get32(OUT) == 4);
	end();
}

static void a_final_fault_costs_the_transfer_and_not_the_ring(void)
{
	u64 root;

	CHECK(begin());
	root = make_process(0);
	/* The driver's answer to a fault that it cannot serve. */
	map_page(root, 0x400000, PTE_V | 2 | PTE_PRT);
	PUT_IB(5, ADDR(0x400000), 1, NOP, NOP, NOP, NOP);
	emit_ib(VMID, 0x100000, 8);
	EMIT(5, ADDR(mc(OUT)), 1);
	commit();
	WAIT_FOR(get32(OUT) == 1);
	CHECK_EQ(counted(gpu, "queue.faulted_transfers"), 1);
	CHECK_EQ(counted(gpu, "vm.retry_faults"), 0);
	end();
}

/* ---- user queues ---- */

static u32 rlc(u32 gfx_offset)
{
	return reg(gfx_offset - regSDMA_GFX_RB_CNTL + regSDMA_RLC0_RB_CNTL);
}

static void a_user_queue_loaded_by_registers_runs_in_its_space(void)
{
	u64 root;

	CHECK(begin());
	root = make_process(1);
	map_page(root, 0x600000, PTE_VRAM(OUT));
	set32(OUT, 5);
	set32(OUT + 4, 0x400010);
	set32(OUT + 8, 0);
	set32(OUT + 12, 0xabcd);
	reg_write(gpu, rlc(regSDMA_GFX_DOORBELL_OFFSET),
		  USER_BELL << SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT);
	reg_write(gpu, rlc(regSDMA_GFX_DOORBELL), SDMA_GFX_DOORBELL__ENABLE_MASK);
	reg_write(gpu, rlc(regSDMA_GFX_RB_BASE), 0x600000 >> 8);
	reg_write(gpu, rlc(regSDMA_GFX_RB_CNTL), VMID << SDMA_GFX_RB_CNTL__RB_VMID__SHIFT |
		  6 << SDMA_GFX_RB_CNTL__RB_SIZE__SHIFT | SDMA_GFX_RB_CNTL__RB_ENABLE_MASK);
	ring_doorbell(USER_BELL, 16);
	WAIT_FOR(get32(DATA + 0x10) == 0xabcd);
	reg_write(gpu, rlc(regSDMA_GFX_RB_CNTL), 0);
	WAIT_FOR(reg_read(gpu, rlc(regSDMA_GFX_CONTEXT_STATUS)) &
		 SDMA_GFX_CONTEXT_STATUS__IDLE_MASK);
	CHECK_EQ(reg_read(gpu, rlc(regSDMA_GFX_RB_RPTR)), 16);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

/* What the driver's MQD of an SDMA queue holds. */
static void make_mqd(u32 *mqd)
{
	memset(mqd, 0, 4 * SDMA_MQD_DWORDS);
	mqd[0] = 6 << SDMA_GFX_RB_CNTL__RB_SIZE__SHIFT |
		 SDMA_GFX_RB_CNTL__RPTR_WRITEBACK_ENABLE_MASK;
	mqd[1] = 0x600000 >> 8;
	mqd[9] = 0x601000;		/* RPTR_ADDR_LO */
}

static void a_preempted_copy_goes_on_in_its_middle(void)
{
	struct sdma_context *context;
	struct queue by = { 0 };
	u32 mqd[SDMA_MQD_DWORDS];
	const u32 *v = NULL;
	u64 root;

	CHECK(begin());
	root = make_process(0);
	map_page(root, 0x600000, PTE_VRAM(OUT));
	map_page(root, 0x601000, PTE_VRAM(OUT + PAGE));
	for (u32 i = 0; i < 64; i++)
		map_page(root, 0x400000 + i * PAGE, PTE_VRAM(0x200000 + i * PAGE));
	for (u32 i = 0; i < 20; i++)
		map_page(root, 0x800000 + i * PAGE, PTE_VRAM(0x300000 + i * PAGE));
	fill_pattern(0x200000, 24 * 1024, 1);
	set32(OUT, 1);
	set32(OUT + 4, 24 * 4096 - 1);
	set32(OUT + 12, 0x400000);
	set32(OUT + 16, 0);
	set32(OUT + 20, 0x800000);
	set32(OUT + 24, 0);
	set64(OUT + PAGE + 8, 28);	/* wptr in memory */
	make_mqd(mqd);
	context = sdma_map(gpu, 0, mqd, VMID, USER_BELL, 0x601008);
	CHECK(context);
	/* The first piece of the copy is done, the second waits for its page. */
	WAIT_FOR((v = next_vector()));
	CHECK_EQ(fault_address(v), 0x800000 + 20 * PAGE);
	CHECK_EQ(sdma_unmap(context, &by, mqd), 0);
	CHECK_EQ(mqd[3], 0);
	CHECK_EQ(mqd[32], QUEUE_SCRATCH);
	/* What has been copied is not looked at again. */
	fill_pattern(0x200000, 16 * 1024, 99);
	for (u32 i = 20; i < 24; i++)
		map_page(root, 0x800000 + i * PAGE, PTE_VRAM(0x300000 + i * PAGE));
	context = sdma_map(gpu, 0, mqd, VMID, USER_BELL, 0x601008);
	CHECK(context);
	WAIT_FOR(get64(OUT + PAGE) == 28);
	CHECK(has_pattern(0x300000, 24 * 1024, 1));
	CHECK_EQ(sdma_unmap(context, &by, mqd), 0);
	CHECK_EQ(mqd[3], 28);
	end();
}

static void a_users_doorbell_may_be_rung_while_its_queue_is_off(void)
{
	struct sdma_context *context;
	struct queue by = { 0 };
	u32 mqd[SDMA_MQD_DWORDS];
	u64 root;

	CHECK(begin());
	root = make_process(1);
	map_page(root, 0x600000, PTE_VRAM(OUT));
	map_page(root, 0x601000, PTE_VRAM(OUT + PAGE));
	set64(OUT + PAGE + 8, 0);
	set32(OUT, 5);
	set32(OUT + 4, 0x400000);
	set32(OUT + 12, 6);
	make_mqd(mqd);
	context = sdma_map(gpu, 0, mqd, VMID, USER_BELL, 0x601008);
	CHECK(context);
	CHECK_EQ(sdma_unmap(context, &by, mqd), 0);
	set64(OUT + PAGE + 8, 16);
	ring_doorbell(USER_BELL, 16);
	CHECK_EQ(counted(gpu, "doorbell.unattached"), 1);
	context = sdma_map(gpu, 0, mqd, VMID, USER_BELL, 0x601008);
	CHECK(context);
	WAIT_FOR(get32(DATA) == 6);
	CHECK_EQ(verdicts(gpu, NULL), 0);
	end();
}

static void an_engine_has_as_many_user_queues_as_contexts(void)
{
	u32 mqd[SDMA_MQD_DWORDS];

	CHECK(begin());
	make_process(1);
	make_mqd(mqd);
	for (u32 i = 0; i < SDMA_NUM_RLC; i++)
		CHECK(sdma_map(gpu, 0, mqd, VMID, USER_BELL + 2 * i, 0));
	CHECK(!sdma_map(gpu, 0, mqd, VMID, USER_BELL + 2 * SDMA_NUM_RLC, 0));
	CHECK(!sdma_map(gpu, MAX_SDMA, mqd, VMID, USER_BELL, 0));
	end();
}

int main(void)
{
	CASE(the_ring_test_of_the_driver_passes);
	CASE(the_write_pointer_may_be_set_by_register);
	CASE(the_write_pointer_may_be_polled);
	CASE(a_ring_of_many_rounds_keeps_its_order);
	CASE(a_halted_engine_does_nothing_until_it_runs_again);
	CASE(a_disabled_ring_goes_on_where_it_was);
	CASE(a_ring_that_is_set_up_again_starts_from_its_new_position);
	CASE(an_indirect_buffer_waits_until_they_are_enabled);
	CASE(reset_turns_everything_off);
	CASE(linear_copies_of_any_size_and_alignment);
	CASE(a_broadcast_copy_has_two_destinations);
	CASE(a_window_copy_respects_pitches);
	CASE(a_write_of_many_dwords);
	CASE(constant_fills_of_bytes_and_dwords);
	CASE(pte_generation_counts_up_and_sets_flags);
	CASE(a_poll_of_memory_waits_for_its_value);
	CASE(a_poll_with_few_retries_gives_up_and_says_so);
	CASE(registers_are_written_and_polled);
	CASE(an_hdp_flush_writes_the_request_and_polls_the_answer);
	CASE(conditional_execution_skips_or_does_not);
	CASE(atomics_change_memory);
	CASE(a_looping_compare_and_swap_waits_for_its_value);
	CASE(nops_in_any_number_are_passed_over);
	CASE(timestamps_go_forward);
	CASE(a_trap_comes_from_the_engines_client_node_and_ring);
	CASE(a_trap_that_is_not_enabled_is_silent);
	CASE(what_is_not_understood_halts_the_ring);
	CASE(a_misplaced_indirect_buffer_halts_the_ring);
	CASE(a_packet_longer_than_its_indirect_buffer_is_an_overrun);
	CASE(a_halted_ring_works_again_after_its_restart);
	CASE(an_indirect_buffer_runs_in_its_own_address_space);
	CASE(a_users_register_write_is_dropped_and_reported);
	CASE(a_copy_waits_for_missing_pages_and_is_right_then);
	CASE(other_engines_run_while_one_waits_for_a_page);
	CASE(a_final_fault_costs_the_transfer_and_not_the_ring);
	CASE(a_user_queue_loaded_by_registers_runs_in_its_space);
	CASE(a_preempted_copy_goes_on_in_its_middle);
	CASE(a_users_doorbell_may_be_rung_while_its_queue_is_off);
	CASE(an_engine_has_as_many_user_queues_as_contexts);
	return DONE();
}

// SPDX-License-Identifier: GPL-2.0-only
/* BAR5: direct registers, index/data pairs, byte enables, the HDP page. */
#include <stdlib.h>
#include <string.h>

#include "asic.h"
#include "gc/gc_9_4_3_offset.h"
#include "nbio/nbio_7_9_0_offset.h"
#include "test.h"

static struct gpu gpu;

static bool start(void)
{
	memset(&gpu, 0, sizeof(gpu));
	return !asic_configure(&gpu, "mi300x", 8, 512ull << 20) &&
	       !report_init(&gpu, NULL) && !memory_init(&gpu) && !regs_init(&gpu) &&
	       !nbio_init(&gpu) && !rlc_init(&gpu);
}

static void stop(void)
{
	regs_fini(&gpu);
	memory_fini(&gpu);
	report_fini(&gpu);
}

static u32 rd(u32 byte)
{
	u32 value = 0xdeadbeef;

	mmio_read(&gpu, byte, &value, sizeof(value));
	return value;
}

static void wr(u32 byte, u32 value)
{
	mmio_write(&gpu, byte, &value, sizeof(value));
}

#define MM_INDEX 0x0
#define MM_DATA 0x4
#define MM_INDEX_HI 0x18
#define PCIE_INDEX2 0x38
#define PCIE_DATA2 0x3c
#define PCIE_INDEX2_HI 0x44

static void low_registers_are_where_bar5_shows_them(void)
{
	u32 reg = REG(&gpu, HW_GC, 0, regSCRATCH_REG0);

	wr(reg * 4, 0x1234);
	CHECK_EQ(reg_read(&gpu, reg), 0x1234);
	CHECK_EQ(rd(reg * 4), 0x1234);
}

static void beyond_bar5_nothing_is_reached(void)
{
	u32 reg = REG(&gpu, HW_GC, 1, regSCRATCH_REG0);

	reg_write(&gpu, reg, 7);
	wr(reg * 4, 1);
	CHECK_EQ(reg_read(&gpu, reg), 7);
	CHECK_EQ(rd(reg * 4), 0);
}

static void pcie_index_reaches_every_register(void)
{
	for (unsigned int i = 0; i < gpu.num_xcc; i++) {
		u32 reg = REG(&gpu, HW_GC, i, regSCRATCH_REG0);

		wr(PCIE_INDEX2, reg * 4);
		CHECK_EQ(rd(PCIE_INDEX2), reg * 4);
		wr(PCIE_DATA2, 50 + i);
		CHECK_EQ(reg_read(&gpu, reg), 50 + i);
		CHECK_EQ(rd(PCIE_DATA2), 50 + i);
	}
}

/* As the driver does it: die in bits 33:32, bit 34 set. */
static void extended_smn_addresses_reach_the_other_dies(void)
{
	for (unsigned int die = 0; die < gpu.num_aid; die++) {
		u32 reg = REG(&gpu, HW_NBIO, die, regXCC_DOORBELL_FENCE);
		u64 smn = (u64)(REG(&gpu, HW_NBIO, 0, regXCC_DOORBELL_FENCE)) * 4;

		if (die)
			smn += (u64)die << 32 | 1ull << 34;
		wr(PCIE_INDEX2, (u32)smn);
		wr(PCIE_INDEX2_HI, (u32)(smn >> 32) & 0xff);
		wr(PCIE_DATA2, 0x60 + die);
		wr(PCIE_INDEX2_HI, 0);
		CHECK_EQ(reg_read(&gpu, reg), 0x60 + die);
	}
	for (unsigned int die = 0; die < gpu.num_aid; die++)
		CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_NBIO, die, regXCC_DOORBELL_FENCE)), 0x60 + die);
}

static void mm_index_reaches_registers_and_vram(void)
{
	u32 reg = REG(&gpu, HW_GC, 3, regSCRATCH_REG0);
	const u64 at = 300ull << 20;
	u32 word = 0;

	wr(MM_INDEX, reg * 4);
	wr(MM_DATA, 99);
	CHECK_EQ(reg_read(&gpu, reg), 99);
	CHECK_EQ(rd(MM_DATA), 99);

	wr(MM_INDEX, 0x80000000 | (u32)at);
	wr(MM_INDEX_HI, 0);
	wr(MM_DATA, 0xabcdef01);
	CHECK(vram_read(&gpu, at, &word, sizeof(word)));
	CHECK_EQ(word, 0xabcdef01);
	CHECK_EQ(rd(MM_DATA), 0xabcdef01);
}

static void mm_index_hi_is_bit_31_and_up(void)
{
	wr(MM_INDEX, 0x80000000 | 64);
	wr(MM_INDEX_HI, 1);
	/* 2 GiB + 64 of 512 MiB */
	CHECK_EQ(rd(MM_DATA), 0);
	CHECK_EQ(verdicts(&gpu, "vram-out-of-range"), 1);
	wr(MM_INDEX_HI, 0);
	rd(MM_DATA);
	CHECK_EQ(verdicts(&gpu, NULL), 1);
}

static void an_index_pair_that_points_at_a_data_register_ends(void)
{
	wr(PCIE_INDEX2, PCIE_DATA2);
	CHECK_EQ(rd(PCIE_DATA2), 0);
	wr(PCIE_DATA2, 1);
	wr(MM_INDEX, PCIE_DATA2);
	CHECK_EQ(rd(MM_DATA), 0);
	wr(PCIE_INDEX2, MM_DATA);
	wr(PCIE_DATA2, 1);
	CHECK_EQ(rd(PCIE_DATA2), 0);
	wr(MM_INDEX, MM_DATA);
	wr(MM_DATA, 1);
	CHECK_EQ(rd(MM_DATA), 0);
}

static void narrow_and_wide_accesses_are_made_of_dwords(void)
{
	u32 reg = REG(&gpu, HW_GC, 0, regSCRATCH_REG0);
	u64 wide = 0x1122334455667788;
	u8 byte = 0xaa;
	u16 half = 0;

	mmio_write(&gpu, reg * 4, &wide, sizeof(wide));
	CHECK_EQ(reg_read(&gpu, reg), 0x55667788);
	CHECK_EQ(reg_read(&gpu, reg + 1), 0x11223344);
	wide = 0;
	mmio_read(&gpu, reg * 4, &wide, sizeof(wide));
	CHECK_EQ(wide, 0x1122334455667788);
	mmio_write(&gpu, reg * 4 + 1, &byte, sizeof(byte));
	CHECK_EQ(reg_read(&gpu, reg), 0x5566aa88);
	mmio_read(&gpu, reg * 4 + 3, &half, sizeof(half));
	CHECK_EQ(half, 0x4455);
}

static void an_access_across_the_end_of_bar5_is_cut(void)
{
	u64 wide = ~0ull;

	mmio_write(&gpu, gpu.asic->mmio_size - 4, &wide, sizeof(wide));
	mmio_read(&gpu, gpu.asic->mmio_size - 4, &wide, sizeof(wide));
	CHECK_EQ(wide, 0);
	wide = ~0ull;
	mmio_read(&gpu, ~7ull, &wide, sizeof(wide));
	CHECK_EQ(wide, 0);
}

static void hdp_flush_is_done_as_soon_as_asked_for(void)
{
	CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_NBIO, 0, regBIF_BX_PF0_GPU_HDP_FLUSH_DONE)),
		 0xffffffff);
}

static void the_hdp_page_is_where_the_driver_puts_it(void)
{
	u32 mem = REG(&gpu, HW_NBIO, 0, regBIF_BX0_REMAP_HDP_MEM_FLUSH_CNTL);
	u32 regs = REG(&gpu, HW_NBIO, 0, regBIF_BX0_REMAP_HDP_REG_FLUSH_CNTL);

	wr(0x1a000, 0);
	CHECK_EQ(counted(&gpu, "hdp.flushes"), 0);
	wr(mem * 4, 0x1a000);
	wr(regs * 4, 0x1a004);
	wr(0x1a000, 0);
	wr(0x1a004, 0);
	CHECK_EQ(rd(0x1a000), 0);
	CHECK_EQ(counted(&gpu, "hdp.flushes"), 2);
	/* A register that exists is not hidden by a page laid over it. */
	wr(mem * 4, REG(&gpu, HW_GC, 0, regSCRATCH_REG0) * 4);
	wr(REG(&gpu, HW_GC, 0, regSCRATCH_REG0) * 4, 5);
	CHECK_EQ(rd(REG(&gpu, HW_GC, 0, regSCRATCH_REG0) * 4), 5);
}

/* A guest may do anything: no offset, index or length may harm us. */
static void random_accesses_do_no_harm(void)
{
	u64 seed = 42;

	for (int i = 0; i < 300000; i++) {
		u64 value, offset;
		size_t len;

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		value = seed ^ seed >> 29;
		len = 1 + (seed >> 40) % 8;
		offset = seed >> 63 ? (seed >> 16) & 0x7f : (seed >> 16) & 0x7ffff;
		if (seed >> 62 & 1)
			mmio_write(&gpu, offset, &value, len);
		else
			mmio_read(&gpu, offset, &value, len);
	}
	CHECK(verdicts(&gpu, "vram-out-of-range") > 0);	/* it did get that far */
}

static void fresh(void (*fn)(void), const char *name)
{
	if (!start()) {
		fprintf(stderr, "nbio_test: cannot start\n");
		exit(1);
	}
	test_run(fn, name);
	stop();
}

#define FRESH(fn) fresh(fn, #fn)

int main(void)
{
	FRESH(low_registers_are_where_bar5_shows_them);
	FRESH(beyond_bar5_nothing_is_reached);
	FRESH(pcie_index_reaches_every_register);
	FRESH(extended_smn_addresses_reach_the_other_dies);
	FRESH(mm_index_reaches_registers_and_vram);
	FRESH(mm_index_hi_is_bit_31_and_up);
	FRESH(an_index_pair_that_points_at_a_data_register_ends);
	FRESH(narrow_and_wide_accesses_are_made_of_dwords);
	FRESH(an_access_across_the_end_of_bar5_is_cut);
	FRESH(hdp_flush_is_done_as_soon_as_asked_for);
	FRESH(the_hdp_page_is_where_the_driver_puts_it);
	FRESH(random_accesses_do_no_harm);
	return DONE();
}

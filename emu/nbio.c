// SPDX-License-Identifier: GPL-2.0-only
/*
 * NBIO: how the bus reaches registers and VRAM.
 *
 * BAR5 holds the first 512 KiB of the register space directly. Index/data pairs
 * reach the rest: MM_INDEX/MM_DATA (registers, or VRAM with bit 31 set) and
 * PCIE_INDEX2/PCIE_DATA2, whose byte address with INDEX2_HI is an SMN address:
 * bits 33:32 select the die if bit 34 says so.
 *
 * The pairs are not atomic, as on hardware: whoever uses them must be alone.
 * All memory of this model is coherent, so that an HDP flush has nothing to do;
 * it is counted.
 */
#include <string.h>

#include "asic.h"

#define MM_INDEX_VRAM (1u << 31)
#define SMN_DIE_VALID (1u << 2)		/* in INDEX2_HI, that is bit 34 */
#define HDP_PAGE_REGS 2			/* memory flush, register flush */

/* An index/data pair that addresses one of its own kind would never end. */
static bool is_indirect(const struct gpu *gpu, u32 reg)
{
	const struct asic_nbio *nbio = &gpu->asic->nbio;
	unsigned int count = asic_instances(gpu, nbio->mm_data.hw);

	for (unsigned int i = 0; i < count; i++)
		if (reg == asic_reg(gpu, &nbio->mm_data, i) ||
		    reg == asic_reg(gpu, &nbio->pcie_data, i))
			return true;
	return false;
}

static u32 indirect_read(struct gpu *gpu, u32 reg)
{
	if (is_indirect(gpu, reg)) {
		unknown_register(gpu, reg, false, 0);
		return 0;
	}
	return reg_read(gpu, reg);
}

static void indirect_write(struct gpu *gpu, u32 reg, u32 value)
{
	if (is_indirect(gpu, reg))
		unknown_register(gpu, reg, true, value);
	else
		reg_write(gpu, reg, value);
}

/* ctx of the data registers' hooks is the first NBIO instance: only the die on
 * the bus has index/data pairs that anybody uses. */
static u64 mm_vram_offset(struct gpu *gpu, u32 index)
{
	u64 high = reg_load(gpu, asic_reg(gpu, &gpu->asic->nbio.mm_index_hi, 0));

	return high << 31 | (index & ~MM_INDEX_VRAM);
}

static u32 mm_data_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	u32 index = reg_load(gpu, asic_reg(gpu, &gpu->asic->nbio.mm_index, 0));
	u32 value = 0;

	(void)ctx, (void)reg, (void)stored;
	if (!(index & MM_INDEX_VRAM))
		return indirect_read(gpu, index >> 2);
	vram_read(gpu, mm_vram_offset(gpu, index), &value, sizeof(value));
	return value;
}

static void mm_data_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	u32 index = reg_load(gpu, asic_reg(gpu, &gpu->asic->nbio.mm_index, 0));

	(void)ctx, (void)reg;
	if (index & MM_INDEX_VRAM)
		vram_write(gpu, mm_vram_offset(gpu, index), &value, sizeof(value));
	else
		indirect_write(gpu, index >> 2, value);
}

static u32 smn_reg(struct gpu *gpu)
{
	u32 low = reg_load(gpu, asic_reg(gpu, &gpu->asic->nbio.pcie_index, 0));
	u32 high = reg_load(gpu, asic_reg(gpu, &gpu->asic->nbio.pcie_index_hi, 0));
	u32 die = high & SMN_DIE_VALID ? high & 3 : 0;

	return low >> 2 | die << SMN_DIE_SHIFT;
}

static u32 pcie_data_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	(void)ctx, (void)reg, (void)stored;
	return indirect_read(gpu, smn_reg(gpu));
}

static void pcie_data_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)ctx, (void)reg;
	indirect_write(gpu, smn_reg(gpu), value);
}

int nbio_init(struct gpu *gpu)
{
	const struct asic_nbio *nbio = &gpu->asic->nbio;

	reg_hook(gpu, asic_reg(gpu, &nbio->mm_data, 0), 1, mm_data_read, mm_data_write, NULL);
	reg_hook(gpu, asic_reg(gpu, &nbio->pcie_data, 0), 1, pcie_data_read, pcie_data_write, NULL);
	return 0;
}

/*
 * The driver moves the HDP flush registers into a page of their own, which it
 * can hand to user space: REMAP_HDP_*_FLUSH_CNTL hold their byte offsets in BAR5.
 */
static bool is_hdp_flush(struct gpu *gpu, u32 reg)
{
	const struct asic_nbio *nbio = &gpu->asic->nbio;
	u32 mem = reg_load(gpu, asic_reg(gpu, &nbio->remap_hdp_mem_flush, 0));
	u32 regs = reg_load(gpu, asic_reg(gpu, &nbio->remap_hdp_reg_flush, 0));

	return (mem && reg == mem >> 2) || (regs && reg == regs >> 2);
}

static u32 bar_read(struct gpu *gpu, u32 reg)
{
	if (!reg_known(gpu, reg) && is_hdp_flush(gpu, reg))
		return 0;
	return reg_read(gpu, reg);
}

static void bar_write(struct gpu *gpu, u32 reg, u32 value)
{
	if (!reg_known(gpu, reg) && is_hdp_flush(gpu, reg))
		count(gpu, "hdp.flushes", 1);
	else
		reg_write(gpu, reg, value);
}

/* The part of [@offset, @offset + @len) that lies in one dword. */
static size_t part_len(u64 offset, size_t len)
{
	size_t room = 4 - (offset & 3);

	return len < room ? len : room;
}

void mmio_read(struct gpu *gpu, u64 offset, void *buf, size_t len)
{
	u8 *to = buf;

	while (len) {
		size_t n = part_len(offset, len);
		u32 value = 0;

		if (offset < gpu->asic->mmio_size)
			value = bar_read(gpu, (u32)(offset >> 2));
		memcpy(to, (u8 *)&value + (offset & 3), n);
		offset += n;
		to += n;
		len -= n;
	}
}

void mmio_write(struct gpu *gpu, u64 offset, const void *buf, size_t len)
{
	const u8 *from = buf;

	while (len) {
		size_t n = part_len(offset, len);
		u32 reg = (u32)(offset >> 2);
		u32 value = 0;

		if (offset >= gpu->asic->mmio_size)
			return;
		/* Byte enables: what is not written stays. */
		if (n < sizeof(value))
			value = reg_load(gpu, reg);
		memcpy((u8 *)&value + (offset & 3), from, n);
		bar_write(gpu, reg, value);
		offset += n;
		from += n;
		len -= n;
	}
}

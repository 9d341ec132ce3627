// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers that do a little more than remember and belong to no engine: the
 * ASIC's list of special registers (RLC safe mode, clock capture, ...) and
 * ATHUB's PASID mapping handshake. GRBM and RLC are always idle and never
 * gated, which is what all zeros means.
 */
#include <stdint.h>
#include <time.h>

#include "asic.h"

#define CLOCK_NS 10	/* the reference clock runs at 100 MHz */

static u32 read_arg(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	const struct asic_special *special = ctx;

	(void)gpu, (void)reg, (void)stored;
	return special->arg;
}

static void drop_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)gpu, (void)ctx, (void)reg, (void)value;
}

static void self_clear(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	const struct asic_special *special = ctx;

	reg_store(gpu, reg, value & ~special->arg);
}

static void write_1_clear(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)ctx;
	reg_store(gpu, reg, reg_load(gpu, reg) & ~value);
}

static void clock_capture(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	const struct asic_special *special = ctx;
	struct timespec now;
	u64 ticks;

	(void)value;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ticks = ((u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec) / CLOCK_NS;
	reg_store(gpu, reg + special->arg, (u32)ticks);
	reg_store(gpu, reg + special->arg + 1, (u32)(ticks >> 32));
}

static void hook_special(struct gpu *gpu, const struct asic_special *special, u32 reg)
{
	void *ctx = (void *)(uintptr_t)special;	/* read only, but ctx is not const */
	u32 count = special->count ? special->count : 1;

	switch (special->behaviour) {
	case REG_READS:
		reg_hook(gpu, reg, count, read_arg, drop_write, ctx);
		break;
	case REG_SELF_CLEAR:
		reg_hook(gpu, reg, count, NULL, self_clear, ctx);
		break;
	case REG_WRITE_1_CLEAR:
		reg_hook(gpu, reg, count, NULL, write_1_clear, ctx);
		break;
	case REG_CLOCK_CAPTURE:
		reg_hook(gpu, reg, count, NULL, clock_capture, ctx);
		break;
	}
}

/* Writing the mapping of VMID n is done at once: its bit of the update status
 * rises and stays until the driver writes it back as a one. */
static void pasid_mapping_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	u32 status = asic_reg(gpu, &gpu->asic->athub.pasid_update_status, 0);
	u32 vmid = reg - asic_reg(gpu, &gpu->asic->athub.pasid_mapping, 0);

	(void)ctx;
	reg_store(gpu, reg, value);
	reg_store(gpu, status, reg_load(gpu, status) | 1u << vmid);
}

int rlc_init(struct gpu *gpu)
{
	const struct asic *asic = gpu->asic;

	for (u32 i = 0; i < asic->num_specials; i++) {
		const struct asic_special *special = &asic->specials[i];
		unsigned int count = asic_instances(gpu, special->reg.hw);

		for (unsigned int inst = 0; inst < count; inst++)
			hook_special(gpu, special, asic_reg(gpu, &special->reg, inst));
	}
	reg_hook(gpu, asic_reg(gpu, &asic->athub.pasid_mapping, 0), NUM_VMID, NULL,
		 pasid_mapping_write, NULL);
	reg_hook(gpu, asic_reg(gpu, &asic->athub.pasid_update_status, 0), 1, NULL,
		 write_1_clear, NULL);
	return 0;
}

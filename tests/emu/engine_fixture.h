/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A whole GPU without a peer for the tests of engines: memory layout, an interrupt
 * ring in guest RAM, address spaces, and waiting for what engines do.
 */
#ifndef TESTS_EMU_ENGINE_FIXTURE_H
#define TESTS_EMU_ENGINE_FIXTURE_H

#include <errno.h>
#include <time.h>

#include "oss/osssys_4_4_2_offset.h"
#include "oss/osssys_4_4_2_sh_mask.h"
#include "../../emu/queue.h"
#include "vm_fixture.h"
#include "test.h"

#define IH_RING 0x10000u	/* in guest RAM */
#define IH_RING_LOG2 12		/* dwords */
#define CAM_BELL 0x346u
/* What the driver writes to a process's context: enabled, depth 2, block size 9,
 * retries; and later all interrupts. */
#define CONTEXT_CNTL (0x5554cdu | 0x2aaa00u)

static u32 ih_seen;		/* vectors looked at */

static inline u32 ih_reg(u32 offset)
{
	return reg_base(gpu, HW_OSSSYS, 0, 0) + offset;
}

static inline void start_ih(void)
{
	ih_seen = 0;
	reg_write(gpu, ih_reg(regIH_RB_BASE), (u32)((RAM_BASE + IH_RING) >> 8));
	reg_write(gpu, ih_reg(regIH_RB_BASE_HI), (u32)((RAM_BASE + IH_RING) >> 40));
	reg_write(gpu, ih_reg(regIH_DOORBELL_RETRY_CAM), CAM_BELL | IH_DOORBELL_RPTR__ENABLE_MASK);
	reg_write(gpu, ih_reg(regIH_RETRY_INT_CAM_CNTL),
		  reg_read(gpu, ih_reg(regIH_RETRY_INT_CAM_CNTL)) |
		  IH_RETRY_INT_CAM_CNTL__ENABLE_MASK);
	reg_write(gpu, ih_reg(regIH_RB_CNTL), IH_RB_CNTL__RB_ENABLE_MASK |
		  IH_RB_CNTL__ENABLE_INTR_MASK | 1u << IH_RB_CNTL__MC_SPACE__SHIFT |
		  IH_RING_LOG2 << IH_RB_CNTL__RB_SIZE__SHIFT);
}

static inline bool gpu_start(unsigned int num_xcc)
{
	if (!fixture_start(num_xcc) || nbio_init(gpu) || rlc_init(gpu) || sdma_init(gpu) ||
	    cp_init(gpu))
		return false;
	regs_reset(gpu);
	start_ih();
	return true;
}

static inline void gpu_stop(void)
{
	cp_fini(gpu);
	sdma_fini(gpu);
	fixture_stop();
}

/* VRAM as VMID 0 sees it. */
static inline u64 mc(u64 vram)
{
	return gpu->asic->fb_base + vram;
}

static inline u32 get32(u64 vram)
{
	u32 value = 0;

	vram_read(gpu, vram, &value, 4);
	return value;
}

static inline void set32(u64 vram, u32 value)
{
	vram_write(gpu, vram, &value, 4);
}

static inline void ring_doorbell(u32 index, u64 value)
{
	doorbell_write(gpu, index * 4ull, &value, sizeof(value));
}

static inline void pause_us(unsigned int us)
{
	struct timespec ts = { .tv_nsec = us * 1000l };

	nanosleep(&ts, NULL);
}

/* Engines run on their own: what they do is waited for, 20 s at most. @cond may
 * have side effects: it is not evaluated again once it holds. */
#define WAIT_FOR(cond) \
	do { \
		bool held_ = false; \
		for (int n_ = 0; !held_ && n_ < 100000; n_++) { \
			held_ = !!(cond); \
			if (!held_) \
				pause_us(200); \
		} \
		if (!held_) \
			printf("# never: %s\n", #cond); \
		CHECK(held_); \
	} while (0)

/* The next vector that has come, or NULL. */
static inline const u32 *next_vector(void)
{
	u32 wptr = reg_read(gpu, ih_reg(regIH_RB_WPTR)) / 32;

	if (wptr == ih_seen)
		return NULL;
	return (u32 *)(ram + IH_RING) + 8 * ih_seen++;
}

/* An address space: page tables in VRAM, the same in a gfxhub and an mmhub. */
static inline u64 new_space(unsigned int vmid, unsigned int xcc, u16 pasid)
{
	const struct { const struct hub_layout *layout; unsigned int inst, hub; } hubs[] = {
		{ &gfxhub_layout, xcc, xcc },
		{ &mmhub_layout, xcc / gpu->asic->xcc_per_aid, MMHUB(xcc / gpu->asic->xcc_per_aid) },
	};
	u64 root = new_table(PAGE);

	for (size_t i = 0; i < ARRAY_SIZE(hubs); i++) {
		const struct hub_layout *l = hubs[i].layout;
		u32 base = reg_base(gpu, l->hw, hubs[i].inst, l->segment);

		reg_write(gpu, base + l->context0_base_lo + 2 * vmid, (u32)root | 1);
		reg_write(gpu, base + l->context0_base_lo + 2 * vmid + 1, (u32)(root >> 32));
		reg_write(gpu, base + l->context0_end_lo + 2 * vmid, 0xffffffff);
		reg_write(gpu, base + l->context0_end_lo + 2 * vmid + 1, 0xf);
		reg_write(gpu, base + l->context0_cntl + vmid, CONTEXT_CNTL);
		ih_set_pasid(gpu, hubs[i].hub, vmid, pasid);
	}
	return root;
}

#define PTE_VRAM(offset) ((offset) | PTE_V | PTE_R | PTE_W)

/* As the driver answers a retry fault that it has served: the CAM entry goes. */
static inline void answer_fault(const u32 *vector)
{
	u32 cam = vector[6] & 0x3ff;

	doorbell_write(gpu, CAM_BELL * 4ull, &cam, sizeof(cam));
}

static inline u64 fault_address(const u32 *vector)
{
	return ((u64)vector[4] | (u64)(vector[5] & 0xf) << 32) << 12;
}

#endif

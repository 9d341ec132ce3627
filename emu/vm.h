/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What vm.c shares with the files that describe the two kinds of hub, with ih.c
 * and with the tests.
 */
#ifndef EMU_VM_H
#define EMU_VM_H

#include "walker.h"

#define NUM_INVALIDATION_ENGINES 18

/* Register offsets of a kind of hub, all in one segment. */
struct hub_layout {
	enum hw hw;
	u8 segment;
	u32 context0_cntl;		/* distance 1 */
	u32 context0_base_lo;		/* distance 2, as the next two */
	u32 context0_start_lo;
	u32 context0_end_lo;
	u32 engine0_sem;		/* distance 1, as the next two */
	u32 engine0_req;
	u32 engine0_ack;
	u32 l2_cntl2;
	u32 fault_cntl;
	u32 fault_status;
	u32 fault_addr_lo;
	u32 fb_offset;
	u32 fb_base;
	u32 fb_top;
	u32 agp_base;
	u32 agp_bottom;
	u32 agp_top;
};

/* Expanded where the register header of that hub is included. */
#define HUB_LAYOUT(block) { \
	.hw = (block), \
	.segment = regVM_CONTEXT0_CNTL_BASE_IDX, \
	.context0_cntl = regVM_CONTEXT0_CNTL, \
	.context0_base_lo = regVM_CONTEXT0_PAGE_TABLE_BASE_ADDR_LO32, \
	.context0_start_lo = regVM_CONTEXT0_PAGE_TABLE_START_ADDR_LO32, \
	.context0_end_lo = regVM_CONTEXT0_PAGE_TABLE_END_ADDR_LO32, \
	.engine0_sem = regVM_INVALIDATE_ENG0_SEM, \
	.engine0_req = regVM_INVALIDATE_ENG0_REQ, \
	.engine0_ack = regVM_INVALIDATE_ENG0_ACK, \
	.l2_cntl2 = regVM_L2_CNTL2, \
	.fault_cntl = regVM_L2_PROTECTION_FAULT_CNTL, \
	.fault_status = regVM_L2_PROTECTION_FAULT_STATUS, \
	.fault_addr_lo = regVM_L2_PROTECTION_FAULT_ADDR_LO32, \
	.fb_offset = regMC_VM_FB_OFFSET, \
	.fb_base = regMC_VM_FB_LOCATION_BASE, \
	.fb_top = regMC_VM_FB_LOCATION_TOP, \
	.agp_base = regMC_VM_AGP_BASE, \
	.agp_bottom = regMC_VM_AGP_BOT, \
	.agp_top = regMC_VM_AGP_TOP, \
}

extern const struct hub_layout gfxhub_layout;	/* gfxhub.c */
extern const struct hub_layout mmhub_layout;	/* mmhub.c */

/*
 * Where a page of the system context (VMID 0) lies, past the TLB and without
 * raising faults or taking a lock. For ih.c, whose lock is inside vm.c's.
 */
enum walk vm_system_page(struct gpu *gpu, unsigned int hub, u64 va, struct translation *out);

/*
 * How long a use of a translation that the page tables no longer contain may go
 * on without any invalidation before it is the verdict "stale-tlb".
 */
#define VM_STALE_LIMIT_NS 1000000000ull
void vm_set_stale_limit(struct gpu *gpu, u64 ns);

/*
 * How often one access may raise a fault, have it answered and still find no
 * page before that is the verdict "retry-livelock".
 */
#define VM_MAX_REFAULTS 1000u

/* Looks through the TLBs now, as the auditor thread does now and then. */
void vm_audit(struct gpu *gpu);

/*
 * ih.c: looks for faults that the driver has taken from the ring long ago
 * without releasing their CAM entry since; the verdict "cam-not-released".
 * Called by the auditor thread.
 */
#define IH_CAM_LIMIT_NS 10000000000ull
void ih_audit(struct gpu *gpu, u64 limit);

/* Bits of src_data[1] in a fault's vector. */
#define FAULT_EXECUTE 0x10u
#define FAULT_WRITE 0x20u
#define FAULT_READ 0x40u
#define FAULT_RETRY 0x80u

#endif

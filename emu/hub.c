// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hub's registers: contexts and apertures, from which the walker gets its
 * roots, and invalidation.
 *
 * VMID 0 is the system context: the FB aperture is VRAM, the AGP aperture the
 * bus, everything else goes through context 0's page table, the GART. VMIDs 1 to
 * 15 always walk their tables.
 *
 * An invalidation takes the hub's lock, under which every access is translated
 * and done: it is only acknowledged when no access through an old translation is
 * under way.
 *
 * Not modelled: the address range and the flush type of an invalidation (all of
 * the VMID goes), caches of directory entries (the walker always reads them),
 * the L1/L2 enable bits, and the system aperture's bounds and default page: an
 * address in neither aperture is looked up in the GART.
 */
#include "gc/gc_9_4_3_sh_mask.h"
#include "hub.h"

u32 hub_reg(const struct hub *hub, u32 offset)
{
	return reg_load(hub->vm->gpu, hub->base + offset);
}

static u64 hub_reg64(const struct hub *hub, u32 offset_lo)
{
	return hub_reg(hub, offset_lo) | (u64)hub_reg(hub, offset_lo + 1) << 32;
}

/* ---- contexts ---- */

u32 context_cntl(const struct hub *hub, unsigned int vmid)
{
	return hub_reg(hub, hub->layout->context0_cntl + vmid);
}

static u64 field24(const struct hub *hub, u32 offset)
{
	return (u64)(hub_reg(hub, offset) & 0xffffff) << 24;
}

static u64 vram_base(const struct hub *hub)
{
	return field24(hub, hub->layout->fb_offset);
}

/* Addresses have 48 bits, sign-extended or not. */
bool is_canonical(u64 va)
{
	return va >> 48 == 0 || va >> 47 == 0x1ffff;
}

enum walk walk_context(const struct hub *hub, unsigned int vmid, u64 va, bool quiet,
		       struct translation *out)
{
	const struct hub_layout *l = hub->layout;
	u32 cntl = context_cntl(hub, vmid);
	struct pt_root root = {
		.base = hub_reg64(hub, l->context0_base_lo + 2 * vmid),
		.first_page = hub_reg64(hub, l->context0_start_lo + 2 * vmid) & VA_PAGE_MASK,
		.last_page = hub_reg64(hub, l->context0_end_lo + 2 * vmid) & VA_PAGE_MASK,
		.vram_base = vram_base(hub),
		.depth = (cntl & VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH_MASK) >>
			 VM_CONTEXT1_CNTL__PAGE_TABLE_DEPTH__SHIFT,
		.block_size = (cntl & VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE_MASK) >>
			      VM_CONTEXT1_CNTL__PAGE_TABLE_BLOCK_SIZE__SHIFT,
		.quiet = quiet,
	};

	*out = (struct translation){ 0 };
	if (!(cntl & VM_CONTEXT1_CNTL__ENABLE_CONTEXT_MASK) || !is_canonical(va))
		return WALK_RANGE;
	return walk_page(hub->vm->gpu, &root, (va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK, out);
}

bool find_aperture(const struct hub *hub, u64 va, struct translation *out)
{
	const struct hub_layout *l = hub->layout;
	u64 page = va & ~(GPU_PAGE_SIZE - 1);
	u64 start = field24(hub, l->fb_base);
	u64 end = field24(hub, l->fb_top) | 0xffffff;

	*out = (struct translation){ .rights = RIGHT_R | RIGHT_W | RIGHT_X };
	if (page >= start && page <= end) {
		out->addr = page - start;
		return true;
	}
	start = field24(hub, l->agp_bottom);
	end = field24(hub, l->agp_top) | 0xffffff;
	/* After reset both are 0, which must not map the first 16 MiB. */
	if (start && page >= start && page <= end) {
		out->addr = page - start + field24(hub, l->agp_base);
		out->system = true;
		return true;
	}
	return false;
}

enum walk vm_system_page(struct gpu *gpu, unsigned int index, u64 va, struct translation *out)
{
	const struct hub *hub = find_hub(gpu, index);

	*out = (struct translation){ 0 };
	if (!hub)
		return WALK_RANGE;
	return find_aperture(hub, va, out) ? WALK_OK : walk_context(hub, 0, va, false, out);
}

/* ---- invalidation ---- */

static void wake_invalidated(struct hub *hub, u32 vmids)
{
	struct vm *vm = hub->vm;

	pthread_mutex_lock(&vm->fault_lock);
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		if (vmids & 1u << vmid)
			hub->invalidations[vmid]++;
	pthread_cond_broadcast(&vm->fault_cond);
	pthread_mutex_unlock(&vm->fault_lock);
}

void hub_invalidate(struct hub *hub, u32 vmids)
{
	u32 entries = 0;

	pthread_mutex_lock(&hub->lock);
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		if (vmids & 1u << vmid)
			entries += tlb_invalidate(&hub->tlb, vmid);
	pthread_mutex_unlock(&hub->lock);
	wake_invalidated(hub, vmids);
	count(hub->vm->gpu, "vm.invalidations", 1);
	count(hub->vm->gpu, "vm.invalidated_entries", entries);
	trace(hub->vm->gpu, TRACE_VM, "hub %u: invalidate vmids %04x, %u entries", hub->index, vmids,
	      entries);
}

void vm_invalidate(struct gpu *gpu, unsigned int index, unsigned int vmid)
{
	struct hub *hub = find_hub(gpu, index);

	if (hub && vmid < NUM_VMID)
		hub_invalidate(hub, 1u << vmid);
}

void vm_invalidate_pasid(struct gpu *gpu, u16 pasid)
{
	for (unsigned int i = 0; i < NUM_HUB; i++) {
		u32 vmids = 0;

		if (!gpu->vm->hubs[i] || !pasid)
			continue;
		for (unsigned int vmid = 1; vmid < NUM_VMID; vmid++)
			if (ih_pasid(gpu, i, vmid) == pasid)
				vmids |= 1u << vmid;
		if (vmids)
			hub_invalidate(gpu->vm->hubs[i], vmids);
	}
}

static void clear_fault_status(struct hub *hub)
{
	struct gpu *gpu = hub->vm->gpu;

	pthread_mutex_lock(&hub->lock);
	reg_store(gpu, hub->base + hub->layout->fault_status, 0);
	reg_store(gpu, hub->base + hub->layout->fault_addr_lo, 0);
	reg_store(gpu, hub->base + hub->layout->fault_addr_lo + 1, 0);
	pthread_mutex_unlock(&hub->lock);
}

/* ---- register hooks ---- */

static void write_req(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	const u32 ptes = VM_INVALIDATE_ENG0_REQ__INVALIDATE_L2_PTES_MASK |
			 VM_INVALIDATE_ENG0_REQ__INVALIDATE_L1_PTES_MASK;
	struct hub *hub = ctx;
	u32 engine = reg - hub->base - hub->layout->engine0_req;
	u32 ack = hub->base + hub->layout->engine0_ack + engine;
	u32 vmids = value & VM_INVALIDATE_ENG0_REQ__PER_VMID_INVALIDATE_REQ_MASK;

	reg_store(gpu, reg, value);
	reg_store(gpu, ack, 0);
	/* Entries may sit in either level: only both together remove them. */
	if ((value & ptes) == ptes)
		hub_invalidate(hub, vmids);
	else
		count(gpu, "vm.partial_invalidations", 1);
	if (value & VM_INVALIDATE_ENG0_REQ__CLEAR_PROTECTION_FAULT_STATUS_ADDR_MASK)
		clear_fault_status(hub);
	reg_store(gpu, ack, vmids);
}

/* Always free: nobody else asks for it. */
static u32 read_sem(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	(void)gpu, (void)ctx, (void)reg, (void)stored;
	return 1;
}

static void write_l2_cntl2(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	const u32 all = VM_L2_CNTL2__INVALIDATE_ALL_L1_TLBS_MASK |
			VM_L2_CNTL2__INVALIDATE_L2_CACHE_MASK;

	if ((value & all) == all)
		hub_invalidate(ctx, (1u << NUM_VMID) - 1);
	reg_store(gpu, reg, value & ~all);
}

static void write_fault_cntl(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	reg_store(gpu, reg,
		  value & ~VM_L2_PROTECTION_FAULT_CNTL__CLEAR_PROTECTION_FAULT_STATUS_ADDR_MASK);
	if (value & VM_L2_PROTECTION_FAULT_CNTL__CLEAR_PROTECTION_FAULT_STATUS_ADDR_MASK)
		clear_fault_status(ctx);
}

static void read_only(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)gpu, (void)ctx, (void)reg, (void)value;
}

void hub_hook_registers(struct hub *hub)
{
	struct gpu *gpu = hub->vm->gpu;
	const struct hub_layout *l = hub->layout;
	u32 n = NUM_INVALIDATION_ENGINES;

	reg_hook(gpu, hub->base + l->engine0_sem, n, read_sem, NULL, hub);
	reg_hook(gpu, hub->base + l->engine0_req, n, NULL, write_req, hub);
	reg_hook(gpu, hub->base + l->engine0_ack, n, NULL, read_only, hub);
	reg_hook(gpu, hub->base + l->l2_cntl2, 1, NULL, write_l2_cntl2, hub);
	reg_hook(gpu, hub->base + l->fault_cntl, 1, NULL, write_fault_cntl, hub);
	reg_hook(gpu, hub->base + l->fault_status, 1, NULL, read_only, hub);
	reg_hook(gpu, hub->base + l->fault_addr_lo, 2, NULL, read_only, hub);
}

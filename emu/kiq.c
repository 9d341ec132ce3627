// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel interface queue's packets: the driver's way of mapping and unmapping
 * queues without touching their registers. The HIQ (user queue scheduler)
 * uses the same ones; what only it does is in hiq.c.
 */
#include <errno.h>

#include "cp.h"

#define DOORBELL_MASK 0x3ffffffu

enum { ENGINE_COMPUTE = 0, ENGINE_HIQ = 1 };

static int bad(struct pm4 *p, const char *why)
{
	return queue_bad_packet(p->s, p->header, why);
}

int kiq_set_resources(struct pm4 *p)
{
	enum { TYPE_KIQ = 0, TYPE_HIQ = 1 };

	switch (p->dw[0] >> 29) {
	case TYPE_KIQ:
		return 0;
	case TYPE_HIQ:
		return hiq_set_resources(p);
	}
	return bad(p, "unsupported queue type");
}

/* Into the slot that the packet names. */
static int map_to_slot(struct pm4 *p)
{
	struct hqd_mapping mapping = {
		.mqd_addr = pm4_addr(p->dw + 2),
		.vmid = p->dw[0] >> 8 & 0xf,
		.doorbell = p->dw[1] >> 2 & DOORBELL_MASK,
		.wptr_addr = pm4_addr(p->dw + 4) & ~7ull,
	};
	u32 engine = p->dw[0] >> 26 & 7;
	struct hqd *hqd = cp_hqd(p->hqd->xcc, (p->dw[0] >> 18 & 3) + 1, p->dw[0] >> 16 & 3,
				 p->dw[0] >> 13 & 7);

	if (!hqd || engine > ENGINE_HIQ || p->dw[0] >> 29 != 1)
		return bad(p, "unsupported mapping");
	mapping.follower = engine == ENGINE_HIQ && cp_virtual_xcc(p->hqd->xcc);
	count(p->hqd->xcc->gpu, "cp.queues_mapped", 1);
	return hqd_map(hqd, p->s, &mapping);
}

int kiq_map_queues(struct pm4 *p)
{
	enum { TO_SLOT = 0, SCHEDULER_CHOOSES = 1 };

	switch (p->dw[0] >> 4 & 3) {
	case TO_SLOT:
		return map_to_slot(p);
	case SCHEDULER_CHOOSES:
		return hiq_map_queue(p);
	}
	return bad(p, "unsupported mapping");
}

/* By doorbell. A queue that is not there has been unmapped already. */
static int unmap_listed(struct pm4 *p, u32 num, bool save)
{
	if (num < 1 || num > 4)
		return bad(p, "number of queues");
	for (u32 i = 0; i < num; i++) {
		u32 doorbell = p->dw[1 + i] >> 2 & DOORBELL_MASK;
		struct hqd *hqd = hqd_by_doorbell(p->hqd->xcc, doorbell);
		int ret = hqd ? hqd_unmap(hqd, p->s, save) : 0;

		if (!hqd)
			count(p->hqd->xcc->gpu, "cp.unmapped_twice", 1);
		if (ret)
			return ret;
	}
	return 0;
}

int kiq_unmap_queues(struct pm4 *p)
{
	enum { PREEMPT = 0, RESET = 1, DISABLE_PROCESS = 2 };
	enum { LISTED = 0, OF_PASID = 1, ALL = 2, NOT_STATIC = 3 };
	u32 action = p->dw[0] & 3;
	bool save = action != RESET;

	if (action > DISABLE_PROCESS)
		return bad(p, "unsupported action");
	switch (p->dw[0] >> 4 & 3) {
	case LISTED:
		return unmap_listed(p, p->dw[0] >> 29, save);
	case OF_PASID:
		if (!(p->dw[1] & 0xffff))
			return bad(p, "no PASID");
		return hiq_unmap(p->hqd->xcc, p->s, p->dw[1] & 0xffff, save);
	}
	return hiq_unmap(p->hqd->xcc, p->s, 0, save);
}

int kiq_query_status(struct pm4 *p)
{
	enum { INTERRUPT_ONLY, FENCE, FENCE_AFTER_ACK, FENCE_AND_INTERRUPT };
	u64 data = pm4_addr(p->dw + 4);
	u32 command = p->dw[0] >> 30;
	int ret = 0;

	if (p->dw[0] >> 28 & 3)
		return bad(p, "unsupported status");
	/* Packets are executed one after the other: all before this one are done. */
	if (command != INTERRUPT_ONLY)
		ret = queue_write(p->s, pm4_addr(p->dw + 2) & ~7ull, &data, 8);
	if (!ret && (command == INTERRUPT_ONLY || command == FENCE_AND_INTERRUPT))
		cp_interrupt(p->hqd, CP_INT_QUERY_STATUS, 0, p->dw[0] & 0xfffffff);
	return ret;
}

static void invalidate_pasid(struct gpu *gpu, unsigned int hub, u16 pasid)
{
	for (unsigned int vmid = 1; vmid < NUM_VMID; vmid++)
		if (ih_pasid(gpu, hub, vmid) == pasid)
			vm_invalidate(gpu, hub, vmid);
}

/* In the XCC's own hub; with ALL_HUB in its AID's memory hub as well. */
int kiq_invalidate_tlbs(struct pm4 *p)
{
	enum { BY_PASID = 1 };
	struct cp_xcc *xcc = p->hqd->xcc;
	u16 pasid = p->dw[0] >> 5 & 0xffff;

	if ((p->dw[0] & 3) != BY_PASID)
		return bad(p, "unsupported invalidation");
	if (!pasid)
		return 0;
	invalidate_pasid(xcc->gpu, xcc->index, pasid);
	if (p->dw[0] >> 4 & 1)
		invalidate_pasid(xcc->gpu, MMHUB(cp_aid(xcc)), pasid);
	return 0;
}

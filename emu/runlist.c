// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a run list asks for: VMIDs for its processes, places for its queues, and
 * turns when there are not enough of either.
 *
 * A slice puts on the hardware what fits, going once round the list. The next one
 * begins with the first that did not fit, so that everybody's turn comes. Between
 * slices all queues are off: hardware keeps those that go on, but may take any queue
 * off at any time, and here that happens.
 *
 * A VMID keeps its process after its queues have gone, and with it what its TLBs
 * hold, until another process or page table takes it: invalidating by PASID is the
 * driver's duty and still finds it.
 */
#include <errno.h>

#include "hiq.h"
#include "sdma.h"
#include "vm.h"

#define ATC_MAPPING_VALID (1u << 31)

/* ---- processes ---- */

static void set_page_table(struct gpu *gpu, const struct hub_layout *hub, unsigned int inst,
			   unsigned int vmid, u64 page_table)
{
	u32 reg = reg_base(gpu, hub->hw, inst, hub->segment) + hub->context0_base_lo + 2 * vmid;

	reg_write(gpu, reg, (u32)page_table);
	reg_write(gpu, reg + 1, (u32)(page_table >> 32));
}

/* Whatever this VMID was before, its translations are not this process's. */
static void install_hub(struct gpu *gpu, unsigned int hub, unsigned int vmid,
			const struct listed *process)
{
	bool mm = hub >= MAX_XCC;

	vm_invalidate(gpu, hub, vmid);
	set_page_table(gpu, mm ? &mmhub_layout : &gfxhub_layout, mm ? hub - MAX_XCC : hub, vmid,
		       process->page_table);
	ih_set_pasid(gpu, hub, vmid, process->pasid);
}

/* In all hubs of the partition; XCCs of one AID share its memory hub. */
static void install(struct cp_xcc *xcc, unsigned int vmid, const struct listed *process)
{
	struct gpu *gpu = xcc->gpu;
	u32 atc = asic_reg(gpu, &gpu->asic->athub.pasid_mapping, 0) + vmid;
	unsigned int last = xcc->index + partition_size(xcc) - 1;

	for (unsigned int i = xcc->index; i <= last; i++)
		install_hub(gpu, i, vmid, process);
	for (unsigned int aid = cp_aid(xcc); aid <= cp_aid(&gpu->cp->xcc[last]); aid++)
		install_hub(gpu, MMHUB(aid), vmid, process);
	reg_store(gpu, atc, process->pasid | ATC_MAPPING_VALID);
	trace(gpu, TRACE_CP, "hiq%u: PASID %u is VMID %u", xcc->index, process->pasid, vmid);
}

/* The process's own, else one that nobody has had, that nobody listed has, any. */
static unsigned int choose_vmid(const struct hiq *hiq, u16 pasid)
{
	unsigned int fresh = 0, unlisted = 0, other = 0;

	for (unsigned int vmid = NUM_VMID - 1; vmid; vmid--) {
		const struct vmid_owner *owner = &hiq->owner[vmid];

		if (!(hiq->vmid_mask >> vmid & 1) || owner->in_use)
			continue;
		if (owner->pasid == pasid)
			return vmid;
		if (!owner->pasid)
			fresh = vmid;
		else if (!owner->listed)
			unlisted = vmid;
		else
			other = vmid;
	}
	return fresh ? fresh : unlisted ? unlisted : other;
}

/* Those with and without XNACK take turns if the driver wants it so. */
static bool may_run_now(const struct hiq *hiq, const struct listed *process)
{
	for (unsigned int vmid = 1; hiq->separate_xnack && vmid < NUM_VMID; vmid++)
		if (hiq->owner[vmid].in_use &&
		    hiq->list[hiq->owner[vmid].process].retry_disabled != process->retry_disabled)
			return false;
	return true;
}

/* The VMID of the process at @index in this slice; 0 if it has to wait. */
static unsigned int give_vmid(struct cp_xcc *xcc, unsigned int index)
{
	struct hiq *hiq = xcc->hiq;
	const struct listed *process = &hiq->list[index];
	struct vmid_owner *owner;
	unsigned int vmid;

	for (vmid = 1; vmid < NUM_VMID; vmid++)
		if (hiq->owner[vmid].in_use && hiq->owner[vmid].process == index)
			return vmid;
	vmid = may_run_now(hiq, process) ? choose_vmid(hiq, process->pasid) : 0;
	if (!vmid)
		return 0;
	owner = &hiq->owner[vmid];
	if (owner->pasid != process->pasid || owner->page_table != process->page_table)
		install(xcc, vmid, process);
	*owner = (struct vmid_owner){
		.pasid = process->pasid, .page_table = process->page_table, .listed = true,
		.in_use = true, .process = index,
	};
	return vmid;
}

/* ---- queues ---- */

static struct hqd *free_hqd(struct cp_xcc *xcc, u64 queue_mask)
{
	for (unsigned int i = 0; i < CP_NUM_HQD; i++)
		if (queue_mask >> i & 1 && !xcc->hqd[i].mapped && !hqd_is_active(&xcc->hqd[i]))
			return &xcc->hqd[i];
	return NULL;
}

static int map_compute(struct cp_xcc *xcc, struct stream *by, struct listed *queue,
		       unsigned int vmid)
{
	struct hqd *hqd = free_hqd(&xcc->gpu->cp->xcc[queue->xcc], xcc->hiq->queue_mask);
	struct hqd_mapping mapping = {
		.mqd_addr = queue->mqd_addr,
		.vmid = vmid,
		.doorbell = queue->doorbell,
		.wptr_addr = queue->wptr_addr,
		.no_retry = xcc->hiq->list[queue->process].retry_disabled,
	};
	int ret = hqd ? hqd_map(hqd, by, &mapping) : 0;

	if (!hqd || ret)
		return ret;
	hqd->mapped = true;
	queue->hqd = hqd;
	return 0;
}

static int map_sdma(struct cp_xcc *xcc, struct stream *by, struct listed *queue, unsigned int vmid)
{
	u32 mqd[SDMA_MQD_DWORDS];
	int ret = vm_read(&by->queue->port, 0, queue->mqd_addr, mqd, sizeof(mqd));

	if (ret == -EFAULT)
		return queue_bad_packet(by, 0, "unreadable MQD");
	if (!ret)
		queue->sdma = sdma_map(xcc->gpu, queue->engine, mqd, vmid, queue->doorbell,
				       queue->wptr_addr);
	return ret;
}

/* @fits: there was a VMID, and a place for a queue. */
static int place(struct cp_xcc *xcc, struct stream *by, struct listed *entry, bool *fits)
{
	unsigned int vmid = give_vmid(xcc, entry->process);
	int ret = 0;

	*fits = vmid;
	if (!vmid || entry->kind == LISTED_PROCESS)
		return 0;
	if (entry->kind == LISTED_COMPUTE)
		ret = map_compute(xcc, by, entry, vmid);
	else
		ret = map_sdma(xcc, by, entry, vmid);
	*fits = entry->hqd || entry->sdma;
	if (*fits)
		count(xcc->gpu, "hiq.queues_mapped", 1);
	return ret;
}

int runlist_slice(struct cp_xcc *xcc, struct stream *by, bool *all)
{
	struct hiq *hiq = xcc->hiq;
	unsigned int first = hiq->next;

	*all = true;
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
		hiq->owner[vmid].in_use = false;
	for (unsigned int i = 0; i < hiq->num_listed; i++) {
		unsigned int at = (first + i) % hiq->num_listed;
		bool fits;
		int ret;

		if (hiq->list[at].gone)
			continue;
		ret = place(xcc, by, &hiq->list[at], &fits);
		if (ret)
			return ret;
		if (!fits && *all)
			hiq->next = at;
		*all &= fits;
	}
	return 0;
}

static int unmap_sdma(struct listed *queue, struct stream *by, bool save)
{
	u32 mqd[SDMA_MQD_DWORDS];
	int ret = vm_read(&by->queue->port, 0, queue->mqd_addr, mqd, sizeof(mqd));

	if (ret != -EINTR)
		ret = sdma_unmap(queue->sdma, by->queue, mqd);
	if (!ret && save)
		ret = vm_write(&by->queue->port, 0, queue->mqd_addr, mqd, sizeof(mqd));
	if (ret != -EINTR)
		queue->sdma = NULL;
	return ret == -EINTR ? ret : 0;
}

static int unmap_compute(struct listed *queue, struct stream *by, bool save)
{
	int ret = hqd_unmap(queue->hqd, by, save);

	if (ret)
		return ret;
	queue->hqd->mapped = false;
	queue->hqd = NULL;
	return 0;
}

static bool is_of(const struct hiq *hiq, const struct listed *queue, u16 pasid)
{
	return !pasid || hiq->list[queue->process].pasid == pasid;
}

/* All are told first: they stop at the same time, not one after the other. */
static void stop_all(struct hiq *hiq, u16 pasid)
{
	for (unsigned int i = 0; i < hiq->num_listed; i++) {
		struct listed *queue = &hiq->list[i];

		if (!is_of(hiq, queue, pasid))
			continue;
		if (queue->sdma)
			sdma_stop(queue->sdma);
		else if (queue->hqd)
			hqd_stop(queue->hqd);
	}
}

int runlist_unmap(struct hiq *hiq, struct stream *by, u16 pasid, bool save)
{
	int ret = 0;

	stop_all(hiq, pasid);
	for (unsigned int i = 0; !ret && i < hiq->num_listed; i++) {
		struct listed *queue = &hiq->list[i];

		if (!is_of(hiq, queue, pasid))
			continue;
		if (queue->sdma)
			ret = unmap_sdma(queue, by, save);
		else if (queue->hqd)
			ret = unmap_compute(queue, by, save);
	}
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user queue scheduler, which on hardware is MEC firmware behind the HIQ.
 *
 * The driver hands over a list of processes and their queues (RUN_LIST). Each
 * process gets a VMID, each queue a place on the hardware, and all run until the
 * driver takes them off (UNMAP_QUEUES). There is no time slicing: a list that does
 * not fit is the verdict "runlist-too-long".
 *
 * A partition of several XCCs has an HIQ on each, which all see the same packets.
 * The first XCC's does the work for all of them, the others follow: they take the
 * packets off their rings and do nothing. So a fence is written when all XCCs are
 * done, and VMIDs are the same everywhere. A PM4 queue runs on the XCC that its
 * MQD names.
 *
 * A VMID keeps its process after its queues have gone, and with it what its TLBs
 * hold, until another process or page table takes it: invalidating by PASID is the
 * driver's duty and still finds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cp.h"
#include "sdma.h"
#include "vm.h"

#define DOORBELL_MASK 0x3ffffffu
#define MAX_USER_QUEUES (CP_NUM_HQD + MAX_SDMA * SDMA_NUM_RLC)
#define ATC_MAPPING_VALID (1u << 31)

struct process {
	u16 pasid;		/* 0: none yet */
	u64 page_table;
	bool listed;		/* in the current run list */
};

struct user_queue {
	u16 pasid;
	u64 mqd_addr;
	struct hqd *hqd;		/* one of the two */
	struct sdma_context *sdma;
};

struct hiq {
	pthread_mutex_t lock;	/* one packet at a time, and what it waits for */
	struct queue *runner;	/* who executes a run list */
	unsigned int vmid;	/* of the process whose queues follow in the list */
	u32 vmid_mask;
	u64 queue_mask;
	struct process process[NUM_VMID];
	struct user_queue queue[MAX_USER_QUEUES];
	unsigned int num_queues;
};

static int bad(struct pm4 *p, const char *why)
{
	return queue_bad_packet(p->s, p->header, why);
}

/* The XCCs of the partition whose first one is @xcc. */
static unsigned int partition_size(const struct cp_xcc *xcc)
{
	unsigned int left = xcc->gpu->num_xcc - xcc->index;
	unsigned int n = FIELD(reg_load(xcc->gpu, GC_REG(xcc, regCP_HYP_XCP_CTL)),
			       CP_HYP_XCP_CTL__NUM_XCC_IN_XCP);

	return n < 1 ? 1 : n < left ? n : left;
}

int hiq_set_resources(struct pm4 *p)
{
	struct hiq *hiq = p->hqd->xcc->hiq;

	pthread_mutex_lock(&hiq->lock);
	hiq->vmid_mask = p->dw[0] & 0xffff & ~1u;	/* VMID 0 is the kernel's */
	hiq->queue_mask = pm4_addr(p->dw + 1);
	pthread_mutex_unlock(&hiq->lock);
	return 0;
}

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
			const struct process *process)
{
	bool mm = hub >= MAX_XCC;

	vm_invalidate(gpu, hub, vmid);
	set_page_table(gpu, mm ? &mmhub_layout : &gfxhub_layout, mm ? hub - MAX_XCC : hub, vmid,
		       process->page_table);
	ih_set_pasid(gpu, hub, vmid, process->pasid);
}

/* In all hubs of the partition; XCCs of one AID share its memory hub. */
static void install(struct cp_xcc *xcc, unsigned int vmid, const struct process *process)
{
	struct gpu *gpu = xcc->gpu;
	u32 atc = asic_reg(gpu, &gpu->asic->athub.pasid_mapping, 0) + vmid;
	unsigned int last = xcc->index + partition_size(xcc) - 1;

	for (unsigned int i = xcc->index; i <= last; i++)
		install_hub(gpu, i, vmid, process);
	for (unsigned int aid = cp_aid(xcc); aid <= cp_aid(&gpu->cp->xcc[last]); aid++)
		install_hub(gpu, MMHUB(aid), vmid, process);
	reg_store(gpu, atc, process->pasid | ATC_MAPPING_VALID);
}

/* The process's own VMID, else one that nobody has had, else one not in use. */
static unsigned int choose_vmid(const struct hiq *hiq, u16 pasid)
{
	unsigned int fresh = 0, unused = 0;

	for (unsigned int vmid = NUM_VMID - 1; vmid; vmid--) {
		const struct process *process = &hiq->process[vmid];

		if (!(hiq->vmid_mask >> vmid & 1))
			continue;
		if (process->pasid == pasid)
			return vmid;
		if (!process->pasid)
			fresh = vmid;
		else if (!process->listed)
			unused = vmid;
	}
	return fresh ? fresh : unused;
}

int hiq_map_process(struct pm4 *p)
{
	struct cp_xcc *xcc = p->hqd->xcc;
	struct hiq *hiq = xcc->hiq;
	struct process process = { .listed = true };
	unsigned int vmid;
	int ret;

	if (hiq->runner != p->s->queue || !p->s->depth || p->n > ARRAY_SIZE(p->dw))
		return bad(p, "not in a run list");
	ret = stream_read(p->s, p->dw, p->n);
	if (ret)
		return ret;
	process.pasid = p->dw[0] & 0xffff;
	process.page_table = pm4_addr(p->dw + 1);
	if (!process.pasid)
		return bad(p, "no PASID");
	vmid = choose_vmid(hiq, process.pasid);
	hiq->vmid = vmid;
	if (!vmid) {
		verdict(xcc->gpu, "runlist-too-long", "no VMID for PASID %u", process.pasid);
		return 0;
	}
	if (hiq->process[vmid].pasid != process.pasid ||
	    hiq->process[vmid].page_table != process.page_table)
		install(xcc, vmid, &process);
	hiq->process[vmid] = process;
	trace(xcc->gpu, TRACE_CP, "hiq%u: PASID %u is VMID %u", xcc->index, process.pasid, vmid);
	return 0;
}

/* ---- queues ---- */

static void remember(struct hiq *hiq, const struct user_queue *queue)
{
	hiq->queue[hiq->num_queues++] = *queue;
}

static struct hqd *free_hqd(struct cp_xcc *xcc, u64 queue_mask)
{
	for (unsigned int i = 0; i < CP_NUM_HQD; i++)
		if (queue_mask >> i & 1 && !xcc->hqd[i].mapped && !hqd_is_active(&xcc->hqd[i]))
			return &xcc->hqd[i];
	return NULL;
}

static int read_dwords(struct pm4 *p, u64 addr, u32 *dw, u32 n)
{
	int ret = vm_read(&p->s->queue->port, 0, addr, dw, 4 * n);

	return ret == -EFAULT ? bad(p, "unreadable MQD") : ret;
}

static int map_compute(struct pm4 *p, struct user_queue *queue, u32 doorbell)
{
	struct cp_xcc *xcc = p->hqd->xcc;
	struct hiq *hiq = xcc->hiq;
	struct hqd_mapping mapping = {
		.vmid = hiq->vmid,
		.doorbell = doorbell,
		.wptr_addr = pm4_addr(p->dw + 4) & ~7ull,
	};
	u32 layout[2];		/* target XCC within the partition, stride of its MQDs */
	int ret = read_dwords(p, queue->mqd_addr + 4 * MQD_PM4_TARGET_XCC, layout, 2);

	if (ret)
		return ret;
	if (layout[0] >= partition_size(xcc))
		return bad(p, "no such XCC");
	queue->hqd = free_hqd(&xcc->gpu->cp->xcc[xcc->index + layout[0]], hiq->queue_mask);
	if (!queue->hqd) {
		verdict(xcc->gpu, "runlist-too-long", "no HQD for doorbell 0x%x", doorbell);
		return 0;
	}
	queue->mqd_addr += (u64)layout[1] * layout[0];
	mapping.mqd_addr = queue->mqd_addr;
	ret = hqd_map(queue->hqd, p->s, &mapping);
	if (ret)
		return ret;
	queue->hqd->mapped = true;
	remember(hiq, queue);
	return 0;
}

static int map_sdma(struct pm4 *p, struct user_queue *queue, unsigned int engine, u32 doorbell)
{
	struct cp_xcc *xcc = p->hqd->xcc;
	struct gpu *gpu = xcc->gpu;
	unsigned int per_xcc = gpu->asic->sdma_per_xcc;
	u32 mqd[SDMA_MQD_DWORDS];
	int ret;

	if (engine >= partition_size(xcc) * per_xcc)
		return bad(p, "no such SDMA engine");
	/* Engines are numbered from the partition's first. */
	engine += xcc->index * per_xcc;
	ret = read_dwords(p, queue->mqd_addr, mqd, SDMA_MQD_DWORDS);
	if (ret)
		return ret;
	queue->sdma = sdma_map(gpu, engine, mqd, xcc->hiq->vmid, doorbell,
			       pm4_addr(p->dw + 4) & ~7ull);
	if (!queue->sdma) {
		verdict(gpu, "runlist-too-long", "no RLC queue in SDMA%u for doorbell 0x%x",
			engine, doorbell);
		return 0;
	}
	remember(xcc->hiq, queue);
	return 0;
}

/* MAP_QUEUES within a run list; the scheduler chooses the place. */
int hiq_map_queue(struct pm4 *p)
{
	enum { LEGACY = 0, SDMA_0_TO_7 = 1, SDMA_8_TO_15 = 2 };
	enum { COMPUTE = 0, SDMA0 = 2, SDMA1 = 3 };
	struct cp_xcc *xcc = p->hqd->xcc;
	struct hiq *hiq = xcc->hiq;
	u32 engine = p->dw[0] >> 26 & 7;
	u32 extended = p->dw[0] >> 2 & 3;
	u32 doorbell = p->dw[1] >> 2 & DOORBELL_MASK;
	struct user_queue queue = { .mqd_addr = pm4_addr(p->dw + 2) };

	if (hiq->runner != p->s->queue || !p->s->depth)
		return bad(p, "not in a run list");
	/* Queues of a process without a VMID have had their verdict. */
	if (!hiq->vmid)
		return 0;
	if (hiq->num_queues == MAX_USER_QUEUES)
		return bad(p, "too many queues");
	queue.pasid = hiq->process[hiq->vmid].pasid;
	count(xcc->gpu, "hiq.queues_mapped", 1);
	if (extended == SDMA_0_TO_7 || extended == SDMA_8_TO_15)
		return map_sdma(p, &queue, engine + 8 * (extended - SDMA_0_TO_7), doorbell);
	if (extended != LEGACY)
		return bad(p, "unsupported engine");
	if (engine == SDMA0 || engine == SDMA1)
		return map_sdma(p, &queue, engine - SDMA0, doorbell);
	return engine == COMPUTE ? map_compute(p, &queue, doorbell) : bad(p, "unsupported engine");
}

static int unmap_sdma(struct user_queue *queue, struct stream *by, bool save)
{
	u32 mqd[SDMA_MQD_DWORDS];
	int ret = vm_read(&by->queue->port, 0, queue->mqd_addr, mqd, sizeof(mqd));

	if (ret != -EINTR)
		ret = sdma_unmap(queue->sdma, by->queue, mqd);
	if (!ret && save)
		ret = vm_write(&by->queue->port, 0, queue->mqd_addr, mqd, sizeof(mqd));
	return ret == -EINTR ? ret : 0;
}

static int unmap_one(struct user_queue *queue, struct stream *by, bool save)
{
	int ret;

	if (queue->sdma)
		return unmap_sdma(queue, by, save);
	ret = hqd_unmap(queue->hqd, by, save);
	if (!ret)
		queue->hqd->mapped = false;
	return ret;
}

/* With the scheduler's lock held. */
static int unmap_locked(struct hiq *hiq, struct stream *by, u16 pasid, bool save)
{
	unsigned int i = 0;

	while (i < hiq->num_queues) {
		struct user_queue *queue = &hiq->queue[i];
		int ret;

		if (pasid && queue->pasid != pasid) {
			i++;
			continue;
		}
		ret = unmap_one(queue, by, save);
		if (ret)
			return ret;
		*queue = hiq->queue[--hiq->num_queues];
	}
	return 0;
}

int hiq_unmap(struct cp_xcc *xcc, struct stream *by, u16 pasid, bool save)
{
	struct hiq *hiq = xcc->hiq;
	int ret;

	if (by->depth)
		return queue_bad_packet(by, 0, "UNMAP_QUEUES in an indirect buffer");
	pthread_mutex_lock(&hiq->lock);
	ret = unmap_locked(hiq, by, pasid, save);
	pthread_mutex_unlock(&hiq->lock);
	return ret;
}

/* ---- run lists ---- */

int hiq_run_list(struct pm4 *p)
{
	struct hiq *hiq = p->hqd->xcc->hiq;
	u64 addr = pm4_addr(p->dw) & ~3ull;
	int ret;

	/* A list that ends in itself is one that the driver wants to be rotated. */
	if (p->s->depth) {
		verdict(p->hqd->xcc->gpu, "runlist-too-long", "chained run list");
		return 0;
	}
	pthread_mutex_lock(&hiq->lock);
	ret = unmap_locked(hiq, p->s, 0, true);
	for (unsigned int i = 0; i < NUM_VMID; i++)
		hiq->process[i].listed = false;
	hiq->runner = p->s->queue;
	hiq->vmid = 0;
	if (!ret)
		ret = queue_run_ib(p->s, addr, p->dw[2] & 0xfffff, 0, true);
	hiq->runner = NULL;
	pthread_mutex_unlock(&hiq->lock);
	/* An interrupted list is executed from its start: it unmaps what it mapped. */
	p->s->queue->resume = (struct resume){ 0 };
	return ret;
}

int hiq_init(struct cp_xcc *xcc)
{
	xcc->hiq = calloc(1, sizeof(*xcc->hiq));
	if (!xcc->hiq)
		return -ENOMEM;
	pthread_mutex_init(&xcc->hiq->lock, NULL);
	return 0;
}

void hiq_fini(struct cp_xcc *xcc)
{
	if (!xcc->hiq)
		return;
	pthread_mutex_destroy(&xcc->hiq->lock);
	free(xcc->hiq);
	xcc->hiq = NULL;
}

/* Its queues are off: the HQDs' and the SDMA engines' resets see to that. */
void hiq_reset(struct cp_xcc *xcc)
{
	struct hiq *hiq = xcc->hiq;

	pthread_mutex_lock(&hiq->lock);
	hiq->vmid_mask = 0;
	hiq->queue_mask = 0;
	hiq->num_queues = 0;
	memset(hiq->process, 0, sizeof(hiq->process));
	pthread_mutex_unlock(&hiq->lock);
}

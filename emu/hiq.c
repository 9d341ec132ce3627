// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user queue scheduler, which on hardware is MEC firmware behind the HIQ: its
 * packets.
 *
 * The driver hands over a list of processes and their queues (RUN_LIST). Each
 * process gets a VMID, each queue a place on the hardware, and all run until the
 * driver takes them off (UNMAP_QUEUES). A list that does not fit ends with a packet
 * that names the list again; then its queues take turns, see runlist.c. One that
 * does not fit and does not say so is the verdict "runlist-too-long".
 *
 * A partition of several XCCs has an HIQ on each, which all see the same packets.
 * The first XCC's does the work for all of them, the others follow: they take the
 * packets off their rings and do nothing. So a fence is written when all XCCs are
 * done, and VMIDs are the same everywhere. A PM4 queue runs on the XCC that its
 * MQD names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hiq.h"

#define DOORBELL_MASK 0x3ffffffu
#define SLICE_TICKS 500000		/* of gpu_clock(): 5 ms */
#define IDLE_US 1000			/* how often that is looked at */

static int bad(struct pm4 *p, const char *why)
{
	return queue_bad_packet(p->s, p->header, why);
}

unsigned int partition_size(const struct cp_xcc *xcc)
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
	hiq->separate_xnack = p->dw[0] >> 28 & 1;
	hiq->queue_mask = pm4_addr(p->dw + 1);
	pthread_mutex_unlock(&hiq->lock);
	return 0;
}

/* ---- reading a run list ---- */

static bool in_run_list(const struct pm4 *p)
{
	return p->hqd->xcc->hiq->runner == p->s->queue && p->s->depth;
}

static int add_listed(struct pm4 *p, const struct listed *entry)
{
	struct hiq *hiq = p->hqd->xcc->hiq;

	if (hiq->num_listed == MAX_LISTED)
		return bad(p, "too many queues");
	if (hiq->num_listed == hiq->room) {
		unsigned int room = hiq->room ? 2 * hiq->room : 64;
		struct listed *more = realloc(hiq->list, room * sizeof(*more));

		if (!more)
			return bad(p, "out of memory");
		hiq->list = more;
		hiq->room = room;
	}
	hiq->list[hiq->num_listed++] = *entry;
	return 0;
}

int hiq_map_process(struct pm4 *p)
{
	struct hiq *hiq = p->hqd->xcc->hiq;
	struct listed process = { .kind = LISTED_PROCESS, .process = hiq->num_listed };
	int ret;

	if (!in_run_list(p) || p->n > ARRAY_SIZE(p->dw))
		return bad(p, "not in a run list");
	ret = stream_read(p->s, p->dw, p->n);
	if (ret)
		return ret;
	process.pasid = p->dw[0] & 0xffff;
	process.page_table = pm4_addr(p->dw + 1);
	process.retry_disabled = p->dw[4] & SH_MEM_CONFIG__RETRY_DISABLE_MASK;
	if (!process.pasid)
		return bad(p, "no PASID");
	hiq->process = process.process;
	return add_listed(p, &process);
}

/* The XCC that a compute queue's MQD names, and which of its MQDs is that XCC's. */
static int read_compute(struct pm4 *p, struct listed *queue)
{
	u32 layout[2];		/* target XCC within the partition, stride of its MQDs */
	int ret = vm_read(&p->s->queue->port, 0, queue->mqd_addr + 4 * MQD_PM4_TARGET_XCC, layout,
			  sizeof(layout));

	if (ret)
		return ret == -EFAULT ? bad(p, "unreadable MQD") : ret;
	if (layout[0] >= partition_size(p->hqd->xcc))
		return bad(p, "no such XCC");
	queue->kind = LISTED_COMPUTE;
	queue->xcc = p->hqd->xcc->index + layout[0];
	queue->mqd_addr += (u64)layout[1] * layout[0];
	return add_listed(p, queue);
}

/* Engines are numbered from the partition's first. */
static int read_sdma(struct pm4 *p, struct listed *queue, unsigned int engine)
{
	struct cp_xcc *xcc = p->hqd->xcc;
	unsigned int per_xcc = xcc->gpu->asic->sdma_per_xcc;

	if (engine >= partition_size(xcc) * per_xcc)
		return bad(p, "no such SDMA engine");
	queue->kind = LISTED_SDMA;
	queue->engine = engine + xcc->index * per_xcc;
	return add_listed(p, queue);
}

/* MAP_QUEUES within a run list; the scheduler chooses the place. */
int hiq_map_queue(struct pm4 *p)
{
	enum { LEGACY = 0, SDMA_0_TO_7 = 1, SDMA_8_TO_15 = 2 };
	enum { COMPUTE = 0, SDMA0 = 2, SDMA1 = 3 };
	struct hiq *hiq = p->hqd->xcc->hiq;
	u32 engine = p->dw[0] >> 26 & 7;
	u32 extended = p->dw[0] >> 2 & 3;
	struct listed queue = {
		.process = hiq->process,
		.doorbell = p->dw[1] >> 2 & DOORBELL_MASK,
		.mqd_addr = pm4_addr(p->dw + 2),
		.wptr_addr = pm4_addr(p->dw + 4) & ~7ull,
	};

	if (!in_run_list(p))
		return bad(p, "not in a run list");
	if (!hiq->num_listed)
		return bad(p, "queue of no process");
	if (extended == SDMA_0_TO_7 || extended == SDMA_8_TO_15)
		return read_sdma(p, &queue, engine + 8 * (extended - SDMA_0_TO_7));
	if (extended != LEGACY)
		return bad(p, "unsupported engine");
	if (engine == SDMA0 || engine == SDMA1)
		return read_sdma(p, &queue, engine - SDMA0);
	return engine == COMPUTE ? read_compute(p, &queue) : bad(p, "unsupported engine");
}

/* ---- running it ---- */

static bool has_pasid(const struct hiq *hiq, u16 pasid)
{
	for (unsigned int i = 0; i < hiq->num_listed; i++)
		if (hiq->list[i].kind == LISTED_PROCESS && hiq->list[i].pasid == pasid)
			return true;
	return false;
}

static void clear_list(struct hiq *hiq)
{
	hiq->num_listed = 0;
	hiq->chained = false;
	hiq->rotor = NULL;
	hiq->next = 0;
	hiq->process = 0;
}

/* With the lock held: the list as the driver has written it. */
static int read_list(struct pm4 *p, u64 addr, u64 size)
{
	struct hiq *hiq = p->hqd->xcc->hiq;
	int ret;

	clear_list(hiq);
	hiq->runner = p->s->queue;
	ret = queue_run_ib(p->s, addr, size, 0, true);
	hiq->runner = NULL;
	/* An interrupted list is read again from its start. */
	p->s->queue->resume = (struct resume){ 0 };
	for (unsigned int i = 0; i < NUM_VMID; i++)
		hiq->owner[i].listed = has_pasid(hiq, hiq->owner[i].pasid);
	return ret;
}

/* With the lock held: the first slice; more if it was not enough. */
static int run_list(struct pm4 *p)
{
	struct cp_xcc *xcc = p->hqd->xcc;
	struct hiq *hiq = xcc->hiq;
	bool all;
	int ret = runlist_slice(xcc, p->s, &all);

	if (ret || all)
		return ret;
	if (!hiq->chained) {
		verdict(xcc->gpu, "runlist-too-long", "entry %u of %u does not fit, no chain",
			hiq->next, hiq->num_listed);
		return 0;
	}
	hiq->rotor = p->s->queue;
	hiq->slice_end = gpu_clock() + SLICE_TICKS;
	p->s->queue->idle_us = IDLE_US;
	return 0;
}

/* In a list that is to be run again and again: names that list, and ends it. */
static int chain(struct pm4 *p)
{
	if (!in_run_list(p) || !(p->dw[2] >> 20 & 1))
		return bad(p, "run list in an indirect buffer");
	if ((pm4_addr(p->dw) & ~3ull) != p->s->base)
		return bad(p, "chained to another run list");
	p->hqd->xcc->hiq->chained = true;
	return stream_skip(p->s, p->s->end - p->s->pos);
}

int hiq_run_list(struct pm4 *p)
{
	struct hiq *hiq = p->hqd->xcc->hiq;
	int ret;

	if (p->s->depth)
		return chain(p);
	pthread_mutex_lock(&hiq->lock);
	ret = runlist_unmap(hiq, p->s, 0, true);
	if (!ret)
		ret = read_list(p, pm4_addr(p->dw) & ~3ull, p->dw[2] & 0xfffff);
	if (!ret)
		ret = run_list(p);
	pthread_mutex_unlock(&hiq->lock);
	return ret;
}

/*
 * With the lock held: the next slice. True if more have to follow; not after an
 * interruption, as the HIQ stops, nor after an error, which has had its verdict.
 */
static bool rotate(struct cp_xcc *xcc, struct queue *queue)
{
	struct stream by = { .queue = queue };
	bool all = true;

	if (runlist_unmap(xcc->hiq, &by, 0, true) || runlist_slice(xcc, &by, &all))
		return false;
	count(xcc->gpu, "hiq.slices", 1);
	xcc->hiq->slice_end = gpu_clock() + SLICE_TICKS;
	return !all;
}

/* The HIQ has nothing else to do. */
void hiq_idle(struct queue *queue)
{
	struct cp_xcc *xcc = queue_hqd(queue)->xcc;
	struct hiq *hiq = xcc->hiq;

	pthread_mutex_lock(&hiq->lock);
	if (hiq->rotor != queue) {
		queue->idle_us = 0;
	} else if (gpu_clock() >= hiq->slice_end && !rotate(xcc, queue)) {
		queue->idle_us = 0;
		hiq->rotor = NULL;
	}
	pthread_mutex_unlock(&hiq->lock);
}

/* What is taken off by the driver does not come back by itself. */
static void unlist(struct hiq *hiq, u16 pasid)
{
	if (!pasid) {
		clear_list(hiq);
		return;
	}
	for (unsigned int i = 0; i < hiq->num_listed; i++)
		if (hiq->list[hiq->list[i].process].pasid == pasid)
			hiq->list[i].gone = true;
}

int hiq_unmap(struct cp_xcc *xcc, struct stream *by, u16 pasid, bool save)
{
	struct hiq *hiq = xcc->hiq;
	int ret;

	if (by->depth)
		return queue_bad_packet(by, 0, "UNMAP_QUEUES in an indirect buffer");
	pthread_mutex_lock(&hiq->lock);
	ret = runlist_unmap(hiq, by, pasid, save);
	if (!ret)
		unlist(hiq, pasid);
	pthread_mutex_unlock(&hiq->lock);
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
	free(xcc->hiq->list);
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
	hiq->separate_xnack = false;
	clear_list(hiq);
	memset(hiq->owner, 0, sizeof(hiq->owner));
	pthread_mutex_unlock(&hiq->lock);
}

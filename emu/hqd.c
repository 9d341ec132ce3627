// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hardware queue descriptors: the registers of one MEC queue, and how they make
 * it run. A queue is activated by CP_HQD_ACTIVE or by a scheduler that loads an
 * MQD; it goes off on CP_HQD_DEQUEUE_REQUEST, which here also takes off a queue
 * that hangs (hardware would need a reset for that).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cp.h"

#define MAX_QUEUE_SIZE_LOG2 30
#define CLIENT_UTCL2 0x1b
#define CID_CPC 5

static u64 regs64(const struct hqd *hqd, u32 low, u32 high)
{
	return hqd->regs[low] | (u64)hqd->regs[high] << 32;
}

/* Number of the AQL packet that is next. */
static u64 dispatch_id(const struct hqd *hqd)
{
	return regs64(hqd, HQD(CP_HQD_AQL_DISPATCH_ID), HQD(CP_HQD_AQL_DISPATCH_ID_HI));
}

static u64 ring_dwords(const struct hqd *hqd)
{
	u32 log2 = FIELD(hqd->regs[HQD(CP_HQD_PQ_CONTROL)], CP_HQD_PQ_CONTROL__QUEUE_SIZE);

	return log2 < MAX_QUEUE_SIZE_LOG2 ? 2ull << log2 : 0;
}

/* In memory: dwords; for AQL packets, the first one that is nobody's. */
static u64 memory_wptr(struct queue *queue, u64 raw)
{
	return queue_hqd(queue)->aql ? raw << AQL_SHIFT : raw;
}

/* A doorbell of AQL names the last packet that has been written. */
static u64 doorbell_wptr(struct queue *queue, u64 raw)
{
	return queue_hqd(queue)->aql ? (raw + 1) << AQL_SHIFT : raw;
}

/*
 * The register shows the position within the ring, in 32 bits, and so does memory;
 * AQL's read index in memory counts packets and never starts again.
 */
static void report_rptr(struct queue *queue, u64 rptr)
{
	struct hqd *hqd = queue_hqd(queue);
	u64 value = hqd->aql ? rptr >> AQL_SHIFT : rptr & (queue->config.size - 1);
	size_t len = hqd->aql ? 8 : 4;
	bool update;
	u64 addr;

	pthread_mutex_lock(&hqd->xcc->lock);
	update = !(hqd->regs[HQD(CP_HQD_PQ_CONTROL)] & CP_HQD_PQ_CONTROL__NO_UPDATE_RPTR_MASK);
	addr = regs64(hqd, HQD(CP_HQD_PQ_RPTR_REPORT_ADDR), HQD(CP_HQD_PQ_RPTR_REPORT_ADDR_HI));
	pthread_mutex_unlock(&hqd->xcc->lock);
	if (update && addr)
		vm_write(&queue->port, queue->config.vmid, addr & ~(len - 1ull), &value, len);
}

/* With the XCC's lock held. */
static void detach_bell(struct hqd *hqd)
{
	if (hqd->has_bell)
		bell_detach(hqd->xcc->gpu, hqd->bell, &hqd->queue);
	hqd->has_bell = false;
}

/* With the XCC's lock held. */
static void store_resume(struct hqd *hqd)
{
	const struct resume *resume = &hqd->queue.resume;

	hqd->resume = *resume;
	hqd->regs[HQD(CP_HQD_IB_BASE_ADDR)] = (u32)resume->ib_addr;
	hqd->regs[HQD(CP_HQD_IB_BASE_ADDR_HI)] = (u32)(resume->ib_addr >> 32);
	hqd->regs[HQD(CP_HQD_IB_RPTR)] = resume->ib_pos;
	hqd->regs[HQD(CP_HQD_IB_CONTROL)] &= ~(u32)(CP_HQD_IB_CONTROL__IB_SIZE_MASK |
						    CP_HQD_IB_CONTROL__PROCESSING_IB_MASK);
	if (resume->ib_size)
		hqd->regs[HQD(CP_HQD_IB_CONTROL)] |= resume->ib_size |
						     CP_HQD_IB_CONTROL__PROCESSING_IB_MASK;
}

static struct resume load_resume(const struct hqd *hqd)
{
	u32 control = hqd->regs[HQD(CP_HQD_IB_CONTROL)];
	struct resume resume = {
		.ib_addr = regs64(hqd, HQD(CP_HQD_IB_BASE_ADDR), HQD(CP_HQD_IB_BASE_ADDR_HI)),
		.ib_pos = hqd->regs[HQD(CP_HQD_IB_RPTR)],
	};

	if (control & CP_HQD_IB_CONTROL__PROCESSING_IB_MASK)
		resume.ib_size = control & CP_HQD_IB_CONTROL__IB_SIZE_MASK;
	if (resume.ib_pos > resume.ib_size)
		resume.ib_size = 0;
	resume.done = hqd->resume.done;
	resume.phase = hqd->resume.phase;
	return resume;
}

/* With the XCC's lock held: what the registers say of a queue that has gone off. */
static void went_off(struct hqd *hqd, u64 rptr, u64 wptr)
{
	if (hqd->aql) {
		hqd->regs[HQD(CP_HQD_AQL_DISPATCH_ID)] = (u32)(rptr >> AQL_SHIFT);
		hqd->regs[HQD(CP_HQD_AQL_DISPATCH_ID_HI)] = (u32)(rptr >> AQL_SHIFT >> 32);
	}
	hqd->regs[HQD(CP_HQD_PQ_RPTR)] = (u32)(rptr & (ring_dwords(hqd) - 1));
	hqd->regs[HQD(CP_HQD_PQ_WPTR_LO)] = (u32)wptr;
	hqd->regs[HQD(CP_HQD_PQ_WPTR_HI)] = (u32)(wptr >> 32);
	hqd->regs[HQD(CP_HQD_ACTIVE)] = 0;
	hqd->regs[HQD(CP_HQD_DEQUEUE_REQUEST)] = 0;
	detach_bell(hqd);
}

static void parked(struct queue *queue)
{
	struct hqd *hqd = queue_hqd(queue);

	pthread_mutex_lock(&hqd->xcc->lock);
	if (!hqd->wanted && hqd->killed) {
		queue->resume = (struct resume){ 0 };
		store_resume(hqd);
		went_off(hqd, 0, 0);
	} else if (!hqd->wanted) {
		store_resume(hqd);
		went_off(hqd, atomic_load(&queue->rptr), atomic_load(&queue->wptr));
	}
	pthread_mutex_unlock(&hqd->xcc->lock);
}

static const struct queue_ops hqd_ops = {
	.packet = pm4_packet,
	.report = report_rptr,
	.wptr = memory_wptr,
	.doorbell = doorbell_wptr,
	.idle = hiq_idle,
	.parked = parked,
};

/* With the XCC's lock held. */
static void attach_bell(struct hqd *hqd)
{
	struct gpu *gpu = hqd->xcc->gpu;
	u32 control = hqd->regs[HQD(CP_HQD_PQ_DOORBELL_CONTROL)];
	u32 index = FIELD(control, CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_OFFSET);

	detach_bell(hqd);
	if (!(control & CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_EN_MASK))
		return;
	if (bell_attach(gpu, index, &hqd->queue)) {
		verdict(gpu, "doorbell-conflict", "%s: doorbell 0x%x is taken", hqd->queue.name,
			index);
		return;
	}
	hqd->has_bell = true;
	hqd->bell = index;
}

/* AQL's read index has all its bits in registers, and is the least that is written. */
static void take_dispatch_id(const struct hqd *hqd, struct queue_config *config)
{
	config->rptr = dispatch_id(hqd) << AQL_SHIFT;
	config->rptr_wraps = false;
	config->monotonic = true;
	if ((s64)(config->wptr - config->rptr) < 0)
		config->wptr = config->rptr;
}

/* With the XCC's lock held. */
static void activate(struct hqd *hqd)
{
	struct gpu *gpu = hqd->xcc->gpu;
	u32 control = hqd->regs[HQD(CP_HQD_PQ_CONTROL)];
	u32 poll = reg_load(gpu, GC_REG(hqd->xcc, regCP_PQ_WPTR_POLL_CNTL));
	u64 poll_addr = regs64(hqd, HQD(CP_HQD_PQ_WPTR_POLL_ADDR),
			       HQD(CP_HQD_PQ_WPTR_POLL_ADDR_HI)) & ~7ull;
	struct queue_config config = {
		.base = regs64(hqd, HQD(CP_HQD_PQ_BASE), HQD(CP_HQD_PQ_BASE_HI)) << 8,
		.size = ring_dwords(hqd),
		.vmid = FIELD(hqd->regs[HQD(CP_HQD_VMID)], CP_HQD_VMID__VMID),
		.rptr = hqd->regs[HQD(CP_HQD_PQ_RPTR)],
		.rptr_wraps = true,
		.set_wptr = true,
		.wptr = regs64(hqd, HQD(CP_HQD_PQ_WPTR_LO), HQD(CP_HQD_PQ_WPTR_HI)),
		.wptr_addr = hqd->poll_once ? poll_addr : hqd->wptr_addr,
		.poll_addr = poll & CP_PQ_WPTR_POLL_CNTL__EN_MASK ? poll_addr : 0,
		.resume = load_resume(hqd),
	};

	hqd->aql = FIELD(hqd->regs[HQD(CP_HQD_AQL_CONTROL)], CP_HQD_AQL_CONTROL__CONTROL0) & 1;
	if (!config.size || (hqd->aql && config.size < AQL_DWORDS)) {
		verdict(gpu, "bad-queue", "%s: CP_HQD_PQ_CONTROL 0x%08x", hqd->queue.name, control);
		return;
	}
	config.privileged = control & CP_HQD_PQ_CONTROL__PRIV_STATE_MASK && !config.vmid;
	if (hqd->aql)
		take_dispatch_id(hqd, &config);
	hqd->regs[HQD(CP_HQD_ACTIVE)] |= CP_HQD_ACTIVE__ACTIVE_MASK;
	hqd->wanted = true;
	hqd->killed = false;
	hqd->poll_once = false;
	/*
	 * In this order a ring of the doorbell is either heard, or it came before the
	 * write pointer is read from memory, which the one who rings has written first.
	 */
	attach_bell(hqd);
	queue_start(&hqd->queue, &config);
}

/* With the XCC's lock held. */
static void deactivate(struct hqd *hqd)
{
	if (!hqd->wanted)
		return;
	hqd->wanted = false;
	queue_stop(&hqd->queue);
	/* A start that had not begun is gone, and no thread will say so. */
	if (queue_is_off(&hqd->queue))
		went_off(hqd, hqd->aql ? dispatch_id(hqd) << AQL_SHIFT :
					 hqd->regs[HQD(CP_HQD_PQ_RPTR)],
			 regs64(hqd, HQD(CP_HQD_PQ_WPTR_LO), HQD(CP_HQD_PQ_WPTR_HI)));
}

void hqd_kill(struct hqd *hqd)
{
	pthread_mutex_lock(&hqd->xcc->lock);
	hqd->killed = true;
	deactivate(hqd);
	if (queue_is_off(&hqd->queue))
		went_off(hqd, 0, 0);
	pthread_mutex_unlock(&hqd->xcc->lock);
}

u32 hqd_read(struct hqd *hqd, u32 offset)
{
	struct queue *queue = &hqd->queue;
	bool live = !queue_is_off(queue);
	u32 value;

	pthread_mutex_lock(&hqd->xcc->lock);
	value = hqd->regs[offset];
	if (live && offset == HQD(CP_HQD_PQ_RPTR))
		value = (u32)(atomic_load(&queue->rptr) & (ring_dwords(hqd) - 1));
	else if (live && offset == HQD(CP_HQD_PQ_WPTR_LO))
		value = (u32)atomic_load(&queue->wptr);
	else if (live && offset == HQD(CP_HQD_PQ_WPTR_HI))
		value = (u32)(atomic_load(&queue->wptr) >> 32);
	pthread_mutex_unlock(&hqd->xcc->lock);
	return value;
}

/* With the XCC's lock held. The pair takes effect with its upper half. */
static void wptr_written(struct hqd *hqd)
{
	u64 wptr = regs64(hqd, HQD(CP_HQD_PQ_WPTR_LO), HQD(CP_HQD_PQ_WPTR_HI));

	if (hqd->wanted)
		queue_set_wptr(&hqd->queue, hqd->aql ? wptr >> AQL_SHIFT : wptr);
}

void hqd_write(struct hqd *hqd, u32 offset, u32 value)
{
	pthread_mutex_lock(&hqd->xcc->lock);
	switch (offset) {
	case HQD(CP_HQD_ACTIVE):
		if (value & CP_HQD_ACTIVE__ACTIVE_MASK && !hqd->wanted) {
			hqd->follower = false;
			hqd->no_retry = false;
			/* Perhaps another queue's: only a scheduler knows. */
			hqd->resume = (struct resume){ 0 };
			hqd->regs[offset] = value & ~(u32)CP_HQD_ACTIVE__ACTIVE_MASK;
			activate(hqd);
		} else if (!(value & CP_HQD_ACTIVE__ACTIVE_MASK)) {
			deactivate(hqd);
		}
		break;
	case HQD(CP_HQD_DEQUEUE_REQUEST):
		hqd->regs[offset] = value;
		if (value & CP_HQD_DEQUEUE_REQUEST__DEQUEUE_REQ_MASK)
			deactivate(hqd);
		break;
	case HQD(CP_HQD_PQ_WPTR_HI):
		hqd->regs[offset] = value;
		wptr_written(hqd);
		break;
	case HQD(CP_HQD_PQ_DOORBELL_CONTROL):
		hqd->regs[offset] = value;
		if (hqd->wanted)
			attach_bell(hqd);
		break;
	default:
		hqd->regs[offset] = value;
	}
	pthread_mutex_unlock(&hqd->xcc->lock);
}

bool hqd_is_active(struct hqd *hqd)
{
	bool active;

	pthread_mutex_lock(&hqd->xcc->lock);
	active = hqd->wanted;
	pthread_mutex_unlock(&hqd->xcc->lock);
	return active;
}

struct hqd *hqd_by_doorbell(struct cp_xcc *xcc, u32 doorbell)
{
	struct hqd *found = NULL;

	pthread_mutex_lock(&xcc->lock);
	for (unsigned int i = 0; !found && i < CP_NUM_HQD; i++)
		if (xcc->hqd[i].wanted && xcc->hqd[i].has_bell && xcc->hqd[i].bell == doorbell)
			found = &xcc->hqd[i];
	pthread_mutex_unlock(&xcc->lock);
	return found;
}

/* Schedulers read and write MQDs in the system context, whatever queue it is. */
static int read_mqd(struct stream *by, u64 addr, u32 *mqd)
{
	struct queue *queue = by->queue;
	int ret = vm_read(&queue->port, 0, addr, mqd, 4 * MQD_DWORDS);

	if (ret == -EINTR)
		return ret;
	if (ret || mqd[0] != MQD_HEADER) {
		verdict(queue->gpu, "bad-mqd", "%s: MQD at 0x%llx: %s 0x%08x", queue->name,
			(unsigned long long)addr, ret ? "unreadable" : "header", mqd[0]);
		return -EPROTO;
	}
	return 0;
}

/*
 * Where an interrupted packet goes on. Hardware saves the waves of a dispatch to
 * memory of the process, and what it needs to find them to the control stack, which
 * the driver keeps a page behind the MQD and which grows downwards. There are no
 * waves here: all goes to the stack.
 */
struct saved_packet {
	u64 done;
	u32 phase;
	u32 reserved;
};

#define CONTROL_STACK_OFFSET GPU_PAGE_SIZE

/* The registers as they are written to the MQD, and what the stack gets. */
static int push_resume(struct hqd *hqd, struct stream *by, u64 mqd_addr, u32 *regs)
{
	struct saved_packet saved = { .done = hqd->resume.done, .phase = hqd->resume.phase };
	u32 size = regs[regCP_HQD_CNTL_STACK_SIZE - regCP_MQD_BASE_ADDR];
	u32 *offset = &regs[regCP_HQD_CNTL_STACK_OFFSET - regCP_MQD_BASE_ADDR];

	*offset = size;
	if (!saved.done && !saved.phase)
		return 0;
	if (size < sizeof(saved)) {
		/* PM4's transfers start again. Hardware would wait for the dispatch's end. */
		if (hqd->aql)
			verdict(hqd->xcc->gpu, "dispatch-lost", "%s: no control stack",
				hqd->queue.name);
		return 0;
	}
	*offset = size - (u32)sizeof(saved);
	return vm_write(&by->queue->port, 0, mqd_addr + CONTROL_STACK_OFFSET + *offset, &saved,
			sizeof(saved));
}

static int pop_resume(struct stream *by, u64 mqd_addr, u32 *regs, struct resume *resume)
{
	struct saved_packet saved = { 0 };
	u32 size = regs[regCP_HQD_CNTL_STACK_SIZE - regCP_MQD_BASE_ADDR];
	u32 *offset = &regs[regCP_HQD_CNTL_STACK_OFFSET - regCP_MQD_BASE_ADDR];
	int ret = 0;

	if (size >= sizeof(saved) && *offset == size - sizeof(saved))
		ret = vm_read(&by->queue->port, 0, mqd_addr + CONTROL_STACK_OFFSET + *offset,
			      &saved, sizeof(saved));
	*offset = size;
	if (saved.done || saved.phase)
		count(by->queue->gpu, "cp.packets_resumed", 1);
	*resume = (struct resume){ .done = saved.done, .phase = saved.phase };
	return ret == -EINTR ? ret : 0;
}

int hqd_map(struct hqd *hqd, struct stream *by, const struct hqd_mapping *mapping)
{
	u32 mqd[MQD_DWORDS];
	u32 *regs = hqd->regs;
	struct resume resume;
	int ret = read_mqd(by, mapping->mqd_addr, mqd);

	if (!ret)
		ret = pop_resume(by, mapping->mqd_addr, mqd + MQD_HQD_START, &resume);
	if (ret)
		return ret;
	if (hqd_is_active(hqd)) {
		verdict(hqd->xcc->gpu, "queue-busy", "%s is mapped while it is active",
			hqd->queue.name);
		return -EPROTO;
	}
	ret = queue_wait_off(&hqd->queue, by->queue);
	if (ret)
		return ret;

	pthread_mutex_lock(&hqd->xcc->lock);
	hqd->resume = resume;
	memcpy(&regs[HQD(CP_MQD_BASE_ADDR)], &mqd[MQD_HQD_START], 4 * MQD_HQD_COUNT);
	regs[HQD(CP_MQD_BASE_ADDR)] = (u32)mapping->mqd_addr;
	regs[HQD(CP_MQD_BASE_ADDR_HI)] = (u32)(mapping->mqd_addr >> 32);
	regs[HQD(CP_HQD_DEQUEUE_REQUEST)] = 0;
	regs[HQD(CP_HQD_VMID)] &= ~(u32)CP_HQD_VMID__VMID_MASK;
	regs[HQD(CP_HQD_VMID)] |= mapping->vmid;
	regs[HQD(CP_HQD_PQ_DOORBELL_CONTROL)] &=
		~(u32)CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_OFFSET_MASK;
	regs[HQD(CP_HQD_PQ_DOORBELL_CONTROL)] |=
		mapping->doorbell << CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_OFFSET__SHIFT |
		CP_HQD_PQ_DOORBELL_CONTROL__DOORBELL_EN_MASK;
	hqd->wptr_addr = mapping->wptr_addr;
	hqd->follower = mapping->follower;
	hqd->no_retry = mapping->no_retry;
	activate(hqd);
	hqd->wptr_addr = 0;
	pthread_mutex_unlock(&hqd->xcc->lock);
	return 0;
}

static int save_mqd(struct hqd *hqd, struct stream *by)
{
	u32 regs[MQD_HQD_COUNT];
	u64 addr;
	int ret;

	pthread_mutex_lock(&hqd->xcc->lock);
	memcpy(regs, &hqd->regs[HQD(CP_MQD_BASE_ADDR)], sizeof(regs));
	pthread_mutex_unlock(&hqd->xcc->lock);
	addr = regs[0] | (u64)regs[1] << 32;
	ret = push_resume(hqd, by, addr, regs);
	if (ret == -EINTR)
		return ret;
	/* The address stays as the driver wrote it. */
	ret = vm_write(&by->queue->port, 0, addr + 4 * (MQD_HQD_START + 2), regs + 2,
		       sizeof(regs) - 8);
	return ret == -EINTR ? ret : 0;
}

void hqd_stop(struct hqd *hqd)
{
	pthread_mutex_lock(&hqd->xcc->lock);
	deactivate(hqd);
	pthread_mutex_unlock(&hqd->xcc->lock);
}

int hqd_unmap(struct hqd *hqd, struct stream *by, bool save)
{
	int ret;

	hqd_stop(hqd);
	/* A scheduler that takes itself off does so after this packet. */
	if (&hqd->queue == by->queue)
		return 0;
	ret = queue_wait_off(&hqd->queue, by->queue);
	return ret || !save ? ret : save_mqd(hqd, by);
}

int hqd_init(struct cp_xcc *xcc, struct hqd *hqd, unsigned int me, unsigned int pipe,
	     unsigned int index)
{
	char name[QUEUE_NAME_LEN];
	int ret;

	hqd->xcc = xcc;
	hqd->me = me;
	hqd->pipe = pipe;
	hqd->index = index;
	snprintf(name, sizeof(name), "xcc%u.mec%u.%u.%u", xcc->index, me, pipe, index);
	ret = queue_init(&hqd->queue, xcc->gpu, &hqd_ops, TRACE_CP, name);
	if (ret)
		return ret;
	hqd->queue.port.hub = xcc->index;
	hqd->queue.port.client_id = CLIENT_UTCL2;
	hqd->queue.port.node_id = node_of_xcc(xcc->index);
	hqd->queue.port.cid = CID_CPC;
	hqd->queue.port.retry = true;
	return 0;
}

void hqd_reset(struct hqd *hqd)
{
	hqd_stop(hqd);
	queue_wait_off(&hqd->queue, NULL);
	pthread_mutex_lock(&hqd->xcc->lock);
	memset(hqd->regs, 0, sizeof(hqd->regs));
	hqd->resume = (struct resume){ 0 };
	hqd->poll_once = false;
	hqd->mapped = false;
	pthread_mutex_unlock(&hqd->xcc->lock);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The compute command processor (MEC) of every XCC: hardware queue descriptors
 * (HQDs), PM4, AQL, the kernel's scheduler interface (KIQ) and the runlist
 * scheduler of user queues (HIQ).
 */
#ifndef EMU_CP_H
#define EMU_CP_H

#include "gc/gc_9_4_3_offset.h"
#include "gc/gc_9_4_3_sh_mask.h"

#include "asic.h"
#include "queue.h"

#define CP_NUM_ME 4		/* as GRBM_GFX_CNTL numbers; 1 and 2 are the MECs */
#define CP_NUM_PIPE 4
#define CP_NUM_QUEUE 8
#define CP_NUM_HQD (2 * CP_NUM_PIPE * CP_NUM_QUEUE)

/* The registers that GRBM_GFX_CNTL banks, as offsets from the first. */
#define HQD_FIRST regCP_HQD_GFX_CONTROL
#define HQD_REGS (regCP_HQD_AQL_DISPATCH_ID_HI - HQD_FIRST + 1)
#define HQD(name) (reg##name - HQD_FIRST)

/* An MQD's dwords from this one on are the registers from CP_MQD_BASE_ADDR on. */
#define MQD_DWORDS 512
#define MQD_HQD_START 128
#define MQD_HQD_COUNT (regCP_HQD_AQL_DISPATCH_ID_HI - regCP_MQD_BASE_ADDR + 1)
#define MQD_HEADER 0xc0310800u
#define MQD_PM4_TARGET_XCC 225
#define MQD_STRIDE 226

#define FIELD(value, field) (((value) & field##_MASK) >> field##__SHIFT)

struct cp_xcc;
struct hiq;

struct hqd {
	struct queue queue;
	struct cp_xcc *xcc;
	unsigned int me;	/* 1 or 2 */
	unsigned int pipe;
	unsigned int index;
	/* Under xcc->lock: */
	u32 regs[HQD_REGS];
	bool wanted;		/* active, and not asked to stop */
	bool killed;		/* goes off without keeping its position */
	bool has_bell;
	u32 bell;
	bool poll_once;		/* read the write pointer from memory at activation */
	/* Set while off, read by the queue's thread: */
	bool aql;
	bool no_retry;
	bool mapped;		/* by the runlist scheduler */
	bool follower;		/* an HIQ whose work another XCC does */
	u64 wptr_addr;
	struct resume resume;	/* where the queue went off, what registers do not show */
};

struct cp_xcc {
	struct gpu *gpu;
	unsigned int index;
	pthread_mutex_t lock;	/* before the queue lock; never held across a wait */
	struct hqd hqd[CP_NUM_HQD];
	/* Banks of MEs that have no queues here. */
	u32 other[CP_NUM_ME][CP_NUM_PIPE][CP_NUM_QUEUE][HQD_REGS];
	struct hiq *hiq;
};

struct cp {
	struct cp_xcc xcc[MAX_XCC];
};

static inline struct hqd *queue_hqd(struct queue *queue)
{
	/* The queue is the HQD's first member. */
	return (struct hqd *)queue;
}

static inline u32 gc_reg(const struct cp_xcc *xcc, u32 segment, u32 offset)
{
	return reg_base(xcc->gpu, HW_GC, xcc->index, segment) + offset;
}

#define GC_REG(xcc, name) gc_reg((xcc), name##_BASE_IDX, name)

/* cp.c */
#define CP_INT_GENERIC0 176	/* GENERIC1 and 2 follow */
#define CP_INT_EOP 181
#define CP_INT_BAD_OPCODE 183
#define CP_INT_PRIV_REG 184
#define CP_INT_QUERY_STATUS 199
void cp_interrupt(struct hqd *hqd, unsigned int source, unsigned int vmid, u32 data);
struct hqd *cp_hqd(struct cp_xcc *xcc, unsigned int me, unsigned int pipe, unsigned int index);
unsigned int cp_aid(const struct cp_xcc *xcc);
unsigned int cp_virtual_xcc(const struct cp_xcc *xcc);	/* its number in its partition */

/* hqd.c */
int hqd_init(struct cp_xcc *xcc, struct hqd *hqd, unsigned int me, unsigned int pipe,
	     unsigned int index);
void hqd_reset(struct hqd *hqd);
void hqd_kill(struct hqd *hqd);	/* a queue's or pipe's reset, as registers ask for it */
u32 hqd_read(struct hqd *hqd, u32 offset);
void hqd_write(struct hqd *hqd, u32 offset, u32 value);
/* For the schedulers, not from the transport thread: both wait for the queue. */
struct hqd_mapping {
	u64 mqd_addr;
	unsigned int vmid;
	u32 doorbell;
	u64 wptr_addr;
	bool follower;
	bool no_retry;		/* a shader's page faults are final */
};
/* @by executes the request. Returns 0, -EINTR, or -EPROTO after a verdict. */
int hqd_map(struct hqd *hqd, struct stream *by, const struct hqd_mapping *mapping);
/* Asks it to go off and does not wait; hqd_unmap() has to follow. */
void hqd_stop(struct hqd *hqd);
/* @save: keep in the MQD what a later mapping needs to go on. */
int hqd_unmap(struct hqd *hqd, struct stream *by, bool save);
bool hqd_is_active(struct hqd *hqd);
/* The active queue with this doorbell, or NULL. */
struct hqd *hqd_by_doorbell(struct cp_xcc *xcc, u32 doorbell);

/* pm4.c */
struct pm4 {
	struct stream *s;
	struct hqd *hqd;
	u32 header;
	u32 n;			/* dwords of the body */
	u32 dw[24];		/* the body, unless the packet's is variable */
};

int pm4_packet(struct queue *queue, struct stream *stream);

/* aql.c */
#define AQL_DWORDS 16
#define AQL_SHIFT 4		/* dwords to packets */
struct aql {
	struct stream *s;
	struct hqd *hqd;
	u64 va;			/* of the slot */
	u32 dw[AQL_DWORDS];
};

int aql_packet(struct queue *queue, struct stream *stream);

/* dispatch.c: -EINTR leaves in the queue's resume state how far it came. */
int dispatch_run(struct aql *a);

static inline u64 pm4_addr(const u32 *dw)
{
	return dw[0] | (u64)dw[1] << 32;
}

/* kiq.c, hiq.c: the schedulers' packets, for privileged queues only */
int kiq_set_resources(struct pm4 *p);
int kiq_map_queues(struct pm4 *p);
int kiq_unmap_queues(struct pm4 *p);
int kiq_query_status(struct pm4 *p);
int kiq_invalidate_tlbs(struct pm4 *p);

int hiq_init(struct cp_xcc *xcc);
void hiq_fini(struct cp_xcc *xcc);
void hiq_reset(struct cp_xcc *xcc);
int hiq_set_resources(struct pm4 *p);
int hiq_run_list(struct pm4 *p);
int hiq_map_process(struct pm4 *p);
int hiq_map_queue(struct pm4 *p);
void hiq_idle(struct queue *queue);
/* Takes all user queues, or those of a PASID (not 0), off the hardware. */
int hiq_unmap(struct cp_xcc *xcc, struct stream *by, u16 pasid, bool save);

#endif

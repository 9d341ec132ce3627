/* SPDX-License-Identifier: GPL-2.0-only */
/* SDMA's own: engines, their contexts, and what the scheduler does with them. */
#ifndef EMU_SDMA_H
#define EMU_SDMA_H

#include "queue.h"

#define SDMA_NUM_RLC 8
#define SDMA_NUM_CONTEXTS (1 + SDMA_NUM_RLC)	/* the GFX ring, then the RLC queues */
#define SDMA_PER_AID 4
#define SDMA_MQD_DWORDS 42

struct sdma_engine;

/* A context: the registers of one ring, and the queue that runs it. */
struct sdma_context {
	struct queue queue;
	struct sdma_engine *engine;
	unsigned int index;	/* 0: GFX ring, 1 + n: RLCn */
	u32 base;		/* register index of its RB_CNTL */
	/* Under engine->lock: */
	bool enabled;
	bool rptr_written;	/* RPTR was set while the queue was stopping */
	bool mapped;		/* by the scheduler */
	u32 bell;		/* attached doorbell, 0: none */
};

struct sdma_engine {
	struct gpu *gpu;
	unsigned int inst;
	unsigned int aid;
	pthread_mutex_t lock;
	struct sdma_context context[SDMA_NUM_CONTEXTS];
	atomic_ullong clock_offset;	/* what TIMESTAMP SET made of the clock */
};

struct sdma {
	unsigned int num;
	struct sdma_engine engine[MAX_SDMA];
};

static inline struct sdma_context *sdma_context(struct queue *queue)
{
	/* The queue is the context's first member. */
	return (struct sdma_context *)queue;
}

/* sdma_packet.c */
int sdma_packet(struct queue *queue, struct stream *stream);

/* sdma.c */
#define SDMA_INT_TRAP 224
#define SDMA_INT_POLL_TIMEOUT 246
#define SDMA_INT_SRBM_WRITE 247
void sdma_interrupt(struct sdma_context *context, unsigned int source, unsigned int vmid, u32 data);
bool sdma_ib_enabled(struct sdma_context *context);
/* The register that a packet of @engine means by @reg. */
u32 sdma_register(struct sdma_engine *engine, u32 reg);

/*
 * For the scheduler: loads an MQD (SDMA_MQD_DWORDS) into a free RLC context of
 * @engine and starts it in @vmid; NULL when there is none. Unmapping stops
 * the queue, waits until it is off and stores what a later mapping needs to go
 * on into the MQD; -EINTR when @by, which waits, is stopped meanwhile.
 */
struct sdma_context *sdma_map(struct gpu *gpu, unsigned int engine, const u32 *mqd,
			      unsigned int vmid, u32 doorbell, u64 wptr_addr);
int sdma_unmap(struct sdma_context *context, struct queue *by, u32 *mqd);
void sdma_stop(struct sdma_context *context);	/* does not wait: sdma_unmap() has to follow */

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * SDMA engines, version 4.4.2: registers, doorbells, interrupts. The GFX ring is
 * the kernel's; the RLC queues are user queues, loaded by the driver through
 * registers or by the scheduler (HIQ) from an MQD. The page queue has registers
 * but no firmware that runs it: they only remember.
 *
 * Locks: an engine's lock covers what its register hooks decide on; it comes
 * before the queue lock and is not held across anything that waits.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdma/sdma_4_4_2_offset.h"
#include "sdma/sdma_4_4_2_sh_mask.h"

#include "asic.h"
#include "sdma.h"

/* All contexts have the same registers in the same order. */
#define CTX(name) (regSDMA_GFX_##name - regSDMA_GFX_RB_CNTL)
#define CONTEXT_REGS (CTX(MIDCMD_CNTL) + 1)
#define CONTEXT_STRIDE (regSDMA_RLC1_RB_CNTL - regSDMA_RLC0_RB_CNTL)

#define CLIENT_VMC 0x12
#define SOURCE_RING_RLC0 2	/* ring_id of interrupts: 0 GFX, 1 page, 2.. RLC */

#define IDLE_STATUS (SDMA_STATUS_REG__IDLE_MASK | SDMA_STATUS_REG__REG_IDLE_MASK | \
		     SDMA_STATUS_REG__RB_EMPTY_MASK | SDMA_STATUS_REG__RB_CMD_IDLE_MASK | \
		     SDMA_STATUS_REG__IB_CMD_IDLE_MASK | SDMA_STATUS_REG__BLOCK_IDLE_MASK | \
		     SDMA_STATUS_REG__EX_IDLE_MASK | SDMA_STATUS_REG__MC_WR_IDLE_MASK | \
		     SDMA_STATUS_REG__SRBM_IDLE_MASK | SDMA_STATUS_REG__CONTEXT_EMPTY_MASK | \
		     SDMA_STATUS_REG__MC_RD_IDLE_MASK | SDMA_STATUS_REG__INT_IDLE_MASK)

static u32 engine_reg(const struct sdma_engine *engine, u32 offset)
{
	return reg_base(engine->gpu, HW_SDMA, engine->inst, 0) + offset;
}

static u32 ctx_load(struct sdma_context *context, u32 offset)
{
	return reg_load(context->engine->gpu, context->base + offset);
}

static void ctx_store(struct sdma_context *context, u32 offset, u32 value)
{
	reg_store(context->engine->gpu, context->base + offset, value);
}

static u64 ctx_load64(struct sdma_context *context, u32 low, u32 high)
{
	return ctx_load(context, low) | (u64)ctx_load(context, high) << 32;
}

static void ctx_store64(struct sdma_context *context, u32 low, u32 high, u64 value)
{
	ctx_store(context, low, (u32)value);
	ctx_store(context, high, (u32)(value >> 32));
}

u32 sdma_register(struct sdma_engine *engine, u32 reg)
{
	u32 local = reg | engine->aid << SMN_DIE_SHIFT;

	/* Discovery shows the same addresses on every die: an engine means its own. */
	if (engine->aid && !(reg & SMN_DIE_MASK) && reg_known(engine->gpu, local))
		return local;
	return reg;
}

bool sdma_ib_enabled(struct sdma_context *context)
{
	/* The scheduler's firmware enables it for the queues it maps. */
	return context->index || ctx_load(context, CTX(IB_CNTL)) & SDMA_GFX_IB_CNTL__IB_ENABLE_MASK;
}

static u32 interrupt_enable(unsigned int source)
{
	switch (source) {
	case SDMA_INT_TRAP:
		return SDMA_CNTL__TRAP_ENABLE_MASK;
	case SDMA_INT_SRBM_WRITE:
		return SDMA_CNTL__REG_WRITE_PROTECT_INT_ENABLE_MASK;
	}
	return 0xffffffff;
}

void sdma_interrupt(struct sdma_context *context, unsigned int source, unsigned int vmid, u32 data)
{
	static const u16 clients[SDMA_PER_AID] = { 8, 9, 1, 4 };
	struct sdma_engine *engine = context->engine;
	struct gpu *gpu = engine->gpu;
	struct ih_vector vector = {
		.client_id = clients[engine->inst % SDMA_PER_AID],
		.source_id = (u8)source,
		.ring_id = (u8)(context->index ? SOURCE_RING_RLC0 + context->index - 1 : 0),
		.vmid = (u8)vmid,
		.vmid_type = 1,
		.node_id = node_of_aid(engine->aid),
		.src_data = { data },
	};

	if (!(reg_load(gpu, engine_reg(engine, regSDMA_CNTL)) & interrupt_enable(source)))
		return;
	if (vmid)
		vector.pasid = ih_pasid(gpu, MMHUB(engine->aid), vmid);
	ih_raise(gpu, &vector);
}

static u64 bytes_to_dwords(struct queue *queue, u64 raw)
{
	(void)queue;
	return raw >> 2;
}

static void report_rptr(struct queue *queue, u64 rptr)
{
	struct sdma_context *context = sdma_context(queue);
	u64 addr = ctx_load64(context, CTX(RB_RPTR_ADDR_LO), CTX(RB_RPTR_ADDR_HI)) & ~3ull;
	u64 bytes = rptr << 2;

	if (ctx_load(context, CTX(RB_CNTL)) & SDMA_GFX_RB_CNTL__RPTR_WRITEBACK_ENABLE_MASK)
		vm_write(&queue->port, queue->config.vmid, addr, &bytes, sizeof(bytes));
}

static void store_resume(struct sdma_context *context)
{
	const struct resume *resume = &context->queue.resume;

	ctx_store64(context, CTX(IB_BASE_LO), CTX(IB_BASE_HI), resume->ib_addr);
	ctx_store(context, CTX(IB_SIZE), resume->ib_size);
	ctx_store(context, CTX(IB_OFFSET), resume->ib_pos << 2);
	ctx_store64(context, CTX(MIDCMD_DATA0), CTX(MIDCMD_DATA1), resume->done);
	ctx_store(context, CTX(MIDCMD_CNTL),
		  resume->done ? SDMA_GFX_MIDCMD_CNTL__DATA_VALID_MASK : 0);
}

static struct resume load_resume(struct sdma_context *context)
{
	struct resume resume = {
		.ib_addr = ctx_load64(context, CTX(IB_BASE_LO), CTX(IB_BASE_HI)),
		.ib_size = ctx_load(context, CTX(IB_SIZE)),
		.ib_pos = ctx_load(context, CTX(IB_OFFSET)) >> 2,
	};

	if (ctx_load(context, CTX(MIDCMD_CNTL)) & SDMA_GFX_MIDCMD_CNTL__DATA_VALID_MASK)
		resume.done = ctx_load64(context, CTX(MIDCMD_DATA0), CTX(MIDCMD_DATA1));
	if (resume.ib_pos > resume.ib_size)
		resume.ib_size = 0;
	return resume;
}

static void parked(struct queue *queue)
{
	struct sdma_context *context = sdma_context(queue);

	pthread_mutex_lock(&context->engine->lock);
	if (!context->rptr_written)
		ctx_store64(context, CTX(RB_RPTR), CTX(RB_RPTR_HI), atomic_load(&queue->rptr) << 2);
	if (!context->enabled)
		store_resume(context);
	pthread_mutex_unlock(&context->engine->lock);
}

static const struct queue_ops sdma_queue_ops = {
	.packet = sdma_packet,
	.report = report_rptr,
	.wptr = bytes_to_dwords,
	.parked = parked,
};

/* With the engine's lock held. */
static void start_context(struct sdma_context *context, u64 wptr_addr)
{
	u32 cntl = ctx_load(context, CTX(RB_CNTL));
	unsigned int size_log2 = (cntl & SDMA_GFX_RB_CNTL__RB_SIZE_MASK) >>
				 SDMA_GFX_RB_CNTL__RB_SIZE__SHIFT;
	u32 poll = ctx_load(context, CTX(RB_WPTR_POLL_CNTL));
	bool parking = !queue_is_off(&context->queue);
	struct queue_config config = {
		.base = ctx_load64(context, CTX(RB_BASE), CTX(RB_BASE_HI)) << 8,
		.size = 1ull << size_log2,
		.vmid = (cntl & SDMA_GFX_RB_CNTL__RB_VMID_MASK) >> SDMA_GFX_RB_CNTL__RB_VMID__SHIFT,
		.rptr = ctx_load64(context, CTX(RB_RPTR), CTX(RB_RPTR_HI)) >> 2,
		.keep_rptr = parking && !context->rptr_written,
		.wptr_addr = wptr_addr,
	};

	config.privileged = !context->index && !config.vmid;
	if (context->index)
		config.resume = load_resume(context);
	if (poll & (SDMA_GFX_RB_WPTR_POLL_CNTL__ENABLE_MASK |
		    SDMA_GFX_RB_WPTR_POLL_CNTL__F32_POLL_ENABLE_MASK))
		config.poll_addr = ctx_load64(context, CTX(RB_WPTR_POLL_ADDR_LO),
					      CTX(RB_WPTR_POLL_ADDR_HI)) & ~7ull;
	queue_start(&context->queue, &config);
}

/* With the engine's lock held. */
static void set_enabled(struct sdma_context *context, bool enable, u64 wptr_addr)
{
	if (enable == context->enabled)
		return;
	context->enabled = enable;
	if (enable)
		start_context(context, wptr_addr);
	else
		queue_stop(&context->queue);
	context->rptr_written = false;
}

/*
 * The driver enables the doorbell before it sets the offset, so that an offset
 * of 0 (which is the first KIQ's) means that it is not set yet.
 */
static void update_doorbell(struct sdma_context *context)
{
	struct gpu *gpu = context->engine->gpu;
	bool enable = ctx_load(context, CTX(DOORBELL)) & SDMA_GFX_DOORBELL__ENABLE_MASK;
	u32 index = (ctx_load(context, CTX(DOORBELL_OFFSET)) &
		     SDMA_GFX_DOORBELL_OFFSET__OFFSET_MASK) >>
		    SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT;

	if (!enable)
		index = 0;
	if (index == context->bell)
		return;
	if (context->bell)
		bell_detach(gpu, context->bell, &context->queue);
	context->bell = 0;
	if (!index)
		return;
	if (bell_attach(gpu, index, &context->queue))
		verdict(gpu, "doorbell-conflict", "%s: doorbell 0x%x is taken",
			context->queue.name, index);
	else
		context->bell = index;
}

static void context_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct sdma_context *context = ctx;
	struct sdma_engine *engine = context->engine;

	pthread_mutex_lock(&engine->lock);
	reg_store(gpu, reg, value);
	switch (reg - context->base) {
	case CTX(RB_CNTL):
		set_enabled(context, value & SDMA_GFX_RB_CNTL__RB_ENABLE_MASK, 0);
		break;
	case CTX(RB_RPTR):
	case CTX(RB_RPTR_HI):
		context->rptr_written = true;
		break;
	case CTX(RB_WPTR_HI):	/* the pair takes effect with its upper half */
		queue_set_wptr(&context->queue, ctx_load64(context, CTX(RB_WPTR), CTX(RB_WPTR_HI)));
		break;
	case CTX(DOORBELL):
	case CTX(DOORBELL_OFFSET):
		update_doorbell(context);
		break;
	case CTX(IB_CNTL):
		queue_kick(&context->queue);
		break;
	}
	pthread_mutex_unlock(&engine->lock);
}

static u32 context_status(struct sdma_context *context)
{
	u32 status = 0;

	if (queue_is_idle(&context->queue))
		status |= SDMA_GFX_CONTEXT_STATUS__IDLE_MASK;
	if (queue_is_executing(&context->queue))
		status |= SDMA_GFX_CONTEXT_STATUS__SELECTED_MASK;
	return status;
}

static u32 context_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	struct sdma_context *context = ctx;
	struct queue *queue = &context->queue;
	bool live = !queue_is_off(queue) && !context->rptr_written;

	(void)gpu;
	switch (reg - context->base) {
	case CTX(RB_RPTR):
		return live ? (u32)(atomic_load(&queue->rptr) << 2) : stored;
	case CTX(RB_RPTR_HI):
		return live ? (u32)(atomic_load(&queue->rptr) >> 30) : stored;
	case CTX(RB_WPTR):
		return (u32)(atomic_load(&queue->wptr) << 2);
	case CTX(RB_WPTR_HI):
		return (u32)(atomic_load(&queue->wptr) >> 30);
	case CTX(CONTEXT_STATUS):
		return context_status(context);
	}
	return stored;
}

static u32 status_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	struct sdma_engine *engine = ctx;

	(void)gpu, (void)reg, (void)stored;
	for (unsigned int i = 0; i < SDMA_NUM_CONTEXTS; i++)
		if (!queue_is_idle(&engine->context[i].queue))
			return SDMA_STATUS_REG__REG_IDLE_MASK;
	return IDLE_STATUS;
}

static bool is_halted(struct sdma_engine *engine)
{
	struct gpu *gpu = engine->gpu;

	return reg_load(gpu, engine_reg(engine, regSDMA_F32_CNTL)) & SDMA_F32_CNTL__HALT_MASK ||
	       reg_load(gpu, engine_reg(engine, regSDMA_FREEZE)) & SDMA_FREEZE__FREEZE_MASK;
}

static void update_halt(struct sdma_engine *engine)
{
	bool halted = is_halted(engine);

	for (unsigned int i = 0; i < SDMA_NUM_CONTEXTS; i++)
		queue_pause(&engine->context[i].queue, halted);
}

static void halt_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	reg_store(gpu, reg, value);
	update_halt(ctx);
}

static u32 freeze_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	(void)gpu, (void)ctx, (void)reg;
	stored &= ~(u32)SDMA_FREEZE__FROZEN_MASK;
	return stored & SDMA_FREEZE__FREEZE_MASK ? stored | SDMA_FREEZE__FROZEN_MASK : stored;
}

static int init_context(struct sdma_engine *engine, unsigned int index)
{
	struct sdma_context *context = &engine->context[index];
	char name[QUEUE_NAME_LEN];
	int ret;

	context->engine = engine;
	context->index = index;
	context->base = engine_reg(engine, index ? regSDMA_RLC0_RB_CNTL + (index - 1) * CONTEXT_STRIDE :
						   regSDMA_GFX_RB_CNTL);
	if (index)
		snprintf(name, sizeof(name), "sdma%u.rlc%u", engine->inst, index - 1);
	else
		snprintf(name, sizeof(name), "sdma%u", engine->inst);
	ret = queue_init(&context->queue, engine->gpu, &sdma_queue_ops, TRACE_SDMA, name);
	if (ret)
		return ret;
	context->queue.port.hub = MMHUB(engine->aid);
	context->queue.port.client_id = CLIENT_VMC;
	context->queue.port.node_id = node_of_aid(engine->aid);
	/* The header files do not name MMHUB 1.8's clients: the engine's number does. */
	context->queue.port.cid = engine->inst;
	context->queue.port.retry = true;
	return 0;
}

/* The registers of a context are not contiguous: two holes have no name. */
static void hook_context(struct gpu *gpu, struct sdma_context *context)
{
	for (u32 i = 0; i < CONTEXT_REGS; i++)
		if (reg_known(gpu, context->base + i))
			reg_hook(gpu, context->base + i, 1, context_read, context_write, context);
}

static int init_engine(struct gpu *gpu, struct sdma_engine *engine, unsigned int inst)
{
	u32 f32_cntl;

	engine->gpu = gpu;
	engine->inst = inst;
	engine->aid = inst / SDMA_PER_AID;
	pthread_mutex_init(&engine->lock, NULL);
	for (unsigned int i = 0; i < SDMA_NUM_CONTEXTS; i++) {
		if (init_context(engine, i))
			return -ENOMEM;
		hook_context(gpu, &engine->context[i]);
	}
	f32_cntl = engine_reg(engine, regSDMA_F32_CNTL);
	reg_hook(gpu, engine_reg(engine, regSDMA_STATUS_REG), 1, status_read, NULL, engine);
	reg_hook(gpu, f32_cntl, 1, NULL, halt_write, engine);
	reg_hook(gpu, engine_reg(engine, regSDMA_FREEZE), 1, freeze_read, halt_write, engine);
	reg_preset(gpu, f32_cntl, SDMA_F32_CNTL__HALT_MASK);
	update_halt(engine);
	return 0;
}

int sdma_init(struct gpu *gpu)
{
	int ret = bells_init(gpu);

	if (ret) {
		bells_fini(gpu);
		return ret;
	}
	gpu->sdma = calloc(1, sizeof(*gpu->sdma));
	for (unsigned int i = 0; gpu->sdma && i < gpu->num_sdma; i++) {
		gpu->sdma->num = i + 1;
		if (init_engine(gpu, &gpu->sdma->engine[i], i))
			ret = -ENOMEM;
	}
	if (!gpu->sdma || ret) {
		fprintf(stderr, "sdma: out of memory\n");
		sdma_fini(gpu);
		return -ENOMEM;
	}
	return 0;
}

void sdma_fini(struct gpu *gpu)
{
	struct sdma *sdma = gpu->sdma;

	for (unsigned int i = 0; sdma && i < sdma->num; i++) {
		for (unsigned int k = 0; k < SDMA_NUM_CONTEXTS; k++)
			queue_fini(&sdma->engine[i].context[k].queue);
		pthread_mutex_destroy(&sdma->engine[i].lock);
	}
	free(sdma);
	gpu->sdma = NULL;
	bells_fini(gpu);
}

static void reset_context(struct sdma_context *context)
{
	struct sdma_engine *engine = context->engine;

	pthread_mutex_lock(&engine->lock);
	set_enabled(context, false, 0);
	pthread_mutex_unlock(&engine->lock);
	queue_wait_off(&context->queue, NULL);
	pthread_mutex_lock(&engine->lock);
	if (context->bell)
		bell_detach(engine->gpu, context->bell, &context->queue);
	context->bell = 0;
	context->mapped = false;
	atomic_store(&context->queue.wptr, 0);
	pthread_mutex_unlock(&engine->lock);
}

/* Register values are regs_reset()'s; here everything stops using them. */
void sdma_reset(struct gpu *gpu)
{
	for (unsigned int i = 0; i < gpu->sdma->num; i++) {
		struct sdma_engine *engine = &gpu->sdma->engine[i];

		for (unsigned int k = 0; k < SDMA_NUM_CONTEXTS; k++) {
			reset_context(&engine->context[k]);
			queue_pause(&engine->context[k].queue, true);
		}
		atomic_store(&engine->clock_offset, 0);
	}
	bells_reset(gpu);
}

/*
 * Where in a context the dwords of an MQD go; they are in register order with
 * the same holes.
 */
static u32 mqd_register(unsigned int dw)
{
	if (dw <= CTX(DOORBELL))
		return dw;
	if (dw <= 24)		/* STATUS .. CSA_ADDR_HI */
		return CTX(STATUS) + dw - 19;
	if (dw <= 31)		/* IB_SUB_REMAIN .. MINOR_PTR_UPDATE */
		return CTX(IB_SUB_REMAIN) + dw - 25;
	if (dw <= 40)		/* MIDCMD_DATA0 .. 8 */
		return CTX(MIDCMD_DATA0) + dw - 32;
	return CTX(MIDCMD_CNTL);
}

static struct sdma_context *take_rlc(struct sdma_engine *engine)
{
	for (unsigned int i = 1; i < SDMA_NUM_CONTEXTS; i++) {
		struct sdma_context *context = &engine->context[i];

		if (!context->mapped && !context->enabled && queue_is_off(&context->queue)) {
			context->mapped = true;
			return context;
		}
	}
	return NULL;
}

struct sdma_context *sdma_map(struct gpu *gpu, unsigned int engine_index, const u32 *mqd,
			      unsigned int vmid, u32 doorbell, u64 wptr_addr)
{
	struct sdma_engine *engine;
	struct sdma_context *context;
	u32 cntl;

	if (engine_index >= gpu->sdma->num)
		return NULL;
	engine = &gpu->sdma->engine[engine_index];
	pthread_mutex_lock(&engine->lock);
	context = take_rlc(engine);
	if (!context)
		goto out;
	for (unsigned int i = 0; i < SDMA_MQD_DWORDS; i++)
		ctx_store(context, mqd_register(i), mqd[i]);
	cntl = mqd[0] & ~(u32)SDMA_GFX_RB_CNTL__RB_VMID_MASK;
	cntl |= vmid << SDMA_GFX_RB_CNTL__RB_VMID__SHIFT | SDMA_GFX_RB_CNTL__RB_ENABLE_MASK;
	ctx_store(context, CTX(RB_CNTL), cntl);
	ctx_store(context, CTX(DOORBELL_OFFSET), doorbell << SDMA_GFX_DOORBELL_OFFSET__OFFSET__SHIFT);
	ctx_store(context, CTX(DOORBELL), SDMA_GFX_DOORBELL__ENABLE_MASK);
	context->rptr_written = true;
	atomic_store(&context->queue.wptr, ctx_load64(context, CTX(RB_RPTR), CTX(RB_RPTR_HI)) >> 2);
	update_doorbell(context);
	set_enabled(context, true, wptr_addr);
out:
	pthread_mutex_unlock(&engine->lock);
	return context;
}

void sdma_stop(struct sdma_context *context)
{
	pthread_mutex_lock(&context->engine->lock);
	set_enabled(context, false, 0);
	pthread_mutex_unlock(&context->engine->lock);
}

int sdma_unmap(struct sdma_context *context, struct queue *by, u32 *mqd)
{
	struct sdma_engine *engine = context->engine;
	int ret;

	sdma_stop(context);
	ret = queue_wait_off(&context->queue, by);
	if (ret)
		return ret;
	pthread_mutex_lock(&engine->lock);
	for (unsigned int i = 1; i < SDMA_MQD_DWORDS; i++)
		mqd[i] = ctx_load(context, mqd_register(i));
	mqd[CTX(DOORBELL)] &= ~(u32)SDMA_GFX_DOORBELL__ENABLE_MASK;
	ctx_store(context, CTX(DOORBELL), 0);
	update_doorbell(context);
	context->mapped = false;
	pthread_mutex_unlock(&engine->lock);
	return 0;
}

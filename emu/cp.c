// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command processors: registers that are not one queue's, and interrupts.
 *
 * GRBM_GFX_CNTL selects whose CP_HQD_* registers an access means. It is one
 * register per XCC for everybody, as on hardware: the driver serialises its use.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cp.h"

#define CLIENT_GRBM_CP 0x14

unsigned int cp_aid(const struct cp_xcc *xcc)
{
	return xcc->index / xcc->gpu->asic->xcc_per_aid;
}

unsigned int cp_virtual_xcc(const struct cp_xcc *xcc)
{
	return FIELD(reg_load(xcc->gpu, GC_REG(xcc, regCP_HYP_XCP_CTL)),
		     CP_HYP_XCP_CTL__VIRTUAL_XCC_ID);
}

struct hqd *cp_hqd(struct cp_xcc *xcc, unsigned int me, unsigned int pipe, unsigned int index)
{
	if (me < 1 || me > 2 || pipe >= CP_NUM_PIPE || index >= CP_NUM_QUEUE)
		return NULL;
	return &xcc->hqd[((me - 1) * CP_NUM_PIPE + pipe) * CP_NUM_QUEUE + index];
}

static u32 selection(const struct cp_xcc *xcc)
{
	return reg_load(xcc->gpu, GC_REG(xcc, regGRBM_GFX_CNTL));
}

static struct hqd *selected_hqd(struct cp_xcc *xcc)
{
	u32 select = selection(xcc);

	return cp_hqd(xcc, FIELD(select, GRBM_GFX_CNTL__MEID), FIELD(select, GRBM_GFX_CNTL__PIPEID),
		      FIELD(select, GRBM_GFX_CNTL__QUEUEID));
}

/* The bank of a selection that is no MEC queue. */
static u32 *other_bank(struct cp_xcc *xcc)
{
	u32 select = selection(xcc);

	return xcc->other[FIELD(select, GRBM_GFX_CNTL__MEID)][FIELD(select, GRBM_GFX_CNTL__PIPEID)]
			 [FIELD(select, GRBM_GFX_CNTL__QUEUEID)];
}

static u32 bank_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	struct cp_xcc *xcc = ctx;
	struct hqd *hqd = selected_hqd(xcc);
	u32 offset = reg - gc_reg(xcc, regCP_HQD_GFX_CONTROL_BASE_IDX, HQD_FIRST);

	u32 value;

	(void)gpu, (void)stored;
	if (hqd)
		return hqd_read(hqd, offset);
	pthread_mutex_lock(&xcc->lock);
	value = other_bank(xcc)[offset];
	pthread_mutex_unlock(&xcc->lock);
	return value;
}

static void bank_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct cp_xcc *xcc = ctx;
	struct hqd *hqd = selected_hqd(xcc);
	u32 offset = reg - gc_reg(xcc, regCP_HQD_GFX_CONTROL_BASE_IDX, HQD_FIRST);

	(void)gpu;
	if (hqd) {
		hqd_write(hqd, offset, value);
		return;
	}
	pthread_mutex_lock(&xcc->lock);
	other_bank(xcc)[offset] = value;
	pthread_mutex_unlock(&xcc->lock);
}

/*
 * A pipe's interrupt enables have a name of their own; CPC_INT_CNTL is those of
 * the selected pipe.
 */
static u32 int_cntl_reg(const struct cp_xcc *xcc, unsigned int me, unsigned int pipe)
{
	return GC_REG(xcc, regCP_ME1_PIPE0_INT_CNTL) + (me - 1) * CP_NUM_PIPE + pipe;
}

static u32 cpc_int_cntl_read(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	struct hqd *hqd = selected_hqd(ctx);

	(void)reg;
	return hqd ? reg_load(gpu, int_cntl_reg(ctx, hqd->me, hqd->pipe)) : stored;
}

static void cpc_int_cntl_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct hqd *hqd = selected_hqd(ctx);

	reg_store(gpu, hqd ? int_cntl_reg(ctx, hqd->me, hqd->pipe) : reg, value);
}

static u32 interrupt_enable(unsigned int source)
{
	switch (source) {
	case CP_INT_GENERIC0:
		return CPC_INT_CNTL__GENERIC0_INT_ENABLE_MASK;
	case CP_INT_GENERIC0 + 1:
		return CPC_INT_CNTL__GENERIC1_INT_ENABLE_MASK;
	case CP_INT_GENERIC0 + 2:
		return CPC_INT_CNTL__GENERIC2_INT_ENABLE_MASK;
	case CP_INT_EOP:
		return CPC_INT_CNTL__TIME_STAMP_INT_ENABLE_MASK;
	case CP_INT_BAD_OPCODE:
		return CPC_INT_CNTL__OPCODE_ERROR_INT_ENABLE_MASK;
	case CP_INT_PRIV_REG:
		return CPC_INT_CNTL__PRIV_REG_INT_ENABLE_MASK;
	case CP_INT_QUERY_STATUS:
		return CPC_INT_CNTL__CMP_QUERY_STATUS_INT_ENABLE_MASK;
	}
	return 0;
}

void cp_interrupt(struct hqd *hqd, unsigned int source, unsigned int vmid, u32 data)
{
	struct cp_xcc *xcc = hqd->xcc;
	struct gpu *gpu = xcc->gpu;
	struct ih_vector vector = {
		.client_id = CLIENT_GRBM_CP,
		.source_id = (u8)source,
		.ring_id = (u8)(hqd->index << 4 | hqd->me << 2 | hqd->pipe),
		.vmid = (u8)vmid,
		.node_id = node_of_xcc(xcc->index),
		.src_data = { data },
	};

	if (!(reg_load(gpu, int_cntl_reg(xcc, hqd->me, hqd->pipe)) & interrupt_enable(source))) {
		count(gpu, "cp.interrupts_disabled", 1);
		return;
	}
	if (vmid)
		vector.pasid = ih_pasid(gpu, xcc->index, vmid);
	ih_raise(gpu, &vector);
}

static void apply_halt(struct cp_xcc *xcc, u32 value)
{
	for (unsigned int i = 0; i < CP_NUM_HQD; i++) {
		struct hqd *hqd = &xcc->hqd[i];

		queue_pause(&hqd->queue, value & (hqd->me == 1 ? CP_MEC_CNTL__MEC_ME1_HALT_MASK :
								 CP_MEC_CNTL__MEC_ME2_HALT_MASK));
	}
}

/* Resetting a pipe takes its queues off. ME2 has reset bits for two pipes only. */
static void apply_pipe_reset(struct cp_xcc *xcc, u32 value)
{
	for (unsigned int i = 0; i < CP_NUM_HQD; i++) {
		struct hqd *hqd = &xcc->hqd[i];
		u32 bit = hqd->me == 1 ? CP_MEC_CNTL__MEC_ME1_PIPE0_RESET_MASK << hqd->pipe :
			  hqd->pipe < 2 ? CP_MEC_CNTL__MEC_ME2_PIPE0_RESET_MASK << hqd->pipe : 0;

		if (value & bit)
			hqd_kill(hqd);
	}
}

static void mec_cntl_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	reg_store(gpu, reg, value);
	apply_halt(ctx, value);
	apply_pipe_reset(ctx, value);
}

/* One-shot polling: the queues of the mask read their write pointer from memory. */
static void poll_mask_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct cp_xcc *xcc = ctx;

	(void)gpu, (void)reg;
	pthread_mutex_lock(&xcc->lock);
	for (unsigned int i = 0; i < 32; i++)
		if (value >> i & 1)
			xcc->hqd[i].poll_once = true;
	pthread_mutex_unlock(&xcc->lock);
}

static void queue_reset_write(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct hqd *hqd = selected_hqd(ctx);

	(void)gpu, (void)reg;
	if (hqd && value & SPI_COMPUTE_QUEUE_RESET__RESET_MASK)
		hqd_kill(hqd);
}

static void hook_xcc(struct gpu *gpu, struct cp_xcc *xcc)
{
	u32 first = gc_reg(xcc, regCP_HQD_GFX_CONTROL_BASE_IDX, HQD_FIRST);
	u32 mec_cntl = GC_REG(xcc, regCP_MEC_CNTL);

	for (u32 i = 0; i < HQD_REGS; i++)
		if (reg_known(gpu, first + i))
			reg_hook(gpu, first + i, 1, bank_read, bank_write, xcc);
	reg_hook(gpu, GC_REG(xcc, regCPC_INT_CNTL), 1, cpc_int_cntl_read, cpc_int_cntl_write, xcc);
	reg_hook(gpu, mec_cntl, 1, NULL, mec_cntl_write, xcc);
	reg_hook(gpu, GC_REG(xcc, regCP_PQ_WPTR_POLL_CNTL1), 1, NULL, poll_mask_write, xcc);
	reg_hook(gpu, GC_REG(xcc, regSPI_COMPUTE_QUEUE_RESET), 1, NULL, queue_reset_write, xcc);
	reg_preset(gpu, mec_cntl, CP_MEC_CNTL__MEC_ME1_HALT_MASK | CP_MEC_CNTL__MEC_ME2_HALT_MASK);
	apply_halt(xcc, reg_load(gpu, mec_cntl));
}

static int init_xcc(struct gpu *gpu, struct cp_xcc *xcc, unsigned int index)
{
	int ret;

	xcc->gpu = gpu;
	xcc->index = index;
	pthread_mutex_init(&xcc->lock, NULL);
	for (unsigned int i = 0; i < CP_NUM_HQD; i++) {
		ret = hqd_init(xcc, &xcc->hqd[i], 1 + i / (CP_NUM_PIPE * CP_NUM_QUEUE),
			       i / CP_NUM_QUEUE % CP_NUM_PIPE, i % CP_NUM_QUEUE);
		if (ret)
			return ret;
	}
	ret = hiq_init(xcc);
	if (!ret)
		hook_xcc(gpu, xcc);
	return ret;
}

int cp_init(struct gpu *gpu)
{
	int ret = -ENOMEM;

	gpu->cp = calloc(1, sizeof(*gpu->cp));
	for (unsigned int i = 0; gpu->cp && i < gpu->num_xcc; i++) {
		ret = init_xcc(gpu, &gpu->cp->xcc[i], i);
		if (ret)
			break;
	}
	if (ret) {
		fprintf(stderr, "cp: %s\n", strerror(-ret));
		cp_fini(gpu);
	}
	return ret;
}

void cp_fini(struct gpu *gpu)
{
	struct cp *cp = gpu->cp;

	if (!cp)
		return;
	/* All must have stopped before any goes: a scheduler's queue uses the others. */
	for (unsigned int i = 0; i < MAX_XCC; i++)
		for (unsigned int k = 0; k < CP_NUM_HQD; k++)
			if (cp->xcc[i].hqd[k].queue.gpu)
				hqd_reset(&cp->xcc[i].hqd[k]);
	for (unsigned int i = 0; i < MAX_XCC; i++) {
		if (!cp->xcc[i].gpu)
			continue;
		for (unsigned int k = 0; k < CP_NUM_HQD; k++)
			queue_fini(&cp->xcc[i].hqd[k].queue);
		hiq_fini(&cp->xcc[i]);
		pthread_mutex_destroy(&cp->xcc[i].lock);
	}
	free(cp);
	gpu->cp = NULL;
}

void cp_reset(struct gpu *gpu)
{
	for (unsigned int i = 0; i < gpu->num_xcc; i++) {
		struct cp_xcc *xcc = &gpu->cp->xcc[i];

		/* Twice: a scheduler may have mapped a queue that had been reset. */
		for (unsigned int k = 0; k < 2 * CP_NUM_HQD; k++)
			hqd_reset(&xcc->hqd[k % CP_NUM_HQD]);
		hiq_reset(xcc);
		memset(xcc->other, 0, sizeof(xcc->other));
		apply_halt(xcc, CP_MEC_CNTL__MEC_ME1_HALT_MASK | CP_MEC_CNTL__MEC_ME2_HALT_MASK);
	}
}

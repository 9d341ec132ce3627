// SPDX-License-Identifier: GPL-2.0-only
/*
 * One device: its blocks, brought up in the order in which they need each other
 * and taken down in the reverse one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "asic.h"

static const struct block {
	int (*init)(struct gpu *gpu);
	void (*fini)(struct gpu *gpu);	/* NULL: has no state of its own */
} blocks[] = {
	{ memory_init, memory_fini },
	{ regs_init, regs_fini },
	{ doorbells_init, doorbells_fini },
	{ ih_init, ih_fini },
	{ vm_init, vm_fini },
	{ chaos_init, chaos_fini },
	{ nbio_init, NULL },
	{ rlc_init, NULL },
	{ sdma_init, sdma_fini },
	{ cp_init, cp_fini },
};

static int init_blocks(struct gpu *gpu)
{
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++) {
		int err = blocks[i].init(gpu);

		if (err)
			return err;
	}
	return 0;
}

struct gpu *gpu_new(const struct gpu_config *config)
{
	struct gpu *gpu = calloc(1, sizeof(*gpu));

	if (!gpu) {
		fprintf(stderr, "gpu-emu: no memory\n");
		return NULL;
	}
	if (asic_configure(gpu, config->asic, config->num_xcc, config->vram_size) ||
	    report_init(gpu, config->report) ||
	    (config->trace && trace_select(gpu, config->trace)) ||
	    (config->chaos && chaos_select(gpu, config->chaos)) ||
	    init_blocks(gpu)) {
		gpu_free(gpu);
		return NULL;
	}
	/* The blocks' presets become register contents, and discovery is in place. */
	regs_reset(gpu);
	return gpu;
}

void gpu_free(struct gpu *gpu)
{
	if (!gpu)
		return;
	for (size_t i = ARRAY_SIZE(blocks); i-- > 0;)
		if (blocks[i].fini)
			blocks[i].fini(gpu);
	report_fini(gpu);
	free(gpu);
}

/* Engines first: once their threads are gone, nothing uses what is reset next. */
void gpu_reset(struct gpu *gpu)
{
	cp_reset(gpu);
	sdma_reset(gpu);
	chaos_reset(gpu);
	vm_reset(gpu);
	ih_reset(gpu);
	doorbells_reset(gpu);
	regs_reset(gpu);
	count(gpu, "gpu.resets", 1);
	report_write(gpu);
}

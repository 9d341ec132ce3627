// SPDX-License-Identifier: GPL-2.0-only
/* Finding an ASIC and asking its description questions. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "asic.h"

static const struct asic *const asics[] = { &asic_mi300x };

const struct asic *asic_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(asics); i++)
		if (!strcmp(asics[i]->name, name))
			return asics[i];
	return NULL;
}

int asic_configure(struct gpu *gpu, const char *name, unsigned int num_xcc, u64 vram_size)
{
	const struct asic *asic = asic_find(name);

	if (!asic) {
		fprintf(stderr, "asic: no such ASIC: %s; there is:", name);
		for (size_t i = 0; i < ARRAY_SIZE(asics); i++)
			fprintf(stderr, " %s", asics[i]->name);
		fprintf(stderr, "\n");
		return -EINVAL;
	}
	if (!num_xcc)
		num_xcc = 1;
	if (num_xcc > asic->max_xcc || (num_xcc > 1 && num_xcc % asic->xcc_per_aid)) {
		fprintf(stderr, "asic: %s has 1 or up to %u XCCs in steps of %u, not %u\n",
			name, asic->max_xcc, asic->xcc_per_aid, num_xcc);
		return -EINVAL;
	}
	if (!vram_size)
		vram_size = asic->default_vram;
	/* The driver's own needs are some 300 MiB; hubs have 24 bits for 16 MiB units. */
	if (vram_size % (2 << 20) || vram_size < 512ull << 20 || vram_size > 1ull << 40) {
		fprintf(stderr,
			"asic: VRAM of %llu bytes is not a multiple of 2 MiB from 512 MiB to 1 TiB\n",
			(unsigned long long)vram_size);
		return -EINVAL;
	}

	gpu->asic = asic;
	gpu->num_xcc = num_xcc;
	gpu->num_aid = (num_xcc + asic->xcc_per_aid - 1) / asic->xcc_per_aid;
	gpu->num_sdma = num_xcc * asic->sdma_per_xcc;
	gpu->vram_size = vram_size;
	return 0;
}

const struct asic_ip *asic_ip(const struct asic *asic, enum hw hw)
{
	return asic->ips[hw].name ? &asic->ips[hw] : NULL;
}

unsigned int asic_instances(const struct gpu *gpu, enum hw hw)
{
	const struct asic_ip *ip = asic_ip(gpu->asic, hw);

	if (!ip)
		return 0;
	switch (ip->count) {
	case PER_DEVICE:
		return 1;
	case PER_AID:
		return gpu->num_aid;
	case PER_XCC:
		return gpu->num_xcc;
	case PER_SDMA:
		return gpu->num_sdma;
	case FOUR_PER_AID:
		return 4 * gpu->num_aid;
	}
	return 0;
}

u32 asic_reg(const struct gpu *gpu, const struct reg_ref *ref, unsigned int inst)
{
	return reg_base(gpu, ref->hw, inst, ref->segment) + ref->offset;
}

u32 asic_xcc_reg(const struct gpu *gpu, unsigned int xcc, u32 reg)
{
	for (size_t i = 0; i < ARRAY_SIZE(gpu->asic->xcc_window); i++) {
		u32 first = gpu->asic->xcc_window[i].first;

		if (reg < first || reg > gpu->asic->xcc_window[i].last)
			continue;
		return reg - first + reg_base(gpu, HW_GC, xcc, gpu->asic->xcc_window[i].segment);
	}
	return reg;
}

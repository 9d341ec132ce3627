// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register file: every register that the ASIC's headers name, in every
 * instance of its block, as a value, a value after reset and perhaps a hook.
 *
 * Register indices are sparse over 32 bits, so they are kept in a radix tree of
 * three levels whose leaves hold 256 registers. The tree is built by
 * regs_init() and not changed afterwards: lookups take no lock. Values are
 * atomic; what two accesses of different threads mean to each other is the
 * hooks' business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asic.h"

#define LEAF_BITS 8
#define MID_BITS 12
#define LEAF_SIZE (1u << LEAF_BITS)
#define MID_SIZE (1u << MID_BITS)
#define ROOT_SIZE (1u << (32 - LEAF_BITS - MID_BITS))
#define DISCOVERY_AREA (64u << 10)	/* where the driver looks, from the end of VRAM */

struct leaf {
	struct leaf *next;		/* of all leaves */
	atomic_bool written;		/* since reset */
	_Atomic u32 value[LEAF_SIZE];
	u32 preset[LEAF_SIZE];
	const char *name[LEAF_SIZE];	/* NULL: no such register */
	u16 owner[LEAF_SIZE];		/* index into regs->owner */
	u16 hook[LEAF_SIZE];		/* 0: none */
};

struct mid {
	struct leaf *leaf[MID_SIZE];
};

struct hook {
	reg_read_fn read;
	reg_write_fn write;
	void *ctx;
};

struct owner {
	const char *ip;
	int inst;			/* -1: the block exists once */
};

struct regs {
	struct mid *root[ROOT_SIZE];
	struct leaf *leaves;
	struct hook *hook;
	u32 num_hooks;
	struct owner *owner;
	u32 num_owners;
};

static struct leaf *find_leaf(const struct regs *regs, u32 reg)
{
	const struct mid *mid = regs->root[reg >> (LEAF_BITS + MID_BITS)];

	return mid ? mid->leaf[(reg >> LEAF_BITS) & (MID_SIZE - 1)] : NULL;
}

/* The leaf of a register that exists, or NULL. */
static struct leaf *find_reg(const struct gpu *gpu, u32 reg)
{
	struct leaf *leaf = find_leaf(gpu->regs, reg);

	return leaf && leaf->name[reg & (LEAF_SIZE - 1)] ? leaf : NULL;
}

static struct leaf *make_leaf(struct regs *regs, u32 reg)
{
	struct mid **mid = &regs->root[reg >> (LEAF_BITS + MID_BITS)];
	struct leaf **leaf;

	if (!*mid)
		*mid = calloc(1, sizeof(**mid));
	if (!*mid)
		return NULL;
	leaf = &(*mid)->leaf[(reg >> LEAF_BITS) & (MID_SIZE - 1)];
	if (!*leaf) {
		*leaf = calloc(1, sizeof(**leaf));
		if (!*leaf)
			return NULL;
		(*leaf)->next = regs->leaves;
		regs->leaves = *leaf;
	}
	return *leaf;
}

/* A hook or preset for a register that is not there is a mistake in our source. */
static struct leaf *need_reg(const struct gpu *gpu, u32 reg, const char *what)
{
	struct leaf *leaf = find_reg(gpu, reg);

	if (!leaf) {
		fprintf(stderr, "regs: %s of unknown register 0x%x\n", what, reg);
		abort();
	}
	return leaf;
}

static int add_reg(struct regs *regs, u32 reg, const char *name, u16 owner)
{
	struct leaf *leaf = make_leaf(regs, reg);
	u32 slot = reg & (LEAF_SIZE - 1);

	if (!leaf)
		return -ENOMEM;
	if (!leaf->name[slot]) {
		leaf->name[slot] = name;
		leaf->owner[slot] = owner;
	}
	return 0;
}

static int add_owner(struct regs *regs, const char *ip, int inst)
{
	struct owner *owner = realloc(regs->owner, (regs->num_owners + 1) * sizeof(*owner));

	if (!owner)
		return -ENOMEM;
	owner[regs->num_owners] = (struct owner){ .ip = ip, .inst = inst };
	regs->owner = owner;
	return (int)regs->num_owners++;
}

static int add_instance(struct regs *regs, const struct asic_ip *ip, unsigned int inst)
{
	int owner = add_owner(regs, ip->name, ip->count == PER_DEVICE ? -1 : (int)inst);

	if (owner < 0)
		return owner;
	for (size_t t = 0; t < ARRAY_SIZE(ip->names); t++) {
		const struct reg_names *table = &ip->names[t];

		for (u32 i = 0; i < table->count; i++) {
			const struct reg_name *name = &table->names[i];

			if (name->segment >= ip->segments)
				continue;
			if (add_reg(regs, ip->bases[inst][name->segment] + name->offset,
				    name->name, (u16)owner))
				return -ENOMEM;
		}
	}
	return 0;
}

static int add_extra(struct gpu *gpu, const struct asic_extra *extra, u16 owner)
{
	u32 dies = extra->every_die ? gpu->num_aid : 1;

	for (u32 die = 0; die < dies; die++)
		for (u32 n = 0; n < extra->count; n++)
			if (add_reg(gpu->regs, die << SMN_DIE_SHIFT |
				    (extra->smn + n * extra->stride) >> 2, extra->name, owner))
				return -ENOMEM;
	return 0;
}

static int add_all(struct gpu *gpu)
{
	const struct asic *asic = gpu->asic;
	struct regs *regs = gpu->regs;
	int extra_owner;

	for (enum hw hw = 0; hw < NUM_HW; hw++)
		for (unsigned int inst = 0; inst < asic_instances(gpu, hw); inst++)
			if (add_instance(regs, asic_ip(asic, hw), inst))
				return -ENOMEM;
	extra_owner = add_owner(regs, "SMN", -1);
	if (extra_owner < 0)
		return -ENOMEM;
	for (u32 i = 0; i < asic->num_extras; i++)
		if (add_extra(gpu, &asic->extras[i], (u16)extra_owner))
			return -ENOMEM;
	return 0;
}

static u32 preset_value(const struct gpu *gpu, const struct asic_preset *preset)
{
	switch (preset->what) {
	case VALUE_CONST:
		return preset->value;
	case VALUE_VRAM_MB:
		return (u32)(gpu->vram_size >> 20);
	case VALUE_FB_BASE:
		return (u32)(gpu->asic->fb_base >> 24);
	case VALUE_FB_TOP:
		return (u32)((gpu->asic->fb_base + gpu->vram_size - 1) >> 24);
	case VALUE_NUM_XCC:
		return gpu->num_xcc * preset->value;
	case VALUE_COMPUTE_MODE:
		return gpu->num_xcc == 1 ? preset->value : 0;
	}
	return 0;
}

static void apply_presets(struct gpu *gpu)
{
	const struct asic *asic = gpu->asic;

	for (u32 i = 0; i < asic->num_presets; i++) {
		const struct asic_preset *preset = &asic->presets[i];
		unsigned int count = asic_instances(gpu, preset->reg.hw);

		for (unsigned int inst = 0; inst < count; inst++)
			reg_preset(gpu, asic_reg(gpu, &preset->reg, inst),
				   preset_value(gpu, preset));
	}
}

/*
 * On hardware the security processor puts it there before the driver runs. VRAM
 * keeps its contents over a reset, so a guest may have overwritten it.
 */
static int write_discovery(struct gpu *gpu)
{
	u8 *image = calloc(1, DISCOVERY_AREA);
	size_t size = image ? discovery_build(gpu, image, DISCOVERY_AREA) : 0;
	bool done = size && vram_write(gpu, gpu->vram_size - DISCOVERY_AREA, image, DISCOVERY_AREA);

	free(image);
	if (!done)
		fprintf(stderr, "regs: no memory or room for the IP discovery table\n");
	return done ? 0 : -ENOSPC;
}

int regs_init(struct gpu *gpu)
{
	gpu->regs = calloc(1, sizeof(*gpu->regs));
	if (!gpu->regs)
		goto fail;
	/* Hook 0 is "no hook". */
	gpu->regs->hook = calloc(1, sizeof(*gpu->regs->hook));
	if (!gpu->regs->hook)
		goto fail;
	gpu->regs->num_hooks = 1;
	if (add_all(gpu))
		goto fail;
	apply_presets(gpu);
	if (!write_discovery(gpu))
		return 0;
	regs_fini(gpu);
	return -ENOSPC;
fail:
	fprintf(stderr, "regs: out of memory\n");
	regs_fini(gpu);
	return -ENOMEM;
}

void regs_fini(struct gpu *gpu)
{
	struct regs *regs = gpu->regs;

	if (!regs)
		return;
	for (u32 i = 0; i < ROOT_SIZE; i++) {
		if (!regs->root[i])
			continue;
		for (u32 k = 0; k < MID_SIZE; k++)
			free(regs->root[i]->leaf[k]);
		free(regs->root[i]);
	}
	free(regs->hook);
	free(regs->owner);
	free(regs);
	gpu->regs = NULL;
}

static void store(struct leaf *leaf, u32 reg, u32 value)
{
	atomic_store_explicit(&leaf->written, true, memory_order_relaxed);
	atomic_store(&leaf->value[reg & (LEAF_SIZE - 1)], value);
}

static void reset_leaf(struct leaf *leaf)
{
	for (u32 i = 0; i < LEAF_SIZE; i++)
		atomic_store(&leaf->value[i], leaf->preset[i]);
}

void regs_reset(struct gpu *gpu)
{
	for (struct leaf *leaf = gpu->regs->leaves; leaf; leaf = leaf->next)
		if (atomic_exchange(&leaf->written, false))
			reset_leaf(leaf);
	write_discovery(gpu);
}

u32 reg_base(const struct gpu *gpu, enum hw hw, unsigned int inst, unsigned int segment)
{
	const struct asic_ip *ip = asic_ip(gpu->asic, hw);

	if (!ip || inst >= asic_instances(gpu, hw) || segment >= ip->segments) {
		fprintf(stderr, "regs: %s has no instance %u segment %u\n",
			ip ? ip->name : "the ASIC", inst, segment);
		abort();
	}
	return ip->bases[inst][segment];
}

void reg_hook(struct gpu *gpu, u32 reg, u32 count, reg_read_fn read, reg_write_fn write, void *ctx)
{
	struct regs *regs = gpu->regs;
	struct hook *hook = realloc(regs->hook, (regs->num_hooks + 1) * sizeof(*hook));

	if (!hook || regs->num_hooks > UINT16_MAX) {
		fprintf(stderr, "regs: too many hooks\n");
		abort();
	}
	regs->hook = hook;
	hook[regs->num_hooks] = (struct hook){ .read = read, .write = write, .ctx = ctx };
	for (u32 i = 0; i < count; i++)
		need_reg(gpu, reg + i, "hook")->hook[(reg + i) & (LEAF_SIZE - 1)] =
			(u16)regs->num_hooks;
	regs->num_hooks++;
}

void reg_preset(struct gpu *gpu, u32 reg, u32 value)
{
	struct leaf *leaf = need_reg(gpu, reg, "preset");

	leaf->preset[reg & (LEAF_SIZE - 1)] = value;
	store(leaf, reg, value);
}

bool reg_known(const struct gpu *gpu, u32 reg)
{
	return find_reg(gpu, reg) != NULL;
}

u32 reg_load(struct gpu *gpu, u32 reg)
{
	struct leaf *leaf = find_reg(gpu, reg);

	return leaf ? atomic_load(&leaf->value[reg & (LEAF_SIZE - 1)]) : 0;
}

void reg_store(struct gpu *gpu, u32 reg, u32 value)
{
	struct leaf *leaf = find_reg(gpu, reg);

	if (leaf)
		store(leaf, reg, value);
}

u32 reg_read(struct gpu *gpu, u32 reg)
{
	struct leaf *leaf = find_reg(gpu, reg);
	const struct hook *hook;
	u32 value;

	if (!leaf) {
		unknown_register(gpu, reg, false, 0);
		return 0;
	}
	value = atomic_load(&leaf->value[reg & (LEAF_SIZE - 1)]);
	hook = &gpu->regs->hook[leaf->hook[reg & (LEAF_SIZE - 1)]];
	if (hook->read)
		value = hook->read(gpu, hook->ctx, reg, value);
	trace(gpu, TRACE_REG, "R %08x %08x %s", reg, value, reg_name(gpu, reg));
	return value;
}

void reg_write(struct gpu *gpu, u32 reg, u32 value)
{
	struct leaf *leaf = find_reg(gpu, reg);
	const struct hook *hook;

	if (!leaf) {
		unknown_register(gpu, reg, true, value);
		return;
	}
	trace(gpu, TRACE_REG, "W %08x %08x %s", reg, value, reg_name(gpu, reg));
	hook = &gpu->regs->hook[leaf->hook[reg & (LEAF_SIZE - 1)]];
	if (hook->write)
		hook->write(gpu, hook->ctx, reg, value);
	else
		store(leaf, reg, value);
}

const char *reg_name(const struct gpu *gpu, u32 reg)
{
	static _Thread_local char buf[128];
	const struct leaf *leaf = gpu->regs ? find_reg(gpu, reg) : NULL;
	const struct owner *owner;
	u32 slot = reg & (LEAF_SIZE - 1);

	if (!leaf)
		return "?";
	owner = &gpu->regs->owner[leaf->owner[slot]];
	if (owner->inst < 0)
		snprintf(buf, sizeof(buf), "%s.%s", owner->ip, leaf->name[slot]);
	else
		snprintf(buf, sizeof(buf), "%s%d.%s", owner->ip, owner->inst, leaf->name[slot]);
	return buf;
}

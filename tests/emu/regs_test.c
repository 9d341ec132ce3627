// SPDX-License-Identifier: GPL-2.0-only
/* The register file: storage, hooks, presets, names, unknown registers. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "asic.h"
#include "gc/gc_9_4_3_offset.h"
/* The same names at other offsets follow in the MMHUB header. */
enum {
	GC_FB_BASE = regMC_VM_FB_LOCATION_BASE,
	GC_FB_TOP = regMC_VM_FB_LOCATION_TOP,
	GC_ENG0_REQ = regVM_INVALIDATE_ENG0_REQ,
};
#include "mmhub/mmhub_1_8_0_offset.h"
#include "nbio/nbio_7_9_0_offset.h"
#include "athub/athub_1_8_0_offset.h"
#include "sdma/sdma_4_4_2_offset.h"
#include "test.h"

static struct gpu gpu;

static bool start(unsigned int num_xcc)
{
	memset(&gpu, 0, sizeof(gpu));
	return !asic_configure(&gpu, "mi300x", num_xcc, 512ull << 20) &&
	       !report_init(&gpu, NULL) && !memory_init(&gpu) && !regs_init(&gpu) &&
	       !nbio_init(&gpu) && !rlc_init(&gpu);
}

static void stop(void)
{
	regs_fini(&gpu);
	memory_fini(&gpu);
	report_fini(&gpu);
}

static void a_register_reads_back_what_was_written(void)
{
	u32 reg = REG(&gpu, HW_GC, 0, regSCRATCH_REG0);

	reg_write(&gpu, reg, 0xcafedead);
	CHECK_EQ(reg_read(&gpu, reg), 0xcafedead);
	CHECK_EQ(reg_load(&gpu, reg), 0xcafedead);
}

static void every_xcc_has_its_own_registers(void)
{
	for (unsigned int i = 0; i < gpu.num_xcc; i++)
		reg_write(&gpu, REG(&gpu, HW_GC, i, regSCRATCH_REG0), 100 + i);
	for (unsigned int i = 0; i < gpu.num_xcc; i++)
		CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_GC, i, regSCRATCH_REG0)), 100 + i);
}

static void every_sdma_has_its_own_registers(void)
{
	for (unsigned int i = 0; i < gpu.num_sdma; i++)
		reg_write(&gpu, REG(&gpu, HW_SDMA, i, regSDMA_GFX_RB_BASE), 100 + i);
	for (unsigned int i = 0; i < gpu.num_sdma; i++)
		CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_SDMA, i, regSDMA_GFX_RB_BASE)), 100 + i);
}

static void an_unknown_register_reads_zero_and_is_stored_nowhere(void)
{
	const u32 hole = 0x6900;

	CHECK(!reg_known(&gpu, hole));
	reg_write(&gpu, hole, 1);
	CHECK_EQ(reg_read(&gpu, hole), 0);
	CHECK_EQ(reg_load(&gpu, hole), 0);
	reg_store(&gpu, hole, 1);
	CHECK_EQ(reg_load(&gpu, hole), 0);
	CHECK_EQ(reg_read(&gpu, 0xffffffff), 0);
}

static void names_say_block_instance_and_register(void)
{
	u32 reg = REG(&gpu, HW_GC, gpu.num_xcc - 1, regCP_MQD_CONTROL);

	CHECK(!strcmp(reg_name(&gpu, reg), gpu.num_xcc == 1 ? "GC0.CP_MQD_CONTROL" :
							      "GC7.CP_MQD_CONTROL"));
	CHECK(!strcmp(reg_name(&gpu, REG(&gpu, HW_ATHUB, 0, regATHUB_MISC_CNTL)),
		      "ATHUB.ATHUB_MISC_CNTL"));
	CHECK(!strcmp(reg_name(&gpu, 0x6900), "?"));
}

static void presets_are_there_from_the_start_and_again_after_reset(void)
{
	u32 mb = REG(&gpu, HW_NBIO, 0, regRCC_DEV0_EPF0_RCC_CONFIG_MEMSIZE);
	u32 scratch = REG(&gpu, HW_GC, 0, regSCRATCH_REG0);

	CHECK_EQ(reg_read(&gpu, mb), 512);
	reg_write(&gpu, mb, 1);
	reg_write(&gpu, scratch, 1);
	regs_reset(&gpu);
	CHECK_EQ(reg_read(&gpu, mb), 512);
	CHECK_EQ(reg_read(&gpu, scratch), 0);
}

static void discovery_is_in_vram_from_the_start_and_again_after_reset(void)
{
	u64 at = gpu.vram_size - (64 << 10);
	u32 word = 0, zero = 0;

	CHECK(vram_read(&gpu, at, &word, sizeof(word)));
	CHECK_EQ(word, 0x28211407);
	CHECK(vram_write(&gpu, at, &zero, sizeof(zero)));
	regs_reset(&gpu);
	CHECK(vram_read(&gpu, at, &word, sizeof(word)));
	CHECK_EQ(word, 0x28211407);
}

static void the_frame_buffer_location_covers_vram_in_every_hub(void)
{
	for (unsigned int i = 0; i < gpu.num_xcc; i++) {
		CHECK_EQ(reg_read(&gpu, reg_base(&gpu, HW_GC, i, 0) + GC_FB_BASE), 0x8000);
		CHECK_EQ(reg_read(&gpu, reg_base(&gpu, HW_GC, i, 0) + GC_FB_TOP), 0x801f);
	}
	for (unsigned int i = 0; i < gpu.num_aid; i++) {
		CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_MMHUB, i, regMC_VM_FB_LOCATION_BASE)), 0x8000);
		CHECK_EQ(reg_read(&gpu, REG(&gpu, HW_MMHUB, i, regMC_VM_FB_LOCATION_TOP)), 0x801f);
	}
}

/*
 * What the driver's packets rely on, see asic_mi300x.c: where they shorten a
 * register to 16 bits it must be the engine's own XCC's, and where they do not
 * it must not look like one.
 */
static void no_hub_register_looks_like_an_xcc_register(void)
{
	for (unsigned int i = 0; i < gpu.num_aid; i++) {
		u32 first = REG(&gpu, HW_MMHUB, i, regDAGB0_RDCLI0) & 0xffff;
		u32 last = (first + 0xd90) & 0xffff;

		CHECK(first < last);
		CHECK(last < 0x2000 || (first >= 0x3400 && last < 0xa000));
	}
	for (unsigned int i = 0; i < gpu.num_xcc; i++) {
		CHECK_EQ(reg_base(&gpu, HW_GC, i, 0) & 0xffff, 0x2000);
		CHECK_EQ(reg_base(&gpu, HW_GC, i, 1) & 0xffff, 0xa000);
	}
}

static void a_packets_short_offset_is_of_the_engines_xcc(void)
{
	unsigned int last = gpu.num_xcc - 1;
	u32 scratch = REG(&gpu, HW_GC, last, regSCRATCH_REG0);
	u32 req = reg_base(&gpu, HW_GC, last, 0) + GC_ENG0_REQ;
	u32 mm = REG(&gpu, HW_MMHUB, 0, regVM_INVALIDATE_ENG0_REQ);

	CHECK_EQ(asic_xcc_reg(&gpu, last, scratch & 0xffff), scratch);
	CHECK_EQ(asic_xcc_reg(&gpu, last, req & 0xffff), req);
	CHECK_EQ(asic_xcc_reg(&gpu, last, mm), mm);
}

/* Two blocks at the same index would silently share a register. */
static void no_two_instances_share_a_register(void)
{
	for (enum hw hw = 0; hw < NUM_HW; hw++) {
		const struct asic_ip *ip = asic_ip(gpu.asic, hw);

		for (unsigned int inst = 0; inst < asic_instances(&gpu, hw); inst++) {
			char want[32];
			size_t len;

			if (ip->count == PER_DEVICE)
				len = (size_t)snprintf(want, sizeof(want), "%s.", ip->name);
			else
				len = (size_t)snprintf(want, sizeof(want), "%s%u.", ip->name, inst);
			for (u32 n = 0; n < ip->names[0].count; n++) {
				const struct reg_name *name = &ip->names[0].names[n];
				const char *owner = reg_name(&gpu, ip->bases[inst][name->segment] +
							     name->offset);

				if (strncmp(owner, want, len))
					printf("# %s%s is taken by %s\n", want, name->name, owner);
				CHECK(!strncmp(owner, want, len));
			}
		}
	}
}

struct seen {
	u32 reads, writes, reg, value;
};

static u32 note_read(struct gpu *g, void *ctx, u32 reg, u32 stored)
{
	struct seen *seen = ctx;

	(void)g;
	seen->reads++;
	seen->reg = reg;
	return stored + 1;
}

static void note_write(struct gpu *g, void *ctx, u32 reg, u32 value)
{
	struct seen *seen = ctx;

	seen->writes++;
	seen->reg = reg;
	seen->value = value;
	reg_store(g, reg, value * 2);
}

static void hooks_see_accesses_and_decide(void)
{
	u32 reg = REG(&gpu, HW_GC, 0, regSCRATCH_REG2);
	struct seen seen = { 0 };

	reg_hook(&gpu, reg, 2, note_read, note_write, &seen);
	reg_write(&gpu, reg + 1, 21);
	CHECK_EQ(seen.writes, 1);
	CHECK_EQ(seen.reg, reg + 1);
	CHECK_EQ(seen.value, 21);
	CHECK_EQ(reg_load(&gpu, reg + 1), 42);
	CHECK_EQ(reg_read(&gpu, reg + 1), 43);
	CHECK_EQ(seen.reads, 1);
	/* Storage access runs no hook. */
	reg_store(&gpu, reg, 5);
	CHECK_EQ(reg_load(&gpu, reg), 5);
	CHECK_EQ(seen.reads + seen.writes, 2);
	/* The neighbour has none. */
	CHECK_EQ(reg_read(&gpu, reg + 2), 0);
	CHECK_EQ(seen.reads, 1);
}

static void safe_mode_command_is_done_at_once(void)
{
	for (unsigned int i = 0; i < gpu.num_xcc; i++) {
		u32 reg = REG(&gpu, HW_GC, i, regRLC_SAFE_MODE);

		reg_write(&gpu, reg, 0x3);
		CHECK_EQ(reg_read(&gpu, reg), 0x2);
	}
}

static void the_captured_clock_stands_still_until_the_next_capture(void)
{
	u32 capture = REG(&gpu, HW_GC, 0, regRLC_CAPTURE_GPU_CLOCK_COUNT);
	u32 lsb = REG(&gpu, HW_GC, 0, regRLC_GPU_CLOCK_COUNT_LSB);
	u32 msb = REG(&gpu, HW_GC, 0, regRLC_GPU_CLOCK_COUNT_MSB);
	u64 first, again, later = 0;

	reg_write(&gpu, capture, 1);
	first = reg_read(&gpu, lsb) | (u64)reg_read(&gpu, msb) << 32;
	again = reg_read(&gpu, lsb) | (u64)reg_read(&gpu, msb) << 32;
	CHECK(first != 0);
	CHECK_EQ(first, again);
	/* 10 ns a tick: a few captures later it has moved on. */
	while (later <= first) {
		reg_write(&gpu, capture, 1);
		later = reg_read(&gpu, lsb) | (u64)reg_read(&gpu, msb) << 32;
		CHECK(later >= first);
	}
}

static void pasid_mapping_is_acknowledged_until_cleared(void)
{
	u32 status = REG(&gpu, HW_ATHUB, 0, regATC_VMID_PASID_MAPPING_UPDATE_STATUS);
	u32 map = REG(&gpu, HW_ATHUB, 0, regATC_VMID0_PASID_MAPPING);

	CHECK_EQ(reg_read(&gpu, status), 0);
	reg_write(&gpu, map + 9, 0x80001234);
	reg_write(&gpu, map + 15, 0x80000001);
	CHECK_EQ(reg_read(&gpu, status), 1u << 9 | 1u << 15);
	reg_write(&gpu, status, 1u << 9);
	CHECK_EQ(reg_read(&gpu, status), 1u << 15);
	CHECK_EQ(reg_read(&gpu, map + 9), 0x80001234);
}

/* Values are single copies: a reader never sees half of a write. */
static atomic_bool stop_writing;

static void *writer(void *arg)
{
	u32 reg = *(u32 *)arg;

	while (!atomic_load(&stop_writing)) {
		reg_write(&gpu, reg, 0xffffffff);
		reg_write(&gpu, reg, 0);
	}
	return NULL;
}

static void threads_may_access_the_same_register(void)
{
	u32 reg = REG(&gpu, HW_GC, 0, regSCRATCH_REG1);
	pthread_t thread;
	bool torn = false;

	atomic_store(&stop_writing, false);
	CHECK(!pthread_create(&thread, NULL, writer, &reg));
	for (int i = 0; i < 100000; i++) {
		u32 value = reg_read(&gpu, reg);

		torn |= value != 0 && value != 0xffffffff;
	}
	atomic_store(&stop_writing, true);
	pthread_join(thread, NULL);
	CHECK(!torn);
}

static void a_gpu_that_does_not_exist_is_refused(void)
{
	struct gpu other = { 0 };

	CHECK_EQ(-asic_configure(&other, "mi42", 1, 0), EINVAL);
	CHECK_EQ(-asic_configure(&other, "mi300x", 9, 0), EINVAL);
	CHECK_EQ(-asic_configure(&other, "mi300x", 3, 0), EINVAL);
	CHECK_EQ(-asic_configure(&other, "mi300x", 1, (512ull << 20) + 4096), EINVAL);
	CHECK_EQ(-asic_configure(&other, "mi300x", 1, 2ull << 20), EINVAL);
	CHECK(!other.asic);
	CHECK_EQ(asic_configure(&other, "mi300x", 0, 0), 0);
	CHECK_EQ(other.num_xcc, 1);
	CHECK_EQ(other.num_aid, 1);
	CHECK_EQ(other.num_sdma, 2);
	CHECK_EQ(asic_configure(&other, "mi300x", 8, 0), 0);
	CHECK_EQ(other.num_aid, 4);
	CHECK_EQ(other.num_sdma, 16);
}

static void for_both_sizes(void (*fn)(void), const char *name)
{
	static const unsigned int sizes[] = { 1, 8 };
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(text, sizeof(text), "%s (%u XCC)", name, sizes[i]);
		if (!start(sizes[i])) {
			fprintf(stderr, "regs_test: cannot start\n");
			exit(1);
		}
		test_run(fn, text);
		stop();
	}
}

#define BOTH(fn) for_both_sizes(fn, #fn)

int main(void)
{
	BOTH(a_register_reads_back_what_was_written);
	BOTH(every_xcc_has_its_own_registers);
	BOTH(every_sdma_has_its_own_registers);
	BOTH(an_unknown_register_reads_zero_and_is_stored_nowhere);
	BOTH(names_say_block_instance_and_register);
	BOTH(presets_are_there_from_the_start_and_again_after_reset);
	BOTH(discovery_is_in_vram_from_the_start_and_again_after_reset);
	BOTH(the_frame_buffer_location_covers_vram_in_every_hub);
	BOTH(no_hub_register_looks_like_an_xcc_register);
	BOTH(a_packets_short_offset_is_of_the_engines_xcc);
	BOTH(no_two_instances_share_a_register);
	BOTH(hooks_see_accesses_and_decide);
	BOTH(safe_mode_command_is_done_at_once);
	BOTH(the_captured_clock_stands_still_until_the_next_capture);
	BOTH(pasid_mapping_is_acknowledged_until_cleared);
	BOTH(threads_may_access_the_same_register);
	CASE(a_gpu_that_does_not_exist_is_refused);
	return DONE();
}

/* SPDX-License-Identifier: MIT */
/*
 * The compute kernels that the emulated GPU knows, as machine code of gfx942.
 *
 * The emulator executes no instructions. It compares the code of a dispatch with
 * these kernels, byte by byte, and does what they do; any other code is refused. On
 * hardware the same bytes run as they are, so a test that uses them is one for both.
 *
 * Each works on dwords, one work-item for each, in one dimension with any workgroup
 * size; work-items at or behind @count do nothing. Registers at their start: s[0:1]
 * the dispatch packet, s[2:3] the arguments, s4 the workgroup, v0 the work-item
 * within it.
 */
#ifndef EMU_KERNELS_H
#define EMU_KERNELS_H

#include <stdint.h>
#include <string.h>

struct kernel_args {
	uint64_t dst;
	uint64_t a;
	union {
		uint64_t b;	/* add */
		uint32_t value;	/* fill */
	};
	uint32_t count;		/* dwords */
	uint32_t reserved;
};

/* dst[i] = a[i] */
static const uint32_t kernel_copy_code[] = {
	0xc0020140, 0x00000004,	/* s_load_dword s5, s[0:1], 0x4 */
	0xc00a0201, 0x00000000,	/* s_load_dwordx4 s[8:11], s[2:3], 0x0 */
	0xc0020181, 0x00000018,	/* s_load_dword s6, s[2:3], 0x18 */
	0xbf8cc07f,		/* s_waitcnt lgkmcnt(0) */
	0x8605ff05, 0x0000ffff,	/* s_and_b32 s5, s5, 0xffff */
	0x92040504,		/* s_mul_i32 s4, s4, s5 */
	0x68000004,		/* v_add_u32 v0, s4, v0 */
	0x7d980006,		/* v_cmp_gt_u32 vcc, s6, v0 */
	0xbe8c206a,		/* s_and_saveexec_b64 s[12:13], vcc */
	0xbf880006,		/* s_cbranch_execz end */
	0x24000082,		/* v_lshlrev_b32 v0, 2, v0 */
	0xdc508000, 0x010a0000,	/* global_load_dword v1, v0, s[10:11] */
	0xbf8c0f70,		/* s_waitcnt vmcnt(0) */
	0xdc708000, 0x00080100,	/* global_store_dword v0, v1, s[8:9] */
	0xbf810000,		/* s_endpgm */
};

/* dst[i] = value */
static const uint32_t kernel_fill_code[] = {
	0xc0020140, 0x00000004,	/* s_load_dword s5, s[0:1], 0x4 */
	0xc0060201, 0x00000000,	/* s_load_dwordx2 s[8:9], s[2:3], 0x0 */
	0xc00201c1, 0x00000010,	/* s_load_dword s7, s[2:3], 0x10 */
	0xc0020181, 0x00000018,	/* s_load_dword s6, s[2:3], 0x18 */
	0xbf8cc07f,		/* s_waitcnt lgkmcnt(0) */
	0x8605ff05, 0x0000ffff,	/* s_and_b32 s5, s5, 0xffff */
	0x92040504,		/* s_mul_i32 s4, s4, s5 */
	0x68000004,		/* v_add_u32 v0, s4, v0 */
	0x7d980006,		/* v_cmp_gt_u32 vcc, s6, v0 */
	0xbe8c206a,		/* s_and_saveexec_b64 s[12:13], vcc */
	0xbf880004,		/* s_cbranch_execz end */
	0x24000082,		/* v_lshlrev_b32 v0, 2, v0 */
	0x7e020207,		/* v_mov_b32 v1, s7 */
	0xdc708000, 0x00080100,	/* global_store_dword v0, v1, s[8:9] */
	0xbf810000,		/* s_endpgm */
};

/* dst[i] = a[i] + b[i] */
static const uint32_t kernel_add_code[] = {
	0xc0020140, 0x00000004,	/* s_load_dword s5, s[0:1], 0x4 */
	0xc00a0201, 0x00000000,	/* s_load_dwordx4 s[8:11], s[2:3], 0x0 */
	0xc0060381, 0x00000010,	/* s_load_dwordx2 s[14:15], s[2:3], 0x10 */
	0xc0020181, 0x00000018,	/* s_load_dword s6, s[2:3], 0x18 */
	0xbf8cc07f,		/* s_waitcnt lgkmcnt(0) */
	0x8605ff05, 0x0000ffff,	/* s_and_b32 s5, s5, 0xffff */
	0x92040504,		/* s_mul_i32 s4, s4, s5 */
	0x68000004,		/* v_add_u32 v0, s4, v0 */
	0x7d980006,		/* v_cmp_gt_u32 vcc, s6, v0 */
	0xbe8c206a,		/* s_and_saveexec_b64 s[12:13], vcc */
	0xbf880009,		/* s_cbranch_execz end */
	0x24000082,		/* v_lshlrev_b32 v0, 2, v0 */
	0xdc508000, 0x010a0000,	/* global_load_dword v1, v0, s[10:11] */
	0xdc508000, 0x020e0000,	/* global_load_dword v2, v0, s[14:15] */
	0xbf8c0f70,		/* s_waitcnt vmcnt(0) */
	0x68020501,		/* v_add_u32 v1, v1, v2 */
	0xdc708000, 0x00080100,	/* global_store_dword v0, v1, s[8:9] */
	0xbf810000,		/* s_endpgm */
};

enum kernel { KERNEL_COPY, KERNEL_FILL, KERNEL_ADD, NUM_KERNELS };

static const struct {
	const uint32_t *code;
	uint32_t bytes;
} kernels[NUM_KERNELS] = {
	[KERNEL_COPY] = { kernel_copy_code, sizeof(kernel_copy_code) },
	[KERNEL_FILL] = { kernel_fill_code, sizeof(kernel_fill_code) },
	[KERNEL_ADD] = { kernel_add_code, sizeof(kernel_add_code) },
};

/* The kernel descriptor, which a dispatch packet points to. */
#define KERNEL_DESCRIPTOR_BYTES 64
#define KERNEL_ENTRY_OFFSET 16		/* 64 bits: of the code, from the descriptor */
#define KERNEL_RSRC1 48
#define KERNEL_RSRC2 52
#define KERNEL_PROPERTIES 56
#define KERNEL_CODE_ALIGN 256
#define KERNEL_OBJECT_BYTES 512		/* a descriptor with one of these behind it */

/* 8 VGPRs, 32 SGPRs, denormals kept, DX10 clamp, IEEE mode. */
#define KERNEL_RSRC1_VALUE (2u << 6 | 0xcu << 16 | 1u << 21 | 1u << 23)
/* Four SGPRs from the packet, then the workgroup's number. */
#define KERNEL_RSRC2_VALUE (4u << 1 | 1u << 7)
/* Those four: the packet's address and the arguments'. */
#define KERNEL_PROPERTIES_VALUE (1u << 1 | 1u << 3)

/* @object: KERNEL_OBJECT_BYTES, aligned to KERNEL_CODE_ALIGN. */
static inline void kernel_object_build(void *object, enum kernel kernel)
{
	const uint64_t entry = KERNEL_CODE_ALIGN;
	const uint32_t rsrc1 = KERNEL_RSRC1_VALUE, rsrc2 = KERNEL_RSRC2_VALUE;
	const uint16_t properties = KERNEL_PROPERTIES_VALUE;
	unsigned char *p = object;

	memset(p, 0, KERNEL_OBJECT_BYTES);
	memcpy(p + KERNEL_ENTRY_OFFSET, &entry, sizeof(entry));
	memcpy(p + KERNEL_RSRC1, &rsrc1, sizeof(rsrc1));
	memcpy(p + KERNEL_RSRC2, &rsrc2, sizeof(rsrc2));
	memcpy(p + KERNEL_PROPERTIES, &properties, sizeof(properties));
	memcpy(p + KERNEL_CODE_ALIGN, kernels[kernel].code, kernels[kernel].bytes);
}

#endif

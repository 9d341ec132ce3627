/* SPDX-License-Identifier: MIT */
/*
 * Packets of the SDMA engine (version 4) and of the compute queues (gfx9), as
 * far as tests use them.
 */
#ifndef DEMO_PACKETS_H
#define DEMO_PACKETS_H

#include <stdint.h>
#include <string.h>

#include "gpu.h"

#define SDMA_NOP 0u
#define SDMA_COPY_LINEAR 1u
#define SDMA_WRITE_LINEAR 2u
#define SDMA_CONST_FILL (11u | 2u << 30)	/* the pattern is a dword */
#define SDMA_MAX_BYTES 0x400000u		/* by one copy or fill */

#define PM4_NOP 0xffff1000u	/* the one-dword form */
#define PM4_TYPE3(op, payload) (3u << 30 | ((payload) - 1u) << 16 | (op) << 8)
#define PM4_WRITE_DATA 0x37u
#define PM4_DST_MEMORY (5u << 8)
#define PM4_WR_CONFIRM (1u << 20)

static inline uint32_t *emit_address(uint32_t *p, uint64_t va)
{
	*p++ = (uint32_t)va;
	*p++ = (uint32_t)(va >> 32);
	return p;
}

/* Any alignment, up to SDMA_MAX_BYTES. */
static inline void emit_copy(struct gpu_job *job, uint64_t dst, uint64_t src, uint32_t bytes)
{
	uint32_t *p = gpu_job_room(job, 7);

	*p++ = SDMA_COPY_LINEAR;
	*p++ = bytes - 1;
	*p++ = 0;
	p = emit_address(p, src);
	emit_address(p, dst);
}

/* @bytes is a multiple of 4, up to SDMA_MAX_BYTES. */
static inline void emit_fill(struct gpu_job *job, uint64_t dst, uint32_t pattern, uint32_t bytes)
{
	uint32_t *p = gpu_job_room(job, 5);

	*p++ = SDMA_CONST_FILL;
	p = emit_address(p, dst);
	*p++ = pattern;
	*p++ = bytes - 1;
}

static inline void emit_write(struct gpu_job *job, uint64_t dst, const uint32_t *data,
			      unsigned int dwords)
{
	uint32_t *p = gpu_job_room(job, 4 + dwords);

	*p++ = SDMA_WRITE_LINEAR;
	p = emit_address(p, dst);
	*p++ = dwords - 1;
	memcpy(p, data, dwords * sizeof(*data));
}

/* For compute queues. */
static inline void emit_write_data(struct gpu_job *job, uint64_t dst, const uint32_t *data,
				   unsigned int dwords)
{
	uint32_t *p = gpu_job_room(job, 4 + dwords);

	*p++ = PM4_TYPE3(PM4_WRITE_DATA, 3 + dwords);
	*p++ = PM4_DST_MEMORY | PM4_WR_CONFIRM;
	p = emit_address(p, dst);
	memcpy(p, data, dwords * sizeof(*data));
}

#endif

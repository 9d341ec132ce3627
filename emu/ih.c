// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interrupt handler block: rings of 32-byte vectors in guest memory, the
 * retry CAM, and the tables that turn a VMID into a PASID.
 *
 * Ring 0 takes everything, unless IH_CLIENT_CFG routes a client to ring 1. Ring
 * 0 interrupts the host by MSI: once, and not again before the driver has moved
 * the read pointer (RPTR_REARM). Ring 1 does so through a vector of its own in
 * ring 0, by the same rule. OSSSYS 4.4.2 has no ring 2.
 *
 * Retry faults live in the CAM from ih_cam_insert() until the driver rings the
 * CAM doorbell, and the CAM keeps their vectors: one that finds its ring full
 * waits there for room, and after an overflow, which may have overwritten some,
 * all are delivered again. So a retry fault may come twice, but is never lost.
 * All other vectors are lost in an overflow, as they are in hardware. A fault whose
 * vector the driver has read past without ever releasing the entry is the verdict
 * "cam-not-released": in hardware the CAM would fill up with such and stall. A driver
 * that disables the ring is leaving: its faults are dropped ("ih.cam_dropped").
 *
 * "ih.longest_wait_us" is no sum: the longest time in which a vector of ring 0 waited for
 * the driver to read past it, while ring and interrupt were on.
 *
 * Inferred rather than known: the CAM's size field is taken as a log2; a LUT bank
 * that was never written falls back to the bank of node 0, which is the one that
 * a driver fills that does not know of banks.
 *
 * Locks: the doorbell lock is outermost and only orders writes of the doorbell
 * registers; ih->lock protects rings and CAM. Under it memory is written, but MSI,
 * doorbell.c and vm.c are called without it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "oss/osssys_4_4_2_offset.h"
#include "oss/osssys_4_4_2_sh_mask.h"
#include "soc15_ih_clientid.h"
#include "vm.h"

#define NUM_RINGS 2
#define NUM_CLIENTS 32
#define NUM_NODES 16
#define VECTOR_DWORDS 8
#define VECTOR_BYTES 32u
#define MIN_RB_SIZE 4		/* log2 dwords: two vectors */
#define MAX_RB_SIZE 16		/* what the pointers' 18 bits reach */
#define MAX_SLOTS ((4u << MAX_RB_SIZE) / VECTOR_BYTES)
#define MAX_CAM 1024		/* what the index in a vector reaches */
#define CAM_SIZE_AFTER_RESET 9	/* log2 */
#define NO_DOORBELL UINT32_MAX
#define CROWD_ONE_IN 16		/* chaos: vectors before which the ring is filled up */
#define CROWD_LEAVES 4		/* at most so many places */

#define MC_SPACE_BUS 1
#define MC_SPACE_GPU 4

struct ring {
	unsigned int index;
	u32 cntl, base, base_hi, rptr_reg, wptr_reg, doorbell_reg;	/* registers */
	u32 rptr;		/* bytes */
	u32 wptr;
	bool overflow;
	bool armed;		/* the next vector is announced */
	u32 doorbell;		/* claimed, or NO_DOORBELL; under the doorbell lock */
};

struct cam_entry {
	bool valid;
	bool has_vector;
	bool pending;		/* the vector is to be written */
	bool reported;
	u8 ring;
	u8 vmid;
	unsigned int hub;
	u64 page;
	u64 sequence;		/* pending vectors are written in this order */
	u32 slot;		/* where in the ring the vector is */
	u64 taken;		/* when the driver read past it, ns; 0: not yet */
	u32 dw[VECTOR_DWORDS];
};

struct ih {
	struct gpu *gpu;
	pthread_mutex_t doorbell_lock;
	u32 cam_doorbell;

	pthread_mutex_t lock;	/* what follows, but for the atomics */
	struct ring rings[NUM_RINGS];
	u64 written[MAX_SLOTS];		/* when the vectors of ring 0 were, ns; 0: not by us */
	u64 longest_wait_us;
	struct cam_entry cam[MAX_CAM];
	u32 cam_used;
	u64 sequence;
	unsigned int pending;

	atomic_uint clients[NUM_CLIENTS];		/* IH_CLIENT_CFG_DATA */
	atomic_uint lut[2][NUM_NODES][NUM_VMID];	/* 0 gfx, 1 MM */
};

static u32 osssys(const struct gpu *gpu, u32 offset)
{
	return reg_base(gpu, HW_OSSSYS, 0, 0) + offset;
}

/* ---- memory ---- */

/* Where the rings are: on the bus, or in the system context's address space. */
static bool ih_write(struct ih *ih, u32 cntl, u64 addr, const void *buf, size_t len)
{
	u32 space = (cntl & IH_RB_CNTL__MC_SPACE_MASK) >> IH_RB_CNTL__MC_SPACE__SHIFT;
	struct translation xl;

	if (space == MC_SPACE_BUS)
		return bus_write(ih->gpu, addr, buf, len);
	if (space != MC_SPACE_GPU || cntl & IH_RB_CNTL__MC_VMID_MASK || !ih->gpu->vm)
		return false;
	/* Vectors and pointers are aligned, so neither crosses a page. */
	if (vm_system_page(ih->gpu, MMHUB(0), addr, &xl) != WALK_OK || !(xl.rights & RIGHT_W))
		return false;
	addr = xl.addr + (addr & (GPU_PAGE_SIZE - 1));
	return xl.system ? bus_write(ih->gpu, addr, buf, len) : vram_write(ih->gpu, addr, buf, len);
}

static u32 ring_cntl(const struct ih *ih, const struct ring *ring)
{
	return reg_load(ih->gpu, ring->cntl);
}

static bool ring_enabled(const struct ih *ih, const struct ring *ring)
{
	return ring_cntl(ih, ring) & IH_RB_CNTL__RB_ENABLE_MASK;
}

/* Bytes; whatever the guest writes, a power of two that the pointers can name. */
static u32 ring_size(const struct ih *ih, const struct ring *ring)
{
	u32 bits = (ring_cntl(ih, ring) & IH_RB_CNTL__RB_SIZE_MASK) >> IH_RB_CNTL__RB_SIZE__SHIFT;

	bits = bits < MIN_RB_SIZE ? MIN_RB_SIZE : bits > MAX_RB_SIZE ? MAX_RB_SIZE : bits;
	return 4u << bits;
}

static u64 ring_base(const struct ih *ih, const struct ring *ring)
{
	u64 hi = reg_load(ih->gpu, ring->base_hi) & IH_RB_BASE_HI__ADDR_MASK;

	return (hi << 32 | reg_load(ih->gpu, ring->base)) << 8;
}

/* The write pointer as the driver sees it, in the register and in memory. */
static void publish_wptr(struct ih *ih, struct ring *ring)
{
	struct gpu *gpu = ih->gpu;
	u32 cntl = ring_cntl(ih, ring);
	u32 value = ring->wptr | (ring->overflow ? IH_RB_WPTR__RB_OVERFLOW_MASK : 0);
	u64 addr;

	reg_store(gpu, ring->wptr_reg, value);
	if (ring->index || !(cntl & IH_RB_CNTL__WPTR_WRITEBACK_ENABLE_MASK))
		return;
	addr = (reg_load(gpu, osssys(gpu, regIH_RB_WPTR_ADDR_LO)) & ~3u) |
	       (u64)(reg_load(gpu, osssys(gpu, regIH_RB_WPTR_ADDR_HI)) & 0xffff) << 32;
	if (!ih_write(ih, cntl, addr, &value, sizeof(value)))
		count(gpu, "ih.bad_writes", 1);
}

/* ---- vectors ---- */

u64 ih_clock(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((u64)ts.tv_sec * 100000000 + (u64)ts.tv_nsec / 10) & 0xffffffffffffull;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void encode(const struct ih_vector *v, u32 dw[VECTOR_DWORDS])
{
	u64 time = v->stamp ? v->stamp : ih_clock();

	dw[0] = (v->client_id & 0xff) | v->source_id << 8 | v->ring_id << 16 |
		(v->vmid & 0xfu) << 24 | (v->vmid_type & 1u) << 31;
	dw[1] = (u32)time;
	dw[2] = time >> 32;
	dw[3] = v->pasid | v->node_id << 16;
	memcpy(&dw[4], v->src_data, sizeof(v->src_data));
}

static bool is_retry_fault(const struct ih_vector *v)
{
	return (v->client_id == SOC15_IH_CLIENTID_UTCL2 || v->client_id == SOC15_IH_CLIENTID_VMC ||
		v->client_id == SOC15_IH_CLIENTID_VMC1) &&
	       !v->source_id && v->src_data[1] & FAULT_RETRY;
}

static bool ring_full(const struct ih *ih, const struct ring *ring)
{
	return ((ring->wptr + VECTOR_BYTES) & (ring_size(ih, ring) - 1)) == ring->rptr;
}

static void put(struct ih *ih, struct ring *ring, const u32 dw[VECTOR_DWORDS])
{
	u32 cntl = ring_cntl(ih, ring);

	if (!ih_write(ih, cntl, ring_base(ih, ring) + ring->wptr, dw, VECTOR_BYTES))
		count(ih->gpu, "ih.bad_writes", 1);
	if (!ring->index)
		ih->written[ring->wptr / VECTOR_BYTES] = now_ns();
	ring->wptr = (ring->wptr + VECTOR_BYTES) & (ring_size(ih, ring) - 1);
	publish_wptr(ih, ring);
	count(ih->gpu, ring->index ? "ih.ring1_vectors" : "ih.ring0_vectors", 1);
	trace(ih->gpu, TRACE_IH, "ring %u: client 0x%x src %u vmid %u data %x %x %x %x, wptr 0x%x",
	      ring->index, dw[0] & 0xff, dw[0] >> 8 & 0xff, dw[0] >> 24 & 0xf, dw[4], dw[5], dw[6],
	      dw[7], ring->wptr);
}

/* A vector that may be lost when the ring is full. */
static bool put_or_lose(struct ih *ih, struct ring *ring, const u32 dw[VECTOR_DWORDS])
{
	if (!ring_enabled(ih, ring)) {
		count(ih->gpu, "ih.ring_off", 1);
		return false;
	}
	if (ring_full(ih, ring) && !ring->overflow) {
		count(ih->gpu, "ih.overflows", 1);
		if (!(ring_cntl(ih, ring) & IH_RB_CNTL__WPTR_OVERFLOW_ENABLE_MASK))
			return false;
		ring->overflow = true;
	}
	put(ih, ring, dw);
	return true;
}

static bool announce(struct ih *ih, struct ring *ring);

/* Tells the host, at the lock's release if the return value is true. */
static bool announce_ring0(struct ih *ih, struct ring *ring)
{
	u32 cntl = ring_cntl(ih, ring);

	if (!(cntl & IH_RB_CNTL__ENABLE_INTR_MASK))
		return false;
	if (!ring->armed && cntl & IH_RB_CNTL__RPTR_REARM_MASK)
		return false;
	ring->armed = false;
	return true;
}

static bool announce_ring1(struct ih *ih, struct ring *ring)
{
	struct ih_vector self = {
		.client_id = SOC15_IH_CLIENTID_IH, .ring_id = ring->index,
		.src_data = { ring->wptr },
	};
	u32 dw[VECTOR_DWORDS];

	if (!ring->armed)
		return false;
	ring->armed = false;
	encode(&self, dw);
	return put_or_lose(ih, &ih->rings[0], dw) && announce(ih, &ih->rings[0]);
}

static bool announce(struct ih *ih, struct ring *ring)
{
	return ring->index ? announce_ring1(ih, ring) : announce_ring0(ih, ring);
}

/* ---- retry CAM ---- */

static u32 cam_cntl(const struct ih *ih)
{
	return reg_load(ih->gpu, osssys(ih->gpu, regIH_RETRY_INT_CAM_CNTL));
}

static u32 cam_size(const struct ih *ih)
{
	u32 bits = cam_cntl(ih) & IH_RETRY_INT_CAM_CNTL__CAM_SIZE_MASK;

	return bits > 10 ? MAX_CAM : 1u << bits;
}

static void occupy(struct ih *ih, u32 index, unsigned int hub, unsigned int vmid, u64 page)
{
	ih->cam[index] = (struct cam_entry){
		.valid = true, .hub = hub, .vmid = (u8)vmid, .page = page,
	};
	ih->cam_used++;
	count(ih->gpu, "ih.cam_inserted", 1);
}

int ih_cam_insert(struct gpu *gpu, unsigned int hub, unsigned int vmid, u64 va, bool *fresh)
{
	struct ih *ih = gpu->ih;
	u64 page = (va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK;
	int found = -1;

	pthread_mutex_lock(&ih->lock);
	*fresh = true;
	if (!(cam_cntl(ih) & IH_RETRY_INT_CAM_CNTL__ENABLE_MASK))
		goto out;
	for (u32 i = 0, n = cam_size(ih), seen = 0; i < n && (seen < ih->cam_used || found < 0); i++) {
		const struct cam_entry *entry = &ih->cam[i];

		if (!entry->valid) {
			found = found < 0 ? (int)i : found;
			continue;
		}
		seen++;
		if (entry->page == page && entry->hub == hub && entry->vmid == vmid) {
			*fresh = false;
			found = i;
			goto out;
		}
	}
	if (found < 0) {
		*fresh = false;
		count(gpu, "ih.cam_full", 1);
		goto out;
	}
	occupy(ih, (u32)found, hub, vmid, page);
out:
	pthread_mutex_unlock(&ih->lock);
	return found;
}

int ih_cam_insert_again(struct gpu *gpu, unsigned int hub, unsigned int vmid, u64 va)
{
	u64 page = (va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK;
	struct ih *ih = gpu->ih;
	int found = -1;

	pthread_mutex_lock(&ih->lock);
	if (cam_cntl(ih) & IH_RETRY_INT_CAM_CNTL__ENABLE_MASK)
		for (u32 i = 0, n = cam_size(ih); found < 0 && i < n; i++)
			if (!ih->cam[i].valid)
				found = (int)i;
	if (found >= 0)
		occupy(ih, (u32)found, hub, vmid, page);
	pthread_mutex_unlock(&ih->lock);
	return found;
}

static void set_pending(struct ih *ih, struct cam_entry *entry)
{
	if (!entry->valid || !entry->has_vector || entry->pending)
		return;
	entry->pending = true;
	entry->sequence = ih->sequence++;
	ih->pending++;
}

static struct cam_entry *oldest_pending(struct ih *ih, const struct ring *ring)
{
	struct cam_entry *oldest = NULL;

	for (u32 i = 0; i < MAX_CAM && ih->pending; i++) {
		struct cam_entry *entry = &ih->cam[i];

		if (entry->valid && entry->pending && entry->ring == ring->index &&
		    (!oldest || entry->sequence < oldest->sequence))
			oldest = entry;
	}
	return oldest;
}

/* Writes what waits for room in @ring; true if anything was written. */
static bool flush_pending(struct ih *ih, struct ring *ring)
{
	struct cam_entry *entry;
	bool any = false;

	while (ring_enabled(ih, ring) && !ring->overflow && !ring_full(ih, ring) &&
	       (entry = oldest_pending(ih, ring))) {
		entry->pending = false;
		ih->pending--;
		entry->slot = ring->wptr;
		entry->taken = 0;
		put(ih, ring, entry->dw);
		any = true;
	}
	return any;
}

static void vacate(struct ih *ih, struct cam_entry *entry)
{
	if (entry->pending)
		ih->pending--;
	*entry = (struct cam_entry){ 0 };
	ih->cam_used--;
}

static void cam_release(struct ih *ih, u32 index)
{
	struct cam_entry *entry = &ih->cam[index];

	pthread_mutex_lock(&ih->lock);
	if (entry->valid) {
		vacate(ih, entry);
		count(ih->gpu, "ih.cam_released", 1);
	} else {
		count(ih->gpu, "ih.cam_released_twice", 1);
	}
	pthread_mutex_unlock(&ih->lock);
	trace(ih->gpu, TRACE_IH, "CAM entry %u released", index);
	vm_retry_release(ih->gpu, index);
}

static void cam_doorbell(struct gpu *gpu, void *ctx, u32 index, u64 value, unsigned int size)
{
	(void)gpu, (void)index, (void)size;
	cam_release(ctx, value & (MAX_CAM - 1));
}

/* ---- interrupts ---- */

static struct ring *route(struct ih *ih, u32 client)
{
	u32 cfg = client < NUM_CLIENTS ? atomic_load(&ih->clients[client]) : 0;
	u32 ring = (cfg & IH_CLIENT_CFG_DATA__RING_ID_MASK) >> IH_CLIENT_CFG_DATA__RING_ID__SHIFT;

	if (!ring || ring >= NUM_RINGS || !ring_enabled(ih, &ih->rings[ring]))
		ring = 0;
	return &ih->rings[ring];
}

/*
 * Chaos: fills the ring up, but for a few places, with vectors that mean nothing: of
 * a client that is not emulated. Returns what announce() says.
 */
static bool crowd(struct ih *ih, struct ring *ring)
{
	const char *site = ring->index ? "ring1" : "ring0";
	const struct ih_vector nothing = { .client_id = SOC15_IH_CLIENTID_RLC };
	u32 mask = ring_size(ih, ring) - 1;
	u32 leave = (u32)chaos_pick(ih->gpu, CHAOS_IH_PRESSURE, site, CROWD_LEAVES) * VECTOR_BYTES;
	u32 dw[VECTOR_DWORDS];
	u32 n = 0;

	if (!ring_enabled(ih, ring) || ring->overflow)
		return false;
	encode(&nothing, dw);
	for (; ((ring->rptr - ring->wptr - VECTOR_BYTES) & mask) > leave; n++)
		put(ih, ring, dw);
	count(ih->gpu, "chaos.crowding_vectors", n);
	return n && announce(ih, ring);
}

static void interrupt(struct gpu *gpu)
{
	count(gpu, "ih.interrupts", 1);
	msi_raise(gpu);
}

void ih_raise(struct gpu *gpu, const struct ih_vector *v)
{
	struct ih *ih = gpu->ih;
	u32 index = v->src_data[2] & (MAX_CAM - 1);
	struct cam_entry *entry = is_retry_fault(v) ? &ih->cam[index] : NULL;
	u32 dw[VECTOR_DWORDS];
	struct ring *ring;
	bool msi = false;

	pthread_mutex_lock(&ih->lock);
	encode(v, dw);
	ring = route(ih, v->client_id);
	if (chaos(gpu, CHAOS_IH_PRESSURE, ring->index ? "ring1" : "ring0", CROWD_ONE_IN))
		msi = crowd(ih, ring);
	if (entry && entry->valid) {
		memcpy(entry->dw, dw, sizeof(dw));
		entry->has_vector = true;
		entry->ring = ring->index;
		set_pending(ih, entry);
		if (flush_pending(ih, ring))
			msi |= announce(ih, ring);
		if (entry->pending)
			count(gpu, "ih.held_back", 1);
	} else if (put_or_lose(ih, ring, dw)) {
		msi |= announce(ih, ring);
	}
	pthread_mutex_unlock(&ih->lock);
	if (msi)
		interrupt(gpu);
}

/* How long the next vector of ring 0 has waited for the driver; a counter has the most. */
static void note_wait(struct ih *ih)
{
	const u32 on = IH_RB_CNTL__RB_ENABLE_MASK | IH_RB_CNTL__ENABLE_INTR_MASK;
	const struct ring *ring = &ih->rings[0];
	u64 written = ih->written[ring->rptr / VECTOR_BYTES];
	u64 us;

	if (ring->rptr == ring->wptr || !written || (ring_cntl(ih, ring) & on) != on)
		return;
	us = (now_ns() - written) / 1000;
	if (us > ih->longest_wait_us) {
		count(ih->gpu, "ih.longest_wait_us", us - ih->longest_wait_us);
		ih->longest_wait_us = us;
	}
}

/* Notes which faults the driver takes by moving the read pointer to @rptr. */
static void note_taken(struct ih *ih, const struct ring *ring, u32 rptr)
{
	u32 mask = ring_size(ih, ring) - 1;
	u64 now = ih->cam_used ? now_ns() : 0;

	for (u32 i = 0, seen = 0; seen < ih->cam_used && i < MAX_CAM; i++) {
		struct cam_entry *entry = &ih->cam[i];

		seen += entry->valid;
		if (entry->valid && entry->has_vector && !entry->pending && !entry->taken &&
		    entry->ring == ring->index &&
		    ((entry->slot - ring->rptr) & mask) < ((rptr - ring->rptr) & mask))
			entry->taken = now;
	}
}

void ih_audit(struct gpu *gpu, u64 limit)
{
	struct ih *ih = gpu->ih;
	u64 now;

	pthread_mutex_lock(&ih->lock);
	note_wait(ih);
	/* Not before the lock: what is taken while it is waited for would seem ages old. */
	now = now_ns();
	for (u32 i = 0, seen = 0; seen < ih->cam_used && i < MAX_CAM; i++) {
		struct cam_entry *entry = &ih->cam[i];

		seen += entry->valid;
		if (!entry->valid || !entry->taken || entry->reported ||
		    now - entry->taken < limit || !ring_enabled(ih, &ih->rings[entry->ring]))
			continue;
		entry->reported = true;
		verdict(gpu, "cam-not-released", "entry %u, hub %u vmid %u va 0x%llx", i, entry->hub,
			entry->vmid, (unsigned long long)entry->page << GPU_PAGE_SHIFT);
	}
	pthread_mutex_unlock(&ih->lock);
}

/* The driver has read up to @rptr. */
static void set_rptr(struct ih *ih, struct ring *ring, u32 rptr)
{
	bool msi = false;

	pthread_mutex_lock(&ih->lock);
	rptr &= (ring_size(ih, ring) - 1) & ~(VECTOR_BYTES - 1);
	note_taken(ih, ring, rptr);
	if (!ring->index)
		note_wait(ih);
	ring->rptr = rptr;
	reg_store(ih->gpu, ring->rptr_reg, rptr);
	ring->armed = true;
	flush_pending(ih, ring);
	if (ring_enabled(ih, ring) && ring->rptr != ring->wptr)
		msi = announce(ih, ring);
	pthread_mutex_unlock(&ih->lock);
	if (msi)
		interrupt(ih->gpu);
}

/* ---- register hooks ---- */

static void write_rptr(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)reg;
	set_rptr(gpu->ih, ctx, value);
}

static void write_wptr(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct ih *ih = gpu->ih;
	struct ring *ring = ctx;

	(void)reg;
	pthread_mutex_lock(&ih->lock);
	ring->wptr = value & (ring_size(ih, ring) - 1) & ~(VECTOR_BYTES - 1);
	ring->overflow = value & IH_RB_WPTR__RB_OVERFLOW_MASK;
	/* What is between the pointers now was not written by put(), or is not there any more. */
	if (!ring->index)
		memset(ih->written, 0, sizeof(ih->written));
	reg_store(gpu, ring->wptr_reg, value & (ring->wptr | IH_RB_WPTR__RB_OVERFLOW_MASK));
	pthread_mutex_unlock(&ih->lock);
}

/*
 * Who switches a ring off leaves, and the next driver knows nothing of its faults. Accesses
 * that wait for one fault again.
 */
static u64 drop_faults(struct ih *ih, const struct ring *ring)
{
	u64 dropped = 0;

	for (u32 i = 0; i < MAX_CAM; i++) {
		struct cam_entry *entry = &ih->cam[i];

		if (!entry->valid || !entry->has_vector || entry->ring != ring->index)
			continue;
		vacate(ih, entry);
		dropped++;
	}
	count(ih->gpu, "ih.cam_dropped", dropped);
	return dropped;
}

static void write_cntl(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct ih *ih = gpu->ih;
	struct ring *ring = ctx;
	bool msi = false, was_enabled;
	u64 dropped = 0;

	pthread_mutex_lock(&ih->lock);
	was_enabled = ring_enabled(ih, ring);
	reg_store(gpu, reg, value);
	if (value & IH_RB_CNTL__WPTR_OVERFLOW_CLEAR_MASK && ring->overflow) {
		ring->overflow = false;
		publish_wptr(ih, ring);
		/* The overflow may have cost any of these their vector. */
		for (u32 i = 0; i < MAX_CAM; i++)
			if (ih->cam[i].ring == ring->index)
				set_pending(ih, &ih->cam[i]);
		count(gpu, "ih.overflows_cleared", 1);
	}
	if (was_enabled && !ring_enabled(ih, ring))
		dropped = drop_faults(ih, ring);
	if (ring_enabled(ih, ring) && !was_enabled) {
		ring->armed = true;
		if (flush_pending(ih, ring))
			msi = announce(ih, ring);
	}
	pthread_mutex_unlock(&ih->lock);
	if (dropped && gpu->vm)
		vm_wake(gpu);
	if (msi)
		interrupt(gpu);
}

static void rptr_doorbell(struct gpu *gpu, void *ctx, u32 index, u64 value, unsigned int size)
{
	(void)index, (void)size;
	set_rptr(gpu->ih, ctx, (u32)value);
}

/* Moves a doorbell claim to where a doorbell register now points. */
static void move_doorbell(struct gpu *gpu, u32 *claimed, u32 value, doorbell_fn fn, void *ctx)
{
	u32 want = NO_DOORBELL;

	if (value & IH_DOORBELL_RPTR__ENABLE_MASK)
		want = value & IH_DOORBELL_RPTR__OFFSET_MASK;
	pthread_mutex_lock(&gpu->ih->doorbell_lock);
	if (*claimed != want) {
		if (*claimed != NO_DOORBELL)
			doorbell_release(gpu, *claimed, 1);
		*claimed = NO_DOORBELL;
		if (want != NO_DOORBELL && !doorbell_claim(gpu, want, 1, fn, ctx))
			*claimed = want;
		else if (want != NO_DOORBELL)
			count(gpu, "ih.doorbell_taken", 1);
	}
	pthread_mutex_unlock(&gpu->ih->doorbell_lock);
}

static void write_doorbell(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct ring *ring = ctx;

	reg_store(gpu, reg, value);
	move_doorbell(gpu, &ring->doorbell, value, rptr_doorbell, ring);
}

static void write_cam_doorbell(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct ih *ih = ctx;

	reg_store(gpu, reg, value);
	move_doorbell(gpu, &ih->cam_doorbell, value, cam_doorbell, ih);
}

static void write_cam_ack(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	reg_store(gpu, reg, value);
	cam_release(ctx, value & (MAX_CAM - 1));
}

static u32 client_index(struct gpu *gpu)
{
	return reg_load(gpu, osssys(gpu, regIH_CLIENT_CFG_INDEX)) & (NUM_CLIENTS - 1);
}

static u32 read_client(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	struct ih *ih = ctx;

	(void)reg, (void)stored;
	return atomic_load(&ih->clients[client_index(gpu)]);
}

static void write_client(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	struct ih *ih = ctx;

	(void)reg;
	atomic_store(&ih->clients[client_index(gpu)], value);
}

/* The LUTs are banked by node, as IH_VMID_LUT_INDEX says. */
static atomic_uint *lut_slot(struct ih *ih, u32 reg)
{
	u32 node = reg_load(ih->gpu, osssys(ih->gpu, regIH_VMID_LUT_INDEX)) & (NUM_NODES - 1);
	u32 i = reg - osssys(ih->gpu, regIH_VMID_0_LUT);

	return &ih->lut[i / NUM_VMID][node][i % NUM_VMID];
}

static u32 read_lut(struct gpu *gpu, void *ctx, u32 reg, u32 stored)
{
	(void)gpu, (void)stored;
	return atomic_load(lut_slot(ctx, reg));
}

static void write_lut(struct gpu *gpu, void *ctx, u32 reg, u32 value)
{
	(void)gpu;
	atomic_store(lut_slot(ctx, reg), value & IH_VMID_0_LUT__PASID_MASK);
}

/*
 * A driver that does not know of banks writes all into bank 0: the gfx LUT for
 * the first XCC's hub and the MM LUT for every other hub.
 */
u16 ih_pasid(struct gpu *gpu, unsigned int hub, unsigned int vmid)
{
	struct ih *ih = gpu->ih;
	bool mm = hub >= MAX_XCC;
	u32 pasid;

	if (vmid >= NUM_VMID || hub >= NUM_HUB)
		return 0;
	pasid = atomic_load(mm ? &ih->lut[1][node_of_aid(hub - MAX_XCC)][vmid] :
				 &ih->lut[0][node_of_xcc(hub)][vmid]);
	return pasid ? pasid : atomic_load(&ih->lut[hub > 0][0][vmid]);
}

void ih_set_pasid(struct gpu *gpu, unsigned int hub, unsigned int vmid, u16 pasid)
{
	bool mm = hub >= MAX_XCC;
	u8 node = mm ? node_of_aid(hub - MAX_XCC) : node_of_xcc(hub);

	if (vmid < NUM_VMID && hub < NUM_HUB)
		atomic_store(&gpu->ih->lut[mm][node][vmid], pasid);
}

/* ---- life ---- */

static void init_ring(struct ih *ih, unsigned int index, u32 cntl, u32 base, u32 base_hi, u32 rptr,
		      u32 wptr, u32 doorbell)
{
	struct gpu *gpu = ih->gpu;
	struct ring *ring = &ih->rings[index];

	*ring = (struct ring){
		.index = index, .cntl = osssys(gpu, cntl), .base = osssys(gpu, base),
		.base_hi = osssys(gpu, base_hi), .rptr_reg = osssys(gpu, rptr),
		.wptr_reg = osssys(gpu, wptr), .doorbell_reg = osssys(gpu, doorbell),
		.armed = true, .doorbell = NO_DOORBELL,
	};
	reg_hook(gpu, ring->cntl, 1, NULL, write_cntl, ring);
	reg_hook(gpu, ring->rptr_reg, 1, NULL, write_rptr, ring);
	reg_hook(gpu, ring->wptr_reg, 1, NULL, write_wptr, ring);
	reg_hook(gpu, ring->doorbell_reg, 1, NULL, write_doorbell, ring);
}

int ih_init(struct gpu *gpu)
{
	struct ih *ih = calloc(1, sizeof(*ih));

	if (!ih) {
		fprintf(stderr, "gpu-emu: no memory for the interrupt handler\n");
		return -ENOMEM;
	}
	ih->gpu = gpu;
	ih->cam_doorbell = NO_DOORBELL;
	pthread_mutex_init(&ih->lock, NULL);
	pthread_mutex_init(&ih->doorbell_lock, NULL);
	init_ring(ih, 0, regIH_RB_CNTL, regIH_RB_BASE, regIH_RB_BASE_HI, regIH_RB_RPTR,
		  regIH_RB_WPTR, regIH_DOORBELL_RPTR);
	init_ring(ih, 1, regIH_RB_CNTL_RING1, regIH_RB_BASE_RING1, regIH_RB_BASE_HI_RING1,
		  regIH_RB_RPTR_RING1, regIH_RB_WPTR_RING1, regIH_DOORBELL_RPTR_RING1);
	reg_hook(gpu, osssys(gpu, regIH_DOORBELL_RETRY_CAM), 1, NULL, write_cam_doorbell, ih);
	reg_hook(gpu, osssys(gpu, regIH_RETRY_CAM_ACK), 1, NULL, write_cam_ack, ih);
	reg_hook(gpu, osssys(gpu, regIH_CLIENT_CFG_DATA), 1, read_client, write_client, ih);
	reg_hook(gpu, osssys(gpu, regIH_VMID_0_LUT), 2 * NUM_VMID, read_lut, write_lut, ih);
	reg_preset(gpu, osssys(gpu, regIH_RETRY_INT_CAM_CNTL), CAM_SIZE_AFTER_RESET);
	gpu->ih = ih;
	return 0;
}

void ih_fini(struct gpu *gpu)
{
	struct ih *ih = gpu->ih;

	if (!ih)
		return;
	pthread_mutex_destroy(&ih->lock);
	pthread_mutex_destroy(&ih->doorbell_lock);
	free(ih);
	gpu->ih = NULL;
}

void ih_reset(struct gpu *gpu)
{
	struct ih *ih = gpu->ih;

	for (unsigned int i = 0; i < NUM_RINGS; i++)
		move_doorbell(gpu, &ih->rings[i].doorbell, 0, NULL, NULL);
	move_doorbell(gpu, &ih->cam_doorbell, 0, NULL, NULL);

	pthread_mutex_lock(&ih->lock);
	for (unsigned int i = 0; i < NUM_RINGS; i++) {
		struct ring *ring = &ih->rings[i];

		ring->rptr = 0;
		ring->wptr = 0;
		ring->overflow = false;
		ring->armed = true;
	}
	memset(ih->cam, 0, sizeof(ih->cam));
	ih->cam_used = 0;
	ih->pending = 0;
	pthread_mutex_unlock(&ih->lock);

	for (unsigned int i = 0; i < NUM_CLIENTS; i++)
		atomic_store(&ih->clients[i], 0);
	for (unsigned int lut = 0; lut < 2; lut++)
		for (unsigned int node = 0; node < NUM_NODES; node++)
			for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++)
				atomic_store(&ih->lut[lut][node][vmid], 0);
}

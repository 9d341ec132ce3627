/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One hub's TLB. It has no lock of its own: the hub's protects it.
 */
#ifndef EMU_TLB_H
#define EMU_TLB_H

#include "walker.h"

#define TLB_MAX_ORDER 31
#define TLB_MAX_ENTRIES (1u << 20)
#define TLB_MAX_SUSPECTS (1u << 14)
#define TLB_NONE UINT32_MAX

struct tlb_entry {
	u64 block;		/* first page */
	u64 addr;		/* of the first page */
	u64 age;		/* for dropping the oldest */
	u32 chain;		/* next in the hash bucket */
	u32 prev, next;		/* in the VMID's list, oldest first */
	u8 vmid;		/* NUM_VMID: free */
	u8 order;
	u8 rights;
	bool system;
};

/* A page that the TLB and the page tables disagree about. */
struct tlb_suspect {
	u64 page;
	u64 since;		/* when that was first seen, ns; 0: free slot */
	u8 vmid;
	bool reported;
};

struct tlb_list {
	u32 head, tail, count;
};

struct tlb {
	struct tlb_entry *entries;
	u32 *buckets;
	u32 capacity;		/* slots and buckets, a power of two */
	u32 limit;		/* never more entries than this */
	u32 free;
	u64 clock;
	u64 dropped;
	bool negative;		/* keep translations without any right as well */
	u32 orders[TLB_MAX_ORDER + 1];
	struct tlb_list vmids[NUM_VMID];

	struct tlb_suspect *suspects;
	u32 num_suspects;
};

int tlb_init(struct tlb *tlb, u32 limit);
void tlb_fini(struct tlb *tlb);

/* Slots 0 to capacity - 1 hold the entries in no order; NULL: an empty one. */
const struct tlb_entry *tlb_slot(const struct tlb *tlb, u32 index);
/* The entry that covers @page, or NULL. */
struct tlb_entry *tlb_find(const struct tlb *tlb, unsigned int vmid, u64 page);
/* Where @page lies according to @entry. */
u64 tlb_address(const struct tlb_entry *entry, u64 page);
void tlb_insert(struct tlb *tlb, unsigned int vmid, u64 page, const struct translation *xl);
/* Forgets all of a VMID, suspects too; returns how many entries that were. */
u32 tlb_invalidate(struct tlb *tlb, unsigned int vmid);

/*
 * Notes at time @now that @page disagrees. Returns the suspect, whose ->since is
 * when that was first noted, or NULL when there are too many to remember.
 */
struct tlb_suspect *tlb_suspect(struct tlb *tlb, unsigned int vmid, u64 page, u64 now);
/* They agree again. */
void tlb_absolve(struct tlb *tlb, unsigned int vmid, u64 page);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A TLB that forgets nothing.
 *
 * What was walked once stays, with the extent that the entry's fragment field or
 * the size of the leaf promised, until its VMID is invalidated. Real TLBs do
 * that now and then, this one always, so that a missing invalidation and a
 * wrong fragment show. There is a bound all the same, since a guest must not be
 * able to eat the host's memory: beyond it the oldest entry goes, and is counted.
 *
 * Entries are hashed by (VMID, order, first page). A lookup tries the orders that
 * occur at all, which are few, small ones first.
 *
 * Suspects are pages for which the page tables no longer say what the TLB holds;
 * vm.c decides what that means. They live in a small open-addressing table and
 * go with their VMID's entries.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tlb.h"

#define FIRST_CAPACITY 1024u

static u64 mix(u64 key)
{
	key ^= key >> 31;
	key *= 0x9e3779b97f4a7c15ull;
	return key ^ (key >> 29);
}

static u64 block_of(u64 page, unsigned int order)
{
	return page & ~((1ull << order) - 1);
}

static u32 bucket(const struct tlb *tlb, unsigned int vmid, unsigned int order, u64 block)
{
	return mix(block << 9 | order << 4 | vmid) & (tlb->capacity - 1);
}

static void clear_lists(struct tlb *tlb)
{
	for (unsigned int i = 0; i < NUM_VMID; i++)
		tlb->vmids[i] = (struct tlb_list){ TLB_NONE, TLB_NONE, 0 };
}

int tlb_init(struct tlb *tlb, u32 limit)
{
	*tlb = (struct tlb){ .limit = limit ? limit : 1, .free = TLB_NONE };
	clear_lists(tlb);
	tlb->suspects = calloc(TLB_MAX_SUSPECTS, sizeof(*tlb->suspects));
	return tlb->suspects ? 0 : -ENOMEM;
}

void tlb_fini(struct tlb *tlb)
{
	free(tlb->entries);
	free(tlb->buckets);
	free(tlb->suspects);
	*tlb = (struct tlb){ 0 };
}

/* Makes room for more entries; fails at the limit or without memory. */
static bool grow(struct tlb *tlb)
{
	u32 capacity = tlb->capacity ? tlb->capacity * 2 : FIRST_CAPACITY;
	struct tlb_entry *entries;
	u32 *buckets;

	if (tlb->capacity >= tlb->limit)
		return false;
	buckets = malloc(capacity * sizeof(*buckets));
	if (!buckets)
		return false;
	entries = realloc(tlb->entries, capacity * sizeof(*entries));
	if (!entries) {
		free(buckets);
		return false;
	}
	for (u32 i = tlb->capacity; i < capacity; i++) {
		entries[i].vmid = NUM_VMID;
		if (i >= tlb->limit)
			continue;
		entries[i].next = tlb->free;
		tlb->free = i;
	}
	free(tlb->buckets);
	tlb->entries = entries;
	tlb->buckets = buckets;
	tlb->capacity = capacity;
	memset(buckets, 0xff, capacity * sizeof(*buckets));
	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++) {
		for (u32 i = tlb->vmids[vmid].head; i != TLB_NONE; i = entries[i].next) {
			u32 *b = &buckets[bucket(tlb, vmid, entries[i].order, entries[i].block)];

			entries[i].chain = *b;
			*b = i;
		}
	}
	return true;
}

static void unhash(struct tlb *tlb, u32 index)
{
	const struct tlb_entry *entry = &tlb->entries[index];
	u32 *p = &tlb->buckets[bucket(tlb, entry->vmid, entry->order, entry->block)];

	while (*p != index)
		p = &tlb->entries[*p].chain;
	*p = entry->chain;
}

static void remove_entry(struct tlb *tlb, u32 index)
{
	struct tlb_entry *entry = &tlb->entries[index];
	struct tlb_list *list = &tlb->vmids[entry->vmid];

	unhash(tlb, index);
	if (entry->prev == TLB_NONE)
		list->head = entry->next;
	else
		tlb->entries[entry->prev].next = entry->next;
	if (entry->next == TLB_NONE)
		list->tail = entry->prev;
	else
		tlb->entries[entry->next].prev = entry->prev;
	list->count--;
	tlb->orders[entry->order]--;
	entry->vmid = NUM_VMID;
	entry->next = tlb->free;
	tlb->free = index;
}

static void drop_oldest(struct tlb *tlb)
{
	u32 oldest = TLB_NONE;

	for (unsigned int vmid = 0; vmid < NUM_VMID; vmid++) {
		u32 head = tlb->vmids[vmid].head;

		if (head != TLB_NONE &&
		    (oldest == TLB_NONE || tlb->entries[head].age < tlb->entries[oldest].age))
			oldest = head;
	}
	if (oldest == TLB_NONE)
		return;
	remove_entry(tlb, oldest);
	tlb->dropped++;
}

const struct tlb_entry *tlb_slot(const struct tlb *tlb, u32 index)
{
	if (index >= tlb->capacity || tlb->entries[index].vmid == NUM_VMID)
		return NULL;
	return &tlb->entries[index];
}

struct tlb_entry *tlb_find(const struct tlb *tlb, unsigned int vmid, u64 page)
{
	if (!tlb->capacity)
		return NULL;
	for (unsigned int order = 0; order <= TLB_MAX_ORDER; order++) {
		u64 block = block_of(page, order);

		if (!tlb->orders[order])
			continue;
		for (u32 i = tlb->buckets[bucket(tlb, vmid, order, block)]; i != TLB_NONE;
		     i = tlb->entries[i].chain) {
			struct tlb_entry *entry = &tlb->entries[i];

			if (entry->block == block && entry->order == order && entry->vmid == vmid)
				return entry;
		}
	}
	return NULL;
}

u64 tlb_address(const struct tlb_entry *entry, u64 page)
{
	return entry->addr + ((page - entry->block) << GPU_PAGE_SHIFT);
}

void tlb_insert(struct tlb *tlb, unsigned int vmid, u64 page, const struct translation *xl)
{
	unsigned int order = xl->order > TLB_MAX_ORDER ? TLB_MAX_ORDER : xl->order;
	struct tlb_list *list = &tlb->vmids[vmid];
	struct tlb_entry *entry;
	u32 index, *b;

	if (!xl->rights && !tlb->negative)
		return;
	if (tlb->free == TLB_NONE && !grow(tlb))
		drop_oldest(tlb);
	if (tlb->free == TLB_NONE)
		return;
	index = tlb->free;
	entry = &tlb->entries[index];
	tlb->free = entry->next;
	*entry = (struct tlb_entry){
		.block = block_of(page, order), .age = tlb->clock++, .vmid = vmid,
		.order = order, .rights = xl->rights, .system = xl->system,
		.prev = list->tail, .next = TLB_NONE,
	};
	entry->addr = xl->addr - ((page - entry->block) << GPU_PAGE_SHIFT);
	b = &tlb->buckets[bucket(tlb, vmid, order, entry->block)];
	entry->chain = *b;
	*b = index;
	if (list->tail == TLB_NONE)
		list->head = index;
	else
		tlb->entries[list->tail].next = index;
	list->tail = index;
	list->count++;
	tlb->orders[order]++;
}

static void forget_suspects(struct tlb *tlb, unsigned int vmid);

u32 tlb_invalidate(struct tlb *tlb, unsigned int vmid)
{
	u32 count = tlb->vmids[vmid].count;

	while (tlb->vmids[vmid].head != TLB_NONE)
		remove_entry(tlb, tlb->vmids[vmid].head);
	forget_suspects(tlb, vmid);
	return count;
}

/*
 * The suspects: open addressing with linear probing, kept at most half full so
 * that probing ends.
 */
static struct tlb_suspect *suspect_slot(const struct tlb *tlb, unsigned int vmid, u64 page)
{
	u32 i = mix(page << 4 | vmid) & (TLB_MAX_SUSPECTS - 1);

	while (tlb->suspects[i].since &&
	       (tlb->suspects[i].page != page || tlb->suspects[i].vmid != vmid))
		i = (i + 1) & (TLB_MAX_SUSPECTS - 1);
	return &tlb->suspects[i];
}

struct tlb_suspect *tlb_suspect(struct tlb *tlb, unsigned int vmid, u64 page, u64 now)
{
	struct tlb_suspect *s = suspect_slot(tlb, vmid, page);

	if (s->since)
		return s;
	if (tlb->num_suspects >= TLB_MAX_SUSPECTS / 2)
		return NULL;
	*s = (struct tlb_suspect){ .page = page, .since = now ? now : 1, .vmid = vmid };
	tlb->num_suspects++;
	return s;
}

/* Closes the gap at @hole, so that probing does not end too early. */
static void close_gap(struct tlb *tlb, u32 hole)
{
	u32 mask = TLB_MAX_SUSPECTS - 1;

	for (u32 i = (hole + 1) & mask; tlb->suspects[i].since; i = (i + 1) & mask) {
		u32 home = mix(tlb->suspects[i].page << 4 | tlb->suspects[i].vmid) & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;	/* it belongs behind the hole */
		tlb->suspects[hole] = tlb->suspects[i];
		tlb->suspects[i].since = 0;
		hole = i;
	}
}

void tlb_absolve(struct tlb *tlb, unsigned int vmid, u64 page)
{
	struct tlb_suspect *s;

	if (!tlb->num_suspects)
		return;
	s = suspect_slot(tlb, vmid, page);
	if (!s->since)
		return;
	s->since = 0;
	tlb->num_suspects--;
	close_gap(tlb, s - tlb->suspects);
}

static void forget_suspects(struct tlb *tlb, unsigned int vmid)
{
	for (u32 i = 0; i < TLB_MAX_SUSPECTS && tlb->num_suspects;) {
		struct tlb_suspect *s = &tlb->suspects[i];

		if (!s->since || s->vmid != vmid) {
			i++;
			continue;
		}
		s->since = 0;
		tlb->num_suspects--;
		close_gap(tlb, i);	/* may have moved another one here */
	}
}

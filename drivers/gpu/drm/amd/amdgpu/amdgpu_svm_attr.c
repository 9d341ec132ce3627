// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include <drm/amdgpu_drm_svm.h>

#include "amdgpu_svm_attr.h"

/**
 * DOC: Attribute map
 *
 * Owns what userspace asked for, by page number, for one address space. All
 * attributes of a page are packed into one 32-bit word, which a maple tree holds
 * as a value, not as a pointer: there is nothing to allocate, count, split or
 * free per range. The tree holds the word XOR the default word, so that memory
 * with defaults is simply absent, and neighbours that become equal are stored as
 * one entry: the tree never has more entries than userspace made distinct ranges.
 *
 * Locking: writers take &amdgpu_svm_attr_map.lock, which allows reclaim. Lookups
 * take nothing (RCU inside). Who looks up several spans may see a change half done;
 * who needs better compares again later, as the commit of a mapping does, or takes
 * the lock, as amdgpu_svm_attr_query() does.
 *
 * It does not know what is mapped, nor what is in the address space: dropping the
 * attributes of memory that goes away is up to the caller.
 */

#define ATTR_PREFERRED		GENMASK(1, 0)
#define ATTR_PREFETCH		GENMASK(3, 2)
#define ATTR_ACCESS		GENMASK(5, 4)
#define ATTR_GRANULARITY	GENMASK(11, 6)
#define ATTR_BOOL(type)		BIT(12 + (type) - AMDGPU_SVM_ATTR_HOST_ACCESS)
#define ATTR_BOOLS \
	GENMASK(12 + AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED - AMDGPU_SVM_ATTR_HOST_ACCESS, 12)
#define ATTR_ALL		GENMASK(19, 0)

/* What a page table entry is made of; the rest only says when to map or move. */
#define ATTR_PTE \
	(ATTR_PREFERRED | ATTR_ACCESS | ATTR_BOOL(AMDGPU_SVM_ATTR_COHERENT) | \
	 ATTR_BOOL(AMDGPU_SVM_ATTR_EXT_COHERENT) | ATTR_BOOL(AMDGPU_SVM_ATTR_HIVE_LOCAL) | \
	 ATTR_BOOL(AMDGPU_SVM_ATTR_GPU_RO) | ATTR_BOOL(AMDGPU_SVM_ATTR_GPU_EXEC))

/* AMDGPU_SVM_LOCATION_UNDEFINED in two bits */
#define LOC_UNDEFINED		3

#define GRANULARITY_DEFAULT	9
/* All that its bits hold */
#define GRANULARITY_MAX		0x3f

/**
 * amdgpu_svm_attr_word_default() - the attributes of memory that was never named
 *
 * Return: the packed word.
 */
u32 amdgpu_svm_attr_word_default(void)
{
	return FIELD_PREP(ATTR_PREFERRED, LOC_UNDEFINED) |
	       FIELD_PREP(ATTR_PREFETCH, LOC_UNDEFINED) |
	       FIELD_PREP(ATTR_ACCESS, AMDGPU_SVM_ACCESS_ALLOW_MIGRATE) |
	       FIELD_PREP(ATTR_GRANULARITY, GRANULARITY_DEFAULT) |
	       ATTR_BOOL(AMDGPU_SVM_ATTR_HOST_ACCESS) |
	       ATTR_BOOL(AMDGPU_SVM_ATTR_COHERENT);
}

static u32 unpack_location(u32 loc)
{
	return loc == LOC_UNDEFINED ? AMDGPU_SVM_LOCATION_UNDEFINED : loc;
}

/**
 * amdgpu_svm_attr_type_valid() - is there such an attribute?
 * @type: number from userspace
 *
 * Return: whether it is one of AMDGPU_SVM_ATTR_*.
 */
bool amdgpu_svm_attr_type_valid(u32 type)
{
	return type <= AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED;
}

/**
 * amdgpu_svm_attr_word_get() - one attribute of a packed word
 * @word: packed attributes
 * @type: which, must be valid
 *
 * Return: the value as userspace knows it.
 */
u32 amdgpu_svm_attr_word_get(u32 word, u32 type)
{
	switch (type) {
	case AMDGPU_SVM_ATTR_PREFERRED_LOC:
		return unpack_location(FIELD_GET(ATTR_PREFERRED, word));
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
		return unpack_location(FIELD_GET(ATTR_PREFETCH, word));
	case AMDGPU_SVM_ATTR_ACCESS:
		return FIELD_GET(ATTR_ACCESS, word);
	case AMDGPU_SVM_ATTR_GRANULARITY:
		return FIELD_GET(ATTR_GRANULARITY, word);
	default:
		return !!(word & ATTR_BOOL(type));
	}
}

/**
 * amdgpu_svm_attr_same_pte() - do two words lead to the same mapping?
 * @a: packed attributes
 * @b: packed attributes
 *
 * Return: whether memory mapped under @a may stay mapped under @b.
 */
bool amdgpu_svm_attr_same_pte(u32 a, u32 b)
{
	return !((a ^ b) & ATTR_PTE);
}

/* Two bits for a location, or a negative error. */
static int pack_location(u32 value)
{
	switch (value) {
	case AMDGPU_SVM_LOCATION_SYSMEM:
	case AMDGPU_SVM_LOCATION_LOCAL:
		return value;
	case AMDGPU_SVM_LOCATION_UNDEFINED:
		return LOC_UNDEFINED;
	default:
		return -EINVAL;
	}
}

static void change_bits(struct amdgpu_svm_attr_change *change, u32 mask, u32 value)
{
	change->mask |= mask;
	change->value = (change->value & ~mask) | value;
}

/**
 * amdgpu_svm_attr_change_add() - add one attribute to a change
 * @change: starts as all zero
 * @type: number from userspace
 * @value: from userspace
 *
 * Return: 0, or -EINVAL if there is no such attribute or value.
 */
int amdgpu_svm_attr_change_add(struct amdgpu_svm_attr_change *change, u32 type, u32 value)
{
	int loc;

	if (!amdgpu_svm_attr_type_valid(type))
		return -EINVAL;

	switch (type) {
	case AMDGPU_SVM_ATTR_PREFERRED_LOC:
		loc = pack_location(value);
		if (loc < 0)
			return loc;
		change_bits(change, ATTR_PREFERRED, FIELD_PREP(ATTR_PREFERRED, loc));
		return 0;
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
		loc = pack_location(value);
		if (loc < 0 || loc == LOC_UNDEFINED)
			return -EINVAL;
		change_bits(change, ATTR_PREFETCH, FIELD_PREP(ATTR_PREFETCH, loc));
		return 0;
	case AMDGPU_SVM_ATTR_ACCESS:
		if (value > AMDGPU_SVM_ACCESS_ALLOW_MIGRATE)
			return -EINVAL;
		change_bits(change, ATTR_ACCESS, FIELD_PREP(ATTR_ACCESS, value));
		return 0;
	case AMDGPU_SVM_ATTR_GRANULARITY:
		value = min_t(u32, value, GRANULARITY_MAX);
		change_bits(change, ATTR_GRANULARITY, FIELD_PREP(ATTR_GRANULARITY, value));
		return 0;
	default:
		if (value > 1)
			return -EINVAL;
		change_bits(change, ATTR_BOOL(type), value ? ATTR_BOOL(type) : 0);
		return 0;
	}
}

/**
 * amdgpu_svm_attr_change_reset() - the change that gives the defaults back
 * @change: overwritten
 */
void amdgpu_svm_attr_change_reset(struct amdgpu_svm_attr_change *change)
{
	change->mask = ATTR_ALL;
	change->value = AMDGPU_SVM_ATTR_WORD_DEFAULT;
}

/**
 * amdgpu_svm_attr_init() - make an empty map: all defaults
 * @map: the map
 */
void amdgpu_svm_attr_init(struct amdgpu_svm_attr_map *map)
{
	mt_init_flags(&map->tree, MT_FLAGS_USE_RCU);
	mutex_init(&map->lock);
}

/**
 * amdgpu_svm_attr_fini() - free a map that nobody uses any more
 * @map: the map
 */
void amdgpu_svm_attr_fini(struct amdgpu_svm_attr_map *map)
{
	mtree_destroy(&map->tree);
	mutex_destroy(&map->lock);
}

/**
 * amdgpu_svm_attr_lookup() - attributes of a page
 * @map: the map
 * @page: page number
 *
 * Takes no lock.
 *
 * Return: the attributes and the pages around @page that have the same.
 */
struct amdgpu_svm_attr_span amdgpu_svm_attr_lookup(struct amdgpu_svm_attr_map *map,
						   unsigned long page)
{
	MA_STATE(mas, &map->tree, page, page);
	struct amdgpu_svm_attr_span span;
	void *entry;

	rcu_read_lock();
	entry = mas_walk(&mas);
	span.first = mas.index;
	span.last = mas.last;
	rcu_read_unlock();

	span.word = AMDGPU_SVM_ATTR_WORD_DEFAULT;
	if (entry)
		span.word ^= xa_to_value(entry);
	return span;
}

/**
 * amdgpu_svm_attr_next() - first span of pages that have not all defaults
 * @map: the map
 * @first: first page number to look at
 * @last: last page number to look at
 * @span: where to put it, as far as it lies within @first to @last
 *
 * Takes no lock and does not allocate. Walks from the root for each span, as
 * mas_find() of Linux 7.2 goes on from a NULL node where a writer has just emptied
 * the tree.
 *
 * Return: whether there is one.
 */
bool amdgpu_svm_attr_next(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last, struct amdgpu_svm_attr_span *span)
{
	struct amdgpu_svm_attr_span found = amdgpu_svm_attr_lookup(map, first);

	while (found.word == AMDGPU_SVM_ATTR_WORD_DEFAULT) {
		if (found.last >= last)
			return false;
		found = amdgpu_svm_attr_lookup(map, found.last + 1);
	}
	span->first = max(found.first, first);
	span->last = min(found.last, last);
	span->word = found.word;
	return true;
}

static int store_span(struct amdgpu_svm_attr_map *map, const struct amdgpu_svm_attr_span *span)
{
	u32 word = span->word ^ AMDGPU_SVM_ATTR_WORD_DEFAULT;

	return mtree_store_range(&map->tree, span->first, span->last,
				 word ? xa_mk_value(word) : NULL, GFP_KERNEL_ACCOUNT);
}

/*
 * Widen @span over the left neighbour, and over the right one if @right, where
 * they have the same attributes. Absent ones are merged by the tree itself.
 */
static void merge_neighbours(struct amdgpu_svm_attr_map *map, struct amdgpu_svm_attr_span *span,
			     bool right)
{
	struct amdgpu_svm_attr_span side;

	if (span->word == AMDGPU_SVM_ATTR_WORD_DEFAULT)
		return;
	if (span->first > 0) {
		side = amdgpu_svm_attr_lookup(map, span->first - 1);
		if (side.word == span->word)
			span->first = side.first;
	}
	if (right && span->last < ULONG_MAX) {
		side = amdgpu_svm_attr_lookup(map, span->last + 1);
		if (side.word == span->word)
			span->last = side.last;
	}
}

/**
 * amdgpu_svm_attr_apply() - change attributes of a range
 * @map: the map
 * @first: first page number
 * @last: last page number
 * @change: what to change
 *
 * Walks what the range is made of now and stores what becomes of each part, wider
 * where that equals its neighbours. One store replaces at most three entries: in
 * a user space build under ASan the maple tree of Linux 7.2 went wrong when one
 * store replaced subtrees of several levels. May reclaim memory.
 *
 * Return: 0, or -ENOMEM or -EINTR with a prefix of the range changed.
 */
int amdgpu_svm_attr_apply(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last, const struct amdgpu_svm_attr_change *change)
{
	bool start = true;
	u32 before = 0;
	int r = 0;

	mutex_lock(&map->lock);
	for (;;) {
		struct amdgpu_svm_attr_span old = amdgpu_svm_attr_lookup(map, first);
		struct amdgpu_svm_attr_span new = {
			.first = first,
			.last = min(old.last, last),
			.word = (old.word & ~change->mask) | (change->value & change->mask),
		};

		if (new.word != old.word || (!start && new.word == before)) {
			merge_neighbours(map, &new, old.last >= last);
			r = store_span(map, &new);
		}
		if (!r && fatal_signal_pending(current))
			r = -EINTR;
		if (r || old.last >= last)
			break;
		first = old.last + 1;
		before = new.word;
		start = false;
		cond_resched();
	}
	mutex_unlock(&map->lock);
	return r;
}

/* What a range has in common if its parts have @a and @b. */
static u32 combine(u32 a, u32 b)
{
	u32 word = a & b & ATTR_BOOLS;

	word |= (a ^ b) & ATTR_PREFERRED ? FIELD_PREP(ATTR_PREFERRED, LOC_UNDEFINED) :
		a & ATTR_PREFERRED;
	word |= (a ^ b) & ATTR_PREFETCH ? FIELD_PREP(ATTR_PREFETCH, LOC_UNDEFINED) :
		a & ATTR_PREFETCH;
	word |= (a ^ b) & ATTR_ACCESS ? FIELD_PREP(ATTR_ACCESS, AMDGPU_SVM_ACCESS_INACCESSIBLE) :
		a & ATTR_ACCESS;
	word |= min(a & ATTR_GRANULARITY, b & ATTR_GRANULARITY);
	return word;
}

/**
 * amdgpu_svm_attr_query() - what the pages of a range have in common
 * @map: the map
 * @first: first page number
 * @last: last page number
 *
 * Return: a packed word as struct drm_amdgpu_gem_svm describes it.
 */
u32 amdgpu_svm_attr_query(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last)
{
	struct amdgpu_svm_attr_span span;
	u32 word;

	mutex_lock(&map->lock);
	span = amdgpu_svm_attr_lookup(map, first);
	word = span.word;
	while (span.last < last) {
		span = amdgpu_svm_attr_lookup(map, span.last + 1);
		word = combine(word, span.word);
		cond_resched();
	}
	mutex_unlock(&map->lock);
	return word;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Attributes of the ranges of a process's address space. Needs no other part
 * of amdgpu, so that tests/host can compile it as an ordinary program.
 */
#ifndef __AMDGPU_SVM_ATTR_H__
#define __AMDGPU_SVM_ATTR_H__

#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/types.h>

/**
 * struct amdgpu_svm_attr_map - attributes by page number
 */
struct amdgpu_svm_attr_map {
	/** @tree: packed words XOR the default word; absent means defaults */
	struct maple_tree tree;
	/** @lock: serialises writers, and amdgpu_svm_attr_query() with them; lookups need none */
	struct mutex lock;
};

/**
 * struct amdgpu_svm_attr_change - a change of some attributes
 */
struct amdgpu_svm_attr_change {
	/** @mask: the bits of a packed word that change */
	u32 mask;
	/** @value: what they become */
	u32 value;
};

/**
 * struct amdgpu_svm_attr_span - pages that have the same attributes
 */
struct amdgpu_svm_attr_span {
	/** @first: first page number */
	unsigned long first;
	/** @last: last page number */
	unsigned long last;
	/** @word: the packed attributes */
	u32 word;
};

/* The attributes of memory that was never named. */
#define AMDGPU_SVM_ATTR_WORD_DEFAULT	amdgpu_svm_attr_word_default()

u32 amdgpu_svm_attr_word_default(void);
u32 amdgpu_svm_attr_word_get(u32 word, u32 type);
bool amdgpu_svm_attr_same_pte(u32 a, u32 b);

int amdgpu_svm_attr_change_add(struct amdgpu_svm_attr_change *change, u32 type, u32 value);
void amdgpu_svm_attr_change_reset(struct amdgpu_svm_attr_change *change);
bool amdgpu_svm_attr_type_valid(u32 type);

void amdgpu_svm_attr_init(struct amdgpu_svm_attr_map *map);
void amdgpu_svm_attr_fini(struct amdgpu_svm_attr_map *map);
int amdgpu_svm_attr_apply(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last, const struct amdgpu_svm_attr_change *change);
struct amdgpu_svm_attr_span amdgpu_svm_attr_lookup(struct amdgpu_svm_attr_map *map,
						   unsigned long page);
u32 amdgpu_svm_attr_query(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last);
bool amdgpu_svm_attr_next(struct amdgpu_svm_attr_map *map, unsigned long first,
			  unsigned long last, struct amdgpu_svm_attr_span *span);

/**
 * amdgpu_svm_attr_is() - test a boolean attribute
 * @word: packed attributes
 * @type: AMDGPU_SVM_ATTR_HOST_ACCESS and later
 *
 * Return: whether it is set.
 */
static inline bool amdgpu_svm_attr_is(u32 word, u32 type)
{
	return amdgpu_svm_attr_word_get(word, type);
}

#endif

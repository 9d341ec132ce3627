/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the atomic operations of the texture cache do, by the numbers that SDMA's
 * ATOMIC and PM4's ATOMIC_MEM share: bit 5 is 64 bits, bit 6 no return, which makes
 * no difference where nothing is returned.
 */
#ifndef TESTS_EMU_ATOMICS_H
#define TESTS_EMU_ATOMICS_H

#define ATOMIC_64 0x20
#define ATOMIC_NO_RETURN 0x40
#define ATOMIC_ONES 0xffffffffffffffffull

/* Values of 64 bits; of 32 bits they are the lower halves. */
static const struct atomic_case {
	u32 op;
	u64 before, src, cmp, after;
} atomic_cases[] = {
	{ 0x07, 5, 3, 0, 3 },					/* swap */
	{ 0x08, 5, 3, 5, 3 }, { 0x08, 5, 3, 4, 5 },		/* compare and swap */
	{ 0x0f, 5, 3, 0, 8 }, { 0x0f, ATOMIC_ONES, 1, 0, 0 },	/* add */
	{ 0x10, 5, 3, 0, 2 }, { 0x10, 0, 1, 0, ATOMIC_ONES },	/* sub */
	{ 0x11, 5, ATOMIC_ONES, 0, ATOMIC_ONES }, { 0x11, 5, 6, 0, 5 },	/* signed min */
	{ 0x12, 5, ATOMIC_ONES, 0, 5 }, { 0x12, 5, 4, 0, 4 },	/* unsigned min */
	{ 0x13, 5, ATOMIC_ONES, 0, 5 }, { 0x13, 5, 6, 0, 6 },	/* signed max */
	{ 0x14, 5, ATOMIC_ONES, 0, ATOMIC_ONES }, { 0x14, 5, 4, 0, 5 },	/* unsigned max */
	{ 0x15, 5, 3, 0, 1 },					/* and */
	{ 0x16, 5, 3, 0, 7 },					/* or */
	{ 0x17, 5, 3, 0, 6 },					/* xor */
	{ 0x18, 5, 5, 0, 0 }, { 0x18, 5, 6, 0, 6 },		/* inc, up to a limit */
	{ 0x19, 0, 6, 0, 6 }, { 0x19, 5, 6, 0, 4 }, { 0x19, 9, 6, 0, 6 },	/* dec */
};

/* Each case is four: 32 and 64 bits, with and without return. */
#define NUM_ATOMIC_CASES (4 * ARRAY_SIZE(atomic_cases))

/* A neighbour that 32 bits must not touch stands in the upper half. */
#define ATOMIC_NEIGHBOUR (0x5a5a5a5aull << 32)

static inline struct atomic_case atomic_case(u32 i)
{
	struct atomic_case c = atomic_cases[i / 4];

	if (i & 2)
		c.op |= ATOMIC_NO_RETURN;
	if (i & 1) {
		c.op |= ATOMIC_64;
		return c;
	}
	c.before = (u32)c.before | ATOMIC_NEIGHBOUR;
	c.after = (u32)c.after | ATOMIC_NEIGHBOUR;
	return c;
}

#endif

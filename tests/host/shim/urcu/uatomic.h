/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHIM_UATOMIC_H
#define SHIM_UATOMIC_H

#define uatomic_read(p)		__atomic_load_n((p), __ATOMIC_SEQ_CST)
#define uatomic_set(p, v)	__atomic_store_n((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_inc(p)		((void)__atomic_add_fetch((p), 1, __ATOMIC_SEQ_CST))
#define uatomic_dec(p)		((void)__atomic_sub_fetch((p), 1, __ATOMIC_SEQ_CST))
#define uatomic_add(p, v)	((void)__atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST))
#define uatomic_sub(p, v)	((void)__atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST))
#define uatomic_add_return(p, v) __atomic_add_fetch((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_sub_return(p, v) __atomic_sub_fetch((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_or(p, v)	((void)__atomic_or_fetch((p), (v), __ATOMIC_SEQ_CST))
#define uatomic_xchg(p, v)	__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)
#define uatomic_cmpxchg(p, o, n) __sync_val_compare_and_swap((p), (o), (n))

#endif

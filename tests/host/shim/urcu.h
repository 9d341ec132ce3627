/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's user space tests use of liburcu, so that this library is not
 * needed. A reader holds a lock for reading; a grace period is the moment in
 * which it can be had for writing. Slow for writers, simple, and strict: objects
 * are given back as soon as nobody can have them any more.
 */
#ifndef SHIM_URCU_H
#define SHIM_URCU_H

#include <urcu/uatomic.h>

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

void rcu_read_lock(void);
void rcu_read_unlock(void);
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* Waits for the readers of now and runs what call_rcu() was told. */
void rcu_barrier(void);

#define rcu_register_thread()	do { } while (0)
#define rcu_unregister_thread()	do { } while (0)

#define rcu_dereference(p)	__atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

#endif

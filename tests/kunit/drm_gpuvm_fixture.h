/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The driver that the drm_gpuvm cases drive: one VM, a few GEM objects, the
 * steps of a VM_BIND driver, and counts of everything alive.
 *
 * A case that warned other than it announced, or that left something alive,
 * fails in fix_exit(), whatever it checked itself. KUnit runs that in another
 * thread after the case returned, so nothing of a case lives on its stack.
 */
#ifndef DRM_GPUVM_FIXTURE_H
#define DRM_GPUVM_FIXTURE_H

#include <kunit/test.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>

#include <drm/drm_exec.h>
#include <drm/drm_gem.h>
#include <drm/drm_gpuvm_compat.h>

/* The objects: A to F have a reservation of their own, P and Q the VM's. */
enum { A, B, C, D, E, F, P, Q, FIX_GEMS, SPARSE = FIX_GEMS };

/* Addresses of the cases are in pages, for the sake of the reader. */
#define PG(n)		((u64)(n) << 12)
#define FIX_VM_PAGES	1024
/* The pages that the VM keeps for the kernel. */
#define FIX_KERNEL_PAGE	512
#define FIX_KERNEL_PAGES 16

/* How a VM is set up: the parameter of cases that run in several modes. */
struct fix_mode {
	const char *name;
	unsigned int flags;
};

struct fixture {
	struct kunit *test;
	struct drm_device *drm;
	struct drm_gpuvm *vm;
	struct drm_gem_object *gem[FIX_GEMS];

	atomic_t live_vms;
	atomic_t live_gems;
	/* Keep the memory of a VM that went: the case still looks at it. */
	bool keep_dead_vm;

	/* What the steps met: objects as bits, and how often one was unlocked. */
	u32 touched;
	unsigned int touched_unlocked;

	/* What drm_gpuvm_validate() called for, and a reference to drop then. */
	u32 validated;
	struct drm_gpuvm_bo *drop_in_validate;

	/* Position in the kernel log at the start, warnings to be there. */
	struct kmsg_dump_iter log;
	unsigned int warnings_expected;
	/* Since fix_begin_warnings(). */
	struct kunit_suppressed_warning *suppressed;
	unsigned int warnings_before;
	char line[256];
};

/* One thread of a case, started by fix_start(). */
struct fix_thread {
	struct fixture *fix;
	void (*fn)(struct fix_thread *thread);
	unsigned int number;
	struct drm_gpuvm_bo *vm_bo;
	bool result;
	/* Set immediately before what the case waits for. */
	bool at_the_point;
	struct task_struct *task;
	/* A rendezvous, for cases that want one, and the end. */
	struct completion reached;
	struct completion go_on;
	struct completion done;
};

extern atomic_t fix_live_vm_bos;
extern atomic_t fix_live_vas;

int fix_init_mode(struct kunit *test, unsigned int flags);
int fix_init(struct kunit *test);
void fix_exit(struct kunit *test);

u32 fix_bit(struct fixture *fix, struct drm_gem_object *obj);
struct drm_gem_object *fix_obj(struct fixture *fix, int gem);
u32 fix_locked(struct fixture *fix);
void fix_drop_gem(struct fixture *fix, int gem);
void fix_free_dead_vm(struct fixture *fix);

struct drm_gpuvm_map_req fix_req(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset);
void fix_lock_all(struct fixture *fix, struct drm_exec *exec);
void fix_bind(struct fixture *fix, u64 page, u64 pages, int gem, u64 offset);
void fix_unbind(struct fixture *fix, u64 page, u64 pages);

struct drm_gpuvm_bo *fix_obtain(struct fixture *fix, int gem);
struct drm_gpuvm_bo *fix_find(struct fixture *fix, int gem);
void fix_make_extobj(struct fixture *fix, struct drm_gpuvm_bo *vm_bo);

void fix_log_mark(struct fixture *fix);
unsigned int fix_warnings(struct fixture *fix);
void fix_begin_warnings(struct fixture *fix);
void fix_end_warnings(struct fixture *fix, unsigned int count);

void fix_start(struct fix_thread *thread);
void fix_wait_until_blocked(struct fix_thread *thread);
void fix_join(struct fix_thread *thread);

#endif

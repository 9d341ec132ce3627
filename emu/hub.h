/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hubs as the files of the translation block share them: vm.c does accesses,
 * hub.c is the hub's registers, stale.c watches for stale translations, fault.c
 * raises faults and waits for answers.
 *
 * Locks: hub->lock, then fault_lock; interrupts are raised with neither held.
 */
#ifndef EMU_HUB_H
#define EMU_HUB_H

#include <pthread.h>
#include <time.h>

#include "tlb.h"
#include "vm.h"

#define NS_PER_SEC 1000000000ull
#define CAM_ENTRIES 1024	/* as many as the index in a vector reaches */

struct hub {
	struct vm *vm;
	unsigned int index;
	const struct hub_layout *layout;
	unsigned int inst;
	u32 base;			/* of its registers */

	pthread_mutex_t lock;
	struct tlb tlb;
	u32 audit_index;		/* where the auditor goes on */
	u64 audit_age;
	u64 audit_page;

	u64 invalidations[NUM_VMID];	/* under fault_lock */
};

struct vm {
	struct gpu *gpu;
	struct hub *hubs[NUM_HUB];
	atomic_ullong stale_limit;

	pthread_mutex_t fault_lock;	/* what follows, and hub->invalidations */
	pthread_cond_t fault_cond;
	u64 wakes;			/* vm_wake() */
	u64 releases[CAM_ENTRIES];
	u64 all_releases;

	pthread_mutex_t audit_lock;
	pthread_cond_t audit_cond;
	pthread_t auditor;
	bool auditing;
};

/* One access to one page. */
struct access {
	struct vm_port *port;
	unsigned int vmid;
	u64 va;
	u8 need;
	bool atomic;
	unsigned int faults;	/* retry faults raised for it so far */
	bool late;		/* chaos: one of them comes again when it is resolved */
	struct ih_vector late_vector;
};

struct fault {
	enum walk walk;
	u8 level;
	u8 missing;		/* rights */
	u32 cntl;		/* the context's */
};

static inline u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
}

/* For the conditions, which use the monotonic clock. */
static inline struct timespec deadline(u64 ns)
{
	u64 then = now_ns() + ns;

	return (struct timespec){ .tv_sec = then / NS_PER_SEC, .tv_nsec = then % NS_PER_SEC };
}

static inline struct hub *find_hub(struct gpu *gpu, unsigned int index)
{
	return index < NUM_HUB ? gpu->vm->hubs[index] : NULL;
}

/* hub.c */
u32 hub_reg(const struct hub *hub, u32 offset);
u32 context_cntl(const struct hub *hub, unsigned int vmid);
bool is_canonical(u64 va);
enum walk walk_context(const struct hub *hub, unsigned int vmid, u64 va, bool quiet,
		       struct translation *out);
/* The apertures of the system context: true if @va is in one. */
bool find_aperture(const struct hub *hub, u64 va, struct translation *out);
void hub_invalidate(struct hub *hub, u32 vmids);
void hub_hook_registers(struct hub *hub);

/* stale.c; with the hub locked: */
void check_hit(struct hub *hub, const struct access *access, const struct tlb_entry *entry,
	       u64 page);
int auditor_start(struct vm *vm);
void auditor_stop(struct vm *vm);

/* fault.c */
u64 invalidations_seen(struct hub *hub, unsigned int vmid);
bool can_retry(const struct access *access, const struct fault *fault);
void raise_final(struct hub *hub, const struct access *access, const struct fault *fault);
/*
 * Enters the fault into the CAM, raises the interrupt if that is due and sleeps
 * until there is a reason to walk again, for instance an invalidation since
 * @invalidations were seen. Returns false when nothing happened for so long that
 * the walk is repeated on suspicion.
 */
bool wait_retry(struct hub *hub, struct access *access, const struct fault *fault,
		u64 invalidations);

#endif

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stale translations. The TLB is never wrong by itself: what it holds was in the
 * page tables once and the driver has not invalidated it since. Between changing
 * an entry and having the TLB invalidated a driver may take a while, and during
 * that time the GPU may use the old page legally. What it must never do is free
 * that page before the invalidation, and that cannot be seen from here, since who
 * owns a page of guest RAM is the guest's secret. So the model does what the
 * hardware does, it uses the old translation, and watches: each hit is compared
 * with what the tables say now, and an auditor thread looks at all entries now
 * and then, so that it is known since when a page differs also when nobody
 * used it meanwhile. A use of such a page is counted ("vm.stale_hits"). It is the
 * verdict "stale-tlb" when the page has differed for VM_STALE_LIMIT_NS and still
 * no invalidation of that VMID has come to that hub, which is far longer than any
 * driver takes that means to send one. A use is an access which the tables would
 * now send elsewhere or refuse; reading through an entry that has only lost its
 * write right is none. An invalidation by register or packet removes entries and
 * suspicion alike.
 *
 * The same comparison finds fragments that promise more than the tables hold,
 * since an entry covers its whole fragment.
 *
 * Rights that were added need an invalidation too: an entry with fewer rights
 * than the table now grants goes on faulting, as the cached PTE does in hardware
 * ("vm.stale_faults", and after the same time the same verdict).
 */
#include "hub.h"

#define AUDIT_PERIOD_NS 100000000ull
#define AUDIT_BATCH 64		/* pages looked at with the hub locked */
#define AUDIT_BUDGET 4096	/* pages per hub and period */
#define AUDIT_ORDER 9		/* of larger entries only 2^9 pages, evenly spread */

/*
 * Is what @entry says of @page still in the page tables, as far as an access that
 * needs @need is concerned? @now is what the tables say.
 */
static bool still_true(const struct hub *hub, const struct tlb_entry *entry, u64 page, u8 need,
		       struct translation *now)
{
	enum walk walk = walk_context(hub, entry->vmid, page << GPU_PAGE_SHIFT, true, now);

	if (walk == WALK_UNKNOWN)
		return true;
	return walk == WALK_OK && !(need & ~now->rights) && now->system == entry->system &&
	       now->addr == tlb_address(entry, page);
}

static void stale_verdict(struct hub *hub, const struct access *access,
			  const struct tlb_entry *entry, u64 page, const struct translation *now)
{
	verdict(hub->vm->gpu, "stale-tlb",
		"%s: hub %u vmid %u va 0x%llx need %x: "
		"TLB has %s 0x%llx rights %x order %u, tables have %s 0x%llx rights %x",
		access->port->name, hub->index, access->vmid,
		(unsigned long long)access->va & ~(GPU_PAGE_SIZE - 1), access->need,
		entry->system ? "bus" : "vram", (unsigned long long)tlb_address(entry, page),
		entry->rights, entry->order, now->rights ? now->system ? "bus" : "vram" : "nothing",
		(unsigned long long)now->addr, now->rights);
}

/*
 * A hit that the tables contradict. @fatal: the entry lacks a right which the
 * tables grant, so it costs a fault and does no harm to memory.
 */
static void stale_hit(struct hub *hub, const struct access *access, const struct tlb_entry *entry,
		      u64 page, const struct translation *now, bool fatal)
{
	struct vm *vm = hub->vm;
	u64 time = now_ns();
	struct tlb_suspect *s = tlb_suspect(&hub->tlb, access->vmid, page, time);

	count(vm->gpu, fatal ? "vm.stale_faults" : "vm.stale_hits", 1);
	if (!s) {
		count(vm->gpu, "vm.suspects_lost", 1);
		return;
	}
	if (s->reported || time - s->since < atomic_load(&vm->stale_limit))
		return;
	s->reported = true;
	stale_verdict(hub, access, entry, page, now);
}

void check_hit(struct hub *hub, const struct access *access, const struct tlb_entry *entry,
	       u64 page)
{
	struct translation now;
	bool allowed = !(access->need & ~entry->rights);
	bool same = still_true(hub, entry, page, access->need, &now);

	/* An entry without the right is stale if the tables have it by now. */
	if (same != allowed)
		stale_hit(hub, access, entry, page, &now, !allowed);
}

/*
 * Looks at up to @budget pages of an entry, the auditor's samples of it, from
 * @first on. Returns how many it looked at.
 */
static u64 audit_entry(struct hub *hub, const struct tlb_entry *entry, u64 first, u64 budget)
{
	unsigned int stride = entry->order > AUDIT_ORDER ? entry->order - AUDIT_ORDER : 0;
	u64 end = 1ull << (entry->order - stride);
	u64 last = end - first < budget ? end : first + budget;
	struct translation now;

	for (u64 i = first; i < last; i++) {
		u64 page = entry->block + (i << stride);

		if (tlb_find(&hub->tlb, entry->vmid, page) != entry)
			continue;	/* another entry hides this one there */
		if (still_true(hub, entry, page, entry->rights, &now))
			tlb_absolve(&hub->tlb, entry->vmid, page);
		else
			tlb_suspect(&hub->tlb, entry->vmid, page, now_ns());
	}
	return last - first;
}

/* Up to @budget pages with the hub locked; false at the end of the TLB. */
static bool audit_batch(struct hub *hub, u64 budget)
{
	for (; hub->audit_index < hub->tlb.capacity; hub->audit_index++, hub->audit_page = 0) {
		const struct tlb_entry *entry = tlb_slot(&hub->tlb, hub->audit_index);
		u64 done;

		if (!entry)
			continue;
		if (!budget)
			return true;
		if (hub->audit_age != entry->age)
			hub->audit_page = 0;	/* not the one where it stopped */
		hub->audit_age = entry->age;
		done = audit_entry(hub, entry, hub->audit_page, budget);
		budget -= done;
		hub->audit_page += done;
		if (!(hub->audit_page >> (entry->order < AUDIT_ORDER ? entry->order : AUDIT_ORDER)))
			return true;
	}
	hub->audit_index = 0;
	hub->audit_page = 0;
	return false;
}

static void audit_hub(struct hub *hub, u64 budget)
{
	bool more = true;

	for (u64 done = 0; more && done < budget; done += AUDIT_BATCH) {
		pthread_mutex_lock(&hub->lock);
		more = audit_batch(hub, AUDIT_BATCH);
		pthread_mutex_unlock(&hub->lock);
	}
}

void vm_audit(struct gpu *gpu)
{
	for (unsigned int i = 0; i < NUM_HUB; i++) {
		struct hub *hub = gpu->vm->hubs[i];

		if (!hub)
			continue;
		pthread_mutex_lock(&hub->lock);
		hub->audit_index = 0;
		hub->audit_page = 0;
		pthread_mutex_unlock(&hub->lock);
		audit_hub(hub, UINT64_MAX / 2);
	}
}

static void *audit_thread(void *arg)
{
	struct vm *vm = arg;

	pthread_mutex_lock(&vm->audit_lock);
	while (vm->auditing) {
		struct timespec ts = deadline(AUDIT_PERIOD_NS);

		pthread_cond_timedwait(&vm->audit_cond, &vm->audit_lock, &ts);
		if (!vm->auditing)
			break;
		pthread_mutex_unlock(&vm->audit_lock);
		for (unsigned int i = 0; i < NUM_HUB; i++)
			if (vm->hubs[i])
				audit_hub(vm->hubs[i], AUDIT_BUDGET);
		ih_audit(vm->gpu, IH_CAM_LIMIT_NS);
		pthread_mutex_lock(&vm->audit_lock);
	}
	pthread_mutex_unlock(&vm->audit_lock);
	return NULL;
}

int auditor_start(struct vm *vm)
{
	int r;

	vm->auditing = true;
	r = -pthread_create(&vm->auditor, NULL, audit_thread, vm);
	if (r)
		vm->auditing = false;
	return r;
}

void auditor_stop(struct vm *vm)
{
	bool running;

	pthread_mutex_lock(&vm->audit_lock);
	running = vm->auditing;
	vm->auditing = false;
	pthread_cond_broadcast(&vm->audit_cond);
	pthread_mutex_unlock(&vm->audit_lock);
	if (running)
		pthread_join(vm->auditor, NULL);
}

void vm_set_stale_limit(struct gpu *gpu, u64 ns)
{
	atomic_store(&gpu->vm->stale_limit, ns);
}

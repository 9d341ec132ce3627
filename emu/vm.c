// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to memory through the hubs, page by page: translated, checked for
 * rights and done under the hub's lock.
 *
 * walker.c reads page tables, tlb.c remembers what was read, stale.c tells when
 * that is no longer true, fault.c deals with what has no translation, and hub.c
 * is the registers that control all this.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hub.h"

/*
 * Chaos: the TLB takes more than was asked for, as hardware does that reads page
 * tables by cache lines of eight entries; now and then many lines. Quiet walks,
 * since nobody asked. Called with the hub locked.
 */
static void prefetch(struct hub *hub, const struct access *access, u64 page)
{
	const char *site = access->port->name;
	struct gpu *gpu = hub->vm->gpu;
	struct translation xl;
	u64 pages, first;

	if (!chaos_selected(gpu, CHAOS_TLB_PREFETCH))
		return;
	pages = 8ull << (chaos_decides(gpu, CHAOS_TLB_PREFETCH, site, 4) ?
			 chaos_pick(gpu, CHAOS_TLB_PREFETCH, site, 6) : 0);
	first = page & ~(pages - 1);
	for (u64 i = first; i < first + pages; i++) {
		if (tlb_find(&hub->tlb, access->vmid, i) ||
		    walk_context(hub, access->vmid, i << GPU_PAGE_SHIFT, true, &xl) != WALK_OK)
			continue;
		tlb_insert(&hub->tlb, access->vmid, i, &xl);
		count(gpu, "chaos.prefetched_pages", 1);
	}
}

/* Called with the hub locked. */
static enum walk translate(struct hub *hub, const struct access *access, struct translation *out)
{
	u64 page = (access->va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK;
	const struct tlb_entry *entry;
	enum walk walk;
	u64 dropped;

	if (!access->vmid && find_aperture(hub, access->va, out))
		return WALK_OK;
	entry = tlb_find(&hub->tlb, access->vmid, page);
	if (entry && is_canonical(access->va)) {
		check_hit(hub, access, entry, page);
		*out = (struct translation){
			.addr = tlb_address(entry, page), .system = entry->system,
			.rights = entry->rights, .order = entry->order,
		};
		return WALK_OK;
	}
	walk = walk_context(hub, access->vmid, access->va, false, out);
	if (walk != WALK_OK)
		return walk;
	dropped = hub->tlb.dropped;
	tlb_insert(&hub->tlb, access->vmid, page, out);
	if (hub->vm->gpu->chaos)
		prefetch(hub, access, page);
	if (hub->tlb.dropped != dropped)
		count(hub->vm->gpu, "vm.tlb_dropped", hub->tlb.dropped - dropped);
	return WALK_OK;
}

/* What is done to a page once it is known where it lies. */
struct transfer {
	void *in;		/* read into */
	const void *out;	/* written from */
	size_t len;
	atomic_op op;
	const void *arg;
	u64 *old;
};

static bool do_transfer(struct gpu *gpu, const struct translation *xl, u64 offset,
			const struct transfer *t)
{
	u64 addr = xl->addr + offset;

	if (t->op)
		return xl->system ? bus_atomic(gpu, addr, t->len, t->op, t->arg, t->old) :
				    vram_atomic(gpu, addr, t->len, t->op, t->arg, t->old);
	if (t->in)
		return xl->system ? bus_read(gpu, addr, t->in, t->len) :
				    vram_read(gpu, addr, t->in, t->len);
	return xl->system ? bus_write(gpu, addr, t->out, t->len) :
			    vram_write(gpu, addr, t->out, t->len);
}

static void transfer_zeros(const struct transfer *t)
{
	if (t->in)
		memset(t->in, 0, t->len);
	if (t->old)
		*t->old = 0;
}

/*
 * One attempt. Returns 0 when done, -EAGAIN with @fault filled in, -EFAULT when
 * the memory behind the translation does not exist (which memory.c has said).
 */
static int try_page(struct hub *hub, const struct access *access, const struct transfer *t,
		    struct fault *fault)
{
	struct translation xl;
	enum walk walk;
	int r = 0;

	pthread_mutex_lock(&hub->lock);
	walk = translate(hub, access, &xl);
	if (walk == WALK_PRT) {
		transfer_zeros(t);
	} else if (walk == WALK_OK && !(access->need & ~xl.rights)) {
		if (!do_transfer(hub->vm->gpu, &xl, access->va & (GPU_PAGE_SIZE - 1), t))
			r = -EFAULT;
	} else {
		*fault = (struct fault){
			.walk = walk, .level = xl.level, .cntl = context_cntl(hub, access->vmid),
			.missing = access->need & ~(walk == WALK_OK ? xl.rights : 0),
		};
		r = -EAGAIN;
	}
	pthread_mutex_unlock(&hub->lock);
	return r;
}

static int access_page(struct access *access, const struct transfer *t)
{
	struct gpu *gpu = access->port->gpu;
	struct hub *hub = find_hub(gpu, access->port->hub);
	struct fault fault;
	bool woken = true;
	int r;

	if (!hub || access->vmid >= NUM_VMID)
		return -EFAULT;
	for (;;) {
		/* Before the walk: an invalidation during it must not be missed. */
		u64 seen = invalidations_seen(hub, access->vmid);

		r = try_page(hub, access, t, &fault);
		if (r != -EAGAIN) {
			if (!woken)
				count(gpu, "vm.retry_timeouts", 1);
			if (access->late)
				chaos_late_fault(access->port, access->va, &access->late_vector);
			return r;
		}
		if (!can_retry(access, &fault)) {
			raise_final(hub, access, &fault);
			return -EFAULT;
		}
		if (atomic_load(&access->port->stop))
			return -EINTR;
		woken = wait_retry(hub, access, &fault, seen);
		if (atomic_load(&access->port->stop))
			return -EINTR;
	}
}

static int access_range(struct vm_port *port, unsigned int vmid, u64 va, u8 need,
			void *in, const void *out, size_t len)
{
	size_t done = 0;
	int r = 0;

	while (done < len && !r) {
		struct access access = { .port = port, .vmid = vmid, .va = va + done, .need = need };
		size_t room = GPU_PAGE_SIZE - (access.va & (GPU_PAGE_SIZE - 1));
		struct transfer t = {
			.in = in ? (char *)in + done : NULL,
			.out = out ? (const char *)out + done : NULL,
			.len = len - done < room ? len - done : room,
		};

		r = access_page(&access, &t);
		if (!r)
			done += t.len;
		chaos_page(port);
	}
	if (r && in)
		memset((char *)in + done, 0, len - done);
	return r;
}

int vm_read(struct vm_port *port, unsigned int vmid, u64 va, void *buf, size_t len)
{
	return access_range(port, vmid, va, RIGHT_R, buf, NULL, len);
}

int vm_write(struct vm_port *port, unsigned int vmid, u64 va, const void *buf, size_t len)
{
	return access_range(port, vmid, va, RIGHT_W, NULL, buf, len);
}

int vm_fetch(struct vm_port *port, unsigned int vmid, u64 va, void *buf, size_t len)
{
	return access_range(port, vmid, va, RIGHT_R | RIGHT_X, buf, NULL, len);
}

int vm_atomic(struct vm_port *port, unsigned int vmid, u64 va, size_t size, atomic_op op,
	      const void *arg, u64 *old)
{
	struct access access = {
		.port = port, .vmid = vmid, .va = va, .need = RIGHT_R | RIGHT_W, .atomic = true,
	};
	struct transfer t = { .len = size, .op = op, .arg = arg, .old = old };
	int r;

	if ((size != 4 && size != 8) || va & (size - 1)) {
		verdict(port->gpu, "misaligned-atomic", "%s: vmid %u va 0x%llx size %zu",
			port->name, vmid, (unsigned long long)va, size);
		r = -EFAULT;
	} else {
		r = access_page(&access, &t);
	}
	if (r)
		*old = 0;
	return r;
}

/* ---- life ---- */

static struct hub *hub_new(struct vm *vm, unsigned int index, const struct hub_layout *layout,
			   unsigned int inst)
{
	struct hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		return NULL;
	if (tlb_init(&hub->tlb, TLB_MAX_ENTRIES)) {
		free(hub);
		return NULL;
	}
	hub->vm = vm;
	hub->index = index;
	hub->layout = layout;
	hub->inst = inst;
	hub->base = reg_base(vm->gpu, layout->hw, inst, layout->segment);
	pthread_mutex_init(&hub->lock, NULL);
	hub_hook_registers(hub);
	return hub;
}

static int make_hubs(struct vm *vm)
{
	struct gpu *gpu = vm->gpu;

	for (unsigned int i = 0; i < gpu->num_xcc; i++) {
		vm->hubs[i] = hub_new(vm, i, &gfxhub_layout, i);
		if (!vm->hubs[i])
			return -ENOMEM;
	}
	for (unsigned int i = 0; i < gpu->num_aid; i++) {
		vm->hubs[MMHUB(i)] = hub_new(vm, MMHUB(i), &mmhub_layout, i);
		if (!vm->hubs[MMHUB(i)])
			return -ENOMEM;
	}
	return 0;
}

static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

int vm_init(struct gpu *gpu)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	int r = vm ? 0 : -ENOMEM;

	if (!r) {
		vm->gpu = gpu;
		atomic_init(&vm->stale_limit, VM_STALE_LIMIT_NS);
		pthread_mutex_init(&vm->fault_lock, NULL);
		pthread_mutex_init(&vm->audit_lock, NULL);
		init_cond(&vm->fault_cond);
		init_cond(&vm->audit_cond);
		gpu->vm = vm;
		r = make_hubs(vm);
	}
	if (!r)
		r = auditor_start(vm);
	if (r) {
		fprintf(stderr, "gpu-emu: cannot make the hubs: %s\n", strerror(-r));
		vm_fini(gpu);
	}
	return r;
}

void vm_fini(struct gpu *gpu)
{
	struct vm *vm = gpu->vm;

	if (!vm)
		return;
	auditor_stop(vm);
	for (unsigned int i = 0; i < NUM_HUB; i++) {
		struct hub *hub = vm->hubs[i];

		if (!hub)
			continue;
		tlb_fini(&hub->tlb);
		pthread_mutex_destroy(&hub->lock);
		free(hub);
	}
	pthread_cond_destroy(&vm->fault_cond);
	pthread_cond_destroy(&vm->audit_cond);
	pthread_mutex_destroy(&vm->fault_lock);
	pthread_mutex_destroy(&vm->audit_lock);
	free(vm);
	gpu->vm = NULL;
}

void vm_reset(struct gpu *gpu)
{
	for (unsigned int i = 0; i < NUM_HUB; i++)
		if (gpu->vm->hubs[i])
			hub_invalidate(gpu->vm->hubs[i], (1u << NUM_VMID) - 1);
	vm_wake(gpu);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page faults: the status registers, the interrupt, and waiting for the answer.
 *
 * A final fault is raised and over. A retry fault sleeps until its CAM entry is
 * released or its VMID invalidated, then the access walks again and, if need be,
 * faults again; an access that does so for ever is the verdict "retry-livelock".
 * A timeout repeats the walk on suspicion, since hardware retries all the time;
 * when that was what helped, vm.c counts it ("vm.retry_timeouts").
 */
#include <errno.h>

#include "gc/gc_9_4_3_sh_mask.h"
#include "hub.h"

#define RETRY_TIMEOUT_NS NS_PER_SEC
#define NO_CAM_RETRY_NS 10000000ull

/*
 * The fields of VM_L2_PROTECTION_FAULT_STATUS as far as they are public: the
 * rights are V, R, W, X from bit 4 on; WALKER_ERROR numbers the causes in the
 * order of VM_L2_PROTECTION_FAULT_CNTL's bits (1 range, 2 to 4 PDE0 to PDE2, 5
 * translate further), which is an inference.
 */
static u32 fault_status(const struct access *access, const struct fault *fault)
{
	u32 error = 0, rights = fault->missing << 1;

	if (fault->walk == WALK_RANGE)
		error = 1;
	else if (fault->walk == WALK_PDE)
		error = 2 + (fault->level > 2 ? 2 : fault->level);
	else if (fault->walk == WALK_TABLE)
		error = 5;
	if (fault->walk != WALK_OK)
		rights |= 1;
	return error << VM_L2_PROTECTION_FAULT_STATUS__WALKER_ERROR__SHIFT |
	       rights << VM_L2_PROTECTION_FAULT_STATUS__PERMISSION_FAULTS__SHIFT |
	       (fault->walk == WALK_TABLE ? VM_L2_PROTECTION_FAULT_STATUS__MAPPING_ERROR_MASK : 0) |
	       (access->port->cid << VM_L2_PROTECTION_FAULT_STATUS__CID__SHIFT &
		VM_L2_PROTECTION_FAULT_STATUS__CID_MASK) |
	       (access->need & RIGHT_W ? VM_L2_PROTECTION_FAULT_STATUS__RW_MASK : 0) |
	       (access->atomic ? VM_L2_PROTECTION_FAULT_STATUS__ATOMIC_MASK : 0) |
	       access->vmid << VM_L2_PROTECTION_FAULT_STATUS__VMID__SHIFT;
}

/* The first fault stays until the driver clears it. Hub locked. */
static void latch_status(struct hub *hub, const struct access *access, const struct fault *fault)
{
	const u32 more = VM_L2_PROTECTION_FAULT_STATUS__MORE_FAULTS_MASK;
	const u32 subsequent =
		VM_L2_PROTECTION_FAULT_CNTL__ALLOW_SUBSEQUENT_PROTECTION_FAULT_STATUS_ADDR_UPDATES_MASK;
	struct gpu *gpu = hub->vm->gpu;
	u32 reg = hub->base + hub->layout->fault_status;
	u32 addr = hub->base + hub->layout->fault_addr_lo;
	u64 page = (access->va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK;
	u32 old = reg_load(gpu, reg);

	if (old && !(hub_reg(hub, hub->layout->fault_cntl) & subsequent)) {
		reg_store(gpu, reg, old | more);
		return;
	}
	reg_store(gpu, reg, fault_status(access, fault) | (old ? more : 0));
	reg_store(gpu, addr, (u32)page);
	reg_store(gpu, addr + 1, page >> 32);
}

/* Which bits of the context's CNTL let this fault interrupt. */
static bool interrupt_enabled(const struct fault *fault)
{
	u32 bits = 0;

	switch (fault->walk) {
	case WALK_RANGE:
		bits = VM_CONTEXT1_CNTL__RANGE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
		break;
	case WALK_PDE:
	case WALK_TABLE:
		bits = VM_CONTEXT1_CNTL__PDE0_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
		break;
	case WALK_INVALID:
	case WALK_NORETRY:
		bits = VM_CONTEXT1_CNTL__VALID_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
		break;
	default:
		if (fault->missing & RIGHT_R)
			bits |= VM_CONTEXT1_CNTL__READ_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
		if (fault->missing & RIGHT_W)
			bits |= VM_CONTEXT1_CNTL__WRITE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
		if (fault->missing & RIGHT_X)
			bits |= VM_CONTEXT1_CNTL__EXECUTE_PROTECTION_FAULT_ENABLE_INTERRUPT_MASK;
	}
	return fault->cntl & bits;
}

bool can_retry(const struct access *access, const struct fault *fault)
{
	if (!access->port->retry || !access->vmid)
		return false;
	if (fault->walk == WALK_NORETRY)
		return false;
	if (fault->walk == WALK_RANGE || fault->walk == WALK_TABLE)
		return fault->cntl & VM_CONTEXT1_CNTL__RETRY_OTHER_FAULT_MASK;
	return fault->cntl & VM_CONTEXT1_CNTL__RETRY_PERMISSION_OR_INVALID_PAGE_FAULT_MASK;
}

static void raise_fault(struct hub *hub, const struct access *access, const struct fault *fault,
			bool retry, u32 cam, struct ih_vector *raised)
{
	struct vm_port *port = access->port;
	u64 page = (access->va >> GPU_PAGE_SHIFT) & VA_PAGE_MASK;
	struct ih_vector v = {
		.client_id = port->client_id,
		/*
		 * The driver of compute reads the reason from the ring id: bit 3
		 * no valid page, 4 no right to read, 5 none to write.
		 */
		.ring_id = (port->ring_id & 7) | (fault->walk != WALK_OK ? 8 : 0) |
			   (fault->missing & RIGHT_R ? 16 : 0) | (fault->missing & RIGHT_W ? 32 : 0),
		.vmid = access->vmid,
		.vmid_type = port->hub >= MAX_XCC,
		.pasid = ih_pasid(port->gpu, port->hub, access->vmid),
		.node_id = port->node_id,
	};

	v.src_data[0] = (u32)page;
	v.src_data[1] = (page >> 32 & 0xf) | (retry ? FAULT_RETRY : 0) |
			(access->need & RIGHT_W ? FAULT_WRITE : 0) |
			(access->need & RIGHT_R ? FAULT_READ : 0) |
			(access->need & RIGHT_X ? FAULT_EXECUTE : 0);
	v.src_data[2] = cam;
	pthread_mutex_lock(&hub->lock);
	latch_status(hub, access, fault);
	pthread_mutex_unlock(&hub->lock);
	trace(port->gpu, TRACE_VM, "%s: %s fault vmid %u pasid %u va 0x%llx need %x walk %d cam %u",
	      port->name, retry ? "retry" : "final", access->vmid, v.pasid,
	      (unsigned long long)access->va, access->need, fault->walk, cam);
	if (interrupt_enabled(fault))
		ih_raise(port->gpu, &v);
	*raised = v;
}

void raise_final(struct hub *hub, const struct access *access, const struct fault *fault)
{
	count(hub->vm->gpu, interrupt_enabled(fault) ? "vm.final_faults" : "vm.masked_faults", 1);
	raise_fault(hub, access, fault, false, 0, &(struct ih_vector){ 0 });
}

u64 invalidations_seen(struct hub *hub, unsigned int vmid)
{
	u64 n;

	pthread_mutex_lock(&hub->vm->fault_lock);
	n = hub->invalidations[vmid];
	pthread_mutex_unlock(&hub->vm->fault_lock);
	return n;
}

/* What a waiting access has seen of the events that may end its wait. */
struct events {
	u64 invalidations;
	u64 wakes;
	u64 release;
	u64 all_releases;
};

static struct events events_seen(struct hub *hub, const struct access *access, int cam)
{
	struct vm *vm = hub->vm;

	return (struct events){
		.invalidations = hub->invalidations[access->vmid], .wakes = vm->wakes,
		.release = cam >= 0 ? vm->releases[cam] : 0, .all_releases = vm->all_releases,
	};
}

static void chaos_on_fault(struct access *access, const struct ih_vector *raised)
{
	chaos_duplicate_fault(access->port, access->va, raised);
	if (!access->late)
		access->late = chaos_keep_fault(access->port, raised, &access->late_vector);
}

bool wait_retry(struct hub *hub, struct access *access, const struct fault *fault,
		u64 invalidations)
{
	struct vm *vm = hub->vm;
	struct events seen, now;
	struct ih_vector raised;
	struct timespec ts;
	bool fresh = false, woken = true;
	int cam = -1;

	pthread_mutex_lock(&vm->fault_lock);
	/* A masked fault must not occupy the CAM: nobody would release it. */
	if (interrupt_enabled(fault))
		cam = ih_cam_insert(vm->gpu, hub->index, access->vmid, access->va, &fresh);
	if (cam >= CAM_ENTRIES)
		cam = -1;
	seen = events_seen(hub, access, cam);
	seen.invalidations = invalidations;
	pthread_mutex_unlock(&vm->fault_lock);

	if (fresh) {
		count(vm->gpu, "vm.retry_faults", 1);
		if (cam >= 0 && ++access->faults == VM_MAX_REFAULTS)
			verdict(vm->gpu, "retry-livelock",
				"%s: hub %u vmid %u va 0x%llx need %x: %u faults and no page",
				access->port->name, hub->index, access->vmid,
				(unsigned long long)access->va, access->need, access->faults);
		raise_fault(hub, access, fault, true, cam < 0 ? 0 : (u32)cam, &raised);
		if (vm->gpu->chaos && cam >= 0)
			chaos_on_fault(access, &raised);
	} else if (cam >= 0) {
		count(vm->gpu, "vm.retry_joined", 1);
	}
	/* A fresh fault without an index: there is no CAM, each retry interrupts. */
	ts = deadline(fresh && cam < 0 ? NO_CAM_RETRY_NS : RETRY_TIMEOUT_NS);
	pthread_mutex_lock(&vm->fault_lock);
	while (woken && !atomic_load(&access->port->stop)) {
		now = events_seen(hub, access, cam);
		if (now.invalidations != seen.invalidations || now.wakes != seen.wakes ||
		    now.release != seen.release ||
		    (cam < 0 && now.all_releases != seen.all_releases))
			break;
		woken = pthread_cond_timedwait(&vm->fault_cond, &vm->fault_lock, &ts) != ETIMEDOUT;
	}
	pthread_mutex_unlock(&vm->fault_lock);
	return woken || (fresh && cam < 0);
}

void vm_retry_release(struct gpu *gpu, u32 cam_index)
{
	struct vm *vm = gpu->vm;

	if (!vm || cam_index >= CAM_ENTRIES)
		return;
	pthread_mutex_lock(&vm->fault_lock);
	vm->releases[cam_index]++;
	vm->all_releases++;
	pthread_cond_broadcast(&vm->fault_cond);
	pthread_mutex_unlock(&vm->fault_lock);
}

void vm_pause(struct vm_port *port, unsigned int us)
{
	struct timespec ts = deadline(us * 1000ull);
	struct vm *vm = port->gpu->vm;
	int r = 0;

	pthread_mutex_lock(&vm->fault_lock);
	while (r != ETIMEDOUT && !atomic_load(&port->stop))
		r = pthread_cond_timedwait(&vm->fault_cond, &vm->fault_lock, &ts);
	pthread_mutex_unlock(&vm->fault_lock);
}

void vm_wake(struct gpu *gpu)
{
	pthread_mutex_lock(&gpu->vm->fault_lock);
	gpu->vm->wakes++;
	pthread_cond_broadcast(&gpu->vm->fault_cond);
	pthread_mutex_unlock(&gpu->vm->fault_lock);
}

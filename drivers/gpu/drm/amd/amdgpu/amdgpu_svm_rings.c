// SPDX-License-Identifier: GPL-2.0-only

#include "amdgpu.h"
#include "amdgpu_svm.h"
#include "amdgpu_svm_priv.h"

/**
 * DOC: SDMA rings
 *
 * An SDMA ring runs one job after the other, and a job of a process may wait there for
 * a fault. What serves the fault must not be behind it: to get a page table the
 * driver may have to move something out of VRAM, by a job of its own. So on devices with
 * SVM the engines with even numbers run the driver's jobs, and those with odd
 * numbers the processes'. A partition that has engines of one kind only keeps them for
 * both.
 *
 * It does not help against a move that waits for the job that faults, because the
 * job uses what is moved. Queues of KFD are not concerned: each has a ring of its own.
 */

static bool is_drivers(struct drm_gpu_scheduler *sched)
{
	return !(to_amdgpu_ring(sched)->me & 1);
}

/* Drop the rings of the other side, unless that is all of them. */
static void keep(struct drm_gpu_scheduler **scheds, unsigned int *num, bool drivers)
{
	unsigned int i, n = 0;

	for (i = 0; i < *num; i++)
		if (is_drivers(scheds[i]) == drivers)
			scheds[n++] = scheds[i];
	if (n)
		*num = n;
}

static void keep_for_processes(struct amdgpu_sched *of_prio)
{
	int prio;

	for (prio = 0; prio < AMDGPU_RING_PRIO_MAX; prio++)
		keep(of_prio[prio].sched, &of_prio[prio].num_scheds, false);
}

/**
 * amdgpu_svm_split_rings() - keep the driver's SDMA jobs apart from those of processes
 * @adev: the device
 *
 * Called when the driver has listed the rings, for all lists: what was split stays so.
 * Nothing is submitted by a process meanwhile.
 */
void amdgpu_svm_split_rings(struct amdgpu_device *adev)
{
	struct amdgpu_xcp_mgr *partitions = adev->xcp_mgr;
	int i;

	if (!amdgpu_svm_is_supported(adev))
		return;
	keep(adev->mman.buffer_funcs_scheds, &adev->mman.num_buffer_funcs_scheds, true);
	keep(adev->vm_manager.vm_pte_scheds, &adev->vm_manager.vm_pte_num_scheds, true);
	keep_for_processes(adev->gpu_sched[AMDGPU_HW_IP_DMA]);
	for (i = 0; partitions && i < MAX_XCP; i++)
		keep_for_processes(partitions->xcp[i].gpu_sched[AMDGPU_HW_IP_DMA]);
}

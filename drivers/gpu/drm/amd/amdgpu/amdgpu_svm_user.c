// SPDX-License-Identifier: GPL-2.0-only

#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/userfaultfd_k.h>

#include "amdgpu_svm_priv.h"

/**
 * DOC: Waiting for user space
 *
 * Memory under userfaultfd(2) is provided by a program, which may take forever, or
 * until the GPU does what waits for it. hmm_range_fault() does not wait for that, and
 * no lane should. So each such fault gets a thread, which waits, and then calls back;
 * the fault keeps the engine waiting meanwhile and nobody else.
 *
 * A wait ends when the page is there, when the program closes its userfaultfd, or
 * with amdgpu_svm_stop_waiting(), by a signal that only these threads take. Owns
 * &amdgpu_svm.waiters, under &amdgpu_svm.queue_lock.
 *
 * It does not look at page tables: what the page is good for is found out by serving the
 * request again.
 */

struct svm_waiter {
	struct list_head link;
	struct task_struct *task;
	struct amdgpu_svm *svm;
	unsigned long addr;
	bool write;
	void (*done)(void *data);
	void *data;
};

/**
 * amdgpu_svm_watch_of() - does a program provide the memory at an address?
 * @svm: the VM's SVM; the caller keeps the mm's users and has not its lock
 * @addr: the address
 * @write: whether the program hears of a write, or of a read
 *
 * Return: AMDGPU_SVM_WATCHED if userfaultfd(2) has to do with the memory, and
 * AMDGPU_SVM_WATCH_HEARS if it may be told of the access.
 */
unsigned int amdgpu_svm_watch_of(struct amdgpu_svm *svm, unsigned long addr, bool write)
{
	struct mm_struct *mm = svm->gpusvm.mm;
	struct vm_area_struct *vma;
	unsigned int watch = 0;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && userfaultfd_armed(vma))
		watch |= AMDGPU_SVM_WATCHED;
	if (vma && (userfaultfd_missing(vma) || userfaultfd_minor(vma) ||
		    (write && userfaultfd_wp(vma))))
		watch |= AMDGPU_SVM_WATCH_HEARS;
	mmap_read_unlock(mm);
	return watch;
}

static void wait_for_page(const struct svm_waiter *waiter)
{
	struct mm_struct *mm = waiter->svm->gpusvm.mm;
	bool unlocked = false;

	if (!mmget_not_zero(mm))
		return;
	if (!mmap_read_lock_killable(mm)) {
		/* Whatever comes of it, the request is served again and told. */
		fixup_user_fault(mm, waiter->addr, waiter->write ? FAULT_FLAG_WRITE : 0, &unlocked);
		mmap_read_unlock(mm);
	}
	mmput(mm);
}

static int wait_thread(void *data)
{
	struct svm_waiter *waiter = data;
	struct amdgpu_svm *svm = waiter->svm;

	allow_signal(SIGKILL);
	/*
	 * A signal before that was lost, and then @closing was set before it: both
	 * this and amdgpu_svm_stop_waiting() have taken the signal lock since.
	 */
	if (!READ_ONCE(svm->closing))
		wait_for_page(waiter);
	spin_lock(&svm->queue_lock);
	list_del(&waiter->link);
	spin_unlock(&svm->queue_lock);
	/* Takes the reference of @svm along. */
	waiter->done(waiter->data);
	kfree(waiter);
	module_put_and_kthread_exit(0);
}

static int start(struct svm_waiter *waiter)
{
	struct amdgpu_svm *svm = waiter->svm;
	int r = 0;

	waiter->task = kthread_create(wait_thread, waiter, "amdgpu-svm/%d", svm->pid);
	if (IS_ERR(waiter->task))
		return PTR_ERR(waiter->task);
	spin_lock(&svm->queue_lock);
	if (svm->closing)
		r = -ESHUTDOWN;
	else
		list_add(&waiter->link, &svm->waiters);
	spin_unlock(&svm->queue_lock);
	if (r)
		kthread_stop(waiter->task);
	else
		wake_up_process(waiter->task);
	return r;
}

/**
 * amdgpu_svm_wait_for_user() - have a page provided by a program
 * @svm: the VM's SVM
 * @addr: address of the page
 * @write: to be written
 * @done: called when it is there or never will be, from a thread of its own
 * @data: for @done, with a reference of @svm for it to give back
 *
 * Return: 0, or a negative error, and then @done is not called.
 */
int amdgpu_svm_wait_for_user(struct amdgpu_svm *svm, unsigned long addr, bool write,
			     void (*done)(void *data), void *data)
{
	struct svm_waiter *waiter = kmalloc_obj(*waiter);
	int r;

	if (!waiter)
		return -ENOMEM;
	*waiter = (struct svm_waiter) {
		.svm = svm, .addr = addr, .write = write, .done = done, .data = data,
	};
	__module_get(THIS_MODULE);
	r = start(waiter);
	if (r) {
		module_put(THIS_MODULE);
		kfree(waiter);
	}
	return r;
}

/**
 * amdgpu_svm_stop_waiting() - end all waits
 * @svm: the VM's SVM, closing
 *
 * They end soon, not necessarily before this returns.
 */
void amdgpu_svm_stop_waiting(struct amdgpu_svm *svm)
{
	struct svm_waiter *waiter;

	spin_lock(&svm->queue_lock);
	list_for_each_entry(waiter, &svm->waiters, link)
		send_sig(SIGKILL, waiter->task, 1);
	spin_unlock(&svm->queue_lock);
}

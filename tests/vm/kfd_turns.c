// SPDX-License-Identifier: MIT
/*
 * More queues than the hardware has places, and more processes than it has address
 * spaces: they take turns, in the middle of page faults as well, and none of them
 * notices.
 *
 * KFD's state is a process's and does not survive a fork, so the work is done by
 * children, and the parent never opens the device.
 *
 * A process that comes back may have another address space, where it faults anew while the
 * driver still has its first fault: so the driver serves faults of processes that are done.
 * What faults here stays in system memory because 7.2.12 does not survive that otherwise,
 * see kfd_svm --shared.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../emu/kernels.h"
#include "kfd_queue.h"
#include "tap.h"

#define SECONDS 90
#define PAGE 4096u
#define DWORDS (16u * PAGE / 4)
#define BYTES (DWORDS * 4)
#define ROUNDS 4u
/*
 * The driver leaves 24 places of an XCC to users, and 13 address spaces. Not many more
 * than that, as each queue has a save area of 24 MiB.
 */
#define MANY_QUEUES 28u
#define MANY_PROCESSES 16u

/* A queue and what it adds up, in place: twice or not at all shows. */
struct adder {
	struct kfd_queue queue;
	struct kernel_args *args;
	uint32_t *sum, *b;
	struct kfd_buffer buffers[2];
};

static struct kfd kfd;
static struct kfd_buffer code;	/* the kernel's object, then arguments */

static int set_up(int xnack)
{
	int err = kfd_open(&kfd);

	if (!err)
		err = kfd_set_xnack(&kfd, xnack);
	if (!err)
		err = kfd_buffer_alloc(&kfd, &code, 2 * PAGE);
	if (!err)
		kernel_object_build(code.cpu, KERNEL_ADD);
	return err;
}

static int map_memory(uint32_t **out)
{
	void *mem = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		return -errno;
	*out = mem;
	return kfd_keep_in_system(&kfd, mem, BYTES);
}

/* Operands that fault, or that the GPU has already. */
static int get_operands(struct adder *a, bool faulting)
{
	int err = 0;

	if (faulting) {
		err = map_memory(&a->sum);
		return err ? err : map_memory(&a->b);
	}
	for (unsigned int i = 0; !err && i < 2; i++)
		err = kfd_buffer_alloc(&kfd, &a->buffers[i], BYTES);
	a->sum = a->buffers[0].cpu;
	a->b = a->buffers[1].cpu;
	return err;
}

static int adder_open(struct adder *a, unsigned int number, bool faulting)
{
	int err = get_operands(a, faulting);

	if (err)
		return err;
	for (uint32_t i = 0; i < DWORDS; i++)
		a->b[i] = i + number;
	a->args = (struct kernel_args *)((char *)code.cpu + PAGE) + number;
	*a->args = (struct kernel_args){
		.dst = (uintptr_t)a->sum, .a = (uintptr_t)a->sum, .b = (uintptr_t)a->b,
		.count = DWORDS,
	};
	return kfd_aql_open(&kfd, &a->queue);
}

static void adder_start(struct adder *a)
{
	kfd_aql_dispatch(&a->queue, code.cpu, a->args, DWORDS);
	kfd_queue_submit(&a->queue);
}

static int adder_check(const struct adder *a, uint32_t rounds)
{
	for (uint32_t i = 0; i < DWORDS; i++)
		if (a->sum[i] != rounds * a->b[i])
			return -EBADMSG;
	return 0;
}

/* All queues have work at the same time, round after round. */
static int run_adders(struct adder *adders, unsigned int count)
{
	int err = 0;

	for (uint32_t round = 1; !err && round <= ROUNDS; round++) {
		for (unsigned int i = 0; i < count; i++)
			adder_start(&adders[i]);
		for (unsigned int i = 0; !err && i < count; i++)
			err = kfd_queue_wait(&adders[i].queue, SECONDS);
		for (unsigned int i = 0; !err && i < count; i++)
			err = adder_check(&adders[i], round);
	}
	return err;
}

static int many_queues_child(bool faulting)
{
	static struct adder adders[MANY_QUEUES];
	int err = set_up(1);

	for (unsigned int i = 0; !err && i < MANY_QUEUES; i++)
		err = adder_open(&adders[i], i, faulting);
	if (!err)
		err = run_adders(adders, MANY_QUEUES);
	for (unsigned int i = 0; !err && i < MANY_QUEUES; i++)
		err = kfd_queue_close(&adders[i].queue);
	return err;
}

/* @ready gets a byte when the queue is there, @go ends when all are. */
static int one_process_child(int xnack, int ready, int go)
{
	struct adder adder = { 0 };
	char byte = 0;
	int err = set_up(xnack);

	if (!err)
		err = adder_open(&adder, 0, xnack);
	if (!err && write(ready, &byte, 1) != 1)
		err = -EIO;
	if (!err && read(go, &byte, 1) != 0)
		err = -EIO;
	return err ? err : run_adders(&adder, 1);
}

/* ---- children ---- */

/* Exit status of a child: an error number, which is what CHECK_ERR() wants. */
static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

static void many_queues(bool faulting)
{
	pid_t pid = fork();

	if (!pid)
		_exit(-many_queues_child(faulting));
	CHECK(pid > 0);
	CHECK_ERR(status_of(pid), 0);
}

static void queues_on_buffers_take_turns(void)
{
	many_queues(false);
}

static void queues_that_fault_take_turns(void)
{
	many_queues(true);
}

/* @xnack: of the even and of the odd processes. */
static void many_processes(unsigned int count, const int xnack[2])
{
	int ready[2], go[2], err = 0;
	pid_t pids[MANY_PROCESSES];
	char byte;

	CHECK_EQ(pipe(ready), 0);
	CHECK_EQ(pipe(go), 0);
	for (unsigned int i = 0; i < count; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			close(go[1]);
			close(ready[0]);
			_exit(-one_process_child(xnack[i & 1], ready[1], go[0]));
		}
		CHECK(pids[i] > 0);
	}
	close(ready[1]);
	close(go[0]);
	/* One that fails says nothing, and its status tells. */
	for (unsigned int i = 0; i < count && read(ready[0], &byte, 1) == 1; i++)
		;
	close(go[1]);
	close(ready[0]);
	for (unsigned int i = 0; i < count; i++) {
		int status = status_of(pids[i]);

		err = err ? err : status;
	}
	CHECK_ERR(err, 0);
}

static void processes_take_turns(void)
{
	many_processes(MANY_PROCESSES, (const int[]){ 1, 1 });
}

static void processes_with_and_without_xnack(void)
{
	many_processes(4, (const int[]){ 1, 0 });
}

static const struct tap_test tests[] = {
	{ "more queues than places, on buffers", queues_on_buffers_take_turns },
	{ "more queues than places, with page faults", queues_that_fault_take_turns },
	{ "more processes than address spaces", processes_take_turns },
	{ "processes with and without XNACK", processes_with_and_without_xnack },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}

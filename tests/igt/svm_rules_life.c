// SPDX-License-Identifier: MIT
/* Processes, files and devices that end, and descriptors that get about. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kfd_ioctl.h>

#include "svm_rules.h"
#include "svm_system.h"

#define FAULTING_MIBS 8
#define MOMENT_US 10000
#define MOMENTS 6000
#define NOTIFIER_SIZE (64 * MIB)
#define TAKEN (2 * MIB)
#define RESETS 5

/* ---- children ---- */

/* Runs @child in a process of its own; it ends with what that returns, or differently. */
static int run_child(bool (*child)(int arg), int arg)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(child(arg) ? 0 : 1);
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status;
}

/* The GPU still does what it should, for a process that comes after. */
static bool gpu_works(void)
{
	char *mem = map_at(NULL, 16 * PAGE, RW);
	struct worker w;
	struct gpu gpu;
	bool good;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(worker_open(&w, &gpu, 0));
	good = exchange(&w, mem, 16 * PAGE);
	worker_close(&w);
	gpu_close(&gpu);
	munmap(mem, 16 * PAGE);
	return good;
}

/* A GPU in the middle of a job that faults again and again. */
struct busy {
	struct gpu gpu;
	struct gpu_job job;
	char *mem;
};

static bool open_busy(struct busy *b)
{
	TRY_EQ(gpu_open(&b->gpu, NULL), 0);
	b->mem = map_aligned(FAULTING_MIBS * MIB);
	TRY_EQ(svm_set(&b->gpu, b->mem, FAULTING_MIBS * MIB, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
	return true;
}

/* @faults: how many have been taken when it returns, at least. */
static bool keep_busy(struct busy *b, int faults)
{
	int64_t enough = svm_counter(&b->gpu, "faults") + faults;

	TRY(gpu_submit_fills(&b->gpu, &b->job, b->mem, FAULTING_MIBS));
	for (int i = 0; i < MOMENTS && svm_counter(&b->gpu, "faults") < enough; i++)
		usleep(MOMENT_US);
	TRY(svm_counter(&b->gpu, "faults") >= enough);
	return true;
}

static bool get_busy(struct busy *b, int faults)
{
	return open_busy(b) && keep_busy(b, faults);
}

static bool child_exits(int faults)
{
	static struct busy b;

	return get_busy(&b, faults);
}

static bool child_is_killed(int faults)
{
	static struct busy b;

	TRY(get_busy(&b, faults));
	kill(getpid(), SIGKILL);
	return false;
}

static bool child_unmaps(int faults)
{
	static struct busy b;

	TRY(get_busy(&b, faults));
	TRY(!munmap(b.mem, FAULTING_MIBS * MIB));
	TRY_EQ(gpu_job_wait(&b.job, gpu_job_seconds()), 0);
	return true;
}

/* Nobody has it open any more: neither a process nor a driver that waits. */
static bool client_is_gone(uint64_t client)
{
	char path[96];

	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/client-%" PRIu64, client);
	for (int i = 0; i < MOMENTS && !access(path, F_OK); i++)
		usleep(MOMENT_US);
	TRY(access(path, F_OK));
	return true;
}

/* The process goes on without the GPU, and has it again afterwards. */
static bool child_closes(int faults)
{
	static struct busy b;
	uint64_t client;

	TRY(get_busy(&b, faults));
	client = svm_client(&b.gpu);
	/* A view of a buffer object would keep the file open. */
	TRY_EQ(amdgpu_bo_cpu_unmap(b.job.ib.bo), 0);
	gpu_close(&b.gpu);
	TRY(client_is_gone(client));
	TRY(!munmap(b.mem, FAULTING_MIBS * MIB));
	return gpu_works();
}

bool rule_exit_with_faults(void)
{
	for (int faults = 1; faults <= 3; faults++)
		TRY_EQ(run_child(child_exits, faults), 0);
	return gpu_works();
}

bool rule_kill_with_faults(void)
{
	for (int faults = 1; faults <= 8; faults++)
		TRY_EQ(run_child(child_is_killed, faults), SIGKILL);
	return gpu_works();
}

bool rule_munmap_with_faults(void)
{
	for (int faults = 1; faults <= 3; faults++)
		TRY_EQ(run_child(child_unmaps, faults), 0);
	return gpu_works();
}

bool rule_close_with_faults(void)
{
	for (int faults = 1; faults <= 6; faults++)
		TRY_EQ(run_child(child_closes, faults), 0);
	return gpu_works();
}

/* ---- the same, while a fault waits for a program that never gives the page ---- */

static bool get_waiting(struct gpu *gpu, struct held_page *held, int ip)
{
	TRY_EQ(gpu_open(gpu, NULL), 0);
	return held_page_take(held, gpu, ip);
}

static bool child_exits_waited_for(int ip)
{
	static struct held_page held;
	static struct gpu gpu;

	return get_waiting(&gpu, &held, ip);
}

static bool child_is_killed_waited_for(int ip)
{
	static struct held_page held;
	static struct gpu gpu;

	TRY(get_waiting(&gpu, &held, ip));
	kill(getpid(), SIGKILL);
	return false;
}

/* The descriptor of userfaultfd stays open until then: closing that ends all waits, too. */
static bool child_closes_waited_for(int ip)
{
	static struct held_page held;
	static struct gpu gpu;
	uint64_t client;

	TRY(get_waiting(&gpu, &held, ip));
	client = svm_client(&gpu);
	TRY_EQ(amdgpu_bo_cpu_unmap(held.job.ib.bo), 0);
	gpu_close(&gpu);
	TRY(client_is_gone(client));
	close(held.fd);
	munmap(held.mem, PAGE);
	return gpu_works();
}

bool rule_exit_with_waiting_fault(void)
{
	TRY_EQ(run_child(child_exits_waited_for, AMDGPU_HW_IP_DMA), 0);
	TRY_EQ(run_child(child_exits_waited_for, AMDGPU_HW_IP_COMPUTE), 0);
	TRY_EQ(run_child(child_is_killed_waited_for, AMDGPU_HW_IP_DMA), SIGKILL);
	TRY_EQ(run_child(child_is_killed_waited_for, AMDGPU_HW_IP_COMPUTE), SIGKILL);
	return gpu_works();
}

bool rule_close_with_waiting_fault(void)
{
	TRY_EQ(run_child(child_closes_waited_for, AMDGPU_HW_IP_DMA), 0);
	TRY_EQ(run_child(child_closes_waited_for, AMDGPU_HW_IP_COMPUTE), 0);
	return gpu_works();
}

/* ---- the address space that it belongs to ---- */

static bool all_eperm(struct gpu *gpu, void *mem)
{
	TRY_EQ(svm_set(gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), -EPERM);
	TRY_EQ(svm_get(gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), -EPERM);
	TRY_EQ(svm_reset(gpu, mem, PAGE), -EPERM);
	return true;
}

static bool other_mm_has_it(struct worker *w, char *mem)
{
	TRY(all_eperm(w->gpu, mem));
	/* A job would be for the memory of who opened the file, whoever submits it. */
	emit_fill(&w->sdma, (uintptr_t)mem, 0xfdfdfdfd, PAGE);
	TRY_EQ(gpu_job_submit(&w->sdma), -EPERM);
	return true;
}

bool rule_fd_in_other_mm(struct worker *w)
{
	char *mem = map_at(NULL, 2 * PAGE, RW);
	pid_t pid;
	int status;

	memset(mem, 0, 2 * PAGE);
	TRY_EQ(svm_set(w->gpu, mem + PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 3), 0);
	pid = fork();
	TRY(pid >= 0);
	if (!pid)
		_exit(other_mm_has_it(w, mem) ? 0 : 1);
	TRY_EQ(waitpid(pid, &status, 0), pid);
	TRY_EQ(status, 0);
	TRY(has_value(mem, 0, PAGE));
	TRY_EQ(svm_get(w->gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), 0);
	TRY_EQ(svm_get(w->gpu, mem + PAGE, PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	munmap(mem, 2 * PAGE);
	return true;
}

/* ---- a VMID that others had since ---- */

#define LATE_PAGES 32
#define LATE_SIZE (LATE_PAGES * PAGE)

/* Who has no use for SVM: a client that got its file from a display server, for instance. */
static bool draws(struct gpu *gpu)
{
	struct worker w;

	TRY(worker_open(&w, gpu, 0));
	TRY(gpu_draws(&w));
	worker_close(&w);
	return true;
}

static bool passer_by(void)
{
	struct gpu gpu;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(draws(&gpu));
	gpu_close(&gpu);
	return true;
}

/* Memory that the GPU has not got. */
static bool new_series(char *mem, uint32_t first)
{
	TRY(!madvise(mem, LATE_SIZE, MADV_DONTNEED));
	put_series(mem, first, LATE_SIZE);
	return true;
}

/*
 * A GPU that delivers faults late and twice (chaos late-fault of the emulator) does so when
 * others have had the VMID, and are gone. The rest of the driver has its dummy page for
 * faults that nobody serves.
 */
bool rule_late_faults_at_a_new_owners_vmid(struct worker *w)
{
	char *mem = map_aligned(LATE_SIZE);

	TRY_EQ(svm_set(w->gpu, mem, LATE_SIZE, AMDGPU_SVM_ATTR_GRANULARITY, 0), 0);
	for (uint32_t i = 0; i < 4; i++) {
		TRY(new_series(mem, i));
		TRY(gpu_reads_series(w, mem, i, LATE_SIZE));
		TRY(new_series(mem, 0x1a7e + i));
		for (int k = 0; k < 6; k++)
			TRY(passer_by());
		TRY(gpu_reads_series(w, mem, 0x1a7e + i, LATE_SIZE));
	}
	munmap(mem, LATE_SIZE);
	return true;
}

/* ---- files of others ---- */

bool rule_fd_given_away(void)
{
	void *mem = map_at(NULL, PAGE, RW);
	struct gpu gpu;
	int status;
	pid_t pid;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	pid = fork();
	TRY(pid >= 0);
	if (!pid)
		_exit(draws(&gpu) ? 0 : 1);
	TRY_EQ(waitpid(pid, &status, 0), pid);
	TRY_EQ(status, 0);
	TRY_EQ(svm_set(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), -EOPNOTSUPP);
	gpu_close(&gpu);
	munmap(mem, PAGE);
	return true;
}

static bool maps_and_dies(struct gpu *gpu)
{
	struct gpu_buffer buf;

	TRY_EQ(gpu_buffer_alloc(gpu, &buf, PAGE, AMDGPU_GEM_DOMAIN_GTT), 0);
	kill(getpid(), SIGKILL);
	return false;
}

/*
 * The last one to change the VM's page tables is killed, which ends the scheduling of
 * their jobs; the buffer that is unmapped then keeps its entries.
 */
bool rule_other_user_killed(void)
{
	struct gpu_buffer buf;
	struct gpu gpu;
	int status;
	char *mem;
	pid_t pid;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY_EQ(gpu_buffer_alloc(&gpu, &buf, PAGE, AMDGPU_GEM_DOMAIN_GTT), 0);
	pid = fork();
	TRY(pid >= 0);
	if (!pid)
		_exit(maps_and_dies(&gpu) ? 0 : 1);
	TRY_EQ(waitpid(pid, &status, 0), pid);
	TRY_EQ(status, SIGKILL);
	gpu_buffer_free(&buf);
	mem = map_aligned(2 * MIB);
	memset(mem, 1, 2 * MIB);
	TRY_EQ(svm_set(&gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC,
		       AMDGPU_SVM_LOCATION_SYSMEM), 0);
	gpu_close(&gpu);
	munmap(mem, 2 * MIB);
	return gpu_works();
}

struct first_user {
	struct gpu *gpu;
	pthread_t thread;
	char *mem;
	int err;
};

static void *use_first(void *arg)
{
	struct first_user *user = arg;

	user->err = svm_set(user->gpu, user->mem, PAGE, AMDGPU_SVM_ATTR_GRANULARITY, 3);
	return NULL;
}

/* The first to call are a stranger, then four threads at once. */
bool rule_lazy_creation(void)
{
	struct first_user users[4];
	char *mem = map_at(NULL, 4 * PAGE, RW);
	struct gpu gpu;
	int status;
	pid_t pid;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	pid = fork();
	TRY(pid >= 0);
	if (!pid)
		_exit(all_eperm(&gpu, mem) ? 0 : 1);
	TRY_EQ(waitpid(pid, &status, 0), pid);
	TRY_EQ(status, 0);
	for (int i = 0; i < 4; i++) {
		users[i] = (struct first_user){ .gpu = &gpu, .mem = mem + i * PAGE };
		TRY(!pthread_create(&users[i].thread, NULL, use_first, &users[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(users[i].thread, NULL);
		TRY_EQ(users[i].err, 0);
	}
	TRY_EQ(svm_get(&gpu, mem, 4 * PAGE, AMDGPU_SVM_ATTR_GRANULARITY), 3);
	gpu_close(&gpu);
	munmap(mem, 4 * PAGE);
	return true;
}

/* Lines of all addresses, until there is none, but not for ever. */
static bool lines_go(struct gpu *gpu, const char *name)
{
	for (int i = 0; i < MOMENTS && svm_lines(gpu, name, NULL, SIZE_MAX); i++)
		usleep(MOMENT_US);
	TRY_EQ(svm_lines(gpu, name, NULL, SIZE_MAX), 0);
	return true;
}

static bool use_memory(struct gpu *gpu, char *mem, size_t size)
{
	struct worker w;

	TRY_EQ(svm_set(gpu, mem, size, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY(worker_open(&w, gpu, 0));
	TRY(gpu_fill(&w, mem, 1, size));
	worker_close(&w);
	TRY(svm_lines(gpu, "svm_ranges", mem, size) > 0);
	TRY(svm_lines(gpu, "svm_attributes", mem, size) > 0);
	return true;
}

#define AFTER_EXEC "AMD_SVM_AFTER_EXEC"

static bool finds_nothing(int fd)
{
	void *mem = map_at(NULL, PAGE, RW);
	struct drm_amdgpu_gem_svm args = {
		.start_addr = (uintptr_t)mem, .size = PAGE, .operation = AMDGPU_SVM_OP_RESET_ATTR,
	};
	struct gpu gpu = { .fd = fd };

	TRY(ioctl(fd, DRM_IOCTL_AMDGPU_GEM_SVM, &args) && errno == EPERM);
	TRY(lines_go(&gpu, "svm_ranges"));
	TRY(lines_go(&gpu, "svm_attributes"));
	return true;
}

/* The program that rule_exec() becomes: this one, with a descriptor from before. */
__attribute__((constructor)) static void after_exec(void)
{
	const char *fd = getenv(AFTER_EXEC);

	if (fd)
		_exit(finds_nothing(atoi(fd)) ? 0 : 1);
}

static bool child_execs(int size)
{
	char *mem = map_aligned(size), fd[16];
	struct gpu gpu;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(use_memory(&gpu, mem, size));
	TRY(!fcntl(gpu.fd, F_SETFD, 0));
	snprintf(fd, sizeof(fd), "%d", gpu.fd);
	setenv(AFTER_EXEC, fd, 1);
	execl("/proc/self/exe", "amd_svm_rules", NULL);
	return false;
}

bool rule_exec(void)
{
	TRY_EQ(run_child(child_execs, 2 * MIB), 0);
	return gpu_works();
}

/* The memory has gone, the file has not: nothing may be mapped, and no job may hang. */
static bool heir_finds_nothing(struct gpu *gpu, char *mem)
{
	struct worker w;

	TRY(lines_go(gpu, "svm_ranges"));
	TRY(all_eperm(gpu, mem));
	TRY(worker_open(&w, gpu, 0));
	memset(mem, 0, PAGE);
	TRY(gpu_fill(&w, mem, 0xdeaddead, PAGE));
	TRY(has_value(mem, 0, PAGE));
	TRY_EQ(svm_lines(gpu, "svm_ranges", mem, 2 * MIB), 0);
	worker_close(&w);
	return true;
}

/* Ends and leaves the file to a child, which waits until it has, and tells. */
static bool child_leaves_an_heir(int tell)
{
	static struct gpu gpu;
	char *mem = map_aligned(2 * MIB), result;
	pid_t parent = getpid(), pid;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(use_memory(&gpu, mem, 2 * MIB));
	pid = fork();
	TRY(pid >= 0);
	if (pid)
		return true;
	for (int i = 0; i < MOMENTS && getppid() == parent; i++)
		usleep(MOMENT_US);
	result = heir_finds_nothing(&gpu, mem) ? 'y' : 'n';
	_exit(write(tell, &result, 1) == 1 ? 0 : 1);
}

bool rule_release(void)
{
	char result = 'n';
	int tell[2];

	TRY(!pipe(tell));
	TRY_EQ(run_child(child_leaves_an_heir, tell[1]), 0);
	close(tell[1]);
	TRY_EQ(read(tell[0], &result, 1), 1);
	close(tell[0]);
	TRY_EQ(result, 'y');
	return gpu_works();
}

/* ---- KFD ---- */

/* KFD's name for the only GPU. */
static unsigned int kfd_gpu_id(void)
{
	unsigned int id = 0;
	char path[96];
	FILE *file;

	for (int node = 0; !id && node < 16; node++) {
		snprintf(path, sizeof(path), "/sys/class/kfd/kfd/topology/nodes/%d/gpu_id", node);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fscanf(file, "%u", &id) != 1)
			id = 0;
		fclose(file);
	}
	return id;
}

/* KFD takes the file's VM for queues of the caller's. */
static int acquire_vm(int drm_fd)
{
	struct kfd_ioctl_acquire_vm_args acquire = { .drm_fd = drm_fd, .gpu_id = kfd_gpu_id() };
	int kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC), err;

	if (kfd < 0)
		return -errno;
	err = ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &acquire) ? -errno : 0;
	close(kfd);
	return err;
}

static int acquire_in_child(struct gpu *gpu)
{
	pid_t pid = fork();
	int status = -1;

	if (!pid)
		_exit(-acquire_vm(gpu->fd));
	if (pid > 0)
		waitpid(pid, &status, 0);
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

bool rule_kfd_in_other_mm(void)
{
	void *mem = map_at(NULL, PAGE, RW);
	struct gpu gpu;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY_EQ(svm_set(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), 0);
	TRY_EQ(acquire_in_child(&gpu), -EPERM);
	TRY_EQ(svm_get(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC), 1);
	gpu_close(&gpu);

	/* Whose opener has not used SVM, and will not. */
	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY_EQ(acquire_in_child(&gpu), 0);
	TRY_EQ(svm_set(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_EXEC, 1), -EOPNOTSUPP);
	gpu_close(&gpu);
	munmap(mem, PAGE);
	return true;
}

/* A process with XNACK off has its compute VM, and no SVM with it. */
static bool child_without_xnack(int unused)
{
	struct kfd_ioctl_set_xnack_mode_args off = { .xnack_enabled = 0 };
	struct kfd_ioctl_set_xnack_mode_args on = { .xnack_enabled = 1 };
	struct kfd_ioctl_acquire_vm_args acquire = { .gpu_id = kfd_gpu_id() };
	int kfd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	char *mem = map_at(NULL, PAGE, RW);
	struct gpu gpu;

	(void)unused;
	TRY(kfd >= 0);
	TRY_EQ(gpu_open(&gpu, NULL), 0);
	acquire.drm_fd = gpu.fd;
	TRY(!ioctl(kfd, AMDKFD_IOC_SET_XNACK_MODE, &off));
	TRY(!ioctl(kfd, AMDKFD_IOC_ACQUIRE_VM, &acquire));
	TRY_EQ(svm_set(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), -EOPNOTSUPP);
	TRY_EQ(svm_get(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO), -EOPNOTSUPP);
	/* Before any other error */
	TRY_EQ(svm_reset(&gpu, NULL, 0), -EOPNOTSUPP);
	TRY(!ioctl(kfd, AMDKFD_IOC_SET_XNACK_MODE, &on));
	TRY_EQ(svm_set(&gpu, mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO, 1), 0);
	return true;
}

bool rule_compute_vm_without_xnack(void)
{
	TRY_EQ(run_child(child_without_xnack, 0), 0);
	return gpu_works();
}

/* ---- the driver and the device ---- */

bool rule_unload_refused(struct worker *w)
{
	char *mem = map_aligned(4 * MIB);
	struct gpu_job job;

	TRY(gpu_submit_fills(w->gpu, &job, mem, 4));
	TRY(syscall(SYS_delete_module, "amdgpu", O_NONBLOCK) < 0);
	TRY_EQ(errno, EWOULDBLOCK);
	TRY_EQ(gpu_job_wait(&job, gpu_job_seconds()), 0);
	gpu_job_fini(&job);
	TRY(gpu_fills_are_there(mem, 4));
	munmap(mem, 4 * MIB);
	return true;
}

/* As if a job's time were up. */
static bool reset_gpu(const struct gpu *gpu)
{
	char path[96];
	struct stat st;
	FILE *file;
	int result = -1;

	TRY(!fstat(gpu->fd, &st));
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/amdgpu_gpu_recover",
		 minor(st.st_rdev));
	file = fopen(path, "r");
	TRY(file);
	TRY_EQ(fscanf(file, "%d", &result), 1);
	fclose(file);
	TRY_EQ(result, 0);
	return true;
}

/* Memory that shares MMU notifiers with a buffer object's mapping at @addr. */
static char *map_beside(const void *addr, size_t size)
{
	char *block = (char *)((uintptr_t)addr / NOTIFIER_SIZE * NOTIFIER_SIZE);

	for (char *at = block; at < block + NOTIFIER_SIZE; at += size) {
		if (mmap(at, size, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0) == at)
			return at;
	}
	return NULL;
}

struct taker {
	struct gpu *gpu;
	char *mem;
	unsigned int rounds;
	bool stop;
	bool good;
};

/* The CPU maps it for the GPU and takes it away. */
static void *give_and_take(void *arg)
{
	struct taker *t = arg;

	t->good = true;
	while (t->good && !__atomic_load_n(&t->stop, __ATOMIC_ACQUIRE)) {
		t->good = !svm_set(t->gpu, t->mem, TAKEN, AMDGPU_SVM_ATTR_PREFETCH_LOC,
				   AMDGPU_SVM_LOCATION_SYSMEM) &&
			  !madvise(t->mem, TAKEN, MADV_DONTNEED);
		__atomic_add_fetch(&t->rounds, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static bool resets_between_rounds(struct taker *t)
{
	for (unsigned int i = 0; i < RESETS; i++) {
		unsigned int before = __atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE);

		for (int j = 0; __atomic_load_n(&t->rounds, __ATOMIC_ACQUIRE) == before; j++) {
			TRY(j < MOMENTS);
			usleep(MOMENT_US);
		}
		TRY(reset_gpu(t->gpu));
	}
	return true;
}

/*
 * A reset unmaps what processes have mapped of the device, which calls their notifiers:
 * none of them may wait for the reset to end.
 */
bool rule_memory_goes_while_the_gpu_is_reset(struct worker *w)
{
	struct taker t = { .gpu = w->gpu, .mem = map_beside(w->mirror.cpu, TAKEN) };
	pthread_t thread;
	bool good;

	TRY(t.mem);
	TRY(!pthread_create(&thread, NULL, give_and_take, &t));
	good = resets_between_rounds(&t);
	__atomic_store_n(&t.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	TRY(good && t.good);
	munmap(t.mem, TAKEN);
	return gpu_works();
}

/* The context goes with its jobs; the file, its VM and the process's memory stay. */
static bool renew_context(struct gpu *gpu)
{
	TRY_EQ(amdgpu_cs_ctx_free(gpu->ctx), 0);
	TRY_EQ(amdgpu_cs_ctx_create(gpu->dev, &gpu->ctx), 0);
	return true;
}

/* Well, or as one that was lost. */
static bool job_ends(struct gpu_job *job)
{
	int err = gpu_job_wait(job, gpu_job_seconds());

	TRY(!err || err == -ECANCELED);
	return true;
}

/* @old: of the context that was lost, and with it what the VM knew of its tables. */
static bool is_lost(struct gpu_job *old)
{
	gpu_job_reset(old);
	TRY_EQ(gpu_job_submit(old), -ECANCELED);
	return true;
}

/*
 * What is mapped between the reset and the first submission is in tables that may have lost
 * their contents: the submission drops it.
 */
static bool tables_are_renewed(struct busy *b, struct worker *w)
{
	char *mem = map_aligned(2 * MIB);

	put_series(mem, 0x7e5e7, 2 * MIB);
	TRY_EQ(svm_set(&b->gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_PREFETCH_LOC,
		       AMDGPU_SVM_LOCATION_SYSMEM), 0);
	TRY(svm_lines(&b->gpu, "svm_ranges", mem, 2 * MIB) > 0);
	TRY(gpu_draws(w));
	TRY_EQ(svm_lines(&b->gpu, "svm_ranges", mem, 2 * MIB), 0);
	TRY(gpu_reads_series(w, mem, 0x7e5e7, 2 * MIB));
	munmap(mem, 2 * MIB);
	return true;
}

static bool goes_on(struct busy *b, struct held_page *held, bool give_first)
{
	struct worker w;

	TRY(renew_context(&b->gpu));
	TRY(worker_open(&w, &b->gpu, 0));
	if (give_first)
		TRY(held_page_give(held));
	TRY(tables_are_renewed(b, &w));
	TRY(exchange(&w, b->mem, 64 * KIB));
	TRY(exchange(&w, b->mem + (FAULTING_MIBS - 1) * MIB, 64 * KIB));
	if (!give_first)
		TRY(held_page_give(held));
	TRY(exchange(&w, held->mem, PAGE));
	worker_close(&w);
	return true;
}

static bool reset_with_faults(struct busy *b, int round)
{
	struct held_page held;

	TRY(!madvise(b->mem, FAULTING_MIBS * MIB, MADV_DONTNEED));
	TRY(held_page_take(&held, &b->gpu, AMDGPU_HW_IP_COMPUTE));
	TRY(keep_busy(b, round + 1));
	TRY(reset_gpu(&b->gpu));
	TRY(job_ends(&b->job));
	TRY(job_ends(&held.job));
	TRY(is_lost(&b->job));
	gpu_job_fini(&b->job);
	TRY(goes_on(b, &held, round & 1));
	held_page_end(&held);
	return true;
}

bool rule_reset_with_faults(void)
{
	struct busy b;

	TRY(open_busy(&b));
	for (int round = 0; round < RESETS; round++)
		TRY(reset_with_faults(&b, round));
	gpu_close(&b.gpu);
	munmap(b.mem, FAULTING_MIBS * MIB);
	return gpu_works();
}

/* Work that has nothing to do with memory that is to be always mapped. */
static bool submit_something(struct gpu *gpu)
{
	char *mem = map_aligned(2 * MIB);
	struct worker w;
	bool good;

	TRY(worker_open(&w, gpu, 0));
	good = gpu_fill(&w, mem, 1, PAGE);
	worker_close(&w);
	munmap(mem, 2 * MIB);
	return good;
}

static bool comes_back_with_rights(struct gpu *gpu, char *mem, size_t size)
{
	int64_t destroyed = svm_counter(gpu, "destroyed ranges"), maps;

	TRY(!mprotect(mem, size, PROT_NONE));
	/* It was tried, in vain. */
	TRY(svm_counter_moves(gpu, "destroyed ranges", destroyed));
	maps = svm_counter(gpu, "maps without a fault");
	TRY(!mprotect(mem, size, RW));
	return comes_back(gpu, mem, size, maps);
}

/* With the next submission. */
static bool comes_back_with_tables(struct gpu *gpu, char *mem, size_t size)
{
	int64_t maps = svm_counter(gpu, "maps without a fault");

	TRY(evict_vram());
	TRY(submit_something(gpu));
	TRY(comes_back(gpu, mem, size, maps));
	maps = svm_counter(gpu, "maps without a fault");
	TRY(reset_gpu(gpu));
	TRY(renew_context(gpu));
	TRY(submit_something(gpu));
	return comes_back(gpu, mem, size, maps);
}

bool rule_always_mapped_comes_back(void)
{
	char *mem = map_aligned(2 * MIB);
	struct gpu gpu;

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY_EQ(svm_set(&gpu, mem, 2 * MIB, AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED, 1), 0);
	TRY(comes_back_with_rights(&gpu, mem, 2 * MIB));
	TRY(comes_back_with_tables(&gpu, mem, 2 * MIB));
	gpu_close(&gpu);
	munmap(mem, 2 * MIB);
	return true;
}

static bool write_remove(const struct gpu *gpu)
{
	char path[96], device[256];
	struct stat st;

	TRY(!fstat(gpu->fd, &st));
	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/device/remove", major(st.st_rdev),
		 minor(st.st_rdev));
	/* The link goes before the write returns. */
	TRY(realpath(path, device));
	TRY(system_write(device, "1"));
	return true;
}

/* The job ends, how is up to the device that is gone; so does the process. */
static bool child_unplugs(int faults)
{
	static struct busy b;

	TRY(get_busy(&b, faults));
	TRY(write_remove(&b.gpu));
	gpu_job_wait(&b.job, gpu_job_seconds());
	TRY(svm_get(&b.gpu, b.mem, PAGE, AMDGPU_SVM_ATTR_GPU_RO) < 0);
	TRY(!munmap(b.mem, FAULTING_MIBS * MIB));
	return true;
}

bool rule_unplug_with_faults(void)
{
	TRY_EQ(run_child(child_unplugs, 2), 0);
	TRY(system_write("/sys/bus/pci/rescan", "1"));
	for (int i = 0; i < MOMENTS && access("/dev/dri/renderD128", F_OK); i++)
		usleep(MOMENT_US);
	return gpu_works();
}

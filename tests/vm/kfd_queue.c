// SPDX-License-Identifier: MIT
/*
 * User queues through /dev/kfd, see kfd_queue.h.
 *
 * The driver insists on the exact size of what a queue needs: each buffer has to
 * be one buffer object that is mapped at the address given, from its start to its
 * end. Hence a whole page for the pointers and an object for each part.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <amdgpu_drm.h>
#include <linux/kfd_ioctl.h>

#include "amdgpu_drm_svm.h"
#include "kfd_queue.h"

#define TOPOLOGY "/sys/devices/virtual/kfd/kfd/topology/nodes"
#define PAGE 4096u
#define EOP_SIZE 4096u
#define WAVE_DEBUG_BYTES 32u	/* of the save area, per wave, for debuggers */
#define NUM_EVENTS 4096u
#define DOORBELL_BYTES 8192u	/* a process's doorbells */
#define RING_BYTES 65536u
#define SETTLE_VA 0x200000u	/* below all that mmap() gives */
#define AQL_BYTES 64u
#define AQL_INVALID 1u
#define AQL_DISPATCH 2u
#define AQL_BARRIER_AND 3u
#define AQL_BARRIER_OR 5u
/* After all before it, and with memory that everybody sees. */
#define AQL_ORDERED (1u << 8 | 2u << 9 | 2u << 11)
#define WORKGROUP 256u

#define SDMA_COPY 1u
#define SDMA_FENCE 5u
#define SDMA_TRAP 6u
#define SDMA_FILL_DWORDS (11u | 2u << 30)

static int ask(int fd, unsigned long request, void *args)
{
	int ret;

	do {
		ret = ioctl(fd, request, args);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	return ret ? -errno : 0;
}

/* ---- the topology ---- */

static uint32_t read_number(const char *path)
{
	uint32_t value = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

/* Value of @key in a node's list of properties; 0 if it is not there. */
static uint32_t property(const char *node, const char *key)
{
	char path[512], name[64];
	unsigned long long value;
	uint32_t found = 0;
	FILE *file;

	snprintf(path, sizeof(path), TOPOLOGY "/%s/properties", node);
	file = fopen(path, "r");
	if (!file)
		return 0;
	while (fscanf(file, "%63s %llu", name, &value) == 2)
		if (!strcmp(name, key))
			found = (uint32_t)value;
	fclose(file);
	return found;
}

static uint32_t node_gpu_id(const char *node)
{
	char path[512];

	snprintf(path, sizeof(path), TOPOLOGY "/%s/gpu_id", node);
	return read_number(path);
}

/* The first node with a GPU, of render node @minor unless that is 0. */
static bool find_node(unsigned int minor, char *name, size_t size)
{
	DIR *dir = opendir(TOPOLOGY);
	struct dirent *entry;
	bool found = false;

	while (dir && !found && (entry = readdir(dir))) {
		if (!node_gpu_id(entry->d_name) ||
		    (minor && property(entry->d_name, "drm_render_minor") != minor))
			continue;
		snprintf(name, size, "%s", entry->d_name);
		found = true;
	}
	if (dir)
		closedir(dir);
	return found;
}

uint32_t kfd_gpu_id(unsigned int render_minor)
{
	char node[256];

	return find_node(render_minor, node, sizeof(node)) ? node_gpu_id(node) : 0;
}

/*
 * The driver tells the size of the save area, but not that of the debugger's part
 * behind it, which it nevertheless checks: that follows from the number of waves.
 */
static void read_sizes(struct kfd *kfd, const char *node)
{
	uint32_t xccs = property(node, "num_xcc");
	uint32_t engines = property(node, "array_count") / property(node, "simd_arrays_per_engine");
	uint32_t cus, waves;

	xccs = xccs ? xccs : 1;
	cus = property(node, "simd_count") / property(node, "simd_per_cu") / xccs;
	waves = cus * 40 < engines * 512 ? cus * 40 : engines * 512;
	kfd->eop_size = EOP_SIZE;
	kfd->save_size = property(node, "cwsr_size");
	kfd->stack_size = property(node, "ctl_stack_size");
	kfd->save_total = kfd->save_size + (waves * WAVE_DEBUG_BYTES + 63) / 64 * 64;
	kfd->save_total *= xccs;
	kfd->save_total = (kfd->save_total + PAGE - 1) / PAGE * PAGE;
}

/* ---- the process ---- */

static int acquire_vm(struct kfd *kfd)
{
	struct kfd_ioctl_acquire_vm_args args = {
		.drm_fd = (uint32_t)kfd->drm, .gpu_id = kfd->gpu_id,
	};

	return ask(kfd->fd, AMDKFD_IOC_ACQUIRE_VM, &args);
}

int kfd_set_xnack(struct kfd *kfd, int enabled)
{
	struct kfd_ioctl_set_xnack_mode_args args = { .xnack_enabled = enabled };

	return ask(kfd->fd, AMDKFD_IOC_SET_XNACK_MODE, &args);
}

int kfd_get_xnack(struct kfd *kfd)
{
	struct kfd_ioctl_set_xnack_mode_args args = { .xnack_enabled = -1 };
	int err = ask(kfd->fd, AMDKFD_IOC_SET_XNACK_MODE, &args);

	return err ? err : args.xnack_enabled;
}

/* ---- buffers ---- */

static int map_to_gpu(struct kfd *kfd, uint64_t handle)
{
	struct kfd_ioctl_map_memory_to_gpu_args args = {
		.handle = handle, .device_ids_array_ptr = (uintptr_t)&kfd->gpu_id, .n_devices = 1,
	};

	return ask(kfd->fd, AMDKFD_IOC_MAP_MEMORY_TO_GPU, &args);
}

static void free_on_gpu(struct kfd *kfd, uint64_t handle)
{
	struct kfd_ioctl_unmap_memory_from_gpu_args unmap = {
		.handle = handle, .device_ids_array_ptr = (uintptr_t)&kfd->gpu_id, .n_devices = 1,
	};
	struct kfd_ioctl_free_memory_of_gpu_args args = { .handle = handle };

	ask(kfd->fd, AMDKFD_IOC_UNMAP_MEMORY_FROM_GPU, &unmap);
	ask(kfd->fd, AMDKFD_IOC_FREE_MEMORY_OF_GPU, &args);
}

int kfd_buffer_alloc(struct kfd *kfd, struct kfd_buffer *buf, size_t size)
{
	/* The address is the program's choice: one that nothing else can take. */
	void *va = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct kfd_ioctl_alloc_memory_of_gpu_args args = {
		.va_addr = (uintptr_t)va, .size = size, .gpu_id = kfd->gpu_id,
		.flags = KFD_IOC_ALLOC_MEM_FLAGS_GTT | KFD_IOC_ALLOC_MEM_FLAGS_WRITABLE |
			 KFD_IOC_ALLOC_MEM_FLAGS_EXECUTABLE | KFD_IOC_ALLOC_MEM_FLAGS_COHERENT,
	};
	int err;

	*buf = (struct kfd_buffer){ 0 };
	if (va == MAP_FAILED)
		return -errno;
	err = ask(kfd->fd, AMDKFD_IOC_ALLOC_MEMORY_OF_GPU, &args);
	if (err) {
		munmap(va, size);
		return err;
	}
	*buf = (struct kfd_buffer){ .cpu = va, .size = size, .handle = args.handle };
	err = map_to_gpu(kfd, args.handle);
	if (!err && mmap(va, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, kfd->drm,
			 (off_t)args.mmap_offset) == MAP_FAILED)
		err = -errno;
	if (err)
		kfd_buffer_free(kfd, buf);
	return err;
}

void kfd_buffer_free(struct kfd *kfd, struct kfd_buffer *buf)
{
	if (!buf->cpu)
		return;
	free_on_gpu(kfd, buf->handle);
	munmap(buf->cpu, buf->size);
	*buf = (struct kfd_buffer){ 0 };
}

/* The number of attributes is part of the request, as the size of its argument. */
int kfd_keep_in_system(struct kfd *kfd, void *mem, size_t size)
{
	struct {
		struct kfd_ioctl_svm_args args;
		struct kfd_ioctl_svm_attribute place;
	} set = {
		.args = {
			.start_addr = (uintptr_t)mem, .size = size,
			.op = KFD_IOCTL_SVM_OP_SET_ATTR, .nattr = 1,
		},
		.place = {
			.type = KFD_IOCTL_SVM_ATTR_PREFERRED_LOC,
			.value = KFD_IOCTL_SVM_LOCATION_SYSMEM,
		},
	};

	return ask(kfd->fd, AMDKFD_IOC_SVM + (sizeof(set.place) << _IOC_SIZESHIFT), &set);
}

/* ---- amdgpu's SVM ---- */

int kfd_svm_set(struct kfd *kfd, void *mem, size_t size, uint32_t attr, uint32_t value)
{
	struct drm_amdgpu_svm_attribute one = { .type = attr, .value = value };
	struct drm_amdgpu_gem_svm args = {
		.start_addr = (uintptr_t)mem, .size = size, .operation = AMDGPU_SVM_OP_SET_ATTR,
		.nattr = 1, .attrs_ptr = (uintptr_t)&one,
	};

	return ask(kfd->drm, DRM_IOCTL_AMDGPU_GEM_SVM, &args);
}

int kfd_svm_opt_in(struct kfd *kfd)
{
	void *mem = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int err;

	if (mem == MAP_FAILED)
		return -errno;
	err = kfd_svm_set(kfd, mem, PAGE, AMDGPU_SVM_ATTR_ACCESS, AMDGPU_SVM_ACCESS_ALLOW_MIGRATE);
	munmap(mem, PAGE);
	return err;
}

/* The number in the line of @path that begins with @key; -ENOENT if there is none. */
static int64_t number_after(const char *path, const char *key)
{
	FILE *file = fopen(path, "r");
	int64_t value = -ENOENT;
	char line[256];

	if (!file)
		return -errno;
	while (value < 0 && fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key)))
			value = strtoll(line + strlen(key), NULL, 10);
	fclose(file);
	return value;
}

int64_t kfd_svm_faults(const struct kfd *kfd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", kfd->drm);
	return number_after(path, "amd-svm-faults:");
}

int64_t kfd_own_faults(const struct kfd *kfd)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/class/kfd/kfd/proc/%d/counters_%u/faults", getpid(),
		 kfd->gpu_id);
	return number_after(path, "");
}

/* ---- events ---- */

/* @page: with the first event the driver gets the page that the GPU writes to. */
static int create_event(struct kfd *kfd, uint64_t page, uint32_t type, uint32_t *id)
{
	struct kfd_ioctl_create_event_args args = {
		.event_page_offset = page, .event_type = type,
		.auto_reset = type == KFD_IOC_EVENT_SIGNAL,
	};
	int err = ask(kfd->fd, AMDKFD_IOC_CREATE_EVENT, &args);

	*id = args.event_id;
	return err;
}

/* The event itself is of no use; it keeps the page. */
static int create_event_page(struct kfd *kfd)
{
	uint32_t id;
	int err = kfd_buffer_alloc(kfd, &kfd->event_page, NUM_EVENTS * sizeof(uint64_t));

	return err ? err : create_event(kfd, kfd->event_page.handle,
					KFD_IOC_EVENT_SIGNAL, &id);
}

/* Maps a page and waits until the GPU has written the entry for it. */
static int map_and_wait(int drm, uint32_t bo, uint32_t syncobj)
{
	struct drm_amdgpu_gem_va va = {
		.handle = bo, .operation = AMDGPU_VA_OP_MAP, .va_address = SETTLE_VA,
		.flags = AMDGPU_VM_PAGE_READABLE, .map_size = PAGE,
		.vm_timeline_syncobj_out = syncobj,
	};
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&syncobj, .count_handles = 1, .timeout_nsec = INT64_MAX,
	};
	int err = ask(drm, DRM_IOCTL_AMDGPU_GEM_VA, &va);

	if (!err)
		err = ask(drm, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
	va.operation = AMDGPU_VA_OP_UNMAP;
	va.vm_timeline_syncobj_out = 0;
	ask(drm, DRM_IOCTL_AMDGPU_GEM_VA, &va);
	return err;
}

/*
 * A new VM's tables are cleared by SDMA, those of a compute VM written by the CPU. The
 * driver means to wait in between, but does not: amdgpu_sync_resv() passes over fences
 * of the kind that page table updates have. A clearing that comes late leaves the
 * process without memory (7.2; seen when several processes start at the same time).
 * Here an update that comes after the clearing, on the same queue, is waited for.
 */
static int settle_vm(int drm)
{
	union drm_amdgpu_gem_create create = { .in = {
		.bo_size = PAGE, .alignment = PAGE, .domains = AMDGPU_GEM_DOMAIN_GTT,
	} };
	struct drm_syncobj_create syncobj = { 0 };
	struct drm_syncobj_destroy destroy = { 0 };
	struct drm_gem_close close_bo = { 0 };
	int err = ask(drm, DRM_IOCTL_AMDGPU_GEM_CREATE, &create);

	if (err)
		return err;
	err = ask(drm, DRM_IOCTL_SYNCOBJ_CREATE, &syncobj);
	if (!err)
		err = map_and_wait(drm, create.out.handle, syncobj.handle);
	destroy.handle = syncobj.handle;
	if (syncobj.handle)
		ask(drm, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
	close_bo.handle = create.out.handle;
	ask(drm, DRM_IOCTL_GEM_CLOSE, &close_bo);
	return err;
}

int kfd_open(struct kfd *kfd)
{
	char node[256], path[64];
	int err;

	*kfd = (struct kfd){ .fd = -1, .drm = -1 };
	if (!find_node(0, node, sizeof(node)))
		return -ENODEV;
	kfd->gpu_id = node_gpu_id(node);
	if (!property(node, "simd_arrays_per_engine") || !property(node, "simd_per_cu"))
		return -EPROTO;
	read_sizes(kfd, node);
	snprintf(path, sizeof(path), "/dev/dri/renderD%u", property(node, "drm_render_minor"));
	kfd->fd = open("/dev/kfd", O_RDWR | O_CLOEXEC);
	kfd->drm = open(path, O_RDWR | O_CLOEXEC);
	err = kfd->fd < 0 || kfd->drm < 0 ? -errno : settle_vm(kfd->drm);
	if (!err)
		err = acquire_vm(kfd);
	if (!err)
		err = create_event_page(kfd);
	if (err)
		kfd_close(kfd);
	return err;
}

/* The page of events stays: it is the driver's as long as the process lives. */
void kfd_close(struct kfd *kfd)
{
	if (kfd->drm >= 0)
		close(kfd->drm);
	if (kfd->fd >= 0)
		close(kfd->fd);
	*kfd = (struct kfd){ .fd = -1, .drm = -1 };
}

static void destroy_event(struct kfd *kfd, uint32_t id)
{
	struct kfd_ioctl_destroy_event_args args = { .event_id = id };

	if (id)
		ask(kfd->fd, AMDKFD_IOC_DESTROY_EVENT, &args);
}

/* For one of them, signals first: KFD copies what it knows of the last exception. */
static int wait_any(struct kfd *kfd, struct kfd_event_data *events, unsigned int count,
		    uint32_t milliseconds)
{
	struct kfd_ioctl_wait_events_args args = {
		.events_ptr = (uintptr_t)events, .num_events = count, .timeout = milliseconds,
	};
	int err = ask(kfd->fd, AMDKFD_IOC_WAIT_EVENTS, &args);

	if (err)
		return err;
	for (unsigned int i = 0; i < count; i++) {
		if (events[i].event_id != kfd->exception ||
		    !events[i].memory_exception_data.gpu_id)
			continue;
		kfd->exception_va = events[i].memory_exception_data.va;
		return -EFAULT;
	}
	return 0;
}

static int wait_event(struct kfd *kfd, uint32_t id, uint32_t milliseconds)
{
	struct kfd_event_data events[] = {
		{ .event_id = id }, { .event_id = kfd->exception },
	};

	return wait_any(kfd, events, kfd->exception ? 2 : 1, milliseconds);
}

int kfd_watch_exceptions(struct kfd *kfd)
{
	return create_event(kfd, 0, KFD_IOC_EVENT_MEMORY, &kfd->exception);
}

int kfd_open_on_our_svm(struct kfd *kfd)
{
	int err = kfd_open(kfd);

	if (!err)
		err = kfd_set_xnack(kfd, 1);
	if (!err)
		err = kfd_svm_opt_in(kfd);
	return err ? err : kfd_watch_exceptions(kfd);
}

int kfd_wait_exception(struct kfd *kfd, unsigned int seconds)
{
	struct kfd_event_data event = { .event_id = kfd->exception };
	int err = wait_any(kfd, &event, 1, seconds * 1000);

	return err == -EFAULT ? 0 : err ? err : -ETIME;
}

static uint64_t event_slot(const struct kfd_queue *queue)
{
	return (uintptr_t)((uint64_t *)queue->kfd->event_page.cpu + queue->event);
}

/* ---- queues ---- */

static struct kfd_control *control_of(const struct kfd_queue *queue)
{
	return queue->control.cpu;
}

static int map_doorbell(struct kfd_queue *queue, uint64_t offset)
{
	uint64_t in_page = offset & (DOORBELL_BYTES - 1);

	queue->bells = mmap(NULL, DOORBELL_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			    queue->kfd->fd, (off_t)(offset - in_page));
	if (queue->bells == MAP_FAILED) {
		queue->bells = NULL;
		return -errno;
	}
	queue->doorbell = (volatile uint64_t *)((char *)queue->bells + in_page);
	return 0;
}

static int create_queue(struct kfd_queue *queue)
{
	struct kfd *kfd = queue->kfd;
	struct kfd_ioctl_create_queue_args args = {
		.ring_base_address = (uintptr_t)queue->ring.cpu,
		.ring_size = RING_BYTES,
		.gpu_id = kfd->gpu_id,
		.queue_type = queue->aql ? KFD_IOC_QUEUE_TYPE_COMPUTE_AQL : KFD_IOC_QUEUE_TYPE_SDMA,
		.queue_percentage = 100,
		.queue_priority = 7,
		.read_pointer_address = (uintptr_t)&control_of(queue)->read,
		.write_pointer_address = (uintptr_t)&control_of(queue)->write,
	};
	int err;

	if (queue->aql) {
		args.eop_buffer_address = (uintptr_t)queue->eop.cpu;
		args.eop_buffer_size = kfd->eop_size;
		args.ctx_save_restore_address = (uintptr_t)queue->save.cpu;
		args.ctx_save_restore_size = kfd->save_size;
		args.ctl_stack_size = kfd->stack_size;
	}
	err = ask(kfd->fd, AMDKFD_IOC_CREATE_QUEUE, &args);
	if (err)
		return err;
	queue->id = args.queue_id;
	err = map_doorbell(queue, args.doorbell_offset);
	if (err)
		kfd_queue_close(queue);
	return err;
}

static int destroy_queue(struct kfd_queue *queue)
{
	struct kfd_ioctl_destroy_queue_args args = { .queue_id = queue->id };

	return ask(queue->kfd->fd, AMDKFD_IOC_DESTROY_QUEUE, &args);
}

static void free_parts(struct kfd_queue *queue)
{
	struct kfd *kfd = queue->kfd;

	destroy_event(kfd, queue->event);
	kfd_buffer_free(kfd, &queue->save);
	kfd_buffer_free(kfd, &queue->eop);
	kfd_buffer_free(kfd, &queue->control);
	kfd_buffer_free(kfd, &queue->ring);
	*queue = (struct kfd_queue){ 0 };
}

int kfd_queue_close(struct kfd_queue *queue)
{
	int err = destroy_queue(queue);

	if (queue->bells)
		munmap(queue->bells, DOORBELL_BYTES);
	free_parts(queue);
	return err;
}

static int alloc_parts(struct kfd_queue *queue)
{
	struct kfd *kfd = queue->kfd;
	int err = kfd_buffer_alloc(kfd, &queue->ring, RING_BYTES);

	if (!err)
		err = kfd_buffer_alloc(kfd, &queue->control, PAGE);
	if (!err && queue->aql)
		err = kfd_buffer_alloc(kfd, &queue->eop, kfd->eop_size);
	if (!err && queue->aql)
		err = kfd_buffer_alloc(kfd, &queue->save, kfd->save_total);
	if (!err)
		err = create_event(kfd, 0, KFD_IOC_EVENT_SIGNAL, &queue->event);
	return err;
}

/* What has not been written yet is an invalid packet, for which the GPU waits. */
static void invalidate_ring(struct kfd_queue *queue)
{
	for (size_t i = 0; i < RING_BYTES; i += AQL_BYTES)
		*(uint16_t *)((char *)queue->ring.cpu + i) = AQL_INVALID;
}

static int open_queue(struct kfd *kfd, struct kfd_queue *queue, bool aql)
{
	int err;

	*queue = (struct kfd_queue){ .kfd = kfd, .aql = aql };
	err = alloc_parts(queue);
	if (!err) {
		if (aql)
			invalidate_ring(queue);
		control_of(queue)->signal = (struct kfd_signal){
			.kind = 1, .mailbox = event_slot(queue), .event = queue->event,
		};
		err = create_queue(queue);
	}
	if (err && queue->kfd)
		free_parts(queue);
	return err;
}

int kfd_sdma_open(struct kfd *kfd, struct kfd_queue *queue)
{
	return open_queue(kfd, queue, false);
}

int kfd_aql_open(struct kfd *kfd, struct kfd_queue *queue)
{
	return open_queue(kfd, queue, true);
}

/* ---- packets ---- */

static void need_room(const struct kfd_queue *queue, size_t bytes)
{
	uint64_t unit = queue->aql ? AQL_BYTES : 1;
	uint64_t used = (queue->wptr - atomic_load(&control_of(queue)->read)) * unit;

	if (used + bytes >= RING_BYTES) {
		fprintf(stderr, "kfd queue %u: no room for a packet\n", queue->id);
		abort();
	}
}

static void put(struct kfd_queue *queue, const uint32_t *dw, size_t n)
{
	uint32_t *ring = queue->ring.cpu;

	need_room(queue, n * 4);
	for (size_t i = 0; i < n; i++, queue->wptr += 4)
		ring[queue->wptr % RING_BYTES / 4] = dw[i];
}

#define LOW(address) ((uint32_t)(uintptr_t)(address))
#define HIGH(address) ((uint32_t)((uint64_t)(uintptr_t)(address) >> 32))

void kfd_sdma_copy(struct kfd_queue *queue, void *dst, const void *src, uint32_t bytes)
{
	const uint32_t dw[] = {
		SDMA_COPY, bytes - 1, 0, LOW(src), HIGH(src), LOW(dst), HIGH(dst),
	};

	put(queue, dw, sizeof(dw) / 4);
}

void kfd_sdma_fill(struct kfd_queue *queue, void *dst, uint32_t pattern, uint32_t bytes)
{
	const uint32_t dw[] = { SDMA_FILL_DWORDS, LOW(dst), HIGH(dst), pattern, bytes - 1 };

	put(queue, dw, sizeof(dw) / 4);
}

static void put_fence(struct kfd_queue *queue, uint64_t address, uint32_t value)
{
	const uint32_t dw[] = { SDMA_FENCE, LOW(address), HIGH(address), value };

	put(queue, dw, sizeof(dw) / 4);
}

/* Either kind of AQL packet that is used here. */
union packet {
	struct {
		uint16_t header, setup;
		uint16_t workgroup[3], reserved0;
		uint32_t grid[3];
		uint32_t private_bytes, group_bytes;
		uint64_t object, args;
		uint64_t reserved1;
		uint64_t completion;
	} dispatch;
	struct {
		uint16_t header, reserved0;
		uint32_t reserved1;
		uint64_t signal[5];
		uint64_t reserved2;
		uint64_t completion;
	} barrier;
};

_Static_assert(sizeof(union packet) == AQL_BYTES, "a packet is one slot");

/* The header becomes visible after the rest. */
static void put_packet(struct kfd_queue *queue, uint16_t type, const union packet *packet)
{
	uint16_t header = (uint16_t)(type | AQL_ORDERED);
	char *slot;

	need_room(queue, AQL_BYTES);
	slot = (char *)queue->ring.cpu + queue->wptr++ * AQL_BYTES % RING_BYTES;
	memcpy(slot + sizeof(header), (const char *)packet + sizeof(header),
	       AQL_BYTES - sizeof(header));
	atomic_store((_Atomic uint16_t *)slot, header);
}

void kfd_aql_dispatch(struct kfd_queue *queue, const void *object, const void *args,
		      uint32_t work_items)
{
	const union packet packet = { .dispatch = {
		.setup = 1,
		.workgroup = { WORKGROUP, 1, 1 },
		.grid = { work_items, 1, 1 },
		.object = (uintptr_t)object,
		.args = (uintptr_t)args,
	} };

	put_packet(queue, AQL_DISPATCH, &packet);
}

void kfd_aql_barrier(struct kfd_queue *queue, bool any, struct kfd_signal *const *signals,
		     unsigned int count, struct kfd_signal *completion)
{
	union packet packet = { .barrier = { .completion = (uintptr_t)completion } };

	for (unsigned int i = 0; i < count; i++)
		packet.barrier.signal[i] = (uintptr_t)signals[i];
	put_packet(queue, any ? AQL_BARRIER_OR : AQL_BARRIER_AND, &packet);
}

/* Packets run one after the other, so the end of this one is that of all. */
static void put_completion(struct kfd_queue *queue)
{
	struct kfd_signal *signal = &control_of(queue)->signal;

	atomic_fetch_add(&signal->value, 1);
	kfd_aql_barrier(queue, false, NULL, 0, signal);
}

void kfd_queue_submit(struct kfd_queue *queue)
{
	queue->jobs++;
	if (queue->aql) {
		put_completion(queue);
	} else {
		const uint32_t trap[] = { SDMA_TRAP, queue->event };

		put_fence(queue, (uintptr_t)&control_of(queue)->fence, queue->jobs);
		put_fence(queue, event_slot(queue), queue->event);
		put(queue, trap, 2);
	}
	atomic_store(&control_of(queue)->write, queue->wptr);
	/* Bytes for SDMA; for AQL the number of the last packet. */
	*queue->doorbell = queue->aql ? queue->wptr - 1 : queue->wptr;
}

static bool has_ended(const struct kfd_queue *queue)
{
	if (queue->aql)
		return !atomic_load(&control_of(queue)->signal.value);
	return atomic_load(&control_of(queue)->fence) == queue->jobs;
}

static int64_t milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int kfd_queue_wait(struct kfd_queue *queue, unsigned int seconds)
{
	int64_t end = milliseconds_now() + (int64_t)seconds * 1000;

	while (!has_ended(queue)) {
		int64_t left = end - milliseconds_now();
		int err = left > 0 ? wait_event(queue->kfd, queue->event, (uint32_t)left) : -ETIME;

		if (err)
			return err;
	}
	return 0;
}

int kfd_queue_run(struct kfd_queue *queue, unsigned int seconds)
{
	kfd_queue_submit(queue);
	return kfd_queue_wait(queue, seconds);
}

// SPDX-License-Identifier: MIT
/*
 * Random calls and accesses, with an oracle: a model that says for every page what is
 * mapped there, with which rights, attributes and contents. Each call has to give
 * what the model says, and each access of the GPU has to do what it says, no more.
 *
 * Accesses are collected and run as one job, as the model is the same in between.
 * What the GPU reads where it may not is not known; nothing is said about it.
 *
 *   amd_svm_fuzz [--seed N] [--steps N] [--run-subtest NAME]
 *
 * AMD_SVM_FUZZ_DIVIDE=N in the environment: every Nth part of the steps, for slow kernels.
 */
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "igt.h"
#include "svm.h"

IGT_TEST_DESCRIPTION("SVM against a model, with random calls and GPU accesses");

#define PAGES 256u
#define BASE ((char *)(1ull << 45) + 3 * PAGE)	/* where nobody else maps anything */
#define NUM_ATTRS (AMDGPU_SVM_ATTR_GPU_ALWAYS_MAPPED + 1)
#define ACCESSES 24	/* of the GPU in a job */
#define RW (PROT_READ | PROT_WRITE)

struct page {
	bool mapped;
	bool known;		/* its contents are */
	int prot;
	uint32_t value;		/* of each dword */
	uint32_t attrs[NUM_ATTRS];
};

static struct page model[PAGES];
static bool refused[PAGES];	/* in the job that is being made */
static struct gpu gpu;
static struct worker worker;
static uint64_t state, seed;
static unsigned int steps;
static int child_go = -1;	/* a byte: the child of fork() compares */
static pid_t child;

static const uint32_t defaults[NUM_ATTRS] = {
	[AMDGPU_SVM_ATTR_PREFERRED_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_PREFETCH_LOC] = AMDGPU_SVM_LOCATION_UNDEFINED,
	[AMDGPU_SVM_ATTR_ACCESS] = AMDGPU_SVM_ACCESS_ALLOW_MIGRATE,
	[AMDGPU_SVM_ATTR_GRANULARITY] = 9,
	[AMDGPU_SVM_ATTR_HOST_ACCESS] = 1,
	[AMDGPU_SVM_ATTR_COHERENT] = 1,
};

/* ---- chance ---- */

static uint32_t chance(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 16) % below;
}

struct span {
	unsigned int first;
	unsigned int count;
};

/* Mostly short ones. */
static struct span any_span(void)
{
	unsigned int max = chance(8) ? 16 : PAGES;
	struct span s = { .first = chance(PAGES) };

	s.count = 1 + chance(max);
	if (s.count > PAGES - s.first)
		s.count = PAGES - s.first;
	return s;
}

static char *address(unsigned int page)
{
	return BASE + page * PAGE;
}

/* ---- the model ---- */

static void model_drop(struct span s, bool mapped, int prot)
{
	for (unsigned int i = s.first; i < s.first + s.count; i++) {
		model[i] = (struct page){ .mapped = mapped, .known = true, .prot = prot };
		memcpy(model[i].attrs, defaults, sizeof(defaults));
	}
}

static bool all_mapped(struct span s)
{
	for (unsigned int i = s.first; i < s.first + s.count; i++)
		if (!model[i].mapped)
			return false;
	return true;
}

static bool gpu_may(unsigned int page, bool write)
{
	const struct page *p = &model[page];

	return p->mapped && p->attrs[AMDGPU_SVM_ATTR_ACCESS] != AMDGPU_SVM_ACCESS_INACCESSIBLE &&
	       (write ? p->prot & PROT_WRITE && !p->attrs[AMDGPU_SVM_ATTR_GPU_RO] :
		p->prot & PROT_READ);
}

/* What all pages have in common */
static uint32_t model_get(struct span s, uint32_t type)
{
	uint32_t value = model[s.first].attrs[type];

	for (unsigned int i = s.first + 1; i < s.first + s.count; i++)
		value = svm_merged(type, value, model[i].attrs[type]);
	return value;
}

/* ---- attributes ---- */

static uint32_t any_value(uint32_t type)
{
	static const uint32_t locations[] = {
		AMDGPU_SVM_LOCATION_SYSMEM, AMDGPU_SVM_LOCATION_LOCAL,
		AMDGPU_SVM_LOCATION_UNDEFINED,
	};

	switch (type) {
	case AMDGPU_SVM_ATTR_PREFERRED_LOC:
		return locations[chance(3)];
	case AMDGPU_SVM_ATTR_PREFETCH_LOC:
		return locations[chance(2)];
	case AMDGPU_SVM_ATTR_ACCESS:
		/* Not too often what forbids everything. */
		return chance(4) ? 1 + chance(2) : AMDGPU_SVM_ACCESS_INACCESSIBLE;
	case AMDGPU_SVM_ATTR_GRANULARITY:
		return chance(16) ? chance(12) : chance(~0u);
	default:
		return chance(2);
	}
}

static bool step_set(void)
{
	struct drm_amdgpu_svm_attribute attrs[4];
	unsigned int count = 1 + chance(4);
	struct span s = any_span();
	bool bad = !chance(32);
	int err;

	for (unsigned int i = 0; i < count; i++) {
		attrs[i].type = chance(NUM_ATTRS);
		attrs[i].value = any_value(attrs[i].type);
	}
	if (bad)
		attrs[chance(count)] = (struct drm_amdgpu_svm_attribute){ NUM_ATTRS, 0 };
	err = amdgpu_svm_set_attr(gpu.dev, (uintptr_t)address(s.first), s.count * PAGE, count,
				  attrs);
	TRY_EQ(err, bad ? -EINVAL : all_mapped(s) ? 0 : -EFAULT);
	for (unsigned int i = s.first; !err && i < s.first + s.count; i++)
		for (unsigned int k = 0; k < count; k++)
			model[i].attrs[attrs[k].type] =
				attrs[k].type == AMDGPU_SVM_ATTR_GRANULARITY &&
				attrs[k].value > 0x3f ? 0x3f : attrs[k].value;
	return true;
}

static bool check_get(struct span s)
{
	struct drm_amdgpu_svm_attribute attrs[NUM_ATTRS];
	int err;

	for (uint32_t type = 0; type < NUM_ATTRS; type++)
		attrs[type] = (struct drm_amdgpu_svm_attribute){ type, 0xdeadbeef };
	err = amdgpu_svm_get_attr(gpu.dev, (uintptr_t)address(s.first), s.count * PAGE, NUM_ATTRS,
				  attrs);
	TRY_EQ(err, all_mapped(s) ? 0 : -EFAULT);
	for (uint32_t type = 0; !err && type < NUM_ATTRS; type++)
		TRY_EQ(attrs[type].value, model_get(s, type));
	return true;
}

static bool step_get(void)
{
	return check_get(any_span());
}

static bool step_reset(void)
{
	struct span s = any_span();

	TRY_EQ(svm_reset(&gpu, address(s.first), s.count * PAGE), 0);
	for (unsigned int i = s.first; i < s.first + s.count; i++)
		memcpy(model[i].attrs, defaults, sizeof(defaults));
	return true;
}

/* ---- mappings ---- */

static int any_prot(void)
{
	switch (chance(8)) {
	case 0:
		return PROT_NONE;
	case 1:
		return PROT_READ;
	default:
		return RW;
	}
}

static bool step_mmap(void)
{
	struct span s = any_span();
	int prot = any_prot();

	map_at(address(s.first), s.count * PAGE, prot);
	model_drop(s, true, prot);
	return true;
}

static bool step_munmap(void)
{
	struct span s = any_span();

	s.count = 1 + s.count / 8;
	TRY(!munmap(address(s.first), s.count * PAGE));
	model_drop(s, false, PROT_NONE);
	return true;
}

static bool step_mprotect(void)
{
	struct span s = any_span();
	int prot = any_prot();

	if (!all_mapped(s))
		return true;
	TRY(!mprotect(address(s.first), s.count * PAGE, prot));
	for (unsigned int i = s.first; i < s.first + s.count; i++)
		model[i].prot = prot;
	return true;
}

static bool step_dontneed(void)
{
	struct span s = any_span();

	if (!all_mapped(s))
		return true;
	TRY(!madvise(address(s.first), s.count * PAGE, MADV_DONTNEED));
	for (unsigned int i = s.first; i < s.first + s.count; i++) {
		model[i].value = 0;
		model[i].known = true;
	}
	return true;
}

/* ---- contents ---- */

static bool check_page(unsigned int page)
{
	const struct page *p = &model[page];

	if (!p->mapped || !(p->prot & PROT_READ) || !p->known)
		return true;
	if (has_value(address(page), p->value, PAGE))
		return true;
	fprintf(stderr, "page %u\n", page);
	return false;
}

static bool check_contents(void)
{
	for (unsigned int i = 0; i < PAGES; i++)
		TRY(check_page(i));
	return true;
}

static bool step_cpu(void)
{
	unsigned int page = chance(PAGES);
	uint32_t value = chance(~0u), *p = (uint32_t *)address(page);

	TRY(check_page(page));
	if (!model[page].mapped || model[page].prot != RW)
		return true;
	for (unsigned int i = 0; i < PAGE / 4; i++)
		p[i] = value;
	model[page].value = value;
	model[page].known = true;
	return true;
}

/* ---- fork ---- */

static bool child_is_content(void)
{
	int status;

	if (child_go < 0)
		return true;
	TRY_EQ(write(child_go, "x", 1), 1);
	close(child_go);
	child_go = -1;
	TRY_EQ(waitpid(child, &status, 0), child);
	TRY_EQ(status, 0);
	return true;
}

/* The child has its own copy of memory and model, and compares when the next one comes. */
static bool step_fork(void)
{
	int go[2];
	char byte;

	TRY(child_is_content());
	TRY(!pipe(go));
	child = fork();
	TRY(child >= 0);
	if (!child)
		_exit(read(go[0], &byte, 1) == 1 && check_contents() ? 0 : 1);
	close(go[0]);
	child_go = go[1];
	return true;
}

/* ---- the GPU ---- */

/*
 * Whether the GPU gets at @page. If not, it is told to give up there, and gets nothing
 * of that page any more in this job, not even what it may have.
 */
static bool gpu_gets(unsigned int page, bool write)
{
	refused[page] |= !gpu_may(page, write);
	return !refused[page];
}

/* Both return whether the GPU gets all of it. */
static bool add_fill(unsigned int page)
{
	uint32_t value = chance(~0u);

	emit_fill(&worker.sdma, (uintptr_t)address(page), value, PAGE);
	if (!gpu_gets(page, true))
		return false;
	model[page].value = value;
	model[page].known = true;
	return true;
}

static bool add_copy(unsigned int from, unsigned int to)
{
	bool can_read, can_write;

	emit_copy(&worker.sdma, (uintptr_t)address(to), (uintptr_t)address(from), PAGE);
	can_read = gpu_gets(from, false);
	can_write = gpu_gets(to, true);
	if (can_write) {
		model[to].known = can_read && model[from].known;
		model[to].value = model[from].value;
	}
	return can_read && can_write;
}

static bool step_gpu(void)
{
	int64_t before = svm_counters(&gpu, FATAL_ANY);
	bool allowed = true;

	memset(refused, 0, sizeof(refused));
	for (int i = 0; i < ACCESSES; i++)
		allowed &= chance(3) ? add_fill(chance(PAGES)) :
				       add_copy(chance(PAGES), chance(PAGES));
	TRY_EQ(gpu_job_run(&worker.sdma, gpu_job_seconds()), 0);
	gpu_job_reset(&worker.sdma);
	TRY_EQ(svm_counters(&gpu, FATAL_ANY) == before, allowed);
	return check_contents();
}

/* ---- mixes ---- */

/* How often each step comes, in a thousand or so. */
struct mix {
	const char *name;
	const char *text;
	unsigned int steps;
	unsigned int set, get, reset, mmap, munmap, mprotect, dontneed, cpu, fork, gpu;
};

static const struct mix mixes[] = {
	{ .name = "attributes", .text = "SET, GET, RESET on memory with few holes",
	  .steps = 100000, .set = 500, .get = 350, .reset = 50, .mmap = 3, .munmap = 1 },
	{ .name = "mappings", .text = "and the memory comes and goes",
	  .steps = 100000, .set = 250, .get = 200, .reset = 30, .mmap = 60, .munmap = 40,
	  .mprotect = 60, .dontneed = 60, .cpu = 100, .fork = 1 },
	{ .name = "gpu", .text = "and the GPU accesses it",
	  .steps = 100000, .set = 200, .get = 100, .reset = 40, .mmap = 60, .munmap = 20,
	  .mprotect = 60, .dontneed = 60, .cpu = 100, .fork = 2, .gpu = 20 },
	{ .name = "gpu-fork", .text = "with copies on write all the time",
	  .steps = 4000, .set = 50, .mmap = 20, .mprotect = 20, .dontneed = 20, .cpu = 200,
	  .fork = 60, .gpu = 60 },
};

static bool one_step(const struct mix *m)
{
	const struct {
		unsigned int weight;
		bool (*run)(void);
	} all[] = {
		{ m->set, step_set }, { m->get, step_get }, { m->reset, step_reset },
		{ m->mmap, step_mmap }, { m->munmap, step_munmap }, { m->mprotect, step_mprotect },
		{ m->dontneed, step_dontneed }, { m->cpu, step_cpu }, { m->fork, step_fork },
		{ m->gpu, step_gpu },
	};
	unsigned int sum = 0, pick, i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		sum += all[i].weight;
	pick = chance(sum);
	for (i = 0; pick >= all[i].weight; i++)
		pick -= all[i].weight;
	return all[i].run();
}

/* Each page by itself; and no more entries than there are parts that differ. */
static bool check_all_attributes(void)
{
	int runs = 0;

	for (unsigned int i = 0; i < PAGES; i++) {
		bool is_default = !memcmp(model[i].attrs, defaults, sizeof(defaults));

		TRY(check_get((struct span){ i, 1 }));
		runs += !is_default && (!i || memcmp(model[i].attrs, model[i - 1].attrs,
						     sizeof(defaults)));
	}
	TRY_EQ(svm_lines(&gpu, "svm_attributes", BASE, PAGES * PAGE), runs);
	return true;
}

static bool fuzz(const struct mix *m, unsigned int count)
{
	struct span all = { 0, PAGES };

	TRY_EQ(gpu_open(&gpu, NULL), 0);
	TRY(worker_open(&worker, &gpu, 0));
	map_at(BASE, PAGES * PAGE, RW);
	model_drop(all, true, RW);
	for (unsigned int i = 0; i < count; i++)
		if (!one_step(m)) {
			fprintf(stderr, "step %u\n", i);
			return false;
		}
	TRY(child_is_content());
	TRY(check_all_attributes());
	TRY(check_contents());
	munmap(BASE, PAGES * PAGE);
	worker_close(&worker);
	gpu_close(&gpu);
	return true;
}

static unsigned int default_steps(const struct mix *m)
{
	const char *divide = getenv("AMD_SVM_FUZZ_DIVIDE");
	unsigned int by = divide ? (unsigned int)atoi(divide) : 1;

	return by ? m->steps / by : m->steps;
}

static void run(const struct mix *m)
{
	unsigned int count = steps ?: default_steps(m);

	state = seed;
	igt_info("--seed %llu --steps %u\n", (unsigned long long)seed, count);
	igt_assert(fuzz(m, count));
}

/* ---- options ---- */

enum { OPTION_SEED = 's', OPTION_STEPS = 'n' };

static const struct option options[] = {
	{ "seed", required_argument, NULL, OPTION_SEED },
	{ "steps", required_argument, NULL, OPTION_STEPS },
	{ }
};

static const char help[] =
	"  --seed N\tnot 0; take the one that a run printed to repeat it\n"
	"  --steps N\tof each subtest\n";

static int take_option(int option, int index, void *data)
{
	char *end;
	unsigned long long value = strtoull(optarg, &end, 0);

	(void)index;
	(void)data;
	if (*end || end == optarg || !value)
		return IGT_OPT_HANDLER_ERROR;
	if (option == OPTION_SEED)
		seed = value;
	else
		steps = value;
	return IGT_OPT_HANDLER_SUCCESS;
}

static uint64_t new_seed(void)
{
	uint32_t value = 0;

	igt_assert_eq(getrandom(&value, sizeof(value), 0), sizeof(value));
	return value | 1;
}

igt_main_args(NULL, options, help, take_option, NULL)
{
	static unsigned int i;

	igt_fixture() {
		void *page = map_at(NULL, PAGE, PROT_READ);

		igt_assert_eq(gpu_open(&gpu, NULL), 0);
		igt_require_f(svm_get(&gpu, page, PAGE, AMDGPU_SVM_ATTR_ACCESS) >= 0,
			      "no SVM on this kernel and GPU\n");
		gpu_close(&gpu);
		seed = seed ?: new_seed();
	}

	for (i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++) {
		igt_describe_f("%s", mixes[i].text);
		igt_subtest(mixes[i].name)
			run(&mixes[i]);
	}
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ASIC as data: which IP blocks it has, where their registers are, what a
 * register holds after reset and which ones do more than remember. One file
 * asic_NAME.c describes one ASIC; nothing outside it names a model.
 *
 * The engines' own registers (SDMA, CP, hubs, IH) get their behaviour from
 * their blocks. What is described here is everything else.
 */
#ifndef EMU_ASIC_H
#define EMU_ASIC_H

#include "gpu.h"

#define MAX_SEGMENTS 9

/* One line of a kernel register header; regnames.awk makes tables of them. */
struct reg_name {
	u32 offset;
	u8 segment;
	const char *name;
};

struct reg_names {
	const struct reg_name *names;
	u32 count;
};

/* A register of every instance of a block. */
struct reg_ref {
	enum hw hw;
	u8 segment;
	u32 offset;
};

#define REG_REF(block, name) { .hw = (block), .segment = name##_BASE_IDX, .offset = (name) }

/* How many instances of a block there are depends on how large the GPU is. */
enum asic_count { PER_DEVICE, PER_AID, PER_XCC, PER_SDMA, FOUR_PER_AID };

struct asic_ip {
	const char *name;
	u16 hw_id;			/* as IP discovery numbers blocks */
	u8 major;
	u8 minor;
	u8 revision;
	enum asic_count count;
	u8 segments;
	/*
	 * [instance][segment], dwords. An instance on another die than the
	 * first may carry its die in bits 31:30 (see SMN_DIE_SHIFT); discovery
	 * does not show these bits.
	 */
	const u32 (*bases)[MAX_SEGMENTS];
	struct reg_names names[3];	/* the first table that names an offset wins */
};

/*
 * SMN addresses are 64-bit: the die is in bits 33:32 and bit 34 says that it is
 * there. In a register index (dwords, 32 bits) the die is in the bits that a
 * 32-bit byte address leaves free.
 */
#define SMN_DIE_SHIFT 30
#define SMN_DIE_MASK (3u << SMN_DIE_SHIFT)

enum asic_value {
	VALUE_CONST,		/* .value */
	VALUE_VRAM_MB,
	VALUE_FB_BASE,		/* where VRAM starts, in 16 MiB */
	VALUE_FB_TOP,		/* its last 16 MiB */
	VALUE_NUM_XCC,
	VALUE_COMPUTE_MODE,	/* partition mode: SPX, or CPX when one XCC is all */
};

/* What a register holds after reset; in every instance of the block. */
struct asic_preset {
	struct reg_ref reg;
	enum asic_value what;
	u32 value;
};

enum asic_behaviour {
	REG_READS,		/* reads @arg, writes are dropped */
	REG_SELF_CLEAR,		/* the bits of @arg are zero as soon as written */
	REG_WRITE_1_CLEAR,	/* writing a one clears the bit */
	/* a write latches the 100 MHz clock into the registers at +@arg (low), +@arg + 1 */
	REG_CLOCK_CAPTURE,
};

struct asic_special {
	struct reg_ref reg;
	enum asic_behaviour behaviour;
	u32 arg;
	u32 count;		/* consecutive registers; 0 means 1 */
};

/* Registers without a name in a kernel header that the driver reads anyhow. */
struct asic_extra {
	const char *name;
	u32 smn;		/* byte address of the first */
	u32 count;
	u32 stride;		/* bytes */
	bool every_die;
};

/* What nbio.c must know by name. */
struct asic_nbio {
	struct reg_ref mm_index;
	struct reg_ref mm_index_hi;
	struct reg_ref mm_data;
	struct reg_ref pcie_index;
	struct reg_ref pcie_index_hi;
	struct reg_ref pcie_data;
	struct reg_ref remap_hdp_mem_flush;
	struct reg_ref remap_hdp_reg_flush;
};

/* What rlc.c must know by name. */
struct asic_athub {
	struct reg_ref pasid_mapping;		/* of VMID 0, the others follow */
	struct reg_ref pasid_update_status;
};

struct asic_vbios {
	const char *part_number;	/* at most 31 characters, ' ' to 'z' */
	struct reg_ref scratch;		/* the first of the BIOS scratch registers */
	u32 boot_sclk_mhz;
	u32 boot_mclk_mhz;
	u8 channels_per_aid;
	u8 channel_width_log2;		/* in bits */
};

/* IP discovery's gc_info table, version 2.1, in its order. */
struct asic_gc_info {
	u32 num_se;
	u32 num_cu_per_sh;
	u32 num_sh_per_se;
	u32 num_rb_per_se;
	u32 num_tccs;
	u32 num_gprs;
	u32 num_max_gs_thds;
	u32 gs_table_depth;
	u32 gsprim_buff_depth;
	u32 parameter_cache_depth;
	u32 double_offchip_lds_buffer;
	u32 wave_size;
	u32 max_waves_per_simd;
	u32 max_scratch_slots_per_cu;
	u32 lds_size;
	u32 num_sc_per_se;
	u32 num_packer_per_sc;
	u32 num_tcp_per_sh;
	u32 tcp_size_per_cu;
	u32 num_sdp_interface;
	u32 num_cu_per_sqc;
	u32 instruction_cache_size_per_sqc;
	u32 scalar_data_cache_size_per_sqc;
	u32 tcc_size;
};

enum firmware_kind { FIRMWARE_RLC, FIRMWARE_MEC, FIRMWARE_SDMA };

struct asic_firmware {
	const char *file;	/* below DIR/amdgpu */
	enum firmware_kind kind;
	u32 ucode_version;
	u32 feature_version;
};

struct asic {
	const char *name;

	u16 pci_vendor;
	u16 pci_device;
	u16 pci_subsystem_vendor;
	u16 pci_subsystem;
	u32 pci_class;		/* class, subclass, interface: 24 bits */
	u8 pci_revision;
	u64 doorbell_size;	/* BAR2, bytes */
	u64 mmio_size;		/* BAR5, bytes */
	u64 default_vram;	/* bytes; far below the real one */

	unsigned int max_xcc;
	unsigned int xcc_per_aid;
	unsigned int sdma_per_xcc;

	u64 fb_base;		/* VRAM's address in the system context */
	/* What a packet may call by its offset within the engine's own XCC. */
	struct { u32 first, last; u8 segment; } xcc_window[2];

	const struct asic_ip *ips;	/* [NUM_HW]; without a name: there is none */
	const struct asic_preset *presets;
	u32 num_presets;
	const struct asic_special *specials;
	u32 num_specials;
	const struct asic_extra *extras;
	u32 num_extras;
	struct asic_nbio nbio;
	struct asic_athub athub;
	struct asic_vbios vbios;
	struct asic_gc_info gc_info;
	const struct asic_firmware *firmware;
	u32 num_firmware;
};

extern const struct asic asic_mi300x;

/*
 * Sets gpu->asic, num_xcc, num_aid, num_sdma and vram_size from what was asked
 * for (0: the default). Returns 0 or -EINVAL after saying why on stderr.
 */
int asic_configure(struct gpu *gpu, const char *name, unsigned int num_xcc, u64 vram_size);

const struct asic_ip *asic_ip(const struct asic *asic, enum hw hw);	/* NULL: there is none */
unsigned int asic_instances(const struct gpu *gpu, enum hw hw);	/* 0: there is none */
u32 asic_reg(const struct gpu *gpu, const struct reg_ref *ref, unsigned int inst);

/*
 * The register that a packet of an engine in @xcc means by @reg: offsets within
 * the XCC windows are of that XCC, whatever the driver calls it; all others are
 * absolute.
 */
u32 asic_xcc_reg(const struct gpu *gpu, unsigned int xcc, u32 reg);

/* vbios.c: what the expansion ROM holds. */
#define VBIOS_SIZE 2048
void vbios_build(const struct gpu *gpu, u8 buf[VBIOS_SIZE]);

/* regs.c, beyond gpu.h: */
bool reg_known(const struct gpu *gpu, u32 reg);

#endif

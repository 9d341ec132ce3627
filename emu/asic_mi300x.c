// SPDX-License-Identifier: GPL-2.0-only
/*
 * MI300X (GC 9.4.3) as data.
 *
 * IP versions are the hardware's. With this MP0 the driver needs the VBIOS: it
 * asks its tables for ECC without looking whether there is one.
 *
 * Base addresses are ours where nothing prescribes them. Two rules bind them.
 * Packets call a GC register by the low 16 bits of its index, so GC must be at
 * 0x2000 and 0xA000 modulo 0x10000, and no register that packets call by its
 * full index may lie in 0x2000-0x33ff or 0xA000-0xffff modulo 0x10000. BAR5
 * shows indices below 0x20000; everything else goes through PCIE_INDEX2.
 */
#include "asic.h"
#include "regnames.h"

#include "athub/athub_1_8_0_offset.h"
#include "df/df_4_3_offset.h"
/*
 * The graphics and the memory hub have registers of the same name at different
 * offsets, and the last header wins without a warning.
 */
#include "gc/gc_9_4_3_offset.h"
enum {
	GC_FB_BASE = regMC_VM_FB_LOCATION_BASE,
	GC_FB_TOP = regMC_VM_FB_LOCATION_TOP,
};
#include "mmhub/mmhub_1_8_0_offset.h"
#include "mp/mp_13_0_6_offset.h"
#include "nbio/nbio_7_9_0_offset.h"
#include "sdma/sdma_4_4_2_offset.h"
#include "smuio/smuio_13_0_3_offset.h"

#define NAMES(header) { names_##header, ARRAY_SIZE(names_##header) }

/* XCC or AID i is 1 Mi dwords behind the one before. */
#define STRIDE(i) ((i) * 0x100000u)

#define GC_AT(i) { STRIDE(i) + 0x2000, STRIDE(i) + 0xA000 }
static const u32 gc_bases[][MAX_SEGMENTS] = {
	GC_AT(0), GC_AT(1), GC_AT(2), GC_AT(3), GC_AT(4), GC_AT(5), GC_AT(6), GC_AT(7),
};

#define SDMA_OF_AID(a) \
	{ STRIDE(a) + 0x1260 }, { STRIDE(a) + 0x1860 }, \
	{ STRIDE(a) + 0x23400 }, { STRIDE(a) + 0x23A00 }
static const u32 sdma_bases[][MAX_SEGMENTS] = {
	SDMA_OF_AID(0), SDMA_OF_AID(1), SDMA_OF_AID(2), SDMA_OF_AID(3),
};

#define MMHUB_AT(i) { STRIDE(i) + 0x13400, STRIDE(i) + 0x2408800 }
static const u32 mmhub_bases[][MAX_SEGMENTS] = {
	MMHUB_AT(0), MMHUB_AT(1), MMHUB_AT(2), MMHUB_AT(3),
};

/* The dies are alike: NBIO of die i differs by the die bits of its SMN address. */
#define DIE(i) ((u32)(i) << SMN_DIE_SHIFT)
#define NBIO_AT(i) { \
	DIE(i) | 0x0, DIE(i) | 0x14, DIE(i) | 0xD20, DIE(i) | 0x10400, DIE(i) | 0x241B000, \
	DIE(i) | 0x4040000, DIE(i) | 0x5040000, DIE(i) | 0x6040000, DIE(i) | 0x7040000, }
static const u32 nbio_bases[][MAX_SEGMENTS] = {
	NBIO_AT(0), NBIO_AT(1), NBIO_AT(2), NBIO_AT(3),
};

#define VCN_AT(i) { STRIDE(i) + 0x7800, STRIDE(i) + 0x7E00 }
static const u32 vcn_bases[][MAX_SEGMENTS] = {
	VCN_AT(0), VCN_AT(1), VCN_AT(2), VCN_AT(3),
};

#define UMC_OF_AID(a) \
	{ STRIDE(a) + 0x54000 }, { STRIDE(a) + 0x54400 }, \
	{ STRIDE(a) + 0x54800 }, { STRIDE(a) + 0x54C00 }
static const u32 umc_bases[][MAX_SEGMENTS] = {
	UMC_OF_AID(0), UMC_OF_AID(1), UMC_OF_AID(2), UMC_OF_AID(3),
};

static const u32 athub_bases[][MAX_SEGMENTS] = { { 0xC20, 0x2408C00 } };
static const u32 osssys_bases[][MAX_SEGMENTS] = { { 0x10A0 } };
static const u32 hdp_bases[][MAX_SEGMENTS] = { { 0xF20 } };
static const u32 smuio_bases[][MAX_SEGMENTS] = { { 0x16700, 0x16800, 0x16A00 } };
static const u32 mp_bases[][MAX_SEGMENTS] = { { 0x16000 } };
static const u32 thm_bases[][MAX_SEGMENTS] = { { 0x16400 } };
static const u32 df_bases[][MAX_SEGMENTS] = { { 0x7000, 0x40000, 0x41000, 0x42000, 0x44000 } };

static const struct asic_ip ips[NUM_HW] = {
	[HW_NBIO] = {
		.name = "NBIO", .hw_id = 108, .major = 7, .minor = 9,
		.count = PER_AID, .segments = 9, .bases = nbio_bases,
		.names = { NAMES(nbio_7_9_0) },
	},
	[HW_HDP] = {
		.name = "HDP", .hw_id = 41, .major = 4, .minor = 4, .revision = 2,
		.count = PER_DEVICE, .segments = 1, .bases = hdp_bases,
		.names = { NAMES(hdp_4_4_2), NAMES(hdp_4_0) },
	},
	[HW_MMHUB] = {
		.name = "MMHUB", .hw_id = 34, .major = 1, .minor = 8,
		.count = PER_AID, .segments = 2, .bases = mmhub_bases,
		.names = { NAMES(mmhub_1_8_0) },
	},
	[HW_ATHUB] = {
		/* The driver's clock gating uses 1.0 names, its PASID code 1.8 ones. */
		.name = "ATHUB", .hw_id = 35, .major = 1, .minor = 8,
		.count = PER_DEVICE, .segments = 2, .bases = athub_bases,
		.names = { NAMES(athub_1_8_0), NAMES(athub_1_0) },
	},
	[HW_OSSSYS] = {
		.name = "OSSSYS", .hw_id = 40, .major = 4, .minor = 4, .revision = 2,
		.count = PER_DEVICE, .segments = 1, .bases = osssys_bases,
		.names = { NAMES(osssys_4_2_0), NAMES(osssys_4_4_2) },
	},
	[HW_SMUIO] = {
		.name = "SMUIO", .hw_id = 4, .major = 13, .minor = 0, .revision = 3,
		.count = PER_DEVICE, .segments = 3, .bases = smuio_bases,
		.names = { NAMES(smuio_13_0_3) },
	},
	[HW_MP0] = {
		.name = "MP0", .hw_id = 255, .major = 13, .minor = 0, .revision = 6,
		.count = PER_DEVICE, .segments = 1, .bases = mp_bases,
		.names = { NAMES(mp_13_0_6) },
	},
	[HW_MP1] = {
		.name = "MP1", .hw_id = 1, .major = 13, .minor = 0, .revision = 6,
		.count = PER_DEVICE, .segments = 1, .bases = mp_bases,
	},
	[HW_THM] = {
		.name = "THM", .hw_id = 3, .major = 13, .minor = 0, .revision = 6,
		.count = PER_DEVICE, .segments = 1, .bases = thm_bases,
		.names = { NAMES(thm_13_0_2) },
	},
	[HW_DF] = {
		.name = "DF", .hw_id = 46, .major = 4, .minor = 3,
		.count = PER_DEVICE, .segments = 5, .bases = df_bases,
		.names = { NAMES(df_4_3) },
	},
	[HW_UMC] = {
		.name = "UMC", .hw_id = 150, .major = 12, .minor = 0,
		.count = FOUR_PER_AID, .segments = 1, .bases = umc_bases,
		.names = { NAMES(umc_12_0_0) },
	},
	[HW_VCN] = {
		/* No video engine behind it: the driver is told to leave it alone. */
		.name = "VCN", .hw_id = 12, .major = 4, .minor = 0, .revision = 3,
		.count = PER_AID, .segments = 2, .bases = vcn_bases,
		.names = { NAMES(vcn_4_0_3) },
	},
	[HW_GC] = {
		.name = "GC", .hw_id = 11, .major = 9, .minor = 4, .revision = 3,
		.count = PER_XCC, .segments = 2, .bases = gc_bases,
		.names = { NAMES(gc_9_4_3) },
	},
	[HW_SDMA] = {
		.name = "SDMA", .hw_id = 42, .major = 4, .minor = 4, .revision = 2,
		.count = PER_SDMA, .segments = 1, .bases = sdma_bases,
		.names = { NAMES(sdma_4_4_2) },
	},
};

#define REV_ID(n) ((u32)(n) << 24)	/* 0 would be the A0 stepping, which the driver refuses */
#define NPS1 (1u << 4)
#define MODE_CPX (4u << 4)
#define XCC_IN_XCP (1u << 3)
#define ASIC_INIT_COMPLETE (1u << 9)

static const struct asic_preset presets[] = {
	{ REG_REF(HW_NBIO, regRCC_DEV0_EPF0_RCC_CONFIG_MEMSIZE), VALUE_VRAM_MB, 0 },
	{ REG_REF(HW_NBIO, regRCC_STRAP0_RCC_DEV0_EPF0_STRAP0), VALUE_CONST, REV_ID(1) },
	{ REG_REF(HW_NBIO, regBIF_BX_PF0_PARTITION_MEM_STATUS), VALUE_CONST, NPS1 },
	{ REG_REF(HW_NBIO, regBIF_BX_PF0_PARTITION_MEM_CAP), VALUE_CONST, 1 },
	{ REG_REF(HW_NBIO, regBIF_BX_PF0_PARTITION_COMPUTE_STATUS), VALUE_COMPUTE_MODE, MODE_CPX },
	{ REG_REF(HW_NBIO, regBIF_BX0_BIOS_SCRATCH_7), VALUE_CONST, ASIC_INIT_COMPLETE },
	/* Boot finished; no secure OS is running. */
	{ REG_REF(HW_MP0, regMP0_SMN_C2PMSG_33), VALUE_CONST, 0x80000000 },
	/* Poison is on, as the memory controllers of this version have it. */
	{ REG_REF(HW_DF, regDF_CS_UMC_AON0_HardwareAssertMaskLow), VALUE_CONST, 0x00000003 },
	{ REG_REF(HW_DF, regDF_NCS_PG0_HardwareAssertMaskHigh), VALUE_CONST, 0x90000000 },
	{ { HW_GC, 0, GC_FB_BASE }, VALUE_FB_BASE, 0 },
	{ { HW_GC, 0, GC_FB_TOP }, VALUE_FB_TOP, 0 },
	{ REG_REF(HW_MMHUB, regMC_VM_FB_LOCATION_BASE), VALUE_FB_BASE, 0 },
	{ REG_REF(HW_MMHUB, regMC_VM_FB_LOCATION_TOP), VALUE_FB_TOP, 0 },
	{ REG_REF(HW_GC, regCP_HYP_XCP_CTL), VALUE_NUM_XCC, XCC_IN_XCP },
	{ REG_REF(HW_SDMA, regSDMA_STATUS_REG), VALUE_CONST, 1 /* IDLE */ },
};

static const struct asic_special specials[] = {
	{ REG_REF(HW_NBIO, regBIF_BX_PF0_GPU_HDP_FLUSH_DONE), REG_READS, 0xffffffff, 1 },
	{ REG_REF(HW_GC, regRLC_SAFE_MODE), REG_SELF_CLEAR, 1 /* CMD */, 1 },
	{
		REG_REF(HW_GC, regRLC_CAPTURE_GPU_CLOCK_COUNT), REG_CLOCK_CAPTURE,
		regRLC_GPU_CLOCK_COUNT_LSB - regRLC_CAPTURE_GPU_CLOCK_COUNT, 1,
	},
};

/*
 * What the driver's reg_state files in sysfs show: PCIe, XGMI, WAFL and USR link
 * states. There are no such links here, so all read zero.
 */
#define PER_LINK(name, smn, count) \
	{ name "0", smn, count, 4, true }, { name "1", (smn) | 1u << 20, count, 4, true }
#define CAKE 0x11000
static const struct asic_extra extras[] = {
	{ "PCIE", 0x1A340218, 1, 4, false },
	{ "PCIE", 0x1A3402E4, 1, 4, false },
	{ "PCIE", 0x1A340294, 6, 4, false },
	{ "PCIE", 0x1A380088, 6, 4, false },
	PER_LINK("XGMI", 0x11A00050, 1),
	PER_LINK("XGMI", 0x11A00070, 4),
	PER_LINK("XGMI", 0x11A00108, 1),
	PER_LINK("XGMI", 0x11A00180, 16),
	PER_LINK("XGMI", 0x11A00200, 1),
	PER_LINK("XGMI", 0x11A0020C, 2),
	PER_LINK("WAFL", 0x11C00070, 4),
	PER_LINK("WAFL", 0x11C00210, 1),
	{ "USR", 0x1B311060, 4, 4, true },
	{ "USR", 0x1B411060, 4, 4, true },
	{ "USR", 0x1B511060, 4, 4, true },
	{ "USR", 0x1B611060, 4, 4, true },
	{ "USR", 0x1C307120, 2, 4, true },
	{ "USR", 0x1C317120, 2, 4, true },
	{ "USR_CAKE", 0x1C320830, 6, CAKE, true },
	{ "USR_CAKE", 0x1C380830, 5, CAKE, true },
	{ "USR_CAKE", 0x1C3D0830, 5, CAKE, true },
	{ "USR_CAKE", 0x1C420830, 4, CAKE, true },
	{ "USR_CAKE", 0x1C320100, 6, CAKE, true },
	{ "USR_CAKE", 0x1C380100, 5, CAKE, true },
	{ "USR_CAKE", 0x1C3D0100, 5, CAKE, true },
	{ "USR_CAKE", 0x1C420100, 4, CAKE, true },
	{ "USR_LINK", 0x1B310500, 4, 0x100000, true },
	{ "USR_CP", 0x1C300400, 2, 0x10000, true },
};

static const struct asic_firmware firmware[] = {
	{ "gc_9_4_3_rlc.bin", FIRMWARE_RLC, 1, 1 },
	/* The driver turns XNACK chaining on from 184 (feature flags depend on it). */
	{ "gc_9_4_3_mec.bin", FIRMWARE_MEC, 200, 1 },
	{ "sdma_4_4_2.bin", FIRMWARE_SDMA, 24, 1 },
};

const struct asic asic_mi300x = {
	.name = "mi300x",
	.pci_vendor = 0x1002,
	.pci_device = 0x74a1,
	.pci_subsystem_vendor = 0x1002,
	.pci_subsystem = 0x74a1,
	.pci_class = 0x120000,		/* processing accelerator */
	.pci_revision = 0,
	.doorbell_size = 2 << 20,
	.mmio_size = 512 << 10,
	.default_vram = 4ull << 30,
	.max_xcc = 8,
	.xcc_per_aid = 2,
	.sdma_per_xcc = 2,
	.fb_base = 0x8000ull << 24,
	.xcc_window = { { 0x2000, 0x33ff, 0 }, { 0xA000, 0xffff, 1 } },
	.ips = ips,
	.presets = presets,
	.num_presets = ARRAY_SIZE(presets),
	.specials = specials,
	.num_specials = ARRAY_SIZE(specials),
	.extras = extras,
	.num_extras = ARRAY_SIZE(extras),
	.nbio = {
		.mm_index = REG_REF(HW_NBIO, regBIF_BX_PF0_MM_INDEX),
		.mm_index_hi = REG_REF(HW_NBIO, regBIF_BX_PF0_MM_INDEX_HI),
		.mm_data = REG_REF(HW_NBIO, regBIF_BX_PF0_MM_DATA),
		.pcie_index = REG_REF(HW_NBIO, regBIF_BX0_PCIE_INDEX2),
		.pcie_index_hi = REG_REF(HW_NBIO, regBIF_BX0_PCIE_INDEX2_HI),
		.pcie_data = REG_REF(HW_NBIO, regBIF_BX0_PCIE_DATA2),
		.remap_hdp_mem_flush = REG_REF(HW_NBIO, regBIF_BX0_REMAP_HDP_MEM_FLUSH_CNTL),
		.remap_hdp_reg_flush = REG_REF(HW_NBIO, regBIF_BX0_REMAP_HDP_REG_FLUSH_CNTL),
	},
	.athub = {
		.pasid_mapping = REG_REF(HW_ATHUB, regATC_VMID0_PASID_MAPPING),
		.pasid_update_status = REG_REF(HW_ATHUB, regATC_VMID_PASID_MAPPING_UPDATE_STATUS),
	},
	.vbios = {
		.part_number = "113-EMULATED-MI300X",
		.scratch = REG_REF(HW_NBIO, regBIF_BX0_BIOS_SCRATCH_0),
		.boot_sclk_mhz = 300,
		.boot_mclk_mhz = 900,
		.channels_per_aid = 32,
		.channel_width_log2 = 6,
	},
	.gc_info = {
		.num_se = 4,
		.num_cu_per_sh = 10,
		.num_sh_per_se = 1,
		.num_rb_per_se = 4,
		.num_tccs = 16,
		.num_gprs = 256,
		.num_max_gs_thds = 32,
		.gs_table_depth = 32,
		.gsprim_buff_depth = 1792,
		.parameter_cache_depth = 2048,
		.double_offchip_lds_buffer = 1,
		.wave_size = 64,
		.max_waves_per_simd = 8,
		.max_scratch_slots_per_cu = 32,
		.lds_size = 64,
		.num_sc_per_se = 1,
		.num_packer_per_sc = 4,
		.num_tcp_per_sh = 10,
		.tcp_size_per_cu = 32,
		.num_sdp_interface = 16,
		.num_cu_per_sqc = 2,
		.instruction_cache_size_per_sqc = 64,
		.scalar_data_cache_size_per_sqc = 16,
		.tcc_size = 4096,
	},
	.firmware = firmware,
	.num_firmware = ARRAY_SIZE(firmware),
};

/* SPDX-License-Identifier: GPL-2.0-only */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM amdgpu_svm

#if !defined(__AMDGPU_SVM_TRACE_H__) || defined(TRACE_HEADER_MULTI_READ)
#define __AMDGPU_SVM_TRACE_H__

#include <linux/tracepoint.h>
#include <linux/types.h>

/* One fault and how it ended: reason is enum amdgpu_svm_reason. */
TRACE_EVENT(amdgpu_svm_fault,
	TP_PROTO(u32 pasid, u64 addr, bool write, u64 ts, unsigned int reason, const char *text),
	TP_ARGS(pasid, addr, write, ts, reason, text),
	TP_STRUCT__entry(
		__field(u32, pasid)
		__field(bool, write)
		__field(unsigned int, reason)
		__field(u64, addr)
		__field(u64, ts)
		__string(text, text)
	),
	TP_fast_assign(
		__entry->pasid = pasid;
		__entry->write = write;
		__entry->reason = reason;
		__entry->addr = addr;
		__entry->ts = ts;
		__assign_str(text);
	),
	TP_printk("pasid=%u addr=0x%llx %s ts=%llu reason=%u (%s)", __entry->pasid, __entry->addr,
		  __entry->write ? "write" : "read", __entry->ts, __entry->reason,
		  __get_str(text))
);

DECLARE_EVENT_CLASS(amdgpu_svm_interval,
	TP_PROTO(u32 pasid, u64 start, u64 end, unsigned int detail),
	TP_ARGS(pasid, start, end, detail),
	TP_STRUCT__entry(
		__field(u32, pasid)
		__field(unsigned int, detail)
		__field(u64, start)
		__field(u64, end)
	),
	TP_fast_assign(
		__entry->pasid = pasid;
		__entry->detail = detail;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("pasid=%u [0x%llx, 0x%llx) detail=0x%x", __entry->pasid, __entry->start,
		  __entry->end, __entry->detail)
);

/* An MMU notifier event; detail: enum mmu_notifier_event */
DEFINE_EVENT(amdgpu_svm_interval, amdgpu_svm_invalidate,
	TP_PROTO(u32 pasid, u64 start, u64 end, unsigned int detail),
	TP_ARGS(pasid, start, end, detail)
);

/* A range destroyed; detail: 1 if its memory was unmapped */
DEFINE_EVENT(amdgpu_svm_interval, amdgpu_svm_destroy,
	TP_PROTO(u32 pasid, u64 start, u64 end, unsigned int detail),
	TP_ARGS(pasid, start, end, detail)
);

/* Attributes dropped by munmap(2) */
DEFINE_EVENT(amdgpu_svm_interval, amdgpu_svm_drop,
	TP_PROTO(u32 pasid, u64 start, u64 end, unsigned int detail),
	TP_ARGS(pasid, start, end, detail)
);

/* An ioctl; detail: its operation */
DEFINE_EVENT(amdgpu_svm_interval, amdgpu_svm_ioctl,
	TP_PROTO(u32 pasid, u64 start, u64 end, unsigned int detail),
	TP_ARGS(pasid, start, end, detail)
);

TRACE_EVENT(amdgpu_svm_map,
	TP_PROTO(u32 pasid, u64 start, u64 end, u32 word, bool read_only),
	TP_ARGS(pasid, start, end, word, read_only),
	TP_STRUCT__entry(
		__field(u32, pasid)
		__field(u32, word)
		__field(bool, read_only)
		__field(u64, start)
		__field(u64, end)
	),
	TP_fast_assign(
		__entry->pasid = pasid;
		__entry->word = word;
		__entry->read_only = read_only;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("pasid=%u [0x%llx, 0x%llx) attributes=0x%x%s", __entry->pasid, __entry->start,
		  __entry->end, __entry->word, __entry->read_only ? " read-only" : "")
);

/* An attempt lost a race, or found no memory, and starts again. */
TRACE_EVENT(amdgpu_svm_retry,
	TP_PROTO(u32 pasid, u64 addr, unsigned int attempt),
	TP_ARGS(pasid, addr, attempt),
	TP_STRUCT__entry(
		__field(u32, pasid)
		__field(unsigned int, attempt)
		__field(u64, addr)
	),
	TP_fast_assign(
		__entry->pasid = pasid;
		__entry->attempt = attempt;
		__entry->addr = addr;
	),
	TP_printk("pasid=%u addr=0x%llx attempt=%u", __entry->pasid, __entry->addr,
		  __entry->attempt)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
/* amdgpu's Makefile has its own directory on the include path. */
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE amdgpu_svm_trace
#include <trace/define_trace.h>

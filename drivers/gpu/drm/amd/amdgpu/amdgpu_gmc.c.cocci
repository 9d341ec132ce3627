// SPDX-License-Identifier: GPL-2.0-only
// Retry faults that SVM serves leave the interrupt ring's work item.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_ras.h"
+#include "amdgpu_svm.h"

// expect: cam 1 write_fault)) return 1; ret = amdgpu_vm_handle_fault(
@cam@
@@
+if (amdgpu_svm_take_fault(adev, entry, addr, cam_index, node_id, write_fault))
+	return 1;
 ret = amdgpu_vm_handle_fault(adev, ...);

// expect: direct 1 write_fault)) return 1; if (amdgpu_vm_handle_fault(
@direct@
@@
+if (amdgpu_svm_take_fault(adev, entry, addr, cam_index, node_id, write_fault))
+	return 1;
 if (amdgpu_vm_handle_fault(adev, ...))
 	return 1;

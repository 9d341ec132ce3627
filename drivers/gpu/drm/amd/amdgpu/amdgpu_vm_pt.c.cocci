// SPDX-License-Identifier: GPL-2.0-only
// New page tables are empty before SVM sees them.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_vm.h"
+#include "amdgpu_svm.h"

// expect: clear 1 amdgpu_svm_clear_table(adev, vm, pt, immediate) in amdgpu_vm_pt_alloc
@clear@
@@
 amdgpu_vm_pt_alloc(...)
 {
 <...
-amdgpu_vm_pt_clear(adev, vm, pt, immediate)
+amdgpu_svm_clear_table(adev, vm, pt, immediate)
 ...>
 }

// SPDX-License-Identifier: GPL-2.0-only
// SVM ends before its VM, serves faults first, and shares the address space with
// buffer objects.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_res_cursor.h"
+#include "amdgpu_svm.h"

// expect: fini 1 amdgpu_svm_fini(vm);
@fini@
@@
 amdgpu_vm_fini(...)
 {
 ...
+	amdgpu_svm_fini(vm);
 	amdgpu_amdkfd_gpuvm_destroy_cb(adev, vm);
 ...
 }

// expect: fault 1 if (amdgpu_svm_handle_fault(adev, pasid, addr, ts, write_fault, &svm_handled)) return svm_handled;
@fault@
@@
 amdgpu_vm_handle_fault(...)
 {
 ...
 int r;
+bool svm_handled;
+
+if (amdgpu_svm_handle_fault(adev, pasid, addr, ts, write_fault, &svm_handled))
+	return svm_handled;
 ...
 }

// expect: map 1 amdgpu_svm_check_bo_map(vm, saddr, size) in amdgpu_vm_bo_map
@map@
@@
 amdgpu_vm_bo_map(...)
 {
 ...
 r = amdgpu_vm_verify_parameters(adev, bo, saddr, offset, size);
 if (r)
 	return r;
+r = amdgpu_svm_check_bo_map(vm, saddr, size);
+if (r)
+	return r;
 ...
 }

// expect: replace 1 amdgpu_svm_check_bo_map(bo_va->base.vm, saddr, size) in amdgpu_vm_bo_replace_map
@replace@
@@
 amdgpu_vm_bo_replace_map(...)
 {
 ...
 r = amdgpu_vm_verify_parameters(adev, bo, saddr, offset, size);
 if (r)
 	return r;
+r = amdgpu_svm_check_bo_map(bo_va->base.vm, saddr, size);
+if (r)
+	return r;
 ...
 }

// expect: free 1 amdgpu_svm_note_free(vm, mapping->start, mapping->last, f); in amdgpu_vm_clear_freed
@free@
@@
+amdgpu_svm_note_free(vm, mapping->start, mapping->last, f);
 amdgpu_vm_free_mapping(adev, vm, mapping, f);

// expect: lost 1 amdgpu_svm_tables_lost(vm);
@lost@
@@
+amdgpu_svm_tables_lost(vm);
 amdgpu_vm_bo_reset_state_machine(vm);

// expect: valid 1 amdgpu_svm_tables_valid(vm);
@valid@
@@
 amdgpu_vm_validate(...)
 {
 ...
 vm->evicting = false;
 amdgpu_vm_eviction_unlock(vm);
+amdgpu_svm_tables_valid(vm);
 ...
 }

// expect: moves 1 amdgpu_svm_table_moves(vm, bo); in amdgpu_vm_bo_move
@moves@
identifier bo_base;
@@
 amdgpu_vm_bo_move(...)
 {
 <...
 struct amdgpu_vm *vm = bo_base->vm;
+
+amdgpu_svm_table_moves(vm, bo);
 ...>
 }

// SPDX-License-Identifier: GPL-2.0-only
// SVM ends before its VM and shares the address space with buffer objects.

// expect: header 1 #include "amdgpu_svm.h"
@header@
@@
 #include "amdgpu_res_cursor.h"
+#include "amdgpu_svm.h"

// expect: device 1 amdgpu_svm_device_init(adev); in amdgpu_vm_manager_init
@device@
@@
 amdgpu_vm_manager_init(...)
 {
 ...
 spin_lock_init(&adev->vm_manager.prt_lock);
+amdgpu_svm_device_init(adev);
 ...
 }

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

// Tables go when notifiers, and with them memory reclaim, wait for the lock no more.
// expect: keep 1 amdgpu_svm_keep_tables(&params.tlb_flush_waitlist, &dead_tables); in amdgpu_vm_update_range
// expect: keep 1 LIST_HEAD(dead_tables);
// expect: keep 1 amdgpu_svm_put_tables(&dead_tables);
@keep@
identifier params;
@@
 amdgpu_vm_update_range(...)
 {
 ...
 struct amdgpu_vm_update_params params;
+LIST_HEAD(dead_tables);
 ...
+amdgpu_svm_keep_tables(&params.tlb_flush_waitlist, &dead_tables);
 amdgpu_vm_pt_free_list(adev, &params);
 ...
 amdgpu_vm_eviction_unlock(vm);
+amdgpu_svm_put_tables(&dead_tables);
 drm_dev_exit(idx);
 ...
 }

// expect: explicit_include 1 #include "amdgpu_vm_explicit.h"
@explicit_include@
@@
 #include "amdgpu_vm.h"
+#include "amdgpu_vm_explicit.h"

// What is not noted below was not unmapped by an operation.
// expect: explicit_insert 1 mapping->frees_no_memory = false; in amdgpu_vm_bo_insert_map
@explicit_insert@
identifier mapping, bo_va;
@@
 amdgpu_vm_bo_insert_map(...)
 {
 <...
 mapping->bo_va = bo_va;
+mapping->frees_no_memory = false;
 ...>
 }

// The three places where a mapping leaves its bo_va for amdgpu_vm.freed; the
// one in amdgpu_vm_bo_del() stays implicit.
// expect: explicit_note 1 amdgpu_vm_explicit_note_freed(vm, mapping); list_del(&mapping->list); in amdgpu_vm_bo_unmap
@explicit_note@
identifier mapping;
@@
 amdgpu_vm_bo_unmap(...)
 {
 <...
+amdgpu_vm_explicit_note_freed(vm, mapping);
 list_del(&mapping->list);
 ...>
 }

// expect: explicit_note_clear 1 amdgpu_vm_explicit_note_freed(vm, tmp); tmp->bo_va = NULL; in amdgpu_vm_bo_clear_mappings
@explicit_note_clear@
identifier tmp;
@@
 amdgpu_vm_bo_clear_mappings(...)
 {
 <...
+amdgpu_vm_explicit_note_freed(vm, tmp);
 tmp->bo_va = NULL;
 ...>
 }

// expect: explicit_freed 1 amdgpu_vm_sync_freed(adev, vm, &sync) in amdgpu_vm_clear_freed
// expect: explicit_freed -1 amdgpu_sync_resv in amdgpu_vm_clear_freed
@explicit_freed@
expression list ES;
@@
 amdgpu_vm_clear_freed(...)
 {
 <...
-amdgpu_sync_resv(ES)
+amdgpu_vm_sync_freed(adev, vm, &sync)
 ...>
 }

// expect: explicit_update 1 r = amdgpu_vm_sync_inputs(vm, &sync); if (r) goto error_free; in amdgpu_vm_bo_update
@explicit_update@
@@
 amdgpu_vm_bo_update(...)
 {
 <...
 amdgpu_sync_create(&sync);
+r = amdgpu_vm_sync_inputs(vm, &sync);
+if (r)
+	goto error_free;
 ...>
 }

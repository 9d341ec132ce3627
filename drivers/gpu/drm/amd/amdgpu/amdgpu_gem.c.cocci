// SPDX-License-Identifier: GPL-2.0-only
//
// GEM_VA: AMDGPU_VM_EXPLICIT_SYNC. What it means is in amdgpu_vm_explicit.c.

// expect: include 1 #include "amdgpu_vm_explicit.h"
@include@
@@
 #include "amdgpu_vm.h"
+#include "amdgpu_vm_explicit.h"

// expect: flag_valid 1 AMDGPU_VM_PAGE_NOALLOC | AMDGPU_VM_EXPLICIT_SYNC in amdgpu_gem_va_ioctl
@flag_valid@
expression E;
@@
 const uint32_t valid_flags = E
+	| AMDGPU_VM_EXPLICIT_SYNC
 ;

// expect: flag_prt 1 AMDGPU_VM_PAGE_PRT | AMDGPU_VM_EXPLICIT_SYNC in amdgpu_gem_va_ioctl
@flag_prt@
expression E;
@@
 const uint32_t prt_flags = E
+	| AMDGPU_VM_EXPLICIT_SYNC
 ;

// expect: operation 1 struct amdgpu_vm_explicit explicit; in amdgpu_gem_va_ioctl
@operation@
@@
 amdgpu_gem_va_ioctl(...)
 {
 ...
 struct drm_exec exec;
+struct amdgpu_vm_explicit explicit;
 ...
 }

// expect: inputs 1 r = amdgpu_vm_explicit_add_inputs(&explicit, filp, args); if (r) goto error_put_gobj; in amdgpu_gem_va_ioctl
@inputs@
expression list ES;
@@
+amdgpu_vm_explicit_init(&explicit, args);
+r = amdgpu_vm_explicit_add_inputs(&explicit, filp, args);
+if (r)
+	goto error_put_gobj;
 r = amdgpu_gem_add_input_fence(ES);

// The locked part: from the operation to the end of the update that follows it.
// expect: begin 1 amdgpu_vm_explicit_begin(&explicit, &fpriv->vm, bo_va, args); switch (args->operation) in amdgpu_gem_va_ioctl
@begin@
@@
+amdgpu_vm_explicit_begin(&explicit, &fpriv->vm, bo_va, args);
 switch (args->operation) {
 case AMDGPU_VA_OP_MAP:
 	r = amdgpu_vm_bo_map(...);
 	break;
 ...
 }

// expect: out_fence 1 fence = amdgpu_vm_explicit_out_fence(&explicit, fence); in amdgpu_gem_va_ioctl
@out_fence@
@@
 fence = amdgpu_gem_va_update_vm(...);
+fence = amdgpu_vm_explicit_out_fence(&explicit, fence);

// expect: end 1 error: amdgpu_vm_explicit_end(&explicit); in amdgpu_gem_va_ioctl
@end@
expression E;
@@
 error:
+amdgpu_vm_explicit_end(&explicit);
 dma_fence_chain_free(E);

// expect: fini 1 error_put_gobj: amdgpu_vm_explicit_fini(&explicit); in amdgpu_gem_va_ioctl
@fini@
expression E;
@@
 error_put_gobj:
+amdgpu_vm_explicit_fini(&explicit);
 drm_gem_object_put(E);

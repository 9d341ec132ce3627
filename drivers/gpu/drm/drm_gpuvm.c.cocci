// SPDX-License-Identifier: GPL-2.0-only
//
// The parts of immediate mode that are inside drm_gpuvm.c, and the call forms of
// Linux 7.2. What can be outside is in drm_gpuvm_deferred.c.

// expect: include 1 #include "drm_gpuvm_deferred.h"
@include@
@@
 #include <linux/mm.h>
+#include "drm_gpuvm_deferred.h"

// --- begin and end of a VM

// expect: init 1 init_llist_head(&gpuvm->bo_defer); in drm_gpuvm_init
@init@
identifier gpuvm;
@@
 drm_gpuvm_init(struct drm_gpuvm *gpuvm, ...)
 {
 	...
 	kref_init(&gpuvm->kref);
+	init_llist_head(&gpuvm->bo_defer);
 	...
 }

// expect: fini 1 !llist_empty(&gpuvm->bo_defer) in drm_gpuvm_fini
@fini@
identifier gpuvm;
@@
 drm_gpuvm_fini(struct drm_gpuvm *gpuvm)
 {
 	...
+	drm_WARN(gpuvm->drm, !llist_empty(&gpuvm->bo_defer),
+		 "drm_gpuvm_bo_deferred_cleanup() was not called.\n");
 	drm_gem_object_put(gpuvm->r_obj);
 }

// --- zombies

// expect: prepare_skips 1 if (drm_gpuvm_bo_is_zombie(vm_bo)) continue; in drm_gpuvm_prepare_objects_locked
@prepare_skips@
iterator name list_for_each_entry;
identifier vm_bo, gpuvm, ret;
expression list ES;
@@
 drm_gpuvm_prepare_objects_locked(struct drm_gpuvm *gpuvm, ...)
 {
 	...
 	list_for_each_entry(vm_bo, &gpuvm->extobj.list, list.entry.extobj) {
+		if (drm_gpuvm_bo_is_zombie(vm_bo))
+			continue;
 		ret = exec_prepare_obj(ES);
 		...
 	}
 	...
 }

// expect: validate_skips 1 if (drm_gpuvm_bo_is_zombie(vm_bo)) continue; in drm_gpuvm_validate_locked
@validate_skips@
iterator name list_for_each_entry_safe;
identifier vm_bo, next, gpuvm, exec, ops, ret;
@@
 drm_gpuvm_validate_locked(struct drm_gpuvm *gpuvm, struct drm_exec *exec)
 {
 	...
 	list_for_each_entry_safe(vm_bo, next, &gpuvm->evict.list, list.entry.evict) {
+		if (drm_gpuvm_bo_is_zombie(vm_bo))
+			continue;
 		ret = ops->vm_bo_validate(vm_bo, exec);
 		...
 	}
 	...
 }

// The walks put the reference that they take themselves by the name of
// drm_gpuvm_bo_put, in a macro that cannot be edited. In immediate mode that
// reference can be the last and nothing holds the object's mutex.
// expect: prepare_walk 1 drm_gpuvm_bo_put_fn *drm_gpuvm_bo_put = drm_gpuvm_walk_put; in __drm_gpuvm_prepare_objects
@prepare_walk@
identifier vm_bo;
typedef drm_gpuvm_bo_put_fn;
@@
 __drm_gpuvm_prepare_objects(...)
 {
 	struct drm_gpuvm_bo *vm_bo;
+	drm_gpuvm_bo_put_fn *drm_gpuvm_bo_put = drm_gpuvm_walk_put;
 	...
 }

// expect: validate_walk 1 drm_gpuvm_bo_put_fn *drm_gpuvm_bo_put = drm_gpuvm_walk_put; in __drm_gpuvm_validate
@validate_walk@
identifier vm_bo;
typedef drm_gpuvm_bo_put_fn;
@@
 __drm_gpuvm_validate(...)
 {
 	...
 	struct drm_gpuvm_bo *vm_bo;
+	drm_gpuvm_bo_put_fn *drm_gpuvm_bo_put = drm_gpuvm_walk_put;
 	...
 }

// --- obtaining

// In immediate mode it takes the object's mutex itself, and what was allocated in
// vain was never on a list.
// expect: prealloc 1 return drm_gpuvm_bo_obtain_immediate(__vm_bo); in drm_gpuvm_bo_obtain_prealloc
// expect: prealloc 1 drm_gpuvm_bo_discard(__vm_bo); in drm_gpuvm_bo_obtain_prealloc
@prealloc@
identifier __vm_bo, gpuvm, obj, vm_bo;
@@
 drm_gpuvm_bo_obtain_prealloc(struct drm_gpuvm_bo *__vm_bo)
 {
 	...
+	if (drm_gpuvm_immediate_mode(gpuvm))
+		return drm_gpuvm_bo_obtain_immediate(__vm_bo);
+
 	vm_bo = drm_gpuvm_bo_find(gpuvm, obj);
 	if (vm_bo) {
-		drm_gpuvm_bo_put(__vm_bo);
+		drm_gpuvm_bo_discard(__vm_bo);
 		return vm_bo;
 	}
 	...
 }

// --- the lock of an object's list, which depends on the VM's mode

// expect: assert_vm 1 drm_gem_gpuva_assert_lock_held(gpuvm, obj); in drm_gpuvm_bo_destroy
// expect: assert_vm 1 drm_gem_gpuva_assert_lock_held(gpuvm, obj); in __drm_gpuvm_bo_find
// expect: assert_vm 1 drm_gem_gpuva_assert_lock_held(gpuvm, obj); in drm_gpuvm_bo_obtain
// expect: assert_vm 1 drm_gem_gpuva_assert_lock_held(gpuvm, obj); in drm_gpuvm_bo_obtain_prealloc
// expect: assert_vm 1 drm_gem_gpuva_assert_lock_held(gpuvm, obj); in drm_gpuva_link
@assert_vm@
identifier f = {drm_gpuvm_bo_destroy, __drm_gpuvm_bo_find, drm_gpuvm_bo_obtain, drm_gpuvm_bo_obtain_prealloc, drm_gpuva_link};
expression obj;
@@
 f(...)
 {
 	<...
-	drm_gem_gpuva_assert_lock_held(obj);
+	drm_gem_gpuva_assert_lock_held(gpuvm, obj);
 	...>
 }

// expect: assert_vm_bo 1 drm_gem_gpuva_assert_lock_held(vm_bo->vm, in drm_gpuva_unlink
// expect: assert_vm_bo 1 drm_gem_gpuva_assert_lock_held(vm_bo->vm, in drm_gpuvm_bo_unmap_ops_create
@assert_vm_bo@
identifier f = {drm_gpuva_unlink, drm_gpuvm_bo_unmap_ops_create};
expression obj;
@@
 f(...)
 {
 	<...
-	drm_gem_gpuva_assert_lock_held(obj);
+	drm_gem_gpuva_assert_lock_held(vm_bo->vm, obj);
 	...>
 }

// --- call forms

// expect: map_req 1 drm_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv, const struct drm_gpuvm_map_req *req)
// expect: map_req 1 req->map.va.addr, req->map.va.range, req->map.gem.obj, req->map.gem.offset in drm_gpuvm_sm_map
@map_req@
identifier gpuvm, priv, req_addr, req_range, req_obj, req_offset, ops;
@@
 drm_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv,
-		 u64 req_addr, u64 req_range,
-		 struct drm_gem_object *req_obj, u64 req_offset)
+		 const struct drm_gpuvm_map_req *req)
 {
 	...
 	return __drm_gpuvm_sm_map(gpuvm, ops, priv,
-				  req_addr, req_range,
-				  req_obj, req_offset);
+				  req->map.va.addr, req->map.va.range,
+				  req->map.gem.obj, req->map.gem.offset);
 }

// expect: ops_req 1 drm_gpuvm_sm_map_ops_create(struct drm_gpuvm *gpuvm, const struct drm_gpuvm_map_req *req)
// expect: ops_req 1 req->map.va.addr, req->map.va.range, req->map.gem.obj, req->map.gem.offset in drm_gpuvm_sm_map_ops_create
@ops_req@
identifier gpuvm, req_addr, req_range, req_obj, req_offset, ret;
expression ops, args;
@@
 drm_gpuvm_sm_map_ops_create(struct drm_gpuvm *gpuvm,
-			    u64 req_addr, u64 req_range,
-			    struct drm_gem_object *req_obj, u64 req_offset)
+			    const struct drm_gpuvm_map_req *req)
 {
 	...
 	ret = __drm_gpuvm_sm_map(gpuvm, ops, args,
-				 req_addr, req_range,
-				 req_obj, req_offset);
+				 req->map.va.addr, req->map.va.range,
+				 req->map.gem.obj, req->map.gem.offset);
 	...
 }

// expect: const_map 1 const struct drm_gpuva_op_map *op)
@const_map@
identifier gpuvm, va, op;
@@
 drm_gpuva_map(struct drm_gpuvm *gpuvm, struct drm_gpuva *va,
-	      struct drm_gpuva_op_map *op
+	      const struct drm_gpuva_op_map *op
 )
 { ... }

// expect: const_remap 1 const struct drm_gpuva_op_remap *op)
@const_remap@
identifier prev, next, op;
@@
 drm_gpuva_remap(struct drm_gpuva *prev, struct drm_gpuva *next,
-		struct drm_gpuva_op_remap *op
+		const struct drm_gpuva_op_remap *op
 )
 { ... }

// expect: const_unmap 1 drm_gpuva_unmap(const struct drm_gpuva_op_unmap *op)
@const_unmap@
identifier op;
@@
 drm_gpuva_unmap(
-		struct drm_gpuva_op_unmap *op
+		const struct drm_gpuva_op_unmap *op
 )
 { ... }

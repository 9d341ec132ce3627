// SPDX-License-Identifier: GPL-2.0-only
//
// The header of drm_gpuvm as Linux 7.2 has it, as far as VM_BIND drivers see it.

// expect: renames 1 #include <drm/drm_gpuvm_next.h>
@renames@
@@
 #include <drm/drm_exec.h>
+#include <drm/drm_gpuvm_next.h>

// A bit of its own at the far end: drivers shift DRM_GPUVM_USERBITS.
// expect: immediate_flag 1 DRM_GPUVM_IMMEDIATE_MODE = 0x40000000,
@immediate_flag@
@@
 enum drm_gpuvm_flags {
 	...,
+	DRM_GPUVM_IMMEDIATE_MODE = 0x40000000,
 };

// expect: driver_op 1 DRM_GPUVA_OP_DRIVER,
@driver_op@
@@
 enum drm_gpuva_op_type {
 	...,
+	DRM_GPUVA_OP_DRIVER,
 };

// At the end, so that what the kernel itself reads of the structure stays where
// it is (drm_debugfs_gpuva_info() is in drm.ko).
// expect: vm_queue 1 struct llist_head bo_defer;
@vm_queue@
@@
 struct drm_gpuvm {
 	...
+	struct llist_head bo_defer;
 };

// expect: vm_bo_node 1 struct llist_node bo_defer;
@vm_bo_node@
@@
 struct drm_gpuvm_bo {
 	...
 	struct {
 		...
 		struct {
 			...
 			struct list_head evict;
+			struct llist_node bo_defer;
 		} entry;
 	} list;
 };

// expect: gem_evict_before -1 drm_gem_gpuva_assert_lock_held(obj);
@gem_evict_before@
identifier obj;
@@
 drm_gpuvm_bo_gem_evict(...)
 {
 	<...
-	drm_gem_gpuva_assert_lock_held(obj);
 	...>
 }

// expect: gem_evict 1 drm_gem_gpuva_assert_lock_held(vm_bo->vm, obj);
@gem_evict@
iterator name drm_gem_for_each_gpuvm_bo;
identifier vm_bo, obj, evict;
@@
 drm_gpuvm_bo_gem_evict(...)
 {
 	...
 	drm_gem_for_each_gpuvm_bo(vm_bo, obj)
-		drm_gpuvm_bo_evict(vm_bo, evict);
+	{
+		drm_gem_gpuva_assert_lock_held(vm_bo->vm, obj);
+		drm_gpuvm_bo_evict(vm_bo, evict);
+	}
 }

// expect: unlink_defer 1 void drm_gpuva_unlink_defer(struct drm_gpuva *va);
@unlink_defer@
@@
-void drm_gpuva_unlink(struct drm_gpuva *va);
+void drm_gpuva_unlink(struct drm_gpuva *va);
+void drm_gpuva_unlink_defer(struct drm_gpuva *va);

// expect: bo_deferred 1 bool drm_gpuvm_bo_put_deferred(struct drm_gpuvm_bo *vm_bo);
// expect: bo_deferred 1 void drm_gpuvm_bo_deferred_cleanup(struct drm_gpuvm *gpuvm);
@bo_deferred@
@@
 bool drm_gpuvm_bo_put(struct drm_gpuvm_bo *vm_bo);
+bool drm_gpuvm_bo_put_deferred(struct drm_gpuvm_bo *vm_bo);
+void drm_gpuvm_bo_deferred_cleanup(struct drm_gpuvm *gpuvm);

// The mapping wanted comes as a request.
// expect: map_ops_create 1 struct drm_gpuvm_map_req { struct drm_gpuva_op_map map; };
// expect: map_ops_create 1 drm_gpuvm_sm_map_ops_create(struct drm_gpuvm *gpuvm, const struct drm_gpuvm_map_req *req);
@map_ops_create@
@@
+struct drm_gpuvm_map_req {
+	struct drm_gpuva_op_map map;
+};
+
 struct drm_gpuva_ops *
 drm_gpuvm_sm_map_ops_create(struct drm_gpuvm *gpuvm,
-			    u64 addr, u64 range,
-			    struct drm_gem_object *obj, u64 offset);
+			    const struct drm_gpuvm_map_req *req);

// expect: sm_map 1 int drm_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv, const struct drm_gpuvm_map_req *req);
@sm_map@
@@
 int drm_gpuvm_sm_map(struct drm_gpuvm *gpuvm, void *priv,
-		     u64 addr, u64 range,
-		     struct drm_gem_object *obj, u64 offset);
+		     const struct drm_gpuvm_map_req *req);

// expect: exec_lock 1 int drm_gpuvm_sm_map_exec_lock(
// expect: exec_lock 1 int drm_gpuvm_sm_unmap_exec_lock(
@exec_lock@
@@
-int drm_gpuvm_sm_unmap(struct drm_gpuvm *gpuvm, void *priv,
-		       u64 addr, u64 range);
+int drm_gpuvm_sm_unmap(struct drm_gpuvm *gpuvm, void *priv,
+		       u64 addr, u64 range);
+
+int drm_gpuvm_sm_map_exec_lock(struct drm_gpuvm *gpuvm, struct drm_exec *exec,
+			       unsigned int num_fences, struct drm_gpuvm_map_req *req);
+int drm_gpuvm_sm_unmap_exec_lock(struct drm_gpuvm *gpuvm, struct drm_exec *exec, u64 req_addr,
+				 u64 req_range);

// The operations are only read.
// expect: const_init 1 drm_gpuva_init_from_op(struct drm_gpuva *va, const struct drm_gpuva_op_map *op)
@const_init@
identifier va, op;
@@
 drm_gpuva_init_from_op(struct drm_gpuva *va,
-					  struct drm_gpuva_op_map *op
+					  const struct drm_gpuva_op_map *op
 )
 { ... }

// expect: const_map 1 struct drm_gpuva *va, const struct drm_gpuva_op_map *op);
@const_map@
@@
 void drm_gpuva_map(struct drm_gpuvm *gpuvm,
 		   struct drm_gpuva *va,
-		   struct drm_gpuva_op_map *op);
+		   const struct drm_gpuva_op_map *op);

// expect: const_remap 1 const struct drm_gpuva_op_remap *op);
@const_remap@
@@
 void drm_gpuva_remap(struct drm_gpuva *prev,
 		     struct drm_gpuva *next,
-		     struct drm_gpuva_op_remap *op);
+		     const struct drm_gpuva_op_remap *op);

// expect: const_unmap 1 void drm_gpuva_unmap(const struct drm_gpuva_op_unmap *op);
@const_unmap@
@@
-void drm_gpuva_unmap(struct drm_gpuva_op_unmap *op);
+void drm_gpuva_unmap(const struct drm_gpuva_op_unmap *op);

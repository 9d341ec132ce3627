// SPDX-License-Identifier: GPL-2.0-only
// Notifiers of SVM wait for a reset that is under way, so a reset must not wait for them:
// what has it call notifiers comes before it locks them out, and its allocations do not
// reclaim.

// expect: unmap 1 unmap_mapping_range(adev->ddev.anon_inode->i_mapping, 0, 0, 1); amdgpu_amdkfd_clear_kfd_mapping(adev); amdgpu_device_recovery_get_reset_lock(adev, &device_list); noreclaim = memalloc_noreclaim_save(); in amdgpu_device_gpu_recover
@unmap@
@@
 amdgpu_device_gpu_recover(...)
 {
 <...
+unmap_mapping_range(adev->ddev.anon_inode->i_mapping, 0, 0, 1);
+amdgpu_amdkfd_clear_kfd_mapping(adev);
 amdgpu_device_recovery_get_reset_lock(adev, &device_list);
+noreclaim = memalloc_noreclaim_save();
-unmap_mapping_range(adev->ddev.anon_inode->i_mapping, 0, 0, 1);
-amdgpu_amdkfd_clear_kfd_mapping(adev);
 ...>
 }

// expect: unlock 1 memalloc_noreclaim_restore(noreclaim); amdgpu_device_recovery_put_reset_lock(adev, &device_list); in amdgpu_device_gpu_recover
@unlock@
@@
 amdgpu_device_gpu_recover(...)
 {
 <...
+memalloc_noreclaim_restore(noreclaim);
 amdgpu_device_recovery_put_reset_lock(adev, &device_list);
 ...>
 }

// expect: declare 1 struct amdgpu_hive_info *hive = NULL; unsigned int noreclaim; in amdgpu_device_gpu_recover
@declare@
@@
 amdgpu_device_gpu_recover(...)
 {
 ...
 struct amdgpu_hive_info *hive = NULL;
+unsigned int noreclaim;
 ...
 }

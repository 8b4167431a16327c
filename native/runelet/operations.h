// SPDX-License-Identifier: Apache-2.0
/* Every operation of a launch plan; each is described in docs/protocol/launch-plan.md. */
#ifndef RUNELET_OPERATIONS_H
#define RUNELET_OPERATIONS_H

#include "plan.h"

/* namespaces.c */
operation op_write_file, op_setns, op_open_tree, op_clone, op_unshare, op_setsid, op_open;
operation op_namespace_root, op_drop_groups;
/* net_device.c */
operation op_await_devices, op_net_device;
/* enter.c */
operation op_enter;
/* mounts.c */
operation op_propagation, op_root, op_mount_fs, op_mount_tree, op_pivot, op_attributes;
/* remount.c */
operation op_remount, op_mount_data;
/* tmpfs.c */
operation op_tmpfs;
/* id_map.c */
operation op_id_map;
/* sysctl.c */
operation op_sysctl;
/* nodes.c */
operation op_mknod, op_symlink, op_bind_device, op_mkdir, op_dev_null;
/* hide.c */
operation op_mask, op_readonly, op_demand_proc;
/* process.c */
operation op_hostname, op_domainname, op_rlimit, op_raise_limit, op_cwd, op_umask, op_keep_fds,
    op_keep, op_ready;
/* schedule.c */
operation op_affinity, op_scheduler, op_io_priority, op_memory_policy, op_personality;
/* label.c */
operation op_label, op_keyring, op_time;
/* identity.c */
operation op_ids, op_bounding, op_capabilities, op_no_new_privs;
/* seccomp.c */
operation op_seccomp, op_seccomp_notify;
/* console.c */
operation op_console;
/* execute.c */
operation op_find_program, op_wait_fifo, op_exec, op_home;
/* hook.c */
operation op_hook, op_runtime_hooks, op_poststart, op_poststop;
/* monitor.c */
operation op_monitor, op_report, op_exit;
/* notify.c */
operation op_notify;
/* Called when `notify_from` is readable: passes a READY on, which ends it. */
void pass_ready_on(struct run *run);
/* clean.c */
operation op_cgroup_remove, op_rmdir, op_unlink, op_claim;
/* agent_exec.c */
operation op_agent_exec;
/* ../pal/operations.c in init-runelet, no_pal.c in runelet */
operation op_pal_load, op_pal_init, op_agent, op_pal_run;

#endif

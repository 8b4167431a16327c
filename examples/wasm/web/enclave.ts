// SPDX-License-Identifier: Apache-2.0
// The imports of module `inclavare:enclave` and the part of WASI that the service needs, for
// AssemblyScript. docs/protocol/wasm-enclave.md. All answer an errno of WASI's.

@external("inclavare:enclave", "report")
export declare function report(target: usize, data: usize, out: usize): i32;
@external("inclavare:enclave", "quote")
export declare function quote(data: usize, buf: usize, size: i32, used: usize): i32;
@external("inclavare:enclave", "seal")
export declare function seal(policy: i32, aad: usize, aadSize: i32, data: usize, size: i32, buf: usize, bufSize: i32, used: usize): i32;
@external("inclavare:enclave", "unseal")
export declare function unseal(aad: usize, aadSize: i32, data: usize, size: i32, buf: usize, bufSize: i32, used: usize): i32;
@external("inclavare:enclave", "identity")
export declare function identity(out: usize): i32;

@external("wasi_snapshot_preview1", "sock_accept")
export declare function sock_accept(fd: i32, flags: i32, accepted: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
export declare function fd_read(fd: i32, iovs: usize, count: i32, nread: usize): i32;
@external("wasi_snapshot_preview1", "fd_write")
export declare function fd_write(fd: i32, iovs: usize, count: i32, nwritten: usize): i32;
@external("wasi_snapshot_preview1", "fd_close")
export declare function fd_close(fd: i32): i32;
@external("wasi_snapshot_preview1", "path_open")
export declare function path_open(fd: i32, dirflags: i32, path: usize, size: i32, oflags: i32, base: u64, inheriting: u64, fdflags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "path_unlink_file")
export declare function path_unlink_file(fd: i32, path: usize, size: i32): i32;
@external("wasi_snapshot_preview1", "proc_exit")
export declare function proc_exit(code: i32): void;

// SPDX-License-Identifier: Apache-2.0
//! The imports of module `inclavare:enclave`, for Rust: docs/protocol/wasm-enclave.md.
#![allow(dead_code)]

mod raw {
    #[link(wasm_import_module = "inclavare:enclave")]
    extern "C" {
        pub fn report(target: *const u8, data: *const u8, out: *mut u8) -> i32;
        pub fn quote(data: *const u8, buf: *mut u8, size: usize, used: *mut usize) -> i32;
        pub fn seal(policy: i32, aad: *const u8, aad_size: usize, data: *const u8, size: usize,
                    buf: *mut u8, buf_size: usize, used: *mut usize) -> i32;
        pub fn unseal(aad: *const u8, aad_size: usize, data: *const u8, size: usize,
                      buf: *mut u8, buf_size: usize, used: *mut usize) -> i32;
        pub fn identity(out: *mut u8) -> i32;
    }
}

/// Who can unseal.
#[derive(Clone, Copy)]
pub enum Policy {
    Enclave = 1,
    Signer = 2,
}

/// An errno of WASI's.
pub type Errno = i32;

fn check<T>(error: i32, value: T) -> Result<T, Errno> {
    if error == 0 { Ok(value) } else { Err(error) }
}

/// MRENCLAVE of this enclave.
pub fn mrenclave() -> Result<[u8; 32], Errno> {
    let mut all = [0u8; 96];
    let error = unsafe { raw::identity(all.as_mut_ptr()) };
    let mut hash = [0u8; 32];
    hash.copy_from_slice(&all[..32]);
    check(error, hash)
}

/// A REPORT for nobody in particular.
pub fn report(data: &[u8; 64]) -> Result<[u8; 432], Errno> {
    let mut out = [0u8; 432];
    let error = unsafe { raw::report(std::ptr::null(), data.as_ptr(), out.as_mut_ptr()) };
    check(error, out)
}

/// A quote with these report data.
pub fn quote(data: &[u8; 64]) -> Result<Vec<u8>, Errno> {
    let mut out = vec![0u8; 16384];
    let mut used = 0;
    let error = unsafe { raw::quote(data.as_ptr(), out.as_mut_ptr(), out.len(), &mut used) };
    out.truncate(used);
    check(error, out)
}

/// Encrypts and authenticates; `aad` is authenticated only.
pub fn seal(policy: Policy, aad: &[u8], data: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut out = vec![0u8; data.len() + 80];
    let mut used = 0;
    let error = unsafe {
        raw::seal(policy as i32, aad.as_ptr(), aad.len(), data.as_ptr(), data.len(),
                  out.as_mut_ptr(), out.len(), &mut used)
    };
    out.truncate(used);
    check(error, out)
}

/// The other way; an error for what another enclave has sealed, or what was changed.
pub fn unseal(aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut out = vec![0u8; sealed.len()];
    let mut used = 0;
    let error = unsafe {
        raw::unseal(aad.as_ptr(), aad.len(), sealed.as_ptr(), sealed.len(),
                    out.as_mut_ptr(), out.len(), &mut used)
    };
    out.truncate(used);
    check(error, out)
}

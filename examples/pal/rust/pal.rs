// SPDX-License-Identifier: Apache-2.0
//! The example of ../c in Rust: an enclave runtime without an enclave, version 2 of the PAL API. Its
//! only programs are `say WORDS...` and `wait`, which a signal ends. No crates: `rustc` alone builds it.
#![allow(non_camel_case_types)]

use std::collections::HashMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::Write;
use std::os::raw::{c_char, c_int};
use std::os::unix::io::BorrowedFd;
use std::sync::{Condvar, Mutex, MutexGuard};

const ENOENT: c_int = 2;
const ESRCH: c_int = 3;

// The layouts of enclave_runtime_pal.h.
#[repr(C)]
pub struct pal_attr_v1_t {
    args: *const c_char,
    log_level: *const c_char,
}

#[repr(C)]
pub struct pal_stdio_fds {
    stdin: c_int,
    stdout: c_int,
    stderr: c_int,
}

#[repr(C)]
pub struct pal_create_process_args {
    path: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    stdio: *const pal_stdio_fds,
    pid: *mut c_int,
}

#[repr(C)]
pub struct pal_exec_args {
    pid: c_int,
    exit_value: *mut c_int,
}

struct Process {
    waits: bool,
    signal: c_int,
    text: String,
    out: Option<File>,
}

struct Processes {
    last: c_int,
    living: Option<HashMap<c_int, Process>>,
}

static PROCESSES: Mutex<Processes> = Mutex::new(Processes { last: 0, living: None });
static CHANGED: Condvar = Condvar::new();

/// A panic in another call must not keep this one from its work.
fn processes() -> MutexGuard<'static, Processes> {
    PROCESSES.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Nothing of the caller's lives longer than the call: strings are copied.
unsafe fn text(pointer: *const c_char) -> String {
    CStr::from_ptr(pointer).to_string_lossy().into_owned()
}

unsafe fn list(mut pointer: *const *const c_char) -> Vec<String> {
    let mut words = Vec::new();
    while !(*pointer).is_null() {
        words.push(text(*pointer));
        pointer = pointer.add(1);
    }
    words
}

#[no_mangle]
pub extern "C" fn pal_get_version() -> c_int {
    2
}

/// # Safety
/// `attr` is the caller's, as enclave_runtime_pal.h says.
#[no_mangle]
pub unsafe extern "C" fn pal_init(attr: *const pal_attr_v1_t) -> c_int {
    // Here the enclave is created; its files are in the working directory.
    let (args, level) = (text((*attr).args), text((*attr).log_level));
    eprintln!("example: arguments `{args}`, log level {level}");
    0
}

/// # Safety
/// `args` is the caller's, as enclave_runtime_pal.h says.
#[no_mangle]
pub unsafe extern "C" fn pal_create_process(args: *const pal_create_process_args) -> c_int {
    let words = list((*args).argv);
    let waits = match words.first().map(String::as_str) {
        Some("wait") => true,
        Some("say") => false,
        _ => return -ENOENT,
    };
    // A duplicate, which closes itself: the streams are the caller's.
    let stream = BorrowedFd::borrow_raw((*(*args).stdio).stdout);
    let out = match stream.try_clone_to_owned() {
        Ok(fd) => File::from(fd),
        Err(error) => return -error.raw_os_error().unwrap_or(ESRCH),
    };
    let mut processes = processes();
    processes.last += 1;
    let pid = processes.last;
    let process = Process { waits, signal: 0, text: words[1..].join(" "), out: Some(out) };
    processes.living.get_or_insert_with(HashMap::new).insert(pid, process);
    *(*args).pid = pid;
    0
}

/// # Safety
/// `args` is the caller's, as enclave_runtime_pal.h says.
#[no_mangle]
pub unsafe extern "C" fn pal_exec(args: *const pal_exec_args) -> c_int {
    // Here the enclave is entered; calls for several processes overlap, each on its own thread.
    let pid = (*args).pid;
    let mut processes = processes();
    let ended = loop {
        let living = processes.living.get_or_insert_with(HashMap::new);
        match living.get(&pid) {
            None => return -ESRCH,
            Some(process) if process.waits && process.signal == 0 => {}
            Some(_) => break living.remove(&pid),
        }
        processes = CHANGED.wait(processes).unwrap_or_else(|poisoned| poisoned.into_inner());
    };
    drop(processes); // it may take long to write
    if let Some(mut process) = ended {
        if let (false, Some(out)) = (process.waits, process.out.as_mut()) {
            let _ = writeln!(out, "{}", process.text);
        }
        *(*args).exit_value = if process.signal == 0 { 0 } else { 128 + process.signal };
    }
    0
}

#[no_mangle]
pub extern "C" fn pal_kill(pid: c_int, signal: c_int) -> c_int {
    let mut processes = processes();
    for (number, process) in processes.living.get_or_insert_with(HashMap::new) {
        if pid == -1 || pid == *number {
            process.signal = signal;
        }
    }
    CHANGED.notify_all();
    0
}

#[no_mangle]
pub extern "C" fn pal_destroy() -> c_int {
    // Here the enclave is removed.
    0
}

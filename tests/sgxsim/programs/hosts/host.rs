// SPDX-License-Identifier: Apache-2.0
//! host LIBRARY COUNT: a Rust host of the skeleton enclave; threads beside it unwind from panics.
use std::ffi::CString;
use std::os::raw::{c_char, c_int, c_void};

#[repr(C)]
struct Attr {
    args: *const c_char,
    log_level: *const c_char,
    fd: c_int,
    addr: u64,
}
type Init = unsafe extern "C" fn(*const Attr) -> c_int;
type Report = unsafe extern "C" fn(*const u8, c_int, *mut u8, *mut c_int) -> c_int;

extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let count: usize = words[2].parse().expect("a number");
    let text = |word: &str| CString::new(word).expect("no NUL");
    let (path, init, report) = (text(&words[1]), text("pal_init"), text("pal_get_local_report"));
    let (args, level) = (text(""), text("off"));
    std::panic::set_hook(Box::new(|_| {}));
    let threads: Vec<_> = (0..4)
        .map(|n| {
            std::thread::spawn(move || {
                for i in 0..count {
                    let made = std::panic::catch_unwind(|| vec![n; i].remove(i));
                    assert!(made.is_err());
                }
            })
        })
        .collect();
    let mut bytes = [0u8; 432];
    unsafe {
        let library = dlopen(path.as_ptr(), 2);
        assert!(!library.is_null());
        let init: Init = std::mem::transmute(dlsym(library, init.as_ptr()));
        let get: Report = std::mem::transmute(dlsym(library, report.as_ptr()));
        let attr = Attr { args: args.as_ptr(), log_level: level.as_ptr(), fd: -1, addr: 0 };
        assert_eq!(init(&attr), 0);
        let target = [0u8; 512];
        for _ in 0..count {
            let mut size: c_int = 432;
            assert_eq!(get(target.as_ptr(), 512, bytes.as_mut_ptr(), &mut size), 0);
        }
    }
    for thread in threads {
        thread.join().expect("a thread without panics of its own");
    }
    let hex: String = bytes[64..96].iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{hex}");
}

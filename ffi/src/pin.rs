//! Keeps the library loaded: its threads run its code, so unloading it would pull the ground from
//! under them.
//!
//! A linker flag (`-z nodelete`) does the same, but a flag has to be given by whoever links the
//! last library; this works in every library that is built on wharf.

use std::sync::Once;

/// Makes the loaded file that holds this code stay until the process ends.
pub(crate) fn library() {
    static PIN: Once = Once::new();
    PIN.call_once(|| {
        let mut info = libc::Dl_info {
            dli_fname: std::ptr::null(),
            dli_fbase: std::ptr::null_mut(),
            dli_sname: std::ptr::null(),
            dli_saddr: std::ptr::null_mut(),
        };
        let here = library as *const () as *const libc::c_void;
        // SAFETY: `info` is written by `dladdr`; the name that it gives stays valid while the file
        // is loaded, which this code proves. `dlopen` with RTLD_NOLOAD loads nothing.
        unsafe {
            if libc::dladdr(here, &mut info) != 0 && !info.dli_fname.is_null() {
                let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
                libc::dlopen(info.dli_fname, flags);
            }
        }
    });
}

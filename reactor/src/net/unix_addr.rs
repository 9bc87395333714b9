//! From a path to the address of a Unix domain socket.

use std::{io, os::unix::net::SocketAddr, path::Path};

/// The address of the socket at `path`; of one that begins with a NUL the abstract address, where there
/// are any. A NUL elsewhere is an error: the system would stop reading there.
pub(super) fn of(path: &Path) -> io::Result<SocketAddr> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        #[cfg(target_os = "android")]
        use std::os::android::net::SocketAddrExt;
        #[cfg(target_os = "linux")]
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;

        if let [0, name @ ..] = path.as_os_str().as_bytes() {
            return SocketAddr::from_abstract_name(name);
        }
    }
    SocketAddr::from_pathname(path)
}

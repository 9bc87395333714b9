//! What the process has once: handlers, the socket, and the list of listeners.
//!
//! The handler notes the signal in a flag and writes a byte to a socket: nothing that is forbidden in a
//! handler. Each listener has registered a copy of the socket's other end with its own runtime, so
//! all of them wake up; whoever comes first takes the bytes and the flags, counts up the listeners
//! of those signals, and wakes them. Signals that come faster than they are taken are one, as
//! everywhere.

use std::{
    cell::UnsafeCell,
    io,
    mem::{self, MaybeUninit},
    os::{fd::AsRawFd, unix::net::UnixStream},
    ptr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{AcqRel, Acquire, Relaxed, Release},
        },
    },
};
use wharf_base::waker::WakerSlot;

/// One more than the highest number of a signal, on all systems that there are.
pub(super) const NUMBERS: usize = 129;

static POST: OnceLock<Post> = OnceLock::new();

struct Post {
    sender: UnixStream,
    receiver: UnixStream,
    kinds: [Kind; NUMBERS],
    listeners: Mutex<Vec<(usize, Arc<Listener>)>>,
}

#[derive(Default)]
struct Kind {
    /// It has come and was not taken yet.
    pending: AtomicBool,
    /// Our handler is there, and `before` is written.
    installed: AtomicBool,
    before: Before,
}

/// What handled a signal before us. Written under the lock of the listeners, before `installed`
/// is set; only read after that.
#[derive(Default)]
struct Before(UnsafeCell<Option<libc::sigaction>>);

// SAFETY: see above: it is written once, and read only by who has seen `installed`.
unsafe impl Sync for Before {}
// SAFETY: as above; numbers and function pointers are nobody's own.
unsafe impl Send for Before {}

/// Somebody who waits for one kind.
#[derive(Default)]
pub(super) struct Listener {
    count: AtomicU64,
    pub(super) waker: WakerSlot,
}

impl Listener {
    /// How many times the signal was taken since it listens.
    pub(super) fn count(&self) -> u64 {
        // Acquire: pairs with the Release in `take_all`.
        self.count.load(Acquire)
    }
}

fn post() -> io::Result<&'static Post> {
    if let Some(post) = POST.get() {
        return Ok(post);
    }
    let (sender, receiver) = UnixStream::pair()?;
    sender.set_nonblocking(true)?;
    receiver.set_nonblocking(true)?;
    let kinds = std::array::from_fn(|_| Kind::default());
    let new = Post { sender, receiver, kinds, listeners: Mutex::default() };
    // Of two that come at once one pair is closed again, unused.
    Ok(POST.get_or_init(|| new))
}

/// Listens for the signal of number `index`: the listener, and the socket's end to wait at.
pub(super) fn join(index: usize) -> io::Result<(Arc<Listener>, UnixStream)> {
    let post = post()?;
    let socket = post.receiver.try_clone()?;
    // What has come before is for the others.
    take_all();
    let mut listeners = post.listeners();
    post.install(index)?;
    let listener = Arc::new(Listener::default());
    listeners.push((index, listener.clone()));
    Ok((listener, socket))
}

pub(super) fn leave(listener: &Arc<Listener>) {
    let Some(post) = POST.get() else { return };
    post.listeners().retain(|(_, other)| !Arc::ptr_eq(listener, other));
}

/// Takes the signals that have come, and tells whoever listens for them.
pub(super) fn take_all() {
    let Some(post) = POST.get() else { return };
    for (index, kind) in post.kinds.iter().enumerate() {
        // Relaxed: who misses it is woken by the byte that follows. AcqRel: pairs with the
        // handler's Release.
        if !kind.pending.load(Relaxed) || !kind.pending.swap(false, AcqRel) {
            continue;
        }
        let listeners: Vec<_> = {
            let all = post.listeners();
            all.iter().filter(|&&(of, _)| of == index).map(|(_, it)| it.clone()).collect()
        };
        // Outside the lock: wakers are foreign code.
        for listener in listeners {
            // Release: pairs with `count`.
            listener.count.fetch_add(1, Release);
            listener.waker.wake();
        }
    }
}

impl Post {
    fn listeners(&self) -> MutexGuard<'_, Vec<(usize, Arc<Listener>)>> {
        // Nothing panics under this lock.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts our handler in front of whatever there is. Called with the listeners' lock held.
    fn install(&self, index: usize) -> io::Result<()> {
        let kind = &self.kinds[index];
        // Relaxed: the lock orders it against other installs.
        if kind.installed.load(Relaxed) {
            return Ok(());
        }
        let number = index as libc::c_int;
        let before = exchange_action(number, None)?;
        // SAFETY: nobody reads it before `installed` is set, and the lock keeps others out.
        unsafe { *kind.before.0.get() = Some(before) };
        // Release: pairs with the handler's Acquire.
        kind.installed.store(true, Release);
        // SAFETY: all zero is a valid action: no flags, an empty mask.
        let mut ours: libc::sigaction = unsafe { mem::zeroed() };
        ours.sa_sigaction = on_signal as extern "C" fn(_, _, _) as usize;
        // On the signal's own stack, as hosts with small ones (Go) ask of every handler.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
        exchange_action(number, Some(&ours)).map(drop)
    }
}

fn exchange_action(
    number: libc::c_int,
    new: Option<&libc::sigaction>,
) -> io::Result<libc::sigaction> {
    let mut before = MaybeUninit::uninit();
    let new = new.map_or(ptr::null(), ptr::from_ref);
    // SAFETY: null or a valid action, and room for one.
    match unsafe { libc::sigaction(number, new, before.as_mut_ptr()) } {
        // SAFETY: the call has filled it.
        0 => Ok(unsafe { before.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Only what a handler may do: atomics, one send, and whatever the handler before us does.
extern "C" fn on_signal(
    number: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let (Some(post), Ok(index)) = (POST.get(), usize::try_from(number)) else { return };
    let Some(kind) = post.kinds.get(index) else { return };
    let error = Errno::save();
    // Release: pairs with the swap in `take_all`.
    kind.pending.store(true, Release);
    let flags = libc::MSG_DONTWAIT | crate::source::NO_SIGNAL;
    // SAFETY: one byte that is there. Where the socket is full, its readers have been told.
    unsafe { libc::send(post.sender.as_raw_fd(), [1u8].as_ptr().cast(), 1, flags) };
    drop(error);
    // Acquire: pairs with the Release in `install`.
    if kind.installed.load(Acquire) {
        // SAFETY: written before `installed` was set, and never again.
        let before = unsafe { &*kind.before.0.get() };
        if let Some(before) = before {
            // SAFETY: the arguments are those that we were called with.
            unsafe { pass_on(before, number, info, context) };
        }
    }
}

/// Calls the handler that was there before us, if it was one.
///
/// # Safety
///
/// Called in a handler, with its arguments.
unsafe fn pass_on(
    before: &libc::sigaction,
    number: libc::c_int,
    info: *mut libc::siginfo_t,
    context: *mut libc::c_void,
) {
    let handler = before.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    if before.sa_flags & libc::SA_SIGINFO != 0 {
        type Long = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        // SAFETY: the system says that it is a function of this type.
        let handler = unsafe { mem::transmute::<usize, Long>(handler) };
        handler(number, info, context);
    } else {
        // SAFETY: as above.
        let handler = unsafe { mem::transmute::<usize, extern "C" fn(libc::c_int)>(handler) };
        handler(number);
    }
}

/// The thread's error number, which the interrupted code may be about to read.
struct Errno(libc::c_int);

impl Errno {
    fn save() -> Self {
        // SAFETY: the thread's own, always valid.
        Self(unsafe { *place() })
    }
}

impl Drop for Errno {
    fn drop(&mut self) {
        // SAFETY: as in `save`.
        unsafe { *place() = self.0 };
    }
}

#[cfg(target_os = "linux")]
unsafe fn place() -> *mut libc::c_int {
    // SAFETY: takes nothing.
    unsafe { libc::__errno_location() }
}

#[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
unsafe fn place() -> *mut libc::c_int {
    // SAFETY: takes nothing.
    unsafe { libc::__errno() }
}

#[cfg(any(target_vendor = "apple", target_os = "freebsd", target_os = "dragonfly"))]
unsafe fn place() -> *mut libc::c_int {
    // SAFETY: takes nothing.
    unsafe { libc::__error() }
}

//! A kernel that lacks the younger system calls, or a sandbox that refuses them: what stands in for each
//! does its work. The one test in this process, which remembers what it was refused.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]

mod common;

use common::{enter, run_on};
use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};
use wharf_reactor::{Reactor, net::UdpSocket, net::unix::pipe, process::Command};

/// Has the system answer this thread's calls of each number, and those of its children, with an error.
fn refuse(calls: &[(libc::c_long, i32)]) {
    let step = |code: u32, jump_if_not: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt: 0,
        jf: jump_if_not,
        k,
    };
    // The number of the call is the first word of what a filter is shown.
    let mut program = vec![step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0)];
    for &(number, error) in calls {
        program.push(step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, number as u32));
        program.push(step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ERRNO | error as u32));
    }
    program.push(step(libc::BPF_RET | libc::BPF_K, 0, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: numbers alone.
    let asked = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    // SAFETY: a program of the length that is said, which the system copies.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) };
    assert_eq!((asked, set), (0, 0), "{}", std::io::Error::last_os_error());
}

#[test]
fn what_a_kernel_lacks_or_refuses_is_done_otherwise() {
    refuse(&[
        (libc::SYS_epoll_pwait2, libc::EPERM),
        (libc::SYS_pwritev2, libc::EPERM),
        (libc::SYS_pidfd_open, libc::ENOSYS),
    ]);
    let reactor = Reactor::new(1);
    run_on(&reactor, 0, async {
        let (sender, receiver) = pipe::pipe().unwrap();
        sender.write_all(b"ahoy").await.unwrap();
        assert_eq!(receiver.read(&mut [0; 16]).await.unwrap(), 4);
        drop(receiver);
        assert_eq!(sender.write(b"ahoy").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
    run_on(&reactor, 0, async {
        let mut children: Vec<_> = (0..4)
            .map(|n| Command::new("sh").args(["-c", &format!("exit {n}")]).status())
            .collect();
        for (n, child) in children.drain(..).enumerate() {
            assert_eq!(child.await.unwrap().code(), Some(n as i32));
        }
    });
    let _entered = enter(&reactor, Some(0));
    let _source = UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    for sleep in [Duration::from_millis(1), Duration::from_micros(300)] {
        let deadline = Instant::now() + sleep;
        let mut turns = 0;
        while Instant::now() < deadline {
            reactor.turn(0, Some(deadline), None);
            turns += 1;
        }
        // One finds out, one sleeps, and one more event may come from before.
        assert!(turns <= 3, "{turns} turns in place of a sleep");
    }
}

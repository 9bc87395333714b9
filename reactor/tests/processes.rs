//! Child processes.

mod common;

use common::{both, run};
use std::{
    io::ErrorKind,
    os::unix::process::ExitStatusExt,
    process::Stdio,
    task::{Context, Waker},
};
use wharf_reactor::process::Command;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

#[test]
fn status_and_output() {
    run(async {
        assert_eq!(sh("exit 7").status().await.unwrap().code(), Some(7));
        let output = sh("echo out; echo err >&2; exit 3").output().await.unwrap();
        assert_eq!(output.status.code(), Some(3));
        assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
        let missing = Command::new("/no/such/program").status().await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let env = sh("echo $A$B").env("A", "1").env_remove("B").output().await.unwrap();
        assert_eq!(env.stdout, b"1\n");
    });
}

#[test]
fn more_than_a_pipe_holds_goes_in_and_comes_out() {
    run(async {
        let mut cat =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = cat.stdin.take().unwrap();
        let sent: Vec<u8> = (0..1u32 << 20).map(|n| (n >> 5) as u8).collect();
        let writing = async {
            stdin.write_all(&sent).await.unwrap();
            drop(stdin);
        };
        let (_, output) = both(writing, cat.wait_with_output()).await;
        let output = output.unwrap();
        assert!(output.status.success());
        assert!(output.stdout == sent);
    });
}

#[test]
fn wait_closes_the_input_and_says_the_same_again() {
    run(async {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(cat.id().is_some());
        assert!(cat.try_wait().unwrap().is_none(), "it waits for its input");
        assert!(cat.wait().await.unwrap().success());
        assert!(cat.wait().await.unwrap().success());
        assert!(cat.id().is_none());
        assert_eq!(cat.start_kill().unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn a_wait_that_is_given_up_can_be_repeated() {
    run(async {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let stdin = cat.stdin.take().unwrap();
        for _ in 0..3 {
            let mut wait = std::pin::pin!(cat.wait());
            let mut cx = Context::from_waker(Waker::noop());
            assert!(wait.as_mut().poll(&mut cx).is_pending());
        }
        drop(stdin);
        assert!(cat.wait().await.unwrap().success());
    });
}

#[test]
fn killed_at_once_and_by_being_dropped() {
    run(async {
        let mut cat = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let held = cat.stdin.take();
        cat.kill().await.unwrap();
        assert_eq!(cat.wait().await.unwrap().signal(), Some(libc::SIGKILL));
        drop(held);

        // The child holds the writing end: its end is the end of what we read.
        let mut child = sh("echo up; exec sleep 1000")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut up = [0; 3];
        stdout.read_exact(&mut up).await.unwrap();
        drop(child);
        assert_eq!(stdout.read(&mut up).await.unwrap(), 0);
    });
}

#[test]
fn a_dropped_child_goes_on_and_leaves_no_zombie_for_good() {
    run(async {
        let mut child = sh("read line; echo went on")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let id = child.id().unwrap() as libc::pid_t;
        drop(child);
        drop(stdin);
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "went on\n");
        // Each child that is started asks about those that were left.
        // SAFETY: takes no pointers; signal 0 only asks whether there is such a process.
        while unsafe { libc::kill(id, 0) } == 0 {
            assert!(sh(":").status().await.unwrap().success());
        }
    });
}

#[test]
fn many_at_once() {
    run(async {
        let mut children: Vec<_> =
            (0..40).map(|n| sh(&format!("exit {n}")).spawn().unwrap()).collect();
        for (n, child) in children.iter_mut().enumerate() {
            assert_eq!(child.wait().await.unwrap().code(), Some(n as i32));
        }
    });
}

#[test]
fn outside_a_runtime_it_is_an_error_and_no_child_is_left() {
    assert!(Command::new("sleep").arg("1000").spawn().is_err());
}

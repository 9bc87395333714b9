//! A runtime that is not used costs nearly nothing: no thread, no descriptor. A binary of its own,
//! since it counts those of the whole process.

#![cfg(target_os = "linux")]

fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

#[test]
fn threads_and_descriptors_wait_for_the_first_work() {
    let (threads, descriptors) = (count("task"), count("fd"));
    let runtime = wharf::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    assert_eq!((count("task"), count("fd")), (threads, descriptors), "built, not used");

    runtime.block_on(async { wharf::spawn(async {}).await.unwrap() });
    assert_eq!(count("fd"), descriptors, "tasks alone need no descriptor");

    runtime.block_on(async {
        wharf::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    });
    assert!(count("fd") > descriptors, "a socket opens its seat's epoll");

    drop(runtime);
    assert_eq!(count("fd"), descriptors, "and nothing is left behind");
}

//! From host names to addresses. The operating system's resolver blocks, so it is asked on the
//! runtime's threads for blocking work.

use crate::reactor::Reactor;
use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    task::{Context, Poll},
};
use wharf_base::{
    sync::{Mutex, lock},
    waker::WakerSlot,
};

type Addresses = io::Result<Vec<SocketAddr>>;

/// Where the answer comes in, and who waits for it.
struct Question {
    answer: Mutex<Option<Addresses>>,
    asker: WakerSlot,
}

/// The pool's end of a question. However it goes, there is an answer, and then a wake.
struct Asked(Arc<Question>);

impl Drop for Asked {
    fn drop(&mut self) {
        let none =
            || Err(io::Error::other("the runtime has ended, or was refused a thread for it"));
        lock(&self.0.answer).get_or_insert_with(none);
        self.0.asker.wake();
    }
}

impl Question {
    /// Registers first and looks then: the other side answers first and wakes then.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Addresses> {
        self.asker.register(cx.waker());
        lock(&self.answer).take().map_or(Poll::Pending, Poll::Ready)
    }
}

/// The addresses of `host`. Dropped early, the look-up goes on unheard.
pub(super) async fn look_up(host: String, port: u16) -> Addresses {
    let question = Arc::new(Question { answer: Mutex::new(None), asker: WakerSlot::new() });
    let (asked, name) = (Asked(question.clone()), host.clone());
    let job = move || {
        let found = (name.as_str(), port).to_socket_addrs();
        *lock(&asked.0.answer) = Some(found.map(Iterator::collect));
        drop(asked);
    };
    Reactor::current()?.pool().ok_or_else(|| no_pool(&host))?(Box::new(job));
    poll_fn(|cx| question.poll(cx)).await.map_err(|error| {
        io::Error::new(error.kind(), format!("looking up `{host}` failed: {error}"))
    })
}

fn no_pool(host: &str) -> io::Error {
    let text = format!(
        "this runtime can't look up host names such as {host:?}: it has no threads for blocking work"
    );
    io::Error::new(io::ErrorKind::Unsupported, text)
}

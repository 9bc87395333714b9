//! Both ends of a connection in one runtime, talking in pieces of all sizes, some of them sent behind
//! the runtime's back: nothing of it is missed, whoever is told of it by whom.
//!
//! `WHARF_SOAK` is how many frames each end of a connection sends, 50 unless it says otherwise.

use std::{
    io,
    os::fd::{AsFd, AsRawFd},
};
use wharf::{
    io::Interest,
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Builder,
    task::yield_now,
};

/// Numbers that look like chance, and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    /// Mostly a few bytes, now and then more than a socket takes at once.
    fn length(&mut self) -> usize {
        match self.below(16) {
            0 => 1 + self.below(300_000),
            1..=4 => 1 + self.below(5_000),
            _ => 1 + self.below(64),
        }
    }
}

/// What stands in frame `index` of `length` bytes, at `at`.
fn byte(index: usize, length: usize, at: usize) -> u8 {
    (index ^ length ^ at.wrapping_mul(31)) as u8
}

fn frame(index: usize, length: usize) -> Vec<u8> {
    let body = (0..length).map(|at| byte(index, length, at));
    (length as u32).to_le_bytes().into_iter().chain(body).collect()
}

/// Through a copy of the descriptor, of which the runtime knows nothing.
fn send_unseen(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let copy = stream.as_fd().try_clone_to_owned()?;
    // SAFETY: an open descriptor, and as many bytes as said.
    let done = unsafe {
        libc::send(copy.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_NOSIGNAL)
    };
    usize::try_from(done).map_err(|_| io::Error::last_os_error())
}

async fn send(stream: &OwnedWriteHalf, frame: &[u8], chance: &mut Chance) {
    let stream: &TcpStream = stream.as_ref();
    let mut left = frame;
    while !left.is_empty() {
        let piece = &left[..1 + chance.below(left.len())];
        let done = match chance.below(4) {
            0 => stream.async_io(Interest::WRITABLE, || send_unseen(stream, piece)).await.unwrap(),
            _ => stream.write(piece).await.unwrap(),
        };
        left = &left[done..];
        if chance.below(8) == 0 {
            yield_now().await;
        }
    }
}

/// Reads one frame, in pieces as they come, and in room of all sizes.
async fn receive(stream: &OwnedReadHalf, index: usize, chance: &mut Chance) {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await.unwrap();
    let length = u32::from_le_bytes(head) as usize;
    let mut body = vec![0; length];
    let mut done = 0;
    while done < length {
        let room = 1 + chance.below(length - done);
        let count = stream.read(&mut body[done..done + room]).await.unwrap();
        assert_ne!(count, 0, "the stream has ended within frame {index}");
        done += count;
    }
    assert!(body.iter().enumerate().all(|(at, &found)| found == byte(index, length, at)));
}

/// One end: asks and waits for the answer, or answers.
async fn converse(stream: TcpStream, asks: bool, frames: usize, seed: u64) {
    stream.set_nodelay(true).unwrap();
    let (reading, writing) = stream.into_split();
    let mut chance = Chance(seed);
    for index in 0..frames {
        let frame = frame(index, chance.length());
        if asks {
            send(&writing, &frame, &mut chance).await;
        }
        receive(&reading, index, &mut chance).await;
        if !asks {
            send(&writing, &frame, &mut chance).await;
        }
    }
}

/// One end of two that both talk all the time, each direction in a task of its own.
async fn chatter(stream: TcpStream, frames: usize, seed: u64) {
    let (reading, writing) = stream.into_split();
    let talking = wharf::spawn(async move {
        let mut chance = Chance(seed);
        for index in 0..frames {
            let frame = frame(index, chance.length());
            send(&writing, &frame, &mut chance).await;
        }
        // The peer may still be reading: not dropped before that is over.
        writing
    });
    let mut chance = Chance(!seed);
    for index in 0..frames {
        receive(&reading, index, &mut chance).await;
    }
    drop(talking.await.unwrap());
}

async fn connection(listener: &TcpListener) -> [TcpStream; 2] {
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    [client, listener.accept().await.unwrap().0]
}

#[test]
fn two_ends_in_one_runtime_miss_nothing_of_what_the_other_sends() {
    let frames = std::env::var("WHARF_SOAK").map_or(50, |text| text.parse().unwrap());
    for (workers, connections) in [(1, 1), (2, 1), (2, 3), (4, 8)] {
        let runtime = Builder::new_multi_thread().worker_threads(workers).build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let mut ends = Vec::new();
            for n in 1..=connections {
                let seed = n * 0x9e37_79b9 + workers as u64;
                let [one, other] = connection(&listener).await;
                ends.push(wharf::spawn(converse(one, true, frames, seed)));
                ends.push(wharf::spawn(converse(other, false, frames, !seed)));
                let [one, other] = connection(&listener).await;
                ends.push(wharf::spawn(chatter(one, frames, seed)));
                ends.push(wharf::spawn(chatter(other, frames, !seed)));
            }
            for end in ends {
                end.await.unwrap();
            }
        });
    }
}

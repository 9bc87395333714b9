//! Room to read into, at the end of a `Vec`.

/// Zeroed room at the end of a `Vec`; what is not kept is cut off again, also by cancelling.
pub(crate) struct Room<'a> {
    buf: &'a mut Vec<u8>,
    start: usize,
}

const ROOM_MIN: usize = 32;
const ROOM_FIRST: usize = 8 * 1024;
const ROOM_MAX: usize = 256 * 1024;

impl<'a> Room<'a> {
    pub(crate) fn new(buf: &'a mut Vec<u8>) -> Self {
        let start = buf.len();
        if buf.capacity() - start < ROOM_MIN {
            buf.reserve(start.max(ROOM_FIRST));
        }
        buf.resize(buf.capacity().min(start + ROOM_MAX), 0);
        Self { buf, start }
    }

    pub(crate) fn get(&mut self) -> &mut [u8] {
        &mut self.buf[self.start..]
    }

    pub(crate) fn keep(mut self, count: usize) {
        self.start += count;
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.buf.truncate(self.start);
    }
}

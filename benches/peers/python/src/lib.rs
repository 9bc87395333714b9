//! The peer: tokio through pyo3-async-runtimes, which makes a future of asyncio's of each of Rust's.

use pyo3::exceptions::PyStopAsyncIteration;
use pyo3::prelude::*;
use pyo3_async_runtimes::tokio::{future_into_py, get_runtime};
use std::sync::Arc;
use tokio::sync::{Mutex, mpsc};

/// How many of a stream's values may wait: as many as with wharf's package.
const LIMIT: usize = 64;

/// A trivial task.
#[pyfunction]
fn add(py: Python<'_>, left: i64, right: i64) -> PyResult<Bound<'_, PyAny>> {
    future_into_py(py, async move { Ok(left + right) })
}

/// The numbers below `count`, of one task.
#[pyfunction]
fn numbers(count: u64) -> Numbers {
    let (sender, receiver) = mpsc::channel(LIMIT);
    get_runtime().spawn(async move {
        for number in 0..count {
            if sender.send(number).await.is_err() {
                return;
            }
        }
    });
    Numbers { receiver: Arc::new(Mutex::new(receiver)) }
}

/// A stream as it is written with this crate: a future for each value.
#[pyclass]
struct Numbers {
    receiver: Arc<Mutex<mpsc::Receiver<u64>>>,
}

#[pymethods]
impl Numbers {
    fn __aiter__(this: PyRef<'_, Self>) -> PyRef<'_, Self> {
        this
    }

    fn __anext__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let receiver = self.receiver.clone();
        future_into_py(py, async move {
            receiver.lock().await.recv().await.ok_or_else(|| PyStopAsyncIteration::new_err(()))
        })
    }
}

#[pymodule]
fn peer_python(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(add, module)?)?;
    module.add_function(wrap_pyfunction!(numbers, module)?)
}

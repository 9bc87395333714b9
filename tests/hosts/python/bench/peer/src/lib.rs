//! The same task as wharf's row runs, on tokio through pyo3-async-runtimes.

use pyo3::prelude::*;

#[pyfunction]
fn add(py: Python<'_>, left: i64, right: i64) -> PyResult<Bound<'_, PyAny>> {
    pyo3_async_runtimes::tokio::future_into_py(py, async move { Ok(left + right) })
}

#[pymodule]
fn peer(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(add, module)?)
}

//! What an error looks like when it arrives at a port: a code, a message, and the sources below.

use crate::{
    status::{Error, Result, WHARF_BAD_VALUE},
    value::{IntoValue, Value},
};

/// Why a task ended with an error.
///
/// At the port it becomes a message of kind `WHARF_KIND_ERROR` with this code, whose value is an
/// array of strings: the message, then each source in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    code: i32,
    texts: Vec<String>,
}

impl Failure {
    /// A failure without sources. Codes above 0 are the author's to give out; those below are
    /// wharf's, statuses with the sign turned; 0 says no more than the text.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, texts: vec![message.into()] }
    }

    /// A failure with the text of `error` and of everything below it.
    pub fn from_error(code: i32, error: &(dyn std::error::Error + '_)) -> Self {
        let chain = std::iter::successors(Some(error), |error| error.source());
        Self { code, texts: chain.map(ToString::to_string).collect() }
    }

    /// A failure as a host tells it.
    pub(crate) fn from_parts(code: i32, texts: Vec<String>) -> Result<Self> {
        if texts.is_empty() {
            return Err(Error::new(WHARF_BAD_VALUE, "a failure without a text"));
        }
        Ok(Self { code, texts })
    }

    /// The code.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// The message, then each source.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.texts.join(": "))
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(-error.status(), error.message())
    }
}

impl IntoValue for Failure {
    fn into_value(self) -> Result<Value> {
        // A text with a NUL inside is cut nowhere: the NUL is shown.
        let texts = self.texts.into_iter().map(|text| Value::string(text.replace('\0', "␀")));
        Value::array(texts.collect::<Result<Vec<_>>>()?)
    }
}

/// An error that a host can be told.
///
/// ```
/// use wharf_ffi::{Failure, IntoFailure};
///
/// #[derive(Debug)]
/// enum PageError { NoHost, Io(std::io::Error) }
/// # impl std::fmt::Display for PageError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("page") }
/// # }
/// # impl std::error::Error for PageError {}
///
/// impl IntoFailure for PageError {
///     fn into_failure(self) -> Failure {
///         let code = match &self { PageError::NoHost => 1, PageError::Io(_) => 2 };
///         Failure::from_error(code, &self)
///     }
/// }
/// # assert_eq!(PageError::NoHost.into_failure().code(), 1);
/// # let _ = PageError::Io(std::io::Error::other("x"));
/// ```
pub trait IntoFailure {
    /// What a header says of the error, in C: an `enum` of the codes, say (see
    /// [`c_enum!`](crate::c_enum)). Each library with an exported function that returns the type
    /// carries it in its description.
    const C: &'static str = "";

    /// What the host is told.
    fn into_failure(self) -> Failure;
}

impl IntoFailure for Failure {
    fn into_failure(self) -> Failure {
        self
    }
}

impl IntoFailure for Error {
    fn into_failure(self) -> Failure {
        self.into()
    }
}

impl IntoFailure for String {
    fn into_failure(self) -> Failure {
        Failure::new(0, self)
    }
}

impl IntoFailure for &str {
    fn into_failure(self) -> Failure {
        Failure::new(0, self)
    }
}

impl IntoFailure for std::io::Error {
    /// The code is the operating system's where there is one.
    fn into_failure(self) -> Failure {
        Failure::from_error(self.raw_os_error().unwrap_or(0), &self)
    }
}

impl IntoFailure for Box<dyn std::error::Error + Send + Sync> {
    fn into_failure(self) -> Failure {
        Failure::from_error(0, &*self)
    }
}

impl IntoFailure for std::convert::Infallible {
    fn into_failure(self) -> Failure {
        match self {}
    }
}

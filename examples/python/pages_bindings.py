# Made from examples/pages/include/pages.h by `cargo xtask header`; not to be edited.
"""The library `pages`."""

from __future__ import annotations

from typing import Any, Sequence, Union

import wharf

# A loaded page is an array of these.
#: int32: the status of the answer; 404 is an answer too.
PAGE_STATUS = 0
#: string: the title, or an empty string.
PAGE_TITLE = 1
#: int64: the size of the body in bytes, unpacked, in its own charset.
PAGE_BYTES = 2
#: int64: from the submit to the answer, in nanoseconds.
PAGE_TIME_NS = 3
#: string: the body as UTF-8.
PAGE_BODY = 4
#: How many there are.
PAGE_LENGTH = 5

# The codes of messages of kind WHARF_KIND_ERROR; their text names the cause.
#: What was given is no URL.
PAGE_ERROR_MALFORMED_URL = 1
#: A URL, but neither `http` nor `https`.
PAGE_ERROR_UNSUPPORTED_SCHEME = 2
#: The name cannot be turned into an address.
PAGE_ERROR_UNKNOWN_HOST = 3
#: Nobody listens at the host's port.
PAGE_ERROR_REFUSED = 4
#: The connection could not be made, for another reason.
PAGE_ERROR_UNREACHABLE = 5
#: The server's certificate is not to be trusted.
PAGE_ERROR_BAD_CERTIFICATE = 6
#: TLS failed, for another reason.
PAGE_ERROR_TLS = 7
#: The server closed the connection before its answer was complete.
PAGE_ERROR_CLOSED = 8
#: The time limit ran out.
PAGE_ERROR_TIMED_OUT = 9
#: The body is larger than the size limit.
PAGE_ERROR_TOO_LARGE = 10
#: More redirects than are followed.
PAGE_ERROR_TOO_MANY_REDIRECTS = 11
#: The answer breaks the rules of HTTP.
PAGE_ERROR_PROTOCOL = 12
#: The body is not what its headers say, or is packed in a way not asked for.
PAGE_ERROR_BAD_ENCODING = 13


class Pages(wharf.Bindings):
    """The functions of the library `pages`: each submits a task at the port."""

    FUNCTIONS = {
        "load_page": ("text",),
        "load_page_within": ("text", "uint64", "size"),
        "trust_certificates": ("uint8[]",),
    }

    def load_page(self, url: str) -> wharf.Task[Any]:
        """Loads the page at `url`, within 30 seconds and 32 MiB.

        Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
        """
        return self._submit(self._functions["load_page"], url)

    def load_page_within(
        self,
        url: str,
        time_limit_ns: int,
        size_limit_bytes: int,
    ) -> wharf.Task[Any]:
        """Loads the page at `url` within a time limit in nanoseconds and a size limit in bytes; 0 stands
        for the usual one.

        Errors: A `PageError`, by its code one of PAGE_ERROR_..., with a text that names the cause.
        """
        return self._submit(self._functions["load_page_within"], url, time_limit_ns, size_limit_bytes)

    def trust_certificates(self, pem: Union[wharf.Buffer, Sequence[int]]) -> wharf.Task[Any]:
        """Trusts the certificates in `pem` as authorities, beside Mozilla's, for the whole process. The
        result is an integer: how many they were.

        Errors: A text that says what is wrong with them.
        """
        return self._submit(self._functions["trust_certificates"], pem)

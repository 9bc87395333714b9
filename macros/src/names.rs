//! Names that both Rust and C can say.

use syn::{Ident, ext::IdentExt};

/// A name without what makes a word of Rust's one.
pub(crate) fn plain(name: &Ident) -> String {
    name.unraw().to_string()
}

/// The name, or one like it that C takes and that no other parameter has.
pub(crate) fn free_name(mut name: String, taken: &mut Vec<String>) -> String {
    let ends = ["", "_ns", "_length"];
    while is_word(&name) || ends.iter().any(|end| taken.contains(&format!("{name}{end}"))) {
        name.push('_');
    }
    taken.extend(ends.map(|end| format!("{name}{end}")));
    name
}

/// Whether C or C++ has made a word of it, or its headers a macro.
pub(crate) fn is_word(name: &str) -> bool {
    const WORDS: &str = " alignas alignof and and_eq asm auto bitand bitor bool break case catch char \
        char16_t char32_t char8_t class co_await co_return co_yield compl concept const const_cast \
        consteval constexpr constinit continue decltype default delete do double dynamic_cast else enum \
        errno explicit export extern false float for friend goto if inline int linux long mutable \
        namespace new noexcept not not_eq nullptr operator or or_eq private protected public register \
        reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast \
        struct switch template this thread_local throw true try typedef typeid typename typeof union \
        unix unsigned using virtual void volatile wchar_t while xor xor_eq ";
    WORDS.split(' ').any(|word| word == name && !word.is_empty())
}

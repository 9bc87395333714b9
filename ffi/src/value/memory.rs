//! The memory of values that wharf owns: laid out, walked, and freed.

use super::raw::*;
use crate::{
    boundary::host_call,
    status::{Error, Result, WHARF_BAD_VALUE, WHARF_NO_MEMORY},
};
use std::{
    alloc::{self, Layout},
    ffi::{CString, c_char, c_void},
    mem, ptr,
};

/// Typed data start at this alignment, which suits every element.
const DATA_ALIGN: usize = 16;

pub(super) fn element_count(element: i32, bytes: usize) -> Result<isize> {
    let Some(size) = element_size(element) else {
        return Err(Error::new(WHARF_BAD_VALUE, format!("no element type has number {element}")));
    };
    if bytes % size != 0 {
        let text = format!("{bytes} bytes are no whole number of elements of {size}");
        return Err(Error::new(WHARF_BAD_VALUE, text));
    }
    Ok((bytes / size) as isize)
}

pub(super) fn copy_bytes(bytes: &[u8]) -> Result<*const u8> {
    if bytes.is_empty() {
        return Ok(ptr::without_provenance(DATA_ALIGN));
    }
    let no_memory = || Error::new(WHARF_NO_MEMORY, "no memory for data");
    let layout = Layout::from_size_align(bytes.len(), DATA_ALIGN).map_err(|_| no_memory())?;
    // SAFETY: the layout is not empty; the copy goes to a fresh block of that size.
    unsafe {
        let block = alloc::alloc(layout);
        if block.is_null() {
            return Err(no_memory());
        }
        ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len());
        Ok(block)
    }
}

/// One block holds an array's pointers and, from the returned offset on, what they point to.
pub(super) fn array_layout(length: usize) -> Result<(Layout, usize)> {
    Layout::array::<*mut wharf_value_t>(length)
        .and_then(|pointers| pointers.extend(Layout::array::<wharf_value_t>(length)?))
        .map_err(|_| Error::new(WHARF_NO_MEMORY, format!("no memory for {length} values")))
}

pub(super) unsafe extern "C" fn drop_box<T>(_: *mut c_void, peer: *mut c_void) {
    let dropped = std::panic::catch_unwind(|| {
        // SAFETY: the peer is the box that `external` gave away, and finalizers are called once.
        drop(unsafe { Box::from_raw(peer.cast::<T>()) });
    });
    // A destructor's panic may not cross into the host.
    mem::forget(dropped);
}

/// The finalizer of `raw`, if its type has one: what it is called with, and itself.
pub(super) fn finalizer(
    raw: &mut wharf_value_t,
) -> Option<(i32, *mut c_void, &mut wharf_finalizer_t)> {
    // SAFETY: the type says which member.
    unsafe {
        match raw.r#type {
            WHARF_TYPE_EXTERNAL_TYPED_DATA | WHARF_TYPE_UNMODIFIABLE_EXTERNAL_TYPED_DATA => {
                let data = &mut raw.value.as_external_typed_data;
                Some((data.element, data.peer, &mut data.callback))
            }
            WHARF_TYPE_NATIVE_POINTER => {
                let pointer = &mut raw.value.as_native_pointer;
                let peer = ptr::with_exposed_provenance_mut(pointer.ptr as usize);
                Some((0, peer, &mut pointer.callback))
            }
            _ => None,
        }
    }
}

/// Visits every value of an owned tree, the root first. Not recursive, so depth costs no stack.
pub(super) fn walk(root: &mut wharf_value_t, visit: &mut dyn FnMut(&mut wharf_value_t)) {
    // A value without others below it, which is the most frequent one, costs no allocation.
    let mut open: Vec<*mut wharf_value_t> = Vec::new();
    let mut next: *mut wharf_value_t = root;
    loop {
        // SAFETY: all pointers come from an owned tree, in which each value is reached once.
        let raw = unsafe { &mut *next };
        if raw.r#type == WHARF_TYPE_ARRAY {
            // SAFETY: as above; the array holds `length` pointers.
            open.extend_from_slice(unsafe {
                let array = raw.value.as_array;
                slice_of(array.values.cast_const(), array.length as usize)
            });
        }
        visit(raw);
        match open.pop() {
            Some(more) => next = more,
            None => return,
        }
    }
}

/// Frees what `root` points to.
///
/// # Safety
///
/// The tree was allocated here, and nothing of it is used afterwards.
pub(super) unsafe fn free_tree(root: &mut wharf_value_t) {
    if root.r#type != WHARF_TYPE_ARRAY {
        // SAFETY: by the caller's word.
        return unsafe { free_leaf(root) };
    }
    // Blocks are freed after all leaves: children lie inside their parents' blocks.
    let mut blocks = Vec::new();
    walk(root, &mut |raw| {
        if raw.r#type == WHARF_TYPE_ARRAY {
            // SAFETY: the type says which member.
            blocks.push(unsafe { raw.value.as_array });
        } else {
            // SAFETY: by the caller's word; each leaf is visited once.
            unsafe { free_leaf(raw) };
        }
    });
    for array in blocks {
        if array.length > 0 {
            if let Ok((layout, _)) = array_layout(array.length as usize) {
                // SAFETY: `array_of` allocated the block with this layout.
                unsafe { alloc::dealloc(array.values.cast(), layout) };
            }
        }
    }
}

/// # Safety
///
/// As for [`free_tree`].
unsafe fn free_leaf(raw: &mut wharf_value_t) {
    // SAFETY: the type says which member; each was allocated here in the way that is undone here.
    unsafe {
        match raw.r#type {
            WHARF_TYPE_STRING => {
                drop(CString::from_raw(raw.value.as_string.cast::<c_char>().cast_mut()));
            }
            WHARF_TYPE_TYPED_DATA => {
                let data = raw.value.as_typed_data;
                let bytes = data.length as usize * element_size(data.element).unwrap_or(0);
                if bytes > 0 {
                    let layout = Layout::from_size_align_unchecked(bytes, DATA_ALIGN);
                    alloc::dealloc(data.values.cast_mut(), layout);
                }
            }
            _ => {
                if let Some((_, peer, callback)) = finalizer(raw) {
                    if let Some(callback) = callback.take() {
                        // It may be the host's, and must not wait for what waits for it.
                        host_call(|| callback(ptr::null_mut(), peer));
                    }
                }
            }
        }
    }
}

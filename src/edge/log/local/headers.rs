//! Headers of a record as bytes.

/// Headers as bytes: each name and each value after its length; `None` without headers.
pub(super) fn packed(headers: &[(String, Vec<u8>)]) -> Option<Vec<u8>> {
    if headers.is_empty() {
        return None;
    }
    let mut bytes = Vec::new();
    for part in headers.iter().flat_map(|(name, value)| [name.as_bytes(), value]) {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part);
    }
    Some(bytes)
}

/// Headers from bytes; `None` if the bytes are damaged.
pub(super) fn unpacked(mut bytes: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut part = || {
        let (length, rest) = bytes.split_first_chunk::<8>()?;
        let (part, rest) = rest.split_at_checked(u64::from_le_bytes(*length).try_into().ok()?)?;
        bytes = rest;
        Some((part.to_vec(), rest.is_empty()))
    };
    let mut headers = Vec::new();
    loop {
        let (name, _) = part()?;
        let (value, last) = part()?;
        headers.push((String::from_utf8(name).ok()?, value));
        if last {
            return Some(headers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_survive_and_a_torn_one_is_refused() {
        let sent = vec![("ce_id".to_owned(), b"7".to_vec()), (String::new(), Vec::new())];
        let bytes = packed(&sent).unwrap();
        assert_eq!(unpacked(&bytes).unwrap(), sent);
        for cut in 0..bytes.len() {
            assert_ne!(unpacked(&bytes[..cut]), Some(sent.clone()), "cut at {cut}");
        }
        assert_eq!(unpacked(&u64::MAX.to_le_bytes()), None);
        assert_eq!(packed(&[]), None);
    }
}

//! Bodies that were packed for the way.
//!
//! Law: however small a body is packed, no more than its limit is ever unpacked.

use std::io::{self, Read};

use axum::body::Bytes;
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderMap, StatusCode};
use flate2::read::MultiGzDecoder;

use super::Problem;

/// A zstd frame may refer back by at most 2^23 bytes, which is what HTTP allows it (RFC 9659).
const ZSTD_WINDOW: u32 = 23;

/// The body as it was before it was packed: at most `most` bytes.
///
/// # Errors
/// It is packed in a way that nobody here knows, is damaged, or too large.
pub fn unpacked(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Bytes, Problem> {
    let named = headers.get_all(CONTENT_ENCODING).iter();
    let named: Vec<_> = named.map(|value| value.to_str().unwrap_or("?").trim()).collect();
    let name = named.join(", ").to_ascii_lowercase();
    match name.as_str() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => held(MultiGzDecoder::new(&*body), "gzip", most),
        "zstd" => {
            let broken = |why| damaged("zstd", &why);
            let mut decoder = zstd::Decoder::with_buffer(&*body).map_err(broken)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(broken)?;
            held(decoder, "zstd", most)
        }
        other => {
            let detail = format!(
                "Content-Encoding {other} is not accepted; pack the body with gzip or zstd, once, \
                 or send it as it is"
            );
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-encoding", detail))
        }
    }
}

fn held(packed: impl Read, how: &str, most: usize) -> Result<Bytes, Problem> {
    let mut held = Vec::new();
    let one_more = (most as u64).saturating_add(1);
    packed.take(one_more).read_to_end(&mut held).map_err(|why| damaged(how, &why))?;
    if held.len() > most {
        return Err(Problem::unpacked_too_large(most));
    }
    Ok(held.into())
}

fn damaged(how: &str, why: &io::Error) -> Problem {
    Problem::bad(format!(
        "the body cannot be unpacked as {how}, which its Content-Encoding names: {why}; send it \
         again, or leave the header out if it is not packed"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use axum::http::HeaderValue;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    const MOST: usize = 100_000;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 3).unwrap()
    }

    fn unpack(encodings: &[&str], body: &[u8]) -> Result<Vec<u8>, u16> {
        let mut headers = HeaderMap::new();
        for encoding in encodings {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(encoding).unwrap());
        }
        let body = Bytes::copy_from_slice(body);
        let unpacked = unpacked(&headers, body, MOST);
        unpacked.map(|body| body.to_vec()).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn a_body_is_unpacked_as_its_header_says() {
        let whole = Ok(b"two lines".to_vec());
        assert_eq!(unpack(&[], b"two lines"), whole);
        assert_eq!(unpack(&["identity"], b"two lines"), whole);
        assert_eq!(unpack(&["gzip"], &[gzip(b"two "), gzip(b"lines")].concat()), whole);
        assert_eq!(unpack(&["X-GZIP"], &gzip(b"two lines")), whole);
        assert_eq!(unpack(&["Zstd"], &[zstd(b"two "), zstd(b"lines")].concat()), whole);
        assert_eq!(unpack(&["br"], b"two lines"), Err(415));
        assert_eq!(unpack(&["gzip, gzip"], &gzip(&gzip(b"two lines"))), Err(415));
        assert_eq!(unpack(&["gzip", "gzip"], &gzip(&gzip(b"two lines"))), Err(415));
        assert_eq!(unpack(&["gzip"], b"two lines"), Err(400));
        assert_eq!(unpack(&["zstd"], b"two lines"), Err(400));
        let (gzip, zstd) = (gzip(b"two lines"), zstd(b"two lines"));
        assert_eq!(unpack(&["gzip"], &gzip[..gzip.len() - 1]), Err(400));
        assert_eq!(unpack(&["zstd"], &zstd[..zstd.len() - 1]), Err(400));
    }

    #[test]
    fn what_unpacks_to_more_than_the_limit_is_refused() {
        let (fits, bomb) = (vec![b' '; MOST], vec![b' '; MOST + 1]);
        for (how, pack) in [("gzip", gzip as fn(&[u8]) -> Vec<u8>), ("zstd", zstd)] {
            assert_eq!(unpack(&[how], &pack(&fits)), Ok(fits.clone()), "{how}");
            assert_eq!(unpack(&[how], &pack(&bomb)), Err(413), "{how}");
        }
    }

    #[test]
    fn a_zstd_frame_with_a_larger_window_than_http_allows_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(ZSTD_WINDOW + 1).unwrap();
        encoder.write_all(b"two lines").unwrap();
        assert_eq!(unpack(&["zstd"], &encoder.finish().unwrap()), Err(400));
    }
}

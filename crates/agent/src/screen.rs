//! Screenshots: the PPM that a machine's display was dumped as becomes a BMP or a PNG.
//!
//! The dump is the guest's doing and may be anything: sizes are bounded and every read is checked.

use hardline_agent_api::v1::ImageFormat;

/// Largest width or height, pixels.
const MAX_SIDE: u32 = 4096;

/// A picture: rows from the top, three bytes a pixel (red, green, blue).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    pixels: Vec<u8>,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// Not a whole P6 file with 8 bits a sample.
    #[error("the screen dump is damaged")]
    Damaged,
    /// Larger than is taken.
    #[error("the screen is larger than {MAX_SIDE} x {MAX_SIDE}")]
    TooLarge,
    /// The encoder failed.
    #[error("the picture cannot be encoded: {0}")]
    Encode(String),
}

impl Picture {
    /// Reads a PPM file (P6, 8 bits a sample).
    ///
    /// # Errors
    /// Damaged or too large.
    pub fn from_ppm(mut file: Vec<u8>) -> Result<Self, PictureError> {
        let mut at = 0;
        if word(&file, &mut at) != Some(b"P6") {
            return Err(PictureError::Damaged);
        }
        let mut number = || {
            let digits = word(&file, &mut at)?;
            std::str::from_utf8(digits).ok()?.parse::<u32>().ok()
        };
        let (Some(width), Some(height), Some(255)) = (number(), number(), number()) else {
            return Err(PictureError::Damaged);
        };
        if width > MAX_SIDE || height > MAX_SIDE {
            return Err(PictureError::TooLarge);
        }
        at += 1; // one white space ends the header
        let size = width as usize * height as usize * 3;
        if size == 0 || file.len().checked_sub(at).is_none_or(|rest| rest < size) {
            return Err(PictureError::Damaged);
        }
        file.drain(..at);
        file.truncate(size);
        Ok(Self { width, height, pixels: file })
    }

    /// The picture as a file of the format.
    ///
    /// # Errors
    /// The encoder's.
    pub fn encode(&self, format: ImageFormat) -> Result<Vec<u8>, PictureError> {
        match format {
            ImageFormat::Png => self.png(),
            ImageFormat::Bmp | ImageFormat::Unspecified => Ok(self.bmp()),
        }
    }

    /// A Windows bitmap: 24 bits, uncompressed, rows from the bottom, blue before green before red, rows padded to 4 bytes.
    fn bmp(&self) -> Vec<u8> {
        const HEADERS: u32 = 14 + 40;
        /// 72 dots an inch.
        const DOTS_PER_METRE: u32 = 2835;
        let row = self.width as usize * 3;
        let padding = row.next_multiple_of(4) - row;
        let size = u32::try_from((row + padding) * self.height as usize).unwrap_or(u32::MAX);
        let mut file = Vec::with_capacity(size as usize + HEADERS as usize);
        file.extend_from_slice(b"BM");
        let planes_and_bits = 1 | (24 << 16);
        // The file: its size, reserved, where the pixels begin.
        let about_file = [HEADERS + size, 0, HEADERS];
        // The picture: size of this header, width, height, planes and bits, no compression, size of the pixels,
        // resolution twice, no palette.
        let about_picture =
            [40, self.width, self.height, planes_and_bits, 0, size, DOTS_PER_METRE, DOTS_PER_METRE, 0, 0];
        for field in about_file.into_iter().chain(about_picture) {
            file.extend_from_slice(&field.to_le_bytes());
        }
        for line in self.pixels.rchunks_exact(row) {
            for pixel in line.chunks_exact(3) {
                file.extend(pixel.iter().rev());
            }
            file.extend(std::iter::repeat_n(0, padding));
        }
        file
    }

    fn png(&self) -> Result<Vec<u8>, PictureError> {
        let failed = |error: png::EncodingError| PictureError::Encode(error.to_string());
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.pixels).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(file)
    }
}

/// The next word of a PPM header; comments (`#` to the end of the line) count as white space. `at` ends behind it.
fn word<'a>(file: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let mut comment = false;
    let start = *at
        + file.get(*at..)?.iter().position(|byte| {
            comment = (comment || *byte == b'#') && *byte != b'\n';
            !comment && !byte.is_ascii_whitespace()
        })?;
    let rest = file.get(start..)?;
    let length = rest.iter().position(u8::is_ascii_whitespace)?;
    *at = start + length;
    rest.get(..length).filter(|word| word.len() <= 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two pixels wide, two high: red, green / blue, white.
    fn four() -> Vec<u8> {
        [b"P6\n# QEMU\n2 2\n255\n".as_slice(), &[255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]].concat()
    }

    #[test]
    fn a_bitmap_is_upside_down_blue_first_and_padded() {
        let picture = Picture::from_ppm(four()).unwrap();
        assert_eq!((picture.width, picture.height), (2, 2));
        let bmp = picture.encode(ImageFormat::Bmp).unwrap();
        assert_eq!(bmp.len(), 54 + 16);
        assert_eq!(&bmp[..2], b"BM");
        assert_eq!(u32::from_le_bytes(bmp[2..6].try_into().unwrap()) as usize, bmp.len());
        assert_eq!(u32::from_le_bytes(bmp[10..14].try_into().unwrap()), 54);
        assert_eq!(u16::from_le_bytes(bmp[28..30].try_into().unwrap()), 24);
        assert_eq!(bmp[54..62], [255, 0, 0, 255, 255, 255, 0, 0], "lowest row: blue, white, padding");
        assert_eq!(bmp[62..70], [0, 0, 255, 0, 255, 0, 0, 0], "upper row: red, green, padding");
    }

    #[test]
    fn a_png_reads_back() {
        let picture = Picture::from_ppm(four()).unwrap();
        let png = picture.encode(ImageFormat::Png).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, picture.pixels);
    }

    #[test]
    fn hostile_dumps_are_refused() {
        for (file, error) in [
            (b"".to_vec(), PictureError::Damaged),
            (b"P6".to_vec(), PictureError::Damaged),
            (b"P5\n2 2\n255\n0123456789ab".to_vec(), PictureError::Damaged),
            (b"P6\n2 2\n65535\n0123456789ab".to_vec(), PictureError::Damaged),
            (b"P6\n2 2\n255\n0123456789a".to_vec(), PictureError::Damaged),
            (b"P6\n0 2\n255\n".to_vec(), PictureError::Damaged),
            (b"P6\n-2 2\n255\n0123456789ab".to_vec(), PictureError::Damaged),
            (b"P6\n4294967295 4294967295\n255\n".to_vec(), PictureError::TooLarge),
            (b"P6\n99999999999999999999 1\n255\n".to_vec(), PictureError::Damaged),
            (b"P6\n# comment without end".to_vec(), PictureError::Damaged),
        ] {
            let words = String::from_utf8_lossy(&file).into_owned();
            assert_eq!(Picture::from_ppm(file), Err(error), "{words}");
        }
        // Every truncation of a good one.
        for length in 0..four().len() {
            assert!(Picture::from_ppm(four()[..length].to_vec()).is_err(), "{length}");
        }
    }
}

//! The file of the rejected rows, which somebody mends: it is in the form of the source, and
//! no run writes over one that is there.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use csv::{ByteRecord, QuoteStyle, Terminator, WriterBuilder};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use crate::import::header::REJECTED;
use crate::import::{Escapes, Layout, LineEnd};

/// The columns of the source, then `line` and `reason`. It is made when there is something
/// to write.
pub(super) struct Rejects {
    place: Place,
    names: Vec<String>,
    layout: Layout,
    file: Option<(PathBuf, fs::File)>,
}

/// Where the file is made.
enum Place {
    /// There, and nowhere else.
    At(PathBuf),
    /// The first that is free of `NAME.rejects.csv`, `NAME.rejects-2.csv` and so on.
    Beside(String),
}

impl Rejects {
    /// In a file that is not there yet.
    pub(super) fn at(path: PathBuf) -> anyhow::Result<Self> {
        if path.symlink_metadata().is_ok() {
            bail!("--rejects {}: is there already; name a new file", path.display());
        }
        Ok(Self::new(Place::At(path)))
    }

    /// Beside the source of this name, also when that is a file of rejects itself.
    pub(super) fn of(source: &str) -> Self {
        let origin = source.strip_suffix(".csv").and_then(|name| {
            let (origin, round) = name.rsplit_once(".rejects")?;
            let is_round = round.is_empty()
                || round.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok());
            is_round.then_some(origin)
        });
        Self::new(Place::Beside(origin.unwrap_or(source).to_owned()))
    }

    fn new(place: Place) -> Self {
        Self { place, names: Vec::new(), layout: Layout::default(), file: None }
    }

    pub(super) fn begin(&mut self, names: &[String], layout: Layout) {
        self.names = names.to_vec();
        self.layout = layout;
    }

    pub(super) fn write(&mut self, place: u64, raw: &ByteRecord, why: &[String]) -> io::Result<()> {
        let mut record = raw.clone();
        record.push_field(place.to_string().as_bytes());
        record.push_field(why.join("; ").as_bytes());
        let bytes = written(&record, self.layout)?;
        let (_, file) = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = self.place.make()?;
                let header = ByteRecord::from_iter(self.names.iter().map(String::as_str).chain(REJECTED));
                file.1.write_all(mark(self.layout))?;
                file.1.write_all(&written(&header, self.layout)?)?;
                self.file.insert(file)
            }
        };
        file.write_all(&bytes)
    }

    /// Where they are, if there are any. When an earlier run has left the same file, that
    /// one is it.
    pub(super) fn finish(self) -> anyhow::Result<Option<PathBuf>> {
        let Some((path, file)) = self.file else {
            return Ok(None);
        };
        file.sync_all().with_context(|| path.display().to_string())?;
        let Place::Beside(origin) = &self.place else {
            return Ok(Some(path));
        };
        let earlier = (1..).map(|round| named(origin, round)).take_while(|earlier| *earlier != path).last();
        match earlier {
            Some(earlier) if fs::read(&earlier).ok() == fs::read(&path).ok() => {
                fs::remove_file(&path).with_context(|| path.display().to_string())?;
                Ok(Some(earlier))
            }
            _ => Ok(Some(path)),
        }
    }
}

impl Place {
    fn make(&self) -> io::Result<(PathBuf, fs::File)> {
        let origin = match self {
            Self::At(path) => return Ok((path.clone(), fs::File::create_new(path)?)),
            Self::Beside(origin) => origin,
        };
        let mut round = 1;
        loop {
            let path = named(origin, round);
            match fs::File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => round += 1,
                made => return Ok((path, made?)),
            }
        }
    }
}

fn named(origin: &str, round: u32) -> PathBuf {
    PathBuf::from(match round {
        1 => format!("{origin}.rejects.csv"),
        round => format!("{origin}.rejects-{round}.csv"),
    })
}

/// A record as the source writes it.
fn written(record: &ByteRecord, layout: Layout) -> io::Result<Vec<u8>> {
    let mut builder = WriterBuilder::new();
    let end = match layout.line_end {
        LineEnd::Lf => Terminator::Any(b'\n'),
        LineEnd::CrLf => Terminator::CRLF,
        LineEnd::Cr => Terminator::Any(b'\r'),
    };
    builder.delimiter(layout.delimiter).flexible(true).terminator(end);
    match layout.escapes {
        Escapes::Doubled => {}
        Escapes::Batch => {
            builder.quote_style(QuoteStyle::Never);
        }
        Escapes::Outfile => {
            builder.double_quote(false).escape(b'\\');
        }
    }
    let mut writer = builder.from_writer(Vec::new());
    writer.write_byte_record(record)?;
    let bytes = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    if layout.encoding == UTF_8 {
        return Ok(bytes);
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok(if layout.encoding == UTF_16LE {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    } else if layout.encoding == UTF_16BE {
        text.encode_utf16().flat_map(u16::to_be_bytes).collect()
    } else {
        layout.encoding.encode(&text).0.into_owned()
    })
}

/// What tells UTF-16 from other things, and UTF-8 to a spreadsheet on Windows, where files
/// end their lines so.
fn mark(layout: Layout) -> &'static [u8] {
    let is = |encoding: &'static Encoding| layout.encoding == encoding;
    if is(UTF_16LE) {
        b"\xff\xfe"
    } else if is(UTF_16BE) {
        b"\xfe\xff"
    } else if is(UTF_8) && layout.line_end == LineEnd::CrLf {
        b"\xef\xbb\xbf"
    } else {
        b""
    }
}

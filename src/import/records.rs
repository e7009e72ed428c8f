//! Records out of the lines of a file. A quote that is never closed would make one record
//! of all that follows; here it costs its line alone, and so little memory.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read};

use csv::ByteRecord;
use csv_core::{ReadRecordResult, Reader};

/// The longest record: more than the longest values together.
const MOST_BYTES: usize = 128 << 10;

/// A record of a file.
#[derive(Debug)]
pub struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its values.
    pub fields: ByteRecord,
    /// What keeps it from being one, where something does.
    pub broken: Option<&'static str>,
}

/// The records of what `input` reads.
pub struct Records<R> {
    input: BufReader<R>,
    core: Reader,
    marks: Marks,
    /// Lines that were read to find the end of a record, and were none of it.
    ahead: VecDeque<Line>,
    lines: u64,
    bytes: u64,
}

/// What stands between values, records, and around them.
#[derive(Clone, Copy, Debug)]
pub struct Marks {
    /// Between two values.
    pub delimiter: u8,
    /// At the end of a line.
    pub end: u8,
    /// Around a value, where values are quoted.
    pub quote: Option<u8>,
    /// Before a quote that is none.
    pub escape: Option<u8>,
}

impl Marks {
    /// Whether each quoted value ends where its quote is closed. The parser takes what
    /// comes after for a part of it.
    fn are_sound(self, first: &Line, more: &[Line]) -> bool {
        let Some(quote) = self.quote else { return true };
        let mut bytes = first.text.iter().chain(more.iter().flat_map(|line| &line.text)).copied().peekable();
        let mut at_begin = true;
        while let Some(byte) = bytes.next() {
            if !(at_begin && byte == quote) {
                at_begin = byte == self.delimiter || byte == self.end;
                continue;
            }
            loop {
                match bytes.next() {
                    None => return true,
                    Some(byte) if Some(byte) == self.escape => {
                        bytes.next();
                    }
                    Some(byte) if byte != quote => {}
                    Some(_) if self.escape.is_none() && bytes.peek() == Some(&quote) => {
                        bytes.next();
                    }
                    Some(_) => break,
                }
            }
            at_begin = false;
            if bytes.peek().is_some_and(|byte| *byte != self.delimiter && *byte != self.end && *byte != b'\r')
            {
                return false;
            }
        }
        true
    }
}

/// A line with its end.
#[derive(Clone, Debug)]
struct Line {
    text: Vec<u8>,
    /// It goes on beyond the longest record.
    is_cut: bool,
}

impl<R: Read> Records<R> {
    /// Reads by the rules of `core`, which must know the same `marks`.
    pub fn new(input: R, core: Reader, marks: Marks, lines_before: u64) -> Self {
        let input = BufReader::with_capacity(64 << 10, input);
        Self { input, core, marks, ahead: VecDeque::new(), lines: lines_before, bytes: 0 }
    }

    /// Bytes that were read so far.
    pub const fn reached(&self) -> u64 {
        self.bytes
    }

    /// The next record that is not blank. One of several lines that does not `fit` is
    /// taken for a quote that nobody closed.
    ///
    /// # Errors
    /// Those of reading.
    pub fn next(&mut self, fits: impl Fn(&ByteRecord) -> bool) -> io::Result<Option<Record>> {
        loop {
            let Some(first) = self.line()? else { return Ok(None) };
            self.lines += 1;
            let line = self.lines;
            if first.text.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            if first.is_cut {
                return Ok(Some(self.broken(
                    line,
                    &first.text,
                    "a linha é mais longa do que qualquer registro",
                )));
            }
            let (taken, fields) = self.assemble(&first)?;
            let is_sound = self.marks.are_sound(&first, &taken);
            return Ok(Some(match fields {
                Some(_) if taken.is_empty() && !is_sound => {
                    self.broken(line, &first.text, "uma aspa dentro de um valor entre aspas não está dobrada")
                }
                Some(fields) if taken.is_empty() || (is_sound && fits(&fields)) => {
                    self.lines += taken.len() as u64;
                    Record { line, fields, broken: None }
                }
                _ => {
                    for line in taken.into_iter().rev() {
                        self.ahead.push_front(line);
                    }
                    self.broken(line, &first.text, "uma aspa abre na linha e não fecha nela")
                }
            }));
        }
    }

    /// The record that begins with a line, and the lines after it that it took to find
    /// its end; no record when it has none within reach.
    fn assemble(&mut self, first: &Line) -> io::Result<(Vec<Line>, Option<ByteRecord>)> {
        self.core.reset();
        let mut output = vec![0; first.text.len() + 64];
        let mut ends = vec![0; 64];
        let (mut written, mut count) = (0, 0);
        let mut taken: Vec<Line> = Vec::new();
        let mut input = first.text.clone();
        let mut read = input.len();
        loop {
            let mut rest = &input[..];
            loop {
                let (result, used, out, found) =
                    self.core.read_record(rest, &mut output[written..], &mut ends[count..]);
                rest = &rest[used..];
                written += out;
                count += found;
                match result {
                    ReadRecordResult::Record | ReadRecordResult::End => {
                        return Ok((taken, Some(record(&output, &ends[..count]))));
                    }
                    ReadRecordResult::OutputFull => output.resize(output.len() * 2, 0),
                    ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
                    ReadRecordResult::InputEmpty => break,
                }
            }
            if read > MOST_BYTES {
                return Ok((taken, None));
            }
            match self.line()? {
                Some(next) if !next.is_cut => {
                    read += next.text.len();
                    input.clone_from(&next.text);
                    taken.push(next);
                }
                Some(cut) => {
                    self.ahead.push_front(cut);
                    return Ok((taken, None));
                }
                None => return Ok((taken, None)),
            }
        }
    }

    /// What can be shown of a line that is no record.
    fn broken(&self, line: u64, text: &[u8], why: &'static str) -> Record {
        let text = text.strip_suffix(&[self.marks.end]).unwrap_or(text);
        Record { line, fields: text.split(|byte| *byte == self.marks.delimiter).collect(), broken: Some(why) }
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.ahead.pop_front() {
            return Ok(Some(line));
        }
        let mut text = Vec::new();
        let longest = MOST_BYTES as u64 + 1;
        let read = self.input.by_ref().take(longest).read_until(self.marks.end, &mut text)?;
        if read == 0 {
            return Ok(None);
        }
        self.bytes += read as u64;
        let mut is_cut = false;
        if text.last() != Some(&self.marks.end) {
            is_cut = read as u64 == longest && self.skip()?;
            text.push(self.marks.end);
        }
        Ok(Some(Line { text, is_cut }))
    }

    /// Passes over what is left of a line; whether there was anything.
    fn skip(&mut self) -> io::Result<bool> {
        let mut any = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(any);
            }
            any = true;
            let (used, ended) = match chunk.iter().position(|byte| *byte == self.marks.end) {
                Some(place) => (place + 1, true),
                None => (chunk.len(), false),
            };
            self.input.consume(used);
            self.bytes += used as u64;
            if ended {
                return Ok(true);
            }
        }
    }
}

/// The values that end at `ends`.
fn record(output: &[u8], ends: &[usize]) -> ByteRecord {
    let mut begin = 0;
    let mut fields = ByteRecord::new();
    for end in ends {
        fields.push_field(&output[begin..*end]);
        begin = *end;
    }
    fields
}

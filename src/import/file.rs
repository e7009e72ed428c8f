//! A CSV file as a source: what it is written with is found or asked for, and a record
//! that cannot be read costs itself alone.

use std::io::{self, Cursor, Read};

use csv::ByteRecord;
use csv_core::ReaderBuilder;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use encoding_rs_io::DecodeReaderBytesBuilder;

use super::header::{Column, Mapping, REJECTED, is_whole, known};
use super::records::{Marks, Records};
use super::source::{Row, Source, Values};

/// How much of a file is looked at to find out how it is written.
const SAMPLE: u64 = 64 * 1024;

/// What some programs write before UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// How control characters and quotes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Escapes {
    /// A quote is doubled, and nothing else is escaped (RFC 4180).
    #[default]
    Doubled,
    /// As `mysql --batch` writes: no quotes, `\n`, `\t`, `\\`.
    Batch,
    /// As INTO OUTFILE writes with ESCAPED BY '\\': `\"`, `\\`, `\N`, and a backslash
    /// before a line feed.
    Outfile,
}

/// What a file is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// What stands between two values.
    pub delimiter: u8,
    /// How letters are written.
    pub encoding: &'static Encoding,
    /// How control characters and quotes are written.
    pub escapes: Escapes,
    /// How a line ends.
    pub line_end: LineEnd,
}

impl Default for Layout {
    fn default() -> Self {
        Self { delimiter: b',', encoding: UTF_8, escapes: Escapes::Doubled, line_end: LineEnd::Lf }
    }
}

/// How a line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// As on Unix.
    Lf,
    /// As on Windows.
    CrLf,
    /// As on a Mac of old, which spreadsheets still write.
    Cr,
}

impl LineEnd {
    fn found(text: &str) -> Self {
        match text.find(['\r', '\n']).map(|place| &text[place..]) {
            Some(end) if end.starts_with("\r\n") => Self::CrLf,
            Some(end) if end.starts_with('\r') => Self::Cr,
            _ => Self::Lf,
        }
    }

    /// The last byte of it.
    const fn byte(self) -> u8 {
        match self {
            Self::Lf | Self::CrLf => b'\n',
            Self::Cr => b'\r',
        }
    }
}

/// What the person says a file is written with; the rest is found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// What stands between two values.
    pub delimiter: Option<u8>,
    /// How letters are written.
    pub encoding: Option<&'static Encoding>,
    /// How control characters and quotes are written.
    pub escapes: Escapes,
}

/// The records of a file.
pub struct File<'a> {
    records: Records<Box<dyn Read + Send + 'a>>,
    layout: Layout,
    names: Vec<String>,
    shape: Shape,
    /// On which line the header stands, when something stands above it.
    below: Option<u64>,
}

/// How many fields a row has.
#[derive(Clone, Copy, Debug)]
struct Shape {
    /// The columns of the file.
    columns: usize,
    /// Whether `line` and `reason` stand behind them, as in a file of rejected rows.
    is_rejects: bool,
}

/// Records above the header, such as a title, and the header itself.
const MOST_ABOVE: usize = 10;

impl<'a> File<'a> {
    /// Opens a file whose columns are looked for among `columns`.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn open(
        mut input: impl Read + Send + 'a,
        asked: Asked,
        columns: &[Column],
        mapping: &Mapping,
    ) -> Result<Self, csv::Error> {
        let mut sample = Vec::new();
        input.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
        let encoding = asked.encoding.unwrap_or_else(|| found_encoding(&sample));
        let (text, _, _) = encoding.decode(&sample);
        let text = text.into_owned();
        let (said, rest) = said_delimiter(&text);
        let delimiter = asked
            .delimiter
            .or(said)
            .unwrap_or_else(|| found_delimiter(rest, asked.escapes, columns, mapping));
        let line_end = LineEnd::found(&text);
        let layout = Layout { delimiter, encoding, escapes: asked.escapes, line_end };
        if encoding == UTF_8 && sample.starts_with(BOM) {
            sample.drain(..BOM.len());
        }
        let mut whole = decoded(Cursor::new(sample).chain(input), encoding);
        if said.is_some() {
            skip_line(&mut whole, line_end.byte())?;
        }
        let mut records =
            Records::new(whole, builder(layout).build(), marks(layout), u64::from(said.is_some()));
        let (below, mut names) = header(&mut records, columns, mapping)?;
        let is_rejects = names.ends_with(&REJECTED.map(str::to_owned));
        if is_rejects {
            names.truncate(names.len() - REJECTED.len());
        }
        let shape = Shape { columns: names.len(), is_rejects };
        Ok(Self { records, layout, names, shape, below })
    }
}

/// The names of the header: the first record that is not blank, or, where that has no name
/// of ours, the first after it that has all that must be there; then with its line.
fn header(
    records: &mut Records<impl Read>,
    columns: &[Column],
    mapping: &Mapping,
) -> io::Result<(Option<u64>, Vec<String>)> {
    let mut first = None;
    for _ in 0..MOST_ABOVE {
        let Some(record) = records.next(|_| true)? else { break };
        let found = names(&record.fields);
        if first.is_none() && known(&found, columns, mapping) > 0 {
            return Ok((None, found));
        }
        if is_whole(&found, columns, mapping) {
            return Ok((Some(record.line), found));
        }
        first = first.or(Some(found));
    }
    Ok((None, first.unwrap_or_default()))
}

fn names(header: &ByteRecord) -> Vec<String> {
    header.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect()
}

impl File<'_> {
    /// What it is written with, found or asked for.
    #[must_use]
    pub const fn layout_found(&self) -> Layout {
        self.layout
    }

    /// On which line its header stands, when something stands above it.
    #[must_use]
    pub const fn header_below(&self) -> Option<u64> {
        self.below
    }
}

impl Source for File<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn layout(&self) -> Layout {
        self.layout
    }

    fn reached(&self) -> u64 {
        self.records.reached()
    }

    async fn next(&mut self) -> Result<Option<Row>, super::ImportError> {
        let shape = self.shape;
        while let Some(record) = self.records.next(|fields| shape.fits(fields)).map_err(csv::Error::from)? {
            if record.fields.iter().all(|value| value.trim_ascii().is_empty()) {
                continue;
            }
            let values = match record.broken {
                Some(why) => Err(why.to_owned()),
                None => values(&record.fields, shape, self.layout),
            };
            return Ok(Some(Row { place: record.line, raw: shape.own(&record.fields), values }));
        }
        Ok(None)
    }
}

impl Shape {
    /// Whether a record has a value for each column, and no more than blanks beyond.
    fn fits(self, record: &ByteRecord) -> bool {
        let own = self.fields(record);
        own >= self.columns
            && record.iter().take(own).skip(self.columns).all(|value| value.trim_ascii().is_empty())
    }

    /// How many fields of a record are the file's own.
    fn fields(self, record: &ByteRecord) -> usize {
        record.len() - if self.is_marked(record) { REJECTED.len() } else { 0 }
    }

    /// Whether an earlier import has put a line and a reason behind a record.
    fn is_marked(self, record: &ByteRecord) -> bool {
        let line = record.len().checked_sub(REJECTED.len()).filter(|line| *line >= self.columns);
        let is_number = |line: &[u8]| !line.is_empty() && line.iter().all(u8::is_ascii_digit);
        self.is_rejects && line.and_then(|line| record.get(line)).is_some_and(is_number)
    }

    /// The fields of a record that are the file's own, as many as there are columns at
    /// least, so that what is written behind them stands behind all of them.
    fn own(self, record: &ByteRecord) -> ByteRecord {
        let record = without_cr(record);
        let own = self.fields(&record);
        let blanks = self.columns.saturating_sub(own);
        record.iter().take(own).chain(std::iter::repeat_n(&b""[..], blanks)).collect()
    }
}

/// The values of a record, by the columns of the header.
fn values(record: &ByteRecord, shape: Shape, layout: Layout) -> Values {
    if !shape.fits(record) {
        let (fields, columns) = (shape.fields(record), shape.columns);
        let many = if fields == 1 { "campo" } else { "campos" };
        let quoted =
            if fields > columns { "; falta pôr entre aspas um valor que contém o separador?" } else { "" };
        return Err(format!("a linha tem {fields} {many}, e o cabeçalho {columns}{quoted}"));
    }
    let read = |(place, value): (usize, &[u8])| match std::str::from_utf8(value) {
        Ok(text) => Ok(meaning(text, layout.escapes)),
        Err(_) => Err(format!(
            "o campo {} não é UTF-8; se o arquivo tem outra codificação, diga qual, como em --encoding windows-1252",
            place + 1
        )),
    };
    record.iter().take(shape.columns).enumerate().map(read).collect()
}

/// What a value stands for: nothing, `NULL` and `\N` are null, and what stands in `="…"` is
/// itself.
fn meaning(text: &str, escapes: Escapes) -> Option<String> {
    match text.trim() {
        formula if let Some(text) = text_of(formula) => Some(text),
        "" => None,
        null if is_null(null) => None,
        trimmed if escapes == Escapes::Doubled || !trimmed.contains('\\') => Some(trimmed.to_owned()),
        trimmed => Some(unescaped(trimmed)),
    }
}

/// Whether a text stands for null.
pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "NULL" | "\\N")
}

/// A text so that [`meaning`] takes it for itself, whatever it is.
pub(super) fn as_formula(text: &str) -> String {
    format!("=\"{}\"", text.replace('"', "\"\""))
}

/// A formula that is a text alone: what spreadsheets are told so that they leave a text as
/// it is.
fn text_of(formula: &str) -> Option<String> {
    let quoted = formula.strip_prefix("=\"")?.strip_suffix('"')?;
    let text = quoted.replace("\"\"", "\u{0}");
    (!text.contains('"')).then(|| text.replace('\u{0}', "\""))
}

/// As the server escapes: a backslash before what stands for another character, or for
/// itself.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('0') => plain.push('\0'),
            Some('b') => plain.push('\u{8}'),
            Some('Z') => plain.push('\u{1a}'),
            Some(other) => plain.push(other),
            None => plain.push('\\'),
        }
    }
    plain
}

/// A record without what is left of its line's end.
fn without_cr(record: &ByteRecord) -> ByteRecord {
    let last = record.len().saturating_sub(1);
    let plain = |(place, value): (usize, &'_ [u8])| match value.strip_suffix(b"\r") {
        Some(plain) if place == last => plain.to_vec(),
        _ => value.to_vec(),
    };
    record.iter().enumerate().map(plain).collect()
}

fn marks(layout: Layout) -> Marks {
    Marks {
        delimiter: layout.delimiter,
        end: layout.line_end.byte(),
        quote: (layout.escapes != Escapes::Batch).then_some(b'"'),
        escape: (layout.escapes == Escapes::Outfile).then_some(b'\\'),
    }
}

fn builder(layout: Layout) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    // One byte ends a record, so that lines can be counted; a CR before it is a blank
    // at the end of the last value.
    let end = csv_core::Terminator::Any(layout.line_end.byte());
    builder.delimiter(layout.delimiter).terminator(end);
    match layout.escapes {
        Escapes::Doubled => {}
        Escapes::Batch => {
            builder.quoting(false);
        }
        Escapes::Outfile => {
            builder.escape(Some(b'\\')).double_quote(false);
        }
    }
    builder
}

fn decoded<'a>(input: impl Read + Send + 'a, encoding: &'static Encoding) -> Box<dyn Read + Send + 'a> {
    // UTF-8 as it is, so that a byte that is none costs its row alone.
    if encoding == UTF_8 {
        return Box::new(input);
    }
    Box::new(DecodeReaderBytesBuilder::new().encoding(Some(encoding)).bom_override(true).build(input))
}

fn skip_line(input: &mut impl Read, end: u8) -> io::Result<()> {
    let mut byte = [0];
    while input.read(&mut byte)? == 1 && byte[0] != end {}
    Ok(())
}

/// By its mark, by the zeros of UTF-16, and else UTF-8, unless no letter beyond ASCII is
/// written in it and some are in something else: that is Windows' here.
fn found_encoding(sample: &[u8]) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(sample) {
        return encoding;
    }
    let zeros = |odd: usize| sample.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let half = sample.len() / 2;
    if half > 8 && zeros(1) * 2 > half {
        return UTF_16LE;
    }
    if half > 8 && zeros(0) * 2 > half {
        return UTF_16BE;
    }
    let (mut good, mut bad) = (0, 0);
    for chunk in sample.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        bad += usize::from(!chunk.invalid().is_empty());
    }
    // The sample may end within a letter.
    if good == 0 && bad > 0 && (bad > 1 || sample.len() < usize::try_from(SAMPLE).unwrap_or(usize::MAX)) {
        return WINDOWS_1252;
    }
    UTF_8
}

/// The delimiter that a first line `sep=;` names, and what comes after it.
fn said_delimiter(text: &str) -> (Option<u8>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let (line, rest) = text.split_once(char::from(LineEnd::found(text).byte())).unwrap_or((text, ""));
    let line = line.trim_end_matches('\r');
    let said =
        line.get(..4).filter(|begin| begin.eq_ignore_ascii_case("sep=")).map(|_| &line.as_bytes()[4..]);
    match said {
        Some([delimiter]) => (Some(*delimiter), rest),
        _ => (None, text),
    }
}

/// The delimiter with which the header has most of our columns; of equals the one that
/// stands there most often.
fn found_delimiter(text: &str, escapes: Escapes, columns: &[Column], mapping: &Mapping) -> u8 {
    let fit = |delimiter: u8| {
        let layout = Layout { delimiter, escapes, line_end: LineEnd::found(text), ..Layout::default() };
        let mut records = Records::new(text.as_bytes(), builder(layout).build(), marks(layout), 0);
        let mut best = (0, 0);
        for _ in 0..MOST_ABOVE {
            let Ok(Some(record)) = records.next(|_| true) else { break };
            let names = names(&record.fields);
            best = best.max((known(&names, columns, mapping), names.len()));
        }
        best
    };
    // Of equals the last is taken.
    b"|\t;,".iter().copied().max_by_key(|delimiter| fit(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[Column::required("id"), Column::required("nome"), Column::optional("email")];

    fn read(bytes: &[u8], asked: Asked) -> (Layout, Vec<String>, Vec<(u64, Values)>) {
        let mut file = File::open(bytes, asked, COLUMNS, &Mapping::default()).expect("opened");
        let mut rows = Vec::new();
        while let Some(row) =
            futures_util::FutureExt::now_or_never(file.next()).expect("at once").expect("read")
        {
            rows.push((row.place, row.values));
        }
        (file.layout(), file.names().to_vec(), rows)
    }

    fn row(values: &[&str]) -> Values {
        Ok(values.iter().map(|value| (!value.is_empty()).then(|| (*value).to_owned())).collect())
    }

    fn utf_16(text: &str, big: bool, bom: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let bom = if bom { "\u{feff}" } else { "" };
        format!("{bom}{text}").encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn delimiter_and_encoding_are_found() {
        let text =
            |delimiter: &str| format!("id{delimiter}nome{delimiter}email\r\n7{delimiter}João{delimiter}\r\n");
        let windows = WINDOWS_1252.encode(&text(";")).0.into_owned();
        for (bytes, delimiter, encoding) in [
            (text(",").into_bytes(), b',', UTF_8),
            (text(";").into_bytes(), b';', UTF_8),
            (text("\t").into_bytes(), b'\t', UTF_8),
            (text("|").into_bytes(), b'|', UTF_8),
            (format!("\u{feff}{}", text(";")).into_bytes(), b';', UTF_8),
            (windows, b';', WINDOWS_1252),
            (utf_16(&text("\t"), false, true), b'\t', UTF_16LE),
            (utf_16(&text("\t"), true, true), b'\t', UTF_16BE),
            (utf_16(&text(";"), false, false), b';', UTF_16LE),
            (utf_16(&text(";"), true, false), b';', UTF_16BE),
            (text(";").replace("\r\n", "\r").into_bytes(), b';', UTF_8),
            (text(";").replace("\r\n", "\n").trim_end().as_bytes().to_vec(), b';', UTF_8),
        ] {
            let (layout, names, rows) = read(&bytes, Asked::default());
            assert_eq!((layout.delimiter, layout.encoding), (delimiter, encoding));
            assert_eq!(names, ["id", "nome", "email"]);
            assert_eq!(rows, [(2, row(&["7", "João", ""]))], "{delimiter} {}", encoding.name());
        }
    }

    #[test]
    fn a_first_line_may_name_the_delimiter() {
        let (layout, names, rows) = read(b"sep=;\r\nid;nome\r\n7;A,B\r\n", Asked::default());
        assert_eq!((layout.delimiter, &*names), (b';', &["id".to_owned(), "nome".to_owned()][..]));
        assert_eq!(rows, [(3, row(&["7", "A,B"]))]);
        let (_, names, _) = read("\u{feff}SEP=|\nid|nome\n".as_bytes(), Asked::default());
        assert_eq!(names, ["id", "nome"]);
    }

    #[test]
    fn a_record_that_cannot_be_read_costs_itself_alone() {
        let bytes = b"id,nome,email\n1,Um,u\n2,Dois, Virgula,d\n3\n,,,\n   \n\n4,Jo\xe3o,j\n5,Jo\xc3\xa3o,j,,\n6,\"a\nb\",\n";
        let (_, _, rows) = read(bytes, Asked::default());
        let quoted = "; falta pôr entre aspas um valor que contém o separador?";
        assert_eq!(
            rows,
            [
                (2, row(&["1", "Um", "u"])),
                (3, Err(format!("a linha tem 4 campos, e o cabeçalho 3{quoted}"))),
                (4, Err("a linha tem 1 campo, e o cabeçalho 3".to_owned())),
                (8, Err("o campo 2 não é UTF-8; se o arquivo tem outra codificação, diga qual, como em --encoding windows-1252".to_owned())),
                (9, row(&["5", "João", "j"])),
                (10, row(&["6", "a\nb", ""])),
            ]
        );
    }

    #[test]
    fn a_quote_that_nobody_closes_costs_its_line_alone() {
        let open = "uma aspa abre na linha e não fecha nela";
        for (text, expected) in [
            // To the end of the file.
            (
                "id,nome,email\n1,\"Um,u\n2,Dois,d\n",
                vec![(2, Err(open.to_owned())), (3, row(&["2", "Dois", "d"]))],
            ),
            // Closed by chance, by the quote of another row.
            (
                "id,nome,email\n1,\"Um,u\n2,Dois,d\n3,\"Tres\",t\n4,Quatro,q\n",
                vec![
                    (2, Err(open.to_owned())),
                    (3, row(&["2", "Dois", "d"])),
                    (4, row(&["3", "Tres", "t"])),
                    (5, row(&["4", "Quatro", "q"])),
                ],
            ),
            (
                "id,nome,email\n1,\"TV 55\" 4K\",u\n2,\"TV 55\"\" 4K\",d\n",
                vec![
                    (2, Err("uma aspa dentro de um valor entre aspas não está dobrada".to_owned())),
                    (3, row(&["2", "TV 55\" 4K", "d"])),
                ],
            ),
            // Inches are no quotes, and lines within quotes are none.
            (
                "id,nome,email\n1,TV 55\",u\n2,\"a\nb\n\nc\",d\n3,x,y",
                vec![
                    (2, row(&["1", "TV 55\"", "u"])),
                    (3, row(&["2", "a\nb\n\nc", "d"])),
                    (7, row(&["3", "x", "y"])),
                ],
            ),
        ] {
            assert_eq!(read(text.as_bytes(), Asked::default()).2, expected, "{text}");
        }
        // Nor is more kept of it than a row may have.
        let long =
            format!("id,nome,email\n1,{},u\n2,\"{}\n3,x,y\n", "x".repeat(300_000), "y\n".repeat(200_000));
        let rows = read(long.as_bytes(), Asked::default()).2;
        assert_eq!(rows[0], (2, Err("a linha é mais longa do que qualquer registro".to_owned())));
        assert_eq!(rows[1], (3, Err(open.to_owned())));
        assert_eq!(rows.last(), Some(&(200_004, row(&["3", "x", "y"]))));
    }

    #[test]
    fn rejects_are_read_by_their_own_columns() {
        let mut file = File::open(
            &b"id,nome,email,line,reason\n\
               3,,,4,poucos campos\n\
               3,,,,4,um campo a mais\n\
               5,Cinco,c\n\
               6,Seis,s,7\n\
               7,Sete, Virgula,s,8,campos demais\n\
               8,Oito,o,x,y\n"[..],
            Asked::default(),
            COLUMNS,
            &Mapping::default(),
        )
        .expect("opened");
        assert_eq!(file.names(), ["id", "nome", "email"]);
        let mut rows = Vec::new();
        while let Some(row) =
            futures_util::FutureExt::now_or_never(file.next()).expect("at once").expect("read")
        {
            let raw: Vec<String> =
                row.raw.iter().map(|value| String::from_utf8_lossy(value).into_owned()).collect();
            rows.push((raw.join("|"), row.values));
        }
        let more = |fields: usize| {
            Err(format!(
                "a linha tem {fields} campos, e o cabeçalho 3; falta pôr entre aspas um valor que contém o separador?"
            ))
        };
        assert_eq!(
            rows,
            [
                ("3||".to_owned(), row(&["3", "", ""])),
                ("3|||".to_owned(), row(&["3", "", ""])),
                ("5|Cinco|c".to_owned(), row(&["5", "Cinco", "c"])),
                ("6|Seis|s|7".to_owned(), more(4)),
                ("7|Sete| Virgula|s".to_owned(), more(4)),
                ("8|Oito|o|x|y".to_owned(), more(5)),
            ]
        );
    }

    #[test]
    fn a_title_above_the_header_is_passed_over() {
        let text = "Relatório de clientes;;\n\nEmitido em;24/11/2026;\nid;nome;email\n7;João;j\n".as_bytes();
        let (layout, names, rows) = read(text, Asked::default());
        assert_eq!((layout.delimiter, names.len()), (b';', 3));
        assert_eq!(rows, [(5, row(&["7", "João", "j"]))]);
        // Without one that is whole, the first is told.
        let (_, names, _) = read(b"Relatorio\nid\n7\n", Asked::default());
        assert_eq!(names, ["Relatorio"]);
    }

    #[test]
    fn a_text_in_a_formula_is_itself() {
        for (text, expected) in [
            ("=\"007\"", Some("007")),
            ("=\"a\"\"b\"", Some("a\"b")),
            ("=\"NULL\"", Some("NULL")),
            ("=\"a\"&\"b\"", Some("=\"a\"&\"b\"")),
            ("=1+1", Some("=1+1")),
            ("NULL", None),
        ] {
            assert_eq!(meaning(text, Escapes::Doubled).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn escapes_of_the_server_are_understood_when_asked_for() {
        let batch = Asked { escapes: Escapes::Batch, ..Asked::default() };
        let (_, _, rows) = read(b"id\tnome\temail\n7\tDiz \"oi\\n\\tl\xc3\xa1\\\\\tNULL\n", batch);
        assert_eq!(rows, [(2, row(&["7", "Diz \"oi\n\tlá\\", ""]))]);
        let outfile = Asked { escapes: Escapes::Outfile, ..Asked::default() };
        let (_, _, rows) = read(b"id,nome,email\n7,\"Diz \\\"oi\\\" \\\nja\",\\N\n", outfile);
        assert_eq!(rows, [(2, row(&["7", "Diz \"oi\" \nja", ""]))]);
        let (_, _, rows) = read(b"id,nome,email\n7,a\\nb,\\N\n", Asked::default());
        assert_eq!(rows, [(2, row(&["7", "a\\nb", ""]))]);
    }
}

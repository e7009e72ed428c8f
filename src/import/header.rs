//! Which column of a file is which value.

use std::collections::BTreeMap;

/// A value of a row: its name in the table, and whether a file must have it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The table's name for it.
    pub name: &'static str,
    /// Whether a file without it cannot be imported.
    pub required: bool,
}

/// What the person who imports says about the columns of the file.
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    /// From a name in the file to one of ours.
    pub renamed: BTreeMap<String, String>,
    /// Columns of the file that are left out.
    pub ignored: Vec<String>,
}

/// Where each of our columns stands in a record.
#[derive(Clone, Debug)]
pub struct Header {
    places: BTreeMap<&'static str, usize>,
}

impl Header {
    /// Finds every column. Case, accents, spaces and underscores do not count:
    /// `Data Nascimento` is `data_nascimento`.
    ///
    /// # Errors
    /// A sentence that names the columns that are unknown, missing or there twice,
    /// and the remedy.
    pub fn read<'a>(
        found: impl Iterator<Item = &'a str>,
        columns: &'static [Column],
        mapping: &Mapping,
    ) -> Result<Self, String> {
        let (mut places, mut unknown) = (BTreeMap::new(), Vec::new());
        let ignored: Vec<String> = mapping.ignored.iter().map(|name| folded(name)).collect();
        let renamed: BTreeMap<String, &str> =
            mapping.renamed.iter().map(|(from, to)| (folded(from), to.as_str())).collect();
        for (place, name) in found.enumerate() {
            let name = name.trim_start_matches('\u{feff}').trim();
            if ignored.contains(&folded(name)) {
                continue;
            }
            let ours = folded(renamed.get(&folded(name)).copied().unwrap_or(name));
            match columns.iter().find(|column| folded(column.name) == ours) {
                None => unknown.push(format!("`{name}`")),
                Some(column) if places.insert(column.name, place).is_some() => {
                    return Err(format!("two columns of the file are `{}`", column.name));
                }
                Some(_) => {}
            }
        }
        if !unknown.is_empty() {
            let known: Vec<&str> = columns.iter().map(|column| column.name).collect();
            return Err(format!(
                "unknown columns: {}; map each with --map NAME=COLUMN or leave it out with --ignore NAME; the columns are {}",
                unknown.join(", "),
                known.join(", ")
            ));
        }
        let missing: Vec<&str> = columns
            .iter()
            .filter(|column| column.required && !places.contains_key(column.name))
            .map(|column| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "missing columns: {}; if the file calls them otherwise, say so with --map NAME=COLUMN",
                missing.join(", ")
            ));
        }
        Ok(Self { places })
    }

    /// The value of a column in a record; none when the column is not in the file,
    /// or holds what stands for null: nothing, `NULL` or `\N`.
    #[must_use]
    pub fn value<'r>(&self, record: &'r csv::StringRecord, column: &str) -> Option<&'r str> {
        let text = record.get(*self.places.get(column)?)?.trim();
        (!matches!(text, "" | "NULL" | "\\N")).then_some(text)
    }
}

/// A name without what does not count in it.
fn folded(name: &str) -> String {
    let plain = |c: char| match c {
        'á' | 'à' | 'â' | 'ã' => 'a',
        'é' | 'ê' => 'e',
        'í' => 'i',
        'ó' | 'ô' | 'õ' => 'o',
        'ú' | 'ü' => 'u',
        'ç' => 'c',
        c => c,
    };
    let letters = name.chars().flat_map(char::to_lowercase).map(plain);
    letters.filter(|c| !matches!(c, ' ' | '_' | '-')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] =
        &[Column { name: "id", required: true }, Column { name: "data_nascimento", required: false }];

    fn read(names: &[&str], mapping: &Mapping) -> Result<Header, String> {
        Header::read(names.iter().copied(), COLUMNS, mapping)
    }

    #[test]
    fn spelling_does_not_count() {
        for name in ["data_nascimento", "dataNascimento", "Data Nascimento", "DATA-NASCIMENTO"] {
            let header = read(&["\u{feff}ID", name], &Mapping::default()).expect(name);
            let record = csv::StringRecord::from(vec!["7", " 1990-01-02 "]);
            assert_eq!(header.value(&record, "data_nascimento"), Some("1990-01-02"));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let unknown = read(&["id", "apelido", "foto"], &Mapping::default()).expect_err("unknown");
        assert!(unknown.starts_with("unknown columns: `apelido`, `foto`; map each with"), "{unknown}");
        let missing = read(&["data_nascimento"], &Mapping::default()).expect_err("missing");
        assert!(missing.starts_with("missing columns: id;"), "{missing}");
        let twice = read(&["id", "Id"], &Mapping::default()).expect_err("twice");
        assert_eq!(twice, "two columns of the file are `id`");
        let mapping = Mapping {
            renamed: BTreeMap::from([("codigo".into(), "id".into())]),
            ignored: vec!["foto".into()],
        };
        assert!(read(&["Código", "foto"], &mapping).is_ok());
    }

    #[test]
    fn null_has_three_spellings() {
        let header = read(&["id", "data_nascimento"], &Mapping::default()).expect("a header");
        for null in ["", " ", "NULL", "\\N"] {
            let record = csv::StringRecord::from(vec!["7", null]);
            assert_eq!(header.value(&record, "data_nascimento"), None);
        }
    }
}

//! Which column of a file is which value.

use std::collections::BTreeMap;

use crate::text;

/// A value of a row: its name in the table, and whether a file must have it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The table's name for it.
    pub name: &'static str,
    /// Whether a file without it cannot be imported.
    pub required: bool,
    /// What others call it.
    pub words: &'static [&'static str],
}

impl Column {
    /// One that a file must have.
    #[must_use]
    pub const fn required(name: &'static str) -> Self {
        Self { name, required: true, words: &[] }
    }

    /// One that a file may have.
    #[must_use]
    pub const fn optional(name: &'static str) -> Self {
        Self { name, required: false, words: &[] }
    }

    /// It, which others call so.
    #[must_use]
    pub const fn also(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }
}

/// What the person who imports says about the columns of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Columns without a name.
    nameless: Vec<usize>,
}

/// The columns that a file of rejected rows has besides its own.
pub const REJECTED: [&str; 2] = ["line", "reason"];

impl Header {
    /// Finds every column. Case, accents, spaces and underscores do not count:
    /// `Data Nascimento` is `data_nascimento`. Another word for a column is understood
    /// where no column has that name itself.
    ///
    /// # Errors
    /// A sentence that names the columns that are unknown, missing or there twice,
    /// and the remedy; and what the mapping names that is not there.
    pub fn read(names: &[String], columns: &'static [Column], mapping: &Mapping) -> Result<Self, String> {
        if names.is_empty() {
            return Err(format!("there is no header; the columns are {}", listed(columns)));
        }
        mapping.check(names, columns)?;
        // Where somebody has moved them in a file of rejected rows.
        let is_rejects = REJECTED.iter().all(|mark| names.iter().any(|name| name == mark));
        let (mut places, mut unknown) = (BTreeMap::new(), Vec::new());
        for (place, name) in names.iter().enumerate() {
            // A column without a name is what a spreadsheet leaves behind.
            if name.is_empty() || mapping.ignores(name) || is_rejects && REJECTED.contains(&name.as_str()) {
                continue;
            }
            match mapping.column(name, names, columns) {
                None => unknown.push(format!("`{name}`")),
                Some(column) if places.insert(column.name, place).is_some() => {
                    return Err(format!("two columns of the file are `{}`", column.name));
                }
                Some(_) => {}
            }
        }
        if !unknown.is_empty() {
            return Err(format!(
                "unknown columns: {}; map each with --map NAME=COLUMN or leave it out with --ignore NAME; the columns are {}",
                unknown.join(", "),
                listed(columns)
            ));
        }
        let missing: Vec<&str> = columns
            .iter()
            .filter(|column| column.required && !places.contains_key(column.name))
            .map(|column| column.name)
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "missing columns: {}; if the file calls them otherwise, say so with --map NAME=COLUMN; it has {}",
                missing.join(", "),
                named(names)
            ));
        }
        let nameless = names.iter().enumerate().filter(|(_, name)| name.is_empty()).map(|(place, _)| place);
        Ok(Self { nameless: nameless.collect(), places })
    }

    /// The value of a column in a row; none when the column is not in the source, or
    /// holds null.
    #[must_use]
    pub fn value<'r>(&self, values: &'r [Option<String>], column: &str) -> Option<&'r str> {
        values.get(*self.places.get(column)?)?.as_deref().map(str::trim)
    }

    /// The first value that stands in a column without a name, where nobody reads it.
    #[must_use]
    pub fn unread<'r>(&self, values: &'r [Option<String>]) -> Option<&'r str> {
        self.nameless.iter().find_map(|place| values.get(*place)?.as_deref())
    }
}

impl Mapping {
    /// What the person says must be about the file.
    fn check(&self, names: &[String], columns: &[Column]) -> Result<(), String> {
        let is_there = |said: &str| names.iter().any(|name| same(name, said));
        for (flag, said) in self
            .renamed
            .keys()
            .map(|name| ("--map", name))
            .chain(self.ignored.iter().map(|name| ("--ignore", name)))
        {
            // Those of a file of rejected rows may be named and may not.
            if !is_there(said) && !REJECTED.contains(&said.as_str()) {
                return Err(format!("{flag} {said}: the file has no such column; it has {}", named(names)));
            }
        }
        for (name, ours) in &self.renamed {
            if !columns.iter().any(|column| same(column.name, ours)) {
                return Err(format!(
                    "--map {name}={ours}: there is no column {ours}; the columns are {}",
                    listed(columns)
                ));
            }
        }
        Ok(())
    }

    /// Whether a column is left out.
    #[must_use]
    pub fn ignores(&self, name: &str) -> bool {
        self.ignored.iter().any(|ignored| same(ignored, name))
    }

    /// Which of our columns one of these names is.
    #[must_use]
    pub fn column<'c>(&self, name: &str, names: &[String], columns: &'c [Column]) -> Option<&'c Column> {
        let named = |name: &str| columns.iter().find(|column| same(column.name, name));
        if let Some((_, to)) = self.renamed.iter().find(|(from, _)| same(from, name)) {
            return named(to);
        }
        let is_named = |column: &Column| {
            self.renamed.values().any(|to| same(to, column.name))
                || names.iter().any(|name| same(name, column.name) && !self.ignores(name))
        };
        let is_called = |column: &&Column| column.words.iter().any(|word| same(word, name));
        named(name).or_else(|| columns.iter().find(is_called).filter(|column| !is_named(column)))
    }
}

/// How many of `names` are columns of ours.
#[must_use]
pub fn known(names: &[String], columns: &[Column], mapping: &Mapping) -> usize {
    names.iter().filter(|name| mapping.column(name, names, columns).is_some()).count()
}

/// Whether `names` have every column that must be there.
#[must_use]
pub fn is_whole(names: &[String], columns: &[Column], mapping: &Mapping) -> bool {
    let has = |column: &&Column| {
        names
            .iter()
            .any(|name| mapping.column(name, names, columns).is_some_and(|found| found.name == column.name))
    };
    columns.iter().filter(|column| column.required).all(|column| has(&column))
}

/// Whether two names are one but for what does not count in them.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    folded(one) == folded(other)
}

fn listed(columns: &[Column]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

fn named(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A name without what does not count in it.
fn folded(name: &str) -> String {
    text::folded(name).replace([' ', '_', '-'], "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        Column::required("id").also(&["codigo"]),
        Column::optional("data_nascimento").also(&["nascimento"]),
    ];

    fn read(names: &[&str], mapping: &Mapping) -> Result<Header, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Header::read(&names, COLUMNS, mapping)
    }

    fn row(values: &[&str]) -> Vec<Option<String>> {
        values.iter().map(|value| Some((*value).to_owned())).collect()
    }

    #[test]
    fn spelling_does_not_count() {
        for name in
            ["data_nascimento", "dataNascimento", "Data Nascimento", "DATA-NASCIMENTO", "Data  Náscimento"]
        {
            let header = read(&["ID", name], &Mapping::default()).expect(name);
            assert_eq!(header.value(&row(&["7", " 1990-01-02 "]), "data_nascimento"), Some("1990-01-02"));
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        assert!(read(&["Código", "Nascimento"], &Mapping::default()).is_ok());
        // Both words at once may be two things.
        let unknown = read(&["id", "Código"], &Mapping::default()).expect_err("unknown");
        assert!(unknown.starts_with("unknown columns: `Código`; map each"), "{unknown}");
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
        assert_eq!(
            read(&["id", "foto"], &mapping).expect_err("nothing to map"),
            "--map codigo: the file has no such column; it has `id`, `foto`"
        );
        let mapping =
            Mapping { renamed: BTreeMap::from([("id".into(), "numero".into())]), ignored: Vec::new() };
        assert_eq!(
            read(&["id"], &mapping).expect_err("no such column"),
            "--map id=numero: there is no column numero; the columns are id, data_nascimento"
        );
    }

    #[test]
    fn nothing_has_no_header() {
        let told = read(&[], &Mapping::default()).expect_err("nothing");
        assert_eq!(told, "there is no header; the columns are id, data_nascimento");
    }

    #[test]
    fn what_a_spreadsheet_adds_is_passed_over() {
        let header = read(&["id", "", "data_nascimento", ""], &Mapping::default()).expect("read");
        let values = row(&["7", "", "1990-01-02", ""]);
        assert_eq!(header.value(&values, "data_nascimento"), Some("1990-01-02"));
        let mut values: Vec<Option<String>> = values;
        values[1] = None;
        values[3] = None;
        assert_eq!(header.unread(&values), None);
        values[3] = Some("x".into());
        assert_eq!(header.unread(&values), Some("x"));
        // Line and reason of rejected rows, wherever they stand.
        let header = read(&["line", "id", "reason"], &Mapping::default()).expect("read");
        assert_eq!(header.value(&row(&["3", "7", "x"]), "id"), Some("7"));
        assert!(read(&["line", "id"], &Mapping::default()).is_err(), "one alone is something else");
    }
}

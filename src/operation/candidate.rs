//! A schema that might be served one day: what it would do to operations that were asked.

use std::collections::BTreeSet;

use apollo_compiler::schema::ExtendedType;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};

use super::{messages, signature};
use crate::stores::acessos::Esquema;

/// A schema and its parts.
pub struct Candidate {
    schema: Valid<Schema>,
    parts: Esquema,
}

impl Candidate {
    /// Reads an SDL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(sdl: &str) -> Result<Self, String> {
        let schema = Schema::parse_and_validate(sdl, "schema").map_err(|found| found.errors.to_string())?;
        let parts = signature::parts(&schema);
        Ok(Self { schema, parts })
    }

    /// Why an operation could not be asked of it: its text, where that is kept, does not fit, or
    /// it gives in variables what is not there, or does not give what must be. Nothing when it
    /// could.
    #[must_use]
    pub fn breaks(&self, documento: Option<&str>, campos: &[&str]) -> Vec<String> {
        let mut reasons = BTreeSet::new();
        if let Some(documento) = documento
            && let Err(found) = ExecutableDocument::parse_and_validate(&self.schema, documento, "operation")
        {
            let problems = messages::of_validation(&found.errors, &self.schema);
            reasons.extend(problems.into_iter().map(|problem| problem.message));
        }
        if reasons.is_empty() {
            let gone = campos.iter().filter(|campo| !self.parts.contains_key(**campo));
            reasons.extend(gone.map(|campo| format!("`{campo}` is not there")));
        }
        reasons.extend(self.not_given(campos));
        reasons.into_iter().collect()
    }

    /// Fields that inputs must have and that these never had.
    fn not_given<'a>(&'a self, campos: &'a [&str]) -> impl Iterator<Item = String> + 'a {
        let inputs: BTreeSet<&str> =
            campos.iter().filter_map(|campo| Some(campo.split_once('.')?.0)).collect();
        inputs.into_iter().flat_map(move |input| {
            let Some(ExtendedType::InputObject(definition)) = self.schema.types.get(input) else {
                return Vec::new();
            };
            let missing = |(name, field): (
                &apollo_compiler::Name,
                &apollo_compiler::schema::Component<apollo_compiler::ast::InputValueDefinition>,
            )| {
                let part = format!("{input}.{name}");
                (field.is_required() && !campos.contains(&&*part))
                    .then(|| format!("`{part}` must be given and is not"))
            };
            definition.fields.iter().filter_map(missing).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_break_is_told_and_nothing_else() {
        let candidate = Candidate::of(
            "type Query { cliente(id: ID!, filtro: Filtro): Cliente } type Cliente { nome: String! }
             input Filtro { uf: UF! cidade: String } enum UF { SP }",
        )
        .unwrap_or_else(|found| panic!("{found}"));
        let table: [(&str, &[&str], &[&str]); 6] = [
            ("query($i: ID!) { cliente(id: $i) { nome } }", &["Query.cliente", "Cliente.nome"], &[]),
            ("{ cliente(id: \"\") { cpf } }", &["Cliente.cpf"], &["cpf"]),
            ("{ cliente { nome } }", &[], &["id"]),
            ("query($f: Filtro) { cliente(id: 0, filtro: $f) { nome } }", &["Filtro.uf", "UF.SP"], &[]),
            (
                "query($f: Filtro) { cliente(id: 0, filtro: $f) { nome } }",
                &["Filtro.uf", "UF.RJ"],
                &["`UF.RJ`"],
            ),
            (
                "query($f: Filtro) { cliente(id: 0, filtro: $f) { nome } }",
                &["Filtro.cidade"],
                &["`Filtro.uf` must"],
            ),
        ];
        for (documento, campos, told) in table {
            let reasons = candidate.breaks(Some(documento), campos);
            assert_eq!(reasons.len(), told.len(), "{documento}: {reasons:?}");
            for (reason, part) in reasons.iter().zip(told) {
                assert!(reason.contains(part), "{reason}");
            }
        }
        assert!(Candidate::of("type Query {").is_err());
    }
}

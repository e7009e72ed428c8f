//! Which column of an old table is which of ours, and what old tables lack.

use std::collections::BTreeMap;

use crate::db::Store;
use crate::import::columns;
use crate::import::header::{Mapping, same};

/// What the operator says about one store's old table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// From a name there to one of ours; `total` of a purchase is that of all its units.
    pub map: BTreeMap<String, String>,
    /// Columns that are left out.
    pub ignore: Vec<String>,
    /// A value for each row, by our column: what the old table lacks.
    pub set: BTreeMap<String, String>,
}

/// How an old table is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Which of its columns is which of ours.
    pub mapping: Mapping,
    /// Values for what it lacks, by our column.
    pub set: Vec<(String, String)>,
    /// The column that holds what a whole purchase cost.
    pub total: Option<String>,
}

impl Plan {
    /// For an old table with these columns.
    ///
    /// # Errors
    /// What is left to be said, all of it, with the flags that say it.
    pub fn of(store: Store, names: &[String], wishes: &Wishes) -> Result<Self, String> {
        let ours = columns(store);
        let is_ours = |name: &str| ours.iter().any(|column| same(column.name, name));
        let (mut mapping, mut total) = (Mapping::default(), None);
        mapping.ignored.clone_from(&wishes.ignore);
        let mut unknown = Vec::new();
        for name in names {
            if mapping.ignores(name) {
                continue;
            }
            let said = wishes.map.iter().find(|(from, _)| same(from, name)).map(|(_, to)| to.as_str());
            let found = || mapping.column(name, names, ours).map(|column| column.name);
            match said.or_else(found) {
                Some("total") if store == Store::Inventario => {
                    total = Some(name.clone());
                    mapping.renamed.insert(name.clone(), "preco_unitario".to_owned());
                }
                Some(to) if same(to, name) => {}
                Some(to) if is_ours(to) => {
                    mapping.renamed.insert(name.clone(), to.to_owned());
                }
                Some(to) => return Err(format!("store {store}: there is no column {to}, as --map says")),
                None => unknown.push(name.as_str()),
            }
        }
        for said in wishes.map.keys().chain(&wishes.ignore) {
            if !names.iter().any(|name| same(name, said)) {
                return Err(format!(
                    "store {store}: the old table has no column {said}; it has {}",
                    names.join(", ")
                ));
            }
        }
        let set: Vec<(String, String)> =
            wishes.set.iter().map(|(column, value)| (column.clone(), value.clone())).collect();
        if let Some((column, _)) = set.iter().find(|(column, _)| !is_ours(column)) {
            return Err(format!("store {store}: there is no column {column}, as --set says"));
        }
        let is_given = |column: &str| {
            set.iter().any(|(set, _)| same(set, column))
                || names
                    .iter()
                    .filter(|name| !mapping.ignores(name))
                    .any(|name| same(mapping.renamed.get(name).map_or(name.as_str(), String::as_str), column))
        };
        let missing: Vec<&str> = ours
            .iter()
            .filter(|column| column.required && !is_given(column.name))
            .map(|column| column.name)
            .collect();
        let mut left = Vec::new();
        if !unknown.is_empty() {
            left.push(format!(
                "its columns {} are unknown: map each with --map {store}.NAME=COLUMN or leave it out with --ignore {store}.NAME",
                unknown.join(", ")
            ));
        }
        if !missing.is_empty() {
            left.push(format!(
                "our columns {} are not in it: map others to them, or give them a value with --set {store}.COLUMN=VALUE{}",
                missing.join(", "),
                honest(store)
            ));
        }
        if left.is_empty() {
            return Ok(Self { mapping, set, total });
        }
        Err(format!("store {store}: {}", left.join("; ")))
    }
}

/// What can honestly be said of purchases that were only counted.
fn honest(store: Store) -> &'static str {
    match store {
        Store::Inventario => {
            " (--set inventario.quantidade=1, --set inventario.preco_unitario=@catalogo for today's price, \
             --set inventario.adquirido_em=@agora for the moment of the adoption)"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn words_that_everybody_uses_are_known() {
        let plan = Plan::of(
            Store::Enderecos,
            &names(&["ID", "id_cliente", "rua", "numero", "bairro", "cidade", "estado", "cep"]),
            &Wishes::default(),
        )
        .expect("whole");
        let renamed: Vec<(&str, &str)> =
            plan.mapping.renamed.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
        assert_eq!(renamed, [("estado", "uf"), ("rua", "logradouro")]);
    }

    #[test]
    fn everything_that_is_left_to_be_said_is_told_at_once() {
        let left = Plan::of(
            Store::Inventario,
            &names(&["id", "id_cliente", "id_produto", "obs"]),
            &Wishes::default(),
        );
        assert_eq!(
            left.expect_err("not whole"),
            "store inventario: its columns obs are unknown: map each with --map inventario.NAME=COLUMN or leave it out \
             with --ignore inventario.NAME; our columns quantidade, preco_unitario, adquirido_em are not in it: map others \
             to them, or give them a value with --set inventario.COLUMN=VALUE (--set inventario.quantidade=1, \
             --set inventario.preco_unitario=@catalogo for today's price, --set inventario.adquirido_em=@agora for the \
             moment of the adoption)"
        );
        let wishes = |map: &[(&str, &str)], ignore: &[&str], set: &[(&str, &str)]| Wishes {
            map: map.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect(),
            ignore: ignore.iter().map(|name| (*name).into()).collect(),
            set: set.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect(),
        };
        for (said, told) in [
            (
                wishes(&[("nada", "id")], &[], &[]),
                "store clientes: the old table has no column nada; it has id, nome, email, cpf",
            ),
            (
                wishes(&[("nome", "apelido")], &[], &[]),
                "store clientes: there is no column apelido, as --map says",
            ),
            (
                wishes(&[], &["nada"], &[]),
                "store clientes: the old table has no column nada; it has id, nome, email, cpf",
            ),
            (
                wishes(&[], &[], &[("apelido", "x")]),
                "store clientes: there is no column apelido, as --set says",
            ),
        ] {
            let left = Plan::of(Store::Clientes, &names(&["id", "nome", "email", "cpf"]), &said);
            assert_eq!(left.expect_err("refused"), told);
        }
    }
}

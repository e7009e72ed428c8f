//! The rows of an old table, with what they lack and what a number has lost.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::Plan;
use crate::db::{Db, Store, StoreError};
use crate::import::header::same;
use crate::import::{ImportError, Layout, Row, Source, Table};
use crate::stores::catalogo;

/// Digits of numbers that old tables keep as numbers: our column, and how many.
const DIGITS: [(&str, usize); 2] = [("cpf", 11), ("cep", 8)];

/// The rows of an old table as the import reads them.
#[derive(Debug)]
pub struct Adapted {
    table: Table,
    names: Vec<String>,
    /// Values that every row gets, in the order of their columns.
    set: Vec<Given>,
    /// Where a number stands that has lost its zeros, and how many digits it has.
    padded: Vec<(usize, usize)>,
    /// Where the cost of a whole purchase stands, and how many units it had.
    total: Option<(usize, usize)>,
    /// Where the product of a purchase stands.
    produto: Option<usize>,
    prices: HashMap<u64, String>,
}

/// A value that the old table lacks.
#[derive(Clone, Debug)]
enum Given {
    Text(String),
    /// What the product costs today.
    Price,
}

impl Adapted {
    /// The rows of `table`, read by `plan`; `prices` are today's, by product, where the
    /// plan asks for them.
    #[must_use]
    pub fn new(table: Table, plan: &Plan, prices: HashMap<u64, String>) -> Self {
        let ours = |name: &String| plan.mapping.renamed.get(name).unwrap_or(name).clone();
        let place = |column: &str| table.names().iter().position(|name| same(&ours(name), column));
        let padded = DIGITS.iter().filter_map(|(column, digits)| {
            let at = place(column)?;
            table.is_number(at).then_some((at, *digits))
        });
        let total = plan.total.as_ref().and_then(|name| {
            Some((table.names().iter().position(|there| there == name)?, place("quantidade")?))
        });
        let now = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        let given = |value: &String| match value.as_str() {
            "@catalogo" => Given::Price,
            "@agora" => Given::Text(now.clone()),
            _ => Given::Text(value.clone()),
        };
        let names = table.names().iter().chain(plan.set.iter().map(|(column, _)| column)).cloned().collect();
        Self {
            padded: padded.collect(),
            produto: place("id_produto"),
            set: plan.set.iter().map(|(_, value)| given(value)).collect(),
            total,
            names,
            table,
            prices,
        }
    }

    fn adapt(&self, values: &mut Vec<Option<String>>) {
        for (place, digits) in &self.padded {
            if let Some(Some(number)) = values.get_mut(*place)
                && number.bytes().all(|byte| byte.is_ascii_digit())
            {
                *number = format!("{number:0>digits$}");
            }
        }
        if let Some((cost, units)) = self.total
            && let Some(price) = price_of_one(values.get(cost), values.get(units))
            && let Some(value) = values.get_mut(cost)
        {
            *value = Some(price);
        }
        for given in &self.set {
            values.push(match given {
                Given::Text(text) => Some(text.clone()),
                Given::Price => self.price(values),
            });
        }
    }

    fn price(&self, values: &[Option<String>]) -> Option<String> {
        let produto = values.get(self.produto?)?.as_deref()?.trim().parse().ok()?;
        self.prices.get(&produto).cloned()
    }
}

/// What one unit cost, where the whole can be divided; what cannot is left as it is, and
/// the rule for prices tells.
fn price_of_one(cost: Option<&Option<String>>, units: Option<&Option<String>>) -> Option<String> {
    let comma = cost?.as_deref()?.contains(',');
    let decimal =
        |value: Option<&Option<String>>| value?.as_deref()?.trim().replace(',', ".").parse::<Decimal>().ok();
    let price = decimal(cost)?.checked_div(decimal(units)?)?.normalize().to_string();
    Some(if comma { price.replace('.', ",") } else { price })
}

impl Source for Adapted {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn layout(&self) -> Layout {
        self.table.layout()
    }

    fn reached(&self) -> u64 {
        self.table.reached()
    }

    async fn next(&mut self) -> Result<Option<Row>, ImportError> {
        let Some(mut row) = self.table.next().await? else {
            return Ok(None);
        };
        if let Ok(values) = &mut row.values {
            self.adapt(values);
            row.raw = values.iter().map(|value| value.as_deref().unwrap_or("\\N").as_bytes()).collect();
        }
        Ok(Some(row))
    }
}

/// What every product costs today, by its number.
///
/// # Errors
/// The store's.
pub async fn prices(db: &Db) -> Result<HashMap<u64, String>, StoreError> {
    debug_assert_eq!(db.store(), Store::Catalogo);
    let (mut all, mut last) = (HashMap::new(), 0);
    loop {
        let rows = catalogo::exported(db, last).await?;
        let Some(end) = rows.last() else { return Ok(all) };
        last = end.id;
        // As the columns of an import stand: id, nome, descricao, preco.
        all.extend(rows.into_iter().filter_map(|row| Some((row.id, row.values.into_iter().nth(3)??))));
    }
}

//! Made-up purchases.

use super::dice::{Dice, Stream};
use super::{Plan, calendar, goods};
use crate::relay::{ClienteId, CompraId, ProdutoId};
use crate::stores::inventario::NovaCompra;

/// Who buys what. More and more is bought as time goes by; a few buy much and
/// a few things sell much.
pub(super) struct Sales<'a> {
    plan: &'a Plan,
    clientes: Ranks,
    produtos: Ranks,
}

impl<'a> Sales<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self { plan, clientes: Ranks::new(plan.clientes), produtos: Ranks::new(plan.produtos) }
    }

    /// The purchase with this id.
    pub(super) fn compra(&self, id: u64) -> NovaCompra {
        let plan = self.plan;
        let mut dice = Dice::new(plan.seed, Stream::Compra, id);
        // As many again as have come in so far: sales grow with the square of
        // time, so time with the root of sales.
        let time = ((id.saturating_sub(1) as f64 + dice.fraction()) / plan.compras as f64).sqrt();
        let clientes = calendar::arrived(time, plan.clientes);
        let produtos = calendar::arrived(time, plan.produtos);
        let cliente = if self.is_of_the_heavy_one(id) {
            1
        } else {
            self.clientes.pick(&mut dice, clientes, |fraction| fraction * fraction)
        };
        let produto = self.produtos.pick(&mut dice, produtos, |fraction| fraction * fraction * fraction);
        NovaCompra {
            id: CompraId(id),
            cliente: ClienteId(cliente),
            produto: ProdutoId(produto),
            quantidade: quantity(&mut dice),
            preco_unitario: goods::reais(price(&mut dice, goods::centavos(plan, produto))),
            adquirido_em: calendar::moment(time),
            chave_idempotencia: None,
        }
    }

    /// Every so many purchases one, so that they are spread over all years.
    fn is_of_the_heavy_one(&self, id: u64) -> bool {
        let until = |id: u64| u128::from(id) * u128::from(self.plan.heavy) / u128::from(self.plan.compras);
        until(id) != until(id.saturating_sub(1))
    }
}

fn quantity(dice: &mut Dice) -> u32 {
    match dice.below(100) {
        0..62 => 1,
        62..82 => 2,
        82..92 => 3,
        92..96 => 4,
        96..98 => 6,
        98 => 10,
        _ => 12,
    }
}

/// What was paid: the price of today, or a little more or less.
fn price(dice: &mut Dice, centavos: u64) -> u64 {
    if dice.percent(55) {
        return centavos;
    }
    (centavos * dice.between(86, 108) / 100).max(1)
}

/// Who stands where in a ranking, without keeping it: a walk round all ids in
/// steps that have no factor in common with their number comes to each once.
struct Ranks {
    count: u64,
    step: u64,
}

impl Ranks {
    fn new(count: u64) -> Self {
        let count = count.max(1);
        let golden = (count as f64 * 0.618) as u64;
        let step = (golden.max(1)..).find(|step| greatest_common_divisor(*step, count) == 1);
        Self { count, step: step.unwrap_or(1) }
    }

    /// The id at this rank, from 0; the first is id 1.
    fn id(&self, rank: u64) -> u64 {
        let steps = u128::from(rank) * u128::from(self.step);
        1 + (steps % u128::from(self.count)) as u64
    }

    /// One of the first `arrived` ids, those of low rank more often, as `skew`
    /// says: a function from and to the numbers below 1.
    fn pick(&self, dice: &mut Dice, arrived: u64, skew: fn(f64) -> f64) -> u64 {
        for _ in 0..8 {
            let rank = (skew(dice.fraction()) * self.count as f64) as u64;
            let id = self.id(rank);
            if id <= arrived {
                return id;
            }
        }
        // Early on nearly nobody has arrived.
        dice.between(1, arrived)
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    const PLAN: Plan = Plan { clientes: 300, produtos: 90, compras: 6_000, seed: 1, heavy: 1_500 };

    #[test]
    fn a_ranking_has_everybody_once() {
        for count in [1, 2, 3, 10, 97, 1000] {
            let ranks = Ranks::new(count);
            let ids: HashSet<u64> = (0..count).map(|rank| ranks.id(rank)).collect();
            assert_eq!(ids, (1..=count).collect());
            assert_eq!(ranks.id(0), 1);
        }
    }

    #[test]
    fn nothing_is_bought_before_its_time_nor_by_strangers() {
        let sales = Sales::new(&PLAN);
        let mut latest = calendar::moment(0.0);
        for id in 1..=PLAN.compras {
            let nova = sales.compra(id);
            assert!(nova.adquirido_em >= latest, "grows with the id");
            latest = nova.adquirido_em;
            assert!((1..=PLAN.clientes).contains(&nova.cliente.0));
            assert!((1..=PLAN.produtos).contains(&nova.produto.0));
            let cliente = super::super::people::cliente(&PLAN, nova.cliente.0);
            let produto = goods::produto(&PLAN, nova.produto.0);
            assert!(cliente.criado_em <= latest && produto.criado_em <= latest, "{id}");
            assert!((1..=12).contains(&nova.quantidade));
        }
    }

    #[test]
    fn sales_are_skewed_and_the_heavy_client_has_its_share() {
        let sales = Sales::new(&PLAN);
        let (mut clientes, mut produtos) = (HashMap::new(), HashMap::new());
        for id in 1..=PLAN.compras {
            let nova = sales.compra(id);
            *clientes.entry(nova.cliente.0).or_insert(0_u64) += 1;
            *produtos.entry(nova.produto.0).or_insert(0_u64) += 1;
        }
        assert!(clientes[&1] >= PLAN.heavy);
        let average = PLAN.compras / PLAN.produtos;
        assert!(produtos[&1] > 5 * average, "{produtos:?}");
    }

    #[test]
    fn the_demo_set_has_purchases_of_the_first_client_and_of_2026() {
        let plan = Plan::default();
        let sales = Sales::new(&plan);
        let all: Vec<NovaCompra> = (1..=plan.compras).map(|id| sales.compra(id)).collect();
        assert!(all.iter().filter(|nova| nova.cliente.0 == 1).count() >= 11);
        assert!(all.iter().filter(|nova| nova.adquirido_em.0.to_rfc3339().starts_with("2026")).count() > 100);
    }
}

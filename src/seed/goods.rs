//! Made-up products.

use rust_decimal::Decimal as Exact;

use super::dice::{Dice, Stream};
use super::{Plan, calendar};
use crate::kernel::scalars::Decimal;
use crate::relay::ProdutoId;
use crate::stores::catalogo::NovoProduto;

/// A kind of thing.
struct Kind {
    nome: &'static str,
    /// The cheapest and the dearest, in whole reais.
    price: (u64, u64),
    materials: &'static [&'static str],
}

const fn kind(nome: &'static str, price: (u64, u64), materials: &'static [&'static str]) -> Kind {
    Kind { nome, price, materials }
}

const WOOD: &[&str] = &[
    "de carvalho",
    "de jatobá",
    "de pinus",
    "de eucalipto de reflorestamento",
    "de bambu",
    "em MDF laqueado",
    "de madeira de demolição",
    "de freijó",
];
const METAL: &[&str] = &["em aço inox", "em alumínio escovado", "em ferro fundido", "em cobre", "em latão"];
const CLOTH: &[&str] =
    &["de algodão", "de algodão orgânico", "de linho", "de lã", "de juta", "de microfibra", "de seda"];
const VESSEL: &[&str] =
    &["de cerâmica", "de porcelana", "de vidro", "de barro esmaltado", "em aço inox", "de pedra-sabão"];
const DEVICE: &[&str] = &["bivolt", "127 V", "220 V", "bivolt com temporizador"];
const FOOD: &[&str] = &[
    "do Cerrado",
    "da Serra da Canastra",
    "do Sul de Minas",
    "da Chapada Diamantina",
    "do Vale do São Francisco",
    "artesanal",
];

const KINDS: [Kind; 48] = [
    kind("Mesa de jantar", (380, 1_990), WOOD),
    kind("Café torrado em grãos", (22, 95), FOOD),
    kind("Jogo de lençóis", (90, 690), CLOTH),
    kind("Panela de pressão", (120, 640), METAL),
    kind("Luminária de mesa", (60, 480), METAL),
    kind("Xícara", (12, 80), VESSEL),
    kind("Furadeira", (190, 1_150), DEVICE),
    kind("Caderno com capa", (9, 60), CLOTH),
    kind("Cadeira", (140, 990), WOOD),
    kind("Toalha de banho", (25, 160), CLOTH),
    kind("Liquidificador", (110, 720), DEVICE),
    kind("Mel silvestre", (18, 75), FOOD),
    kind("Mesa de centro", (160, 1_300), WOOD),
    kind("Tapete", (120, 2_400), CLOTH),
    kind("Frigideira", (45, 380), METAL),
    kind("Jarra", (20, 180), VESSEL),
    kind("Secador de cabelo", (70, 590), DEVICE),
    kind("Estante", (280, 2_900), WOOD),
    kind("Rede de descanso", (90, 520), CLOTH),
    kind("Açucareiro", (15, 110), VESSEL),
    kind("Cachaça envelhecida", (45, 420), FOOD),
    kind("Churrasqueira", (420, 5_000), METAL),
    kind("Guarda-roupa", (690, 4_800), WOOD),
    kind("Aspirador de pó", (180, 2_300), DEVICE),
    kind("Rapadura", (5, 24), FOOD),
    kind("Toalha de mesa", (35, 320), CLOTH),
    kind("Chaleira", (60, 350), METAL),
    kind("Prato fundo", (14, 95), VESSEL),
    kind("Banco de jardim", (210, 1_480), WOOD),
    kind("Cafeteira", (85, 1_600), DEVICE),
    kind("Queijo curado", (38, 190), FOOD),
    kind("Almofada", (24, 170), CLOTH),
    kind("Escrivaninha", (250, 2_100), WOOD),
    kind("Ventilador de coluna", (130, 690), DEVICE),
    kind("Vaso para plantas", (18, 260), VESSEL),
    kind("Fruteira", (55, 490), METAL),
    kind("Cortina", (70, 640), CLOTH),
    kind("Doce de leite", (12, 48), FOOD),
    kind("Criado-mudo", (120, 860), WOOD),
    kind("Batedeira", (160, 1_750), DEVICE),
    kind("Travessa", (28, 240), VESSEL),
    kind("Fogareiro", (75, 560), METAL),
    kind("Cama de casal", (590, 4_600), WOOD),
    kind("Geladeira", (1_900, 5_000), DEVICE),
    kind("Mochila", (80, 720), CLOTH),
    kind("Azeite extravirgem", (28, 140), FOOD),
    kind("Relógio de parede", (40, 390), METAL),
    kind("Sousplat", (16, 90), VESSEL),
];

const LINES: [&str; 32] = [
    "Aurora",
    "Ipanema",
    "Sertão",
    "Pampa",
    "Cerrado",
    "Mantiqueira",
    "Jalapão",
    "Abrolhos",
    "Paraty",
    "Ouro Preto",
    "Marajó",
    "Itaimbé",
    "Caparaó",
    "Bossa",
    "Maracatu",
    "Frevo",
    "Choro",
    "Catira",
    "Jongo",
    "Capoeira",
    "Sabiá",
    "Tucano",
    "Araponga",
    "Ipê",
    "Jatobá",
    "Mandacaru",
    "Buriti",
    "Vitória-Régia",
    "Oca",
    "Cobogó",
    "Azulejo",
    "Concreta",
];

const USES: [&str; 10] = [
    "Feito para o dia a dia de quem recebe amigos.",
    "Acabamento manual, peça por peça.",
    "Fica bem sobre a mesa e fora dela.",
    "Projetado e produzido no Brasil.",
    "Fácil de limpar e pensado para durar.",
    "Ideal para apartamentos pequenos.",
    "Um clássico revisitado por um ateliê de São Paulo.",
    "Combina com a cozinha, a varanda e o escritório.",
    "Um presente que não tem erro.",
    "Produção limitada, com certificado de origem.",
];

const CARE: [&str; 8] = [
    "Acompanha manual em português.",
    "Limpar com pano úmido e sabão neutro.",
    "Garantia de doze meses contra defeitos de fabricação.",
    "Não levar à lava-louças.",
    "Guardar em lugar seco, longe do sol.",
    "Embalagem reciclável.",
    "Montagem simples, sem ferramentas.",
    "Peças de reposição à venda por cinco anos.",
];

/// The price of the product with this id, in centavos. Drawn before all else,
/// so that a purchase can ask for it alone.
pub(super) fn centavos(plan: &Plan, id: u64) -> u64 {
    price(&mut Dice::new(plan.seed, Stream::Produto, id), kind_of(id))
}

/// Kinds take turns, so that every one is in a small catalogue too.
fn kind_of(id: u64) -> &'static Kind {
    &KINDS[(id.saturating_sub(1) % KINDS.len() as u64) as usize]
}

fn price(dice: &mut Dice, kind: &Kind) -> u64 {
    let (low, high) = kind.price;
    // The lower of two throws: most things are near the cheap end.
    let reais = dice.between(low, high).min(dice.between(low, high));
    let off = if dice.percent(85) { 10 } else { 1 };
    (reais * 100 - off).min(499_990)
}

/// An amount of money.
pub(super) fn reais(centavos: u64) -> Decimal {
    Decimal(Exact::new(i64::try_from(centavos).unwrap_or(i64::MAX), 2))
}

/// The product with this id.
pub(super) fn produto(plan: &Plan, id: u64) -> NovoProduto {
    let mut dice = Dice::new(plan.seed, Stream::Produto, id);
    let kind = kind_of(id);
    let preco = price(&mut dice, kind);
    let material = dice.pick(kind.materials);
    let line = dice.pick(&LINES);
    let model = dice.between(10, 99);
    let (uses, care) = (dice.pick(&USES), dice.pick(&CARE));
    let nome = format!("{} {material} {line} {model}", kind.nome);
    let described = dice.percent(90);
    let descricao = described.then(|| format!("{} {material}, da linha {line}. {uses} {care}", kind.nome));
    NovoProduto {
        id: ProdutoId(id),
        nome,
        descricao,
        preco: reais(preco),
        // The first is what the examples ask for.
        disponivel: id == 1 || dice.percent(93),
        criado_em: calendar::arrival(id, plan.produtos, dice.fraction()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_fit_their_columns_and_prices_their_range() {
        let plan = Plan { produtos: 5_000, ..Plan::default() };
        let (mut missing, mut gone) = (0, 0);
        for id in 1..=plan.produtos {
            let novo = produto(&plan, id);
            assert!(novo.nome.chars().count() <= 160, "{}", novo.nome);
            assert!((490..=499_990).contains(&centavos(&plan, id)), "{}", novo.nome);
            assert_eq!(novo.preco, reais(centavos(&plan, id)));
            missing += u32::from(novo.descricao.is_none());
            gone += u32::from(!novo.disponivel);
        }
        assert!((300..700).contains(&missing) && (250..450).contains(&gone), "{missing} {gone}");
        assert_eq!(reais(490).0.to_string(), "4.90");
    }

    #[test]
    fn the_example_query_finds_a_table() {
        for seed in 0..50 {
            let plan = Plan { seed, produtos: 60, ..Plan::default() };
            let novo = produto(&plan, 1);
            assert!(novo.nome.contains("Mesa") && novo.disponivel);
            assert!((5_000..=200_000).contains(&centavos(&plan, 1)));
        }
    }
}

//! Made-up addresses, in cities that exist.

use super::dice::{Dice, Stream};
use super::{Plan, calendar};
use crate::kernel::scalars::Cep;
use crate::relay::{ClienteId, EnderecoId};
use crate::stores::enderecos::NovoEndereco;

/// A city, with what depends on it.
#[derive(Debug)]
pub(super) struct Cidade {
    nome: &'static str,
    uf: &'static str,
    /// Dialling code.
    pub(super) ddd: u8,
    /// First and last of its postal codes, without the last three digits.
    cep: (u64, u64),
    /// How many live there, roughly, in tens of thousands.
    weight: u32,
}

const fn city(nome: &'static str, uf: &'static str, ddd: u8, cep: (u64, u64), weight: u32) -> Cidade {
    Cidade { nome, uf, ddd, cep, weight }
}

const CIDADES: [Cidade; 48] = [
    city("São Paulo", "SP", 11, (1_000, 5_999), 1_145),
    city("Rio de Janeiro", "RJ", 21, (20_000, 23_799), 621),
    city("Brasília", "DF", 61, (70_000, 72_799), 282),
    city("Fortaleza", "CE", 85, (60_000, 61_599), 243),
    city("Salvador", "BA", 71, (40_000, 41_999), 242),
    city("Belo Horizonte", "MG", 31, (30_000, 31_999), 232),
    city("Manaus", "AM", 92, (69_000, 69_099), 206),
    city("Curitiba", "PR", 41, (80_000, 82_999), 177),
    city("Recife", "PE", 81, (50_000, 52_999), 149),
    city("Goiânia", "GO", 62, (74_000, 74_899), 144),
    city("Porto Alegre", "RS", 51, (90_000, 91_999), 133),
    city("Belém", "PA", 91, (66_000, 66_999), 130),
    city("Guarulhos", "SP", 11, (7_000, 7_399), 129),
    city("Campinas", "SP", 19, (13_000, 13_139), 114),
    city("São Luís", "MA", 98, (65_000, 65_109), 104),
    city("Maceió", "AL", 82, (57_000, 57_099), 96),
    city("Campo Grande", "MS", 67, (79_000, 79_124), 90),
    city("Teresina", "PI", 86, (64_000, 64_099), 87),
    city("João Pessoa", "PB", 83, (58_000, 58_099), 83),
    city("São José dos Campos", "SP", 12, (12_200, 12_248), 70),
    city("Natal", "RN", 84, (59_000, 59_139), 75),
    city("Ribeirão Preto", "SP", 16, (14_000, 14_109), 70),
    city("Uberlândia", "MG", 34, (38_400, 38_415), 71),
    city("Sorocaba", "SP", 15, (18_000, 18_109), 72),
    city("Contagem", "MG", 31, (32_000, 32_399), 62),
    city("Aracaju", "SE", 79, (49_000, 49_099), 60),
    city("Cuiabá", "MT", 65, (78_000, 78_099), 65),
    city("Feira de Santana", "BA", 75, (44_000, 44_099), 62),
    city("Joinville", "SC", 47, (89_200, 89_239), 62),
    city("Londrina", "PR", 43, (86_000, 86_099), 56),
    city("Juiz de Fora", "MG", 32, (36_000, 36_099), 54),
    city("Florianópolis", "SC", 48, (88_000, 88_099), 54),
    city("Aparecida de Goiânia", "GO", 62, (74_900, 74_993), 53),
    city("Serra", "ES", 27, (29_160, 29_184), 52),
    city("Niterói", "RJ", 21, (24_000, 24_399), 48),
    city("Porto Velho", "RO", 69, (76_800, 76_834), 46),
    city("Macapá", "AP", 96, (68_900, 68_911), 44),
    city("Caxias do Sul", "RS", 54, (95_000, 95_124), 46),
    city("Mogi das Cruzes", "SP", 11, (8_700, 8_899), 45),
    city("Santos", "SP", 13, (11_000, 11_099), 42),
    city("Maringá", "PR", 44, (87_000, 87_109), 41),
    city("Boa Vista", "RR", 95, (69_300, 69_339), 41),
    city("Campina Grande", "PB", 83, (58_400, 58_449), 42),
    city("Rio Branco", "AC", 68, (69_900, 69_923), 36),
    city("Blumenau", "SC", 47, (89_000, 89_099), 36),
    city("Petrolina", "PE", 87, (56_300, 56_334), 39),
    city("Vitória", "ES", 27, (29_000, 29_099), 32),
    city("Palmas", "TO", 63, (77_000, 77_249), 30),
];

const VIAS: [&str; 6] = ["Rua", "Rua", "Rua", "Avenida", "Travessa", "Alameda"];

const LOGRADOUROS: [&str; 40] = [
    "das Acácias",
    "das Araucárias",
    "do Sabiá",
    "do Ipê-Amarelo",
    "dos Jacarandás",
    "da Paz",
    "da Independência",
    "da República",
    "do Comércio",
    "da Estação",
    "das Flores",
    "das Palmeiras",
    "Sete de Setembro",
    "Quinze de Novembro",
    "Treze de Maio",
    "Vinte e Um de Abril",
    "Primeiro de Maio",
    "Dom Pedro II",
    "Princesa Isabel",
    "Tiradentes",
    "Rui Barbosa",
    "Machado de Assis",
    "Castro Alves",
    "José de Alencar",
    "Cecília Meireles",
    "Chiquinha Gonzaga",
    "Villa-Lobos",
    "Santos Dumont",
    "Oswaldo Cruz",
    "Barão do Rio Branco",
    "Duque de Caxias",
    "Marechal Deodoro",
    "Almirante Tamandaré",
    "São Sebastião",
    "Santo Antônio",
    "Nossa Senhora da Conceição",
    "Getúlio Vargas",
    "Presidente Juscelino",
    "Zumbi dos Palmares",
    "Anita Garibaldi",
];

const BAIRROS: [&str; 24] = [
    "Centro",
    "Jardim América",
    "Jardim das Flores",
    "Jardim Botânico",
    "Vila Nova",
    "Vila Mariana",
    "Vila São José",
    "Boa Vista",
    "Bela Vista",
    "Santo Antônio",
    "São José",
    "São Francisco",
    "Santa Luzia",
    "Santa Cecília",
    "Nossa Senhora de Fátima",
    "Parque Industrial",
    "Parque das Águas",
    "Cidade Nova",
    "Alto da Glória",
    "Água Branca",
    "Campo Belo",
    "Ilha do Leite",
    "Morumbi",
    "Pinheiros",
];

/// Where this client lives.
pub(super) fn lar(plan: &Plan, cliente: u64) -> &'static Cidade {
    some_city(&mut Dice::new(plan.seed, Stream::Lar, cliente))
}

fn some_city(dice: &mut Dice) -> &'static Cidade {
    &CIDADES[dice.weighted(CIDADES.iter().map(|cidade| cidade.weight))]
}

/// How many addresses a client has; the first throw of those for its addresses.
fn how_many(dice: &mut Dice) -> u64 {
    match dice.below(10) {
        0..6 => 1,
        6..9 => 2,
        _ => 3,
    }
}

/// How many addresses all clients have.
pub(super) fn count(plan: &Plan) -> u64 {
    let of_cliente = |cliente| how_many(&mut Dice::new(plan.seed, Stream::Endereco, cliente));
    (1..=plan.clientes).map(of_cliente).sum()
}

/// The addresses of the client with this id, one to three, without their ids,
/// which depend on how many the clients before have.
fn of_cliente(plan: &Plan, cliente: u64) -> impl Iterator<Item = NovoEndereco> {
    let mut dice = Dice::new(plan.seed, Stream::Endereco, cliente);
    let lar = lar(plan, cliente);
    let count = how_many(&mut dice);
    let criado_em = calendar::arrival(cliente, plan.clientes, dice.fraction());
    (0..count).map(move |number| {
        // Of those after the first, a third is elsewhere: work, parents, beach.
        let cidade = if number > 0 && dice.percent(33) { some_city(&mut dice) } else { lar };
        NovoEndereco {
            id: EnderecoId(0),
            cliente: ClienteId(cliente),
            logradouro: format!("{} {}", dice.pick(&VIAS), dice.pick(&LOGRADOUROS)),
            numero: numero(&mut dice),
            complemento: complemento(&mut dice),
            bairro: dice.percent(97).then(|| dice.pick(&BAIRROS).to_owned()),
            cidade: cidade.nome.to_owned(),
            uf: cidade.uf.to_owned(),
            cep: cep(&mut dice, cidade),
            pais: "BR".to_owned(),
            criado_em,
        }
    })
}

/// All addresses of all clients, numbered from 1.
pub(super) fn enderecos(plan: &Plan) -> impl Iterator<Item = NovoEndereco> {
    (1..=plan.clientes)
        .flat_map(|cliente| of_cliente(plan, cliente))
        .zip(1..)
        .map(|(novo, id)| NovoEndereco { id: EnderecoId(id), ..novo })
}

fn numero(dice: &mut Dice) -> String {
    if dice.percent(3) {
        return "s/n".to_owned();
    }
    let most = if dice.percent(80) { 999 } else { 4_999 };
    dice.between(1, most).to_string()
}

fn complemento(dice: &mut Dice) -> Option<String> {
    match dice.below(20) {
        0..4 => Some(format!("apto {}", dice.between(1, 24) * 10 + dice.between(1, 4))),
        4..6 => {
            let bloco = dice.pick(&["A", "B", "C", "D"]);
            Some(format!("bloco {bloco}, apto {}", dice.between(1, 12) * 10 + dice.between(1, 8)))
        }
        6..8 => Some(format!("casa {}", dice.between(1, 12))),
        8 => Some(dice.pick(&["fundos", "sobrado", "loja térrea", "próximo à praça"]).to_owned()),
        _ => None,
    }
}

fn cep(dice: &mut Dice, cidade: &Cidade) -> Cep {
    let (first, last) = cidade.cep;
    let digits = format!("{:05}{:03}", dice.between(first, last), dice.below(1_000));
    match Cep::parse(&digits) {
        Ok(cep) => cep,
        Err(rule) => unreachable!("{digits}: {rule}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stores::enderecos::Uf;

    #[test]
    fn addresses_fit_their_columns_and_number_from_one() {
        let plan = Plan { clientes: 2_000, ..Plan::default() };
        let mut clientes = 0;
        for (novo, id) in enderecos(&plan).zip(1..) {
            assert_eq!(novo.id.0, id);
            clientes = novo.cliente.0;
            assert!(novo.logradouro.chars().count() <= 160);
            assert!(!novo.numero.is_empty() && novo.numero.len() <= 20);
            assert!(novo.complemento.is_none_or(|text| text.chars().count() <= 80));
            assert!(Uf::parse(&novo.uf).is_some(), "{}", novo.uf);
        }
        assert_eq!(clientes, plan.clientes, "nobody is homeless");
    }

    #[test]
    fn every_federal_unit_has_a_city_and_its_codes_are_codes() {
        let ufs: std::collections::HashSet<&str> = CIDADES.iter().map(|cidade| cidade.uf).collect();
        assert_eq!(ufs.len(), 27);
        for cidade in &CIDADES {
            assert!(cidade.cep.0 <= cidade.cep.1 && cidade.cep.1 < 100_000, "{}", cidade.nome);
            assert!(cidade.nome.chars().count() <= 80 && cidade.weight > 0);
        }
    }

    #[test]
    fn the_example_query_finds_addresses_in_sao_paulo() {
        let plan = Plan { clientes: 200, ..Plan::default() };
        let found = enderecos(&plan).filter(|novo| novo.uf == "SP" && novo.cidade == "São Paulo").count();
        assert!(found >= 5, "{found}");
    }
}

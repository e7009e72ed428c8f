//! Made-up clients.

use super::calendar::{self, BIRTHDAYS};
use super::dice::{Dice, Stream};
use super::{Plan, places};
use crate::kernel::scalars::Cpf;
use crate::relay::ClienteId;
use crate::stores::clientes::NovoCliente;

const GIVEN: [&str; 72] = [
    "Adriana",
    "Alexandre",
    "Alice",
    "Aline",
    "Amanda",
    "Ana",
    "André",
    "Antônio",
    "Aparecida",
    "Arthur",
    "Beatriz",
    "Benício",
    "Bianca",
    "Bruno",
    "Caio",
    "Camila",
    "Carlos",
    "Cecília",
    "Célia",
    "César",
    "Cláudia",
    "Cristiane",
    "Daniel",
    "Débora",
    "Diego",
    "Edson",
    "Eduardo",
    "Elisângela",
    "Fábio",
    "Felipe",
    "Fernanda",
    "Flávia",
    "Francisco",
    "Gabriel",
    "Giovana",
    "Guilherme",
    "Gustavo",
    "Heitor",
    "Helena",
    "Inês",
    "Isabela",
    "João",
    "José",
    "Joana",
    "Júlia",
    "Juliana",
    "Laís",
    "Larissa",
    "Letícia",
    "Lúcia",
    "Lucas",
    "Luís",
    "Luiz",
    "Márcia",
    "Marcelo",
    "Márcio",
    "Maria",
    "Mariana",
    "Miguel",
    "Mônica",
    "Natália",
    "Otávio",
    "Patrícia",
    "Paulo",
    "Rafael",
    "Raíssa",
    "Ricardo",
    "Rosângela",
    "Sebastião",
    "Sônia",
    "Tânia",
    "Vinícius",
];

const SECOND: [&str; 16] = [
    "Aparecida",
    "Augusto",
    "Carolina",
    "Clara",
    "Cristina",
    "Eduarda",
    "Fernando",
    "Henrique",
    "Inácio",
    "Lúcia",
    "Luísa",
    "Marcos",
    "Otávio",
    "Pedro",
    "Regina",
    "Vitória",
];

/// Each with how common it is, among the first ones of a family name.
const FAMILY: [(&str, u32); 48] = [
    ("Silva", 100),
    ("Santos", 62),
    ("Oliveira", 48),
    ("Souza", 40),
    ("Pereira", 32),
    ("Ferreira", 30),
    ("Lima", 30),
    ("Alves", 26),
    ("Rodrigues", 26),
    ("Costa", 24),
    ("Gomes", 22),
    ("Ribeiro", 22),
    ("Almeida", 20),
    ("Carvalho", 20),
    ("Araújo", 20),
    ("Martins", 16),
    ("Barbosa", 16),
    ("Rocha", 14),
    ("Gonçalves", 14),
    ("Nascimento", 14),
    ("Moreira", 12),
    ("Cavalcanti", 8),
    ("Cardoso", 12),
    ("Teixeira", 12),
    ("Correia", 8),
    ("Magalhães", 6),
    ("Conceição", 12),
    ("Assunção", 4),
    ("Guimarães", 6),
    ("Simões", 4),
    ("Falcão", 4),
    ("Leão", 4),
    ("Brandão", 4),
    ("Galvão", 4),
    ("Mourão", 3),
    ("Sá", 4),
    ("Távora", 2),
    ("Paixão", 3),
    ("Antunes", 6),
    ("Fonseca", 8),
    ("Machado", 10),
    ("Freitas", 10),
    ("Campos", 10),
    ("Cunha", 8),
    ("Pinto", 8),
    ("Queirós", 3),
    ("Yamamoto", 3),
    ("Zanetti", 3),
];

/// Names that are set aside for examples: nobody ever receives this post.
const DOMAINS: [&str; 4] = ["example.com", "example.org", "example.net", "mail.example.com"];

/// How many CPFs there are: nine digits, without the ten numbers of one
/// repeated digit, which are never issued.
pub(super) const CPFS: u64 = 9 * RUN;
/// How many nine-digit numbers stand between two of one repeated digit.
const RUN: u64 = 111_111_110;

/// The client with this id.
pub(super) fn cliente(plan: &Plan, id: u64) -> NovoCliente {
    let mut dice = Dice::new(plan.seed, Stream::Cliente, id);
    let given = dice.pick(&GIVEN);
    let mut nome = given.to_owned();
    if dice.percent(30) {
        let second = dice.pick(&SECOND);
        if second != given {
            nome = format!("{nome} {second}");
        }
    }
    let family = FAMILY[dice.weighted(FAMILY.iter().map(|(_, weight)| *weight))].0;
    if dice.percent(55) {
        let first = FAMILY[dice.weighted(FAMILY.iter().map(|(_, weight)| *weight))].0;
        if first != family {
            nome = format!("{nome} {first}");
        }
    }
    let particle = if dice.percent(35) { particle(family) } else { "" };
    nome = format!("{nome} {particle}{family}");
    let email = format!("{}.{}.{id}@{}", plain(given), plain(family), dice.pick(&DOMAINS));
    let telefone = dice.percent(88).then(|| {
        let ddd = places::lar(plan, id).ddd;
        format!("+55{ddd}9{:04}{:04}", dice.between(4000, 9999), dice.below(10_000))
    });
    let born = dice.percent(92).then(|| dice.below(BIRTHDAYS + 1));
    NovoCliente {
        id: ClienteId(id),
        nome,
        email,
        cpf: cpf(plan.seed, id),
        telefone,
        data_nascimento: born.and_then(calendar::birthday),
        criado_em: calendar::arrival(id, plan.clientes, dice.fraction()),
    }
}

/// What may stand before a family name.
fn particle(family: &str) -> &'static str {
    match family {
        "Silva" | "Costa" | "Rocha" | "Conceição" | "Cunha" | "Fonseca" | "Paixão" => "da ",
        "Santos" | "Campos" => "dos ",
        "Nascimento" => "do ",
        "Oliveira" | "Souza" | "Lima" | "Almeida" | "Carvalho" | "Araújo" | "Freitas" | "Sá" => "de ",
        _ => "",
    }
}

/// Every id has a CPF of its own: a walk round all of them in steps that have
/// no factor in common with their number comes to each once.
fn cpf(seed: u64, id: u64) -> Cpf {
    const STEP: u64 = 433_494_437;
    let position = (id % CPFS * STEP + seed % CPFS) % CPFS;
    let base = position / RUN * (RUN + 1) + position % RUN + 1;
    // Below 10⁹, so that it fits.
    Cpf::from_base(base as u32)
}

/// The name as it stands in an e-mail address.
fn plain(name: &str) -> String {
    name.chars()
        .map(|letter| match letter.to_ascii_lowercase() {
            'á' | 'â' | 'ã' | 'à' | 'Á' => 'a',
            'é' | 'ê' | 'É' => 'e',
            'í' | 'Í' => 'i',
            'ó' | 'ô' | 'õ' | 'Ó' => 'o',
            'ú' | 'ü' | 'Ú' => 'u',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn cpfs_are_valid_and_all_different() {
        let mut seen = HashSet::new();
        for id in 1..=20_000 {
            let cpf = cpf(7, id);
            assert_eq!(Cpf::parse(cpf.digits()), Ok(cpf.clone()), "{id}");
            assert!(seen.insert(cpf), "{id}");
        }
        // The walk comes round only after the last one.
        assert_eq!(cpf(7, CPFS), cpf(7, 0));
        assert_ne!(cpf(7, CPFS - 1), cpf(7, 0));
    }

    #[test]
    fn names_fit_their_columns_and_emails_are_plain_and_all_different() {
        let plan = Plan { clientes: 5_000, ..Plan::default() };
        let mut emails = HashSet::new();
        for id in 1..=plan.clientes {
            let novo = cliente(&plan, id);
            assert!(novo.nome.chars().count() <= 120 && !novo.nome.contains("  "), "{}", novo.nome);
            assert!(novo.email.is_ascii() && novo.email.len() <= 254, "{}", novo.email);
            assert!(novo.email.contains("example."), "{}", novo.email);
            assert!(emails.insert(novo.email));
            assert!(novo.telefone.is_none_or(|telefone| telefone.len() <= 20));
        }
    }

    #[test]
    fn some_things_are_unknown_and_accents_occur() {
        let plan = Plan { clientes: 200, ..Plan::default() };
        let all: Vec<NovoCliente> = (1..=200).map(|id| cliente(&plan, id)).collect();
        let count = |is: fn(&NovoCliente) -> bool| all.iter().filter(|novo| is(novo)).count();
        assert!((5..60).contains(&count(|novo| novo.telefone.is_none())));
        assert!((3..50).contains(&count(|novo| novo.data_nascimento.is_none())));
        assert!(count(|novo| !novo.nome.is_ascii()) > 40);
        assert!(count(|novo| novo.nome.contains("Silva")) > 5);
    }
}

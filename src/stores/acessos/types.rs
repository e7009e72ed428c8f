//! What the graph shows of accesses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_graphql::resolver_utils::ContainerType;
use async_graphql::{Context, Enum, ID, Object, SimpleObject};

use super::janela::{self, Conhecido, Grupo, Passo, Relatorio, grouped};
use super::soma::{ILEGIVEL, OUTRAS};
use super::table::{Linha, Vezes};
use super::{Assinatura, Falha, Lenta, Soma};
use crate::db::Store;
use crate::executor::{Ready, StoreField, Walked, WalkedList};
use crate::kernel::scalars::DateTime;
use crate::kernel::sizes::{at_most, paged};
use crate::kernel::{ContextExt as _, GraphError, GraphResult, code};
use crate::relay::{Connection, Cursor, Direction, Edge, KeyKind, Page, PageArgs, Slice, SortKey, Total};
use crate::removal::Removals;

/// Rows of a list inside another.
const MOST_INSIDE: usize = 100;

/// Rows of a list that is large inside, or stands inside two others.
const FEW_INSIDE: usize = 20;

/// Points of a series.
const MOST_POINTS: u64 = janela::MOST_POINTS as u64;

#[expect(clippy::cast_precision_loss, reason = "2⁵³ is more than is ever counted")]
const fn float(count: u64) -> f64 {
    count as f64
}

/// Microseconds as milliseconds, in thousandths.
fn ms(micros: f64) -> f64 {
    micros.round() / 1e3
}

fn moment(second: i64) -> DateTime {
    DateTime(chrono::DateTime::from_timestamp(second, 0).unwrap_or_default())
}

// sums -------------------------------------------------------------------------------------------

/// What operations took together. Counts are whole numbers, which may be larger than an Int.
#[derive(SimpleObject)]
#[graphql(name = "SomaAcessos")]
pub struct SomaAcessos {
    /// How often operations were asked.
    chamadas: f64,
    /// Answers with an error in them, those that were refused too; and operations whose client
    /// went away before the end.
    com_erro: f64,
    /// Operations that were refused: nothing was executed.
    recusadas: f64,
    /// `comErro` of `chamadas`, from 0 to 1.
    taxa_de_erro: f64,
    /// How long an operation took on average, in milliseconds: from the parsed request to the
    /// answer, before it is written.
    media_ms: Option<f64>,
    /// Half of them took no longer, in milliseconds, within 5 %.
    p50_ms: Option<f64>,
    /// 95 of 100 took no longer.
    p95_ms: Option<f64>,
    /// 99 of 100 took no longer.
    p99_ms: Option<f64>,
    /// The longest.
    maior_ms: Option<f64>,
    /// What they might have cost, by their arguments.
    custo: f64,
    /// Objects in their answers.
    objetos: f64,
    /// Bytes of their answers, before they were compressed.
    bytes: f64,
    /// SQL statements that they took part in; one that served several counts for each.
    instrucoes: f64,
    /// Rows that these read or changed.
    linhas: f64,
    /// How long was waited for them, in milliseconds, one after the other.
    stores_ms: f64,
    /// Statements that failed.
    falhas: f64,
}

impl SomaAcessos {
    fn of(soma: &Soma) -> Self {
        let uso = soma.uso();
        let any = soma.chamadas > 0;
        let of_calls = |count: u64| if any { float(count) / float(soma.chamadas) } else { 0.0 };
        // Of the class that the longest is in, it is known better.
        let percentile =
            |percent| soma.faixas.percentile(percent).map(|at| ms(at.min(float(soma.maior_micros))));
        Self {
            chamadas: float(soma.chamadas),
            com_erro: float(soma.com_erro),
            recusadas: float(soma.recusadas),
            taxa_de_erro: of_calls(soma.com_erro),
            media_ms: any.then(|| ms(of_calls(soma.micros))),
            p50_ms: percentile(50),
            p95_ms: percentile(95),
            p99_ms: percentile(99),
            maior_ms: any.then(|| ms(float(soma.maior_micros))),
            custo: float(soma.custo),
            objetos: float(soma.objetos),
            bytes: float(soma.bytes),
            instrucoes: float(uso.instrucoes),
            linhas: float(uso.linhas),
            stores_ms: ms(float(uso.micros)),
            falhas: float(uso.falhas),
        }
    }
}

/// A step of a series.
pub struct PontoAcessos {
    inicio: i64,
    soma: Soma,
}

/// A step of a series.
#[Object]
impl PontoAcessos {
    /// When it begins.
    async fn inicio(&self) -> DateTime {
        moment(self.inicio)
    }

    /// What was asked in it.
    async fn totais(&self) -> Walked<SomaAcessos> {
        Walked(SomaAcessos::of(&self.soma))
    }
}

fn points<'a>(rows: impl IntoIterator<Item = &'a Linha<Soma>>, relatorio: &Relatorio) -> Vec<PontoAcessos> {
    let steps = janela::series(rows, relatorio.pergunta().janela);
    steps.into_iter().map(|(inicio, soma)| PontoAcessos { inicio, soma }).collect()
}

/// What was asked of a store.
#[derive(SimpleObject)]
#[graphql(name = "UsoDeStore")]
pub struct UsoDeStore {
    /// The store's name.
    nome: &'static str,
    /// SQL statements.
    instrucoes: f64,
    /// Rows that they read or changed.
    linhas: f64,
    /// How long was waited for them, in milliseconds.
    ms: f64,
    /// How many failed.
    falhas: f64,
}

fn uses(soma: &Soma) -> Vec<UsoDeStore> {
    let of = |(store, uso): (Store, &super::Uso)| UsoDeStore {
        nome: store.name(),
        instrucoes: float(uso.instrucoes),
        linhas: float(uso.linhas),
        ms: ms(float(uso.micros)),
        falhas: float(uso.falhas),
    };
    soma.stores.iter().map(of).collect()
}

// pages ------------------------------------------------------------------------------------------

/// A row of a list that is put together at each request.
trait Listed {
    /// What tells it from all others.
    fn key(&self) -> String;
}

/// A page of `rows`, which are in the order named `order`.
fn page<T>(args: &PageArgs, order: &'static str, rows: Vec<T>) -> GraphResult<Connection<T>>
where
    T: Listed + ContainerType + Send + Sync,
{
    let page = Page::new(args, order, KeyKind::Text)?;
    let total = rows.len() as u64;
    let place = |argument: &str, cursor: &Option<Cursor>| {
        let Some(Cursor { key: SortKey::Text(key), .. }) = cursor else { return Ok(None) };
        let found = rows.iter().position(|row| row.key() == *key);
        found.map(Some).ok_or_else(|| {
            let message = format!("`{argument}` is a cursor of a row that is not in this window any more.");
            GraphError::Input(code::CURSOR_INVALIDO, message)
        })
    };
    let from = place("after", &page.after)?.map_or(0, |place| place + 1);
    let until = place("before", &page.before)?.unwrap_or(rows.len()).max(from);
    let part = rows.into_iter().skip(from).take(until - from);
    let most = usize::try_from(page.limit()).unwrap_or(usize::MAX);
    let read: Vec<T> = match page.direction {
        Direction::Forward => part.take(most).collect(),
        Direction::Backward => part.rev().take(most).collect(),
    };
    let slice: Slice<T> = page.slice(read);
    let total = Total::new(move |_| async move { Ok(total) });
    Ok(Connection::new(slice, total, |row| Edge {
        cursor: Cursor::new(order, SortKey::Text(row.key()), 0),
        node: row,
    }))
}

/// The order of sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
#[graphql(name = "OrdemAcessos")]
pub enum Ordem {
    /// Asked most often first.
    #[default]
    Chamadas,
    /// Most answers with errors first.
    Erros,
    /// The highest share of answers with errors first.
    TaxaDeErro,
    /// The longest 95th percentile first.
    P95,
    /// Most time spent in the stores first.
    StoresMs,
    /// Most statements first.
    Instrucoes,
    /// The highest cost first.
    Custo,
    /// Seen last first.
    MaisRecentes,
    /// By name.
    Nome,
}

impl Ordem {
    /// What a sum is ordered by, the highest first.
    fn weight(self, grupo: &Grupo) -> f64 {
        let soma = SomaAcessos::of(&grupo.soma);
        match self {
            Self::Chamadas => soma.chamadas,
            Self::Erros => soma.com_erro,
            Self::TaxaDeErro => soma.taxa_de_erro,
            Self::P95 => soma.p95_ms.unwrap_or(0.0),
            Self::StoresMs => soma.stores_ms,
            Self::Instrucoes => soma.instrucoes,
            Self::Custo => soma.custo,
            Self::MaisRecentes => float(u64::try_from(grupo.ultimo).unwrap_or(0)),
            Self::Nome => 0.0,
        }
    }

    /// Puts groups in order; ties by name.
    fn sort<T>(self, rows: &mut [T], grupo: impl Fn(&T) -> &Grupo, name: impl Fn(&T) -> String) {
        rows.sort_by_cached_key(|row| {
            // The bits of a number that is not negative are in its order.
            (std::cmp::Reverse(self.weight(grupo(row)).to_bits()), name(row))
        });
    }

    /// The name of the order in a cursor.
    const fn of(self, list: List) -> &'static str {
        macro_rules! names {
            ($($list:ident: $text:literal),+) => {
                match list {
                    $(List::$list => match self {
                        Self::Chamadas => concat!("acessos.", $text, ".CHAMADAS"),
                        Self::Erros => concat!("acessos.", $text, ".ERROS"),
                        Self::TaxaDeErro => concat!("acessos.", $text, ".TAXA_DE_ERRO"),
                        Self::P95 => concat!("acessos.", $text, ".P95"),
                        Self::StoresMs => concat!("acessos.", $text, ".STORES_MS"),
                        Self::Instrucoes => concat!("acessos.", $text, ".INSTRUCOES"),
                        Self::Custo => concat!("acessos.", $text, ".CUSTO"),
                        Self::MaisRecentes => concat!("acessos.", $text, ".MAIS_RECENTES"),
                        Self::Nome => concat!("acessos.", $text, ".NOME"),
                    },)+
                }
            };
        }
        names!(Operacoes: "operacoes", Programas: "programas", Usuarios: "usuarios", Campos: "campos")
    }
}

/// The lists that are ordered by sums.
#[derive(Clone, Copy)]
enum List {
    Operacoes,
    Programas,
    Usuarios,
    Campos,
}

// operations -------------------------------------------------------------------------------------

/// An operation: the same for all texts that ask the same under the same name, whatever values
/// stand in them.
pub struct OperacaoAcessos {
    relatorio: Arc<Relatorio>,
    id: Assinatura,
    conhecido: Option<Conhecido>,
    grupo: Grupo,
}

impl Listed for OperacaoAcessos {
    fn key(&self) -> String {
        self.id.to_string()
    }
}

impl OperacaoAcessos {
    fn label(&self) -> String {
        name_of(self.id, self.conhecido.as_ref())
    }
}

fn name_of(id: Assinatura, conhecido: Option<&Conhecido>) -> String {
    match id {
        Assinatura::OUTRAS => OUTRAS.to_owned(),
        Assinatura::ILEGIVEL => ILEGIVEL.to_owned(),
        _ => match conhecido.map(|known| &known.documento) {
            None => "-".to_owned(),
            Some(documento) => {
                documento.nome.as_deref().map_or_else(|| beginning(&documento.texto), str::to_owned)
            }
        },
    }
}

/// Letters of a text that stand for the name that it does not have.
const BEGINNING: usize = 60;

fn beginning(text: &str) -> String {
    let mut short: String = text.chars().take(BEGINNING).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    if short.is_empty() { "-".to_owned() } else { short }
}

/// An operation, and what it took.
#[Object]
impl OperacaoAcessos {
    /// Its signature.
    async fn id(&self) -> ID {
        self.id.to_string().into()
    }

    /// Its name; the beginning of its text when it has none, `(other)` for what is counted together since there is
    /// too much of it, `(unread)` for what was refused before it could be read.
    async fn nome(&self) -> String {
        self.label()
    }

    /// `query` or `mutation`.
    async fn tipo(&self) -> Option<&str> {
        self.conhecido.as_ref().map(|known| &*known.documento.tipo)
    }

    /// Its text in one fixed form: without the values that stood in it, other names for
    /// fields numbered. Null when it is too long to be kept.
    async fn documento(&self) -> Option<&str> {
        self.conhecido.as_ref().map(|known| &*known.documento.texto).filter(|text| !text.is_empty())
    }

    /// When it was first seen by any instance, as long as it is remembered.
    async fn primeira_vez(&self) -> Option<DateTime> {
        self.conhecido.as_ref().map(|known| moment(known.primeiro))
    }

    /// When it was last seen in this window, within ten minutes; of a part of the window's
    /// accesses the beginning of the step.
    async fn ultima_vez(&self) -> Option<DateTime> {
        let by_anybody = self.relatorio.pergunta().is_by_anybody();
        let known = self.conhecido.as_ref().map(|known| known.ultimo);
        let known = known.filter(|last| by_anybody && *last < self.relatorio.pergunta().janela.ate);
        (self.grupo.ultimo > 0).then(|| moment(self.grupo.ultimo.max(known.unwrap_or(0))))
    }

    /// What it took in this window.
    async fn totais(&self) -> Walked<SomaAcessos> {
        Walked(SomaAcessos::of(&self.grupo.soma))
    }

    /// What it asked of each store.
    #[graphql(directive = at_most::apply(4))]
    async fn stores(&self) -> WalkedList<Vec<UsoDeStore>> {
        WalkedList(uses(&self.grupo.soma))
    }

    /// The same, step by step.
    #[graphql(directive = at_most::apply(MOST_POINTS))]
    async fn serie(&self) -> StoreField<WalkedList<Vec<PontoAcessos>>> {
        StoreField::all(async {
            let rows = self.relatorio.somas().await?;
            Ok(points(janela::of(&rows, self.id), &self.relatorio))
        })
        .await
    }

    /// The programs that ask it, each version apart: at most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn programas(&self) -> StoreField<WalkedList<Vec<ProgramaAcessos>>> {
        StoreField::all(async {
            let rows = self.relatorio.somas().await?;
            Ok(programs(janela::of(&rows, self.id), Ordem::Chamadas, true, MOST_INSIDE))
        })
        .await
    }

    /// The users who ask it: at most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn usuarios(&self) -> StoreField<WalkedList<Vec<UsuarioAcessos>>> {
        StoreField::all(async {
            let rows = self.relatorio.somas().await?;
            Ok(users(janela::of(&rows, self.id), Ordem::Chamadas, MOST_INSIDE))
        })
        .await
    }

    /// What of the schema stands in it or came in its variables, in order.
    async fn campos(&self) -> StoreField<Vec<String>> {
        StoreField::all(async {
            let (standing, given) = (self.relatorio.campos().await?, self.relatorio.entradas().await?);
            let standing = standing.iter().filter(|(_, of)| of.contains(&self.id)).map(|(campo, _)| campo);
            let given = janela::of(&given, self.id).iter().map(|linha| &linha.valor.0);
            let all: BTreeSet<&Arc<str>> = standing.chain(given).collect();
            Ok(all.into_iter().map(ToString::to_string).collect::<Vec<_>>())
        })
        .await
    }

    /// Errors in its answers: at most 100 kinds.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn erros(&self) -> StoreField<WalkedList<Vec<ErroAcessos>>> {
        StoreField::all(async {
            let (rows, known) = (self.relatorio.falhas().await?, self.relatorio.documentos().await?);
            let mut errors = errors(janela::of(&rows, self.id), &known);
            errors.truncate(MOST_INSIDE);
            Ok(errors)
        })
        .await
    }

    /// When it was slow, the last first: at most 20 times.
    #[graphql(directive = at_most::apply(FEW_INSIDE as u64))]
    async fn lentas(&self) -> StoreField<WalkedList<Vec<OperacaoLenta>>> {
        StoreField::all(async {
            let (all, known) = (self.relatorio.lentas().await?, self.relatorio.documentos().await?);
            let own = all.iter().filter(|lenta| lenta.assinatura() == self.id).take(FEW_INSIDE);
            Ok(own.map(|lenta| OperacaoLenta::of(lenta, &known)).collect::<Vec<_>>())
        })
        .await
    }
}

// programs and users -----------------------------------------------------------------------------

/// A program that asks, as it calls itself: by `apollographql-client-name`, by
/// `graphql-client-name`, or else by the first word of its `User-Agent`.
pub struct ProgramaAcessos {
    programa: Arc<str>,
    versao: Option<Arc<str>>,
    grupo: Grupo,
}

impl Listed for ProgramaAcessos {
    fn key(&self) -> String {
        format!("{} {}", self.programa, self.versao.as_deref().unwrap_or_default())
    }
}

/// A program that asks, and what it took.
#[Object]
impl ProgramaAcessos {
    /// As it calls itself; empty when it does not.
    async fn nome(&self) -> &str {
        &self.programa
    }

    /// Its version; empty when it tells none, null when versions are put together.
    async fn versao(&self) -> Option<&str> {
        self.versao.as_deref()
    }

    /// When it was first seen in this window: the beginning of the step.
    async fn primeira_vez(&self) -> DateTime {
        moment(self.grupo.primeiro)
    }

    /// When it was last seen in this window.
    async fn ultima_vez(&self) -> DateTime {
        moment(self.grupo.ultimo)
    }

    /// What it took.
    async fn totais(&self) -> Walked<SomaAcessos> {
        Walked(SomaAcessos::of(&self.grupo.soma))
    }
}

fn programs<'a>(
    rows: impl IntoIterator<Item = &'a Linha<Soma>>,
    ordem: Ordem,
    by_version: bool,
    most: usize,
) -> Vec<ProgramaAcessos> {
    let groups = grouped(rows, |linha| (&linha.chave.programa, by_version.then_some(&linha.chave.versao)));
    let one = |((programa, versao), grupo): ((&Arc<str>, Option<&Arc<str>>), Grupo)| ProgramaAcessos {
        programa: Arc::clone(programa),
        versao: versao.cloned(),
        grupo,
    };
    let mut all: Vec<_> = groups.into_iter().map(one).collect();
    ordem.sort(&mut all, |row| &row.grupo, Listed::key);
    all.truncate(most);
    all
}

/// A user who asks.
pub struct UsuarioAcessos {
    nome: Arc<str>,
    grupo: Grupo,
}

impl Listed for UsuarioAcessos {
    fn key(&self) -> String {
        self.nome.to_string()
    }
}

/// A user who asks, and what that took.
#[Object]
impl UsuarioAcessos {
    /// The login name.
    async fn nome(&self) -> &str {
        &self.nome
    }

    /// When this user first asked in this window: the beginning of the step.
    async fn primeira_vez(&self) -> DateTime {
        moment(self.grupo.primeiro)
    }

    /// When this user last asked in this window.
    async fn ultima_vez(&self) -> DateTime {
        moment(self.grupo.ultimo)
    }

    /// What it took.
    async fn totais(&self) -> Walked<SomaAcessos> {
        Walked(SomaAcessos::of(&self.grupo.soma))
    }
}

fn users<'a>(
    rows: impl IntoIterator<Item = &'a Linha<Soma>>,
    ordem: Ordem,
    most: usize,
) -> Vec<UsuarioAcessos> {
    let groups = grouped(rows, |linha| &linha.chave.usuario);
    let mut all: Vec<_> =
        groups.into_iter().map(|(nome, grupo)| UsuarioAcessos { nome: Arc::clone(nome), grupo }).collect();
    ordem.sort(&mut all, |row| &row.grupo, Listed::key);
    all.truncate(most);
    all
}

// errors -----------------------------------------------------------------------------------------

/// A kind of error, and how often it was in an answer.
pub struct ErroAcessos {
    falha: Falha,
    vezes: u64,
    ultimo: i64,
    programas: BTreeMap<(Arc<str>, Arc<str>), u64>,
    operacoes: BTreeSet<String>,
}

impl Listed for ErroAcessos {
    fn key(&self) -> String {
        format!("{} {} {}", self.falha.codigo, self.falha.caminho, self.falha.store)
    }
}

/// A program whose answers had an error.
#[derive(SimpleObject)]
#[graphql(name = "ProgramaComErro")]
pub struct ProgramaComErro {
    /// As it calls itself.
    nome: String,
    /// Its version.
    versao: String,
    /// How often.
    vezes: f64,
}

/// A kind of error, and how often it was in an answer.
#[Object]
impl ErroAcessos {
    /// `extensions.code`.
    async fn codigo(&self) -> &str {
        &self.falha.codigo
    }

    /// Where in the answer, as fields of the schema: `clientes.nodes.enderecos`. Null when it
    /// is about the whole operation.
    async fn caminho(&self) -> Option<&str> {
        Some(&*self.falha.caminho).filter(|text| !text.is_empty())
    }

    /// The store that failed, where one did.
    async fn store(&self) -> Option<&str> {
        Some(&*self.falha.store).filter(|text| !text.is_empty())
    }

    /// How often.
    async fn vezes(&self) -> f64 {
        float(self.vezes)
    }

    /// When last in this window: the beginning of the step.
    async fn ultima_vez(&self) -> DateTime {
        moment(self.ultimo)
    }

    /// The programs that met it, most often first: at most 20.
    #[graphql(directive = at_most::apply(FEW_INSIDE as u64))]
    async fn programas(&self) -> WalkedList<Vec<ProgramaComErro>> {
        let mut all: Vec<_> = self.programas.iter().collect();
        all.sort_by_key(|(_, vezes)| std::cmp::Reverse(**vezes));
        let one = |((nome, versao), vezes): (&(Arc<str>, Arc<str>), &u64)| ProgramaComErro {
            nome: nome.to_string(),
            versao: versao.to_string(),
            vezes: float(*vezes),
        };
        WalkedList(all.into_iter().take(FEW_INSIDE).map(one).collect())
    }

    /// The names of the operations that met it, in order: at most 100.
    async fn operacoes(&self) -> Vec<&str> {
        self.operacoes.iter().map(String::as_str).take(MOST_INSIDE).collect()
    }
}

type Known = std::collections::HashMap<Assinatura, Conhecido>;

/// Most often first.
fn errors<'a>(rows: impl IntoIterator<Item = &'a Linha<Vezes<Falha>>>, known: &Known) -> Vec<ErroAcessos> {
    let mut groups: BTreeMap<&Falha, ErroAcessos> = BTreeMap::new();
    for linha in rows {
        let Vezes(falha, vezes) = &linha.valor;
        let group = groups.entry(falha).or_insert_with(|| ErroAcessos {
            falha: falha.clone(),
            vezes: 0,
            ultimo: 0,
            programas: BTreeMap::new(),
            operacoes: BTreeSet::new(),
        });
        group.vezes += vezes;
        group.ultimo = group.ultimo.max(linha.inicio);
        let program = (Arc::clone(&linha.chave.programa), Arc::clone(&linha.chave.versao));
        *group.programas.entry(program).or_insert(0) += vezes;
        let id = linha.chave.assinatura;
        group.operacoes.insert(name_of(id, known.get(&id)));
    }
    let mut all: Vec<_> = groups.into_values().collect();
    all.sort_by_key(|error| std::cmp::Reverse(error.vezes));
    all
}

// fields -----------------------------------------------------------------------------------------

/// A part of the schema that is used: a field `Cliente.cpf`, an argument
/// `Query.clientes(filtro:)`, an input field `ClienteFiltro.uf`, the value of an enum `UF.SP`.
pub struct CampoAcessos {
    relatorio: Arc<Relatorio>,
    nome: Arc<str>,
    /// None when the schema does not have it (any more); else why it is deprecated, if it is.
    there: Option<Option<Arc<str>>>,
    grupo: Grupo,
}

impl Listed for CampoAcessos {
    fn key(&self) -> String {
        self.nome.to_string()
    }
}

/// A part of the schema, and who uses it.
#[Object]
impl CampoAcessos {
    /// As in `Cliente.cpf`, `Query.clientes(filtro:)`, `ClienteFiltro.uf`, `UF.SP`.
    async fn nome(&self) -> &str {
        &self.nome
    }

    /// Whether the schema has it.
    async fn existe(&self) -> bool {
        self.there.is_some()
    }

    /// Why it is deprecated; null when it is not.
    async fn obsoleto(&self) -> Option<&str> {
        self.there.as_ref()?.as_deref()
    }

    /// What the operations took that use it. Of what came in variables: as often as it came.
    async fn totais(&self) -> Walked<SomaAcessos> {
        Walked(SomaAcessos::of(&self.grupo.soma))
    }

    /// When it was first used in this window: the beginning of the step. Null when it was not.
    async fn primeira_vez(&self) -> Option<DateTime> {
        (self.grupo.primeiro > 0).then(|| moment(self.grupo.primeiro))
    }

    /// When it was last used in this window.
    async fn ultima_vez(&self) -> Option<DateTime> {
        (self.grupo.ultimo > 0).then(|| moment(self.grupo.ultimo))
    }

    /// The operations that use it, with what they took when they did, asked most often first: at
    /// most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn operacoes(&self) -> StoreField<WalkedList<Vec<OperacaoAcessos>>> {
        StoreField::all(async {
            let (rows, known) = (self.rows().await?, self.relatorio.documentos().await?);
            let mut all = grouped_operations(&self.relatorio, &rows, &known, Ordem::Chamadas);
            all.truncate(MOST_INSIDE);
            Ok(all)
        })
        .await
    }

    /// The programs that use it, each version apart: at most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn programas(&self) -> StoreField<WalkedList<Vec<ProgramaAcessos>>> {
        StoreField::all(async { Ok(programs(&self.rows().await?, Ordem::Chamadas, true, MOST_INSIDE)) }).await
    }

    /// The users who use it: at most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn usuarios(&self) -> StoreField<WalkedList<Vec<UsuarioAcessos>>> {
        StoreField::all(async { Ok(users(&self.rows().await?, Ordem::Chamadas, MOST_INSIDE)) }).await
    }
}

impl CampoAcessos {
    /// What the operations took in whose text it stands; of others, how often it came in
    /// their variables.
    async fn rows(&self) -> GraphResult<Vec<Linha<Soma>>> {
        let (standing, given) = (self.relatorio.campos().await?, self.relatorio.entradas().await?);
        let somas = self.relatorio.somas().await?;
        let none = Vec::new();
        let standing = standing.get(&self.nome).unwrap_or(&none);
        let mut rows: Vec<Linha<Soma>> =
            standing.iter().flat_map(|id| janela::of(&somas, *id)).cloned().collect();
        let came = given
            .iter()
            .filter(|linha| linha.valor.0 == self.nome && !standing.contains(&linha.chave.assinatura));
        rows.extend(came.map(as_soma));
        Ok(rows)
    }
}

/// An input that came so often, as so many calls.
fn as_soma(linha: &Linha<Vezes<Arc<str>>>) -> Linha<Soma> {
    Linha {
        inicio: linha.inicio,
        instancia: Arc::clone(&linha.instancia),
        chave: linha.chave.clone(),
        valor: Soma { chamadas: linha.valor.1, ..Soma::default() },
    }
}

/// Which parts of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "UsoDeCampo")]
pub enum UsoDeCampo {
    /// Those that are used.
    Usados,
    /// Those that the schema has and nobody uses.
    SemUso,
    /// Those that are used and deprecated.
    ObsoletosEmUso,
}

async fn fields(
    relatorio: &Arc<Relatorio>,
    ordem: Ordem,
    uso: UsoDeCampo,
    busca: Option<&str>,
) -> GraphResult<Vec<CampoAcessos>> {
    let (standing, given) = (relatorio.campos().await?, relatorio.entradas().await?);
    let somas = relatorio.somas().await?;
    let schema = relatorio.acessos().schema();
    let mut all: BTreeMap<&Arc<str>, Grupo> = BTreeMap::new();
    let by_operation = grouped(somas.iter(), |linha| linha.chave.assinatura);
    for (campo, operacoes) in &*standing {
        let grupo = all.entry(campo).or_default();
        // What stands in an operation of another window is not used in this one.
        for sum in operacoes.iter().filter_map(|id| by_operation.get(id)) {
            grupo.put(sum);
        }
    }
    for linha in given.iter() {
        let campo = &linha.valor.0;
        // An operation that has it in its text, too, is counted already.
        if standing.get(campo).is_none_or(|operacoes| !operacoes.contains(&linha.chave.assinatura)) {
            let Linha { inicio, valor, .. } = as_soma(linha);
            all.entry(campo).or_default().put(&Grupo { soma: valor, primeiro: inicio, ultimo: inicio });
        }
    }
    for campo in schema.keys() {
        all.entry(campo).or_default();
    }
    let busca = busca.map(str::to_lowercase);
    let mut found: Vec<CampoAcessos> = all
        .into_iter()
        .filter(|(nome, _)| busca.as_ref().is_none_or(|busca| nome.to_lowercase().contains(busca)))
        .map(|(nome, grupo)| CampoAcessos {
            relatorio: Arc::clone(relatorio),
            there: schema.get(nome).cloned(),
            nome: Arc::clone(nome),
            grupo,
        })
        .filter(|campo| match uso {
            UsoDeCampo::Usados => campo.grupo.soma.chamadas > 0,
            UsoDeCampo::SemUso => campo.grupo.soma.chamadas == 0,
            UsoDeCampo::ObsoletosEmUso => {
                campo.grupo.soma.chamadas > 0 && campo.there.as_ref().is_some_and(Option::is_some)
            }
        })
        .collect();
    ordem.sort(&mut found, |row| &row.grupo, Listed::key);
    Ok(found)
}

async fn operations(
    relatorio: &Arc<Relatorio>,
    ordem: Ordem,
    wanted: impl Fn(Assinatura) -> bool,
) -> GraphResult<Vec<OperacaoAcessos>> {
    let (rows, known) = (relatorio.somas().await?, relatorio.documentos().await?);
    let rows = rows.iter().filter(|linha| wanted(linha.chave.assinatura));
    Ok(grouped_operations(relatorio, rows, &known, ordem))
}

fn grouped_operations<'a>(
    relatorio: &Arc<Relatorio>,
    rows: impl IntoIterator<Item = &'a Linha<Soma>>,
    known: &Known,
    ordem: Ordem,
) -> Vec<OperacaoAcessos> {
    let groups = grouped(rows, |linha| linha.chave.assinatura);
    let mut all: Vec<OperacaoAcessos> = groups
        .into_iter()
        .map(|(id, grupo)| OperacaoAcessos {
            relatorio: Arc::clone(relatorio),
            id,
            conhecido: known.get(&id).cloned(),
            grupo,
        })
        .collect();
    ordem.sort(&mut all, |row| &row.grupo, |row| format!("{} {}", row.label(), row.id));
    all
}

// slow operations --------------------------------------------------------------------------------

/// An operation that took long, once.
pub struct OperacaoLenta {
    lenta: Lenta,
    nome: String,
}

impl OperacaoLenta {
    fn of(lenta: &Lenta, known: &Known) -> Self {
        let id = lenta.assinatura();
        Self { lenta: lenta.clone(), nome: name_of(id, known.get(&id)) }
    }
}

/// A statement of a slow operation.
#[derive(SimpleObject)]
#[graphql(name = "InstrucaoLenta")]
pub struct InstrucaoLenta {
    /// The store's name.
    store: String,
    /// Its name, as in `clientes.por_id`.
    nome: String,
    /// Its text, with placeholders.
    texto: String,
    /// When it was begun, after the operation, in milliseconds.
    inicio_ms: f64,
    /// How long it took, the wait for a connection with it, in milliseconds.
    ms: f64,
    /// Rows that it read or changed.
    linhas: f64,
    /// Requests that its batch served.
    pedidos: f64,
    /// Whether it failed.
    falhou: bool,
    /// How the database does it: its EXPLAIN in JSON, without values. Only of a statement that
    /// reads and took 50 ms.
    plano: Option<String>,
}

/// An operation that took long, once.
#[Object]
impl OperacaoLenta {
    /// Its number.
    async fn id(&self) -> ID {
        self.lenta.id.simple().to_string().into()
    }

    /// When it was answered.
    async fn quando(&self) -> DateTime {
        DateTime(self.lenta.quando)
    }

    /// The operation's name.
    async fn nome(&self) -> &str {
        &self.nome
    }

    /// The operation's signature.
    async fn operacao(&self) -> ID {
        self.lenta.assinatura().to_string().into()
    }

    /// The program that asked, and its version.
    async fn programa(&self) -> String {
        format!("{} {}", self.lenta.chave.programa, self.lenta.chave.versao).trim().to_owned()
    }

    /// Who asked.
    async fn usuario(&self) -> &str {
        &self.lenta.chave.usuario
    }

    /// The request's id, as in the log and in the answer's `X-Request-Id`.
    async fn pedido(&self) -> &str {
        &self.lenta.pedido
    }

    /// How it ended: `ok`, `partial`, `failed`, `refused`, `out_of_time` or `abandoned`.
    async fn resultado(&self) -> &str {
        &self.lenta.resultado
    }

    /// How long it took, in milliseconds.
    async fn ms(&self) -> f64 {
        ms(float(self.lenta.micros))
    }

    /// What it might have cost.
    async fn custo(&self) -> f64 {
        float(self.lenta.custo)
    }

    /// The run of the program that answered.
    async fn instancia(&self) -> ID {
        self.lenta.instancia.to_string().into()
    }

    /// Its first 64 statements, in the order in which they were begun.
    #[graphql(directive = at_most::apply(64))]
    async fn instrucoes(&self) -> WalkedList<Vec<InstrucaoLenta>> {
        let one = |instrucao: &super::Instrucao| InstrucaoLenta {
            store: instrucao.store.clone(),
            nome: instrucao.nome.clone(),
            texto: instrucao.texto.clone(),
            inicio_ms: ms(float(instrucao.inicio)),
            ms: ms(float(instrucao.micros)),
            linhas: float(instrucao.linhas),
            pedidos: float(instrucao.pedidos),
            falhou: instrucao.falhou,
            plano: instrucao.plano.as_ref().map(ToString::to_string),
        };
        WalkedList(self.lenta.instrucoes.iter().map(one).collect())
    }
}

// stores, instances, outboxes --------------------------------------------------------------------

/// A store: what was asked of it in this window, and how it is right now.
pub struct StoreAcessos {
    store: Store,
    uso: UsoDeStore,
    db: crate::db::Db,
}

/// A store: what was asked of it in this window, and how this instance sees it right now.
#[Object]
impl StoreAcessos {
    /// Its name.
    async fn nome(&self) -> &'static str {
        self.store.name()
    }

    /// What was asked of it in this window.
    async fn uso(&self) -> Walked<&UsoDeStore> {
        Walked(&self.uso)
    }

    /// Connections that run a statement or a transaction right now.
    async fn conexoes_em_uso(&self) -> usize {
        self.db.connections().used
    }

    /// Connections that are open and free.
    async fn conexoes_livres(&self) -> usize {
        self.db.connections().idle
    }

    /// How many connections there may be.
    async fn conexoes_no_maximo(&self) -> usize {
        self.db.connections().most
    }

    /// Statements that wait for a connection.
    async fn a_espera(&self) -> usize {
        self.db.connections().waiting
    }

    /// Whether the store is being left alone after failures.
    async fn circuito_aberto(&self) -> bool {
        self.db.resting_because().is_some()
    }
}

/// A run of the program.
#[derive(SimpleObject)]
#[graphql(name = "InstanciaAcessos")]
pub struct InstanciaAcessos {
    /// Its number.
    id: ID,
    /// The machine.
    nome: String,
    /// Which version it is.
    versao: String,
    /// When it was started.
    inicio: DateTime,
    /// When it was last heard of: every 5 seconds while it runs.
    ultima_vez: DateTime,
    /// Calls that it counted and could not keep, since its store was away for too long.
    perdidas: f64,
    /// Whether it is the one that answers.
    esta: bool,
}

/// Removals across stores that have begun in a store, as they were last seen.
#[derive(SimpleObject)]
#[graphql(name = "RemocoesAbertas")]
pub struct RemocoesAbertas {
    /// Where they began.
    store: &'static str,
    /// Those that are not done in all stores.
    abertas: f64,
    /// Those among them that wait for a person: `quarteto check` tells why.
    paradas: f64,
    /// How long ago the oldest was asked for, in seconds.
    mais_antiga_segundos: f64,
    /// When they were counted.
    vistas_em: DateTime,
}

/// A removal that waits for a person.
#[derive(SimpleObject)]
#[graphql(name = "RemocaoParada")]
pub struct RemocaoParada {
    /// Where it began.
    store: &'static str,
    /// What is to be removed, as in `cliente_42`.
    alvo: String,
    /// How often it was tried.
    tentativas: u32,
    /// Why it failed last.
    motivo: Option<String>,
}

// all of it --------------------------------------------------------------------------------------

/// What was asked in a window of time.
pub struct AcessosDaJanela(pub(super) Arc<Relatorio>);

/// What was asked in a window of time, and how it is kept. Nothing in it is anybody's data: no
/// value of a variable, none that stood in a text.
#[Object(name = "Acessos")]
impl AcessosDaJanela {
    /// Where the window begins: at the beginning of a step.
    async fn de(&self) -> DateTime {
        moment(self.0.pergunta().janela.de)
    }

    /// Where it ends; this moment is not in it.
    async fn ate(&self) -> DateTime {
        moment(self.0.pergunta().janela.ate)
    }

    /// How it is divided.
    async fn passo(&self) -> Passo {
        self.0.pergunta().janela.passo
    }

    /// Whether accesses are kept in the store `acessos`, those of all instances together.
    /// Otherwise there are only the last hours of this instance, in its memory.
    async fn em_store(&self) -> bool {
        self.0.acessos().has_store()
    }

    /// Calls that this instance counted and could not keep, since its store was away for too
    /// long.
    async fn perdidas(&self) -> f64 {
        float(self.0.acessos().lost().chamadas)
    }

    /// When the lost calls were asked: the first minute of them; null when there are none.
    async fn perdidas_de(&self) -> Option<DateTime> {
        let lost = self.0.acessos().lost();
        (lost.chamadas > 0).then(|| moment(lost.de))
    }

    /// When the lost calls were asked: the end of the last minute of them.
    async fn perdidas_ate(&self) -> Option<DateTime> {
        let lost = self.0.acessos().lost();
        (lost.chamadas > 0).then(|| moment(lost.ate))
    }

    /// Calls that are counted together as `(other)`, since there were too many different ones in
    /// a minute: which operations they were, and what they used, is not known.
    async fn outras(&self) -> StoreField<f64> {
        StoreField::all(async {
            let rows = self.0.somas().await?;
            Ok::<f64, GraphError>(float(Grupo::all(janela::of(&rows, Assinatura::OUTRAS)).soma.chamadas))
        })
        .await
    }

    /// Everything together.
    async fn totais(&self) -> StoreField<Walked<SomaAcessos>> {
        StoreField::all(async { Ok(SomaAcessos::of(&Grupo::all(self.0.somas().await?.iter()).soma)) }).await
    }

    /// Step by step, also where nothing was asked.
    #[graphql(directive = at_most::apply(MOST_POINTS))]
    async fn serie(&self) -> StoreField<WalkedList<Vec<PontoAcessos>>> {
        StoreField::all(async { Ok(points(self.0.somas().await?.iter(), &self.0)) }).await
    }

    /// The operations, page by page.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, an order and two conditions")]
    #[graphql(directive = paged::apply())]
    async fn operacoes(
        &self,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order; asked most often first when absent.")] ordem: Option<Ordem>,
        #[graphql(desc = "Only those with this in their name or text, without regard to case.")]
        busca: Option<String>,
        #[graphql(desc = "Only those that use this part of the schema, as in `Cliente.cpf`.")] campo: Option<
            String,
        >,
    ) -> Option<GraphResult<Connection<OperacaoAcessos>>> {
        let found = Box::pin(async {
            let ordem = ordem.unwrap_or_default();
            let using = match &campo {
                Some(campo) => Some(users_of(&self.0, campo).await?),
                None => None,
            };
            let mut all =
                operations(&self.0, ordem, |id| using.as_ref().is_none_or(|using| using.contains(&id)))
                    .await?;
            if let Some(busca) = busca.map(|busca| busca.to_lowercase()) {
                all.retain(|operacao| {
                    let text = operacao.conhecido.as_ref().map(|known| known.documento.texto.to_lowercase());
                    operacao.label().to_lowercase().contains(&busca)
                        || text.is_some_and(|text| text.contains(&busca))
                });
            }
            page(&PageArgs { first, after, last, before }, ordem.of(List::Operacoes), all)
        });
        Some(found.await)
    }

    /// One operation; null when it was not asked in this window.
    async fn operacao(
        &self,
        #[graphql(desc = "Its signature.")] id: ID,
    ) -> StoreField<Walked<OperacaoAcessos>> {
        StoreField::found(async {
            let Ok(id) = id.parse::<Assinatura>() else {
                let message = "`id` must be the signature of an operation: 32 digits and letters a to f.";
                return Err(GraphError::Input(code::ID_INVALIDO, message.to_owned()));
            };
            Ok(operations(&self.0, Ordem::Chamadas, |there| there == id).await?.pop())
        })
        .await
    }

    /// The parts of the schema, page by page: who still uses this, since when, can it be
    /// removed?
    #[expect(clippy::too_many_arguments, reason = "Relay's four, an order and two conditions")]
    #[graphql(directive = paged::apply())]
    async fn campos(
        &self,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order; used most often first when absent.")] ordem: Option<Ordem>,
        #[graphql(desc = "Which; those that are used when absent.")] uso: Option<UsoDeCampo>,
        #[graphql(desc = "Only those with this in their name, without regard to case.")] busca: Option<
            String,
        >,
    ) -> Option<GraphResult<Connection<CampoAcessos>>> {
        let found = Box::pin(async {
            let ordem = ordem.unwrap_or_default();
            let all = fields(&self.0, ordem, uso.unwrap_or(UsoDeCampo::Usados), busca.as_deref()).await?;
            page(&PageArgs { first, after, last, before }, ordem.of(List::Campos), all)
        });
        Some(found.await)
    }

    /// One part of the schema, as in `Cliente.cpf`; null when nobody used it and the schema
    /// does not have it.
    async fn campo(
        &self,
        #[graphql(desc = "As in `Cliente.cpf`, `Query.clientes(filtro:)`, `ClienteFiltro.uf`, `UF.SP`.")]
        nome: String,
    ) -> StoreField<Walked<CampoAcessos>> {
        StoreField::found(async {
            for uso in [UsoDeCampo::Usados, UsoDeCampo::SemUso] {
                let mut all = fields(&self.0, Ordem::Nome, uso, Some(&nome)).await?;
                if let Some(place) = all.iter().position(|campo| *campo.nome == *nome) {
                    return Ok(Some(all.swap_remove(place)));
                }
            }
            Ok(None)
        })
        .await
    }

    /// Errors by code, place and store, most often first, page by page.
    #[graphql(directive = paged::apply())]
    async fn erros(
        &self,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
    ) -> Option<GraphResult<Connection<ErroAcessos>>> {
        let found = Box::pin(async {
            let (rows, known) = (self.0.falhas().await?, self.0.documentos().await?);
            let all = errors(rows.iter(), &known);
            page(&PageArgs { first, after, last, before }, "acessos.erros.VEZES", all)
        });
        Some(found.await)
    }

    /// The users, page by page.
    #[graphql(directive = paged::apply())]
    async fn usuarios(
        &self,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order; who asks most often first when absent.")] ordem: Option<Ordem>,
    ) -> Option<GraphResult<Connection<UsuarioAcessos>>> {
        let found = Box::pin(async {
            let ordem = ordem.unwrap_or_default();
            let all = users(self.0.somas().await?.iter(), ordem, usize::MAX);
            page(&PageArgs { first, after, last, before }, ordem.of(List::Usuarios), all)
        });
        Some(found.await)
    }

    /// The programs, page by page.
    #[expect(clippy::too_many_arguments, reason = "Relay's four, an order and a condition")]
    #[graphql(directive = paged::apply())]
    async fn programas(
        &self,
        #[graphql(desc = "The first rows: 1 to 100, 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only rows after this cursor.")] after: Option<String>,
        #[graphql(desc = "The last rows: 1 to 100; not together with `first`.")] last: Option<i32>,
        #[graphql(desc = "Only rows before this cursor.")] before: Option<String>,
        #[graphql(desc = "In which order; what asks most often first when absent.")] ordem: Option<Ordem>,
        #[graphql(desc = "Whether each version has a row of its own.", default = true)] por_versao: bool,
    ) -> Option<GraphResult<Connection<ProgramaAcessos>>> {
        let found = Box::pin(async {
            let ordem = ordem.unwrap_or_default();
            let all = programs(self.0.somas().await?.iter(), ordem, por_versao, usize::MAX);
            page(&PageArgs { first, after, last, before }, ordem.of(List::Programas), all)
        });
        Some(found.await)
    }

    /// The stores.
    #[graphql(directive = at_most::apply(4))]
    async fn stores(&self) -> StoreField<WalkedList<Vec<StoreAcessos>>> {
        StoreField::all(async {
            let all = Grupo::all(self.0.somas().await?.iter());
            let stores = self.0.acessos().stores();
            let one = |(uso, (store, db)): (UsoDeStore, (Store, &crate::db::Db))| StoreAcessos {
                store,
                uso,
                db: db.clone(),
            };
            Ok(uses(&all.soma).into_iter().zip(stores.iter()).map(one).collect::<Vec<_>>())
        })
        .await
    }

    /// The last slow operations of the window, the last first: at most 200 are kept.
    #[graphql(directive = at_most::apply(200))]
    async fn lentas(&self) -> StoreField<WalkedList<Vec<OperacaoLenta>>> {
        StoreField::all(async {
            let (all, known) = (self.0.lentas().await?, self.0.documentos().await?);
            Ok(all.iter().map(|lenta| OperacaoLenta::of(lenta, &known)).collect::<Vec<_>>())
        })
        .await
    }

    /// The runs of the program that were heard of since the window began, the last first: at
    /// most 100.
    #[graphql(directive = at_most::apply(MOST_INSIDE as u64))]
    async fn instancias(&self) -> StoreField<WalkedList<Vec<InstanciaAcessos>>> {
        StoreField::all(async {
            let own = &self.0.acessos().instancia().id;
            let one = |instancia: super::Instancia| InstanciaAcessos {
                esta: instancia.id == *own,
                id: instancia.id.to_string().into(),
                nome: instancia.nome.to_string(),
                versao: instancia.versao.to_string(),
                inicio: moment(instancia.inicio),
                ultima_vez: moment(instancia.ultimo),
                perdidas: float(instancia.perdidas),
            };
            Ok(self.0.instancias().await?.into_iter().map(one).collect::<Vec<_>>())
        })
        .await
    }

    /// Removals across stores that are not done, as this instance last saw them.
    #[graphql(directive = at_most::apply(4))]
    async fn remocoes(&self, ctx: &Context<'_>) -> WalkedList<Vec<RemocoesAbertas>> {
        let removals = ctx.data_unchecked::<Arc<Removals>>();
        let one = |store: Store| {
            let (looked, standing) = removals.standings().standing(store)?;
            Some(RemocoesAbertas {
                store: store.name(),
                abertas: float(standing.open),
                paradas: float(standing.parked),
                mais_antiga_segundos: (float(standing.oldest_micros) / 1e6).round(),
                vistas_em: DateTime(looked.into()),
            })
        };
        WalkedList(Store::ALL.into_iter().filter_map(one).collect())
    }

    /// Removals that wait for a person: at most 50 of each store. `quarteto check --repair` takes
    /// them up again.
    #[graphql(directive = at_most::apply(100))]
    async fn remocoes_paradas(&self, ctx: &Context<'_>) -> StoreField<WalkedList<Vec<RemocaoParada>>> {
        StoreField::all(async {
            let removals = ctx.data_unchecked::<Arc<Removals>>();
            let rows = removals.parked(50, std::slice::from_ref(ctx.scope().tally())).await?;
            let one = |(store, row): (Store, crate::writes::outbox::Open)| RemocaoParada {
                store: store.name(),
                alvo: format!("{}_{}", row.task.trim_start_matches("remover_"), row.target),
                tentativas: row.attempts,
                motivo: row.last_error,
            };
            Ok(rows.into_iter().map(one).collect::<Vec<_>>())
        })
        .await
    }
}

/// The operations that use a part of the schema.
async fn users_of(relatorio: &Relatorio, campo: &str) -> GraphResult<BTreeSet<Assinatura>> {
    let (standing, given) = (relatorio.campos().await?, relatorio.entradas().await?);
    let mut all: BTreeSet<Assinatura> = standing.get(campo).into_iter().flatten().copied().collect();
    all.extend(given.iter().filter(|linha| *linha.valor.0 == *campo).map(|linha| linha.chave.assinatura));
    Ok(all)
}

// Few of these are asked for, and seldom: their fields are left to their resolvers.
impl Ready for SomaAcessos {}
impl Ready for PontoAcessos {}
impl Ready for UsoDeStore {}
impl Ready for OperacaoAcessos {}
impl Ready for ProgramaAcessos {}
impl Ready for UsuarioAcessos {}
impl Ready for ProgramaComErro {}
impl Ready for ErroAcessos {}
impl Ready for CampoAcessos {}
impl Ready for InstrucaoLenta {}
impl Ready for OperacaoLenta {}
impl Ready for StoreAcessos {}
impl Ready for InstanciaAcessos {}
impl Ready for RemocoesAbertas {}
impl Ready for RemocaoParada {}

//! The tables of `acessos` and every statement about them.
//!
//! A run of the program writes rows of its own alone, each with all that it has counted so
//! far, so that to write one twice does no harm. What puts minutes together to hours reads
//! those of all, under a lock, and writes what comes of it: the same, whoever does it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};
use sqlx::{AssertSqlSafe, FromRow, QueryBuilder, Row as _};

use super::livro::{Perda, Visto};
use super::minuto::Minuto;
use super::{Assinatura, Chave, Documento, Faixas, Falha, Lenta, Passo, Soma, Uso};
use crate::db::{Db, End, PerStore, Statement, StoreError, Tally, Transaction, Work};

/// Rows that one INSERT writes.
const ROWS_AT_ONCE: usize = 100;

/// The most rows of a window that are read.
pub(super) const MOST_READ: u64 = 200_000;

/// A row: what an access took in a minute, an hour or a day.
#[derive(Clone, Debug)]
pub(super) struct Linha<T> {
    /// Seconds since 1970.
    pub inicio: i64,
    pub instancia: Arc<str>,
    pub chave: Chave,
    pub valor: T,
}

/// From where to where, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trecho {
    pub passo: Passo,
    pub de: i64,
    pub ate: i64,
}

fn moment(second: i64) -> NaiveDateTime {
    DateTime::<Utc>::from_timestamp(second, 0).unwrap_or_default().naive_utc()
}

fn second(row: &MySqlRow, index: usize) -> Result<i64, sqlx::Error> {
    Ok(row.try_get::<NaiveDateTime, _>(index)?.and_utc().timestamp())
}

fn text(row: &MySqlRow, index: usize) -> Result<Arc<str>, sqlx::Error> {
    Ok(row.try_get::<String, _>(index)?.into())
}

fn assinatura(row: &MySqlRow, index: usize) -> Result<Assinatura, sqlx::Error> {
    let text: String = row.try_get(index)?;
    text.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

const DIMENSIONS: &str = "`inicio`, `instancia`, `assinatura`, `programa`, `versao`, `usuario`";

const COUNTS: [&str; 24] = [
    "chamadas",
    "com_erro",
    "recusadas",
    "micros",
    "maior_micros",
    "custo",
    "objetos",
    "bytes",
    "clientes_instrucoes",
    "clientes_linhas",
    "clientes_micros",
    "clientes_falhas",
    "enderecos_instrucoes",
    "enderecos_linhas",
    "enderecos_micros",
    "enderecos_falhas",
    "catalogo_instrucoes",
    "catalogo_linhas",
    "catalogo_micros",
    "catalogo_falhas",
    "inventario_instrucoes",
    "inventario_linhas",
    "inventario_micros",
    "inventario_falhas",
];

fn counts_of(soma: &Soma) -> [u64; 24] {
    let mut counts = [0; 24];
    counts[..8].copy_from_slice(&[
        soma.chamadas,
        soma.com_erro,
        soma.recusadas,
        soma.micros,
        soma.maior_micros,
        soma.custo,
        soma.objetos,
        soma.bytes,
    ]);
    for ((_, uso), four) in soma.stores.iter().zip(counts[8..].chunks_exact_mut(4)) {
        four.copy_from_slice(&[uso.instrucoes, uso.linhas, uso.micros, uso.falhas]);
    }
    counts
}

fn soma_of(counts: &[u64; 24], faixas: Faixas) -> Soma {
    let mut fours = counts[8..].chunks_exact(4);
    let stores = PerStore::from_fn(|_| match fours.next() {
        Some([instrucoes, linhas, micros, falhas]) => {
            Uso { instrucoes: *instrucoes, linhas: *linhas, micros: *micros, falhas: *falhas }
        }
        _ => Uso::default(),
    });
    let [chamadas, com_erro, recusadas, micros, maior_micros, custo, objetos, bytes, ..] = *counts;
    Soma { chamadas, com_erro, recusadas, micros, maior_micros, custo, objetos, bytes, stores, faixas }
}

impl FromRow<'_, MySqlRow> for Linha<Soma> {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let mut counts = [0; 24];
        for (index, count) in counts.iter_mut().enumerate() {
            *count = row.try_get(6 + index)?;
        }
        let faixas = Faixas::from_bytes(row.try_get(6 + counts.len())?);
        Ok(Self {
            inicio: second(row, 0)?,
            instancia: text(row, 1)?,
            chave: Chave {
                assinatura: assinatura(row, 2)?,
                programa: text(row, 3)?,
                versao: text(row, 4)?,
                usuario: text(row, 5)?,
            },
            valor: soma_of(&counts, faixas),
        })
    }
}

/// Errors, which are not by user, and inputs: as often as `valor` says.
#[derive(Clone, Debug)]
pub(super) struct Vezes<T>(pub T, pub u64);

impl FromRow<'_, MySqlRow> for Linha<Vezes<Falha>> {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let falha = Falha { codigo: text(row, 5)?, caminho: text(row, 6)?, store: text(row, 7)? };
        of_program(row, Vezes(falha, row.try_get(8)?))
    }
}

impl FromRow<'_, MySqlRow> for Linha<Vezes<Arc<str>>> {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let mut linha = of_program(row, Vezes(text(row, 6)?, row.try_get(7)?))?;
        linha.chave.usuario = text(row, 5)?;
        Ok(linha)
    }
}

fn of_program<T>(row: &MySqlRow, valor: T) -> Result<Linha<T>, sqlx::Error> {
    Ok(Linha {
        inicio: second(row, 0)?,
        instancia: text(row, 1)?,
        chave: Chave {
            assinatura: assinatura(row, 2)?,
            programa: text(row, 3)?,
            versao: text(row, 4)?,
            usuario: "".into(),
        },
        valor,
    })
}

/// A table with a row for each step, instance, operation and program.
#[derive(Clone, Copy)]
struct Table {
    read: &'static str,
    select: &'static str,
}

const ERRO: Table = Table {
    read: "acessos.erros",
    select: "SELECT `inicio`, `instancia`, `assinatura`, `programa`, `versao`, `codigo`, `caminho`, `store`, `vezes` FROM `erro`",
};

const ENTRADA: Table = Table {
    read: "acessos.entradas",
    select: "SELECT `inicio`, `instancia`, `assinatura`, `programa`, `versao`, `usuario`, `campo`, `vezes` FROM `entrada`",
};

/// The rows of three stretches of time, which do not overlap, but for those that this run
/// still holds.
async fn window<T>(
    db: &Db,
    (name, select): (&'static str, &str),
    trechos: &[Trecho; 3],
    held: (&str, i64),
    audience: &[Arc<Tally>],
) -> Result<Vec<Linha<T>>, StoreError>
where
    Linha<T>: for<'r> FromRow<'r, MySqlRow> + Send + Unpin,
{
    let stretch = "(`passo` = ? AND `inicio` >= ? AND `inicio` < ?)";
    let text = crate::db::intern(format!(
        "{select} WHERE ({stretch} OR {stretch} OR {stretch}) \
         AND NOT (`passo` = 0 AND `instancia` = ? AND `inicio` >= ?) LIMIT {MOST_READ}"
    ));
    let mut statement = Statement::new(name, text);
    for trecho in trechos {
        statement = statement.bind(trecho.passo as u8).bind(moment(trecho.de)).bind(moment(trecho.ate));
    }
    db.read(statement.bind(held.0.to_owned()).bind(moment(held.1)), audience).await
}

/// What accesses took.
pub(super) async fn somas(
    db: &Db,
    trechos: &[Trecho; 3],
    held: (&str, i64),
    audience: &[Arc<Tally>],
) -> Result<Vec<Linha<Soma>>, StoreError> {
    let select = format!("SELECT {DIMENSIONS}, `{}`, `faixas` FROM `acesso`", COUNTS.join("`, `"));
    window(db, ("acessos.somas", &select), trechos, held, audience).await
}

/// Errors.
pub(super) async fn erros(
    db: &Db,
    trechos: &[Trecho; 3],
    held: (&str, i64),
    audience: &[Arc<Tally>],
) -> Result<Vec<Linha<Vezes<Falha>>>, StoreError> {
    window(db, (ERRO.read, ERRO.select), trechos, held, audience).await
}

/// Inputs in variables.
pub(super) async fn entradas(
    db: &Db,
    trechos: &[Trecho; 3],
    held: (&str, i64),
    audience: &[Arc<Tally>],
) -> Result<Vec<Linha<Vezes<Arc<str>>>>, StoreError> {
    window(db, (ENTRADA.read, ENTRADA.select), trechos, held, audience).await
}

/// An operation as it stands in the store, and when it was seen.
pub(super) struct DocumentoVisto {
    pub documento: Documento,
    pub primeiro: i64,
    pub ultimo: i64,
}

impl FromRow<'_, MySqlRow> for DocumentoVisto {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let nome = text(row, 1)?;
        Ok(Self {
            documento: Documento {
                id: assinatura(row, 0)?,
                nome: (!nome.is_empty()).then_some(nome),
                tipo: text(row, 2)?,
                texto: text(row, 3)?,
                campos: Arc::default(),
            },
            primeiro: second(row, 4)?,
            ultimo: second(row, 5)?,
        })
    }
}

/// The operations that were seen since a moment, without what stands in them.
pub(super) async fn documentos(
    db: &Db,
    since: i64,
    audience: &[Arc<Tally>],
) -> Result<Vec<DocumentoVisto>, StoreError> {
    let statement = Statement::new(
        "acessos.documentos",
        "SELECT `assinatura`, `nome`, `tipo`, `texto`, `primeiro`, `ultimo` FROM `documento` WHERE `ultimo` >= ?",
    );
    db.read(statement.bind(moment(since)), audience).await
}

/// What of the schema stands in those operations.
pub(super) async fn campos(
    db: &Db,
    since: i64,
    audience: &[Arc<Tally>],
) -> Result<Vec<(Assinatura, Arc<str>)>, StoreError> {
    let statement = Statement::new(
        "acessos.campos",
        "SELECT `assinatura`, `campo` FROM `documento_campo` \
         WHERE `assinatura` IN (SELECT `assinatura` FROM `documento` WHERE `ultimo` >= ?)",
    );
    let rows: Vec<(String, String)> = db.read(statement.bind(moment(since)), audience).await?;
    Ok(rows.into_iter().filter_map(|(id, campo)| Some((id.parse().ok()?, campo.into()))).collect())
}

/// Up to when minutes are hours, and hours days.
pub(super) async fn resumidos(db: &Db, audience: &[Arc<Tally>]) -> Result<(i64, i64), StoreError> {
    let statement = Statement::new("acessos.resumidos", "SELECT `passo`, `ate` FROM `resumido`");
    let rows: Vec<(u8, NaiveDateTime)> = db.read(statement, audience).await?;
    let of = |passo: Passo| {
        rows.iter().find(|row| row.0 == passo as u8).map_or(0, |row| row.1.and_utc().timestamp())
    };
    Ok((of(Passo::Hora), of(Passo::Dia)))
}

/// A run of the program.
#[derive(Clone, Debug)]
pub struct Instancia {
    /// Its number.
    pub id: Arc<str>,
    /// Where it runs.
    pub nome: Arc<str>,
    /// Which version it is.
    pub versao: Arc<str>,
    /// When it was started, in seconds since 1970.
    pub inicio: i64,
    /// When it was last heard of.
    pub ultimo: i64,
    /// Calls that it counted and could not write.
    pub perdidas: u64,
}

impl FromRow<'_, MySqlRow> for Instancia {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: text(row, 0)?,
            nome: text(row, 1)?,
            versao: text(row, 2)?,
            inicio: second(row, 3)?,
            ultimo: second(row, 4)?,
            perdidas: row.try_get(5)?,
        })
    }
}

/// The runs that were heard of since a moment, the last first.
pub(super) async fn instancias(
    db: &Db,
    since: i64,
    audience: &[Arc<Tally>],
) -> Result<Vec<Instancia>, StoreError> {
    let statement = Statement::new(
        "acessos.instancias",
        "SELECT `id`, `nome`, `versao`, `inicio`, `ultimo`, `perdidas` FROM `instancia` \
         WHERE `ultimo` >= ? ORDER BY `ultimo` DESC, `id` LIMIT 100",
    );
    db.read(statement.bind(moment(since)), audience).await
}

impl FromRow<'_, MySqlRow> for Lenta {
    fn from_row(row: &MySqlRow) -> Result<Self, sqlx::Error> {
        let detalhe: String = row.try_get(11)?;
        let id: String = row.try_get(0)?;
        Ok(Self {
            id: id.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            quando: row.try_get::<NaiveDateTime, _>(1)?.and_utc(),
            instancia: text(row, 2)?,
            chave: Chave {
                assinatura: assinatura(row, 3)?,
                programa: text(row, 4)?,
                versao: text(row, 5)?,
                usuario: text(row, 6)?,
            },
            pedido: text(row, 7)?,
            resultado: text(row, 8)?,
            micros: row.try_get(9)?,
            custo: row.try_get(10)?,
            instrucoes: serde_json::from_str(&detalhe)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        })
    }
}

/// The slow operations of a stretch of time, the last first.
pub(super) async fn lentas(
    db: &Db,
    (de, ate): (i64, i64),
    audience: &[Arc<Tally>],
) -> Result<Vec<Lenta>, StoreError> {
    let statement = Statement::new(
        "acessos.lentas",
        "SELECT `id`, `quando`, `instancia`, `assinatura`, `programa`, `versao`, `usuario`, `pedido`, `resultado`, \
         `micros`, `custo`, `detalhe` FROM `lenta` WHERE `quando` >= ? AND `quando` < ? \
         ORDER BY `quando` DESC, `id` DESC LIMIT 200",
    );
    db.read(statement.bind(moment(de)).bind(moment(ate)), audience).await
}

/// What a run writes.
pub(super) struct Escrita<'a> {
    pub instancia: &'a Instancia,
    pub minutos: &'a [Arc<Minuto>],
    pub documentos: &'a [Visto],
    pub lentas: &'a [Lenta],
    pub perda: Perda,
}

/// What was written before it is written again, with all there is by now.
impl Work for Escrita<'_> {
    type Output = ();

    fn name(&self) -> &'static str {
        "acessos.escrever"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<()>, StoreError> {
        let store = tx.store();
        self.write(tx.mysql()).await.map_err(|error| StoreError::statement(store, &error))?;
        Ok(End::Commit(()))
    }
}

/// `INSERT … ON DUPLICATE KEY UPDATE` of all rows, some at a time.
async fn upsert<T>(
    mysql: &mut MySqlConnection,
    insert: &str,
    update: &str,
    rows: &[T],
    push: impl Fn(&mut sqlx::query_builder::Separated<'_, sqlx::MySql, &'static str>, &T),
) -> Result<(), sqlx::Error> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let mut builder = QueryBuilder::new(insert);
        builder.push_values(rows, |mut row, value| push(&mut row, value));
        builder.push(update);
        builder.build().persistent(false).execute(&mut *mysql).await?;
    }
    Ok(())
}

type Row<'a, T> = (Passo, i64, &'a str, &'a Chave, T);

/// Writes somas, errors and inputs of one step.
async fn write_rows(
    mysql: &mut MySqlConnection,
    somas: &[Row<'_, &Soma>],
    falhas: &[Row<'_, (&Falha, u64)>],
    entradas: &[Row<'_, (&Arc<str>, u64)>],
) -> Result<(), sqlx::Error> {
    let columns = COUNTS.join("`, `");
    let insert = format!("INSERT INTO `acesso` (`passo`, {DIMENSIONS}, `{columns}`, `faixas`) ");
    let mut update = String::from(" ON DUPLICATE KEY UPDATE `faixas` = VALUES(`faixas`)");
    for column in COUNTS {
        update.push_str(&format!(", `{column}` = VALUES(`{column}`)"));
    }
    upsert(mysql, &insert, &update, somas, |row, (passo, inicio, instancia, chave, soma)| {
        row.push_bind(*passo as u8).push_bind(moment(*inicio)).push_bind((*instancia).to_owned());
        row.push_bind(chave.assinatura.to_string()).push_bind(chave.programa.to_string());
        row.push_bind(chave.versao.to_string()).push_bind(chave.usuario.to_string());
        for count in counts_of(soma) {
            row.push_bind(count);
        }
        row.push_bind(soma.faixas.to_bytes());
    })
    .await?;
    let update = " ON DUPLICATE KEY UPDATE `vezes` = VALUES(`vezes`)";
    let insert = "INSERT INTO `erro` (`passo`, `inicio`, `instancia`, `assinatura`, `programa`, `versao`, \
                  `codigo`, `caminho`, `store`, `vezes`) ";
    upsert(mysql, insert, update, falhas, |row, (passo, inicio, instancia, chave, (falha, vezes))| {
        row.push_bind(*passo as u8).push_bind(moment(*inicio)).push_bind((*instancia).to_owned());
        row.push_bind(chave.assinatura.to_string()).push_bind(chave.programa.to_string());
        row.push_bind(chave.versao.to_string()).push_bind(falha.codigo.to_string());
        row.push_bind(falha.caminho.to_string()).push_bind(falha.store.to_string()).push_bind(*vezes);
    })
    .await?;
    let insert = "INSERT INTO `entrada` (`passo`, `inicio`, `instancia`, `assinatura`, `programa`, `versao`, \
                  `usuario`, `campo`, `vezes`) ";
    upsert(mysql, insert, update, entradas, |row, (passo, inicio, instancia, chave, (campo, vezes))| {
        row.push_bind(*passo as u8).push_bind(moment(*inicio)).push_bind((*instancia).to_owned());
        row.push_bind(chave.assinatura.to_string()).push_bind(chave.programa.to_string());
        row.push_bind(chave.versao.to_string()).push_bind(chave.usuario.to_string());
        row.push_bind(campo.to_string()).push_bind(*vezes);
    })
    .await
}

/// One user's errors and another's stand in one row.
fn without_user(chave: &Chave) -> Chave {
    Chave { usuario: "".into(), ..chave.clone() }
}

impl Escrita<'_> {
    async fn write(&self, mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        self.write_minutes(mysql).await?;
        self.write_documents(mysql).await?;
        self.write_slow(mysql).await?;
        let Instancia { id, nome, versao, inicio, ultimo, .. } = self.instancia;
        sqlx::query(
            "INSERT INTO `instancia` (`id`, `nome`, `versao`, `inicio`, `ultimo`, `perdidas`) \
             VALUES (?, ?, ?, ?, ?, ?) \
             ON DUPLICATE KEY UPDATE `ultimo` = VALUES(`ultimo`), `perdidas` = VALUES(`perdidas`)",
        )
        .bind(&**id)
        .bind(&**nome)
        .bind(&**versao)
        .bind(moment(*inicio))
        .bind(moment(*ultimo))
        .bind(self.perda.chamadas)
        .execute(mysql)
        .await?;
        Ok(())
    }

    async fn write_minutes(&self, mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let id = &*self.instancia.id;
        for minuto in self.minutos {
            let at = minuto.inicio;
            let somas: Vec<_> =
                minuto.changed().map(|(chave, conta)| (Passo::Minuto, at, id, chave, &conta.soma)).collect();
            // All that the minute has of an operation and program, also what has not changed: the
            // row is one for all users.
            let mut falhas = BTreeMap::new();
            for (chave, conta) in minuto.contas() {
                for (falha, vezes) in &conta.falhas {
                    *falhas.entry((without_user(chave), falha)).or_insert(0) += vezes;
                }
            }
            let falhas: Vec<_> = falhas
                .iter()
                .map(|((chave, falha), vezes)| (Passo::Minuto, at, id, chave, (*falha, *vezes)))
                .collect();
            let given = |(chave, conta): (&'_ Chave, &'_ super::minuto::Conta)| {
                let all = conta.entradas.iter();
                all.map(|(campo, vezes)| (chave.clone(), Arc::clone(campo), *vezes)).collect::<Vec<_>>()
            };
            let entradas: Vec<_> = minuto.changed().flat_map(given).collect();
            let entradas: Vec<_> = entradas
                .iter()
                .map(|(chave, campo, vezes)| (Passo::Minuto, at, id, chave, (campo, *vezes)))
                .collect();
            if somas.is_empty() {
                continue;
            }
            write_rows(mysql, &somas, &falhas, &entradas).await?;
        }
        Ok(())
    }

    async fn write_documents(&self, mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let insert = "INSERT INTO `documento` (`assinatura`, `nome`, `tipo`, `texto`, `primeiro`, `ultimo`) ";
        let update = " ON DUPLICATE KEY UPDATE `primeiro` = LEAST(`primeiro`, VALUES(`primeiro`)), \
                      `ultimo` = GREATEST(`ultimo`, VALUES(`ultimo`))";
        upsert(mysql, insert, update, self.documentos, |row, visto| {
            let Documento { id, nome, tipo, texto, .. } = &*visto.documento;
            row.push_bind(id.to_string()).push_bind(nome.as_deref().unwrap_or_default().to_owned());
            row.push_bind(tipo.to_string()).push_bind(texto.to_string());
            row.push_bind(moment(visto.primeiro)).push_bind(moment(visto.ultimo));
        })
        .await?;
        let campos: Vec<(Assinatura, &str)> = self
            .documentos
            .iter()
            .filter(|visto| !visto.is_known)
            .flat_map(|visto| visto.documento.campos.iter().map(|campo| (visto.documento.id, &**campo)))
            .collect();
        let insert = "INSERT INTO `documento_campo` (`assinatura`, `campo`) ";
        let update = " ON DUPLICATE KEY UPDATE `campo` = VALUES(`campo`)";
        upsert(mysql, insert, update, &campos, |row, (id, campo)| {
            row.push_bind(id.to_string()).push_bind((*campo).to_owned());
        })
        .await
    }

    async fn write_slow(&self, mysql: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        if self.lentas.is_empty() {
            return Ok(());
        }
        let insert = "INSERT INTO `lenta` (`id`, `quando`, `instancia`, `assinatura`, `programa`, `versao`, `usuario`, \
                      `pedido`, `resultado`, `micros`, `custo`, `detalhe`) ";
        let update = " ON DUPLICATE KEY UPDATE `id` = VALUES(`id`)";
        upsert(&mut *mysql, insert, update, self.lentas, |row, lenta| {
            let chave = &lenta.chave;
            row.push_bind(lenta.id.simple().to_string()).push_bind(lenta.quando.naive_utc());
            row.push_bind(lenta.instancia.to_string()).push_bind(chave.assinatura.to_string());
            row.push_bind(chave.programa.to_string()).push_bind(chave.versao.to_string());
            row.push_bind(chave.usuario.to_string()).push_bind(lenta.pedido.to_string());
            row.push_bind(lenta.resultado.to_string()).push_bind(lenta.micros).push_bind(lenta.custo);
            row.push_bind(serde_json::to_string(&lenta.instrucoes).unwrap_or_default());
        })
        .await?;
        // The last ones stay. A subquery of its own, since MySQL takes no LIMIT in an IN.
        sqlx::query(
            "DELETE FROM `lenta` WHERE `quando` < (SELECT `quando` FROM \
             (SELECT `quando` FROM `lenta` ORDER BY `quando` DESC LIMIT 1 OFFSET 199) AS `last`)",
        )
        .execute(mysql)
        .await?;
        Ok(())
    }
}

/// How many operations the store has, and which were seen last.
pub(super) async fn known(db: &Db) -> Result<Vec<Assinatura>, StoreError> {
    let statement = Statement::new(
        "acessos.conhecidas",
        "SELECT `assinatura` FROM `documento` ORDER BY `ultimo` DESC LIMIT 20000",
    );
    let rows: Vec<(String,)> = db.read(statement, &[]).await?;
    Ok(rows.into_iter().filter_map(|(id,)| id.parse().ok()).collect())
}

/// Puts the rows of a finer step together, one span of the coarser step, when it is over.
pub(super) struct Resumo {
    /// To hours, or to days.
    pub passo: Passo,
    /// What is over by now, in seconds since 1970.
    pub over: i64,
    /// A span that was put together before and has got more rows since.
    pub again: Option<i64>,
}

impl Work for Resumo {
    /// Whether there is more to be done.
    type Output = bool;

    fn name(&self) -> &'static str {
        "acessos.resumir"
    }

    async fn run(&self, tx: &mut Transaction<'_>) -> Result<End<bool>, StoreError> {
        let store = tx.store();
        let done = self.put_together(tx.mysql()).await;
        done.map(End::Commit).map_err(|error| StoreError::statement(store, &error))
    }
}

impl Resumo {
    async fn put_together(&self, mysql: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let passo = self.passo as u8;
        sqlx::query("INSERT IGNORE INTO `resumido` (`passo`, `ate`) VALUES (?, '1970-01-01')")
            .bind(passo)
            .execute(&mut *mysql)
            .await?;
        // Whoever has this row puts together; the others wait for it.
        let ate: NaiveDateTime =
            sqlx::query_scalar("SELECT `ate` FROM `resumido` WHERE `passo` = ? FOR UPDATE")
                .bind(passo)
                .fetch_one(&mut *mysql)
                .await?;
        let ate = ate.and_utc().timestamp();
        let from = match self.again {
            Some(again) if again < ate => again,
            Some(_) => return Ok(false),
            None => match self.next(mysql, ate).await? {
                Some(next) => next,
                None => return Ok(false),
            },
        };
        let until = from + self.passo.seconds();
        self.put_span_together(mysql, from).await?;
        if self.again.is_none() {
            sqlx::query("UPDATE `resumido` SET `ate` = ? WHERE `passo` = ?")
                .bind(moment(until))
                .bind(passo)
                .execute(mysql)
                .await?;
        }
        Ok(true)
    }

    /// The next span that has rows and is over.
    async fn next(&self, mysql: &mut MySqlConnection, ate: i64) -> Result<Option<i64>, sqlx::Error> {
        let first: Option<NaiveDateTime> =
            sqlx::query_scalar("SELECT MIN(`inicio`) FROM `acesso` WHERE `passo` = ? AND `inicio` >= ?")
                .bind(self.passo as u8 - 1)
                .bind(moment(ate))
                .fetch_one(&mut *mysql)
                .await?;
        let seconds = self.passo.seconds();
        let next =
            first.map(|first| first.and_utc().timestamp()).map(|first| first - first.rem_euclid(seconds));
        let Some(next) = next.filter(|next| next + seconds <= self.over) else { return Ok(None) };
        // A day waits for its hours.
        if self.passo == Passo::Dia && Self::has_minutes_left(mysql, next + seconds).await? {
            return Ok(None);
        }
        Ok(Some(next))
    }

    /// Whether there are minutes before `until` that are no hours yet.
    async fn has_minutes_left(mysql: &mut MySqlConnection, until: i64) -> Result<bool, sqlx::Error> {
        let first: Option<NaiveDateTime> = sqlx::query_scalar(
            "SELECT MIN(`inicio`) FROM `acesso` WHERE `passo` = 0 AND `inicio` < ? \
             AND `inicio` >= COALESCE((SELECT `ate` FROM `resumido` WHERE `passo` = 1), '1970-01-01')",
        )
        .bind(moment(until))
        .fetch_one(mysql)
        .await?;
        Ok(first.is_some())
    }

    async fn put_span_together(&self, mysql: &mut MySqlConnection, from: i64) -> Result<(), sqlx::Error> {
        let (finer, until) = (self.passo as u8 - 1, from + self.passo.seconds());
        let bounds = "WHERE `passo` = ? AND `inicio` >= ? AND `inicio` < ?";
        let select =
            format!("SELECT {DIMENSIONS}, `{}`, `faixas` FROM `acesso` {bounds}", COUNTS.join("`, `"));
        let read = async |mysql: &mut MySqlConnection, select: String| {
            let query = sqlx::query(AssertSqlSafe(select)).persistent(false);
            query.bind(finer).bind(moment(from)).bind(moment(until)).fetch_all(mysql).await
        };
        let mut somas: HashMap<(Arc<str>, Chave), Soma> = HashMap::new();
        for row in read(&mut *mysql, select).await? {
            let Linha { instancia, chave, valor, .. } = Linha::<Soma>::from_row(&row)?;
            somas.entry((instancia, chave)).or_default().merge(&valor);
        }
        let mut falhas: HashMap<(Arc<str>, Chave, Falha), u64> = HashMap::new();
        for row in read(&mut *mysql, format!("{} {bounds}", ERRO.select)).await? {
            let Linha { instancia, chave, valor: Vezes(falha, vezes), .. } =
                Linha::<Vezes<Falha>>::from_row(&row)?;
            *falhas.entry((instancia, chave, falha)).or_default() += vezes;
        }
        let mut entradas: HashMap<(Arc<str>, Chave, Arc<str>), u64> = HashMap::new();
        for row in read(&mut *mysql, format!("{} {bounds}", ENTRADA.select)).await? {
            let Linha { instancia, chave, valor: Vezes(campo, vezes), .. } =
                Linha::<Vezes<Arc<str>>>::from_row(&row)?;
            *entradas.entry((instancia, chave, campo)).or_default() += vezes;
        }
        let somas: Vec<_> = somas
            .iter()
            .map(|((instancia, chave), soma)| (self.passo, from, &**instancia, chave, soma))
            .collect();
        let falhas: Vec<_> = falhas
            .iter()
            .map(|((instancia, chave, falha), vezes)| {
                (self.passo, from, &**instancia, chave, (falha, *vezes))
            })
            .collect();
        let entradas: Vec<_> = entradas
            .iter()
            .map(|((instancia, chave, campo), vezes)| {
                (self.passo, from, &**instancia, chave, (campo, *vezes))
            })
            .collect();
        write_rows(mysql, &somas, &falhas, &entradas).await
    }
}

/// How long rows are kept, in seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guarda {
    pub minutos: i64,
    pub horas: i64,
    pub dias: i64,
}

/// Rows that one DELETE takes: a lock that nobody waits for.
const DELETED_AT_ONCE: u32 = 5_000;

/// Deletes what is older than it is kept: some of it, and how much.
pub(super) async fn purge(db: &Db, guarda: Guarda, now: i64) -> Result<u64, StoreError> {
    let tally = Arc::<Tally>::default();
    let mut gone = 0;
    let tables = [
        "DELETE FROM `acesso` WHERE `passo` = ? AND `inicio` < ? LIMIT",
        "DELETE FROM `erro` WHERE `passo` = ? AND `inicio` < ? LIMIT",
        "DELETE FROM `entrada` WHERE `passo` = ? AND `inicio` < ? LIMIT",
    ];
    for (passo, kept) in
        [(Passo::Minuto, guarda.minutos), (Passo::Hora, guarda.horas), (Passo::Dia, guarda.dias)]
    {
        for table in tables {
            let statement =
                Statement::new("acessos.apagar", crate::db::intern(format!("{table} {DELETED_AT_ONCE}")));
            let old = statement.bind(passo as u8).bind(moment(now - kept));
            gone += db.write(old, &tally).await?.rows;
        }
    }
    // What nobody has asked for as long as any row is kept.
    let longest = moment(now - guarda.minutos.max(guarda.horas).max(guarda.dias));
    for text in [
        "DELETE FROM `documento_campo` WHERE `assinatura` IN \
         (SELECT `assinatura` FROM `documento` WHERE `ultimo` < ?)",
        "DELETE FROM `documento` WHERE `ultimo` < ?",
        "DELETE FROM `instancia` WHERE `ultimo` < ?",
    ] {
        gone += db.write(Statement::new("acessos.apagar", text).bind(longest), &tally).await?.rows;
    }
    Ok(gone)
}

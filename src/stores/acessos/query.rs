//! The root field of this store.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use chrono::Utc;

use super::types::AcessosDaJanela;
use super::{Acessos, Assinatura, Janela, Passo, Pergunta, Relatorio};
use crate::kernel::scalars::DateTime;
use crate::kernel::{ContextExt as _, GraphError, GraphResult, Papel, code};

/// How long the window is when nobody says.
const DEFAULT: i64 = 3_600;

/// A window of time, and whose accesses.
#[derive(Clone, Debug, Default, InputObject)]
pub struct JanelaAcessos {
    /// Where it begins; an hour before its end when absent.
    pub de: Option<DateTime>,
    /// Where it ends; now when absent.
    pub ate: Option<DateTime>,
    /// How it is divided; minutes up to six hours, hours up to two weeks, days beyond, when
    /// absent.
    pub passo: Option<Passo>,
    /// Only of this run of the program.
    pub instancia: Option<ID>,
    /// Only of this program.
    pub programa: Option<String>,
    /// Only of this version of it.
    pub versao: Option<String>,
    /// Not of these programs: at most 10.
    pub sem_programas: Option<Vec<String>>,
    /// Only of this user. Errors are not counted by user.
    pub usuario: Option<String>,
    /// Only of this operation: its signature.
    pub operacao: Option<ID>,
}

impl JanelaAcessos {
    fn check(self) -> GraphResult<Pergunta> {
        // The minute that is going on is in it.
        let ate = self.ate.map_or_else(|| Utc::now().timestamp() + 1, |ate| ate.0.timestamp());
        let de = self.de.map_or(ate - DEFAULT, |de| de.0.timestamp());
        let janela = Janela::new(de, ate, self.passo).map_err(GraphError::bad_input)?;
        let assinatura = match &self.operacao {
            None => None,
            Some(id) => Some(id.parse::<Assinatura>().map_err(|_| {
                let message =
                    "`janela.operacao` must be the signature of an operation: 32 digits and letters a to f.";
                GraphError::Input(code::ID_INVALIDO, message.to_owned())
            })?),
        };
        let sem_programas = self.sem_programas.unwrap_or_default();
        if sem_programas.len() > 10 {
            return Err(GraphError::bad_input("`janela.semProgramas` must have at most 10 entries."));
        }
        Ok(Pergunta {
            janela,
            instancia: self.instancia.map(|id| id.0),
            programa: self.programa,
            versao: self.versao,
            sem_programas,
            usuario: self.usuario,
            assinatura,
        })
    }
}

/// The root field.
#[derive(Default)]
pub struct ConsultasAcessos;

#[Object]
impl ConsultasAcessos {
    /// Who asked what of this API, how long it took and what went wrong. For the papel ADMIN.
    async fn acessos(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which time and whose; the last hour of all when absent.")] janela: Option<
            JanelaAcessos,
        >,
    ) -> Option<GraphResult<AcessosDaJanela>> {
        Some(window(ctx, janela.unwrap_or_default()))
    }
}

fn window(ctx: &Context<'_>, janela: JanelaAcessos) -> GraphResult<AcessosDaJanela> {
    ctx.require(Papel::Admin)?;
    let pergunta = janela.check()?;
    let acessos = ctx.data_unchecked::<Acessos>().clone();
    let audience = vec![Arc::clone(ctx.scope().tally())];
    Ok(AcessosDaJanela(Arc::new(Relatorio::new(acessos, pergunta, audience))))
}

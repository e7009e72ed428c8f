'use strict';
// What the panel asks: the same GraphQL that everybody may ask.
const TOTALS = 'totais { chamadas comErro recusadas taxaDeErro mediaMs p50Ms p95Ms p99Ms maiorMs custo objetos bytes instrucoes linhas storesMs falhas }';
const STATE = 'de ate passo emStore perdidas perdidasDe perdidasAte outras';
const SERIES = 'serie { inicio totais { chamadas comErro p50Ms p95Ms p99Ms } }';
const STORES = 'stores { nome uso { instrucoes linhas ms falhas } conexoesEmUso conexoesLivres conexoesNoMaximo aEspera circuitoAberto }';
const REMOVALS = 'remocoes { store abertas paradas maisAntigaSegundos vistasEm }';
const SLOW = 'id quando nome operacao programa usuario pedido resultado ms custo instrucoes { store nome texto inicioMs ms linhas pedidos falhou plano }';
const ERRORS = 'codigo caminho store vezes ultimaVez operacoes programas { nome versao vezes }';
const PAGE = 'pageInfo { hasNextPage endCursor } total';
const VARIABLES = '$janela: JanelaAcessos!';

const QUERIES = {
  overview: `query PainelVisao(${VARIABLES}, $antes: JanelaAcessos!) {
    acessos(janela: $janela) { ${STATE} ${TOTALS} ${SERIES} ${STORES} ${REMOVALS}
      operacoes(first: 8, ordem: STORES_MS) { nodes { id nome ${TOTALS} } }
      erros(first: 8) { nodes { ${ERRORS} } } }
    antes: acessos(janela: $antes) { ${TOTALS} } }`,
  operations: `query PainelOperacoes(${VARIABLES}, $ordem: OrdemAcessos, $busca: String, $campo: String, $after: String) {
    acessos(janela: $janela) { ${STATE} operacoes(first: 25, after: $after, ordem: $ordem, busca: $busca, campo: $campo) {
      ${PAGE} nodes { id nome tipo ultimaVez ${TOTALS} } } } }`,
  operation: `query PainelOperacao(${VARIABLES}, $id: ID!) {
    acessos(janela: $janela) { ${STATE} operacao(id: $id) { id nome tipo documento primeiraVez ultimaVez campos ${TOTALS} ${SERIES}
      stores { nome instrucoes linhas ms falhas }
      programas { nome versao ultimaVez ${TOTALS} } usuarios { nome ultimaVez ${TOTALS} }
      erros { ${ERRORS} } lentas { ${SLOW} } } } }`,
  fields: `query PainelCampos(${VARIABLES}, $ordem: OrdemAcessos, $uso: UsoDeCampo, $busca: String, $after: String) {
    acessos(janela: $janela) { ${STATE} campos(first: 50, after: $after, ordem: $ordem, uso: $uso, busca: $busca) {
      ${PAGE} nodes { nome existe obsoleto primeiraVez ultimaVez totais { chamadas } } } } }`,
  field: `query PainelCampo(${VARIABLES}, $nome: String!) {
    acessos(janela: $janela) { ${STATE} campo(nome: $nome) { nome existe obsoleto primeiraVez ultimaVez ${TOTALS}
      operacoes { id nome ultimaVez ${TOTALS} } programas { nome versao ultimaVez ${TOTALS} }
      usuarios { nome ultimaVez ${TOTALS} } } } }`,
  errors: `query PainelErros(${VARIABLES}, $after: String) {
    acessos(janela: $janela) { ${STATE} ${SERIES} erros(first: 25, after: $after) { ${PAGE} nodes { ${ERRORS} } } } }`,
  programs: `query PainelProgramas(${VARIABLES}, $ordem: OrdemAcessos, $after: String) {
    acessos(janela: $janela) { ${STATE} programas(first: 50, after: $after, ordem: $ordem) {
      ${PAGE} nodes { nome versao primeiraVez ultimaVez ${TOTALS} } } } }`,
  users: `query PainelUsuarios(${VARIABLES}, $ordem: OrdemAcessos, $after: String) {
    acessos(janela: $janela) { ${STATE} usuarios(first: 50, after: $after, ordem: $ordem) {
      ${PAGE} nodes { nome primeiraVez ultimaVez ${TOTALS} } } } }`,
  stores: `query PainelStores(${VARIABLES}) {
    acessos(janela: $janela) { ${STATE} ${STORES} ${REMOVALS} remocoesParadas { store alvo tentativas motivo }
      instancias { id nome versao inicio ultimaVez perdidas esta } } }`,
  slow: `query PainelLentas(${VARIABLES}) { acessos(janela: $janela) { ${STATE} lentas { ${SLOW} } } }`,
};

// Asks; what came, or an error that says why nothing did.
async function ask(name, variables, signal) {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      'apollographql-client-name': 'painel',
      'apollographql-client-version': '1',
    },
    body: JSON.stringify({ query: QUERIES[name], variables }),
    signal,
  });
  const body = await answer.json();
  const errors = body.errors ?? [];
  if (errors.some((error) => error.extensions?.code === 'FORBIDDEN')) {
    throw Object.assign(new Error('forbidden'), { forbidden: true });
  }
  if (!body.data?.acessos) {
    throw new Error(errors[0]?.message ?? `HTTP ${answer.status}`);
  }
  return { data: body.data, errors };
}

'use strict';
// One function a page: from an answer to elements. `at` is where we are: state, link(), go().

const sum = (key) => (row) => row.totais[key];
const totalColumns = (share) => [
  { word: 'calls', numeric: true, order: 'CHAMADAS', show: (row) => number(sum('chamadas')(row)) },
  { word: 'errorRate', numeric: true, order: 'TAXA_DE_ERRO', show: (row) => el('span', { class: row.totais.taxaDeErro > 0 ? 'bad' : undefined }, percent(row.totais.taxaDeErro)) },
  { word: 'p50', numeric: true, show: (row) => ms(row.totais.p50Ms) },
  { word: 'p95', numeric: true, order: 'P95', show: (row) => ms(row.totais.p95Ms) },
  { word: 'p99', numeric: true, show: (row) => ms(row.totais.p99Ms) },
  { word: 'statements', numeric: true, order: 'INSTRUCOES', show: (row) => short(row.totais.instrucoes) },
  { word: 'storesMs', numeric: true, order: 'STORES_MS', show: (row) => withBar(ms(row.totais.storesMs), share ? row.totais.storesMs / share : null) },
  { word: 'cost', numeric: true, order: 'CUSTO', show: (row) => short(row.totais.custo) },
];

function withBar(text, part) {
  if (part === null || !Number.isFinite(part)) return text;
  const bar = el('span');
  bar.style.width = `${Math.min(100, part * 100)}%`;
  return el('div', {}, text, el('div', { class: 'bar', 'aria-hidden': 'true' }, bar));
}

const operationLink = (at, { id, nome }) => el('a', { href: at.link({ aba: 'operations', op: id }) }, nome);
const most = (rows, key) => Math.max(...rows.map((row) => row.totais[key]), 0);
const seenColumn = { word: 'seen', order: 'MAIS_RECENTES', show: (row) => moment(row.ultimaVez) };
const more = (page, at) => (page.pageInfo.hasNextPage ? el('p', {}, el('button', { type: 'button', onclick: () => at.more(page.pageInfo.endCursor) }, `${t('more')} (${number(page.total)})`)) : null);

function requestsChart(serie) {
  return chart(t('requestsChart'), serie, [
    { name: t('calls'), key: 'a', bars: true, of: (point) => point.totais.chamadas, show: (value) => number(value) },
    { name: t('withError'), key: 'err', bars: true, of: (point) => point.totais.comErro, show: (value) => number(value) },
  ]);
}

function latencyChart(serie) {
  const of = (key) => (point) => point.totais[key];
  return chart(t('latencyChart'), serie, [
    { name: 'p50', key: 'a', of: of('p50Ms'), show: ms }, { name: 'p95', key: 'b', of: of('p95Ms'), show: ms }, { name: 'p99', key: 'c', of: of('p99Ms'), show: ms },
  ], { log: true });
}

function kpis(now, before) {
  const per = (totals) => (totals.chamadas ? totals.instrucoes / totals.chamadas : 0);
  return el('div', { class: 'kpis' },
    kpi('calls', number(now.chamadas), 'count', before?.chamadas, now.chamadas),
    kpi('errorRate', percent(now.taxaDeErro), now.taxaDeErro > 0.05 ? 'bad' : 'rate', before?.taxaDeErro, now.taxaDeErro),
    kpi('p50', ms(now.p50Ms), 'ms', before?.p50Ms, now.p50Ms),
    kpi('p95', ms(now.p95Ms), 'ms', before?.p95Ms, now.p95Ms),
    kpi('p99', ms(now.p99Ms), 'ms', before?.p99Ms, now.p99Ms),
    kpi('statementsPerCall', number(per(now), 1), 'count', before ? per(before) : undefined, per(now)),
    kpi('storesMs', ms(now.storesMs), 'ms', before?.storesMs, now.storesMs),
    kpi('bytes', bytes(now.bytes), 'count'));
}

const errorColumns = (at) => [
  { word: 'code', show: (row) => el('span', { class: 'mono' }, row.codigo) },
  { word: 'place', cell: 'name-cell mono', show: (row) => row.caminho ?? t('whole') },
  { word: 'store', show: (row) => row.store ?? '–' },
  { word: 'times', numeric: true, show: (row) => number(row.vezes) },
  { word: 'operation', cell: 'name-cell', show: (row) => row.operacoes.slice(0, 5).join(', ') },
  { word: 'program', cell: 'name-cell', show: (row) => row.programas.slice(0, 4).map((program, place) => [place ? ', ' : '', el('a', { href: at.link({ programa: program.nome, versao: program.versao }) }, `${program.nome || t('namelessProgram')} ${program.versao}`), ` (${number(program.vezes)})`]).flat() },
  { word: 'seen', show: (row) => moment(row.ultimaVez) },
];
// The cells of an error table hold lists of nodes.
const errorTable = (rows, at, label) => table(label, errorColumns(at).map((column) => ({ ...column, show: (row) => wrap(column.show(row)) })), rows);
const wrap = (shown) => (Array.isArray(shown) ? el('span', {}, shown) : shown);

const storeColumns = [
  { word: 'store', show: (row) => row.nome },
  { word: 'statements', numeric: true, show: (row) => number(row.uso.instrucoes) },
  { word: 'rows', numeric: true, show: (row) => number(row.uso.linhas) },
  { word: 'storesMs', numeric: true, show: (row) => ms(row.uso.ms) },
  { word: 'msPerStatement', numeric: true, show: (row) => (row.uso.instrucoes ? ms(row.uso.ms / row.uso.instrucoes) : '–') },
  { word: 'failures', numeric: true, show: (row) => el('span', { class: row.uso.falhas ? 'bad' : undefined }, number(row.uso.falhas)) },
  { word: 'connections', numeric: true, show: (row) => `${row.conexoesEmUso} + ${row.conexoesLivres} / ${row.conexoesNoMaximo}` },
  { word: 'waiting', numeric: true, show: (row) => number(row.aEspera) },
  { word: 'circuit', show: (row) => el('span', { class: `tag ${row.circuitoAberto ? 'bad' : 'good'}` }, row.circuitoAberto ? t('open') : t('closed')) },
];

const removalTable = (rows) => table(t('removals'), [
  { word: 'store', show: (row) => row.store },
  { word: 'openRemovals', numeric: true, show: (row) => number(row.abertas) },
  { word: 'parked', numeric: true, show: (row) => el('span', { class: row.paradas ? 'bad' : undefined }, number(row.paradas)) },
  { word: 'oldest', numeric: true, show: (row) => ms(row.maisAntigaSegundos * 1000) },
], rows);

// Who asks, or through what.
const byName = (at, kind) => [
  kind === 'programa'
    ? { word: 'program', cell: 'name-cell', show: (row) => el('a', { href: at.link({ programa: row.nome, versao: row.versao || undefined }) }, `${row.nome || t('namelessProgram')} ${row.versao ?? ''}`) }
    : { word: 'user', cell: 'name-cell', show: (row) => el('a', { href: at.link({ usuario: row.nome }) }, row.nome) },
];

const VIEWS = {
  overview({ acessos, antes }, at) {
    const top = acessos.operacoes?.nodes ?? [];
    const down = (acessos.stores ?? []).filter((store) => store.circuitoAberto).map((store) => store.nome);
    const parked = acessos.remocoes.filter((row) => row.paradas > 0);
    return [
      down.length ? banner(`${t('circuitBanner')} ${down.join(', ')}`, true) : null,
      parked.length ? banner(`${t('parkedBanner')} ${parked.map((row) => `${row.store} ${row.paradas}`).join(', ')}`) : null,
      acessos.totais ? kpis(acessos.totais, antes?.totais) : null,
      el('div', { class: 'grid' },
        card(t('requestsChart'), t('requestsChartDef'), requestsChart(acessos.serie ?? [])),
        card(t('latencyChart'), t('latencyChartDef'), latencyChart(acessos.serie ?? []))),
      el('div', { class: 'grid' },
        card(t('costliest'), t('costliestDef'), table(t('costliest'), [
          { word: 'operation', cell: 'name-cell', show: (row) => operationLink(at, row) },
          { word: 'calls', numeric: true, show: (row) => number(row.totais.chamadas) },
          { word: 'p95', numeric: true, show: (row) => ms(row.totais.p95Ms) },
          { word: 'storesMs', numeric: true, show: (row) => withBar(ms(row.totais.storesMs), row.totais.storesMs / most(top, 'storesMs')) },
        ], top)),
        card(t('newestErrors'), t('newestErrorsDef'), table(t('newestErrors'), [
          { word: 'code', cell: 'name-cell', show: (row) => el('span', { class: 'mono' }, row.codigo) },
          { word: 'place', cell: 'name-cell mono', show: (row) => row.caminho ?? t('whole') },
          { word: 'store', show: (row) => row.store ?? '–' },
          { word: 'times', numeric: true, show: (row) => number(row.vezes) },
        ], acessos.erros?.nodes ?? []))),
      card(t('stores'), null, table(t('stores'), storeColumns, acessos.stores ?? [])),
    ];
  },

  operations({ acessos }, at) {
    const { nodes } = acessos.operacoes;
    return [
      at.searchBox('busca'),
      card(`${t('operations')} · ${number(acessos.operacoes.total)}`, null, table(t('operations'), [
        { word: 'operation', cell: 'name-cell', order: 'NOME', show: (row) => el('span', {}, operationLink(at, row), ' ', row.tipo === 'mutation' ? el('span', { class: 'tag' }, row.tipo) : null) },
        ...totalColumns(most(nodes, 'storesMs')), seenColumn,
      ], nodes, { order: at.state.ordem ?? 'CHAMADAS', sort: (ordem) => at.go({ ordem }) }), more(acessos.operacoes, at)),
    ];
  },

  operation({ acessos }, at) {
    const operation = acessos.operacao;
    const back = el('p', {}, el('a', { href: at.link({ op: undefined }) }, t('back')));
    if (!operation) return [back, el('p', { class: 'empty' }, t('none'))];
    return [
      back,
      el('h1', {}, operation.nome, ' ', el('span', { class: 'tag' }, operation.tipo ?? '–')),
      el('p', { class: 'note' }, `${t('first')}: ${moment(operation.primeiraVez)} · ${t('seen')}: ${moment(operation.ultimaVez)} · `, el('span', { class: 'mono' }, operation.id)),
      kpis(operation.totais),
      el('div', { class: 'grid' }, card(t('requestsChart'), t('requestsChartDef'), requestsChart(operation.serie)), card(t('latencyChart'), t('latencyChartDef'), latencyChart(operation.serie))),
      el('div', { class: 'grid' },
        card(t('programs'), null, table(t('programs'), [...byName(at, 'programa'), { word: 'calls', numeric: true, show: (row) => number(row.totais.chamadas) }, { word: 'errorRate', numeric: true, show: (row) => percent(row.totais.taxaDeErro) }, { word: 'p95', numeric: true, show: (row) => ms(row.totais.p95Ms) }, { word: 'seen', show: (row) => moment(row.ultimaVez) }], operation.programas)),
        card(t('users'), null, table(t('users'), [...byName(at, 'usuario'), { word: 'calls', numeric: true, show: (row) => number(row.totais.chamadas) }, { word: 'errorRate', numeric: true, show: (row) => percent(row.totais.taxaDeErro) }, { word: 'p95', numeric: true, show: (row) => ms(row.totais.p95Ms) }, { word: 'seen', show: (row) => moment(row.ultimaVez) }], operation.usuarios))),
      card(t('document'), t('documentDef'), el('pre', { tabindex: '0' }, pretty(operation.documento ?? '–'))),
      card(t('errors'), null, errorTable(operation.erros, at, t('errors'))),
      el('div', { class: 'grid' },
        card(t('stores'), null, table(t('stores'), [
          { word: 'store', show: (row) => row.nome }, { word: 'statements', numeric: true, show: (row) => number(row.instrucoes) },
          { word: 'rows', numeric: true, show: (row) => number(row.linhas) }, { word: 'storesMs', numeric: true, show: (row) => ms(row.ms) }, { word: 'failures', numeric: true, show: (row) => number(row.falhas) },
        ], operation.stores)),
        card(t('usedFields'), null, el('ul', { class: 'fields' }, operation.campos.map((name) => el('li', {}, el('a', { href: at.link({ aba: 'fields', campo: name, op: undefined }) }, name)))))),
      card(t('slow'), null, slowList(operation.lentas, at)),
    ];
  },

  fields({ acessos }, at) {
    const which = at.state.uso ?? 'USADOS';
    const choice = [['USADOS', 'used'], ['SEM_USO', 'unused'], ['OBSOLETOS_EM_USO', 'deprecatedInUse']].map(([uso, word]) =>
      el('button', { type: 'button', 'aria-pressed': String(which === uso), onclick: () => at.go({ uso }) }, t(word)));
    return [
      at.searchBox('busca', choice),
      card(`${t('fields')} · ${number(acessos.campos.total)}`, null, table(t('fields'), [
        { word: 'field', cell: 'name-cell mono', order: 'NOME', show: (row) => el('span', {}, el('a', { href: at.link({ campo: row.nome }) }, row.nome), ' ', marks(row)) },
        { word: 'calls', numeric: true, order: 'CHAMADAS', show: (row) => number(row.totais.chamadas) },
        { word: 'first', show: (row) => moment(row.primeiraVez) }, seenColumn,
      ], acessos.campos.nodes, { order: at.state.ordem ?? 'CHAMADAS', sort: (ordem) => at.go({ ordem }) }), more(acessos.campos, at)),
    ];
  },

  field({ acessos }, at) {
    const field = acessos.campo;
    const back = el('p', {}, el('a', { href: at.link({ campo: undefined }) }, t('back')));
    if (!field) return [back, el('p', { class: 'empty' }, t('none'))];
    return [
      back, el('h1', {}, el('span', { class: 'mono' }, field.nome), ' ', marks(field)),
      field.obsoleto ? el('p', { class: 'note' }, field.obsoleto) : null,
      el('p', { class: 'note' }, `${t('first')}: ${moment(field.primeiraVez)} · ${t('seen')}: ${moment(field.ultimaVez)}`),
      card(t('operations'), null, table(t('operations'), [{ word: 'operation', cell: 'name-cell', show: (row) => el('a', { href: at.link({ aba: 'operations', op: row.id, campo: undefined }) }, row.nome) }, ...totalColumns(null).slice(0, 4), { word: 'seen', show: (row) => moment(row.ultimaVez) }], field.operacoes)),
      el('div', { class: 'grid' },
        card(t('programs'), null, table(t('programs'), [...byName(at, 'programa'), { word: 'calls', numeric: true, show: (row) => number(row.totais.chamadas) }, { word: 'seen', show: (row) => moment(row.ultimaVez) }], field.programas)),
        card(t('users'), null, table(t('users'), [...byName(at, 'usuario'), { word: 'calls', numeric: true, show: (row) => number(row.totais.chamadas) }, { word: 'seen', show: (row) => moment(row.ultimaVez) }], field.usuarios))),
    ];
  },

  errors({ acessos }, at) {
    return [
      card(t('requestsChart'), t('requestsChartDef'), requestsChart(acessos.serie)),
      card(`${t('errors')} · ${number(acessos.erros.total)}`, t('newestErrorsDef'), errorTable(acessos.erros.nodes, at, t('errors')), more(acessos.erros, at)),
    ];
  },

  programs({ acessos }, at) {
    return [card(`${t('programs')} · ${number(acessos.programas.total)}`, null, table(t('programs'), [...byName(at, 'programa'), ...totalColumns(most(acessos.programas.nodes, 'storesMs')), { word: 'seen', order: 'MAIS_RECENTES', show: (row) => moment(row.ultimaVez) }], acessos.programas.nodes, { order: at.state.ordem ?? 'CHAMADAS', sort: (ordem) => at.go({ ordem }) }), more(acessos.programas, at))];
  },

  users({ acessos }, at) {
    return [card(`${t('users')} · ${number(acessos.usuarios.total)}`, null, table(t('users'), [...byName(at, 'usuario'), ...totalColumns(most(acessos.usuarios.nodes, 'storesMs')), seenColumn], acessos.usuarios.nodes, { order: at.state.ordem ?? 'CHAMADAS', sort: (ordem) => at.go({ ordem }) }), more(acessos.usuarios, at))];
  },

  stores({ acessos }, at) {
    return [
      card(t('stores'), null, table(t('stores'), storeColumns, acessos.stores ?? [])),
      card(t('removals'), t('removalsDef'), removalTable(acessos.remocoes)),
      acessos.remocoesParadas?.length ? card(t('parked'), null, table(t('parked'), [
        { word: 'store', show: (row) => row.store }, { word: 'target', show: (row) => row.alvo },
        { word: 'attempts', numeric: true, show: (row) => number(row.tentativas) }, { word: 'reason', cell: 'name-cell', show: (row) => row.motivo ?? '–' },
      ], acessos.remocoesParadas)) : null,
      card(t('instances'), t('instancesDef'), table(t('instances'), [
        { word: 'instance', cell: 'name-cell', show: (row) => el('a', { href: at.link({ instancia: row.id }) }, `${row.nome}${row.esta ? ' •' : ''}`) },
        { word: 'version', show: (row) => row.versao }, { word: 'since', show: (row) => moment(row.inicio) },
        { word: 'seen', show: (row) => moment(row.ultimaVez) }, { word: 'lost', numeric: true, show: (row) => el('span', { class: row.perdidas ? 'bad' : undefined }, number(row.perdidas)) },
      ], acessos.instancias ?? [])),
    ];
  },

  slow({ acessos }, at) {
    return [card(`${t('slow')} · ${number(acessos.lentas?.length ?? 0)}`, null, slowList(acessos.lentas ?? [], at))];
  },
};

const marks = (field) => [field.obsoleto ? el('span', { class: 'tag warn' }, t('deprecated')) : null, field.existe ? null : el('span', { class: 'tag bad' }, t('gone'))].filter(Boolean).reduce((all, tag) => (all.append(tag), all), el('span'));

function slowList(rows, at) {
  if (!rows.length) return el('p', { class: 'empty' }, t('none'));
  return el('div', {}, rows.map((row) => {
    const body = el('div');
    const open = at.opened.has(row.id);
    const fold = el('details', { open }, el('summary', {}, `${ms(row.ms)} · ${row.nome} · ${moment(row.quando)} · ${row.usuario} · ${row.programa || t('namelessProgram')} · ${row.resultado}`), body);
    const show = () => {
      if (!fold.open) { at.opened.delete(row.id); return; }
      at.opened.add(row.id);
      body.replaceChildren(el('p', { class: 'note' }, `${t('request')} `, el('span', { class: 'mono' }, row.pedido), ` · ${t('cost')} ${number(row.custo)} · `, operationLink(at, { id: row.operacao, nome: t('operation') })), waterfall(row));
    };
    fold.addEventListener('toggle', show);
    if (open) show();
    return fold;
  }));
}

// A document on lines of its own.
function pretty(text) {
  let depth = 0;
  let out = '';
  let inside = 0;
  for (const letter of text) {
    if (letter === '(') inside += 1;
    if (letter === ')') inside -= 1;
    if (letter === '{' && !inside) { depth += 1; out = `${out.trimEnd()} {\n${'  '.repeat(depth)}`; }
    else if (letter === '}' && !inside) { depth -= 1; out = `${out.trimEnd()}\n${'  '.repeat(Math.max(depth, 0))}}\n${'  '.repeat(Math.max(depth, 0))}`; }
    else if (letter === ' ' && !inside && depth && !/\.\.\.( on)?$|: ?$|\bon$/.test(out)) out = /\s$/.test(out) ? out : `${out}\n${'  '.repeat(depth)}`;
    else out += letter;
  }
  return out.trim();
}

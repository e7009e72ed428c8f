'use strict';
// What views are made of: elements, numbers, tables, charts, waterfalls.

// The language is a place in each list of words.
let language = 0;
const t = (word) => WORDS[word]?.[language] ?? word;

// An element with attributes and children. No text ever becomes markup.
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

const locale = () => LANGUAGES[language];
const number = (value, digits = 0) =>
  value === null || value === undefined ? '–' : new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
const short = (value) =>
  new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }).format(value ?? 0);
const percent = (value) =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: value > 0 && value < 0.1 ? 2 : 1 }).format(value ?? 0);
function ms(value) {
  if (value === null || value === undefined) return '–';
  if (value >= 60000) return `${number(value / 60000, 1)} min`;
  return value >= 1000 ? `${number(value / 1000, 2)} s` : `${number(value, value < 10 ? 2 : 0)} ms`;
}
function bytes(value) {
  const unit = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let step = 0;
  for (; value >= 1024 && step < unit.length - 1; step += 1) value /= 1024;
  return `${number(value, step ? 1 : 0)} ${unit[step]}`;
}
// Days are those of UTC, and are told so; all else is in the time of whoever looks.
let zone;
const moment = (text) =>
  text ? new Intl.DateTimeFormat(locale(), { dateStyle: 'short', timeStyle: 'medium', timeZone: zone }).format(new Date(text)) : '–';

// A card with a heading and a sentence that says what it shows.
const card = (heading, definition, ...children) =>
  el('section', { class: 'card' }, el('h2', {}, heading), definition ? el('p', { class: 'note' }, definition) : null, children);

// One number with its name, its meaning and how it was before.
function kpi(word, value, kind, before, now) {
  const change = before > 0 && now !== undefined ? now / before - 1 : null;
  const delta = change === null ? null
    : el('div', { class: 'delta' }, `${change >= 0 ? '▲' : '▼'} ${percent(Math.abs(change))} · ${t('against')} ${kind === 'ms' ? ms(before) : kind === 'rate' ? percent(before) : short(before)}`);
  return el('div', { class: 'card kpi' }, el('div', { class: 'name' }, t(word)), el('div', { class: `value ${kind === 'bad' ? 'bad' : ''}` }, value), delta, el('div', { class: 'def' }, t(`${word}Def`)));
}

// The meaning of the columns of a table, below it.
const meaning = (words) =>
  el('details', {}, el('summary', {}, t('meaning')), el('dl', { class: 'defs' }, words.map((word) => [el('dt', {}, t(word)), el('dd', {}, t(`${word}Def`))])));

// A table. A column: its word, how a row shows it, whether it is a number, the order it stands for.
function table(label, columns, rows, options = {}) {
  if (!rows.length) return el('p', { class: 'empty' }, t('none'));
  const head = columns.map(({ word, numeric, order }) => {
    const sorted = order && order === options.order;
    const text = order && options.sort ? el('button', { type: 'button', onclick: () => options.sort(order) }, `${t(word)}${sorted ? ' ↓' : ''}`) : t(word);
    const defined = WORDS[`${word}Def`] ? t(`${word}Def`) : undefined;
    return el('th', { scope: 'col', class: numeric ? 'n' : undefined, title: defined, 'aria-sort': sorted ? 'descending' : undefined }, text);
  });
  const line = (row) => el('tr', {}, columns.map(({ show, numeric, cell }) => el('td', { class: numeric ? 'n' : cell }, show(row))));
  const defined = columns.map(({ word }) => word).filter((word) => WORDS[`${word}Def`]);
  return el('div', {},
    el('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': label }, el('table', {}, el('thead', {}, el('tr', {}, head)), el('tbody', {}, rows.map(line)))),
    defined.length && !options.plain ? meaning(defined) : null);
}

// A chart of lines or bars over time. Colours come from the style sheet.
const charts = [];
function chart(label, points, series, options = {}) {
  const box = el('div', { class: 'chart', role: 'img', 'aria-label': `${label}: ${summary(points, series)}` });
  const legend = el('div', { class: 'legend', 'aria-hidden': 'true' }, series.map(({ name, key }) => el('span', {}, el('i', { class: `key-${key}` }), name)));
  const draw = () => {
    if (!box.isConnected || !window.uPlot) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (key) => style.getPropertyValue(`--${key}`).trim();
    box.replaceChildren();
    const axis = { stroke: colour('muted'), grid: { stroke: colour('line'), width: 1 }, ticks: { stroke: colour('line') }, font: '12px system-ui' };
    const format = options.log || options.ms ? (self, values) => values.map((value) => (value === null ? '' : ms(value))) : (self, values) => values.map(short);
    const lines = series.map(({ name, key, bars, of }) => ({
      label: name, stroke: colour(key), fill: bars || options.fill ? `${colour(key)}33` : undefined, width: 2,
      paths: bars ? uPlot.paths.bars({ size: [0.8, 40] }) : uPlot.paths.linear(), points: { show: points.filter((point) => of(point) !== null).length < 40, size: 5 }, spanGaps: true,
    }));
    // eslint-disable-next-line no-new
    new uPlot({
      width: Math.max(box.clientWidth, 200), height: 220, legend: { show: false }, padding: [12, 20, 0, 0],
      cursor: { y: false, points: { size: 6 } },
      scales: { y: options.log ? { distr: 3, range: (self, low, high) => [Math.max(low ?? 1, 0.01) * 0.8, Math.max(high ?? 10, 0.1) * 1.3] } : { range: (self, low, high) => [0, Math.max(high ?? 1, 1) * 1.1] } },
      series: [{}, ...lines],
      axes: [{ ...axis, values: (self, values) => values.map((value) => clock(value, points)) }, { ...axis, size: 62, values: format }],
    }, [points.map(({ inicio }) => Date.parse(inicio) / 1000), ...series.map(({ of }) => points.map(of))], box);
  };
  charts.push(draw);
  requestAnimationFrame(draw);
  const rows = points.slice(-120).reverse();
  return el('div', {}, legend, box, el('details', {}, el('summary', {}, t('asTable')),
    table(label, [{ word: 'when', show: ({ inicio }) => moment(inicio) }, ...series.map(({ name, of, show }) => ({ word: name, numeric: true, show: (point) => show(of(point)) }))], rows, { plain: true })));
}
const redraw = () => charts.forEach((draw) => draw());

function clock(second, points) {
  const date = new Date(second * 1000);
  const long = points.length > 1 && Date.parse(points.at(-1).inicio) - Date.parse(points[0].inicio) > 36 * 3600e3;
  return new Intl.DateTimeFormat(locale(), long ? { day: '2-digit', month: '2-digit', timeZone: zone } : { hour: '2-digit', minute: '2-digit' }).format(date);
}

// A chart in words, for who does not see it.
function summary(points, series) {
  return series.map(({ name, of, show }) => {
    const values = points.map(of).filter((value) => value !== null);
    if (!values.length) return `${name} –`;
    return `${name} ${show(Math.min(...values))} – ${show(Math.max(...values))}`;
  }).join('; ');
}

// What is told when there is something that somebody should know.
const banner = (text, isError) => el('p', { class: isError ? 'banner err' : 'banner', role: isError ? 'alert' : undefined }, text);

// The statements of a slow operation over its time, each with its text and plan.
function waterfall(slow) {
  const whole = Math.max(slow.ms, ...slow.instrucoes.map((ran) => ran.inicioMs + ran.ms), 0.001);
  const bars = slow.instrucoes.flatMap((ran) => {
    const bar = el('span', { class: `${ran.store} ${ran.falhou ? 'failed' : ''}` });
    bar.style.left = `${(ran.inicioMs / whole) * 100}%`;
    bar.style.width = `${(ran.ms / whole) * 100}%`;
    return [el('span', { class: 'mono name-cell' }, ran.nome), el('span', { class: 'track', title: `${ms(ran.inicioMs)} + ${ms(ran.ms)}` }, bar), el('span', { class: 'ms' }, ms(ran.ms))];
  });
  const texts = slow.instrucoes.map((ran) => el('details', {},
    el('summary', {}, `${ran.nome} · ${ms(ran.ms)} · ${number(ran.linhas)} ${t('rows').toLowerCase()} · ${number(ran.pedidos)} ${t('served')}`),
    el('pre', {}, ran.texto),
    ran.plano ? el('div', {}, el('strong', {}, t('plan')), planTable(JSON.parse(ran.plano)), el('pre', {}, JSON.stringify(JSON.parse(ran.plano), null, 2))) : el('p', { class: 'note' }, t('noPlan'))));
  return el('div', {}, el('p', { class: 'note' }, t('waterfallDef')), el('div', { class: 'fall' }, bars), texts);
}

// The tables of a plan: how each is read, by which key, how many rows.
function planTable(plan) {
  const found = [];
  const look = (part) => {
    if (Array.isArray(part)) part.forEach(look);
    else if (part && typeof part === 'object') {
      if (part.table_name) found.push(part);
      Object.values(part).forEach(look);
    }
  };
  look(plan);
  if (!found.length) return null;
  return el('table', {}, el('thead', {}, el('tr', {}, ['table', 'access', 'key', 'rows'].map((name) => el('th', { scope: 'col' }, name)))),
    el('tbody', {}, found.map((part) => el('tr', {}, [part.table_name, part.access_type ?? part.index_access_type ?? '–', part.key ?? part.index_name ?? '–', number(part.rows ?? part.rows_examined_per_scan ?? part.estimated_rows)].map((text) => el('td', { class: 'mono' }, String(text)))))));
}

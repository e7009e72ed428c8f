'use strict';
// Where we are stands in the URL; what is shown follows from it.

const TABS = ['overview', 'operations', 'fields', 'errors', 'programs', 'users', 'stores', 'slow'];
const WINDOWS = [['15m', 900], ['1h', 3600], ['6h', 21600], ['24h', 86400], ['7d', 604800], ['30d', 2592000], ['90d', 7776000], ['365d', 31536000]];
const FILTERS = ['programa', 'versao', 'usuario', 'instancia'];
const KEPT = [...FILTERS, 'janela', 'idioma', 'tema'];
const PERIOD = 5000;

const main = document.getElementById('main');
const status = document.getElementById('status');
let state = {};
let live = true;
let pages = null;
let under = null;

// What a URL says.
function read() {
  const asked = new URLSearchParams(location.search);
  state = Object.fromEntries(asked.entries());
  if (!TABS.includes(state.aba)) state.aba = 'overview';
  language = state.idioma === 'en' || (!state.idioma && !navigator.language.startsWith('pt')) ? 1 : 0;
  const dark = state.tema ? state.tema === 'escuro' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  document.documentElement.lang = locale();
}

// The URL of here, but for what is changed. Another page keeps the window and the filters alone.
function link(changes) {
  const next = 'aba' in changes && changes.aba !== state.aba ? Object.fromEntries(KEPT.map((key) => [key, state[key]])) : { ...state };
  Object.assign(next, changes);
  const asked = new URLSearchParams();
  for (const [key, value] of Object.entries(next)) if (value !== undefined && (value !== '' || key === 'programa')) asked.set(key, value);
  return `/painel?${asked}`;
}

function go(changes, isNew = true) {
  history[isNew ? 'pushState' : 'replaceState'](null, '', link(changes));
  pages = null;
  // The same page in another order: whoever is on a button of it stays there.
  show(!('aba' in changes || 'op' in changes || 'campo' in changes));
}

// Which window is asked for, or the one before it.
function asked(back = 0) {
  const length = WINDOWS.find(([name]) => name === state.janela)?.[1] ?? 3600;
  const until = Date.now() + 1000 - back * length * 1000;
  const filters = Object.fromEntries(FILTERS.filter((key) => state[key] !== undefined).map((key) => [key, state[key]]));
  return { de: new Date(until - length * 1000).toISOString(), ate: new Date(until).toISOString(), ...(filters.programa ? {} : { semProgramas: ['painel'] }), ...filters };
}

const at = {
  opened: new Set(),
  get state() { return state; },
  link,
  go,
  // One more page below those that are shown.
  more(cursor) { pages = [...(pages ?? []), cursor]; load(true); },
  searchBox(key, beside = []) {
    const box = el('input', { type: 'search', value: state[key] ?? '', placeholder: t('search'), 'aria-label': t('search'), onchange: () => go({ [key]: box.value || undefined }) });
    return el('div', { class: 'tools' }, box, beside);
  },
};

function page() {
  if (state.aba === 'operations' && state.op) return ['operation', { id: state.op }];
  if (state.aba === 'fields' && state.campo) return ['field', { nome: state.campo }];
  const { ordem, busca, uso } = state;
  return [state.aba, { ordem, busca, uso, ...(state.aba === 'overview' ? { antes: asked(1) } : {}) }];
}

function frame() {
  document.title = `${t(state.aba)} · Quarteto`;
  document.getElementById('where').textContent = t('title');
  document.getElementById('tabs').setAttribute('aria-label', t('title'));
  document.getElementById('tabs').replaceChildren(...TABS.map((tab) => el('a', { href: link({ aba: tab }), 'aria-current': tab === state.aba ? 'page' : undefined }, t(tab))));
  const select = el('select', { id: 'window', 'aria-label': t('window'), onchange: (event) => go({ janela: event.target.value }) },
    WINDOWS.map(([name]) => el('option', { value: name, selected: name === (state.janela ?? '1h') }, `${t('last')} ${name}`)));
  const dark = document.documentElement.dataset.theme === 'dark';
  document.getElementById('controls').replaceChildren(select,
    el('button', { type: 'button', id: 'live', 'aria-pressed': String(live), onclick: () => { live = !live; frame(); if (live) load(true); } }, `${live ? '●' : '○'} ${t('live')}`),
    el('button', { type: 'button', id: 'theme', 'aria-pressed': String(dark), onclick: () => go({ tema: dark ? 'claro' : 'escuro' }, false) }, t('dark')),
    el('button', { type: 'button', id: 'language', lang: LANGUAGES[1 - language], onclick: () => go({ idioma: language ? 'pt' : 'en' }, false) }, t('language')));
  const names = { programa: 'program', versao: 'version', usuario: 'user', instancia: 'instance' };
  document.getElementById('filters').replaceChildren(...FILTERS.filter((key) => state[key] !== undefined).map((key) =>
    el('button', { type: 'button', class: 'chip', 'aria-label': `${t('remove')}: ${t(names[key])} ${state[key]}`, onclick: () => go({ [key]: undefined }) }, `${t(names[key])}: ${state[key]} ✕`)));
}

// What everything that is shown has beside it: how accesses are kept.
function kept(acessos) {
  const all = [];
  if (acessos.outras > 0) all.push(banner(`${number(acessos.outras)} ${t('outras')}`));
  if (zone) all.push(el('p', { class: 'note' }, t('utc')));
  if (!acessos.emStore) all.push(banner(t('inMemory')));
  if (acessos.perdidas > 0) all.push(banner(`${number(acessos.perdidas)} ${t('lostBanner')} ${moment(acessos.perdidasDe)} – ${moment(acessos.perdidasAte)}`));
  return all;
}

// Reads and shows. In place: without a jump of the page, of the focus, or of what is unfolded.
async function load(inPlace = false) {
  under?.abort();
  const mine = (under = new AbortController());
  const [name, variables] = page();
  main.setAttribute('aria-busy', 'true');
  try {
    const window = asked();
    let { data, errors } = await ask(name, { janela: window, ...variables }, mine.signal);
    for (const after of pages ?? []) {
      const next = await ask(name, { janela: window, ...variables, after }, mine.signal);
      data = joined(data, next.data);
    }
    if (mine.signal.aborted) return;
    charts.length = 0;
    zone = data.acessos.passo === 'DIA' ? 'UTC' : undefined;
    const failed = errors.map((error) => error.message).filter((text, place, all) => all.indexOf(text) === place);
    const shown = [...failed.map((text) => banner(`${t('failed')} ${text}`, true)), ...kept(data.acessos), ...(failed.length && !data.acessos.totais && name !== 'stores' && name !== 'overview' ? [] : VIEWS[name](data, at))];
    swap([name === 'operation' || name === 'field' ? null : el('h1', { class: 'sr' }, t(name)), ...shown].filter(Boolean), inPlace);
    status.textContent = `${t('updated')} ${new Intl.DateTimeFormat(locale(), { timeStyle: 'medium' }).format(new Date())}`;
  } catch (error) {
    if (error.name === 'AbortError') return;
    swap([banner(error.forbidden ? t('forbidden') : `${t('failed')} ${error.message}`, true)], inPlace);
  } finally {
    if (under === mine) main.removeAttribute('aria-busy');
  }
}

// The rows of one more page after those before.
function joined(data, next) {
  for (const list of ['operacoes', 'campos', 'erros', 'programas', 'usuarios']) {
    if (data.acessos[list]?.pageInfo && next.acessos[list]) {
      const nodes = [...data.acessos[list].nodes, ...next.acessos[list].nodes];
      data.acessos[list] = { ...next.acessos[list], nodes };
    }
  }
  return data;
}

function swap(elements, inPlace) {
  // Whoever reads a text that was unfolded, or writes in a field, is not disturbed.
  const open = [...main.querySelectorAll('details')].map((fold) => fold.open);
  const focused = inPlace && main.contains(document.activeElement) ? path(document.activeElement) : null;
  const typed = document.activeElement instanceof HTMLInputElement && main.contains(document.activeElement) ? document.activeElement.value : null;
  const place = window.scrollY;
  main.replaceChildren(...elements);
  if (inPlace) {
    const folds = [...main.querySelectorAll('details')];
    if (folds.length === open.length) folds.forEach((fold, number) => { fold.open = open[number]; });
    const again = focused && follow(focused);
    if (again) {
      again.focus({ preventScroll: true });
      if (typed !== null && again instanceof HTMLInputElement) again.value = typed;
    }
    window.scrollTo(0, place);
  }
}
const path = (element) => { const steps = []; for (let here = element; here !== main; here = here.parentElement) steps.unshift([...here.parentElement.children].indexOf(here)); return steps; };
const follow = (steps) => steps.reduce((here, step) => here?.children[step], main);

function show(inPlace = false) {
  read();
  frame();
  load(inPlace);
}

// Links within the panel change the URL and load no page.
document.addEventListener('click', (event) => {
  const anchor = event.target.closest?.('a[href^="/painel"]');
  if (!anchor || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  history.pushState(null, '', anchor.getAttribute('href'));
  pages = null;
  at.opened.clear();
  show();
  main.focus({ preventScroll: true });
  window.scrollTo(0, 0);
});
addEventListener('popstate', () => show());
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { read(); frame(); redraw(); });
let resizing = null;
addEventListener('resize', () => { clearTimeout(resizing); resizing = setTimeout(redraw, 150); });
setInterval(() => {
  const writing = document.activeElement instanceof HTMLInputElement && document.activeElement.value !== (state.busca ?? '');
  if (live && !document.hidden && !writing && !main.hasAttribute('aria-busy')) load(true);
}, PERIOD);
show();

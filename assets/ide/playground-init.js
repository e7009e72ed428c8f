// Starts GraphQL Playground on / and /graphql.
//
// Playground keeps everything (tabs, settings, history) in localStorage under one key, in "workspaces". Its own options
// `tabs` and ?query= replace that whole state, so a returning visitor would lose their tabs. We therefore leave
// those options alone and add to the stored state what is missing, before playground.js reads it:
//   - no workspace of ours yet (a new visitor): one with the example tabs, and the settings below;
//   - a link /?query=…: one more tab, selected.
// All else in the state is the visitor's and stays.
// Written for graphql-playground-react 1.7.28, the last release; tests open it in a browser.
'use strict';

(function () {
  const STORAGE_KEY = 'graphql-playground';
  const ENDPOINT = location.origin + '/graphql';
  const WORKSPACE_NAME = 'Quarteto';
  const WORKSPACE_ID = WORKSPACE_NAME + '~' + ENDPOINT; // how Playground names a workspace

  // Visible in each tab under "HTTP Headers": asks the server for the data of the Tracing panel.
  const TAB_HEADERS = { 'X-Apollo-Tracing': '1' };

  const SETTINGS = {
    'request.credentials': 'same-origin', // the browser sends the login of the page
    'schema.polling.enable': false,
    'tracing.hideTracingResponse': true, // shown in the Tracing panel, not in the answer
    'tracing.tracingSupported': true,
    'editor.reuseHeaders': true, // a new tab inherits the headers
  };

  const json = (value) => (value ? JSON.stringify(value, null, 2) : '');

  function newTab({ name, query, variables, headers }) {
    return {
      id: 'q' + crypto.getRandomValues(new Uint32Array(3)).join('-'),
      name,
      endpoint: ENDPOINT,
      query,
      variables: typeof variables === 'string' ? variables : json(variables),
      headers: json({ ...TAB_HEADERS, ...headers }),
      responses: [],
      operations: [],
      variableToType: {},
      queryVariablesActive: Boolean(variables), // else the lower pane shows the headers
    };
  }

  function newWorkspace() {
    const tabs = window.QUARTETO_EXAMPLES.map(newTab);
    return {
      docs: {},
      sessions: {
        sessions: Object.fromEntries(tabs.map((tab) => [tab.id, tab])),
        selectedSessionId: tabs[0].id,
        sessionCount: tabs.length,
        headers: json(TAB_HEADERS),
      },
      sharing: {},
      history: {},
    };
  }

  function parse(text) {
    try {
      return JSON.parse(text) || {};
    } catch {
      return {};
    }
  }

  function prepareState() {
    const state = {
      selectedWorkspace: '',
      appHistory: { items: {} },
      general: {},
      ...parse(localStorage.getItem(STORAGE_KEY)),
    };
    state.workspaces = { ...state.workspaces };
    const settings = parse(state.settingsString);

    if (!state.workspaces[WORKSPACE_ID]) {
      state.workspaces[WORKSPACE_ID] = newWorkspace();
      Object.assign(settings, SETTINGS);
    }
    if (settings['request.credentials'] === 'omit') {
      settings['request.credentials'] = SETTINGS['request.credentials']; // without the login nothing would work
    }
    state.settingsString = JSON.stringify(settings, null, 2);
    state.selectedWorkspace = WORKSPACE_ID;

    const link = new URLSearchParams(location.search);
    if (link.get('query')) {
      const { sessions } = state.workspaces[WORKSPACE_ID];
      const tab = newTab({ query: link.get('query'), variables: link.get('variables') || undefined });
      sessions.sessions[tab.id] = tab;
      sessions.selectedSessionId = tab.id;
    }
    localStorage.setItem(STORAGE_KEY, JSON.stringify(state));
  }

  try {
    prepareState();
  } catch (error) {
    console.warn('No example tabs: localStorage is not available.', error);
  }
  if (location.search) {
    // Playground reads more parameters (endpoint, tabs, headers, …); a link shall not steer it elsewhere.
    history.replaceState(null, '', location.pathname);
  }

  // The Tracing panel says "not supported" in a tab unless the first schema answer carried a trace. This server always
  // traces when the header asks for it, so mark each tab that gets selected. `s` is the store Playground leaves on window.
  function markTracingSupported(store) {
    const session = window.session();
    if (session && !session.tracingSupported) {
      store.dispatch({ type: 'SET_TRACING_SUPPORTED', payload: { tracingSupported: true } });
    }
  }

  // Deferred scripts have all run by now, playground.js too.
  document.addEventListener('DOMContentLoaded', () => {
    GraphQLPlayground.init(document.getElementById('root'), {
      endpoint: ENDPOINT,
      workspaceName: WORKSPACE_NAME,
      setTitle: false,
      shareEnabled: false, // "Share" would send the tabs to another host
    });
    if (window.s && window.session) {
      markTracingSupported(window.s);
      window.s.subscribe(() => markTracingSupported(window.s));
    }
  });
})();

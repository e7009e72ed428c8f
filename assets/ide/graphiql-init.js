// Starts GraphiQL on /graphiql.
//
// GraphiQL keeps the visitor's tabs in localStorage; `defaultTabs` are used only while nothing is stored,
// so a returning visitor finds their own tabs. The browser sends the login of the page by itself.
'use strict';

(function () {
  const json = (value) => (value ? JSON.stringify(value, null, 2) : null);

  const fetcher = GraphiQL.createFetcher({
    url: '/graphql',
    headers: { accept: 'application/graphql-response+json, application/json;q=0.9' },
    enableIncrementalDelivery: false, // the server answers each request with one document
    fetch: (url, options) => fetch(url, { ...options, credentials: 'same-origin' }),
  });

  // A link such as /graphiql?query=…&variables=… opens that query; nothing runs by itself.
  const link = new URLSearchParams(location.search);
  const linked = link.get('query')
    ? { query: link.get('query'), variables: link.get('variables') || '' }
    : {};
  if (location.search) {
    history.replaceState(null, '', location.pathname);
  }

  const defaultTabs = window.QUARTETO_EXAMPLES.map(({ query, variables, headers }) => ({
    query,
    variables: json(variables),
    headers: json(headers),
  }));
  if (linked.query) {
    defaultTabs.unshift(linked);
  }

  const app = React.createElement(
    GraphiQL,
    {
      fetcher,
      defaultTabs,
      defaultQuery: '# Write your query here\n',
      storage: GraphiQL.createLocalStorage({ namespace: 'quarteto' }),
      shouldPersistHeaders: true, // else the headers of an example are gone after a reload
      ...linked,
    },
    // In place of the default logo, which links to another site.
    React.createElement(GraphiQL.Logo, null, 'Quarteto'),
  );

  ReactDOM.createRoot(document.getElementById('root')).render(app);
})();

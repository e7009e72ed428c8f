//! The panel in a real browser: every page with data, light and dark, on a wide screen and on
//! a phone, for people who do not see it, too, and with no request that leaves us.

use reqwest::Method;

use crate::support::app::{PASSWORD, Served, send};
use crate::support::server::Server;
use crate::support::{TestApp, Value, Visit, json};

/// A served shop whose accesses have a store, and in which every operation is slow.
async fn asked() -> TestApp {
    let server = Server::shared().await;
    let acessos = Some(server.url(&server.acessos().await));
    let app = TestApp::served(Served { acessos, slow_micros: 1, ..Served::default() }).await.once();
    for (program, version) in [("site", "3.1"), ("site", "3.2"), ("loja", "1.0")] {
        for body in [
            json!({ "query": "query Cadastro($id: ID!) { cliente(id: $id) { nome cpf enderecos { cidade } compras(first: 3) { nodes { produto { nome } } } } }", "variables": { "id": "cliente_1" } }),
            json!({ "query": "query Lista($f: ClienteFiltro) { clientes(first: 2, filtro: $f) { nodes { nome } } }", "variables": { "f": { "nomeContem": "Ana" } } }),
            json!({ "query": "query Errada { meu: cliente(id: \"endereco_1\") { nome } }" }),
            json!({ "query": "{ naoExiste }" }),
        ] {
            let request = app.anonymous(Method::POST, "/graphql").basic_auth("leitor", Some(PASSWORD));
            let request = request.header("apollographql-client-name", program);
            send(request.header("apollographql-client-version", version).json(&body)).await;
        }
    }
    app.acessos.flush().await;
    app
}

/// What stands on a page when it has been read.
async fn opened(visit: &Visit, app: &TestApp, query: &str) {
    visit.goto(app, &format!("/painel?{query}")).await;
    visit.until("document.querySelector('main').childElementCount > 0 && !document.querySelector('main').hasAttribute('aria-busy')").await;
}

/// Pages, and what each must show of what was asked.
const PAGES: [(&str, &[&str]); 8] = [
    ("overview", &["Chamadas", "Taxa de erro", "Cadastro", "ID_INVALIDO", "clientes", "fechado"]),
    ("operations", &["Cadastro", "Lista", "Errada", "{ naoExiste }", "p95"]),
    ("fields", &["Cliente.cpf", "ClienteFiltro.nomeContem"]),
    ("errors", &["ID_INVALIDO", "GRAPHQL_VALIDATION_FAILED", "site 3.2"]),
    ("programs", &["site 3.1", "site 3.2", "loja 1.0"]),
    ("users", &["leitor"]),
    ("stores", &["inventario", "Instâncias", "Remoções em aberto"]),
    ("slow", &["Cadastro", "site 3.1"]),
];

/// axe-core, as an expression whose value is small.
fn axe() -> String {
    let installed = concat!(env!("CARGO_TARGET_TMPDIR"), "/../clients/node/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(installed).expect("`make tools-clients` installs axe-core");
    format!("{axe}; 0")
}

/// The violations of a page, as axe-core finds them.
async fn violations(visit: &Visit, axe: &str) -> Value {
    visit.value(axe).await;
    let told = "axe.run(document).then(found => found.violations.map(one => \
                `${one.id}: ${one.nodes.map(node => node.target.join(' ')).join(', ')}`))";
    visit.value(told).await
}

#[tokio::test]
async fn every_page_shows_what_was_asked_to_everybody_and_asks_nobody_else() {
    let app = asked().await;
    let axe = axe();
    let mut visit = Visit::start().await;
    visit.log_in_as("admin").await;
    for (width, height) in [(1400, 1000), (390, 844)] {
        visit.resize(width, height).await;
        for theme in ["claro", "escuro"] {
            for (page, shown) in PAGES {
                opened(&visit, &app, &format!("aba={page}&tema={theme}&idioma=pt")).await;
                let text = visit.value("document.body.innerText").await;
                let text = text.as_str().expect("text");
                for part in shown {
                    assert!(text.contains(part), "{part} on {page}:\n{text}");
                }
                let around = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
                assert_eq!(visit.value(around).await, 0, "{page} is wider than {width}");
                assert_eq!(violations(&visit, &axe).await, json!([]), "{page} {width} {theme}");
                visit.picture(&format!("painel-{page}-{width}-{theme}")).await;
            }
        }
    }
    let own = format!("{}/", app.base());
    let requests = visit.watch.requests();
    assert!(requests.contains(&format!("{own}graphql")), "{requests:?}");
    let foreign = |url: &&String| !["data:", "blob:", &own].iter().any(|start| url.starts_with(start));
    assert_eq!(requests.iter().filter(foreign).collect::<Vec<_>>(), [""; 0], "requests to other hosts");
    assert_eq!(visit.watch.errors(), [""; 0], "errors in the console");
    visit.end().await;
}

#[tokio::test]
async fn an_operation_a_field_and_a_slow_one_are_looked_into() {
    let app = asked().await;
    let axe = axe();
    let mut visit = Visit::start().await;
    visit.log_in_as("admin").await;
    visit.resize(1400, 1000).await;
    // From the overview to an operation: its text, who asks it, what it uses.
    opened(&visit, &app, "idioma=pt").await;
    visit.click("//main//a[text()='Cadastro']").await;
    visit.until("document.querySelector('h1')?.innerText.startsWith('Cadastro')").await;
    for part in ["site 3.2", "leitor", "Cliente.cpf", "cliente(id: $id)"] {
        visit.until(&format!("document.body.innerText.includes('{part}')")).await;
    }
    assert!(visit.value("location.search").await.as_str().is_some_and(|query| query.contains("op=")));
    assert_eq!(violations(&visit, &axe).await, json!([]), "an operation");
    visit.picture("painel-operation").await;
    // To a field, and who uses it.
    visit.click("//main//a[text()='Cliente.cpf']").await;
    visit.until("document.querySelector('h1')?.innerText.includes('Cliente.cpf')").await;
    visit.until("document.body.innerText.includes('loja 1.0')").await;
    assert_eq!(violations(&visit, &axe).await, json!([]), "a field");
    // Back is back.
    visit.value("history.back()").await;
    visit.until("document.querySelector('h1')?.innerText.startsWith('Cadastro')").await;
    // A filter stands in the URL and can be taken away.
    opened(&visit, &app, "aba=operations&programa=loja&idioma=en").await;
    visit.until("document.querySelector('.chip')?.innerText.includes('Program: loja')").await;
    visit.click("//button[contains(@class, 'chip')]").await;
    visit.until("!location.search.includes('programa')").await;
    // A slow operation: its statements over time.
    opened(&visit, &app, "aba=slow&idioma=pt").await;
    visit.click("(//main//summary[contains(., 'Cadastro')])[1]").await;
    for part in ["clientes.por_id", "enderecos.do_cliente"] {
        visit.until(&format!("document.body.innerText.includes('{part}')")).await;
    }
    assert_eq!(violations(&visit, &axe).await, json!([]), "a slow operation");
    visit.picture("painel-slow-open").await;
    assert_eq!(visit.watch.errors(), [""; 0], "errors in the console");
    visit.end().await;
}

#[tokio::test]
async fn who_is_not_the_admin_is_told_so() {
    let app = TestApp::start().await;
    let visit = Visit::start().await;
    visit.log_in_as("leitor").await;
    opened(&visit, &app, "idioma=pt").await;
    visit.until("document.body.innerText.includes('Este painel é para o papel ADMIN.')").await;
    visit.end().await;
}

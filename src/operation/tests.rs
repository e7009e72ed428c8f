//! What the first door lets in, over the real schema and without a store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use apollo_compiler::ExecutableDocument;
use apollo_compiler::request::coerce_variable_values;
use async_graphql::Variables;
use async_graphql::parser::types::OperationType;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::checked::{Checked, Refused};
use super::cost::unsized_lists;
use super::document::{Checks, Document, parse};
use super::size::DocumentLimits;
use super::variables::{Scalars, coerce};
use super::*;
use crate::kernel::{Papel, Requester, code};
use crate::schema::samples;

fn settings() -> Settings {
    Settings {
        document: DocumentLimits::default(),
        answer: AnswerLimits::default(),
        representations: 1_000,
        trusted: None,
        introspection: Introspection::All,
    }
}

fn operations(settings: Settings) -> Operations {
    Operations::new(
        Arc::new(samples::merged()),
        settings,
        Arc::new(Metrics::of_nothing()),
        crate::stores::acessos::Acessos::of_nothing(),
    )
}

fn try_with(operations: &Operations, ask: Ask, papel: Papel, key: Option<&str>) -> Result<Checked, Refused> {
    let requester = Requester { nome: "ana".into(), papel };
    let deadline = Instant::now() + Duration::from_secs(60);
    let caller = Caller {
        requester: &requester,
        id: "id-1",
        traced: false,
        reads_only: false,
        idempotency_key: key,
        deadline,
        program: ("", ""),
        explains: false,
        is_sibling: false,
    };
    operations.check(ask, &caller)
}

#[expect(clippy::needless_pass_by_value, reason = "every call makes one for it")]
fn ask(query: &str, variables: Value) -> Ask {
    Ask { query: Some(query.to_owned()), variables: variables.as_object().cloned(), ..Ask::default() }
}

fn refusal(result: Result<Checked, Refused>) -> Refusal {
    match result {
        Err(Refused::Operation(refused)) => refused.refusal,
        Err(Refused::Malformed(message)) => Refusal::new("MALFORMED", message),
        Err(Refused::ReadsOnly) => Refusal::new("READS_ONLY", ""),
        Ok(checked) => panic!("checked, at {}", checked.cost()),
    }
}

/// The code, and the problems with their places, one a line.
fn told(refusal: &Refusal) -> (&'static str, Vec<String>) {
    let place =
        |problem: &Problem| problem.at.map_or(String::new(), |at| format!("{}:{} ", at.line, at.column));
    (
        refusal.code,
        refusal.problems.iter().map(|problem| format!("{}{}", place(problem), problem.message)).collect(),
    )
}

/// Texts that are no documents of this schema, and all that is said of each.
const INVALID: &[(&str, &str, &[&str])] = &[
    ("", code::GRAPHQL_PARSE_FAILED, &["The document is empty."]),
    (" \n", code::GRAPHQL_PARSE_FAILED, &["The document is empty."]),
    ("{", code::GRAPHQL_PARSE_FAILED, &["1:2 Syntax error: `{ }` must select something."]),
    ("}", code::GRAPHQL_PARSE_FAILED, &["1:1 Syntax error: an operation or a fragment is expected here."]),
    (
        "{ cliente(id: 1) { nome }",
        code::GRAPHQL_PARSE_FAILED,
        &["1:26 Syntax error: expected `}`, not the end of the document."],
    ),
    (
        "{ clientes(first: 1 { total } }",
        code::GRAPHQL_PARSE_FAILED,
        &["1:21 Syntax error: expected `)`, not {."],
    ),
    ("{ eu { nome } } %", code::GRAPHQL_PARSE_FAILED, &["1:17 Syntax error: unexpected character \"%\"."]),
    (
        "{ cliente(id: \"\\uD83D\") { id } }",
        code::GRAPHQL_PARSE_FAILED,
        &["1:15 Syntax error: unpaired surrogate in unicode escape sequence."],
    ),
    (
        "{ clientes(first: 01) { total } }",
        code::GRAPHQL_PARSE_FAILED,
        &["1:19 Syntax error: Numbers must not have non-significant leading zeroes."],
    ),
    ("{ leak }", code::GRAPHQL_VALIDATION_FAILED, &["1:3 Unknown field \"leak\" on type \"Query\"."]),
    (
        "{ clientez { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:3 Unknown field \"clientez\" on type \"Query\". Did you mean \"clientes\"?"],
    ),
    (
        "{ eu { nom } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:8 Unknown field \"nom\" on type \"Usuario\". Did you mean \"nome\"?"],
    ),
    (
        "{ clientes(frst: 1) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:12 Unknown argument \"frst\" on field \"Query.clientes\". Did you mean \"first\"?"],
    ),
    (
        "query($x: Clinte) { cliente(id: $x) { id } a: cliente(id: $x) { id } b: cliente(id: $x) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:7 Unknown type \"Clinte\". Did you mean \"Cliente\"?"],
    ),
    (
        "query($x: Int) { eu { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:7 Variable \"$x\" is never used."],
    ),
    (
        "{ clientes(ordem: \"NOME_ASC\") { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:19 ClienteOrdem cannot represent value: \"NOME_ASC\"."],
    ),
    (
        "{ clientes(ordem: NOME_AS) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:19 Value \"NOME_AS\" does not exist in \"ClienteOrdem\" enum. Did you mean \"NOME_ASC\"?"],
    ),
    (
        "{ clientes(first: 99999999999) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:19 Int cannot represent non 32-bit signed integer value: 99999999999."],
    ),
    (
        "{ cliente { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:3 Field \"cliente\" argument \"id\" of type \"ID!\" is required, but it was not provided."],
    ),
    (
        "{ cliente(id: null) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:15 ID cannot represent value: null."],
    ),
    (
        "{ eu }",
        code::GRAPHQL_VALIDATION_FAILED,
        &[
            "1:3 Field \"eu\" of type \"Query\" must have a selection of subfields. Did you mean \"eu { ... }\"?",
        ],
    ),
    (
        "{ eu { nome { x } } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:8 Field \"nome\" must not have a selection since type \"String\" has no subfields."],
    ),
    (
        "{ eu { nome @skipp(if: true) } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:13 Unknown directive \"@skipp\". Did you mean \"skip\"?"],
    ),
    (
        "{ eu { nome @skip(if: true, iff: true) } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:29 Unknown argument \"iff\" on directive \"@skip\". Did you mean \"if\"?"],
    ),
    ("{ ...A }", code::GRAPHQL_VALIDATION_FAILED, &["1:3 Unknown fragment \"A\"."]),
    (
        "{ eu { nome } } fragment A on Query { eu { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:17 Fragment \"A\" is never used."],
    ),
    (
        "{ ... on Cliente { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &[
            "1:3 Fragment cannot be spread here as objects of type \"Query\" can never be of type \"Cliente\".",
        ],
    ),
    (
        "{ eu { nome } } { eu { papel } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:1 This anonymous operation must be the only defined operation."],
    ),
    (
        "query A { eu { nome } } query A { eu { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:31 There can be only one operation named \"A\"."],
    ),
    (
        "subscription { tudo }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:1 The schema has no \"subscription\" root type defined."],
    ),
    ("type X { a: Int }", code::GRAPHQL_VALIDATION_FAILED, &["1:1 The \"X\" definition is not executable."]),
    (
        "{ cliente(id: 1) { nome } cliente(id: 2) { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &[
            "1:27 Fields \"cliente\" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.",
        ],
    ),
    (
        "{ cliente(id: 1, id: 2) { nome } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:18 There can be only one argument named \"id\"."],
    ),
    (
        "{ clientes(filtro: {nomeContm: \"x\"}) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:32 Field \"nomeContm\" is not defined by type \"ClienteFiltro\". Did you mean \"nomeContem\"?"],
    ),
    // A key twice, wherever an object may stand.
    (
        "{ clientes(filtro: {nomeContem: \"an\", nomeContem: \"bx\"}) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:51 There can be only one input field named \"nomeContem\"."],
    ),
    (
        "query($f: ClienteFiltro = {nomeContem: \"a\", nomeContem: \"b\"}) { clientes(filtro: $f) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:57 There can be only one input field named \"nomeContem\"."],
    ),
    // Variables of another type than their place.
    (
        "query($i: String!) { cliente(id: $i) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:30 Variable \"$i\" of type \"String!\" used in position expecting type \"ID!\"."],
    ),
    (
        "query($i: ID) { cliente(id: $i) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:25 Variable \"$i\" of type \"ID\" used in position expecting type \"ID!\"."],
    ),
    (
        "query($f: ProdutoFiltro) { clientes(filtro: $f) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &[
            "1:37 Variable \"$f\" of type \"ProdutoFiltro\" used in position expecting type \"ClienteFiltro\".",
        ],
    ),
    (
        "query($n: String) { clientes(first: $n) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:30 Variable \"$n\" of type \"String\" used in position expecting type \"Int\"."],
    ),
    (
        "query($v: String!) { eu { nome @include(if: $v) } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:41 Variable \"$v\" of type \"String!\" used in position expecting type \"Boolean!\"."],
    ),
    (
        "query($c: String!) { clientePorCpf(cpf: $c) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:36 Variable \"$c\" of type \"String!\" used in position expecting type \"CPF!\"."],
    ),
    (
        "query($l: ID!) { nodes(ids: $l) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:24 Variable \"$l\" of type \"ID!\" used in position expecting type \"[ID!]!\"."],
    ),
    // The same inside of lists and objects, which the crate does not see.
    (
        "query($i: ID) { nodes(ids: [$i]) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:29 Variable \"$i\" of type \"ID\" used in position expecting type \"ID!\"."],
    ),
    (
        "query($i: [ID!]!) { nodes(ids: [$i]) { id } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:33 Variable \"$i\" of type \"[ID!]!\" used in position expecting type \"ID!\"."],
    ),
    (
        "mutation($i: ID) { removerCliente(input: {id: $i}) { erros { codigo } } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:47 Variable \"$i\" of type \"ID\" used in position expecting type \"ID!\"."],
    ),
    (
        "{ ...A } fragment A on Query { clientes(filtro: {nomeContem: $x}) { total } }",
        code::GRAPHQL_VALIDATION_FAILED,
        &["1:62 Variable \"$x\" is not defined."],
    ),
    // The schema in circles.
    (
        "{ __schema { types { possibleTypes { interfaces { possibleTypes { name } } } } } }",
        code::LIMITE_PROFUNDIDADE,
        &[
            "1:51 The schema is asked for in circles: lists of fields, interfaces, possible types and input fields may not be three deep.",
        ],
    ),
    (
        "{ __type(name: \"Node\") { ...A } } fragment A on __Type { possibleTypes { ...B } } fragment B on __Type { fields { type { fields { name } } } }",
        code::LIMITE_PROFUNDIDADE,
        &[
            "1:122 The schema is asked for in circles: lists of fields, interfaces, possible types and input fields may not be three deep.",
        ],
    ),
];

#[test]
fn what_is_invalid_is_told_in_sentences() {
    let operations = operations(settings());
    let mut others = Vec::new();
    for (text, code, sentences) in INVALID {
        let told = told(&refusal(try_with(&operations, ask(text, json!({})), Papel::Leitor, None)));
        if told != (*code, sentences.iter().map(|&sentence| sentence.to_owned()).collect()) {
            others.push(format!("{text}: {told:?}"));
        }
    }
    assert_eq!(others, Vec::<String>::new());
}

/// Operations that are right, and must stay so.
const VALID: &[&str] = &[
    "{ eu { nome } }",
    "\u{FEFF}{ eu { nome } }",
    "{ a: eu { nome } a: eu { papel } }",
    ",,query,A(,$i,:,ID,!,=,\"1,:\",){,a,:,cliente(,id,:,$i,),{,...,on,Cliente,{,id,},...,B,},},fragment,B,on,Cliente,{,nome,#,:\n},",
    "query($v: Boolean = true) { eu { nome @include(if: $v) } }",
    "query($v: Boolean!) { ...A @skip(if: $v) } fragment A on Query { eu { nome } }",
    "query($n: Int = 3) { clientes(first: $n) { total } }",
    "query($i: ID!) { nodes(ids: [$i, \"cliente_1\"]) { id } }",
    "query($i: ID!) { a: nodes(ids: [$i]) { id } b: cliente(id: $i) { id } }",
    "query($i: ID = \"1\") { a: nodes(ids: [$i]) { id } }",
    "query($c: String) { clientes(filtro: {nomeContem: $c}) { total } }",
    "mutation($p: String) { adicionarEndereco(input: {cliente: 1, logradouro: \"a\", numero: \"1\", cidade: \"b\", uf: SP, cep: \"01310100\", pais: $p}) { erros { codigo } } }",
    "{ cliente(id: \"\\uD83D\\uDE00\") { id } }",
    "{ cliente(id: \"\\u{1F600}\") { id } }",
    "{ nodes(ids: \"cliente_1\") { id ... on Cliente { nome } } }",
    "{ __schema { types { fields { args { type { ofType { name } } } } } } }",
];

#[test]
fn what_is_valid_is_checked() {
    let operations = operations(settings());
    for text in VALID {
        let variables = json!({ "v": true, "i": "1" });
        if let Err(refused) = try_with(&operations, ask(text, variables), Papel::Editor, None) {
            panic!("{text}: {:?}", told(&self::refusal(Err(refused))));
        }
    }
}

#[test]
fn strings_mean_what_the_specification_says() {
    use async_graphql::parser::types::{DocumentOperations, Selection};
    let operations = operations(settings());
    for (literal, meant) in [
        (r#""\uD83D\uDE00""#, "😀"),
        (r#""\u{1F600}""#, "😀"),
        (r#""""tem \""" dentro""""#, "tem \"\"\" dentro"),
        (r#""a\n\t\"\\\/""#, "a\n\t\"\\/"),
        ("\"\"\"\n    a\n      b\n    \"\"\"", "a\n  b"),
        ("18446744073709551616", "18446744073709551616"),
        ("7", "7"),
    ] {
        let text = format!("{{ cliente(id: {literal}) {{ id }} }}");
        let checked =
            try_with(&operations, ask(&text, json!({})), Papel::Leitor, None).ok().expect("checked");
        let DocumentOperations::Single(operation) = &checked.executable.operations else { panic!("one") };
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("a field")
        };
        let value = &field.node.get_argument("id").expect("given").node;
        assert_eq!(*value, async_graphql_value::Value::String(meant.to_owned()), "{literal}");
    }
}

/// Variables: their declaration, where they stand, what is given, and what becomes of
/// it: a value, or a sentence.
#[test]
fn variables_are_coerced_as_the_specification_says() {
    let operations = operations(settings());
    let given = |text: &str, variables: Value| -> Result<Value, String> {
        match try_with(&operations, ask(text, variables), Papel::Editor, None) {
            Ok(checked) => Ok(serde_json::to_value(&checked.variables).expect("JSON")),
            Err(refused) => {
                let refusal = refusal(Err(refused));
                assert_eq!(refusal.code, code::BAD_USER_INPUT, "{text}");
                Err(refusal.problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>().join(" "))
            }
        }
    };
    let page = |ty: &str| format!("query($n: {ty}) {{ clientes(first: $n) {{ total }} }}");
    let cliente = "query($id: ID!) { cliente(id: $id) { id } }";
    let nodes = "query($l: [ID!]!) { nodes(ids: $l) { id } }";
    let filtro = "query($f: EnderecoFiltro!) { enderecos(filtro: $f) { total } }";
    let altera = "mutation($id: ID!, $t: String!) { atualizarCliente(input: {id: $id, telefone: $t}) { erros { codigo } } }";
    let novo = "mutation($e: AdicionarEnderecoInput!) { adicionarEndereco(input: $e) { erros { codigo } } }";
    let cpf = "query($c: CPF!) { clientePorCpf(cpf: $c) { id } }";
    let preco = "query($p: Decimal) { produtos(filtro: {precoMin: $p}) { total } }";
    let inclui = "query($v: Boolean!) { eu { nome @include(if: $v) } }";
    let wrong = |rule: &str| Err(rule.to_owned());
    for (text, variables, want) in [
        (
            page("Int!").as_str(),
            json!({}),
            wrong("Variable \"$n\" of required type \"Int!\" was not provided."),
        ),
        (
            &page("Int!"),
            json!({ "n": null }),
            wrong("Variable \"$n\" of required type \"Int!\" must not be null."),
        ),
        (
            &page("Int! = 3"),
            json!({ "n": null }),
            wrong("Variable \"$n\" of required type \"Int!\" must not be null."),
        ),
        (&page("Int! = 3"), json!({}), Ok(json!({ "n": 3 }))),
        (&page("Int = 3"), json!({ "n": null }), Ok(json!({ "n": null }))),
        (&page("Int"), json!({}), Ok(json!({}))),
        ("query($i: ID = \"1\") { cliente(id: $i) { id } }", json!({}), Ok(json!({ "i": "1" }))),
        (
            "query($i: ID = \"1\") { cliente(id: $i) { id } }",
            json!({ "i": null }),
            wrong("Variable \"$i\" must not be null: it is used where null is not allowed."),
        ),
        (
            "query($i: ID = \"1\") { nodes(ids: [$i]) { id } }",
            json!({ "i": null }),
            wrong("Variable \"$i\" must not be null: it is used where null is not allowed."),
        ),
        (
            "query($v: Boolean = true) { ...A } fragment A on Query { eu { nome @include(if: $v) } }",
            json!({ "v": null }),
            wrong("Variable \"$v\" must not be null: it is used where null is not allowed."),
        ),
        (
            "query A($v: Boolean = true, $n: Int) { clientes(first: $n) { total @include(if: $v) } }",
            json!({ "n": null }),
            Ok(json!({ "v": true, "n": null })),
        ),
        (&page("Int"), json!({ "n": 2.0, "more": [] }), Ok(json!({ "n": 2 }))),
        (
            &page("Int"),
            json!({ "n": 2.5 }),
            wrong(
                "Variable \"$n\" has a wrong value: an Int is expected (a whole number from -2147483648 to 2147483647), not 2.5.",
            ),
        ),
        (
            &page("Int"),
            json!({ "n": 2_147_483_648_u64 }),
            wrong(
                "Variable \"$n\" has a wrong value: an Int is expected (a whole number from -2147483648 to 2147483647), not 2147483648.",
            ),
        ),
        (
            &page("Int"),
            json!({ "n": "3" }),
            wrong("Variable \"$n\" has a wrong value: an Int is expected, not \"3\"."),
        ),
        (
            &page("Int"),
            json!({ "n": [3] }),
            wrong("Variable \"$n\" has a wrong value: an Int is expected, not a list."),
        ),
        (
            cliente,
            json!({ "id": 18_446_744_073_709_551_615_u64 }),
            Ok(json!({ "id": "18446744073709551615" })),
        ),
        (cliente, json!({ "id": -3 }), Ok(json!({ "id": "-3" }))),
        (
            cliente,
            json!({ "id": 1.5 }),
            wrong("Variable \"$id\" has a wrong value: an ID is expected, not 1.5."),
        ),
        (
            cliente,
            json!({ "id": true }),
            wrong("Variable \"$id\" has a wrong value: an ID is expected, not true."),
        ),
        (nodes, json!({ "l": "cliente_1" }), Ok(json!({ "l": ["cliente_1"] }))),
        (nodes, json!({ "l": ["a", 2] }), Ok(json!({ "l": ["a", "2"] }))),
        (
            nodes,
            json!({ "l": ["a", null] }),
            wrong("Variable \"$l\" has a wrong value at \"l[1]\": the type \"ID!\" must not be null."),
        ),
        (filtro, json!({ "f": {} }), Ok(json!({ "f": {} }))),
        (filtro, json!({}), wrong("Variable \"$f\" of required type \"EnderecoFiltro!\" was not provided.")),
        (
            filtro,
            json!({ "f": { "uf": "SP", "cep": "01310-100" } }),
            Ok(json!({ "f": { "uf": "SP", "cep": "01310-100" } })),
        ),
        (
            filtro,
            json!({ "f": { "uf": "XX" } }),
            wrong("Variable \"$f\" has a wrong value at \"f.uf\": \"XX\" is not a value of the enum \"UF\"."),
        ),
        (
            filtro,
            json!({ "f": { "uf": "sp" } }),
            wrong("Variable \"$f\" has a wrong value at \"f.uf\": \"sp\" is not a value of the enum \"UF\"."),
        ),
        (
            filtro,
            json!({ "f": { "cep": [] } }),
            wrong("Variable \"$f\" has a wrong value at \"f.cep\": a CEP is expected, not a list."),
        ),
        (
            filtro,
            json!({ "f": { "ceps": "1" } }),
            wrong("Variable \"$f\" has a wrong value: \"ceps\" is not a field of \"EnderecoFiltro\"."),
        ),
        (
            filtro,
            json!({ "f": "SP" }),
            wrong(
                "Variable \"$f\" has a wrong value: an object of type \"EnderecoFiltro\" is expected, not \"SP\".",
            ),
        ),
        (
            altera,
            json!({ "id": "cliente_201", "t": null }),
            wrong("Variable \"$t\" of required type \"String!\" must not be null."),
        ),
        (
            altera,
            json!({ "id": "cliente_201" }),
            wrong("Variable \"$t\" of required type \"String!\" was not provided."),
        ),
        (
            altera,
            json!({}),
            wrong(
                "Variable \"$id\" of required type \"ID!\" was not provided. Variable \"$t\" of required type \"String!\" was not provided.",
            ),
        ),
        (
            novo,
            json!({ "e": { "cliente": 1 } }),
            wrong(
                "Variable \"$e\" has a wrong value: the field \"logradouro\" of required type \"String!\" was not provided.",
            ),
        ),
        (
            novo,
            json!({ "e": { "cliente": 1, "logradouro": "a", "numero": "1", "cidade": "b", "uf": "SP", "cep": 1 } }),
            Ok(
                json!({ "e": { "cliente": "1", "logradouro": "a", "numero": "1", "cidade": "b", "uf": "SP", "cep": 1, "pais": "BR" } }),
            ),
        ),
        (cpf, json!({ "c": "529.982.247-25" }), Ok(json!({ "c": "529.982.247-25" }))),
        (
            cpf,
            json!({ "c": "529" }),
            wrong("Variable \"$c\" has a wrong value: a CPF has 11 digits, as in 529.982.247-25."),
        ),
        (
            filtro,
            json!({ "f": { "cep": "123" } }),
            wrong("Variable \"$f\" has a wrong value at \"f.cep\": a CEP has 8 digits, as in 01310-100."),
        ),
        (
            cpf,
            json!({ "c": { "d": 1 } }),
            wrong("Variable \"$c\" has a wrong value: a CPF is expected, not an object."),
        ),
        (preco, json!({ "p": 12.5 }), Ok(json!({ "p": "12.5" }))),
        (preco, json!({ "p": 12 }), Ok(json!({ "p": 12 }))),
        (
            inclui,
            json!({ "v": "true" }),
            wrong("Variable \"$v\" has a wrong value: a Boolean is expected, not \"true\"."),
        ),
        (inclui, json!({}), wrong("Variable \"$v\" of required type \"Boolean!\" was not provided.")),
    ] {
        assert_eq!(given(text, variables.clone()), want, "{text} {variables}");
    }
}

/// Values of every kind, some of them right.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5_i32..5).prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        prop_oneof![Just("SP"), Just("1"), Just("NOME_ASC"), Just("x")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof![Just("uf"), Just("cidade"), Just("cep"), Just("cliente"), Just("nada")];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..3).prop_map(|map| Value::Object(
                map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    /// apollo-compiler's own coercion takes and refuses the same, but for what is told
    /// in `variables.rs`.
    #[test]
    fn the_crate_coerces_alike(value in json_value(), which in 0_usize..6) {
        let served = samples::merged();
        let schema = served.types();
        let types = ["Int", "ID!", "[ID!]!", "EnderecoFiltro!", "Boolean!", "ClienteOrdem"];
        let places = ["clientes(first: $v) { total }", "cliente(id: $v) { id }", "nodes(ids: $v) { id }",
            "enderecos(filtro: $v) { total }", "eu @skip(if: $v) { nome }", "clientes(ordem: $v) { total }"];
        let text = format!("query($v: {}) {{ {} }}", types[which], places[which]);
        let typed = ExecutableDocument::parse_and_validate(schema, &text, "").expect("valid");
        let given = json!({ "v": value });
        let given = given.as_object().expect("an object");
        let bytes = serde_json::to_vec(given).expect("JSON");
        let theirs = serde_json::from_slice(&bytes).expect("JSON");
        let theirs = coerce_variable_values(schema, typed.operations.get(None).expect("one"), &theirs).is_ok();
        let ast = parse(&text, DocumentLimits::default()).expect("parsed");
        let checks = Checks { limits: DocumentLimits::default(), representations: 9, fingerprints: false };
        let document = Document::check(&ast, &text, &checks, &served).expect("valid");
        let ours = coerce(schema, &document.choose(None).expect("one").variables, Some(given), Scalars::AsTheyAre).is_ok();
        // Whole numbers with a point, lists and objects for a scalar of ours.
        let differs = value.to_string().contains(".0") || value.to_string().contains('e')
            || value.pointer("/cep").is_some();
        prop_assert!(ours == theirs || differs, "{} {}: ours {}, theirs {}", text, value, ours, theirs);
    }
}

#[test]
fn every_list_says_how_long_it_may_be() {
    for served in [samples::merged(), samples::enderecos()] {
        assert_eq!(unsized_lists(served.types()), Vec::<String>::new());
    }
    let sdl = "type Query { a: [A] b: [Int] c: C } type A { x: Int } type C { nodes: [A] }";
    let schema = apollo_compiler::Schema::parse_and_validate(sdl, "").expect("valid");
    assert_eq!(unsized_lists(&schema), ["Query.a", "C.nodes"]);
}

fn cost(text: &str, variables: Value) -> u64 {
    let limits = DocumentLimits { aliases: 1_000, ..DocumentLimits::default() };
    let operations = operations(Settings { document: limits, ..settings() });
    match try_with(&operations, ask(text, variables), Papel::Leitor, None) {
        Ok(checked) => checked.cost(),
        Err(refused) => panic!("{text}: {:?}", told(&refusal(Err(refused)))),
    }
}

#[test]
fn costs_come_from_the_types() {
    let rounds = |rounds: usize| {
        let (open, close) = ("enderecos { cliente { ".repeat(rounds), "} }".repeat(rounds));
        format!("{{ cliente(id: 1) {{ {open} id {close} }} }}")
    };
    let entities = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Endereco { cidade } } }";
    let _ = entities;
    for (text, variables, want) in [
        ("{ eu { nome } }", json!({}), 1),
        ("{ __typename }", json!({}), 0),
        ("{ clientes { nodes { nome } } }", json!({}), 21),
        ("{ clientes { edges { node { nome } } } }", json!({}), 41),
        ("{ clientes { total } }", json!({}), 11),
        ("{ clientes { pageInfo { endCursor } } }", json!({}), 2),
        ("{ clientes(first: 100) { nodes { compras(first: 99) { nodes { id } } } } }", json!({}), 10_101),
        ("{ clientes(last: 7) { nodes { nome } } }", json!({}), 8),
        ("{ clientes(first: -3) { nodes { nome } } }", json!({}), 1),
        ("query($n: Int = 4) { clientes(first: $n) { nodes { nome } } }", json!({}), 5),
        ("query($n: Int = 4) { clientes(first: $n) { nodes { nome } } }", json!({ "n": 50 }), 51),
        ("query($n: Int) { clientes(first: $n) { nodes { nome } } }", json!({ "n": null }), 21),
        (
            "{ clientes(first: 10) { ...A } } fragment A on ClienteConnection { n: nodes { nome } ... { nodes { nome } } }",
            json!({}),
            21,
        ),
        ("{ cliente(id: 1) { enderecos { cidade } } }", json!({}), 51),
        (&rounds(2), json!({}), 1 + 50 * (1 + 1 + 50 * 2)),
        (&rounds(4), json!({}), 12_755_101),
        ("{ nodes(ids: [\"a\", \"b\"]) { id ... on Cliente { enderecos { cidade } } } }", json!({}), 2 * 51),
        ("query($l: [ID!]!) { nodes(ids: $l) { id } }", json!({ "l": ["a", "b", "c"] }), 3),
        ("query($l: [ID!]!) { nodes(ids: $l) { id } }", json!({ "l": "a" }), 1),
        ("query($a: ID!) { nodes(ids: [$a, $a]) { id } }", json!({ "a": "x" }), 2),
        ("{ produtos(first: 100) { nodes { descricao } } }", json!({}), 1 + 100 * 11),
        ("{ produto(id: 1) { descricao d: descricao } }", json!({}), 21),
        (
            "{ cliente(id: 1) { produtos(first: 3) { nodes { nome } edges { node { nome } } total } } }",
            json!({}),
            2 + 3 + 6 + 10,
        ),
    ] {
        assert_eq!(cost(text, variables.clone()), want, "{text} {variables}");
    }
    let descricoes: String = (0..199).map(|number| format!("a{number}: descricao ")).collect();
    assert_eq!(
        cost(&format!("{{ produtos(first: 100) {{ nodes {{ {descricoes} }} }} }}"), json!({})),
        199_101
    );
    let mut text = "{ nome }".to_owned();
    for _ in 0..7 {
        text = format!("{{ compras(first: 2147483647) {{ nodes {{ cliente {text} }} }} }}");
    }
    assert_eq!(cost(&format!("{{ cliente(id: 1) {text} }}"), json!({})), u64::MAX, "nothing overflows");
}

#[test]
fn tools_may_ask_for_the_whole_schema() {
    let whole = include_str!("../../tests/integration/introspection.graphql");
    let price = cost(whole, json!({}));
    assert!((1_000..15_000).contains(&price), "{price}");
}

#[test]
fn lists_that_are_too_long_are_refused_before_anything_is_asked() {
    let operations = operations(settings());
    let many = vec!["cliente_1"; 101];
    let by_variable = ask("query($i: [ID!]!) { nodes(ids: $i) { id } }", json!({ "i": many }));
    let literal = ask(&format!("{{ nodes(ids: {}) {{ id }} }}", json!(many)), json!({}));
    for ask in [by_variable, literal] {
        let refusal = refusal(try_with(&operations, ask, Papel::Leitor, None));
        assert_eq!(
            told(&refusal),
            (code::LIMITE_LISTA, vec!["`ids` must have at most 100 entries, not 101.".to_owned()])
        );
    }
}

#[test]
fn a_subgraph_is_checked_by_the_same_doors() {
    let served = Arc::new(samples::enderecos());
    let operations = Operations::new(
        served,
        settings(),
        Arc::new(Metrics::of_nothing()),
        crate::stores::acessos::Acessos::of_nothing(),
    );
    let text =
        "query($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Endereco { cidade } } }";
    let entity = json!({ "__typename": "Endereco", "id": "endereco_1" });
    let checked = try_with(&operations, ask(text, json!({ "r": [entity] })), Papel::Leitor, None);
    assert_eq!(checked.ok().map(|checked| checked.cost()), Some(1));
    let refused = try_with(&operations, ask(text, json!({ "r": vec![entity; 1001] })), Papel::Leitor, None);
    assert_eq!(
        told(&refusal(refused)),
        (code::LIMITE_LISTA, vec!["`representations` must have at most 1000 entries, not 1001.".to_owned()])
    );
}

#[test]
fn one_key_is_for_one_write() {
    let operations = operations(settings());
    let write = "criarProduto(input: {nome: \"x\", preco: \"1\"}) { erros { codigo } }";
    let two = format!("mutation {{ ...F }} fragment F on Mutation {{ a: {write} b: {write} }}");
    let nested = format!("mutation {{ ... {{ ... {{ a: {write} }} b: {write} }} }}");
    let one = format!("mutation {{ ... {{ ...F }} }} fragment F on Mutation {{ {write} }}");
    for text in [&two, &nested, "{ eu { nome } }", &format!("mutation {{ a: {write} __typename }}")] {
        let refused = try_with(&operations, ask(text, json!({})), Papel::Editor, Some("k"));
        assert_eq!(refusal(refused).code, "MALFORMED", "{text}");
    }
    assert!(try_with(&operations, ask(&one, json!({})), Papel::Editor, Some("k")).is_ok());
}

#[test]
fn names_are_those_of_the_document() {
    let operations = operations(settings());
    let long = "A".repeat(5_000);
    for (query, name, known) in [
        ("{", Some("A"), Some("(unknown)")),
        ("query A { eu { nome } }", Some("B"), Some("(unknown)")),
        ("query A { eu { nome } }", None, Some("A")),
        ("query A { eu { nome } }", Some("A"), Some("A")),
        ("{ eu { nome } }", None, None),
        ("{ eu { nome } }", Some(""), None),
    ] {
        let ask = Ask { operation_name: name.map(str::to_owned), ..ask(query, json!({})) };
        let about = match try_with(&operations, ask, Papel::Leitor, None) {
            Ok(checked) => checked.about,
            Err(Refused::Operation(refused)) => refused.about,
            Err(_) => panic!("{query}"),
        };
        assert_eq!(about.name.as_deref(), known, "{query} {name:?}");
    }
    let checked = try_with(
        &operations,
        ask(&format!("query {long} {{ eu {{ nome }} }}"), json!({})),
        Papel::Leitor,
        None,
    );
    assert_eq!(
        checked.ok().and_then(|checked| checked.about.name).map(|name| name.len()),
        Some(64 + '…'.len_utf8())
    );
}

#[test]
fn hints_are_for_those_who_may_see_the_schema() {
    let operations = operations(Settings { introspection: Introspection::Admin, ..settings() });
    for (text, code) in [
        ("{ clientez { total } }", code::GRAPHQL_VALIDATION_FAILED),
        ("{ __schema { types { name } } }", code::FORBIDDEN),
        ("{ ...A } fragment A on Query { a: __type(name: \"X\") { name } }", code::FORBIDDEN),
    ] {
        let refusal = refusal(try_with(&operations, ask(text, json!({})), Papel::Leitor, None));
        assert_eq!(refusal.code, code, "{text}");
        assert!(!refusal.problems[0].message.contains("mean"), "{refusal:?}");
    }
    let told = refusal(try_with(&operations, ask("{ clientez { total } }", json!({})), Papel::Admin, None));
    assert!(told.problems[0].message.ends_with("Did you mean \"clientes\"?"), "{told:?}");
}

#[test]
fn documents_are_kept_when_they_are_valid_and_only_then() {
    let served = samples::merged();
    let operations = operations(settings());
    let kept = |text: &str| operations.documents.get(text).is_some();
    for (text, valid) in [("{ eu { nome } }", true), ("{ eu { nom } }", false), ("{ eu {", false)] {
        let _ = try_with(&operations, ask(text, json!({})), Papel::Leitor, None);
        assert_eq!(kept(text), valid, "{text}");
    }
    // What the variables are like does not matter, nor whether it may run.
    let text = "query($n: Int!) { clientes(first: $n) { total } }";
    assert!(try_with(&operations, ask(text, json!({})), Papel::Leitor, None).is_err());
    assert!(kept(text));
    let ast = parse(text, DocumentLimits::default()).expect("parsed");
    let checks = Checks { limits: DocumentLimits::default(), representations: 9, fingerprints: true };
    let document = Document::check(&ast, text, &checks, &served).expect("valid");
    let operation = document.choose(None).expect("one");
    assert_eq!(
        (operation.kind, operation.root_fields, operation.introspects),
        (OperationType::Query, 1, false)
    );
    assert!(operation.fingerprint.is_some());
    assert_eq!(
        coerce(served.types(), &operation.variables, json!({ "n": 1 }).as_object(), Scalars::Checked).ok(),
        Some(Variables::from_json(json!({ "n": 1 })))
    );
}

/// The schema that is served, and what the executor says of itself.
#[tokio::test]
async fn the_sdl_and_the_introspection_say_the_same() {
    use apollo_compiler::introspection::partial_execute;
    let whole = include_str!("../../tests/integration/introspection.graphql");
    let served = samples::merged();
    // What routers may ask besides is shown by neither.
    let types = &apollo_compiler::Schema::parse_and_validate(&**served.sdl(), "").expect("valid");
    let typed = ExecutableDocument::parse_and_validate(types, whole, "").expect("valid");
    let operation = typed.operations.get(Some("IntrospectionQuery")).expect("there");
    let none = coerce_variable_values(types, operation, &Default::default()).expect("none");
    let told = partial_execute(types, &types.implementers_map(), &typed, operation, &none).expect("told");
    let of_sdl = serde_json::to_value(&told.data).expect("JSON");
    let executed = served.execute(async_graphql::Request::new(whole), false).await;
    let mut executed = serde_json::to_value(&executed.data).expect("JSON");
    // Two mistakes of the executor's, which tools take: it says null where the
    // specification wants a list, of interfaces that an interface implements; and it
    // describes the schema as the type `__Schema`.
    executed["__schema"]["description"] = json!(null);
    for one in executed["__schema"]["types"].as_array_mut().expect("types") {
        if one["kind"] == "INTERFACE" && one["interfaces"].is_null() {
            one["interfaces"] = json!([]);
        }
    }
    let mut pair = [of_sdl, executed];
    pair.iter_mut().for_each(sort);
    let [of_sdl, executed] = pair;
    for kind in ["types", "directives"] {
        let both =
            [&of_sdl, &executed].map(|said| said["__schema"][kind].as_array().expect("a list").clone());
        let names = both.clone().map(|list| list.iter().map(|one| one["name"].clone()).collect::<Vec<_>>());
        assert_eq!(names[0], names[1]);
        for (one, other) in both[0].iter().zip(&both[1]) {
            assert_eq!(one, other, "{}", one["name"]);
        }
    }
    assert_eq!(of_sdl, executed);
}

/// Lists by the names of what is in them; texts without the blanks that layout makes.
fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            // The specification's own types describe themselves in words of each implementation.
            items.retain(|item| {
                !item["name"].as_str().is_some_and(|name| {
                    name.starts_with("__")
                        || [
                            "Boolean",
                            "Float",
                            "ID",
                            "Int",
                            "String",
                            "include",
                            "skip",
                            "deprecated",
                            "specifiedBy",
                            "oneOf",
                        ]
                        .contains(&name)
                })
            });
            items.sort_by_key(Value::to_string);
        }
        Value::Object(members) => members.values_mut().for_each(sort),
        _ => {}
    }
}

/// Operations of a schema that ends badly, and the lines that they leave.
mod endings {
    use std::io::Write;
    use std::sync::Mutex;

    use async_graphql::{EmptySubscription, Object, Schema};
    use tokio::sync::Notify;

    use super::*;
    use crate::executor::Counted;

    fn as_told() -> i32 {
        panic!("as told")
    }

    struct Query;

    #[Object]
    impl Query {
        async fn fine(&self) -> &str {
            "fine"
        }

        async fn panics(&self) -> i32 {
            as_told()
        }

        async fn never(&self) -> i32 {
            std::future::pending().await
        }
    }

    struct Mutation(Arc<Notify>);

    #[Object]
    impl Mutation {
        async fn writes(&self) -> &str {
            self.0.notified().await;
            "written"
        }

        async fn panics(&self) -> Option<i32> {
            Some(as_told())
        }
    }

    /// A log that a test can read.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("whole").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Log {
        /// What each operation's line says of its name, its outcome and its code.
        fn lines(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().expect("whole").clone()).expect("text");
            let word = |line: &str, key: &str| {
                let rest = line.split_once(&format!("{key}=")).map_or("", |(_, rest)| rest);
                rest.split(' ').next().unwrap_or_default().trim_matches('"').to_owned()
            };
            let lines = text.lines().filter(|line| line.contains(" outcome="));
            lines
                .map(|line| {
                    ["graphql.operation.name", "outcome", "code"]
                        .map(|key| word(line, key))
                        .join(" ")
                        .trim()
                        .to_owned()
                })
                .collect()
        }
    }

    struct Rig {
        operations: Arc<Operations>,
        log: Log,
        go: Arc<Notify>,
        _default: tracing::subscriber::DefaultGuard,
    }

    fn rig() -> Rig {
        let (log, go) = (Log::default(), Arc::<Notify>::default());
        let made = log.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || made.clone()).finish();
        let mutation = Arc::clone(&go);
        let served = Served::new(String::new(), || {
            Schema::build(Query, Mutation(Arc::clone(&mutation)), EmptySubscription).extension(Counted)
        });
        let served = Arc::new(served.expect("a valid schema"));
        let operations = Operations::new(
            served,
            settings(),
            Arc::new(Metrics::of_nothing()),
            crate::stores::acessos::Acessos::of_nothing(),
        );
        Rig {
            operations: Arc::new(operations),
            log,
            go,
            _default: tracing::subscriber::set_default(subscriber),
        }
    }

    impl Rig {
        async fn answer(&self, query: &str, wait: Duration) -> Answer {
            let requester = Requester { nome: "ana".into(), papel: Papel::Editor };
            let deadline = Instant::now() + wait;
            let caller = Caller {
                requester: &requester,
                id: "id-1",
                traced: false,
                reads_only: false,
                idempotency_key: None,
                deadline,
                program: ("", ""),
                explains: false,
                is_sibling: false,
            };
            match self.operations.check(ask(query, json!({})), &caller) {
                Ok(checked) => self.operations.run(checked, &caller).await,
                Err(Refused::Operation(refused)) => self.operations.refuse(refused, &caller),
                Err(_) => panic!("{query}"),
            }
        }
    }

    const LONG: Duration = Duration::from_secs(600);
    const SHORT: Duration = Duration::from_millis(20);

    fn code(answer: &Answer) -> Option<&str> {
        answer.errors.first().and_then(crate::kernel::code_of)
    }

    #[tokio::test]
    async fn however_an_operation_ends_it_leaves_its_line() {
        let rig = rig();
        let fine = rig.answer("query Fine { fine }", LONG).await;
        assert_eq!((code(&fine), fine.is_executed()), (None, true));
        let refused = rig.answer("query Wrong { fin }", LONG).await;
        assert_eq!((code(&refused), refused.is_executed()), (Some("GRAPHQL_VALIDATION_FAILED"), false));
        let panicked = rig.answer("query Panics { fine panics }", LONG).await;
        assert_eq!((code(&panicked), panicked.is_executed()), (Some("INTERNAL"), true));
        let writes = rig.answer("mutation PanicsToo { panics }", LONG).await;
        assert_eq!((code(&writes), writes.is_executed()), (Some("INTERNAL"), true));
        let late = rig.answer("query Late { never }", SHORT).await;
        assert_eq!((code(&late), late.is_executed()), (Some("DEADLINE_EXCEEDED"), true));
        {
            let mut left = std::pin::pin!(rig.answer("query Left { never }", LONG));
            assert!(futures_util::poll!(left.as_mut()).is_pending());
        }
        assert_eq!(
            rig.log.lines(),
            [
                "Fine ok",
                "Wrong refused GRAPHQL_VALIDATION_FAILED",
                "Panics failed INTERNAL",
                "PanicsToo failed INTERNAL",
                "Late out_of_time DEADLINE_EXCEEDED",
                "Left abandoned",
            ]
        );
    }

    #[tokio::test]
    async fn a_write_goes_on_without_its_client_and_tells_what_came_of_it() {
        let rig = rig();
        {
            let mut left = std::pin::pin!(rig.answer("mutation Left { writes }", LONG));
            assert!(futures_util::poll!(left.as_mut()).is_pending());
        }
        let late = rig.answer("mutation Late { writes }", SHORT).await;
        assert_eq!((code(&late), late.is_executed()), (Some("DEADLINE_EXCEEDED"), true));
        assert_eq!(rig.log.lines(), Vec::<String>::new(), "both are under way");
        rig.go.notify_waiters();
        rig.operations.written().await;
        let mut lines = rig.log.lines();
        lines.sort();
        assert_eq!(lines, ["Late ok", "Left ok"]);
    }
}

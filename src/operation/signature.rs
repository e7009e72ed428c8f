//! What an operation is known by when accesses are counted: its text in one form that holds
//! nobody's data, and the parts of the schema that it uses.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use apollo_compiler::ast::{self, FragmentDefinition, OperationDefinition, Type};
use apollo_compiler::executable::{FragmentMap, Selection, SelectionSet};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{Name, Node, Schema};
use serde_json::{Map, Value as Json};

use super::canonical::{self, Typename};
use super::variables::Variable;
use crate::stores::acessos::{Assinatura, Documento, Esquema};

/// Bytes of a text that is kept.
const LONGEST_TEXT: usize = 16 << 10;

/// Other names for fields, and whose they are.
pub(super) type Aliases = HashMap<Box<str>, Box<str>>;

/// What an operation is known by.
#[derive(Debug)]
pub(super) struct Signature {
    pub documento: Arc<Documento>,
    /// What keys of its answers stand for, where that is not a field's own name.
    pub aliases: Aliases,
    /// Whether its variables bring input fields or values of enums.
    pub has_inputs: bool,
}

impl Signature {
    /// Of an operation with the fragments beside it.
    pub(super) fn of(
        untyped: &OperationDefinition,
        fragments: &HashMap<&str, &FragmentDefinition>,
        set: &SelectionSet,
        typed: &FragmentMap,
        schema: &Schema,
    ) -> Self {
        let printed = anonymous(untyped, fragments);
        let mut uses = Uses {
            schema,
            fragments: typed,
            seen: BTreeSet::new(),
            campos: BTreeSet::new(),
            aliases: Aliases::new(),
        };
        uses.set(set);
        for variable in &untyped.variables {
            if let Some(default) = &variable.default_value {
                uses.value(default, &variable.ty);
            }
        }
        let is_input = |variable: &Node<ast::VariableDefinition>| {
            let ty = schema.types.get(variable.ty.inner_named_type());
            matches!(ty, Some(ExtendedType::InputObject(_) | ExtendedType::Enum(_)))
        };
        let has_inputs = untyped.variables.iter().any(is_input);
        let documento = document(&printed, untyped, uses.campos);
        Self { documento: Arc::new(documento), aliases: uses.aliases, has_inputs }
    }

    /// Of an operation that does not fit the schema: what it uses of it, nobody can tell.
    pub(super) fn of_misfit(
        untyped: &OperationDefinition,
        fragments: &HashMap<&str, &FragmentDefinition>,
    ) -> Self {
        let printed = anonymous(untyped, fragments);
        let documento = document(&printed, untyped, BTreeSet::new());
        Self { documento: Arc::new(documento), aliases: Aliases::new(), has_inputs: false }
    }

    /// Bytes that it takes, as near as can be told.
    pub(super) fn bytes(&self) -> usize {
        self.documento.bytes()
            + self.aliases.iter().map(|(key, name)| key.len() + name.len() + 64).sum::<usize>()
    }
}

fn document(printed: &str, untyped: &OperationDefinition, campos: BTreeSet<String>) -> Documento {
    Documento {
        id: Assinatura::of(printed),
        nome: untyped.name.as_ref().map(|name| super::checked::bounded(name.as_str())),
        tipo: untyped.operation_type.to_string().into(),
        texto: if printed.len() <= LONGEST_TEXT { printed.into() } else { Arc::default() },
        campos: campos.into_iter().map(Arc::from).collect(),
    }
}

/// The text without values, with other names numbered, and without `__typename`.
fn anonymous(untouched: &OperationDefinition, fragments: &HashMap<&str, &FragmentDefinition>) -> String {
    let mut forget = Forget { aliases: 0 };
    let mut operation = untouched.clone();
    forget.set(&mut operation.selection_set);
    for variable in &mut operation.variables {
        if let Some(default) = &mut variable.make_mut().default_value {
            forget.value(default.make_mut());
        }
    }
    forget.directives(&mut operation.directives);
    let without: Vec<FragmentDefinition> = canonical::used_fragments(fragments, untouched)
        .into_values()
        .map(|fragment| {
            let mut fragment = fragment.clone();
            forget.set(&mut fragment.selection_set);
            forget.directives(&mut fragment.directives);
            fragment
        })
        .collect();
    let without = without.iter().map(|fragment| (fragment.name.as_str(), fragment)).collect();
    canonical::print(&without, &operation, Typename::Keep)
}

struct Forget {
    aliases: usize,
}

impl Forget {
    fn set(&mut self, set: &mut Vec<ast::Selection>) {
        // Where nothing else is asked for, it is what is asked for.
        let plain = set.iter().position(canonical::is_plain_typename).map(|place| set[place].clone());
        set.retain(|selection| !canonical::is_plain_typename(selection));
        if set.is_empty() {
            set.extend(plain);
        }
        for selection in set {
            match selection {
                ast::Selection::Field(field) => {
                    let field = field.make_mut();
                    if field.alias.as_ref().is_some_and(|alias| *alias == field.name) {
                        field.alias = None;
                    }
                    if field.alias.is_some() {
                        self.aliases += 1;
                        field.alias = Name::new(&format!("a{}", self.aliases)).ok();
                    }
                    self.arguments(&mut field.arguments);
                    self.directives(&mut field.directives);
                    self.set(&mut field.selection_set);
                }
                ast::Selection::InlineFragment(inline) => {
                    let inline = inline.make_mut();
                    self.directives(&mut inline.directives);
                    self.set(&mut inline.selection_set);
                }
                ast::Selection::FragmentSpread(spread) => self.directives(&mut spread.make_mut().directives),
            }
        }
    }

    fn directives(&mut self, directives: &mut ast::DirectiveList) {
        for directive in directives.iter_mut() {
            self.arguments(&mut directive.make_mut().arguments);
        }
    }

    fn arguments(&mut self, arguments: &mut [Node<ast::Argument>]) {
        for argument in arguments {
            self.value(argument.make_mut().value.make_mut());
        }
    }

    fn value(&mut self, value: &mut ast::Value) {
        match value {
            ast::Value::String(text) => text.clear(),
            ast::Value::Int(_) => *value = 0.into(),
            ast::Value::Float(_) => *value = 0.0.into(),
            ast::Value::List(items) => {
                for item in items.iter_mut() {
                    self.value(item.make_mut());
                }
                // How many there were is a value, too.
                items.dedup();
            }
            ast::Value::Object(members) => {
                for (_, member) in members {
                    self.value(member.make_mut());
                }
            }
            ast::Value::Null | ast::Value::Enum(_) | ast::Value::Variable(_) | ast::Value::Boolean(_) => {}
        }
    }
}

/// Gathers what stands in an operation.
struct Uses<'a> {
    schema: &'a Schema,
    fragments: &'a FragmentMap,
    seen: BTreeSet<&'a str>,
    campos: BTreeSet<String>,
    aliases: Aliases,
}

impl<'a> Uses<'a> {
    fn set(&mut self, set: &'a SelectionSet) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if field.name.starts_with("__") || set.ty.starts_with("__") => {}
                Selection::Field(field) => {
                    let (ty, name) = (&set.ty, &field.name);
                    self.campos.insert(format!("{ty}.{name}"));
                    if let Some(alias) = field.alias.as_ref().filter(|alias| *alias != name) {
                        self.aliases.entry(alias.as_str().into()).or_insert_with(|| name.as_str().into());
                    }
                    for argument in &field.arguments {
                        self.campos.insert(format!("{ty}.{name}({}:)", argument.name));
                        let definition = field.definition.argument_by_name(&argument.name);
                        if let Some(definition) = definition {
                            self.value(&argument.value, &definition.ty);
                        }
                    }
                    self.set(&field.selection_set);
                }
                Selection::InlineFragment(inline) => self.set(&inline.selection_set),
                Selection::FragmentSpread(spread) => {
                    if self.seen.insert(spread.fragment_name.as_str())
                        && let Some(fragment) = self.fragments.get(&spread.fragment_name)
                    {
                        self.set(&fragment.selection_set);
                    }
                }
            }
        }
    }

    fn value(&mut self, value: &ast::Value, ty: &Type) {
        let name = ty.inner_named_type();
        match value {
            ast::Value::List(items) => items.iter().for_each(|item| self.value(item, ty)),
            ast::Value::Enum(value) => {
                self.campos.insert(format!("{name}.{value}"));
            }
            ast::Value::Object(members) => {
                let Some(ExtendedType::InputObject(definition)) = self.schema.types.get(name) else { return };
                for (member, value) in members {
                    self.campos.insert(format!("{name}.{member}"));
                    if let Some(field) = definition.fields.get(member) {
                        self.value(value, &field.ty);
                    }
                }
            }
            _ => {}
        }
    }
}

/// Input fields and values of enums that came in variables, which fit their types.
pub(super) fn given(schema: &Schema, declared: &[Variable], values: &Map<String, Json>) -> Vec<Arc<str>> {
    let mut names = BTreeSet::new();
    for variable in declared {
        if let Some(value) = values.get(variable.name()) {
            given_in(schema, value, variable.ty(), &mut names);
        }
    }
    names.into_iter().map(Arc::from).collect()
}

fn given_in(schema: &Schema, value: &Json, ty: &Type, names: &mut BTreeSet<String>) {
    let name = ty.inner_named_type();
    match (value, schema.types.get(name)) {
        (Json::Array(items), _) => items.iter().for_each(|item| given_in(schema, item, ty, names)),
        (Json::String(value), Some(ExtendedType::Enum(_))) => {
            names.insert(format!("{name}.{value}"));
        }
        (Json::Object(members), Some(ExtendedType::InputObject(definition))) => {
            for (member, value) in members {
                if let Some(field) = definition.fields.get(member.as_str()) {
                    names.insert(format!("{name}.{member}"));
                    given_in(schema, value, &field.ty, names);
                }
            }
        }
        _ => {}
    }
}

/// All parts of a schema, and why those that are deprecated are so.
pub(super) fn parts(schema: &Schema) -> Esquema {
    let reason = |directives: &ast::DirectiveList| {
        let found = directives.get("deprecated")?;
        let reason = found.argument_by_name("reason", schema).ok().and_then(|reason| reason.as_str());
        Some(Arc::from(reason.unwrap_or("No longer supported")))
    };
    let mut parts = Esquema::new();
    // Neither the specification's own nor a federation's.
    let is_ours = |name: &Name| !name.starts_with('_');
    for (name, ty) in schema.types.iter().filter(|(name, ty)| is_ours(name) && !ty.is_built_in()) {
        let fields = match ty {
            ExtendedType::Object(object) => Some(&object.fields),
            ExtendedType::Interface(interface) => Some(&interface.fields),
            _ => None,
        };
        for (field, definition) in fields.into_iter().flatten().filter(|(field, _)| is_ours(field)) {
            parts.insert(format!("{name}.{field}").into(), reason(&definition.directives));
            for argument in &definition.arguments {
                let part = format!("{name}.{field}({}:)", argument.name);
                parts.insert(part.into(), reason(&argument.directives));
            }
        }
        if let ExtendedType::InputObject(input) = ty {
            for (field, definition) in &input.fields {
                parts.insert(format!("{name}.{field}").into(), reason(&definition.directives));
            }
        }
        if let ExtendedType::Enum(values) = ty {
            for (value, definition) in &values.values {
                parts.insert(format!("{name}.{value}").into(), reason(&definition.directives));
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ast::{Definition, Document};

    use super::super::size::fragments;
    use super::*;

    fn known_by(text: &str, asked: &str) -> String {
        let document = Document::parse(text, "").expect("valid");
        let mut operations = document.definitions.iter().filter_map(Definition::as_operation_definition);
        let operation =
            operations.find(|found| found.name.as_ref().is_some_and(|own| own == asked)).expect("there");
        anonymous(operation, &fragments(&document))
    }

    #[test]
    fn what_differs_in_values_alone_is_the_same_operation() {
        let one = known_by(
            r#"query A($d: Date = "2020-01-01") { maria: cliente(id: "cliente_1") { ...F } nodes(ids: ["a", "b"]) { id }
               b: clientes(filtro: { nomeContem: "Ana", uf: SP }, first: 3) { total } }
               fragment F on Cliente { vive: enderecos { cidade } }"#,
            "A",
        );
        let other = known_by(
            r#"query B { x: eu { nome } } fragment Outro on Cliente { q: nome }
               query A($d: Date = "2021-02-03") { jose: cliente(id: 7) { ...F __typename } nodes(ids: ["c"]) { id }
               z: clientes(filtro: { nomeContem: "Zé", uf: SP }, first: 9) { total } }
               fragment F on Cliente { mora: enderecos { cidade } }"#,
            "A",
        );
        // A number and a text are not alike.
        assert_eq!(one.replace("cliente(id: \"\")", "cliente(id: 0)"), other);
        for secret in ["maria", "cliente_1", "Ana", "2020", "vive", "first: 3"] {
            assert!(!one.contains(secret), "{secret} in {one}");
        }
        assert!(
            one.contains("uf: SP") && one.contains("a1: cliente") && one.contains("a3: enderecos"),
            "{one}"
        );
        assert_ne!(
            known_by("query A { clientes(filtro: { uf: SP }) { total } }", "A"),
            known_by("query A { clientes(filtro: { uf: RJ }) { total } }", "A")
        );
    }
}

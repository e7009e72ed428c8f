"""The synchronous client of Python's gql: introspection, queries, pages, errors."""

import os
import unittest
from decimal import Decimal

from gql import gql
from gql.dsl import DSLQuery, DSLSchema, dsl_gql
from gql.transport.exceptions import TransportQueryError
from graphql import GraphQLError

from quarteto import connect

USER = os.environ["QUARTETO_USER"]
PASSWORD = os.environ["QUARTETO_PASSWORD"]
URL = os.environ["QUARTETO_URL"] + "/graphql"
URL_WITHOUT_CATALOGO = os.environ["QUARTETO_URL_WITHOUT_CATALOGO"] + "/graphql"

CLIENTES = """
  query Clientes($first: Int!, $after: String) {
    clientes(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } }
  }
"""


class Gql(unittest.TestCase):
    def test_a_query_with_variables(self):
        query = gql("query Cliente($id: ID!) { cliente(id: $id) { nome resumoCompras { total } } }")
        query.variable_values = {"id": "cliente_1"}
        with connect(URL, USER, PASSWORD) as session:
            cliente = session.execute(query)["cliente"]
        self.assertEqual(cliente["nome"], "Felipe Lima")
        self.assertGreater(Decimal(cliente["resumoCompras"]["total"]), 0)

    def test_the_schema_is_read_and_documents_are_checked_against_it(self):
        with connect(URL, USER, PASSWORD) as session:
            schema = session.client.schema
            self.assertEqual(
                [kind.name for kind in schema.get_possible_types(schema.get_type("Node"))],
                ["Cliente", "Compra", "Endereco", "Produto"],
            )
            with self.assertRaisesRegex(GraphQLError, "Cannot query field 'cor' on type 'Cliente'"):
                session.execute(gql('{ cliente(id: "cliente_1") { cor } }'))

    def test_a_query_built_from_the_schema(self):
        with connect(URL, USER, PASSWORD) as session:
            kinds = DSLSchema(session.client.schema)
            cliente = kinds.Query.cliente(id="cliente_1").select(
                kinds.Cliente.nome, kinds.Cliente.enderecos.select(kinds.Endereco.uf)
            )
            answer = session.execute(dsl_gql(DSLQuery(cliente)))
        self.assertEqual(answer, {"cliente": {"nome": "Felipe Lima", "enderecos": [{"uf": "RJ"}]}})

    def test_a_list_page_by_page(self):
        ids, after = set(), None
        with connect(URL, USER, PASSWORD) as session:
            while True:
                query = gql(CLIENTES)
                query.variable_values = {"first": 90, "after": after}
                page = session.execute(query)["clientes"]
                ids.update(node["id"] for node in page["nodes"])
                after = page["pageInfo"]["endCursor"]
                if not page["pageInfo"]["hasNextPage"]:
                    break
        self.assertEqual(len(ids), 200)

    def test_a_store_that_is_down_leaves_the_other_fields_of_the_answer(self):
        query = gql('{ compra(id: "compra_1") { quantidade produto { nome } } }')
        with connect(URL_WITHOUT_CATALOGO, USER, PASSWORD) as session:
            with self.assertRaises(TransportQueryError) as raised:
                session.execute(query)
        self.assertEqual(raised.exception.data, {"compra": {"quantidade": 1, "produto": None}})
        (error,) = raised.exception.errors
        self.assertEqual(error["path"], ["compra", "produto"])
        self.assertEqual(error["extensions"]["code"], "STORE_UNAVAILABLE")

    def test_a_wrong_password_is_told_apart(self):
        with self.assertRaises(Exception) as raised:
            connect(URL, "ninguém", "errada").connect_sync()
        self.assertIn("Wrong user or password.", str(raised.exception))


if __name__ == "__main__":
    unittest.main()

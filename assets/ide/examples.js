// The example tabs of both IDEs: one list, read by playground-init.js and graphiql-init.js.
// Each: { name, query, variables?, headers? }; variables and headers are plain objects.
// GraphQL Playground shows `name` on the tab, GraphiQL shows the operation's name.
'use strict';

window.QUARTETO_EXAMPLES = [
  {
    name: 'Cliente com endereços e compras',
    query: `# One customer across the four stores: record, addresses,
# purchases, and the product of each purchase.
query ClienteComEnderecosECompras {
  cliente(id: "cliente_1") {
    id
    nome
    email
    enderecos {
      logradouro
      numero
      cidade
      uf
      cep
    }
    # Newest first. The next page: after: the last endCursor.
    compras(first: 10) {
      nodes {
        quantidade
        precoUnitario
        total
        adquiridoEm
        produto {
          id
          nome
          preco
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`,
  },
  {
    name: 'Página de clientes',
    query: `# A page of customers with everything under it. The number of
# SQL statements does not grow with the number of rows.
query PaginaDeClientes($primeiros: Int!, $depoisDe: String) {
  clientes(first: $primeiros, after: $depoisDe) {
    nodes {
      id
      nome
      enderecos {
        cidade
        uf
      }
      compras(first: 5) {
        nodes {
          quantidade
          total
          adquiridoEm
          produto {
            nome
          }
        }
      }
    }
    # Put endCursor into the variable depoisDe to read on.
    pageInfo {
      hasNextPage
      endCursor
    }
  }
}
`,
    variables: { primeiros: 20, depoisDe: null },
  },
  {
    name: 'Filtros',
    query: `# Filters combine with AND; four lists, one from each store, in one request.
# total is counted only because it is asked for here.
query Filtros($de: DateTime, $ate: DateTime) {
  clientes(first: 5, filtro: { nomeContem: "silva" }, ordem: NOME_ASC) {
    total
    nodes {
      id
      nome
    }
  }
  # busca is a full-text search over name and description.
  produtos(
    first: 5
    filtro: { busca: "mesa", precoMin: "50.00", precoMax: "2000.00", disponivel: true }
    ordem: PRECO_ASC
  ) {
    total
    nodes {
      id
      nome
      preco
    }
  }
  enderecos(first: 5, filtro: { uf: SP, cidade: "São Paulo" }) {
    nodes {
      logradouro
      numero
      bairro
      cliente {
        nome
      }
    }
  }
  compras(first: 5, filtro: { de: $de, ate: $ate }) {
    nodes {
      adquiridoEm
      total
      cliente {
        nome
      }
      produto {
        nome
      }
    }
  }
}
`,
    variables: { de: '2026-01-01T00:00:00Z', ate: '2026-12-31T23:59:59Z' },
  },
  {
    name: 'Produtos de um cliente',
    query: `# The distinct products a customer has bought. How many, for how
# much and since when is on the edge; the product is the node.
query ProdutosDeUmCliente {
  cliente(id: "cliente_1") {
    nome
    resumoCompras {
      compras
      unidades
      total
      primeiraEm
      ultimaEm
    }
    produtos(first: 10) {
      edges {
        quantidade
        total
        primeiraCompraEm
        node {
          id
          nome
          # The same sums over all customers of this product.
          resumoVendas {
            compras
            unidades
            total
          }
        }
      }
    }
  }
}
`,
  },
  {
    name: 'Cadastrar um cliente',
    query: `# Needs the papel EDITOR or ADMIN. Whatever a person can mend comes back in
# "erros", all at once; the same key sent again makes no second customer.
mutation CadastrarCliente($input: CriarClienteInput!) {
  criarCliente(input: $input) {
    cliente {
      id
      nome
      cpf
    }
    erros {
      codigo
      mensagem
      campo
    }
  }
}
`,
    variables: {
      input: {
        nome: 'Ana Lima',
        email: 'ana.lima@example.com',
        cpf: '529.982.247-25',
        telefone: '(11) 91234-5678',
        chaveIdempotencia: 'exemplo-cliente',
      },
    },
  },
  {
    name: 'Registrar uma compra',
    query: `# The price is that of the moment. Removing the customer afterwards keeps the
# sale, unless "compras: REMOVER" is said.
mutation RegistrarCompra($input: RegistrarCompraInput!) {
  registrarCompra(input: $input) {
    compra {
      id
      quantidade
      precoUnitario
      total
      cliente {
        nome
        resumoCompras {
          compras
          total
        }
      }
      produto {
        nome
      }
    }
    erros {
      codigo
      mensagem
      campo
    }
  }
}
`,
    variables: {
      input: { cliente: 'cliente_1', produto: 'produto_1', quantidade: 2, chaveIdempotencia: 'exemplo-compra' },
    },
  },
  {
    name: 'Introspecção',
    query: `# The schema describes itself: the root fields, and the fields
# of one type. The Docs panel shows the same.
query Introspeccao {
  __schema {
    queryType {
      fields {
        name
        description
      }
    }
  }
  __type(name: "Cliente") {
    description
    fields {
      name
      type {
        kind
        name
        ofType {
          name
        }
      }
    }
  }
}
`,
  },
  {
    name: 'Quem sou eu',
    query: `# The user of this login and what it may do.
query QuemSouEu {
  eu {
    nome
    papel
  }
}
`,
  },
];

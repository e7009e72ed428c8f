from gql import Client
from gql.transport.requests import RequestsHTTPTransport
from requests.auth import HTTPBasicAuth


def connect(url: str, user: str, password: str) -> Client:
    """A client for the endpoint that knows its schema and checks documents against it."""
    login = HTTPBasicAuth(user.encode(), password.encode())
    transport = RequestsHTTPTransport(url=url, auth=login, retries=3)
    return Client(transport=transport, fetch_schema_from_transport=True)

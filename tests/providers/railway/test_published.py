"""What Hutch sends to Railway against what Railway publishes, and what its own client sends.

That client is a program for which no package holds the built binary, and whose release build asks Railway alone: so its
documents are compared as they were read in its source.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    is_specified_scalar_type,
    parse,
    validate,
)

from hutch.providers.railway import client, limits, replicas, variables
from hutch.providers.railway.calls import Operation

DATA = Path(__file__).parents[2] / "data" / "railway"
MODULES = (client, limits, replicas, variables)
OPERATIONS = [o for module in MODULES for o in vars(module).values() if isinstance(o, Operation)]


def recorded(name: str) -> list[str]:
    lines = (DATA / name).read_text("utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def facts(schema: GraphQLSchema) -> Iterator[str]:
    for name, kind in schema.type_map.items():
        if isinstance(kind, GraphQLScalarType) and not is_specified_scalar_type(kind):
            yield f"scalar {name}"
        elif isinstance(kind, GraphQLEnumType) and not name.startswith("__"):
            yield from (f"{name} = {value}" for value in kind.values)
        elif isinstance(kind, GraphQLInputObjectType):
            yield from (f"{name}.{key}: {field.type}" for key, field in kind.fields.items())
        elif isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for key, field in kind.fields.items():
                yield f"{name}.{key}: {field.type}"
                yield from (f"{name}.{key}({name_}): {arg.type}" for name_, arg in field.args.items())


SCHEMA = build_schema(files("rolerabbit.platform.railway").joinpath("schema.graphql").read_text("utf-8"))


def test_the_schema_that_hutch_is_tested_against_is_part_of_the_published_one() -> None:
    found = set(facts(SCHEMA))
    assert len(found) > 80
    assert found - set(recorded("published.txt")) == set()


def test_every_document_of_hutch_holds_to_it() -> None:
    assert len(OPERATIONS) == 14
    for operation in OPERATIONS:
        assert validate(SCHEMA, parse(operation.text)) == [], operation.name


def test_every_state_of_a_deployment_and_of_a_replica_is_known() -> None:
    published = {
        line.partition(" = ")[2] for line in recorded("published.txt") if line.startswith("DeploymentStatus =")
    }
    over = {"FAILED", "SKIPPED", "REMOVED", "REMOVING"}
    assert published == client.UNDER_WAY | client.LIVE | over
    states = {
        line.partition(" = ")[2] for line in recorded("published.txt") if line.startswith("DeploymentInstanceStatus =")
    }
    assert states > replicas.OVER and "RUNNING" in states - replicas.OVER


def test_the_same_is_asked_as_by_railways_own_client() -> None:
    sent = {said(operation) for operation in OPERATIONS}
    assert set(recorded("client.txt")) <= sent


def said(operation: Operation) -> str:
    [definition] = parse(operation.text).definitions
    assert isinstance(definition, OperationDefinitionNode)
    [asked] = definition.selection_set.selections
    assert isinstance(asked, FieldNode)
    arguments = sorted(argument.name.value for argument in asked.arguments)
    return " ".join([definition.operation.value, asked.name.value, *arguments])

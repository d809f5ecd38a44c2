"""Prisma's own client on the same folder and table: what it says of each state, Hutch says."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.providers.migrations.by_us import Shop

from hutch.model.action import Result, Verified
from hutch.model.finding import Status

PACKAGES = ("prisma@6.19.0", "@prisma/adapter-pg@6.19.0")
INIT, MORE = "20260101000000_init", "20260201000000_more"
SCHEMA = """datasource db {
  provider = "postgresql"
  url = env("DATABASE_URL")
}
model User {
  id Int @id @default(autoincrement())
}
"""
CONFIG = """import pg from "pg";
import { PrismaPg } from "@prisma/adapter-pg";
import { defineConfig } from "prisma/config";
// This release of the adapter refuses the types that its own look at the catalogue returns.
const told = pg.Query.prototype.handleRowDescription;
pg.Query.prototype.handleRowDescription = function (message: any) {
  for (const field of message.fields) {
    if (field.dataTypeID === 19 || field.dataTypeID === 18) field.dataTypeID = 25;
    if (field.dataTypeID === 26) field.dataTypeID = 20;
  }
  return told.call(this, message);
};
export default defineConfig({
  schema: "schema.prisma",
  migrations: { path: process.env.MIGRATIONS },
  experimental: { adapter: true },
  engine: "js",
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
});
"""
FIRST = 'CREATE TABLE "User" ("id" SERIAL NOT NULL, "nick" TEXT, CONSTRAINT "User_pkey" PRIMARY KEY ("id"));\n'
SECOND = """-- no transaction around it: its first statement stays when its second fails
CREATE TABLE "Pet" ("id" SERIAL NOT NULL, CONSTRAINT "Pet_pkey" PRIMARY KEY ("id"));
COMMIT;
CREATE UNIQUE INDEX "User_nick_key" ON "User"("nick");
"""


class Client:
    """Prisma, installed by npm without its binaries: its engine in WebAssembly, over the driver of Node."""

    def __init__(self, folder: Path, shop: Shop) -> None:
        self._folder = folder
        self._env = {
            **os.environ, "DATABASE_URL": shop.owner, "MIGRATIONS": str(shop.folder), "CHECKPOINT_DISABLE": "1",
            "NO_COLOR": "1", "PRISMA_QUERY_ENGINE_LIBRARY": str(folder / "none"),
            "PRISMA_SCHEMA_ENGINE_BINARY": str(folder / "none"),
        }  # fmt: skip

    def __call__(self, *words: str) -> tuple[int, str]:
        """What ``prisma migrate …`` ends with, and says."""
        argv = ["node", "node_modules/prisma/build/index.js", "migrate", *words]
        done = subprocess.run(argv, cwd=self._folder, env=self._env, capture_output=True, text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def prisma(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if not (npm := shutil.which("npm")):
        pytest.skip("no npm is installed")
    folder = tmp_path_factory.mktemp("prisma")
    argv = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    if done.returncode:
        pytest.skip(f"npm can't install Prisma here: {done.stderr[-200:]}")
    (folder / "schema.prisma").write_text(SCHEMA)
    (folder / "prisma.config.ts").write_text(CONFIG)
    (folder / "none").touch(0o700)
    return Client(folder, shop)


@pytest.mark.slow
async def test_every_state_is_told_as_prisma_tells_it(prisma: Client, shop: Shop) -> None:
    shop.write("migration_lock.toml", 'provider = "postgresql"\n')
    shop.write(f"{INIT}/migration.sql", FIRST)
    code, told = prisma("deploy")
    assert code == 0, told
    finding, causes = await shop.looked(tool="prisma")
    assert (causes, prisma("status")[0]) == ([], 0), finding.summary

    shop.write(f"{MORE}/migration.sql", SECOND)
    code, told = prisma("status")
    assert (code, MORE in told) == (1, True)
    assert f"1 pending: {MORE}" in (await shop.looked(tool="prisma"))[0].summary

    shop.sql("insert into \"User\" (nick) values ('a'), ('a')")
    code, told = prisma("deploy")
    assert (code, "Unique constraint failed" in told) == (1, True), told
    finding, [cause] = await shop.looked(tool="prisma")
    assert (finding.status, cause.object.id) == (Status.BAD, MORE)
    evidence = "\n".join(cause.evidence)
    assert 'there: table "Pet"' in evidence
    assert 'missing: index "User_nick_key"' in evidence
    assert "P3009" in prisma("deploy")[1]

    shop.sql('drop table "Pet"')
    back = {"version": MORE, "back": True}
    _, outcome, verified = await shop.does("migrate.mark", back, tool="prisma")
    assert (outcome.result, verified.verdict) == (Result.DONE, Verified.PASSED)
    # Prisma's own status is content with it now; its deploy applies it all the same, as Hutch says.
    assert f"1 pending: {MORE}" in (await shop.looked(tool="prisma"))[0].summary

    shop.sql('delete from "User"')
    code, told = prisma("deploy")
    assert (code, MORE in told) == (0, True), told
    finding, causes = await shop.looked(tool="prisma")
    assert (causes, prisma("status")[0]) == ([], 0), finding.summary

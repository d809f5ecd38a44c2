"""Documents: structure, roles, lines, anchors; any CommonMark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from hutch.model.runbook import Document, Role, Runbook, Section, Step
from hutch.model.units import UNITS
from hutch.runbook.errors import RunbookError
from hutch.runbook.parse import parse
from hutch.runbook.words import role_of

Effort = Callable[[Callable[[], object]], int]
BAD = Path(__file__).resolve().parents[2] / "data" / "runbooks"


def every_step(document: Document) -> list[Step]:
    return [step for runbook in document.runbooks for _, step in runbook.steps()]


def section(document: Document, runbook: str, title: str) -> Section:
    return next(s for r in document.runbooks if r.id == runbook for s in r.sections if s.title == title)


def texts(document: Document) -> list[str]:
    return [s.text for step in every_step(document) for s in step.statements]


def outline(runbook: Runbook) -> list[tuple[str, str, int | None]]:
    return [(s.title, s.role.value, s.option) for s in runbook.sections]


# ------------------------------------------------------------------ the source document


def test_the_seed_has_ten_chapters_beside_its_contents(seed: Document) -> None:
    assert seed.title == "RoleRabbit Operational Runbooks"
    assert [c.title for c in seed.chapters] == [
        "Incident Response Overview",
        "Service Outage",
        "Database Issues",
        "Security Incidents",
        "Performance Degradation",
        "Data Loss / Corruption",
        "Deployment Rollback",
        "Scaling Operations",
        "Monitoring & Alerts",
        "Post-Incident Review Template",
    ]
    assert [c.line for c in seed.chapters] == [21, 85, 240, 395, 540, 605, 674, 742, 792, 861]


def test_the_seed_has_these_runbooks(seed: Document) -> None:
    assert [(r.id, r.line) for r in seed.runbooks] == [
        ("incident-response-overview", 21),
        ("service-outage", 85),
        ("high-cpu-usage", 242),
        ("connection-pool-exhausted", 291),
        ("database-migration-failed", 342),
        ("suspected-data-breach", 397),
        ("brute-force-attack", 498),
        ("high-response-times", 542),
        ("accidental-data-deletion", 607),
        ("database-corruption", 647),
        ("deployment-rollback", 674),
        ("scale-up-increased-load", 744),
        ("scale-down-reduced-load", 780),
        ("monitoring--alerts", 792),
        ("post-incident-review-template", 861),
    ]
    assert seed.runbooks[2].chapter == "Database Issues"


def test_every_block_of_the_seed_with_its_line(seed: Document, seed_text: str) -> None:
    steps = every_step(seed)
    assert Counter(s.lang for s in steps) == {"bash": 25, "sql": 14, "typescript": 4, "markdown": 2, "yaml": 1, "": 2}
    fences = [n for n, line in enumerate(seed_text.split("\n"), 1) if line.startswith("```")]
    assert [s.line for s in steps] == fences[::2]


def test_every_heading_and_label_of_the_seed_with_its_line(seed: Document, seed_text: str) -> None:
    lines = seed_text.split("\n")
    places = {s.line: s.title for r in seed.runbooks for s in r.sections}
    places |= {r.line: r.title for r in seed.runbooks} | {f.line: f.title for f in seed.front}
    inside = False
    for number, line in enumerate(lines, 1):
        inside ^= line.startswith("```")
        bare = line.rstrip()
        heading, label = line.startswith("#"), bare.startswith("**") and bare.endswith("**")
        if not inside and (heading or label):
            assert places.get(number) == bare.strip("#* ").removesuffix(":")


def test_every_statement_of_the_seed_stands_where_it_says(seed: Document, seed_text: str) -> None:
    lines = seed_text.split("\n")
    statements = [s for step in every_step(seed) for s in step.statements]
    assert len(statements) == 94
    for one in statements:
        rest = "\n".join(lines[one.line - 1 :])
        assert rest.startswith(one.text)


def test_options_of_the_seed(seed: Document) -> None:
    options = [(s.option, s.title) for r in seed.runbooks for s in r.sections if s.role is Role.OPTION]
    assert options == [
        (1, "Option 1: Rollback Deployment"),
        (2, "Option 2: Restart Service"),
        (3, "Option 3: Scale Up"),
        (1, "Option 1: Rollback and Retry"),
        (2, "Option 2: Manual Fix"),
        (3, "Option 3: Reset (Development Only!)"),
        (1, "Vercel"),
        (2, "Railway"),
        (3, "AWS ECS"),
        (1, "Horizontal Scaling"),
        (2, "Vertical Scaling"),
        (3, "Database Scaling"),
    ]


def test_roles_of_a_seed_runbook(seed: Document) -> None:
    outage = seed.find("#service-outage")
    assert outage is not None
    assert outline(outage) == [
        ("Symptoms", "symptoms", None),
        ("Detection", "detection", None),
        ("Immediate Actions", "actions", None),
        ("Step 1: Verify Outage", "actions", None),
        ("Step 2: Check Infrastructure", "actions", None),
        ("Step 3: Check Dependencies", "actions", None),
        ("Step 4: Check Recent Changes", "actions", None),
        ("Resolution Steps", "resolution", None),
        ("Option 1: Rollback Deployment", "option", 1),
        ("Option 2: Restart Service", "option", 2),
        ("Option 3: Scale Up", "option", 3),
        ("Verification", "verification", None),
        ("Communication Template", "communication", None),
    ]
    assert section(seed, "service-outage", "Option 2: Restart Service").path == (
        "Service Outage",
        "Resolution Steps",
        "Option 2: Restart Service",
    )


def test_the_four_alert_rules_of_the_seed(seed: Document) -> None:
    assert [(r.name, str(r.condition), r.duration.total_seconds(), r.severity.label, r.line) for r in seed.rules] == [
        ("High Error Rate", "error_rate > 5%", 300, "SEV-2", 820),
        ("Database CPU High", "db_cpu > 80%", 600, "SEV-2", 825),
        ("Response Time Slow", "p95_response_time > 1000ms", 300, "SEV-3", 830),
        ("Service Down", "uptime < 100%", 60, "SEV-1", 835),
    ]


def test_links_of_the_seeds_contents_all_lead_somewhere(seed: Document) -> None:
    linked = ["service-outage", "database-issues", "data-loss--corruption", "monitoring--alerts", "scaling-operations"]
    found = [seed.find(anchor) for anchor in linked]
    assert [r.id for r in found if r] == [
        "service-outage",
        "high-cpu-usage",
        "accidental-data-deletion",
        "monitoring--alerts",
        "scale-up-increased-load",
    ]
    assert seed.anchors["table-of-contents"] == ""
    assert seed.find("#table-of-contents") is None


# ------------------------------------------------------------------ the same constructs in our own words


def test_constructs_are_divided_as_the_seed_is(constructs: Document) -> None:
    assert [r.id for r in constructs.runbooks] == [
        "how-we-respond-overview",
        "ticket-sales-down",
        "busy-database",
        "schema-change-failed",
        "stolen-passenger-list",
        "guessed-passwords",
        "deleted-by-mistake",
        "broken-pages",
        "deployment-rollback",
        "scale-up-more-passengers",
        "scale-down-winter",
        "monitoring--alerts",
        "post-incident-review-template",
    ]
    assert len(constructs.chapters) == 9
    assert [f.title for f in constructs.front][:2] == ["Ferrygate Runbooks", "Table of Contents"]


def test_constructs_have_these_roles(constructs: Document) -> None:
    found = {(r.id, s.title): (s.role.value, s.option) for r in constructs.runbooks for s in r.sections}
    assert found["ticket-sales-down", "Step 1: Verify"] == ("actions", None)
    assert found["ticket-sales-down", "Option 3: Add Capacity"] == ("option", 3)
    assert found["ticket-sales-down", "Communication Template"] == ("communication", None)
    assert found["busy-database", "Add Missing Indexes"] == ("resolution", None)
    assert found["busy-database", "Prevention"] == ("prevention", None)
    assert found["stolen-passenger-list", "Immediate Actions (SEV-1)"] == ("actions", None)
    assert found["stolen-passenger-list", "Step 3: Notify (Within 72 hours)"] == ("notification", None)
    assert found["deleted-by-mistake", "Recovery"] == ("recovery", None)
    assert found["deployment-rollback", "When to Rollback"] == ("symptoms", None)
    assert found["deployment-rollback", "Vercel"] == ("option", 1)
    assert found["deployment-rollback", "Database Rollback"] == ("resolution", None)
    assert found["scale-down-winter", "Scale Down (Winter)"] == ("resolution", None)
    assert found["monitoring--alerts", "Alert Thresholds"] == ("reference", None)
    assert found["monitoring--alerts", "Log Investigation"] == ("diagnosis", None)
    assert found["post-incident-review-template", "Post-Incident Review Template"] == ("template", None)
    assert found["how-we-respond-overview", "1. Detection"] == ("detection", None)


def test_constructs_have_these_blocks_and_rules(constructs: Document) -> None:
    assert Counter(s.lang for s in every_step(constructs)) == {
        "bash": 22, "sql": 9, "typescript": 3, "markdown": 2, "yaml": 1, "": 2,
    }  # fmt: skip
    assert [(r.name, r.line) for r in constructs.rules] == [("Sales Failing", 426), ("Gates Slow", 431)]


def test_expectations_and_comments_find_their_statement(constructs: Document) -> None:
    head, health = section(constructs, "ticket-sales-down", "Detection").steps[0].statements
    assert (head.text, head.line, [e.text for e in head.expects]) == (
        "curl -I https://ferrygate.example", 50, ["200 OK"],
    )  # fmt: skip
    assert head.expects[0].line == 51
    assert head.comments == ("Is the front page there?", "Should return 200 OK")
    assert health.comments == ("Does it know itself to be well?",)
    grown = section(constructs, "ticket-sales-down", "Option 3: Add Capacity").steps[0].statements[0]
    assert grown.text.endswith("--desired-count 4")
    assert grown.comments == ("More tasks", "Increase from 2 to 4")
    first = section(constructs, "ticket-sales-down", "Step 1: Verify").steps[0].statements[0]
    assert first.comments == ("From here", "Try from the office network too")


def test_what_a_person_does_by_hand_is_kept_as_notes(constructs: Document) -> None:
    step = section(constructs, "ticket-sales-down", "Step 4: Check Recent Changes").steps[0]
    assert [s.text for s in step.statements] == ["git log -5 --oneline"]
    assert step.notes == ("Was anything deployed?", "Compare its time with the first failure")


def test_prose_is_kept(constructs: Document) -> None:
    assert section(constructs, "ticket-sales-down", "Symptoms").text == "- Gates show 503\n- No sales for a minute"
    last = section(constructs, "post-incident-review-template", "Post-Incident Review Template")
    assert "**Review Schedule:** Quarterly" in last.text


# ------------------------------------------------------------------ any CommonMark


def test_a_document_of_role_headings_is_one_runbook() -> None:
    found = parse(
        "# Queue is full\n\n## Meaning\nx\n## Diagnosis\n```sh\nls\n```\n## Mitigation\n```sh\nid\n```\n", "q.md"
    )
    assert [(r.id, r.title) for r in found.runbooks] == [("queue-is-full", "Queue is full")]
    assert outline(found.runbooks[0]) == [
        ("Meaning", "symptoms", None), ("Diagnosis", "diagnosis", None), ("Mitigation", "resolution", None),
    ]  # fmt: skip
    assert found.anchors == dict.fromkeys(("queue-is-full", "meaning", "diagnosis", "mitigation"), "queue-is-full")


def test_a_document_without_headings_is_one_runbook_named_for_its_file() -> None:
    found = parse("Do this:\n\n```sh\nuptime\n```\n", "folder/check-load.md")
    assert (found.title, found.runbooks[0].id) == ("check-load", "check-load")
    assert found.runbooks[0].sections[0].steps[0].name == "Do this"
    assert texts(found) == ["uptime"]


def test_blocks_before_the_first_chapter_are_a_runbook() -> None:
    found = parse("# Ops\n```sh\nuptime\n```\n## Disk\n```sh\ndf\n```\n## Load\n```sh\nw\n```\n", "ops.md")
    assert [(r.id, len(r.sections)) for r in found.runbooks] == [("ops", 1), ("disk", 1), ("load", 1)]
    assert texts(found) == ["uptime", "df", "w"]


def test_front_matter_gives_the_title_and_keeps_the_lines() -> None:
    found = parse("---\ntitle: Night shift\nowner: harbour\n---\n\n## Lamps\n\n```sh\nls\n```\n", "x.md")
    assert (found.title, found.meta["owner"]) == ("Night shift", "harbour")
    assert (found.runbooks[0].line, every_step(found)[0].line, every_step(found)[0].statements[0].line) == (6, 8, 9)


def test_dashes_that_are_no_front_matter_stay_markdown() -> None:
    found = parse("---\nnot a mapping\n---\n\n# Title\n", "x.md")
    assert found.meta == {}


def test_windows_and_old_line_ends_count_like_others() -> None:
    text = "# A\n\n## Detection\n\n```sh\n# Should return 1\nid \\\n  -u\n```\n"
    for end in ("\r\n", "\r"):
        found = parse(text.replace("\n", end), "a.md")
        assert [(s.text, s.line) for s in every_step(found)[0].statements] == [("id \\\n  -u", 7)]
        assert [e.text for e in every_step(found)[0].statements[0].expects] == ["1"]


def test_blocks_in_lists_quotes_tildes_and_indentation_are_steps_with_their_lines() -> None:
    text = (BAD / "nested.md").read_text()
    steps = sorted(every_step(parse(text, "nested.md")), key=lambda s: s.line)
    assert [(s.line, [(x.text, x.line) for x in s.statements]) for s in steps] == [
        (7, [("uptime", 8)]),
        (13, [("df -h", 14), ("du -s /var", 15)]),
        (18, [("free -m", 19)]),
        (24, [("vmstat", 25), ("iostat", 26)]),
        (31, [("cat <<EOF\n```\nnot the end\n```\nEOF", 32)]),
        (41, []),
    ]
    assert steps[-1].text == "indented code\n"
    assert [s.title for r in parse(text, "n").runbooks for s in r.sections][1:3] == [
        "Look at the load",
        "Look at disks",
    ]


def test_a_block_in_an_html_comment_is_no_block() -> None:
    found = parse("# A\n\n<!--\n```sh\nrm x\n```\n-->\n\n## Detection\n\n```sh\nls\n```\n", "a.md")
    assert texts(found) == ["ls"]


def test_same_headings_get_numbered_anchors() -> None:
    found = parse(
        "# T\n## A\n### Detection\n### Fix\n## B\n### Detection\n### Fix\n## A\n### Detection\n### Fix\n", "t.md"
    )
    assert [r.id for r in found.runbooks] == ["a", "b", "a-1"]
    assert found.anchors["detection-2"] == "a-1"


def test_markup_in_headings_is_taken_off() -> None:
    found = parse("# The `redis` **cache** & [more](http://x) {#cache}\n", "a.md")
    assert found.title == "The redis cache & more"
    assert list(found.anchors) == ["the-redis-cache--more"]


def test_text_in_any_script() -> None:
    found = parse("# Größe\n\n## Störung 監視\n\n**Detection:**\n\n```sh\necho ü\n```\n", "x.md")
    assert found.runbooks[0].id == "störung-監視"
    assert texts(found) == ["echo ü"]


def test_a_byte_order_mark_is_no_text() -> None:
    assert parse(b"\xef\xbb\xbf# A\n", "a.md").title == "A"


def test_an_empty_document_is_a_document() -> None:
    found = parse("", "empty.md")
    assert (found.title, found.runbooks, found.rules) == ("empty", (), ())


def test_ids_are_stable_under_edits_elsewhere(constructs: Document) -> None:
    text = (BAD / "constructs.md").read_text()
    edited = text.replace("### Symptoms\n", "More words.\n\n### Symptoms\n\n```sh\nuptime\n```\n", 1)
    before, after = constructs, parse(edited, "constructs.md")
    kept = {s.id for s in every_step(before)} & {s.id for s in every_step(after)}
    assert kept == {s.id for s in every_step(before)}
    assert before.hash != after.hash


def test_the_id_of_a_step_changes_with_its_content() -> None:
    one, other = (every_step(parse(f"# A\n```sh\n{c}\n```\n", "a.md"))[0].id for c in ("ls", "ls -l"))
    assert one.rpartition("-")[0] == other.rpartition("-")[0] != one
    assert one != other


def test_statement_ids_are_unique(constructs: Document) -> None:
    ids = [s.id for step in every_step(constructs) for s in step.statements]
    assert len(set(ids)) == len(ids)


# ------------------------------------------------------------------ bad documents


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bad-annotation.md", "5: malformed annotation: Expecting ',' delimiter at character 13; write flat JSON after "
         'the language: {"name":"check","hutch.effect":"read"}'),
        ("bad-annotation-nested.md", "5: annotation 'hutch.when' is not a string; write flat JSON after the language: "
         '{"name":"check","hutch.effect":"read"}'),
        ("bad-annotation-brace.md", "3: annotation 'name' holds a '}', where an annotation ends; leave it out"),
        ("bad-annotation-attribute.md", "3: malformed annotation '{ name= }'; write flat JSON after the language: "
         '{"name":"check","hutch.effect":"read"}'),
        ("bad-action-list.md", "6: action 'deploy.rollback': the arguments are a list; write 'key: value' lines"),
        ("bad-action-yaml.md", "7: action 'deploy.rollback': the arguments are not YAML (mapping values are not "
         "allowed here); correct them"),
        ("bad-rule-condition.md", "6: alert rule 'Hot': cannot read condition 'db_cpu is high'; write 'signal op "
         "number unit', as error_rate > 5%"),
        ("bad-rule-unit.md", "6: alert rule 'Hot': unknown unit 'bananas' in 'db_cpu > 80 bananas'; one of: "
         f"{', '.join(UNITS)}"),
        ("bad-rule-duration.md", "7: alert rule 'Hot': cannot read duration 'a while'; write a number and s, m, h "
         "or d, as 5m"),
        ("bad-rule-severity.md", "8: alert rule 'Hot': unknown severity 'urgent'; one of: SEV-1, SEV-2, SEV-3, SEV-4"),
        ("bad-rule-key.md", "7: alert rule 'Hot': unknown key 'duraton'; did you mean 'duration'?"),
        ("bad-rule-missing.md", "5: alert rule 'Hot': 'severity' is missing; add it"),
        ("bad-rule-yaml.md", "7: alert rules are not YAML: mapping values are not allowed here; correct the block"),
        ("bad-rule-list.md", "4: 'alerts' must be a list; begin each rule with '- name:'"),
    ],
)  # fmt: skip
def test_a_bad_document_is_one_clear_error(name: str, message: str) -> None:
    with pytest.raises(RunbookError) as error:
        parse((BAD / name).read_bytes(), name)
    assert str(error.value) == f"{name}:{message}"


def test_bytes_that_are_no_text_are_refused_with_their_line() -> None:
    with pytest.raises(RunbookError, match=r"^x.md:2: not UTF-8: byte 0xff; save the document as UTF-8$"):
        parse(b"# A\n\xff\n", "x.md")
    with pytest.raises(RunbookError, match=r"^x.md:3: not a text file: it holds a NUL byte; give a Markdown document$"):
        parse(b"# A\n\n\0", "x.md")


# ------------------------------------------------------------------ cost


def test_the_effort_grows_with_the_length_of_the_document(calls: Effort) -> None:
    text = (BAD / "constructs.md").read_text()
    once = calls(lambda: parse(text, "x.md"))
    tenfold = calls(lambda: parse(text * 10, "x.md"))
    assert tenfold < 12 * once


@pytest.mark.parametrize(
    "unit",
    ["# a\n", "**a**\n\n", "- x\n", "> q\n", "```sh\nls\n```\n", "```sh\necho 'a\n```\n", "[", "*", "`", "<!--", "a\n"],
)
def test_repetition_costs_no_more_than_its_length(calls: Effort, unit: str) -> None:
    once = calls(lambda: parse(unit * 200, "x.md"))
    tenfold = calls(lambda: parse(unit * 2000, "x.md"))
    assert tenfold < 14 * once + 20_000


@pytest.mark.parametrize("lang", ["sh", "sql", "console", "http"])
@pytest.mark.parametrize(
    "unit",
    ["'", '"', "$(", "`", "<<E\n", "[x] ", "$X ", "(", "$$", "/*", "# c\n", "a\n", "<x> ", "PID,", "{{", "case x in "],
)
def test_one_long_block_costs_no_more_than_its_length(calls: Effort, lang: str, unit: str) -> None:
    once = calls(lambda: parse(f"```{lang}\n{unit * 200}\n```\n", "x.md"))
    tenfold = calls(lambda: parse(f"```{lang}\n{unit * 2000}\n```\n", "x.md"))
    assert tenfold < 14 * once + 20_000


def test_deep_lists_swallow_nothing_that_comes_after_them() -> None:
    def nested(levels: int) -> str:
        return "# A\n\n## B\n\n" + "".join("  " * i + "- x\n" for i in range(levels)) + "\n## C\n\n```bash\nls\n```\n"

    document = parse(nested(45), "x.md")
    assert [s.text for r in document.runbooks for _, step in r.steps() for s in step.statements] == ["ls"]
    with pytest.raises(RunbookError, match=r"x\.md:\d+: lists are nested too deep to be read"):
        parse(nested(60), "x.md")


@pytest.mark.parametrize("levels", [40, 60, 99, 100, 120, 400])
@pytest.mark.parametrize("mark", ["- ", "> "], ids=["lists", "quotes"])
def test_a_statement_nested_deep_is_seen_or_the_document_is_refused(mark: str, levels: int) -> None:
    before = "> " * levels if mark == "> " else "  " * levels
    opening = "" if mark == "> " else "".join("  " * i + "- x\n" for i in range(levels)) + "\n"
    block = "".join(f"{before}{line}\n" for line in ("```sql", "DROP TABLE users;", "```"))
    try:
        document = parse(f"## Fix\n\n{opening}{block}", "x.md")
    except RunbookError as error:
        assert re.fullmatch(r"x\.md:\d+: (lists|quotes) are nested too deep to be read; make them flatter", str(error))
        assert levels > 48
    else:
        assert [s.text for r in document.runbooks for _, step in r.steps() for s in step.statements] == [
            "DROP TABLE users;"
        ]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ('{{% heading "whatsnext" %}}', "whatsnext"),
        ('{{< glossary_tooltip text="Pods" term_id="pod" >}} are down', "Pods are down"),
        ('Scale {{< feature-state state="beta" >}} up', "Scale up"),
        ("{{< toc >}}", "{{< toc >}}"),
        ("Restart {{ pod }}", "Restart {{ pod }}"),
    ],
)
def test_a_heading_made_by_hugo_is_its_words(heading: str, title: str) -> None:
    body = "\n\n### Diagnosis\n\n```sh\nls\n```\n\n"
    found = parse(f"# Night\n\n## {heading}{body}## Other{body}", "night.md")
    assert found.runbooks[0].title == title


def test_stakeholders_are_communicated_with() -> None:
    assert role_of("Stakeholders") is Role.COMMUNICATION

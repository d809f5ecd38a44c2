"""The form for reports about pages: plain HTML, no script, no style, nothing from elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from rolerabbit import reports
from rolerabbit.web.access import ip_of, parts_of
from rolerabbit.web.limits import allow
from rolerabbit.web.pages import html

router = APIRouter(tags=["pages"])

MAX_BODY: Final = 20_000
LIMITS: Final = {"page": 300, "message": 4000, "email": 254}
CSP: Final = "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in."""

    page: str = ""
    reason: str = "other"
    message: str = ""
    email: str = ""

    def problem(self) -> str:
        """What is wrong with it, for the person who filled it in; empty when nothing is."""
        if not self.message:
            return "Please say what is wrong."
        if self.reason not in reports.REASONS:
            return "Please choose one of the reasons."
        if self.email and ("@" not in self.email or any(c.isspace() for c in self.email)):
            return "This is no address of yours that we could answer to."
        long = next((name for name, limit in LIMITS.items() if len(getattr(self, name)) > limit), None)
        if "\0" in self.page + self.message + self.email:
            return "Please use text only."
        return f"The field “{long}” may have at most {LIMITS[long]} characters." if long else ""


def read_form(body: bytes) -> Form:
    """The form as a browser sends it; what is no UTF-8 is replaced, fields that are not ours are left out."""
    found = parse_qs(body.decode("utf-8", "replace"), max_num_fields=20)
    fields = {name: found[name][0].strip() for name in ("page", "reason", "message", "email") if name in found}
    return Form(**fields)


@router.api_route("/report", methods=["GET", "HEAD"])
async def show(page: str = "") -> HTMLResponse:
    """The empty form; `?page=` fills in which page it is about."""
    return _form(Form(page=page[: LIMITS["page"]]))


@router.post("/report")
async def send(request: Request) -> HTMLResponse:
    """201 with the number of the report; 422 with the form and what is wrong with it."""
    try:
        await allow(request, "report")
    except HTTPException as error:
        answer = _form(Form(), "Too many reports came from your address. Please try again later.", error.status_code)
        answer.headers.update(error.headers or {})
        return answer
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return _form(Form(), f"A report may have at most {LIMITS['message']} characters.", 413)
    try:
        form = read_form(body)
    except ValueError:
        return _form(Form(), "This form can't be read.", 422)
    problem = form.problem()
    if problem:
        return _form(form, problem, 422)
    async with parts_of(request).pool.connection() as connection:
        number = await reports.add(connection, form.page, form.reason, form.message, form.email, ip_of(request))
    return html("Thank you", f"<p>We have your report. Its number is {number}.</p>", 201, CSP)


def _form(form: Form, problem: str = "", status: int = 200) -> HTMLResponse:
    options = "".join(
        f'<option value="{value}"{" selected" if value == form.reason else ""}>{escape(text)}</option>'
        for value, text in reports.REASONS.items()
    )
    note = f'<p role="alert"><strong>{escape(problem)}</strong></p>' if problem else ""
    body = f"""{note}<form method="post" action="/report">
<p><label for="page">Which page?</label><br>
<input id="page" name="page" maxlength="{LIMITS["page"]}" value="{escape(form.page)}"></p>
<p><label for="reason">What is it about?</label><br><select id="reason" name="reason">{options}</select></p>
<p><label for="message">What is wrong?</label><br>
<textarea id="message" name="message" required rows="8" cols="60" maxlength="{LIMITS["message"]}">
{escape(form.message)}</textarea></p>
<p><label for="email">Your address, if you want an answer</label><br>
<input id="email" name="email" type="email" autocomplete="email" maxlength="{LIMITS["email"]}"
value="{escape(form.email)}"></p>
<p><button type="submit">Send the report</button></p>
</form>"""
    return html("Report a page", body, status, CSP)

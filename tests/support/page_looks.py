"""What a page is looked at for, in its own browser: each is a program that lists what is amiss."""

from __future__ import annotations

WIDE = """() => [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1
  && !e.closest('.scrolls, .scroll, .ways, .unseen, pre, [role=log]')).map((e) => e.outerHTML.slice(0, 80))"""
BELOW = """() => {
  const gap = document.documentElement.scrollHeight - document.querySelector("main").getBoundingClientRect().bottom;
  return gap - scrollY > 0.5 * innerHeight && document.documentElement.scrollHeight > innerHeight ? [gap] : [];
}"""
"""A page that can be scrolled past what stands on it, by more than half a screen."""

SMALL = """() => [...document.querySelectorAll('button, select, summary, input, a.button')]
  .filter((e) => e.checkVisibility() && !['hidden', 'checkbox'].includes(e.type))
  .filter((e) => e.getBoundingClientRect().height < 43.5).map((e) => e.outerHTML.slice(0, 80))"""

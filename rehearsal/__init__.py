"""``python -m rehearsal``: every statement of a runbook document, under the fault that its chapter is for.

``script`` reads which chapter is played under which fault, on which platform, and what its names stand for there;
``stage`` sets that up; ``play`` has Hutch run the chapter and asks for each statement; ``account`` reads the journals;
``report`` writes them down, statement by statement, so that none is left out in silence.
"""

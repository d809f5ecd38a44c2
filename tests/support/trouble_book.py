"""The runbook of the tests that kill: a read, a change that its service counts, and its verification."""

from __future__ import annotations

RUNBOOK = """# Trouble

## Trouble

### Detection

```bash
cat state
```

### Resolution

**Option 1: Roll back**

```bash
./rollback
```

### Verification

```bash
cat state
# Should return 42
```
"""

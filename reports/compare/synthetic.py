"""What do the self-tests of comparisons read besides results files?  Audits made up as wanted."""


def audit_row(**changes):
    """A searched row of an audit, changed as asked."""
    return {
        "subject": "torch.nn.HuberLoss",
        "loss": "HuberLoss",
        "contract": "huber_loss",
        "quantity": "value",
        "dtype": "float32",
        "mode": "eager",
        "device": "cpu",
        "kind": "searched",
        "worst_ulp": 1.5,
        "worst_ratio": 0.5,
        "worst": None,
        "grade": "B",
        "promise": "B",
        "evaluations": 1000,
        "sharpness": 2.0,
        "known": [],
        "note": None,
    } | changes


def audit(rows, complete=True, **header):
    """An audit file with these rows."""
    return {
        "schema": 1,
        "header": {
            "suite_version": "0.1.0",
            "environment": {"torch": "9.9.9"},
            "command": ["python", "-m", "conformance.audit"],
            "seed": 0,
            "effort": "gate",
            "started": "2025-01-01T00:00:00Z",
        }
        | header,
        "rows": rows,
        "footer": {"complete": complete},
    }

"""How each parameter of a day was distributed: `statistics.parameter_daily`."""

from collections import defaultdict

import numpy

from delivered import Unusable, check_columns, number, required, utc_day

MEASURED = (
    "n1_pct",
    "n2_pct",
    "egt_c",
    "egt_margin_c",
    "fuel_flow_kg_h",
    "oil_pressure_psi",
    "oil_temp_c",
    "vibration_ips",
    "altitude_ft",
    "mach",
    "tat_c",
)


def parameter_daily(performance, recordings):
    check_columns(performance, MEASURED)
    cells = defaultdict(list)
    for where, row in performance:
        day, tail = utc_day(where, row, "recorded_at"), required(where, row, "tail")
        position, phase = required(where, row, "engine_position"), required(where, row, "phase")
        for parameter in MEASURED:
            value = number(where, row, parameter)
            if value is not None:
                cells[day, tail, position, phase, parameter].append(value)
    for where, row in recordings:
        day, tail = utc_day(where, row, "started_at"), required(where, row, "tail")
        for parameter, samples in required(where, row, "parameters").items():
            known = [sample for sample in samples if sample is not None]
            if known:
                cells[day, tail, None, None, parameter].extend(known)

    for (day, tail, position, phase, parameter), values in cells.items():
        sample = numpy.asarray(values, dtype=float)
        if not numpy.isfinite(sample).all():
            raise Unusable(f"{parameter} of {tail} on {day}: not finite")
        p05, p50, p95 = numpy.percentile(sample, (5, 50, 95), method="linear")
        yield {
            "date": day.isoformat(),
            "tail": tail,
            "engine_position": position,
            "phase": phase,
            "parameter": parameter,
            "count": len(values),
            "mean": float(sample.mean()),
            "stddev": float(sample.std(ddof=1)) if len(values) > 1 else None,
            "min": float(sample.min()),
            "p05": float(p05),
            "p50": float(p50),
            "p95": float(p95),
            "max": float(sample.max()),
        }

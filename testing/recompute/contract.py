"""The tables that are recomputed: their keys, and how closely two computations must agree."""

DISPATCH = "operations.dispatch_reliability"
UTILIZATION = "operations.utilization"
COMPONENT = "reliability.component"
ATA_ALERT = "reliability.ata_alert"
ROGUE_UNIT = "reliability.rogue_unit"
REPETITIVE_DEFECT = "reliability.repetitive_defect"
LIFE = "reliability.int_life"
SURVIVAL_CURVE = "reliability.survival_curve"
LIFE_MODEL = "reliability.life_model"
REPAIR_TREND = "reliability.repair_trend"
PARAMETER_DAILY = "statistics.parameter_daily"

KEYS = {
    DISPATCH: ("month", "tail"),
    UTILIZATION: ("month", "tail"),
    COMPONENT: ("month", "part_number"),
    ATA_ALERT: ("month", "ata", "alert_rule"),
    ROGUE_UNIT: ("as_of", "part_number", "serial"),
    REPETITIVE_DEFECT: ("as_of", "tail", "ata"),
    LIFE: ("as_of", "tail", "position", "observed_from"),
    SURVIVAL_CURVE: ("as_of", "part_number", "hours"),
    LIFE_MODEL: ("as_of", "part_number", "distribution"),
    REPAIR_TREND: ("as_of", "scope", "tail", "ata"),
    PARAMETER_DAILY: ("date", "tail", "engine_position", "phase", "parameter"),
}

COUNTS = {
    DISPATCH: ("scheduled_departures", "technical_delays", "technical_cancellations", "diversions", "air_turnbacks"),
    UTILIZATION: ("flight_cycles", "aircraft_days"),
    COMPONENT: tuple(
        count + window
        for count in ("unscheduled_removals", "removals", "confirmed_failures", "nff", "months")
        for window in ("", "_3m", "_12m")
    ),
    ATA_ALERT: ("pireps", "mareps", "months_before", "months_in_alert"),
    ROGUE_UNIT: ("removals_12m", "nff_12m", "tails"),
    REPETITIVE_DEFECT: ("reports",),
    LIFE: (),
    SURVIVAL_CURVE: ("at_risk", "failures"),
    LIFE_MODEL: ("failures", "suspensions"),
    REPAIR_TREND: ("failures",),
    PARAMETER_DAILY: ("count",),
}

# Tables that may well be empty: few fleets have such a unit or defect on a given day.
MAY_BE_EMPTY = (ROGUE_UNIT, REPETITIVE_DEFECT, SURVIVAL_CURVE)

# Columns that say who wrote a row and when, never compared.
RESERVED = ("run_id", "computed_at")

RELATIVE_TOLERANCE = 1e-9
# Sums of hours that differ in the order of addition leave this much where the exact figure is 0.
ABSOLUTE_TOLERANCE = 1e-12

# Two optimisers meet at a maximum only as closely as the likelihood is flat there.
FITTED_TOLERANCE = 1e-6
FITTED_BOUND_TOLERANCE = 1e-5


def is_count(table, column):
    return column in COUNTS[table]


def relative_tolerance(table, column):
    if table == LIFE_MODEL:
        return FITTED_BOUND_TOLERANCE if column.endswith(("_lower", "_upper")) else FITTED_TOLERANCE
    if table == REPAIR_TREND and column in ("beta", "beta_lower", "beta_upper", "lambda", "mtbf_instantaneous_hours"):
        return FITTED_TOLERANCE
    return RELATIVE_TOLERANCE

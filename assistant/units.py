"""Units of measure and currencies, by any of their names. Pure.

Factors to the base units are those of the international yard and pound agreement of 1959 and
of the SI brochure; a gallon and a ton are taken as the imperial ones.
"""

UNITS: dict[str, tuple[float, str]] = {
    "length": (1.0, "m metre metres meter meters"),
    "length mm": (0.001, "mm millimetre millimetres millimeter millimeters"),
    "length cm": (0.01, "cm centimetre centimetres centimeter centimeters"),
    "length km": (1000.0, "km kilometre kilometres kilometer kilometers"),
    "length in": (0.0254, "inch inches"),
    "length ft": (0.3048, "ft foot feet"),
    "length yd": (0.9144, "yd yard yards"),
    "length mi": (1609.344, "mile miles"),
    "mass": (1.0, "kg kilogram kilograms kilo kilos"),
    "mass g": (0.001, "g gram grams gramme grammes"),
    "mass t": (1000.0, "t tonne tonnes"),
    "mass ton": (1016.0469, "ton tons"),
    "mass lb": (0.45359237, "lb lbs"),
    "mass oz": (0.028349523, "oz ounce ounces"),
    "volume": (1.0, "l litre litres liter liters"),
    "volume ml": (0.001, "ml millilitre millilitres milliliter milliliters"),
    "volume gal": (4.54609, "gallon gallons"),
    "area ha": (10_000.0, "ha hectare hectares"),
    "area ac": (4046.8564, "acre acres"),
    "time": (1.0, "s sec secs second seconds"),
    "time min": (60.0, "min mins minute minutes"),
    "time h": (3600.0, "h hr hrs hour hours"),
    "time d": (86400.0, "day days"),
    "time w": (604800.0, "week weeks"),
    "months": (1.0, "month months"),
    "months y": (12.0, "year years yr yrs"),
    "speed": (1.0, "knot knots kn"),
    "speed kmh": (0.539957, "km/h kph kmh"),
    "speed mph": (0.868976, "mph"),
    "pressure": (1.0, "hpa mbar millibar millibars"),
    "power": (1.0, "w watt watts"),
    "power kw": (1000.0, "kw kilowatt kilowatts"),
    "power mw": (1e6, "mw megawatt megawatts"),
    "data": (1.0, "mb megabyte megabytes"),
    "data gb": (1000.0, "gb gigabyte gigabytes"),
    "data kb": (0.001, "kb kilobyte kilobytes"),
    "percent": (1.0, "% percent pct"),
    "currency £": (1.0, "£ gbp pound pounds"),
    "currency £ p": (0.01, "pence p"),
    "currency $": (1.0, "$ usd us$ dollar dollars"),
    "currency € ": (1.0, "€ eur euro euros"),
    "currency ¢": (0.01, "cent cents"),
    "currency ¥": (1.0, "¥ jpy yen"),
}
"""Unit's dimension (its first words) → (factor to the base unit, spellings)."""

_DIMENSIONS = {"currency": 2}
"""Words of a `UNITS` name that make its dimension, where that is not the first alone."""

UNIT_OF = {
    word: (" ".join(name.split()[: _DIMENSIONS.get(name.split()[0], 1)]), factor)
    for name, (factor, words) in UNITS.items()
    for word in words.split()
}
